/* journal/recorded.c - a journal read back as turns: when each request came, what it cost, and
 * which turn it followed. */
#include "base/map.h"
#include "journal/turns.h"

#include <stdlib.h>

#define TOKENS_OUT_UNKNOWN 200 /* of an answer that did not say */

/* What is known of an exchange beside its turn. */
struct known {
    uint64_t exchange;
    int64_t end_ms; /* -1: the journal breaks off before */
};

struct recorder {
    struct turns *out;
    struct known *known; /* one for each turn */
    uint32_t known_cap;
    struct map exchanges; /* number → turn + 1 */
    struct map sessions;  /* digest → session + 1 */
    struct map accounts;
    uint32_t *last; /* of each session: its turn before, or TURN_NONE */
    uint32_t last_cap;
    int64_t first_ms; /* the first arrival is at 0 */
};

static void *numbered(uint32_t n)
{
    return (void *)(uintptr_t)(n + 1);
}

static uint32_t number_of(const void *value)
{
    return (uint32_t)(uintptr_t)value - 1;
}

static struct str bytes_of(struct recorder *r, const void *at, size_t len)
{
    return arena_copy(&r->out->arena, (struct str){ at, len });
}

static uint32_t session_of(struct recorder *r, const struct session_key *key)
{
    struct str digest = { (const char *)key->digest, sizeof(key->digest) };
    void *found = map_get(&r->sessions, digest);

    if (found != NULL)
        return number_of(found);
    uint32_t session = turns_add_session(r->out, key);

    (void)map_put(&r->sessions, bytes_of(r, digest.at, digest.len), numbered(session));
    if (session == r->last_cap) {
        r->last_cap = r->last_cap == 0 ? 64 : r->last_cap * 2;
        r->last = must_realloc(r->last, r->last_cap * sizeof(r->last[0]));
    }
    r->last[session] = TURN_NONE;
    return session;
}

static int64_t between(int64_t from_ms, int64_t to_ms)
{
    int64_t ms = to_ms > from_ms ? to_ms - from_ms : 0; /* neither is negative */

    return ms < TURN_MS_MAX ? ms : TURN_MS_MAX;
}

/* Requests of a conversation that run side by side (a program asks twice at once) each come at
 * their own time; one that came after an answer comes after it again. */
static void join(struct recorder *r, uint32_t turn, int64_t arrived_ms)
{
    struct turn *t = &r->out->at[turn];
    uint32_t before = r->last[t->session];

    r->last[t->session] = turn;
    if (before == TURN_NONE || r->known[before].end_ms < 0 || r->known[before].end_ms > arrived_ms)
        return;
    t->follows = true;
    t->think_ms = between(r->known[before].end_ms, arrived_ms);
    r->out->at[before].next = turn;
}

static int64_t known_or(int64_t n, int64_t or_else)
{
    return n < 0 ? or_else : n < TURN_TOKENS_MAX ? n : TURN_TOKENS_MAX;
}

static void take_route(struct recorder *r, const struct journal_event *ev, struct turn *t)
{
    struct arena *a = &r->out->arena;
    struct journal_entry *list;

    t->by = ev->by;
    if (ev->by == PICK_NONE)
        return;
    t->entry_count = ev->entry_count;
    t->entries = list = arena_array(a, struct journal_entry, ev->entry_count);
    for (uint32_t i = 0; i < ev->entry_count; i++) {
        list[i] = ev->entries[i];
        list[i].provider = arena_copy(a, list[i].provider);
        list[i].account = arena_copy(a, list[i].account);
        list[i].model = arena_copy(a, list[i].model);
    }
}

static enum status take_arrival(struct recorder *r, const struct journal_event *ev, struct error *e)
{
    uint32_t turn = r->out->count;

    if (turn == TURNS_MAX)
        return fail(e, E_LIMIT, "there are more than %u requests", TURNS_MAX);
    if (turn == 0)
        r->first_ms = ev->at_ms;
    struct turn *t = turns_add(r->out);

    t->at_ms = between(r->first_ms, ev->at_ms);
    t->model = arena_copy(&r->out->arena, ev->mapped.len > 0 ? ev->mapped : ev->model);
    t->home = arena_copy(&r->out->arena, ev->home);
    take_route(r, ev, t);
    t->tokens_prompt = known_or(ev->tokens_estimated, 0);
    t->tokens_out = TOKENS_OUT_UNKNOWN;
    if (turn == r->known_cap) {
        r->known_cap = r->known_cap == 0 ? 64 : r->known_cap * 2;
        r->known = must_realloc(r->known, r->known_cap * sizeof(r->known[0]));
    }
    r->known[turn] = (struct known){ ev->exchange, -1 };
    (void)map_put(&r->exchanges, bytes_of(r, &ev->exchange, sizeof(ev->exchange)), numbered(turn));
    if (ev->has_session) {
        t->session = session_of(r, &ev->session);
        join(r, turn, ev->at_ms);
    }
    return OK;
}

static void take_pick(struct recorder *r, const struct journal_event *ev)
{
    struct turns *out = r->out;

    if (ev->account.len == 0)
        return;
    out->recorded.attempts++;
    if (map_get(&r->accounts, ev->account) != NULL)
        return;
    struct str label = arena_copy(&out->arena, ev->account);

    if (out->account_count == out->account_cap) {
        out->account_cap = out->account_cap == 0 ? 16 : out->account_cap * 2;
        out->accounts = must_realloc(out->accounts, out->account_cap * sizeof(label));
    }
    out->accounts[out->account_count] = label;
    (void)map_put(&r->accounts, label, numbered(out->account_count++));
}

static void take_end(struct recorder *r, const struct journal_event *ev)
{
    struct str key = { (const char *)&ev->exchange, sizeof(ev->exchange) };
    void *found = map_get(&r->exchanges, key);
    struct turns_recorded *sum = &r->out->recorded;

    if (found == NULL)
        return; /* it had come before the journal was opened */
    struct turn *t = &r->out->at[number_of(found)];

    r->known[number_of(found)].end_ms = ev->at_ms;
    t->tokens_prompt = known_or(ev->tokens_in, t->tokens_prompt);
    t->tokens_out = known_or(ev->tokens_out, t->tokens_out);
    if (ev->status >= 200 && ev->status < 300)
        sum->ended++;
    else if (ev->status == 429)
        sum->refused++;
    else
        sum->failed++;
    sum->tokens_prompt += known_or(ev->tokens_in, 0);
    sum->tokens_cached += known_or(ev->tokens_cache_read, 0);
    sum->tokens_out += known_or(ev->tokens_out, 0);
}

static enum status take_line(struct recorder *r, struct str line, struct arena *scratch,
                             struct error *e)
{
    struct journal_event ev;
    enum status st = journal_read(line, scratch, &ev, e);

    if (st != OK)
        return st;
    switch (ev.kind) {
    case JOURNAL_ARRIVAL:
        return take_arrival(r, &ev, e);
    case JOURNAL_PICK:
        take_pick(r, &ev);
        break;
    case JOURNAL_END:
        take_end(r, &ev);
        break;
    case JOURNAL_VERDICT: /* what each attempt cost is the world's business */
        break;
    }
    return OK;
}

enum status turns_read(struct str journal, struct turns *out, struct error *e)
{
    static const uint64_t key[2] = { 0x70656e73746f636b, 0x7265706c6179 };
    struct recorder r = { .out = out };
    struct arena scratch = { 0 };
    struct error wrong = { .status = OK };
    enum status st = OK;
    struct str rest = journal, line;

    *out = (struct turns){ .recorded.known = true };
    map_init(&r.exchanges, key);
    map_init(&r.sessions, key);
    map_init(&r.accounts, key);
    for (uint64_t number = 1; rest.len > 0 && st == OK; number++) {
        bool whole = str_cut(rest, '\n', &line, &rest);

        if (str_trim(line).len == 0)
            continue;
        st = take_line(&r, line, &scratch, &wrong);
        if (st != OK && !whole)
            st = OK; /* the last line of a gateway that was killed */
        else if (st != OK)
            (void)fail(e, st, "line %llu: %s", (unsigned long long)number, wrong.text);
        arena_reset(&scratch);
    }
    if (st == OK && out->count == 0)
        st = fail(e, E_ABSENT, "it holds no request");
    free(r.known);
    free(r.last);
    map_clear(&r.exchanges);
    map_clear(&r.sessions);
    map_clear(&r.accounts);
    arena_free(&scratch);
    if (st != OK)
        turns_free(out);
    return st;
}
