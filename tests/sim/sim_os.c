/* tests/sim/sim_os.c - the rest of the simulated system: mailboxes, names, files, signals. */
#include <stdio.h>
#include <stdlib.h>

#include "io/crypto.h"
#include "io/dns.h"
#include "io/file.h"
#include "io/mailbox.h"
#include "io/signals.h"
#include "sim_int.h"

#define WATCH_MS 100
#define TEXT_MAX 256

struct name {
    char host[TEXT_MAX];
    struct address found[DNS_ADDRESSES_MAX];
    size_t count;
    int64_t delay_ms;
};

struct file {
    char path[TEXT_MAX];
    struct buf bytes;
    bool exists, locked, fails;
};

struct variable {
    char name[TEXT_MAX], value[TEXT_MAX];
};

struct system {
    struct list names, files, watches, variables;
    struct signals *signals;
    size_t names_asked;
};

static void text_copy(char out[TEXT_MAX], struct str s)
{
    assert(s.len < TEXT_MAX);
    memcpy(out, s.at, s.len);
    out[s.len] = '\0';
}

struct system *system_new(void)
{
    return must_calloc(1, sizeof(struct system));
}

static void list_free_items(struct list *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->at[i]);
    list_free(l);
}

void system_free(struct system *s)
{
    for (size_t i = 0; i < s->files.count; i++)
        buf_clear(&((struct file *)s->files.at[i])->bytes);
    assert(s->watches.count == 0);
    list_free_items(&s->names);
    list_free_items(&s->files);
    list_free_items(&s->variables);
    list_free(&s->watches);
    free(s);
}

/* --- mailboxes */

struct mailbox {
    struct source source;
    struct calls waiting;
};

static bool mailbox_is_ready(const struct source *source)
{
    return ((const struct mailbox *)(const void *)source)->waiting.count > 0;
}

/* What is there now: what these messages send waits for the next turn. */
static void mailbox_run(struct source *source)
{
    struct mailbox *m = (struct mailbox *)(void *)source;
    struct calls batch = m->waiting;

    m->waiting = (struct calls){ 0 };
    for (size_t i = 0; i < batch.count; i++)
        batch.at[i].fn(batch.at[i].peer);
    free(batch.at);
}

struct mailbox *mailbox_new(struct loop *l)
{
    struct mailbox *m = must_calloc(1, sizeof(*m));

    source_add(&m->source, l, mailbox_is_ready, mailbox_run);
    return m;
}

void mailbox_free(struct mailbox *m)
{
    if (m == NULL)
        return;
    while (m->waiting.count > 0)
        mailbox_run(&m->source);
    source_remove(&m->source);
}

bool mailbox_send(struct mailbox *m, void (*fn)(void *message), void *message)
{
    struct calls *w = &m->waiting;

    assert(fn != NULL && !m->source.gone);
    if (w->count == MAILBOX_MAX)
        return false;
    if (w->count == w->cap) {
        w->cap = w->cap > 0 ? w->cap * 2 : 32;
        w->at = must_realloc(w->at, w->cap * sizeof(w->at[0]));
    }
    w->at[w->count++] = (struct call){ fn, message };
    return true;
}

/* --- names */

struct dns {
    struct loop *loop;
};

struct dns_query {
    struct timer timer;
    dns_fn *fn; /* NULL: cancelled */
    void *peer;
    struct address found[DNS_ADDRESSES_MAX];
    size_t count;
    const char *why;
};

struct dns *dns_new(struct loop *l)
{
    struct dns *d = must_calloc(1, sizeof(*d));

    d->loop = l;
    return d;
}

void dns_free(struct dns *d)
{
    free(d);
}

static const struct name *name_find(struct str host)
{
    const struct list *l = &world->system->names;

    for (size_t i = l->count; i > 0; i--) { /* the newest word counts */
        const struct name *n = l->at[i - 1];

        if (str_ieq(str_c(n->host), host))
            return n;
    }
    return NULL;
}

static void query_tell(void *peer)
{
    struct dns_query *q = peer;

    if (q->fn != NULL)
        q->fn(q->peer, q->found, q->count, q->count > 0 ? NULL : q->why);
    free(q);
}

static void query_tell_at(void *peer, __attribute__((unused)) int64_t now_ms)
{
    query_tell(peer);
}

/* How long the answer takes; it is in `q` by then. */
static int64_t query_answer(struct dns_query *q, struct str host, uint16_t port)
{
    const struct name *n;

    if (address_from_ip(host, port, &q->found[0]) ||
        (str_ieq(host, STR("localhost")) &&
         address_from_ip(STR("127.0.0.1"), port, &q->found[0]))) {
        q->count = 1;
        return 0;
    }
    world->system->names_asked++;
    n = name_find(host);
    if (n == NULL)
        return 0;
    q->count = n->count;
    for (size_t i = 0; i < n->count; i++) {
        q->found[i] = n->found[i];
        q->found[i].port = port;
    }
    return n->delay_ms;
}

struct dns_query *dns_resolve(struct dns *d, struct str host, uint16_t port, int64_t timeout_ms,
                              dns_fn *fn, void *peer)
{
    struct dns_query *q = must_calloc(1, sizeof(*q));
    int64_t delay_ms;

    assert(fn != NULL);
    q->fn = fn;
    q->peer = peer;
    q->why = "unknown node or service";
    timer_init(&q->timer, d->loop, query_tell_at, q);
    delay_ms = query_answer(q, host, port);
    if (delay_ms == 0) {
        loop_later(d->loop, query_tell, q);
        return q;
    }
    if (delay_ms >= timeout_ms) {
        q->count = 0;
        q->why = "the name server did not answer in time";
        delay_ms = timeout_ms;
    }
    timer_start(&q->timer, delay_ms);
    return q;
}

void dns_cancel(struct dns_query *q)
{
    if (timer_is_running(&q->timer)) {
        timer_stop(&q->timer);
        free(q);
        return;
    }
    q->fn = NULL; /* its call is on the loop's list */
}

void sim_set_name(struct str host, const struct address *found, size_t count, int64_t delay_ms)
{
    struct name *n = must_calloc(1, sizeof(*n));

    assert(count <= DNS_ADDRESSES_MAX);
    text_copy(n->host, host);
    for (size_t i = 0; i < count; i++)
        n->found[i] = found[i];
    n->count = count;
    n->delay_ms = delay_ms;
    list_add(&world->system->names, n);
}

size_t sim_names_asked(void)
{
    return world->system->names_asked;
}

/* --- files */

static struct file *file_of(struct str path)
{
    struct list *l = &world->system->files;

    for (size_t i = 0; i < l->count; i++)
        if (str_eq(str_c(((struct file *)l->at[i])->path), path))
            return l->at[i];

    struct file *f = must_calloc(1, sizeof(*f));

    text_copy(f->path, path);
    buf_init(&f->bytes, SIZE_MAX / 2);
    list_add(l, f);
    return f;
}

struct file_watch {
    struct timer calm;
    struct file *file;
    void (*fn)(void *peer);
    void *peer;
};

static void file_changed(const struct file *f)
{
    for (size_t i = 0; i < world->system->watches.count; i++) {
        struct file_watch *w = world->system->watches.at[i];

        if (w->file == f && !timer_is_running(&w->calm))
            timer_start(&w->calm, WATCH_MS);
    }
}

static void file_set(struct file *f, struct str bytes)
{
    f->exists = true;
    f->bytes.len = 0;

    bool added = buf_add(&f->bytes, bytes);

    assert(added);
    file_changed(f);
}

static enum status file_usable(const struct file *f, struct error *e)
{
    return f->fails ? fail(e, E_IO, "%s: input/output error", f->path) : OK;
}

enum status file_read(const char *path, struct buf *out, struct error *e)
{
    const struct file *f = file_of(str_c(path));

    if (file_usable(f, e) != OK)
        return E_IO;
    if (!f->exists)
        return fail(e, E_ABSENT, "cannot open %s: no such file or directory", path);
    if (!buf_add(out, buf_str(&f->bytes)))
        return fail(e, E_LIMIT, "%s is larger than %zu bytes", path, out->max);
    return OK;
}

enum status file_write(const char *path, struct str bytes, bool keep_backup, struct error *e)
{
    struct file *f = file_of(str_c(path));

    if (file_usable(f, e) != OK)
        return E_IO;
    if (keep_backup && f->exists) {
        char bak[TEXT_MAX];
        int len = snprintf(bak, sizeof(bak), "%s.bak", path);

        file_set(file_of((struct str){ bak, (size_t)len }), buf_str(&f->bytes));
    }
    file_set(f, bytes);
    return OK;
}

enum status folder_prepare(const char *path, struct error *e)
{
    return file_usable(file_of(str_c(path)), e);
}

enum status file_tighten(const char *path, struct error *e)
{
    return file_usable(file_of(str_c(path)), e);
}

struct file_lock {
    struct file *file;
};

enum status file_lock_take(const char *path, struct file_lock **lock, struct error *e)
{
    struct file *f = file_of(str_c(path));

    if (file_usable(f, e) != OK)
        return E_IO;
    if (f->locked)
        return fail(e, E_CONFLICT, "%s is held by process 1", path);
    f->locked = true;
    *lock = must_alloc(sizeof(**lock));
    (*lock)->file = f;
    return OK;
}

void file_lock_drop(struct file_lock *lock)
{
    if (lock == NULL)
        return;
    lock->file->locked = false;
    free(lock);
}

static void watch_calm(void *peer, __attribute__((unused)) int64_t now_ms)
{
    struct file_watch *w = peer;

    w->fn(w->peer);
}

struct file_watch *file_watch_new(struct loop *l, const char *path, void (*fn)(void *peer),
                                  void *peer)
{
    struct file_watch *w = must_calloc(1, sizeof(*w));

    w->file = file_of(str_c(path));
    w->fn = fn;
    w->peer = peer;
    timer_init(&w->calm, l, watch_calm, w);
    list_add(&world->system->watches, w);
    return w;
}

void file_watch_free(struct file_watch *w)
{
    if (w == NULL)
        return;
    timer_stop(&w->calm);
    list_remove(&world->system->watches, w);
    free(w);
}

struct file_append {
    struct file *file;
};

enum status file_append_open(const char *path, struct file_append **f, struct error *e)
{
    struct file *file = file_of(str_c(path));

    if (file_usable(file, e) != OK)
        return E_IO;
    file->exists = true;
    *f = must_alloc(sizeof(**f));
    (*f)->file = file;
    return OK;
}

enum status file_append_bytes(struct file_append *f, struct str bytes, struct error *e)
{
    if (file_usable(f->file, e) != OK)
        return E_IO;

    bool added = buf_add(&f->file->bytes, bytes);

    assert(added);
    file_changed(f->file);
    return OK;
}

void file_append_close(struct file_append *f)
{
    free(f);
}

void sim_file_put(const char *path, struct str bytes)
{
    file_set(file_of(str_c(path)), bytes);
}

bool sim_file_get(const char *path, struct str *bytes)
{
    const struct file *f = file_of(str_c(path));

    *bytes = buf_str(&f->bytes);
    return f->exists;
}

void sim_file_fail(const char *path, bool fails)
{
    file_of(str_c(path))->fails = fails;
}

/* --- signals and the process */

struct signals {
    struct source source;
    void (*on_stop)(void *peer);
    void (*on_reload)(void *peer);
    void *peer;
    unsigned stops, reloads; /* waiting */
};

static bool signals_are_ready(const struct source *source)
{
    const struct signals *s = (const struct signals *)(const void *)source;

    return s->stops + s->reloads > 0;
}

static void signals_run(struct source *source)
{
    struct signals *s = (struct signals *)(void *)source;

    if (s->reloads > 0) {
        s->reloads--;
        s->on_reload(s->peer);
    } else {
        s->stops--;
        s->on_stop(s->peer);
    }
}

struct signals *signals_new(struct loop *l, void (*on_stop)(void *peer),
                            void (*on_reload)(void *peer), void *peer)
{
    struct signals *s = must_calloc(1, sizeof(*s));

    assert(world->system->signals == NULL);
    source_add(&s->source, l, signals_are_ready, signals_run);
    s->on_stop = on_stop;
    s->on_reload = on_reload;
    s->peer = peer;
    world->system->signals = s;
    return s;
}

void signals_free(struct signals *s)
{
    if (s == NULL)
        return;
    world->system->signals = NULL;
    source_remove(&s->source);
}

void sim_signal(bool reload)
{
    struct signals *s = world->system->signals;

    assert(s != NULL);
    if (reload)
        s->reloads++;
    else
        s->stops++;
}

void process_prepare(__attribute__((unused)) bool debuggable)
{
    /* the test's process is the test's business */
}

_Noreturn void process_end(int code)
{
    exit(code);
}

void sim_set_environment(const char *name, const char *value)
{
    struct variable *v = NULL;
    struct list *l = &world->system->variables;

    for (size_t i = 0; i < l->count; i++)
        if (strcmp(((struct variable *)l->at[i])->name, name) == 0)
            v = l->at[i];
    if (v == NULL) {
        v = must_calloc(1, sizeof(*v));
        text_copy(v->name, str_c(name));
        list_add(l, v);
    }
    text_copy(v->value, str_c(value));
}

struct str environment_get(const char *name)
{
    const struct list *l = &world->system->variables;

    for (size_t i = 0; i < l->count; i++) {
        const struct variable *v = l->at[i];

        if (strcmp(v->name, name) == 0)
            return str_c(v->value);
    }
    return STR("");
}

unsigned machine_cores(void)
{
    return 1;
}
