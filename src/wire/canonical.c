#include "wire/canonical.h"

#include "base/json_write.h"

/* --- text -------------------------------------------------------------------------------------*/

struct text text_of(const struct json *doc, uint32_t node)
{
    return (struct text){ json_inside(doc, node) };
}

bool text_is_blank(struct text t)
{
    struct str s = t.escaped;

    while (s.len > 0) {
        if (s.at[0] == ' ' || s.at[0] == '\t') {
            s = str_drop(s, 1);
        } else if (s.at[0] == '\\' && s.len > 1 && strchr("nrtf", s.at[1]) != NULL) {
            s = str_drop(s, 2);
        } else {
            return false;
        }
    }
    return true;
}

/* Does a byte of plain text need an escape inside of a JSON string? */
static bool needs_escape(struct str plain)
{
    for (size_t i = 0; i < plain.len; i++) {
        unsigned char c = (unsigned char)plain.at[i];

        if (c < 0x20 || c == '"' || c == '\\' || c >= 0x80)
            return true; /* what is no ASCII may be no UTF-8 */
    }
    return false;
}

struct text text_from(struct arena *a, struct str plain)
{
    struct buf b;

    if (!needs_escape(plain))
        return (struct text){ plain };
    buf_init(&b, plain.len * 6 + 2);
    bool fits = json_quote(&b, plain);
    assert(fits);
    struct str quoted = arena_copy(a, buf_str(&b));
    buf_clear(&b);
    return (struct text){ { quoted.at + 1, quoted.len - 2 } };
}

struct str text_plain(struct arena *a, struct text t)
{
    struct buf b;

    if (t.escaped.len == 0 || memchr(t.escaped.at, '\\', t.escaped.len) == NULL)
        return t.escaped;
    buf_init(&b, t.escaped.len * 3); /* a lone surrogate grows by nothing, but be generous */
    bool fits = json_unescape(&b, t.escaped);
    assert(fits);
    struct str out = arena_copy(a, buf_str(&b));
    buf_clear(&b);
    return out;
}

struct text text_join(struct arena *a, struct text one, struct text two)
{
    if (text_is_empty(one))
        return two;
    if (text_is_empty(two))
        return one;
    char *at = arena_alloc_raw(a, one.escaped.len + two.escaped.len);

    memcpy(at, one.escaped.at, one.escaped.len);
    memcpy(at + one.escaped.len, two.escaped.at, two.escaped.len);
    return (struct text){ { at, one.escaped.len + two.escaped.len } };
}

/* How many bytes are none that continue a character. */
static int64_t heads_in(struct str s)
{
    const uint64_t each = UINT64_C(0x0101010101010101);
    int64_t n = (int64_t)s.len;
    size_t i = 0;

    for (uint64_t eight; i + 8 <= s.len; i += 8) {
        memcpy(&eight, s.at + i, 8);
        if ((eight & each * 0x80) != 0)
            n -= __builtin_popcountll(eight >> 7 & ~(eight >> 6) & each);
    }
    for (; i < s.len; i++)
        n -= ((unsigned char)s.at[i] & 0xc0) == 0x80;
    return n;
}

int64_t text_points(struct text t)
{
    struct str s = t.escaped;
    int64_t n = heads_in(s);

    for (const char *slash; s.len > 0 && (slash = memchr(s.at, '\\', s.len)) != NULL;) {
        s = str_drop(s, (size_t)(slash - s.at) + 1);
        if (s.len < 5 || s.at[0] != 'u') {
            n--;
            s = str_drop(s, 1);
            continue;
        }
        bool low = char_lower(s.at[1]) == 'd' && strchr("cdef", char_lower(s.at[2])) != NULL;

        n -= 5 + low; /* of a pair the high one is counted */
        s = str_drop(s, 5);
    }
    return n;
}

bool text_data_url(struct text url, struct arena *a, struct text *mime, struct text *data)
{
    struct str head, tail, type;

    if (url.escaped.len < 5 || !str_ieq(str_take(url.escaped, 5), STR("data:")))
        return false;
    if (memchr(url.escaped.at, '\\', url.escaped.len) != NULL) /* `\/`, as PHP writes it */
        url = text_from(a, text_plain(a, url));
    if (!str_cut(str_drop(url.escaped, 5), ',', &head, &tail) || !str_ends(head, STR(";base64")))
        return false;
    (void)str_cut(head, ';', &type, &head);
    *mime = (struct text){ type };
    *data = (struct text){ tail };
    return true;
}

/* --- lists ------------------------------------------------------------------------------------*/

struct message *canon_add_message(struct canon_request *r, struct arena *a, enum role role,
                                  uint32_t at)
{
    struct message *m = arena_new(a, struct message);

    m->role = role;
    m->at = at;
    if (r->last == NULL)
        r->messages = m;
    else
        r->last->next = m;
    r->last = m;
    r->message_count++;
    return m;
}

struct part *part_append(struct part **first, struct part **last, struct arena *a,
                         enum part_kind kind, uint32_t at)
{
    struct part *p = arena_new(a, struct part);

    p->kind = kind;
    p->at = at;
    if (*last == NULL)
        *first = p;
    else
        (*last)->next = p;
    *last = p;
    return p;
}

struct part *message_add(struct message *m, struct arena *a, enum part_kind kind, uint32_t at)
{
    return part_append(&m->parts, &m->last, a, kind, at);
}

struct tool *canon_add_tool(struct canon_request *r, struct arena *a, struct str name, uint32_t at)
{
    struct tool *t = arena_new(a, struct tool);

    t->name = name;
    t->at = at;
    if (r->tools_last == NULL)
        r->tools = t;
    else
        r->tools_last->next = t;
    r->tools_last = t;
    r->tool_count++;
    return t;
}

struct server_tool *canon_add_server_tool(struct canon_request *r, struct arena *a,
                                          enum server_tool_kind kind, struct str type,
                                          struct str raw, uint32_t at)
{
    struct server_tool *t = arena_new(a, struct server_tool);

    *t = (struct server_tool){ .kind = kind, .type = type, .raw = raw, .at = at };
    if (r->server_tools_last == NULL)
        r->server_tools = t;
    else
        r->server_tools_last->next = t;
    r->server_tools_last = t;
    return t;
}

void canon_add_cache_mark(struct canon_request *r, struct arena *a, struct str path)
{
    struct cache_mark *mark;

    if (r->where[FIELD_CACHE_MARKS].len == 0)
        r->where[FIELD_CACHE_MARKS] = path;
    if (r->cache_mark_count == CACHE_MARKS_MAX)
        return;
    mark = arena_new(a, struct cache_mark);
    *mark = (struct cache_mark){ .path = path };
    *(r->cache_marks == NULL ? &r->cache_marks : &r->cache_marks_last->next) = mark;
    r->cache_marks_last = mark;
    r->cache_mark_count++;
}

void canon_add_extra(struct canon_request *r, struct arena *a, struct str path, struct str raw,
                     bool vital)
{
    struct extra *x = arena_new(a, struct extra);

    *x = (struct extra){ .path = path, .raw = raw, .vital = vital };
    if (r->extras_last == NULL)
        r->extras = x;
    else
        r->extras_last->next = x;
    r->extras_last = x;
}

/* --- paths ------------------------------------------------------------------------------------*/

struct str canon_path(const struct canon_request *r, const struct message *m,
                      const struct part *part, struct arena *a)
{
    static const struct {
        const char *list, *parts;
    } names[PROTOCOLS] = {
        [WIRE_OPENAI_CHAT] = { "messages", "content" },
        [WIRE_OPENAI_RESPONSES] = { "input", "content" },
        [WIRE_ANTHROPIC] = { "messages", "content" },
        [WIRE_GEMINI] = { "contents", "parts" },
    };
    static const char *const thinking[] = {
        [0] = "reasoning_content",
        [CHAT_THINKING_REASONING - CHAT_THINKING] = "reasoning",
        [CHAT_THINKING_TEXT - CHAT_THINKING] = "reasoning_text",
        [CHAT_THINKING_DETAILS - CHAT_THINKING] = "reasoning_details",
        [CHAT_THINKING_OPAQUE - CHAT_THINKING] = "reasoning_opaque",
    };
    const char *parts = names[r->protocol].parts;

    assert(r->protocol < PROTOCOLS);
    if (part != NULL && part->home != NULL)
        m = part->home;
    if (r->protocol == WIRE_OPENAI_RESPONSES && part != NULL && part->at != PART_AT_NONE) {
        uint32_t item = part->at >> 12, index = part->at & 0xfff;

        return index == 0 ? arena_printf(a, "input[%u]", item)
                          : arena_printf(a, "input[%u].content[%u]", item, index - 1);
    }
    if (m == NULL || m->at == PART_AT_NONE)
        return r->legacy ? STR("prompt") : str_c(names[r->protocol].list);
    if (part == NULL || part->at == PART_AT_NONE)
        return arena_printf(a, "%s[%u]", names[r->protocol].list, m->at);
    if (r->protocol == WIRE_OPENAI_CHAT && part->at >= CHAT_THINKING)
        return arena_printf(a, "messages[%u].%s", m->at, thinking[part->at - CHAT_THINKING]);
    if (r->protocol == WIRE_OPENAI_CHAT && part->kind == PART_TOOL_CALL)
        parts = "tool_calls";
    return arena_printf(a, "%s[%u].%s[%u]", names[r->protocol].list, m->at, parts, part->at);
}

struct str canon_tool_path(const struct canon_request *r, uint32_t at, struct arena *a)
{
    if (at == PART_AT_NONE) /* openai-chat has no entry for its search */
        return STR("web_search_options");
    if (r->protocol != WIRE_GEMINI)
        return arena_printf(a, r->functions ? "functions[%u]" : "tools[%u]", at);
    uint32_t entry = at >> 12, index = at & 0xfff;

    return index == 0 ? arena_printf(a, "tools[%u]", entry)
                      : arena_printf(a, "tools[%u].functionDeclarations[%u]", entry, index - 1);
}

/* --- arguments --------------------------------------------------------------------------------*/

struct str call_object(const struct tool_call *c, struct arena *a, bool *wrapped)
{
    struct json doc;

    if (wrapped != NULL)
        *wrapped = false;
    if (c->object.len > 0)
        return c->object;
    struct str plain = str_trim(text_plain(a, c->text));

    if (plain.len == 0)
        return STR("{}");
    if (!c->custom && plain.at[0] == '{' &&
        json_parse(&doc, plain, &(struct json_limits){ .depth_kept = 1 }, a, NULL))
        return plain;
    if (wrapped != NULL)
        *wrapped = !c->custom;
    return arena_printf(a, c->custom ? "{\"input\":\"%.*s\"}" : "{\"_raw\":\"%.*s\"}",
                        (int)c->text.escaped.len, c->text.escaped.at);
}

struct text call_text(const struct tool_call *c, struct arena *a)
{
    static const struct str fronts[] = { { "{\"_raw\":\"", 9 } };
    struct json doc;

    if (c->object.len == 0)
        return c->text;
    if (str_starts(c->object, fronts[0]) &&
        json_parse(&doc, c->object, &(struct json_limits){ .depth_kept = 1 }, a, NULL) &&
        doc.nodes[0].count == 1) {
        uint32_t raw = json_member(&doc, 0, STR("_raw"), NULL);

        if (raw != JSON_NONE && json_type(&doc, raw) == JSON_STRING)
            return text_of(&doc, raw);
    }
    return text_from(a, c->object);
}

struct text call_input(struct text arguments, struct arena *a)
{
    struct json doc;
    uint32_t input;

    if (!json_parse(&doc, text_plain(a, arguments), &(struct json_limits){ .depth_kept = 1 }, a,
                    NULL) ||
        json_type(&doc, 0) != JSON_OBJECT)
        return arguments;
    input = json_member(&doc, 0, STR("input"), NULL);
    return input != JSON_NONE && json_type(&doc, input) == JSON_STRING ? text_of(&doc, input)
                                                                       : arguments;
}

struct text parts_text(const struct part *first, struct arena *a)
{
    size_t total = 0, pieces = 0;
    const struct part *only = NULL;
    char *to, *at;

    for (const struct part *p = first; p != NULL; p = p->next)
        if (p->kind == PART_TEXT && !text_is_empty(p->text)) {
            total += p->text.escaped.len + 2;
            pieces++;
            only = p;
        }
    if (pieces == 0)
        return TEXT_EMPTY;
    if (pieces == 1)
        return only->text;
    at = to = arena_alloc_raw(a, total);
    for (const struct part *p = first; p != NULL; p = p->next) {
        if (p->kind != PART_TEXT || text_is_empty(p->text))
            continue;
        if (to > at) {
            memcpy(to, "\\n", 2);
            to += 2;
        }
        memcpy(to, p->text.escaped.at, p->text.escaped.len);
        to += p->text.escaped.len;
    }
    return (struct text){ { at, (size_t)(to - at) } };
}
