/* io/terminal.h - the person at the terminal, if there is one.
 * Threads: main thread. */
#ifndef PENSTOCK_IO_TERMINAL_H
#define PENSTOCK_IO_TERMINAL_H

#include "base/error.h"
#include "base/secret.h"

/* Is standard input, or standard error, a terminal? */
bool terminal_is_input(void);
bool terminal_is_error(void);

/* One line of standard input without its end; on a terminal it is asked for with `prompt` on
 * standard error, and not shown; a signal that ends the process finds the terminal as it was.
 * E_ABSENT: there is none; E_LIMIT: longer than `len_max`. */
MUST_USE enum status terminal_read_secret(const char *prompt, size_t len_max, struct secret *out,
                                          struct error *e);
/* The same of one that is chosen now: on a terminal it is asked for twice. E_CONFLICT: the two are
 * not the same. */
MUST_USE enum status terminal_read_new_secret(const char *prompt, size_t len_max,
                                              struct secret *out, struct error *e);

#endif
