/* Errors in each provider's words, with its hints. */
#include "sim_rig.h"

static const enum wire wires[] = { WIRE_OPENAI_CHAT, WIRE_OPENAI_RESPONSES, WIRE_ANTHROPIC,
                                   WIRE_GEMINI };

TEST(each_error_has_the_status_and_words_of_its_provider)
{
    static const struct {
        const char *word;
        int status[3]; /* openai, anthropic, gemini */
        const char *openai_code, *anthropic_type, *gemini_status;
    } cases[] = {
        { "rate_limit",
          { 429, 429, 429 },
          "rate_limit_exceeded",
          "rate_limit_error",
          "RESOURCE_EXHAUSTED" },
        { "quota",
          { 429, 429, 429 },
          "insufficient_quota",
          "rate_limit_error",
          "RESOURCE_EXHAUSTED" },
        { "key", { 401, 401, 400 }, "invalid_api_key", "authentication_error", "INVALID_ARGUMENT" },
        { "forbidden",
          { 403, 403, 403 },
          "insufficient_permissions",
          "permission_error",
          "PERMISSION_DENIED" },
        { "overloaded",
          { 503, 529, 503 },
          "server_is_overloaded",
          "overloaded_error",
          "UNAVAILABLE" },
        { "context",
          { 400, 400, 400 },
          "context_length_exceeded",
          "invalid_request_error",
          "INVALID_ARGUMENT" },
        { "model", { 404, 404, 404 }, "model_not_found", "not_found_error", "NOT_FOUND" },
        { "server", { 500, 500, 500 }, "null", "api_error", "INTERNAL" },
        { "timeout", { 504, 504, 504 }, "null", "timeout_error", "DEADLINE_EXCEEDED" },
        { "billing",
          { 429, 402, 402 },
          "credit_balance_exhausted",
          "billing_error",
          "RESOURCE_EXHAUSTED" },
        { "too_large", { 413, 413, 413 }, "null", "request_too_large", "INVALID_ARGUMENT" },
    };
    struct rig rig;

    rig_open(&rig, t, "");
    for (size_t i = 0; i < COUNT(cases); i++)
        for (size_t w = 0; w < COUNT(wires); w++)
            for (int stream = 0; stream < 2; stream++) {
                struct str prompt = arena_printf(&t->arena, "[[sim: error=%s]]", cases[i].word);
                struct heard h;
                int status = rig_hear(&rig, wires[w], stream == 1, prompt.at, "", &h);
                struct str body = h.text;

                CHECK_INT(status, cases[i].status[w < 2 ? 0 : w - 1], "%s, %s", cases[i].word,
                          wire_name(wires[w]).at);
                if (w < 2)
                    CHECK_STR(json_at(t, body, "error.code"), cases[i].openai_code, "%s",
                              cases[i].word);
                else
                    CHECK_STR(json_at(t, body, w == 2 ? "error.type" : "error.status"),
                              w == 2 ? cases[i].anthropic_type : cases[i].gemini_status, "%s",
                              cases[i].word);
                CHECK(json_at(t, body, "error.message").len > 5, "%s", cases[i].word);
                if (w == 2)
                    CHECK_STR(json_at(t, body, "type"), "error", "%s", cases[i].word);
                if (w == 3)
                    CHECK_STRS(json_at(t, body, "error.code"),
                               arena_printf(&t->arena, "%d", status), "%s", cases[i].word);
            }
    rig_close(&rig);
}

TEST(a_bare_status_gets_the_words_that_belong_to_it)
{
    static const struct {
        int status;
        const char *type;
    } cases[] = {
        { 401, "authentication_error" },
        { 403, "permission_error" },
        { 404, "not_found_error" },
        { 429, "rate_limit_error" },
        { 500, "api_error" },
        { 503, "overloaded_error" },
        { 529, "overloaded_error" },
        { 418, "invalid_request_error" },
    };
    struct rig rig;

    rig_open(&rig, t, "");
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str prompt = arena_printf(&t->arena, "[[sim: status=%d]]", cases[i].status);
        struct heard h;

        CHECK_INT(rig_hear(&rig, WIRE_ANTHROPIC, true, prompt.at, "", &h), cases[i].status);
        CHECK_STR(json_at(t, h.text, "error.type"), cases[i].type, "%d", cases[i].status);
    }
    rig_close(&rig);
}

static struct response ask(struct rig *rig, enum wire wire, const char *prompt)
{
    return rig_post(rig, rig_target(wire, true), rig_ask(rig->t, wire, true, prompt, ""));
}

TEST(hints_stand_where_the_provider_has_them)
{
    static const char prompt[] = "[[sim: status=429 retry-after=90.5s reset-in=3661s]]";
    struct rig rig;
    struct response r;

    rig_open(&rig, t, "");
    r = ask(&rig, WIRE_OPENAI_CHAT, prompt);
    CHECK_STR(reply_header(&r, "retry-after"), "91");
    CHECK_STR(reply_header(&r, "x-ratelimit-reset-requests"), "1h1m1s");
    CHECK_STR(reply_header(&r, "x-ratelimit-remaining-requests"), "0");
    CHECK_STR(json_at(t, buf_str(&r.reply.body), "error.message"),
              "Rate limit reached for requests. Please try again in 1m30.5s.");
    respond_clear(&r);

    r = ask(&rig, WIRE_ANTHROPIC, prompt);
    CHECK_STR(reply_header(&r, "retry-after"), "91");
    CHECK_STR(reply_header(&r, "anthropic-ratelimit-requests-reset"), "2027-01-15T09:01:01Z");
    CHECK(str_starts(reply_header(&r, "request-id"), STR("req_")));
    respond_clear(&r);

    r = ask(&rig, WIRE_GEMINI, prompt);
    CHECK_STR(reply_header(&r, "retry-after"), "-");
    CHECK_STR(json_at(t, buf_str(&r.reply.body), "error.details.0.violations.0.quotaId"),
              "GenerateRequestsPerMinutePerProjectPerModel");
    CHECK_STR(json_at(t, buf_str(&r.reply.body), "error.details.1.retryDelay"), "90.500s");
    CHECK(str_ends(json_at(t, buf_str(&r.reply.body), "error.message"),
                   STR("Please retry in 1m30.5s.")));
    respond_clear(&r);
    rig_close(&rig);
}

TEST(one_form_of_the_hint_can_be_chosen)
{
    static const struct {
        const char *hint, *header, *value;
        bool in_text;
    } cases[] = {
        { "header", "retry-after", "2", false },
        { "ms", "retry-after-ms", "1500", false },
        { "date", "retry-after", "Fri, 15 Jan 2027 08:00:01 GMT", false },
        { "text", "retry-after", "-", true },
        { "none", "retry-after", "-", false },
        { "details", "retry-after", "-", false },
    };
    struct rig rig;

    rig_open(&rig, t, "");
    for (size_t i = 0; i < COUNT(cases); i++)
        for (size_t w = 0; w < COUNT(wires); w++) {
            struct str prompt = arena_printf(
                &t->arena, "[[sim: status=429 retry-after=1500ms hint=%s]]", cases[i].hint);
            struct response r = ask(&rig, wires[w], prompt.at);
            struct str body = buf_str(&r.reply.body);

            CHECK_STR(reply_header(&r, cases[i].header), cases[i].value, "%s, %s", cases[i].hint,
                      wire_name(wires[w]).at);
            CHECK_INT(str_find(body, STR("1.5s")) != SIZE_MAX, cases[i].in_text, "%s, %s",
                      cases[i].hint, wire_name(wires[w]).at);
            CHECK_INT(str_find(body, STR("RetryInfo")) != SIZE_MAX,
                      wires[w] == WIRE_GEMINI && strcmp(cases[i].hint, "details") == 0, "%s, %s",
                      cases[i].hint, wire_name(wires[w]).at);
            respond_clear(&r);
        }
    rig_close(&rig);
}

TEST(errors_inside_a_good_stream_come_where_they_were_asked_for)
{
    static const char *const words[] = { "server_is_overloaded", "server_is_overloaded",
                                         "overloaded_error", "UNAVAILABLE" };
    static const char *const chat_type = "service_unavailable_error";
    struct rig rig;

    rig_open(&rig, t, "");
    for (size_t w = 0; w < COUNT(wires); w++) {
        const char *want = wires[w] == WIRE_OPENAI_CHAT ? chat_type : words[w];
        struct heard h;

        CHECK_INT(rig_hear(&rig, wires[w], true, "[[sim: error-event]]", "", &h), 200);
        CHECK_STR(h.error, want, "%s, first", wire_name(wires[w]).at);
        CHECK_STR(h.fault, "", "%s, first", wire_name(wires[w]).at);
        CHECK_STR(h.id, "", "%s, first", wire_name(wires[w]).at);
        rig_hear(&rig, wires[w], true, "[[sim: error-event=handshake]]", "", &h);
        CHECK_STR(h.error, want, "%s, handshake", wire_name(wires[w]).at);
        CHECK_STR(h.fault, "", "%s, handshake", wire_name(wires[w]).at);
        CHECK_STR(h.text, "", "%s, handshake", wire_name(wires[w]).at);
        CHECK_INT(h.id.len > 0, wires[w] != WIRE_GEMINI, "%s, handshake", wire_name(wires[w]).at);
        rig_hear(&rig, wires[w], true, "[[sim: error-event=content text=0123456789 chunk=1]]", "",
                 &h);
        CHECK_STR(h.error, want, "%s, content", wire_name(wires[w]).at);
        CHECK_STR(h.fault, "", "%s, content", wire_name(wires[w]).at);
        CHECK(h.deltas > 2 && h.deltas < 10, "%s, content", wire_name(wires[w]).at);
        CHECK(!h.ended, "%s, content", wire_name(wires[w]).at);
    }
    rig_close(&rig);
}

TEST(errors_inside_a_good_answer_keep_its_status)
{
    struct rig rig;
    struct response r;

    rig_open(&rig, t, "");
    r = rig_post(&rig, "/v1/chat/completions",
                 rig_ask(t, WIRE_OPENAI_CHAT, false, "[[sim: error-event error=quota]]", ""));
    CHECK_INT(r.reply.status, 200);
    CHECK_STR(json_at(t, buf_str(&r.reply.body), "error.code"), "insufficient_quota");
    respond_clear(&r);
    r = rig_post(&rig, "/v1beta/models/m:streamGenerateContent",
                 rig_ask(t, WIRE_GEMINI, true, "[[sim: error-event=content]]", ""));
    CHECK_STR(json_at(t, buf_str(&r.reply.body), "0.modelVersion"), "m");
    CHECK(str_find(buf_str(&r.reply.body), STR("UNAVAILABLE")) != SIZE_MAX);
    CHECK(str_ends(buf_str(&r.reply.body), STR("]")));
    respond_clear(&r);
    rig_close(&rig);
}

TEST(streams_can_be_spoiled)
{
    static const struct {
        const char *word;
        const char *fault[4]; /* NULL: the grammar holds as far as it goes */
        bool ended;
    } cases[] = {
        { "no-terminator", { NULL, NULL, NULL, NULL }, false },
        { "no-terminator=last", { NULL, NULL, NULL, NULL }, false },
        { "empty-stream", { NULL, NULL, NULL, NULL }, false },
        { "bad-json", { "not JSON", "event:", "event:", "not JSON" }, true },
        { "comments=3", { NULL, NULL, NULL, NULL }, true },
        { "eol=crlf", { NULL, NULL, NULL, NULL }, true },
        { "eol=cr", { NULL, NULL, NULL, NULL }, true },
        { "eol=lf", { NULL, NULL, NULL, NULL }, true },
    };
    struct rig rig;

    rig_open(&rig, t, "");
    for (size_t i = 0; i < COUNT(cases); i++)
        for (size_t w = 0; w < COUNT(wires); w++) {
            struct str prompt = arena_printf(&t->arena, "[[sim: text=abc %s]]", cases[i].word);
            const char *fault = cases[i].fault[w];
            struct heard h;

            CHECK_INT(rig_hear(&rig, wires[w], true, prompt.at, "", &h), 200);
            CHECK(fault == NULL ? h.fault.len == 0 : str_starts(h.fault, str_c(fault)),
                  "%s, %s: %.*s", cases[i].word, wire_name(wires[w]).at, STR_ARG(h.fault));
            CHECK_INT(h.ended, cases[i].ended, "%s, %s", cases[i].word, wire_name(wires[w]).at);
        }
    rig_close(&rig);
}

TEST(garbage_is_no_answer_at_all)
{
    struct rig rig;
    struct response r;

    rig_open(&rig, t, "");
    r = ask(&rig, WIRE_ANTHROPIC, "[[sim: garbage=html status=520]]");
    CHECK_INT(r.reply.status, 520);
    CHECK_STR(reply_header(&r, "content-type"), "text/html; charset=utf-8");
    respond_clear(&r);
    r = ask(&rig, WIRE_ANTHROPIC, "[[sim: garbage=json]]");
    CHECK_INT(r.reply.status, 200);
    CHECK_STR(json_at(t, buf_str(&r.reply.body), "this"), "not JSON");
    respond_clear(&r);
    r = ask(&rig, WIRE_ANTHROPIC, "[[sim: garbage]]");
    CHECK(r.reply.raw);
    respond_clear(&r);
    rig_close(&rig);
}

TEST(headers_can_be_added_to_good_and_bad_answers)
{
    static const char *const prompts[] = { "[[sim: header=\"X-Codex-A: 4 0\"]]",
                                           "[[sim: header=\"X-Codex-A: 4 0\" status=500]]" };
    struct rig rig;

    rig_open(&rig, t, "");
    for (size_t i = 0; i < COUNT(prompts); i++) {
        struct response r = ask(&rig, WIRE_OPENAI_RESPONSES, prompts[i]);

        CHECK_STR(reply_header(&r, "x-codex-a"), "4 0");
        respond_clear(&r);
    }
    rig_close(&rig);
}
