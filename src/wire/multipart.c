#include "wire/multipart.h"

/* --- parameters of a field --------------------------------------------------------------------*/

/* The value of `name=` or `name="…"` among what stands behind the first `;`. A quoted value with
 * escapes is not understood, and none of ours has any. */
static bool parameter(struct str field, struct str name, struct str *value)
{
    struct str head, rest;

    (void)str_cut(field, ';', &head, &rest);
    while (rest.len > 0) {
        struct str key;

        rest = str_trim(rest);
        if (!str_cut(rest, '=', &key, &rest))
            return false;
        bool wanted = str_ieq(str_trim(key), name);

        if (rest.len > 0 && rest.at[0] == '"') {
            size_t end = str_find(str_drop(rest, 1), STR("\""));

            if (end == SIZE_MAX)
                return false;
            *value = (struct str){ rest.at + 1, end };
            rest = str_drop(rest, end + 2);
            (void)str_cut(rest, ';', &head, &rest);
        } else {
            (void)str_cut(rest, ';', value, &rest);
            *value = str_trim(*value);
        }
        if (wanted)
            return true;
    }
    return false;
}

bool multipart_boundary(struct str content_type, struct str *boundary)
{
    struct str kind, rest;

    (void)str_cut(content_type, ';', &kind, &rest);
    return str_ieq(str_trim(kind), STR("multipart/form-data")) &&
           parameter(content_type, STR("boundary"), boundary) && boundary->len > 0 &&
           boundary->len <= MULTIPART_BOUNDARY_MAX;
}

/* --- parts ------------------------------------------------------------------------------------*/

/* Behind the delimiter line that `body` begins with; false: there is no such line. `last`: it was
 * the closing one. */
static bool take_delimiter(struct str *body, struct str boundary, bool *last)
{
    struct str b = *body;

    if (!str_starts(b, STR("--")) || !str_starts(str_drop(b, 2), boundary))
        return false;
    b = str_drop(b, 2 + boundary.len);
    *last = str_starts(b, STR("--"));
    if (!*last) {
        while (b.len > 0 && (b.at[0] == ' ' || b.at[0] == '\t'))
            b = str_drop(b, 1);
        if (!str_starts(b, STR("\r\n")))
            return false;
        b = str_drop(b, 2);
    }
    *body = b;
    return true;
}

/* Where the next delimiter of this form begins in `body`, its line break before it included. */
static size_t find_delimiter(struct str body, struct str boundary)
{
    size_t done = 0;

    for (;;) {
        size_t at = str_find(str_drop(body, done), STR("\r\n--"));

        if (at == SIZE_MAX)
            return SIZE_MAX;
        if (str_starts(str_drop(body, done + at + 4), boundary))
            return done + at;
        done += at + 4;
    }
}

/* Is the part with these header lines the field? A file is none. */
static bool is_field(struct str headers, struct str name)
{
    struct str lead = STR("content-disposition:"), line, value;

    while (headers.len > 0) {
        size_t end = str_find(headers, STR("\r\n"));

        line = end == SIZE_MAX ? headers : str_take(headers, end);
        headers = end == SIZE_MAX ? STR("") : str_drop(headers, end + 2);
        if (str_istarts(line, lead))
            return parameter(str_drop(line, lead.len), STR("name"), &value) &&
                   str_eq(value, name) &&
                   !parameter(str_drop(line, lead.len), STR("filename"), &value);
    }
    return false;
}

enum multipart_found multipart_field(struct str body, struct str boundary, struct str name,
                                     struct str *value)
{
    enum multipart_found found = MULTIPART_ABSENT;
    bool last = false;

    for (unsigned parts = 0; take_delimiter(&body, boundary, &last); parts++) {
        if (last)
            return found;
        /* the empty line behind the headers may be the very first */
        size_t blank = str_starts(body, STR("\r\n")) ? 0 : str_find(body, STR("\r\n\r\n"));
        size_t begin = blank == 0 ? 2 : blank + 4;

        if (blank == SIZE_MAX || parts == MULTIPART_PARTS_MAX)
            return MULTIPART_BAD;
        struct str headers = str_take(body, blank), content = str_drop(body, begin);
        size_t end = find_delimiter(content, boundary);

        if (end == SIZE_MAX)
            return MULTIPART_BAD;
        if (is_field(headers, name)) {
            if (found == MULTIPART_FOUND)
                return MULTIPART_TWICE;
            *value = str_take(content, end);
            found = MULTIPART_FOUND;
        }
        body = str_drop(content, end + 2);
    }
    return MULTIPART_BAD;
}

/* What the header lines say. */
static void part_read(struct str headers, struct multipart_part *p)
{
    static const struct str disposition = { "content-disposition:", 20 },
                            type = { "content-type:", 13 };

    p->name = p->filename = p->type = STR("");
    while (headers.len > 0) {
        size_t end = str_find(headers, STR("\r\n"));
        struct str line = end == SIZE_MAX ? headers : str_take(headers, end);

        headers = end == SIZE_MAX ? STR("") : str_drop(headers, end + 2);
        if (str_istarts(line, disposition)) {
            line = str_drop(line, disposition.len);
            if (!parameter(line, STR("name"), &p->name))
                p->name = STR("");
            if (!parameter(line, STR("filename"), &p->filename))
                p->filename = STR("");
        } else if (str_istarts(line, type)) {
            p->type = str_trim(str_drop(line, type.len));
        }
    }
}

bool multipart_each(struct str body, struct str boundary,
                    bool (*fn)(void *peer, const struct multipart_part *p), void *peer, bool *bad)
{
    bool last = false;

    *bad = false;
    for (unsigned parts = 0; take_delimiter(&body, boundary, &last); parts++) {
        struct multipart_part p;

        if (last)
            return true;
        size_t blank = str_starts(body, STR("\r\n")) ? 0 : str_find(body, STR("\r\n\r\n"));
        size_t begin = blank == 0 ? 2 : blank + 4;

        if (blank == SIZE_MAX || parts == MULTIPART_PARTS_MAX)
            break;
        struct str content = str_drop(body, begin);
        size_t end = find_delimiter(content, boundary);

        if (end == SIZE_MAX)
            break;
        part_read(str_take(body, blank), &p);
        p.content = str_take(content, end);
        if (!fn(peer, &p))
            return false;
        body = str_drop(content, end + 2);
    }
    *bad = true;
    return false;
}
