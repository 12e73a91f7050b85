#include "journal/journal.h"
#include "test.h"

static struct journal_event random_event(struct test *t, struct arena *a)
{
    static const char *const texts[] = { "openai-chat", "gpt-\"4\"\n", "m\303\266del", "x", "" };
    struct journal_event ev = journal_event_blank((enum journal_kind)test_below(t, 4));
    int64_t maybe[8];

    for (size_t i = 0; i < COUNT(maybe); i++)
        maybe[i] =
            test_below(t, 3) == 0 ? -1 : (int64_t)(test_random(t) >> (1 + test_below(t, 62)));
    (void)a;
    ev.at_ms = (int64_t)(test_random(t) >> 20);
    ev.exchange = test_random(t) >> 1;
    switch (ev.kind) {
    case JOURNAL_ARRIVAL:
        ev.has_session = test_below(t, 2) == 0;
        for (size_t i = 0; ev.has_session && i < sizeof(ev.session.digest); i++)
            ev.session.digest[i] = (uint8_t)test_random(t);
        ev.protocol = str_c(texts[test_below(t, COUNT(texts))]);
        ev.model = str_c(texts[test_below(t, COUNT(texts))]);
        ev.request_bytes = test_random(t) >> 30;
        ev.tokens_estimated = (uint32_t)test_random(t);
        ev.stream = test_below(t, 2) == 0;
        break;
    case JOURNAL_PICK:
        ev.account = str_c(texts[test_below(t, COUNT(texts))]);
        ev.reason = (enum pick_reason)test_below(t, PICK_REASONS);
        for (unsigned i = 0; i < SKIPS; i++)
            ev.skipped[i] = test_below(t, 2) == 0 ? 0 : (uint32_t)test_random(t);
        ev.retry_after_ms = maybe[0];
        ev.attempt = (uint32_t)test_random(t);
        break;
    case JOURNAL_VERDICT:
        ev.verdict = (enum verdict_kind)test_below(t, VERDICT_KINDS);
        ev.attempt = (uint32_t)test_random(t);
        ev.delay_ms = maybe[0];
        ev.first_byte_ms = maybe[1];
        ev.duration_ms = maybe[2];
        break;
    case JOURNAL_END:
        break;
    }
    if (ev.kind == JOURNAL_VERDICT || ev.kind == JOURNAL_END) {
        ev.status = (int)test_below(t, 600);
        ev.tokens_in = maybe[3];
        ev.tokens_out = maybe[4];
        ev.tokens_cache_read = maybe[5];
        ev.tokens_cache_write = maybe[6];
        ev.tokens_reasoning = maybe[7];
    }
    return ev;
}

static void check_same(struct test *t, const struct journal_event *a, const struct journal_event *b,
                       int round)
{
    CHECK_INT(a->kind, b->kind, "round %d", round);
    CHECK_INT(a->at_ms, b->at_ms, "round %d", round);
    CHECK(a->exchange == b->exchange, "round %d", round);
    CHECK_INT(a->has_session, b->has_session, "round %d", round);
    CHECK(memcmp(&a->session, &b->session, sizeof(a->session)) == 0, "round %d", round);
    CHECK_STRS(a->protocol, b->protocol, "round %d", round);
    CHECK_STRS(a->model, b->model, "round %d", round);
    CHECK_STRS(a->account, b->account, "round %d", round);
    CHECK(a->request_bytes == b->request_bytes, "round %d", round);
    CHECK_INT(a->tokens_estimated, b->tokens_estimated, "round %d", round);
    CHECK_INT(a->stream, b->stream, "round %d", round);
    CHECK_INT(a->reason, b->reason, "round %d", round);
    CHECK(memcmp(a->skipped, b->skipped, sizeof(a->skipped)) == 0, "round %d", round);
    CHECK_INT(a->retry_after_ms, b->retry_after_ms, "round %d", round);
    CHECK_INT(a->attempt, b->attempt, "round %d", round);
    CHECK_INT(a->verdict, b->verdict, "round %d", round);
    CHECK_INT(a->delay_ms, b->delay_ms, "round %d", round);
    CHECK_INT(a->first_byte_ms, b->first_byte_ms, "round %d", round);
    CHECK_INT(a->duration_ms, b->duration_ms, "round %d", round);
    CHECK_INT(a->status, b->status, "round %d", round);
    CHECK_INT(a->tokens_in, b->tokens_in, "round %d", round);
    CHECK_INT(a->tokens_out, b->tokens_out, "round %d", round);
    CHECK_INT(a->tokens_cache_read, b->tokens_cache_read, "round %d", round);
    CHECK_INT(a->tokens_cache_write, b->tokens_cache_write, "round %d", round);
    CHECK_INT(a->tokens_reasoning, b->tokens_reasoning, "round %d", round);
}

TEST(what_is_written_reads_back_the_same)
{
    struct buf out = { .max = 4096 };

    for (int round = 0; round < 2000 && t->failures == 0; round++) {
        struct journal_event ev = random_event(t, &t->arena), got;
        struct error e = { .status = OK };

        out.len = 0;
        CHECK(journal_put(&out, &ev), "round %d", round);
        CHECK_INT(journal_read(buf_str(&out), &t->arena, &got, &e), OK, "round %d: %s", round,
                  e.text);
        check_same(t, &got, &ev, round);
    }
    buf_clear(&out);
}

TEST(lines_look_as_the_manual_says)
{
    struct buf out = { .max = 4096 };
    struct journal_event ev = journal_event_blank(JOURNAL_ARRIVAL);

    ev.at_ms = 12;
    ev.exchange = 3;
    ev.has_session = true;
    ev.session.digest[0] = 0xab;
    ev.home = STR("ada");
    ev.protocol = STR("anthropic");
    ev.model = STR("claude");
    ev.request_bytes = 100;
    ev.stream = true;
    CHECK(journal_put(&out, &ev));
    CHECK_STR(
        buf_str(&out),
        "{\"kind\":\"arrival\",\"at_ms\":12,\"exchange\":3,\"request_bytes\":100,"
        "\"tokens_estimated\":0,\"session\":\"ab000000000000000000000000000000\",\"home\":\"ada\","
        "\"protocol\":\"anthropic\",\"model\":\"claude\",\"stream\":true}\n");
    struct journal_event back;
    struct error e = { .status = OK };

    CHECK_INT(journal_read(buf_str(&out), &t->arena, &back, &e), OK);
    CHECK_STR(back.home, "ada");
    out.len = 0;
    ev = journal_event_blank(JOURNAL_PICK);
    ev.skipped[SKIP_BUSY] = 2;
    ev.retry_after_ms = 5;
    CHECK(journal_put(&out, &ev));
    CHECK_STR(buf_str(&out),
              "{\"kind\":\"pick\",\"at_ms\":0,\"exchange\":0,\"attempt\":0,"
              "\"retry_after_ms\":5,\"reason\":\"none\",\"skipped\":{\"busy\":2}}\n");
    buf_clear(&out);
}

TEST(a_line_that_is_wrong_is_refused_by_the_name_of_its_member)
{
#define HEAD "\"at_ms\":1,\"exchange\":1"
#define ARRIVAL "{\"kind\":\"arrival\"," HEAD ",\"request_bytes\":1,\"tokens_estimated\":1"
    static const struct {
        const char *line, *named;
    } cases[] = {
        { "", "no JSON" },
        { "[]", "no object" },
        { "{\"kind\":\"end\"", "no JSON" },
        { "{" HEAD "}", "kind" },
        { "{\"kind\":\"start\"," HEAD "}", "kind" },
        { "{\"kind\":7," HEAD "}", "kind" },
        { "{\"kind\":\"end\",\"exchange\":1,\"status\":1}", "at_ms" },
        { "{\"kind\":\"end\",\"at_ms\":-1,\"exchange\":1,\"status\":1}", "at_ms" },
        { "{\"kind\":\"end\",\"at_ms\":\"1\",\"exchange\":1,\"status\":1}", "at_ms" },
        { "{\"kind\":\"end\"," HEAD ",\"status\":2147483648}", "status" },
        { "{\"kind\":\"end\"," HEAD ",\"status\":200,\"tokens_in\":-2}", "tokens_in" },
        { "{\"kind\":\"end\"," HEAD ",\"status\":200,\"status\":201}", "status" },
        { "{\"kind\":\"end\",\"kind\":\"end\"," HEAD ",\"status\":200}", "kind" },
        { ARRIVAL ",\"model\":\"m\",\"stream\":true}", "protocol" },
        { ARRIVAL ",\"protocol\":\"p\",\"stream\":true}", "model" },
        { ARRIVAL ",\"protocol\":\"p\",\"model\":\"m\"}", "stream" },
        { ARRIVAL ",\"protocol\":\"p\",\"model\":\"m\",\"stream\":1}", "stream" },
        { ARRIVAL ",\"session\":\"ab\",\"protocol\":\"p\",\"model\":\"m\",\"stream\":true}",
          "session" },
        { ARRIVAL ",\"session\":\"gg000000000000000000000000000000\",\"protocol\":\"p\"}",
          "session" },
        { "{\"kind\":\"pick\"," HEAD ",\"attempt\":4294967296}", "attempt" },
        { "{\"kind\":\"pick\"," HEAD ",\"attempt\":0,\"reason\":\"luck\",\"skipped\":{}}",
          "reason" },
        { "{\"kind\":\"pick\"," HEAD ",\"attempt\":0,\"reason\":\"only\"}", "skipped" },
        { "{\"kind\":\"pick\"," HEAD
          ",\"attempt\":0,\"reason\":\"only\",\"skipped\":{\"busy\":-1}}",
          "skipped.busy" },
        { "{\"kind\":\"verdict\"," HEAD ",\"attempt\":0,\"status\":0,\"verdict\":\"odd\"}",
          "verdict" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct journal_event ev;
        struct error e = { .status = OK };

        CHECK_INT(journal_read(str_c(cases[i].line), &t->arena, &ev, &e), E_SYNTAX, "%s",
                  cases[i].line);
        CHECK(str_find(str_c(e.text), str_c(cases[i].named)) != SIZE_MAX, "%s: %s", cases[i].line,
              e.text);
    }
}

TEST(members_nobody_knows_are_passed_over)
{
    struct journal_event ev;
    struct error e = { .status = OK };

    CHECK_INT(journal_read(STR("{\"new\":[1,{}],\"kind\":\"end\"," HEAD ",\"status\":200}\r\n"),
                           &t->arena, &ev, &e),
              OK, "%s", e.text);
    CHECK_INT(ev.status, 200);
    CHECK_INT(ev.tokens_in, -1);
}

TEST(an_event_that_does_not_fit_leaves_the_buffer_as_it_was)
{
    struct journal_event ev = journal_event_blank(JOURNAL_END);
    struct buf room = { .max = 4096 };

    CHECK(journal_put(&room, &ev));
    for (size_t max = 0; max <= room.len; max++) {
        struct buf out = { .max = max };

        CHECK_INT(journal_put(&out, &ev), max == room.len, "%zu of %zu", max, room.len);
        CHECK_INT(out.len, max == room.len ? room.len : 0, "%zu", max);
        buf_clear(&out);
    }
    buf_clear(&room);
}

struct sink {
    size_t bytes, lines, writes, longest;
    bool stuck, broken; /* broken: a write that did not end with a whole line */
};

static bool take(void *peer, struct str lines)
{
    struct sink *s = peer;

    if (s->stuck)
        return false;
    s->writes++;
    s->bytes += lines.len;
    s->longest = lines.len > s->longest ? lines.len : s->longest;
    for (size_t i = 0; i < lines.len; i++)
        s->lines += lines.at[i] == '\n';
    s->broken = s->broken || lines.len == 0 || lines.at[lines.len - 1] != '\n';
    return true;
}

TEST(events_are_written_in_whole_lines_and_bounded_runs)
{
    struct sink s = { 0 };
    struct journal *j = journal_new(0, take, &s);
    struct journal_event ev = journal_event_blank(JOURNAL_END);

    for (int i = 0; i < 5000; i++) {
        ev.at_ms = i;
        journal_add(j, &ev);
    }
    journal_flush(j);
    CHECK_INT(s.lines, 5000);
    CHECK(s.writes > 1 && s.longest <= JOURNAL_BUFFER_MAX && !s.broken);
    CHECK(s.longest > JOURNAL_BUFFER_MAX - 200, "the buffer is used: %zu", s.longest);
    journal_flush(j);
    CHECK_INT(s.lines, 5000);
    CHECK_INT(journal_dropped(j), 0);
    journal_add(j, &ev);
    journal_free(j);
    CHECK_INT(s.lines, 5001, "the last ones are not lost");
    journal_free(NULL);
}

TEST(a_writer_that_cannot_keep_up_costs_events_and_they_are_counted)
{
    struct sink s = { .stuck = true };
    struct journal *j = journal_new(0, take, &s);
    struct journal_event ev = journal_event_blank(JOURNAL_END);

    for (int i = 0; i < 5000; i++)
        journal_add(j, &ev);
    uint64_t dropped = journal_dropped(j);

    CHECK(dropped > 0 && dropped < 5000, "%" PRIu64, dropped);
    s.stuck = false;
    journal_flush(j);
    CHECK_INT(s.lines + dropped, 5000);
    journal_add(j, &ev);
    journal_flush(j);
    CHECK_INT(journal_dropped(j), dropped);
    journal_free(j);
}

static bool take_copy(void *peer, struct str lines)
{
    return buf_add(peer, lines);
}

TEST(times_count_from_the_opening_of_the_journal)
{
    static const int64_t at[] = { 900, 1000, 1100 }, want[] = { 0, 0, 100 };
    struct buf lines = { .max = 4096 };
    struct journal *j = journal_new(1000, take_copy, &lines);
    struct journal_event ev = journal_event_blank(JOURNAL_END), got;
    struct error e = { .status = OK };

    for (size_t i = 0; i < COUNT(at); i++) {
        ev.at_ms = at[i];
        journal_add(j, &ev);
    }
    journal_free(j);
    struct str line, rest = buf_str(&lines);

    for (size_t i = 0; i < COUNT(want); i++) {
        (void)str_cut(rest, '\n', &line, &rest);
        CHECK_INT(journal_read(line, &t->arena, &got, &e), OK, "%s", e.text);
        CHECK_INT(got.at_ms, want[i]);
    }
    buf_clear(&lines);
}

TEST(the_route_of_an_arrival_is_kept)
{
    static const struct journal_entry entries[] = {
        { .provider = { "gemini", 6 }, .model = { "m1", 2 }, .by_age = true },
        { .account = { "work \"1\"", 8 },
          .model = { "m2", 2 },
          .rotates = true,
          .spends_reserve = true },
    };
    struct journal_event ev = journal_event_blank(JOURNAL_ARRIVAL), got;
    struct buf line = { .max = 4096 };
    struct error e = { .status = OK };

    ev.protocol = STR("anthropic");
    ev.model = STR("f");
    ev.by = PICK_FLOW;
    ev.entries = entries;
    ev.entry_count = COUNT(entries);
    CHECK(journal_put(&line, &ev));
    if (CHECK_INT(journal_read(buf_str(&line), &t->arena, &got, &e), OK, "%s", e.text)) {
        CHECK_INT(got.by, PICK_FLOW);
        CHECK_INT(got.entry_count, 2);
        CHECK_STR(got.entries[0].provider, "gemini");
        CHECK(got.entries[0].by_age && !got.entries[0].rotates);
        CHECK_STR(got.entries[1].account, "work \"1\"");
        CHECK(got.entries[1].rotates && got.entries[1].spends_reserve);
    }
    buf_clear(&line);
}
