#include "wire/emitter.h"

#include "wire/signature.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"

#define TO(s) (1u << EMITTER_##s)
static const uint32_t moves[EMITTER_STATES] = {
    [EMITTER_HELD] = TO(WAITING) | TO(FLOWING),
    [EMITTER_WAITING] = TO(FLOWING) | TO(ENDED),
    [EMITTER_FLOWING] = TO(ENDED),
    [EMITTER_ENDED] = 0,
};

static void emitter_move(struct emitter *e, enum emitter_state to)
{
    assert(moves[e->state] & (1u << to));
    e->state = to;
}

void emitter_init(struct emitter *e, const struct emitter_options *options)
{
    *e = (struct emitter){ .o = *options };
    sse_init(&e->sse, options->event_bytes_max);
    stream_state_init(&e->stream, options->protocol);
    buf_init(&e->held, EMITTER_HELD_MAX);
    buf_init(&e->error, (size_t)64 << 10);
    buf_init(&e->items, e->o.event_bytes_max);
    buf_init(&e->edited, options->event_bytes_max + 4096);
}

static void drop_translator(struct emitter *e)
{
    if (e->translator != NULL)
        translator_clear(e->translator);
    free(e->translator);
    e->translator = NULL;
}

void emitter_clear(struct emitter *e)
{
    drop_translator(e);
    sse_clear(&e->sse);
    stream_state_clear(&e->stream);
    buf_clear(&e->held);
    buf_clear(&e->error);
    buf_clear(&e->items);
    buf_clear(&e->edited);
}

void emitter_attempt(struct emitter *e)
{
    assert(e->state == EMITTER_HELD || e->state == EMITTER_WAITING);
    sse_clear(&e->sse);
    sse_init(&e->sse, e->o.event_bytes_max);
    stream_state_clear(&e->stream);
    stream_state_init(&e->stream, e->o.protocol);
    drop_translator(e);
    e->flow = (struct flow){ 0 };
    e->held.len = 0;
    e->error.len = 0;
    e->items.len = 0;
    e->edited.len = 0;
    e->finishing = false;
    e->events_out = 0; /* none of them reached the client */
}

void emitter_translate(struct emitter *e, enum wire wire, const struct encode_options *o,
                       const struct translated *asked)
{
    assert(e->translator == NULL);
    e->translator = must_alloc(sizeof(*e->translator));
    translator_init(e->translator, wire, o, asked, e->o.whole != NULL);
    e->translator->repeat = &e->stream.repeat;
}

const struct usage *emitter_usage(const struct emitter *e)
{
    return e->translator != NULL ? translator_usage(e->translator) : &e->stream.usage;
}

struct str emitter_response_id(const struct emitter *e)
{
    return e->translator != NULL ? STR("") : str_c(e->stream.response_id);
}

bool emitter_cut_short(const struct emitter *e)
{
    return e->translator != NULL && e->translator->cut_short;
}

/* --- writing
 * --------------------------------------------------------------------------------------- */

/* What is added is flushed before the bytes it lies in go, so it needs room only meanwhile. */
static void parts_lend(struct emitter *e, struct str parts[EMITTER_PARTS])
{
    assert(e->part_count == 0);
    e->parts = parts;
}

static void parts_end(struct emitter *e)
{
    assert(e->part_count == 0);
    e->parts = NULL;
}

static void flush(struct emitter *e)
{
    if (e->part_count > 0) {
        assert(e->parts != NULL);
        if (!e->started) {
            e->started = true;
            e->o.sink.start(e->o.sink.peer, false);
        }
        for (size_t i = 0; i < e->part_count; i++)
            e->bytes_out += e->parts[i].len;
        if (!e->o.sink.write(e->o.sink.peer, e->parts, e->part_count))
            e->full = true;
        e->part_count = 0;
    }
    if (e->state == EMITTER_FLOWING && e->held.cap > 0)
        buf_clear(&e->held); /* it went out with the first content */
    if (e->edited.cap > (size_t)64 << 10)
        buf_clear(&e->edited); /* a rare large one is not kept */
    e->edited.len = 0;
}

/* Adds a run of bytes that stays where it is until the flush; one that continues the last is joined
 * to it. */
static void add(struct emitter *e, struct str run)
{
    assert(e->parts != NULL); /* lent by whoever was called from outside */
    struct str *last = e->part_count > 0 ? &e->parts[e->part_count - 1] : NULL;

    if (run.len == 0)
        return;
    if (last != NULL && last->at + last->len == run.at) {
        last->len += run.len;
        return;
    }
    if (e->part_count == EMITTER_PARTS)
        flush(e);
    e->parts[e->part_count++] = run;
}

/* Adds bytes that were made here. What was added before may move with the buffer, so it is flushed
 * first when the buffer must grow. */
static bool add_made(struct emitter *e, struct str made)
{
    if (e->edited.cap - e->edited.len < made.len)
        flush(e);

    size_t start = e->edited.len;
    if (!buf_add(&e->edited, made))
        return false;
    add(e, str_drop(buf_str(&e->edited), start));
    return true;
}

/* What is the model's own reaches the client: the content commit. What was held goes out in front.
 */
static void commit(struct emitter *e)
{
    if (e->state == EMITTER_FLOWING)
        return;
    emitter_move(e, EMITTER_FLOWING);
    add(e, buf_str(&e->held));
}

static struct str quoted_model(struct emitter *e)
{
    struct buf b;

    buf_init(&b, e->o.model.len * 6 + 2);
    bool fits = json_quote(&b, e->o.model);
    assert(fits);
    struct str text = arena_copy(e->o.scratch, buf_str(&b));
    buf_clear(&b);
    return text;
}

/* Does the event name the model as the client did? `raw` has its quotes. */
static bool is_clients_model(const struct emitter *e, struct str raw)
{
    return raw.len == 0 || e->o.model.len == 0 ||
           (raw.len == e->o.model.len + 2 &&
            memcmp(raw.at + 1, e->o.model.at, e->o.model.len) == 0);
}

static bool lies_in(struct str part, struct str whole)
{
    return part.at >= whole.at && part.at + part.len <= whole.at + whole.len;
}

/* Lone surrogates in the data become U+FFFD: same length, in a copy. */
static struct str mended(struct emitter *e, struct str data)
{
    struct arena a = { 0 };
    struct json doc;
    char *copy = arena_alloc_raw(e->o.scratch, data.len + 1);

    memcpy(copy, data.at, data.len);
    struct str text = { copy, data.len };
    (void)json_parse(&doc, text, &(struct json_limits){ .depth_kept = 1, .mend = copy }, &a, NULL);
    arena_free(&a);
    return text;
}

/* The rest of an event whose beginning has flowed: false when it proves to be none that could. */
static bool pass_rest(struct emitter *e, const struct sse_event *ev, const struct event_view *view)
{
    struct str data = ev->data, raw = view->model_raw, name = STR("");

    if (!lies_in(ev->data, ev->span))
        return false; /* its data went on in another line */
    if (e->flow.passed + (int64_t)ev->span.len > (int64_t)e->o.event_bytes_max)
        return false;
    size_t data_at = (size_t)(ev->data.at - ev->span.at), done = e->flow.given - data_at;
    size_t name_at = data.len;

    if (!is_clients_model(e, raw) && raw.at >= data.at + done) {
        name_at = (size_t)(raw.at - data.at);
        name = quoted_model(e);
    }
    if (view->surrogates > 0)
        data = mended(e, data); /* of the same length */
    /* the last block of a stream may lack its blank line */
    struct str end = e->o.json_array ? STR("")
                     : e->finishing  ? STR("\n\n")
                                     : str_drop(ev->span, data_at + data.len);

    return add_made(e, str_drop(str_take(data, name_at), done)) && add_made(e, name) &&
           add_made(e, name_at < data.len ? str_drop(data, name_at + raw.len) : STR("")) &&
           add_made(e, end);
}

/* Passes one event to `put` in parts: as it came, or with the model's name replaced. */
static bool pass(struct emitter *e, const struct sse_event *ev, const struct event_view *view,
                 bool (*put)(struct emitter *e, struct str part, bool made))
{
    bool rename = !is_clients_model(e, view->model_raw);
    /* the last block of a stream may lack its blank line: then it is written anew as well */
    bool plain =
        lies_in(ev->data, ev->span) && view->surrogates == 0 && !e->o.json_array && !e->finishing;

    if (e->flow.given > 0)
        return pass_rest(e, ev, view);
    e->events_out++;
    if (plain && !rename)
        return put(e, ev->span, false);
    if (plain && lies_in(view->model_raw, ev->span)) {
        size_t at = (size_t)(view->model_raw.at - ev->span.at);

        return put(e, str_take(ev->span, at), false) && put(e, quoted_model(e), true) &&
               put(e, str_drop(ev->span, at + view->model_raw.len), false);
    }
    /* the event is written anew: its data lay in several lines, or needs mending, or becomes an
     * array's element */
    struct str data = ev->data, front = data, back = STR(""), model = STR("");
    if (rename) {
        size_t at = (size_t)(view->model_raw.at - data.at);

        model = quoted_model(e);
        front = str_take(data, at);
        back = str_drop(data, at + view->model_raw.len);
    }
    struct buf whole;
    bool good = true;

    buf_init(&whole, data.len + model.len + 16);
    good = buf_add(&whole, front) && buf_add(&whole, model) && buf_add(&whole, back);
    data = view->surrogates > 0 ? mended(e, buf_str(&whole)) : buf_str(&whole);
    if (e->o.json_array) {
        /* the first element opens the array; the others follow a comma */
        bool first = e->events_out == 1;

        good = good && put(e, first ? STR("[") : STR(",\r\n"), true) && put(e, data, true);
    } else {
        struct buf event;

        buf_init(&event, data.len * 2 + ev->name.len + 64);
        good = good && sse_put(&event, ev->name, data) && put(e, buf_str(&event), true);
        buf_clear(&event);
    }
    buf_clear(&whole);
    return good;
}

static bool put_out(struct emitter *e, struct str part, bool made)
{
    if (made)
        return add_made(e, part);
    add(e, part);
    return true;
}

static bool put_held(struct emitter *e, struct str part, bool made)
{
    (void)made;
    return buf_add(&e->held, part);
}

/* --- reading
 * --------------------------------------------------------------------------------------- */

/* Tries data that is no JSON once more with its invalid UTF-8 replaced. */
static bool reread_mended(struct emitter *e, struct sse_event *ev, struct event_view *view)
{
    struct buf b;

    if (utf8_valid(ev->data) == ev->data.len)
        return false;
    buf_init(&b, ev->data.len * 3);
    bool good = utf8_mend(&b, ev->data);
    if (good) {
        ev->data = arena_copy(e->o.scratch, buf_str(&b));
        e->stream.bad_events--;
        stream_read_event(&e->stream, ev->name, ev->data, e->o.scratch, view);
        good = view->kind != EVENT_BAD;
    }
    buf_clear(&b);
    return good;
}

/* An item that is done, for the end. */
static void keep_item(struct emitter *e, const struct sse_event *ev)
{
    static const struct str done = STR("response.output_item.done");
    struct json doc;
    uint32_t item;

    if (e->o.on_response == NULL || e->o.protocol != WIRE_OPENAI_RESPONSES ||
        (ev->name.len > 0 ? !str_eq(ev->name, done)
                          : str_find(str_take(ev->data, 64), done) == SIZE_MAX) ||
        !json_parse(&doc, ev->data, &(struct json_limits){ .depth_kept = 1 }, e->o.scratch, NULL) ||
        json_type(&doc, 0) != JSON_OBJECT)
        return;
    item = json_member(&doc, 0, STR("item"), NULL);
    if (item != JSON_NONE)
        (void)((e->items.len == 0 || buf_add(&e->items, STR(","))) &&
               buf_add(&e->items, json_raw(&doc, item)));
}

/* The object of the last event; where that leaves the items out (Codex' backend), with those that
 * came. */
static void tell_response(struct emitter *e, struct str data)
{
    struct json doc;
    uint32_t response, output;
    struct str whole, id;
    struct buf filled = { .max = SIZE_MAX };

    if (e->o.on_response == NULL ||
        !json_parse(&doc, data, &(struct json_limits){ .depth_kept = 3 }, e->o.scratch, NULL) ||
        json_type(&doc, 0) != JSON_OBJECT)
        return;
    response = json_member(&doc, 0, STR("response"), NULL);
    if (response == JSON_NONE || json_type(&doc, response) != JSON_OBJECT)
        return;
    whole = json_raw(&doc, response);
    output = json_member(&doc, response, STR("output"), NULL);
    if (e->items.len > 0 && output != JSON_NONE && json_type(&doc, output) == JSON_ARRAY &&
        json_first(&doc, output) == JSON_NONE) {
        size_t at = (size_t)(json_raw(&doc, output).at - whole.at) + 1;

        (void)(buf_add(&filled, str_take(whole, at)) && buf_add(&filled, buf_str(&e->items)) &&
               buf_add(&filled, str_drop(whole, at)));
        whole = buf_str(&filled);
    }
    output = json_member(&doc, response, STR("id"), NULL);
    if (output != JSON_NONE && json_type(&doc, output) == JSON_STRING &&
        json_text(&doc, output, e->o.scratch, &id))
        e->o.on_response(e->o.sink.peer, id, whole);
    buf_clear(&filled);
}

static enum emitter_fed take_event(struct emitter *e, struct sse_event *ev)
{
    struct event_view view;

    if (ev->is_comment) {
        /* a sign of life: passes once content flows (the array form has no place for it) */
        if (e->state == EMITTER_FLOWING && !e->o.json_array && !e->finishing)
            add(e, ev->span);
        return EMITTER_FED;
    }
    if (e->o.scratch->total > (size_t)64 << 10) {
        flush(e); /* parts may lie in the scratch arena */
        arena_reset(e->o.scratch);
    }
    stream_read_event(&e->stream, ev->name, ev->data, e->o.scratch, &view);
    if (view.kind == EVENT_BAD && e->flow.given > 0)
        return EMITTER_BROKEN; /* half of it is with the client */
    if (view.kind == EVENT_BAD && !reread_mended(e, ev, &view)) {
        e->events_dropped++;
        return e->stream.bad_events > EMITTER_BAD_EVENTS_MAX ? EMITTER_BROKEN : EMITTER_FED;
    }
    switch (view.kind) {
    case EVENT_BAD:
        return EMITTER_FED;
    case EVENT_ERROR:
        e->error.len = 0;
        (void)buf_add(&e->error, str_take(ev->data, e->error.max));
        return EMITTER_ERROR;
    case EVENT_USAGE:
        if (e->o.drop_usage)
            return EMITTER_FED;
        break;
    case EVENT_END:
        if (!stream_is_complete(&e->stream))
            return EMITTER_BROKEN;
        commit(e);
        if (!pass(e, ev, &view, put_out))
            return EMITTER_BROKEN;
        flush(e);
        tell_response(e, ev->data);
        emitter_move(e, EMITTER_ENDED);
        return EMITTER_DONE;
    case EVENT_CONTENT:
        commit(e);
        keep_item(e, ev);
        if (e->o.on_signature != NULL && view.may_be_signed)
            signature_scan(e->o.protocol, ev->data, e->o.scratch, e->o.on_signature,
                           e->o.sink.peer);
        break;
    case EVENT_PREAMBLE:
    case EVENT_OTHER:
        break;
    }
    if (e->state != EMITTER_FLOWING)
        return pass(e, ev, &view, put_held) ? EMITTER_FED : EMITTER_BROKEN;
    return pass(e, ev, &view, put_out) ? EMITTER_FED : EMITTER_BROKEN;
}

/* --- translating ------------------------------------------------------------------------------*/

#define TRANSLATED_FLUSH ((size_t)64 << 10) /* bytes made before they are handed on */

/* Where the translator writes: held back until content comes. The whole answer of a client that
 * wants one is made at the end, so it needs no holding. */
static struct buf *made_into(struct emitter *e)
{
    return e->o.whole != NULL ? e->o.whole : e->state == EMITTER_FLOWING ? &e->edited : &e->held;
}

/* Hands on what was made since the last time. */
static void flush_made(struct emitter *e)
{
    add(e, buf_str(&e->edited));
    flush(e);
}

/* What has come of the upstream's last words. */
static enum emitter_fed translated(struct emitter *e, enum translation result, struct str data)
{
    /* content of which nothing is written yet (a call that gemini clients get whole) commits to
     * nothing */
    if (result == TRANSLATION_END ||
        ((result == TRANSLATION_MORE || result == TRANSLATION_PAUSED) && e->translator->content &&
         made_into(e)->len > 0)) {
        if (e->o.whole == NULL || result == TRANSLATION_END)
            commit(e);
    }
    switch (result) {
    case TRANSLATION_MORE:
        if (e->edited.len > TRANSLATED_FLUSH)
            flush_made(e);
        return EMITTER_FED;
    case TRANSLATION_END:
        flush_made(e);
        emitter_move(e, EMITTER_ENDED);
        return EMITTER_DONE;
    case TRANSLATION_PAUSED:
        return EMITTER_PAUSED;
    case TRANSLATION_ERROR:
        e->error.len = 0;
        (void)buf_add(&e->error, str_take(data, e->error.max));
        return EMITTER_ERROR;
    case TRANSLATION_BROKEN:
        return EMITTER_BROKEN;
    case TRANSLATION_BAD:
        e->events_dropped++;
        return ++e->stream.bad_events > EMITTER_BAD_EVENTS_MAX ? EMITTER_BROKEN : EMITTER_FED;
    }
    return EMITTER_BROKEN;
}

static enum emitter_fed take_translated(struct emitter *e, const struct sse_event *ev)
{
    enum translation result;
    struct str data = ev->data;
    struct buf mended_data = { .max = data.len * 3 };

    if (ev->is_comment)
        return EMITTER_FED;
    if (e->o.scratch->total > (size_t)64 << 10)
        arena_reset(e->o.scratch);
    result = translator_event(e->translator, ev->name, data, e->o.scratch, made_into(e));
    /* once more with its invalid UTF-8 replaced */
    if (result == TRANSLATION_BAD && utf8_valid(data) != data.len &&
        utf8_mend(&mended_data, data)) {
        data = buf_str(&mended_data);
        result = translator_event(e->translator, ev->name, data, e->o.scratch, made_into(e));
    }
    enum emitter_fed fed = translated(e, result, data);

    buf_clear(&mended_data);
    return fed;
}

enum emitter_fed emitter_take_whole(struct emitter *e, struct str body)
{
    struct str parts[EMITTER_PARTS];

    parts_lend(e, parts);
    assert(e->translator != NULL);
    enum emitter_fed fed =
        translated(e, translator_whole(e->translator, body, e->o.scratch, made_into(e)), body);

    arena_reset(e->o.scratch);
    parts_end(e);
    return fed;
}

bool emitter_is_paused(const struct emitter *e)
{
    return e->translator != NULL && e->translator->paused != STOP_NONE;
}

void emitter_go_on(struct emitter *e, const struct translated *asked)
{
    translator_go_on(e->translator, asked);
    sse_clear(&e->sse);
    sse_init(&e->sse, e->o.event_bytes_max);
    e->finishing = false;
}

bool emitter_end_paused(struct emitter *e)
{
    struct str parts[EMITTER_PARTS];

    parts_lend(e, parts);
    bool done = translated(e, translator_end_paused(e->translator, e->o.scratch, made_into(e)),
                           STR("")) == EMITTER_DONE;

    arena_reset(e->o.scratch);
    parts_end(e);
    return done;
}

/* --- long events ------------------------------------------------------------------------------*/

/* Passes on what there is of the string that flows. False: it is none, or the event is too large.
 */
static bool flow_on(struct emitter *e, struct str *bytes)
{
    struct str run;

    for (;;) {
        enum json_inside got = json_inside_next(&e->flow.string, bytes, &run);

        if (got == JSON_INSIDE_END)
            e->flow.inside = false;
        if (got != JSON_INSIDE_RUN)
            return got != JSON_INSIDE_BAD;
        e->flow.passed += (int64_t)run.len;
        if (e->flow.passed + (int64_t)sse_held(&e->sse) > (int64_t)e->o.event_bytes_max)
            return false;
        if (run.at == e->flow.string.made)
            run = arena_copy(e->o.scratch, run);
        add(e, run);
    }
}

/* What is held of an event goes out when it is long and may pass. */
static bool flow_start(struct emitter *e)
{
    struct flow_start s;

    if (!flow_may_start(&e->flow, &e->sse, e->o.protocol, e->o.scratch, &s) ||
        (e->state != EMITTER_FLOWING && s.view.kind != EVENT_CONTENT))
        return true;
    commit(e);
    e->stream.content = e->stream.content || s.view.kind == EVENT_CONTENT;
    e->stream.unchecked = true; /* arguments that flow are not kept */

    size_t from = e->flow.given;
    struct str begun = str_take(s.block, s.inside_at), raw = s.view.model_raw;

    if (from == 0)
        e->events_out++;
    if (from == 0 && e->o.json_array) {
        add_made(e, e->events_out == 1 ? STR("[") : STR(",\r\n"));
        from = s.data_at;
    }
    if (!is_clients_model(e, raw) && raw.at >= s.block.at + from) {
        size_t at = (size_t)(raw.at - s.block.at);

        add(e, str_drop(str_take(begun, at), from));
        add_made(e, quoted_model(e));
        from = at + raw.len;
    }
    add(e, str_drop(begun, from));

    /* what was held of the string is not held any more when it has been checked and sent */
    struct str inside = str_drop(s.block, s.inside_at);

    e->flow.inside = true;
    e->flow.string = (struct json_string){ 0 };
    e->flow.sequence = s.sequence;
    e->flow.closing_len = 0;
    e->flow.closing[e->flow.closing_len++] = '"';
    for (size_t i = s.closers.count; i-- > 0;)
        e->flow.closing[e->flow.closing_len++] = s.closers.at[i];
    e->flow.passed -= (int64_t)inside.len; /* which are counted as held, still */
    bool good = flow_on(e, &inside);

    flush(e);
    e->flow.passed += (int64_t)(s.block.len - s.inside_at) - 1;
    sse_shorten(&e->sse, s.inside_at + 1, 'x');
    e->flow.given = s.inside_at + 1;
    e->flow.try_at = 0;
    assert(!good || e->flow.inside);
    return good;
}

/* --- feeding ----------------------------------------------------------------------------------*/

enum emitter_fed emitter_feed(struct emitter *e, struct str bytes)
{
    struct str parts[EMITTER_PARTS];
    struct sse_event ev;
    enum emitter_fed fed = EMITTER_FED;
    enum sse_result got = SSE_MORE;

    if (e->state == EMITTER_ENDED)
        return EMITTER_DONE; /* nothing behind the terminator is for the client */
    if (emitter_is_paused(e))
        return EMITTER_PAUSED;
    parts_lend(e, parts);
    if (e->flow.inside && !flow_on(e, &bytes))
        fed = EMITTER_BROKEN;
    while (fed == EMITTER_FED && !e->flow.inside &&
           (got = sse_next(&e->sse, &bytes, &ev)) == SSE_EVENT) {
        bool borrowed = lies_in(ev.span, bytes) || ev.span.at + ev.span.len == bytes.at;

        if (e->o.on_limits != NULL && str_eq(ev.name, STR("codex.rate_limits")))
            e->o.on_limits(e->o.sink.peer, ev.data);
        if (e->translator != NULL) {
            fed = take_translated(e, &ev);
            continue;
        }
        fed = take_event(e, &ev);
        if (!borrowed)
            flush(e); /* the span lies in the reader, which will use its place again */
        if (fed == EMITTER_FED)
            flow_reset(&e->flow);
    }
    if (fed == EMITTER_FED && got == SSE_MORE && e->translator == NULL && !e->flow.inside &&
        sse_held(&e->sse) >= FLOW_EVENT_MIN && !flow_start(e))
        fed = EMITTER_BROKEN;
    if (e->translator != NULL && e->state == EMITTER_FLOWING)
        add(e, buf_str(&e->edited));
    else if (e->state == EMITTER_FLOWING && !e->o.json_array)
        add(e, sse_take_blank(&e->sse));
    if (e->state == EMITTER_FLOWING || e->state == EMITTER_ENDED)
        flush(e);
    arena_reset(e->o.scratch);
    if (fed == EMITTER_FED && got == SSE_TOO_LONG)
        fed = EMITTER_BROKEN;
    if (fed == EMITTER_FED && e->full)
        fed = EMITTER_FULL;
    e->full = false;
    parts_end(e);
    return fed;
}

static bool finish(struct emitter *e)
{
    struct sse_event ev;
    bool cut = false;

    if (e->state == EMITTER_ENDED)
        return true;
    if (e->flow.inside || emitter_is_paused(e))
        return false;
    e->finishing = true;
    if (sse_finish(&e->sse, &ev, &cut)) {
        uint32_t bad = e->stream.bad_events;

        if ((e->translator != NULL ? take_translated(e, &ev) : take_event(e, &ev)) == EMITTER_DONE)
            return true;
        cut = cut && e->stream.bad_events != bad; /* half a line that is whole JSON was no cut */
    }
    if (e->translator != NULL) {
        enum translation result =
            translator_finish(e->translator, !cut, e->o.scratch, made_into(e));
        bool done = translated(e, result, STR("")) == EMITTER_DONE;

        if (!done && e->state == EMITTER_FLOWING)
            flush_made(e); /* what the last event yielded stands before the error */
        arena_reset(e->o.scratch);
        return done;
    }
    flush(e);
    if (cut || !stream_is_complete(&e->stream))
        return false;
    /* a stream that is complete and whose wire ends without a terminator, or forgot it */
    commit(e);
    if (e->o.json_array) {
        if (e->events_out == 0)
            add_made(e, STR("["));
        add_made(e, STR("]"));
    } else if (e->o.protocol == WIRE_OPENAI_CHAT) {
        add_made(e, STR("data: [DONE]\n\n"));
    }
    flush(e);
    emitter_move(e, EMITTER_ENDED);
    arena_reset(e->o.scratch);
    return true;
}

bool emitter_finish(struct emitter *e)
{
    struct str parts[EMITTER_PARTS];

    parts_lend(e, parts);
    bool complete = finish(e);

    parts_end(e);
    return complete;
}

/* --- signs of life, and failure
 * -------------------------------------------------------------------- */

void emitter_start_early(struct emitter *e)
{
    if (e->started)
        return;
    assert(e->state == EMITTER_HELD);
    e->started = true;
    emitter_move(e, EMITTER_WAITING);
    e->o.sink.start(e->o.sink.peer, true);
    emitter_keep_alive(e);
}

void emitter_keep_alive(struct emitter *e)
{
    struct str parts[EMITTER_PARTS];

    if (!e->started || e->state == EMITTER_ENDED)
        return;
    if (e->flow.given > 0)
        return; /* it would stand in the middle of an event */
    parts_lend(e, parts);
    if (e->o.json_array)
        add_made(e, STR("\n")); /* blanks between elements mean nothing */
    else if (e->o.protocol == WIRE_ANTHROPIC)
        add_made(e, STR("event: ping\ndata: {\"type\": \"ping\"}\n\n"));
    else
        add_made(e, STR(": keep-alive\n\n"));
    flush(e);
    e->full = false;
    parts_end(e);
}

/* Does the client have the end already? Gemini's is a chunk like others, and the stream goes on
 * until it is closed. */
static bool end_is_told(const struct emitter *e)
{
    return e->translator == NULL && e->o.protocol == WIRE_GEMINI && e->state == EMITTER_FLOWING &&
           e->flow.given == 0 && stream_is_complete(&e->stream);
}

void emitter_fail(struct emitter *e, const struct fault *f)
{
    struct str parts[EMITTER_PARTS];
    struct buf event;

    assert(e->started && e->state != EMITTER_ENDED);
    parts_lend(e, parts);
    buf_init(&event, 16384);
    if (e->flow.given > 0) { /* ends the event that broke off: what there is of it is JSON */
        (void)buf_add(&event, (struct str){ e->flow.closing, e->flow.closing_len });
        if (!e->o.json_array)
            (void)buf_add(&event, STR("\n\n"));
    }
    if (end_is_told(e)) {
        if (e->o.json_array)
            (void)buf_add(&event, STR("]"));
    } else if (e->o.json_array) {
        (void)buf_add(&event, e->state == EMITTER_FLOWING ? STR(",\r\n") : STR("["));
        (void)fault_put(&event, e->o.protocol, f, e->o.request_id);
        (void)buf_add(&event, STR("]"));
    } else {
        bool flows = e->state == EMITTER_FLOWING;
        char made_id[64];
        struct str id = str_c(e->stream.response_id);
        int64_t sequence = e->flow.sequence > 0 ? e->flow.sequence : e->stream.sequence;

        if (e->translator != NULL) {
            int len = snprintf(made_id, sizeof(made_id), "resp_%.*s", STR_ARG(e->translator->o.id));
            id = str_take((struct str){ made_id, (size_t)len }, sizeof(made_id) - 1);
            sequence = e->translator->encoder.sequence;
        }
        (void)fault_put_event(&event, e->o.protocol, f, e->o.request_id, flows ? sequence : 0,
                              flows ? id : STR(""));
    }
    (void)add_made(e, buf_str(&event));
    flush(e);
    buf_clear(&event);
    parts_end(e);
    emitter_move(e, EMITTER_ENDED);
}
