/* tests/sim/test_model_lists.c - when lists of models are asked for, and what comes of the answers,
 * on a clock that is the test's. */
#include "upkeep_world.h"

#include "upkeep/model_lists.h"

static void put_account(struct world *w, int64_t id, const char *model)
{
    struct str models[] = { str_c(model) };
    struct account_spec spec = {
        .id = id,
        .label = arena_printf(&w->t->arena, "a%lld", (long long)id),
        .provider = STR("compatible"),
        .wire = STR("openai-chat"),
        .base_url = STR("http://provider.test:9000/v1"),
        .models = models,
        .model_count = model[0] != '\0',
    };

    world_put(w, &spec);
}

static void world_open(struct world *w, struct test *t, size_t accounts)
{
    int64_t ids[ACCOUNTS];

    world_begin(w, t, "{\"data\":[{\"id\":\"m\"}]}",
                &(struct pool_options){ .mode = MODE_BALANCE });
    w->lists = model_lists_new(
        &(struct model_lists_options){ .loop = w->loop, .client = w->client, .pool = w->pool });
    model_lists_every(w->lists, 10 * MINUTE_MS);
    for (size_t i = 0; i < accounts; i++) {
        ids[i] = (int64_t)i + 1;
        put_account(w, ids[i], "");
    }
    model_lists_accounts(w->lists, ids, accounts);
}

static void world_close(struct world *w)
{
    model_lists_free(w->lists);
    world_end(w);
}

/* How many accounts offer it. */
static uint32_t offering(struct world *w, const char *model)
{
    struct pick_ask ask = { .model = str_c(model), .wires = WIRE_BIT(WIRE_OPENAI_CHAT) };
    struct pick why;
    int64_t id;

    (void)pool_explain(w->pool, &ask, sim_now(), &id, &why);
    return why.offering;
}

/* How long until it is asked again; -1: not within `ms`. */
static int64_t until_asked(struct world *w, int64_t ms)
{
    int64_t began_ms = sim_now();
    unsigned asked = w->asked;

    for (int64_t i = 0; i < ms / 1000 && w->asked == asked; i++)
        sim_advance(1000);
    return w->asked == asked ? -1 : w->asked_ms - began_ms;
}

TEST(a_list_is_read_at_once_and_then_every_ten_minutes_or_so)
{
    struct world w;

    world_open(&w, t, 1);
    sim_run_until_idle();
    CHECK_INT(w.asked, 1);
    CHECK_INT(offering(&w, "m"), 1);
    CHECK_INT(offering(&w, "n"), 0);
    w.answer = "{\"data\":[{\"id\":\"n\"}]}";
    int64_t after_ms = until_asked(&w, 12 * MINUTE_MS);

    CHECK(after_ms >= 9 * MINUTE_MS && after_ms <= 11 * MINUTE_MS, "%lld", (long long)after_ms);
    sim_run_until_idle();
    CHECK_INT(offering(&w, "m"), 0);
    CHECK_INT(offering(&w, "n"), 1);
    model_lists_every(w.lists, MINUTE_MS);
    after_ms = until_asked(&w, 2 * MINUTE_MS);
    CHECK(after_ms >= 54000 && after_ms <= 66000, "%lld", (long long)after_ms);
    model_lists_every(w.lists, 0);
    CHECK_INT(until_asked(&w, 24 * 60 * MINUTE_MS), -1);
    model_lists_every(w.lists, MINUTE_MS);
    CHECK(until_asked(&w, 2 * MINUTE_MS) > 0);
    world_close(&w);
}

TEST(failures_are_asked_again_after_longer_and_longer_and_change_nothing)
{
    static const struct {
        int status;
        const char *answer;
    } bad[] = { { 404, "{}" }, { 500, "" }, { 200, "<html>" }, { 401, "{\"error\":{}}" } };
    struct world w;
    int64_t wait_ms = MODEL_LIST_RETRY_MS;

    world_open(&w, t, 1);
    sim_run_until_idle();
    CHECK_INT(offering(&w, "n"), 0);
    w.status = 503;
    w.answer = "";
    CHECK(until_asked(&w, 12 * MINUTE_MS) > 0);
    for (size_t i = 0; i < 12; i++) {
        w.status = bad[i % COUNT(bad)].status;
        w.answer = bad[i % COUNT(bad)].answer;
        int64_t after_ms = until_asked(&w, 90 * MINUTE_MS);

        /* a second of the steps, and the way there and back */
        CHECK(after_ms >= wait_ms * 9 / 10 - 1100 && after_ms <= wait_ms * 11 / 10 + 100,
              "failure %zu: %lld", i, (long long)after_ms);
        wait_ms = wait_ms * 2 < MODEL_LIST_RETRY_MS_MAX ? wait_ms * 2 : MODEL_LIST_RETRY_MS_MAX;
        CHECK_INT(offering(&w, "m"), 1, "what it listed before");
        CHECK_INT(offering(&w, "n"), 0);
        CHECK_INT(pool_active(w.pool, sim_now()), 1);
    }
    w.status = 200;
    w.answer = "{\"data\":[{\"id\":\"n\"}]}";
    CHECK(until_asked(&w, 90 * MINUTE_MS) > 0);
    sim_run_until_idle();
    CHECK_INT(offering(&w, "n"), 1);
    int64_t after_ms = until_asked(&w, 12 * MINUTE_MS);

    CHECK(after_ms >= 9 * MINUTE_MS - 1100 && after_ms <= 11 * MINUTE_MS, "%lld",
          (long long)after_ms);
    world_close(&w);
}

TEST(before_the_first_list_it_is_asked_again_even_when_lists_are_not_refreshed)
{
    struct world w;

    world_open(&w, t, 1);
    model_lists_every(w.lists, 0);
    w.status = 500;
    sim_run_until_idle();
    CHECK_INT(w.asked, 1);
    CHECK_INT(offering(&w, "n"), 1);
    w.status = 200;
    CHECK(until_asked(&w, MINUTE_MS) > 0);
    sim_run_until_idle();
    CHECK_INT(offering(&w, "n"), 0);
    CHECK_INT(until_asked(&w, 24 * 60 * MINUTE_MS), -1);
    world_close(&w);
}

TEST(four_are_read_at_one_time_and_none_for_longer_than_its_time)
{
    struct world w;

    world_open(&w, t, ACCOUNTS);
    w.answer = NULL;
    sim_run_until_idle();
    CHECK_INT(w.asked, MODEL_LISTS_AT_ONCE);
    CHECK_INT(model_lists_reading(w.lists), MODEL_LISTS_AT_ONCE);
    sim_advance(MODEL_LIST_MS - 1000);
    CHECK_INT(w.asked, MODEL_LISTS_AT_ONCE);
    w.answer = "{\"data\":[{\"id\":\"m\"}]}";
    w.running = 0;
    sim_advance(2000);
    CHECK(w.asked >= ACCOUNTS, "%u", w.asked);
    CHECK(w.running_most <= MODEL_LISTS_AT_ONCE);
    CHECK_INT(offering(&w, "n"), MODEL_LISTS_AT_ONCE, "those that were silent offer anything");
    CHECK_INT(offering(&w, "m"), ACCOUNTS);
    sim_advance(MINUTE_MS);
    CHECK_INT(offering(&w, "n"), 0);
    world_close(&w);
}

TEST(an_account_that_goes_or_changes_takes_its_reading_along)
{
    struct world w;

    world_open(&w, t, 3);
    w.answer = NULL;
    sim_run_until_idle();
    CHECK_INT(model_lists_reading(w.lists), 3);
    CHECK(pool_remove(w.pool, 2));
    put_account(&w, 3, "own");
    model_lists_accounts(w.lists, (int64_t[]){ 3, 1 }, 2);
    CHECK_INT(model_lists_reading(w.lists), 1);
    model_lists_accounts(w.lists, (int64_t[]){ 3, 1 }, 2);
    CHECK_INT(model_lists_reading(w.lists), 1, "nothing has changed");
    sim_run_until_idle();
    CHECK_INT(w.asked, 3);
    w.answer = "{\"data\":[{\"id\":\"m\"}]}";
    put_account(&w, 3, "");
    model_lists_accounts(w.lists, (int64_t[]){ 1, 3 }, 2);
    sim_run_until_idle();
    CHECK_INT(w.asked, 4);
    CHECK_INT(offering(&w, "n"), 1);
    w.answer = NULL;
    CHECK(until_asked(&w, 12 * MINUTE_MS) > 0);
    world_close(&w); /* with one under way */
}

TEST(who_is_disabled_is_not_asked_until_he_is_enabled)
{
    struct world w;

    world_open(&w, t, 0);
    put_account(&w, 1, "");
    CHECK(pool_set_flags(w.pool, 1, true, false, STR("switched off")));
    model_lists_accounts(w.lists, (int64_t[]){ 1 }, 1);
    CHECK_INT(until_asked(&w, 30 * MINUTE_MS), -1);
    CHECK(pool_set_flags(w.pool, 1, false, false, STR("")));
    CHECK(until_asked(&w, 12 * MINUTE_MS) > 0);
    world_close(&w);
}
