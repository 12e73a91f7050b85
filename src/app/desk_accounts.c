/* app/desk_accounts.c - accounts added, changed and removed over the admin API. */
#include "app/desk_int.h"

#include "app/settings_account.h"

static void put_id(struct admin_outcome *out, const struct account_spec *spec)
{
    struct json_writer w = json_writer(&out->body);

    json_put_object(&w);
    json_put_member_i64(&w, "id", spec->id);
    json_put_member(&w, "label", spec->label);
    json_put_end(&w);
}

void desk_account_add(struct desk *d, const struct admin_call *c, struct admin_outcome *out)
{
    struct str body = admin_call_body(c);
    struct settings *s = config_file_settings(d->config);
    struct settings_fault fault = { 0 };
    struct account_spec *spec = NULL;
    struct upstream *up = NULL;
    struct error e = { 0 };
    enum status st = OK;

    if (!settings_account_read(body, &d->o.sources, &spec, &fault)) {
        out->status = 400;
        admin_put_error(&out->body, str_c(fault.text), str_c(fault.path));
        return;
    }
    for (size_t i = 0; i < s->account_count && st == OK; i++)
        if (str_eq(s->accounts[i]->label, spec->label))
            st = fail(&e, E_CONFLICT, "the settings file has an account with this label");
    if (st == OK)
        st = upstream_new(spec, &s->provider, &up, &e);
    if (st == OK)
        st = store_account_add(d->store, spec, clock_unix_ms(), &e);
    if (st == OK) {
        desk_reload_accounts(d);
        out->status = 201;
        put_id(out, spec);
    } else {
        outcome_error(out, st, e.text);
    }
    if (up != NULL)
        upstream_free(up);
    account_spec_free(spec);
}

struct search {
    struct str wanted;
    struct account_view found;
    bool is_found;
};

static void consider_account(void *peer, const struct account_view *v)
{
    struct search *s = peer;
    int64_t id;

    if (str_eq(str_c(v->label), s->wanted) || (str_to_i64(s->wanted, &id) && id == v->id)) {
        s->found = *v;
        s->is_found = true;
    }
}

static bool find_account(struct desk *d, struct str name, struct account_view *found,
                         struct admin_outcome *out)
{
    struct search s = { .wanted = name };

    (void)pool_each(d->o.pool, 0, consider_account, &s);
    if (!s.is_found || !desk_knows(d, s.found.id)) {
        outcome_error(out, E_ABSENT, "no account has this id or label");
        return false;
    }
    *found = s.found;
    return true;
}

static bool read_flag(const struct json *doc, const char *name, bool *flag,
                      struct admin_outcome *out)
{
    uint32_t node = json_member(doc, 0, str_c(name), NULL);

    if (node == JSON_NONE)
        return true;
    if (json_type(doc, node) != JSON_TRUE && json_type(doc, node) != JSON_FALSE) {
        out->status = 400;
        admin_put_error(&out->body, STR("must be true or false"), str_c(name));
        return false;
    }
    *flag = json_is_true(doc, node);
    return true;
}

void desk_account_change(struct desk *d, const struct admin_call *c, struct admin_outcome *out)
{
    static const char *const members[] = { "disabled", "proxy_disabled", NULL };
    struct account_view v;
    struct arena a = { 0 };
    struct json doc;
    struct error e = { 0 };

    if (find_account(d, admin_call_name(c), &v, out) &&
        outcome_body(admin_call_body(c), members, &a, &doc, out) &&
        read_flag(&doc, "disabled", &v.disabled, out) &&
        read_flag(&doc, "proxy_disabled", &v.proxy_disabled, out)) {
        struct str reason = v.disabled ? STR("switched off by the operator") : STR("");
        enum status st =
            store_account_flags(d->store, v.id, v.disabled, v.proxy_disabled, reason, &e);

        if (st == OK) {
            (void)pool_set_flags(d->o.pool, v.id, v.disabled, v.proxy_disabled, reason);
            out->status = 200;
            (void)buf_add(&out->body, STR("{}"));
        } else {
            outcome_error(out, st, e.text);
        }
    }
    arena_free(&a);
}

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
