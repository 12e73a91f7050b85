/* tests/unit/store/test_usage_pack.c - rows come out of a pack as they went in, and bytes that are
 * no pack do no harm. */
#include <stdlib.h>

#include "store/usage_pack.h"
#include "test.h"

#define ROWS 400

struct made {
    struct usage_row row;
    struct usage_names names;
    struct usage_attempt attempts[USAGE_ATTEMPTS_MAX];
    struct usage_who whos[USAGE_ATTEMPTS_MAX];
};

static int64_t any_number(struct test *t)
{
    static const int64_t borders[] = { -1, 0, 1, 126, 127, 128, 16383, 16384, INT64_MAX - 1 };

    return test_below(t, 3) == 0 ? borders[test_below(t, COUNT(borders))]
                                 : (int64_t)test_below(t, 3000) - 1;
}

static struct str any_text(struct test *t)
{
    static const size_t lengths[] = { 0, 1, 5, 30, USAGE_NAME_MAX };
    size_t len = lengths[test_below(t, COUNT(lengths))];
    char *text = arena_alloc(&t->arena, len + 1);

    for (size_t i = 0; i < len; i++)
        text[i] = (char)('!' + test_below(t, 90));
    return (struct str){ text, len };
}

static struct usage_tokens any_tokens(struct test *t)
{
    return (struct usage_tokens){ any_number(t), any_number(t), any_number(t), any_number(t),
                                  any_number(t) };
}

static struct str any_id(struct test *t)
{
    static const char *const ids[] = {
        "req_00000000000000000000000f", "req_deadbeef0123456789abcdef",
        "req_deadbeef0123456789abcdeg", "req_DEADBEEF0123456789abcdef",
        "req_deadbeef0123456789abcde",  "REQ_deadbeef0123456789abcdef",
        "req_deadbeef0123456789abcd/f", "x",
    };

    return str_c(ids[test_below(t, COUNT(ids))]);
}

static void make(struct test *t, struct made *m)
{
    uint32_t kept = test_below(t, 2) == 0 ? 1 : (uint32_t)test_below(t, USAGE_ATTEMPTS_MAX + 1);

    *m = (struct made){ .row = { .request_id = any_id(t),
                                 .ended_unix_ms = (int64_t)test_below(t, 1000000000) * 2000,
                                 .names = &m->names,
                                 .charged = any_number(t) & INT64_MAX,
                                 .first_byte_ms = any_number(t),
                                 .duration_ms = any_number(t),
                                 .attempt_count = kept + (uint32_t)test_below(t, 2) * 30,
                                 .kept = kept,
                                 .attempts = m->attempts },
                        .names = { .key = any_text(t),
                                   .client = any_text(t),
                                   .protocol = any_text(t),
                                   .model = any_text(t),
                                   .mapped = any_text(t),
                                   .ending = any_text(t),
                                   .stream = test_below(t, 2) == 0,
                                   .complete = test_below(t, 2) == 0,
                                   .free = test_below(t, 2) == 0,
                                   .status = (int)test_below(t, 1000) } };
    if (m->row.attempt_count > kept)
        m->row.beyond = (struct usage_tokens){ 1 + (int64_t)test_below(t, 9), 2, 3, 0, 5 };
    for (uint32_t i = 0; i < kept; i++) {
        m->whos[i] =
            (struct usage_who){ .account = any_number(t) * (test_below(t, 2) == 0 ? 1 : -1),
                                .label = any_text(t),
                                .provider = any_text(t),
                                .verdict = any_text(t),
                                .status = (int)test_below(t, 1000) };
        m->attempts[i] =
            (struct usage_attempt){ .who = &m->whos[i],
                                    .number = i + 1 < kept ? i + 1 : m->row.attempt_count,
                                    .tokens = any_tokens(t),
                                    .cost_nano = any_number(t),
                                    .duration_ms = any_number(t) };
    }
}

/* Gives how many went in before the pack was full. */
static size_t pack_all(struct pack *p, struct made *made, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct usage_row *row = &made[i].row;
        uint32_t whos[USAGE_ATTEMPTS_MAX];

        if (pack_is_full(p))
            return i;
        for (uint32_t k = 0; k < row->kept; k++)
            whos[k] = pack_who(p, row->attempts[k].who);
        pack_row(p, row, pack_names(p, row->names), whos);
    }
    return count;
}

static void check_tokens(struct test *t, const struct usage_tokens *got,
                         const struct usage_tokens *want)
{
    CHECK_INT(got->in, want->in);
    CHECK_INT(got->out, want->out);
    CHECK_INT(got->cache_read, want->cache_read);
    CHECK_INT(got->cache_write, want->cache_write);
    CHECK_INT(got->reasoning, want->reasoning);
}

static void check_row(struct test *t, const struct usage_row *got, const struct usage_row *want)
{
    CHECK_STRS(got->request_id, want->request_id);
    CHECK_INT(got->ended_unix_ms, want->ended_unix_ms);
    CHECK_INT(got->charged, want->charged);
    CHECK_INT(got->first_byte_ms, want->first_byte_ms);
    CHECK_INT(got->duration_ms, want->duration_ms);
    CHECK_INT(got->attempt_count, want->attempt_count);
    CHECK_STRS(got->names->key, want->names->key);
    CHECK_STRS(got->names->client, want->names->client);
    CHECK_STRS(got->names->protocol, want->names->protocol);
    CHECK_STRS(got->names->model, want->names->model);
    CHECK_STRS(got->names->mapped, want->names->mapped);
    CHECK_STRS(got->names->ending, want->names->ending);
    CHECK_INT(got->names->stream, want->names->stream);
    CHECK_INT(got->names->complete, want->names->complete);
    CHECK_INT(got->names->free, want->names->free);
    CHECK_INT(got->names->status, want->names->status);
    check_tokens(t, &got->beyond, &want->beyond);
    CHECK_INT(got->kept, want->kept);
    for (uint32_t i = 0; i < got->kept && i < want->kept; i++) {
        const struct usage_attempt *a = &got->attempts[i], *b = &want->attempts[i];

        CHECK_INT(a->who->account, b->who->account);
        CHECK_STRS(a->who->label, b->who->label);
        CHECK_STRS(a->who->provider, b->who->provider);
        CHECK_STRS(a->who->verdict, b->who->verdict);
        CHECK_INT(a->who->status, b->who->status);
        CHECK_INT(a->number, b->number);
        check_tokens(t, &a->tokens, &b->tokens);
        CHECK_INT(a->cost_nano, b->cost_nano);
        CHECK_INT(a->duration_ms, b->duration_ms);
    }
}

TEST(rows_come_out_as_they_went_in)
{
    struct made *made = calloc(ROWS, sizeof(*made));
    struct pack p = { 0 };
    struct usage_row *rows;
    size_t count;

    for (int round = 0; round < 3; round++) {
        int64_t since = INT64_MAX, until = INT64_MIN;

        for (size_t i = 0; i < ROWS; i++)
            make(t, &made[i]);
        pack_begin(&p);
        size_t put = pack_all(&p, made, ROWS);

        CHECK(put > 30 && pack_is_full(&p) == (put < ROWS));
        CHECK_INT(p.rows, put);
        assert(pack_read((struct str){ (const char *)p.bytes, p.used }, &t->arena, &rows, &count));
        CHECK_INT(count, put);
        for (size_t i = 0; i < count; i++) {
            check_row(t, &rows[i], &made[i].row);
            since = rows[i].ended_unix_ms < since ? rows[i].ended_unix_ms : since;
            until = rows[i].ended_unix_ms > until ? rows[i].ended_unix_ms : until;
        }
        CHECK_INT(p.since_ms, since);
        CHECK_INT(p.until_ms, until);
    }
    pack_clear(&p);
    free(made);
}

/* What a plain request costs in the file, so that nobody makes it larger unawares. */
TEST(a_plain_row_takes_some_thirty_bytes)
{
    struct made m = { .names = { .ending = STR("complete") } };
    struct pack p = { 0 };

    pack_begin(&p);
    uint32_t names = pack_names(&p, &m.names), who = pack_who(&p, &m.whos[0]);
    size_t before = p.used;

    m.row = (struct usage_row){ .request_id = STR("req_deadbeef0123456789abcdef"),
                                .ended_unix_ms = 1000,
                                .names = &m.names,
                                .charged = 1500,
                                .first_byte_ms = 300,
                                .duration_ms = 1500,
                                .attempt_count = 1,
                                .kept = 1,
                                .attempts = m.attempts };
    m.attempts[0] = (struct usage_attempt){ .who = &m.whos[0],
                                            .number = 1,
                                            .tokens = { 1200, 300, 900, -1, 50 },
                                            .cost_nano = 20000000,
                                            .duration_ms = 1490 };
    pack_row(&p, &m.row, names, &who);
    CHECK_INT(p.used - before, 37);
    pack_clear(&p);
}

TEST(an_id_goes_in_as_a_text_or_as_its_bytes)
{
    static const uint8_t id[USAGE_ID_BYTES] = { 0xde, 0xad, 0xbe, 0xef, 0, 1, 2, 3, 4, 5, 6, 0xff };
    struct made m = { .row = { .names = &m.names, .attempt_count = 1 } };
    struct pack p = { 0 };
    struct usage_row *rows;
    size_t count;
    uint8_t read[USAGE_ID_BYTES];

    memcpy(m.row.id, id, sizeof(id));
    pack_begin(&p);
    uint32_t names = pack_names(&p, &m.names);

    pack_row(&p, &m.row, names, NULL);
    assert(pack_read((struct str){ (const char *)p.bytes, p.used }, &t->arena, &rows, &count));
    CHECK_INT(count, 1);
    CHECK_STR(rows[0].request_id, "req_deadbeef00010203040506ff");
    CHECK(usage_id_read(rows[0].request_id, read) && memcmp(read, id, sizeof(id)) == 0);
    CHECK(!usage_id_read(STR("req_deadbeef00010203040506f"), read));
    pack_clear(&p);
}

TEST(bytes_that_are_no_pack_are_told_and_do_no_harm)
{
    struct made *made = calloc(20, sizeof(*made));
    struct pack p = { 0 };
    size_t refused = 0;

    for (size_t i = 0; i < 20; i++)
        make(t, &made[i]);
    pack_begin(&p);
    (void)pack_all(&p, made, 20);
    for (size_t round = 0; round < 20000; round++) {
        struct arena a = { 0 };
        size_t len = round < p.used ? round : p.used; /* cut at each byte, then changed */
        char *bytes = malloc(len + 1);
        struct usage_row *rows;
        size_t count;

        memcpy(bytes, p.bytes, len);
        for (uint64_t n = round < p.used ? 0 : 1 + test_below(t, 4); n > 0 && len > 0; n--)
            bytes[test_below(t, len)] = (char)test_below(t, 256);
        if (!pack_read((struct str){ bytes, len }, &a, &rows, &count))
            refused++;
        free(bytes);
        arena_free(&a);
    }
    CHECK(refused > 2000, "%zu", refused);
    pack_clear(&p);
    free(made);
}
