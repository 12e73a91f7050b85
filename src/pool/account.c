#include "pool/account.h"

#include <stdlib.h>

static const char *const tier_words[] = {
    [TIER_UNKNOWN] = "",
    [TIER_FREE] = "FREE",
    [TIER_PRO] = "PRO",
    [TIER_ULTRA] = "ULTRA",
};

const char *tier_word(enum tier t)
{
    assert(t < COUNT(tier_words));
    return tier_words[t];
}

bool tier_from_word(struct str word, enum tier *t)
{
    for (unsigned i = 0; i < COUNT(tier_words); i++)
        if (str_ieq(str_c(tier_words[i]), word)) {
            *t = (enum tier)i;
            return true;
        }
    return false;
}

struct account_spec *account_spec_new(void)
{
    return must_calloc(1, sizeof(struct account_spec));
}

struct account_grant grant_copy(const struct account_grant *g, struct arena *a)
{
    return (struct account_grant){
        .access = secret_copy(secret_reveal(&g->access)),
        .refresh = secret_copy(secret_reveal(&g->refresh)),
        .expires_unix_ms = g->expires_unix_ms,
        .series = g->series,
        .lost = g->lost,
        .email = arena_copy(a, g->email),
        .scopes = arena_copy(a, g->scopes),
        .account = arena_copy(a, g->account),
        .plan = arena_copy(a, g->plan),
        .api_url = arena_copy(a, g->api_url),
        .source = arena_copy(a, g->source),
    };
}

void grant_clear(struct account_grant *g)
{
    secret_clear(&g->access);
    secret_clear(&g->refresh);
    *g = (struct account_grant){ .expires_unix_ms = 0 };
}

const struct secret *account_credential(const struct account_spec *s)
{
    return secret_is_empty(&s->api_key) ? &s->grant.access : &s->api_key;
}

bool account_wants_list(const struct account_spec *s)
{
    for (size_t i = 0; i < s->model_count; i++)
        if (memchr(s->models[i].at, '*', s->models[i].len) != NULL)
            return true;
    return s->model_count == 0;
}

bool account_same_credential(const struct account_spec *a, const struct account_spec *b)
{
    return str_eq(a->provider, b->provider) && str_eq(a->wire, b->wire) &&
           str_eq(a->base_url, b->base_url) && a->grant.series == b->grant.series &&
           equal_in_constant_time(secret_reveal(&a->api_key), secret_reveal(&b->api_key));
}

void account_spec_free(struct account_spec *s)
{
    if (s == NULL)
        return;
    secret_clear(&s->api_key);
    grant_clear(&s->grant);
    arena_free(&s->arena);
    free(s);
}

struct account_spec *account_spec_copy(const struct account_spec *s)
{
    struct account_spec *copy = account_spec_new();
    struct arena *a = &copy->arena;
    struct arena own = { 0 };

    *copy = *s;
    copy->arena = own;
    copy->label = arena_copy(a, s->label);
    copy->provider = arena_copy(a, s->provider);
    copy->wire = arena_copy(a, s->wire);
    copy->base_url = arena_copy(a, s->base_url);
    copy->project = arena_copy(a, s->project);
    copy->proxy = arena_copy(a, s->proxy);
    copy->capabilities = arena_copy(a, s->capabilities);
    copy->disabled_reason = arena_copy(a, s->disabled_reason);
    copy->api_key = secret_copy(secret_reveal(&s->api_key));
    copy->grant = grant_copy(&s->grant, a);
    copy->models = NULL;
    copy->headers = NULL;
    if (s->model_count > 0)
        copy->models = arena_array(a, struct str, s->model_count);
    for (size_t i = 0; i < s->model_count; i++)
        copy->models[i] = arena_copy(a, s->models[i]);
    if (s->header_count > 0)
        copy->headers = arena_array(a, struct header_pair, s->header_count);
    for (size_t i = 0; i < s->header_count; i++) {
        copy->headers[i].name = arena_copy(a, s->headers[i].name);
        copy->headers[i].value = arena_copy(a, s->headers[i].value);
    }
    return copy;
}
