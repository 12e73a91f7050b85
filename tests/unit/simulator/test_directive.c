/* The grammar of the words that steer an answer. */
#include "simulator/directive.h"

#include "test.h"

static enum status read_words(struct test *t, const char *words, struct directives *d,
                              struct error *e)
{
    directives_init(d);
    return directives_read(d, str_c(words), &t->arena, e);
}

TEST(words_without_a_word_for_them_are_unset)
{
    struct directives d;
    struct error e;

    CHECK(read_words(t, "  ", &d, &e) == OK);
    CHECK(d.text.at == NULL);
    CHECK_INT(d.words, DIRECTIVE_UNSET);
    CHECK_INT(d.status, DIRECTIVE_UNSET);
    CHECK_INT(d.stall, DIRECTIVE_UNSET);
    CHECK_INT(d.image, 0);
    CHECK_INT(d.length_off, 0);
    CHECK_INT(d.usage, DIRECTIVE_UNSET);
    CHECK_INT(d.tool_count, 0);
}

TEST(values_are_bare_quoted_or_json)
{
    struct directives d;
    struct error e = { .text = "" };

    CHECK(
        read_words(t,
                   "text=\"a b \\u0041]]\" tool=f args={\"x\":\"}]]\",\"y\":[1]} tool args=\"{no\" "
                   "chunk=7 image usage=off think=12 delay=250 gap=2s retry-after=1.5s "
                   "reset-in=3 stall=head length-off=-5 error=quota garbage error-event=content "
                   "header=\"X-A: b c\"",
                   &d, &e) == OK,
        "%s", e.text);
    CHECK_STR(d.text, "a b A]]");
    CHECK_INT(d.tool_count, 2);
    CHECK_STR(d.tools[0].name, "f");
    CHECK_STR(d.tools[0].args, "{\"x\":\"}]]\",\"y\":[1]}");
    CHECK_STR(d.tools[1].name, "");
    CHECK_STR(d.tools[1].args, "{no");
    CHECK_INT(d.chunk, 7);
    CHECK_INT(d.image, 1);
    CHECK_INT(d.usage, 0);
    CHECK_INT(d.think_words, 12);
    CHECK_INT(d.delay_ms, 250);
    CHECK_INT(d.gap_ms, 2000);
    CHECK_INT(d.retry_after_ms, 1500);
    CHECK_INT(d.reset_in_ms, 3000);
    CHECK_INT(d.stall, STALL_HEAD);
    CHECK_INT(d.length_off, -5);
    CHECK_INT(d.error, TROUBLE_QUOTA);
    CHECK_INT(d.garbage, GARBAGE_HTTP);
    CHECK_INT(d.error_event, ERROR_EVENT_CONTENT);
    CHECK_STR(d.headers[0], "X-A: b c");
}

TEST(the_last_of_two_equal_words_counts)
{
    struct directives d;
    struct error e;

    CHECK(read_words(t, "status=500 status=503 text=a text=b", &d, &e) == OK);
    CHECK_INT(d.status, 503);
    CHECK_STR(d.text, "b");
}

TEST(what_is_wrong_is_refused_with_a_sentence)
{
    static const struct {
        const char *words, *want;
    } cases[] = {
        { "colour=red", "there is no directive \"colour\"" },
        { "Text=a", "a directive was expected at \"Text=a\"" },
        { "status", "\"status\" wants a number from 300 to 599" },
        { "status=299", "\"status\" wants a number from 300 to 599" },
        { "status=600", "\"status\" wants a number from 300 to 599" },
        { "status=4x9", "\"status\" wants a number from 300 to 599" },
        { "image=1", "\"image\" takes no value" },
        { "usage=maybe", "\"usage\" wants on or off" },
        { "usage", "\"usage\" wants on or off" },
        { "error=nothing", NULL },
        { "error", NULL },
        { "args={}", "\"args\" must stand behind the \"tool\" that it belongs to" },
        { "tool=f args=[1]", "\"args\" wants a JSON object, or any text in quotes" },
        { "tool=f args={\"a\":}", "the value of \"args\" is not a valid JSON object" },
        { "text=\"open", "the value of \"text\" is not a valid JSON string" },
        { "text=\"a\"b", "a blank was expected behind \"text\"" },
        { "text", "\"text\" wants a value" },
        { "delay=soon", "\"delay\" wants a time from 0 to 3600000 ms" },
        { "delay=3600001", "\"delay\" wants a time from 0 to 3600000 ms" },
        { "stall=later", "\"stall\" wants head, content, or a number of events from 0 to 100000" },
        { "header=nope", "\"header\" wants \"name: value\" in quotes" },
        { "header=\"a b: c\"", "\"a b\" is no name of a header" },
        { "header=\"a: b\\r\\nc: d\"", "the header \"a\" holds a control byte" },
        { "length-off=9999999", "\"length-off\" wants a number from -1048576 to 1048576" },
        { "text=\xff", "the text is not valid UTF-8" },
        { "=", "a directive was expected at \"=\"" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct directives d;
        struct error e = { .text = "" };

        CHECK(read_words(t, cases[i].words, &d, &e) != OK, "%s", cases[i].words);
        if (cases[i].want != NULL)
            CHECK_STR(str_c(e.text), cases[i].want, "%s", cases[i].words);
        CHECK(strlen(e.text) > 0, "%s", cases[i].words);
    }
}

TEST(numbers_are_taken_at_their_limits_and_refused_beyond)
{
    static const struct {
        const char *word;
        int64_t max;
    } cases[] = {
        { "words", 100000 },  { "chunk", 1 << 20 }, { "events", 100000 }, { "big", 4096 },
        { "comments", 1000 }, { "cut", 64 << 20 },  { "status", 599 },    { "split", 1 << 20 },
        { "stall", 100000 },  { "times", 1000000 }, { "first", 3600000 },
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        for (int64_t n = cases[i].max - 1; n <= cases[i].max + 1; n++) {
            struct str words = arena_printf(&t->arena, "%s=%" PRId64, cases[i].word, n);
            struct directives d;
            struct error e;

            CHECK_INT(read_words(t, words.at, &d, &e) == OK, n <= cases[i].max, "%s", words.at);
        }
}

TEST(more_tools_or_headers_than_fit_are_refused)
{
    char words[512] = "";
    struct directives d;
    struct error e;

    for (size_t i = 0; i < DIRECTIVE_TOOLS_MAX; i++)
        memcpy(words + i * 5, "tool ", 6);
    CHECK(read_words(t, words, &d, &e) == OK);
    memcpy(words + DIRECTIVE_TOOLS_MAX * 5, "tool ", 6);
    CHECK_INT(read_words(t, words, &d, &e), E_LIMIT);
    for (size_t i = 0; i < DIRECTIVE_HEADERS_MAX; i++)
        memcpy(words + i * 12, "header=a:b  ", 13);
    CHECK(read_words(t, words, &d, &e) == OK);
    memcpy(words + DIRECTIVE_HEADERS_MAX * 12, "header=a:b  ", 13);
    CHECK_INT(read_words(t, words, &d, &e), E_LIMIT);
}

TEST(prompts_are_read_block_by_block_and_given_back_without_them)
{
    static const struct {
        const char *prompt, *rest;
        int64_t status;
    } cases[] = {
        { "Hello", "Hello", -1 },
        { "", "", -1 },
        { "[[sim: status=429]]", "", 429 },
        { " Tell me [[sim: status=429]] a joke ", "Tell me  a joke", 429 },
        { "[[sim:status=429]]a[[sim:status=500]]b", "ab", 500 },
        { "[[sim:]] nothing", "nothing", -1 },
        { "an [[array]] is left alone", "an [[array]] is left alone", -1 },
        { "[[sim: status=429\n  text=x ]]", "", 429 },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct directives d;
        struct error e = { .text = "" };
        struct str rest;

        directives_init(&d);
        CHECK(directives_read_prompt(&d, str_c(cases[i].prompt), &t->arena, &rest, &e) == OK,
              "%s: %s", cases[i].prompt, e.text);
        CHECK_STR(rest, cases[i].rest, "%s", cases[i].prompt);
        CHECK_INT(d.status, cases[i].status, "%s", cases[i].prompt);
    }
}

TEST(prompts_with_a_broken_block_are_refused)
{
    static const char *const prompts[] = { "[[sim: text=a",    "[[sim: text=a ]",
                                           "[[sim: what]]",    "[[sim: text=\"]]",
                                           "[[sim: times=2]]", "ok [[sim:]] [[sim: nope]]" };

    for (size_t i = 0; i < COUNT(prompts); i++) {
        struct directives d;
        struct error e = { .text = "" };
        struct str rest;

        directives_init(&d);
        CHECK(directives_read_prompt(&d, str_c(prompts[i]), &t->arena, &rest, &e) != OK, "%s",
              prompts[i]);
        CHECK(strlen(e.text) > 0, "%s", prompts[i]);
    }
}

TEST(random_bytes_never_break_the_reader)
{
    static const char alphabet[] = "[]sim: ={}\"\\aTx,1\n-";
    char text[64];

    for (int round = 0; round < 20000; round++) {
        size_t len = test_below(t, sizeof(text));
        struct directives d;
        struct error e;
        struct str rest;
        struct arena a = { 0 };

        for (size_t i = 0; i < len; i++)
            text[i] = alphabet[test_below(t, sizeof(alphabet) - 1)];
        directives_init(&d);
        (void)!directives_read_prompt(&d, (struct str){ text, len }, &a, &rest, &e);
        (void)!directives_read(&d, (struct str){ text, len }, &a, &e);
        arena_free(&a);
    }
}
