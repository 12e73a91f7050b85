/* An answer's head gets one verdict however it is cut, under the usual limits and under tight ones.
 */
#include "http_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_response(const struct outcome *o)
{
    struct buf out;

    assert(o->head.status >= 100 && o->head.status <= 599);
    if (o->head.minor == 0) /* we write 1.1, where other rules hold */
        return;
    buf_init(&out, SIZE_MAX);
    bool fits = http_put_status_line(&out, o->head.status);

    assert(fits);
    check_rewritten(http_parse_response, &out, o);
    buf_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct http_limits usual = { 1 << 10, 64 << 10, 200 }, tight = { 24, 120, 3 };
    struct str in = { (const char *)data, size };
    struct outcome o;

    check_cuts(http_parse_response, in, &tight, &o);
    assert(o.verdict != HTTP_PARSE_BAD || o.fault.status == 502);
    check_cuts(http_parse_response, in, &usual, &o);
    assert(o.verdict != HTTP_PARSE_BAD || o.fault.status == 502);
    if (o.verdict == HTTP_PARSE_DONE)
        check_response(&o);
    return 0;
}
