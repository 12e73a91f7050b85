#include "app/rules.h"

#include <stdlib.h>

struct counted_rules {
    struct exchange_rules rules;
    _Atomic uint32_t refs;
    struct settings *settings;
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
    arena_free(&c->arena);
    free(c);
}

/* A key of the settings file is known by its name. */
static struct key_id declared_key_id(struct str name)
{
    struct buf text = { .max = 1024 };
    uint8_t digest[SHA256_BYTES];
    struct key_id id;

    (void)(buf_add(&text, STR("declared client key: ")) && buf_add(&text, name));
    sha256(buf_str(&text), digest);
    memcpy(id.bytes, digest, sizeof(id.bytes));
    buf_clear(&text);
    return id;
}

const struct exchange_rules *exchange_rules_new(struct settings *s)
{
    struct counted_rules *c = must_calloc(1, sizeof(*c));
    struct client_key *keys = arena_array(&c->arena, struct client_key, s->client_key_count + 1);

    atomic_init(&c->refs, 1);
    c->settings = settings_ref(s);
    for (size_t i = 0; i < s->client_key_count; i++) {
        keys[i].id = declared_key_id(s->client_keys[i].name);
        keys[i].name = s->client_keys[i].name;
        sha256(secret_reveal(&s->client_keys[i].key), keys[i].digest);
    }
    c->rules = (struct exchange_rules){
        .door = { .keys = keys,
                  .key_count = s->client_key_count,
                  .require_keys = s->require_keys,
                  .cors_origins = s->cors_origins,
                  .cors_origin_count = s->cors_origin_count },
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
    return &c->rules;
}
