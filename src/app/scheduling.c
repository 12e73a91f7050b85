/* app/scheduling.c - `penstock mode`, `fixed` and `bindings`: how the running gateway chooses
 * accounts, seen and changed. */
#include <stdio.h>
#include <string.h>

#include "app/command.h"
#include "app/options.h"
#include "app/remote.h"
#include "base/json_write.h"
#include "base/timetext.h"
#include "io/loop.h"

#define DATA_DIR_HELP \
    "  --data-dir D   data directory of the gateway (PENSTOCK_DATA_DIR, else ~/.penstock)\n"
#define EXIT_HELP "\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 no gateway runs"

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

static const char mode_help[] =
    "usage: penstock mode [M] [--max-wait S] [--queue-wait S] [--json] [--data-dir D]\n\n"
    "Without a mode or wait: shows how accounts are chosen. Else changes it, in the settings file\n"
    "and in force at once.\n\n"
    "  M              CacheFirst waits for the account that holds a conversation's cache, Balance\n"
    "                 goes on to another, PerformanceFirst binds nothing\n"
    "  --max-wait S   CacheFirst: the longest wait for that account; 0 never waits\n"
    "  --queue-wait S the longest wait while nobody is free; 0 never waits\n"
    "  --json         answer as JSON\n" DATA_DIR_HELP EXIT_HELP ".\n";

static bool put_seconds(struct json_writer *w, const char *name, const char *text)
{
    int64_t n;

    if (text == NULL)
        return true;
    if (!str_to_i64(str_c(text), &n))
        return false;
    json_put_member_i64(w, name, n); /* the gateway says what is wrong with it */
    return true;
}

int command_mode(int argc, char **argv)
{
    struct remote_wish wish = { .command = "penstock mode",
                                .method = "GET",
                                .path = STR("/api/scheduling"),
                                .print = print_scheduling };
    const char *mode = NULL, *max_wait = NULL, *queue_wait = NULL;
    const struct option table[] = { { "--max-wait", NULL, &max_wait },
                                    { "--queue-wait", NULL, &queue_wait },
                                    { "--json", &wish.json, NULL },
                                    { "--data-dir", NULL, &wish.data_dir } };
    struct options o = { .command = wish.command,
                         .help = mode_help,
                         .table = table,
                         .count = COUNT(table),
                         .words = &mode,
                         .word_max = 1 };
    struct buf body = { .max = 1024 };
    struct json_writer w = json_writer(&body);
    int code = options_read(&o, argc, argv);

    if (code >= 0)
        return code;
    if (mode != NULL || max_wait != NULL || queue_wait != NULL) {
        json_put_object(&w);
        if (mode != NULL)
            json_put_member(&w, "mode", str_c(mode));
        if (!put_seconds(&w, "max_wait_seconds", max_wait) ||
            !put_seconds(&w, "queue_wait_seconds", queue_wait)) {
            buf_clear(&body);
            return options_wrong(&o, "--max-wait and --queue-wait want whole seconds", "");
        }
        json_put_end(&w);
        wish.method = "PATCH";
        wish.body = buf_str(&body);
    }
    code = remote_fulfil(&wish);
    buf_clear(&body);
    return code;
}

/* --- fixed ----------------------------------------------------------------------------------- */

static const char fixed_help[] =
    "usage: penstock fixed set ACCOUNT [--json] [--data-dir D]\n"
    "       penstock fixed clear [--json] [--data-dir D]\n\n"
    "Fixed account mode: while it can be used, this account (its id or label) serves every "
    "request\n"
    "that no route sends elsewhere. It lasts until it is cleared or the gateway ends; bindings "
    "are\n"
    "left alone.\n\n"
    "  --json         answer as JSON\n" DATA_DIR_HELP EXIT_HELP " or no such account.\n";

int command_fixed(int argc, char **argv)
{
    struct remote_wish wish = { .command = "penstock fixed",
                                .path = STR("/api/scheduling/fixed"),
                                .print = print_scheduling };
    const char *words[2] = { NULL, NULL };
    const struct option table[] = { { "--json", &wish.json, NULL },
                                    { "--data-dir", NULL, &wish.data_dir } };
    struct options o = { .command = wish.command,
                         .help = fixed_help,
                         .table = table,
                         .count = COUNT(table),
                         .words = words,
                         .word_max = 2 };
    struct buf body = { .max = 4096 };
    struct json_writer w = json_writer(&body);
    int code = options_read(&o, argc, argv);

    if (code >= 0)
        return code;
    if (words[0] != NULL && strcmp(words[0], "set") == 0 && words[1] != NULL) {
        json_put_object(&w);
        json_put_member(&w, "account", str_c(words[1]));
        json_put_end(&w);
        wish.method = "PUT";
        wish.body = buf_str(&body);
    } else if (words[0] != NULL && strcmp(words[0], "clear") == 0 && words[1] == NULL) {
        wish.method = "DELETE";
    } else {
        return options_wrong(&o, "`set ACCOUNT` or `clear` is wanted", "");
    }
    code = remote_fulfil(&wish);
    buf_clear(&body);
    return code;
}

/* --- bindings -------------------------------------------------------------------------------- */

static const char bindings_help[] =
    "usage: penstock bindings list [--account A] [--limit N] [--after KEY] [--json] [--data-dir "
    "D]\n"
    "       penstock bindings clear [SESSION] [--json] [--data-dir D]\n\n"
    "Which conversation is bound to which account. A conversation that is cleared is bound anew "
    "by\n"
    "its next request.\n\n"
    "  SESSION        one conversation: its `sid-…` as in log and `why`, its whole key, or its\n"
    "                 `X-Session-Id`; else all\n"
    "  --account A    only those of this account\n"
    "  --limit N      at most so many, 1 to 1000 (100)\n"
    "  --after KEY    go on behind this key: the `next` of the page before\n"
    "  --json         answer as JSON\n" DATA_DIR_HELP EXIT_HELP " or no such binding.\n";

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
        printf("%-22.*s %-24.*s %.*s\n", STR_ARG(session), STR_ARG(account), (int)idle.len,
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

static void put_query(struct arena *a, struct str *path, const char *name, const char *value)
{
    bool first = memchr(path->at, '?', path->len) == NULL;

    if (value != NULL)
        *path = remote_path(
            a, arena_printf(a, "%.*s%c%s=", (int)path->len, path->at, first ? '?' : '&', name).at,
            value, "");
}

int command_bindings(int argc, char **argv)
{
    struct remote_wish wish = { .command = "penstock bindings" };
    const char *words[2] = { NULL, NULL }, *account = NULL, *limit = NULL, *after = NULL;
    const struct option table[] = { { "--account", NULL, &account },
                                    { "--limit", NULL, &limit },
                                    { "--after", NULL, &after },
                                    { "--json", &wish.json, NULL },
                                    { "--data-dir", NULL, &wish.data_dir } };
    struct options o = { .command = wish.command,
                         .help = bindings_help,
                         .table = table,
                         .count = COUNT(table),
                         .words = words,
                         .word_max = 2 };
    struct arena a = { 0 };
    int code = options_read(&o, argc, argv);

    if (code >= 0)
        return code;
    wish.path = STR("/api/scheduling/bindings");
    if (words[0] != NULL && strcmp(words[0], "list") == 0 && words[1] == NULL) {
        wish.method = "GET";
        wish.print = print_bindings;
        put_query(&a, &wish.path, "account", account);
        put_query(&a, &wish.path, "limit", limit);
        put_query(&a, &wish.path, "after", after);
    } else if (words[0] != NULL && strcmp(words[0], "clear") == 0) {
        wish.method = "DELETE";
        wish.print = print_cleared;
        if (account != NULL || limit != NULL || after != NULL)
            return options_wrong(&o, "`clear` takes none of --account, --limit, --after", "");
        if (words[1] != NULL)
            wish.path = remote_path(&a, "/api/scheduling/bindings/", words[1], "");
    } else {
        return options_wrong(&o, "`list` or `clear` is wanted", "");
    }
    code = remote_fulfil(&wish);
    arena_free(&a);
    return code;
}
