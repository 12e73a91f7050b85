#include "app/accounts_signin.h"

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "app/open.h"
#include "base/log.h"
#include "io/child.h"
#include "io/signals.h"
#include "upkeep/signin.h"

#define LOOK_MS 100
#define PASTED_MAX ((size_t)8192)

struct session {
    struct books *books;
    const struct command_line *line;
    struct loop *loop;
    struct signins *signins;
    struct timer look;
    char id[SIGNIN_ID_MAX];
    struct buf pasted;  /* a line of standard input, as far as it has come */
    bool shown, at_end; /* the address was printed; standard input is over */
    bool refused;       /* what was pasted last, and that was said */
    struct error *e;
    enum status st;
};

static enum status keep(void *peer, struct account_spec *spec, struct error *e)
{
    struct session *s = peer;

    return store_sign_in(s->books->store, spec, clock_unix_ms(), books_label_is_taken, s->books, e);
}

/* --- what the user sees ---------------------------------------------------------------------- */

/* An address that one may see: unlike those that log in to the dashboard it opens nothing by
 * itself. */
static void open_browser(struct str url)
{
    struct error e = { .status = OK };
    struct arena a = { 0 };

    if (environment_get("PENSTOCK_OAUTH_NO_OPEN").len == 0 &&
        environment_get("ANTI_API_OAUTH_NO_OPEN").len == 0 && browser_is_there()) {
        const char *arguments[] = { "xdg-open", arena_copy(&a, url).at, NULL };

        if (child_start(arguments, &e) != OK)
            fprintf(stderr, "penstock accounts: no browser could be opened: %s\n", e.text);
    }
    arena_free(&a);
}

static void show_json(const struct signin_view *v)
{
    struct buf text = { .max = (size_t)64 << 10 };
    struct json_writer w = json_writer(&text);

    signin_put(&w, v);
    printf("%.*s\n", (int)text.len, text.at);
    fflush(stdout);
    buf_clear(&text);
}

static void show(struct session *s, const struct signin_view *v)
{
    s->shown = true;
    if (line_json(s->line)) {
        show_json(v);
    } else if (v->user_code.len > 0) {
        printf("Open %.*s and enter the code %.*s\n", (int)v->url.len, v->url.at,
               STR_ARG(v->user_code));
    } else {
        printf("Open this address in a browser and sign in:\n\n%.*s\n\n", (int)v->url.len,
               v->url.at);
        if (v->note.len > 0)
            printf("%.*s\n", (int)v->note.len, v->note.at);
        else
            printf(
                "When the browser is on another machine, paste the address that it is sent to in "
                "the end.\n");
    }
    fflush(stdout);
    open_browser(v->url);
}

static void ended(struct session *s, const struct signin_view *v)
{
    if (v->state == SIGNIN_FAILED)
        s->st = fail(s->e, E_REFUSED, "%.*s", STR_ARG(v->error));
    else if (line_json(s->line))
        show_json(v);
    else
        printf("signed in: `%.*s` (%lld)\n", STR_ARG(v->label), (long long)v->account);
    loop_stop(s->loop);
}

/* --- what the user pastes -------------------------------------------------------------------- */

static void take_line(struct session *s)
{
    struct error why = { .status = OK };
    struct str text = str_trim(buf_str(&s->pasted));

    if (text.len > 0 && signin_code(s->signins, str_c(s->id), text, &why) != OK)
        fprintf(stderr, "penstock accounts: %s\n", why.text);
    else
        s->refused = false;
    wipe(s->pasted.at, s->pasted.cap);
    s->pasted.len = 0;
}

/* Standard input is looked at ten times a second: nothing else here is in a hurry. */
static void look_at_input(struct session *s)
{
    struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
    char bytes[512];

    while (!s->at_end && poll(&in, 1, 0) == 1) {
        long n = read(STDIN_FILENO, bytes, sizeof(bytes));

        s->at_end = n <= 0;
        for (long i = 0; i < n; i++)
            if (bytes[i] == '\n' || !buf_add_char(&s->pasted, bytes[i]))
                take_line(s);
        wipe(bytes, sizeof(bytes));
    }
    if (s->at_end && s->pasted.len > 0)
        take_line(s);
}

static void on_look(void *peer, int64_t now_ms)
{
    struct session *s = peer;
    struct signin_view v;
    bool known = signin_look(s->signins, str_c(s->id), &v);

    (void)now_ms;
    assert(known);
    if (v.state == SIGNIN_DONE || v.state == SIGNIN_FAILED) {
        ended(s, &v);
        return;
    }
    if (!s->shown && v.url.len > 0)
        show(s, &v);
    if (v.state == SIGNIN_WAITING && v.error.len > 0 && s->at_end) {
        s->st = fail(s->e, E_REFUSED, "%.*s", STR_ARG(v.error)); /* nothing else can be pasted */
        loop_stop(s->loop);
        return;
    }
    if (v.state == SIGNIN_WAITING && v.error.len > 0 && !s->refused)
        fprintf(stderr, "penstock accounts: %.*s\n", STR_ARG(v.error));
    s->refused = v.state == SIGNIN_WAITING && v.error.len > 0;
    if (s->shown && v.user_code.len == 0)
        look_at_input(s);
    timer_start(&s->look, LOOK_MS);
}

/* --- all of it ------------------------------------------------------------------------------- */

static enum status begin(struct session *s)
{
    const struct command_line *line = s->line;
    struct signin_ask ask = { .provider = str_c(line_text(line, "--provider", "")),
                              .label = str_c(line_text(line, "--label", "")),
                              .project = str_c(line_text(line, "--project", "")),
                              .proxy = str_c(line_text(line, "--proxy", "")) };

    const char *wrong = settings_wrong_proxy(ask.proxy);

    if (wrong != NULL)
        return fail(s->e, E_SYNTAX, "--proxy %s", wrong);
    (void)tier_from_word(str_c(line_text(line, "--tier", "")), &ask.tier);
    if (books_label_is_taken(s->books, ask.label))
        return fail(s->e, E_CONFLICT, "the settings file has an account with the label `%.*s`",
                    STR_ARG(ask.label));
    enum status st = signin_start(s->signins, &ask, s->id, s->e);

    if (st == E_ABSENT) { /* longer than an error's sentence */
        struct arena a = { 0 };

        fprintf(stderr, "penstock accounts: %s\n",
                signin_explain(signin_family(ask.provider), &a).at);
        arena_free(&a);
    }
    return st;
}

enum status accounts_sign_in(struct books *b, const struct command_line *line, struct error *e)
{
    struct settings *settings = config_file_settings(b->config);
    struct client_metrics metrics = { 0 };
    struct session s = { .books = b, .line = line, .pasted = { .max = PASTED_MAX }, .e = e };
    struct client *client;

    s.loop = loop_new();
    client = client_new(
        &(struct client_options){
            .loop = s.loop, .limits = settings->client, .tls = settings->tls, .metrics = &metrics },
        e);
    s.st = client == NULL ? e->status : OK;
    if (s.st == OK) {
        s.signins = signins_new(&(struct signins_options){
            .loop = s.loop, .client = client, .keep = keep, .peer = &s });
        signins_settings(s.signins, &settings->provider);
        s.st = begin(&s);
    }
    if (s.st == OK) {
        timer_init(&s.look, s.loop, on_look, &s);
        timer_start(&s.look, 1);
        loop_run(s.loop);
        timer_stop(&s.look);
    }
    signins_free(s.signins);
    if (client != NULL)
        client_free(client);
    loop_free(s.loop);
    buf_clear(&s.pasted);
    return s.st;
}
