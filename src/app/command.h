/* app/command.h - the commands of the program: one table gives names, one-line help and what runs.
 *
 * Exit codes: 0 done, 1 failed (with a sentence on stderr), 2 wrong usage, 3 the gateway or object
 * asked for is not there. */
#ifndef PENSTOCK_APP_COMMAND_H
#define PENSTOCK_APP_COMMAND_H

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_ABSENT = 3 };

int command_serve(int argc, char **argv);
int command_simulate(int argc, char **argv);
int command_accounts(int argc, char **argv);
int command_bindings(int argc, char **argv);
int command_fixed(int argc, char **argv);
int command_lockouts(int argc, char **argv);
int command_mode(int argc, char **argv);
int command_replay(int argc, char **argv);
int command_status(int argc, char **argv);
int command_why(int argc, char **argv);
int command_version(int argc, char **argv);

#endif
