/* A request head gets one verdict however it is cut, under the usual limits and under tight ones.
 */
#include "http_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_faults(const struct outcome *o)
{
    static const int statuses[] = { 400, 414, 417, 431, 501, 505 };
    bool known = o->verdict != HTTP_PARSE_BAD;

    for (size_t i = 0; i < COUNT(statuses); i++)
        known = known || o->fault.status == statuses[i];
    assert(known);
}

static void check_request(const struct outcome *o)
{
    struct str name;
    struct buf out;
    int port;

    assert(o->head.host.len > 0 || o->head.minor == 0);
    assert(o->head.host.len == 0 || http_host_split(o->head.host, &name, &port));
    if (o->head.minor == 0) /* we write 1.1, where other rules hold */
        return;
    buf_init(&out, SIZE_MAX);
    bool fits = http_put_request_line(&out, o->head.method_text, o->head.target);

    assert(fits);
    check_rewritten(http_parse_request, &out, o);
    buf_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct http_limits usual = { 8 << 10, 32 << 10, 100 }, tight = { 30, 120, 3 };
    struct str in = { (const char *)data, size };
    struct outcome o;

    check_cuts(http_parse_request, in, &tight, &o);
    check_faults(&o);
    check_cuts(http_parse_request, in, &usual, &o);
    check_faults(&o);
    if (o.verdict == HTTP_PARSE_DONE)
        check_request(&o);
    return 0;
}
