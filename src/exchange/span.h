/* exchange/span.h - an access record as OpenTelemetry spans, in OTLP's JSON: one of the request
 * (kind server), and one below it for each attempt that the record has (kind client), with the
 * attributes of the conventions for generative AI and a few of our own (`penstock.…`). Metadata
 * only: no text of a prompt or answer.
 * Sources: opentelemetry.io/docs/specs/otlp, …/semconv/gen-ai/gen-ai-spans. Threads: pure. */
#ifndef PENSTOCK_EXCHANGE_SPAN_H
#define PENSTOCK_EXCHANGE_SPAN_H

#include "base/json_write.h"
#include "exchange/access.h"

/* Appends the spans to the array that is open; gives their number. With `privacy` accounts are told
 * by their number only. */
uint32_t spans_put(struct json_writer *w, const struct access_record *r, bool privacy);

/* `{"key": …, "value": {"stringValue": …}}`; nothing when the text is empty. */
void span_put_text(struct json_writer *w, const char *key, struct str text);

#endif
