/* admin/answer.c - how an answer of the admin API looks, and how its parameters are read. */
#include "admin/admin_int.h"

#include "base/url.h"

static const struct http_field json_fields[] = {
    { { "Content-Type", 12 }, { "application/json", 16 } },
    { { "Cache-Control", 13 }, { "no-store", 8 } },
    { { "X-Content-Type-Options", 22 }, { "nosniff", 7 } },
};

bool admin_masks(const struct admin *a)
{
    return a->o.face(a->o.desk_peer).privacy;
}

#define FIELDS_MAX 6

/* `keys` of `/api/keys/ci`. */
static struct str noun_of(struct str path)
{
    struct str noun = STR(""), rest;

    if (str_starts(path, STR("/api/")))
        (void)str_cut(str_drop(path, 5), '/', &noun, &rest);
    return noun;
}

/* The one way out. */
static void send(struct request *r, int status, const struct http_field *more, size_t more_count,
                 const char *type, struct str body)
{
    const struct admin_visit *visit = r->owner;
    struct http_field fields[FIELDS_MAX];
    struct buf masked = { .max = ADMIN_ANSWER_MAX * 2 };
    size_t count = COUNT(json_fields);

    assert(count + more_count < FIELDS_MAX);
    memcpy(fields, json_fields, sizeof(json_fields));
    if (status == 401)
        fields[count++] = (struct http_field)HTTP_CHALLENGE;
    for (size_t i = 0; i < more_count; i++)
        fields[count++] = more[i];
    if (type != NULL)
        fields[0].value = str_c(type);
    if (body.len > 0 && admin_masks(visit->admin)) {
        const struct masks *m = &visit->admin->masks;
        bool good = type == NULL ? mask_json(m, noun_of(r->path), body, &masked)
                                 : mask_csv(m, body, &masked);

        body = good ? buf_str(&masked) : STR("{}"); /* what cannot be masked is not shown */
    }
    response_send(r, status, fields, count, body);
    buf_clear(&masked);
}

void admin_send(struct request *r, int status, struct str body)
{
    send(r, status, NULL, 0, NULL, body);
}

void admin_send_as(struct request *r, int status, const char *type, struct str body)
{
    send(r, status, NULL, 0, type, body);
}

void admin_send_cookie(struct request *r, int status, struct str body, const char *cookie)
{
    const struct http_field field = { STR("Set-Cookie"), str_c(cookie) };

    send(r, status, &field, cookie[0] != '\0', NULL, body);
}

void admin_put_error(struct buf *out, struct str message, struct str path)
{
    struct json_writer w = json_writer(out);

    json_put_object(&w);
    json_put_key(&w, STR("error"));
    json_put_object(&w);
    json_put_member(&w, "message", message);
    if (path.len > 0)
        json_put_member(&w, "path", path);
    json_put_end(&w);
    json_put_end(&w);
}

void admin_send_error(struct request *r, int status, struct str message, struct str param)
{
    struct buf b;

    buf_init(&b, 4096);
    admin_put_error(&b, message, param);
    admin_send(r, status, buf_str(&b));
    buf_clear(&b);
}

void admin_send_allowed(struct request *r, struct str methods)
{
    const struct http_field field = { STR("Allow"), methods };
    struct buf b;

    buf_init(&b, 4096);
    admin_put_error(&b, arena_printf(&r->arena, "this path takes %.*s", STR_ARG(methods)), STR(""));
    send(r, 405, &field, 1, NULL, buf_str(&b));
    buf_clear(&b);
}

void admin_send_wait(struct request *r, int64_t seconds)
{
    const struct http_field field = { STR("Retry-After"),
                                      arena_printf(&r->arena, "%lld", (long long)seconds) };
    struct buf b;

    buf_init(&b, 4096);
    admin_put_error(&b, STR("too many wrong credentials came from this address: wait"), STR(""));
    send(r, 429, &field, 1, NULL, buf_str(&b));
    buf_clear(&b);
}

void admin_send_written(struct request *r, struct json_writer *w)
{
    if (json_written(w))
        admin_send(r, 200, buf_str(w->out));
    else
        admin_send_error(r, 500, STR("the answer would be larger than 16 MiB: ask for less of it"),
                         STR(""));
    buf_clear(w->out);
}

struct str admin_unmasked(struct request *r, struct str text)
{
    const struct admin *a = ((const struct admin_visit *)r->owner)->admin;

    return admin_masks(a) ? mask_undo(&a->masks, text, &r->arena) : text;
}

struct str admin_unmasked_query(struct request *r)
{
    struct buf out = { .max = (size_t)64 << 10 }, value = { .max = (size_t)64 << 10 };
    struct str rest = r->query, one, key, given, done = r->query;
    bool good = admin_masks(((const struct admin_visit *)r->owner)->admin);

    while (good && rest.len > 0) {
        (void)str_cut(rest, '&', &one, &rest);
        bool has_value = str_cut(one, '=', &key, &given);

        value.len = 0;
        good = percent_get(&value, given, true) && (out.len == 0 || buf_add_char(&out, '&')) &&
               buf_add(&out, key) && (!has_value || buf_add_char(&out, '=')) &&
               percent_put(&out, admin_unmasked(r, buf_str(&value)), false);
    }
    if (good)
        done = arena_copy(&r->arena, buf_str(&out));
    buf_clear(&out);
    buf_clear(&value);
    return done;
}

bool admin_param_text(struct request *r, const char *name, struct str *value)
{
    char *text = arena_alloc(&r->arena, ADMIN_PARAM_MAX);
    size_t len = 0;

    /* an absent one and one that cannot be read look the same: so it is asked for both ways */
    if (http_query_get(r->query, str_c(name), text, ADMIN_PARAM_MAX, &len)) {
        *value = admin_unmasked(r, (struct str){ text, len });
        return true;
    }
    struct str rest = r->query, one, key, given;

    while (rest.len > 0) {
        (void)str_cut(rest, '&', &one, &rest);
        (void)str_cut(one, '=', &key, &given);
        if (str_eq(key, str_c(name))) {
            admin_send_error(r, 400, STR("the parameter is too long or badly escaped"),
                             str_c(name));
            return false;
        }
    }
    return true;
}

bool admin_param_number(struct request *r, const char *name, int64_t min, int64_t max,
                        int64_t *value)
{
    struct str text = STR("");
    int64_t n;

    if (!admin_param_text(r, name, &text))
        return false;
    if (text.len == 0)
        return true;
    if (!str_to_i64(text, &n) || n < min || n > max) {
        admin_send_error(r, 400,
                         arena_printf(&r->arena, "a number from %lld to %lld is wanted, not `%.*s`",
                                      (long long)min, (long long)max, STR_ARG(str_take(text, 60))),
                         str_c(name));
        return false;
    }
    *value = n;
    return true;
}
