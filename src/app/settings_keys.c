/* app/settings_keys.c - `client_keys`: who may call, what, from where, and how much. */
#include "app/settings_keys.h"

#include <stdio.h>

#include "app/settings_int.h"
#include "base/base64.h"
#include "base/timetext.h"
#include "io/zone.h"

#define VARIABLE_MAX 512
#define PATTERN_MAX 256
#define TOKENS_MAX INT64_C(1000000000000000)
#define REQUESTS_MAX 1000000

const struct member_doc client_key_docs[] = {
    { "name", "string, required", "Its name: unique, 1 to 128 bytes." },
    { "key", "string", "The key itself, 1 to 512 bytes. Better not in this file: see `key_env`." },
    { "key_env", "string", "The environment variable that holds it; it must be set." },
    { "hash", "string", "The SHA-256 of the key, 64 hex digits: the file does not hold the key." },
    { "disabled", "true or false", "It is refused." },
    { "expires", "string",
      "It is refused from then on: RFC 3339, or a date (the local midnight at its beginning)." },
    { "models", "list of strings", "Only these models, `*` allowed; else all." },
    { "addresses", "list of strings",
      "Only from these addresses and networks (`10.0.0.0/8`); else from anywhere." },
    { "requests_per_minute", "integer", "Requests for a model in a minute; else any number." },
    { "tokens_per_day", "integer", "Tokens, in and out, of a local day." },
    { "tokens_per_month", "integer", "The same of a month." },
    { NULL, NULL, NULL },
};

void settings_declare_key(struct client_key_spec *spec, struct str name, struct str key)
{
    struct secret copy = secret_copy(key);
    uint8_t digest[SHA256_BYTES];
    struct buf text = { .max = 1024 };

    /* known by its name */
    (void)(buf_add(&text, STR("declared client key: ")) && buf_add(&text, name));
    sha256(buf_str(&text), digest);
    buf_clear(&text);
    memcpy(spec->id, digest, sizeof(spec->id));
    spec->name = name;
    spec->declared = true;
    if (key.len > 0) {
        sha256(key, spec->digest);
        secret_hint(&copy, spec->hint);
    }
    secret_clear(&copy);
}

static bool refuse_key(const struct reading *r, const struct place *at, uint32_t object,
                       const char *name, const char *why)
{
    const struct place here = { at, str_c(name), 0 };
    uint32_t node = json_member(r->doc, object, here.name, NULL);

    return settings_refuse(r, &here, node != JSON_NONE ? node : object, "%s", why);
}

/* --- limits ---------------------------------------------------------------------------------- */

/* `given`: the member is there, perhaps null, which is JSON_NONE for `node`. */
static bool member(const struct reading *r, const struct place *at, uint32_t object,
                   const char *name, bool *given, uint32_t *node)
{
    bool twice = false;

    *node = json_member(r->doc, object, str_c(name), &twice);
    *given = *node != JSON_NONE;
    if (twice)
        return refuse_key(r, at, object, name, "stands there twice");
    if (*given && json_type(r->doc, *node) == JSON_NULL)
        *node = JSON_NONE;
    return true;
}

static bool read_limit(const struct reading *r, const struct place *at, uint32_t object,
                       const char *name, int64_t max, int64_t *limit)
{
    bool given;
    uint32_t node;

    if (!member(r, at, object, name, &given, &node))
        return false;
    if (given)
        *limit = 0;
    return node == JSON_NONE || settings_read_integer(r, &(struct place){ at, str_c(name), 0 },
                                                      node, 1, max, false, limit);
}

static const char *check_pattern(__attribute__((unused)) struct arena *a, struct str *text)
{
    return text->len > 0 && text->len <= PATTERN_MAX ? NULL : "must have 1 to 256 bytes";
}

static bool read_list(const struct reading *r, const struct place *at, uint32_t object,
                      const char *name, struct arena *a,
                      const char *(*check)(struct arena *a, struct str *text), struct str **list,
                      size_t *count)
{
    const struct place here = { at, str_c(name), 0 };
    bool given;
    uint32_t node;

    if (!member(r, at, object, name, &given, &node))
        return false;
    if (given)
        *count = 0;
    if (node == JSON_NONE)
        return true;
    size_t room;

    if (!settings_open(r, &here, node, JSON_ARRAY, 0, CLIENT_KEY_LIST_MAX, &room))
        return false;
    *list = arena_array(a, struct str, room + 1);
    for (uint32_t i = json_first(r->doc, node); i != JSON_NONE; i = json_after(r->doc, node, i)) {
        const struct place item = { &here, STR(""), *count };
        struct str *text = &(*list)[(*count)++];
        const char *wrong;

        if (!settings_read_text(r, &item, i, PATTERN_MAX, a, text))
            return false;
        wrong = check(a, text);
        if (wrong != NULL)
            return settings_refuse(r, &item, i, "\"%.*s\" %s", STR_ARG(str_take(*text, 80)), wrong);
    }
    return true;
}

static bool expiry_read(struct str text, int64_t *unix_ms)
{
    int year, month, day, used = 0;
    char date[11] = "";

    if (date_read_rfc3339(text, unix_ms))
        return true;
    if (text.len != sizeof(date) - 1)
        return false;
    memcpy(date, text.at, text.len);
    if (sscanf(date, "%4d-%2d-%2d%n", &year, &month, &day, &used) != 3 || used != 10)
        return false;
    *unix_ms = zone_date(year, month, day) * 1000;
    return *unix_ms > 0;
}

static bool read_expiry(const struct reading *r, const struct place *at, uint32_t object,
                        int64_t *unix_ms)
{
    const struct place here = { at, STR("expires"), 0 };
    struct str text;
    bool given;
    uint32_t node;

    if (!member(r, at, object, "expires", &given, &node))
        return false;
    if (given)
        *unix_ms = 0;
    if (node == JSON_NONE)
        return true;
    if (!settings_read_text(r, &here, node, 64, r->scratch, &text))
        return false;
    return expiry_read(text, unix_ms) ||
           settings_refuse(r, &here, node, "must be a date, as 2027-01-31, or a time (RFC 3339)");
}

static bool read_limits(const struct reading *r, const struct place *at, uint32_t object,
                        struct arena *a, struct client_key_spec *out)
{
    bool given;
    uint32_t node;

    if (!member(r, at, object, "disabled", &given, &node))
        return false;
    if (given)
        out->disabled = false;
    if (node != JSON_NONE &&
        !settings_read_bool(r, &(struct place){ at, STR("disabled"), 0 }, node, &out->disabled))
        return false;
    return read_expiry(r, at, object, &out->expires_unix_ms) &&
           read_list(r, at, object, "models", a, check_pattern, &out->models, &out->model_count) &&
           read_list(r, at, object, "addresses", a, check_network, &out->addresses,
                     &out->address_count) &&
           read_limit(r, at, object, "requests_per_minute", REQUESTS_MAX, &out->requests_minute) &&
           read_limit(r, at, object, "tokens_per_day", TOKENS_MAX, &out->tokens_day) &&
           read_limit(r, at, object, "tokens_per_month", TOKENS_MAX, &out->tokens_month);
}

static void put_texts(struct json_writer *w, const char *name, const struct str *list, size_t count)
{
    json_put_key(w, str_c(name));
    json_put_array(w);
    for (size_t i = 0; i < count; i++)
        json_put_str(w, list[i]);
    json_put_end(w);
}

static void put_limit(struct json_writer *w, const char *name, int64_t limit)
{
    if (limit > 0)
        json_put_member_i64(w, name, limit);
    else
        json_put_member_null(w, name);
}

void settings_put_key_limits(const struct client_key_spec *spec, struct json_writer *w)
{
    struct buf expires = { .max = 64 };

    json_put_member_bool(w, "disabled", spec->disabled);
    if (spec->expires_unix_ms == 0) {
        json_put_member_null(w, "expires");
    } else {
        (void)date_put_rfc3339(&expires, spec->expires_unix_ms);
        json_put_member(w, "expires", buf_str(&expires));
    }
    buf_clear(&expires);
    put_texts(w, "models", spec->models, spec->model_count);
    put_texts(w, "addresses", spec->addresses, spec->address_count);
    put_limit(w, "requests_per_minute", spec->requests_minute);
    put_limit(w, "tokens_per_day", spec->tokens_day);
    put_limit(w, "tokens_per_month", spec->tokens_month);
}

/* --- in the file ----------------------------------------------------------------------------- */

static bool read_name(const struct reading *r, const struct place *at, uint32_t object,
                      struct arena *a, struct str *name)
{
    uint32_t node;

    if (!settings_member(r, at, object, STR("name"), &node))
        return false;
    if (node == JSON_NONE)
        return refuse_key(r, at, object, "name", "is missing");
    if (!settings_read_text(r, &(struct place){ at, STR("name"), 0 }, node, CLIENT_KEY_NAME_MAX, a,
                            name))
        return false;
    return name->len > 0 || refuse_key(r, at, object, "name", "is empty");
}

static bool key_of_variable(const struct reading *r, const struct place *at, uint32_t object,
                            uint32_t node, struct client_key_spec *out)
{
    const struct place here = { at, STR("key_env"), 0 };
    struct str name;
    const char *wrong;
    char text[129];

    if (!settings_read_text(r, &here, node, VARIABLE_MAX, r->scratch, &name))
        return false;
    if ((wrong = check_variable_name(name)) != NULL)
        return refuse_key(r, at, object, "key_env", wrong);
    if (r->sources == NULL)
        return true;
    snprintf(text, sizeof(text), "%.*s", STR_ARG(name));
    struct str key = str_trim(r->sources->environment(text));

    /* not left out: without its only key the gateway would let everybody in */
    if (key.len == 0)
        return settings_refuse(r, &here, node, "the environment variable %s is not set", text);
    if ((wrong = check_client_key(key)) != NULL)
        return settings_refuse(r, &here, node, "the environment variable %s %s", text, wrong);
    settings_declare_key(out, out->name, key);
    return true;
}

static bool key_of_hash(const struct reading *r, const struct place *at, uint32_t node,
                        struct client_key_spec *out)
{
    const struct place here = { at, STR("hash"), 0 };
    struct buf bytes = { .max = SHA256_BYTES };
    struct str text;

    if (!settings_read_text(r, &here, node, 2 * SHA256_BYTES, r->scratch, &text))
        return false;
    bool good = hex_get(&bytes, text) && bytes.len == SHA256_BYTES;

    if (good)
        memcpy(out->digest, bytes.at, SHA256_BYTES);
    buf_clear(&bytes);
    return good || settings_refuse(r, &here, node, "must be a SHA-256 as 64 hex digits");
}

static bool key_in_clear(const struct reading *r, const struct place *at, uint32_t object,
                         uint32_t node, struct client_key_spec *out)
{
    struct secret key = { 0 };

    if (!settings_read_secret(r, &(struct place){ at, STR("key"), 0 }, node, &key))
        return false;
    const char *wrong = check_client_key(secret_reveal(&key));

    if (wrong == NULL)
        settings_declare_key(out, out->name, secret_reveal(&key));
    secret_clear(&key);
    return wrong == NULL || refuse_key(r, at, object, "key", wrong);
}

static bool read_client_key(const struct reading *r, const struct place *at, uint32_t object,
                            struct client_key_spec *out)
{
    uint32_t key, key_env, hash;

    if (!settings_want(r, at, object, JSON_OBJECT, "an object") ||
        !settings_member(r, at, object, STR("key"), &key) ||
        !settings_member(r, at, object, STR("key_env"), &key_env) ||
        !settings_member(r, at, object, STR("hash"), &hash) ||
        !read_name(r, at, object, &r->s->arena, &out->name) ||
        !read_limits(r, at, object, &r->s->arena, out))
        return false;
    settings_declare_key(out, out->name, STR(""));
    if (key == JSON_NONE && key_env == JSON_NONE && hash == JSON_NONE)
        return refuse_key(r, at, object, "key", "is missing, and so is key_env");
    if (key != JSON_NONE && key_env != JSON_NONE)
        return refuse_key(r, at, object, "key_env", "and key exclude each other");
    if (hash != JSON_NONE && (key != JSON_NONE || key_env != JSON_NONE))
        return refuse_key(r, at, object, "hash", "and key or key_env exclude each other");
    if (hash != JSON_NONE)
        return key_of_hash(r, at, hash, out);
    return key_env != JSON_NONE ? key_of_variable(r, at, object, key_env, out)
                                : key_in_clear(r, at, object, key, out);
}

static bool read_client_keys(struct reading *r, const struct key_row *row, const struct place *at,
                             uint32_t node)
{
    struct settings *s = r->s;
    size_t count;

    if (!settings_open(r, at, node, JSON_ARRAY, row->min, row->max, &count))
        return false;
    s->client_keys = arena_array(&s->arena, struct client_key_spec, count + 1);
    for (uint32_t i = json_first(r->doc, node); i != JSON_NONE; i = json_after(r->doc, node, i)) {
        const struct place item = { at, STR(""), s->client_key_count };
        struct client_key_spec *key = &s->client_keys[s->client_key_count++];

        if (!read_client_key(r, &item, i, key))
            return false;
        for (struct client_key_spec *k = s->client_keys; k < key; k++)
            if (str_eq(k->name, key->name))
                return refuse_key(r, &item, i, "name", "is the name of another key, too");
    }
    return true;
}

static void put_client_keys(const struct settings *s,
                            __attribute__((unused)) const struct key_row *row,
                            struct json_writer *w)
{
    json_put_array(w);
    for (size_t i = 0; i < s->client_key_count; i++) {
        const struct client_key_spec *key = &s->client_keys[i];

        json_put_object(w);
        json_put_member(w, "name", key->name);
        if (key->hint[0] != '\0')
            json_put_member(w, "key", str_c(key->hint));
        else
            json_put_member_null(w, "key");
        settings_put_key_limits(key, w);
        json_put_end(w);
    }
    json_put_end(w);
}

const struct key_kind kind_client_keys = { "list of objects", read_client_keys, put_client_keys };

/* --- over the admin API ----------------------------------------------------------------------- */

static bool members_are_known(const struct reading *r, bool fresh)
{
    for (uint32_t i = json_first(r->doc, 0); i != JSON_NONE;
         i = json_after(r->doc, 0, json_after(r->doc, 0, i))) {
        struct str name;
        bool is_string = json_text(r->doc, i, r->scratch, &name);

        assert(is_string);
        bool of_file =
            str_eq(name, STR("key")) || str_eq(name, STR("key_env")) || str_eq(name, STR("hash"));

        if (of_file || (!fresh && str_eq(name, STR("name"))) ||
            !settings_has_member(client_key_docs, name))
            return settings_refuse(r, &(struct place){ NULL, name.len > 0 ? name : STR("\"\""), 0 },
                                   i,
                                   of_file ? "cannot be given: the gateway makes the key"
                                           : "is no member that can be set here");
    }
    return true;
}

bool settings_client_key_lay(struct str text, bool fresh, struct arena *a,
                             struct client_key_spec *spec, struct settings_fault *fault)
{
    struct arena scratch = { 0 };
    struct json doc;
    struct json_fault wrong = { 0 };
    struct reading r = { .doc = &doc, .fault = fault, .scratch = &scratch };
    bool good = json_parse(&doc, text, NULL, &scratch, &wrong);

    if (!good) {
        json_fault_place(&wrong, text);
        *fault = (struct settings_fault){ .line = wrong.line, .col = wrong.col };
        snprintf(fault->text, sizeof(fault->text), "%s", wrong.what);
    }
    good = good && settings_want(&r, NULL, 0, JSON_OBJECT, "an object") &&
           members_are_known(&r, fresh) && (!fresh || read_name(&r, NULL, 0, a, &spec->name)) &&
           read_limits(&r, NULL, 0, a, spec);
    arena_free(&scratch);
    return good;
}
