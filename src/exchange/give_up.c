/* exchange/give_up.c - the one error that speaks for all accounts that were asked and all that
 * could not be: which class it is, whom it names, and when to come back. */
#include <inttypes.h>

#include "exchange/exchange_int.h"
#include "route/nearest.h"

#define NAMED_MAX 5 /* accounts named in the text of a failure */

/* The names most like the one that nobody offers. */
#define NEAREST 3
struct nearest {
    struct exchange_env *env;
    struct str model;
    struct arena *arena;
    struct {
        struct str name;
        size_t distance;
    } best[NEAREST];
    size_t count;
};

static void consider(struct nearest *n, struct str name)
{
    size_t distance = names_alike(n->model, name), i;

    if (memchr(name.at, '*', name.len) != NULL)
        return;
    for (i = 0; i < n->count; i++)
        if (str_eq(n->best[i].name, name))
            return;
    i = n->count < NEAREST ? n->count++ : NEAREST;
    while (i > 0 && n->best[i - 1].distance > distance) {
        if (i < NEAREST)
            n->best[i] = n->best[i - 1];
        i--;
    }
    if (i < NEAREST) {
        n->best[i].name = arena_copy(n->arena, name);
        n->best[i].distance = distance;
    }
}

static void consider_offered(void *peer, const struct offered_model *m)
{
    consider(peer, m->pattern);
}

/* A name of the user's, as long as somebody would serve it now. */
static void consider_own(struct nearest *n, struct str name)
{
    bool far = n->count == NEAREST && names_alike(n->model, name) >= n->best[NEAREST - 1].distance;

    if (!far && model_is_served(n->env, name, n->arena))
        consider(n, name);
}

/* Flows, account routes and names of the mapping are known, too. */
static void consider_routes(struct nearest *n, const struct route_table *t, bool flows_only)
{
    const struct routing_spec *spec = route_table_spec(t);

    for (size_t i = 0; i < spec->flow_count; i++)
        consider_own(n, spec->flows[i].name);
    for (size_t i = 0; i < spec->account_count && !flows_only; i++)
        consider_own(n, spec->accounts[i].name);
    for (size_t i = 0; i < spec->mapping_count && !flows_only; i++)
        consider_own(n, spec->mapping[i].from);
}

static void say_nearest(const struct nearest *n, struct buf *text)
{
    for (size_t i = 0; i < n->count; i++)
        (void)buf_printf(text, "%s`%.*s`", i == 0 ? "; the nearest known: " : ", ",
                         STR_ARG(n->best[i].name));
}

/* An account's name as clients may see it. */
static void say_account(const struct exchange *x, struct str label, struct buf *text)
{
    if (x->rules->privacy)
        (void)buf_printf(text, "%.*s***", label.len > 0 ? 1 : 0, label.at);
    else
        (void)buf_add(text, label);
}

/* Why nobody along the route can serve this. */
static void say_route(const struct exchange *x, struct buf *text)
{
    const struct route_found *found = &x->walk->found;
    const char *what = found->route->by == PICK_FLOW ? "the flow" : "the account route of";
    uint32_t named = 0;

    if (x->walk->step_count == 0) {
        (void)buf_printf(text, "%s %s `%.*s`%s",
                         found->route->step_count > 0 ? "no entry of" : "there are no entries in",
                         what, STR_ARG(found->route->name),
                         found->route->step_count > 0 ? " is for a request like this one" : "");
        return;
    }
    (void)buf_printf(text, "%s `%.*s` leads to no account that can be used", what,
                     STR_ARG(found->route->name));
    for (size_t i = 0; i < x->walk->step_count && named < NAMED_MAX; i++) {
        const struct route_step *step = x->walk->steps[i];
        struct account_view v;

        if (step->account.len == 0)
            continue;
        (void)buf_add(text, named++ == 0 ? STR(" (") : STR(", "));
        say_account(x, step->account, text);
        if (!pool_find(x->env->pool, step->account, loop_now(x->env->loop), &v))
            (void)buf_add(text, STR(": there is no such account"));
        else
            (void)buf_printf(text, ": %s",
                             skip_text(v.disabled         ? SKIP_DISABLED
                                       : v.proxy_disabled ? SKIP_PROXY_DISABLED
                                                          : SKIP_NO_MODEL));
    }
    if (named > 0)
        (void)buf_add(text, STR(")"));
}

static void refuse_model(struct exchange *x)
{
    const struct walk *w = x->walk;
    bool no_flow = w != NULL && w->found.unknown_flow;
    struct nearest n = { .env = x->env,
                         .model = no_flow ? str_drop(x->mapped, ROUTE_PREFIX.len) : x->mapped,
                         .arena = &x->r->arena };
    uint32_t off = x->pick->skipped[SKIP_DISABLED] + x->pick->skipped[SKIP_PROXY_DISABLED];
    struct buf text;

    buf_init(&text, FAULT_TEXT_MAX);
    consider_routes(&n, x->rules->routes, no_flow);
    if (no_flow) {
        (void)buf_printf(&text, "there is no flow `%.*s`", STR_ARG(n.model));
        say_nearest(&n, &text);
    } else if (w != NULL) {
        say_route(x, &text);
    } else {
        pool_each_model(x->env->pool, consider_offered, &n);
        (void)buf_printf(&text, "no account offers the model `%.*s`", STR_ARG(x->mapped));
        say_nearest(&n, &text);
        if (off > 0)
            (void)buf_printf(&text, "; %u account%s switched off", off, off == 1 ? " is" : "s are");
    }
    reply_fault(x,
                &(struct fault){ .class = FAULT_NO_ROUTE,
                                 .message = arena_copy(&x->r->arena, buf_str(&text)),
                                 .param = STR("model") },
                ENDING_MODEL_UNKNOWN);
    buf_clear(&text);
}

/* Which class of error speaks for all that was tried and all that could not be tried. */
static enum fault_class class_of_failure(const struct exchange *x)
{
    const uint32_t *seen = x->verdicts;

    if (seen[VERDICT_RATE_LIMITED] > 0)
        return FAULT_RATE_LIMITED;
    if (x->pick->locked_rate > 0)
        return FAULT_RATE_LIMITED;
    if (seen[VERDICT_QUOTA_EXHAUSTED] > 0 || x->pick->locked_quota > 0 ||
        x->pick->skipped[SKIP_RESERVE] > 0 || x->pick->skipped[SKIP_PROTECTED] > 0)
        return FAULT_QUOTA;
    if (seen[VERDICT_CAPACITY] > 0)
        return FAULT_OVERLOADED;
    if (seen[VERDICT_TIMEOUT] > 0)
        return FAULT_TIMEOUT;
    if (seen[VERDICT_SERVER_ERROR] > 0 || seen[VERDICT_NETWORK] > 0)
        return FAULT_SERVER;
    if (seen[VERDICT_FORBIDDEN] > 0 || seen[VERDICT_NEEDS_ACTION] > 0)
        return FAULT_FORBIDDEN;
    if (seen[VERDICT_MODEL_MISSING] > 0)
        return FAULT_MODEL_MISSING;
    if (seen[VERDICT_AUTH_INVALID] > 0 || seen[VERDICT_AUTH_EXPIRED] > 0 ||
        x->pick->locked_auth > 0)
        return FAULT_UPSTREAM_AUTH;
    if (x->pick->skipped[SKIP_BUSY] > 0)
        return FAULT_RATE_LIMITED;
    return FAULT_OVERLOADED;
}

/* What its last attempt in this exchange came to; VERDICT_NONE: it was not asked, or that is not
 * kept. */
static enum verdict_kind attempted(const struct exchange *x, int64_t account)
{
    enum verdict_kind kind = VERDICT_NONE;

    for (uint32_t i = 0; i < attempts_kept(x); i++)
        if (x->attempts[i].account_id == account)
            kind = x->attempts[i].verdict;
    return kind;
}

static void name_account(const struct exchange *x, const struct pick_passed *p, int64_t now_ms,
                         struct buf *text)
{
    enum verdict_kind kind = attempted(x, p->id);
    struct str label = str_c(p->label);

    if (kind == VERDICT_NONE && (p->why == SKIP_LOCKED_OUT || p->why == SKIP_DISABLED))
        kind = p->verdict;
    say_account(x, label, text);
    (void)buf_printf(text, ": %s", kind != VERDICT_NONE ? verdict_word(kind) : skip_word(p->why));
    if (p->until_ms > now_ms)
        (void)buf_printf(text, " for %" PRId64 " s", (p->until_ms - now_ms + 999) / 1000);
}

static void name_accounts(const struct exchange *x, int64_t now_ms, struct buf *text)
{
    const struct pick *p = x->pick;
    uint32_t named = 0;

    for (; named < p->passed_count && named < PICK_PASSED_MAX && named < NAMED_MAX; named++) {
        (void)buf_add(text, named == 0 ? STR(" (") : STR(", "));
        name_account(x, &p->passed[named], now_ms, text);
    }
    if (p->passed_count > named)
        (void)buf_printf(text, " and %u more", p->passed_count - named);
    if (named > 0)
        (void)buf_add(text, STR(")"));
}

/* A server error keeps the status that tells most: what the provider itself said, if it is one of
 * ours. */
static int status_of_failure(const struct exchange *x, enum fault_class class)
{
    if (class == FAULT_SERVER && x->last.kind == VERDICT_SERVER_ERROR &&
        (x->last.status == 503 || x->last.status == 504))
        return x->last.status;
    if (class == FAULT_OVERLOADED && x->target.protocol == WIRE_ANTHROPIC && x->last.status == 503)
        return 503;
    return 0;
}

void exchange_give_up(struct exchange *x)
{
    static const char *const texts[FAULT_CLASSES] = {
        [FAULT_RATE_LIMITED] = "every account that offers this model is at its limit",
        [FAULT_QUOTA] = "the quota of every account that offers this model is used up",
        [FAULT_OVERLOADED] = "no account that offers this model has capacity now",
        [FAULT_TIMEOUT] = "the provider did not answer in time",
        [FAULT_SERVER] = "the provider failed",
        [FAULT_FORBIDDEN] = "the provider refuses this to every account that was asked",
        [FAULT_MODEL_MISSING] = "the provider does not know this model",
        [FAULT_UPSTREAM_AUTH] = "every account that offers this model needs a new credential",
    };
    enum fault_class class = class_of_failure(x);
    int64_t now_ms = loop_now(x->env->loop), retry_s = 0;
    struct buf text;

    if (x->refused && x->attempt_count == 0) {
        /* every account that could be asked speaks a wire that cannot say this */
        reply_complaint(x, &x->refusal);
        return;
    }
    bool compacts = x->target.ask == ASK_COMPACT;

    if (x->pick->offering == 0 && (embedding_is(x) || media_is(x) || compacts) &&
        embedding_lacks(x)) {
        reply_fault(
            x,
            &(struct fault){
                .class = FAULT_UNSUPPORTED,
                .message =
                    compacts
                        ? STR("no account that offers this model can make a conversation shorter")
                    : media_is(x) ? STR("no account that offers this model takes this call")
                                  : STR("no account that offers this model has embeddings"),
                .param = STR("model") },
            ENDING_REQUEST_WRONG);
        return;
    }
    if (x->pick->offering == 0 && x->attempt_count == 0) {
        refuse_model(x);
        return;
    }
    if (x->pick->retry_at_ms != INT64_MAX && x->pick->retry_at_ms > now_ms)
        retry_s = (x->pick->retry_at_ms - now_ms + 999) / 1000;
    if (retry_s > 86400)
        retry_s = 86400;
    if (class != FAULT_RATE_LIMITED && class != FAULT_QUOTA && class != FAULT_OVERLOADED &&
        class != FAULT_SERVER)
        retry_s = 0;
    else if (retry_s == 0 && class != FAULT_SERVER)
        retry_s = 1;
    buf_init(&text, FAULT_TEXT_MAX);
    (void)buf_add(&text, str_c(texts[class]));
    name_accounts(x, now_ms, &text);
    (void)buf_add(&text, STR("."));
    if (retry_s > 0)
        (void)buf_printf(&text, " Please try again in %" PRId64 "s.", retry_s);
    if (x->words.message.len > 0 && class != FAULT_RATE_LIMITED)
        (void)buf_printf(&text, " The provider said: %.*s", STR_ARG(x->words.message));
    reply_fault(x,
                &(struct fault){ .class = class,
                                 .status = status_of_failure(x, class),
                                 .message = arena_copy(&x->r->arena, buf_str(&text)),
                                 .retry_after_s = retry_s },
                x->attempt_count > 0 ? ENDING_UPSTREAM_FAILED : ENDING_NOBODY_FREE);
    buf_clear(&text);
}
