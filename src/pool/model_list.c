#include "pool/model_list.h"

#include <stdlib.h>

/* --- making one */

static int by_id(const void *a, const void *b)
{
    const struct listed_model *x = *(const struct listed_model *const *)a;
    const struct listed_model *y = *(const struct listed_model *const *)b;
    int order = str_cmp(x->id, y->id);

    return order != 0 ? order : (x > y) - (x < y); /* in the order given */
}

static struct listed_model model_copy(struct arena *a, const struct listed_model *m)
{
    struct listed_model copy = *m;

    copy.id = arena_copy(a, m->id);
    copy.name = arena_copy(a, str_eq(m->name, m->id) ? STR("") : m->name);
    copy.owner = arena_copy(a, m->owner);
    return copy;
}

struct model_list *model_list_new(const struct listed_model *models, size_t count)
{
    struct model_list *l = must_calloc(1, sizeof(*l));
    const struct listed_model **sorted = must_alloc((count + 1) * sizeof(sorted[0]));
    struct listed_model *kept = arena_array(&l->arena, struct listed_model, count + 1);

    for (size_t i = 0; i < count; i++)
        sorted[i] = &models[i];
    qsort(sorted, count, sizeof(sorted[0]), by_id);
    for (size_t i = 0; i < count; i++)
        if (l->count == 0 || !str_eq(kept[l->count - 1].id, sorted[i]->id))
            kept[l->count++] = model_copy(&l->arena, sorted[i]);
    for (size_t i = 0; i < l->count; i++)
        l->tells_wires = l->tells_wires || kept[i].wires != 0;
    l->models = kept;
    free(sorted);
    return l;
}

void model_list_free(struct model_list *l)
{
    if (l == NULL)
        return;
    arena_free(&l->arena);
    free(l);
}

static bool model_equal(const struct listed_model *a, const struct listed_model *b)
{
    return str_eq(a->id, b->id) && str_eq(a->name, b->name) && str_eq(a->owner, b->owner) &&
           a->created_unix_ms == b->created_unix_ms && a->tokens_in_max == b->tokens_in_max &&
           a->tokens_out_max == b->tokens_out_max && a->wires == b->wires;
}

bool model_list_equal(const struct model_list *a, const struct model_list *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!model_equal(&a->models[i], &b->models[i]))
            return false;
    return true;
}

/* --- what it offers */

/* The first one that does not stand before `id`. */
static size_t place_of(const struct model_list *l, struct str id)
{
    size_t low = 0, high = l->count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (str_cmp(l->models[mid].id, id) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static const struct listed_model *listed(const struct model_list *l, struct str id)
{
    size_t at = place_of(l, id);

    return at < l->count && str_eq(l->models[at].id, id) ? &l->models[at] : NULL;
}

struct joined {
    char at[LISTED_ID_MAX + 16];
};

static struct str join(struct joined *j, struct str a, struct str b)
{
    assert(a.len + b.len <= sizeof(j->at));
    memcpy(j->at, a.at, a.len);
    memcpy(j->at + a.len, b.at, b.len);
    return (struct str){ j->at, a.len + b.len };
}

static bool is_number(struct str s, size_t len, unsigned least, unsigned most)
{
    uint64_t n;

    return s.len >= len && str_to_u64(str_take(s, len), &n) && n >= least && n <= most;
}

/* `20250929`, `2024-08-06` */
static bool is_date(struct str s)
{
    size_t dash = s.len == 10 ? 1 : 0;

    if ((s.len != 8 && s.len != 10) || (dash == 1 && (s.at[4] != '-' || s.at[7] != '-')))
        return false;
    return is_number(s, 4, 2000, 2099) && is_number(str_drop(s, 4 + dash), 2, 1, 12) &&
           is_number(str_drop(s, 6 + 2 * dash), 2, 1, 31);
}

/* Listed with a date behind its name. */
static const struct listed_model *listed_dated(const struct model_list *l, struct str name)
{
    struct joined j;
    struct str begin = join(&j, name, STR("-20"));

    for (size_t i = place_of(l, begin); i < l->count && str_starts(l->models[i].id, begin); i++)
        if (is_date(str_drop(l->models[i].id, name.len + 1)))
            return &l->models[i];
    return NULL;
}

/* So, or with a date. */
static const struct listed_model *listed_so(const struct model_list *l, struct str name)
{
    const struct listed_model *m = listed(l, name);

    return m != NULL ? m : listed_dated(l, name);
}

/* Offered, in this spelling of its folder. */
static const struct listed_model *offered_so(const struct model_list *l, struct str model)
{
    static const struct str newest[] = { { "-latest", 7 }, { ":latest", 7 }, { "-0", 2 } };
    const struct listed_model *m;
    struct joined j;
    struct str name, variant;

    if (model.len == 0 || model.len > LISTED_ID_MAX)
        return NULL;
    if ((m = listed_so(l, model)) != NULL)
        return m;
    /* `claude-x-latest` and `claude-x-0` stand for the newest dated one, `llama3` for
     * `llama3:latest` */
    for (size_t i = 0; i < COUNT(newest); i++) {
        name = str_drop_last(model, newest[i].len);
        m = listed(l, join(&j, model, newest[i]));
        if (m == NULL && name.len > 0 && str_ends(model, newest[i]))
            m = listed_so(l, name);
        if (m != NULL)
            return m;
    }
    /* `x:nitro`: routers take such words behind any model of theirs */
    return str_cut_last(model, ':', &name, &variant) ? listed(l, name) : NULL;
}

/* Google takes its models with their folder and without, and lists them now so, now so. */
static const struct listed_model *offered(const struct model_list *l, struct str model)
{
    static const struct str folder = { "models/", 7 };
    const struct listed_model *m = offered_so(l, model);
    struct joined j;

    if (m != NULL)
        return m;
    if (str_starts(model, folder))
        return offered_so(l, str_drop(model, folder.len));
    return model.len > 0 && model.len <= LISTED_ID_MAX ? offered_so(l, join(&j, folder, model))
                                                       : NULL;
}

bool model_list_offers(const struct model_list *l, struct str model)
{
    return offered(l, model) != NULL;
}

uint32_t model_list_wires(const struct model_list *l, struct str model)
{
    const struct listed_model *m = l->tells_wires ? offered(l, model) : NULL;

    return m == NULL ? 0 : m->wires;
}
