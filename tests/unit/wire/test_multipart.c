#include "wire/multipart.h"

#include "base/buf.h"
#include "test.h"

TEST(a_boundary_is_read_as_it_may_be_written)
{
    static const struct {
        const char *type, *want; /* NULL: none */
    } cases[] = {
        { "multipart/form-data; boundary=abc", "abc" },
        { "Multipart/Form-Data;charset=utf-8; boundary=\"a b;c\"", "a b;c" },
        { "multipart/form-data; boundary=abc; charset=x", "abc" },
        { "multipart/form-data", NULL },
        { "multipart/form-data; boundary=", NULL },
        { "multipart/form-data; boundary=\"abc", NULL },
        { "multipart/mixed; boundary=abc", NULL },
        { "application/json; boundary=abc", NULL },
        { "multipart/form-data; "
          "boundary=01234567890123456789012345678901234567890123456789012345678901234567890",
          NULL },
        { "", NULL },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str boundary = STR("");
        bool found = multipart_boundary(str_c(cases[i].type), &boundary);

        CHECK_INT(found, cases[i].want != NULL, "%s", cases[i].type);
        if (found)
            CHECK_STR(boundary, cases[i].want, "%s", cases[i].type);
    }
}

#define PART(headers, text) "--b\r\n" headers "\r\n\r\n" text "\r\n"
#define MODEL "Content-Disposition: form-data; name=\"model\""
#define FILE_                                                                                  \
    "content-disposition: form-data; name=\"model\"; filename=\"model.wav\"\r\nContent-Type: " \
    "audio/wav"

TEST(a_field_is_found_where_it_lies)
{
    static const struct {
        const char *name, *body;
        enum multipart_found want;
        const char *value;
    } cases[] = {
        { "first", PART(MODEL, "whisper-1") "--b--\r\n", MULTIPART_FOUND, "whisper-1" },
        { "without the last line break", PART(MODEL, "w") "--b--", MULTIPART_FOUND, "w" },
        { "behind a file that has its name",
          PART(FILE_, "RIFF\r\n--x\r\n--\r\n") PART(MODEL, "w") "--b--", MULTIPART_FOUND, "w" },
        { "a file is no field", PART(FILE_, "RIFF") "--b--", MULTIPART_ABSENT, NULL },
        { "without headers", "--b\r\n\r\nx\r\n" PART(MODEL, "w") "--b--", MULTIPART_FOUND, "w" },
        { "empty", PART(MODEL, "") "--b--", MULTIPART_FOUND, "" },
        { "without quotes", "--b \r\nContent-Disposition: form-data; name=model\r\n\r\nw\r\n--b--",
          MULTIPART_FOUND, "w" },
        { "twice", PART(MODEL, "a") PART(MODEL, "b") "--b--", MULTIPART_TWICE, NULL },
        { "another one", PART("Content-Disposition: form-data; name=\"models\"", "a") "--b--",
          MULTIPART_ABSENT, NULL },
        { "cut", PART(MODEL, "a") "--b\r\n" MODEL "\r\n\r\nw", MULTIPART_BAD, NULL },
        { "not closed", PART(MODEL, "a"), MULTIPART_BAD, NULL },
        { "headers without end", "--b\r\n" MODEL "\r\n", MULTIPART_BAD, NULL },
        { "another boundary", "--c\r\n" MODEL "\r\n\r\nw\r\n--c--", MULTIPART_BAD, NULL },
        { "JSON", "{\"model\":\"w\"}", MULTIPART_BAD, NULL },
        { "nothing", "", MULTIPART_BAD, NULL },
        { "no part", "--b--\r\n", MULTIPART_ABSENT, NULL },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str value = STR("");

        CHECK_INT(multipart_field(str_c(cases[i].body), STR("b"), STR("model"), &value),
                  cases[i].want, "%s", cases[i].name);
        if (cases[i].value != NULL)
            CHECK_STR(value, cases[i].value, "%s", cases[i].name);
    }
}

TEST(only_so_many_parts_are_looked_at)
{
    struct buf body = { .max = 1 << 20 };
    struct str value;

    for (int i = 0; i <= MULTIPART_PARTS_MAX; i++)
        (void)buf_add(&body, STR("--b\r\nA: b\r\n\r\nx\r\n"));
    (void)buf_add(&body, STR("--b--"));
    CHECK_INT(multipart_field(buf_str(&body), STR("b"), STR("model"), &value), MULTIPART_BAD);
    buf_clear(&body);
}

/* A body cut anywhere is told from one that is whole. */
TEST(a_form_that_is_cut_is_no_form)
{
    static const char whole[] = PART(FILE_, "RIFF") PART(MODEL, "whisper-1") "--b--";
    size_t len = sizeof(whole) - 1;
    struct str value;

    for (size_t cut = 0; cut < len; cut++)
        CHECK_INT(multipart_field((struct str){ whole, cut }, STR("b"), STR("model"), &value),
                  MULTIPART_BAD, "cut at %zu", cut);
    CHECK_INT(multipart_field((struct str){ whole, len }, STR("b"), STR("model"), &value),
              MULTIPART_FOUND);
}
