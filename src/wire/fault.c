#include "wire/fault.h"

#include "base/json_write.h"
#include "base/utf8.h"

/* Type and code as each protocol names them. Gemini's is its gRPC status word. A chat or responses
 * client is told `server_error`, never `server_is_overloaded`: Codex takes the latter as final. */
static const struct {
    int openai_status;
    const char *openai_type, *openai_code;
    int anthropic_status;
    const char *anthropic_type;
    int gemini_status;
    const char *gemini_word;
} classes[FAULT_CLASSES] = {
    [FAULT_BAD_REQUEST] = { 400, "invalid_request_error", NULL, 400, "invalid_request_error", 400,
                            "INVALID_ARGUMENT" },
    [FAULT_CONTEXT_TOO_LONG] = { 400, "invalid_request_error", "context_length_exceeded", 400,
                                 "invalid_request_error", 400, "INVALID_ARGUMENT" },
    [FAULT_CLIENT_KEY] = { 401, "invalid_request_error", "invalid_api_key", 401,
                           "authentication_error", 401, "UNAUTHENTICATED" },
    [FAULT_UPSTREAM_AUTH] = { 503, "server_error", "upstream_auth", 503, "api_error", 503,
                              "UNAVAILABLE" },
    [FAULT_FORBIDDEN] = { 403, "permission_error", NULL, 403, "permission_error", 403,
                          "PERMISSION_DENIED" },
    [FAULT_NO_ROUTE] = { 400, "invalid_request_error", "model_not_found", 400,
                         "invalid_request_error", 400, "INVALID_ARGUMENT" },
    [FAULT_MODEL_MISSING] = { 404, "invalid_request_error", "model_not_found", 404,
                              "not_found_error", 404, "NOT_FOUND" },
    [FAULT_NOT_FOUND] = { 404, "invalid_request_error", "not_found", 404, "not_found_error", 404,
                          "NOT_FOUND" },
    [FAULT_METHOD] = { 405, "invalid_request_error", "method_not_allowed", 405,
                       "invalid_request_error", 405, "INVALID_ARGUMENT" },
    [FAULT_RATE_LIMITED] = { 429, "rate_limit_error", "rate_limit_exceeded", 429,
                             "rate_limit_error", 429, "RESOURCE_EXHAUSTED" },
    [FAULT_QUOTA] = { 429, "insufficient_quota", "insufficient_quota", 429, "rate_limit_error", 429,
                      "RESOURCE_EXHAUSTED" },
    [FAULT_OVERLOADED] = { 503, "server_error", "server_error", 529, "overloaded_error", 503,
                           "UNAVAILABLE" },
    [FAULT_BLOCKED] = { 400, "invalid_request_error", "content_policy_violation", 400,
                        "invalid_request_error", 400, "INVALID_ARGUMENT" },
    [FAULT_TOO_LARGE] = { 413, "invalid_request_error", "request_too_large", 413,
                          "request_too_large", 413, "INVALID_ARGUMENT" },
    [FAULT_MEDIA_TYPE] = { 415, "invalid_request_error", "unsupported_media_type", 415,
                           "invalid_request_error", 415, "INVALID_ARGUMENT" },
    [FAULT_TIMEOUT] = { 504, "server_error", "timeout", 504, "timeout_error", 504,
                        "DEADLINE_EXCEEDED" },
    [FAULT_SERVER] = { 502, "server_error", "server_error", 502, "api_error", 502, "INTERNAL" },
    [FAULT_UNAVAILABLE] = { 503, "server_error", "unavailable", 503, "api_error", 503,
                            "UNAVAILABLE" },
    [FAULT_UNSUPPORTED] = { 501, "invalid_request_error", "unsupported", 501,
                            "invalid_request_error", 501, "UNIMPLEMENTED" },
    [FAULT_HOST] = { 421, "invalid_request_error", "misdirected_request", 421,
                     "invalid_request_error", 421, "INVALID_ARGUMENT" },
};

int fault_status(enum wire protocol, const struct fault *f)
{
    if (f->status != 0)
        return f->status;
    switch (protocol) {
    case WIRE_ANTHROPIC:
        return classes[f->class].anthropic_status;
    case WIRE_GEMINI:
    case WIRE_CLOUDCODE:
        return classes[f->class].gemini_status;
    case WIRE_OPENAI_CHAT:
    case WIRE_OPENAI_RESPONSES:
    case WIRES:
        break;
    }
    return classes[f->class].openai_status;
}

static struct str given_or(struct str given, const char *own)
{
    return given.len > 0 ? given : str_c(own);
}

/* Clients of Anthropic and Gemini know by the sentence alone that the conversation is too long, and
 * shorten it then: the sentence of another provider gets theirs in front of it. */
static void put_message(struct json_writer *w, enum wire protocol, const struct fault *f)
{
    bool anthropic = protocol == WIRE_ANTHROPIC;
    struct str known =
        anthropic ? STR("prompt is too long") : STR("exceeds the maximum number of tokens");
    struct str lead = anthropic ? STR("prompt is too long: ")
                                : STR("The input exceeds the maximum number of tokens: ");
    bool lacks = f->class == FAULT_CONTEXT_TOO_LONG && str_find(f->message, known) == SIZE_MAX &&
                 str_find(f->message, STR("exceed context limit")) == SIZE_MAX;
    struct buf text;

    buf_init(&text, lead.len + f->message.len);
    (void)(!lacks || buf_add(&text, lead));
    (void)buf_add(&text, f->message);
    json_put_member(w, "message", utf8_clip(buf_str(&text), FAULT_TEXT_MAX));
    buf_clear(&text);
}

/* What stands behind `"error":` for OpenAI clients, and flat in a responses `error` event. */
static void put_openai_members(struct json_writer *w, const struct fault *f, bool with_type)
{
    struct str code = given_or(f->code, classes[f->class].openai_code);

    json_put_member(w, "message", utf8_clip(f->message, FAULT_TEXT_MAX));
    if (with_type)
        json_put_member(w, "type", given_or(f->type, classes[f->class].openai_type));
    json_put_key(w, STR("param"));
    if (f->param.len > 0)
        json_put_str(w, f->param);
    else
        json_put_null(w);
    json_put_key(w, STR("code"));
    if (code.len > 0)
        json_put_str(w, code);
    else
        json_put_null(w);
}

static void put_openai(struct json_writer *w, const struct fault *f)
{
    json_put_object(w);
    json_put_key(w, STR("error"));
    json_put_object(w);
    put_openai_members(w, f, true);
    json_put_end(w);
    json_put_end(w);
}

static void put_anthropic(struct json_writer *w, const struct fault *f, struct str request_id)
{
    json_put_object(w);
    json_put_member(w, "type", STR("error"));
    json_put_key(w, STR("error"));
    json_put_object(w);
    json_put_member(w, "type", given_or(f->type, classes[f->class].anthropic_type));
    put_message(w, WIRE_ANTHROPIC, f);
    if (f->code.len > 0) { /* what SDKs go by where the type is the same for all */
        json_put_key(w, STR("details"));
        json_put_object(w);
        json_put_member(w, "error_code", f->code);
        json_put_end(w);
    }
    json_put_end(w);
    json_put_member(w, "request_id", request_id);
    json_put_end(w);
}

static void put_gemini(struct json_writer *w, const struct fault *f)
{
    json_put_object(w);
    json_put_key(w, STR("error"));
    json_put_object(w);
    json_put_member_i64(w, "code", fault_status(WIRE_GEMINI, f));
    put_message(w, WIRE_GEMINI, f);
    json_put_member(w, "status", given_or(f->type, classes[f->class].gemini_word));
    if (f->retry_after_s > 0 || f->class == FAULT_CLIENT_KEY) {
        json_put_key(w, STR("details"));
        json_put_array(w);
        json_put_object(w);
        if (f->class == FAULT_CLIENT_KEY) {
            json_put_member(w, "@type", STR("type.googleapis.com/google.rpc.ErrorInfo"));
            json_put_member(w, "reason", STR("API_KEY_INVALID"));
        } else {
            json_put_member(w, "@type", STR("type.googleapis.com/google.rpc.RetryInfo"));
            json_put_key(w, STR("retryDelay"));
            json_put_format(w, "%llds", (long long)f->retry_after_s);
        }
        json_put_end(w);
        json_put_end(w);
    }
    json_put_end(w);
    json_put_end(w);
}

bool fault_put(struct buf *out, enum wire protocol, const struct fault *f, struct str request_id)
{
    struct json_writer w = json_writer(out);

    switch (protocol) {
    case WIRE_ANTHROPIC:
        put_anthropic(&w, f, request_id);
        break;
    case WIRE_GEMINI:
    case WIRE_CLOUDCODE:
        put_gemini(&w, f);
        break;
    case WIRE_OPENAI_CHAT:
    case WIRE_OPENAI_RESPONSES:
    case WIRES:
        put_openai(&w, f);
        break;
    }
    return json_written(&w);
}

/* `response.failed` when the response object is known to the client, else a bare `error` event. */
/* In a Responses stream: Codex waits for the time it is told when the code is that of a rate limit,
 * and tries again at once for any other that it does not take as final. */
static struct fault patient(const struct fault *f)
{
    struct fault told = *f;

    if (f->class == FAULT_OVERLOADED && f->retry_after_s > 0 && f->code.len == 0)
        told.code = str_c(classes[FAULT_RATE_LIMITED].openai_code);
    return told;
}

static void put_responses_event(struct json_writer *w, const struct fault *fault, int64_t sequence,
                                struct str response)
{
    struct fault told = patient(fault), *f = &told;

    json_put_object(w);
    if (response.len == 0) {
        json_put_member(w, "type", STR("error"));
        put_openai_members(w, f, false); /* an event's `type` is its name */
        json_put_member_i64(w, "sequence_number", sequence);
        json_put_end(w);
        return;
    }
    json_put_member(w, "type", STR("response.failed"));
    json_put_member_i64(w, "sequence_number", sequence);
    json_put_key(w, STR("response"));
    json_put_object(w);
    json_put_member(w, "id", response);
    json_put_member(w, "object", STR("response"));
    json_put_member(w, "status", STR("failed"));
    json_put_key(w, STR("error"));
    json_put_object(w);
    json_put_member(w, "code",
                    given_or(f->code, classes[f->class].openai_code != NULL
                                          ? classes[f->class].openai_code
                                          : "server_error"));
    json_put_member(w, "message", utf8_clip(f->message, FAULT_TEXT_MAX));
    json_put_end(w);
    json_put_key(w, STR("output"));
    json_put_array(w);
    json_put_end(w);
    json_put_member_null(w, "usage");
    json_put_end(w);
    json_put_end(w);
}

bool fault_put_event(struct buf *out, enum wire protocol, const struct fault *f,
                     struct str request_id, int64_t sequence, struct str response)
{
    struct json_writer w = json_writer(out);
    size_t start = out->len;
    bool good = true;

    switch (protocol) {
    case WIRE_ANTHROPIC:
        good = buf_add(out, STR("event: error\ndata: "));
        put_anthropic(&w, f, request_id);
        break;
    case WIRE_OPENAI_RESPONSES:
        good = buf_add(out, response.len > 0 ? STR("event: response.failed\ndata: ")
                                             : STR("event: error\ndata: "));
        put_responses_event(&w, f, sequence, response);
        break;
    case WIRE_GEMINI:
    case WIRE_CLOUDCODE:
        good = buf_add(out, STR("data: "));
        put_gemini(&w, f);
        break;
    case WIRE_OPENAI_CHAT:
    case WIRES:
        good = buf_add(out, STR("data: "));
        put_openai(&w, f);
        break;
    }
    good = good && json_written(&w) && buf_add(out, STR("\n\n"));
    if (!good)
        out->len = start;
    return good;
}

enum fault_class fault_class_of_status(int status)
{
    switch (status) {
    case 401:
        return FAULT_CLIENT_KEY;
    case 403:
        return FAULT_FORBIDDEN;
    case 404:
        return FAULT_NOT_FOUND;
    case 405:
        return FAULT_METHOD;
    case 413:
        return FAULT_TOO_LARGE;
    case 415:
        return FAULT_MEDIA_TYPE;
    case 421:
        return FAULT_HOST;
    case 429:
        return FAULT_RATE_LIMITED;
    case 501:
        return FAULT_UNSUPPORTED;
    case 503:
        return FAULT_UNAVAILABLE;
    case 504:
        return FAULT_TIMEOUT;
    default:
        return status >= 500 ? FAULT_SERVER : FAULT_BAD_REQUEST;
    }
}
