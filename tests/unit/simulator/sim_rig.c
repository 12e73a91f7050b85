#include "sim_rig.h"

#include <stdlib.h>

#include "base/json.h"
#include "http/sse.h"

void rig_open(struct rig *rig, struct test *t, const char *script)
{
    struct error e = { .text = "" };

    *rig = (struct rig){ .t = t, .now_ms = 1000 };
    CHECK(world_init(&rig->world, 7, str_c(script), &e) == OK, "script: %s", e.text);
}

void rig_close(struct rig *rig)
{
    world_clear(&rig->world);
}

static enum http_method method_of(const char *name)
{
    return strcmp(name, "GET") == 0      ? HTTP_GET
           : strcmp(name, "PUT") == 0    ? HTTP_PUT
           : strcmp(name, "DELETE") == 0 ? HTTP_DELETE
                                         : HTTP_POST;
}

struct response rig_call(struct rig *rig, const char *method, const char *target,
                         const char *fields, struct str body)
{
    struct arena *a = &rig->t->arena;
    struct http_head *head = arena_new(a, struct http_head);
    struct str rest = str_c(fields), line;
    struct call call = { .method = method_of(method),
                         .body = body,
                         .head = head,
                         .now_ms = rig->now_ms,
                         .now_unix_ms = INT64_C(1800000000000) };
    struct response out;

    (void)str_cut(str_c(target), '?', &call.path, &call.query);
    while (str_cut(rest, '\n', &line, &rest)) {
        struct http_field *f = &head->fields[head->field_count++];

        (void)str_cut(line, ':', &f->name, &f->value);
        f->value = str_trim(f->value);
    }
    respond(&rig->world, &call, a, &out);
    return out;
}

struct response rig_post(struct rig *rig, const char *target, struct str body)
{
    return rig_call(rig, "POST", target, "", body);
}

const char *rig_target(enum wire wire, bool stream)
{
    switch (wire) {
    case WIRE_OPENAI_CHAT:
        return "/v1/chat/completions";
    case WIRE_OPENAI_RESPONSES:
        return "/v1/responses";
    case WIRE_ANTHROPIC:
        return "/v1/messages";
    case WIRE_GEMINI:
    case WIRE_CLOUDCODE:
    case WIRES:
        break;
    }
    return stream ? "/v1beta/models/m1:streamGenerateContent?alt=sse"
                  : "/v1beta/models/m1:generateContent";
}

struct str rig_ask(struct test *t, enum wire wire, bool stream, const char *text, const char *extra)
{
    struct buf quoted;
    struct str said;
    const char *more = stream ? ",\"stream\":true" : "";

    buf_init(&quoted, 1 << 20);
    json_quote(&quoted, str_c(text));
    said = arena_copy(&t->arena, buf_str(&quoted));
    buf_clear(&quoted);
    switch (wire) {
    case WIRE_OPENAI_CHAT:
        return arena_printf(
            &t->arena, "{\"model\":\"m1\",\"messages\":[{\"role\":\"user\",\"content\":%s}]%s%s%s}",
            said.at, more, stream ? ",\"stream_options\":{\"include_usage\":true}" : "", extra);
    case WIRE_OPENAI_RESPONSES:
        return arena_printf(&t->arena, "{\"model\":\"m1\",\"input\":%s%s%s}", said.at, more, extra);
    case WIRE_ANTHROPIC:
        return arena_printf(&t->arena,
                            "{\"model\":\"m1\",\"max_tokens\":100000,\"messages\":[{\"role\":"
                            "\"user\",\"content\":%s}]%s%s}",
                            said.at, more, extra);
    case WIRE_GEMINI:
    case WIRE_CLOUDCODE:
    case WIRES:
        break;
    }
    return arena_printf(&t->arena,
                        "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":%s}]}]%s}", said.at,
                        extra);
}

struct str reply_header(const struct response *r, const char *name)
{
    for (uint32_t i = 0; i < r->reply.field_count; i++)
        if (str_ieq(r->reply.fields[i].name, str_c(name)))
            return r->reply.fields[i].value;
    return STR("-");
}

/* --- looking into JSON ---------------------------------------------------------------------------
 */

struct view {
    struct test *t;
    struct json doc;
    bool valid;
};

static struct view view_make(struct test *t, struct str text)
{
    struct view v = { .t = t };

    v.valid = json_parse(&v.doc, text, NULL, &t->arena, NULL);
    return v;
}

static uint32_t node_at(const struct view *v, uint32_t from, const char *path)
{
    struct str rest = str_c(path), step;
    uint32_t at = v->valid ? from : JSON_NONE;
    bool more = rest.len > 0;

    while (more && at != JSON_NONE) {
        uint64_t index = 0;

        more = str_cut(rest, '.', &step, &rest);
        if (json_type(&v->doc, at) == JSON_OBJECT) {
            at = json_member(&v->doc, at, step, NULL);
        } else if (json_type(&v->doc, at) == JSON_ARRAY && str_to_u64(step, &index)) {
            uint32_t parent = at;

            at = json_first(&v->doc, parent);
            for (; index > 0 && at != JSON_NONE; index--)
                at = json_after(&v->doc, parent, at);
        } else {
            at = JSON_NONE;
        }
    }
    return at;
}

static struct str text_at(const struct view *v, const char *path)
{
    uint32_t node = node_at(v, 0, path);
    struct str text;

    if (node == JSON_NONE)
        return STR("-");
    return json_text(&v->doc, node, &v->t->arena, &text) ? text : json_raw(&v->doc, node);
}

static bool has(const struct view *v, const char *path)
{
    return node_at(v, 0, path) != JSON_NONE;
}

static bool says(const struct view *v, const char *path, const char *want)
{
    return str_eq(text_at(v, path), str_c(want));
}

static int64_t number_at(const struct view *v, const char *path, int64_t otherwise)
{
    uint32_t node = node_at(v, 0, path);
    int64_t n = otherwise;

    return node != JSON_NONE && json_i64(&v->doc, node, &n) ? n : otherwise;
}

struct str json_at(struct test *t, struct str text, const char *path)
{
    struct view v = view_make(t, text);

    return v.valid ? text_at(&v, path) : STR("not JSON");
}

/* --- hearing -------------------------------------------------------------------------------------
 */

static void complain(struct test *t, struct heard *h, const char *what, struct str at)
{
    if (h->fault.len == 0)
        h->fault = arena_printf(&t->arena, "%s at %.*s", what, STR_ARG(at));
}

static void join(struct test *t, struct str *to, struct str more)
{
    *to = arena_printf(&t->arena, "%.*s%.*s", (int)to->len, to->at == NULL ? "" : to->at,
                       (int)more.len, more.at);
}

#define WANT(condition, what)                 \
    do {                                      \
        if (!(condition))                     \
            complain(t, h, (what), ev->data); \
    } while (0)

struct hearing {
    uint32_t step;        /* phase of the stream */
    uint32_t count;       /* events so far */
    int64_t block, index; /* open block, or -1; the next index */
    struct str item_id, item_text;
    uint32_t items;
};

/* --- chat */

static void hear_chat_usage(const struct view *v, struct heard *h)
{
    h->has_usage = true;
    h->prompt = number_at(v, "usage.prompt_tokens", -1);
    h->output = number_at(v, "usage.completion_tokens", -1);
    h->cached = number_at(v, "usage.prompt_tokens_details.cached_tokens", -1);
    h->thoughts = number_at(v, "usage.completion_tokens_details.reasoning_tokens", -1);
}

static void hear_chat_tool(struct test *t, struct heard *h, const struct view *v,
                           const struct sse_event *ev)
{
    bool custom = has(v, "choices.0.delta.tool_calls.0.custom");
    int64_t index = number_at(v, "choices.0.delta.tool_calls.0.index", -1);
    struct str piece = text_at(v, custom ? "choices.0.delta.tool_calls.0.custom.input"
                                         : "choices.0.delta.tool_calls.0.function.arguments");

    if (has(v, "choices.0.delta.tool_calls.0.id")) {
        WANT(index == h->tool_count, "tool index out of order");
        WANT(piece.len == 0, "arguments in the first fragment");
        if (h->tool_count < HEARD_TOOLS_MAX) {
            h->tools[h->tool_count].id = text_at(v, "choices.0.delta.tool_calls.0.id");
            h->tools[h->tool_count++].name =
                text_at(v, custom ? "choices.0.delta.tool_calls.0.custom.name"
                                  : "choices.0.delta.tool_calls.0.function.name");
        }
        return;
    }
    WANT(h->tool_count > 0 && index == h->tool_count - 1, "fragment of another call");
    if (h->tool_count > 0)
        join(t, &h->tools[h->tool_count - 1].args, piece);
}

static void hear_chat(struct test *t, struct heard *h, struct hearing *s,
                      const struct sse_event *ev)
{
    struct view v;

    WANT(ev->name.len == 0, "an event: line");
    WANT(!h->ended, "something behind [DONE]");
    if (str_eq(ev->data, STR("[DONE]"))) {
        WANT(s->step == 2 || s->step == 3, "[DONE] before the finish");
        h->ended = true;
        return;
    }
    v = view_make(t, ev->data);
    WANT(v.valid, "not JSON");
    if (has(&v, "error")) {
        h->error = text_at(&v, "error.type");
        return;
    }
    WANT(says(&v, "object", "chat.completion.chunk"), "object");
    WANT(has(&v, "created") && has(&v, "model") && has(&v, "choices"), "members");
    if (s->count == 0)
        h->id = text_at(&v, "id");
    WANT(str_eq(h->id, text_at(&v, "id")), "another id");
    h->model = text_at(&v, "model");
    if (!has(&v, "choices.0")) {
        WANT(s->step == 2, "usage before the finish");
        WANT(has(&v, "usage.total_tokens"), "no usage in the usage chunk");
        hear_chat_usage(&v, h);
        s->step = 3;
        return;
    }
    WANT(!has(&v, "usage") || says(&v, "usage", "null"), "usage in a chunk with choices");
    WANT(says(&v, "choices.0.logprobs", "null"), "logprobs");
    if (s->step == 0) {
        WANT(says(&v, "choices.0.delta.role", "assistant"), "no role in the first chunk");
        WANT(says(&v, "choices.0.delta.refusal", "null"), "no refusal in the first chunk");
        s->step = 1;
        return;
    }
    WANT(s->step == 1, "content behind the finish");
    WANT(!has(&v, "choices.0.delta.role"), "a second role");
    if (!says(&v, "choices.0.finish_reason", "null")) {
        WANT(says(&v, "choices.0.delta", "{}"), "a delta in the finish");
        h->finish = text_at(&v, "choices.0.finish_reason");
        s->step = 2;
    } else if (has(&v, "choices.0.delta.tool_calls")) {
        hear_chat_tool(t, h, &v, ev);
    } else if (has(&v, "choices.0.delta.reasoning_content")) {
        join(t, &h->think, text_at(&v, "choices.0.delta.reasoning_content"));
    } else if (has(&v, "choices.0.delta.refusal")) {
        join(t, &h->refusal, text_at(&v, "choices.0.delta.refusal"));
    } else {
        WANT(has(&v, "choices.0.delta.content"), "an unknown delta");
        join(t, &h->text, text_at(&v, "choices.0.delta.content"));
        h->deltas++;
    }
}

static void whole_chat(struct test *t, struct heard *h, const struct view *v)
{
    char path[80];

    if (!says(v, "object", "chat.completion") || !has(v, "choices.0.message.refusal"))
        complain(t, h, "no chat.completion", v->doc.text);
    h->id = text_at(v, "id");
    h->model = text_at(v, "model");
    h->finish = text_at(v, "choices.0.finish_reason");
    if (!says(v, "choices.0.message.content", "null"))
        h->text = text_at(v, "choices.0.message.content");
    if (!says(v, "choices.0.message.refusal", "null"))
        h->refusal = text_at(v, "choices.0.message.refusal");
    if (has(v, "choices.0.message.reasoning_content"))
        h->think = text_at(v, "choices.0.message.reasoning_content");
    for (uint32_t i = 0; i < HEARD_TOOLS_MAX; i++) {
        snprintf(path, sizeof(path), "choices.0.message.tool_calls.%u.id", i);
        if (!has(v, path))
            break;
        h->tools[i].id = text_at(v, path);
        snprintf(path, sizeof(path), "choices.0.message.tool_calls.%u.function.name", i);
        h->tools[i].name = text_at(v, path);
        snprintf(path, sizeof(path), "choices.0.message.tool_calls.%u.function.arguments", i);
        h->tools[i].args = text_at(v, path);
        h->tool_count++;
    }
    if (has(v, "usage"))
        hear_chat_usage(v, h);
}

/* --- anthropic */

static void hear_anthropic_usage(const struct view *v, struct heard *h)
{
    h->has_usage = true;
    h->cached = number_at(v, "usage.cache_read_input_tokens", -1);
    h->written = number_at(v, "usage.cache_creation_input_tokens", -1);
    h->prompt = number_at(v, "usage.input_tokens", -1) + h->cached + h->written;
    h->output = number_at(v, "usage.output_tokens", -1);
    h->thoughts = number_at(v, "usage.output_tokens_details.thinking_tokens", 0);
}

static void hear_anthropic_delta(struct test *t, struct heard *h, struct hearing *s,
                                 const struct view *v, const struct sse_event *ev)
{
    WANT(s->block >= 0 && number_at(v, "index", -1) == s->block, "delta of another block");
    if (says(v, "delta.type", "text_delta")) {
        WANT(str_eq(s->item_id, STR("text")), "text in another block");
        join(t, &h->text, text_at(v, "delta.text"));
        h->deltas++;
    } else if (says(v, "delta.type", "thinking_delta")) {
        WANT(str_eq(s->item_id, STR("thinking")), "thinking in another block");
        join(t, &h->think, text_at(v, "delta.thinking"));
    } else if (says(v, "delta.type", "signature_delta")) {
        WANT(str_eq(s->item_id, STR("thinking")), "signature in another block");
        WANT(h->signature.len == 0, "a second signature");
        h->signature = text_at(v, "delta.signature");
    } else if (says(v, "delta.type", "input_json_delta")) {
        WANT(str_eq(s->item_id, STR("tool_use")), "input in another block");
        if (h->tool_count > 0)
            join(t, &h->tools[h->tool_count - 1].args, text_at(v, "delta.partial_json"));
    } else {
        WANT(false, "an unknown delta");
    }
}

static void hear_anthropic(struct test *t, struct heard *h, struct hearing *s,
                           const struct sse_event *ev)
{
    struct view v = view_make(t, ev->data);

    WANT(v.valid && str_eq(ev->name, text_at(&v, "type")), "event: differs from type");
    WANT(!h->ended, "something behind message_stop");
    if (str_eq(ev->name, STR("error"))) {
        h->error = text_at(&v, "error.type");
    } else if (str_eq(ev->name, STR("ping"))) {
        WANT(s->step == 1, "ping before the start");
    } else if (str_eq(ev->name, STR("message_start"))) {
        WANT(s->count == 0, "message_start twice");
        WANT(says(&v, "message.content", "[]") && says(&v, "message.stop_reason", "null"),
             "content in message_start");
        WANT(has(&v, "message.stop_sequence"), "no stop_sequence");
        h->id = text_at(&v, "message.id");
        h->model = text_at(&v, "message.model");
        s->step = 1;
    } else if (str_eq(ev->name, STR("content_block_start"))) {
        WANT(s->step == 1 && s->block < 0, "a block inside a block");
        WANT(number_at(&v, "index", -1) == s->index, "a gap in the indexes");
        s->block = s->index++;
        s->item_id = text_at(&v, "content_block.type");
        if (says(&v, "content_block.type", "tool_use") && h->tool_count < HEARD_TOOLS_MAX) {
            WANT(says(&v, "content_block.input", "{}"), "input in the start");
            h->tools[h->tool_count].id = text_at(&v, "content_block.id");
            h->tools[h->tool_count++].name = text_at(&v, "content_block.name");
        }
    } else if (str_eq(ev->name, STR("content_block_delta"))) {
        hear_anthropic_delta(t, h, s, &v, ev);
    } else if (str_eq(ev->name, STR("content_block_stop"))) {
        WANT(s->block >= 0 && number_at(&v, "index", -1) == s->block, "stop of another block");
        s->block = -1;
    } else if (str_eq(ev->name, STR("message_delta"))) {
        WANT(s->step == 1 && s->block < 0, "message_delta inside a block");
        s->step = 2;
        h->finish = text_at(&v, "delta.stop_reason");
        h->stop_sequence = text_at(&v, "delta.stop_sequence");
        if (has(&v, "usage"))
            hear_anthropic_usage(&v, h);
    } else {
        WANT(str_eq(ev->name, STR("message_stop")) && s->step == 2, "message_stop too early");
        h->ended = true;
    }
}

static void whole_anthropic(struct test *t, struct heard *h, const struct view *v)
{
    char path[48];

    if (!says(v, "type", "message") || !says(v, "role", "assistant"))
        complain(t, h, "no message", v->doc.text);
    h->id = text_at(v, "id");
    h->model = text_at(v, "model");
    h->finish = text_at(v, "stop_reason");
    h->stop_sequence = text_at(v, "stop_sequence");
    for (uint32_t i = 0;; i++) {
        snprintf(path, sizeof(path), "content.%u.type", i);
        if (!has(v, path))
            break;
        if (says(v, path, "text")) {
            snprintf(path, sizeof(path), "content.%u.text", i);
            join(t, &h->text, text_at(v, path));
        } else if (says(v, path, "thinking")) {
            snprintf(path, sizeof(path), "content.%u.thinking", i);
            join(t, &h->think, text_at(v, path));
            snprintf(path, sizeof(path), "content.%u.signature", i);
            h->signature = text_at(v, path);
        } else {
            snprintf(path, sizeof(path), "content.%u.id", i);
            h->tools[h->tool_count].id = text_at(v, path);
            snprintf(path, sizeof(path), "content.%u.name", i);
            h->tools[h->tool_count].name = text_at(v, path);
            snprintf(path, sizeof(path), "content.%u.input", i);
            h->tools[h->tool_count++].args = text_at(v, path);
        }
    }
    if (has(v, "usage"))
        hear_anthropic_usage(v, h);
}

/* --- gemini */

static void hear_gemini_parts(struct test *t, struct heard *h, const struct view *v)
{
    char path[64];

    for (uint32_t i = 0;; i++) {
        snprintf(path, sizeof(path), "candidates.0.content.parts.%u", i);
        if (!has(v, path))
            return;
        snprintf(path, sizeof(path), "candidates.0.content.parts.%u.thoughtSignature", i);
        if (has(v, path)) {
            if (h->signature.len > 0)
                complain(t, h, "a second signature", v->doc.text);
            h->signature = text_at(v, path);
        }
        snprintf(path, sizeof(path), "candidates.0.content.parts.%u.functionCall.name", i);
        if (has(v, path)) {
            h->tools[h->tool_count].name = text_at(v, path);
            snprintf(path, sizeof(path), "candidates.0.content.parts.%u.functionCall.args", i);
            h->tools[h->tool_count].args = text_at(v, path);
            snprintf(path, sizeof(path), "candidates.0.content.parts.%u.functionCall.id", i);
            h->tools[h->tool_count++].id = text_at(v, path);
            continue;
        }
        snprintf(path, sizeof(path), "candidates.0.content.parts.%u.inlineData", i);
        if (has(v, path)) {
            h->images++;
            continue;
        }
        snprintf(path, sizeof(path), "candidates.0.content.parts.%u.thought", i);
        bool thought = says(v, path, "true");

        snprintf(path, sizeof(path), "candidates.0.content.parts.%u.text", i);
        join(t, thought ? &h->think : &h->text, text_at(v, path));
        h->deltas += thought || text_at(v, path).len == 0 ? 0 : 1;
    }
}

static void hear_gemini_object(struct test *t, struct heard *h, const struct view *v)
{
    h->id = text_at(v, "responseId");
    h->model = text_at(v, "modelVersion");
    hear_gemini_parts(t, h, v);
    if (has(v, "candidates.0.finishReason"))
        h->finish = text_at(v, "candidates.0.finishReason");
    if (has(v, "promptFeedback.blockReason"))
        h->finish = text_at(v, "promptFeedback.blockReason");
    if (!has(v, "usageMetadata"))
        return;
    h->has_usage = true;
    h->prompt = number_at(v, "usageMetadata.promptTokenCount", -1);
    h->cached = number_at(v, "usageMetadata.cachedContentTokenCount", 0);
    h->thoughts = number_at(v, "usageMetadata.thoughtsTokenCount", 0);
    h->output = number_at(v, "usageMetadata.candidatesTokenCount", -1) + h->thoughts;
    if (number_at(v, "usageMetadata.totalTokenCount", -1) != h->prompt + h->output)
        complain(t, h, "the total is no sum", v->doc.text);
}

static void hear_gemini(struct test *t, struct heard *h, struct hearing *s,
                        const struct sse_event *ev)
{
    struct view v = view_make(t, ev->data);
    struct str id = h->id;

    WANT(ev->name.len == 0, "an event: line");
    WANT(v.valid, "not JSON");
    WANT(!h->ended, "something behind the finish");
    if (has(&v, "error")) {
        h->error = text_at(&v, "error.status");
        return;
    }
    hear_gemini_object(t, h, &v);
    WANT(s->count == 0 || str_eq(id, h->id), "another id");
    h->ended = h->finish.len > 0;
    WANT(has(&v, "candidates.0.content.parts.0") || has(&v, "promptFeedback"), "no parts");
}

/* --- responses */

static void hear_responses_usage(const struct view *v, struct heard *h, const char *at)
{
    char path[80];
#define NUMBER(member) \
    (snprintf(path, sizeof(path), "%susage.%s", at, member) > 0 ? number_at(v, path, -1) : -1)

    h->prompt = NUMBER("input_tokens");
    h->has_usage = h->prompt >= 0;
    h->cached = NUMBER("input_tokens_details.cached_tokens");
    h->output = NUMBER("output_tokens");
    h->thoughts = NUMBER("output_tokens_details.reasoning_tokens");
#undef NUMBER
}

/* A finished item, at `at` in the document. */
static void hear_responses_item(struct test *t, struct heard *h, const struct view *v,
                                const char *at)
{
    char path[80];
#define AT(member) (snprintf(path, sizeof(path), "%s%s", at, member) > 0 ? path : "")

    if (says(v, AT("type"), "message")) {
        if (says(v, AT("content.0.type"), "refusal"))
            join(t, &h->refusal, text_at(v, AT("content.0.refusal")));
        else
            join(t, &h->text, text_at(v, AT("content.0.text")));
    } else if (says(v, AT("type"), "reasoning")) {
        if (has(v, AT("summary.0.text")))
            join(t, &h->think, text_at(v, AT("summary.0.text")));
        h->signature = text_at(v, AT("encrypted_content"));
    } else {
        bool custom = says(v, AT("type"), "custom_tool_call");

        h->tools[h->tool_count].id = text_at(v, AT("call_id"));
        h->tools[h->tool_count].name = text_at(v, AT("name"));
        h->tools[h->tool_count++].args = text_at(v, custom ? AT("input") : AT("arguments"));
    }
#undef AT
}

static void hear_responses_end(struct test *t, struct heard *h, struct hearing *s,
                               const struct view *v, const struct sse_event *ev)
{
    char path[48];

    WANT(s->block < 0, "the end inside an item");
    snprintf(path, sizeof(path), "response.output.%u", s->items);
    WANT(!has(v, path), "more items at the end than were streamed");
    if (s->items > 0) {
        snprintf(path, sizeof(path), "response.output.%u.status", s->items - 1);
        WANT(has(v, path), "fewer items at the end than were streamed");
    }
    h->finish = text_at(v, "response.status");
    if (has(v, "response.incomplete_details.reason"))
        h->finish = text_at(v, "response.incomplete_details.reason");
    hear_responses_usage(v, h, "response.");
    h->ended = true;
}

static void hear_responses(struct test *t, struct heard *h, struct hearing *s,
                           const struct sse_event *ev)
{
    struct view v = view_make(t, ev->data);
    struct str type = ev->name;

    WANT(v.valid && str_eq(type, text_at(&v, "type")), "event: differs from type");
    WANT(number_at(&v, "sequence_number", -1) == s->count, "a gap in the sequence");
    WANT(!h->ended, "something behind the end");
    if (str_eq(type, STR("error"))) {
        h->error = text_at(&v, "code");
    } else if (str_eq(type, STR("response.failed"))) {
        h->error = text_at(&v, "response.error.code");
    } else if (str_eq(type, STR("response.created")) || str_eq(type, STR("response.in_progress"))) {
        WANT(s->step == (str_eq(type, STR("response.created")) ? 0 : 1), "handshake out of order");
        WANT(says(&v, "response.status", "in_progress") && says(&v, "response.output", "[]"),
             "output in the handshake");
        h->id = text_at(&v, "response.id");
        h->model = text_at(&v, "response.model");
        s->step++;
    } else if (str_eq(type, STR("response.output_item.added"))) {
        WANT(s->step == 2 && s->block < 0, "an item inside an item");
        WANT(number_at(&v, "output_index", -1) == s->index, "a gap in the indexes");
        s->block = s->index++;
        s->item_id = text_at(&v, "item.id");
        s->item_text = STR("");
    } else if (str_eq(type, STR("response.output_item.done"))) {
        WANT(s->block >= 0 && str_eq(s->item_id, text_at(&v, "item.id")), "another item is done");
        hear_responses_item(t, h, &v, "item.");
        s->items++;
        s->block = -1;
    } else if (str_eq(type, STR("response.completed")) ||
               str_eq(type, STR("response.incomplete"))) {
        hear_responses_end(t, h, s, &v, ev);
    } else {
        WANT(s->block >= 0 && str_eq(s->item_id, text_at(&v, "item_id")), "part of another item");
        WANT(number_at(&v, "output_index", -1) == s->block, "index of another item");
        if (str_ends(type, STR(".delta"))) {
            join(t, &s->item_text, text_at(&v, "delta"));
            h->deltas += str_eq(type, STR("response.output_text.delta")) ? 1 : 0;
        }
        if (str_ends(type, STR("_text.done")))
            WANT(str_eq(s->item_text, text_at(&v, "text")), "deltas and text differ");
        if (str_ends(type, STR("arguments.done")))
            WANT(str_eq(s->item_text, text_at(&v, "arguments")), "deltas and arguments differ");
        if (str_ends(type, STR("refusal.done")))
            WANT(str_eq(s->item_text, text_at(&v, "refusal")), "deltas and refusal differ");
    }
}

static void whole_responses(struct test *t, struct heard *h, const struct view *v)
{
    char path[48];

    if (!says(v, "object", "response") || !has(v, "tools") || !has(v, "parallel_tool_calls"))
        complain(t, h, "no response", v->doc.text);
    h->id = text_at(v, "id");
    h->model = text_at(v, "model");
    h->finish = text_at(v, "status");
    if (has(v, "incomplete_details.reason"))
        h->finish = text_at(v, "incomplete_details.reason");
    for (uint32_t i = 0;; i++) {
        snprintf(path, sizeof(path), "output.%u.type", i);
        if (!has(v, path))
            break;
        snprintf(path, sizeof(path), "output.%u.", i);
        hear_responses_item(t, h, v, path);
    }
    hear_responses_usage(v, h, "");
}

/* --- all */

void hear_stream(struct test *t, enum wire wire, struct str bytes, struct heard *h)
{
    static void (*const ears[])(struct test *, struct heard *, struct hearing *,
                                const struct sse_event *) = {
        [WIRE_OPENAI_CHAT] = hear_chat,
        [WIRE_OPENAI_RESPONSES] = hear_responses,
        [WIRE_ANTHROPIC] = hear_anthropic,
        [WIRE_GEMINI] = hear_gemini,
    };
    struct hearing s = { .block = -1 };
    struct sse sse;
    struct sse_event ev;

    *h = (struct heard){ .ended = false };
    sse_init(&sse, (size_t)16 << 20);
    while (sse_next(&sse, &bytes, &ev) == SSE_EVENT) {
        if (ev.is_comment)
            continue;
        ears[wire](t, h, &s, &ev);
        s.count++;
    }
    if (sse_held(&sse) > 0)
        complain(t, h, "bytes behind the last event", STR(""));
    sse_clear(&sse);
}

void hear_whole(struct test *t, enum wire wire, struct str bytes, struct heard *h)
{
    struct view v = view_make(t, bytes);

    *h = (struct heard){ .ended = true };
    if (!v.valid)
        complain(t, h, "not JSON", bytes);
    else if (wire == WIRE_OPENAI_CHAT)
        whole_chat(t, h, &v);
    else if (wire == WIRE_OPENAI_RESPONSES)
        whole_responses(t, h, &v);
    else if (wire == WIRE_ANTHROPIC)
        whole_anthropic(t, h, &v);
    else
        hear_gemini_object(t, h, &v);
}

int rig_hear(struct rig *rig, enum wire wire, bool stream, const char *text, const char *extra,
             struct heard *h)
{
    struct str body = rig_ask(rig->t, wire, stream, text, extra);
    struct response r = rig_post(rig, rig_target(wire, stream), body);
    struct str bytes = arena_copy(&rig->t->arena, buf_str(&r.reply.body));
    int status = r.reply.status;

    if (stream && status == 200)
        hear_stream(rig->t, wire, bytes, h);
    else if (status == 200)
        hear_whole(rig->t, wire, bytes, h);
    else
        *h = (struct heard){ .text = bytes };
    respond_clear(&r);
    return status;
}
