/* app/usage.c - `penstock usage`: what was used, as a table. */
#include <stdio.h>

#include "app/remote.h"
#include "app/terminal.h"
#include "app/usage_report.h"
#include "store/usage_rows.h"

/* The members of a row by which it is named. */
static struct str row_name(struct remote_answer *answer, uint32_t row, const char *by)
{
    struct str name = answer_text(answer, row, by);

    if (name.len == 0)
        return STR("(none)");
    if (str_eq(str_c(by), STR("hour"))) /* `2026-11-29T14:00:00+01:00` */
        return arena_printf(&answer->arena, "%.10s %.5s", name.at, name.at + 11);
    return name;
}

/* `12.34 M`, so that columns stay narrow. */
static const char *count_text(struct arena *a, int64_t n)
{
    static const char units[] = " kMGT";
    int64_t scaled = n * 10;
    size_t unit = 0;

    if (n < 10000)
        return arena_printf(a, "%lld", (long long)n).at;
    while (scaled >= 10000 && unit + 2 < sizeof(units)) {
        scaled = (scaled + 500) / 1000;
        unit++;
    }
    return arena_printf(a, "%lld.%lld%c", (long long)(scaled / 10), (long long)(scaled % 10),
                        units[unit])
        .at;
}

/* Four places are enough for people; `+?`: a part of it is not known. */
static const char *cost_text(struct remote_answer *answer, uint32_t row)
{
    uint32_t node = answer_member(answer, row, "cost_usd");
    int64_t unknown = answer_number(answer, row, "cost_unknown", 0);
    struct str cost = node != JSON_NONE ? json_raw(&answer->doc, node) : STR(""), whole, places;

    if (node == JSON_NONE)
        return "unknown";
    (void)str_cut(cost, '.', &whole, &places);
    return arena_printf(&answer->arena, "$%.*s.%.*s%.*s%s", (int)whole.len, whole.at,
                        (int)(places.len < 4 ? places.len : 4), places.at,
                        (int)(places.len < 2 ? 2 - places.len : 0), "00", unknown > 0 ? " +?" : "")
        .at;
}

static void print_row(struct remote_answer *answer, uint32_t row, struct str name)
{
    struct arena *a = &answer->arena;
    int64_t in = answer_number(answer, row, "tokens_in", 0);
    int64_t cached = answer_number(answer, row, "tokens_cache_read", 0);
    int64_t requests = answer_number(answer, row, "requests", 0);

    printf("%-*.*s %9s %9s %9s %6lld%% %9s %9s  %s\n", TERMINAL_CELL(name, 32),
           count_text(a, requests),
           count_text(a, requests - answer_number(answer, row, "complete", 0)), count_text(a, in),
           (long long)(in > 0 ? cached * 100 / in : 0),
           count_text(a, answer_number(answer, row, "tokens_out", 0)),
           count_text(a, answer_number(answer, row, "failed_tokens_in", 0) +
                             answer_number(answer, row, "failed_tokens_out", 0)),
           cost_text(answer, row));
}

static void print_usage(struct remote_answer *answer)
{
    bool paints = terminal_paints(stdout);
    struct str by = answer_text(answer, 0, "by");
    uint32_t rows = answer_member(answer, 0, "rows"), total = answer_member(answer, 0, "total");
    int64_t dropped = answer_number(answer, 0, "rows_dropped", 0);
    struct arena *a = &answer->arena;
    char heading[16];

    by = arena_copy(a, by);
    for (size_t i = 0; i < sizeof(heading); i++)
        heading[i] = i < by.len && i + 1 < sizeof(heading) ? (char)(by.at[i] & ~0x20) : '\0';
    printf("%s%-32s %9s %9s %9s %7s %9s %9s  %s%s\n", paint_on(paints, PAINT_BOLD), heading,
           "REQUESTS", "FAILED", "IN", "CACHED", "OUT", "WASTED", "COST", paint_off(paints));
    for (uint32_t i = rows == JSON_NONE ? JSON_NONE : json_first(&answer->doc, rows);
         i != JSON_NONE; i = json_after(&answer->doc, rows, i))
        print_row(answer, i, row_name(answer, i, by.at));
    if (total != JSON_NONE)
        print_row(answer, total, STR("total"));
    if (dropped > 0)
        printf("%lld requests are missing: they came faster than they could be written\n",
               (long long)dropped);
}

static int command_usage(const struct command_line *line)
{
    static const struct {
        const char *param, *option;
    } params[] = { { "by", "--by" },       { "from", "--since" },      { "to", "--until" },
                   { "model", "--model" }, { "account", "--account" }, { "key", "--key" },
                   { "limit", "--limit" } };
    static const char *const moments[] = { "--since", "--until" };
    struct arena a = { 0 };
    struct str path = STR("/api/usage");
    int64_t unix_ms[COUNT(moments)] = { 0, INT64_MAX };
    bool csv = line_flag(line, "--csv");

    if (csv && line_json(line))
        return line_wrong(line, "--csv and --json exclude each other");
    for (size_t i = 0; i < COUNT(moments); i++)
        if (line_text(line, moments[i], NULL) != NULL &&
            !usage_time_read(str_c(line_text(line, moments[i], NULL)), clock_unix_ms(),
                             &unix_ms[i]))
            return line_wrong(line, "%s wants " USAGE_TIME_WORDS, moments[i]);
    if (unix_ms[1] <= unix_ms[0])
        return line_wrong(line, "--until lies before --since");
    for (size_t i = 0; i < COUNT(params); i++)
        remote_param(&a, &path, params[i].param, line_text(line, params[i].option, NULL));
    if (csv)
        remote_param(&a, &path, "format", "csv");
    int code = remote_fulfil(&(struct remote_wish){
        .line = line, .method = "GET", .path = path, .text = csv, .print = print_usage });

    arena_free(&a);
    return code;
}

/* --- rows ------------------------------------------------------------------------------------ */

static const char *choice_by(size_t i)
{
    return i < USAGE_BYS ? usage_by_word((enum usage_by)i) : NULL;
}

static const struct command_option usage_options[] = {
    { "--by", "B", "what to add up by (day)", IS_CHOICE(choice_by) },
    { "--since", "T",
      "from when: a date, a time (RFC 3339) or how long ago, `7d`, `12h` (30 days; by hour: 24 "
      "hours)" },
    { "--until", "T", "until when, likewise (now)" },
    { "--model", "M", "only requests that this model of a provider answered" },
    { "--account", "A", "only what this account did", IS(ACCOUNT) },
    { "--key", "K", "only requests of this client key", IS(CLIENT_KEY) },
    { "--limit", "N", "at most so many rows (1000)", IS_NUMBER(1, 10000) },
    { "--csv", NULL, "as CSV, for spreadsheets" },
    { NULL },
};
static const char *const usage_examples[] = {
    "penstock usage --by model --since 7d # what each model took this week",
    "penstock usage --by key --since 2026-11-01 --csv # the month's bill, for a spreadsheet",
    NULL,
};
static const char *const usage_exits[] = { "3 no gateway runs", NULL };

const struct command usage_commands[] = {
    { .path = "usage",
      .brief = "tokens, requests and cost",
      .about = "Adds up what requests used, by day, hour, model, account, provider, client key or "
               "ending. Hours and days are the gateway's local ones (TZ). WASTED are tokens of "
               "attempts whose answer no client got. A cost with `+?` holds attempts whose price "
               "is not known: see `usage.prices`.",
      .options = usage_options,
      .examples = usage_examples,
      .exits = usage_exits,
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_usage },
    { NULL },
};
