/* app/desk_capture.c - bodies that were captured become files, and old ones go. */
#include <stdio.h>

#include "app/data_dir.h"
#include "app/desk_int.h"
#include "base/log.h"
#include "io/file.h"

#define KEEP_MS (INT64_C(24) * 3600 * 1000)
#define FILE_MAX ((size_t)16 << 20)

struct sweep {
    const char *folder;
    int64_t before_ms;
};

static void sweep_one(void *peer, const char *name)
{
    const struct sweep *s = peer;
    char path[DATA_DIR_MAX + 300];
    struct error e;

    snprintf(path, sizeof(path), "%s/%s", s->folder, name);
    struct file_facts f = file_facts(path);

    if (f.there && !f.is_folder && f.changed_unix_ms < s->before_ms &&
        str_ends(str_c(name), STR(".json")) && file_remove(path, &e) != OK)
        log_warn("a captured body cannot be removed", F_C("why", e.text));
}

static enum status write_one(const char *folder, const struct captured *c, struct error *e)
{
    char path[DATA_DIR_MAX + 64];
    struct buf text = { .max = FILE_MAX };

    snprintf(path, sizeof(path), "%s/%s.json", folder, c->request_id);
    captured_put(c, &text);
    enum status st = file_write(path, buf_str(&text), false, e);

    buf_clear(&text);
    return st;
}

void desk_capture_write(struct desk *d)
{
    struct captured *next, *all = d->o.capture == NULL ? NULL : capture_take(d->o.capture);
    char folder[DATA_DIR_MAX + 16];
    struct error e = { .status = OK };

    if (all == NULL)
        return;
    snprintf(folder, sizeof(folder), "%s/bodies", d->o.folder);
    enum status st = folder_prepare(folder, &e);

    if (st == OK)
        folder_each(folder, sweep_one, &(struct sweep){ folder, clock_unix_ms() - KEEP_MS });
    for (struct captured *c = all; c != NULL; c = next) {
        next = c->next;
        if (st == OK)
            st = write_one(folder, c, &e);
        captured_free(c);
    }
    if (st != OK)
        log_warn("captured bodies cannot be written", F_C("why", e.text));
}
