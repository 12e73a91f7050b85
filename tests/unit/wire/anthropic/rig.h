/* tests/unit/wire/anthropic/rig.h - a request read and written again, events in and bytes out, in
 * one call each. */
#ifndef PENSTOCK_TEST_ANTHROPIC_RIG_H
#define PENSTOCK_TEST_ANTHROPIC_RIG_H

#include "wire/translate.h"

#include "test.h"

#define RIG_BYTES_MAX ((size_t)1 << 20)

/* What a test changes before the request is written: the client, the account, the fields that only
 * another protocol's reader would set. */
typedef void rig_alter(struct canon_request *r, struct wire_target *t);

struct rig_written {
    bool read, written; /* what went well */
    struct wire_complaint why;
    struct str body, dropped, unread;
    struct written said;
    size_t stops_watched; /* sequences that the target is not told */
};

/* An Anthropic client's body, written for an Anthropic model. */
struct rig_written rig_write(struct test *t, const char *body, const char *model, rig_alter *alter);

/* Events of an Anthropic upstream (its data, one in each line) as lines that tell what came out of
 * the decoder; the last line says how it ended. `clean`: of the end of the body. */
struct str rig_decode(struct test *t, const char *events, const struct written *asked, bool clean);
struct str rig_decode_whole(struct test *t, const char *body, const struct written *asked);

/* Canonical events as the stream of an Anthropic client that asked with `body`. */
struct str rig_encode(struct test *t, const char *body, bool show_thinking,
                      const struct canon_event *events, size_t count);
/* The same events as a whole answer. */
struct str rig_encode_whole(struct test *t, const char *body, bool show_thinking,
                            const struct canon_event *events, size_t count);

#endif
