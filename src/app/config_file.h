/* app/config_file.h - gui_config.json on the disk: read at start, watched, changed without losing its layout.
 *
 * A file that does not parse or validate is never overwritten. At start it is an error that names file, line, path
 * and reason; while running the last good settings stay in force, and the fault is logged once for each change of the file.
 * An absent file means the defaults; it is made with the first change.
 * Threads: one at a time (the desk's loop once it runs). */
#ifndef PENSTOCK_APP_CONFIG_FILE_H
#define PENSTOCK_APP_CONFIG_FILE_H

#include "app/settings.h"
#include "io/loop.h"

struct config_file;

/* `path` NULL: gui_config.json in the folder. */
MUST_USE enum status config_file_open(const char *folder, const char *path, const struct settings_sources *sources,
                                      struct config_file **out, struct error *e);
void config_file_close(struct config_file *c);

/* The settings in force, borrowed until the next call that changes them. */
struct settings *config_file_settings(struct config_file *c);

/* `s` is what is now in force, or NULL when the file is broken and nothing changed; `fault` one sentence, or NULL. */
typedef void config_file_fn(void *peer, struct settings *s, const char *fault);
/* From now on edits take effect, and `fn` is told, also of changes made by config_file_change(). */
void config_file_watch(struct config_file *c, struct loop *l, config_file_fn *fn, void *peer);
/* Reads the file again, if its bytes are others. */
void config_file_reload(struct config_file *c);

/* Sets one key (`proxy.scheduling.mode`) to a JSON value, in the file and in force. E_SYNTAX: the value is wrong; E_CONFLICT: the file is
 * broken now and must be mended first; E_IO: it cannot be written, and the change holds for this run only. */
MUST_USE enum status config_file_change(struct config_file *c, struct str path, struct str raw, struct error *e);

#endif
