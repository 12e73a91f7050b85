/* base/url.h - the parts of an absolute http(s) or socks URL, and percent coding (RFC 3986).
 * Threads: any, pure.   Memory: slices borrow from the text. */
#ifndef PENSTOCK_BASE_URL_H
#define PENSTOCK_BASE_URL_H

#include "buf.h"

struct url {
    struct str scheme;         /* as written; compare with str_ieq */
    struct str user, password; /* still encoded; empty when absent */
    struct str host;           /* without brackets for IPv6 */
    struct str path;           /* with its leading slash, or empty */
    struct str query;          /* without `?` */
    int port;                  /* given, or the scheme's own (80, 443, 1080) */
    bool port_given;
};

/* `what` (may be NULL) gets a static word on what is wrong. A fragment is refused, so are blanks,
 * control bytes, backslashes and bytes above 0x7f. Schemes: http, https, socks5, socks5h. Hosts are
 * names of letters, digits, `-`, `_` and dots, or strict addresses: `127.1` or `0x7f.0.0.1`, which
 * resolvers would take for an address, is refused. `u` is written on success only. */
bool url_read(struct str text, struct url *u, const char **what);
/* For people: one with a user or password without them, any other text as it is. False: `out` is
 * full. */
bool url_put_shown(struct buf *out, struct str text);

/* Encodes all but unreserved bytes; with `keep_slash`, `/` stays. False when `out` is full; nothing
 * is added then. */
bool percent_put(struct buf *out, struct str text, bool keep_slash);
/* False for a bad escape and when `out` is full; nothing is added then. `plus_is_blank` for query
 * strings. */
bool percent_get(struct buf *out, struct str text, bool plus_is_blank);

/* An IPv4 dotted quad (strict: four decimal parts, no leading zeros) or IPv6 text without brackets
 * and zone, into 16 bytes (IPv4 mapped). `is_v4` (may be NULL): it was a dotted quad. */
bool ip_read(struct str text, uint8_t out[16], bool *is_v4);
/* Is the address inside `cidr` (`10.0.0.0/8`, `fd00::/8`, or one address)? Bits behind the prefix
 * do not count. An IPv4 address is inside of IPv6 prefixes only as its mapped form (`::/0` has it).
 * False when cidr is no such text. */
bool ip_in_cidr(const uint8_t ip[16], struct str cidr);
/* 127.0.0.0/8 or ::1 */
bool ip_is_loopback(const uint8_t ip[16]);

#endif
