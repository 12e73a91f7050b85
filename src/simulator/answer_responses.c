/* simulator/answer_responses.c - response objects and their events. Each part is one output item.
 */
#include "base/json_write.h"
#include "simulator/answer.h"

struct responses {
    struct reply *r;
    const struct plan *p;
    struct arena *arena;
    struct str id;
    int64_t sequence;
};

/* --- objects -------------------------------------------------------------------------------------
 */

struct str answer_responses_id(const struct plan *p, struct arena *a)
{
    return arena_printf(a, "resp_%.*s", (int)p->id.len, p->id.at);
}

static struct str item_id(const struct responses *s, const struct part *part, uint32_t index)
{
    const char *prefix = part->kind == PART_THINK  ? "rs_"
                         : part->kind != PART_TOOL ? "msg_"
                         : part->custom            ? "ctc_"
                                                   : "fc_";

    return arena_printf(s->arena, "%s%.*s%02u", prefix, (int)s->p->id.len, s->p->id.at, index);
}

static struct str part_text(const struct responses *s, const struct part *part)
{
    return part->kind != PART_IMAGE ? part->text
                                    : arena_printf(s->arena, "![image](data:image/png;base64,%.*s)",
                                                   (int)part->text.len, part->text.at);
}

static void text_part_put(struct json_writer *w, const struct part *part, struct str text)
{
    json_put_object(w);
    if (part->kind == PART_REFUSAL) {
        json_put_member(w, "type", STR("refusal"));
        json_put_member(w, "refusal", text);
    } else {
        json_put_member(w, "type", STR("output_text"));
        json_put_member(w, "text", text);
        json_put_member_raw(w, "annotations", STR("[]"));
        json_put_member_raw(w, "logprobs", STR("[]"));
    }
    json_put_end(w);
}

static void summary_put(struct json_writer *w, struct str text)
{
    json_put_object(w);
    json_put_member(w, "type", STR("summary_text"));
    json_put_member(w, "text", text);
    json_put_end(w);
}

static void message_item_put(struct responses *s, struct json_writer *w, const struct part *part,
                             bool done)
{
    json_put_member(w, "type", STR("message"));
    json_put_member(w, "role", STR("assistant"));
    json_put_key(w, STR("content"));
    json_put_array(w);
    if (done)
        text_part_put(w, part, part_text(s, part));
    json_put_end(w);
}

static void reasoning_item_put(struct json_writer *w, const struct part *part, bool done)
{
    json_put_member(w, "type", STR("reasoning"));
    json_put_key(w, STR("summary"));
    json_put_array(w);
    if (done && part->text.len > 0)
        summary_put(w, part->text);
    json_put_end(w);
    if (done)
        json_put_member(w, "encrypted_content", part->signature);
}

static void call_item_put(struct json_writer *w, const struct part *part, bool done)
{
    json_put_member(w, "type", part->custom ? STR("custom_tool_call") : STR("function_call"));
    json_put_member(w, "call_id", part->id);
    json_put_member(w, "name", part->name);
    json_put_member(w, part->custom ? "input" : "arguments", done ? part->text : STR(""));
}

static void item_put(struct responses *s, struct json_writer *w, const struct part *part,
                     uint32_t index, bool done)
{
    json_put_object(w);
    json_put_member(w, "id", item_id(s, part, index));
    json_put_member(w, "status",
                    !done           ? STR("in_progress")
                    : part->partial ? STR("incomplete")
                                    : STR("completed"));
    switch (part->kind) {
    case PART_THINK:
        reasoning_item_put(w, part, done);
        break;
    case PART_TEXT:
    case PART_REFUSAL:
    case PART_IMAGE:
        message_item_put(s, w, part, done);
        break;
    case PART_TOOL:
        call_item_put(w, part, done);
        break;
    }
    json_put_end(w);
}

static void usage_put(struct json_writer *w, const struct plan_usage *u)
{
    json_put_object(w);
    json_put_member_i64(w, "input_tokens", u->prompt);
    json_put_key(w, STR("input_tokens_details"));
    json_put_object(w);
    json_put_member_i64(w, "cached_tokens", u->cached);
    json_put_member_i64(w, "cache_write_tokens", u->written);
    json_put_end(w);
    json_put_member_i64(w, "output_tokens", u->output);
    json_put_key(w, STR("output_tokens_details"));
    json_put_object(w);
    json_put_member_i64(w, "reasoning_tokens", u->thoughts);
    json_put_end(w);
    json_put_member_i64(w, "total_tokens", u->prompt + u->output);
    json_put_end(w);
}

/* What was asked is repeated, with the service's own value where nothing was said. */
static void echo_put(struct json_writer *w, const struct ask_echo *echo)
{
    static const struct {
        const char *name;
        struct str raw;
    } defaults[] = {
        { "metadata", { "{}", 2 } },
        { "parallel_tool_calls", { "true", 4 } },
        { "reasoning", { "{\"effort\":null,\"summary\":null}", 30 } },
        { "store", { "true", 4 } },
        { "text", { "{\"format\":{\"type\":\"text\"},\"verbosity\":\"medium\"}", 47 } },
        { "tool_choice", { "\"auto\"", 6 } },
        { "tools", { "[]", 2 } },
        { "truncation", { "\"disabled\"", 10 } },
    };
    struct str raw = echo->raw;

    for (size_t i = 0; i < COUNT(defaults) && raw.len == 0; i++)
        if (strcmp(echo->name, defaults[i].name) == 0)
            raw = defaults[i].raw;
    if (raw.len > 0)
        json_put_member_raw(w, echo->name, raw);
    else
        json_put_member_null(w, echo->name);
}

static const char *status_name(enum finish finish, bool done)
{
    return !done                                                 ? "in_progress"
           : finish == FINISH_LENGTH || finish == FINISH_BLOCKED ? "incomplete"
                                                                 : "completed";
}

static void response_put(struct responses *s, struct json_writer *w, bool done)
{
    const struct plan *p = s->p;

    json_put_object(w);
    json_put_member(w, "id", s->id);
    json_put_member(w, "object", STR("response"));
    json_put_member_i64(w, "created_at", p->created);
    json_put_member(w, "status", str_c(status_name(p->finish, done)));
    if (done)
        json_put_member_i64(w, "completed_at", p->created);
    json_put_member_bool(w, "background", false);
    json_put_member_null(w, "error");
    if (done && (p->finish == FINISH_LENGTH || p->finish == FINISH_BLOCKED))
        json_put_member_raw(w, "incomplete_details",
                            p->finish == FINISH_LENGTH ? STR("{\"reason\":\"max_output_tokens\"}")
                                                       : STR("{\"reason\":\"content_filter\"}"));
    else
        json_put_member_null(w, "incomplete_details");
    json_put_member(w, "model", p->model);
    json_put_key(w, STR("output"));
    json_put_array(w);
    for (uint32_t i = 0; done && i < p->part_count; i++)
        item_put(s, w, &p->parts[i], i, true);
    json_put_end(w);
    for (size_t i = 0; i < ASK_ECHOES; i++)
        echo_put(w, &p->ask->echo[i]);
    json_put_member(w, "service_tier", STR("default"));
    json_put_key(w, STR("usage"));
    if (done && !p->usage_off)
        usage_put(w, &p->usage);
    else
        json_put_null(w);
    json_put_end(w);
}

/* --- events --------------------------------------------------------------------------------------
 */

static void event_open(struct responses *s, struct str type)
{
    reply_open(s->r, type);
    reply_put(s->r, STR("{\"type\":\""));
    reply_put(s->r, type);
    reply_put(s->r, STR("\",\"sequence_number\":"));
    reply_i64(s->r, s->sequence++);
}

static void event_close(struct responses *s, enum event_class class)
{
    reply_put(s->r, STR("}"));
    reply_close(s->r, class);
}

static void response_event(struct responses *s, struct str type, bool done, enum event_class class)
{
    struct json_writer w;

    event_open(s, type);
    reply_put(s->r, STR(",\"response\":"));
    w = json_writer(&s->r->body);
    response_put(s, &w, done);
    s->r->full |= !json_written(&w);
    event_close(s, class);
}

static void item_event(struct responses *s, struct str type, uint32_t index, bool done)
{
    struct json_writer w;

    event_open(s, type);
    reply_put(s->r, STR(",\"output_index\":"));
    reply_i64(s->r, index);
    reply_put(s->r, STR(",\"item\":"));
    w = json_writer(&s->r->body);
    item_put(s, &w, &s->p->parts[index], index, done);
    s->r->full |= !json_written(&w);
    event_close(s, !done && index == 0 ? EVENT_HANDSHAKE : EVENT_CONTENT);
}

/* Where in the item an event belongs: `item_id`, `output_index`, and the place inside, if any. */
static void place_put(struct responses *s, uint32_t index, const char *inner)
{
    reply_put(s->r, STR(",\"item_id\":"));
    reply_quote(s->r, item_id(s, &s->p->parts[index], index));
    reply_put(s->r, STR(",\"output_index\":"));
    reply_i64(s->r, index);
    if (inner == NULL)
        return;
    reply_put(s->r, STR(",\""));
    reply_put(s->r, str_c(inner));
    reply_put(s->r, STR("\":0"));
}

/* An event with one text in it: a delta, or the whole at the end. */
static void text_event(struct responses *s, uint32_t index, struct str type, const char *inner,
                       const char *member, struct str text)
{
    event_open(s, type);
    place_put(s, index, inner);
    reply_put(s->r, STR(",\""));
    reply_put(s->r, str_c(member));
    reply_put(s->r, STR("\":"));
    reply_quote(s->r, text);
    if (str_starts(type, STR("response.output_text.")))
        reply_put(s->r, STR(",\"logprobs\":[]"));
    event_close(s, EVENT_CONTENT);
}

static void deltas(struct responses *s, uint32_t index, struct str type, const char *inner,
                   struct str text)
{
    while (text.len > 0) {
        struct str piece = plan_piece(&text, s->p->chunk);

        text_event(s, index, type, inner, "delta", piece);
    }
}

static void part_event(struct responses *s, uint32_t index, struct str type, const char *inner,
                       struct str text)
{
    const struct part *part = &s->p->parts[index];
    bool first = index == 0 && str_ends(type, STR(".added"));
    struct json_writer w;

    event_open(s, type);
    place_put(s, index, inner);
    reply_put(s->r, STR(",\"part\":"));
    w = json_writer(&s->r->body);
    if (part->kind == PART_THINK)
        summary_put(&w, text);
    else
        text_part_put(&w, part, text);
    s->r->full |= !json_written(&w);
    event_close(s, first ? EVENT_HANDSHAKE : EVENT_CONTENT);
}

static void reasoning_stream(struct responses *s, uint32_t index)
{
    struct str text = s->p->parts[index].text;

    if (text.len == 0)
        return;
    part_event(s, index, STR("response.reasoning_summary_part.added"), "summary_index", STR(""));
    deltas(s, index, STR("response.reasoning_summary_text.delta"), "summary_index", text);
    text_event(s, index, STR("response.reasoning_summary_text.done"), "summary_index", "text",
               text);
    part_event(s, index, STR("response.reasoning_summary_part.done"), "summary_index", text);
}

static void message_stream(struct responses *s, uint32_t index)
{
    const struct part *part = &s->p->parts[index];
    struct str text = part_text(s, part);

    part_event(s, index, STR("response.content_part.added"), "content_index", STR(""));
    if (part->kind == PART_REFUSAL) {
        deltas(s, index, STR("response.refusal.delta"), "content_index", text);
        text_event(s, index, STR("response.refusal.done"), "content_index", "refusal", text);
    } else {
        deltas(s, index, STR("response.output_text.delta"), "content_index", text);
        text_event(s, index, STR("response.output_text.done"), "content_index", "text", text);
    }
    part_event(s, index, STR("response.content_part.done"), "content_index", text);
}

static void call_stream(struct responses *s, uint32_t index)
{
    const struct part *part = &s->p->parts[index];

    if (part->custom) {
        deltas(s, index, STR("response.custom_tool_call_input.delta"), NULL, part->text);
        text_event(s, index, STR("response.custom_tool_call_input.done"), NULL, "input",
                   part->text);
        return;
    }
    deltas(s, index, STR("response.function_call_arguments.delta"), NULL, part->text);
    event_open(s, STR("response.function_call_arguments.done"));
    place_put(s, index, NULL);
    reply_put(s->r, STR(",\"name\":"));
    reply_quote(s->r, part->name);
    reply_put(s->r, STR(",\"arguments\":"));
    reply_quote(s->r, part->text);
    event_close(s, EVENT_CONTENT);
}

static void item_stream(struct responses *s, uint32_t index)
{
    item_event(s, STR("response.output_item.added"), index, false);
    switch (s->p->parts[index].kind) {
    case PART_THINK:
        reasoning_stream(s, index);
        break;
    case PART_TEXT:
    case PART_REFUSAL:
    case PART_IMAGE:
        message_stream(s, index);
        break;
    case PART_TOOL:
        call_stream(s, index);
        break;
    }
    item_event(s, STR("response.output_item.done"), index, true);
}

void answer_responses(struct reply *r, const struct plan *p, struct arena *a)
{
    struct responses s = { .r = r, .p = p, .arena = a, .id = answer_responses_id(p, a) };
    bool incomplete = p->finish == FINISH_LENGTH || p->finish == FINISH_BLOCKED;

    if (!p->ask->stream) {
        struct json_writer w = json_writer(&r->body);

        response_put(&s, &w, true);
        r->full |= !json_written(&w);
        return;
    }
    response_event(&s, STR("response.created"), false, EVENT_HANDSHAKE);
    response_event(&s, STR("response.in_progress"), false, EVENT_HANDSHAKE);
    for (uint32_t i = 0; i < p->part_count; i++)
        item_stream(&s, i);
    response_event(&s, incomplete ? STR("response.incomplete") : STR("response.completed"), true,
                   EVENT_FINISH);
}
