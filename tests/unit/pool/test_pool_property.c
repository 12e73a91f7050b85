/* Random pools, faults and clocks against what the scheduler promises. The oracle is written the
 * slow, plain way: it looks at every account for itself. */
#include "rig.h"

#define ACCOUNTS 12
#define LEASES 24
#define STEPS 20000

static const char *const models[] = { "alpha", "beta", "gamma-pro", "gamma-mini" };
static struct str patterns[] = { { "alpha", 5 }, { "gamma*", 6 }, { "*", 1 } };

struct world {
    struct pool *pool;
    struct lease leases[LEASES];
    uint32_t held;
    int64_t now_ms;
    int64_t tried[PICK_TRIED_MAX];
    int released, made;
    uint64_t passed_by[ACCOUNTS + 1]; /* usable turns in its tier that went to others */
};

static void release(void *upstream)
{
    ++*(int *)upstream;
}

static void world_put(struct test *t, struct world *w, int64_t id)
{
    char label[8];

    snprintf(label, sizeof(label), "a%" PRId64, id);
    struct account_spec spec = rig_spec(id, label);

    spec.tier = (enum tier)test_below(t, 3);
    spec.concurrency_max = (uint32_t)test_below(t, 4);
    spec.created_unix_ms = (int64_t)test_below(t, 3);
    spec.disabled = test_below(t, 10) == 0;
    spec.proxy_disabled = test_below(t, 10) == 0;
    if (test_below(t, 2) == 0) {
        spec.models = patterns + test_below(t, 3);
        spec.model_count = 1;
    }
    w->made++;
    CHECK_INT(pool_put(w->pool, &spec,
                       &(struct account_means){ test_below(t, 8) == 0 ? 0x10 : CHAT, &w->released,
                                                release, .group = NULL },
                       NULL),
              OK);
}

static bool offers(const struct account *acc, struct str model)
{
    const struct account_spec *spec = acc->config->spec;

    return (acc->config->wires & CHAT) != 0 &&
           (spec->model_count == 0 || str_matches(model, spec->models[0]));
}

static int64_t free_at(const struct account *acc, struct str model)
{
    int64_t at = acc->lockout.why != VERDICT_NONE ? acc->lockout.until_ms : 0;

    for (uint32_t i = 0; i < acc->group_count; i++)
        if (str_eq((struct str){ acc->groups[i].name, acc->groups[i].len }, model) &&
            acc->groups[i].lockout.until_ms > at)
            at = acc->groups[i].lockout.until_ms;
    return at;
}

static bool usable(const struct world *w, const struct account *acc, const struct pick_ask *ask)
{
    const struct account_spec *spec = acc->config->spec;

    for (size_t i = 0; i < ask->tried_count; i++)
        if (ask->tried[i] == acc->id)
            return false;
    return !acc->disabled && !acc->proxy_disabled && offers(acc, ask->model) &&
           free_at(acc, ask->model) <= w->now_ms &&
           (spec->concurrency_max == 0 || acc->in_flight < spec->concurrency_max);
}

static void check_pick(struct test *t, struct world *w, const struct pick_ask *ask,
                       const struct account *got, const struct pick *why, int step)
{
    int64_t retry_at_ms = INT64_MAX;
    uint32_t counted = 0, free_count = 0;

    for (uint32_t i = 0; i < w->pool->count; i++) {
        const struct account *acc = w->pool->slots[i].account;
        bool in_use = !acc->disabled && !acc->proxy_disabled && offers(acc, ask->model);
        int64_t at = free_at(acc, ask->model);

        free_count += usable(w, acc, ask);
        if (in_use && at > w->now_ms && at < retry_at_ms)
            retry_at_ms = at;
        CHECK(got == NULL || acc == got || !usable(w, acc, ask) ||
                  acc->config->spec->tier <= got->config->spec->tier,
              "step %d: a higher tier was free", step);
    }
    for (unsigned s = 0; s < SKIPS; s++)
        counted += why->skipped[s];
    CHECK_INT(counted, w->pool->count, "step %d: each account has one reason", step);
    CHECK_INT(why->skipped[SKIP_NONE], free_count, "step %d", step);
    CHECK_INT(got != NULL, free_count > 0, "step %d: somebody is found if there is anybody", step);
    CHECK(got == NULL || usable(w, got, ask), "step %d: account %" PRId64 " is skipped", step,
          got->id);
    CHECK_INT(why->retry_at_ms, retry_at_ms, "step %d: the true minimum", step);
    CHECK(why->free_at_ms >= why->retry_at_ms && why->retry_at_ms > w->now_ms, "step %d", step);
}

/* In a tier nobody waits for more turns than there are others. */
static void check_turns(struct test *t, struct world *w, const struct pick_ask *ask,
                        const struct account *got, int step)
{
    for (uint32_t i = 0; i < w->pool->count; i++) {
        const struct account *acc = w->pool->slots[i].account;

        if (acc == got)
            w->passed_by[acc->id] = 0;
        else if (usable(w, acc, ask) && acc->config->spec->tier == got->config->spec->tier)
            CHECK(++w->passed_by[acc->id] <= ACCOUNTS, "step %d: account %" PRId64 " starves", step,
                  acc->id);
    }
}

static void step_lease(struct test *t, struct world *w, int step)
{
    struct pick_ask ask = rig_ask(models[test_below(t, COUNT(models))]);
    struct pick before, why;

    ask.tried = w->tried;
    ask.tried_count = test_below(t, 4) == 0 ? test_below(t, 4) : 0;
    for (size_t i = 0; i < ask.tried_count; i++)
        w->tried[i] = 1 + (int64_t)test_below(t, ACCOUNTS);
    if (w->held == LEASES)
        return;
    struct lease *l = &w->leases[w->held];
    const struct account *foreseen = pool_pick(w->pool, &ask, w->now_ms, &before);

    check_pick(t, w, &ask, foreseen, &before, step);
    if (foreseen != NULL)
        check_turns(t, w, &ask, foreseen, step);
    bool got = pool_lease(w->pool, &ask, w->now_ms, l, &why);

    CHECK(got == (foreseen != NULL) && (!got || l->account == foreseen),
          "step %d: same in, same out", step);
    w->held += got;
}

static void step_return(struct test *t, struct world *w)
{
    if (w->held == 0)
        return;
    size_t at = test_below(t, w->held);
    struct verdict v = {
        .kind = test_below(t, 2) == 0 ? VERDICT_SUCCESS
                                      : (enum verdict_kind)test_below(t, VERDICT_KINDS),
        .delay_ms =
            test_below(t, 3) == 0 ? (int64_t)(test_random(t) >> (1 + test_below(t, 60))) : -1,
        .group_scope = test_below(t, 2) == 0,
        .billing = test_below(t, 4) == 0,
        .exhausted = test_below(t, 4) == 0,
        .first_capacity = test_below(t, 2) == 0,
    };

    if (v.kind == VERDICT_AUTH_INVALID && test_below(t, 4) != 0)
        v.kind = VERDICT_TIMEOUT;
    lease_return(w->pool, &w->leases[at], &v, w->now_ms);
    w->leases[at] = w->leases[--w->held];
}

static void check_world(struct test *t, const struct world *w, int step)
{
    uint32_t in_flight = 0, removed = 0;

    for (uint32_t i = 0; i < w->held; i++)
        removed += w->leases[i].account->removed;
    for (uint32_t i = 0; i < w->pool->count; i++) {
        const struct account *acc = w->pool->slots[i].account;
        int64_t until_ms = acc->lockout.until_ms;

        in_flight += acc->in_flight;
        CHECK(until_ms <= w->now_ms + LOCKOUT_NAMED_MS_MAX, "step %d: locked out for ever", step);
        CHECK(acc->group_count <= GROUP_LOCKOUTS_MAX, "step %d", step);
    }
    CHECK_INT(in_flight + removed, w->held, "step %d: leases balance", step);
    CHECK_INT(w->pool->leases, w->held, "step %d: leases balance", step);
}

TEST(a_random_pool_keeps_its_promises)
{
    struct world w = { .pool = rig_pool(), .now_ms = 1 };

    for (int64_t id = 1; id <= ACCOUNTS; id++)
        world_put(t, &w, id);
    for (int step = 0; step < STEPS && t->failures == 0; step++) {
        int64_t id = 1 + (int64_t)test_below(t, ACCOUNTS);

        switch (test_below(t, 16)) {
        case 0:
            world_put(t, &w, id); /* its tier may change, and with it who its rivals are */
            memset(w.passed_by, 0, sizeof(w.passed_by));
            break;
        case 1:
            pool_remove(w.pool, id);
            break;
        case 2:
            pool_clear_lockouts(w.pool, id);
            break;
        case 3:
            pool_set_flags(w.pool, id, test_below(t, 8) == 0, test_below(t, 8) == 0, STR("test"));
            break;
        case 4:
        case 5:
            w.now_ms += (int64_t)(test_random(t) >> (32 + test_below(t, 28)));
            break;
        case 6:
        case 7:
        case 8:
        case 9:
            step_return(t, &w);
            break;
        default:
            step_lease(t, &w, step);
        }
        check_world(t, &w, step);
    }
    while (w.held > 0)
        step_return(t, &w);
    /* lockouts end in time: what is enabled and offers the model is found again */
    w.now_ms += LOCKOUT_NAMED_MS_MAX;
    for (uint32_t i = 0; i < w.pool->count; i++) {
        struct account *acc = w.pool->slots[i].account;

        CHECK(free_at(acc, STR("alpha")) <= w.now_ms, "account %" PRId64, acc->id);
    }
    pool_free(w.pool);
    CHECK_INT(w.released, w.made, "each upstream is released once");
}
