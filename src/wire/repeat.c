#include "wire/repeat.h"

void repeat_init(struct repeat *r)
{
    *r = (struct repeat){ .known = false };
    buf_init(&r->bytes, REPEAT_BYTES_MAX);
}

void repeat_clear(struct repeat *r)
{
    buf_clear(&r->bytes);
    r->known = false;
}

/* A gap for each part of the data that may differ, in their order. */
struct gap {
    struct str gone;
    enum repeat_kind kind;
};

static void add_gap(struct gap *gaps, size_t *count, struct gap g)
{
    size_t i = (*count)++;

    for (; i > 0 && gaps[i - 1].gone.at > g.gone.at; i--)
        gaps[i] = gaps[i - 1];
    gaps[i] = g;
}

static size_t find_gaps(const struct json *doc, struct text text, struct gap gaps[REPEAT_GAPS])
{
    static const struct str names[] = { STR("sequence_number"), STR("obfuscation") };
    uint32_t nodes[COUNT(names)];
    size_t count = 0;

    add_gap(gaps, &count, (struct gap){ text.escaped, REPEAT_TEXT });
    (void)json_members(doc, 0, names, nodes, COUNT(names));
    if (nodes[0] != JSON_NONE && json_type(doc, nodes[0]) == JSON_NUMBER)
        add_gap(gaps, &count, (struct gap){ json_raw(doc, nodes[0]), REPEAT_NUMBER });
    if (nodes[1] != JSON_NONE && json_type(doc, nodes[1]) == JSON_STRING)
        add_gap(gaps, &count, (struct gap){ json_inside(doc, nodes[1]), REPEAT_STRING });
    return count;
}

void repeat_learn(struct repeat *r, struct str name, const struct json *doc, struct text text)
{
    struct gap gaps[REPEAT_GAPS];
    size_t count = find_gaps(doc, text, gaps);
    const char *from = doc->text.at, *end = from + doc->text.len;

    r->bytes.len = 0;
    r->known = r->unlike < REPEAT_UNLIKE_MAX && buf_add(&r->bytes, name);
    if (r->known)
        r->unlike++;
    r->mark.len = 0;
    r->name_len = (uint32_t)name.len;
    r->gap_count = (uint32_t)count;
    for (size_t i = 0; i < count && r->known; i++) {
        const char *at = gaps[i].gone.at;

        r->known = buf_add(&r->bytes, (struct str){ from, (size_t)(at - from) });
        r->gaps[i] = (struct repeat_gap){ (uint32_t)r->bytes.len, gaps[i].kind };
        from = at + gaps[i].gone.len;
    }
    r->known = r->known && buf_add(&r->bytes, (struct str){ from, (size_t)(end - from) });
}

bool repeat_mark(struct repeat *r, struct str data, struct str slice)
{
    size_t at, front = r->gaps[0].at - r->name_len;
    size_t tail = r->bytes.len - r->gaps[r->gap_count - 1].at;

    if (!r->known || slice.len == 0)
        return r->known;
    at = (size_t)(slice.at - data.at);
    r->mark.behind = at + slice.len > front;
    r->mark.at = (uint32_t)(r->mark.behind ? data.len - at : at);
    r->mark.len = (uint32_t)slice.len;
    r->known = !r->mark.behind || r->mark.at <= tail;
    return r->known;
}

/* The length of the number at the front: no sign, no fraction. */
static size_t number_len(struct str s)
{
    size_t n = 0;

    while (n < s.len && n < 18 && s.at[n] >= '0' && s.at[n] <= '9')
        n++;
    return n > 1 && s.at[0] == '0' ? SIZE_MAX : n > 0 ? n : SIZE_MAX;
}

/* Takes what the event must have here. */
static inline bool passes(struct str *data, struct str must)
{
    if (data->len < must.len || memcmp(data->at, must.at, must.len) != 0)
        return false;
    *data = (struct str){ data->at + must.len, data->len - must.len };
    return true;
}

bool repeat_is(struct repeat *r, struct str name, struct str data, struct repeated *out)
{
    struct str known = buf_str(&r->bytes), rest = data;
    uint32_t done = r->name_len;

    if (!r->known || !str_eq(name, str_take(known, r->name_len)))
        return false;
    out->number = STR("");
    for (uint32_t i = 0; i < r->gap_count; i++) {
        const struct repeat_gap *gap = &r->gaps[i];
        size_t len;

        if (!passes(&rest, (struct str){ known.at + done, gap->at - done }))
            return false;
        len = gap->kind == REPEAT_NUMBER ? number_len(rest) : json_inside_len(rest);
        if (len == SIZE_MAX)
            return false;
        if (gap->kind == REPEAT_TEXT)
            out->text = (struct text){ { rest.at, len } };
        else if (gap->kind == REPEAT_NUMBER)
            out->number = (struct str){ rest.at, len };
        rest = (struct str){ rest.at + len, rest.len - len };
        done = gap->at;
    }
    if (!passes(&rest, str_drop(known, done)) || rest.len != 0 || text_is_empty(out->text))
        return false;
    out->marked = r->mark.len == 0
                      ? STR("")
                      : (struct str){ r->mark.behind ? rest.at - r->mark.at : data.at + r->mark.at,
                                      r->mark.len };
    r->unlike = 0;
    return true;
}
