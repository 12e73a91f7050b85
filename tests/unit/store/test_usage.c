/* tests/unit/store/test_usage.c - usage.db: what is kept of conversations, and what damage costs.
 */
#include <stdlib.h>

#include "store/usage.h"
#include "store_rig.h"

#define DAY USAGE_BINDING_IDLE_MS
#define NOW (100 * DAY)

static struct usage_db *usage_of(struct test *t, const struct rig *r)
{
    struct usage_db *u = NULL;
    struct error e = { 0 };

    CHECK_INT(usage_open(r->folder, NOW, &u, &e), OK, "%s", e.text);
    return u;
}

static struct usage_binding binding(uint8_t n, int64_t account, int64_t used_unix_ms)
{
    return (struct usage_binding){ { n }, account, used_unix_ms };
}

struct seen {
    struct usage_binding all[16];
    size_t count;
};

static void see(void *peer, const struct usage_binding *b)
{
    struct seen *s = peer;

    if (s->count < COUNT(s->all))
        s->all[s->count++] = *b;
}

static size_t read_all(struct test *t, struct usage_db *u, struct seen *s)
{
    struct error e = { 0 };

    s->count = 0;
    CHECK_INT(usage_bindings(u, NOW, see, s, &e), OK, "%s", e.text);
    return s->count;
}

TEST(bindings_come_back_the_least_recently_used_first_and_the_idle_ones_do_not)
{
    struct usage_binding rows[] = { binding(1, 7, NOW - 1000), binding(2, -8, NOW - 5000),
                                    binding(3, 9, NOW - DAY), binding(4, 9, NOW - DAY + 1) };
    struct seen s;
    struct rig r;
    struct error e = { 0 };

    rig_start(t, &r);
    struct usage_db *u = usage_of(t, &r);

    CHECK_INT(usage_bindings_put(u, rows, COUNT(rows), &e), OK, "%s", e.text);
    usage_close(u);
    u = usage_of(t, &r);
    CHECK_INT(read_all(t, u, &s), 3);
    CHECK_INT(s.all[0].session[0], 4);
    CHECK_INT(s.all[1].session[0], 2);
    CHECK_INT(s.all[1].account, -8);
    CHECK_INT(s.all[2].session[0], 1);
    CHECK_INT(s.all[2].used_unix_ms, NOW - 1000);

    rows[0] = binding(1, 8, NOW); /* bound anew */
    CHECK_INT(usage_bindings_put(u, rows, 1, &e), OK);
    CHECK_INT(usage_binding_remove(u, rows[1].session, &e), OK);
    CHECK_INT(usage_bindings_prune(u, NOW, &e), OK);
    CHECK_INT(read_all(t, u, &s), 2);
    CHECK_INT(s.all[1].account, 8);
    CHECK_INT(usage_bindings_clear(u, &e), OK);
    CHECK_INT(read_all(t, u, &s), 0);
    usage_close(u);
    rig_end(&r);
}

TEST(a_damaged_file_is_moved_aside_and_a_new_one_begun)
{
    static const char *const damages[] = { "this is no database at all, and long enough to be read",
                                           "" };
    struct usage_binding row = binding(1, 7, NOW);
    struct error e = { 0 };
    struct seen s;

    for (size_t i = 0; i < COUNT(damages); i++) {
        struct rig r;

        rig_start(t, &r);
        struct usage_db *u = usage_of(t, &r);

        CHECK_INT(usage_bindings_put(u, &row, 1, &e), OK);
        usage_close(u);
        struct str bytes = rig_bytes(t, &r, "usage.db");
        char *broken = arena_alloc(&t->arena, bytes.len);

        memcpy(broken, bytes.at, bytes.len);
        if (damages[i][0] != '\0') /* its head, or pages in its middle */
            memcpy(broken, damages[i], strlen(damages[i]));
        else
            memset(broken + 4096, 0xa5, bytes.len - 4096);
        rig_overwrite(t, &r, "usage.db", (struct str){ broken, bytes.len });
        u = usage_of(t, &r);
        CHECK_INT(read_all(t, u, &s), 0, "damage %zu", i);
        CHECK_INT(usage_bindings_put(u, &row, 1, &e), OK);
        CHECK_INT(read_all(t, u, &s), 1);
        CHECK_STRS(rig_bytes(t, &r, "usage.db.corrupt-8640000"),
                   ((struct str){ broken, bytes.len }));
        CHECK_INT(rig_mode(t, &r, "usage.db"), 0600);
        usage_close(u);
        rig_end(&r);
    }
}

TEST(a_file_of_a_newer_version_is_left_alone)
{
    struct rig r;
    struct usage_db *u = NULL;
    struct error e = { 0 };

    rig_start(t, &r);
    usage_close(usage_of(t, &r));
    rig_sql_on(t, &r, "usage.db", "UPDATE meta SET value = 99 WHERE name = 'schema_version'");
    CHECK_INT(usage_open(r.folder, NOW, &u, &e), E_STORE);
    CHECK(str_find(str_c(e.text), STR("newer version")) != SIZE_MAX, "%s", e.text);
    CHECK_INT(rig_mode(t, &r, "usage.db.corrupt-8640000"), 0xffff);
    rig_end(&r);
}
