/* simulator/rules.c - a short list for the script and one for each account. */
#include "simulator/rules.h"

#include <stdlib.h>

#include "base/timetext.h"
#include "base/utf8.h"

struct rules *rules_new(void)
{
    struct rules *r = must_calloc(1, sizeof(*r));

    r->models = arena_array(&r->arena, struct str, RULE_MODELS_MAX);
    return r;
}

static void account_free(struct rule_account *account)
{
    arena_free(&account->rules.arena);
    free((char *)(uintptr_t)account->key.at);
    free(account);
}

void rules_free(struct rules *r)
{
    if (r == NULL)
        return;
    for (struct rule_account *a = r->accounts, *next; a != NULL; a = next) {
        next = a->next;
        account_free(a);
    }
    arena_free(&r->script.arena);
    arena_free(&r->arena);
    free(r);
}

/* --- reading -------------------------------------------------------------------------------------
 */

/* Does the line begin with a matcher? `model gpt-*: …` does, `model=x` is a directive. */
static bool has_matchers(struct str line)
{
    static const struct str words[] = { { "account", 7 }, { "model", 5 }, { "wire", 4 } };

    if (str_starts(line, STR("any:")))
        return true;
    for (size_t i = 0; i < COUNT(words); i++)
        if (str_starts(line, words[i]) && line.len > words[i].len &&
            (line.at[words[i].len] == ' ' || line.at[words[i].len] == '\t'))
            return true;
    return false;
}

static enum status matcher_read(struct rule *rule, struct str name, struct str *line,
                                struct arena *a, struct error *e)
{
    struct str value;
    enum wire wire;

    if (str_eq(name, STR("any")))
        return OK;
    if (!directive_take_word(line, ':', a, &value))
        return fail(e, E_SYNTAX, "\"%.*s\" wants a value", STR_ARG(name));
    if (str_eq(name, STR("account"))) {
        rule->account = value;
        rule->any_account = false;
    } else if (str_eq(name, STR("model"))) {
        rule->model = value;
    } else if (!str_eq(name, STR("wire"))) {
        return fail(e, E_SYNTAX, "\"%.*s\" is none of account, model, wire, any", STR_ARG(name));
    } else if (!wire_from_name(value, &wire)) {
        return fail(e, E_SYNTAX, "there is no wire \"%.*s\"", STR_ARG(value));
    } else {
        rule->wire = (int)wire;
    }
    return OK;
}

static enum status rule_read(struct rule *rule, struct str text, struct arena *a, struct error *e)
{
    struct str line = str_trim(text), name;

    *rule = (struct rule){ .text = arena_copy(a, line), .any_account = true, .wire = -1 };
    directives_init(&rule->directives);
    if (utf8_valid(text) != text.len)
        return fail(e, E_SYNTAX, "the text is not valid UTF-8");
    line = rule->text;
    for (bool more = has_matchers(line); more;) {
        enum status st;

        if (!directive_take_word(&line, ':', a, &name))
            return fail(e, E_SYNTAX, "a \":\" was expected in front of the directives");
        st = matcher_read(rule, name, &line, a, e);
        if (st != OK)
            return st;
        line = str_trim(line);
        more = !str_starts(line, STR(":"));
        if (!more)
            line = str_drop(line, 1);
    }
    return directives_read(&rule->directives, line, a, e);
}

static enum status list_add(struct rule_list *list, struct str text, struct error *e)
{
    enum status st;

    if (list->count == RULES_MAX)
        return fail(e, E_LIMIT, "more than %d rules", RULES_MAX);
    if (list->at == NULL)
        list->at = arena_array(&list->arena, struct rule, RULES_MAX);
    st = rule_read(&list->at[list->count], text, &list->arena, e);
    if (st == OK)
        list->count++;
    return st;
}

/* --- accounts ------------------------------------------------------------------------------------
 */

static struct rule_account *account_find(const struct rules *r, struct str key)
{
    struct rule_account *a = r->accounts;

    while (a != NULL && !str_eq(a->key, key))
        a = a->next;
    return a;
}

/* NULL: there are too many, `e` says so. */
static struct rule_account *account_get(struct rules *r, struct str key, struct error *e)
{
    struct rule_account *a = account_find(r, key);
    char *copy;

    if (a == NULL && r->account_count == RULE_ACCOUNTS_MAX) {
        (void)fail(e, E_LIMIT, "more than %d accounts with rules", RULE_ACCOUNTS_MAX);
        return NULL;
    }
    if (a == NULL) {
        a = must_calloc(1, sizeof(*a));
        copy = must_alloc(key.len + 1);
        if (key.len > 0)
            memcpy(copy, key.at, key.len);
        a->key = (struct str){ copy, key.len };
        a->next = r->accounts;
        r->accounts = a;
        r->account_count++;
    }
    return a;
}

enum status rules_set_account(struct rules *r, struct str key, const struct str *texts,
                              uint32_t count, struct error *e)
{
    struct rule_list list = { .count = 0 };
    struct rule_account *account = NULL;
    enum status st = OK;

    for (uint32_t i = 0; i < count && st == OK; i++)
        st = list_add(&list, texts[i], e);
    if (st == OK && (account = account_get(r, key, e)) == NULL)
        st = e->status;
    if (account == NULL) {
        arena_free(&list.arena);
        return st;
    }
    arena_free(&account->rules.arena);
    account->rules = list;
    return OK;
}

enum status rules_set_quota(struct rules *r, struct str key, int64_t requests, int64_t window_ms,
                            struct error *e)
{
    struct rule_account *account;

    if (requests < 0 || (requests > 0 && window_ms <= 0))
        return fail(e, E_SYNTAX, "a quota wants a number of requests and a window above 0");
    account = account_get(r, key, e);
    if (account == NULL)
        return e->status;
    account->quota = (struct quota){ .requests = requests, .window_ms = window_ms };
    return OK;
}

bool rules_forget_account(struct rules *r, struct str key)
{
    for (struct rule_account **at = &r->accounts; *at != NULL; at = &(*at)->next)
        if (str_eq((*at)->key, key)) {
            struct rule_account *gone = *at;

            *at = gone->next;
            r->account_count--;
            account_free(gone);
            return true;
        }
    return false;
}

struct quota_state rules_draw(struct rules *r, struct str account, int64_t now_ms)
{
    struct rule_account *a = account_find(r, account);
    struct quota_state state = { .limit = -1, .remaining = -1 };
    struct quota *q;

    if (a == NULL || a->quota.requests == 0)
        return state;
    q = &a->quota;
    if (q->used == 0 || now_ms - q->began_ms >= q->window_ms) {
        q->began_ms = now_ms;
        q->used = 0;
    }
    state.over = q->used >= q->requests;
    if (!state.over)
        q->used++;
    state.limit = q->requests;
    state.remaining = q->requests - q->used;
    state.reset_in_ms = q->began_ms + q->window_ms - now_ms;
    return state;
}

/* --- picking -------------------------------------------------------------------------------------
 */

static bool rule_matches(const struct rule *rule, struct str account, const struct ask *ask)
{
    if (!rule->any_account && !str_eq(rule->account, account))
        return false;
    if (rule->wire >= 0 && (enum wire)rule->wire != ask->wire)
        return false;
    return rule->model.len == 0 || str_matches(ask->model, rule->model);
}

static const struct directives *list_pick(struct rule_list *list, struct str account,
                                          const struct ask *ask, bool named)
{
    for (uint32_t i = 0; i < list->count; i++) {
        struct rule *rule = &list->at[i];
        struct directives *d = &rule->directives;

        if (d->times == 0 || (named && rule->model.len == 0) || !rule_matches(rule, account, ask))
            continue;
        if (d->after > 0) {
            d->after--;
            continue;
        }
        if (d->times > 0)
            d->times--;
        return d;
    }
    return NULL;
}

static const struct directives *pick(struct rules *r, struct str account, const struct ask *ask,
                                     bool named)
{
    struct rule_account *a = account_find(r, account);
    const struct directives *d = a != NULL ? list_pick(&a->rules, account, ask, named) : NULL;

    return d != NULL ? d : list_pick(&r->script, account, ask, named);
}

const struct directives *rules_pick(struct rules *r, struct str account, const struct ask *ask)
{
    return pick(r, account, ask, false);
}

const struct directives *rules_pick_named(struct rules *r, struct str account,
                                          const struct ask *ask)
{
    return pick(r, account, ask, true);
}

/* --- the script ----------------------------------------------------------------------------------
 */

static enum status models_read(struct rules *r, struct str line, struct error *e)
{
    struct str model;

    r->model_count = 0;
    while (directive_take_word(&line, ' ', &r->arena, &model)) {
        if (r->model_count == RULE_MODELS_MAX)
            return fail(e, E_LIMIT, "more than %d models", RULE_MODELS_MAX);
        r->models[r->model_count++] = model;
    }
    return OK;
}

/* `cache TOKENS SECONDS` */
static enum status cache_read(struct cache_model *cache, struct str line, struct arena *a,
                              struct error *e)
{
    struct str tokens, ttl;
    int64_t n, ms;

    if (!directive_take_word(&line, ' ', a, &tokens) || !str_to_i64(tokens, &n) || n < 0 ||
        !directive_take_word(&line, ' ', a, &ttl) || !duration_read(ttl, &ms))
        return fail(e, E_SYNTAX, "\"cache\" wants the fewest tokens and a time: cache 1024 300s");
    cache_model_set(cache, n, ms);
    return OK;
}

/* `quota KEY REQUESTS TIME` */
static enum status quota_read(struct rules *r, struct str line, struct arena *a, struct error *e)
{
    struct str key, requests, window;
    int64_t n, ms;

    if (!directive_take_word(&line, ' ', a, &key) ||
        !directive_take_word(&line, ' ', a, &requests) ||
        !directive_take_word(&line, ' ', a, &window) || !str_to_i64(requests, &n) ||
        !duration_read(window, &ms))
        return fail(e, E_SYNTAX,
                    "\"quota\" wants a key, a number of requests and a time: quota key1 10 60s");
    return rules_set_quota(r, key, n, ms, e);
}

static enum status line_read(struct rules *r, struct str line, struct cache_model *cache,
                             struct error *e)
{
    struct arena *a = &r->script.arena;
    struct str word, rest = line;

    if (line.len == 0 || line.at[0] == '#')
        return OK;
    if (utf8_valid(line) != line.len)
        return fail(e, E_SYNTAX, "the text is not valid UTF-8");
    if (!directive_take_word(&rest, ':', a, &word))
        return fail(e, E_SYNTAX, "this is neither a rule nor models, cache or quota");
    if (str_eq(word, STR("models")))
        return models_read(r, rest, e);
    if (str_eq(word, STR("cache")))
        return cache_read(cache, rest, a, e);
    if (str_eq(word, STR("quota")))
        return quota_read(r, rest, a, e);
    if (!has_matchers(line))
        return fail(e, E_SYNTAX, "a rule begins with account, model, wire or any");
    return list_add(&r->script, line, e);
}

enum status rules_read_script(struct rules *r, struct str script, struct cache_model *cache,
                              struct error *e)
{
    struct str line, rest = script;
    bool more = script.len > 0;

    for (unsigned number = 1; more; number++) {
        struct error why;
        enum status st;

        more = str_cut(rest, '\n', &line, &rest);
        st = line_read(r, str_trim(line), cache, &why);
        if (st != OK)
            return fail(e, st, "line %u: %s", number, why.text);
    }
    return OK;
}
