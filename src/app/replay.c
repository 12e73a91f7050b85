/* app/replay.c - `penstock replay`: which mode and settings would have served a day best. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/command.h"
#include "app/terminal.h"
#include "base/json_write.h"
#include "base/timetext.h"
#include "io/file.h"
#include "journal/replay.h"

#define JOURNAL_MAX ((size_t)1 << 30)
#define ACCOUNTS_FILE_MAX ((size_t)16 << 20)
#define ACCOUNTS_MAX 1000
#define MODES 3

struct wish {
    struct replay_options replay;
    struct turns_made made;
    bool modes[MODES];
    bool generate, json, unsorted;
    const char *journal, *mode, *accounts_file;
    int64_t account_count, rpm, tpm, quota_tokens;
    int64_t max_wait_s, queue_wait_s, reserve, deadline_s, cache_s, cache_min, faults;
    int64_t seed, sessions, turns, span_s, think_s, prompt, growth, answer;
    struct arena arena;
    struct turns input;
};

/* --- options --------------------------------------------------------------------------------- */

static void wish_defaults(struct wish *w)
{
    const struct turns_made *made = &turns_made_default;
    const struct world_options *world = &world_options_default;

    *w = (struct wish){
        .rpm = 10,
        .tpm = 80000,
        .max_wait_s = 60,
        .queue_wait_s = 5,
        .deadline_s = 600,
        .cache_s = world->cache_ms / 1000,
        .cache_min = world->cache_tokens_min,
        .faults = world->faults_permille,
        .seed = (int64_t)made->seed,
        .sessions = made->sessions,
        .turns = made->turns,
        .span_s = made->span_ms / 1000,
        .think_s = made->think_ms / 1000,
        .prompt = made->prompt,
        .growth = made->growth,
        .answer = made->answer,
    };
}

static void read_numbers(const struct command_line *line, struct wish *w)
{
    const struct {
        const char *name;
        int64_t *value;
    } numbers[] = {
        { "--max-wait", &w->max_wait_s },
        { "--queue-wait", &w->queue_wait_s },
        { "--reserve", &w->reserve },
        { "--deadline", &w->deadline_s },
        { "--account-count", &w->account_count },
        { "--rpm", &w->rpm },
        { "--tpm", &w->tpm },
        { "--quota", &w->quota_tokens },
        { "--cache-seconds", &w->cache_s },
        { "--cache-min", &w->cache_min },
        { "--faults", &w->faults },
        { "--seed", &w->seed },
        { "--sessions", &w->sessions },
        { "--turns", &w->turns },
        { "--span", &w->span_s },
        { "--think", &w->think_s },
        { "--prompt", &w->prompt },
        { "--growth", &w->growth },
        { "--answer", &w->answer },
    };

    for (size_t i = 0; i < COUNT(numbers); i++)
        *numbers[i].value = line_number(line, numbers[i].name, *numbers[i].value);
}

static void read_wish(const struct command_line *line, struct wish *w)
{
    const char *word = line_text(line, "--mode", NULL);
    enum pool_mode mode = MODE_BALANCE;

    wish_defaults(w);
    read_numbers(line, w);
    w->journal = line_operand(line, 0);
    w->accounts_file = line_text(line, "--accounts", NULL);
    w->replay.fixed = line_text(line, "--fixed", NULL);
    w->unsorted = line_flag(line, "--no-quota-sorting");
    w->generate = line_flag(line, "--generate");
    w->json = line_json(line);
    if (word != NULL)
        (void)pool_mode_from_word(str_c(word), &mode);
    for (unsigned i = 0; i < MODES; i++)
        w->modes[i] = word == NULL || i == (unsigned)mode;
}

/* --- accounts -------------------------------------------------------------------------------- */

struct accounts_reading {
    struct wish *w;
    struct json doc;
    struct error *e;
    uint32_t number;
};

/* A number that stays as it was when the member is absent. */
static enum status account_number(struct accounts_reading *r, uint32_t object, const char *name,
                                  int64_t *out)
{
    uint32_t node = json_member(&r->doc, object, str_c(name), NULL);

    if (node == JSON_NONE)
        return OK;
    if (!json_i64(&r->doc, node, out) || *out < 0 || *out > INT64_C(1000000000000))
        return fail(r->e, E_SYNTAX, "accounts[%u].%s: must be a number that is not negative",
                    r->number, name);
    return OK;
}

static enum status account_models(struct accounts_reading *r, uint32_t object,
                                  struct world_account *a)
{
    uint32_t node = json_member(&r->doc, object, STR("models"), NULL);
    struct str *models;

    if (node == JSON_NONE)
        return OK;
    if (json_type(&r->doc, node) != JSON_ARRAY)
        return fail(r->e, E_SYNTAX, "accounts[%u].models: must be a list", r->number);
    models = arena_array(&r->w->arena, struct str, r->doc.nodes[node].next - node);
    a->models = models;
    for (uint32_t i = json_first(&r->doc, node); i != JSON_NONE; i = json_after(&r->doc, node, i))
        if (!json_text(&r->doc, i, &r->w->arena, &models[a->model_count++]))
            return fail(r->e, E_SYNTAX, "accounts[%u].models: must be a list of strings",
                        r->number);
    return OK;
}

static enum status account_read(struct accounts_reading *r, uint32_t object,
                                struct world_account *a)
{
    struct arena *arena = &r->w->arena;
    struct str tier = STR("");
    int64_t concurrency = 0, window_s = a->quota_window_ms / 1000;
    uint32_t label, tier_at;

    if (json_type(&r->doc, object) != JSON_OBJECT)
        return fail(r->e, E_SYNTAX, "accounts[%u]: must be an object", r->number);
    label = json_member(&r->doc, object, STR("label"), NULL);
    tier_at = json_member(&r->doc, object, STR("tier"), NULL);
    if (label == JSON_NONE || !json_text(&r->doc, label, arena, &a->label) || a->label.len == 0)
        return fail(r->e, E_SYNTAX, "accounts[%u].label: must be a string", r->number);
    if (tier_at != JSON_NONE &&
        (!json_text(&r->doc, tier_at, arena, &tier) || !tier_from_word(tier, &a->tier)))
        return fail(r->e, E_SYNTAX, "accounts[%u].tier: is none of ULTRA, PRO, FREE", r->number);
    enum status st = account_models(r, object, a);

    if (st == OK)
        st = account_number(r, object, "max_concurrency", &concurrency);
    if (st == OK)
        st = account_number(r, object, "requests_per_minute", &a->requests_per_minute);
    if (st == OK)
        st = account_number(r, object, "tokens_per_minute", &a->tokens_per_minute);
    if (st == OK)
        st = account_number(r, object, "quota_tokens", &a->quota_tokens);
    if (st == OK)
        st = account_number(r, object, "quota_window_seconds", &window_s);
    a->concurrency_max = concurrency < UINT32_MAX ? (uint32_t)concurrency : UINT32_MAX;
    a->quota_window_ms = window_s * 1000;
    return st;
}

static struct world_account account_default(const struct wish *w)
{
    return (struct world_account){ .requests_per_minute = w->rpm,
                                   .tokens_per_minute = w->tpm,
                                   .quota_tokens = w->quota_tokens,
                                   .quota_window_ms = INT64_C(5) * 3600 * 1000 };
}

static enum status accounts_read(struct wish *w, struct str text, struct world_account *list,
                                 uint32_t *count, struct error *e)
{
    struct accounts_reading r = { .w = w, .e = e };
    struct json_fault fault;
    enum status st = OK;

    if (!json_parse(&r.doc, text, NULL, &w->arena, &fault)) {
        json_fault_place(&fault, text);
        return fail(e, E_SYNTAX, "%s:%u:%u: %s", w->accounts_file, fault.line, fault.col,
                    fault.what);
    }
    uint32_t all = json_type(&r.doc, 0) == JSON_OBJECT
                       ? json_member(&r.doc, 0, STR("accounts"), NULL)
                       : JSON_NONE;

    if (all == JSON_NONE || json_type(&r.doc, all) != JSON_ARRAY)
        return fail(e, E_SYNTAX, "%s: an object with a list `accounts` is wanted",
                    w->accounts_file);
    for (uint32_t i = json_first(&r.doc, all); i != JSON_NONE && st == OK;
         i = json_after(&r.doc, all, i)) {
        if (*count == ACCOUNTS_MAX)
            return fail(e, E_LIMIT, "%s: more than %d accounts", w->accounts_file, ACCOUNTS_MAX);
        list[*count] = account_default(w);
        st = account_read(&r, i, &list[*count]);
        r.number = ++*count;
    }
    return st == OK && *count == 0 ? fail(e, E_SYNTAX, "%s: no account", w->accounts_file) : st;
}

/* Those of the file, or so many alike, or those that the journal names. */
static enum status accounts_make(struct wish *w, struct error *e)
{
    struct world_account *list = arena_array(&w->arena, struct world_account, ACCOUNTS_MAX);
    struct buf text = { .max = ACCOUNTS_FILE_MAX };
    uint32_t count = 0;
    enum status st = OK;

    if (w->accounts_file != NULL) {
        st = file_read(w->accounts_file, &text, e);
        if (st == OK)
            st = accounts_read(w, arena_copy(&w->arena, buf_str(&text)), list, &count, e);
    } else {
        bool named = w->account_count == 0 && w->input.account_count > 0;

        count = named ? w->input.account_count
                      : (uint32_t)(w->account_count > 0 ? w->account_count : 5);
        if (count > ACCOUNTS_MAX)
            st = fail(e, E_LIMIT, "the journal names more than %d accounts", ACCOUNTS_MAX);
        for (uint32_t i = 0; i < count && st == OK; i++) {
            list[i] = account_default(w);
            list[i].label =
                named ? w->input.accounts[i] : arena_printf(&w->arena, "account-%u", i + 1);
        }
    }
    buf_clear(&text);
    w->replay.world.accounts = list;
    w->replay.world.account_count = count;
    return st;
}

static enum status fixed_check(const struct wish *w, struct error *e)
{
    const struct world_options *world = &w->replay.world;

    for (uint32_t i = 0; i < world->account_count && w->replay.fixed != NULL; i++)
        if (str_eq(world->accounts[i].label, str_c(w->replay.fixed)))
            return OK;
    return w->replay.fixed == NULL
               ? OK
               : fail(e, E_ABSENT, "--fixed: there is no account `%s`", w->replay.fixed);
}

/* --- input ----------------------------------------------------------------------------------- */

static enum status input_read(struct wish *w, struct error *e)
{
    struct buf text = { .max = JOURNAL_MAX };
    struct error wrong = { .status = OK };
    enum status st;

    if (w->generate) {
        w->made = turns_made_default;
        w->made.seed = (uint64_t)w->seed;
        w->made.sessions = (uint32_t)w->sessions;
        w->made.turns = (uint32_t)w->turns;
        w->made.span_ms = w->span_s * 1000;
        w->made.think_ms = w->think_s * 1000;
        w->made.prompt = w->prompt;
        w->made.growth = w->growth;
        w->made.answer = w->answer;
        return turns_make(&w->made, &w->input, e);
    }
    terminal_progress("reading %s", w->journal);
    st = file_read(w->journal, &text, e);
    if (st == OK) {
        st = turns_read(buf_str(&text), &w->input, &wrong);
        if (st != OK)
            st = fail(e, E_SYNTAX, "%s: %s", w->journal, wrong.text);
    }
    buf_clear(&text);
    terminal_progress_end();
    return st;
}

static void replay_set(struct wish *w)
{
    struct world_options *world = &w->replay.world, old = *world;

    *world = world_options_default;
    world->accounts = old.accounts;
    world->account_count = old.account_count;
    world->seed = (uint64_t)w->seed;
    world->cache_ms = w->cache_s * 1000;
    world->cache_tokens_min = w->cache_min;
    world->faults_permille = (uint32_t)w->faults;
    w->replay.deadline_ms = w->deadline_s * 1000;
    w->replay.pool = (struct pool_options){
        .max_wait_ms = w->max_wait_s * 1000,
        .queue_wait_ms = w->queue_wait_s * 1000,
        .optimize_quota_sorting = !w->unsorted,
        .quota_reserve_percent = (int32_t)w->reserve,
        .backoff_ms = { 60000, 300000, 1800000, 7200000 },
        .backoff_count = 4,
    };
}

/* --- output ---------------------------------------------------------------------------------- */

/* In tenths of a percent; 0 of nothing. */
static int64_t permille(int64_t part, int64_t all)
{
    return all > 0 ? (int64_t)((double)part * 1000.0 / (double)all + 0.5) : 0;
}

static void put_report(struct json_writer *w, enum pool_mode mode, const struct replay_report *r)
{
    json_put_object(w);
    json_put_member(w, "mode", str_c(pool_mode_word(mode)));
    json_put_member_i64(w, "requests", (int64_t)r->requests);
    json_put_member_i64(w, "completed", (int64_t)r->completed);
    json_put_member_i64(w, "refused_429", (int64_t)r->refused);
    json_put_member_i64(w, "errors", (int64_t)r->failed);
    json_put_member_i64(w, "tokens_prompt", r->tokens_prompt);
    json_put_member_i64(w, "tokens_cached", r->tokens_cached);
    json_put_member_i64(w, "tokens_out", r->tokens_out);
    json_put_member_i64(w, "cache_hit_permille", permille(r->tokens_cached, r->tokens_prompt));
    json_put_member_i64(w, "waits", (int64_t)r->waits);
    json_put_member_i64(w, "wait_ms_p50", r->wait_ms_p50);
    json_put_member_i64(w, "wait_ms_p95", r->wait_ms_p95);
    json_put_member_i64(w, "wait_ms_sum", r->wait_ms_sum);
    json_put_member_i64(w, "answer_ms_p50", r->took_ms_p50);
    json_put_member_i64(w, "answer_ms_p95", r->took_ms_p95);
    json_put_member_i64(w, "attempts", (int64_t)r->attempts);
    json_put_member_i64(w, "rotations", (int64_t)r->rotations);
    json_put_member_i64(w, "rebinds", (int64_t)r->rebinds);
    json_put_member_i64(w, "ended_ms", r->ended_ms);
    json_put_key(w, STR("accounts"));
    json_put_array(w);
    for (uint32_t i = 0; i < r->account_count; i++) {
        const struct replay_account *a = &r->accounts[i];

        json_put_object(w);
        json_put_member(w, "account", a->label);
        json_put_member_i64(w, "served", (int64_t)a->served);
        json_put_member_i64(w, "refused_429", (int64_t)a->refused);
        json_put_member_i64(w, "failed", (int64_t)a->failed);
        json_put_member_i64(w, "tokens_new", a->tokens_new);
        json_put_member_i64(w, "tokens_cached", a->tokens_cached);
        json_put_member_i64(w, "tokens_out", a->tokens_out);
        json_put_end(w);
    }
    json_put_end(w);
    json_put_end(w);
}

struct column {
    const char *title;
    struct replay_report report;
};

static void print_number(int64_t n)
{
    printf("%18" PRId64, n);
}

static void print_share(int64_t n)
{
    printf("%15" PRId64 ".%" PRId64 " %%", n / 10, n % 10);
}

static void print_time(int64_t ms)
{
    printf("%14" PRId64 ".%03" PRId64, ms / 1000, ms % 1000);
}

#define ROW(title, print, value)                          \
    do {                                                  \
        printf("%-28s", title);                           \
        for (size_t i = 0; i < count; i++) {              \
            const struct replay_report *r = &c[i].report; \
            print((int64_t)(value));                      \
        }                                                 \
        printf("\n");                                     \
    } while (0)

static void print_accounts(const struct column *c, size_t count)
{
    for (uint32_t k = 0; k < c[0].report.account_count; k++) {
        printf(
            "%-28.*s",
            (int)(c[0].report.accounts[k].label.len < 27 ? c[0].report.accounts[k].label.len : 27),
            c[0].report.accounts[k].label.at);
        for (size_t i = 0; i < count; i++) {
            const struct replay_account *a = &c[i].report.accounts[k];
            char text[64];

            snprintf(text, sizeof(text), "%" PRIu64 " / %" PRId64 "k", a->served,
                     (a->tokens_new + a->tokens_cached + a->tokens_out) / 1000);
            printf("%18s", text);
        }
        printf("\n");
    }
}

static void print_columns(const struct column *c, size_t count)
{
    printf("%-28s", "");
    for (size_t i = 0; i < count; i++)
        printf("%18s", c[i].title);
    printf("\n");
    ROW("requests", print_number, r->requests);
    ROW("completed", print_number, r->completed);
    ROW("429 seen by clients", print_number, r->refused);
    ROW("other errors", print_number, r->failed);
    ROW("prompt tokens from a cache", print_share, permille(r->tokens_cached, r->tokens_prompt));
    ROW("requests that waited", print_number, r->waits);
    ROW("  wait p50, seconds", print_time, r->wait_ms_p50);
    ROW("  wait p95, seconds", print_time, r->wait_ms_p95);
    ROW("  wait in all, seconds", print_time, r->wait_ms_sum);
    ROW("answer p50, seconds", print_time, r->took_ms_p50);
    ROW("answer p95, seconds", print_time, r->took_ms_p95);
    ROW("attempts", print_number, r->attempts);
    ROW("rotations", print_number, r->rotations);
    ROW("conversations rebound", print_number, r->rebinds);
    printf("requests / tokens by account\n");
    print_accounts(c, count);
}

static void print_recorded(const struct turns_recorded *r)
{
    int64_t share = permille(r->tokens_cached, r->tokens_prompt);

    if (r->known)
        printf("recorded: %" PRIu64 " completed, %" PRIu64 " 429, %" PRIu64
               " other errors; %" PRId64 ".%" PRId64
               " %% of the prompt tokens from a cache; %" PRIu64 " attempts\n\n",
               r->ended, r->refused, r->failed, share / 10, share % 10, r->attempts);
}

static void put_recorded(struct json_writer *w, const struct turns_recorded *r)
{
    json_put_key(w, STR("recorded"));
    if (!r->known) {
        json_put_null(w);
        return;
    }
    json_put_object(w);
    json_put_member_i64(w, "completed", (int64_t)r->ended);
    json_put_member_i64(w, "refused_429", (int64_t)r->refused);
    json_put_member_i64(w, "errors", (int64_t)r->failed);
    json_put_member_i64(w, "tokens_prompt", r->tokens_prompt);
    json_put_member_i64(w, "tokens_cached", r->tokens_cached);
    json_put_member_i64(w, "tokens_out", r->tokens_out);
    json_put_member_i64(w, "cache_hit_permille", permille(r->tokens_cached, r->tokens_prompt));
    json_put_member_i64(w, "attempts", (int64_t)r->attempts);
    json_put_end(w);
}

static void print_json(const struct wish *w, const struct column *c, size_t count,
                       const enum pool_mode *modes)
{
    struct buf out = { .max = (size_t)64 << 20 };
    struct json_writer writer = json_writer(&out);

    json_put_object(&writer);
    json_put_member_i64(&writer, "seed", w->seed);
    json_put_member_i64(&writer, "conversations", w->input.session_count);
    put_recorded(&writer, &w->input.recorded);
    json_put_key(&writer, STR("modes"));
    json_put_array(&writer);
    for (size_t i = 0; i < count; i++)
        put_report(&writer, modes[i], &c[i].report);
    json_put_end(&writer);
    json_put_end(&writer);
    fwrite(out.at, 1, out.len, stdout);
    printf("\n");
    buf_clear(&out);
}

/* --- all of it ------------------------------------------------------------------------------- */

/* The order of the columns: from the one that keeps caches best. */
static const enum pool_mode order[MODES] = { MODE_CACHE_FIRST, MODE_BALANCE,
                                             MODE_PERFORMANCE_FIRST };

static enum status replay(struct wish *w, struct error *e)
{
    struct column columns[MODES];
    enum pool_mode modes[MODES];
    size_t count = 0;
    enum status st = input_read(w, e);

    if (st == OK)
        st = accounts_make(w, e);
    if (st == OK)
        st = fixed_check(w, e);
    replay_set(w);
    for (size_t i = 0; i < MODES && st == OK; i++) {
        if (!w->modes[order[i]])
            continue;
        w->replay.pool.mode = modes[count] = order[i];
        columns[count].title = pool_mode_word(order[i]);
        terminal_progress("%u turns, %s", w->input.count, columns[count].title);
        st = replay_run(&w->replay, &w->input, &w->arena, &columns[count++].report, e);
    }
    terminal_progress_end();
    if (st != OK)
        return st;
    if (w->json) {
        print_json(w, columns, count, modes);
        return OK;
    }
    printf("%u turns, %u conversations, %u accounts", w->input.count, w->input.session_count,
           w->replay.world.account_count);
    if (w->generate)
        printf(", seed %" PRId64, w->seed);
    printf("\n");
    print_recorded(&w->input.recorded);
    print_columns(columns, count);
    return OK;
}

static int command_replay(const struct command_line *line)
{
    struct error e = { .status = OK };
    struct wish w;

    read_wish(line, &w);
    if (w.generate == (w.journal != NULL))
        return line_wrong(line, "give JOURNAL or --generate, one of them");
    enum status st = replay(&w, &e);

    if (st != OK)
        (void)line_failed(line, "%s", e.text);
    turns_free(&w.input);
    arena_free(&w.arena);
    return st == OK ? EXIT_DONE : st == E_ABSENT ? EXIT_ABSENT : EXIT_FAILED;
}

#define DAY_S 86400
#define TOKENS_MAX 10000000

static const struct command_option replay_options[] = {
    { "--generate", NULL, "made-up requests in place of a journal" },
    { "--mode", "M", "this one only (all three)", IS_CHOICE(choice_mode), "Scheduling" },
    { "--max-wait", "S", "proxy.scheduling.max_wait_seconds (60)", IS_SECONDS(0, DAY_S) },
    { "--queue-wait", "S", "proxy.scheduling.queue_wait_seconds (5)", IS_SECONDS(0, DAY_S) },
    { "--reserve", "P", "proxy.quota_reserve_percent (0)", IS_NUMBER(0, 50) },
    { "--no-quota-sorting", NULL, "without proxy.scheduling.optimize_quota_sorting" },
    { "--fixed", "LABEL", "this account is the fixed one" },
    { "--deadline", "S", "proxy.request_deadline_seconds (600)", IS_SECONDS(1, DAY_S) },
    { "--accounts", "FILE",
      "{\"accounts\": [{\"label\", \"tier\", \"models\", \"max_concurrency\", "
      "\"requests_per_minute\", \"tokens_per_minute\", \"quota_tokens\", "
      "\"quota_window_seconds\"}]}; a settings file will do",
      IS(FILE), "Accounts" },
    { "--account-count", "N", "so many accounts alike (5, or those the journal names)",
      IS_NUMBER(1, ACCOUNTS_MAX) },
    { "--rpm", "N", "requests a minute of an account that says nothing else (10); 0: no limit",
      IS_NUMBER(0, 1000000) },
    { "--tpm", "N", "tokens a minute of such an account (80000); 0: no limit",
      IS_NUMBER(0, 1000000000) },
    { "--quota", "N", "tokens of a window of 5 h (0: no quota)",
      IS_NUMBER(0, INT64_C(1000000000000)) },
    { "--cache-seconds", "S", "how long a prompt stays in the cache (300)", IS_SECONDS(0, DAY_S),
      "Providers" },
    { "--cache-min", "N", "shortest prompt that is cached, tokens (1024)",
      IS_NUMBER(0, TOKENS_MAX) },
    { "--faults", "N", "server errors in a thousand attempts (2)", IS_NUMBER(0, 1000) },
    { "--seed", "N", "other conversations (1)", IS_NUMBER(0, INT64_MAX), "Made-up requests" },
    { "--sessions", "N", "conversations (60)", IS_NUMBER(1, 100000) },
    { "--turns", "N", "turns of each (20)", IS_NUMBER(1, 10000) },
    { "--span", "S", "seconds within which they begin (1200)", IS_SECONDS(0, 30 * DAY_S) },
    { "--think", "S", "seconds between two turns, on average (25)", IS_SECONDS(0, DAY_S) },
    { "--prompt", "N", "tokens of a first prompt, on average (12000)", IS_NUMBER(1, TOKENS_MAX) },
    { "--growth", "N", "tokens added by a turn, on average (1500)", IS_NUMBER(0, TOKENS_MAX) },
    { "--answer", "N", "tokens of an answer, on average (500)", IS_NUMBER(1, TOKENS_MAX) },
    { NULL },
};
static const struct command_operand replay_operands[] = {
    { "JOURNAL", "what `penstock serve --journal` wrote", IS(FILE), .optional = true },
    { NULL },
};
static const char *const replay_examples[] = {
    "penstock replay --generate",
    "penstock replay day.journal --mode CacheFirst --max-wait 120",
    NULL,
};
static const char *const replay_exits[] = { "3 there is no such file, or no such account", NULL };

const struct command replay_commands[] = {
    { .path = "replay",
      .brief = "run a journal or made-up requests through any mode",
      .about =
          "Runs the requests of a journal, or made-up ones, through the scheduler in simulated "
          "time, once for each mode, and says what clients would have seen. The same input "
          "gives the same output, byte for byte.",
      .options = replay_options,
      .operands = replay_operands,
      .examples = replay_examples,
      .exits = replay_exits,
      .takes = TAKES_JSON,
      .run = command_replay },
    { NULL },
};
