/* pool/pick_int.h - what the files of a pick share: pick.c (who), skip.c (why not), tally.c (how
 * many of which kind, and when). All of it reads the pool under its lock, and changes nothing. */
#ifndef PENSTOCK_POOL_PICK_INT_H
#define PENSTOCK_POOL_PICK_INT_H

#include "pool/pool_int.h"

/* One pick while it is worked out. */
struct asking {
    struct pool *pool;
    const struct pick_ask *ask;
    const struct lane *lane;
    int64_t now_ms;
    bool hosts;       /* what is known of hosts keeps accounts out */
    bool spares;      /* the reserve is kept */
    bool protects;    /* the model's quota is protected */
    bool elsewhere;   /* there is a provider that is neither convicted nor spent */
    int64_t limit_ms; /* waiting must end then */
    struct pick *out;
};

static inline bool is_among(struct str name, const struct str *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(list[i], name))
            return true;
    return false;
}

static inline bool is_convicted(const struct asking *a, const struct roster *r)
{
    return is_among(r->cohort->family->name, a->ask->convicted, a->ask->convicted_count);
}

static inline bool is_spent(const struct asking *a, const struct roster *r)
{
    return is_among(r->cohort->family->name, a->ask->spent, a->ask->spent_count);
}

/* This request is asked no more accounts of the provider. */
static inline bool is_barred(const struct asking *a, const struct roster *r)
{
    return is_convicted(a, r) || (a->elsewhere && is_spent(a, r));
}

/* What is known of the way to its host; NULL: nothing, or this request defies it. */
static inline const struct lockout *host_lockout(const struct asking *a, const struct roster *r)
{
    const struct host *h = r->cohort->host;

    return a->hosts && h != NULL && lockout_holds(&h->lockout, a->now_ms) ? &h->lockout : NULL;
}

static inline bool was_tried(const struct asking *a, const struct account *acc)
{
    for (size_t i = 0; i < a->ask->tried_count; i++)
        if (a->ask->tried[i] == acc->id)
            return true;
    return false;
}

/* Of an account of the roster's own cohort. */
static inline struct standing *standing_get(const struct account *acc, const struct roster *r)
{
    struct standing *s = standing_find(acc, r);

    assert(s != NULL);
    return s;
}

/* The tried account number `i`; NULL: it is gone, or has come before. */
static inline const struct account *tried_account(const struct asking *a, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (a->ask->tried[k] == a->ask->tried[i])
            return NULL;
    return account_find(a->pool, a->ask->tried[i]);
}

/* What is held against its quota. */
static inline enum skip bits_skip(const struct asking *a, unsigned bits)
{
    if ((bits & SPARE) != 0 && a->spares)
        return SKIP_RESERVE;
    return (bits & LOW) != 0 && a->protects ? SKIP_PROTECTED : SKIP_NONE;
}

static inline int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static inline uint32_t roster_offering(const struct roster *r)
{
    return r->cohort->count - r->count[PLACE_DISABLED] - r->count[PLACE_PROXY_DISABLED];
}

static inline int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline void label_into(char to[32], const struct account *acc)
{
    clip_into(to, 32, acc->config->label);
}

/* Is there a provider for this that is neither convicted nor spent? */
bool pick_has_other(struct pool *p, const struct pick_ask *ask);

/* --- skip.c */

/* Why the account cannot be used for this request; SKIP_NONE: it can. */
enum skip standing_skip(const struct asking *a, const struct standing *s);
/* Its standing among those that may be chosen from; NULL: it does not offer the model. */
struct standing *standing_in_lane(const struct asking *a, const struct account *acc);
/* When it is free again; INT64_MAX: time alone does not tell. */
int64_t standing_until(const struct asking *a, const struct standing *s);
enum verdict_kind standing_verdict(const struct asking *a, const struct standing *s);
/* Nothing but the lockout stands between it and a probe. */
bool standing_may_probe(const struct asking *a, const struct standing *s);

/* --- tally.c */

/* Where the pick counts accounts that are out for a reason of this class. */
uint32_t *tally_of(struct pick *out, enum lock_class class);
/* All accounts, by the reason why they cannot be used. */
void tally_all(struct asking *a);
/* The best-ranked of those that offer the model and cannot be used, by name. */
void tally_names(struct asking *a);
void tally_name(const struct asking *a, const struct standing *s, struct pick_passed *to);
/* Nobody can be had now: when can somebody, and is it worth waiting for that? */
void tally_ahead(struct asking *a);

#endif
