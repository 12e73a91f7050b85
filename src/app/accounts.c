/* app/accounts.c - `penstock accounts add|list|remove`: works on the database, whether the gateway
 * runs or not; a running one notices. A key is never an argument, which other users of the machine
 * could read: it comes from an environment variable or from standard input. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/accounts_check.h"
#include "app/accounts_signin.h"
#include "app/books.h"
#include "app/terminal.h"
#include "base/json_write.h"
#include "base/log.h"
#include "io/file.h"
#include "io/signals.h"
#include "io/terminal.h"
#include "provider/provider.h"
#include "store/store.h"

#define KEY_MAX 16384

/* --- add
 * ------------------------------------------------------------------------------------------- */

static enum status take_key(const struct command_line *line, struct account_spec *spec,
                            struct error *e)
{
    const char *variable = line_text(line, "--api-key-env", NULL);
    struct secret typed = { 0 };
    struct str key = STR("");
    enum status st = OK;

    if (variable != NULL) {
        key = environment_get(variable);
        if (key.len == 0)
            return fail(e, E_ABSENT, "the environment variable %s is not set", variable);
    } else if (line_flag(line, "--api-key-stdin")) {
        st = terminal_read_secret("API key: ", KEY_MAX, &typed, e);
        key = str_trim(secret_reveal(&typed));
        if (st == OK && key.len == 0)
            st = fail(e, E_ABSENT, "there is no key on standard input");
    }
    for (size_t i = 0; i < key.len && st == OK; i++)
        if ((unsigned char)key.at[i] <= 0x20 || (unsigned char)key.at[i] >= 0x7f)
            st = fail(e, E_SYNTAX, "the key holds a blank or a byte that no key has");
    if (st == OK)
        spec->api_key = secret_copy(key);
    secret_clear(&typed);
    return st;
}

static void take_models(struct str list, struct account_spec *spec)
{
    struct str rest = list, one;
    size_t count = 1;

    if (list.len == 0)
        return;
    for (size_t i = 0; i < list.len; i++)
        count += list.at[i] == ',';
    spec->models = arena_array(&spec->arena, struct str, count);
    while (rest.len > 0) {
        (void)str_cut(rest, ',', &one, &rest);
        one = str_trim(one);
        if (one.len > 0)
            spec->models[spec->model_count++] = one;
    }
}

static struct str option_str(const struct command_line *line, const char *option)
{
    return str_c(line_text(line, option, ""));
}

static enum status spec_from_line(const struct command_line *line, struct account_spec *spec,
                                  struct error *e)
{
    (void)tier_from_word(option_str(line, "--tier"), &spec->tier);
    spec->label = option_str(line, "--label");
    spec->provider = option_str(line, "--provider");
    spec->wire = option_str(line, "--wire");
    spec->base_url = option_str(line, "--base-url");
    spec->project = option_str(line, "--project");
    spec->proxy = option_str(line, "--proxy");
    const char *wrong = settings_wrong_proxy(spec->proxy);

    if (wrong != NULL)
        return fail(e, E_SYNTAX, "--proxy %s", wrong);
    spec->concurrency_max = (uint32_t)line_number(line, "--max-concurrency", 0);
    take_models(option_str(line, "--models"), spec);
    return take_key(line, spec, e);
}

/* An account of a provider that one signs in to, without a token of the user's own. */
static bool is_signed_in(const struct command_line *line)
{
    return provider_signs_in(option_str(line, "--provider")) && !line_flag(line, "--api-key-env") &&
           !line_flag(line, "--api-key-stdin");
}

/* `checked` is NULL when its key was not checked. */
static void show_added(const struct command_line *line, const struct account_spec *spec,
                       const struct check_result *checked)
{
    struct buf text = { .max = (size_t)16 << 10 };
    struct json_writer w = json_writer(&text);

    if (!line_json(line)) {
        printf("added `%.*s` (%lld)\n", STR_ARG(spec->label), (long long)spec->id);
        if (checked != NULL && checked->good)
            printf("%.*s\n", STR_ARG(checked->message));
        else if (checked != NULL)
            fprintf(stderr, "penstock accounts: its key could not be checked: %.*s\n",
                    STR_ARG(checked->message));
        return;
    }
    json_put_object(&w);
    json_put_member_i64(&w, "id", spec->id);
    if (checked == NULL) {
        json_put_member_null(&w, "check");
    } else {
        json_put_key(&w, STR("check"));
        json_put_object(&w);
        check_put(&w, checked);
        json_put_end(&w);
    }
    json_put_end(&w);
    printf("%.*s\n", (int)text.len, text.at);
    buf_clear(&text);
}

static enum status add(struct books *b, const struct command_line *line, struct error *e)
{
    struct settings *s = config_file_settings(b->config);
    struct account_spec *spec = account_spec_new();
    struct upstream *up = NULL;
    enum status st = spec_from_line(line, spec, e);

    for (size_t i = 0; st == OK && i < s->account_count; i++)
        if (str_eq(s->accounts[i]->label, spec->label))
            st = fail(e, E_CONFLICT, "the settings file has an account with the label `%.*s`",
                      STR_ARG(spec->label));
    if (st == OK)
        st = upstream_new(spec, &s->provider, &up, e); /* says what is wrong with it */
    if (st != OK && str_starts(str_c(e->text), STR("api_key: ")) && secret_is_empty(&spec->api_key))
        st = fail(e, E_SYNTAX,
                  "an account of %.*s needs a key: give --api-key-env or --api-key-stdin",
                  STR_ARG(spec->provider));
    struct check_result checked = { .good = false };
    struct arena a = { 0 };
    bool known = st == OK && !line_flag(line, "--unchecked") && !secret_is_empty(&spec->api_key) &&
                 account_check(s, up, &a, &checked);

    if (known && check_refuses(&checked))
        st = fail(e, E_REFUSED, "the provider refuses this key (status %d): %.*s", checked.status,
                  STR_ARG(checked.message));
    if (st == OK)
        st = store_account_add(b->store, spec, clock_unix_ms(), e);
    if (st == OK)
        show_added(line, spec, known ? &checked : NULL);
    arena_free(&a);
    upstream_free(up);
    account_spec_free(spec);
    return st;
}

/* --- list and remove
 * ------------------------------------------------------------------------------- */

struct listing {
    struct json_writer *w; /* NULL: a table for people */
    size_t count;
    const char *wanted; /* what to remove */
    int64_t found;
};

static void show(struct listing *l, const struct account_spec *spec)
{
    char hint[SECRET_HINT_MAX];

    secret_hint(account_credential(spec), hint);
    l->count++;
    if (l->w == NULL) {
        printf("%-20lld %-*.*s %-12.*s %-6s %-9s %-*.*s %.*s\n", (long long)spec->id,
               TERMINAL_CELL(spec->label, 20), STR_ARG(spec->provider), tier_word(spec->tier),
               spec->from_file ? "file" : "database", TERMINAL_CELL(str_c(hint), 10),
               STR_ARG(spec->disabled ? spec->disabled_reason : STR("")));
        return;
    }
    json_put_object(l->w);
    json_put_member_i64(l->w, "id", spec->id);
    json_put_member(l->w, "label", spec->label);
    json_put_member(l->w, "provider", spec->provider);
    json_put_member(l->w, "wire", spec->wire);
    json_put_member(l->w, "base_url", spec->base_url);
    json_put_member(l->w, "tier", str_c(tier_word(spec->tier)));
    json_put_member(l->w, "key", str_c(hint));
    json_put_member_bool(l->w, "disabled", spec->disabled);
    json_put_member(l->w, "declared_in", spec->from_file ? STR("file") : STR("database"));
    json_put_end(l->w);
}

static void show_stored(void *peer, struct account_spec *spec)
{
    show(peer, spec);
    account_spec_free(spec);
}

static enum status list(struct books *b, const struct command_line *line, struct error *e)
{
    struct settings *s = config_file_settings(b->config);
    struct listing l = { 0 };
    struct json_writer w;
    struct buf out;

    buf_init(&out, (size_t)64 << 20);
    w = json_writer(&out);
    if (line_json(line)) {
        l.w = &w;
        json_put_object(&w);
        json_put_key(&w, STR("accounts"));
        json_put_array(&w);
    } else {
        printf("%-20s %-20s %-12s %-6s %-9s %-10s %s\n", "ID", "LABEL", "PROVIDER", "TIER", "IN",
               "KEY", "DISABLED");
    }
    for (size_t i = 0; i < s->account_count; i++)
        show(&l, s->accounts[i]);
    enum status st = store_accounts(b->store, show_stored, &l, e);
    if (line_json(line)) {
        json_put_end(&w);
        json_put_end(&w);
        fwrite(out.at, 1, out.len, stdout);
        printf("\n");
    } else if (l.count == 0) {
        printf("no accounts: the gateway serves from its provider simulator\n");
    }
    buf_clear(&out);
    return st;
}

static void find_stored(void *peer, struct account_spec *spec)
{
    struct listing *l = peer;
    int64_t id;

    if (str_eq(spec->label, str_c(l->wanted)) ||
        (str_to_i64(str_c(l->wanted), &id) && id == spec->id))
        l->found = spec->id;
    account_spec_free(spec);
}

static enum status drop(struct books *b, const struct command_line *line, struct error *e)
{
    struct settings *s = config_file_settings(b->config);
    struct listing l = { .wanted = line_operand(line, 0) };
    enum status st = store_accounts(b->store, find_stored, &l, e);

    if (st != OK)
        return st;
    if (l.found == 0) {
        for (size_t i = 0; i < s->account_count; i++)
            if (str_eq(s->accounts[i]->label, str_c(l.wanted)))
                return fail(e, E_CONFLICT, "`%s` is declared in the settings file: remove it there",
                            l.wanted);
        return fail(e, E_ABSENT, "no account `%s`", l.wanted);
    }
    st = store_account_remove(b->store, l.found, e);
    if (st == OK && line_json(line))
        printf("{\"id\":%lld}\n", (long long)l.found);
    else if (st == OK)
        printf("removed `%s`\n", l.wanted);
    return st;
}

static int command_add(const struct command_line *line)
{
    if (line_flag(line, "--api-key-env") && line_flag(line, "--api-key-stdin"))
        return line_wrong(line, "one of --api-key-env and --api-key-stdin");
    if (is_signed_in(line))
        return books_do(line, accounts_sign_in);
    if (line_text(line, "--label", NULL) == NULL)
        return line_wrong(line, "--label is missing");
    return books_do(line, add);
}

static int command_list(const struct command_line *line)
{
    return books_do(line, list);
}

static int command_remove(const struct command_line *line)
{
    return books_do(line, drop);
}

/* --- rows
 * ------------------------------------------------------------------------------------------ */

static const struct command_option add_options[] = {
    { "--label", "L",
      "a name of your choice, unique; needed unless you sign in, else your e-mail address" },
    { "--provider", "P", "whose account it is", IS_CHOICE(choice_provider), .required = true },
    { "--wire", "W", "compatible: what it speaks", IS_CHOICE(choice_wire) },
    { "--base-url", "U", "where it is; needed for compatible" },
    { "--project", "P", "cloudcode: the project that the requests belong to" },
    { "--api-key-env", "VAR", "take the key from this environment variable now" },
    { "--api-key-stdin", NULL,
      "read the key from standard input; on a terminal it is asked for, and not shown" },
    { "--unchecked", NULL, "do not ask the provider whether the key is good" },
    { "--models", "A,B*", "model names it offers, `*` allowed; all of them when absent" },
    { "--tier", "T", "better ones are used first", IS_CHOICE(choice_tier) },
    { "--max-concurrency", "N", "requests at once", IS_NUMBER(1, 100000) },
    { "--proxy", "U", "http://, https:// or socks5:// proxy, or `direct`" },
    { NULL },
};
static const char *const add_examples[] = {
    "penstock accounts add --label work --provider anthropic --api-key-env ANTHROPIC_API_KEY",
    "penstock accounts add --label lab --provider compatible --wire openai-chat \\\n"
    "    --base-url http://127.0.0.1:9001/v1",
    "penstock accounts add --provider copilot",
    NULL,
};
static const struct command_operand remove_operands[] = {
    { "ACCOUNT", "its id or label", IS(ACCOUNT) },
    { NULL },
};
static const char *const add_exits[] = {
    "1 the provider refuses the key",
    "3 the variable with the key is not set, or there is no OAuth client", NULL
};
static const char *const remove_exits[] = { "3 no such account", NULL };

const struct command accounts_commands[] = {
    { .path = "accounts",
      .brief = "add, list and remove accounts",
      .about = "Accounts of the database and of the settings file, whether the gateway runs or "
               "not; a running one notices." },
    { .path = "accounts add",
      .brief = "add an account to the database",
      .about =
          "Adds an account; its key is sealed. A key is never an argument, which other users "
          "of the machine could read. The provider is asked for its list of models, which costs no "
          "tokens: a key that it refuses is not added; where it cannot be asked, that is said.\n\n"
          "To accounts of antigravity, codex and copilot you sign in, with an OAuth client of "
          "your own (providers.<name>.oauth): the command prints the address or the code, waits "
          "for the browser to come back, and takes the address that it was sent to on standard "
          "input when it is on another machine.",
      .options = add_options,
      .examples = add_examples,
      .exits = add_exits,
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_add },
    { .path = "accounts list",
      .brief = "list all accounts",
      .about = "Lists the accounts of the settings file and of the database.",
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_list },
    { .path = "accounts remove",
      .brief = "remove an account of the database",
      .about = "Removes an account of the database. Those of the settings file are the file's.",
      .operands = remove_operands,
      .exits = remove_exits,
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_remove },
    { NULL },
};
