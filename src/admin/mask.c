#include "admin/mask.h"

#include <stdio.h>

#include "base/json.h"
#include "base/map.h"
#include "base/url.h"
#include "base/utf8.h"
#include "io/crypto.h"

#define STARS "***-"
#define MARK_DIGITS 4

/* --- what is private */

enum shown {
    SHOWN,          /* but for e-mail addresses */
    SHOWN_NAMELESS, /* somebody's own words: without names */
    SHOWN_IN_PART,  /* a sentence: without names and addresses */
    HIDDEN,         /* a name */
};

/* Strings that are the value of such a member, also in a list. `in`: only when the next member
 * further out has this name. */
static const struct {
    const char *in, *member;
    enum shown shown;
} members[] = {
    { NULL, "label", HIDDEN },
    { NULL, "account", HIDDEN },
    { NULL, "would_serve", HIDDEN },
    { NULL, "email", HIDDEN },
    { NULL, "identity", HIDDEN },
    { NULL, "imported_from", HIDDEN },
    { NULL, "user", HIDDEN },
    { NULL, "client_key", HIDDEN },
    { NULL, "peer", HIDDEN },
    { NULL, "ip", HIDDEN },
    { NULL, "ips", HIDDEN },
    { NULL, "entries", HIDDEN },
    { "rows", "key", HIDDEN },
    { "total", "key", HIDDEN },
    { "keys", "name", HIDDEN },
    { "client_keys", "name", HIDDEN },
    { "value", "name", HIDDEN }, /* the same as a setting */
    { NULL, "explanation", SHOWN_IN_PART },
    { NULL, "message", SHOWN_IN_PART },
    { NULL, "evidence", SHOWN_IN_PART },
    { NULL, "error", SHOWN_IN_PART },
    { NULL, "note", SHOWN_IN_PART },
    { NULL, "disabled_reason", SHOWN_IN_PART },
    { NULL, "settings_fault", SHOWN_IN_PART },
    { NULL, "fault", SHOWN_IN_PART },
    { NULL, "text", SHOWN_IN_PART },
    { NULL, "why", SHOWN_IN_PART },
};

/* Members of flows and account routes that are read; what else stands there is somebody's own. */
static const char *const read_members[] = { "provider", "model", "flow", "order", "hours" };

static enum shown rule_of(struct str in, struct str member, bool in_routes)
{
    for (size_t i = 0; i < COUNT(members); i++)
        if (str_eq(member, str_c(members[i].member)) &&
            (members[i].in == NULL || str_eq(in, str_c(members[i].in))))
            return members[i].shown;
    for (size_t i = 0; i < COUNT(read_members); i++)
        if (str_eq(member, str_c(read_members[i])))
            return SHOWN;
    return in_routes ? SHOWN_NAMELESS : SHOWN;
}

/* --- one name */

void masks_init(struct masks *m, struct pool *pool)
{
    *m = (struct masks){ .pool = pool };
    random_bytes(m->key, sizeof(m->key));
    int failed = pthread_mutex_init(&m->lock, NULL);

    assert(failed == 0);
}

void masks_set_rules(struct masks *m, const struct exchange_rules *rules)
{
    const struct exchange_rules *old;

    if (rules != NULL)
        rules->owner_ref(rules->owner);
    pthread_mutex_lock(&m->lock);
    old = m->rules;
    m->rules = rules;
    pthread_mutex_unlock(&m->lock);
    if (old != NULL)
        old->owner_unref(old->owner);
}

void masks_clear(struct masks *m)
{
    masks_set_rules(m, NULL);
    pthread_mutex_destroy(&m->lock);
}

/* --- the names that are known: of accounts and client keys */

struct telling {
    void (*fn)(void *peer, struct str name);
    void *peer;
};

static void tell_label(void *peer, const struct account_view *v)
{
    const struct telling *t = peer;

    t->fn(t->peer, str_c(v->label));
}

static void each_name(const struct masks *m, void (*fn)(void *peer, struct str name), void *peer)
{
    struct telling t = { fn, peer };
    pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&m->lock;

    (void)pool_each(m->pool, 0, tell_label, &t);
    pthread_mutex_lock(lock);
    for (size_t i = 0; m->rules != NULL && i < m->rules->door.key_count; i++)
        fn(peer, m->rules->door.keys[i].name);
    pthread_mutex_unlock(lock);
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (unsigned char)c >= 0x80;
}

void mask_put(const struct masks *m, struct str name, struct buf *out)
{
    struct str first = utf8_clip(name, 1);

    for (size_t n = 2; first.len == 0 && n <= 4 && n <= name.len; n++)
        first = utf8_clip(name, n);
    if (first.len > 0 && is_word(first.at[0])) /* no sign that a table would calculate with */
        (void)buf_add(out, first);
    (void)buf_printf(out, STARS "%0*x", MARK_DIGITS,
                     (unsigned)(siphash(m->key, name) & ((1u << 4 * MARK_DIGITS) - 1)));
}

/* --- sentences */

/* Those that stand as names in the document itself, and those that are known, which are fetched
 * when the first sentence needs them. */
struct names {
    const struct masks *masks;
    struct arena *a;
    struct str *at;
    size_t count, cap;
    bool fetched;
};

static void keep_name(void *peer, struct str name)
{
    struct names *n = peer;

    if (n->count == n->cap) {
        struct str *more = arena_array(n->a, struct str, n->cap == 0 ? 64 : n->cap * 2);

        if (n->count > 0)
            memcpy(more, n->at, n->count * sizeof(more[0]));
        n->at = more;
        n->cap = n->cap == 0 ? 64 : n->cap * 2;
    }
    n->at[n->count++] = arena_copy(n->a, name);
}

static void fetch(struct names *n)
{
    if (!n->fetched)
        each_name(n->masks, keep_name, n);
    n->fetched = true;
}

static bool is_local(char c)
{
    return is_word(c) || c == '.' || c == '-' || c == '+';
}

/* The longest name at the front of `rest`. */
static size_t name_at(const struct names *n, struct str rest)
{
    size_t best = 0;

    for (size_t i = 0; i < n->count; i++) {
        struct str name = n->at[i];

        if (name.len > best && str_starts(rest, name) &&
            (rest.len == name.len || !is_word(rest.at[name.len]) ||
             !is_word(name.at[name.len - 1])))
            best = name.len;
    }
    return best;
}

/* `ada@example.com` at the front. */
static size_t email_at(struct str rest)
{
    size_t at = 0, end;

    while (at < rest.len && is_local(rest.at[at]))
        at++;
    if (at == 0 || at == rest.len || rest.at[at] != '@')
        return 0;
    for (end = at + 1;
         end < rest.len && (is_word(rest.at[end]) || rest.at[end] == '-' || rest.at[end] == '.');)
        end++;
    while (end > at + 1 && rest.at[end - 1] == '.')
        end--; /* of the sentence */
    return end > at + 1 ? end : 0;
}

/* An IPv4 address that is not this machine. */
static size_t address_at(struct str rest)
{
    uint8_t ip[16];
    size_t n = 0;

    while (n < rest.len && ((rest.at[n] >= '0' && rest.at[n] <= '9') || rest.at[n] == '.'))
        n++;
    while (n > 0 && rest.at[n - 1] == '.')
        n--;
    return n >= 7 && ip_read(str_take(rest, n), ip, NULL) && !ip_is_loopback(ip) ? n : 0;
}

static void put_sentence(struct names *n, struct str text, enum shown shown, struct buf *out)
{
    bool inside = false; /* of a word */

    if (shown != SHOWN)
        fetch(n);
    for (size_t i = 0; i < text.len;) {
        struct str rest = str_drop(text, i);
        size_t hit = inside ? 0 : email_at(rest);

        if (hit == 0 && !inside && shown != SHOWN)
            hit = name_at(n, rest);
        if (hit == 0 && !inside && shown == SHOWN_IN_PART && (hit = address_at(rest)) > 0) {
            (void)buf_add(out, STR("***"));
        } else if (hit > 0) {
            mask_put(n->masks, str_take(rest, hit), out);
        } else {
            (void)buf_add_char(out, rest.at[0]);
            hit = 1;
        }
        i += hit;
        inside = is_local(text.at[i - 1]);
    }
}

/* --- the way in: masks become names again */

struct search {
    const struct masks *masks;
    struct str mask, found;
    struct arena *a;
};

static void compare(void *peer, struct str name)
{
    struct search *s = peer;
    struct buf b = { .max = 64 };

    mask_put(s->masks, name, &b);
    if (s->found.len == 0 && str_eq(buf_str(&b), s->mask))
        s->found = arena_copy(s->a, name);
    buf_clear(&b);
}

struct str mask_undo(const struct masks *m, struct str text, struct arena *a)
{
    struct search s = { .masks = m, .mask = text, .a = a };
    size_t stars = str_find(text, STR(STARS));

    if (stars == SIZE_MAX || stars + sizeof(STARS) - 1 + MARK_DIGITS != text.len)
        return text;
    each_name(m, compare, &s);
    return s.found.len > 0 ? s.found : text;
}

/* A mask at the front: a character or none, the stars, the mark. */
static size_t mask_at(struct str rest)
{
    size_t stars = str_find(str_take(rest, 4 + sizeof(STARS) - 1), STR(STARS));
    size_t len = stars + sizeof(STARS) - 1 + MARK_DIGITS;

    if (stars == SIZE_MAX || len > rest.len || utf8_clip(rest, stars).len != stars ||
        (stars > 0 && (!is_word(rest.at[0]) || utf8_clip(rest, stars - 1).len > 0)))
        return 0;
    for (size_t i = len - MARK_DIGITS; i < len; i++)
        if (!(rest.at[i] >= '0' && rest.at[i] <= '9') && !(rest.at[i] >= 'a' && rest.at[i] <= 'f'))
            return 0;
    return len;
}

/* Of a name, or of names in somebody's words. */
static struct str undo_all(const struct masks *m, struct str text, struct arena *a, bool *left)
{
    struct buf b = { .max = (size_t)1 << 20 };
    struct str out = text;
    bool undone = false;

    if (str_find(text, STR(STARS)) == SIZE_MAX)
        return text;
    for (size_t i = 0; i < text.len;) {
        size_t hit = mask_at(str_drop(text, i));
        struct str piece = str_take(str_drop(text, i), hit == 0 ? 1 : hit),
                   name = hit == 0 ? piece : mask_undo(m, piece, a);

        *left = *left || (hit > 0 && name.at == piece.at);
        undone = undone || name.at != piece.at;
        (void)buf_add(&b, name);
        i += piece.len;
    }
    if (undone)
        out = arena_copy(a, buf_str(&b));
    buf_clear(&b);
    return out;
}

/* --- documents */

struct walk {
    struct names names;
    const struct json *doc;
    struct arena *a;
    struct buf *out;
    size_t copied; /* so much of the document is in `out`, as it is or masked */
    bool left;     /* a mask stands for nothing that is known */
    enum { WALK_COLLECTS, WALK_MASKS, WALK_UNDOES } what;
};

static void put_instead(struct walk *w, uint32_t node, struct str text)
{
    struct str inside = json_inside(w->doc, node);
    size_t at = (size_t)(inside.at - w->doc->text.at) - 1;

    (void)buf_add(w->out, (struct str){ w->doc->text.at + w->copied, at - w->copied });
    (void)json_quote(w->out, text);
    w->copied = at + inside.len + 2;
}

static void walk_string(struct walk *w, uint32_t node, enum shown shown)
{
    struct buf masked = { .max = (size_t)1 << 20 };
    struct str text;

    if (!json_text(w->doc, node, w->a, &text) || text.len == 0)
        return;
    if (shown == HIDDEN && str_eq(text, STR("any"))) /* a flow that names no account */
        return;
    if (w->what == WALK_COLLECTS) {
        if (shown == HIDDEN)
            keep_name(&w->names, text);
        return;
    }
    if (w->what == WALK_UNDOES) {
        struct str name = undo_all(w->names.masks, text, w->a, &w->left);

        if (name.at != text.at)
            put_instead(w, node, name);
        return;
    }
    if (shown == SHOWN && memchr(text.at, '@', text.len) == NULL)
        return;
    if (shown != HIDDEN)
        put_sentence(&w->names, text, shown, &masked);
    else
        mask_put(w->names.masks, text, &masked);
    if (masked.len > 0)
        put_instead(w, node, buf_str(&masked));
    buf_clear(&masked);
}

/* As deep as a document may be. */
static void walk_value(struct walk *w, uint32_t node, struct str in, struct str member,
                       bool in_routes)
{
    switch (json_type(w->doc, node)) {
    case JSON_STRING:
        walk_string(w, node, rule_of(in, member, in_routes));
        break;
    case JSON_ARRAY:
        for (uint32_t i = json_first(w->doc, node); i != JSON_NONE; i = json_after(w->doc, node, i))
            walk_value(w, i, in, member, in_routes);
        break;
    case JSON_OBJECT:
        in_routes = in_routes || str_eq(member, STR("flows")) || str_eq(member, STR("value")) ||
                    (str_eq(member, STR("accounts")) && !str_eq(in, STR("value")));
        for (uint32_t key = json_first(w->doc, node); key != JSON_NONE;) {
            uint32_t value = json_after(w->doc, node, key);

            walk_value(w, value, member, json_inside(w->doc, key), in_routes);
            key = json_after(w->doc, node, value);
        }
        break;
    case JSON_NULL:
    case JSON_FALSE:
    case JSON_TRUE:
    case JSON_NUMBER:
        break;
    }
}

static bool walk_document(const struct masks *m, struct str noun, struct str json, bool *left,
                          struct arena *a, struct buf *out)
{
    bool undo = left != NULL;
    struct json doc;
    struct walk w = { .names = { .masks = m, .a = a }, .doc = &doc, .a = a, .out = out };

    if (!json_parse(&doc, json, NULL, a, NULL))
        return false;
    if (!undo) {
        w.what = WALK_COLLECTS;
        walk_value(&w, 0, STR(""), noun, false);
    }
    w.what = undo ? WALK_UNDOES : WALK_MASKS;
    walk_value(&w, 0, STR(""), noun, false);
    if (undo)
        *left = w.left;
    return buf_add(out, str_drop(json, w.copied));
}

bool mask_json(const struct masks *m, struct str noun, struct str json, struct buf *out)
{
    struct arena a = { 0 };
    bool good = walk_document(m, noun, json, NULL, &a, out);

    arena_free(&a);
    return good;
}

/* --- CSV */

#define COLUMNS_MAX 64

/* The next cell, without its quotes; `last` of its line. */
static struct str cell_take(struct str *rest, struct arena *a, bool *last)
{
    struct buf text = { .max = (size_t)1 << 16 };
    bool quoted = str_starts(*rest, STR("\""));
    size_t i = quoted ? 1 : 0;

    for (; i < rest->len; i++) {
        char c = rest->at[i];

        if (quoted && c == '"') {
            if (i + 1 == rest->len || rest->at[i + 1] != '"') {
                i++;
                break;
            }
            i++;
        } else if (!quoted && (c == ',' || c == '\n' || c == '\r')) {
            break;
        }
        (void)buf_add_char(&text, c);
    }
    *last = true;
    if (i < rest->len && rest->at[i] == ',')
        *last = false;
    *rest = str_drop(*rest, i);
    if (!*last)
        *rest = str_drop(*rest, 1);
    else
        while (rest->len > 0 && (rest->at[0] == '\r' || rest->at[0] == '\n'))
            *rest = str_drop(*rest, 1);
    struct str cell = arena_copy(a, buf_str(&text));

    buf_clear(&text);
    return cell;
}

static void cell_put(struct buf *out, struct str cell, bool last)
{
    bool plain = true;

    for (size_t i = 0; i < cell.len; i++)
        if (memchr("\",\r\n", cell.at[i], 4) != NULL)
            plain = false;
    if (!plain)
        (void)buf_add_char(out, '"');
    for (size_t i = 0; i < cell.len; i++)
        (void)(buf_add_char(out, cell.at[i]) && (cell.at[i] != '"' || buf_add_char(out, '"')));
    if (!plain)
        (void)buf_add_char(out, '"');
    (void)buf_add(out, last ? STR("\r\n") : STR(","));
}

bool mask_csv(const struct masks *m, struct str csv, struct buf *out)
{
    bool hides[COLUMNS_MAX] = { false }, head = true, last;
    struct arena a = { 0 };
    struct buf masked = { .max = (size_t)1 << 16 };
    size_t column = 0;

    while (csv.len > 0 && out->len < out->max) {
        struct str cell = cell_take(&csv, &a, &last);

        masked.len = 0;
        if (head && column < COLUMNS_MAX)
            hides[column] = rule_of(STR("rows"), cell, false) == HIDDEN;
        else if (!head && column < COLUMNS_MAX && hides[column] && cell.len > 0)
            mask_put(m, cell, &masked);
        cell_put(out, masked.len > 0 ? buf_str(&masked) : cell, last);
        column = last ? 0 : column + 1;
        head = head && !last;
        arena_reset(&a);
    }
    buf_clear(&masked);
    arena_free(&a);
    return csv.len == 0;
}

struct str mask_undo_json(const struct masks *m, struct str json, struct arena *a, bool *left)
{
    struct buf out = { .max = json.len + ((size_t)1 << 20) };
    struct str undone = json;

    *left = false;
    if (str_find(json, STR(STARS)) == SIZE_MAX)
        return json;
    if (walk_document(m, STR(""), json, left, a, &out))
        undone = arena_copy(a, buf_str(&out));
    if (out.cap > 0)
        wipe(out.at, out.cap); /* a change may hold a key */
    buf_clear(&out);
    return undone;
}
