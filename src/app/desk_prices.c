/* app/desk_prices.c - what tokens cost, over the admin API: the user's own prices are settings, and
 * what is built in stands below them. */
#include "app/desk_int.h"

#include "app/settings_prices.h"

static void put_one(struct json_writer *w, const struct price *p, bool own)
{
    json_put_object(w);
    json_put_member(w, "model", p->model);
    json_put_member(w, "declared_in", own ? STR("file") : STR("program"));
    settings_put_price_members(p, w);
    json_put_end(w);
}

void desk_price_list(struct desk *d, const struct admin_call *c, struct admin_outcome *out)
{
    const struct settings *s = config_file_settings(d->config);
    struct json_writer w = json_writer(&out->body);
    size_t count;
    const struct price *builtin = prices_builtin(&count);

    (void)c;
    out->status = 200;
    json_put_object(&w);
    json_put_member(&w, "currency", STR("USD"));
    json_put_key(&w, STR("prices"));
    json_put_array(&w);
    for (size_t i = 0; i < s->price_count; i++)
        put_one(&w, &s->prices[i], true);
    for (size_t i = 0; i < count; i++)
        put_one(&w, &builtin[i], false);
    json_put_end(&w);
    json_put_end(&w);
}

/* All prices of the user but `model`'s, and `raw` for that when it is not empty, as a value of
 * `usage.prices`. False: there was none of that name. */
static bool prices_with(const struct settings *s, struct str model, struct str raw, struct buf *out)
{
    struct json_writer w = json_writer(out);
    bool found = false;

    json_put_object(&w);
    for (size_t i = 0; i < s->price_count; i++) {
        bool is_it = str_eq(s->prices[i].model, model);

        found = found || is_it;
        if (is_it && raw.len == 0)
            continue;
        json_put_key(&w, s->prices[i].model);
        if (is_it)
            json_put_raw(&w, raw);
        else
            settings_put_price(&s->prices[i], &w);
    }
    if (!found && raw.len > 0) {
        json_put_key(&w, model);
        json_put_raw(&w, raw);
    }
    json_put_end(&w);
    return found;
}

static void change(struct desk *d, const struct admin_call *c, struct str raw,
                   struct admin_outcome *out)
{
    struct buf value = { .max = (size_t)4 << 20 };
    struct error e = { 0 };
    enum status st = OK;

    if (!prices_with(config_file_settings(d->config), admin_call_name(c), raw, &value) &&
        raw.len == 0)
        st = fail(&e, E_ABSENT, "the settings have no price for this model");
    if (st == OK)
        st = config_file_change(d->config, STR("usage.prices"), buf_str(&value), 0, &e);
    buf_clear(&value);
    if (st == OK)
        desk_price_list(d, c, out);
    else
        outcome_error(out, st, e.text);
}

void desk_price_set(struct desk *d, const struct admin_call *c, struct admin_outcome *out)
{
    static const char *const members[] = { "input",       "output",   "cache_read",
                                           "cache_write", "provider", NULL };
    struct arena a = { 0 };
    struct json doc;

    if (outcome_body(admin_call_body(c), members, &a, &doc, out))
        change(d, c, admin_call_body(c), out);
    arena_free(&a);
}

void desk_price_remove(struct desk *d, const struct admin_call *c, struct admin_outcome *out)
{
    change(d, c, STR(""), out);
}
