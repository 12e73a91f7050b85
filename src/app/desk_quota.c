/* app/desk_quota.c - what providers tell of accounts when they are asked: figures go into the pool
 * by themselves; the project and the tier that they tell lie over accounts that name none, and are
 * kept in the database. */
#include "app/desk_int.h"

#include <stdlib.h>

#include "base/log.h"

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

    if (f == NULL || !str_eq(str_c(f->provider), spec->provider))
        return;
    if (spec->project.len == 0)
        spec->project = str_c(f->project);
    if (spec->tier == TIER_UNKNOWN)
        spec->tier = f->tier;
}

static void copy_into(char *to, size_t size, struct str text)
{
    text = str_take(text, size - 1);
    if (text.len > 0)
        memcpy(to, text.at, text.len);
    to[text.len] = '\0';
}

static struct found_facts *found_make(struct desk *d, int64_t id)
{
    struct found_facts *f = found_of(d, id);

    if (f == NULL) {
        d->found = must_realloc(d->found, (d->found_count + 1) * sizeof(d->found[0]));
        f = &d->found[d->found_count++];
    }
    *f = (struct found_facts){ .id = id };
    return f;
}

static void found_set(struct desk *d, int64_t id, const struct account_fact *fact)
{
    struct found_facts *f = found_make(d, id);

    copy_into(f->provider, sizeof(f->provider), fact->provider);
    copy_into(f->project, sizeof(f->project), fact->project);
    f->tier = fact->tier;
}

static void take_kept(void *peer, int64_t id, const struct account_fact *fact)
{
    found_set(peer, id, fact);
}

void desk_facts_load(struct desk *d)
{
    struct error e;

    if (store_facts(d->store, take_kept, d, &e) != OK)
        log_warn("what providers told of accounts cannot be read", F_C("why", e.text));
}

static void on_facts(void *peer, int64_t id, const struct account_facts *facts)
{
    struct desk *d = peer;
    const struct found_facts *f = found_of(d, id);
    struct account_fact fact = { .project = str_c(facts->project), .tier = facts->tier };
    struct account_hold h;
    struct error e;

    if (!pool_hold(d->o.pool, id, &h))
        return;
    fact.provider = provider_name(((const struct upstream *)h.upstream)->provider); /* static */
    pool_let_go(d->o.pool, &h);
    if (f != NULL ? f->tier == fact.tier && str_eq(str_c(f->project), fact.project) &&
                        str_eq(str_c(f->provider), fact.provider)
                  : fact.tier == TIER_UNKNOWN && fact.project.len == 0)
        return;
    found_set(d, id, &fact);
    if (store_fact_put(d->store, id, &fact, &e) != OK)
        log_warn("what a provider told of an account is not kept", F_C("why", e.text));
    else if (d->store_version >= 0)
        d->store_version++; /* our own change need not be looked at */
    desk_reload_accounts(d);
}

/* Of an account that may come back (its line in the file is wrong just now) it is forgotten, too.
 */
void desk_facts_prune(struct desk *d)
{
    size_t kept = 0;
    struct error e;

    for (size_t i = 0; i < d->found_count; i++) {
        if (desk_knows(d, d->found[i].id))
            d->found[kept++] = d->found[i];
        else if (store_fact_remove(d->store, d->found[i].id, &e) == OK && d->store_version >= 0)
            d->store_version++;
    }
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
