/* admin/status.c - GET /api/status: what runs, and how it fares. */
#include "admin/admin_int.h"

void status_get(const struct admin_ask *a)
{
    struct admin *admin = a->admin;
    struct buf b;

    buf_init(&b, ADMIN_ANSWER_MAX);
    (void)buf_add(&b, STR("{\"name\":\"penstock\",\"version\":\"" PENSTOCK_VERSION "\""));
    (void)buf_printf(&b, ",\"active_accounts\":%u",
                     pool_active(admin->o.pool, loop_now(request_loop(a->r))));
    admin->o.status(admin->o.status_peer, &b);
    (void)buf_add_char(&b, '}');
    admin_send(a->r, 200, buf_str(&b));
    buf_clear(&b);
}
