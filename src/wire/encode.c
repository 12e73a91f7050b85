/* wire/encode.c - what the encoders of all protocols share: the frame of an event, and
 * what of the request its answer depends on. */
#include "wire/convert.h"

struct answer_form answer_form_of(const struct canon_request *r)
{
    struct answer_form f = {
        .legacy = r->legacy,
        .wants_usage = r->wants_usage,
        .functions = r->functions,
        .tools = r->tools,
    };

    for (const struct server_tool *t = r->server_tools; t != NULL; t = t->next)
        f.cites = f.cites || t->kind == SERVER_TOOL_WEB_SEARCH;
    return f;
}

static void put(struct encoder *e, struct str bytes)
{
    if (e->full || !buf_add(e->out, bytes)) /* a beginning of the stream, none with holes */
        e->full = true;
}

struct json_writer encode_begin(struct encoder *e, struct str name)
{
    if (e->o->json_array) {
        put(e, e->begun ? STR(",\r\n") : STR("["));
    } else {
        if (name.len > 0) {
            put(e, STR("event: "));
            put(e, name);
            put(e, STR("\n"));
        }
        put(e, STR("data: "));
    }
    e->begun = true;
    e->data_at = e->out->len;
    return json_writer(e->out);
}

/* A line break would end the data. One between tokens can be left out, and inside of strings there
 * is none: it comes from JSON that was copied as it stood. */
static void join_lines(struct encoder *e)
{
    char *at = e->out->at + e->data_at, *end = e->out->at + e->out->len, *to = at;

    if (memchr(at, '\n', (size_t)(end - at)) == NULL &&
        memchr(at, '\r', (size_t)(end - at)) == NULL)
        return;
    for (; at < end; at++)
        if (*at != '\n' && *at != '\r')
            *to++ = *at;
    e->out->len = (size_t)(to - e->out->at);
}

void encode_finish(struct encoder *e, struct json_writer *w)
{
    if (!json_written(w))
        e->full = true;
    if (e->o->json_array || e->full)
        return;
    join_lines(e);
    put(e, STR("\n\n"));
}

void encode_raw(struct encoder *e, struct str data)
{
    put(e, STR("data: "));
    put(e, data);
    put(e, STR("\n\n"));
}
