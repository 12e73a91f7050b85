/* app/desk.h - where changes are made: the settings file, the database, the accounts in the pool.
 *
 * The desk has a thread and a loop of its own, because it writes files and waits for the disk.
 * Changes come from the admin API, from edits of the settings file, and from commands that wrote to
 * the database; what follows from them is put into the pool and published to the workers. Threads:
 * desk_open/desk_close main thread, desk_ask any, the rest the desk's own loop. */
#ifndef PENSTOCK_APP_DESK_H
#define PENSTOCK_APP_DESK_H

#include "admin/admin.h"
#include "app/config_file.h"
#include "app/reporter.h"
#include "app/rules.h"
#include "store/store.h"
#include "upkeep/grants.h"

struct desk;

struct desk_options {
    const char *folder;      /* data directory */
    const char *config_path; /* NULL: gui_config.json in it */
    struct settings_sources sources;
    struct str master_key;       /* from the environment */
    struct pool *pool;           /* filled by desk_open() */
    struct capture *capture;     /* of bodies, which it writes */
    struct trace_ring *reports;  /* of records for access log and traces */
    struct ledger *ledger;       /* who minted which signature; NULL: none */
    struct usage_keeper *keeper; /* has the bindings on the disk */
    struct key_budgets *budgets; /* of client keys */
    /* New settings are in force. Called on the desk's loop. */
    void (*on_settings)(void *peer, struct settings *s, struct client_keys *keys);
    /* Other client keys are. */
    void (*on_keys)(void *peer, struct settings *s, struct client_keys *keys);
    /* There is a real account, or none any more: the simulator is to go or to come. */
    void (*on_accounts)(void *peer, size_t count);
    /* Once a minute, and shortly after the start. */
    void (*on_minute)(void *peer, int64_t now_ms);
    /* Its loop is there, and nothing runs on it yet; its loop has ended. */
    void (*on_start)(void *peer, struct loop *l, struct mailbox *m);
    void (*on_stop)(void *peer);
    /* Another password is set for the dashboard, or none any more. */
    void (*on_password)(void *peer);
    void *peer;
};

/* Reads settings and accounts; nothing runs yet. */
MUST_USE enum status desk_open(const struct desk_options *options, struct desk **out,
                               struct error *e);
/* The settings in force when it was opened: one count for the caller. */
struct settings *desk_settings(struct desk *d);
/* The client keys of the database when it was opened, the desk's own. */
struct client_keys *desk_client_keys(struct desk *d);
size_t desk_account_count(const struct desk *d);
/* Renewals of access tokens, and calls in the background. Threads: any. */
const struct grants_metrics *desk_grants_metrics(const struct desk *d);
const struct client_metrics *desk_client_metrics(const struct desk *d);
/* What it tells of requests. Threads: any, from desk_start() on. */
const struct reporter_metrics *desk_reports(const struct desk *d);
/* Makes a client key, `default`: before the desk runs. */
MUST_USE enum status desk_first_key(struct desk *d, struct secret *key, struct error *e);
/* Starts its thread: from now on files are watched and changes taken. */
void desk_start(struct desk *d);
void desk_close(struct desk *d);

/* Counts up with each change of the settings. Threads: any. */
uint64_t desk_revision(struct desk *d);
/* Elements of a list: the sign-ins under way. The desk's own loop. */
void desk_put_signins(struct desk *d, struct json_writer *w);
/* What the settings say to the dashboard. Threads: any. */
struct admin_face desk_face(struct desk *d);
/* What an account did today. Threads: any. */
struct admin_today desk_today(void *desk, int64_t account);
/* A change of the admin API. Threads: any. */
void desk_ask(void *desk, struct admin_call *c);
/* Reads the settings file again (SIGHUP). Threads: any. */
void desk_reload(struct desk *d);
/* What is wrong with the settings file on disk while older settings are in force, as one sentence,
 * or nothing. Threads: any. */
void desk_put_fault(struct desk *d, struct buf *out);

#endif
