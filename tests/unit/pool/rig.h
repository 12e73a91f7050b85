/* tests/unit/pool/rig.h - accounts and asks in one line, for the tests of the pool. */
#ifndef PENSTOCK_TESTS_POOL_RIG_H
#define PENSTOCK_TESTS_POOL_RIG_H

#include <stdio.h>

#include "pool/pool_int.h"
#include "test.h"
#include "wire/protocol.h"

#define CHAT WIRE_BIT(WIRE_OPENAI_CHAT)

static const struct account_means rig_means = { .wires = CHAT };

static inline struct pool_options rig_options(void)
{
    return (struct pool_options){
        .mode = MODE_BALANCE,
        .max_wait_ms = 60000,
        .queue_wait_ms = 5000,
        .optimize_quota_sorting = true,
        .backoff_ms = { 60000, 300000, 1800000, 7200000 },
        .backoff_count = 4,
    };
}

static inline struct pool *rig_pool(void)
{
    struct pool_options options = rig_options();

    return pool_new(&options);
}

/* A spec whose slices borrow; the pool copies it. */
static inline struct account_spec rig_spec(int64_t id, const char *label)
{
    return (struct account_spec){ .id = id, .label = str_c(label), .provider = STR("compatible") };
}

static inline void rig_put(struct test *t, struct pool *p, const struct account_spec *spec)
{
    struct error e = { .status = OK };

    CHECK_INT(pool_put(p, spec, &rig_means, &e), OK, "%s", e.text);
}

/* Accounts 1, 2, 3 … named a, b, c … */
static inline struct pool *rig_pool_of(struct test *t, int count)
{
    struct pool *p = rig_pool();

    for (int i = 0; i < count; i++) {
        char label[2] = { (char)('a' + i), '\0' };
        struct account_spec spec = rig_spec(i + 1, label);

        rig_put(t, p, &spec);
    }
    return p;
}

static inline struct pick_ask rig_ask(const char *model)
{
    return (struct pick_ask){ .model = str_c(model), .wires = CHAT };
}

/* The label that is picked next, or "" for nobody. The lease is given back with `v` (NULL: none).
 */
static inline struct str rig_turn(struct test *t, struct pool *p, const char *model, int64_t now_ms,
                                  const struct verdict *v)
{
    static const struct verdict none = { .kind = VERDICT_NONE, .delay_ms = -1 };
    struct pick_ask ask = rig_ask(model);
    struct lease l;
    struct pick why;

    if (!pool_lease(p, &ask, now_ms, &l, &why))
        return STR("");
    struct str label = arena_copy(&t->arena, str_c(l.label));

    lease_return(p, &l, v != NULL ? v : &none, now_ms);
    return label;
}

/* Who could be had now; "" for nobody, and for somebody who would only be probed. */
static inline struct str rig_free(struct test *t, struct pool *p, const char *model, int64_t now_ms)
{
    struct pick_ask ask = rig_ask(model);
    struct account_view v;
    struct pick why;
    char text[24];
    int64_t id;

    if (!pool_explain(p, &ask, now_ms, &id, &why) || why.probe)
        return STR("");
    int len = snprintf(text, sizeof(text), "%lld", (long long)id);

    CHECK(pool_find(p, (struct str){ text, (size_t)len }, now_ms, &v));
    return arena_copy(&t->arena, str_c(v.label));
}

static inline struct verdict rig_verdict(enum verdict_kind kind)
{
    return (struct verdict){ .kind = kind, .delay_ms = -1 };
}

#endif
