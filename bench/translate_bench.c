/* bench/translate_bench.c - what translating costs, without sockets: requests of 1 KB, answers of
 * 2 KB in one piece, and events of streams, for each protocol over each other wire.
 *
 *     cc -O2 -std=gnu17 -D_GNU_SOURCE -Isrc bench/translate_bench.c BUILD/src/wire/libwire.a
 * BUILD/src/http/libhttp_pure.a BUILD/src/base/libbase.a -lpthread -o translate_bench
 *     ./translate_bench                                  all of them, in microseconds
 *     ./translate_bench events anthropic gemini 1000     one of them, so often: for counting
 *                                   instructions, as the difference of two numbers
 *     ./translate_bench show request gemini anthropic    what goes in and what comes out
 *
 * `tools` is a request of 3 KB with a history of calls and three tools; `large` one of 200 KB in 51
 * messages. Names are those of the clients' protocols and of the wires, as in the settings. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "wire/emitter.h"
#include "wire/reasoning.h"
#include "wire/translate.h"

#define BYTES_MAX ((size_t)4 << 20)
#define RUNS 7

static const struct {
    const char *name, *model;
} kinds[WIRES] = {
    [WIRE_OPENAI_CHAT] = { "openai-chat", "gpt-4.1" },
    [WIRE_OPENAI_RESPONSES] = { "openai-responses", "gpt-5.4" },
    [WIRE_ANTHROPIC] = { "anthropic", "claude-opus-4-6" },
    [WIRE_GEMINI] = { "gemini", "gemini-3.1-pro-preview" },
    [WIRE_CLOUDCODE] = { "cloudcode", "gemini-3.1-pro-high" },
};

static const char prose[] = "The quick brown fox jumps over the lazy dog while the gate lets the "
                            "water through. ";

/* --- texts ------------------------------------------------------------------------------------*/

/* `@` in a template stands for as much prose as makes it `size` bytes. */
static struct str padded(const char *template, size_t size, struct arena *a)
{
    struct buf b = { .max = BYTES_MAX };
    size_t len = strlen(template), more = size > len - 1 ? size - len + 1 : 0;

    for (const char *p = template; *p != '\0'; p++)
        for (size_t i = 0; *p == '@' ? i < more : i < 1; i++)
            (void)buf_add_char(&b, *p == '@' ? prose[i % (sizeof prose - 1)] : *p);
    struct str text = arena_copy(a, buf_str(&b));

    buf_clear(&b);
    return text;
}

static const char *const requests[PROTOCOLS] = {
    [WIRE_OPENAI_CHAT] = "{\"model\":\"bench\",\"messages\":[{\"role\":\"system\",\"content\":"
                         "\"You are a careful assistant.\"},{\"role\":\"user\",\"content\":\"@\"}]"
                         "}",
    [WIRE_OPENAI_RESPONSES] = "{\"model\":\"bench\",\"instructions\":\"You are a careful "
                              "assistant.\",\"input\":[{\"role\":\"user\",\"content\":\"@\"}]}",
    [WIRE_ANTHROPIC] = "{\"model\":\"bench\",\"max_tokens\":4096,\"system\":\"You are a careful "
                       "assistant.\",\"messages\":[{\"role\":\"user\",\"content\":\"@\"}]}",
    [WIRE_GEMINI] = "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"@\"}]}]}",
};

#define SCHEMA                                                                                    \
    "{\"type\":\"object\",\"properties\":{\"path\":{\"type\":\"string\",\"description\":\"Where " \
    "the file lies\"},\"lines\":{\"type\":\"integer\",\"minimum\":1}},\"required\":[\"path\"]}"
#define CHAT_TOOL(n)                                     \
    "{\"type\":\"function\",\"function\":{\"name\":\"" n \
    "\",\"description\":\"Does it\",\"parameters\":" SCHEMA "}}"
#define RESPONSES_TOOL(n)                                                                          \
    "{\"type\":\"function\",\"name\":\"" n "\",\"description\":\"Does it\",\"parameters\":" SCHEMA \
    "}"
#define ANTHROPIC_TOOL(n) \
    "{\"name\":\"" n "\",\"description\":\"Does it\",\"input_schema\":" SCHEMA "}"
#define GEMINI_TOOL(n) \
    "{\"name\":\"" n "\",\"description\":\"Does it\",\"parametersJsonSchema\":" SCHEMA "}"
#define THREE(tool) tool("read_file") "," tool("write_file") "," tool("list_files")

static const char *const tool_requests[PROTOCOLS] = {
    [WIRE_OPENAI_CHAT] = "{\"model\":\"bench\",\"max_completion_tokens\":4096,\"tools\":[" THREE(
        CHAT_TOOL) "],"
                   "\"messages\":[{\"role\":\"user\",\"content\":\"@\"},{\"role\":\"assistant\","
                   "\"content\":"
                   "null,\"tool_calls\":[{\"id\":\"call_1\",\"type\":\"function\",\"function\":{"
                   "\"name\":"
                   "\"read_file\",\"arguments\":\"{\\\"path\\\":\\\"a.c\\\"}\"}}]},{\"role\":"
                   "\"tool\","
                   "\"tool_call_id\":\"call_1\",\"content\":\"int main(void)\\n\"}]}",
    [WIRE_OPENAI_RESPONSES] = "{\"model\":\"bench\",\"max_output_tokens\":4096,\"tools\":[" THREE(
        RESPONSES_TOOL) "],"
                        "\"input\":[{\"role\":\"user\",\"content\":\"@\"},{\"type\":\"function_"
                        "call\",\"call_id\":"
                        "\"call_1\",\"name\":\"read_file\",\"arguments\":\"{\\\"path\\\":\\\"a."
                        "c\\\"}\"},{\"type\":"
                        "\"function_call_output\",\"call_id\":\"call_1\",\"output\":\"int "
                        "main(void)\\n\"}]}",
    [WIRE_ANTHROPIC] = "{\"model\":\"bench\",\"max_tokens\":4096,\"tools\":[" THREE(
        ANTHROPIC_TOOL) "],"
                        "\"messages\":[{\"role\":\"user\",\"content\":\"@\"},{\"role\":"
                        "\"assistant\",\"content\":[{"
                        "\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\"read_file\",\"input\":"
                        "{\"path\":"
                        "\"a.c\"}}]},{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\","
                        "\"tool_use_id\":"
                        "\"toolu_1\",\"content\":\"int main(void)\\n\"}]}]}",
    [WIRE_GEMINI] = "{\"tools\":[{\"functionDeclarations\":[" THREE(
        GEMINI_TOOL) "]}],\"contents\":[{\"role\":"
                     "\"user\",\"parts\":[{\"text\":\"@\"}]},{\"role\":\"model\",\"parts\":[{"
                     "\"functionCall\":{"
                     "\"name\":\"read_file\",\"args\":{\"path\":\"a.c\"}}}]},{\"role\":\"user\","
                     "\"parts\":[{"
                     "\"functionResponse\":{\"name\":\"read_file\",\"response\":{\"output\":\"int "
                     "main\"}}}]}]}",
};

static const char *const answers[WIRES] = {
    [WIRE_OPENAI_CHAT] =
        "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1700000000,\"model\":"
        "\"m\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"@\"},"
        "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":250,\"completion_tokens\":400,"
        "\"total_tokens\":650}}",
    [WIRE_OPENAI_RESPONSES] =
        "{\"id\":\"resp_1\",\"object\":\"response\",\"created_at\":1700000000,\"status\":"
        "\"completed\",\"model\":\"m\",\"output\":[{\"type\":\"message\",\"id\":\"msg_1\",\"role\":"
        "\"assistant\",\"status\":\"completed\",\"content\":[{\"type\":\"output_text\",\"text\":"
        "\"@\",\"annotations\":[]}]}],\"usage\":{\"input_tokens\":250,\"output_tokens\":400,"
        "\"total_tokens\":650}}",
    [WIRE_ANTHROPIC] =
        "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":"
        "[{\"type\":\"text\",\"text\":\"@\"}],\"stop_reason\":\"end_turn\",\"stop_sequence\":null,"
        "\"usage\":{\"input_tokens\":250,\"output_tokens\":400}}",
    [WIRE_GEMINI] =
        "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"@\"}]},"
        "\"finishReason\":\"STOP\",\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":250,"
        "\"candidatesTokenCount\":400,\"totalTokenCount\":650},\"modelVersion\":\"m\","
        "\"responseId\":\"r\"}",
    [WIRE_CLOUDCODE] =
        "{\"response\":{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"@\""
        "}]},\"finishReason\":\"STOP\",\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":250,"
        "\"candidatesTokenCount\":400,\"totalTokenCount\":650},\"modelVersion\":\"m\","
        "\"responseId\":\"r\"},\"traceId\":\"t\"}",
};

static const struct {
    const char *first, *event, *last;
} streams[WIRES] = {
    [WIRE_OPENAI_CHAT] = { "data: "
                           "{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,"
                           "\"model\":\"m\","
                           "\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\","
                           "\"content\":\"\"},"
                           "\"finish_reason\":null}]}\n\n",
                           "data: "
                           "{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,"
                           "\"model\":\"m\","
                           "\"choices\":[{\"index\":0,\"delta\":{\"content\":\" and "
                           "water\"},\"finish_reason\":null}"
                           "]}\n\n",
                           "data: "
                           "{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,"
                           "\"model\":\"m\","
                           "\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}"
                           "\n\n"
                           "data: [DONE]\n\n" },
    [WIRE_OPENAI_RESPONSES] = { "event: response.created\ndata: "
                                "{\"type\":\"response.created\",\"sequence_number\":0,"
                                "\"response\":{\"id\":\"r\",\"status\":\"in_progress\",\"output\":["
                                "]}}\n\n"
                                "event: response.output_item.added\ndata: "
                                "{\"type\":\"response.output_item.added\","
                                "\"sequence_number\":1,\"output_index\":0,\"item\":{\"id\":\"msg_"
                                "1\",\"type\":"
                                "\"message\",\"role\":\"assistant\",\"status\":\"in_progress\","
                                "\"content\":[]}}\n\n"
                                "event: response.content_part.added\ndata: "
                                "{\"type\":\"response.content_part.added\","
                                "\"sequence_number\":2,\"item_id\":\"msg_1\",\"output_index\":0,"
                                "\"content_index\":0,"
                                "\"part\":{\"type\":\"output_text\",\"text\":\"\",\"annotations\":["
                                "]}}\n\n",
                                "event: response.output_text.delta\ndata: "
                                "{\"type\":\"response.output_text.delta\","
                                "\"sequence_number\":3,\"item_id\":\"msg_1\",\"output_index\":0,"
                                "\"content_index\":0,"
                                "\"delta\":\" and water\",\"logprobs\":[]}\n\n",
                                "event: response.output_text.done\ndata: "
                                "{\"type\":\"response.output_text.done\","
                                "\"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0,"
                                "\"text\":\"\"}\n\n"
                                "event: response.completed\ndata: "
                                "{\"type\":\"response.completed\",\"response\":{\"id\":"
                                "\"r\",\"status\":\"completed\",\"output\":[],\"usage\":{\"input_"
                                "tokens\":2,"
                                "\"output_tokens\":3,\"total_tokens\":5}}}\n\n" },
    [WIRE_ANTHROPIC] = { "event: message_start\ndata: "
                         "{\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\","
                         "\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":["
                         "],"
                         "\"stop_reason\":null,\"usage\":{\"input_tokens\":2,\"output_tokens\":1}}}"
                         "\n\n"
                         "event: content_block_start\ndata: "
                         "{\"type\":\"content_block_start\",\"index\":0,"
                         "\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
                         "event: content_block_delta\ndata: "
                         "{\"type\":\"content_block_delta\",\"index\":0,"
                         "\"delta\":{\"type\":\"text_delta\",\"text\":\" and water\"}}\n\n",
                         "event: content_block_stop\ndata: "
                         "{\"type\":\"content_block_stop\",\"index\":0}\n\n"
                         "event: message_delta\ndata: "
                         "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":"
                         "\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":3}}\n\n"
                         "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n" },
    [WIRE_GEMINI] = { "",
                      "data: "
                      "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":"
                      "\" and "
                      "water\"}]},\"index\":0}],\"modelVersion\":\"m\",\"responseId\":\"r\"}\n\n",
                      "data: "
                      "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"."
                      "\"}]},"
                      "\"finishReason\":\"STOP\",\"index\":0}],\"usageMetadata\":{"
                      "\"promptTokenCount\":2,"
                      "\"candidatesTokenCount\":3,\"totalTokenCount\":5},\"modelVersion\":\"m\"}"
                      "\n\n" },
    [WIRE_CLOUDCODE] = { "",
                         "data: "
                         "{\"response\":{\"candidates\":[{\"content\":{\"role\":\"model\","
                         "\"parts\":[{"
                         "\"text\":\" and "
                         "water\"}]},\"index\":0}],\"modelVersion\":\"m\"},\"traceId\":\"t\"}\n\n",
                         "data: "
                         "{\"response\":{\"candidates\":[{\"content\":{\"role\":\"model\","
                         "\"parts\":[{"
                         "\"text\":\".\"}]},\"finishReason\":\"STOP\",\"index\":0}],"
                         "\"usageMetadata\":{"
                         "\"promptTokenCount\":2,\"candidatesTokenCount\":3,\"totalTokenCount\":5}}"
                         "}\n\n" },
};

/* The 1 KB request, with its last message 50 times more often in front. */
static struct str large_request(enum wire protocol, struct arena *a)
{
    struct str turn = padded("@", 4000, a), one = str_c(requests[protocol]);
    struct buf b = { .max = BYTES_MAX };
    const char *user = strstr(requests[protocol], "{\"role\":\"user\"");
    struct str front = str_take(one, (size_t)(user - one.at)), back = str_drop(one, front.len);
    struct str message = str_take(back, back.len - 2);

    (void)buf_add(&b, front);
    for (int i = 0; i < 51; i++) {
        struct str head, tail;

        (void)str_cut(message, '@', &head, &tail);
        (void)(buf_add(&b, i > 0 ? STR(",") : STR("")) && buf_add(&b, head) && buf_add(&b, turn) &&
               buf_add(&b, tail));
    }
    (void)buf_add(&b, STR("]}"));
    struct str text = arena_copy(a, buf_str(&b));

    buf_clear(&b);
    return text;
}

/* --- work -------------------------------------------------------------------------------------*/

struct job {
    enum wire protocol, wire;
    bool show;
    struct arena arena; /* of texts */
    struct str text;    /* what is translated */
    struct wire_target target;
    struct canon_request r; /* whose answers these are */
    struct translated asked;
};

static void shown(const char *what, struct str text)
{
    printf("%s (%zu bytes): %.*s\n", what, text.len, (int)text.len, text.at);
}

static void give_up(const char *what, struct str why)
{
    fprintf(stderr, "%s: %.*s\n", what, (int)why.len, why.at);
    exit(1);
}

static void request_translate(const struct job *j, struct arena *a, struct canon_request *r,
                              struct translated *out)
{
    struct wire_complaint why = { 0 };
    struct str model = j->protocol == WIRE_GEMINI ? STR("bench") : STR("");

    if (!translate_read(j->protocol, j->text, model, j->target.stream, a, r, &why))
        give_up("not read", why.message);
    if (!translate_write(r, &j->target, BYTES_MAX, a, out, &why))
        give_up("not written", why.message);
}

static void job_init(struct job *j, enum wire protocol, enum wire wire, const char *text,
                     size_t size)
{
    *j = (struct job){ .protocol = protocol, .wire = wire };
    j->text = padded(text, size, &j->arena);
    j->target = (struct wire_target){
        .wire = wire,
        .model = str_c(kinds[wire].model),
        .facts = model_facts_find(wire, str_c(kinds[wire].model)),
        .project = STR("a-project"),
    };
}

static void requests_run(struct job *j, long times)
{
    while (times-- > 0) {
        struct canon_request r;
        struct translated out;
        struct arena a = { 0 };

        request_translate(j, &a, &r, &out);
        if (j->show) {
            shown("in", j->text);
            struct str *parts;
            size_t bytes, count = translated_parts(&out, &parts, &bytes);

            for (size_t i = 0; i < count; i++)
                shown("out", parts[i]);
            printf("arena: %zu bytes\n", a.total);
        }
        translated_clear(&out);
        arena_free(&a);
    }
}

static struct encode_options encoding(const struct job *j)
{
    return (struct encode_options){
        .protocol = j->protocol,
        .request = &j->r,
        .names = &j->asked.names,
        .model = STR("bench"),
        .id = STR("0123456789abcdef01234567"),
        .created_unix_s = 1700000000,
        .show_thinking = reasoning_is_shown(&j->r),
        .bytes_max = BYTES_MAX,
    };
}

static void answer_prepare(struct job *j)
{
    struct str answer = j->text;

    j->text = padded(requests[j->protocol], 1024, &j->arena);
    request_translate(j, &j->arena, &j->r, &j->asked);
    j->text = answer;
}

static void answers_run(struct job *j, long times)
{
    answer_prepare(j);
    struct encode_options o = encoding(j);

    while (times-- > 0) {
        struct translator t;
        struct arena scratch = { 0 };
        struct buf made = { .max = BYTES_MAX };

        translator_init(&t, j->wire, &o, &j->asked, true);
        if (translator_whole(&t, j->text, &scratch, &made) != TRANSLATION_END)
            give_up("answer", STR("not translated"));
        if (j->show)
            shown("out", buf_str(&made));
        translator_clear(&t);
        buf_clear(&made);
        arena_free(&scratch);
    }
}

static void sink_start(void *peer, bool early)
{
    (void)peer;
    (void)early;
}

static bool sink_write(void *peer, const struct str *parts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (*(bool *)peer)
            shown("out", parts[i]);
    return true;
}

/* One stream with so many events, each fed by itself. */
static void events_run(struct job *j, long times)
{
    struct arena scratch = { 0 };
    struct emitter e;

    answer_prepare(j);
    struct encode_options o = encoding(j);
    struct emitter_options options = {
        .protocol = j->protocol,
        .model = STR("bench"),
        .event_bytes_max = BYTES_MAX,
        .request_id = STR("req_0123456789abcdef"),
        .scratch = &scratch,
        .sink = { .start = sink_start, .write = sink_write, .peer = &j->show },
    };
    emitter_init(&e, &options);
    emitter_attempt(&e);
    emitter_translate(&e, j->wire, &o, &j->asked);
    (void)emitter_feed(&e, str_c(streams[j->wire].first));
    while (times-- > 0)
        if (emitter_feed(&e, str_c(streams[j->wire].event)) != EMITTER_FED)
            give_up("event", STR("not taken"));
    if (emitter_feed(&e, str_c(streams[j->wire].last)) != EMITTER_DONE && !emitter_finish(&e))
        give_up("stream", STR("no end"));
    emitter_clear(&e);
    arena_free(&scratch);
}

static void job_clear(struct job *j)
{
    translated_clear(&j->asked);
    arena_free(&j->arena);
}

static void run(const char *what, enum wire protocol, enum wire wire, long times, bool show)
{
    bool answer = strcmp(what, "answer") == 0, events = strcmp(what, "events") == 0;
    bool tools = strcmp(what, "tools") == 0, large = strcmp(what, "large") == 0;
    struct job j;

    job_init(&j, protocol, wire,
             answer || events ? answers[wire]
             : tools          ? tool_requests[protocol]
                              : requests[protocol],
             answer  ? 2048
             : tools ? 3072
                     : 1024);
    j.show = show;
    if (large)
        j.text = large_request(protocol, &j.arena);
    if (answer)
        answers_run(&j, times);
    else if (events)
        events_run(&j, times);
    else
        requests_run(&j, times);
    job_clear(&j);
}

/* --- the program ------------------------------------------------------------------------------*/

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double measure(const char *what, enum wire protocol, enum wire wire, long times)
{
    double us[RUNS];

    for (int i = 0; i < RUNS; i++) {
        clock_t from = clock();

        run(what, protocol, wire, times, false);
        us[i] = (double)(clock() - from) * 1e6 / CLOCKS_PER_SEC / (double)times;
    }
    qsort(us, RUNS, sizeof us[0], by_size);
    return us[RUNS / 2];
}

static enum wire kind_of(const char *name)
{
    for (size_t i = 0; i < WIRES; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return (enum wire)i;
    give_up(name, STR("no such protocol or wire"));
    return WIRES;
}

int main(int argc, char **argv)
{
    static const char *const whats[] = { "request", "tools", "large", "answer", "events" };

    if (argc == 5 && strcmp(argv[1], "show") == 0) {
        run(argv[2], kind_of(argv[3]), kind_of(argv[4]), 1, true);
        return 0;
    }
    if (argc == 5) {
        run(argv[1], kind_of(argv[2]), kind_of(argv[3]), strtol(argv[4], NULL, 10), false);
        return 0;
    }
    for (size_t w = 0; w < COUNT(whats); w++)
        for (enum wire p = 0; p < PROTOCOLS; p++)
            for (enum wire to = 0; to < WIRES; to++)
                if (p != to)
                    printf("%-8s %-17s %-17s %8.3f us\n", whats[w], kinds[p].name, kinds[to].name,
                           measure(whats[w], p, to, strcmp(whats[w], "large") == 0 ? 200 : 5000));
    return 0;
}
