#include "json_write.h"

#include <stdarg.h>
#include <stdio.h>

#include "arena.h"
#include "utf8.h"

#define FORMAT_MAX 512

_Static_assert(JSON_WRITE_DEPTH % 64 == 0, "levels fill whole words");

/* Where the buffer has to grow, or is full already. */
__attribute__((noinline)) static char *room_made(struct json_writer *w, size_t n)
{
    char *at = w->full ? NULL : buf_reserve(w->out, n);

    w->full = at == NULL;
    return at;
}

/* Room for so many bytes, or NULL: the writer is full then. */
static inline char *room(struct json_writer *w, size_t n)
{
    const struct buf *out = w->out;

    return n <= out->cap - out->len && !w->full ? out->at + out->len : room_made(w, n);
}

static void add(struct json_writer *w, struct str s)
{
    w->full = w->full || !buf_add(w->out, s);
}

/* True: the piece was borrowed, or there is no room for it. */
static bool borrow(struct json_writer *w, struct str s)
{
    struct json_loans *l = w->loans;
    uintptr_t at = (uintptr_t)s.at, from = (uintptr_t)l->lender.at;

    if (s.len < JSON_LOAN_LEAST || at < from || at - from > l->lender.len ||
        s.len > l->lender.len - (at - from))
        return false;
    if (s.len > w->out->max - w->out->len)
        w->full = true;
    if (w->full)
        return true;
    w->out->max -= s.len;
    if (w->out->cap > w->out->max)
        w->out->cap = w->out->max;
    if (l->count == l->cap) {
        size_t cap = l->cap > 0 ? l->cap * 2 : 8;
        struct json_loan *items = arena_array(l->a, struct json_loan, cap);

        if (l->count > 0)
            memcpy(items, l->items, l->count * sizeof(items[0]));
        l->items = items;
        l->cap = cap;
    }
    l->items[l->count++] = (struct json_loan){ w->out->len, s };
    l->bytes += s.len;
    return true;
}

/* What may be long and lie in another document. */
static void add_long(struct json_writer *w, struct str s)
{
    if (w->loans == NULL || !borrow(w, s))
        add(w, s);
}

/* A byte of JSON's own, behind a comma or not. */
static void put_byte(struct json_writer *w, bool comma, char c)
{
    char *at = room(w, comma ? 2 : 1);

    if (at == NULL)
        return;
    at[0] = ',';
    at[comma] = c;
    w->out->len += comma ? 2 : 1;
}

/* --- short strings: names of members, words, ids */

#define SHORT_MAX 64
#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Eight bytes at once: ASCII without quote, backslash and control bytes. (A byte that is below what
 * is taken from it borrows, which marks it by its highest bit.) */
static inline bool word_is_plain(uint64_t word)
{
    uint64_t odd = word | (word - EACH(0x20)) | ((word ^ EACH('"')) - EACH(1)) |
                   ((word ^ EACH('\\')) - EACH(1));

    return (odd & EACH(0x80)) == 0;
}

static inline uint64_t word_at(const char *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof(word));
    return word;
}

static inline bool word_copy(char *to, const char *from)
{
    uint64_t word = word_at(from);

    memcpy(to, &word, sizeof(word));
    return word_is_plain(word);
}

/* What is short is copied here, without a call; the rest as ever. */
static inline void copy(char *to, struct str s)
{
    uint64_t word;
    uint32_t half;

    if (s.len > SHORT_MAX) {
        memcpy(to, s.at, s.len);
    } else if (s.len >= sizeof(word)) {
        for (size_t at = 0; at + sizeof(word) < s.len; at += sizeof(word)) {
            memcpy(&word, s.at + at, sizeof(word));
            memcpy(to + at, &word, sizeof(word));
        }
        memcpy(&word, s.at + s.len - sizeof(word), sizeof(word));
        memcpy(to + s.len - sizeof(word), &word, sizeof(word));
    } else if (s.len >= sizeof(half)) {
        memcpy(&half, s.at, sizeof(half));
        memcpy(to, &half, sizeof(half));
        memcpy(&half, s.at + s.len - sizeof(half), sizeof(half));
        memcpy(to + s.len - sizeof(half), &half, sizeof(half));
    } else {
        for (size_t i = 0; i < s.len; i++)
            to[i] = s.at[i];
    }
}

static inline bool half_copy(char *to, const char *from)
{
    uint32_t half;

    memcpy(&half, from, sizeof(half));
    memcpy(to, &half, sizeof(half));
    return word_is_plain(EACH('a') << 32 | half);
}

/* Copies while it looks; what was copied counts for nothing when it is false. */
static inline bool copy_plain(char *to, struct str s)
{
    bool plain = true, last;

    if (s.len >= 8) {
        for (size_t at = 0; at + 8 < s.len; at += 8)
            plain = word_copy(to + at, s.at + at) && plain;
        last = word_copy(to + s.len - 8, s.at + s.len - 8);
        return plain && last;
    }
    if (s.len >= 4) {
        plain = half_copy(to, s.at);
        last = half_copy(to + s.len - 4, s.at + s.len - 4);
        return plain && last;
    }
    uint64_t word = EACH('a');

    for (size_t i = 0; i < s.len; i++) {
        to[i] = s.at[i];
        word = word << 8 | (unsigned char)s.at[i];
    }
    return word_is_plain(word);
}

/* A string with its quotes and, of a name, its colon. */
static void put_quoted(struct json_writer *w, bool comma, struct str text, bool name)
{
    size_t n = text.len + 2 + comma + name;
    char *at;

    if (text.len <= SHORT_MAX && (at = room(w, n)) != NULL) {
        *at = ',';
        at += comma;
        *at++ = '"';
        if (copy_plain(at, text)) {
            w->out->len += n;
            at += text.len;
            *at = '"';
            at[name] = name ? ':' : '"';
            return;
        }
    }
    if (comma)
        add(w, STR(","));
    w->full = w->full || !json_quote(w->out, text);
    if (name)
        add(w, STR(":"));
}

/* --- values */

/* Each value starts here: the place it stands in allows one. True when a comma comes before it. */
static inline bool value_comma(struct json_writer *w)
{
    bool comma = w->comma && !w->after_key;

    assert(w->in_object == w->after_key);
    assert(w->depth > 0 || !w->comma);
    w->comma = true;
    w->after_key = false;
    return comma;
}

static void value_start(struct json_writer *w)
{
    if (value_comma(w))
        add(w, STR(","));
}

static void container_start(struct json_writer *w, bool object)
{
    uint64_t bit = UINT64_C(1) << w->depth % 64;

    assert(w->depth < JSON_WRITE_DEPTH);
    put_byte(w, value_comma(w), object ? '{' : '[');
    if (object)
        w->is_object[w->depth / 64] |= bit;
    else
        w->is_object[w->depth / 64] &= ~bit;
    w->depth++;
    w->in_object = object;
    w->comma = false;
}

void json_put_object(struct json_writer *w)
{
    container_start(w, true);
}

void json_put_array(struct json_writer *w)
{
    container_start(w, false);
}

void json_put_end(struct json_writer *w)
{
    assert(w->depth > 0);
    assert(!w->after_key);
    put_byte(w, false, w->in_object ? '}' : ']');

    uint32_t level = --w->depth - 1;

    w->in_object = w->depth > 0 && (w->is_object[level / 64] >> level % 64 & 1) != 0;
    w->comma = true;
}

void json_put_key(struct json_writer *w, struct str name)
{
    assert(w->in_object);
    assert(!w->after_key);
    put_quoted(w, w->comma, name, true);
    w->after_key = true;
}

void json_put_name(struct json_writer *w, struct str name)
{
    bool comma = w->comma;
    size_t n = name.len + 3 + comma; /* quotes, colon, comma */
    char *at;

    assert(w->in_object);
    assert(!w->after_key);
    w->after_key = true;
    at = room(w, n);
    if (at == NULL)
        return;
    w->out->len += n;
    *at = ',';
    at += comma;
    *at++ = '"';
    copy(at, name);
    at[name.len] = '"';
    at[name.len + 1] = ':';
}

void json_put_str(struct json_writer *w, struct str text)
{
    put_quoted(w, value_comma(w), text, false);
}

void json_put_inside(struct json_writer *w, struct str inside)
{
    if (w->loans != NULL && inside.len >= JSON_LOAN_LEAST) {
        json_put_insides(w, &inside, 1);
        return;
    }

    bool comma = value_comma(w);
    char *at = NULL;
    size_t n;

    if (add_checked(inside.len, comma ? 3 : 2, &n))
        at = room(w, n);
    w->full = at == NULL;
    if (at == NULL)
        return;
    w->out->len += n;
    *at = ',';
    at += comma;
    *at++ = '"';
    if (inside.len > 0)
        memcpy(at, inside.at, inside.len);
    at[inside.len] = '"';
}

void json_put_insides(struct json_writer *w, const struct str *pieces, size_t count)
{
    value_start(w);
    add(w, STR("\""));
    for (size_t i = 0; i < count; i++)
        add_long(w, pieces[i]);
    add(w, STR("\""));
}

/* A value that is short and known as bytes. */
static inline void put_short(struct json_writer *w, struct str raw)
{
    bool comma = value_comma(w);
    char *at = room(w, raw.len + comma);

    if (at == NULL)
        return;
    w->out->len += raw.len + comma;
    *at = ',';
    copy(at + comma, raw);
}

void json_put_raw(struct json_writer *w, struct str raw)
{
    assert(raw.len > 0);
    if (raw.len <= SHORT_MAX) {
        put_short(w, raw);
        return;
    }
    value_start(w);
    add_long(w, raw);
}

void json_put_i64(struct json_writer *w, int64_t n)
{
    char text[DIGITS_MAX], *end = text + sizeof(text), *at = digits_i64(end, n);

    put_short(w, (struct str){ at, (size_t)(end - at) });
}

void json_put_bool(struct json_writer *w, bool yes)
{
    put_short(w, yes ? STR("true") : STR("false"));
}

void json_put_null(struct json_writer *w)
{
    put_short(w, STR("null"));
}

void json_put_format(struct json_writer *w, const char *format, ...)
{
    char text[FORMAT_MAX + 2]; /* room for the byte that is too many: it tells where to clip */
    va_list args;

    va_start(args, format);
    int len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    assert(len >= 0);

    struct str whole = { text, (size_t)len };
    json_put_str(w, utf8_clip(str_take(whole, FORMAT_MAX + 1), FORMAT_MAX));
}

bool json_written(const struct json_writer *w)
{
    return w->depth == 0 && w->comma && !w->full;
}

size_t json_loans_parts(const struct json_loans *loans, struct str out, struct str **parts)
{
    struct str *to = *parts = arena_alloc_raw(loans->a, (2 * loans->count + 1) * sizeof(to[0]));
    size_t done = 0;

    for (size_t i = 0; i < loans->count; i++) {
        const struct json_loan *l = &loans->items[i];

        if (l->at > done)
            *to++ = (struct str){ out.at + done, l->at - done };
        *to++ = l->bytes;
        done = l->at;
    }
    if (out.len > done)
        *to++ = str_drop(out, done);
    return (size_t)(to - *parts);
}
