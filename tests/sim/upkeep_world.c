#include "upkeep_world.h"

void world_answer(struct world *w, struct sim_peer *p)
{
    struct arena a = { 0 };

    sim_send(p, arena_printf(&a, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n\r\n%s", w->status,
                             strlen(w->answer), w->answer));
    w->running--;
    arena_free(&a);
}

static void on_data(void *arg, struct sim_peer *p)
{
    struct world *w = arg;
    struct buf *in = sim_data(p);
    bool fits = buf_add(in, sim_take(p));

    assert(fits);
    if (!str_ends(buf_str(in), STR("\r\n\r\n")))
        return;
    in->len = 0;
    w->asked_ms = sim_now();
    w->running++;
    if (w->running > w->running_most)
        w->running_most = w->running;
    if (w->answer == NULL)
        w->waiting[w->asked % COUNT(w->waiting)] = p;
    w->asked++;
    if (w->answer != NULL)
        world_answer(w, p);
}

static void on_connect(void *arg, struct sim_peer *p)
{
    struct world *w = arg;
    struct buf *in = arena_new(&w->t->arena, struct buf);

    buf_init(in, 4096);
    sim_set_data(p, in);
}

static void on_end(void *arg, struct sim_peer *p)
{
    (void)arg;
    buf_clear(sim_data(p));
    sim_close(p);
}

void world_put(struct world *w, const struct account_spec *spec)
{
    struct upstream *up = NULL;
    struct error e = { .status = OK };
    struct test *t = w->t;

    CHECK_INT(upstream_new(spec, &w->options, &up, &e), OK, "%s", e.text);
    CHECK_INT(pool_put(w->pool, spec, upstream_means(up), &e), OK, "%s", e.text);
}

void world_begin(struct world *w, struct test *t, const char *answer,
                 const struct pool_options *options)
{
    struct address at;
    struct error e = { .status = OK };

    sim_world_new(t->seed);
    *w = (struct world){ .t = t, .status = 200, .answer = answer };
    w->options.timeouts = call_timeouts_default;
    CHECK(address_read(STR("10.0.0.1:9000"), &at));
    sim_set_name(STR("provider.test"), &at, 1, 0);
    sim_listen(&at, &(struct sim_hooks){ .on_connect = on_connect,
                                         .on_data = on_data,
                                         .on_end = on_end,
                                         .on_reset = on_end,
                                         .arg = w });
    w->loop = loop_new();
    w->client = client_new(&(struct client_options){ .loop = w->loop,
                                                     .limits = client_limits_default,
                                                     .metrics = &w->metrics },
                           &e);
    CHECK(w->client != NULL, "%s", e.text);
    w->pool = pool_new(options);
}

void world_end(struct world *w)
{
    client_free(w->client);
    sim_run_until_idle();
    pool_free(w->pool);
    loop_free(w->loop);
    sim_world_free();
}
