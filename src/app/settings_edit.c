/* app/settings_edit.c - one value of the text replaced or added, everything else byte for byte as
 * it was.
 *
 * A value that is there is cut out and the new one put in its place. A member that is missing is
 * laid out as its neighbour before it is; in an object without members, as the rest of the file is:
 * on lines of its own when the file has lines, else without blanks. */
#include "app/settings_int.h"

#include <stdio.h>

#define INDENT_MAX 64

/* How the file is laid out, as its first member shows. */
struct layout {
    struct str newline; /* empty: all on one line */
    struct str unit;    /* one level of indentation */
    struct str colon;   /* between a name and its value */
};

struct edit {
    struct json doc;
    struct layout layout;
    struct str raw;
    struct settings_fault *fault;
    struct buf *out;
};

static enum status refuse(const struct edit *e, struct str path, enum status st, const char *why)
{
    *e->fault = (struct settings_fault){ .line = 0 };
    snprintf(e->fault->path, sizeof(e->fault->path), "%.*s", STR_ARG(str_take(path, 150)));
    snprintf(e->fault->text, sizeof(e->fault->text), "%s", why);
    return st;
}

static size_t offset_of(const struct edit *e, uint32_t node)
{
    return (size_t)(json_raw(&e->doc, node).at - e->doc.text.at);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct str between(const struct edit *e, size_t from, size_t to)
{
    return str_take(str_drop(e->doc.text, from), to - from);
}

/* The blanks in front of `at`. */
static struct str blanks_before(const struct edit *e, size_t at)
{
    size_t from = at;

    while (from > 0 && is_blank(e->doc.text.at[from - 1]))
        from--;
    return between(e, from, at);
}

static bool has_line_end(struct str s)
{
    return str_find(s, STR("\n")) != SIZE_MAX;
}

/* The blanks at the beginning of the line that holds `at`. */
static struct str indent_at(const struct edit *e, size_t at)
{
    size_t from = at, to;

    while (from > 0 && e->doc.text.at[from - 1] != '\n')
        from--;
    for (to = from; to < at && (e->doc.text.at[to] == ' ' || e->doc.text.at[to] == '\t');)
        to++;
    return between(e, from, to);
}

/* What stands between the name at node `key` and its value. */
static struct str colon_of(const struct edit *e, uint32_t object, uint32_t key)
{
    struct str name = json_raw(&e->doc, key);
    uint32_t value = json_after(&e->doc, object, key);

    return between(e, offset_of(e, key) + name.len, offset_of(e, value));
}

static void layout_read(struct edit *e)
{
    struct layout *l = &e->layout;
    uint32_t first = json_first(&e->doc, 0);

    *l = (struct layout){ STR("\n"), STR("  "), STR(": ") };
    if (str_find(e->doc.text, STR("\r\n")) != SIZE_MAX)
        l->newline = STR("\r\n");
    if (first == JSON_NONE)
        return;
    struct str blanks = blanks_before(e, offset_of(e, first)), indent;

    l->colon = colon_of(e, 0, first);
    if (has_line_end(l->colon))
        l->colon = STR(": ");
    if (!has_line_end(blanks)) {
        l->newline = STR("");
        return;
    }
    indent = indent_at(e, offset_of(e, first));
    /* the root itself may be indented; then the difference is one level */
    struct str root = indent_at(e, offset_of(e, 0));

    l->unit = str_starts(indent, root) ? str_drop(indent, root.len) : indent;
    l->unit = str_take(l->unit, INDENT_MAX);
}

/* --- writing */

static bool put_line(const struct edit *e, struct str indent, size_t levels)
{
    bool fits = true;

    if (e->layout.newline.len == 0)
        return true;
    fits = buf_add(e->out, e->layout.newline) && buf_add(e->out, indent);
    for (size_t i = 0; i < levels && fits; i++)
        fits = buf_add(e->out, e->layout.unit);
    return fits;
}

/* `"name": value`, where the value is `raw`, inside of an object for each further name of `path`.
 * The line begins with `indent` and `levels` levels. */
static bool put_member(const struct edit *e, struct str path, struct str colon, struct str indent,
                       size_t levels)
{
    struct str name, rest;
    bool deeper = str_cut(path, '.', &name, &rest);

    if (!json_quote(e->out, name) || !buf_add(e->out, colon))
        return false;
    if (!deeper)
        return buf_add(e->out, e->raw);
    return buf_add_char(e->out, '{') && put_line(e, indent, levels + 1) &&
           put_member(e, rest, e->layout.colon, indent, levels + 1) &&
           put_line(e, indent, levels) && buf_add_char(e->out, '}');
}

static bool put_replaced(const struct edit *e, uint32_t node)
{
    struct str old = json_raw(&e->doc, node);
    size_t at = offset_of(e, node);

    return buf_add(e->out, str_take(e->doc.text, at)) && buf_add(e->out, e->raw) &&
           buf_add(e->out, str_drop(e->doc.text, at + old.len));
}

/* Into an object without members: what stood between its brackets goes. */
static bool put_first(const struct edit *e, uint32_t object, struct str path)
{
    struct str old = json_raw(&e->doc, object), indent;
    size_t at = offset_of(e, object);

    indent = indent_at(e, at);
    return buf_add(e->out, str_take(e->doc.text, at + 1)) && put_line(e, indent, 1) &&
           put_member(e, path, e->layout.colon, indent, 1) && put_line(e, indent, 0) &&
           buf_add(e->out, str_drop(e->doc.text, at + old.len - 1));
}

/* Behind the last member, whose layout it copies. */
static bool put_last(const struct edit *e, uint32_t object, uint32_t key, uint32_t count,
                     struct str path)
{
    uint32_t value = json_after(&e->doc, object, key);
    size_t end = offset_of(e, value) + json_raw(&e->doc, value).len;
    struct str blanks = blanks_before(e, offset_of(e, key)), colon = colon_of(e, object, key);

    if (blanks.len == 0 && count == 1 && str_ends(colon, STR(" ")))
        blanks = STR(" "); /* `{"a": 1}` would write a blank behind its commas, too */
    if (has_line_end(colon))
        colon = e->layout.colon;
    return buf_add(e->out, str_take(e->doc.text, end)) && buf_add_char(e->out, ',') &&
           buf_add(e->out, blanks) &&
           put_member(e, path, colon,
                      has_line_end(blanks) ? indent_at(e, offset_of(e, key)) : indent_at(e, end),
                      0) &&
           buf_add(e->out, str_drop(e->doc.text, end));
}

static bool put_added(const struct edit *e, uint32_t object, struct str path)
{
    uint32_t last = JSON_NONE, count = 0;

    for (uint32_t i = json_first(&e->doc, object); i != JSON_NONE;
         i = json_after(&e->doc, object, i)) {
        last = i;
        count++;
        i = json_after(&e->doc, object, i);
    }
    return last == JSON_NONE ? put_first(e, object, path) : put_last(e, object, last, count, path);
}

/* --- finding the place */

static enum status edit_below(struct edit *e, uint32_t object, struct str whole, struct str path)
{
    struct str name, rest;
    bool deeper = str_cut(path, '.', &name, &rest), twice = false;
    uint32_t node;

    if (json_type(&e->doc, object) != JSON_OBJECT)
        return refuse(e, whole, E_SYNTAX, "leads through something that is no object");
    node = json_member(&e->doc, object, name, &twice);
    if (twice)
        return refuse(e, whole, E_SYNTAX, "stands there twice");
    if (node != JSON_NONE && deeper)
        return edit_below(e, node, whole, rest);

    bool fits = node != JSON_NONE ? put_replaced(e, node) : put_added(e, object, path);

    return fits ? OK : refuse(e, whole, E_LIMIT, "makes the file too large");
}

/* A key of the table, or a place inside of one that is an object. Each name has at least a byte. */
static bool path_is_good(struct str path)
{
    struct str name, rest = path, group;

    for (bool more = true; more;) {
        more = str_cut(rest, '.', &name, &rest);
        if (name.len == 0)
            return false;
    }
    for (group = path;; group = name) {
        const struct key_row *row = settings_row_find(group);

        if (row != NULL)
            return group.len == path.len || row->is_object;
        if (!str_cut_last(group, '.', &name, &rest))
            return false;
    }
}

enum status settings_edit(struct str text, struct str path, struct str raw, struct buf *out,
                          struct settings_fault *fault)
{
    struct arena a = { 0 };
    struct edit e = { .raw = str_trim(raw), .fault = fault, .out = out };
    struct json value;
    struct json_fault wrong = { 0 };
    size_t before = out->len;
    enum status st = OK;

    if (!path_is_good(path))
        st = refuse(&e, path, E_ABSENT, "is no setting");
    else if (!json_parse(&value, e.raw, NULL, &a, &wrong))
        st = refuse(&e, path, E_SYNTAX, wrong.what);
    else if (!settings_check(text, fault)) /* never edit what is broken */
        st = E_SYNTAX;
    if (st != OK)
        goto out;

    bool good = json_parse(&e.doc, text, NULL, &a, NULL);

    assert(good); /* settings_check() parsed it */
    layout_read(&e);
    st = edit_below(&e, 0, path, path);
    if (st == OK && !settings_check(str_drop(buf_str(out), before), fault))
        st = E_SYNTAX;
out:
    if (st != OK)
        out->len = before;
    arena_free(&a);
    return st;
}

enum status json_text_edit(struct str text, struct str path, struct str raw, struct buf *out,
                           struct error *why)
{
    struct arena a = { 0 };
    struct settings_fault fault = { .line = 0 };
    struct edit e = { .raw = str_trim(raw), .fault = &fault, .out = out };
    struct json_fault wrong = { 0 };
    size_t before = out->len;
    enum status st;

    if (!json_parse(&e.doc, text, NULL, &a, &wrong)) {
        json_fault_place(&wrong, text);
        st = fail(why, E_SYNTAX, "line %u, column %u: %s", wrong.line, wrong.col, wrong.what);
    } else if (json_type(&e.doc, 0) != JSON_OBJECT) {
        st = fail(why, E_SYNTAX, "it is no JSON object");
    } else {
        layout_read(&e);
        st = edit_below(&e, 0, path, path);
        if (st != OK)
            (void)fail(why, st, "%s: %s", fault.path, fault.text);
    }
    if (st != OK)
        out->len = before;
    arena_free(&a);
    return st;
}
