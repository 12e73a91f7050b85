/* exchange/walk.c - from a model's name to those who may serve it: the route's entries that are for
 * this request, and what the pool is asked for each. */
#include "exchange/exchange_int.h"

#include "route/alias.h"
#include "wire/estimate.h"

/* --- which entries are for this request ------------------------------------------------------ */

static bool has_images(const struct part *p)
{
    for (; p != NULL; p = p->next)
        if (p->kind == PART_IMAGE ||
            (p->kind == PART_TOOL_RESULT && has_images(p->result.content)) ||
            (p->kind == PART_DOCUMENT && has_images(p->media.content)))
            return true;
    return false;
}

static bool asks_for_thinking(const struct reasoning *r)
{
    return r->mode != REASONING_UNSET && r->mode != REASONING_OFF &&
           !(r->mode == REASONING_BUDGET && r->budget == 0);
}

/* Of a request that cannot be read whole its size is known, and whoever serves it will say the
 * rest. */
static void read_facts(struct exchange *x, struct route_facts *f)
{
    struct wire_complaint ignored;

    f->context_tokens = (int64_t)(x->r->body.len / 4);
    if (embedding_is(x) || media_is(x) || !canon_read(x, &ignored))
        return;
    for (const struct message *m = x->canon->messages; m != NULL && !f->images; m = m->next)
        f->images = has_images(m->parts);
    f->tools = x->canon->tools != NULL || x->canon->server_tools != NULL;
    f->thinking = asks_for_thinking(&x->canon->reasoning);
    f->context_tokens = estimate_request(x->canon, &x->env->scratch);
    arena_reset(&x->env->scratch);
}

static void keep_steps(struct exchange *x, struct walk *w)
{
    const struct route *route = w->found.route;
    const struct route_step **kept =
        arena_array(&x->r->arena, const struct route_step *, route->step_count + 1);
    struct route_facts facts = { .images = false };

    if (route->by_request)
        read_facts(x, &facts);
    if (route->conditional)
        facts.minute = clock_local_minute();
    for (size_t i = 0; i < route->step_count; i++)
        if (route_when_holds(route->steps[i].when, &facts))
            kept[w->step_count++] = &route->steps[i];
    w->steps = kept;
}

/* --- background tasks ------------------------------------------------------------------------ */

/* The beginning of the texts, as far as rules look at them. */
static struct str first_texts(const struct part *p, struct arena *a)
{
    struct buf all = { .max = BACKGROUND_USER_MAX + 1 };

    for (; p != NULL && all.len < all.max; p = p->next)
        if (p->kind == PART_TEXT) {
            struct str plain = text_plain(a, p->text);

            (void)buf_add(&all, str_take(plain, all.max - all.len));
        }
    struct str out = arena_copy(a, buf_str(&all));
    buf_clear(&all);
    return out;
}

static const struct part *last_of_user(const struct canon_request *r)
{
    const struct part *found = NULL;

    for (const struct message *m = r->messages; m != NULL; m = m->next)
        if (m->role == ROLE_USER)
            found = m->parts;
    return found;
}

/* The model for what an agent asks for itself; empty: this is no such request. */
static struct str background(struct exchange *x)
{
    const struct background_spec *s = &route_table_spec(x->rules->routes)->background;
    struct wire_complaint ignored;

    if (!s->enabled || x->target.ask != ASK_GENERATE || !canon_read(x, &ignored))
        return STR("");
    struct str model = background_model(s, first_texts(x->canon->system, &x->env->scratch),
                                        first_texts(last_of_user(x->canon), &x->env->scratch));

    arena_reset(&x->env->scratch);
    return model;
}

void walk_begin(struct exchange *x)
{
    struct route_found found;
    struct str cheaper = background(x);

    if (cheaper.len > 0)
        route_find_named(x->rules->routes, cheaper, &found);
    else
        route_find(x->rules->routes, x->request.model, &found);
    x->mapped = found.id;
    x->image = found.image;
    if (found.route == NULL && !found.unknown_flow)
        return;
    struct walk *w = arena_new(&x->r->arena, struct walk);

    w->found = found;
    x->walk = w;
    if (found.route != NULL)
        keep_steps(x, w);
}

/* --- what the pool is asked ------------------------------------------------------------------ */

/* Models that make pictures in another form may be asked over its wires. */
static void add_wires(const struct exchange *x, struct pick_ask *ask)
{
    if (pictures_wanted(x, ask->model))
        ask->wires |= WIRE_BIT(WIRE_GEMINI) | WIRE_BIT(WIRE_CLOUDCODE);
}

static void plain_ask(const struct exchange *x, enum asking_for what, struct pick_ask *ask)
{
    const struct blame *b = x->blame;

    *ask = (struct pick_ask){
        .model = x->mapped,
        .wires = what == ASKING_ANY_WIRE ? UINT32_MAX : outgoing_wires(&x->target),
        .session = x->session,
        .has_session = x->has_session,
        .home = x->home,
        .is_image = str_ifind(x->mapped, STR("image")) != SIZE_MAX,
        .side = what == ASKING_SIDE || what == ASKING_ANY_WIRE,
        .force_rotate = x->attempt_count > 0 && !x->lingers,
        .again = x->again,
        .tried = x->tried,
        .tried_count = x->tried_count,
        .defies_hosts = x->verdicts[VERDICT_NETWORK] + x->verdicts[VERDICT_TIMEOUT] > 0,
        .since_ms = x->wait_since_ms,
        .deadline_ms = x->deadline_ms,
        .waiter = what == ASKING_LEASE ? x->waiter : NULL,
        .surveys = what == ASKING_SURVEY,
    };

    add_wires(x, ask);
    if (b != NULL) {
        ask->convicted = b->convicted;
        ask->convicted_count = b->convicted_count;
        ask->spent = b->spent;
        ask->spent_count = b->spent_count;
        ask->avoid = b->avoid;
    }
}

/* An account that failed for one model may be asked for another. */
static void keep_tried(struct exchange *x, struct pick_ask *ask)
{
    int64_t *kept;
    size_t count = 0;

    if (x->tried_count == 0)
        return;
    kept = arena_array(&x->r->arena, int64_t, x->tried_count);
    for (size_t i = 0; i < x->tried_count; i++)
        if (str_eq(x->tried_models[i], ask->model))
            kept[count++] = x->tried[i];
    ask->tried = kept;
    ask->tried_count = count;
}

#define NOBODY INT64_MIN /* no account's id */

void walk_ask_step(struct pool *pool, const struct route *route, const struct route_step *step,
                   struct pick_ask *ask)
{
    ask->model = step->model;
    ask->is_image = str_ifind(step->model, STR("image")) != SIZE_MAX;
    ask->by = route->by;
    ask->provider = step->provider;
    ask->named = step->account.len > 0 ? pool_labelled(pool, step->account) : 0;
    if (step->account.len > 0 && ask->named == 0)
        ask->named = NOBODY;
    ask->spends_reserve = step->spends_reserve;
    ask->by_age = step->by_age;
    ask->rotates = route->rotates && step->account.len > 0;
}

void walk_ask(struct exchange *x, enum asking_for what, struct pick_ask *ask)
{
    struct walk *w = x->walk;
    struct pick_ask *asks;

    plain_ask(x, what, ask);
    if (w == NULL)
        return;
    assert(w->step_count > 0);
    if (w->asks == NULL)
        w->asks = arena_alloc_raw(&x->r->arena, sizeof(*w->asks) * 2 * w->step_count);
    asks = w->asks + (w->second_half ? w->step_count : 0);
    w->second_half = !w->second_half;
    for (size_t i = 0; i < w->step_count; i++) {
        asks[i] = *ask;
        walk_ask_step(x->env->pool, w->found.route, w->steps[i], &asks[i]);
        asks[i].again = str_eq(asks[i].model, x->mapped) ? ask->again : 0;
        asks[i].next = i + 1 < w->step_count ? &asks[i + 1] : NULL;
        keep_tried(x, &asks[i]);
        add_wires(x, &asks[i]);
    }
    *ask = asks[0];
}

_Static_assert(ROUTE_STEPS_MAX <= JOURNAL_ENTRIES_MAX, "a journal's line has room for a route");

void walk_journal(const struct exchange *x, struct journal_event *ev)
{
    const struct walk *w = x->walk;

    if (w == NULL || w->step_count == 0)
        return;
    struct journal_entry *list = arena_array(&x->r->arena, struct journal_entry, w->step_count);

    for (size_t i = 0; i < w->step_count; i++) {
        const struct route_step *s = w->steps[i];

        list[i] = (struct journal_entry){ .provider = s->provider,
                                          .account = s->account,
                                          .model = s->model,
                                          .by_age = s->by_age,
                                          .rotates = w->found.route->rotates && s->account.len > 0,
                                          .spends_reserve = s->spends_reserve };
    }
    ev->by = w->found.route->by;
    ev->entries = list;
    ev->entry_count = (uint32_t)w->step_count;
}

void walk_keep_pick(struct exchange *x)
{
    const struct pick *said = &x->env->asked;
    size_t bytes = pick_bytes(said);

    if (bytes > x->pick_room) {
        x->pick = arena_alloc_raw(&x->r->arena, bytes);
        x->pick_room = bytes;
    }
    memcpy(x->pick, said, bytes);
}

static bool ask_pool(struct exchange *x, enum asking_for what, int64_t now_ms)
{
    struct pick_ask ask;

    walk_ask(x, what, &ask);
    bool leased = pool_lease(x->env->pool, &ask, now_ms, &x->attempt.lease, &x->env->asked);

    walk_keep_pick(x);
    return leased;
}

/* The model may be offered under another name of it: the first of them that anybody offers. */
static bool ask_by_alias(struct exchange *x, enum asking_for what, int64_t now_ms)
{
    struct str own = x->mapped;
    struct pick *pick = x->pick;
    size_t pick_room = x->pick_room;
    struct aliases other;

    x->pick_room = 0;
    aliases_of(own, &other);
    for (size_t i = 0; i < other.count; i++) {
        x->mapped = other.at[i];
        bool leased = ask_pool(x, what, now_ms);

        if (!leased && x->pick->offering == 0)
            continue;
        x->mapped = arena_copy(&x->r->arena, other.at[i]);
        if (leased)
            x->attempt.lease.model = x->mapped;
        return leased;
    }
    x->mapped = own;
    x->pick = pick;
    x->pick_room = pick_room;
    return false;
}

bool walk_lease(struct exchange *x, enum asking_for what, int64_t now_ms)
{
    bool leased = ask_pool(x, what, now_ms);

    if (x->walk == NULL)
        return leased || x->pick->offering > 0 || x->attempt_count > 0
                   ? leased
                   : ask_by_alias(x, what, now_ms);
    if (leased) {
        x->mapped = x->walk->steps[x->pick->entry]->model;
        x->image = x->walk->steps[x->pick->entry]->image;
    }
    return leased;
}
