/* wire/openai_chat/decode.c - what an upstream of this protocol answers, as canonical events.
 *
 * Servers that are "compatible" interleave the pieces of several tool calls, repeat ids and names
 * on each piece, leave out indexes, ids and `[DONE]`, and spread one answer over several choices.
 * Here the calls of a choice come out one after the other: the first one that is not complete
 * streams, the pieces of others wait for their turn, and so does text that arrives in between. */
#include "wire/openai_chat/chat_int.h"

#include <stdlib.h>

#include "wire/signature.h"

#define WAITING_MAX ((size_t)4 << 20) /* bytes of one call's pieces that wait for their turn */
#define WORD_MAX ((size_t)4 << 10)    /* bytes of an id or a name */
#define SIGNATURE_MAX ((size_t)1 << 20)
#define CALLS_MAX 128u /* of one choice */

/* Follows the text of arguments, to know when their JSON value is complete. */
struct value_end {
    uint32_t depth;
    bool begun, in_string, escaped, complete;
};

struct call {
    uint32_t source; /* the upstream's choice */
    int64_t index;   /* -1: it gives none */
    struct buf id, name, signature;
    struct buf waiting; /* arguments that came before it was this call's turn */
    struct value_end end;
    bool custom, opened, closed;
};

struct chat_choice {
    bool any; /* something was said of it */
    struct call *calls;
    uint32_t count, cap;
    uint32_t turn;             /* the call that streams: those before it are closed */
    struct buf text, thinking; /* that came inside of a call */
    bool refused;
    bool finished;
    enum stop_cause cause;
    char word[24]; /* finish_reason that we do not know */
};

static struct chat_choice *choice_at(struct chat_decoding *s, uint32_t index)
{
    if (index >= s->count) {
        s->choices = must_realloc(s->choices, (index + 1) * sizeof(s->choices[0]));
        for (; s->count <= index; s->count++) {
            s->choices[s->count] = (struct chat_choice){ .any = false };
            buf_init(&s->choices[s->count].text, WAITING_MAX);
            buf_init(&s->choices[s->count].thinking, WAITING_MAX);
        }
    }
    s->choices[index].any = true;
    return &s->choices[index];
}

void chat_decode_clear(void *state)
{
    struct chat_decoding *s = state;

    for (uint32_t i = 0; i < s->count; i++) {
        struct chat_choice *c = &s->choices[i];

        for (uint32_t j = 0; j < c->count; j++) {
            buf_clear(&c->calls[j].id);
            buf_clear(&c->calls[j].name);
            buf_clear(&c->calls[j].signature);
            buf_clear(&c->calls[j].waiting);
        }
        free(c->calls);
        buf_clear(&c->text);
        buf_clear(&c->thinking);
    }
    free(s->choices);
    *s = (struct chat_decoding){ .count = 0 };
}

/* --- looking at objects -----------------------------------------------------------------------*/

static struct str plain_of(struct decoder *d, const struct json *doc, uint32_t node)
{
    struct str s = STR("");

    if (node != JSON_NONE)
        (void)json_text(doc, node, d->scratch, &s);
    return s;
}

static uint32_t first_of(const struct json *doc, uint32_t list)
{
    return is_type(doc, list, JSON_ARRAY) ? json_first(doc, list) : JSON_NONE;
}

/* --- tool calls -------------------------------------------------------------------------------*/

/* The plain character at the front of an escaped text; what is no ASCII is any letter. */
static char next_plain(struct str *s)
{
    char c = s->at[0];

    *s = str_drop(*s, 1);
    if (c != '\\' || s->len == 0)
        return c;
    c = s->at[0];
    *s = str_drop(*s, 1);
    switch (c) {
    case '"':
    case '\\':
    case '/':
        return c;
    case 'u': {
        struct str digits = str_take(*s, 4);

        *s = str_drop(*s, 4);
        if (str_ieq(digits, STR("0022")))
            return '"';
        if (str_ieq(digits, STR("005c")))
            return '\\';
        if (str_ieq(digits, STR("007b")) || str_ieq(digits, STR("005b")))
            return '{';
        if (str_ieq(digits, STR("007d")) || str_ieq(digits, STR("005d")))
            return '}';
        return 'u';
    }
    default:
        return ' ';
    }
}

static void value_end_follow(struct value_end *v, struct text piece)
{
    struct str s = piece.escaped;

    while (s.len > 0) {
        char c = next_plain(&s);

        if (v->in_string) {
            if (v->escaped)
                v->escaped = false;
            else if (c == '\\')
                v->escaped = true;
            else if (c == '"')
                v->in_string = false;
            v->complete = v->depth == 0 && !v->in_string;
        } else if (c == '"') {
            v->in_string = v->begun = true;
            v->complete = false;
        } else if (c == '{' || c == '[') {
            v->depth++;
            v->begun = true;
            v->complete = false;
        } else if (c == '}' || c == ']') {
            if (v->depth > 0)
                v->depth--;
            v->complete = v->begun && v->depth == 0;
        }
    }
}

static struct call *add_call(struct chat_decoding *s, struct chat_choice *c)
{
    struct call *call;

    if (c->count == CALLS_MAX) {
        s->broken = true;
        return NULL;
    }
    if (c->count == c->cap) {
        c->cap = c->cap == 0 ? 2 : c->cap * 2;
        c->calls = must_realloc(c->calls, c->cap * sizeof(c->calls[0]));
    }
    call = &c->calls[c->count++];
    *call = (struct call){ .index = -1 };
    buf_init(&call->id, WORD_MAX);
    buf_init(&call->name, WORD_MAX);
    buf_init(&call->signature, SIGNATURE_MAX);
    buf_init(&call->waiting, WAITING_MAX);
    return call;
}

/* Whose piece it is. With an index: the last call of that index, unless another id and a name say
 * that a new one begins under it. Without: the call of that id; without an id the last call, unless
 * that one is complete and a name comes. */
static struct call *find_call(struct chat_decoding *s, struct chat_choice *c, uint32_t source,
                              int64_t index, struct str id, struct str name)
{
    struct call *found = NULL, *made;

    for (uint32_t i = c->count; i-- > 0 && found == NULL;) {
        struct call *call = &c->calls[i];

        if (call->source != source)
            continue;
        if (index >= 0 ? call->index == index
                       : id.len == 0 || call->id.len == 0 || str_eq(buf_str(&call->id), id))
            found = call;
    }
    if (found != NULL && index >= 0 && id.len > 0 && name.len > 0 && found->id.len > 0 &&
        !str_eq(buf_str(&found->id), id))
        found = NULL;
    if (found != NULL && index < 0 && id.len == 0 && name.len > 0 && found->name.len > 0 &&
        found->end.complete)
        found = NULL;
    if (found != NULL)
        return found;
    made = add_call(s, c);
    if (made != NULL) {
        made->source = source;
        made->index = index;
    }
    return made;
}

/* A delta of what waited: its surrogates were not looked at yet. */
static void give_waiting(struct decoder *d, uint32_t choice, struct buf *b)
{
    uint32_t lone = d->lone;

    if (b->len == 0)
        return;
    if (((struct chat_decoding *)d->state)->lone)
        d->lone = 1;
    decode_delta(d, choice, (struct text){ buf_str(b) });
    d->lone = lone;
    buf_clear(b);
}

static void open_call(struct decoder *d, uint32_t choice, struct chat_choice *c, struct call *call)
{
    struct str id = buf_str(&call->id);

    if (call->opened || call->name.len == 0)
        return;
    if (call->signature.len > 0) {
        struct signature sig = { .signer = SIGNER_GOOGLE, .blob = { buf_str(&call->signature) } };

        decode_close(d, choice);
        decode_signature(d, choice, &sig, false);
        buf_clear(&call->signature);
    }
    if (id.len == 0)
        id = call_id_made(buf_str(&call->name), d->seed + choice, (uint64_t)(call - c->calls),
                          d->scratch);
    decode_open_tool(d, choice, id, buf_str(&call->name), STR(""), call->custom);
    call->opened = true;
    give_waiting(d, choice, &call->waiting);
}

static void close_call(struct decoder *d, uint32_t choice, struct chat_choice *c)
{
    struct call *call = &c->calls[c->turn];

    decode_close(d, choice);
    call->closed = true;
    buf_clear(&call->waiting);
    c->turn++;
}

/* Calls that are complete make room for those behind them, up to `until`. */
static void advance(struct decoder *d, uint32_t choice, struct chat_choice *c, uint32_t until)
{
    while (c->turn < until) {
        struct call *call = &c->calls[c->turn];

        open_call(d, choice, c, call);
        if (!call->opened || !call->end.complete)
            return;
        close_call(d, choice, c);
    }
}

/* Everything that waits: the choice is finished. */
static void give_all(struct decoder *d, uint32_t choice, struct chat_choice *c)
{
    struct chat_decoding *s = d->state;

    while (c->turn < c->count) {
        open_call(d, choice, c, &c->calls[c->turn]);
        if (!c->calls[c->turn].opened) {
            s->broken = true; /* a call without a name */
            return;
        }
        close_call(d, choice, c);
    }
    if (c->thinking.len > 0) {
        decode_switch(d, choice, BLOCK_THINKING);
        give_waiting(d, choice, &c->thinking);
    }
    if (c->text.len > 0) {
        decode_switch(d, choice, BLOCK_TEXT);
        give_waiting(d, choice, &c->text);
    }
}

enum { CALL_INDEX, CALL_ID, CALL_FUNCTION, CALL_CUSTOM, CALL_EXTRA, CALL_MEMBERS };
enum { CALLED_NAME, CALLED_ARGUMENTS, CALLED_INPUT, CALLED_MEMBERS };

static void keep(struct chat_decoding *s, struct buf *b, struct str text)
{
    if (b->len == 0 && text.len > 0 && !buf_add(b, text))
        s->broken = true;
}

/* An event gave a piece of text. */
static void note_piece(struct chat_decoding *s, uint32_t choice, enum block_kind kind)
{
    s->pieces++;
    s->choice = choice;
    s->kind = kind;
}

/* A piece of the arguments of the call `at`: out when it is this call's turn. */
static void take_arguments(struct decoder *d, uint32_t choice, uint32_t at, struct text piece)
{
    struct chat_decoding *s = d->state;
    struct chat_choice *c = &s->choices[choice];
    struct call *call = &c->calls[at];

    advance(d, choice, c, at);
    if (call->closed)
        return; /* what comes behind a complete value says nothing */
    if (c->turn == at)
        open_call(d, choice, c, call);
    value_end_follow(&call->end, piece);
    if (call->opened)
        decode_delta(d, choice, piece);
    else if (!buf_add(&call->waiting, piece.escaped))
        s->broken = true;
    s->lone = s->lone || d->lone > 0;
}

/* One element of `tool_calls`, or the old `function_call` (`called` is then its own object). */
static void take_call(struct decoder *d, const struct json *doc, uint32_t choice, uint32_t source,
                      const uint32_t *m, uint32_t called)
{
    static const struct str names[] = { STR("name"), STR("arguments"), STR("input") };
    struct chat_decoding *s = d->state;
    struct chat_choice *c = choice_at(s, choice);
    uint32_t in[CALLED_MEMBERS], arguments, signature;
    struct text piece = TEXT_EMPTY;
    struct call *call;
    int64_t index = -1;
    uint32_t at;

    members_named(doc, called, names, in, CALLED_MEMBERS);
    if (m[CALL_INDEX] != JSON_NONE && (!json_i64(doc, m[CALL_INDEX], &index) || index < 0))
        index = -1;

    struct str id = plain_of(d, doc, m[CALL_ID]), name = plain_of(d, doc, in[CALLED_NAME]);

    call = find_call(s, c, source, index, id, name);
    if (call == NULL)
        return;
    keep(s, &call->id, id);
    keep(s, &call->name, name);
    call->custom = call->custom || m[CALL_CUSTOM] != JSON_NONE;
    signature = chat_google_signature(doc, m[CALL_EXTRA]);
    if (signature != JSON_NONE && !call->opened)
        keep(s, &call->signature, json_inside(doc, signature));
    arguments = in[call->custom ? CALLED_INPUT : CALLED_ARGUMENTS];
    if (is_type(doc, arguments, JSON_STRING))
        piece = text_of(doc, arguments);
    else if (is_type(doc, arguments, JSON_OBJECT)) /* as it should not be, but is */
        piece = text_from(d->scratch, json_raw(doc, arguments));

    at = (uint32_t)(call - c->calls);
    if (id.len == 0 && name.len == 0 && signature == JSON_NONE &&
        is_type(doc, arguments, JSON_STRING))
        note_piece(s, choice, BLOCK_TOOL);
    else
        s->more = true;
    s->call = at;
    take_arguments(d, choice, at, piece);
}

static void take_calls(struct decoder *d, const struct json *doc, uint32_t choice, uint32_t source,
                       uint32_t list)
{
    static const struct str names[] = { STR("index"), STR("id"), STR("function"), STR("custom"),
                                        STR("extra_content") };
    uint32_t m[CALL_MEMBERS];

    for (uint32_t e = first_of(doc, list); e != JSON_NONE; e = json_after(doc, list, e)) {
        members_named(doc, e, names, m, CALL_MEMBERS);
        take_call(d, doc, choice, source, m,
                  m[CALL_FUNCTION] != JSON_NONE ? m[CALL_FUNCTION] : m[CALL_CUSTOM]);
    }
}

/* --- text and thinking ------------------------------------------------------------------------*/

static void take_text(struct decoder *d, uint32_t choice, enum block_kind kind, struct text text)
{
    struct chat_decoding *s = d->state;
    struct chat_choice *c = choice_at(s, choice);

    if (text_is_empty(text))
        return;
    note_piece(s, choice, kind);
    advance(d, choice, c, c->count);
    if (c->turn < c->count) { /* inside of a call: it waits */
        if (!buf_add(kind == BLOCK_THINKING ? &c->thinking : &c->text, text.escaped))
            s->broken = true;
        s->lone = s->lone || d->lone > 0;
        return;
    }
    c->refused = c->refused || kind == BLOCK_REFUSAL;
    decode_switch(d, choice, kind);
    decode_delta(d, choice, text);
}

/* `content`: a string, or parts as Mistral has them. */
static void take_content(struct decoder *d, const struct json *doc, uint32_t choice, uint32_t node)
{
    static const struct str names[] = { STR("text"), STR("thinking"), STR("refusal") };
    uint32_t m[COUNT(names)];

    if (is_type(doc, node, JSON_STRING))
        take_text(d, choice, BLOCK_TEXT, text_of(doc, node));
    for (uint32_t e = first_of(doc, node); e != JSON_NONE; e = json_after(doc, node, e)) {
        members_named(doc, e, names, m, COUNT(names));
        if (is_type(doc, m[1], JSON_STRING))
            take_text(d, choice, BLOCK_THINKING, text_of(doc, m[1]));
        for (uint32_t t = first_of(doc, m[1]); t != JSON_NONE; t = json_after(doc, m[1], t)) {
            uint32_t text = member(doc, t, "text");

            if (is_type(doc, text, JSON_STRING))
                take_text(d, choice, BLOCK_THINKING, text_of(doc, text));
        }
        if (is_type(doc, m[0], JSON_STRING))
            take_text(d, choice, BLOCK_TEXT, text_of(doc, m[0]));
        if (is_type(doc, m[2], JSON_STRING))
            take_text(d, choice, BLOCK_REFUSAL, text_of(doc, m[2]));
    }
}

static void take_signature(struct decoder *d, uint32_t choice, struct signature sig)
{
    struct chat_decoding *s = d->state;
    bool its =
        d->choice == choice && d->open && (d->kind == BLOCK_THINKING || d->kind == BLOCK_TOOL);

    s->more = true;
    if (!its)
        decode_close(d, choice);
    decode_signature(d, choice, &sig, false);
}

/* OpenRouter's list. Its texts say once more what `reasoning` beside it says. */
static void take_details(struct decoder *d, const struct json *doc, uint32_t choice, uint32_t list,
                         bool texts)
{
    static const struct str names[] = { STR("text"), STR("summary"), STR("data"),
                                        STR("signature") };
    uint32_t m[COUNT(names)];

    for (uint32_t e = first_of(doc, list); e != JSON_NONE; e = json_after(doc, list, e)) {
        members_named(doc, e, names, m, COUNT(names));
        for (size_t i = 0; i < 2; i++)
            if (texts && is_type(doc, m[i], JSON_STRING))
                take_text(d, choice, BLOCK_THINKING, text_of(doc, m[i]));
        for (size_t i = 2; i < 4; i++)
            if (has_text(doc, m[i]))
                take_signature(d, choice,
                               signature_unwrap(text_of(doc, m[i]), WIRE_OPENAI_CHAT, d->scratch));
    }
}

/* --- pictures and citations -------------------------------------------------------------------*/

static void take_images(struct decoder *d, const struct json *doc, uint32_t choice, uint32_t list)
{
    for (uint32_t e = first_of(doc, list); e != JSON_NONE; e = json_after(doc, list, e)) {
        uint32_t url = is_type(doc, e, JSON_OBJECT) ? member(doc, e, "image_url") : JSON_NONE;
        struct text mime, data;

        if (is_type(doc, url, JSON_OBJECT))
            url = member(doc, url, "url");
        if (is_type(doc, url, JSON_STRING) &&
            text_data_url(text_of(doc, url), d->scratch, &mime, &data))
            decode_media(d, choice, mime, data);
    }
}

static void take_notes(struct decoder *d, const struct json *doc, uint32_t choice, uint32_t list)
{
    static const struct str names[] = { STR("url"), STR("title"), STR("start_index"),
                                        STR("end_index"), STR("content") };
    uint32_t m[COUNT(names)];

    for (uint32_t e = first_of(doc, list); e != JSON_NONE; e = json_after(doc, list, e)) {
        uint32_t in = is_type(doc, e, JSON_OBJECT) ? member(doc, e, "url_citation") : JSON_NONE;
        struct canon_note note = { .start = -1, .end = -1, .wire = WIRE_OPENAI_CHAT };

        if (!is_type(doc, in, JSON_OBJECT))
            continue;
        members_named(doc, in, names, m, COUNT(names));
        note.url = plain_of(d, doc, m[0]);
        note.title = plain_of(d, doc, m[1]);
        if (m[2] == JSON_NONE || m[3] == JSON_NONE || !json_i64(doc, m[2], &note.start) ||
            !json_i64(doc, m[3], &note.end) || note.start < 0 || note.end < note.start)
            note.start = note.end = -1;
        if (is_type(doc, m[4], JSON_STRING))
            note.cited = text_of(doc, m[4]);
        note.raw = json_raw(doc, e);
        decode_note(d, choice, &note);
    }
}

/* --- choices ----------------------------------------------------------------------------------*/

static const struct {
    struct str word;
    enum stop_cause cause;
} reasons[] = {
    { STR("stop"), STOP_DONE },
    { STR("tool_calls"), STOP_TOOL_USE },
    { STR("length"), STOP_LENGTH },
    { STR("content_filter"), STOP_FILTER },
    { STR("function_call"), STOP_TOOL_USE },
    { STR("end_turn"), STOP_DONE }, /* servers in front of other models … */
    { STR("eos"), STOP_DONE },
    { STR("eos_token"), STOP_DONE },
    { STR("stop_sequence"), STOP_DONE },
    { STR("tool_use"), STOP_TOOL_USE },
    { STR("max_tokens"), STOP_LENGTH },
    { STR("model_length"), STOP_CONTEXT_FULL }, /* Mistral */
};

static void take_reason(struct decoder *d, const struct json *doc, uint32_t choice, uint32_t node)
{
    struct chat_decoding *s = d->state;
    struct chat_choice *c = choice_at(s, choice);
    struct str word = json_inside(doc, node);

    s->more = true;
    give_all(d, choice, c);
    decode_close(d, choice);
    /* OpenRouter and DeepSeek: the answer failed on its way */
    if (str_eq(word, STR("error")) || str_eq(word, STR("insufficient_system_resource")))
        s->broken = true;
    c->finished = true;
    c->cause = STOP_OTHER;
    c->word[0] = '\0';
    for (size_t i = 0; i < COUNT(reasons); i++)
        if (str_eq(word, reasons[i].word))
            c->cause = reasons[i].cause;
    if (c->cause == STOP_OTHER && word.len < sizeof(c->word) &&
        memchr(word.at, '\\', word.len) == NULL) {
        memcpy(c->word, word.at, word.len);
        c->word[word.len] = '\0';
    }
}

enum {
    SAID_CONTENT,
    SAID_CALLS,
    SAID_REASONING_CONTENT,
    SAID_REASONING,
    SAID_REASONING_TEXT,
    SAID_DETAILS,
    SAID_OPAQUE,
    SAID_REFUSAL,
    SAID_FUNCTION,
    SAID_IMAGES,
    SAID_NOTES,
    SAID_EXTRA,
    SAID,
};
static const struct str said_names[SAID] = {
    [SAID_CONTENT] = STR("content"),
    [SAID_CALLS] = STR("tool_calls"),
    [SAID_REASONING_CONTENT] = STR("reasoning_content"),
    [SAID_REASONING] = STR("reasoning"),
    [SAID_REASONING_TEXT] = STR("reasoning_text"),
    [SAID_DETAILS] = STR("reasoning_details"),
    [SAID_OPAQUE] = STR("reasoning_opaque"),
    [SAID_REFUSAL] = STR("refusal"),
    [SAID_FUNCTION] = STR("function_call"),
    [SAID_IMAGES] = STR("images"),
    [SAID_NOTES] = STR("annotations"),
    [SAID_EXTRA] = STR("extra_content"),
};

/* A delta, or the message of a whole answer. `source` is the upstream's number of the choice. */
static void take_said(struct decoder *d, const struct json *doc, uint32_t choice, uint32_t source,
                      uint32_t node)
{
    struct chat_decoding *s = d->state;
    uint32_t m[SAID], signature;
    bool thought = false;

    members_named(doc, node, said_names, m, SAID);
    for (uint32_t i = SAID_REASONING_CONTENT; i <= SAID_REASONING_TEXT && !thought; i++)
        if (has_text(doc, m[i])) {
            take_text(d, choice, BLOCK_THINKING, text_of(doc, m[i]));
            thought = true;
        }
    if (m[SAID_DETAILS] != JSON_NONE)
        take_details(d, doc, choice, m[SAID_DETAILS], !thought);
    if (has_text(doc, m[SAID_OPAQUE]))
        take_signature(
            d, choice,
            (struct signature){ .signer = SIGNER_OTHER, .blob = text_of(doc, m[SAID_OPAQUE]) });
    if (m[SAID_CONTENT] != JSON_NONE)
        take_content(d, doc, choice, m[SAID_CONTENT]);
    if (has_text(doc, m[SAID_REFUSAL]))
        take_text(d, choice, BLOCK_REFUSAL, text_of(doc, m[SAID_REFUSAL]));
    s->more = s->more || m[SAID_NOTES] != JSON_NONE || m[SAID_IMAGES] != JSON_NONE;
    if (m[SAID_NOTES] != JSON_NONE)
        take_notes(d, doc, choice, m[SAID_NOTES]);
    if (m[SAID_IMAGES] != JSON_NONE)
        take_images(d, doc, choice, m[SAID_IMAGES]);
    if (m[SAID_CALLS] != JSON_NONE)
        take_calls(d, doc, choice, source, m[SAID_CALLS]);
    if (is_type(doc, m[SAID_FUNCTION], JSON_OBJECT)) {
        static const uint32_t none[CALL_MEMBERS] = { JSON_NONE, JSON_NONE, JSON_NONE, JSON_NONE,
                                                     JSON_NONE };

        take_call(d, doc, choice, source, none, m[SAID_FUNCTION]);
    }
    signature = chat_google_signature(doc, m[SAID_EXTRA]);
    if (signature != JSON_NONE)
        take_signature(
            d, choice,
            (struct signature){ .signer = SIGNER_GOOGLE, .blob = text_of(doc, signature) });
}

static void take_usage(struct decoder *d, const struct json *doc, uint32_t node)
{
    if (!is_type(doc, node, JSON_OBJECT))
        return;
    ((struct chat_decoding *)d->state)->more = true;
    usage_read(&d->usage, WIRE_OPENAI_CHAT, doc, node);
    decode_usage(d);
}

enum { PICK_INDEX, PICK_DELTA, PICK_MESSAGE, PICK_REASON, PICK_USAGE, PICKED };

static void take_choices(struct decoder *d, const struct json *doc, uint32_t list)
{
    static const struct str names[PICKED] = {
        [PICK_INDEX] = STR("index"),     [PICK_DELTA] = STR("delta"),
        [PICK_MESSAGE] = STR("message"), [PICK_REASON] = STR("finish_reason"),
        [PICK_USAGE] = STR("usage"), /* Moonshot */
    };
    uint32_t m[PICKED], position = 0;

    for (uint32_t e = first_of(doc, list); e != JSON_NONE; e = json_after(doc, list, e)) {
        int64_t index = position++;
        uint32_t source, choice, said;

        members_named(doc, e, names, m, PICKED);
        if (m[PICK_INDEX] != JSON_NONE)
            (void)json_i64(doc, m[PICK_INDEX], &index);
        source = index < 0                     ? 0
                 : index >= ANSWER_CHOICES_MAX ? ANSWER_CHOICES_MAX - 1
                                               : (uint32_t)index;
        choice = d->one_choice ? 0 : source;
        said = m[PICK_DELTA] != JSON_NONE ? m[PICK_DELTA] : m[PICK_MESSAGE];
        if (said != JSON_NONE)
            take_said(d, doc, choice, source, said);
        take_usage(d, doc, m[PICK_USAGE]);
        if (has_text(doc, m[PICK_REASON]))
            take_reason(d, doc, choice, m[PICK_REASON]);
    }
}

/* --- the three ways in ------------------------------------------------------------------------*/

enum { TOP_ID, TOP_MODEL, TOP_CHOICES, TOP_USAGE, TOP_ERROR, TOP_OBJECT, TOP_GROQ, TOP_MEMBERS };
static const struct str top_names[TOP_MEMBERS] = {
    [TOP_ID] = STR("id"),       [TOP_MODEL] = STR("model"), [TOP_CHOICES] = STR("choices"),
    [TOP_USAGE] = STR("usage"), [TOP_ERROR] = STR("error"), [TOP_OBJECT] = STR("object"),
    [TOP_GROQ] = STR("x_groq"),
};

static bool is_error(const struct json *doc, const uint32_t *m)
{
    if (m[TOP_ERROR] != JSON_NONE && json_type(doc, m[TOP_ERROR]) != JSON_FALSE)
        return true;
    return is_type(doc, m[TOP_OBJECT], JSON_STRING) && json_says(doc, m[TOP_OBJECT], STR("error"));
}

static void take_top(struct decoder *d, const struct json *doc, const uint32_t *m)
{
    if (!d->started && (m[TOP_CHOICES] != JSON_NONE || m[TOP_ID] != JSON_NONE))
        decode_start(d, plain_of(d, doc, m[TOP_ID]), plain_of(d, doc, m[TOP_MODEL]));
    take_choices(d, doc, m[TOP_CHOICES]);
    take_usage(d, doc, m[TOP_USAGE]);
    if (is_type(doc, m[TOP_GROQ], JSON_OBJECT))
        take_usage(d, doc, member(doc, m[TOP_GROQ], "usage"));
}

enum decoded chat_event(struct decoder *d, struct str name, const struct json *doc)
{
    struct chat_decoding *s = d->state;
    uint32_t m[TOP_MEMBERS];

    members_named(doc, 0, top_names, m, TOP_MEMBERS);
    if (is_error(doc, m) || str_eq(name, STR("error")))
        return DECODED_ERROR;
    if (m[TOP_CHOICES] == JSON_NONE && m[TOP_USAGE] == JSON_NONE && m[TOP_ID] == JSON_NONE)
        return DECODED_BAD;
    s->pieces = 0;
    s->more = false;
    take_top(d, doc, m);
    return s->broken ? DECODED_CUT : DECODED_MORE;
}

bool chat_again(struct decoder *d, struct text piece)
{
    struct chat_decoding *s = d->state;

    if (s->pieces != 1 || s->more)
        return false;
    if (s->kind == BLOCK_TOOL)
        take_arguments(d, s->choice, s->call, piece);
    else
        take_text(d, s->choice, s->kind, piece);
    s->pieces = 1;
    return !s->broken;
}

/* What an end of the answer means: a finish of each choice. `said`: the upstream says that it is
 * one, so that a choice without a reason is done, too, and one that never began will not come. */
static enum decoded end(struct decoder *d, bool said)
{
    struct chat_decoding *s = d->state;
    uint32_t finished = 0;
    bool any = false;

    for (uint32_t i = 0; i < s->count; i++) {
        any = any || s->choices[i].any;
        if (s->choices[i].any && !s->choices[i].finished && !said)
            return DECODED_CUT;
        finished += s->choices[i].finished;
        if (s->choices[i].any)
            give_all(d, i, &s->choices[i]);
    }
    if (!any || s->broken || (!said && finished < d->choices))
        return DECODED_CUT;
    for (uint32_t i = 0; i < s->count; i++) {
        struct chat_choice *c = &s->choices[i];
        enum stop_cause cause = c->finished ? c->cause : STOP_DONE;

        if (!c->any)
            continue;
        if (c->refused && cause == STOP_DONE)
            cause = STOP_REFUSAL;
        decode_finish(d, i, cause, (struct text){ str_c(c->word) });
    }
    return decode_end(d);
}

enum decoded chat_done(struct decoder *d, bool eof, bool clean)
{
    (void)clean; /* behind a finish_reason the framing matters to nobody */
    return end(d, !eof);
}

enum decoded chat_whole(struct decoder *d, const struct json *doc)
{
    uint32_t m[TOP_MEMBERS];

    members_named(doc, 0, top_names, m, TOP_MEMBERS);
    if (is_error(doc, m))
        return DECODED_ERROR;
    if (first_of(doc, m[TOP_CHOICES]) == JSON_NONE)
        return DECODED_CUT;
    take_top(d, doc, m);
    return end(d, true);
}
