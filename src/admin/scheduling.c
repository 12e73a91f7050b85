/* admin/scheduling.c - GET /api/scheduling and GET /api/scheduling/bindings: how accounts are
 * chosen, and which conversation is bound to which. */
#include "admin/admin_int.h"

#include <stdio.h>
#include <stdlib.h>

#include "exchange/session.h"

#define BINDINGS_DEFAULT 100
#define BINDINGS_PAGE_MAX 1000

/* --- scheduling */

static void put_fixed(struct json_writer *w, struct pool *pool, int64_t now_ms)
{
    int64_t id = pool_fixed(pool);
    struct account_view v;
    char text[24];

    json_put_key(w, STR("fixed_account"));
    if (id == 0) {
        json_put_null(w);
        return;
    }
    json_put_object(w);
    json_put_member_i64(w, "id", id);
    snprintf(text, sizeof(text), "%lld", (long long)id);
    if (pool_find(pool, str_c(text), now_ms, &v))
        json_put_member(w, "label", str_c(v.label));
    else
        json_put_member_null(w, "label"); /* it was removed, and stays fixed should it come back */
    json_put_end(w);
}

void admin_put_scheduling(struct buf *out, struct pool *pool, uint64_t revision, int64_t now_ms)
{
    struct pool_options o = pool_get_options(pool);
    struct json_writer w = json_writer(out);

    json_put_object(&w);
    json_put_member(&w, "mode", str_c(pool_mode_word(o.mode)));
    json_put_member_i64(&w, "max_wait_seconds", o.max_wait_ms / 1000);
    json_put_member_i64(&w, "queue_wait_seconds", o.queue_wait_ms / 1000);
    json_put_member_bool(&w, "optimize_quota_sorting", o.optimize_quota_sorting);
    json_put_member_i64(&w, "quota_reserve_percent", o.quota_reserve_percent);
    put_fixed(&w, pool, now_ms);
    json_put_member_i64(&w, "bindings", pool_bindings(pool, now_ms));
    json_put_member_i64(&w, "revision", (int64_t)revision);
    json_put_end(&w);
}

void scheduling_get(const struct admin_ask *a)
{
    const struct admin_options *o = &a->admin->o;
    struct buf b;

    buf_init(&b, 4096);
    admin_put_scheduling(&b, o->pool, o->revision(o->desk_peer), loop_now(request_loop(a->r)));
    admin_send(a->r, 200, buf_str(&b));
    buf_clear(&b);
}

/* --- bindings: a page is the first so many behind a session, in the order of their digests */

struct page {
    struct session_key after;
    bool has_after;
    int64_t account;      /* only its bindings; 0: all */
    struct binding *list; /* a heap: the last one of the page on top */
    size_t count, max;
    uint64_t matching; /* on this page and behind it */
};

static int key_order(const struct session_key *a, const struct session_key *b)
{
    return memcmp(a->digest, b->digest, sizeof(a->digest));
}

static void heap_swap(struct binding *list, size_t a, size_t b)
{
    struct binding kept = list[a];

    list[a] = list[b];
    list[b] = kept;
}

static bool is_behind(const struct page *p, size_t a, size_t b)
{
    return key_order(&p->list[a].session, &p->list[b].session) > 0;
}

static void heap_down(struct page *p)
{
    for (size_t i = 0, child; (child = 2 * i + 1) < p->count; i = child) {
        if (child + 1 < p->count && is_behind(p, child + 1, child))
            child++;
        if (!is_behind(p, child, i))
            return;
        heap_swap(p->list, i, child);
    }
}

static void consider(void *peer, const struct binding *b)
{
    struct page *p = peer;

    if ((p->has_after && key_order(&b->session, &p->after) <= 0) ||
        (p->account != 0 && b->account != p->account))
        return;
    p->matching++;
    if (p->count == p->max) {
        if (key_order(&b->session, &p->list[0].session) >= 0)
            return;
        p->list[0] = *b;
        heap_down(p);
        return;
    }
    p->list[p->count] = *b;
    for (size_t i = p->count++; i > 0 && is_behind(p, i, (i - 1) / 2); i = (i - 1) / 2)
        heap_swap(p->list, i, (i - 1) / 2);
}

static int binding_order(const void *a, const void *b)
{
    const struct binding *x = a, *y = b;

    return key_order(&x->session, &y->session);
}

static void put_binding(struct json_writer *w, const struct admin_ask *a, const struct binding *b,
                        const struct admin_clock *now)
{
    char key[SESSION_HEX], shown[SESSION_TEXT], id[24];
    struct account_view v;

    session_key_hex(&b->session, key);
    session_key_text(&b->session, shown);
    snprintf(id, sizeof(id), "%lld", (long long)b->account);
    json_put_object(w);
    json_put_member(w, "key", str_c(key));
    json_put_member(w, "session", str_c(shown));
    json_put_member_i64(w, "account_id", b->account);
    if (pool_find(a->admin->o.pool, str_c(id), now->loop_ms, &v))
        json_put_member(w, "account", str_c(v.label));
    else
        json_put_member_null(w, "account");
    json_put_member_i64(w, "used_unix_ms", b->used_ms - now->loop_ms + now->unix_ms);
    json_put_end(w);
}

static bool page_read(const struct admin_ask *a, struct page *p, int64_t now_ms)
{
    struct str after = STR(""), account = STR("");
    int64_t limit = BINDINGS_DEFAULT;
    struct account_view v;

    if (!admin_param_text(a->r, "after", &after) || !admin_param_text(a->r, "account", &account) ||
        !admin_param_number(a->r, "limit", 1, BINDINGS_PAGE_MAX, &limit))
        return false;
    p->has_after = after.len > 0;
    if (p->has_after && !session_key_from_hex(after, &p->after)) {
        admin_send_error(a->r, 400, STR("the `next` of a page before is wanted"), STR("after"));
        return false;
    }
    if (account.len > 0 && !pool_find(a->admin->o.pool, account, now_ms, &v)) {
        admin_send_error(a->r, 400, STR("no account has this id or label"), STR("account"));
        return false;
    }
    p->account = account.len > 0 ? v.id : 0;
    p->max = (size_t)limit;
    return true;
}

void bindings_get(const struct admin_ask *a)
{
    struct admin_clock now = admin_clock(request_loop(a->r));
    struct page p = { .count = 0 };
    char next[SESSION_HEX];
    struct buf b;

    if (!page_read(a, &p, now.loop_ms))
        return;
    p.list = arena_array(&a->r->arena, struct binding, p.max);
    pool_each_binding(a->admin->o.pool, now.loop_ms, consider, &p);
    qsort(p.list, p.count, sizeof(p.list[0]), binding_order);
    buf_init(&b, ADMIN_ANSWER_MAX);
    struct json_writer w = json_writer(&b);

    json_put_object(&w);
    json_put_member_i64(&w, "total", pool_bindings(a->admin->o.pool, now.loop_ms));
    json_put_key(&w, STR("bindings"));
    json_put_array(&w);
    for (size_t i = 0; i < p.count; i++)
        put_binding(&w, a, &p.list[i], &now);
    json_put_end(&w);
    if (p.matching > p.count) {
        session_key_hex(&p.list[p.count - 1].session, next);
        json_put_member(&w, "next", str_c(next));
    } else {
        json_put_member_null(&w, "next");
    }
    json_put_end(&w);
    admin_send_written(a->r, &w);
}
