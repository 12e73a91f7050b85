#include "app/key_changes.h"

#include "app/outcome.h"
#include "app/settings_keys.h"
#include "io/crypto.h"

/* --- telling ---------------------------------------------------------------------------------- */

static void put_used(const struct key_desk *d, const struct client_key_spec *spec,
                     struct json_writer *w)
{
    const struct key_limits limits = { .requests_minute = spec->requests_minute,
                                       .tokens_day = spec->tokens_day,
                                       .tokens_month = spec->tokens_month };
    struct key_left left;
    struct key_id id;

    json_put_key(w, STR("used"));
    if (d->budgets == NULL) {
        json_put_null(w);
        return;
    }
    memcpy(id.bytes, spec->id, sizeof(id.bytes));
    key_budget_left(key_budget_of(d->budgets, &id), &limits, d->now_ms, clock_unix_ms(), &left);
    json_put_object(w);
    json_put_member_i64(w, "tokens_today", left.used_day);
    json_put_member_i64(w, "tokens_this_month", left.used_month);
    json_put_member_i64(w, "tokens_reserved", left.reserved);
    if (left.requests >= 0)
        json_put_member_i64(w, "requests_left", left.requests);
    else
        json_put_member_null(w, "requests_left");
    json_put_end(w);
}

/* `shown`: the key itself, when it was just made. */
static void put_key(const struct key_desk *d, const struct client_key_spec *spec,
                    const struct secret *shown, struct json_writer *w)
{
    json_put_object(w);
    json_put_member(w, "name", spec->name);
    json_put_member(w, "declared_in", spec->declared ? STR("file") : STR("database"));
    json_put_member(w, "hint", str_c(spec->hint));
    if (shown != NULL)
        json_put_member(w, "key", secret_reveal(shown));
    json_put_member_i64(w, "created_unix_ms", spec->created_unix_ms);
    json_put_member_i64(w, "rotated_unix_ms", spec->rotated_unix_ms);
    json_put_member_bool(w, "expired",
                         spec->expires_unix_ms != 0 && clock_unix_ms() >= spec->expires_unix_ms);
    settings_put_key_limits(spec, w);
    put_used(d, spec, w);
    json_put_end(w);
}

static void tell(const struct key_desk *d, int status, const struct client_key_spec *spec,
                 const struct secret *shown, struct admin_outcome *out)
{
    struct json_writer w = json_writer(&out->body);

    out->status = status;
    put_key(d, spec, shown, &w);
}

void key_list(const struct key_desk *d, struct admin_outcome *out)
{
    struct json_writer w = json_writer(&out->body);

    out->status = 200;
    json_put_object(&w);
    json_put_key(&w, STR("keys"));
    json_put_array(&w);
    for (size_t i = 0; i < d->settings->client_key_count; i++)
        put_key(d, &d->settings->client_keys[i], NULL, &w);
    for (size_t i = 0; i < d->keys->count; i++)
        put_key(d, &d->keys->at[i], NULL, &w);
    json_put_end(&w);
    json_put_member_bool(&w, "required",
                         d->settings->require_keys || d->settings->client_key_count > 0 ||
                             d->keys->count > 0);
    json_put_end(&w);
    if (!json_written(&w))
        outcome_error(out, E_LIMIT, "the list is longer than an answer may be");
}

/* --- changing --------------------------------------------------------------------------------- */

static bool file_has(const struct key_desk *d, struct str name)
{
    for (size_t i = 0; i < d->settings->client_key_count; i++)
        if (str_eq(d->settings->client_keys[i].name, name))
            return true;
    return false;
}

/* The key of the database that is to be changed. */
static const struct client_key_spec *find(const struct key_desk *d, struct str name,
                                          struct admin_outcome *out)
{
    const struct client_key_spec *spec = client_keys_find(d->keys, name);

    if (spec == NULL && file_has(d, name))
        outcome_error(out, E_CONFLICT, "the key is declared in the settings file: change it there");
    else if (spec == NULL)
        outcome_absent(out, "no client key has this name");
    return spec;
}

bool key_add(const struct key_desk *d, struct str body, struct admin_outcome *out)
{
    struct client_key_spec spec = { .created_unix_ms = clock_unix_ms() };
    struct settings_fault fault = { 0 };
    struct secret key = { 0 };
    struct arena a = { 0 };
    struct error e = { 0 };
    enum status st = OK;

    if (!settings_client_key_lay(body, true, &a, &spec, &fault)) {
        outcome_wrong(out, fault.path, fault.text);
        arena_free(&a);
        return false;
    }
    random_bytes(spec.id, sizeof(spec.id));
    client_key_make(&spec, &key);
    if (file_has(d, spec.name))
        st = fail(&e, E_CONFLICT, "the settings file has a client key of this name");
    if (st == OK)
        st = client_key_add(d->store, &spec, &e);
    if (st == OK)
        tell(d, 201, &spec, &key, out);
    else
        outcome_error(out, st, e.text);
    secret_clear(&key);
    arena_free(&a);
    return st == OK;
}

static bool store_changed(const struct key_desk *d, const struct client_key_spec *spec,
                          const struct secret *shown, struct admin_outcome *out)
{
    struct error e = { 0 };
    enum status st = client_key_change(d->store, spec, &e);

    if (st == OK)
        tell(d, 200, spec, shown, out);
    else
        outcome_error(out, st, e.text);
    return st == OK;
}

bool key_change(const struct key_desk *d, struct str name, struct str body,
                struct admin_outcome *out)
{
    const struct client_key_spec *known = find(d, name, out);
    struct settings_fault fault = { 0 };
    struct arena a = { 0 };
    bool good;

    if (known == NULL)
        return false;
    struct client_key_spec spec = *known;

    good = settings_client_key_lay(body, false, &a, &spec, &fault);
    if (good)
        good = store_changed(d, &spec, NULL, out);
    else
        outcome_wrong(out, fault.path, fault.text);
    arena_free(&a);
    return good;
}

/* The old one ends at once; what is counted for it goes on. */
bool key_rotate(const struct key_desk *d, struct str name, struct admin_outcome *out)
{
    const struct client_key_spec *known = find(d, name, out);
    struct secret key = { 0 };
    bool good;

    if (known == NULL)
        return false;
    struct client_key_spec spec = *known;

    client_key_make(&spec, &key);
    spec.rotated_unix_ms = clock_unix_ms();
    good = store_changed(d, &spec, &key, out);
    secret_clear(&key);
    return good;
}

bool key_remove(const struct key_desk *d, struct str name, struct admin_outcome *out)
{
    struct error e = { 0 };
    enum status st;

    if (find(d, name, out) == NULL)
        return false;
    st = client_key_remove(d->store, name, &e);
    if (st != OK) {
        outcome_error(out, st, e.text);
        return false;
    }
    out->status = 200;
    (void)buf_add(&out->body, STR("{}"));
    return true;
}
