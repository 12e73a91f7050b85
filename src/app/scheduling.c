/* app/scheduling.c - `penstock mode`, `fixed` and `bindings`: how the running gateway chooses
 * accounts, seen and changed. */
#include <stdio.h>

#include "app/remote.h"
#include "app/terminal.h"
#include "base/json_write.h"
#include "base/timetext.h"
#include "io/loop.h"

static void print_scheduling(struct remote_answer *answer)
{
    uint32_t fixed = answer_member(answer, 0, "fixed_account");
    struct str mode = answer_text(answer, 0, "mode");

    printf("mode           %.*s\n", STR_ARG(mode));
    printf("max wait       %lld s\n", (long long)answer_number(answer, 0, "max_wait_seconds", 0));
    printf("queue wait     %lld s\n", (long long)answer_number(answer, 0, "queue_wait_seconds", 0));
    if (fixed == JSON_NONE) {
        printf("fixed account  none\n");
    } else {
        struct str label = answer_text(answer, fixed, "label");

        if (label.len > 0)
            printf("fixed account  %.*s\n", STR_ARG(label));
        else
            printf("fixed account  %lld, which is not there\n",
                   (long long)answer_number(answer, fixed, "id", 0));
    }
    printf("bindings       %lld\n", (long long)answer_number(answer, 0, "bindings", 0));
}

/* --- mode ------------------------------------------------------------------------------------ */

static void put_seconds(struct json_writer *w, const struct command_line *line, const char *name,
                        const char *option)
{
    if (line_text(line, option, NULL) != NULL)
        json_put_member_i64(w, name, line_number(line, option, 0));
}

static int command_mode(const struct command_line *line)
{
    struct remote_wish wish = {
        .line = line, .method = "GET", .path = STR("/api/scheduling"), .print = print_scheduling
    };
    const char *mode = line_operand(line, 0);
    struct buf body = { .max = 1024 };
    struct json_writer w = json_writer(&body);

    json_put_object(&w);
    if (mode != NULL)
        json_put_member(&w, "mode", str_c(mode));
    put_seconds(&w, line, "max_wait_seconds", "--max-wait");
    put_seconds(&w, line, "queue_wait_seconds", "--queue-wait");
    json_put_end(&w);
    if (!str_eq(buf_str(&body), STR("{}"))) {
        wish.method = "PATCH";
        wish.body = buf_str(&body);
    }
    int code = remote_fulfil(&wish);

    buf_clear(&body);
    return code;
}

/* --- fixed ----------------------------------------------------------------------------------- */

static int command_fixed_set(const struct command_line *line)
{
    struct buf body = { .max = 8192 };
    struct json_writer w = json_writer(&body);

    json_put_object(&w);
    json_put_member(&w, "account", str_c(line_operand(line, 0)));
    json_put_end(&w);
    int code = remote_fulfil(&(struct remote_wish){ .line = line,
                                                    .method = "PUT",
                                                    .path = STR("/api/scheduling/fixed"),
                                                    .body = buf_str(&body),
                                                    .print = print_scheduling });

    buf_clear(&body);
    return code;
}

static int command_fixed_clear(const struct command_line *line)
{
    return remote_fulfil(&(struct remote_wish){ .line = line,
                                                .method = "DELETE",
                                                .path = STR("/api/scheduling/fixed"),
                                                .print = print_scheduling });
}

/* --- bindings -------------------------------------------------------------------------------- */

static void print_bindings(struct remote_answer *answer)
{
    uint32_t list = answer_member(answer, 0, "bindings");
    int64_t now_ms = clock_unix_ms();
    struct str next = answer_text(answer, 0, "next");

    printf("%-22s %-24s %s\n", "SESSION", "ACCOUNT", "IDLE");
    for (uint32_t i = list == JSON_NONE ? JSON_NONE : json_first(&answer->doc, list);
         i != JSON_NONE; i = json_after(&answer->doc, list, i)) {
        struct str session = answer_text(answer, i, "session");
        struct str account = answer_text(answer, i, "account");
        struct buf idle = { .max = 64 };

        (void)duration_put(&idle, now_ms - answer_number(answer, i, "used_unix_ms", now_ms));
        if (account.len == 0)
            account = STR("(removed)");
        printf("%-22.*s %-*.*s %.*s\n", STR_ARG(session), TERMINAL_CELL(account, 24), (int)idle.len,
               buf_str(&idle).at);
        buf_clear(&idle);
    }
    printf("%lld in all\n", (long long)answer_number(answer, 0, "total", 0));
    if (next.len > 0)
        printf("more: --after %.*s\n", STR_ARG(next));
}

static void print_cleared(struct remote_answer *answer)
{
    int64_t count = answer_number(answer, 0, "cleared", 0);

    printf("%lld %s cleared\n", (long long)count, count == 1 ? "binding" : "bindings");
}

static int command_bindings_list(const struct command_line *line)
{
    struct arena a = { 0 };
    struct str path = STR("/api/scheduling/bindings");

    remote_param(&a, &path, "account", line_text(line, "--account", NULL));
    remote_param(&a, &path, "limit", line_text(line, "--limit", NULL));
    remote_param(&a, &path, "after", line_text(line, "--after", NULL));
    int code = remote_fulfil(&(struct remote_wish){
        .line = line, .method = "GET", .path = path, .print = print_bindings });

    arena_free(&a);
    return code;
}

static int command_bindings_clear(const struct command_line *line)
{
    struct arena a = { 0 };
    const char *session = line_operand(line, 0);
    int code = remote_fulfil(&(struct remote_wish){
        .line = line,
        .method = "DELETE",
        .path = session != NULL ? remote_path(&a, "/api/scheduling/bindings/", session, "")
                                : STR("/api/scheduling/bindings"),
        .print = print_cleared });

    arena_free(&a);
    return code;
}

/* --- rows ------------------------------------------------------------------------------------ */

#define DAY_S 86400

static const struct command_operand mode_operands[] = {
    { "M",
      "CacheFirst waits for the account that holds a conversation's cache, Balance goes on to "
      "another, PerformanceFirst binds nothing",
      IS_CHOICE(choice_mode), .optional = true },
    { NULL },
};
static const struct command_option mode_options[] = {
    { "--max-wait", "S", "CacheFirst: the longest wait for that account; 0 never waits",
      IS_SECONDS(0, DAY_S) },
    { "--queue-wait", "S", "the longest wait while nobody is free; 0 never waits",
      IS_SECONDS(0, DAY_S) },
    { NULL },
};
static const char *const mode_examples[] = { "penstock mode CacheFirst --max-wait 90", NULL };
static const char *const gateway_exits[] = { "3 no gateway runs", NULL };
static const char *const account_exits[] = { "3 no gateway runs, or no such account", NULL };
static const char *const binding_exits[] = { "3 no gateway runs, or no such binding", NULL };
static const struct command_operand fixed_operands[] = {
    { "ACCOUNT", "its id or label", IS(ACCOUNT) },
    { NULL },
};
static const struct command_option list_options[] = {
    { "--account", "A", "only those of this account", IS(ACCOUNT) },
    { "--limit", "N", "at most so many (100)", IS_NUMBER(1, 1000) },
    { "--after", "KEY", "go on behind this key: the `next` of the page before" },
    { NULL },
};
static const struct command_operand clear_operands[] = {
    { "SESSION",
      "one conversation: its `sid-...` as in log and `why`, its whole key, or its `X-Session-Id` "
      "(all of them)",
      .optional = true },
    { NULL },
};

const struct command scheduling_commands[] = {
    { .path = "mode",
      .brief = "how accounts are chosen, and to change it",
      .about = "Without a mode or wait: shows how accounts are chosen. Else changes it, in the "
               "settings file and in force at once.",
      .options = mode_options,
      .operands = mode_operands,
      .examples = mode_examples,
      .exits = gateway_exits,
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_mode },
    { .path = "fixed",
      .brief = "set and clear the fixed account",
      .about = "Fixed account mode: while it can be used, one account serves every request that no "
               "route sends elsewhere. It lasts until it is cleared or the gateway ends; bindings "
               "are left alone." },
    { .path = "fixed set",
      .brief = "one account serves every request",
      .about = "From now on this account serves every request that no route sends elsewhere.",
      .operands = fixed_operands,
      .exits = account_exits,
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_fixed_set },
    { .path = "fixed clear",
      .brief = "accounts are chosen by the mode again",
      .about = "Ends fixed account mode.",
      .exits = gateway_exits,
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_fixed_clear },
    { .path = "bindings",
      .brief = "list and clear which conversation is bound to which account",
      .about = "Which conversation is bound to which account." },
    { .path = "bindings list",
      .brief = "which conversation is bound to which account",
      .about = "Lists the bindings, those used last at the end of the last page.",
      .options = list_options,
      .exits = gateway_exits,
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_bindings_list },
    { .path = "bindings clear",
      .brief = "forget one binding or all",
      .about = "A conversation that is cleared is bound anew by its next request.",
      .operands = clear_operands,
      .exits = binding_exits,
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_bindings_clear },
    { NULL },
};
