/* admin/metrics.c - GET /metrics: for a scraper, which shows the admin token like any tool; or for
 * whoever asks over loopback, when the settings say so. */
#include "admin/admin_int.h"

/* Does what the client accepts name OpenMetrics? Scrapers that know it always name it, so weights
 * are not looked at. */
static bool wants_open_metrics(const struct request *r)
{
    return str_ifind(http_field_value(r->head, STR("accept")),
                     STR("application/openmetrics-text")) != SIZE_MAX;
}

/* A proxy or tunnel on this machine is no local client. */
static bool is_local(const struct request *r)
{
    static const char *const forwarding[] = { "forwarded", "x-forwarded-for", "x-real-ip", "via",
                                              "cf-connecting-ip" };

    for (size_t i = 0; i < COUNT(forwarding); i++)
        if (http_field_find(r->head, str_c(forwarding[i])) != NULL)
            return false;
    return address_is_loopback(&r->peer) && address_is_loopback(&r->local);
}

/* More than the rows of METER_TOLD_MAX models, their names as long as they may be, come to. */
#define METRICS_MAX ((size_t)64 << 20)

void metrics_get(const struct admin_ask *a)
{
    struct admin *admin = a->admin;
    bool open_metrics = wants_open_metrics(a->r);
    struct http_field fields[] = {
        { STR("Content-Type"),
          open_metrics ? STR("application/openmetrics-text; version=1.0.0; charset=utf-8")
                       : STR("text/plain; version=0.0.4; charset=utf-8") },
        { STR("Cache-Control"), STR("no-store") },
        { STR("X-Content-Type-Options"), STR("nosniff") },
        { STR("Vary"), STR("Accept") },
    };
    struct buf b = { .max = METRICS_MAX };

    if (a->caller->who == ADMIN_NOBODY &&
        !(admin->o.face(admin->o.desk_peer).metrics_public && is_local(a->r))) {
        count_one(&admin->metrics.refused_token);
        admin_send_error(a->r, 401,
                         STR("metrics need `Authorization: Bearer <token>` with the token of the "
                             "file admin.token in the data directory; with `metrics_public` they "
                             "are for all on this machine"),
                         STR(""));
        return;
    }
    if (admin->o.metrics(admin->o.status_peer, open_metrics, loop_now(request_loop(a->r)), &b))
        response_send(a->r, 200, fields, COUNT(fields), buf_str(&b));
    else
        admin_send_error(a->r, 500, STR("the metrics would be larger than 64 MiB"), STR(""));
    buf_clear(&b);
}
