/* io/file.c - files of the data directory.
 *
 * Modes are set on the descriptor after opening, so that no umask can widen or narrow them. All
 * steps of an atomic write are relative to one descriptor of the folder, which is had before
 * anything changes: what can fail after the rename is the disk alone. */
#include "io/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "io/crypto.h"
#include "io/loop_int.h"

#define FILE_MODE 0600
#define FOLDER_MODE 0700
#define TMP_MARK ".tmp."
#define TMP_HEX 16
#define READ_CHUNK ((size_t)64 << 10)
#define WATCH_MS 100

/* The status and sentence for `errno` after `verb` was tried on `path`. */
#define fail_errno(e, verb, path) fail((e), status_of_errno(errno), "%s %s: %s", verb, path, why())

static enum status status_of_errno(int fault)
{
    switch (fault) {
    case ENOENT:
        return E_ABSENT;
    case ELOOP: /* O_NOFOLLOW met a link */
        return E_REFUSED;
    default:
        return E_IO;
    }
}

static const char *why(void)
{
    return errno == ELOOP ? "a symbolic link is not followed" : uv_strerror(-errno);
}

static void close_if_open(int fd)
{
    int fault = errno;

    if (fd >= 0)
        close(fd);
    errno = fault; /* the failure that led here is the one to be told */
}

/* Like open(), but gives a regular file or fails; never waits for the other end of a pipe. */
static int open_regular(int folder, const char *name, int flags)
{
    struct stat st;
    int fd =
        openat(folder, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, FILE_MODE);

    if (fd < 0 || fstat(fd, &st) != 0)
        goto failed;
    if (S_ISREG(st.st_mode))
        return fd;
    errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
failed:
    close_if_open(fd);
    return -1;
}

/* --- reading */

static enum status read_all(int fd, const char *path, struct buf *out, struct error *e)
{
    for (;;) {
        size_t room = out->max - out->len;
        size_t want = room < READ_CHUNK ? room : READ_CHUNK;
        char beyond;
        char *at = want > 0 ? buf_reserve(out, want) : &beyond;
        ssize_t n = read(fd, at, want > 0 ? want : 1);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_errno(e, "cannot read", path);
        if (n == 0)
            return OK;
        if (want == 0)
            return fail(e, E_LIMIT, "%s is larger than %zu bytes", path, out->max);
        buf_commit(out, (size_t)n);
    }
}

enum status file_read(const char *path, struct buf *out, struct error *e)
{
    int fd = open_regular(AT_FDCWD, path, O_RDONLY);
    size_t before = out->len;

    if (fd < 0)
        return fail_errno(e, "cannot open", path);

    enum status st = read_all(fd, path, out, e);

    if (st != OK)
        out->len = before;
    close(fd);
    return st;
}

/* --- writing */

static bool write_all(int fd, struct str bytes, size_t *written)
{
    *written = 0;
    while (*written < bytes.len) {
        ssize_t n = write(fd, bytes.at + *written, bytes.len - *written);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        *written += (size_t)n;
    }
    return true;
}

/* The folder of `path` as a C string in `out`, and the name within it. */
static bool path_split(const char *path, char out[PATH_MAX], const char **name)
{
    struct str folder, last;

    if (!str_cut_last(str_c(path), '/', &folder, &last)) {
        last = folder;
        folder = STR(".");
    } else if (folder.len == 0) {
        folder = STR("/");
    }
    if (folder.len >= PATH_MAX || last.len == 0 || last.len > NAME_MAX)
        return false;
    memcpy(out, folder.at, folder.len);
    out[folder.len] = '\0';
    *name = last.at;
    return true;
}

/* An atomic write in flight. */
struct writing {
    const char *path; /* as the caller names it, for errors */
    const char *name; /* within the folder */
    int folder, fd;
    char tmp[NAME_MAX + 1];
    char bak[NAME_MAX + 1];
    char bak_tmp[NAME_MAX + 1];
};

static bool writing_name(struct writing *w)
{
    unsigned long long tag = random_u64();
    int tmp = snprintf(w->tmp, sizeof(w->tmp), "%s" TMP_MARK "%0*llx", w->name, TMP_HEX, tag);
    int bak = snprintf(w->bak, sizeof(w->bak), "%s.bak", w->name);
    int bak_tmp =
        snprintf(w->bak_tmp, sizeof(w->bak_tmp), "%s" TMP_MARK "%0*llx", w->bak, TMP_HEX, tag);

    return tmp <= NAME_MAX && bak <= NAME_MAX && bak_tmp <= NAME_MAX;
}

/* The new contents on disk, under the temporary name. */
static enum status writing_fill(struct writing *w, struct str bytes, struct error *e)
{
    size_t written;

    w->fd =
        openat(w->folder, w->tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    if (w->fd < 0)
        return fail_errno(e, "cannot write beside", w->path);
    (void)flock(w->fd, LOCK_EX | LOCK_NB); /* tells folder_prepare() that this is no orphan */
    if (fchmod(w->fd, FILE_MODE) != 0 || !write_all(w->fd, bytes, &written) || fsync(w->fd) != 0)
        return fail_errno(e, "cannot write", w->path);
    return OK;
}

/* The version before gets a second name, in one step over the one of the version before it. */
static enum status writing_keep(struct writing *w, struct error *e)
{
    if (linkat(w->folder, w->name, w->folder, w->bak_tmp, 0) != 0)
        return errno == ENOENT ? OK : fail_errno(e, "cannot keep the version before of", w->path);

    int result = renameat(w->folder, w->bak_tmp, w->folder, w->bak);
    enum status st = result == 0 ? OK : fail_errno(e, "cannot keep the version before of", w->path);

    /* when both were names of one file already, the rename left them alone */
    (void)unlinkat(w->folder, w->bak_tmp, 0);
    return st;
}

/* Over nothing but an ordinary file: a link would be replaced, not followed. */
static enum status writing_check_target(const struct writing *w, struct error *e)
{
    struct stat st;

    if (fstatat(w->folder, w->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? OK : fail_errno(e, "cannot look at", w->path);
    if (S_ISREG(st.st_mode))
        return OK;
    errno = S_ISDIR(st.st_mode) ? EISDIR : S_ISLNK(st.st_mode) ? ELOOP : EINVAL;
    return fail_errno(e, "cannot write over", w->path);
}

static enum status writing_publish(struct writing *w, struct error *e)
{
    if (renameat(w->folder, w->tmp, w->folder, w->name) != 0)
        return fail_errno(e, "cannot replace", w->path);
    close(w->fd);
    w->fd = -1; /* the temporary name is gone */
    if (fsync(w->folder) != 0)
        return fail_errno(e, "written, but perhaps not for good:", w->path);
    return OK;
}

enum status file_write(const char *path, struct str bytes, bool keep_backup, struct error *e)
{
    struct writing w = { .path = path, .folder = -1, .fd = -1 };
    char folder[PATH_MAX];
    enum status st;

    if (!path_split(path, folder, &w.name) || !writing_name(&w))
        return fail(e, E_SYNTAX, "%s cannot be the path of a file", path);
    w.folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (w.folder < 0)
        return fail_errno(e, "cannot open the folder of", path);

    if ((st = writing_check_target(&w, e)) != OK || (st = writing_fill(&w, bytes, e)) != OK ||
        (keep_backup && (st = writing_keep(&w, e)) != OK))
        goto out;
    st = writing_publish(&w, e);
out:
    if (w.fd >= 0) {
        unlinkat(w.folder, w.tmp, 0);
        close(w.fd);
    }
    close(w.folder);
    return st;
}

/* --- folders and modes */

/* Makes what is missing on the way to `path`, one name after the other. */
static enum status folders_make(const char *path, struct error *e)
{
    char part[PATH_MAX];
    size_t len = strlen(path);

    if (len == 0 || len >= sizeof(part))
        return fail(e, E_SYNTAX, "%s cannot be the path of a folder", path);
    memcpy(part, path, len + 1);
    for (size_t i = 1; i <= len; i++) {
        if (part[i] != '/' && part[i] != '\0')
            continue;
        part[i] = '\0';
        if (mkdir(part, FOLDER_MODE) == 0) {
            if (chmod(part, FOLDER_MODE) != 0)
                return fail_errno(e, "cannot set the mode of", part);
        } else if (errno != EEXIST && errno != EISDIR) {
            return fail_errno(e, "cannot make", part);
        }
        part[i] = path[i];
    }
    return OK;
}

/* `fd` may be one that only names the file (O_PATH), which fchmod() does not take. */
static int mode_set(int fd, mode_t mode)
{
    char name[32];

    if (fchmod(fd, mode) == 0)
        return 0;
    if (errno != EBADF)
        return -1;
    snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    return chmod(name, mode);
}

/* Ours, and nobody else's to read. */
static enum status mode_tighten(int fd, const char *path, mode_t mode, struct error *e)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return fail_errno(e, "cannot look at", path);
    if (st.st_uid != geteuid())
        return fail(e, E_REFUSED, "%s belongs to another user (uid %u)", path, st.st_uid);

    mode_t found = st.st_mode & 07777;

    if ((found & ~mode) == 0)
        return OK;
    if (mode_set(fd, found & mode) != 0)
        return fail_errno(e, "cannot set the mode of", path);

    char text[8];

    snprintf(text, sizeof(text), "%04o", (unsigned)found);
    log_warn("others could get at this: its mode was tightened", F_C("path", path),
             F_C("mode_before", text));
    return OK;
}

static bool name_is_temporary(const char *name)
{
    struct str head, hex, mark, s = str_c(name);

    if (!str_cut_last(s, '.', &head, &hex) || hex.len != TMP_HEX)
        return false;
    mark = str_drop_last(STR(TMP_MARK), 1);
    if (!str_ends(head, mark) || head.len == mark.len)
        return false;
    for (size_t i = 0; i < hex.len; i++)
        if (!((hex.at[i] >= '0' && hex.at[i] <= '9') || (hex.at[i] >= 'a' && hex.at[i] <= 'f')))
            return false;
    return true;
}

/* What writes died over. One that is locked is being written, by another process. */
static void temporaries_remove(DIR *folder)
{
    const struct dirent *entry;

    while ((entry = readdir(folder)) != NULL) {
        if (!name_is_temporary(entry->d_name))
            continue;

        int fd = open_regular(dirfd(folder), entry->d_name, O_RDONLY);

        if (fd < 0)
            continue;
        if (flock(fd, LOCK_EX | LOCK_NB) == 0 && unlinkat(dirfd(folder), entry->d_name, 0) == 0)
            log_info("an unfinished write was removed", F_C("file", entry->d_name));
        close(fd);
    }
}

enum status folder_prepare(const char *path, struct error *e)
{
    enum status st = folders_make(path, e);

    if (st != OK)
        return st;

    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return fail_errno(e, "cannot open", path);
    st = mode_tighten(fd, path, FOLDER_MODE, e);

    DIR *folder = st == OK ? fdopendir(fd) : NULL;

    if (folder == NULL) {
        close_if_open(fd);
        return st != OK ? st : fail_errno(e, "cannot read", path);
    }
    temporaries_remove(folder);
    closedir(folder);
    return OK;
}

enum status file_tighten(const char *path, struct error *e)
{
    /* a descriptor that only names the file: closing any other one would drop the locks that this
     * process holds on it (POSIX), and SQLite's are such */
    int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct stat found;

    if (fd < 0)
        return errno == ENOENT ? OK : fail_errno(e, "cannot open", path);

    enum status st = fstat(fd, &found) != 0    ? fail_errno(e, "cannot look at", path)
                     : !S_ISREG(found.st_mode) ? fail(e, E_REFUSED, "%s is no plain file", path)
                                               : mode_tighten(fd, path, FILE_MODE, e);

    close(fd);
    return st;
}

/* --- the lock */

#define LOCK_TEXT_MAX 16
#define LOCK_TRIES 20
#define LOCK_TRY_NS 10000000

struct file_lock {
    int fd;
};

/* The holder writes its number right after it took the lock: give it a moment. */
static void lock_read_holder(int fd, char text[LOCK_TEXT_MAX])
{
    const struct timespec moment = { .tv_nsec = LOCK_TRY_NS };

    for (int i = 0; i < LOCK_TRIES; i++) {
        ssize_t n = pread(fd, text, LOCK_TEXT_MAX - 1, 0);

        text[n > 0 ? n : 0] = '\0';
        char *end = strchr(text, '\n'); /* the first line; the holder may append more */

        if (end != NULL) {
            *end = '\0';
            return;
        }
        nanosleep(&moment, NULL);
    }
    snprintf(text, LOCK_TEXT_MAX, "unknown");
}

static bool lock_write_holder(int fd)
{
    char text[LOCK_TEXT_MAX];
    int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

    return fchmod(fd, FILE_MODE) == 0 && ftruncate(fd, 0) == 0 &&
           pwrite(fd, text, (size_t)len, 0) == len;
}

enum status file_lock_take(const char *path, struct file_lock **lock, struct error *e)
{
    int fd = open_regular(AT_FDCWD, path, O_RDWR | O_CREAT);

    if (fd < 0)
        return fail_errno(e, "cannot open", path);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        enum status st;
        char holder[LOCK_TEXT_MAX];

        if (errno == EWOULDBLOCK) {
            lock_read_holder(fd, holder);
            st = fail(e, E_CONFLICT, "%s is held by process %s", path, holder);
        } else {
            st = fail_errno(e, "cannot lock", path);
        }
        close(fd);
        return st;
    }
    if (!lock_write_holder(fd)) {
        close_if_open(fd);
        return fail_errno(e, "cannot write", path);
    }
    *lock = must_alloc(sizeof(**lock));
    (*lock)->fd = fd;
    return OK;
}

void file_lock_drop(struct file_lock *lock)
{
    if (lock == NULL)
        return;
    close(lock->fd);
    free(lock);
}

/* --- watching */

/* The folder is watched, not the file: a file that another is renamed over is gone, and its watch
 * with it. */
struct file_watch {
    uv_fs_event_t event;
    struct timer calm; /* while it runs, changes are gathered */
    void (*fn)(void *peer);
    void *peer;
    char name[NAME_MAX + 1];
};

static void watch_calm(void *peer, __attribute__((unused)) int64_t now_ms)
{
    struct file_watch *w = peer;

    w->fn(w->peer);
}

static void watch_event(uv_fs_event_t *event, const char *name, __attribute__((unused)) int events,
                        __attribute__((unused)) int status)
{
    struct file_watch *w = event->data;

    /* without a name, or with an error: better once too often */
    if (name != NULL && strcmp(name, w->name) != 0)
        return;
    if (!timer_is_running(&w->calm))
        timer_start(&w->calm, WATCH_MS);
}

static void watch_uv_closed(uv_handle_t *handle)
{
    free(handle->data);
}

struct file_watch *file_watch_new(struct loop *l, const char *path, void (*fn)(void *peer),
                                  void *peer)
{
    char folder[PATH_MAX];
    const char *name;

    assert(fn != NULL);
    if (!path_split(path, folder, &name))
        return NULL;

    struct file_watch *w = must_calloc(1, sizeof(*w));

    uv_fs_event_init(loop_uv(l), &w->event);
    w->event.data = w;
    w->fn = fn;
    w->peer = peer;
    memcpy(w->name, name, strlen(name) + 1);
    timer_init(&w->calm, l, watch_calm, w);
    if (uv_fs_event_start(&w->event, watch_event, folder, 0) != 0) {
        file_watch_free(w);
        return NULL;
    }
    return w;
}

void file_watch_free(struct file_watch *w)
{
    if (w == NULL)
        return;
    timer_stop(&w->calm);
    uv_close((uv_handle_t *)&w->event, watch_uv_closed);
}

/* --- appending */

struct file_append {
    int fd;
    char path[]; /* for errors */
};

enum status file_append_open(const char *path, struct file_append **f, struct error *e)
{
    int fd = open_regular(AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT);

    if (fd < 0 || fchmod(fd, FILE_MODE) != 0) {
        close_if_open(fd);
        return fail_errno(e, "cannot open", path);
    }

    size_t path_size = strlen(path) + 1;

    *f = must_alloc(sizeof(**f) + path_size);
    (*f)->fd = fd;
    memcpy((*f)->path, path, path_size);
    return OK;
}

enum status file_append_bytes(struct file_append *f, struct str bytes, struct error *e)
{
    size_t written;
    struct stat st;

    if (write_all(f->fd, bytes, &written))
        return OK;

    enum status status = fail_errno(e, "cannot append to", f->path);

    /* half a line would spoil the next one */
    if (written > 0 && fstat(f->fd, &st) == 0 && st.st_size >= (off_t)written)
        (void)!ftruncate(f->fd, st.st_size - (off_t)written);
    return status;
}

void file_append_close(struct file_append *f)
{
    if (f == NULL)
        return;
    close(f->fd);
    free(f);
}

int64_t file_append_size(const struct file_append *f)
{
    struct stat st;

    return fstat(f->fd, &st) == 0 ? (int64_t)st.st_size : 0;
}

enum status file_remove(const char *path, struct error *e)
{
    if (unlink(path) == 0 || errno == ENOENT)
        return OK;
    return fail_errno(e, "cannot remove", path);
}

enum status file_shift(const char *path, unsigned keep, struct error *e)
{
    size_t size = strlen(path) + 16;
    char *from = must_alloc(size), *to = must_alloc(size);
    enum status st = OK;

    for (unsigned i = keep; i > 0 && st == OK; i--) {
        snprintf(to, size, "%s.%u", path, i);
        snprintf(from, size, i == 1 ? "%s" : "%s.%u", path, i - 1);
        if (rename(from, to) != 0 && errno != ENOENT)
            st = fail_errno(e, "cannot rename", from);
    }
    free(from);
    free(to);
    return st;
}

enum status standard_output_write(struct str bytes, struct error *e)
{
    size_t written;

    return write_all(STDOUT_FILENO, bytes, &written)
               ? OK
               : fail_errno(e, "cannot write to", "standard output");
}

struct file_facts file_facts(const char *path)
{
    struct stat st;

    if (lstat(path, &st) != 0)
        return (struct file_facts){ .there = false };
    return (struct file_facts){
        .there = true,
        .is_link = S_ISLNK(st.st_mode),
        .is_folder = S_ISDIR(st.st_mode),
        .ours = st.st_uid == geteuid(),
        .mode = (uint32_t)st.st_mode & 07777,
        .bytes = (int64_t)st.st_size,
        .changed_unix_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000,
    };
}

void folder_each(const char *path, void (*fn)(void *peer, const char *name), void *peer)
{
    DIR *folder = opendir(path);
    const struct dirent *one;

    if (folder == NULL)
        return;
    while ((one = readdir(folder)) != NULL)
        if (strcmp(one->d_name, ".") != 0 && strcmp(one->d_name, "..") != 0)
            fn(peer, one->d_name);
    closedir(folder);
}

int64_t disk_free(const char *path)
{
    struct statvfs disk;

    return statvfs(path, &disk) == 0 ? (int64_t)disk.f_bavail * (int64_t)disk.f_frsize : -1;
}

bool folder_is_writable(const char *path)
{
    return access(path, W_OK | X_OK) == 0;
}

bool file_is_read_only(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0 && (st.st_mode & S_IWUSR) == 0;
}

bool file_is_locked(const char *path)
{
    int fd = open_regular(AT_FDCWD, path, O_RDONLY);
    bool locked = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;

    close_if_open(fd);
    return locked;
}
