/* What access records become: rows by model, provider and outcome, with a ceiling. */
#include "exchange/meter.h"
#include "test.h"

static struct access_attempt attempt_of(const char *provider, enum verdict_kind verdict)
{
    static const struct pick only = { .reason = PICK_NONE };

    return (struct access_attempt){ .number = 1,
                                    .pick = &only,
                                    .provider = str_c(provider),
                                    .verdict = verdict,
                                    .duration_ms = 30,
                                    .first_byte_ms = 15,
                                    .usage = usage_unknown() };
}

static struct access_record record_of(const char *model, enum ending ending,
                                      const struct access_attempt *attempts, uint32_t count)
{
    return (struct access_record){ .protocol = STR("openai-chat"),
                                   .path = STR("/v1/chat/completions"),
                                   .model = str_c(model),
                                   .mapped_model = str_c(model),
                                   .provider = count > 0 ? attempts[count - 1].provider : STR(""),
                                   .ending = ending,
                                   .usage = usage_unknown(),
                                   .duration_ms = 45,
                                   .first_byte_ms = 20,
                                   .attempts = attempts,
                                   .attempt_count = count,
                                   .attempts_kept = count };
}

/* As a worker does, with the kinds that it keeps. */
static void add(struct meter *m, struct record_kinds *kinds, const struct access_record *r)
{
    meter_add(m, r, record_kind_find(kinds, r));
}

static struct str told(struct test *t, struct meter *const *all, size_t count)
{
    struct buf out = { .max = (size_t)16 << 20 };
    struct metric_text m = { .out = &out };

    meters_put(&m, all, count, false);
    CHECK(!m.full);
    struct str text = arena_copy(&t->arena, buf_str(&out));

    buf_clear(&out);
    return text;
}

#define HAS(text, line) CHECK(str_find(text, STR(line "\n")) != SIZE_MAX, "no line %s", line)

TEST(a_record_is_told_by_model_provider_and_outcome)
{
    struct meter *m = meter_new();
    struct record_kinds *kinds = record_kinds_new();
    struct access_attempt tries[] = { attempt_of("openai", VERDICT_RATE_LIMITED),
                                      attempt_of("gemini", VERDICT_SUCCESS) };
    struct pick sticky = { .reason = PICK_STICKY }, other = { .reason = PICK_ROUND_ROBIN };

    tries[0].locks.scope = "account";
    tries[0].pick = &sticky;
    other.skipped[SKIP_TRIED] = 1;
    tries[1].pick = &other;
    tries[1].waited_ms = 250;
    tries[1].usage = (struct usage){ .in = 100, .out = 11, .cache_read = 60, .reasoning = 5 };
    struct access_record r = record_of("m", ENDING_COMPLETE, tries, 2);

    r.stream = true;
    r.usage = tries[1].usage;
    r.client_key = STR("ci");
    r.bytes_in = 7;
    add(m, kinds, &r);
    struct str text = told(t, &m, 1);

    HAS(text, "penstock_requests_total{protocol=\"openai-chat\",operation=\"chat\",model=\"m\","
              "provider=\"gemini\",ending=\"complete\"} 1");
    HAS(text, "penstock_attempt_verdicts_total{operation=\"chat\",model=\"m\",provider=\"openai\","
              "verdict=\"rate_limited\"} 1");
    HAS(text, "gen_ai_client_operation_duration_seconds_count{gen_ai_operation_name=\"chat\","
              "gen_ai_provider_name=\"openai\",gen_ai_request_model=\"m\",error_type=\"rate_"
              "limited\"} 1");
    HAS(text, "gen_ai_client_token_usage_sum{gen_ai_operation_name=\"chat\",gen_ai_provider_name="
              "\"gcp.gemini\",gen_ai_request_model=\"m\",gen_ai_token_type=\"input\"} 100");
    HAS(text, "penstock_tokens_detail_total{operation=\"chat\",model=\"m\",provider=\"gemini\","
              "verdict=\"success\",kind=\"cache_read\"} 60");
    /* 25 ms for ten tokens behind the first */
    HAS(text, "gen_ai_server_time_per_output_token_seconds_sum{gen_ai_operation_name=\"chat\","
              "gen_ai_provider_name=\"gcp.gemini\",gen_ai_request_model=\"m\",protocol=\"openai-"
              "chat\"} 0.002500");
    HAS(text, "penstock_picks_total{reason=\"sticky\"} 1");
    HAS(text, "penstock_skips_total{reason=\"tried\"} 1");
    HAS(text, "penstock_lockouts_total{reason=\"rate_limited\"} 1");
    HAS(text, "penstock_wait_seconds_total 0.250");
    HAS(text, "penstock_client_key_tokens_total{client_key=\"ci\",type=\"output\"} 11");
    meter_free(m);
    record_kinds_free(kinds);
}

TEST(the_sum_of_workers_is_one_row)
{
    struct meter *all[] = { meter_new(), meter_new(), meter_new() };
    struct record_kinds *kinds[] = { record_kinds_new(), record_kinds_new(), record_kinds_new() };
    struct access_attempt a = attempt_of("openai", VERDICT_SUCCESS);

    for (int i = 0; i < 30; i++) {
        struct access_record r = record_of(i % 2 == 0 ? "even" : "odd", ENDING_COMPLETE, &a, 1);

        add(all[i % 3], kinds[i % 3], &r);
    }
    struct str text = told(t, all, 3);

    HAS(text, "penstock_requests_total{protocol=\"openai-chat\",operation=\"chat\",model=\"even\","
              "provider=\"openai\",ending=\"complete\"} 15");
    HAS(text, "penstock_requests_total{protocol=\"openai-chat\",operation=\"chat\",model=\"odd\","
              "provider=\"openai\",ending=\"complete\"} 15");
    for (size_t i = 0; i < COUNT(all); i++) {
        meter_free(all[i]);
        record_kinds_free(kinds[i]);
    }
}

/* Sum of the samples of a counter. */
static uint64_t total(struct str text, const char *name)
{
    struct str rest = text, line, value;
    uint64_t sum = 0, n;

    while (rest.len > 0) {
        (void)str_cut(rest, '\n', &line, &rest);
        if (!str_starts(line, str_c(name)))
            continue;
        size_t blank = line.len;

        while (blank > 0 && line.at[blank - 1] != ' ')
            blank--;
        value = str_drop(line, blank);
        sum += str_to_u64(value, &n) ? n : 0;
    }
    return sum;
}

TEST(names_that_clients_make_up_cannot_grow_the_metrics)
{
    struct meter *m = meter_new();
    struct record_kinds *kinds = record_kinds_new();
    struct access_attempt bad = attempt_of("openai", VERDICT_MODEL_MISSING);
    struct access_attempt good = attempt_of("openai", VERDICT_SUCCESS);
    char name[32];

    for (int i = 0; i < 5 * METER_ROWS_MAX; i++) {
        snprintf(name, sizeof(name), "made-up-%d", i);
        struct access_record r = record_of(name, ENDING_REQUEST_WRONG, &bad, 1);

        add(m, kinds, &r);
    }
    struct access_record r = record_of("real", ENDING_COMPLETE, &good, 1);

    add(m, kinds, &r);
    for (int i = 0; i < 5 * METER_ROWS_MAX; i++) {
        snprintf(name, sizeof(name), "good-%d", i);
        r = record_of(name, ENDING_COMPLETE, &good, 1);
        add(m, kinds, &r);
    }
    r = record_of("not \xff text", ENDING_COMPLETE, &good, 1);
    add(m, kinds, &r);
    struct str text = told(t, &m, 1);

    CHECK_INT(total(text, "penstock_requests_total{"), 10 * METER_ROWS_MAX + 2, "none is lost");
    CHECK_INT(total(text, "penstock_attempt_verdicts_total{"), 10 * METER_ROWS_MAX + 2);
    HAS(text, "penstock_requests_total{protocol=\"openai-chat\",operation=\"chat\",model=\"real\","
              "provider=\"openai\",ending=\"complete\"} 1");
    size_t lines = 0, at = 0, found;

    while ((found = str_find(str_drop(text, at), STR("penstock_requests_total{"))) != SIZE_MAX) {
        lines++;
        at += found + 1;
    }
    CHECK(lines <= METER_ROWS_MAX + 1, "%zu", lines);
    CHECK(total(text, "penstock_metrics_other_total ") > 0);
    meter_free(m);
    record_kinds_free(kinds);
}

TEST(more_rows_than_can_be_told_are_told_as_one_model)
{
    struct access_attempt good = attempt_of("openai", VERDICT_SUCCESS);
    struct meter *all[2] = { meter_new(), meter_new() };
    struct record_kinds *kinds[2] = { record_kinds_new(), record_kinds_new() };
    char name[32];

    for (int i = 0; i < METER_TOLD_MAX + 1; i++) {
        snprintf(name, sizeof(name), "model-%d", i);
        struct access_record r = record_of(name, ENDING_COMPLETE, &good, 1);

        if (i == METER_TOLD_MAX) {
            struct str text = told(t, all, 2);

            CHECK(str_find(text, STR("model=\"model-0\"")) != SIZE_MAX);
            CHECK(str_find(text, STR("model=\"model-999\"")) != SIZE_MAX);
        }
        add(all[i % 2], kinds[i % 2], &r);
    }
    struct access_attempt bad = attempt_of("openai", VERDICT_MODEL_MISSING);
    struct access_record r = record_of("model-1", ENDING_REQUEST_WRONG, &bad, 1);

    add(all[0], kinds[0], &r);
    struct str text = told(t, all, 2);

    CHECK(str_find(text, STR("model-")) == SIZE_MAX);
    HAS(text, "penstock_requests_total{protocol=\"openai-chat\",operation=\"chat\",model=\"other\","
              "provider=\"openai\",ending=\"complete\"} 1001");
    HAS(text, "penstock_requests_total{protocol=\"openai-chat\",operation=\"chat\",model=\"other\","
              "provider=\"openai\",ending=\"request_wrong\"} 1");
    CHECK_INT(total(text, "penstock_attempt_verdicts_total{"), METER_TOLD_MAX + 2);
    CHECK_INT(total(text, "gen_ai_server_request_duration_seconds_count{"), METER_TOLD_MAX + 2);
    CHECK_INT(total(text, "gen_ai_client_operation_duration_seconds_count{"), METER_TOLD_MAX + 2);
    for (int i = 0; i < 2; i++) {
        meter_free(all[i]);
        record_kinds_free(kinds[i]);
    }
}

TEST(what_was_asked_is_told_in_the_words_of_opentelemetry)
{
    static const struct {
        const char *protocol, *path, *want;
    } cases[] = {
        { "openai-chat", "/v1/chat/completions", "chat" },
        { "openai-chat", "/v1/completions", "text_completion" },
        { "openai-chat", "/v1/embeddings", "embeddings" },
        { "openai-responses", "/v1/responses", "chat" },
        { "openai-responses", "/v1/responses/input_tokens", "count_tokens" },
        { "anthropic", "/v1/messages", "chat" },
        { "anthropic", "/v1/messages/count_tokens", "count_tokens" },
        { "gemini", "/v1beta/models/m:generateContent", "generate_content" },
        { "gemini", "/v1beta/models/m:batchEmbedContents", "embeddings" },
        { "gemini", "/v1beta/models/m:countTokens", "count_tokens" },
        { "gemini", "", "generate_content" },
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK_STR(gen_ai_operation(str_c(cases[i].protocol), str_c(cases[i].path)), cases[i].want,
                  "%s", cases[i].path);
}

TEST(a_kind_of_request_has_attempts_of_any_outcome)
{
    struct meter *m = meter_new();
    struct record_kinds *kinds = record_kinds_new();
    struct access_attempt one[] = { attempt_of("openai", VERDICT_RATE_LIMITED),
                                    attempt_of("openai", VERDICT_SUCCESS) };
    struct access_attempt other[] = { attempt_of("gemini", VERDICT_RATE_LIMITED),
                                      attempt_of("openai", VERDICT_SUCCESS) };

    for (int i = 0; i < 12; i++) {
        struct access_record r = record_of("m", ENDING_COMPLETE, i % 3 == 0 ? other : one, 2);

        add(m, kinds, &r);
    }
    struct str text = told(t, &m, 1);

    HAS(text, "penstock_attempt_verdicts_total{operation=\"chat\",model=\"m\",provider=\"openai\","
              "verdict=\"rate_limited\"} 8");
    HAS(text, "penstock_attempt_verdicts_total{operation=\"chat\",model=\"m\",provider=\"gemini\","
              "verdict=\"rate_limited\"} 4");
    HAS(text, "penstock_attempt_verdicts_total{operation=\"chat\",model=\"m\",provider=\"openai\","
              "verdict=\"success\"} 12");
    meter_free(m);
    record_kinds_free(kinds);
}
