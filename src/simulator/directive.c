/* simulator/directive.c - one table of words, one lexer.
 *
 *     words  := (blank* word)*            word  := name [ '=' value ]
 *     value  := bare | '"' JSON string '"' | '{' JSON object '}'
 *     block  := "[[sim:" words "]]"       (prompt only)
 */
#include "simulator/directive.h"

#include <inttypes.h>

#include "base/json.h"
#include "base/timetext.h"
#include "base/utf8.h"

#define HOUR_MS INT64_C(3600000)
#define MONTH_MS (INT64_C(31) * 24 * HOUR_MS)

enum value_kind {
    VALUE_FLAG,    /* no value: 1 */
    VALUE_NUMBER,  /* min..max */
    VALUE_SIGNED,  /* the same, a sign is welcome */
    VALUE_MS,      /* a duration; bare digits are milliseconds */
    VALUE_SECONDS, /* a duration; bare digits are seconds */
    VALUE_SWITCH,  /* on, off */
    VALUE_CHOICE,  /* one of `choices`; without a value `bare` */
    VALUE_TEXT,
    VALUE_TOOL,
    VALUE_ARGS,
    VALUE_THINK,
    VALUE_HEADER,
    VALUE_STALL,
};

#define NO_BARE (-1)
#define AT(member) offsetof(struct directives, member)
#define X(name, word) word "|"
static const char troubles[] = TROUBLE_TABLE(X);
static const char hints[] = HINT_TABLE(X);
#undef X

static const struct word_def {
    const char *name;
    enum value_kind kind;
    size_t at;
    int64_t min, max; /* of a choice: `min` is what the word alone means, or NO_BARE */
    const char *choices;
} word_defs[] = {
    { "text", VALUE_TEXT, AT(text) },
    { "words", VALUE_NUMBER, AT(words), 0, 100000 },
    { "chunk", VALUE_NUMBER, AT(chunk), 1, 1 << 20 },
    { "events", VALUE_NUMBER, AT(events), 1, 100000 },
    { "big", VALUE_NUMBER, AT(big_kib), 1, 4096 },
    { "max", VALUE_NUMBER, AT(max), 0, 1000000 },
    { "think", VALUE_THINK, AT(think) },
    { "tool", VALUE_TOOL, 0 },
    { "args", VALUE_ARGS, 0 },
    { "image", VALUE_FLAG, AT(image) },
    { "json", VALUE_FLAG, AT(json) },
    { "empty", VALUE_FLAG, AT(empty) },
    { "refuse", VALUE_FLAG, AT(refuse) },
    { "block", VALUE_FLAG, AT(block) },
    { "model", VALUE_TEXT, AT(model) },
    { "usage", VALUE_SWITCH, AT(usage) },
    { "ids", VALUE_SWITCH, AT(ids) },
    { "status", VALUE_NUMBER, AT(status), 300, 599 },
    { "error", VALUE_CHOICE, AT(error), NO_BARE, 0, troubles },
    { "message", VALUE_TEXT, AT(message) },
    { "hint", VALUE_CHOICE, AT(hint), NO_BARE, 0, hints },
    { "retry-after", VALUE_SECONDS, AT(retry_after_ms), 0, MONTH_MS },
    { "reset-in", VALUE_SECONDS, AT(reset_in_ms), 0, MONTH_MS },
    { "header", VALUE_HEADER, 0 },
    { "delay", VALUE_MS, AT(delay_ms), 0, HOUR_MS },
    { "first", VALUE_MS, AT(first_ms), 0, HOUR_MS },
    { "gap", VALUE_MS, AT(gap_ms), 0, HOUR_MS },
    { "drip", VALUE_MS, AT(drip_ms), 0, HOUR_MS },
    { "split", VALUE_NUMBER, AT(split), 1, 1 << 20 },
    { "stall", VALUE_STALL, AT(stall), 0, 100000 },
    { "cut", VALUE_NUMBER, AT(cut), 0, 64 << 20 },
    { "reset", VALUE_NUMBER, AT(reset), 0, 64 << 20 },
    { "garbage", VALUE_CHOICE, AT(garbage), GARBAGE_HTTP, 0, "http|json|html|" },
    { "error-event", VALUE_CHOICE, AT(error_event), ERROR_EVENT_FIRST, 0,
      "first|handshake|content|" },
    { "no-terminator", VALUE_CHOICE, AT(no_end), NO_END_ALL, 0, "all|last|" },
    { "bad-json", VALUE_FLAG, AT(bad_json) },
    { "empty-stream", VALUE_FLAG, AT(empty_stream) },
    { "comments", VALUE_NUMBER, AT(comments), 0, 1000 },
    { "eol", VALUE_CHOICE, AT(eol), NO_BARE, 0, "lf|crlf|cr|" },
    { "framing", VALUE_CHOICE, AT(framing), NO_BARE, 0, "chunked|length|close|" },
    { "length-off", VALUE_SIGNED, AT(length_off), -(1 << 20), 1 << 20 },
    { "times", VALUE_NUMBER, AT(times), 1, 1000000 },
    { "after", VALUE_NUMBER, AT(after), 0, 1000000 },
};

/* One word as it was written. */
struct word {
    struct str name, value;
    bool has_value, quoted;
};

void directives_init(struct directives *d)
{
    *d = (struct directives){ .tool_count = 0 };
    for (size_t i = 0; i < COUNT(word_defs); i++)
        switch (word_defs[i].kind) {
        case VALUE_FLAG:
        case VALUE_SIGNED:
            break; /* zero is what they are without their word */
        case VALUE_NUMBER:
        case VALUE_MS:
        case VALUE_SECONDS:
        case VALUE_SWITCH:
        case VALUE_CHOICE:
        case VALUE_STALL:
            *(int64_t *)((char *)d + word_defs[i].at) = DIRECTIVE_UNSET;
            break;
        case VALUE_TEXT:
        case VALUE_TOOL:
        case VALUE_ARGS:
        case VALUE_THINK:
        case VALUE_HEADER:
            break;
        }
    d->think_words = DIRECTIVE_UNSET;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_blanks(struct str *in)
{
    while (in->len > 0 && is_blank(in->at[0]))
        *in = str_drop(*in, 1);
}

/* Length of the JSON string or object at the front of `in`, which starts with `"` or `{`; 0 when it
 * does not end. Only brackets and quotes are looked at: json_parse() judges the rest. */
static size_t json_span(struct str in)
{
    size_t depth = 0;
    bool quoted = false;

    for (size_t i = 0; i < in.len; i++) {
        char c = in.at[i];

        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '{' || c == '['))
            depth++;
        else if (!quoted && (c == '}' || c == ']') && depth > 0)
            depth--;
        else
            continue;
        if (!quoted && depth == 0)
            return i + 1;
    }
    return 0;
}

/* The JSON value at the front; strings are decoded. False: not JSON. */
static bool take_json(struct str *in, struct arena *a, struct str *value)
{
    size_t len = json_span(*in);
    struct json doc;

    if (len == 0 || !json_parse(&doc, str_take(*in, len), NULL, a, NULL))
        return false;
    if (!json_text(&doc, 0, a, value))
        *value = str_take(*in, len);
    *value = arena_copy(a, *value); /* rules outlive the text they came in */
    *in = str_drop(*in, len);
    return true;
}

bool directive_take_word(struct str *in, char until, struct arena *a, struct str *word)
{
    size_t len = 0;

    skip_blanks(in);
    if (in->len > 0 && in->at[0] == '"')
        return take_json(in, a, word);
    while (len < in->len && !is_blank(in->at[len]) && in->at[len] != until)
        len++;
    *word = arena_copy(a, str_take(*in, len));
    *in = str_drop(*in, len);
    return len > 0;
}

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static bool at_block_end(struct str in)
{
    return str_starts(in, STR("]]"));
}

/* Takes one word off the front of `in`, which starts with it. */
static enum status word_take(struct str *in, bool in_block, struct arena *a, struct word *w,
                             struct error *e)
{
    size_t len = 0;

    *w = (struct word){ .name = STR(""), .value = STR("") };
    while (len < in->len && is_name(in->at[len]))
        len++;
    if (len == 0)
        return fail(e, E_SYNTAX, "a directive was expected at \"%.*s\"",
                    STR_ARG(str_take(*in, 24)));
    w->name = str_take(*in, len);
    *in = str_drop(*in, len);

    if (in->len > 0 && in->at[0] == '=') {
        *in = str_drop(*in, 1);
        w->has_value = true;
        w->quoted = in->len > 0 && in->at[0] == '"';
        if (w->quoted || (in->len > 0 && in->at[0] == '{')) {
            if (!take_json(in, a, &w->value))
                return fail(e, E_SYNTAX, "the value of \"%.*s\" is not a valid JSON %s",
                            STR_ARG(w->name), w->quoted ? "string" : "object");
        } else {
            for (len = 0; len < in->len && !is_blank(in->at[len]); len++)
                if (in_block && at_block_end(str_drop(*in, len)))
                    break;
            w->value = arena_copy(a, str_take(*in, len));
            *in = str_drop(*in, len);
        }
    }
    if (in->len > 0 && !is_blank(in->at[0]) && !(in_block && at_block_end(*in)))
        return fail(e, E_SYNTAX, "a blank was expected behind \"%.*s\"", STR_ARG(w->name));
    return OK;
}

/* --- values --------------------------------------------------------------------------------------
 */

static bool only_digits(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] < '0' || s.at[i] > '9')
            return false;
    return s.len > 0;
}

static bool number_read(const struct word_def *def, struct str value, int64_t *out)
{
    if (def->kind == VALUE_SIGNED && str_starts(value, STR("+")))
        value = str_drop(value, 1);
    if (def->kind == VALUE_MS || def->kind == VALUE_SECONDS) {
        if (def->kind == VALUE_MS && only_digits(value) ? !str_to_i64(value, out)
                                                        : !duration_read(value, out))
            return false;
    } else if (!str_to_i64(value, out)) {
        return false;
    }
    return *out >= def->min && *out <= def->max;
}

/* The place of `value` in `a|b|c|`, or -1. */
static int64_t choice_find(const char *choices, struct str value)
{
    struct str rest = str_c(choices), one;

    for (int64_t i = 0; str_cut(rest, '|', &one, &rest); i++)
        if (str_eq(one, value))
            return i;
    return -1;
}

static enum status tool_take(struct directives *d, const struct word *w, struct error *e)
{
    if (d->tool_count == DIRECTIVE_TOOLS_MAX)
        return fail(e, E_LIMIT, "more than %d tools", DIRECTIVE_TOOLS_MAX);
    d->tools[d->tool_count++] = (struct directive_tool){ .name = w->value };
    return OK;
}

static enum status args_take(struct directives *d, const struct word *w, struct error *e)
{
    if (d->tool_count == 0)
        return fail(e, E_SYNTAX, "\"args\" must stand behind the \"tool\" that it belongs to");
    if (!w->has_value || (!w->quoted && !str_starts(w->value, STR("{"))))
        return fail(e, E_SYNTAX, "\"args\" wants a JSON object, or any text in quotes");
    d->tools[d->tool_count - 1].args = w->value;
    d->tools[d->tool_count - 1].args_given = true;
    return OK;
}

static enum status header_take(struct directives *d, const struct word *w, struct error *e)
{
    struct str name, value;

    if (!str_cut(w->value, ':', &name, &value) || name.len == 0)
        return fail(e, E_SYNTAX, "\"header\" wants \"name: value\" in quotes");
    for (size_t i = 0; i < name.len; i++)
        if (!is_name(char_lower(name.at[i])))
            return fail(e, E_SYNTAX, "\"%.*s\" is no name of a header", STR_ARG(name));
    for (size_t i = 0; i < value.len; i++)
        if ((unsigned char)value.at[i] < ' ' || value.at[i] == 0x7f)
            return fail(e, E_SYNTAX, "the header \"%.*s\" holds a control byte", STR_ARG(name));
    if (d->header_count == DIRECTIVE_HEADERS_MAX)
        return fail(e, E_LIMIT, "more than %d headers", DIRECTIVE_HEADERS_MAX);
    d->headers[d->header_count++] = w->value;
    return OK;
}

/* `think`, `think=40` (words), `think="so be it"` */
static void think_take(struct directives *d, const struct word *w)
{
    int64_t n = 0;

    d->thinks = 1;
    d->think = STR("");
    d->think_words = DIRECTIVE_UNSET;
    if (w->has_value && !w->quoted && str_to_i64(w->value, &n) && n >= 0 && n <= 100000)
        d->think_words = n;
    else
        d->think = w->value;
}

static enum status choice_take(int64_t *number, const struct word_def *def, const struct word *w,
                               struct error *e)
{
    int64_t at = w->has_value ? choice_find(def->choices, w->value) : def->min;

    if (at < 0)
        return fail(e, E_SYNTAX, "\"%s\" wants one of %.*s", def->name,
                    STR_ARG(str_drop_last(str_c(def->choices), 1)));
    *number = at;
    return OK;
}

static enum status stall_take(int64_t *number, const struct word_def *def, const struct word *w,
                              struct error *e)
{
    if (!w->has_value || str_eq(w->value, STR("content")))
        *number = STALL_CONTENT;
    else if (str_eq(w->value, STR("head")))
        *number = STALL_HEAD;
    else if (!number_read(def, w->value, number))
        return fail(e, E_SYNTAX,
                    "\"stall\" wants head, content, or a number of events from %" PRId64
                    " to %" PRId64,
                    def->min, def->max);
    return OK;
}

static enum status word_apply(struct directives *d, const struct word *w, struct error *e)
{
    const struct word_def *def = NULL;
    int64_t n = 0, *number;

    for (size_t i = 0; i < COUNT(word_defs) && def == NULL; i++)
        if (str_eq(w->name, str_c(word_defs[i].name)))
            def = &word_defs[i];
    if (def == NULL)
        return fail(e, E_SYNTAX, "there is no directive \"%.*s\"", STR_ARG(w->name));
    number = (int64_t *)((char *)d + def->at);

    switch (def->kind) {
    case VALUE_FLAG:
        if (w->has_value)
            return fail(e, E_SYNTAX, "\"%s\" takes no value", def->name);
        *number = 1;
        return OK;
    case VALUE_NUMBER:
    case VALUE_SIGNED:
    case VALUE_MS:
    case VALUE_SECONDS:
        if (!w->has_value || !number_read(def, w->value, &n))
            return fail(
                e, E_SYNTAX, "\"%s\" wants a %s from %" PRId64 " to %" PRId64 "%s", def->name,
                def->kind == VALUE_MS || def->kind == VALUE_SECONDS ? "time" : "number", def->min,
                def->max, def->kind == VALUE_MS || def->kind == VALUE_SECONDS ? " ms" : "");
        *number = n;
        return OK;
    case VALUE_SWITCH:
        n = choice_find("off|on|", w->value);
        if (n < 0)
            return fail(e, E_SYNTAX, "\"%s\" wants on or off", def->name);
        *number = n;
        return OK;
    case VALUE_CHOICE:
        return choice_take(number, def, w, e);
    case VALUE_STALL:
        return stall_take(number, def, w, e);
    case VALUE_TEXT:
        if (!w->has_value)
            return fail(e, E_SYNTAX, "\"%s\" wants a value", def->name);
        *(struct str *)((char *)d + def->at) = w->value;
        return OK;
    case VALUE_TOOL:
        return tool_take(d, w, e);
    case VALUE_ARGS:
        return args_take(d, w, e);
    case VALUE_THINK:
        think_take(d, w);
        return OK;
    case VALUE_HEADER:
        return header_take(d, w, e);
    }
    return OK;
}

/* Words up to the end, or up to `]]` (which stays) in a block. */
static enum status words_read(struct directives *d, struct str *in, bool in_block, struct arena *a,
                              struct error *e)
{
    for (skip_blanks(in); in->len > 0 && !(in_block && at_block_end(*in)); skip_blanks(in)) {
        struct word w;
        enum status st = word_take(in, in_block, a, &w, e);

        if (st == OK)
            st = word_apply(d, &w, e);
        if (st != OK)
            return st;
        if (in_block && (str_eq(w.name, STR("times")) || str_eq(w.name, STR("after"))))
            return fail(e, E_SYNTAX, "\"%.*s\" is for rules, not for prompts", STR_ARG(w.name));
    }
    return OK;
}

enum status directives_read(struct directives *d, struct str words, struct arena *a,
                            struct error *e)
{
    if (utf8_valid(words) != words.len)
        return fail(e, E_SYNTAX, "the text is not valid UTF-8");
    return words_read(d, &words, false, a, e);
}

enum status directives_read_prompt(struct directives *d, struct str text, struct arena *a,
                                   struct str *rest, struct error *e)
{
    static const struct str open = { "[[sim:", 6 };
    char *kept;
    size_t at = str_find(text, open), len = 0;

    if (at == SIZE_MAX) {
        *rest = str_trim(text);
        return OK;
    }
    kept = arena_alloc_raw(a, text.len);
    for (; at != SIZE_MAX; at = str_find(text, open)) {
        enum status st;

        memcpy(kept + len, text.at, at);
        len += at;
        text = str_drop(text, at + open.len);
        st = words_read(d, &text, true, a, e);
        if (st != OK)
            return st;
        if (!at_block_end(text))
            return fail(e, E_SYNTAX, "a [[sim: block is not closed by ]]");
        text = str_drop(text, 2);
    }
    memcpy(kept + len, text.at, text.len);
    *rest = str_trim((struct str){ kept, len + text.len });
    return OK;
}
