/* app/accounts_export.c - `penstock accounts export|import|seal` and `penstock keys rotate-master`:
 * what moves secrets from one keeping to another.
 *
 * An export holds the accounts of the database with their keys and grants, sealed under a
 * passphrase (scrypt and AES-256-GCM); nothing of it can be read or changed without that. A
 * passphrase is no argument either. */
#include <stdio.h>
#include <unistd.h>

#include "app/books.h"
#include "app/settings_account.h"
#include "base/base64.h"
#include "base/json_secret.h"
#include "base/json_write.h"
#include "io/crypto.h"
#include "io/signals.h"
#include "provider/provider.h"

#define EXPORT_MAX ((size_t)256 << 20)
#define SALT_BYTES 16
#define BOUND_TO "penstock accounts 1"

/* --- an account as text ---------------------------------------------------------------------- */

static void put_spec(struct json_writer *w, const struct account_spec *spec)
{
    json_put_object(w);
    json_put_member(w, "label", spec->label);
    json_put_member(w, "provider", spec->provider);
    json_put_member(w, "wire", spec->wire);
    json_put_member(w, "base_url", spec->base_url);
    json_put_member(w, "project", spec->project);
    json_put_member(w, "api_key", secret_reveal(&spec->api_key));
    json_put_member(w, "tier", str_c(tier_word(spec->tier)));
    json_put_member_i64(w, "max_concurrency", spec->concurrency_max);
    json_put_member(w, "proxy", spec->proxy);
    json_put_member(w, "capabilities", spec->capabilities);
    json_put_member_bool(w, "disabled", spec->disabled);
    json_put_member_bool(w, "proxy_disabled", spec->proxy_disabled);
    json_put_member(w, "reason", spec->disabled_reason);
    json_put_key(w, STR("models"));
    json_put_array(w);
    for (size_t i = 0; i < spec->model_count; i++)
        json_put_str(w, spec->models[i]);
    json_put_end(w);
    json_put_key(w, STR("headers"));
    json_put_object(w);
    for (size_t i = 0; i < spec->header_count; i++) {
        json_put_key(w, spec->headers[i].name);
        json_put_str(w, spec->headers[i].value);
    }
    json_put_end(w);
    if (account_has_grant(spec)) {
        json_put_key(w, STR("grant"));
        grant_write(&spec->grant, w);
        json_put_member_bool(w, "grant_lost", spec->grant.lost);
    }
    json_put_end(w);
}

static struct str text_in(const struct json *doc, uint32_t object, const char *name,
                          struct arena *a)
{
    uint32_t node = json_member(doc, object, str_c(name), NULL);
    struct str text = STR("");

    return node != JSON_NONE && json_text(doc, node, a, &text) ? arena_copy(a, text) : STR("");
}

static void read_lists(const struct json *doc, uint32_t object, struct account_spec *spec)
{
    uint32_t models = json_member(doc, object, STR("models"), NULL),
             headers = json_member(doc, object, STR("headers"), NULL);

    if (models != JSON_NONE && json_type(doc, models) == JSON_ARRAY) {
        spec->models = arena_array(&spec->arena, struct str, doc->nodes[models].next - models);
        for (uint32_t i = json_first(doc, models); i != JSON_NONE; i = json_after(doc, models, i))
            if (json_text(doc, i, &spec->arena, &spec->models[spec->model_count]))
                spec->model_count++;
    }
    if (headers == JSON_NONE || json_type(doc, headers) != JSON_OBJECT)
        return;
    spec->headers =
        arena_array(&spec->arena, struct header_pair, doc->nodes[headers].next - headers);
    for (uint32_t i = json_first(doc, headers); i != JSON_NONE;) {
        struct header_pair *h = &spec->headers[spec->header_count];
        uint32_t value = json_after(doc, headers, i);

        if (json_text(doc, i, &spec->arena, &h->name) &&
            json_text(doc, value, &spec->arena, &h->value))
            spec->header_count++;
        i = json_after(doc, headers, value);
    }
}

static struct account_spec *read_spec(const struct json *doc, uint32_t object)
{
    struct account_spec *spec = account_spec_new();
    struct arena *a = &spec->arena;
    uint32_t grant = json_member(doc, object, STR("grant"), NULL),
             most = json_member(doc, object, STR("max_concurrency"), NULL),
             disabled = json_member(doc, object, STR("disabled"), NULL),
             idle = json_member(doc, object, STR("proxy_disabled"), NULL),
             lost = json_member(doc, object, STR("grant_lost"), NULL);
    int64_t n = 0;

    spec->label = text_in(doc, object, "label", a);
    spec->provider = text_in(doc, object, "provider", a);
    spec->wire = text_in(doc, object, "wire", a);
    spec->base_url = text_in(doc, object, "base_url", a);
    spec->project = text_in(doc, object, "project", a);
    spec->api_key = json_secret(doc, json_member(doc, object, STR("api_key"), NULL));
    (void)tier_from_word(text_in(doc, object, "tier", a), &spec->tier);
    if (most != JSON_NONE && json_i64(doc, most, &n) && n >= 0 && n <= UINT32_MAX)
        spec->concurrency_max = (uint32_t)n;
    spec->proxy = text_in(doc, object, "proxy", a);
    spec->capabilities = text_in(doc, object, "capabilities", a);
    spec->disabled = disabled != JSON_NONE && json_is_true(doc, disabled);
    spec->proxy_disabled = idle != JSON_NONE && json_is_true(doc, idle);
    spec->disabled_reason = text_in(doc, object, "reason", a);
    read_lists(doc, object, spec);
    if (grant != JSON_NONE)
        (void)grant_read(doc, grant, a, &spec->grant);
    spec->grant.lost = account_has_grant(spec) && lost != JSON_NONE && json_is_true(doc, lost);
    return spec;
}

/* --- export ---------------------------------------------------------------------------------- */

struct exporting {
    struct json_writer w;
    size_t count;
};

static void export_one(void *peer, struct account_spec *spec)
{
    struct exporting *x = peer;

    put_spec(&x->w, spec);
    x->count++;
    account_spec_free(spec);
}

static bool seal_document(struct str plain, const struct secret *passphrase, struct buf *out)
{
    uint8_t salt[SALT_BYTES], key[SEAL_KEY_BYTES];
    struct buf sealed = { .max = plain.len + SEAL_EXTRA }, text = { .max = EXPORT_MAX },
               salted = { .max = 2 * SALT_BYTES };
    struct json_writer w = json_writer(out);

    random_bytes(salt, sizeof(salt));
    struct str salt_text = { (const char *)salt, sizeof(salt) };

    passphrase_key(secret_reveal(passphrase), salt_text, key);
    bool good = seal(key, plain, STR(BOUND_TO), &sealed) &&
                base64_put(&text, buf_str(&sealed), BASE64_STANDARD) && hex_put(&salted, salt_text);

    json_put_object(&w);
    json_put_member_i64(&w, "penstock_accounts", 1);
    json_put_member(&w, "salt", buf_str(&salted));
    json_put_member(&w, "sealed", buf_str(&text));
    json_put_end(&w);
    wipe(key, sizeof(key));
    buf_clear(&sealed);
    buf_clear(&text);
    buf_clear(&salted);
    return good && json_written(&w) && buf_add(out, STR("\n"));
}

static enum status export_all(struct books *b, const struct command_line *line, struct error *e)
{
    const char *path = line_operand(line, 0);
    struct buf plain = { .max = EXPORT_MAX }, out = { .max = EXPORT_MAX };
    struct exporting x = { .w = json_writer(&plain) };
    struct secret passphrase = { 0 };
    enum status st = books_passphrase(line, true, &passphrase, e);

    json_put_object(&x.w);
    json_put_key(&x.w, STR("accounts"));
    json_put_array(&x.w);
    if (st == OK)
        st = store_accounts(b->store, export_one, &x, e);
    json_put_end(&x.w);
    json_put_end(&x.w);
    if (st == OK && !(json_written(&x.w) && seal_document(buf_str(&plain), &passphrase, &out)))
        st = fail(e, E_LIMIT, "the accounts are larger than 256 MiB");
    if (st == OK)
        st = file_write(path, buf_str(&out), false, e);
    if (st == OK && line_json(line))
        printf("{\"accounts\":%zu}\n", x.count);
    else if (st == OK)
        printf("%zu account%s, sealed, in %s\n", x.count, x.count == 1 ? "" : "s", path);
    if (plain.cap > 0)
        wipe(plain.at, plain.cap);
    buf_clear(&plain);
    buf_clear(&out);
    secret_clear(&passphrase);
    return st;
}

/* --- import ---------------------------------------------------------------------------------- */

static enum status open_document(struct str text, const struct secret *passphrase,
                                 struct secret *plain, struct error *e)
{
    struct buf sealed = { .max = text.len }, salt = { .max = 64 };
    uint8_t key[SEAL_KEY_BYTES];
    struct arena a = { 0 };
    struct json doc;
    enum status st = OK;
    bool ours = json_parse(&doc, text, NULL, &a, NULL) && json_type(&doc, 0) == JSON_OBJECT &&
                json_member(&doc, 0, STR("penstock_accounts"), NULL) != JSON_NONE &&
                hex_get(&salt, text_in(&doc, 0, "salt", &a)) &&
                base64_get(&sealed, text_in(&doc, 0, "sealed", &a));

    if (!ours) {
        st = fail(e, E_SYNTAX, "this is no file of `penstock accounts export`");
    } else {
        passphrase_key(secret_reveal(passphrase), buf_str(&salt), key);
        if (!seal_open(key, buf_str(&sealed), STR(BOUND_TO), plain))
            st = fail(e, E_REFUSED,
                      "it cannot be opened: the passphrase is another one, or the file "
                      "is damaged");
    }
    wipe(key, sizeof(key));
    buf_clear(&sealed);
    buf_clear(&salt);
    arena_free(&a);
    return st;
}

struct importing {
    size_t taken, left;
    struct json_writer *w; /* NULL: for people */
};

static void report(struct importing *x, struct str label, const char *left)
{
    x->taken += left == NULL;
    x->left += left != NULL;
    if (x->w == NULL) {
        printf("%s `%.*s`%s%s\n", left == NULL ? "took" : "left", STR_ARG(label),
               left == NULL ? "" : ": ", left == NULL ? "" : left);
        return;
    }
    json_put_object(x->w);
    json_put_member(x->w, "label", label);
    json_put_member_bool(x->w, "taken", left == NULL);
    if (left == NULL)
        json_put_member_null(x->w, "why");
    else
        json_put_member(x->w, "why", str_c(left));
    json_put_end(x->w);
}

static void import_one(struct books *b, struct account_spec *spec, struct importing *x)
{
    const struct settings *s = config_file_settings(b->config);
    struct upstream *up = NULL;
    struct error e = { .status = OK };
    enum status st = OK;

    if (spec->label.len == 0 || spec->label.len > 128)
        st = fail(&e, E_SYNTAX, "it has no label");
    else if (books_label_is_taken(b, spec->label))
        st = fail(&e, E_CONFLICT, "the settings file has an account with this label");
    if (st == OK)
        st = upstream_new(spec, &s->provider, &up, &e);
    upstream_free(up);
    if (st == OK)
        st = store_account_add(b->store, spec, clock_unix_ms(), &e);
    report(x, spec->label, st == OK ? NULL : e.text);
}

static enum status import_all(struct books *b, const struct command_line *line, struct error *e)
{
    struct buf text = { .max = EXPORT_MAX }, out = { .max = EXPORT_MAX };
    struct json_writer w = json_writer(&out);
    struct importing x = { .w = line_json(line) ? &w : NULL };
    struct secret passphrase = { 0 }, plain = { 0 };
    struct arena a = { 0 };
    struct json doc;
    enum status st = file_read(line_operand(line, 0), &text, e);

    if (st == OK)
        st = books_passphrase(line, false, &passphrase, e);
    if (st == OK)
        st = open_document(buf_str(&text), &passphrase, &plain, e);
    uint32_t list = JSON_NONE;

    if (st == OK && json_parse(&doc, secret_reveal(&plain), NULL, &a, NULL))
        list = json_member(&doc, 0, STR("accounts"), NULL);
    if (st == OK && list == JSON_NONE)
        st = fail(e, E_SYNTAX, "what is sealed in it is no list of accounts");
    json_put_object(&w);
    json_put_key(&w, STR("accounts"));
    json_put_array(&w);
    for (uint32_t i = st == OK ? json_first(&doc, list) : JSON_NONE; i != JSON_NONE;
         i = json_after(&doc, list, i)) {
        struct account_spec *spec = read_spec(&doc, i);

        import_one(b, spec, &x);
        account_spec_free(spec);
    }
    json_put_end(&w);
    json_put_end(&w);
    if (st == OK && x.w != NULL)
        printf("%.*s\n", (int)out.len, out.at);
    else if (st == OK)
        printf("%zu taken, %zu left\n", x.taken, x.left);
    arena_free(&a);
    buf_clear(&text);
    buf_clear(&out);
    secret_clear(&passphrase);
    secret_clear(&plain);
    return st;
}

/* --- seal ------------------------------------------------------------------------------------ */

static bool has_clear_secret(const struct json *doc, uint32_t account)
{
    static const char *const members[] = { "api_key", "refresh_token" };

    for (size_t i = 0; i < COUNT(members); i++) {
        uint32_t node = json_member(doc, account, str_c(members[i]), NULL);

        if (node != JSON_NONE && json_type(doc, node) == JSON_STRING)
            return true;
    }
    return false;
}

/* Adds those with a key in clear to the database; `rest` gets the list without them. */
static enum status move_accounts(struct books *b, const struct json *doc, uint32_t list,
                                 struct buf *rest, int64_t *ids, size_t *count, struct error *e)
{
    const struct settings *s = config_file_settings(b->config);
    struct json_writer w = json_writer(rest);
    enum status st = OK;
    size_t n = 0;

    json_put_array(&w);
    for (uint32_t i = json_first(doc, list); i != JSON_NONE && st == OK;
         i = json_after(doc, list, i), n++) {
        if (!has_clear_secret(doc, i)) {
            json_put_raw(&w, json_raw(doc, i));
            continue;
        }
        struct account_spec *spec = account_spec_copy(s->accounts[n]);

        spec->from_file = false;
        st = store_account_override(b->store, spec, e); /* a renewed grant, and flags */
        if (st == OK)
            st = store_account_add(b->store, spec, clock_unix_ms(), e);
        if (st == OK)
            ids[(*count)++] = spec->id;
        account_spec_free(spec);
    }
    json_put_end(&w);
    return st == OK && !json_written(&w) ? fail(e, E_LIMIT, "the settings are too large") : st;
}

static enum status seal_all(struct books *b, const struct command_line *line, struct error *e)
{
    const struct settings *s = config_file_settings(b->config);
    struct str text = config_file_text(b->config);
    struct buf rest = { .max = SETTINGS_BYTES_MAX };
    struct arena a = { 0 };
    int64_t *ids = arena_array(&a, int64_t, s->account_count + 1);
    size_t count = 0;
    struct json doc;
    enum status st = OK;
    uint32_t list = JSON_NONE;

    if (json_parse(&doc, text, NULL, &a, NULL) && json_type(&doc, 0) == JSON_OBJECT)
        list = json_member(&doc, 0, STR("accounts"), NULL);
    if (list != JSON_NONE && json_type(&doc, list) == JSON_ARRAY)
        st = move_accounts(b, &doc, list, &rest, ids, &count, e);
    if (st == OK && count > 0)
        st = config_file_change(b->config, STR("accounts"), buf_str(&rest), 0, e);
    if (st != OK) { /* the file still has them */
        struct error ignored;

        for (size_t i = 0; i < count; i++)
            if (store_account_remove(b->store, ids[i], &ignored) != OK)
                break;
    } else if (line_json(line)) {
        printf("{\"accounts\":%zu}\n", count);
    } else if (count == 0) {
        printf("no account of %s has its key there in clear\n", config_file_path(b->config));
    } else {
        printf(
            "%zu account%s moved from %s to the database, sealed; %s.bak has the text before, with "
            "the keys in clear: remove it\n",
            count, count == 1 ? "" : "s", config_file_path(b->config), config_file_path(b->config));
    }
    buf_clear(&rest);
    arena_free(&a);
    return st;
}

/* --- another master key ---------------------------------------------------------------------- */

static enum status rotate(struct books *b, const struct command_line *line, struct error *e)
{
    const char *variable = line_text(line, "--to-env", NULL);
    bool by_file = environment_get("PENSTOCK_MASTER_KEY").len == 0;
    struct file_lock *lock = NULL;
    struct master_key next;
    enum status st = data_dir_open(b->folder, &lock, e);

    if (st == E_CONFLICT)
        st = fail(e, st, "the gateway runs on %s: end it first", b->folder);
    if (st != OK)
        return st;
    if (variable != NULL && environment_get(variable).len == 0) {
        st = fail(e, E_ABSENT, "the environment variable %s is not set", variable);
    } else if (variable != NULL) {
        st = master_key_load(b->folder, environment_get(variable), &next, e);
        if (st == OK)
            st = store_rotate(b->store, &next, e);
        wipe(&next, sizeof(next));
    } else if (by_file) {
        st = master_key_rotate(b->folder, b->store, e);
    } else {
        st = fail(e, E_CONFLICT,
                  "PENSTOCK_MASTER_KEY is set: say with --to-env where the new key is, "
                  "and set PENSTOCK_MASTER_KEY to it afterwards");
    }
    file_lock_drop(lock);
    if (st == OK && line_json(line))
        printf("{\"rotated\":true}\n");
    else if (st == OK && variable != NULL)
        printf("sealed anew: from now on PENSTOCK_MASTER_KEY must hold what %s holds\n", variable);
    else if (st == OK)
        printf("sealed anew under a new master.key; backups of the database need the key of their "
               "time\n");
    return st;
}

/* --- rows ------------------------------------------------------------------------------------ */

static int command_export(const struct command_line *line)
{
    return books_do(line, export_all);
}

static int command_import(const struct command_line *line)
{
    return books_do(line, import_all);
}

static int command_seal(const struct command_line *line)
{
    return books_do(line, seal_all);
}

static int command_rotate(const struct command_line *line)
{
    return books_do(line, rotate);
}

static const struct command_option passphrase_options[] = {
    { "--passphrase-env", "VAR",
      "the environment variable with the passphrase (the first line of standard input)" },
    { NULL },
};
static const struct command_operand export_operands[] = {
    { "FILE", "where to; it is replaced when it is there", IS(FILE) },
    { NULL },
};
static const struct command_operand import_operands[] = {
    { "FILE", "of an export", IS(FILE) },
    { NULL },
};
static const struct command_option rotate_options[] = {
    { "--to-env", "VAR", "seal under what this environment variable holds, not under a new file" },
    { NULL },
};
static const char *const export_examples[] = {
    "penstock accounts export accounts.sealed # asks for a passphrase on standard input",
    NULL,
};
static const char *const export_exits[] = { "3 no passphrase, or no such folder", NULL };
static const char *const rotate_exits[] = { "1 also while the gateway runs",
                                            "3 the variable with the key is not set", NULL };
static const char *const import_exits[] = { "3 there is no such file, or no passphrase", NULL };

const struct command accounts_export_commands[] = {
    { .path = "accounts export",
      .brief = "write the database's accounts to a sealed file",
      .about =
          "Writes the accounts of the database with their keys and grants to a file, sealed "
          "under a passphrase. A grant whose refresh token is rotated works in one place only: "
          "use it there, or here.",
      .options = passphrase_options,
      .operands = export_operands,
      .examples = export_examples,
      .exits = export_exits,
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_export },
    { .path = "accounts import",
      .brief = "take accounts from a sealed file",
      .about = "Adds the accounts of an export. Those whose label is taken are left, and told.",
      .options = passphrase_options,
      .operands = import_operands,
      .exits = import_exits,
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_import },
    { .path = "accounts seal",
      .brief = "move keys in clear from the settings file to the database",
      .about =
          "Moves accounts whose key stands in the settings file in clear to the database, where "
          "it is sealed. Labels stay, so routes still find them.",
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_seal },
    { NULL },
};

const struct command master_key_commands[] = {
    { .path = "keys rotate-master",
      .brief = "seal everything anew under another master key",
      .about = "Makes a new master.key and seals all keys and grants of the database anew, in one "
               "transaction. The gateway must not be running.",
      .options = rotate_options,
      .exits = rotate_exits,
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_rotate },
    { NULL },
};
