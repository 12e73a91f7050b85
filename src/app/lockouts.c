/* app/lockouts.c - `penstock lockouts`: which accounts are left alone, why and until when. */
#include <stdio.h>

#include "app/remote.h"
#include "app/terminal.h"
#include "base/log.h"
#include "base/timetext.h"
#include "io/signals.h"

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
    printf("%-*.*s %-*.*s %-16.*s %-10.*s %.*s\n", TERMINAL_CELL(label, 20),
           TERMINAL_CELL(scope, 20), STR_ARG(reason), (int)left.len, buf_str(&left).at,
           (int)evidence.len, evidence.at);
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
                   "WHAT WAS SAID");
        for (uint32_t k = lockouts == JSON_NONE ? JSON_NONE : json_first(&answer->doc, lockouts);
             k != JSON_NONE; k = json_after(&answer->doc, lockouts, k))
            print_lockout(answer, label, k);
        if (answer_flag(answer, i, "credential_refused")) {
            struct str why = answer_text(answer, i, "disabled_reason");

            printf("%-*.*s %-20s %-16s %-10s %.*s\n", TERMINAL_CELL(label, 20), "account",
                   "auth_invalid", "you act", STR_ARG(why));
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
static enum status clear_all(struct remote *r, bool json, struct error *e)
{
    size_t cleared = 0;
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
        if (st == OK && json)
            printf("%s%.*s", cleared == 0 ? "{\"accounts\":[" : ",", (int)one.body.len,
                   buf_str(&one.body).at);
        else if (st == OK)
            print_cleared(&one);
        cleared += st == OK;
        if (st == E_ABSENT)
            st = OK; /* it was removed meanwhile */
        remote_answer_clear(&one);
    }
    if (json)
        printf("%s]}\n", cleared == 0 ? "{\"accounts\":[" : "");
    else if (st == OK && cleared == 0)
        printf("no account was locked out\n");
    remote_answer_clear(&list);
    return st;
}

static int command_clear_all(const struct command_line *line)
{
    struct remote r = { .loop = NULL };
    struct error e = { .status = OK };
    int code = EXIT_DONE;

    process_prepare(false);
    log_setup(&(struct log_options){ .level = LOG_WARN, .unix_ms = clock_unix_ms });
    enum status st = remote_open(&r, line_data_dir(line), &e);

    if (st == OK)
        st = clear_all(&r, line_json(line), &e);
    if (st != OK)
        code = line_failed(line, "%s", e.text);
    remote_close(&r);
    return st == E_ABSENT ? EXIT_ABSENT : code;
}

static int command_clear(const struct command_line *line)
{
    const char *account = line_operand(line, 0);
    struct arena a = { 0 };

    if ((account == NULL) != line_flag(line, "--all"))
        return line_wrong(line, "give ACCOUNT or --all, one of them");
    if (account == NULL)
        return command_clear_all(line);
    int code = remote_fulfil(
        &(struct remote_wish){ .line = line,
                               .method = "DELETE",
                               .path = remote_path(&a, "/api/accounts/", account, "/lockouts"),
                               .print = print_cleared });

    arena_free(&a);
    return code;
}

static int command_list(const struct command_line *line)
{
    return remote_fulfil(&(struct remote_wish){
        .line = line, .method = "GET", .path = STR("/api/accounts"), .print = print_lockouts });
}

static const struct command_option clear_options[] = {
    { "--all", NULL, "every account" },
    { NULL },
};
static const struct command_operand clear_operands[] = {
    { "ACCOUNT", "its id or label", IS(ACCOUNT), .optional = true },
    { NULL },
};
static const char *const list_exits[] = { "3 no gateway runs", NULL };
static const char *const clear_exits[] = { "3 no gateway runs, or no such account", NULL };

const struct command lockouts_commands[] = {
    { .path = "lockouts",
      .brief = "list and clear what keeps accounts from being asked",
      .about = "Accounts that are not asked for a while because of what their provider said." },
    { .path = "lockouts list",
      .brief = "which accounts are left alone, why and until when",
      .about =
          "Lists the accounts that are left alone, with the reason, the time that is left, and "
          "what the provider said. As JSON: all accounts with their lockouts.",
      .exits = list_exits,
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_list },
    { .path = "lockouts clear",
      .brief = "all is well again with an account",
      .about = "Clear one when you know that all is well again: its lockouts, a refused credential "
               "and what the provider wanted done are forgotten.",
      .options = clear_options,
      .operands = clear_operands,
      .exits = clear_exits,
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_clear },
    { NULL },
};
