/* exchange/live_int.h - where an exchange tells what it does. For exchange/ only.
 * Threads: own loop. */
#ifndef PENSTOCK_EXCHANGE_LIVE_INT_H
#define PENSTOCK_EXCHANGE_LIVE_INT_H

#include "exchange/exchange_int.h"
#include "exchange/live.h"

void live_tell_began(const struct exchange *x);
void live_tell_attempt(const struct exchange *x);
void live_tell_verdict(const struct exchange *x, const struct access_attempt *kept);
void live_tell_content(const struct exchange *x);

static inline bool is_watched(const struct exchange *x)
{
    return x->env->live != NULL && live_is_watched(x->env->live);
}

#endif
