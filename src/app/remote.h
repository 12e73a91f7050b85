/* app/remote.h - how a command talks to the gateway that runs on a data directory.
 *
 * The file `lock` says whether one runs and where it listens, `admin.token` (or
 * PENSTOCK_ADMIN_TOKEN) opens its admin API. One call after the other, on a loop of its own.
 * Threads: main thread.   Memory: remote_close(). */
#ifndef PENSTOCK_APP_REMOTE_H
#define PENSTOCK_APP_REMOTE_H

#include "app/command.h"
#include "base/json.h"
#include "base/secret.h"
#include "http/client.h"

struct remote {
    struct loop *loop;
    struct client *client;
    struct client_metrics metrics;
    struct origin origin;
    struct secret token;
    int64_t call_ms;    /* for one call in all */
    bool takes_text;    /* a good answer may be something else than JSON */
    struct arena arena; /* of the origin */
};

/* E_ABSENT: no gateway runs there, or it does not listen yet. */
MUST_USE enum status remote_open(struct remote *r, const char *data_dir, struct error *e);
void remote_close(struct remote *r);
/* A gateway that runs there takes in what was written into its database, so that the next command
 * finds it. It does so by itself a second later: what fails here does no harm. */
void remote_notices(const char *data_dir);

struct remote_answer {
    int status;
    struct buf body;
    struct json doc; /* of the body, an object */
    struct arena arena;
};

/* `body` is empty or a JSON object. OK: a 2xx with a JSON object. E_ABSENT (404), E_CONFLICT (409),
 * E_SYNTAX (400) and E_REFUSED have the gateway's own sentence; E_IO: it could not be asked. `out`
 * must be cleared either way. */
MUST_USE enum status remote_call(struct remote *r, const char *method, struct str path,
                                 struct str body, struct remote_answer *out, struct error *e);
void remote_answer_clear(struct remote_answer *answer);

/* Members of an object of the answer; what is absent or of another type is empty, or `or_else`. */
struct str answer_text(struct remote_answer *answer, uint32_t object, const char *name);
/* The text that a node is; false when it is none. Texts of answers are made fit to be shown. */
bool answer_string(struct remote_answer *answer, uint32_t node, struct str *text);
int64_t answer_number(const struct remote_answer *answer, uint32_t object, const char *name,
                      int64_t or_else);
bool answer_flag(const struct remote_answer *answer, uint32_t object, const char *name);
/* JSON_NONE when absent, or null. */
uint32_t answer_member(const struct remote_answer *answer, uint32_t object, const char *name);

/* `/api/accounts/`, the name with its escapes, `/lockouts`: a path of the admin API, in `a`. */
struct str remote_path(struct arena *a, const char *before, const char *name, const char *after);

/* Puts `?name=value` or `&name=value` behind a path; a NULL value nothing. */
void remote_param(struct arena *a, struct str *path, const char *name, const char *value);

/* Nothing happens for so long. */
void remote_pause(struct remote *r, int64_t ms);

/* --- what every command does with it */

struct remote_wish {
    const struct command_line *line;
    const char *method;
    struct str path, body;
    const char
        *waits; /* what it waits for, told on a terminal; NULL: the answer is there at once */
    bool text;  /* the answer is text, and is printed as it comes */
    /* Prints the answer for people. */
    void (*print)(struct remote_answer *answer);
    /* Does the answer say that all went well? Else the exit code is 1. NULL: it always does. */
    bool (*is_good)(struct remote_answer *answer);
};

/* Finds the gateway, asks, prints (the answer as it came with --json); gives the exit code. */
int remote_fulfil(const struct remote_wish *wish);

#endif
