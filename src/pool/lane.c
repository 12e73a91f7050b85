/* pool/lane.c - what one kind of request may choose from: found again by what was asked, worked out
 * anew when cohorts have come or gone. */
#include <stdlib.h>

#include "base/short_text.h"
#include "pool/pool_int.h"

bool cohort_offers(const struct cohort *c, const struct pick_ask *ask)
{
    if ((c->wires & ask->wires) == 0 ||
        (ask->provider.len > 0 && !str_eq(c->family->name, ask->provider)))
        return false;
    if (c->model_count == 0) /* a list holds ids as the provider knows them */
        return c->listed == NULL || model_list_offers(c->listed, ask->model);
    for (size_t i = 0; i < c->model_count; i++)
        if (str_matches(ask->model, c->models[i]))
            return true;
    return false;
}

/* A name of the list stands for all ids that hold it. */
static bool model_is_monitored(const struct pool *p, struct str model)
{
    for (size_t i = 0; i < p->options.protected_model_count && p->options.protection_percent > 0;
         i++) {
        struct str name = p->options.protected_models[i];

        if (str_ifind(model, name) != SIZE_MAX || str_matches(model, name))
            return true;
    }
    return false;
}

static uint64_t lane_hash(const struct pick_ask *ask)
{
    uint64_t h = short_mix(ask->wires, short_ends(ask->model));

    h = short_mix(h, short_ends(ask->provider)) >> 16;
    return h != 0 ? h : 1;
}

static bool lane_fits(const struct lane *lane, const struct pick_ask *ask)
{
    return lane->wires == ask->wires && short_eq(lane->model, ask->model) &&
           short_eq(lane->provider, ask->provider);
}

static void lane_clear(struct lane *lane)
{
    free(lane->text);
    free(lane->rosters);
    *lane = (struct lane){ .hash = 0 };
}

static void lane_fill(struct pool *p, struct lane *lane, const struct pick_ask *ask)
{
    uint32_t cap = 0;

    lane->count = 0;
    lane->monitored = model_is_monitored(p, ask->model);
    for (struct cohort *c = p->cohorts; c != NULL; c = c->next) {
        if (!cohort_offers(c, ask))
            continue;
        if (lane->count == cap) {
            cap = cap == 0 ? 4 : cap * 2;
            lane->rosters = must_realloc(lane->rosters, sizeof(struct roster *) * cap);
        }
        lane->rosters[lane->count++] =
            roster_make(p, c, group_name(c->group != NULL ? c->group(ask->model) : ask->model));
    }
    lane->shape = p->shape;
}

static void lane_name(struct lane *lane, const struct pick_ask *ask, uint64_t hash)
{
    lane->text = must_alloc(ask->model.len + ask->provider.len);
    lane->model = (struct str){ lane->text, ask->model.len };
    lane->provider = (struct str){ lane->text + ask->model.len, ask->provider.len };
    if (ask->model.len > 0)
        memcpy(lane->text, ask->model.at, ask->model.len);
    if (ask->provider.len > 0)
        memcpy(lane->text + ask->model.len, ask->provider.at, ask->provider.len);
    lane->hash = hash;
    lane->wires = ask->wires;
}

const struct lane *lane_get(struct pool *p, const struct pick_ask *ask)
{
    uint64_t hash = lane_hash(ask);
    struct lane *set = p->lanes[hash % LANE_SETS], *lane = NULL;

    for (int i = 0; i < LANE_WAYS && lane == NULL; i++)
        if (set[i].hash == hash && lane_fits(&set[i], ask))
            lane = &set[i];
    if (lane == NULL) {
        lane = &set[0]; /* the one asked for longest ago makes room */
        for (int i = 1; i < LANE_WAYS; i++)
            if (set[i].asked < lane->asked)
                lane = &set[i];
        lane_clear(lane);
        lane_name(lane, ask, hash);
    }
    lane->asked = p->turn + 1;
    if (lane->shape != p->shape) {
        free(lane->rosters);
        lane->rosters = NULL;
        lane_fill(p, lane, ask);
    }
    for (uint32_t i = 0; i < lane->count; i++)
        lane->rosters[i]->asked = p->turn;
    return lane;
}

void lanes_free(struct pool *p)
{
    for (int i = 0; i < LANE_SETS; i++)
        for (int k = 0; k < LANE_WAYS; k++)
            lane_clear(&p->lanes[i][k]);
}
