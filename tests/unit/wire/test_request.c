#include "wire/format.h"

#include "test.h"

static struct str copy(struct test *t, const char *z)
{
    return arena_copy(&t->arena, str_c(z));
}

static bool read_it(struct test *t, enum wire wire, const char *body, struct wire_request *r,
                    struct wire_complaint *why)
{
    struct str b = copy(t, body);
    struct str model = wire == WIRE_GEMINI ? STR("gemini-x") : STR("");

    return wire_read_request(wire, b, NULL, model, false, &t->arena, r, why);
}

TEST(request_fields_that_are_read_are_checked_and_named)
{
    static const struct {
        const char *name;
        enum wire wire;
        const char *body, *param, *says;
    } cases[] = {
        { "empty", WIRE_OPENAI_CHAT, "  ", "", "empty" },
        { "no JSON", WIRE_OPENAI_CHAT, "{\"model\":\n x}", "", "line 2, column 2" },
        { "an array", WIRE_ANTHROPIC, "[]", "", "JSON object" },
        { "no model", WIRE_OPENAI_CHAT, "{\"messages\":[{}]}", "model", "missing" },
        { "empty model", WIRE_OPENAI_CHAT, "{\"model\":\"\",\"messages\":[{}]}", "model",
          "missing" },
        { "model of wrong type", WIRE_ANTHROPIC, "{\"model\":7,\"messages\":[{}]}", "model",
          "string" },
        { "model twice", WIRE_ANTHROPIC, "{\"model\":\"a\",\"model\":\"b\",\"messages\":[{}]}",
          "model", "more than once" },
        { "model twice, once escaped", WIRE_OPENAI_RESPONSES,
          "{\"model\":\"a\",\"mod\\u0065l\":\"b\",\"input\":\"x\"}", "model", "more than once" },
        { "stream of wrong type", WIRE_OPENAI_CHAT,
          "{\"model\":\"a\",\"stream\":\"yes\",\"messages\":[{}]}", "stream", "true or false" },
        { "no messages", WIRE_OPENAI_CHAT, "{\"model\":\"a\"}", "messages", "at least one" },
        { "messages of wrong type", WIRE_ANTHROPIC, "{\"model\":\"a\",\"messages\":{}}", "messages",
          "array" },
        { "no messages in the array", WIRE_ANTHROPIC, "{\"model\":\"a\",\"messages\":[]}",
          "messages", "at least one" },
        { "metadata of wrong type", WIRE_ANTHROPIC,
          "{\"model\":\"a\",\"messages\":[{}],\"metadata\":[]}", "metadata", "object" },
        { "include_usage twice", WIRE_OPENAI_CHAT,
          "{\"model\":\"a\",\"messages\":[{}],\"stream_options\":{\"include_usage\":true,\"include_"
          "usage\":false}}",
          "stream_options.include_usage", "more than once" },
        { "input of wrong type", WIRE_OPENAI_RESPONSES, "{\"model\":\"a\",\"input\":7}", "input",
          "string or an array" },
        { "no contents", WIRE_GEMINI, "{}", "contents", "at least one" },
        { "contents of wrong type", WIRE_GEMINI, "{\"contents\":\"x\"}", "contents", "array" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct wire_request r;
        struct wire_complaint why = { 0 };

        CHECK(!read_it(t, cases[i].wire, cases[i].body, &r, &why), "%s", cases[i].name);
        CHECK_STR(why.param, cases[i].param, "%s", cases[i].name);
        CHECK(str_find(why.message, str_c(cases[i].says)) != SIZE_MAX, "%s says: %.*s",
              cases[i].name, STR_ARG(why.message));
    }
}

TEST(request_members_that_are_not_read_may_stand_twice)
{
    struct wire_request r;
    struct wire_complaint why;

    CHECK(read_it(t, WIRE_OPENAI_CHAT,
                  "{\"x\":1,\"model\":\"a\",\"x\":2,\"messages\":[{\"role\":\"user\",\"content\":"
                  "\"hello\"}]}",
                  &r, &why));
    CHECK_STR(r.model, "a");
    CHECK_STR(r.first_text, "hello");
}

/* A copy of it would weigh as much as the whole body. */
TEST(request_first_text_stays_as_it_is_spelled_when_it_is_long)
{
    enum { MOST = 64 << 10 };

    for (size_t over = 0; over <= 1; over++) {
        size_t fill = MOST + over - strlen("\\\"");
        char *many = arena_alloc(&t->arena, fill + 1);
        struct wire_request r;
        struct wire_complaint why = { 0 };

        memset(many, 'x', fill);
        many[fill] = '\0';
        CHECK(read_it(t, WIRE_OPENAI_CHAT,
                      arena_printf(&t->arena,
                                   "{\"model\":\"a\",\"messages\":[{\"role\":\"user\","
                                   "\"content\":\"\\\"%s\"}]}",
                                   many)
                          .at,
                      &r, &why));
        CHECK_INT(r.first_text.len, over == 0 ? MOST - 1 : MOST + 1);
    }
}

TEST(request_first_text_is_the_first_of_a_user_that_tells)
{
    static const struct {
        const char *name;
        enum wire wire;
        const char *body, *want;
    } cases[] = {
        { "system is skipped", WIRE_OPENAI_CHAT,
          "{\"model\":\"a\",\"messages\":[{\"role\":\"system\",\"content\":\"be "
          "good\"},{\"role\":\"user\",\"content\":\"hello\"}]}",
          "hello" },
        { "short texts are skipped", WIRE_OPENAI_CHAT,
          "{\"model\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":\" hi "
          "\"},{\"role\":\"user\",\"content\":\"longer\"}]}",
          "longer" },
        { "reminders are skipped", WIRE_ANTHROPIC,
          "{\"model\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
          "\"text\":\"<system-reminder>x</system-reminder>\"},"
          "{\"type\":\"text\",\"text\":\"the task\"}]}]}",
          "the task" },
        { "system marks are skipped", WIRE_ANTHROPIC,
          "{\"model\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":\"[System "
          "note]\"},{\"role\":\"user\",\"content\":\"real\"}]}",
          "real" },
        { "escapes are decoded", WIRE_OPENAI_CHAT,
          "{\"model\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":\"a\\u00e9\\nb\"}]}",
          "a\xc3\xa9\nb" },
        { "input is a string", WIRE_OPENAI_RESPONSES, "{\"model\":\"a\",\"input\":\"hello\"}",
          "hello" },
        { "input items", WIRE_OPENAI_RESPONSES,
          "{\"model\":\"a\",\"input\":[{\"role\":\"developer\",\"content\":\"rules\"},{\"type\":"
          "\"message\",\"role\":\"user\",\"content\":[{"
          "\"type\":\"input_text\",\"text\":\"do it\"}]}]}",
          "do it" },
        { "gemini without a role", WIRE_GEMINI,
          "{\"contents\":[{\"parts\":[{\"text\":\"hello\"}]}]}", "hello" },
        { "gemini model turns are skipped", WIRE_GEMINI,
          "{\"contents\":[{\"role\":\"model\",\"parts\":[{\"text\":\"no "
          "one\"}]},{\"role\":\"user\",\"parts\":[{\"text\":\"some one\"}]}]}",
          "some one" },
        { "the role may stand behind", WIRE_OPENAI_CHAT,
          "{\"model\":\"a\",\"messages\":[{\"content\":\"not "
          "this\",\"role\":\"system\"},{\"content\":\"but "
          "this\",\"name\":\"n\",\"role\":\"user\"}]}",
          "but this" },
        { "what is not read is stepped over", WIRE_ANTHROPIC,
          "{\"model\":\"a\",\"messages\":[7,\"x\",[{\"role\":\"user\"}],{\"content\":[{\"text\":"
          "\"an "
          "answer\",\"x\":[{\"text\":\"]}\"}]},{}],\"role\":\"assistant\"},{\"x\":{\"role\":"
          "\"user\","
          "\"content\":\"inner\"},\"role\":\"user\",\"content\":[[\"in a list\"],null,{\"source\":{"
          "\"text\":\"deep down\"},\"text\":7},\"the plain one\",{\"text\":\"too late\"}]}]}",
          "the plain one" },
        { "none", WIRE_OPENAI_CHAT,
          "{\"model\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]"
          "}]}",
          "" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct wire_request r;
        struct wire_complaint why = { 0 };

        CHECK(read_it(t, cases[i].wire, cases[i].body, &r, &why), "%s: %.*s", cases[i].name,
              STR_ARG(why.message));
        CHECK_STR(r.first_text, cases[i].want, "%s", cases[i].name);
        if (r.first_text.len == 0)
            CHECK_STR(r.first_message,
                      "{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}");
    }
}

/* Wherever the telling message stands, on the tape, half of it or behind it, it is found, and
 * without one the first message is named. */
TEST(request_first_text_is_found_behind_any_number_of_messages)
{
    struct buf b;

    buf_init(&b, 1 << 20);
    for (uint32_t before = 0; before < 40; before++)
        for (uint32_t parts = 0; parts < 20; parts += 3)
            for (int tells = 0; tells < 2; tells++) {
                struct wire_request r;
                struct wire_complaint why = { 0 };

                b.len = 0;
                (void)buf_add(&b, STR("{\"model\":\"a\",\"messages\":["));
                for (uint32_t i = 0; i < before; i++)
                    (void)buf_printf(&b, "{\"role\":\"assistant\",\"content\":\"turn %u\"}, ", i);
                (void)buf_add(&b, STR("{\"role\":\"user\",\"content\":["));
                for (uint32_t i = 0; i < parts; i++)
                    (void)buf_add(&b, STR("{\"text\":\"-\"} , "));
                (void)buf_printf(&b, "{\"text\":\"%s\"}]} ],\"n\":1}", tells ? "so\\u0021" : "");
                if (!CHECK(wire_read_request(WIRE_OPENAI_CHAT, buf_str(&b), NULL, STR(""), false,
                                             &t->arena, &r, &why),
                           "%.*s", STR_ARG(why.message)))
                    continue;
                CHECK_STR(r.first_text, tells ? "so!" : "", "%u before, %u parts", before, parts);
                if (!tells && before > 0)
                    CHECK_STR(r.first_message, "{\"role\":\"assistant\",\"content\":\"turn 0\"}");
                else if (!tells)
                    CHECK(str_starts(r.first_message, STR("{\"role\":\"user\",")) &&
                          str_ends(r.first_message, STR("{\"text\":\"\"}]}")));
            }
    buf_clear(&b);
}

TEST(splice_changes_the_declared_spans_and_nothing_else)
{
    static const struct {
        const char *name;
        enum wire wire;
        const char *body, *model, *want;
    } cases[] = {
        { "same model, no stream", WIRE_OPENAI_CHAT,
          "{ \"model\" : \"a\", \"messages\":[{}], \"n\":1.0 }", "a",
          "{ \"model\" : \"a\", \"messages\":[{}], \"n\":1.0 }" },
        { "other model", WIRE_OPENAI_CHAT, "{ \"model\" : \"a\", \"messages\":[{}], \"n\":1.0 }",
          "b\"c", "{ \"model\" : \"b\\\"c\", \"messages\":[{}], \"n\":1.0 }" },
        { "usage is asked for", WIRE_OPENAI_CHAT,
          "{\"model\":\"a\",\"messages\":[{}],\"stream\":true}", "a",
          "{\"model\":\"a\",\"messages\":[{}],\"stream\":true,\"stream_options\":{\"include_"
          "usage\":true}}" },
        { "usage was asked for", WIRE_OPENAI_CHAT,
          "{\"model\":\"a\",\"messages\":[{}],\"stream\":true,\"stream_options\":{\"include_"
          "usage\": true}}",
          "a",
          "{\"model\":\"a\",\"messages\":[{}],\"stream\":true,\"stream_options\":{\"include_"
          "usage\": true}}" },
        { "usage was refused, and both change", WIRE_OPENAI_CHAT,
          "{\"stream_options\":{\"include_usage\":false},\"stream\":true,\"messages\":[{}],"
          "\"model\":\"a\"}",
          "b",
          "{\"stream_options\":{\"include_usage\":true},\"stream\":true,\"messages\":[{}],"
          "\"model\":\"b\"}" },
        { "other options stay", WIRE_OPENAI_CHAT,
          "{\"model\":\"a\",\"messages\":[{}],\"stream\":true,\"stream_options\":{\"x\":1}}", "a",
          "{\"model\":\"a\",\"messages\":[{}],\"stream\":true,\"stream_options\":{\"include_"
          "usage\":true,\"x\":1}}" },
        { "options are empty", WIRE_OPENAI_CHAT,
          "{\"model\":\"a\",\"messages\":[{}],\"stream\":true,\"stream_options\":{}}", "a",
          "{\"model\":\"a\",\"messages\":[{}],\"stream\":true,\"stream_options\":{\"include_"
          "usage\":true}}" },
        { "options are null", WIRE_OPENAI_CHAT,
          "{\"model\":\"a\",\"messages\":[{}],\"stream\":true,\"stream_options\":null}", "a",
          "{\"model\":\"a\",\"messages\":[{}],\"stream\":true,\"stream_options\":{\"include_"
          "usage\":true}}" },
        { "anthropic has no options", WIRE_ANTHROPIC,
          "{\"model\":\"a\",\"messages\":[{}],\"stream\":true}\n", "b",
          "{\"model\":\"b\",\"messages\":[{}],\"stream\":true}\n" },
        { "gemini's model is in the path", WIRE_GEMINI, "{\"contents\":[{}],\"model\":\"x\"}", "b",
          "{\"contents\":[{}],\"model\":\"x\"}" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct wire_request r;
        struct wire_complaint why = { 0 };
        struct str parts[WIRE_SPLICE_PARTS];
        struct buf got;
        size_t total, count;

        if (!CHECK(read_it(t, cases[i].wire, cases[i].body, &r, &why), "%s: %.*s", cases[i].name,
                   STR_ARG(why.message)))
            continue;
        count = wire_splice_request(&r, &(struct wire_splice){ .model = str_c(cases[i].model) },
                                    &t->arena, parts, &total);
        buf_init(&got, 4096);
        for (size_t p = 0; p < count; p++)
            (void)buf_add(&got, parts[p]);
        CHECK_STR(buf_str(&got), cases[i].want, "%s", cases[i].name);
        CHECK_INT(total, got.len, "%s", cases[i].name);
        buf_clear(&got);
    }
}

TEST(members_that_were_refused_are_left_out_or_renamed)
{
    static const struct wire_change changes[] = {
        { { "temperature", 11 }, { "", 0 } },
        { { "top_p", 5 }, { "", 0 } },
        { { "max_tokens", 10 }, { "max_completion_tokens", 21 } },
    };
    static const struct {
        const char *name, *body, *want;
    } cases[] = {
        { "none is there", "{\"model\":\"a\",\"messages\":[{}]}",
          "{\"model\":\"b\",\"messages\":[{}]}" },
        { "the first", "{\"temperature\":1, \"model\":\"a\",\"messages\":[{}]}",
          "{\"model\":\"b\",\"messages\":[{}]}" },
        { "in the middle", "{\"model\":\"a\" , \"temperature\" : 1e0 , \"messages\":[{}]}",
          "{\"model\":\"b\" , \"messages\":[{}]}" },
        { "the last", "{\"model\":\"a\",\"messages\":[{}], \"top_p\":0.5 }",
          "{\"model\":\"b\",\"messages\":[{}] }" },
        { "two in a row at the end",
          "{\"model\":\"a\",\"messages\":[{}],\"top_p\":0.5,\"temperature\":2}",
          "{\"model\":\"b\",\"messages\":[{}]}" },
        { "two apart", "{\"top_p\":0.5,\"model\":\"a\",\"temperature\":2,\"messages\":[{}]}",
          "{\"model\":\"b\",\"messages\":[{}]}" },
        { "another name", "{\"model\":\"a\",\"max_tokens\":5,\"messages\":[{}]}",
          "{\"model\":\"b\",\"max_completion_tokens\":5,\"messages\":[{}]}" },
        { "another name that is there already",
          "{\"model\":\"a\",\"max_completion_tokens\":6,\"messages\":[{}],\"max_tokens\":5}",
          "{\"model\":\"b\",\"max_completion_tokens\":6,\"messages\":[{}]}" },
        { "inside of something else it is not meant",
          "{\"model\":\"a\",\"messages\":[{\"temperature\":1}]}",
          "{\"model\":\"b\",\"messages\":[{\"temperature\":1}]}" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct wire_request r;
        struct wire_complaint why = { 0 };
        struct str parts[WIRE_SPLICE_PARTS];
        struct buf got;
        size_t total;

        if (!CHECK(read_it(t, WIRE_OPENAI_CHAT, cases[i].body, &r, &why), "%s", cases[i].name))
            continue;
        size_t count = wire_splice_request(&r,
                                           &(struct wire_splice){ .model = STR("b"),
                                                                  .changes = changes,
                                                                  .change_count = COUNT(changes) },
                                           &t->arena, parts, &total);

        buf_init(&got, 4096);
        for (size_t p = 0; p < count; p++)
            (void)buf_add(&got, parts[p]);
        CHECK_STR(buf_str(&got), cases[i].want, "%s", cases[i].name);
        CHECK_INT(total, got.len, "%s", cases[i].name);
        buf_clear(&got);
    }
}

TEST(request_lone_surrogates_are_mended_in_place)
{
    struct wire_request r;
    struct wire_complaint why;
    char body[] = "{\"model\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":\"abc\\ud800\"}]}";

    CHECK(wire_read_request(WIRE_OPENAI_CHAT, str_c(body), body, STR(""), false, &t->arena, &r,
                            &why));
    CHECK_STR(str_c(body),
              "{\"model\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":\"abc\\ufffd\"}]}");
}
