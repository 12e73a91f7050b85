/* exchange/meter.h - what is counted of finished requests and their attempts, by model, provider
 * and outcome.
 *
 * A worker has one and adds access records to it; whoever tells the metrics sums all of them. Names
 * of models come from clients: a model gets rows of its own only as long as there is room
 * (METER_ROWS_MAX), one that has never answered only while half of it is free; the rest is counted
 * under `other`. Names follow OpenTelemetry's conventions for generative AI where they have one:
 * clients' requests are what they call a server's, attempts what they call a client's.
 * Threads: meter_add() the worker's own, meters_put() any.   Memory: meter_free(). */
#ifndef PENSTOCK_EXCHANGE_METER_H
#define PENSTOCK_EXCHANGE_METER_H

#include "base/metric_text.h"
#include "exchange/record_kind.h"

#define METER_ROWS_MAX 1000 /* of each kind, for each worker */
/* When all workers together have more of a kind, models are not told apart: an answer without bound
 * would be no answer. */
#define METER_TOLD_MAX 1000

struct meter;

struct meter *meter_new(void);
void meter_free(struct meter *m);
/* `k`: the record's kind, of this worker. */
void meter_add(struct meter *m, const struct access_record *r, struct record_kind *k);

/* All families, each with the sum of these meters. With `privacy` client keys have no names. */
void meters_put(struct metric_text *t, struct meter *const *all, size_t count, bool privacy);

/* Words of OpenTelemetry: `chat`, `generate_content`, `embeddings`, `text_completion` (and our
 * own `count_tokens`); and
 * `openai`, `gcp.gemini`. */
struct str gen_ai_operation(struct str protocol, struct str path);
struct str gen_ai_provider(struct str provider);

#endif
