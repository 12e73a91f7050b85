/* app/desk_quota.c - what providers tell of accounts when they are asked: figures go into the pool
 * by themselves; the project and the tier that they tell lie over accounts that name none. They are
 * kept in memory, since each start asks again. */
#include "app/desk_int.h"

#include <stdlib.h>

#define REFRESHES_MAX 64

/* --- facts ------------------------------------------------------------------------------------*/

static struct found_facts *found_of(const struct desk *d, int64_t id)
{
    for (size_t i = 0; i < d->found_count; i++)
        if (d->found[i].id == id)
            return &d->found[i];
    return NULL;
}

void desk_lay_facts(const struct desk *d, struct account_spec *spec)
{
    const struct found_facts *f = found_of(d, spec->id);

    if (f == NULL || !str_eq(f->provider, spec->provider))
        return;
    if (spec->project.len == 0)
        spec->project = str_c(f->project);
    if (spec->tier == TIER_UNKNOWN)
        spec->tier = f->tier;
}

static void on_facts(void *peer, int64_t id, const struct account_facts *facts)
{
    struct desk *d = peer;
    struct found_facts *f = found_of(d, id);
    struct account_hold h;
    struct str provider;

    if (!pool_hold(d->o.pool, id, &h))
        return;
    provider = provider_name(((const struct upstream *)h.upstream)->provider); /* static */
    pool_let_go(d->o.pool, &h);
    if (f != NULL && f->tier == facts->tier && strcmp(f->project, facts->project) == 0 &&
        str_eq(f->provider, provider))
        return;
    if (f == NULL && facts->tier == TIER_UNKNOWN && facts->project[0] == '\0')
        return;
    if (f == NULL) {
        d->found = must_realloc(d->found, (d->found_count + 1) * sizeof(d->found[0]));
        f = &d->found[d->found_count++];
    }
    *f = (struct found_facts){ .id = id, .provider = provider, .tier = facts->tier };
    memcpy(f->project, facts->project, sizeof(f->project));
    desk_reload_accounts(d);
}

void desk_facts_prune(struct desk *d)
{
    size_t kept = 0;

    for (size_t i = 0; i < d->found_count; i++)
        if (desk_knows(d, d->found[i].id))
            d->found[kept++] = d->found[i];
    d->found_count = kept;
}

static bool renew(void *peer, int64_t id)
{
    struct desk *d = peer;

    return grants_renew(d->grants, id);
}

/* --- on demand --------------------------------------------------------------------------------*/

/* A call that waits for its account's figures. */
struct refresh {
    struct desk *desk;
    struct admin_call *asked;
    struct quota_wish wish;
    int64_t id;
};

static void put_refreshed(struct desk *d, struct admin_outcome *out, int64_t id, const char *why)
{
    struct json_writer w = json_writer(&out->body);
    struct admin_clock now = admin_clock(d->loop);
    char name[24];
    struct account_view v;
    struct buf text = { .at = name, .cap = sizeof(name), .max = sizeof(name) };

    (void)buf_printf(&text, "%lld", (long long)id);
    out->status = 200;
    json_put_object(&w);
    json_put_member_bool(&w, "ok", why == NULL);
    json_put_member(&w, "message", why == NULL ? STR("") : str_c(why));
    json_put_key(&w, STR("account"));
    if (pool_find(d->o.pool, buf_str(&text), now.loop_ms, &v)) {
        struct admin_today today = desk_today(d, id);

        admin_put_account(&w, &v, &today, &now);
    } else {
        json_put_null(&w);
    }
    json_put_end(&w);
}

static void on_refreshed(void *peer, const char *why)
{
    struct refresh *r = peer;
    struct admin_outcome out = { .status = 200 };

    buf_init(&out.body, (size_t)64 << 10);
    put_refreshed(r->desk, &out, r->id, why);
    r->desk->refresh_count--;
    admin_call_done(r->asked, &out);
    free(r);
}

bool desk_account_refresh(struct desk *d, struct admin_call *c, struct admin_outcome *out)
{
    struct account_view v;

    if (!pool_find(d->o.pool, admin_call_name(c), loop_now(d->loop), &v) || !desk_knows(d, v.id)) {
        outcome_absent(out, "no account has this id or label");
        return false;
    }
    if (d->quotas == NULL) {
        outcome_error(out, E_IO, "providers cannot be asked: the log of the start says why");
        return false;
    }
    if (d->refresh_count == REFRESHES_MAX) {
        outcome_error(out, E_CONFLICT, "too many accounts are being refreshed: wait for them");
        return false;
    }
    struct refresh *r = must_calloc(1, sizeof(*r));

    *r = (struct refresh){ .desk = d, .asked = c, .wish = { on_refreshed, r, NULL }, .id = v.id };
    d->refresh_count++;
    if (quotas_refresh(d->quotas, v.id, &r->wish))
        return true;
    d->refresh_count--;
    free(r);
    put_refreshed(d, out, v.id,
                  model_lists_refresh(d->lists, v.id)
                      ? "its provider tells what is left with each answer; its list of models is "
                        "read again"
                      : "its provider tells what is left with each answer, if at all");
    return false;
}

void desk_quota_refresh(struct desk *d, const struct admin_call *c, struct admin_outcome *out)
{
    struct json_writer w = json_writer(&out->body);
    size_t count = d->quotas == NULL ? 0 : quotas_refresh_all(d->quotas);

    (void)c;
    out->status = 200;
    json_put_object(&w);
    json_put_member_i64(&w, "accounts", (int64_t)count);
    json_put_end(&w);
}

/* --- life -------------------------------------------------------------------------------------*/

void desk_quotas_start(struct desk *d)
{
    d->quotas = quotas_new(&(struct quotas_options){ .loop = d->loop,
                                                     .client = d->client,
                                                     .pool = d->o.pool,
                                                     .on_facts = on_facts,
                                                     .renew = renew,
                                                     .peer = d });
}

void desk_quotas_end(struct desk *d)
{
    quotas_free(d->quotas);
    d->quotas = NULL;
    free(d->found);
}
