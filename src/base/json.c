/* The reader: one loop over the text, with the open containers on a small stack.
 *
 * `p` walks through all functions and comes back as where they stopped, or NULL for a fault already
 * noted, so that it stays in a register. The rest of the state is in struct reader.
 *
 * Folding is the same code without the writing of nodes. What is accepted can therefore not depend
 * on how much is kept. */
#include "json.h"

#include "json_scan.h"

#define TAPE_FIRST 32 /* nodes: enough for one event of a stream */

struct level {
    uint32_t node;  /* its node on the tape; JSON_NONE inside a folded container */
    uint32_t count; /* elements or members begun */
    char closer;
};

struct reader {
    const char *start, *end;
    struct json_node *nodes;
    uint32_t count, cap;
    uint32_t nodes_left; /* how many more may come, folded ones included */
    uint32_t surrogates;
    char *mend;
    /* The innermost open container. levels[0] is none, levels[1] is the root; what lies above `top`
     * was never cleared and means nothing. */
    struct level *top;
    const struct level *levels, *last, *kept; /* bottom, highest allowed, highest on the tape */
    struct arena *arena;
    const char (*notice)[JSON_NOTICE_BYTES];
    size_t notice_count;
    bool noticed;
    uint32_t long_count;
    struct json_long *longs;
    struct json_fault *fault; /* written only when there is one */
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

__attribute__((noinline)) static void tape_grow(struct reader *r)
{
    uint32_t cap = r->cap == 0 ? TAPE_FIRST : r->cap * 2;
    struct json_node *more;

    if (r->cap > 0 &&
        arena_resize(r->arena, r->nodes, r->cap * sizeof(*more), cap * sizeof(*more))) {
        r->cap = cap;
        return;
    }
    more = arena_alloc_raw(r->arena, cap * sizeof(*more));
    if (r->count > 0)
        memcpy(more, r->nodes, r->count * sizeof(*more));
    r->nodes = more;
    r->cap = cap;
}

/* Counts a value or key that began at `at`, and writes its node unless it is inside a folded
 * container. `index` is JSON_NONE then. False: too many. */
static inline bool node_add(struct reader *r, const char *at, const char *end, enum json_type type,
                            unsigned flags, uint32_t *index)
{
    *index = JSON_NONE;
    if (r->nodes_left == 0) {
        (void)limit_at(r, at, "more values than allowed");
        return false;
    }
    r->nodes_left--;
    if (r->top > r->kept)
        return true;
    if (r->count == r->cap)
        tape_grow(r);
    *index = r->count++;
    r->nodes[*index] = (struct json_node){
        .at = (uint32_t)(at - r->start),
        .len = (uint32_t)(end - at),
        .next = *index + 1,
        .type = (uint8_t)type,
        .flags = (uint8_t)flags,
    };
    return true;
}

static inline const char *leaf_add(struct reader *r, const char *at, const char *end,
                                   enum json_type type, unsigned flags)
{
    uint32_t index;

    return node_add(r, at, end, type, flags, &index) ? end : NULL;
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

/* What is kept of a string besides its node. */
__attribute__((noinline)) static void string_note(struct reader *r, const char *at, const char *end,
                                                  unsigned flags)
{
    for (size_t i = 0; i < r->notice_count; i++)
        if (memcmp(at, r->notice[i], JSON_NOTICE_BYTES) == 0)
            r->noticed = true;
    if (end - at >= JSON_LONG_MIN && r->long_count < JSON_LONGS)
        r->longs[r->long_count++] = (struct json_long){
            .at = (uint32_t)(at - r->start),
            .len = (uint32_t)(end - at),
            .escaped = (flags & JSON_ESCAPED) != 0,
        };
}

/* Most strings are keys and short words: those take the short way, and no call. */
__attribute__((always_inline)) static inline const char *string_read(struct reader *r,
                                                                     const char *p)
{
    unsigned flags = 0;
    const char *end = scan_plain(p + 1, r->end);

    if (end == r->end || *end != '"')
        end = string_go_on(r, end, &flags);
    if (end == NULL || leaf_add(r, p + 1, end, JSON_STRING, flags) == NULL)
        return NULL;
    if (end - p > JSON_NOTICE_MIN)
        string_note(r, p + 1, end, flags);
    return end + 1;
}

/* --- numbers and words --- */

/* At least one digit. */
static inline const char *digits_read(struct reader *r, const char *p)
{
    const char *from = p;

    while (p < r->end && *p >= '0' && *p <= '9')
        p++;
    if (p > from)
        return p;
    return p == r->end ? text_ends(r) : fault_at(r, p, "a digit is missing in a number");
}

static inline const char *number_read(struct reader *r, const char *at)
{
    const char *p = at + (*at == '-'), *whole = p;
    unsigned flags = JSON_INTEGER;

    p = digits_read(r, p);
    if (p != NULL && *whole == '0' && p - whole > 1)
        return fault_at(r, whole, "a number with a leading zero");
    if (p != NULL && p < r->end && *p == '.') {
        flags = 0;
        p = digits_read(r, p + 1);
    }
    if (p != NULL && p < r->end && (*p == 'e' || *p == 'E')) {
        flags = 0;
        p++;
        p = digits_read(r, p + (p < r->end && (*p == '+' || *p == '-')));
    }
    if (p != NULL && p - at > JSON_NUMBER_MAX)
        return limit_at(r, at + JSON_NUMBER_MAX, "a number longer than allowed");
    return p == NULL ? NULL : leaf_add(r, at, p, JSON_NUMBER, flags);
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

static const char *word_read(struct reader *r, const char *p, struct str word, enum json_type type)
{
    struct str rest = { p, (size_t)(r->end - p) };

    if (str_starts(rest, word))
        return leaf_add(r, p, p + word.len, type, 0);
    if (str_starts(word, rest))
        return text_ends(r);
    return not_a_value(r, p);
}

/* --- containers --- */

/* A key, and the colon behind it; gives the first byte of the value. */
__attribute__((always_inline)) static inline const char *key_read(struct reader *r, const char *p)
{
    if (p == r->end)
        return text_ends(r);
    if (*p != '"')
        return fault_at(r, p, "a member's name in double quotes is missing");
    p = string_read(r, p);
    if (p == NULL)
        return NULL;
    p = scan_blanks(p, r->end);
    if (p == r->end)
        return text_ends(r);
    if (*p != ':')
        return fault_at(r, p, "a colon is missing");
    return scan_blanks(p + 1, r->end);
}

/* Where the next element or member begins; gives the first byte of its value. */
__attribute__((always_inline)) static inline const char *child_read(struct reader *r, const char *p)
{
    r->top->count++;
    return r->top->closer == '}' ? key_read(r, p) : p;
}

static inline const char *container_close(struct reader *r, const char *p)
{
    const struct level *top = r->top--;

    if (top->node != JSON_NONE) {
        struct json_node *node = &r->nodes[top->node];

        node->len = (uint32_t)(p + 1 - r->start) - node->at;
        node->next = r->count;
        node->count = (uint16_t)(top->count < UINT16_MAX ? top->count : UINT16_MAX);
    }
    return p + 1;
}

/* `p` at the opening bracket. Either the whole container, when it is empty, or as far as the first
 * byte of its first value; `ended` says which. */
static inline const char *container_open(struct reader *r, const char *p, bool *ended)
{
    struct level *top = r->top + 1;
    bool object = *p == '{';

    if (r->top == r->last)
        return limit_at(r, p, "nested deeper than allowed");
    if (!node_add(r, p, p + 1, object ? JSON_OBJECT : JSON_ARRAY,
                  r->top == r->kept ? JSON_FOLDED : 0, &top->node))
        return NULL;
    top->count = 0;
    top->closer = object ? '}' : ']';
    r->top = top;

    p = scan_blanks(p + 1, r->end);
    if (p < r->end && *p == top->closer)
        return container_close(r, p);
    *ended = false;
    return child_read(r, p);
}

/* A value, or the beginning of one: see container_open(). */
static inline const char *value_read(struct reader *r, const char *p, bool *ended)
{
    *ended = true;
    if (p == r->end)
        return text_ends(r);
    switch (*p) {
    case '"':
        return string_read(r, p);
    case '{':
    case '[':
        return container_open(r, p, ended);
    case 't':
        return word_read(r, p, STR("true"), JSON_TRUE);
    case 'f':
        return word_read(r, p, STR("false"), JSON_FALSE);
    case 'n':
        return word_read(r, p, STR("null"), JSON_NULL);
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
        return number_read(r, p);
    default:
        return not_a_value(r, p);
    }
}

__attribute__((cold)) static const char *no_separator(struct reader *r, const char *p)
{
    if (*p == ']' || *p == '}')
        return fault_at(r, p, "the wrong closing bracket");
    return fault_at(r, p, "a comma or a closing bracket is missing");
}

/* Behind a value: closes what ends here and passes the comma, up to the next value's first byte. At
 * the end of the root no container is open. */
static inline const char *value_end(struct reader *r, const char *p)
{
    while (r->top > r->levels) {
        char closer = r->top->closer;

        p = scan_blanks(p, r->end);
        if (p == r->end)
            return text_ends(r);
        if (*p == ',') {
            const char *comma = p;

            p = scan_blanks(p + 1, r->end);
            if (p < r->end && *p == closer)
                return fault_at(r, comma, "trailing comma");
            return child_read(r, p);
        }
        if (*p != closer)
            return no_separator(r, p);
        p = container_close(r, p);
    }
    return p;
}

/* The whole text, blanks around it included. */
static const char *root_read(struct reader *r)
{
    const char *p = scan_blanks(r->start, r->end);
    bool ended;

    if (p == r->end)
        return fault_at(r, p, "no value at all");
    if (str_starts((struct str){ p, (size_t)(r->end - p) }, STR("\xef\xbb\xbf")))
        return fault_at(r, p, "a byte order mark");
    do {
        p = value_read(r, p, &ended);
        if (p != NULL && ended)
            p = value_end(r, p);
        if (p == NULL)
            return NULL;
    } while (r->top > r->levels);

    p = scan_blanks(p, r->end);
    return p == r->end ? p : fault_at(r, p, "bytes behind the end of the value");
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
    struct json_long longs[JSON_LONGS];
    struct json_fault unasked;
    const struct json_limits *l = limits != NULL ? limits : &usual;
    const char *start = text.len > 0 ? text.at : "";
    struct reader r = {
        .start = start,
        .end = start + text.len,
        .nodes_left = limit_or(l->nodes_max, JSON_NODES_MAX),
        .top = levels,
        .levels = levels,
        .last = levels + limit_or(l->depth_max, JSON_DEPTH_MAX),
        .kept = levels + limit_or(l->depth_kept, JSON_DEPTH_MAX),
        .mend = l->mend,
        .arena = a,
        .notice = l->notice,
        .notice_count = l->notice_count,
        .longs = longs,
        .fault = fault != NULL ? fault : &unasked,
    };

    assert(l->depth_max <= JSON_DEPTH_MAX);
    assert(l->nodes_max <= JSON_NODES_MAX);
    assert(l->mend == NULL || l->mend == text.at);

    const char *end =
        text.len < UINT32_MAX ? root_read(&r) : limit_at(&r, r.start, "a text of 4 GiB or more");
    if (end == NULL)
        return false;
    assert(r.count > 0 && r.nodes[0].next == r.count);
    (void)arena_resize(a, r.nodes, r.cap * sizeof(r.nodes[0]), r.count * sizeof(r.nodes[0]));
    doc->text = text;
    doc->nodes = r.nodes;
    doc->count = r.count;
    doc->surrogates = r.surrogates;
    doc->noticed = r.noticed;
    doc->long_count = r.long_count; /* of the others, nothing is said */
    if (r.long_count > 0)
        memcpy(doc->longs, longs, r.long_count * sizeof(longs[0]));
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
