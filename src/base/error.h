/* base/error.h - operating errors: a status that must be looked at, and one sentence for a person.
 *
 * Set once, where the fault was first known; then either logged by whoever decides what to do about
 * it, or passed up. Outcomes of the business (no account free, upstream says 429) are not errors:
 * they have enums of their own. Threads: any.   Memory: a value. */
#ifndef PENSTOCK_BASE_ERROR_H
#define PENSTOCK_BASE_ERROR_H

#include "str.h"

enum status { OK = 0, E_ABSENT, E_SYNTAX, E_LIMIT, E_IO, E_STORE, E_CONFLICT, E_REFUSED };

struct error {
    enum status status;
    const char *where; /* static: the function that saw it first */
    char text[240];    /* one sentence; no secrets, no line breaks; clipped */
};

#define MUST_USE __attribute__((warn_unused_result))

/* Fills `e` (which may be NULL) and gives back `st`. */
enum status error_set(struct error *e, enum status st, const char *where, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
#define fail(e, st, ...) error_set((e), (st), __func__, __VA_ARGS__)

#endif
