/* app/desk_test.c - testing an account: its provider is asked for its list of models with the
 * account's own credential, address and proxy.
 *
 * That costs no tokens. What it finds out is told, not learned: only an account whose credential
 * the provider had refused is taken back into use when it is accepted now. The desk goes on while
 * the answer is awaited. */
#include "app/desk_int.h"

#include <stdlib.h>

#define TESTS_MAX 16
#define TEST_MS 30000

struct account_test {
    struct desk *desk;
    struct admin_call *asked; /* answered when the test is over */
    struct account_test *next;
    int64_t id;
    bool refused;
    struct upstream *upstream; /* ours */
    struct call *call;
    enum wire wire;
    int status;
    int64_t started_us;
    struct buf body;
};

/* --- the account as it is declared */

struct search {
    int64_t id;
    struct account_spec *found; /* of the database: ours */
};

static void keep_wanted(void *peer, struct account_spec *spec)
{
    struct search *s = peer;

    if (spec->id == s->id && s->found == NULL)
        s->found = spec;
    else
        account_spec_free(spec);
}

static enum status upstream_of(struct desk *d, int64_t id, struct upstream **up, struct error *e)
{
    struct settings *settings = config_file_settings(d->config);
    struct search search = { .id = id };

    for (size_t i = 0; i < settings->account_count; i++)
        if (settings->accounts[i]->id == id)
            return upstream_new(settings->accounts[i], &settings->provider, up, e);
    enum status st = store_accounts(d->store, keep_wanted, &search, e);

    if (st == OK && search.found == NULL)
        st = fail(e, E_ABSENT, "no account has this id or label");
    if (st == OK)
        st = upstream_new(search.found, &settings->provider, up, e);
    account_spec_free(search.found);
    return st;
}

/* --- the end */

static void test_unlink(struct account_test *t)
{
    struct account_test **link = &t->desk->tests;

    while (*link != t)
        link = &(*link)->next;
    *link = t->next;
    t->desk->test_count--;
}

/* It is in no list any more. */
static void test_free(struct account_test *t)
{
    upstream_free(t->upstream);
    buf_clear(&t->body);
    free(t);
}

/* `fault` is NULL when an answer came. */
static void test_end(struct account_test *t, const struct call_fault *fault)
{
    bool good = fault == NULL && t->status >= 200 && t->status < 300;
    struct admin_outcome out = { .status = 200 };
    struct judge_words words = { 0 };
    struct verdict v = { .kind = VERDICT_SUCCESS };
    struct arena a = { 0 };

    if (!good)
        v = provider_judge(t->upstream->provider,
                           &(struct judge_ask){ .wire = t->wire,
                                                .status = fault == NULL ? t->status : 0,
                                                .body = buf_str(&t->body),
                                                .fault = fault,
                                                .unix_ms = clock_unix_ms() },
                           &a, &words);
    if (good && t->refused)
        (void)pool_clear_lockouts(t->desk->o.pool, t->id);
    buf_init(&out.body, (size_t)64 << 10);
    struct json_writer w = json_writer(&out.body);

    json_put_object(&w);
    json_put_member_bool(&w, "ok", good);
    json_put_member(&w, "verdict", str_c(verdict_word(v.kind)));
    json_put_member_i64(&w, "status", fault == NULL ? t->status : 0);
    json_put_member(&w, "message",
                    good                    ? STR("the provider accepts the credential")
                    : fault != NULL         ? str_c(fault->text)
                    : words.message.len > 0 ? words.message
                                            : str_c(verdict_text(v.kind)));
    json_put_member_i64(&w, "took_ms", (clock_mono_us() - t->started_us) / 1000);
    json_put_end(&w);
    admin_call_done(t->asked, &out);
    arena_free(&a);
    test_unlink(t);
    test_free(t);
}

static void on_head(void *peer, const struct http_head *head)
{
    struct account_test *t = peer;

    t->status = head->status;
}

static void on_data(void *peer, struct str bytes)
{
    struct account_test *t = peer;

    (void)buf_add(&t->body, str_take(bytes, t->body.max - t->body.len));
}

static void on_end(void *peer)
{
    test_end(peer, NULL);
}

static void on_fail(void *peer, const struct call_fault *fault)
{
    test_end(peer, fault);
}

/* --- the beginning */

static enum wire first_wire(uint32_t wires)
{
    unsigned w = 0;

    while ((wires & WIRE_BIT(w)) == 0)
        w++;
    return (enum wire)w;
}

static bool test_send(struct desk *d, struct account_test *t)
{
    static const struct http_head nobody = { .method = HTTP_GET };
    struct buf head = { .max = (size_t)64 << 10 };
    struct call_timeouts timeouts = t->upstream->timeouts;
    bool fits = upstream_put_head(
        t->upstream,
        &(struct upstream_ask){
            .wire = t->wire, .op = OP_MODELS, .client = &nobody, .default_version = true },
        &head);

    if (timeouts.total_ms > TEST_MS)
        timeouts.total_ms = TEST_MS;
    if (fits)
        t->call = client_send(
            d->client, &(struct call_options){ .origin = &t->upstream->origin,
                                               .head = buf_str(&head),
                                               .timeouts = timeouts,
                                               .hooks = { on_head, on_data, on_end, on_fail, t } });
    if (head.cap > 0)
        wipe(head.at, head.cap); /* the credential is in it */
    buf_clear(&head);
    return fits;
}

bool desk_account_test(struct desk *d, struct admin_call *c, struct admin_outcome *out)
{
    struct account_view v;
    struct upstream *up = NULL;
    struct error e = { 0 };

    if (!pool_find(d->o.pool, admin_call_name(c), loop_now(d->loop), &v) || !desk_knows(d, v.id)) {
        outcome_absent(out, "no account has this id or label");
        return false;
    }
    if (d->client == NULL) {
        outcome_error(out, E_IO, "accounts cannot be tested: the log of the start says why");
        return false;
    }
    if (d->test_count == TESTS_MAX) {
        outcome_error(out, E_CONFLICT, "sixteen tests are under way: wait for one of them");
        return false;
    }
    enum status st = upstream_of(d, v.id, &up, &e);

    if (st != OK) {
        outcome_error(out, st, e.text);
        return false;
    }
    struct account_test *t = must_calloc(1, sizeof(*t));

    *t = (struct account_test){ .desk = d,
                                .asked = c,
                                .next = d->tests,
                                .id = v.id,
                                .refused = v.refused,
                                .upstream = up,
                                .wire = first_wire(up->wires),
                                .started_us = clock_mono_us() };
    buf_init(&t->body, JUDGE_BODY_MAX);
    if (test_send(d, t)) {
        d->tests = t;
        d->test_count++;
        return true;
    }
    test_free(t);
    outcome_error(out, E_REFUSED, "this provider has no list of models to ask for");
    return false;
}

void desk_tests_end(struct desk *d)
{
    while (d->tests != NULL) {
        struct account_test *t = d->tests;

        d->tests = t->next;
        d->test_count--;
        struct admin_outcome out = { .status = 503 };

        call_cancel(t->call);
        buf_init(&out.body, 4096);
        admin_put_error(&out.body, STR("the gateway is ending"), STR(""));
        admin_call_done(t->asked, &out);
        test_free(t);
    }
}
