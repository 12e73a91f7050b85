/* app/connect.c - `penstock connect CLIENT`: what a client has to be told, and on request told. The
 * table of clients is admin/connect.h, which the dashboard's page comes from, too. */
#include "admin/connect.h"

#include <stdio.h>
#include <string.h>

#include "app/command.h"
#include "app/connect_file.h"
#include "app/data_dir.h"
#include "app/terminal.h"
#include "base/json_write.h"
#include "base/log.h"
#include "io/signals.h"

#define BASE_STANDARD "http://127.0.0.1:8045"
#define KEY_ANY "any-value"

struct connecting {
    const struct command_line *line;
    const struct connect_client *client;
    struct arena arena;
    struct str base, key;
    bool running; /* the address is that of a gateway that runs */
};

static const char *choice_client(size_t i)
{
    const struct connect_client *c = connect_client_at(i);

    return c != NULL ? c->name : NULL;
}

/* Folders that clients look for in the environment first. */
static const struct {
    const char *prefix, *variable;
} folders[] = {
    { "~/.claude", "CLAUDE_CONFIG_DIR" },
    { "~/.codex", "CODEX_HOME" },
    { "~/.config", "XDG_CONFIG_HOME" },
    { "~", "HOME" },
};

/* NULL: HOME is not set. */
static const char *file_of(struct connecting *c, const char *path)
{
    for (size_t i = 0; i < COUNT(folders); i++) {
        struct str set = environment_get(folders[i].variable);
        size_t len = strlen(folders[i].prefix);

        if (set.len > 0 && strncmp(path, folders[i].prefix, len) == 0 && path[len] == '/')
            return arena_printf(&c->arena, "%.*s%s", (int)set.len, set.at, path + len).at;
    }
    return NULL;
}

static struct str text_of(struct connecting *c, const struct connect_step *s)
{
    struct buf text = { .max = 65536 };

    (void)connect_put(&text, s->text, c->base, c->key);
    struct str copy = arena_copy(&c->arena, buf_str(&text));

    buf_clear(&text);
    return copy;
}

static const struct connect_step *step_at(const struct connecting *c, size_t i)
{
    return i < CONNECT_STEPS_MAX && c->client->steps[i].text != NULL ? &c->client->steps[i] : NULL;
}

/* --- telling */

static void print_steps(struct connecting *c)
{
    bool paints = terminal_paints(stdout);
    const struct connect_step *s;

    printf("%s%s%s: %s\n", paint_on(paints, PAINT_BOLD), c->client->title, paint_off(paints),
           c->client->about);
    for (size_t i = 0; (s = step_at(c, i)) != NULL; i++) {
        struct str text = text_of(c, s);

        printf("\n%s%s%s%s%s\n%.*s", paint_on(paints, PAINT_BOLD), s->title,
               s->path != NULL ? ", in " : "", s->path != NULL ? s->path : "", paint_off(paints),
               (int)text.len, text.at);
    }
    if (!c->running)
        printf("\nNo gateway runs here now: the address is the one it has when nothing else is "
               "set.\n");
}

static void print_json(struct connecting *c, const char *done)
{
    struct buf out = { .max = (size_t)1 << 20 };
    struct json_writer w = json_writer(&out);
    const struct connect_step *s;

    json_put_object(&w);
    json_put_member(&w, "client", str_c(c->client->name));
    json_put_member(&w, "base_url", c->base);
    json_put_member_bool(&w, "running", c->running);
    json_put_key(&w, STR("steps"));
    json_put_array(&w);
    for (size_t i = 0; (s = step_at(c, i)) != NULL; i++) {
        json_put_object(&w);
        json_put_member(&w, "kind", str_c(connect_kind_word(s->kind)));
        json_put_member(&w, "title", str_c(s->title));
        if (s->path != NULL)
            json_put_member(&w, "path", str_c(s->path));
        json_put_member(&w, "content", text_of(c, s));
        json_put_end(&w);
    }
    json_put_end(&w);
    if (done != NULL) {
        json_put_key(&w, str_c(done));
        json_put_array(&w);
        for (size_t i = 0; (s = step_at(c, i)) != NULL; i++)
            if (s->kind == CONNECT_FILE)
                json_put_str(&w, str_c(file_of(c, s->path)));
        json_put_end(&w);
    }
    json_put_end(&w);
    fwrite(buf_str(&out).at, 1, out.len, stdout);
    printf("\n");
    buf_clear(&out);
}

/* --- files */

static enum status change_files(struct connecting *c, bool undo, struct error *e)
{
    const struct connect_step *s;
    size_t files = 0;
    enum status st = OK;

    for (size_t i = 0; (s = step_at(c, i)) != NULL && st == OK; i++) {
        if (s->kind != CONNECT_FILE)
            continue;
        const char *path = file_of(c, s->path);

        files++;
        if (path == NULL)
            st = fail(e, E_ABSENT, "HOME is not set");
        else if (undo)
            st = connect_undo(path, e);
        else
            st = connect_write(path, text_of(c, s), strcmp(s->language, "toml") == 0, e);
        if (st == OK && !line_json(c->line))
            printf("%s %s\n", undo ? "as it was before:" : "written:", path);
    }
    return st == OK && files == 0
               ? fail(e, E_REFUSED,
                      "%s has no settings file: `penstock connect %s` says what it "
                      "reads",
                      c->client->title, c->client->name)
               : st;
}

/* What no file can hold: the environment. */
static void print_rest(struct connecting *c)
{
    const struct connect_step *s;

    for (size_t i = 0; (s = step_at(c, i)) != NULL; i++) {
        /* what begins with a name of a variable starts the client once, which the file does */
        if (s->kind == CONNECT_SHELL && str_starts(str_c(s->text), STR("export "))) {
            struct str text = text_of(c, s);

            printf("and in your shell: %.*s", (int)text.len, text.at);
        }
    }
}

static void find_base(struct connecting *c)
{
    const char *given = line_text(c->line, "--base-url", NULL);
    char folder[DATA_DIR_MAX];
    struct buf url = { .max = 512 };
    struct error e;

    c->base = given != NULL ? str_c(given) : STR(BASE_STANDARD);
    if (data_dir_find(line_data_dir(c->line), folder, &e) == OK && data_dir_running(folder, &url) &&
        url.len > 0) {
        c->running = true;
        if (given == NULL)
            c->base = arena_copy(&c->arena, buf_str(&url));
    }
    while (str_ends(c->base, STR("/")))
        c->base = str_drop_last(c->base, 1);
    buf_clear(&url);
}

static bool is_plain(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] <= 0x20 || (unsigned char)text.at[i] >= 0x7f ||
            strchr("\"'\\`$", text.at[i]) != NULL)
            return false;
    return text.len > 0;
}

static int connect_run(struct connecting *c)
{
    bool write = line_flag(c->line, "--write"), undo = line_flag(c->line, "--undo");
    const char *variable = line_text(c->line, "--key-env", NULL);
    struct error e = { .status = OK };
    enum status st = OK;

    if (write && undo)
        return line_wrong(c->line, "one of --write and --undo");
    c->key = variable != NULL ? environment_get(variable) : STR(KEY_ANY);
    find_base(c);
    if (c->key.len == 0)
        return line_failed(c->line, "the environment variable %s is not set", variable);
    if (!is_plain(c->key) || !is_plain(c->base))
        return line_wrong(c->line, "the %s holds a blank, a quote or the like",
                          is_plain(c->key) ? "address" : "key");
    if (write || undo)
        st = change_files(c, undo, &e);
    if (st != OK) {
        (void)line_failed(c->line, "%s", e.text);
        return st == E_ABSENT ? EXIT_ABSENT : EXIT_FAILED;
    }
    if (line_json(c->line))
        print_json(c, write ? "written" : undo ? "restored" : NULL);
    else if (write)
        print_rest(c);
    else if (!undo)
        print_steps(c);
    return EXIT_DONE;
}

static int command_connect(const struct command_line *line)
{
    struct connecting c = { .line = line,
                            .client = connect_client_find(str_c(line_operand(line, 0))) };

    process_prepare(false);
    log_setup(&(struct log_options){ .level = LOG_WARN, .unix_ms = clock_unix_ms });
    int code = connect_run(&c);

    arena_free(&c.arena);
    return code;
}

static const struct command_operand operands[] = {
    { "CLIENT", "which one", IS_CHOICE(choice_client) },
    { NULL },
};
static const struct command_option options[] = {
    { "--write", NULL, "write it into the client's settings file; the file before is kept" },
    { "--undo", NULL, "put the file before back" },
    { "--base-url", "U", "another address of the gateway, for other machines" },
    { "--key-env", "VAR", "the client key is in this environment variable (any-value)" },
    { NULL },
};
static const char *const examples[] = { "penstock connect claude-code",
                                        "penstock connect codex --write",
                                        "penstock connect codex --undo", NULL };
static const char *const exits[] = { "3 there is nothing to undo", NULL };

const struct command connect_commands[] = {
    { .path = "connect",
      .brief = "tell a client where the gateway is",
      .about =
          "Tells the exact settings with which a client uses this gateway. With --write they are "
          "put into its settings file: everything else in it stays, the file before is kept "
          "beside it, and one that is not understood is left alone.",
      .options = options,
      .operands = operands,
      .examples = examples,
      .exits = exits,
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_connect },
    { NULL },
};
