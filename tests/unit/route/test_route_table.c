/* What a name comes to: mapping, flows, account routes, in the order of the rule. */
#include "route/table.h"
#include "test.h"

static const struct mapping_spec mapping[] = {
    { STR("gpt-*"), STR("claude-sonnet-4-5") },
    { STR("gpt-4o"), STR("route:fast") },
    { STR("fast-please"), STR("fast") },
    { STR("pic"), STR("gemini-3-pro-image-2k-4x3") },
    { STR("*"), STR("qwen") },
};
static const struct route_entry fast_entries[] = {
    { .provider = STR("gemini"), .model = STR("gemini-3-flash") },
    { .account = STR("work"),
      .model = STR("claude-haiku-4-5"),
      .when = { .tools = WANTS_WITHOUT } },
    { .flow = STR("slow"), .when = { .context_tokens_max = 100 } },
};
static const struct route_entry slow_entries[] = {
    { .model = STR("llama-4"), .when = { .images = WANTS_WITH } },
};
static const struct route_entry own_entries[] = { { .model = STR("x") } };
static const struct route_entry sonnet_entries[] = { { .account = STR("work") },
                                                     { .account = STR("home") } };
static const struct route_spec flows[] = {
    { .name = STR("fast"), .entries = fast_entries, .entry_count = COUNT(fast_entries) },
    { .name = STR("slow"), .entries = slow_entries, .entry_count = COUNT(slow_entries) },
    { .name = STR("claude-sonnet-4-5"), .entries = own_entries, .entry_count = COUNT(own_entries) },
};
static const struct route_spec accounts[] = {
    { .name = STR("claude-sonnet-4-5"), .entries = sonnet_entries, .entry_count = 2 },
    { .name = STR("claude-opus-4-6"), .smart_switch = true },
    { .name = STR("gemini-3-pro-image"), .entries = sonnet_entries, .entry_count = 1 },
};

static const struct route_table *table_of(struct test *t, const struct mapping_spec *rules,
                                          size_t count)
{
    const struct routing_spec spec = {
        rules, flows, accounts, count, COUNT(flows), COUNT(accounts)
    };
    struct route_fault fault = { .text = "" };
    const struct route_table *table = route_compile(&spec, &t->arena, &fault);

    CHECK(table != NULL, "%s", fault.text);
    return table;
}

TEST(a_name_goes_through_mapping_flow_and_account_route_in_this_order)
{
    static const struct {
        const char *name, *model, *route;
        enum pick_reason by;
    } cases[] = {
        { "gpt-5", "claude-sonnet-4-5", "claude-sonnet-4-5", PICK_ROUTE },
        { "gpt-4o", "route:fast", "fast", PICK_FLOW },
        { "fast-please", "fast", "fast", PICK_FLOW },
        { "claude-sonnet-4-5", "claude-sonnet-4-5", "claude-sonnet-4-5", PICK_ROUTE },
        { "claude-sonnet-4-5-20250929", "claude-sonnet-4-5-20250929", "claude-sonnet-4-5",
          PICK_ROUTE },
        { "route:claude-sonnet-4-5", "route:claude-sonnet-4-5", "claude-sonnet-4-5", PICK_FLOW },
        { "ROUTE:fast", "ROUTE:fast", "fast", PICK_FLOW },
        { "fast", "fast", "fast", PICK_FLOW },
        { "claude-opus-4.6", "claude-opus-4.6", "claude-opus-4-6", PICK_ROUTE },
        { "claude-opus-4-6-thinking", "claude-opus-4-6-thinking", NULL, PICK_NONE },
        { "claude-opus-4-5", "claude-opus-4-5", NULL, PICK_NONE },
        { "gemini-3-pro-image-4k", "gemini-3-pro-image-4k", "gemini-3-pro-image", PICK_ROUTE },
        { "llama", "llama", NULL, PICK_NONE },
    };
    const struct route_table *table = table_of(t, mapping, COUNT(mapping) - 1);

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct route_found f;

        route_find(table, str_c(cases[i].name), &f);
        CHECK_STR(f.model, cases[i].model, "%s", cases[i].name);
        CHECK((f.route != NULL) == (cases[i].route != NULL), "%s", cases[i].name);
        if (f.route == NULL || cases[i].route == NULL)
            continue;
        CHECK_STR(f.route->name, cases[i].route, "%s", cases[i].name);
        CHECK_INT(f.route->by, cases[i].by, "%s", cases[i].name);
    }
}

TEST(a_pattern_for_everything_takes_no_flow_that_is_asked_for_by_name)
{
    const struct route_table *table = table_of(t, mapping, COUNT(mapping));
    struct route_found f;

    route_find(table, STR("route:fast"), &f);
    CHECK(f.route != NULL && f.mapped == NULL);
    route_find(table, STR("route:nothing"), &f);
    CHECK(f.route == NULL && f.unknown_flow);
    route_find(table, STR("fast"), &f);
    CHECK_STR(f.model, "qwen", "the mapping comes first");
}

TEST(an_image_id_says_size_and_ratio_behind_the_mapping_too)
{
    const struct route_table *table = table_of(t, mapping, COUNT(mapping) - 1);
    struct route_found f;

    route_find(table, STR("pic"), &f);
    CHECK_STR(f.id, "gemini-3-pro-image");
    CHECK_STR(f.image.size, "2K");
    CHECK_STR(f.image.aspect, "4:3");
    route_find(table, STR("gemini-3-pro-image"), &f);
    CHECK_STR(f.image.size, "");
}

TEST(entries_that_name_a_flow_are_written_out_with_both_conditions)
{
    const struct route *fast = route_flow(table_of(t, mapping, 0), STR("fast"));
    struct route_facts f = { .tools = true, .context_tokens = 50 };

    CHECK_INT(fast->step_count, 3);
    CHECK(fast->conditional && fast->by_request && !fast->rotates);
    CHECK_STR(fast->steps[0].provider, "gemini");
    CHECK(!fast->steps[0].spends_reserve && fast->steps[1].spends_reserve);
    CHECK_STR(fast->steps[2].model, "llama-4");
    CHECK(route_when_holds(fast->steps[0].when, &f));
    CHECK(!route_when_holds(fast->steps[1].when, &f));
    CHECK(!route_when_holds(fast->steps[2].when, &f), "no images");
    f.images = true;
    CHECK(route_when_holds(fast->steps[2].when, &f));
    f.context_tokens = 101;
    CHECK(!route_when_holds(fast->steps[2].when, &f), "the condition of the entry that named it");
}

TEST(account_routes_ask_for_their_own_model)
{
    const struct route_table *table = table_of(t, mapping, 0);
    struct route_found f;

    route_find(table, STR("claude-sonnet-4-5"), &f);
    CHECK_INT(f.route->step_count, 2);
    CHECK_STR(f.route->steps[1].model, "claude-sonnet-4-5");
    CHECK(!f.route->steps[0].spends_reserve, "there is another entry");
    route_find(table, STR("gemini-3-pro-image"), &f);
    CHECK(f.route->steps[0].spends_reserve, "the only entry");
    route_find(table, STR("claude-opus-4-6"), &f);
    CHECK_INT(f.route->step_count, 1);
    CHECK(f.route->steps[0].by_age && f.route->steps[0].account.len == 0);
}

TEST(hours_may_go_over_midnight)
{
    const struct route_when day = { .from_minute = 480, .to_minute = 1020 },
                            night = { .from_minute = 1320, .to_minute = 360 };
    static const struct {
        int minute;
        bool day, night;
    } cases[] = { { 0, false, true },     { 359, false, true },  { 360, false, false },
                  { 480, true, false },   { 1019, true, false }, { 1020, false, false },
                  { 1319, false, false }, { 1320, false, true }, { 1439, false, true } };

    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct route_facts f = { .minute = cases[i].minute };

        CHECK_INT(route_when_holds(&day, &f), cases[i].day, "%d", cases[i].minute);
        CHECK_INT(route_when_holds(&night, &f), cases[i].night, "%d", cases[i].minute);
        /* the time alone, whatever else is asked of a request */
        const struct route_when asks = { .tools = WANTS_WITH, .further = &night };

        CHECK_INT(route_when_is_now(&asks, cases[i].minute), cases[i].night, "%d", cases[i].minute);
        CHECK(!route_when_holds(&asks, &f));
    }
}

/* --- what is refused ------------------------------------------------------------------------- */

static struct route_fault fault_of(struct test *t, const struct routing_spec *spec)
{
    struct route_fault fault = { .text = "" };

    CHECK(route_compile(spec, &t->arena, &fault) == NULL);
    return fault;
}

TEST(a_flow_that_leads_back_to_itself_is_refused_where_it_does)
{
    const struct route_entry to_b[] = { { .model = STR("x") }, { .flow = STR("b") } };
    const struct route_entry to_c[] = { { .flow = STR("c") } }, to_a[] = { { .flow = STR("a") } };
    const struct route_spec ring[] = { { .name = STR("a"), .entries = to_b, .entry_count = 2 },
                                       { .name = STR("b"), .entries = to_c, .entry_count = 1 },
                                       { .name = STR("c"), .entries = to_a, .entry_count = 1 } };
    struct route_fault f = fault_of(t, &(struct routing_spec){ .flows = ring, .flow_count = 3 });

    CHECK_INT(f.list, ROUTE_FAULT_FLOW);
    CHECK_INT(f.index, 0);
    CHECK_INT(f.entry, 1, "the entry of the flow that is made");
    CHECK_STR(str_c(f.member), "flow");
    CHECK_STR(str_c(f.text), "leads back to the flow itself: a");
}

TEST(a_flow_that_is_not_there_is_refused)
{
    const struct route_entry to_b[] = { { .flow = STR("b") } };
    const struct route_spec one[] = { { .name = STR("a"), .entries = to_b, .entry_count = 1 } };
    const struct mapping_spec to_flow[] = { { STR("x"), STR("y") }, { STR("z"), STR("route:b") } };
    struct route_fault f = fault_of(t, &(struct routing_spec){ .flows = one, .flow_count = 1 });

    CHECK_STR(str_c(f.text), "no such flow: b");
    f = fault_of(t, &(struct routing_spec){ .mapping = to_flow, .mapping_count = 2 });
    CHECK_INT(f.list, ROUTE_FAULT_MAPPING);
    CHECK_INT(f.index, 1);
    CHECK_STR(str_c(f.text), "no such flow: b");
}

TEST(a_name_that_stands_twice_is_refused)
{
    const struct route_entry e[] = { { .model = STR("x") } };
    const struct route_spec two[] = { { .name = STR("a"), .entries = e, .entry_count = 1 },
                                      { .name = STR("a"), .entries = e, .entry_count = 1 } };
    const struct mapping_spec rules[] = { { STR("a*"), STR("y") }, { STR("a*"), STR("z") } };
    struct route_fault f = fault_of(t, &(struct routing_spec){ .flows = two, .flow_count = 2 });

    CHECK_INT(f.index, 1);
    f = fault_of(t, &(struct routing_spec){ .mapping = rules, .mapping_count = 2 });
    CHECK_INT(f.index, 1);
    f = fault_of(t, &(struct routing_spec){ .accounts = two, .account_count = 2 });
    CHECK_INT(f.list, ROUTE_FAULT_ACCOUNT);
}

/* Each flow names the next one twice: so many entries nobody can walk. */
TEST(flows_that_grow_without_end_are_refused)
{
    enum { DEEP = 40 };
    struct route_spec list[DEEP];
    struct route_entry entries[DEEP][2] = { { { .model = STR("") } } };

    for (int with_model = 0; with_model < 2; with_model++) {
        for (int i = 0; i < DEEP; i++) {
            struct str next = arena_printf(&t->arena, "f%d", i + 1);

            for (int k = 0; k < 2; k++)
                entries[i][k] = i + 1 < DEEP ? (struct route_entry){ .flow = next }
                                             : (struct route_entry){ .model = STR("x") };
            list[i] = (struct route_spec){ .name = arena_printf(&t->arena, "f%d", i),
                                           .entries = entries[i],
                                           .entry_count = i + 1 < DEEP || with_model ? 2 : 0 };
        }
        struct route_fault f =
            fault_of(t, &(struct routing_spec){ .flows = list, .flow_count = DEEP });

        CHECK_INT(f.index, 0);
        CHECK(f.text[0] != '\0');
    }
}

TEST(as_many_entries_as_allowed_are_taken_and_one_more_is_refused)
{
    struct route_entry many[ROUTE_STEPS_MAX];
    const struct route_entry more[] = { { .flow = STR("many") }, { .model = STR("y") } };
    struct route_spec list[] = {
        { .name = STR("many"), .entries = many, .entry_count = ROUTE_STEPS_MAX - 1 },
        { .name = STR("more"), .entries = more, .entry_count = 2 }
    };
    struct route_fault fault;

    for (size_t i = 0; i < ROUTE_STEPS_MAX; i++)
        many[i] = (struct route_entry){ .model = STR("x") };
    CHECK(route_compile(&(struct routing_spec){ .flows = list, .flow_count = 2 }, &t->arena,
                        &fault) != NULL);
    list[0].entry_count++;
    fault = fault_of(t, &(struct routing_spec){ .flows = list, .flow_count = 2 });
    CHECK_INT(fault.index, 1);
    CHECK_INT(fault.entry, 1);
}
