/* fuzz/fuzz_pass_request.c - a client's request body that passes to an account of its own protocol.
 *
 * The first byte chooses protocol and edits, the rest is the body. What is read is spliced; then
 * the declared edits (docs/protocols/pass-through.md) are taken back one by one, by code that knows
 * nothing of how they were made, and what is left must be the client's bytes. */
#include <stdlib.h>

#include "wire/format.h"

#define HOLDS(condition) ((condition) ? (void)0 : abort())
#define BODY_MAX ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct wire_change changes[] = {
    { { "temperature", 11 }, { "", 0 } },
    { { "top_p", 5 }, { "", 0 } },
    { { "max_tokens", 10 }, { "max_completion_tokens", 21 } },
};

/* Lone surrogate escapes have become U+FFFD, each in its place; nothing else has changed. */
static void check_mended(struct str client, struct str mended)
{
    HOLDS(client.len == mended.len);
    for (size_t i = 0; i < client.len; i++) {
        if (client.at[i] == mended.at[i])
            continue;
        size_t from = i;

        while (from > 0 && client.at[from] != '\\')
            from--;
        HOLDS(from + 6 <= client.len && i - from < 6);
        HOLDS((client.at[from + 2] | 0x20) == 'd' && client.at[from + 3] >= '8');
        HOLDS(memcmp(mended.at + from, "\\ufffd", 6) == 0);
        i = from + 5;
    }
}

/* `text` with `with` in place of `part`, a slice of it. */
static struct str replaced(struct str text, struct str part, struct str with, struct arena *a)
{
    struct str head = str_take(text, (size_t)(part.at - text.at));

    return arena_printf(a, "%.*s%.*s%.*s", (int)head.len, head.at, (int)with.len, with.at,
                        (int)(text.len - head.len - part.len), part.at + part.len);
}

/* Likewise without `part` and one comma beside it, before it or behind. */
static struct str removed(struct str text, struct str part, bool before, struct arena *a)
{
    bool comma = before ? part.at > text.at && part.at[-1] == ','
                        : part.at + part.len < text.at + text.len && part.at[part.len] == ',';

    if (comma && before)
        part.at--;
    part.len += comma;
    return replaced(text, part, STR(""), a);
}

static struct json parsed(struct str text, struct arena *a)
{
    struct json doc;

    HOLDS(json_parse(&doc, text, NULL, a, NULL));
    HOLDS(json_type(&doc, 0) == JSON_OBJECT);
    return doc;
}

/* The member with its key, as it stands. */
static struct str member_span(const struct json *doc, uint32_t value)
{
    struct str key = json_raw(doc, value - 1), raw = json_raw(doc, value);

    return (struct str){ key.at, (size_t)(raw.at + raw.len - key.at) };
}

static struct str undo_model(const struct wire_request *r, struct str model, struct str text,
                             struct arena *a)
{
    struct json doc = parsed(text, a);
    struct str told;

    if (r->protocol == WIRE_GEMINI || str_eq(model, r->model))
        return text;
    uint32_t node = json_member(&doc, 0, STR("model"), NULL);

    HOLDS(node != JSON_NONE && json_text(&doc, node, a, &told) && str_eq(told, model));
    return replaced(text, json_raw(&doc, node), r->model_raw, a);
}

static struct str undo_usage(const struct wire_request *r, struct str client, struct str text,
                             struct arena *a)
{
    struct json was = parsed(client, a), is = parsed(text, a);
    uint32_t stream = json_member(&was, 0, STR("stream"), NULL);
    uint32_t had = json_member(&was, 0, STR("stream_options"), NULL);
    uint32_t has = json_member(&is, 0, STR("stream_options"), NULL);
    uint32_t wish = JSON_NONE;

    if (r->protocol != WIRE_OPENAI_CHAT || stream == JSON_NONE || !json_is_true(&was, stream))
        return text;
    if (had != JSON_NONE && json_type(&was, had) == JSON_OBJECT)
        wish = json_member(&was, had, STR("include_usage"), NULL);
    if (wish != JSON_NONE && json_is_true(&was, wish))
        return text;
    HOLDS(has != JSON_NONE && json_type(&is, has) == JSON_OBJECT);
    uint32_t asked = json_member(&is, has, STR("include_usage"), NULL);

    HOLDS(asked != JSON_NONE && json_is_true(&is, asked));
    if (had == JSON_NONE) {
        HOLDS(is.nodes[has].count == 1);
        return removed(text, member_span(&is, has), true, a);
    }
    if (json_type(&was, had) != JSON_OBJECT) {
        HOLDS(is.nodes[has].count == 1);
        return replaced(text, json_raw(&is, has), json_raw(&was, had), a);
    }
    if (wish != JSON_NONE)
        return replaced(text, json_raw(&is, asked), json_raw(&was, wish), a);
    return removed(text, member_span(&is, asked), false, a);
}

static bool is_named(const struct json *doc, uint32_t key, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (json_says(doc, key, changes[i].member) ||
            (changes[i].rename.len > 0 && json_says(doc, key, changes[i].rename)))
            return true;
    return false;
}

/* The next member that no change is about: its key, or JSON_NONE. */
static uint32_t next_unnamed(const struct json *doc, uint32_t key, size_t count)
{
    while (key != JSON_NONE && is_named(doc, key, count))
        key = json_after(doc, 0, key + 1);
    return key;
}

/* What no change is about is there, in its order, each byte of it. */
static void check_changed(struct str client, struct str text, size_t count, struct arena *a)
{
    struct json was = parsed(client, a), is = parsed(text, a);
    uint32_t old = next_unnamed(&was, json_first(&was, 0), count);
    uint32_t new = next_unnamed(&is, json_first(&is, 0), count);

    while (old != JSON_NONE && new != JSON_NONE) {
        HOLDS(str_eq(member_span(&was, old + 1), member_span(&is, new + 1)));
        old = next_unnamed(&was, json_after(&was, 0, old + 1), count);
        new = next_unnamed(&is, json_after(&is, 0, new + 1), count);
    }
    HOLDS(old == JSON_NONE && new == JSON_NONE);
}

static void pass(enum wire protocol, uint8_t choice, struct str client, struct arena *a)
{
    struct str body = arena_copy(a, client), model = STR("to \"b\"\n"), parts[WIRE_SPLICE_PARTS];
    struct wire_complaint why = { 0 };
    struct wire_request r;
    struct buf joined;
    size_t total;

    if (!wire_read_request(protocol, body, (char *)(uintptr_t)body.at,
                           protocol == WIRE_GEMINI ? STR("g") : STR(""), false, a, &r, &why)) {
        HOLDS(why.message.len > 0);
        return;
    }
    check_mended(client, body);
    size_t change_count = choice >> 4 & 3;
    bool no_usage = choice & 8;

    if (choice & 4)
        model = r.model;
    size_t count = wire_splice_request(&r,
                                       &(struct wire_splice){ .model = model,
                                                              .no_usage = no_usage,
                                                              .changes = changes,
                                                              .change_count = change_count },
                                       a, parts, &total);

    buf_init(&joined, total + 1);
    for (size_t i = 0; i < count; i++)
        HOLDS(buf_add(&joined, parts[i]));
    HOLDS(joined.len == total);
    struct str text = arena_copy(a, buf_str(&joined));

    buf_clear(&joined);
    text = undo_model(&r, model, text, a);
    if (!no_usage)
        text = undo_usage(&r, body, text, a);
    if (change_count > 0)
        check_changed(body, text, change_count, a);
    else
        HOLDS(str_eq(text, body));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum wire protocols[] = { WIRE_OPENAI_CHAT, WIRE_OPENAI_RESPONSES, WIRE_ANTHROPIC,
                                           WIRE_GEMINI };
    struct arena a = { 0 };

    if (size == 0 || size > BODY_MAX)
        return 0;
    pass(protocols[data[0] & 3], data[0], (struct str){ (const char *)data + 1, size - 1 }, &a);
    arena_free(&a);
    return 0;
}
