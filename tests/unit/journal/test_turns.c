#include "journal/turns.h"
#include "test.h"

static bool same_turns(const struct turns *a, const struct turns *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct turn *x = &a->at[i], *y = &b->at[i];

        if (x->session != y->session || x->follows != y->follows || x->at_ms != y->at_ms ||
            x->think_ms != y->think_ms || x->tokens_prompt != y->tokens_prompt ||
            x->tokens_out != y->tokens_out)
            return false;
    }
    return true;
}

TEST(the_same_numbers_make_the_same_turns_and_more_of_them_leave_those_before)
{
    struct turns_made made = turns_made_default;
    struct turns a, b, more, other;
    struct error e = { .status = OK };

    made.seed = test_random(t) >> 1;
    CHECK_INT(turns_make(&made, &a, &e), OK, "%s", e.text);
    CHECK_INT(turns_make(&made, &b, &e), OK, "%s", e.text);
    made.sessions += 10;
    CHECK_INT(turns_make(&made, &more, &e), OK, "%s", e.text);
    made.sessions -= 10;
    made.seed++;
    CHECK_INT(turns_make(&made, &other, &e), OK, "%s", e.text);
    CHECK(a.count == b.count && same_turns(&a, &b, a.count));
    CHECK(more.count > a.count && same_turns(&a, &more, a.count));
    CHECK(memcmp(a.sessions, more.sessions, a.session_count * sizeof(a.sessions[0])) == 0);
    CHECK(memcmp(&a.sessions[0], &other.sessions[0], sizeof(a.sessions[0])) != 0);
    turns_free(&a);
    turns_free(&b);
    turns_free(&more);
    turns_free(&other);
}

TEST(a_made_conversation_is_a_chain_whose_prompt_grows_by_answer_and_more)
{
    struct turns_made made = turns_made_default;
    struct turns all;
    struct error e = { .status = OK };
    uint32_t begins = 0;

    CHECK_INT(turns_make(&made, &all, &e), OK, "%s", e.text);
    for (uint32_t i = 0; i < all.count && t->failures == 0; i++) {
        const struct turn *turn = &all.at[i];

        begins += !turn->follows;
        CHECK(turn->at_ms >= 0 && turn->at_ms <= made.span_ms);
        CHECK(turn->tokens_out >= made.answer / 2 && turn->tokens_out <= made.answer * 3 / 2 + 1);
        if (turn->next == TURN_NONE)
            continue;
        CHECK_INT(turn->next, i + 1);
        CHECK(all.at[i + 1].follows && all.at[i + 1].session == turn->session);
        CHECK(all.at[i + 1].tokens_prompt >=
              turn->tokens_prompt + turn->tokens_out + made.growth / 2);
    }
    CHECK_INT(begins, made.sessions);
    CHECK_INT(all.session_count, made.sessions);
    turns_free(&all);
}

TEST(too_many_turns_are_refused)
{
    struct turns_made made = turns_made_default;
    struct turns all;
    struct error e = { .status = OK };

    made.sessions = TURNS_MAX;
    CHECK_INT(turns_make(&made, &all, &e), E_LIMIT);
    CHECK(strlen(e.text) > 0);
    turns_free(&all);
}

/* Two turns of one conversation, one of another, one of none; the first is refused once. */
static const char journal[] =
    "{\"kind\":\"arrival\",\"at_ms\":1000,\"exchange\":1,\"request_bytes\":400,"
    "\"tokens_estimated\":100,\"session\":\"aa000000000000000000000000000000\","
    "\"protocol\":\"anthropic\",\"model\":\"m\",\"stream\":true}\n"
    "{\"kind\":\"pick\",\"at_ms\":1000,\"exchange\":1,\"attempt\":0,\"account\":\"ada\","
    "\"reason\":\"round_robin\",\"skipped\":{\"none\":2}}\n"
    "{\"kind\":\"verdict\",\"at_ms\":1100,\"exchange\":1,\"attempt\":0,\"status\":429,"
    "\"verdict\":\"rate_limited\"}\n"
    "{\"kind\":\"arrival\",\"at_ms\":1050,\"exchange\":2,\"request_bytes\":8,"
    "\"tokens_estimated\":2,\"session\":\"bb000000000000000000000000000000\","
    "\"protocol\":\"anthropic\",\"model\":\"m\",\"stream\":true}\n"
    "{\"kind\":\"pick\",\"at_ms\":1100,\"exchange\":1,\"attempt\":1,\"account\":\"ben\","
    "\"reason\":\"round_robin\",\"skipped\":{\"none\":1,\"tried\":1}}\n"
    "{\"kind\":\"end\",\"at_ms\":3000,\"exchange\":1,\"status\":200,\"tokens_in\":120,"
    "\"tokens_out\":30,\"tokens_cache_read\":60}\n"
    "{\"kind\":\"end\",\"at_ms\":3100,\"exchange\":2,\"status\":429}\n"
    "\n"
    "{\"kind\":\"arrival\",\"at_ms\":8000,\"exchange\":3,\"request_bytes\":600,"
    "\"tokens_estimated\":150,\"session\":\"aa000000000000000000000000000000\","
    "\"protocol\":\"anthropic\",\"model\":\"m\",\"stream\":true}\n"
    "{\"kind\":\"arrival\",\"at_ms\":8001,\"exchange\":4,\"request_bytes\":8,"
    "\"tokens_estimated\":2,\"protocol\":\"gemini\",\"model\":\"n\",\"stream\":false}\n"
    "{\"kind\":\"end\",\"at_ms\":9000,\"exchange\":4,\"status\":502}\n";

TEST(a_journal_is_read_back_as_turns)
{
    struct turns all;
    struct error e = { .status = OK };

    if (!CHECK_INT(turns_read(str_c(journal), &all, &e), OK, "%s", e.text))
        return;
    CHECK_INT(all.count, 4);
    CHECK_INT(all.session_count, 2);
    CHECK_INT(all.at[0].at_ms, 0);
    CHECK_INT(all.at[1].at_ms, 50);
    CHECK_INT(all.at[0].tokens_prompt, 120, "as the provider counted");
    CHECK_INT(all.at[0].tokens_out, 30);
    CHECK_INT(all.at[1].tokens_prompt, 2, "as estimated");
    CHECK_INT(all.at[0].next, 2);
    CHECK(all.at[2].follows && all.at[2].think_ms == 5000);
    CHECK(!all.at[1].follows && !all.at[3].follows && all.at[3].session == TURN_NONE);
    CHECK_STR(all.at[3].model, "n");
    CHECK_INT(all.account_count, 2);
    CHECK_STR(all.accounts[0], "ada");
    CHECK_STR(all.accounts[1], "ben");
    CHECK(all.recorded.known && all.recorded.ended == 1 && all.recorded.refused == 1 &&
          all.recorded.failed == 1 && all.recorded.attempts == 2);
    CHECK(all.recorded.tokens_prompt == 120 && all.recorded.tokens_cached == 60);
    turns_free(&all);
}

TEST(turns_that_ran_side_by_side_do_not_follow_each_other)
{
    struct buf b = { .max = 4096 };
    struct turns all;
    struct error e = { .status = OK };

    for (int i = 0; i < 2; i++)
        (void)buf_printf(&b,
                         "{\"kind\":\"arrival\",\"at_ms\":%d,\"exchange\":%d,\"request_bytes\":8,"
                         "\"tokens_estimated\":2,\"session\":\"aa000000000000000000000000000000\","
                         "\"protocol\":\"gemini\",\"model\":\"n\",\"stream\":false}\n",
                         i * 10, i);
    (void)buf_printf(&b, "{\"kind\":\"end\",\"at_ms\":100,\"exchange\":0,\"status\":200}\n");
    if (CHECK_INT(turns_read(buf_str(&b), &all, &e), OK, "%s", e.text)) {
        CHECK(!all.at[1].follows && all.at[0].next == TURN_NONE && all.at[1].at_ms == 10);
        turns_free(&all);
    }
    buf_clear(&b);
}

TEST(a_broken_line_is_named_but_for_a_last_one_that_was_cut)
{
    struct turns all;
    struct error e = { .status = OK };
    struct str whole = str_c(journal);

    for (size_t len = whole.len - 1; len > whole.len - 50; len--)
        if (CHECK_INT(turns_read(str_take(whole, len), &all, &e), OK, "%zu: %s", len, e.text)) {
            CHECK_INT(all.count, 4);
            turns_free(&all);
        }
    struct str bad = arena_printf(&t->arena, "{\"kind\":\"end\",\"at_ms\":1,\"exchange\":9,"
                                             "\"status\":200}\n{\"kind\":\"what\"}\n");

    CHECK_INT(turns_read(bad, &all, &e), E_SYNTAX);
    CHECK(str_find(str_c(e.text), STR("line 2")) != SIZE_MAX, "%s", e.text);
    CHECK_INT(turns_read(STR(""), &all, &e), E_ABSENT);
}
