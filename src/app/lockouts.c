/* app/lockouts.c - `penstock lockouts`: which accounts are left alone, why and until when. */
#include <stdio.h>
#include <string.h>

#include "app/command.h"
#include "app/options.h"
#include "app/remote.h"
#include "base/log.h"
#include "base/timetext.h"
#include "io/signals.h"

static const char help[] =
    "usage: penstock lockouts list [--json] [--data-dir D]\n"
    "       penstock lockouts clear ACCOUNT [--json] [--data-dir D]\n"
    "       penstock lockouts clear --all [--data-dir D]\n\n"
    "Accounts that are not asked for a while because of what their provider said. Clear one (by "
    "id\n"
    "or label) when you know that all is well again: its lockouts, a refused credential and what\n"
    "the provider wanted done are forgotten.\n\n"
    "  --all          every account\n"
    "  --json         answer as JSON\n"
    "  --data-dir D   data directory of the gateway (PENSTOCK_DATA_DIR, else ~/.penstock)\n\n"
    "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no gateway runs or no such account.\n";

static void print_lockout(struct remote_answer *answer, struct str label, uint32_t lockout)
{
    struct str scope = answer_text(answer, lockout, "scope");
    struct str reason = answer_text(answer, lockout, "reason");
    struct str evidence = answer_text(answer, lockout, "evidence");
    int64_t left_s = answer_number(answer, lockout, "seconds_left", -1);
    struct buf left = { .max = 64 };

    if (left_s >= 0)
        (void)duration_put(&left, left_s * 1000);
    else
        (void)buf_add(&left, STR("you act"));
    printf("%-20.*s %-20.*s %-16.*s %-10.*s %.*s\n", STR_ARG(label), STR_ARG(scope),
           STR_ARG(reason), (int)left.len, buf_str(&left).at, (int)evidence.len, evidence.at);
    buf_clear(&left);
}

static bool is_locked(struct remote_answer *answer, uint32_t account)
{
    return answer_number(answer, account, "lockout_count", 0) > 0 ||
           answer_flag(answer, account, "credential_refused");
}

static void print_lockouts(struct remote_answer *answer)
{
    uint32_t accounts = answer_member(answer, 0, "accounts");
    size_t locked = 0;

    for (uint32_t i = accounts == JSON_NONE ? JSON_NONE : json_first(&answer->doc, accounts);
         i != JSON_NONE; i = json_after(&answer->doc, accounts, i)) {
        uint32_t lockouts = answer_member(answer, i, "lockouts");
        struct str label = answer_text(answer, i, "label");

        if (!is_locked(answer, i))
            continue;
        if (locked++ == 0)
            printf("%-20s %-20s %-16s %-10s %s\n", "ACCOUNT", "SCOPE", "REASON", "UNTIL IN",
                   "THE PROVIDER SAID");
        for (uint32_t k = lockouts == JSON_NONE ? JSON_NONE : json_first(&answer->doc, lockouts);
             k != JSON_NONE; k = json_after(&answer->doc, lockouts, k))
            print_lockout(answer, label, k);
        if (answer_flag(answer, i, "credential_refused")) {
            struct str why = answer_text(answer, i, "disabled_reason");

            printf("%-20.*s %-20s %-16s %-10s %.*s\n", STR_ARG(label), "account", "auth_invalid",
                   "you act", STR_ARG(why));
        }
    }
    if (locked == 0)
        printf("no account is locked out\n");
}

static void print_cleared(struct remote_answer *answer)
{
    struct str label = answer_text(answer, 0, "label");

    printf("cleared `%.*s`\n", STR_ARG(label));
}

/* One call for each account that has something to clear. */
static enum status clear_all(struct remote *r, struct error *e)
{
    struct remote_answer list, one;
    enum status st = remote_call(r, "GET", STR("/api/accounts"), STR(""), &list, e);
    uint32_t accounts = st == OK ? answer_member(&list, 0, "accounts") : JSON_NONE;

    for (uint32_t i = accounts == JSON_NONE ? JSON_NONE : json_first(&list.doc, accounts);
         i != JSON_NONE && st == OK; i = json_after(&list.doc, accounts, i)) {
        if (!is_locked(&list, i))
            continue;
        st = remote_call(r, "DELETE",
                         arena_printf(&list.arena, "/api/accounts/%lld/lockouts",
                                      (long long)answer_number(&list, i, "id", 0)),
                         STR(""), &one, e);
        if (st == OK)
            print_cleared(&one);
        else if (st == E_ABSENT)
            st = OK; /* it was removed meanwhile */
        remote_answer_clear(&one);
    }
    remote_answer_clear(&list);
    return st;
}

static int command_clear_all(const struct remote_wish *wish)
{
    struct remote r = { .loop = NULL };
    struct error e = { .status = OK };

    process_prepare(false);
    log_setup(&(struct log_options){ .level = LOG_WARN, .unix_ms = clock_unix_ms });
    enum status st = remote_open(&r, wish->data_dir, &e);

    if (st == OK)
        st = clear_all(&r, &e);
    if (st != OK)
        fprintf(stderr, "%s: %s\n", wish->command, e.text);
    remote_close(&r);
    return st == OK ? EXIT_DONE : st == E_ABSENT ? EXIT_ABSENT : EXIT_FAILED;
}

int command_lockouts(int argc, char **argv)
{
    struct remote_wish wish = { .command = "penstock lockouts" };
    const char *words[2] = { NULL, NULL };
    bool all = false;
    const struct option table[] = { { "--all", &all, NULL },
                                    { "--json", &wish.json, NULL },
                                    { "--data-dir", NULL, &wish.data_dir } };
    struct options o = { .command = wish.command,
                         .help = help,
                         .table = table,
                         .count = COUNT(table),
                         .words = words,
                         .word_max = 2 };
    struct arena a = { 0 };
    int code = options_read(&o, argc, argv);

    if (code >= 0)
        return code;
    bool list = words[0] != NULL && strcmp(words[0], "list") == 0 && words[1] == NULL && !all;
    bool clear = words[0] != NULL && strcmp(words[0], "clear") == 0 && (words[1] == NULL) == all;

    if (clear && all)
        return command_clear_all(&wish);
    if (list) {
        wish.method = "GET";
        wish.path = STR("/api/accounts");
        wish.print = print_lockouts;
    } else if (clear) {
        wish.method = "DELETE";
        wish.path = remote_path(&a, "/api/accounts/", words[1], "/lockouts");
        wish.print = print_cleared;
    } else {
        return options_wrong(&o, "`list`, `clear ACCOUNT` or `clear --all` is wanted", "");
    }
    code = remote_fulfil(&wish);
    arena_free(&a);
    return code;
}
