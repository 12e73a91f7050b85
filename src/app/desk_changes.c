/* app/desk_changes.c - changes over the admin API: each is carried out by a function of its noun,
 * on the desk's thread, one after the other. */
#include "app/desk_int.h"
#include "app/usage_report.h"

#include <stdlib.h>

static desk_change *const changes[ADMIN_CHANGES] = {
    [ADMIN_SCHEDULING] = desk_scheduling,
    [ADMIN_FIX] = desk_fix,
    [ADMIN_UNFIX] = desk_unfix,
    [ADMIN_BINDINGS_CLEAR] = desk_unbind_all,
    [ADMIN_BINDING_CLEAR] = desk_unbind,
    [ADMIN_ACCOUNT_CHANGE] = desk_account_change,
    [ADMIN_ACCOUNT_REMOVE] = desk_account_remove,
    [ADMIN_LOCKOUTS_CLEAR] = desk_lockouts_clear,
    [ADMIN_QUOTA_REFRESH] = desk_quota_refresh,
    [ADMIN_SETTINGS] = desk_settings_show,
    [ADMIN_SETTINGS_CHANGE] = desk_settings_change,
    [ADMIN_SIGNIN_START] = desk_signin_start,
    [ADMIN_SIGNIN_LOOK] = desk_signin_look,
    [ADMIN_SIGNIN_CANCEL] = desk_signin_cancel,
    [ADMIN_SIGNIN_CODE] = desk_signin_code,
    [ADMIN_LOGIN] = desk_login,
    [ADMIN_PASSWORD] = desk_password,
    [ADMIN_PRICES] = desk_price_list,
    [ADMIN_PRICE_SET] = desk_price_set,
    [ADMIN_PRICE_REMOVE] = desk_price_remove,
    [ADMIN_KEYS] = desk_key_list,
    [ADMIN_KEY_ADD] = desk_key_add,
    [ADMIN_KEY_CHANGE] = desk_key_change,
    [ADMIN_KEY_ROTATE] = desk_key_rotate,
    [ADMIN_KEY_REMOVE] = desk_key_remove,
    [ADMIN_ROUTING] = desk_routing,
    [ADMIN_ROUTING_SET] = desk_routing_set,
    [ADMIN_ROUTING_EXPLAIN] = desk_routing_explain,
};

/* Those that wait for a provider: true when they are under way, and the call is answered later. */
typedef bool desk_slow_change(struct desk *d, struct admin_call *c, struct admin_outcome *out);

static desk_slow_change *const slow_changes[ADMIN_CHANGES] = {
    [ADMIN_ACCOUNT_ADD] = desk_account_add,
    [ADMIN_ACCOUNT_TEST] = desk_account_test,
    [ADMIN_ACCOUNT_REFRESH] = desk_account_refresh,
};

/* --- outcomes */

static int http_status_of(enum status st)
{
    switch (st) {
    case OK:
        return 200;
    case E_ABSENT:
        return 404;
    case E_CONFLICT:
        return 409;
    case E_SYNTAX:
    case E_LIMIT:
    case E_REFUSED:
        return 400;
    case E_IO:
    case E_STORE:
        break;
    }
    return 500;
}

void outcome_error(struct admin_outcome *out, enum status st, const char *text)
{
    out->status = http_status_of(st);
    out->body.len = 0;
    admin_put_error(&out->body, str_c(text), STR(""));
}

void outcome_wrong(struct admin_outcome *out, const char *path, const char *text)
{
    out->status = 400;
    out->body.len = 0;
    admin_put_error(&out->body, str_c(text), str_c(path));
}

void outcome_absent(struct admin_outcome *out, const char *what)
{
    outcome_error(out, E_ABSENT, what);
}

static bool members_are_known(const struct json *doc, const char *const *members, struct arena *a,
                              struct admin_outcome *out)
{
    for (uint32_t i = json_first(doc, 0); i != JSON_NONE;
         i = json_after(doc, 0, json_after(doc, 0, i))) {
        struct str name;
        size_t m = 0;
        bool twice = false;

        if (!json_text(doc, i, a, &name))
            return false;
        while (members[m] != NULL && !str_eq(name, str_c(members[m])))
            m++;
        (void)json_member(doc, 0, name, &twice);
        if (members[m] != NULL && !twice)
            continue;
        outcome_wrong(out, arena_copy(a, str_take(name, 100)).at,
                      twice ? "stands there twice" : "is no member that can be set here");
        return false;
    }
    return true;
}

bool outcome_body(struct str body, const char *const *members, struct arena *a, struct json *doc,
                  struct admin_outcome *out)
{
    struct json_fault fault;

    if (!json_parse(doc, body, &(struct json_limits){ 0 }, a, &fault)) {
        json_fault_place(&fault, body);
        outcome_error(out, E_SYNTAX,
                      arena_printf(a, "the body is no JSON: %s at line %u, column %u", fault.what,
                                   fault.line, fault.col)
                          .at);
        return false;
    }
    if (json_type(doc, 0) != JSON_OBJECT) {
        outcome_error(out, E_SYNTAX, "the body must be a JSON object");
        return false;
    }
    return members_are_known(doc, members, a, out);
}

/* --- from the workers to the desk's thread */

struct asked {
    struct desk *desk;
    struct admin_call *call;
};

static void change_here(void *message)
{
    struct asked *asked = message;
    struct desk *d = asked->desk;
    struct admin_call *c = asked->call;
    struct admin_outcome out = { .status = 500 };

    buf_init(&out.body, (size_t)1 << 20);
    assert(admin_call_change(c) < ADMIN_CHANGES);
    desk_slow_change *slow = slow_changes[admin_call_change(c)];

    desk_look(d);
    if (slow != NULL && slow(d, c, &out)) {
        buf_clear(&out.body); /* it is answered when it is done */
    } else {
        if (slow == NULL)
            changes[admin_call_change(c)](d, c, &out);
        admin_call_done(c, &out);
    }
    free(asked);
}

void desk_ask(void *desk, struct admin_call *c)
{
    struct desk *d = desk;
    struct asked *asked;

    if (admin_call_change(c) == ADMIN_USAGE) {
        usage_report(d->o.keeper, c);
        return;
    }
    if (admin_call_change(c) == ADMIN_REQUESTS) {
        usage_requests(d->o.keeper, c);
        return;
    }
    asked = must_alloc(sizeof(*asked));

    *asked = (struct asked){ d, c };
    if (mailbox_send(d->mailbox, change_here, asked))
        return;
    struct admin_outcome out = { .status = 503 };
    buf_init(&out.body, 4096);
    admin_put_error(&out.body, STR("too many changes are waiting"), STR(""));
    admin_call_done(c, &out);
    free(asked);
}
