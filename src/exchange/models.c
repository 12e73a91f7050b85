/* exchange/models.c - the model list in the asking protocol's own form (wire-level facts: the three
 * list references of OpenAI, Anthropic and Google as of 2026-11). */
#include "exchange/exchange_int.h"

#include <stdlib.h>

#include "base/json_write.h"
#include "base/timetext.h"

#define MODELS_MAX 10000
#define LIST_BYTES_MAX ((size_t)64 << 20) /* so many of the longest fit */
#define PAGE_ANTHROPIC 20
#define PAGE_GEMINI 50
#define PAGE_MAX 1000

/* Everything that can be asked for: what accounts offer, and names of the mapping. */
struct catalogue {
    struct arena *arena;
    struct listed_model *rows;
    size_t count, cap;
    bool full; /* of different ones */
};

static bool is_pattern(struct str s)
{
    return memchr(s.at, '*', s.len) != NULL;
}

static int by_id(const void *a, const void *b)
{
    const struct listed_model *x = a, *y = b;
    int order = str_cmp(x->id, y->id);

    /* the same model of several providers: the one that is described goes first */
    if (order == 0)
        order = (y->name.len > 0) - (x->name.len > 0);
    if (order == 0)
        order =
            (y->created_unix_ms > x->created_unix_ms) - (y->created_unix_ms < x->created_unix_ms);
    return order != 0 ? order : str_cmp(x->owner, y->owner);
}

/* Into the order of their ids, each of them once. */
static void catalogue_sort(struct catalogue *l)
{
    size_t kept = 0;

    if (l->count == 0)
        return;
    qsort(l->rows, l->count, sizeof(l->rows[0]), by_id);
    for (size_t i = 0; i < l->count; i++)
        if (kept == 0 || !str_eq(l->rows[kept - 1].id, l->rows[i].id))
            l->rows[kept++] = l->rows[i];
    l->count = kept;
}

/* At most MODELS_MAX different ones are shown. */
static void add_model(struct catalogue *l, const struct listed_model *m)
{
    if (m->id.len == 0 || is_pattern(m->id))
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
    l->rows[l->count] = *m;
    l->rows[l->count].id = arena_copy(l->arena, m->id);
    l->rows[l->count].name = arena_copy(l->arena, m->name);
    l->rows[l->count++].owner = arena_copy(l->arena, m->owner);
}

static void take_offered(void *peer, const struct offered_model *m)
{
    struct listed_model row = { .id = m->pattern };

    if (m->listed != NULL)
        row = *m->listed;
    if (row.owner.len == 0)
        row.owner = m->provider;
    add_model(peer, &row);
}

static void catalogue_make(struct exchange_env *env, struct catalogue *l)
{
    pool_each_model(env->pool, take_offered, l);
    const struct routing_spec *spec = route_table_spec(env->rules->routes);

    for (size_t i = 0; i < spec->mapping_count; i++)
        add_model(l,
                  &(struct listed_model){ .id = spec->mapping[i].from, .owner = STR("penstock") });
    for (size_t i = 0; i < route_count(env->rules->routes); i++)
        add_model(l, &(struct listed_model){ .id = route_at(env->rules->routes, i)->name,
                                             .owner = STR("penstock") });
    catalogue_sort(l);
}

/* --- the three forms
 * ------------------------------------------------------------------------------- */

static struct str shown_name(const struct listed_model *m)
{
    return m->name.len > 0 ? m->name : m->id;
}

static void put_limit(struct json_writer *w, const char *member, int64_t tokens)
{
    if (tokens > 0)
        json_put_member_i64(w, member, tokens);
}

static void put_openai(struct json_writer *w, const struct listed_model *m)
{
    json_put_object(w);
    json_put_member(w, "id", m->id);
    json_put_member(w, "object", STR("model"));
    json_put_member_i64(w, "created", m->created_unix_ms / 1000);
    json_put_member(w, "owned_by", m->owner);
    json_put_end(w);
}

static void put_anthropic(struct json_writer *w, const struct listed_model *m)
{
    struct buf date;

    buf_init(&date, 64);
    (void)date_put_rfc3339(&date, m->created_unix_ms);
    json_put_object(w);
    json_put_member(w, "type", STR("model"));
    json_put_member(w, "id", m->id);
    json_put_member(w, "display_name", shown_name(m));
    json_put_member(w, "created_at", buf_str(&date));
    put_limit(w, "max_input_tokens", m->tokens_in_max);
    put_limit(w, "max_tokens", m->tokens_out_max);
    json_put_member(w, "lifecycle", STR("active"));
    json_put_end(w);
    buf_clear(&date);
}

static void put_gemini(struct json_writer *w, const struct listed_model *m)
{
    json_put_object(w);
    json_put_key(w, STR("name"));
    json_put_format(w, "models/%.*s", (int)m->id.len, m->id.at);
    json_put_member(w, "version", STR("001"));
    json_put_member(w, "displayName", shown_name(m));
    json_put_member(w, "description", m->owner);
    put_limit(w, "inputTokenLimit", m->tokens_in_max);
    put_limit(w, "outputTokenLimit", m->tokens_out_max);
    json_put_key(w, STR("supportedGenerationMethods"));
    json_put_array(w);
    json_put_str(w, STR("generateContent"));
    json_put_str(w, STR("streamGenerateContent"));
    json_put_end(w);
    json_put_end(w);
}

static void put_model(struct json_writer *w, enum wire protocol, const struct listed_model *m)
{
    if (protocol == WIRE_GEMINI)
        put_gemini(w, m);
    else if (protocol == WIRE_ANTHROPIC)
        put_anthropic(w, m);
    else
        put_openai(w, m);
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
        if (str_eq(l->rows[i].id, (struct str){ text, len }))
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
            json_put_member(w, "first_id", l->rows[from].id);
            json_put_member(w, "last_id", l->rows[to - 1].id);
        } else {
            json_put_member_null(w, "first_id");
            json_put_member_null(w, "last_id");
        }
    }
    if (protocol == WIRE_GEMINI && to < l->count)
        json_put_member(w, "nextPageToken", l->rows[to].id);
    json_put_end(w);
}

void reply_models(struct exchange_env *env, struct request *r, const struct door_target *t)
{
    struct catalogue l = { .arena = &r->arena };
    struct buf body;

    catalogue_make(env, &l);
    buf_init(&body, LIST_BYTES_MAX);
    struct json_writer w = json_writer(&body);
    bool found = t->endpoint == ENDPOINT_MODELS;
    if (found) {
        put_list(&w, t->protocol, &l, r->query);
    } else {
        for (size_t i = 0; i < l.count && !found; i++)
            if (str_eq(l.rows[i].id, t->model)) {
                put_model(&w, t->protocol, &l.rows[i]);
                found = true;
            }
    }
    if (found)
        response_send(r, 200,
                      (struct http_field[]){ { STR("Content-Type"), STR("application/json") } }, 1,
                      buf_str(&body));
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
