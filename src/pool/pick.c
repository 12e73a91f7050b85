/* pool/pick.c - which account comes next, and why the others do not.
 *
 * Skipped accounts are counted by reason; of those that offer the model the best-ranked are named.
 * The order is total, so that a test can state the answer: tier, then picked longest ago (which is
 * a round robin without a counter of its own), then oldest. */
#include "base/utf8.h"
#include "pool/pool_int.h"

static const struct {
    const char *word, *text;
} skips[SKIPS] = {
#define X(name, word, text) [SKIP_##name] = { word, text },
    SKIP_TABLE(X)
#undef X
}, reasons[PICK_REASONS] = {
#define X(name, word, text) [PICK_##name] = { word, text },
    PICK_TABLE(X)
#undef X
};

const char *skip_word(enum skip why)
{
    assert(why < SKIPS);
    return skips[why].word;
}

const char *skip_text(enum skip why)
{
    assert(why < SKIPS);
    return skips[why].text;
}

bool skip_from_word(struct str word, enum skip *why)
{
    for (unsigned i = 0; i < SKIPS; i++)
        if (str_eq(str_c(skips[i].word), word)) {
            *why = (enum skip)i;
            return true;
        }
    return false;
}

const char *pick_reason_word(enum pick_reason reason)
{
    assert(reason < PICK_REASONS);
    return reasons[reason].word;
}

const char *pick_reason_text(enum pick_reason reason)
{
    assert(reason < PICK_REASONS);
    return reasons[reason].text;
}

bool pick_reason_from_word(struct str word, enum pick_reason *reason)
{
    for (unsigned i = 0; i < PICK_REASONS; i++)
        if (str_eq(str_c(reasons[i].word), word)) {
            *reason = (enum pick_reason)i;
            return true;
        }
    return false;
}

/* Does its plan include the model, over a wire that the request can take? */
static bool account_offers(const struct account *acc, const struct pick_ask *ask)
{
    const struct account_spec *spec = acc->config->spec;
    struct str model = ask->public_model.len > 0 ? ask->public_model : ask->model;

    if ((acc->config->wires & ask->wires) == 0)
        return false;
    if (spec->model_count == 0)
        return true;
    for (size_t i = 0; i < spec->model_count; i++)
        if (str_matches(model, spec->models[i]))
            return true;
    return false;
}

static bool account_tried(const struct account *acc, const struct pick_ask *ask)
{
    for (size_t i = 0; i < ask->tried_count; i++)
        if (ask->tried[i] == acc->id)
            return true;
    return false;
}

struct lockout *account_group(const struct account *acc, struct str group)
{
    for (uint32_t i = 0; i < acc->group_count; i++) {
        struct group_lockout *g = &acc->groups[i];

        if (str_eq((struct str){ g->name, g->len }, group))
            return &g->lockout;
    }
    return NULL;
}

/* What keeps the account from this group of models, the later-ending one if two do; or NULL. */
static const struct lockout *account_locked(const struct account *acc, struct str group,
                                            int64_t now_ms)
{
    const struct lockout *all = lockout_holds(&acc->lockout, now_ms) ? &acc->lockout : NULL;
    const struct lockout *one = account_group(acc, group);

    if (one == NULL || !lockout_holds(one, now_ms))
        return all;
    return all == NULL || one->until_ms > all->until_ms ? one : all;
}

static enum skip account_skip(const struct account *acc, const struct pick_ask *ask, bool offers,
                              const struct lockout *locked)
{
    uint32_t most = acc->config->spec->concurrency_max;

    if (acc->disabled)
        return SKIP_DISABLED;
    if (acc->proxy_disabled)
        return SKIP_PROXY_DISABLED;
    if (!offers)
        return SKIP_NO_MODEL;
    if (account_tried(acc, ask))
        return SKIP_TRIED;
    if (locked != NULL)
        return SKIP_LOCKED_OUT;
    if (most > 0 && acc->in_flight >= most)
        return SKIP_BUSY;
    return SKIP_NONE;
}

static bool account_before(const struct account *a, const struct account *b)
{
    const struct account_spec *sa = a->config->spec, *sb = b->config->spec;

    if (sa->tier != sb->tier)
        return sa->tier > sb->tier;
    if (a->picked != b->picked)
        return a->picked < b->picked;
    if (sa->created_unix_ms != sb->created_unix_ms)
        return sa->created_unix_ms < sb->created_unix_ms;
    return a->order < b->order;
}

/* The best-ranked of those passed over, while they are collected. */
struct passed_list {
    const struct account *accounts[PICK_PASSED_MAX];
    enum skip why[PICK_PASSED_MAX];
    uint32_t count;
};

static void passed_add(struct passed_list *list, const struct account *acc, enum skip why)
{
    uint32_t at = list->count;

    while (at > 0 && account_before(acc, list->accounts[at - 1]))
        at--;
    if (at == PICK_PASSED_MAX)
        return;
    uint32_t last = list->count < PICK_PASSED_MAX ? list->count++ : PICK_PASSED_MAX - 1;

    for (uint32_t i = last; i > at; i--) {
        list->accounts[i] = list->accounts[i - 1];
        list->why[i] = list->why[i - 1];
    }
    list->accounts[at] = acc;
    list->why[at] = why;
}

static void passed_name(const struct passed_list *list, struct pick *out)
{
    for (uint32_t i = 0; i < list->count; i++) {
        struct pick_passed *to = &out->passed[i];
        struct str label = utf8_clip(list->accounts[i]->config->spec->label, sizeof(to->label) - 1);

        to->id = list->accounts[i]->id;
        to->why = list->why[i];
        memcpy(to->label, label.at, label.len);
        to->label[label.len] = '\0';
    }
}

static void count_locked(struct pick *out, enum verdict_kind why)
{
    switch (why) {
    case VERDICT_QUOTA_EXHAUSTED:
        out->locked_quota++;
        break;
    case VERDICT_RATE_LIMITED:
        out->locked_rate++;
        break;
    case VERDICT_CAPACITY:
    case VERDICT_SERVER_ERROR:
        out->locked_server++;
        break;
    case VERDICT_FORBIDDEN:
    case VERDICT_NEEDS_ACTION:
    case VERDICT_AUTH_INVALID:
        out->locked_auth++;
        break;
    case VERDICT_MODEL_MISSING:
        out->locked_model++;
        break;
    case VERDICT_NONE:
    case VERDICT_SUCCESS:
    case VERDICT_TIMEOUT:
    case VERDICT_NETWORK:
    case VERDICT_AUTH_EXPIRED:
    case VERDICT_REPAIRABLE:
    case VERDICT_CLIENT_FAULT:
    case VERDICT_TOO_LONG:
    case VERDICT_BLOCKED:
    case VERDICT_CLIENT_LEFT:
    case VERDICT_KINDS:
        assert(false); /* a verdict that locks nobody out */
    }
}

struct account *pool_pick(const struct pool *p, const struct pick_ask *ask, int64_t now_ms,
                          struct pick *out)
{
    struct account *best = NULL, *again = NULL;
    struct passed_list passed = { .count = 0 };
    struct str group = group_name(ask->model);

    assert(ask->tried_count <= PICK_TRIED_MAX);
    *out = (struct pick){ .retry_at_ms = INT64_MAX, .free_at_ms = INT64_MAX };
    for (uint32_t i = 0; i < p->count; i++) {
        struct account *acc = p->slots[i].account;
        bool offers = account_offers(acc, ask);
        bool counts = offers && !acc->proxy_disabled && (!acc->disabled || acc->refused);
        const struct lockout *locked = account_locked(acc, group, now_ms);
        enum skip why = account_skip(acc, ask, offers, locked);

        out->skipped[why]++;
        if (why == SKIP_NONE) {
            if (acc->id == ask->again)
                again = acc;
            if (best == NULL || account_before(acc, best))
                best = acc;
        } else if (offers) {
            out->passed_count++;
            passed_add(&passed, acc, why);
        }
        if (!counts)
            continue;
        out->offering++;
        if (acc->disabled) {
            count_locked(out, VERDICT_AUTH_INVALID);
        } else if (locked != NULL) {
            count_locked(out, locked->why);
            if (locked->until_ms < out->retry_at_ms)
                out->retry_at_ms = locked->until_ms;
            if (why == SKIP_LOCKED_OUT && locked->until_ms < out->free_at_ms)
                out->free_at_ms = locked->until_ms;
        }
    }
    passed_name(&passed, out);
    if (again != NULL)
        best = again;
    if (best != NULL)
        out->reason = out->offering == 1 ? PICK_ONLY : PICK_ROUND_ROBIN;
    assert(out->retry_at_ms > now_ms);
    assert(out->free_at_ms >= out->retry_at_ms);
    return best;
}
