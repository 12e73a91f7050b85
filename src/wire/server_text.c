/* wire/server_text.c - what a provider's own tools asked and found, in words for another one:
 * `[web_search] capital of Norway`, then titles and addresses. Encrypted bodies say nothing to
 * others and are left out. */
#include "wire/prepare.h"

#define SERVER_TEXT_MAX 4096 /* bytes */
#define SERVER_DEPTH 12

/* Members whose texts a reader would want to see. */
static const struct str telling[] = { { "query", 5 },  { "queries", 7 },     { "url", 3 },
                                      { "uri", 3 },    { "title", 5 },       { "code", 4 },
                                      { "output", 6 }, { "stdout", 6 },      { "stderr", 6 },
                                      { "text", 4 },   { "error_code", 10 }, { "tool_name", 9 } };

struct telling_text {
    struct buf out;
    const struct json *doc;
};

static void tell(struct telling_text *t, uint32_t node)
{
    struct str inside = json_inside(t->doc, node);

    if (inside.len > 0 && buf_add(&t->out, STR(" ")))
        (void)buf_add(&t->out, inside); /* one that does not fit is left out */
}

static bool is_telling(const struct json *doc, uint32_t key)
{
    for (size_t i = 0; i < COUNT(telling); i++)
        if (json_says(doc, key, telling[i]))
            return true;
    return false;
}

/* Depth is bounded by SERVER_DEPTH: what is deeper is folded. */
static void walk(struct telling_text *t, uint32_t node, bool said)
{
    const struct json *doc = t->doc;
    enum json_type type = json_type(doc, node);

    if (type == JSON_STRING && said) {
        tell(t, node);
        return;
    }
    if (type < JSON_ARRAY || doc->nodes[node].flags & JSON_FOLDED)
        return;
    for (uint32_t i = json_first(doc, node); i != JSON_NONE; i = json_after(doc, node, i)) {
        bool child = said;

        if (type == JSON_OBJECT) {
            child = is_telling(doc, i);
            i = json_after(doc, node, i);
        }
        walk(t, i, child);
    }
}

struct text server_part_text(const struct part *p, struct arena *a)
{
    struct telling_text t;
    struct json doc;
    struct str name = p->opaque.name.len > 0 ? p->opaque.name : p->opaque.type;

    buf_init(&t.out, SERVER_TEXT_MAX);
    t.doc = &doc;
    (void)(buf_add(&t.out, STR("[")) && buf_add(&t.out, str_take(text_from(a, name).escaped, 64)) &&
           buf_add(&t.out, STR("]")));
    if (json_parse(&doc, p->opaque.raw, &(struct json_limits){ .depth_kept = SERVER_DEPTH }, a,
                   NULL))
        walk(&t, 0, false);
    struct str out = arena_copy(a, buf_str(&t.out));

    buf_clear(&t.out);
    return (struct text){ out };
}
