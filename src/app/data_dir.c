#include "app/data_dir.h"

#include <stdio.h>

#include "io/crypto.h"
#include "io/signals.h"

#define TOKEN_BYTES 32
#define TOKEN_FILE_MAX 4096

void data_dir_path(const char *folder, const char *name, char out[DATA_DIR_MAX + 64])
{
    int n = snprintf(out, DATA_DIR_MAX + 64, "%s/%s", folder, name);

    assert(n > 0 && n < DATA_DIR_MAX + 64);
}

enum status data_dir_find(const char *given, char out[DATA_DIR_MAX], struct error *e)
{
    static const struct {
        const char *variable, *below;
    } places[] = {
        { "PENSTOCK_DATA_DIR", "" },
        { "ANTI_API_DATA_DIR", "/penstock" },
        { "ABV_DATA_DIR", "/penstock" },
        { "HOME", "/.penstock" },
    };
    struct str base = str_c(given);
    const char *below = "";

    for (size_t i = 0; base.len == 0 && i < COUNT(places); i++) {
        base = environment_get(places[i].variable);
        below = places[i].below;
    }
    if (base.len == 0)
        return fail(e, E_ABSENT, "no data directory: give --data-dir, or set PENSTOCK_DATA_DIR or HOME");
    while (base.len > 1 && base.at[base.len - 1] == '/')
        base.len--;
    int n = snprintf(out, DATA_DIR_MAX, "%.*s%s", (int)base.len, base.at, below);
    if (n < 0 || n >= DATA_DIR_MAX)
        return fail(e, E_LIMIT, "the data directory's path is longer than %d bytes", DATA_DIR_MAX - 1);
    return OK;
}

enum status data_dir_open(const char *folder, struct file_lock **lock, struct error *e)
{
    static const char *const ours[] = { "gui_config.json", "penstock.db", "master.key", "admin.token" };
    char path[DATA_DIR_MAX + 64];
    enum status st = folder_prepare(folder, e);

    if (st != OK)
        return st;
    data_dir_path(folder, "lock", path);
    st = file_lock_take(path, lock, e);
    for (size_t i = 0; st == OK && i < COUNT(ours); i++) {
        data_dir_path(folder, ours[i], path);
        st = file_tighten(path, e);
    }
    return st;
}

enum status data_dir_admin_token(const char *folder, struct secret *token, struct error *e)
{
    struct str given = environment_get("PENSTOCK_ADMIN_TOKEN");
    char path[DATA_DIR_MAX + 64];
    uint8_t random[TOKEN_BYTES];
    struct buf text;
    enum status st;

    if (given.len > 0) {
        *token = secret_copy(given);
        return OK;
    }
    data_dir_path(folder, "admin.token", path);
    buf_init(&text, TOKEN_FILE_MAX);
    st = file_read(path, &text, e);
    if (st == OK && str_trim(buf_str(&text)).len < TOKEN_BYTES) {
        st = fail(e, E_SYNTAX, "%s holds no token: remove the file, and a new one is made", path);
    } else if (st == E_ABSENT) {
        char hex[2 * TOKEN_BYTES + 2];

        random_bytes(random, sizeof(random));
        for (size_t i = 0; i < TOKEN_BYTES; i++)
            snprintf(hex + 2 * i, 3, "%02x", random[i]);
        hex[2 * TOKEN_BYTES] = '\n';
        text.len = 0;
        (void)buf_add(&text, (struct str){ hex, 2 * TOKEN_BYTES + 1 });
        st = file_write(path, buf_str(&text), false, e);
        wipe(hex, sizeof(hex));
        wipe(random, sizeof(random));
    }
    if (st == OK)
        *token = secret_copy(str_trim(buf_str(&text)));
    if (text.at != NULL)
        wipe(text.at, text.cap);
    buf_clear(&text);
    return st;
}
