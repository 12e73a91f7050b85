/* simulator/oauth.h - the sign-in side of all providers: authorize, token, device code, who it is,
 * and Copilot's token exchange, under /oauth/.
 *
 * Whoever asks is let in, as the person that the control API names; PKCE, redirect URI and client
 * id are held against each other as a provider does. What it gave out it knows again: a call for a
 * model with an access token that has expired, or was replaced twice, is a 401. What goes wrong
 * comes from queues, one for each address (docs/simulator.md). Threads: own.   Memory: bounded;
 * oauth_free(). */
#ifndef PENSTOCK_SIMULATOR_OAUTH_H
#define PENSTOCK_SIMULATOR_OAUTH_H

#include "base/json_write.h"
#include "simulator/reply.h"

#define OAUTH_PATH "/oauth/"
#define OAUTH_GRANTS_MAX 256 /* the oldest makes room */
#define OAUTH_QUEUE_MAX 32

struct oauth;
struct call;

struct oauth *oauth_new(uint64_t seed);
void oauth_free(struct oauth *o);

/* A request under OAUTH_PATH. `d` says how the answer is spoiled. */
void oauth_respond(struct oauth *o, const struct call *c, struct arena *a, struct reply *r,
                   struct directives *d);

/* Is this key an access token of ours? Then `who` is whose, and `good` says whether it holds. */
bool oauth_knows(struct oauth *o, struct str key, int64_t now_ms, struct str *who, bool *good);

/* The control API: what there is, and changes of it. NULL, or what is wrong. */
void oauth_put(struct oauth *o, struct json_writer *w);
const char *oauth_set(struct oauth *o, const struct json *doc, struct arena *a);
void oauth_forget(struct oauth *o);

#endif
