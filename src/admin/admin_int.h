/* admin/admin_int.h - what the files of the admin API share. For admin/ only.
 *
 * routes.c says which call is answered by whom; each noun has a file with its answers. A read is
 * answered at once, on the loop that got the request, from copies; everything else goes to the desk
 * (admin.h). Threads: own loop. */
#ifndef PENSTOCK_ADMIN_ADMIN_INT_H
#define PENSTOCK_ADMIN_ADMIN_INT_H

#include "admin/admin.h"
#include "admin/guard.h"

#define ADMIN_ANSWER_MAX ((size_t)16 << 20)

struct admin {
    struct admin_options o;
    struct admin_metrics metrics;
    struct guard guard;
};

/* A read. `name` is what stands in the braces of the route's path. */
struct admin_ask {
    struct admin *admin;
    struct request *r;
    struct str name;
};

struct admin_route {
    enum http_method method;
    const char *path;                          /* `{…}` stands for a name, at most once */
    void (*answer)(const struct admin_ask *a); /* a read; NULL: */
    enum admin_change change;                  /* this, by the desk */
    bool bodiless;                             /* it takes no body */
};

/* The routes, in the order of the manual; NULL behind the last. */
const struct admin_route *admin_route(size_t i);
/* NULL: no such path, or another method of it is wanted: `methods` has a bit (1 << method) for each
 * that the path takes. Of two that fit, the one that says more of the path itself is taken. */
const struct admin_route *admin_route_find(enum http_method method, struct str path,
                                           struct str *name, uint32_t *methods);

/* --- answers */

void admin_send(struct request *r, int status, struct str body);
/* The document that was written into the writer's buffer; 500 when it did not fit. Clears the
 * buffer. */
void admin_send_written(struct request *r, struct json_writer *w);
/* `param` (may be empty) is the member or parameter that is wrong. */
void admin_send_error(struct request *r, int status, struct str message, struct str param);

/* 429: come back in so many seconds. */
void admin_send_wait(struct request *r, int64_t seconds);

/* --- parameters of a read: absent ones keep what `value` was; false (400 was sent): not as wanted
 */

#define ADMIN_PARAM_MAX 256
bool admin_param_text(struct request *r, const char *name, struct str *value);
bool admin_param_number(struct request *r, const char *name, int64_t min, int64_t max,
                        int64_t *value);

/* --- what the nouns answer */

void status_get(const struct admin_ask *a);
void scheduling_get(const struct admin_ask *a);
void bindings_get(const struct admin_ask *a);
void accounts_get(const struct admin_ask *a);
void account_get(const struct admin_ask *a);
void requests_get(const struct admin_ask *a);
void request_get(const struct admin_ask *a);
void openapi_get(const struct admin_ask *a);

#endif
