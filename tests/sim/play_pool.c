/* tests/sim/play_pool.c - what the operator does to the pool in a script, and what is expected of
 * it. */
#include "play.h"

#include <inttypes.h>

#include "base/fingerprint.h"
#include "provider/provider_int.h"

static struct gate_account *account_named(struct play *p, struct str name)
{
    struct gate_account *a = gate_account(p->gate, name);

    if (a == NULL)
        play_fail(p, "there is no account `%.*s`", STR_ARG(name));
    return a;
}

/* The key of what `session=NAME` sends. */
static struct session_key session_named(struct str name)
{
    struct fingerprint f = { 0 };
    struct session_key key;

    fingerprint_add(&f, name);
    fingerprint_bytes(&f, key.digest);
    return key;
}

/* --- what is expected ------------------------------------------------------------------------ */

static bool expect_lockout(struct play *p, struct words *w)
{
    struct str scope = STR("account"), reason = STR(""), evidence = STR(""), value;
    const struct gate_account *a = account_named(p, word_next(w));
    struct lockout_view got;
    int64_t until = 0;
    bool acted = false;

    if (a == NULL)
        return false;
    while (w->next < w->count) {
        if (word_value(w, "reason", &reason) || word_value(w, "model", &scope) ||
            word_value(w, "scope", &scope) || word_value(w, "evidence", &evidence))
            continue;
        if (!word_value(w, "until", &value))
            return play_fail(p, "a lockout has no `%.*s`", STR_ARG(word_next(w)));
        acted = str_eq(value, STR("acted"));
        if (!acted && !time_read(value, &until))
            return play_fail(p, "`until=+5s`, or `until=acted`");
    }
    if (!gate_lockout(p->gate, a, scope, &got))
        return play_fail(p, "%.*s is not locked out", STR_ARG(a->label));
    if (reason.len > 0 && !str_eq(reason, str_c(verdict_word(got.why))))
        return play_fail(p, "the reason is %s", verdict_word(got.why));
    if (evidence.len > 0 && str_find(str_c(got.evidence), evidence) == SIZE_MAX)
        return play_fail(p, "the evidence is `%s`", got.evidence);
    if (acted)
        return got.until_ms == INT64_MAX || play_fail(p, "the lockout ends by itself");
    return until == 0 || got.until_ms - sim_now() == until ||
           play_fail(p, "the lockout ends in %" PRId64 " ms", got.until_ms - sim_now());
}

static bool expect_free(struct play *p, struct words *w)
{
    const struct gate_account *a = account_named(p, word_next(w));
    struct str scope = STR("account");
    struct lockout_view l;

    if (a == NULL)
        return false;
    (void)(word_value(w, "model", &scope) || word_value(w, "scope", &scope));
    return (!gate_lockout(p->gate, a, scope, &l) && !gate_is_disabled(p->gate, a)) ||
           play_fail(p, "%.*s is not free", STR_ARG(a->label));
}

static bool expect_disabled(struct play *p, struct words *w)
{
    const struct gate_account *a = account_named(p, word_next(w));

    return a != NULL && (gate_is_disabled(p->gate, a) ||
                         play_fail(p, "%.*s is not disabled", STR_ARG(a->label)));
}

static bool expect_in_flight(struct play *p, struct words *w)
{
    const struct gate_account *a = account_named(p, word_next(w));
    uint64_t n = 0;

    return a != NULL && ((number_read(word_next(w), &n) && gate_in_flight(p->gate, a) == n) ||
                         play_fail(p, "%u are in flight", gate_in_flight(p->gate, a)));
}

struct binding_search {
    struct session_key key;
    int64_t account;
};

static void consider_binding(void *peer, const struct binding *b)
{
    struct binding_search *s = peer;

    if (memcmp(b->session.digest, s->key.digest, sizeof(s->key.digest)) == 0)
        s->account = b->account;
}

static int64_t bound_to(struct play *p, struct str session)
{
    struct binding_search s = { .key = session_named(session) };

    pool_each_binding(p->gate->pool, sim_now(), consider_binding, &s);
    return s.account;
}

static bool expect_bound(struct play *p, struct words *w)
{
    int64_t id = bound_to(p, word_next(w));
    const struct gate_account *a = account_named(p, word_next(w));

    return a != NULL && (id == a->id || play_fail(p, id == 0 ? "it is bound to nobody"
                                                             : "it is bound to another"));
}

static bool expect_unbound(struct play *p, struct words *w)
{
    return bound_to(p, word_next(w)) == 0 || play_fail(p, "it is bound");
}

static bool expect_bindings(struct play *p, struct words *w)
{
    uint32_t got = pool_bindings(p->gate->pool, sim_now());
    uint64_t n;

    return (number_read(word_next(w), &n) && n == got) ||
           play_fail(p, "there are %u bindings", got);
}

static bool expect_fixed(struct play *p, struct words *w)
{
    int64_t id = pool_fixed(p->gate->pool);

    if (word_is(w, "nobody"))
        return id == 0 || play_fail(p, "an account is fixed");
    const struct gate_account *a = account_named(p, word_next(w));

    return a != NULL && (id == a->id || play_fail(p, "another account is fixed, or none"));
}

static bool percent_read(struct str s, int32_t *permille)
{
    uint64_t n;

    if (!str_ends(s, STR("%")) || !number_read(str_drop_last(s, 1), &n) || n > 100)
        return false;
    *permille = (int32_t)n * 10;
    return true;
}

static bool expect_quota(struct play *p, struct words *w)
{
    const struct gate_account *a = account_named(p, word_next(w));
    struct str group = STR(""), value = STR("");
    struct account_view v;
    int32_t want = -1, got = -1;

    if (a == NULL || !word_value(w, "group", &group) || !word_value(w, "remaining", &value) ||
        !(percent_read(value, &want) || str_eq(value, STR("unknown"))))
        return play_fail(p, "`quota ACCOUNT group=G remaining=N%%`, or `unknown`");
    (void)pool_find(p->gate->pool, a->label, sim_now(), &v);
    for (uint32_t i = 0; i < v.quota_count && i < VIEW_QUOTAS_MAX; i++)
        if (str_eq(str_c(v.quotas[i].group), group))
            got = v.quotas[i].quota.remaining_permille;
    return want == got || play_fail(p, "%" PRId32 " permille remain", got);
}

/* --- what the operator does ------------------------------------------------------------------ */

static bool set_flags(struct play *p, struct words *w, bool disabled)
{
    const struct gate_account *a = account_named(p, word_next(w));

    return a != NULL && pool_set_flags(p->gate->pool, a->id, disabled, false, STR("by the script"));
}

static bool clears(struct play *p, struct words *w)
{
    struct str value;

    if (word_is(w, "bindings")) {
        pool_clear_bindings(p->gate->pool);
        return true;
    }
    if (word_value(w, "binding", &value)) {
        struct session_key key = session_named(value);

        return pool_clear_binding(p->gate->pool, &key) || play_fail(p, "there is no such binding");
    }
    if (!word_is(w, "lockouts"))
        return play_fail(p, "`clears bindings`, `clears binding=S`, `clears lockouts ACCOUNT`");
    const struct gate_account *a = account_named(p, word_next(w));

    return a != NULL && pool_clear_lockouts(p->gate->pool, a->id);
}

static bool set_quota(struct play *p, struct words *w)
{
    const struct gate_account *a = account_named(p, word_next(w));
    struct quota q = { .seen_ms = sim_now() };
    struct str group = STR(""), value;
    bool good = a != NULL && word_value(w, "group", &group) && word_value(w, "remaining", &value) &&
                percent_read(value, &q.remaining_permille);

    if (good && word_value(w, "reset", &value)) {
        good = time_read(value, &q.reset_ms);
        q.reset_ms += sim_now();
    }
    if (!good)
        return play_fail(p, "`quota ACCOUNT group=G remaining=N%% [reset=+TIME]`");
    return pool_set_quota(p->gate->pool, a->id, group, &q, sim_now());
}

bool pool_clause(struct play *p, struct words *w)
{
    static const struct {
        const char *word;
        bool (*holds)(struct play *p, struct words *w);
    } expectations[] = {
        { "lockout", expect_lockout },   { "free", expect_free },
        { "disabled", expect_disabled }, { "in_flight", expect_in_flight },
        { "bound", expect_bound },       { "unbound", expect_unbound },
        { "bindings", expect_bindings }, { "fixed", expect_fixed },
        { "quota", expect_quota },
    };

    if (word_is(w, "expect")) {
        struct str what = word_next(w);

        for (size_t i = 0; i < COUNT(expectations); i++)
            if (str_eq(what, str_c(expectations[i].word)))
                return expectations[i].holds(p, w);
        return play_fail(p, "the pool has no `%.*s`", STR_ARG(what));
    }
    if (word_is(w, "fixes")) {
        const struct gate_account *a = account_named(p, word_next(w));

        return a != NULL && pool_fix(p->gate->pool, a->id);
    }
    if (word_is(w, "unfixes")) {
        pool_unfix(p->gate->pool);
        return true;
    }
    if (word_is(w, "clears"))
        return clears(p, w);
    if (word_is(w, "disables"))
        return set_flags(p, w, true);
    if (word_is(w, "enables"))
        return set_flags(p, w, false);
    if (word_is(w, "quota"))
        return set_quota(p, w);
    return play_fail(p, "nobody does `%.*s` to the pool", STR_ARG(word_next(w)));
}

/* --- quota groups, as providers have them ---------------------------------------------------- */

bool pool_group_named(struct str name, struct str (**group)(struct str model))
{
    if (str_eq(name, STR("antigravity")))
        *group = quota_group_antigravity;
    else if (str_eq(name, STR("codex")))
        *group = quota_group_codex;
    else
        return false;
    return true;
}
