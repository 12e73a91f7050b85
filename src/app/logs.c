/* app/logs.c - `penstock logs`: the requests that have ended, as the gateway keeps them
 * (`logs.capture`), and with --follow those that end from now on. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/remote.h"
#include "app/terminal.h"
#include "app/usage_report.h"
#include "base/log.h"
#include "base/timetext.h"
#include "exchange/access.h"
#include "io/signals.h"

#define TURN_MS 500
#define LIMIT_MAX 1000
#define ID_MAX 64

struct following {
    const struct command_line *line;
    struct arena arena;
    struct str path;   /* with what is asked for, but the limit */
    char last[ID_MAX]; /* id of the newest request told */
    bool paints;
};

static void put_query(struct following *f, const char *name, const char *value)
{
    bool first = memchr(f->path.at, '?', f->path.len) == NULL;

    if (value != NULL)
        f->path = remote_path(&f->arena,
                              arena_printf(&f->arena, "%.*s%c%s=", (int)f->path.len, f->path.at,
                                           first ? '?' : '&', name)
                                  .at,
                              value, "");
}

static void print_tokens(struct remote_answer *list, uint32_t request)
{
    uint32_t tokens = answer_member(list, request, "tokens");
    int64_t in = tokens == JSON_NONE ? -1 : answer_number(list, tokens, "in", -1);
    int64_t out = tokens == JSON_NONE ? -1 : answer_number(list, tokens, "out", -1);

    if (in >= 0 || out >= 0)
        printf(" %" PRId64 "+%" PRId64 " tokens", in < 0 ? 0 : in, out < 0 ? 0 : out);
}

static void print_request(struct following *f, struct remote_answer *list, uint32_t request)
{
    int64_t status = answer_number(list, request, "status", 0);
    int64_t attempts = answer_number(list, request, "attempt_count", 0);
    struct str model = answer_text(list, request, "model");
    struct str mapped = answer_text(list, request, "mapped_model");
    struct str account = answer_text(list, request, "account");
    struct str ending = answer_text(list, request, "ending"), id = answer_text(list, request, "id");
    struct str key = answer_text(list, request, "client_key");
    struct buf when = { .max = 64 }, took = { .max = 64 };

    if (line_json(f->line)) {
        struct str raw = json_raw(&list->doc, request);

        printf("%.*s\n", (int)raw.len, raw.at);
        return;
    }
    (void)date_put_rfc3339(&when, answer_number(list, request, "started_unix_ms", 0));
    (void)duration_put(&took, answer_number(list, request, "duration_ms", 0));
    printf("%.*s %s%3" PRId64 "%s %.*s", (int)when.len, buf_str(&when).at,
           paint_on(f->paints, status < 400 ? PAINT_GREEN : PAINT_RED), status,
           paint_off(f->paints), STR_ARG(model.len > 0 ? model : STR("-")));
    if (mapped.len > 0 && !str_eq(mapped, model))
        printf(" (as %.*s)", STR_ARG(mapped));
    if (account.len > 0)
        printf(" by %.*s", STR_ARG(account));
    if (attempts > 1)
        printf(", %" PRId64 " attempts", attempts);
    if (key.len > 0)
        printf(" for %.*s", STR_ARG(key));
    printf(", %.*s", (int)took.len, buf_str(&took).at);
    print_tokens(list, request);
    if (!str_eq(ending, STR("complete")))
        printf(", %.*s", STR_ARG(ending));
    printf(" %s%.*s%s\n", paint_on(f->paints, PAINT_DIM), STR_ARG(id), paint_off(f->paints));
    buf_clear(&when);
    buf_clear(&took);
}

/* Tells what came behind the one told last, the oldest first. */
static enum status look(struct following *f, struct remote *r, const char *limit, struct error *e)
{
    struct remote_answer list = { .status = 0 };
    struct arena a = { 0 };
    uint32_t found[LIMIT_MAX];
    size_t count = 0;
    bool more = memchr(f->path.at, '?', f->path.len) != NULL;
    enum status st = remote_call(
        r, "GET",
        arena_printf(&a, "%.*s%climit=%s", (int)f->path.len, f->path.at, more ? '&' : '?', limit),
        STR(""), &list, e);
    uint32_t all = st == OK ? answer_member(&list, 0, "requests") : JSON_NONE;

    for (uint32_t i = all == JSON_NONE ? JSON_NONE : json_first(&list.doc, all);
         i != JSON_NONE && count < LIMIT_MAX; i = json_after(&list.doc, all, i)) {
        if (str_eq(answer_text(&list, i, "id"), str_c(f->last)))
            break;
        found[count++] = i;
    }
    for (size_t i = count; i > 0; i--)
        print_request(f, &list, found[i - 1]);
    if (count > 0)
        snprintf(f->last, sizeof(f->last), "%.*s", STR_ARG(answer_text(&list, found[0], "id")));
    fflush(stdout);
    remote_answer_clear(&list);
    arena_free(&a);
    return st;
}

static int command_logs(const struct command_line *line)
{
    struct following f = { .line = line,
                           .path = STR("/api/requests"),
                           .paints = terminal_paints(stdout) };
    const char *since = line_text(line, "--since", NULL);
    int64_t unix_ms = 0;
    struct remote r = { .loop = NULL };
    struct error e = { .status = OK };

    if (since != NULL && !usage_time_read(str_c(since), clock_unix_ms(), &unix_ms))
        return line_wrong(line, "--since wants " USAGE_TIME_WORDS);
    process_prepare(false);
    log_setup(&(struct log_options){ .level = LOG_WARN, .unix_ms = clock_unix_ms });
    put_query(&f, "model", line_text(line, "--model", NULL));
    put_query(&f, "account", line_text(line, "--account", NULL));
    put_query(&f, "session", line_text(line, "--session", NULL));
    put_query(&f, "status", line_text(line, "--status", NULL));
    put_query(&f, "ending", line_text(line, "--ending", NULL));
    if (since != NULL)
        put_query(&f, "since", arena_printf(&f.arena, "%lld", (long long)unix_ms).at);
    enum status st = remote_open(&r, line_data_dir(line), &e);

    if (st == OK)
        st = look(&f, &r, line_text(line, "--limit", "20"), &e);
    while (st == OK && line_flag(line, "--follow")) {
        remote_pause(&r, TURN_MS);
        st = look(&f, &r, "1000", &e);
    }
    if (st != OK)
        (void)line_failed(line, "%s", e.text);
    remote_close(&r);
    arena_free(&f.arena);
    return st == OK ? EXIT_DONE : st == E_ABSENT ? EXIT_ABSENT : EXIT_FAILED;
}

static const char *choice_ending(size_t i)
{
    return i < ENDINGS ? ending_word((enum ending)i) : NULL;
}

static const struct command_option options[] = {
    { "--follow", NULL, "go on with those that end from now on", .letter = 'f' },
    { "--limit", "N", "the last so many (20)", IS_NUMBER(1, LIMIT_MAX) },
    { "--model", "M", "as the client named it or as the provider was asked; may hold `*`" },
    { "--account", "A", "those that were sent to it", IS(ACCOUNT) },
    { "--session", "S", "those of a conversation, `sid-...`, still in memory" },
    { "--status", "N", "those that a client got this status for", IS_NUMBER(0, 599) },
    { "--ending", "E", "those that ended so", IS_CHOICE(choice_ending) },
    { "--since", "T",
      "those that ended since: a date, a time (RFC 3339) or how long ago, `5m`, `12h`" },
    { NULL },
};
static const char *const examples[] = { "penstock logs -f",
                                        "penstock logs --ending upstream_failed --limit 100",
                                        NULL };
static const char *const exits[] = { "3 no gateway runs", NULL };

const struct command logs_commands[] = {
    { .path = "logs",
      .brief = "the requests that have ended, and those to come",
      .about = "Tells the last requests that have ended, a line each, the newest last; `penstock "
               "why` tells more about one that is still in memory (logs.capture). Older ones come "
               "from usage.db (usage.track). With --json: a JSON object a line.",
      .options = options,
      .examples = examples,
      .exits = exits,
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_logs },
    { NULL },
};
