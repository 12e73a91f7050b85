#include "admin/assets.h"

#include <stdlib.h>

#include "admin/assets_int.h"
#include "http/inflate.h"

#define PREFIX "/assets/"
#define DOCUMENT "/"
#define POLICY                                                                        \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " \
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

static const struct str pages[] = {
    STR("/quota"),    STR("/routing"),      STR("/logs"),    STR("/usage"),
    STR("/settings"), STR("/remote-panel"), STR("/connect"),
};

bool assets_is_page(struct str path)
{
    for (size_t i = 0; i < COUNT(pages); i++)
        if (str_eq(path, pages[i]))
            return true;
    return false;
}

bool assets_has(struct str path)
{
    return assets_is_page(path) || str_starts(path, STR(PREFIX));
}

bool assets_wants_json(const struct request *r)
{
    struct str accept = http_field_value(r->head, STR("accept"));

    return str_find(accept, STR("application/json")) != SIZE_MAX &&
           str_find(accept, STR("text/html")) == SIZE_MAX;
}

static int by_path(const void *key, const void *row)
{
    const struct str *path = key;
    const struct asset *a = row;

    return str_cmp(*path, str_c(a->path));
}

static const struct asset *asset_find(struct str path)
{
    return bsearch(&path, assets, asset_count, sizeof(assets[0]), by_path);
}

/* `q=0`, `q=0.000`: not at all. */
static bool is_refused(struct str weight)
{
    if (!str_istarts(weight, STR("q=0")))
        return false;
    for (size_t i = 3; i < weight.len; i++)
        if (weight.at[i] != '0' && weight.at[i] != '.')
            return false;
    return true;
}

static bool takes_gzip(const struct request *r)
{
    struct str list = http_field_value(r->head, STR("accept-encoding")), one, name, weight;

    while (list.len > 0) {
        (void)str_cut(list, ',', &one, &list);
        (void)str_cut(one, ';', &name, &weight);
        if (str_ieq(str_trim(name), STR("gzip")))
            return !is_refused(str_trim(weight));
    }
    return false;
}

static bool has_it(const struct request *r, const struct asset *a)
{
    struct str shown = http_field_value(r->head, STR("if-none-match")), one;

    while (shown.len > 0) {
        (void)str_cut(shown, ',', &one, &shown);
        one = str_trim(one);
        if (str_starts(one, STR("W/")))
            one = str_drop(one, 2);
        if (str_eq(one, str_c(a->tag)) || str_eq(one, STR("*")))
            return true;
    }
    return false;
}

/* The file as it was, for a client that does not take gzip; NULL bytes when it cannot be. */
static struct str inflated(struct arena *arena, const struct asset *a)
{
    struct str packed = { (const char *)a->packed, a->packed_len };
    char *out = arena_alloc(arena, a->len > 0 ? a->len : 1);
    size_t len = 0, got;
    struct inflate z;

    inflate_init(&z, UINT32_MAX, a->len);
    while (len < a->len && inflate_next(&z, &packed, out + len, a->len - len, &got) == INFLATE_DATA)
        len += got;
    inflate_clear(&z);
    assert(len == a->len); /* the build made both */
    return (struct str){ out, len };
}

static void send_asset(struct request *r, const struct asset *a)
{
    bool document = str_eq(str_c(a->path), STR(DOCUMENT));
    bool packed = takes_gzip(r), known = has_it(r, a);
    struct http_field fields[10];
    struct str body = { (const char *)a->packed, a->packed_len };
    size_t n = 0;

    fields[n++] = (struct http_field){ STR("Content-Type"), str_c(a->type) };
    fields[n++] = (struct http_field){ STR("ETag"), str_c(a->tag) };
    fields[n++] = (struct http_field){
        STR("Cache-Control"),
        document ? STR("no-cache") : STR("public, max-age=31536000, immutable"),
    };
    fields[n++] = (struct http_field){ STR("Vary"), STR("Accept-Encoding, Accept") };
    fields[n++] = (struct http_field){ STR("X-Content-Type-Options"), STR("nosniff") };
    fields[n++] = (struct http_field){ STR("Referrer-Policy"), STR("no-referrer") };
    fields[n++] = (struct http_field){ STR("Content-Security-Policy"), STR(POLICY) };
    if (packed && !known)
        fields[n++] = (struct http_field){ STR("Content-Encoding"), STR("gzip") };
    if (known)
        body = STR("");
    else if (!packed)
        body = inflated(&r->arena, a);
    response_send(r, known ? 304 : 200, fields, n, body);
}

static void refuse(struct request *r, int status, struct str text)
{
    const struct http_field fields[] = {
        { STR("Content-Type"), STR("text/plain; charset=utf-8") },
        { STR("Cache-Control"), STR("no-store") },
        { STR("X-Content-Type-Options"), STR("nosniff") },
        { STR("Allow"), STR("GET, HEAD") },
    };

    response_send(r, status, fields, status == 405 ? COUNT(fields) : COUNT(fields) - 1, text);
}

bool assets_answer(struct request *r)
{
    bool page = assets_is_page(r->path);
    const struct asset *a;

    if (!assets_has(r->path))
        return false;
    a = asset_find(page ? STR(DOCUMENT) : r->path);
    if (r->head->method != HTTP_GET && r->head->method != HTTP_HEAD)
        refuse(r, 405, STR("this path takes GET\n"));
    else if (a == NULL) /* of a build before this one: the document knows the new name */
        refuse(r, 404, STR("no such file\n"));
    else
        send_asset(r, a);
    return true;
}
