/* app/status.c - `penstock status`: the running gateway at a glance; on a terminal as it goes on.
 *
 * The view is drawn over itself line by line, without another screen and with the cursor as it is:
 * so whatever ends the program leaves the terminal in order. */
#include <inttypes.h>
#include <stdio.h>

#include "app/remote.h"
#include "app/terminal.h"
#include "base/log.h"
#include "base/timetext.h"
#include "base/utf8.h"
#include "io/signals.h"

/* How long bodies are still kept. Lives as long as the answer. */
static const char *capture_left(struct remote_answer *answer, uint32_t capture)
{
    struct buf left = { .max = 64 };
    int64_t until_ms = answer_number(answer, capture, "until_unix_ms", 0) - clock_unix_ms();

    (void)(duration_put(&left, until_ms > 0 ? until_ms : 0) && buf_add_char(&left, '\0'));
    const char *text = arena_copy(&answer->arena, buf_str(&left)).at;

    buf_clear(&left);
    return text;
}

static void print_status(struct remote_answer *answer)
{
    uint32_t listeners = answer_member(answer, 0, "listeners");
    uint32_t counters = answer_member(answer, 0, "counters");
    uint32_t capture = answer_member(answer, 0, "capture");
    struct str fault = answer_text(answer, 0, "settings_fault"), text;
    struct buf up = { .max = 64 };

    (void)duration_put(&up, answer_number(answer, 0, "uptime_seconds", 0) * 1000);
    text = answer_text(answer, 0, "version");
    printf("penstock %.*s, up %.*s\n", STR_ARG(text), (int)up.len, buf_str(&up).at);
    buf_clear(&up);
    for (uint32_t i = listeners == JSON_NONE ? JSON_NONE : json_first(&answer->doc, listeners);
         i != JSON_NONE; i = json_after(&answer->doc, listeners, i))
        if (answer_string(answer, i, &text))
            printf("listening on  http://%.*s\n", STR_ARG(text));
    printf("accounts      %lld usable%s\n",
           (long long)answer_number(answer, 0, "active_accounts", 0),
           answer_flag(answer, 0, "simulator") ? "; the built-in simulator serves" : "");
    printf("running       %lld requests, %lld streams, %lld connections\n",
           (long long)(counters == JSON_NONE
                           ? 0
                           : answer_number(answer, counters, "exchanges_running", 0)),
           (long long)answer_number(answer, 0, "streams", 0),
           (long long)answer_number(answer, 0, "connections", 0));
    if (counters != JSON_NONE)
        printf("since start   %lld requests: %lld completed, %lld failed, %lld left by their "
               "client; %lld further attempts\n",
               (long long)answer_number(answer, counters, "exchanges", 0),
               (long long)answer_number(answer, counters, "completed", 0),
               (long long)answer_number(answer, counters, "failed", 0),
               (long long)answer_number(answer, counters, "left", 0),
               (long long)answer_number(answer, counters, "failovers", 0));
    if (answer_member(answer, 0, "serving") != JSON_NONE && !answer_flag(answer, 0, "serving"))
        printf("serving       paused: clients get 503 until `penstock resume`\n");
    if (capture != JSON_NONE)
        printf(
            "capture       bodies are kept for another %s, in `bodies`; `penstock capture stop`\n",
            capture_left(answer, capture));
    if (fault.len > 0)
        printf("settings file %.*s\n", (int)fault.len, fault.at);
}

/* --- accounts ----------------------------------------------------------------------------------
 */

/* One word, and until when. */
static void put_state(struct remote_answer *list, uint32_t account, struct buf *out,
                      enum paint *paint)
{
    uint32_t locks = answer_member(list, account, "lockouts");
    int64_t left_s = 0;
    struct str reason = STR("");

    *paint = PAINT_GREEN;
    if (answer_flag(list, account, "credential_refused")) {
        *paint = PAINT_RED;
        (void)buf_add(out, STR("credential refused"));
        return;
    }
    if (answer_flag(list, account, "disabled") || answer_flag(list, account, "proxy_disabled")) {
        *paint = PAINT_DIM;
        (void)buf_add(out, STR("disabled"));
        return;
    }
    for (uint32_t i = locks == JSON_NONE ? JSON_NONE : json_first(&list->doc, locks);
         i != JSON_NONE; i = json_after(&list->doc, locks, i))
        if (answer_number(list, i, "seconds_left", INT64_MAX / 2000) >= left_s) {
            left_s = answer_number(list, i, "seconds_left", INT64_MAX / 2000);
            reason = answer_text(list, i, "reason");
        }
    if (reason.len == 0) {
        (void)buf_add(out, answer_number(list, account, "in_flight", 0) > 0 ? STR("in use")
                                                                            : STR("free"));
        return;
    }
    *paint = PAINT_YELLOW;
    (void)(buf_add(out, reason) && buf_add(out, STR(" ")));
    if (left_s < INT64_MAX / 2000)
        (void)duration_put(out, left_s * 1000);
    else
        (void)buf_add(out, STR("(you act)"));
}

/* The group of which least is left: `#######--- 71 % group`. */
static void put_quota(struct remote_answer *list, uint32_t account, struct buf *out)
{
    uint32_t all = answer_member(list, account, "quota");
    int64_t least = 1001;
    struct str group = STR("");

    for (uint32_t i = all == JSON_NONE ? JSON_NONE : json_first(&list->doc, all); i != JSON_NONE;
         i = json_after(&list->doc, all, i)) {
        int64_t left = answer_number(list, i, "remaining_permille", -1);

        if (left >= 0 && left < least) {
            least = left;
            group = answer_text(list, i, "group");
        }
    }
    if (least > 1000) {
        (void)buf_add(out, STR("unknown"));
        return;
    }
    for (int64_t i = 0; i < 10; i++)
        (void)buf_add_char(out, i * 100 < least ? '#' : '-');
    (void)buf_printf(out, " %3" PRId64 " %% %.*s", least / 10, STR_ARG(group));
}

/* What has more bytes is clipped at a character. */
static void put_cell(struct buf *out, struct str text, size_t width)
{
    struct str shown = utf8_clip(text, width);

    (void)buf_printf(out, "%-*.*s ", TERMINAL_CELL(shown, (int)width));
}

static void put_account(struct remote_answer *list, uint32_t account, bool paints, struct buf *out)
{
    struct buf cell = { .max = 1024 };
    uint32_t today = answer_member(list, account, "today");
    enum paint paint;

    put_cell(out, answer_text(list, account, "label"), 24);
    put_cell(out, answer_text(list, account, "provider"), 12);
    put_state(list, account, &cell, &paint);
    (void)buf_add(out, str_c(paint_on(paints, paint)));
    put_cell(out, buf_str(&cell), 24);
    (void)buf_add(out, str_c(paint_off(paints)));
    (void)buf_printf(out, "%6" PRId64 " %8" PRId64 "  ",
                     answer_number(list, account, "in_flight", 0),
                     today == JSON_NONE ? 0 : answer_number(list, today, "requests", 0));
    cell.len = 0;
    put_quota(list, account, &cell);
    (void)buf_add(out, buf_str(&cell));
    (void)buf_add_char(out, '\n');
    buf_clear(&cell);
}

/* At most `max` lines; what is left is counted in the last one. */
static void put_accounts(struct remote_answer *list, size_t max, bool paints, struct buf *out)
{
    uint32_t all = answer_member(list, 0, "accounts");
    size_t shown = 0, left = 0;

    if (all == JSON_NONE || json_first(&list->doc, all) == JSON_NONE || max < 3)
        return;
    (void)buf_printf(out, "%s%-24s %-12s %-24s %6s %8s  %s%s\n", paint_on(paints, PAINT_BOLD),
                     "ACCOUNT", "PROVIDER", "STATE", "NOW", "TODAY", "QUOTA", paint_off(paints));
    for (uint32_t i = json_first(&list->doc, all); i != JSON_NONE;
         i = json_after(&list->doc, all, i)) {
        if (shown + 2 < max) {
            put_account(list, i, paints, out);
            shown++;
        } else {
            left++;
        }
    }
    if (left > 0)
        (void)buf_printf(out, "and %zu more\n", left);
}

/* --- the view -----------------------------------------------------------------------------------
 */

#define SAMPLES 60
#define TURN_MS 1000

struct view {
    struct {
        int64_t at_ms, requests, tokens;
    } samples[SAMPLES];
    size_t count; /* taken so far */
    size_t lines; /* of the last frame */
};

static void sample(struct view *v, struct remote_answer *status)
{
    uint32_t counters = answer_member(status, 0, "counters");
    size_t i = v->count++ % SAMPLES;

    v->samples[i].at_ms = clock_mono_us() / 1000;
    v->samples[i].requests =
        counters == JSON_NONE ? 0 : answer_number(status, counters, "exchanges", 0);
    v->samples[i].tokens = counters == JSON_NONE
                               ? 0
                               : answer_number(status, counters, "tokens_in", 0) +
                                     answer_number(status, counters, "tokens_out", 0);
}

/* What came in the last `span` samples, in a thousandth of a unit each second. */
static int64_t rate(const struct view *v, size_t span, bool tokens)
{
    size_t have = v->count < SAMPLES ? v->count : SAMPLES;
    size_t back = span < have ? span : have - 1;
    size_t last = (v->count - 1) % SAMPLES, first = (v->count - 1 - back) % SAMPLES;
    int64_t took_ms = v->samples[last].at_ms - v->samples[first].at_ms;
    int64_t n = tokens ? v->samples[last].tokens - v->samples[first].tokens
                       : v->samples[last].requests - v->samples[first].requests;

    return took_ms > 0 && n > 0 ? n * 1000000 / took_ms : 0;
}

static void put_frame(struct view *v, struct remote_answer *status, struct remote_answer *list,
                      size_t rows, bool paints, struct buf *out)
{
    uint32_t counters = answer_member(status, 0, "counters");
    struct str version = answer_text(status, 0, "version");
    struct str fault = answer_text(status, 0, "settings_fault");
    uint32_t capture = answer_member(status, 0, "capture");
    int64_t rps = rate(v, 5, false), tpm = rate(v, SAMPLES - 1, true) * 60 / 1000;

    (void)buf_printf(out, "%spenstock %.*s%s, up ", paint_on(paints, PAINT_BOLD), STR_ARG(version),
                     paint_off(paints));
    (void)duration_put(out, answer_number(status, 0, "uptime_seconds", 0) * 1000);
    if (!answer_flag(status, 0, "serving"))
        (void)buf_printf(out, ", %spaused%s", paint_on(paints, PAINT_RED), paint_off(paints));
    if (answer_flag(status, 0, "simulator"))
        (void)buf_printf(out, ", %sthe simulator serves%s", paint_on(paints, PAINT_YELLOW),
                         paint_off(paints));
    if (capture != JSON_NONE)
        (void)buf_printf(out, ", %sbodies are kept for another %s%s", paint_on(paints, PAINT_RED),
                         capture_left(status, capture), paint_off(paints));
    (void)buf_printf(
        out,
        "\n%" PRId64 ".%" PRId64 " requests/s, %" PRId64 " tokens/min; now %" PRId64
        " requests, %" PRId64 " streams, %" PRId64 " waiting, %" PRId64 " connections\n",
        rps / 1000, rps / 100 % 10, tpm,
        counters == JSON_NONE ? 0 : answer_number(status, counters, "exchanges_running", 0),
        answer_number(status, 0, "streams", 0),
        counters == JSON_NONE ? 0 : answer_number(status, counters, "exchanges_waiting", 0),
        answer_number(status, 0, "connections", 0));
    if (fault.len > 0)
        (void)buf_printf(out, "%ssettings file %.*s%s\n", paint_on(paints, PAINT_RED),
                         STR_ARG(fault), paint_off(paints));
    (void)buf_add_char(out, '\n');
    put_accounts(list, rows > 5 ? rows - 5 : 3, paints, out);
}

/* As much of a line as has room in so many columns; paint takes none. */
static struct str visible(struct str line, size_t columns)
{
    size_t used = 0, i = 0;

    while (i < line.len) {
        if (line.at[i] == '\x1b') {
            while (i < line.len && line.at[i] != 'm')
                i++;
        } else if (((unsigned char)line.at[i] & 0xc0) != 0x80 && used++ == columns) {
            break;
        }
        i++;
    }
    return str_take(line, i);
}

/* Over the frame before, each line to its end. */
static void draw(struct view *v, const struct buf *frame, size_t columns)
{
    struct str rest = buf_str(frame), line;
    size_t lines = 0;

    if (v->lines > 0)
        printf("\x1b[%zuA", v->lines);
    for (; rest.len > 0; lines++) {
        (void)str_cut(rest, '\n', &line, &rest);
        line = visible(line, columns);
        printf("\r%.*s\x1b[0m\x1b[K\n", (int)line.len, line.at);
    }
    printf("\x1b[J");
    fflush(stdout);
    v->lines = lines;
}

/* --- the command ---------------------------------------------------------------------------------
 */

static enum status look(struct remote *r, struct view *v, bool live, bool terminal, struct error *e)
{
    struct remote_answer status = { .status = 0 }, list = { .status = 0 };
    struct buf out = { .max = (size_t)4 << 20 };
    enum status st = remote_call(r, "GET", STR("/api/status"), STR(""), &status, e);

    if (st == OK)
        st = remote_call(r, "GET", STR("/api/accounts"), STR(""), &list, e);
    if (st == OK && live) {
        size_t rows = 50, columns = 120;

        if (terminal)
            terminal_size(stdout, &rows, &columns);
        sample(v, &status);
        put_frame(v, &status, &list, rows, terminal_paints(stdout), &out);
        if (terminal)
            draw(v, &out, columns);
        else
            printf("%.*s\n", (int)out.len, buf_str(&out).at);
        fflush(stdout);
    } else if (st == OK) {
        print_status(&status);
        put_accounts(&list, 100, terminal_paints(stdout), &out);
        printf("%s%.*s", out.len > 0 ? "\n" : "", (int)out.len, buf_str(&out).at);
    }
    buf_clear(&out);
    remote_answer_clear(&status);
    remote_answer_clear(&list);
    return st;
}

static int command_status(const struct command_line *line)
{
    bool terminal = terminal_is(stdout);
    bool live = line_flag(line, "--watch") || (terminal && !line_flag(line, "--once"));
    struct remote r = { .loop = NULL };
    struct view view = { .count = 0 };
    struct error e = { .status = OK };

    if (line_flag(line, "--watch") && line_flag(line, "--once"))
        return line_wrong(line, "one of --watch and --once");
    if (line_json(line))
        return remote_fulfil(&(struct remote_wish){
            .line = line, .method = "GET", .path = STR("/api/status"), .print = print_status });
    process_prepare(false);
    log_setup(&(struct log_options){ .level = LOG_WARN, .unix_ms = clock_unix_ms });
    enum status st = remote_open(&r, line_data_dir(line), &e);

    while (st == OK) {
        st = look(&r, &view, live, terminal, &e);
        if (!live)
            break;
        if (st == OK)
            remote_pause(&r, TURN_MS);
    }
    if (st != OK)
        (void)line_failed(line, "%s", e.text);
    remote_close(&r);
    return st == OK ? EXIT_DONE : st == E_ABSENT ? EXIT_ABSENT : EXIT_FAILED;
}

static const struct command_option options[] = {
    { "--watch", NULL, "tell anew each second, in a pipe too" },
    { "--once", NULL, "once, on a terminal too" },
    { NULL },
};
static const char *const exits[] = { "3 no gateway runs", NULL };

const struct command status_commands[] = {
    { .path = "status",
      .brief = "what the running gateway does",
      .about = "Says what the running gateway does: requests and tokens, what runs now, and the "
               "accounts with their state and quota. On a terminal the view goes on until you end "
               "it (Ctrl-C); elsewhere it is told once. As JSON: GET /api/status, with all "
               "counters.",
      .options = options,
      .exits = exits,
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_status },
    { NULL },
};
