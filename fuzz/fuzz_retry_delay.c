/* fuzz/fuzz_retry_delay.c - delays and verdicts from any answer. The input is an answer: status
 * line, fields, body. What is named is never negative, a reading is the same each time, and the
 * pool's bounds hold for whatever comes out. */
#include <stdlib.h>

#include "base/arena.h"
#include "http/parse.h"
#include "pool/lockout.h"
#include "provider/delay.h"
#include "provider/provider.h"

#define NOW_MS INT64_C(1795251600000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_delay(int64_t ms)
{
    assert(ms >= DELAY_NONE);
}

static void check_verdict(const struct verdict *v)
{
    assert(v->kind < VERDICT_KINDS);
    const struct pool_options options = { .backoff_ms = { 60000, 300000 }, .backoff_count = 2 };

    check_delay(v->delay_ms);
    if (lockout_scope(v) == LOCKOUT_NOBODY)
        return;
    for (uint32_t step = 0; step < 10; step++) {
        int64_t ms = lockout_length_ms(v, step, &options);

        assert(ms >= LOCKOUT_NAMED_MS_MIN);
        assert(ms <= LOCKOUT_NAMED_MS_MAX ||
               (v->kind == VERDICT_NEEDS_ACTION && ms == LOCKOUT_FOR_EVER));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_limits limits = { .line_bytes = 1024, .head_bytes = 65536, .field_count = 200 };
    struct http_head *head = must_calloc(1, sizeof(*head));
    struct http_fault fault = { 0 };
    struct arena a = { 0 };
    struct str in = { (const char *)data, size };
    size_t scanned = 0, used = 0;
    bool whole = http_parse_response(in, &scanned, &limits, head, &used, &fault) == HTTP_PARSE_DONE;
    struct str body = whole ? str_drop(in, used) : in;

    check_delay(delay_from_text(body, NOW_MS));
    check_delay(delay_from_number(body, NOW_MS));
    if (whole) {
        check_delay(delay_retry_after(head, NOW_MS));
        check_delay(delay_from_head(head, NOW_MS));
    }
    struct judge_ask ask = { .wire = (enum wire)(size % WIRES),
                             .status = whole ? head->status : 429,
                             .head = whole ? head : NULL,
                             .body = body,
                             .refreshable = size % 2 == 0,
                             .unix_ms = NOW_MS };
    struct judge_words words;
    struct verdict v = provider_judge(NULL, &ask, &a, &words);
    struct verdict again = provider_judge(NULL, &ask, &a, &words);

    check_verdict(&v);
    assert(v.kind == again.kind && v.delay_ms == again.delay_ms);
    assert(words.message.len <= JUDGE_MESSAGE_MAX);
    arena_free(&a);
    free(head);
    return 0;
}
