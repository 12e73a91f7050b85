/* fuzz/fuzz_translate_answer.c - what an upstream of any wire answers, given to a client of any
 * protocol.
 *
 * A byte chooses wire and protocol, another whether the client streams; the rest are the data of
 * events, a line each, or a whole answer. What the client gets is events whose data are JSON, or
 * one JSON object; a stream ends once. */
#include <stdlib.h>

#include "http/sse.h"
#include "wire/translate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOLDS(condition) ((condition) ? (void)0 : abort())
#define OUT_MAX ((size_t)16 << 20)

static const struct str tools = STR(
    "{\"model\":\"m\",\"input\":\"x\",\"tools\":[{\"type\":\"custom\",\"name\":\"p\"},{\"type\":"
    "\"namespace\",\"name\":\"n\",\"tools\":[{\"type\":\"function\",\"name\":\"f\"}]}]}");

static void check_events(struct str out, struct arena *a)
{
    struct sse sse;
    struct sse_event ev;
    struct json doc;

    sse_init(&sse, OUT_MAX);
    while (sse_next(&sse, &out, &ev) == SSE_EVENT)
        HOLDS(ev.is_comment || str_eq(ev.data, STR("[DONE]")) ||
              json_parse(&doc, ev.data, NULL, a, NULL));
    HOLDS(sse.held.len == 0); /* whole events */
    sse_clear(&sse);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = { 0 }, scratch = { 0 };
    struct canon_request r;
    struct wire_complaint why = { 0 };
    struct translated asked = { .stop_count = 0 };
    struct translator tr;
    struct buf out;
    struct json doc;

    if (size < 2)
        return 0;
    enum wire protocol = data[0] % PROTOCOLS, wire = data[0] / PROTOCOLS % WIRES;
    bool whole = data[1] & 1, in_one = data[1] & 2;

    if (!translate_can(protocol, wire))
        return 0;
    HOLDS(translate_read(WIRE_OPENAI_RESPONSES, tools, STR(""), true, &a, &r, &why));
    names_make(&asked.names, &r, wire, &a);
    r.protocol = protocol;
    struct encode_options o = {
        .protocol = protocol,
        .request = &r,
        .names = &asked.names,
        .model = STR("m"),
        .id = STR("0123456789abcdef"),
        .created_unix_s = 1700000000,
        .show_thinking = data[1] & 4,
        .bytes_max = OUT_MAX,
    };
    struct str rest = { (const char *)data + 2, size - 2 }, line;
    enum translation said = TRANSLATION_MORE;

    buf_init(&out, OUT_MAX);
    translator_init(&tr, wire, &o, &asked, whole);
    if (in_one)
        said = translator_whole(&tr, rest, &scratch, &out);
    while (!in_one && (said == TRANSLATION_MORE || said == TRANSLATION_BAD) && rest.len > 0) {
        (void)str_cut(rest, '\n', &line, &rest);
        said = translator_event(&tr, STR(""), line, &scratch, &out);
        arena_reset(&scratch);
    }
    if (said == TRANSLATION_MORE || said == TRANSLATION_BAD)
        said = translator_finish(&tr, true, &scratch, &out);
    if (!whole)
        check_events(buf_str(&out), &a);
    else if (said == TRANSLATION_END)
        HOLDS(json_parse(&doc, buf_str(&out), NULL, &a, NULL));
    translator_clear(&tr);
    translated_clear(&asked);
    buf_clear(&out);
    arena_free(&scratch);
    arena_free(&a);
    return 0;
}
