#include "exchange/trace.h"

#include <stdlib.h>

#include "test.h"

static struct access_attempt attempts[ACCESS_ATTEMPTS_MAX];
static struct pick picks[ACCESS_ATTEMPTS_MAX];

static struct pick nobody;

/* With up to more names than are kept. */
static struct pick pick_of(uint64_t n)
{
    struct pick p = { .reason = PICK_STICKY, .retry_at_ms = (int64_t)n };

    p.passed_count = (uint32_t)(n % (PICK_PASSED_MAX + 3));
    for (uint32_t i = 0; i < p.passed_count && i < PICK_PASSED_MAX; i++) {
        p.passed[i].id = (int64_t)(n + i);
        snprintf(p.passed[i].label, sizeof(p.passed[i].label), "passed-%" PRIu64 "-%u", n, i);
    }
    return p;
}

/* A record whose every part can be told from its number. */
static struct access_record record_of(struct test *t, uint64_t n)
{
    struct access_record r = {
        .exchange = n,
        .protocol = STR("anthropic"),
        .path = STR("/v1/messages"),
        .model = arena_printf(&t->arena, "model-%" PRIu64, n),
        .mapped_model = arena_printf(&t->arena, "%.*s", (int)(n % 50),
                                     "mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm"),
        .account = STR("ada"),
        .broke = arena_printf(&t->arena, "broke-%" PRIu64, n),
        .provider = STR("anthropic"),
        .status = 200,
        .phase = "streaming",
        .attempt_count = (uint32_t)(n % 4),
        .attempts_kept = (uint32_t)(n % 4),
        .attempts = attempts,
    };

    snprintf(r.request_id, sizeof(r.request_id), "req_%" PRIu64, n);
    for (uint32_t i = 0; i < r.attempts_kept; i++) {
        attempts[i] = (struct access_attempt){ .number = i + 1, .account_id = (int64_t)n };
        snprintf(attempts[i].label, sizeof(attempts[i].label), "account-%" PRIu64 "-%u", n, i);
        picks[i] = pick_of(n + i);
        attempts[i].pick = &picks[i];
        attempts[i].duration_ms = (int64_t)n + i;
    }
    nobody = pick_of(n * 3);
    r.nobody = n % 3 == 0 ? &nobody : NULL;
    return r;
}

static void check_pick(struct test *t, const struct pick *got, uint64_t n)
{
    struct pick want = pick_of(n);

    CHECK_INT(got->reason, PICK_STICKY);
    CHECK_INT(got->retry_at_ms, n);
    CHECK_INT(got->passed_count, want.passed_count);
    CHECK(memcmp(got, &want, pick_bytes(&want)) == 0, "%" PRIu64, n);
}

static void check_record(struct test *t, const struct access_record *got, uint64_t n)
{
    struct access_record want = record_of(t, n);

    CHECK_INT(got->exchange, n);
    CHECK_STR(str_c(got->request_id), want.request_id);
    CHECK_STRS(got->model, want.model);
    CHECK_STRS(got->mapped_model, want.mapped_model);
    CHECK_STRS(got->protocol, want.protocol);
    CHECK_STR(got->session, "");
    CHECK_STRS(got->account, want.account);
    CHECK_STRS(got->broke, want.broke);
    CHECK_STR(str_c(got->phase), "streaming");
    if (!CHECK_INT(got->attempts_kept, want.attempts_kept))
        return;
    for (uint32_t i = 0; i < want.attempts_kept; i++) {
        CHECK_INT(got->attempts[i].number, i + 1);
        CHECK_INT(got->attempts[i].account_id, n);
        CHECK_STR(str_c(got->attempts[i].label), want.attempts[i].label);
        CHECK_INT(got->attempts[i].duration_ms, n + i);
        check_pick(t, got->attempts[i].pick, n + i);
    }
    CHECK_INT(got->nobody != NULL, n % 3 == 0);
    if (got->nobody != NULL)
        check_pick(t, got->nobody, n * 3);
}

TEST(the_newest_come_first_and_the_oldest_go)
{
    struct trace_ring *ring = trace_ring_new(64 << 10);
    uint64_t added = 0;

    for (int round = 0; round < 500; round++) {
        for (size_t k = test_below(t, 5); k > 0; k--) {
            struct access_record r = record_of(t, ++added);

            trace_ring_add(ring, &r);
        }
        uint64_t place = UINT64_MAX, seen = 0;
        struct access_record got;
        struct arena a = { 0 };

        while (trace_ring_next(ring, &place, &a, &got)) {
            check_record(t, &got, added - seen);
            seen++;
        }
        CHECK_INT(seen, trace_ring_count(ring));
        CHECK(seen == added || seen >= 10, "%" PRIu64 " of %" PRIu64, seen, added);
        arena_free(&a);
        if (t->failures > 0)
            break;
    }
    CHECK(trace_ring_count(ring) < added, "some had to go");
    trace_ring_free(ring);
}

TEST(a_trace_is_found_by_its_id_as_long_as_it_is_kept)
{
    struct trace_ring *ring = trace_ring_new(32 << 10);
    struct access_record got;

    CHECK(!trace_ring_find(ring, STR("req_1"), &t->arena, &got));
    for (uint64_t n = 1; n <= 200; n++) {
        struct access_record r = record_of(t, n);

        trace_ring_add(ring, &r);
    }
    size_t kept = trace_ring_count(ring);

    for (uint64_t n = 1; n <= 200; n++) {
        struct str id = arena_printf(&t->arena, "req_%" PRIu64, n);
        bool found = trace_ring_find(ring, id, &t->arena, &got);

        CHECK_INT(found, n > 200 - kept, "%" PRIu64 " of 200, %zu kept", n, kept);
        if (found)
            check_record(t, &got, n);
    }
    trace_ring_free(ring);
}

TEST(texts_are_clipped_at_a_character)
{
    char *text = arena_alloc(&t->arena, TRACE_TEXT_MAX + 2);
    struct trace_ring *ring = trace_ring_new(64 << 10);
    struct access_record r = record_of(t, 1), got;

    for (size_t len = TRACE_TEXT_MAX - 1; len <= TRACE_TEXT_MAX + 1; len++) {
        memset(text, 'm', len);
        text[len - 2] = '\303';
        text[len - 1] = '\266';
        r.model = (struct str){ text, len };
        trace_ring_add(ring, &r);
        CHECK(trace_ring_find(ring, str_c(r.request_id), &t->arena, &got));
        CHECK_INT(got.model.len, len <= TRACE_TEXT_MAX ? len : TRACE_TEXT_MAX - 1);
    }
    trace_ring_free(ring);
}

TEST(a_ring_too_small_for_a_trace_keeps_none)
{
    struct access_record r = record_of(t, 3), got;

    for (size_t size = 0; size < sizeof(struct access_record); size += 50) {
        struct trace_ring *ring = trace_ring_new(size);

        for (int i = 0; i < 3; i++)
            trace_ring_add(ring, &r);
        CHECK_INT(trace_ring_count(ring), 0, "%zu", size);
        CHECK(!trace_ring_find(ring, str_c(r.request_id), &t->arena, &got));
        trace_ring_free(ring);
    }
    trace_ring_free(NULL);
}
