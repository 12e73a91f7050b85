#include "wire/members.h"

#include "test.h"

static const struct member_rule rules[] = {
    { STR("name"), MEMBER_STRING },
    { STR("size"), MEMBER_NUMBER },
    { STR("list"), MEMBER_STRING | MEMBER_ARRAY },
};

TEST(members_are_found_once_of_their_type_and_the_others_are_named)
{
    static const struct {
        const char *name, *json, *fault, *param, *unread;
    } cases[] = {
        { "all there", "{\"name\":\"a\",\"size\":1,\"list\":[]}", NULL, "", "" },
        { "null is absent", "{\"name\":null,\"list\":\"x\",\"other\":null}", NULL, "", "" },
        { "an escaped name is the name", "{\"n\\u0061me\":1}", "must be a string",
          "rows[3].cell.name", "" },
        { "twice", "{\"size\":null,\"size\":1}", "stands in the request more than once",
          "rows[3].cell.size", "" },
        { "two types", "{\"list\":{}}", "must be a string or an array", "rows[3].cell.list", "" },
        { "not known", "{\"extra\":{\"a\":1},\"b\\nc\":1}", NULL, "",
          "rows[3].cell.extra,rows[3].cell.?" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct place rows = { .name = "rows" }, row = { &rows, NULL, 3 },
                     cell = { &row, "cell", 0 };
        struct canon_request r = { .stream = false };
        struct wire_complaint why = { .too_large = false };
        uint32_t nodes[COUNT(rules)];
        struct json doc;
        struct buf unread;

        if (!CHECK(json_parse(&doc, str_c(cases[i].json), NULL, &t->arena, NULL)))
            return;
        struct reading rd = { &doc, &r, &t->arena, &why };

        CHECK(members_read(&rd, 0, &cell, rules, COUNT(rules), nodes) == (cases[i].fault == NULL),
              "%s", cases[i].name);
        CHECK_STR(why.message, cases[i].fault == NULL ? "" : cases[i].fault, "%s", cases[i].name);
        CHECK_STR(why.param, cases[i].param, "%s", cases[i].name);
        buf_init(&unread, 1000);
        losses_put(&r.unread, NULL, &unread, 1000);
        CHECK_STR(buf_str(&unread), cases[i].unread, "%s", cases[i].name);
        buf_clear(&unread);
    }
}

TEST(members_that_nobody_knows_cost_nothing_once_the_list_is_full)
{
    struct canon_request r = { .stream = false };
    struct wire_complaint why;
    struct json doc;
    struct buf text;
    uint32_t nodes[COUNT(rules)];

    buf_init(&text, 1 << 20);
    for (int i = 0; i < LOSSES_MAX + 10; i++)
        (void)buf_printf(&text, "%s\"x%d\":1", i == 0 ? "{" : ",", i);
    (void)buf_add(&text, STR("}"));
    if (CHECK(json_parse(&doc, buf_str(&text), NULL, &t->arena, NULL))) {
        struct reading rd = { &doc, &r, &t->arena, &why };

        CHECK(members_read(&rd, 0, NULL, rules, COUNT(rules), nodes));
        CHECK_INT(r.unread.count, LOSSES_MAX + 10);
    }
    buf_clear(&text);
}

TEST(members_whole_numbers_have_bounds)
{
    static const struct {
        const char *json, *fault;
        int64_t want;
    } cases[] = {
        { "{\"size\":0}", "", 0 },
        { "{\"size\":9}", "", 9 },
        { "{\"size\":1e1}", "must be from 0 to 9", -5 },
        { "{\"size\":-1}", "must be from 0 to 9", -5 },
        { "{\"size\":1.5}", "must be a whole number", -5 },
        { "{}", "", -5 },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct canon_request r = { .stream = false };
        struct wire_complaint why = { .too_large = false };
        uint32_t nodes[COUNT(rules)];
        struct json doc;
        int64_t n = -5;

        if (!CHECK(json_parse(&doc, str_c(cases[i].json), NULL, &t->arena, NULL)))
            return;
        struct reading rd = { &doc, &r, &t->arena, &why };

        CHECK(members_read(&rd, 0, NULL, rules, COUNT(rules), nodes));
        CHECK(member_integer(&rd, nodes[1], NULL, "size", 0, 9, &n) == (cases[i].fault[0] == 0));
        CHECK_STR(why.message, cases[i].fault, "%s", cases[i].json);
        CHECK_INT(n, cases[i].want, "%s", cases[i].json);
    }
}
