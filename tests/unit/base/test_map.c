#include "base/map.h"

#include "test.h"

static const uint64_t zero_key[2];
static const uint64_t some_key[2] = { UINT64_C(0xaed66ce184be2329), UINT64_C(0xebe9bbf1f1499052) };

TEST(siphash_gives_the_known_values)
{
    char all[64];
    const struct {
        const uint64_t *key;
        struct str text;
        uint64_t want;
    } cases[] = {
        { zero_key, STR("a"), UINT64_C(0x407448d2b89b1813) },
        { zero_key, STR("hello"), UINT64_C(0xe2e77b41cb4e1f9e) },
        { zero_key, STR("01234567"), UINT64_C(0xda3dcedf84ea6cc6) },
        { zero_key, STR("abcdefghijklmno"), UINT64_C(0x1fd27a29b0e9dc7a) },
        { some_key, STR("a"), UINT64_C(0xd6300bc9f7cc0e73) },
        { some_key, STR("hello"), UINT64_C(0xe83d39dd9f7ed1ce) },
        { some_key, STR("01234567"), UINT64_C(0x4b86f65552e7e70b) },
        { some_key, STR("abcdefghijklmno"), UINT64_C(0x2d206ad17faa7e20) },
        { some_key, { all, sizeof(all) }, UINT64_C(0x7e644b6edc375dc8) },
    };
    for (size_t i = 0; i < sizeof(all); i++)
        all[i] = (char)i;
    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK(siphash(cases[i].key, cases[i].text) == cases[i].want, "case %zu", i);
}

TEST(map_keeps_copies_of_keys_and_gives_values_back)
{
    char key[] = "key";
    int one, two;
    struct map m;

    map_init(&m, some_key);
    CHECK(map_get(&m, STR("key")) == NULL);
    CHECK(map_remove(&m, STR("key")) == NULL);
    CHECK(map_put(&m, str_c(key), &one) == NULL);
    key[0] = 'x';
    CHECK(map_get(&m, STR("key")) == &one);
    CHECK(map_get(&m, STR("xey")) == NULL);
    CHECK(map_put(&m, STR("key"), &two) == &one);
    CHECK(map_get(&m, STR("key")) == &two);
    CHECK_INT(m.count, 1);
    CHECK(map_put(&m, STR(""), &one) == NULL);
    CHECK(map_put(&m, STR("a\0b"), &one) == NULL);
    CHECK(map_get(&m, STR("a\0c")) == NULL);
    CHECK(map_get(&m, STR("")) == &one);
    CHECK(map_remove(&m, STR("key")) == &two);
    CHECK(map_remove(&m, STR("key")) == NULL);
    CHECK_INT(m.count, 2);
    map_clear(&m);
    CHECK_INT(m.count, 0);
    CHECK(map_get(&m, STR("")) == NULL);
    CHECK(map_put(&m, STR("again"), &one) == NULL);
    CHECK(map_get(&m, STR("again")) == &one);
    map_clear(&m);
}

static struct str joined_keys(struct test *t, const struct map *m)
{
    struct str all = STR("");
    const struct map_entry *e;

    for (uint32_t i = 0; (e = map_at(m, &i)) != NULL;)
        all = arena_printf(&t->arena, "%.*s%.*s ", STR_ARG(all), STR_ARG(e->key));
    return all;
}

TEST(map_is_walked_in_the_order_of_insertion)
{
    int value;
    struct map m;

    map_init(&m, some_key);
    CHECK_STR(joined_keys(t, &m), "");
    for (const char *p = "one\0two\0three\0four\0five\0six\0"; *p != '\0'; p += strlen(p) + 1)
        map_put(&m, str_c(p), &value);
    CHECK_STR(joined_keys(t, &m), "one two three four five six ");
    map_put(&m, STR("two"), &m);
    map_remove(&m, STR("one"));
    map_remove(&m, STR("four"));
    map_put(&m, STR("four"), &value);
    CHECK_STR(joined_keys(t, &m), "two three five six four ");
    for (int i = 0; i < 20; i++) {
        map_remove(&m, STR("three"));
        map_put(&m, STR("three"), &value);
    }
    CHECK_STR(joined_keys(t, &m), "two five six four three ");
    map_clear(&m);
}

TEST(map_entries_may_be_removed_while_walking)
{
    int value;
    struct map m;
    const struct map_entry *e;

    map_init(&m, some_key);
    for (int i = 0; i < 30; i++)
        map_put(&m, arena_printf(&t->arena, "%02d", i), &value);
    for (uint32_t i = 0; (e = map_at(&m, &i)) != NULL;)
        if (e->key.at[1] != '7')
            map_remove(&m, e->key);
    CHECK_STR(joined_keys(t, &m), "07 17 27 ");
    map_clear(&m);
}

#define MODEL_KEYS 300

TEST(map_agrees_with_a_plain_table_whatever_is_done)
{
    void *model[MODEL_KEYS] = { NULL };
    char values[100];
    uint32_t count = 0;
    struct map m;

    map_init(&m, some_key);
    for (size_t step = 0; step < 60000; step++) {
        /* long stretches of growing and of shrinking */
        bool growing = step / 2000 % 2 == 0;
        size_t which = test_below(t, MODEL_KEYS), does = test_below(t, 10);
        char text[16];
        struct str key = { text, (size_t)snprintf(text, sizeof(text), "key%zu", which) };

        if (does == 0) {
            CHECK(map_get(&m, key) == model[which], "step %zu", step);
        } else if ((does < 8) == growing) {
            void *value = &values[test_below(t, sizeof(values))];

            count += model[which] == NULL;
            CHECK(map_put(&m, key, value) == model[which], "step %zu", step);
            model[which] = value;
        } else {
            count -= model[which] != NULL;
            CHECK(map_remove(&m, key) == model[which], "step %zu", step);
            model[which] = NULL;
        }
        CHECK_INT(m.count, count, "step %zu", step);
        if (t->failures > 0)
            break;
    }
    uint32_t walked = 0;

    for (uint32_t i = 0; map_at(&m, &i) != NULL;)
        walked++;
    CHECK_INT(walked, count);
    map_clear(&m);
}

TEST(map_holds_many_keys_and_shrinks_when_they_go)
{
    struct map m;
    int value;
    char text[16];

    map_init(&m, some_key);
    for (int i = 0; i < 20000; i++)
        map_put(&m, (struct str){ text, (size_t)snprintf(text, sizeof(text), "%d", i) }, &value);
    CHECK_INT(m.count, 20000);
    uint32_t large = m.entry_cap;

    for (int i = 0; i < 19990; i++)
        map_remove(&m, (struct str){ text, (size_t)snprintf(text, sizeof(text), "%d", i) });
    for (int i = 0; i < 20000; i++) {
        struct str key = { text, (size_t)snprintf(text, sizeof(text), "new%d", i) };

        map_put(&m, key, &value);
        map_remove(&m, key);
    }
    CHECK_INT(m.count, 10);
    CHECK(m.entry_cap < large / 100);
    CHECK(map_get(&m, STR("19995")) == &value);
    map_clear(&m);
}
