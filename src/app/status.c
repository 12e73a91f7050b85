/* app/status.c - `penstock status`: the running gateway at a glance. */
#include <stdio.h>

#include "app/remote.h"
#include "base/timetext.h"

static void print_status(struct remote_answer *answer)
{
    uint32_t listeners = answer_member(answer, 0, "listeners");
    uint32_t counters = answer_member(answer, 0, "counters");
    struct str fault = answer_text(answer, 0, "settings_fault"), text;
    struct buf up = { .max = 64 };

    (void)duration_put(&up, answer_number(answer, 0, "uptime_seconds", 0) * 1000);
    text = answer_text(answer, 0, "version");
    printf("penstock %.*s, up %.*s\n", STR_ARG(text), (int)up.len, buf_str(&up).at);
    buf_clear(&up);
    for (uint32_t i = listeners == JSON_NONE ? JSON_NONE : json_first(&answer->doc, listeners);
         i != JSON_NONE; i = json_after(&answer->doc, listeners, i))
        if (json_text(&answer->doc, i, &answer->arena, &text))
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
    if (fault.len > 0)
        printf("settings file %.*s\n", (int)fault.len, fault.at);
}

static int command_status(const struct command_line *line)
{
    return remote_fulfil(&(struct remote_wish){
        .line = line, .method = "GET", .path = STR("/api/status"), .print = print_status });
}

static const char *const exits[] = { "3 no gateway runs", NULL };

const struct command status_commands[] = {
    { .path = "status",
      .brief = "what the running gateway does",
      .about =
          "Says what the running gateway does: where it listens, how many accounts are usable, "
          "what runs now, and what is wrong with its settings file. As JSON with all "
          "counters.",
      .exits = exits,
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_status },
    { NULL },
};
