/* tests/unit/exchange/test_record_kind.c - records of one kind find one place, others another. */
#include "exchange/record_kind.h"
#include "test.h"

static struct access_record plain(void)
{
    return (struct access_record){ .protocol = STR("openai-chat"),
                                   .path = STR("/v1/chat/completions"),
                                   .model = STR("gpt-5.1-mini"),
                                   .mapped_model = STR("gpt-5.1-mini-2026"),
                                   .client_key = STR("laptop"),
                                   .key_id = { { 1 } },
                                   .client = STR("cli"),
                                   .provider = STR("openai"),
                                   .ending = ENDING_COMPLETE,
                                   .status = 200 };
}

TEST(a_kind_is_found_again_and_only_for_what_is_the_same_in_all)
{
    static const struct {
        const char *name;
        size_t member;
        struct str value;
    } texts[] = {
        { "protocol", offsetof(struct access_record, protocol), STR("openai-chas") },
        { "path", offsetof(struct access_record, path), STR("/v1/chat/completiont") },
        { "path, its middle", offsetof(struct access_record, path), STR("/v1/chaz/completions") },
        { "model", offsetof(struct access_record, model), STR("gpt-5.2-mini") },
        { "model, longer", offsetof(struct access_record, model), STR("gpt-5.1-mini ") },
        { "mapped model", offsetof(struct access_record, mapped_model), STR("gpt-5.1-mini-2027") },
        { "no mapped model", offsetof(struct access_record, mapped_model), STR("") },
        { "key", offsetof(struct access_record, client_key), STR("labtop") },
        { "client", offsetof(struct access_record, client), STR("clj") },
        { "client, one byte", offsetof(struct access_record, client), STR("c") },
        { "provider", offsetof(struct access_record, provider), STR("openaj") },
        { "provider, shorter", offsetof(struct access_record, provider), STR("open") },
    };
    struct record_kinds *all = record_kinds_new();
    struct access_record r = plain();
    struct record_kind *first = record_kind_find(all, &r);

    CHECK(record_kind_find(all, &r) == first);
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct access_record other = plain();

        memcpy((char *)&other + texts[i].member, &texts[i].value, sizeof(texts[i].value));
        CHECK(record_kind_find(all, &other) != first, "%s", texts[i].name);
    }
    struct access_record others[6];

    for (size_t i = 0; i < COUNT(others); i++)
        others[i] = plain();
    others[0].ending = ENDING_CLIENT_LEFT;
    others[1].status = 201;
    others[2].stream = true;
    others[3].counts_only = true;
    others[4].key_id.bytes[0] = 2;
    others[5].key_id.bytes[15] = 2;
    for (size_t i = 0; i < COUNT(others); i++)
        CHECK(record_kind_find(all, &others[i]) != first, "%zu", i);
    record_kinds_free(all);
}

TEST(a_kind_keeps_its_own_texts)
{
    struct record_kinds *all = record_kinds_new();
    char model[] = "a-model-of-a-client";
    struct access_record r = plain();

    r.model = str_c(model);
    struct record_kind *k = record_kind_find(all, &r);

    memset(model, 'x', sizeof(model) - 1);
    CHECK_STR(k->texts[KIND_MODEL], "a-model-of-a-client");
    CHECK(record_kind_find(all, &r) != k);
    record_kinds_free(all);
}

TEST(many_kinds_make_room_and_a_long_text_takes_none)
{
    struct record_kinds *all = record_kinds_new();
    struct access_record r = plain();
    char name[32], *path = arena_alloc(&t->arena, 5000);

    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 4 * RECORD_KINDS_MAX; i++) {
            snprintf(name, sizeof(name), "made-up-%d", i);
            r.model = str_c(name);
            struct record_kind *k = record_kind_find(all, &r);

            CHECK_STR(k->texts[KIND_MODEL], name);
            CHECK(k->request_row == NULL || k->request_row == k, "it was of another");
            k->request_row = k;
        }
    r = plain();
    struct record_kind *known = record_kind_find(all, &r);

    memset(path, 'p', 5000);
    r.path = (struct str){ path, 5000 };
    struct record_kind *k = record_kind_find(all, &r);

    k->request_row = k;
    CHECK(record_kind_find(all, &r)->request_row == NULL, "it is nobody's kind");
    r = plain();
    CHECK(record_kind_find(all, &r) == known);
    record_kinds_free(all);
}
