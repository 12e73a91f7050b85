/* app/books.h - settings and database as commands open them, whether the gateway runs or not; a
 * running one notices what they change. Threads: main thread.   Memory: books_close(). */
#ifndef PENSTOCK_APP_BOOKS_H
#define PENSTOCK_APP_BOOKS_H

#include "app/command.h"
#include "app/config_file.h"
#include "app/data_dir.h"
#include "store/store.h"

struct books {
    char folder[DATA_DIR_MAX];
    struct config_file *config;
    struct store *store;
};

MUST_USE enum status books_open(struct books *b, const char *data_dir, struct error *e);
void books_close(struct books *b);

/* Does it with the books open; gives the exit code. */
int books_do(const struct command_line *line,
             enum status (*fn)(struct books *b, const struct command_line *line, struct error *e));

/* Has the settings file an account with this label? `peer` is the books. */
bool books_label_is_taken(void *peer, struct str label);

/* A passphrase: of the environment variable that --passphrase-env names, else of the first line of
 * standard input, for which a person is asked; twice, when it `is_new`. E_ABSENT: there is none. */
MUST_USE enum status books_passphrase(const struct command_line *line, bool is_new,
                                      struct secret *out, struct error *e);

#endif
