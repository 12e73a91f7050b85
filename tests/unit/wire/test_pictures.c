/* OpenAI's calls for pictures, read and answered for models of another form. */
#include "test.h"
#include "wire/multipart.h"
#include "wire/pictures.h"

static bool read_it(struct test *t, const char *body, struct pictures_ask *ask,
                    struct wire_complaint *why)
{
    *why = (struct wire_complaint){ .param = STR("") };
    return pictures_read(str_c(body), STR(""), false, &t->arena, ask, why);
}

TEST(a_request_becomes_one_message_with_what_it_says_of_the_picture)
{
    struct pictures_ask ask;
    struct wire_complaint why;

    if (!CHECK(read_it(t,
                       "{\"model\":\"m\",\"prompt\":\"a c\\u00e4t\",\"n\":3,\"size\":\"1024x1536\","
                       "\"quality\":\"hd\",\"response_format\":\"url\",\"style\":\"vivid\","
                       "\"user\":null}",
                       &ask, &why)))
        return;
    CHECK_INT(ask.n, 3);
    CHECK(ask.as_url);
    CHECK_STR(ask.canon->image.size, "1024x1536");
    CHECK_STR(ask.canon->image.quality, "high");
    CHECK_INT(ask.canon->message_count, 1);
    CHECK_STR(text_plain(&t->arena, ask.canon->messages->parts->text), "a c\xc3\xa4t");
    CHECK_INT(ask.canon->unread.count, 1, "style; a null says nothing");
}

TEST(what_is_wrong_is_told_by_its_member)
{
    static const struct {
        const char *body, *param;
    } cases[] = {
        { "[]", "" },
        { "{}", "prompt" },
        { "{\"prompt\":\"  \"}", "prompt" },
        { "{\"prompt\":\"x\",\"n\":0}", "n" },
        { "{\"prompt\":\"x\",\"n\":11}", "n" },
        { "{\"prompt\":\"x\",\"n\":\"y\"}", "n" },
        { "{\"prompt\":\"x\",\"response_format\":\"png\"}", "response_format" },
        { "{\"prompt\":\"x\",\"size\":\"large\"}", "size" },
        { "{\"prompt\":\"x\",\"size\":\"1024x\"}", "size" },
        { "{\"prompt\":\"x\",\"size\":\"0x1024\"}", "size" },
        { "{\"prompt\":\"x\",\"images\":[\"https://a.example/x.png\"]}", "images" },
        { "{\"prompt\":\"x\",\"images\":[1]}", "images" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pictures_ask ask;
        struct wire_complaint why;

        CHECK(!read_it(t, cases[i].body, &ask, &why), "%s", cases[i].body);
        CHECK_STR(why.param, cases[i].param, "%s", cases[i].body);
    }
}

static bool note(void *peer, const struct multipart_part *p)
{
    struct buf *b = peer;

    return buf_printf(b, "%.*s|%.*s|%.*s|%zu;", STR_ARG(p->name), STR_ARG(p->filename),
                      STR_ARG(p->type), p->content.len);
}

TEST(the_parts_of_a_form_are_told_in_order)
{
    static const char form[] = "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\n"
                               "--B\r\ncontent-type: image/png\r\nContent-Disposition: form-data; "
                               "name=\"f\"; filename=\"x.png\"\r\n\r\n\r\n--\r\n--B--\r\n";
    struct buf b = { .max = 256 };
    bool bad;

    CHECK(multipart_each(str_c(form), STR("B"), note, &b, &bad));
    CHECK_STR(buf_str(&b), "a|||3;f|x.png|image/png|4;");
    for (size_t cut = 0; cut + 4 < sizeof(form) - 1; cut++) {
        b.len = 0;
        CHECK(!multipart_each((struct str){ form, cut }, STR("B"), note, &b, &bad) && bad, "%zu",
              cut);
    }
    buf_clear(&b);
}

#define INLINE(data) "{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"" data "\"}}"

TEST(pictures_of_an_answer_are_taken_and_drafts_are_not)
{
    static const char body[] =
        "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Here\"},{\"thought\":true,"
        "\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"QUJD\"}}," INLINE(
            "QUI\\u003d") "," INLINE("a\\\"b") "]},\"finishReason\":\"STOP\"}],\"usageMetadata\":{"
                                               "\"promptTokenCount\":7,\"candidatesTokenCount\":9}"
                                               "}";
    struct pictures all = { .usage = usage_unknown() };
    struct pictures_ask ask = { .n = 1 };
    struct buf out = { .max = 4096 };

    CHECK(pictures_take(WIRE_GEMINI, str_c(body), &t->arena, &all));
    if (!CHECK_INT(all.count, 1, "what is no base64 is none"))
        return;
    CHECK_STR(all.at[0].data, "QUI=");
    CHECK_STR(all.said, "Here");
    CHECK(!pictures_take(WIRE_CLOUDCODE, str_c(body), &t->arena, &all), "it is wrapped there");
    CHECK(!pictures_take(WIRE_GEMINI, STR("{\"error\":{}}"), &t->arena, &all));
    CHECK(!pictures_take(WIRE_GEMINI, STR("nothing"), &t->arena, &all));
    CHECK(pictures_put(&all, &ask, 5, false, &out));
    CHECK_STR(buf_str(&out), "{\"created\":5,\"data\":[{\"b64_json\":\"QUI=\"}],\"output_format\":"
                             "\"png\",\"usage\":{\"input_tokens\":7,\"output_tokens\":9,"
                             "\"total_tokens\":16}}");
    buf_clear(&out);
}

TEST(any_bytes_are_taken)
{
    static const char seed[] =
        "{\"prompt\":\"x\",\"image\":[{\"image_url\":\"data:image/png;base64,"
        "QUI=\"}],\"n\":2,\"size\":\"auto\"}";
    static const char answer[] = "{\"response\":{\"candidates\":[{\"content\":{\"parts\":[" INLINE(
        "QUI=") "]}}],\"usageMetadata\":{}}}";

    for (int round = 0; round < 20000; round++) {
        const char *from = round % 2 == 0 ? seed : answer;
        struct str text = arena_copy(&t->arena, str_c(from));
        char *bytes = (char *)(uintptr_t)text.at;
        struct arena a = { 0 };
        struct pictures all = { .usage = usage_unknown() };
        struct pictures_ask ask;
        struct wire_complaint why;

        for (size_t i = 0; i < 3; i++)
            bytes[test_below(t, text.len)] = "{}[]\",:0a\\"[test_below(t, 11)];
        text.len -= test_below(t, 4);
        (void)pictures_read(text, STR(""), round % 3 == 0, &a, &ask, &why);
        (void)pictures_take(round % 4 < 2 ? WIRE_GEMINI : WIRE_CLOUDCODE, text, &a, &all);
        arena_free(&a);
    }
}
