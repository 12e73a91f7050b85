#include "admin/events.h"

#include <stdio.h>
#include <stdlib.h>

#define LOGIN_LOOK_MS 5000 /* how often it is asked whether the login lives */
#define SNAPSHOT_MAX ((size_t)16 << 20)

/* --- batches */

struct events *events_new(struct admin *a)
{
    struct events *ev = must_calloc(1, sizeof(*ev));
    int failed = pthread_mutex_init(&ev->lock, NULL);

    assert(failed == 0);
    ev->admin = a;
    ev->first = ev->next = 1;
    snprintf(ev->run, sizeof(ev->run), "%016llx", (unsigned long long)random_u64());
    ev->hub = hub_new(ev);
    return ev;
}

static struct batch **place_of(struct events *ev, uint64_t number)
{
    return &ev->kept[number % EVENTS_BATCHES];
}

static void batch_unref(struct batch *b)
{
    if (atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) == 1)
        free(b);
}

static void drop_oldest(struct events *ev)
{
    struct batch **b = place_of(ev, ev->first++);

    ev->bytes -= (*b)->text.len;
    batch_unref(*b);
    *b = NULL;
}

void events_free(struct events *ev)
{
    if (ev == NULL)
        return;
    while (ev->first < ev->next)
        drop_oldest(ev);
    hub_free(ev->hub);
    pthread_mutex_destroy(&ev->lock);
    free(ev);
}

/* A block with nothing but an id sets what a browser sends as Last-Event-ID. */
static size_t id_put(const struct events *ev, uint64_t number, char text[64])
{
    return (size_t)snprintf(text, 64, "id: %s-%llu\n\n", ev->run, (unsigned long long)number);
}

void events_add(struct events *ev, struct str text)
{
    char id[64];
    struct batch *b;

    pthread_mutex_lock(&ev->lock);
    uint64_t number = ev->next++;
    size_t id_len = id_put(ev, number, id);

    b = must_alloc(sizeof(*b) + text.len + id_len);
    char *bytes = (char *)(b + 1);

    memcpy(bytes, text.at, text.len);
    memcpy(bytes + text.len, id, id_len);
    *b = (struct batch){ .text = { bytes, text.len + id_len } };
    atomic_init(&b->refs, 1);
    while (ev->first < number &&
           (number - ev->first >= EVENTS_BATCHES || ev->bytes + b->text.len > EVENTS_KEPT_BYTES))
        drop_oldest(ev);
    *place_of(ev, number) = b;
    ev->bytes += b->text.len;
    pthread_mutex_unlock(&ev->lock);
}

bool events_rest(struct events *ev)
{
    pthread_mutex_lock(&ev->lock);
    bool rests = ev->watchers == 0;

    if (rests) {
        while (ev->first < ev->next)
            drop_oldest(ev);
        ev->first = ++ev->next;
        ev->admin->o.watch(ev->admin->o.status_peer, false);
    }
    pthread_mutex_unlock(&ev->lock);
    return rests;
}

void event_put_settings(struct json_writer *w, uint64_t revision, const struct admin_face *face)
{
    json_put_object(w);
    json_put_member_i64(w, "revision", (int64_t)revision);
    json_put_member_bool(w, "changed_on_disk", face->by_hand);
    json_put_member_bool(w, "privacy", face->privacy);
    json_put_member_bool(w, "compact", face->compact);
    json_put_end(w);
}

bool event_put(struct buf *out, const char *name, struct str json)
{
    size_t before = out->len;

    if (buf_add(out, STR("event: ")) && buf_add(out, str_c(name)) &&
        buf_add(out, STR("\ndata: ")) && buf_add(out, json) && buf_add(out, STR("\n\n")))
        return true;
    out->len = before;
    return false;
}

/* --- a watcher */

struct watcher {
    struct events *events;
    struct request *r;
    struct timer look;
    uint64_t login; /* 0: a tool's */
    uint64_t next;  /* the batch to be sent next */
    int64_t said_ms, login_ms;
};

static void write_text(struct watcher *w, struct str text, int64_t now_ms)
{
    (void)response_write(w->r, &text, 1);
    w->said_ms = now_ms;
}

/* --- a snapshot: everything that events tell of, as it is now */

struct list {
    const struct admin *admin;
    struct json_writer *w;
    const struct admin_clock *now;
    size_t count;
};

static void put_account(void *peer, const struct account_view *v)
{
    struct list *list = peer;

    if (list->count++ < EVENTS_ACCOUNTS_MAX)
        account_put(list->w, list->admin, v, list->now);
}

static void snapshot_put(struct admin *a, const struct admin_clock *now, struct json_writer *w)
{
    struct list list = { a, w, now, 0 };
    struct admin_face face = a->o.face(a->o.desk_peer);
    uint64_t revision = a->o.revision(a->o.desk_peer);
    struct buf scheduling = { .max = 65536 };

    json_put_object(w);
    json_put_member_i64(w, "at_unix_ms", now->unix_ms);
    json_put_member(w, "version", STR(PENSTOCK_VERSION));
    json_put_key(w, STR("settings"));
    event_put_settings(w, revision, &face);
    admin_put_scheduling(&scheduling, a->o.pool, revision, now->loop_ms);
    json_put_member_raw(w, "scheduling", buf_str(&scheduling));
    buf_clear(&scheduling);
    json_put_key(w, STR("notices"));
    hub_put_notices(a, w);
    json_put_key(w, STR("accounts"));
    json_put_array(w);
    (void)pool_each(a->o.pool, now->loop_ms, put_account, &list);
    json_put_end(w);
    json_put_member_i64(w, "account_count", (int64_t)list.count);
    json_put_end(w);
}

/* `why` is NULL for the first one. What happened before the number was taken is in it; what happens
 * while it is made may be told twice. */
static void snapshot_send(struct watcher *w, const char *why, int64_t now_ms)
{
    struct events *ev = w->events;
    struct admin *a = ev->admin;
    struct admin_clock now = admin_clock(request_loop(w->r));
    struct buf json = { .max = SNAPSHOT_MAX }, masked = { .max = SNAPSHOT_MAX };
    struct buf text = { .max = SNAPSHOT_MAX + 4096 };
    struct json_writer writer = json_writer(&json);
    char id[64];

    pthread_mutex_lock(&ev->lock);
    w->next = ev->next;
    pthread_mutex_unlock(&ev->lock);
    snapshot_put(a, &now, &writer);
    if (why != NULL)
        (void)(buf_add(&text, STR("event: resync\ndata: {\"why\":\"")) &&
               buf_add(&text, str_c(why)) && buf_add(&text, STR("\"}\n\n")));
    if (json_written(&writer) && !admin_masks(a))
        (void)event_put(&text, "snapshot", buf_str(&json));
    else if (json_written(&writer) &&
             mask_json(&a->masks, STR("snapshot"), buf_str(&json), &masked))
        (void)event_put(&text, "snapshot", buf_str(&masked));
    (void)buf_add(&text, (struct str){ id, id_put(ev, w->next - 1, id) });
    write_text(w, buf_str(&text), now_ms);
    buf_clear(&json);
    buf_clear(&masked);
    buf_clear(&text);
    pthread_mutex_lock(&ev->lock);
    a->o.watch(a->o.status_peer, true);
    pthread_mutex_unlock(&ev->lock);
}

/* --- its turns */

/* The next batch, for the caller to let go of; NULL: there is none yet, or it was `missed`. */
static struct batch *take(struct watcher *w, bool *missed)
{
    struct events *ev = w->events;
    struct batch *b = NULL;

    pthread_mutex_lock(&ev->lock);
    *missed = w->next < ev->first;
    if (!*missed && w->next < ev->next) {
        b = *place_of(ev, w->next++);
        atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    }
    pthread_mutex_unlock(&ev->lock);
    return b;
}

static void watcher_leave(struct watcher *w)
{
    timer_stop(&w->look);
    pthread_mutex_lock(&w->events->lock);
    w->events->watchers--;
    pthread_mutex_unlock(&w->events->lock);
}

static void watcher_end(struct watcher *w, struct str why)
{
    struct admin_visit *visit = w->r->owner;

    watcher_leave(w);
    visit->watcher = NULL;
    response_end_with(
        w->r, (struct str[]){ STR("event: bye\ndata: {\"why\":\""), why, STR("\"}\n\n") }, 3);
}

static bool login_lives(struct watcher *w, int64_t now_ms)
{
    if (w->login == 0 || now_ms - w->login_ms < LOGIN_LOOK_MS)
        return true;
    w->login_ms = now_ms;
    return login_use(&w->events->admin->logins, w->login, now_ms);
}

static void look(void *peer, int64_t now_ms)
{
    struct watcher *w = peer;
    bool missed;

    if (atomic_load(&w->events->ending)) {
        watcher_end(w, STR("ending"));
        return;
    }
    if (!login_lives(w, now_ms)) {
        watcher_end(w, STR("login"));
        return;
    }
    timer_start(&w->look, EVENTS_LOOK_MS);
    /* one that reads slowly is not given more: what it misses meanwhile is told by a snapshot */
    while (response_queued(w->r) <= EVENTS_QUEUE_BYTES) {
        struct batch *b = take(w, &missed);

        if (missed) {
            snapshot_send(w, "missed", now_ms);
            continue;
        }
        if (b == NULL)
            break;
        write_text(w, b->text, now_ms);
        batch_unref(b);
    }
    if (now_ms - w->said_ms >= EVENTS_SILENCE_MS)
        write_text(w, STR(":\n\n"), now_ms);
}

void watcher_gone(struct watcher *w)
{
    watcher_leave(w);
}

void watcher_half_close(struct watcher *w)
{
    write_text(w, STR(":\n\n"), loop_now(request_loop(w->r)));
}

/* --- it comes */

/* The batch behind the one it has seen, when that is known here. */
static bool goes_on(struct events *ev, struct str seen, uint64_t *next)
{
    struct str run, number;
    uint64_t n;

    if (!str_cut(seen, '-', &run, &number) || !str_eq(run, str_c(ev->run)) ||
        !str_to_u64(number, &n))
        return false;
    pthread_mutex_lock(&ev->lock);
    bool known = n + 1 >= ev->first && n < ev->next;

    pthread_mutex_unlock(&ev->lock);
    *next = n + 1;
    return known;
}

static bool join(struct events *ev)
{
    pthread_mutex_lock(&ev->lock);
    bool room = ev->watchers < EVENTS_WATCHERS_MAX;

    ev->watchers += room;
    pthread_mutex_unlock(&ev->lock);
    return room;
}

void events_get(const struct admin_ask *ask)
{
    static const struct http_field fields[] = {
        { { "Content-Type", 12 }, { "text/event-stream; charset=utf-8", 32 } },
        { { "Cache-Control", 13 }, { "no-store", 8 } },
        { { "X-Content-Type-Options", 22 }, { "nosniff", 7 } },
        { { "X-Accel-Buffering", 17 }, { "no", 2 } },
    };
    struct request *r = ask->r;
    struct events *ev = ask->admin->events;
    struct admin_visit *visit = r->owner;
    int64_t now_ms = loop_now(request_loop(r));
    struct watcher *w;

    if (!join(ev)) {
        admin_send_error(r, 503, STR("so many dashboards are open that there is no room for more"),
                         STR(""));
        return;
    }
    w = arena_new(&r->arena, struct watcher);
    *w = (struct watcher){ .events = ev, .r = r, .login_ms = now_ms };
    if (ask->caller->who == ADMIN_BROWSER)
        w->login = ask->caller->login.number;
    timer_init(&w->look, request_loop(r), look, w);
    visit->watcher = w;
    response_start(r, 200, fields, COUNT(fields), RESPONSE_CHUNKED);
    if (r->head->method == HTTP_HEAD) {
        watcher_leave(w);
        visit->watcher = NULL;
        response_end(r);
        return;
    }
    write_text(w, STR("retry: 2000\n\n"), now_ms);
    hub_wake(ev->hub);
    if (!goes_on(ev, http_field_value(r->head, STR("last-event-id")), &w->next))
        snapshot_send(w, NULL, now_ms);
    timer_start(&w->look, EVENTS_LOOK_MS);
}

/* --- for the admin's owner */

void admin_events_start(struct admin *a, struct loop *l, struct mailbox *m)
{
    hub_start(a->events->hub, l, m);
}

void admin_events_stop(struct admin *a)
{
    hub_stop(a->events->hub);
}

void admin_drain(struct admin *a)
{
    atomic_store(&a->events->ending, true);
}
