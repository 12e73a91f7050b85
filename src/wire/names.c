/* wire/names.c - one map per request, made by sorting, so that a request with a hundred thousand
 * tools costs no more per tool than one with ten. */
#include "wire/names.h"

#include <stdlib.h>

#include "base/fingerprint.h"

/* What the provider documents say of function names and call ids:
 *   OpenAI      name [A-Za-z0-9_-]{1,64}; tool_call_id at most 40 on chat, call_id 64 on responses
 *   Anthropic   name [a-zA-Z0-9_-]{1,128}; tool_use id [a-zA-Z0-9_-]+
 *   Gemini      name starts with a letter or _, then [A-Za-z0-9_.:-], 64 on every surface; ids are
 *               opaque strings. Cloud Code serves Claude models too, so its ids are held to both.
 */
static const struct {
    uint32_t name_max, id_max;
    bool dots;       /* `.` and `:` in names */
    bool first_word; /* a name begins with a letter or _ */
    bool id_word;    /* ids are [A-Za-z0-9_-] */
} rules[WIRES] = {
    [WIRE_OPENAI_CHAT] = { 64, 40, false, false, false },
    [WIRE_OPENAI_RESPONSES] = { 64, 64, false, false, false },
    [WIRE_ANTHROPIC] = { 128, 64, false, false, true },
    [WIRE_GEMINI] = { 64, 64, true, true, false },
    [WIRE_CLOUDCODE] = { 64, 64, true, true, true },
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_alnum(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9');
}

static bool is_word(char c)
{
    return is_alnum(c) || c == '_' || c == '-';
}

static bool name_char_fits(enum wire wire, char c)
{
    return is_word(c) || (rules[wire].dots && (c == '.' || c == ':'));
}

static bool name_begins_well(enum wire wire, struct str name)
{
    return !rules[wire].first_word || is_letter(name.at[0]) || name.at[0] == '_';
}

static bool name_fits(enum wire wire, struct str name)
{
    if (name.len == 0 || name.len > rules[wire].name_max || !name_begins_well(wire, name))
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (!name_char_fits(wire, name.at[i]))
            return false;
    return true;
}

/* --- hashes as text ---------------------------------------------------------------------------*/

/* `count` letters and digits from the fingerprint, and from as many more as it takes. */
static void put_base62(char *to, size_t count, struct fingerprint f)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    unsigned __int128 value = (unsigned __int128)f.lane[1] << 64 | f.lane[0];

    for (size_t i = 0; i < count; i++) {
        if (i > 0 && i % 21 == 0) { /* 62^21 < 2^128 */
            fingerprint_add(&f, STR("more"));
            value = (unsigned __int128)f.lane[1] << 64 | f.lane[0];
        }
        to[i] = digits[value % 62];
        value /= 62;
    }
}

static struct str derived_id(struct fingerprint f, struct arena *a)
{
    char *at = arena_alloc_raw(a, 27);

    memcpy(at, "call_", 5);
    put_base62(at + 5, 22, f);
    return (struct str){ at, 27 };
}

/* --- ids --------------------------------------------------------------------------------------*/

static bool id_fits(enum wire wire, struct str id, uint32_t exact)
{
    if (exact > 0 ? id.len != exact : id.len > rules[wire].id_max)
        return false;
    for (size_t i = 0; i < id.len; i++) {
        char c = id.at[i];

        if (exact > 0 ? !is_alnum(c) : rules[wire].id_word ? !is_word(c) : c <= ' ' || c > '~')
            return false;
    }
    return true;
}

struct str call_id_for(enum wire wire, struct str id, uint32_t exact, struct arena *a)
{
    struct fingerprint f = { 0 };

    if (id.len == 0 || id_fits(wire, id, exact))
        return id;
    fingerprint_add(&f, id);
    if (exact == 0)
        return derived_id(f, a);
    char *at = arena_alloc_raw(a, exact);

    put_base62(at, exact, f);
    return (struct str){ at, exact };
}

struct str call_id_made(struct str name, uint64_t message, uint64_t ordinal, struct arena *a)
{
    struct fingerprint f = { 0 };
    uint64_t where[2] = { message, ordinal };

    fingerprint_add(&f, name);
    fingerprint_add(&f, (struct str){ (const char *)where, sizeof where });
    return derived_id(f, a);
}

/* --- names ------------------------------------------------------------------------------------*/

struct entry {
    struct str name, name_space;
    struct str wire;
    uint32_t index; /* in the map */
    bool settled;   /* `wire` is its own, whoever else would like it */
};

struct entries {
    struct entry *at;
    uint32_t count, cap;
    struct arena *a;
};

static void entries_add(struct entries *e, struct str name_space, struct str name)
{
    if (name.len == 0)
        return;
    if (e->count == e->cap) {
        struct entry *more = arena_array(e->a, struct entry, e->cap * 2 + 16);

        if (e->count > 0)
            memcpy(more, e->at, sizeof *more * e->count);
        e->at = more;
        e->cap = e->cap * 2 + 16;
    }
    e->at[e->count++] = (struct entry){ .name = name, .name_space = name_space };
}

static int by_client(const void *one, const void *two)
{
    const struct entry *x = one, *y = two;
    int names = str_cmp(x->name, y->name);

    return names != 0 ? names : str_cmp(x->name_space, y->name_space);
}

static int by_proposal(const void *one, const void *two)
{
    const struct entry *x = one, *y = two;
    int names = str_cmp(x->wire, y->wire);

    if (names != 0)
        return names;
    if (x->settled != y->settled)
        return x->settled ? -1 : 1;
    return by_client(one, two);
}

static int by_index(const void *one, const void *two)
{
    const struct entry *x = one, *y = two;

    return x->index < y->index ? -1 : x->index > y->index;
}

/* Everything in the request that names a tool, each name once, in the order of by_client. */
static void collect(struct entries *e, const struct canon_request *r)
{
    for (const struct tool *t = r->tools; t != NULL; t = t->next)
        entries_add(e, t->name_space, t->name);
    for (const struct message *m = r->messages; m != NULL; m = m->next)
        for (const struct part *p = m->parts; p != NULL; p = p->next)
            if (p->kind == PART_TOOL_CALL)
                entries_add(e, p->call.name_space, p->call.name);
    uint32_t with_space = e->count;

    /* A result and a choice say no namespace: they name a tool that is there, or one of their own.
     */
    for (const struct message *m = r->messages; m != NULL; m = m->next)
        for (const struct part *p = m->parts; p != NULL; p = p->next)
            if (p->kind == PART_TOOL_RESULT)
                entries_add(e, STR(""), p->result.name);
    for (size_t i = 0; i < r->choice.name_count; i++)
        entries_add(e, STR(""), r->choice.names[i]);
    if (e->count == 0)
        return;
    for (uint32_t i = with_space; i < e->count; i++)
        e->at[i].settled = true; /* for a moment: it may go when another has its name */
    qsort(e->at, e->count, sizeof *e->at, by_client);
    uint32_t kept = 0;

    for (uint32_t i = 0; i < e->count;) {
        uint32_t end = i;
        bool declared = false;

        while (end < e->count && str_eq(e->at[end].name, e->at[i].name))
            declared = !e->at[end++].settled || declared;
        for (; i < end; i++) {
            bool same = kept > 0 && by_client(&e->at[kept - 1], &e->at[i]) == 0;

            if (!same && !(declared && e->at[i].settled))
                e->at[kept++] = e->at[i];
        }
    }
    e->count = kept;
    for (uint32_t i = 0; i < kept; i++)
        e->at[i].settled = false;
}

/* Without looking at others: illegal bytes become `_`, and what is too long ends in a hash. */
static struct str fit(enum wire wire, struct str name, struct arena *a)
{
    static const char hex[] = "0123456789abcdef";
    size_t most = rules[wire].name_max;
    struct fingerprint f = { 0 };

    if (name_fits(wire, name))
        return name;
    bool lead =
        name.len == 0 || !(name_begins_well(wire, name) || !name_char_fits(wire, name.at[0]));
    size_t len = name.len + lead;
    bool hashed = len > most;
    char *at = arena_alloc_raw(a, hashed ? most : len);
    size_t keep = hashed ? most - 9 : len;

    for (size_t i = 0; i < keep; i++) {
        char c = lead && i == 0 ? '_' : name.at[i - lead];

        at[i] = name_char_fits(wire, c) ? c : '_';
    }
    if (hashed) {
        fingerprint_add(&f, name);
        at[keep] = '_';
        for (size_t i = 0; i < 8; i++)
            at[keep + 1 + i] = hex[f.lane[0] >> (i * 4) & 15];
        keep = most;
    }
    return (struct str){ at, keep };
}

/* The name with its namespace in front, as far as the wire has no other place for it. */
static struct str full_name(const struct entry *e, enum wire wire, struct arena *a)
{
    bool joint = str_ends(e->name_space, STR("__"));

    if (e->name_space.len == 0 || wire == WIRE_OPENAI_RESPONSES)
        return e->name;
    return arena_printf(a, "%.*s%s%.*s", (int)e->name_space.len, e->name_space.at,
                        joint ? "" : "__", (int)e->name.len, e->name.at);
}

/* With a hash of the whole, so that two names do not meet: `round` makes another one each time. */
static struct str fit_apart(const struct entry *e, enum wire wire, uint32_t round, struct arena *a)
{
    struct fingerprint f = { 0 };

    fingerprint_add(&f, e->name_space);
    fingerprint_add(&f, e->name);
    for (uint32_t i = 1; i < round; i++)
        fingerprint_add(&f, STR("again"));
    struct str body = str_take(fit(wire, full_name(e, wire, a), a), rules[wire].name_max - 9);

    return arena_printf(a, "%.*s_%08x", (int)body.len, body.at, (unsigned)f.lane[0]);
}

/* In each group that wants one name the first keeps it: one whose own spelling it is, if any.
 * True when others were left without. */
static bool settle(struct entries *e, enum wire wire, uint32_t round)
{
    bool left = false;

    qsort(e->at, e->count, sizeof *e->at, by_proposal);
    for (uint32_t i = 0; i < e->count; i++) {
        bool first = i == 0 || !str_eq(e->at[i].wire, e->at[i - 1].wire);
        /* with namespaces of its own the wire tells equal names apart */
        bool apart =
            !first && wire == WIRE_OPENAI_RESPONSES && str_eq(e->at[i].name, e->at[i - 1].name);

        if (first || apart || e->at[i].settled)
            e->at[i].settled = true;
        else
            left = true;
    }
    for (uint32_t i = 0; left && i < e->count; i++)
        if (!e->at[i].settled)
            e->at[i].wire = fit_apart(&e->at[i], wire, round, e->a);
    return left;
}

#define ROUNDS 8 /* of hashes that met; each is one in four thousand million */

/* Most requests: no namespace, and every name is one the wire takes. */
static bool all_fit(const struct canon_request *r, enum wire wire)
{
    for (const struct tool *t = r->tools; t != NULL; t = t->next)
        if (t->name_space.len > 0 || !name_fits(wire, t->name))
            return false;
    for (const struct message *m = r->messages; m != NULL; m = m->next)
        for (const struct part *p = m->parts; p != NULL; p = p->next)
            if ((p->kind == PART_TOOL_CALL &&
                 (p->call.name_space.len > 0 || !name_fits(wire, p->call.name))) ||
                (p->kind == PART_TOOL_RESULT && p->result.name.len > 0 &&
                 !name_fits(wire, p->result.name)))
                return false;
    for (size_t i = 0; i < r->choice.name_count; i++)
        if (!name_fits(wire, r->choice.names[i]))
            return false;
    return true;
}

void names_make(struct name_map *m, const struct canon_request *r, enum wire wire, struct arena *a)
{
    struct entries e = { .a = a };
    uint32_t round = 1;

    *m = (struct name_map){ 0 };
    if (all_fit(r, wire))
        return;
    collect(&e, r);
    if (e.count == 0)
        return;
    for (uint32_t i = 0; i < e.count; i++) {
        struct str full = full_name(&e.at[i], wire, a);

        e.at[i].index = i;
        e.at[i].wire = fit(wire, full, a);
        e.at[i].settled = str_eq(e.at[i].wire, e.at[i].name) && e.at[i].name_space.len == 0;
    }
    while (settle(&e, wire, round) && round < ROUNDS)
        round++;
    m->pairs = arena_array(a, struct name_pair, e.count);
    m->by_wire = arena_array(a, uint32_t, e.count);
    m->count = e.count;
    for (uint32_t i = 0; i < e.count; i++)
        m->by_wire[i] = e.at[i].index;
    qsort(e.at, e.count, sizeof *e.at, by_index);
    for (uint32_t i = 0; i < e.count; i++)
        m->pairs[i] = (struct name_pair){ e.at[i].name, e.at[i].name_space, e.at[i].wire };
}

struct str names_to_wire(const struct name_map *m, struct str name_space, struct str name)
{
    uint32_t low = 0, high = m->count;

    while (low < high) { /* the first that is not before (name, name_space) */
        uint32_t mid = low + (high - low) / 2;
        int order = str_cmp(m->pairs[mid].client, name);

        if (order == 0)
            order = str_cmp(m->pairs[mid].name_space, name_space);
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    if (low < m->count && str_eq(m->pairs[low].client, name) &&
        (name_space.len == 0 || str_eq(m->pairs[low].name_space, name_space)))
        return m->pairs[low].wire;
    return name;
}

struct str names_to_client(const struct name_map *m, struct str wire_name, struct str *name_space)
{
    uint32_t low = 0, high = m->count;

    if (name_space != NULL)
        *name_space = STR("");
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (str_cmp(m->pairs[m->by_wire[mid]].wire, wire_name) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == m->count || !str_eq(m->pairs[m->by_wire[low]].wire, wire_name))
        return wire_name;
    const struct name_pair *found = &m->pairs[m->by_wire[low]];

    if (name_space != NULL)
        *name_space = found->name_space;
    return found->client;
}
