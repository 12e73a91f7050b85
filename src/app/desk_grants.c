/* app/desk_grants.c - grants on the desk: people sign in over the admin API, and access tokens are
 * renewed. What comes of either is on the disk before it is used. */
#include "app/desk_int.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/log.h"
#include "io/file.h"
#include "upkeep/foreign.h"

/* --- keeping what comes ---------------------------------------------------------------------- */

static enum status put_account(struct desk *d, const struct account_spec *spec, struct error *e)
{
    struct upstream *up = NULL;
    enum status st = upstream_new(spec, &config_file_settings(d->config)->provider, &up, e);

    return st == OK ? pool_put(d->o.pool, spec, upstream_means(up), e) : st;
}

/* A renewal: one row, and one account of the pool. */
static enum status keep_renewed(void *peer, struct account_spec *spec, struct str lost,
                                struct error *e)
{
    struct desk *d = peer;
    enum status st = store_grant_put(
        d->store, spec->id, &(struct grant_change){ .grant = &spec->grant, .lost = lost }, e);

    if (st != OK)
        return st;
    if (d->store_version >= 0)
        d->store_version++; /* our own change need not be looked at; those of others still show */
    if (lost.len > 0) {
        spec->disabled = spec->grant.lost = true;
        spec->disabled_reason = lost;
    }
    struct error why = { .status = OK };

    if (put_account(d, spec, &why) != OK)
        log_error("an account cannot be used", F_STR("account", spec->label), F_C("why", why.text));
    else if (d->quotas != NULL)
        quotas_renewed(d->quotas, spec->id);
    return OK;
}

static bool label_is_taken(void *peer, struct str label)
{
    const struct desk *d = peer;
    const struct settings *s = config_file_settings(d->config);

    for (size_t i = 0; i < s->account_count; i++)
        if (str_eq(s->accounts[i]->label, label))
            return true;
    return false;
}

static enum status keep_signed_in(void *peer, struct account_spec *spec, struct error *e)
{
    struct desk *d = peer;
    enum status st = store_sign_in(d->store, spec, clock_unix_ms(), label_is_taken, d, e);

    if (st == OK)
        desk_reload_accounts(d);
    return st;
}

/* --- tokens that expire ---------------------------------------------------------------------- */

struct expired {
    struct desk *desk;
    int64_t id;
};

static void expired_here(void *message)
{
    struct expired *x = message;
    struct account_hold h;

    /* a renewal that was under way may have come while this was: its token is not the one */
    if (pool_hold(x->desk->o.pool, x->id, &h)) {
        if (h.expired)
            (void)grants_renew(x->desk->grants, x->id);
        pool_let_go(x->desk->o.pool, &h);
    }
    free(x);
}

/* Under the pool's lock, on whichever thread was refused. When it cannot be told, the account is
 * back after a moment, and the next refusal tells again. */
static void on_expired(void *peer, int64_t id)
{
    struct desk *d = peer;
    struct expired *x = must_alloc(sizeof(*x));

    *x = (struct expired){ d, id };
    if (!mailbox_send(d->mailbox, expired_here, x))
        free(x);
}

/* --- files of other programs -------------------------------------------------------------------
 */

#define FOLLOW_MS 2000
#define FOLLOWED_BYTES_MAX ((size_t)1 << 20)

struct followed {
    struct followed *next;
    int64_t id;
    int64_t changed_ns, bytes; /* of the file, when it was read last */
};

static enum foreign_program program_of(const struct account_spec *spec)
{
    return str_eq(spec->provider, STR("codex")) ? FOREIGN_CODEX : FOREIGN_GEMINI_CLI;
}

static bool same_secret(const struct secret *a, const struct secret *b)
{
    return equal_in_constant_time(secret_reveal(a), secret_reveal(b));
}

/* What the file holds by now, if that is newer than what we have. `changed`: it was written while
 * we looked; else only a token that lives longer is newer. */
static bool read_followed(const struct account_spec *spec, bool changed, struct arena *a,
                          struct foreign_account *f)
{
    const struct account_grant *ours = &spec->grant;
    struct buf text = { .max = FOLLOWED_BYTES_MAX };
    struct error e = { .status = OK };
    const char *why = "";

    if (file_read(spec->grant.source.at, &text, &e) == OK)
        why = foreign_read(program_of(spec), buf_str(&text), a, f);
    if (text.cap > 0)
        wipe(text.at, text.cap);
    buf_clear(&text);
    if (why != NULL)
        return false;
    bool same = same_secret(&f->grant.access, &ours->access) &&
                same_secret(&f->grant.refresh, &ours->refresh);
    bool other_person = f->grant.account.len > 0 && !str_eq(f->grant.account, ours->account);

    if (other_person)
        log_warn("somebody else has signed in in the file that an account was imported from",
                 F_STR("account", spec->label), F_STR("file", spec->grant.source));
    if (!same && !other_person && (changed || f->grant.expires_unix_ms > ours->expires_unix_ms))
        return true;
    grant_clear(&f->grant);
    return false;
}

static void take_followed(struct desk *d, const struct account_spec *held,
                          struct foreign_account *f)
{
    struct account_spec *spec = account_spec_copy(held);
    struct error e = { .status = OK };
    struct account_grant *g = &spec->grant;

    secret_clear(&g->access);
    secret_clear(&g->refresh);
    g->access = f->grant.access;
    g->refresh = f->grant.refresh;
    g->expires_unix_ms = f->grant.expires_unix_ms;
    g->series = clock_unix_ms();
    f->grant = (struct account_grant){ .series = 0 };
    enum status st = store_grant_put(d->store, spec->id,
                                     &(struct grant_change){ .grant = g, .fresh = true }, &e);

    if (st == OK)
        log_info("the file that an account was imported from has a new token",
                 F_STR("account", spec->label));
    else
        log_warn("a new token could not be kept", F_STR("account", spec->label),
                 F_C("why", e.text));
    account_spec_free(spec);
    if (st == OK)
        desk_reload_accounts(d);
}

static struct followed *followed_find(struct desk *d, int64_t id)
{
    struct followed *f = d->followed;

    while (f != NULL && f->id != id)
        f = f->next;
    return f;
}

/* True when the accounts were read again. */
static bool follow(struct desk *d, const struct account_spec *spec)
{
    struct followed *f = followed_find(d, spec->id);
    struct foreign_account found;
    struct stat now;
    struct arena a = { 0 };

    if (stat(spec->grant.source.at, &now) != 0)
        return false;
    int64_t changed_ns = (int64_t)now.st_mtim.tv_sec * 1000000000 + now.st_mtim.tv_nsec;
    bool first = f == NULL;

    if (first) {
        f = must_calloc(1, sizeof(*f));
        f->id = spec->id;
        f->next = d->followed;
        d->followed = f;
    } else if (f->changed_ns == changed_ns && f->bytes == now.st_size) {
        return false;
    }
    f->changed_ns = changed_ns;
    f->bytes = now.st_size;
    bool newer = read_followed(spec, !first, &a, &found);

    if (newer)
        take_followed(d, spec, &found);
    arena_free(&a);
    return newer;
}

static void on_follow(void *peer, int64_t now_ms)
{
    struct desk *d = peer;
    struct account_hold h;

    (void)now_ms;
    for (size_t i = 0; i < d->known_count; i++) {
        if (d->known[i] < 0 || !pool_hold(d->o.pool, d->known[i], &h))
            continue;
        bool read_again = h.spec->grant.source.len > 0 && follow(d, h.spec);

        pool_let_go(d->o.pool, &h);
        if (read_again)
            break; /* the list may be another one; the rest comes next time */
    }
    timer_start(&d->follow, FOLLOW_MS);
}

/* --- life ------------------------------------------------------------------------------------ */

void desk_grants_settings(struct desk *d, struct settings *s)
{
    if (d->grants == NULL)
        return;
    settings_unref(d->grant_settings);
    d->grant_settings = settings_ref(s);
    signins_settings(d->signins, &s->provider);
    grants_settings(d->grants, &s->provider);
}

void desk_grants_start(struct desk *d)
{
    d->grants = grants_new(&(struct grants_options){ .loop = d->loop,
                                                     .client = d->client,
                                                     .pool = d->o.pool,
                                                     .keep = keep_renewed,
                                                     .peer = d,
                                                     .metrics = &d->grants_metrics });
    d->signins = signins_new(&(struct signins_options){
        .loop = d->loop, .client = d->client, .keep = keep_signed_in, .peer = d });
    pool_on_expired(d->o.pool, on_expired, d);
    timer_init(&d->follow, d->loop, on_follow, d);
    timer_start(&d->follow, FOLLOW_MS);
}

void desk_grants_stop(struct desk *d)
{
    if (d->grants == NULL)
        return;
    timer_stop(&d->follow);
    while (d->followed != NULL) {
        struct followed *f = d->followed;

        d->followed = f->next;
        free(f);
    }
    pool_on_expired(d->o.pool, NULL, NULL);
    signins_free(d->signins);
    grants_free(d->grants);
    settings_unref(d->grant_settings);
    d->signins = NULL;
    d->grants = NULL;
    d->grant_settings = NULL;
}

/* --- over the admin API ---------------------------------------------------------------------- */

static void put_signin(struct desk *d, struct str id, int status, struct admin_outcome *out)
{
    struct json_writer w = json_writer(&out->body);
    struct signin_view v;

    if (!signin_look(d->signins, id, &v)) {
        outcome_absent(out, "no sign-in has this id");
        return;
    }
    out->status = status;
    signin_put(&w, &v);
}

/* Only how far it is: who signs in asks for the rest. */
static void put_progress(void *peer, const struct signin_view *v)
{
    struct json_writer *w = peer;

    json_put_object(w);
    json_put_member(w, "id", v->id);
    json_put_member(w, "provider", v->provider);
    json_put_member(w, "state", str_c(signin_state_word(v->state)));
    json_put_end(w);
}

void desk_put_signins(struct desk *d, struct json_writer *w)
{
    if (d->signins != NULL)
        signins_each(d->signins, put_progress, w);
}

static bool has_signins(const struct desk *d, struct admin_outcome *out)
{
    if (d->signins == NULL)
        outcome_error(out, E_IO, "nobody can sign in: the log of the start says why");
    return d->signins != NULL;
}

static bool read_text(const struct json *doc, const char *name, struct arena *a, struct str *to,
                      struct admin_outcome *out)
{
    uint32_t node = json_member(doc, 0, str_c(name), NULL);

    if (node == JSON_NONE || json_type(doc, node) == JSON_NULL || json_text(doc, node, a, to))
        return true;
    outcome_wrong(out, name, "must be a text");
    return false;
}

/* Whoever signs in, this label cannot be had. */
static bool label_is_anothers(struct desk *d, struct str label, struct str provider)
{
    struct account_view v;

    return label_is_taken(d, label) ||
           (pool_find(d->o.pool, label, loop_now(d->loop), &v) && str_eq(str_c(v.label), label) &&
            !str_eq(str_c(v.provider), provider));
}

void desk_signin_start(struct desk *d, const struct admin_call *c, struct admin_outcome *out)
{
    static const char *const members[] = { "label", "project", "proxy", "tier", NULL };
    struct signin_ask ask = { .provider = admin_call_name(c) };
    struct arena a = { 0 };
    struct str tier = STR("");
    struct error e = { .status = OK };
    char id[SIGNIN_ID_MAX];
    const char *wrong;
    struct json doc;

    if (!has_signins(d, out) || !outcome_body(admin_call_body(c), members, &a, &doc, out) ||
        !read_text(&doc, "label", &a, &ask.label, out) ||
        !read_text(&doc, "project", &a, &ask.project, out) ||
        !read_text(&doc, "proxy", &a, &ask.proxy, out) || !read_text(&doc, "tier", &a, &tier, out))
        goto done;
    if (!tier_from_word(tier, &ask.tier)) {
        outcome_wrong(out, "tier", "is none of ULTRA, PRO, FREE");
    } else if ((wrong = settings_wrong_proxy(ask.proxy)) != NULL) {
        outcome_wrong(out, "proxy", wrong);
    } else if (ask.label.len > 128) {
        outcome_wrong(out, "label", "must be a text of 1 to 128 bytes");
    } else if (ask.label.len > 0 && label_is_anothers(d, ask.label, ask.provider)) {
        outcome_error(out, E_CONFLICT, "another account has this label");
    } else {
        enum status st = signin_start(d->signins, &ask, id, &e);
        const struct signin_family *f = signin_family(ask.provider);

        if (st == OK)
            put_signin(d, str_c(id), 201, out);
        else if (st == E_ABSENT && f != NULL) /* the object is there: what lacks is a setting */
            outcome_error(out, E_CONFLICT, signin_explain(f, &a).at);
        else
            outcome_error(out, st == E_SYNTAX ? E_ABSENT : st, e.text);
    }
done:
    arena_free(&a);
}

void desk_signin_look(struct desk *d, const struct admin_call *c, struct admin_outcome *out)
{
    if (has_signins(d, out))
        put_signin(d, admin_call_name(c), 200, out);
}

void desk_signin_cancel(struct desk *d, const struct admin_call *c, struct admin_outcome *out)
{
    if (!has_signins(d, out))
        return;
    if (!signin_cancel(d->signins, admin_call_name(c))) {
        outcome_absent(out, "no sign-in has this id");
        return;
    }
    out->status = 200;
    (void)buf_add(&out->body, STR("{}"));
}

void desk_signin_code(struct desk *d, const struct admin_call *c, struct admin_outcome *out)
{
    static const char *const members[] = { "code", NULL };
    struct arena a = { 0 };
    struct str code = STR("");
    struct error e = { .status = OK };
    struct json doc;

    if (!has_signins(d, out) || !outcome_body(admin_call_body(c), members, &a, &doc, out) ||
        !read_text(&doc, "code", &a, &code, out)) {
        arena_free(&a);
        return;
    }
    enum status st = signin_code(d->signins, admin_call_name(c), code, &e);

    if (st == OK)
        put_signin(d, admin_call_name(c), 200, out);
    else if (st == E_SYNTAX)
        outcome_wrong(out, "code", e.text);
    else
        outcome_error(out, st, e.text);
    arena_free(&a);
}
