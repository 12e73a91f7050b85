/* app/tracer.h - spans of finished requests on their way to a collector: OTLP over HTTP, in JSON.
 *
 * Spans are gathered in one body; it is sent when it holds TRACER_BATCH spans or has waited a
 * second. While one is under way the next is gathered, up to TRACER_BYTES_MAX; what does not fit is
 * dropped and counted. A collector that fails (no answer, 429, 5xx) is asked again with growing
 * pauses, five times in all; then the spans are dropped and counted. One that refuses them is not
 * asked again.
 * Threads: own loop.   Memory: tracer_free() cancels what runs. */
#ifndef PENSTOCK_APP_TRACER_H
#define PENSTOCK_APP_TRACER_H

#include "app/settings.h"
#include "base/metric.h"
#include "exchange/access.h"

#define TRACER_BATCH 512
#define TRACER_BYTES_MAX ((size_t)4 << 20)

struct tracer;

struct tracer *tracer_new(struct loop *l, struct client *c, struct counter *sent,
                          struct counter *dropped);
void tracer_free(struct tracer *t);
/* Where to, and through which proxy, from now on; the snapshot is held. */
void tracer_settings(struct tracer *t, struct settings *s);
/* Nothing while the settings name no collector, or the request is not sampled. */
void tracer_add(struct tracer *t, const struct access_record *r);
/* Sends what is due; to be called a few times a second. `all`: whatever waits. */
void tracer_tick(struct tracer *t, int64_t now_ms, bool all);
/* Nothing waits and nothing is under way. */
bool tracer_is_idle(const struct tracer *t);

#endif
