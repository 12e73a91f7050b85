/* app/gateway.h - the running program: workers, listeners, the desk, and the simulator while there
 * is no account.
 *
 * Threads: main thread (worker 0's loop).   Memory: gateway_run() makes and frees everything. */
#ifndef PENSTOCK_APP_GATEWAY_H
#define PENSTOCK_APP_GATEWAY_H

#include "app/log_out.h"
#include "app/settings.h"

#define LISTENERS_MAX 16

struct gateway_options {
    const char *folder;       /* data directory, prepared and locked */
    const char *config_path;  /* NULL: the one in the folder */
    const char *journal_path; /* NULL: none */
    struct str *listen;       /* of the command line: instead of the settings' */
    size_t listen_count;
    struct secret admin_token;
    struct log_out *log;
    bool check_only; /* read everything, start nothing */
};

/* Runs until it is told to stop. */
MUST_USE enum status gateway_run(const struct gateway_options *options, struct error *e);

#endif
