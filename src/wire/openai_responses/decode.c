/* wire/openai_responses/decode.c - what a Responses upstream answers, as events.
 *
 * Items come one after the other: added, deltas, done. The done event holds the whole item, so what
 * a server left out before it is made up for there: deltas, the added event, and with the ChatGPT
 * backend the output of the last event. An item that begins while a call is still open waits until
 * the call is done, because blocks do not overlap.
 *
 * Events without a meaning here are passed over: codex.rate_limits, response.metadata, heartbeats,
 * progress of tools that the provider runs (their item says it all when it is done).
 * Source: OpenAI API reference, "Streaming events"; Codex, codex-api/src/sse/responses.rs. */
#include "wire/format_int.h"
#include "wire/openai_responses/convert_int.h"

#include <stdlib.h>

#define LATE_MAX ((size_t)8 << 20) /* bytes of items that wait for an open call */

/* Members of events, and of items. */
enum {
    M_DELTA,
    M_TYPE,
    M_OUTPUT_INDEX,
    M_SUMMARY_INDEX,
    MEMBERS_OF_DELTAS,
    M_ITEM = MEMBERS_OF_DELTAS,
    M_PART,
    M_RESPONSE,
    M_TEXT,
    M_ARGUMENTS,
    M_INPUT,
    M_ANNOTATION,
    MEMBERS_OF_EVENTS,
};

static const struct str event_members[MEMBERS_OF_EVENTS] = {
    [M_TYPE] = STR("type"),
    [M_DELTA] = STR("delta"),
    [M_OUTPUT_INDEX] = STR("output_index"),
    [M_ITEM] = STR("item"),
    [M_PART] = STR("part"),
    [M_RESPONSE] = STR("response"),
    [M_TEXT] = STR("text"),
    [M_ARGUMENTS] = STR("arguments"),
    [M_INPUT] = STR("input"),
    [M_SUMMARY_INDEX] = STR("summary_index"),
    [M_ANNOTATION] = STR("annotation"),
};

static struct text text_at(const struct json *doc, uint32_t node)
{
    return is_type(doc, node, JSON_STRING) ? text_of(doc, node) : TEXT_EMPTY;
}

static struct str str_at(struct decoder *d, const struct json *doc, uint32_t node)
{
    struct str s = STR("");

    if (node != JSON_NONE)
        (void)json_text(doc, node, d->scratch, &s);
    return s;
}

static int64_t number_at(const struct json *doc, uint32_t node, int64_t otherwise)
{
    int64_t n;

    return node != JSON_NONE && json_i64(doc, node, &n) ? n : otherwise;
}

/* Forgets what the item before it left behind. */
static void follow(struct responses_decoder *st, int64_t index)
{
    st->item = index;
    st->following = true;
    st->any = true;
    st->opened = st->piece = st->called = st->argued = st->raw_thinking = false;
    st->summary = -1;
    st->notes = 0;
}

/* --- pieces -----------------------------------------------------------------------------------*/

static void put_text(struct decoder *d, enum block_kind kind, struct text text)
{
    struct responses_decoder *st = d->state;

    if (!st->following) /* a server that does not announce its items */
        follow(st, -1);
    st->opened = true;
    st->piece = true;
    decode_switch(d, 0, kind);
    decode_delta(d, 0, text);
}

/* A piece of thinking: the parts of a summary are told apart. */
static void put_thinking(struct decoder *d, int64_t summary, struct text text)
{
    struct responses_decoder *st = d->state;

    if (text_is_empty(text))
        return;
    d->summary_break = st->summary >= 0 && summary != st->summary && d->open;
    st->summary = summary;
    put_text(d, BLOCK_THINKING, text);
    d->summary_break = false;
}

static void put_note(struct decoder *d, const struct json *doc, uint32_t node)
{
    struct responses_decoder *st = d->state;

    if (!is_type(doc, node, JSON_OBJECT))
        return;
    st->notes++;
    decode_note(d, 0,
                &(struct canon_note){
                    .url = str_at(d, doc, member(doc, node, "url")),
                    .title = str_at(d, doc, member(doc, node, "title")),
                    .start = number_at(doc, member(doc, node, "start_index"), -1),
                    .end = number_at(doc, member(doc, node, "end_index"), -1),
                    .raw = json_raw(doc, node),
                    .wire = WIRE_OPENAI_RESPONSES,
                });
}

/* A part of a message as it ends; what its deltas did not say is said now. */
static void end_part(struct decoder *d, const struct json *doc, uint32_t part)
{
    struct responses_decoder *st = d->state;
    bool refusal = member_says(doc, part, "type", "refusal");
    struct text text =
        text_at(doc, member_named(doc, part, refusal ? STR("refusal") : STR("text")));
    uint32_t notes = member(doc, part, "annotations"), index = 0;

    st->refused = st->refused || refusal;
    if (!st->piece && !text_is_empty(text))
        put_text(d, refusal ? BLOCK_REFUSAL : BLOCK_TEXT, text);
    if (d->open && is_type(doc, notes, JSON_ARRAY))
        for (uint32_t note = json_first(doc, notes); note != JSON_NONE;
             note = json_after(doc, notes, note), index++)
            if (index >= st->notes)
                put_note(d, doc, note);
    decode_close(d, 0);
    st->piece = false;
    st->notes = 0;
}

/* --- items ------------------------------------------------------------------------------------*/

enum item_kind {
    ITEM_MESSAGE,
    ITEM_CALL,
    ITEM_CUSTOM_CALL,
    ITEM_REASONING,
    ITEM_IMAGE,
    ITEM_OTHER
};

static enum item_kind kind_of(const struct json *doc, uint32_t item)
{
    static const struct {
        struct str type;
        enum item_kind kind;
    } kinds[] = {
        { STR("message"), ITEM_MESSAGE },
        { STR("function_call"), ITEM_CALL },
        { STR("custom_tool_call"), ITEM_CUSTOM_CALL },
        { STR("reasoning"), ITEM_REASONING },
        { STR("image_generation_call"), ITEM_IMAGE },
    };
    struct text type = text_at(doc, member(doc, item, "type"));

    for (size_t i = 0; i < COUNT(kinds); i++)
        if (str_eq(type.escaped, kinds[i].type))
            return kinds[i].kind;
    return ITEM_OTHER;
}

static bool is_call(enum item_kind kind)
{
    return kind == ITEM_CALL || kind == ITEM_CUSTOM_CALL;
}

static void open_call(struct decoder *d, const struct json *doc, uint32_t item, bool custom)
{
    struct responses_decoder *st = d->state;
    struct str id = str_at(d, doc, member(doc, item, "call_id"));
    struct str name = str_at(d, doc, member(doc, item, "name"));

    if (name.len == 0)
        return; /* the done event will say it */
    if (id.len == 0)
        id = str_at(d, doc, member(doc, item, "id"));
    st->called = true;
    decode_open_tool(d, 0, id, name, str_at(d, doc, member(doc, item, "namespace")), custom);
}

/* What a message is in its turn: a remark between calls, or the answer. */
static void set_phase(struct decoder *d, const struct json *doc, uint32_t item)
{
    uint32_t phase = member(doc, item, "phase");

    d->phase = node_says(doc, phase, "commentary")     ? PHASE_COMMENTARY
               : node_says(doc, phase, "final_answer") ? PHASE_FINAL
                                                       : PHASE_NONE;
}

static void item_added(struct decoder *d, const struct json *doc, uint32_t item, int64_t index)
{
    struct responses_decoder *st = d->state;
    enum item_kind kind = kind_of(doc, item);

    if (st->following && d->open && d->kind == BLOCK_TOOL)
        return; /* it waits: its done event holds all of it */
    follow(st, index);
    set_phase(d, doc, item);
    if (is_call(kind))
        open_call(d, doc, item, kind == ITEM_CUSTOM_CALL);
}

static void end_call(struct decoder *d, const struct json *doc, uint32_t item, bool custom)
{
    struct responses_decoder *st = d->state;
    struct text arguments =
        text_at(doc, member_named(doc, item, custom ? STR("input") : STR("arguments")));

    if (!st->called)
        open_call(d, doc, item, custom);
    if (!st->called)
        return; /* a call without a name is none */
    if (!st->argued && d->open && d->kind == BLOCK_TOOL)
        decode_delta(d, 0, arguments);
    else if (!st->argued && !text_is_empty(arguments))
        st->lost = true; /* something else has closed it */
    decode_close(d, 0);
}

static void end_message(struct decoder *d, const struct json *doc, uint32_t item)
{
    struct responses_decoder *st = d->state;
    uint32_t content = member(doc, item, "content");

    if (!st->opened && is_type(doc, content, JSON_ARRAY))
        for (uint32_t part = json_first(doc, content); part != JSON_NONE;
             part = json_after(doc, content, part))
            end_part(d, doc, part);
    decode_close(d, 0);
}

static void put_thoughts(struct decoder *d, const struct json *doc, uint32_t list)
{
    int64_t index = 0;

    if (is_type(doc, list, JSON_ARRAY))
        for (uint32_t part = json_first(doc, list); part != JSON_NONE;
             part = json_after(doc, list, part), index++)
            put_thinking(d, index, text_at(doc, member(doc, part, "text")));
}

static void end_reasoning(struct decoder *d, const struct json *doc, uint32_t item)
{
    struct responses_decoder *st = d->state;
    struct text blob = text_at(doc, member(doc, item, "encrypted_content"));

    if (!st->opened)
        put_thoughts(d, doc, member(doc, item, "summary"));
    if (!st->opened)
        put_thoughts(d, doc, member(doc, item, "content"));
    if (!text_is_empty(blob)) {
        struct signature sig = {
            .signer = SIGNER_OPENAI,
            .blob = blob,
            .item_id = str_at(d, doc, member(doc, item, "id")),
        };

        decode_switch(d, 0, BLOCK_THINKING);
        decode_signature(d, 0, &sig, false);
    }
    decode_close(d, 0);
}

static void put_image(struct decoder *d, const struct json *doc, uint32_t item)
{
    static const struct {
        const char *word;
        struct str mime;
    } formats[] = { { "jpeg", STR("image/jpeg") }, { "webp", STR("image/webp") } };
    struct text data = text_at(doc, member(doc, item, "result")), mime = TEXT_LIT("image/png");

    for (size_t i = 0; i < COUNT(formats); i++)
        if (member_says(doc, item, "output_format", formats[i].word))
            mime.escaped = formats[i].mime;
    if (!text_is_empty(data))
        decode_media(d, 0, mime, data);
}

static void put_server(struct decoder *d, const struct json *doc, uint32_t item)
{
    struct str type = str_at(d, doc, member(doc, item, "type"));

    decode_server(d, 0,
                  &(struct opaque){
                      .wire = WIRE_OPENAI_RESPONSES,
                      .type = type,
                      .raw = json_raw(doc, item),
                      .id = str_at(d, doc, member(doc, item, "id")),
                      .name = str_ends(type, STR("_call")) ? str_drop_last(type, 5) : type,
                  });
}

/* The whole item is known; `st` tells how much of it has been said. */
static void end_item(struct decoder *d, const struct json *doc, uint32_t item)
{
    struct responses_decoder *st = d->state;
    enum item_kind kind = kind_of(doc, item);

    switch (kind) {
    case ITEM_MESSAGE:
        end_message(d, doc, item);
        break;
    case ITEM_CALL:
    case ITEM_CUSTOM_CALL:
        end_call(d, doc, item, kind == ITEM_CUSTOM_CALL);
        break;
    case ITEM_REASONING:
        end_reasoning(d, doc, item);
        break;
    case ITEM_IMAGE:
        put_image(d, doc, item);
        break;
    case ITEM_OTHER:
        put_server(d, doc, item);
        break;
    }
    st->following = false;
}

/* An item of which nothing was said before. */
static void whole_item(struct decoder *d, const struct json *doc, uint32_t item, int64_t index)
{
    follow(d->state, index);
    set_phase(d, doc, item);
    if (json_type(doc, item) == JSON_OBJECT)
        end_item(d, doc, item);
}

static void whole_items(struct decoder *d, const struct json *doc, uint32_t list)
{
    int64_t index = 0;

    if (is_type(doc, list, JSON_ARRAY))
        for (uint32_t item = json_first(doc, list); item != JSON_NONE;
             item = json_after(doc, list, item), index++)
            whole_item(d, doc, item, index);
}

/* The items that waited for a call to end. */
static void late_items(struct decoder *d)
{
    struct responses_decoder *st = d->state;
    struct json doc;
    struct str list;

    if (st->late.len == 0)
        return;
    list = arena_printf(d->scratch, "[%.*s]", (int)st->late.len - 1, st->late.at + 1);
    buf_clear(&st->late);
    if (json_parse(&doc, list, NULL, d->scratch, NULL))
        whole_items(d, &doc, 0);
}

static void item_done(struct decoder *d, const struct json *doc, uint32_t item, int64_t index)
{
    struct responses_decoder *st = d->state;
    bool current = st->following && (index < 0 || st->item < 0 || index == st->item);

    if (!current && st->following && d->open && d->kind == BLOCK_TOOL) {
        st->late.max = LATE_MAX;
        st->lost = !buf_add(&st->late, STR(",")) || !buf_add(&st->late, json_raw(doc, item));
        return;
    }
    if (current)
        end_item(d, doc, item);
    else
        whole_item(d, doc, item, index);
    late_items(d);
}

/* --- events -----------------------------------------------------------------------------------*/

enum event {
    ON_TEXT,
    ON_ARGUMENTS,
    ON_CUSTOM_INPUT,
    ON_SUMMARY,
    ON_THINKING,
    ON_REFUSAL,
    ON_ITEM_ADDED,
    ON_ITEM_DONE,
    ON_PART_ADDED,
    ON_PART_DONE,
    ON_ARGUMENTS_DONE,
    ON_CUSTOM_INPUT_DONE,
    ON_SUMMARY_DONE,
    ON_THINKING_DONE,
    ON_NOTE,
    ON_START,
    ON_COMPLETED,
    ON_INCOMPLETE,
    ON_FAILED,
    ON_OTHER,
};

static const struct {
    struct str type;
    enum event event;
} event_types[] = {
    { STR("response.output_text.delta"), ON_TEXT },
    { STR("response.function_call_arguments.delta"), ON_ARGUMENTS },
    { STR("response.custom_tool_call_input.delta"), ON_CUSTOM_INPUT },
    { STR("response.reasoning_summary_text.delta"), ON_SUMMARY },
    { STR("response.reasoning_text.delta"), ON_THINKING },
    { STR("response.refusal.delta"), ON_REFUSAL },
    { STR("response.output_item.added"), ON_ITEM_ADDED },
    { STR("response.output_item.done"), ON_ITEM_DONE },
    { STR("response.content_part.added"), ON_PART_ADDED },
    { STR("response.content_part.done"), ON_PART_DONE },
    { STR("response.function_call_arguments.done"), ON_ARGUMENTS_DONE },
    { STR("response.custom_tool_call_input.done"), ON_CUSTOM_INPUT_DONE },
    { STR("response.reasoning_summary_text.done"), ON_SUMMARY_DONE },
    { STR("response.reasoning_text.done"), ON_THINKING_DONE },
    { STR("response.output_text.annotation.added"), ON_NOTE },
    { STR("response.created"), ON_START },
    { STR("response.in_progress"), ON_START },
    { STR("response.queued"), ON_START },
    { STR("response.completed"), ON_COMPLETED },
    { STR("response.incomplete"), ON_INCOMPLETE },
    { STR("response.failed"), ON_FAILED },
    { STR("response.cancelled"), ON_FAILED },
    { STR("error"), ON_FAILED },
};

static enum event event_of(struct str type)
{
    for (size_t i = 0; i < COUNT(event_types); i++)
        if (str_eq(type, event_types[i].type))
            return event_types[i].event;
    return ON_OTHER;
}

static void start(struct decoder *d, const struct json *doc, uint32_t response)
{
    if (!d->started)
        decode_start(d, str_at(d, doc, member(doc, response, "id")),
                     str_at(d, doc, member(doc, response, "model")));
}

static enum stop_cause cause_of(const struct json *doc, uint32_t response, bool incomplete,
                                bool refused)
{
    uint32_t details = member(doc, response, "incomplete_details");

    if (!incomplete)
        return refused ? STOP_REFUSAL : STOP_DONE;
    if (member_says(doc, details, "reason", "content_filter"))
        return STOP_FILTER;
    return member_says(doc, details, "reason", "steered") ? STOP_OTHER : STOP_LENGTH;
}

/* The end: `response` holds usage, and all items should none have come before. */
static enum decoded end(struct decoder *d, const struct json *doc, uint32_t response,
                        bool incomplete)
{
    struct responses_decoder *st = d->state;

    start(d, doc, response);
    if (!st->any)
        whole_items(d, doc, member(doc, response, "output"));
    decode_close(d, 0);
    late_items(d);
    if (st->lost)
        return DECODED_CUT;
    usage_read(&d->usage, WIRE_OPENAI_RESPONSES, doc, member(doc, response, "usage"));
    if (usage_is_known(&d->usage))
        decode_usage(d);
    decode_finish(d, 0, cause_of(doc, response, incomplete, st->refused), TEXT_EMPTY);
    return decode_end(d);
}

/* Arguments of the call that is being followed; those of another are in its done event. */
static void arguments(struct decoder *d, const struct json *doc, const uint32_t *m, uint32_t node)
{
    struct responses_decoder *st = d->state;
    int64_t index = number_at(doc, m[M_OUTPUT_INDEX], st->item);

    if (!st->following || index != st->item || !d->open || d->kind != BLOCK_TOOL)
        return;
    st->argued = true;
    decode_delta(d, 0, text_at(doc, node));
}

/* `raw`: the thoughts themselves; else a summary. `whole`: all of a part, for servers that send no
 * deltas. */
static void thinking(struct decoder *d, const struct json *doc, const uint32_t *m, bool raw,
                     bool whole)
{
    struct responses_decoder *st = d->state;
    int64_t index = number_at(doc, m[M_SUMMARY_INDEX], 0);

    if (whole && (raw ? st->piece : st->summary >= index))
        return; /* its deltas said it */
    if (raw && !st->raw_thinking && st->piece)
        return; /* the summary is being shown */
    st->raw_thinking = st->raw_thinking || raw;
    if (raw || !st->raw_thinking)
        put_thinking(d, index, text_at(doc, m[whole ? M_TEXT : M_DELTA]));
}

static void part_added(struct responses_decoder *st)
{
    st->piece = false;
    st->notes = 0;
}

enum decoded responses_decode_event(struct decoder *d, struct str name, const struct json *doc)
{
    struct responses_decoder *st = d->state;
    uint32_t m[MEMBERS_OF_EVENTS];
    struct text type;

    /* most are deltas, and these say no more than this */
    members_named(doc, 0, event_members, m, MEMBERS_OF_DELTAS);
    for (size_t i = MEMBERS_OF_DELTAS; i < MEMBERS_OF_EVENTS; i++)
        m[i] = JSON_NONE;
    if (m[M_DELTA] == JSON_NONE)
        members_named(doc, 0, event_members, m, MEMBERS_OF_EVENTS);
    type = text_at(doc, m[M_TYPE]);
    if (text_is_empty(type))
        type.escaped = name;

    switch (event_of(type.escaped)) {
    case ON_TEXT:
        put_text(d, BLOCK_TEXT, text_at(doc, m[M_DELTA]));
        break;
    case ON_REFUSAL:
        st->refused = true;
        put_text(d, BLOCK_REFUSAL, text_at(doc, m[M_DELTA]));
        break;
    case ON_ARGUMENTS:
    case ON_CUSTOM_INPUT:
        arguments(d, doc, m, m[M_DELTA]);
        break;
    case ON_ARGUMENTS_DONE:
    case ON_CUSTOM_INPUT_DONE:
        if (!st->argued)
            arguments(d, doc, m, m[m[M_ARGUMENTS] != JSON_NONE ? M_ARGUMENTS : M_INPUT]);
        break;
    case ON_SUMMARY:
        thinking(d, doc, m, false, false);
        break;
    case ON_SUMMARY_DONE:
        thinking(d, doc, m, false, true);
        break;
    case ON_THINKING:
        thinking(d, doc, m, true, false);
        break;
    case ON_THINKING_DONE:
        thinking(d, doc, m, true, true);
        break;
    case ON_ITEM_ADDED:
        if (is_type(doc, m[M_ITEM], JSON_OBJECT))
            item_added(d, doc, m[M_ITEM], number_at(doc, m[M_OUTPUT_INDEX], -1));
        break;
    case ON_ITEM_DONE:
        if (is_type(doc, m[M_ITEM], JSON_OBJECT))
            item_done(d, doc, m[M_ITEM], number_at(doc, m[M_OUTPUT_INDEX], -1));
        if (st->lost)
            return DECODED_CUT;
        break;
    case ON_PART_ADDED:
        part_added(st);
        break;
    case ON_PART_DONE:
        if (is_type(doc, m[M_PART], JSON_OBJECT) &&
            !member_says(doc, m[M_PART], "type", "reasoning_text"))
            end_part(d, doc, m[M_PART]);
        break;
    case ON_NOTE:
        put_note(d, doc, m[M_ANNOTATION]);
        break;
    case ON_START:
        start(d, doc, m[M_RESPONSE]);
        break;
    case ON_COMPLETED:
        return end(d, doc, m[M_RESPONSE], false);
    case ON_INCOMPLETE:
        return end(d, doc, m[M_RESPONSE], true);
    case ON_FAILED:
        return DECODED_ERROR;
    case ON_OTHER:
        if (member(doc, 0, "error") != JSON_NONE || member(doc, 0, "detail") != JSON_NONE)
            return DECODED_ERROR;
        return text_is_empty(type) ? DECODED_BAD : DECODED_MORE;
    }
    return DECODED_MORE;
}

/* There is no [DONE] here; servers that send one all the same send it behind the end. */
enum decoded responses_decode_done(struct decoder *d, bool eof, bool clean)
{
    (void)clean;
    if (d->ended)
        return DECODED_END;
    return eof ? DECODED_CUT : DECODED_MORE;
}

enum decoded responses_decode_whole(struct decoder *d, const struct json *doc)
{
    if (member(doc, 0, "error") != JSON_NONE || member_says(doc, 0, "status", "failed") ||
        member_says(doc, 0, "status", "cancelled"))
        return DECODED_ERROR;
    uint32_t output = member(doc, 0, "output"), status = member(doc, 0, "status");
    bool incomplete = member_says(doc, 0, "status", "incomplete");

    if (!is_type(doc, output, JSON_ARRAY))
        return DECODED_CUT;
    /* it still goes on; or it says nothing, and not that this is all */
    if (status != JSON_NONE ? !incomplete && !member_says(doc, 0, "status", "completed")
                            : json_first(doc, output) == JSON_NONE)
        return DECODED_CUT;
    return end(d, doc, 0, incomplete);
}

void responses_decode_clear(void *state)
{
    struct responses_decoder *st = state;

    buf_clear(&st->late);
}
