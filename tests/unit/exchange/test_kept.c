#include "exchange/kept.h"

#include <pthread.h>
#include <stdio.h>

#include "test.h"

static const struct kept_limits wide = { 1000, 1 << 20, 1000 };
static const struct kept_who ada = { { { { 1 } } }, 1 }, ben = { { { { 2 } } }, 1 };

/* Its output is one item, its input another. */
static struct kept_response made(struct test *t, uint32_t n, uint32_t previous)
{
    struct arena *a = &t->arena;

    struct kept_response r = {
        .owner = ada.ids[0],
        .id = arena_printf(a, "resp_%u", n),
        .previous = previous > 0 ? arena_printf(a, "resp_%u", previous) : STR(""),
        .account = n,
        .response =
            arena_printf(a, "{\"id\":\"resp_%u\",\"output\":[ {\"id\":\"msg_%u\"} ]}", n, n),
        .input = arena_printf(a, "{\"in\":%u}", n),
    };

    return r;
}

static void add(struct test *t, struct kept *k, const struct kept_limits *l, uint32_t n,
                uint32_t previous, int64_t now_ms)
{
    struct kept_response r = made(t, n, previous);

    (void)kept_add(k, l, &r, NULL, now_ms);
}

static bool has(struct test *t, struct kept *k, const struct kept_who *who, uint32_t n,
                int64_t now_ms)
{
    int64_t account;

    return kept_account(k, who, arena_printf(&t->arena, "resp_%u", n), now_ms, &account) &&
           account == n;
}

TEST(a_chain_tells_all_that_was_said_in_order)
{
    struct kept *k = kept_new();
    struct str items;

    add(t, k, &wide, 1, 0, 0);
    add(t, k, &wide, 2, 1, 1);
    add(t, k, &wide, 3, 2, 2);
    CHECK(kept_past(k, &ada, STR("resp_3"), 3, &t->arena, &items));
    CHECK_STR(items, "{\"in\":1},{\"id\":\"msg_1\"},{\"in\":2},{\"id\":\"msg_2\"},{\"in\":3},"
                     "{\"id\":\"msg_3\"}");
    /* a link that is missing */
    CHECK(kept_remove(k, &ada, STR("resp_2"), 4));
    CHECK(!kept_past(k, &ada, STR("resp_3"), 5, &t->arena, &items));
    CHECK(kept_past(k, &ada, STR("resp_1"), 5, &t->arena, &items));
    kept_free(k);
}

TEST(only_its_owner_finds_a_response_and_its_items)
{
    struct kept *k = kept_new();
    struct kept_response got;
    struct str item;
    int64_t account = 0;

    add(t, k, &wide, 7, 0, 0);
    CHECK(kept_find(k, &ada, STR("resp_7"), 0, &t->arena, &got));
    CHECK_STR(got.response, "{\"id\":\"resp_7\",\"output\":[ {\"id\":\"msg_7\"} ]}");
    CHECK_STR(got.input, "{\"in\":7}");
    CHECK(kept_item(k, &ada, STR("msg_7"), 0, &t->arena, &item, &account));
    CHECK_STR(item, "{\"id\":\"msg_7\"}");
    CHECK_INT(account, 7);
    CHECK(!kept_find(k, &ben, STR("resp_7"), 0, &t->arena, &got));
    CHECK(!kept_item(k, &ben, STR("msg_7"), 0, &t->arena, &item, &account));
    CHECK(!kept_remove(k, &ben, STR("resp_7"), 0));
    CHECK(!kept_find(k, &ada, STR(""), 0, &t->arena, &got));
    kept_free(k);
}

TEST(the_clients_name_of_the_model_stands_in_what_is_kept)
{
    static const struct {
        const char *response, *kept;
    } cases[] = {
        { " {\"model\": \"far\", \"id\":\"resp_1\", \"output\":[{\"id\":\"msg_1\"}, 7 ,[{}] ] } ",
          " {\"model\": \"near-by\", \"id\":\"resp_1\", \"output\":[{\"id\":\"msg_1\"}, 7 ,[{}] ] "
          "} " },
        { "{\"output\":[{\"content\":[{\"id\":\"no\"}],\"id\":\"msg_1\",\"n\":{\"a\":[]}},{\"id\":"
          "null}],"
          "\"id\":\"resp_1\",\"model\":\"far\"}",
          "{\"output\":[{\"content\":[{\"id\":\"no\"}],\"id\":\"msg_1\",\"n\":{\"a\":[]}},{\"id\":"
          "null}],"
          "\"id\":\"resp_1\",\"model\":\"near-by\"}" },
        { "{\"id\":\"resp_1\",\"output\":[{\"id\":\"msg_1\"}],\"model\":null}",
          "{\"id\":\"resp_1\",\"output\":[{\"id\":\"msg_1\"}],\"model\":null}" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct kept *k = kept_new();
        struct kept_response r = { .owner = ada.ids[0],
                                   .id = STR("resp_1"),
                                   .response = str_c(cases[i].response),
                                   .model = STR("near-by") },
                             got;
        struct str item, past, list = str_c(strchr(cases[i].kept, '[') + 1);
        int64_t account;

        (void)kept_add(k, &wide, &r, NULL, 0);
        CHECK(kept_find(k, &ada, STR("resp_1"), 0, &t->arena, &got));
        CHECK_STR(got.response, cases[i].kept);
        CHECK(kept_item(k, &ada, STR("msg_1"), 0, &t->arena, &item, &account));
        CHECK(str_starts(list, item), "%.*s", STR_ARG(item));
        CHECK(kept_past(k, &ada, STR("resp_1"), 0, &t->arena, &past));
        CHECK(str_starts(list, past) && past.len > item.len - 1, "%.*s", STR_ARG(past));
        CHECK(!kept_item(k, &ada, STR("no"), 0, &t->arena, &item, &account));
        kept_free(k);
    }
}

TEST(what_was_not_used_for_longest_makes_room)
{
    const struct kept_limits three = { 3, 1 << 20, 1000 };
    struct kept *k = kept_new();

    for (uint32_t n = 1; n <= 3; n++)
        add(t, k, &three, n, 0, n);
    CHECK(has(t, k, &ada, 1, 4));
    add(t, k, &three, 4, 0, 5);
    CHECK(has(t, k, &ada, 1, 6) && has(t, k, &ada, 3, 6) && has(t, k, &ada, 4, 6));
    CHECK(!has(t, k, &ada, 2, 6));
    kept_free(k);
}

TEST(bytes_are_bounded_whatever_is_kept)
{
    const struct kept_limits small = { 1000, 10000, 1000 };
    struct kept *k = kept_new();
    struct kept_response huge = made(t, 500, 0);
    uint32_t kept = 0;

    for (uint32_t n = 1; n <= 100; n++)
        add(t, k, &small, n, 0, n);
    for (uint32_t n = 1; n <= 100; n++)
        kept += has(t, k, &ada, n, 101);
    CHECK(kept > 5 && kept < 20, "%u", kept);
    CHECK(has(t, k, &ada, 100, 101));
    /* one that is larger than all may be drives nothing out */
    huge.input = (struct str){ arena_alloc(&t->arena, 10001), 10001 };
    (void)kept_add(k, &small, &huge, NULL, 101);
    CHECK(!has(t, k, &ada, 500, 101) && has(t, k, &ada, 100, 101));
    kept_free(k);
}

TEST(what_nobody_uses_is_forgotten_in_time)
{
    struct kept *k = kept_new();

    add(t, k, &wide, 1, 0, 0);
    add(t, k, &wide, 2, 0, 0);
    CHECK(has(t, k, &ada, 1, 999));
    CHECK(!has(t, k, &ada, 2, 1000) && has(t, k, &ada, 1, 1000));
    CHECK(kept_any(k));
    CHECK(!has(t, k, &ada, 1, 2000));
    CHECK(!kept_any(k));
    kept_free(k);
}

TEST(what_says_too_little_is_not_kept)
{
    static const char *const others[] = { "[]", "{}", "{\"output\":null}", "{\"output\":\"\"}" };
    struct str items;
    struct kept *k = kept_new();
    struct kept_response r = made(t, 1, 0);

    r.response = STR("{\"id\":\"resp_1\",\"output\":[]}");
    (void)kept_add(k, &wide, &r, NULL, 0); /* a provider's: it may have left the items out */
    CHECK(!has(t, k, &ada, 1, 0));
    CHECK(!kept_any(k));
    r.account = 0; /* ours is all there is */
    (void)kept_add(k, &wide, &r, NULL, 0);
    CHECK(kept_any(k));
    CHECK(kept_remove(k, &ada, STR("resp_1"), 0));
    r.id = STR("");
    (void)kept_add(k, &wide, &r, NULL, 0);
    CHECK(!kept_any(k));
    for (size_t i = 0; i < COUNT(others); i++) {
        r = (struct kept_response){ .owner = ada.ids[0],
                                    .id = STR("resp_2"),
                                    .response = str_c(others[i]) };
        (void)kept_add(k, &wide, &r, NULL, 0);
        CHECK(!kept_past(k, &ada, STR("resp_2"), 0, &t->arena, &items), "%s", others[i]);
        CHECK(!kept_remove(k, &ada, STR("resp_2"), 0) && !kept_any(k));
    }
    (void)kept_add(k, &(struct kept_limits){ 0, 1 << 20, 1000 }, &r, NULL, 0);
    kept_free(k);
}

/* Items are known by their ids when somebody asks; the response that came last has the name. */
TEST(an_item_is_that_of_the_response_that_came_last)
{
    struct kept *k = kept_new();
    struct str item;
    int64_t account;

    for (uint32_t n = 1; n <= 6; n++) {
        struct kept_response r = made(t, n, 0);

        r.response = arena_printf(
            &t->arena, "{\"output\":[{\"id\":\"same\",\"n\":%u},{\"id\":\"own_%u\"}]}", n, n);
        r.owner = n == 5 ? ben.ids[0] : ada.ids[0];
        (void)kept_add(k, &wide, &r, NULL, n);
        if (n == 2 ||
            n == 4) { /* an older one, whose own item nobody else has, is read meanwhile */
            CHECK(kept_item(k, &ada, arena_printf(&t->arena, "own_%u", n - 1), n, &t->arena, &item,
                            &account));
            CHECK_INT(account, n - 1);
        }
        CHECK(kept_item(k, &ada, STR("same"), n, &t->arena, &item, &account));
        CHECK_INT(account, n == 5 ? 4 : n);
    }
    CHECK(kept_item(k, &ben, STR("same"), 7, &t->arena, &item, &account));
    CHECK_STR(item, "{\"id\":\"same\",\"n\":5}");
    CHECK(!kept_item(k, &ada, STR("own_5"), 7, &t->arena, &item, &account));
    CHECK(!kept_item(k, &ada, STR("none"), 7, &t->arena, &item, &account));
    CHECK(kept_remove(k, &ada, STR("resp_6"), 7));
    CHECK(!kept_item(k, &ada, STR("own_6"), 7, &t->arena, &item, &account));
    CHECK(kept_item(k, &ada, STR("own_4"), 7, &t->arena, &item, &account));
    kept_free(k);
}

/* The memory of a body is taken over, and stays while who gave it may read there. */
TEST(a_body_that_is_taken_over_is_not_copied)
{
    const struct kept_limits small = { 1, 1 << 20, 1000 };
    struct kept *k = kept_new();
    struct buf body = { .max = 1 << 20 };
    struct kept_response r = made(t, 1, 0), found;
    struct kept_entry *held;
    struct str items;

    CHECK(buf_add(&body, STR("{\"input\":\"hello\"}")));
    r.input = (struct str){ body.at + 9, 7 };
    r.input_is_text = true;
    held = kept_add(k, &small, &r, &body, 0);
    CHECK(held != NULL && body.at == NULL && body.len == 0);
    CHECK(kept_find(k, &ada, STR("resp_1"), 1, &t->arena, &found) && !found.input_is_text);
    CHECK_STR(found.input, "{\"type\":\"message\",\"role\":\"user\",\"content\":[{\"type\":"
                           "\"input_text\",\"text\":\"hello\"}]}");
    CHECK(kept_past(k, &ada, STR("resp_1"), 1, &t->arena, &items));
    CHECK_STR(items, "{\"type\":\"message\",\"role\":\"user\",\"content\":[{\"type\":"
                     "\"input_text\",\"text\":\"hello\"}]},{\"id\":\"msg_1\"}");
    add(t, k, &small, 2, 0, 2); /* takes its place … */
    CHECK(!has(t, k, &ada, 1, 3) && has(t, k, &ada, 2, 3));
    CHECK_STR(r.input, "\"hello\""); /* … and not its memory */
    kept_release(k, held);

    /* what is not kept is the caller's still */
    CHECK(buf_add(&body, STR("\"x\"")));
    r.input = buf_str(&body);
    CHECK(kept_add(k, &(struct kept_limits){ 1, 3, 1000 }, &r, &body, 4) == NULL);
    CHECK_STR(buf_str(&body), "\"x\"");
    buf_clear(&body);
    kept_free(k);
}

/* What reading finds is charged, too: many small items make the oldest go. */
TEST(items_that_are_read_count)
{
    const struct kept_limits small = { 1000, 3500, 1000 };
    struct kept *k = kept_new();
    struct kept_response many = made(t, 1, 0);
    char list[1024] = "{\"output\":[";

    for (uint32_t i = 0; i < 16; i++)
        (void)snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s{\"id\":\"i%u\"}",
                       i > 0 ? "," : "", i);
    (void)snprintf(list + strlen(list), sizeof(list) - strlen(list), "]}");
    many.response = str_c(list);
    add(t, k, &small, 2, 0, 0);
    (void)kept_add(k, &small, &many, NULL, 1);
    CHECK(has(t, k, &ada, 2, 2)); /* it is the newest now, */
    CHECK(has(t, k, &ada, 1, 3)); /* and this one is read */
    CHECK(!has(t, k, &ada, 2, 4) && has(t, k, &ada, 1, 4));
    kept_free(k);
}

/* Threads that add, read and remove the same few. */
struct user {
    struct kept *k;
    uint32_t seed;
};

static void *use(void *peer)
{
    struct user *u = peer;
    struct test own = { 0 };

    for (uint32_t i = 0; i < 3000; i++) {
        uint32_t n = (u->seed = u->seed * 1103515245u + 12345u) >> 16 & 7;
        struct str id = arena_printf(&own.arena, "resp_%u", n + 1), items;
        struct kept_response got;
        int64_t account;

        if (n % 4 == 0)
            (void)kept_remove(u->k, &ada, id, i);
        else if (n % 4 == 1)
            (void)kept_past(u->k, &ada, id, i, &own.arena, &items);
        else if (n == 2 && kept_find(u->k, &ada, id, i, &own.arena, &got))
            assert(str_starts(got.response, STR("{\"id\"")));
        else if (n == 6 && kept_item(u->k, &ada, STR("msg_5"), i, &own.arena, &items, &account))
            assert(str_starts(items, STR("{\"id\"")));
        else
            add(&own, u->k, &wide, n + 1, n, i);
        if (i % 100 == 0)
            arena_reset(&own.arena);
    }
    arena_free(&own.arena);
    return NULL;
}

TEST(many_threads_share_it)
{
    struct kept *k = kept_new();
    struct user users[4];
    pthread_t threads[4];

    (void)t;
    for (uint32_t i = 0; i < 4; i++) {
        users[i] = (struct user){ k, i + 1 };
        CHECK(pthread_create(&threads[i], NULL, use, &users[i]) == 0);
    }
    for (uint32_t i = 0; i < 4; i++)
        (void)pthread_join(threads[i], NULL);
    kept_free(k);
}
