/* upkeep/callback.h - where the browser comes back to after signing in at a provider (RFC 8252).
 *
 * A small server on the loopback addresses, there only while somebody signs in. One path; anything
 * else is answered with 400. What a request says is never echoed: the pages are fixed texts.
 * Threads: own loop.   Memory: callback_close() lets go of it on a later turn of the loop. */
#ifndef PENSTOCK_UPKEEP_CALLBACK_H
#define PENSTOCK_UPKEEP_CALLBACK_H

#include "base/error.h"
#include "io/socket.h"

struct callback;

enum callback_page {
    CALLBACK_DONE,    /* go back to where you came from */
    CALLBACK_DENIED,  /* the provider says that it was refused */
    CALLBACK_UNKNOWN, /* no sign-in waits for this */
};

struct callback_options {
    struct loop *loop;
    const struct address *at; /* port 0 takes a free one, the same for all if that can be had */
    size_t count;
    struct str path; /* `/oauth-callback` */
    struct str
        other_path; /* of a redirect URL that leads here from another machine; may be empty */
    struct str other_host; /* likewise */
    /* The browser is back. Slices live for the call; `code` or `error` is empty. */
    enum callback_page (*on_return)(void *peer, struct str state, struct str code,
                                    struct str error);
    void *peer;
};

/* E_CONFLICT: the port is taken. An address that this machine does not have is left out, as long as
 * there is another one. */
MUST_USE enum status callback_open(const struct callback_options *options, struct callback **out,
                                   struct error *e);
uint16_t callback_port(const struct callback *c);
/* Not from within on_return, which is not called after this. Answers that are on their way have so
 * long to go out. NULL is fine. */
void callback_close(struct callback *c, int64_t patience_ms);

#endif
