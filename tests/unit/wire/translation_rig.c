#include "translation_rig.h"

#include "translated_body.h"

const char *rig_model(enum wire wire)
{
    static const char *const models[WIRES] = {
        [WIRE_OPENAI_CHAT] = "gpt-4.1",           [WIRE_OPENAI_RESPONSES] = "gpt-5.4",
        [WIRE_ANTHROPIC] = "claude-opus-4-6",     [WIRE_GEMINI] = "gemini-3.1-pro-preview",
        [WIRE_CLOUDCODE] = "gemini-3.1-pro-high",
    };
    return models[wire];
}

struct wire_target rig_target(enum wire wire, const char *model)
{
    return (struct wire_target){
        .wire = wire,
        .model = str_c(model),
        .facts = model_facts_find(wire, str_c(model)),
        .own_service = true,
        .stream = true,
        .project = STR("a-project"),
    };
}

/* --- requests ---------------------------------------------------------------------------------*/

static struct str path_model(enum wire protocol)
{
    return protocol == WIRE_GEMINI ? STR("a-model") : STR("");
}

void rig_write(enum wire protocol, struct str body, const struct wire_target *target,
               struct arena *a, struct rig_request *out)
{
    struct buf losses;

    *out = (struct rig_request){ .body = STR(""), .losses = STR("") };
    out->read = translate_read(protocol, body, path_model(protocol), true, a, &out->r, &out->why);
    if (!out->read)
        return;
    out->written = translate_write(&out->r, target, RIG_BYTES_MAX, a, &out->out, &out->why);
    if (out->written)
        out->body = translated_body(&out->out, a);
    translated_clear(&out->out);
    buf_init(&losses, (size_t)1 << 20);
    losses_put(&out->r.unread, &out->out.losses, &losses, (size_t)1 << 20);
    out->losses = arena_copy(a, buf_str(&losses));
    buf_clear(&losses);
}

void rig_read(enum wire protocol, const char *body, struct arena *a, struct rig_request *out)
{
    *out = (struct rig_request){ .body = STR(""), .losses = STR("") };
    out->read =
        translate_read(protocol, str_c(body), path_model(protocol), true, a, &out->r, &out->why);
    assert(out->read);
    names_make(&out->out.names, &out->r, protocol, a);
}

const char *rig_ask(enum wire protocol)
{
    static const char *const asks[PROTOCOLS] = {
        [WIRE_OPENAI_CHAT] =
            "{\"model\":\"a-model\",\"stream\":true,\"stream_options\":{\"include_usage\":true},"
            "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}",
        [WIRE_OPENAI_RESPONSES] = "{\"model\":\"a-model\",\"stream\":true,\"store\":false,"
                                  "\"reasoning\":{\"summary\":\"auto\"},\"input\":\"hi\"}",
        [WIRE_ANTHROPIC] =
            "{\"model\":\"a-model\",\"stream\":true,\"max_tokens\":4096,\"thinking\":{\"type\":"
            "\"adaptive\"},\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}",
        [WIRE_GEMINI] = "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],"
                        "\"generationConfig\":{\"thinkingConfig\":{\"includeThoughts\":true}}}",
    };
    return asks[protocol];
}

/* --- answers ----------------------------------------------------------------------------------*/

struct sink {
    struct buf bytes;
};

static void sink_start(void *peer, bool early)
{
    (void)peer;
    (void)early;
}

static bool sink_write(void *peer, const struct str *parts, size_t count)
{
    struct sink *s = peer;

    for (size_t i = 0; i < count; i++)
        (void)buf_add(&s->bytes, parts[i]);
    return true;
}

/* Its blocks are written over, wherever they are kept. */
static void forget(struct arena *a)
{
    struct arena other = { 0 };

    arena_free(a);
    for (int i = 0; i < 32; i++)
        memset(arena_alloc_raw(&other, 900), 0xa5, 900);
    arena_free(&other);
}

/* One answer of the upstream, to its end. */
static enum emitter_fed feed_one(const struct rig_options *o, struct emitter *e, struct str bytes,
                                 struct arena *a, struct arena **forgets, struct arena *settled)
{
    enum emitter_fed fed = EMITTER_FED;

    if (o->one_piece)
        return emitter_take_whole(e, bytes);
    while (bytes.len > 0 && (fed == EMITTER_FED || fed == EMITTER_FULL)) {
        size_t n = o->next == NULL ? bytes.len : o->next(o->peer, bytes.len);

        /* a copy of its own, so that nobody reads beyond what has come */
        struct str piece = arena_copy(a, str_take(bytes, n));

        fed = emitter_feed(e, piece);
        bytes = str_drop(bytes, n);
        if (*forgets != NULL && emitter_has_content(e) &&
            translator_settle(e->translator, settled)) {
            forget(*forgets);
            *forgets = NULL;
        }
    }
    if (fed != EMITTER_FED && fed != EMITTER_FULL)
        return fed;
    if (emitter_finish(e))
        return EMITTER_DONE;
    return emitter_is_paused(e) ? EMITTER_PAUSED : fed;
}

/* The request that goes on with the turn is written, and its answer is awaited. */
static bool goes_on(const struct rig_options *o, struct emitter *e, struct arena *a)
{
    struct wire_target target = rig_target(o->wire, rig_model(o->wire));
    struct canon_request turn;
    struct wire_complaint why;
    struct translated *on = arena_new(a, struct translated);

    translator_resume(e->translator, &o->asked->r, a, &turn);
    bool written = translate_write(&turn, &target, RIG_BYTES_MAX, a, on, &why);

    if (written)
        emitter_go_on(e, on);
    translated_clear(on);
    return written;
}

void rig_feed(const struct rig_options *o, struct str bytes, struct arena *a,
              struct rig_answer *out)
{
    struct arena scratch = { 0 }, settled = { 0 };
    struct arena *forgets = o->forgets;
    struct sink sink = { .bytes = { .max = RIG_BYTES_MAX } };
    enum wire protocol = o->asked->r.protocol;
    struct encode_options encode = {
        .protocol = protocol,
        .request = &o->asked->r,
        .names = &o->asked->out.names,
        .model = STR("a-model"),
        .id = STR("0123456789abcdef"),
        .created_unix_s = 1700000000,
        .json_array = o->json_array,
        .show_thinking = reasoning_is_shown(&o->asked->r),
        .bytes_max = RIG_BYTES_MAX,
        .pauses_max = o->pauses,
    };
    struct emitter_options options = {
        .protocol = protocol,
        .json_array = o->json_array,
        .whole = o->whole ? &sink.bytes : NULL,
        .model = encode.model,
        .event_bytes_max = RIG_BYTES_MAX,
        .request_id = STR("req_0123456789abcdef"),
        .scratch = &scratch,
        .sink = { .start = sink_start, .write = sink_write, .peer = &sink },
    };
    struct emitter e;
    enum emitter_fed fed = EMITTER_FED;

    emitter_init(&e, &options);
    emitter_attempt(&e);
    emitter_translate(&e, o->wire, &encode, &o->asked->out);
    do {
        struct str answer = bytes;

        if (o->pauses > 0)
            (void)str_cut(bytes, RIG_NEXT, &answer, &bytes);
        fed = feed_one(o, &e, answer, a, &forgets, &settled);
    } while (fed == EMITTER_PAUSED && bytes.len > 0 && goes_on(o, &e, a));
    out->done = fed == EMITTER_DONE || (fed == EMITTER_PAUSED && emitter_end_paused(&e));
    out->broken = fed == EMITTER_BROKEN;
    out->started = e.started && sink.bytes.len > 0;
    if (!out->done && !o->whole) {
        emitter_start_early(&e); /* the error of a stream, not of a head that was never sent */
        emitter_fail(&e, &(struct fault){ .class = FAULT_SERVER, .message = STR("it broke") });
    }
    out->bytes = arena_copy(a, buf_str(&sink.bytes));
    emitter_clear(&e);
    buf_clear(&sink.bytes);
    arena_free(&scratch);
    arena_free(&settled);
}

struct grammar_options rig_grammar(const struct rig_options *o)
{
    const struct canon_request *r = &o->asked->r;

    return (struct grammar_options){
        .protocol = r->protocol,
        .json_array = o->json_array,
        .legacy = r->legacy,
        .functions = r->functions,
        .wants_usage = r->wants_usage,
    };
}
