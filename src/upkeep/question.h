/* upkeep/question.h - one question in the background to an account's provider: for a page of its
 * list of models, for what is left of its allowances.
 *
 * It costs no tokens. What the answer means is left to whoever asked.
 * Threads: own loop.   Memory: embedded; question_clear(). */
#ifndef PENSTOCK_UPKEEP_QUESTION_H
#define PENSTOCK_UPKEEP_QUESTION_H

#include "base/buf.h"
#include "http/client.h"
#include "provider/provider.h"

struct question {
    struct call *call; /* NULL: none is under way */
    int status;
    struct buf body;
    bool body_too_long; /* only its beginning is there */
    struct str sent;
    /* `fault` is NULL when an answer came. May clear and free this, or ask the next question. */
    void (*done)(void *peer, const struct call_fault *fault);
    void *peer;
};

void question_init(struct question *q, size_t body_bytes_max,
                   void (*done)(void *peer, const struct call_fault *fault), void *peer);
/* Gives up what is under way. */
void question_clear(struct question *q);

/* `u` and `body` live until the end. False: the provider has no such operation, or it cannot be
 * written. */
bool question_send(struct question *q, struct client *client, const struct upstream *u,
                   const struct upstream_ask *ask, struct str body, int64_t total_ms);
/* For a page of the list of models; `page` is empty for the first one. */
bool question_send_list(struct question *q, struct client *client, const struct upstream *u,
                        struct str page, int64_t total_ms);

#endif
