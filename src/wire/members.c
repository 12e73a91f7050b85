#include "wire/members.h"

#include <inttypes.h>

struct str place_member(const struct place *p, const char *name, struct arena *a)
{
    struct str up;

    if (p == NULL)
        return str_c(name);
    up = place_member(p->up, p->name, a);
    if (p->name == NULL)
        up = arena_printf(a, "%.*s[%u]", (int)up.len, up.at, p->index);
    if (name == NULL)
        return up;
    return arena_printf(a, "%.*s%s%s", (int)up.len, up.at, up.len > 0 ? "." : "", name);
}

struct str place_text(const struct place *p, struct arena *a)
{
    return place_member(p, NULL, a);
}

bool members_complain(struct reading *rd, const struct place *p, const char *name,
                      const char *message)
{
    return complain(rd->why, place_member(p, name, rd->a), str_c(message));
}

void members_unread(struct reading *rd, const struct place *p, const char *name)
{
    struct losses *unread = &rd->r->unread;

    if (unread->count >= LOSSES_MAX)
        unread->count++; /* its name would not be kept */
    else
        losses_add(unread, rd->a, place_member(p, name, rd->a), false);
}

/* What is wanted of a member, for a complaint. */
static const char *types_word(uint32_t types)
{
    static const struct {
        uint32_t types;
        const char *word;
    } words[] = {
        { MEMBER_BOOL, "must be true or false" },
        { MEMBER_NUMBER, "must be a number" },
        { MEMBER_STRING, "must be a string" },
        { MEMBER_ARRAY, "must be an array" },
        { MEMBER_OBJECT, "must be an object" },
        { MEMBER_STRING | MEMBER_ARRAY, "must be a string or an array" },
        { MEMBER_STRING | MEMBER_OBJECT, "must be a string or an object" },
    };
    for (size_t i = 0; i < COUNT(words); i++)
        if (words[i].types == types)
            return words[i].word;
    return "is of the wrong type";
}

bool member_type_check(struct reading *rd, uint32_t node, uint32_t types, const struct place *p,
                       const char *name)
{
    if ((types >> json_type(rd->doc, node) & 1) != 0)
        return true;
    return members_complain(rd, p, name, types_word(types));
}

/* Is `snake` the snake_case spelling of `camel`? */
static bool spells(struct str snake, struct str camel)
{
    size_t at = 0;

    for (size_t i = 0; i < camel.len; i++) {
        char c = camel.at[i];

        if (c >= 'A' && c <= 'Z') {
            if (at == snake.len || snake.at[at++] != '_')
                return false;
            c = char_lower(c);
        }
        if (at == snake.len || snake.at[at++] != c)
            return false;
    }
    return at == snake.len;
}

/* str_eq() for a name that mostly is another one of the same length. */
static inline bool is_name(struct str name, struct str rule)
{
    return name.len == rule.len && name.len > 0 && name.at[0] == rule.at[0] &&
           memcmp(name.at, rule.at, name.len) == 0;
}

/* The rule for a key, or `count`. */
static size_t rule_find(const struct reading *rd, uint32_t key, const struct member_rule *rules,
                        size_t count)
{
    const struct json *doc = rd->doc;
    bool plain = (doc->nodes[key].flags & JSON_ESCAPED) == 0;
    struct str name = json_inside(doc, key);
    bool snake = rd->snake && plain && name.len > 0 && memchr(name.at, '_', name.len) != NULL;

    for (size_t i = 0; i < count; i++)
        if (snake   ? spells(name, rules[i].name)
            : plain ? is_name(name, rules[i].name)
                    : json_says(doc, key, rules[i].name))
            return i;
    return count;
}

/* A key of the client as it can stand in a path: decoded, and not too long. */
static const char *key_word(struct reading *rd, uint32_t key)
{
    struct str name;

    if (!json_text(rd->doc, key, rd->a, &name))
        return "";
    for (size_t i = 0; i < name.len; i++)
        if (name.at[i] <= ' ' || name.at[i] == ',' || (unsigned char)name.at[i] >= 0x7f)
            return "?"; /* nothing that could break a header */
    return arena_copy(rd->a, str_take(name, 64)).at;
}

bool members_read(struct reading *rd, uint32_t object, const struct place *p,
                  const struct member_rule *rules, size_t count, uint32_t *nodes)
{
    const struct json *doc = rd->doc;
    uint64_t seen = 0;

    assert(count <= 64);
    for (size_t i = 0; i < count; i++)
        nodes[i] = JSON_NONE;
    for (uint32_t key = json_first(doc, object), value; key != JSON_NONE;
         key = json_after(doc, object, value)) {
        size_t i = rule_find(rd, key, rules, count);

        value = key + 1;
        if (i == count) {
            if (json_type(doc, value) == JSON_NULL)
                continue;
            if (rd->extras)
                canon_add_extra(rd->r, rd->a, place_member(p, key_word(rd, key), rd->a),
                                json_raw(doc, value), false);
            else
                members_unread(rd, p, rd->r->unread.count < LOSSES_MAX ? key_word(rd, key) : NULL);
            continue;
        }
        if ((seen >> i & 1) != 0)
            return members_complain(rd, p, rules[i].name.at,
                                    "stands in the request more than once");
        seen |= UINT64_C(1) << i;
        if (json_type(doc, value) == JSON_NULL)
            continue;
        if (!member_type_check(rd, value, rules[i].types, p, rules[i].name.at))
            return false;
        nodes[i] = value;
    }
    return true;
}

/* --- values -----------------------------------------------------------------------------------*/

struct str member_str(struct reading *rd, uint32_t node)
{
    struct str s = STR("");

    if (node != JSON_NONE)
        (void)json_text(rd->doc, node, rd->a, &s);
    return s;
}

struct text member_text(struct reading *rd, uint32_t node)
{
    return node == JSON_NONE ? TEXT_EMPTY : text_of(rd->doc, node);
}

struct str member_raw(struct reading *rd, uint32_t node)
{
    return node == JSON_NONE ? STR("") : json_raw(rd->doc, node);
}

enum tri member_tri(struct reading *rd, uint32_t node)
{
    if (node == JSON_NONE)
        return TRI_UNSET;
    return json_is_true(rd->doc, node) ? TRI_YES : TRI_NO;
}

bool member_integer(struct reading *rd, uint32_t node, const struct place *p, const char *name,
                    int64_t least, int64_t most, int64_t *out)
{
    int64_t n;

    if (node == JSON_NONE)
        return true;
    if (!json_i64(rd->doc, node, &n))
        return members_complain(rd, p, name, "must be a whole number");
    if (n < least || n > most)
        return complain(
            rd->why, place_member(p, name, rd->a),
            most == INT64_MAX
                ? arena_printf(rd->a, "must be at least %" PRId64, least)
                : arena_printf(rd->a, "must be from %" PRId64 " to %" PRId64, least, most));
    *out = n;
    return true;
}
