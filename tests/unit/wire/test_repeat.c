#include "wire/repeat.h"

#include "test.h"

static void learn(struct test *t, struct repeat *r, const char *name, const char *data,
                  const char *text)
{
    struct json doc;
    struct str all = str_c(data);

    CHECK(json_parse(&doc, all, NULL, &t->arena, NULL), "%s", data);
    repeat_learn(r, str_c(name), &doc,
                 (struct text){ { all.at + str_find(all, str_c(text)), strlen(text) } });
}

TEST(an_event_is_like_the_one_before_but_for_its_text)
{
    static const struct {
        const char *name, *data;
        const char *text; /* NULL: it is not */
    } cases[] = {
        { "delta", "{\"n\":1,\"sequence_number\":7,\"delta\":\"two\",\"obfuscation\":\"ab\"}",
          "two" },
        { "delta", "{\"n\":1,\"sequence_number\":10,\"delta\":\"\\n\",\"obfuscation\":\"\"}",
          "\\n" },
        { "delta", "{\"n\":1,\"sequence_number\":0,\"delta\":\"\xc3\xa4\",\"obfuscation\":\"q\"}",
          "\xc3\xa4" },
        { "delta",
          "{\"n\":1,\"sequence_number\":8,\"delta\":\"\\ud83d\\ude00\",\"obfuscation\":\"\"}",
          "\\ud83d\\ude00" },
        { "delta", "{\"n\":1,\"sequence_number\":8,\"delta\":\"\\ud83d\",\"obfuscation\":\"\"}",
          NULL },
        { "delta", "{\"n\":1,\"sequence_number\":8,\"delta\":\"\",\"obfuscation\":\"\"}", NULL },
        { "delta", "{\"n\":2,\"sequence_number\":8,\"delta\":\"x\",\"obfuscation\":\"\"}", NULL },
        { "delta", "{\"n\":1,\"sequence_number\":08,\"delta\":\"x\",\"obfuscation\":\"\"}", NULL },
        { "delta", "{\"n\":1,\"sequence_number\":-8,\"delta\":\"x\",\"obfuscation\":\"\"}", NULL },
        { "delta", "{\"n\":1,\"sequence_number\":8,\"delta\":\"\xc3\",\"obfuscation\":\"\"}",
          NULL },
        { "delta", "{\"n\":1,\"sequence_number\":8,\"delta\":\"\\q\",\"obfuscation\":\"\"}", NULL },
        { "delta", "{\"n\":1,\"sequence_number\":8,\"delta\":\"x\",\"obfuscation\":\"\\x\"}",
          NULL },
        { "delta", "{\"n\":1,\"sequence_number\":8,\"delta\":\"x\",\"obfuscation\":\"\",\"m\":1}",
          NULL },
        { "delta", "{\"n\":1,\"sequence_number\":8,\"delta\":\"x\",\"obfuscation\":\"\"} ", NULL },
        { "delta", "{\"n\":1,\"sequence_number\":8,\"delta\":\"x\",\"obfuscation\":\"\"", NULL },
        { "delta", "{\"n\":1,\"sequence_number\":8,\"delta\":\"x", NULL },
        { "delta", "{\"n\":1,\"sequence_number\":8,\"delta\":\"", NULL },
        { "delta", "{\"n\":1,\"sequence_number\":", NULL },
        { "delta", "", NULL },
        { "deltas", "{\"n\":1,\"sequence_number\":8,\"delta\":\"x\",\"obfuscation\":\"\"}", NULL },
        { "", "{\"n\":1,\"sequence_number\":8,\"delta\":\"x\",\"obfuscation\":\"\"}", NULL },
    };
    struct repeat r;

    repeat_init(&r);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str data =
            arena_copy(&t->arena, str_c(cases[i].data)); /* with an end that is seen */
        struct repeated like;

        CHECK(!repeat_is(&r, str_c(cases[i].name), data, &like), "nothing is known yet");
        learn(t, &r, "delta",
              "{\"n\":1,\"sequence_number\":6,\"delta\":\"one\",\"obfuscation\":\"zzz\"}", "one");
        CHECK_INT(repeat_is(&r, str_c(cases[i].name), data, &like), cases[i].text != NULL, "%s",
                  cases[i].data);
        if (cases[i].text != NULL)
            CHECK_STR(like.text.escaped, cases[i].text);
        repeat_forget(&r);
    }
    repeat_clear(&r);
}

TEST(an_event_that_is_too_long_is_not_learnt)
{
    struct repeat r;
    struct repeated like;
    struct str data;

    for (size_t spare = 13; spare <= 17; spare++) {
        char *bytes = arena_alloc(&t->arena, REPEAT_BYTES_MAX + 1);

        memset(bytes, 'p', REPEAT_BYTES_MAX);
        data = arena_printf(&t->arena, "{\"p\":\"%.*s\",\"t\":\"x\"}",
                            (int)(REPEAT_BYTES_MAX + 1 - spare), bytes);
        repeat_init(&r);
        learn(t, &r, "", data.at, "x");
        CHECK_INT(repeat_is(&r, STR(""), data, &like), data.len - 1 <= REPEAT_BYTES_MAX, "%zu",
                  data.len);
        repeat_clear(&r);
    }
}

TEST(a_slice_beside_what_differs_is_found_again)
{
    static const struct {
        const char *learnt, *slice, *like;
        const char *found; /* NULL: nothing is learnt */
    } cases[] = {
        { "{\"m\":\"far\",\"delta\":\"one\"}", "\"far\"", "{\"m\":\"far\",\"delta\":\"another\"}",
          "\"far\"" },
        { "{\"delta\":\"one\",\"m\":\"far\"}", "\"far\"", "{\"delta\":\"another\",\"m\":\"far\"}",
          "\"far\"" },
        { "{\"sequence_number\":9,\"delta\":\"one\",\"m\":\"far\"}", "\"far\"",
          "{\"sequence_number\":10,\"delta\":\"o\",\"m\":\"far\"}", "\"far\"" },
        { "{\"sequence_number\":9,\"m\":\"far\",\"delta\":\"one\"}", "\"far\"",
          "{\"sequence_number\":9,\"m\":\"far\",\"delta\":\"one\"}", NULL },
        { "{\"delta\":\"one\"}", "", "{\"delta\":\"another\"}", "" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str learnt = str_c(cases[i].learnt), slice = str_c(cases[i].slice);
        struct repeat r;
        struct repeated like;

        repeat_init(&r);
        learn(t, &r, "", cases[i].learnt, "one");
        slice.at = learnt.at + str_find(learnt, slice);
        CHECK_INT(repeat_mark(&r, learnt, slice), cases[i].found != NULL, "%zu", i);
        CHECK_INT(repeat_is(&r, STR(""), str_c(cases[i].like), &like), cases[i].found != NULL);
        if (cases[i].found != NULL)
            CHECK_STR(like.marked, cases[i].found);
        repeat_clear(&r);
    }
}

TEST(where_no_event_is_like_another_none_is_learnt_any_more)
{
    static const char data[] = "{\"delta\":\"one\"}";
    struct repeated like;
    struct repeat r;

    repeat_init(&r);
    for (uint32_t i = 1; i <= REPEAT_UNLIKE_MAX + 1; i++) {
        learn(t, &r, "", data, "one");
        CHECK_INT(r.known, i <= REPEAT_UNLIKE_MAX);
    }
    repeat_clear(&r);
    repeat_init(&r);
    for (uint32_t i = 0; i < 3 * REPEAT_UNLIKE_MAX; i++) {
        learn(t, &r, "", data, "one");
        CHECK(i % REPEAT_UNLIKE_MAX != 9 || repeat_is(&r, STR(""), str_c(data), &like));
    }
    CHECK(r.known);
    repeat_clear(&r);
}
