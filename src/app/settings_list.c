/* app/settings_list.c - all settings with what a page needs to show and change them. */
#include "app/settings_list.h"

#include "app/settings_int.h"

/* --- what of them may be changed over the admin API */

struct rule {
    const char *path;
    bool below; /* what lies below is not it */
    const char *why;
};

/* No call takes a path of the file system, nor switches off what protects credentials on their way
 * (a test's affair). Lists that hold secrets are shown without them, so they cannot come back
 * whole.
 */
static const struct rule kept_out[] = {
    { "accounts", false, "accounts are changed one by one: /api/accounts" },
    { "client_keys", false, "client keys are changed one by one: /api/keys" },
    { "routing", false, "routes are changed together: PUT /api/routing" },
    { "providers", true, "what is set of a provider is changed one by one: providers.<name>.…" },
    { "traces.headers", false, "is set in the file only: it is shown without its values" },
    { "tls.ca_file", false, "is set in the file only: no call takes a path of the file system" },
    { "tls.insecure", false, "is set in the file only: it is for tests" },
};

const char *settings_kept_out(struct str path)
{
    struct str rest;

    for (size_t i = 0; i < COUNT(kept_out); i++)
        if (str_eq(path, str_c(kept_out[i].path)) ||
            (!kept_out[i].below && settings_path_below(path, str_c(kept_out[i].path), &rest)))
            return kept_out[i].why;
    /* a whole group could bring in what is kept out of it */
    return settings_row_find(path) == NULL && settings_path_is_known(path)
               ? "is a group of settings: they are changed one by one"
               : NULL;
}

/* --- one of them */

static const char *type_of(const struct key_row *row)
{
    static const struct {
        const char *word, *type;
    } types[] = {
        { "true or false", "boolean" },
        { "integer", "integer" },
        { "word", "word" },
        { "string or null", "text" },
        { "list of strings", "texts" },
        { "list of integers", "integers" },
        { "list of objects", "objects" },
    };

    for (size_t i = 0; i < COUNT(types); i++)
        if (str_eq(str_c(row->kind->word), str_c(types[i].word)))
            return types[i].type;
    return "object";
}

/* What workers get when they are made, and what the gateway looks at once. */
static bool waits_for_restart(const struct key_row *row)
{
#define PART(member) offsetof(struct settings, member), sizeof(((struct settings *)NULL)->member)
    static const struct {
        size_t from, size;
    } parts[] = { { PART(server) }, { PART(client) }, { PART(tls) }, { PART(drain_ms) } };
#undef PART

    for (size_t i = 0; i < COUNT(parts); i++)
        if (row->offset >= parts[i].from && row->offset < parts[i].from + parts[i].size)
            return true;
    return str_find(str_c(row->meaning), STR("Read at start")) != SIZE_MAX;
}

static bool is_in_text(const struct json *doc, struct str path)
{
    struct str rest = path, one;
    uint32_t node = 0;
    bool more = true;

    while (more && node != JSON_NONE && json_type(doc, node) == JSON_OBJECT) {
        more = str_cut(rest, '.', &one, &rest);
        node = json_member(doc, node, one, NULL);
    }
    return !more && node != JSON_NONE;
}

/* Variables that stand above the file, or that hold what it leaves open. */
static const struct {
    const char *path;
    bool above;
    const char *names[7];
} variables[] = {
    { "listen", true, { "PENSTOCK_LISTEN" } },
    { "client_keys", true, { "PENSTOCK_API_KEY", "ABV_API_KEY" } },
    { "proxy.upstream_proxy",
      false,
      { "https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY" } },
};

static const char *variable_of(const struct settings_sources *sources, struct str path,
                               bool in_text)
{
    for (size_t i = 0; i < COUNT(variables); i++) {
        if (!str_eq(path, str_c(variables[i].path)) || (in_text && !variables[i].above))
            continue;
        for (size_t n = 0; n < COUNT(variables[i].names) && variables[i].names[n] != NULL; n++)
            if (sources->environment(variables[i].names[n]).len > 0)
                return variables[i].names[n];
    }
    return NULL;
}

static void put_bounds(const struct key_row *row, struct json_writer *w)
{
    bool is_number = row->size > 0 && row->scale > 0;

    if (is_number || row->count_offset > 0) {
        json_put_member_i64(w, "min", row->min);
        json_put_member_i64(w, "max", row->max);
    }
    json_put_member_bool(w, "ceiling", row->ceiling);
    if (row->words == NULL)
        return;
    json_put_key(w, STR("words"));
    json_put_array(w);
    for (size_t i = 0; row->words[i] != NULL; i++)
        json_put_str(w, str_c(row->words[i]));
    json_put_end(w);
}

static void put_row(const struct settings_listing *l, const struct settings *standard,
                    const struct json *doc, const struct key_row *row, struct json_writer *w)
{
    struct str path = str_c(row->path);
    bool in_text = is_in_text(doc, path);
    const char *variable = variable_of(l->sources, path, in_text);
    const char *why = settings_kept_out(path);

    json_put_object(w);
    json_put_member(w, "path", path);
    json_put_member(w, "type", str_c(type_of(row)));
    json_put_key(w, STR("value"));
    row->kind->put(l->settings, row, w);
    json_put_key(w, STR("default"));
    row->kind->put(standard, row, w);
    json_put_member(w, "meaning", str_c(row->meaning));
    put_bounds(row, w);
    json_put_member(w, "source",
                    variable != NULL ? STR("environment")
                    : in_text        ? STR("file")
                                     : STR("default"));
    if (variable != NULL)
        json_put_member(w, "variable", str_c(variable));
    json_put_member_bool(w, "needs_restart", waits_for_restart(row));
    json_put_member_bool(w, "editable", why == NULL);
    if (why != NULL)
        json_put_member(w, "not_editable_because", str_c(why));
    json_put_end(w);
}

/* --- all */

static struct str no_environment(const char *name)
{
    (void)name;
    return STR("");
}

void settings_put_list(const struct settings_listing *l, struct json_writer *w)
{
    const struct settings_sources none = { no_environment };
    struct settings *standard = NULL;
    struct settings_fault fault;
    struct arena a = { 0 };
    struct json doc;
    const struct key_row *row;
    bool good = settings_read(STR("{}"), &none, &standard, &fault) &&
                json_parse(&doc, l->text, NULL, &a, NULL);

    assert(good); /* it is in force */
    json_put_array(w);
    for (size_t i = 0; (row = settings_row(i)) != NULL; i++)
        put_row(l, standard, &doc, row, w);
    json_put_end(w);
    settings_unref(standard);
    arena_free(&a);
}

bool settings_put_default(struct str path, struct buf *out)
{
    const struct settings_sources none = { no_environment };
    struct settings *standard = NULL;
    struct settings_fault fault;
    bool good = settings_read(STR("{}"), &none, &standard, &fault);

    assert(good);
    good = settings_row_find(path) != NULL && settings_get(standard, path, out);
    settings_unref(standard);
    return good;
}
