/* tests/unit/base/json_verdict.c - what our reader makes of texts, for json_difference.py.
 *
 * Standard input: texts, each behind its length in four bytes, little endian. For each one line:
 * `no`, or the value in a spelling without choices: no blanks, strings as decoded UTF-16 units,
 * where all but ASCII letters and digits is \uxxxx, numbers as they were written, members in order.
 * What surrogates mended in place would say is compared here; a difference is printed in place of
 * the value. */
#include <stdio.h>

#include "base/json.h"
#include "base/utf8.h"

static void unit_say(struct buf *out, uint32_t unit)
{
    if ((unit >= '0' && unit <= '9') || (unit >= 'A' && unit <= 'Z') ||
        (unit >= 'a' && unit <= 'z'))
        (void)buf_add_char(out, (char)unit);
    else
        (void)buf_printf(out, "\\u%04x", unit);
}

static void text_say(struct buf *out, struct str s)
{
    (void)buf_add_char(out, '"');
    while (s.len > 0) {
        size_t used;
        uint32_t point = utf8_get(s, &used);

        if (point < 0x10000) {
            unit_say(out, point);
        } else {
            unit_say(out, 0xd800 + ((point - 0x10000) >> 10));
            unit_say(out, 0xdc00 + ((point - 0x10000) & 0x3ff));
        }
        s = str_drop(s, used);
    }
    (void)buf_add_char(out, '"');
}

static void value_say(struct buf *out, const struct json *doc, uint32_t node, struct arena *a)
{
    enum json_type type = json_type(doc, node);
    struct str text;

    if (json_text(doc, node, a, &text)) {
        text_say(out, text);
        return;
    }
    if (type < JSON_ARRAY) {
        (void)buf_add(out, json_raw(doc, node));
        return;
    }
    (void)buf_add_char(out, type == JSON_ARRAY ? '[' : '{');
    for (uint32_t i = json_first(doc, node); i != JSON_NONE;) {
        value_say(out, doc, i, a);
        if (type == JSON_OBJECT) {
            (void)buf_add_char(out, ':');
            i = json_after(doc, node, i);
            value_say(out, doc, i, a);
        }
        i = json_after(doc, node, i);
        if (i != JSON_NONE)
            (void)buf_add_char(out, ',');
    }
    (void)buf_add_char(out, type == JSON_ARRAY ? ']' : '}');
}

static void verdict_say(struct buf *out, struct str text, char *mend)
{
    struct json_limits limits = { .mend = mend };
    struct arena a = { 0 };
    struct json doc;

    if (json_parse(&doc, text, &limits, &a, NULL))
        value_say(out, &doc, 0, &a);
    else
        (void)buf_add(out, STR("no"));
    arena_free(&a);
}

int main(void)
{
    unsigned char head[4];

    while (fread(head, 1, sizeof(head), stdin) == sizeof(head)) {
        size_t len = head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16 | (size_t)head[3] << 24;
        struct arena a = { 0 };
        struct buf plain, mended;
        char *text = arena_alloc(&a, len);

        if (fread(text, 1, len, stdin) != len)
            return 1;
        buf_init(&plain, 64 << 20);
        buf_init(&mended, 64 << 20);
        verdict_say(&plain, (struct str){ text, len }, NULL);
        verdict_say(&mended, (struct str){ text, len }, text);
        if (!str_eq(buf_str(&plain), buf_str(&mended)))
            printf("mending changed what it says: ");
        printf("%.*s\n", (int)plain.len, plain.at);
        buf_clear(&plain);
        buf_clear(&mended);
        arena_free(&a);
    }
    return 0;
}
