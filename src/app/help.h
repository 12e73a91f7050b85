/* app/help.h - help of each level, the man page and docs/cli.md, all from the table of commands.
 * Threads: main thread. */
#ifndef PENSTOCK_APP_HELP_H
#define PENSTOCK_APP_HELP_H

#include "app/command.h"

/* The whole help of a command or group; of the program when NULL. */
void help_put(FILE *to, const struct command *c);
/* The line of its usage, and where more is told: what follows a complaint. */
void help_put_usage(FILE *to, const struct command *c);

#endif
