/* upkeep/list_call.h - an account's provider is asked for a page of its list of models.
 *
 * A GET without a body: it costs no tokens. What the answer means is left to whoever asked.
 * Threads: own loop.   Memory: embedded; list_call_clear(). */
#ifndef PENSTOCK_UPKEEP_LIST_CALL_H
#define PENSTOCK_UPKEEP_LIST_CALL_H

#include "base/buf.h"
#include "http/client.h"
#include "provider/provider.h"

struct list_call {
    struct call *call; /* NULL: none is under way */
    int status;
    struct buf body;
    bool body_too_long; /* only its beginning is there */
    /* `fault` is NULL when an answer came. May clear and free this, or ask for another page. */
    void (*done)(void *peer, const struct call_fault *fault);
    void *peer;
};

void list_call_init(struct list_call *c, size_t body_bytes_max,
                    void (*done)(void *peer, const struct call_fault *fault), void *peer);
/* Gives up what is under way. */
void list_call_clear(struct list_call *c);

/* `page` is empty for the first one; `u` lives until the end. False: the provider has no list, or
 * the page's name cannot be asked for. */
bool list_call_send(struct list_call *c, struct client *client, const struct upstream *u,
                    struct str page, int64_t total_ms);

#endif
