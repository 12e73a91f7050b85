#include "exchange/capture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/utf8.h"

struct capture {
    _Atomic int64_t until_unix_ms; /* 0: off */
    _Atomic int64_t bytes;
    _Atomic uint64_t requests;
    pthread_mutex_t lock; /* of what follows */
    char session[CAPTURE_SESSION];
    struct captured *first, **last; /* finished */
};

struct capture *capture_new(void)
{
    struct capture *c = must_calloc(1, sizeof(*c));

    pthread_mutex_init(&c->lock, NULL);
    c->last = &c->first;
    return c;
}

void capture_free(struct capture *c)
{
    if (c == NULL)
        return;
    for (struct captured *d = capture_take(c), *next; d != NULL; d = next) {
        next = d->next;
        captured_free(d);
    }
    pthread_mutex_destroy(&c->lock);
    free(c);
}

void capture_start(struct capture *c, struct str session, int64_t now_unix_ms,
                   int64_t until_unix_ms)
{
    int64_t latest = now_unix_ms + CAPTURE_MS_MAX;
    size_t len = session.len < CAPTURE_SESSION - 1 ? session.len : CAPTURE_SESSION - 1;

    pthread_mutex_lock(&c->lock);
    memcpy(c->session, session.at, len);
    c->session[len] = '\0';
    pthread_mutex_unlock(&c->lock);
    atomic_store(&c->bytes, 0);
    atomic_store(&c->requests, 0);
    atomic_store(&c->until_unix_ms, until_unix_ms < latest ? until_unix_ms : latest);
}

void capture_stop(struct capture *c)
{
    atomic_store(&c->until_unix_ms, 0);
}

bool capture_is_on(const struct capture *c)
{
    return atomic_load_explicit(&c->until_unix_ms, memory_order_relaxed) != 0;
}

void capture_get(struct capture *c, int64_t now_unix_ms, struct capture_state *out)
{
    int64_t until = atomic_load(&c->until_unix_ms);

    *out = (struct capture_state){ .until_unix_ms = until > now_unix_ms ? until : 0,
                                   .bytes = atomic_load(&c->bytes),
                                   .requests = atomic_load(&c->requests) };
    pthread_mutex_lock(&c->lock);
    memcpy(out->session, c->session, sizeof(out->session));
    pthread_mutex_unlock(&c->lock);
}

/* --- one request */

static void copy_text(char *out, size_t size, struct str text)
{
    size_t len = text.len < size - 1 ? text.len : size - 1;

    memcpy(out, text.at, len);
    out[len] = '\0';
}

/* As much as there is room for; true: not all of it. */
static bool take(struct captured *d, struct buf *to, struct str bytes)
{
    size_t room = CAPTURE_BODY_MAX - to->len;
    struct str fits = str_take(bytes, room);

    if (atomic_fetch_add_explicit(&d->capture->bytes, (int64_t)fits.len, memory_order_relaxed) >
        CAPTURE_BYTES_MAX)
        return true;
    return !buf_add(to, fits) || fits.len < bytes.len;
}

static bool is_wanted(struct capture *c, struct str session)
{
    bool wanted;

    pthread_mutex_lock(&c->lock);
    wanted = c->session[0] == '\0' || str_eq(session, str_c(c->session));
    pthread_mutex_unlock(&c->lock);
    return wanted;
}

struct captured *capture_begin(struct capture *c, struct str request_id, struct str session,
                               int64_t unix_ms, struct str body)
{
    int64_t until = atomic_load_explicit(&c->until_unix_ms, memory_order_relaxed);
    struct captured *d;

    if (until <= unix_ms) {
        (void)atomic_compare_exchange_strong(&c->until_unix_ms, &until, 0); /* its time is over */
        return NULL;
    }
    if (atomic_load_explicit(&c->bytes, memory_order_relaxed) > CAPTURE_BYTES_MAX ||
        !is_wanted(c, session))
        return NULL;
    d = must_calloc(1, sizeof(*d));
    d->capture = c;
    d->unix_ms = unix_ms;
    d->asked.max = d->answered.max = CAPTURE_BODY_MAX;
    d->record.max = (size_t)64 << 10;
    copy_text(d->request_id, sizeof(d->request_id), request_id);
    copy_text(d->session, sizeof(d->session), session);
    atomic_fetch_add(&c->requests, 1);
    d->asked_clipped = take(d, &d->asked, body);
    return d;
}

void captured_answer(struct captured *d, const struct str *parts, size_t count)
{
    for (size_t i = 0; i < count && !d->answered_clipped; i++)
        d->answered_clipped = take(d, &d->answered, parts[i]);
}

static void finish(struct captured *d)
{
    struct capture *c = d->capture;

    if (!d->request_over || !d->exchange_over)
        return;
    pthread_mutex_lock(&c->lock);
    d->next = NULL;
    *c->last = d;
    c->last = &d->next;
    pthread_mutex_unlock(&c->lock);
}

void captured_record(struct captured *d, const struct access_record *r)
{
    struct json_writer w = json_writer(&d->record);

    access_put(&w, r);
    if (!json_written(&w))
        d->record.len = 0;
    d->exchange_over = true;
    finish(d);
}

void captured_over(struct captured *d)
{
    d->request_over = true;
    finish(d);
}

struct captured *capture_take(struct capture *c)
{
    pthread_mutex_lock(&c->lock);
    struct captured *all = c->first;

    c->first = NULL;
    c->last = &c->first;
    pthread_mutex_unlock(&c->lock);
    return all;
}

void captured_free(struct captured *d)
{
    buf_clear(&d->asked);
    buf_clear(&d->answered);
    buf_clear(&d->record);
    free(d);
}

/* --- telling */

static bool is_key_byte(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '.' || c == '+' || c == '/' || c == '=' || c == '~';
}

void capture_mask(struct buf *text)
{
    static const struct {
        struct str start;
        size_t least; /* bytes behind it that make it a key */
    } keys[] = {
        { { "sk-", 3 }, 12 },   { { "AIza", 4 }, 20 },    { { "ghp_", 4 }, 20 },
        { { "gho_", 4 }, 20 },  { { "ghu_", 4 }, 20 },    { { "github_pat_", 11 }, 20 },
        { { "ya29.", 5 }, 20 }, { { "1//", 3 }, 30 },     { { "eyJ", 3 }, 40 },
        { { "xox", 3 }, 16 },   { { "Bearer ", 7 }, 12 }, { { "bearer ", 7 }, 12 },
    };

    for (size_t i = 0; i < text->len; i++) {
        struct str rest = { text->at + i, text->len - i };
        bool at_start = i == 0 || !is_key_byte(text->at[i - 1]);

        for (size_t k = 0; at_start && k < COUNT(keys); k++) {
            size_t from = keys[k].start.len, end = from;

            if (!str_starts(rest, keys[k].start))
                continue;
            while (end < rest.len && is_key_byte(rest.at[end]))
                end++;
            if (end - from < keys[k].least)
                continue;
            memset(text->at + i + from, '*', end - from);
            i += end - 1;
            break;
        }
    }
}

/* As text, whatever the bytes are. */
static void put_body(struct json_writer *w, const char *name, const struct buf *body)
{
    struct buf masked = { .max = CAPTURE_BODY_MAX }, text = { .max = CAPTURE_BODY_MAX * 3 };

    (void)buf_add(&masked, buf_str(body));
    capture_mask(&masked);
    (void)utf8_mend(&text, buf_str(&masked));
    json_put_member(w, name, buf_str(&text));
    buf_clear(&masked);
    buf_clear(&text);
}

void captured_put(const struct captured *d, struct buf *out)
{
    struct json_writer w = json_writer(out);

    json_put_object(&w);
    json_put_member(&w, "id", str_c(d->request_id));
    json_put_member_i64(&w, "time_unix_ms", d->unix_ms);
    if (d->session[0] != '\0')
        json_put_member(&w, "session", str_c(d->session));
    if (d->record.len > 0)
        json_put_member_raw(&w, "access", buf_str(&d->record));
    put_body(&w, "request", &d->asked);
    json_put_member_bool(&w, "request_clipped", d->asked_clipped);
    put_body(&w, "answer", &d->answered);
    json_put_member_bool(&w, "answer_clipped", d->answered_clipped);
    json_put_end(&w);
    (void)buf_add_char(out, '\n');
}
