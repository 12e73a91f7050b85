/* Every signal of docs/providers/signals.md as a table: what came, what it means. */
#include "provider/provider_int.h"
#include "rig.h"

#define GOOGLE(code, status, message, details)                                             \
    "{\"error\":{\"code\":" code ",\"message\":\"" message "\",\"status\":\"" status "\"," \
    "\"details\":[" details "]}}"
#define RETRY(delay) \
    "{\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\"" delay "\"}"
#define QUOTA(id)                                                                              \
    "{\"@type\":\"type.googleapis.com/google.rpc.QuotaFailure\",\"violations\":[{\"quotaId\":" \
    "\"" id "\"}]}"
#define INFO(reason, domain, metadata)                                                   \
    "{\"@type\":\"type.googleapis.com/google.rpc.ErrorInfo\",\"reason\":\"" reason "\"," \
    "\"domain\":\"" domain "\",\"metadata\":{" metadata "}}"
#define CLOUD "cloudcode-pa.googleapis.com"
#define OPENAI(type, code, message)                                                               \
    "{\"error\":{\"message\":\"" message "\",\"type\":\"" type "\",\"param\":null,\"code\":" code \
    "}}"
#define ANTHROPIC(type, message)                                                  \
    "{\"type\":\"error\",\"error\":{\"type\":\"" type "\",\"message\":\"" message \
    "\"},\"request_id\":\"r\"}"
#define ANTHROPIC_CODE(type, code)                                                         \
    "{\"type\":\"error\",\"error\":{\"type\":\"" type "\",\"message\":\"m\",\"details\":{" \
    "\"error_code\":\"" code "\"}}}"
#define HTML(title) \
    "<!DOCTYPE html><html><head><title>" title "</title></head><body>x</body></html>"

enum { GROUP = 1, BILLING = 2, EXHAUSTED = 4, VAGUE = 8, CUT = 16 };

struct judged {
    const char *name;
    enum wire wire;
    int status;
    const char *fields, *body;
    enum verdict_kind want;
    int64_t delay_ms;
    int traits;
    int status_want; /* 0: the answer's own */
};

static void judge_all(struct test *t, const struct judged *cases, size_t count, bool refreshable)
{
    for (size_t i = 0; i < count; i++) {
        const struct judged *c = &cases[i];
        struct judge_ask ask = { .wire = c->wire,
                                 .status = c->status,
                                 .head = rig_head(t, c->status, c->fields),
                                 .body = str_c(c->body),
                                 .refreshable = refreshable,
                                 .unix_ms = NOW_MS };
        struct judge_words words;
        struct verdict v = provider_judge(NULL, &ask, &t->arena, &words);
        int traits = (v.group_scope ? GROUP : 0) | (v.billing ? BILLING : 0) |
                     (v.exhausted ? EXHAUSTED : 0) | (v.vague ? VAGUE : 0) | (v.cut ? CUT : 0);

        CHECK_STR(str_c(verdict_word(v.kind)), verdict_word(c->want), "%s", c->name);
        CHECK_INT(v.delay_ms, c->delay_ms, "%s: delay", c->name);
        CHECK_INT(traits, c->traits, "%s: traits", c->name);
        CHECK_INT(v.status, c->status_want != 0 ? c->status_want : c->status, "%s", c->name);
    }
}

TEST(openai_signals)
{
    static const struct judged cases[] = {
        { "rate limit with words", WIRE_OPENAI_CHAT, 429, "",
          OPENAI("tokens", "\"rate_limit_exceeded\"",
                 "Rate limit reached for gpt-5 in organization org-1 on tokens per min (TPM): "
                 "Limit 1, Used 1, Requested 1. Please try again in 1.5s."),
          VERDICT_RATE_LIMITED, 1500, GROUP },
        { "rate limit with a field", WIRE_OPENAI_CHAT, 429, "retry-after: 20\r\n",
          OPENAI("requests", "\"rate_limit_exceeded\"", "slow"), VERDICT_RATE_LIMITED, 20000 },
        { "rate limit without a time", WIRE_OPENAI_CHAT, 429, "",
          OPENAI("rate_limit_error", "null", "slow"), VERDICT_RATE_LIMITED, -1 },
        { "a structured word wins over text", WIRE_OPENAI_CHAT, 429, "",
          OPENAI("requests", "\"rate_limit_exceeded\"", "quota exceeded"), VERDICT_RATE_LIMITED,
          -1 },
        { "slow down", WIRE_OPENAI_CHAT, 429, "", OPENAI("x", "\"slow_down\"", "m"),
          VERDICT_RATE_LIMITED, -1 },
        { "slow down as 503", WIRE_OPENAI_CHAT, 503, "", OPENAI("x", "\"slow_down\"", "m"),
          VERDICT_CAPACITY, -1, GROUP },
        { "a request too large for the limit", WIRE_OPENAI_CHAT, 429, "",
          OPENAI("tokens", "\"rate_limit_exceeded\"",
                 "Request too large for gpt-5: Limit 1, "
                 "Requested 2"),
          VERDICT_CLIENT_FAULT, -1 },
        { "no money, by type", WIRE_OPENAI_CHAT, 429, "", OPENAI("insufficient_quota", "null", "m"),
          VERDICT_QUOTA_EXHAUSTED, -1, BILLING },
        { "no money, whatever the request counters say", WIRE_OPENAI_CHAT, 429,
          "x-ratelimit-reset-requests: 1s\r\n", OPENAI("insufficient_quota", "null", "m"),
          VERDICT_QUOTA_EXHAUSTED, -1, BILLING },
        { "credit", WIRE_OPENAI_CHAT, 429, "",
          OPENAI("insufficient_quota", "\"credit_balance_exhausted\"", "m"),
          VERDICT_QUOTA_EXHAUSTED, -1, BILLING },
        { "organization spend", WIRE_OPENAI_CHAT, 429, "",
          OPENAI("x", "\"organization_spend_limit_exceeded\"", "m"), VERDICT_QUOTA_EXHAUSTED, -1,
          BILLING },
        { "project spend", WIRE_OPENAI_CHAT, 429, "",
          OPENAI("x", "\"project_spend_limit_exceeded\"", "m"), VERDICT_QUOTA_EXHAUSTED, -1,
          BILLING },
        { "organization usage", WIRE_OPENAI_CHAT, 429, "",
          OPENAI("x", "\"organization_usage_limit_exceeded\"", "m"), VERDICT_QUOTA_EXHAUSTED, -1,
          BILLING },
        { "overloaded", WIRE_OPENAI_CHAT, 503, "",
          OPENAI("service_unavailable_error", "\"server_is_overloaded\"", "m"), VERDICT_CAPACITY,
          -1, GROUP },
        { "503 with a time", WIRE_OPENAI_CHAT, 503, "retry-after: 3\r\n", "", VERDICT_CAPACITY,
          3000, GROUP },
        { "server error", WIRE_OPENAI_CHAT, 500, "", OPENAI("server_error", "null", "m"),
          VERDICT_SERVER_ERROR, -1 },
        { "bad key", WIRE_OPENAI_CHAT, 401, "",
          OPENAI("invalid_request_error", "\"invalid_api_key\"", "Incorrect API key provided"),
          VERDICT_AUTH_INVALID, -1 },
        { "deactivated", WIRE_OPENAI_CHAT, 401, "", OPENAI("x", "\"account_deactivated\"", "m"),
          VERDICT_AUTH_INVALID, -1 },
        { "bad key as 400", WIRE_OPENAI_CHAT, 400, "",
          OPENAI("invalid_request_error", "null", "Invalid API key"), VERDICT_AUTH_INVALID, -1 },
        { "country", WIRE_OPENAI_CHAT, 403, "",
          OPENAI("x", "\"unsupported_country_region_territory\"", "m"), VERDICT_FORBIDDEN, -1 },
        { "no access to the model", WIRE_OPENAI_CHAT, 403, "",
          OPENAI("x", "\"model_not_found\"", "m"), VERDICT_MODEL_MISSING, -1, GROUP },
        { "unknown model", WIRE_OPENAI_CHAT, 404, "", OPENAI("x", "\"model_not_found\"", "m"),
          VERDICT_MODEL_MISSING, -1, GROUP },
        { "plain 404", WIRE_OPENAI_CHAT, 404, "", "", VERDICT_MODEL_MISSING, -1, GROUP },
        { "unsupported parameter", WIRE_OPENAI_CHAT, 400, "",
          OPENAI("invalid_request_error", "\"unsupported_parameter\"", "m"), VERDICT_REPAIRABLE,
          -1 },
        { "unsupported parameter in words", WIRE_OPENAI_CHAT, 400, "",
          OPENAI("invalid_request_error", "null", "Unsupported parameter: 'max_tokens'"),
          VERDICT_REPAIRABLE, -1 },
        { "encrypted content", WIRE_OPENAI_RESPONSES, 400, "",
          OPENAI("x", "\"invalid_encrypted_content\"", "m"), VERDICT_REPAIRABLE, -1 },
        { "context, by code", WIRE_OPENAI_CHAT, 400, "",
          OPENAI("x", "\"context_length_exceeded\"", "m"), VERDICT_TOO_LONG, -1 },
        { "policy", WIRE_OPENAI_CHAT, 400, "", OPENAI("x", "\"content_policy_violation\"", "m"),
          VERDICT_BLOCKED, -1 },
        { "cyber policy", WIRE_OPENAI_CHAT, 400, "", OPENAI("x", "\"cyber_policy\"", "m"),
          VERDICT_BLOCKED, -1 },
        { "bio policy", WIRE_OPENAI_CHAT, 400, "", OPENAI("x", "\"bio_policy\"", "m"),
          VERDICT_BLOCKED, -1 },
        { "client's fault", WIRE_OPENAI_CHAT, 400, "retry-after: 5\r\n",
          OPENAI("invalid_request_error", "\"invalid_value\"", "m"), VERDICT_CLIENT_FAULT, -1 },
        { "unprocessable", WIRE_OPENAI_CHAT, 422, "",
          "{\"detail\":[{\"loc\":[\"body\"],\"msg\":\"field required\",\"type\":\"x\"}]}",
          VERDICT_CLIENT_FAULT, -1 },
        { "stored answer is gone", WIRE_OPENAI_RESPONSES, 404, "",
          OPENAI("x", "\"previous_response_not_found\"", "m"), VERDICT_CLIENT_FAULT, -1 },
        { "conflict", WIRE_OPENAI_CHAT, 409, "", OPENAI("conflict_error", "null", "m"),
          VERDICT_SERVER_ERROR, -1 },
        { "request timeout", WIRE_OPENAI_CHAT, 408, "", "", VERDICT_TIMEOUT, -1 },
        { "gateway timeout", WIRE_OPENAI_CHAT, 504, "", "", VERDICT_SERVER_ERROR, -1 },
        { "CDN", WIRE_OPENAI_CHAT, 520, "", "", VERDICT_SERVER_ERROR, -1 },
        { "redirect", WIRE_OPENAI_CHAT, 302, "location: https://x/\r\n", "", VERDICT_SERVER_ERROR,
          -1 },
        { "payment", WIRE_OPENAI_CHAT, 402, "", "", VERDICT_QUOTA_EXHAUSTED, -1, BILLING },
        { "teapot", WIRE_OPENAI_CHAT, 418, "", "", VERDICT_CLIENT_FAULT, -1 },
    };

    judge_all(t, cases, COUNT(cases), false);
}

TEST(codex_and_copilot_signals)
{
    static const struct judged cases[] = {
        { "usage limit, reset given", WIRE_OPENAI_RESPONSES, 429, "",
          "{\"error\":{\"type\":\"usage_limit_reached\",\"message\":\"The usage limit has been "
          "reached\",\"plan_type\":\"plus\",\"resets_at\":1795255200,\"resets_in_seconds\":7}}",
          VERDICT_QUOTA_EXHAUSTED, 3600000 },
        { "usage limit, reset past", WIRE_OPENAI_RESPONSES, 429, "",
          "{\"error\":{\"type\":\"usage_limit_reached\",\"resets_at\":1795200000,"
          "\"resets_in_seconds\":3600}}",
          VERDICT_QUOTA_EXHAUSTED, 3600000 },
        { "usage limit, by the window", WIRE_OPENAI_RESPONSES, 429,
          "x-codex-primary-used-percent: 100\r\nx-codex-primary-reset-at: 1795251700\r\n"
          "x-codex-secondary-used-percent: 10\r\nx-codex-secondary-reset-at: 1795851700\r\n",
          "{\"error\":{\"type\":\"usage_limit_reached\"}}", VERDICT_QUOTA_EXHAUSTED, 100000 },
        { "usage limit, no time", WIRE_OPENAI_RESPONSES, 429, "",
          "{\"error\":{\"type\":\"usage_limit_reached\",\"resets_at\":-5,"
          "\"resets_in_seconds\":1e400}}",
          VERDICT_QUOTA_EXHAUSTED, -1 },
        { "usage limit in words", WIRE_OPENAI_RESPONSES, 429, "",
          "{\"detail\":\"You have hit your usage limit. Try again in 3 days 4 hours.\"}",
          VERDICT_QUOTA_EXHAUSTED, 273600000 },
        { "not in the plan", WIRE_OPENAI_RESPONSES, 403, "",
          "{\"error\":{\"type\":\"usage_not_included\",\"message\":\"m\"}}", VERDICT_FORBIDDEN, -1,
          GROUP },
        { "model at capacity, any status", WIRE_OPENAI_RESPONSES, 400, "",
          "{\"detail\":\"Selected model is at capacity. Please try a different model.\"}",
          VERDICT_CAPACITY, -1, GROUP },
        { "unsupported field", WIRE_OPENAI_RESPONSES, 400, "",
          "{\"detail\":\"Unsupported parameter: max_output_tokens\"}", VERDICT_REPAIRABLE, -1 },
        { "model of another plan", WIRE_OPENAI_RESPONSES, 400, "",
          "{\"detail\":\"The 'gpt-9' model is not supported when using Codex with a ChatGPT "
          "account.\"}",
          VERDICT_MODEL_MISSING, -1, GROUP },
        { "plain 401", WIRE_OPENAI_RESPONSES, 401, "", "{\"detail\":\"Unauthorized\"}",
          VERDICT_AUTH_INVALID, -1 },
        { "dead grant", WIRE_OPENAI_RESPONSES, 400, "",
          "{\"error\":\"invalid_grant\",\"error_description\":\"Token was revoked\"}",
          VERDICT_AUTH_INVALID, -1 },
        { "plain text quota", WIRE_OPENAI_CHAT, 429, "", "quota exceeded\n",
          VERDICT_QUOTA_EXHAUSTED, -1 },
        { "plain text rate", WIRE_OPENAI_CHAT, 429, "", "rate limited", VERDICT_RATE_LIMITED, -1,
          0 },
        { "plain text wait", WIRE_OPENAI_CHAT, 429, "",
          "Sorry, please wait 71 minutes before trying again", VERDICT_RATE_LIMITED, 4260000 },
        { "not licensed", WIRE_OPENAI_CHAT, 403, "", "access denied: not licensed",
          VERDICT_FORBIDDEN, -1 },
        { "model not enabled", WIRE_OPENAI_CHAT, 400, "",
          OPENAI("x", "\"model_not_supported\"", "m"), VERDICT_MODEL_MISSING, -1, GROUP },
        { "wrong path for the model", WIRE_OPENAI_CHAT, 400, "",
          OPENAI("x", "\"unsupported_api_for_model\"", "m"), VERDICT_MODEL_MISSING, -1, GROUP },
    };

    judge_all(t, cases, COUNT(cases), false);
}

TEST(a_credential_that_can_be_renewed_is_only_expired)
{
    static const struct judged cases[] = {
        { "plain text", WIRE_OPENAI_CHAT, 401, "", "unauthorized: token expired",
          VERDICT_AUTH_EXPIRED, -1 },
        { "by code", WIRE_OPENAI_RESPONSES, 401, "", OPENAI("x", "\"token_expired\"", "m"),
          VERDICT_AUTH_EXPIRED, -1 },
        { "Google", WIRE_CLOUDCODE, 401, "",
          GOOGLE("401", "UNAUTHENTICATED", "m", INFO("ACCESS_TOKEN_EXPIRED", "g", "")),
          VERDICT_AUTH_EXPIRED, -1 },
        { "Anthropic", WIRE_ANTHROPIC, 401, "", ANTHROPIC("authentication_error", "m"),
          VERDICT_AUTH_EXPIRED, -1 },
        { "revoked for good", WIRE_OPENAI_RESPONSES, 401, "",
          OPENAI("x", "\"refresh_token_reused\"", "m"), VERDICT_AUTH_INVALID, -1 },
        { "deactivated", WIRE_OPENAI_CHAT, 401, "", OPENAI("x", "\"account_deactivated\"", "m"),
          VERDICT_AUTH_INVALID, -1 },
    };

    judge_all(t, cases, COUNT(cases), true);
}

TEST(anthropic_signals)
{
    static const struct judged cases[] = {
        { "rate limit", WIRE_ANTHROPIC, 429, "retry-after: 12\r\n",
          ANTHROPIC("rate_limit_error", "m"), VERDICT_RATE_LIMITED, 12000 },
        { "rate limit of a model", WIRE_ANTHROPIC, 429, "retry-after: 12\r\n",
          ANTHROPIC("rate_limit_error", "This request would exceed the limit (org: o, model: c)"),
          VERDICT_RATE_LIMITED, 12000, GROUP },
        { "rate limit by counter", WIRE_ANTHROPIC, 429,
          "anthropic-ratelimit-requests-remaining: 0\r\n"
          "anthropic-ratelimit-requests-reset: 2026-11-21T09:00:30Z\r\n",
          ANTHROPIC("rate_limit_error", "m"), VERDICT_RATE_LIMITED, 30000 },
        { "ramp", WIRE_ANTHROPIC, 429, "",
          ANTHROPIC_CODE("rate_limit_error", "ramp_limit_exceeded"), VERDICT_RATE_LIMITED, -1 },
        { "enforced spend limit", WIRE_ANTHROPIC, 429, "",
          ANTHROPIC_CODE("rate_limit_error", "enforced_spend_limit_reached"),
          VERDICT_QUOTA_EXHAUSTED, -1, BILLING },
        { "contract spend limit", WIRE_ANTHROPIC, 429, "",
          ANTHROPIC_CODE("rate_limit_error", "contract_spend_limit_reached"),
          VERDICT_QUOTA_EXHAUSTED, -1, BILLING },
        { "a class of models is used up", WIRE_ANTHROPIC, 429,
          "anthropic-ratelimit-unified-5h-status: allowed\r\n"
          "anthropic-ratelimit-unified-7d_oi-status: rejected\r\n"
          "anthropic-ratelimit-unified-7d_oi-reset: 1795255200\r\n",
          ANTHROPIC("rate_limit_error", "m"), VERDICT_RATE_LIMITED, 3600000, GROUP },
        { "all is used up", WIRE_ANTHROPIC, 429,
          "anthropic-ratelimit-unified-5h-status: rejected\r\n"
          "anthropic-ratelimit-unified-5h-reset: 1795255200\r\n"
          "anthropic-ratelimit-unified-7d_oi-status: rejected\r\n",
          ANTHROPIC("rate_limit_error", "m"), VERDICT_RATE_LIMITED, 3600000 },
        { "credit, although 400", WIRE_ANTHROPIC, 400, "",
          ANTHROPIC("invalid_request_error", "Your credit balance is too low to access"),
          VERDICT_QUOTA_EXHAUSTED, -1, BILLING },
        { "a limit the owner set, although 400", WIRE_ANTHROPIC, 400, "",
          ANTHROPIC("invalid_request_error",
                    "You have reached your specified API usage limits. You will regain access on "
                    "2026-12-01 at 00:00 UTC."),
          VERDICT_QUOTA_EXHAUSTED, -1, BILLING },
        { "billing", WIRE_ANTHROPIC, 402, "", ANTHROPIC("billing_error", "m"),
          VERDICT_QUOTA_EXHAUSTED, -1, BILLING },
        { "overloaded", WIRE_ANTHROPIC, 529, "", ANTHROPIC("overloaded_error", "Overloaded"),
          VERDICT_CAPACITY, -1, GROUP },
        { "overloaded as 500", WIRE_ANTHROPIC, 500, "", ANTHROPIC("overloaded_error", "m"),
          VERDICT_CAPACITY, -1, GROUP },
        { "api error", WIRE_ANTHROPIC, 500, "", ANTHROPIC("api_error", "m"), VERDICT_SERVER_ERROR,
          -1 },
        { "authentication", WIRE_ANTHROPIC, 401, "",
          ANTHROPIC("authentication_error", "invalid x-api-key"), VERDICT_AUTH_INVALID, -1 },
        { "on hold", WIRE_ANTHROPIC, 400, "",
          ANTHROPIC_CODE("invalid_request_error", "organization_on_hold"), VERDICT_AUTH_INVALID,
          -1 },
        { "permission", WIRE_ANTHROPIC, 403, "", ANTHROPIC("permission_error", "m"),
          VERDICT_FORBIDDEN, -1 },
        { "unknown model", WIRE_ANTHROPIC, 404, "", ANTHROPIC("not_found_error", "model: x"),
          VERDICT_MODEL_MISSING, -1, GROUP },
        { "unknown thread", WIRE_ANTHROPIC, 404, "",
          ANTHROPIC_CODE("not_found_error", "thread_not_found"), VERDICT_CLIENT_FAULT, -1 },
        { "prompt too long", WIRE_ANTHROPIC, 400, "",
          ANTHROPIC("invalid_request_error", "prompt is too long: 200001 tokens > 200000 maximum"),
          VERDICT_TOO_LONG, -1 },
        { "max_tokens too long", WIRE_ANTHROPIC, 400, "",
          ANTHROPIC("invalid_request_error",
                    "input length and `max_tokens` exceed context limit: 1 + 2 > 2"),
          VERDICT_TOO_LONG, -1 },
        { "too large", WIRE_ANTHROPIC, 413, "", ANTHROPIC("request_too_large", "m"),
          VERDICT_CLIENT_FAULT, -1 },
        { "signature", WIRE_ANTHROPIC, 400, "",
          ANTHROPIC("invalid_request_error", "messages.1.content.0: Invalid `signature` in "
                                             "`thinking` block"),
          VERDICT_REPAIRABLE, -1 },
        { "extra input", WIRE_ANTHROPIC, 400, "",
          ANTHROPIC("invalid_request_error", "foo: Extra inputs are not permitted"),
          VERDICT_REPAIRABLE, -1 },
        { "blocked", WIRE_ANTHROPIC, 400, "",
          ANTHROPIC("invalid_request_error", "Output blocked by content filtering policy"),
          VERDICT_BLOCKED, -1 },
        { "too old", WIRE_ANTHROPIC, 400, "",
          ANTHROPIC_CODE("invalid_request_error", "claude_code_version_too_old"),
          VERDICT_CLIENT_FAULT, -1 },
        { "timeout", WIRE_ANTHROPIC, 504, "", ANTHROPIC("timeout_error", "m"), VERDICT_SERVER_ERROR,
          -1 },
    };

    judge_all(t, cases, COUNT(cases), false);
}

TEST(google_decides_by_its_list)
{
    static const struct judged cases[] = {
        { "1 limit 0, whatever the delay", WIRE_GEMINI, 429, "",
          GOOGLE("429", "RESOURCE_EXHAUSTED",
                 "Quota exceeded for metric: x, limit: 0, model: m. Please retry in 34s.",
                 QUOTA("GenerateRequestsPerDayPerProjectPerModel-FreeTier") "," RETRY("34s")),
          VERDICT_QUOTA_EXHAUSTED, -1, GROUP | BILLING },
        { "1 limit 0 at the end", WIRE_GEMINI, 429, "",
          GOOGLE("429", "RESOURCE_EXHAUSTED", "limit:0", ""), VERDICT_QUOTA_EXHAUSTED, -1,
          GROUP | BILLING },
        { "1 limit 0 and a full stop", WIRE_GEMINI, 429, "",
          GOOGLE("429", "RESOURCE_EXHAUSTED", "limit: 0.", ""), VERDICT_QUOTA_EXHAUSTED, -1,
          GROUP | BILLING },
        { "1 not limit 0.5", WIRE_GEMINI, 429, "",
          GOOGLE("429", "RESOURCE_EXHAUSTED", "limit: 0.5", ""), VERDICT_RATE_LIMITED, -1,
          EXHAUSTED },
        { "1 not limit 05", WIRE_GEMINI, 429, "",
          GOOGLE("429", "RESOURCE_EXHAUSTED", "limit: 05", ""), VERDICT_RATE_LIMITED, -1,
          EXHAUSTED },
        { "1 the second limit", WIRE_GEMINI, 429, "",
          GOOGLE("429", "RESOURCE_EXHAUSTED", "limit: 20, limit: 0", ""), VERDICT_QUOTA_EXHAUSTED,
          -1, GROUP | BILLING },
        { "2 per day until midnight in California", WIRE_GEMINI, 429, "",
          GOOGLE("429", "RESOURCE_EXHAUSTED", "m",
                 QUOTA("GenerateRequestsPerDayPerProjectPerModel-FreeTier") "," RETRY("34.07s")),
          VERDICT_QUOTA_EXHAUSTED, 82800000, GROUP },
        { "2 daily, the reset given", WIRE_CLOUDCODE, 429, "",
          GOOGLE("429", "RESOURCE_EXHAUSTED", "m",
                 QUOTA("DailyLimit") "," INFO("QUOTA_EXHAUSTED", CLOUD,
                                              "\"quotaResetDelay\":\"9h22m20s\"")),
          VERDICT_QUOTA_EXHAUSTED, 33740000 },
        { "2 per day by quota_limit", WIRE_GEMINI, 429, "",
          GOOGLE("429", "RESOURCE_EXHAUSTED", "m",
                 INFO("RATE_LIMIT_EXCEEDED", "googleapis.com",
                      "\"quota_limit\":\"RequestsPerDayPerProject\"")),
          VERDICT_QUOTA_EXHAUSTED, 82800000 },
        { "3 no capacity, by reason", WIRE_CLOUDCODE, 429, "",
          GOOGLE("429", "RESOURCE_EXHAUSTED", "m",
                 INFO("MODEL_CAPACITY_EXHAUSTED", CLOUD, "\"model\":\"g\"")),
          VERDICT_CAPACITY, -1, GROUP },
        { "3 no capacity, in words", WIRE_CLOUDCODE, 429, "",
          GOOGLE("429", "RESOURCE_EXHAUSTED", "No capacity available for model g", ""),
          VERDICT_CAPACITY, -1, GROUP },
        { "3 exhausted your capacity, no reset", WIRE_CLOUDCODE, 429, "",
          GOOGLE("429", "RESOURCE_EXHAUSTED", "You have exhausted your capacity on this model.",
                 ""),
          VERDICT_CAPACITY, -1, GROUP },
        { "5 exhausted your capacity, reset in words", WIRE_CLOUDCODE, 429, "",
          GOOGLE("429", "RESOURCE_EXHAUSTED",
                 "You have exhausted your capacity on this model. Your quota will reset after "
                 "161h39m41s.",
                 INFO("QUOTA_EXHAUSTED", CLOUD, "")),
          VERDICT_QUOTA_EXHAUSTED, 581981000 },
        { "4 no credits", WIRE_CLOUDCODE, 429, "",
          GOOGLE("429", "RESOURCE_EXHAUSTED", "m",
                 INFO("INSUFFICIENT_G1_CREDITS_BALANCE", CLOUD, "")),
          VERDICT_QUOTA_EXHAUSTED, -1, BILLING },
        { "5 quota until its timestamp", WIRE_CLOUDCODE, 429, "",
          GOOGLE("429", "RESOURCE_EXHAUSTED", "m",
                 INFO("QUOTA_EXHAUSTED", CLOUD,
                      "\"quotaResetDelay\":\"161h39m41.3s\","
                      "\"quotaResetTimeStamp\":\"2026-11-21T10:00:00Z\",\"model\":\"g\"")),
          VERDICT_QUOTA_EXHAUSTED, 3600000, GROUP },
        { "5 quota, the timestamp past", WIRE_CLOUDCODE, 429, "",
          GOOGLE("429", "RESOURCE_EXHAUSTED", "m",
                 INFO("QUOTA_EXHAUSTED", CLOUD,
                      "\"quotaResetDelay\":\"33740.910400305s\","
                      "\"quotaResetTimeStamp\":\"2026-11-21T08:00:00Z\"")),
          VERDICT_QUOTA_EXHAUSTED, 33740911 },
        { "5 staging, with stray characters", WIRE_CLOUDCODE, 429, "",
          GOOGLE("429", "RESOURCE_EXHAUSTED", "m",
                 INFO("QUOTA_EXHAUSTED", " staging-cloudcode-pa.sandbox.googleapis.com;", "")),
          VERDICT_QUOTA_EXHAUSTED, -1 },
        { "5 rate limit, short", WIRE_CLOUDCODE, 429, "",
          GOOGLE("429", "RESOURCE_EXHAUSTED", "m",
                 INFO("RATE_LIMIT_EXCEEDED", CLOUD, "\"quotaResetDelay\":\"300s\"")),
          VERDICT_RATE_LIMITED, 300000 },
        { "5 rate limit, long", WIRE_CLOUDCODE, 429, "",
          GOOGLE("429", "RESOURCE_EXHAUSTED", "m",
                 INFO("RATE_LIMIT_EXCEEDED", CLOUD, "\"quotaResetDelay\":\"300.001s\"")),
          VERDICT_QUOTA_EXHAUSTED, 300001 },
        { "5 rate limit, no delay", WIRE_CLOUDCODE, 429, "",
          GOOGLE("429", "RESOURCE_EXHAUSTED", "m", INFO("RATE_LIMIT_EXCEEDED", CLOUD, "")),
          VERDICT_RATE_LIMITED, -1 },
        { "6 short retry delay", WIRE_GEMINI, 429, "",
          GOOGLE("429", "RESOURCE_EXHAUSTED", "m", RETRY("34.074824224s")), VERDICT_RATE_LIMITED,
          34075 },
        { "6 milliseconds", WIRE_GEMINI, 429, "",
          GOOGLE("429", "RESOURCE_EXHAUSTED", "m", RETRY("900ms")), VERDICT_RATE_LIMITED, 900 },
        { "6 long retry delay", WIRE_GEMINI, 429, "",
          GOOGLE("429", "RESOURCE_EXHAUSTED", "m", RETRY("3600s")), VERDICT_QUOTA_EXHAUSTED,
          3600000 },
        { "6 negative retry delay", WIRE_GEMINI, 429, "",
          GOOGLE("429", "RESOURCE_EXHAUSTED", "m", RETRY("-5s")), VERDICT_RATE_LIMITED, -1,
          EXHAUSTED },
        { "6 stray blanks around @type", WIRE_GEMINI, 429, "",
          GOOGLE(
              "429", "RESOURCE_EXHAUSTED", "m",
              "{\" @type \":\" type.googleapis.com/google.rpc.RetryInfo \",\"retryDelay\":\"7s\"}"),
          VERDICT_RATE_LIMITED, 7000 },
        { "7 per minute", WIRE_GEMINI, 429, "",
          GOOGLE("429", "RESOURCE_EXHAUSTED", "m",
                 QUOTA("GenerateContentRequestsPerMinutePerProjectPerModel")),
          VERDICT_RATE_LIMITED, 60000, GROUP },
        { "8 words, short", WIRE_GEMINI, 429, "",
          GOOGLE("429", "RESOURCE_EXHAUSTED", "Please retry in 34.0748s.", ""),
          VERDICT_RATE_LIMITED, 34075 },
        { "8 words, long", WIRE_GEMINI, 429, "",
          GOOGLE("429", "RESOURCE_EXHAUSTED", "Resets in 9h22m20s.", ""), VERDICT_QUOTA_EXHAUSTED,
          33740000 },
        { "9 resource exhausted", WIRE_GEMINI, 429, "",
          "{\"error\":{\"code\":429,\"message\":\"Resource has been exhausted (e.g. check "
          "quota).\","
          "\"status\":\"RESOURCE_EXHAUSTED\"}}",
          VERDICT_RATE_LIMITED, -1, EXHAUSTED },
        { "10 anything else", WIRE_GEMINI, 429, "", "", VERDICT_RATE_LIMITED, -1, EXHAUSTED },
        { "its form over another wire", WIRE_OPENAI_CHAT, 429, "",
          GOOGLE("429", "RESOURCE_EXHAUSTED", "m", RETRY("7s")), VERDICT_RATE_LIMITED, 7000 },
        { "499 of Cloud Code", WIRE_CLOUDCODE, 499, "",
          GOOGLE("499", "CANCELLED", "m", RETRY("7s")), VERDICT_RATE_LIMITED, 7000 },
        { "499 of Gemini", WIRE_GEMINI, 499, "", GOOGLE("499", "CANCELLED", "m", ""),
          VERDICT_SERVER_ERROR, -1 },
        { "array", WIRE_GEMINI, 429, "",
          "[" GOOGLE("429", "RESOURCE_EXHAUSTED", "m", RETRY("7s")) "]", VERDICT_RATE_LIMITED,
          7000 },
        { "wrapped in its message", WIRE_CLOUDCODE, 429, "",
          "[{\"error\":{\"code\":429,\"message\":\"{\\n\\u00a0\\u00a0\\\"error\\\": {\\\"code\\\": "
          "429, "
          "\\\"message\\\": \\\"Resets in 5s\\\", \\\"status\\\": "
          "\\\"RESOURCE_EXHAUSTED\\\"}}\"}}]",
          VERDICT_RATE_LIMITED, 5000 },
    };

    judge_all(t, cases, COUNT(cases), false);
}

TEST(google_refusals)
{
    static const struct judged cases[] = {
        { "bad key", WIRE_GEMINI, 400, "",
          GOOGLE("400", "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.",
                 INFO("API_KEY_INVALID", "googleapis.com", "")),
          VERDICT_AUTH_INVALID, -1 },
        { "expired key", WIRE_GEMINI, 400, "",
          GOOGLE("400", "INVALID_ARGUMENT", "API key expired. Please renew the API key.", ""),
          VERDICT_AUTH_INVALID, -1 },
        { "expired key by reason", WIRE_GEMINI, 400, "",
          GOOGLE("400", "INVALID_ARGUMENT", "m", INFO("API_KEY_EXPIRED", "g", "")),
          VERDICT_AUTH_INVALID, -1 },
        { "leaked key", WIRE_GEMINI, 403, "",
          GOOGLE("403", "PERMISSION_DENIED", "Your API key was reported as leaked.", ""),
          VERDICT_AUTH_INVALID, -1 },
        { "service off", WIRE_GEMINI, 403, "",
          GOOGLE("403", "PERMISSION_DENIED", "m", INFO("SERVICE_DISABLED", "g", "")),
          VERDICT_AUTH_INVALID, -1 },
        { "suspended", WIRE_GEMINI, 403, "",
          GOOGLE("403", "PERMISSION_DENIED", "m", INFO("CONSUMER_SUSPENDED", "g", "")),
          VERDICT_AUTH_INVALID, -1 },
        { "permission denied", WIRE_GEMINI, 403, "", GOOGLE("403", "PERMISSION_DENIED", "m", ""),
          VERDICT_FORBIDDEN, -1 },
        { "validation", WIRE_CLOUDCODE, 403, "",
          GOOGLE("403", "PERMISSION_DENIED", "m",
                 INFO("VALIDATION_REQUIRED", CLOUD, "\"validation_link\":\"https://x\"")),
          VERDICT_NEEDS_ACTION, -1 },
        { "region", WIRE_GEMINI, 400, "",
          GOOGLE("400", "FAILED_PRECONDITION", "User location is not supported for the API use.",
                 ""),
          VERDICT_FORBIDDEN, -1 },
        { "another precondition", WIRE_GEMINI, 400, "",
          GOOGLE("400", "FAILED_PRECONDITION", "m", ""), VERDICT_CLIENT_FAULT, -1 },
        { "prepaid credit", WIRE_GEMINI, 402, "", GOOGLE("402", "RESOURCE_EXHAUSTED", "m", ""),
          VERDICT_QUOTA_EXHAUSTED, -1, BILLING },
        { "too many tokens", WIRE_GEMINI, 400, "",
          GOOGLE("400", "INVALID_ARGUMENT",
                 "The input token count (2) exceeds the maximum number of tokens allowed (1).", ""),
          VERDICT_TOO_LONG, -1 },
        { "unknown field", WIRE_GEMINI, 400, "",
          GOOGLE("400", "INVALID_ARGUMENT",
                 "Invalid JSON payload received. Unknown name \\\"x\\\": Cannot find field.", ""),
          VERDICT_REPAIRABLE, -1 },
        { "malformed", WIRE_GEMINI, 400, "", GOOGLE("400", "INVALID_ARGUMENT", "m", ""),
          VERDICT_CLIENT_FAULT, -1 },
        { "unknown model", WIRE_GEMINI, 404, "", GOOGLE("404", "NOT_FOUND", "m", ""),
          VERDICT_MODEL_MISSING, -1, GROUP },
        { "aborted", WIRE_GEMINI, 412, "", GOOGLE("412", "ABORTED", "m", ""), VERDICT_SERVER_ERROR,
          -1 },
        { "another 412", WIRE_GEMINI, 412, "", GOOGLE("412", "X", "m", ""), VERDICT_CLIENT_FAULT,
          -1 },
        { "internal", WIRE_GEMINI, 500, "", GOOGLE("500", "INTERNAL", "m", ""),
          VERDICT_SERVER_ERROR, -1 },
        { "unavailable", WIRE_GEMINI, 503, "",
          GOOGLE("503", "UNAVAILABLE", "The model is overloaded.", RETRY("4s")), VERDICT_CAPACITY,
          4000, GROUP },
        { "deadline", WIRE_GEMINI, 504, "", GOOGLE("504", "DEADLINE_EXCEEDED", "m", ""),
          VERDICT_SERVER_ERROR, -1 },
    };

    judge_all(t, cases, COUNT(cases), false);
}

TEST(errors_inside_a_200)
{
    static const struct judged cases[] = {
        { "no body", WIRE_OPENAI_CHAT, 200, "", "", VERDICT_SUCCESS, -1 },
        { "a good answer", WIRE_OPENAI_CHAT, 200, "", "{\"id\":\"x\",\"choices\":[]}",
          VERDICT_SUCCESS, -1 },
        { "a good answer that speaks of errors", WIRE_OPENAI_CHAT, 200, "",
          "{\"choices\":[{\"message\":{\"content\":\"rate limit, quota exceeded\"}}],"
          "\"message\":\"x\",\"detail\":\"y\"}",
          VERDICT_SUCCESS, -1 },
        { "Responses says null", WIRE_OPENAI_RESPONSES, 200, "",
          "{\"status\":\"completed\",\"error\":null}", VERDICT_SUCCESS, -1 },
        { "events cut short", WIRE_OPENAI_CHAT, 200, "", "{\"choices\":[{", VERDICT_SUCCESS, -1 },
        { "Responses failed", WIRE_OPENAI_RESPONSES, 200, "",
          "{\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":\"rate_limit_exceeded\","
          "\"message\":\"Please try again in 11.054s.\"}}}",
          VERDICT_RATE_LIMITED, 11054, 0, 429 },
        { "Responses overloaded", WIRE_OPENAI_RESPONSES, 200, "",
          "{\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":\"server_is_"
          "overloaded\","
          "\"message\":\"m\"}}}",
          VERDICT_CAPACITY, -1, GROUP, 503 },
        { "Responses context", WIRE_OPENAI_RESPONSES, 200, "",
          "{\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":\"context_length_"
          "exceeded\","
          "\"message\":\"m\"}}}",
          VERDICT_TOO_LONG, -1, 0, 400 },
        { "Responses error event", WIRE_OPENAI_RESPONSES, 200, "",
          "{\"type\":\"error\",\"code\":\"insufficient_quota\",\"message\":\"m\",\"param\":null}",
          VERDICT_QUOTA_EXHAUSTED, -1, BILLING, 429 },
        { "Anthropic overloaded event", WIRE_ANTHROPIC, 200, "",
          ANTHROPIC("overloaded_error", "Overloaded"), VERDICT_CAPACITY, -1, GROUP, 529 },
        { "Anthropic api error event", WIRE_ANTHROPIC, 200, "", ANTHROPIC("api_error", "m"),
          VERDICT_SERVER_ERROR, -1, 0, 500 },
        { "Anthropic bad request event", WIRE_ANTHROPIC, 200, "",
          ANTHROPIC("invalid_request_error", "m"), VERDICT_CLIENT_FAULT, -1, 0, 400 },
        { "Google chunk", WIRE_GEMINI, 200, "", GOOGLE("503", "UNAVAILABLE", "m", ""),
          VERDICT_CAPACITY, -1, GROUP, 503 },
        { "Google by status word", WIRE_GEMINI, 200, "",
          "{\"error\":{\"message\":\"m\",\"status\":\"RESOURCE_EXHAUSTED\"}}", VERDICT_RATE_LIMITED,
          -1, EXHAUSTED, 429 },
        { "a relay's number", WIRE_OPENAI_CHAT, 200, "",
          "{\"error\":{\"message\":\"Rate limit exceeded\",\"code\":429}}", VERDICT_RATE_LIMITED,
          -1, 0, 429 },
        { "nothing we know", WIRE_OPENAI_CHAT, 200, "", "{\"error\":{\"message\":\"oops\"}}",
          VERDICT_SERVER_ERROR, -1, 0, 500 },
        { "a sentence", WIRE_OPENAI_CHAT, 200, "", "{\"error\":\"model is loading\"}",
          VERDICT_SERVER_ERROR, -1, 0, 500 },
        { "a page", WIRE_OPENAI_CHAT, 200, "content-type: text/html\r\n", HTML("Log in"),
          VERDICT_SERVER_ERROR, -1, 0, 502 },
    };

    judge_all(t, cases, COUNT(cases), false);
}

TEST(bodies_of_people_and_machines_in_between)
{
    static const struct judged cases[] = {
        { "an empty 429", WIRE_OPENAI_CHAT, 429, "", "", VERDICT_RATE_LIMITED, -1, VAGUE },
        { "an empty 429 with a time", WIRE_OPENAI_CHAT, 429, "retry-after: 9\r\n", "",
          VERDICT_RATE_LIMITED, 9000 },
        { "a 429 in no words we know", WIRE_OPENAI_CHAT, 429, "", "nope", VERDICT_RATE_LIMITED, -1,
          VAGUE },
        { "resource exhausted in words", WIRE_OPENAI_CHAT, 429, "",
          "Resource has been exhausted (e.g. check quota)", VERDICT_RATE_LIMITED, -1, EXHAUSTED },
        { "an Ollama 404", WIRE_OPENAI_CHAT, 404, "",
          "{\"error\":\"model 'x' not found, try pulling it first\"}", VERDICT_MODEL_MISSING, -1,
          GROUP },
        { "a 400 about the model", WIRE_OPENAI_CHAT, 400, "",
          "{\"error\":{\"message\":\"x is not a valid model ID\",\"code\":400}}",
          VERDICT_MODEL_MISSING, -1, GROUP },
        { "llama.cpp's context", WIRE_OPENAI_CHAT, 400, "",
          "{\"error\":{\"code\":400,\"message\":\"m\",\"type\":\"exceed_context_size_error\"}}",
          VERDICT_TOO_LONG, -1 },
        { "vLLM's context", WIRE_OPENAI_CHAT, 400, "",
          "{\"object\":\"error\",\"message\":\"This model's maximum context length is 1 tokens\"}",
          VERDICT_TOO_LONG, -1 },
        { "a balance", WIRE_OPENAI_CHAT, 429, "", "{\"message\":\"Insufficient balance\"}",
          VERDICT_QUOTA_EXHAUSTED, -1, BILLING },
        { "a CDN's 502", WIRE_OPENAI_CHAT, 502, "content-type: text/html\r\n",
          HTML("502 Bad Gateway"), VERDICT_SERVER_ERROR, -1 },
        { "a CDN's 503", WIRE_OPENAI_CHAT, 503, "", HTML("busy"), VERDICT_CAPACITY, -1, GROUP },
        { "a CDN's 403", WIRE_OPENAI_CHAT, 403, "", HTML("Access denied"), VERDICT_FORBIDDEN, -1 },
        { "a challenge by field", WIRE_OPENAI_CHAT, 403, "cf-mitigated: challenge\r\n", "",
          VERDICT_SERVER_ERROR, -1 },
        { "a challenge by title", WIRE_OPENAI_CHAT, 403, "", HTML("Just a moment..."),
          VERDICT_SERVER_ERROR, -1 },
        { "a page is not read for words", WIRE_OPENAI_CHAT, 400, "",
          "<html><title>Oops</title>API key not valid</html>", VERDICT_CLIENT_FAULT, -1 },
        { "JSON cut short", WIRE_OPENAI_CHAT, 400, "",
          "{\"error\":{\"message\":\"prompt is too long: 2 tokens\",\"x\":\"", VERDICT_TOO_LONG,
          -1 },
        { "a byte order mark", WIRE_OPENAI_CHAT, 429, "",
          "\xef\xbb\xbf" OPENAI("insufficient_quota", "null", "m"), VERDICT_QUOTA_EXHAUSTED, -1,
          BILLING },
        { "wrong types everywhere", WIRE_OPENAI_CHAT, 500, "",
          "{\"error\":{\"message\":1,\"type\":[],\"code\":{},\"details\":7,\"resets_at\":\"x\"}}",
          VERDICT_SERVER_ERROR, -1 },
        { "an empty array", WIRE_GEMINI, 500, "", "[]", VERDICT_SERVER_ERROR, -1 },
        { "terms", WIRE_OPENAI_CHAT, 403, "", "{\"message\":\"You must accept the terms first\"}",
          VERDICT_NEEDS_ACTION, -1 },
    };

    judge_all(t, cases, COUNT(cases), false);
}

TEST(transport_faults)
{
    static const struct {
        enum call_cause cause;
        bool sent;
        enum verdict_kind want;
        bool nothing_sent, cut;
    } cases[] = {
        { CALL_DNS, false, VERDICT_NETWORK, true, false },
        { CALL_CONNECT, false, VERDICT_NETWORK, true, false },
        { CALL_TLS, false, VERDICT_NETWORK, true, false },
        { CALL_PROXY, false, VERDICT_NETWORK, true, false },
        { CALL_WRITE, true, VERDICT_NETWORK, false, false },
        { CALL_RESET, true, VERDICT_SERVER_ERROR, false, true },
        { CALL_RESET, false, VERDICT_NETWORK, true, false },
        { CALL_FIRST_BYTE, true, VERDICT_TIMEOUT, false, false },
        { CALL_IDLE, true, VERDICT_TIMEOUT, false, false },
        { CALL_TOTAL, true, VERDICT_TIMEOUT, false, false },
        { CALL_CUT, true, VERDICT_SERVER_ERROR, false, true },
        { CALL_PROTOCOL, true, VERDICT_SERVER_ERROR, false, false },
        { CALL_TOO_LARGE, true, VERDICT_SERVER_ERROR, false, false },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct call_fault fault = { .cause = cases[i].cause, .sent = cases[i].sent };
        struct judge_ask ask = { .wire = WIRE_OPENAI_CHAT, .fault = &fault, .unix_ms = NOW_MS };
        struct judge_words words;
        struct verdict v = provider_judge(NULL, &ask, &t->arena, &words);

        CHECK_STR(str_c(verdict_word(v.kind)), verdict_word(cases[i].want), "cause %zu", i);
        CHECK_INT(v.nothing_sent, cases[i].nothing_sent, "cause %zu", i);
        CHECK_INT(v.cut, cases[i].cut, "cause %zu", i);
        CHECK_INT(v.delay_ms, -1, "cause %zu", i);
        CHECK_INT(words.message.len, 0, "cause %zu", i);
    }
}

/* Money lacks, but for Copilot, whose premium requests come back. */
TEST(what_a_402_means_is_told_by_the_provider)
{
    static const struct provider *const providers[] = { &provider_openai, &provider_anthropic,
                                                        &provider_gemini, &provider_codex,
                                                        &provider_copilot };

    for (size_t i = 0; i < COUNT(providers); i++) {
        struct judge_ask ask = { .wire = WIRE_OPENAI_CHAT,
                                 .status = 402,
                                 .head = rig_head(t, 402, "retry-after: 90\r\n"),
                                 .body = STR("quota exceeded"),
                                 .unix_ms = NOW_MS };
        struct judge_words words;
        bool copilot = providers[i] == &provider_copilot;
        struct verdict v = provider_judge(providers[i], &ask, &t->arena, &words);

        CHECK_INT(v.kind, VERDICT_QUOTA_EXHAUSTED, "provider %zu", i);
        CHECK_INT(v.billing, !copilot, "provider %zu", i);
        CHECK_INT(v.group_scope, copilot, "provider %zu", i);
        CHECK_INT(v.delay_ms, 90000, "provider %zu", i);
    }
}

TEST(a_cut_stream_is_a_server_error)
{
    struct judge_ask ask = { .wire = WIRE_OPENAI_CHAT, .status = 200, .stream_cut = true };
    struct judge_words words;
    struct verdict v = provider_judge(NULL, &ask, &t->arena, &words);

    CHECK_INT(v.kind, VERDICT_SERVER_ERROR);
    CHECK(v.cut);
}

TEST(words_for_the_client_are_redacted_and_bounded)
{
    static const struct {
        const char *name, *body, *message, *type, *code, *param;
    } cases[] = {
        { "OpenAI",
          "{\"error\":{\"message\":\"Incorrect API key provided: sk-abcdefghijkl.\","
          "\"type\":\"invalid_request_error\",\"param\":\"tools[2].name\",\"code\":\"invalid_"
          "value\"}}",
          "Incorrect API key provided: sk-\xe2\x80\xa6.", "invalid_request_error", "invalid_value",
          "tools[2].name" },
        { "Anthropic", ANTHROPIC_CODE("invalid_request_error", "tool_name_conflict"), "m",
          "invalid_request_error", "tool_name_conflict", "" },
        { "Google",
          GOOGLE("400", "INVALID_ARGUMENT", "bad", INFO("SOME_REASON", "googleapis.com", "")),
          "bad", "INVALID_ARGUMENT", "SOME_REASON", "" },
        { "page", HTML("502 Bad Gateway"), "502 Bad Gateway", "", "", "" },
        { "text", "bad request: unknown field\n", "bad request: unknown field", "", "", "" },
        { "codes that are none",
          "{\"error\":{\"message\":\"m\",\"type\":\"a "
          "b\",\"code\":\"x\\ny\",\"param\":\"\\u00e9\"}}",
          "m", "", "", "" },
        { "nothing", "{\"error\":{}}", "", "", "", "" },
        { "broken", "{\"error\":", "", "", "", "" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct judge_ask ask = {
            .wire = WIRE_OPENAI_CHAT, .status = 400, .body = str_c(cases[i].body), .unix_ms = NOW_MS
        };
        struct judge_words words;

        (void)provider_judge(NULL, &ask, &t->arena, &words);
        CHECK_STR(words.message, cases[i].message, "%s", cases[i].name);
        CHECK_STR(words.type, cases[i].type, "%s", cases[i].name);
        CHECK_STR(words.code, cases[i].code, "%s", cases[i].name);
        CHECK_STR(words.param, cases[i].param, "%s", cases[i].name);
    }
}

TEST(a_message_is_shown_up_to_its_limit)
{
    for (size_t len = JUDGE_MESSAGE_MAX - 1; len <= JUDGE_MESSAGE_MAX + 1; len++) {
        struct buf body = { .max = 4096 };
        struct judge_words words;

        buf_add(&body, STR("{\"error\":{\"message\":\""));
        for (size_t i = 0; i < len; i++)
            buf_add_char(&body, i % 10 == 5 ? ' ' : 'a');
        buf_add(&body, STR("\"}}"));
        struct judge_ask ask = {
            .wire = WIRE_OPENAI_CHAT, .status = 400, .body = buf_str(&body), .unix_ms = NOW_MS
        };

        (void)provider_judge(NULL, &ask, &t->arena, &words);
        CHECK_INT(words.message.len, len < JUDGE_MESSAGE_MAX ? len : JUDGE_MESSAGE_MAX, "%zu", len);
        buf_clear(&body);
    }
}

TEST(words_are_searched_in_the_first_4_kib_of_a_text)
{
    static const char words[] = "credit balance";

    for (size_t end = 4095; end <= 4097; end++) {
        struct buf body = { .max = 8192 };
        struct judge_words shown;

        while (body.len < end - strlen(words))
            buf_add_char(&body, '.');
        buf_add(&body, str_c(words));
        struct judge_ask ask = {
            .wire = WIRE_ANTHROPIC, .status = 400, .body = buf_str(&body), .unix_ms = NOW_MS
        };
        struct verdict v = provider_judge(NULL, &ask, &t->arena, &shown);

        CHECK_INT(v.kind, end <= 4096 ? VERDICT_QUOTA_EXHAUSTED : VERDICT_CLIENT_FAULT, "%zu", end);
        buf_clear(&body);
    }
}

TEST(only_the_first_of_a_long_body_is_read)
{
    static const char error[] = "{\"error\":{\"type\":\"insufficient_quota\"}";

    for (size_t len = JUDGE_BODY_MAX - 1; len <= JUDGE_BODY_MAX + 1; len++) {
        struct buf body = { .max = 2 * JUDGE_BODY_MAX };
        struct judge_words words;

        buf_add(&body, STR("{\"error\":{\"type\":\"insufficient_quota\"}"));
        while (body.len < len - 1)
            buf_add_char(&body, ' ');
        buf_add_char(&body, '}');
        CHECK(body.len == len && len > sizeof(error));
        struct judge_ask ask = {
            .wire = WIRE_OPENAI_CHAT, .status = 429, .body = buf_str(&body), .unix_ms = NOW_MS
        };
        struct verdict v = provider_judge(NULL, &ask, &t->arena, &words);

        CHECK_INT(v.kind, len <= JUDGE_BODY_MAX ? VERDICT_QUOTA_EXHAUSTED : VERDICT_RATE_LIMITED,
                  "%zu bytes", len);
        buf_clear(&body);
    }
}

/* --- conformance cases (docs/protocols/cases.md) by their ids --------------------------------- */

TEST(C48_an_exhausted_quota_of_google_ends_at_its_timestamp)
{
    static const struct judged cases[] = {
        { "timestamp before delay", WIRE_CLOUDCODE, 429, "",
          GOOGLE("429", "RESOURCE_EXHAUSTED", "m",
                 INFO("QUOTA_EXHAUSTED", CLOUD,
                      "\"quotaResetDelay\":\"161h39m41.3s\",\"quotaResetTimeStamp\":"
                      "\"2026-11-21T10:00:00Z\"")),
          VERDICT_QUOTA_EXHAUSTED, 3600000 },
        { "the delay alone", WIRE_CLOUDCODE, 429, "",
          GOOGLE("429", "RESOURCE_EXHAUSTED", "m",
                 INFO("QUOTA_EXHAUSTED", CLOUD, "\"quotaResetDelay\":\"161h39m41.3s\"")),
          VERDICT_QUOTA_EXHAUSTED, 581981300 },
    };

    judge_all(t, cases, COUNT(cases), false);
}

TEST(C49_a_usage_limit_of_codex_ends_when_it_says)
{
    static const struct judged cases[] = {
        { "in so many seconds", WIRE_OPENAI_RESPONSES, 429, "",
          "{\"error\":{\"type\":\"usage_limit_reached\",\"message\":\"The usage limit has been "
          "reached\",\"resets_in_seconds\":3600}}",
          VERDICT_QUOTA_EXHAUSTED, 3600000 },
    };

    judge_all(t, cases, COUNT(cases), false);
}

TEST(C51_a_bad_key_of_google_is_the_accounts_fault)
{
    static const struct judged cases[] = {
        { "400 with its reason", WIRE_GEMINI, 400, "",
          GOOGLE("400", "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.",
                 INFO("API_KEY_INVALID", "googleapis.com", "")),
          VERDICT_AUTH_INVALID, -1 },
    };

    judge_all(t, cases, COUNT(cases), false);
}

TEST(C52_a_spend_limit_of_anthropic_is_a_quota)
{
    static const struct judged cases[] = {
        { "without retry-after", WIRE_ANTHROPIC, 429, "",
          ANTHROPIC_CODE("rate_limit_error", "enforced_spend_limit_reached"),
          VERDICT_QUOTA_EXHAUSTED, -1, BILLING },
    };

    judge_all(t, cases, COUNT(cases), false);
}
