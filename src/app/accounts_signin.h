/* app/accounts_signin.h - `penstock accounts add` for the providers that one signs in to.
 *
 * The flow runs in the command itself, whether the gateway runs or not: it prints the address or
 * the device code, opens a browser where there is one, waits, and takes what is pasted on standard
 * input. Threads: main thread. */
#ifndef PENSTOCK_APP_ACCOUNTS_SIGNIN_H
#define PENSTOCK_APP_ACCOUNTS_SIGNIN_H

#include "app/books.h"

MUST_USE enum status accounts_sign_in(struct books *b, const struct command_line *line,
                                      struct error *e);

#endif
