/* app/data_dir.h - the folder that holds everything a gateway keeps: which one, its lock, the admin token.
 *
 * `lock` is held for the life of a gateway; it says the process id and, once it listens, its address.
 * Threads: main thread. */
#ifndef PENSTOCK_APP_DATA_DIR_H
#define PENSTOCK_APP_DATA_DIR_H

#include "base/error.h"
#include "base/secret.h"
#include "io/file.h"

#define DATA_DIR_MAX 4096

/* `given` (may be NULL), else PENSTOCK_DATA_DIR, else `penstock/` in ANTI_API_DATA_DIR or ABV_DATA_DIR, else ~/.penstock. */
MUST_USE enum status data_dir_find(const char *given, char out[DATA_DIR_MAX], struct error *e);
/* Makes it, tightens modes, takes the lock. E_CONFLICT names the process that holds it. */
MUST_USE enum status data_dir_open(const char *folder, struct file_lock **lock, struct error *e);
/* PENSTOCK_ADMIN_TOKEN, else the file admin.token, made when it is not there. */
MUST_USE enum status data_dir_admin_token(const char *folder, struct secret *token, struct error *e);
/* `name` in the folder, as a path. */
void data_dir_path(const char *folder, const char *name, char out[DATA_DIR_MAX + 64]);

#endif
