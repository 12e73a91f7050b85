#include "pool/order.h"

#include "pool/pool_int.h"

bool standing_before(const struct standing *a, const struct standing *b)
{
    if (a->rank != b->rank)
        return a->rank < b->rank;
    if (a->picked != b->picked)
        return a->picked < b->picked;
    if (a->remaining != b->remaining)
        return a->remaining > b->remaining;
    if (a->account->created_unix_ms != b->account->created_unix_ms)
        return a->account->created_unix_ms < b->account->created_unix_ms;
    return a->account->order < b->account->order;
}

/* --- what a node knows of its part ----------------------------------------------------------- */

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* True when that changed what was known. */
static bool node_sum_up(struct standing *s)
{
    int64_t soonest_ms = s->until_ms, probe_ms = s->probe_ms;

    if (s->left != NULL) {
        soonest_ms = sooner(soonest_ms, s->left->soonest_ms);
        probe_ms = sooner(probe_ms, s->left->soonest_probe_ms);
    }
    if (s->right != NULL) {
        soonest_ms = sooner(soonest_ms, s->right->soonest_ms);
        probe_ms = sooner(probe_ms, s->right->soonest_probe_ms);
    }
    if (s->soonest_ms == soonest_ms && s->soonest_probe_ms == probe_ms)
        return false;
    s->soonest_ms = soonest_ms;
    s->soonest_probe_ms = probe_ms;
    return true;
}

/* From a node whose part has changed; what is right already needs no walk to the root. */
static void path_sum_up(struct standing *s)
{
    while (s != NULL && node_sum_up(s))
        s = s->up;
}

/* --- shape ----------------------------------------------------------------------------------- */

static struct standing **link_to(struct order *o, struct standing *s)
{
    if (s->up == NULL)
        return &o->root;
    return s->up->left == s ? &s->up->left : &s->up->right;
}

/* Puts the child in the place of its parent, which goes down on the other side. */
static void node_lift(struct order *o, struct standing *child)
{
    struct standing *parent = child->up, *inner;

    *link_to(o, parent) = child;
    child->up = parent->up;
    parent->up = child;
    if (parent->left == child) {
        inner = child->right;
        child->right = parent;
        parent->left = inner;
    } else {
        inner = child->left;
        child->left = parent;
        parent->right = inner;
    }
    if (inner != NULL)
        inner->up = parent;
    child->soonest_ms = parent->soonest_ms; /* it heads the same part now */
    child->soonest_probe_ms = parent->soonest_probe_ms;
    (void)node_sum_up(parent);
}

void order_insert(struct order *o, struct standing *s)
{
    struct standing *up = NULL, **at = &o->root;

    while (*at != NULL) {
        up = *at;
        at = standing_before(s, up) ? &up->left : &up->right;
    }
    *at = s;
    s->up = up;
    s->left = s->right = NULL;
    s->soonest_ms = s->until_ms;
    s->soonest_probe_ms = s->probe_ms;
    path_sum_up(up);
    while (s->up != NULL && s->up->weight < s->weight)
        node_lift(o, s);
}

void order_remove(struct order *o, struct standing *s)
{
    while (s->left != NULL && s->right != NULL)
        node_lift(o, s->left->weight > s->right->weight ? s->left : s->right);

    struct standing *below = s->left != NULL ? s->left : s->right, *up = s->up;

    *link_to(o, s) = below;
    if (below != NULL)
        below->up = up;
    s->up = s->left = s->right = NULL;
    path_sum_up(up);
}

/* --- walking --------------------------------------------------------------------------------- */

struct standing *order_first(const struct order *o)
{
    struct standing *s = o->root;

    while (s != NULL && s->left != NULL)
        s = s->left;
    return s;
}

struct standing *order_next(const struct standing *s)
{
    struct standing *next = s->right;

    if (next != NULL) {
        while (next->left != NULL)
            next = next->left;
        return next;
    }
    while (s->up != NULL && s->up->right == s)
        s = s->up;
    return s->up;
}

struct standing *order_from(const struct order *o, uint64_t rank)
{
    struct standing *best = NULL;

    for (struct standing *s = o->root; s != NULL;)
        if (s->rank >= rank) {
            best = s;
            s = s->left;
        } else {
            s = s->right;
        }
    return best;
}

static bool part_has_probe(const struct standing *s, int64_t now_ms)
{
    return s != NULL && s->soonest_probe_ms <= now_ms;
}

/* The first in this part, which has one. */
static struct standing *first_probe(struct standing *s, int64_t now_ms)
{
    for (;;) {
        if (part_has_probe(s->left, now_ms))
            s = s->left;
        else if (s->probe_ms <= now_ms)
            return s;
        else
            s = s->right;
    }
}

struct standing *order_first_probe(const struct order *o, int64_t now_ms)
{
    return part_has_probe(o->root, now_ms) ? first_probe(o->root, now_ms) : NULL;
}

struct standing *order_next_probe(const struct standing *s, int64_t now_ms)
{
    if (part_has_probe(s->right, now_ms))
        return first_probe(s->right, now_ms);
    for (; s->up != NULL; s = s->up) {
        struct standing *up = s->up;

        if (up->left != s)
            continue;
        if (up->probe_ms <= now_ms)
            return up;
        if (part_has_probe(up->right, now_ms))
            return first_probe(up->right, now_ms);
    }
    return NULL;
}
