/* app/route.c - `penstock route`: which model's name is served by whom, seen, changed and asked in
 * advance. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/remote.h"
#include "app/route_import.h"
#include "base/json_write.h"
#include "io/file.h"

#define FILE_MAX ((size_t)16 << 20)

/* --- show ------------------------------------------------------------------------------------ */

static void print_mapping(struct remote_answer *answer)
{
    uint32_t mapping = answer_member(answer, 0, "mapping"),
             first = mapping == JSON_NONE ? JSON_NONE : json_first(&answer->doc, mapping);
    struct str from, to;

    printf(first == JSON_NONE ? "mapping: none\n" : "mapping\n");
    for (uint32_t i = first; i != JSON_NONE; i = json_after(&answer->doc, mapping, i)) {
        bool named = answer_string(answer, i, &from);

        i = json_after(&answer->doc, mapping, i);
        if (named && answer_string(answer, i, &to))
            printf("  %.*s → %.*s\n", (int)from.len, from.at, (int)to.len, to.at);
    }
}

static void print_raw(struct remote_answer *answer, uint32_t node)
{
    struct str raw = json_raw(&answer->doc, node);

    printf("%.*s", (int)raw.len, raw.at);
}

static void print_entry(struct remote_answer *answer, uint32_t node)
{
    uint32_t when = JSON_NONE;
    struct str label;

    printf("    ");
    if (answer_string(answer, node, &label)) {
        printf("%.*s\n", (int)label.len, label.at);
        return;
    }
    static const char *const members[] = { "flow", "provider", "account", "model" };

    for (size_t i = 0, n = 0; i < COUNT(members); i++) {
        struct str text = answer_text(answer, node, members[i]);

        if (text.len > 0)
            printf("%s%s %.*s", n++ > 0 ? ", " : "", members[i], (int)text.len, text.at);
    }
    when = answer_member(answer, node, "when");
    if (when != JSON_NONE) {
        printf(", when ");
        print_raw(answer, when);
    }
    printf("\n");
}

static void print_routes(struct remote_answer *answer, const char *list, const char *title)
{
    uint32_t all = answer_member(answer, 0, list);
    struct str name;

    for (uint32_t i = all == JSON_NONE ? JSON_NONE : json_first(&answer->doc, all); i != JSON_NONE;
         i = json_after(&answer->doc, all, i)) {
        bool named = answer_string(answer, i, &name);

        i = json_after(&answer->doc, all, i);
        if (!named || json_type(&answer->doc, i) != JSON_OBJECT)
            continue;
        printf("%s %.*s%s%s\n", title, (int)name.len, name.at,
               str_eq(answer_text(answer, i, "order"), STR("rotate")) ? ", rotating" : "",
               answer_flag(answer, i, "smart_switch") ? ", smart switch" : "");
        uint32_t entries = answer_member(answer, i, "entries");

        for (uint32_t k = entries == JSON_NONE ? JSON_NONE : json_first(&answer->doc, entries);
             k != JSON_NONE; k = json_after(&answer->doc, entries, k))
            print_entry(answer, k);
    }
}

static void print_missing(struct remote_answer *answer)
{
    uint32_t list = answer_member(answer, 0, "missing");

    for (uint32_t i = list == JSON_NONE ? JSON_NONE : json_first(&answer->doc, list);
         i != JSON_NONE; i = json_after(&answer->doc, list, i)) {
        struct str path = answer_text(answer, i, "path");
        struct str account = answer_text(answer, i, "account");

        printf("passed over: %.*s: there is no account %.*s\n", (int)path.len, path.at,
               (int)account.len, account.at);
    }
}

static void print_routing(struct remote_answer *answer)
{
    uint32_t background = answer_member(answer, 0, "background");
    struct str model = STR("");

    print_mapping(answer);
    print_routes(answer, "flows", "flow");
    print_routes(answer, "accounts", "account route of");
    if (background != JSON_NONE)
        model = answer_text(answer, background, "model");
    printf("background tasks: %s",
           background != JSON_NONE && answer_flag(answer, background, "enabled") ? "on" : "off");
    printf(model.len > 0 ? ", %.*s\n" : "%.*s\n", (int)model.len, model.at);
    print_missing(answer);
}

static int command_show(const struct command_line *line)
{
    return remote_fulfil(&(struct remote_wish){
        .line = line, .method = "GET", .path = STR("/api/routing"), .print = print_routing });
}

/* --- set ------------------------------------------------------------------------------------- */

/* The file, or what comes over the standard input. */
/* Gives the exit code; EXIT_DONE: it was read. */
static int read_input(const struct command_line *line, const char *path, struct buf *out)
{
    struct error e = { .status = OK };

    buf_init(out, FILE_MAX);
    if (strcmp(path, "-") == 0) {
        char piece[65536];
        size_t n;

        while ((n = fread(piece, 1, sizeof(piece), stdin)) > 0)
            if (!buf_add(out, (struct str){ piece, n }))
                return line_failed(line, "the input is larger than 16 MiB");
        return EXIT_DONE;
    }
    if (file_read(path, out, &e) == OK)
        return EXIT_DONE;
    (void)line_failed(line, "%s", e.text);
    return e.status == E_ABSENT ? EXIT_ABSENT : EXIT_FAILED;
}

static int send_routing(const struct command_line *line, struct str body)
{
    return remote_fulfil(&(struct remote_wish){ .line = line,
                                                .method = "PUT",
                                                .path = STR("/api/routing"),
                                                .body = body,
                                                .print = print_routing });
}

static int command_set(const struct command_line *line)
{
    struct buf body;
    int code;

    code = read_input(line, line_operand(line, 0), &body);
    if (code == EXIT_DONE)
        code = send_routing(line, buf_str(&body));
    buf_clear(&body);
    return code;
}

/* --- explain --------------------------------------------------------------------------------- */

static void print_forecast(struct remote_answer *answer)
{
    uint32_t lines = answer_member(answer, 0, "explanation");
    struct str text;

    for (uint32_t i = lines == JSON_NONE ? JSON_NONE : json_first(&answer->doc, lines);
         i != JSON_NONE; i = json_after(&answer->doc, lines, i))
        if (answer_string(answer, i, &text))
            printf("%.*s\n", (int)text.len, text.at);
}

static int command_explain(const struct command_line *line)
{
    static const char *const flags[][2] = { { "images", "--images" },
                                            { "tools", "--tools" },
                                            { "thinking", "--thinking" } };
    static const char *const texts[][2] = { { "protocol", "--protocol" },
                                            { "session", "--session" } };
    struct buf body = { .max = 16384 };
    struct json_writer w = json_writer(&body);

    json_put_object(&w);
    json_put_member(&w, "model", str_c(line_operand(line, 0)));
    for (size_t i = 0; i < COUNT(texts); i++)
        if (line_text(line, texts[i][1], NULL) != NULL)
            json_put_member(&w, texts[i][0], str_c(line_text(line, texts[i][1], NULL)));
    for (size_t i = 0; i < COUNT(flags); i++)
        if (line_flag(line, flags[i][1]))
            json_put_member_bool(&w, flags[i][0], true);
    json_put_member_i64(&w, "context_tokens", line_number(line, "--context-tokens", 0));
    json_put_end(&w);
    int code = remote_fulfil(&(struct remote_wish){ .line = line,
                                                    .method = "POST",
                                                    .path = STR("/api/routing/explain"),
                                                    .body = buf_str(&body),
                                                    .print = print_forecast });

    buf_clear(&body);
    return code;
}

/* --- import ---------------------------------------------------------------------------------- */

static const char *choice_source(size_t i)
{
    return i == 0 ? "anti-api" : NULL;
}

static void say_note(__attribute__((unused)) void *peer, struct str text)
{
    fprintf(stderr, "%.*s\n", (int)text.len, text.at);
}

static int command_import(const struct command_line *line)
{
    struct buf text, body;
    struct error e = { .status = OK };
    int code;

    buf_init(&body, FILE_MAX);
    code = read_input(line, line_operand(line, 1), &text);
    if (code == EXIT_DONE) {
        if (route_import_anti_api(buf_str(&text), say_note, NULL, &body, &e) != OK)
            code = line_failed(line, "%s", e.text);
        else if (line_flag(line, "--dry-run"))
            code = printf("%.*s\n", (int)body.len, buf_str(&body).at) > 0 ? EXIT_DONE : EXIT_FAILED;
        else
            code = send_routing(line, buf_str(&body));
    }
    buf_clear(&text);
    buf_clear(&body);
    return code;
}

/* --- rows ------------------------------------------------------------------------------------ */

static const struct command_operand set_operands[] = {
    { "FILE", "JSON with `mapping`, `flows`, `accounts`, `background`; `-` for the standard input",
      IS(FILE) },
    { NULL },
};
static const char *const set_examples[] = {
    "penstock route show --json >routes.json # the routes as they are, to edit",
    "penstock route set routes.json # and back", NULL
};
static const struct command_option explain_options[] = {
    { "--protocol", "P", "what the client speaks [openai-chat]", IS_CHOICE(choice_wire) },
    { "--session", "S", "a conversation, as X-Session-Id names it", IS(TEXT) },
    { "--images", NULL, "as if pictures were in the request" },
    { "--tools", NULL, "as if there were tools to call" },
    { "--thinking", NULL, "as if thinking were asked for" },
    { "--context-tokens", "N", "as if the prompt had so many tokens [0]", IS_NUMBER(0, 100000000) },
    { NULL },
};
static const struct command_operand explain_operands[] = {
    { "MODEL", "the name that a client would ask for", IS(TEXT) },
    { NULL },
};
static const char *const explain_examples[] = {
    "penstock route explain claude-sonnet-4-5 --protocol anthropic # what Claude Code would get",
    NULL
};
static const struct command_option import_options[] = {
    { "--dry-run", NULL, "print what would be set, and set nothing" },
    { NULL },
};
static const struct command_operand import_operands[] = {
    { "SOURCE", "whose file it is", IS_CHOICE(choice_source) },
    { "FILE", "its routing.json", IS(FILE) },
    { NULL },
};
static const char *const running_exits[] = { "3 no gateway runs", NULL };
static const char *const file_exits[] = { "3 no gateway runs, or there is no such file", NULL };

const struct command route_commands[] = {
    { .path = "route",
      .brief = "which model's name is served by whom",
      .about = "Mapping, flows and account routes of the running gateway: seen, changed, and asked "
               "in advance.",
      .takes = TAKES_JSON | TAKES_DATA_DIR },
    { .path = "route show",
      .brief = "mapping, flows and account routes",
      .about = "Shows the mapping, flows, account routes and what is done with background tasks.",
      .exits = running_exits,
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_show },
    { .path = "route set",
      .brief = "replace mapping, flows or account routes",
      .about = "Replaces those of `mapping`, `flows`, `accounts` and `background` that the file "
               "has. They are written to the settings file and hold from the next request on. "
               "With a `revision` it is refused when the settings have changed since.",
      .operands = set_operands,
      .examples = set_examples,
      .exits = file_exits,
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_set },
    { .path = "route explain",
      .brief = "what would become of a model's name now",
      .about = "Tells step by step what would become of a request for the model now, and why. "
               "Nobody is asked.",
      .options = explain_options,
      .operands = explain_operands,
      .examples = explain_examples,
      .exits = running_exits,
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_explain },
    { .path = "route import",
      .brief = "take over another program's routes",
      .about = "Reads the routing file of another program and sets its flows and account routes "
               "here, in place of those that are set. What has no counterpart is told.",
      .options = import_options,
      .operands = import_operands,
      .exits = file_exits,
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_import },
    { NULL },
};
