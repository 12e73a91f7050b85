/* tests/unit/wire/test_round_trip.c - what a client says comes through another protocol and back.
 *
 * Conversations and answers are made from a seed. A conversation is written in one protocol, read,
 * written for another wire, read there, written back and read again: texts, their order, pictures,
 * ids, names and arguments of calls, and results are what they were, or the loss is named. Answers
 * go the other way: as an upstream's stream over one wire to a client of another, and from there,
 * taken for an upstream's stream, back. */
#include <stdlib.h>

#include "translation_rig.h"

#include "test.h"

/* --- a conversation ---------------------------------------------------------------------------*/

enum { TURNS = 4, PARTS = 3, CALLS = 3 };

enum made_kind {
    MADE_TEXT,
    MADE_PICTURE,     /* base64 */
    MADE_PICTURE_URL, /* gemini has no place for it on every model */
    MADE_PDF,
};

struct made_part {
    enum made_kind kind;
    struct str text; /* text, base64 or URL */
};

struct made_call {
    struct str id, name, arguments, result;
    bool error;
};

struct made_turn {
    struct made_part user[PARTS];
    size_t user_count;
    struct str thinking, answer; /* empty: none */
    struct made_call calls[CALLS];
    size_t call_count;
};

struct made {
    struct str system; /* empty: none */
    struct made_turn turns[TURNS];
    size_t turn_count;
    bool fragile;       /* holds what not every wire can say */
    bool ids;           /* gemini: calls have ids */
    const char *choice; /* "auto", "none", "any", "one"; NULL: not said */
};

static struct str pick(struct test *t, const char *const *from, size_t count)
{
    return str_c(from[test_below(t, count)]);
}
#define PICK(t, list) pick((t), (list), COUNT(list))

static struct str some_text(struct test *t)
{
    static const char *const pieces[] = {
        "hello ",
        "two\nlines\t",
        "\"quoted\" \\ back/slash ",
        "Gr\xc3\xbc\xc3\x9f t ",
        "\xe6\x9d\xb1\xe4\xba\xac ",
        "\xf0\x9f\x98\x80 ",
        "{\"json\": true} ",
        "<system>x</system> ",
        "\x01\x1f control ",
        "data: [DONE]\n\n",
        "1.0 ",
        "\xe2\x80\xa8 ",
    };
    struct buf b;

    buf_init(&b, 4096);
    for (size_t i = 0, n = test_below(t, 4) + 1; i < n; i++)
        (void)buf_add(&b, PICK(t, pieces));
    (void)buf_printf(&b, "end %zu", test_below(t, 1000));
    struct str out = arena_copy(&t->arena, buf_str(&b));

    buf_clear(&b);
    return out;
}

static const char *const tool_names[] = { "get_weather", "read", "run-it" };

static void make_call(struct test *t, struct made *m, struct made_call *c)
{
    static const char *const arguments[] = {
        "{}",
        "{\"city\":\"Oslo\"}",
        "{\"n\":1.0,\"big\":12345678901234567890,\"e\":1e400}",
        "{\"b\":[1,{\"c\":null}],\"a\":\"\\u00e4\\n\\\"\\ud83d\\ude00\"}",
        "{\"deep\":{\"er\":{\"est\":[[],{}]}},\"t\":true}",
        "{\"path\":\"C:\\\\x\\/y\",\"\":\"\"}",
    };
    uint64_t n = test_random(t);

    c->id = test_below(t, 2) == 0
                ? arena_printf(&t->arena, "call_%016" PRIx64, n)
                : arena_printf(&t->arena, "toolu_01%010u", (unsigned)(n % 1000000000));
    c->name = PICK(t, tool_names);
    c->arguments = PICK(t, arguments);
    c->result = some_text(t);
    c->error = test_below(t, 12) == 0;
    m->fragile = m->fragile || c->error;
}

static void make_conversation(struct test *t, struct made *m)
{
    static const char *const choices[] = { "auto", "none", "any", "one" };
    static const char *const pictures[] = { "iVBORw0KGgo=", "iVBORw0KGgoAAAANSUhEUg==" };

    *m = (struct made){ .turn_count = test_below(t, TURNS) + 1, .ids = test_below(t, 2) == 0 };
    if (test_below(t, 2) == 0)
        m->system = some_text(t);
    if (test_below(t, 3) == 0)
        m->choice = choices[test_below(t, COUNT(choices))];
    for (size_t i = 0; i < m->turn_count; i++) {
        struct made_turn *turn = &m->turns[i];

        turn->user_count = test_below(t, PARTS) + 1;
        for (size_t p = 0; p < turn->user_count; p++) {
            size_t what = p == 0 ? 0 : test_below(t, 12);

            turn->user[p] = what < 5    ? (struct made_part){ MADE_TEXT, some_text(t) }
                            : what < 9  ? (struct made_part){ MADE_PICTURE, PICK(t, pictures) }
                            : what < 11 ? (struct made_part){ MADE_PICTURE_URL,
                                                              STR("https://example.org/a.png") }
                                        : (struct made_part){ MADE_PDF, STR("JVBERi0xLjQK") };
            m->fragile = m->fragile || turn->user[p].kind >= MADE_PICTURE_URL;
        }
        if (i + 1 == m->turn_count)
            break; /* the user speaks last */
        turn->call_count = test_below(t, CALLS + 1);
        if (turn->call_count == 0 || test_below(t, 2) == 0)
            turn->answer = some_text(t);
        if (test_below(t, 10) == 0) {
            turn->thinking = STR("let me see");
            m->fragile = true;
        }
        for (size_t c = 0; c < turn->call_count; c++)
            make_call(t, m, &turn->calls[c]);
    }
}

/* --- in each protocol -------------------------------------------------------------------------*/

#define SCHEMA STR("{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}}}")

static void put_type(struct json_writer *w, const char *type)
{
    json_put_object(w);
    json_put_member(w, "type", str_c(type));
}

static void put_data_url(struct json_writer *w, const struct made_part *p)
{
    if (p->kind == MADE_PICTURE_URL)
        json_put_str(w, p->text);
    else
        json_put_format(w, "data:%s;base64,%.*s",
                        p->kind == MADE_PDF ? "application/pdf" : "image/png", STR_ARG(p->text));
}

static void put_chat_tools(struct json_writer *w, const struct made *m, bool nested)
{
    json_put_key(w, STR("tools"));
    json_put_array(w);
    for (size_t i = 0; i < COUNT(tool_names); i++) {
        put_type(w, "function");
        if (nested) {
            json_put_key(w, STR("function"));
            json_put_object(w);
        }
        json_put_member(w, "name", str_c(tool_names[i]));
        json_put_member_raw(w, "parameters", SCHEMA);
        if (nested)
            json_put_end(w);
        json_put_end(w);
    }
    json_put_end(w);
    if (m->choice == NULL)
        return;
    json_put_key(w, STR("tool_choice"));
    if (strcmp(m->choice, "one") == 0) {
        put_type(w, "function");
        if (nested) {
            json_put_key(w, STR("function"));
            json_put_object(w);
        }
        json_put_member(w, "name", str_c(tool_names[0]));
        if (nested)
            json_put_end(w);
        json_put_end(w);
    } else {
        json_put_str(w, strcmp(m->choice, "any") == 0 ? STR("required") : str_c(m->choice));
    }
}

static void put_chat(struct json_writer *w, const struct made *m)
{
    json_put_member(w, "model", STR("a-model"));
    json_put_key(w, STR("messages"));
    json_put_array(w);
    if (m->system.len > 0) {
        json_put_object(w);
        json_put_member(w, "role", STR("system"));
        json_put_member(w, "content", m->system);
        json_put_end(w);
    }
    for (size_t i = 0; i < m->turn_count; i++) {
        const struct made_turn *turn = &m->turns[i];

        json_put_object(w);
        json_put_member(w, "role", STR("user"));
        json_put_key(w, STR("content"));
        json_put_array(w);
        for (size_t p = 0; p < turn->user_count; p++) {
            const struct made_part *part = &turn->user[p];

            if (part->kind == MADE_TEXT) {
                put_type(w, "text");
                json_put_member(w, "text", part->text);
            } else if (part->kind == MADE_PDF) {
                put_type(w, "file");
                json_put_key(w, STR("file"));
                json_put_object(w);
                json_put_key(w, STR("file_data"));
                put_data_url(w, part);
                json_put_member(w, "filename", STR("a.pdf"));
                json_put_end(w);
            } else {
                put_type(w, "image_url");
                json_put_key(w, STR("image_url"));
                json_put_object(w);
                json_put_key(w, STR("url"));
                put_data_url(w, part);
                json_put_end(w);
            }
            json_put_end(w);
        }
        json_put_end(w);
        json_put_end(w);
        if (turn->answer.len == 0 && turn->call_count == 0)
            continue;
        json_put_object(w);
        json_put_member(w, "role", STR("assistant"));
        if (turn->answer.len > 0)
            json_put_member(w, "content", turn->answer);
        else
            json_put_member_null(w, "content");
        if (turn->thinking.len > 0)
            json_put_member(w, "reasoning_content", turn->thinking);
        if (turn->call_count > 0) {
            json_put_key(w, STR("tool_calls"));
            json_put_array(w);
            for (size_t c = 0; c < turn->call_count; c++) {
                json_put_object(w);
                json_put_member(w, "id", turn->calls[c].id);
                json_put_member(w, "type", STR("function"));
                json_put_key(w, STR("function"));
                json_put_object(w);
                json_put_member(w, "name", turn->calls[c].name);
                json_put_member(w, "arguments", turn->calls[c].arguments);
                json_put_end(w);
                json_put_end(w);
            }
            json_put_end(w);
        }
        json_put_end(w);
        for (size_t c = 0; c < turn->call_count; c++) {
            json_put_object(w);
            json_put_member(w, "role", STR("tool"));
            json_put_member(w, "tool_call_id", turn->calls[c].id);
            json_put_member(w, "content", turn->calls[c].result);
            json_put_end(w);
        }
    }
    json_put_end(w);
    put_chat_tools(w, m, true);
}

static void put_responses(struct json_writer *w, const struct made *m)
{
    json_put_member(w, "model", STR("a-model"));
    json_put_member_bool(w, "store", false);
    if (m->system.len > 0)
        json_put_member(w, "instructions", m->system);
    json_put_key(w, STR("input"));
    json_put_array(w);
    for (size_t i = 0; i < m->turn_count; i++) {
        const struct made_turn *turn = &m->turns[i];

        put_type(w, "message");
        json_put_member(w, "role", STR("user"));
        json_put_key(w, STR("content"));
        json_put_array(w);
        for (size_t p = 0; p < turn->user_count; p++) {
            const struct made_part *part = &turn->user[p];

            if (part->kind == MADE_TEXT) {
                put_type(w, "input_text");
                json_put_member(w, "text", part->text);
            } else if (part->kind == MADE_PDF) {
                put_type(w, "input_file");
                json_put_key(w, STR("file_data"));
                put_data_url(w, part);
                json_put_member(w, "filename", STR("a.pdf"));
            } else {
                put_type(w, "input_image");
                json_put_key(w, STR("image_url"));
                put_data_url(w, part);
            }
            json_put_end(w);
        }
        json_put_end(w);
        json_put_end(w);
        if (turn->thinking.len > 0) {
            put_type(w, "reasoning");
            json_put_member_raw(w, "summary",
                                STR("[{\"type\":\"summary_text\",\"text\":\"let me see\"}]"));
            json_put_end(w);
        }
        if (turn->answer.len > 0) {
            put_type(w, "message");
            json_put_member(w, "role", STR("assistant"));
            json_put_key(w, STR("content"));
            json_put_array(w);
            put_type(w, "output_text");
            json_put_member(w, "text", turn->answer);
            json_put_end(w);
            json_put_end(w);
            json_put_end(w);
        }
        for (size_t c = 0; c < turn->call_count; c++) {
            put_type(w, "function_call");
            json_put_member(w, "call_id", turn->calls[c].id);
            json_put_member(w, "name", turn->calls[c].name);
            json_put_member(w, "arguments", turn->calls[c].arguments);
            json_put_end(w);
        }
        for (size_t c = 0; c < turn->call_count; c++) {
            put_type(w, "function_call_output");
            json_put_member(w, "call_id", turn->calls[c].id);
            json_put_member(w, "output", turn->calls[c].result);
            json_put_end(w);
        }
    }
    json_put_end(w);
    put_chat_tools(w, m, false);
}

static void put_anthropic_part(struct json_writer *w, const struct made_part *part)
{
    if (part->kind == MADE_TEXT) {
        put_type(w, "text");
        json_put_member(w, "text", part->text);
    } else {
        put_type(w, part->kind == MADE_PDF ? "document" : "image");
        json_put_key(w, STR("source"));
        if (part->kind == MADE_PICTURE_URL) {
            put_type(w, "url");
            json_put_member(w, "url", part->text);
        } else {
            put_type(w, "base64");
            json_put_member(w, "media_type",
                            part->kind == MADE_PDF ? STR("application/pdf") : STR("image/png"));
            json_put_member(w, "data", part->text);
        }
        json_put_end(w);
    }
    json_put_end(w);
}

static void put_anthropic(struct json_writer *w, const struct made *m)
{
    json_put_member(w, "model", STR("a-model"));
    json_put_member_i64(w, "max_tokens", 4096);
    if (m->system.len > 0)
        json_put_member(w, "system", m->system);
    json_put_key(w, STR("messages"));
    json_put_array(w);
    for (size_t i = 0; i < m->turn_count; i++) {
        const struct made_turn *turn = &m->turns[i], *last = i > 0 ? turn - 1 : NULL;

        json_put_object(w);
        json_put_member(w, "role", STR("user"));
        json_put_key(w, STR("content"));
        json_put_array(w);
        for (size_t c = 0; last != NULL && c < last->call_count; c++) {
            put_type(w, "tool_result");
            json_put_member(w, "tool_use_id", last->calls[c].id);
            json_put_member(w, "content", last->calls[c].result);
            if (last->calls[c].error)
                json_put_member_bool(w, "is_error", true);
            json_put_end(w);
        }
        for (size_t p = 0; p < turn->user_count; p++)
            put_anthropic_part(w, &turn->user[p]);
        json_put_end(w);
        json_put_end(w);
        if (turn->answer.len == 0 && turn->call_count == 0)
            continue;
        json_put_object(w);
        json_put_member(w, "role", STR("assistant"));
        json_put_key(w, STR("content"));
        json_put_array(w);
        if (turn->thinking.len > 0) {
            put_type(w, "thinking");
            json_put_member(w, "thinking", turn->thinking);
            json_put_member(w, "signature", STR("EqQBCkYIBhgCKkBmb3JlaWdu"));
            json_put_end(w);
        }
        if (turn->answer.len > 0)
            put_anthropic_part(w, &(struct made_part){ MADE_TEXT, turn->answer });
        for (size_t c = 0; c < turn->call_count; c++) {
            put_type(w, "tool_use");
            json_put_member(w, "id", turn->calls[c].id);
            json_put_member(w, "name", turn->calls[c].name);
            json_put_member_raw(w, "input", turn->calls[c].arguments);
            json_put_end(w);
        }
        json_put_end(w);
        json_put_end(w);
    }
    json_put_end(w);
    json_put_key(w, STR("tools"));
    json_put_array(w);
    for (size_t i = 0; i < COUNT(tool_names); i++) {
        json_put_object(w);
        json_put_member(w, "name", str_c(tool_names[i]));
        json_put_member_raw(w, "input_schema", SCHEMA);
        json_put_end(w);
    }
    json_put_end(w);
    if (m->choice != NULL) {
        json_put_key(w, STR("tool_choice"));
        put_type(w, strcmp(m->choice, "one") == 0 ? "tool" : m->choice);
        if (strcmp(m->choice, "one") == 0)
            json_put_member(w, "name", str_c(tool_names[0]));
        json_put_end(w);
    }
}

static void put_gemini_content(struct json_writer *w, const char *role)
{
    json_put_object(w);
    json_put_member(w, "role", str_c(role));
    json_put_key(w, STR("parts"));
    json_put_array(w);
}

static void put_gemini_text(struct json_writer *w, struct str text, bool thought)
{
    json_put_object(w);
    json_put_member(w, "text", text);
    if (thought)
        json_put_member_bool(w, "thought", true);
    json_put_end(w);
}

static void put_gemini_part(struct json_writer *w, const struct made_part *part)
{
    if (part->kind == MADE_TEXT) {
        put_gemini_text(w, part->text, false);
        return;
    }
    json_put_object(w);
    json_put_key(w, part->kind == MADE_PICTURE_URL ? STR("fileData") : STR("inlineData"));
    json_put_object(w);
    json_put_member(w, "mimeType",
                    part->kind == MADE_PDF ? STR("application/pdf") : STR("image/png"));
    json_put_member(w, part->kind == MADE_PICTURE_URL ? "fileUri" : "data", part->text);
    json_put_end(w);
    json_put_end(w);
}

static void put_gemini_call(struct json_writer *w, const struct made_call *c, bool ids)
{
    json_put_object(w);
    json_put_key(w, STR("functionCall"));
    json_put_object(w);
    if (ids)
        json_put_member(w, "id", c->id);
    json_put_member(w, "name", c->name);
    json_put_member_raw(w, "args", c->arguments);
    json_put_end(w);
    json_put_end(w);
}

static void put_gemini_result(struct json_writer *w, const struct made_call *c, bool ids)
{
    json_put_object(w);
    json_put_key(w, STR("functionResponse"));
    json_put_object(w);
    if (ids)
        json_put_member(w, "id", c->id);
    json_put_member(w, "name", c->name);
    json_put_key(w, STR("response"));
    json_put_object(w);
    json_put_member(w, c->error ? "error" : "output", c->result);
    json_put_end(w);
    json_put_end(w);
    json_put_end(w);
}

static void put_gemini(struct json_writer *w, const struct made *m)
{
    if (m->system.len > 0) {
        json_put_key(w, STR("systemInstruction"));
        json_put_object(w);
        json_put_key(w, STR("parts"));
        json_put_array(w);
        put_gemini_text(w, m->system, false);
        json_put_end(w);
        json_put_end(w);
    }
    json_put_key(w, STR("contents"));
    json_put_array(w);
    for (size_t i = 0; i < m->turn_count; i++) {
        const struct made_turn *turn = &m->turns[i];

        put_gemini_content(w, "user");
        for (size_t p = 0; p < turn->user_count; p++)
            put_gemini_part(w, &turn->user[p]);
        json_put_end(w);
        json_put_end(w);
        if (turn->answer.len == 0 && turn->call_count == 0)
            continue;
        put_gemini_content(w, "model");
        if (turn->thinking.len > 0)
            put_gemini_text(w, turn->thinking, true);
        if (turn->answer.len > 0)
            put_gemini_text(w, turn->answer, false);
        for (size_t c = 0; c < turn->call_count; c++)
            put_gemini_call(w, &turn->calls[c], m->ids);
        json_put_end(w);
        json_put_end(w);
        if (turn->call_count == 0)
            continue;
        put_gemini_content(w, "user");
        for (size_t c = 0; c < turn->call_count; c++)
            put_gemini_result(w, &turn->calls[c], m->ids);
        json_put_end(w);
        json_put_end(w);
    }
    json_put_end(w);
    json_put_key(w, STR("tools"));
    json_put_array(w);
    json_put_object(w);
    json_put_key(w, STR("functionDeclarations"));
    json_put_array(w);
    for (size_t i = 0; i < COUNT(tool_names); i++) {
        json_put_object(w);
        json_put_member(w, "name", str_c(tool_names[i]));
        json_put_member_raw(w, "parametersJsonSchema", SCHEMA);
        json_put_end(w);
    }
    json_put_end(w);
    json_put_end(w);
    json_put_end(w);
    if (m->choice != NULL) {
        bool one = strcmp(m->choice, "one") == 0;

        json_put_key(w, STR("toolConfig"));
        json_put_object(w);
        json_put_key(w, STR("functionCallingConfig"));
        json_put_object(w);
        json_put_member(w, "mode",
                        one || strcmp(m->choice, "any") == 0 ? STR("ANY")
                        : strcmp(m->choice, "none") == 0     ? STR("NONE")
                                                             : STR("AUTO"));
        if (one)
            json_put_member_raw(w, "allowedFunctionNames", STR("[\"get_weather\"]"));
        json_put_end(w);
        json_put_end(w);
    }
}

static struct str in_protocol(struct test *t, enum wire protocol, const struct made *m)
{
    struct buf b;

    buf_init(&b, RIG_BYTES_MAX);
    struct json_writer w = json_writer(&b);

    json_put_object(&w);
    switch (protocol) {
    case WIRE_OPENAI_CHAT:
        put_chat(&w, m);
        break;
    case WIRE_OPENAI_RESPONSES:
        put_responses(&w, m);
        break;
    case WIRE_ANTHROPIC:
        put_anthropic(&w, m);
        break;
    case WIRE_GEMINI:
    case WIRE_CLOUDCODE:
    case WIRES:
        put_gemini(&w, m);
        break;
    }
    json_put_end(&w);
    CHECK(json_written(&w));
    struct str out = arena_copy(&t->arena, buf_str(&b));

    buf_clear(&b);
    return out;
}

/* --- what a request says ----------------------------------------------------------------------*/

static void say_parts(struct test *t, struct buf *b, const struct message *m)
{
    const char role = m->role == ROLE_USER ? 'U' : m->role == ROLE_ASSISTANT ? 'A' : 'S';

    for (const struct part *p = m->parts; p != NULL; p = p->next) {
        struct str text = text_plain(&t->arena, p->text);

        switch (p->kind) {
        case PART_TEXT:
            (void)buf_printf(b, "%c text %.*s\n", role, (int)text.len, text.at);
            break;
        case PART_IMAGE:
        case PART_DOCUMENT:
            text = text_plain(&t->arena, p->media.data);
            (void)buf_printf(b, "%c %s %d %.*s\n", role,
                             p->kind == PART_IMAGE ? "image" : "document", (int)p->media.source,
                             (int)text.len, text.at);
            break;
        case PART_TOOL_CALL:
            text = call_object(&p->call, &t->arena, NULL);
            (void)buf_printf(b, "%c call %.*s %.*s\n", role, STR_ARG(p->call.name), (int)text.len,
                             text.at);
            break;
        case PART_TOOL_RESULT:
            text = text_plain(&t->arena, parts_text(p->result.content, &t->arena));
            (void)buf_printf(b, "%c result%s %.*s\n", role, p->result.is_error ? " error" : "",
                             (int)text.len, text.at);
            break;
        default:
            (void)buf_printf(b, "%c part %d %.*s\n", role, (int)p->kind, (int)text.len, text.at);
        }
    }
}

/* Everything but the ids, a line for each; what holds messages apart does not count. */
static struct str says(struct test *t, const struct canon_request *r)
{
    struct buf b;
    struct text system = parts_text(r->system, &t->arena);

    buf_init(&b, RIG_BYTES_MAX);
    (void)buf_printf(&b, "system %.*s\n", (int)system.escaped.len, system.escaped.at);
    for (const struct message *m = r->messages; m != NULL; m = m->next)
        say_parts(t, &b, m);
    for (const struct tool *tool = r->tools; tool != NULL; tool = tool->next)
        (void)buf_printf(&b, "tool %.*s\n", STR_ARG(tool->name));
    (void)buf_printf(&b, "choice %d %zu\n", (int)r->choice.mode, r->choice.name_count);
    struct str out = arena_copy(&t->arena, buf_str(&b));

    buf_clear(&b);
    return out;
}

/* The ids of calls and of results, in their order. */
static struct str ids(struct test *t, const struct canon_request *r)
{
    struct buf b;

    buf_init(&b, RIG_BYTES_MAX);
    for (const struct message *m = r->messages; m != NULL; m = m->next)
        for (const struct part *p = m->parts; p != NULL; p = p->next)
            if (p->kind == PART_TOOL_CALL)
                (void)buf_printf(&b, "call %.*s\n", STR_ARG(p->call.id));
            else if (p->kind == PART_TOOL_RESULT)
                (void)buf_printf(&b, "result %.*s\n", STR_ARG(p->result.call_id));
    struct str out = arena_copy(&t->arena, buf_str(&b));

    buf_clear(&b);
    return out;
}

/* A body of a wire as a client of it would send it. */
static struct str as_client(struct test *t, enum wire wire, struct str body)
{
    struct json doc;

    if (wire != WIRE_CLOUDCODE)
        return body;
    bool good = json_parse(&doc, body, NULL, &t->arena, NULL);
    uint32_t request = good ? json_member(&doc, 0, STR("request"), NULL) : JSON_NONE;

    return CHECK(request != JSON_NONE) ? json_raw(&doc, request) : STR("{}");
}

/* Each conversation begins in one protocol and goes over every wire. */
#ifdef __SANITIZE_ADDRESS__
#define CONVERSATIONS 1000
#else
#define CONVERSATIONS 10000
#endif

static void there_and_back(struct test *t, const struct made *m, enum wire a, enum wire b)
{
    struct wire_target there = rig_target(b, rig_model(b)), back = rig_target(a, rig_model(a));
    struct rig_request first, second, third;
    struct str body = in_protocol(t, a, m);
    enum wire middle = b == WIRE_CLOUDCODE ? WIRE_GEMINI : b;

    rig_write(a, body, &there, &t->arena, &first);
    if (!CHECK(first.read, "%s is not read: %.*s\n%.*s", wire_name(a).at,
               STR_ARG(first.why.message), (int)body.len, body.at))
        return;
    if (!first.written) { /* refused in the client's words: nothing was lost */
        CHECK(m->fragile && first.why.param.len > 0, "%s over %s: %.*s: %.*s\n%.*s",
              wire_name(a).at, wire_name(b).at, STR_ARG(first.why.param),
              STR_ARG(first.why.message), (int)body.len, body.at);
        return;
    }
    rig_write(middle, as_client(t, b, first.body), &back, &t->arena, &second);
    if (!CHECK(second.read, "%s as %s writes it: %.*s: %.*s\n%.*s", wire_name(b).at,
               wire_name(a).at, STR_ARG(second.why.param), STR_ARG(second.why.message),
               (int)first.body.len, first.body.at))
        return;
    if (!second.written) {
        CHECK(m->fragile && second.why.param.len > 0, "%s back to %s: %.*s: %.*s\n%.*s",
              wire_name(b).at, wire_name(a).at, STR_ARG(second.why.param),
              STR_ARG(second.why.message), (int)first.body.len, first.body.at);
        return;
    }
    rig_write(a, second.body, &back, &t->arena, &third);
    if (!CHECK(third.read, "%s is not read again\n%.*s", wire_name(a).at, (int)second.body.len,
               second.body.at))
        return;
    struct str before = says(t, &first.r), after = says(t, &third.r);
    bool named = first.losses.len > 0 || second.losses.len > 0;

    if (!str_eq(before, after) && !(m->fragile && named)) {
        struct str one = STR(""), two = STR("");

        while (str_eq(one, two)) { /* the first line that differs */
            (void)str_cut(before, '\n', &one, &before);
            (void)str_cut(after, '\n', &two, &after);
        }
        test_fail(t, __FILE__, __LINE__, "the same again",
                  " %s over %s and back, losses [%.*s] [%.*s]\n  first %.*s\n  last  %.*s\n"
                  "  body  %.*s\n  there %.*s\n  back  %.*s",
                  wire_name(a).at, wire_name(b).at, STR_ARG(first.losses), STR_ARG(second.losses),
                  (int)one.len, one.at, (int)two.len, two.at, (int)body.len, body.at,
                  (int)first.body.len, first.body.at, (int)second.body.len, second.body.at);
    }
    if (m->ids || a != WIRE_GEMINI)
        CHECK_STRS(ids(t, &third.r), ids(t, &first.r), "%s over %s and back", wire_name(a).at,
                   wire_name(b).at);
}

TEST(conversations_come_through_another_protocol_and_back)
{
    struct made m;

    for (int round = 0; round < CONVERSATIONS && t->failures == 0; round++) {
        enum wire a = (enum wire)(round % PROTOCOLS);

        make_conversation(t, &m);
        for (enum wire b = 0; b < WIRES && t->failures == 0; b++)
            if (a != b)
                there_and_back(t, &m, a, (enum wire)b);
        arena_free(&t->arena);
    }
}

/* --- answers ----------------------------------------------------------------------------------*/

/* An answer as events; what it says is read from the streams it becomes. */
struct made_answer {
    struct canon_event events[64];
    size_t count;
};

static void event(struct made_answer *m, struct canon_event ev)
{
    assert(m->count < COUNT(m->events));
    m->events[m->count++] = ev;
}

static void make_block(struct test *t, struct made_answer *m, enum block_kind kind,
                       const char *whole)
{
    struct str rest = whole == NULL ? some_text(t) : str_c(whole);
    struct canon_event open = { .kind = CANON_OPEN, .block = kind };

    if (kind == BLOCK_TOOL) {
        open.id = arena_printf(&t->arena, "call_%016" PRIx64, test_random(t));
        open.name = PICK(t, tool_names);
    }
    event(m, open);
    for (size_t i = 0; i < 3 && rest.len > 0; i++) {
        size_t n = i == 2 ? rest.len : test_below(t, rest.len) + 1;

        while (n < rest.len && (rest.at[n] & 0xc0) == 0x80)
            n++; /* texts are cut between characters */
        event(m, (struct canon_event){ .kind = CANON_DELTA,
                                       .block = kind,
                                       .text = text_from(&t->arena, str_take(rest, n)) });
        rest = str_drop(rest, n);
    }
    event(m, (struct canon_event){ .kind = CANON_CLOSE, .block = kind });
}

static void make_answer(struct test *t, struct made_answer *m)
{
    static const char *const arguments[] = { "{}", "{\"n\":1.0,\"big\":12345678901234567890}",
                                             "{\"b\":[1,{\"c\":null}],\"a\":\"\\u00e4\\n\\\"\"}" };
    static const enum stop_cause causes[] = { STOP_DONE, STOP_DONE, STOP_DONE, STOP_LENGTH,
                                              STOP_FILTER };
    int64_t in = (int64_t)test_below(t, 100000) + 10, out = (int64_t)test_below(t, 10000) + 5;
    size_t calls = test_below(t, 3);
    enum stop_cause cause = causes[test_below(t, COUNT(causes))];

    m->count = 0;
    event(m, (struct canon_event){ .kind = CANON_START, .id = STR("r1"), .model = STR("m") });
    if (test_below(t, 3) == 0)
        make_block(t, m, BLOCK_THINKING, NULL);
    if (calls == 0 || test_below(t, 2) == 0)
        make_block(t, m, BLOCK_TEXT, NULL);
    for (size_t i = 0; i < calls; i++)
        make_block(t, m, BLOCK_TOOL, arguments[test_below(t, COUNT(arguments))]);
    if (calls > 0 && cause == STOP_DONE)
        cause = STOP_TOOL_USE;
    event(m, (struct canon_event){ .kind = CANON_USAGE,
                                   .usage = { .in = in,
                                              .out = out,
                                              .cache_read = (int64_t)test_below(t, (size_t)in),
                                              .cache_write = 0,
                                              .reasoning = (int64_t)test_below(t, (size_t)out) } });
    event(m, (struct canon_event){ .kind = CANON_FINISH, .cause = cause });
    event(m, (struct canon_event){ .kind = CANON_END });
}

/* The answer as the stream of a protocol. */
static struct str stream_of(struct test *t, const struct made_answer *m,
                            const struct rig_request *asked)
{
    static const struct converter *const converters[PROTOCOLS] = {
        [WIRE_OPENAI_CHAT] = &convert_openai_chat,
        [WIRE_OPENAI_RESPONSES] = &convert_openai_responses,
        [WIRE_ANTHROPIC] = &convert_anthropic,
        [WIRE_GEMINI] = &convert_gemini,
    };
    const struct converter *to = converters[asked->r.protocol];
    struct encode_options o = { .protocol = asked->r.protocol,
                                .request = &asked->r,
                                .names = &asked->out.names,
                                .model = STR("m"),
                                .id = STR("abcdef"),
                                .created_unix_s = 1700000000,
                                .show_thinking = true,
                                .bytes_max = RIG_BYTES_MAX };
    struct buf out;

    buf_init(&out, RIG_BYTES_MAX);
    struct encoder e = { .o = &o,
                         .form = answer_form_of(o.request),
                         .out = &out,
                         .scratch = &t->arena,
                         .state = must_calloc(1, to->encode.state_bytes + 1) };

    for (size_t i = 0; i < m->count; i++)
        to->encode.event(&e, &m->events[i]);
    if (to->encode.clear != NULL)
        to->encode.clear(e.state);
    free(e.state);
    struct str bytes = arena_copy(&t->arena, buf_str(&out));

    buf_clear(&out);
    return bytes;
}

/* `done`, `tool`, `length` or `filter`, in which word ever. */
static const char *class_of(const struct seen_stream *seen)
{
    static const struct {
        const char *word, *class;
    } words[] = {
        { "stop", "done" },
        { "completed", "done" },
        { "end_turn", "done" },
        { "STOP", "done" },
        { "tool_calls", "done" },
        { "tool_use", "done" },
        { "length", "length" },
        { "max_output_tokens", "length" },
        { "max_tokens", "length" },
        { "MAX_TOKENS", "length" },
        { "content_filter", "filter" },
        { "refusal", "filter" },
        { "SAFETY", "filter" },
        { "PROHIBITED_CONTENT", "filter" },
    };
    for (size_t i = 0; i < COUNT(words); i++)
        if (str_eq(seen->finish, str_c(words[i].word)))
            return words[i].class;
    return "another word";
}

static void check_same(struct test *t, const char *name, const struct seen_stream *got,
                       const struct seen_stream *want)
{
    CHECK_INT(got->end, SEEN_DONE, "%s", name);
    CHECK_STRS(got->text, want->text, "%s", name);
    CHECK_STRS(got->thinking, want->thinking, "%s", name);
    CHECK_STRS(got->order, want->order, "%s", name);
    CHECK_STR(str_c(class_of(got)), class_of(want), "%s", name);
    CHECK_INT(got->in, want->in, "%s", name);
    CHECK_INT(got->out, want->out, "%s", name);
    CHECK_INT(got->cached, want->cached, "%s", name);
    if (!CHECK_INT(got->call_count, want->call_count, "%s", name))
        return;
    for (uint32_t i = 0; i < got->call_count; i++) {
        CHECK_STRS(got->calls[i].id, want->calls[i].id, "%s", name);
        CHECK_STRS(got->calls[i].name, want->calls[i].name, "%s", name);
        CHECK_STRS(got->calls[i].arguments, want->calls[i].arguments, "%s", name);
    }
}

static void read_stream(struct test *t, const char *name, const struct rig_request *asked,
                        struct str bytes, struct seen_stream *seen)
{
    struct rig_options o = { .asked = asked };
    struct grammar_options grammar = rig_grammar(&o);
    const char *broken = stream_breaks(&grammar, bytes, &t->arena, seen);

    CHECK(broken == NULL, "%s: %s\n%.*s", name, broken, (int)bytes.len, bytes.at);
}

TEST(answers_come_through_another_protocol_and_back)
{
    struct made_answer m;

    for (int round = 0; round < CONVERSATIONS / 4 && t->failures == 0; round++) {
        make_answer(t, &m);
        for (enum wire a = 0; a < PROTOCOLS && t->failures == 0; a++)
            for (enum wire b = 0; b < PROTOCOLS && t->failures == 0; b++) {
                struct rig_request asks_a, asks_b;
                struct rig_answer there, back;
                struct seen_stream first, second, third;
                const char *name =
                    arena_printf(&t->arena, "%s to %s and back", wire_name((enum wire)a).at,
                                 wire_name((enum wire)b).at)
                        .at;

                rig_read((enum wire)a, rig_ask((enum wire)a), &t->arena, &asks_a);
                rig_read((enum wire)b, rig_ask((enum wire)b), &t->arena, &asks_b);
                struct str bytes = stream_of(t, &m, &asks_a);

                read_stream(t, name, &asks_a, bytes, &first);
                rig_feed(&(struct rig_options){ .wire = (enum wire)a, .asked = &asks_b }, bytes,
                         &t->arena, &there);
                read_stream(t, name, &asks_b, there.bytes, &second);
                check_same(t, name, &second, &first);
                rig_feed(&(struct rig_options){ .wire = (enum wire)b, .asked = &asks_a },
                         there.bytes, &t->arena, &back);
                read_stream(t, name, &asks_a, back.bytes, &third);
                check_same(t, name, &third, &first);
            }
        arena_free(&t->arena);
    }
}
