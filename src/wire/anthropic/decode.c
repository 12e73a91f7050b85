/* wire/anthropic/decode.c - answers of an Anthropic upstream as canonical events.
 *
 * Blocks come one after the other, so the order of events is the upstream's own. A stream that ends
 * behind its stop reason but before message_stop has said all there was to say; one that ends
 * earlier was cut. */
#include "wire/anthropic/anthropic.h"

#include "base/json_write.h"
#include "wire/format_int.h"

#define KEPT_MAX \
    ((size_t)64 << 20) /* bytes of a block that is put together: more than an event may have */
#define DETAIL_MAX ((size_t)8 << 10)

void anthropic_decode_clear(void *state)
{
    struct anthropic_decoding *s = state;

    buf_clear(&s->detail);
    buf_clear(&s->block);
    buf_clear(&s->pieces);
    buf_clear(&s->prefill);
}

static struct anthropic_decoding *state_of(struct decoder *d)
{
    struct anthropic_decoding *s = d->state;

    if (s->detail.max == 0) {
        buf_init(&s->detail, DETAIL_MAX);
        buf_init(&s->block, KEPT_MAX);
        buf_init(&s->pieces, KEPT_MAX);
        buf_init(&s->prefill, KEPT_MAX);
    }
    return s;
}

static struct str str_at(struct decoder *d, const struct json *doc, uint32_t node)
{
    struct str s = STR("");

    if (is_type(doc, node, JSON_STRING))
        (void)json_text(doc, node, d->scratch, &s);
    return s;
}

static struct str str_of(struct decoder *d, const struct json *doc, uint32_t object,
                         struct str name)
{
    return str_at(d, doc, member_named(doc, object, name));
}

static struct text text_at(const struct json *doc, uint32_t node)
{
    return is_type(doc, node, JSON_STRING) ? text_of(doc, node) : TEXT_EMPTY;
}

static struct text inside_of(const struct json *doc, uint32_t object, struct str name)
{
    return text_at(doc, member_named(doc, object, name));
}

/* --- text, and the beginning of it that we know already ----------------------------------------*/

static void prefill_flush(struct decoder *d, struct anthropic_decoding *s, size_t drop)
{
    struct str rest = str_drop(buf_str(&s->prefill), drop);

    s->prefill_over = true;
    if (rest.len > 0)
        decode_delta(d, 0, text_from(d->scratch, rest));
    buf_clear(&s->prefill);
}

static void text_delta(struct decoder *d, struct anthropic_decoding *s, struct text piece)
{
    struct str known, so_far;

    if (s->prefill_over || text_is_empty(d->asked.prefill)) {
        decode_delta(d, 0, piece);
        return;
    }
    known = text_plain(d->scratch, d->asked.prefill);
    if (!buf_add(&s->prefill, text_plain(d->scratch, piece))) {
        prefill_flush(d, s, 0);
        decode_delta(d, 0, piece);
        return;
    }
    so_far = buf_str(&s->prefill);
    if (str_starts(so_far, known))
        prefill_flush(d, s, known.len);
    else if (!str_starts(known, so_far))
        prefill_flush(d, s, 0);
}

/* --- blocks that only Anthropic knows ---------------------------------------------------------*/

/* The block with what its deltas said in place of its `input` (or `content`). */
static struct str put_together(struct decoder *d, struct anthropic_decoding *s)
{
    struct str changed = s->pieces_text ? STR("content") : STR("input"), raw = buf_str(&s->block);
    struct json doc;
    struct buf out;
    struct str result;

    if (!s->deltas ||
        !json_parse(&doc, raw, &(struct json_limits){ .depth_kept = 1 }, d->scratch, NULL))
        return raw;
    buf_init(&out, KEPT_MAX * 2);

    struct json_writer w = json_writer(&out);

    json_put_object(&w);
    for (uint32_t key = json_first(&doc, 0); key != JSON_NONE; key = json_after(&doc, 0, key + 1)) {
        struct str name = STR("");

        if (json_says(&doc, key, changed))
            continue;
        (void)json_text(&doc, key, d->scratch, &name);
        json_put_key(&w, name);
        json_put_raw(&w, json_raw(&doc, key + 1));
    }
    json_put_key(&w, changed);
    if (s->pieces_text)
        json_put_str(&w, buf_str(&s->pieces));
    else
        json_put_raw(&w, arguments_are_json(buf_str(&s->pieces)) && s->pieces.len > 0
                             ? buf_str(&s->pieces)
                             : STR("{}"));
    json_put_end(&w);
    result = json_written(&w) ? arena_copy(d->scratch, buf_str(&out)) : raw;
    buf_clear(&out);
    return result;
}

static void server_emit(struct decoder *d, const struct json *block, struct str raw)
{
    struct opaque server = {
        .wire = WIRE_ANTHROPIC,
        .type = str_of(d, block, 0, STR("type")),
        .raw = raw,
        .name = str_of(d, block, 0, STR("name")),
        .id = str_of(d, block, 0, STR("id")),
    };
    if (server.id.len == 0)
        server.id = str_of(d, block, 0, STR("tool_use_id"));
    decode_server(d, 0, &server);
}

static void server_close(struct decoder *d, struct anthropic_decoding *s)
{
    struct json block;
    struct str raw = put_together(d, s);

    if (json_parse(&block, raw, &(struct json_limits){ .depth_kept = 1 }, d->scratch, NULL))
        server_emit(d, &block, raw);
    buf_clear(&s->block);
    buf_clear(&s->pieces);
}

/* --- blocks -----------------------------------------------------------------------------------*/

static void signature(struct decoder *d, struct text blob, bool redacted)
{
    if (!text_is_empty(blob))
        decode_signature(
            d, 0,
            &(struct signature){ .signer = SIGNER_ANTHROPIC, .blob = blob, .redacted = redacted },
            false);
}

static void citation(struct decoder *d, const struct json *doc, uint32_t node)
{
    static const struct str titles[] = { STR("title"), STR("document_title") };
    struct canon_note note = {
        .cited = inside_of(doc, node, STR("cited_text")),
        .url = str_of(d, doc, node, STR("url")),
        .start = -1,
        .end = -1,
        .raw = json_raw(doc, node),
        .wire = WIRE_ANTHROPIC,
    };
    for (size_t i = 0; i < COUNT(titles) && note.title.len == 0; i++)
        note.title = str_of(d, doc, node, titles[i]);
    if (note.url.len == 0)
        note.url = str_of(d, doc, node, STR("source"));
    decode_note(d, 0, &note);
}

static void open_tool(struct decoder *d, struct anthropic_decoding *s, const struct json *doc,
                      uint32_t block)
{
    struct str name = str_of(d, doc, block, STR("name"));
    uint32_t input = member(doc, block, "input");

    if (d->asked.json_tool.len > 0 && str_eq(name, d->asked.json_tool)) {
        s->shape = ANTHROPIC_JSON;
        decode_switch(d, 0, BLOCK_TEXT);
    } else {
        s->shape = ANTHROPIC_TOOL;
        decode_open_tool(d, 0, str_of(d, doc, block, STR("id")), name, STR(""), false);
    }
    if (is_type(doc, input, JSON_OBJECT) && json_first(doc, input) != JSON_NONE)
        (void)buf_add(&s->block, json_raw(doc, input));
}

static void open_block(struct decoder *d, struct anthropic_decoding *s, const struct json *doc,
                       uint32_t block)
{
    static const struct {
        struct str type;
        enum anthropic_shape shape;
    } shapes[] = {
        { STR("text"), ANTHROPIC_TEXT },
        { STR("thinking"), ANTHROPIC_THINKING },
        { STR("redacted_thinking"), ANTHROPIC_REDACTED },
        { STR("tool_use"), ANTHROPIC_TOOL },
    };
    uint32_t type = member(doc, block, "type");

    s->shape = ANTHROPIC_SERVER;
    s->deltas = s->pieces_text = false;
    for (size_t i = 0; i < COUNT(shapes); i++)
        if (is_type(doc, type, JSON_STRING) && json_says(doc, type, shapes[i].type))
            s->shape = shapes[i].shape;
    switch (s->shape) {
    case ANTHROPIC_TEXT:
        decode_switch(d, 0, BLOCK_TEXT);
        text_delta(d, s, inside_of(doc, block, STR("text")));
        break;
    case ANTHROPIC_THINKING:
        decode_switch(d, 0, BLOCK_THINKING);
        decode_delta(d, 0, inside_of(doc, block, STR("thinking")));
        signature(d, inside_of(doc, block, STR("signature")), false);
        break;
    case ANTHROPIC_REDACTED:
        decode_switch(d, 0, BLOCK_REDACTED);
        signature(d, inside_of(doc, block, STR("data")), true);
        break;
    case ANTHROPIC_TOOL:
        open_tool(d, s, doc, block);
        break;
    case ANTHROPIC_SERVER:
        decode_close(d, 0);
        (void)buf_add(&s->block, json_raw(doc, block));
        break;
    case ANTHROPIC_JSON:
    case ANTHROPIC_NONE:
        break;
    }
}

/* A piece of the member that a server's tool gets or gives. */
static void server_piece(struct anthropic_decoding *s, struct text piece, bool text)
{
    s->deltas = true;
    s->pieces_text = text;
    (void)json_unescape(&s->pieces, piece.escaped);
}

/* What a block gets piece by piece, and what else may come in its deltas. */
static void block_delta(struct decoder *d, struct anthropic_decoding *s, const struct json *doc,
                        uint32_t delta)
{
    static const struct str names[][2] = {
        [ANTHROPIC_NONE] = { NAME(""), NAME("") },
        [ANTHROPIC_TEXT] = { NAME("text"), NAME("citation") },
        [ANTHROPIC_THINKING] = { NAME("thinking"), NAME("signature") },
        [ANTHROPIC_REDACTED] = { NAME(""), NAME("") },
        [ANTHROPIC_TOOL] = { NAME("partial_json"), NAME("") },
        [ANTHROPIC_JSON] = { NAME("partial_json"), NAME("") },
        [ANTHROPIC_SERVER] = { NAME("partial_json"), NAME("content") },
    };
    uint32_t nodes[2] = { JSON_NONE, JSON_NONE };
    struct text piece, more;

    members_named(doc, delta, names[s->shape], nodes, names[s->shape][1].len > 0 ? 2 : 1);
    piece = text_at(doc, nodes[0]);
    more = text_at(doc, nodes[1]);
    switch (s->shape) {
    case ANTHROPIC_TEXT:
        if (is_type(doc, nodes[1], JSON_OBJECT))
            citation(d, doc, nodes[1]);
        text_delta(d, s, piece);
        break;
    case ANTHROPIC_THINKING:
        decode_delta(d, 0, piece);
        signature(d, more, false);
        break;
    case ANTHROPIC_TOOL:
    case ANTHROPIC_JSON:
        s->deltas = s->deltas || !text_is_empty(piece);
        decode_delta(d, 0, piece);
        break;
    case ANTHROPIC_SERVER:
        if (!text_is_empty(piece))
            server_piece(s, piece, false);
        else if (!text_is_empty(more))
            server_piece(s, more, true);
        break;
    case ANTHROPIC_REDACTED:
    case ANTHROPIC_NONE:
        break;
    }
}

static void close_block(struct decoder *d, struct anthropic_decoding *s)
{
    switch (s->shape) {
    case ANTHROPIC_TEXT:
        if (s->prefill.len > 0)
            prefill_flush(d, s, 0);
        break;
    case ANTHROPIC_TOOL:
    case ANTHROPIC_JSON:
        if (!s->deltas && s->block.len > 0)
            decode_delta(d, 0, text_from(d->scratch, buf_str(&s->block)));
        buf_clear(&s->block);
        break;
    case ANTHROPIC_SERVER:
        server_close(d, s);
        break;
    case ANTHROPIC_THINKING:
    case ANTHROPIC_REDACTED:
    case ANTHROPIC_NONE:
        break;
    }
    s->shape = ANTHROPIC_NONE;
    decode_close(d, 0);
}

/* --- the end ----------------------------------------------------------------------------------*/

/* Reason and details, of a message or of a delta to it. */
static void read_stop(struct anthropic_decoding *s, const struct json *doc, uint32_t object)
{
    enum { REASON, DETAILS, SEQUENCE };
    static const struct str names[] = { STR("stop_reason"), STR("stop_details"),
                                        STR("stop_sequence") };
    static const struct str words[] = { STR("category"), STR("explanation") };
    uint32_t has[COUNT(names)];

    members_named(doc, object, names, has, COUNT(names));
    struct text detail = text_at(doc, has[SEQUENCE]);

    if (!is_type(doc, has[REASON], JSON_STRING))
        return;
    s->stopped = true;
    s->cause = anthropic_stop_cause(doc, has[REASON]);
    for (size_t i = 0; i < COUNT(words) && is_type(doc, has[DETAILS], JSON_OBJECT); i++)
        if (text_is_empty(detail))
            detail = inside_of(doc, has[DETAILS], words[i]);
    s->detail.len = 0;
    (void)buf_add(&s->detail, detail.escaped);
}

static void read_usage(struct decoder *d, const struct json *doc, uint32_t usage)
{
    usage_read(&d->usage, WIRE_ANTHROPIC, doc, usage);
    if (usage_is_known(&d->usage))
        decode_usage(d);
}

static enum decoded finish(struct decoder *d, struct anthropic_decoding *s)
{
    if (s->shape != ANTHROPIC_NONE)
        close_block(d, s);
    decode_finish(d, 0, s->stopped ? s->cause : STOP_DONE, (struct text){ buf_str(&s->detail) });
    return decode_end(d);
}

static void start(struct decoder *d, const struct json *doc, uint32_t message)
{
    enum { ID, MODEL, USAGE };
    static const struct str names[] = { STR("id"), STR("model"), STR("usage") };
    uint32_t has[COUNT(names)];

    members_named(doc, message, names, has, COUNT(names));
    decode_start(d, str_at(d, doc, has[ID]), str_at(d, doc, has[MODEL]));
    read_usage(d, doc, has[USAGE]);
}

/* --- what comes -------------------------------------------------------------------------------*/

enum event_type {
    EVENT_TYPE_START,
    EVENT_TYPE_BLOCK_START,
    EVENT_TYPE_BLOCK_DELTA,
    EVENT_TYPE_BLOCK_STOP,
    EVENT_TYPE_DELTA,
    EVENT_TYPE_STOP,
    EVENT_TYPE_ERROR,
    EVENT_TYPES, /* ping, and what is not known yet */
};

static enum event_type event_type(struct str word)
{
    static const struct str words[EVENT_TYPES] = {
        [EVENT_TYPE_START] = NAME("message_start"),
        [EVENT_TYPE_BLOCK_START] = NAME("content_block_start"),
        [EVENT_TYPE_BLOCK_DELTA] = NAME("content_block_delta"),
        [EVENT_TYPE_BLOCK_STOP] = NAME("content_block_stop"),
        [EVENT_TYPE_DELTA] = NAME("message_delta"),
        [EVENT_TYPE_STOP] = NAME("message_stop"),
        [EVENT_TYPE_ERROR] = NAME("error"),
    };
    size_t i = 0;

    while (i < EVENT_TYPES && !str_eq(words[i], word))
        i++;
    return (enum event_type)i;
}

enum decoded anthropic_decode_event(struct decoder *d, struct str name, const struct json *doc)
{
    static const struct str names[] = { NAME("type"), NAME("delta"), NAME("content_block"),
                                        NAME("message"), NAME("usage") };
    enum { TYPE, DELTA, BLOCK, MESSAGE, USAGE };
    struct anthropic_decoding *s = state_of(d);
    uint32_t has[COUNT(names)];

    members_named(doc, 0, names, has, COUNT(names));
    for (size_t i = DELTA; i <= MESSAGE; i++)
        if (!is_type(doc, has[i], JSON_OBJECT))
            has[i] = JSON_NONE;
    switch (event_type(is_type(doc, has[TYPE], JSON_STRING) ? json_inside(doc, has[TYPE]) : name)) {
    case EVENT_TYPE_START:
        start(d, doc, has[MESSAGE]);
        break;
    case EVENT_TYPE_BLOCK_START:
        if (has[BLOCK] == JSON_NONE)
            return DECODED_BAD;
        if (s->shape != ANTHROPIC_NONE) /* its stop was left out */
            close_block(d, s);
        open_block(d, s, doc, has[BLOCK]);
        break;
    case EVENT_TYPE_BLOCK_DELTA:
        if (has[DELTA] == JSON_NONE)
            return DECODED_BAD;
        block_delta(d, s, doc, has[DELTA]);
        break;
    case EVENT_TYPE_BLOCK_STOP:
        if (s->shape != ANTHROPIC_NONE)
            close_block(d, s);
        break;
    case EVENT_TYPE_DELTA:
        read_stop(s, doc, has[DELTA]);
        read_usage(d, doc, has[USAGE]);
        break;
    case EVENT_TYPE_STOP:
        return finish(d, s);
    case EVENT_TYPE_ERROR:
        return DECODED_ERROR;
    case EVENT_TYPES:
        break;
    }
    return DECODED_MORE;
}

enum decoded anthropic_decode_done(struct decoder *d, bool eof, bool clean)
{
    struct anthropic_decoding *s = state_of(d);

    if (!eof) /* a stray [DONE] */
        return DECODED_MORE;
    return s->stopped && clean ? finish(d, s) : DECODED_CUT;
}

enum decoded anthropic_decode_whole(struct decoder *d, const struct json *doc)
{
    struct anthropic_decoding *s = state_of(d);
    uint32_t content = member(doc, 0, "content"), type = member(doc, 0, "type");

    if (is_type(doc, type, JSON_STRING) && json_says(doc, type, STR("error")))
        return DECODED_ERROR;
    if (!is_type(doc, content, JSON_ARRAY) ||
        (json_first(doc, content) == JSON_NONE && member(doc, 0, "stop_reason") == JSON_NONE))
        return DECODED_CUT; /* no answer, or one that says nothing and not that it ends */
    start(d, doc, 0);
    for (uint32_t block = json_first(doc, content); block != JSON_NONE;
         block = json_after(doc, content, block)) {
        uint32_t cited = member(doc, block, "citations");

        if (json_type(doc, block) != JSON_OBJECT)
            return DECODED_CUT;
        open_block(d, s, doc, block);
        if (s->shape == ANTHROPIC_TEXT && is_type(doc, cited, JSON_ARRAY))
            for (uint32_t c = json_first(doc, cited); c != JSON_NONE; c = json_after(doc, cited, c))
                citation(d, doc, c);
        close_block(d, s);
    }
    read_stop(s, doc, 0);
    return finish(d, s);
}
