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
        struct text text = TEXT_EMPTY;

        CHECK(!repeat_is(&r, str_c(cases[i].name), data, &text), "nothing is known yet");
        learn(t, &r, "delta",
              "{\"n\":1,\"sequence_number\":6,\"delta\":\"one\",\"obfuscation\":\"zzz\"}", "one");
        CHECK_INT(repeat_is(&r, str_c(cases[i].name), data, &text), cases[i].text != NULL, "%s",
                  cases[i].data);
        if (cases[i].text != NULL)
            CHECK_STR(text.escaped, cases[i].text);
        repeat_forget(&r);
    }
    repeat_clear(&r);
}

TEST(an_event_that_is_too_long_is_not_learnt)
{
    struct repeat r;
    struct text text;
    struct str data;

    for (size_t spare = 13; spare <= 17; spare++) {
        char *bytes = arena_alloc(&t->arena, REPEAT_BYTES_MAX + 1);

        memset(bytes, 'p', REPEAT_BYTES_MAX);
        data = arena_printf(&t->arena, "{\"p\":\"%.*s\",\"t\":\"x\"}",
                            (int)(REPEAT_BYTES_MAX + 1 - spare), bytes);
        repeat_init(&r);
        learn(t, &r, "", data.at, "x");
        CHECK_INT(repeat_is(&r, STR(""), data, &text), data.len - 1 <= REPEAT_BYTES_MAX, "%zu",
                  data.len);
        repeat_clear(&r);
    }
}
