/* wire/openai_responses/said.c - the items of an answer, and what the answer says of itself. */
#include "wire/openai_responses/said.h"

static const struct {
    struct str type, prefix;
} kinds[] = {
    [SAID_TEXT] = { STR("message"), STR("msg_") },
    [SAID_REFUSAL] = { STR("message"), STR("msg_") },
    [SAID_CALL] = { STR("function_call"), STR("fc_") },
    [SAID_CUSTOM_CALL] = { STR("custom_tool_call"), STR("ctc_") },
    [SAID_REASONING] = { STR("reasoning"), STR("rs_") },
};

static const struct str statuses[] = {
    [SAID_IN_PROGRESS] = STR("in_progress"),
    [SAID_COMPLETED] = STR("completed"),
    [SAID_INCOMPLETE] = STR("incomplete"),
};

struct str said_prefix(enum said kind)
{
    return kinds[kind].prefix;
}

/* --- the pieces of JSON -----------------------------------------------------------------------*/

struct str said_id(const struct encode_options *o, struct str prefix, uint32_t index,
                   char out[static 64])
{
    struct str id = str_take(o->id, 40);
    char digits[DIGITS_MAX], *end = digits + sizeof(digits), *at = digits_u64(end, index);
    size_t len = 0, n = (size_t)(end - at);

    memcpy(out, prefix.at, prefix.len);
    len += prefix.len;
    memcpy(out + len, id.at, id.len);
    len += id.len;
    out[len++] = '_';
    memcpy(out + len, at, n);
    return (struct str){ out, len + n };
}

struct str said_response_id(const struct encode_options *o, char out[static 64])
{
    struct str hex = str_take(o->id, 64 - 5);

    memcpy(out, "resp_", 5);
    memcpy(out + 5, hex.at, hex.len);
    return (struct str){ out, 5 + hex.len };
}

void said_put_inside(struct json_writer *w, const char *name, struct text text)
{
    json_put_name(w, str_c(name));
    json_put_inside(w, text.escaped);
}

/* A list whose elements are known as bytes. */
static void put_elements(struct json_writer *w, struct str elements)
{
    json_put_array(w);
    if (elements.len > 0)
        json_put_raw(w, elements);
    json_put_end(w);
}

static inline void put_list(struct json_writer *w, const char *name, struct str elements)
{
    json_put_name(w, str_c(name));
    put_elements(w, elements);
}

void said_put_part(struct json_writer *w, const struct said_item *it, struct text text,
                   struct str notes)
{
    json_put_object(w);
    if (it->kind == SAID_REFUSAL) {
        json_put_member(w, "type", STR("refusal"));
        said_put_inside(w, "refusal", text);
    } else {
        json_put_member(w, "type", STR("output_text"));
        said_put_inside(w, "text", text);
        put_list(w, "annotations", notes);
        json_put_member_raw(w, "logprobs", STR("[]"));
    }
    json_put_end(w);
}

void said_put_summary(struct json_writer *w, struct text text)
{
    json_put_object(w);
    json_put_member(w, "type", STR("summary_text"));
    said_put_inside(w, "text", text);
    json_put_end(w);
}

void said_put_item(struct json_writer *w, const struct encode_options *o,
                   const struct said_item *it, enum said_status status)
{
    char id[64];
    bool whole = status != SAID_IN_PROGRESS;

    json_put_object(w);
    json_put_member(w, "id", said_id(o, kinds[it->kind].prefix, it->index, id));
    json_put_member(w, "type", kinds[it->kind].type);
    json_put_member(w, "status", statuses[status]);
    switch (it->kind) {
    case SAID_TEXT:
    case SAID_REFUSAL:
        json_put_member(w, "role", STR("assistant"));
        if (it->phase != PHASE_NONE)
            json_put_member(w, "phase",
                            it->phase == PHASE_FINAL ? STR("final_answer") : STR("commentary"));
        json_put_name(w, STR("content"));
        json_put_array(w);
        if (whole)
            said_put_part(w, it, it->text, it->notes);
        json_put_end(w);
        break;
    case SAID_CALL:
    case SAID_CUSTOM_CALL:
        json_put_member(w, "call_id", it->call_id);
        json_put_member(w, "name", it->name);
        if (it->name_space.len > 0)
            json_put_member(w, "namespace", it->name_space);
        said_put_inside(w, it->kind == SAID_CALL ? "arguments" : "input",
                        whole ? it->text : TEXT_EMPTY);
        break;
    case SAID_REASONING:
        put_list(w, "summary", whole ? it->summary : STR(""));
        if (whole && !text_is_empty(it->encrypted))
            said_put_inside(w, "encrypted_content", it->encrypted);
        break;
    case SAID_NOTHING:
        assert(false); /* nothing to write */
    }
    json_put_end(w);
}

bool said_note_fits(const struct canon_note *note)
{
    return note->url.len > 0 || (note->wire == WIRE_OPENAI_RESPONSES && note->raw.len > 0);
}

void said_put_note(struct buf *out, const struct canon_note *note, int64_t text_end)
{
    bool whole = note->start < 0;
    int64_t end = whole ? text_end : note->end > note->start ? note->end : note->start;
    struct json_writer w = json_writer(out);

    if (note->wire == WIRE_OPENAI_RESPONSES && note->raw.len > 0) {
        json_put_raw(&w, note->raw);
        return;
    }
    json_put_object(&w);
    json_put_member(&w, "type", STR("url_citation"));
    json_put_member(&w, "url", note->url);
    json_put_member(&w, "title", note->title);
    json_put_member_i64(&w, "start_index", whole ? 0 : note->start);
    json_put_name(&w, STR("end_index"));
    if (end < 0)
        return;
    json_put_i64(&w, end);
    json_put_end(&w);
}

static int64_t known(int64_t n)
{
    return n > 0 ? n : 0;
}

static int64_t sum(int64_t one, int64_t two)
{
    int64_t n;

    return __builtin_add_overflow(one, two, &n) ? INT64_MAX : n;
}

/* Counts that the upstream did not say are 0, but never less than what they hold. */
static void put_usage(struct json_writer *w, const struct usage *u)
{
    int64_t cached = known(u->cache_read), kept = known(u->cache_write);
    int64_t in = u->in >= 0 ? u->in : sum(cached, kept);
    int64_t out = u->out >= 0 ? u->out : known(u->reasoning);

    json_put_name(w, STR("usage"));
    if (!usage_is_known(u)) {
        json_put_null(w);
        return;
    }
    json_put_object(w);
    json_put_member_i64(w, "input_tokens", in);
    json_put_name(w, STR("input_tokens_details"));
    json_put_object(w);
    json_put_member_i64(w, "cached_tokens", cached);
    json_put_member_i64(w, "cache_write_tokens", kept);
    json_put_end(w);
    json_put_member_i64(w, "output_tokens", out);
    json_put_name(w, STR("output_tokens_details"));
    json_put_object(w);
    json_put_member_i64(w, "reasoning_tokens", known(u->reasoning));
    json_put_end(w);
    json_put_member_i64(w, "total_tokens", sum(in, out));
    json_put_end(w);
}

static void put_raw_or_null(struct json_writer *w, const char *name, struct str raw)
{
    json_put_member_raw(w, name, raw.len > 0 ? raw : STR("null"));
}

static void put_choice(struct json_writer *w, const struct tool_choice *choice)
{
    static const struct str words[] = {
        [CHOICE_UNSET] = STR("auto"),   [CHOICE_AUTO] = STR("auto"), [CHOICE_NONE] = STR("none"),
        [CHOICE_ANY] = STR("required"), [CHOICE_ONE] = STR(""),      [CHOICE_ALLOWED] = STR("auto"),
    };

    json_put_name(w, STR("tool_choice"));
    if (choice->mode != CHOICE_ONE) {
        json_put_str(w, choice->mode == CHOICE_ALLOWED && choice->allowed_any
                            ? STR("required")
                            : words[choice->mode]);
        return;
    }
    json_put_object(w);
    json_put_member(w, "type", STR("function"));
    json_put_member(w, "name", choice->names[0]);
    json_put_end(w);
}

void said_begin_response(struct json_writer *w, const struct encode_options *o, struct str status,
                         struct str incomplete)
{
    const struct canon_request *r = o->request;
    char id[64];

    json_put_object(w);
    json_put_member(w, "id", said_response_id(o, id));
    json_put_member(w, "object", STR("response"));
    json_put_member_i64(w, "created_at", o->created_unix_s);
    json_put_member(w, "status", status);
    json_put_member_null(w, "error");
    json_put_name(w, STR("incomplete_details"));
    if (incomplete.len > 0) {
        json_put_object(w);
        json_put_member(w, "reason", incomplete);
        json_put_end(w);
    } else {
        json_put_null(w);
    }
    json_put_member_null(w, "instructions");
    json_put_member_raw(w, "metadata", r->metadata.len > 0 ? r->metadata : STR("{}"));
    json_put_member(w, "model", o->model);
    json_put_name(w, STR("output"));
}

void said_end_response(struct json_writer *w, const struct encode_options *o,
                       const struct usage *usage)
{
    const struct canon_request *r = o->request;

    json_put_member_bool(w, "parallel_tool_calls", r->parallel_tools != TRI_NO);
    put_raw_or_null(w, "temperature", r->temperature);
    put_choice(w, &r->choice);
    json_put_member_raw(w, "tools", STR("[]"));
    put_raw_or_null(w, "top_p", r->top_p);
    json_put_member_bool(w, "store", o->stores);
    if (o->previous_response.len > 0)
        json_put_member(w, "previous_response_id", o->previous_response);
    put_usage(w, usage);
    json_put_end(w);
}

void said_put_response(struct json_writer *w, const struct encode_options *o, struct str status,
                       struct str incomplete, struct str output, const struct usage *usage)
{
    said_begin_response(w, o, status, incomplete);
    put_elements(w, output);
    said_end_response(w, o, usage);
}

struct str said_incomplete(enum stop_cause cause, bool refused)
{
    switch (cause) {
    case STOP_LENGTH:
    case STOP_CONTEXT_FULL:
        return STR("max_output_tokens");
    case STOP_FILTER:
    case STOP_RECITATION:
        return STR("content_filter");
    case STOP_REFUSAL:
        return refused ? STR("") : STR("content_filter");
    case STOP_NONE:
    case STOP_DONE:
    case STOP_SEQUENCE:
    case STOP_TOOL_USE:
    case STOP_PAUSE:
    case STOP_BAD_TOOL_CALL:
    case STOP_IMAGE_FAIL:
    case STOP_OTHER:
        break;
    }
    return STR("");
}

/* --- calls ------------------------------------------------------------------------------------*/

enum said said_find_tool(const struct encode_options *o, struct str wire_name,
                         struct str wire_space, bool custom, struct str *name,
                         struct str *name_space)
{
    *name = names_to_client(o->names, wire_name, name_space);
    if (wire_space.len > 0)
        *name_space = wire_space;
    if (custom)
        return SAID_CUSTOM_CALL;
    for (const struct tool *tool = o->request->tools; tool != NULL; tool = tool->next)
        if (tool->custom && str_eq(tool->name, *name) && str_eq(tool->name_space, *name_space))
            return SAID_CUSTOM_CALL;
    return SAID_CALL;
}

struct str said_call_id(const struct encode_options *o, struct str id, uint32_t index,
                        struct arena *a)
{
    if (id.len > 0)
        return call_id_for(WIRE_OPENAI_RESPONSES, id, 0, a);
    return arena_printf(a, "call_%.*s_%u", (int)str_take(o->id, 40).len, o->id.at, index);
}

/* --- what the provider ran --------------------------------------------------------------------*/

static struct str media_format(struct text mime)
{
    static const struct {
        struct str mime, format;
    } formats[] = {
        { STR("image/png"), STR("png") },
        { STR("image/jpeg"), STR("jpeg") },
        { STR("image/webp"), STR("webp") },
        { STR("image/gif"), STR("gif") },
    };

    for (size_t i = 0; i < COUNT(formats); i++)
        if (str_eq(mime.escaped, formats[i].mime))
            return formats[i].format;
    return STR("");
}

void said_put_image(struct json_writer *w, const struct encode_options *o, uint32_t index,
                    struct text mime, struct text data, bool whole)
{
    struct str format = media_format(mime);
    char id[64];

    json_put_object(w);
    json_put_member(w, "id", said_id(o, STR("ig_"), index, id));
    json_put_member(w, "type", STR("image_generation_call"));
    json_put_member(w, "status", whole ? STR("completed") : STR("in_progress"));
    if (whole && format.len > 0)
        json_put_member(w, "output_format", format);
    json_put_name(w, STR("result"));
    if (whole)
        json_put_inside(w, data.escaped);
    else
        json_put_null(w);
    json_put_end(w);
}

bool said_is_image(struct text mime)
{
    return str_starts(mime.escaped, STR("image/"));
}

struct str said_server_item(const struct encode_options *o, const struct opaque *server,
                            uint32_t index, struct arena *a)
{
    struct json doc;
    uint32_t query;
    struct str item;
    struct buf b;
    char id[64];

    if (server->wire == WIRE_OPENAI_RESPONSES)
        return server->raw;
    if (!str_eq(server->name, STR("web_search")) || !json_parse(&doc, server->raw, NULL, a, NULL) ||
        json_type(&doc, 0) != JSON_OBJECT)
        return STR("");
    query = member(&doc, member(&doc, 0, "input"), "query");
    if (!is_type(&doc, query, JSON_STRING))
        return STR("");
    buf_init(&b, o->bytes_max);
    struct json_writer w = json_writer(&b);

    json_put_object(&w);
    json_put_member(&w, "id", said_id(o, STR("ws_"), index, id));
    json_put_member(&w, "type", STR("web_search_call"));
    json_put_member(&w, "status", STR("completed"));
    json_put_name(&w, STR("action"));
    json_put_object(&w);
    json_put_member(&w, "type", STR("search"));
    said_put_inside(&w, "query", text_of(&doc, query));
    json_put_end(&w);
    json_put_end(&w);
    item = json_written(&w) ? arena_copy(a, buf_str(&b)) : STR("");
    buf_clear(&b);
    return item;
}
