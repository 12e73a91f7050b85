#include "wire/estimate.h"

#include "test.h"

/* Counts of o200k_base, taken with npm gpt-tokenizer 4.0.0. */
TEST(estimates_are_within_15_percent_of_o200k)
{
    static const struct {
        const char *name;
        int64_t tokens;
    } samples[] = {
        { "c", 333 },           { "chinese", 210 },    { "diff", 237 },
        { "encoded", 209 },     { "english", 219 },    { "german", 167 },
        { "go", 246 },          { "html", 277 },       { "instructions", 171 },
        { "japanese", 213 },    { "javascript", 365 }, { "json", 230 },
        { "json_pretty", 209 }, { "korean", 170 },     { "log", 285 },
        { "markdown", 183 },    { "mixed", 145 },      { "python", 280 },
        { "russian", 151 },     { "rust", 240 },       { "shell", 176 },
        { "spanish", 138 },     { "sql", 200 },
    };
    for (size_t i = 0; i < COUNT(samples); i++) {
        struct str path =
            arena_printf(&t->arena, "tests/unit/wire/estimates/%s.txt", samples[i].name);
        int64_t want = samples[i].tokens, got = estimate_text(test_file(t, path.at));

        CHECK(got * 100 >= want * 85 && got * 100 <= want * 115, "%s: %" PRId64 " for %" PRId64,
              samples[i].name, got, want);
    }
}

TEST(estimates_of_little_and_of_odd_text)
{
    CHECK_INT(estimate_text(STR("")), 0);
    CHECK_INT(estimate_text(STR(" ")), 1);
    CHECK_INT(estimate_text(STR("hello")), 2); /* a little more than one */
    CHECK_INT(estimate_text(STR("1234567")), 3);
    CHECK(estimate_text(STR("ok \xff\xfe")) <= 3); /* what is no UTF-8 is not looked at */
}

static int64_t request(struct test *t, enum part_kind kind, struct text text)
{
    struct canon_request r = { .protocol = WIRE_ANTHROPIC };
    struct part *p =
        message_add(canon_add_message(&r, &t->arena, ROLE_USER, 0), &t->arena, kind, 0);

    p->text = text;
    return estimate_request(&r, &t->arena);
}

TEST(a_request_counts_all_that_the_model_reads)
{
    struct canon_request r = { .protocol = WIRE_ANTHROPIC };
    int64_t bare = request(t, PART_TEXT, TEXT_EMPTY), empty = estimate_request(&r, &t->arena);
    struct tool *tool;

    CHECK(bare > empty);
    /* escapes are one character each */
    CHECK_INT(request(t, PART_TEXT, TEXT_LIT("a\\nb\\nc")) - bare, estimate_text(STR("a\nb\nc")));
    CHECK(request(t, PART_IMAGE, TEXT_EMPTY) > bare + 80);
    CHECK(request(t, PART_THINKING, TEXT_LIT("so it is")) > bare);
    CHECK_INT(request(t, PART_REDACTED, TEXT_EMPTY), bare);
    tool = canon_add_tool(&r, &t->arena, STR("get_weather"), 0);
    int64_t named = estimate_request(&r, &t->arena);

    CHECK(named > empty);
    tool->schema = STR("{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}}}");
    CHECK(estimate_request(&r, &t->arena) >= named + 10);
}

TEST(a_quick_look_tells_short_requests_alike_and_long_even_ones_nearly_so)
{
    static const char line[] = "The quick brown fox jumps over 13 lazy dogs, again and again. ";
    struct buf text = { .max = (size_t)1 << 20 };
    struct canon_request r = { .protocol = WIRE_ANTHROPIC };
    struct part *p =
        message_add(canon_add_message(&r, &t->arena, ROLE_USER, 0), &t->arena, PART_TEXT, 0);

    p->text = TEXT_LIT("a\\nb and some more");
    CHECK_INT(estimate_request_quick(&r, &t->arena), estimate_request(&r, &t->arena));
    while (text.len < 200000)
        (void)buf_add(&text, str_c(line));
    p->text = (struct text){ .escaped = buf_str(&text) };
    int64_t whole = estimate_request(&r, &t->arena), quick = estimate_request_quick(&r, &t->arena);

    CHECK(quick > whole * 97 / 100 && quick < whole * 103 / 100, "%" PRId64 " for %" PRId64, quick,
          whole);
    buf_clear(&text);
}
