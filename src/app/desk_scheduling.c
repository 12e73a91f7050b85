/* app/desk_scheduling.c - changes of how accounts are chosen. */
#include "app/desk_int.h"

#include "exchange/session.h"

static void put_scheduling(struct desk *d, struct admin_outcome *out)
{
    out->status = 200;
    admin_put_scheduling(&out->body, d->o.pool, desk_revision(d), loop_now(d->loop));
}

/* Mode and waits are settings: the file is written before the answer is given. */
void desk_scheduling(struct desk *d, const struct admin_call *c, struct admin_outcome *out)
{
    static const char *const members[] = { "mode", "max_wait_seconds", "queue_wait_seconds",
                                           "revision", NULL };
    struct settings_change changes[3];
    struct arena a = { 0 };
    struct json doc;
    struct error e = { 0 };
    int64_t revision = 0;
    size_t count = 0;
    enum status st;

    if (!outcome_body(admin_call_body(c), members, &a, &doc, out))
        goto done;
    for (size_t i = 0; i < COUNT(changes); i++) {
        uint32_t node = json_member(&doc, 0, str_c(members[i]), NULL);

        if (node != JSON_NONE)
            changes[count++] =
                (struct settings_change){ arena_printf(&a, "proxy.scheduling.%s", members[i]),
                                          json_raw(&doc, node) };
    }
    uint32_t node = json_member(&doc, 0, STR("revision"), NULL);

    if (node != JSON_NONE && (!json_i64(&doc, node, &revision) || revision < 1)) {
        outcome_wrong(out, "revision", "must be a number that GET /api/scheduling has given");
        goto done;
    }
    if (count == 0) {
        outcome_error(out, E_SYNTAX, "give mode, max_wait_seconds or queue_wait_seconds");
        goto done;
    }
    st = config_file_change_all(d->config, changes, count, (uint64_t)revision, &e);
    if (st != OK) {
        outcome_error(out, st, e.text);
        goto done;
    }
    put_scheduling(d, out);
done:
    arena_free(&a);
}

/* --- the fixed account: only while the gateway runs */

void desk_fix(struct desk *d, const struct admin_call *c, struct admin_outcome *out)
{
    static const char *const members[] = { "account", NULL };
    struct account_view v;
    struct arena a = { 0 };
    struct str name = STR("");
    struct json doc;

    if (!outcome_body(admin_call_body(c), members, &a, &doc, out))
        goto done;
    uint32_t node = json_member(&doc, 0, STR("account"), NULL);

    if (node != JSON_NONE && json_type(&doc, node) == JSON_NUMBER)
        name = json_raw(&doc, node);
    else if (node != JSON_NONE)
        (void)json_text(&doc, node, &a, &name);
    if (name.len == 0)
        outcome_wrong(out, "account", "the id or label of an account is wanted");
    else if (!pool_find(d->o.pool, name, loop_now(d->loop), &v) || !pool_fix(d->o.pool, v.id))
        outcome_absent(out, "no account has this id or label");
    else
        put_scheduling(d, out);
done:
    arena_free(&a);
}

void desk_unfix(struct desk *d, const struct admin_call *c, struct admin_outcome *out)
{
    (void)c;
    pool_unfix(d->o.pool);
    put_scheduling(d, out);
}

/* --- bindings */

static void put_cleared(struct admin_outcome *out, uint32_t count)
{
    struct json_writer w = json_writer(&out->body);

    out->status = 200;
    json_put_object(&w);
    json_put_member_i64(&w, "cleared", count);
    json_put_end(&w);
}

void desk_unbind_all(struct desk *d, const struct admin_call *c, struct admin_outcome *out)
{
    uint32_t count = pool_bindings(d->o.pool, loop_now(d->loop));
    struct error e = { 0 };
    enum status st = desk_bindings_clear(d, &e);

    (void)c;
    if (st == OK)
        put_cleared(out, count);
    else
        outcome_error(out, st, e.text);
}

struct wanted {
    struct str shown;
    struct session_key own; /* if it is what a client calls its conversation */
    struct session_key key;
    bool found;
};

static void consider(void *peer, const struct binding *b)
{
    struct wanted *w = peer;

    if (!w->found && (session_key_is(&b->session, w->shown) ||
                      memcmp(&b->session, &w->own, sizeof(w->own)) == 0)) {
        w->key = b->session;
        w->found = true;
    }
}

/* The session as requests and log show it (`sid-…`), its whole key, or the client's own name of it.
 */
void desk_unbind(struct desk *d, const struct admin_call *c, struct admin_outcome *out)
{
    struct wanted w = { .shown = admin_call_name(c) };
    struct error e = { 0 };
    enum status st = E_ABSENT;

    session_key_named(w.shown, &w.own);
    if (session_key_from_hex(w.shown, &w.key))
        st = desk_binding_clear(d, &w.key, &e);
    if (st == E_ABSENT) {
        pool_each_binding(d->o.pool, loop_now(d->loop), consider, &w);
        if (w.found)
            st = desk_binding_clear(d, &w.key, &e);
    }
    if (st == OK)
        put_cleared(out, 1);
    else if (st == E_ABSENT)
        outcome_absent(out, "no such session is bound");
    else
        outcome_error(out, st, e.text);
}
