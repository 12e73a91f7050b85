/* app/settings_routing.c - `proxy.custom_mapping` and `routing`: read strictly, since a condition
 * that is not understood would send requests elsewhere, and compiled into the table that requests
 * go by. */
#include "app/settings_int.h"

#define FLOWS_MAX 10000
#define ACCOUNT_ROUTES_MAX 10000
#define RULES_MAX 1000
#define DAY_MINUTES (24 * 60)

/* --- the mapping */

static bool read_mapping(struct reading *r, const struct key_row *row, const struct place *at,
                         uint32_t node)
{
    struct arena *a = &r->s->arena;
    struct mapping_spec *list;
    size_t count, n = 0;

    if (!settings_open(r, at, node, JSON_OBJECT, row->min, row->max, &count))
        return false;
    list = arena_array(a, struct mapping_spec, count + 1);
    for (uint32_t i = json_first(r->doc, node); i != JSON_NONE; i = json_after(r->doc, node, i)) {
        struct mapping_spec *m = &list[n];

        if (!settings_read_text(r, at, i, SETTINGS_TEXT_MAX, a, &m->from))
            return false;
        const struct place item = { at, m->from.len > 0 ? m->from : STR("\"\""), 0 };

        if (m->from.len == 0)
            return settings_refuse(r, &item, i, "names no model");
        i = json_after(r->doc, node, i);
        if (!settings_read_text(r, &item, i, SETTINGS_TEXT_MAX, a, &m->to))
            return false;
        if (m->to.len == 0)
            return settings_refuse(r, &item, i, "names no model");
        n++;
    }
    r->s->routing.mapping = list;
    r->s->routing.mapping_count = n;
    return true;
}

static void put_mapping(const struct settings *s, __attribute__((unused)) const struct key_row *row,
                        struct json_writer *w)
{
    json_put_object(w);
    for (size_t i = 0; i < s->routing.mapping_count; i++) {
        json_put_key(w, s->routing.mapping[i].from);
        json_put_str(w, s->routing.mapping[i].to);
    }
    json_put_end(w);
}

/* --- conditions */

const struct member_doc route_when_docs[] = {
    { "images", "true or false", "Only requests with (without) pictures in them." },
    { "tools", "true or false", "Only requests with (without) tools to call." },
    { "thinking", "true or false", "Only requests that do (do not) ask for thinking." },
    { "context_tokens_max", "integer",
      "Only requests of at most so many prompt tokens, by our own estimate." },
    { "hours", "`HH:MM-HH:MM`",
      "Only at this time of the day, in the time zone of the gateway (`TZ`); may go over "
      "midnight." },
    { NULL, NULL, NULL },
};

static bool read_wants(const struct reading *r, const struct place *at, uint32_t node,
                       enum route_wants *out)
{
    bool yes;

    if (!settings_read_bool(r, at, node, &yes))
        return false;
    *out = yes ? WANTS_WITH : WANTS_WITHOUT;
    return true;
}

/* `22:00`; 24:00 is the day's end. */
static bool read_minute(struct str text, int *out)
{
    struct str hour, minute;
    uint64_t h, m;

    if (!str_cut(text, ':', &hour, &minute) || minute.len != 2 || hour.len == 0 || hour.len > 2 ||
        !str_to_u64(hour, &h) || !str_to_u64(minute, &m) || m > 59 || h * 60 + m > DAY_MINUTES)
        return false;
    *out = (int)(h * 60 + m);
    return true;
}

static bool read_hours(const struct reading *r, const struct place *at, uint32_t node,
                       struct route_when *w)
{
    struct str text, from, to;

    if (!settings_read_text(r, at, node, 32, r->scratch, &text))
        return false;
    if (!str_cut(text, '-', &from, &to) || !read_minute(str_trim(from), &w->from_minute) ||
        !read_minute(str_trim(to), &w->to_minute))
        return settings_refuse(r, at, node, "\"%.*s\" is no time of the day, as 22:00-06:30",
                               STR_ARG(text));
    if (w->from_minute == w->to_minute)
        return settings_refuse(r, at, node, "begins when it ends");
    w->from_minute %= DAY_MINUTES;
    return true;
}

static bool read_when(const struct reading *r, const struct place *up, uint32_t object,
                      struct route_when *w)
{
    const struct place at = { up, STR("when"), 0 };

    if (!settings_want(r, &at, object, JSON_OBJECT, "an object"))
        return false;
    for (uint32_t i = json_first(r->doc, object); i != JSON_NONE;
         i = json_after(r->doc, object, i)) {
        struct str name;
        bool good = true, twice = false;

        if (!settings_read_text(r, &at, i, SETTINGS_TEXT_MAX, r->scratch, &name))
            return false;
        const struct place member = { &at, name.len > 0 ? name : STR("\"\""), 0 };

        (void)json_member(r->doc, object, name, &twice);
        i = json_after(r->doc, object, i);
        if (twice)
            return settings_refuse(r, &member, i, "stands there twice");
        if (json_type(r->doc, i) == JSON_NULL)
            continue;
        if (str_eq(name, STR("images")))
            good = read_wants(r, &member, i, &w->images);
        else if (str_eq(name, STR("tools")))
            good = read_wants(r, &member, i, &w->tools);
        else if (str_eq(name, STR("thinking")))
            good = read_wants(r, &member, i, &w->thinking);
        else if (str_eq(name, STR("context_tokens_max")))
            good =
                settings_read_integer(r, &member, i, 1, 100000000, false, &w->context_tokens_max);
        else if (str_eq(name, STR("hours")))
            good = read_hours(r, &member, i, w);
        else
            good = settings_refuse(r, &member, i, "is no condition that is known here");
        if (!good)
            return false;
    }
    return true;
}

/* --- entries */

const struct member_doc route_flow_docs[] = {
    { "entries", "list of objects",
      "Where a request goes, in this order: the first entry that can "
      "serve it does, a fault moves on to the next." },
    { "entries[].provider", "a provider, or `any`", "Only accounts of this provider." },
    { "entries[].account", "a label, or `any`", "Only this account." },
    { "entries[].model", "a model", "The upstream id that is asked for there." },
    { "entries[].flow", "a flow's name", "In place of the three: the entries of that flow." },
    { "entries[].when", "object", "Conditions, all of which must hold; see below." },
    { NULL, NULL, NULL },
};
const struct member_doc route_account_docs[] = {
    { "entries", "list", "Labels of accounts, in order; or objects:" },
    { "entries[].account", "a label", "The account." },
    { "entries[].model", "a model", "Where the account knows the model by another id." },
    { "entries[].when", "object", "Conditions, all of which must hold; see below." },
    { "order", "`listed` or `rotate`",
      "`rotate`: the account that was asked longest ago goes first." },
    { "smart_switch", "true or false",
      "All accounts that offer the model: behind the entries; without entries in the order in "
      "which they were added." },
    { NULL, NULL, NULL },
};

/* A member's text; `any` and null are the empty one. */
static bool read_name(const struct reading *r, const struct place *at, uint32_t object,
                      const char *member, struct str *out)
{
    const struct place here = { at, str_c(member), 0 };
    uint32_t node;

    *out = STR("");
    if (!settings_member(r, at, object, here.name, &node))
        return false;
    if (node == JSON_NONE)
        return true;
    if (!settings_read_text(r, &here, node, SETTINGS_TEXT_MAX, &r->s->arena, out))
        return false;
    if (out->len == 0)
        return settings_refuse(r, &here, node, "is empty");
    if (str_eq(*out, STR("any")))
        *out = STR("");
    return true;
}

static enum named_account named_account(const struct reading *r, struct str label,
                                        struct str provider)
{
    for (size_t i = 0; i < r->s->account_count; i++)
        if (str_eq(r->s->accounts[i]->label, label))
            return provider.len == 0 || str_eq(r->s->accounts[i]->provider, provider)
                       ? NAMED_GOOD
                       : NAMED_ELSEWHERE;
    if (r->sources == NULL || r->sources->named_account == NULL)
        return NAMED_GOOD; /* a check of the text alone */
    return r->sources->named_account(r->sources->peer, label, provider);
}

static bool check_account(const struct reading *r, const struct place *at, uint32_t node,
                          const struct route_entry *e)
{
    if (e->account.len == 0)
        return true;
    switch (named_account(r, e->account, e->provider)) {
    case NAMED_NOBODY:
        return settings_refuse(r, at, node, "no such account: %.*s",
                               STR_ARG(str_take(e->account, 80)));
    case NAMED_ELSEWHERE:
        return settings_refuse(r, at, node, "is no account of %.*s: %.*s",
                               STR_ARG(str_take(e->provider, 80)),
                               STR_ARG(str_take(e->account, 80)));
    case NAMED_GOOD:
        break;
    }
    return true;
}

static bool read_entry_object(const struct reading *r, const struct place *at, uint32_t object,
                              struct route_entry *e)
{
    const struct place account = { at, STR("account"), 0 };
    uint32_t when;

    if (!read_name(r, at, object, "account", &e->account) ||
        !read_name(r, at, object, "model", &e->model) ||
        !settings_member(r, at, object, STR("when"), &when))
        return false;
    return check_account(r, &account, json_member(r->doc, object, account.name, NULL), e) &&
           (when == JSON_NONE || read_when(r, at, when, &e->when));
}

static bool read_flow_entry(const struct reading *r, const struct place *at, uint32_t node,
                            struct route_entry *e)
{
    const struct place provider = { at, STR("provider"), 0 };

    if (!settings_want(r, at, node, JSON_OBJECT, "an object") ||
        !read_name(r, at, node, "flow", &e->flow) ||
        !read_name(r, at, node, "provider", &e->provider))
        return false;
    if (e->provider.len > 0 && !provider_exists(e->provider))
        return settings_refuse(r, &provider, json_member(r->doc, node, provider.name, NULL),
                               "no such provider: %.*s", STR_ARG(str_take(e->provider, 80)));
    if (!read_entry_object(r, at, node, e))
        return false;
    if (e->flow.len > 0 && (e->provider.len > 0 || e->account.len > 0 || e->model.len > 0))
        return settings_refuse(r, at, node,
                               "names a flow: then it has no provider, account or model");
    if (e->flow.len == 0 && e->model.len == 0)
        return settings_refuse(r, at, node, "names no model, and no flow either");
    return true;
}

static bool read_account_entry(const struct reading *r, const struct place *at, uint32_t node,
                               struct route_entry *e)
{
    if (json_type(r->doc, node) == JSON_STRING)
        return settings_read_text(r, at, node, SETTINGS_TEXT_MAX, &r->s->arena, &e->account) &&
               check_account(r, at, node, e);
    if (!settings_want(r, at, node, JSON_OBJECT, "the label of an account, or an object") ||
        !read_entry_object(r, at, node, e))
        return false;
    return e->account.len > 0 || settings_refuse(r, at, node, "names no account");
}

static bool read_entries(const struct reading *r, const struct place *up, uint32_t object,
                         bool of_flow, struct route_spec *out)
{
    const struct place at = { up, STR("entries"), 0 };
    struct route_entry *list;
    uint32_t node;
    size_t n = 0;

    if (!settings_member(r, up, object, at.name, &node))
        return false;
    if (node == JSON_NONE)
        return true;
    if (!settings_open(r, &at, node, JSON_ARRAY, 0, ROUTE_STEPS_MAX, &out->entry_count))
        return false;
    out->entries = list = arena_array(&r->s->arena, struct route_entry, out->entry_count + 1);
    for (uint32_t i = json_first(r->doc, node); i != JSON_NONE;
         i = json_after(r->doc, node, i), n++) {
        const struct place item = { &at, STR(""), n };

        if (!(of_flow ? read_flow_entry(r, &item, i, &list[n])
                      : read_account_entry(r, &item, i, &list[n])))
            return false;
    }
    return true;
}

/* --- flows and account routes */

static bool read_flow(const struct reading *r, const struct place *at, uint32_t node,
                      struct route_spec *out)
{
    if (str_istarts(out->name, ROUTE_PREFIX))
        return settings_refuse(r, at, node, "a flow's name does not begin with `route:`");
    return settings_want(r, at, node, JSON_OBJECT, "an object") &&
           read_entries(r, at, node, true, out);
}

static bool read_account_route(const struct reading *r, const struct place *at, uint32_t node,
                               struct route_spec *out)
{
    const struct place order = { at, STR("order"), 0 }, smart = { at, STR("smart_switch"), 0 };
    struct str word = STR("listed");
    uint32_t order_node, smart_node;

    if (!settings_want(r, at, node, JSON_OBJECT, "an object") ||
        !settings_member(r, at, node, order.name, &order_node) ||
        !settings_member(r, at, node, smart.name, &smart_node) ||
        !read_entries(r, at, node, false, out) ||
        (order_node != JSON_NONE &&
         !settings_read_text(r, &order, order_node, SETTINGS_TEXT_MAX, r->scratch, &word)) ||
        (smart_node != JSON_NONE && !settings_read_bool(r, &smart, smart_node, &out->smart_switch)))
        return false;
    out->rotates = str_eq(word, STR("rotate"));
    return out->rotates || str_eq(word, STR("listed")) ||
           settings_refuse(r, &order, order_node, "\"%.*s\" is none of listed, rotate",
                           STR_ARG(str_take(word, 60)));
}

typedef bool read_one(const struct reading *r, const struct place *at, uint32_t node,
                      struct route_spec *out);

static bool read_specs(const struct reading *r, const struct place *up, uint32_t object,
                       const char *member, size_t max, read_one *read,
                       const struct route_spec **out, size_t *out_count)
{
    const struct place at = { up, str_c(member), 0 };
    struct route_spec *list;
    uint32_t node;
    size_t count, n = 0;

    *out = NULL;
    *out_count = 0;
    if (!settings_member(r, up, object, at.name, &node))
        return false;
    if (node == JSON_NONE)
        return true;
    if (!settings_open(r, &at, node, JSON_OBJECT, 0, (int64_t)max, &count))
        return false;
    list = arena_array(&r->s->arena, struct route_spec, count + 1);
    for (uint32_t i = json_first(r->doc, node); i != JSON_NONE;
         i = json_after(r->doc, node, i), n++) {
        if (!settings_read_text(r, &at, i, SETTINGS_TEXT_MAX, &r->s->arena, &list[n].name))
            return false;
        const struct place item = { &at, list[n].name.len > 0 ? list[n].name : STR("\"\""), 0 };

        if (list[n].name.len == 0)
            return settings_refuse(r, &item, i, "is an empty name");
        i = json_after(r->doc, node, i);
        if (!read(r, &item, i, &list[n]))
            return false;
    }
    *out = list;
    *out_count = n;
    return true;
}

/* --- background tasks */

const struct member_doc route_background_docs[] = {
    { "enabled", "true or false", "Off by default." },
    { "model", "a model or `route:<flow>`", "What such requests are served by. It is not mapped." },
    { "models", "object", "`title`, `summary`, `warmup`, `topic`: another model for one kind." },
    { "rules", "list of objects",
      "In place of the built-in ones: `kind`, `in` (`system` or `user`), `pattern`, which the "
      "text begins with (`*` stands for any text; a single word must be all of it)." },
    { NULL, NULL, NULL },
};

static bool read_kind(const struct reading *r, const struct place *at, uint32_t node,
                      enum background_kind *kind)
{
    struct str word;

    if (!settings_read_text(r, at, node, SETTINGS_TEXT_MAX, r->scratch, &word))
        return false;
    return background_from_word(word, kind) ||
           settings_refuse(r, at, node, "\"%.*s\" is none of title, summary, warmup, topic",
                           STR_ARG(str_take(word, 60)));
}

static bool read_rule(const struct reading *r, const struct place *at, uint32_t node,
                      struct background_rule *out)
{
    const struct place kind = { at, STR("kind"), 0 }, where = { at, STR("in"), 0 },
                       pattern = { at, STR("pattern"), 0 };
    uint32_t kind_node, where_node, pattern_node;
    struct str word;

    if (!settings_want(r, at, node, JSON_OBJECT, "an object") ||
        !settings_member(r, at, node, kind.name, &kind_node) ||
        !settings_member(r, at, node, where.name, &where_node) ||
        !settings_member(r, at, node, pattern.name, &pattern_node))
        return false;
    if (kind_node == JSON_NONE || where_node == JSON_NONE || pattern_node == JSON_NONE)
        return settings_refuse(r, at, node, "needs kind, in and pattern");
    if (!read_kind(r, &kind, kind_node, &out->kind) ||
        !settings_read_text(r, &where, where_node, SETTINGS_TEXT_MAX, r->scratch, &word) ||
        !settings_read_text(r, &pattern, pattern_node, BACKGROUND_TEXT_MAX, &r->s->arena,
                            &out->pattern))
        return false;
    out->in_system = str_eq(word, STR("system"));
    if (!out->in_system && !str_eq(word, STR("user")))
        return settings_refuse(r, &where, where_node, "\"%.*s\" is none of system, user",
                               STR_ARG(str_take(word, 60)));
    return out->pattern.len > 0 || settings_refuse(r, &pattern, pattern_node, "is empty");
}

static bool read_rules(const struct reading *r, const struct place *at, uint32_t node,
                       struct background_spec *out)
{
    struct background_rule *list;
    size_t count, n = 0;

    if (!settings_open(r, at, node, JSON_ARRAY, 0, RULES_MAX, &count))
        return false;
    list = arena_array(&r->s->arena, struct background_rule, count + 1);
    for (uint32_t i = json_first(r->doc, node); i != JSON_NONE;
         i = json_after(r->doc, node, i), n++) {
        const struct place item = { at, STR(""), n };

        if (!read_rule(r, &item, i, &list[n]))
            return false;
    }
    out->rules = list;
    out->rule_count = n;
    return true;
}

static bool read_models(const struct reading *r, const struct place *at, uint32_t object,
                        struct background_spec *out)
{
    if (!settings_want(r, at, object, JSON_OBJECT, "an object"))
        return false;
    for (uint32_t i = json_first(r->doc, object); i != JSON_NONE;
         i = json_after(r->doc, object, i)) {
        enum background_kind kind;

        if (!read_kind(r, at, i, &kind))
            return false;
        if (!read_name(r, at, object, background_word(kind), &out->models[kind]))
            return false;
        i = json_after(r->doc, object, i);
    }
    return true;
}

static bool read_background(const struct reading *r, const struct place *up, uint32_t object,
                            struct background_spec *out)
{
    const struct place at = { up, STR("background"), 0 };
    const struct place enabled = { &at, STR("enabled"), 0 }, models = { &at, STR("models"), 0 },
                       rules = { &at, STR("rules"), 0 };
    uint32_t node, enabled_node, models_node, rules_node;

    *out = (struct background_spec){ .enabled = false };
    if (!settings_member(r, up, object, at.name, &node))
        return false;
    if (node == JSON_NONE)
        return true;
    if (!settings_want(r, &at, node, JSON_OBJECT, "an object") ||
        !settings_member(r, &at, node, enabled.name, &enabled_node) ||
        !settings_member(r, &at, node, models.name, &models_node) ||
        !settings_member(r, &at, node, rules.name, &rules_node) ||
        !read_name(r, &at, node, "model", &out->model) ||
        (enabled_node != JSON_NONE &&
         !settings_read_bool(r, &enabled, enabled_node, &out->enabled)) ||
        (models_node != JSON_NONE && !read_models(r, &models, models_node, out)) ||
        (rules_node != JSON_NONE && !read_rules(r, &rules, rules_node, out)))
        return false;
    return true;
}

static bool read_routing(struct reading *r, __attribute__((unused)) const struct key_row *row,
                         const struct place *at, uint32_t node)
{
    struct routing_spec *spec = &r->s->routing;

    if (!settings_want(r, at, node, JSON_OBJECT, "an object") ||
        !read_specs(r, at, node, "flows", FLOWS_MAX, read_flow, &spec->flows, &spec->flow_count) ||
        !read_specs(r, at, node, "accounts", ACCOUNT_ROUTES_MAX, read_account_route,
                    &spec->accounts, &spec->account_count) ||
        !read_background(r, at, node, &spec->background))
        return false;
    r->s->routing_raw = arena_copy(&r->s->arena, json_raw(r->doc, node));
    return true;
}

static void put_routing(const struct settings *s, __attribute__((unused)) const struct key_row *row,
                        struct json_writer *w)
{
    json_put_raw(w, s->routing_raw);
}

const struct key_kind kind_mapping = { "object of strings", read_mapping, put_mapping },
                      kind_routing = { "object", read_routing, put_routing };

/* --- all of them together */

/* The `index`-th member of an object, or element of a list; `name` is set for a member. */
static uint32_t nth(const struct reading *r, uint32_t container, size_t index, struct str *name)
{
    bool object = json_type(r->doc, container) == JSON_OBJECT;
    uint32_t i = json_first(r->doc, container);

    for (;; i = json_after(r->doc, container, i), index--) {
        uint32_t key = i;

        if (object)
            i = json_after(r->doc, container, i);
        if (index > 0)
            continue;
        if (object)
            (void)json_text(r->doc, key, r->scratch, name);
        return i;
    }
}

static bool refuse_background(const struct reading *r, const struct route_fault *f)
{
    const struct place top = { NULL, STR("routing"), 0 }, at = { &top, STR("background"), 0 };
    const struct place models = { &at, STR("models"), 0 };
    bool own = f->index < BACKGROUND_KINDS;
    const struct place member = { own ? &models : &at,
                                  own ? str_c(background_word((enum background_kind)f->index))
                                      : STR("model"),
                                  0 };
    uint32_t node = json_member(r->doc, json_member(r->doc, 0, top.name, NULL), at.name, NULL);

    if (own)
        node = json_member(r->doc, node, models.name, NULL);
    return settings_refuse(r, &member, json_member(r->doc, node, member.name, NULL), "%s", f->text);
}

static bool refuse_route(const struct reading *r, const struct route_fault *f)
{
    static const char *const groups[][2] = { [ROUTE_FAULT_MAPPING] = { "proxy", "custom_mapping" },
                                             [ROUTE_FAULT_FLOW] = { "routing", "flows" },
                                             [ROUTE_FAULT_ACCOUNT] = { "routing", "accounts" } };

    if (f->list == ROUTE_FAULT_BACKGROUND)
        return refuse_background(r, f);
    const char *const *group = groups[f->list];
    const struct place top = { NULL, str_c(group[0]), 0 }, list = { &top, str_c(group[1]), 0 };
    struct place one = { &list, STR(""), 0 };
    uint32_t node = json_member(r->doc, 0, top.name, NULL);

    node = nth(r, json_member(r->doc, node, list.name, NULL), f->index, &one.name);
    if (f->entry == SIZE_MAX)
        return settings_refuse(r, &one, node, "%s", f->text);
    const struct place entries = { &one, STR("entries"), 0 };
    const struct place entry = { &entries, STR(""), f->entry };

    node = nth(r, json_member(r->doc, node, entries.name, NULL), f->entry, NULL);
    if (f->member == NULL)
        return settings_refuse(r, &entry, node, "%s", f->text);
    const struct place member = { &entry, str_c(f->member), 0 };

    return settings_refuse(r, &member, json_member(r->doc, node, member.name, NULL), "%s", f->text);
}

bool settings_read_routes(struct reading *r)
{
    struct route_fault fault;

    r->s->routes = route_compile(&r->s->routing, &r->s->arena, &fault);
    return r->s->routes != NULL || refuse_route(r, &fault);
}

/* --- an account gets another label */

struct renaming {
    const struct json *doc;
    struct arena *arena;
    struct str from, to, rest; /* of the text, behind what was copied */
    struct buf *out;
    size_t count;
    bool fits;
};

static void rename_at(struct renaming *n, uint32_t node)
{
    struct str text, raw = json_raw(n->doc, node);

    if (node == JSON_NONE || !json_text(n->doc, node, n->arena, &text) || !str_eq(text, n->from))
        return;
    size_t before = (size_t)(raw.at - n->rest.at);

    n->fits = n->fits && buf_add(n->out, str_take(n->rest, before)) && json_quote(n->out, n->to);
    n->rest = str_drop(n->rest, before + raw.len);
    n->count++;
}

static void rename_in(struct renaming *n, const char *list)
{
    uint32_t all = json_member(n->doc, 0, str_c(list), NULL);

    if (all == JSON_NONE || json_type(n->doc, all) != JSON_OBJECT)
        return;
    for (uint32_t i = json_first(n->doc, all); i != JSON_NONE; i = json_after(n->doc, all, i)) {
        i = json_after(n->doc, all, i);
        uint32_t entries = json_type(n->doc, i) == JSON_OBJECT
                               ? json_member(n->doc, i, STR("entries"), NULL)
                               : JSON_NONE;

        if (entries == JSON_NONE || json_type(n->doc, entries) != JSON_ARRAY)
            continue;
        for (uint32_t e = json_first(n->doc, entries); e != JSON_NONE;
             e = json_after(n->doc, entries, e))
            rename_at(n, json_type(n->doc, e) == JSON_OBJECT
                             ? json_member(n->doc, e, STR("account"), NULL)
                             : e);
    }
}

bool settings_rename_account(const struct settings *s, struct str from, struct str to,
                             struct buf *out)
{
    struct arena arena = { 0 };
    struct json doc;
    struct renaming n = {
        .doc = &doc, .arena = &arena, .from = from, .to = to, .out = out, .fits = true
    };
    bool good = json_parse(&doc, s->routing_raw, NULL, &arena, NULL);

    assert(good); /* the settings were read from it */
    n.rest = doc.text;
    /* in the order of the text */
    uint32_t flows = json_member(&doc, 0, STR("flows"), NULL),
             accounts = json_member(&doc, 0, STR("accounts"), NULL);
    bool flows_first = accounts == JSON_NONE || (flows != JSON_NONE && flows < accounts);

    rename_in(&n, flows_first ? "flows" : "accounts");
    rename_in(&n, flows_first ? "accounts" : "flows");
    n.fits = n.fits && buf_add(out, n.rest);
    arena_free(&arena);
    return n.count > 0 && n.fits;
}
