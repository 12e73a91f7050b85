/* app/connect_file.h - settings files of clients, with the gateway put into them.
 *
 * A file is changed only where the recipe says: members of JSON objects and their layout stay, so
 * do the lines of a TOML file outside of the one key and the one table. What is not understood
 * (comments in JSON, strings of several lines in TOML, a symbolic link) is refused, and nothing is
 * written. Threads: main thread. */
#ifndef PENSTOCK_APP_CONNECT_FILE_H
#define PENSTOCK_APP_CONNECT_FILE_H

#include "base/buf.h"
#include "base/error.h"

/* `text` (empty: there is no file) with all that `recipe`, a JSON object, holds. */
MUST_USE enum status connect_merge_json(struct str text, struct str recipe, struct buf *out,
                                        struct error *e);
/* `text` with the keys of `recipe`, which are lines `key = value` and then one table. */
MUST_USE enum status connect_merge_toml(struct str text, struct str recipe, struct buf *out,
                                        struct error *e);

#define CONNECT_FILE_MAX ((size_t)4 << 20)

/* Writes the merged text; the file before is kept as `path.penstock-backup`, what was written as
 * `path.penstock-written`. Once more: from the backup, unless the file was changed since. */
MUST_USE enum status connect_write(const char *path, struct str recipe, bool is_toml,
                                   struct error *e);
/* Puts the backup back, or removes the file when there was none. E_ABSENT: nothing was written;
 * E_CONFLICT: it was changed since. */
MUST_USE enum status connect_undo(const char *path, struct error *e);

#endif
