/* admin/hub.c - what has changed since the last look, as one batch of events.
 *
 * Accounts, scheduling, totals and notices are looked at, and told of when they are not what they
 * were; what exchanges do comes from the workers' rings, how they ended from their access records.
 * All of it is bounded for each look: what is more is counted. */
#include "admin/events.h"

#include <stdlib.h>

#include "base/fingerprint.h"
#include "base/log.h"

#define LIVE_MAX 512      /* news of exchanges in one look, of all workers */
#define ENDED_MAX 256     /* endings in one look */
#define ACCOUNTS_EVENT 50 /* accounts in one event */
#define SECOND_TICKS (1000 / EVENTS_TICK_MS)
#define SAMPLES 61 /* one a second */
#define RECENT_S 5

struct shown {
    int64_t id;
    struct fingerprint print;
};

struct sample {
    int64_t at_ms;
    struct admin_counts counts;
};

struct hub {
    struct events *ev;
    struct admin *admin;
    struct loop *loop;
    struct mailbox *mailbox;
    struct timer tick;
    bool ticking;
    uint64_t ticks, idle_ticks;
    _Atomic bool woken;  /* a message is on its way; who set it owns the next until it arrives: */
    uint64_t trace_from; /* records from here on ended behind the first watcher's snapshot */
    /* what was told last */
    struct shown *shown;
    size_t shown_count;
    struct fingerprint scheduling, notices, totals, signins;
    uint64_t revision;
    struct admin_face face;
    uint64_t trace_next;      /* records from here on were not told */
    struct admin_clock clock; /* of the first look: with it a figure changes only if it does */
    struct sample samples[SAMPLES];
    size_t sample_count;
    /* of one look */
    struct buf text, json, masked;
    struct arena scratch;
};

struct hub *hub_new(struct events *ev)
{
    struct hub *h = must_calloc(1, sizeof(*h));

    h->ev = ev;
    h->admin = ev->admin;
    buf_init(&h->text, EVENTS_BATCH_BYTES);
    buf_init(&h->json, EVENTS_BATCH_BYTES / 2);
    buf_init(&h->masked, EVENTS_BATCH_BYTES / 4 * 3);
    return h;
}

void hub_free(struct hub *h)
{
    buf_clear(&h->text);
    buf_clear(&h->json);
    buf_clear(&h->masked);
    arena_free(&h->scratch);
    free(h->shown);
    free(h);
}

/* --- a batch */

static void flush(struct hub *h)
{
    if (h->text.len > 0)
        events_add(h->ev, buf_str(&h->text));
    h->text.len = 0;
}

/* The document in `json` becomes an event; `json` is empty again. */
static void tell(struct hub *h, const char *name, const struct json_writer *w)
{
    struct str json = buf_str(&h->json);
    bool masks = admin_masks(h->admin);

    h->masked.len = 0;
    if (masks && mask_json(&h->admin->masks, str_c(name), json, &h->masked))
        json = buf_str(&h->masked);
    if (!json_written(w) || (masks && h->masked.len == 0)) {
        log_warn("an event was too large for the dashboard", F_C("event", name));
    } else if (!event_put(&h->text, name, json)) {
        flush(h);
        (void)event_put(&h->text, name, json);
    }
    h->json.len = 0;
}

static struct json_writer begin(struct hub *h)
{
    h->json.len = 0;
    return json_writer(&h->json);
}

/* Is the text another one than when this was asked last? */
static bool is_new(struct fingerprint *last, struct str text)
{
    struct fingerprint now = { { 0, 0 } };

    fingerprint_add(&now, text);
    bool new = memcmp(&now, last, sizeof(now)) != 0;

    *last = now;
    return new;
}

/* --- accounts */

struct look {
    struct hub *hub;
    struct admin_clock now;
    struct shown *shown; /* as it is now */
    size_t count, cap;
    size_t from; /* in what was shown before: accounts keep their order */
    struct json_writer w;
    size_t told;
    struct buf plain;
    int64_t *removed;
    size_t removed_count;
};

static void told_end(struct look *l)
{
    if (l->told == 0)
        return;
    json_put_end(&l->w);
    json_put_end(&l->w);
    tell(l->hub, "accounts", &l->w);
    l->told = 0;
}

static void tell_account(struct look *l, const struct account_view *v)
{
    if (l->told == ACCOUNTS_EVENT)
        told_end(l);
    if (l->told++ == 0) {
        l->w = begin(l->hub);
        json_put_object(&l->w);
        json_put_key(&l->w, STR("changed"));
        json_put_array(&l->w);
    }
    account_put(&l->w, l->hub->admin, v, &l->now);
}

/* Where it stood before; those between have gone. */
static const struct shown *find_shown(struct look *l, int64_t id)
{
    struct hub *h = l->hub;

    for (size_t i = l->from; i < h->shown_count; i++) {
        if (h->shown[i].id != id)
            continue;
        for (; l->from < i; l->from++)
            l->removed[l->removed_count++] = h->shown[l->from].id;
        l->from = i + 1;
        return &h->shown[i];
    }
    return NULL;
}

static void look_at_account(void *peer, const struct account_view *v)
{
    struct look *l = peer;
    const struct shown *before = find_shown(l, v->id);
    struct shown now = { .id = v->id };
    struct json_writer w = json_writer(&l->plain);

    l->plain.len = 0;
    account_put(&w, l->hub->admin, v, &l->hub->clock);
    fingerprint_add(&now.print, buf_str(&l->plain));
    if (l->count == l->cap) {
        l->cap = l->cap == 0 ? 64 : l->cap * 2;
        l->shown = must_realloc(l->shown, l->cap * sizeof(l->shown[0]));
    }
    l->shown[l->count++] = now;
    if (before == NULL || memcmp(&before->print, &now.print, sizeof(now.print)) != 0)
        tell_account(l, v);
}

static void tell_removed(struct look *l)
{
    struct hub *h = l->hub;

    for (; l->from < h->shown_count; l->from++)
        l->removed[l->removed_count++] = h->shown[l->from].id;
    if (l->removed_count == 0)
        return;
    l->w = begin(h);
    json_put_object(&l->w);
    json_put_key(&l->w, STR("removed"));
    json_put_array(&l->w);
    for (size_t i = 0; i < l->removed_count; i++)
        json_put_i64(&l->w, l->removed[i]);
    json_put_end(&l->w);
    json_put_end(&l->w);
    tell(h, "accounts", &l->w);
}

/* The first look tells of all: what changed between it and a snapshot is not missed. */
static void look_at_accounts(struct hub *h)
{
    struct look l = { .hub = h, .now = admin_clock(h->loop), .plain = { .max = (size_t)1 << 20 } };

    l.removed = arena_array(&h->scratch, int64_t, h->shown_count + 1);
    (void)pool_each(h->admin->o.pool, l.now.loop_ms, look_at_account, &l);
    told_end(&l);
    tell_removed(&l);
    free(h->shown);
    h->shown = l.shown;
    h->shown_count = l.count;
    buf_clear(&l.plain);
}

/* --- requests */

static void put_began(struct json_writer *w, const struct live_event *e)
{
    json_put_member_i64(w, "started_unix_ms", e->unix_ms);
    json_put_member(w, "protocol", e->began.protocol);
    json_put_member_bool(w, "stream", e->began.stream);
    json_put_member_or_null(w, "model", str_c(e->began.model));
    json_put_member_or_null(w, "mapped_model", str_c(e->began.mapped_model));
    json_put_member_or_null(w, "session", str_c(e->began.session));
    json_put_member_or_null(w, "client_key", str_c(e->began.client_key));
}

static void put_attempt(struct json_writer *w, const struct live_event *e)
{
    bool ended = e->kind == LIVE_VERDICT;

    json_put_member_i64(w, "number", e->attempt.number);
    json_put_member_i64(w, "started_unix_ms", e->unix_ms);
    json_put_member_i64(w, "account_id", e->attempt.account_id);
    json_put_member(w, "account", str_c(e->attempt.account));
    json_put_member(w, "provider", e->attempt.provider);
    json_put_member(w, "reason", str_c(pick_reason_word(e->attempt.reason)));
    if (ended) {
        json_put_member(w, "verdict", str_c(verdict_word(e->attempt.verdict)));
        json_put_member_i64(w, "status", e->attempt.status);
        json_put_member_i64(w, "duration_ms", e->attempt.duration_ms);
    } else {
        json_put_member_null(w, "verdict");
        json_put_member_null(w, "status");
        json_put_member_null(w, "duration_ms");
    }
}

static void put_live(struct json_writer *w, const struct live_event *e)
{
    static const char *const words[] = {
        [LIVE_BEGAN] = "began",
        [LIVE_ATTEMPT] = "attempt",
        [LIVE_VERDICT] = "attempt",
        [LIVE_CONTENT] = "content",
    };

    json_put_object(w);
    json_put_member(w, "what", str_c(words[e->kind]));
    json_put_member(w, "id", str_c(e->request_id));
    switch (e->kind) {
    case LIVE_BEGAN:
        put_began(w, e);
        break;
    case LIVE_ATTEMPT:
    case LIVE_VERDICT:
        put_attempt(w, e);
        break;
    case LIVE_CONTENT:
        json_put_member_i64(w, "first_byte_ms", e->first_byte_ms);
        break;
    }
    json_put_end(w);
}

/* Of requests whose records are not kept nothing is told. The newest come first out of the ring. */
static size_t take_ended(struct hub *h, struct access_record *ended, uint64_t *lost)
{
    struct trace_ring *traces = h->admin->o.traces;
    uint64_t place = UINT64_MAX, newest = 0;
    size_t count = 0;

    while (traces != NULL && trace_ring_next(traces, &place, &h->scratch, &ended[count]) &&
           place >= h->trace_next) {
        newest = newest > 0 ? newest : place + 1;
        if (++count == ENDED_MAX) {
            *lost += place - h->trace_next;
            break;
        }
    }
    if (newest > 0)
        h->trace_next = newest;
    return count;
}

static void look_at_requests(struct hub *h)
{
    struct access_record *ended = arena_array(&h->scratch, struct access_record, ENDED_MAX + 1);
    struct json_writer w = begin(h);
    struct live_event e;
    struct live *l;
    uint64_t lost = 0;
    size_t count = 0;
    /* first, so that what is still in the rings is told before the ending it belongs to */
    size_t ended_count = take_ended(h, ended, &lost);

    json_put_object(&w);
    json_put_key(&w, STR("news"));
    json_put_array(&w);
    for (unsigned i = 0; (l = h->admin->o.live(h->admin->o.status_peer, i)) != NULL; i++) {
        for (size_t n = 0; n < LIVE_EVENTS && live_take(l, &e); n++)
            if (count < LIVE_MAX) {
                put_live(&w, &e);
                count++;
            } else {
                lost++;
            }
        lost += live_lost(l);
    }
    json_put_end(&w);
    json_put_key(&w, STR("ended"));
    json_put_array(&w);
    for (size_t i = ended_count; i > 0; i--) {
        json_put_object(&w);
        admin_put_request(&w, &ended[i - 1]);
        json_put_member_bool(&w, "trace", true);
        json_put_end(&w);
    }
    json_put_end(&w);
    json_put_member_i64(&w, "lost", (int64_t)lost);
    json_put_end(&w);
    if (count + ended_count + lost > 0)
        tell(h, "requests", &w);
    h->json.len = 0;
}

/* --- totals */

static int64_t per(uint64_t n, int64_t of_ms, int64_t ms)
{
    return ms > 0 ? (int64_t)(n * (uint64_t)of_ms / (uint64_t)ms) : 0;
}

static void look_at_totals(struct hub *h)
{
    const struct sample *last, *first, *recent;
    struct json_writer w;

    if (h->sample_count == SAMPLES)
        memmove(h->samples, h->samples + 1, --h->sample_count * sizeof(h->samples[0]));
    h->samples[h->sample_count].at_ms = loop_now(h->loop);
    h->admin->o.counts(h->admin->o.status_peer, &h->samples[h->sample_count++].counts);
    last = &h->samples[h->sample_count - 1];
    first = &h->samples[0];
    recent = &h->samples[h->sample_count > RECENT_S ? h->sample_count - 1 - RECENT_S : 0];

    const struct admin_counts *a = &first->counts, *b = &last->counts, *r = &recent->counts;
    int64_t span_ms = last->at_ms - first->at_ms;
    uint64_t in = b->tokens_in - a->tokens_in, cached = b->tokens_cache_read - a->tokens_cache_read;

    w = begin(h);
    json_put_object(&w);
    json_put_member_i64(&w, "running", (int64_t)b->running);
    json_put_member_i64(&w, "streams", (int64_t)b->streams);
    json_put_member_i64(&w, "requests", (int64_t)b->requests);
    json_put_member_i64(&w, "requests_per_second_milli",
                        per(b->requests - r->requests, 1000000, last->at_ms - recent->at_ms));
    json_put_member_i64(&w, "failed_per_minute", per(b->failed - a->failed, 60000, span_ms));
    json_put_member_i64(&w, "tokens_in_per_minute", per(in, 60000, span_ms));
    json_put_member_i64(&w, "tokens_out_per_minute",
                        per(b->tokens_out - a->tokens_out, 60000, span_ms));
    if (in > 0)
        json_put_member_i64(&w, "cache_hit_permille", per(cached, 1000, (int64_t)in));
    else
        json_put_member_null(&w, "cache_hit_permille");
    bool new = is_new(&h->totals, buf_str(&h->json)); /* but for the seconds */

    json_put_member_i64(&w, "seconds", span_ms / 1000);
    json_put_end(&w);
    if (new)
        tell(h, "totals", &w);
    h->json.len = 0;
}

/* --- settings, scheduling, notices */

static void look_at_settings(struct hub *h, bool first)
{
    uint64_t revision = h->admin->o.revision(h->admin->o.desk_peer);
    struct admin_face face = h->admin->o.face(h->admin->o.desk_peer);

    if (revision == h->revision && memcmp(&face, &h->face, sizeof(face)) == 0)
        return;
    if (face.privacy != h->face.privacy) {
        /* what was shown is masked now, or may be seen: all of it is told anew */
        free(h->shown);
        h->shown = NULL;
        h->shown_count = 0;
        h->scheduling = h->notices = (struct fingerprint){ { 0, 0 } };
    }
    h->revision = revision;
    h->face = face;
    if (first)
        return;
    struct json_writer w = begin(h);

    event_put_settings(&w, revision, &face);
    tell(h, "settings", &w);
}

static void look_at_scheduling(struct hub *h, bool first)
{
    struct json_writer w = begin(h);
    struct buf text = { .max = 65536 };

    admin_put_scheduling(&text, h->admin->o.pool, h->revision, loop_now(h->loop));
    json_put_raw(&w, buf_str(&text));
    if (is_new(&h->scheduling, buf_str(&text)) && !first)
        tell(h, "scheduling", &w);
    h->json.len = 0;
    buf_clear(&text);
}

void hub_put_notices(struct admin *a, struct json_writer *w)
{
    json_put_array(w);
    a->o.notices(a->o.status_peer, w);
    json_put_end(w);
}

static void look_at_notices(struct hub *h, bool first)
{
    struct json_writer w = begin(h);

    json_put_object(&w);
    json_put_key(&w, STR("notices"));
    hub_put_notices(h->admin, &w);
    json_put_end(&w);
    if (is_new(&h->notices, buf_str(&h->json)) && !first)
        tell(h, "notices", &w);
    h->json.len = 0;
}

static void look_at_signins(struct hub *h, bool first)
{
    struct json_writer w = begin(h);

    json_put_object(&w);
    json_put_key(&w, STR("signins"));
    json_put_array(&w);
    h->admin->o.signins(h->admin->o.status_peer, &w);
    json_put_end(&w);
    json_put_end(&w);
    if (is_new(&h->signins, buf_str(&h->json)) && !first)
        tell(h, "signins", &w);
    h->json.len = 0;
}

/* --- its turns */

static uint64_t account_ticks(const struct hub *h)
{
    return h->shown_count <= 1000 ? 2 : 2 * SECOND_TICKS;
}

static void look_around(struct hub *h)
{
    bool first = h->ticks == 0;

    look_at_settings(h, first);
    look_at_requests(h);
    look_at_signins(h, first);
    if (h->ticks % account_ticks(h) == 0 || h->shown_count == 0)
        look_at_accounts(h);
    if (h->ticks % SECOND_TICKS == 0) {
        look_at_totals(h);
        look_at_scheduling(h, first);
        look_at_notices(h, first);
    }
    flush(h);
    arena_reset(&h->scratch);
    h->ticks++;
}

static void hub_rest(struct hub *h)
{
    struct live_event e;
    struct live *l;

    h->ticking = false;
    for (unsigned i = 0; (l = h->admin->o.live(h->admin->o.status_peer, i)) != NULL; i++)
        while (live_take(l, &e))
            ;
    free(h->shown);
    h->shown = NULL;
    h->shown_count = h->sample_count = 0;
    buf_clear(&h->text);
    buf_clear(&h->json);
    buf_clear(&h->masked);
    arena_free(&h->scratch);
}

static bool is_watched(struct hub *h)
{
    pthread_mutex_lock(&h->ev->lock);
    bool watched = h->ev->watchers > 0;

    pthread_mutex_unlock(&h->ev->lock);
    return watched;
}

static void on_tick(void *peer, int64_t now_ms)
{
    struct hub *h = peer;

    (void)now_ms;
    h->idle_ticks = is_watched(h) ? 0 : h->idle_ticks + 1;
    if (h->idle_ticks > EVENTS_LINGER_TICKS && events_rest(h->ev)) {
        hub_rest(h);
        return;
    }
    timer_start(&h->tick, EVENTS_TICK_MS);
    look_around(h);
}

static void wake_here(void *message)
{
    struct hub *h = message;
    uint64_t from = h->trace_from;

    atomic_store(&h->woken, false);
    if (h->ticking)
        return;
    h->ticking = true;
    h->ticks = h->idle_ticks = 0;
    h->clock = admin_clock(h->loop);
    h->trace_next = from;
    look_around(h);
    timer_start(&h->tick, EVENTS_TICK_MS);
}

static uint64_t traces_end(const struct hub *h)
{
    struct arena a = { 0 };
    struct access_record newest;
    uint64_t place = UINT64_MAX;
    bool any =
        h->admin->o.traces != NULL && trace_ring_next(h->admin->o.traces, &place, &a, &newest);

    arena_free(&a);
    return any ? place + 1 : 0;
}

void hub_wake(struct hub *h)
{
    if (h->mailbox == NULL || atomic_exchange(&h->woken, true))
        return;
    h->trace_from = traces_end(h);
    if (!mailbox_send(h->mailbox, wake_here, h))
        atomic_store(&h->woken, false);
}

void hub_start(struct hub *h, struct loop *l, struct mailbox *m)
{
    h->loop = l;
    h->mailbox = m;
    timer_init(&h->tick, l, on_tick, h);
}

void hub_stop(struct hub *h)
{
    if (h->loop != NULL)
        timer_stop(&h->tick);
    h->mailbox = NULL;
}
