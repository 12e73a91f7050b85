/* io/dns.c - name look-ups: a cache, running look-ups, and who waits for them.
 *
 * Queries for one name share one look-up, so a name server that hangs takes one thread of the pool
 * per name and not one per request. A look-up cannot be stopped: it outlives the queries that gave
 * up on it, and even the cache, and then still fills the cache, or only frees itself. */
#include "io/dns.h"

#include <netdb.h>
#include <stdlib.h>

#include "base/arena.h"
#include "io/socket_int.h"

#define NAMES_MAX 256
#define LOOKUPS_MAX 256
#define NAME_MAX_BYTES 253
#define FOUND_MS 30000
#define FAILED_MS 5000
#define WHY_MAX 96

struct answer {
    struct address found[DNS_ADDRESSES_MAX]; /* ports are not set */
    uint32_t count;
    char why[WHY_MAX];
};

struct cached {
    char name[NAME_MAX_BYTES + 1]; /* lower case; empty: a free place */
    struct answer answer;
    int64_t until_ms;
    int64_t used_ms;
};

struct lookup {
    uv_getaddrinfo_t work;
    struct dns *dns; /* NULL: it was freed meanwhile */
    struct lookup *next;
    struct dns_query *waiting; /* oldest first */
    char name[NAME_MAX_BYTES + 1];
};

struct dns_query {
    dns_fn *fn; /* NULL: cancelled, and only waits for its place in the turn to come */
    void *peer;
    struct lookup *lookup; /* NULL: answered, about to be told */
    struct dns_query *next;
    struct timer timeout;
    struct answer answer;
    uint16_t port;
};

struct dns {
    struct loop *loop;
    struct lookup *lookups;
    uint32_t lookup_count;
    struct cached *names; /* NAMES_MAX, made with the first answer */
};

struct dns *dns_new(struct loop *l)
{
    struct dns *d = must_calloc(1, sizeof(*d));

    d->loop = l;
    return d;
}

/* --- the cache */

static struct cached *cache_find(struct dns *d, const char *name, int64_t now_ms)
{
    for (size_t i = 0; d->names != NULL && i < NAMES_MAX; i++) {
        struct cached *c = &d->names[i];

        if (strcmp(c->name, name) == 0 && c->until_ms > now_ms) {
            c->used_ms = now_ms;
            return c;
        }
    }
    return NULL;
}

/* The place of `name`, or a free one, or that of the name unused for longest. */
static struct cached *cache_place(struct dns *d, const char *name)
{
    if (d->names == NULL)
        d->names = must_calloc(NAMES_MAX, sizeof(d->names[0]));

    struct cached *best = &d->names[0];

    for (size_t i = 0; i < NAMES_MAX; i++) {
        struct cached *c = &d->names[i];

        if (strcmp(c->name, name) == 0)
            return c;
        if (best->name[0] != '\0' && (c->name[0] == '\0' || c->used_ms < best->used_ms))
            best = c;
    }
    return best;
}

static void cache_store(struct dns *d, const char *name, const struct answer *answer)
{
    struct cached *c = cache_place(d, name);
    int64_t now_ms = loop_now(d->loop);

    memcpy(c->name, name, strlen(name) + 1);
    c->answer = *answer;
    c->used_ms = now_ms;
    c->until_ms = now_ms + (answer->count > 0 ? FOUND_MS : FAILED_MS);
}

/* --- telling */

static void query_leave(struct dns_query *q)
{
    if (q->lookup == NULL)
        return;

    struct dns_query **at = &q->lookup->waiting;

    while (*at != q)
        at = &(*at)->next;
    *at = q->next;
    q->lookup = NULL;
}

static void query_tell(struct dns_query *q)
{
    struct answer *a = &q->answer;

    for (uint32_t i = 0; i < a->count; i++)
        a->found[i].port = q->port;
    timer_stop(&q->timeout);
    if (q->fn != NULL)
        q->fn(q->peer, a->found, a->count, a->count > 0 ? NULL : a->why);
    free(q);
}

static void query_tell_later(void *peer)
{
    query_tell(peer);
}

static void query_timed_out(void *peer, __attribute__((unused)) int64_t now_ms)
{
    struct dns_query *q = peer;

    query_leave(q);
    q->answer = (struct answer){ .why = "the name server did not answer in time" };
    query_tell(q);
}

/* --- look-ups */

/* Keeps the system's order, which follows RFC 6724, but lets the families take turns, so that one
 * that leads nowhere costs one attempt and not all of them. */
static void answer_fill(struct answer *a, const struct addrinfo *list)
{
    struct address by_family[2][DNS_ADDRESSES_MAX];
    uint32_t counts[2] = { 0, 0 }, taken[2] = { 0, 0 };
    unsigned first = 0;

    for (const struct addrinfo *i = list; i != NULL; i = i->ai_next) {
        struct address found;

        if (i->ai_addr == NULL || !address_from_system(i->ai_addr, &found))
            continue;

        unsigned family = found.is_v4 ? 0 : 1;

        if (counts[0] + counts[1] == 0)
            first = family;
        if (counts[family] < DNS_ADDRESSES_MAX)
            by_family[family][counts[family]++] = found;
    }
    for (unsigned turn = first; a->count < DNS_ADDRESSES_MAX; turn ^= 1) {
        if (taken[0] == counts[0] && taken[1] == counts[1])
            break;
        if (taken[turn] < counts[turn])
            a->found[a->count++] = by_family[turn][taken[turn]++];
    }
}

static void lookup_done(uv_getaddrinfo_t *work, int status, struct addrinfo *list)
{
    struct lookup *u = work->data;
    struct dns *d = u->dns;
    struct answer answer = { 0 };

    if (d != NULL) {
        if (status == 0)
            answer_fill(&answer, list);
        if (answer.count == 0)
            memcpy(answer.why, "the name has no address", sizeof("the name has no address"));
        if (status != 0)
            uv_strerror_r(status, answer.why, sizeof(answer.why));

        struct lookup **at = &d->lookups;

        while (*at != u)
            at = &(*at)->next;
        *at = u->next;
        d->lookup_count--;
        cache_store(d, u->name, &answer);
    }
    uv_freeaddrinfo(list);

    struct dns_query *q;

    while ((q = u->waiting) != NULL) { /* a callback may cancel others that wait */
        u->waiting = q->next;
        q->lookup = NULL;
        q->answer = answer;
        query_tell(q);
    }
    free(u);
}

static struct lookup *lookup_start(struct dns *d, const char *name)
{
    static const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };

    for (struct lookup *u = d->lookups; u != NULL; u = u->next)
        if (strcmp(u->name, name) == 0)
            return u;
    if (d->lookup_count == LOOKUPS_MAX)
        return NULL;

    struct lookup *u = must_calloc(1, sizeof(*u));

    u->work.data = u;
    memcpy(u->name, name, strlen(name) + 1);
    if (uv_getaddrinfo(loop_uv(d->loop), &u->work, lookup_done, name, NULL, &hints) != 0) {
        free(u);
        return NULL;
    }
    u->dns = d;
    u->next = d->lookups;
    d->lookups = u;
    d->lookup_count++;
    return u;
}

static bool name_read(struct str host, char name[NAME_MAX_BYTES + 1])
{
    if (host.len == 0 || host.len > NAME_MAX_BYTES)
        return false;
    for (size_t i = 0; i < host.len; i++) {
        unsigned char c = (unsigned char)host.at[i];

        if (c <= ' ' || c == 0x7f) /* NUL would end the name early, the rest is in no name */
            return false;
        name[i] = char_lower(host.at[i]);
    }
    name[host.len] = '\0';
    return true;
}

/* True: `q->answer` is there. False: `q` waits for a look-up. */
static bool query_answer_at_once(struct dns *d, struct dns_query *q, struct str host)
{
    struct cached *c;
    char name[NAME_MAX_BYTES + 1];

    if (address_from_ip(host, q->port, &q->answer.found[0])) {
        q->answer.count = 1;
        return true;
    }
    if (!name_read(host, name)) {
        q->answer = (struct answer){ .why = "that is no host name" };
        return true;
    }
    c = cache_find(d, name, loop_now(d->loop));
    if (c != NULL) {
        q->answer = c->answer;
        return true;
    }
    q->lookup = lookup_start(d, name);
    if (q->lookup == NULL) {
        q->answer = (struct answer){ .why = "too many names are being looked up" };
        return true;
    }
    return false;
}

struct dns_query *dns_resolve(struct dns *d, struct str host, uint16_t port, int64_t timeout_ms,
                              dns_fn *fn, void *peer)
{
    struct dns_query *q = must_calloc(1, sizeof(*q));

    assert(fn != NULL);
    q->fn = fn;
    q->peer = peer;
    q->port = port;
    timer_init(&q->timeout, d->loop, query_timed_out, q);
    if (query_answer_at_once(d, q, host)) {
        loop_later(d->loop, query_tell_later, q);
        return q;
    }

    struct dns_query **at = &q->lookup->waiting;

    while (*at != NULL)
        at = &(*at)->next;
    *at = q;
    timer_start(&q->timeout, timeout_ms);
    return q;
}

void dns_cancel(struct dns_query *q)
{
    if (q->lookup == NULL) { /* its call is on the loop's list */
        q->fn = NULL;
        return;
    }
    query_leave(q);
    timer_stop(&q->timeout);
    free(q);
}

void dns_free(struct dns *d)
{
    if (d == NULL)
        return;
    for (struct lookup *u = d->lookups, *next; u != NULL; u = next) {
        next = u->next;
        assert(u->waiting == NULL);
        u->dns = NULL;
        u->next = NULL;
        uv_cancel((uv_req_t *)&u->work); /* when it is still in the queue */
    }
    free(d->names);
    free(d);
}
