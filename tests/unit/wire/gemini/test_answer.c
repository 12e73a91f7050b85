/* Answers of Gemini and Cloud Code as events, and events as what a Gemini client reads. */
#include "rig.h"

/* --- events as lines ----------------------------------------------------------------------------
 */

static const char *const block_words[] = {
    [BLOCK_TEXT] = "text", [BLOCK_THINKING] = "think",    [BLOCK_REFUSAL] = "refusal",
    [BLOCK_TOOL] = "tool", [BLOCK_REDACTED] = "redacted",
};
static const char *const cause_words[] = {
    [STOP_NONE] = "NONE",
    [STOP_DONE] = "DONE",
    [STOP_SEQUENCE] = "SEQUENCE",
    [STOP_LENGTH] = "LENGTH",
    [STOP_CONTEXT_FULL] = "FULL",
    [STOP_TOOL_USE] = "TOOL_USE",
    [STOP_FILTER] = "FILTER",
    [STOP_REFUSAL] = "REFUSAL",
    [STOP_RECITATION] = "RECITATION",
    [STOP_PAUSE] = "PAUSE",
    [STOP_BAD_TOOL_CALL] = "BAD_CALL",
    [STOP_IMAGE_FAIL] = "IMAGE_FAIL",
    [STOP_OTHER] = "OTHER",
};

static void write_line(void *peer, const struct canon_event *ev)
{
    struct buf *b = peer;
    unsigned c = ev->choice;
    bool good = true;

    switch (ev->kind) {
    case CANON_START:
        good = buf_printf(b, "start %.*s %.*s\n", STR_ARG(ev->id), STR_ARG(ev->model));
        break;
    case CANON_OPEN:
        good = buf_printf(b, "%u open %s %.*s %.*s\n", c, block_words[ev->block], STR_ARG(ev->id),
                          STR_ARG(ev->name));
        break;
    case CANON_DELTA:
        good = buf_printf(b, "%u + %.*s\n", c, STR_ARG(ev->text.escaped));
        break;
    case CANON_SIGNATURE:
        good = buf_printf(b, "%u sig %d %.*s%s\n", c, ev->sig.signer == SIGNER_GOOGLE,
                          STR_ARG(ev->sig.blob.escaped), ev->sig_behind ? " behind" : "");
        break;
    case CANON_NOTE:
        good =
            buf_printf(b, "%u note %.*s %.*s %lld-%lld\n", c, STR_ARG(ev->note.url),
                       STR_ARG(ev->note.title), (long long)ev->note.start, (long long)ev->note.end);
        break;
    case CANON_MEDIA:
        good = buf_printf(b, "%u media %.*s %.*s\n", c, STR_ARG(ev->mime.escaped),
                          STR_ARG(ev->text.escaped));
        break;
    case CANON_SERVER:
        good = buf_printf(b, "%u server %.*s %.*s\n", c, STR_ARG(ev->server.type),
                          STR_ARG(ev->server.name));
        break;
    case CANON_CLOSE:
        good = buf_printf(b, "%u close %s\n", c, block_words[ev->block]);
        break;
    case CANON_USAGE:
        good = buf_printf(b, "usage %lld/%lld cached %lld reasoning %lld\n",
                          (long long)ev->usage.in, (long long)ev->usage.out,
                          (long long)ev->usage.cache_read, (long long)ev->usage.reasoning);
        break;
    case CANON_FINISH:
        good = buf_printf(b, "%u finish %s %.*s\n", c, cause_words[ev->cause],
                          STR_ARG(ev->detail.escaped));
        break;
    case CANON_END:
        good = buf_printf(b, "end\n");
        break;
    }
    assert(good);
}

static const struct converter *const converters[WIRES] = {
    [WIRE_GEMINI] = &convert_gemini,
    [WIRE_CLOUDCODE] = &convert_cloudcode,
};

/* Events of a stream; the last line says what the decoder said of the end unless that was END. */
static struct str decoded(struct test *t, enum wire wire, const char *const *chunks, size_t count,
                          bool clean)
{
    static const char *const words[] = { "MORE\n", "", "ERROR\n", "CUT\n", "BAD\n" };
    const struct converter *c = converters[wire];
    struct buf lines;
    struct decoder d = { .wire = wire, .sink = write_line, .seed = 7, .usage = usage_unknown() };
    enum decoded said = DECODED_MORE;

    buf_init(&lines, 1 << 20);
    d.peer = &lines;
    d.scratch = &t->arena;
    d.state = must_calloc(1, c->decode.state_bytes);
    for (size_t i = 0; i < count && said == DECODED_MORE; i++) {
        struct json doc;

        if (!CHECK(json_parse(&doc, str_c(chunks[i]), NULL, &t->arena, NULL), "chunk %zu", i))
            break;
        d.lone = doc.surrogates;
        said = c->decode.event(&d, STR(""), &doc);
    }
    if (said == DECODED_MORE)
        said = c->decode.done(&d, true, clean);
    (void)buf_add(&lines, str_c(words[said]));
    struct str text = arena_copy(&t->arena, buf_str(&lines));

    c->decode.clear(d.state);
    free(d.state);
    decode_clear(&d);
    buf_clear(&lines);
    return text;
}

#define CANDIDATE(parts) \
    "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[" parts "]}}]"
#define LAST(parts, reason)                                               \
    "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[" parts \
    "]},\"finishReason\":\"" reason "\",\"index\":0}]"

static const struct {
    const char *name;
    const char *chunks[6];
    const char *want;
} streams[] = {
    { "text in pieces",
      { CANDIDATE("{\"text\":\"Hel\"}") ",\"usageMetadata\":{\"promptTokenCount\":12},"
                                        "\"modelVersion\":\"gemini-9\",\"responseId\":\"abc\"}",
        CANDIDATE("{\"text\":\"lo\"}") "}",
        LAST("{\"text\":\"\"}", "STOP") ",\"usageMetadata\":{\"promptTokenCount\":12,"
                                        "\"cachedContentTokenCount\":4,\"candidatesTokenCount\":2,"
                                        "\"totalTokenCount\":14}}" },
      "start abc gemini-9\nusage 12/-1 cached -1 reasoning -1\n0 open text  \n0 + Hel\n0 + lo\n"
      "0 close text\n0 finish DONE \nusage 12/2 cached 4 reasoning -1\nend\n" },
    { "C20: whole calls without ids, the signature in front of the first",
      { LAST("{\"functionCall\":{\"name\":\"get_weather\",\"args\":{\"city\": \"Oslo\"}},"
             "\"thoughtSignature\":\"Q2dB\"},{\"functionCall\":{\"name\":\"get_time\"}}",
             "STOP") ",\"usageMetadata\":{\"promptTokenCount\":40,\"candidatesTokenCount\":12,"
                     "\"thoughtsTokenCount\":8,\"totalTokenCount\":60},\"responseId\":\"abc\"}" },
      "start abc \nusage 40/20 cached -1 reasoning 8\n0 sig 1 Q2dB\n"
      "0 open tool call_26c5d452_0 get_weather\n0 + {\\\"city\\\":\\\"Oslo\\\"}\n0 close tool\n"
      "0 open tool call_26c5d452_1 get_time\n0 + {}\n0 close tool\n0 finish TOOL_USE \n"
      "usage 40/20 cached -1 reasoning 8\nend\n" },
    { "ids of the service stay",
      { LAST("{\"functionCall\":{\"id\":\"a1\",\"name\":\"f\",\"args\":{}}}", "STOP") "}" },
      "start  \n0 open tool a1 f\n0 + {}\n0 close tool\n0 finish TOOL_USE \nend\n" },
    { "thoughts, then text that carries the signature",
      { CANDIDATE("{\"text\":\"Let me \",\"thought\":true}") "}",
        CANDIDATE("{\"text\":\"see.\",\"thought\":true}") "}",
        LAST("{\"text\":\"42\",\"thoughtSignature\":\"EqQB\"}", "STOP") "}" },
      "start  \n0 open think  \n0 + Let me \n0 + see.\n0 close think\n0 open text  \n0 sig 1 EqQB\n"
      "0 + 42\n0 close text\n0 finish DONE \nend\n" },
    { "a signature alone at the end belongs to the open text",
      { CANDIDATE("{\"text\":\"42\"}") "}",
        LAST("{\"text\":\"\",\"thoughtSignature\":\"EqQB\"}", "STOP") "}" },
      "start  \n0 open text  \n0 + 42\n0 sig 1 EqQB\n0 close text\n0 finish DONE \nend\n" },
    { "a signature alone behind a call belongs to what was before",
      { CANDIDATE("{\"functionCall\":{\"id\":\"1\",\"name\":\"f\"}}") "}",
        LAST("{\"text\":\"\",\"thoughtSignature\":\"EqQB\"}", "STOP") "}" },
      "start  \n0 open tool 1 f\n0 + {}\n0 close tool\n0 sig 1 EqQB behind\n0 finish TOOL_USE "
      "\nend\n" },
    { "pictures; those of a thought are left out",
      { LAST("{\"thought\":true,\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"AAAA\"}},"
             "{\"inlineData\":{\"mimeType\":\"image/"
             "png\",\"data\":\"BBBB\"},\"thoughtSignature\":\"s\"}",
             "STOP") "}" },
      "start  \n0 sig 1 s\n0 media image/png BBBB\n0 finish DONE \nend\n" },
    { "the service's own tools",
      { LAST("{\"executableCode\":{\"language\":\"PYTHON\",\"code\":\"1\"}},"
             "{\"codeExecutionResult\":{\"outcome\":\"OUTCOME_OK\",\"output\":\"1\"}},{\"text\":"
             "\"1\"}",
             "STOP") "}" },
      "start  \n0 server executableCode code_execution\n"
      "0 server codeExecutionResult code_execution\n0 open text  \n0 + 1\n0 close text\n"
      "0 finish DONE \nend\n" },
    { "C43: the prompt was blocked",
      { "{\"promptFeedback\":{\"blockReason\":\"SAFETY\"},\"usageMetadata\":{\"promptTokenCount\":"
        "5}}" },
      "start  \nusage 5/-1 cached -1 reasoning -1\n0 finish FILTER SAFETY\n"
      "usage 5/-1 cached -1 reasoning -1\nend\n" },
    { "blocked in the middle",
      { CANDIDATE("{\"text\":\"Par\"}") "}",
        "{\"candidates\":[{\"finishReason\":\"PROHIBITED_CONTENT\"}]}" },
      "start  \n0 open text  \n0 + Par\n0 close text\n0 finish FILTER PROHIBITED_CONTENT\nend\n" },
    { "the limit",
      { LAST("{\"text\":\"Once\"}", "MAX_TOKENS") "}" },
      "start  \n0 open text  \n0 + Once\n0 close text\n0 finish LENGTH \nend\n" },
    { "C60, as far as it goes: more would have come in another answer",
      { LAST("{\"text\":\"Once\"}", "CONTINUATION") "}" },
      "start  \n0 open text  \n0 + Once\n0 close text\n0 finish LENGTH \nend\n" },
    { "a malformed call",
      { "{\"candidates\":[{\"finishReason\":\"MALFORMED_FUNCTION_CALL\"}]}" },
      "start  \n0 finish BAD_CALL MALFORMED_FUNCTION_CALL\nend\n" },
    { "a reason of tomorrow",
      { LAST("{\"text\":\"x\"}", "BORED") "}" },
      "start  \n0 open text  \n0 + x\n0 close text\n0 finish OTHER \nend\n" },
    { "no finishReason: the stream was cut, whatever its framing says",
      { CANDIDATE("{\"text\":\"x\"}") "}" },
      "start  \n0 open text  \n0 + x\nCUT\n" },
    { "nothing", { CANDIDATE("{\"text\":\"\"}") "}" }, "start  \nCUT\n" },
    { "an empty answer with its end",
      { LAST("{\"text\":\"\"}", "STOP") "}" },
      "start  \n0 finish DONE \nend\n" },
    { "an error in the middle",
      { CANDIDATE("{\"text\":\"Par\"}") "}",
        "{\"error\":{\"code\":503,\"message\":\"Overloaded\"}}" },
      "start  \n0 open text  \n0 + Par\nERROR\n" },
    { "no answer at all", { "{\"hello\":1}" }, "BAD\n" },
    { "candidates interleave",
      { "{\"candidates\":[{\"index\":0,\"content\":{\"parts\":[{\"text\":\"a\"}]}},"
        "{\"index\":1,\"content\":{\"parts\":[{\"text\":\"b\"}]}}]}",
        "{\"candidates\":[{\"index\":0,\"content\":{\"parts\":[{\"text\":\"c\"}]},\"finishReason\":"
        "\"STOP\"},"
        "{\"index\":1,\"content\":{\"parts\":[{\"text\":\"d\"}]},\"finishReason\":\"MAX_TOKENS\"}]"
        "}" },
      "start  \n0 open text  \n0 + a\n1 open text  \n1 + b\n0 + c\n0 close text\n1 + d\n1 close "
      "text\n"
      "0 finish DONE \n1 finish LENGTH \nend\n" },
    { "citations: bytes become code points",
      { CANDIDATE("{\"text\":\"\\u00c9t\\u00e9 \\ud83d\\ude00 ok.\"}") "}",
        "{\"candidates\":[{\"finishReason\":\"STOP\",\"groundingMetadata\":{\"groundingChunks\":["
        "{\"web\":{\"uri\":\"https://a\",\"title\":\"A\"}},{\"web\":{\"uri\":\"https://"
        "b\",\"title\":\"B\"}}],"
        "\"groundingSupports\":[{\"segment\":{\"endIndex\":5},\"groundingChunkIndices\":[0]},"
        "{\"segment\":{\"startIndex\":6,\"endIndex\":14},\"groundingChunkIndices\":[1,0,9]}]}}]}" },
      "start  \n0 open text  \n0 + \\u00c9t\\u00e9 \\ud83d\\ude00 ok.\n0 note https://a A 0-3\n"
      "0 note https://b B 4-9\n0 note https://a A 4-9\n0 close text\n0 finish DONE \nend\n" },
    { "what was recited",
      { "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"to "
        "be\"}]},\"finishReason\":\"STOP\","
        "\"citationMetadata\":{\"citationSources\":[{\"startIndex\":3,\"endIndex\":5,\"uri\":"
        "\"https://h\"},"
        "{\"startIndex\":0,\"endIndex\":2}]}}]}" },
      "start  \n0 open text  \n0 + to be\n0 note https://h  3-5\n0 close text\n0 finish DONE "
      "\nend\n" },
    { "sources without places",
      { "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"x\"}]},\"finishReason\":\"STOP\","
        "\"groundingMetadata\":{\"groundingChunks\":[{\"web\":{\"uri\":\"https://a\"}}]}}]}" },
      "start  \n0 open text  \n0 + x\n0 note https://a  -1--1\n0 close text\n0 finish DONE "
      "\nend\n" },
};

TEST(gemini_streams_become_events_in_the_agreed_order)
{
    for (size_t i = 0; i < COUNT(streams); i++) {
        size_t count = 0;

        while (count < COUNT(streams[i].chunks) && streams[i].chunks[count] != NULL)
            count++;
        CHECK_STR(decoded(t, WIRE_GEMINI, streams[i].chunks, count, true), streams[i].want, "%s",
                  streams[i].name);
    }
}

TEST(arguments_keep_digits_escapes_and_order_and_lose_their_blanks)
{
    static const char *const chunk =
        "{\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"id\":\"1\",\"name\":\"f\","
        "\"args\":{ \"b\" : 9223372036854775809 ,\n\t\"a\":[1.0, \"x  y\"],"
        "\"q\":\"a \\\"b\\\" \\\\ \\u00e9 \\n\" } } } ] },\"finishReason\":\"STOP\"}]}";

    CHECK_STR(decoded(t, WIRE_GEMINI, &chunk, 1, true),
              "start  \n0 open tool 1 f\n"
              "0 + {\\\"b\\\":9223372036854775809,\\\"a\\\":[1.0,\\\"x  y\\\"],"
              "\\\"q\\\":\\\"a \\\\\\\"b\\\\\\\" \\\\\\\\ \\\\u00e9 \\\\n\\\"}\n"
              "0 close tool\n0 finish TOOL_USE \nend\n");
}

TEST(a_body_that_broke_off_without_a_finish_reason_is_no_end)
{
    static const char *const chunk =
        "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"x\"}]}}]}";

    CHECK_STR(decoded(t, WIRE_GEMINI, &chunk, 1, false), "start  \n0 open text  \n0 + x\nCUT\n");
}

TEST(a_surrogate_pair_cut_by_the_upstream_is_joined)
{
    static const char *const chunks[] = {
        "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\\ud83d\"}]}}]}",
        "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\\ude00b\"}]},\"finishReason\":"
        "\"STOP\"}]}",
    };
    CHECK_STR(
        decoded(t, WIRE_GEMINI, chunks, 2, true),
        "start  \n0 open text  \n0 + a\n0 + \\ud83d\\ude00b\n0 close text\n0 finish DONE \nend\n");
}

TEST(cloudcode_is_gemini_in_a_wrapper)
{
    static const char *const chunks[] = {
        "{\"traceId\":\"abc\",\"remainingCredits\":[]}",
        "{\"response\":{\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"name\":\"f\"}"
        "}]},"
        "\"finishReason\":\"STOP\"}],\"modelVersion\":\"gemini-9\"},\"traceId\":\"abc\"}",
    };
    static const char *const error = "{\"error\":{\"code\":429,\"status\":\"RESOURCE_EXHAUSTED\"}}";

    CHECK_STR(decoded(t, WIRE_CLOUDCODE, chunks, 2, true),
              "start abc gemini-9\n0 open tool call_26c5d452_0 f\n0 + {}\n0 close tool\n"
              "0 finish TOOL_USE \nend\n");
    CHECK_STR(decoded(t, WIRE_CLOUDCODE, &error, 1, true), "ERROR\n");
}

/* --- events to a client -------------------------------------------------------------------------
 */

#define EV(...) ((struct canon_event){ __VA_ARGS__ })
#define OPEN(k, ...) EV(.kind = CANON_OPEN, .block = (k), __VA_ARGS__)
#define DELTA(k, lit) EV(.kind = CANON_DELTA, .block = (k), .text = TEXT_LIT(lit))
#define CLOSE(k) EV(.kind = CANON_CLOSE, .block = (k))
#define FINISH(c) EV(.kind = CANON_FINISH, .cause = (c))
#define USAGE(i, c, o, r) EV(.kind = CANON_USAGE, .usage = { (i), (o), (c), 0, (r) })
#define END EV(.kind = CANON_END)
#define SIG(s, lit) EV(.kind = CANON_SIGNATURE, .sig = { .signer = (s), .blob = TEXT_LIT(lit) })

struct reply {
    bool array, shown, whole;
};

static struct str encoded(struct test *t, const struct canon_event *events, size_t count,
                          const char *id, struct reply how)
{
    struct name_map names = { .count = 0 };
    struct encode_options o = {
        .protocol = WIRE_GEMINI,
        .names = &names,
        .model = STR("m"),
        .id = str_c(id),
        .json_array = how.array,
        .show_thinking = how.shown,
        .bytes_max = BODY_MAX,
    };
    struct buf out;
    struct encoder e = { .o = &o, .out = &out, .scratch = &t->arena };
    struct canon_answer answer;

    buf_init(&out, BODY_MAX);
    canon_answer_init(&answer, BODY_MAX);
    e.state = must_calloc(1, convert_gemini.encode.state_bytes);
    for (size_t i = 0; i < count; i++) {
        if (how.whole)
            canon_answer_take(&answer, &events[i]);
        else
            convert_gemini.encode.event(&e, &events[i]);
    }
    if (how.whole)
        CHECK(convert_gemini.encode.whole(&answer, &o, &t->arena, &out));
    CHECK(!e.full);
    struct str text = arena_copy(&t->arena, buf_str(&out));

    canon_answer_clear(&answer);
    convert_gemini.encode.clear(e.state);
    free(e.state);
    buf_clear(&out);
    return text;
}

static struct canon_event plain[] = {
    { .kind = CANON_START },
    { .kind = CANON_OPEN, .block = BLOCK_TEXT },
    { .kind = CANON_DELTA, .block = BLOCK_TEXT, .text = { { "Hel", 3 } } },
    { .kind = CANON_DELTA, .block = BLOCK_TEXT, .text = { { "lo", 2 } } },
    { .kind = CANON_CLOSE, .block = BLOCK_TEXT },
    { .kind = CANON_FINISH, .cause = STOP_DONE },
    { .kind = CANON_USAGE, .usage = { 12, 2, 4, 0, 0 } },
    { .kind = CANON_END },
};

TEST(plain_text_as_in_the_reference)
{
    static const char want[] =
        "data: "
        "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"Hel\"}]},"
        "\"index\":0}],"
        "\"modelVersion\":\"m\",\"responseId\":\"r1\"}\n\n"
        "data: "
        "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"lo\"}]},"
        "\"index\":0}],"
        "\"modelVersion\":\"m\",\"responseId\":\"r1\"}\n\n"
        "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"\"}]},"
        "\"finishReason\":\"STOP\",\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":12,"
        "\"cachedContentTokenCount\":4,\"candidatesTokenCount\":2,\"totalTokenCount\":14},"
        "\"modelVersion\":\"m\",\"responseId\":\"r1\"}\n\n";

    CHECK_STR(encoded(t, plain, COUNT(plain), "r1", (struct reply){ .shown = true }), want);
}

TEST(C55_without_alt_sse_it_is_a_json_array_whose_elements_come_one_by_one)
{
    struct str all = encoded(t, plain, COUNT(plain), "r1", (struct reply){ .array = true });
    struct str first = encoded(t, plain, 3, "r1", (struct reply){ .array = true });
    struct json doc;

    CHECK(json_parse(&doc, all, NULL, &t->arena, NULL));
    CHECK_INT(doc.nodes[0].count, 3);
    CHECK_STR(first,
              "[{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"Hel\"}]},"
              "\"index\":0}],\"modelVersion\":\"m\",\"responseId\":\"r1\"}");
}

TEST(text_and_two_calls_as_in_the_reference)
{
    const struct canon_event events[] = {
        EV(.kind = CANON_START),
        OPEN(BLOCK_TEXT),
        DELTA(BLOCK_TEXT, "Checking."),
        CLOSE(BLOCK_TEXT),
        OPEN(BLOCK_TOOL, .id = STR("call_A"), .name = STR("get_weather")),
        DELTA(BLOCK_TOOL, "{\\\"city\\\":"),
        DELTA(BLOCK_TOOL, "\\\"Oslo\\\"}"),
        CLOSE(BLOCK_TOOL),
        OPEN(BLOCK_TOOL, .id = STR("call_B"), .name = STR("get_time")),
        DELTA(BLOCK_TOOL, "{}"),
        CLOSE(BLOCK_TOOL),
        FINISH(STOP_TOOL_USE),
        USAGE(50, 0, 30, 0),
        END,
    };
    static const char want[] =
        "data: "
        "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"Checking.\"}]},"
        "\"index\":0}],\"modelVersion\":\"m\",\"responseId\":\"r2\"}\n\n"
        "data: "
        "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"id\":"
        "\"call_A\","
        "\"name\":\"get_weather\",\"args\":{\"city\":\"Oslo\"}}}]},\"index\":0}],\"modelVersion\":"
        "\"m\","
        "\"responseId\":\"r2\"}\n\n"
        "data: "
        "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"id\":"
        "\"call_B\","
        "\"name\":\"get_time\",\"args\":{}}}]},\"finishReason\":\"STOP\",\"index\":0}],"
        "\"usageMetadata\":{"
        "\"promptTokenCount\":50,\"candidatesTokenCount\":30,\"totalTokenCount\":80},"
        "\"modelVersion\":\"m\","
        "\"responseId\":\"r2\"}\n\n";

    CHECK_STR(encoded(t, events, COUNT(events), "r2", (struct reply){ .shown = true }), want);
    CHECK_STR(
        encoded(t, events, COUNT(events), "r2", (struct reply){ .whole = true }),
        "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"Checking.\"},"
        "{\"functionCall\":{\"id\":\"call_A\",\"name\":\"get_weather\",\"args\":{\"city\":\"Oslo\"}"
        "}},"
        "{\"functionCall\":{\"id\":\"call_B\",\"name\":\"get_time\",\"args\":{}}}]},"
        "\"finishReason\":\"STOP\",\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":50,"
        "\"candidatesTokenCount\":30,\"totalTokenCount\":80},\"modelVersion\":\"m\",\"responseId\":"
        "\"r2\"}");
}

TEST(thinking_as_in_the_reference_its_signature_rides_on_the_next_part)
{
    const struct canon_event events[] = {
        EV(.kind = CANON_START),
        OPEN(BLOCK_THINKING),
        DELTA(BLOCK_THINKING, "Let me "),
        DELTA(BLOCK_THINKING, "see."),
        SIG(SIGNER_ANTHROPIC, "EqQB"),
        CLOSE(BLOCK_THINKING),
        OPEN(BLOCK_TEXT),
        DELTA(BLOCK_TEXT, "42"),
        CLOSE(BLOCK_TEXT),
        FINISH(STOP_DONE),
        USAGE(20, 0, 15, 10),
        END,
    };
    static const char want[] =
        "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"Let me "
        "\",\"thought\":true}]},"
        "\"index\":0}],\"modelVersion\":\"m\",\"responseId\":\"r3\"}\n\n"
        "data: "
        "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"see.\","
        "\"thought\":true}]},"
        "\"index\":0}],\"modelVersion\":\"m\",\"responseId\":\"r3\"}\n\n"
        "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"42\","
        "\"thoughtSignature\":\"Z3cxLmFudC5SWEZSUWc=\"}]},\"index\":0}],\"modelVersion\":\"m\","
        "\"responseId\":\"r3\"}\n\n"
        "data: "
        "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"\"}]},"
        "\"finishReason\":\"STOP\","
        "\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":20,\"candidatesTokenCount\":5,"
        "\"thoughtsTokenCount\":10,\"totalTokenCount\":35},\"modelVersion\":\"m\",\"responseId\":"
        "\"r3\"}\n\n";

    CHECK_STR(encoded(t, events, COUNT(events), "r3", (struct reply){ .shown = true }), want);

    /* nobody asked for thoughts: the signature still comes along */
    struct str hidden = encoded(t, events, COUNT(events), "r3", (struct reply){ .shown = false });

    CHECK(str_find(hidden, STR("Let me")) == SIZE_MAX);
    CHECK(str_find(hidden, STR("Z3cxLmFudC5SWEZSUWc=")) != SIZE_MAX);
    struct str whole = encoded(t, events, COUNT(events), "r3", (struct reply){ .whole = true });

    CHECK(str_find(
              whole,
              STR("\"parts\":[{\"text\":\"42\",\"thoughtSignature\":\"Z3cxLmFudC5SWEZSUWc=\"}]")) !=
          SIZE_MAX);
}

TEST(signatures_that_find_no_part_ride_on_an_empty_text)
{
    const struct canon_event events[] = {
        EV(.kind = CANON_START), OPEN(BLOCK_THINKING), SIG(SIGNER_ANTHROPIC, "EqQB"),
        CLOSE(BLOCK_THINKING),   OPEN(BLOCK_THINKING), SIG(SIGNER_GOOGLE, "Q2dB"),
        CLOSE(BLOCK_THINKING),   FINISH(STOP_DONE),    END,
    };
    struct reply ways[] = { { .shown = true }, { .whole = true } };

    for (size_t i = 0; i < COUNT(ways); i++) {
        struct str s = encoded(t, events, COUNT(events), "r", ways[i]);

        CHECK(str_find(s, STR("{\"text\":\"\",\"thoughtSignature\":\"Z3cxLmFudC5SWEZSUWc=\"}")) !=
                  SIZE_MAX,
              "%zu", i);
        CHECK(str_find(s, STR("{\"text\":\"\",\"thoughtSignature\":\"Q2dB\"}")) != SIZE_MAX, "%zu",
              i);
    }
}

TEST(the_limit_drops_half_a_call_and_an_empty_answer_has_a_part)
{
    const struct canon_event cut[] = {
        EV(.kind = CANON_START),
        OPEN(BLOCK_TOOL, .id = STR("a"), .name = STR("f")),
        DELTA(BLOCK_TOOL, "{\\\"city\\\":"),
        CLOSE(BLOCK_TOOL),
        FINISH(STOP_LENGTH),
        USAGE(5, 0, 2, 0),
        END,
    };
    const struct canon_event empty[] = {
        EV(.kind = CANON_START),
        FINISH(STOP_DONE),
        USAGE(5, 0, 0, 0),
        END,
    };
    static const char want_cut[] =
        "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"\"}]},"
        "\"finishReason\":\"MAX_TOKENS\",\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":5,"
        "\"candidatesTokenCount\":2,\"totalTokenCount\":7},\"modelVersion\":\"m\",\"responseId\":"
        "\"r5\"}\n\n";
    static const char want_empty[] =
        "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"\"}]},"
        "\"finishReason\":\"STOP\",\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":5,"
        "\"candidatesTokenCount\":0,\"totalTokenCount\":5},\"modelVersion\":\"m\",\"responseId\":"
        "\"r6\"}\n\n";

    CHECK_STR(encoded(t, cut, COUNT(cut), "r5", (struct reply){ .shown = true }), want_cut);
    CHECK_STR(encoded(t, empty, COUNT(empty), "r6", (struct reply){ .shown = true }), want_empty);
    CHECK(str_find(encoded(t, cut, COUNT(cut), "r5", (struct reply){ .whole = true }),
                   STR("\"parts\":[{\"text\":\"\"}]")) != SIZE_MAX);
}

TEST(each_cause_has_its_word)
{
    static const struct {
        enum stop_cause cause;
        const char *detail, *want;
    } cases[] = {
        { STOP_SEQUENCE, "END", "STOP" },
        { STOP_PAUSE, "", "STOP" },
        { STOP_CONTEXT_FULL, "", "MAX_TOKENS" },
        { STOP_FILTER, "", "SAFETY" },
        { STOP_FILTER, "BLOCKLIST", "BLOCKLIST" },
        { STOP_FILTER, "JAILBREAK", "SAFETY" },
        { STOP_REFUSAL, "", "PROHIBITED_CONTENT" },
        { STOP_RECITATION, "", "RECITATION" },
        { STOP_BAD_TOOL_CALL, "", "MALFORMED_FUNCTION_CALL" },
        { STOP_IMAGE_FAIL, "IMAGE_OTHER", "IMAGE_OTHER" },
        { STOP_IMAGE_FAIL, "", "NO_IMAGE" },
        { STOP_OTHER, "", "OTHER" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct canon_event events[] = {
            EV(.kind = CANON_START),
            EV(.kind = CANON_FINISH, .cause = cases[i].cause, .detail = { str_c(cases[i].detail) }),
            END,
        };
        struct str s = encoded(t, events, COUNT(events), "r", (struct reply){ .shown = true });

        CHECK(str_find(s, arena_printf(&t->arena, "\"finishReason\":\"%s\"", cases[i].want)) !=
                  SIZE_MAX,
              "%zu", i);
    }
}

TEST(citations_become_grounding_with_places_in_bytes)
{
    const struct canon_event events[] = {
        EV(.kind = CANON_START),
        OPEN(BLOCK_TEXT),
        DELTA(BLOCK_TEXT, "\\u00e9\xc3\xa9 "),
        CLOSE(BLOCK_TEXT),
        OPEN(BLOCK_TEXT),
        DELTA(BLOCK_TEXT, "a\xe2\x82\xac."),
        EV(.kind = CANON_NOTE,
           .note = { .url = STR("https://a"), .title = STR("A"), .start = 1, .end = 2 }),
        CLOSE(BLOCK_TEXT),
        FINISH(STOP_DONE),
        END,
    };
    struct reply ways[] = { { .shown = true }, { .whole = true } };

    for (size_t i = 0; i < COUNT(ways); i++)
        CHECK(str_find(
                  encoded(t, events, COUNT(events), "r", ways[i]),
                  STR("\"groundingMetadata\":{\"groundingChunks\":[{\"web\":{\"uri\":\"https://a\","
                      "\"title\":\"A\"}}],\"groundingSupports\":[{\"segment\":{\"startIndex\":6,"
                      "\"endIndex\":9},\"groundingChunkIndices\":[0]}]}")) != SIZE_MAX,
              "%zu", i);
}

/* Anthropic's come with the words of the source, for all of a block. */
TEST(a_citation_without_a_place_is_of_its_whole_block)
{
    const struct canon_event events[] = {
        EV(.kind = CANON_START),
        OPEN(BLOCK_TEXT),
        DELTA(BLOCK_TEXT, "a\xc3\xa9 "),
        CLOSE(BLOCK_TEXT),
        OPEN(BLOCK_TEXT),
        DELTA(BLOCK_TEXT, "b\xc3\xa9"),
        EV(.kind = CANON_NOTE, .note = { .url = STR("https://a"),
                                         .title = STR("A"),
                                         .cited = TEXT_LIT("the source"),
                                         .start = -1,
                                         .end = -1 }),
        CLOSE(BLOCK_TEXT),
        FINISH(STOP_DONE),
        END,
    };
    struct reply ways[] = { { .shown = true }, { .whole = true } };

    for (size_t i = 0; i < COUNT(ways); i++)
        CHECK(str_find(encoded(t, events, COUNT(events), "r", ways[i]),
                       STR("\"groundingSupports\":[{\"segment\":{\"startIndex\":4,\"endIndex\":7},"
                           "\"groundingChunkIndices\":[0]}]}")) != SIZE_MAX,
              "%zu", i);
}
