/* app/desk_accounts.c - accounts added, changed and removed over the admin API. */
#include "app/desk_int.h"

#include "app/settings_account.h"
#include "base/log.h"

/* --- add */

static bool file_has(const struct desk *d, struct str label)
{
    const struct settings *s = config_file_settings(d->config);

    for (size_t i = 0; i < s->account_count; i++)
        if (str_eq(s->accounts[i]->label, label))
            return true;
    return false;
}

/* `result` is NULL when the key was not checked. */
static void put_added(struct admin_outcome *out, const struct account_spec *spec,
                      const struct check_result *result)
{
    struct json_writer w = json_writer(&out->body);

    out->status = 201;
    json_put_object(&w);
    json_put_member_i64(&w, "id", spec->id);
    json_put_member(&w, "label", spec->label);
    if (result == NULL) {
        json_put_member_null(&w, "check");
    } else {
        json_put_key(&w, STR("check"));
        json_put_object(&w);
        check_put(&w, result);
        json_put_end(&w);
    }
    json_put_end(&w);
}

static void add(struct desk *d, struct account_spec *spec, const struct check_result *result,
                struct admin_outcome *out)
{
    struct error e = { 0 };
    enum status st = file_has(d, spec->label)
                         ? fail(&e, E_CONFLICT, "the settings file has an account with this label")
                         : store_account_add(d->store, spec, clock_unix_ms(), &e);

    if (st != OK) {
        outcome_error(out, st, e.text);
        return;
    }
    desk_reload_accounts(d);
    put_added(out, spec, result);
}

void desk_account_checked(struct desk *d, struct account_spec *spec,
                          const struct check_result *result, struct admin_outcome *out)
{
    struct arena a = { 0 };

    if (check_refuses(result))
        outcome_wrong(out, "api_key",
                      arena_printf(&a, "the provider refuses it (status %d): %.*s", result->status,
                                   STR_ARG(result->message))
                          .at);
    else
        add(d, spec, result, out);
    arena_free(&a);
}

/* A key that nobody wants to use yet, or that stands for itself, is not checked. */
static bool wants_check(const struct account_spec *spec, const struct admin_call *c)
{
    char text[8];
    size_t len = 0;
    bool off = http_query_get(admin_call_query(c), STR("check"), text, sizeof(text), &len) &&
               str_eq((struct str){ text, len }, STR("off"));

    return !off && !spec->disabled && !secret_is_empty(&spec->api_key);
}

bool desk_account_add(struct desk *d, struct admin_call *c, struct admin_outcome *out)
{
    struct settings *s = config_file_settings(d->config);
    struct settings_fault fault = { 0 };
    struct account_spec *spec = NULL;
    struct upstream *up = NULL;
    struct error e = { 0 };
    enum status st = OK;

    if (!settings_account_read(admin_call_body(c), &d->o.sources, &spec, &fault)) {
        outcome_wrong(out, fault.path, fault.text);
        return false;
    }
    if (file_has(d, spec->label))
        st = fail(&e, E_CONFLICT, "the settings file has an account with this label");
    if (st == OK)
        st = upstream_new(spec, &s->provider, &up, &e);
    upstream_free(up);
    if (st == OK && wants_check(spec, c) && desk_check_new(d, c, spec))
        return true;
    if (st == OK)
        add(d, spec, NULL, out);
    else
        outcome_error(out, st, e.text);
    account_spec_free(spec);
    return false;
}

/* --- the account that a path names */

static bool find_account(struct desk *d, struct str name, struct account_view *found,
                         struct admin_outcome *out)
{
    if (pool_find(d->o.pool, name, loop_now(d->loop), found) && desk_knows(d, found->id))
        return true;
    outcome_absent(out, "no account has this id or label");
    return false;
}

static void put_account(struct desk *d, int64_t id, struct admin_outcome *out)
{
    struct admin_clock now = admin_clock(d->loop);
    struct json_writer w = json_writer(&out->body);
    struct account_view v;
    struct arena a = { 0 };

    if (pool_find(d->o.pool, arena_printf(&a, "%lld", (long long)id), now.loop_ms, &v)) {
        out->status = 200;
        struct admin_today today = desk_today(d, id);

        admin_put_account(&w, &v, &today, &now);
    } else {
        outcome_absent(out, "the account was removed meanwhile");
    }
    arena_free(&a);
}

/* --- change */

#define CONCURRENCY_MAX 100000
#define LABEL_MAX 128
#define MODELS_MAX 10000

/* A change while its members are read. */
struct changing {
    struct desk *desk;
    const struct account_view *account;
    struct account_change change;
    struct json doc;
    struct arena arena;
    struct admin_outcome *out;
};

static bool wrong(struct changing *c, const char *member, const char *text)
{
    outcome_wrong(c->out, member, text);
    return false;
}

static bool take_flag(struct changing *c, const char *name, uint32_t node, uint32_t bit, bool *flag)
{
    enum json_type type = json_type(&c->doc, node);

    if (type != JSON_TRUE && type != JSON_FALSE)
        return wrong(c, name, "must be true or false");
    *flag = type == JSON_TRUE;
    c->change.members |= bit;
    return true;
}

static bool take_disabled(struct changing *c, const char *name, uint32_t node)
{
    if (!take_flag(c, name, node, ACCOUNT_DISABLED, &c->change.disabled))
        return false;
    c->change.reason = c->change.disabled ? STR("switched off by the operator") : STR("");
    return true;
}

static bool take_proxy_disabled(struct changing *c, const char *name, uint32_t node)
{
    return take_flag(c, name, node, ACCOUNT_PROXY_DISABLED, &c->change.proxy_disabled);
}

static bool take_tier(struct changing *c, const char *name, uint32_t node)
{
    struct str word;

    if (json_type(&c->doc, node) == JSON_NULL)
        word = STR("");
    else if (!json_text(&c->doc, node, &c->arena, &word))
        return wrong(c, name, "must be ULTRA, PRO, FREE or null");
    if (!tier_from_word(word, &c->change.tier))
        return wrong(c, name, "is none of ULTRA, PRO, FREE");
    c->change.members |= ACCOUNT_TIER;
    return true;
}

static bool take_max_concurrency(struct changing *c, const char *name, uint32_t node)
{
    int64_t n;

    if (!json_i64(&c->doc, node, &n) || n < 0 || n > CONCURRENCY_MAX)
        return wrong(c, name, "must be a number from 0 (no limit) to 100000");
    c->change.concurrency_max = (uint32_t)n;
    c->change.members |= ACCOUNT_CONCURRENCY;
    return true;
}

/* The file owns the names of its accounts: their ids are made of them. */
static bool is_the_files(struct changing *c)
{
    if (c->account->from_file)
        outcome_error(c->out, E_CONFLICT,
                      "the account is declared in the settings file: change its label, models "
                      "and proxy there");
    return c->account->from_file;
}

static bool take_label(struct changing *c, const char *name, uint32_t node)
{
    struct str label;

    if (!json_text(&c->doc, node, &c->arena, &label) || label.len == 0 || label.len > LABEL_MAX)
        return wrong(c, name, "must be a text of 1 to 128 bytes");
    if (is_the_files(c))
        return false;
    if (file_has(c->desk, label)) {
        outcome_error(c->out, E_CONFLICT, "the settings file has an account with this label");
        return false;
    }
    c->change.label = label;
    c->change.members |= ACCOUNT_LABEL;
    return true;
}

static bool take_models(struct changing *c, const char *name, uint32_t node)
{
    struct str *models;
    size_t room;

    if (json_type(&c->doc, node) != JSON_ARRAY)
        return wrong(c, name, "must be a list of model names, `*` allowed");
    if (is_the_files(c))
        return false;
    room = c->doc.nodes[node].next - node; /* more than its elements */
    if (room > MODELS_MAX)
        return wrong(c, name, "has more than 10000 entries");
    models = arena_array(&c->arena, struct str, room);
    for (uint32_t i = json_first(&c->doc, node); i != JSON_NONE; i = json_after(&c->doc, node, i)) {
        struct str *model = &models[c->change.model_count++];

        if (!json_text(&c->doc, i, &c->arena, model) || model->len == 0)
            return wrong(c, name, "must be a list of model names that are not empty");
    }
    c->change.models = models;
    c->change.members |= ACCOUNT_MODELS;
    return true;
}

/* What is wrong with it shows when the account's way to its provider is made anew. */
static enum status try_proxy(struct changing *c, struct error *e)
{
    const struct provider_options *settings = &config_file_settings(c->desk->config)->provider;
    struct account_hold hold;
    struct upstream *up = NULL;

    if (!pool_hold(c->desk->o.pool, c->account->id, &hold))
        return fail(e, E_ABSENT, "the account was removed meanwhile");
    struct account_spec *spec = account_spec_copy(hold.spec);

    pool_let_go(c->desk->o.pool, &hold);
    spec->proxy = c->change.proxy;
    enum status st = upstream_new(spec, settings, &up, e);

    upstream_free(up);
    account_spec_free(spec);
    return st;
}

static bool take_proxy(struct changing *c, const char *name, uint32_t node)
{
    struct error e = { 0 };
    const char *why;

    if (json_type(&c->doc, node) == JSON_NULL)
        c->change.proxy = STR("");
    else if (!json_text(&c->doc, node, &c->arena, &c->change.proxy))
        return wrong(c, name, "must be a text or null");
    if (is_the_files(c))
        return false;
    why = settings_wrong_proxy(c->change.proxy);
    if (why == NULL && try_proxy(c, &e) != OK)
        why = e.text;
    if (why != NULL)
        return wrong(c, name, why);
    c->change.members |= ACCOUNT_PROXY;
    return true;
}

static const char *const members[] = { "disabled", "proxy_disabled", "tier",  "max_concurrency",
                                       "label",    "models",         "proxy", NULL };
static bool (*const takers[])(struct changing *c, const char *name, uint32_t node) = {
    take_disabled, take_proxy_disabled, take_tier,  take_max_concurrency,
    take_label,    take_models,         take_proxy,
};
_Static_assert(COUNT(takers) + 1 == COUNT(members), "one for each member");

static bool change_read(struct changing *c, struct str body)
{
    if (!outcome_body(body, members, &c->arena, &c->doc, c->out))
        return false;
    for (size_t i = 0; i < COUNT(takers); i++) {
        uint32_t node = json_member(&c->doc, 0, str_c(members[i]), NULL);

        if (node != JSON_NONE && !takers[i](c, members[i], node))
            return false;
    }
    if (c->change.members == 0)
        outcome_error(c->out, E_SYNTAX, "there is nothing to change");
    return c->change.members != 0;
}

/* Routes name accounts by their labels. The account has its new one by now: when the file cannot be
 * written, that holds for this run, and a broken file stays as its owner left it. */
static void rename_in_routes(struct desk *d, struct str from, struct str to)
{
    struct buf raw = { .max = SETTINGS_BYTES_MAX };
    struct error e = { 0 };

    if (settings_rename_account(config_file_settings(d->config), from, to, &raw) &&
        config_file_change(d->config, STR("routing"), buf_str(&raw), 0, &e) != OK)
        log_warn("routes that name an account by its old label could not be changed",
                 F_STR("account", to), F_C("why", e.text));
    buf_clear(&raw);
}

void desk_account_change(struct desk *d, const struct admin_call *call, struct admin_outcome *out)
{
    struct account_view v;
    struct changing c = { .desk = d, .account = &v, .out = out };
    struct error e = { 0 };

    if (!find_account(d, admin_call_name(call), &v, out) || !change_read(&c, admin_call_body(call)))
        goto done;
    enum status st = store_account_change(d->store, v.id, &c.change, &e);

    if (st != OK) {
        outcome_error(out, st, e.text);
        goto done;
    }
    desk_reload_accounts(d);
    if (c.change.members & ACCOUNT_LABEL)
        rename_in_routes(d, str_c(v.label), c.change.label);
    /* a credential that the provider refused is tried again when the operator says so */
    if (v.refused && (c.change.members & ACCOUNT_DISABLED) && !c.change.disabled)
        (void)pool_clear_lockouts(d->o.pool, v.id);
    put_account(d, v.id, out);
done:
    arena_free(&c.arena);
}

/* --- remove */

void desk_account_remove(struct desk *d, const struct admin_call *c, struct admin_outcome *out)
{
    struct account_view v;
    struct error e = { 0 };
    enum status st;

    if (!find_account(d, admin_call_name(c), &v, out))
        return;
    if (v.from_file) {
        outcome_error(out, E_CONFLICT,
                      "the account is declared in the settings file: remove it there");
        return;
    }
    st = store_account_remove(d->store, v.id, &e);
    if (st != OK) {
        outcome_error(out, st, e.text);
        return;
    }
    desk_reload_accounts(d);
    out->status = 200;
    (void)buf_add(&out->body, STR("{}"));
}

/* --- lockouts */

void desk_lockouts_clear(struct desk *d, const struct admin_call *c, struct admin_outcome *out)
{
    struct account_view v;

    if (!pool_find(d->o.pool, admin_call_name(c), loop_now(d->loop), &v) ||
        !pool_clear_lockouts(d->o.pool, v.id))
        outcome_absent(out, "no account has this id or label");
    else
        put_account(d, v.id, out);
}
