#include "app/command_line.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "app/help.h"

/* --- finding rows ------------------------------------------------------------------------------
 */

const struct command_option *line_option_find(const struct command *c, const char *word,
                                              const char **value)
{
    const struct command_option *o;

    *value = NULL;
    for (size_t i = 0; (o = command_option_at(c, i)) != NULL; i++) {
        size_t len = strlen(o->name);

        if (word[0] == '-' && o->letter != '\0' && word[1] == o->letter && word[2] == '\0')
            return o;
        if (strncmp(word, o->name, len) != 0 || (word[len] != '\0' && word[len] != '='))
            continue;
        *value = word[len] == '=' ? word + len + 1 : NULL;
        return o;
    }
    return NULL;
}

const struct command_operand *command_operand_at(const struct command *c, size_t i)
{
    const struct command_operand *p = c->operands;

    for (; p != NULL && p->name != NULL; p++)
        if (i-- == 0 || p->repeats)
            return p;
    return NULL;
}

/* --- checking values ---------------------------------------------------------------------------
 */

static bool value_complain(struct buf *wrong, const char *name, const char *value,
                           const struct value_rule *rule)
{
    (void)buf_printf(wrong, "%s wants ", name);
    switch (rule->kind) {
    case VALUE_NUMBER:
    case VALUE_SECONDS:
        (void)buf_printf(wrong, "%s from %" PRId64 " to %" PRId64,
                         rule->kind == VALUE_SECONDS ? "whole seconds" : "a number", rule->min,
                         rule->max);
        break;
    case VALUE_CHOICE:
        (void)buf_add(wrong, STR("one of"));
        for (size_t i = 0; rule->choice(i) != NULL; i++)
            (void)buf_printf(wrong, "%s %s", i > 0 ? "," : "", rule->choice(i));
        break;
    case VALUE_TEXT:
    case VALUE_FILE:
    case VALUE_FOLDER:
    case VALUE_ACCOUNT:
    case VALUE_CLIENT_KEY:
    case VALUE_COMMAND:
        (void)buf_add(wrong, STR("a value"));
        break;
    }
    (void)buf_printf(wrong, ", not `%.*s`", STR_ARG(str_take(str_c(value), 80)));
    return false;
}

static bool value_check(const char *name, const char *value, const struct value_rule *rule,
                        struct buf *wrong)
{
    int64_t n;

    switch (rule->kind) {
    case VALUE_NUMBER:
    case VALUE_SECONDS:
        if (str_to_i64(str_c(value), &n) && n >= rule->min && n <= rule->max)
            return true;
        return value_complain(wrong, name, value, rule);
    case VALUE_CHOICE:
        for (size_t i = 0; rule->choice(i) != NULL; i++)
            if (strcmp(rule->choice(i), value) == 0)
                return true;
        return value_complain(wrong, name, value, rule);
    case VALUE_FILE:
    case VALUE_FOLDER:
    case VALUE_ACCOUNT:
    case VALUE_CLIENT_KEY:
    case VALUE_COMMAND:
        return value[0] != '\0' || value_complain(wrong, name, value, rule);
    case VALUE_TEXT:
        return true;
    }
    return true;
}

/* --- reading -----------------------------------------------------------------------------------
 */

static bool complain(struct buf *wrong, const char *what, const char *which)
{
    (void)buf_printf(wrong, "%s `%.*s`", what, STR_ARG(str_take(str_c(which), 80)));
    return false;
}

static bool is_given(const struct command_line *line, const struct command_option *o)
{
    for (size_t i = 0; i < line->given_count; i++)
        if (line->given[i].option == o)
            return true;
    return false;
}

static bool take_option(struct command_line *line, int argc, char **argv, int *at,
                        struct buf *wrong)
{
    const char *inside;
    const struct command_option *o = line_option_find(line->command, argv[*at], &inside);

    if (o == NULL)
        return complain(wrong, "there is no option", argv[*at]);
    if (o->value == NULL && inside != NULL)
        return complain(wrong, "no value is taken by", o->name);
    if (is_given(line, o) && o->value != NULL && !o->repeats)
        return complain(wrong, "given twice:", o->name);
    if (line->given_count == LINE_GIVEN_MAX)
        return complain(wrong, "too many options: no room for", argv[*at]);
    line->given[line->given_count].option = o;
    if (o->value != NULL && inside == NULL) {
        if (*at + 1 == argc)
            return complain(wrong, "a value is missing behind", argv[*at]);
        inside = argv[++*at];
    }
    line->given[line->given_count++].value = inside;
    return o->value == NULL || value_check(o->name, inside, &o->rule, wrong);
}

static bool take_operand(struct command_line *line, const char *word, struct buf *wrong)
{
    const struct command_operand *p = command_operand_at(line->command, line->operand_count);

    if (p == NULL || line->operand_count == LINE_OPERANDS_MAX)
        return complain(wrong, "there is a word too many:", word);
    line->operands[line->operand_count++] = word;
    return value_check(p->name, word, &p->rule, wrong);
}

/* Is all there that must be? */
static bool line_is_whole(const struct command_line *line, struct buf *wrong)
{
    const struct command_option *o;
    const struct command_operand *p;

    for (size_t i = 0; (o = command_option_at(line->command, i)) != NULL; i++)
        if (o->required && !is_given(line, o)) {
            (void)buf_printf(wrong, "%s %s is missing", o->name, o->value);
            return false;
        }
    p = command_operand_at(line->command, line->operand_count);
    if (p == NULL || p->optional || (p->repeats && line->operand_count > 0))
        return true;
    (void)buf_printf(wrong, "%s is missing", p->name);
    return false;
}

bool line_read(struct command_line *line, const struct command *c, int argc, char **argv,
               struct buf *wrong)
{
    bool options = true;

    *line = (struct command_line){ .command = c };
    for (int i = 0; i < argc; i++) {
        if (options && strcmp(argv[i], "--") == 0) {
            options = false;
        } else if (options && argv[i][0] == '-' && argv[i][1] != '\0') {
            if (!take_option(line, argc, argv, &i, wrong))
                return false;
            if (line_flag(line, "--help"))
                return true; /* whatever else is wrong */
        } else if (!take_operand(line, argv[i], wrong)) {
            return false;
        }
    }
    return line_is_whole(line, wrong);
}

/* --- what a command asks -----------------------------------------------------------------------
 */

const struct command *line_command(const struct command_line *line)
{
    return line->command;
}

const char *line_text_at(const struct command_line *line, const char *option, size_t i)
{
    for (size_t k = 0; k < line->given_count; k++)
        if (strcmp(line->given[k].option->name, option) == 0 && i-- == 0)
            return line->given[k].value;
    return NULL;
}

const char *line_text(const struct command_line *line, const char *option, const char *or_else)
{
    const char *text = or_else;

    for (size_t k = 0; k < line->given_count; k++)
        if (strcmp(line->given[k].option->name, option) == 0)
            text = line->given[k].value;
    return text;
}

bool line_flag(const struct command_line *line, const char *option)
{
    for (size_t k = 0; k < line->given_count; k++)
        if (strcmp(line->given[k].option->name, option) == 0)
            return true;
    return false;
}

int64_t line_number(const struct command_line *line, const char *option, int64_t or_else)
{
    const char *text = line_text(line, option, NULL);
    int64_t n = or_else;

    if (text != NULL) {
        bool good = str_to_i64(str_c(text), &n);

        assert(good); /* line_read() has seen to it */
    }
    return n;
}

const char *line_operand(const struct command_line *line, size_t i)
{
    return i < line->operand_count ? line->operands[i] : NULL;
}

const char *line_data_dir(const struct command_line *line)
{
    return line_text(line, "--data-dir", NULL);
}

bool line_json(const struct command_line *line)
{
    return line_flag(line, "--json");
}

int line_wrong(const struct command_line *line, const char *format, ...)
{
    va_list args;

    fprintf(stderr, "penstock %s: ", line->command->path);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    help_put_usage(stderr, line->command);
    return EXIT_USAGE;
}

int line_failed(const struct command_line *line, const char *format, ...)
{
    va_list args;

    fprintf(stderr, "penstock %s: ", line->command->path);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return EXIT_FAILED;
}

/* --- running -----------------------------------------------------------------------------------
 */

/* A group was named without one of its sub-commands. */
static int group_alone(const struct command *c, int argc, char **argv)
{
    if (argc > 0 && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0)) {
        help_put(stdout, c);
        return EXIT_DONE;
    }
    if (argc == 0)
        fprintf(stderr, "penstock %s: one of its commands is wanted\n", c->path);
    else
        fprintf(stderr, "penstock %s: there is no command `%s`\n", c->path, argv[0]);
    help_put_usage(stderr, c);
    return EXIT_USAGE;
}

static int run(const struct command *c, int argc, char **argv)
{
    struct command_line line;
    struct buf wrong = { .max = 4096 };
    int code;

    if (c->run == NULL)
        return group_alone(c, argc, argv);
    if (!line_read(&line, c, argc, argv, &wrong)) {
        code = line_wrong(&line, "%.*s", (int)wrong.len, buf_str(&wrong).at);
    } else if (line_flag(&line, "--help")) {
        help_put(stdout, c);
        code = EXIT_DONE;
    } else {
        code = c->run(&line);
    }
    buf_clear(&wrong);
    return code;
}

int command_run(int argc, char **argv)
{
    static char version[] = "version";
    char *asked[] = { version };
    const struct command *c;
    size_t used;

    if (argc < 2) {
        help_put(stderr, NULL);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        help_put(stdout, NULL);
        return EXIT_DONE;
    }
    if (strcmp(argv[1], "--version") == 0)
        return run(command_find(asked, 1, &used), 0, NULL);
    c = command_find(argv + 1, (size_t)argc - 1, &used);
    if (c == NULL) {
        fprintf(stderr, "penstock: there is no command `%s`; `penstock --help` lists them\n",
                argv[1]);
        return EXIT_USAGE;
    }
    return run(c, argc - 1 - (int)used, argv + 1 + used);
}
