/* app/desk_keys.c - the client keys of the database, while the gateway runs. */
#include "app/desk_int.h"

#include "app/key_changes.h"
#include "base/log.h"

enum status desk_keys_load(struct desk *d, struct error *e)
{
    struct client_keys *keys = NULL;
    enum status st = client_keys_load(d->store, &keys, e);

    if (st != OK)
        return st;
    client_keys_unref(d->keys);
    d->keys = keys;
    return OK;
}

/* Others have changed them, or we: workers follow. */
void desk_keys_reload(struct desk *d)
{
    struct error e;

    if (desk_keys_load(d, &e) != OK) {
        log_error("the client keys stay as they were", F_C("why", e.text));
        return;
    }
    d->o.on_keys(d->o.peer, config_file_settings(d->config), d->keys);
}

static struct key_desk key_desk(const struct desk *d)
{
    return (struct key_desk){ .store = d->store,
                              .settings = config_file_settings(d->config),
                              .keys = d->keys,
                              .budgets = d->o.budgets,
                              .now_ms = loop_now(d->loop) };
}

void desk_key_list(struct desk *d, const struct admin_call *c, struct admin_outcome *out)
{
    struct key_desk k = key_desk(d);

    (void)c;
    key_list(&k, out);
}

void desk_key_add(struct desk *d, const struct admin_call *c, struct admin_outcome *out)
{
    struct key_desk k = key_desk(d);

    if (key_add(&k, admin_call_body(c), out))
        desk_keys_reload(d);
}

void desk_key_change(struct desk *d, const struct admin_call *c, struct admin_outcome *out)
{
    struct key_desk k = key_desk(d);

    if (key_change(&k, admin_call_name(c), admin_call_body(c), out))
        desk_keys_reload(d);
}

void desk_key_rotate(struct desk *d, const struct admin_call *c, struct admin_outcome *out)
{
    struct key_desk k = key_desk(d);

    if (key_rotate(&k, admin_call_name(c), out))
        desk_keys_reload(d);
}

void desk_key_remove(struct desk *d, const struct admin_call *c, struct admin_outcome *out)
{
    struct key_desk k = key_desk(d);

    if (key_remove(&k, admin_call_name(c), out))
        desk_keys_reload(d);
}

enum status desk_first_key(struct desk *d, struct secret *key, struct error *e)
{
    struct client_key_spec spec = { .name = STR("default"), .created_unix_ms = clock_unix_ms() };
    enum status st;

    random_bytes(spec.id, sizeof(spec.id));
    client_key_make(&spec, key);
    st = client_key_add(d->store, &spec, e);
    return st == OK ? desk_keys_load(d, e) : st;
}
