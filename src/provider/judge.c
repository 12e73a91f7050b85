/* provider/judge.c - what an answer means: the one classifier.
 *
 * From the certain to the vague: transport faults; words that programs write for programs (codes,
 * types, reasons), by one table; Google's list; sentences, only where the status leaves it open; at
 * last the status alone. Sentences are looked for in error bodies only, never in what a model said,
 * and a structured word always wins over them. */
#include "provider/delay.h"
#include "provider/judge_int.h"
#include "provider/provider_int.h"
#include "provider/redact.h"

/* --- transport ------------------------------------------------------------------------------- */

static struct verdict judge_fault(const struct call_fault *fault)
{
    struct verdict v = { .delay_ms = DELAY_NONE };

    switch (fault->cause) {
    case CALL_DNS:
    case CALL_CONNECT:
    case CALL_TLS:
    case CALL_PROXY:
    case CALL_WRITE:
        v.kind = VERDICT_NETWORK;
        v.nothing_sent = !fault->sent;
        break;
    case CALL_RESET:
        /* somebody took the request and hung up: the way there is not what is broken */
        v.kind = fault->sent ? VERDICT_SERVER_ERROR : VERDICT_NETWORK;
        v.cut = fault->sent;
        v.nothing_sent = !fault->sent;
        break;
    case CALL_FIRST_BYTE:
    case CALL_IDLE:
    case CALL_TOTAL:
        v.kind = VERDICT_TIMEOUT;
        break;
    case CALL_CUT:
        v.kind = VERDICT_SERVER_ERROR;
        v.cut = true;
        break;
    case CALL_PROTOCOL:
    case CALL_TOO_LARGE:
        v.kind = VERDICT_SERVER_ERROR;
        break;
    }
    return v;
}

/* --- words for programs -------------------------------------------------------------------------
 */

enum { GROUP = 1, BILLING = 2, EXPIRES = 4 };

/* Found in code, reason, type or status of the error, in this order. EXPIRES: where the credential
 * can be renewed, it need only be that. */
static const struct signal {
    struct str word;
    enum verdict_kind kind;
    uint8_t traits;
} signals[] = {
#define SIGNAL(word, kind, traits)                         \
    {                                                      \
        { word, sizeof(word) - 1 }, VERDICT_##kind, traits \
    }
    SIGNAL("context_length_exceeded", TOO_LONG, 0),
    SIGNAL("exceed_context_size_error", TOO_LONG, 0),

    SIGNAL("content_policy_violation", BLOCKED, 0),
    SIGNAL("cyber_policy", BLOCKED, 0),
    SIGNAL("bio_policy", BLOCKED, 0),
    SIGNAL("content_filter", BLOCKED, 0),
    SIGNAL("moderation_blocked", BLOCKED, 0),

    SIGNAL("unsupported_parameter", REPAIRABLE, 0),
    SIGNAL("unsupported_value", REPAIRABLE, 0),
    SIGNAL("unknown_parameter", REPAIRABLE, 0),
    SIGNAL("invalid_encrypted_content", REPAIRABLE, 0),

    SIGNAL("model_not_found", MODEL_MISSING, GROUP),
    SIGNAL("model_not_supported", MODEL_MISSING, GROUP),
    SIGNAL("unsupported_api_for_model", MODEL_MISSING, GROUP),
    SIGNAL("previous_response_not_found", CLIENT_FAULT, 0),
    SIGNAL("thread_not_found", CLIENT_FAULT, 0),
    SIGNAL("claude_code_version_too_old", CLIENT_FAULT, 0),

    SIGNAL("usage_limit_reached", QUOTA_EXHAUSTED, 0),
    SIGNAL("insufficient_quota", QUOTA_EXHAUSTED, BILLING),
    SIGNAL("credit_balance_exhausted", QUOTA_EXHAUSTED, BILLING),
    SIGNAL("organization_spend_limit_exceeded", QUOTA_EXHAUSTED, BILLING),
    SIGNAL("project_spend_limit_exceeded", QUOTA_EXHAUSTED, BILLING),
    SIGNAL("organization_usage_limit_exceeded", QUOTA_EXHAUSTED, BILLING),
    SIGNAL("enforced_spend_limit_reached", QUOTA_EXHAUSTED, BILLING),
    SIGNAL("contract_spend_limit_reached", QUOTA_EXHAUSTED, BILLING),
    SIGNAL("billing_hard_limit_reached", QUOTA_EXHAUSTED, BILLING),
    SIGNAL("billing_not_active", QUOTA_EXHAUSTED, BILLING),
    SIGNAL("billing_error", QUOTA_EXHAUSTED, BILLING),
    SIGNAL("INSUFFICIENT_G1_CREDITS_BALANCE", QUOTA_EXHAUSTED, BILLING),

    SIGNAL("server_is_overloaded", CAPACITY, GROUP),
    SIGNAL("overloaded_error", CAPACITY, GROUP),
    SIGNAL("MODEL_CAPACITY_EXHAUSTED", CAPACITY, GROUP),
    SIGNAL("MODEL_CAPACITY_EXCEEDED", CAPACITY, GROUP),

    SIGNAL("slow_down", RATE_LIMITED, 0),
    SIGNAL("ramp_limit_exceeded", RATE_LIMITED, 0),
    SIGNAL("rate_limit_exceeded", RATE_LIMITED, 0),
    SIGNAL("rate_limit_error", RATE_LIMITED, 0),

    SIGNAL("token_expired", AUTH_INVALID, EXPIRES),
    SIGNAL("ACCESS_TOKEN_EXPIRED", AUTH_INVALID, EXPIRES),
    SIGNAL("authentication_error", AUTH_INVALID, EXPIRES),
    SIGNAL("UNAUTHENTICATED", AUTH_INVALID, EXPIRES),
    SIGNAL("invalid_api_key", AUTH_INVALID, EXPIRES),
    SIGNAL("API_KEY_INVALID", AUTH_INVALID, 0),
    SIGNAL("API_KEY_EXPIRED", AUTH_INVALID, 0),
    SIGNAL("account_deactivated", AUTH_INVALID, 0),
    SIGNAL("organization_on_hold", AUTH_INVALID, 0),
    SIGNAL("refresh_token_reused", AUTH_INVALID, 0),
    SIGNAL("invalid_grant", AUTH_INVALID, 0),

    SIGNAL("usage_not_included", FORBIDDEN, GROUP),
    SIGNAL("unsupported_country_region_territory", FORBIDDEN, 0),
    SIGNAL("insufficient_permissions", FORBIDDEN, 0),
    SIGNAL("permission_error", FORBIDDEN, 0),
    SIGNAL("VALIDATION_REQUIRED", NEEDS_ACTION, 0),
#undef SIGNAL
};

static const struct signal *signal_find(struct str word)
{
    for (size_t i = 0; i < COUNT(signals) && word.len > 0; i++)
        if (str_eq(signals[i].word, word))
            return &signals[i];
    return NULL;
}

static const struct signal *signal_of(const struct fault_form *f)
{
    const struct str words[] = { f->code, f->reason, f->type, f->status };
    const struct signal *s = NULL;

    for (size_t i = 0; i < COUNT(words) && s == NULL; i++)
        s = signal_find(words[i]);
    return s;
}

/* --- words for people ---------------------------------------------------------------------------
 */

static bool form_has_any(const struct fault_form *f, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (form_has(f, words[i]))
            return true;
    return false;
}

static const char *const words_too_long[] = {
    "prompt is too long",
    "exceeds the maximum number of tokens",
    "input length and max_tokens exceed",
    "input length and `max_tokens` exceed",
    "maximum context length",
    "context length exceeded",
    "exceeds the context window",
    "exceeds the available context size",
    "exceed context limit",
};

static const char *const words_repairable[] = {
    "unsupported parameter",
    "unknown name \"",
    "unknown parameter",
    "unrecognized request argument",
    "extra inputs are not permitted",
    "is not supported with this model",
    "is not supported by this model",
    "invalid `signature`",
    "invalid signature in",
    "thought signature",
    "thought_signature",
    "encrypted content could not be",
    "thinking.type",
    "expected `thinking`",
    "thinking is not supported",
};

static const char *const words_auth[] = {
    "api key not valid", "api key expired",    "invalid api key",          "incorrect api key",
    "invalid x-api-key", "reported as leaked", "invalid or expired token", "invalid authentication",
};

static const char *const words_billing[] = {
    "credit balance",     "spend limit",          "spending limit", "insufficient balance",
    "insufficient funds", "insufficient credits", "out of credits", "specified api usage limit",
};

static const char *const words_quota[] = {
    "quota exceeded",
    "exceeded your current quota",
    "usage limit",
    "quota has been exhausted",
};

static const char *const words_capacity[] = {
    "model is at capacity",
    "capacity exceeded",
    "no capacity available",
    "is overloaded",
};

static const char *const words_haste[] = {
    "rate limit", "rate-limit", "ratelimit", "too many requests", "slow down", "per minute",
    "per second", "try again",  "retry",
};

static const char *const words_model[] = {
    "is not a valid model", "unknown model",        "model not found",
    "no such model",        "model does not exist", "model is not supported when using codex",
};

static const char *const words_blocked[] = { "blocked by content filtering policy" };

static const char *const words_action[] = {
    "verify your account",
    "verify your identity",
    "accept the terms",
    "terms of service have not",
};

#define HAS_ANY(f, words) form_has_any((f), (words), COUNT(words))

/* What a 400 (413, 422) is about, when no code says it. */
static struct verdict judge_bad_request(const struct fault_form *f)
{
    struct verdict v = { .kind = VERDICT_CLIENT_FAULT };

    if (HAS_ANY(f, words_too_long)) {
        v.kind = VERDICT_TOO_LONG;
    } else if (HAS_ANY(f, words_auth)) {
        v.kind = VERDICT_AUTH_INVALID;
    } else if (HAS_ANY(f, words_billing)) {
        v.kind = VERDICT_QUOTA_EXHAUSTED;
        v.billing = true;
    } else if (HAS_ANY(f, words_blocked)) {
        v.kind = VERDICT_BLOCKED;
    } else if (HAS_ANY(f, words_repairable)) {
        v.kind = VERDICT_REPAIRABLE;
    } else if (HAS_ANY(f, words_model)) {
        v.kind = VERDICT_MODEL_MISSING;
        v.group_scope = true;
    }
    return v;
}

/* A 429 that is not Google's and has no code. */
static struct verdict judge_too_many(const struct fault_form *f)
{
    struct verdict v = { .kind = VERDICT_RATE_LIMITED };

    if (HAS_ANY(f, words_capacity)) {
        v.kind = VERDICT_CAPACITY;
        v.group_scope = true;
    } else if (HAS_ANY(f, words_billing)) {
        v.kind = VERDICT_QUOTA_EXHAUSTED;
        v.billing = true;
    } else if (HAS_ANY(f, words_quota)) {
        v.kind = VERDICT_QUOTA_EXHAUSTED;
    } else if (form_has(f, "resource has been exhausted") || form_has(f, "resource exhausted")) {
        v.exhausted = true;
    } else {
        v.vague = f->type.len == 0 && f->code.len == 0 && !HAS_ANY(f, words_haste);
    }
    return v;
}

/* --- the status --------------------------------------------------------------------------------
 */

/* A page that asks for a browser, not an answer of the provider. */
static bool is_challenge(const struct judge_ask *ask, const struct fault_form *f)
{
    if (ask->head != NULL &&
        str_ieq(http_field_value(ask->head, STR("cf-mitigated")), STR("challenge")))
        return true;
    return f->html && str_istarts(f->text, STR("just a moment"));
}

/* The status that an error inside a 200 stands for. */
static int status_inside(const struct fault_form *f)
{
    static const struct {
        struct str word;
        int status;
    } known[] = {
#define KNOWN(word, status) { { word, sizeof(word) - 1 }, status }
        KNOWN("invalid_request_error", 400),
        KNOWN("INVALID_ARGUMENT", 400),
        KNOWN("FAILED_PRECONDITION", 400),
        KNOWN("context_length_exceeded", 400),
        KNOWN("invalid_prompt", 400),
        KNOWN("authentication_error", 401),
        KNOWN("UNAUTHENTICATED", 401),
        KNOWN("billing_error", 402),
        KNOWN("permission_error", 403),
        KNOWN("PERMISSION_DENIED", 403),
        KNOWN("not_found_error", 404),
        KNOWN("NOT_FOUND", 404),
        KNOWN("model_not_found", 404),
        KNOWN("request_too_large", 413),
        KNOWN("rate_limit_error", 429),
        KNOWN("rate_limit_exceeded", 429),
        KNOWN("insufficient_quota", 429),
        KNOWN("usage_limit_reached", 429),
        KNOWN("slow_down", 429),
        KNOWN("RESOURCE_EXHAUSTED", 429),
        KNOWN("CANCELLED", 499),
        KNOWN("UNAVAILABLE", 503),
        KNOWN("server_is_overloaded", 503),
        KNOWN("service_unavailable_error", 503),
        KNOWN("DEADLINE_EXCEEDED", 504),
        KNOWN("timeout_error", 504),
        KNOWN("overloaded_error", 529),
#undef KNOWN
    };
    const struct str words[] = { f->code, f->type, f->status };

    if (f->number >= 400 && f->number <= 599)
        return (int)f->number;
    for (size_t w = 0; w < COUNT(words); w++)
        for (size_t i = 0; i < COUNT(known); i++)
            if (str_eq(words[w], known[i].word))
                return known[i].status;
    return 500;
}

static struct verdict judge_status(const struct provider *p, const struct judge_ask *ask,
                                   const struct fault_form *f, int status)
{
    switch (status) {
    case 400:
    case 413:
    case 422:
        return judge_bad_request(f);
    case 401:
        return (struct verdict){ .kind = ask->refreshable ? VERDICT_AUTH_EXPIRED
                                                          : VERDICT_AUTH_INVALID };
    case 402:
        return (struct verdict){ .kind = VERDICT_QUOTA_EXHAUSTED,
                                 .billing = p == NULL || !p->quota_is_402,
                                 .group_scope = p != NULL && p->quota_is_402 };
    case 403:
        if (HAS_ANY(f, words_action))
            return (struct verdict){ .kind = VERDICT_NEEDS_ACTION };
        return (struct verdict){ .kind = VERDICT_FORBIDDEN };
    case 404:
        return (struct verdict){ .kind = VERDICT_MODEL_MISSING, .group_scope = true };
    case 408:
        return (struct verdict){ .kind = VERDICT_TIMEOUT };
    case 409: /* "try again", in both of their forms */
    case 499:
        return (struct verdict){ .kind = VERDICT_SERVER_ERROR };
    case 412:
        return (struct verdict){ .kind = str_eq(f->status, STR("ABORTED")) ? VERDICT_SERVER_ERROR
                                                                           : VERDICT_CLIENT_FAULT };
    case 429:
        return judge_too_many(f);
    case 503:
    case 529:
        return (struct verdict){ .kind = VERDICT_CAPACITY, .group_scope = true };
    default:
        /* a redirect would lead the credential elsewhere, so nobody follows it */
        return (struct verdict){ .kind = status >= 400 && status < 500 ? VERDICT_CLIENT_FAULT
                                                                       : VERDICT_SERVER_ERROR };
    }
}

static struct verdict judge_signal(const struct judge_ask *ask, const struct signal *s)
{
    bool renews = (s->traits & EXPIRES) != 0 && ask->refreshable;

    return (struct verdict){
        .kind = renews ? VERDICT_AUTH_EXPIRED : s->kind,
        .group_scope = (s->traits & GROUP) != 0,
        .billing = (s->traits & BILLING) != 0,
    };
}

/* --- how long ----------------------------------------------------------------------------------
 */

static int64_t named_delay(const struct judge_ask *ask, const struct fault_form *f,
                           const struct verdict *v)
{
    bool allowance =
        v->kind == VERDICT_RATE_LIMITED || (v->kind == VERDICT_QUOTA_EXHAUSTED && !v->billing);
    int64_t delay = f->reset_ms != DELAY_NONE ? f->reset_ms : f->retry_ms;

    if (delay == DELAY_NONE && ask->head != NULL)
        /* money does not come back with the next window of requests */
        delay = allowance ? delay_from_head(ask->head, ask->unix_ms)
                          : delay_retry_after(ask->head, ask->unix_ms);
    if (delay == DELAY_NONE && allowance)
        delay = delay_from_text(f->text, ask->unix_ms);
    return delay;
}

/* Kinds whose lockout a provider may time. */
static bool takes_delay(enum verdict_kind kind)
{
    return kind == VERDICT_RATE_LIMITED || kind == VERDICT_QUOTA_EXHAUSTED ||
           kind == VERDICT_CAPACITY || kind == VERDICT_SERVER_ERROR;
}

/* Anthropic's subscriptions: a window of one class of models was rejected and the shared ones
 * (`5h`, `7d`) were not; or the sentence names the model whose limit it was. */
static bool concerns_model(const struct judge_ask *ask, const struct fault_form *f)
{
    const struct str lead = STR("anthropic-ratelimit-unified-"), tail = STR("-status");
    bool shared = false, own = false;

    for (uint32_t i = 0; ask->head != NULL && i < ask->head->field_count; i++) {
        const struct http_field *h = &ask->head->fields[i];

        if (h->name.len <= lead.len + tail.len || !str_istarts(h->name, lead) ||
            !str_ieq(h->value, STR("rejected")))
            continue;
        struct str window = str_drop_last(str_drop(h->name, lead.len), tail.len);

        if (!str_ieq(str_drop(h->name, lead.len + window.len), tail))
            continue;
        if (str_ieq(window, STR("5h")) || str_ieq(window, STR("7d")))
            shared = true;
        else if (!str_ieq(window, STR("overage")))
            own = true;
    }
    return (own && !shared) || form_has(f, "rate limit reached for ") || form_has(f, ", model: ");
}

/* --- all together ------------------------------------------------------------------------------
 */

static struct verdict judge_answer(const struct provider *p, const struct judge_ask *ask,
                                   const struct fault_form *f, int status)
{
    bool google = google_speaks(ask, f);
    const struct signal *s = f->html ? NULL : signal_of(f);
    enum verdict_kind refusal = google && !f->html ? google_refusal(f, status) : VERDICT_NONE;
    struct verdict v;

    if (is_challenge(ask, f))
        return (struct verdict){ .kind = VERDICT_SERVER_ERROR, .delay_ms = DELAY_NONE };
    if (google && !f->html && (status == 429 || (status == 499 && ask->wire == WIRE_CLOUDCODE))) {
        int64_t head_ms = ask->head == NULL ? DELAY_NONE : delay_from_head(ask->head, ask->unix_ms);

        return google_too_many(f, head_ms, ask->unix_ms);
    }
    if (status == 503 || status == 529) /* whatever its text */
        v = judge_status(p, ask, f, status);
    else if (refusal != VERDICT_NONE)
        v = (struct verdict){ .kind = refusal };
    else if (status == 429 && form_has(f, "request too large")) /* for that limit, at any time */
        v = (struct verdict){ .kind = VERDICT_CLIENT_FAULT };
    else if (!f->html && form_has(f, "selected model is at capacity"))
        v = (struct verdict){ .kind = VERDICT_CAPACITY, .group_scope = true };
    else if (s != NULL)
        v = judge_signal(ask, s);
    else
        v = judge_status(p, ask, f, status);

    if (v.kind == VERDICT_RATE_LIMITED || v.kind == VERDICT_QUOTA_EXHAUSTED)
        v.group_scope = v.group_scope || concerns_model(ask, f);
    v.delay_ms = takes_delay(v.kind) ? named_delay(ask, f, &v) : DELAY_NONE;
    if (v.delay_ms != DELAY_NONE)
        v.vague = v.exhausted = false;
    return v;
}

/* A word of the provider's for programs; what is not one is not shown. */
static struct str word_shown(struct str word, size_t max)
{
    for (size_t i = 0; i < word.len; i++)
        if (word.at[i] <= ' ' || word.at[i] >= 0x7f || word.at[i] == '"' || word.at[i] == '\\')
            return STR("");
    return word.len <= max ? word : STR("");
}

/* A link goes to the account's owner as it is, its query with it: that is what makes it work. */
static struct str evidence_of(const struct fault_form *f, struct arena *a)
{
    bool fit = str_starts(f->link, STR("https://")) && f->link.len < EVIDENCE_MAX;

    for (size_t i = 0; i < f->link.len && fit; i++)
        fit = f->link.at[i] > ' ' && f->link.at[i] < 0x7f;
    return fit ? arena_copy(a, f->link) : redact(a, f->message, EVIDENCE_MAX - 1);
}

static void show_words(const struct fault_form *f, struct arena *a, struct judge_words *words)
{
    words->evidence = evidence_of(f, a);
    words->message = redact(a, f->message, JUDGE_MESSAGE_MAX);
    words->type = redact(a, word_shown(f->type.len > 0 ? f->type : f->status, 64), 64);
    words->code = redact(a, word_shown(f->code.len > 0 ? f->code : f->reason, 64), 64);
    words->param = redact(a, word_shown(f->param, 128), 128);
}

struct verdict provider_judge(const struct provider *p, const struct judge_ask *ask,
                              struct arena *a, struct judge_words *words)
{
    struct str body = str_take(ask->body, JUDGE_BODY_MAX);
    struct str type = ask->head == NULL ? STR("") : ask->head->content_type;
    bool failed = ask->status < 200 || ask->status > 299;
    struct fault_form form;

    *words = (struct judge_words){ STR(""), STR(""), STR(""), STR(""), STR("") };
    if (ask->fault != NULL) {
        words->evidence = arena_copy(a, str_c(ask->fault->text));
        return judge_fault(ask->fault);
    }
    if (ask->stream_cut)
        return (struct verdict){
            .kind = VERDICT_SERVER_ERROR, .status = ask->status, .delay_ms = DELAY_NONE, .cut = true
        };
    if (!failed && body.len == 0)
        return (struct verdict){ .kind = VERDICT_SUCCESS,
                                 .status = ask->status,
                                 .delay_ms = DELAY_NONE };

    fault_form_read(body, type, failed, ask->unix_ms, a, &form);
    if (!failed && !form.found && !form.html)
        return (struct verdict){ .kind = VERDICT_SUCCESS,
                                 .status = ask->status,
                                 .delay_ms = DELAY_NONE };
    int status = failed ? ask->status : form.found ? status_inside(&form) : 502;
    struct verdict v = judge_answer(p, ask, &form, status);

    v.status = status;
    show_words(&form, a, words);
    return v;
}
