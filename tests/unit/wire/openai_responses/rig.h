/* tests/unit/wire/openai_responses/rig.h - one half of the way at a time: an answer's events
 * through the encoder, an upstream's stream through the decoder, a client's request to a target. */
#ifndef PENSTOCK_TEST_WIRE_OPENAI_RESPONSES_RIG_H
#define PENSTOCK_TEST_WIRE_OPENAI_RESPONSES_RIG_H

#include <stdlib.h>

#include "base/json_write.h"
#include "http/sse.h"
#include "test.h"
#include "wire/translate.h"

#define RIG_BYTES ((size_t)4 << 20)

static inline struct str rig_take(struct test *t, struct buf *b)
{
    struct str s = arena_copy(&t->arena, buf_str(b));

    buf_clear(b);
    return s;
}

/* --- events to bytes --------------------------------------------------------------------------*/

static inline struct encode_options rig_options(struct test *t, const struct canon_request *r,
                                                const char *id)
{
    return (struct encode_options){
        .protocol = WIRE_OPENAI_RESPONSES,
        .request = r,
        .names = arena_new(&t->arena, struct name_map),
        .model = STR("m"),
        .id = str_c(id),
        .created_unix_s = 1700000000,
        .show_thinking = true,
        .bytes_max = RIG_BYTES,
    };
}

static inline struct str rig_encode(struct test *t, const struct encode_options *o,
                                    const struct canon_event *events, size_t count)
{
    const struct encode_ops *ops = &convert_openai_responses.encode;
    struct buf out;
    struct encoder e = { .o = o, .out = &out };

    buf_init(&out, RIG_BYTES);
    e.state = must_calloc(1, ops->state_bytes);
    for (size_t i = 0; i < count; i++) {
        struct arena scratch = { 0 }; /* nothing of one event may be needed by the next */

        e.scratch = &scratch;
        ops->event(&e, &events[i]);
        arena_free(&scratch);
    }
    CHECK(!e.full);
    ops->clear(e.state);
    free(e.state);
    return rig_take(t, &out);
}

static inline struct str rig_encode_whole(struct test *t, const struct encode_options *o,
                                          const struct canon_event *events, size_t count)
{
    struct canon_answer an;
    struct buf out;

    buf_init(&out, RIG_BYTES);
    canon_answer_init(&an, RIG_BYTES);
    for (size_t i = 0; i < count; i++)
        canon_answer_take(&an, &events[i]);
    CHECK(convert_openai_responses.encode.whole(&an, o, &t->arena, &out));
    canon_answer_clear(&an);
    return rig_take(t, &out);
}

/* Each event of a client's stream is what this protocol allows: numbered without gaps, named as its
 * data say, items added, told and done in order, one end. Gives the last event's response. */
static inline struct str rig_check_stream(struct test *t, struct str stream)
{
    struct sse sse;
    struct sse_event ev;
    struct str rest = stream, response = STR("");
    int64_t number = 0, items = 0;
    bool open = false, ended = false;

    sse_init(&sse, RIG_BYTES);
    while (sse_next(&sse, &rest, &ev) == SSE_EVENT) {
        struct json doc;
        int64_t n = -1;
        uint32_t node;

        CHECK(!ended, "an event behind the end");
        if (!CHECK(json_parse(&doc, ev.data, NULL, &t->arena, NULL), "no JSON: %.*s",
                   STR_ARG(ev.data)))
            break;
        node = json_member(&doc, 0, STR("sequence_number"), NULL);
        CHECK(node != JSON_NONE && json_i64(&doc, node, &n) && n == number++, "numbers have a gap");
        node = json_member(&doc, 0, STR("type"), NULL);
        if (!CHECK(node != JSON_NONE && json_says(&doc, node, ev.name), "%.*s is not its type",
                   STR_ARG(ev.name)))
            break;
        node = json_member(&doc, 0, STR("output_index"), NULL);
        if (node != JSON_NONE)
            CHECK(json_i64(&doc, node, &n) && n == items, "output_index %lld in item %lld",
                  (long long)n, (long long)items);
        if (str_eq(ev.name, STR("response.output_item.added"))) {
            CHECK(!open, "an item inside of an item");
            open = true;
        } else if (str_eq(ev.name, STR("response.output_item.done"))) {
            CHECK(open, "an item that was not added");
            open = false;
            items++;
        } else if (str_eq(ev.name, STR("response.completed")) ||
                   str_eq(ev.name, STR("response.incomplete"))) {
            ended = true;
            response =
                arena_copy(&t->arena, json_raw(&doc, json_member(&doc, 0, STR("response"), NULL)));
        }
    }
    CHECK(ended, "no end");
    CHECK(!open, "an item is open at the end");
    sse_clear(&sse);
    return response;
}

/* --- bytes to events --------------------------------------------------------------------------*/

/* `start(id,m) open(text) +Hel +lo close finish(done) end`, each behind a blank. */
struct rig_log {
    struct buf text;
};

static inline void rig_note_event(void *peer, const struct canon_event *ev)
{
    static const char *const blocks[] = { "text", "thinking", "refusal", "tool", "redacted" };
    static const char *const causes[] = {
        "none",    "done",       "sequence", "length",   "context",    "tool_use", "filter",
        "refusal", "recitation", "pause",    "bad_call", "image_fail", "other",
    };
    struct buf *b = &((struct rig_log *)peer)->text;

    switch (ev->kind) {
    case CANON_START:
        (void)buf_printf(b, "start(%.*s,%.*s) ", STR_ARG(ev->id), STR_ARG(ev->model));
        break;
    case CANON_OPEN:
        (void)buf_printf(b, "open(%s", blocks[ev->block]);
        if (ev->block == BLOCK_TOOL)
            (void)buf_printf(b, ",%.*s,%.*s%s%.*s%s", STR_ARG(ev->id), STR_ARG(ev->name),
                             ev->name_space.len > 0 ? "@" : "", STR_ARG(ev->name_space),
                             ev->custom ? ",custom" : "");
        else if (ev->phase != PHASE_NONE)
            (void)buf_printf(b, ev->phase == PHASE_FINAL ? ",final" : ",commentary");
        (void)buf_printf(b, ") ");
        break;
    case CANON_DELTA:
        (void)buf_printf(b, "%s%.*s ", ev->summary_break ? "|" : "+", (int)ev->text.escaped.len,
                         ev->text.escaped.at);
        break;
    case CANON_SIGNATURE:
        (void)buf_printf(b, "sig(%d,%.*s,%.*s%s) ", (int)ev->sig.signer,
                         STR_ARG(ev->sig.blob.escaped), STR_ARG(ev->sig.item_id),
                         ev->sig_behind ? ",behind" : "");
        break;
    case CANON_NOTE:
        (void)buf_printf(b, "note(%.*s,%lld,%lld) ", STR_ARG(ev->note.url),
                         (long long)ev->note.start, (long long)ev->note.end);
        break;
    case CANON_MEDIA:
        (void)buf_printf(b, "media(%.*s,%.*s) ", STR_ARG(ev->mime.escaped),
                         STR_ARG(ev->text.escaped));
        break;
    case CANON_SERVER:
        (void)buf_printf(b, "server(%.*s,%.*s) ", STR_ARG(ev->server.type),
                         STR_ARG(ev->server.name));
        break;
    case CANON_CLOSE:
        (void)buf_printf(b, "close ");
        break;
    case CANON_USAGE:
        (void)buf_printf(b, "usage(%lld,%lld,%lld,%lld) ", (long long)ev->usage.in,
                         (long long)ev->usage.cache_read, (long long)ev->usage.out,
                         (long long)ev->usage.reasoning);
        break;
    case CANON_FINISH:
        (void)buf_printf(b, "finish(%s) ", causes[ev->cause]);
        break;
    case CANON_END:
        (void)buf_printf(b, "end ");
        break;
    }
}

static inline void rig_log_outcome(struct buf *b, enum decoded said)
{
    static const char *const words[] = { "more", "end", "error", "cut", "bad" };

    if (said != DECODED_MORE && said != DECODED_END)
        (void)buf_printf(b, "%s ", words[said]);
}

/* A stream of `data:` lines. */
static inline struct str rig_decode(struct test *t, struct str stream)
{
    const struct decode_ops *ops = &convert_openai_responses.decode;
    struct rig_log log;
    struct decoder d = { .wire = WIRE_OPENAI_RESPONSES,
                         .sink = rig_note_event,
                         .peer = &log,
                         .usage = usage_unknown() };
    enum decoded said = DECODED_MORE;
    struct arena scratch = { 0 };
    struct sse sse;
    struct sse_event ev;

    buf_init(&log.text, RIG_BYTES);
    sse_init(&sse, RIG_BYTES);
    d.scratch = &scratch;
    d.state = must_calloc(1, ops->state_bytes);
    while (said != DECODED_END && sse_next(&sse, &stream, &ev) == SSE_EVENT) {
        struct json doc;

        if (str_eq(ev.data, STR("[DONE]"))) {
            said = ops->done(&d, false, true);
        } else if (CHECK(json_parse(&doc, ev.data, NULL, &scratch, NULL))) {
            d.lone = doc.surrogates;
            said = ops->event(&d, ev.name, &doc);
        }
        rig_log_outcome(&log.text, said);
        if (said == DECODED_ERROR || said == DECODED_CUT)
            break;
        arena_free(&scratch);
    }
    if (said == DECODED_MORE || said == DECODED_BAD)
        rig_log_outcome(&log.text, ops->done(&d, true, true));
    arena_free(&scratch);
    ops->clear(d.state);
    free(d.state);
    decode_clear(&d);
    sse_clear(&sse);
    return str_trim(rig_take(t, &log.text));
}

static inline struct str rig_decode_whole(struct test *t, struct str body)
{
    const struct decode_ops *ops = &convert_openai_responses.decode;
    struct rig_log log;
    struct decoder d = { .wire = WIRE_OPENAI_RESPONSES,
                         .sink = rig_note_event,
                         .peer = &log,
                         .usage = usage_unknown(),
                         .scratch = &t->arena };
    struct json doc;

    buf_init(&log.text, RIG_BYTES);
    d.state = must_calloc(1, ops->state_bytes);
    if (CHECK(json_parse(&doc, body, NULL, &t->arena, NULL))) {
        d.lone = doc.surrogates;
        rig_log_outcome(&log.text, ops->whole(&d, &doc));
    }
    ops->clear(d.state);
    free(d.state);
    decode_clear(&d);
    return str_trim(rig_take(t, &log.text));
}

/* --- requests ---------------------------------------------------------------------------------*/

struct rig_request {
    struct canon_request r;
    struct wire_complaint why;
    bool good;
};

static inline struct rig_request *rig_read(struct test *t, const char *body)
{
    struct rig_request *q = arena_new(&t->arena, struct rig_request);

    q->good = translate_read(WIRE_OPENAI_RESPONSES, str_c(body), STR(""), false, &t->arena, &q->r,
                             &q->why);
    return q;
}

static inline struct wire_target rig_target(enum wire wire, const char *model)
{
    return (struct wire_target){
        .wire = wire,
        .model = str_c(model),
        .facts = model_facts_find(wire, str_c(model)),
        .own_service = true,
    };
}

/* The body for the target, or `400 path: sentence`; `lost` gets what both sides lost. */
static inline struct str rig_write(struct test *t, const struct canon_request *r,
                                   const struct wire_target *target, struct str *lost)
{
    struct translated out;
    struct wire_complaint why = { 0 };
    struct str body;
    struct buf b;

    if (translate_write(r, target, RIG_BYTES, &t->arena, &out, &why))
        body = arena_copy(&t->arena, buf_str(&out.body));
    else
        body = arena_printf(&t->arena, "400 %.*s: %.*s", STR_ARG(why.param), STR_ARG(why.message));
    buf_init(&b, 8192);
    losses_put(&out.losses, &r->unread, &b, 8000);
    *lost = rig_take(t, &b);
    translated_clear(&out);
    return body;
}

#endif
