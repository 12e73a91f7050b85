/* simulator/trouble.c - one row for each kind of error; OpenAI, Anthropic and Gemini error
 * references as of November 2026. Both OpenAI wires word errors alike. */
#include "simulator/trouble.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/json_write.h"
#include "base/timetext.h"

#define TROUBLE_TEXT_MAX 4096

/* `type` and `code` of OpenAI; `type` and `details.error_code` of Anthropic; the gRPC status and
 * the reason of an ErrorInfo of Google. NULL: null, or left out. */
struct wording {
    int status;
    const char *type, *code, *message;
};

enum family { FAMILY_OPENAI, FAMILY_ANTHROPIC, FAMILY_GOOGLE, FAMILIES };

static const struct wording wordings[TROUBLES][FAMILIES] = {
    [TROUBLE_RATE_LIMIT] = {
        { 429, "requests", "rate_limit_exceeded", "Rate limit reached for requests." },
        { 429, "rate_limit_error", NULL, "This request would exceed your rate limit." },
        { 429, "RESOURCE_EXHAUSTED", NULL, "You exceeded your current quota, requests per minute." },
    },
    [TROUBLE_QUOTA] = {
        { 429, "insufficient_quota", "insufficient_quota",
          "You exceeded your current quota, please check your plan and billing details." },
        { 429, "rate_limit_error", "enforced_spend_limit_reached",
          "You have reached your spend limit." },
        { 429, "RESOURCE_EXHAUSTED", NULL, "You exceeded your current quota, requests per day." },
    },
    [TROUBLE_USAGE] = { /* of a subscription */
        { 429, "usage_limit_reached", NULL, "The usage limit has been reached" },
        { 429, "rate_limit_error", NULL, "You have reached your usage limit." },
        { 429, "RESOURCE_EXHAUSTED", "QUOTA_EXHAUSTED", "You have exhausted your quota." },
    },
    [TROUBLE_KEY] = {
        { 401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided." },
        { 401, "authentication_error", NULL, "invalid x-api-key" },
        { 400, "INVALID_ARGUMENT", "API_KEY_INVALID",
          "API key not valid. Please pass a valid API key." },
    },
    [TROUBLE_FORBIDDEN] = {
        { 403, "permission_error", "insufficient_permissions",
          "You have insufficient permissions for this operation." },
        { 403, "permission_error", NULL, "Your API key may not use this resource." },
        { 403, "PERMISSION_DENIED", "CONSUMER_SUSPENDED", "Permission denied." },
    },
    [TROUBLE_OVERLOADED] = {
        { 503, "service_unavailable_error", "server_is_overloaded",
          "The server is currently overloaded." },
        { 529, "overloaded_error", NULL, "Overloaded" },
        { 503, "UNAVAILABLE", NULL, "The model is overloaded. Please try again later." },
    },
    [TROUBLE_CONTEXT] = {
        { 400, "invalid_request_error", "context_length_exceeded",
          "Your input exceeds the context window of this model." },
        { 400, "invalid_request_error", NULL, "prompt is too long: 200001 tokens > 200000 maximum" },
        { 400, "INVALID_ARGUMENT", NULL,
          "The input token count (1048577) exceeds the maximum number of tokens allowed "
          "(1048576)." },
    },
    [TROUBLE_MODEL] = {
        { 404, "invalid_request_error", "model_not_found",
          "The model does not exist or you do not have access to it." },
        { 404, "not_found_error", NULL, "model not found" },
        { 404, "NOT_FOUND", NULL, "The model is not found for this API version." },
    },
    [TROUBLE_SERVER] = {
        { 500, "server_error", NULL, "The server had an error while processing your request." },
        { 500, "api_error", NULL, "Internal server error" },
        { 500, "INTERNAL", NULL, "An internal error has occurred." },
    },
    [TROUBLE_TIMEOUT] = {
        { 504, "server_error", NULL, "The request timed out." },
        { 504, "timeout_error", NULL, "Request timed out" },
        { 504, "DEADLINE_EXCEEDED", NULL, "The deadline expired before the answer was complete." },
    },
    [TROUBLE_BAD_REQUEST] = {
        { 400, "invalid_request_error", NULL, "The request is not valid." },
        { 400, "invalid_request_error", NULL, "The request is not valid." },
        { 400, "INVALID_ARGUMENT", NULL, "Request contains an invalid argument." },
    },
    [TROUBLE_CONTENT] = {
        { 400, "invalid_request_error", "content_policy_violation",
          "Your request was rejected by our safety system." },
        { 400, "invalid_request_error", NULL, "Output blocked by content filtering policy" },
        { 400, "INVALID_ARGUMENT", NULL, "The request was blocked by the safety system." },
    },
    [TROUBLE_TOO_LARGE] = {
        { 413, "invalid_request_error", NULL, "The request is too large." },
        { 413, "request_too_large", NULL, "Request exceeds the maximum allowed number of bytes." },
        { 413, "INVALID_ARGUMENT", NULL, "The request payload is too large." },
    },
    [TROUBLE_NOT_FOUND] = {
        { 404, "invalid_request_error", NULL, "Unknown request URL." },
        { 404, "not_found_error", NULL, "Not found" },
        { 404, "NOT_FOUND", NULL, "Requested entity was not found." },
    },
    [TROUBLE_METHOD] = {
        { 405, "invalid_request_error", NULL, "Not allowed for this method." },
        { 405, "invalid_request_error", NULL, "Method Not Allowed" },
        { 405, "INVALID_ARGUMENT", NULL, "The method is not allowed here." },
    },
    [TROUBLE_BILLING] = {
        { 429, "insufficient_quota", "credit_balance_exhausted", "Your credit balance is used up." },
        { 402, "billing_error", NULL, "There is a problem with your billing information." },
        { 402, "RESOURCE_EXHAUSTED", NULL, "The prepaid credit of this billing account is gone." },
    },
    [TROUBLE_BEFORE] = {
        { 400, "invalid_request_error", "previous_response_not_found",
          "Previous response not found." },
        { 400, "invalid_request_error", "thread_unsupported_request",
          "thread: conversations are not kept here" },
        { 400, "INVALID_ARGUMENT", NULL, "The conversation is not kept here." },
    },
};

static enum family wire_family(enum wire wire)
{
    assert(wire < WIRES);
    return wire == WIRE_ANTHROPIC                          ? FAMILY_ANTHROPIC
           : wire == WIRE_GEMINI || wire == WIRE_CLOUDCODE ? FAMILY_GOOGLE
                                                           : FAMILY_OPENAI;
}

/* Cloud Code wants a token where Gemini wants a key. */
static const struct wording cloudcode_key = {
    401, "UNAUTHENTICATED", "ACCESS_TOKEN_EXPIRED",
    "Request had invalid authentication credentials. Expected OAuth 2 access token."
};

static const struct wording *wording_of(enum wire wire, enum trouble_kind kind)
{
    if (wire == WIRE_CLOUDCODE && kind == TROUBLE_KEY)
        return &cloudcode_key;
    return &wordings[kind][wire_family(wire)];
}

struct trouble trouble_plain(enum trouble_kind kind, struct str message)
{
    return (struct trouble){ .kind = kind,
                             .message = message,
                             .hint = HINT_NONE,
                             .retry_after_ms = -1,
                             .reset_in_ms = -1,
                             .limit = -1,
                             .remaining = -1 };
}

enum trouble_kind trouble_of_status(int status)
{
    switch (status) {
    case 401:
        return TROUBLE_KEY;
    case 402:
        return TROUBLE_BILLING;
    case 403:
        return TROUBLE_FORBIDDEN;
    case 404:
        return TROUBLE_MODEL;
    case 405:
        return TROUBLE_METHOD;
    case 408:
    case 504:
        return TROUBLE_TIMEOUT;
    case 413:
        return TROUBLE_TOO_LARGE;
    case 429:
        return TROUBLE_RATE_LIMIT;
    case 503:
    case 529:
        return TROUBLE_OVERLOADED;
    default:
        return status >= 500 ? TROUBLE_SERVER : TROUBLE_BAD_REQUEST;
    }
}

int trouble_status(enum wire wire, const struct trouble *t)
{
    return t->status != 0 ? t->status : wording_of(wire, t->kind)->status;
}

/* `2s`, `1.5s`, `500ms`, `1h0m3s`: as Go prints durations. */
static void duration_go(struct buf *out, int64_t ms)
{
    int64_t s = ms / 1000;

    if (ms < 1000) {
        buf_printf(out, "%" PRId64 "ms", ms);
        return;
    }
    if (s >= 3600)
        buf_printf(out, "%" PRId64 "h", s / 3600);
    if (s >= 60)
        buf_printf(out, "%" PRId64 "m", s / 60 % 60);
    buf_printf(out, "%" PRId64, s % 60);
    if (ms % 1000 != 0) {
        char part[8] = "";
        size_t len = (size_t)snprintf(part, sizeof(part), ".%03d", (int)(ms % 1000));

        while (len > 0 && part[len - 1] == '0')
            len--;
        buf_add(out, (struct str){ part, len });
    }
    buf_add(out, STR("s"));
}

static bool says(const struct trouble *t, enum hint_kind hint)
{
    return t->retry_after_ms >= 0 && (t->hint == HINT_NATIVE || t->hint == hint);
}

/* The sentence, with the hint in it where the provider has it there. */
static void message_put(struct json_writer *w, enum wire wire, const struct trouble *t)
{
    enum family family = wire_family(wire);
    struct buf text;

    buf_init(&text, TROUBLE_TEXT_MAX);
    buf_add(&text, t->message.at != NULL ? str_take(t->message, TROUBLE_TEXT_MAX / 2)
                                         : str_c(wording_of(wire, t->kind)->message));
    if (says(t, HINT_TEXT) && (family != FAMILY_ANTHROPIC || t->hint == HINT_TEXT)) {
        buf_add(&text,
                family == FAMILY_GOOGLE ? STR(" Please retry in ") : STR(" Please try again in "));
        duration_go(&text, t->retry_after_ms);
        buf_add(&text, STR("."));
    }
    json_put_member(w, "message", buf_str(&text));
    buf_clear(&text);
}

static void member_or_null(struct json_writer *w, const char *name, const char *text)
{
    if (text == NULL)
        json_put_member_null(w, name);
    else
        json_put_member(w, name, str_c(text));
}

static void openai_put(struct json_writer *w, const struct trouble *t)
{
    const struct wording *as = &wordings[t->kind][FAMILY_OPENAI];

    json_put_object(w);
    message_put(w, WIRE_OPENAI_CHAT, t);
    json_put_member(w, "type", str_c(as->type));
    member_or_null(w, "param", t->kind == TROUBLE_BEFORE ? "previous_response_id" : NULL);
    member_or_null(w, "code", as->code);
    json_put_end(w);
}

static void anthropic_put(struct json_writer *w, const struct trouble *t)
{
    const struct wording *as = &wordings[t->kind][FAMILY_ANTHROPIC];

    json_put_object(w);
    json_put_member(w, "type", STR("error"));
    json_put_key(w, STR("error"));
    json_put_object(w);
    json_put_member(w, "type", str_c(as->type));
    message_put(w, WIRE_ANTHROPIC, t);
    if (as->code != NULL) {
        json_put_key(w, STR("details"));
        json_put_object(w);
        json_put_member(w, "error_code", str_c(as->code));
        json_put_end(w);
    }
    json_put_end(w);
    if (t->request_id.len > 0)
        json_put_member(w, "request_id", t->request_id);
    json_put_end(w);
}

static void google_quota_put(struct json_writer *w, const struct trouble *t)
{
    bool day = t->kind == TROUBLE_QUOTA;

    json_put_object(w);
    json_put_member(w, "@type", STR("type.googleapis.com/google.rpc.QuotaFailure"));
    json_put_key(w, STR("violations"));
    json_put_array(w);
    json_put_object(w);
    json_put_member(w, "quotaMetric",
                    STR("generativelanguage.googleapis.com/generate_content_requests"));
    json_put_member(w, "quotaId",
                    day ? STR("GenerateRequestsPerDayPerProjectPerModel")
                        : STR("GenerateRequestsPerMinutePerProjectPerModel"));
    json_put_key(w, STR("quotaDimensions"));
    json_put_object(w);
    json_put_member(w, "location", STR("global"));
    json_put_member(w, "model", t->model);
    json_put_end(w);
    json_put_member(w, "quotaValue", STR("60"));
    json_put_end(w);
    json_put_end(w);
    json_put_end(w);
}

static void seconds_put(struct json_writer *w, const char *name, int64_t ms)
{
    json_put_key(w, str_c(name));
    if (ms % 1000 == 0)
        json_put_format(w, "%" PRId64 "s", ms / 1000);
    else
        json_put_format(w, "%" PRId64 ".%03" PRId64 "s", ms / 1000, ms % 1000);
}

static void google_retry_put(struct json_writer *w, int64_t ms)
{
    json_put_object(w);
    json_put_member(w, "@type", STR("type.googleapis.com/google.rpc.RetryInfo"));
    seconds_put(w, "retryDelay", ms);
    json_put_end(w);
}

/* Cloud Code says in its own domain which limit was hit, and until when. */
static void cloudcode_limit_put(struct json_writer *w, const struct trouble *t)
{
    json_put_object(w);
    json_put_member(w, "@type", STR("type.googleapis.com/google.rpc.ErrorInfo"));
    json_put_member(w, "reason",
                    t->kind == TROUBLE_QUOTA ? STR("QUOTA_EXHAUSTED") : STR("RATE_LIMIT_EXCEEDED"));
    json_put_member(w, "domain", STR("cloudcode-pa.googleapis.com"));
    json_put_key(w, STR("metadata"));
    json_put_object(w);
    json_put_member(w, "model", t->model);
    if (t->reset_in_ms >= 0)
        seconds_put(w, "quotaResetDelay", t->reset_in_ms);
    json_put_end(w);
    json_put_end(w);
}

static void google_reason_put(struct json_writer *w, const char *reason)
{
    json_put_object(w);
    json_put_member(w, "@type", STR("type.googleapis.com/google.rpc.ErrorInfo"));
    json_put_member(w, "reason", str_c(reason));
    json_put_member(w, "domain", STR("googleapis.com"));
    json_put_key(w, STR("metadata"));
    json_put_object(w);
    json_put_member(w, "service", STR("generativelanguage.googleapis.com"));
    json_put_end(w);
    json_put_end(w);
}

static void google_put(struct json_writer *w, enum wire wire, const struct trouble *t)
{
    const struct wording *as = wording_of(wire, t->kind);
    bool limited = t->kind == TROUBLE_RATE_LIMIT || t->kind == TROUBLE_QUOTA;
    int64_t retry_ms = says(t, HINT_DETAILS) ? t->retry_after_ms : t->reset_in_ms;

    json_put_object(w);
    json_put_member_i64(w, "code", trouble_status(wire, t));
    message_put(w, wire, t);
    json_put_member(w, "status", str_c(as->type));
    if (limited || retry_ms >= 0 || as->code != NULL) {
        json_put_key(w, STR("details"));
        json_put_array(w);
        if (limited && wire == WIRE_CLOUDCODE)
            cloudcode_limit_put(w, t);
        else if (limited)
            google_quota_put(w, t);
        if (retry_ms >= 0)
            google_retry_put(w, retry_ms);
        if (as->code != NULL)
            google_reason_put(w, as->code);
        json_put_end(w);
    }
    json_put_end(w);
}

bool trouble_put(struct buf *out, enum wire wire, const struct trouble *t)
{
    struct json_writer w = json_writer(out);

    if (wire == WIRE_ANTHROPIC) {
        anthropic_put(&w, t);
        return json_written(&w);
    }
    json_put_object(&w);
    json_put_key(&w, STR("error"));
    if (wire_family(wire) == FAMILY_GOOGLE)
        google_put(&w, wire, t);
    else
        openai_put(&w, t);
    json_put_end(&w);
    return json_written(&w);
}

/* The codes that stand in `response.failed` are those of a response object: one is always there. */
static const char *responses_code(const struct trouble *t)
{
    const char *code = wordings[t->kind][FAMILY_OPENAI].code;

    return code == NULL ? "server_error" : code;
}

static bool responses_event(struct buf *out, const struct trouble *t, int64_t sequence,
                            struct str response_id, struct str *name)
{
    struct json_writer w = json_writer(out);

    *name = response_id.len == 0 ? STR("error") : STR("response.failed");
    json_put_object(&w);
    json_put_member(&w, "type", *name);
    json_put_member_i64(&w, "sequence_number", sequence);
    if (response_id.len == 0) {
        json_put_member(&w, "code", str_c(responses_code(t)));
        message_put(&w, WIRE_OPENAI_RESPONSES, t);
        json_put_member_null(&w, "param");
    } else {
        json_put_key(&w, STR("response"));
        json_put_object(&w);
        json_put_member(&w, "id", response_id);
        json_put_member(&w, "object", STR("response"));
        json_put_member(&w, "status", STR("failed"));
        json_put_key(&w, STR("error"));
        json_put_object(&w);
        json_put_member(&w, "code", str_c(responses_code(t)));
        message_put(&w, WIRE_OPENAI_RESPONSES, t);
        json_put_end(&w);
        json_put_member_null(&w, "incomplete_details");
        json_put_member(&w, "model", t->model);
        json_put_key(&w, STR("output"));
        json_put_array(&w);
        json_put_end(&w);
        json_put_member_null(&w, "usage");
        json_put_end(&w);
    }
    json_put_end(&w);
    return json_written(&w);
}

bool trouble_put_event(struct buf *out, enum wire wire, const struct trouble *t, int64_t sequence,
                       struct str response_id, struct str *name)
{
    *name = wire == WIRE_ANTHROPIC ? STR("error") : STR("");
    return wire == WIRE_OPENAI_RESPONSES ? responses_event(out, t, sequence, response_id, name)
                                         : trouble_put(out, wire, t);
}

/* --- header fields -------------------------------------------------------------------------------
 */

struct field_list {
    struct http_field *at;
    uint32_t count;
    struct arena *arena;
};

static void field_add(struct field_list *f, struct str name, struct str value)
{
    assert(f->count < TROUBLE_FIELDS_MAX);
    f->at[f->count++] = (struct http_field){ name, value };
}

static void field_add_i64(struct field_list *f, struct str name, int64_t value)
{
    field_add(f, name, arena_printf(f->arena, "%" PRId64, value));
}

static void retry_fields(struct field_list *f, enum family family, const struct trouble *t)
{
    bool native = family != FAMILY_GOOGLE && t->hint == HINT_NATIVE;
    struct buf date;

    if (t->retry_after_ms < 0)
        return;
    if (native || t->hint == HINT_HEADER)
        field_add_i64(f, STR("retry-after"), (t->retry_after_ms + 999) / 1000);
    if (t->hint == HINT_MS)
        field_add_i64(f, STR("retry-after-ms"), t->retry_after_ms);
    if (t->hint == HINT_DATE) {
        buf_init(&date, 64);
        date_put_http(&date, t->now_unix_ms + t->retry_after_ms);
        field_add(f, STR("retry-after"), arena_copy(f->arena, buf_str(&date)));
        buf_clear(&date);
    }
}

static void limit_fields(struct field_list *f, enum family family, const struct trouble *t)
{
    int64_t limit = t->limit >= 0 ? t->limit : 60;
    int64_t remaining = t->remaining >= 0 ? t->remaining : 0;
    int64_t reset_ms = t->reset_in_ms >= 0 ? t->reset_in_ms : t->retry_after_ms;
    bool openai = family == FAMILY_OPENAI;
    struct buf when;

    if ((t->limit < 0 && t->reset_in_ms < 0) || family == FAMILY_GOOGLE)
        return;
    field_add_i64(
        f, openai ? STR("x-ratelimit-limit-requests") : STR("anthropic-ratelimit-requests-limit"),
        limit);
    field_add_i64(f,
                  openai ? STR("x-ratelimit-remaining-requests")
                         : STR("anthropic-ratelimit-requests-remaining"),
                  remaining);
    if (reset_ms < 0)
        return;
    buf_init(&when, 64);
    if (openai)
        duration_go(&when, reset_ms);
    else
        date_put_rfc3339(&when, t->now_unix_ms + reset_ms + 999); /* whole seconds: round up */
    field_add(
        f, openai ? STR("x-ratelimit-reset-requests") : STR("anthropic-ratelimit-requests-reset"),
        arena_copy(f->arena, buf_str(&when)));
    buf_clear(&when);
}

uint32_t trouble_fields(enum wire wire, const struct trouble *t, struct arena *a,
                        struct http_field fields[TROUBLE_FIELDS_MAX])
{
    struct field_list f = { .at = fields, .arena = a };
    enum family family = wire_family(wire);

    if (t->request_id.len > 0 && family != FAMILY_GOOGLE)
        field_add(&f, family == FAMILY_OPENAI ? STR("x-request-id") : STR("request-id"),
                  t->request_id);
    retry_fields(&f, family, t);
    limit_fields(&f, family, t);
    return f.count;
}
