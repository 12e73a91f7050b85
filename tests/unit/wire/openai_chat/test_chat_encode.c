/* What a client of this protocol reads, event by event. */
#include <stdlib.h>

#include "chat_rig.h"

#define CHAT WIRE_OPENAI_CHAT

/* Events in a row, for a client that streams and for one that does not. */
struct shown {
    struct str stream; /* the deltas alone, one to a line; other data whole */
    struct str whole;  /* from `choices` on */
};

/* Takes the frame of a chunk off: `0 {"content":"x"} stop`. */
static void strip(struct test *t, struct buf *to, struct str data)
{
    struct str rest, front;
    size_t at = str_find(data, STR("\"choices\":[{\"index\":")),
           delta = str_find(data, STR(",\"delta\":")),
           logprobs = str_find(data, STR(",\"logprobs\""));

    if (at == SIZE_MAX || delta == SIZE_MAX || logprobs == SIZE_MAX) {
        at = str_find(data, STR("\"choices\":"));
        (void)buf_printf(to, "%.*s\n", (int)data.len - (int)(at == SIZE_MAX ? 0 : at),
                         data.at + (at == SIZE_MAX ? 0 : at));
        return;
    }
    CHECK(str_starts(data, STR("{\"id\":\"chatcmpl-r1\",\"object\":\"chat.completion.chunk\","
                               "\"created\":1700000000,\"model\":\"m\\\"\",\"choices\":[")));
    front = str_drop(str_take(data, delta), at + 20);
    rest = str_drop(data, str_find(data, STR("\"finish_reason\":")) + 16);
    (void)buf_printf(to, "%.*s %.*s", (int)front.len, front.at, (int)(logprobs - delta - 9),
                     data.at + delta + 9);
    if (!str_starts(rest, STR("null")))
        (void)buf_printf(to, " %.*s", (int)str_find(rest, STR("}")), rest.at);
    (void)buf_add_char(to, '\n');
}

static struct shown show(struct test *t, const struct canon_request *r,
                         const struct canon_event *events, size_t count,
                         const struct encode_options *more)
{
    const struct converter *c = &convert_openai_chat;
    static const struct name_map no_names;
    struct encode_options o = {
        .protocol = CHAT,
        .request = r,
        .names = &no_names,
        .model = STR("m\""),
        .id = STR("r1"),
        .created_unix_s = 1700000000,
        .show_thinking = true,
    };
    struct buf out = { .max = 1 << 20 }, stream = { .max = 1 << 20 };
    struct arena scratch = { 0 };
    struct canon_answer an;
    struct shown s = { .stream = STR("") };
    struct encoder e = {
        .o = &o, .form = answer_form_of(o.request), .out = &out, .scratch = &scratch
    };
    struct str rest, event;

    if (more != NULL) {
        o.show_thinking = more->show_thinking;
        o.image_markdown = more->image_markdown;
        o.names = more->names != NULL ? more->names : o.names;
    }
    e.state = must_calloc(1, c->encode.state_bytes);
    canon_answer_init(&an, 1 << 20);
    for (size_t i = 0; i < count; i++) {
        c->encode.event(&e, &events[i]);
        canon_answer_take(&an, &events[i]);
        arena_reset(&scratch);
    }
    CHECK(!e.full);
    for (rest = buf_str(&out); rest.len > 0;) {
        size_t end = str_find(rest, STR("\n\n"));

        if (!CHECK(end != SIZE_MAX && str_starts(rest, STR("data: "))))
            break;
        event = str_take(str_drop(rest, 6), end - 6);
        strip(t, &stream, event);
        rest = str_drop(rest, end + 2);
    }
    s.stream = arena_copy(&t->arena, buf_str(&stream));
    out.len = 0;
    CHECK(c->encode.whole(&an, &o, &scratch, &out));
    rest = buf_str(&out);
    s.whole = arena_copy(&t->arena, str_drop(rest, str_find(rest, STR("\"choices\":")) + 10));
    c->encode.clear(e.state);
    free(e.state);
    canon_answer_clear(&an);
    arena_free(&scratch);
    buf_clear(&out);
    buf_clear(&stream);
    return s;
}
#define SHOW(r, events) show(t, r, events, COUNT(events), NULL)

#define START               \
    {                       \
        .kind = CANON_START \
    }
#define OPEN(what)                                \
    {                                             \
        .kind = CANON_OPEN, .block = BLOCK_##what \
    }
#define DELTA(what, s)                                                 \
    {                                                                  \
        .kind = CANON_DELTA, .block = BLOCK_##what, .text = { STR(s) } \
    }
#define CLOSE(what)                                \
    {                                              \
        .kind = CANON_CLOSE, .block = BLOCK_##what \
    }
#define TOOL(call_id, tool)                                                            \
    {                                                                                  \
        .kind = CANON_OPEN, .block = BLOCK_TOOL, .id = STR(call_id), .name = STR(tool) \
    }
#define FINISH(why)                               \
    {                                             \
        .kind = CANON_FINISH, .cause = STOP_##why \
    }
#define END               \
    {                     \
        .kind = CANON_END \
    }
#define TEXT(s) OPEN(TEXT), DELTA(TEXT, s), CLOSE(TEXT)
#define THINK(s) OPEN(THINKING), DELTA(THINKING, s), CLOSE(THINKING)
#define ROLE "0 {\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}\n"
#define CHOICE(message, reason)                                                         \
    "[{\"index\":0,\"message\":{\"role\":\"assistant\"," message "},\"logprobs\":null," \
    "\"finish_reason\":\"" reason "\"}]}"

TEST(chat_thinking_is_set_apart_by_blank_lines)
{
    static const struct canon_event events[] = {
        START,
        THINK("one"),
        OPEN(THINKING),
        DELTA(THINKING, "two"),
        { .kind = CANON_DELTA,
          .block = BLOCK_THINKING,
          .text = { STR("three") },
          .summary_break = true },
        CLOSE(THINKING),
        TEXT("x"),
        FINISH(DONE),
        END,
    };
    struct canon_request r = { .protocol = CHAT };
    struct shown s = SHOW(&r, events);

    CHECK_STR(s.stream, ROLE "0 {\"reasoning_content\":\"one\"}\n"
                             "0 {\"reasoning_content\":\"\\n\\ntwo\"}\n"
                             "0 {\"reasoning_content\":\"\\n\\nthree\"}\n"
                             "0 {\"content\":\"x\"}\n0 {} \"stop\"\n[DONE]\n");
    CHECK_STR(s.whole, CHOICE("\"content\":\"x\",\"refusal\":null,\"reasoning_content\":"
                              "\"one\\n\\ntwo\\n\\nthree\"",
                              "stop"));
    s = show(t, &r, events, COUNT(events), &(struct encode_options){ .show_thinking = false });
    CHECK_STR(s.stream, ROLE "0 {\"content\":\"x\"}\n0 {} \"stop\"\n[DONE]\n");
    CHECK_STR(s.whole, CHOICE("\"content\":\"x\",\"refusal\":null", "stop"));
}

TEST(chat_refusals_stand_in_their_own_field)
{
    static const struct canon_event refusal[] = {
        START, OPEN(REFUSAL), DELTA(REFUSAL, "no"), CLOSE(REFUSAL), FINISH(REFUSAL), END
    };
    static const struct canon_event stopped[] = { START, TEXT("I"), FINISH(REFUSAL), END };
    struct canon_request r = { .protocol = CHAT };
    struct shown s = SHOW(&r, refusal);

    CHECK_STR(s.stream, ROLE "0 {\"refusal\":\"no\"}\n0 {} \"stop\"\n[DONE]\n");
    CHECK_STR(s.whole, CHOICE("\"content\":\"\",\"refusal\":\"no\"", "stop"));
    /* one that has no words of its own: the provider stopped the model */
    s = SHOW(&r, stopped);
    CHECK_STR(s.stream, ROLE "0 {\"content\":\"I\"}\n0 {} \"content_filter\"\n[DONE]\n");
}

TEST(chat_finish_reasons)
{
    static const struct {
        enum stop_cause cause;
        const char *want;
    } causes[] = {
        { STOP_DONE, "stop" },
        { STOP_SEQUENCE, "stop" },
        { STOP_LENGTH, "length" },
        { STOP_CONTEXT_FULL, "length" },
        { STOP_TOOL_USE, "tool_calls" },
        { STOP_FILTER, "content_filter" },
        { STOP_REFUSAL, "content_filter" },
        { STOP_RECITATION, "content_filter" },
        { STOP_PAUSE, "stop" },
        { STOP_BAD_TOOL_CALL, "stop" },
        { STOP_IMAGE_FAIL, "stop" },
        { STOP_OTHER, "stop" },
    };
    struct canon_request r = { .protocol = CHAT };

    for (size_t i = 0; i < COUNT(causes); i++) {
        const struct canon_event events[] = { START,
                                              { .kind = CANON_FINISH, .cause = causes[i].cause },
                                              END };
        struct shown s = SHOW(&r, events);

        CHECK_STR(s.stream,
                  arena_printf(&t->arena, ROLE "0 {} \"%s\"\n[DONE]\n", causes[i].want).at);
        CHECK_STR(s.whole,
                  arena_printf(&t->arena, CHOICE("\"content\":\"\",\"refusal\":null", "%s"),
                               causes[i].want)
                      .at);
    }
}

TEST(chat_usage_comes_when_asked_for)
{
    static const struct canon_event events[] = {
        START,        { .kind = CANON_USAGE, .usage = { 10, -1, 4, 5, -1 } },
        FINISH(DONE), { .kind = CANON_USAGE, .usage = { 10, 7, 4, 5, 3 } },
        END,
    };
    static const struct canon_event unknown[] = { START, FINISH(DONE), END };
    struct canon_request r = { .protocol = CHAT, .wants_usage = true };
    struct shown s = SHOW(&r, events);

#define USAGE                                                                      \
    "\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":7,\"total_tokens\":17," \
    "\"prompt_tokens_details\":{\"cached_tokens\":4,\"cache_write_tokens\":5},"    \
    "\"completion_tokens_details\":{\"reasoning_tokens\":3}}}"
    CHECK_STR(s.stream, ROLE "0 {} \"stop\"\n\"choices\":[]," USAGE "\n[DONE]\n");
    CHECK(str_ends(s.whole, STR("}]," USAGE)), "%.*s", STR_ARG(s.whole));
    /* nothing known: zeros for who asked for the chunk, nothing in a whole answer */
    s = SHOW(&r, unknown);
    CHECK(str_find(s.stream, STR("\"usage\":{\"prompt_tokens\":0,\"completion_tokens\":0,")) !=
          SIZE_MAX);
    CHECK(str_find(s.whole, STR("usage")) == SIZE_MAX);
}

static struct canon_request with_tool(struct test *t, const char *name, bool custom)
{
    struct canon_request r = { .protocol = CHAT };

    canon_add_tool(&r, &t->arena, str_c(name), 0)->custom = custom;
    return r;
}

TEST(chat_custom_tools_get_their_text_back)
{
    static const struct canon_event wrapped[] = {
        START,
        TOOL("c1", "p"),
        DELTA(TOOL, "{\\\"input\\\": \\\"a\\\\\\\"b"),
        DELTA(TOOL, "\\\\n\\\"}"),
        CLOSE(TOOL),
        FINISH(TOOL_USE),
        END,
    };
    static const struct canon_event plain[] = {
        START,
        { .kind = CANON_OPEN,
          .block = BLOCK_TOOL,
          .id = STR("c1"),
          .name = STR("p"),
          .custom = true },
        DELTA(TOOL, "a\\\"b\\n"),
        CLOSE(TOOL),
        FINISH(TOOL_USE),
        END,
    };
    struct canon_request r = with_tool(t, "p", true);
    struct shown one = SHOW(&r, wrapped), two = SHOW(&r, plain);

    CHECK_STR(one.stream,
              ROLE "0 {\"tool_calls\":[{\"index\":0,\"id\":\"c1\",\"type\":\"custom\",\"custom\":"
                   "{\"name\":\"p\",\"input\":\"\"}}]}\n"
                   "0 {\"tool_calls\":[{\"index\":0,\"custom\":{\"input\":\"a\\\"b\\n\"}}]}\n"
                   "0 {} \"tool_calls\"\n[DONE]\n");
    CHECK_STRS(two.stream, one.stream);
    CHECK_STR(one.whole,
              CHOICE("\"content\":null,\"refusal\":null,\"tool_calls\":[{\"id\":\"c1\",\"type\":"
                     "\"custom\",\"custom\":{\"name\":\"p\",\"input\":\"a\\\"b\\n\"}}]",
                     "tool_calls"));
    CHECK_STRS(two.whole, one.whole);
}

TEST(chat_functions_form_gets_one_call)
{
    static const struct canon_event events[] = {
        START,           TEXT("x"),         TOOL("c1", "f"), DELTA(TOOL, "{}"), CLOSE(TOOL),
        TOOL("c2", "f"), DELTA(TOOL, "{}"), CLOSE(TOOL),     FINISH(TOOL_USE),  END,
    };
    struct canon_request r = with_tool(t, "f", false);
    struct shown s;

    r.functions = true;
    s = SHOW(&r, events);
    CHECK_STR(s.stream, ROLE "0 {\"content\":\"x\"}\n"
                             "0 {\"function_call\":{\"name\":\"f\",\"arguments\":\"\"}}\n"
                             "0 {\"function_call\":{\"arguments\":\"{}\"}}\n"
                             "0 {} \"function_call\"\n[DONE]\n");
    CHECK_STR(s.whole,
              CHOICE("\"content\":\"x\",\"refusal\":null,\"function_call\":{\"name\":\"f\","
                     "\"arguments\":\"{}\"}",
                     "function_call"));
}

TEST(chat_signatures_have_a_place_on_calls_only)
{
    static const struct canon_event events[] = {
        START,
        { .kind = CANON_SIGNATURE, .sig = { .signer = SIGNER_GOOGLE, .blob = { STR("lost") } } },
        TEXT("x"),
        { .kind = CANON_SIGNATURE, .sig = { .signer = SIGNER_GOOGLE, .blob = { STR("Q2dB") } } },
        TOOL("c1", "f"),
        CLOSE(TOOL),
        OPEN(THINKING),
        { .kind = CANON_SIGNATURE,
          .block = BLOCK_THINKING,
          .sig = { .signer = SIGNER_ANTHROPIC, .blob = { STR("EqQB") } } },
        CLOSE(THINKING),
        TOOL("c2", "f"),
        CLOSE(TOOL),
        FINISH(TOOL_USE),
        END,
    };
    struct canon_request r = with_tool(t, "f", false);
    struct shown s = SHOW(&r, events);

#define SIGNED ",\"extra_content\":{\"google\":{\"thought_signature\":\"Q2dB\"}}"
    CHECK_STR(s.stream, ROLE
              "0 {\"content\":\"x\"}\n"
              "0 {\"tool_calls\":[{\"index\":0,\"id\":\"c1\",\"type\":\"function\",\"function\":"
              "{\"name\":\"f\",\"arguments\":\"\"}" SIGNED "}]}\n"
              "0 {\"tool_calls\":[{\"index\":1,\"id\":\"c2\",\"type\":\"function\",\"function\":"
              "{\"name\":\"f\",\"arguments\":\"\"}}]}\n0 {} \"tool_calls\"\n[DONE]\n");
    CHECK_STR(s.whole,
              CHOICE("\"content\":\"x\",\"refusal\":null,\"tool_calls\":[{\"id\":\"c1\",\"type\":"
                     "\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}" SIGNED
                     "},{\"id\":\"c2\",\"type\":\"function\",\"function\":{\"name\":\"f\","
                     "\"arguments\":\"\"}}]",
                     "tool_calls"));
}

TEST(chat_pictures)
{
    static const struct canon_event events[] = {
        START,
        TEXT("see"),
        { .kind = CANON_MEDIA, .mime = { STR("image/png") }, .text = { STR("AAAA") } },
        { .kind = CANON_MEDIA, .mime = { STR("audio/L16") }, .text = { STR("AAAA") } },
        FINISH(DONE),
        END,
    };
    struct canon_request r = { .protocol = CHAT };
    struct shown s = SHOW(&r, events);

#define IMAGES                                                           \
    "\"images\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:" \
    "image/png;base64,AAAA\"}}]"
    CHECK_STR(s.stream, ROLE "0 {\"content\":\"see\"}\n0 {" IMAGES "}\n0 {} \"stop\"\n[DONE]\n");
    CHECK_STR(s.whole, CHOICE("\"content\":\"see\",\"refusal\":null," IMAGES, "stop"));
    s = show(t, &r, events, COUNT(events), &(struct encode_options){ .image_markdown = true });
    CHECK_STR(s.stream, ROLE
              "0 {\"content\":\"see\"}\n0 {\"content\":\"![image](data:image/png;base64,AAAA)\"}\n"
              "0 {" IMAGES "}\n0 {} \"stop\"\n[DONE]\n");
    CHECK_STR(s.whole, CHOICE("\"content\":\"see![image](data:image/png;base64,AAAA)\",\"refusal\":"
                              "null," IMAGES,
                              "stop"));
}

TEST(chat_citations_count_code_points_of_all_the_content)
{
    static const struct canon_event events[] = {
        START,
        TEXT("\\ud83d\\ude00\xc3\xa9\\n"), /* three */
        OPEN(TEXT),
        DELTA(TEXT, "abc"),
        { .kind = CANON_NOTE,
          .block = BLOCK_TEXT,
          .note = { .url = STR("http://a"), .title = STR("T"), .start = 1, .end = 2 } },
        { .kind = CANON_NOTE,
          .block = BLOCK_TEXT,
          .note = { .url = STR("http://b"), .title = STR(""), .start = 1, .end = INT64_MAX } },
        { .kind = CANON_NOTE,
          .block = BLOCK_TEXT,
          .note = { .title = STR("a document"), .start = -1 } },
        CLOSE(TEXT),
        FINISH(DONE),
        END,
    };
    struct canon_request r = { .protocol = CHAT };
    struct shown s = SHOW(&r, events);

#define NOTE(from, to, title, url)                                                            \
    "{\"type\":\"url_citation\",\"url_citation\":{\"start_index\":" from ",\"end_index\":" to \
    ",\"title\":\"" title "\",\"url\":\"" url "\"}}"
    CHECK_STR(s.stream, ROLE
              "0 {\"content\":\"\\ud83d\\ude00\xc3\xa9\\n\"}\n0 {\"content\":\"abc\"}\n"
              "0 {\"annotations\":[" NOTE("4", "5", "T",
                                          "http://a") "]}\n"
                                                      "0 {\"annotations\":[" NOTE(
                                                          "3", "6", "",
                                                          "http://b") "]}\n"
                                                                      "0 {} \"stop\"\n[DONE]\n");
    CHECK_STR(s.whole, CHOICE("\"content\":\"\\ud83d\\ude00\xc3\xa9\\nabc\",\"refusal\":null,"
                              "\"annotations\":[" NOTE("4", "5", "T", "http://a") "," NOTE(
                                  "3", "6", "", "http://b") "]",
                              "stop"));
}

TEST(chat_legacy_completions)
{
    static const struct canon_event events[] = {
        START, THINK("hm"), TEXT("a\\n"), TEXT("b"), FINISH(LENGTH), END,
    };
    struct canon_request r = { .protocol = CHAT, .legacy = true, .wants_usage = true };
    struct wire_complaint why;
    struct shown s = SHOW(&r, events);

#define PIECE(text, reason) \
    "{\"text\":\"" text "\",\"index\":0,\"logprobs\":null,\"finish_reason\":" reason "}]"
    CHECK_STR(
        s.stream,
        "\"choices\":[" PIECE(
            "a\\n",
            "null") ",\"usage\":null}\n"
                    "\"choices\":[" PIECE(
                        "b", "null") ",\"usage\":null}\n"
                                     "\"choices\":[" PIECE(
                                         "", "\"length\"") ",\"usage\":null}\n"
                                                           "\"choices\":[],\"usage\":{\"prompt_"
                                                           "tokens\":0,\"completion_tokens\":0,"
                                                           "\"total_tokens\":0,\"prompt_tokens_"
                                                           "details\":{\"cached_tokens\":0},"
                                                           "\"completion_tokens_details\":{"
                                                           "\"reasoning_tokens\":0}}}\n[DONE]\n");
    CHECK_STR(s.whole, "[" PIECE("a\\nb", "\"length\"") "}");

    CHECK(translate_read(CHAT, STR("{\"model\":\"a\",\"prompt\":\"Say \\u0041\",\"echo\":true}"),
                         STR(""), false, &t->arena, &r, &why));
    s = SHOW(&r, events);
    CHECK_STR(s.stream,
              "\"choices\":[" PIECE(
                  "Say \\u0041",
                  "null") "}\n"
                          "\"choices\":[" PIECE(
                              "a\\n", "null") "}\n"
                                              "\"choices\":[" PIECE(
                                                  "b", "null") "}\n"
                                                               "\"choices\":[" PIECE(
                                                                   "", "\"length\"") "}\n[DONE]\n");
    CHECK_STR(s.whole, "[" PIECE("Say \\u0041a\\nb", "\"length\"") "}");
}

TEST(chat_choices_are_encoded_apart)
{
    static const struct canon_event events[] = {
        START,
        { .kind = CANON_OPEN, .block = BLOCK_TEXT, .choice = 0 },
        { .kind = CANON_OPEN, .block = BLOCK_TEXT, .choice = 1 },
        { .kind = CANON_DELTA, .block = BLOCK_TEXT, .choice = 1, .text = { STR("b") } },
        { .kind = CANON_DELTA, .block = BLOCK_TEXT, .choice = 0, .text = { STR("a") } },
        { .kind = CANON_CLOSE, .block = BLOCK_TEXT, .choice = 0 },
        { .kind = CANON_FINISH, .choice = 0, .cause = STOP_DONE },
        { .kind = CANON_CLOSE, .block = BLOCK_TEXT, .choice = 1 },
        { .kind = CANON_FINISH, .choice = 1, .cause = STOP_LENGTH },
        END,
    };
    struct canon_request r = { .protocol = CHAT, .n = 2 };
    struct shown s = SHOW(&r, events);

    CHECK_STR(s.stream, ROLE "1 {\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}\n"
                             "1 {\"content\":\"b\"}\n0 {\"content\":\"a\"}\n0 {} \"stop\"\n"
                             "1 {} \"length\"\n[DONE]\n");
    CHECK_STR(
        s.whole,
        "[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"a\",\"refusal\":null},"
        "\"logprobs\":null,\"finish_reason\":\"stop\"},{\"index\":1,\"message\":{\"role\":"
        "\"assistant\",\"content\":\"b\",\"refusal\":null},\"logprobs\":null,"
        "\"finish_reason\":\"length\"}]}");
}

TEST(chat_names_and_ids_are_the_clients)
{
    static const struct canon_event events[] = {
        START,       TOOL("0123456789012345678901234567890123456789x", "my_tool"),
        CLOSE(TOOL), FINISH(TOOL_USE),
        END,
    };
    struct canon_request r = with_tool(t, "my.tool", false);
    struct name_map names;
    struct shown s;

    names_make(&names, &r, WIRE_OPENAI_CHAT, &t->arena);
    s = show(t, &r, events, COUNT(events), &(struct encode_options){ .names = &names });
    CHECK(str_find(s.stream, STR("\"function\":{\"name\":\"my.tool\",\"arguments\":\"\"}")) !=
              SIZE_MAX,
          "%.*s", STR_ARG(s.stream));
    CHECK(str_find(s.stream, STR("\"id\":\"call_")) != SIZE_MAX);
    CHECK(str_find(s.whole, STR("\"name\":\"my.tool\"")) != SIZE_MAX);
}

/* The stream's and the whole answer's memory ends: a buffer that is full is said to be. */
TEST(chat_encoder_says_when_it_is_full)
{
    static const struct canon_event events[] = { START, TEXT("hello"), FINISH(DONE), END };
    struct canon_request r = { .protocol = CHAT };
    struct encode_options o = {
        .protocol = CHAT, .request = &r, .model = STR("m"), .id = STR("1")
    };
    const struct converter *c = &convert_openai_chat;
    static const struct name_map no_names;

    o.names = &no_names;
    for (size_t max = 0; max < 800; max += 7) {
        struct buf out = { .max = max };
        struct arena scratch = { 0 };
        struct encoder e = {
            .o = &o, .form = answer_form_of(o.request), .out = &out, .scratch = &scratch
        };
        bool ends;

        e.state = must_calloc(1, c->encode.state_bytes);
        for (size_t i = 0; i < COUNT(events); i++)
            c->encode.event(&e, &events[i]);
        ends = str_ends(buf_str(&out), STR("data: [DONE]\n\n"));
        CHECK_INT(!e.full, ends, "%zu bytes", max);
        c->encode.clear(e.state);
        free(e.state);
        arena_free(&scratch);
        buf_clear(&out);
    }
}
