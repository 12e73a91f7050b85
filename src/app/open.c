/* app/open.c - `penstock open`, and the browser at start. */
#include "app/open.h"

#include <stdio.h>

#include "app/data_dir.h"
#include "app/remote.h"
#include "base/log.h"
#include "io/child.h"
#include "io/file.h"
#include "io/signals.h"

#define PAGE_NAME "open.html"

bool browser_is_there(void)
{
    return environment_get("DISPLAY").len > 0 || environment_get("WAYLAND_DISPLAY").len > 0;
}

enum status browser_open(const char *folder, struct str url, struct error *e)
{
    struct buf page = { .max = 4096 };
    struct arena a = { 0 };
    const char *path = arena_printf(&a, "%s/" PAGE_NAME, folder).at;
    enum status st = OK;

    /* the URL is of our own making: nothing in it needs an escape */
    if (!buf_printf(&page,
                    "<!doctype html><meta charset=\"utf-8\"><meta name=\"referrer\" "
                    "content=\"no-referrer\"><meta http-equiv=\"refresh\" content=\"0;url=%.*s\">"
                    "<title>Penstock</title>\n",
                    (int)url.len, url.at))
        st = fail(e, E_LIMIT, "the address is too long");
    if (st == OK)
        st = file_write(path, buf_str(&page), false, e);
    if (st == OK)
        st = child_start((const char *const[]){ "xdg-open", path, NULL }, e);
    buf_clear(&page);
    arena_free(&a);
    return st;
}

/* --- the command */

static void print_link(struct remote_answer *answer)
{
    struct str url = answer_text(answer, 0, "url");

    printf("%.*s\n", (int)url.len, url.at);
}

/* Where no browser can be opened the link is there to be copied. */
static int open_link(const struct remote_wish *wish)
{
    struct remote r = { .loop = NULL };
    struct remote_answer answer = { .status = 0 };
    char folder[DATA_DIR_MAX];
    struct error e = { .status = OK };
    enum status st;

    process_prepare(false);
    log_setup(&(struct log_options){ .level = LOG_WARN, .unix_ms = clock_unix_ms });
    st = data_dir_find(line_data_dir(wish->line), folder, &e);
    if (st == OK)
        st = remote_open(&r, folder, &e);
    if (st == OK)
        st = remote_call(&r, wish->method, wish->path, wish->body, &answer, &e);
    if (st != OK) {
        (void)line_failed(wish->line, "%s", e.text);
    } else if (browser_open(folder, answer_text(&answer, 0, "url"), &e) != OK) {
        (void)line_failed(wish->line, "%s; open this yourself:", e.text);
        print_link(&answer);
    }
    remote_answer_clear(&answer);
    remote_close(&r);
    return st == OK ? EXIT_DONE : st == E_ABSENT ? EXIT_ABSENT : EXIT_FAILED;
}

static int command_open(const struct command_line *line)
{
    const struct remote_wish wish = {
        .line = line, .method = "POST", .path = STR("/api/session/link"), .print = print_link
    };
    bool prints = line_flag(line, "--print") || line_json(line) || !browser_is_there();

    return prints ? remote_fulfil(&wish) : open_link(&wish);
}

static const struct command_option options[] = {
    { "--print", NULL, "print the link, open nothing" },
    { NULL },
};
static const char *const exits[] = { "3 no gateway runs", NULL };

const struct command open_commands[] = {
    { .path = "open",
      .brief = "open the dashboard in the browser, logged in",
      .about = "Opens the dashboard of the running gateway in the browser, by a link that logs in "
               "once and within ten minutes. Without a display, and with --json, the link is "
               "printed.",
      .options = options,
      .exits = exits,
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_open },
    { NULL },
};
