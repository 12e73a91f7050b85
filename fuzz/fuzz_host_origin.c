/* A host that is accepted is its name and its port and nothing else, and the three places where one
 * may stand (alone, in the field Host, in an absolute target) agree about it. */
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "http/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_parts(struct str host, struct str name, int port)
{
    struct buf again;
    bool fits;

    assert(name.len > 0 && name.at == host.at);
    assert(port == -1 || (port >= 1 && port <= 65535));
    for (size_t i = 0; i < name.len; i++)
        assert(memchr("@/?#\\%, \t", name.at[i], 9) == NULL && (uint8_t)name.at[i] < 0x7f);
    buf_init(&again, SIZE_MAX);
    fits = buf_add(&again, name) &&
           (port < 0 || (buf_add_char(&again, ':') && buf_add_u64(&again, (uint64_t)port)));
    assert(fits && str_eq(buf_str(&again), host));
    buf_clear(&again);
}

/* Is it taken as the Host of a request? */
static bool is_good_field(struct str host)
{
    const struct http_limits wide = { 1 << 20, 1 << 22, 3 };
    struct http_head head;
    struct http_fault fault;
    struct buf out;
    size_t scanned = 0, used;

    buf_init(&out, SIZE_MAX);
    bool good =
        http_put_request_line(&out, STR("GET"), STR("/")) &&
        http_put_field(&out, STR("Host"), host) && http_put_end(&out) &&
        http_parse_request(buf_str(&out), &scanned, &wide, &head, &used, &fault) == HTTP_PARSE_DONE;

    assert(!good || str_eq(head.host, str_trim(host)));
    buf_clear(&out);
    return good;
}

static bool is_good_authority(struct str host)
{
    struct buf target;
    struct http_fault fault;
    struct str query;
    size_t len;

    buf_init(&target, SIZE_MAX);
    bool fits = buf_add(&target, STR("http://")) && buf_add(&target, host);

    assert(fits);
    char *path = must_alloc(target.len);
    bool good = http_target_split(buf_str(&target), path, &len, &query, &fault);

    free(path);
    buf_clear(&target);
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str host = { (const char *)data, size }, name = STR("");
    int port = 0;
    bool good = http_host_split(host, &name, &port);

    if (good)
        check_parts(host, name, port);
    if (str_eq(host, str_trim(host))) /* the field's value is trimmed */
        assert(is_good_field(host) == good);
    if (size > 0 && memchr(data, '/', size) == NULL && memchr(data, '?', size) == NULL)
        assert(is_good_authority(host) == good);
    return 0;
}
