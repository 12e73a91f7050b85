/* io/file.h - files as the data directory needs them: whole reads, atomic writes, modes, lock,
 * watch.
 *
 * Files are 0600 and folders 0700 whatever the umask, opened O_CLOEXEC and O_NOFOLLOW.
 * Threads: any (blocking; not on a loop's hot path), but file_watch: own loop. Paths are C strings.
 */
#ifndef PENSTOCK_IO_FILE_H
#define PENSTOCK_IO_FILE_H

#include "base/buf.h"
#include "base/error.h"
#include "io/loop.h"

/* E_ABSENT when there is none, E_LIMIT when larger than out->max. */
MUST_USE enum status file_read(const char *path, struct buf *out, struct error *e);

/* name.tmp.<random> in the same folder, fsync, rename, fsync of the folder; the version before
 * stays as `path.bak` when `keep_backup`. Any failing step: the old file stays; but when the disk
 * fails the very last one, the new file is there and E_IO says that it may not last. E_REFUSED: it
 * is a symbolic link. */
MUST_USE enum status file_write(const char *path, struct str bytes, bool keep_backup,
                                struct error *e);

/* Makes the folder (0700) and its parents. An existing one that is wider is tightened and reported;
 * one that belongs to someone else is refused. Removes orphaned `*.tmp.*` of file_write(). */
MUST_USE enum status folder_prepare(const char *path, struct error *e);
/* Sets 0600 on our file when it is wider (reported); absent is OK. */
MUST_USE enum status file_tighten(const char *path, struct error *e);

/* What is at a path, without following a link. Absent: `there` is false. */
struct file_facts {
    bool there, is_link, is_folder;
    bool ours; /* belongs to who runs the process */
    uint32_t mode;
    int64_t bytes, changed_unix_ms;
};
struct file_facts file_facts(const char *path);
/* Calls `fn` with each name in the folder. */
void folder_each(const char *path, void (*fn)(void *peer, const char *name), void *peer);
/* Bytes that we may still write to the disk of this folder; -1: it cannot be told. */
int64_t disk_free(const char *path);
bool folder_is_writable(const char *path);

/* Has the owner's right to write been taken away? file_write() renames over the file and would get
 * around that. False when it is absent. */
bool file_is_read_only(const char *path);

/* An exclusive lock held for life. E_CONFLICT names the holder's process id, which is the first
 * line of the file; the holder may append more. */
struct file_lock;
MUST_USE enum status file_lock_take(const char *path, struct file_lock **lock, struct error *e);
void file_lock_drop(struct file_lock *lock);
/* Does anybody hold it? */
bool file_is_locked(const char *path);

/* Calls back, at most every 100 ms, after the file's contents may have changed (also by rename over
 * it). The file need not exist, its folder must: else NULL. */
struct file_watch;
struct file_watch *file_watch_new(struct loop *l, const char *path, void (*fn)(void *peer),
                                  void *peer);
void file_watch_free(struct file_watch *w);

/* Appends to a file (0600, created), for journals and logs: all of `bytes`, or an error and
 * nothing. */
struct file_append;
MUST_USE enum status file_append_open(const char *path, struct file_append **f, struct error *e);
MUST_USE enum status file_append_bytes(struct file_append *f, struct str bytes, struct error *e);
void file_append_close(struct file_append *f);
int64_t file_append_size(const struct file_append *f); /* 0 when it cannot be told */

/* Absent is OK. */
MUST_USE enum status file_remove(const char *path, struct error *e);
/* `path` becomes `path.1`, that `path.2`, and so on; `path.<keep>` goes. Absent ones are OK. */
MUST_USE enum status file_shift(const char *path, unsigned keep, struct error *e);
/* All of it, or an error: nobody reads it, say. */
MUST_USE enum status standard_output_write(struct str bytes, struct error *e);

#endif
