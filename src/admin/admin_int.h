/* admin/admin_int.h - what the files of the admin API share. For admin/ only.
 *
 * routes.c says which call is answered by whom; each noun has a file with its answers. A read is
 * answered at once, on the loop that got the request, from copies; so are the few changes of what
 * the admin itself keeps (logins). Everything else goes to the desk (admin.h). Threads: own loop.
 */
#ifndef PENSTOCK_ADMIN_ADMIN_INT_H
#define PENSTOCK_ADMIN_ADMIN_INT_H

#include "admin/admin.h"
#include "admin/guard.h"
#include "admin/logins.h"
#include "admin/mask.h"

struct events;

#define ADMIN_ANSWER_MAX ((size_t)16 << 20)

struct admin {
    struct admin_options o;
    struct admin_metrics metrics;
    struct guard guard;
    struct logins logins;
    struct masks masks;
    struct events *events;
    struct address addresses[ADMIN_ADDRESSES_MAX]; /* of `admin_listen` */
    size_t address_count;
};

struct watcher;
struct admin_list;

/* What a request is to the admin: its `owner`, in its arena. */
struct admin_visit {
    struct admin *admin;
    struct mailbox *mailbox; /* of its loop */
    struct admin_call *call; /* a change under way, or: */
    struct watcher *watcher; /* a stream of events */
};

/* Who calls. */
enum admin_who {
    ADMIN_NOBODY,
    ADMIN_TOOL,    /* showed the admin token */
    ADMIN_BROWSER, /* has a login */
};

struct admin_caller {
    enum admin_who who;
    struct login_view login; /* of a browser */
};

/* A read. `name` is what stands in the braces of the route's path. */
struct admin_ask {
    struct admin *admin;
    struct request *r;
    struct str name;
    const struct admin_caller *caller;
};

#define ADMIN_COOKIE_MAX 160

/* A change: lives from the request's head to the outcome; the request may be gone before. */
struct admin_call {
    struct admin *admin;
    struct mailbox *mailbox;
    struct request *r; /* NULL: gone. Own loop only */
    const struct admin_route *route;
    enum admin_change change;
    struct admin_caller caller;
    struct address peer;
    struct arena arena;
    struct str name, query, if_match;
    struct secret body;      /* it may hold a key */
    bool handed;             /* to the desk */
    struct admin_list *list; /* of requests.c; NULL: none is made */
    struct admin_outcome outcome;
    char cookie[ADMIN_COOKIE_MAX]; /* goes out with the outcome; empty: none */
    int64_t wait_s;                /* 429 in place of an outcome: come back then */
};

enum admin_access {
    ADMIN_FOR_OPERATORS, /* tools and browsers that have proven themselves */
    ADMIN_FOR_TOOLS,     /* by the admin token only */
    ADMIN_FOR_ALL,
};

struct admin_route {
    enum http_method method;
    const char *path;                          /* `{…}` stands for a name, at most once */
    void (*answer)(const struct admin_ask *a); /* a read; NULL: */
    void (*act)(struct admin_call *c); /* made here, or begun: then the desk has `change`; NULL: */
    enum admin_change change;          /* this, by the desk */
    bool bodiless;                     /* it takes no body */
    enum admin_access access;
};

/* The routes, in the order of the manual; NULL behind the last. */
const struct admin_route *admin_route(size_t i);
/* NULL: no such path, or another method of it is wanted: `methods` has a bit (1 << method) for each
 * that the path takes. Of two that fit, the one that says more of the path itself is taken. */
const struct admin_route *admin_route_find(enum http_method method, struct str path,
                                           struct str *name, uint32_t *methods);

/* --- changes made here: each ends in one of these two */

/* The outcome is in the call: it is sent, and the call is over. */
void admin_call_answer(struct admin_call *c);
/* To the desk, as another change than the route's perhaps. */
void admin_call_hand(struct admin_call *c, enum admin_change change);
void admin_call_fail(struct admin_call *c, int status, struct str message, struct str path);

/* --- access.c: who may call, and from where */

/* Is this side served at the address the request came to? */
bool access_is_served(const struct admin *a, const struct request *r);
/* False: it has been refused. */
bool access_admit(struct admin *a, struct request *r, const struct admin_route *route,
                  struct admin_caller *caller);

/* --- answers: all pass through mask.h while names are not to be shown */

bool admin_masks(const struct admin *a);

void admin_send(struct request *r, int status, struct str body);
/* A body that is no JSON. */
void admin_send_as(struct request *r, int status, const char *type, struct str body);
/* With a Set-Cookie field. */
void admin_send_cookie(struct request *r, int status, struct str body, const char *cookie);
/* The document that was written into the writer's buffer; 500 when it did not fit. Clears the
 * buffer. */
void admin_send_written(struct request *r, struct json_writer *w);
/* `param` (may be empty) is the member or parameter that is wrong. */
void admin_send_error(struct request *r, int status, struct str message, struct str param);

/* 405: which methods the path takes, as `GET, PATCH`. */
void admin_send_allowed(struct request *r, struct str methods);

/* 429: come back in so many seconds. */
void admin_send_wait(struct request *r, int64_t seconds);

/* A name that came in: what its mask stands for. */
struct str admin_unmasked(struct request *r, struct str text);
/* The query, with names in the place of masks. */
struct str admin_unmasked_query(struct request *r);

/* --- parameters of a read: absent ones keep what `value` was; false (400 was sent): not as wanted
 */

#define ADMIN_PARAM_MAX 256
bool admin_param_text(struct request *r, const char *name, struct str *value);
bool admin_param_number(struct request *r, const char *name, int64_t min, int64_t max,
                        int64_t *value);

/* --- what the nouns answer */

void metrics_get(const struct admin_ask *a);
void capture_begin_call(struct admin_call *c);
void capture_end_call(struct admin_call *c);
void serving_set(struct admin_call *c);
void status_get(const struct admin_ask *a);
void scheduling_get(const struct admin_ask *a);
void bindings_get(const struct admin_ask *a);
void accounts_get(const struct admin_ask *a);
void quota_get(const struct admin_ask *a);
void account_get(const struct admin_ask *a);
void requests_list(struct admin_call *c);
void request_get(const struct admin_ask *a);
void openapi_get(const struct admin_ask *a);
void connect_get(const struct admin_ask *a);
void account_history_get(const struct admin_ask *a);
void tunnels_get(const struct admin_ask *a);
void tunnels_refuse(struct admin_call *c);
/* Does a client on this machine have to show a key? */
bool admin_key_needed(struct admin *a);
void session_get(const struct admin_ask *a);
void events_get(const struct admin_ask *a);

/* An account, with what it did today. */
void account_put(struct json_writer *w, const struct admin *a, const struct account_view *v,
                 const struct admin_clock *now);
/* Members of an object: a request as it stands in lists. */
void admin_put_request(struct json_writer *w, const struct access_record *r);

void session_begin(struct admin_call *c);
void session_end(struct admin_call *c);
void session_link(struct admin_call *c);
void session_password(struct admin_call *c);
/* The desk has checked the password. */
void session_checked(struct admin_call *c);

#endif
