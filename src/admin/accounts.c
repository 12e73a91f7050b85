/* admin/accounts.c - GET /api/accounts[/{account}], GET /api/quota: accounts with quota, lockouts
 * and what they do. */
#include "admin/admin_int.h"

static int64_t unix_of(const struct admin_clock *now, int64_t loop_ms)
{
    return loop_ms - now->loop_ms + now->unix_ms;
}

static void put_time(struct json_writer *w, const char *name, int64_t loop_ms,
                     const struct admin_clock *now)
{
    if (loop_ms == 0)
        json_put_member_null(w, name);
    else
        json_put_member_i64(w, name, unix_of(now, loop_ms));
}

/* The allowances behind a figure, where the provider tells of several. */
static void put_windows(struct json_writer *w, const struct quota_said *said,
                        const struct admin_clock *now)
{
    json_put_key(w, STR("windows"));
    json_put_array(w);
    for (uint32_t i = 0; i < said->count && said->windows[0].name[0] != '\0'; i++) {
        const struct quota_window *one = &said->windows[i];
        bool over = one->reset_ms != 0 && one->reset_ms <= now->loop_ms;

        json_put_object(w);
        json_put_member(w, "window", str_c(one->name));
        if (over)
            json_put_member_null(w, "remaining_permille");
        else
            json_put_member_i64(w, "remaining_permille", one->remaining_permille);
        put_time(w, "reset_unix_ms", over ? 0 : one->reset_ms, now);
        json_put_end(w);
    }
    json_put_end(w);
}

static void put_quotas(struct json_writer *w, const struct account_view *v,
                       const struct admin_clock *now)
{
    json_put_key(w, STR("quota"));
    json_put_array(w);
    for (uint32_t i = 0; i < v->quota_count && i < VIEW_QUOTAS_MAX; i++) {
        const struct quota *q = &v->quotas[i].quota;

        json_put_object(w);
        json_put_member(w, "group", str_c(v->quotas[i].group));
        if (q->remaining_permille < 0)
            json_put_member_null(w, "remaining_permille");
        else
            json_put_member_i64(w, "remaining_permille", q->remaining_permille);
        put_time(w, "reset_unix_ms", q->reset_ms, now);
        json_put_member_i64(w, "seen_unix_ms", unix_of(now, q->seen_ms));
        json_put_member_i64(w, "age_seconds", (now->loop_ms - q->seen_ms) / 1000);
        put_windows(w, &v->quotas[i].said, now);
        json_put_end(w);
    }
    json_put_end(w);
}

static void put_lockouts(struct json_writer *w, const struct account_view *v,
                         const struct admin_clock *now)
{
    json_put_key(w, STR("lockouts"));
    json_put_array(w);
    for (uint32_t i = 0; i < v->lockout_count && i < VIEW_LOCKOUTS_MAX; i++) {
        const struct lockout_view *l = &v->lockouts[i];
        bool ends = l->until_ms != INT64_MAX;

        json_put_object(w);
        json_put_member(w, "scope", str_c(l->scope));
        json_put_member(w, "reason", str_c(verdict_word(l->why)));
        json_put_member_i64(w, "since_unix_ms", unix_of(now, l->since_ms));
        if (ends) {
            json_put_member_i64(w, "until_unix_ms", unix_of(now, l->until_ms));
            json_put_member_i64(w, "seconds_left", (l->until_ms - now->loop_ms + 999) / 1000);
        } else {
            json_put_member_null(w, "until_unix_ms");
            json_put_member_null(w, "seconds_left");
        }
        json_put_member_bool(w, "named_by_provider", l->named);
        json_put_member_i64(w, "failures", l->failures);
        json_put_member_i64(w, "status", l->status);
        json_put_member(w, "evidence", str_c(l->evidence));
        json_put_end(w);
    }
    json_put_end(w);
}

/* Where it is known from what the account offers: its settings, or its provider's list. */
static void put_models(struct json_writer *w, const struct account_view *v,
                       const struct admin_clock *now)
{
    bool known = v->models_seen_ms != 0;

    json_put_member(w, "models_source",
                    v->names_models ? STR("settings")
                    : known         ? STR("provider")
                                    : STR("unknown"));
    json_put_member_i64(w, "models_known", v->models);
    if (known) {
        json_put_member_i64(w, "models_seen_unix_ms", unix_of(now, v->models_seen_ms));
        json_put_member_i64(w, "models_age_seconds", (now->loop_ms - v->models_seen_ms) / 1000);
    } else {
        json_put_member_null(w, "models_seen_unix_ms");
        json_put_member_null(w, "models_age_seconds");
    }
}

static void put_today(struct json_writer *w, const struct admin_today *t)
{
    json_put_key(w, STR("today"));
    json_put_object(w);
    json_put_member_i64(w, "requests", t->requests);
    json_put_member_i64(w, "tokens_in", t->tokens_in);
    json_put_member_i64(w, "tokens_out", t->tokens_out);
    json_put_end(w);
}

/* Empty: it has no grant. */
static const char *renewal_word(const struct account_view *v)
{
    return !v->signed_in     ? ""
           : !v->renews      ? "none"
           : v->lacks_client ? "client_missing"
                             : "automatic";
}

void admin_put_account(struct json_writer *w, const struct account_view *v,
                       const struct admin_today *today, const struct admin_clock *now)
{
    json_put_object(w);
    json_put_member_i64(w, "id", v->id);
    json_put_member(w, "label", str_c(v->label));
    json_put_member(w, "provider", str_c(v->provider));
    json_put_member(w, "tier", str_c(tier_word(v->tier)));
    json_put_member_bool(w, "disabled", v->disabled);
    json_put_member_bool(w, "proxy_disabled", v->proxy_disabled);
    json_put_member_bool(w, "credential_refused", v->refused);
    json_put_member(w, "disabled_reason", str_c(v->disabled_reason));
    json_put_member_or_null(w, "proxy", str_c(v->proxy));
    json_put_member_bool(w, "signed_in", v->signed_in);
    json_put_member_bool(w, "sign_in_again", v->grant_lost);
    json_put_member_or_null(w, "renewal", str_c(renewal_word(v)));
    json_put_member_or_null(w, "imported_from", str_c(v->imported_from));
    json_put_member(w, "email", str_c(v->email));
    json_put_member(w, "plan", str_c(v->plan));
    if (v->expires_unix_ms == 0)
        json_put_member_null(w, "token_expires_unix_ms");
    else
        json_put_member_i64(w, "token_expires_unix_ms", v->expires_unix_ms);
    json_put_member(w, "declared_in", v->from_file ? STR("file") : STR("database"));
    json_put_member_i64(w, "created_unix_ms", v->created_unix_ms);
    json_put_member_i64(w, "in_flight", v->in_flight);
    json_put_member_i64(w, "max_concurrency", v->concurrency_max);
    json_put_member_i64(w, "sessions", v->sessions);
    json_put_member_i64(w, "sessions_live", v->sessions_live);
    json_put_member_i64(w, "served", (int64_t)v->served);
    json_put_member_i64(w, "failed", (int64_t)v->failed);
    put_today(w, today);
    put_models(w, v, now);
    put_quotas(w, v, now);
    json_put_member_i64(w, "quota_count", v->quota_count);
    put_lockouts(w, v, now);
    json_put_member_i64(w, "lockout_count", v->lockout_count);
    json_put_end(w);
}

struct admin_clock admin_clock(const struct loop *l)
{
    return (struct admin_clock){ loop_now(l), clock_unix_ms() };
}

struct list {
    struct admin *admin;
    struct json_writer w;
    struct admin_clock now;
};

void account_put(struct json_writer *w, const struct admin *a, const struct account_view *v,
                 const struct admin_clock *now)
{
    struct admin_today today = a->o.today(a->o.desk_peer, v->id);

    admin_put_account(w, v, &today, now);
}

static void put_one(void *peer, const struct account_view *v)
{
    struct list *list = peer;

    account_put(&list->w, list->admin, v, &list->now);
}

static void send_each(const struct admin_ask *a,
                      void (*put)(void *peer, const struct account_view *v))
{
    struct list list = { .admin = a->admin, .now = admin_clock(request_loop(a->r)) };
    struct buf b;

    buf_init(&b, ADMIN_ANSWER_MAX);
    list.w = json_writer(&b);
    json_put_object(&list.w);
    json_put_key(&list.w, STR("accounts"));
    json_put_array(&list.w);
    (void)pool_each(a->admin->o.pool, list.now.loop_ms, put, &list);
    json_put_end(&list.w);
    json_put_end(&list.w);
    admin_send_written(a->r, &list.w);
}

void accounts_get(const struct admin_ask *a)
{
    send_each(a, put_one);
}

void account_get(const struct admin_ask *a)
{
    struct admin_clock now = admin_clock(request_loop(a->r));
    struct account_view v;
    struct buf b;

    if (!pool_find(a->admin->o.pool, a->name, now.loop_ms, &v)) {
        admin_send_error(a->r, 404, STR("no account has this id or label"), STR(""));
        return;
    }
    buf_init(&b, ADMIN_ANSWER_MAX);
    struct json_writer w = json_writer(&b);

    account_put(&w, a->admin, &v, &now);
    admin_send_written(a->r, &w);
}

/* Accounts with what is left of them, and nothing else. */
static void put_left(void *peer, const struct account_view *v)
{
    struct list *list = peer;
    struct json_writer *w = &list->w;

    json_put_object(w);
    json_put_member_i64(w, "id", v->id);
    json_put_member(w, "label", str_c(v->label));
    json_put_member(w, "provider", str_c(v->provider));
    json_put_member(w, "tier", str_c(tier_word(v->tier)));
    put_quotas(w, v, &list->now);
    json_put_member_i64(w, "quota_count", v->quota_count);
    json_put_end(w);
}

void quota_get(const struct admin_ask *a)
{
    send_each(a, put_left);
}
