/* app/serve.c - `penstock serve`: options, data directory, lock; then gateway.c runs. */
#include <stdio.h>

#include "app/command.h"
#include "app/data_dir.h"
#include "app/gateway.h"
#include "app/settings.h"
#include "io/file.h"
#include "io/signals.h"

/* Addresses of the command line, in `a`. False: it has complained. */
static bool take_listen(const struct command_line *line, struct gateway_options *o,
                        struct str listen[LISTENERS_MAX], struct arena *a)
{
    const char *one, *wrong;

    o->listen = listen;
    while ((one = line_text_at(line, "--listen", o->listen_count)) != NULL) {
        if (o->listen_count == LISTENERS_MAX) {
            (void)line_wrong(line, "more than %d times --listen", LISTENERS_MAX);
            return false;
        }
        struct str *text = &listen[o->listen_count++];

        *text = str_c(one);
        wrong = check_listen(a, text);
        if (wrong != NULL) {
            (void)line_wrong(line, "--listen: `%s` %s", one, wrong);
            return false;
        }
    }
    return true;
}

static int command_serve(const struct command_line *line)
{
    struct gateway_options o = { .check_only = line_flag(line, "--check"),
                                 .config_path = line_text(line, "--config", NULL),
                                 .journal_path = line_text(line, "--journal", NULL) };
    bool verbose = line_flag(line, "--verbose") || environment_get("PENSTOCK_VERBOSE").len > 0 ||
                   environment_get("ANTI_API_VERBOSE").len > 0;
    struct str listen[LISTENERS_MAX];
    struct arena texts = { 0 };
    struct error e = { 0 };
    struct file_lock *lock = NULL;
    char folder[DATA_DIR_MAX];
    enum status st;

    if (!take_listen(line, &o, listen, &texts)) {
        arena_free(&texts);
        return EXIT_USAGE;
    }
    process_prepare(line_flag(line, "--debuggable"));
    o.log = log_out_new(verbose ? LOG_DEBUG : LOG_INFO,
                        line_flag(line, "--log-json") ? LOG_JSON : LOG_TEXT);
    (void)descriptor_limit();
    st = data_dir_find(line_data_dir(line), folder, &e);
    if (st == OK)
        st = o.check_only ? data_dir_check(folder, &e) : data_dir_open(folder, &lock, &e);
    if (st == OK && !o.check_only)
        st = data_dir_admin_token(folder, &o.admin_token, &e);
    o.folder = folder;
    if (st == OK)
        st = gateway_run(&o, &e);
    if (st != OK)
        (void)line_failed(line, "%s", e.text);
    else if (o.check_only)
        printf("settings and accounts are good\n");
    secret_clear(&o.admin_token);
    file_lock_drop(lock);
    arena_free(&texts);
    return st == OK ? EXIT_DONE : EXIT_FAILED;
}

static const struct command_option serve_options[] = {
    { "--config", "F", "settings file (gui_config.json in the data directory)", IS(FILE) },
    { "--listen", "HOST:PORT", "instead of the settings' `listen`; port 0 takes a free one",
      .repeats = true },
    { "--journal", "FILE", "append scheduling events to FILE: metadata only, for replay",
      IS(FILE) },
    { "--check", NULL, "read settings and accounts, say what is wrong, start nothing" },
    { "--log-json", NULL, "log lines as JSON" },
    { "--debuggable", NULL, "allow core dumps and debuggers" },
    { "--verbose", NULL, "debug messages too (PENSTOCK_VERBOSE=1)", .letter = 'v' },
    { NULL },
};
static const char *const serve_examples[] = {
    "penstock serve --listen 127.0.0.1:8045",
    "penstock serve --check",
    NULL,
};

const struct command serve_commands[] = {
    { .path = "serve",
      .brief = "start the gateway",
      .about =
          "Starts the gateway, which runs until SIGTERM or SIGINT. When it listens, it says so "
          "in one line on stdout. Without an account it serves from the built-in provider "
          "simulator.",
      .options = serve_options,
      .examples = serve_examples,
      .takes = TAKES_DATA_DIR,
      .run = command_serve },
    { NULL },
};
