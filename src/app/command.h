/* app/command.h - what a command of the program is: a row that says how it is called, what its
 * options mean, and what runs.
 *
 * Each file of commands ends in its rows, and the one table (commands.c) names the files. From the
 * rows come reading and checking of the words, usage errors, `--help` at each level, the man page
 * (docs/penstock.1), docs/cli.md, and completion in shells; so a command is complete when its row
 * is. To add one: a row in the file of its noun, that row's `run`, and for a new file its rows in
 * command_sets[]; then `make docs`. Threads: main thread. */
#ifndef PENSTOCK_APP_COMMAND_H
#define PENSTOCK_APP_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Exit codes: done; failed, with a sentence on stderr; wrong usage; the gateway or object asked for
 * is not there. A row tells others of its own in `exits`. */
enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_ABSENT = 3 };

/* What a value may be, which also says what a shell offers for it. */
enum value_kind {
    VALUE_TEXT,
    VALUE_NUMBER,  /* whole, from min to max */
    VALUE_SECONDS, /* the same, of seconds */
    VALUE_CHOICE,  /* one of `choices` */
    VALUE_FILE,
    VALUE_FOLDER,
    VALUE_ACCOUNT,    /* id or label; the running gateway is asked for labels */
    VALUE_CLIENT_KEY, /* name of a client key, likewise */
    VALUE_COMMAND,    /* a command of this table */
};

struct value_rule {
    enum value_kind kind;
    int64_t min, max;
    /* The i-th word that is allowed; NULL behind the last. */
    const char *(*choice)(size_t i);
};

#define IS_NUMBER(from, to)                              \
    {                                                    \
        .kind = VALUE_NUMBER, .min = (from), .max = (to) \
    }
#define IS_SECONDS(from, to)                              \
    {                                                     \
        .kind = VALUE_SECONDS, .min = (from), .max = (to) \
    }
#define IS_CHOICE(fn)                        \
    {                                        \
        .kind = VALUE_CHOICE, .choice = (fn) \
    }
#define IS(what)             \
    {                        \
        .kind = VALUE_##what \
    }

struct command_option {
    const char *name;  /* `--max-wait` */
    const char *value; /* what its value is called, `S`; NULL: a flag */
    const char *help;  /* one sentence without its full stop, with the default in brackets */
    struct value_rule rule;
    const char *section; /* heading that it begins in a long help; NULL: none */
    char letter;         /* `-v`; 0: none */
    bool required, repeats;
};

struct command_operand {
    const char *name; /* `ACCOUNT` */
    const char *help;
    struct value_rule rule;
    bool optional, repeats; /* repeats: the last one only */
};

/* Options that many commands share. */
enum {
    TAKES_DATA_DIR = 1, /* --data-dir D */
    TAKES_JSON = 2,     /* --json */
};

struct command_line;

struct command {
    const char *path;                       /* `bindings list`, or `bindings` for what they share */
    const char *brief;                      /* a line of the list of commands */
    const char *about;                      /* sentences, paragraphs apart by an empty line */
    const struct command_option *options;   /* NULL, or ended by a row without a name */
    const struct command_operand *operands; /* the same */
    const char *const *examples;            /* NULL, or `COMMAND # what it does`, ended by NULL */
    const char *const *exits;               /* NULL, or `3: no gateway runs`, ended by NULL */
    unsigned takes;
    /* NULL: one of its sub-commands is wanted. */
    int (*run)(const struct command_line *line);
    bool hidden; /* not told of */
};

/* --- words that many rows allow (commands.c) */

const char *choice_mode(size_t i);
const char *choice_provider(size_t i);
const char *choice_tier(size_t i);
const char *choice_wire(size_t i);

/* --- the table (commands.c) */

/* The i-th command, sub-commands behind what they belong to; NULL behind the last. */
const struct command *command_at(size_t i);
/* The longest path that the words begin with; `used` gets how many of them it takes. */
const struct command *command_find(char *const *words, size_t count, size_t *used);
/* Is `c` a sub-command of `group`; of NULL: a command of the first level? */
bool command_is_below(const struct command *c, const struct command *group);
/* The i-th option that it takes, shared ones too; NULL behind the last. */
const struct command_option *command_option_at(const struct command *c, size_t i);

/* --- the words of one call (command_line.c) */

/* Runs what the words ask for: help, a command, or a complaint. */
int command_run(int argc, char **argv);

const struct command *line_command(const struct command_line *line);
bool line_flag(const struct command_line *line, const char *option);
/* The value that was given (the last, when several were), else `or_else`. */
const char *line_text(const struct command_line *line, const char *option, const char *or_else);
int64_t line_number(const struct command_line *line, const char *option, int64_t or_else);
/* The i-th value of an option that repeats; NULL behind the last. */
const char *line_text_at(const struct command_line *line, const char *option, size_t i);
/* The i-th operand; NULL: it was not given. */
const char *line_operand(const struct command_line *line, size_t i);
/* `--data-dir`, and `--json`. */
const char *line_data_dir(const struct command_line *line);
bool line_json(const struct command_line *line);
/* Complains about how it was called; gives EXIT_USAGE. */
int line_wrong(const struct command_line *line, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Tells what failed, `penstock why: …` on stderr; gives EXIT_FAILED. */
int line_failed(const struct command_line *line, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* --- rows of the files beside this one */

extern const struct command accounts_commands[];
extern const struct command accounts_export_commands[];
extern const struct command accounts_live_commands[];
extern const struct command completion_commands[];
extern const struct command capture_commands[];
extern const struct command connect_commands[];
extern const struct command doctor_commands[];
extern const struct command help_commands[];
extern const struct command import_commands[];
extern const struct command keys_commands[];
extern const struct command lockouts_commands[];
extern const struct command logs_commands[];
extern const struct command master_key_commands[];
extern const struct command open_commands[];
extern const struct command password_commands[];
extern const struct command prices_commands[];
extern const struct command replay_commands[];
extern const struct command route_commands[];
extern const struct command scheduling_commands[];
extern const struct command serve_commands[];
extern const struct command serving_commands[];
extern const struct command simulate_commands[];
extern const struct command status_commands[];
extern const struct command usage_commands[];
extern const struct command why_commands[];

#endif
