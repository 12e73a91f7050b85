#include "exchange/history.h"

#include <stdlib.h>

#include "base/fingerprint.h"
#include "base/json_write.h"

#define REFERENCE STR("\"item_reference\"")

/* What a connection keeps for its own length belongs to it and its key together. */
static struct key_id connection_id(const struct key_id *key, uint64_t connection)
{
    struct fingerprint f = { 0 };
    struct key_id id;

    fingerprint_add(&f, (struct str){ (const char *)key->bytes, sizeof(key->bytes) });
    fingerprint_add(&f, (struct str){ (const char *)&connection, sizeof(connection) });
    fingerprint_bytes(&f, id.bytes);
    return id;
}

static struct kept_who who_of(const struct client_key *key, const struct request *r)
{
    struct kept_who who = { .count = 1 };

    if (key != NULL)
        who.ids[0] = key->id;
    if (r->message_of != 0)
        who.ids[who.count++] = connection_id(&who.ids[0], r->message_of);
    return who;
}

static bool not_found(struct wire_complaint *why, struct arena *a, struct str id)
{
    *why = (struct wire_complaint){
        .param = STR("previous_response_id"),
        .message = arena_printf(a, "Previous response with id '%.*s' not found.", STR_ARG(id)),
        .code = STR("previous_response_not_found"),
    };
    return false;
}

static struct str text_member(const struct json *doc, uint32_t node, struct arena *a)
{
    struct str text = STR("");

    if (node != JSON_NONE && json_type(doc, node) == JSON_STRING)
        (void)json_text(doc, node, a, &text);
    return text;
}

/* --- what a request refers to -----------------------------------------------------------------*/

/* Items with what is named by an id alone put in place. */
struct telling {
    struct exchange *x;
    struct history *h;
    struct buf *out;
    bool first;
    bool any, elsewhere; /* references were resolved; … and not all are one account's */
    bool fits;
};

static void tell_item(struct telling *t, struct str raw)
{
    t->fits = t->fits && (t->first || buf_add_char(t->out, ',')) && buf_add(t->out, raw);
    t->first = false;
}

/* The item that this one names, or itself. */
static struct str resolved(struct telling *t, struct str raw)
{
    struct exchange *x = t->x;
    struct arena *a = &x->r->arena;
    struct json doc;
    struct str item;
    int64_t account;

    if (str_find(raw, REFERENCE) == SIZE_MAX || !json_parse(&doc, raw, NULL, a, NULL) ||
        json_type(&doc, 0) != JSON_OBJECT)
        return raw;
    uint32_t type = json_member(&doc, 0, STR("type"), NULL);
    struct str id = text_member(&doc, json_member(&doc, 0, STR("id"), NULL), a);

    if (type == JSON_NONE || !json_says(&doc, type, STR("item_reference")) ||
        !kept_item(x->env->kept, &t->h->who, id, loop_now(x->env->loop), a, &item, &account))
        return raw;
    t->elsewhere = t->elsewhere || (t->any && account != t->h->account);
    t->h->account = account;
    t->any = true;
    return item;
}

/* The request's own items. */
static void tell_input(struct telling *t, struct str input)
{
    struct json_cursor c;
    struct str raw;

    if (input.len == 0 || input.at[0] != '[')
        return;
    c = json_open(input);
    while (json_next(&c, &raw))
        tell_item(t, resolved(t, raw));
}

/* All members of the body but the id, with everything said in `input`. */
static bool tell_body(struct exchange *x, struct str past, struct str input)
{
    struct arena *a = &x->r->arena;
    struct history *h = x->history;
    struct json doc;
    struct buf out;
    struct json_writer w;

    if (!json_parse(&doc, x->r->body, &(struct json_limits){ .depth_kept = 1 }, a, NULL))
        return false;
    buf_init(&out, x->r->body.len + past.len + input.len + 64);
    w = json_writer(&out);
    json_put_object(&w);
    for (uint32_t key = json_first(&doc, 0); key != JSON_NONE;) {
        uint32_t value = key + 1;

        if (!json_says(&doc, key, STR("input")) &&
            !json_says(&doc, key, STR("previous_response_id"))) {
            json_put_name(&w, json_inside(&doc, key));
            json_put_raw(&w, json_raw(&doc, value));
        }
        key = json_after(&doc, 0, value);
    }
    json_put_name(&w, STR("input"));
    json_put_array(&w);
    if (past.len > 0)
        json_put_raw(&w, past);
    if (input.len > 0)
        json_put_raw(&w, input);
    json_put_end(&w);
    json_put_end(&w);
    bool good = json_written(&w);

    h->body = arena_copy(a, buf_str(&out));
    buf_clear(&out);
    return good;
}

/* The client's own bytes of `input`, as long as they are there. */
static struct str input_of(const struct exchange *x)
{
    uint32_t node = json_member(&x->request.doc, 0, STR("input"), NULL);

    return node == JSON_NONE ? STR("") : json_raw(&x->request.doc, node);
}

static bool is_text(struct str input)
{
    return input.len > 0 && input.at[0] == '"';
}

static void make_input(struct exchange *x)
{
    struct history *h = x->history;
    struct buf out;
    struct telling t = { .x = x, .h = h, .out = &out, .first = true, .fits = true };
    bool bound = h->previous.len > 0;
    int64_t account = h->account;
    struct str input = input_of(x);

    if (!h->names_items && input.len >= 2 && input.at[0] == '[') {
        h->input = str_trim((struct str){ input.at + 1, input.len - 2 });
        return;
    }
    if (is_text(input)) {
        h->input = kept_message(input, &x->r->arena);
        return;
    }
    buf_init(&out, x->r->body.len + x->rules->kept.bytes_max);
    tell_input(&t, input);
    h->input = t.fits ? arena_copy(&x->r->arena, buf_str(&out)) : STR("");
    buf_clear(&out);
    if (t.any) {
        h->refers = true;
        if (t.elsewhere || (bound && account != h->account))
            h->account = 0;
    }
}

static uint32_t count_items(struct str between_commas, struct arena *a)
{
    struct json_cursor c =
        json_open(arena_printf(a, "[%.*s]", (int)between_commas.len, between_commas.at));
    struct str raw;
    uint32_t n = 0;

    while (json_next(&c, &raw))
        n++;
    return n;
}

struct str history_path(const struct exchange *x, struct str path)
{
    static const struct str front = { "input[", 6 };
    const struct history *h = x->history;
    struct arena *a = &x->r->arena;
    struct str digits, rest;
    uint64_t n;

    if (h == NULL || h->body.len == 0 || !str_starts(path, front) ||
        !str_cut(str_drop(path, front.len), ']', &digits, &rest) || !str_to_u64(digits, &n))
        return path;
    if (n < h->past)
        return arena_printf(a, "previous_response_id[%u]%.*s", (unsigned)n, (int)rest.len, rest.at);
    if (h->one_text)
        return STR("input");
    return arena_printf(a, "input[%u]%.*s", (unsigned)(n - h->past), (int)rest.len, rest.at);
}

void history_rename(const struct exchange *x, struct losses *l)
{
    for (uint32_t i = 0; i < l->count && i < LOSSES_MAX; i++)
        l->items[i].path = history_path(x, l->items[i].path);
}

bool history_tell(struct exchange *x, struct wire_complaint *why)
{
    struct history *h = x->history;
    struct str past = STR("");

    if (h->body.len > 0)
        return true;
    if (h->previous.len > 0 &&
        !kept_past(x->env->kept, &h->who, h->previous, loop_now(x->env->loop), &x->r->arena, &past))
        return not_found(why, &x->r->arena, h->previous);
    if (h->input.len == 0)
        make_input(x);
    h->past = count_items(past, &x->r->arena);
    h->one_text = is_text(input_of(x));
    return tell_body(x, past, h->input) || not_found(why, &x->r->arena, h->previous);
}

bool history_put(struct exchange *x, struct wire_complaint *why)
{
    struct buf body = { .max = SIZE_MAX };

    if (!history_tell(x, why))
        return false;
    (void)buf_add(&body, x->history->body);
    x->history->input = arena_copy(&x->r->arena, x->history->input); /* it may have lain there */
    request_replace_body(x->r, &body);
    x->history->refers = false;
    return true;
}

bool history_forgotten(struct exchange *x, const struct judge_words *words)
{
    struct history *h = x->history;

    if (h == NULL || !h->refers || h->account == 0 ||
        !str_eq(words->code, STR("previous_response_not_found")))
        return false;
    h->account = 0;
    return true;
}

bool history_begin(struct exchange *x, struct wire_complaint *why)
{
    static const struct str names[] = { STR("store"), STR("previous_response_id") };
    struct kept *kept = x->env->kept;
    uint32_t nodes[COUNT(names)];

    if (kept == NULL || x->target.protocol != WIRE_OPENAI_RESPONSES)
        return true;
    struct history h = { .who = who_of(x->key, x->r) };

    (void)json_members(&x->request.doc, 0, names, nodes, COUNT(names));
    h.keeps_here = x->r->message_of != 0 && x->rules->kept.count_max > 0;
    h.keeps = x->target.ask == ASK_GENERATE && x->rules->kept.count_max > 0 &&
              (nodes[0] == JSON_NONE || json_type(&x->request.doc, nodes[0]) != JSON_FALSE);
    h.previous = text_member(&x->request.doc, nodes[1], &x->r->arena);
    if (h.previous.len > 0 &&
        kept_account(kept, &h.who, h.previous, loop_now(x->env->loop), &h.account)) {
        h.refers = true;
    } else if (h.previous.len > 0) {
        /* the provider may know it, but whose it is nobody here knows: only where all clients are
         * one is it asked */
        if (x->key != NULL)
            return not_found(why, &x->r->arena, h.previous);
        h.previous = STR("");
    }
    h.names_items =
        x->request.doc.noticed && kept_any(kept) && str_find(x->r->body, REFERENCE) != SIZE_MAX;

    if (!h.keeps && !h.keeps_here && !h.refers && !h.names_items)
        return true;
    x->history = arena_new(&x->r->arena, struct history);
    *x->history = h;
    if (h.names_items)
        make_input(x);
    return true;
}

/* --- what is kept of its answer ---------------------------------------------------------------*/

#define BODY_TAKEN_MIN ((size_t)64 << 10) /* bytes; of a smaller one the input is copied */

/* The client's body as it came, when most of it is this input: its memory need not be copied. */
static bool take_body(struct exchange *x, struct str input, struct buf *body)
{
    struct str all = x->r->body;

    if (x->history->held != NULL || all.len < BODY_TAKEN_MIN || input.len < all.len / 2 ||
        input.at < all.at || input.at >= all.at + all.len)
        return false;
    request_take_body(x->r, body);
    return true;
}

static void keep_input(struct exchange *x, const struct kept_response *keep)
{
    struct kept *kept = x->env->kept;
    int64_t now_ms = loop_now(x->env->loop);
    struct buf body;

    if (x->history->keeps_here || !take_body(x, keep->input, &body)) {
        (void)kept_add(kept, &x->rules->kept, keep, NULL, now_ms);
        return;
    }
    x->history->held = kept_add(kept, &x->rules->kept, keep, &body, now_ms);
    if (x->history->held == NULL)
        request_replace_body(x->r, &body);
}

void history_end(struct exchange *x)
{
    if (x->history != NULL && x->history->held != NULL)
        kept_release(x->env->kept, x->history->held);
}

void history_keep(void *peer, struct str id, struct str response)
{
    struct exchange *x = peer;
    struct history *h = x->history;
    struct kept_response keep;

    if (h == NULL || (!h->keeps && !h->keeps_here))
        return;
    bool as_text = h->input.len == 0 && is_text(input_of(x));

    if (h->input.len == 0 && !as_text)
        make_input(x);
    keep = (struct kept_response){
        .owner = h->who.ids[0],
        .id = id,
        .previous = h->previous,
        .account = x->attempt.translates || !h->keeps || !upstream_keeps(x->attempt.upstream)
                       ? 0
                       : x->attempt.lease.account_id,
        .response = response,
        .model = x->request.model,
        .input = as_text ? input_of(x) : h->input,
        .input_is_text = as_text,
    };
    if (h->keeps)
        keep_input(x, &keep);
    if (h->keeps_here) {
        keep.owner = h->who.ids[1];
        (void)kept_add(x->env->kept, &x->rules->kept, &keep, NULL, loop_now(x->env->loop));
    }
    if (x->env->stored != NULL && x->has_session && x->attempt.translates)
        stored_add(x->env->stored, id, &x->session);
}

/* --- asking for it ----------------------------------------------------------------------------*/

#define ITEMS_PAGE 20
#define ITEMS_PAGE_MAX 100

static void send(struct exchange_env *env, struct request *r, const struct buf *body)
{
    char id[40];

    reply_request_id(env, id);
    reply_own(env, r, str_c(id), buf_str(body));
}

/* An item as lists show it: with an id of its own. */
static void put_listed(struct json_writer *w, struct str response_id, struct str raw, uint32_t at,
                       struct arena *a)
{
    struct json doc;
    uint32_t key;

    if (!json_parse(&doc, raw, &(struct json_limits){ .depth_kept = 1 }, a, NULL) ||
        json_type(&doc, 0) != JSON_OBJECT || json_member(&doc, 0, STR("id"), NULL) != JSON_NONE) {
        json_put_raw(w, raw);
        return;
    }
    json_put_object(w);
    json_put_member(w, "id", arena_printf(a, "item_%.*s_%u", STR_ARG(response_id), at));
    for (key = json_first(&doc, 0); key != JSON_NONE; key = json_after(&doc, 0, key + 1)) {
        json_put_name(w, json_inside(&doc, key));
        json_put_raw(w, json_raw(&doc, key + 1));
    }
    json_put_end(w);
}

struct page {
    uint32_t limit;
    bool ascending;
    struct str after;
};

static bool read_page(struct request *r, struct page *p, char after[KEPT_ID_MAX])
{
    char text[16];
    size_t len;

    *p = (struct page){ .limit = ITEMS_PAGE };
    if (http_query_get(r->query, STR("limit"), text, sizeof(text) - 1, &len)) {
        text[len] = '\0';
        long n = strtol(text, NULL, 10);

        if (n < 1 || n > ITEMS_PAGE_MAX)
            return false;
        p->limit = (uint32_t)n;
    }
    p->ascending = http_query_get(r->query, STR("order"), text, sizeof(text), &len) &&
                   str_eq((struct str){ text, len }, STR("asc"));
    if (http_query_get(r->query, STR("after"), after, KEPT_ID_MAX, &len))
        p->after = (struct str){ after, len };
    return true;
}

/* A page of what the response was an answer to, in the shape of OpenAI's lists. */
static void put_items(struct json_writer *w, const struct page *p, struct str response_id,
                      const struct str *items, uint32_t count, struct arena *a)
{
    struct str first = STR("null"), last = STR("null");
    uint32_t shown = 0;
    bool begun = p->after.len == 0, more = false;

    json_put_object(w);
    json_put_member(w, "object", STR("list"));
    json_put_name(w, STR("data"));
    json_put_array(w);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = p->ascending ? i : count - 1 - i;
        struct buf one;
        struct json doc;

        buf_init(&one, items[at].len + KEPT_ID_MAX + 64);
        struct json_writer listed = json_writer(&one);

        put_listed(&listed, response_id, items[at], at, a);
        struct str raw = arena_copy(a, buf_str(&one));

        buf_clear(&one);
        if (!json_parse(&doc, raw, &(struct json_limits){ .depth_kept = 1 }, a, NULL) ||
            json_type(&doc, 0) != JSON_OBJECT)
            continue;
        uint32_t id = json_member(&doc, 0, STR("id"), NULL);

        if (!begun) {
            begun = id != JSON_NONE && json_says(&doc, id, p->after);
            continue;
        }
        if (shown == p->limit) {
            more = true;
            break;
        }
        json_put_raw(w, raw);
        last = id != JSON_NONE ? json_raw(&doc, id) : STR("null");
        first = shown == 0 ? last : first;
        shown++;
    }
    json_put_end(w);
    json_put_member_raw(w, "first_id", first);
    json_put_member_raw(w, "last_id", last);
    json_put_member_bool(w, "has_more", more);
    json_put_end(w);
}

/* The items in front of the response's own output: what came before, and its request. */
static bool input_items(struct exchange_env *env, const struct kept_who *who,
                        const struct kept_response *kept, int64_t now_ms, struct arena *a,
                        struct str **out, uint32_t *count)
{
    struct str lists[2] = { STR(""), kept->input }, raw;
    uint32_t room = 0;

    if (kept->previous.len > 0 && !kept_past(env->kept, who, kept->previous, now_ms, a, &lists[0]))
        return false;
    *count = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < COUNT(lists); i++) {
            struct json_cursor c = { .rest = lists[i] };

            while (json_next(&c, &raw)) {
                if (pass == 0)
                    room++;
                else
                    (*out)[(*count)++] = raw;
            }
        }
        if (pass == 0)
            *out = arena_array(a, struct str, room + 1);
    }
    return true;
}

void history_answer(struct exchange_env *env, struct request *r, const struct door_target *t,
                    const struct client_key *key)
{
    struct str id, below;
    const struct kept_who who = who_of(key, r);
    int64_t now_ms = loop_now(env->loop);
    struct kept_response kept;
    struct str *items = NULL;
    uint32_t count = 0;
    char after[KEPT_ID_MAX];
    struct page page;
    struct buf body;
    struct json_writer w = json_writer(&body);

    (void)str_cut(t->model, '/', &id, &below);
    bool found = env->kept != NULL && kept_find(env->kept, &who, id, now_ms, &r->arena, &kept);
    bool lists = str_eq(below, STR("input_items")), cancels = str_eq(below, STR("cancel"));

    if (found && lists)
        found = input_items(env, &who, &kept, now_ms, &r->arena, &items, &count);
    if (!found || (below.len > 0 && !lists && !cancels)) {
        reply_refuse(env, r, t,
                     &(struct fault){ .class = FAULT_NOT_FOUND,
                                      .message = arena_printf(&r->arena,
                                                              "Response with id '%.*s' not found.",
                                                              STR_ARG(id)),
                                      .code = STR("not_found") });
        return;
    }
    if (cancels || (lists && !read_page(r, &page, after))) {
        reply_refuse(env, r, t,
                     &(struct fault){ .class = FAULT_BAD_REQUEST,
                                      .message = cancels ? STR("only background responses can be "
                                                               "cancelled, and this is none")
                                                         : STR("limit: must be from 1 to 100"),
                                      .param = cancels ? STR("") : STR("limit") });
        return;
    }
    buf_init(&body, SIZE_MAX);
    if (lists) {
        put_items(&w, &page, id, items, count, &r->arena);
    } else if (r->head->method == HTTP_DELETE) {
        (void)kept_remove(env->kept, &who, id, now_ms);
        json_put_object(&w);
        json_put_member(&w, "id", id);
        json_put_member(&w, "object", STR("response"));
        json_put_member_bool(&w, "deleted", true);
        json_put_end(&w);
    } else {
        json_put_raw(&w, kept.response);
    }
    send(env, r, &body);
    buf_clear(&body);
}
