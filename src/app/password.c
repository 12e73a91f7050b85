/* app/password.c - `penstock password set|clear`: the dashboard's password. Works on the database,
 * whether the gateway runs or not; a running one notices. */
#include <stdio.h>

#include "app/command.h"
#include "app/data_dir.h"
#include "base/log.h"
#include "io/file.h"
#include "io/signals.h"
#include "io/terminal.h"
#include "store/password.h"

static enum status change(const char *data_dir, struct str password, struct error *e)
{
    char folder[DATA_DIR_MAX];
    struct master_key key;
    struct store *store = NULL;
    enum status st = data_dir_find(data_dir, folder, e);

    if (st == OK)
        st = folder_prepare(folder, e);
    if (st == OK)
        st = master_key_load(folder, environment_get("PENSTOCK_MASTER_KEY"), &key, e);
    if (st == OK)
        st = store_open(folder, &key, &store, e);
    wipe(&key, sizeof(key));
    if (st == OK)
        st = store_password_set(store, password, e);
    store_close(store);
    return st;
}

/* The empty password is none. */
static int fulfil(const struct command_line *line, bool asks, const char *done)
{
    struct secret password = { 0 };
    struct error e = { .status = OK };
    enum status st = OK;

    process_prepare(false);
    log_setup(&(struct log_options){ .level = LOG_WARN, .unix_ms = clock_unix_ms });
    if (asks) {
        st = terminal_read_new_secret("New password: ", PASSWORD_LEN_MAX, &password, &e);
        if (st == OK && secret_is_empty(&password))
            st = fail(&e, E_SYNTAX, "an empty password is none: `penstock password clear`");
    }
    if (st == OK)
        st = change(line_data_dir(line), secret_reveal(&password), &e);
    secret_clear(&password);
    if (st != OK)
        return line_failed(line, "%s", e.text);
    printf("%s\n", done);
    return EXIT_DONE;
}

static int command_set(const struct command_line *line)
{
    return fulfil(line, true, "the dashboard has a new password: browsers have to log in again");
}

static int command_clear(const struct command_line *line)
{
    return fulfil(line, false, "the dashboard has no password: `penstock open` logs a browser in");
}

const struct command password_commands[] = {
    { .path = "password",
      .brief = "set the dashboard's password",
      .about = "The password by which a browser logs in to the dashboard where `penstock open` "
               "cannot open it. Addresses that are not loopback serve the dashboard only while one "
               "is set." },
    { .path = "password set",
      .brief = "set it, or another one",
      .about = "Asks for the password, or reads it from standard input: one line of 10 to 1024 "
               "bytes. All browsers have to log in again. The gateway need not run.",
      .takes = TAKES_DATA_DIR,
      .run = command_set },
    { .path = "password clear",
      .brief = "have none",
      .about = "From now on browsers log in by links of `penstock open` only.",
      .takes = TAKES_DATA_DIR,
      .run = command_clear },
    { NULL },
};
