/* tests/sim/gate.h - one worker of the gateway in the simulated world, between clients and
 * upstreams that the test plays.
 *
 *     sim_world_new(seed);
 *     struct gate *g = gate_new(settings, &why);         accounts are those of the settings
 *     struct gate_client *c = gate_client(g);
 *     gate_ask(c, "POST", path, body, …);
 *     gate_run(g);                                       until nothing happens without time
 *     struct gate_call *call = gate_call_new(g);         what an upstream was asked
 *     sim_send(call->peer, answer);
 *     gate_run(g);
 *     gate_answer(c, &answer);                           what the client has of it
 *     gate_end(g, &why);                                 the invariants, and the end
 *
 * Each account has an upstream of its own, `http://LABEL.test:9000`, and the key `key-LABEL`.
 * Threads: one; one gate at a time.   Memory: everything lives until gate_end(). */
#ifndef PENSTOCK_GATE_H
#define PENSTOCK_GATE_H

#include "app/worker.h"
#include "canned.h"
#include "io_sim.h"

#define GATE_ACCOUNTS_MAX 128
#define GATE_CALLS_MAX 4096
#define GATE_RECORDS_MAX 4096

struct gate;

struct gate_account {
    struct gate *gate;
    struct str label, host;
    struct address at;
    struct sim_listener *listener;
    int64_t id;
    uint32_t concurrency_max; /* 0: no limit */
    size_t calls;
};

/* One request that an upstream got, whole. */
struct gate_call {
    size_t number; /* from 1, in order of arrival */
    struct gate_account *account;
    struct sim_peer *peer;
    struct str method, path, fields, body;
    enum wire wire;
    bool kept;     /* its connection has served before */
    bool answered; /* the test has sent all it will */
    int64_t at_ms;
    void *data; /* the test's own */
};

/* A connection of a client, with what has arrived on it. */
struct gate_client {
    struct gate *gate;
    struct sim_peer *peer;
    struct buf in;
    size_t read; /* bytes of `in` that belong to answers read before */
    bool greedy; /* takes what arrives at once */
    bool left;   /* closed or reset by the test */
    void *data;  /* the test's own */
};

struct gate_answer {
    bool begun;    /* its head is there */
    bool complete; /* all of it is */
    bool cut;      /* the connection ended in the middle of it, or before it */
    bool bad;      /* it is not HTTP */
    bool chunked;
    int status;
    struct str fields, body;
    size_t bytes; /* all that it takes of the connection */
};

struct gate {
    struct arena arena;
    struct settings *settings;
    struct key_budgets *budgets;
    struct pool *pool;
    struct worker_shared shared;
    struct worker worker;
    struct listener *listener;
    struct address at; /* of the gateway */
    struct gate_account accounts[GATE_ACCOUNTS_MAX];
    size_t account_count;
    struct gate_call *calls[GATE_CALLS_MAX];
    size_t call_count, call_taken;
    struct gate_client *clients[GATE_CALLS_MAX];
    size_t client_count;
    struct access_record *records[GATE_RECORDS_MAX]; /* copies */
    size_t record_count;
    size_t upstream_connections; /* open now */
    uint64_t digest;             /* of all bytes that reached the test, and the records */
    bool drained;
    void (*on_call)(void *peer, struct gate_call *call); /* NULL: none; in the middle of a turn */
    void *peer;
};

/* The settings file was edited: as the desk does it. Accounts stay as they are. */
bool gate_edit(struct gate *g, struct str settings, const char **why);
/* The account's models share allowances like this. */
void gate_group(struct gate *g, const struct gate_account *a,
                struct str (*group)(struct str model));

/* There must be a world. NULL, and why: the settings are wrong. */
struct gate *gate_new(struct str settings, const char **why);
/* Checks what must hold at the end of every run, ends the gateway and the world. False: `why`.
 * `digest` of everything that happened. */
bool gate_end(struct gate *g, uint64_t *digest, struct str *why, struct arena *a);

void gate_run(struct gate *g);
void gate_wait(struct gate *g, int64_t ms);
void gate_drain(struct gate *g, int64_t patience_ms);

struct gate_client *gate_client(struct gate *g);
/* A whole request; the body may be empty. `fields`: more lines, each with its CRLF. */
struct str gate_request(struct gate *g, const char *method, struct str path, struct str body,
                        struct str fields);
void gate_send(struct gate_client *c, struct str bytes);
void gate_leave(struct gate_client *c, bool reset);
/* The first answer that was not read yet, as far as it has come. */
void gate_answer(struct gate_client *c, struct gate_answer *out);
/* From now on the next one is the first. */
void gate_answer_read(struct gate_client *c, const struct gate_answer *a);

/* The value of a field; the empty slice: absent. `fields` as in gate_answer and gate_call. */
struct str gate_field(struct str fields, const char *name);
struct gate_account *gate_account(struct gate *g, struct str label);
/* The next request that came and was not taken; NULL: none. */
struct gate_call *gate_call_next(struct gate *g);
/* The gateway has closed its connection, or reset it. */
bool gate_call_is_gone(const struct gate_call *call);
/* The upstream ends the connection, in order or by a reset. */
void gate_call_end(struct gate_call *call, bool reset);

/* The account's lockout of that scope: `account`, `host`, a group or a model. False: none. */
bool gate_lockout(const struct gate *g, const struct gate_account *a, struct str scope,
                  struct lockout_view *out);
bool gate_is_disabled(const struct gate *g, const struct gate_account *a);
uint32_t gate_in_flight(const struct gate *g, const struct gate_account *a);

#endif
