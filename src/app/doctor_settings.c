/* app/doctor_settings.c - checks of the settings, and of accounts and routes that they name. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/doctor.h"
#include "io/signals.h"
#include "provider/signin.h"
#include "store/client_keys.h"
#include "store/store.h"

#define DAY_MS ((int64_t)24 * 3600 * 1000)

void doctor_settings(struct doctor *d)
{
    struct settings_fault fault = { .line = 0 };
    struct error e = { .status = OK };
    enum status st = file_read(d->config_path, &d->text, &e);

    if (st == E_ABSENT)
        (void)buf_add(&d->text, STR("{}"));
    else if (st != OK)
        found(d, FINDING_FAULT, "Make it readable.", "%s", e.text);
    if (d->text.len == 0)
        return;
    if (!settings_read(buf_str(&d->text), &(struct settings_sources){ environment_get },
                       &d->settings, &fault)) {
        d->settings = NULL;
        found(d, FINDING_FAULT, "Mend this place; a running gateway keeps the settings before.",
              "%s:%u:%u: %s%s%s", d->config_path, fault.line, fault.col, fault.path,
              fault.path[0] != '\0' ? ": " : "", fault.text);
        return;
    }
    for (size_t i = 0; i < d->settings->account_count && i < DOCTOR_ACCOUNTS_MAX; i++)
        d->accounts[d->account_count++] = d->settings->accounts[i];
    d->file_account_count = d->account_count;
}

struct oddities {
    struct doctor *doctor;
    enum settings_oddity wanted;
};

static void see_oddity(void *peer, enum settings_oddity kind, struct str path)
{
    struct oddities *o = peer;

    if (kind != o->wanted)
        return;
    if (kind == SETTINGS_UNKNOWN)
        found(o->doctor, FINDING_WARNING, "Look for a slip of the pen; docs/settings.md has all.",
              "the settings have a key that is not known and does nothing: %.*s", STR_ARG(path));
    else
        found(o->doctor, FINDING_WARNING,
              "Name an environment variable (`api_key_env`, `key_env`), or add the account to the "
              "database with `penstock accounts add`.",
              "the settings hold a secret in clear: %.*s", STR_ARG(path));
}

void doctor_unknown_keys(struct doctor *d)
{
    if (d->settings != NULL)
        settings_survey(buf_str(&d->text), see_oddity, &(struct oddities){ d, SETTINGS_UNKNOWN });
}

void doctor_secrets_in_clear(struct doctor *d)
{
    if (d->settings != NULL)
        settings_survey(buf_str(&d->text), see_oddity,
                        &(struct oddities){ d, SETTINGS_SECRET_IN_CLEAR });
}

void doctor_client_keys(struct doctor *d)
{
    const struct settings *s = d->settings;
    size_t keys = d->key_count + (s != NULL ? s->client_key_count : 0);

    for (size_t i = 0; s != NULL && i < s->listen_count; i++) {
        struct address at;

        if (!address_read(s->listen[i], &at) || address_is_loopback(&at))
            continue;
        if (keys == 0 && environment_get("PENSTOCK_CONTAINER").len == 0)
            found(d, FINDING_FAULT, "`penstock keys add`: start refuses the address else.",
                  "%.*s is open to other machines, and there is no client key",
                  STR_ARG(s->listen[i]));
        else
            found(d, FINDING_NOTE, "Put a proxy with TLS in front of it.",
                  "%.*s is open to other machines and speaks plain http", STR_ARG(s->listen[i]));
    }
    if (s != NULL && s->require_keys && keys == 0)
        found(d, FINDING_FAULT, "`penstock keys add`, or switch `require_keys` off.",
              "`require_keys` is on, and there is no client key: nobody is served");
}

void doctor_insecure_tls(struct doctor *d)
{
    if (d->settings != NULL && d->settings->tls.insecure)
        found(d, FINDING_WARNING, "Switch it off; name your own authority in `tls.ca_file`.",
              "certificates of upstreams are not verified (`tls.insecure`)");
}

void doctor_bodies(struct doctor *d)
{
    if (d->settings != NULL && d->settings->logs_bodies)
        found(d, FINDING_WARNING, "Switch `logs.bodies` off when you have seen enough.",
              "bodies of requests may be captured (`logs.bodies`): they hold what users wrote");
}

/* --- accounts */

static void take_stored(void *peer, struct account_spec *spec)
{
    struct doctor *d = peer;

    if (d->account_count < DOCTOR_ACCOUNTS_MAX)
        d->accounts[d->account_count++] = spec;
    else
        account_spec_free(spec);
}

/* Those of the database. It is not made here. */
static void read_stored(struct doctor *d)
{
    struct error e = { .status = OK };
    struct master_key key;
    struct store *store = NULL;
    struct client_keys *keys = NULL;
    bool has_key = environment_get("PENSTOCK_MASTER_KEY").len > 0 ||
                   file_facts(doctor_path(d, "master.key")).there;

    if (!file_facts(doctor_path(d, "penstock.db")).there || !has_key)
        return;
    enum status st = master_key_load(d->folder, environment_get("PENSTOCK_MASTER_KEY"), &key, &e);

    if (st == OK)
        st = store_open(d->folder, &key, &store, &e);
    if (st == OK)
        st = store_accounts(store, take_stored, d, &e);
    if (st == OK)
        st = client_keys_load(store, &keys, &e);
    if (st == OK)
        d->key_count = keys->count;
    client_keys_unref(keys);
    if (st != OK)
        found(d, FINDING_FAULT, "See `accounts-database` and `master-key` above.",
              "the accounts of the database cannot be read: %s", e.text);
    store_close(store);
    wipe(&key, sizeof(key));
}

void doctor_accounts(struct doctor *d)
{
    size_t usable = 0;

    read_stored(d);
    for (size_t i = 0; i < d->account_count; i++)
        usable += !d->accounts[i]->disabled && !d->accounts[i]->proxy_disabled;
    if (d->account_count == 0)
        found(d, FINDING_NOTE, "`penstock accounts add`, or sign in on the dashboard.",
              "there is no account: the built-in simulator answers every request");
    else if (usable == 0)
        found(d, FINDING_FAULT, "Enable one: on the dashboard, or `penstock accounts enable`.",
              "none of the %zu accounts may be used", d->account_count);
}

void doctor_account_settings(struct doctor *d)
{
    for (size_t i = 0; d->settings != NULL && i < d->account_count; i++) {
        struct upstream *up = NULL;
        struct error e = { .status = OK };

        if (upstream_new(d->accounts[i], &d->settings->provider, &up, &e) != OK)
            found(d, FINDING_FAULT, "Mend it in the settings file, or remove and add it again.",
                  "account `%.*s` cannot be used: %s", STR_ARG(d->accounts[i]->label), e.text);
        if (up != NULL)
            upstream_free(up);
    }
}

void doctor_disabled_accounts(struct doctor *d)
{
    for (size_t i = 0; i < d->account_count; i++) {
        const struct account_spec *a = d->accounts[i];

        if (!a->disabled && !a->proxy_disabled)
            continue;
        bool again = a->disabled && a->grant.lost;
        bool unset = str_starts(a->disabled_reason, STR("the environment variable"));

        found(d, again || unset ? FINDING_WARNING : FINDING_NOTE,
              again   ? "Sign in again on the dashboard."
              : unset ? "Set it where the gateway is started."
                      : "`penstock accounts enable`, if it is to be used again.",
              "account `%.*s` is switched off%s%.*s", STR_ARG(a->label),
              a->disabled_reason.len > 0 ? ": " : "", STR_ARG(a->disabled_reason));
    }
}

void doctor_grants(struct doctor *d)
{
    int64_t now_ms = clock_unix_ms();

    for (size_t i = 0; i < d->account_count; i++) {
        const struct account_spec *a = d->accounts[i];

        if (!account_has_grant(a) || a->disabled || a->grant.expires_unix_ms == 0 ||
            a->grant.expires_unix_ms > now_ms)
            continue;
        if (secret_is_empty(&a->grant.refresh))
            found(d, FINDING_FAULT, "Sign in again on the dashboard.",
                  "the sign-in of account `%.*s` has expired, and nothing renews it",
                  STR_ARG(a->label));
        else if (d->running && now_ms - a->grant.expires_unix_ms > DAY_MS)
            found(d, FINDING_WARNING, "Look in the log for what its provider says.",
                  "the sign-in of account `%.*s` has not been renewed for more than a day",
                  STR_ARG(a->label));
    }
}

/* --- sign-in */

void doctor_sign_in(struct doctor *d)
{
    static const char *const families[] = { "antigravity", "codex", "copilot" };

    for (size_t f = 0; d->settings != NULL && f < COUNT(families); f++) {
        const struct signin_settings *s =
            provider_signin(&d->settings->provider, str_c(families[f]));
        const struct signin_family *family = signin_family(str_c(families[f]));
        bool used = false;

        for (size_t i = 0; i < d->account_count; i++)
            used = used || (str_eq(d->accounts[i]->provider, str_c(families[f])) &&
                            account_has_grant(d->accounts[i]));
        if (used && s->client_id.len == 0 && family != NULL)
            found(d, FINDING_WARNING, signin_explain(family, &d->arena).at,
                  "accounts of %s are signed in, but there is no OAuth client to renew them with",
                  families[f]);
    }
}

/* --- models and routes */

/* Does an account that may be used say that it offers the model, or not say which ones it does? */
static bool is_offered(const struct doctor *d, struct str model)
{
    for (size_t i = 0; i < d->account_count; i++) {
        const struct account_spec *a = d->accounts[i];

        if (a->disabled || a->proxy_disabled)
            continue;
        if (a->model_count == 0)
            return true;
        for (size_t m = 0; m < a->model_count; m++)
            if (str_matches(model, a->models[m]))
                return true;
    }
    return d->account_count == 0; /* the simulator takes any */
}

struct route_walk {
    struct doctor *doctor;
    struct json doc;
};

static bool has_label(const struct doctor *d, struct str label)
{
    for (size_t i = 0; i < d->account_count; i++)
        if (str_eq(d->accounts[i]->label, label))
            return true;
    return str_eq(label, STR("any")) || str_eq(label, STR("auto"));
}

static bool has_provider(const struct doctor *d, struct str provider)
{
    for (size_t i = 0; i < d->account_count; i++)
        if (str_eq(d->accounts[i]->provider, provider))
            return true;
    return false;
}

static struct str member_text(struct route_walk *r, uint32_t object, const char *name)
{
    uint32_t node = json_type(&r->doc, object) == JSON_OBJECT
                        ? json_member(&r->doc, object, str_c(name), NULL)
                        : JSON_NONE;
    struct str text = STR("");

    return node != JSON_NONE && json_text(&r->doc, node, &r->doctor->arena, &text) ? text : STR("");
}

static void check_entry(struct route_walk *r, const char *kind, struct str name, uint32_t entry)
{
    struct doctor *d = r->doctor;
    struct str label = STR(""), provider = STR("");

    if (json_type(&r->doc, entry) == JSON_STRING) {
        (void)json_text(&r->doc, entry, &d->arena, &label);
    } else {
        label = member_text(r, entry, "account");
        provider = member_text(r, entry, "provider");
    }
    if (label.len > 0 && !has_label(d, label))
        found(d, FINDING_FAULT, "Mend the name, or add the account.",
              "%s `%.*s` sends requests to account `%.*s`, which is not there", kind, STR_ARG(name),
              STR_ARG(label));
    if (provider.len > 0 && !has_provider(d, provider))
        found(d, FINDING_WARNING, "Add an account of this provider, or take the entry out.",
              "%s `%.*s` sends requests to provider %.*s, which has no account", kind,
              STR_ARG(name), STR_ARG(provider));
}

static void check_group(struct route_walk *r, uint32_t routing, const char *group, const char *kind)
{
    uint32_t all = json_member(&r->doc, routing, str_c(group), NULL);

    if (all == JSON_NONE || json_type(&r->doc, all) != JSON_OBJECT)
        return;
    for (uint32_t i = json_first(&r->doc, all); i != JSON_NONE; i = json_after(&r->doc, all, i)) {
        struct str name = STR("");

        (void)json_text(&r->doc, i, &r->doctor->arena, &name);
        i = json_after(&r->doc, all, i);
        uint32_t entries = json_type(&r->doc, i) == JSON_OBJECT
                               ? json_member(&r->doc, i, STR("entries"), NULL)
                               : JSON_NONE;

        if (entries == JSON_NONE || json_type(&r->doc, entries) != JSON_ARRAY)
            continue;
        if (json_first(&r->doc, entries) == JSON_NONE)
            found(r->doctor, FINDING_WARNING, "Give it entries, or take it out.",
                  "%s `%.*s` is empty: it names nothing", kind, STR_ARG(name));
        for (uint32_t e = json_first(&r->doc, entries); e != JSON_NONE;
             e = json_after(&r->doc, entries, e))
            check_entry(r, kind, name, e);
    }
}

/* The member at `group`.`name` of the settings, when it is an object. */
static uint32_t object_at(struct route_walk *r, const char *group, const char *name)
{
    struct doctor *d = r->doctor;
    uint32_t node;

    if (d->settings == NULL || !json_parse(&r->doc, buf_str(&d->text), NULL, &d->arena, NULL))
        return JSON_NONE;
    node = json_member(&r->doc, 0, str_c(group), NULL);
    if (name != NULL && node != JSON_NONE && json_type(&r->doc, node) == JSON_OBJECT)
        node = json_member(&r->doc, node, str_c(name), NULL);
    return node != JSON_NONE && json_type(&r->doc, node) == JSON_OBJECT ? node : JSON_NONE;
}

void doctor_mapping(struct doctor *d)
{
    struct route_walk r = { .doctor = d };
    uint32_t all = object_at(&r, "proxy", "custom_mapping");

    for (uint32_t i = all == JSON_NONE ? JSON_NONE : json_first(&r.doc, all); i != JSON_NONE;
         i = json_after(&r.doc, all, i)) {
        struct str from = STR(""), to = STR("");

        (void)json_text(&r.doc, i, &d->arena, &from);
        i = json_after(&r.doc, all, i);
        if (!json_text(&r.doc, i, &d->arena, &to) || str_starts(to, STR("route:")) ||
            memchr(to.at, '*', to.len) != NULL || is_offered(d, to))
            continue;
        found(d, FINDING_WARNING, "Map it to a model that an account has, or add the account.",
              "`%.*s` is mapped to `%.*s`, which no account offers", STR_ARG(from), STR_ARG(to));
    }
}

void doctor_routes(struct doctor *d)
{
    struct route_walk r = { .doctor = d };

    uint32_t routing = object_at(&r, "routing", NULL);

    if (routing == JSON_NONE)
        return;
    check_group(&r, routing, "flows", "flow");
    check_group(&r, routing, "accounts", "account route");
}
