/* wire/encode.c - what the encoders of all protocols share: the frame of an event. */
#include "wire/convert.h"

static void put(struct encoder *e, struct str bytes)
{
    if (!buf_add(e->out, bytes))
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
    return json_writer(e->out);
}

void encode_finish(struct encoder *e, struct json_writer *w)
{
    if (!json_written(w))
        e->full = true;
    if (!e->o->json_array)
        put(e, STR("\n\n"));
}

void encode_raw(struct encoder *e, struct str data)
{
    put(e, STR("data: "));
    put(e, data);
    put(e, STR("\n\n"));
}
