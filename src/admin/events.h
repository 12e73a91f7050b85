/* admin/events.h - GET /api/events: what dashboards show, as it happens. For admin/ only.
 *
 * The hub (hub.c), on the desk's loop, looks four times a second what has changed, and makes one
 * batch of events of it; batches are kept for a while. Each watcher (events.c), on the loop of its
 * request, takes those that it has not sent yet. One that comes too late, or reads too slowly, gets
 * `resync` and a snapshot of everything in place of what it missed: nobody has a queue. While
 * nobody watches there is no hub.
 *
 * Threads: the ring has a lock; hub_…: the desk's loop; watcher_…: the request's loop. */
#ifndef PENSTOCK_ADMIN_EVENTS_H
#define PENSTOCK_ADMIN_EVENTS_H

#include "admin/admin_int.h"

#define EVENTS_WATCHERS_MAX 32
#define EVENTS_BATCHES 128
#define EVENTS_BATCH_BYTES ((size_t)1 << 20)
#define EVENTS_KEPT_BYTES ((size_t)8 << 20)    /* of all batches together */
#define EVENTS_QUEUE_BYTES ((size_t)256 << 10) /* that a watcher's socket may be behind */
#define EVENTS_TICK_MS 250
#define EVENTS_LOOK_MS 100       /* a watcher looks for batches */
#define EVENTS_SILENCE_MS 15000  /* then a comment is sent */
#define EVENTS_LINGER_TICKS 120  /* the hub goes on so long without watchers: they come again */
#define EVENTS_ACCOUNTS_MAX 2000 /* more are not in a snapshot, but in GET /api/accounts */

struct batch {
    _Atomic uint32_t refs;
    struct str text; /* server-sent events, whole */
};

/* The hub's own. */
struct hub;

struct events {
    struct admin *admin;
    struct hub *hub;
    _Atomic bool ending;
    char run[17]; /* ids of another run of the program are not ours */
    pthread_mutex_t lock;
    uint32_t watchers;
    uint64_t first, next; /* numbers of the oldest batch kept, and of the one to come */
    size_t bytes;
    struct batch *kept[EVENTS_BATCHES];
};

struct events *events_new(struct admin *a);
void events_free(struct events *ev); /* NULL is fine */

/* A batch of the hub's; the text is copied, and gets its id. Gives its number. */
void events_add(struct events *ev, struct str text);
/* No watcher is there: what is kept is forgotten, and numbers have a gap. False: one has come. */
bool events_rest(struct events *ev);

/* --- hub.c */

struct hub *hub_new(struct events *ev);
void hub_free(struct hub *h);
void hub_start(struct hub *h, struct loop *l, struct mailbox *m);
void hub_stop(struct hub *h);
/* Somebody watches. Threads: any. */
void hub_wake(struct hub *h);
/* Pieces of snapshots. Threads: any. */
void hub_put_notices(struct admin *a, struct json_writer *w);

/* `event: name`, its data, an empty line. False: it does not fit. */
bool event_put(struct buf *out, const char *name, struct str json);

/* --- events.c */

void event_put_settings(struct json_writer *w, uint64_t revision, const struct admin_face *face);

void watcher_gone(struct watcher *w);
void watcher_half_close(struct watcher *w);

#endif
