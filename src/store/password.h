/* store/password.h - the dashboard's password in penstock.db: a salt and what scrypt (64 MiB) makes
 * of it with the password.
 *
 * Setting and checking take a fifth of a second and 64 MiB: never on a loop that serves. Threads:
 * as store.h. */
#ifndef PENSTOCK_STORE_PASSWORD_H
#define PENSTOCK_STORE_PASSWORD_H

#include "store/store.h"

#define PASSWORD_LEN_MIN 10
#define PASSWORD_LEN_MAX 1024

/* What tells one password from the next without telling it; zeroes: none is set. */
struct password_mark {
    uint8_t salt[16];
};
MUST_USE enum status store_password_mark(struct store *s, struct password_mark *mark,
                                         struct error *e);
/* The empty one: from now on there is none. E_SYNTAX: too short or too long. */
MUST_USE enum status store_password_set(struct store *s, struct str password, struct error *e);
/* OK: it is this one. E_REFUSED: another one. E_ABSENT: none is set. */
MUST_USE enum status store_password_check(struct store *s, struct str password, struct error *e);

#endif
