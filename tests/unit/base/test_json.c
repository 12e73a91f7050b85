/* Reading the tape, walking what is folded, decoding; and what must hold for any text whatever. */
#include "base/json.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/json_write.h"
#include "base/utf8.h"

#include "test.h"

static struct json read_kept(struct test *t, struct str text, uint32_t kept)
{
    struct json_limits limits = { .depth_kept = kept };
    struct json_fault fault = { 0 };
    struct json doc = { 0 };

    if (!CHECK(json_parse(&doc, text, &limits, &t->arena, &fault), "%s at %zu: %.*s", fault.what,
               fault.at, STR_ARG(text)))
        abort();
    return doc;
}

static struct json read_text(struct test *t, const char *text)
{
    return read_kept(t, str_c(text), 0);
}

TEST(json_takes_the_zeroed_slice_for_an_empty_text)
{
    struct json doc;
    struct buf b;

    CHECK(!json_parse(&doc, (struct str){ 0 }, NULL, &t->arena, NULL));
    buf_init(&b, 10);
    CHECK(json_unescape(&b, (struct str){ 0 }));
    CHECK(json_quote(&b, (struct str){ 0 }));
    CHECK_STR(buf_str(&b), "\"\"");
    buf_clear(&b);
}

/* --- the tape --- */

/* A tape as one line: type, span and flags of each node, children in brackets. */
static void tape_say(struct buf *out, const struct json *doc, uint32_t node)
{
    static const char letters[] = "0ft#\"[{";
    const struct json_node *n = &doc->nodes[node];

    (void)buf_printf(out, "%c%.*s", letters[n->type],
                     (int)(n->type >= JSON_ARRAY ? 0 : json_inside(doc, node).len),
                     json_inside(doc, node).at);
    if (n->flags & JSON_ESCAPED)
        (void)buf_add_char(out, '\\');
    if (n->flags & JSON_INTEGER)
        (void)buf_add_char(out, 'i');
    if (n->type < JSON_ARRAY)
        return;
    (void)buf_printf(out, "%u", n->count);
    if (n->flags & JSON_FOLDED) {
        (void)buf_printf(out, "~%.*s", STR_ARG(json_raw(doc, node)));
        return;
    }
    for (uint32_t i = json_first(doc, node); i != JSON_NONE; i = json_after(doc, node, i)) {
        (void)buf_add_char(out, ' ');
        tape_say(out, doc, i);
    }
    (void)buf_add_char(out, n->type == JSON_ARRAY ? ']' : '}');
}

TEST(json_tape_holds_each_value_in_order_and_folds_what_is_deep)
{
    static const struct {
        const char *text;
        uint32_t kept;
        const char *want;
    } cases[] = {
        { "null", 0, "0null" },
        { " true ", 0, "ttrue" },
        { "false", 1, "ffalse" },
        { "-12", 0, "#-12i" },
        { "-12.0", 0, "#-12.0" },
        { "1e2", 0, "#1e2" },
        { "\"\"", 0, "\"" },
        { "\"a\\n\"", 0, "\"a\\n\\" },
        { "[]", 0, "[0]" },
        { "{}", 0, "{0}" },
        { "[ 1 , [ ] , { } ]", 0, "[3 #1i [0] {0}]" },
        { "[ 1 , [ ] , { } ]", 1, "[3 #1i [0~[ ] {0~{ }]" },
        { "{\"a\":1,\"b\":[2,{\"c\":3}],\"d\":4}", 0,
          "{3 \"a #1i \"b [2 #2i {1 \"c #3i}] \"d #4i}" },
        { "{\"a\":1,\"b\":[2,{\"c\":3}],\"d\":4}", 1, "{3 \"a #1i \"b [2~[2,{\"c\":3}] \"d #4i}" },
        { "{\"a\":1,\"b\":[2,{\"c\":3}],\"d\":4}", 2,
          "{3 \"a #1i \"b [2 #2i {1~{\"c\":3}] \"d #4i}" },
        { "{\"a\":1,\"b\":[2,{\"c\":3}],\"d\":4}", 3,
          "{3 \"a #1i \"b [2 #2i {1 \"c #3i}] \"d #4i}" },
        { "{\"a\":1,\"b\":[2,{\"c\":3}],\"d\":4}", 500,
          "{3 \"a #1i \"b [2 #2i {1 \"c #3i}] \"d #4i}" },
        { "{\"a\":\"]}\",\"b\":[\"]\"]}", 1, "{2 \"a \"]} \"b [1~[\"]\"]}" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct json doc = read_kept(t, str_c(cases[i].text), cases[i].kept);
        struct buf b;

        buf_init(&b, 4096);
        tape_say(&b, &doc, 0);
        CHECK_STR(buf_str(&b), cases[i].want, "%s, %u kept", cases[i].text, cases[i].kept);
        buf_clear(&b);
    }
}

TEST(json_raw_and_inside_differ_by_the_quotes)
{
    struct json doc = read_text(t, " [ \"a\\\"b\" , -1.50 , {\"x\": [1] } ] ");
    uint32_t text = json_first(&doc, 0), number = json_after(&doc, 0, text),
             object = json_after(&doc, 0, number);

    CHECK_STR(json_raw(&doc, text), "\"a\\\"b\"");
    CHECK_STR(json_inside(&doc, text), "a\\\"b");
    CHECK_STR(json_raw(&doc, number), "-1.50");
    CHECK_STR(json_raw(&doc, object), "{\"x\": [1] }");
    CHECK_STR(json_raw(&doc, 0), "[ \"a\\\"b\" , -1.50 , {\"x\": [1] } ]");
    CHECK_INT(json_after(&doc, 0, object), JSON_NONE);
    CHECK_INT(json_first(&doc, text), JSON_NONE, "a string has no children");
}

TEST(json_counts_children_up_to_what_fits)
{
    for (size_t n = 65534; n <= 65537; n++)
        for (uint32_t kept = 0; kept < 2; kept++) {
            struct buf b;

            buf_init(&b, 1 << 20);
            (void)buf_add(&b, STR("[[0"));
            for (size_t i = 1; i < n; i++)
                (void)buf_add(&b, STR(",0"));
            (void)buf_add(&b, STR("]]"));
            struct json doc = read_kept(t, buf_str(&b), kept);
            CHECK_INT(doc.nodes[1].count, n < 65535 ? n : 65535, "%zu children", n);
            buf_clear(&b);
        }
}

TEST(json_fault_is_placed_by_line_and_column)
{
    static const struct {
        const char *text;
        uint32_t line, col;
    } cases[] = {
        { "x", 1, 1 },        { "[1,]", 1, 3 },
        { "[\n1,\n]", 2, 2 }, { "[\r\n\r\n  x]", 3, 3 },
        { "\n\n", 3, 1 },     { "{\"\xc3\xa9\": x}", 1, 8 },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct json_fault fault = { 0 };
        struct json doc;

        CHECK(!json_parse(&doc, str_c(cases[i].text), NULL, &t->arena, &fault));
        json_fault_place(&fault, str_c(cases[i].text));
        CHECK_INT(fault.line, cases[i].line, "case %zu", i);
        CHECK_INT(fault.col, cases[i].col, "case %zu", i);
    }
}

TEST(json_tape_is_small_for_small_texts_and_for_folded_ones)
{
    struct arena a = { 0 };
    struct json_limits limits = { .depth_kept = 1 };
    struct json doc;
    struct buf b;

    CHECK(json_parse(&doc, STR("{\"type\":\"ping\"}"), NULL, &a, NULL));
    CHECK(a.total <= 1024, "%zu bytes for one event", a.total);
    arena_free(&a);

    buf_init(&b, 1 << 20);
    (void)buf_add(&b, STR("{\"messages\":[0"));
    while (b.len < 500000)
        (void)buf_add(&b, STR(",{\"role\":\"user\"}"));
    (void)buf_add(&b, STR("]}"));
    CHECK(json_parse(&doc, buf_str(&b), &limits, &a, NULL));
    CHECK(a.total <= 1024, "%zu bytes for a folded conversation", a.total);
    buf_clear(&b);
    arena_free(&a);
}

/* --- members --- */

TEST(json_member_understands_escaped_names_and_tells_of_doubles)
{
    static const struct {
        const char *text, *name, *want; /* NULL: absent */
        bool twice;
    } cases[] = {
        { "{}", "a", NULL, false },
        { "{\"a\":1}", "a", "1", false },
        { "{\"a\":1}", "b", NULL, false },
        { "{\"a\":1}", "", NULL, false },
        { "{\"\":1}", "", "1", false },
        { "{\"a\":null}", "a", "null", false },
        { "{\"aa\":1,\"a\":2}", "a", "2", false },
        { "{\"a\":1,\"aa\":2}", "aa", "2", false },
        { "{\"x\":{\"a\":1}}", "a", NULL, false },
        { "{\"x\":{\"a\":1},\"a\":2}", "a", "2", false },
        { "{\"x\":\"a\",\"a\":\"x\"}", "a", "\"x\"", false },
        { "{\"mod\\u0065l\":1}", "model", "1", false },
        { "{\"\\u006d\\u006F\\u0064\\u0065\\u006c\":1}", "model", "1", false },
        { "{\"mod\\u0065\":1}", "model", NULL, false },
        { "{\"mod\\u0065ll\":1}", "model", NULL, false },
        { "{\"\\u0061\":1}", "a\xc3\xa9", NULL, false },
        { "{\"\\u00e9\":1}", "\xc3\xa9", "1", false },
        { "{\"\\ud83d\\ude00!\":1}", "\xf0\x9f\x98\x80!", "1", false },
        { "{\"\\ud83d\":1}", "\xef\xbf\xbd", "1", false },
        { "{\"a\\/b\\n\\\"\\\\\":1}", "a/b\n\"\\", "1", false },
        { "{\"a\":1,\"a\":2}", "a", "2", true },
        { "{\"a\":1,\"b\":0,\"a\":2,\"a\":3}", "a", "3", true },
        { "{\"a\":1,\"\\u0061\":2}", "a", "2", true },
        { "{\"a\":1,\"b\":2,\"b\":3}", "a", "1", false },
        { "[\"a\",1]", "a", NULL, false },
        { "\"a\"", "a", NULL, false },
        { "null", "a", NULL, false },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct json doc = read_text(t, cases[i].text);
        bool twice = !cases[i].twice;
        uint32_t got = json_member(&doc, 0, str_c(cases[i].name), &twice);

        CHECK((got == JSON_NONE) == (cases[i].want == NULL), "%s, %s", cases[i].text,
              cases[i].name);
        if (got != JSON_NONE && cases[i].want != NULL)
            CHECK_STR(json_raw(&doc, got), cases[i].want, "%s, %s", cases[i].text, cases[i].name);
        CHECK(twice == cases[i].twice, "%s, %s", cases[i].text, cases[i].name);
        CHECK_INT(json_member(&doc, 0, str_c(cases[i].name), NULL), got, "%s", cases[i].text);
    }
}

TEST(json_reads_a_hundred_thousand_members_of_one_object)
{
    const size_t members = 100000;
    struct buf b;

    buf_init(&b, 16 << 20);
    struct json_writer w = json_writer(&b);
    json_put_object(&w);
    for (size_t i = 0; i < members; i++) {
        char name[32];

        snprintf(name, sizeof(name), "name_%zu", i);
        json_put_member_i64(&w, name, (int64_t)i);
    }
    json_put_end(&w);
    CHECK(json_written(&w));
    struct json doc = read_kept(t, buf_str(&b), 0);
    CHECK_INT(doc.count, members * 2 + 1);
    for (size_t i = 0; i < members; i += 9999) {
        struct str name = arena_printf(&t->arena, "name_%zu", i);
        int64_t n = -1;

        CHECK(json_i64(&doc, json_member(&doc, 0, name, NULL), &n), "%zu", i);
        CHECK_INT(n, i);
    }
    CHECK_INT(json_member(&doc, 0, STR("name_"), NULL), JSON_NONE);
    buf_clear(&b);
}

/* --- numbers and words --- */

TEST(json_i64_takes_what_is_whole_and_fits)
{
    static const struct {
        const char *text;
        bool ok;
        int64_t want;
    } cases[] = {
        { "0", true, 0 },
        { "-0", true, 0 },
        { "0.0", true, 0 },
        { "-0.0", true, 0 },
        { "0e5", true, 0 },
        { "0e400", true, 0 },
        { "0.000e-400", true, 0 },
        { "1", true, 1 },
        { "-1", true, -1 },
        { "1.0", true, 1 },
        { "1.000", true, 1 },
        { "-1.0", true, -1 },
        { "10", true, 10 },
        { "1e3", true, 1000 },
        { "1E3", true, 1000 },
        { "1e+3", true, 1000 },
        { "-1e3", true, -1000 },
        { "1.5e1", true, 15 },
        { "1.50e1", true, 15 },
        { "1.5e0", false, 0 },
        { "1.05e2", true, 105 },
        { "1.05e1", false, 0 },
        { "100.00e-2", true, 1 },
        { "1000e-3", true, 1 },
        { "1000e-4", false, 0 },
        { "1001e-3", false, 0 },
        { "0.001e3", true, 1 },
        { "0.0010e3", true, 1 },
        { "0.001e2", false, 0 },
        { "1500.5e1", true, 15005 },
        { "1e18", true, 1000000000000000000 },
        { "9e18", true, 9000000000000000000 },
        { "1e19", false, 0 },
        { "1e400", false, 0 },
        { "-1e400", false, 0 },
        { "1e-400", false, 0 },
        { "1e99999999999999999999", false, 0 },
        { "1e-99999999999999999999", false, 0 },
        { "0e99999999999999999999", true, 0 },
        { "0.5", false, 0 },
        { "-0.5", false, 0 },
        { "5e-1", false, 0 },
        { "0.1", false, 0 },
        { "9223372036854775806", true, INT64_MAX - 1 },
        { "9223372036854775807", true, INT64_MAX },
        { "9223372036854775808", false, 0 },
        { "-9223372036854775807", true, -INT64_MAX },
        { "-9223372036854775808", true, INT64_MIN },
        { "-9223372036854775809", false, 0 },
        { "9223372036854775807.0", true, INT64_MAX },
        { "9223372036854775807.5", false, 0 },
        { "9223372036854775808.0", false, 0 },
        { "-9223372036854775808.0", true, INT64_MIN },
        { "-9223372036854775808e0", true, INT64_MIN },
        { "922337203685477580.7e1", true, INT64_MAX },
        { "922337203685477580.8e1", false, 0 },
        { "-92233720368547758080e-1", true, INT64_MIN },
        { "10000000000000000000000000000e-20", true, 100000000 },
        { "0.00000000000000000000000001e26", true, 1 },
        { "100000000000000000000", false, 0 },
        { "\"1\"", false, 0 },
        { "true", false, 0 },
        { "null", false, 0 },
        { "[1]", false, 0 },
        { "{}", false, 0 },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct json doc = read_text(t, cases[i].text);
        int64_t got = 77;

        CHECK(json_i64(&doc, 0, &got) == cases[i].ok, "%s", cases[i].text);
        CHECK_INT(got, cases[i].ok ? cases[i].want : 77, "%s", cases[i].text);
    }
}

TEST(json_i64_reads_the_longest_numbers)
{
    char text[JSON_NUMBER_MAX];
    struct str s = { text, sizeof(text) };
    int64_t n = 0;

    /* 1000…0.0e-1020 = 1 */
    memset(text, '0', sizeof(text));
    text[0] = '1';
    memcpy(text + sizeof(text) - 6, "e-1017", 6);
    struct json doc = read_kept(t, s, 0);
    CHECK(json_i64(&doc, 0, &n));
    CHECK_INT(n, 1);
    /* 0.000…1 with as many places as fit */
    memset(text, '0', sizeof(text));
    text[1] = '.';
    text[sizeof(text) - 6] = '1';
    memcpy(text + sizeof(text) - 5, "e1017", 5);
    doc = read_kept(t, s, 0);
    CHECK(json_i64(&doc, 0, &n));
    CHECK_INT(n, 1);
}

TEST(json_is_true_only_for_true)
{
    struct json doc = read_text(t, "[true,false,null,1,\"true\",[true]]");
    size_t yes = 0;

    for (uint32_t i = json_first(&doc, 0); i != JSON_NONE; i = json_after(&doc, 0, i))
        yes += json_is_true(&doc, i);
    CHECK_INT(yes, 1);
    CHECK(json_is_true(&doc, 1));
}

/* --- strings --- */

static const struct {
    const char *name;
    struct str inside, text;
} strings[] = {
    { "empty", STR(""), STR("") },
    { "plain", STR("abc"), STR("abc") },
    { "letters", STR("\\\"\\\\\\/\\b\\f\\n\\r\\t"), STR("\"\\/\b\f\n\r\t") },
    { "NUL", STR("a\\u0000b"), STR("a\0b") },
    { "ASCII", STR("\\u0041\\u007f"), STR("A\x7f") },
    { "two bytes", STR("\\u0080\\u07ff"), STR("\xc2\x80\xdf\xbf") },
    { "three bytes", STR("\\u0800\\uFFFF"), STR("\xe0\xa0\x80\xef\xbf\xbf") },
    { "around the surrogates", STR("\\ud7ff\\ue000"), STR("\xed\x9f\xbf\xee\x80\x80") },
    { "lowest pair", STR("\\ud800\\udc00"), STR("\xf0\x90\x80\x80") },
    { "highest pair", STR("\\uDBFF\\uDFFF"), STR("\xf4\x8f\xbf\xbf") },
    { "a pair in text", STR("a\\ud83d\\ude00b"),
      STR("a\xf0\x9f\x98\x80"
          "b") },
    { "lone high", STR("\\ud83d"), STR("\xef\xbf\xbd") },
    { "lone low", STR("\\ude00"), STR("\xef\xbf\xbd") },
    { "high then text", STR("\\ud83dx"),
      STR("\xef\xbf\xbd"
          "x") },
    { "high then letter escape", STR("\\ud83d\\n"), STR("\xef\xbf\xbd\n") },
    { "high then unit", STR("\\ud83d\\u0041"),
      STR("\xef\xbf\xbd"
          "A") },
    { "high then pair", STR("\\ud83d\\ud83d\\ude00"), STR("\xef\xbf\xbd\xf0\x9f\x98\x80") },
    { "wrong way round", STR("\\ude00\\ud83d"), STR("\xef\xbf\xbd\xef\xbf\xbd") },
    { "not an escape", STR("\\\\u0041"), STR("\\u0041") },
    { "literal UTF-8", STR("\xc3\xa9\\n\xe4\xb8\x96"), STR("\xc3\xa9\n\xe4\xb8\x96") },
    { "escape at the end of a run", STR("0123456789abcdef0123456789\\t"),
      STR("0123456789abcdef0123456789\t") },
};

TEST(json_decodes_each_escape)
{
    for (size_t i = 0; i < COUNT(strings); i++) {
        struct str quoted =
            arena_printf(&t->arena, "\"%.*s\"", (int)strings[i].inside.len, strings[i].inside.at);
        struct json doc = read_kept(t, quoted, 0);
        struct str got;
        struct buf b;

        CHECK(json_text(&doc, 0, &t->arena, &got), "%s", strings[i].name);
        CHECK_STRS(got, strings[i].text, "%s", strings[i].name);
        CHECK(json_says(&doc, 0, strings[i].text), "%s", strings[i].name);
        buf_init(&b, 1024);
        CHECK(buf_add(&b, STR("before ")) && json_unescape(&b, strings[i].inside));
        CHECK_STRS(str_drop(buf_str(&b), 7), strings[i].text, "%s", strings[i].name);
        buf_clear(&b);
    }
}

TEST(json_says_no_to_each_other_text)
{
    for (size_t i = 0; i < COUNT(strings); i++) {
        struct str quoted =
            arena_printf(&t->arena, "\"%.*s\"", (int)strings[i].inside.len, strings[i].inside.at);
        struct json doc = read_kept(t, quoted, 0);

        for (size_t k = 0; k < COUNT(strings); k++)
            CHECK(json_says(&doc, 0, strings[k].text) == str_eq(strings[i].text, strings[k].text),
                  "%s and %s", strings[i].name, strings[k].name);
        CHECK(!json_says(&doc, 0, str_take(strings[i].text, strings[i].text.len - 1)) ||
                  strings[i].text.len == 0,
              "%s", strings[i].name);
    }
    struct json doc = read_text(t, "[1,null,[\"a\"]]");
    CHECK(!json_says(&doc, 1, STR("1")));
    CHECK(!json_says(&doc, 2, STR("null")));
    CHECK(!json_says(&doc, 3, STR("a")));
}

TEST(json_text_borrows_what_was_not_escaped)
{
    struct str text = STR("[\"plain \xc3\xa9\",\"a\\nb\",7]");
    struct json doc = read_kept(t, text, 0);
    struct str got = STR("untouched");

    CHECK(json_text(&doc, 1, &t->arena, &got));
    CHECK(got.at == text.at + 2);
    CHECK(json_text(&doc, 2, &t->arena, &got));
    CHECK_STR(got, "a\nb");
    CHECK(!json_text(&doc, 3, &t->arena, &got));
    CHECK_STR(got, "a\nb", "what is no string changes nothing");
}

TEST(json_unescape_fills_a_buffer_to_its_last_byte)
{
    for (size_t i = 0; i < COUNT(strings); i++)
        for (size_t max = 3; max <= strings[i].text.len + 4; max++) {
            struct buf b;
            bool fits = strings[i].text.len + 3 <= max;

            buf_init(&b, max);
            CHECK(buf_add(&b, STR("abc")));
            CHECK(json_unescape(&b, strings[i].inside) == fits, "%s, %zu", strings[i].name, max);
            CHECK_INT(b.len, fits ? strings[i].text.len + 3 : 3, "%s, %zu", strings[i].name, max);
            buf_clear(&b);
        }
}

TEST(json_quote_escapes_what_must_be_and_mends_what_is_broken)
{
    static const struct {
        struct str text, want;
    } cases[] = {
        { STR(""), STR("\"\"") },
        { STR("abc"), STR("\"abc\"") },
        { STR("\"\\/"), STR("\"\\\"\\\\/\"") },
        { STR("\b\f\n\r\t"), STR("\"\\b\\f\\n\\r\\t\"") },
        { STR("\0\x01\x0b\x1f\x7f"), STR("\"\\u0000\\u0001\\u000b\\u001f\x7f\"") },
        { STR("\xc3\xa9\xe2\x80\xa8\xf0\x9f\x98\x80"),
          STR("\"\xc3\xa9\xe2\x80\xa8\xf0\x9f\x98\x80\"") },
        { STR("\xff"), STR("\"\xef\xbf\xbd\"") },
        { STR("a\xffz"), STR("\"a\xef\xbf\xbdz\"") },
        { STR("\xff\xfe"), STR("\"\xef\xbf\xbd\xef\xbf\xbd\"") },
        { STR("\xe2\x82"), STR("\"\xef\xbf\xbd\"") },
        { STR("\xe2\x82z"), STR("\"\xef\xbf\xbdz\"") },
        { STR("\xe2\x82\xe2\x82\xac"), STR("\"\xef\xbf\xbd\xe2\x82\xac\"") },
        { STR("\xf0\x9f\x98\n"), STR("\"\xef\xbf\xbd\\n\"") },
        { STR("\xed\xa0\xbd"), STR("\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"") },
        { STR("\xc3\xa9\x80\xc3\xa9"), STR("\"\xc3\xa9\xef\xbf\xbd\xc3\xa9\"") },
        { STR("\xc0\x80"), STR("\"\xef\xbf\xbd\xef\xbf\xbd\"") },
        { STR("\xf4\x90\x80\x80"), STR("\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"") },
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        for (size_t max = 0; max <= cases[i].want.len + 1; max++) {
            bool fits = cases[i].want.len <= max;
            struct buf b;

            buf_init(&b, max);
            CHECK(json_quote(&b, cases[i].text) == fits, "case %zu, %zu", i, max);
            CHECK_STRS(buf_str(&b), fits ? cases[i].want : STR(""), "case %zu, %zu", i, max);
            buf_clear(&b);
        }
}

TEST(json_quote_and_text_give_back_any_bytes)
{
    static const struct str bricks[] = {
        STR("\""),
        STR("\\"),
        STR("\n"),
        STR("\0"),
        STR("\x1f"),
        STR("\xc3\xa9"),
        STR("\xe4\xb8\x96"),
        STR("\xf0\x9f\x98\x80"),
        STR("word "),
        STR("u0041"),
        STR("\xff"),
        STR("\xe2\x82"),
        STR("0123456789abcdef"),
        STR("\xed\xa0\xbd"),
    };

    for (int round = 0; round < 3000; round++) {
        struct buf raw, mended, quoted;
        struct arena a = { 0 };
        struct json doc;
        struct str got;

        buf_init(&raw, 4096);
        buf_init(&mended, 4096);
        buf_init(&quoted, 8192);
        for (size_t i = test_below(t, 30); i > 0; i--)
            (void)buf_add(&raw, bricks[test_below(t, COUNT(bricks))]);
        CHECK(utf8_mend(&mended, buf_str(&raw)) && json_quote(&quoted, buf_str(&raw)));
        CHECK(json_parse(&doc, buf_str(&quoted), NULL, &a, NULL), "round %d", round);
        CHECK(json_text(&doc, 0, &a, &got), "round %d", round);
        CHECK_STRS(got, buf_str(&mended), "round %d", round);
        CHECK(json_says(&doc, 0, buf_str(&mended)), "round %d", round);
        arena_free(&a);
        buf_clear(&raw);
        buf_clear(&mended);
        buf_clear(&quoted);
    }
}

TEST(json_mends_lone_surrogates_in_place)
{
    static const struct {
        const char *text, *want;
        uint32_t count;
    } cases[] = {
        { "\"plain\"", "\"plain\"", 0 },
        { "\"\\ud83d\"", "\"\\ufffd\"", 1 },
        { "\"\\uDE00x\"", "\"\\ufffdx\"", 1 },
        { "\"\\ud83d\\ude00\"", "\"\\ud83d\\ude00\"", 0 },
        { "\"\\ud83d\\ud83d\\ude00\"", "\"\\ufffd\\ud83d\\ude00\"", 1 },
        { "\"\\ude00\\ud83d\"", "\"\\ufffd\\ufffd\"", 2 },
        { "\"\\ud83d\\u0041\"", "\"\\ufffd\\u0041\"", 1 },
        { "{\"\\udead\":[[\"\\udead\"]]}", "{\"\\ufffd\":[[\"\\ufffd\"]]}", 2 },
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        for (uint32_t kept = 0; kept < 3; kept++) {
            struct str text = arena_copy(&t->arena, str_c(cases[i].text));
            char *writable = arena_alloc(&t->arena, text.len);
            struct json_limits limits = { .depth_kept = kept, .mend = writable };
            struct json doc;

            memcpy(writable, text.at, text.len);
            CHECK(json_parse(&doc, (struct str){ writable, text.len }, &limits, &t->arena, NULL));
            CHECK_INT(doc.surrogates, cases[i].count, "%s", cases[i].text);
            CHECK_STR(doc.text, cases[i].want, "%s", cases[i].text);
        }
}

/* --- any document --- */

static void word_make(struct test *t, struct json_writer *w, bool key)
{
    static const struct str words[] = {
        STR("type"),
        STR("text"),
        STR("mod\\u0065l"),
        STR(""),
        STR("\\\"quoted\\\""),
        STR("\\ud83d\\ude00"),
        STR("\xe4\xb8\x96\xe7\x95\x8c"),
        STR("a longer word, past sixteen bytes"),
        STR("[{,:}]"),
        STR("\\\\"),
        STR("line\\nline"),
        STR("\\u0000"),
    };
    struct str inside = words[test_below(t, COUNT(words))];

    if (!key) {
        json_put_inside(w, inside);
        return;
    }
    struct arena a = { 0 };
    struct buf b;

    buf_init(&b, 4096);
    (void)json_unescape(&b, inside);
    json_put_key(w, buf_str(&b));
    buf_clear(&b);
    arena_free(&a);
}

/* Any document, written without blanks. */
static void value_make(struct test *t, struct json_writer *w, size_t depth)
{
    static const struct str atoms[] = {
        STR("null"),
        STR("true"),
        STR("false"),
        STR("0"),
        STR("-0"),
        STR("17"),
        STR("-1.5e9"),
        STR("1e400"),
        STR("0.10"),
        STR("12345678901234567890"),
        STR("1E+2"),
        STR("-12"),
        STR("3.14159265358979323846264338327950288"),
    };
    size_t kind = test_below(t, depth == 0 ? 2 : 4);

    if (kind == 0) {
        json_put_raw(w, atoms[test_below(t, COUNT(atoms))]);
    } else if (kind == 1) {
        word_make(t, w, false);
    } else {
        if (kind == 2)
            json_put_array(w);
        else
            json_put_object(w);
        for (size_t n = test_below(t, 6); n > 0; n--) {
            if (kind == 3)
                word_make(t, w, true);
            value_make(t, w, depth - 1);
        }
        json_put_end(w);
    }
}

/* The root is a container, so that no beginning of the text is a whole text too. */
static struct str document_make(struct test *t, struct arena *a, size_t depth)
{
    struct buf b;

    buf_init(&b, 1 << 20);
    struct json_writer w = json_writer(&b);
    json_put_array(&w);
    for (size_t n = 1 + test_below(t, 3); n > 0; n--)
        value_make(t, &w, depth);
    json_put_end(&w);
    CHECK(json_written(&w));
    struct str text = arena_copy(a, buf_str(&b));
    buf_clear(&b);
    return text;
}

static void tape_write(struct json_writer *w, const struct json *doc, uint32_t node)
{
    enum json_type type = json_type(doc, node);

    if (type < JSON_STRING || (doc->nodes[node].flags & JSON_FOLDED)) {
        json_put_raw(w, json_raw(doc, node));
        return;
    }
    if (type == JSON_STRING) {
        json_put_inside(w, json_inside(doc, node));
        return;
    }
    if (type == JSON_ARRAY)
        json_put_array(w);
    else
        json_put_object(w);
    for (uint32_t i = json_first(doc, node); i != JSON_NONE; i = json_after(doc, node, i)) {
        if (type == JSON_OBJECT) {
            struct arena a = { 0 };
            struct str name = STR("");

            (void)json_text(doc, i, &a, &name);
            json_put_key(w, name);
            arena_free(&a);
            i = json_after(doc, node, i);
        }
        tape_write(w, doc, i);
    }
    json_put_end(w);
}

TEST(json_written_from_the_tape_is_the_text_again)
{
    for (int round = 0; round < 400; round++) {
        struct arena a = { 0 };
        struct str text = document_make(t, &a, 1 + test_below(t, 6));

        for (uint32_t kept = 0; kept < 4; kept++) {
            struct json_limits limits = { .depth_kept = kept };
            struct json doc;
            struct buf b;

            buf_init(&b, 1 << 20);
            struct json_writer w = json_writer(&b);
            if (CHECK(json_parse(&doc, text, &limits, &a, NULL), "round %d: %.*s", round,
                      STR_ARG(text))) {
                tape_write(&w, &doc, 0);
                CHECK(json_written(&w));
                CHECK_STRS(buf_str(&b), text, "round %d, %u kept", round, kept);
            }
            buf_clear(&b);
        }
        arena_free(&a);
    }
}

/* The children of a container by cursor are those on the tape, all the way down. */
static void compare_walks(struct test *t, const struct json *doc, uint32_t node, struct str raw)
{
    CHECK_STRS(raw, json_raw(doc, node));
    if (json_type(doc, node) < JSON_ARRAY)
        return;

    struct json_cursor c = json_open(raw);
    struct str part = STR("");
    for (uint32_t i = json_first(doc, node); i != JSON_NONE; i = json_after(doc, node, i)) {
        if (!CHECK(json_next(&c, &part), "%.*s", STR_ARG(raw)))
            return;
        compare_walks(t, doc, i, part);
    }
    CHECK(!json_next(&c, &part), "%.*s", STR_ARG(raw));
    CHECK(!json_next(&c, &part), "the end stays the end");
}

/* One cursor enters every container, or leaves it at once or in the middle, and still stands where
 * the tape says. */
static void compare_entering(struct test *t, const struct json *doc, uint32_t node,
                             struct json_cursor *c)
{
    struct str raw = STR("");

    for (uint32_t i = json_first(doc, node); i != JSON_NONE; i = json_after(doc, node, i)) {
        if (!CHECK(json_peek(c) == json_raw(doc, i).at[0]))
            return;
        if (json_type(doc, i) < JSON_ARRAY) {
            CHECK(!json_enter(c));
            CHECK(json_next(c, &raw));
            CHECK_STRS(raw, json_raw(doc, i));
            continue;
        }
        CHECK(json_enter(c));
        if (test_random(t) % 4 == 0) {
            (void)(test_random(t) % 2 == 0 && doc->nodes[i].count > 0 && json_next(c, &raw));
            json_leave(c);
            continue;
        }
        compare_entering(t, doc, i, c);
        CHECK(!json_next(c, &raw));
    }
}

TEST(json_cursor_enters_and_leaves)
{
    for (int round = 0; round < 300; round++) {
        struct arena a = { 0 };
        struct json doc;

        if (CHECK(json_parse(&doc, document_make(t, &a, 5), NULL, &a, NULL)) &&
            json_type(&doc, 0) >= JSON_ARRAY) {
            struct json_cursor c = json_open(json_raw(&doc, 0));

            compare_entering(t, &doc, 0, &c);
            CHECK(json_peek(&c) == '\0');
        }
        arena_free(&a);
    }
}

TEST(json_cursor_gives_what_the_tape_has)
{
    static const char *const spaced[] = {
        "[]",
        "[ ]",
        " { } ",
        "[ 1 , -2.5e3 ,true,false , null]",
        "[\"]\" , \"\\\"\" , \"\\\\\" , \"a\\\\\\\"]\"]",
        "{ \"a\" : 1 , \"b\" : { \"c\" : [ { } , [ [ ] ] ] } }",
        "{\"a\":\"{[\",\"\\\"}\":\"]\"}",
        "[\n\t\"\xe4\xb8\x96\xe7\x95\x8c, a string with \\\"quotes\\\" and [brackets]\"\r\n]",
    };

    for (size_t i = 0; i < COUNT(spaced); i++) {
        struct json doc = read_text(t, spaced[i]);

        compare_walks(t, &doc, 0, json_raw(&doc, 0));
    }
    for (int round = 0; round < 300; round++) {
        struct arena a = { 0 };
        struct json doc;

        if (CHECK(json_parse(&doc, document_make(t, &a, 5), NULL, &a, NULL)))
            compare_walks(t, &doc, 0, json_raw(&doc, 0));
        arena_free(&a);
    }
}

TEST(json_opens_a_folded_container_with_cursor_and_parser)
{
    struct json doc = read_kept(
        t, STR("{\"model\":\"m\",\"messages\":[{\"role\":\"user\"},{\"role\":\"assistant\"}]}"), 1);
    uint32_t messages = json_member(&doc, 0, STR("messages"), NULL);
    struct json_cursor c = json_open(json_raw(&doc, messages));
    static const char *const roles[] = { "user", "assistant" };
    size_t n = 0;

    CHECK(doc.nodes[messages].flags & JSON_FOLDED);
    CHECK_INT(doc.nodes[messages].count, 2);
    CHECK_INT(doc.count, 5);
    for (struct str raw; json_next(&c, &raw) && n < 2; n++) {
        struct json one = read_kept(t, raw, 1);

        CHECK(json_says(&one, json_member(&one, 0, STR("role"), NULL), str_c(roles[n])), "%zu", n);
    }
    CHECK_INT(n, 2);
}

TEST(json_refuses_each_truncation)
{
    for (int round = 0; round < 100; round++) {
        struct arena a = { 0 };
        struct str text = document_make(t, &a, 4);
        struct json doc;

        for (size_t len = 0; len < text.len && len < 600; len++)
            CHECK(!json_parse(&doc, str_take(text, len), NULL, &a, NULL), "%zu of %.*s", len,
                  STR_ARG(text));
        arena_free(&a);
    }
}

/* The text ends where the memory does: a byte read behind it ends the test. */
TEST(json_reads_nothing_behind_the_text)
{
    static const struct str text = STR(
        " {\"a\":[1,-2.5e+3,true,false,null,[],{}],\"a long name that takes blocks\" : "
        "{\"\\ud83d\\ude00\":\"\xe4\xb8\x96\xc3\xa9 and more than a block behind\"} , \"c\": [ [ "
        "{ \"d\" : 0 } ] ] } \n");
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
    size_t valid = 0;

    if (!CHECK(pages != MAP_FAILED && mprotect(pages + page, page, PROT_NONE) == 0, "no pages"))
        return;
    for (size_t from = 0; from < text.len; from++)
        for (size_t len = 0; len <= text.len - from; len++) {
            struct str part = { pages + page - len, len };
            struct json doc;
            struct json_fault fault;
            struct arena a = { 0 };

            memcpy(pages + page - len, text.at + from, len);
            if (json_parse(&doc, part, NULL, &a, &fault))
                valid++;
            else
                CHECK(fault.at <= len, "%zu bytes from %zu", len, from);
            arena_free(&a);
        }
    CHECK(valid > 50, "%zu parts were valid", valid);
    munmap(pages, 2 * page);
}

TEST(json_accepts_the_same_with_each_depth_kept_whatever_byte_is_changed)
{
    char text[] = "{\"a\":[1,-2.5e+3,true],\"b\\n\":{\"\\ud83d\\ude00\":\"\xe4\xb8\x96\xc3\xa9\"},"
                  "\"c\":[[{\"d\":null}]]}";
    const size_t len = sizeof(text) - 1;

    for (size_t at = 0; at < len; at++) {
        char was = text[at];

        for (int c = 0; c < 256; c++) {
            struct json_fault first = { 0 };
            bool taken = false;

            text[at] = (char)c;
            for (uint32_t kept = 0; kept < 6; kept++) {
                struct json_limits limits = { .depth_kept = kept % 3, .nodes_kept = kept / 3 * 7 };
                struct json_fault fault = { 0 };
                struct arena a = { 0 };
                struct json doc;
                bool ok = json_parse(&doc, (struct str){ text, len }, &limits, &a, &fault);

                if (kept == 0) {
                    taken = ok;
                    first = fault;
                }
                CHECK(ok == taken && fault.at == first.at && fault.what == first.what,
                      "byte %zu as %d, %u kept", at, c, kept);
                CHECK(fault.at <= len, "byte %zu as %d", at, c);
                arena_free(&a);
            }
        }
        text[at] = was;
    }
}

/* --- blocks: no place in a string may be looked at differently from the next --- */

static const struct {
    struct str bytes;
    bool valid;
} odd_bytes[] = {
    { STR("\\n"), true },
    { STR("\\\""), true },
    { STR("\\u0041"), true },
    { STR("\\ud83d\\ude00"), true },
    { STR("\xc3\xa9"), true },
    { STR("\xe4\xb8\x96"), true },
    { STR("\xf0\x9f\x98\x80"), true },
    { STR("\x7f"), true },
    { STR("\\x"), false },
    { STR("\n"), false },
    { STR("\0"), false },
    { STR("\x1f"), false },
    { STR("\x80"), false },
    { STR("\xc3"), false },
    { STR("\xff"), false },
    { STR("\xe4\xb8"), false },
    { STR("\xed\xa0\x80"), false },
};

TEST(json_finds_an_odd_byte_at_each_place_of_strings_of_each_length)
{
    char room[128];

    for (size_t align = 0; align < 16; align++)
        for (size_t len = 0; len <= 70; len += align < 2 ? 1 : 1 + test_below(t, 5))
            for (size_t at = 0; at <= len; at++)
                for (size_t o = 0; o < COUNT(odd_bytes); o++) {
                    struct str odd = odd_bytes[o].bytes;
                    char *p = room + align;
                    struct str text = { p, len + odd.len + 2 };
                    struct arena a = { 0 };
                    struct json doc;

                    memset(room, '"', sizeof(room)); /* what lies behind must not matter */
                    memset(p + 1, 'x', len + odd.len);
                    memcpy(p + 1 + at, odd.at, odd.len);
                    bool ok = json_parse(&doc, text, NULL, &a, NULL);
                    CHECK(ok == odd_bytes[o].valid, "align %zu, %zu bytes, odd %zu at %zu", align,
                          len, o, at);
                    if (ok)
                        CHECK_INT(doc.nodes[0].len, len + odd.len, "align %zu, %zu bytes", align,
                                  len);
                    arena_free(&a);
                }
}

TEST(json_notices_how_strings_begin)
{
    static const char notices[2][JSON_NOTICE_BYTES] = { { 'a', 'b', 'c', 'd' },
                                                        { 'e', 'f', 'g', 'h' } };
    static const struct {
        const char *text;
        bool noticed;
    } cases[] = {
        { "[\"abcd----\"]", true },
        { "[[{\"x\":[\"efgh, and more\"]}]]", true },
        { "{\"abcdef--\":1}", true },
        { "\"efgh----\"", true },
        { "[\"xabcd----\",\"abcd---\"]", false },
        { "\"abc\"", false },
        { "[\"\\u0061bcd----\"]", false },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct json doc;
        struct json_limits limits = { .depth_kept = 1, .notice = notices, .notice_count = 2 };

        CHECK(json_parse(&doc, str_c(cases[i].text), &limits, &t->arena, NULL));
        CHECK(doc.noticed == cases[i].noticed, "%s", cases[i].text);
    }
}

/* What is on a tape is what the whole one has, in its order; of a folded container, the front. */
static void compare_kept(struct test *t, const struct json *doc, uint32_t node,
                         const struct json *whole, uint32_t other)
{
    const struct json_node *n = &doc->nodes[node], *o = &whole->nodes[other];

    if (!CHECK(n->at == o->at && n->len == o->len && n->type == o->type && n->count == o->count))
        return;
    if (n->type < JSON_ARRAY) {
        CHECK(n->flags == o->flags);
        return;
    }
    uint32_t i = json_first_kept(doc, node), k = json_first(whole, other);

    for (; i != JSON_NONE && k != JSON_NONE; i = json_after(doc, node, i)) {
        compare_kept(t, doc, i, whole, k);
        k = json_after(whole, other, k);
    }
    CHECK(i == JSON_NONE && (k == JSON_NONE || (n->flags & JSON_FOLDED) != 0));
}

TEST(json_keeps_the_first_nodes_whatever_their_depth)
{
    for (int round = 0; round < 30; round++) {
        struct arena a = { 0 };
        struct str text = document_make(t, &a, 4);
        struct json whole, doc;

        if (!CHECK(json_parse(&whole, text, NULL, &a, NULL)))
            return;
        for (uint32_t kept = 1; kept < 3; kept++)
            for (uint32_t nodes = 1; nodes < 200; nodes += 1 + nodes / 8) {
                struct json_limits limits = { .depth_kept = kept, .nodes_kept = nodes };

                if (!CHECK(json_parse(&doc, text, &limits, &a, NULL)))
                    return;
                compare_kept(t, &doc, 0, &whole, 0);
                CHECK(doc.count >= (nodes < whole.count ? nodes : whole.count));
                CHECK(nodes < whole.count || doc.count == whole.count);
                for (uint32_t i = 0; i < nodes && i < whole.count; i++)
                    CHECK(doc.nodes[i].at == whole.nodes[i].at);
            }
        arena_free(&a);
    }
}

TEST(json_long_strings_are_checked_at_each_place)
{
    static const struct {
        struct str bytes;
        bool valid;
    } odd[] = {
        { STR("\\n"), true },    { STR("\\u00e9"), true }, { STR("\xc3\xa9"), true },
        { STR("\x1f"), false },  { STR("\xff"), false },   { STR("\\x"), false },
        { STR("\xc3("), false },
    };
    char room[700];

    for (size_t len = 300; len <= 560; len += 65)
        for (size_t at = 0; at + 6 <= len; at++)
            for (size_t o = 0; o < COUNT(odd); o++) {
                struct arena a = { 0 };
                struct json doc;
                struct str text = { room, len + 4 };

                memset(room, 'x', sizeof(room));
                memcpy(room, "[\"", 2);
                memcpy(room + 2 + at, odd[o].bytes.at, odd[o].bytes.len);
                memcpy(room + 2 + len, "\"]", 2);
                bool ok = json_parse(&doc, text, NULL, &a, NULL);
                CHECK(ok == odd[o].valid, "odd %zu at %zu of %zu", o, at, len);
                if (ok) {
                    CHECK_INT(doc.nodes[1].len, len, "odd %zu at %zu", o, at);
                    compare_walks(t, &doc, 0, json_raw(&doc, 0));
                }
                arena_free(&a);
            }
}

TEST(json_finds_the_closing_quote_at_each_place)
{
    char room[128];

    for (size_t align = 0; align < 16; align++)
        for (size_t len = 0; len <= 70; len++)
            for (size_t behind = 0; behind < 20; behind++) {
                char *p = room + align;
                struct str text = { p, len + 4 + behind };
                struct arena a = { 0 };
                struct json doc;

                memset(room, 'x', sizeof(room));
                memset(p + len + 3, ' ', behind);
                memcpy(p, "[\"", 2);
                memcpy(p + len + 2, "\"", 1);
                p[len + 3 + behind] = ']';
                if (CHECK(json_parse(&doc, text, NULL, &a, NULL), "align %zu, %zu bytes, %zu",
                          align, len, behind)) {
                    CHECK_INT(doc.nodes[1].len, len, "align %zu", align);
                    compare_walks(t, &doc, 0, json_raw(&doc, 0));
                }
                arena_free(&a);
            }
}

TEST(json_cursor_skips_containers_of_each_length)
{
    static const struct str cores[] = { STR("\"]}\""),    STR("[\"[\"]"),  STR("{\"}\":[]}"),
                                        STR("\"\\\"]\""), STR("\"\\\\\""), STR("[[],{}]") };

    for (size_t c = 0; c < COUNT(cores); c++)
        for (size_t before = 0; before < 40; before++)
            for (size_t behind = 0; behind < 40; behind++) {
                struct arena a = { 0 };
                struct str text = arena_printf(&a, "[[%*s%.*s%*s],7]", (int)before, "",
                                               (int)cores[c].len, cores[c].at, (int)behind, "");
                struct json_cursor cursor = json_open(text);
                struct str raw = STR("");

                CHECK(json_next(&cursor, &raw), "core %zu, %zu, %zu", c, before, behind);
                CHECK_INT(raw.len, cores[c].len + before + behind + 2, "core %zu", c);
                CHECK(json_next(&cursor, &raw), "core %zu, %zu, %zu", c, before, behind);
                CHECK_STR(raw, "7");
                CHECK(!json_next(&cursor, &raw));
                arena_free(&a);
            }
}
