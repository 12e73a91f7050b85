#include "rig.h"

#define START                                                                                  \
    "{\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":" \
    "\"assistant\",\"model\":\"claude-x\",\"content\":[],\"stop_reason\":null,\"usage\":{"     \
    "\"input_tokens\":10,\"cache_read_input_tokens\":90,\"cache_creation_input_tokens\":5,"    \
    "\"output_tokens\":1}}}\n"
#define STARTED "start msg_1 claude-x\nusage 105 90 5 1 -1\n"
#define OPEN(block) "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":" block "}\n"
#define DELTA(delta) "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":" delta "}\n"
#define TEXT(text) DELTA("{\"type\":\"text_delta\",\"text\":\"" text "\"}")
#define ARGS(json) DELTA("{\"type\":\"input_json_delta\",\"partial_json\":\"" json "\"}")
#define CLOSE "{\"type\":\"content_block_stop\",\"index\":0}\n"
#define STOP(reason)                                                                          \
    "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":" reason "},\"usage\":{\"output_" \
    "tokens\":7,\"output_tokens_details\":{\"thinking_tokens\":3}}}\n"
#define END "{\"type\":\"message_stop\"}\n"

TEST(anthropic_streams_become_events)
{
    static const struct {
        const char *name, *events, *want;
    } cases[] = {
        { "text, with pings and what is not known",
          START "{\"type\":\"ping\"}\n" OPEN("{\"type\":\"text\",\"text\":\"\"}")
              TEXT("Hel") "{\"type\":\"newer\"}\n" TEXT("lo") CLOSE STOP("\"end_turn\"") END,
          STARTED "open text  \ndelta Hel\ndelta lo\nclose\nusage 105 90 5 7 3\nfinish done \n"
                  "end\nEND" },
        { "thinking with its signature, then redacted thinking",
          START OPEN("{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}")
              DELTA("{\"type\":\"thinking_delta\",\"thinking\":\"hm\"}")
                  DELTA("{\"type\":\"signature_delta\",\"signature\":\"EqQB\"}")
                      CLOSE OPEN("{\"type\":\"redacted_thinking\",\"data\":\"EmwK\"}")
                          CLOSE STOP("\"end_turn\"") END,
          STARTED
          "open thinking  \ndelta hm\nsig ant EqQB\nclose\nopen redacted  \nsig ant redacted "
          "EmwK\nclose\nusage 105 90 5 7 3\nfinish done \nend\nEND" },
        { "two calls, one without arguments",
          START OPEN("{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\"f\",\"input\":{}}")
              ARGS("") ARGS("{\\\"a\\\":") ARGS("1}") CLOSE OPEN(
                  "{\"type\":\"tool_use\",\"id\":\"toolu_2\",\"name\":\"g\",\"input\":{}}")
                  CLOSE STOP("\"tool_use\"") END,
          STARTED "open tool toolu_1 f\ndelta {\\\"a\\\":\ndelta 1}\nclose\nopen tool toolu_2 "
                  "g\nclose\nusage 105 90 5 7 3\nfinish tool \nend\nEND" },
        { "a call whose input came at its start",
          START OPEN("{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\"f\",\"input\":{\"a\":"
                     "\"\\u00e9\"}}") CLOSE STOP("\"tool_use\"") END,
          STARTED "open tool toolu_1 f\ndelta {\\\"a\\\":\\\"\\\\u00e9\\\"}\nclose\nusage 105 90 5 "
                  "7 3\nfinish tool \nend\nEND" },
        { "a reason that its blocks contradict",
          START OPEN("{\"type\":\"text\",\"text\":\"a\"}") CLOSE STOP("\"tool_use\"") END,
          STARTED "open text  \ndelta a\nclose\nusage 105 90 5 7 3\nfinish done \nend\nEND" },
        { "a surrogate cut in two",
          START OPEN("{\"type\":\"text\",\"text\":\"\"}") TEXT("\\ud83d") TEXT("\\ude00!")
              CLOSE STOP("\"end_turn\"") END,
          STARTED "open text  \ndelta \\ud83d\\ude00!\nclose\nusage 105 90 5 7 3\nfinish done "
                  "\nend\nEND" },
        { "a search of the server, with a citation",
          START OPEN(
              "{\"type\":\"server_tool_use\",\"id\":\"s1\",\"name\":\"web_search\",\"input\":"
              "{}}") ARGS("{\\\"query\\\":") ARGS("\\\"x\\\"}")
              CLOSE OPEN("{\"type\":\"web_search_tool_result\",\"tool_use_id\":\"s1\",\"content\":"
                         "[]}") CLOSE OPEN("{\"type\":\"text\",\"text\":\"\",\"citations\":[]}")
                  DELTA("{\"type\":\"citations_delta\",\"citation\":{\"type\":\"web_search_result_"
                        "location\",\"url\":\"https://e.org\",\"title\":\"E\"}}") TEXT("so")
                      CLOSE STOP("\"end_turn\"") END,
          STARTED "server server_tool_use {\"type\":\"server_tool_use\",\"id\":\"s1\",\"name\":"
                  "\"web_search\",\"input\":{\"query\":\"x\"}}\nserver web_search_tool_result "
                  "{\"type\":\"web_search_tool_result\",\"tool_use_id\":\"s1\",\"content\":[]}\n"
                  "open text  \nnote https://e.org E\ndelta so\nclose\nusage 105 90 5 7 3\nfinish "
                  "done \nend\nEND" },
        { "the sequence that stopped it",
          START "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"stop_sequence\",\"stop_"
                "sequence\":\"\\n\\n\"},\"usage\":{\"output_tokens\":2}}\n" END,
          STARTED "usage 105 90 5 2 -1\nfinish sequence \\n\\n\nend\nEND" },
        { "a refusal and its kind",
          START
          "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"refusal\",\"stop_"
          "details\":{\"type\":\"refusal\",\"category\":\"bio\",\"explanation\":\"no\"}}}\n" END,
          STARTED "usage 105 90 5 1 -1\nfinish refusal bio\nend\nEND" },
        { "an empty answer", START STOP("\"end_turn\"") END,
          STARTED "usage 105 90 5 7 3\nfinish done \nend\nEND" },
        { "a reason that is not known", START STOP("\"newer\"") END,
          STARTED "usage 105 90 5 7 3\nfinish other \nend\nEND" },
        { "the error as the first event",
          "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"O\"}}\n",
          "ERROR" },
        { "an end behind the reason", START STOP("\"max_tokens\""),
          STARTED "usage 105 90 5 7 3\nfinish length \nend\nEND" },
        { "an end in the middle of a text",
          START OPEN("{\"type\":\"text\",\"text\":\"\"}") TEXT("Par"),
          STARTED "open text  \ndelta Par\nCUT" },
        { "nothing at all", "", "CUT" },
        { "a block without a body",
          START "{\"type\":\"content_block_start\",\"index\":0}\n" TEXT("a"), STARTED "CUT" },
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK_STR(rig_decode(t, cases[i].events, NULL, true), cases[i].want, "%s", cases[i].name);
}

TEST(anthropic_stream_whose_framing_broke_is_cut_even_behind_its_reason)
{
    CHECK_STR(rig_decode(t, START STOP("\"end_turn\""), NULL, false),
              STARTED "usage 105 90 5 7 3\nCUT");
}

TEST(anthropic_whole_answers_become_the_same_events)
{
    CHECK_STR(
        rig_decode_whole(
            t,
            "{\"id\":\"msg_1\",\"type\":\"message\",\"model\":\"claude-x\",\"content\":[{\"type\":"
            "\"thinking\",\"thinking\":\"hm\",\"signature\":\"EqQB\"},{\"type\":\"redacted_"
            "thinking\",\"data\":\"EmwK\"},{\"type\":\"text\",\"text\":\"a\",\"citations\":[{"
            "\"type\":\"char_location\",\"document_title\":\"D\"}]},{\"type\":\"server_tool_use\","
            "\"id\":\"s\",\"name\":\"n\",\"input\":{}},{\"type\":\"tool_use\",\"id\":\"toolu_1\","
            "\"name\":\"f\",\"input\":{\"a\":1}},{\"type\":\"tool_use\",\"id\":\"toolu_2\","
            "\"name\":"
            "\"f\",\"input\":{}}],\"stop_reason\":\"tool_use\",\"usage\":{\"input_tokens\":1,"
            "\"output_tokens\":2}}",
            NULL),
        "start msg_1 claude-x\nusage 1 -1 -1 2 -1\nopen thinking  \ndelta hm\nsig ant EqQB\nclose\n"
        "open redacted  \nsig ant redacted EmwK\nclose\nopen text  \ndelta a\nnote  D\nclose\n"
        "server server_tool_use "
        "{\"type\":\"server_tool_use\",\"id\":\"s\",\"name\":\"n\",\"input\":"
        "{}}\nopen tool toolu_1 f\ndelta {\\\"a\\\":1}\nclose\nopen tool toolu_2 f\nclose\nfinish "
        "tool \nend\nEND");
    CHECK_STR(rig_decode_whole(t, "{\"type\":\"error\",\"error\":{}}", NULL), "ERROR");
    CHECK_STR(rig_decode_whole(t, "{\"id\":\"x\"}", NULL), "CUT");
    CHECK_STR(rig_decode_whole(t, "{\"content\":[]}", NULL), "CUT");
    CHECK_STR(rig_decode_whole(t, "{\"content\":[],\"stop_reason\":null}", NULL), "CUT");
    CHECK_STR(rig_decode_whole(t, "{\"content\":[null],\"stop_reason\":\"end_turn\"}", NULL),
              "start  \nCUT");
    CHECK(!str_eq(rig_decode_whole(t, "{\"content\":[],\"stop_reason\":\"end_turn\"}", NULL),
                  STR("CUT")));
}

TEST(anthropic_calls_of_the_forced_tool_are_the_text)
{
    struct written asked = { .json_tool = STR("json_response") };

    CHECK_STR(rig_decode(t,
                         START OPEN("{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\"json_"
                                    "response\",\"input\":{}}") ARGS("{\\\"a\\\":") ARGS("1}")
                             CLOSE STOP("\"tool_use\"") END,
                         &asked, true),
              STARTED "open text  \ndelta {\\\"a\\\":\ndelta 1}\nclose\nusage 105 90 5 7 3\nfinish "
                      "done \nend\nEND");
    CHECK_STR(rig_decode_whole(t,
                               "{\"content\":[{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"json_"
                               "response\",\"input\":{\"a\":1}}],\"stop_reason\":\"tool_use\"}",
                               &asked),
              "start  \nopen text  \ndelta {\\\"a\\\":1}\nclose\nfinish done \nend\nEND");
}

TEST(anthropic_answers_that_repeat_what_they_were_to_continue_lose_it)
{
    static const struct {
        const char *name, *events, *want;
    } cases[] = {
        { "in pieces", TEXT("One") TEXT(" two") TEXT(" three"), "delta  three\n" },
        { "and not", TEXT("On") TEXT("ward"), "delta Onward\n" },
        { "all of it and no more", TEXT("One two"), "" },
        { "a part of it", TEXT("One"), "delta One\n" },
    };
    struct written asked = { .prefill = TEXT_LIT("One two") };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str got = rig_decode(t,
                                    arena_printf(&t->arena, "%s%s%s",
                                                 START OPEN("{\"type\":\"text\",\"text\":\"\"}"),
                                                 cases[i].events, CLOSE STOP("\"end_turn\"") END)
                                        .at,
                                    &asked, true);
        struct str want = arena_printf(&t->arena, "%s%s%s", STARTED "open text  \n", cases[i].want,
                                       "close\nusage 105 90 5 7 3\nfinish done \nend\nEND");

        CHECK_STRS(got, want, "%s", cases[i].name);
    }
}
