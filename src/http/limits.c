#include "http/limits.h"

#define KIB 1024
#define MIB (1024 * KIB)
#define SECOND 1000

const struct server_limits server_limits_default = {
    .line_bytes = 8 * KIB,
    .head_bytes = 32 * KIB,
    .field_count = 100,
    .body_bytes = 32 * MIB,
    .pipelined = 64,
    .connections = 16384,
    .connections_peer = 256,
    .turned_away = 64,
    .inflate_ratio = 200,
    .write_high_bytes = 256 * KIB,
    .write_low_bytes = 64 * KIB,
    .first_byte_ms = 30 * SECOND,
    .head_ms = 10 * SECOND,
    .body_ms = 30 * SECOND,
    .body_bytes_s = 16 * KIB,
    .keep_alive_ms = 75 * SECOND,
    .write_stall_ms = 60 * SECOND,
    .linger_ms = 1 * SECOND,
    .linger_bytes = 64 * KIB,
};

const struct client_limits client_limits_default = {
    .status_line_bytes = 1 * KIB,
    .head_bytes = 64 * KIB,
    .field_count = 200,
    .interim_heads = 8,
    .idle_per_origin = 32,
    .idle_ms = 55 * SECOND,
    .stale_ms = 5 * SECOND,
    .inflate_ratio = 200,
    .inflate_bytes = 64 * MIB,
};

const struct call_timeouts call_timeouts_default = {
    .dns_ms = 5 * SECOND,
    .connect_ms = 5 * SECOND,
    .tls_ms = 10 * SECOND,
    .write_ms = 30 * SECOND,
    .first_byte_ms = 300 * SECOND,
    .idle_ms = 300 * SECOND,
    .total_ms = 3600 * SECOND,
};

METRIC_TABLE(server_metrics, SERVER_METRICS)
METRIC_TABLE(client_metrics, CLIENT_METRICS)
