/* What of a client's request is refused and how that is said; what is not read is named. */
#include "chat_rig.h"

#define CHAT WIRE_OPENAI_CHAT
#define ASK(more) "{\"model\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]" more "}"
#define SAY(message) \
    "{\"model\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}," message "]}"
#define PART(part) "{\"model\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":[" part "]}]}"

static const struct {
    const char *body, *want;
} refused[] = {
    { "[]", ": the request body must be a JSON object" },
    { "{}", "model: is missing: name a model" },
    { "{\"model\":1}", "model: must be a string" },
    { "{\"model\":\"a\"}", "messages: must be an array with at least one message" },
    { "{\"model\":\"a\",\"messages\":[]}", "messages: must be an array with at least one message" },
    { "{\"model\":\"a\",\"messages\":{}}", "messages: must be an array" },
    { "{\"model\":\"a\",\"messages\":[1]}", "messages[0]: must be an object" },
    { SAY("{}"), "messages[1].role: is missing" },
    { SAY("{\"role\":\"model\"}"),
      "messages[1].role: must be system, developer, user, assistant, tool or function" },
    { SAY("{\"role\":\"user\"}"), "messages[1].content: is missing" },
    { SAY("{\"role\":\"user\",\"content\":1}"),
      "messages[1].content: must be a string or an array" },
    { SAY("{\"role\":\"user\",\"content\":\"a\",\"content\":\"b\"}"),
      "messages[1].content: stands in the request more than once" },
    { SAY("{\"role\":\"tool\",\"content\":\"x\"}"), "messages[1].tool_call_id: is missing" },
    { SAY("{\"role\":\"function\",\"content\":\"x\"}"), "messages[1].name: is missing" },
    { SAY("{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"a\"}]}"),
      "messages[1].tool_calls[0].function: is missing" },
    { SAY("{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"a\",\"function\":{}}]}"),
      "messages[1].tool_calls[0].function.name: is missing" },
    { SAY("{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"a\",\"function\":{\"name\":\"f\","
          "\"arguments\":1}}]}"),
      "messages[1].tool_calls[0].function.arguments: must be a string or an object" },
    { SAY("{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"a\",\"type\":\"custom\","
          "\"function\":{\"name\":\"f\"}}]}"),
      "messages[1].tool_calls[0].type: must be the name of the member beside it: function or "
      "custom" },
    { PART("1"), "messages[0].content[0]: must be an object" },
    { PART("{}"), "messages[0].content[0].type: is missing" },
    { PART("{\"type\":\"text\"}"), "messages[0].content[0].text: is missing" },
    { PART("{\"type\":\"hologram\"}"), "messages[0].content[0].type: is not known" },
    { PART("{\"type\":\"image_url\"}"), "messages[0].content[0].image_url: is missing" },
    { PART("{\"type\":\"image_url\",\"image_url\":{}}"),
      "messages[0].content[0].image_url: holds no URL" },
    { PART("{\"type\":\"image_url\",\"image_url\":{\"url\":1}}"),
      "messages[0].content[0].image_url.url: must be a string" },
    { PART("{\"type\":\"image_url\",\"image_url\":{\"url\":\"http://a\",\"detail\":\"huge\"}}"),
      "messages[0].content[0].image_url.detail: must be auto, low, high or original" },
    { PART("{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/svg+xml,<svg/>\"}}"),
      "messages[0].content[0].image_url: must be a URL, or a data URL in base64" },
    { PART("{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"AA\"}}"),
      "messages[0].content[0].input_audio.format: is missing" },
    { PART("{\"type\":\"file\",\"file\":{\"filename\":\"a.pdf\"}}"),
      "messages[0].content[0].file: needs file_data or file_id" },
    { PART("{\"type\":\"text\",\"text\":\"a\",\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":"
           "\"2h\"}}"),
      "messages[0].content[0].cache_control.ttl: must be 5m, 30m, 1h or 12h" },
    { ASK(",\"temperature\":2.1"), "temperature: must be from 0 to 2" },
    { ASK(",\"temperature\":-1"), "temperature: must be from 0 to 2" },
    { ASK(",\"temperature\":\"1\""), "temperature: must be a number" },
    { ASK(",\"top_p\":1.01"), "top_p: must be from 0 to 1" },
    { ASK(",\"frequency_penalty\":3"), "frequency_penalty: must be from -2 to 2" },
    { ASK(",\"max_tokens\":0"), "max_tokens: must be at least 1" },
    { ASK(",\"max_tokens\":1.5"), "max_tokens: must be a whole number" },
    { ASK(",\"n\":129"), "n: must be from 1 to 128" },
    { ASK(",\"seed\":1.5"), "seed: must be a whole number" },
    { ASK(",\"stop\":[1]"), "stop: must be a string or an array of strings" },
    { ASK(",\"stream\":1"), "stream: must be true or false" },
    { ASK(",\"logprobs\":1"), "logprobs: must be true or false" },
    { ASK(",\"top_logprobs\":21"), "top_logprobs: must be from 0 to 20" },
    { ASK(",\"response_format\":{\"type\":\"xml\"}"),
      "response_format.type: must be text, json_object or json_schema" },
    { ASK(",\"response_format\":{\"type\":\"json_schema\"}"),
      "response_format.json_schema: is missing" },
    { ASK(",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"schema\":1}}"),
      "response_format.json_schema.schema: must be an object" },
    { ASK(",\"reasoning_effort\":\"huge\""),
      "reasoning_effort: must be none, minimal, low, medium, high, xhigh or max" },
    { ASK(",\"reasoning\":{\"effort\":\"huge\"}"),
      "reasoning.effort: must be none, minimal, low, medium, high, xhigh or max" },
    { ASK(",\"thinking\":{\"budget_tokens\":-2}"),
      "thinking.budget_tokens: must be from -1 to 2147483647" },
    { ASK(",\"modalities\":[\"smell\"]"), "modalities: may hold text, image and audio" },
    { ASK(",\"tools\":[{\"type\":\"function\"}]"), "tools[0].function: is missing" },
    { ASK(",\"tools\":[{\"type\":\"function\",\"function\":{}}]"),
      "tools[0].function.name: is missing" },
    { ASK(",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":[]}}]"),
      "tools[0].function.parameters: must be an object" },
    { ASK(",\"tools\":[],\"functions\":[]"),
      "functions: is the old form of tools: give only one of them" },
    { ASK(",\"functions\":[{}]"), "functions[0].name: is missing" },
    { ASK(",\"functions\":[],\"function_call\":\"f\""),
      "function_call: must be none, auto, or an object with a name" },
    { ASK(",\"tool_choice\":\"sometimes\""),
      "tool_choice: must be none, auto, required, or an object" },
    { ASK(",\"tool_choice\":{\"type\":\"function\"}"), "tool_choice: must name a function" },
    { ASK(",\"tool_choice\":{\"type\":\"allowed_tools\",\"allowed_tools\":{\"tools\":[{}]}}"),
      "tool_choice.allowed_tools.tools: must name functions" },
    { "{\"model\":\"a\",\"prompt\":[1,2]}",
      "prompt: must be text: token ids mean nothing to this model" },
    { "{\"model\":\"a\",\"prompt\":[\"a\",\"b\"]}",
      "prompt: must be one text: this model takes one at a time" },
    { "{\"model\":\"a\",\"prompt\":[]}", "prompt: is empty" },
    { "{\"model\":\"a\",\"prompt\":\"a\",\"suffix\":\"b\"}",
      "suffix: cannot be said to this model" },
    { "{\"model\":\"a\",\"prompt\":\"a\",\"logprobs\":6}", "logprobs: must be from 0 to 5" },
};

TEST(chat_refuses_by_the_clients_own_path)
{
    struct wire_target target = chat_target("gpt-4o");

    for (size_t i = 0; i < COUNT(refused); i++)
        CHECK_STR(chat_rewrite(t, CHAT, refused[i].body, &target).complaint, refused[i].want, "%s",
                  refused[i].body);
}

TEST(chat_bounds_the_stop_sequences)
{
    struct wire_target target = chat_target("gpt-4o");

    for (unsigned count = 63; count <= 65; count++) {
        struct buf body = { .max = 4096 };
        struct rewritten x;

        (void)buf_printf(&body, "%s",
                         "{\"model\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":"
                         "\"hi\"}],\"stop\":[\"x\"");
        for (unsigned i = 1; i < count; i++)
            (void)buf_printf(&body, ",\"%u\"", i);
        (void)buf_add(&body, STR("]}"));
        (void)buf_add_char(&body, '\0');
        x = chat_rewrite(t, CHAT, body.at, &target);
        if (count > 64) {
            CHECK_STR(x.complaint, "stop: holds more than 64 sequences");
        } else {
            CHECK_INT(x.out.stop_count, count - 4);
        }
        buf_clear(&body);
    }
}

/* Null equals absent, and what is not known is named, never refused. */
TEST(chat_names_what_it_does_not_read)
{
    static const struct {
        const char *body, *want;
    } cases[] = {
        { ASK(""), "" },
        { ASK(",\"temperature\":null,\"tools\":null,\"stop\":null,\"stream_options\":null,"
              "\"response_format\":null,\"tool_choice\":null,\"n\":null,\"new\":null"),
          "" },
        { ASK(",\"new\":1,\"suffix\":\"x\""), "new,suffix" },
        { ASK(",\"stream_options\":{\"include_usage\":true,\"include_obfuscation\":false,\"x\":1}"),
          "stream_options.x" },
        { ASK(",\"reasoning_effort\":\"low\",\"thinking\":{\"type\":\"enabled\"}"), "thinking" },
        { ASK(",\"function_call\":\"auto\""), "function_call" },
        { ASK(",\"extra_body\":{\"google\":{\"thinking_config\":{\"x\":1},\"y\":1},\"z\":2}"),
          "extra_body.z,extra_body.google.y,extra_body.google.thinking_config.x" },
        { SAY("{\"role\":\"assistant\",\"content\":\"x\",\"refusal\":null,\"annotations\":[],"
              "\"audio\":{\"id\":\"a\"},\"tool_calls\":null,\"function_call\":null,\"new\":0}"),
          "messages[1].audio,messages[1].new" },
        { "{\"model\":\"a\",\"messages\":[{\"role\":\"system\",\"name\":\"n\",\"content\":\"x\"},"
          "{\"role\":\"user\",\"content\":\"hi\"}]}",
          "messages[0].name" },
        { "{\"model\":\"a\",\"prompt\":\"x\",\"best_of\":2}", "best_of" },
        { ASK(",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"x\":1},\"y\":2}]"),
          "tools[0].y,tools[0].function.x" },
    };
    struct wire_target target = chat_target("gpt-5.2");

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rewritten x = chat_rewrite(t, CHAT, cases[i].body, &target);
        struct buf unread = { .max = 1024 };

        CHECK_STR(x.complaint, "", "%s", cases[i].body);
        losses_put(&x.r.unread, NULL, &unread, 1024);
        CHECK_STR(buf_str(&unread), cases[i].want, "%s", cases[i].body);
        buf_clear(&unread);
    }
}

/* --- what it makes of it ----------------------------------------------------------------------*/

TEST(chat_reads_reasoning_in_many_words)
{
    static const struct {
        const char *more;
        enum reasoning_mode mode;
        enum effort effort;
        int64_t budget;
        enum summary summary;
    } cases[] = {
        { "", REASONING_UNSET, EFFORT_UNSET, 0, SUMMARY_UNSET },
        { ",\"reasoning_effort\":\"high\"", REASONING_EFFORT, EFFORT_HIGH, 0, SUMMARY_UNSET },
        { ",\"reasoning_effort\":\"none\"", REASONING_OFF, EFFORT_UNSET, 0, SUMMARY_UNSET },
        { ",\"reasoning\":{\"effort\":\"low\",\"exclude\":true}", REASONING_EFFORT, EFFORT_LOW, 0,
          SUMMARY_NONE },
        { ",\"reasoning\":{\"max_tokens\":2000}", REASONING_BUDGET, EFFORT_UNSET, 2000,
          SUMMARY_UNSET },
        { ",\"reasoning\":{\"enabled\":false}", REASONING_OFF, EFFORT_UNSET, 0, SUMMARY_UNSET },
        { ",\"reasoning\":{\"enabled\":true}", REASONING_AUTO, EFFORT_UNSET, 0, SUMMARY_UNSET },
        { ",\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":99}", REASONING_BUDGET,
          EFFORT_UNSET, 99, SUMMARY_UNSET },
        { ",\"thinking\":{\"type\":\"enabled\"}", REASONING_AUTO, EFFORT_UNSET, 0, SUMMARY_UNSET },
        { ",\"thinking\":{\"type\":\"disabled\"}", REASONING_OFF, EFFORT_UNSET, 0, SUMMARY_UNSET },
        { ",\"enable_thinking\":false", REASONING_OFF, EFFORT_UNSET, 0, SUMMARY_UNSET },
        { ",\"extra_body\":{\"google\":{\"thinking_config\":{\"thinking_budget\":-1,"
          "\"include_thoughts\":true}}}",
          REASONING_AUTO, EFFORT_UNSET, -1, SUMMARY_AUTO },
        { ",\"extra_body\":{\"google\":{\"thinking_config\":{\"thinking_level\":\"LOW\"}}}",
          REASONING_EFFORT, EFFORT_LOW, 0, SUMMARY_UNSET },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct canon_request r;
        struct wire_complaint why;
        struct str body = arena_printf(&t->arena, ASK("%s"), cases[i].more);

        CHECK(translate_read(CHAT, body, STR(""), false, &t->arena, &r, &why), "%s", body.at);
        CHECK_INT(r.reasoning.mode, cases[i].mode, "%s", body.at);
        CHECK_INT(r.reasoning.effort, cases[i].effort, "%s", body.at);
        CHECK_INT(r.reasoning.budget, cases[i].budget, "%s", body.at);
        CHECK_INT(r.reasoning.summary, cases[i].summary, "%s", body.at);
    }
}

TEST(chat_reads_parts_as_clients_spell_them)
{
    static const struct {
        const char *part;
        enum part_kind kind;
        enum media_source source;
        const char *mime, *data, *title;
    } cases[] = {
        { "{\"type\":\"image_url\",\"image_url\":\"http://a/b.png\"}", PART_IMAGE, MEDIA_URL, "",
          "http://a/b.png", "" },
        { "{\"type\":\"image_url\",\"image_url\":{\"url\":\"DATA:image\\/png;x=y;base64,A\\/A\"}}",
          PART_IMAGE, MEDIA_BASE64, "image/png", "A/A", "" },
        { "{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"AAAA\",\"format\":\"wav\"}}",
          PART_AUDIO, MEDIA_BASE64, "audio/wav", "AAAA", "" },
        { "{\"type\":\"file\",\"file\":{\"file_data\":\"data:application/pdf;base64,AAAA\","
          "\"filename\":\"a.pdf\"}}",
          PART_DOCUMENT, MEDIA_BASE64, "application/pdf", "AAAA", "a.pdf" },
        { "{\"type\":\"file\",\"file\":{\"file_data\":\"AAAA\"}}", PART_DOCUMENT, MEDIA_BASE64,
          "application/pdf", "AAAA", "" },
        { "{\"type\":\"file\",\"file\":{\"file_data\":\"AAAA\",\"filename\":\"a.csv\"}}",
          PART_DOCUMENT, MEDIA_BASE64, "text/csv", "AAAA", "a.csv" },
        { "{\"type\":\"file\",\"file\":{\"file_data\":\"data:image/png;base64,AAAA\"}}", PART_IMAGE,
          MEDIA_BASE64, "image/png", "AAAA", "" },
        { "{\"type\":\"file\",\"file\":{\"file_id\":\"file-1\"}}", PART_DOCUMENT, MEDIA_FILE, "",
          "file-1", "" },
        { "{\"type\":\"video_url\",\"video_url\":{\"url\":\"http://a/b.mp4\"}}", PART_VIDEO,
          MEDIA_URL, "", "http://a/b.mp4", "" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct canon_request r;
        struct wire_complaint why;
        struct str body = arena_printf(&t->arena, PART("%s"), cases[i].part);
        const struct part *p;

        if (!CHECK(translate_read(CHAT, body, STR(""), false, &t->arena, &r, &why), "%s", body.at))
            continue;
        p = r.messages->parts;
        CHECK_INT(p->kind, cases[i].kind, "%s", cases[i].part);
        CHECK_INT(p->media.source, cases[i].source, "%s", cases[i].part);
        CHECK_STR(p->media.mime.escaped, cases[i].mime, "%s", cases[i].part);
        CHECK_STR(p->media.data.escaped, cases[i].data, "%s", cases[i].part);
        CHECK_STR(p->media.title.escaped, cases[i].title, "%s", cases[i].part);
    }
}

TEST(chat_pairs_old_function_results_with_their_calls)
{
    static const char body[] =
        "{\"model\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":\"go\"},{\"role\":"
        "\"assistant\",\"content\":null,\"function_call\":{\"name\":\"f\",\"arguments\":\"{}\"}},"
        "{\"role\":\"function\",\"name\":\"f\",\"content\":\"ok\"}],\"functions\":[{\"name\":\"f\","
        "\"description\":\"d\",\"parameters\":{\"type\":\"object\",\"properties\":{}}}],"
        "\"function_call\":{\"name\":\"f\"}}";
    struct wire_target target = chat_target("gpt-4o");
    struct rewritten x = chat_rewrite(t, CHAT, body, &target);
    size_t at = str_find(x.body, STR("{\"id\":\""));
    struct str id, rest;

    CHECK(x.r.functions);
    (void)str_cut(str_drop(x.body, at + 7), '"', &id, &rest);
    CHECK_STR(x.dropped, "");
    CHECK_STRS(
        x.body,
        arena_printf(&t->arena,
                     "{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\",\"content\":\"go\"},"
                     "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"%.*s\","
                     "\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},"
                     "{\"role\":\"tool\",\"tool_call_id\":\"%.*s\",\"content\":\"ok\"}],\"tools\":["
                     "{\"type\":\"function\",\"function\":{\"name\":\"f\",\"description\":\"d\","
                     "\"parameters\":{\"type\":\"object\",\"properties\":{}}}}],\"tool_choice\":"
                     "{\"type\":\"function\",\"function\":{\"name\":\"f\"}},"
                     "\"parallel_tool_calls\":false}",
                     STR_ARG(id), STR_ARG(id)));
}

TEST(chat_reads_thinking_that_comes_back)
{
    static const struct {
        const char *members, *text;
        enum signer signer;
        const char *blob;
    } cases[] = {
        { "\"reasoning_content\":\"hm\"", "hm", SIGNER_NONE, "" },
        { "\"reasoning\":\"hm\",\"reasoning_content\":\"\"", "hm", SIGNER_NONE, "" },
        { "\"reasoning_text\":\"hm\",\"reasoning_opaque\":\"b3Bx\"", "hm", SIGNER_OTHER, "b3Bx" },
        { "\"reasoning_opaque\":\"gw1.oth.YjNCeA\"", "", SIGNER_OTHER, "b3Bx" },
        { "\"reasoning\":\"hm\",\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":"
          "\"hm\","
          "\"signature\":\"gw1.ant.RXFRQg\"}]",
          "hm", SIGNER_ANTHROPIC, "EqQB" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct canon_request r;
        struct wire_complaint why;
        struct str body = arena_printf(
            &t->arena, SAY("{\"role\":\"assistant\",\"content\":\"x\",%s}"), cases[i].members);
        const struct part *p;

        CHECK(translate_read(CHAT, body, STR(""), false, &t->arena, &r, &why), "%s", body.at);
        p = r.last->parts;
        CHECK_INT(p->kind, PART_THINKING, "%s", body.at);
        CHECK_STR(p->text.escaped, cases[i].text, "%s", body.at);
        CHECK_INT(p->sig.signer, cases[i].signer, "%s", body.at);
        CHECK_STR(p->sig.blob.escaped, cases[i].blob, "%s", body.at);
        CHECK_STR(r.last->last->text.escaped, "x");
    }
}
