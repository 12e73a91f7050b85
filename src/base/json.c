/* The reader: one loop over the text, with the open containers on a small stack.
 *
 * What changes with each byte is in struct walk, whose address no function sees that is not
 * inlined, so that it stays in registers; the rest is in struct reader.
 *
 * The text is read without asking at each byte whether it ends: its last byte is a closing bracket
 * (or, in a copy, a NUL), which is nothing that a value, name or separator goes on behind. Only
 * strings and closed containers ask.
 *
 * Folding is the same code without the writing of nodes. What is accepted can therefore not depend
 * on how much is kept. */
#include "json.h"

#include <stdlib.h>

#include "json_scan.h"

#define INLINE __attribute__((always_inline)) static inline

#define TAPE_FIRST 32 /* nodes: enough for one event of a stream */
#define TAPE_ROOM 16  /* nodes that there is room for when more are asked for */

struct level {
    uint32_t node;     /* its node on the tape; JSON_NONE inside a folded container */
    uint32_t children; /* elements or members begun */
    char closer;       /* NUL: none is open */
};

struct reader {
    const char *start, *end;
    const char *last_end; /* behind the last byte that is no blank */
    struct json_node *nodes;
    uint32_t cap;
    uint32_t nodes_left; /* how many more may be given out as room, folded ones included */
    uint32_t surrogates;
    bool noticed;
    char *mend;
    struct level *levels, *last; /* bottom, highest allowed */
    struct level *kept;          /* the highest whose children are kept, for now … */
    struct level *kept_then;     /* … and when no more nodes are kept whatever their level */
    uint32_t nodes_kept;
    struct arena *arena;
    const char (*notice)[JSON_NOTICE_BYTES];
    size_t notice_count;
    struct json_fault *fault; /* written only when there is one */
};

struct walk {
    const char *p;
    const char *start, *block_last; /* of the text; where the last whole block begins */
    struct json_node *node;         /* the next on the tape … */
    uint32_t count;                 /* … and its index */
    int32_t room;                   /* nodes until node_room() is asked */
    /* The innermost open container. levels[0] is none, levels[1] is the root; what lies above `top`
     * was never cleared and means nothing. */
    struct level *top;
    uint64_t notice_first; /* bit by the low six of their first byte: strings that may be noticed */
};

__attribute__((cold, noinline)) static const char *fault_at(struct reader *r, const char *at,
                                                            const char *what)
{
    *r->fault = (struct json_fault){ .at = (size_t)(at - r->start), .what = what };
    return NULL;
}

__attribute__((cold, noinline)) static const char *limit_at(struct reader *r, const char *at,
                                                            const char *what)
{
    (void)fault_at(r, at, what);
    r->fault->limit = true;
    return NULL;
}

__attribute__((cold, noinline)) static const char *text_ends(struct reader *r)
{
    return fault_at(r, r->end, "the text ends in the middle of a value");
}

/* --- the tape --- */

/* Room for more nodes behind `count`. 0: no more are allowed, which is a fault at `at`. */
__attribute__((noinline)) static int32_t node_room(struct reader *r, const char *at, uint32_t count)
{
    uint32_t room;

    if (r->nodes_left == 0) {
        (void)limit_at(r, at, "more values than allowed");
        return 0;
    }
    if (r->cap - count < TAPE_ROOM) {
        uint32_t cap = r->cap == 0 ? TAPE_FIRST : r->cap * 2;
        size_t size_was = r->cap * sizeof(r->nodes[0]), size = cap * sizeof(r->nodes[0]);

        if (r->cap == 0 || !arena_resize(r->arena, r->nodes, size_was, size)) {
            struct json_node *more = arena_alloc_raw(r->arena, size);

            if (count > 0)
                memcpy(more, r->nodes, count * sizeof(*more));
            r->nodes = more;
        }
        r->cap = cap;
    }
    room = r->cap - count < r->nodes_left ? r->cap - count : r->nodes_left;
    r->kept = r->nodes_kept > 0 ? r->last : r->kept_then;
    if (r->nodes_kept > 0) {
        room = room < r->nodes_kept ? room : r->nodes_kept;
        r->nodes_kept -= room;
    }
    r->nodes_left -= room;
    return (int32_t)room;
}

/* Counts a value or key that began at `at` and has `len` bytes, and writes its node unless it is
 * inside a folded container. False: too many. */
INLINE bool node_add(struct reader *r, struct walk *w, const char *at, size_t len,
                     enum json_type type, unsigned flags)
{
    if (--w->room < 0) {
        w->room = node_room(r, at, w->count) - 1;
        if (w->room < 0)
            return false;
        w->node = r->nodes + w->count;
    }
    if (w->top > r->kept)
        return true;
    w->count++;
    w->node->at = (uint32_t)(at - w->start);
    w->node->len = (uint32_t)len;
    w->node->next = w->count;
    w->node->type = (uint8_t)type;
    w->node->flags = (uint8_t)flags;
    w->node->count = 0;
    w->node++;
    return true;
}

/* --- strings --- */

/* Four hex digits; -1 when they are none or the text ends. */
static int32_t hex4(const char *p, const char *end)
{
    int32_t n = 0;

    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = char_lower(p[i]);

        if (c >= '0' && c <= '9')
            n = n * 16 + (c - '0');
        else if (c >= 'a' && c <= 'f')
            n = n * 16 + (c - 'a' + 10);
        else
            return -1;
    }
    return n;
}

/* `p` at the backslash of \uXXXX. A pair of surrogates is taken whole, a lone one mended. */
static const char *unicode_read(struct reader *r, const char *p)
{
    int32_t unit = hex4(p + 2, r->end);

    if (unit < 0)
        return fault_at(r, p, "\\u without four hex digits");
    if (unit < 0xd800 || unit > 0xdfff)
        return p + 6;
    if (unit < 0xdc00 && r->end - p >= 12 && p[6] == '\\' && p[7] == 'u') {
        int32_t low = hex4(p + 8, r->end);

        if (low >= 0xdc00 && low <= 0xdfff)
            return p + 12;
    }
    r->surrogates++;
    if (r->mend != NULL)
        memcpy(r->mend + (p - r->start), "\\ufffd", 6);
    return p + 6;
}

static inline const char *escape_read(struct reader *r, const char *p)
{
    if (r->end - p < 2)
        return fault_at(r, r->end, "a string without closing quote");
    switch (p[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return p + 2;
    case 'u':
        return unicode_read(r, p);
    default:
        return fault_at(r, p, "an unknown escape");
    }
}

/* A run of characters outside ASCII: where text has one, it mostly has more. */
static inline const char *foreign_read(struct reader *r, const char *p)
{
    bool valid;

    do {
        unsigned n = scan_character(p, r->end, &valid);

        if (!valid)
            return fault_at(r, p, "invalid UTF-8");
        p += n;
    } while (p < r->end && (*p & 0x80) != 0);
    return p;
}

/* From the first byte that is not plain up to the closing quote. */
__attribute__((noinline)) static const char *string_go_on(struct reader *r, const char *p,
                                                          unsigned *flags)
{
    while (p < r->end && *p != '"') {
        if (*p == '\\') {
            *flags |= JSON_ESCAPED;
            p = escape_read(r, p);
        } else if ((*p & 0x80) != 0) {
            p = foreign_read(r, p);
        } else {
            return fault_at(r, p, "a control byte in a string");
        }
        if (p == NULL)
            return NULL;
        p = scan_plain(p, r->end);
    }
    return p < r->end ? p : fault_at(r, p, "a string without closing quote");
}

size_t json_inside_len(struct str text)
{
    struct json_fault fault;
    struct reader r = { .start = text.at, .end = text.at + text.len, .fault = &fault };
    const char *p = text.len > 0 ? scan_plain(r.start, r.end) : r.end;
    unsigned flags = 0;

    if (p == r.end)
        return SIZE_MAX;
    if (*p != '"')
        p = string_go_on(&r, p, &flags);
    return p != NULL && r.surrogates == 0 ? (size_t)(p - r.start) : SIZE_MAX;
}

__attribute__((noinline)) static void string_notice(struct reader *r, const char *at, size_t len)
{
    for (size_t i = 0; i < r->notice_count && len >= JSON_NOTICE_MIN; i++)
        if (memcmp(at, r->notice[i], JSON_NOTICE_BYTES) == 0)
            r->noticed = true;
}

/* A string that does not end in its first block, or that holds more than plain bytes: its closing
 * quote. */
__attribute__((noinline)) static const char *string_long(struct reader *r, const char *at,
                                                         unsigned *flags)
{
    const char *end = scan_plain(at, r->end);

    *flags = 0;
    return end < r->end && *end == '"' ? end : string_go_on(r, end, flags);
}

/* Most strings are keys and short words: those take the short way, and no call. */
INLINE bool string_read(struct reader *r, struct walk *w)
{
    const char *at = w->p + 1, *end = at;
    uint64_t hits = at <= w->block_last ? scan_bits(scan_hit_plain(at)) : 0;
    unsigned flags;

    if (hits != 0)
        end += scan_first(hits);
    if (hits != 0 && *end == '"') {
        if ((w->notice_first & UINT64_C(1) << (size_t)(*at & 63)) != 0)
            string_notice(r, at, (size_t)(end - at));
        w->p = end + 1;
        return node_add(r, w, at, (size_t)(end - at), JSON_STRING, 0);
    }
    end = string_long(r, at, &flags);
    if (end == NULL)
        return false;
    if ((w->notice_first & UINT64_C(1) << (size_t)(*at & 63)) != 0)
        string_notice(r, at, (size_t)(end - at));
    w->p = end + 1;
    return node_add(r, w, at, (size_t)(end - at), JSON_STRING, flags);
}

/* --- numbers and words --- */

__attribute__((cold, noinline)) static const char *no_digit(struct reader *r, const char *p)
{
    return p == r->end ? text_ends(r) : fault_at(r, p, "a digit is missing in a number");
}

INLINE const char *digits_pass(const char *p)
{
    while ((uint8_t)(*p - '0') <= 9)
        p++;
    return p;
}

/* Behind the digits at `p`; NULL: there is none. */
static const char *digits_read(struct reader *r, const char *p)
{
    const char *end = digits_pass(p);

    return end > p ? end : no_digit(r, p);
}

/* Point and exponent of a number, if it has them, from behind its whole part. */
__attribute__((noinline)) static const char *fraction_read(struct reader *r, const char *p)
{
    if (*p == '.')
        p = digits_read(r, p + 1);
    if (p != NULL && (*p == 'e' || *p == 'E')) {
        p++;
        p = digits_read(r, p + (*p == '+' || *p == '-'));
    }
    return p;
}

/* What somebody may have meant who wrote this where a value must start. */
static const struct {
    const char *head, *what;
} mistakes[] = {
    { "'", "a single quote where a double one belongs" },
    { "/", "comments are no JSON" },
    { "#", "comments are no JSON" },
    { "NaN", "NaN and Infinity are no JSON" },
    { "Inf", "NaN and Infinity are no JSON" },
    { "+", "a number with a plus sign" },
    { ".", "a number without a digit before its point" },
    { ",", "a value is missing" },
    { ":", "a value is missing" },
    { "]", "a value is missing" },
    { "}", "a value is missing" },
    { "", "not a JSON value" },
};

__attribute__((cold, noinline)) static const char *not_a_value(struct reader *r, const char *p)
{
    struct str rest = { p, (size_t)(r->end - p) };
    size_t i = 0;

    while (!str_starts(rest, str_c(mistakes[i].head)))
        i++;
    return fault_at(r, p, mistakes[i].what);
}

INLINE bool number_add(struct reader *r, struct walk *w, const char *end, unsigned flags)
{
    const char *at = w->p;

    if (end - at > JSON_NUMBER_MAX)
        return fault_at(r, at + JSON_NUMBER_MAX, "a number longer than allowed") != NULL;
    w->p = end;
    return node_add(r, w, at, (size_t)(end - at), JSON_NUMBER, flags);
}

/* `w->p` at a minus or a digit, or at a byte between them. */
INLINE bool number_read(struct reader *r, struct walk *w)
{
    const char *at = w->p, *whole = at + (*at == '-'), *p = digits_pass(whole);

    if (p == whole)
        return (*at == '-' ? no_digit(r, p) : not_a_value(r, at)) != NULL;
    if (*whole == '0' && p - whole > 1)
        return fault_at(r, whole, "a number with a leading zero") != NULL;
    if (*p == '.' || *p == 'e' || *p == 'E') {
        p = fraction_read(r, p);
        return p != NULL && number_add(r, w, p, 0);
    }
    return number_add(r, w, p, JSON_INTEGER);
}

INLINE bool word_read(struct reader *r, struct walk *w, struct str word, enum json_type type)
{
    struct str rest = { w->p, (size_t)(r->end - w->p) };

    if (str_starts(rest, word)) {
        w->p += word.len;
        return node_add(r, w, rest.at, word.len, type, 0);
    }
    return (str_starts(word, rest) ? text_ends(r) : not_a_value(r, w->p)) != NULL;
}

/* --- containers --- */

__attribute__((noinline)) static const char *blanks_many(const char *p)
{
    while (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')
        p++;
    return p;
}

/* Blanks, where it is known that something stands behind them: mostly none, or a single one. */
INLINE const char *blanks_pass(const char *p)
{
    if ((uint8_t)*p > ' ')
        return p;
    if (*p == ' ' && (uint8_t)p[1] > ' ')
        return p + 1;
    return blanks_many(p);
}

/* A closing bracket where a name or an element belongs: the comma in front of it is one too many.
 */
__attribute__((cold, noinline)) static const char *trailing_comma(struct reader *r, const char *p)
{
    do
        p--;
    while (*p != ',');
    return fault_at(r, p, "trailing comma");
}

__attribute__((cold, noinline)) static const char *no_name(struct reader *r, const char *p)
{
    if (p == r->end)
        return text_ends(r);
    if (*p == '}')
        return trailing_comma(r, p);
    return fault_at(r, p, "a member's name in double quotes is missing");
}

/* `closer` is that of the container around the value. */
__attribute__((cold, noinline)) static const char *no_value(struct reader *r, const char *p,
                                                            char closer)
{
    if (p == r->end)
        return text_ends(r);
    if (*p == ']' && closer == ']')
        return trailing_comma(r, p);
    return not_a_value(r, p);
}

__attribute__((cold, noinline)) static const char *no_colon(struct reader *r, const char *p)
{
    return p == r->end ? text_ends(r) : fault_at(r, p, "a colon is missing");
}

__attribute__((cold, noinline)) static const char *no_separator(struct reader *r, const char *p)
{
    if (p == r->end)
        return text_ends(r);
    if (*p == ']' || *p == '}')
        return fault_at(r, p, "the wrong closing bracket");
    return fault_at(r, p, "a comma or a closing bracket is missing");
}

/* The name of a member, and the colon behind it: up to the first byte of its value. */
INLINE bool key_read(struct reader *r, struct walk *w)
{
    if (*w->p != '"')
        return no_name(r, w->p) != NULL;
    if (!string_read(r, w))
        return false;
    if (*w->p != ':') {
        w->p = blanks_pass(w->p);
        if (*w->p != ':')
            return no_colon(r, w->p) != NULL;
    }
    w->p = blanks_pass(w->p + 1);
    return true;
}

/* `w->p` at the opening bracket. Goes as far as the first byte that is no blank behind it. */
INLINE bool container_open(struct reader *r, struct walk *w)
{
    char opener = *w->p;
    struct level *level = w->top + 1;

    if (w->top == r->last)
        return fault_at(r, w->p, "nested deeper than allowed") != NULL;
    if (!node_add(r, w, w->p, 1, opener == '{' ? JSON_OBJECT : JSON_ARRAY, 0))
        return false;
    level->node = w->top > r->kept ? JSON_NONE : w->count - 1;
    level->children = 0;
    level->closer = (char)(opener + 2); /* of both kinds, in ASCII */
    w->top = level;
    w->p = blanks_pass(w->p + 1);
    return true;
}

/* Folded is what has children that were not kept, or would not have been. */
INLINE void container_close(struct reader *r, struct walk *w)
{
    const struct level *level = w->top;

    w->p++;
    w->top--;
    if (level->node != JSON_NONE) {
        struct json_node *node = &r->nodes[level->node];

        node->len = (uint32_t)(w->p - w->start) - node->at;
        node->next = w->count;
        node->count = (uint16_t)(level->children < UINT16_MAX ? level->children : UINT16_MAX);
        if (level > r->kept)
            node->flags = JSON_FOLDED;
    }
}

enum read {
    READ_FAULT,
    READ_VALUE, /* a whole one, or a container whose closing bracket comes at once */
    READ_NEXT,  /* a comma, or an opening bracket: an element or a member comes */
    READ_ALL,   /* the root is whole */
};

/* A value, or an opening bracket. */
INLINE enum read value_read(struct reader *r, struct walk *w)
{
    char c = *w->p;

    if (c == '"')
        return string_read(r, w) ? READ_VALUE : READ_FAULT;
    if ((uint8_t)(c - '-') <= '9' - '-')
        return number_read(r, w) ? READ_VALUE : READ_FAULT;
    if (c == '{' || c == '[') {
        if (!container_open(r, w))
            return READ_FAULT;
        return *w->p == w->top->closer ? READ_VALUE : READ_NEXT;
    }
    switch (c) {
    case 't':
        return word_read(r, w, STR("true"), JSON_TRUE) ? READ_VALUE : READ_FAULT;
    case 'f':
        return word_read(r, w, STR("false"), JSON_FALSE) ? READ_VALUE : READ_FAULT;
    case 'n':
        return word_read(r, w, STR("null"), JSON_NULL) ? READ_VALUE : READ_FAULT;
    default:
        (void)no_value(r, w->p, w->top->closer);
        return READ_FAULT;
    }
}

/* Behind a value: passes the comma, or closes what ends here; up to the next byte that counts. */
INLINE enum read value_end(struct reader *r, struct walk *w)
{
    w->p = blanks_pass(w->p);
    if (*w->p == ',' && w->top->closer != '\0') {
        w->p = blanks_pass(w->p + 1);
        return READ_NEXT;
    }
    if (w->top->closer == '\0')
        return READ_ALL;
    if (*w->p != w->top->closer) {
        (void)no_separator(r, w->p);
        return READ_FAULT;
    }
    container_close(r, w);
    if (w->p < r->last_end)
        return READ_VALUE;
    if (w->top->closer == '\0')
        return READ_ALL;
    (void)text_ends(r);
    return READ_FAULT;
}

/* All of the text but the blanks behind it. Gives how many nodes it has; 0: a fault. */
static uint32_t root_read(struct reader *r)
{
    struct walk w = {
        .p = scan_blanks(r->start, r->end),
        .start = r->start,
        .block_last = r->end - r->start >= SCAN_BLOCK ? r->end - SCAN_BLOCK : NULL,
        .top = r->levels,
    };
    enum read got;

    for (size_t i = 0; i < r->notice_count; i++)
        w.notice_first |= UINT64_C(1) << (r->notice[i][0] & 63);
    if (w.p == r->end)
        return fault_at(r, w.p, "no value at all") != NULL;
    if (str_starts((struct str){ w.p, (size_t)(r->end - w.p) }, STR("\xef\xbb\xbf")))
        return fault_at(r, w.p, "a byte order mark") != NULL;
    do {
        w.top->children++;
        if (w.top->closer == '}' && !key_read(r, &w))
            return 0;
        got = value_read(r, &w);
        while (got == READ_VALUE)
            got = value_end(r, &w);
        if (got == READ_FAULT)
            return 0;
    } while (got != READ_ALL);

    w.p = scan_blanks(w.p, r->end);
    if (w.p != r->end)
        return fault_at(r, w.p, "bytes behind the end of the value") != NULL;
    return w.count;
}

/* The text as root_read() wants it: one that does not end with a closing bracket is copied, with a
 * NUL behind it. Such a text is a number, a string or a word, or it is broken. */
static uint32_t text_read(struct reader *r)
{
    size_t len = (size_t)(r->end - r->start);
    char *copy;
    uint32_t count;

    while (r->last_end > r->start && scan_blanks(r->last_end - 1, r->last_end) == r->last_end)
        r->last_end--;
    if (r->last_end > r->start && (r->last_end[-1] == '}' || r->last_end[-1] == ']'))
        return root_read(r);
    copy = must_alloc(len + 1);
    memcpy(copy, r->start, len);
    copy[len] = '\0';
    r->start = copy;
    r->end = r->last_end = copy + len;
    count = root_read(r);
    free(copy);
    return count;
}

static uint32_t limit_or(uint32_t asked, uint32_t most)
{
    return asked == 0 || asked > most ? most : asked;
}

bool json_parse(struct json *doc, struct str text, const struct json_limits *limits,
                struct arena *a, struct json_fault *fault)
{
    static const struct json_limits usual = { 0 };
    struct level levels[JSON_DEPTH_MAX + 1];
    struct json_fault unasked;
    const struct json_limits *l = limits != NULL ? limits : &usual;
    const char *start = text.len > 0 ? text.at : "";
    struct reader r = {
        /* each member by its name: to clear what is left takes longer */
        .start = start,
        .end = start + text.len,
        .last_end = start + text.len,
        .nodes = NULL,
        .cap = 0,
        .surrogates = 0,
        .noticed = false,
        .kept = NULL,
        .nodes_left = limit_or(l->nodes_max, JSON_NODES_MAX),
        .levels = levels,
        .last = levels + limit_or(l->depth_max, JSON_DEPTH_MAX),
        .kept_then = levels + limit_or(l->depth_kept, JSON_DEPTH_MAX),
        .nodes_kept = l->nodes_kept,
        .mend = l->mend,
        .arena = a,
        .notice = l->notice,
        .notice_count = l->notice_count,
        .fault = fault != NULL ? fault : &unasked,
    };

    assert(l->depth_max <= JSON_DEPTH_MAX);
    assert(l->nodes_max <= JSON_NODES_MAX);
    assert(l->mend == NULL || l->mend == text.at);
    if (text.len >= UINT32_MAX)
        return limit_at(&r, r.start, "a text of 4 GiB or more") != NULL;

    levels[0] = (struct level){ .node = JSON_NONE };

    uint32_t count = text_read(&r);

    if (count == 0)
        return false;
    assert(r.nodes[0].next == count);
    (void)arena_resize(a, r.nodes, r.cap * sizeof(r.nodes[0]), count * sizeof(r.nodes[0]));
    doc->text = text;
    doc->nodes = r.nodes;
    doc->count = count;
    doc->surrogates = r.surrogates;
    doc->noticed = r.noticed;
    return true;
}

void json_fault_place(struct json_fault *fault, struct str text)
{
    struct str before = str_take(text, fault->at), tail;
    uint32_t line = 1;

    for (struct str head; str_cut(before, '\n', &head, &tail); before = tail)
        line++;
    fault->line = line;
    fault->col = (uint32_t)before.len + 1;
}
