#include "app/accounts_check.h"

#define CHECK_MS 8000

struct checking {
    struct loop *loop;
    struct arena *arena;
    struct check_result *out;
    bool over;
};

static void on_checked(void *peer, const struct check_result *result)
{
    struct checking *c = peer;

    *c->out = *result;
    c->out->message = arena_copy(c->arena, result->message);
    c->over = true;
    loop_stop(c->loop);
}

bool account_check(const struct settings *s, const struct upstream *up, struct arena *a,
                   struct check_result *out)
{
    struct checking c = { .loop = loop_new(), .arena = a, .out = out };
    struct client_metrics metrics = { 0 };
    struct error e = { .status = OK };
    struct check check;
    struct client *client = client_new(
        &(struct client_options){
            .loop = c.loop, .limits = s->client, .tls = s->tls, .metrics = &metrics },
        &e);

    if (client != NULL) {
        if (check_start(&check, client, up, CHECK_MS, on_checked, &c))
            loop_run(c.loop);
        check_clear(&check);
        client_free(client);
    }
    loop_free(c.loop);
    return c.over;
}
