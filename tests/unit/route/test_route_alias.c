/* Other names of a model, and the names of the image model. */
#include "route/alias.h"
#include "route/image_id.h"
#include "test.h"

static bool has(const struct aliases *a, const char *name)
{
    for (size_t i = 0; i < a->count; i++)
        if (str_eq(a->at[i], str_c(name)))
            return true;
    return false;
}

TEST(a_model_is_known_by_its_other_names)
{
    static const struct {
        const char *name, *other;
    } cases[] = {
        { "claude-sonnet-4-5-20250929", "claude-sonnet-4-5" },
        { "claude-sonnet-4-5-20250929", "claude-sonnet-4-5-thinking" },
        { "claude-haiku-4-5-20251001", "claude-haiku-4-5" },
        { "claude-opus-4-5-20251101", "claude-opus-4-5-thinking" },
        { "claude-opus-4-5", "claude-opus-4-5-thinking" },
        { "claude-opus-4-5-thinking", "claude-opus-4-5" },
        { "claude-opus-4.6", "claude-opus-4-6" },
        { "claude-opus-4.6", "claude-opus-4-6-thinking" },
        { "claude-sonnet-4-5", "claude-sonnet-4.5" },
        { "claude-sonnet-4-5@20250929", "claude-sonnet-4-5" },
        { "claude-3-5-sonnet-20241022", "claude-sonnet-4-5" },
        { "claude-3-5-sonnet-latest", "claude-sonnet-4-5" },
        { "claude-3-haiku-20240307", "claude-haiku-4-5" },
        { "claude-opus-4", "claude-opus-4-5-thinking" },
        { "sonnet", "claude-sonnet-4-5" },
        { "opus", "claude-opus-4-6-thinking" },
        { "haiku", "claude-haiku-4-5" },
        { "gpt-4o-2024-08-06", "gpt-4o" },
        { "models/gemini-2.5-pro", "gemini-2.5-pro" },
        { "gemini-3-pro", "gemini-3-pro-high" },
        { "gemini-3-flash-preview", "gemini-3-flash" },
        { "gpt-oss-120b", "gpt-oss-120b-medium" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct aliases a;

        aliases_of(str_c(cases[i].name), &a);
        CHECK(has(&a, cases[i].other), "%s is %s, too", cases[i].name, cases[i].other);
        CHECK(!has(&a, cases[i].name), "%s is no other name of itself", cases[i].name);
    }
}

TEST(an_unknown_name_has_no_other)
{
    static const char *const names[] = { "llama-4", "", "-", "qwen3-coder", "20250929", "gpt-5" };

    for (size_t i = 0; i < COUNT(names); i++) {
        struct aliases a;

        aliases_of(str_c(names[i]), &a);
        CHECK_INT(a.count, 0, "%s", names[i]);
    }
}

TEST(any_bytes_are_taken)
{
    for (int round = 0; round < 20000; round++) {
        char text[200];
        size_t len = test_below(t, sizeof(text));
        struct aliases a;

        for (size_t i = 0; i < len; i++)
            text[i] = "claude-4.5-thinking2025092930:@/"[test_below(t, 32)];
        if (round % 2 == 0 && len > 7)
            memcpy(text, "claude-", 7);
        aliases_of((struct str){ text, len }, &a);
        for (size_t i = 0; i < a.count; i++)
            CHECK(!str_eq(a.at[i], (struct str){ text, len }));
    }
}

TEST(the_image_model_has_twenty_one_names)
{
    char text[IMAGE_ID_TEXT];
    struct str model;
    struct image_id id;

    for (size_t i = 0; i < IMAGE_IDS; i++) {
        CHECK(image_id_read(image_id_name(i, text), &model, &id), "%zu", i);
        CHECK_STR(model, "gemini-3-pro-image");
    }
    CHECK(image_id_read(STR("gemini-3-pro-image-4k-16x9"), &model, &id));
    CHECK_STR(id.size, "4K");
    CHECK_STR(id.aspect, "16:9");
    CHECK(image_id_read(STR("gemini-3-pro-image-21x9"), &model, &id));
    CHECK_STR(id.size, "");
    CHECK_STR(id.aspect, "21:9");
    CHECK(image_id_read(STR("gemini-3-pro-image"), &model, &id));
    CHECK_STR(id.aspect, "");
    CHECK(!image_id_read(STR("gemini-3-pro-image-16x9-4k"), &model, &id), "the order is fixed");
    CHECK(!image_id_read(STR("gemini-3-pro-image-preview"), &model, &id));
    CHECK(!image_id_read(STR("gemini-3-pro"), &model, &id));
}
