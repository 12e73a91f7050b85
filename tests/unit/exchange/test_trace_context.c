/* W3C Trace Context, and ids made of a request's id. */
#include "exchange/trace_context.h"
#include "test.h"

#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define SPAN "b7ad6b7169203331"

TEST(a_traceparent_is_read_as_the_recommendation_has_it)
{
    static const struct {
        const char *text;
        bool good, sampled;
    } cases[] = {
        { "00-" TRACE "-" SPAN "-01", true, true },
        { "00-" TRACE "-" SPAN "-00", true, false },
        { "00-" TRACE "-" SPAN "-03", true, true },
        { "00-" TRACE "-" SPAN "-02", true, false },
        { "cc-" TRACE "-" SPAN "-01", true, true },
        { "cc-" TRACE "-" SPAN "-01-what-comes", true, true },
        { "cc-" TRACE "-" SPAN "-01.what", false, false },
        { "00-" TRACE "-" SPAN "-01-more", false, false },
        { "ff-" TRACE "-" SPAN "-01", false, false },
        { "00-00000000000000000000000000000000-" SPAN "-01", false, false },
        { "00-" TRACE "-0000000000000000-01", false, false },
        { "00-" TRACE "-" SPAN "-1", false, false },
        { "00-" TRACE "-" SPAN "-0g", false, false },
        { "00-0AF7651916CD43DD8448EB211C80319C-" SPAN "-01", false, false },
        { "00_" TRACE "-" SPAN "-01", false, false },
        { "0-" TRACE "-" SPAN "-01", false, false },
        { "", false, false },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct trace_context c = { .sampled = false };

        CHECK(trace_context_read(str_c(cases[i].text), &c) == cases[i].good, "%s", cases[i].text);
        CHECK(c.sampled == cases[i].sampled && c.has_parent == cases[i].good, "%s", cases[i].text);
    }
}

TEST(what_was_read_is_put_again)
{
    struct trace_context c;
    char text[TRACEPARENT_LEN + 1];

    CHECK(trace_context_read(STR("00-" TRACE "-" SPAN "-01"), &c));
    CHECK_STR(trace_context_put(&c, c.parent, text), "00-" TRACE "-" SPAN "-01");
    c.sampled = false;
    CHECK_STR(trace_context_put(&c, c.parent, text), "00-" TRACE "-" SPAN "-00");
}

TEST(a_request_without_one_begins_a_trace_that_is_sampled_as_often_as_it_should)
{
    char id[32];
    unsigned sampled = 0;

    for (unsigned i = 0; i < 20000; i++) {
        struct trace_context c;
        uint8_t own[8], first[8], again[8];

        snprintf(id, sizeof(id), "req_%024x", i);
        trace_context_new(str_c(id), 250, &c);
        sampled += c.sampled;
        CHECK(!c.has_parent && c.trace[0] != 0);
        trace_span_id(str_c(id), 0, own);
        trace_span_id(str_c(id), 1, first);
        trace_span_id(str_c(id), 1, again);
        CHECK(memcmp(own, first, 8) != 0 && memcmp(first, again, 8) == 0, "%s", id);
    }
    CHECK(sampled > 4600 && sampled < 5400, "%u of 20000", sampled);
    for (uint32_t permille = 0; permille <= 1000; permille += 1000) {
        struct trace_context c;

        trace_context_new(STR("req_1"), permille, &c);
        CHECK(c.sampled == (permille == 1000));
    }
}
