/* app/settings.c - one text becomes one immutable snapshot, or a fault that says where and why.
 *
 * Every row of the table is read first from its default, then from the text. Nothing here knows
 * a key by name but for what several keys decide together. */
#include "app/settings_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"

/* --- faults */

static void place_put(const struct place *at, struct buf *out)
{
    if (at == NULL)
        return;
    place_put(at->up, out);
    if (at->name.len == 0)
        (void)buf_printf(out, "[%zu]", at->index);
    else
        (void)((out->len == 0 || buf_add_char(out, '.')) && buf_add(out, at->name));
}

/* What users wrote goes into faults, and faults go into logs and answers: one line of UTF-8. */
static void text_clean(char *text, size_t size, struct str from)
{
    struct str s = str_take(from, size - 1);

    s.len = s.len < from.len ? utf8_valid(s) : s.len; /* not in the middle of a character */
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];

        text[i] = c < ' ' || c == 0x7f ? '?' : s.at[i];
    }
    text[s.len] = '\0';
}

static bool fault_set(struct settings_fault *fault, struct str path, struct str text)
{
    *fault = (struct settings_fault){ .line = 0 };
    text_clean(fault->path, sizeof(fault->path), path);
    text_clean(fault->text, sizeof(fault->text), text);
    return false;
}

bool settings_refuse(const struct reading *r, const struct place *at, uint32_t node,
                     const char *format, ...)
{
    struct buf path = { .max = 4096 };
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    place_put(at, &path);
    fault_set(r->fault, buf_str(&path), str_c(text));
    buf_clear(&path);
    if (node != JSON_NONE) {
        struct json_fault place = { .at = (size_t)(json_raw(r->doc, node).at - r->doc->text.at) };

        json_fault_place(&place, r->doc->text);
        r->fault->line = place.line;
        r->fault->col = place.col;
    }
    return false;
}

bool settings_refuse_member(const struct reading *r, const struct place *at, uint32_t object,
                            const struct error *e)
{
    struct str text = str_c(e->text), path, reason, first, rest;
    size_t colon = str_find(text, STR(": "));
    uint32_t node = JSON_NONE;

    if (colon == SIZE_MAX)
        return settings_refuse(r, at, object, "%s", e->text);
    path = str_take(text, colon);
    reason = str_drop(text, colon + 2);
    (void)str_cut(path, '.', &first, &rest);
    if (object != JSON_NONE)
        node = json_member(r->doc, object, first, NULL);
    return settings_refuse(r, &(struct place){ at, path, 0 }, node != JSON_NONE ? node : object,
                           "%.*s", STR_ARG(reason));
}

/* --- values */

bool settings_want(const struct reading *r, const struct place *at, uint32_t node,
                   enum json_type type, const char *wanted)
{
    static const char *const words[] = {
        [JSON_NULL] = "null",       [JSON_FALSE] = "false",     [JSON_TRUE] = "true",
        [JSON_NUMBER] = "a number", [JSON_STRING] = "a string", [JSON_ARRAY] = "a list",
        [JSON_OBJECT] = "an object"
    };
    enum json_type found = json_type(r->doc, node);

    return found == type || settings_refuse(r, at, node, "is %s, must be %s", words[found], wanted);
}

bool settings_read_bool(const struct reading *r, const struct place *at, uint32_t node, bool *out)
{
    bool yes = json_type(r->doc, node) == JSON_TRUE;

    if (!yes && !settings_want(r, at, node, JSON_FALSE, "true or false"))
        return false;
    *out = yes;
    return true;
}

bool settings_read_integer(const struct reading *r, const struct place *at, uint32_t node,
                           int64_t min, int64_t max, bool ceiling, int64_t *out)
{
    int64_t n;

    if (!settings_want(r, at, node, JSON_NUMBER, "a whole number"))
        return false;
    struct str raw = json_raw(r->doc, node);

    if (!json_i64(r->doc, node, &n)) /* a fraction, or beyond all bounds */
        return settings_refuse(r, at, node, "is %.*s, must be a whole number from %lld to %lld",
                               STR_ARG(str_take(raw, 40)), (long long)min, (long long)max);
    if (n > max && ceiling)
        return settings_refuse(r, at, node, "is %lld, above its ceiling of %lld", (long long)n,
                               (long long)max);
    if (n < min || n > max)
        return settings_refuse(r, at, node, "is %lld, must be from %lld to %lld", (long long)n,
                               (long long)min, (long long)max);
    *out = n;
    return true;
}

static bool text_is_clean(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.at[i] < ' ' || s.at[i] == 0x7f)
            return false;
    return true;
}

bool settings_read_text(const struct reading *r, const struct place *at, uint32_t node,
                        size_t len_max, struct arena *a, struct str *out)
{
    struct str text;

    if (!settings_want(r, at, node, JSON_STRING, "a string"))
        return false;
    bool is_string = json_text(r->doc, node, r->scratch, &text);

    assert(is_string);
    if (text.len > len_max)
        return settings_refuse(r, at, node, "is longer than %zu bytes", len_max);
    if (!text_is_clean(text))
        return settings_refuse(r, at, node, "holds a control byte");
    *out = arena_copy(a, text);
    return true;
}

bool settings_read_secret(const struct reading *r, const struct place *at, uint32_t node,
                          struct secret *out)
{
    struct buf plain = { .max = SETTINGS_TEXT_MAX };

    if (!settings_want(r, at, node, JSON_STRING, "a string"))
        return false;
    struct str inside = json_inside(r->doc, node);

    if (inside.len > SETTINGS_TEXT_MAX)
        return settings_refuse(r, at, node, "is longer than %zu bytes", SETTINGS_TEXT_MAX);
    bool fits = buf_reserve(&plain, SETTINGS_TEXT_MAX) != NULL && json_unescape(&plain, inside);

    assert(fits); /* decoding never makes longer; reserved at once, so that no copy stays behind */
    *out = secret_copy(buf_str(&plain));
    wipe(plain.at, plain.cap);
    buf_clear(&plain);
    return true;
}

bool settings_member(const struct reading *r, const struct place *at, uint32_t object,
                     struct str name, uint32_t *node)
{
    bool twice = false;

    *node = json_member(r->doc, object, name, &twice);
    if (twice)
        return settings_refuse(r, &(struct place){ at, name, 0 }, *node, "stands there twice");
    if (*node != JSON_NONE && json_type(r->doc, *node) == JSON_NULL)
        *node = JSON_NONE;
    return true;
}

size_t settings_count(const struct json *doc, uint32_t container)
{
    size_t n = 0;
    bool object = json_type(doc, container) == JSON_OBJECT;

    for (uint32_t i = json_first(doc, container); i != JSON_NONE;
         i = json_after(doc, container, i)) {
        if (object)
            i = json_after(doc, container, i);
        n++;
    }
    return n;
}

bool settings_open(const struct reading *r, const struct place *at, uint32_t node,
                   enum json_type type, int64_t min, int64_t max, size_t *count)
{
    const char *parts = type == JSON_ARRAY ? "entries" : "members";

    if (!settings_want(r, at, node, type, type == JSON_ARRAY ? "a list" : "an object"))
        return false;
    *count = settings_count(r->doc, node);
    if ((int64_t)*count < min)
        return settings_refuse(r, at, node, "has %zu %s, must have at least %lld", *count, parts,
                               (long long)min);
    if ((int64_t)*count > max)
        return settings_refuse(r, at, node, "has %zu %s, may have %lld", *count, parts,
                               (long long)max);
    return true;
}

/* --- rows */

static bool row_read_at(struct reading *r, const struct key_row *row, const struct place *at,
                        uint32_t object, struct str path)
{
    struct str name, rest;
    bool deeper = str_cut(path, '.', &name, &rest), twice = false;
    const struct place here = { at, name, 0 };
    uint32_t node = json_member(r->doc, object, name, &twice);

    if (twice)
        return settings_refuse(r, &here, node, "stands there twice");
    if (node == JSON_NONE)
        return true;
    if (!deeper)
        return row->kind->read(r, row, &here, node);
    return settings_want(r, &here, node, JSON_OBJECT, "an object") &&
           row_read_at(r, row, &here, node, rest);
}

static void row_read_standard(struct reading *r, const struct key_row *row)
{
    struct reading own = *r;
    struct json doc;
    bool good = json_parse(&doc, str_c(row->standard), NULL, r->scratch, NULL);

    own.doc = &doc;
    own.sources = NULL;
    good = good && row->kind->read(&own, row, NULL, 0);
    assert(good); /* the table is ours */
}

/* --- what several keys, or the environment, decide together */

static struct str variable(const struct reading *r, const char *name)
{
    return r->sources == NULL ? STR("") : str_trim(r->sources->environment(name));
}

static bool refuse_variable(const struct reading *r, const char *name, const char *wrong)
{
    return settings_refuse(r, &(struct place){ NULL, str_c(name), 0 }, JSON_NONE,
                           "the environment variable %s", wrong);
}

/* PENSTOCK_LISTEN: addresses, with commas between them, in place of the file's. */
static bool read_listen_variable(struct reading *r)
{
    struct str text = variable(r, "PENSTOCK_LISTEN"), one, rest = text;
    struct settings *s = r->s;
    size_t count = 1;

    if (text.len == 0)
        return true;
    for (size_t i = 0; i < text.len; i++)
        count += text.at[i] == ',';
    s->listen = arena_array(&s->arena, struct str, count);
    s->listen_count = 0;
    for (bool more = true; more;) {
        more = str_cut(rest, ',', &one, &rest);
        one = arena_copy(&s->arena, str_trim(one));
        const char *wrong = check_listen(&s->arena, &one);

        if (wrong != NULL)
            return refuse_variable(r, "PENSTOCK_LISTEN", wrong);
        s->listen[s->listen_count++] = one;
    }
    return true;
}

/* PENSTOCK_API_KEY: one more client key. */
static bool read_key_variable(struct reading *r)
{
    static const char *const names[] = { "PENSTOCK_API_KEY", "ABV_API_KEY" };
    struct settings *s = r->s;

    for (size_t i = 0; i < COUNT(names); i++) {
        struct str key = variable(r, names[i]);
        const char *wrong;

        if (key.len == 0)
            continue;
        if ((wrong = check_client_key(key)) != NULL)
            return refuse_variable(r, names[i], wrong);
        for (size_t k = 0; k < s->client_key_count; k++)
            if (str_eq(s->client_keys[k].name, STR("environment")))
                return refuse_variable(r, names[i],
                                       "makes a client key named `environment`, and client_keys "
                                       "has one of that name");
        struct client_key_spec *keys =
            arena_array(&s->arena, struct client_key_spec, s->client_key_count + 1);

        if (s->client_key_count > 0)
            memcpy(keys, s->client_keys, s->client_key_count * sizeof(keys[0]));
        settings_declare_key(&keys[s->client_key_count++], STR("environment"), key);
        s->client_keys = keys;
        return true;
    }
    return true;
}

static struct str variable_for_proxy(const struct reading *r, const char *lower, const char *upper)
{
    struct str value = variable(r, lower);

    return arena_copy(&r->s->arena, value.len > 0 ? value : variable(r, upper));
}

static void read_proxy_variables(struct reading *r)
{
    struct proxy_settings *p = &r->s->provider.proxy;

    p->https_proxy = variable_for_proxy(r, "https_proxy", "HTTPS_PROXY");
    p->http_proxy = variable_for_proxy(r, "http_proxy", "HTTP_PROXY");
    p->all_proxy = variable_for_proxy(r, "all_proxy", "ALL_PROXY");
    p->no_proxy = variable_for_proxy(r, "no_proxy", "NO_PROXY");
}

/* Reading of a stalled answer goes on below the low mark, stops above the high one. Whoever lowers
 * just the high one gets a low one that fits. */
static bool read_watermarks(struct reading *r)
{
    const struct place limits = { NULL, STR("limits"), 0 };
    const struct place low_at = { &limits, STR("write_low_bytes"), 0 };
    struct server_limits *server = &r->s->server;
    uint32_t object, low;

    if (server->write_low_bytes < server->write_high_bytes)
        return true;
    object = json_member(r->doc, 0, STR("limits"), NULL);
    low = object == JSON_NONE ? JSON_NONE : json_member(r->doc, object, low_at.name, NULL);
    if (low != JSON_NONE)
        return settings_refuse(r, &low_at, low, "is not below limits.write_high_bytes (%u)",
                               server->write_high_bytes);
    server->write_low_bytes = server->write_high_bytes / 4;
    return true;
}

/* --- reading */

static struct settings *settings_new(void)
{
    struct settings *s = must_calloc(1, sizeof(*s));

    atomic_init(&s->refs, 1);
    s->server = server_limits_default;
    s->client = client_limits_default;
    s->provider.timeouts = call_timeouts_default;
    return s;
}

static bool read_all(struct reading *r)
{
    const struct key_row *row;

    for (size_t i = 0; (row = settings_row(i)) != NULL; i++)
        if (row->standard != NULL)
            row_read_standard(r, row);
    for (size_t i = 0; (row = settings_row(i)) != NULL; i++)
        if (!row_read_at(r, row, NULL, 0, str_c(row->path)))
            return false;
    if (!settings_read_routes(r) || !read_watermarks(r) || !read_listen_variable(r) ||
        !read_key_variable(r))
        return false;
    read_proxy_variables(r);
    return settings_lay_oauth(r);
}

static bool text_parse(struct str text, struct arena *a, struct json *doc,
                       struct settings_fault *fault)
{
    struct json_fault wrong = { 0 };

    if (text.len > SETTINGS_BYTES_MAX) {
        char why[64];

        snprintf(why, sizeof(why), "is larger than %zu bytes", SETTINGS_BYTES_MAX);
        return fault_set(fault, STR(""), str_c(why));
    }
    if (!json_parse(doc, text, NULL, a, &wrong)) {
        json_fault_place(&wrong, text);
        fault_set(fault, STR(""), str_c(wrong.what));
    } else if (json_type(doc, 0) != JSON_OBJECT) {
        json_fault_place(&wrong, text);
        fault_set(fault, STR(""), STR("is no JSON object"));
    } else {
        return true;
    }
    fault->line = wrong.line;
    fault->col = wrong.col;
    return false;
}

static bool settings_make(struct str text, const struct settings_sources *sources,
                          struct settings **out, struct settings_fault *fault)
{
    struct arena scratch = { 0 };
    struct json doc;
    bool good = text_parse(text, &scratch, &doc, fault);

    if (good) {
        struct settings *s = settings_new();
        struct reading r = { s, &doc, sources, fault, &scratch };

        good = read_all(&r);
        if (good)
            *out = s;
        else
            settings_unref(s);
    }
    arena_free(&scratch);
    return good;
}

bool settings_read(struct str text, const struct settings_sources *sources, struct settings **out,
                   struct settings_fault *fault)
{
    assert(sources != NULL && sources->environment != NULL);
    return settings_make(text, sources, out, fault);
}

bool settings_check(struct str text, struct settings_fault *fault)
{
    struct settings *s;

    if (!settings_make(text, NULL, &s, fault))
        return false;
    settings_unref(s);
    return true;
}

struct pool_options settings_pool_options(const struct settings *s)
{
    struct pool_options o = s->scheduling;

    o.protection_percent = s->protection_enabled ? (int32_t)s->protection_percent : 0;
    o.protected_models = s->protection_models;
    o.protected_model_count = s->protection_model_count;
    o.backoff_count = s->breaker_enabled ? s->backoff_step_count : 0;
    assert(o.backoff_count <= BACKOFF_STEPS_MAX);
    for (size_t i = 0; i < o.backoff_count; i++)
        o.backoff_ms[i] = s->backoff_steps[i] * 1000;
    return o;
}

struct settings *settings_ref(struct settings *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void settings_unref(struct settings *s)
{
    if (s == NULL || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) > 1)
        return;
    for (size_t i = 0; i < s->account_count; i++)
        account_spec_free(s->accounts[i]);
    for (size_t i = 0; i < s->provider.of_count; i++)
        secret_clear(&s->provider.of[i].oauth.client_secret);
    arena_free(&s->arena);
    free(s);
}

/* --- giving values back */

/* The members below `group` (empty: all), nested as in the file. */
static void put_group(const struct settings *s, struct str group, struct json_writer *w)
{
    const struct key_row *row;
    struct str last = STR("");

    json_put_object(w);
    for (size_t i = 0; (row = settings_row(i)) != NULL; i++) {
        struct str rest, name, deeper, whole = str_c(row->path);

        if (!settings_path_below(whole, group, &rest))
            continue;
        if (!str_cut(rest, '.', &name, &deeper)) {
            json_put_key(w, name);
            row->kind->put(s, row, w);
        } else if (!str_eq(name, last)) { /* rows of one group stand together */
            last = name;
            json_put_key(w, name);
            put_group(s, str_drop_last(whole, deeper.len + 1), w);
        }
    }
    json_put_end(w);
}

bool settings_get(const struct settings *s, struct str path, struct buf *out)
{
    const struct key_row *row = settings_row_find(path);
    struct json_writer w = json_writer(out);
    size_t before = out->len;

    if (row == NULL && !settings_path_is_known(path))
        return false;
    if (row != NULL)
        row->kind->put(s, row, &w);
    else
        put_group(s, path, &w);
    if (json_written(&w))
        return true;
    out->len = before;
    return false;
}
