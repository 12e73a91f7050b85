/* Reading what is on the tape, and walking what was folded. Nothing here checks JSON again: the
 * text has been through json_parse(). */
#include "json.h"
#include "json_scan.h"

struct str json_raw(const struct json *doc, uint32_t node)
{
    struct str s = json_inside(doc, node);

    if (json_type(doc, node) == JSON_STRING)
        s = (struct str){ s.at - 1, s.len + 2 };
    return s;
}

bool json_is_true(const struct json *doc, uint32_t node)
{
    return json_type(doc, node) == JSON_TRUE;
}

uint32_t json_first_kept(const struct json *doc, uint32_t parent)
{
    assert(parent < doc->count);
    return doc->nodes[parent].next > parent + 1 ? parent + 1 : JSON_NONE;
}

uint32_t json_first(const struct json *doc, uint32_t parent)
{
    assert(parent < doc->count);
    assert(!(doc->nodes[parent].flags & JSON_FOLDED));
    return json_first_kept(doc, parent);
}

uint32_t json_after(const struct json *doc, uint32_t parent, uint32_t node)
{
    assert(parent < node && node < doc->count);

    uint32_t next = doc->nodes[node].next;
    return next < doc->nodes[parent].next ? next : JSON_NONE;
}

/* Two texts of one length, mostly a short one: its front and its end may overlap. */
static inline bool is_same(const char *a, const char *b, size_t len)
{
    if (len >= 8)
        return memcmp(a, b, 8) == 0 && memcmp(a + len - 8, b + len - 8, 8) == 0 &&
               (len <= 16 || memcmp(a, b, len) == 0);
    if (len >= 4)
        return memcmp(a, b, 4) == 0 && memcmp(a + len - 4, b + len - 4, 4) == 0;
    return len == 0 || (a[0] == b[0] && a[len / 2] == b[len / 2] && a[len - 1] == b[len - 1]);
}

/* Which of the names a key is that holds an escape, or `count`. */
__attribute__((noinline)) static size_t escaped_find(const struct json *doc, uint32_t key,
                                                     const struct str *names, size_t count)
{
    size_t i = 0;

    while (i < count && !json_says(doc, key, names[i]))
        i++;
    return i;
}

uint32_t json_members_find(const struct json *doc, uint32_t object, const struct str *names,
                           uint32_t *nodes, size_t count, bool nulls)
{
    const struct json_node *all = doc->nodes;
    uint32_t twice = 0;

    assert(count <= 32);
    if (json_type(doc, object) != JSON_OBJECT)
        return 0;
    assert((all[object].flags & JSON_FOLDED) == 0);

    uint32_t end = all[object].next;

    for (uint32_t key = object + 1; key < end; key = all[key + 1].next) {
        const char *text = doc->text.at + all[key].at;
        size_t len = all[key].len, i = 0;

        if ((all[key].flags & JSON_ESCAPED) != 0)
            i = escaped_find(doc, key, names, count);
        else
            while (i < count && (len != names[i].len || !is_same(text, names[i].at, len)))
                i++;
        if (i == count)
            continue;
        twice |= nodes[i] != JSON_NONE ? 1u << i : 0;
        nodes[i] = nulls || all[key + 1].type != JSON_NULL ? key + 1 : JSON_NONE;
    }
    return twice;
}

uint32_t json_member(const struct json *doc, uint32_t object, struct str name, bool *twice)
{
    uint32_t node;
    bool again = json_members(doc, object, &name, &node, 1) != 0;

    if (twice != NULL)
        *twice = again;
    return node;
}

/* Behind the closing quote; `p` behind the opening one. */
__attribute__((noinline)) static const char *string_skip(const char *p, const char *end)
{
    p = scan_quote(p, end);
    while (end - p >= 2 && *p == '\\')
        p = scan_quote(p + 2, end);
    return p < end ? p + 1 : end;
}

/* Behind the bracket that closes `depth` containers, all of them open at `p`. */
static const char *container_skip(const char *p, const char *end, size_t depth)
{
    while ((p = scan_bracket(p, end)) < end) {
        char c = *p++;

        if (c == '"')
            p = string_skip(p, end);
        else if (c == '[' || c == '{')
            depth++;
        else if (--depth == 0)
            return p;
    }
    return end;
}

static bool ends_a_word(char c)
{
    return c == ',' || c == ']' || c == '}' || c == ':' || c == ' ' || c == '\n' || c == '\r' ||
           c == '\t';
}

static const char *value_skip(const char *p, const char *end)
{
    if (*p == '"')
        return string_skip(p + 1, end);
    if (*p == '[' || *p == '{')
        return container_skip(p + 1, end, 1);
    do
        p++;
    while (p < end && !ends_a_word(*p));
    return p;
}

struct json_cursor json_open(struct str raw)
{
    assert(raw.len >= 2);
    assert(raw.at[0] == '[' || raw.at[0] == '{');
    return (struct json_cursor){ .rest = { raw.at + 1, raw.len - 2 } };
}

/* The first byte of the next value, a closing bracket, or `end`. */
static inline const char *cursor_next(const struct json_cursor *c, const char *end)
{
    const char *p = c->rest.at;

    if (p < end && (uint8_t)*p > ' ' && *p != ',' && *p != ':')
        return p;
    p = scan_blanks(p, end);
    if (p < end && (*p == ',' || *p == ':'))
        p = scan_blanks(p + 1, end);
    return p;
}

char json_peek(struct json_cursor *c)
{
    const char *end = c->rest.at + c->rest.len, *p = cursor_next(c, end);

    c->rest = (struct str){ p, (size_t)(end - p) };
    return p < end ? *p : '\0';
}

/* The next value, whatever it is. */
__attribute__((noinline)) static bool any_next(struct json_cursor *c, struct str *raw)
{
    const char *end = c->rest.at + c->rest.len, *p = cursor_next(c, end), *behind = p;

    if (p < end && (*p == ']' || *p == '}'))
        behind = ++p;
    else if (p < end)
        behind = value_skip(p, end);
    c->rest = (struct str){ behind, (size_t)(end - behind) };
    if (behind == p)
        return false;
    *raw = (struct str){ p, (size_t)(behind - p) };
    return true;
}

/* Most are names and short words, which end in their first block. */
bool json_next(struct json_cursor *c, struct str *raw)
{
    const char *p = c->rest.at, *end = p + c->rest.len;

    if (end - p >= 3 + SCAN_BLOCK) {
        p += *p == ',' || *p == ':';
        p += *p == ' ';

        uint64_t hits = *p == '"' ? scan_bits(scan_hit_quote(p + 1)) : 0;
        const char *hit = hits != 0 ? p + 1 + scan_first(hits) : p;

        if (hits != 0 && *hit == '"') {
            *raw = (struct str){ p, (size_t)(hit + 1 - p) };
            c->rest = (struct str){ hit + 1, (size_t)(end - hit - 1) };
            return true;
        }
    }
    return any_next(c, raw);
}

bool json_enter(struct json_cursor *c)
{
    char first = json_peek(c);

    if (first != '[' && first != '{')
        return false;
    c->rest = str_drop(c->rest, 1);
    return true;
}

void json_leave(struct json_cursor *c)
{
    const char *end = c->rest.at + c->rest.len, *p = container_skip(c->rest.at, end, 1);

    c->rest = (struct str){ p, (size_t)(end - p) };
}
