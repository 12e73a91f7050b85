#include "http/conn_pool.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/log.h"
#include "io/crypto.h"

void conn_pool_init(struct conn_pool *p, struct loop *l, const struct client_limits *limits)
{
    uint64_t key[2];

    random_bytes(key, sizeof(key));
    *p = (struct conn_pool){ .loop = l, .limits = limits };
    map_init(&p->sites, key);
}

/* --- sites */

static struct conn_site *site_find(struct conn_pool *p, struct str key)
{
    struct conn_site **recent = &p->recent[((uintptr_t)key.at >> 4) % CONN_RECENT];

    if (*recent == NULL || !str_eq((*recent)->key, key))
        *recent = map_get(&p->sites, key);
    return *recent;
}

static struct conn_site *site_get(struct conn_pool *p, struct str key)
{
    struct conn_site *site = site_find(p, key);

    if (site != NULL)
        return site;
    site = must_calloc(1, sizeof(*site) + key.len);
    memcpy(site->key_bytes, key.at, key.len);
    site->key = (struct str){ site->key_bytes, key.len };
    site->pool = p;
    (void)map_put(&p->sites, site->key, site);
    return site;
}

static void site_leave(struct conn_site *site)
{
    assert(site->users > 0);
    if (--site->users > 0)
        return;
    assert(site->newest == NULL);
    for (size_t i = 0; i < CONN_RECENT; i++)
        if (site->pool->recent[i] == site)
            site->pool->recent[i] = NULL;
    (void)map_remove(&site->pool->sites, site->key);
    free(site);
}

/* Puts `c` on top of the idle ones. */
static void site_push(struct conn_site *site, struct conn *c)
{
    assert(!c->is_idle);
    c->is_idle = true;
    c->newer = NULL;
    c->older = site->newest;
    if (site->newest != NULL)
        site->newest->newer = c;
    else
        site->oldest = c;
    site->newest = c;
    site->idle++;
    site->pool->idle++;
}

static void site_unlink(struct conn_site *site, struct conn *c)
{
    assert(c->is_idle);
    if (c->newer != NULL)
        c->newer->older = c->older;
    else
        site->newest = c->older;
    if (c->older != NULL)
        c->older->newer = c->newer;
    else
        site->oldest = c->newer;
    c->is_idle = false;
    site->idle--;
    site->pool->idle--;
}

/* --- idle connections */

static void conn_drop_idle(struct conn *c)
{
    site_unlink(c->site, c);
    conn_close(c);
}

static void conn_on_ready(void *peer, unsigned what)
{
    struct conn *c = peer;

    (void)what;
    if (socket_has_input(c->socket)) /* not so when TLS has only talked to itself */
        conn_drop_idle(c);
}

static void conn_on_timer(void *peer, int64_t now_ms)
{
    struct conn *c = peer;

    (void)now_ms;
    if (c->is_idle)
        conn_drop_idle(c);
}

/* --- life */

void conn_pool_clear(struct conn_pool *p)
{
    const struct map_entry *e;

    for (uint32_t i = 0; (e = map_at(&p->sites, &i)) != NULL; i = 0) {
        struct conn_site *site = e->value;

        assert(site->newest != NULL); /* a site without idle ones has busy ones */
        conn_drop_idle(site->newest);
    }
    assert(p->idle == 0);
    map_clear(&p->sites);
}

struct conn *conn_new(struct conn_pool *p, struct str key, struct socket *s)
{
    struct conn *c = must_calloc(1, sizeof(*c));

    c->socket = s;
    c->site = site_get(p, key);
    c->site->users++;
    timer_init(&c->timer, p->loop, conn_on_timer, c);
    return c;
}

static void conn_free(void *at)
{
    free(at);
}

void conn_close(struct conn *c)
{
    struct loop *l = c->site->pool->loop;

    assert(!c->is_idle);
    timer_stop(&c->timer);
    socket_close(c->socket, false);
    c->socket = NULL;
    site_leave(c->site);
    loop_doom(l, c, conn_free);
}

void conn_keep(struct conn *c)
{
    struct conn_site *site = c->site;
    const struct client_limits *limits = site->pool->limits;

    if (limits->idle_per_origin == 0) {
        conn_close(c);
        return;
    }
    if (site->idle >= limits->idle_per_origin)
        conn_drop_idle(site->oldest);
    site_push(site, c);
    c->kept_polls = loop_polls(site->pool->loop);
    c->was_emptied = socket_was_emptied(c->socket);
    socket_own(c->socket, conn_on_ready, c);
    socket_watch(c->socket, SOCKET_READ);
    timer_start(&c->timer, limits->idle_ms);
}

/* Has an idle connection been silent so far? Whatever came before the loop last looked for events
 * it has told of, or is about to, which call_is_early() finds out. So the kernel is asked only
 * where the loop did not look since the connection became idle, and the last read may have left
 * something. What comes later than that look nobody can be sure of: it may as well cross the
 * request on its way. */
static bool conn_is_silent(const struct conn *c)
{
    uint64_t polls = loop_polls(c->site->pool->loop);

    return polls > c->kept_polls || (polls == c->kept_polls && c->was_emptied) ||
           !socket_has_input(c->socket);
}

struct conn *conn_take(struct conn_pool *p, struct str key)
{
    struct conn_site *site = site_find(p, key);

    while (site != NULL && site->newest != NULL) {
        struct conn *c = site->newest;
        bool last = site->users == 1;

        site_unlink(site, c);
        if (conn_is_silent(c))
            return c;
        log_debug("kept connection spoke or ended by itself");
        conn_close(c);
        if (last)
            return NULL;
    }
    return NULL;
}
