/* app/keys.c - `penstock keys`: client keys, whether the gateway runs or not. One that runs makes
 * the change itself, so that it holds at once; else the database is written. */
#include <stdio.h>

#include "app/command.h"
#include "app/config_file.h"
#include "app/data_dir.h"
#include "app/key_changes.h"
#include "app/remote.h"
#include "app/terminal.h"
#include "base/log.h"
#include "base/timetext.h"
#include "io/file.h"
#include "io/signals.h"

/* --- asking ----------------------------------------------------------------------------------- */

/* What is to be done: over the admin API, or on the database. */
struct wish {
    const struct command_line *line;
    const char *method;
    struct str path, body;
    bool (*offline)(const struct key_desk *d, const struct wish *wish, struct admin_outcome *out);
    const char *name; /* of the key; NULL: none */
    void (*print)(struct remote_answer *answer);
};

struct books {
    char folder[DATA_DIR_MAX];
    struct config_file *config;
    struct store *store;
    struct client_keys *keys;
};

static enum status books_open(struct books *b, const char *folder, struct error *e)
{
    struct master_key key;
    enum status st = folder_prepare(folder, e);

    if (st == OK)
        st = config_file_open(folder, NULL, &(struct settings_sources){ environment_get },
                              &b->config, NULL, e);
    if (st == OK)
        st = master_key_load(folder, environment_get("PENSTOCK_MASTER_KEY"), &key, e);
    if (st == OK)
        st = store_open(folder, &key, &b->store, e);
    if (st == OK)
        st = client_keys_load(b->store, &b->keys, e);
    wipe(&key, sizeof(key));
    return st;
}

static void books_close(struct books *b)
{
    client_keys_unref(b->keys);
    store_close(b->store);
    config_file_close(b->config);
}

/* Prints an outcome as if a gateway had given it. */
static int print_outcome(const struct wish *wish, struct admin_outcome *out)
{
    struct remote_answer answer = { .status = out->status, .body = out->body };
    bool read = json_parse(&answer.doc, buf_str(&out->body), NULL, &answer.arena, NULL);
    int code = EXIT_DONE;

    assert(read);
    if (out->status >= 300) {
        uint32_t fault = answer_member(&answer, 0, "error");
        struct str text = answer_text(&answer, fault, "message"),
                   path = answer_text(&answer, fault, "path");

        (void)line_failed(wish->line, "%.*s%s%.*s", STR_ARG(path), path.len > 0 ? ": " : "",
                          STR_ARG(text));
        code = out->status == 404 ? EXIT_ABSENT : EXIT_FAILED;
    } else if (line_json(wish->line)) {
        printf("%.*s\n", (int)out->body.len, buf_str(&out->body).at);
    } else {
        wish->print(&answer);
    }
    arena_free(&answer.arena);
    return code;
}

static int fulfil_offline(const struct wish *wish, const char *folder)
{
    struct books b = { .config = NULL };
    struct admin_outcome out = { .status = 500 };
    struct error e = { .status = OK };
    int code;

    buf_init(&out.body, (size_t)16 << 20);
    if (books_open(&b, folder, &e) != OK) {
        code = line_failed(wish->line, "%s", e.text);
    } else {
        const struct key_desk d = { .store = b.store,
                                    .settings = config_file_settings(b.config),
                                    .keys = b.keys };

        (void)wish->offline(&d, wish, &out);
        code = print_outcome(wish, &out);
    }
    books_close(&b);
    if (out.body.cap > 0)
        wipe(out.body.at, out.body.cap); /* a key may be in it */
    buf_clear(&out.body);
    return code;
}

static int fulfil(const struct wish *wish)
{
    struct buf url = { .max = 512 };
    struct error e = { .status = OK };
    char folder[DATA_DIR_MAX];
    bool runs;

    process_prepare(false);
    log_setup(&(struct log_options){ .level = LOG_ERROR, .unix_ms = clock_unix_ms });
    if (data_dir_find(line_data_dir(wish->line), folder, &e) != OK)
        return line_failed(wish->line, "%s", e.text);
    runs = data_dir_running(folder, &url) && url.len > 0;
    buf_clear(&url);
    if (!runs)
        return fulfil_offline(wish, folder);
    return remote_fulfil(&(struct remote_wish){ .line = wish->line,
                                                .method = wish->method,
                                                .path = wish->path,
                                                .body = wish->body,
                                                .print = wish->print });
}

/* --- printing --------------------------------------------------------------------------------- */

static void print_new(struct remote_answer *answer)
{
    struct str name = answer_text(answer, 0, "name"), key = answer_text(answer, 0, "key");

    fprintf(stderr, "The key of `%.*s` is shown this once:\n", STR_ARG(name));
    printf("%.*s\n", (int)key.len, key.at);
}

static struct str join(struct remote_answer *answer, uint32_t row, const char *name)
{
    uint32_t list = answer_member(answer, row, name);
    struct buf b = { .max = 4096 };
    struct str text;

    for (uint32_t i = list == JSON_NONE ? JSON_NONE : json_first(&answer->doc, list);
         i != JSON_NONE; i = json_after(&answer->doc, list, i))
        if (answer_string(answer, i, &text))
            (void)((b.len == 0 || buf_add(&b, STR(","))) && buf_add(&b, text));
    text = b.len > 0 ? arena_copy(&answer->arena, buf_str(&b)) : STR("-");
    buf_clear(&b);
    return text;
}

static const char *limit_text(struct remote_answer *answer, uint32_t row, const char *used,
                              const char *limit)
{
    uint32_t counts = answer_member(answer, row, "used");
    int64_t max = answer_number(answer, row, limit, -1);
    int64_t n = counts != JSON_NONE ? answer_number(answer, counts, used, -1) : -1;
    struct arena *a = &answer->arena;

    if (n < 0 && max < 0)
        return "-";
    if (max < 0)
        return arena_printf(a, "%lld", (long long)n).at;
    return n < 0 ? arena_printf(a, "/%lld", (long long)max).at
                 : arena_printf(a, "%lld/%lld", (long long)n, (long long)max).at;
}

static const char *state_text(struct remote_answer *answer, uint32_t row)
{
    struct str expires = answer_text(answer, row, "expires");

    if (answer_flag(answer, row, "disabled"))
        return "disabled";
    if (answer_flag(answer, row, "expired"))
        return "expired";
    return expires.len > 0
               ? arena_printf(&answer->arena, "until %.*s", STR_ARG(str_take(expires, 10))).at
               : "good";
}

static void print_list(struct remote_answer *answer)
{
    uint32_t keys = answer_member(answer, 0, "keys");

    printf("%-20s %-12s %-17s %-10s %-21s %-21s %-20s %s\n", "NAME", "KEY", "STATE", "PER MINUTE",
           "TOKENS TODAY", "THIS MONTH", "MODELS", "ADDRESSES");
    for (uint32_t i = keys == JSON_NONE ? JSON_NONE : json_first(&answer->doc, keys);
         i != JSON_NONE; i = json_after(&answer->doc, keys, i)) {
        struct str name = answer_text(answer, i, "name"), hint = answer_text(answer, i, "hint");
        struct str models = join(answer, i, "models"), addresses = join(answer, i, "addresses");
        int64_t minute = answer_number(answer, i, "requests_per_minute", 0);

        printf("%-*.*s %-*.*s %-17s %-10s %-21s %-21s %-20.*s %.*s\n", TERMINAL_CELL(name, 20),
               TERMINAL_CELL(hint, 12), state_text(answer, i),
               minute > 0 ? arena_printf(&answer->arena, "%lld", (long long)minute).at : "-",
               limit_text(answer, i, "tokens_today", "tokens_per_day"),
               limit_text(answer, i, "tokens_this_month", "tokens_per_month"), STR_ARG(models),
               STR_ARG(addresses));
    }
    if (!answer_flag(answer, 0, "required"))
        printf("No client key is needed on loopback until there is one.\n");
}

static void print_revoked(struct remote_answer *answer)
{
    (void)answer;
    printf("revoked\n");
}

static void print_changed(struct remote_answer *answer)
{
    struct str name = answer_text(answer, 0, "name");

    printf("changed %.*s\n", STR_ARG(name));
}

/* --- the body --------------------------------------------------------------------------------- */

static void put_list(struct json_writer *w, const struct command_line *line, const char *option,
                     const char *name)
{
    const char *text = line_text_at(line, option, 0);

    if (text == NULL)
        return;
    json_put_key(w, str_c(name));
    json_put_array(w);
    for (size_t i = 0; (text = line_text_at(line, option, i)) != NULL; i++)
        if (text[0] != '\0') /* `--model ''`: all of them again */
            json_put_str(w, str_c(text));
    json_put_end(w);
}

/* 0 takes a limit away. */
static void put_limit(struct json_writer *w, const struct command_line *line, const char *option,
                      const char *name)
{
    int64_t n = line_number(line, option, -1);

    if (n == 0)
        json_put_member_null(w, name);
    else if (n > 0)
        json_put_member_i64(w, name, n);
}

/* A time, or how long from now; `never` takes it away. */
static void put_expiry(struct json_writer *w, const struct command_line *line)
{
    const char *text = line_text(line, "--expires", NULL);
    struct buf at = { .max = 64 };
    int64_t ms;

    if (text == NULL)
        return;
    if (str_eq(str_c(text), STR("never"))) {
        json_put_member_null(w, "expires");
    } else if (!str_to_i64(str_c(text), &ms) && duration_read(str_c(text), &ms)) {
        (void)date_put_rfc3339(&at, clock_unix_ms() + ms);
        json_put_member(w, "expires", buf_str(&at));
    } else {
        json_put_member(w, "expires", str_c(text));
    }
    buf_clear(&at);
}

static void put_limits(struct json_writer *w, const struct command_line *line)
{
    put_expiry(w, line);
    put_list(w, line, "--model", "models");
    put_list(w, line, "--address", "addresses");
    put_limit(w, line, "--requests-per-minute", "requests_per_minute");
    put_limit(w, line, "--tokens-per-day", "tokens_per_day");
    put_limit(w, line, "--tokens-per-month", "tokens_per_month");
}

/* --- commands --------------------------------------------------------------------------------- */

static bool offline_list(const struct key_desk *d, const struct wish *wish,
                         struct admin_outcome *out)
{
    (void)wish;
    key_list(d, out);
    return true;
}

static bool offline_add(const struct key_desk *d, const struct wish *wish,
                        struct admin_outcome *out)
{
    return key_add(d, wish->body, out);
}

static bool offline_change(const struct key_desk *d, const struct wish *wish,
                           struct admin_outcome *out)
{
    return key_change(d, str_c(wish->name), wish->body, out);
}

static bool offline_rotate(const struct key_desk *d, const struct wish *wish,
                           struct admin_outcome *out)
{
    return key_rotate(d, str_c(wish->name), out);
}

static bool offline_revoke(const struct key_desk *d, const struct wish *wish,
                           struct admin_outcome *out)
{
    return key_remove(d, str_c(wish->name), out);
}

static int command_list(const struct command_line *line)
{
    return fulfil(&(struct wish){ .line = line,
                                  .method = "GET",
                                  .path = STR("/api/keys"),
                                  .offline = offline_list,
                                  .print = print_list });
}

static int command_add(const struct command_line *line)
{
    struct buf body = { .max = (size_t)1 << 20 };
    struct json_writer w = json_writer(&body);

    json_put_object(&w);
    json_put_member(&w, "name", str_c(line_operand(line, 0)));
    put_limits(&w, line);
    json_put_end(&w);
    int code = fulfil(&(struct wish){ .line = line,
                                      .method = "POST",
                                      .path = STR("/api/keys"),
                                      .body = buf_str(&body),
                                      .offline = offline_add,
                                      .print = print_new });

    buf_clear(&body);
    return code;
}

static int command_change(const struct command_line *line)
{
    struct buf body = { .max = (size_t)1 << 20 };
    struct json_writer w = json_writer(&body);
    struct arena a = { 0 };
    bool disable = line_flag(line, "--disable"), enable = line_flag(line, "--enable");

    if (disable && enable)
        return line_wrong(line, "--disable and --enable exclude each other");
    json_put_object(&w);
    if (disable || enable)
        json_put_member_bool(&w, "disabled", disable);
    put_limits(&w, line);
    json_put_end(&w);
    if (str_eq(buf_str(&body), STR("{}"))) {
        buf_clear(&body);
        return line_wrong(line, "nothing to change is given");
    }
    int code =
        fulfil(&(struct wish){ .line = line,
                               .method = "PATCH",
                               .path = remote_path(&a, "/api/keys/", line_operand(line, 0), ""),
                               .body = buf_str(&body),
                               .offline = offline_change,
                               .name = line_operand(line, 0),
                               .print = print_changed });

    buf_clear(&body);
    arena_free(&a);
    return code;
}

static int command_of_key(const struct command_line *line, const char *method, const char *after,
                          bool (*offline)(const struct key_desk *d, const struct wish *wish,
                                          struct admin_outcome *out),
                          void (*print)(struct remote_answer *answer))
{
    struct arena a = { 0 };
    int code =
        fulfil(&(struct wish){ .line = line,
                               .method = method,
                               .path = remote_path(&a, "/api/keys/", line_operand(line, 0), after),
                               .offline = offline,
                               .name = line_operand(line, 0),
                               .print = print });

    arena_free(&a);
    return code;
}

static int command_rotate(const struct command_line *line)
{
    return command_of_key(line, "POST", "/rotate", offline_rotate, print_new);
}

static int command_revoke(const struct command_line *line)
{
    return command_of_key(line, "DELETE", "", offline_revoke, print_revoked);
}

/* --- rows ------------------------------------------------------------------------------------- */

#define REQUESTS_MAX 1000000
#define TOKENS_MAX INT64_C(1000000000000000)
#define LIMITS                                                                                    \
    { "--expires", "T",                                                                           \
      "refused from then on: a date, a time (RFC 3339), how long from now (`90d`), or `never`" }, \
        { "--model", "M", "only this model, `*` allowed; may be repeated", .repeats = true },     \
        { "--address", "A", "only from this address or network; may be repeated",                 \
          .repeats = true },                                                                      \
        { "--requests-per-minute", "N", "at most so many; 0 for any number",                      \
          IS_NUMBER(0, REQUESTS_MAX) },                                                           \
        { "--tokens-per-day", "N", "tokens, in and out, of a local day; 0 for any number",        \
          IS_NUMBER(0, TOKENS_MAX) },                                                             \
    {                                                                                             \
        "--tokens-per-month", "N", "the same of a month", IS_NUMBER(0, TOKENS_MAX)                \
    }

static const struct command_option add_options[] = { LIMITS, { NULL } };
static const struct command_option change_options[] = {
    { "--disable", NULL, "refuse it, but keep it" },
    { "--enable", NULL, "take it again" },
    LIMITS,
    { NULL },
};
static const struct command_operand new_operands[] = {
    { "NAME", "what to call it: unique, 1 to 128 bytes" },
    { NULL },
};
static const struct command_operand key_operands[] = {
    { "NAME", "its name", IS(CLIENT_KEY) },
    { NULL },
};
static const char *const add_examples[] = {
    "penstock keys add laptop",
    "penstock keys add ci --expires 90d --model 'gpt-5*' --tokens-per-day 2000000",
    NULL,
};
static const char *const key_exits[] = { "3 no such key", NULL };

const struct command keys_commands[] = {
    { .path = "keys",
      .brief = "client keys: who may call, and how much",
      .about = "Client keys. As soon as there is one, every client must show one. They work on a "
               "gateway that runs, where they hold at once, and on a data directory without one." },
    { .path = "keys list",
      .brief = "the keys, what they may, and what they have used",
      .about = "Lists the keys of the settings file and of the database.",
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_list },
    { .path = "keys add",
      .brief = "make a key",
      .about = "Makes a key and prints it, once: only its SHA-256 is kept.",
      .options = add_options,
      .operands = new_operands,
      .examples = add_examples,
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_add },
    { .path = "keys change",
      .brief = "change what a key may",
      .about = "Changes what is given and leaves the rest. Keys of the settings file are changed "
               "there.",
      .options = change_options,
      .operands = key_operands,
      .exits = key_exits,
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_change },
    { .path = "keys rotate",
      .brief = "replace a key by a new one",
      .about = "Makes another key for the same name and prints it, once. The old one is refused "
               "from then on; limits, usage and stored objects stay with the name.",
      .operands = key_operands,
      .exits = key_exits,
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_rotate },
    { .path = "keys revoke",
      .brief = "remove a key for good",
      .about = "The key is refused from then on. What it used stays in the usage.",
      .operands = key_operands,
      .exits = key_exits,
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_revoke },
    { NULL },
};
