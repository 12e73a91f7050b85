/* app/import.c - `penstock import PROGRAM`: takes over what another program of the user's keeps of
 * its sign-ins, and tells what it took and what it left. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/books.h"
#include "base/json_write.h"
#include "io/file.h"
#include "io/signals.h"
#include "upkeep/foreign.h"

#define FILE_MAX ((size_t)1 << 20)
#define FILES_MAX 10000

static const struct program {
    const char *word;
    enum foreign_program program;
    const char *variable, *variable_tail; /* where an environment variable says it is */
    const char *home_tail;                /* else here, below HOME */
    const char *folder;                   /* of many files, below that; NULL: it is one file */
} programs[] = {
    { "antigravity-manager", FOREIGN_ANTIGRAVITY_MANAGER, "ABV_DATA_DIR", "", "/.antigravity_tools",
      "accounts" },
    { "anti-api", FOREIGN_ANTI_API, "ANTI_API_DATA_DIR", "", "/.anti-api", "auth" },
    { "codex", FOREIGN_CODEX, "CODEX_HOME", "/auth.json", "/.codex/auth.json", NULL },
    { "gemini-cli", FOREIGN_GEMINI_CLI, "", "", "/.gemini/oauth_creds.json", NULL },
};

static const char *choice_program(size_t i)
{
    return i < COUNT(programs) ? programs[i].word : NULL;
}

/* --- what is there already ------------------------------------------------------------------- */

struct known {
    const struct account_spec *wanted;
    bool found;
};

static bool is_same(const struct secret *a, const struct secret *b)
{
    return !secret_is_empty(b) && equal_in_constant_time(secret_reveal(a), secret_reveal(b));
}

static void look(void *peer, struct account_spec *spec)
{
    struct known *k = peer;
    const struct account_grant *a = &spec->grant, *b = &k->wanted->grant;

    k->found =
        k->found ||
        (str_eq(spec->provider, k->wanted->provider) &&
         ((a->email.len > 0 && str_eq(a->email, b->email) && str_eq(a->account, b->account)) ||
          is_same(&a->refresh, &b->refresh) || is_same(&a->access, &b->access)));
    account_spec_free(spec);
}

/* --- one file -------------------------------------------------------------------------------- */

struct import {
    struct books *books;
    const struct program *program;
    struct json_writer *w; /* NULL: for people */
    size_t taken, left;
    size_t known; /* of those left: accounts that are there already */
};

static void tell(struct import *im, const char *path, struct str label, const char *why)
{
    im->taken += why == NULL;
    im->left += why != NULL;
    if (im->w == NULL) {
        if (why == NULL)
            printf("took `%.*s` from %s\n", STR_ARG(label), path);
        else
            printf("left %s: %s\n", path, why);
        return;
    }
    json_put_object(im->w);
    json_put_member(im->w, "file", str_c(path));
    json_put_member(im->w, "label", label);
    json_put_member_bool(im->w, "taken", why == NULL);
    if (why == NULL)
        json_put_member_null(im->w, "why");
    else
        json_put_member(im->w, "why", str_c(why));
    json_put_end(im->w);
}

static void take(struct import *im, const char *path, const struct foreign_account *f)
{
    struct account_spec *spec = account_spec_new();
    struct known known = { .wanted = spec };
    struct error e = { .status = OK };
    int64_t unix_ms = clock_unix_ms();

    spec->provider = f->provider;
    spec->label = f->label;
    spec->project = f->project;
    spec->disabled = f->disabled;
    if (f->disabled)
        spec->disabled_reason = STR("was switched off in the program that it was imported from");
    spec->grant = grant_copy(&f->grant, &spec->arena);
    spec->grant.series = unix_ms + (int64_t)im->taken; /* of two in one moment each its own */
    if (foreign_is_followed(im->program->program))
        spec->grant.source = arena_copy(&spec->arena, str_c(path));
    enum status st = store_accounts(im->books->store, look, &known, &e);

    im->known += st == OK && known.found;
    if (st == OK && known.found)
        st = fail(&e, E_CONFLICT, "there is an account of this person already");
    if (st == OK)
        st = store_sign_in(im->books->store, spec, unix_ms, books_label_is_taken, im->books, &e);
    tell(im, path, spec->label, st == OK ? NULL : e.text);
    account_spec_free(spec);
}

static enum status import_file(struct import *im, const char *path, struct error *e)
{
    struct buf text = { .max = FILE_MAX };
    struct foreign_account f;
    struct arena a = { 0 };
    enum status st = file_read(path, &text, e);

    if (st == OK) {
        const char *why = foreign_read(im->program->program, buf_str(&text), &a, &f);

        if (why != NULL)
            tell(im, path, STR(""), why);
        else
            take(im, path, &f);
        grant_clear(&f.grant);
    }
    if (text.cap > 0)
        wipe(text.at, text.cap);
    buf_clear(&text);
    arena_free(&a);
    return st;
}

/* --- all of them ----------------------------------------------------------------------------- */

static int is_json(const struct dirent *d)
{
    return str_ends(str_c(d->d_name), STR(".json"));
}

static enum status import_folder(struct import *im, const char *path, struct error *e)
{
    struct dirent **files = NULL;
    struct arena a = { 0 };
    int count = scandir(path, &files, is_json, alphasort);

    if (count < 0)
        return fail(e, E_ABSENT, "there is no folder %s", path);
    for (int i = 0; i < count; i++) {
        const char *file = arena_printf(&a, "%s/%s", path, files[i]->d_name).at;
        struct error why = { .status = OK };

        if (i >= FILES_MAX)
            tell(im, file, STR(""), "there are more than 10000 files");
        else if (import_file(im, file, &why) != OK)
            tell(im, file, STR(""), why.text);
        free(files[i]);
    }
    free(files);
    arena_free(&a);
    return OK;
}

static const char *default_path(const struct program *p, struct arena *a)
{
    struct str set = p->variable[0] != '\0' ? environment_get(p->variable) : STR("");

    if (set.len > 0)
        return arena_printf(a, "%.*s%s", STR_ARG(set), p->variable_tail).at;
    return arena_printf(a, "%.*s%s", STR_ARG(environment_get("HOME")), p->home_tail).at;
}

static bool is_folder(const char *path)
{
    struct stat s;

    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

static enum status import_all(struct books *b, const struct command_line *line, struct error *e)
{
    struct buf out = { .max = (size_t)64 << 20 };
    struct json_writer w = json_writer(&out);
    struct import im = { .books = b, .w = line_json(line) ? &w : NULL };
    struct arena a = { 0 };
    enum status st;

    for (size_t i = 0; i < COUNT(programs); i++)
        if (str_eq(str_c(programs[i].word), str_c(line_operand(line, 0))))
            im.program = &programs[i];
    assert(im.program != NULL); /* the row allows no others */
    const char *path = line_text(line, "--from", NULL);

    if (path == NULL)
        path = default_path(im.program, &a);
    json_put_object(&w);
    json_put_key(&w, STR("files"));
    json_put_array(&w);
    if (im.program->folder == NULL && is_folder(path))
        path = arena_printf(&a, "%s%s", path, strrchr(im.program->home_tail, '/')).at;
    if (im.program->folder == NULL)
        st = import_file(&im, path, e);
    else
        st = import_folder(&im, arena_printf(&a, "%s/%s", path, im.program->folder).at, e);
    json_put_end(&w);
    json_put_end(&w);
    if (st == OK && im.w != NULL)
        printf("%.*s\n", (int)out.len, out.at);
    else if (st == OK)
        printf("%zu taken, %zu left\n", im.taken, im.left);
    if (st == OK && im.left + im.taken == 0)
        st = fail(e, E_ABSENT, "there are no accounts in %s/%s", path, im.program->folder);
    else if (st == OK && im.taken + im.known == 0)
        st = fail(e, E_REFUSED, "nothing was taken");
    buf_clear(&out);
    arena_free(&a);
    return st;
}

/* --- rows ------------------------------------------------------------------------------------ */

static int command_import(const struct command_line *line)
{
    return books_do(line, import_all);
}

static const struct command_operand operands[] = {
    { "PROGRAM", "whose sign-ins to take", IS_CHOICE(choice_program) },
    { NULL },
};
static const struct command_option options[] = {
    { "--from", "PATH",
      "its folder; of codex and gemini-cli also the file (where that program keeps it)", IS(FILE) },
    { NULL },
};
static const char *const examples[] = {
    "penstock import codex # ~/.codex/auth.json, which is read again when it changes",
    NULL,
};
static const char *const exits[] = { "1 also when there is nothing that could be taken",
                                     "3 there is nothing at that place", NULL };

const struct command import_commands[] = {
    { .path = "import",
      .brief = "take over sign-ins of another program",
      .about =
          "Takes the accounts that another program of yours has signed in to. You must be "
          "entitled to use them in this way. Their access tokens are used while they live; to "
          "renew them, the OAuth client that they were made with must be in "
          "providers.<name>.oauth. Files of codex and gemini-cli are read again when they change.",
      .options = options,
      .operands = operands,
      .examples = examples,
      .exits = exits,
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_import },
    { NULL },
};
