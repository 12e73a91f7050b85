#include "rig.h"

#include <stdlib.h>

#include "wire/prepare.h"

#include "../translated_body.h"

static struct str taken(struct test *t, struct buf *b)
{
    struct str s = arena_copy(&t->arena, buf_str(b));

    buf_clear(b);
    return s;
}

/* The text is mended in place, so the body is a copy. */
static bool read_body(struct test *t, const char *body, struct canon_request *r,
                      struct wire_complaint *why)
{
    struct str copy = arena_copy(&t->arena, str_c(body));

    return translate_read(WIRE_ANTHROPIC, copy, STR(""), false, &t->arena, r, why);
}

static struct str losses_text(struct test *t, const struct losses *l)
{
    struct buf b;

    buf_init(&b, 4096);
    losses_put(l, NULL, &b, 4096);
    return taken(t, &b);
}

struct rig_written rig_write(struct test *t, const char *body, const char *model, rig_alter *alter)
{
    struct rig_written out = { .read = false };
    struct wire_target target = {
        .wire = WIRE_ANTHROPIC,
        .model = str_c(model),
        .facts = model_facts_find(WIRE_ANTHROPIC, str_c(model)),
        .own_service = true,
    };
    struct translated translated;
    struct canon_request r;

    out.read = read_body(t, body, &r, &out.why);
    if (!out.read)
        return out;
    out.unread = losses_text(t, &r.unread);
    if (alter != NULL)
        alter(&r, &target);
    out.written = translate_write(&r, &target, RIG_BYTES_MAX, &t->arena, &translated, &out.why);
    out.body = translated_body(&translated, &t->arena);
    out.dropped = losses_text(t, &translated.losses);
    out.said = translated.written;
    out.stops_watched = translated.stop_count;
    translated_clear(&translated);
    return out;
}

/* --- answers from upstream --------------------------------------------------------------------*/

struct told {
    struct buf text;
};

static const char *const blocks[] = {
    [BLOCK_TEXT] = "text", [BLOCK_THINKING] = "thinking", [BLOCK_REFUSAL] = "refusal",
    [BLOCK_TOOL] = "tool", [BLOCK_REDACTED] = "redacted",
};
static const char *const causes[] = {
    [STOP_NONE] = "none",
    [STOP_DONE] = "done",
    [STOP_SEQUENCE] = "sequence",
    [STOP_LENGTH] = "length",
    [STOP_CONTEXT_FULL] = "context",
    [STOP_TOOL_USE] = "tool",
    [STOP_FILTER] = "filter",
    [STOP_REFUSAL] = "refusal",
    [STOP_RECITATION] = "recitation",
    [STOP_PAUSE] = "pause",
    [STOP_BAD_TOOL_CALL] = "bad",
    [STOP_IMAGE_FAIL] = "image",
    [STOP_OTHER] = "other",
};
static const char *const signers[] = {
    [SIGNER_NONE] = "none",  [SIGNER_ANTHROPIC] = "ant", [SIGNER_GOOGLE] = "goo",
    [SIGNER_OPENAI] = "oai", [SIGNER_OTHER] = "oth",
};

static void tell(void *peer, const struct canon_event *ev)
{
    struct buf *b = &((struct told *)peer)->text;

    switch (ev->kind) {
    case CANON_START:
        (void)buf_printf(b, "start %.*s %.*s\n", STR_ARG(ev->id), STR_ARG(ev->model));
        break;
    case CANON_OPEN:
        (void)buf_printf(b, "open %s %.*s %.*s\n", blocks[ev->block], STR_ARG(ev->id),
                         STR_ARG(ev->name));
        break;
    case CANON_DELTA:
        (void)buf_printf(b, "delta %.*s\n", STR_ARG(ev->text.escaped));
        break;
    case CANON_SIGNATURE:
        (void)buf_printf(b, "sig %s%s %.*s\n", signers[ev->sig.signer],
                         ev->sig.redacted ? " redacted" : "", STR_ARG(ev->sig.blob.escaped));
        break;
    case CANON_NOTE:
        (void)buf_printf(b, "note %.*s %.*s\n", STR_ARG(ev->note.url), STR_ARG(ev->note.title));
        break;
    case CANON_MEDIA:
        (void)buf_printf(b, "media\n");
        break;
    case CANON_SERVER:
        (void)buf_printf(b, "server %.*s %.*s\n", STR_ARG(ev->server.type),
                         STR_ARG(ev->server.raw));
        break;
    case CANON_CLOSE:
        (void)buf_printf(b, "close\n");
        break;
    case CANON_USAGE:
        (void)buf_printf(b, "usage %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 "\n",
                         ev->usage.in, ev->usage.cache_read, ev->usage.cache_write, ev->usage.out,
                         ev->usage.reasoning);
        break;
    case CANON_FINISH:
        (void)buf_printf(b, "finish %s %.*s\n", causes[ev->cause], STR_ARG(ev->detail.escaped));
        break;
    case CANON_END:
        (void)buf_printf(b, "end\n");
        break;
    }
}

static const char *const outcomes[] = {
    [DECODED_MORE] = "MORE", [DECODED_END] = "END", [DECODED_ERROR] = "ERROR",
    [DECODED_CUT] = "CUT",   [DECODED_BAD] = "BAD",
};

static struct decoder decoder_make(struct test *t, struct told *told, const struct written *asked)
{
    const struct decode_ops *ops = &convert_anthropic.decode;

    buf_init(&told->text, RIG_BYTES_MAX);
    return (struct decoder){
        .wire = WIRE_ANTHROPIC,
        .scratch = &t->arena,
        .sink = tell,
        .peer = told,
        .usage = usage_unknown(),
        .asked = asked == NULL ? (struct written){ .anthropic_version = STR("") } : *asked,
        .state = must_calloc(1, ops->state_bytes),
    };
}

static struct str decoder_end(struct test *t, struct decoder *d, struct told *told,
                              enum decoded last)
{
    (void)buf_printf(&told->text, "%s", outcomes[last]);
    convert_anthropic.decode.clear(d->state);
    free(d->state);
    decode_clear(d);
    return taken(t, &told->text);
}

struct str rig_decode(struct test *t, const char *events, const struct written *asked, bool clean)
{
    struct told told;
    struct decoder d = decoder_make(t, &told, asked);
    enum decoded last = DECODED_MORE;
    struct str rest = str_c(events), line;

    while (rest.len > 0 && (last == DECODED_MORE || last == DECODED_BAD)) {
        struct json doc;

        (void)str_cut(rest, '\n', &line, &rest);
        if (!CHECK(json_parse(&doc, line, NULL, &t->arena, NULL), "%.*s", STR_ARG(line)))
            break;
        d.lone = doc.surrogates;
        last = convert_anthropic.decode.event(&d, STR(""), &doc);
    }
    if (last == DECODED_MORE || last == DECODED_BAD)
        last = convert_anthropic.decode.done(&d, true, clean);
    return decoder_end(t, &d, &told, last);
}

struct str rig_decode_whole(struct test *t, const char *body, const struct written *asked)
{
    struct told told;
    struct decoder d = decoder_make(t, &told, asked);
    enum decoded last = DECODED_BAD;
    struct json doc;

    if (CHECK(json_parse(&doc, str_c(body), NULL, &t->arena, NULL)))
        last = convert_anthropic.decode.whole(&d, &doc);
    return decoder_end(t, &d, &told, last);
}

/* --- answers to the client --------------------------------------------------------------------*/

struct asked {
    struct canon_request r;
    struct name_map names;
    struct encode_options o;
};

static void ask(struct test *t, struct asked *a, const char *body, bool show_thinking)
{
    struct wire_complaint why;

    *a = (struct asked){ .names = { .count = 0 } };
    CHECK(read_body(t, body, &a->r, &why), "%.*s", STR_ARG(why.message));
    a->o = (struct encode_options){
        .protocol = WIRE_ANTHROPIC,
        .request = &a->r,
        .names = &a->names,
        .model = STR("m"),
        .id = STR("r1"),
        .created_unix_s = 1700000000,
        .show_thinking = show_thinking,
        .bytes_max = RIG_BYTES_MAX,
    };
}

struct str rig_encode(struct test *t, const char *body, bool show_thinking,
                      const struct canon_event *events, size_t count)
{
    struct asked a;
    struct buf out;

    ask(t, &a, body, show_thinking);
    buf_init(&out, RIG_BYTES_MAX);

    struct encoder e = {
        .o = &a.o,
        .form = answer_form_of(a.o.request),
        .out = &out,
        .scratch = &t->arena,
        .state = must_calloc(1, convert_anthropic.encode.state_bytes),
    };
    for (size_t i = 0; i < count; i++)
        convert_anthropic.encode.event(&e, &events[i]);
    CHECK(!e.full);
    convert_anthropic.encode.clear(e.state);
    free(e.state);
    return taken(t, &out);
}

struct str rig_encode_whole(struct test *t, const char *body, bool show_thinking,
                            const struct canon_event *events, size_t count)
{
    struct canon_answer an;
    struct asked a;
    struct buf out;

    ask(t, &a, body, show_thinking);
    buf_init(&out, RIG_BYTES_MAX);
    canon_answer_init(&an, RIG_BYTES_MAX);
    for (size_t i = 0; i < count; i++)
        canon_answer_take(&an, &events[i]);
    CHECK(convert_anthropic.encode.whole(&an, &a.o, &t->arena, &out));
    canon_answer_clear(&an);
    return taken(t, &out);
}
