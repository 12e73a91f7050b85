#include "app/config_file.h"

#include <stdio.h>
#include <stdlib.h>

#include "app/settings_int.h"
#include "base/log.h"
#include "base/map.h"
#include "io/crypto.h"

#define NO_FILE_TEXT "{}\n" /* what a file that is not there says */

struct config_file {
    struct arena arena;
    char *path;
    struct settings_sources sources;
    struct buf text; /* what is in force */
    struct buf disk; /* what was last read from or written to the disk: other text is an edit */
    bool disk_absent;
    struct settings *settings;
    uint64_t revision;
    bool by_hand; /* what is in force was written by somebody else */
    bool has_fault;
    struct settings_fault fault;
    struct map named; /* unknown keys that the log has named; the values mean nothing */
    struct file_watch *watch;
    void (*on_change)(void *peer, struct settings *s);
    void *peer;
    enum named_account (*named_account)(void *peer, struct str label, struct str provider);
    void *accounts_peer;
};

/* --- faults and oddities */

void config_file_describe(const struct config_file *f, const struct settings_fault *fault,
                          struct buf *out)
{
    (void)buf_add(out, str_c(f->path));
    if (fault->line > 0)
        (void)buf_printf(out, ":%u:%u", fault->line, fault->col);
    if (fault->path[0] != '\0')
        (void)buf_printf(out, ": %s", fault->path);
    (void)buf_printf(out, ": %s", fault->text);
}

static enum status fail_fault(const struct config_file *f, const struct settings_fault *fault,
                              enum status st, struct error *e)
{
    struct buf text = { .max = 8192 };

    config_file_describe(f, fault, &text);
    (void)error_set(e, st, __func__, "%.*s", (int)text.len, buf_str(&text).at);
    buf_clear(&text);
    return st;
}

static void name_unknown(void *peer, enum settings_oddity kind, struct str path)
{
    struct config_file *f = peer;

    if (kind == SETTINGS_UNKNOWN && map_put(&f->named, path, f) == NULL)
        log_warn("the settings have a key that is not known here: it is kept, and not used",
                 F_C("file", f->path), F_STR("key", path));
}

static void name_clear_secret(void *peer, enum settings_oddity kind, struct str path)
{
    const struct config_file *f = peer;

    if (kind == SETTINGS_SECRET_IN_CLEAR)
        log_warn("the settings hold a key in clear: an environment variable or the database would "
                 "be safer",
                 F_C("file", f->path), F_STR("key", path));
}

/* --- what is in force */

static void buf_set(struct buf *b, struct str s)
{
    bool fits;

    b->len = 0;
    fits = buf_add(b, s);
    assert(fits); /* whoever calls has checked the size */
}

static void take_text(struct config_file *f, struct str text, struct settings *s, bool by_hand)
{
    f->by_hand = by_hand;
    settings_unref(f->settings);
    f->settings = s;
    buf_set(&f->text, text);
    f->revision++;
    log_set_format(s->logs_format == LOGS_JSON ? LOG_JSON : LOG_TEXT);
    settings_survey(text, name_unknown, f);
    if (f->on_change != NULL)
        f->on_change(f->peer, s);
}

static void fault_clear(struct config_file *f)
{
    if (f->has_fault)
        log_info("the settings file is good again", F_C("file", f->path));
    f->has_fault = false;
}

/* What the disk says now. An absent file says what is in force: it was moved away, perhaps by an
 * editor that is about to write it, and that is no wish for the defaults. */
static enum status disk_read(const struct config_file *f, struct buf *now, bool *absent,
                             struct error *e)
{
    enum status st = file_read(f->path, now, e);

    *absent = st == E_ABSENT;
    return st == E_ABSENT ? OK : st;
}

static bool disk_is_as_before(const struct config_file *f, struct str now, bool absent)
{
    return absent || (!f->disk_absent && str_eq(now, buf_str(&f->disk)));
}

/* Takes what the disk says when that is new. E_SYNTAX: it is broken, and the fault is kept. */
static enum status disk_follow(struct config_file *f, struct error *e)
{
    struct buf now = { .max = SETTINGS_BYTES_MAX };
    struct settings_fault fault;
    struct settings *s;
    bool absent;
    enum status st = disk_read(f, &now, &absent, e);

    if (st != OK || disk_is_as_before(f, buf_str(&now), absent)) {
        if (st == OK && f->has_fault && !absent)
            st = fail_fault(f, &f->fault, E_SYNTAX, e);
        goto out;
    }
    buf_set(&f->disk, buf_str(&now));
    f->disk_absent = false;
    if (settings_read(buf_str(&now), &f->sources, &s, &fault)) {
        fault_clear(f);
        if (str_eq(buf_str(&now), buf_str(&f->text)))
            settings_unref(s); /* what we wrote ourselves */
        else
            take_text(f, buf_str(&now), s, true);
        goto out;
    }
    f->fault = fault;
    f->has_fault = true;
    st = fail_fault(f, &fault, E_SYNTAX, e);
    log_error("the settings file cannot be used: the settings before it stay in force",
              F_C("file", f->path), F_C("key", fault.path), F_C("why", fault.text),
              F_INT("line", fault.line), F_INT("column", fault.col));
out:
    buf_clear(&now);
    return st;
}

/* --- life */

static enum status open_read(struct config_file *f, bool must_exist, struct error *e)
{
    struct settings_fault fault;
    struct settings *s;
    enum status st = disk_read(f, &f->disk, &f->disk_absent, e);

    if (st != OK)
        return st;
    if (f->disk_absent && must_exist)
        return fail(e, E_ABSENT, "there is no settings file %s", f->path);
    struct str text = f->disk_absent ? STR(NO_FILE_TEXT) : buf_str(&f->disk);

    if (!settings_read(text, &f->sources, &s, &fault))
        return fail_fault(f, &fault, E_SYNTAX, e);
    take_text(f, text, s, true);
    settings_survey(text, name_clear_secret, f);
    return OK;
}

enum status config_file_open(const char *folder, const char *path,
                             const struct settings_sources *sources, struct config_file **out,
                             struct settings **settings, struct error *e)
{
    const uint64_t key[2] = { random_u64(), random_u64() };
    struct config_file *f = must_calloc(1, sizeof(*f));
    struct error mode = { .status = OK };
    enum status st;

    f->sources = *sources;
    f->path = (char *)(uintptr_t)(path != NULL
                                      ? arena_copy(&f->arena, str_c(path)).at
                                      : arena_printf(&f->arena, "%s/" CONFIG_FILE_NAME, folder).at);
    buf_init(&f->text, SETTINGS_BYTES_MAX);
    buf_init(&f->disk, SETTINGS_BYTES_MAX);
    map_init(&f->named, key);
    /* somebody else's file (mounted into a container, say) is used as it is, but told of */
    if (path == NULL && file_tighten(f->path, &mode) != OK)
        log_warn("the settings file's mode could not be set", F_C("why", mode.text));
    st = open_read(f, path != NULL, e);
    if (st != OK) {
        config_file_close(f);
        return st;
    }
    if (settings != NULL)
        *settings = settings_ref(f->settings);
    *out = f;
    return OK;
}

/* Keys may stand in the text in clear. */
static void buf_wipe(struct buf *b)
{
    if (b->cap > 0)
        wipe(b->at, b->cap);
    buf_clear(b);
}

void config_file_close(struct config_file *f)
{
    if (f == NULL)
        return;
    file_watch_free(f->watch);
    settings_unref(f->settings);
    buf_wipe(&f->text);
    buf_wipe(&f->disk);
    map_clear(&f->named);
    arena_free(&f->arena);
    free(f);
}

void config_file_on_change(struct config_file *f, void (*on_change)(void *peer, struct settings *s),
                           void *peer)
{
    f->on_change = on_change;
    f->peer = peer;
}

static bool route_names(const struct route_spec *specs, size_t count, struct str account,
                        struct str provider)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < specs[i].entry_count; k++)
            if (str_eq(specs[i].entries[k].account, account) &&
                str_eq(specs[i].entries[k].provider, provider))
                return true;
    return false;
}

/* An account that was removed while a route names it does not make the next edit of something else
 * a fault. */
static enum named_account account_or_old_entry(void *peer, struct str label, struct str provider)
{
    const struct config_file *f = peer;
    const struct routing_spec *now = &f->settings->routing;

    return route_names(now->flows, now->flow_count, label, provider) ||
                   route_names(now->accounts, now->account_count, label, provider)
               ? NAMED_GOOD
               : f->named_account(f->accounts_peer, label, provider);
}

void config_file_on_accounts(struct config_file *f,
                             enum named_account (*named)(void *peer, struct str label,
                                                         struct str provider),
                             void *peer)
{
    f->named_account = named;
    f->accounts_peer = peer;
    f->sources.named_account = account_or_old_entry;
    f->sources.peer = f;
}

static void watched(void *peer)
{
    struct config_file *f = peer;
    struct error e = { .status = OK };
    enum status st = disk_follow(f, &e);

    if (st != OK && st != E_SYNTAX) /* that one has been logged with its place */
        log_error("the settings file cannot be read: the settings before it stay in force",
                  F_C("why", e.text));
}

bool config_file_watch(struct config_file *f, struct loop *l)
{
    assert(f->watch == NULL);
    f->watch = file_watch_new(l, f->path, watched, f);
    if (f->watch == NULL) {
        log_warn("the settings file cannot be watched: edits take effect with SIGHUP",
                 F_C("file", f->path));
        return false;
    }
    watched(f); /* edits since it was opened */
    return true;
}

enum status config_file_reload(struct config_file *f, struct error *e)
{
    return disk_follow(f, e);
}

/* --- changes */

/* Writes what is in force already. The owner took the right to write away: a rename would get
 * around that. */
static enum status change_write(struct config_file *f, struct error *e)
{
    struct error own = { .status = OK };
    enum status st = OK;

    if (file_is_read_only(f->path))
        (void)fail(&own, E_IO, "%s is read-only", f->path);
    else
        st = file_write(f->path, buf_str(&f->text), true, &own);
    if (own.status == OK && st == OK) {
        buf_set(&f->disk, buf_str(&f->text));
        f->disk_absent = false;
        return OK;
    }
    return fail(e, E_IO, "changed for this run only: %s", own.text);
}

/* Makes the changes one after the other in a text of their own; all of them or none. */
static enum status change_text(const struct config_file *f, const struct settings_change *changes,
                               size_t count, struct buf *edited, struct settings_fault *fault)
{
    struct buf before = { .max = SETTINGS_BYTES_MAX };
    enum status st = OK;

    buf_set(edited, buf_str(&f->text));
    for (size_t i = 0; i < count && st == OK; i++) {
        buf_set(&before, buf_str(edited));
        edited->len = 0;
        st = settings_edit(buf_str(&before), changes[i].path, changes[i].raw, edited, fault);
    }
    buf_wipe(&before);
    return st;
}

/* Keys that are not known, a line each, without the numbers of list elements: those change when an
 * element goes. `fresh` is the first that `known` has not. */
struct unknown {
    struct buf lines;
    const struct buf *known; /* NULL: none is asked for */
    struct buf fresh;
};

static void note_unknown(void *peer, enum settings_oddity kind, struct str path)
{
    struct unknown *u = peer;
    size_t from = u->lines.len;

    if (kind != SETTINGS_UNKNOWN)
        return;
    (void)buf_add(&u->lines, STR("\n"));
    for (size_t i = 0; i < path.len; i++)
        if (i == 0 || path.at[i] < '0' || path.at[i] > '9' || path.at[i - 1] != '[')
            (void)buf_add(&u->lines, (struct str){ path.at + i, 1 });
    (void)buf_add(&u->lines, STR("\n"));
    if (u->known != NULL && u->fresh.len == 0 &&
        str_find(buf_str(u->known), str_drop(buf_str(&u->lines), from)) == SIZE_MAX)
        (void)buf_add(&u->fresh, path);
}

/* What somebody has written into the file by hand and we do not know may stay; a change that brings
 * something new of the kind is a slip of whoever asks for it. */
static enum status refuse_unknown(const struct config_file *f, struct str edited, struct error *e)
{
    struct unknown before = { .lines.max = 2 * SETTINGS_BYTES_MAX }, after = {
        .lines.max = 2 * SETTINGS_BYTES_MAX, .fresh.max = SETTINGS_BYTES_MAX, .known = &before.lines
    };
    enum status st = OK;

    settings_survey(buf_str(&f->text), note_unknown, &before);
    settings_survey(edited, note_unknown, &after);
    if (after.fresh.len > 0)
        st = fail(e, E_SYNTAX, "%.*s: is not known here",
                  STR_ARG(str_take(buf_str(&after.fresh), 200)));
    buf_clear(&before.lines);
    buf_clear(&after.lines);
    buf_clear(&after.fresh);
    return st;
}

enum status config_file_change_all(struct config_file *f, const struct settings_change *changes,
                                   size_t count, uint64_t revision, struct error *e)
{
    struct buf edited = { .max = SETTINGS_BYTES_MAX };
    struct error broken = { .status = OK };
    struct settings_fault fault;
    struct settings *s;
    enum status st = disk_follow(f, &broken);

    if (st == E_SYNTAX)
        return fail(e, E_CONFLICT, "the settings file must be put right first: %s", broken.text);
    if (revision != 0 && revision != f->revision)
        return fail(e, E_CONFLICT, "the settings have changed meanwhile: look at them again");
    st = change_text(f, changes, count, &edited, &fault);
    if (st == OK && !settings_read(buf_str(&edited), &f->sources, &s, &fault))
        st = E_SYNTAX;
    if (st != OK) {
        (void)fail(e, st, "%s: %s", fault.path, fault.text);
        goto out;
    }
    st = refuse_unknown(f, buf_str(&edited), e);
    if (st != OK) {
        settings_unref(s);
        goto out;
    }
    take_text(f, buf_str(&edited), s, false);
    st = change_write(f, e);
out:
    buf_wipe(&edited);
    return st;
}

enum status config_file_change(struct config_file *f, struct str path, struct str raw,
                               uint64_t revision, struct error *e)
{
    return config_file_change_all(f, &(struct settings_change){ path, raw }, 1, revision, e);
}

/* --- looking */

struct settings *config_file_settings(const struct config_file *f)
{
    return f->settings;
}

struct str config_file_text(const struct config_file *f)
{
    return buf_str(&f->text);
}

const char *config_file_path(const struct config_file *f)
{
    return f->path;
}

uint64_t config_file_revision(const struct config_file *f)
{
    return f->revision;
}

bool config_file_by_hand(const struct config_file *f)
{
    return f->by_hand;
}

const struct settings_fault *config_file_fault(const struct config_file *f)
{
    return f->has_fault ? &f->fault : NULL;
}
