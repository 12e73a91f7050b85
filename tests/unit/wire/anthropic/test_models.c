/* What depends on the model: thinking, forced tools, limits, sampling, the form of the answer. The
 * client's request is read as Anthropic's; `alter` makes it another client's where only that can
 * ask for such a thing. */
#include "rig.h"

#define USER "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]"
#define ASK(rest) "{\"model\":\"m\"," USER rest "}"
#define TOOL "\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":\"object\",\"properties\":{}}}]"

static void chat(struct canon_request *r, struct wire_target *t)
{
    (void)t;
    r->protocol = WIRE_OPENAI_CHAT;
}

static void chat_effort(struct canon_request *r, enum effort effort)
{
    r->protocol = WIRE_OPENAI_CHAT;
    r->reasoning = (struct reasoning){ .mode = REASONING_EFFORT, .effort = effort };
    r->where[FIELD_REASONING] = STR("reasoning_effort");
}
static void chat_minimal(struct canon_request *r, struct wire_target *t)
{
    (void)t;
    chat_effort(r, EFFORT_MINIMAL);
}
static void chat_high(struct canon_request *r, struct wire_target *t)
{
    (void)t;
    chat_effort(r, EFFORT_HIGH);
}
static void chat_max(struct canon_request *r, struct wire_target *t)
{
    (void)t;
    chat_effort(r, EFFORT_MAX);
}
static void chat_off(struct canon_request *r, struct wire_target *t)
{
    (void)t;
    r->protocol = WIRE_OPENAI_CHAT;
    r->reasoning = (struct reasoning){ .mode = REASONING_OFF };
    r->where[FIELD_REASONING] = STR("reasoning_effort");
}
static void gemini_budget(struct canon_request *r, struct wire_target *t)
{
    (void)t;
    r->protocol = WIRE_GEMINI;
    r->reasoning =
        (struct reasoning){ .mode = REASONING_BUDGET, .budget = 9000, .summary = SUMMARY_AUTO };
    r->where[FIELD_REASONING] = STR("generationConfig.thinkingConfig.thinkingBudget");
}
static void gemini_small_budget(struct canon_request *r, struct wire_target *t)
{
    gemini_budget(r, t);
    r->reasoning.budget = 100;
}
static void hot(struct canon_request *r, struct wire_target *t)
{
    (void)t;
    r->protocol = WIRE_OPENAI_CHAT;
    r->temperature = STR("1.7");
    r->where[FIELD_TEMPERATURE] = STR("temperature");
}
static void json(struct canon_request *r, struct wire_target *t)
{
    (void)t;
    r->protocol = WIRE_OPENAI_CHAT;
    r->format.kind = FORMAT_JSON;
    r->where[FIELD_FORMAT] = STR("response_format");
}
static void schema(struct canon_request *r, struct wire_target *t)
{
    (void)t;
    r->protocol = WIRE_OPENAI_CHAT;
    r->format = (struct answer_format){
        .kind = FORMAT_SCHEMA,
        .name = STR("x"),
        .schema = STR("{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}},"
                      "\"required\":[\"a\"],\"additionalProperties\":false}"),
    };
    r->where[FIELD_FORMAT] = STR("response_format");
}
static void compatible(struct canon_request *r, struct wire_target *t)
{
    (void)r;
    t->own_service = false;
}
static void no_thinking(struct canon_request *r, struct wire_target *t)
{
    (void)r;
    t->lacks.thinking = true;
}
static void counting(struct canon_request *r, struct wire_target *t)
{
    (void)r;
    t->count = true;
}
static void streaming(struct canon_request *r, struct wire_target *t)
{
    (void)r;
    t->stream = true;
}
static void emulating(struct canon_request *r, struct wire_target *t)
{
    (void)r;
    t->emulate_prefill = true;
}
static void caching(struct canon_request *r, struct wire_target *t)
{
    r->protocol = WIRE_OPENAI_CHAT;
    t->auto_cache = true;
}

/* `want` must stand in the body, `never` must not. */
struct model_case {
    const char *name, *in, *model;
    rig_alter *alter;
    const char *want, *never, *dropped, *version;
};

static void check_cases(struct test *t, const struct model_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct model_case *c = &cases[i];
        struct rig_written got = rig_write(t, c->in, c->model, c->alter);

        CHECK(got.written, "%s: %.*s %.*s", c->name, STR_ARG(got.why.param),
              STR_ARG(got.why.message));
        CHECK(str_find(got.body, str_c(c->want)) != SIZE_MAX, "%s: %.*s", c->name,
              (int)got.body.len, got.body.at);
        CHECK(c->never == NULL || str_find(got.body, str_c(c->never)) == SIZE_MAX, "%s: %.*s",
              c->name, (int)got.body.len, got.body.at);
        CHECK_STR(got.dropped, c->dropped, "%s", c->name);
        if (c->version != NULL)
            CHECK_STR(got.said.anthropic_version, c->version, "%s", c->name);
    }
}

#define OLD "claude-sonnet-4-5-20250929"

TEST(anthropic_thinking_takes_the_form_that_the_model_has)
{
    static const struct model_case cases[] = {
        { "C28: an effort is a budget", ASK(""), OLD, chat_high,
          "\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":24576},\"max_tokens\":64000",
          "effort", "", NULL },
        { "C28: a small answer leaves room for thinking", ASK(",\"max_tokens\":100"), OLD,
          chat_high, "\"budget_tokens\":24576},\"max_tokens\":25600", NULL, "max_tokens~", NULL },
        { "C28: minimal", ASK(",\"max_tokens\":4096"), OLD, chat_minimal,
          "\"budget_tokens\":1024},\"max_tokens\":4096", NULL, "", NULL },
        { "the most a model can think leaves room for an answer", ASK(""), OLD, chat_max,
          "\"budget_tokens\":62976},\"max_tokens\":64000", NULL, "reasoning_effort~", NULL },
        { "C29: an effort is one", ASK(",\"max_tokens\":100"), "claude-opus-4-6", chat_high,
          "\"thinking\":{\"type\":\"adaptive\",\"display\":\"summarized\"},\"output_config\":{"
          "\"effort\":\"high\"},\"max_tokens\":100",
          "budget", "", NULL },
        { "minimal is low", ASK(""), "claude-opus-4-7", chat_minimal, "\"effort\":\"low\"", NULL,
          "reasoning_effort~", NULL },
        { "max where it is known", ASK(""), "claude-opus-4-7", chat_max, "\"effort\":\"max\"", NULL,
          "", NULL },
        { "max where high is the most", ASK(""), "claude-opus-4-6", chat_max, "\"effort\":\"high\"",
          NULL, "reasoning_effort~", NULL },
        { "a budget below the least", ASK(""), OLD, gemini_small_budget,
          "\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":1024}", NULL,
          "generationConfig.thinkingConfig.thinkingBudget~", NULL },
        { "a budget of another client", ASK(""), "claude-opus-4-6", gemini_budget,
          "\"thinking\":{\"type\":\"adaptive\",\"display\":\"summarized\"},\"output_config\":{"
          "\"effort\":\"medium\"}",
          "budget", "generationConfig.thinkingConfig.thinkingBudget~", NULL },
        { "a budget where it is refused",
          ASK(",\"max_tokens\":40000,\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":31999}"),
          "claude-opus-5-5", NULL,
          "\"thinking\":{\"type\":\"adaptive\",\"display\":\"summarized\"},\"output_config\":{"
          "\"effort\":\"xhigh\"}",
          "budget", "thinking~", NULL },
        { "adaptive where it is not known",
          ASK(",\"max_tokens\":40000,\"thinking\":{\"type\":\"adaptive\",\"display\":"
              "\"summarized\"},\"output_config\":{\"effort\":\"high\"}"),
          OLD, NULL,
          "\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":24576},\"max_tokens\":"
          "40000",
          "effort", "thinking~", NULL },
        { "an effort alone where none is known", ASK(",\"output_config\":{\"effort\":\"low\"}"),
          OLD, NULL, "\"max_tokens\":64000", "effort", "output_config.effort", NULL },
        { "C31: off where it cannot be", ASK(",\"thinking\":{\"type\":\"disabled\"}"),
          "claude-opus-5-5", NULL, "\"output_config\":{\"effort\":\"low\"}", "\"thinking\"",
          "thinking~", NULL },
        { "off between tools", ASK(",\"thinking\":{\"type\":\"disabled\"}"), "claude-sonnet-5-5",
          NULL, "\"thinking\":{\"type\":\"between_tools\"}", NULL, "thinking~", NULL },
        { "off", ASK(",\"thinking\":{\"type\":\"disabled\"}"), "claude-opus-4-8", NULL,
          "\"thinking\":{\"type\":\"disabled\"}", NULL, "", NULL },
        { "off with more effort than goes with it",
          ASK(",\"thinking\":{\"type\":\"disabled\"},\"output_config\":{\"effort\":\"max\"}"),
          "claude-opus-5", NULL,
          "\"thinking\":{\"type\":\"disabled\"},\"output_config\":{\"effort\":\"high\"}", NULL,
          "thinking~", NULL },
        { "off of another client", ASK(""), "claude-opus-4-6", chat_off,
          "\"thinking\":{\"type\":\"disabled\"}", NULL, "", NULL },
        { "between tools where it is not known", ASK(",\"thinking\":{\"type\":\"between_tools\"}"),
          "claude-opus-5-5", NULL,
          "\"thinking\":{\"type\":\"adaptive\",\"display\":\"summarized\"}", NULL, "thinking~",
          NULL },
        { "a model that does not think", ASK(""), "claude-3-haiku-20240307", chat_high,
          "\"max_tokens\":4096", "thinking", "reasoning_effort", NULL },
        { "an account that does not take it",
          ASK(",\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":2000}"), OLD, no_thinking,
          "\"max_tokens\":64000", "thinking", "thinking", NULL },
    };
    check_cases(t, cases, COUNT(cases));
}

TEST(anthropic_thinking_is_left_out_of_a_tool_loop_that_began_without_it)
{
#define LOOP(first)                                                                              \
    "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"go\"},{\"role\":"           \
    "\"assistant\",\"content\":[" first "{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"f\","   \
    "\"input\":{}}]},{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":" \
    "\"t1\",\"content\":\"ok\"}]}],\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":2000}"   \
    "," TOOL "}"
    static const struct model_case cases[] = {
        { "signed by the model itself",
          LOOP("{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":\"EqQB\"},"), OLD, NULL,
          "\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":2000}", NULL, "", NULL },
        { "no thinking", LOOP(""), OLD, NULL, "\"max_tokens\"", "\"type\":\"enabled\"", "thinking~",
          NULL },
        { "C33: carried for Gemini",
          LOOP("{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"gw1.goo.UTJkQg\"},"), OLD,
          NULL, "\"max_tokens\"", "gw1", "thinking~", NULL },
        { "C33: Gemini's thoughts",
          LOOP("{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":\"gw1.goo.UTJkQg\"},"),
          "claude-opus-4-8", NULL, "\"max_tokens\"", "hm", "messages[1].content[0],thinking~",
          NULL },
    };
    check_cases(t, cases, COUNT(cases));
}

TEST(anthropic_forced_calls_are_kept_where_they_can_be)
{
    static const struct model_case cases[] = {
        { "C32: rather than thinking",
          ASK(",\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":2000},\"tool_choice\":{"
              "\"type\":\"any\"}," TOOL),
          OLD, NULL, "\"tool_choice\":{\"type\":\"any\"}", "\"thinking\"", "thinking~", NULL },
        { "thinking is switched off by a word where it is the default",
          ASK(",\"thinking\":{\"type\":\"adaptive\"},\"tool_choice\":{\"type\":\"tool\",\"name\":"
              "\"f\"}," TOOL),
          "claude-opus-4-8", NULL,
          "\"tool_choice\":{\"type\":\"tool\",\"name\":\"f\"},\"thinking\":{\"type\":\"disabled\"}",
          NULL, "thinking~", NULL },
        { "asked for in words", ASK(",\"tool_choice\":{\"type\":\"tool\",\"name\":\"f\"}," TOOL),
          "claude-opus-5-5", NULL,
          "\"system\":[{\"type\":\"text\",\"text\":\"Call this tool in your next answer: f\"}]",
          "\"tool\"}", "tool_choice~", NULL },
        { "some tool in words", ASK(",\"tool_choice\":{\"type\":\"any\"}," TOOL), "claude-opus-5-5",
          NULL, "\"tool_choice\":{\"type\":\"auto\"}", NULL, "tool_choice~", NULL },
        { "one call at a time needs a choice", ASK("," TOOL), "claude-opus-5-5",
          /* set by the client of another protocol */ NULL, "\"tools\":[", "tool_choice", "",
          NULL },
        { "a choice without tools",
          ASK(",\"tool_choice\":{\"type\":\"auto\","
              "\"disable_parallel_tool_use\":true}"),
          OLD, NULL, "\"max_tokens\"", "tool_choice",
          "tool_choice,tool_choice.disable_parallel_tool_use", NULL },
    };
    check_cases(t, cases, COUNT(cases));
}

TEST(anthropic_limits_are_those_of_the_model)
{
    static const struct model_case cases[] = {
        { "C01: the most there is", ASK(""), OLD, chat, "\"max_tokens\":64000", NULL, "", NULL },
        { "C01: of the newest", ASK(""), "claude-opus-5-5", chat, "\"max_tokens\":128000", NULL, "",
          NULL },
        { "of a model that nobody knows", ASK(""), "glm-5", chat, "\"max_tokens\":32000", NULL, "",
          NULL },
        { "more than there is", ASK(",\"max_tokens\":128000"), "claude-opus-4-1", NULL,
          "\"max_tokens\":32000", NULL, "max_tokens~", NULL },
    };
    check_cases(t, cases, COUNT(cases));
}

TEST(anthropic_sampling_is_sent_to_models_that_take_it)
{
    static const struct model_case cases[] = {
        { "C07: refused by the newest", ASK(",\"temperature\":0.7,\"top_p\":0.9,\"top_k\":5"),
          "claude-opus-5-5", NULL, "\"max_tokens\"", "0.7", "temperature,top_p,top_k",
          "2026-10-21" },
        { "what it is anyway", ASK(",\"temperature\":1,\"top_p\":1.0"), "claude-opus-5-5", NULL,
          "\"max_tokens\"", "temperature", "", "2026-10-21" },
        { "C08: no hotter than 1", ASK(""), OLD, hot, "\"temperature\":1", "1.7", "temperature~",
          "2023-06-01" },
        { "not both", ASK(",\"temperature\":0.7,\"top_p\":0.9"), OLD, NULL, "\"temperature\":0.7",
          "top_p", "top_p", "2023-06-01" },
        { "both in Claude 3", ASK(",\"temperature\":0.7,\"top_p\":0.9"), "claude-3-haiku-20240307",
          NULL, "\"temperature\":0.7,\"top_p\":0.9", NULL, "", "2023-06-01" },
        { "little while thinking",
          ASK(",\"max_tokens\":4000,\"temperature\":0.7,\"top_p\":0.96,\"top_k\":5,\"thinking\":{"
              "\"type\":\"enabled\",\"budget_tokens\":2000}"),
          OLD, NULL, "\"top_p\":0.96", "temperature", "temperature,top_k", "2023-06-01" },
        { "none", ASK(""), OLD, NULL, "\"max_tokens\"", NULL, "", "2026-10-21" },
        { "of a server that is merely compatible", ASK(""), OLD, compatible, "\"max_tokens\"", NULL,
          "", "2023-06-01" },
    };
    check_cases(t, cases, COUNT(cases));
}

TEST(anthropic_json_is_asked_for_in_the_way_the_model_knows)
{
#define SCHEMA_OUT                                                                            \
    "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}},\"required\":[\"a\"]," \
    "\"additionalProperties\":false}"
    static const struct model_case cases[] = {
        { "any JSON", ASK(""), OLD, json,
          "\"system\":[{\"type\":\"text\",\"text\":\"Answer with a single JSON object", "tool",
          "response_format~", NULL },
        { "a schema", ASK(""), OLD, schema,
          "\"output_config\":{\"format\":{\"type\":\"json_schema\",\"schema\":" SCHEMA_OUT "}}",
          "tool", "", NULL },
        { "a schema, by a tool", ASK(""), "claude-sonnet-4-20250514", schema,
          "\"tools\":[{\"name\":\"json_response\",\"description\":\"Gives the answer as JSON.\","
          "\"input_schema\":" SCHEMA_OUT "}],\"tool_choice\":{\"type\":\"tool\",\"name\":\"json_"
          "response\"}",
          "format", "", NULL },
        { "a schema beside tools", ASK("," TOOL), "claude-sonnet-4-20250514", schema,
          "\"name\":\"json_response\"", "\"type\":\"tool\"", "", NULL },
        { "a schema beside a forced tool", ASK(",\"tool_choice\":{\"type\":\"any\"}," TOOL),
          "claude-sonnet-4-20250514", schema,
          "The JSON object must fit this JSON Schema: {\\\"type", "json_response",
          "response_format~", NULL },
    };
    check_cases(t, cases, COUNT(cases));
    CHECK_STR(rig_write(t, ASK(""), "claude-sonnet-4-20250514", schema).said.json_tool,
              "json_response");
    CHECK_STR(rig_write(t,
                        ASK(",\"tools\":[{\"name\":\"json_response\",\"input_schema\":{\"type\":"
                            "\"object\"}}]"),
                        "claude-sonnet-4-20250514", schema)
                  .said.json_tool,
              "json_response_2");
    CHECK_STR(rig_write(t, ASK(""), OLD, schema).said.json_tool, "");
}

TEST(anthropic_conversations_that_end_with_the_assistant)
{
#define PREFILL                                                                        \
    "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"go\"},{\"role\":" \
    "\"assistant\",\"content\":\"One two \\n\"}]}"
    static const struct model_case cases[] = {
        { "are continued", PREFILL, OLD, NULL, "\"text\":\"One two\"}]}]", NULL, "", NULL },
        { "are not thought about",
          "{\"model\":\"m\",\"max_tokens\":4000,\"thinking\":{\"type\":\"enabled\",\"budget_"
          "tokens\":"
          "2000},\"messages\":[{\"role\":\"user\",\"content\":\"go\"},{\"role\":\"assistant\","
          "\"content\":\"One\"}]}",
          OLD, NULL, "\"text\":\"One\"}]}]", "thinking", "thinking~", NULL },
        { "are continued in words", PREFILL, "claude-opus-4-8", emulating,
          "\"text\":\"One two \\n\"}]},{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
          "\"Continue",
          NULL, "messages[1]~", NULL },
    };
    struct rig_written refused = rig_write(t, PREFILL, "claude-opus-4-8", NULL);

    check_cases(t, cases, COUNT(cases));
    CHECK(!refused.written);
    CHECK_STR(refused.why.param, "messages");
    CHECK_STR(rig_write(t, PREFILL, "claude-opus-4-8", emulating).said.prefill.escaped,
              "One two \\n");
}

TEST(anthropic_counting_asks_for_no_answer)
{
    struct rig_written got =
        rig_write(t,
                  ASK(",\"max_tokens\":5,\"stream\":true,\"stop_sequences\":[\"x\"],\"metadata\":{"
                      "\"user_id\":"
                      "\"u\"},\"system\":\"s\",\"thinking\":{\"type\":\"adaptive\"}," TOOL),
                  "claude-opus-4-8", counting);

    CHECK_STR(
        got.body,
        "{\"model\":\"claude-opus-4-8\",\"system\":[{\"type\":\"text\",\"text\":\"s\"}],"
        "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]}],"
        "\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":\"object\",\"properties\":{}}}],"
        "\"thinking\":{\"type\":\"adaptive\",\"display\":\"summarized\"}}");
}

TEST(anthropic_streams_are_asked_for_by_the_target)
{
    CHECK(str_ends(rig_write(t, ASK(",\"stream\":true"), OLD, NULL).body, STR("64000}")));
    CHECK(str_ends(rig_write(t, ASK(""), OLD, streaming).body, STR("\"stream\":true}")));
}

TEST(anthropic_tools_of_a_history_are_declared)
{
    struct rig_written got = rig_write(
        t,
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"go\"},{\"role\":"
        "\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"f\",\"input\":{}"
        "},"
        "{\"type\":\"tool_use\",\"id\":\"b\",\"name\":\"f\",\"input\":{}}]},{\"role\":\"user\","
        "\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"b\"},{\"type\":\"tool_result\","
        "\"tool_use_id\":\"a\",\"content\":\"\"}]}]}",
        OLD, NULL);

    CHECK(str_find(got.body, STR("\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":\"object\","
                                 "\"properties\":{}}}],\"tool_choice\":{\"type\":\"none\"}")) !=
              SIZE_MAX,
          "%.*s", (int)got.body.len, got.body.at);
    CHECK(str_find(got.body, STR("[{\"type\":\"tool_result\",\"tool_use_id\":\"a\"},{\"type\":"
                                 "\"tool_result\",\"tool_use_id\":\"b\"}]")) != SIZE_MAX,
          "%.*s", (int)got.body.len, got.body.at);
}

TEST(anthropic_results_that_are_errors_say_something)
{
    struct rig_written got = rig_write(
        t,
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"go\"},{\"role\":"
        "\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"f\",\"input\":{}"
        "}"
        "]},{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"a\","
        "\"is_error\":true}]}]," TOOL "}",
        OLD, NULL);

    CHECK(str_find(got.body,
                   STR("\"tool_use_id\":\"a\",\"content\":\"(empty)\",\"is_error\":true}")) !=
              SIZE_MAX,
          "%.*s", (int)got.body.len, got.body.at);
}

TEST(anthropic_cache_marks_of_ours_stand_where_the_next_request_begins_to_differ)
{
    struct rig_written got = rig_write(
        t,
        "{\"model\":\"m\",\"max_tokens\":5,\"system\":[{\"type\":\"text\",\"text\":\"a\"},{"
        "\"type\":"
        "\"text\",\"text\":\"b\"}],\"messages\":[{\"role\":\"user\",\"content\":\"1\"},{\"role\":"
        "\"assistant\",\"content\":\"2\"},{\"role\":\"user\",\"content\":\"3\"},{\"role\":"
        "\"assistant\",\"content\":\"4\"},{\"role\":\"user\",\"content\":[{\"type\":\"text\","
        "\"text\":"
        "\"5\"},{\"type\":\"text\",\"text\":\"6\"}]}]," TOOL "}",
        OLD, caching);
#define MARK ",\"cache_control\":{\"type\":\"ephemeral\"}"
#define PART(text) "{\"type\":\"text\",\"text\":\"" text "\""
    CHECK_STR(
        got.body, "{\"model\":\"" OLD "\",\"system\":[" PART("a") "}," PART("b") MARK
        "}],\"messages\":[{\"role\":\"user\",\"content\":[" PART(
            "1") "}]},{\"role\":\"assistant\",\"content\":[" PART("2") "}]},{\"role\":\"user\","
                                                                       "\"content\":[" PART("3")
                                                                           MARK
        "}]},{\"role\":\"assistant\",\"content\":[" PART(
            "4") "}]},{\"role\":\"user\",\"content\":[" PART("5") "}," PART("6") MARK
        "}]}],\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":\"object\",\"properties\":{"
        "}}" MARK "}],\"max_tokens\":5}");
}

TEST(anthropic_stop_sequences_of_blanks_are_watched_for_here)
{
    struct rig_written got =
        rig_write(t, ASK(",\"stop_sequences\":[\"a\",\" \\n\",\"b\"]"), OLD, NULL);

    CHECK(str_find(got.body, STR("\"stop_sequences\":[\"a\",\"b\"]")) != SIZE_MAX);
    CHECK_INT(got.stops_watched, 1);
}
