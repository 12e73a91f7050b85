/* Bodies that are kept for a while: whose, for how long, how much, and without keys. */
#include "exchange/capture.h"
#include "test.h"

#define NOW INT64_C(1700000000000)

static struct captured *begin(struct capture *c, const char *session, int64_t now, struct str body)
{
    return capture_begin(c, STR("req_1"), str_c(session), now, body);
}

static void end(struct captured *d)
{
    struct access_record r = { .protocol = STR("openai-chat"),
                               .usage = usage_unknown(),
                               .first_byte_ms = -1,
                               .phase = "reading" };

    captured_record(d, &r);
    captured_over(d);
}

TEST(it_is_on_for_a_while_and_for_one_conversation_or_all)
{
    struct capture *c = capture_new();
    struct capture_state s;

    CHECK(begin(c, "sid-a", NOW, STR("x")) == NULL && !capture_is_on(c), "off at first");
    capture_start(c, STR("sid-a"), NOW, NOW + 60000);
    capture_get(c, NOW, &s);
    CHECK_INT(s.until_unix_ms, NOW + 60000);
    CHECK_STR(str_c(s.session), "sid-a");
    CHECK(begin(c, "sid-b", NOW, STR("x")) == NULL && begin(c, "", NOW, STR("x")) == NULL);
    end(begin(c, "sid-a", NOW + 59999, STR("x")));
    CHECK(begin(c, "sid-a", NOW + 60000, STR("x")) == NULL, "its time is over");
    CHECK(!capture_is_on(c));
    capture_start(c, STR(""), NOW, NOW + 100 * CAPTURE_MS_MAX);
    capture_get(c, NOW, &s);
    CHECK_INT(s.until_unix_ms, NOW + CAPTURE_MS_MAX, "a quarter of an hour at most");
    end(begin(c, "", NOW, STR("x")));
    capture_stop(c);
    CHECK(begin(c, "", NOW, STR("x")) == NULL);
    capture_free(c);
}

TEST(bodies_have_a_ceiling_each_and_together)
{
    struct capture *c = capture_new();
    size_t len = CAPTURE_BODY_MAX + 1;
    char *text = arena_alloc(&t->arena, len);
    struct str large = { text, len }, fits = { text, len - 1 };
    unsigned taken = 0;

    memset(text, 'x', len);
    capture_start(c, STR(""), NOW, NOW + 1000);
    struct captured *d = begin(c, "", NOW, large);

    CHECK(d->asked_clipped && d->asked.len == CAPTURE_BODY_MAX);
    captured_answer(d, &fits, 1);
    CHECK(!d->answered_clipped && d->answered.len == CAPTURE_BODY_MAX);
    captured_answer(d, &(struct str){ "y", 1 }, 1);
    CHECK(d->answered_clipped && d->answered.len == CAPTURE_BODY_MAX);
    end(d);
    for (; taken < 1000 && (d = begin(c, "", NOW, fits)) != NULL; taken++)
        end(d);
    CHECK(taken >= 61 && taken <= 64, "%u after two of 1 MiB", taken);
    capture_free(c);
}

TEST(what_is_finished_on_both_sides_is_taken_in_order)
{
    struct capture *c = capture_new();

    capture_start(c, STR(""), NOW, NOW + 1000);
    struct captured *one = begin(c, "sid-1", NOW, STR("ask \xff")),
                    *two = begin(c, "", NOW, STR(""));

    captured_over(two);
    CHECK(capture_take(c) == NULL, "how it ended is not known yet");
    end(one);
    captured_record(two, &(struct access_record){ .usage = usage_unknown(), .phase = "" });
    struct captured *all = capture_take(c);

    CHECK(all == one && all->next == two && two->next == NULL && capture_take(c) == NULL);
    struct buf text = { .max = (size_t)8 << 20 };
    struct json doc;

    captured_put(one, &text);
    CHECK(json_parse(&doc, str_trim(buf_str(&text)), NULL, &t->arena, NULL), "%.*s", (int)text.len,
          text.at);
    CHECK(str_find(buf_str(&text), STR("\"request\":\"ask \xef\xbf\xbd\"")) != SIZE_MAX);
    buf_clear(&text);
    captured_free(one);
    captured_free(two);
    capture_free(c);
}

TEST(what_looks_like_a_key_is_masked)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        { "my key is sk-abcdefghijkl.", "my key is sk-*************" },
        { "{\"k\":\"sk-ant-api03-AbC_123-xyz\"}", "{\"k\":\"sk-*********************\"}" },
        { "Bearer abcdefghijklmnop, then", "Bearer ****************, then" },
        { "AIzaSyA1234567890123456789012", "AIza*************************" },
        { "task-management-is-a-long-word", "task-management-is-a-long-word" },
        { "sk-short", "sk-short" },
        { "ask sk-learn", "ask sk-learn" },
        { "sk-", "sk-" },
        { "", "" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf b = { .max = 1000 };

        (void)buf_add(&b, str_c(cases[i].text));
        capture_mask(&b);
        CHECK_STR(buf_str(&b), cases[i].want, "%s", cases[i].text);
        buf_clear(&b);
    }
}
