/* exchange/models.c - the model list in the asking protocol's own form (wire-level facts: the three
 * list references of OpenAI, Anthropic and Google as of 2026-11). */
#include "exchange/exchange_int.h"

#include <stdlib.h>

#include "base/json_write.h"
#include "base/timetext.h"
#include "provider/price.h"
#include "route/alias.h"
#include "route/catalogue.h"

#define MODELS_MAX 10000
#define LIST_BYTES_MAX ((size_t)64 << 20) /* so many of the longest fit */
#define PAGE_ANTHROPIC 20
#define PAGE_GEMINI 50
#define PAGE_MAX 1000

/* A name that can be asked for, and what serves it. */
struct shown {
    struct listed_model m;
    struct str target;   /* the upstream id whose traits it has; a flow: of its first entry */
    struct str provider; /* of the pool; empty: it is a name of the user's */
};

/* Everything that would be served now: what accounts in use offer, names of the mapping, flows,
 * account routes. */
struct catalogue {
    struct exchange_env *env;
    struct arena *arena;
    struct shown *rows;
    size_t count, cap;
    bool full;  /* of different ones */
    int minute; /* of the local day */
};

static bool is_pattern(struct str s)
{
    return memchr(s.at, '*', s.len) != NULL;
}

static int by_id(const void *a, const void *b)
{
    const struct shown *x = a, *y = b;
    int order = str_cmp(x->m.id, y->m.id);

    /* the same model of several providers: the one that is described goes first */
    if (order == 0)
        order = (y->m.name.len > 0) - (x->m.name.len > 0);
    if (order == 0)
        order = (y->m.created_unix_ms > x->m.created_unix_ms) -
                (y->m.created_unix_ms < x->m.created_unix_ms);
    return order != 0 ? order : str_cmp(x->m.owner, y->m.owner);
}

/* Into the order of their ids, each of them once. */
static void catalogue_sort(struct catalogue *l)
{
    size_t kept = 0;

    if (l->count == 0)
        return;
    qsort(l->rows, l->count, sizeof(l->rows[0]), by_id);
    for (size_t i = 0; i < l->count; i++)
        if (kept == 0 || !str_eq(l->rows[kept - 1].m.id, l->rows[i].m.id))
            l->rows[kept++] = l->rows[i];
    l->count = kept;
}

/* At most MODELS_MAX different ones are shown. */
static void add_row(struct catalogue *l, const struct shown *row)
{
    if (row->m.id.len == 0 || is_pattern(row->m.id))
        return;
    if (l->count == MODELS_MAX && !l->full) {
        catalogue_sort(l);
        l->full = l->count == MODELS_MAX;
    }
    if (l->full)
        return;
    if (l->count == l->cap) {
        l->cap = l->cap == 0 ? 64 : l->cap * 2;
        l->rows = must_realloc(l->rows, l->cap * sizeof(l->rows[0]));
    }
    struct shown *to = &l->rows[l->count++];

    *to = *row;
    to->m.id = arena_copy(l->arena, row->m.id);
    to->m.name = arena_copy(l->arena, row->m.name);
    to->m.owner = arena_copy(l->arena, row->m.owner);
    to->target = arena_copy(l->arena, row->target);
    to->provider = arena_copy(l->arena, row->provider);
}

static void add_offered(struct catalogue *l, struct str provider, const struct listed_model *m)
{
    struct shown row = { .m = *m, .target = m->id, .provider = provider };
    char name[IMAGE_ID_TEXT];

    if (row.m.owner.len == 0)
        row.m.owner = provider;
    add_row(l, &row);
    /* the image model has names for sizes and ratios */
    for (size_t i = 0; i < IMAGE_IDS && str_eq(m->id, image_id_name(0, name)); i++) {
        row.m.id = image_id_name(i, name);
        add_row(l, &row);
    }
}

static void take_offered(void *peer, const struct offered_model *m)
{
    struct catalogue *l = peer;
    const struct catalogue_model *c;

    if (m->listed != NULL)
        add_offered(l, m->provider, m->listed);
    else if (!is_pattern(m->pattern))
        add_offered(l, m->provider, &(struct listed_model){ .id = m->pattern });
    for (size_t i = 0; m->listed == NULL && is_pattern(m->pattern) && (c = catalogue_at(i)) != NULL;
         i++)
        if (str_eq(c->provider, m->provider) && str_matches(c->id, m->pattern))
            add_offered(l, m->provider, &(struct listed_model){ .id = c->id });
}

/* Does the name lead to somebody who is in use? Gives the upstream id. */
static bool leads_somewhere(const struct catalogue *l, const struct route_found *f,
                            struct str *target)
{
    struct pool *pool = l->env->pool;
    const struct route *route = f->route;
    struct aliases other;

    for (size_t i = 0; route != NULL && i < route->step_count; i++) {
        const struct route_step *s = &route->steps[i];

        if (!route_when_is_now(s->when, l->minute))
            continue;
        *target = s->model;
        if (pool_offers(pool, s->model, s->provider, s->account))
            return true;
    }
    if (route != NULL || f->unknown_flow)
        return false;
    *target = f->id;
    if (pool_offers(pool, f->id, STR(""), STR("")))
        return true;
    aliases_of(f->id, &other);
    for (size_t i = 0; i < other.count; i++)
        if (pool_offers(pool, other.at[i], STR(""), STR(""))) {
            *target = arena_copy(l->arena, other.at[i]);
            return true;
        }
    return false;
}

bool model_is_served(struct exchange_env *env, struct str name, struct arena *a)
{
    const struct catalogue l = { .env = env, .arena = a, .minute = clock_local_minute() };
    struct route_found f;
    struct str target;

    route_find(env->rules->routes, name, &f);
    return leads_somewhere(&l, &f, &target);
}

static bool add_name(struct catalogue *l, struct str name)
{
    struct shown row = { .m = { .id = name, .owner = STR("penstock") } };
    struct route_found f;

    route_find(l->env->rules->routes, name, &f);
    if (!leads_somewhere(l, &f, &row.target))
        return false;
    add_row(l, &row);
    return true;
}

/* What accounts offer, but a mapping or a route sends elsewhere, is what that makes of it. */
static void reroute(struct catalogue *l)
{
    size_t kept = 0, all = l->count;

    for (size_t i = 0; i < all; i++) {
        struct shown row = l->rows[i];
        struct route_found f;

        route_find(l->env->rules->routes, row.m.id, &f);
        if ((f.mapped != NULL || f.route != NULL) && !leads_somewhere(l, &f, &row.target))
            continue;
        if (f.mapped != NULL || (f.route != NULL && f.route->by == PICK_FLOW))
            row.m = (struct listed_model){ .id = row.m.id, .owner = STR("penstock") };
        l->rows[kept++] = row;
    }
    l->count = kept;
}

static void catalogue_make(struct exchange_env *env, struct catalogue *l)
{
    const struct route_table *t = env->rules->routes;
    const struct routing_spec *spec = route_table_spec(t);

    pool_each_model(env->pool, take_offered, l);
    catalogue_sort(l);
    reroute(l);
    for (size_t i = 0; i < spec->mapping_count; i++)
        if (!is_pattern(spec->mapping[i].from))
            (void)add_name(l, spec->mapping[i].from);
    for (size_t i = 0; i < route_count(t); i++) {
        const struct route *route = route_at(t, i);

        (void)add_name(l, route->name);
        if (route->by == PICK_FLOW)
            (void)add_name(l, arena_printf(l->arena, "route:%.*s", STR_ARG(route->name)));
    }
    catalogue_sort(l);
}

/* A name that is not in the list may still be served: by a pattern of the mapping, or as another
 * name of a model that is. What merely could be asked for, since somebody takes any name, is not
 * known. */
static const struct shown *catalogue_find(struct catalogue *l, struct str name)
{
    struct route_found f;
    struct aliases other;
    size_t listed = l->count;

    for (size_t i = 0; i < l->count; i++)
        if (str_eq(l->rows[i].m.id, name))
            return &l->rows[i];
    route_find(l->env->rules->routes, name, &f);
    if (f.mapped != NULL || f.route != NULL)
        return add_name(l, name) && l->count > listed ? &l->rows[listed] : NULL;
    aliases_of(name, &other);
    for (size_t k = 0; k < other.count; k++)
        for (size_t i = 0; i < l->count; i++)
            if (str_eq(l->rows[i].m.id, other.at[k])) {
                l->rows[i].m.id = name;
                return &l->rows[i];
            }
    return NULL;
}

/* --- the three forms
 * ------------------------------------------------------------------------------- */

static struct str shown_name(const struct shown *row)
{
    return row->m.name.len > 0 ? row->m.name : row->m.id;
}

static void put_limit(struct json_writer *w, const char *member, int64_t listed, int64_t known)
{
    int64_t tokens = listed > 0 ? listed : known;

    if (tokens > 0)
        json_put_member_i64(w, member, tokens);
}

static void put_capabilities(struct json_writer *w, const struct model_traits *t)
{
    json_put_key(w, STR("capabilities"));
    json_put_object(w);
    json_put_member_bool(w, "vision", t->vision);
    json_put_member_bool(w, "tools", t->tools);
    json_put_member_bool(w, "thinking", t->thinking);
    json_put_member_bool(w, "image_output", t->images);
    json_put_end(w);
}

static void put_money(struct json_writer *w, const char *member, int64_t micros)
{
    struct buf text;

    buf_init(&text, 64);
    price_put(&text, micros, 6);
    json_put_key(w, str_c(member));
    json_put_raw(w, buf_str(&text));
    buf_clear(&text);
}

/* Dollars for a million tokens, where the vendor publishes them for this service. */
static void put_price(struct json_writer *w, const struct shown *row)
{
    const struct price *p = price_find(NULL, 0, row->provider, row->target);

    if (p == NULL)
        return;
    json_put_key(w, STR("pricing"));
    json_put_object(w);
    put_money(w, "input", p->input);
    put_money(w, "output", p->output);
    if (p->cache_read >= 0)
        put_money(w, "cache_read", p->cache_read);
    if (p->cache_write >= 0)
        put_money(w, "cache_write", p->cache_write);
    json_put_member(w, "unit", STR("USD per million tokens"));
    json_put_end(w);
}

static void put_openai(struct json_writer *w, const struct shown *row, const struct model_traits *t)
{
    json_put_object(w);
    json_put_member(w, "id", row->m.id);
    json_put_member(w, "object", STR("model"));
    json_put_member_i64(w, "created", row->m.created_unix_ms / 1000);
    json_put_member(w, "owned_by", row->m.owner);
    put_limit(w, "context_window", row->m.tokens_in_max, t != NULL ? t->tokens_in_max : 0);
    put_limit(w, "max_output_tokens", row->m.tokens_out_max, t != NULL ? t->tokens_out_max : 0);
    if (t != NULL)
        put_capabilities(w, t);
    put_price(w, row);
    json_put_end(w);
}

static void put_anthropic(struct json_writer *w, const struct shown *row,
                          const struct model_traits *t)
{
    struct buf date;

    buf_init(&date, 64);
    (void)date_put_rfc3339(&date, row->m.created_unix_ms);
    json_put_object(w);
    json_put_member(w, "type", STR("model"));
    json_put_member(w, "id", row->m.id);
    json_put_member(w, "display_name", shown_name(row));
    json_put_member(w, "created_at", buf_str(&date));
    put_limit(w, "max_input_tokens", row->m.tokens_in_max, t != NULL ? t->tokens_in_max : 0);
    put_limit(w, "max_tokens", row->m.tokens_out_max, t != NULL ? t->tokens_out_max : 0);
    json_put_member(w, "lifecycle", STR("active"));
    json_put_member(w, "owned_by", row->m.owner);
    if (t != NULL)
        put_capabilities(w, t);
    else
        json_put_member_null(w, "capabilities");
    put_price(w, row);
    json_put_end(w);
    buf_clear(&date);
}

static void put_gemini(struct json_writer *w, const struct shown *row, const struct model_traits *t)
{
    json_put_object(w);
    json_put_key(w, STR("name"));
    json_put_format(w, "models/%.*s", (int)row->m.id.len, row->m.id.at);
    json_put_member(w, "version", STR("001"));
    json_put_member(w, "displayName", shown_name(row));
    json_put_member(w, "description", row->m.owner);
    put_limit(w, "inputTokenLimit", row->m.tokens_in_max, t != NULL ? t->tokens_in_max : 0);
    put_limit(w, "outputTokenLimit", row->m.tokens_out_max, t != NULL ? t->tokens_out_max : 0);
    json_put_key(w, STR("supportedGenerationMethods"));
    json_put_array(w);
    json_put_str(w, STR("generateContent"));
    json_put_str(w, STR("streamGenerateContent"));
    json_put_str(w, STR("countTokens"));
    json_put_end(w);
    if (t != NULL) {
        json_put_member_bool(w, "thinking", t->thinking);
        put_capabilities(w, t);
    }
    put_price(w, row);
    json_put_end(w);
}

static void put_model(struct json_writer *w, enum wire protocol, const struct shown *row)
{
    struct model_traits traits;
    const struct model_traits *t = model_traits_find(row->target, &traits) ? &traits : NULL;

    if (protocol == WIRE_GEMINI)
        put_gemini(w, row, t);
    else if (protocol == WIRE_ANTHROPIC)
        put_anthropic(w, row, t);
    else
        put_openai(w, row, t);
}

/* A number of the query, within 1 … PAGE_MAX. */
static size_t page_size(struct str query, struct str name, size_t otherwise)
{
    char text[16];
    size_t len;
    uint64_t n;

    if (!http_query_get(query, name, text, sizeof(text), &len) ||
        !str_to_u64((struct str){ text, len }, &n) || n == 0)
        return otherwise;
    return n < PAGE_MAX ? (size_t)n : PAGE_MAX;
}

/* The place behind the model that the query names, or `otherwise`. */
static size_t place_of(const struct catalogue *l, struct str query, struct str name, size_t behind,
                       size_t otherwise)
{
    char text[LISTED_ID_MAX + 1];
    size_t len;

    if (!http_query_get(query, name, text, sizeof(text), &len))
        return otherwise;
    for (size_t i = 0; i < l->count; i++)
        if (str_eq(l->rows[i].m.id, (struct str){ text, len }))
            return i + behind;
    return otherwise;
}

static void put_list(struct json_writer *w, enum wire protocol, const struct catalogue *l,
                     struct str query)
{
    size_t from = 0, to = l->count;

    if (protocol == WIRE_ANTHROPIC) {
        size_t limit = page_size(query, STR("limit"), PAGE_ANTHROPIC);

        from = place_of(l, query, STR("after_id"), 1, 0);
        to = place_of(l, query, STR("before_id"), 0, l->count);
        to = to > from + limit ? from + limit : to;
    } else if (protocol == WIRE_GEMINI) {
        size_t limit = page_size(query, STR("pageSize"), PAGE_GEMINI);

        from = place_of(l, query, STR("pageToken"), 0, 0);
        to = to > from + limit ? from + limit : to;
    }
    json_put_object(w);
    if (protocol != WIRE_ANTHROPIC && protocol != WIRE_GEMINI)
        json_put_member(w, "object", STR("list"));
    json_put_key(w, protocol == WIRE_GEMINI ? STR("models") : STR("data"));
    json_put_array(w);
    for (size_t i = from; i < to; i++)
        put_model(w, protocol, &l->rows[i]);
    json_put_end(w);
    if (protocol == WIRE_ANTHROPIC) {
        json_put_member_bool(w, "has_more", to < l->count);
        if (from < to) {
            json_put_member(w, "first_id", l->rows[from].m.id);
            json_put_member(w, "last_id", l->rows[to - 1].m.id);
        } else {
            json_put_member_null(w, "first_id");
            json_put_member_null(w, "last_id");
        }
    }
    if (protocol == WIRE_GEMINI && to < l->count)
        json_put_member(w, "nextPageToken", l->rows[to].m.id);
    json_put_end(w);
}

/* A key sees what it may use. */
static void keep_allowed(struct catalogue *l, const struct client_key *key)
{
    size_t kept = 0;

    for (size_t i = 0; i < l->count; i++)
        if (client_key_allows(key, l->rows[i].m.id))
            l->rows[kept++] = l->rows[i];
    l->count = kept;
}

void reply_models(struct exchange_env *env, struct request *r, const struct door_target *t,
                  const struct client_key *key)
{
    struct catalogue l = { .env = env, .arena = &r->arena, .minute = clock_local_minute() };
    struct buf body;

    catalogue_make(env, &l);
    buf_init(&body, LIST_BYTES_MAX);
    struct json_writer w = json_writer(&body);
    bool found = t->endpoint == ENDPOINT_MODELS;
    if (found) {
        if (key != NULL)
            keep_allowed(&l, key);
        put_list(&w, t->protocol, &l, r->query);
    } else {
        const struct shown *row =
            key == NULL || client_key_allows(key, t->model) ? catalogue_find(&l, t->model) : NULL;

        found = row != NULL;
        if (found)
            put_model(&w, t->protocol, row);
    }
    if (found)
        reply_own(env, r, STR(""), buf_str(&body));
    else
        reply_refuse(
            env, r, t,
            &(struct fault){
                .class = FAULT_NOT_FOUND,
                .code = t->protocol == WIRE_OPENAI_CHAT ? STR("model_not_found") : STR(""),
                .message = arena_printf(&r->arena, "no such model: %.*s", STR_ARG(t->model)),
                .param = STR("model") });
    free(l.rows);
    buf_clear(&body);
}
