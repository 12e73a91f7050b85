/* app/capture.c - `penstock capture`: bodies of requests are kept for a while. */
#include <stdio.h>

#include "app/remote.h"
#include "base/json_write.h"
#include "base/timetext.h"
#include "io/loop.h"

static void print_capture(struct remote_answer *answer)
{
    uint32_t c = answer_member(answer, 0, "capture");
    struct buf left = { .max = 64 };

    if (c == JSON_NONE) {
        printf("no bodies are kept\n");
        return;
    }
    struct str session = answer_text(answer, c, "session");

    (void)duration_put(&left, answer_number(answer, c, "until_unix_ms", 0) - clock_unix_ms());
    printf("bodies of %.*s are kept for %.*s, in `bodies` of the data directory\n",
           session.len > 0 ? (int)session.len : 12, session.len > 0 ? session.at : "all requests",
           (int)left.len, buf_str(&left).at);
    buf_clear(&left);
}

static int command_start(const struct command_line *line)
{
    const char *session = line_text(line, "--session", NULL);
    struct buf body = { .max = 4096 };
    struct json_writer w = json_writer(&body);

    json_put_object(&w);
    if (session != NULL)
        json_put_member(&w, "session", str_c(session));
    json_put_member_i64(&w, "minutes", line_number(line, "--minutes", 15));
    json_put_end(&w);
    int code = remote_fulfil(&(struct remote_wish){ .line = line,
                                                    .method = "POST",
                                                    .path = STR("/api/capture"),
                                                    .body = buf_str(&body),
                                                    .print = print_capture });

    buf_clear(&body);
    return code;
}

static int command_stop(const struct command_line *line)
{
    return remote_fulfil(&(struct remote_wish){
        .line = line, .method = "DELETE", .path = STR("/api/capture"), .print = print_capture });
}

static const struct command_option options[] = {
    { "--session", "S", "only of this conversation, `sid-...` as in log and `why` (all)" },
    { "--minutes", "N", "for so long (15)", IS_NUMBER(1, 15) },
    { NULL },
};
static const char *const exits[] = { "3 no gateway runs", NULL };

const struct command capture_commands[] = {
    { .path = "capture",
      .brief = "keep bodies of requests for a while",
      .about = "Bodies of requests and answers, to see what a client really sends. They hold what "
               "users wrote, so `logs.bodies` must be on, it ends by itself, and a banner tells of "
               "it." },
    { .path = "capture start",
      .brief = "keep bodies from now on",
      .about =
          "From now on each request is kept with its answer, as a file in `bodies` of the data "
          "directory: at most 1 MiB of each body, 64 MiB in all, for 15 minutes. What looks "
          "like a key is masked. Files of a day ago are removed.",
      .options = options,
      .exits = exits,
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_start },
    { .path = "capture stop",
      .brief = "keep no more",
      .about = "Ends the capture; files that were written stay.",
      .exits = exits,
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_stop },
    { NULL },
};
