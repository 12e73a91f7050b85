#include "wire/names.h"

#include "test.h"

static struct name_map make(struct test *t, enum wire wire, const char *const *names, size_t count)
{
    struct canon_request r = { .protocol = WIRE_GEMINI };
    struct name_map m;

    for (size_t i = 0; i < count; i++) {
        struct str space, name;

        if (!str_cut(str_c(names[i]), '|', &space, &name)) {
            name = space;
            space = STR("");
        }
        canon_add_tool(&r, &t->arena, name, (uint32_t)i)->name_space = space;
    }
    names_make(&m, &r, wire, &t->arena);
    return m;
}

#define LONG "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"

TEST(names_take_the_spelling_of_the_wire_and_come_back)
{
    static const struct {
        const char *name;
        enum wire wire;
        const char *space, *tool, *want; /* NULL: made with a hash, so only checked for its form */
    } cases[] = {
        { "fits", WIRE_OPENAI_CHAT, "", "get_weather", "get_weather" },
        { "dots and slashes", WIRE_OPENAI_CHAT, "", "my.tool/x", "my_tool_x" },
        { "dots are Gemini's", WIRE_GEMINI, "", "my.tool:x", "my.tool:x" },
        { "a digit first", WIRE_GEMINI, "", "2fast", "_2fast" },
        { "a digit first elsewhere", WIRE_OPENAI_CHAT, "", "2fast", "2fast" },
        { "a slash first", WIRE_GEMINI, "", "/x", "_x" },
        { "other letters", WIRE_ANTHROPIC, "", "wetter\xc3\xa4", "wetter__" },
        { "too long", WIRE_OPENAI_CHAT, "", LONG LONG, NULL },
        { "long is fine", WIRE_ANTHROPIC, "", LONG LONG, LONG LONG },
        { "namespace", WIRE_ANTHROPIC, "files", "read", "files__read" },
        { "namespace that ends so", WIRE_ANTHROPIC, "mcp__files__", "read", "mcp__files__read" },
        { "namespace stays apart", WIRE_OPENAI_RESPONSES, "files", "read", "read" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *one = arena_printf(&t->arena, "%s|%s", cases[i].space, cases[i].tool).at;
        struct name_map m = make(t, cases[i].wire, &one, 1);
        struct str wire = names_to_wire(&m, str_c(cases[i].space), str_c(cases[i].tool)), space;

        if (cases[i].want != NULL)
            CHECK_STR(wire, cases[i].want, "%s", cases[i].name);
        else
            CHECK(wire.len == 64 && str_starts(wire, STR("abcdefg")), "%s", cases[i].name);
        CHECK_STR(names_to_client(&m, wire, &space), cases[i].tool, "%s", cases[i].name);
        CHECK_STR(space, cases[i].space, "%s", cases[i].name);
    }
}

TEST(names_that_become_equal_are_told_apart)
{
    static const char *const names[] = { "a_b", "a.b", "a/b", "a:b", "x|a_b", "x|a.b" };

    for (enum wire wire = 0; wire < WIRES; wire++) {
        struct name_map m = make(t, wire, names, COUNT(names));

        for (size_t i = 0; i < COUNT(names); i++) {
            struct str space, name, back, back_space;

            if (!str_cut(str_c(names[i]), '|', &space, &name)) {
                name = space;
                space = STR("");
            }
            struct str wire_name = names_to_wire(&m, space, name);

            if (strcmp(names[i], "a_b") == 0)
                CHECK_STR(wire_name, "a_b", "wire %d: what fits keeps its name", wire);
            back = names_to_client(&m, wire_name, &back_space);
            if (wire == WIRE_OPENAI_RESPONSES && str_eq(name, STR("a_b")))
                continue; /* told apart by the namespace that stands beside it */
            CHECK_STRS(back, name, "wire %d: %s as %.*s", wire, names[i], STR_ARG(wire_name));
            if (wire != WIRE_OPENAI_RESPONSES)
                CHECK_STRS(back_space, space, "wire %d: %s", wire, names[i]);
        }
    }
}

TEST(names_do_not_depend_on_the_order_of_tools)
{
    static const char *const one[] = { "a.b", "a_b", "a/b", "c" };
    static const char *const two[] = { "c", "a/b", "a_b", "a.b", "a.b" };
    struct name_map m = make(t, WIRE_OPENAI_CHAT, one, COUNT(one));
    struct name_map n = make(t, WIRE_OPENAI_CHAT, two, COUNT(two));

    for (size_t i = 0; i < COUNT(one); i++)
        CHECK_STRS(names_to_wire(&m, STR(""), str_c(one[i])),
                   names_to_wire(&n, STR(""), str_c(one[i])), "%s", one[i]);
}

TEST(names_of_the_history_and_of_choices_count)
{
    struct canon_request r = { .protocol = WIRE_OPENAI_RESPONSES };
    struct message *m = canon_add_message(&r, &t->arena, ROLE_ASSISTANT, 0);
    struct str chosen[] = { STR("web.find"), STR("read") };
    struct name_map map;

    message_add(m, &t->arena, PART_TOOL_CALL, 0)->call.name = STR("old.tool");
    canon_add_tool(&r, &t->arena, STR("read"), 0)->name_space = STR("files");
    r.choice.names = chosen;
    r.choice.name_count = 2;
    names_make(&map, &r, WIRE_ANTHROPIC, &t->arena);
    CHECK_STR(names_to_wire(&map, STR(""), STR("old.tool")), "old_tool");
    CHECK_STR(names_to_wire(&map, STR(""), STR("web.find")), "web_find");
    /* a choice says no namespace: the tool of that name is meant */
    CHECK_STR(names_to_wire(&map, STR(""), STR("read")), "files__read");
    CHECK_STR(names_to_wire(&map, STR(""), STR("never seen")), "never seen");
    CHECK_STR(names_to_client(&map, STR("unknown"), NULL), "unknown");
}

TEST(any_names_are_told_apart_and_fit)
{
    static const char letters[] = "ab_.-/:1 \xc3\xa4";
    const char *names[40];

    for (int round = 0; round < 300 && t->failures == 0; round++) {
        enum wire wire = (enum wire)test_below(t, WIRES);
        size_t count = test_below(t, COUNT(names)) + 1;

        for (size_t i = 0; i < count; i++) {
            size_t len = test_below(t, 4) + (test_below(t, 8) == 0 ? 140 : 1);
            char *name = arena_alloc(&t->arena, len + 1);

            for (size_t c = 0; c < len; c++)
                name[c] = letters[test_below(t, sizeof letters - 1)];
            names[i] = name;
        }
        struct name_map m = make(t, wire, names, count);

        for (size_t i = 0; i < count; i++) {
            struct str w = names_to_wire(&m, STR(""), str_c(names[i]));

            CHECK(w.len > 0 && w.len <= (wire == WIRE_ANTHROPIC ? 128 : 64), "%s", names[i]);
            for (size_t c = 0; c < w.len; c++)
                CHECK(memchr("ab_-1", w.at[c], 5) != NULL || (w.at[c] >= '0' && w.at[c] <= '9') ||
                          (w.at[c] >= 'a' && w.at[c] <= 'f') ||
                          (wire >= WIRE_GEMINI && strchr(".:", w.at[c]) != NULL),
                      "%s as %.*s", names[i], STR_ARG(w));
            CHECK_STR(names_to_client(&m, w, NULL), names[i], "wire %d", wire);
        }
        arena_free(&t->arena);
    }
}

TEST(a_request_with_very_many_tools_takes_no_longer_for_each)
{
    enum { MANY = 100000 };
    const char **names = arena_array(&t->arena, const char *, MANY);

    for (int i = 0; i < MANY; i++)
        names[i] = arena_printf(&t->arena, "tool.%d", i).at;
    struct name_map m = make(t, WIRE_OPENAI_CHAT, names, MANY);

    CHECK_INT(m.count, MANY);
    CHECK_STR(names_to_wire(&m, STR(""), STR("tool.99999")), "tool_99999");
    CHECK_STR(names_to_client(&m, STR("tool_77777"), NULL), "tool.77777");
}

TEST(ids_take_the_form_of_the_wire)
{
    static const struct {
        const char *name, *id;
        enum wire wire;
        uint32_t exact;
        bool kept;
    } cases[] = {
        { "OpenAI's", "call_abc123", WIRE_ANTHROPIC, 0, true },
        { "Anthropic's", "toolu_01A09q90qw90lq917835lq9", WIRE_OPENAI_CHAT, 0, true },
        { "40", "call_0123456789012345678901234567890123ab", WIRE_OPENAI_CHAT, 0, false },
        { "dots", "a.b", WIRE_ANTHROPIC, 0, false },
        { "dots elsewhere", "a.b", WIRE_GEMINI, 0, true },
        { "a blank", "a b", WIRE_OPENAI_CHAT, 0, false },
        { "beyond ASCII", "\xc3\xa4", WIRE_OPENAI_RESPONSES, 0, false },
        { "nine", "abcDEF123", WIRE_OPENAI_CHAT, 9, true },
        { "not nine", "call_1", WIRE_OPENAI_CHAT, 9, false },
        { "forty", "call_1", WIRE_OPENAI_CHAT, 40, false },
    };
    CHECK_STR(call_id_for(WIRE_ANTHROPIC, STR(""), 0, &t->arena), "");
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str got = call_id_for(cases[i].wire, str_c(cases[i].id), cases[i].exact, &t->arena);
        struct str again = call_id_for(cases[i].wire, got, cases[i].exact, &t->arena);

        CHECK(str_eq(got, str_c(cases[i].id)) == cases[i].kept, "%s: %.*s", cases[i].name,
              STR_ARG(got));
        CHECK_STRS(again, got, "%s", cases[i].name);
        if (!cases[i].kept)
            CHECK_INT(got.len, cases[i].exact > 0 ? cases[i].exact : 27, "%s", cases[i].name);
        for (size_t c = 0; cases[i].exact > 0 && c < got.len; c++)
            CHECK(got.at[c] != '_', "%s: %.*s", cases[i].name, STR_ARG(got));
    }
    CHECK(
        !str_eq(call_id_made(STR("f"), 1, 0, &t->arena), call_id_made(STR("f"), 1, 1, &t->arena)));
}
