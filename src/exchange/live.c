#include "exchange/live.h"

#include <stdlib.h>

#include "base/utf8.h"
#include "exchange/exchange_int.h"
#include "exchange/live_int.h"

struct live {
    _Atomic bool watched;
    _Atomic uint32_t put, taken; /* so many in all: what lies between them is in the ring */
    _Atomic uint64_t lost;
    struct live_event events[LIVE_EVENTS];
};
_Static_assert((LIVE_EVENTS & (LIVE_EVENTS - 1)) == 0, "places are found by their low bits");

struct live *live_new(void)
{
    return must_calloc(1, sizeof(struct live)); /* places that were never used cost nothing */
}

void live_free(struct live *l)
{
    free(l);
}

void live_watch(struct live *l, bool watched)
{
    atomic_store_explicit(&l->watched, watched, memory_order_relaxed);
}

bool live_is_watched(const struct live *l)
{
    return atomic_load_explicit(&l->watched, memory_order_relaxed);
}

void live_add(struct live *l, const struct live_event *e)
{
    uint32_t put = atomic_load_explicit(&l->put, memory_order_relaxed);

    if (!live_is_watched(l))
        return;
    if (put - atomic_load_explicit(&l->taken, memory_order_acquire) == LIVE_EVENTS) {
        atomic_fetch_add_explicit(&l->lost, 1, memory_order_relaxed);
        return;
    }
    l->events[put % LIVE_EVENTS] = *e;
    atomic_store_explicit(&l->put, put + 1, memory_order_release);
}

bool live_take(struct live *l, struct live_event *out)
{
    uint32_t taken = atomic_load_explicit(&l->taken, memory_order_relaxed);

    if (taken == atomic_load_explicit(&l->put, memory_order_acquire))
        return false;
    *out = l->events[taken % LIVE_EVENTS];
    atomic_store_explicit(&l->taken, taken + 1, memory_order_release);
    return true;
}

uint64_t live_lost(struct live *l)
{
    return atomic_exchange_explicit(&l->lost, 0, memory_order_relaxed);
}

/* --- what exchanges tell */

static void keep(char *to, size_t size, struct str text)
{
    text = utf8_clip(text, size - 1);
    memcpy(to, text.at, text.len);
    to[text.len] = '\0';
}

/* The wall clock at a moment of the loop's. */
static int64_t unix_at(const struct exchange *x, int64_t loop_ms)
{
    return clock_unix_ms() - loop_now(x->env->loop) + loop_ms;
}

static struct live_event news(const struct exchange *x, enum live_kind kind, int64_t loop_ms)
{
    struct live_event e = { .kind = kind, .unix_ms = unix_at(x, loop_ms) };

    memcpy(e.request_id, x->request_id, sizeof(e.request_id));
    return e;
}

void live_tell_began(const struct exchange *x)
{
    struct live_event e = news(x, LIVE_BEGAN, x->entered_ms[EXCHANGE_READING]);
    struct str session = exchange_session_text(x);

    e.began.protocol = wire_name(x->target.protocol);
    e.began.stream = x->request.stream;
    keep(e.began.model, sizeof(e.began.model), x->request.model);
    keep(e.began.mapped_model, sizeof(e.began.mapped_model), x->mapped);
    keep(e.began.client_key, sizeof(e.began.client_key), x->key != NULL ? x->key->name : STR(""));
    keep(e.began.session, sizeof(e.began.session), session);
    live_add(x->env->live, &e);
}

void live_tell_attempt(const struct exchange *x)
{
    const struct attempt *a = &x->attempt;
    struct live_event e = news(x, LIVE_ATTEMPT, a->started_ms);

    e.attempt.number = x->attempt_count;
    e.attempt.account_id = a->lease.account_id;
    keep(e.attempt.account, sizeof(e.attempt.account), str_c(a->lease.label));
    e.attempt.provider = provider_name(a->upstream->provider);
    e.attempt.reason = a->reason;
    live_add(x->env->live, &e);
}

void live_tell_verdict(const struct exchange *x, const struct access_attempt *kept)
{
    struct live_event e = news(x, LIVE_VERDICT, kept->started_ms);

    e.attempt.number = kept->number;
    e.attempt.account_id = kept->account_id;
    keep(e.attempt.account, sizeof(e.attempt.account), str_c(kept->label));
    e.attempt.provider = kept->provider;
    e.attempt.reason = kept->pick->reason;
    e.attempt.verdict = kept->verdict;
    e.attempt.status = kept->status;
    e.attempt.duration_ms = kept->duration_ms;
    live_add(x->env->live, &e);
}

void live_tell_content(const struct exchange *x)
{
    struct live_event e = news(x, LIVE_CONTENT, x->first_out_ms);

    e.first_byte_ms = x->first_out_ms - x->entered_ms[EXCHANGE_READING];
    live_add(x->env->live, &e);
}

void live_survey(struct exchange_env *env)
{
    for (const struct exchange *x = env->running; x != NULL; x = x->next) {
        if (x->state == EXCHANGE_READING)
            continue;
        live_tell_began(x);
        /* of many attempts the last one has the last place */
        uint32_t ended = x->attempt_count - (x->attempt.running ? 1 : 0);

        for (uint32_t i = 0; i < ended && i < attempts_kept(x); i++)
            live_tell_verdict(x, &x->attempts[i]);
        if (x->attempt.running)
            live_tell_attempt(x);
        if (x->first_out_ms >= 0)
            live_tell_content(x);
    }
}
