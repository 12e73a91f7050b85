#include "play.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/settings.h"

bool play_fail(struct play *p, const char *format, ...)
{
    char text[1500];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (!p->failed) /* the first reason is the one */
        p->why = arena_printf(&p->arena, "%s:%zu: %s", p->path, p->line, text);
    p->failed = true;
    return false;
}

/* --- the beginning: accounts and settings */

static void put_account(struct play *p, struct str provider, struct str label, struct words *w)
{
    struct buf *b = &p->accounts;
    bool openai = str_eq(provider, STR("openai")) || str_eq(provider, STR("compatible"));
    struct str value;

    (void)buf_printf(b,
                     "%s{\"label\":\"%.*s\",\"provider\":\"%.*s\",\"api_key\":\"key-%.*s\","
                     "\"base_url\":\"http://%.*s.test:9000%s\"",
                     b->len > 0 ? "," : "", STR_ARG(label), STR_ARG(provider), STR_ARG(label),
                     STR_ARG(label), openai ? "/v1" : "");
    while (w != NULL && w->next < w->count) {
        if (word_value(w, "tier", &value))
            (void)buf_printf(b, ",\"tier\":\"%.*s\"", STR_ARG(value));
        else if (word_value(w, "wire", &value))
            (void)buf_printf(b, ",\"wire\":\"%.*s\"", STR_ARG(value));
        else if (word_value(w, "max_concurrency", &value))
            (void)buf_printf(b, ",\"max_concurrency\":%.*s", STR_ARG(value));
        else if (word_value(w, "model", &value))
            (void)buf_printf(b, ",\"models\":[\"%.*s\"]", STR_ARG(value));
        else if (word_is(w, "disabled"))
            (void)buf_add(b, STR(",\"disabled\":true"));
        else if (word_is(w, "proxy_disabled"))
            (void)buf_add(b, STR(",\"proxy_disabled\":true"));
        else if (word_value(w, "group", &value) && p->grouped_count < NAMES_MAX)
            p->grouped[p->grouped_count++] =
                (struct grouped){ arena_copy(&p->arena, label), arena_copy(&p->arena, value) };
        else
            (void)play_fail(p, "an account has no `%.*s`", STR_ARG(word_next(w)));
    }
    (void)buf_add(b, STR("}"));
}

/* `accounts PROVIDER: NAME…`, or `accounts PROVIDER NAME=VALUE…: NAME…` for all of them. */
static bool do_accounts(struct play *p, struct words *subject, struct str what)
{
    struct words names;
    struct str provider = word_next(subject);
    size_t options = subject->next;

    if (p->gate != NULL)
        return play_fail(p, "accounts stand in front of all that happens");
    words_split(&p->arena, what, &names);
    while (names.next < names.count) {
        subject->next = options;
        put_account(p, provider, word_next(&names), subject);
    }
    return !p->failed;
}

/* The whole file: accounts and settings. */
static void whole_settings(struct play *p, struct buf *all)
{
    struct str inside = str_trim(buf_str(&p->settings));

    buf_init(all, SETTINGS_BYTES_MAX);
    inside = str_drop_last(str_drop(inside, 1), 1);
    (void)(buf_add(all, STR("{\"accounts\":[")) && buf_add(all, buf_str(&p->accounts)) &&
           buf_add(all, STR("]")) && buf_add(all, str_trim(inside).len > 0 ? STR(",") : STR("")) &&
           buf_add(all, inside) && buf_add(all, STR("}")));
}

/* `setting PATH: JSON`, at the beginning or later: then it is an edit of the file. */
static bool do_setting(struct play *p, struct words *subject, struct str what)
{
    struct settings_fault fault;
    const char *why = NULL;
    struct buf out;

    buf_init(&out, SETTINGS_BYTES_MAX);
    if (settings_edit(buf_str(&p->settings), word_next(subject), str_trim(what), &out, &fault) !=
        OK) {
        buf_clear(&out);
        return play_fail(p, "%s", fault.text);
    }
    p->settings.len = 0;
    (void)buf_add(&p->settings, buf_str(&out));
    buf_clear(&out);
    if (p->gate == NULL)
        return true;
    whole_settings(p, &out);
    bool good = gate_edit(p->gate, buf_str(&out), &why);
    buf_clear(&out);
    return good || play_fail(p, "the settings are wrong: %s", why);
}

static bool start(struct play *p)
{
    const char *why = NULL;
    struct buf all;

    if (p->gate != NULL)
        return true;
    whole_settings(p, &all);
    p->gate = gate_new(buf_str(&all), &why);
    buf_clear(&all);
    if (p->gate == NULL)
        return play_fail(p, "the settings are wrong: %s", why);
    for (size_t i = 0; i < p->grouped_count; i++) {
        struct str (*group)(struct str model) = NULL;

        if (!pool_group_named(p->grouped[i].group, &group))
            return play_fail(p, "no provider has the groups `%.*s`", STR_ARG(p->grouped[i].group));
        gate_group(p->gate, gate_account(p->gate, p->grouped[i].label), group);
    }
    return true;
}

/* --- actors */

struct actor *actor_find(struct play *p, struct str name)
{
    for (size_t i = 0; i < p->actor_count && name.len > 0; i++)
        if (str_eq(p->actors[i].name, name))
            return &p->actors[i];
    return NULL;
}

struct actor *actor_new(struct play *p, struct str name)
{
    if (p->actor_count == NAMES_MAX) {
        play_fail(p, "there are too many names");
        return NULL;
    }
    struct actor *a = &p->actors[p->actor_count++];

    *a = (struct actor){ .name = arena_copy(&p->arena, name) };
    return a;
}

/* --- the others */

static struct gate_account *account_named(struct play *p, struct str name)
{
    struct gate_account *a = gate_account(p->gate, name);

    if (a == NULL)
        play_fail(p, "there is no account `%.*s`", STR_ARG(name));
    return a;
}

static bool network_clause(struct play *p, struct str name, struct words *w)
{
    struct gate_account *a = account_named(p, name);

    if (a == NULL)
        return false;
    if (word_is(w, "refused"))
        sim_set_reach(&a->at, SIM_REFUSED);
    else if (word_is(w, "silent"))
        sim_set_reach(&a->at, SIM_SILENT);
    else if (word_is(w, "open"))
        sim_set_reach(&a->at, SIM_OPEN);
    else if (word_is(w, "unknown"))
        sim_set_name(a->host, NULL, 0, 0);
    else if (word_is(w, "unnamed"))
        sim_set_name(a->host, &a->at, 1, SIM_NEVER);
    else if (word_is(w, "named"))
        sim_set_name(a->host, &a->at, 1, 0);
    else
        return play_fail(p, "the network is never `%.*s`", STR_ARG(word_next(w)));
    return true;
}

static struct str verdicts_text(struct play *p, const struct access_record *r)
{
    struct buf b;

    buf_init(&b, 4096);
    for (uint32_t i = 0; i < r->attempts_kept; i++)
        (void)buf_printf(&b, "%s%s", i > 0 ? "," : "", verdict_word(r->attempts[i].verdict));
    struct str out = arena_copy(&p->gate->arena, buf_str(&b));
    buf_clear(&b);
    return out;
}

/* The next access record, in the order in which exchanges ended. */
static bool record_clause(struct play *p, struct words *w, const struct access_record *r)
{
    struct str value;
    uint64_t n;
    int64_t ms;

    (void)word_is(w, "expect");
    while (w->next < w->count) {
        if (word_value(w, "ending", &value)) {
            if (!str_eq(value, str_c(ending_word(r->ending))))
                return play_fail(p, "the ending is %s", ending_word(r->ending));
        } else if (word_value(w, "phase", &value)) {
            if (!str_eq(value, str_c(r->phase)))
                return play_fail(p, "the phase is %s", r->phase);
        } else if (word_value(w, "status", &value)) {
            if (!number_read(value, &n) || r->status != (int)n)
                return play_fail(p, "the status is %d", r->status);
        } else if (word_value(w, "attempts", &value)) {
            if (!number_read(value, &n) || r->attempt_count != n)
                return play_fail(p, "there were %u attempts", r->attempt_count);
        } else if (word_value(w, "account", &value)) {
            if (!str_eq(value, r->account))
                return play_fail(p, "the account is %.*s", STR_ARG(r->account));
        } else if (word_value(w, "verdicts", &value)) {
            struct str got = verdicts_text(p, r);

            if (!str_eq(value, got))
                return play_fail(p, "the verdicts are %.*s", STR_ARG(got));
        } else if (word_value(w, "tokens", &value)) {
            struct str got =
                arena_printf(&p->gate->arena, "%" PRId64 "/%" PRId64, r->usage.in, r->usage.out);

            if (!str_eq(value, got))
                return play_fail(p, "the tokens are %.*s", STR_ARG(got));
        } else if (word_value(w, "first_byte", &value)) {
            if (!time_read(value, &ms) || r->first_byte_ms != ms)
                return play_fail(p, "the first byte came after %" PRId64 " ms", r->first_byte_ms);
        } else if (word_value(w, "duration", &value)) {
            if (!time_read(value, &ms) || r->duration_ms != ms)
                return play_fail(p, "it took %" PRId64 " ms", r->duration_ms);
        } else {
            return play_fail(p, "a record has no `%.*s`", STR_ARG(word_next(w)));
        }
    }
    return true;
}

static bool count_find(const void *counters, const struct metric_name *names, size_t count,
                       struct str name, uint64_t *n)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(str_c(names[i].name), name)) {
            *n = count_read((const struct counter *)counters + i);
            return true;
        }
    return false;
}

static bool metric_clause(struct play *p, struct words *w)
{
    const struct worker *k = &p->gate->worker;
    struct str name, value;
    uint64_t n, want;

    (void)word_is(w, "expect");
    while (w->next < w->count) {
        if (!str_cut(word_next(w), '=', &name, &value) || !number_read(value, &want))
            return play_fail(p, "`NAME=NUMBER` is wanted");
        if (!count_find(&k->server_metrics, server_metrics_names, COUNT(server_metrics_names), name,
                        &n) &&
            !count_find(&k->client_metrics, client_metrics_names, COUNT(client_metrics_names), name,
                        &n) &&
            !count_find(&k->exchange_metrics, exchange_metrics_names, COUNT(exchange_metrics_names),
                        name, &n))
            return play_fail(p, "there is no metric `%.*s`", STR_ARG(name));
        if (n != want)
            return play_fail(p, "%.*s is %" PRIu64, STR_ARG(name), n);
    }
    return true;
}

static bool gateway_clause(struct play *p, struct words *w)
{
    struct str value;
    int64_t ms;

    if (word_value(w, "drains", &value) && time_read(value, &ms)) {
        gate_drain(p->gate, ms);
        return true;
    }
    (void)word_is(w, "expect");
    if (word_is(w, "drained"))
        return p->gate->drained || play_fail(p, "the worker is not drained");
    if (word_is(w, "draining"))
        return !p->gate->drained || play_fail(p, "the worker is drained already");
    return play_fail(p, "the gateway does no `%.*s`", STR_ARG(word_next(w)));
}

/* --- a line */

static bool do_clauses(struct play *p, struct words *subject, struct str what)
{
    struct str who = word_next(subject), name = word_next(subject), clause;
    const struct access_record *record = NULL;
    struct actor *actor = NULL;
    struct words w;

    if (str_eq(who, STR("client"))) {
        actor = actor_find(p, name);
        if (actor == NULL)
            actor = actor_new(p, name);
    } else if (str_eq(who, STR("upstream"))) {
        if (str_eq(str_trim(what), STR("expect nothing")))
            return p->gate->call_taken == p->gate->call_count ||
                   play_fail(p, "the upstream of %.*s was asked",
                             STR_ARG(p->gate->calls[p->gate->call_taken]->account->label));
        actor = call_of_line(p, name);
        if (actor == NULL)
            return false;
    } else if (str_eq(who, STR("record"))) {
        if (str_eq(str_trim(what), STR("expect nothing")))
            return p->records_read == p->gate->record_count ||
                   play_fail(p, "an exchange has ended");
        if (p->records_read == p->gate->record_count)
            return play_fail(p, "no exchange has ended");
        record = p->gate->records[p->records_read++];
    }
    while (clause_next(&what, &clause)) {
        bool good;

        words_split(&p->arena, clause, &w);
        if (str_eq(who, STR("client")))
            good = client_clause(p, actor, &w);
        else if (str_eq(who, STR("upstream")))
            good = upstream_clause(p, actor, &w);
        else if (str_eq(who, STR("network")))
            good = network_clause(p, name, &w);
        else if (str_eq(who, STR("pool")))
            good = pool_clause(p, &w);
        else if (str_eq(who, STR("record")))
            good = record_clause(p, &w, record);
        else if (str_eq(who, STR("metrics")))
            good = metric_clause(p, &w);
        else if (str_eq(who, STR("gateway")))
            good = gateway_clause(p, &w);
        else
            return play_fail(p, "nobody is called `%.*s`", STR_ARG(who));
        if (!good)
            return false;
        if (w.next < w.count)
            return play_fail(p, "`%.*s` is not understood", STR_ARG(w.at[w.next]));
    }
    return true;
}

static bool do_line(struct play *p, struct str line)
{
    struct str subject, what;
    struct words w;
    uint64_t times = 1;
    int64_t ms;

    line = str_trim(line);
    if (line.len == 0 || line.at[0] == '#')
        return true;
    if (str_starts(line, STR("wait "))) {
        if (!start(p))
            return false;
        if (!time_read(str_trim(str_drop(line, 5)), &ms))
            return play_fail(p, "`wait 5s`, `wait 500ms`");
        gate_wait(p->gate, ms);
        return true;
    }
    if (!str_cut(line, ':', &subject, &what))
        return play_fail(p, "`who: what`");
    words_split(&p->arena, subject, &w);
    if (word_is(&w, "accounts"))
        return do_accounts(p, &w, what);
    if (word_is(&w, "setting"))
        return do_setting(p, &w, what);
    if (word_is(&w, "repeat") && !number_read(word_next(&w), &times))
        return play_fail(p, "`repeat NUMBER who: what`");
    if (!start(p))
        return false;
    for (size_t from = w.next; times > 0; times--) {
        w.next = from;
        if (!do_clauses(p, &w, str_trim(what)))
            return false;
        gate_run(p->gate);
    }
    return true;
}

/* --- a script */

bool play(const char *path, struct str text, uint64_t seed, uint64_t *digest)
{
    struct play *p = must_calloc(1, sizeof(*p));
    struct str rest = text, line, why;

    *p = (struct play){ .path = path, .seed = seed };
    buf_init(&p->accounts, SETTINGS_BYTES_MAX);
    buf_init(&p->settings, SETTINGS_BYTES_MAX);
    (void)buf_add(&p->settings, STR("{}"));
    sim_world_new(seed);
    while (rest.len > 0 && !p->failed) {
        (void)str_cut(rest, '\n', &line, &rest);
        p->line++;
        (void)do_line(p, line);
    }
    if (p->gate != NULL && p->failed) {
        /* the rest was not played: nothing can be said of the end */
        if (!gate_end(p->gate, digest, &why, &p->arena))
            *digest = 0;
    } else if (p->gate != NULL && !gate_end(p->gate, digest, &why, &p->arena)) {
        (void)play_fail(p, "%.*s", STR_ARG(why));
    }
    if (p->gate == NULL)
        sim_world_free();

    bool good = !p->failed;
    if (!good) {
        printf("  (seed %" PRIu64 ") ", seed);
        fwrite(p->why.at, 1, p->why.len, stdout);
        printf("\n");
    }
    buf_clear(&p->accounts);
    buf_clear(&p->settings);
    arena_free(&p->arena);
    free(p);
    return good;
}
