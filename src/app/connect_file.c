#include "app/connect_file.h"

#include <string.h>

#include "app/settings.h"
#include "base/json.h"
#include "io/file.h"

/* --- JSON ---------------------------------------------------------------------------------------
 */

#define DEPTH_MAX 8

struct merging {
    struct buf *text; /* as merged so far */
    struct json recipe;
    struct arena arena;
    struct error *e;
};

/* Is there an object at `path` of what is merged so far? */
static bool is_object_at(struct merging *m, struct str path)
{
    struct json doc;
    struct str rest = path, name;
    uint32_t node = 0;
    bool more = true;

    if (!json_parse(&doc, buf_str(m->text), NULL, &m->arena, NULL))
        return false;
    while (more) {
        more = str_cut(rest, '.', &name, &rest);
        if (json_type(&doc, node) != JSON_OBJECT)
            return false;
        node = json_member(&doc, node, name, NULL);
        if (node == JSON_NONE)
            return false;
    }
    return json_type(&doc, node) == JSON_OBJECT;
}

static enum status put_value(struct merging *m, struct str path, uint32_t value)
{
    struct buf next = { .max = CONNECT_FILE_MAX };
    enum status st =
        json_text_edit(buf_str(m->text), path, json_raw(&m->recipe, value), &next, m->e);

    if (st != OK) {
        buf_clear(&next);
        return st;
    }
    buf_clear(m->text);
    *m->text = next;
    return OK;
}

/* Objects that are there already get members; all else is put as it stands. */
static enum status merge_object(struct merging *m, struct str path, uint32_t object, unsigned depth)
{
    enum status st = OK;

    for (uint32_t i = json_first(&m->recipe, object); i != JSON_NONE && st == OK;
         i = json_after(&m->recipe, object, i)) {
        struct str name = STR("");
        bool good = json_text(&m->recipe, i, &m->arena, &name);

        assert(good); /* a name of a recipe of ours */
        i = json_after(&m->recipe, object, i);
        struct str below = path.len == 0
                               ? name
                               : arena_printf(&m->arena, "%.*s.%.*s", STR_ARG(path), STR_ARG(name));

        if (depth < DEPTH_MAX && json_type(&m->recipe, i) == JSON_OBJECT && is_object_at(m, below))
            st = merge_object(m, below, i, depth + 1);
        else
            st = put_value(m, below, i);
    }
    return st;
}

enum status connect_merge_json(struct str text, struct str recipe, struct buf *out, struct error *e)
{
    struct merging m = { .text = out, .e = e };
    bool good = json_parse(&m.recipe, recipe, NULL, &m.arena, NULL);
    enum status st;

    assert(good);
    if (str_trim(text).len == 0) {
        st = buf_add(out, recipe) ? OK : fail(e, E_LIMIT, "it is too large");
    } else {
        st = buf_add(out, text) ? OK : fail(e, E_LIMIT, "it is too large");
        if (st == OK)
            st = merge_object(&m, STR(""), 0, 0);
    }
    arena_free(&m.arena);
    return st;
}

/* --- TOML ---------------------------------------------------------------------------------------
 */

/* The next line, its end included. */
static struct str line_take(struct str *rest)
{
    size_t end = str_find(*rest, STR("\n"));
    struct str line = end == SIZE_MAX ? *rest : str_take(*rest, end + 1);

    *rest = str_drop(*rest, line.len);
    return line;
}

static bool is_header(struct str line)
{
    return str_starts(str_trim(line), STR("["));
}

/* The bare key before `=`; empty: the line has none. */
static struct str key_of(struct str line)
{
    struct str trimmed = str_trim(line), key, value;

    if (trimmed.len == 0 || trimmed.at[0] == '#' || !str_cut(trimmed, '=', &key, &value))
        return STR("");
    return str_trim(key);
}

/* Lines before the first table, and the table with its header: the two parts of a recipe. */
struct toml_recipe {
    struct str keys, header, table;
};

static struct toml_recipe recipe_read(struct str recipe)
{
    struct toml_recipe r = { .keys = recipe };
    struct str rest = recipe;

    while (rest.len > 0) {
        struct str before = rest, line = line_take(&rest);

        if (!is_header(line))
            continue;
        r.keys = (struct str){ recipe.at, (size_t)(before.at - recipe.at) };
        r.header = str_trim(line);
        r.table = before;
        break;
    }
    return r;
}

static enum status toml_check(struct str text, const struct toml_recipe *r, struct error *e)
{
    struct str rest = text, name = str_drop_last(str_drop(r->header, 1), 1), group, below;
    uint32_t number = 0;

    (void)str_cut(name, '.', &group, &below);
    if (str_find(text, STR("\"\"\"")) != SIZE_MAX || str_find(text, STR("'''")) != SIZE_MAX)
        return fail(e, E_SYNTAX, "it has strings of several lines, which are not understood here");
    while (rest.len > 0) {
        struct str key = key_of(line_take(&rest));

        number++;
        /* the table written in another way: `model_providers.penstock.x = 1`, `model_providers =
         * {…}` */
        if (str_eq(key, group) ||
            (str_starts(key, group) && key.len > group.len && key.at[group.len] == '.'))
            return fail(e, E_SYNTAX, "line %u: `%.*s` is written in a way not understood here",
                        number, STR_ARG(group));
    }
    return OK;
}

/* The recipe's own line for this key; empty: it has none. */
static struct str recipe_line(const struct toml_recipe *r, struct str key)
{
    struct str rest = r->keys;

    while (rest.len > 0) {
        struct str line = line_take(&rest);

        if (key.len > 0 && str_eq(key_of(line), key))
            return line;
    }
    return STR("");
}

static bool text_has_key(struct str text, struct str key)
{
    struct str rest = text;

    while (rest.len > 0) {
        struct str line = line_take(&rest);

        if (is_header(line))
            return false;
        if (str_eq(key_of(line), key))
            return true;
    }
    return false;
}

enum status connect_merge_toml(struct str text, struct str recipe, struct buf *out, struct error *e)
{
    struct toml_recipe r = recipe_read(recipe);
    struct str rest = r.keys;
    bool in_table = false, seen_header = false, good = true;
    enum status st = toml_check(text, &r, e);

    if (st != OK)
        return st;
    while (rest.len > 0) { /* keys that the file does not have: in front of everything */
        struct str line = line_take(&rest);

        if (key_of(line).len > 0 && !text_has_key(text, key_of(line)))
            good = good && buf_add(out, line);
    }
    for (rest = text; rest.len > 0;) {
        struct str line = line_take(&rest);

        if (is_header(line)) {
            seen_header = true;
            in_table = str_eq(str_trim(line), r.header);
        }
        struct str instead = seen_header ? STR("") : recipe_line(&r, key_of(line));

        if (!in_table)
            good = good && buf_add(out, instead.len > 0 ? instead : line);
    }
    if (out->len > 0 && out->at[out->len - 1] != '\n')
        good = good && buf_add_char(out, '\n');
    good = good && (out->len == 0 || buf_add_char(out, '\n')) && buf_add(out, r.table);
    return good ? OK : fail(e, E_LIMIT, "it is too large");
}

/* --- the file -----------------------------------------------------------------------------------
 */

/* Empty when there is none. */
static enum status read_or_empty(const char *path, struct buf *out, struct error *e)
{
    enum status st = file_read(path, out, e);

    return st == E_ABSENT ? OK : st;
}

/* The folder is made when it is not there; one that is there stays as it is. */
static enum status folder_of(const char *path, struct arena *a, struct error *e)
{
    const char *slash = strrchr(path, '/');
    const char *folder = slash == NULL || slash == path
                             ? "/"
                             : arena_printf(a, "%.*s", (int)(slash - path), path).at;

    return file_facts(folder).there ? OK : folder_prepare(folder, e);
}

enum status connect_write(const char *path, struct str recipe, bool is_toml, struct error *e)
{
    struct arena a = { 0 };
    const char *backup = arena_printf(&a, "%s.penstock-backup", path).at;
    const char *record = arena_printf(&a, "%s.penstock-written", path).at;
    struct buf now = { .max = CONNECT_FILE_MAX }, written = { .max = CONNECT_FILE_MAX };
    struct buf before = { .max = CONNECT_FILE_MAX }, merged = { .max = CONNECT_FILE_MAX * 2 };
    struct error why = { .status = OK };
    enum status st = folder_of(path, &a, e);

    if (st == OK)
        st = read_or_empty(path, &now, e);
    if (st == OK)
        st = read_or_empty(record, &written, e);
    bool again = st == OK && file_facts(record).there && file_facts(path).there &&
                 str_eq(buf_str(&now), buf_str(&written));

    if (st == OK && again)
        st = read_or_empty(backup, &before, e);
    else if (st == OK)
        st = buf_add(&before, buf_str(&now)) ? OK : fail(e, E_LIMIT, "%s is too large", path);
    if (st == OK) {
        st = is_toml ? connect_merge_toml(buf_str(&before), recipe, &merged, &why)
                     : connect_merge_json(buf_str(&before), recipe, &merged, &why);
        if (st != OK)
            (void)fail(e, st, "%s is left alone: %s", path, why.text);
    }
    if (st == OK && !again) {
        if (file_facts(path).there)
            st = file_write(backup, buf_str(&before), false, e);
        else
            st = file_remove(backup, e);
    }
    if (st == OK)
        st = file_write(record, buf_str(&merged), false, e);
    if (st == OK)
        st = file_write(path, buf_str(&merged), false, e);
    buf_clear(&now);
    buf_clear(&written);
    buf_clear(&before);
    buf_clear(&merged);
    arena_free(&a);
    return st;
}

enum status connect_undo(const char *path, struct error *e)
{
    struct arena a = { 0 };
    const char *backup = arena_printf(&a, "%s.penstock-backup", path).at;
    const char *record = arena_printf(&a, "%s.penstock-written", path).at;
    struct buf now = { .max = CONNECT_FILE_MAX }, written = { .max = CONNECT_FILE_MAX };
    struct buf before = { .max = CONNECT_FILE_MAX };
    enum status st = file_read(record, &written, e);

    if (st == E_ABSENT)
        st = fail(e, E_ABSENT, "%s was not written by `penstock connect`", path);
    if (st == OK)
        st = read_or_empty(path, &now, e);
    if (st == OK && !str_eq(buf_str(&now), buf_str(&written)))
        st = fail(e, E_CONFLICT,
                  "%s was changed since: put %s in its place yourself, or take the gateway out of "
                  "it",
                  path, backup);
    if (st == OK && file_facts(backup).there) {
        st = file_read(backup, &before, e);
        if (st == OK)
            st = file_write(path, buf_str(&before), false, e);
    } else if (st == OK) {
        st = file_remove(path, e);
    }
    if (st == OK)
        st = file_remove(backup, e);
    if (st == OK)
        st = file_remove(record, e);
    buf_clear(&now);
    buf_clear(&written);
    buf_clear(&before);
    arena_free(&a);
    return st;
}
