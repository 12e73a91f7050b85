/* base/json_write.h - streaming JSON writer: commas and quotes are its business, order is the
 * caller's.
 *
 *     struct json_writer w = json_writer(&out);
 *     json_put_object(&w);
 *     json_put_key(&w, STR("id")); json_put_str(&w, id);
 *     json_put_end(&w);
 *     if (!json_written(&w)) ...            the buffer was full, or what was opened was not closed
 *
 * Asserts on misuse (value without key, end without start). Once the buffer is full nothing more is
 * written to it, so that what it holds is a beginning of the document and not one with holes.
 *
 * A long string that is copied from another document can stay where it lies (`loans`): the document
 * is then the buffer with the borrowed pieces put in between, json_loans_parts().
 * Threads: own.   Memory: the caller's buffer; borrowed pieces are the lender's. */
#ifndef PENSTOCK_BASE_JSON_WRITE_H
#define PENSTOCK_BASE_JSON_WRITE_H

#include "json.h"

/* Twice what the reader lets in and more: a tree copied from a request, inside one from its text,
 * inside a frame of ours. So no client can reach it. */
#define JSON_WRITE_DEPTH (JSON_DEPTH_MAX * 2 + 64)

#define JSON_LOAN_LEAST ((size_t)2 << 10) /* bytes; shorter ones are copied */

struct json_loan {
    size_t at; /* offset in the buffer before which the piece belongs */
    struct str bytes;
};

struct json_loans {
    struct str lender; /* only pieces of this text are borrowed; it outlives the document */
    struct arena *a;
    struct json_loan *items;
    size_t count, cap;
    size_t bytes; /* of all pieces; the buffer's bound is lowered by them */
};

struct json_writer {
    struct buf *out;
    struct json_loans *loans;                  /* NULL: everything is copied */
    uint64_t is_object[JSON_WRITE_DEPTH / 64]; /* a bit for each open level */
    uint32_t depth;
    bool in_object; /* the innermost of them */
    bool comma, after_key, full;
};

static inline struct json_writer json_writer(struct buf *out)
{
    return (struct json_writer){ .out = out };
}

void json_put_object(struct json_writer *w);
void json_put_array(struct json_writer *w);
void json_put_end(struct json_writer *w);
void json_put_key(struct json_writer *w, struct str name);
void json_put_str(struct json_writer *w, struct str text); /* text, escaped as needed */
void json_put_inside(struct json_writer *w,
                     struct str inside); /* already escaped: copied between quotes */
/* The same of several pieces that make one string. */
void json_put_insides(struct json_writer *w, const struct str *pieces, size_t count);
void json_put_raw(struct json_writer *w, struct str raw); /* a whole value, copied as it is */
void json_put_i64(struct json_writer *w, int64_t n);
void json_put_bool(struct json_writer *w, bool yes);
void json_put_null(struct json_writer *w);
/* printf into a string value; at most 512 bytes, clipped at a character. */
void json_put_format(struct json_writer *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A key of our own that needs no escapes: copied, in one go. */
void json_put_name(struct json_writer *w, struct str name);

/* Such a key and its value. */
static inline void json_put_member(struct json_writer *w, const char *name, struct str text)
{
    json_put_name(w, str_c(name));
    json_put_str(w, text);
}

static inline void json_put_member_i64(struct json_writer *w, const char *name, int64_t n)
{
    json_put_name(w, str_c(name));
    json_put_i64(w, n);
}

static inline void json_put_member_bool(struct json_writer *w, const char *name, bool yes)
{
    json_put_name(w, str_c(name));
    json_put_bool(w, yes);
}

static inline void json_put_member_null(struct json_writer *w, const char *name)
{
    json_put_name(w, str_c(name));
    json_put_null(w);
}

static inline void json_put_member_raw(struct json_writer *w, const char *name, struct str raw)
{
    json_put_name(w, str_c(name));
    json_put_raw(w, raw);
}

/* A text that is empty when it is unknown: null then. */
static inline void json_put_member_or_null(struct json_writer *w, const char *name, struct str text)
{
    if (text.len > 0)
        json_put_member(w, name, text);
    else
        json_put_member_null(w, name);
}

/* One whole value, all closed and nothing lost. */
bool json_written(const struct json_writer *w);

/* The document that `out` and its loans make, in order: at most 2 * count + 1 parts, in the loans'
 * arena. Returns how many. */
size_t json_loans_parts(const struct json_loans *loans, struct str out, struct str **parts);

#endif
