/* app/data_dir.h - the data directory: which one, its lock, the admin token, and how commands find
 * the gateway that runs on it.
 *
 * `--data-dir`, else PENSTOCK_DATA_DIR, else ANTI_API_DATA_DIR/penstock, else ABV_DATA_DIR/penstock
 * (those two may be another program's), else HOME/.penstock. The file `lock` is held for life; it
 * says the holder's process id and, once it listens, its address.
 * Threads: main thread. */
#ifndef PENSTOCK_APP_DATA_DIR_H
#define PENSTOCK_APP_DATA_DIR_H

#include "base/error.h"
#include "base/secret.h"
#include "io/file.h"

#define DATA_DIR_MAX 1024

/* `option` is the command line's (NULL: none). The path does not end in a slash. */
MUST_USE enum status data_dir_find(const char *option, char folder[DATA_DIR_MAX], struct error *e);
/* Says of the folder and our files in it where others can get at them, and changes nothing.
 * E_REFUSED: a start would refuse it. */
MUST_USE enum status data_dir_check(const char *folder, struct error *e);
/* Makes the folder, tightens the modes of our files in it, and takes the lock: E_CONFLICT names the
 * process that holds it. */
MUST_USE enum status data_dir_open(const char *folder, struct file_lock **lock, struct error *e);
/* PENSTOCK_ADMIN_TOKEN, else the file `admin.token`, made when there is none. */
MUST_USE enum status data_dir_admin_token(const char *folder, struct secret *token,
                                          struct error *e);
/* Writes the address (`127.0.0.1:8045`) into `lock`; the caller holds it. What fails is logged. */
void data_dir_announce(const char *folder, struct str address);
/* Does a gateway run on the folder? `url` gets its base URL, `http://127.0.0.1:8045`, or nothing
 * while it has not announced itself. */
bool data_dir_running(const char *folder, struct buf *url);

#endif
