/* admin/account_history.c - GET /api/accounts/{account}/history: what befell an account. */
#include "admin/admin_int.h"

/* Newer ones are worth more: of more than so many the oldest are left out. */
#define LOCKOUTS_MAX 500
#define QUOTAS_MAX 5000

struct kept {
    struct buf all; /* an array of one of the two */
    size_t count, size;
};

static void keep(struct kept *k, const void *one)
{
    if (buf_add(&k->all, (struct str){ one, k->size }))
        k->count++;
}

static void keep_lockout(void *peer, const struct history_lockout *l)
{
    keep(peer, l);
}

static void keep_quota(void *peer, const struct history_quota *q)
{
    keep(peer, q);
}

static void put_lockouts(struct json_writer *w, struct history *h, int64_t id)
{
    struct kept k = { .all = { .max = HISTORY_LOCKOUTS * sizeof(struct history_lockout) },
                      .size = sizeof(struct history_lockout) };

    history_lockouts(h, id, keep_lockout, &k);
    const struct history_lockout *all = (const void *)buf_str(&k.all).at;

    json_put_key(w, STR("lockouts"));
    json_put_array(w);
    for (size_t i = k.count > LOCKOUTS_MAX ? k.count - LOCKOUTS_MAX : 0; i < k.count; i++) {
        json_put_object(w);
        json_put_member_i64(w, "at_unix_ms", all[i].unix_ms);
        json_put_member(w, "scope", str_c(all[i].scope));
        json_put_member(w, "reason", str_c(verdict_word(all[i].why)));
        json_put_member_i64(w, "status", all[i].status);
        if (all[i].until_unix_ms == INT64_MAX)
            json_put_member_null(w, "until_unix_ms");
        else
            json_put_member_i64(w, "until_unix_ms", all[i].until_unix_ms);
        json_put_end(w);
    }
    json_put_end(w);
    buf_clear(&k.all);
}

static void put_quotas(struct json_writer *w, struct history *h, int64_t id)
{
    struct kept k = { .all = { .max = HISTORY_QUOTAS * sizeof(struct history_quota) },
                      .size = sizeof(struct history_quota) };

    history_quotas(h, id, keep_quota, &k);
    const struct history_quota *all = (const void *)buf_str(&k.all).at;

    json_put_key(w, STR("quota"));
    json_put_array(w);
    for (size_t i = k.count > QUOTAS_MAX ? k.count - QUOTAS_MAX : 0; i < k.count; i++) {
        json_put_object(w);
        json_put_member_i64(w, "at_unix_ms", all[i].unix_ms);
        json_put_member(w, "group", str_c(all[i].group));
        json_put_member_i64(w, "remaining_permille", all[i].remaining_permille);
        json_put_end(w);
    }
    json_put_end(w);
    buf_clear(&k.all);
}

void account_history_get(const struct admin_ask *a)
{
    struct history *h = a->admin->o.history;
    struct account_view v;
    struct buf b;

    if (!pool_find(a->admin->o.pool, a->name, loop_now(request_loop(a->r)), &v)) {
        admin_send_error(a->r, 404, STR("no account has this id or label"), STR(""));
        return;
    }
    buf_init(&b, ADMIN_ANSWER_MAX);
    struct json_writer w = json_writer(&b);

    json_put_object(&w);
    json_put_member_i64(&w, "id", v.id);
    json_put_member(&w, "label", str_c(v.label));
    json_put_member_i64(&w, "sessions", v.sessions);
    put_lockouts(&w, h, v.id);
    put_quotas(&w, h, v.id);
    json_put_end(&w);
    admin_send_written(a->r, &w);
}
