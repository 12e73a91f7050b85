/* app/why.c - `penstock why [REQUEST-ID]`: the decision trace of a request, in sentences. */
#include <stdio.h>

#include "app/remote.h"

static void print_trace(struct remote_answer *answer)
{
    uint32_t lines = answer_member(answer, 0, "explanation");
    struct str id = answer_text(answer, 0, "id"), text;

    printf("%.*s\n", STR_ARG(id));
    for (uint32_t i = lines == JSON_NONE ? JSON_NONE : json_first(&answer->doc, lines);
         i != JSON_NONE; i = json_after(&answer->doc, lines, i))
        if (answer_string(answer, i, &text))
            printf("  %.*s\n", (int)text.len, text.at);
}

static int command_why(const struct command_line *line)
{
    struct arena a = { 0 };
    const char *id = line_operand(line, 0);
    int code = remote_fulfil(&(struct remote_wish){
        .line = line,
        .method = "GET",
        .path = remote_path(&a, "/api/requests/", id != NULL ? id : "last", ""),
        .print = print_trace });

    arena_free(&a);
    return code;
}

static const struct command_operand operands[] = {
    { "REQUEST-ID", "the X-Request-Id of its answer, also in the log (the last finished request)",
      .optional = true },
    { NULL },
};
static const char *const exits[] = { "3 no gateway runs, or no such request is kept", NULL };

const struct command why_commands[] = {
    { .path = "why",
      .brief = "how a request was decided",
      .about = "Tells how a request was decided: which accounts were asked, why these, who was "
               "passed over, and what came of it. The gateway must be running, and keeps the last "
               "requests only (logs.capture_bytes). As JSON: the whole trace.",
      .operands = operands,
      .exits = exits,
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_why },
    { NULL },
};
