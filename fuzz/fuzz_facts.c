/* What providers tell of an account: whatever comes, a course ends, and what it learned is within
 * its bounds. The first byte says whose answers these are; they are given to one question after the
 * other, cut at NUL. */
#include "provider/facts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define QUESTIONS_MAX (FACTS_WAITS_MAX + 8)

static struct upstream *made(struct str provider)
{
    struct account_spec spec = {
        .id = 1,
        .label = STR("a"),
        .provider = provider,
        .grant = { .access = secret_copy(STR("x")), .refresh = secret_copy(STR("y")), .series = 1 }
    };
    struct provider_options options = { .proxy = { .global = STR("direct") } };
    struct upstream *u = NULL;
    struct error e;
    enum status st = upstream_new(&spec, &options, &u, &e);

    assert(st == OK);
    secret_clear(&spec.grant.access);
    secret_clear(&spec.grant.refresh);
    return u;
}

static void check(const struct account_facts *f)
{
    assert(f->group_count <= FACTS_GROUPS_MAX);
    assert(memchr(f->project, '\0', sizeof(f->project)) != NULL);
    for (size_t i = 0; i < f->group_count; i++) {
        assert(f->groups[i].said.count <= QUOTA_WINDOWS_MAX);
        for (uint32_t k = 0; k < f->groups[i].said.count; k++) {
            const struct quota_window *w = &f->groups[i].said.windows[k];

            assert(w->remaining_permille >= 0 && w->remaining_permille <= 1000);
            assert(w->reset_ms >= 0);
            assert(memchr(w->name, '\0', sizeof(w->name)) != NULL);
        }
    }
    for (size_t i = 0; i < f->model_count; i++)
        assert(f->models[i].id.len > 0 && f->models[i].id.len <= LISTED_ID_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct str providers[] = { STR("antigravity"), STR("codex"), STR("copilot") };
    const struct moment now = { .loop_ms = 1000, .unix_ms = INT64_C(1795251600000) };
    struct str rest = { (const char *)data, size }, answer;
    struct facts_course c;
    struct error why;

    if (size == 0)
        return 0;
    struct upstream *u = made(providers[data[0] % COUNT(providers)]);

    rest = str_drop(rest, 1);
    facts_begin(&c, u, STR(""));
    for (unsigned i = 0; i < QUESTIONS_MAX; i++) {
        (void)str_cut(rest, '\0', &answer, &rest);
        enum facts_next next = facts_take(&c, 200, answer, &now, &why);

        if (next == FACTS_DONE)
            check(&c.facts);
        if (next == FACTS_DONE || next == FACTS_FAIL)
            break;
        assert(i + 1 < QUESTIONS_MAX);
    }
    facts_clear(&c);
    upstream_free(u);
    return 0;
}
