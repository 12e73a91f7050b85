/* admin/scheduling.c - GET /api/scheduling: mode, waits, fixed account, bindings. */
#include "admin/admin_int.h"

void admin_put_scheduling(struct buf *out, struct pool *pool, uint64_t revision)
{
    struct pool_options o = pool_get_options(pool);
    struct json_writer w = json_writer(out);

    json_put_object(&w);
    json_put_member(&w, "mode", str_c(pool_mode_word(o.mode)));
    json_put_member_i64(&w, "max_wait_seconds", o.max_wait_ms / 1000);
    json_put_member_i64(&w, "queue_wait_seconds", o.queue_wait_ms / 1000);
    json_put_member_bool(&w, "optimize_quota_sorting", o.optimize_quota_sorting);
    json_put_member_i64(&w, "quota_reserve_percent", o.quota_reserve_percent);
    json_put_member_null(&w, "fixed_account");
    json_put_member_i64(&w, "bindings", 0); /* accounts are taken in turns: nothing is bound */
    json_put_member_i64(&w, "revision", (int64_t)revision);
    json_put_end(&w);
}

void scheduling_get(const struct admin_ask *a)
{
    struct buf b;

    buf_init(&b, 4096);
    admin_put_scheduling(&b, a->admin->o.pool, a->admin->o.revision(a->admin->o.desk_peer));
    admin_send(a->r, 200, buf_str(&b));
    buf_clear(&b);
}
