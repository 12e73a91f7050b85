/* admin/session.c - /api/session: a browser logs in by a one-time link or the password, and out. */
#include "admin/admin_int.h"

#include <stdio.h>

#include "base/json.h"

/* --- what there is */

static void put_session(struct buf *out, const struct admin *a, const struct admin_caller *caller,
                        const struct admin_clock *now)
{
    struct admin_face face = a->o.face(a->o.desk_peer);
    bool in = caller->who != ADMIN_NOBODY, browser = caller->who == ADMIN_BROWSER;
    struct json_writer w = json_writer(out);

    json_put_object(&w);
    json_put_member_bool(&w, "signed_in", in);
    json_put_member_bool(&w, "password_set", face.password_set);
    if (in) {
        json_put_member(&w, "by", browser ? str_c(login_by_word(caller->login.by)) : STR("token"));
        json_put_member(&w, "version", STR(PENSTOCK_VERSION));
        json_put_member_bool(&w, "privacy", face.privacy);
        json_put_member_bool(&w, "compact", face.compact);
        json_put_member_bool(&w, "preload_routing", face.preload_routing);
    }
    if (browser) {
        json_put_member(&w, "csrf_token", str_c(caller->login.csrf));
        json_put_member_i64(&w, "ends_unix_ms",
                            caller->login.ends_ms - now->loop_ms + now->unix_ms);
    }
    json_put_end(&w);
}

void session_get(const struct admin_ask *a)
{
    struct admin_clock now = admin_clock(request_loop(a->r));
    struct buf b;

    buf_init(&b, 4096);
    put_session(&b, a->admin, a->caller, &now);
    admin_send(a->r, 200, buf_str(&b));
    buf_clear(&b);
}

/* --- the cookie */

/* Under TLS (a proxy's, which the page's origin tells) the cookie stays under TLS. */
static void set_cookie(struct admin_call *c, const char *token)
{
    bool tls = str_istarts(http_field_value(c->r->head, STR("origin")), STR("https://"));
    char name[LOGIN_COOKIE_NAME];

    login_cookie_name(&c->r->local, name);
    snprintf(c->cookie, sizeof(c->cookie), "%s=%s; Path=/; HttpOnly; SameSite=Strict%s%s", name,
             token, tls ? "; Secure" : "", token[0] == '\0' ? "; Max-Age=0" : "");
}

/* --- in */

/* Another token than before: who planted a cookie in this browser gains nothing. */
static void log_in(struct admin_call *c, enum login_by by)
{
    struct admin *a = c->admin;
    struct admin_clock now = admin_clock(request_loop(c->r));
    char token[LOGIN_TOKEN_TEXT];

    if (c->caller.who == ADMIN_BROWSER)
        login_end(&a->logins, c->caller.login.number);
    c->caller.who = ADMIN_BROWSER;
    login_begin(&a->logins, by, now.loop_ms, token, &c->caller.login);
    count_one(&a->metrics.logins);
    set_cookie(c, token);
    wipe(token, sizeof(token));
    c->outcome.status = 201;
    c->outcome.body.len = 0;
    put_session(&c->outcome.body, a, &c->caller, &now);
}

static void refuse(struct admin_call *c, struct str message)
{
    count_one(&c->admin->metrics.refused_logins);
    admin_call_fail(c, 401, message, STR(""));
}

/* A password was right (200), wrong (401, 403), or the call failed for another reason. */
void session_checked(struct admin_call *c)
{
    if (c->outcome.status == 401 || c->outcome.status == 403) {
        count_one(&c->admin->metrics.refused_logins);
        return;
    }
    if (c->caller.who != ADMIN_TOOL)
        guard_take_back(&c->admin->guard, &c->peer);
    if (c->change == ADMIN_LOGIN && c->outcome.status == 200 && c->r != NULL)
        log_in(c, LOGIN_BY_PASSWORD);
}

static struct str member_text(struct admin_call *c, const struct json *doc, const char *name)
{
    uint32_t node = json_member(doc, 0, str_c(name), NULL);
    struct str text = STR("");

    if (node != JSON_NONE)
        (void)json_text(doc, node, &c->arena, &text);
    return text;
}

/* A guess is counted before it is looked at, so that many at once are no way around the count; the
 * right one takes that back. False: it has been answered. */
static bool may_guess(struct admin_call *c)
{
    struct guard *g = &c->admin->guard;
    int64_t now_ms = loop_now(request_loop(c->r)), wait_ms = guard_wait_ms(g, &c->peer, now_ms);

    if (wait_ms == 0) {
        guard_failed(g, &c->peer, now_ms);
        return true;
    }
    count_one(&c->admin->metrics.refused_guesses);
    c->wait_s = (wait_ms + 999) / 1000;
    admin_call_answer(c);
    return false;
}

void session_begin(struct admin_call *c)
{
    struct admin *a = c->admin;
    struct json doc;
    struct str link = STR(""), password = STR("");

    if (json_parse(&doc, secret_reveal(&c->body), NULL, &c->arena, NULL) &&
        json_type(&doc, 0) == JSON_OBJECT) {
        link = member_text(c, &doc, "link");
        password = member_text(c, &doc, "password");
    }
    if ((link.len > 0) == (password.len > 0)) {
        admin_call_fail(c, 400, STR("a JSON object with `link` or `password` is wanted"), STR(""));
        return;
    }
    if (!may_guess(c))
        return;
    if (password.len > 0 && a->o.face(a->o.desk_peer).password_set) {
        admin_call_hand(c, ADMIN_LOGIN);
    } else if (password.len > 0) {
        refuse(c, STR("no password is set: `penstock open` gives a link, `penstock password` sets "
                      "one"));
    } else if (login_link_take(&a->logins, link, loop_now(request_loop(c->r)))) {
        guard_take_back(&a->guard, &c->peer);
        log_in(c, LOGIN_BY_LINK);
        admin_call_answer(c);
    } else {
        refuse(c, STR("the link was used, or is too old: `penstock open` gives another one"));
    }
}

/* --- out */

void session_end(struct admin_call *c)
{
    if (c->caller.who != ADMIN_BROWSER) {
        admin_call_fail(c, 404, STR("a token is no session: there is nothing to end"), STR(""));
        return;
    }
    login_end(&c->admin->logins, c->caller.login.number);
    set_cookie(c, "");
    c->outcome.status = 200;
    (void)buf_add(&c->outcome.body, STR("{}"));
    admin_call_answer(c);
}

/* --- links and the password */

int64_t admin_put_link(struct admin *a, struct str host, int64_t now_ms, struct buf *out)
{
    char token[LOGIN_TOKEN_TEXT];

    login_link_new(&a->logins, now_ms, token);
    (void)(buf_add(out, STR("http://")) && buf_add(out, host) &&
           buf_add(out, STR("/quota#link=")) && buf_add(out, str_c(token)));
    wipe(token, sizeof(token));
    return now_ms + LOGIN_LINK_MS;
}

void session_link(struct admin_call *c)
{
    struct admin_clock now = admin_clock(request_loop(c->r));
    struct json_writer w = json_writer(&c->outcome.body);
    struct buf url = { .max = 1024 };
    int64_t ends_ms = admin_put_link(c->admin, c->r->head->host, now.loop_ms, &url);

    c->outcome.status = 201;
    json_put_object(&w);
    json_put_member(&w, "url", buf_str(&url));
    json_put_member_i64(&w, "ends_unix_ms", ends_ms - now.loop_ms + now.unix_ms);
    json_put_end(&w);
    buf_clear(&url);
    admin_call_answer(c);
}

/* A browser shows the current password, too: who sits down at an open dashboard does not take it
 * over. */
void session_password(struct admin_call *c)
{
    if (c->caller.who == ADMIN_TOOL || may_guess(c))
        admin_call_hand(c, ADMIN_PASSWORD);
}

void admin_set_login_times(struct admin *a, int64_t idle_ms, int64_t life_ms)
{
    logins_set_times(&a->logins, idle_ms, life_ms);
}

void admin_end_logins(struct admin *a)
{
    logins_end_all(&a->logins);
}
