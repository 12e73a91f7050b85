/* app/desk_scheduling.c - changes of how accounts are chosen. */
#include "app/desk_int.h"

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
    out->status = 200;
    admin_put_scheduling(&out->body, d->o.pool, desk_revision(d));
done:
    arena_free(&a);
}
