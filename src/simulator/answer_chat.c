/* simulator/answer_chat.c - chat.completion objects and chunks. */
#include "base/json_write.h"
#include "simulator/answer.h"

struct chat {
    struct reply *r;
    const struct plan *p;
    struct str head; /* a chunk up to the number of its choice */
    struct str tail; /* … and what follows its finish reason */
};

static const char *finish_name(const struct plan *p)
{
    switch (p->finish) {
    case FINISH_STOP:
    case FINISH_SEQUENCE:
    case FINISH_REFUSED:
        return "stop";
    case FINISH_LENGTH:
        return "length";
    case FINISH_TOOLS:
        return "tool_calls";
    case FINISH_BLOCKED:
        return "content_filter";
    }
    return "stop";
}

static void usage_put(struct json_writer *w, const struct plan *p)
{
    const struct plan_usage *u = &p->usage;

    json_put_object(w);
    json_put_member_i64(w, "prompt_tokens", u->prompt);
    json_put_member_i64(w, "completion_tokens", u->output);
    json_put_member_i64(w, "total_tokens", u->prompt + u->output);
    json_put_key(w, STR("prompt_tokens_details"));
    json_put_object(w);
    json_put_member_i64(w, "cached_tokens", u->cached);
    json_put_member_i64(w, "cache_write_tokens", u->written);
    json_put_member_i64(w, "audio_tokens", 0);
    json_put_end(w);
    json_put_key(w, STR("completion_tokens_details"));
    json_put_object(w);
    json_put_member_i64(w, "reasoning_tokens", u->thoughts);
    json_put_member_i64(w, "audio_tokens", 0);
    json_put_member_i64(w, "accepted_prediction_tokens", 0);
    json_put_member_i64(w, "rejected_prediction_tokens", 0);
    json_put_end(w);
    json_put_end(w);
}

/* The wire has no pictures in answers: they are links in the text. */
static struct str image_text(struct str base64, struct arena *a)
{
    return arena_printf(a, "![image](data:image/png;base64,%.*s)", (int)base64.len, base64.at);
}

/* --- a stream ------------------------------------------------------------------------------------
 */

static void chunk_open(struct chat *c, int64_t choice)
{
    reply_open(c->r, STR(""));
    reply_put(c->r, c->head);
    reply_i64(c->r, choice);
    reply_put(c->r, STR(",\"delta\":{"));
}

static void chunk_close(struct chat *c, enum event_class class)
{
    reply_put(c->r, STR("},\"logprobs\":null,\"finish_reason\":null"));
    reply_put(c->r, c->tail);
    reply_close(c->r, class);
}

/* `{"<name>":"<piece>"}` for each choice and piece. */
static void text_stream(struct chat *c, const char *name, struct str text)
{
    while (text.len > 0) {
        struct str piece = plan_piece(&text, c->p->chunk);

        for (int64_t i = 0; i < c->p->ask->choices; i++) {
            chunk_open(c, i);
            reply_put(c->r, STR("\""));
            reply_put(c->r, str_c(name));
            reply_put(c->r, STR("\":"));
            reply_quote(c->r, piece);
            chunk_close(c, EVENT_CONTENT);
        }
    }
}

static void tool_open(struct chat *c, int64_t choice, uint32_t index)
{
    chunk_open(c, choice);
    reply_put(c->r, STR("\"tool_calls\":[{\"index\":"));
    reply_i64(c->r, index);
}

static void tool_stream(struct chat *c, const struct part *part, uint32_t index)
{
    struct str rest = part->text;

    for (int64_t i = 0; i < c->p->ask->choices; i++) {
        tool_open(c, i, index);
        reply_put(c->r, STR(",\"id\":"));
        reply_quote(c->r, part->id);
        reply_put(c->r, part->custom ? STR(",\"type\":\"custom\",\"custom\":{\"name\":")
                                     : STR(",\"type\":\"function\",\"function\":{\"name\":"));
        reply_quote(c->r, part->name);
        reply_put(c->r, part->custom ? STR(",\"input\":\"\"}}]") : STR(",\"arguments\":\"\"}}]"));
        chunk_close(c, EVENT_CONTENT);
    }
    while (rest.len > 0) {
        struct str piece = plan_piece(&rest, c->p->chunk);

        for (int64_t i = 0; i < c->p->ask->choices; i++) {
            tool_open(c, i, index);
            reply_put(c->r, part->custom ? STR(",\"custom\":{\"input\":")
                                         : STR(",\"function\":{\"arguments\":"));
            reply_quote(c->r, piece);
            reply_put(c->r, STR("}}]"));
            chunk_close(c, EVENT_CONTENT);
        }
    }
}

static void role_stream(struct chat *c)
{
    bool speaks = c->p->part_count == 0 || c->p->parts[0].kind != PART_TOOL;

    for (int64_t i = 0; i < c->p->ask->choices; i++) {
        chunk_open(c, i);
        reply_put(c->r, speaks ? STR("\"role\":\"assistant\",\"content\":\"\",\"refusal\":null")
                               : STR("\"role\":\"assistant\",\"content\":null,\"refusal\":null"));
        chunk_close(c, EVENT_HANDSHAKE);
    }
}

static void finish_stream(struct chat *c)
{
    for (int64_t i = 0; i < c->p->ask->choices; i++) {
        chunk_open(c, i);
        reply_put(c->r, STR("},\"logprobs\":null,\"finish_reason\":"));
        reply_quote(c->r, str_c(finish_name(c->p)));
        reply_put(c->r, c->tail);
        reply_close(c->r, EVENT_FINISH);
    }
}

/* The head up to `"choices":` serves this chunk too. */
static void usage_stream(struct chat *c)
{
    struct json_writer w = json_writer(&c->r->body);

    reply_open(c->r, STR(""));
    reply_put(c->r, str_drop_last(c->head, strlen("[{\"index\":")));
    reply_put(c->r, STR("[],\"usage\":"));
    usage_put(&w, c->p);
    c->r->full |= !json_written(&w);
    reply_put(c->r, STR("}"));
    reply_close(c->r, EVENT_FINISH);
}

static struct str head_make(const struct plan *p, struct arena *a)
{
    struct buf head;
    struct str made;

    buf_init(&head, REPLY_BYTES_MAX);
    (void)buf_add(&head, STR("{\"id\":\"chatcmpl-"));
    (void)buf_add(&head, p->id);
    (void)buf_add(&head, STR("\",\"object\":\"chat.completion.chunk\",\"created\":"));
    (void)buf_add_u64(&head, (uint64_t)p->created);
    (void)buf_add(&head, STR(",\"model\":"));
    (void)json_quote(&head, p->model);
    (void)buf_add(&head,
                  STR(",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_simulator\","
                      "\"choices\":[{\"index\":"));
    made = arena_copy(a, buf_str(&head));
    buf_clear(&head);
    return made;
}

static void chat_stream(struct reply *r, const struct plan *p, struct arena *a)
{
    bool usage = p->ask->include_usage && !p->usage_off;
    struct chat c = { .r = r,
                      .p = p,
                      .head = head_make(p, a),
                      .tail = usage ? STR("}],\"usage\":null}") : STR("}]}") };
    uint32_t tools = 0;

    role_stream(&c);
    for (uint32_t i = 0; i < p->part_count; i++) {
        const struct part *part = &p->parts[i];

        switch (part->kind) {
        case PART_THINK:
            text_stream(&c, "reasoning_content", part->text);
            break;
        case PART_TEXT:
            text_stream(&c, "content", part->text);
            break;
        case PART_REFUSAL:
            text_stream(&c, "refusal", part->text);
            break;
        case PART_IMAGE:
            text_stream(&c, "content", image_text(part->text, a));
            break;
        case PART_TOOL:
            tool_stream(&c, part, tools++);
            break;
        }
    }
    finish_stream(&c);
    if (usage)
        usage_stream(&c);
    reply_open(r, STR(""));
    reply_put(r, STR("[DONE]"));
    reply_close(r, EVENT_LAST);
}

/* --- whole ---------------------------------------------------------------------------------------
 */

/* All texts of one kind, one after the other; null when there is none. */
static void texts_put(struct json_writer *w, const char *name, const struct plan *p,
                      enum part_kind kind, struct arena *a)
{
    struct buf all;
    bool any = kind == PART_TEXT && p->part_count == 0;

    buf_init(&all, REPLY_BYTES_MAX);
    for (uint32_t i = 0; i < p->part_count; i++) {
        const struct part *part = &p->parts[i];
        bool image = part->kind == PART_IMAGE && kind == PART_TEXT;

        if (part->kind != kind && !image)
            continue;
        any = true;
        (void)buf_add(&all, image ? image_text(part->text, a) : part->text);
    }
    if (any)
        json_put_member(w, name, buf_str(&all));
    else if (kind != PART_THINK)
        json_put_member_null(w, name);
    buf_clear(&all);
}

static void tool_put(struct json_writer *w, const struct part *part)
{
    const char *kind = part->custom ? "custom" : "function";

    json_put_object(w);
    json_put_member(w, "id", part->id);
    json_put_member(w, "type", str_c(kind));
    json_put_key(w, str_c(kind));
    json_put_object(w);
    json_put_member(w, "name", part->name);
    json_put_member(w, part->custom ? "input" : "arguments", part->text);
    json_put_end(w);
    json_put_end(w);
}

static void message_put(struct json_writer *w, const struct plan *p, struct arena *a)
{
    bool calls = false;

    json_put_object(w);
    json_put_member(w, "role", STR("assistant"));
    texts_put(w, "content", p, PART_TEXT, a);
    texts_put(w, "refusal", p, PART_REFUSAL, a);
    texts_put(w, "reasoning_content", p, PART_THINK, a);
    for (uint32_t i = 0; i < p->part_count; i++) {
        if (p->parts[i].kind != PART_TOOL)
            continue;
        if (!calls) {
            json_put_key(w, STR("tool_calls"));
            json_put_array(w);
        }
        calls = true;
        tool_put(w, &p->parts[i]);
    }
    if (calls)
        json_put_end(w);
    json_put_key(w, STR("annotations"));
    json_put_array(w);
    json_put_end(w);
    json_put_end(w);
}

static void chat_whole(struct reply *r, const struct plan *p, struct arena *a)
{
    struct json_writer w = json_writer(&r->body);

    json_put_object(&w);
    json_put_key(&w, STR("id"));
    json_put_format(&w, "chatcmpl-%.*s", (int)p->id.len, p->id.at);
    json_put_member(&w, "object", STR("chat.completion"));
    json_put_member_i64(&w, "created", p->created);
    json_put_member(&w, "model", p->model);
    json_put_key(&w, STR("choices"));
    json_put_array(&w);
    for (int64_t i = 0; i < p->ask->choices; i++) {
        json_put_object(&w);
        json_put_member_i64(&w, "index", i);
        json_put_key(&w, STR("message"));
        message_put(&w, p, a);
        json_put_member_null(&w, "logprobs");
        json_put_member(&w, "finish_reason", str_c(finish_name(p)));
        json_put_end(&w);
    }
    json_put_end(&w);
    if (!p->usage_off) {
        json_put_key(&w, STR("usage"));
        usage_put(&w, p);
    }
    json_put_member(&w, "service_tier", STR("default"));
    json_put_member(&w, "system_fingerprint", STR("fp_simulator"));
    json_put_end(&w);
    r->full |= !json_written(&w);
}

void answer_chat(struct reply *r, const struct plan *p, struct arena *a)
{
    if (p->ask->stream)
        chat_stream(r, p, a);
    else
        chat_whole(r, p, a);
}
