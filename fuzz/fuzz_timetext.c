/* Durations and dates: what is read is in range, what is written reads back, and the front of a
 * text means what it means alone. */
#include "base/timetext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SECOND_MS INT64_C(1000)
#define DAY_MS INT64_C(86400000)

static void check_durations(struct str in)
{
    int64_t all_ms = -1, front_ms = -1, again_ms = -1, shown_ms = -1;
    size_t used = 0;
    bool all = duration_read(in, &all_ms), front = duration_read_prefix(in, &front_ms, &used);
    struct buf shown;

    assert(all == (front && used == in.len));
    assert(!all || all_ms == front_ms);
    if (!front)
        return;
    assert(front_ms >= 0);
    assert(used > 0 && used <= in.len);
    assert(duration_read(str_take(in, used), &again_ms) && again_ms == front_ms);

    buf_init(&shown, 64);
    assert(duration_put(&shown, front_ms));
    if (front_ms < INT64_MAX - DAY_MS) {
        assert(duration_read(buf_str(&shown), &shown_ms));
        assert(shown_ms >= front_ms); /* rounded up, by less than its smaller unit */
        assert(shown_ms - front_ms < DAY_MS / 24);
    }
    buf_clear(&shown);
}

static void check_date(int64_t ms)
{
    int64_t rfc_ms = 0, http_ms = 0, midnight = date_next_pacific_midnight(ms);
    struct buf out;

    assert(midnight > ms);
    assert(midnight - ms <= DAY_MS + DAY_MS / 24);
    buf_init(&out, 64);
    assert(date_put_rfc3339(&out, ms));
    assert(date_read_rfc3339(buf_str(&out), &rfc_ms));
    out.len = 0;
    assert(date_put_http(&out, ms));
    assert(date_read_http(buf_str(&out), &http_ms));
    assert(rfc_ms == http_ms);
    buf_clear(&out);
    if (ms < INT64_C(-62167219200000) || ms >= INT64_C(253402300800000))
        return; /* what was written is the nearest there is */
    assert(rfc_ms <= ms && ms - rfc_ms < SECOND_MS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = { (const char *)data, size };
    int64_t ms;

    check_durations(in);
    if (date_read_rfc3339(in, &ms))
        check_date(ms);
    if (date_read_http(in, &ms))
        check_date(ms);
    if (size == sizeof(ms)) {
        memcpy(&ms, data, sizeof(ms));
        check_date(ms > INT64_MAX - DAY_MS ? INT64_MAX - DAY_MS : ms);
    }
    return 0;
}
