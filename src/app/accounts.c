/* app/accounts.c - `penstock accounts add|list|remove`: works on the database, whether the gateway
 * runs or not; a running one notices. A key is never an argument, which other users of the machine
 * could read: it comes from an environment variable or from standard input. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/command.h"
#include "app/config_file.h"
#include "app/data_dir.h"
#include "base/json_write.h"
#include "base/log.h"
#include "io/file.h"
#include "io/signals.h"
#include "provider/provider.h"
#include "store/store.h"

static const char help[] =
    "usage: penstock accounts add --label L --provider P [OPTIONS]\n"
    "       penstock accounts list [--json]\n"
    "       penstock accounts remove LABEL-OR-ID [--json]\n\n"
    "  --data-dir D           data directory (PENSTOCK_DATA_DIR, else ~/.penstock)\n"
    "  --label L              a name of your choice, unique\n"
    "  --provider P           openai, anthropic, gemini, antigravity, codex, copilot, compatible,\n"
    "                         or simulator\n"
    "  --wire W               compatible: openai-chat, openai-responses, anthropic, gemini or "
    "cloudcode\n"
    "  --base-url U           where it is; needed for compatible\n"
    "  --project P            cloudcode: the project that the requests belong to\n"
    "  --api-key-env VAR      take the key from this environment variable now\n"
    "  --api-key-stdin        read the key from standard input\n"
    "  --models A,B*          model names it offers, `*` allowed; all of them when absent\n"
    "  --tier T               ULTRA, PRO or FREE: better ones are used first\n"
    "  --max-concurrency N    requests at once\n"
    "  --proxy U              http://, https:// or socks5:// proxy, or `direct`\n"
    "  --json                 answer as JSON\n";

#define KEY_MAX 16384

struct accounts_options {
    const char *data_dir;
    struct str label, provider, wire, base_url, project, models, tier, proxy, key_env, concurrency;
    bool key_stdin, json;
    const char *name; /* what to remove */
};

static int usage(const char *what, const char *which)
{
    fprintf(stderr, "penstock accounts: %s %s\n\n%s", what, which, help);
    return EXIT_USAGE;
}

static int failed(const struct error *e)
{
    fprintf(stderr, "penstock accounts: %s\n", e->text);
    return e->status == E_ABSENT ? EXIT_ABSENT : EXIT_FAILED;
}

static int read_options(int argc, char **argv, struct accounts_options *o)
{
    const struct {
        const char *name;
        struct str *value;
    } texts[] = {
        { "--label", &o->label },         { "--provider", &o->provider },
        { "--wire", &o->wire },           { "--base-url", &o->base_url },
        { "--project", &o->project },     { "--models", &o->models },
        { "--tier", &o->tier },           { "--proxy", &o->proxy },
        { "--api-key-env", &o->key_env }, { "--max-concurrency", &o->concurrency },
    };

    for (int i = 2; i < argc; i++) {
        const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
        struct str *into = NULL;

        if (strcmp(name, "--help") == 0) {
            fputs(help, stdout);
            return EXIT_DONE;
        }
        if (strcmp(name, "--json") == 0) {
            o->json = true;
            continue;
        }
        if (strcmp(name, "--api-key-stdin") == 0) {
            o->key_stdin = true;
            continue;
        }
        if (strncmp(name, "--", 2) != 0) {
            if (o->name != NULL)
                return usage("one account at a time, not also", name);
            o->name = name;
            continue;
        }
        for (size_t t = 0; t < COUNT(texts); t++)
            if (strcmp(name, texts[t].name) == 0)
                into = texts[t].value;
        if (into == NULL && strcmp(name, "--data-dir") != 0)
            return usage("no option", name);
        if (value == NULL)
            return usage("a value is missing behind", name);
        i++;
        if (into != NULL)
            *into = str_c(value);
        else
            o->data_dir = value;
    }
    return -1;
}

/* --- the database
 * ---------------------------------------------------------------------------------- */

struct books {
    char folder[DATA_DIR_MAX];
    struct config_file *config;
    struct store *store;
};

static enum status books_open(struct books *b, const char *data_dir, struct error *e)
{
    struct master_key key;
    enum status st = data_dir_find(data_dir, b->folder, e);

    if (st == OK)
        st = folder_prepare(b->folder, e);
    if (st == OK)
        st = config_file_open(b->folder, NULL, &(struct settings_sources){ environment_get },
                              &b->config, NULL, e);
    if (st == OK)
        st = master_key_load(b->folder, environment_get("PENSTOCK_MASTER_KEY"), &key, e);
    if (st == OK)
        st = store_open(b->folder, &key, &b->store, e);
    wipe(&key, sizeof(key));
    return st;
}

static void books_close(struct books *b)
{
    store_close(b->store);
    config_file_close(b->config);
}

/* --- add
 * ------------------------------------------------------------------------------------------- */

static enum status take_key(const struct accounts_options *o, struct account_spec *spec,
                            struct error *e)
{
    char text[KEY_MAX];
    struct str key = STR("");

    if (o->key_env.len > 0) {
        key = environment_get(o->key_env.at);
        if (key.len == 0)
            return fail(e, E_ABSENT, "the environment variable %s is not set", o->key_env.at);
    } else if (o->key_stdin) {
        size_t len = fread(text, 1, sizeof(text), stdin);

        if (len == sizeof(text))
            return fail(e, E_LIMIT, "the key on standard input is longer than %d bytes",
                        KEY_MAX - 1);
        key = str_trim((struct str){ text, len });
        if (key.len == 0)
            return fail(e, E_ABSENT, "there is no key on standard input");
    }
    for (size_t i = 0; i < key.len; i++)
        if ((unsigned char)key.at[i] <= 0x20 || (unsigned char)key.at[i] >= 0x7f)
            return fail(e, E_SYNTAX, "the key holds a blank or a byte that no key has");
    spec->api_key = secret_copy(key);
    wipe(text, sizeof(text));
    return OK;
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

static enum status spec_from_options(const struct accounts_options *o, struct account_spec *spec,
                                     struct error *e)
{
    uint64_t n = 0;

    if (o->label.len == 0)
        return fail(e, E_SYNTAX, "--label is missing");
    if (o->provider.len == 0)
        return fail(e, E_SYNTAX, "--provider is missing");
    if (!provider_exists(o->provider))
        return fail(
            e, E_SYNTAX,
            "--provider: `%.*s` is none of openai, anthropic, gemini, antigravity, codex, copilot, "
            "compatible, simulator",
            STR_ARG(o->provider));
    if (o->tier.len > 0 && !tier_from_word(o->tier, &spec->tier))
        return fail(e, E_SYNTAX, "--tier: `%.*s` is none of ULTRA, PRO, FREE", STR_ARG(o->tier));
    if (o->concurrency.len > 0 && (!str_to_u64(o->concurrency, &n) || n == 0 || n > 100000))
        return fail(e, E_SYNTAX, "--max-concurrency wants a number from 1 to 100000");
    spec->label = o->label;
    spec->provider = o->provider;
    spec->wire = o->wire;
    spec->base_url = o->base_url;
    spec->project = o->project;
    spec->proxy = o->proxy;
    spec->concurrency_max = (uint32_t)n;
    take_models(o->models, spec);
    return take_key(o, spec, e);
}

static enum status add(struct books *b, const struct accounts_options *o, struct error *e)
{
    struct settings *s = config_file_settings(b->config);
    struct account_spec *spec = account_spec_new();
    struct upstream *up = NULL;
    enum status st = spec_from_options(o, spec, e);

    for (size_t i = 0; st == OK && i < s->account_count; i++)
        if (str_eq(s->accounts[i]->label, spec->label))
            st = fail(e, E_CONFLICT, "the settings file has an account with the label `%.*s`",
                      STR_ARG(spec->label));
    if (st == OK)
        st = upstream_new(spec, &s->provider, &up, e); /* says what is wrong with it */
    if (st == OK)
        st = store_account_add(b->store, spec, clock_unix_ms(), e);
    if (st == OK && o->json)
        printf("{\"id\":%lld}\n", (long long)spec->id);
    else if (st == OK)
        printf("added `%.*s` (%lld)\n", STR_ARG(spec->label), (long long)spec->id);
    if (up != NULL)
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

    secret_hint(&spec->api_key, hint);
    l->count++;
    if (l->w == NULL) {
        printf("%-20lld %-20.*s %-12.*s %-6s %-9s %-10s %.*s\n", (long long)spec->id,
               STR_ARG(spec->label), STR_ARG(spec->provider), tier_word(spec->tier),
               spec->from_file ? "file" : "database", hint,
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

static enum status list(struct books *b, const struct accounts_options *o, struct error *e)
{
    struct settings *s = config_file_settings(b->config);
    struct listing l = { 0 };
    struct json_writer w;
    struct buf out;

    buf_init(&out, (size_t)64 << 20);
    w = json_writer(&out);
    if (o->json) {
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
    if (o->json) {
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

static enum status drop(struct books *b, const struct accounts_options *o, struct error *e)
{
    struct settings *s = config_file_settings(b->config);
    struct listing l = { .wanted = o->name };
    enum status st = store_accounts(b->store, find_stored, &l, e);

    if (st != OK)
        return st;
    if (l.found == 0) {
        for (size_t i = 0; i < s->account_count; i++)
            if (str_eq(s->accounts[i]->label, str_c(o->name)))
                return fail(e, E_CONFLICT, "`%s` is declared in the settings file: remove it there",
                            o->name);
        return fail(e, E_ABSENT, "no account `%s`", o->name);
    }
    st = store_account_remove(b->store, l.found, e);
    if (st == OK && o->json)
        printf("{\"id\":%lld}\n", (long long)l.found);
    else if (st == OK)
        printf("removed `%s`\n", o->name);
    return st;
}

int command_accounts(int argc, char **argv)
{
    struct accounts_options o = { 0 };
    struct books books = { 0 };
    struct error e = { 0 };
    const char *what = argc > 1 ? argv[1] : "--help";
    enum status st;
    int code;

    if (strcmp(what, "--help") == 0 || strcmp(what, "-h") == 0) {
        fputs(help, argc > 1 ? stdout : stderr);
        return argc > 1 ? EXIT_DONE : EXIT_USAGE;
    }
    if (strcmp(what, "add") != 0 && strcmp(what, "list") != 0 && strcmp(what, "remove") != 0)
        return usage("there is no", what);
    code = read_options(argc, argv, &o);
    if (code >= 0)
        return code;
    if (strcmp(what, "remove") == 0 && o.name == NULL)
        return usage("which account is to go?", "");
    if (strcmp(what, "remove") != 0 && o.name != NULL)
        return usage("no argument is taken, not", o.name);
    process_prepare(false);
    log_setup(&(struct log_options){ .level = LOG_WARN, .unix_ms = clock_unix_ms });
    st = books_open(&books, o.data_dir, &e);
    if (st == OK)
        st = strcmp(what, "add") == 0    ? add(&books, &o, &e)
             : strcmp(what, "list") == 0 ? list(&books, &o, &e)
                                         : drop(&books, &o, &e);
    books_close(&books);
    return st == OK ? EXIT_DONE : failed(&e);
}
