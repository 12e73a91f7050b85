/* app/desk_test.c - testing an account: its provider is asked for its list of models, or for what
 * is left, with the account's own credential, address and proxy.
 *
 * That costs no tokens. What it finds out is told, not learned: only an account whose credential
 * the provider had refused is taken back into use when it is accepted now. The desk goes on while
 * the answer is awaited. */
#include "app/desk_int.h"

#include <stdlib.h>

#include "upkeep/question.h"

#define TESTS_MAX 16
#define TEST_MS 30000

struct account_test {
    struct desk *desk;
    struct admin_call *asked; /* answered when the test is over */
    struct account_test *next;
    int64_t id;
    bool refused;
    struct upstream *upstream; /* ours */
    struct question call;
    struct facts_course course; /* where that is what is asked */
    int64_t started_us;
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
    question_clear(&t->call);
    facts_clear(&t->course);
    upstream_free(t->upstream);
    free(t);
}

/* `fault` is NULL when an answer came. */
static void test_end(void *peer, const struct call_fault *fault)
{
    struct account_test *t = peer;
    int status = fault == NULL ? t->call.status : 0;
    bool good = status >= 200 && status < 300;
    struct admin_outcome out = { .status = 200 };
    struct judge_words words = { 0 };
    struct verdict v = { .kind = VERDICT_SUCCESS };
    struct arena a = { 0 };

    if (!good)
        v = provider_judge(t->upstream->provider,
                           &(struct judge_ask){ .wire = upstream_first_wire(t->upstream),
                                                .status = status,
                                                .body = buf_str(&t->call.body),
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
    json_put_member_i64(&w, "status", status);
    json_put_member(
        &w, "message",
        good            ? STR("the provider accepts the credential")
        : fault != NULL ? str_c(fault->text)
        : v.kind == VERDICT_MODEL_MISSING
            ? STR("there is no list of models at its address, so the credential cannot be checked")
        : words.message.len > 0 ? words.message
                                : str_c(verdict_text(v.kind)));
    json_put_member_i64(&w, "took_ms", (clock_mono_us() - t->started_us) / 1000);
    json_put_end(&w);
    admin_call_done(t->asked, &out);
    arena_free(&a);
    test_unlink(t);
    test_free(t);
}

/* --- the beginning */

static bool ask(struct account_test *t)
{
    struct client *client = t->desk->client;

    if (!facts_prove_credential(t->upstream))
        return question_send_list(&t->call, client, t->upstream, STR(""), TEST_MS);
    facts_begin(&t->course, t->upstream, STR(""));
    struct upstream_ask question = facts_question(&t->course);

    return question_send(&t->call, client, facts_upstream(&t->course), &question, t->course.body,
                         TEST_MS);
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
                                .started_us = clock_mono_us() };
    question_init(&t->call, JUDGE_BODY_MAX, test_end, t);
    if (ask(t)) {
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

        buf_init(&out.body, 4096);
        admin_put_error(&out.body, STR("the gateway is ending"), STR(""));
        admin_call_done(t->asked, &out);
        test_free(t);
    }
}
