#include "route/table.h"

#include <stdarg.h>
#include <stdio.h>

#include "route/alias.h"
#include "route/names.h"

/* A rule of the mapping with what its target comes to. */
struct rule {
    const struct mapping_spec *spec;
    struct route_found leads;
};

struct route_table {
    struct routing_spec spec;
    struct rule *rules;
    struct route *routes; /* flows, then account routes */
    size_t route_count;
    struct names mapping, flows, accounts; /* values: indexes of rules and routes */
};

/* --- compiling ------------------------------------------------------------------------------- */

struct compiling {
    struct route_table *t;
    struct arena *arena;
    struct route_fault *fault;
    bool *open;         /* flows that are being written out: one that is met again is a cycle */
    unsigned flows_met; /* for this route: flows without entries are bounded by this */
    struct route_step steps[ROUTE_STEPS_MAX];
    size_t step_count;
    bool conditional, by_request;
};

/* What is wrong lies here. */
struct spot {
    enum route_list list;
    size_t index, entry;
};

static bool wrong(struct compiling *c, const struct spot *at, const char *member,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));

static bool wrong(struct compiling *c, const struct spot *at, const char *member,
                  const char *format, ...)
{
    va_list args;

    *c->fault = (struct route_fault){
        .list = at->list, .index = at->index, .entry = at->entry, .member = member
    };
    va_start(args, format);
    vsnprintf(c->fault->text, sizeof(c->fault->text), format, args);
    va_end(args);
    return false;
}

static bool when_is_given(const struct route_when *w)
{
    return w->images != WANTS_EITHER || w->tools != WANTS_EITHER || w->thinking != WANTS_EITHER ||
           w->context_tokens_max > 0 || w->from_minute != w->to_minute;
}

static bool when_is_about_requests(const struct route_when *w)
{
    return w->images != WANTS_EITHER || w->tools != WANTS_EITHER || w->thinking != WANTS_EITHER ||
           w->context_tokens_max > 0;
}

/* The entry's own conditions on top of those of the entry that named its flow. */
static const struct route_when *when_of(struct compiling *c, const struct route_entry *e,
                                        const struct route_when *outer)
{
    struct route_when *w;

    if (!when_is_given(&e->when))
        return outer;
    w = arena_new(c->arena, struct route_when);
    *w = e->when;
    w->further = outer;
    c->conditional = true;
    c->by_request = c->by_request || when_is_about_requests(w);
    return w;
}

static bool step_add(struct compiling *c, const struct spot *at, const struct route_step *step)
{
    if (c->step_count == ROUTE_STEPS_MAX)
        return wrong(c, at, NULL, "makes more than %d entries, with those of the flows it names",
                     ROUTE_STEPS_MAX);
    c->steps[c->step_count] = *step;
    (void)image_id_read(step->model, &c->steps[c->step_count].model,
                        &c->steps[c->step_count].image);
    c->step_count++;
    return true;
}

static bool flow_add(struct compiling *c, size_t flow, const struct route_when *outer,
                     const struct spot *top);

static bool entry_add(struct compiling *c, const struct route_entry *e,
                      const struct route_when *outer, const struct spot *at)
{
    const struct route_when *when = when_of(c, e, outer);
    uint32_t flow;

    if (e->flow.len == 0)
        return step_add(c, at,
                        &(struct route_step){ .provider = e->provider,
                                              .account = e->account,
                                              .model = e->model,
                                              .when = when,
                                              .spends_reserve = e->account.len > 0 });
    flow = names_find(&c->t->flows, e->flow);
    if (flow == NAME_NONE)
        return wrong(c, at, "flow", "no such flow: %.*s", STR_ARG(str_take(e->flow, 80)));
    if (c->open[flow])
        return wrong(c, at, "flow", "leads back to the flow itself: %.*s",
                     STR_ARG(str_take(e->flow, 80)));
    if (++c->flows_met > ROUTE_STEPS_MAX)
        return wrong(c, at, "flow", "names more than %d flows, with those that they name",
                     ROUTE_STEPS_MAX);
    return flow_add(c, flow, when, at);
}

/* `top` is the entry of the flow that is being made, through which this one was reached; NULL: it
 * is that flow. */
static bool flow_add(struct compiling *c, size_t flow, const struct route_when *outer,
                     const struct spot *top)
{
    const struct route_spec *spec = &c->t->spec.flows[flow];
    bool good = true;

    c->open[flow] = true;
    for (size_t i = 0; i < spec->entry_count && good; i++) {
        const struct spot own = { ROUTE_FAULT_FLOW, flow, i };

        good = entry_add(c, &spec->entries[i], outer, top != NULL ? top : &own);
    }
    c->open[flow] = false;
    return good;
}

/* What was written out becomes a route. */
static void route_keep(struct compiling *c, enum pick_reason by, struct str name, bool rotates)
{
    struct route_step *steps = arena_array(c->arena, struct route_step, c->step_count + 1);

    memcpy(steps, c->steps, c->step_count * sizeof(steps[0]));
    c->t->routes[c->t->route_count++] = (struct route){ .by = by,
                                                        .name = name,
                                                        .steps = steps,
                                                        .step_count = c->step_count,
                                                        .rotates = rotates,
                                                        .conditional = c->conditional,
                                                        .by_request = c->by_request };
    c->step_count = 0;
    c->flows_met = 0;
    c->conditional = c->by_request = false;
}

static bool account_route_add(struct compiling *c, size_t index)
{
    const struct route_spec *spec = &c->t->spec.accounts[index];

    for (size_t i = 0; i < spec->entry_count; i++) {
        const struct spot at = { ROUTE_FAULT_ACCOUNT, index, i };
        const struct route_entry *e = &spec->entries[i];
        struct route_step step = {
            .account = e->account,
            .model = e->model.len > 0 ? e->model : spec->name,
            .when = when_of(c, e, NULL),
            .spends_reserve = spec->entry_count == 1 && !spec->smart_switch,
        };

        if (!step_add(c, &at, &step))
            return false;
    }
    if (spec->smart_switch) {
        const struct spot at = { ROUTE_FAULT_ACCOUNT, index, SIZE_MAX };

        if (!step_add(c, &at,
                      &(struct route_step){ .model = spec->name, .by_age = !spec->rotates }))
            return false;
    }
    route_keep(c, PICK_ROUTE, spec->name, spec->rotates);
    return true;
}

/* Where a name leads behind the mapping. */
static void find_behind(const struct route_table *t, struct str name, struct route_found *out)
{
    bool says_flow = str_istarts(name, ROUTE_PREFIX);
    struct str flow_name = says_flow ? str_drop(name, ROUTE_PREFIX.len) : name;
    uint32_t at = says_flow ? NAME_NONE : names_find(&t->accounts, name);

    if (at == NAME_NONE)
        at = names_find(&t->flows, flow_name);
    out->model = out->id = name;
    out->image = (struct image_id){ .size = { "", 0 } };
    out->known_as = STR("");
    out->route = at == NAME_NONE ? NULL : &t->routes[at];
    out->unknown_flow = says_flow && out->route == NULL;
    if (out->route != NULL || out->unknown_flow)
        return;
    if (image_id_read(name, &out->id, &out->image)) {
        at = out->id.len == name.len ? NAME_NONE : names_find(&t->accounts, out->id);
    } else if (t->accounts.count > 0) {
        /* an account route is for its model however that is spelled */
        struct aliases other;

        aliases_of(name, &other);
        for (size_t i = 0; i < other.spellings && at == NAME_NONE; i++)
            at = names_find(&t->accounts, other.at[i]);
    }
    if (at != NAME_NONE) {
        assert(t->routes != NULL); /* names lead there */
        out->route = &t->routes[at];
        out->known_as = out->route->name;
    }
}

static bool mapping_add(struct compiling *c, size_t index)
{
    struct route_table *t = c->t;
    const struct mapping_spec *m = &t->spec.mapping[index];
    const struct spot at = { ROUTE_FAULT_MAPPING, index, SIZE_MAX };
    struct rule *rule = &t->rules[index];

    rule->spec = m;
    find_behind(t, m->to, &rule->leads);
    rule->leads.mapped = m;
    if (rule->leads.unknown_flow)
        return wrong(c, &at, NULL, "no such flow: %.*s",
                     STR_ARG(str_take(str_drop(m->to, ROUTE_PREFIX.len), 80)));
    return names_add(&t->mapping, m->from, (uint32_t)index) ||
           wrong(c, &at, NULL, "stands there twice");
}

/* Models for background tasks may be flows, too. */
static bool background_check(struct compiling *c)
{
    const struct background_spec *s = &c->t->spec.background;
    struct route_found found;

    for (size_t i = 0; i <= BACKGROUND_KINDS; i++) {
        const struct spot at = { ROUTE_FAULT_BACKGROUND, i, SIZE_MAX };
        struct str model = i < BACKGROUND_KINDS ? s->models[i] : s->model;

        if (model.len == 0)
            continue;
        find_behind(c->t, model, &found);
        if (found.unknown_flow)
            return wrong(c, &at, NULL, "no such flow: %.*s",
                         STR_ARG(str_take(str_drop(model, ROUTE_PREFIX.len), 80)));
    }
    return true;
}

static bool names_of_flows(struct compiling *c)
{
    struct route_table *t = c->t;

    for (size_t i = 0; i < t->spec.flow_count; i++) {
        const struct spot at = { ROUTE_FAULT_FLOW, i, SIZE_MAX };

        if (!names_add(&t->flows, t->spec.flows[i].name, (uint32_t)i))
            return wrong(c, &at, NULL, "stands there twice");
    }
    for (size_t i = 0; i < t->spec.account_count; i++) {
        const struct spot at = { ROUTE_FAULT_ACCOUNT, i, SIZE_MAX };
        const struct route_spec *spec = &t->spec.accounts[i];

        if ((spec->entry_count > 0 || spec->smart_switch) &&
            !names_add(&t->accounts, spec->name, (uint32_t)(t->spec.flow_count + i)))
            return wrong(c, &at, NULL, "stands there twice");
    }
    return true;
}

static bool compile(struct compiling *c)
{
    struct route_table *t = c->t;

    if (!names_of_flows(c))
        return false;
    for (size_t i = 0; i < t->spec.flow_count; i++) {
        if (!flow_add(c, i, NULL, NULL))
            return false;
        route_keep(c, PICK_FLOW, t->spec.flows[i].name, false);
    }
    for (size_t i = 0; i < t->spec.account_count; i++)
        if (!account_route_add(c, i))
            return false;
    for (size_t i = 0; i < t->spec.mapping_count; i++)
        if (!mapping_add(c, i))
            return false;
    return background_check(c);
}

const struct route_table *route_compile(const struct routing_spec *spec, struct arena *a,
                                        struct route_fault *fault)
{
    struct route_table *t = arena_new(a, struct route_table);
    struct arena scratch = { 0 };
    struct compiling *c = arena_new(&scratch, struct compiling);
    bool good;

    t->spec = *spec;
    t->rules = arena_array(a, struct rule, spec->mapping_count + 1);
    t->routes = arena_array(a, struct route, spec->flow_count + spec->account_count + 1);
    names_init(&t->mapping, (uint32_t)spec->mapping_count, a);
    names_init(&t->flows, (uint32_t)spec->flow_count, a);
    names_init(&t->accounts, (uint32_t)spec->account_count, a);
    c->t = t;
    c->arena = a;
    c->fault = fault;
    c->open = arena_array(&scratch, bool, spec->flow_count + 1);
    good = compile(c);
    names_settle(&t->mapping, a);
    arena_free(&scratch);
    return good ? t : NULL;
}

const struct routing_spec *route_table_spec(const struct route_table *t)
{
    return &t->spec;
}

/* --- finding --------------------------------------------------------------------------------- */

/* A pattern that takes every name takes no flow that is asked for by name, unless it says so. */
static bool rule_takes(const struct rule *rule, struct str name)
{
    return !str_istarts(name, ROUTE_PREFIX) || str_istarts(rule->spec->from, ROUTE_PREFIX);
}

void route_find(const struct route_table *t, struct str name, struct route_found *out)
{
    uint32_t at = t->mapping.count > 0 ? names_match(&t->mapping, name) : NAME_NONE;

    if (at != NAME_NONE && rule_takes(&t->rules[at], name)) {
        *out = t->rules[at].leads;
        return;
    }
    route_find_named(t, name, out);
}

void route_find_named(const struct route_table *t, struct str name, struct route_found *out)
{
    out->mapped = NULL;
    find_behind(t, name, out);
}

const struct route *route_flow(const struct route_table *t, struct str name)
{
    uint32_t at = names_find(&t->flows, name);

    return at == NAME_NONE ? NULL : &t->routes[at];
}

size_t route_count(const struct route_table *t)
{
    return t->route_count;
}

const struct route *route_at(const struct route_table *t, size_t i)
{
    assert(i < t->route_count);
    return &t->routes[i];
}

/* --- conditions ------------------------------------------------------------------------------ */

static bool wanted(enum route_wants wants, bool has)
{
    return wants == WANTS_EITHER || (wants == WANTS_WITH) == has;
}

static bool is_within(const struct route_when *w, int minute)
{
    if (w->from_minute == w->to_minute)
        return true;
    if (w->from_minute < w->to_minute)
        return minute >= w->from_minute && minute < w->to_minute;
    return minute >= w->from_minute || minute < w->to_minute;
}

bool route_when_is_now(const struct route_when *when, int minute)
{
    for (const struct route_when *w = when; w != NULL; w = w->further)
        if (!is_within(w, minute))
            return false;
    return true;
}

bool route_when_holds(const struct route_when *when, const struct route_facts *f)
{
    for (const struct route_when *w = when; w != NULL; w = w->further)
        if (!wanted(w->images, f->images) || !wanted(w->tools, f->tools) ||
            !wanted(w->thinking, f->thinking) ||
            (w->context_tokens_max > 0 && f->context_tokens > w->context_tokens_max) ||
            !is_within(w, f->minute))
            return false;
    return true;
}
