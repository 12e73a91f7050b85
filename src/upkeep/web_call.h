/* upkeep/web_call.h - one call to an address that is no API for models: tokens, device codes, who
 * signed in.
 *
 * A GET, or a POST of a form; the answer is small and JSON as a rule. What it means is left to
 * whoever asked. What is sent holds secrets, and is wiped when the call is over.
 * Threads: own loop.   Memory: embedded; web_call_clear(). */
#ifndef PENSTOCK_UPKEEP_WEB_CALL_H
#define PENSTOCK_UPKEEP_WEB_CALL_H

#include "base/secret.h"
#include "http/client.h"
#include "http/proxy.h"

#define WEB_ANSWER_MAX ((size_t)256 << 10)

struct web_field {
    struct str name, value;
};

struct web_ask {
    struct str url;
    const struct web_field *form; /* posted; a GET when there is none */
    size_t form_count;
    struct str authorization; /* empty: none */
    struct str proxy;         /* of the account, may be empty */
};

struct web_call {
    struct call *call; /* NULL: none is under way */
    struct arena arena;
    struct origin origin;
    struct secret form;
    struct str body;
    int status;
    int64_t retry_after_ms; /* 0: the answer names none */
    struct buf answer;
    /* `fault` is NULL when an answer came. May clear and free this, or send another. */
    void (*done)(void *peer, const struct call_fault *fault);
    void *peer;
};

void web_call_init(struct web_call *c, void (*done)(void *peer, const struct call_fault *fault),
                   void *peer);
/* Gives up what is under way, and forgets the answer. */
void web_call_clear(struct web_call *c);
/* None may be under way. Nothing of `ask` is kept. E_SYNTAX, E_REFUSED: the URL or the proxy is no
 * good. */
MUST_USE enum status web_call_send(struct web_call *c, struct client *client,
                                   const struct proxy_settings *proxies, const struct web_ask *ask,
                                   int64_t total_ms, struct error *e);

/* A form's text, or a query: percent-encoded pairs. False: `out` is full. */
bool web_put_pairs(struct buf *out, const struct web_field *pairs, size_t count);

#endif
