/* app/settings_prices.c - `usage.prices`: what tokens cost, by model. */
#include "app/settings_int.h"
#include "app/settings_prices.h"

const struct member_doc price_docs[] = {
    { "input", "number, required", "A million prompt tokens, in US dollars, up to six places." },
    { "output", "number, required", "A million generated tokens, reasoning included." },
    { "cache_read", "number", "A million prompt tokens read from a cache; as `input`." },
    { "cache_write", "number", "A million prompt tokens written to a cache; as `input`." },
    { "provider", "string", "Only for accounts of this provider; else for all." },
    { NULL, NULL, NULL },
};

static bool read_price(struct reading *r, const struct place *at, uint32_t object, const char *name,
                       bool required, int64_t *out)
{
    const struct place here = { at, str_c(name), 0 };
    uint32_t node;

    if (!settings_member(r, at, object, here.name, &node))
        return false;
    if (node == JSON_NONE)
        return !required || settings_refuse(r, &here, object, "is missing");
    if (!settings_want(r, &here, node, JSON_NUMBER, "a number"))
        return false;
    return price_read(json_raw(r->doc, node), out) ||
           settings_refuse(r, &here, node,
                           "must be dollars from 0 to 1000000 with at most six decimal places");
}

static bool read_one(struct reading *r, const struct place *at, uint32_t node, struct price *out)
{
    uint32_t provider;

    out->cache_read = out->cache_write = -1;
    if (!settings_want(r, at, node, JSON_OBJECT, "an object") ||
        !read_price(r, at, node, "input", true, &out->input) ||
        !read_price(r, at, node, "output", true, &out->output) ||
        !read_price(r, at, node, "cache_read", false, &out->cache_read) ||
        !read_price(r, at, node, "cache_write", false, &out->cache_write) ||
        !settings_member(r, at, node, STR("provider"), &provider))
        return false;
    return provider == JSON_NONE || settings_read_text(r, &(struct place){ at, STR("provider"), 0 },
                                                       provider, 64, &r->s->arena, &out->provider);
}

static bool read_prices(struct reading *r, const struct key_row *row, const struct place *at,
                        uint32_t node)
{
    struct arena *a = &r->s->arena;
    struct price *list;
    size_t count, n = 0;

    if (!settings_open(r, at, node, JSON_OBJECT, row->min, row->max, &count))
        return false;
    list = arena_array(a, struct price, count + 1);
    for (uint32_t i = json_first(r->doc, node); i != JSON_NONE; i = json_after(r->doc, node, i)) {
        struct price *p = &list[n];

        if (!settings_read_text(r, at, i, SETTINGS_TEXT_MAX, a, &p->model))
            return false;
        const struct place item = { at, p->model.len > 0 ? p->model : STR("\"\""), 0 };
        bool twice = false;

        for (size_t k = 0; k < n; k++)
            twice = twice || str_eq(list[k].model, p->model);
        if (p->model.len == 0 || twice)
            return settings_refuse(r, &item, i, twice ? "stands there twice" : "names no model");
        i = json_after(r->doc, node, i);
        if (!read_one(r, &item, i, p))
            return false;
        n++;
    }
    r->s->prices = list;
    r->s->price_count = n;
    return true;
}

static void put_price(struct json_writer *w, const char *name, int64_t micros)
{
    struct buf text;

    if (micros < 0)
        return;
    buf_init(&text, 64);
    price_put(&text, micros, 6);
    json_put_member_raw(w, name, buf_str(&text));
    buf_clear(&text);
}

void settings_put_price_members(const struct price *p, struct json_writer *w)
{
    put_price(w, "input", p->input);
    put_price(w, "output", p->output);
    put_price(w, "cache_read", p->cache_read);
    put_price(w, "cache_write", p->cache_write);
    if (p->provider.len > 0)
        json_put_member(w, "provider", p->provider);
}

void settings_put_price(const struct price *p, struct json_writer *w)
{
    json_put_object(w);
    settings_put_price_members(p, w);
    json_put_end(w);
}

static void put_prices(const struct settings *s, __attribute__((unused)) const struct key_row *row,
                       struct json_writer *w)
{
    json_put_object(w);
    for (size_t i = 0; i < s->price_count; i++) {
        json_put_key(w, s->prices[i].model);
        settings_put_price(&s->prices[i], w);
    }
    json_put_end(w);
}

const struct key_kind kind_prices = { "object of objects", read_prices, put_prices };
