/* base/json.h - strict one-pass JSON reader: validates everything, copies nothing.
 *
 * RFC 8259 without leniency: no comments, trailing commas, NaN, leading zeros, control bytes in
 * strings, bytes behind the end, byte order mark; UTF-8 and escapes are checked; depth, nodes and
 * number length are bounded. Time is linear in the text, recursion is not used.
 *
 * The result is a flat tape of 16-byte nodes. A string is a slice of the text, *still escaped*:
 * most strings go from JSON to JSON and are never decoded. Numbers keep their spelling. Objects
 * keep all members in order, duplicates too; whoever reads a member asks whether it is there twice.
 *
 * Containers deeper than `depth_kept` are validated but FOLDED: one node with their span. A cursor
 * walks the elements of a folded array, and json_parse() opens one of them, so a 10 MB conversation
 * costs a few hundred bytes of tape. With `nodes_kept`, the beginning of the text is on the tape
 * all the same: whole containers, and the first children of a folded one.
 *
 * A lone surrogate escape (\ud83d without its partner) is replaced by \ufffd *in the text itself*
 * when `mend` is given (same length: nothing moves), else only counted; whoever decodes it gets
 * U+FFFD in both cases.
 *
 * What RFC 8259 leaves open: a name may stand twice (see json_member()), numbers have no range, NUL
 * is a character like others when escaped, the root may be any value.
 * Threads: any.   Memory: nodes in the arena; slices borrow from the text. */
#ifndef PENSTOCK_BASE_JSON_H
#define PENSTOCK_BASE_JSON_H

#include "arena.h"
#include "buf.h"

#define JSON_DEPTH_MAX 128
#define JSON_NODES_MAX 1000000
#define JSON_NUMBER_MAX 1024 /* bytes of one number's text */

#define JSON_NOTICE_BYTES 4
#define JSON_NOTICE_MIN 8

enum json_type {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};

enum json_flag {
    JSON_ESCAPED = 1, /* string: holds a backslash */
    JSON_FOLDED = 2,  /* container: its children are not on the tape */
    JSON_INTEGER = 4, /* number: only digits, perhaps a sign */
};

/* Children follow their container; a member is a string node (its key) and then its value. */
struct json_node {
    uint32_t at;   /* offset of the first byte; of a string: behind the quote */
    uint32_t len;  /* bytes; of a string without its quotes */
    uint32_t next; /* index of the node behind this value and all it holds */
    uint8_t type, flags;
    uint16_t count; /* elements or members, also of a folded one; saturating at 65535 */
};
_Static_assert(sizeof(struct json_node) == 16, "a tape node is 16 bytes");

struct json {
    struct str text;
    struct json_node *nodes; /* nodes[0] is the root */
    uint32_t count;
    uint32_t surrogates; /* lone surrogate escapes met (and mended, when asked) */
    bool noticed;        /* a string begins as json_limits.notice says */
};

struct json_limits {
    uint32_t depth_max;  /* 0: JSON_DEPTH_MAX, which is also the most */
    uint32_t nodes_max;  /* 0: JSON_NODES_MAX, the most; keys count, and so do folded nodes */
    uint32_t depth_kept; /* 0: all; 1: the root's members only, what they hold is folded; … */
    uint32_t nodes_kept; /* as long as the tape has no more, what is deeper is kept as well */
    /* Strings of at least JSON_NOTICE_MIN bytes that begin with one of these, as they stand in the
     * text, are noticed; NULL: not asked. */
    const char (*notice)[JSON_NOTICE_BYTES];
    size_t notice_count;
    char *mend; /* NULL, or text.at again, writable; mended up to the fault if there is one */
};

struct json_fault {
    size_t at;          /* offset of the offending byte */
    uint32_t line, col; /* both from 1, in bytes; filled by json_fault_place() */
    const char *what;   /* static: "trailing comma", "invalid UTF-8", … */
    bool limit;         /* too many values, or bytes: not a mistake in what it says */
};

#define JSON_NONE UINT32_MAX /* no such node */

/* False: `fault` says what and where, `doc` is as it was. A text of 4 GiB or more is refused.
 * `limits` may be NULL for the usual ones, `fault` when nobody asks. */
bool json_parse(struct json *doc, struct str text, const struct json_limits *limits,
                struct arena *a, struct json_fault *fault);
/* Fills line and col from `at`; `text` is what was parsed. */
void json_fault_place(struct json_fault *fault, struct str text);

static inline enum json_type json_type(const struct json *doc, uint32_t node)
{
    assert(node < doc->count);
    return (enum json_type)doc->nodes[node].type;
}

/* The bytes of a value as they stand, quotes included: what is spliced or copied. */
struct str json_raw(const struct json *doc, uint32_t node);
/* The inside of a string, still escaped. */
static inline struct str json_inside(const struct json *doc, uint32_t node)
{
    assert(node < doc->count);
    assert(doc->nodes[node].at + (size_t)doc->nodes[node].len <= doc->text.len);
    return (struct str){ doc->text.at + doc->nodes[node].at, doc->nodes[node].len };
}
/* A string's text, decoded: borrows when nothing was escaped, else a copy in `a`. Any other type:
 * false. */
bool json_text(const struct json *doc, uint32_t node, struct arena *a, struct str *out);
/* Does the string node say `text`? Escapes are understood; nothing is allocated. */
bool json_says(const struct json *doc, uint32_t node, struct str text);
/* An integer that fits; `1.0` and `1e3` are integers too when their value is whole and exact. */
bool json_i64(const struct json *doc, uint32_t node, int64_t *out);
bool json_is_true(const struct json *doc, uint32_t node);

/* First child, or JSON_NONE; asserts that `parent` is not folded. Next sibling of a value in an
 * array, of a *value* in an object gives the next key; JSON_NONE at the end. `parent` bounds the
 * walk. */
uint32_t json_first(const struct json *doc, uint32_t parent);
uint32_t json_after(const struct json *doc, uint32_t parent, uint32_t node);
/* json_first() of a container that may be folded: what is on the tape of it. */
uint32_t json_first_kept(const struct json *doc, uint32_t parent);

/* The value of the member `name` of an object on the tape; asserts that it is not a folded one.
 * Absent, or not an object: JSON_NONE; a null is a value. `twice` (may be NULL) says whether the
 * name stands there more than once; the last one is given then. */
uint32_t json_member(const struct json *doc, uint32_t object, struct str name, bool *twice);

/* The walk of json_members() below, which has set `nodes` to JSON_NONE. `nulls`: a null is a value;
 * else it is as if absent, and nothing is to be concluded from the result. */
uint32_t json_members_find(const struct json *doc, uint32_t object, const struct str *names,
                           uint32_t *nodes, size_t count, bool nulls);

/* json_member() for several names in one walk: `nodes[i]` for `names[i]`, at most 32. The result
 * has bit i set when names[i] stands there more than once. */
static inline uint32_t json_members(const struct json *doc, uint32_t object,
                                    const struct str *names, uint32_t *nodes, size_t count)
{
    memset(nodes, 0xff, count * sizeof(nodes[0])); /* JSON_NONE */
    return json_members_find(doc, object, names, nodes, count, true);
}

/* Walks the elements of an array (or the members of an object, keys and values in turn) in valid
 * JSON text, `raw` being the container with its brackets: for folded containers. */
struct json_cursor {
    struct str rest;
};
struct json_cursor json_open(struct str raw);
bool json_next(struct json_cursor *c, struct str *raw);
/* One walk goes through containers in containers: json_enter() steps into the next value if that is
 * a container; json_next() is false at its end, and then goes on behind it; json_leave() skips what
 * is left of it. json_peek() gives the first byte of the next value, a closing bracket, or NUL at
 * the end of all. */
char json_peek(struct json_cursor *c);
bool json_enter(struct json_cursor *c);
void json_leave(struct json_cursor *c);

/* Does `text`, the beginning of a JSON text, end inside a string? Then `inside` is where that
 * begins (behind its quote), and the closers are what would close the containers that are open, the
 * innermost last. Nothing is checked. */
struct json_closers {
    size_t count;
    char at[JSON_DEPTH_MAX];
};
bool json_ends_in_string(struct str text, size_t *inside, struct json_closers *closers);

/* The inside of a string that comes in pieces, cut anywhere. RUN: the next bytes that are checked;
 * they borrow from `in`, or from `s` until the next call. What cannot stand (a lone surrogate
 * escape, invalid UTF-8) is U+FFFD. MORE: `in` is used up. END: `in` stands at the closing quote. A
 * zeroed struct begins. */
struct json_string {
    uint8_t part_len;
    char part[12]; /* an escape or character that is not complete */
    char made[12];
};
enum json_inside { JSON_INSIDE_MORE, JSON_INSIDE_RUN, JSON_INSIDE_END, JSON_INSIDE_BAD };
enum json_inside json_inside_next(struct json_string *s, struct str *in, struct str *run);

/* The length of the inside of a string that begins `text`, up to its closing quote; SIZE_MAX when
 * it does not end, is not valid, or holds a surrogate escape without a partner. */
size_t json_inside_len(struct str text);
/* How many bytes at the front of a string's inside are ASCII characters that stand for themselves.
 */
size_t json_plain_run(struct str inside);
/* The text of a string from its inside (valid, still escaped): borrows when nothing is escaped,
 * else a copy in `a`. */
struct str json_decode(struct str inside, struct arena *a);
/* Decodes the inside of a JSON string behind what `out` holds. False: out is
 * full, and as it was. */
bool json_unescape(struct buf *out, struct str inside);
/* Writes `text` as a JSON string with quotes; each longest part of invalid UTF-8 that could have
 * begun a character becomes one U+FFFD. False: out is full, and as it was. */
bool json_quote(struct buf *out, struct str text);

#endif
