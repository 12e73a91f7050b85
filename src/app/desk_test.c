/* app/desk_test.c - credentials are checked: of an account that somebody wants to have tested, and
 * of one that is about to be added.
 *
 * What a test finds out is told, not learned: only an account whose credential the provider had
 * refused is taken back into use when it is accepted now. The desk goes on while the answer is
 * awaited. */
#include "app/desk_int.h"

#include <stdlib.h>

#include "upkeep/check.h"

#define TESTS_MAX 16
#define TEST_MS 30000
#define ADD_CHECK_MS 8000 /* somebody waits, and the account is added all the same then */

struct account_test {
    struct desk *desk;
    struct admin_call *asked; /* answered when the test is over */
    struct account_test *next;
    int64_t id;
    bool refused;
    struct account_spec *adding; /* ours, to be added; NULL: `id` is there already */
    struct upstream *upstream;   /* ours */
    struct check check;
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
    check_clear(&t->check);
    upstream_free(t->upstream);
    account_spec_free(t->adding);
    free(t);
}

static void on_checked(void *peer, const struct check_result *result)
{
    struct account_test *t = peer;
    struct admin_outcome out = { .status = 200 };

    buf_init(&out.body, (size_t)64 << 10);
    if (t->adding != NULL) {
        desk_account_checked(t->desk, t->adding, result, &out);
    } else {
        struct json_writer w = json_writer(&out.body);

        if (result->good && t->refused)
            (void)pool_clear_lockouts(t->desk->o.pool, t->id);
        json_put_object(&w);
        check_put(&w, result);
        json_put_end(&w);
    }
    admin_call_done(t->asked, &out);
    test_unlink(t);
    test_free(t);
}

/* --- the beginning */

/* Takes what `t` says, with what it owns. */
static bool test_start(const struct account_test *start, int64_t total_ms)
{
    struct desk *d = start->desk;
    struct account_test *t = must_calloc(1, sizeof(*t));

    *t = *start;
    if (!check_start(&t->check, d->client, t->upstream, total_ms, on_checked, t)) {
        t->adding = NULL; /* still the caller's */
        test_free(t);
        return false;
    }
    t->next = d->tests;
    d->tests = t;
    d->test_count++;
    return true;
}

bool desk_check_new(struct desk *d, struct admin_call *c, struct account_spec *spec)
{
    struct upstream *up = NULL;
    struct error e = { 0 };

    if (d->client == NULL || d->test_count == TESTS_MAX ||
        upstream_new(spec, &config_file_settings(d->config)->provider, &up, &e) != OK)
        return false;
    return test_start(
        &(struct account_test){ .desk = d, .asked = c, .adding = spec, .upstream = up },
        ADD_CHECK_MS);
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
    if (test_start(
            &(struct account_test){
                .desk = d, .asked = c, .id = v.id, .refused = v.refused, .upstream = up },
            TEST_MS))
        return true;
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
