/* fuzz/fuzz_json.c - what must hold for any bytes that claim to be JSON.
 *
 * Each depth kept gives the same verdict and fault, and so do nodes kept below it. Valid text
 * written again from the tape is valid, has a tape of the same shape, and writing that gives the
 * same bytes. A cursor walks the same children as the tape has. Each string survives decoding and
 * quoting, and says what it decodes to. Mending leaves no lone surrogate and changes nothing but
 * them. Any bytes at all can be quoted. */
#include <stdlib.h>

#include "base/json.h"
#include "base/json_write.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOLDS(condition) ((condition) ? (void)0 : abort())

static void write_again(struct json_writer *w, const struct json *doc, uint32_t node)
{
    enum json_type type = json_type(doc, node);
    struct arena a = { 0 };
    struct str text;
    int64_t n;

    if (type == JSON_STRING) {
        json_put_inside(w, json_inside(doc, node));
        return;
    }
    if (type < JSON_STRING) {
        if (json_i64(doc, node, &n) && doc->nodes[node].flags & JSON_INTEGER && n != 0)
            json_put_i64(w, n);
        else
            json_put_raw(w, json_raw(doc, node));
        return;
    }
    if (type == JSON_ARRAY)
        json_put_array(w);
    else
        json_put_object(w);
    for (uint32_t i = json_first(doc, node); i != JSON_NONE; i = json_after(doc, node, i)) {
        if (type == JSON_OBJECT) {
            HOLDS(json_text(doc, i, &a, &text));
            json_put_key(w, text);
            i = json_after(doc, node, i);
        }
        write_again(w, doc, i);
    }
    json_put_end(w);
    arena_free(&a);
}

static void same_walk(const struct json *doc, uint32_t node, struct str raw)
{
    struct str part = STR("");

    HOLDS(str_eq(raw, json_raw(doc, node)));
    if (json_type(doc, node) < JSON_ARRAY)
        return;
    struct json_cursor c = json_open(raw);
    for (uint32_t i = json_first(doc, node); i != JSON_NONE; i = json_after(doc, node, i)) {
        HOLDS(json_next(&c, &part));
        same_walk(doc, i, part);
    }
    HOLDS(!json_next(&c, &part));
}

static void same_shape(const struct json *a, const struct json *b)
{
    HOLDS(a->count == b->count);
    for (uint32_t i = 0; i < a->count; i++) {
        HOLDS(a->nodes[i].type == b->nodes[i].type && a->nodes[i].next == b->nodes[i].next);
        HOLDS(a->nodes[i].count == b->nodes[i].count);
    }
}

static void string_survives(const struct json *doc, uint32_t node)
{
    struct arena a = { 0 };
    struct json again;
    struct str text, second;
    struct buf quoted, decoded;

    HOLDS(json_text(doc, node, &a, &text));
    HOLDS(utf8_valid(text) == text.len);
    HOLDS(json_says(doc, node, text));
    buf_init(&decoded, text.len);
    HOLDS(json_unescape(&decoded, json_inside(doc, node)) && str_eq(buf_str(&decoded), text));
    buf_init(&quoted, SIZE_MAX / 2);
    HOLDS(json_quote(&quoted, text));
    HOLDS(json_parse(&again, buf_str(&quoted), NULL, &a, NULL));
    HOLDS(json_text(&again, 0, &a, &second) && str_eq(text, second));
    buf_clear(&decoded);
    buf_clear(&quoted);
    arena_free(&a);
}

static void valid_holds(const struct json *doc)
{
    struct buf once, twice;
    struct arena a = { 0 };
    struct json again;

    buf_init(&once, SIZE_MAX / 2);
    buf_init(&twice, SIZE_MAX / 2);
    struct json_writer w = json_writer(&once);
    write_again(&w, doc, 0);
    HOLDS(json_written(&w));
    HOLDS(json_parse(&again, buf_str(&once), NULL, &a, NULL));
    same_shape(doc, &again);
    w = json_writer(&twice);
    write_again(&w, &again, 0);
    HOLDS(json_written(&w) && str_eq(buf_str(&once), buf_str(&twice)));
    same_walk(doc, 0, json_raw(doc, 0));
    for (uint32_t i = 0; i < doc->count; i++)
        if (json_type(doc, i) == JSON_STRING)
            string_survives(doc, i);
    buf_clear(&once);
    buf_clear(&twice);
    arena_free(&a);
}

static void mending_holds(const struct json *doc)
{
    struct arena a = { 0 };
    char *copy = arena_alloc(&a, doc->text.len);
    struct json_limits limits = { .mend = copy };
    struct json mended;

    memcpy(copy, doc->text.at, doc->text.len);
    HOLDS(json_parse(&mended, (struct str){ copy, doc->text.len }, &limits, &a, NULL));
    HOLDS(mended.surrogates == doc->surrogates);
    same_shape(doc, &mended);
    for (uint32_t i = 0; i < doc->count; i++) {
        struct str was;

        if (json_text(doc, i, &a, &was))
            HOLDS(json_says(&mended, i, was));
    }
    HOLDS(json_parse(&mended, (struct str){ copy, doc->text.len }, NULL, &a, NULL));
    HOLDS(mended.surrogates == 0);
    arena_free(&a);
}

static void any_bytes_can_be_quoted(struct str s)
{
    struct buf quoted, mended;
    struct arena a = { 0 };
    struct json doc;

    buf_init(&quoted, SIZE_MAX / 2);
    buf_init(&mended, SIZE_MAX / 2);
    HOLDS(json_quote(&quoted, s) && utf8_mend(&mended, s));
    HOLDS(json_parse(&doc, buf_str(&quoted), NULL, &a, NULL));
    HOLDS(json_says(&doc, 0, buf_str(&mended)));
    buf_clear(&quoted);
    buf_clear(&mended);
    arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = { (const char *)data, size };
    struct json_fault first = { 0 };
    bool taken = false;

    for (uint32_t kept = 0; kept < 5; kept++) {
        struct json_limits limits = { .depth_kept = kept % 3, .nodes_kept = kept / 3 * 20 };
        struct json_fault fault = { 0 };
        struct arena a = { 0 };
        struct json doc;
        bool ok = json_parse(&doc, text, &limits, &a, &fault);

        if (kept == 0) {
            taken = ok;
            first = fault;
            if (ok) {
                valid_holds(&doc);
                mending_holds(&doc);
            }
        }
        HOLDS(ok == taken && fault.at == first.at && fault.what == first.what);
        HOLDS(ok || (fault.at <= size && fault.what != NULL));
        if (!ok) {
            json_fault_place(&fault, text);
            HOLDS(fault.line > 0 && fault.col > 0 && fault.col <= size + 1);
        }
        arena_free(&a);
    }
    any_bytes_can_be_quoted(text);
    return 0;
}
