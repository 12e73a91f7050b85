#include "exchange/forecast.h"

#include "exchange/exchange_int.h"
#include "exchange/explain.h"
#include "route/alias.h"

#define TEXT_MAX 4096
#define LINES_MAX 512

struct forecast {
    struct pool *pool;
    const struct forecast_ask *ask;
    int64_t now_ms;
    struct route_found found;
    struct arena *arena;
    struct str lines[LINES_MAX]; /* sentences, told at the end */
    size_t line_count;
    struct json_writer *w;
};

/* --- sentences ------------------------------------------------------------------------------- */

static void say(void *peer, struct str text)
{
    struct forecast *f = peer;

    if (f->line_count < LINES_MAX)
        f->lines[f->line_count++] = arena_copy(f->arena, text);
}

static void say_found(struct forecast *f)
{
    const struct route_found *found = &f->found;
    const struct route *route = found->route;

    if (found->mapped != NULL)
        say(f, arena_printf(f->arena, "The rule `%.*s` of the mapping makes `%.*s` of it.",
                            STR_ARG(found->mapped->from), STR_ARG(found->mapped->to)));
    else
        say(f, STR("No rule of the mapping fits."));
    if (found->known_as.len > 0)
        say(f, arena_printf(f->arena, "It is another name of `%.*s`.", STR_ARG(found->known_as)));
    if (found->unknown_flow)
        say(f, arena_printf(f->arena, "There is no flow `%.*s`: the answer is 400.",
                            STR_ARG(str_drop(found->model, ROUTE_PREFIX.len))));
    else if (route == NULL)
        say(f, STR("No account route and no flow has this name: the pool decides."));
    else
        say(f, arena_printf(f->arena, "%s `%.*s` decides; it has %zu %s.",
                            route->by == PICK_FLOW ? "The flow" : "The account route of",
                            STR_ARG(route->name), route->step_count,
                            route->step_count == 1 ? "entry" : "entries"));
    if (found->image.size.len + found->image.aspect.len > 0)
        say(f, arena_printf(
                   f->arena, "The image model is asked for size %.*s, ratio %.*s.",
                   STR_ARG(found->image.size.len > 0 ? found->image.size : STR("1K")),
                   STR_ARG(found->image.aspect.len > 0 ? found->image.aspect : STR("its own"))));
}

/* --- picks ----------------------------------------------------------------------------------- */

static struct pick_ask ask_plain(const struct forecast *f, struct str model)
{
    const struct door_target target = { .protocol = f->ask->protocol };

    return (struct pick_ask){ .model = model,
                              .wires = outgoing_wires(&target),
                              .session = f->ask->session,
                              .has_session = f->ask->has_session,
                              .is_image = str_ifind(model, STR("image")) != SIZE_MAX };
}

static bool view_of(const struct forecast *f, int64_t id, struct account_view *v)
{
    return pool_find(f->pool, arena_printf(f->arena, "%lld", (long long)id), f->now_ms, v);
}

static void put_account(const struct forecast *f, const char *member, int64_t id)
{
    struct account_view v;

    json_put_key(f->w, str_c(member));
    if (view_of(f, id, &v))
        json_put_str(f->w, arena_copy(f->arena, str_c(v.label)));
    else
        json_put_null(f->w);
}

static void put_passed(const struct forecast *f, const struct pick *p)
{
    json_put_key(f->w, STR("passed"));
    json_put_array(f->w);
    for (uint32_t i = 0; i < p->passed_count && i < PICK_PASSED_MAX; i++) {
        const struct pick_passed *who = &p->passed[i];

        json_put_object(f->w);
        json_put_member(f->w, "account", str_c(who->label));
        json_put_member(f->w, "why", str_c(skip_word(who->why)));
        json_put_member(f->w, "text", str_c(skip_text(who->why)));
        if (who->verdict != VERDICT_NONE)
            json_put_member(f->w, "verdict", str_c(verdict_word(who->verdict)));
        if (who->until_ms > f->now_ms)
            json_put_member_i64(f->w, "for_ms", who->until_ms - f->now_ms);
        json_put_end(f->w);
    }
    json_put_end(f->w);
    json_put_member_i64(f->w, "passed_count", p->passed_count);
}

static void put_target(struct forecast *f, int64_t id, struct str model, const struct pick *p)
{
    struct account_view v;

    json_put_key(f->w, STR("target"));
    if (p->reason == PICK_NONE || !view_of(f, id, &v)) {
        json_put_null(f->w);
        say(f, p->offering == 0 ? STR("Nobody in use offers it: the answer is 400.")
                                : STR("Nobody could serve it now."));
    } else {
        struct str label = str_c(v.label);

        json_put_object(f->w);
        json_put_member(f->w, "account", label);
        json_put_member(f->w, "provider", str_c(v.provider));
        json_put_member(f->w, "model", model);
        json_put_member(f->w, "reason", str_c(pick_reason_word(p->reason)));
        json_put_member(f->w, "text", str_c(pick_reason_text(p->reason)));
        json_put_end(f->w);
        say(f, arena_printf(f->arena, "It would go to `%.*s` (%s) as `%.*s`: %s (%s).",
                            STR_ARG(label), v.provider, STR_ARG(model), pick_reason_text(p->reason),
                            pick_reason_word(p->reason)));
    }
    pick_explain(p, f->now_ms, say, f);
}

/* --- the pool -------------------------------------------------------------------------------- */

static void forecast_pool(struct forecast *f)
{
    struct str model = f->found.id;
    struct pick_ask ask = ask_plain(f, model);
    struct aliases other = { .count = 0 };
    struct pick p, first;
    int64_t id = 0;
    bool served = pool_explain(f->pool, &ask, f->now_ms, &id, &first);

    p = first;
    if (!served && p.offering == 0)
        aliases_of(model, &other);
    for (size_t i = 0; i < other.count && p.offering == 0; i++) {
        ask.model = other.at[i];
        (void)pool_explain(f->pool, &ask, f->now_ms, &id, &p);
        if (p.offering > 0) {
            say(f, arena_printf(f->arena,
                                "Nobody offers `%.*s`: it is asked for by another name, `%.*s`.",
                                STR_ARG(model), STR_ARG(other.at[i])));
            model = arena_copy(f->arena, other.at[i]);
        }
    }
    if (p.offering == 0)
        p = first;
    json_put_key(f->w, STR("entries"));
    json_put_array(f->w);
    json_put_end(f->w);
    put_target(f, id, model, &p);
    put_passed(f, &p);
}

/* --- a route --------------------------------------------------------------------------------- */

static struct str step_text(const struct forecast *f, const struct route_step *s)
{
    return arena_printf(
        f->arena, "%.*s%s%.*s, `%.*s`", STR_ARG(s->provider), s->provider.len > 0 ? ", " : "",
        STR_ARG(s->account.len > 0 ? s->account : STR("any account")), STR_ARG(s->model));
}

static void forecast_step(struct forecast *f, size_t i, const struct route_step *s, bool holds)
{
    const struct route *route = f->found.route;
    struct pick_ask ask = ask_plain(f, s->model);
    struct pick p = { .retry_at_ms = INT64_MAX };
    struct buf text = { .max = TEXT_MAX };
    int64_t id = 0;
    bool served = false;

    walk_ask_step(f->pool, route, s, &ask);
    if (holds)
        served = pool_explain(f->pool, &ask, f->now_ms, &id, &p);
    json_put_object(f->w);
    json_put_member(f->w, "provider", s->provider.len > 0 ? s->provider : STR("any"));
    json_put_member(f->w, "account", s->account.len > 0 ? s->account : STR("any"));
    json_put_member(f->w, "model", s->model);
    json_put_member_bool(f->w, "holds", holds);
    json_put_member_bool(f->w, "usable", served);
    json_put_member_i64(f->w, "offering", p.offering);
    if (served)
        put_account(f, "would_serve", id);
    put_passed(f, &p);
    json_put_end(f->w);

    (void)buf_printf(&text, "Entry %zu (%.*s): ", i + 1, STR_ARG(step_text(f, s)));
    if (!holds)
        (void)buf_add(&text, STR("not for a request like this one"));
    else if (served)
        (void)buf_add(&text, STR("somebody could serve"));
    else if (p.passed_count > 0)
        (void)buf_printf(&text, "nobody; `%s` %s (%s)", p.passed[0].label,
                         skip_text(p.passed[0].why), skip_word(p.passed[0].why));
    else
        (void)buf_add(&text, ask.named < 0 && pool_labelled(f->pool, s->account) == 0
                                 ? STR("there is no such account")
                                 : STR("nobody in use offers the model"));
    if (p.passed_count > 1 && !served)
        (void)buf_printf(&text, ", and %u more", p.passed_count - 1);
    (void)buf_add(&text, STR("."));
    say(f, buf_str(&text));
    buf_clear(&text);
}

static void forecast_route(struct forecast *f)
{
    const struct route *route = f->found.route;
    struct pick_ask *asks = arena_array(f->arena, struct pick_ask, route->step_count + 1);
    struct pick p = { .retry_at_ms = INT64_MAX };
    size_t count = 0;
    int64_t id = 0;

    json_put_key(f->w, STR("entries"));
    json_put_array(f->w);
    for (size_t i = 0; i < route->step_count; i++) {
        const struct route_step *s = &route->steps[i];
        bool holds = route_when_holds(s->when, &f->ask->facts);

        forecast_step(f, i, s, holds);
        if (!holds)
            continue;
        asks[count] = ask_plain(f, s->model);
        walk_ask_step(f->pool, route, s, &asks[count]);
        if (count > 0)
            asks[count - 1].next = &asks[count];
        count++;
    }
    json_put_end(f->w);
    if (count > 0) {
        (void)pool_explain(f->pool, &asks[0], f->now_ms, &id, &p);
        put_target(f, id, asks[p.entry].model, &p);
    } else {
        json_put_member_null(f->w, "target");
        say(f, STR("No entry is for a request like this one: the answer is 400."));
    }
    put_passed(f, &p);
}

/* --- all together ---------------------------------------------------------------------------- */

static void put_route(const struct forecast *f)
{
    const struct route *route = f->found.route;

    json_put_key(f->w, STR("route"));
    if (route == NULL) {
        json_put_null(f->w);
        return;
    }
    json_put_object(f->w);
    json_put_member(f->w, "kind", route->by == PICK_FLOW ? STR("flow") : STR("account_route"));
    json_put_member(f->w, "name", route->name);
    json_put_end(f->w);
}

void forecast_put(struct pool *pool, const struct route_table *t, const struct forecast_ask *ask,
                  int64_t now_ms, struct json_writer *w)
{
    struct arena arena = { 0 };
    struct forecast *f = arena_new(&arena, struct forecast);

    f->pool = pool;
    f->ask = ask;
    f->now_ms = now_ms;
    f->arena = &arena;
    f->w = w;
    route_find(t, ask->model, &f->found);
    json_put_object(w);
    json_put_member(w, "model", ask->model);
    json_put_member(w, "protocol", wire_name(ask->protocol));
    json_put_key(w, STR("rule"));
    if (f->found.mapped != NULL)
        json_put_str(w, f->found.mapped->from);
    else
        json_put_null(w);
    json_put_member(w, "mapped_model", f->found.model);
    put_route(f);
    say_found(f);
    if (f->found.route != NULL) {
        forecast_route(f);
    } else if (!f->found.unknown_flow) {
        forecast_pool(f);
    } else {
        json_put_key(w, STR("entries"));
        json_put_array(w);
        json_put_end(w);
        json_put_member_null(w, "target");
    }
    json_put_key(w, STR("explanation"));
    json_put_array(w);
    for (size_t i = 0; i < f->line_count; i++)
        json_put_str(w, f->lines[i]);
    json_put_end(w);
    json_put_end(w);
    arena_free(&arena);
}
