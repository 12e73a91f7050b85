/* exchange/trace_context.h - to which trace of the caller a request belongs: W3C Trace Context.
 *
 * A client that traces names its trace and its span in `traceparent`; the spans of the request then
 * hang below that one. Else the request begins a trace of its own. Ids are made of the request's
 * id, so that nothing needs to be kept of them.
 * Sources: w3.org/TR/trace-context. Threads: values, pure. */
#ifndef PENSTOCK_EXCHANGE_TRACE_CONTEXT_H
#define PENSTOCK_EXCHANGE_TRACE_CONTEXT_H

#include "base/buf.h"

struct trace_context {
    uint8_t trace[16], parent[8];
    bool has_parent;
    bool sampled; /* its spans are wanted; false too while traces are off */
};

#define TRACEPARENT_LEN 55

/* False: it is none, or of no use; `out` is left alone. */
bool trace_context_read(struct str traceparent, struct trace_context *out);
/* Of a request without one; sampled with a probability of `permille`. */
void trace_context_new(struct str request_id, uint32_t permille, struct trace_context *out);
/* Of the request itself (attempt 0), or of one of its attempts. */
void trace_span_id(struct str request_id, uint32_t attempt, uint8_t out[8]);
/* `00-<trace>-<span>-01` for the attempt's own request. */
struct str trace_context_put(const struct trace_context *c, const uint8_t span[8],
                             char out[TRACEPARENT_LEN + 1]);
void trace_hex(const uint8_t *bytes, size_t count, char *out); /* and a NUL */

#endif
