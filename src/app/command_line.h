/* app/command_line.h - words are read against a row of the table.
 *
 * `--name VALUE` and `--name=VALUE` give a value, `--name` alone is a flag; a letter may stand for
 * it (`-v`). `--` ends the options. What is left are operands. Everything is checked here, so that
 * a command finds only what its row allows. Threads: main thread. */
#ifndef PENSTOCK_APP_COMMAND_LINE_H
#define PENSTOCK_APP_COMMAND_LINE_H

#include "app/command.h"
#include "base/buf.h"

#define LINE_GIVEN_MAX 128
#define LINE_OPERANDS_MAX 16

struct command_line {
    const struct command *command;
    struct {
        const struct command_option *option;
        const char *value; /* NULL: a flag */
    } given[LINE_GIVEN_MAX];
    size_t given_count;
    const char *operands[LINE_OPERANDS_MAX];
    size_t operand_count;
};

/* Reads the words behind the path of `c`. False: `wrong` says what is wrong with them. */
bool line_read(struct command_line *line, const struct command *c, int argc, char **argv,
               struct buf *wrong);
/* The option of that name or letter; `value` gets what stands behind `=`, or NULL. */
const struct command_option *line_option_find(const struct command *c, const char *word,
                                              const char **value);
/* The i-th operand's row; the last one's when it repeats; NULL: there is none. */
const struct command_operand *command_operand_at(const struct command *c, size_t i);

#endif
