#include "admin/mask.h"
#include "base/json.h"
#include "test.h"

static void put_account(struct pool *pool, int64_t id, const char *label)
{
    struct account_spec *spec = account_spec_new();
    struct error e;

    spec->id = id;
    spec->label = arena_copy(&spec->arena, str_c(label));
    spec->provider = STR("openai");
    enum status st = pool_put(pool, spec, &(struct account_means){ .wires = 1 }, &e);

    assert(st == OK);
    account_spec_free(spec);
}

struct bench {
    struct pool *pool;
    struct masks masks;
};

static void bench_open(struct bench *b)
{
    b->pool = pool_new(&(struct pool_options){ 0 });
    put_account(b->pool, 1, "ada@example.com");
    put_account(b->pool, 2, "work");
    put_account(b->pool, 3, "work two");
    put_account(b->pool, 4, "\xc3\xa9t\xc3\xa9");
    masks_init(&b->masks, b->pool);
    b->masks.key[0] = 1;
    b->masks.key[1] = 2;
}

static struct str masked(struct test *t, const struct bench *b, const char *json)
{
    struct buf out = { .max = 65536 };
    bool good = mask_json(&b->masks, STR("things"), str_c(json), &out);
    struct str text = good ? arena_copy(&t->arena, buf_str(&out)) : STR("(none)");

    buf_clear(&out);
    return text;
}

static struct str one(struct test *t, const struct bench *b, const char *name)
{
    struct buf out = { .max = 256 };

    mask_put(&b->masks, str_c(name), &out);
    struct str text = arena_copy(&t->arena, buf_str(&out));

    buf_clear(&out);
    return text;
}

TEST(names_are_masked_where_they_stand_and_sentences_are_searched)
{
    struct bench b;

    bench_open(&b);
    struct str ada = one(t, &b, "ada@example.com"), work = one(t, &b, "work"),
               two = one(t, &b, "work two"), ci = one(t, &b, "ci"), x = one(t, &b, "x@y.zz");
    const struct {
        const char *name, *in;
        struct str want;
    } cases[] = {
        { "a member", "{\"label\": \"work\",\"n\":1}",
          arena_printf(&t->arena, "{\"label\": \"%s\",\"n\":1}", work.at) },
        { "layout and numbers stay", " [ {\"account\":\"work\"} , 1.50 ] ",
          arena_printf(&t->arena, " [ {\"account\":\"%s\"} , 1.50 ] ", work.at) },
        { "a name that no account has", "{\"client_key\":\"ci\"}",
          arena_printf(&t->arena, "{\"client_key\":\"%s\"}", ci.at) },
        { "null and numbers are no names", "{\"label\":null,\"account\":7}",
          STR("{\"label\":null,\"account\":7}") },
        { "any account", "{\"account\":\"any\"}", STR("{\"account\":\"any\"}") },
        { "escaped", "{\"label\":\"\\u0077ork\"}",
          arena_printf(&t->arena, "{\"label\":\"%s\"}", work.at) },
        { "a list of names", "{\"entries\":[\"work\",{\"model\":\"work\"}]}",
          arena_printf(&t->arena, "{\"entries\":[\"%s\",{\"model\":\"work\"}]}", work.at) },
        { "a key's name, and others' names", "{\"keys\":[{\"name\":\"ci\"}],\"name\":\"penstock\"}",
          arena_printf(&t->arena, "{\"keys\":[{\"name\":\"%s\"}],\"name\":\"penstock\"}", ci.at) },
        { "a usage row", "{\"rows\":[{\"key\":\"ci\",\"model\":\"ci\"}],\"key\":\"k\"}",
          arena_printf(&t->arena, "{\"rows\":[{\"key\":\"%s\",\"model\":\"ci\"}],\"key\":\"k\"}",
                       ci.at) },
        { "a sentence", "{\"message\":\"`work` and `work two`, not workers or homework\"}",
          arena_printf(&t->arena, "{\"message\":\"`%s` and `%s`, not workers or homework\"}",
                       work.at, two.at) },
        { "sentences in a list", "{\"explanation\":[\"ada@example.com served\",\"work.\"]}",
          arena_printf(&t->arena, "{\"explanation\":[\"%s served\",\"%s.\"]}", ada.at, work.at) },
        { "a sentence about a name that stands beside it",
          "{\"explanation\":[\"key `ci`\"],\"client_key\":\"ci\"}",
          arena_printf(&t->arena, "{\"explanation\":[\"key `%s`\"],\"client_key\":\"%s\"}", ci.at,
                       ci.at) },
        { "an e-mail address anywhere", "{\"model\":\"<x@y.zz>, @ y@\"}",
          arena_printf(&t->arena, "{\"model\":\"<%s>, @ y@\"}", x.at) },
        { "addresses in a sentence", "{\"evidence\":\"from 10.1.2.3 to 127.0.0.1, v1.2.3.\"}",
          STR("{\"evidence\":\"from *** to 127.0.0.1, v1.2.3.\"}") },
        { "a model is no name", "{\"model\":\"work\",\"provider\":\"work\"}",
          STR("{\"model\":\"work\",\"provider\":\"work\"}") },
        { "no JSON", "{\"label\":\"work\"", STR("(none)") },
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK_STRS(masked(t, &b, cases[i].in), cases[i].want, "%s", cases[i].name);
    CHECK(str_starts(ada, STR("a***-")) && ada.len == 9 && !str_eq(work, two));
    CHECK(str_starts(one(t, &b, "\xc3\xa9t\xc3\xa9"), STR("\xc3\xa9***-")), "whole characters");
    CHECK(str_starts(one(t, &b, "=1+1"), STR("***-")), "nothing a table would calculate");
    masks_clear(&b.masks);
    pool_free(b.pool);
}

TEST(a_document_of_keys_is_about_names)
{
    struct buf out = { .max = 256 };
    struct bench b;

    bench_open(&b);
    CHECK(mask_json(&b.masks, STR("keys"), STR("{\"name\":\"ci\"}"), &out));
    CHECK(str_find(buf_str(&out), STR("ci")) == SIZE_MAX);
    buf_clear(&out);
    masks_clear(&b.masks);
    pool_free(b.pool);
}

TEST(a_mask_stands_for_its_name_on_the_way_in)
{
    static const char *const labels[] = { "ada@example.com", "work", "work two",
                                          "\xc3\xa9t\xc3\xa9" };
    struct bench b;
    bool left;

    bench_open(&b);
    for (size_t i = 0; i < COUNT(labels); i++)
        CHECK_STR(mask_undo(&b.masks, one(t, &b, labels[i]), &t->arena), labels[i]);
    CHECK_STR(mask_undo(&b.masks, STR("w***-zzzz"), &t->arena), "w***-zzzz");
    CHECK_STR(mask_undo(&b.masks, STR("work"), &t->arena), "work");
    struct str in = arena_printf(
        &t->arena, "{ \"entries\":[\"%s\",{\"account\" : \"%s\"}],\"a\":\"x***-0000\"}",
        one(t, &b, "work two").at, one(t, &b, "\xc3\xa9t\xc3\xa9").at);

    CHECK_STR(
        mask_undo_json(&b.masks, in, &t->arena, &left),
        "{ \"entries\":[\"work two\",{\"account\" : \"\xc3\xa9t\xc3\xa9\"}],\"a\":\"x***-0000\"}");
    CHECK(left); /* nobody is x***-0000 */
    CHECK_STR(mask_undo_json(&b.masks, STR("{***-"), &t->arena, &left), "{***-");
    CHECK(!left);
    in = arena_printf(&t->arena, "[\"of %s, not %s\\u0021 a***-b, ab***-12345\"]",
                      one(t, &b, "\xc3\xa9t\xc3\xa9").at, one(t, &b, "work").at);
    CHECK_STR(mask_undo_json(&b.masks, in, &t->arena, &left),
              "[\"of \xc3\xa9t\xc3\xa9, not work! a***-b, ab***-12345\"]");
    CHECK(left); /* b***-1234 */
    b.masks.key[0]++;
    CHECK(str_eq(mask_undo(&b.masks, one(t, &b, "work"), &t->arena), STR("work")),
          "another run, another mark");
    masks_clear(&b.masks);
    pool_free(b.pool);
}

TEST(the_cells_of_private_columns_are_masked)
{
    struct bench b;
    struct buf out = { .max = 65536 };

    bench_open(&b);
    struct str in = STR("model,account,key,note\n"
                        "m,work,ci,\"a \"\"quoted\"\", one\"\n"
                        "\"x,y\",,\"work two\",\"two\nlines\"\n");
    struct str want =
        arena_printf(&t->arena,
                     "model,account,key,note\r\nm,%s,%s,\"a \"\"quoted\"\", "
                     "one\"\r\n\"x,y\",,%s,\"two\nlines\"\r\n",
                     one(t, &b, "work").at, one(t, &b, "ci").at, one(t, &b, "work two").at);

    CHECK(mask_csv(&b.masks, in, &out));
    CHECK_STRS(buf_str(&out), want);
    buf_clear(&out);
    masks_clear(&b.masks);
    pool_free(b.pool);
}

TEST(nothing_of_a_name_is_left_wherever_documents_hold_it)
{
    static const char *const shapes[] = {
        "{\"label\":%s}",
        "{\"a\":[[{\"account\":%s}]]}",
        "{\"message\":%s}",
        "{\"explanation\":[\"x\",%s,\"y\"]}",
        "[{\"client_keys\":[{\"name\":%s}]}]",
        "{\"flows\":{\"f\":{\"entries\":[{\"comment\":%s}]}}}",
        "{\"path\":\"routing\",\"value\":{\"accounts\":{\"m\":{\"owner\":[%s]}}}}",
    };
    struct bench b;

    bench_open(&b);
    for (int round = 0; round < 200; round++) {
        char label[40];
        size_t len = 4 + (size_t)(test_random(t) % 20);
        struct buf quoted = { .max = 512 };

        for (size_t i = 0; i < len; i++)
            label[i] = " abcdefgh\"\\.-_@XYZ\t/"[test_random(t) % 20];
        label[0] = label[len - 1] = 'Q';
        label[len] = '\0';
        put_account(b.pool, 100, label);
        (void)json_quote(&quoted, str_c(label));
        for (size_t s = 0; s < COUNT(shapes); s++) {
            struct str out = masked(
                t, &b,
                arena_printf(&t->arena, "%.*s%.*s%s", (int)(strchr(shapes[s], '%') - shapes[s]),
                             shapes[s], (int)quoted.len, quoted.at, strchr(shapes[s], '%') + 2)
                    .at);

            CHECK(str_find(out, (struct str){ quoted.at + 1, quoted.len - 2 }) == SIZE_MAX,
                  "`%s` in %.*s", label, STR_ARG(out));
        }
        buf_clear(&quoted);
    }
    masks_clear(&b.masks);
    pool_free(b.pool);
}
