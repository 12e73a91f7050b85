/* Pages of the providers' lists of models. */
#include "provider/model_page.h"

#include "base/buf.h"
#include "test.h"

/* `|openai-chat+anthropic ` */
static void put_wires(struct buf *text, uint32_t wires)
{
    bool first = true;

    for (unsigned w = 0; w < WIRES; w++)
        if (wires & WIRE_BIT(w)) {
            buf_printf(text, "%s%.*s", first ? "|" : "+", STR_ARG(wire_name((enum wire)w)));
            first = false;
        }
    buf_add(text, STR(" "));
}

/* `id|name|owner|created|in|out ` for each, then `> next`; or the error. */
static struct str read_page(struct test *t, enum model_form form, struct str body)
{
    struct model_page page;
    struct error e;
    struct buf text;

    buf_init(&text, 1 << 16);
    if (model_page_read(form, body, &t->arena, &page, &e) != OK) {
        buf_printf(&text, "%s", e.text);
    } else {
        for (size_t i = 0; i < page.count; i++) {
            const struct listed_model *m = &page.models[i];

            buf_printf(&text, "%.*s|%.*s|%.*s|%lld|%lld|%lld ", STR_ARG(m->id), STR_ARG(m->name),
                       STR_ARG(m->owner), (long long)m->created_unix_ms,
                       (long long)m->tokens_in_max, (long long)m->tokens_out_max);
            if (m->wires != 0) {
                text.len--;
                put_wires(&text, m->wires);
            }
        }
        buf_printf(&text, ">%.*s", STR_ARG(page.next));
    }
    struct str copy = arena_copy(&t->arena, buf_str(&text));

    buf_clear(&text);
    return copy;
}

TEST(pages_are_read_in_all_forms)
{
    static const struct {
        const char *name;
        enum model_form form;
        const char *body, *want;
    } cases[] = {
        { "OpenAI", MODELS_OPENAI,
          "{\"object\":\"list\",\"data\":[{\"id\":\"gpt-9\",\"object\":\"model\",\"created\":"
          "1700000000,"
          "\"owned_by\":\"openai\",\"shutdown_date\":null},{\"id\":\"o9\"}],\"has_more\":true}",
          "gpt-9||openai|1700000000000|0|0 o9|||0|0|0 >" },
        { "a router's", MODELS_OPENAI,
          "{\"data\":[{\"id\":\"a\\/b\",\"name\":\"A: B\",\"created\":\"x\",\"owned_by\":7}]}",
          "a/b|A: B||0|0|0 >" },
        { "a bare array", MODELS_OPENAI, "[{\"id\":\"x\"}]", "x|||0|0|0 >" },
        { "Ollama's empty one", MODELS_OPENAI, "{\"object\":\"list\",\"data\":null}", ">" },
        { "Anthropic, more to come", MODELS_ANTHROPIC,
          "{\"data\":[{\"type\":\"model\",\"id\":\"c-1\",\"display_name\":\"C One\","
          "\"created_at\":\"2023-11-14T22:13:20Z\",\"max_input_tokens\":200000,\"max_tokens\":"
          "64000,"
          "\"capabilities\":null},{\"type\":\"model\",\"id\":\"c-2\"}],\"has_more\":true,"
          "\"first_id\":\"c-1\",\"last_id\":\"c-2\"}",
          "c-1|C One||1700000000000|200000|64000 c-2|||0|0|0 >c-2" },
        { "Anthropic, the last one", MODELS_ANTHROPIC,
          "{\"data\":[{\"id\":\"c\"}],\"has_more\":false,\"last_id\":\"c\"}", "c|||0|0|0 >" },
        { "Gemini", MODELS_GEMINI,
          "{\"models\":[{\"name\":\"models/g\",\"displayName\":\"G\",\"inputTokenLimit\":10,"
          "\"outputTokenLimit\":-2},{\"name\":\"tunedModels/g\"}],\"nextPageToken\":\"t\"}",
          "g|G||0|10|0 tunedModels/g|||0|0|0 >t" },
        { "Gemini's empty one", MODELS_GEMINI, "{}", ">" },
        { "Copilot", MODELS_OPENAI,
          "{\"object\":\"list\",\"data\":[{\"id\":\"claude-s\",\"name\":\"Claude S\","
          "\"capabilities\":{\"limits\":{\"max_prompt_tokens\":90,\"max_output_tokens\":8}},"
          "\"supported_endpoints\":[\"/v1/messages\",\"/chat/completions\",\"/new\",7]},"
          "{\"id\":\"x\",\"capabilities\":7,\"supported_endpoints\":{}}]}",
          "claude-s|Claude S||0|90|8|openai-chat+anthropic x|||0|0|0 >" },
        { "Codex", MODELS_CODEX,
          "{\"models\":[{\"slug\":\"gpt-9-codex\",\"display_name\":\"GPT 9 Codex\","
          "\"context_window\":272000,\"visibility\":\"list\"},{\"slug\":\"own\",\"visibility\":"
          "\"none\"},{\"slug\":\"hidden\",\"visibility\":\"hide\"}]}",
          "gpt-9-codex|GPT 9 Codex||0|272000|0 hidden|||0|0|0 >" },
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK_STR(read_page(t, cases[i].form, str_c(cases[i].body)), cases[i].want, "%s",
                  cases[i].name);
}

TEST(what_is_no_list_is_refused_whole_and_named)
{
    static const struct {
        enum model_form form;
        const char *body, *want;
    } cases[] = {
        { MODELS_OPENAI, "<html>", "no JSON: " },
        { MODELS_OPENAI, "", "no JSON: " },
        { MODELS_OPENAI, "{}", "no member `data`" },
        { MODELS_OPENAI, "7", "no member `data`" },
        { MODELS_OPENAI, "{\"data\":{}}", "`data` is no list" },
        { MODELS_OPENAI, "{\"data\":[{\"id\":\"a\"},7]}", "data[1] is no object" },
        { MODELS_OPENAI, "{\"data\":[{\"id\":7}]}", "data[0].id is no name" },
        { MODELS_OPENAI, "{\"data\":[{\"id\":\"\"}]}", "data[0].id is no name" },
        { MODELS_OPENAI, "{\"data\":[{\"id\":\"a\\nb\"}]}", "data[0].id is no name" },
        { MODELS_CODEX, "{\"data\":[]}", "no member `models`" },
        { MODELS_CODEX, "{\"models\":[{\"id\":\"x\"}]}", "models[0].slug is no name" },
        { MODELS_OPENAI, "{\"data\":[{}]}", "data[0].id is no name" },
        { MODELS_ANTHROPIC, "{\"data\":[],\"has_more\":true}", "has_more is true" },
        { MODELS_GEMINI, "[]", "no member `models`" },
        { MODELS_GEMINI, "{\"models\":[{\"id\":\"a\"}]}", "models[0].name is no name" },
        { MODELS_GEMINI, "{\"models\":[{\"name\":\"models/\"}]}", "models[0].name is no name" },
        { MODELS_GEMINI, "{\"models\":[],\"nextPageToken\":7}", "nextPageToken is no text" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str got = read_page(t, cases[i].form, str_c(cases[i].body));

        CHECK(str_starts(got, str_c(cases[i].want)), "%s: %.*s", cases[i].body, STR_ARG(got));
    }
}

/* `count` models, the last one with an id of `id_bytes`. */
static struct str long_page(struct test *t, size_t count, size_t id_bytes)
{
    struct buf body;

    buf_init(&body, 1 << 20);
    buf_add(&body, STR("{\"data\":["));
    for (size_t i = 0; i + 1 < count; i++)
        buf_printf(&body, "{\"id\":\"%zu\"},", i);
    buf_add(&body, STR("{\"id\":\""));
    for (size_t i = 0; i < id_bytes; i++)
        buf_add_char(&body, 'x');
    buf_add(&body, STR("\"}]}"));
    struct str copy = arena_copy(&t->arena, buf_str(&body));

    buf_clear(&body);
    return copy;
}

TEST(pages_have_limits)
{
    struct model_page page;
    struct error e;

    CHECK_INT(
        model_page_read(MODELS_OPENAI, long_page(t, LISTED_MODELS_MAX, 1), &t->arena, &page, &e),
        OK);
    CHECK_INT(page.count, LISTED_MODELS_MAX);
    CHECK_INT(model_page_read(MODELS_OPENAI, long_page(t, LISTED_MODELS_MAX + 1, 1), &t->arena,
                              &page, &e),
              E_LIMIT);
    CHECK_INT(model_page_read(MODELS_OPENAI, long_page(t, 1, LISTED_ID_MAX), &t->arena, &page, &e),
              OK);
    CHECK_INT(page.models[0].id.len, LISTED_ID_MAX);
    CHECK_INT(
        model_page_read(MODELS_OPENAI, long_page(t, 1, LISTED_ID_MAX + 1), &t->arena, &page, &e),
        E_SYNTAX);
}
