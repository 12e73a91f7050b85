#include "canned.h"

#include "stream_grammar.h"

#include "base/buf.h"

#define LONG_PIECES 64
#define LONG_PIECE_BYTES ((size_t)16 << 10)

/* --- names */

struct str canned_model(enum wire wire)
{
    switch (wire) {
    case WIRE_ANTHROPIC:
        return STR("claude-sonnet-4-5");
    case WIRE_GEMINI:
    case WIRE_CLOUDCODE:
        return STR("gemini-3-flash");
    case WIRE_OPENAI_CHAT:
    case WIRE_OPENAI_RESPONSES:
    case WIRES:
        break;
    }
    return STR("gpt-5");
}

enum wire canned_wire(struct str path)
{
    if (str_find(path, STR("/messages")) != SIZE_MAX)
        return WIRE_ANTHROPIC;
    if (str_find(path, STR("/responses")) != SIZE_MAX)
        return WIRE_OPENAI_RESPONSES;
    if (str_find(path, STR("enerateContent")) != SIZE_MAX || str_starts(path, STR("/v1beta")))
        return WIRE_GEMINI;
    return WIRE_OPENAI_CHAT;
}

/* --- requests */

struct str canned_request(struct arena *a, enum wire wire, struct str model, bool stream,
                          struct str text)
{
    const char *streams = stream ? ",\"stream\":true" : "";
    struct str front = STR(""), back = STR("\"}]}");
    struct buf b;

    switch (wire) {
    case WIRE_ANTHROPIC:
        front = arena_printf(a,
                             "{\"model\":\"%.*s\",\"max_tokens\":64%s,\"messages\":"
                             "[{\"role\":\"user\",\"content\":\"",
                             STR_ARG(model), streams);
        break;
    case WIRE_OPENAI_RESPONSES:
        front = arena_printf(a, "{\"model\":\"%.*s\"%s,\"input\":\"", STR_ARG(model), streams);
        back = STR("\"}");
        break;
    case WIRE_GEMINI:
    case WIRE_CLOUDCODE:
        front = STR("{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"");
        back = STR("\"}]}]}");
        break;
    case WIRE_OPENAI_CHAT:
    case WIRES:
        front = arena_printf(a,
                             "{\"model\":\"%.*s\"%s,\"messages\":"
                             "[{\"role\":\"user\",\"content\":\"",
                             STR_ARG(model), streams);
        break;
    }
    buf_init(&b, front.len + text.len + back.len);
    (void)(buf_add(&b, front) && buf_add(&b, text) && buf_add(&b, back));
    struct str out = arena_copy(a, buf_str(&b));
    buf_clear(&b);
    return out;
}

/* --- answers, wire by wire */

/* arena_printf() with slices of any length would clip them: these join. */
static struct str join(struct arena *a, struct str front, struct str middle, struct str back)
{
    struct buf b;

    buf_init(&b, front.len + middle.len + back.len);
    (void)(buf_add(&b, front) && buf_add(&b, middle) && buf_add(&b, back));
    struct str out = arena_copy(a, buf_str(&b));
    buf_clear(&b);
    return out;
}

static void add(struct canned *c, struct str event)
{
    assert(c->count < COUNT(c->events));
    c->events[c->count++] = event;
}

static void make_chat(struct arena *a, struct str model, const struct str *pieces, size_t count,
                      struct canned *c)
{
    struct str lead = arena_printf(a,
                                   "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion."
                                   "chunk\",\"created\":1767225600,\"model\":\"%.*s\",",
                                   STR_ARG(model));

    add(c, join(a, lead,
                STR("\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":"
                    "\"\"},\"finish_reason\":null}]}\n\n"),
                STR("")));
    c->content_at = c->count;
    for (size_t i = 0; i < count; i++)
        add(c, join(a,
                    join(a, lead, STR("\"choices\":[{\"index\":0,\"delta\":{\"content\":\""),
                         pieces[i]),
                    STR("\"},\"finish_reason\":null}]}\n\n"), STR("")));
    c->finish_at = c->count;
    add(c, join(a, lead,
                STR("\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"),
                STR("")));
    c->usage_at = c->count;
    add(c, join(a, lead,
                STR("\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3,"
                    "\"total_tokens\":10}}\n\n"),
                STR("")));
    c->end_at = c->count;
    add(c, STR("data: [DONE]\n\n"));
    c->whole = join(
        a,
        arena_printf(a,
                     "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1767225600,"
                     "\"model\":\"%.*s\",\"choices\":[{\"index\":0,\"message\":{\"role\":"
                     "\"assistant\",\"content\":\"",
                     STR_ARG(model)),
        c->text,
        STR("\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":7,"
            "\"completion_tokens\":3,\"total_tokens\":10}}"));
}

static struct str named_event(struct arena *a, const char *name, struct str members)
{
    return join(a, arena_printf(a, "event: %s\ndata: {\"type\":\"%s\",", name, name), members,
                STR("}\n\n"));
}

static void make_anthropic(struct arena *a, struct str model, const struct str *pieces,
                           size_t count, struct canned *c)
{
    add(c, named_event(a, "message_start",
                       arena_printf(a,
                                    "\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":"
                                    "\"assistant\",\"model\":\"%.*s\",\"content\":[],"
                                    "\"stop_reason\":null,\"usage\":{\"input_tokens\":7,"
                                    "\"output_tokens\":1}}",
                                    STR_ARG(model))));
    add(c, named_event(a, "content_block_start",
                       STR("\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}")));
    c->content_at = c->count;
    for (size_t i = 0; i < count; i++)
        add(c,
            named_event(a, "content_block_delta",
                        join(a, STR("\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\""),
                             pieces[i], STR("\"}"))));
    add(c, named_event(a, "content_block_stop", STR("\"index\":0")));
    c->finish_at = c->count;
    add(c, named_event(a, "message_delta",
                       STR("\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},"
                           "\"usage\":{\"output_tokens\":3}")));
    c->end_at = c->count;
    add(c, STR("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"));
    c->whole = join(a,
                    arena_printf(a,
                                 "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\","
                                 "\"model\":\"%.*s\",\"content\":[{\"type\":\"text\",\"text\":\"",
                                 STR_ARG(model)),
                    c->text,
                    STR("\"}],\"stop_reason\":\"end_turn\",\"stop_sequence\":null,\"usage\":{"
                        "\"input_tokens\":7,\"output_tokens\":3}}"));
}

static void make_responses(struct arena *a, struct str model, const struct str *pieces,
                           size_t count, struct canned *c)
{
    struct str object = arena_printf(a,
                                     "{\"id\":\"resp_1\",\"object\":\"response\",\"created_at\":"
                                     "1767225600,\"model\":\"%.*s\",",
                                     STR_ARG(model));
    struct str item =
        join(a,
             STR("{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\","
                 "\"status\":\"completed\",\"content\":[{\"type\":\"output_text\",\"text\":\""),
             c->text, STR("\"}]}"));
    struct str output =
        join(a, STR("\"output\":["), item,
             STR("],\"usage\":{\"input_tokens\":7,\"output_tokens\":3,\"total_tokens\":10}}"));
    size_t n = 0, next = count > 0 ? count + 3 : 1; /* an answer without content has no item */

    add(c, named_event(a, "response.created",
                       join(a, STR("\"sequence_number\":0,\"response\":"), object,
                            STR("\"status\":\"in_progress\",\"output\":[]}"))));
    if (count > 0)
        add(c,
            named_event(a, "response.output_item.added",
                        STR("\"sequence_number\":1,\"output_index\":0,\"item\":{\"id\":\"msg_1\","
                            "\"type\":\"message\",\"role\":\"assistant\",\"status\":"
                            "\"in_progress\",\"content\":[]}")));
    c->content_at = c->count;
    for (; n < count; n++)
        add(c,
            named_event(a, "response.output_text.delta",
                        join(a,
                             arena_printf(a,
                                          "\"sequence_number\":%zu,\"output_index\":0,"
                                          "\"item_id\":\"msg_1\",\"content_index\":0,\"delta\":\"",
                                          n + 2),
                             pieces[n], STR("\""))));
    c->finish_at = c->count;
    if (count > 0)
        add(c,
            named_event(a, "response.output_item.done",
                        join(a,
                             arena_printf(a, "\"sequence_number\":%zu,\"output_index\":0,\"item\":",
                                          count + 2),
                             item, STR(""))));
    c->end_at = c->count;
    add(c, named_event(a, "response.completed",
                       join(a, arena_printf(a, "\"sequence_number\":%zu,\"response\":", next),
                            join(a, object, STR("\"status\":\"completed\","), output), STR(""))));
    c->whole = join(a, object, STR("\"status\":\"completed\",\"error\":null,"), output);
}

static void make_gemini(struct arena *a, struct str model, const struct str *pieces, size_t count,
                        struct canned *c)
{
    struct str lead = STR("data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[");
    struct str tail = arena_printf(a, "],\"modelVersion\":\"%.*s\"}\n\n", STR_ARG(model));
    struct str usage = STR(",\"usageMetadata\":{\"promptTokenCount\":7,\"candidatesTokenCount\":3,"
                           "\"totalTokenCount\":10}");

    add(c, join(a, lead, STR("]},\"index\":0}"), tail));
    c->content_at = c->count;
    for (size_t i = 0; i < count; i++)
        add(c, join(a, join(a, lead, STR("{\"text\":\""), pieces[i]), STR("\"}]},\"index\":0}"),
                    tail));
    c->finish_at = c->count;
    add(c, join(a, lead, STR("]},\"finishReason\":\"STOP\",\"index\":0}]"),
                join(a, usage, str_drop(tail, 1), STR(""))));
    c->end_at = c->count;
    c->whole = join(a, join(a, str_drop(lead, 6), STR("{\"text\":\""), c->text),
                    STR("\"}]},\"finishReason\":\"STOP\",\"index\":0}]"),
                    join(a, usage, str_drop_last(str_drop(tail, 1), 2), STR("")));
}

void canned_answer(struct arena *a, enum wire wire, struct str model, const struct str *pieces,
                   size_t count, struct canned *out)
{
    struct buf text;

    assert(count <= CANNED_PIECES_MAX);
    *out = (struct canned){ .usage_at = SIZE_MAX };
    buf_init(&text, SIZE_MAX / 2);
    for (size_t i = 0; i < count; i++)
        (void)buf_add(&text, pieces[i]);
    out->text = arena_copy(a, buf_str(&text));
    buf_clear(&text);
    switch (wire) {
    case WIRE_ANTHROPIC:
        make_anthropic(a, model, pieces, count, out);
        return;
    case WIRE_OPENAI_RESPONSES:
        make_responses(a, model, pieces, count, out);
        return;
    case WIRE_GEMINI:
    case WIRE_CLOUDCODE:
        make_gemini(a, model, pieces, count, out);
        return;
    case WIRE_OPENAI_CHAT:
    case WIRES:
        make_chat(a, model, pieces, count, out);
        return;
    }
}

bool canned_named(struct arena *a, enum wire wire, struct str model, struct str name,
                  struct canned *out)
{
    static const struct str hello[] = { { "Hello", 5 }, { " there,", 7 }, { " friend.", 8 } };

    if (str_eq(name, STR("hello"))) {
        canned_answer(a, wire, model, hello, COUNT(hello), out);
        return true;
    }
    if (str_eq(name, STR("empty"))) {
        canned_answer(a, wire, model, NULL, 0, out);
        return true;
    }
    if (str_eq(name, STR("signed")) && wire == WIRE_OPENAI_RESPONSES) {
        struct str front = STR("\"output\":["), whole;

        canned_answer(a, wire, model, hello, COUNT(hello), out);
        whole = out->whole;
        size_t at = str_find(whole, front) + front.len;

        out->whole = join(a, str_take(whole, at),
                          STR("{\"id\":\"rs_1\",\"type\":\"reasoning\",\"summary\":[],"
                              "\"encrypted_content\":\"gAAAAABsigned\"},"),
                          str_drop(whole, at));
        return true;
    }
    if (str_eq(name, STR("long"))) {
        struct str pieces[LONG_PIECES];
        char *bytes = arena_alloc(a, LONG_PIECE_BYTES);

        memset(bytes, 'x', LONG_PIECE_BYTES);
        for (size_t i = 0; i < LONG_PIECES; i++)
            pieces[i] = (struct str){ bytes, LONG_PIECE_BYTES };
        canned_answer(a, wire, model, pieces, LONG_PIECES, out);
        return true;
    }
    return false;
}

/* The JSON of an event of ours: what stands behind `data: `. */
static struct str event_data(struct str event)
{
    size_t at = str_find(event, STR("data: "));

    return str_trim(str_drop(event, at == SIZE_MAX ? event.len : at + 6));
}

struct str canned_stream(struct arena *a, bool json_array, const struct canned *c)
{
    struct buf b;

    buf_init(&b, SIZE_MAX / 2);
    for (size_t i = 0; i < c->count; i++) {
        if (i == c->usage_at)
            continue;
        if (json_array)
            (void)(buf_add(&b, i == 0 ? STR("[") : STR(",\r\n")) &&
                   buf_add(&b, event_data(c->events[i])));
        else
            (void)buf_add(&b, c->events[i]);
    }
    if (json_array)
        (void)buf_add(&b, STR("]"));
    struct str out = arena_copy(a, buf_str(&b));
    buf_clear(&b);
    return out;
}

/* --- errors */

struct str canned_error(struct arena *a, enum wire wire, int status, struct str type,
                        struct str text)
{
    switch (wire) {
    case WIRE_ANTHROPIC:
        return arena_printf(
            a, "{\"type\":\"error\",\"error\":{\"type\":\"%.*s\",\"message\":\"%.*s\"}}",
            STR_ARG(type), STR_ARG(text));
    case WIRE_GEMINI:
    case WIRE_CLOUDCODE:
        return arena_printf(a, "{\"error\":{\"code\":%d,\"message\":\"%.*s\",\"status\":\"%.*s\"}}",
                            status, STR_ARG(text), STR_ARG(type));
    case WIRE_OPENAI_CHAT:
    case WIRE_OPENAI_RESPONSES:
    case WIRES:
        break;
    }
    return arena_printf(a,
                        "{\"error\":{\"message\":\"%.*s\",\"type\":\"%.*s\",\"param\":null,"
                        "\"code\":null}}",
                        STR_ARG(text), STR_ARG(type));
}

struct str canned_error_event(struct arena *a, enum wire wire, struct str type, struct str text)
{
    if (wire == WIRE_OPENAI_RESPONSES)
        return arena_printf(a,
                            "event: error\ndata: {\"type\":\"error\",\"code\":\"%.*s\","
                            "\"message\":\"%.*s\",\"param\":null,\"sequence_number\":9}\n\n",
                            STR_ARG(type), STR_ARG(text));

    struct str body = canned_error(a, wire, 500, type, text);

    return join(a, wire == WIRE_ANTHROPIC ? STR("event: error\ndata: ") : STR("data: "), body,
                STR("\n\n"));
}

/* --- what a client reads */

/* The value of the first member of that name, which holds no escapes. */
static struct str member_text(struct str json, const char *opening)
{
    struct str key = str_c(opening), value, rest;
    size_t at = str_find(json, key);

    if (at == SIZE_MAX)
        return STR("");
    (void)str_cut(str_drop(json, at + key.len), '"', &value, &rest);
    return value;
}

static bool has(struct str in, const char *what)
{
    return str_find(in, str_c(what)) != SIZE_MAX;
}

enum piece { PIECE_OTHER, PIECE_KEEP_ALIVE, PIECE_FINISH, PIECE_SUCCESS, PIECE_ERROR };

static enum piece piece_read(enum wire wire, struct str event, struct str *text)
{
    struct str data = event_data(event);

    *text = STR("");
    if (str_starts(event, STR(":")))
        return PIECE_KEEP_ALIVE;
    switch (wire) {
    case WIRE_ANTHROPIC:
        if (str_starts(event, STR("event: ping\n")))
            return PIECE_KEEP_ALIVE;
        if (str_starts(event, STR("event: content_block_delta\n")))
            *text = member_text(data, "\"text\":\"");
        return str_starts(event, STR("event: message_stop\n")) ? PIECE_SUCCESS
               : str_starts(event, STR("event: error\n"))      ? PIECE_ERROR
                                                               : PIECE_OTHER;
    case WIRE_OPENAI_RESPONSES:
        *text = member_text(data, "\"delta\":\"");
        return str_starts(event, STR("event: response.completed\n")) ||
                       str_starts(event, STR("event: response.incomplete\n"))
                   ? PIECE_SUCCESS
               : str_starts(event, STR("event: response.failed\n")) ||
                       str_starts(event, STR("event: error\n"))
                   ? PIECE_ERROR
                   : PIECE_OTHER;
    case WIRE_GEMINI:
    case WIRE_CLOUDCODE:
        if (str_starts(data, STR("{\"error\"")))
            return PIECE_ERROR;
        *text = member_text(data, "\"text\":\"");
        return has(data, "\"finishReason\":\"") ? PIECE_FINISH : PIECE_OTHER;
    case WIRE_OPENAI_CHAT:
    case WIRES:
        break;
    }
    if (str_starts(data, STR("{\"error\"")))
        return PIECE_ERROR;
    *text = member_text(data, "\"content\":\"");
    return str_eq(data, STR("[DONE]")) ? PIECE_SUCCESS : PIECE_OTHER;
}

/* An array has its elements between `[`, `,` and `]`; they are turned into events to be read. */
static struct str array_as_events(struct arena *a, struct str body, struct tally *t)
{
    struct buf b;
    int depth = 0;
    bool in_string = false, opened = false, closed = false;

    buf_init(&b, SIZE_MAX / 2);
    for (size_t i = 0; i < body.len; i++) {
        char c = body.at[i];

        if (!in_string && depth == 0 && c == '\n' && (i == 0 || body.at[i - 1] != '\r'))
            t->keep_alives++;
        if (!in_string && depth == 0 && c != '{') {
            if (closed && c != '\n')
                t->behind = true;
            opened |= c == '[';
            closed |= c == ']';
            continue;
        }
        if (depth == 0)
            (void)buf_add(&b, STR("data: "));
        if (c == '"' && body.at[i - 1] != '\\')
            in_string = !in_string;
        depth += in_string ? 0 : c == '{' ? 1 : c == '}' ? -1 : 0;
        (void)buf_add_char(&b, c);
        if (depth == 0)
            (void)buf_add(&b, STR("\n\n"));
    }
    t->torn |= !opened || !closed;
    struct str out = arena_copy(a, buf_str(&b));
    buf_clear(&b);
    return out;
}

struct tally stream_tally(struct arena *a, enum wire wire, bool json_array, struct str body)
{
    struct tally t = { 0 };
    struct str left = json_array ? array_as_events(a, body, &t) : body;
    struct buf text, rest;
    bool finished = false; /* Gemini has no terminator: a finish without an error stands for one */

    buf_init(&text, SIZE_MAX / 2);
    buf_init(&rest, SIZE_MAX / 2);
    while (left.len > 0) {
        size_t end = str_find(left, STR("\n\n"));
        struct str event = str_take(left, end == SIZE_MAX ? left.len : end + 2), words;

        left = str_drop(left, event.len);
        if (end == SIZE_MAX) {
            t.torn = true;
            (void)buf_add(&rest, event);
            break;
        }
        enum piece piece = piece_read(wire, event, &words);
        switch (piece) {
        case PIECE_KEEP_ALIVE:
            t.keep_alives++;
            t.behind |= t.successes + t.errors > 0;
            continue;
        case PIECE_SUCCESS:
            t.behind |= t.successes + t.errors > 0;
            t.successes++;
            break;
        case PIECE_ERROR:
            t.behind |= t.successes + t.errors > 0;
            t.errors++;
            break;
        case PIECE_FINISH:
        case PIECE_OTHER:
            finished |= piece == PIECE_FINISH;
            t.behind |= t.successes + t.errors > 0;
            break;
        }
        (void)(buf_add(&text, words) && buf_add(&rest, event));
    }
    if (finished && t.errors == 0)
        t.successes++;
    if (!t.torn) {
        struct seen_stream seen;

        t.broken = stream_breaks(
            &(struct grammar_options){ .protocol = wire, .json_array = json_array, .passed = true },
            body, a, &seen);
    }
    t.text = arena_copy(a, buf_str(&text));
    t.rest = json_array ? body : arena_copy(a, buf_str(&rest));
    buf_clear(&text);
    buf_clear(&rest);
    return t;
}

struct str whole_text(enum wire wire, struct str body)
{
    return wire == WIRE_OPENAI_CHAT ? member_text(body, "\"content\":\"")
                                    : member_text(body, "\"text\":\"");
}
