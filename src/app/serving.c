/* app/serving.c - `penstock pause` and `penstock resume`. */
#include <stdio.h>

#include "app/remote.h"

static void print_serving(struct remote_answer *answer)
{
    printf("%s\n", answer_flag(answer, 0, "serving")
                       ? "clients are served"
                       : "paused: clients get 503; what runs is finished");
}

static int set(const struct command_line *line, struct str body)
{
    return remote_fulfil(&(struct remote_wish){ .line = line,
                                                .method = "POST",
                                                .path = STR("/api/serving"),
                                                .body = body,
                                                .print = print_serving });
}

static int command_pause(const struct command_line *line)
{
    return set(line, STR("{\"serving\":false}"));
}

static int command_resume(const struct command_line *line)
{
    return set(line, STR("{\"serving\":true}"));
}

static const char *const exits[] = { "3 no gateway runs", NULL };

const struct command serving_commands[] = {
    { .path = "pause",
      .brief = "take no requests of clients for a while",
      .about =
          "From now on clients get 503 in the form of their protocol. Requests and streams that "
          "run are finished; dashboard, admin API and metrics stay. It lasts until `penstock "
          "resume`, or until the gateway ends.",
      .exits = exits,
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_pause },
    { .path = "resume",
      .brief = "take requests of clients again",
      .about = "Ends what `penstock pause` began.",
      .exits = exits,
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_resume },
    { NULL },
};
