/* admin/access.c - who may call the admin side, and from where.
 *
 * The server has checked Host before (http/host.h), so a name that was made to point here is out.
 * What a page of another site could make a browser send is refused by Origin and Sec-Fetch-Site,
 * whatever credential comes with it. A change by a browser needs, beside its cookie, the CSRF token
 * that only our own pages can know, and a body that no form can send. */
#include "admin/admin_int.h"

#include "http/host.h"

/* --- where */

static bool is_at(const struct address *local, const struct address *at)
{
    static const uint8_t any6[16] = { 0 };
    static const uint8_t any4[16] = { [10] = 0xff, [11] = 0xff };

    return at->port == local->port &&
           (memcmp(at->ip, local->ip, sizeof(at->ip)) == 0 ||
            memcmp(at->ip, any6, sizeof(any6)) == 0 || memcmp(at->ip, any4, sizeof(any4)) == 0);
}

bool access_is_served(const struct admin *a, const struct request *r)
{
    if (address_is_loopback(&r->local) || a->o.face(a->o.desk_peer).password_set)
        return true;
    for (size_t i = 0; i < a->address_count; i++)
        if (is_at(&r->local, &a->addresses[i]))
            return true;
    return false;
}

/* --- who */

static bool is_token(const struct admin *a, struct str authorization)
{
    return str_istarts(authorization, STR("bearer ")) && !secret_is_empty(&a->o.token) &&
           equal_in_constant_time(str_trim(str_drop(authorization, 7)), secret_reveal(&a->o.token));
}

/* An Authorization field decides, whatever cookie comes with it. */
static bool find_tool(struct admin *a, struct request *r, struct str shown,
                      struct admin_caller *caller)
{
    int64_t now_ms = loop_now(request_loop(r));
    int64_t wait_ms = guard_wait_ms(&a->guard, &r->peer, now_ms);

    if (wait_ms > 0) {
        count_one(&a->metrics.refused_guesses);
        admin_send_wait(r, (wait_ms + 999) / 1000);
        return false;
    }
    if (is_token(a, shown)) {
        guard_passed(&a->guard, &r->peer);
        caller->who = ADMIN_TOOL;
        return true;
    }
    guard_failed(&a->guard, &r->peer, now_ms);
    count_one(&a->metrics.refused_token);
    admin_send_error(r, 401,
                     STR("the admin token is wrong: the right one is in the file admin.token "
                         "in the data directory"),
                     STR(""));
    return false;
}

/* A cookie that is no login any more is no guess: 256 random bits are not guessed. */
static void find_browser(struct admin *a, struct request *r, struct admin_caller *caller)
{
    struct str field = http_field_value(r->head, STR("cookie")), token;
    char name[LOGIN_COOKIE_NAME];

    login_cookie_name(&r->local, name);
    for (size_t n = 0; n < LOGIN_COOKIES_MAX && cookie_find(field, str_c(name), n, &token); n++)
        if (login_find(&a->logins, token, loop_now(request_loop(r)), &caller->login)) {
            caller->who = ADMIN_BROWSER;
            return;
        }
}

/* --- from which page */

static bool is_foreign(const struct request *r)
{
    const struct http_field *origin = http_field_find(r->head, STR("origin"));
    const struct http_field *site = http_field_find(r->head, STR("sec-fetch-site"));

    return (origin != NULL && !origin_is_own(origin->value, r->head->host)) ||
           (site != NULL && !str_eq(site->value, STR("same-origin")) &&
            !str_eq(site->value, STR("none")));
}

static bool is_change(const struct request *r)
{
    return r->head->method != HTTP_GET && r->head->method != HTTP_HEAD;
}

/* What a browser's change has that no foreign page can bring about. */
static bool is_intended(struct admin *a, struct request *r, const struct login_view *login)
{
    bool from_page = http_field_find(r->head, STR("origin")) != NULL ||
                     http_field_find(r->head, STR("sec-fetch-site")) != NULL;

    if (!http_type_is(r->head->content_type, STR("application/json"))) {
        admin_send_error(r, 415, STR("Content-Type must be application/json"), STR(""));
        return false;
    }
    if (from_page &&
        equal_in_constant_time(http_field_value(r->head, STR("x-csrf-token")), str_c(login->csrf)))
        return true;
    count_one(&a->metrics.refused_csrf);
    admin_send_error(r, 403,
                     from_page ? STR("X-CSRF-Token must be what GET /api/session says")
                               : STR("a browser's change says its Origin"),
                     STR(""));
    return false;
}

bool access_admit(struct admin *a, struct request *r, const struct admin_route *route,
                  struct admin_caller *caller)
{
    struct str shown = http_field_value(r->head, STR("authorization"));
    enum admin_access access = route == NULL ? ADMIN_FOR_OPERATORS : route->access;

    *caller = (struct admin_caller){ .who = ADMIN_NOBODY };
    if (is_foreign(r)) {
        count_one(&a->metrics.refused_origins);
        admin_send_error(r, 403, STR("pages of other origins may not call this"), STR(""));
        return false;
    }
    if (shown.len > 0) {
        if (!find_tool(a, r, shown, caller))
            return false;
    } else {
        find_browser(a, r, caller);
    }
    if (access == ADMIN_FOR_ALL)
        return true;
    if (caller->who == ADMIN_NOBODY || (access == ADMIN_FOR_TOOLS && caller->who != ADMIN_TOOL)) {
        count_one(&a->metrics.refused_token);
        admin_send_error(
            r, caller->who == ADMIN_NOBODY ? 401 : 403,
            STR("this needs `Authorization: Bearer <token>` with the token of the file admin.token "
                "in the data directory; a browser logs in by `penstock open` or with a password"),
            STR(""));
        return false;
    }
    return caller->who == ADMIN_TOOL || !is_change(r) || is_intended(a, r, &caller->login);
}
