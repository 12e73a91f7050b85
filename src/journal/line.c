/* journal/line.c - one event as one line of JSON, and back (docs/journal.md).
 *
 * Numbers are told by a table of members: which kinds have it, where it lies in the event, what is
 * left out because it says nothing. Words and slices are few and written by hand. */
#include <limits.h>

#include "base/json_write.h"
#include "journal/journal.h"

static const char *const kind_words[] = {
    [JOURNAL_ARRIVAL] = "arrival",
    [JOURNAL_PICK] = "pick",
    [JOURNAL_VERDICT] = "verdict",
    [JOURNAL_END] = "end",
};

#define IN(kind) (1u << JOURNAL_##kind)
#define IN_ALL (IN(ARRIVAL) | IN(PICK) | IN(VERDICT) | IN(END))
#define IN_TOKENS (IN(VERDICT) | IN(END))

static const struct number_member {
    const char *name;
    uint32_t kinds;
    size_t at, size;
    bool sign;     /* -1 stands for unknown, and is left out */
    bool required; /* in a line; the others have their blank value when absent */
} numbers[] = {
#define NUMBER(member, kinds, sign, required)                              \
    {                                                                      \
#member, kinds, offsetof(struct journal_event, member),            \
            sizeof(((struct journal_event *)NULL)->member), sign, required \
    }
    NUMBER(at_ms, IN_ALL, false, true),
    NUMBER(exchange, IN_ALL, false, true),
    NUMBER(request_bytes, IN(ARRIVAL), false, true),
    NUMBER(tokens_estimated, IN(ARRIVAL), false, true),
    NUMBER(attempt, IN(PICK) | IN(VERDICT), false, true),
    NUMBER(retry_after_ms, IN(PICK), true, false),
    NUMBER(remaining_permille, IN(PICK), true, false),
    NUMBER(status, IN_TOKENS, false, true),
    NUMBER(delay_ms, IN(VERDICT), true, false),
    NUMBER(first_byte_ms, IN(VERDICT), true, false),
    NUMBER(duration_ms, IN(VERDICT), true, false),
    NUMBER(tokens_in, IN_TOKENS, true, false),
    NUMBER(tokens_out, IN_TOKENS, true, false),
    NUMBER(tokens_cache_read, IN_TOKENS, true, false),
    NUMBER(tokens_cache_write, IN_TOKENS, true, false),
    NUMBER(tokens_reasoning, IN_TOKENS, true, false),
#undef NUMBER
};

struct journal_event journal_event_blank(enum journal_kind kind)
{
    return (struct journal_event){
        .kind = kind,
        .protocol = STR(""),
        .model = STR(""),
        .mapped = STR(""),
        .account = STR(""),
        .retry_after_ms = -1,
        .remaining_permille = -1,
        .delay_ms = -1,
        .first_byte_ms = -1,
        .duration_ms = -1,
        .tokens_in = -1,
        .tokens_out = -1,
        .tokens_cache_read = -1,
        .tokens_cache_write = -1,
        .tokens_reasoning = -1,
    };
}

static int64_t number_get(const struct journal_event *ev, const struct number_member *m)
{
    const char *at = (const char *)ev + m->at;
    uint32_t narrow = 0;
    int64_t wide = 0;

    if (m->size == sizeof(narrow)) {
        memcpy(&narrow, at, sizeof(narrow));
        return narrow;
    }
    memcpy(&wide, at, sizeof(wide));
    return wide;
}

static void number_set(struct journal_event *ev, const struct number_member *m, int64_t value)
{
    char *at = (char *)ev + m->at;
    uint32_t narrow = (uint32_t)value;

    if (m->size == sizeof(narrow))
        memcpy(at, &narrow, sizeof(narrow));
    else
        memcpy(at, &value, sizeof(value));
}

/* --- writing --------------------------------------------------------------------------------- */

static void put_session(struct json_writer *w, const struct session_key *key)
{
    static const char digits[] = "0123456789abcdef";
    char hex[2 * sizeof(key->digest)];

    for (size_t i = 0; i < sizeof(key->digest); i++) {
        hex[2 * i] = digits[key->digest[i] >> 4];
        hex[2 * i + 1] = digits[key->digest[i] & 15];
    }
    json_put_key(w, STR("session"));
    json_put_str(w, (struct str){ hex, sizeof(hex) });
}

static void put_skipped(struct json_writer *w, const uint32_t skipped[SKIPS])
{
    json_put_key(w, STR("skipped"));
    json_put_object(w);
    for (unsigned i = 0; i < SKIPS; i++)
        if (skipped[i] > 0)
            json_put_member_i64(w, skip_word((enum skip)i), skipped[i]);
    json_put_end(w);
}

static void put_flag(struct json_writer *w, const char *name, bool is)
{
    if (is)
        json_put_member_bool(w, name, true);
}

static void put_route(struct json_writer *w, const struct journal_event *ev)
{
    if (ev->by == PICK_NONE)
        return;
    json_put_member(w, "by", str_c(pick_reason_word(ev->by)));
    json_put_key(w, STR("entries"));
    json_put_array(w);
    for (uint32_t i = 0; i < ev->entry_count; i++) {
        const struct journal_entry *e = &ev->entries[i];

        json_put_object(w);
        if (e->provider.len > 0)
            json_put_member(w, "provider", e->provider);
        if (e->account.len > 0)
            json_put_member(w, "account", e->account);
        json_put_member(w, "model", e->model);
        put_flag(w, "by_age", e->by_age);
        put_flag(w, "rotates", e->rotates);
        put_flag(w, "spends_reserve", e->spends_reserve);
        json_put_end(w);
    }
    json_put_end(w);
}

bool journal_put(struct buf *out, const struct journal_event *ev)
{
    size_t before = out->len;
    struct json_writer w = json_writer(out);

    assert(ev->kind < COUNT(kind_words));
    json_put_object(&w);
    json_put_member(&w, "kind", str_c(kind_words[ev->kind]));
    for (size_t i = 0; i < COUNT(numbers); i++) {
        const struct number_member *m = &numbers[i];
        int64_t value = number_get(ev, m);

        if ((m->kinds & (1u << ev->kind)) != 0 && (m->required || value != -1))
            json_put_member_i64(&w, m->name, value);
    }
    switch (ev->kind) {
    case JOURNAL_ARRIVAL:
        if (ev->has_session)
            put_session(&w, &ev->session);
        if (ev->home.len > 0)
            json_put_member(&w, "home", ev->home);
        json_put_member(&w, "protocol", ev->protocol);
        json_put_member(&w, "model", ev->model);
        if (ev->mapped.len > 0 && !str_eq(ev->mapped, ev->model))
            json_put_member(&w, "mapped", ev->mapped);
        json_put_member_bool(&w, "stream", ev->stream);
        put_route(&w, ev);
        break;
    case JOURNAL_PICK:
        if (ev->account.len > 0)
            json_put_member(&w, "account", ev->account);
        json_put_member(&w, "reason", str_c(pick_reason_word(ev->reason)));
        put_skipped(&w, ev->skipped);
        break;
    case JOURNAL_VERDICT:
        json_put_member(&w, "verdict", str_c(verdict_word(ev->verdict)));
        break;
    case JOURNAL_END:
        break;
    }
    json_put_end(&w);
    if (json_written(&w) && buf_add_char(out, '\n'))
        return true;
    out->len = before;
    return false;
}

/* --- reading --------------------------------------------------------------------------------- */

struct reader {
    struct json doc;
    struct arena *arena;
    struct error *error;
};

/* JSON_NONE when absent; E_SYNTAX when it stands there twice. */
static enum status member_find(struct reader *r, const char *name, uint32_t *node)
{
    bool twice = false;

    *node = json_member(&r->doc, 0, str_c(name), &twice);
    return twice ? fail(r->error, E_SYNTAX, "%s: stands there twice", name) : OK;
}

static enum status member_text(struct reader *r, const char *name, bool required, struct str *out)
{
    uint32_t node = JSON_NONE;
    enum status st = member_find(r, name, &node);

    if (st != OK)
        return st;
    if (node == JSON_NONE)
        return required ? fail(r->error, E_SYNTAX, "%s: is missing", name) : OK;
    if (!json_text(&r->doc, node, r->arena, out))
        return fail(r->error, E_SYNTAX, "%s: is no string", name);
    return OK;
}

static enum status member_number(struct reader *r, const struct number_member *m,
                                 struct journal_event *ev)
{
    uint32_t node = JSON_NONE;
    int64_t value = 0;
    int64_t most = m->size != sizeof(uint32_t)                       ? INT64_MAX
                   : m->at == offsetof(struct journal_event, status) ? INT_MAX
                                                                     : UINT32_MAX;
    enum status st = member_find(r, m->name, &node);

    if (st != OK)
        return st;
    if (node == JSON_NONE)
        return m->required ? fail(r->error, E_SYNTAX, "%s: is missing", m->name) : OK;
    if (!json_i64(&r->doc, node, &value) || value < (m->sign ? -1 : 0) || value > most)
        return fail(r->error, E_SYNTAX, "%s: is no such number", m->name);
    number_set(ev, m, value);
    return OK;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum status read_session(struct reader *r, struct journal_event *ev)
{
    struct str hex = STR("");
    enum status st = member_text(r, "session", false, &hex);

    if (st != OK || hex.len == 0)
        return st;
    if (hex.len != 2 * sizeof(ev->session.digest))
        return fail(r->error, E_SYNTAX, "session: has the wrong length");
    for (size_t i = 0; i < sizeof(ev->session.digest); i++) {
        int high = hex_digit(hex.at[2 * i]), low = hex_digit(hex.at[2 * i + 1]);

        if (high < 0 || low < 0)
            return fail(r->error, E_SYNTAX, "session: is not hexadecimal");
        ev->session.digest[i] = (uint8_t)(high << 4 | low);
    }
    ev->has_session = true;
    return OK;
}

static bool entry_text(struct reader *r, uint32_t object, const char *name, struct str *out)
{
    uint32_t node = json_member(&r->doc, object, str_c(name), NULL);

    *out = STR("");
    return node == JSON_NONE || json_text(&r->doc, node, r->arena, out);
}

static bool entry_flag(const struct reader *r, uint32_t object, const char *name)
{
    uint32_t node = json_member(&r->doc, object, str_c(name), NULL);

    return node != JSON_NONE && json_is_true(&r->doc, node);
}

static bool entry_read(struct reader *r, uint32_t object, struct journal_entry *e)
{
    if (json_type(&r->doc, object) != JSON_OBJECT ||
        !entry_text(r, object, "provider", &e->provider) ||
        !entry_text(r, object, "account", &e->account) ||
        !entry_text(r, object, "model", &e->model))
        return false;
    e->by_age = entry_flag(r, object, "by_age");
    e->rotates = entry_flag(r, object, "rotates");
    e->spends_reserve = entry_flag(r, object, "spends_reserve");
    return e->model.len > 0;
}

static enum status read_route(struct reader *r, struct journal_event *ev)
{
    struct str by = STR("");
    struct journal_entry *list;
    uint32_t node = JSON_NONE, n = 0;
    enum status st = member_text(r, "by", false, &by);

    if (st == OK)
        st = member_find(r, "entries", &node);
    if (st != OK || by.len == 0)
        return st;
    if (!pick_reason_from_word(by, &ev->by))
        return fail(r->error, E_SYNTAX, "by: is no word we know");
    if (node == JSON_NONE || json_type(&r->doc, node) != JSON_ARRAY)
        return fail(r->error, E_SYNTAX, "entries: is no list");
    list = arena_array(r->arena, struct journal_entry, JOURNAL_ENTRIES_MAX);
    for (uint32_t i = json_first(&r->doc, node); i != JSON_NONE; i = json_after(&r->doc, node, i)) {
        if (n == JOURNAL_ENTRIES_MAX)
            return fail(r->error, E_SYNTAX, "entries: are more than %d", JOURNAL_ENTRIES_MAX);
        if (!entry_read(r, i, &list[n++]))
            return fail(r->error, E_SYNTAX, "entries[%u]: is no entry", n - 1);
    }
    ev->entries = list;
    ev->entry_count = n;
    return n > 0 ? OK : fail(r->error, E_SYNTAX, "entries: has none");
}

static enum status read_arrival(struct reader *r, struct journal_event *ev)
{
    uint32_t stream = JSON_NONE;
    enum status st = read_session(r, ev);

    if (st == OK)
        st = member_text(r, "home", false, &ev->home);
    if (st == OK)
        st = member_text(r, "protocol", true, &ev->protocol);
    if (st == OK)
        st = member_text(r, "model", true, &ev->model);
    if (st == OK)
        st = member_text(r, "mapped", false, &ev->mapped);
    if (st == OK)
        st = member_find(r, "stream", &stream);
    if (st != OK)
        return st;
    if (stream == JSON_NONE ||
        (json_type(&r->doc, stream) != JSON_TRUE && json_type(&r->doc, stream) != JSON_FALSE))
        return fail(r->error, E_SYNTAX, "stream: is neither true nor false");
    ev->stream = json_is_true(&r->doc, stream);
    return read_route(r, ev);
}

static enum status read_skipped(struct reader *r, struct journal_event *ev)
{
    uint32_t object = JSON_NONE;
    enum status st = member_find(r, "skipped", &object);

    if (st != OK)
        return st;
    if (object == JSON_NONE || json_type(&r->doc, object) != JSON_OBJECT)
        return fail(r->error, E_SYNTAX, "skipped: is no object");
    for (unsigned i = 0; i < SKIPS; i++) {
        int64_t value = 0;
        const char *word = skip_word((enum skip)i);
        uint32_t node = json_member(&r->doc, object, str_c(word), NULL);

        if (node == JSON_NONE)
            continue;
        if (!json_i64(&r->doc, node, &value) || value < 0 || value > UINT32_MAX)
            return fail(r->error, E_SYNTAX, "skipped.%s: is no such number", word);
        ev->skipped[i] = (uint32_t)value;
    }
    return OK;
}

static enum status read_pick(struct reader *r, struct journal_event *ev)
{
    struct str reason = STR("");
    enum status st = member_text(r, "account", false, &ev->account);

    if (st == OK)
        st = member_text(r, "reason", true, &reason);
    if (st != OK)
        return st;
    if (!pick_reason_from_word(reason, &ev->reason))
        return fail(r->error, E_SYNTAX, "reason: is no word we know");
    return read_skipped(r, ev);
}

static enum status read_verdict(struct reader *r, struct journal_event *ev)
{
    struct str word = STR("");
    enum status st = member_text(r, "verdict", true, &word);

    if (st == OK && !verdict_from_word(word, &ev->verdict))
        st = fail(r->error, E_SYNTAX, "verdict: is no word we know");
    return st;
}

static enum status read_kind(struct reader *r, enum journal_kind *kind)
{
    struct str word = STR("");
    enum status st = member_text(r, "kind", true, &word);

    if (st != OK)
        return st;
    for (unsigned i = 0; i < COUNT(kind_words); i++)
        if (str_eq(word, str_c(kind_words[i]))) {
            *kind = (enum journal_kind)i;
            return OK;
        }
    return fail(r->error, E_SYNTAX, "kind: is no word we know");
}

enum status journal_read(struct str line, struct arena *a, struct journal_event *ev,
                         struct error *e)
{
    struct reader r = { .arena = a, .error = e };
    struct json_limits limits = { .depth_max = 8, .nodes_max = 2000 };
    struct json_fault fault = { 0 };
    enum journal_kind kind = JOURNAL_ARRIVAL;

    if (!json_parse(&r.doc, str_trim(line), &limits, a, &fault))
        return fail(e, E_SYNTAX, "the line is no JSON: %s at byte %zu", fault.what, fault.at);
    if (json_type(&r.doc, 0) != JSON_OBJECT)
        return fail(e, E_SYNTAX, "the line is no object");

    enum status st = read_kind(&r, &kind);
    struct journal_event got = journal_event_blank(kind);

    for (size_t i = 0; i < COUNT(numbers) && st == OK; i++)
        if ((numbers[i].kinds & (1u << kind)) != 0)
            st = member_number(&r, &numbers[i], &got);
    if (st != OK)
        return st;
    switch (kind) {
    case JOURNAL_ARRIVAL:
        st = read_arrival(&r, &got);
        break;
    case JOURNAL_PICK:
        st = read_pick(&r, &got);
        break;
    case JOURNAL_VERDICT:
        st = read_verdict(&r, &got);
        break;
    case JOURNAL_END:
        break;
    }
    if (st == OK)
        *ev = got;
    return st;
}
