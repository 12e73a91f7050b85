/* app/accounts_live.c - `penstock accounts show|test|refresh|change|enable|disable`: accounts of
 * the gateway that runs, with what it knows of them. */
#include <stdio.h>

#include "app/remote.h"
#include "base/json_write.h"
#include "base/timetext.h"

/* --- printing ---------------------------------------------------------------------------------*/

/* `1h2m`, in `to`. */
static const char *duration_in(int64_t ms, char to[32])
{
    struct buf text = { .at = to, .cap = 32, .max = 31 };

    (void)duration_put(&text, ms);
    to[text.len] = '\0';
    return to;
}

static void print_line(const char *name, struct str value)
{
    if (value.len > 0)
        printf("%-12s %.*s\n", name, STR_ARG(value));
}

/* Twenty places, full ones for what is left. */
static void print_bar(int64_t permille)
{
    char bar[21];

    for (int i = 0; i < 20; i++)
        bar[i] = i * 50 < permille ? '#' : '.';
    bar[20] = '\0';
    printf("%s %3lld%%", bar, (long long)((permille + 5) / 10));
}

static void print_left(struct remote_answer *answer, uint32_t object, struct str name,
                       int64_t seen_unix_ms)
{
    int64_t permille = answer_number(answer, object, "remaining_permille", -1);
    int64_t reset_unix_ms = answer_number(answer, object, "reset_unix_ms", 0);
    char text[32];

    printf("  %-18.*s ", STR_ARG(name));
    if (permille < 0)
        printf("%-25s", "unknown");
    else
        print_bar(permille);
    if (reset_unix_ms > seen_unix_ms)
        printf("  resets %s after that", duration_in(reset_unix_ms - seen_unix_ms, text));
    printf("\n");
}

static void print_quota(struct remote_answer *answer, uint32_t quota)
{
    uint32_t windows = answer_member(answer, quota, "windows");
    int64_t seen_unix_ms = answer_number(answer, quota, "seen_unix_ms", 0);
    struct str group = answer_text(answer, quota, "group");
    char age[32];

    printf("%-12s %.*s, told %s ago\n", "left of", STR_ARG(group),
           duration_in(answer_number(answer, quota, "age_seconds", 0) * 1000, age));
    if (windows == JSON_NONE || json_first(&answer->doc, windows) == JSON_NONE) {
        print_left(answer, quota, STR("all"), seen_unix_ms);
        return;
    }
    for (uint32_t i = json_first(&answer->doc, windows); i != JSON_NONE;
         i = json_after(&answer->doc, windows, i))
        print_left(answer, i, answer_text(answer, i, "window"), seen_unix_ms);
}

static void print_lockout(struct remote_answer *answer, uint32_t lockout)
{
    int64_t left_s = answer_number(answer, lockout, "seconds_left", -1);
    struct str scope = answer_text(answer, lockout, "scope");
    struct str reason = answer_text(answer, lockout, "reason");
    struct str evidence = answer_text(answer, lockout, "evidence");
    char text[32];

    printf("%-12s %.*s: %.*s", "locked out", STR_ARG(scope), STR_ARG(reason));
    if (left_s >= 0)
        printf(", for %s", duration_in(left_s * 1000, text));
    if (evidence.len > 0)
        printf(" (%.*s)", STR_ARG(evidence));
    printf("\n");
}

static void print_each(struct remote_answer *answer, uint32_t account, const char *name,
                       void (*print)(struct remote_answer *answer, uint32_t one))
{
    uint32_t list = answer_member(answer, account, name);

    for (uint32_t i = list == JSON_NONE ? JSON_NONE : json_first(&answer->doc, list);
         i != JSON_NONE; i = json_after(&answer->doc, list, i))
        print(answer, i);
}

static void print_account(struct remote_answer *answer, uint32_t account)
{
    bool disabled = answer_flag(answer, account, "disabled");
    struct str reason = answer_text(answer, account, "disabled_reason");
    struct str source = answer_text(answer, account, "models_source");

    print_line("account", answer_text(answer, account, "label"));
    printf("%-12s %lld\n", "id", (long long)answer_number(answer, account, "id", 0));
    print_line("provider", answer_text(answer, account, "provider"));
    print_line("tier", answer_text(answer, account, "tier"));
    print_line("proxy", answer_text(answer, account, "proxy"));
    if (disabled)
        printf("%-12s disabled%s%.*s\n", "state", reason.len > 0 ? ": " : "", STR_ARG(reason));
    else if (answer_flag(answer, account, "proxy_disabled"))
        printf("%-12s kept fresh, but not used\n", "state");
    else
        printf("%-12s in use, %lld requests now, %lld served, %lld failed\n", "state",
               (long long)answer_number(answer, account, "in_flight", 0),
               (long long)answer_number(answer, account, "served", 0),
               (long long)answer_number(answer, account, "failed", 0));
    if (str_eq(source, STR("unknown")))
        print_line("models", STR("whatever is asked for: nobody has listed them"));
    else if (answer_number(answer, account, "models_known", 0) == 0)
        print_line("models", STR("whatever is asked for: its provider lists none"));
    else
        printf("%-12s %lld, from its %.*s\n", "models",
               (long long)answer_number(answer, account, "models_known", 0), STR_ARG(source));
    print_each(answer, account, "quota", print_quota);
    if (answer_number(answer, account, "quota_count", 0) == 0)
        print_line("left of", STR("nobody knows"));
    print_each(answer, account, "lockouts", print_lockout);
}

static void print_shown(struct remote_answer *answer)
{
    print_account(answer, 0);
}

static void print_tested(struct remote_answer *answer)
{
    struct str message = answer_text(answer, 0, "message");

    printf("%s: %.*s\n", answer_flag(answer, 0, "ok") ? "good" : "not good", STR_ARG(message));
}

static void print_refreshed(struct remote_answer *answer)
{
    struct str message = answer_text(answer, 0, "message");
    uint32_t account = answer_member(answer, 0, "account");

    if (!answer_flag(answer, 0, "ok"))
        printf("not fresh: %.*s\n", STR_ARG(message));
    if (account != JSON_NONE)
        print_account(answer, account);
}

static void print_refreshing(struct remote_answer *answer)
{
    printf("%lld accounts are asked\n", (long long)answer_number(answer, 0, "accounts", 0));
}

static void print_switched(struct remote_answer *answer)
{
    struct str label = answer_text(answer, 0, "label");

    printf("%s `%.*s`\n", answer_flag(answer, 0, "disabled") ? "disabled" : "enabled",
           STR_ARG(label));
}

static bool is_ok(struct remote_answer *answer)
{
    return answer_flag(answer, 0, "ok");
}

/* --- commands ---------------------------------------------------------------------------------*/

/* `wish` without its path. */
static int with_account(const struct command_line *line, struct remote_wish wish, const char *after)
{
    struct arena a = { 0 };

    wish.line = line;
    wish.path = remote_path(&a, "/api/accounts/", line_operand(line, 0), after);
    int code = remote_fulfil(&wish);

    arena_free(&a);
    return code;
}

static int command_show(const struct command_line *line)
{
    return with_account(line, (struct remote_wish){ .method = "GET", .print = print_shown }, "");
}

static int command_test(const struct command_line *line)
{
    return with_account(line,
                        (struct remote_wish){ .method = "POST",
                                              .print = print_tested,
                                              .is_good = is_ok,
                                              .waits = "asking the provider" },
                        "/test");
}

static int command_refresh(const struct command_line *line)
{
    const char *account = line_operand(line, 0);

    if ((account == NULL) != line_flag(line, "--all"))
        return line_wrong(line, "give ACCOUNT or --all, one of them");
    if (account == NULL)
        return remote_fulfil(&(struct remote_wish){ .line = line,
                                                    .method = "POST",
                                                    .path = STR("/api/quota/refresh"),
                                                    .print = print_refreshing });
    return with_account(line,
                        (struct remote_wish){ .method = "POST",
                                              .print = print_refreshed,
                                              .is_good = is_ok,
                                              .waits = "asking the provider what is left" },
                        "/refresh");
}

static int command_enable(const struct command_line *line)
{
    return with_account(line,
                        (struct remote_wish){ .method = "PATCH",
                                              .body = STR("{\"disabled\":false}"),
                                              .print = print_switched },
                        "");
}

static int command_disable(const struct command_line *line)
{
    return with_account(line,
                        (struct remote_wish){ .method = "PATCH",
                                              .body = STR("{\"disabled\":true}"),
                                              .print = print_switched },
                        "");
}

static void print_changed(struct remote_answer *answer)
{
    printf("changed `%.*s`\n", STR_ARG(answer_text(answer, 0, "label")));
}

static void put_text_if_given(struct json_writer *w, const struct command_line *line,
                              const char *option, const char *member)
{
    const char *text = line_text(line, option, NULL);

    if (text != NULL)
        json_put_member(w, member, str_c(text));
}

static int command_change(const struct command_line *line)
{
    const char *models = line_text(line, "--models", NULL);
    struct buf body = { .max = (size_t)1 << 20 };
    struct json_writer w = json_writer(&body);

    json_put_object(&w);
    put_text_if_given(&w, line, "--label", "label");
    put_text_if_given(&w, line, "--tier", "tier");
    put_text_if_given(&w, line, "--proxy", "proxy");
    if (line_text(line, "--max-concurrency", NULL) != NULL)
        json_put_member_i64(&w, "max_concurrency", line_number(line, "--max-concurrency", 0));
    if (models != NULL) {
        struct str rest = str_c(models), one;

        json_put_key(&w, STR("models"));
        json_put_array(&w);
        while (rest.len > 0) {
            (void)str_cut(rest, ',', &one, &rest);
            one = str_trim(one);
            if (one.len > 0)
                json_put_str(&w, one);
        }
        json_put_end(&w);
    }
    json_put_end(&w);
    if (str_eq(buf_str(&body), STR("{}"))) {
        buf_clear(&body);
        return line_wrong(line, "nothing to change is given");
    }
    int code = json_written(&w) ? with_account(line,
                                               (struct remote_wish){ .method = "PATCH",
                                                                     .body = buf_str(&body),
                                                                     .print = print_changed },
                                               "")
                                : line_wrong(line, "the options are too long");

    buf_clear(&body);
    return code;
}

static const struct command_operand account_operands[] = {
    { "ACCOUNT", "its id or label", IS(ACCOUNT) },
    { NULL },
};
static const struct command_operand refresh_operands[] = {
    { "ACCOUNT", "its id or label", IS(ACCOUNT), .optional = true },
    { NULL },
};
static const struct command_option refresh_options[] = {
    { "--all", NULL, "every account whose provider can be asked; they are not waited for" },
    { NULL },
};
static const struct command_option change_options[] = {
    { "--label", "L", "a new name, unique" },
    { "--tier", "T", "better ones are used first", IS_CHOICE(choice_tier) },
    { "--max-concurrency", "N", "requests at once; 0: no limit", IS_NUMBER(0, 100000) },
    { "--models", "A,B*", "model names it offers, `*` allowed; empty: all of them" },
    { "--proxy", "U", "http://, https:// or socks5:// proxy, `direct`, or empty: as for all" },
    { NULL },
};
static const char *const change_examples[] = {
    "penstock accounts change work --proxy socks5h://127.0.0.1:1080 --tier PRO",
    NULL,
};
static const char *const account_exits[] = { "3 no gateway runs, or no such account", NULL };
static const char *const test_exits[] = { "1 the credential is not accepted, or nobody answers",
                                          "3 no gateway runs, or no such account", NULL };
static const char *const refresh_exits[] = { "1 there are no fresh figures",
                                             "3 no gateway runs, or no such account", NULL };

const struct command accounts_live_commands[] = {
    { .path = "accounts show",
      .brief = "what is known of an account",
      .about =
          "Shows an account as the running gateway knows it: state, models, what is left of its "
          "allowances and how old that is, and why it is left alone.",
      .operands = account_operands,
      .exits = account_exits,
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_show },
    { .path = "accounts test",
      .brief = "ask an account's provider whether its credential is good",
      .about = "Asks for a list of models, or for what is left: that costs no tokens.",
      .operands = account_operands,
      .exits = test_exits,
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_test },
    { .path = "accounts refresh",
      .brief = "ask an account's provider what is left",
      .about =
          "Asks now and waits for the figures. Providers of API keys tell what is left with each "
          "answer only: of theirs the list of models is read again.",
      .options = refresh_options,
      .operands = refresh_operands,
      .exits = refresh_exits,
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_refresh },
    { .path = "accounts change",
      .brief = "change members of an account",
      .about = "Changes what is given and leaves the rest. Of an account of the settings file tier "
               "and concurrency are changed in the database; its label, models and proxy are the "
               "file's. A key is not changed: add the account anew.",
      .operands = account_operands,
      .options = change_options,
      .examples = change_examples,
      .exits = account_exits,
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_change },
    { .path = "accounts enable",
      .brief = "use an account again",
      .about = "Switches an account on, whether the database or the settings file has it.",
      .operands = account_operands,
      .exits = account_exits,
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_enable },
    { .path = "accounts disable",
      .brief = "use an account no more",
      .about = "Switches an account off: it is neither used nor refreshed. Requests that it is "
               "serving end as they would.",
      .operands = account_operands,
      .exits = account_exits,
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_disable },
    { NULL },
};
