#include "exchange/explain.h"

#include "base/timetext.h"

#define LINE_MAX 2048

struct explainer {
    const struct access_record *r;
    struct buf text; /* the sentence being made; what does not fit is left out */
    void (*line)(void *peer, struct str text);
    void *peer;
};

static void say(struct explainer *e, struct str text)
{
    (void)buf_add(&e->text, text);
}

static void say_c(struct explainer *e, const char *text)
{
    say(e, str_c(text));
}

static void say_quoted(struct explainer *e, struct str name)
{
    say_c(e, "`");
    say(e, name);
    say_c(e, "`");
}

static void say_time(struct explainer *e, int64_t ms)
{
    (void)duration_put(&e->text, ms);
}

static void say_count(struct explainer *e, int64_t n, const char *one, const char *many)
{
    (void)buf_printf(&e->text, "%lld %s", (long long)n, n == 1 ? one : many);
}

static void end_line(struct explainer *e)
{
    say_c(e, ".");
    e->line(e->peer, buf_str(&e->text));
    e->text.len = 0;
}

/* --- what was asked */

static void explain_request(struct explainer *e)
{
    const struct access_record *r = e->r;

    say(e, r->protocol);
    if (r->model.len > 0) {
        say_c(e, r->stream ? " stream of model " : " request for model ");
        say_quoted(e, r->model);
    } else {
        say_c(e, " request");
    }
    if (r->mapped_model.len > 0 && !str_eq(r->model, r->mapped_model)) {
        say_c(e, ", mapped to ");
        say_quoted(e, r->mapped_model);
    }
    if (r->session.len > 0) {
        say_c(e, ", conversation ");
        say(e, r->session);
    } else {
        say_c(e, ", of no known conversation");
    }
    if (r->client_key.len > 0) {
        say_c(e, ", with the client key ");
        say_quoted(e, r->client_key);
    }
    end_line(e);
}

/* --- how an account was found */

/* `moment_ms` is when the search was made. */
static void say_passed(struct explainer *e, const struct pick_passed *who, int64_t moment_ms)
{
    say_quoted(e, str_c(who->label));
    say_c(e, " ");
    say_c(e, skip_text(who->why));
    say_c(e, " (");
    say_c(e, skip_word(who->why));
    if (who->verdict != VERDICT_NONE)
        (void)buf_printf(&e->text, ": %s", verdict_word(who->verdict));
    if (who->until_ms > moment_ms) {
        say_c(e, ", for another ");
        say_time(e, who->until_ms - moment_ms);
    }
    say_c(e, ")");
}

static void explain_passed(struct explainer *e, const struct pick *p, int64_t moment_ms)
{
    uint32_t named = p->passed_count < PICK_PASSED_MAX ? p->passed_count : PICK_PASSED_MAX;

    for (uint32_t i = 0; i < named; i++) {
        say_c(e, i == 0 ? "Passed over: " : "; ");
        say_passed(e, &p->passed[i], moment_ms);
    }
    if (p->passed_count > named)
        (void)buf_printf(&e->text, "; and %u more", p->passed_count - named);
    if (named > 0)
        end_line(e);
}

/* What stands above the order, unless it decided: then the reason tells. */
static void explain_layer(struct explainer *e, const char *what, const struct pick_layer *l)
{
    if (l->fate == LAYER_ABSENT || l->fate == LAYER_TAKEN)
        return;
    say_c(e, what);
    say_c(e, " ");
    say_quoted(e, str_c(l->label));
    say_c(e, ": ");
    say_c(e, layer_fate_text(l->fate));
    if (l->why != SKIP_NONE) {
        say_c(e, "; it ");
        say_c(e, skip_text(l->why));
        (void)buf_printf(&e->text, " (%s)", skip_word(l->why));
    }
    end_line(e);
}

static void explain_layers(struct explainer *e, const struct pick *p)
{
    explain_layer(e, "The fixed account is", &p->fixed);
    explain_layer(e, "The conversation is bound to", &p->bound);
    explain_layer(e, "The account that served last is", &p->recent);
}

static void explain_skipped(struct explainer *e, const struct pick *p)
{
    uint32_t said = 0;

    for (unsigned i = 0; i < SKIPS; i++) {
        if (i == SKIP_NONE || p->skipped[i] == 0)
            continue;
        (void)buf_printf(&e->text, "%s%u %s",
                         said++ == 0 ? "Accounts that could not be used: " : ", ", p->skipped[i],
                         skip_word((enum skip)i));
    }
    if (said > 0)
        end_line(e);
}

/* `before`: the attempt before it; NULL: none, or it was not kept. */
static void explain_pick(struct explainer *e, const struct access_attempt *a,
                         const struct access_attempt *before)
{
    bool once_more = before != NULL && strcmp(before->label, a->label) == 0;

    if (a->waited_ms > 0) {
        say_c(e, "It waited ");
        say_time(e, a->waited_ms);
        end_line(e);
    }
    (void)buf_printf(&e->text, "Attempt %u went to ", a->number);
    say_quoted(e, str_c(a->label));
    say_c(e, " (");
    say(e, a->provider);
    say_c(e, "): ");
    say_c(e, once_more ? "the same account once more" : pick_reason_text(a->pick->reason));
    (void)buf_printf(&e->text, " (%s)", pick_reason_word(a->pick->reason));
    if (a->pick->probe)
        say_c(e, ", as the one request that probes its lockout");
    end_line(e);
    explain_layers(e, a->pick);
    explain_passed(e, a->pick, a->started_ms);
}

/* --- what came of it */

static void say_usage(struct explainer *e, const struct usage *u)
{
    if (u->in >= 0) {
        say_c(e, ", ");
        say_count(e, u->in, "prompt token", "prompt tokens");
        if (u->cache_read >= 0 && u->in > 0)
            (void)buf_printf(&e->text, " (%lld %% of them from the cache)",
                             (long long)(u->cache_read * 100 / u->in));
    }
    if (u->out >= 0) {
        say_c(e, ", ");
        say_count(e, u->out, "token generated", "tokens generated");
    }
}

static void explain_outcome(struct explainer *e, const struct access_attempt *a)
{
    say_c(e, "After ");
    say_time(e, a->duration_ms);
    say_c(e, ": ");
    say_c(e, verdict_text(a->verdict));
    (void)buf_printf(&e->text, " (%s", verdict_word(a->verdict));
    if (a->status > 0)
        (void)buf_printf(&e->text, ", status %d", a->status);
    say_c(e, ")");
    if (a->number == e->r->broke_attempt) {
        say_c(e, ": ");
        say(e, e->r->broke);
    }
    say_usage(e, &a->usage);
    if (a->delay_ms >= 0) {
        say_c(e, "; the provider asked for ");
        say_time(e, a->delay_ms);
    }
    if (a->locks.scope != NULL) {
        say_c(e, "; ");
        say_quoted(e, str_c(a->label));
        (void)buf_printf(&e->text, " is locked out (%s) ", a->locks.scope);
        if (a->locks.until_ms == INT64_MAX) {
            say_c(e, "until somebody acts");
        } else {
            say_c(e, "for ");
            say_time(e, a->locks.until_ms - a->started_ms - a->duration_ms);
        }
    }
    end_line(e);
}

static void explain_nobody(struct explainer *e)
{
    const struct pick *p = e->r->nobody;
    int64_t ended_ms = e->r->started_ms + e->r->duration_ms;

    say_c(e, "Then nobody was free");
    if (p->retry_at_ms != INT64_MAX && p->retry_at_ms > ended_ms) {
        say_c(e, "; the first account that is locked out is free again ");
        say_time(e, p->retry_at_ms - ended_ms);
        say_c(e, " later");
    }
    end_line(e);
    explain_layers(e, p);
    explain_skipped(e, p);
    explain_passed(e, p, ended_ms);
}

static void explain_end(struct explainer *e)
{
    const struct access_record *r = e->r;

    if (r->status > 0)
        (void)buf_printf(&e->text, "The client got status %d; after ", r->status);
    else
        say_c(e, "The client got nothing; after ");
    say_time(e, r->duration_ms);
    say_c(e, " it ended: ");
    say_c(e, ending_text(r->ending));
    (void)buf_printf(&e->text, " (%s)", ending_word(r->ending));
    end_line(e);
}

void pick_explain(const struct pick *p, int64_t moment_ms,
                  void (*line)(void *peer, struct str text), void *peer)
{
    struct explainer e = { .line = line, .peer = peer };

    buf_init(&e.text, LINE_MAX);
    explain_layers(&e, p);
    if (p->reason == PICK_NONE)
        explain_skipped(&e, p);
    explain_passed(&e, p, moment_ms);
    buf_clear(&e.text);
}

void access_explain(const struct access_record *r, void (*line)(void *peer, struct str text),
                    void *peer)
{
    struct explainer e = { .r = r, .line = line, .peer = peer };

    buf_init(&e.text, LINE_MAX);
    explain_request(&e);
    for (uint32_t i = 0; i < r->attempts_kept; i++) {
        const struct access_attempt *a = &r->attempts[i], *before = i > 0 ? a - 1 : NULL;

        if (before != NULL && a->number > before->number + 1) {
            say_count(&e, a->number - before->number - 1, "attempt was", "attempts were");
            before = NULL;
            say_c(&e, " made here and not kept one by one");
            end_line(&e);
        }
        explain_pick(&e, a, before);
        explain_outcome(&e, a);
    }
    if (r->nobody != NULL)
        explain_nobody(&e);
    explain_end(&e);
    buf_clear(&e.text);
}
