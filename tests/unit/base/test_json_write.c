#include "base/json_write.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

static void put_nothing_much(struct json_writer *w)
{
    json_put_null(w);
}

static void put_empty_object(struct json_writer *w)
{
    json_put_object(w);
    json_put_end(w);
}

static void put_empty_array(struct json_writer *w)
{
    json_put_array(w);
    json_put_end(w);
}

static void put_text(struct json_writer *w)
{
    json_put_str(w, STR("a \"b\"\n\xc3\xa9\xff"));
}

static void put_members(struct json_writer *w)
{
    json_put_object(w);
    json_put_member(w, "text", STR("x"));
    json_put_member_i64(w, "n", -5);
    json_put_member_bool(w, "yes", true);
    json_put_member_bool(w, "no", false);
    json_put_member_null(w, "none");
    json_put_member_raw(w, "raw", STR("[1, 2]"));
    json_put_key(w, STR("k\"ey"));
    json_put_inside(w, STR("as\\nis"));
    json_put_end(w);
}

static void put_nested(struct json_writer *w)
{
    json_put_array(w);
    json_put_array(w);
    json_put_end(w);
    json_put_object(w);
    json_put_key(w, STR("a"));
    json_put_array(w);
    json_put_i64(w, 1);
    json_put_object(w);
    json_put_end(w);
    json_put_i64(w, 2);
    json_put_end(w);
    json_put_member_i64(w, "b", 3);
    json_put_end(w);
    json_put_bool(w, true);
    json_put_end(w);
}

static void put_numbers(struct json_writer *w)
{
    static const int64_t numbers[] = { 0, 1, -1, 10, INT64_MAX, INT64_MIN, INT64_MIN + 1 };

    json_put_array(w);
    for (size_t i = 0; i < COUNT(numbers); i++)
        json_put_i64(w, numbers[i]);
    json_put_end(w);
}

static void put_format(struct json_writer *w)
{
    json_put_array(w);
    json_put_format(w, "%s-%d", "id\t", 7);
    json_put_format(w, "%s", "");
    json_put_end(w);
}

static const struct {
    void (*put)(struct json_writer *w);
    const char *want;
} cases[] = {
    { put_nothing_much, "null" },
    { put_empty_object, "{}" },
    { put_empty_array, "[]" },
    { put_text, "\"a \\\"b\\\"\\n\xc3\xa9\xef\xbf\xbd\"" },
    { put_members, "{\"text\":\"x\",\"n\":-5,\"yes\":true,\"no\":false,\"none\":null,"
                   "\"raw\":[1, 2],\"k\\\"ey\":\"as\\nis\"}" },
    { put_nested, "[[],{\"a\":[1,{},2],\"b\":3},true]" },
    { put_numbers, "[0,1,-1,10,9223372036854775807,-9223372036854775808,-9223372036854775807]" },
    { put_format, "[\"id\\t-7\",\"\"]" },
};

TEST(json_writer_sets_commas_and_quotes)
{
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct json doc;
        struct buf b;

        buf_init(&b, 4096);
        struct json_writer w = json_writer(&b);
        cases[i].put(&w);
        CHECK(json_written(&w), "%s", cases[i].want);
        CHECK_STR(buf_str(&b), cases[i].want);
        CHECK(json_parse(&doc, buf_str(&b), NULL, &t->arena, NULL), "%s", cases[i].want);
        buf_clear(&b);
    }
}

TEST(json_writer_tells_of_each_buffer_that_was_too_small)
{
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str want = str_c(cases[i].want);

        for (size_t max = 0; max <= want.len + 1; max++) {
            struct buf b;

            buf_init(&b, max);
            struct json_writer w = json_writer(&b);
            cases[i].put(&w);
            CHECK(json_written(&w) == (max >= want.len), "%s in %zu", cases[i].want, max);
            CHECK(b.len <= max && str_starts(want, buf_str(&b)), "%s in %zu", cases[i].want, max);
            buf_clear(&b);
        }
    }
}

TEST(json_writer_leaves_long_pieces_where_they_lie)
{
    size_t len = JSON_LOAN_LEAST;
    char *lent = arena_alloc_raw(&t->arena, 3 * len), *foreign = arena_alloc_raw(&t->arena, len);

    memset(lent, 'a', 3 * len);
    memset(foreign, 'f', len);

    const struct str whole = { lent, 3 * len }, one = { lent + 7, len },
                     rest = { lent + 2 * len, len }, less = { lent, len - 1 },
                     strange = { foreign, len }, mixed[] = { STR("front"), one, STR("back") };

    /* the last round has room for every byte, the ones before it for one less and for little */
    for (unsigned round = 0; round < 3; round++) {
        struct json_loans loans = { .lender = whole, .a = &t->arena };
        size_t need = 2 * (len + 2) + (len - 1 + 2) + (len + 2) + (len + 9 + 2) + 4 + 2;
        struct str *parts, said;
        struct buf b, joined;

        buf_init(&b, round == 2 ? need : round == 1 ? need - 1 : len);
        struct json_writer w = json_writer(&b);
        w.loans = &loans;
        json_put_array(&w);
        json_put_inside(&w, one);
        json_put_inside(&w, less);
        json_put_inside(&w, strange);
        json_put_insides(&w, mixed, COUNT(mixed));
        json_put_inside(&w, rest);
        json_put_end(&w);
        CHECK(json_written(&w) == (round == 2), "round %u", round);
        if (round < 2) {
            buf_clear(&b);
            continue;
        }
        CHECK_INT(loans.count, 3);
        CHECK_INT(loans.bytes, 3 * len);
        CHECK_INT(b.len, need - 3 * len);
        buf_init(&joined, need);
        size_t count = json_loans_parts(&loans, buf_str(&b), &parts);

        CHECK_INT(count, 7);
        CHECK(parts[1].at == one.at && parts[3].at == one.at && parts[5].at == rest.at);
        for (size_t i = 0; i < count; i++)
            CHECK(buf_add(&joined, parts[i]));
        said = buf_str(&joined);
        CHECK_INT(said.len, need);
        CHECK(said.len == need && str_starts(said, STR("[\"aaaa")) &&
              str_eq(str_drop(said, need - 4), STR("aa\"]")) &&
              str_find(said, STR("ffff\",\"frontaaaa")) < said.len &&
              str_find(said, STR("aaaaback\",\"aaaa")) < said.len);
        buf_clear(&joined);
        buf_clear(&b);
    }
}

TEST(json_writer_goes_behind_what_the_buffer_holds)
{
    struct buf b;

    buf_init(&b, 100);
    CHECK(buf_add(&b, STR("data: ")));
    struct json_writer w = json_writer(&b);
    put_empty_object(&w);
    CHECK(json_written(&w));
    CHECK_STR(buf_str(&b), "data: {}");
    buf_clear(&b);
}

TEST(json_writer_knows_when_it_is_done)
{
    struct buf b;

    buf_init(&b, 100);
    struct json_writer w = json_writer(&b);
    CHECK(!json_written(&w), "nothing yet");
    json_put_object(&w);
    CHECK(!json_written(&w), "open");
    json_put_key(&w, STR("a"));
    CHECK(!json_written(&w), "without value");
    json_put_null(&w);
    CHECK(!json_written(&w), "still open");
    json_put_end(&w);
    CHECK(json_written(&w));
    buf_clear(&b);
}

TEST(json_writer_goes_as_deep_as_it_says)
{
    struct buf b, want;

    buf_init(&b, 4096);
    buf_init(&want, 4096);
    struct json_writer w = json_writer(&b);
    for (uint32_t i = 0; i < JSON_WRITE_DEPTH; i++) {
        if (i % 3 != 0) {
            json_put_object(&w);
            json_put_key(&w, STR("k"));
        } else {
            json_put_array(&w);
        }
        (void)buf_add(&want, i % 3 != 0 ? STR("{\"k\":") : STR("["));
    }
    json_put_i64(&w, 1);
    (void)buf_add(&want, STR("1"));
    for (uint32_t i = JSON_WRITE_DEPTH; i > 0; i--) {
        json_put_end(&w);
        (void)buf_add(&want, (i - 1) % 3 != 0 ? STR("}") : STR("]"));
    }
    CHECK(json_written(&w));
    CHECK_STRS(buf_str(&b), buf_str(&want));
    buf_clear(&b);
    buf_clear(&want);
}

TEST(json_put_format_clips_at_a_character)
{
    static const struct {
        const char *tail;
        size_t tail_len; /* what is left of it behind 508 bytes of x */
    } tails[] = {
        { "", 0 },
        { "abcd", 4 },
        { "abcde", 4 },
        { "ab\xc3\xa9", 4 },
        { "abc\xc3\xa9", 3 },
        { "a\xe4\xb8\x96", 4 },
        { "ab\xe4\xb8\x96", 2 },
        { "abc\xe4\xb8\x96", 3 },
        { "\xf0\x9f\x98\x80", 4 },
        { "\xf0\x9f\x98\x80z", 4 },
        { "a\xf0\x9f\x98\x80", 1 },
        { "ab\xf0\x9f\x98\x80z", 2 },
        { "abc\xf0\x9f\x98\x80", 3 },
    };
    char head[509];

    memset(head, 'x', 508);
    head[508] = '\0';
    for (size_t i = 0; i < COUNT(tails); i++) {
        struct buf b;

        buf_init(&b, 4096);
        struct json_writer w = json_writer(&b);
        json_put_format(&w, "%s%s", head, tails[i].tail);
        CHECK(json_written(&w));
        CHECK_STRS(
            buf_str(&b),
            arena_printf(&t->arena, "\"%s%.*s\"", head, (int)tails[i].tail_len, tails[i].tail),
            "tail %zu", i);
        buf_clear(&b);
    }
}

/* --- misuse --- */

static void value_without_key(struct json_writer *w)
{
    json_put_object(w);
    json_put_null(w);
}

static void key_in_an_array(struct json_writer *w)
{
    json_put_array(w);
    json_put_key(w, STR("a"));
}

static void key_at_the_root(struct json_writer *w)
{
    json_put_key(w, STR("a"));
}

static void key_after_key(struct json_writer *w)
{
    json_put_object(w);
    json_put_key(w, STR("a"));
    json_put_key(w, STR("b"));
}

static void end_after_key(struct json_writer *w)
{
    json_put_object(w);
    json_put_key(w, STR("a"));
    json_put_end(w);
}

static void end_without_start(struct json_writer *w)
{
    json_put_end(w);
}

static void two_roots(struct json_writer *w)
{
    json_put_null(w);
    json_put_null(w);
}

static void one_level_too_many(struct json_writer *w)
{
    for (uint32_t i = 0; i <= JSON_WRITE_DEPTH; i++)
        json_put_array(w);
}

static void empty_raw(struct json_writer *w)
{
    json_put_raw(w, STR(""));
}

TEST(json_writer_does_not_survive_misuse)
{
    static const struct {
        const char *name;
        void (*put)(struct json_writer *w);
    } misuses[] = {
        { "a value without key", value_without_key },
        { "a key in an array", key_in_an_array },
        { "a key at the root", key_at_the_root },
        { "a key after a key", key_after_key },
        { "an end after a key", end_after_key },
        { "an end without start", end_without_start },
        { "two roots", two_roots },
        { "one level too many", one_level_too_many },
        { "a raw value of no bytes", empty_raw },
    };

    for (size_t i = 0; i < COUNT(misuses); i++) {
        int status = 0;

        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            struct buf b;

            (void)!freopen("/dev/null", "w", stderr);
            buf_init(&b, 4096);
            struct json_writer w = json_writer(&b);
            misuses[i].put(&w);
            _exit(0);
        }
        CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status), "%s", misuses[i].name);
    }
}
