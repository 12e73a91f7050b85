/* What servers of this protocol do that is in no document, and what comes of it. */
#include "chat_rig.h"

#define CHAT WIRE_OPENAI_CHAT
#define CHOICE(index, delta, reason)                                                       \
    "{\"id\":\"up\",\"model\":\"gpt\",\"choices\":[{\"index\":" index ",\"delta\":{" delta \
    "},\"finish_reason\":" reason "}]}\n"
#define SAID(delta) CHOICE("0", delta, "null")
#define STOP(reason) CHOICE("0", "", "\"" reason "\"")
#define CALLS(calls) SAID("\"tool_calls\":[" calls "]")
#define BEGIN(at, id, name, args)                                                        \
    "{" at id "\"type\":\"function\",\"function\":{\"name\":\"" name "\",\"arguments\":" \
    "\"" args "\"}}"
#define MORE(at, args) "{" at "\"function\":{\"arguments\":\"" args "\"}}"
#define AT(n) "\"index\":" n ","
#define ID(id) "\"id\":\"" id "\","
#define DONE "[DONE]"

#define CALL(id, name, args)                                                                      \
    "{\"id\":\"" id "\",\"type\":\"function\",\"function\":{\"name\":\"" name "\",\"arguments\":" \
    "\"" args "\"}}"
#define TEXT(text) "\"content\":" text ",\"refusal\":null"

/* From the message's content on, what a client gets in one piece. */
static struct str message_of(struct test *t, const char *events)
{
    struct canon_request r = { .protocol = CHAT };
    struct str whole = chat_answer(t, CHAT, &r, events, true);
    size_t at = str_find(whole, STR("\"content\":"));
    size_t end = str_find(whole, STR("],\"usage\""));

    if (at == SIZE_MAX)
        return whole;
    whole = str_take(whole, end == SIZE_MAX ? whole.len - 2 : end);
    return str_drop(whole, at);
}

#define AND(message, reason) message "},\"logprobs\":null,\"finish_reason\":\"" reason "\"}"

static const struct {
    const char *name, *events, *want;
} cases[] = {
    { "reasoning_content",
      SAID("\"reasoning_content\":\"hm\"") SAID("\"content\":\"x\"") STOP("stop"),
      AND(TEXT("\"x\"") ",\"reasoning_content\":\"hm\"", "stop") },
    { "reasoning beside its list says the same",
      SAID("\"reasoning\":\"hm\",\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":"
           "\"hm\"}]") STOP("stop"),
      AND(TEXT("\"\"") ",\"reasoning_content\":\"hm\"", "stop") },
    { "the list alone",
      SAID("\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"h\"},{\"type\":"
           "\"reasoning.summary\",\"summary\":\"m\"}]") STOP("stop"),
      AND(TEXT("\"\"") ",\"reasoning_content\":\"hm\"", "stop") },
    { "Copilot's", SAID("\"reasoning_text\":\"hm\",\"reasoning_opaque\":\"b3Bx\"") STOP("stop"),
      AND(TEXT("\"\"") ",\"reasoning_content\":\"hm\",\"reasoning_opaque\":\"gw1.oth.YjNCeA\"",
          "stop") },
    { "content as parts, as Mistral has it",
      SAID(
          "\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\"hm\"}]},"
          "{\"type\":\"text\",\"text\":\"x\"}]") SAID("\"content\":\"y\"") STOP("stop"),
      AND(TEXT("\"xy\"") ",\"reasoning_content\":\"hm\"", "stop") },
    { "a refusal", SAID("\"refusal\":\"no\"") STOP("stop"),
      AND("\"content\":\"\",\"refusal\":\"no\"", "stop") },
    { "content null and empty texts",
      SAID("\"content\":null") SAID("\"content\":\"\"") STOP("stop"), AND(TEXT("\"\""), "stop") },
    { "text inside of a call waits for its end",
      CALLS(BEGIN(AT("0"), ID("a"), "f", "{")) SAID("\"content\":\"x\"") CALLS(MORE(AT("0"), "}"))
          STOP("tool_calls"),
      AND(TEXT("\"x\"") ",\"tool_calls\":[" CALL("a", "f", "{}") "]", "tool_calls") },
    { "thinking inside of a call waits, too",
      CALLS(BEGIN(AT("0"), ID("a"), "f", "{")) SAID("\"reasoning\":\"x\"") CALLS(MORE(AT("0"), "}"))
          STOP("tool_calls"),
      AND(TEXT("null") ",\"reasoning_content\":\"x\",\"tool_calls\":[" CALL("a", "f", "{}") "]",
          "tool_calls") },
    { "a call behind text, its finish says stop",
      SAID("\"content\":\"x\"") CALLS(BEGIN(AT("0"), ID("a"), "f", "{}")) STOP("stop"),
      AND(TEXT("\"x\"") ",\"tool_calls\":[" CALL("a", "f", "{}") "]", "tool_calls") },
    { "tool_calls without any", SAID("\"content\":\"x\"") STOP("tool_calls"),
      AND(TEXT("\"x\""), "stop") },
    { "arguments as an object",
      CALLS("{\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":{\"a\": 1.0}}}") STOP("stop"),
      AND(TEXT("null") ",\"tool_calls\":[" CALL("a", "f", "{\\\"a\\\": 1.0}") "]", "tool_calls") },
    { "calls without arguments, one behind the other",
      CALLS(BEGIN(AT("0"), ID("a"), "f", "")) CALLS(BEGIN(AT("1"), ID("b"), "g", ""))
          STOP("tool_calls"),
      AND(TEXT("null") ",\"tool_calls\":[" CALL("a", "f", "{}") "," CALL("b", "g", "{}") "]",
          "tool_calls") },
    { "all calls have the index 0",
      CALLS(BEGIN(AT("0"), ID("a"), "f", "{}")) CALLS(BEGIN(AT("0"), ID("b"), "f", "{}"))
          STOP("stop"),
      AND(TEXT("null") ",\"tool_calls\":[" CALL("a", "f", "{}") "," CALL("b", "f", "{}") "]",
          "tool_calls") },
    { "no index, told apart by id",
      CALLS(BEGIN("", ID("a"), "f", "{\\\"x\\\"") "," BEGIN("", ID("b"), "g", "{\\\"y\\\""))
          CALLS(MORE(ID("b"), ":2}") "," MORE(ID("a"), ":1}")) STOP("stop"),
      AND(TEXT("null") ",\"tool_calls\":[" CALL("a", "f", "{\\\"x\\\":1}") "," CALL(
              "b", "g", "{\\\"y\\\":2}") "]",
          "tool_calls") },
    { "a complete call, then another without index and id",
      CALLS(BEGIN(ID("a"), "", "f", "[\\\"]}\\\"]")) CALLS(BEGIN("", ID("b"), "f", "{}"))
          STOP("stop"),
      AND(TEXT("null") ",\"tool_calls\":[" CALL("a", "f", "[\\\"]}\\\"]") "," CALL("b", "f",
                                                                                   "{}") "]",
          "tool_calls") },
    { "three calls, their pieces mixed",
      CALLS(BEGIN(AT("0"), ID("a"), "f", "{")) CALLS(BEGIN(AT("1"), ID("b"), "f", "{"))
          CALLS(BEGIN(AT("2"), ID("c"), "f", "{}")) CALLS(MORE(AT("1"), "}"))
              CALLS(MORE(AT("0"), "}")) STOP("tool_calls"),
      AND(TEXT("null") ",\"tool_calls\":[" CALL("a", "f", "{}") "," CALL("b", "f", "{}") "," CALL(
              "c", "f", "{}") "]",
          "tool_calls") },
    { "the name comes last",
      CALLS("{\"index\":0,\"id\":\"a\"}") CALLS(MORE(AT("0"), "{\\\"a\\\":"))
          CALLS(BEGIN(AT("0"), "", "f", "1}")) STOP("tool_calls"),
      AND(TEXT("null") ",\"tool_calls\":[" CALL("a", "f", "{\\\"a\\\":1}") "]", "tool_calls") },
    { "the old form",
      SAID("\"function_call\":{\"name\":\"f\",\"arguments\":\"\"}")
          SAID("\"function_call\":{\"arguments\":\"{}\"}") STOP("function_call"),
      AND(TEXT("null") ",\"tool_calls\":[" CALL("call_000000000000000000MADE", "f", "{}") "]",
          "tool_calls") },
    { "a custom tool",
      CALLS("{\"index\":0,\"id\":\"a\",\"type\":\"custom\",\"custom\":{\"name\":\"p\",\"input\":"
            "\"no \"}}") CALLS("{\"index\":0,\"custom\":{\"input\":\"json\"}}") STOP("tool_calls"),
      AND(TEXT("null") ",\"tool_calls\":[{\"id\":\"a\",\"type\":\"custom\",\"custom\":{\"name\":"
                       "\"p\",\"input\":\"no json\"}}]",
          "tool_calls") },
    { "length", SAID("\"content\":\"x\"") STOP("length"), AND(TEXT("\"x\""), "length") },
    { "half a call, cut by the limit", CALLS(BEGIN(AT("0"), ID("a"), "f", "{\\\"a")) STOP("length"),
      AND(TEXT("null") ",\"tool_calls\":[" CALL("a", "f", "{\\\"a") "]", "length") },
    { "half a call that is no failure of the limit",
      CALLS(BEGIN(AT("0"), ID("a"), "f", "{\\\"a")) STOP("tool_calls") DONE, "BROKEN" },
    { "Mistral's limit", SAID("\"content\":\"x\"") STOP("model_length"),
      AND(TEXT("\"x\""), "length") },
    { "content_filter", SAID("\"content\":\"x\"") STOP("content_filter"),
      AND(TEXT("\"x\""), "content_filter") },
    { "a reason nobody knows", SAID("\"content\":\"x\"") STOP("bored"),
      AND(TEXT("\"x\""), "stop") },
    { "a reason that says failure", SAID("\"content\":\"x\"") STOP("error"), "BROKEN" },
    { "a delta behind the finish", SAID("\"content\":\"x\"") STOP("stop") SAID("\"content\":\"y\""),
      AND(TEXT("\"xy\""), "stop") },
    { "no finish, but the terminator", SAID("\"content\":\"x\"") DONE, AND(TEXT("\"x\""), "stop") },
    { "no finish, no terminator", SAID("\"content\":\"x\""), "BROKEN" },
    { "nothing at all", DONE, "BROKEN" },
    { "a role and the terminator", SAID("\"role\":\"assistant\"") DONE, "BROKEN" },
    { "a role and a finish", SAID("\"role\":\"assistant\"") STOP("stop") DONE,
      AND(TEXT("\"\""), "stop") },
    { "a call without a name", CALLS(MORE(AT("0"), "{}")) STOP("tool_calls") DONE, "BROKEN" },
    { "padding, moderation and what is new",
      SAID("\"content\":\"x\"") "{\"id\":\"up\",\"obfuscation\":\"aa\",\"moderation\":{},"
                                "\"choices\":[],\"new\":[1]}\n" STOP("stop"),
      AND(TEXT("\"x\""), "stop") },
    { "an error", SAID("\"content\":\"x\"") "{\"error\":{\"message\":\"no\"}}", "ERROR" },
    { "an error without its name", "{\"object\":\"error\",\"message\":\"no\"}", "ERROR" },
    { "no error",
      "{\"error\":null,\"id\":\"a\",\"choices\":[]}\n" SAID("\"content\":\"x\"") STOP("stop"),
      AND(TEXT("\"x\""), "stop") },
    { "nothing of this protocol", "{\"type\":\"ping\"}", "BAD" },
    { "a picture",
      SAID("\"images\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image\\/png;base64,"
           "AA\\/A\"}}]") STOP("stop"),
      AND(TEXT("\"\"") ",\"images\":[{\"type\":\"image_url\",\"image_url\":{\"url\":"
                       "\"data:image/png;base64,AA/A\"}}]",
          "stop") },
    { "citations",
      SAID("\"content\":\"A\\u00e9\\ud83d\\ude00 b\"")
          SAID("\"annotations\":[{\"type\":\"url_citation\",\"url_citation\":{\"url\":\"http://a\","
               "\"title\":\"T\",\"start_index\":1,\"end_index\":3}},{\"type\":\"url_citation\","
               "\"url_citation\":{\"url\":\"http://b\",\"title\":\"\"}}]") STOP("stop"),
      AND(TEXT("\"A\\u00e9\\ud83d\\ude00 b\"") ",\"annotations\":[{\"type\":\"url_citation\","
                                               "\"url_citation\":{\"start_index\":1,\"end_index\":"
                                               "3,\"title\":\"T\",\"url\":\"http://a\""
                                               "}},{\"type\":\"url_citation\",\"url_citation\":{"
                                               "\"start_index\":0,\"end_index\":5,"
                                               "\"title\":\"\",\"url\":\"http://b\"}}]",
          "stop") },
    { "a surrogate pair cut in two, in a text and in arguments that wait",
      SAID("\"content\":\"a\\ud83d\"") SAID("\"content\":\"\\ude00\"")
          CALLS(BEGIN(AT("0"), ID("a"), "f", "{\\\"a\\\":\\\""))
              CALLS(BEGIN(AT("1"), ID("b"), "f", "{\\\"b\\\":\\\"\\ud83d"))
                  CALLS(MORE(AT("1"), "\\ude00\\\"}")) CALLS(MORE(AT("0"), "\\ud83d\\\"}"))
                      STOP("tool_calls"),
      AND(TEXT("\"a\\ud83d\\ude00\"") ",\"tool_calls\":[" CALL(
              "a", "f",
              "{\\\"a\\\":\\\"\\ufffd\\\"}") "," CALL("b", "f",
                                                      "{\\\"b\\\":\\\"\\ud83d\\ude00\\\"}") "]",
          "tool_calls") },
};

/* Events that are alike but for one text are told apart from those that only look so. */
static const struct {
    const char *events, *want;
} alike[] = {
    { SAID("\"content\":\"a\"") SAID("\"content\":\"\\\"b\\u00e9\"") SAID("\"content\":\"\"")
          SAID("\"content\":\"c\"") STOP("stop"),
      AND(TEXT("\"a\\\"b\\u00e9c\""), "stop") },
    { SAID("\"content\":\"a\"") SAID("\"content\":\"b\",\"refusal\":\"c\"") STOP("stop"),
      AND("\"content\":\"ab\",\"refusal\":\"c\"", "stop") },
    { SAID("\"reasoning\":\"a\"") SAID("\"reasoning\":\"b\"") SAID("\"content\":\"c\"")
          SAID("\"content\":\"d\"") STOP("stop"),
      AND(TEXT("\"cd\"") ",\"reasoning_content\":\"ab\"", "stop") },
    { SAID("\"content\":\"a\",\"reasoning\":\"b\"") SAID("\"content\":\"c\",\"reasoning\":\"d\"")
          STOP("stop"),
      AND(TEXT("\"ac\"") ",\"reasoning_content\":\"b\\n\\nd\"", "stop") },
    { SAID("\"content\":\"a\"") SAID("\"content\":\"b\\\"") SAID("\"content\":\"c\"") STOP("stop"),
      "BAD" },
    { SAID("\"content\":\"a\\ud83d\"") SAID("\"content\":\"\\ude00b\\ud83d\"")
          SAID("\"content\":\"c\"") STOP("stop"),
      AND(TEXT("\"a\\ud83d\\ude00b\\ufffdc\""), "stop") },
};

TEST(chat_events_that_are_alike)
{
    for (size_t i = 0; i < COUNT(alike); i++)
        CHECK_STR(message_of(t, alike[i].events), alike[i].want, "%s", alike[i].events);
}

/* An id made by us says only that it is one. */
static struct str without_made_ids(struct test *t, struct str text)
{
    size_t at = str_find(text, STR("{\"id\":\"call_"));

    if (at == SIZE_MAX || text.len < at + 34 || text.at[at + 34] != '"')
        return text;
    return arena_printf(&t->arena, "%.*scall_000000000000000000MADE%.*s", (int)at + 7, text.at,
                        (int)(text.len - at - 34), text.at + at + 34);
}

TEST(chat_reads_what_servers_send)
{
    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK_STR(without_made_ids(t, message_of(t, cases[i].events)), cases[i].want, "%s",
                  cases[i].name);
}

TEST(chat_choices_of_their_own)
{
    struct canon_request r = { .protocol = CHAT, .n = 2 };
    struct str whole = chat_answer(
        t, CHAT, &r,
        CHOICE("0", "\"content\":\"a\"", "null") CHOICE("1", "\"content\":\"b\"", "null")
            CHOICE("0", "\"tool_calls\":[" BEGIN(AT("0"), ID("x"), "f", "{") "]", "null")
                CHOICE("1", "\"content\":\"c\"", "\"length\"")
                    CHOICE("0", "\"tool_calls\":[" MORE(AT("0"), "}") "]", "\"tool_calls\"") DONE,
        true);

    CHECK(str_find(whole,
                   STR("\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\"," TEXT(
                       "\"a\"") ",\"tool_calls\":[" CALL("x", "f",
                                                         "{}") "]},\"logprobs\":null,"
                                                               "\"finish_reason\":\"tool_calls\"},{"
                                                               "\"index\":1,\"message\":{\"role\":"
                                                               "\"assistant\"," TEXT(
                                                                   "\"bc\"") "},\"logprobs\":null,"
                                                                             "\"finish_reason\":"
                                                                             "\"length\"}]")) !=
              SIZE_MAX,
          "%.*s", (int)whole.len, whole.at);
    /* one of them has no end */
    CHECK_STR(chat_answer(t, CHAT, &r,
                          CHOICE("0", "\"content\":\"a\"", "\"stop\"")
                              CHOICE("1", "\"content\":\"b\"", "null"),
                          true),
              "BROKEN");
}

TEST(chat_usage_in_all_its_places)
{
    static const char *const forms[] = {
        SAID("\"content\":\"x\"") STOP("stop") "{\"id\":\"a\",\"choices\":[],\"usage\":"
                                               "{\"prompt_tokens\":3,\"completion_tokens\":4}}\n",
        SAID("\"content\":\"x\"") "{\"id\":\"a\",\"choices\":[{\"index\":0,\"delta\":{},"
                                  "\"finish_reason\":\"stop\"}],\"x_groq\":{\"usage\":"
                                  "{\"prompt_tokens\":3,\"completion_tokens\":4}}}\n",
        SAID("\"content\":\"x\"") "{\"id\":\"a\",\"choices\":[{\"index\":0,\"delta\":{},"
                                  "\"finish_reason\":\"stop\",\"usage\":{\"prompt_tokens\":3,"
                                  "\"completion_tokens\":4}}]}\n",
        "{\"id\":\"a\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}],\"usage\":"
        "{\"prompt_tokens\":3,\"completion_tokens\":1}}\n{\"id\":\"a\",\"choices\":[{\"index\":0,"
        "\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":3,"
        "\"completion_tokens\":4}}\n",
    };
    struct canon_request r = { .protocol = CHAT };

    for (size_t i = 0; i < COUNT(forms); i++) {
        struct str whole = chat_answer(t, CHAT, &r, forms[i], true);

        CHECK(str_find(whole, STR("\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4,"
                                  "\"total_tokens\":7,")) != SIZE_MAX,
              "%.*s", (int)whole.len, whole.at);
    }
}

TEST(chat_whole_answers_of_an_upstream)
{
    static const struct {
        const char *body, *want;
    } wholes[] = {
        { "{\"id\":\"a\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":"
          "\"x\",\"reasoning_content\":\"hm\",\"tool_calls\":[" CALL(
              "c", "f", "{}") "]},"
                              "\"finish_reason\":\"tool_calls\"}]}",
          AND(TEXT("\"x\"") ",\"reasoning_content\":\"hm\",\"tool_calls\":[" CALL("c", "f",
                                                                                  "{}") "]",
              "tool_calls") },
        { "{\"id\":\"a\",\"choices\":[{\"message\":{\"content\":null,\"function_call\":{\"name\":"
          "\"f\",\"arguments\":\"{}\"}}}]}",
          AND(TEXT("null") ",\"tool_calls\":[" CALL("call_000000000000000000MADE", "f", "{}") "]",
              "tool_calls") },
        { "{\"error\":{\"message\":\"no\"}}", "ERROR" },
        { "{\"id\":\"a\",\"choices\":[]}", "BROKEN" },
        { "{}", "BROKEN" },
        { "[]", "BROKEN" },
    };
    struct canon_request r = { .protocol = CHAT };

    for (size_t i = 0; i < COUNT(wholes); i++) {
        struct str got = chat_answer_of(t, CHAT, &r, UPSTREAM_WHOLE, wholes[i].body, true, false);
        size_t at = str_find(got, STR("\"content\":"));

        if (at != SIZE_MAX)
            got = str_drop(str_drop_last(got, 2), at);
        CHECK_STR(without_made_ids(t, got), wholes[i].want, "%s", wholes[i].body);
    }
}

/* A stream of `count` calls. */
static struct str many_calls(struct test *t, unsigned count)
{
    struct buf b = { .max = 1 << 20 };

    for (unsigned i = 0; i < count; i++)
        (void)buf_printf(&b, CALLS(BEGIN(AT("%u"), ID("c%u"), "f", "{}")), i, i);
    (void)buf_add(&b, STR(STOP("tool_calls")));
    struct str out = arena_copy(&t->arena, buf_str(&b));
    buf_clear(&b);
    return out;
}

TEST(chat_bounds_the_calls_of_an_answer)
{
    struct canon_request r = { .protocol = CHAT };

    for (unsigned count = 127; count <= 129; count++) {
        struct str got = chat_answer(t, CHAT, &r, many_calls(t, count).at, true);

        CHECK_INT(str_eq(got, STR("BROKEN")), count > 128, "%u calls", count);
    }
}

TEST(chat_bounds_what_waits)
{
    struct canon_request r = { .protocol = CHAT, .stream = true };
    size_t limit = (size_t)4 << 20;

    for (size_t size = limit - 1; size <= limit + 1; size++) {
        char *text = arena_alloc_raw(&t->arena, size + 1);

        memset(text, 'x', size);
        text[size] = '\0';
        struct str events =
            arena_printf(&t->arena,
                         CALLS(BEGIN(AT("0"), ID("a"), "f", "{")) SAID("\"content\":\"%s\"")
                             CALLS(MORE(AT("0"), "}")) STOP("tool_calls"),
                         text);
        struct str got = chat_answer(t, CHAT, &r, events.at, false);

        CHECK_INT(str_ends(got, STR("BROKEN")), size > limit, "%zu bytes", size);
    }
}
