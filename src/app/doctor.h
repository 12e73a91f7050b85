/* app/doctor.h - `penstock doctor`: looks for what is wrong, and says what to do about it.
 *
 * A check is a row of the table in doctor.c; it may find several things, each with its remedy. What
 * one has read (settings, accounts, the gateway's status) is there for those behind it. Nothing is
 * changed, and nothing is asked beyond this machine but names of hosts and the way to proxies,
 * unless --online.
 * Threads: main thread, with a loop of its own. */
#ifndef PENSTOCK_APP_DOCTOR_H
#define PENSTOCK_APP_DOCTOR_H

#include "app/data_dir.h"
#include "app/remote.h"
#include "app/settings.h"
#include "io/dns.h"

enum finding_level {
    FINDING_GOOD,
    FINDING_NOTE,    /* worth knowing */
    FINDING_WARNING, /* works, but not as it should */
    FINDING_FAULT,   /* does not work */
    FINDING_LEVELS,
};

struct finding {
    struct finding *next;
    const struct doctor_check *check;
    enum finding_level level;
    struct str text, remedy;
};

#define DOCTOR_ACCOUNTS_MAX 10000

struct doctor {
    const struct command_line *line;
    struct arena arena;
    struct finding *first, **last;
    const struct doctor_check *check; /* the one that runs */
    bool online;

    char folder[DATA_DIR_MAX];
    const char *config_path;
    struct buf text;           /* of the settings file */
    struct settings *settings; /* NULL: they cannot be read */
    struct account_spec **accounts;
    size_t account_count, file_account_count;
    size_t key_count; /* client keys of the database */

    bool running; /* a gateway holds the data directory */
    struct buf url;
    struct remote remote;
    bool reached;
    struct remote_answer status, live; /* of the gateway, when it was reached */
    struct loop *loop;
    struct dns *dns;
};

struct doctor_check {
    const char *name; /* `file-modes` */
    const char *what; /* what is looked at */
    void (*run)(struct doctor *d);
};

/* A finding of the check that runs; `remedy` is empty or a sentence. */
void found(struct doctor *d, enum finding_level level, const char *remedy, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* A path in the data directory. */
const char *doctor_path(struct doctor *d, const char *name);

/* doctor_files.c */
void doctor_data_dir(struct doctor *d);
void doctor_file_modes(struct doctor *d);
void doctor_writable(struct doctor *d);
void doctor_disk(struct doctor *d);
void doctor_accounts_database(struct doctor *d);
void doctor_usage_database(struct doctor *d);
void doctor_master_key(struct doctor *d);
void doctor_admin_token(struct doctor *d);
void doctor_leftovers(struct doctor *d);
void doctor_log_size(struct doctor *d);
void doctor_descriptors(struct doctor *d);
void doctor_memory(struct doctor *d);
void doctor_user(struct doctor *d);
void doctor_browser(struct doctor *d);

/* doctor_settings.c */
void doctor_settings(struct doctor *d);
void doctor_unknown_keys(struct doctor *d);
void doctor_secrets_in_clear(struct doctor *d);
void doctor_client_keys(struct doctor *d);
void doctor_insecure_tls(struct doctor *d);
void doctor_bodies(struct doctor *d);
void doctor_accounts(struct doctor *d);
void doctor_account_settings(struct doctor *d);
void doctor_disabled_accounts(struct doctor *d);
void doctor_grants(struct doctor *d);
void doctor_sign_in(struct doctor *d);
void doctor_mapping(struct doctor *d);
void doctor_routes(struct doctor *d);

/* doctor_net.c */
void doctor_gateway(struct doctor *d);
void doctor_version(struct doctor *d);
void doctor_settings_in_force(struct doctor *d);
void doctor_serving(struct doctor *d);
void doctor_lockouts(struct doctor *d);
void doctor_ports(struct doctor *d);
void doctor_ipv6(struct doctor *d);
void doctor_callback_ports(struct doctor *d);
void doctor_proxy(struct doctor *d);
void doctor_trust(struct doctor *d);
void doctor_names(struct doctor *d);
void doctor_clock(struct doctor *d);

#endif
