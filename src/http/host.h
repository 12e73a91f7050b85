/* http/host.h - which names a client may call us by (reliability R40).
 *
 * A web page whose name was made to point at this machine (DNS rebinding) sends its own name as
 * Host: so on every listener and path, before anything else, Host must be one of ours.
 * Threads: any, pure. */
#ifndef PENSTOCK_HTTP_HOST_H
#define PENSTOCK_HTTP_HOST_H

#include "io/socket.h"

/* Ours are: `127.0.0.1`, `localhost`, `[::1]`, the address the connection came in by (`local`),
 * each with that connection's port or none; and `names`: `name` with any port, `name:port` with
 * just that one. Case does not matter. An address matches as text or in its usual notation: the
 * decimal, hex and short forms of IPv4 and names with a trailing dot never do. */
bool host_allowed(struct str host, const struct address *local, const struct str *names,
                  size_t count);
/* Is `origin` (`http://127.0.0.1:8045`) that of our own pages, as this request calls us? https,
 * too: a proxy in front of us may speak TLS. */
bool origin_is_own(struct str origin, struct str host);

#endif
