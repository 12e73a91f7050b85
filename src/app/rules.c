#include "app/rules.h"

#include <stdlib.h>

struct counted_rules {
    struct exchange_rules rules;
    _Atomic uint32_t refs;
    struct settings *settings;
    struct client_keys *stored;
    struct arena arena;
};

static void rules_ref(void *owner)
{
    struct counted_rules *c = owner;

    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
}

static void rules_unref(void *owner)
{
    struct counted_rules *c = owner;

    if (atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) > 1)
        return;
    settings_unref(c->settings);
    client_keys_unref(c->stored);
    arena_free(&c->arena);
    free(c);
}

static struct client_key key_of(const struct client_key_spec *spec, struct key_budgets *budgets)
{
    struct client_key key = { .name = spec->name,
                              .limits = { .requests_minute = spec->requests_minute,
                                          .tokens_day = spec->tokens_day,
                                          .tokens_month = spec->tokens_month,
                                          .expires_unix_ms = spec->expires_unix_ms,
                                          .models = spec->models,
                                          .model_count = spec->model_count,
                                          .addresses = spec->addresses,
                                          .address_count = spec->address_count,
                                          .disabled = spec->disabled } };

    memcpy(key.id.bytes, spec->id, sizeof(key.id.bytes));
    memcpy(key.digest, spec->digest, sizeof(key.digest));
    key.budget = key_budget_of(budgets, &key.id);
    return key;
}

/* Those of the file first: of two that are the same text, it has the say. */
static void keys_collect(struct counted_rules *c, struct key_budgets *budgets)
{
    struct door_rules *door = &c->rules.door;
    size_t declared = c->settings->client_key_count, count = declared + c->stored->count;
    struct client_key *keys = arena_array(&c->arena, struct client_key, count + 1);

    for (size_t i = 0; i < count; i++) {
        keys[i] = key_of(i < declared ? &c->settings->client_keys[i] : &c->stored->at[i - declared],
                         budgets);
        door->keys_expire = door->keys_expire || keys[i].limits.expires_unix_ms != 0;
    }
    door->keys = keys;
    door->key_count = count;
    door_index(door, &c->arena);
}

const struct exchange_rules *exchange_rules_new(struct settings *s, struct client_keys *stored,
                                                struct key_budgets *budgets)
{
    struct counted_rules *c = must_calloc(1, sizeof(*c));

    atomic_init(&c->refs, 1);
    c->settings = settings_ref(s);
    c->stored = client_keys_ref(stored);
    c->rules = (struct exchange_rules){
        .door = { .require_keys = s->require_keys,
                  .cors_origins = s->cors_origins,
                  .cors_origin_count = s->cors_origin_count },
        .trusted_proxies = s->trusted_proxies,
        .trusted_proxy_count = s->trusted_proxy_count,
        .routes = s->routes,
        .request_deadline_ms = s->request_deadline_ms,
        .stream_head_after_ms = s->stream_head_after_ms,
        .keep_alive_event_ms = s->keep_alive_event_ms,
        .answer_bytes_max = s->answer_bytes,
        .privacy = s->privacy,
        .usage_track = s->usage_track,
        .traces = { .on = s->traces_endpoint.len > 0,
                    .forward = s->traces_forward,
                    .permille = s->traces_sample_permille },
        .strict = s->strict,
        .kept = s->kept,
        .websocket = s->websocket,
        .chat_image_markdown = s->chat_image_markdown,
        .owner = c,
        .owner_ref = rules_ref,
        .owner_unref = rules_unref,
    };
    keys_collect(c, budgets);
    return &c->rules;
}
