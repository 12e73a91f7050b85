#include "app/data_dir.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/log.h"
#include "io/crypto.h"
#include "io/signals.h"

#define TOKEN_BYTES 32
#define TOKEN_LEN_MIN 16 /* of one that somebody chose */
#define TOKEN_LEN_MAX 512
#define PATH_ROOM (DATA_DIR_MAX + 32)
#define LOCK_TEXT_MAX 256

/* --- where it is */

static enum status folder_set(char folder[DATA_DIR_MAX], struct str path, const char *below,
                              struct error *e)
{
    while (path.len > 1 && path.at[path.len - 1] == '/')
        path.len--;
    if (path.len + strlen(below) >= DATA_DIR_MAX)
        return fail(e, E_LIMIT, "the path of the data directory is longer than %d bytes",
                    DATA_DIR_MAX);
    memcpy(folder, path.at, path.len);
    memcpy(folder + path.len, below, strlen(below) + 1);
    return OK;
}

enum status data_dir_find(const char *option, char folder[DATA_DIR_MAX], struct error *e)
{
    static const struct {
        const char *variable, *below;
    } places[] = { { "PENSTOCK_DATA_DIR", "" },
                   { "ANTI_API_DATA_DIR", "/penstock" },
                   { "ABV_DATA_DIR", "/penstock" },
                   { "HOME", "/.penstock" } };

    if (option != NULL && option[0] == '\0')
        return fail(e, E_SYNTAX, "--data-dir names no folder");
    if (option != NULL)
        return folder_set(folder, str_c(option), "", e);
    for (size_t i = 0; i < COUNT(places); i++) {
        struct str path = environment_get(places[i].variable);

        if (path.len > 0)
            return folder_set(folder, path, places[i].below, e);
    }
    return fail(e, E_ABSENT, "no data directory: set HOME or PENSTOCK_DATA_DIR, or use --data-dir");
}

static void path_in(const char *folder, const char *name, char path[PATH_ROOM])
{
    int len = snprintf(path, PATH_ROOM, "%s/%s", folder, name);

    assert(len > 0 && len < PATH_ROOM);
}

static const char *const ours[] = { "admin.token",     "master.key",      "penstock.db",
                                    "penstock.db-wal", "penstock.db-shm", "usage.db",
                                    "usage.db-wal",    "usage.db-shm",    "gui_config.json.bak" };

static enum status check_mode(const char *path, bool folder, struct error *e)
{
    struct file_facts f = file_facts(path);
    char mode[8];

    if (!f.there)
        return OK;
    if (f.is_link || f.is_folder != folder)
        return fail(e, E_REFUSED, "%s is no plain %s", path, folder ? "folder" : "file");
    if (!f.ours)
        return fail(e, E_REFUSED, "%s belongs to somebody else", path);
    if ((f.mode & 077) == 0)
        return OK;
    snprintf(mode, sizeof(mode), "%04o", (unsigned)f.mode & 07777);
    log_warn("others can get at this: a start tightens its mode", F_C("path", path),
             F_C("mode", mode));
    return OK;
}

enum status data_dir_check(const char *folder, struct error *e)
{
    char path[PATH_ROOM];
    enum status st = check_mode(folder, true, e);

    for (size_t i = 0; i < COUNT(ours) && st == OK; i++) {
        path_in(folder, ours[i], path);
        st = check_mode(path, false, e);
    }
    return st;
}

enum status data_dir_open(const char *folder, struct file_lock **lock, struct error *e)
{
    char path[PATH_ROOM];
    enum status st = folder_prepare(folder, e);

    for (size_t i = 0; i < COUNT(ours) && st == OK; i++) {
        path_in(folder, ours[i], path);
        st = file_tighten(path, e);
    }
    if (st != OK)
        return st;
    path_in(folder, "lock", path);
    return file_lock_take(path, lock, e);
}

/* --- the admin token */

static const char *token_fault(struct str token)
{
    if (token.len < TOKEN_LEN_MIN)
        return "is shorter than 16 characters";
    if (token.len > TOKEN_LEN_MAX)
        return "is longer than 512 characters";
    for (size_t i = 0; i < token.len; i++)
        if (token.at[i] <= ' ' || token.at[i] >= 0x7f)
            return "holds a blank or a byte that no header can carry";
    return NULL;
}

static enum status token_make(const char *path, struct secret *token, struct error *e)
{
    uint8_t bytes[TOKEN_BYTES];
    struct buf text = { .max = 2 * TOKEN_BYTES + 1 };

    random_bytes(bytes, sizeof(bytes));
    bool fits = hex_put(&text, (struct str){ (const char *)bytes, sizeof(bytes) }) &&
                buf_add_char(&text, '\n');

    assert(fits);
    enum status st = file_write(path, buf_str(&text), false, e);

    if (st == OK)
        *token = secret_copy(str_trim(buf_str(&text)));
    wipe(bytes, sizeof(bytes));
    wipe(text.at, text.len);
    buf_clear(&text);
    return st;
}

enum status data_dir_admin_token(const char *folder, struct secret *token, struct error *e)
{
    struct str given = str_trim(environment_get("PENSTOCK_ADMIN_TOKEN"));
    struct buf text = { .max = TOKEN_LEN_MAX + 64 };
    const char *wrong;
    char path[PATH_ROOM];
    enum status st;

    if (given.len > 0) {
        wrong = token_fault(given);
        if (wrong != NULL)
            return fail(e, E_SYNTAX, "PENSTOCK_ADMIN_TOKEN %s", wrong);
        *token = secret_copy(given);
        return OK;
    }
    path_in(folder, "admin.token", path);
    st = file_read(path, &text, e);
    if (st == E_ABSENT)
        return token_make(path, token, e);
    if (st == OK) {
        given = str_trim(buf_str(&text));
        wrong = token_fault(given);
        if (wrong != NULL)
            st = fail(e, E_SYNTAX, "%s %s: remove the file, and a new token is made at start", path,
                      wrong);
        else
            *token = secret_copy(given);
    }
    if (text.cap > 0)
        wipe(text.at, text.cap);
    buf_clear(&text);
    return st;
}

/* --- finding the one that runs */

void data_dir_announce(const char *folder, struct str address)
{
    struct buf line = { .max = LOCK_TEXT_MAX };
    struct file_append *f = NULL;
    struct error e = { .status = OK };
    char path[PATH_ROOM];

    path_in(folder, "lock", path);
    bool fits =
        buf_add(&line, STR("http://")) && buf_add(&line, address) && buf_add_char(&line, '\n');

    assert(fits);
    /* behind the process id; never renamed over, since the lock is on the file itself */
    enum status st = file_append_open(path, &f, &e);

    if (st == OK)
        st = file_append_bytes(f, buf_str(&line), &e);
    if (st != OK)
        log_warn("commands will not find this gateway", F_C("why", e.text));
    file_append_close(f);
    buf_clear(&line);
}

bool data_dir_running(const char *folder, struct buf *url)
{
    struct buf text = { .max = LOCK_TEXT_MAX };
    char path[PATH_ROOM];

    path_in(folder, "lock", path);
    bool running = file_is_locked(path) && file_read(path, &text, NULL) == OK;

    if (running) {
        struct str pid, line, rest;

        (void)str_cut(buf_str(&text), '\n', &pid, &rest);
        if (str_cut(rest, '\n', &line, &rest)) /* else it is being written */
            (void)buf_add(url, line);
    }
    buf_clear(&text);
    return running;
}
