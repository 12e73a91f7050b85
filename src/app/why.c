/* app/why.c - `penstock why [REQUEST-ID]`: the decision trace of a request, in sentences. */
#include <stdio.h>

#include "app/command.h"
#include "app/options.h"
#include "app/remote.h"

static const char help[] =
    "usage: penstock why [REQUEST-ID] [--json] [--data-dir D]\n\n"
    "Tells how a request was decided: which accounts were asked, why these, who was passed over,\n"
    "and what came of it. The id is the X-Request-Id of its answer, also in the log; without one\n"
    "the last finished request is told. The gateway must be running, and keeps the last ones only\n"
    "(logs.capture_bytes).\n\n"
    "  --json        the whole trace as JSON\n"
    "  --data-dir D  data directory of the gateway (PENSTOCK_DATA_DIR, else ~/.penstock)\n\n"
    "Exit codes: 0 told, 1 failed, 2 wrong usage, 3 no gateway runs or no such request is kept.\n";

static void print_trace(struct remote_answer *answer)
{
    uint32_t lines = answer_member(answer, 0, "explanation");
    struct str id = answer_text(answer, 0, "id"), text;

    printf("%.*s\n", STR_ARG(id));
    for (uint32_t i = lines == JSON_NONE ? JSON_NONE : json_first(&answer->doc, lines);
         i != JSON_NONE; i = json_after(&answer->doc, lines, i))
        if (json_text(&answer->doc, i, &answer->arena, &text))
            printf("  %.*s\n", (int)text.len, text.at);
}

int command_why(int argc, char **argv)
{
    struct remote_wish wish = { .command = "penstock why", .method = "GET", .print = print_trace };
    const char *id = "last";
    const struct option table[] = { { "--json", &wish.json, NULL },
                                    { "--data-dir", NULL, &wish.data_dir } };
    struct options o = { .command = wish.command,
                         .help = help,
                         .table = table,
                         .count = COUNT(table),
                         .words = &id,
                         .word_max = 1 };
    struct arena a = { 0 };
    int code = options_read(&o, argc, argv);

    if (code >= 0)
        return code;
    wish.path = remote_path(&a, "/api/requests/", id, "");
    code = remote_fulfil(&wish);
    arena_free(&a);
    return code;
}
