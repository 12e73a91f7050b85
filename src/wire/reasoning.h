/* wire/reasoning.h - efforts, budgets and levels of thinking, each turned into the others.
 *
 * Used only where the target lacks the form that the client used. Threads: pure. */
#ifndef PENSTOCK_WIRE_REASONING_H
#define PENSTOCK_WIRE_REASONING_H

#include "wire/target.h"

const char *effort_word(enum effort e); /* "minimal" … "max" */
bool effort_from_word(struct str word, enum effort *e);
int64_t effort_budget(enum effort e, int64_t most); /* tokens */
enum effort budget_effort(int64_t budget);
/* The nearest of those in `allowed` (bits 1u << effort): the next higher one, else the highest. */
enum effort effort_nearest(enum effort e, uint32_t allowed);
/* The effort that a request asks for in any form: EFFORT_UNSET when it says nothing. */
enum effort reasoning_effort(const struct reasoning *r);
/* Does the client want to see thinking? */
bool reasoning_is_shown(const struct canon_request *r);

#endif
