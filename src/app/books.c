#include "app/books.h"

#include "app/remote.h"
#include "base/log.h"
#include "io/file.h"
#include "io/signals.h"
#include "io/terminal.h"

#define PASSPHRASE_MAX 1024

enum status books_open(struct books *b, const char *data_dir, struct error *e)
{
    struct master_key key;
    enum status st = data_dir_find(data_dir, b->folder, e);

    if (st == OK)
        st = folder_prepare(b->folder, e);
    if (st == OK)
        st = config_file_open(b->folder, NULL, &(struct settings_sources){ environment_get },
                              &b->config, NULL, e);
    if (st == OK)
        st = master_key_load(b->folder, environment_get("PENSTOCK_MASTER_KEY"), &key, e);
    if (st == OK)
        st = store_open(b->folder, &key, &b->store, e);
    wipe(&key, sizeof(key));
    return st;
}

void books_close(struct books *b)
{
    store_close(b->store);
    config_file_close(b->config);
}

int books_do(const struct command_line *line,
             enum status (*fn)(struct books *b, const struct command_line *line, struct error *e))
{
    struct books books = { .config = NULL };
    struct error e = { .status = OK }, ignored;
    int64_t before = 0, after;
    bool changed = false;
    enum status st;

    process_prepare(false);
    log_setup(&(struct log_options){ .level = LOG_ERROR, .unix_ms = clock_unix_ms });
    st = books_open(&books, line_data_dir(line), &e);
    if (st == OK) {
        changed = store_version(books.store, &before, &ignored) == OK;
        st = fn(&books, line, &e);
        changed = changed && store_version(books.store, &after, &ignored) == OK && after != before;
    }
    books_close(&books);
    if (changed)
        remote_notices(line_data_dir(line));
    if (st == OK)
        return EXIT_DONE;
    (void)line_failed(line, "%s", e.text);
    return st == E_ABSENT ? EXIT_ABSENT : EXIT_FAILED;
}

bool books_label_is_taken(void *peer, struct str label)
{
    const struct books *b = peer;
    const struct settings *s = config_file_settings(b->config);

    for (size_t i = 0; i < s->account_count; i++)
        if (str_eq(s->accounts[i]->label, label))
            return true;
    return false;
}

enum status books_passphrase(const struct command_line *line, bool is_new, struct secret *out,
                             struct error *e)
{
    const char *variable = line_text(line, "--passphrase-env", NULL);
    enum status st = OK;

    if (variable == NULL)
        st = is_new ? terminal_read_new_secret("Passphrase: ", PASSPHRASE_MAX, out, e)
                    : terminal_read_secret("Passphrase: ", PASSPHRASE_MAX, out, e);
    else if (environment_get(variable).len == 0)
        st = fail(e, E_ABSENT, "the environment variable %s is not set", variable);
    else
        *out = secret_copy(environment_get(variable));
    if (st == OK && secret_reveal(out).len < PASSPHRASE_BYTES_MIN)
        st = fail(e, E_SYNTAX, "the passphrase must have at least %d bytes", PASSPHRASE_BYTES_MIN);
    return st;
}
