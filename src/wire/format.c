#include "wire/format.h"

#include <stdlib.h>

#include "wire/format_int.h"
#include "wire/signature.h"

static const struct format *const formats[WIRES] = {
    [WIRE_OPENAI_CHAT] = &format_openai_chat,
    [WIRE_OPENAI_RESPONSES] = &format_openai_responses,
    [WIRE_ANTHROPIC] = &format_anthropic,
    [WIRE_GEMINI] = &format_gemini,
};

#define TELLING_MIN 3 /* bytes of text, trimmed, that tell one conversation from another */
/* A longer text tells as it is spelled: a copy would weigh as much as the body, and a client spells
 * it alike each time. */
#define TELLING_DECODED_MAX ((size_t)64 << 10)
#define NODES_KEPT 64 /* of a request: its first message, mostly */
/* Of what is behind those, so many messages are read, and of one, so many nodes at most. */
#define MESSAGES_BEHIND_MAX 1000
#define MESSAGE_NODES_MAX 65536

bool complain(struct wire_complaint *why, struct str param, struct str message)
{
    *why = (struct wire_complaint){ .param = param, .message = message };
    return false;
}

uint32_t member_named(const struct json *doc, uint32_t object, struct str name)
{
    uint32_t node;

    members_named(doc, object, &name, &node, 1);
    return node;
}

bool has_text(const struct json *doc, uint32_t node)
{
    return is_type(doc, node, JSON_STRING) && json_inside(doc, node).len > 0;
}

struct str string_span(const struct json *doc, uint32_t node)
{
    return is_type(doc, node, JSON_STRING) ? json_raw(doc, node) : STR("");
}

static bool used_fits(enum json_type wanted, enum json_type got)
{
    if (wanted == JSON_TRUE)
        return got == JSON_TRUE || got == JSON_FALSE;
    return got == wanted;
}

bool members_used(const struct json *doc, uint32_t object, const struct str *names,
                  const enum json_type *types, uint32_t *nodes, size_t count,
                  struct wire_complaint *why)
{
    static const char *const wanted[] = {
        [JSON_NULL] = "must be null",          [JSON_FALSE] = "must be true or false",
        [JSON_TRUE] = "must be true or false", [JSON_NUMBER] = "must be a number",
        [JSON_STRING] = "must be a string",    [JSON_ARRAY] = "must be an array",
        [JSON_OBJECT] = "must be an object",
    };
    uint32_t twice = json_members(doc, object, names, nodes, count);

    for (size_t i = 0; i < count; i++) {
        if (nodes[i] == JSON_NONE)
            continue;
        if ((twice & 1u << i) != 0)
            return complain(why, names[i], STR("stands in the request more than once"));

        enum json_type type = json_type(doc, nodes[i]);

        if (type == JSON_NULL)
            nodes[i] = JSON_NONE;
        else if (types[i] != JSON_NULL && !used_fits(types[i], type))
            return complain(why, names[i], str_c(wanted[types[i]]));
    }
    return true;
}

bool object_open(const struct json *doc, uint32_t node, struct arena *a, struct json *out)
{
    return json_parse(out, json_raw(doc, node), &(struct json_limits){ .depth_kept = 1 }, a, NULL);
}

/* --- the first telling text
 * ---------------------------------------------------------------------------------------- */

static bool text_tells(struct str text)
{
    text = str_trim(text);
    if (text.len < TELLING_MIN || str_starts(text, STR("[System")))
        return false;
    /* one byte is looked for much faster than a word, and most texts do not have it */
    const char *mark = memchr(text.at, '<', text.len);
    return mark == NULL ||
           str_find(str_drop(text, (size_t)(mark - text.at)), STR("<system-reminder>")) == SIZE_MAX;
}

static bool string_tells(const struct json *doc, uint32_t node, struct arena *a, struct str *text)
{
    *text = json_inside(doc, node);
    return (text->len > TELLING_DECODED_MAX || json_text(doc, node, a, text)) && text_tells(*text);
}

bool content_tells(const struct json *doc, uint32_t content, struct arena *a, struct str *text)
{
    if (json_type(doc, content) == JSON_STRING)
        return string_tells(doc, content, a, text);
    if (json_type(doc, content) != JSON_ARRAY)
        return false;
    for (uint32_t part = json_first(doc, content); part != JSON_NONE;
         part = json_after(doc, content, part)) {
        uint32_t said = json_type(doc, part) == JSON_OBJECT ? member(doc, part, "text") : part;

        if (is_type(doc, said, JSON_STRING) && string_tells(doc, said, a, text))
            return true;
    }
    return false;
}

/* Is this a message of a user, with a text that tells? */
static bool message_tells(const struct json *doc, uint32_t message, struct str parts,
                          struct arena *a, struct wire_request *r)
{
    enum { ROLE, PARTS, NAMES };
    const struct str names[NAMES] = { [ROLE] = NAME("role"), [PARTS] = parts };
    uint32_t nodes[NAMES];

    if (json_type(doc, message) != JSON_OBJECT)
        return false;
    members_named(doc, message, names, nodes, NAMES);
    /* Gemini's contents may leave the role out: the user's then */
    bool users = nodes[ROLE] != JSON_NONE ? json_says(doc, nodes[ROLE], STR("user"))
                                          : r->protocol == WIRE_GEMINI;

    if (users && nodes[PARTS] != JSON_NONE && content_tells(doc, nodes[PARTS], a, &r->first_text))
        return true;
    r->first_text = STR("");
    return false;
}

/* The same in the messages that are not on the tape: those behind `left`. */
static bool message_behind_tells(struct json_cursor left, struct str parts, struct arena *a,
                                 struct wire_request *r)
{
    /* as deep as the text of a part */
    static const struct json_limits limits = { .depth_kept = 3, .nodes_max = MESSAGE_NODES_MAX };
    struct arena scratch = { 0 };
    struct json doc;
    struct str raw;
    bool tells = false;

    for (uint32_t i = 0; i < MESSAGES_BEHIND_MAX && !tells && json_next(&left, &raw); i++) {
        tells = raw.at[0] == '{' && json_parse(&doc, raw, &limits, &scratch, NULL) &&
                message_tells(&doc, 0, parts, a, r);
        arena_reset(&scratch);
    }
    arena_free(&scratch);
    return tells;
}

void messages_scan(uint32_t messages, struct str parts, struct arena *a, struct wire_request *r)
{
    const struct json *doc = &r->doc;
    struct json_cursor left = json_open(json_raw(doc, messages));
    struct str first = STR("");
    uint32_t message = json_first_kept(doc, messages);

    for (; message != JSON_NONE && (doc->nodes[message].flags & JSON_FOLDED) == 0;
         message = json_after(doc, messages, message)) {
        struct str raw = json_raw(doc, message);

        if (message_tells(doc, message, parts, a, r))
            return;
        left.rest = str_drop(left.rest, (size_t)(raw.at + raw.len - left.rest.at));
    }
    if ((doc->nodes[messages].flags & JSON_FOLDED) != 0 && message_behind_tells(left, parts, a, r))
        return;
    left = json_open(json_raw(doc, messages));
    if (json_next(&left, &first))
        r->first_message = first;
}

/* How strings begin that need a second look, which most bodies do not have: envelopes of signatures
 * (plain, and in base64), encrypted reasoning of OpenAI, and `item_reference` of Responses. */
static const char notices[][JSON_NOTICE_BYTES] = {
    { 'g', 'w', '1', '.' },
    { 'Z', '3', 'c', 'x' },
    { 'g', 'A', 'A', 'A' },
    { 'i', 't', 'e', 'm' },
};

/* Reads the body as far as it is the same for all: an object. */
static bool read_root(enum wire protocol, struct str body, char *mend, struct str path_model,
                      struct arena *a, struct wire_request *out, struct wire_complaint *why)
{
    struct json_fault fault = { 0 };
    struct json_limits limits = {
        .depth_kept = 1,
        .nodes_kept = NODES_KEPT,
        .notice = notices,
        .notice_count = COUNT(notices),
        .mend = mend,
    };

    assert(protocol < PROTOCOLS);
    *out = (struct wire_request){
        .protocol = protocol,
        .model = path_model,
        .stream_options = JSON_NONE,
    };
    if (!json_parse(&out->doc, body, &limits, a, &fault)) {
        if (str_trim(body).len == 0)
            return complain(why, STR(""),
                            STR("the request body is empty; it must be a JSON object"));
        json_fault_place(&fault, body);
        *why = (struct wire_complaint){
            .message = arena_printf(
                a, "the request body is not valid JSON: %s at line %u, column %u (byte %zu)",
                fault.what, fault.line, fault.col, fault.at),
            .too_large = fault.limit,
        };
        return false;
    }
    if (json_type(&out->doc, 0) != JSON_OBJECT)
        return complain(why, STR(""), STR("the request body must be a JSON object"));
    return true;
}

bool wire_read_request(enum wire protocol, struct str body, char *mend, struct str path_model,
                       bool path_stream, struct arena *a, struct wire_request *out,
                       struct wire_complaint *why)
{
    if (!read_root(protocol, body, mend, path_model, a, out, why))
        return false;
    out->stream = path_stream;
    return formats[protocol]->read_request(out, a, why);
}

bool wire_read_side_request(enum wire protocol, struct str body, char *mend, struct str path_model,
                            struct arena *a, struct wire_request *out, struct wire_complaint *why)
{
    enum { MODEL, STREAM, USES };
    static const struct str names[USES] = {
        [MODEL] = NAME("model"),
        [STREAM] = NAME("stream"),
    };
    static const enum json_type types[USES] = {
        [MODEL] = JSON_STRING,
        [STREAM] = JSON_TRUE,
    };
    uint32_t nodes[USES];

    if (!read_root(protocol, body, mend, path_model, a, out, why))
        return false;
    if (path_model.len > 0)
        return true;
    if (!members_used(&out->doc, 0, names, types, nodes, USES, why))
        return false;
    uint32_t model = nodes[MODEL];

    if (model == JSON_NONE || json_inside(&out->doc, model).len == 0)
        return complain(why, STR("model"), STR("is missing: name a model"));
    out->model_raw = json_raw(&out->doc, model);
    json_text(&out->doc, model, a, &out->model);
    out->stream = is_type(&out->doc, nodes[STREAM], JSON_TRUE);
    return true;
}

/* --- splicing
 * -------------------------------------------------------------------------------------- */

struct edit {
    size_t at, len; /* bytes of the body that are replaced; len 0 inserts */
    struct str with;
};

static struct str quoted(struct str text, struct arena *a)
{
    struct buf b;

    buf_init(&b, text.len * 6 + 2);
    bool fits = json_quote(&b, text);
    assert(fits);
    struct str out = arena_copy(a, buf_str(&b));
    buf_clear(&b);
    return out;
}

static size_t offset(const struct wire_request *r, struct str inside)
{
    assert(inside.at >= r->doc.text.at && inside.at <= r->doc.text.at + r->doc.text.len);
    return (size_t)(inside.at - r->doc.text.at);
}

/* Asks a chat upstream for its usage chunk, whatever the client said about it. */
static bool edit_usage(const struct wire_request *r, struct edit *e)
{
    if (r->protocol != WIRE_OPENAI_CHAT || !r->stream || r->wants_usage)
        return false;
    if (r->include_usage.len > 0) {
        struct str raw = r->include_usage;

        *e = (struct edit){ offset(r, raw), raw.len, STR("true") };
        return true;
    }
    if (r->stream_options != JSON_NONE && json_type(&r->doc, r->stream_options) == JSON_OBJECT) {
        struct str raw = json_raw(&r->doc, r->stream_options);
        bool empty = r->doc.nodes[r->stream_options].count == 0;

        *e =
            (struct edit){ offset(r, raw) + 1, 0,
                           empty ? STR("\"include_usage\":true") : STR("\"include_usage\":true,") };
        return true;
    }
    if (r->stream_options != JSON_NONE) { /* null */
        struct str raw = json_raw(&r->doc, r->stream_options);

        *e = (struct edit){ offset(r, raw), raw.len, STR("{\"include_usage\":true}") };
        return true;
    }
    /* behind the last member, so that the bytes in front of it stay where they were */
    struct str root = json_raw(&r->doc, 0);
    *e = (struct edit){ offset(r, root) + root.len - 1, 0,
                        STR(",\"stream_options\":{\"include_usage\":true}") };
    return true;
}

bool wire_has_member(const struct wire_request *r, struct str member)
{
    return json_member(&r->doc, 0, member, NULL) != JSON_NONE;
}

static const struct wire_change *change_of(const struct wire_request *r,
                                           const struct wire_splice *s, uint32_t key)
{
    for (size_t i = 0; i < s->change_count; i++)
        if (json_says(&r->doc, key, s->changes[i].member))
            return &s->changes[i];
    return NULL;
}

/* Members that are refused go, with the comma on their one side that is left over. Each change
 * makes one edit at most: of a member that stands there twice, the second may stay. */
static size_t edit_members(const struct wire_request *r, const struct wire_splice *s,
                           struct edit *edits)
{
    const struct json *doc = &r->doc;
    size_t count = 0, kept_end = SIZE_MAX; /* behind the last member that stays */
    struct edit *run = NULL;               /* members that go, while none that stays has come */

    for (uint32_t key = json_first(doc, 0); key != JSON_NONE;) {
        uint32_t value = key + 1;
        const struct wire_change *c = change_of(r, s, key);
        bool goes = c != NULL && (c->rename.len == 0 || wire_has_member(r, c->rename));
        struct str raw = json_raw(doc, value);
        size_t start = offset(r, json_raw(doc, key)), end = offset(r, raw) + raw.len;

        if (goes && run == NULL && count < s->change_count) {
            run = &edits[count++];
            *run = (struct edit){ start, end - start, STR("") };
        } else if (goes && run != NULL) {
            run->len = end - run->at;
        } else {
            if (run != NULL)
                run->len = start - run->at;
            run = NULL;
            if (c != NULL && c->rename.len > 0 && count < s->change_count) {
                struct str name = json_inside(doc, key);

                edits[count++] = (struct edit){ offset(r, name), name.len, c->rename };
            }
            kept_end = end;
        }
        key = json_after(doc, 0, value);
    }
    if (run != NULL && kept_end != SIZE_MAX) {
        run->len = run->at + run->len - kept_end;
        run->at = kept_end;
    }
    return count;
}

static void sort_edits(struct edit *edits, size_t count)
{
    for (size_t i = 1; i < count; i++)
        for (size_t k = i; k > 0 && edits[k].at < edits[k - 1].at; k--) {
            struct edit other = edits[k];

            edits[k] = edits[k - 1];
            edits[k - 1] = other;
        }
}

size_t wire_splice_request(const struct wire_request *r, const struct wire_splice *s,
                           struct arena *a, struct str *parts, size_t *total)
{
    struct str body = r->doc.text;
    struct edit edits[WIRE_CHANGES_MAX + 2];
    size_t edit_count = s->change_count > 0 ? edit_members(r, s, edits) : 0, count = 0, done = 0;

    if (r->model_raw.len > 0 && !str_eq(s->model, r->model))
        edits[edit_count++] =
            (struct edit){ offset(r, r->model_raw), r->model_raw.len, quoted(s->model, a) };
    if (!s->no_usage && edit_usage(r, &edits[edit_count]))
        edit_count++;
    sort_edits(edits, edit_count);
    *total = 0;
    for (size_t i = 0; i < edit_count; i++) {
        if (edits[i].at > done)
            parts[count++] = (struct str){ body.at + done, edits[i].at - done };
        if (edits[i].with.len > 0)
            parts[count++] = edits[i].with;
        done = edits[i].at + edits[i].len;
    }
    if (done < body.len)
        parts[count++] = str_drop(body, done);
    assert(count <= WIRE_SPLICE_PARTS_OF(s->change_count));
    for (size_t i = 0; i < count; i++)
        *total += parts[i].len;
    return count;
}

/* --- answers
 * --------------------------------------------------------------------------------------- */

/* How the name of the member begins that holds a signature on each wire. */
static const char signed_members[PROTOCOLS][1][JSON_NOTICE_BYTES] = {
    [WIRE_OPENAI_CHAT] = { { 't', 'h', 'o', 'u' } },      /* thought_signature */
    [WIRE_OPENAI_RESPONSES] = { { 'e', 'n', 'c', 'r' } }, /* encrypted_content */
    [WIRE_ANTHROPIC] = { { 's', 'i', 'g', 'n' } },        /* signature */
    [WIRE_GEMINI] = { { 't', 'h', 'o', 'u' } },           /* thoughtSignature */
};

bool wire_read_answer(enum wire wire, struct str body, char *mend, struct arena *a,
                      struct wire_answer *out)
{
    struct json_limits limits = { .notice = signed_members[wire], .notice_count = 1, .mend = mend };
    struct json doc;

    assert(wire < PROTOCOLS);
    *out = (struct wire_answer){ .usage = usage_unknown() };
    if (!json_parse(&doc, body, &limits, a, NULL))
        return false;
    out->may_be_signed = doc.noticed;
    if (json_type(&doc, 0) != JSON_OBJECT) {
        out->is_error = true;
        return true;
    }
    formats[wire]->read_answer(&doc, out);
    return true;
}

/* --- streams
 * --------------------------------------------------------------------------------------- */

void stream_state_init(struct stream_state *s, enum wire wire)
{
    assert(wire < PROTOCOLS);
    *s = (struct stream_state){ .wire = wire, .usage = usage_unknown() };
    repeat_init(&s->repeat);
}

void stream_state_clear(struct stream_state *s)
{
    for (uint32_t i = 0; i < s->call_count; i++)
        buf_clear(&s->calls[i].text);
    free(s->calls);
    s->calls = NULL;
    s->call_count = 0;
    repeat_clear(&s->repeat);
}

bool arguments_are_json(struct str text)
{
    struct arena a = { 0 };
    struct json doc;

    if (str_trim(text).len == 0)
        return true;
    bool good = json_parse(&doc, text, &(struct json_limits){ .depth_kept = 1 }, &a, NULL);
    arena_free(&a);
    return good;
}

void stream_add_arguments(struct stream_state *s, int64_t index, const struct json *doc,
                          uint32_t piece)
{
    struct str inside = json_inside(doc, piece);
    uint32_t i = 0;

    if (s->unchecked || inside.len == 0)
        return;
    while (i < s->call_count && s->calls[i].index != index)
        i++;
    if (i == STREAM_CALLS_MAX || s->call_bytes + inside.len > STREAM_ARGUMENTS_MAX) {
        s->unchecked = true;
        return;
    }
    if (i == s->call_count) {
        s->calls = must_realloc(s->calls, (i + 1) * sizeof(s->calls[0]));
        s->calls[i].index = index;
        buf_init(&s->calls[i].text, STREAM_ARGUMENTS_MAX);
        s->call_count++;
    }
    bool fits = json_unescape(&s->calls[i].text, inside);
    assert(fits);
    s->call_bytes += inside.len;
}

void stream_check_arguments(struct stream_state *s, int64_t index)
{
    for (uint32_t i = 0; i < s->call_count; i++)
        if (s->calls[i].index == index && !s->unchecked &&
            !arguments_are_json(buf_str(&s->calls[i].text)))
            s->bad_arguments = true;
}

/* An event that brings a text and nothing else is remembered. */
static void learn(struct stream_state *s, struct str name, const struct json *doc,
                  const struct event_view *view)
{
    bool plain = view->kind == EVENT_CONTENT && view->text.len > 0 && !view->more &&
                 !view->may_be_signed && view->surrogates == 0;

    if (plain)
        repeat_learn(&s->repeat, name, doc, (struct text){ view->text });
    if (!plain || !repeat_mark(&s->repeat, doc->text, view->model_raw))
        repeat_forget(&s->repeat);
}

/* An event like the one before says the same of all but its text. */
static bool read_again(struct stream_state *s, struct str name, struct str data,
                       struct event_view *out)
{
    struct repeated like;
    uint64_t n;

    if (!repeat_is(&s->repeat, name, data, &like))
        return false;
    out->kind = EVENT_CONTENT;
    out->model_raw = like.marked;
    if (like.number.len > 0 && str_to_u64(like.number, &n))
        s->sequence = (int64_t)n + 1;
    return true;
}

void stream_read_event(struct stream_state *s, struct str name, struct str data, struct arena *a,
                       struct event_view *out)
{
    const struct json_limits limits = { .notice = signed_members[s->wire], .notice_count = 1 };
    struct json doc;

    *out = (struct event_view){ .kind = EVENT_OTHER };
    if (read_again(s, name, data, out))
        return;
    if (str_eq(str_trim(data), STR("[DONE]"))) {
        /* the end of a chat stream; some responses servers send it behind theirs */
        out->kind = s->wire == WIRE_OPENAI_CHAT ? EVENT_END : EVENT_PREAMBLE;
        s->ended = s->ended || s->wire == WIRE_OPENAI_CHAT;
        return;
    }
    if (!json_parse(&doc, data, &limits, a, NULL) || json_type(&doc, 0) != JSON_OBJECT) {
        out->kind = EVENT_BAD;
        s->bad_events++;
        return;
    }
    out->surrogates = doc.surrogates;
    out->may_be_signed = doc.noticed;
    formats[s->wire]->read_event(s, name, &doc, out);
    learn(s, name, &doc, out);
    if (out->kind == EVENT_CONTENT)
        s->content = true;
    if (out->kind == EVENT_END)
        s->ended = true;
}

bool stream_is_complete(const struct stream_state *s)
{
    bool finished = s->wire == WIRE_OPENAI_CHAT || s->wire == WIRE_GEMINI
                        ? s->finish != FINISH_NONE
                        : s->ended && s->finish != FINISH_NONE;

    return finished && !(s->finish == FINISH_STOP && s->bad_arguments && !s->unchecked);
}
