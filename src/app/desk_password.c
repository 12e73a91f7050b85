/* app/desk_password.c - the dashboard's password: checked when a browser logs in, and changed.
 *
 * scrypt takes its time and 64 MiB; here it holds up neither requests nor more than one of its
 * kind.
 */
#include "app/desk_int.h"

#include "base/log.h"

bool desk_has_password(const struct desk *d)
{
    static const struct password_mark none = { { 0 } };

    return memcmp(&d->password, &none, sizeof(none)) != 0;
}

void desk_password_look(struct desk *d)
{
    struct password_mark now;
    struct error e;

    if (store_password_mark(d->store, &now, &e) != OK) {
        log_warn("the dashboard's password cannot be read", F_C("why", e.text));
        return;
    }
    if (memcmp(&now, &d->password, sizeof(now)) == 0)
        return;
    d->password = now;
    atomic_store(&d->password_set, desk_has_password(d));
    d->o.on_password(d->o.peer);
    log_info("the dashboard has another password: browsers have to log in again",
             F_C("password", desk_has_password(d) ? "set" : "none"));
}

/* --- */

/* A member's text; empty when it is absent or null. False: the outcome says what is wrong. */
static bool take_text(const struct json *doc, const char *name, struct arena *a, struct str *text,
                      struct admin_outcome *out)
{
    uint32_t node = json_member(doc, 0, str_c(name), NULL);

    *text = STR("");
    if (node == JSON_NONE || json_type(doc, node) == JSON_NULL || json_text(doc, node, a, text))
        return true;
    outcome_wrong(out, name, "must be a text");
    return false;
}

static void refuse(struct admin_outcome *out, int status, const struct error *e)
{
    outcome_error(out, e->status, e->text);
    if (e->status == E_REFUSED || e->status == E_ABSENT)
        out->status = status;
}

void desk_login(struct desk *d, const struct admin_call *c, struct admin_outcome *out)
{
    static const char *const members[] = { "password", NULL };
    struct arena a = { 0 };
    struct json doc;
    struct str password;
    struct error e = { 0 };

    if (!outcome_body(admin_call_body(c), members, &a, &doc, out) ||
        !take_text(&doc, "password", &a, &password, out))
        goto done;
    if (store_password_check(d->store, password, &e) == OK)
        out->status = 200;
    else
        refuse(out, 401, &e);
done:
    arena_free(&a);
}

void desk_password(struct desk *d, const struct admin_call *c, struct admin_outcome *out)
{
    static const char *const members[] = { "password", "current", NULL };
    struct arena a = { 0 };
    struct json doc;
    struct str password, current;
    struct error e = { 0 };

    if (!outcome_body(admin_call_body(c), members, &a, &doc, out) ||
        !take_text(&doc, "password", &a, &password, out) ||
        !take_text(&doc, "current", &a, &current, out))
        goto done;
    if (json_member(&doc, 0, STR("password"), NULL) == JSON_NONE) {
        outcome_wrong(out, "password", "the new one is wanted, or null for none");
        goto done;
    }
    if (!admin_call_by_token(c) && desk_has_password(d) &&
        store_password_check(d->store, current, &e) != OK) {
        refuse(out, 403, &e);
        goto done;
    }
    if (store_password_set(d->store, password, &e) != OK) {
        if (e.status == E_SYNTAX)
            outcome_wrong(out, "password", e.text);
        else
            outcome_error(out, e.status, e.text);
        goto done;
    }
    desk_password_look(d);
    out->status = 200;
    struct json_writer w = json_writer(&out->body);

    json_put_object(&w);
    json_put_member_bool(&w, "password_set", desk_has_password(d));
    json_put_end(&w);
done:
    arena_free(&a);
}
