/* admin/routes.c - which call is answered by whom. docs/openapi.json describes the same calls, and
 * a test compares the two. */
#include "admin/admin_int.h"

static const struct admin_route routes[] = {
    { HTTP_GET, "/api/openapi.json", .answer = openapi_get },
    { HTTP_GET, "/api/session", .answer = session_get, .access = ADMIN_FOR_ALL },
    { HTTP_POST, "/api/session", .act = session_begin, .access = ADMIN_FOR_ALL },
    { HTTP_DELETE, "/api/session", .act = session_end, .bodiless = true },
    { HTTP_POST, "/api/session/link", .act = session_link, .bodiless = true,
      .access = ADMIN_FOR_TOOLS },
    { HTTP_PUT, "/api/session/password", .act = session_password },
    { HTTP_GET, "/metrics", .answer = metrics_get, .access = ADMIN_FOR_ALL },
    { HTTP_GET, "/api/events", .answer = events_get },
    { HTTP_GET, "/api/status", .answer = status_get },
    { HTTP_POST, "/api/serving", .act = serving_set },
    { HTTP_POST, "/api/capture", .act = capture_begin_call },
    { HTTP_DELETE, "/api/capture", .act = capture_end_call, .bodiless = true },
    { HTTP_GET, "/api/scheduling", .answer = scheduling_get },
    { HTTP_PATCH, "/api/scheduling", .change = ADMIN_SCHEDULING },
    { HTTP_PUT, "/api/scheduling/fixed", .change = ADMIN_FIX },
    { HTTP_DELETE, "/api/scheduling/fixed", .change = ADMIN_UNFIX, .bodiless = true },
    { HTTP_GET, "/api/scheduling/bindings", .answer = bindings_get },
    { HTTP_DELETE, "/api/scheduling/bindings", .change = ADMIN_BINDINGS_CLEAR, .bodiless = true },
    { HTTP_DELETE, "/api/scheduling/bindings/{session}", .change = ADMIN_BINDING_CLEAR,
      .bodiless = true },
    { HTTP_GET, "/api/accounts", .answer = accounts_get },
    { HTTP_POST, "/api/accounts", .change = ADMIN_ACCOUNT_ADD },
    { HTTP_GET, "/api/accounts/{account}", .answer = account_get },
    { HTTP_PATCH, "/api/accounts/{account}", .change = ADMIN_ACCOUNT_CHANGE },
    { HTTP_DELETE, "/api/accounts/{account}", .change = ADMIN_ACCOUNT_REMOVE, .bodiless = true },
    { HTTP_POST, "/api/accounts/{account}/test", .change = ADMIN_ACCOUNT_TEST, .bodiless = true },
    { HTTP_POST, "/api/accounts/{account}/refresh", .change = ADMIN_ACCOUNT_REFRESH,
      .bodiless = true },
    { HTTP_DELETE, "/api/accounts/{account}/lockouts", .change = ADMIN_LOCKOUTS_CLEAR,
      .bodiless = true },
    { HTTP_GET, "/api/quota", .answer = quota_get },
    { HTTP_POST, "/api/quota/refresh", .change = ADMIN_QUOTA_REFRESH, .bodiless = true },
    { HTTP_POST, "/api/signin/{provider}", .change = ADMIN_SIGNIN_START },
    { HTTP_GET, "/api/signin/{id}", .change = ADMIN_SIGNIN_LOOK, .bodiless = true },
    { HTTP_DELETE, "/api/signin/{id}", .change = ADMIN_SIGNIN_CANCEL, .bodiless = true },
    { HTTP_POST, "/api/signin/{id}/code", .change = ADMIN_SIGNIN_CODE },
    { HTTP_GET, "/api/routing", .change = ADMIN_ROUTING, .bodiless = true },
    { HTTP_PUT, "/api/routing", .change = ADMIN_ROUTING_SET },
    { HTTP_POST, "/api/routing/explain", .change = ADMIN_ROUTING_EXPLAIN },
    { HTTP_GET, "/api/accounts/{account}/history", .answer = account_history_get },
    { HTTP_GET, "/api/connect", .answer = connect_get },
    { HTTP_GET, "/api/tunnels", .answer = tunnels_get },
    { HTTP_POST, "/api/tunnels/{kind}", .act = tunnels_refuse, .bodiless = true },
    { HTTP_DELETE, "/api/tunnels/{kind}", .act = tunnels_refuse, .bodiless = true },
    { HTTP_GET, "/api/requests", .act = requests_list, .change = ADMIN_REQUESTS, .bodiless = true },
    { HTTP_GET, "/api/requests/{id}", .answer = request_get },
    { HTTP_GET, "/api/prices", .change = ADMIN_PRICES, .bodiless = true },
    { HTTP_PUT, "/api/prices/{model}", .change = ADMIN_PRICE_SET },
    { HTTP_DELETE, "/api/prices/{model}", .change = ADMIN_PRICE_REMOVE, .bodiless = true },
    { HTTP_GET, "/api/keys", .change = ADMIN_KEYS, .bodiless = true },
    { HTTP_POST, "/api/keys", .change = ADMIN_KEY_ADD },
    { HTTP_PATCH, "/api/keys/{name}", .change = ADMIN_KEY_CHANGE },
    { HTTP_DELETE, "/api/keys/{name}", .change = ADMIN_KEY_REMOVE, .bodiless = true },
    { HTTP_POST, "/api/keys/{name}/rotate", .change = ADMIN_KEY_ROTATE, .bodiless = true },
    { HTTP_GET, "/api/settings", .change = ADMIN_SETTINGS, .bodiless = true },
    { HTTP_PATCH, "/api/settings", .change = ADMIN_SETTINGS_CHANGE },
    { HTTP_GET, "/api/usage", .change = ADMIN_USAGE, .bodiless = true },
    /* the pages' own addresses, for who asks there for JSON */
    { HTTP_GET, "/quota", .answer = accounts_get },
    { HTTP_GET, "/routing", .change = ADMIN_ROUTING, .bodiless = true },
    { HTTP_GET, "/logs", .act = requests_list, .change = ADMIN_REQUESTS, .bodiless = true },
    { HTTP_GET, "/usage", .change = ADMIN_USAGE, .bodiless = true },
    { HTTP_GET, "/settings", .change = ADMIN_SETTINGS, .bodiless = true },
    { HTTP_GET, "/remote-panel", .answer = tunnels_get },
    { HTTP_GET, "/connect", .answer = connect_get },
};

const struct admin_route *admin_route(size_t i)
{
    return i < COUNT(routes) ? &routes[i] : NULL;
}

/* Does the path fit? `fixed` is how many of its bytes the pattern itself says. A name may hold
 * slashes, since the path was decoded before. */
static bool path_fits(struct str path, struct str pattern, struct str *name, size_t *fixed)
{
    struct str before, braced, rest, after;

    if (!str_cut(pattern, '{', &before, &rest)) {
        *name = STR("");
        *fixed = pattern.len;
        return str_eq(path, pattern);
    }
    (void)str_cut(rest, '}', &braced, &after);
    if (path.len <= before.len + after.len || !str_starts(path, before) || !str_ends(path, after))
        return false;
    *name = str_drop_last(str_drop(path, before.len), after.len);
    *fixed = before.len + after.len;
    return true;
}

const struct admin_route *admin_route_find(enum http_method method, struct str path,
                                           struct str *name, uint32_t *methods)
{
    const struct admin_route *best = NULL;
    size_t best_fixed = 0, fixed = 0;
    struct str found;

    *methods = 0;
    for (size_t i = 0; i < COUNT(routes); i++) {
        if (!path_fits(path, str_c(routes[i].path), &found, &fixed))
            continue;
        *methods |= 1u << routes[i].method;
        if (routes[i].method != method || (best != NULL && fixed <= best_fixed))
            continue;
        best = &routes[i];
        best_fixed = fixed;
        *name = found;
    }
    return best;
}
