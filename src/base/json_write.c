#include "json_write.h"

#include <stdarg.h>
#include <stdio.h>

#include "utf8.h"

#define FORMAT_MAX 512

_Static_assert(JSON_WRITE_DEPTH % 64 == 0, "levels fill whole words");

static bool in_object(const struct json_writer *w)
{
    uint32_t level = w->depth - 1;

    return w->depth > 0 && (w->is_object[level / 64] >> level % 64 & 1) != 0;
}

static void add(struct json_writer *w, struct str s)
{
    w->full = w->full || !buf_add(w->out, s);
}

static void add_quoted(struct json_writer *w, struct str text)
{
    w->full = w->full || !json_quote(w->out, text);
}

/* Each value starts here: the place it stands in allows one, and gets its comma. */
static void value_start(struct json_writer *w)
{
    assert(in_object(w) == w->after_key);
    assert(w->depth > 0 || !w->comma);
    if (w->comma && !w->after_key)
        add(w, STR(","));
    w->comma = true;
    w->after_key = false;
}

static void container_start(struct json_writer *w, bool object)
{
    uint64_t bit = UINT64_C(1) << w->depth % 64;

    assert(w->depth < JSON_WRITE_DEPTH);
    value_start(w);
    add(w, object ? STR("{") : STR("["));
    if (object)
        w->is_object[w->depth / 64] |= bit;
    else
        w->is_object[w->depth / 64] &= ~bit;
    w->depth++;
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
    add(w, in_object(w) ? STR("}") : STR("]"));
    w->depth--;
    w->comma = true;
}

void json_put_key(struct json_writer *w, struct str name)
{
    assert(in_object(w));
    assert(!w->after_key);
    if (w->comma)
        add(w, STR(","));
    add_quoted(w, name);
    add(w, STR(":"));
    w->after_key = true;
}

void json_put_str(struct json_writer *w, struct str text)
{
    value_start(w);
    add_quoted(w, text);
}

void json_put_inside(struct json_writer *w, struct str inside)
{
    value_start(w);
    add(w, STR("\""));
    add(w, inside);
    add(w, STR("\""));
}

void json_put_insides(struct json_writer *w, const struct str *pieces, size_t count)
{
    value_start(w);
    add(w, STR("\""));
    for (size_t i = 0; i < count; i++)
        add(w, pieces[i]);
    add(w, STR("\""));
}

void json_put_raw(struct json_writer *w, struct str raw)
{
    assert(raw.len > 0);
    value_start(w);
    add(w, raw);
}

void json_put_i64(struct json_writer *w, int64_t n)
{
    uint64_t size = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;

    value_start(w);
    if (n < 0)
        add(w, STR("-"));
    w->full = w->full || !buf_add_u64(w->out, size);
}

void json_put_bool(struct json_writer *w, bool yes)
{
    json_put_raw(w, yes ? STR("true") : STR("false"));
}

void json_put_null(struct json_writer *w)
{
    json_put_raw(w, STR("null"));
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

void json_put_member(struct json_writer *w, const char *name, struct str text)
{
    json_put_key(w, str_c(name));
    json_put_str(w, text);
}

void json_put_member_i64(struct json_writer *w, const char *name, int64_t n)
{
    json_put_key(w, str_c(name));
    json_put_i64(w, n);
}

void json_put_member_bool(struct json_writer *w, const char *name, bool yes)
{
    json_put_key(w, str_c(name));
    json_put_bool(w, yes);
}

void json_put_member_null(struct json_writer *w, const char *name)
{
    json_put_key(w, str_c(name));
    json_put_null(w);
}

void json_put_member_raw(struct json_writer *w, const char *name, struct str raw)
{
    json_put_key(w, str_c(name));
    json_put_raw(w, raw);
}

bool json_written(const struct json_writer *w)
{
    return w->depth == 0 && w->comma && !w->full;
}
