/* Editing the settings' text: layout stays, values change. */
#include "app/settings_int.h"
#include "rig.h"

static enum status edit(struct test *t, struct str text, const char *path, const char *raw,
                        struct str *out)
{
    struct buf b = { .max = 1 << 20 };
    struct settings_fault fault = { .line = 0 };
    enum status st = settings_edit(text, str_c(path), str_c(raw), &b, &fault);

    *out = arena_copy(&t->arena, st == OK ? buf_str(&b) : str_c(fault.text));
    buf_clear(&b);
    return st;
}

TEST(an_edit_keeps_the_files_own_layout)
{
    static const struct {
        const char *name, *text, *path, *raw, *want;
    } cases[] = {
        { "a value replaced", "{\"workers\": 1}", "workers", "2", "{\"workers\": 2}" },
        { "blanks around the value stay", "{ \"workers\" :\t1\n}\n", "workers", " 2 ",
          "{ \"workers\" :\t2\n}\n" },
        { "minified, added", "{\"workers\":1}", "require_keys", "true",
          "{\"workers\":1,\"require_keys\":true}" },
        { "minified, parents added", "{\"workers\":1}", "proxy.scheduling.mode", "\"CacheFirst\"",
          "{\"workers\":1,\"proxy\":{\"scheduling\":{\"mode\":\"CacheFirst\"}}}" },
        { "one line with blanks, added", "{\"workers\": 1}", "require_keys", "true",
          "{\"workers\": 1, \"require_keys\": true}" },
        { "blanks inside the braces", "{ \"workers\": 1 }", "require_keys", "true",
          "{ \"workers\": 1, \"require_keys\": true }" },
        { "two blanks, added", "{\n  \"workers\": 1\n}\n", "require_keys", "true",
          "{\n  \"workers\": 1,\n  \"require_keys\": true\n}\n" },
        { "two blanks, parents added", "{\n  \"workers\": 1\n}\n", "proxy.scheduling.mode",
          "\"CacheFirst\"",
          "{\n  \"workers\": 1,\n  \"proxy\": {\n    \"scheduling\": {\n      \"mode\": "
          "\"CacheFirst\"\n    }\n  }\n}\n" },
        { "four blanks, deep", "{\n    \"proxy\": {\n        \"scheduling\": {}\n    }\n}",
          "proxy.scheduling.max_wait_seconds", "3",
          "{\n    \"proxy\": {\n        \"scheduling\": {\n            \"max_wait_seconds\": 3\n"
          "        }\n    }\n}" },
        { "tabs", "{\n\t\"workers\": 1\n}", "quota.refresh_minutes", "5",
          "{\n\t\"workers\": 1,\n\t\"quota\": {\n\t\t\"refresh_minutes\": 5\n\t}\n}" },
        { "CRLF", "{\r\n  \"workers\": 1\r\n}\r\n", "usage.track", "false",
          "{\r\n  \"workers\": 1,\r\n  \"usage\": {\r\n    \"track\": false\r\n  }\r\n}\r\n" },
        { "empty", "{}", "workers", "1", "{\n  \"workers\": 1\n}" },
        { "empty with a line end", "{}\n", "proxy.scheduling.mode", "\"Balance\"",
          "{\n  \"proxy\": {\n    \"scheduling\": {\n      \"mode\": \"Balance\"\n    }\n  "
          "}\n}\n" },
        { "empty with blanks inside", "{ \n }\n", "workers", "1", "{\n  \"workers\": 1\n}\n" },
        { "unknown keys and odd numbers stay",
          "{\"x\":[1.50,-0,1E2],\"workers\":1,\"é\":\"\\u00e9\"}", "workers", "2",
          "{\"x\":[1.50,-0,1E2],\"workers\":2,\"é\":\"\\u00e9\"}" },
        { "an escaped name is the same name", "{\"w\\u006frkers\":1}", "workers", "2",
          "{\"w\\u006frkers\":2}" },
        { "a value of several lines replaced", "{\n  \"hosts\": [\n    \"a\"\n  ],\n  \"x\": 1\n}",
          "hosts", "[]", "{\n  \"hosts\": [],\n  \"x\": 1\n}" },
        { "into a mapping", "{\"proxy\":{\"custom_mapping\":{\"a\":\"b\"}}}",
          "proxy.custom_mapping.c", "\"d\"",
          "{\"proxy\":{\"custom_mapping\":{\"a\":\"b\",\"c\":\"d\"}}}" },
        { "a provider's member", "{\"workers\":1}", "providers.openai.timeouts.idle_ms", "9",
          "{\"workers\":1,\"providers\":{\"openai\":{\"timeouts\":{\"idle_ms\":9}}}}" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str once, twice;

        CHECK_INT(edit(t, str_c(cases[i].text), cases[i].path, cases[i].raw, &once), OK, "%s",
                  cases[i].name);
        CHECK_STR(once, cases[i].want, "%s", cases[i].name);
        CHECK_INT(edit(t, once, cases[i].path, cases[i].raw, &twice), OK, "%s", cases[i].name);
        CHECK_STRS(twice, once, "%s, again", cases[i].name);
    }
}

TEST(an_edit_that_cannot_be_is_refused_and_writes_nothing)
{
    static const struct {
        const char *text, *path, *raw;
        enum status want;
    } cases[] = {
        { "{}", "proxy.scheduling.mode", "\"Fast\"", E_SYNTAX },
        { "{}", "proxy.scheduling.mode", "Balance", E_SYNTAX },
        { "{}", "proxy.scheduling.mode", "", E_SYNTAX },
        { "{}", "workers", "1,\"require_keys\":true", E_SYNTAX },
        { "{}", "workers", "99", E_SYNTAX },
        { "{}", "nothing", "1", E_ABSENT },
        { "{}", "", "{}", E_ABSENT },
        { "{}", "proxy", "{}", E_ABSENT },
        { "{}", "proxy..mode", "1", E_ABSENT },
        { "{}", ".workers", "1", E_ABSENT },
        { "{}", "workers.", "1", E_ABSENT },
        { "{}", "workers.deeper", "1", E_ABSENT },
        { "{\"workers\":1,}", "workers", "1", E_SYNTAX },
        { "{\"workers\":1,\"workers\":2}", "workers", "1", E_SYNTAX },
        { "{\"proxy\":7}", "proxy.scheduling.mode", "\"Balance\"", E_SYNTAX },
        { "", "workers", "1", E_SYNTAX },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf b = { .max = 1000 };
        struct settings_fault fault = { .line = 0 };

        (void)buf_add(&b, STR("before"));
        CHECK_INT(settings_edit(str_c(cases[i].text), str_c(cases[i].path), str_c(cases[i].raw), &b,
                                &fault),
                  cases[i].want, "%s, %s", cases[i].text, cases[i].path);
        CHECK_STR(buf_str(&b), "before", "%s, %s", cases[i].text, cases[i].path);
        CHECK(fault.text[0] != '\0', "%s, %s", cases[i].text, cases[i].path);
        buf_clear(&b);
    }
}

TEST(an_edit_stops_at_the_buffers_end)
{
    static const char want[] = "{\"workers\":1,\"require_keys\":true}";

    for (size_t max = 0; max < sizeof(want); max++) {
        struct buf b = { .max = max };
        struct settings_fault fault;
        enum status st =
            settings_edit(STR("{\"workers\":1}"), STR("require_keys"), STR("true"), &b, &fault);

        CHECK_INT(st, max == sizeof(want) - 1 ? OK : E_LIMIT, "%zu", max);
        CHECK_INT(b.len, st == OK ? max : 0);
        buf_clear(&b);
    }
}

TEST(an_account_whose_variable_is_unset_does_not_stop_edits)
{
    struct str out;

    CHECK_INT(edit(t,
                   STR("{\"client_keys\":[{\"name\":\"a\",\"key_env\":\"UNSET\"}],\"accounts\":"
                       "[{\"label\":\"w\",\"provider\":\"openai\",\"api_key_env\":\"UNSET\"}]}"),
                   "workers", "2", &out),
              OK);
}

/* --- any layout */

struct writing {
    struct test *t;
    struct buf *out;
    const char *newline, *unit, *colon, *comma;
};

static void line(struct writing *w, int depth)
{
    (void)buf_add(w->out, str_c(w->newline));
    for (int i = 0; w->newline[0] != '\0' && i < depth; i++)
        (void)buf_add(w->out, str_c(w->unit));
}

/* Some of the keys below, each with a value of its kind, and keys nobody knows. */
static void write_object(struct writing *w, const char *group, int depth)
{
    static const struct {
        const char *group, *name, *values[2]; /* no values: a group */
    } members[] = {
        { "", "workers", { "3", "0" } },
        { "", "odd \\\"name", { "{\"a\": [1, 2.50]}", "\"}\"" } },
        { "", "proxy", { NULL, NULL } },
        { "", "quota", { NULL, NULL } },
        { "proxy", "scheduling", { NULL, NULL } },
        { "proxy", "custom_mapping", { "{ \"a*\" : \"b\" }", "{}" } },
        { "proxy", "unknown", { "null", "[]" } },
        { "scheduling", "mode", { "\"PerformanceFirst\"", "\"Balance\"" } },
        { "scheduling", "max_wait_seconds", { "12", "1.0e1" } },
        { "quota", "refresh_minutes", { "30", "7" } },
    };
    int count = 0;

    (void)buf_add_char(w->out, '{');
    for (size_t i = 0; i < COUNT(members); i++) {
        if (strcmp(members[i].group, group) != 0 || test_below(w->t, 3) == 0)
            continue;
        if (count++ > 0)
            (void)buf_add(w->out, str_c(w->comma));
        line(w, depth + 1);
        (void)buf_printf(w->out, "\"%s\"%s", members[i].name, w->colon);
        if (members[i].values[0] == NULL)
            write_object(w, members[i].name, depth + 1);
        else
            (void)buf_add(w->out, str_c(members[i].values[test_below(w->t, 2)]));
    }
    if (count > 0)
        line(w, depth);
    (void)buf_add_char(w->out, '}');
}

/* All names and values of the text but the one at `path`, in order. */
static void flatten(struct test *t, const struct json *doc, uint32_t object, struct str at,
                    struct str path, struct buf *out)
{
    for (uint32_t i = json_first(doc, object); i != JSON_NONE; i = json_after(doc, object, i)) {
        struct str name, here;

        (void)json_text(doc, i, &t->arena, &name);
        i = json_after(doc, object, i);
        here =
            at.len == 0 ? name : arena_printf(&t->arena, "%.*s.%.*s", STR_ARG(at), STR_ARG(name));
        if (str_eq(here, path))
            continue;
        bool leads = str_starts(path, here) && path.len > here.len && path.at[here.len] == '.';

        if (leads && json_type(doc, i) == JSON_OBJECT)
            flatten(t, doc, i, here, path, out);
        else
            (void)buf_printf(out, "%.*s=%.*s\n", STR_ARG(here), STR_ARG(json_raw(doc, i)));
    }
}

static struct str flat(struct test *t, struct str text, const char *path)
{
    struct buf out = { .max = 1 << 20 };
    struct json doc;
    struct str all = STR("broken");

    if (CHECK(json_parse(&doc, text, NULL, &t->arena, NULL))) {
        flatten(t, &doc, 0, STR(""), str_c(path), &out);
        all = arena_copy(&t->arena, buf_str(&out));
    }
    buf_clear(&out);
    return all;
}

static size_t line_ends(struct str s, const char *end)
{
    size_t n = 0, at;

    while ((at = str_find(s, str_c(end))) != SIZE_MAX) {
        n++;
        s = str_drop(s, at + strlen(end));
    }
    return n;
}

TEST(any_edit_of_any_layout_gives_the_value_and_leaves_the_rest)
{
    static const struct {
        const char *newline, *unit, *colon, *comma;
    } layouts[] = {
        { "", "", ":", "," },        { "", "", ": ", ", " },    { "\n", "  ", ": ", "," },
        { "\n", "    ", ": ", "," }, { "\n", "\t", ": ", "," }, { "\r\n", "  ", ": ", "," },
        { "\n", "   ", " : ", "," },
    };
    static const struct {
        const char *path, *raw;
    } edits[] = {
        { "workers", "5" },
        { "proxy.scheduling.mode", "\"CacheFirst\"" },
        { "proxy.scheduling.queue_wait_seconds", "9" },
        { "proxy.custom_mapping", "{\"x\":\"y\"}" },
        { "quota.refresh_minutes", "11" },
        { "dashboard.privacy", "true" },
        { "limits.body_bytes", "1000" },
    };

    for (int round = 0; round < 400; round++) {
        size_t l = test_below(t, COUNT(layouts));
        struct buf text = { .max = 1 << 20 };
        struct writing w = {
            t, &text, layouts[l].newline, layouts[l].unit, layouts[l].colon, layouts[l].comma
        };

        write_object(&w, "", 0);
        if (test_below(t, 2) == 0)
            (void)buf_add(&text, str_c(layouts[l].newline));
        for (size_t i = 0; i < COUNT(edits); i++) {
            struct str once, twice;
            struct settings *s = NULL;
            struct settings_fault fault;
            struct buf got = { .max = 4096 };

            if (!CHECK_INT(edit(t, buf_str(&text), edits[i].path, edits[i].raw, &once), OK, "%.*s",
                           STR_ARG(buf_str(&text))))
                continue;
            CHECK(settings_read(once, &rig_sources, &s, &fault));
            CHECK(settings_get(s, str_c(edits[i].path), &got));
            CHECK_STR(buf_str(&got), edits[i].raw, "%s", edits[i].path);
            CHECK_STRS(flat(t, once, edits[i].path), flat(t, buf_str(&text), edits[i].path), "%.*s",
                       STR_ARG(buf_str(&text)));
            CHECK_INT(edit(t, once, edits[i].path, edits[i].raw, &twice), OK);
            CHECK_STRS(twice, once, "again");
            if (line_ends(buf_str(&text), "\r\n") > 0)
                CHECK_INT(line_ends(once, "\r\n"), line_ends(once, "\n"));
            else if (layouts[l].newline[0] == '\0' && text.len > 2)
                CHECK_INT(line_ends(once, "\n"), 0, "%.*s", STR_ARG(once));
            settings_unref(s);
            buf_clear(&got);
        }
        buf_clear(&text);
    }
}
