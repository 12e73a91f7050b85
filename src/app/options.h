/* app/options.h - the words behind a command, read by a table.
 *
 * `--name` alone is a flag, `--name VALUE` and `--name=VALUE` have one; `--help` prints the help.
 * What does not begin with `--` is a word. Threads: main thread. */
#ifndef PENSTOCK_APP_OPTIONS_H
#define PENSTOCK_APP_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct option {
    const char *name; /* `--json` */
    bool *flag;       /* or: */
    const char **value;
};

struct options {
    const char *command; /* `penstock why` */
    const char *help;    /* the whole text */
    const struct option *table;
    size_t count;
    const char **words; /* room for word_max; NULL: none are taken */
    size_t word_max, word_count;
};

/* -1: go on; else the exit code, after help or a complaint was printed. */
int options_read(struct options *o, int argc, char **argv);
/* Complains and gives EXIT_USAGE. */
int options_wrong(const struct options *o, const char *what, const char *which);

#endif
