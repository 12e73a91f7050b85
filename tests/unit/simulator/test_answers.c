/* Answers on the four wires: the grammar of each stream, and that stream and whole say the same. */
#include "sim_rig.h"

static const enum wire wires[] = { WIRE_OPENAI_CHAT, WIRE_OPENAI_RESPONSES, WIRE_ANTHROPIC,
                                   WIRE_GEMINI };

/* The wire's own word for each kind of ending, in the order of `wires`. */
static const char *const stop[] = { "stop", "completed", "end_turn", "STOP" };
static const char *const tools[] = { "tool_calls", "completed", "tool_use", "STOP" };
static const char *const length[] = { "length", "max_output_tokens", "max_tokens", "MAX_TOKENS" };
static const char *const refused[] = { "stop", "completed", "refusal", "SAFETY" };
static const char *const blocked[] = { "content_filter", "content_filter", "refusal", "SAFETY" };

static const struct {
    const char *name, *prompt;
    const char *text; /* NULL: not looked at */
    const char *think;
    const char *const *finish;
    uint32_t tools;
    int64_t output;
} cases[] = {
    { "an echo", "Hello there", "You said: Hello there (model m1)", "", stop, 0, 8 },
    { "a given text", "[[sim: text=\"So be it\"]]", "So be it", "", stop, 0, 2 },
    { "a text of other scripts", "[[sim: text=\"Grüße, 世界 😀\" chunk=1]]", "Grüße, 世界 😀", "",
      stop, 0, 5 },
    { "control characters", "[[sim: text=\"a\\u0001\\n\\\"\\\\\"]]", "a\x01\n\"\\", "", stop, 0,
      2 },
    { "a thought", "[[sim: think=\"hm, yes\" text=ok]]", "ok", "hm, yes", stop, 0, 3 },
    { "a call", "[[sim: tool=get_weather args={\"city\":\"Paris\"}]]", "", "", tools, 1, 4 },
    { "a text and two calls", "[[sim: text=Checking tool=a args={\"x\":[1,{}]} tool=b args={}]]",
      "Checking", "", tools, 2, 6 },
    { "a thought and a call", "[[sim: think=hm tool=a args={}]]", "", "hm", tools, 1, 2 },
    { "cut by tokens", "[[sim: text=\"0123456789\" max=2]]", "01234567", "", length, 0, 2 },
    { "cut inside a thought", "[[sim: think=\"0123456789\" text=x max=2]]", "", "01234567", length,
      0, 2 },
    { "no tokens at all", "[[sim: text=abc max=0]]", "", "", length, 0, 0 },
    { "empty", "[[sim: empty]]", "", "", stop, 0, 0 },
    { "a refusal", "[[sim: refuse]]", NULL, "", refused, 0, 10 },
    { "a blocked prompt", "[[sim: block]]", "", "", blocked, 0, 0 },
    { "many words", "[[sim: words=500 chunk=7]]", NULL, "", stop, 0, -1 },
    { "many events", "[[sim: events=300]]", NULL, "", stop, 0, 1800 },
    { "one large event", "[[sim: big=64]]", NULL, "", stop, 0, 16384 },
};

static void check_case(struct test *t, size_t i, size_t w, bool stream, const struct heard *h)
{
    const char *name = cases[i].name;
    const char *wire = wire_name(wires[w]).at;

    CHECK_STR(h->fault, "", "%s, %s, stream %d", name, wire, stream);
    CHECK(h->ended, "%s, %s, stream %d", name, wire, stream);
    CHECK_STR(h->finish, cases[i].finish[w], "%s, %s, stream %d", name, wire, stream);
    CHECK_STR(h->model, "m1", "%s, %s, stream %d", name, wire, stream);
    CHECK(h->has_usage, "%s, %s, stream %d", name, wire, stream);
    CHECK_INT(h->tool_count, cases[i].tools, "%s, %s, stream %d", name, wire, stream);
    if (cases[i].text != NULL)
        CHECK_STR(h->text, cases[i].text, "%s, %s, stream %d", name, wire, stream);
    if (cases[i].output >= 0)
        CHECK_INT(h->output, cases[i].output, "%s, %s, stream %d", name, wire, stream);
    CHECK_STR(h->think, cases[i].think, "%s, %s, stream %d", name, wire, stream);
}

TEST(every_stream_keeps_its_grammar_and_says_what_the_whole_answer_says)
{
    struct rig rig;

    rig_open(&rig, t, "");
    for (size_t i = 0; i < COUNT(cases); i++)
        for (size_t w = 0; w < COUNT(wires); w++) {
            struct heard streamed, whole;

            CHECK_INT(rig_hear(&rig, wires[w], true, cases[i].prompt, "", &streamed), 200, "%s",
                      cases[i].name);
            CHECK_INT(rig_hear(&rig, wires[w], false, cases[i].prompt, "", &whole), 200, "%s",
                      cases[i].name);
            check_case(t, i, w, true, &streamed);
            check_case(t, i, w, false, &whole);
            CHECK_INT(streamed.prompt, whole.prompt, "%s", cases[i].name);
            CHECK_INT(streamed.thoughts, whole.thoughts, "%s", cases[i].name);
            for (uint32_t k = 0; k < cases[i].tools; k++) {
                CHECK_STRS(streamed.tools[k].name, whole.tools[k].name, "%s", cases[i].name);
                CHECK_STRS(streamed.tools[k].args, whole.tools[k].args, "%s", cases[i].name);
                CHECK(streamed.tools[k].id.len > 10, "%s", cases[i].name);
            }
        }
    rig_close(&rig);
}

TEST(same_request_gives_same_bytes_and_another_gives_another_id)
{
    struct rig rig;

    rig_open(&rig, t, "");
    for (size_t w = 0; w < COUNT(wires); w++) {
        struct str body = rig_ask(t, wires[w], true, "[[sim: words=40 think=5 tool=a]]", "");
        struct response a = rig_post(&rig, rig_target(wires[w], true), body);
        struct response b = rig_post(&rig, rig_target(wires[w], true), body);
        struct heard x, y;

        CHECK_STRS(buf_str(&a.reply.body), buf_str(&b.reply.body), "%s", wire_name(wires[w]).at);
        respond_clear(&a);
        respond_clear(&b);
        rig_hear(&rig, wires[w], true, "one", "", &x);
        rig_hear(&rig, wires[w], true, "two", "", &y);
        CHECK(!str_eq(x.id, y.id), "%s", wire_name(wires[w]).at);
    }
    rig_close(&rig);
}

TEST(text_comes_in_pieces_of_the_size_that_was_asked_for)
{
    struct rig rig;

    rig_open(&rig, t, "");
    for (size_t w = 0; w < COUNT(wires); w++) {
        struct heard h;

        rig_hear(&rig, wires[w], true, "[[sim: text=0123456789 chunk=3]]", "", &h);
        CHECK_INT(h.deltas, 4, "%s", wire_name(wires[w]).at);
        rig_hear(&rig, wires[w], true, "[[sim: events=37]]", "", &h);
        CHECK_INT(h.deltas, 37, "%s", wire_name(wires[w]).at);
        rig_hear(&rig, wires[w], true, "[[sim: big=8]]", "", &h);
        CHECK_INT(h.deltas, 1, "%s", wire_name(wires[w]).at);
        CHECK_INT(h.text.len, 8192, "%s", wire_name(wires[w]).at);
    }
    rig_close(&rig);
}

TEST(thoughts_are_signed_in_the_form_of_the_provider)
{
    static const struct {
        enum wire wire;
        const char *begins;
    } forms[] = {
        { WIRE_OPENAI_RESPONSES, "gAAAA" },
        { WIRE_ANTHROPIC, "E" },
        { WIRE_GEMINI, "C" },
    };
    struct rig rig;

    rig_open(&rig, t, "");
    for (size_t i = 0; i < COUNT(forms); i++)
        for (int stream = 0; stream < 2; stream++) {
            struct heard h;

            rig_hear(&rig, forms[i].wire, stream == 1, "[[sim: think text=ok]]", "", &h);
            CHECK(str_starts(h.signature, str_c(forms[i].begins)), "%s: %.*s",
                  wire_name(forms[i].wire).at, STR_ARG(h.signature));
            rig_hear(&rig, forms[i].wire, stream == 1, "[[sim: think empty]]", "", &h);
            CHECK(str_starts(h.signature, str_c(forms[i].begins)), "%s without text",
                  wire_name(forms[i].wire).at);
            CHECK_STR(h.fault, "", "%s", wire_name(forms[i].wire).at);
        }
    rig_close(&rig);
}

TEST(omitted_thinking_leaves_only_the_signature)
{
    struct rig rig;
    struct heard h;

    rig_open(&rig, t, "");
    rig_hear(&rig, WIRE_ANTHROPIC, true, "[[sim: think=abc text=ok]]",
             ",\"thinking\":{\"type\":\"adaptive\",\"display\":\"omitted\"}", &h);
    CHECK_STR(h.fault, "");
    CHECK_STR(h.think, "");
    CHECK(h.signature.len > 0);
    CHECK_STR(h.text, "ok");
    rig_close(&rig);
}

TEST(stop_sequences_of_the_request_cut_the_text)
{
    static const char *const extras[] = {
        ",\"stop\":[\"zzz\",\"END\"]",
        NULL, /* the wire has none */
        ",\"stop_sequences\":[\"END\"]",
        ",\"generationConfig\":{\"stopSequences\":[\"END\"]}",
    };
    static const char *const finishes[] = { "stop", "", "stop_sequence", "STOP" };
    struct rig rig;

    rig_open(&rig, t, "");
    for (size_t w = 0; w < COUNT(wires); w++)
        for (int stream = 0; stream < 2 && extras[w] != NULL; stream++) {
            struct heard h;

            rig_hear(&rig, wires[w], stream == 1, "[[sim: text=\"one END two\" tool=a]]", extras[w],
                     &h);
            CHECK_STR(h.fault, "", "%s", wire_name(wires[w]).at);
            CHECK_STR(h.text, "one ", "%s", wire_name(wires[w]).at);
            CHECK_STR(h.finish, finishes[w], "%s", wire_name(wires[w]).at);
            CHECK_INT(h.tool_count, 0, "%s", wire_name(wires[w]).at);
            if (wires[w] == WIRE_ANTHROPIC)
                CHECK_STR(h.stop_sequence, "END");
        }
    rig_close(&rig);
}

TEST(limits_of_the_request_cut_the_answer)
{
    /* of a member that stands twice, as with anthropic here, the last one counts */
    static const char *const before[] = {
        ",\"max_completion_tokens\":",
        ",\"max_output_tokens\":",
        ",\"max_tokens\":",
        ",\"generationConfig\":{\"max_output_tokens\":",
    };
    static const char *const after[] = { "", "", "", "}" };
    struct rig rig;

    rig_open(&rig, t, "");
    for (size_t w = 0; w < COUNT(wires); w++)
        for (int max = 2; max <= 4; max++) {
            struct str extra = arena_printf(&t->arena, "%s%d%s", before[w], max, after[w]);
            struct heard h;

            rig_hear(&rig, wires[w], true, "[[sim: text=0123456789ab]]", extra.at, &h);
            CHECK_STR(h.fault, "", "%s at %d", wire_name(wires[w]).at, max);
            CHECK_STR(h.finish, max < 3 ? length[w] : stop[w], "%s at %d", wire_name(wires[w]).at,
                      max);
            CHECK_INT(h.output, max < 3 ? max : 3, "%s at %d", wire_name(wires[w]).at, max);
        }
    rig_close(&rig);
}

TEST(truncated_calls_stay_truncated_and_gemini_drops_them)
{
    struct rig rig;

    rig_open(&rig, t, "");
    for (size_t w = 0; w < COUNT(wires); w++) {
        struct heard h;

        rig_hear(&rig, wires[w], true, "[[sim: tool=a args={\"long\":\"0123456789\"} max=2]]", "",
                 &h);
        CHECK_STR(h.fault, "", "%s", wire_name(wires[w]).at);
        CHECK_STR(h.finish, length[w], "%s", wire_name(wires[w]).at);
        CHECK_INT(h.tool_count, wires[w] == WIRE_GEMINI ? 0 : 1, "%s", wire_name(wires[w]).at);
        if (h.tool_count > 0)
            CHECK_STR(h.tools[0].args, "{\"long\":", "%s", wire_name(wires[w]).at);
    }
    rig_close(&rig);
}

static const char *const declared[] = {
    ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"get_weather\",\"parameters\":"
    "{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}}}}}]",
    ",\"tools\":[{\"type\":\"web_search\"},{\"type\":\"function\",\"name\":\"get_weather\","
    "\"parameters\":{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}}}}]",
    ",\"tools\":[{\"name\":\"get_weather\",\"input_schema\":{\"type\":\"object\",\"properties\":"
    "{\"city\":{\"type\":\"string\"}}}}]",
    ",\"tools\":[{\"functionDeclarations\":[{\"name\":\"get_weather\",\"parameters\":{\"type\":"
    "\"OBJECT\",\"properties\":{\"city\":{\"type\":\"STRING\"}}}}]}]",
};

TEST(a_bare_tool_is_the_first_declared_with_arguments_from_its_schema)
{
    struct rig rig;

    rig_open(&rig, t, "");
    for (size_t w = 0; w < COUNT(wires); w++) {
        struct heard h;

        rig_hear(&rig, wires[w], true, "[[sim: tool]]", declared[w], &h);
        CHECK_STR(h.fault, "", "%s", wire_name(wires[w]).at);
        CHECK_STR(h.finish, tools[w], "%s", wire_name(wires[w]).at);
        CHECK_STR(h.tools[0].name, "get_weather", "%s", wire_name(wires[w]).at);
        CHECK_STR(h.tools[0].args, "{\"city\":\"city\"}", "%s", wire_name(wires[w]).at);
        rig_hear(&rig, wires[w], true, "no directive", declared[w], &h);
        CHECK_INT(h.tool_count, 0, "%s: a declared tool alone is not called",
                  wire_name(wires[w]).at);
    }
    rig_close(&rig);
}

TEST(a_tool_that_the_request_insists_on_is_called)
{
    static const char *const choices[] = {
        ",\"tool_choice\":\"required\"",
        ",\"tool_choice\":{\"type\":\"function\",\"name\":\"get_weather\"}",
        ",\"tool_choice\":{\"type\":\"tool\",\"name\":\"get_weather\"}",
        ",\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"ANY\"}}",
    };
    struct rig rig;

    rig_open(&rig, t, "");
    for (size_t w = 0; w < COUNT(wires); w++) {
        struct heard h;
        struct str extra = arena_printf(&t->arena, "%s%s", declared[w], choices[w]);

        rig_hear(&rig, wires[w], false, "go", extra.at, &h);
        CHECK_INT(h.tool_count, 1, "%s", wire_name(wires[w]).at);
        CHECK_STR(h.tools[0].name, "get_weather", "%s", wire_name(wires[w]).at);
        CHECK_STR(h.text, "", "%s", wire_name(wires[w]).at);
    }
    rig_close(&rig);
}

TEST(a_custom_tool_gets_free_text)
{
    static const char extra[] = ",\"tools\":[{\"type\":\"custom\",\"name\":\"apply_patch\"}]";
    struct rig rig;
    struct heard h;

    rig_open(&rig, t, "");
    rig_hear(&rig, WIRE_OPENAI_RESPONSES, true, "[[sim: tool args=\"*** Begin\"]]", extra, &h);
    CHECK_STR(h.fault, "");
    CHECK_STR(h.tools[0].name, "apply_patch");
    CHECK_STR(h.tools[0].args, "*** Begin");
    rig_hear(&rig, WIRE_OPENAI_CHAT, true, "[[sim: tool]]",
             ",\"tools\":[{\"type\":\"custom\",\"custom\":{\"name\":\"apply_patch\"}}]", &h);
    CHECK_STR(h.fault, "");
    CHECK_STR(h.tools[0].args, "free text");
    rig_close(&rig);
}

TEST(a_result_of_a_tool_is_quoted_and_ends_the_loop)
{
    static const struct {
        enum wire wire;
        const char *body;
    } asks[] = {
        { WIRE_OPENAI_CHAT,
          "{\"model\":\"m1\",\"messages\":[{\"role\":\"user\",\"content\":\"[[sim: tool=f]]\"},"
          "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c1\",\"type\":"
          "\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},{\"role\":\"tool\","
          "\"tool_call_id\":\"c1\",\"content\":\"12 degrees\"}]}" },
        { WIRE_OPENAI_RESPONSES,
          "{\"model\":\"m1\",\"input\":[{\"role\":\"user\",\"content\":\"[[sim: tool=f]]\"},"
          "{\"type\":\"function_call\",\"call_id\":\"c1\",\"name\":\"f\",\"arguments\":\"{}\"},"
          "{\"type\":\"function_call_output\",\"call_id\":\"c1\",\"output\":\"12 degrees\"}]}" },
        { WIRE_ANTHROPIC,
          "{\"model\":\"m1\",\"max_tokens\":99,\"messages\":[{\"role\":\"user\",\"content\":"
          "\"[[sim: tool=f]]\"},{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":"
          "\"c1\",\"name\":\"f\",\"input\":{}}]},{\"role\":\"user\",\"content\":[{\"type\":"
          "\"tool_result\",\"tool_use_id\":\"c1\",\"content\":[{\"type\":\"text\",\"text\":\"12 "
          "degrees\"}]}]}]}" },
        { WIRE_GEMINI,
          "{\"contents\":[{\"parts\":[{\"text\":\"[[sim: tool=f]]\"}]},{\"role\":\"model\","
          "\"parts\":[{\"functionCall\":{\"name\":\"f\",\"args\":{}}}]},{\"role\":\"user\","
          "\"parts\":[{\"functionResponse\":{\"name\":\"f\",\"response\":{\"output\":\"12 "
          "degrees\"}}}]}]}" },
    };
    struct rig rig;

    rig_open(&rig, t, "");
    for (size_t i = 0; i < COUNT(asks); i++) {
        struct response r = rig_post(&rig, rig_target(asks[i].wire, false), str_c(asks[i].body));
        struct heard h;

        CHECK_INT(r.reply.status, 200, "%s", wire_name(asks[i].wire).at);
        hear_whole(t, asks[i].wire, arena_copy(&t->arena, buf_str(&r.reply.body)), &h);
        CHECK_STR(h.text, "The tool f answered: 12 degrees (model m1)", "%s",
                  wire_name(asks[i].wire).at);
        respond_clear(&r);
    }
    rig_close(&rig);
}

TEST(pictures_and_documents_are_told_in_the_answer)
{
    static const struct {
        enum wire wire;
        const char *body, *want;
    } asks[] = {
        { WIRE_OPENAI_CHAT,
          "{\"model\":\"m1\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
          "\"text\":\"look\"},{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;"
          "base64,AAAAAAA=\"}},{\"type\":\"image_url\",\"image_url\":{\"url\":"
          "\"https://example.com/a.png\"}}]}]}",
          "You said: look [2 images, 5 bytes] (model m1)" },
        { WIRE_OPENAI_RESPONSES,
          "{\"model\":\"m1\",\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_text\","
          "\"text\":\"look\"},{\"type\":\"input_image\",\"image_url\":\"data:image/png;base64,"
          "AAAA\"},{\"type\":\"input_file\",\"file_data\":\"data:application/pdf;base64,AAAAAAAA\"}"
          "]}]}",
          "You said: look [1 image, 3 bytes] [1 document, 6 bytes] (model m1)" },
        { WIRE_ANTHROPIC,
          "{\"model\":\"m1\",\"max_tokens\":99,\"messages\":[{\"role\":\"user\",\"content\":["
          "{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/png\","
          "\"data\":\"AAAA\"}},{\"type\":\"document\",\"source\":{\"type\":\"base64\","
          "\"media_type\":\"application/pdf\",\"data\":\"AAAAAA==\"}},{\"type\":\"text\",\"text\":"
          "\"look\"}]}]}",
          "You said: look [1 image, 3 bytes] [1 document, 4 bytes] (model m1)" },
        { WIRE_GEMINI,
          "{\"contents\":[{\"parts\":[{\"text\":\"look\"},{\"inlineData\":{\"mimeType\":"
          "\"image/png\",\"data\":\"AAAA\"}},{\"inline_data\":{\"mime_type\":\"audio/wav\","
          "\"data\":\"AAAA\"}}]}]}",
          "You said: look [1 image, 3 bytes] [1 recording, 3 bytes] (model m1)" },
    };
    struct rig rig;

    rig_open(&rig, t, "");
    for (size_t i = 0; i < COUNT(asks); i++) {
        struct response r = rig_post(&rig, rig_target(asks[i].wire, false), str_c(asks[i].body));
        struct heard h;

        hear_whole(t, asks[i].wire, arena_copy(&t->arena, buf_str(&r.reply.body)), &h);
        CHECK_STR(h.text, asks[i].want, "%s", wire_name(asks[i].wire).at);
        respond_clear(&r);
    }
    rig_close(&rig);
}

TEST(a_schema_in_the_request_gets_an_instance_of_it)
{
#define SCHEMA                                                                               \
    "{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\",\"minimum\":3},\"s\":" \
    "{\"enum\":[\"x\",\"y\"]}},\"required\":[\"n\",\"s\"]}"
    static const char *const extras[] = {
        ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"o\","
        "\"schema\":" SCHEMA "}}",
        ",\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"o\",\"schema\":" SCHEMA "}}",
        ",\"output_config\":{\"format\":{\"type\":\"json_schema\",\"schema\":" SCHEMA "}}",
        ",\"generationConfig\":{\"responseMimeType\":\"application/"
        "json\",\"responseSchema\":" SCHEMA "}",
    };
    struct rig rig;
    struct heard h;

    rig_open(&rig, t, "");
    for (size_t w = 0; w < COUNT(wires); w++) {
        rig_hear(&rig, wires[w], true, "give me JSON", extras[w], &h);
        CHECK_STR(h.text, "{\"n\":3,\"s\":\"x\"}", "%s", wire_name(wires[w]).at);
    }
    rig_hear(&rig, WIRE_OPENAI_CHAT, false, "hi", ",\"response_format\":{\"type\":\"json_object\"}",
             &h);
    CHECK_STR(h.text, "{\"answer\":\"yes\"}");
    rig_hear(&rig, WIRE_GEMINI, false, "hi",
             ",\"generationConfig\":{\"responseMimeType\":\"text/x.enum\",\"responseSchema\":"
             "{\"type\":\"STRING\",\"enum\":[\"red\",\"blue\"]}}",
             &h);
    CHECK_STR(h.text, "red");
    rig_close(&rig);
}

TEST(usage_goes_only_to_those_who_ask_and_can_be_left_out)
{
    struct rig rig;
    struct heard h;
    struct response r;

    rig_open(&rig, t, "");
    r = rig_post(&rig, "/v1/chat/completions",
                 STR("{\"model\":\"m1\",\"stream\":true,\"messages\":[{\"role\":\"user\","
                     "\"content\":\"hi\"}]}"));
    hear_stream(t, WIRE_OPENAI_CHAT, arena_copy(&t->arena, buf_str(&r.reply.body)), &h);
    CHECK_STR(h.fault, "");
    CHECK(!h.has_usage);
    CHECK(str_find(buf_str(&r.reply.body), STR("usage")) == SIZE_MAX);
    respond_clear(&r);
    for (size_t w = 0; w < COUNT(wires); w++)
        for (int stream = 0; stream < 2; stream++) {
            rig_hear(&rig, wires[w], stream == 1, "[[sim: usage=off]]", "", &h);
            CHECK_STR(h.fault, "", "%s", wire_name(wires[w]).at);
            CHECK(!h.has_usage, "%s, stream %d", wire_name(wires[w]).at, stream);
        }
    rig_close(&rig);
}

TEST(the_answer_can_name_another_model)
{
    struct rig rig;

    rig_open(&rig, t, "");
    for (size_t w = 0; w < COUNT(wires); w++) {
        struct heard h;

        rig_hear(&rig, wires[w], true, "[[sim: model=m1-2026-11-01]]", "", &h);
        CHECK_STR(h.model, "m1-2026-11-01", "%s", wire_name(wires[w]).at);
    }
    rig_close(&rig);
}

TEST(pictures_can_be_answered)
{
    struct rig rig;

    rig_open(&rig, t, "");
    for (size_t w = 0; w < COUNT(wires); w++)
        for (int stream = 0; stream < 2; stream++) {
            struct heard h;

            rig_hear(&rig, wires[w], stream == 1, "[[sim: text=there image]]", "", &h);
            CHECK_STR(h.fault, "", "%s", wire_name(wires[w]).at);
            if (wires[w] == WIRE_GEMINI)
                CHECK_INT(h.images, 1);
            else
                CHECK(str_find(h.text, STR("data:image/png;base64,iVBOR")) != SIZE_MAX, "%s",
                      wire_name(wires[w]).at);
        }
    rig_close(&rig);
}

TEST(several_choices_of_a_chat_come_side_by_side)
{
    struct rig rig;
    struct response r;
    struct str body;

    rig_open(&rig, t, "");
    body = rig_ask(t, WIRE_OPENAI_CHAT, false, "[[sim: text=abcd]]", ",\"n\":3");
    r = rig_post(&rig, "/v1/chat/completions", body);
    body = buf_str(&r.reply.body);
    CHECK_STR(json_at(t, body, "choices.2.message.content"), "abcd");
    CHECK_STR(json_at(t, body, "choices.3"), "-");
    CHECK_STR(json_at(t, body, "usage.completion_tokens"), "3");
    respond_clear(&r);
    rig_close(&rig);
}

TEST(gemini_without_alt_sse_streams_one_json_array)
{
    struct rig rig;
    struct response r;
    struct str body;

    rig_open(&rig, t, "");
    body = rig_ask(t, WIRE_GEMINI, true, "[[sim: text=0123456789 chunk=5]]", "");
    r = rig_post(&rig, "/v1beta/models/m1:streamGenerateContent", body);
    body = buf_str(&r.reply.body);
    CHECK_STR(reply_header(&r, "content-type"), "application/json");
    CHECK_STR(json_at(t, body, "0.candidates.0.content.parts.0.text"), "01234");
    CHECK_STR(json_at(t, body, "1.candidates.0.content.parts.0.text"), "56789");
    CHECK_STR(json_at(t, body, "2.candidates.0.finishReason"), "STOP");
    CHECK_STR(json_at(t, body, "3"), "-");
    CHECK_INT(r.reply.mark_count, 4);
    respond_clear(&r);
    rig_close(&rig);
}

TEST(cloudcode_answers_like_gemini_in_a_wrapper)
{
    static const char *const body = "{\"model\":\"m1\",\"project\":\"p\",\"request\":{\"contents\":"
                                    "[{\"role\":\"user\",\"parts\":"
                                    "[{\"text\":\"[[sim: text=0123456789 chunk=5]]\"}]}]}}";
    static const char *const limited =
        "{\"model\":\"m1\",\"request\":{\"contents\":[{\"parts\":[{\"text\":"
        "\"[[sim: error=quota reset-in=90]]\"}]}]}}";
    struct rig rig;
    struct response r;

    rig_open(&rig, t, "");
    r = rig_post(&rig, "/v1internal:generateContent", str_c(body));
    CHECK_STR(json_at(t, buf_str(&r.reply.body), "response.candidates.0.content.parts.0.text"),
              "0123456789");
    CHECK_STR(json_at(t, buf_str(&r.reply.body), "response.modelVersion"), "m1");
    CHECK(json_at(t, buf_str(&r.reply.body), "traceId").len > 1);
    respond_clear(&r);
    r = rig_post(&rig, "/v1internal:streamGenerateContent?alt=sse", str_c(body));
    CHECK(str_starts(buf_str(&r.reply.body), STR("data: {\"response\":{\"candidates\"")));
    CHECK_INT(r.reply.mark_count, 3);
    respond_clear(&r);
    r = rig_post(&rig, "/v1internal:generateContent", str_c(limited));
    CHECK_INT(r.reply.status, 429);
    CHECK_STR(json_at(t, buf_str(&r.reply.body), "error.details.0.reason"), "QUOTA_EXHAUSTED");
    CHECK_STR(json_at(t, buf_str(&r.reply.body), "error.details.0.metadata.quotaResetDelay"),
              "90s");
    respond_clear(&r);
    rig_close(&rig);
}

TEST(calls_of_gemini_can_come_without_ids)
{
    struct rig rig;
    struct heard h;

    rig_open(&rig, t, "");
    rig_hear(&rig, WIRE_GEMINI, true, "[[sim: tool=a tool=b ids=off]]", "", &h);
    CHECK_STR(h.tools[0].id, "-");
    CHECK_STR(h.tools[1].id, "-");
    rig_close(&rig);
}
