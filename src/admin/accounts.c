/* admin/accounts.c - GET /api/accounts[/{account}]: accounts with their state. */
#include "admin/admin_int.h"

struct account_writer {
    struct json_writer w;
    struct str wanted; /* id or label; empty: all */
    int64_t now_ms, now_unix_ms;
    bool found;
};

static bool account_is(const struct account_view *v, struct str wanted)
{
    int64_t id;

    return str_eq(str_c(v->label), wanted) || (str_to_i64(wanted, &id) && id == v->id);
}

static void put_account(void *peer, const struct account_view *v)
{
    struct account_writer *out = peer;
    struct json_writer *w = &out->w;

    if (out->wanted.len > 0 && !account_is(v, out->wanted))
        return;
    out->found = true;
    json_put_object(w);
    json_put_member_i64(w, "id", v->id);
    json_put_member(w, "label", str_c(v->label));
    json_put_member(w, "provider", str_c(v->provider));
    json_put_member(w, "tier", str_c(tier_word(v->tier)));
    json_put_member_bool(w, "disabled", v->disabled);
    json_put_member_bool(w, "proxy_disabled", v->proxy_disabled);
    json_put_member(w, "disabled_reason", str_c(v->disabled_reason));
    json_put_member(w, "declared_in", v->from_file ? STR("file") : STR("database"));
    json_put_member_i64(w, "in_flight", v->in_flight);
    json_put_member_i64(w, "max_concurrency", v->concurrency_max);
    json_put_member_i64(w, "served", (int64_t)v->served);
    json_put_member_i64(w, "failed", (int64_t)v->failed);
    json_put_key(w, STR("quota"));
    json_put_null(w); /* nothing is known before a provider has told */
    json_put_key(w, STR("lockouts"));
    json_put_array(w);
    if (v->locked_until_ms > out->now_ms) {
        json_put_object(w);
        json_put_member(w, "scope", STR("account"));
        json_put_member(w, "reason", str_c(verdict_word(v->locked_why)));
        json_put_member_i64(w, "until_unix_ms",
                            out->now_unix_ms + v->locked_until_ms - out->now_ms);
        json_put_member_i64(w, "seconds_left", (v->locked_until_ms - out->now_ms + 999) / 1000);
        json_put_end(w);
    }
    json_put_end(w);
    json_put_member_i64(w, "groups_locked", v->groups_locked);
    json_put_end(w);
}

/* `wanted` empty: {"accounts":[…]}; else the one, or 404. */
static void send_accounts(const struct admin_ask *a, struct str wanted)
{
    struct buf b;

    buf_init(&b, ADMIN_ANSWER_MAX);
    struct account_writer out = { .w = json_writer(&b),
                                  .wanted = wanted,
                                  .now_ms = loop_now(request_loop(a->r)),
                                  .now_unix_ms = clock_unix_ms() };
    if (wanted.len == 0) {
        json_put_object(&out.w);
        json_put_key(&out.w, STR("accounts"));
        json_put_array(&out.w);
    }
    (void)pool_each(a->admin->o.pool, out.now_ms, put_account, &out);
    if (wanted.len == 0) {
        json_put_end(&out.w);
        json_put_end(&out.w);
    }
    if (wanted.len == 0 || out.found) {
        admin_send_written(a->r, &out.w);
        return;
    }
    admin_send_error(a->r, 404, STR("no account has this id or label"), STR(""));
    buf_clear(&b);
}

void accounts_get(const struct admin_ask *a)
{
    send_accounts(a, STR(""));
}

void account_get(const struct admin_ask *a)
{
    send_accounts(a, a->name);
}
