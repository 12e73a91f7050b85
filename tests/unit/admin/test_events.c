/* tests/unit/admin/test_events.c - batches of events and those who read them, fast and slowly, with
 * a real server between. */
#include "admin/events.h"

#include <stdlib.h>

#include "../http/server_rig.h"

struct panel {
    struct rig rig;
    struct pool *pool;
    struct admin *admin;
    _Atomic uint32_t watched, unwatched;
};

static void on_request(void *peer, struct request *r)
{
    struct panel *p = peer;

    admin_begin(p->admin, p->rig.mailbox, r);
}

static void on_body(void *peer, struct request *r)
{
    struct panel *p = peer;

    admin_body(p->admin, r);
}

static void on_room(void *peer, struct request *r)
{
    (void)peer;
    (void)r;
}

static void on_gone(void *peer, struct request *r, enum gone why)
{
    struct panel *p = peer;

    (void)why;
    admin_gone(p->admin, r);
}

static void on_half_close(void *peer, struct request *r)
{
    (void)peer;
    admin_half_close(r);
}

static uint64_t revision(void *peer)
{
    (void)peer;
    return 1;
}

static struct admin_face face(void *peer)
{
    (void)peer;
    return (struct admin_face){ .privacy = false };
}

static void notices(void *peer, struct json_writer *w)
{
    (void)peer;
    (void)w;
}

static void watch(void *peer, bool watched)
{
    struct panel *p = peer;

    atomic_fetch_add(watched ? &p->watched : &p->unwatched, 1);
}

static void panel_open(struct panel *p, struct test *t)
{
    *p = (struct panel){ .pool = pool_new(&(struct pool_options){ 0 }) };
    rig_init(&p->rig, t);
    p->rig.options.hooks = (struct server_hooks){ .on_request = on_request,
                                                  .on_body = on_body,
                                                  .on_room = on_room,
                                                  .on_gone = on_gone,
                                                  .on_half_close = on_half_close,
                                                  .peer = p };
    struct secret token = secret_copy(STR("the-token"));

    p->admin = admin_new(&(struct admin_options){ .pool = p->pool,
                                                  .token = token,
                                                  .desk_peer = p,
                                                  .status_peer = p,
                                                  .revision = revision,
                                                  .face = face,
                                                  .notices = notices,
                                                  .watch = watch });
    secret_clear(&token);
    rig_open(&p->rig);
}

static void panel_close(struct panel *p)
{
    struct test *t = p->rig.t;

    rig_close(&p->rig);
    CHECK_INT(p->admin->events->watchers, 0);
    admin_free(p->admin);
    pool_free(p->pool);
}

static int come(struct panel *p, const char *seen, bool slowly)
{
    struct test *t = p->rig.t;
    int fd = slowly ? client_dial_narrow(&p->rig) : client_dial(&p->rig);

    client_say(fd, arena_printf(&t->arena,
                                "GET /api/events HTTP/1.1\r\nHost: localhost\r\n"
                                "Authorization: Bearer the-token\r\n%s%s%s\r\n",
                                seen == NULL ? "" : "Last-Event-ID: ", seen == NULL ? "" : seen,
                                seen == NULL ? "" : "\r\n"));
    return fd;
}

static void add(struct panel *p, const char *name)
{
    struct buf b = { .max = 4096 };

    (void)event_put(&b, name, STR("{}"));
    events_add(p->admin->events, buf_str(&b));
    buf_clear(&b);
}

static bool has(struct str text, const char *part)
{
    return str_find(text, str_c(part)) != SIZE_MAX;
}

TEST(a_watcher_gets_a_snapshot_and_then_each_batch_once)
{
    struct panel p;

    panel_open(&p, t);
    int fd = come(&p, NULL, false);
    struct str head = client_hear(&p.rig, fd, "event: snapshot");

    CHECK(has(head, "text/event-stream"));
    CHECK(rig_wait(&p.watched, 1), "the workers are told to fill their rings");
    add(&p, "first");
    add(&p, "second");
    struct str got = client_hear(&p.rig, fd, "-2\n\n");

    CHECK(has(got, "event: first\ndata: {}\n\nid: "), "%.*s", STR_ARG(got));
    CHECK(str_find(got, STR("event: first")) < str_find(got, STR("event: second")));
    CHECK(!has(str_drop(got, str_find(got, STR("event: first")) + 5), "event: first"));
    client_close(fd);
    panel_close(&p);
}

TEST(who_comes_back_gets_what_came_since_and_who_was_away_too_long_a_snapshot)
{
    struct panel p;

    panel_open(&p, t);
    const char *run = p.admin->events->run;

    for (int i = 1; i <= 5; i++)
        add(&p, arena_printf(&t->arena, "number-%d", i).at);
    int fd = come(&p, arena_printf(&t->arena, "%s-3", run).at, false);
    struct str got = client_hear(&p.rig, fd, "number-5");

    CHECK(has(got, "number-4") && !has(got, "number-3") && !has(got, "snapshot"));
    client_close(fd);

    static const char *const unknown[] = { "%s-6", "%s-99999999999999999999", "%s-", "%s",
                                           "x%s-3" };

    for (size_t i = 0; i < COUNT(unknown); i++) {
        struct str text = arena_copy(&t->arena, str_c(unknown[i]));
        size_t at = str_find(text, STR("%s"));

        fd = come(&p,
                  arena_printf(&t->arena, "%.*s%s%s", (int)at, text.at, run, text.at + at + 2).at,
                  false);
        client_hear(&p.rig, fd, "event: snapshot");
        client_close(fd);
    }
    for (int i = 0; i < EVENTS_BATCHES; i++)
        add(&p, "more");
    fd = come(&p, arena_printf(&t->arena, "%s-4", run).at, false);
    client_hear(&p.rig, fd, "event: snapshot");
    client_close(fd);
    fd = come(&p, arena_printf(&t->arena, "%s-5", run).at, false);
    got = client_hear(&p.rig, fd, arena_printf(&t->arena, "id: %s-133", run).at);
    CHECK(!has(got, "snapshot"), "the oldest that is kept");
    client_close(fd);
    panel_close(&p);
}

/* More than is kept, in one turn of the loop, so that nobody reads in between. */
static void add_too_many(struct rig *rig)
{
    struct panel *p = rig->options.hooks.peer;
    char *bytes = must_calloc(1, EVENTS_BATCH_BYTES);

    memset(bytes, 'x', EVENTS_BATCH_BYTES - 100);
    for (int i = 0; i < 40; i++) {
        struct buf b = { .max = EVENTS_BATCH_BYTES };

        (void)event_put(&b, "large", str_c(bytes));
        events_add(p->admin->events, buf_str(&b));
        buf_clear(&b);
    }
    free(bytes);
}

TEST(who_reads_slowly_has_no_queue_and_is_told_anew)
{
    struct panel p;

    panel_open(&p, t);
    int fd = come(&p, NULL, true);

    CHECK(rig_wait(&p.watched, 1));
    rig_call(&p.rig, add_too_many);
    CHECK(p.admin->events->bytes <= EVENTS_KEPT_BYTES, "%zu", p.admin->events->bytes);
    CHECK(p.admin->events->next - p.admin->events->first <= 8);
    struct str got = client_hear(&p.rig, fd, "event: resync");

    CHECK(got.len < EVENTS_KEPT_BYTES + 4 * EVENTS_BATCH_BYTES, "%zu bytes", got.len);
    /* what comes before the snapshot is told by it alone */
    if (!has(str_drop(got, str_find(got, STR("event: resync"))), "event: snapshot"))
        (void)client_hear(&p.rig, fd, "event: snapshot");
    add(&p, "last");
    (void)client_hear(&p.rig, fd, "event: last");
    client_close(fd);
    panel_close(&p);
}

TEST(so_many_may_watch_and_no_more)
{
    struct panel p;
    int fds[EVENTS_WATCHERS_MAX];

    panel_open(&p, t);
    for (int i = 0; i < EVENTS_WATCHERS_MAX; i++)
        fds[i] = come(&p, NULL, false);
    for (int i = 0; i < EVENTS_WATCHERS_MAX; i++)
        client_hear(&p.rig, fds[i], "event: snapshot");
    int fd = come(&p, NULL, false);

    CHECK_INT(answer_status(client_hear(&p.rig, fd, "}}")), 503);
    client_close(fd);
    client_reset(fds[0]);
    for (int i = 0; i < 1000 && p.admin->events->watchers == EVENTS_WATCHERS_MAX; i++)
        rig_turn(&p.rig);
    fd = come(&p, NULL, false);
    CHECK_INT(answer_status(client_hear(&p.rig, fd, "event: snapshot")), 200);
    client_close(fd);
    for (int i = 1; i < EVENTS_WATCHERS_MAX; i++)
        client_close(fds[i]);
    panel_close(&p);
}

TEST(a_drain_ends_them_with_a_word)
{
    struct panel p;
    bool reset;

    panel_open(&p, t);
    int fd = come(&p, NULL, false);

    client_hear(&p.rig, fd, "event: snapshot");
    admin_drain(p.admin);
    CHECK(has(client_hear(&p.rig, fd, "0\r\n\r\n"), "event: bye\ndata: {\"why\":\"ending\"}\n\n"));
    client_finish(fd);
    (void)client_hear_all(&p.rig, fd, &reset);
    client_close(fd);
    panel_close(&p);
}

TEST(when_nobody_watches_what_was_kept_is_forgotten)
{
    struct panel p;

    panel_open(&p, t);
    add(&p, "one");
    uint64_t next = p.admin->events->next;

    CHECK(events_rest(p.admin->events));
    CHECK_INT(p.unwatched, 1);
    CHECK(p.admin->events->next > next && p.admin->events->first == p.admin->events->next);
    CHECK_INT(p.admin->events->bytes, 0);
    int fd = come(&p, arena_printf(&t->arena, "%s-1", p.admin->events->run).at, false);

    client_hear(&p.rig, fd, "event: snapshot");
    CHECK(!events_rest(p.admin->events), "somebody has come");
    client_close(fd);
    panel_close(&p);
}
