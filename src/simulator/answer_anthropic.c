/* simulator/answer_anthropic.c - Message objects and their events. */
#include "base/json_write.h"
#include "simulator/answer.h"

static const char *finish_name(const struct plan *p)
{
    switch (p->finish) {
    case FINISH_STOP:
        return "end_turn";
    case FINISH_SEQUENCE:
        return "stop_sequence";
    case FINISH_LENGTH:
        return "max_tokens";
    case FINISH_TOOLS:
        return "tool_use";
    case FINISH_REFUSED:
    case FINISH_BLOCKED:
        return "refusal";
    }
    return "end_turn";
}

/* Prompt tokens without what came from the cache or went there; thoughts are part of the output. */
static void usage_put(struct json_writer *w, const struct plan *p, bool final)
{
    const struct plan_usage *u = &p->usage;

    json_put_key(w, STR("usage"));
    json_put_object(w);
    json_put_member_i64(w, "input_tokens", u->prompt - u->cached - u->written);
    json_put_member_i64(w, "cache_creation_input_tokens", u->written);
    json_put_member_i64(w, "cache_read_input_tokens", u->cached);
    json_put_key(w, STR("cache_creation"));
    json_put_object(w);
    json_put_member_i64(w, "ephemeral_5m_input_tokens", u->written);
    json_put_member_i64(w, "ephemeral_1h_input_tokens", 0);
    json_put_end(w);
    json_put_member_i64(w, "output_tokens", final ? u->output : 1);
    if (final && u->thoughts > 0) {
        json_put_key(w, STR("output_tokens_details"));
        json_put_object(w);
        json_put_member_i64(w, "thinking_tokens", u->thoughts);
        json_put_end(w);
    }
    json_put_member(w, "service_tier", STR("standard"));
    json_put_end(w);
}

static void stop_put(struct json_writer *w, const struct plan *p)
{
    json_put_member(w, "stop_reason", str_c(finish_name(p)));
    if (p->finish == FINISH_SEQUENCE)
        json_put_member(w, "stop_sequence", p->stop_sequence);
    else
        json_put_member_null(w, "stop_sequence");
    if (p->finish != FINISH_REFUSED && p->finish != FINISH_BLOCKED)
        return;
    json_put_key(w, STR("stop_details"));
    json_put_object(w);
    json_put_member(w, "type", STR("refusal"));
    json_put_member(w, "category", STR("general_harms"));
    json_put_member(w, "explanation", STR("The simulator was told to refuse."));
    json_put_end(w);
}

static struct str image_text(struct str base64, struct arena *a)
{
    return arena_printf(a, "![image](data:image/png;base64,%.*s)", (int)base64.len, base64.at);
}

/* What a block says when it is whole. */
static void block_put(struct json_writer *w, const struct plan *p, const struct part *part,
                      struct arena *a)
{
    struct json doc;

    json_put_object(w);
    switch (part->kind) {
    case PART_THINK:
        json_put_member(w, "type", STR("thinking"));
        json_put_member(w, "thinking", p->ask->thinking_omitted ? STR("") : part->text);
        json_put_member(w, "signature", part->signature);
        break;
    case PART_TEXT:
    case PART_REFUSAL:
    case PART_IMAGE:
        json_put_member(w, "type", STR("text"));
        json_put_member(w, "text",
                        part->kind == PART_IMAGE ? image_text(part->text, a) : part->text);
        break;
    case PART_TOOL:
        json_put_member(w, "type", STR("tool_use"));
        json_put_member(w, "id", part->id);
        json_put_member(w, "name", part->name);
        /* the input is an object, whatever the arguments were told to be */
        if (json_parse(&doc, part->text, NULL, a, NULL) && json_type(&doc, 0) == JSON_OBJECT)
            json_put_member_raw(w, "input", part->text);
        else
            json_put_member_raw(w, "input", STR("{}"));
        break;
    }
    json_put_end(w);
}

/* --- a stream ------------------------------------------------------------------------------------
 */

static void delta_put(struct reply *r, uint32_t index, const char *type, const char *member,
                      struct str text, enum event_class class)
{
    reply_open(r, STR("content_block_delta"));
    reply_put(r, STR("{\"type\":\"content_block_delta\",\"index\":"));
    reply_i64(r, index);
    reply_put(r, STR(",\"delta\":{\"type\":\""));
    reply_put(r, str_c(type));
    reply_put(r, STR("\",\""));
    reply_put(r, str_c(member));
    reply_put(r, STR("\":"));
    reply_quote(r, text);
    reply_put(r, STR("}}"));
    reply_close(r, class);
}

static void block_open(struct reply *r, const struct part *part, uint32_t index)
{
    reply_open(r, STR("content_block_start"));
    reply_put(r, STR("{\"type\":\"content_block_start\",\"index\":"));
    reply_i64(r, index);
    reply_put(r, STR(",\"content_block\":{\"type\":"));
    switch (part->kind) {
    case PART_THINK:
        reply_put(r, STR("\"thinking\",\"thinking\":\"\",\"signature\":\"\"}}"));
        break;
    case PART_TEXT:
    case PART_REFUSAL:
    case PART_IMAGE:
        reply_put(r, STR("\"text\",\"text\":\"\"}}"));
        break;
    case PART_TOOL:
        reply_put(r, STR("\"tool_use\",\"id\":"));
        reply_quote(r, part->id);
        reply_put(r, STR(",\"name\":"));
        reply_quote(r, part->name);
        reply_put(r, STR(",\"input\":{}}}"));
        break;
    }
    reply_close(r, index == 0 ? EVENT_HANDSHAKE : EVENT_CONTENT);
}

static void block_stream(struct reply *r, const struct plan *p, const struct part *part,
                         uint32_t index, struct arena *a)
{
    bool tool = part->kind == PART_TOOL, think = part->kind == PART_THINK;
    struct str rest = part->kind == PART_IMAGE ? image_text(part->text, a) : part->text;

    block_open(r, part, index);
    if (index == 0) {
        reply_open(r, STR("ping"));
        reply_put(r, STR("{\"type\":\"ping\"}"));
        reply_close(r, EVENT_HANDSHAKE);
    }
    if (tool) /* a first fragment without anything in it is the custom there */
        delta_put(r, index, "input_json_delta", "partial_json", STR(""), EVENT_CONTENT);
    if (think && p->ask->thinking_omitted)
        rest = STR("");
    while (rest.len > 0) {
        struct str piece = plan_piece(&rest, p->chunk);

        if (tool)
            delta_put(r, index, "input_json_delta", "partial_json", piece, EVENT_CONTENT);
        else if (think)
            delta_put(r, index, "thinking_delta", "thinking", piece, EVENT_CONTENT);
        else
            delta_put(r, index, "text_delta", "text", piece, EVENT_CONTENT);
    }
    if (think)
        delta_put(r, index, "signature_delta", "signature", part->signature, EVENT_CONTENT);
    reply_open(r, STR("content_block_stop"));
    reply_put(r, STR("{\"type\":\"content_block_stop\",\"index\":"));
    reply_i64(r, index);
    reply_put(r, STR("}"));
    reply_close(r, EVENT_CONTENT);
}

static void start_stream(struct reply *r, const struct plan *p)
{
    struct json_writer w;

    reply_open(r, STR("message_start"));
    w = json_writer(&r->body);
    json_put_object(&w);
    json_put_member(&w, "type", STR("message_start"));
    json_put_key(&w, STR("message"));
    json_put_object(&w);
    json_put_key(&w, STR("id"));
    json_put_format(&w, "msg_%.*s", (int)p->id.len, p->id.at);
    json_put_member(&w, "type", STR("message"));
    json_put_member(&w, "role", STR("assistant"));
    json_put_member(&w, "model", p->model);
    json_put_key(&w, STR("content"));
    json_put_array(&w);
    json_put_end(&w);
    json_put_member_null(&w, "stop_reason");
    json_put_member_null(&w, "stop_sequence");
    if (!p->usage_off)
        usage_put(&w, p, false);
    json_put_end(&w);
    json_put_end(&w);
    r->full |= !json_written(&w);
    reply_close(r, EVENT_HANDSHAKE);
}

static void finish_stream(struct reply *r, const struct plan *p)
{
    struct json_writer w;

    reply_open(r, STR("message_delta"));
    w = json_writer(&r->body);
    json_put_object(&w);
    json_put_member(&w, "type", STR("message_delta"));
    json_put_key(&w, STR("delta"));
    json_put_object(&w);
    stop_put(&w, p);
    json_put_end(&w);
    if (!p->usage_off)
        usage_put(&w, p, true);
    json_put_end(&w);
    r->full |= !json_written(&w);
    reply_close(r, EVENT_FINISH);

    reply_open(r, STR("message_stop"));
    reply_put(r, STR("{\"type\":\"message_stop\"}"));
    reply_close(r, EVENT_LAST);
}

void answer_anthropic(struct reply *r, const struct plan *p, struct arena *a)
{
    struct json_writer w;

    if (p->ask->stream) {
        start_stream(r, p);
        for (uint32_t i = 0; i < p->part_count; i++)
            block_stream(r, p, &p->parts[i], i, a);
        finish_stream(r, p);
        return;
    }
    w = json_writer(&r->body);
    json_put_object(&w);
    json_put_key(&w, STR("id"));
    json_put_format(&w, "msg_%.*s", (int)p->id.len, p->id.at);
    json_put_member(&w, "type", STR("message"));
    json_put_member(&w, "role", STR("assistant"));
    json_put_member(&w, "model", p->model);
    json_put_key(&w, STR("content"));
    json_put_array(&w);
    for (uint32_t i = 0; i < p->part_count; i++)
        block_put(&w, p, &p->parts[i], a);
    json_put_end(&w);
    stop_put(&w, p);
    if (!p->usage_off)
        usage_put(&w, p, true);
    json_put_end(&w);
    r->full |= !json_written(&w);
}
