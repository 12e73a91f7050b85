#include "base/utf8.h"
#include "provider/redact.h"
#include "test.h"

#define DOTS "\xe2\x80\xa6"

TEST(what_nobody_may_see_is_masked)
{
    static const struct {
        const char *in, *want;
    } cases[] = {
        { "", "" },
        { "max_tokens: 5 is too low", "max_tokens: 5 is too low" },
        { "Incorrect API key provided: sk-proj-Ab*****wxYZ. You can find it.",
          "Incorrect API key provided: sk-" DOTS ". You can find it." },
        { "key sk-ant-api03-abcdefgh, then", "key sk-" DOTS ", then" },
        { "the task-list and a risk-free disk-space check",
          "the task-list and a risk-free disk-space check" },
        { "sk-abc", "sk-abc" },
        { "API key AIzaSyA-1234567890 expired", "API key AIza" DOTS " expired" },
        { "Authorization: Bearer abc.def-123 refused", "Authorization: Bearer " DOTS " refused" },
        { "Bearer authentication is wanted", "Bearer authentication is wanted" },
        { "basic plan", "basic plan" },
        { "token ya29.a0AfH6SMBx-y", "token ya29." DOTS },
        { "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig", "eyJ" DOTS },
        { "GET /v1?key=abc123&x=1 failed", "GET /v1?key=" DOTS " failed" },
        { "in organization org-a1b2c3d4 on tokens", "in organization org-" DOTS " on tokens" },
        { "org-wide policy", "org-wide policy" },
        { "user-provided-parameter", "user-provided-parameter" },
        { "project projects/123456789 disabled", "project projects/" DOTS " disabled" },
        { "(org: 0f8fad5b-d9cb-469f-a165-70867728950e)", "(org: " DOTS ")" },
        { "mail jane.doe+x@example.com now", "mail " DOTS " now" },
        { "jane@example.com.", DOTS "." },
        { "@name and a@", "@name and a@" },
        { "see https://user:pw@example.com/x", "see https://" DOTS },
        { "see https://platform.example.com/docs/a?b=c#d.",
          "see https://platform.example.com/docs/a" DOTS "." },
        { "see https://platform.example.com/docs.", "see https://platform.example.com/docs." },
        { "https://api.example.com?key=secret", "https://api.example.com" DOTS },
        { "at http://localhost:11434/api/chat failed", "at http://" DOTS " failed" },
        { "at http://10.0.0.5/x", "at http://" DOTS },
        { "at http://[::1]:80/x", "at http://[" DOTS "]:80/x" }, /* a bracket bounds a word */
        { "at http://vllm/x and http://a.svc.cluster.local/",
          "at http://" DOTS " and http://" DOTS },
        { "connect 192.168.1.7:8080 refused", "connect " DOTS " refused" },
        { "connect 8.8.8.8:53 refused", "connect 8.8.8.8:53 refused" },
        { "upstream db.internal: down", "upstream " DOTS ": down" },
        { "upstream localhost:5432 down", "upstream " DOTS " down" },
        { "File \"/home/jane/app.py\", line 3", "File \"" DOTS "\", line 3" },
        { "C:\\Users\\jane\\x failed", DOTS " failed" },
        { "models/gemini-2.5-flash-preview-09-2025 is not found",
          "models/gemini-2.5-flash-preview-09-2025 is not found" },
        { "GenerateRequestsPerMinutePerProjectPerModel-FreeTier",
          "GenerateRequestsPerMinutePerProjectPerModel-FreeTier" },
        { "key 0123456789abcdef0123456789abcdef", "key " DOTS },
        { "No tool output for call_0123456789abcdefghijABCDEFGHIJ",
          "No tool output for call_0123456789abcdefghijABCDEFGHIJ" },
        { "two\r\nlines\tand\x01more", "two  lines and more" },
        { "bad \xff byte", "bad \xef\xbf\xbd byte" },
        { "\xe5\xaf\x86\xe9\x92\xa5sk-abcdefgh \xe6\x97\xa0\xe6\x95\x88",
          "\xe5\xaf\x86\xe9\x92\xa5sk-" DOTS " \xe6\x97\xa0\xe6\x95\x88" },
        { "my_sk-abcdefgh", "my_sk-" DOTS },
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK_STR(redact(&t->arena, str_c(cases[i].in), 512), cases[i].want, "%s", cases[i].in);
}

TEST(the_end_is_cut_at_a_character)
{
    char text[600];

    for (size_t len = 511; len <= 513; len++) {
        memset(text, 'a', sizeof(text));
        for (size_t i = 10; i < sizeof(text); i += 10)
            text[i] = ' ';
        memcpy(text + len - 2, "\xc3\xa9", 2);
        struct str got = redact(&t->arena, (struct str){ text, len }, 512);

        CHECK_INT(got.len, len <= 512 ? len : 511, "%zu", len);
        CHECK_INT(utf8_valid(got), got.len, "%zu", len);
    }
}

TEST(a_key_across_the_end_of_what_is_read_does_not_come_out)
{
    char text[4200];

    memset(text, ' ', sizeof(text));
    text[0] = 'x';
    memcpy(text + 4090, "sk-abcdefghijkl", 15);
    struct str got = redact(&t->arena, (struct str){ text, sizeof(text) }, SIZE_MAX);

    CHECK_STR(got, "x");
}
