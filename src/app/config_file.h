/* app/config_file.h - gui_config.json on disk: read at start, watched, kept when it breaks, written
 * back.
 *
 * One snapshot is in force at a time. An edit of the file replaces it; an edit that cannot be read
 * leaves it in force, is logged once, and is told of by config_file_fault() until the file is good
 * again. Changes made by the program are edits of the text: nothing else in the file moves, and the
 * version before stays as `gui_config.json.bak`. Without a file the defaults are in force; it is
 * made with the first change.
 * Threads: one, the desk's (a snapshot may go anywhere).   Memory: config_file_close(). */
#ifndef PENSTOCK_APP_CONFIG_FILE_H
#define PENSTOCK_APP_CONFIG_FILE_H

#include "app/settings.h"
#include "io/file.h"

#define CONFIG_FILE_NAME "gui_config.json"

struct config_file;

/* `path` NULL: CONFIG_FILE_NAME in `folder`. A file that is broken is an error that names file,
 * line, key and reason; an explicit `path` must exist. `settings` (may be NULL) gets a count of its
 * own. `sources` is copied. */
MUST_USE enum status config_file_open(const char *folder, const char *path,
                                      const struct settings_sources *sources,
                                      struct config_file **out, struct settings **settings,
                                      struct error *e);
void config_file_close(struct config_file *f); /* NULL is fine */

/* From now on `on_change` is called when other settings have come in force, by an edit, a reload or
 * a change. The snapshot is borrowed. */
void config_file_on_change(struct config_file *f, void (*on_change)(void *peer, struct settings *s),
                           void *peer);
/* From now on an edit may not send requests to an account that is not there, or is another
 * provider's (see settings_sources); an entry that the routes in force have already is let pass. */
void config_file_on_accounts(struct config_file *f,
                             enum named_account (*named)(void *peer, struct str label,
                                                         struct str provider),
                             void *peer);
/* Follows edits of the file. False (logged): the folder cannot be watched; reloads still work. */
bool config_file_watch(struct config_file *f, struct loop *l);

/* Reads the file again now. Not OK: the settings before stay in force, and `e` says why. */
MUST_USE enum status config_file_reload(struct config_file *f, struct error *e);

/* Sets the key at `path` to the JSON value `raw`, in the file and in force. `revision` is the one
 * the caller has seen, or 0 for any.
 * E_CONFLICT: the settings have changed since that revision, or the file on disk is broken now.
 * E_SYNTAX, E_ABSENT, E_LIMIT: not a value, or one with a member that is not known here and was
 * not in the file before; not a key; too large.
 * E_IO: the file cannot be written; the change is in force *for this run only*.
 * With any other status nothing has changed. */
MUST_USE enum status config_file_change(struct config_file *f, struct str path, struct str raw,
                                        uint64_t revision, struct error *e);
/* Several at once, all of them or none; one version of the file. */
struct settings_change {
    struct str path, raw;
};
MUST_USE enum status config_file_change_all(struct config_file *f,
                                            const struct settings_change *changes, size_t count,
                                            uint64_t revision, struct error *e);

/* What is in force; borrowed until the next change. */
struct settings *config_file_settings(const struct config_file *f);
struct str config_file_text(const struct config_file *f);
const char *config_file_path(const struct config_file *f);
/* Counts up with each text that came in force; starts at 1. */
uint64_t config_file_revision(const struct config_file *f);
/* Did what is in force come by an edit of the file, and not by a change of the program's? */
bool config_file_by_hand(const struct config_file *f);
/* What is wrong with the file on disk while older settings are in force; NULL: nothing. */
const struct settings_fault *config_file_fault(const struct config_file *f);
/* A fault as one sentence: `<file>:<line>:<column>: <key>: <reason>`. */
void config_file_describe(const struct config_file *f, const struct settings_fault *fault,
                          struct buf *out);

#endif
