/* upkeep/check.h - is a credential good? Its provider is asked once, for a list of models or for
 * what is left: that costs no tokens.
 *
 * Threads: own loop.   Memory: embedded; check_clear(). */
#ifndef PENSTOCK_UPKEEP_CHECK_H
#define PENSTOCK_UPKEEP_CHECK_H

#include "base/json_write.h"
#include "provider/facts.h"
#include "upkeep/question.h"

struct check_result {
    bool good;
    enum verdict_kind verdict;
    int status;         /* of the answer; 0: none came */
    struct str message; /* a sentence, without secrets; lives for the call */
    int64_t took_ms;
};

/* The provider says that this is no credential; anything else that went wrong says nothing of it.
 */
static inline bool check_refuses(const struct check_result *r)
{
    return r->verdict == VERDICT_AUTH_INVALID;
}
/* `ok`, `verdict`, `status`, `message`, `took_ms`: members of an object that is open. */
void check_put(struct json_writer *w, const struct check_result *r);

struct check {
    const struct upstream *upstream;
    struct question call;
    struct facts_course course; /* where that is what is asked */
    int64_t started_us;
    /* May clear and free this. */
    void (*done)(void *peer, const struct check_result *result);
    void *peer;
};

/* `u` lives until check_clear(), which is wanted in any case. False: the provider has nothing that
 * could be asked for. */
bool check_start(struct check *c, struct client *client, const struct upstream *u, int64_t total_ms,
                 void (*done)(void *peer, const struct check_result *result), void *peer);
/* Gives up what is under way. */
void check_clear(struct check *c);

#endif
