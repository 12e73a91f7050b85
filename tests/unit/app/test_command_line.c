/* The words of a command: what a row allows, what is complained about. */
#include "app/command_line.h"

#include "test.h"

static const char *colour(size_t i)
{
    static const char *const all[] = { "red", "green" };

    return i < COUNT(all) ? all[i] : NULL;
}

static int nothing(const struct command_line *line)
{
    (void)line;
    return EXIT_DONE;
}

static const struct command_option options[] = {
    { "--size", "N", "how large", IS_NUMBER(1, 100), .required = true, .letter = 's' },
    { "--colour", "C", "which one", IS_CHOICE(colour) },
    { "--wait", "S", "how long", IS_SECONDS(0, 60) },
    { "--tag", "T", "a word", .repeats = true },
    { "--file", "F", "where", IS(FILE) },
    { "--fast", NULL, "at once", .letter = 'f' },
    { NULL },
};
static const struct command_operand operands[] = {
    { "FIRST", "one" },
    { "OTHERS", "more", .optional = true, .repeats = true },
    { NULL },
};
static const struct command row = {
    .path = "make", .options = options, .operands = operands, .takes = TAKES_JSON, .run = nothing
};

#define WORDS_MAX 12

static bool read_words(struct command_line *line, const char *const *words, struct buf *wrong)
{
    int count = 0;

    while (words[count] != NULL)
        count++;
    return line_read(line, &row, count, (char **)(uintptr_t)words, wrong);
}

TEST(what_is_wrong_is_named)
{
    static const struct {
        const char *words[WORDS_MAX], *want;
    } cases[] = {
        { { "a" }, "--size N is missing" },
        { { "--size", "3" }, "FIRST is missing" },
        { { "a", "--size" }, "a value is missing behind `--size`" },
        { { "a", "--size", "0" }, "--size wants a number from 1 to 100, not `0`" },
        { { "a", "--size", "101" }, "--size wants a number from 1 to 100, not `101`" },
        { { "a", "--size", "1x" }, "--size wants a number from 1 to 100, not `1x`" },
        { { "a", "--size", "" }, "--size wants a number from 1 to 100, not ``" },
        { { "a", "-s1", "1" }, "there is no option `-s1`" },
        { { "a", "--siz", "1" }, "there is no option `--siz`" },
        { { "a", "--size", "1", "--size", "2" }, "given twice: `--size`" },
        { { "a", "--size=1", "--colour", "blue" }, "--colour wants one of red, green, not `blue`" },
        { { "a", "--size=1", "--colour=" }, "--colour wants one of red, green, not ``" },
        { { "a", "--size=1", "--wait=-1" }, "--wait wants whole seconds from 0 to 60, not `-1`" },
        { { "a", "--size=1", "--fast=yes" }, "no value is taken by `--fast`" },
        { { "a", "--size=1", "--file=" }, "--file wants a value, not ``" },
        { { "a", "--size=1", "--data-dir", "/x" }, "there is no option `--data-dir`" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct command_line line;
        struct buf wrong = { .max = 1024 };

        CHECK(!read_words(&line, cases[i].words, &wrong), "case %zu", i);
        CHECK_STR(buf_str(&wrong), cases[i].want, "case %zu", i);
        buf_clear(&wrong);
    }
}

TEST(values_are_found_by_their_option)
{
    static const char *const words[] = { "-s",    "7",  "one", "--tag=x", "--json", "-f",
                                         "--tag", "--", "--",  "--two",   "-",      NULL };
    struct command_line line;
    struct buf wrong = { .max = 1024 };

    CHECK(read_words(&line, words, &wrong), "%.*s", (int)wrong.len, buf_str(&wrong).at);
    CHECK_INT(line_number(&line, "--size", 0), 7);
    CHECK_INT(line_number(&line, "--wait", 5), 5);
    CHECK_STR(str_c(line_text_at(&line, "--tag", 0)), "x");
    CHECK_STR(str_c(line_text_at(&line, "--tag", 1)), "--", "a value may look like an option");
    CHECK(line_text_at(&line, "--tag", 2) == NULL);
    CHECK(line_flag(&line, "--fast") && line_json(&line) && !line_flag(&line, "--help"));
    CHECK_STR(str_c(line_text(&line, "--colour", "grey")), "grey");
    CHECK_STR(str_c(line_operand(&line, 0)), "one");
    CHECK_STR(str_c(line_operand(&line, 1)), "--two", "behind `--` all are operands");
    CHECK_STR(str_c(line_operand(&line, 2)), "-");
    CHECK(line_operand(&line, 3) == NULL);
    buf_clear(&wrong);
}

TEST(help_is_given_whatever_else_is_missing)
{
    static const char *const words[] = { "-h", "--nothing-like-that", NULL };
    struct command_line line;
    struct buf wrong = { .max = 1024 };

    CHECK(read_words(&line, words, &wrong));
    CHECK(line_flag(&line, "--help"));
    buf_clear(&wrong);
}

TEST(more_words_than_there_is_room_for_are_refused)
{
    static const char *words[2 * LINE_GIVEN_MAX + 4] = { "a", "--size=1" };
    struct command_line line;
    struct buf wrong = { .max = 1024 };

    for (size_t i = 2; i < LINE_GIVEN_MAX + 1; i++)
        words[i] = "--tag=x";
    CHECK(read_words(&line, words, &wrong), "as many as there is room for");
    words[LINE_GIVEN_MAX + 1] = "--tag=y";
    CHECK(!read_words(&line, words, &wrong), "one more");
    CHECK_STR(buf_str(&wrong), "too many options: no room for `--tag=y`");
    buf_clear(&wrong);
}

TEST(the_table_is_whole)
{
    const struct command *c, *other;

    for (size_t i = 0; (c = command_at(i)) != NULL; i++) {
        const struct command_option *o, *twin;

        CHECK(c->brief != NULL && c->about != NULL, "%s", c->path);
        CHECK(c->brief[strlen(c->brief) - 1] != '.', "%s: a brief is no sentence", c->path);
        CHECK(c->about[strlen(c->about) - 1] == '.', "%s: sentences end", c->path);
        for (size_t k = 0; k < i; k++) {
            other = command_at(k);
            CHECK(strcmp(other->path, c->path) != 0, "%s twice", c->path);
        }
        for (size_t k = 0; (o = command_option_at(c, k)) != NULL; k++) {
            CHECK(str_starts(str_c(o->name), STR("--")), "%s %s", c->path, o->name);
            CHECK(o->value != NULL || o->rule.kind == VALUE_TEXT, "%s %s", c->path, o->name);
            CHECK(o->rule.kind != VALUE_CHOICE || o->rule.choice(0) != NULL, "%s", o->name);
            for (size_t m = 0; m < k; m++) {
                twin = command_option_at(c, m);
                CHECK(strcmp(twin->name, o->name) != 0, "%s: %s twice", c->path, o->name);
                CHECK(o->letter == '\0' || o->letter != twin->letter, "%s %s", c->path, o->name);
            }
        }
        for (const struct command_operand *p = c->operands; p != NULL && p->name != NULL; p++)
            CHECK(!p->repeats || p[1].name == NULL, "%s: only the last may repeat", c->path);
    }
}

TEST(a_command_is_found_by_its_longest_path)
{
    static char bindings[] = "bindings", list[] = "list", what[] = "what";
    char *words[] = { bindings, list, what };
    size_t used = 0;

    CHECK_STR(str_c(command_find(words, 3, &used)->path), "bindings list");
    CHECK_INT(used, 2);
    CHECK_STR(str_c(command_find(words, 1, &used)->path), "bindings");
    words[1] = what;
    CHECK_STR(str_c(command_find(words, 2, &used)->path), "bindings");
    CHECK_INT(used, 1);
    CHECK(command_find(words + 2, 1, &used) == NULL);
}
