/* http/limits.h - every limit of the HTTP layer with its default (reliability R5-R10, R22-R27),
 * filled by app from `limits.*` and `timeouts.*_ms`, and the counters of their refusals. Threads:
 * immutable once made. */
#ifndef PENSTOCK_HTTP_LIMITS_H
#define PENSTOCK_HTTP_LIMITS_H

#include "base/metric.h"

struct server_limits {
    uint32_t line_bytes;       /* 8 KiB: request line */
    uint32_t head_bytes;       /* 32 KiB [64 KiB] */
    uint32_t field_count;      /* 100 */
    uint64_t body_bytes;       /* 32 MiB [256 MiB] */
    uint32_t pipelined;        /* 64 requests waiting behind the one that is served */
    uint32_t connections;      /* 16384 */
    uint32_t connections_peer; /* 256 for one address that is not loopback */
    uint32_t turned_away;      /* 64 more that hear 503 at one time, of each server */
    uint32_t inflate_ratio;    /* 200 */
    uint32_t write_high_bytes; /* 256 KiB: stop feeding an answer */
    uint32_t write_low_bytes;  /* 64 KiB: go on */
    int64_t first_byte_ms;     /* 30 s from accept */
    int64_t head_ms;           /* 10 s from the first byte */
    int64_t body_ms;           /* 30 s, and size / body_bytes_s on top */
    int64_t body_bytes_s;      /* 16 KiB/s */
    int64_t keep_alive_ms;     /* 75 s */
    int64_t write_stall_ms;    /* 60 s without progress */
    int64_t linger_ms;         /* 1 s, and … */
    uint32_t linger_bytes;     /* … 64 KiB of input are discarded after a refusal */
};

struct client_limits {
    uint32_t status_line_bytes; /* 1 KiB */
    uint32_t head_bytes;        /* 64 KiB */
    uint32_t field_count;       /* 200 */
    uint32_t interim_heads;     /* 8 */
    uint32_t idle_per_origin;   /* 32 */
    int64_t idle_ms;            /* 55 s */
    int64_t stale_ms;           /* 5 s: so long after sending, a kept connection's end is its age */
    uint32_t inflate_ratio;     /* 200 */
    uint64_t inflate_bytes;     /* 64 MiB: body of an answer, inflated */
};

/* Times of one call; each a setting, also per provider. Milliseconds. */
struct call_timeouts {
    int64_t dns_ms;        /* 5 s */
    int64_t connect_ms;    /* 5 s */
    int64_t tls_ms;        /* 10 s */
    int64_t write_ms;      /* 30 s without progress of the request */
    int64_t first_byte_ms; /* 300 s; 600 s when the answer is not streamed */
    int64_t idle_ms;       /* 300 s between bytes */
    int64_t total_ms;      /* 1 h */
};

extern const struct server_limits server_limits_default;
extern const struct client_limits client_limits_default;
extern const struct call_timeouts call_timeouts_default;

#define SERVER_METRICS(X)                                                                  \
    X(connections_accepted, "connections accepted")                                        \
    X(connections_open, "connections open now")                                            \
    X(requests_received, "requests whose head arrived whole")                              \
    X(refused_syntax, "requests refused for their grammar or framing")                     \
    X(refused_line_bytes, "requests refused over limits.line_bytes")                       \
    X(refused_head_bytes, "requests refused over limits.head_bytes or limits.field_count") \
    X(refused_body_bytes, "requests refused over limits.body_bytes")                       \
    X(refused_inflate, "requests refused for a coding or an inflation ratio")              \
    X(refused_connections, "connections refused over limits.connections")                  \
    X(refused_connections_peer, "connections refused over limits.connections_peer")        \
    X(refused_host, "requests refused for their Host")                                     \
    X(refused_memory, "requests refused because buffers neared the memory budget")         \
    X(timed_out_first_byte, "connections ended over timeouts.first_byte")                  \
    X(timed_out_head, "requests ended over timeouts.head")                                 \
    X(timed_out_body, "requests ended over timeouts.body")                                 \
    X(timed_out_keep_alive, "idle connections ended over timeouts.keep_alive")             \
    X(timed_out_write, "connections ended over timeouts.write_stall")                      \
    X(clients_left, "requests whose client left before the answer was complete")
METRIC_STRUCT(server_metrics, SERVER_METRICS)

#define CLIENT_METRICS(X)                                                                      \
    X(calls, "upstream calls started")                                                         \
    X(connections_opened, "upstream connections opened")                                       \
    X(connections_reused, "upstream calls on a kept connection")                               \
    X(connections_stale, "kept connections that had died, and the call repeated on a new one") \
    X(tls_resumed, "TLS handshakes that resumed a session")                                    \
    X(failed_dns, "upstream calls that failed in name resolution")                             \
    X(failed_connect, "upstream calls that failed to connect")                                 \
    X(failed_tls, "upstream calls that failed in the TLS handshake")                           \
    X(failed_proxy, "upstream calls that a proxy refused")                                     \
    X(failed_write, "upstream calls that failed while sending")                                \
    X(failed_timeout, "upstream calls that timed out")                                         \
    X(failed_cut, "upstream answers that ended early or were reset")                           \
    X(failed_protocol, "upstream answers with wrong grammar or over a limit")
METRIC_STRUCT(client_metrics, CLIENT_METRICS)

#endif
