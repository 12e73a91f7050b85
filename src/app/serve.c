/* app/serve.c - `penstock serve`: options, data directory, lock; then gateway.c runs. */
#include <stdio.h>
#include <string.h>

#include "app/command.h"
#include "app/data_dir.h"
#include "app/gateway.h"
#include "io/file.h"
#include "io/signals.h"

static const char help[] =
    "usage: penstock serve [OPTIONS]\n\n"
    "Starts the gateway. Without an account it serves from the built-in provider simulator.\n\n"
    "  --data-dir D        data directory (PENSTOCK_DATA_DIR, else ~/.penstock)\n"
    "  --config F          settings file (gui_config.json in the data directory)\n"
    "  --listen HOST:PORT  instead of the settings' `listen`; may be repeated; port 0 takes a free "
    "one\n"
    "  --journal FILE      append scheduling events to FILE: metadata only, for replay\n"
    "  --check             read settings and accounts, say what is wrong, start nothing\n"
    "  --log-json          log lines as JSON\n"
    "  --debuggable        allow core dumps and debuggers\n"
    "  -v, --verbose       debug messages too (PENSTOCK_VERBOSE=1)\n";

struct serve_options {
    struct gateway_options gateway;
    const char *data_dir;
    struct str listen[LISTENERS_MAX];
    bool verbose, json, debuggable;
};

static int usage(const char *what, const char *which)
{
    fprintf(stderr, "penstock serve: %s %s\n\n%s", what, which, help);
    return EXIT_USAGE;
}

/* -1: go on; else the exit code. */
static int read_options(int argc, char **argv, struct serve_options *o)
{
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
        const char **text = NULL;

        if (strcmp(name, "--help") == 0) {
            fputs(help, stdout);
            return EXIT_DONE;
        }
        if (strcmp(name, "-v") == 0 || strcmp(name, "--verbose") == 0) {
            o->verbose = true;
            continue;
        }
        if (strcmp(name, "--check") == 0) {
            o->gateway.check_only = true;
            continue;
        }
        if (strcmp(name, "--log-json") == 0) {
            o->json = true;
            continue;
        }
        if (strcmp(name, "--debuggable") == 0) {
            o->debuggable = true;
            continue;
        }
        if (strcmp(name, "--data-dir") == 0)
            text = &o->data_dir;
        else if (strcmp(name, "--config") == 0)
            text = &o->gateway.config_path;
        else if (strcmp(name, "--journal") == 0)
            text = &o->gateway.journal_path;
        else if (strcmp(name, "--listen") != 0)
            return usage("no option", name);
        if (value == NULL)
            return usage("a value is missing behind", name);
        i++;
        if (text != NULL) {
            *text = value;
            continue;
        }
        if (o->gateway.listen_count == LISTENERS_MAX)
            return usage("too many of", name);
        o->listen[o->gateway.listen_count++] = str_c(value);
    }
    return -1;
}

int command_serve(int argc, char **argv)
{
    struct serve_options o = { 0 };
    struct error e = { 0 };
    struct file_lock *lock = NULL;
    char folder[DATA_DIR_MAX];
    int code = read_options(argc, argv, &o);
    enum status st;

    if (code >= 0)
        return code;
    process_prepare(o.debuggable);
    o.verbose = o.verbose || environment_get("PENSTOCK_VERBOSE").len > 0 ||
                environment_get("ANTI_API_VERBOSE").len > 0;
    o.gateway.log = log_out_new(o.verbose ? LOG_DEBUG : LOG_INFO, o.json ? LOG_JSON : LOG_TEXT);
    (void)descriptor_limit();
    o.gateway.listen = o.listen;
    st = data_dir_find(o.data_dir, folder, &e);
    if (st == OK && !o.gateway.check_only)
        st = data_dir_open(folder, &lock, &e);
    if (st == OK && !o.gateway.check_only)
        st = data_dir_admin_token(folder, &o.gateway.admin_token, &e);
    o.gateway.folder = folder;
    if (st == OK)
        st = gateway_run(&o.gateway, &e);
    if (st != OK)
        fprintf(stderr, "penstock serve: %s\n", e.text);
    else if (o.gateway.check_only)
        printf("settings and accounts are good\n");
    secret_clear(&o.gateway.admin_token);
    file_lock_drop(lock);
    return st == OK ? EXIT_DONE : EXIT_FAILED;
}
