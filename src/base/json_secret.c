#include "json_secret.h"

struct secret json_secret(const struct json *doc, uint32_t node)
{
    struct secret s = { 0 };

    if (node == JSON_NONE || json_type(doc, node) != JSON_STRING)
        return s;
    struct str inside = json_inside(doc, node);
    struct buf plain = { .max = inside.len }; /* never longer than it was, escaped */

    if (json_unescape(&plain, inside) && plain.len > 0)
        s = secret_copy(buf_str(&plain));
    if (plain.cap > 0)
        wipe(plain.at, plain.cap);
    buf_clear(&plain);
    return s;
}
