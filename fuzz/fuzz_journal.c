/* A journal, whatever it says, is read or refused with its line; what is read can be replayed:
 * every turn ends, once. A line that was read is written the same. */
#include <stdio.h>

#include "journal/replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_lines(struct str text)
{
    struct arena a = { 0 };
    struct str rest = text, line;

    while (rest.len > 0) {
        struct journal_event ev, again;
        struct buf written = { .max = (size_t)1 << 20 }, twice = { .max = (size_t)1 << 20 };

        (void)str_cut(rest, '\n', &line, &rest);
        if (journal_read(line, &a, &ev, NULL) == OK && journal_put(&written, &ev)) {
            enum status st = journal_read(buf_str(&written), &a, &again, NULL);

            assert(st == OK);
            bool fits = journal_put(&twice, &again);

            assert(fits && str_eq(buf_str(&written), buf_str(&twice)));
        }
        buf_clear(&written);
        buf_clear(&twice);
        arena_reset(&a);
    }
    arena_free(&a);
}

static void check_replay(const struct turns *turns)
{
    static const struct world_account accounts[] = {
        { .label = { "a", 1 }, .requests_per_minute = 3, .tokens_per_minute = 1000 },
        { .label = { "b", 1 }, .quota_tokens = 5000, .quota_window_ms = 60000 },
    };
    struct replay_options o = { .pool = { .mode = MODE_CACHE_FIRST,
                                          .max_wait_ms = 60000,
                                          .queue_wait_ms = 5000,
                                          .backoff_ms = { 60000 },
                                          .backoff_count = 1 },
                                .world = world_options_default,
                                .deadline_ms = 600000 };
    struct arena a = { 0 };
    struct replay_report report;
    struct error e = { .status = OK };

    o.world.accounts = accounts;
    o.world.account_count = COUNT(accounts);
    enum status st = replay_run(&o, turns, &a, &report, &e);

    assert(st == OK);
    assert(report.requests == turns->count);
    assert(report.completed + report.refused + report.failed == report.requests);
    assert(report.tokens_cached <= report.tokens_prompt);
    arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = { (const char *)data, size };
    struct turns turns;
    struct error e = { .status = OK };

    check_lines(text);
    if (turns_read(text, &turns, &e) != OK) {
        assert(e.text[0] != '\0');
        return 0;
    }
    check_replay(&turns);
    turns_free(&turns);
    return 0;
}
