#include "exchange/ledger.h"

#include "test.h"

static const struct key_id ada = { { 1 } }, ben = { { 2 } };
static const struct minter one = { 7, 100 }, two = { 8, 100 }, other = { 9, 200 };

static bool knows(struct ledger *l, const struct key_id *owner, const char *blob,
                  const struct minter *by)
{
    struct minter got;

    return ledger_find(l, owner, str_c(blob), &got) && got.account == by->account &&
           got.realm == by->realm;
}

TEST(a_blob_tells_who_minted_it_to_its_own_client)
{
    struct ledger *l = ledger_new();

    (void)t;
    CHECK(!ledger_any_marked(l));
    CHECK(!ledger_has_other_account(l, 7) && !ledger_has_other_realm(l, 100));
    ledger_mark(l, &ada, STR("gAAAA1"), &one);
    CHECK(ledger_any_marked(l));
    CHECK(knows(l, &ada, "gAAAA1", &one));
    CHECK(!knows(l, &ben, "gAAAA1", &one) && !knows(l, &ada, "gAAAA2", &one));
    CHECK(!ledger_has_other_account(l, 7) && !ledger_has_other_realm(l, 100));
    CHECK(ledger_has_other_account(l, 8) && ledger_has_other_realm(l, 200)); /* from the first on */
    ledger_mark(l, &ada, STR("gAAAA2"), &two);
    CHECK(ledger_has_other_account(l, 7) && ledger_has_other_account(l, 8));
    CHECK(!ledger_has_other_realm(l, 100));
    ledger_mark(l, &ben, STR("x"), &other);
    CHECK(ledger_has_other_realm(l, 100) && ledger_has_other_realm(l, 200));
    ledger_mark(l, &ada, STR("gAAAA1"), &two); /* the last one said */
    CHECK(knows(l, &ada, "gAAAA1", &two));
    ledger_mark(l, &ada, STR(""), &one);
    CHECK(!knows(l, &ada, "", &one));
    ledger_free(l);
}

TEST(marks_are_bounded_and_what_is_used_stays)
{
    struct ledger *l = ledger_new();
    uint32_t all = 3 * LEDGER_MARKS, known = 0;
    struct minter got;

    for (uint32_t i = 0; i < all; i++) {
        ledger_mark(l, &ada, arena_printf(&t->arena, "blob %u", i), &one);
        CHECK(ledger_find(l, &ada, STR("blob 0"), &got), "after %u", i);
        if (i % 4096 == 0)
            arena_reset(&t->arena);
    }
    for (uint32_t i = 0; i < all; i++) {
        known += ledger_find(l, &ada, arena_printf(&t->arena, "blob %u", i), &got);
        if (i % 4096 == 0)
            arena_reset(&t->arena);
    }
    CHECK(known > LEDGER_MARKS / 2 && known <= LEDGER_MARKS, "%u", known);
    ledger_free(l);
}

TEST(marks_outlive_a_restart_and_hold_no_blob)
{
    struct ledger *l = ledger_new(), *again = ledger_new();
    struct buf file = { .max = LEDGER_FILE_MAX };

    CHECK(!ledger_changed(l));
    ledger_mark(l, &ada, STR("gAAAAsecretsecret"), &one);
    ledger_mark(l, &ben, STR("EqQBother"), &other);
    CHECK(ledger_changed(l) && !ledger_changed(l));
    ledger_save(l, &file);
    CHECK(str_find(buf_str(&file), STR("secret")) == SIZE_MAX);
    ledger_load(again, buf_str(&file));
    CHECK(knows(again, &ada, "gAAAAsecretsecret", &one) && knows(again, &ben, "EqQBother", &other));
    CHECK(ledger_has_other_account(again, one.account) && ledger_has_other_realm(again, one.realm));
    ledger_free(again);
    /* whatever the file is, reading it gives a ledger */
    for (size_t cut = 0; cut <= file.len; cut++) {
        again = ledger_new();
        ledger_load(again, str_take(buf_str(&file), cut));
        CHECK(cut == file.len || !knows(again, &ben, "EqQBother", &other), "cut at %zu", cut);
        ledger_free(again);
    }
    again = ledger_new();
    ledger_load(again, STR("no such file\n"));
    CHECK(!ledger_has_other_account(again, one.account));
    ledger_free(again);
    buf_clear(&file);
    ledger_free(l);
}

TEST(what_is_lent_comes_back_by_its_call_to_its_own_client_for_a_time)
{
    struct ledger *l = ledger_new();
    struct str record;

    CHECK(!ledger_any_lent(l));
    ledger_lend(l, &ada, STR("call_1"), STR("[1]"), 0);
    ledger_lend(l, &ada, STR("call_1"), STR("[2]"), 0);
    CHECK(ledger_any_lent(l));
    CHECK(ledger_lent(l, &ada, STR("call_1"), LEDGER_LENT_MS - 1, &t->arena, &record));
    CHECK_STR(record, "[2]");
    CHECK(!ledger_lent(l, &ben, STR("call_1"), 0, &t->arena, &record));
    CHECK(!ledger_lent(l, &ada, STR("call_2"), 0, &t->arena, &record));
    CHECK(!ledger_lent(l, &ada, STR(""), 0, &t->arena, &record));
    CHECK(!ledger_lent(l, &ada, STR("call_1"), 2 * LEDGER_LENT_MS, &t->arena, &record));
    ledger_free(l);
}

TEST(what_is_lent_is_bounded_in_bytes)
{
    struct ledger *l = ledger_new();
    struct str big = { arena_alloc(&t->arena, LEDGER_LENT_BYTES / 8), LEDGER_LENT_BYTES / 8 };
    struct arena a = { 0 };
    struct str record;
    uint32_t kept = 0;

    for (uint32_t i = 0; i < 20; i++)
        ledger_lend(l, &ada, arena_printf(&t->arena, "call_%u", i), big, i);
    for (uint32_t i = 0; i < 20; i++) {
        kept += ledger_lent(l, &ada, arena_printf(&t->arena, "call_%u", i), 20, &a, &record);
        arena_reset(&a);
    }
    CHECK(kept >= 6 && kept <= 8, "%u", kept);
    CHECK(ledger_lent(l, &ada, STR("call_19"), 20, &a, &record));
    arena_free(&a);
    ledger_free(l);
}
