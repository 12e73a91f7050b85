/* http/proxy.h - which proxy leads to a host: account, else setting, else environment with
 * NO_PROXY.
 *
 * Loopback is never proxied. NO_PROXY: names, suffixes (`.corp`, `corp`), `*`, addresses, CIDR,
 * each with an optional port. Upper and lower case variables; lower wins, as curl has it. Threads:
 * pure.   Memory: slices borrow from what was given. */
#ifndef PENSTOCK_HTTP_PROXY_H
#define PENSTOCK_HTTP_PROXY_H

#include "base/arena.h"
#include "base/error.h"
#include "http/client.h"

struct proxy_settings {
    struct str https_proxy, http_proxy, all_proxy,
        no_proxy;      /* from the environment; empty: unset */
    struct str global; /* `proxy.upstream_proxy`; empty: unset; "direct": none, whatever the
                          environment says */
};

/* Reads HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY and their lower-case forms. */
struct proxy_settings proxy_from_environment(struct str (*get)(const char *name));

/* The proxy URL for a host, or the empty slice for none. */
struct str proxy_choose(const struct proxy_settings *settings, struct str account_proxy, bool tls,
                        struct str host, uint16_t port);

/* Makes an origin of a base URL (`https://host[:port]/path`) and the proxy for it; `path` gets the
 * base's path without its last slash. All in the arena, but the secret, which origin_clear() wipes.
 */
MUST_USE enum status origin_make(struct str base_url, const struct proxy_settings *settings,
                                 struct str account_proxy, struct arena *a, struct origin *out,
                                 struct str *path, struct error *e);
void origin_clear(struct origin *o);

/* Addresses of cloud metadata services, which hand out the machine's own credentials: neither a
 * base URL nor a name that resolves to one leads there. 16 bytes, IPv4 as v4-mapped. */
bool origin_refuses(const uint8_t ip[16]);

#endif
