#include "simulator/oauth.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/json.h"
#include "base/map.h"
#include "base/url.h"
#include "io/crypto.h"
#include "simulator/respond.h"

#define TEXT_MAX 2048
#define EMAIL_MAX 128
#define ENTRY_MAX 128
#define CODE_MS (INT64_C(60) * 1000)

enum endpoint { AT_AUTHORIZE, AT_TOKEN, AT_DEVICE, AT_USERINFO, AT_EXCHANGE, ENDPOINTS };
static const char *const endpoint_names[ENDPOINTS] = { "authorize", "token", "device", "userinfo",
                                                       "exchange" };

struct queue {
    char entries[OAUTH_QUEUE_MAX][ENTRY_MAX];
    uint32_t first, count;
};

/* Somebody's leave, from the code on. */
struct grant {
    uint64_t number; /* 0: none here */
    char email[EMAIL_MAX];
    char challenge[64], redirect[TEXT_MAX], client[EMAIL_MAX];
    int64_t code_until_ms;                    /* 0: it has been exchanged, or was none */
    bool device, approved;                    /* by a device code */
    uint32_t refreshes;                       /* of its refresh token: the last one alone is good */
    uint64_t access;                          /* number of its last access token; 0: none yet */
    int64_t access_until_ms, before_until_ms; /* of that, and of the one before */
};

struct oauth {
    uint64_t seed, last;
    struct grant grants[OAUTH_GRANTS_MAX];
    struct queue queues[ENDPOINTS];
    uint64_t asked[ENDPOINTS];
    uint64_t refreshes, exchanges, reused;
    char email[EMAIL_MAX], plan[32], account[64];
    int64_t expires_s, interval_s, device_s;
    bool rotate;
};

/* --- tokens ---------------------------------------------------------------------------------- */

/* `sim-rt-GRANT-N-CHECK`: the check is four letters by which a test tells tokens apart. */
static struct str token_text(const struct oauth *o, const char *kind, uint64_t grant, uint64_t n,
                             struct arena *a)
{
    const uint64_t key[2] = { o->seed, UINT64_C(0x6f61757468) };
    char text[96];
    int len = snprintf(text, sizeof(text), "%s-%" PRIu64 "-%" PRIu64, kind, grant, n);
    uint64_t check = siphash(key, (struct str){ text, (size_t)len });

    return arena_printf(a, "%s-%04x", text, (unsigned)(check & 0xffff));
}

static struct grant *grant_of(struct oauth *o, uint64_t number)
{
    struct grant *g = &o->grants[number % OAUTH_GRANTS_MAX];

    return number != 0 && g->number == number ? g : NULL;
}

/* The grant that a token names, if it is one of this kind that we gave out. */
static struct grant *grant_of_token(struct oauth *o, const char *kind, struct str token,
                                    uint64_t *n)
{
    struct arena a = { 0 };
    struct str rest = token, number, serial;
    uint64_t g = 0;
    bool good = str_starts(token, str_c(kind));

    if (good) {
        rest = str_drop(token, strlen(kind) + 1);
        good = str_cut(rest, '-', &number, &rest) && str_cut(rest, '-', &serial, &rest) &&
               str_to_u64(number, &g) && str_to_u64(serial, n) &&
               str_eq(token, token_text(o, kind, g, *n, &a));
    }
    arena_free(&a);
    return good ? grant_of(o, g) : NULL;
}

static struct grant *grant_new(struct oauth *o)
{
    uint64_t number = ++o->last;
    struct grant *g = &o->grants[number % OAUTH_GRANTS_MAX];

    *g = (struct grant){ .number = number };
    memcpy(g->email, o->email, sizeof(g->email));
    return g;
}

bool oauth_knows(struct oauth *o, struct str key, int64_t now_ms, struct str *who, bool *good)
{
    uint64_t n = 0;
    const struct grant *g;

    if (!str_starts(key, STR("sim-at-")))
        return false;
    g = grant_of_token(o, "sim-at", key, &n);
    *who = g == NULL ? key : str_c(g->email);
    *good = g != NULL && ((n == g->access && now_ms < g->access_until_ms) ||
                          (n + 1 == g->access && now_ms < g->before_until_ms));
    return true;
}

/* --- what is asked --------------------------------------------------------------------------- */

struct asking {
    struct oauth *o;
    const struct call *c;
    struct arena *a;
    struct reply *r;
    struct str word; /* the error that the queue wants; empty: none */
};

/* A field of the form that was posted, or of the query. */
static struct str field(const struct asking *q, const char *name)
{
    char text[TEXT_MAX];
    size_t len = 0;
    struct str from = q->c->method == HTTP_POST ? q->c->body : q->c->query;

    return http_query_get(from, str_c(name), text, sizeof(text), &len)
               ? arena_copy(q->a, (struct str){ text, len })
               : STR("");
}

static struct str origin_of(const struct asking *q)
{
    return arena_printf(q->a, "http://%.*s", STR_ARG(q->c->head->host));
}

static void json_head(struct asking *q, int status)
{
    reply_restart(q->r, status);
    reply_field(q->r, STR("content-type"), STR("application/json"));
    reply_field(q->r, STR("cache-control"), STR("no-store"));
}

/* As the RFC has it; GitHub says errors with status 200. */
static void refuse(struct asking *q, int status, const char *word)
{
    struct json_writer w;

    json_head(q, status);
    w = json_writer(&q->r->body);
    json_put_object(&w);
    json_put_member(&w, "error", str_c(word));
    json_put_member(&w, "error_description", STR("the simulator says no"));
    json_put_end(&w);
}

/* --- authorize ------------------------------------------------------------------------------- */

static void redirect(struct asking *q, struct str to, const char *name, struct str value)
{
    struct buf url = { .max = (size_t)8 << 10 };
    bool fits = buf_add(&url, to) &&
                buf_add(&url, memchr(to.at, '?', to.len) != NULL ? STR("&") : STR("?")) &&
                buf_add(&url, str_c(name)) && buf_add(&url, STR("=")) &&
                percent_put(&url, value, false) && buf_add(&url, STR("&state=")) &&
                percent_put(&url, field(q, "state"), false);

    reply_restart(q->r, fits ? 302 : 400);
    reply_field(q->r, STR("location"), arena_copy(q->a, buf_str(&url)));
    reply_field(q->r, STR("content-type"), STR("text/plain"));
    buf_clear(&url);
}

static bool into(char *to, size_t size, struct str text)
{
    if (text.len >= size)
        return false;
    memcpy(to, text.at, text.len);
    to[text.len] = '\0';
    return true;
}

static void authorize(struct asking *q)
{
    struct str to = field(q, "redirect_uri"), client = field(q, "client_id"),
               challenge = field(q, "code_challenge");

    if (client.len == 0 || to.len == 0 || !str_eq(field(q, "response_type"), STR("code")) ||
        challenge.len == 0 || !str_eq(field(q, "code_challenge_method"), STR("S256")) ||
        field(q, "state").len == 0) {
        refuse(q, 400, "invalid_request");
        return;
    }
    if (q->word.len > 0) {
        redirect(q, to, "error", q->word);
        return;
    }
    struct grant *g = grant_new(q->o);

    if (!into(g->challenge, sizeof(g->challenge), challenge) ||
        !into(g->redirect, sizeof(g->redirect), to) ||
        !into(g->client, sizeof(g->client), client)) {
        g->number = 0;
        refuse(q, 400, "invalid_request");
        return;
    }
    g->code_until_ms = q->c->now_ms + CODE_MS;
    redirect(q, to, "code", token_text(q->o, "sim-code", g->number, 1, q->a));
}

/* --- tokens ---------------------------------------------------------------------------------- */

static struct str id_token(const struct asking *q, const struct grant *g)
{
    struct buf claims = { .max = 4096 }, text = { .max = 8192 };
    struct json_writer w = json_writer(&claims);

    json_put_object(&w);
    json_put_member(&w, "email", str_c(g->email));
    json_put_key(&w, STR("https://api.openai.com/auth"));
    json_put_object(&w);
    json_put_member(&w, "chatgpt_account_id", str_c(q->o->account));
    json_put_member(&w, "chatgpt_plan_type", str_c(q->o->plan));
    json_put_end(&w);
    json_put_end(&w);
    (void)(base64_put(&text, STR("{\"alg\":\"none\"}"), BASE64_URL) && buf_add_char(&text, '.') &&
           base64_put(&text, buf_str(&claims), BASE64_URL) && buf_add(&text, STR(".none")));
    struct str token = arena_copy(q->a, buf_str(&text));

    buf_clear(&claims);
    buf_clear(&text);
    return token;
}

static struct str access_token(struct asking *q, struct grant *g)
{
    g->access++;
    g->before_until_ms = g->access_until_ms;
    g->access_until_ms = q->c->now_ms + q->o->expires_s * 1000;
    return token_text(q->o, "sim-at", g->number, g->access, q->a);
}

static void give_tokens(struct asking *q, struct grant *g, bool with_refresh)
{
    struct json_writer w;

    json_head(q, 200);
    w = json_writer(&q->r->body);
    json_put_object(&w);
    json_put_member(&w, "token_type", STR("Bearer"));
    if (g->device) { /* GitHub's: it lives for ever, and is exchanged */
        json_put_member(&w, "access_token", token_text(q->o, "sim-gh", g->number, 1, q->a));
        json_put_member(&w, "scope", STR("read:user"));
    } else {
        json_put_member(&w, "access_token", access_token(q, g));
        json_put_member_i64(&w, "expires_in", q->o->expires_s);
        json_put_member(&w, "scope", STR("openid email"));
        json_put_member(&w, "id_token", id_token(q, g));
    }
    if (with_refresh)
        json_put_member(&w, "refresh_token",
                        token_text(q->o, "sim-rt", g->number, g->refreshes, q->a));
    json_put_end(&w);
}

static bool verifier_fits(const struct asking *q, const struct grant *g)
{
    uint8_t digest[SHA256_BYTES];
    struct buf text = { .max = 64 };

    sha256(field(q, "code_verifier"), digest);
    (void)base64_put(&text, (struct str){ (const char *)digest, sizeof(digest) }, BASE64_URL);
    bool fits = str_eq(buf_str(&text), str_c(g->challenge));

    buf_clear(&text);
    return fits;
}

static void by_code(struct asking *q)
{
    uint64_t n = 0;
    struct grant *g = grant_of_token(q->o, "sim-code", field(q, "code"), &n);

    if (g == NULL || g->code_until_ms <= q->c->now_ms ||
        !str_eq(field(q, "redirect_uri"), str_c(g->redirect)) ||
        !str_eq(field(q, "client_id"), str_c(g->client)) || !verifier_fits(q, g)) {
        refuse(q, 400, "invalid_grant");
        return;
    }
    g->code_until_ms = 0;
    g->refreshes = 1;
    give_tokens(q, g, true);
}

static void by_refresh(struct asking *q)
{
    uint64_t n = 0;
    struct grant *g = grant_of_token(q->o, "sim-rt", field(q, "refresh_token"), &n);

    q->o->refreshes++;
    if (g == NULL || n != g->refreshes || !str_eq(field(q, "client_id"), str_c(g->client))) {
        q->o->reused += g != NULL && n != g->refreshes;
        refuse(q, 400, "invalid_grant");
        return;
    }
    g->refreshes += q->o->rotate;
    give_tokens(q, g, q->o->rotate);
}

static void by_device(struct asking *q)
{
    uint64_t n = 0;
    struct grant *g = grant_of_token(q->o, "sim-dc", field(q, "device_code"), &n);

    if (g == NULL || !str_eq(field(q, "client_id"), str_c(g->client)))
        refuse(q, 200, "incorrect_device_code");
    else if (g->code_until_ms <= q->c->now_ms)
        refuse(q, 200, "expired_token");
    else
        give_tokens(q, g, false);
}

static void token(struct asking *q)
{
    struct str type = field(q, "grant_type");
    bool device = str_eq(type, STR("urn:ietf:params:oauth:grant-type:device_code"));

    if (q->word.len > 0)
        refuse(q, device ? 200 : 400, q->word.at);
    else if (str_eq(type, STR("authorization_code")))
        by_code(q);
    else if (str_eq(type, STR("refresh_token")))
        by_refresh(q);
    else if (device)
        by_device(q);
    else
        refuse(q, 400, "unsupported_grant_type");
}

/* --- device, person, exchange ---------------------------------------------------------------- */

static void device(struct asking *q)
{
    struct str client = field(q, "client_id");
    struct json_writer w;

    if (q->word.len > 0 || client.len == 0) {
        refuse(q, 400, q->word.len > 0 ? q->word.at : "invalid_request");
        return;
    }
    struct grant *g = grant_new(q->o);

    g->device = true;
    g->code_until_ms = q->c->now_ms + q->o->device_s * 1000;
    (void)into(g->client, sizeof(g->client), str_take(client, sizeof(g->client) - 1));
    json_head(q, 200);
    w = json_writer(&q->r->body);
    json_put_object(&w);
    json_put_member(&w, "device_code", token_text(q->o, "sim-dc", g->number, 1, q->a));
    json_put_key(&w, STR("user_code"));
    json_put_format(&w, "SIM-%04" PRIu64, g->number % 10000);
    json_put_member(&w, "verification_uri",
                    arena_printf(q->a, "%.*s/oauth/verify", STR_ARG(origin_of(q))));
    json_put_member_i64(&w, "expires_in", q->o->device_s);
    json_put_member_i64(&w, "interval", q->o->interval_s);
    json_put_end(&w);
}

/* Behind `Bearer ` or `token `. */
static struct str shown_token(const struct asking *q)
{
    struct str value = http_field_value(q->c->head, STR("authorization")), scheme, rest;

    return str_cut(value, ' ', &scheme, &rest) ? rest : STR("");
}

static void userinfo(struct asking *q)
{
    uint64_t n = 0;
    const struct grant *g = grant_of_token(q->o, "sim-gh", shown_token(q), &n);
    struct json_writer w;

    if (g == NULL)
        g = grant_of_token(q->o, "sim-at", shown_token(q), &n);
    if (q->word.len > 0 || g == NULL) {
        refuse(q, 401, q->word.len > 0 ? q->word.at : "invalid_token");
        return;
    }
    json_head(q, 200);
    w = json_writer(&q->r->body);
    json_put_object(&w);
    json_put_member(&w, "login", str_c(g->email));
    json_put_member(&w, "email", str_c(g->email));
    json_put_end(&w);
}

static void exchange(struct asking *q)
{
    uint64_t n = 0;
    struct grant *g = grant_of_token(q->o, "sim-gh", shown_token(q), &n);
    struct json_writer w;

    q->o->exchanges++;
    if (q->word.len > 0 || g == NULL) {
        refuse(q, 401, q->word.len > 0 ? q->word.at : "bad_credentials");
        return;
    }
    struct str access = access_token(q, g);

    json_head(q, 200);
    w = json_writer(&q->r->body);
    json_put_object(&w);
    json_put_member(&w, "token", access);
    json_put_member_i64(&w, "expires_at", q->c->now_unix_ms / 1000 + q->o->expires_s);
    json_put_member_i64(&w, "refresh_in",
                        q->o->expires_s > 300 ? q->o->expires_s - 300 : q->o->expires_s);
    json_put_member(&w, "sku", str_c(q->o->plan));
    json_put_key(&w, STR("endpoints"));
    json_put_object(&w);
    json_put_member(&w, "api", origin_of(q));
    json_put_end(&w);
    json_put_end(&w);
}

/* --- what goes wrong ------------------------------------------------------------------------- */

/* The next entry of the queue: directives (`status=503`, `delay=500`, `cut=0`), and at most one
 * word, the error to answer with. */
static void take_entry(struct queue *queue, struct asking *q, struct directives *d)
{
    struct str words = STR(""), rest, one;
    struct error e;

    if (queue->count == 0)
        return;
    rest = arena_copy(q->a, str_c(queue->entries[queue->first]));
    queue->first = (queue->first + 1) % OAUTH_QUEUE_MAX;
    queue->count--;
    while (rest.len > 0) {
        (void)str_cut(rest, ' ', &one, &rest);
        if (memchr(one.at, '=', one.len) != NULL)
            words = arena_printf(q->a, "%.*s%.*s ", STR_ARG(words), STR_ARG(one));
        else if (one.len > 0 && !str_eq(one, STR("ok")))
            q->word = arena_copy(q->a, one);
    }
    enum status st = directives_read(d, words, q->a, &e);

    assert(st == OK); /* they were checked when they came */
}

static void broken(struct asking *q, int64_t status)
{
    json_head(q, (int)status);
    reply_put(q->r, STR("{\"message\":\"the simulator is out of order\"}"));
}

void oauth_respond(struct oauth *o, const struct call *c, struct arena *a, struct reply *r,
                   struct directives *d)
{
    static void (*const answers[ENDPOINTS])(struct asking * q) = {
        [AT_AUTHORIZE] = authorize, [AT_TOKEN] = token,       [AT_DEVICE] = device,
        [AT_USERINFO] = userinfo,   [AT_EXCHANGE] = exchange,
    };
    struct asking q = { .o = o, .c = c, .a = a, .r = r, .word = STR("") };
    struct str name = str_drop(c->path, strlen(OAUTH_PATH));

    for (size_t i = 0; i < ENDPOINTS; i++) {
        bool post = i == AT_TOKEN || i == AT_DEVICE;

        if (!str_eq(name, str_c(endpoint_names[i])))
            continue;
        if (c->method != (post ? HTTP_POST : HTTP_GET)) {
            refuse(&q, 405, "invalid_request");
            return;
        }
        o->asked[i]++;
        take_entry(&o->queues[i], &q, d);
        if (d->status >= 400)
            broken(&q, d->status);
        else
            answers[i](&q);
        return;
    }
    refuse(&q, 404, "not_found");
}

/* --- control --------------------------------------------------------------------------------- */

#define TOKENS_SHOWN 8

/* Its newest access tokens, the last one first, and what renews it. */
static void grant_put(const struct oauth *o, const struct grant *g, struct json_writer *w)
{
    struct arena a = { 0 };

    json_put_object(w);
    json_put_member_i64(w, "number", (int64_t)g->number);
    json_put_member(w, "email", str_c(g->email));
    json_put_key(w, STR("access"));
    json_put_array(w);
    for (uint64_t n = g->access; n > 0 && n + TOKENS_SHOWN > g->access; n--)
        json_put_str(w, token_text(o, "sim-at", g->number, n, &a));
    json_put_end(w);
    json_put_member(w, "refresh",
                    g->device ? token_text(o, "sim-gh", g->number, 1, &a)
                              : token_text(o, "sim-rt", g->number, g->refreshes, &a));
    json_put_end(w);
    arena_free(&a);
}

void oauth_put(struct oauth *o, struct json_writer *w)
{
    json_put_object(w);
    for (size_t i = 0; i < ENDPOINTS; i++)
        json_put_member_i64(w, endpoint_names[i], (int64_t)o->asked[i]);
    json_put_member_i64(w, "refreshes", (int64_t)o->refreshes);
    json_put_member_i64(w, "exchanges", (int64_t)o->exchanges);
    json_put_member_i64(w, "reused", (int64_t)o->reused);
    json_put_key(w, STR("grants"));
    json_put_array(w);
    for (size_t i = 0; i < OAUTH_GRANTS_MAX; i++)
        if (o->grants[i].number != 0)
            grant_put(o, &o->grants[i], w);
    json_put_end(w);
    json_put_member(w, "email", str_c(o->email));
    json_put_member_i64(w, "expires_in", o->expires_s);
    json_put_member_bool(w, "rotate", o->rotate);
    json_put_end(w);
}

static const char *set_queue(struct queue *to, const struct json *doc, uint32_t list,
                             struct arena *a)
{
    struct queue q = { .count = 0 };

    if (json_type(doc, list) != JSON_ARRAY)
        return "a queue is a list of texts";
    for (uint32_t i = json_first(doc, list); i != JSON_NONE; i = json_after(doc, list, i)) {
        struct str text, rest, one;

        if (q.count == OAUTH_QUEUE_MAX || !json_text(doc, i, a, &text) ||
            !into(q.entries[q.count], ENTRY_MAX, text))
            return "a queue has at most 32 texts of at most 127 bytes";
        for (rest = text; rest.len > 0;) {
            struct directives d;
            struct error e;

            (void)str_cut(rest, ' ', &one, &rest);
            directives_init(&d);
            if (memchr(one.at, '=', one.len) != NULL && directives_read(&d, one, a, &e) != OK)
                return arena_copy(a, str_c(e.text)).at;
        }
        q.count++;
    }
    *to = q;
    return NULL;
}

static const char *set_number(const struct json *doc, uint32_t node, int64_t *to)
{
    int64_t n;

    if (!json_i64(doc, node, &n) || n < 0 || n > INT32_MAX)
        return "a number of seconds is wanted";
    *to = n;
    return NULL;
}

static const char *set_text(const struct json *doc, uint32_t node, struct arena *a, char *to,
                            size_t size)
{
    struct str text;

    return json_text(doc, node, a, &text) && into(to, size, text) ? NULL : "a short text is wanted";
}

/* Every access token that is out there has expired; refresh tokens are no good any more. */
static const char *set_over(struct oauth *o, const struct json *doc, uint32_t node, bool grants)
{
    if (!json_is_true(doc, node))
        return "`expire` and `revoke` must be true";
    for (size_t i = 0; i < OAUTH_GRANTS_MAX; i++) {
        o->grants[i].access_until_ms = o->grants[i].before_until_ms = 0;
        if (grants)
            o->grants[i].number = 0;
    }
    return NULL;
}

static const char *set_member(struct oauth *o, const struct json *doc, struct str name,
                              uint32_t node, struct arena *a)
{
    for (size_t i = 0; i < ENDPOINTS; i++)
        if (str_eq(name, str_c(endpoint_names[i])))
            return set_queue(&o->queues[i], doc, node, a);
    if (str_eq(name, STR("email")))
        return set_text(doc, node, a, o->email, sizeof(o->email));
    if (str_eq(name, STR("plan")))
        return set_text(doc, node, a, o->plan, sizeof(o->plan));
    if (str_eq(name, STR("account")))
        return set_text(doc, node, a, o->account, sizeof(o->account));
    if (str_eq(name, STR("expires_in")))
        return set_number(doc, node, &o->expires_s);
    if (str_eq(name, STR("interval")))
        return set_number(doc, node, &o->interval_s);
    if (str_eq(name, STR("device_expires_in")))
        return set_number(doc, node, &o->device_s);
    if (str_eq(name, STR("rotate"))) {
        o->rotate = json_is_true(doc, node);
        return NULL;
    }
    if (str_eq(name, STR("expire")) || str_eq(name, STR("revoke")))
        return set_over(o, doc, node, str_eq(name, STR("revoke")));
    return "known members: email, plan, account, expires_in, interval, device_expires_in, rotate, "
           "expire, revoke, and the queues authorize, token, device, userinfo, exchange";
}

const char *oauth_set(struct oauth *o, const struct json *doc, struct arena *a)
{
    for (uint32_t key = json_first(doc, 0), value; key != JSON_NONE;
         key = json_after(doc, 0, value)) {
        struct str name = STR("");
        const char *wrong;

        value = json_after(doc, 0, key);
        (void)json_text(doc, key, a, &name);
        wrong = set_member(o, doc, name, value, a);
        if (wrong != NULL)
            return wrong;
    }
    return NULL;
}

/* --- life ------------------------------------------------------------------------------------ */

void oauth_forget(struct oauth *o)
{
    uint64_t seed = o->seed, last = o->last;

    *o = (struct oauth){ .seed = seed,
                         .last = last, /* what was given out stays unknown */
                         .email = "sim@example.test",
                         .plan = "plus",
                         .account = "00000000-0000-4000-8000-000000000001",
                         .expires_s = 3600,
                         .interval_s = 5,
                         .device_s = 900,
                         .rotate = true };
}

struct oauth *oauth_new(uint64_t seed)
{
    struct oauth *o = must_calloc(1, sizeof(*o));

    o->seed = seed;
    oauth_forget(o);
    return o;
}

void oauth_free(struct oauth *o)
{
    free(o);
}
