#include "app/config_file.h"

#include <stdio.h>
#include <stdlib.h>

#include "app/data_dir.h"
#include "base/log.h"
#include "io/file.h"

struct config_file {
    char path[DATA_DIR_MAX + 64];
    struct settings_sources sources;
    struct buf text; /* the bytes that the settings in force came from, or that were found broken */
    bool absent, broken;
    struct settings *settings;
    struct file_watch *watch;
    config_file_fn *fn;
    void *peer;
};

static void fault_sentence(const struct config_file *c, const struct settings_fault *f, struct error *e)
{
    bool placed = f->line > 0;
    char place[48] = "";

    if (placed)
        snprintf(place, sizeof(place), " line %u, column %u:", f->line, f->col);
    (void)fail(e, E_SYNTAX, "%s:%s %s%s%s", c->path, place, f->path, f->path[0] != '\0' ? ": " : "", f->text);
}

static void warn_of_clear_keys(const struct config_file *c, struct str text)
{
    if (str_find(text, STR("\"api_key\"")) != SIZE_MAX)
        log_warn("an account's key stands in clear in the settings file; `api_key_env`, or an account added by "
                 "command, keeps it out",
                 F_C("file", c->path));
}

/* Reads `text` into new settings. On failure the old ones stay. */
static enum status take_text(struct config_file *c, struct str text, struct error *e)
{
    struct settings_fault fault = { 0 };
    struct settings *fresh = NULL;

    if (!settings_read(text, &c->sources, &fresh, &fault)) {
        fault_sentence(c, &fault, e);
        return e->status;
    }
    settings_unref(c->settings);
    c->settings = fresh;
    return OK;
}

static enum status read_bytes(struct config_file *c, struct buf *into, struct error *e)
{
    buf_init(into, SETTINGS_BYTES_MAX);
    enum status st = file_read(c->path, into, e);

    c->absent = st == E_ABSENT;
    if (st == E_ABSENT) {
        (void)buf_add(into, STR("{}\n"));
        return OK;
    }
    if (st == OK && str_trim(buf_str(into)).len == 0)
        return fail(e, E_SYNTAX, "%s: line 1: the file is empty; remove it, or write {}", c->path);
    return st;
}

enum status config_file_open(const char *folder, const char *path, const struct settings_sources *sources,
                             struct config_file **out, struct error *e)
{
    struct config_file *c = must_calloc(1, sizeof(*c));
    enum status st;

    c->sources = *sources;
    *out = c;
    if (path == NULL)
        data_dir_path(folder, "gui_config.json", c->path);
    else if (strlen(path) >= sizeof(c->path))
        return fail(e, E_LIMIT, "the path of the settings file is too long");
    else
        memcpy(c->path, path, strlen(path) + 1);
    st = read_bytes(c, &c->text, e);
    if (st == OK && c->absent && path != NULL)
        st = fail(e, E_ABSENT, "%s: there is no such settings file", path);
    if (st == OK)
        st = take_text(c, buf_str(&c->text), e);
    if (st == OK)
        warn_of_clear_keys(c, buf_str(&c->text));
    return st;
}

void config_file_close(struct config_file *c)
{
    if (c == NULL)
        return;
    if (c->watch != NULL)
        file_watch_free(c->watch);
    if (c->settings != NULL)
        settings_unref(c->settings);
    if (c->text.at != NULL)
        wipe(c->text.at, c->text.cap); /* it may hold keys */
    buf_clear(&c->text);
    free(c);
}

struct settings *config_file_settings(struct config_file *c)
{
    return c->settings;
}

static void tell(struct config_file *c, struct settings *s, const char *fault)
{
    if (c->fn != NULL)
        c->fn(c->peer, s, fault);
}

static void keep_text(struct config_file *c, struct buf *fresh)
{
    if (c->text.at != NULL)
        wipe(c->text.at, c->text.cap);
    buf_clear(&c->text);
    c->text = *fresh;
    *fresh = (struct buf){ 0 };
}

void config_file_reload(struct config_file *c)
{
    struct buf fresh;
    struct error e = { 0 };
    enum status st = read_bytes(c, &fresh, &e);

    if (st == OK && str_eq(buf_str(&fresh), buf_str(&c->text))) {
        buf_clear(&fresh);
        return;
    }
    if (st == OK)
        st = take_text(c, buf_str(&fresh), &e);
    keep_text(c, &fresh);
    c->broken = st != OK;
    if (st != OK) {
        log_error("the settings file is wrong; the last good settings stay in force", F_C("why", e.text));
        tell(c, NULL, e.text);
        return;
    }
    tell(c, c->settings, NULL);
}

static void on_change(void *peer)
{
    config_file_reload(peer);
}

void config_file_watch(struct config_file *c, struct loop *l, config_file_fn *fn, void *peer)
{
    c->fn = fn;
    c->peer = peer;
    c->watch = file_watch_new(l, c->path, on_change, c);
}

enum status config_file_change(struct config_file *c, struct str path, struct str raw, struct error *e)
{
    struct settings_fault fault = { 0 };
    struct error not_written = { 0 };
    struct buf edited;
    enum status st;

    config_file_reload(c); /* what somebody wrote meanwhile is not lost */
    if (c->broken)
        return fail(e, E_CONFLICT, "%s is broken now; mend it first", c->path);
    buf_init(&edited, SETTINGS_BYTES_MAX);
    st = settings_edit(buf_str(&c->text), path, raw, &edited, &fault);
    if (st == OK)
        st = take_text(c, buf_str(&edited), e);
    else
        (void)fail(e, st, "%s: %s", fault.path, fault.text);
    if (st != OK) {
        buf_clear(&edited);
        return st;
    }
    enum status written = file_write(c->path, buf_str(&edited), true, &not_written);
    keep_text(c, &edited);
    c->absent = false;
    tell(c, c->settings, NULL);
    if (written != OK)
        return fail(e, written, "%s: the change holds for this run only", not_written.text);
    return OK;
}
