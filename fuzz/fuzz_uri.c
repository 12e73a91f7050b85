/* A path that is accepted is safe to route by, and its spelling does not matter: with every byte
 * escaped it is the same path. Parameters of the query are looked up on the way. */
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "http/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_path(struct str path)
{
    struct str segment, rest = path;

    assert(str_eq(path, STR("*")) || str_starts(path, STR("/")));
    for (size_t i = 0; i < path.len; i++)
        assert((uint8_t)path.at[i] >= ' ' && path.at[i] != 0x7f);
    for (bool more = true; more;) {
        more = str_cut(rest, '/', &segment, &rest);
        assert(!str_eq(segment, STR(".")) && !str_eq(segment, STR("..")));
    }
}

static void check_escaped(struct str path)
{
    struct buf target;
    struct http_fault fault;
    struct str query;
    size_t len;
    bool good = true;

    buf_init(&target, SIZE_MAX);
    for (size_t i = 0; i < path.len; i++)
        good = good && (i == 0 ? buf_add_char(&target, path.at[i])
                               : buf_printf(&target, i % 2 == 0 ? "%%%02x" : "%%%02X",
                                            (unsigned)(uint8_t)path.at[i]));
    assert(good);
    char *again = must_alloc(target.len);

    good = http_target_split(buf_str(&target), again, &len, &query, &fault);
    assert(good && query.len == 0);
    assert(str_eq((struct str){ again, len }, path));
    free(again);
    buf_clear(&target);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str target = { (const char *)data, size }, query = STR("");
    struct http_fault fault = { 0 };
    size_t len = 0, value_len = 0;
    char value[16], *path = must_alloc(size); /* just as much room as promised */

    if (http_target_split(target, path, &len, &query, &fault)) {
        assert(len <= size);
        assert(query.len == 0 || (query.at > target.at && query.at[-1] == '?'));
        check_path((struct str){ path, len });
        check_escaped((struct str){ path, len });
    } else {
        assert(fault.status == 400 && fault.what != NULL);
        query = target;
    }
    if (http_query_get(query, STR("key"), value, sizeof(value), &value_len))
        assert(value_len <= sizeof(value) && value_len < query.len);
    free(path);
    return 0;
}
