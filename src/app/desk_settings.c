/* app/desk_settings.c - GET and PATCH /api/settings: the settings file over the admin API. */
#include "app/desk_int.h"

#include "app/settings_list.h"

#define CHANGES_MAX 200

static void put_settings(struct desk *d, struct admin_outcome *out)
{
    struct settings_fault const *fault = config_file_fault(d->config);
    const struct settings_listing listing = { .settings = config_file_settings(d->config),
                                              .text = config_file_text(d->config),
                                              .sources = &d->o.sources };
    struct buf described = { .max = 2048 };
    struct json_writer w = json_writer(&out->body);

    out->status = 200;
    json_put_object(&w);
    json_put_member_i64(&w, "revision", (int64_t)config_file_revision(d->config));
    json_put_member(&w, "file", str_c(config_file_path(d->config)));
    json_put_member_bool(&w, "file_read_only", file_is_read_only(config_file_path(d->config)));
    json_put_member_bool(&w, "changed_on_disk", config_file_by_hand(d->config));
    if (fault != NULL)
        config_file_describe(d->config, fault, &described);
    if (fault != NULL)
        json_put_member(&w, "fault", buf_str(&described));
    else
        json_put_member_null(&w, "fault");
    json_put_key(&w, STR("settings"));
    settings_put_list(&listing, &w);
    json_put_end(&w);
    if (!json_written(&w))
        outcome_error(out, E_STORE, "the settings are too large to be shown");
    buf_clear(&described);
}

void desk_settings_show(struct desk *d, const struct admin_call *c, struct admin_outcome *out)
{
    (void)c;
    put_settings(d, out);
}

/* --- change */

struct changing {
    struct arena *a;
    struct settings_change changes[CHANGES_MAX];
    size_t count;
    struct admin_outcome *out;
};

static bool take(struct changing *c, struct str path, struct str raw)
{
    const char *name = arena_copy(c->a, str_take(path, 160)).at;
    const char *why = settings_kept_out(path);

    for (size_t i = 0; why == NULL && i < c->count; i++)
        if (str_eq(c->changes[i].path, path))
            why = "stands there twice";
    if (why == NULL && c->count == CHANGES_MAX)
        why = "is one of more than 200 changes at once";
    if (why != NULL) {
        outcome_wrong(c->out, name, why);
        return false;
    }
    c->changes[c->count++] = (struct settings_change){ path, raw };
    return true;
}

static bool take_set(struct changing *c, const struct json *doc, uint32_t set)
{
    if (json_type(doc, set) != JSON_OBJECT) {
        outcome_wrong(c->out, "set", "must be an object of keys and their new values");
        return false;
    }
    for (uint32_t i = json_first(doc, set); i != JSON_NONE;) {
        uint32_t value = json_after(doc, set, i);
        struct str path;

        if (!json_text(doc, i, c->a, &path) || !take(c, path, json_raw(doc, value)))
            return false;
        i = json_after(doc, set, value);
    }
    return true;
}

/* The default is written down: that the key goes from the file is not wanted, since its layout is
 * the user's. */
static bool take_reset(struct changing *c, const struct json *doc, uint32_t reset)
{
    if (json_type(doc, reset) != JSON_ARRAY) {
        outcome_wrong(c->out, "reset", "must be a list of keys");
        return false;
    }
    for (uint32_t i = json_first(doc, reset); i != JSON_NONE; i = json_after(doc, reset, i)) {
        struct buf raw = { .max = 65536 };
        struct str path = STR("");
        bool known = json_text(doc, i, c->a, &path) && settings_put_default(path, &raw);
        bool taken = known && take(c, path, arena_copy(c->a, buf_str(&raw)));

        buf_clear(&raw);
        if (!known)
            outcome_wrong(c->out, arena_copy(c->a, str_take(path, 160)).at, "is no key");
        if (!taken)
            return false;
    }
    return true;
}

/* `path: reason` becomes an error that names the path. */
static void put_failure(struct admin_outcome *out, enum status st, const char *text,
                        struct arena *a)
{
    size_t colon = str_find(str_c(text), STR(": "));
    struct str path = str_take(str_c(text), colon == SIZE_MAX ? 0 : colon);

    if ((st == E_SYNTAX || st == E_ABSENT || st == E_LIMIT) && path.len > 0 &&
        memchr(path.at, ' ', path.len) == NULL)
        outcome_wrong(out, arena_copy(a, path).at, text + colon + 2);
    else
        outcome_error(out, st, text);
}

void desk_settings_change(struct desk *d, const struct admin_call *call, struct admin_outcome *out)
{
    static const char *const members[] = { "set", "reset", "revision", NULL };
    struct arena a = { 0 };
    struct changing c = { .a = &a, .out = out };
    struct error e = { .status = OK };
    int64_t revision = 0;
    struct json doc;

    if (!outcome_body(admin_call_body(call), members, &a, &doc, out))
        goto done;
    uint32_t set = json_member(&doc, 0, STR("set"), NULL),
             reset = json_member(&doc, 0, STR("reset"), NULL),
             seen = json_member(&doc, 0, STR("revision"), NULL);

    if ((set != JSON_NONE && !take_set(&c, &doc, set)) ||
        (reset != JSON_NONE && !take_reset(&c, &doc, reset)))
        goto done;
    if (seen != JSON_NONE && (!json_i64(&doc, seen, &revision) || revision < 1)) {
        outcome_wrong(out, "revision", "must be a number that GET /api/settings has given");
        goto done;
    }
    if (c.count == 0) {
        outcome_error(out, E_SYNTAX, "there is nothing to change: give `set` or `reset`");
        goto done;
    }
    enum status st = config_file_change_all(d->config, c.changes, c.count, (uint64_t)revision, &e);

    if (st == OK)
        put_settings(d, out);
    else
        put_failure(out, st, e.text, &a);
done:
    arena_free(&a);
}
