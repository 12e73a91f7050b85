/* admin/admin.h - the admin API under /api/: JSON in, JSON out, for local tools and the
 * dashboard, whose pages it serves, too.
 *
 * A tool proves itself with `Authorization: Bearer <admin token>` (the file admin.token, or
 * PENSTOCK_ADMIN_TOKEN), a browser with the cookie of a login (logins.h). Reads are answered on the
 * worker that got the request, from copies. Changes are carried out by the *desk* (app), on its own
 * thread, because they write files and the database: the request waits without blocking its loop.
 * Threads: admin_begin/body/gone on the request's loop.   Memory: a call in flight is freed when
 * its answer is there. */
#ifndef PENSTOCK_ADMIN_ADMIN_H
#define PENSTOCK_ADMIN_ADMIN_H

#include "admin/history.h"
#include "base/error.h"
#include "base/json_write.h"
#include "exchange/exchange.h"
#include "exchange/live.h"
#include "exchange/capture.h"
#include "exchange/trace.h"
#include "http/server.h"
#include "io/mailbox.h"
#include "pool/pool.h"
#include "store/usage_rows.h"

struct admin;

#define ADMIN_METRICS(X)                                                                    \
    X(calls, "calls of the admin API")                                                      \
    X(refused_token, "calls refused for the admin token")                                   \
    X(refused_guesses, "calls refused unread after too many wrong tokens")                  \
    X(refused_origins, "calls refused because another site's page seems to have sent them") \
    X(refused_csrf, "changes of a browser refused for their CSRF token")                    \
    X(refused_listener, "calls refused at an address that does not serve this side")        \
    X(logins, "browsers that logged in")                                                    \
    X(refused_logins, "links and passwords that were refused")
METRIC_STRUCT(admin_metrics, ADMIN_METRICS)

/* `name` is what the path says: an account's id or label, a session. */
enum admin_change {
    ADMIN_SCHEDULING,      /* {"mode", "max_wait_seconds", "queue_wait_seconds", "revision"} */
    ADMIN_FIX,             /* {"account": id or label} */
    ADMIN_UNFIX,           /* no body */
    ADMIN_BINDINGS_CLEAR,  /* no body */
    ADMIN_BINDING_CLEAR,   /* name, no body */
    ADMIN_ACCOUNT_ADD,     /* an account as in the settings file */
    ADMIN_ACCOUNT_CHANGE,  /* name; members of it that can be changed */
    ADMIN_ACCOUNT_REMOVE,  /* name, no body */
    ADMIN_LOCKOUTS_CLEAR,  /* name, no body */
    ADMIN_ACCOUNT_TEST,    /* name, no body */
    ADMIN_LOGIN,           /* {"password"}: 200 when it is the right one, else 401 */
    ADMIN_PASSWORD,        /* {"password", "current"} */
    ADMIN_USAGE,           /* no body: what was used, as the query says */
    ADMIN_REQUESTS,        /* rows of usage.db are wanted: admin_rows_wanted() */
    ADMIN_ACCOUNT_REFRESH, /* name, no body */
    ADMIN_QUOTA_REFRESH,   /* no body */
    ADMIN_SETTINGS,        /* no body: all of them */
    ADMIN_SETTINGS_CHANGE, /* {"set": {path: value}, "reset": [path], "revision"} */
    ADMIN_SIGNIN_START,    /* name is the provider; {"label", "project", "proxy", "tier"} */
    ADMIN_SIGNIN_LOOK,     /* name is the sign-in, no body; not a change, but the desk knows */
    ADMIN_SIGNIN_CANCEL,   /* likewise */
    ADMIN_SIGNIN_CODE,     /* likewise; {"code"} */
    ADMIN_PRICES,          /* no body */
    ADMIN_PRICE_SET,       /* name is the model; a price */
    ADMIN_PRICE_REMOVE,    /* likewise, no body */
    ADMIN_KEYS,            /* no body: client keys */
    ADMIN_KEY_ADD,         /* a client key without its key */
    ADMIN_KEY_CHANGE,      /* name; members of it that can be changed */
    ADMIN_KEY_ROTATE,      /* name, no body */
    ADMIN_KEY_REMOVE,      /* name, no body */
    ADMIN_ROUTING,         /* no body: mapping, flows, account routes */
    ADMIN_ROUTING_SET,     /* {"mapping", "flows", "accounts", "background", "revision"} */
    ADMIN_ROUTING_EXPLAIN, /* {"model", "protocol", "session", …}: nothing is changed */
    ADMIN_CHANGES,
};

/* The outcome of a change: a JSON body, or an error with its HTTP status. */
struct admin_outcome {
    int status;
    const char *type; /* of another body than JSON; NULL: JSON */
    struct buf body;
};

/* A change on its way. Strings are owned by it. */
struct admin_call;
enum admin_change admin_call_change(const struct admin_call *c);
struct str admin_call_name(const struct admin_call *c);
struct str admin_call_body(const struct admin_call *c);
struct str admin_call_if_match(const struct admin_call *c);
struct str admin_call_query(const struct admin_call *c); /* behind the `?`, as it came */
/* By the admin token: by who may read the data directory. */
bool admin_call_by_token(const struct admin_call *c);
/* --- ADMIN_REQUESTS: the list of finished requests goes on in usage.db */
struct usage_range admin_rows_wanted(const struct admin_call *c);
/* As usage_rows_list() hands rows over; `call` is the call. */
bool admin_row_put(void *call, const struct usage_row *row);
/* It is answered. `next` is what usage_rows_list() gave; `failed`: NULL, or why rows are missing.
 */
void admin_rows_done(struct admin_call *c, int64_t next, const char *failed);

/* The desk is done: sends the outcome (taken) back to the loop of the request. Threads: any. */
void admin_call_done(struct admin_call *c, struct admin_outcome *outcome);

/* What the settings say to the dashboard. */
struct admin_face {
    bool privacy, compact, preload_routing;
    bool password_set;
    bool by_hand;        /* what is in force came by an edit of the file */
    bool bodies_allowed; /* to be captured */
    bool metrics_public; /* to all on this machine */
};

/* Since the start. */
struct admin_counts {
    uint64_t requests, failed, tokens_in, tokens_out, tokens_cache_read;
    uint64_t running, streams; /* now */
};

struct admin_options {
    struct pool *pool;
    struct trace_ring *traces; /* NULL: none are kept */
    struct history *history;
    struct capture *capture;
    struct secret token; /* copied */
    /* Takes the change to the desk's thread. Threads: any. */
    void (*desk)(void *peer, struct admin_call *c);
    void *desk_peer;
    /* Members of GET /api/status beside those the admin knows, each with a comma in front: uptime,
     * listeners, simulator, faults of the settings file, counters. Threads: any. */
    void (*status)(void *peer, struct buf *members);
    /* Clients are served, or get 503. Threads: any. */
    void (*set_serving)(void *status_peer, bool serving);
    /* All metrics, for GET /metrics. False: they do not fit. Threads: any. */
    bool (*metrics)(void *status_peer, bool open_metrics, int64_t now_ms, struct buf *out);
    void *status_peer;
    /* What an account did today. Threads: any. */
    struct admin_today (*today)(void *desk_peer, int64_t account);
    /* The revision of the settings in force. Threads: any. */
    uint64_t (*revision)(void *desk_peer);
    /* Threads: any. */
    struct admin_face (*face)(void *desk_peer);
    /* For events; all with `status_peer`, threads: any. */
    void (*counts)(void *status_peer, struct admin_counts *out);
    /* What every page shows at its top: objects with `kind` and `text`, elements of a list. */
    void (*notices)(void *status_peer, struct json_writer *w);
    /* Sign-ins under way: objects with `id`, `provider`, `state`. The desk's loop. */
    void (*signins)(void *status_peer, struct json_writer *w);
    /* The worker's ring; NULL behind the last. */
    struct live *(*live)(void *status_peer, unsigned i);
    /* Somebody watches (again): rings are filled, and told what runs already. */
    void (*watch)(void *status_peer, bool watched);
};

/* Pieces of answers that the desk gives too. `now`: one moment on both clocks, so that times of the
 * pool can be told as times of day. */
struct admin_clock {
    int64_t loop_ms, unix_ms;
};
struct admin_clock admin_clock(const struct loop *l);
/* What an account did since the local midnight. */
struct admin_today {
    int64_t requests, tokens_in, tokens_out;
};
void admin_put_account(struct json_writer *w, const struct account_view *v,
                       const struct admin_today *today, const struct admin_clock *now);
/* What is captured, or null. */
void capture_put_state(struct json_writer *w, struct capture *c, int64_t now_unix_ms);
void admin_put_error(struct buf *out, struct str message, struct str path);
void admin_put_scheduling(struct buf *out, struct pool *pool, uint64_t revision, int64_t now_ms);

struct admin *admin_new(const struct admin_options *options);
void admin_free(struct admin *a);
/* This side is served at this address whether a password is set or not. Before anything runs;
 * false: there are too many. */
#define ADMIN_ADDRESSES_MAX 16
MUST_USE bool admin_serve_at(struct admin *a, const struct address *at);
const struct admin_metrics *admin_metrics_of(const struct admin *a);

/* Makes a link that logs a browser in, once and soon: `http://<host>/quota#link=…`. The fragment
 * stays in the browser: no log, proxy or history of a server sees it. Gives when it ends. Threads:
 * any. */
int64_t admin_put_link(struct admin *a, struct str host, int64_t now_ms, struct buf *out);
/* --- events (events.h): they are made on the desk's loop */

/* Before the loop runs, and after it has ended. */
void admin_events_start(struct admin *a, struct loop *l, struct mailbox *m);
void admin_events_stop(struct admin *a);
/* The gateway is ending: streams of events end now. Threads: any. */
void admin_drain(struct admin *a);

/* How long browsers stay logged in. Threads: any. */
void admin_set_login_times(struct admin *a, int64_t idle_ms, int64_t life_ms);
/* The client keys that are known by name; takes a count of its own. Threads: any. */
void admin_set_rules(struct admin *a, const struct exchange_rules *rules);
/* The password is another one: all browsers have to log in again. Threads: any. */
void admin_end_logins(struct admin *a);

/* Is the path one of the admin's: under /api/, /metrics, or a page? */
bool admin_takes(struct str path);
/* The server's hooks, for such paths. `mailbox` is that of the request's loop. */
void admin_begin(struct admin *a, struct mailbox *mailbox, struct request *r);
void admin_body(struct admin *a, struct request *r);
void admin_gone(struct admin *a, struct request *r);
void admin_half_close(struct request *r);

#endif
