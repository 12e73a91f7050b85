/* tests/sim/scenario.c - plays the scripts of tests/sim/scenarios against the gateway.
 *
 * A script is a sentence (its first line, a comment) and lines `who: what, what, …`, played one
 * after the other; behind each of them the world runs until nothing happens without time passing.
 * The language is in scenarios/README.md. Every script is played with the seeds 1 to 20 (or the one
 * of PENSTOCK_TEST_SEED), each twice: the same seed must give the same run, byte for byte. Behind
 * its last line all clients leave, and gate_end() checks what holds at the end of every run.
 *
 *     PROGRAM [WORD…]    only scripts whose name holds one of the words */
#include <dirent.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/settings.h"
#include "gate.h"

#define SEEDS 20
#define SCRIPTS_MAX 512
#define LINES_MAX 400
#define WORDS_MAX 100
#define NAMES_MAX 32
#define REQUESTS_MAX 16 /* of one client */

/* --- what is played */

/* A request of a client, as far as its answer must be known. */
struct asked {
    enum wire wire;
    bool stream, json_array;
    struct str model;
};

struct actor { /* a client or the call of an upstream, by its name in the script */
    struct str name;
    struct gate_client *client;
    struct asked asked[REQUESTS_MAX];
    size_t asked_count, current;
    bool is_read;        /* the current answer was complete when it was last looked at */
    struct str unsent;   /* rest of a request */
    struct gate_call *call;
    struct canned answer;
    size_t next_event;
    bool streaming;
    bool in_pieces;
};

struct play {
    const char *path;
    struct str text;
    size_t line;
    uint64_t seed;
    struct arena arena;
    struct buf accounts; /* JSON, before the gate is made */
    struct buf settings;
    struct gate *gate;
    struct actor actors[NAMES_MAX];
    size_t actor_count;
    size_t records_read;
    struct actor *nameless; /* the last call without a name */
    bool failed;
    struct str why;
};

__attribute__((format(printf, 2, 3))) static bool play_fail(struct play *p, const char *format, ...)
{
    char text[1500];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (!p->failed)
        p->why = arena_printf(&p->arena, "%s:%zu: ", p->path, p->line);
    if (!p->failed) {
        struct str words = arena_copy(&p->arena, str_c(text));
        char *at = arena_alloc(&p->arena, p->why.len + words.len + 1);

        memcpy(at, p->why.at, p->why.len);
        memcpy(at + p->why.len, words.at, words.len);
        p->why = (struct str){ at, p->why.len + words.len };
    }
    p->failed = true;
    return false;
}

/* --- words */

struct words {
    struct str at[WORDS_MAX];
    size_t count, next;
};

static struct str word_next(struct words *w)
{
    return w->next < w->count ? w->at[w->next++] : STR("");
}

static bool word_is(struct words *w, const char *what)
{
    if (w->next < w->count && str_eq(w->at[w->next], str_c(what))) {
        w->next++;
        return true;
    }
    return false;
}

/* `name=value`: takes the value when the next word has that name. */
static bool word_value(struct words *w, const char *name, struct str *value)
{
    struct str key, behind;

    if (w->next == w->count || !str_cut(w->at[w->next], '=', &key, &behind) ||
        !str_eq(key, str_c(name)))
        return false;
    *value = behind;
    w->next++;
    return true;
}

/* Is the character a quote that opens or closes? Within one kind the other is a character like
 * any. */
static bool quote_turns(char c, char *quoted)
{
    if ((c != '"' && c != '\'') || (*quoted != '\0' && *quoted != c))
        return false;
    *quoted = *quoted == '\0' ? c : '\0';
    return true;
}

/* Splits at blanks that are not within quotes; the quotes go. */
static void words_split(struct arena *a, struct str clause, struct words *w)
{
    *w = (struct words){ .count = 0 };
    clause = str_trim(clause);
    for (size_t i = 0; i < clause.len && w->count < WORDS_MAX;) {
        char *word = arena_alloc(a, clause.len + 1), quoted = '\0';
        size_t len = 0;

        for (; i < clause.len && (quoted != '\0' || clause.at[i] != ' '); i++)
            if (!quote_turns(clause.at[i], &quoted))
                word[len++] = clause.at[i];
        w->at[w->count++] = (struct str){ word, len };
        while (i < clause.len && clause.at[i] == ' ')
            i++;
    }
}

/* Takes the first clause off: up to a comma with a blank behind it, outside of quotes. */
static bool clause_next(struct str *rest, struct str *clause)
{
    char quoted = '\0';

    if (rest->len == 0)
        return false;
    for (size_t i = 0; i < rest->len; i++) {
        (void)quote_turns(rest->at[i], &quoted);
        if (quoted == '\0' && rest->at[i] == ',' && i + 1 < rest->len && rest->at[i + 1] == ' ') {
            *clause = str_take(*rest, i);
            *rest = str_drop(*rest, i + 2);
            return true;
        }
    }
    *clause = *rest;
    *rest = STR("");
    return true;
}

static bool number_read(struct str s, uint64_t *n)
{
    return str_to_u64(s, n);
}

/* `500ms`, `5s`, `10m`, `1h`, with or without a plus in front. */
static bool time_read(struct str s, int64_t *ms)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 } };

    if (str_starts(s, STR("+")))
        s = str_drop(s, 1);
    for (size_t i = 0; i < COUNT(units); i++) {
        struct str unit = str_c(units[i].unit);
        uint64_t n;

        if (str_ends(s, unit) && number_read(str_drop_last(s, unit.len), &n)) {
            *ms = (int64_t)n * units[i].ms;
            return true;
        }
    }
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

/* `setting PATH: JSON` */
static bool do_setting(struct play *p, struct words *subject, struct str what)
{
    struct settings_fault fault;
    struct buf out;

    if (p->gate != NULL)
        return play_fail(p, "settings stand in front of all that happens");
    buf_init(&out, SETTINGS_BYTES_MAX);
    if (settings_edit(buf_str(&p->settings), word_next(subject), str_trim(what), &out, &fault) !=
        OK) {
        buf_clear(&out);
        return play_fail(p, "%s", fault.text);
    }
    p->settings.len = 0;
    (void)buf_add(&p->settings, buf_str(&out));
    buf_clear(&out);
    return true;
}

static bool start(struct play *p)
{
    const char *why = NULL;
    struct str inside = str_trim(buf_str(&p->settings));
    struct buf all;

    if (p->gate != NULL)
        return true;
    buf_init(&all, SETTINGS_BYTES_MAX);
    inside = str_drop_last(str_drop(inside, 1), 1);
    (void)(buf_add(&all, STR("{\"accounts\":[")) && buf_add(&all, buf_str(&p->accounts)) &&
           buf_add(&all, STR("]")) &&
           buf_add(&all, str_trim(inside).len > 0 ? STR(",") : STR("")) && buf_add(&all, inside) &&
           buf_add(&all, STR("}")));
    p->gate = gate_new(buf_str(&all), &why);
    buf_clear(&all);
    return p->gate != NULL || play_fail(p, "the settings are wrong: %s", why);
}

/* --- actors */

static struct actor *actor_find(struct play *p, struct str name)
{
    for (size_t i = 0; i < p->actor_count && name.len > 0; i++)
        if (str_eq(p->actors[i].name, name))
            return &p->actors[i];
    return NULL;
}

static struct actor *actor_new(struct play *p, struct str name)
{
    if (p->actor_count == NAMES_MAX) {
        play_fail(p, "there are too many names");
        return NULL;
    }
    struct actor *a = &p->actors[p->actor_count++];

    *a = (struct actor){ .name = arena_copy(&p->arena, name) };
    return a;
}

/* --- clients */

static struct str request_body(struct play *p, struct str name, const struct asked *q)
{
    struct arena *a = &p->gate->arena;

    if (str_eq(name, STR("hello")))
        return canned_request(a, q->wire, q->model, q->stream, STR("Say hello, please."));
    if (str_eq(name, STR("large"))) {
        char *text = arena_alloc(a, 300001);

        memset(text, 'y', 300000);
        return canned_request(a, q->wire, q->model, q->stream, (struct str){ text, 300000 });
    }
    if (str_eq(name, STR("broken")))
        return STR("{\"model\":\"gpt-5\",\"messages\":[");
    if (str_starts(name, STR("{")))
        return arena_copy(a, name);
    if (name.len > 0)
        play_fail(p, "there is no body `%.*s`", STR_ARG(name));
    return STR("");
}

static bool client_asks(struct play *p, struct actor *c, const char *method, struct words *w)
{
    struct gate *g = p->gate;
    struct str path = word_next(w), name = STR(""), value, key;
    struct asked q = { .wire = canned_wire(path) };
    uint64_t first = UINT64_MAX;
    struct buf fields;

    q.model = canned_model(q.wire);
    if (q.wire == WIRE_GEMINI) {
        q.stream = str_find(path, STR(":streamGenerateContent")) != SIZE_MAX;
        q.json_array = q.stream && str_find(path, STR("alt=sse")) == SIZE_MAX;
    }
    buf_init(&fields, 65536);
    while (w->next < w->count) {
        if (word_is(w, "stream"))
            q.stream = true;
        else if (word_value(w, "model", &value))
            q.model = arena_copy(&g->arena, value);
        else if (word_value(w, "first", &value))
            (void)number_read(value, &first);
        else if (word_value(w, "header", &value) && str_cut(value, ':', &key, &value))
            (void)buf_printf(&fields, "%.*s: %.*s\r\n", STR_ARG(key), STR_ARG(str_trim(value)));
        else
            name = word_next(w);
    }
    struct str all =
        gate_request(g, method, path, request_body(p, name, &q), buf_str(&fields));
    buf_clear(&fields);
    if (c->client == NULL || c->client->left || sim_was_reset(c->client->peer) ||
        sim_has_ended(c->client->peer)) {
        c->client = gate_client(g);
        c->asked_count = c->current = 0;
        c->is_read = false;
    }
    if (c->asked_count == REQUESTS_MAX)
        return play_fail(p, "a client asks %d times at most", REQUESTS_MAX);
    c->asked[c->asked_count++] = q;
    gate_send(c->client, str_take(all, (size_t)first));
    c->unsent = str_drop(all, (size_t)first);
    return !p->failed;
}

static struct tally client_tally(struct play *p, const struct actor *c,
                                 const struct gate_answer *answer)
{
    const struct asked *q = &c->asked[c->current];

    return stream_tally(&p->gate->arena, q->wire, q->json_array, answer->body);
}

static bool expect_answer(struct play *p, const struct actor *c, const struct gate_answer *answer,
                          struct str name)
{
    const struct asked *q = &c->asked[c->current];
    struct arena *a = &p->gate->arena;
    struct canned want;

    if (!canned_named(a, q->wire, q->model, name, &want))
        return play_fail(p, "there is no answer `%.*s`", STR_ARG(name));
    if (!answer->complete)
        return play_fail(p, "the answer is not complete: status %d, %zu bytes", answer->status,
                         answer->body.len);
    if (!q->stream)
        return str_eq(answer->body, want.whole) ||
               play_fail(p, "the answer is %.*s", STR_ARG(answer->body));

    struct str stream = canned_stream(a, q->wire, q->json_array, &want);
    struct tally t = client_tally(p, c, answer);

    if (!q->json_array && !str_eq(t.rest, stream))
        return play_fail(p, "the stream differs (%zu bytes, %zu wanted): %.*s", t.rest.len,
                         stream.len, STR_ARG(answer->body));
    return (str_eq(t.text, want.text) && t.successes == 1 && t.errors == 0 && !t.behind &&
            !t.torn) ||
           play_fail(p, "the stream does not end well: %.*s", STR_ARG(answer->body));
}

static bool expect_ending(struct play *p, const struct actor *c, const struct gate_answer *answer,
                          bool success, struct str word)
{
    struct tally t = client_tally(p, c, answer);

    if (!answer->complete)
        return play_fail(p, "the stream has not ended%s: %.*s … %.*s", answer->cut ? ", it was cut" : "", STR_ARG(answer->body),
                         STR_ARG(str_drop(answer->body, answer->body.len < 200 ? 0 : answer->body.len - 200)));
    if (t.successes != (success ? 1u : 0u) || t.errors != (success ? 0u : 1u) || t.behind || t.torn)
        return play_fail(p, "the stream has %u terminators and %u errors%s%s: %.*s", t.successes,
                         t.errors, t.behind ? ", and something behind them" : "",
                         t.torn ? ", and is torn" : "", STR_ARG(answer->body));
    return word.len == 0 || str_find(answer->body, word) != SIZE_MAX ||
           play_fail(p, "there is no `%.*s` in %.*s", STR_ARG(word), STR_ARG(answer->body));
}

static bool expect_field(struct play *p, struct str fields, struct str pair)
{
    struct str name, value, got;

    if (!str_cut(pair, '=', &name, &value))
        return play_fail(p, "`header NAME=VALUE` is wanted");
    got = gate_field(fields, arena_copy(&p->gate->arena, name).at);
    return str_eq(got, value) || play_fail(p, "the field %.*s is `%.*s`", STR_ARG(name),
                                           STR_ARG(got));
}

/* One expectation of a client's answer; `w` stands behind what was read. */
static bool client_expects(struct play *p, struct actor *c, struct words *w,
                           struct gate_answer *answer)
{
    struct str value;
    uint64_t n;

    if (w->next < w->count && w->at[w->next].len == 3 && number_read(w->at[w->next], &n)) {
        w->next++;
        if (!answer->begun)
            return play_fail(p, "there is no answer%s",
                             answer->cut ? ", and the connection has ended" : "");
        return answer->status == (int)n || play_fail(p, "the status is %d: %.*s", answer->status,
                                                     STR_ARG(answer->body));
    }
    if (word_is(w, "header"))
        return expect_field(p, answer->fields, word_next(w));
    if (word_is(w, "answer"))
        return expect_answer(p, c, answer, word_next(w));
    if (word_is(w, "success"))
        return expect_ending(p, c, answer, true, STR(""));
    if (word_is(w, "error"))
        return expect_ending(p, c, answer, false, word_next(w));
    if (word_is(w, "has")) {
        value = word_next(w);
        return str_find(answer->body, value) != SIZE_MAX ||
               play_fail(p, "there is no `%.*s` in %.*s", STR_ARG(value), STR_ARG(answer->body));
    }
    if (word_is(w, "lacks")) {
        value = word_next(w);
        return str_find(answer->body, value) == SIZE_MAX ||
               play_fail(p, "there is a `%.*s` in %.*s", STR_ARG(value), STR_ARG(answer->body));
    }
    if (word_is(w, "text")) {
        struct tally t = client_tally(p, c, answer);

        value = word_next(w);
        return str_eq(t.text, value) || play_fail(p, "the text is `%.*s`", STR_ARG(t.text));
    }
    if (word_is(w, "keep-alives")) {
        struct tally t = client_tally(p, c, answer);

        return (number_read(word_next(w), &n) && t.keep_alives == n) ||
               play_fail(p, "there are %u keep-alives: %.*s", t.keep_alives,
                         STR_ARG(answer->body));
    }
    if (word_is(w, "pending"))
        return (answer->begun && !answer->complete && !answer->cut) ||
               play_fail(p, "the answer is %s", answer->complete ? "complete"
                                                : answer->cut    ? "cut"
                                                                 : "not there");
    if (word_is(w, "complete"))
        return answer->complete || play_fail(p, "the answer is not complete");
    if (word_is(w, "cut"))
        return answer->cut || play_fail(p, "the answer is not cut");
    if (word_is(w, "nothing")) {
        if (word_is(w, "more")) {
            size_t rest = c->client->in.len - c->client->read - (answer->complete ? answer->bytes
                                                                                  : 0);

            return (answer->complete && rest == 0) ||
                   play_fail(p, "%zu bytes more have come", rest);
        }
        return !answer->begun || play_fail(p, "an answer with the status %d has come: %.*s",
                                           answer->status, STR_ARG(answer->body));
    }
    if (word_is(w, "closed"))
        return sim_has_ended(c->client->peer) || sim_was_reset(c->client->peer) ||
               play_fail(p, "the connection is still open");
    if (word_is(w, "open"))
        return (!sim_has_ended(c->client->peer) && !sim_was_reset(c->client->peer)) ||
               play_fail(p, "the connection is closed");
    return play_fail(p, "a client expects no `%.*s`", STR_ARG(word_next(w)));
}

/* With a status, or with `nothing`, the next answer is looked at: the one before it is done with. */
static void answer_turn(struct actor *c, const struct words *w)
{
    struct str first = w->next < w->count ? w->at[w->next] : STR("");
    bool turns = str_eq(first, STR("nothing")) && w->next + 1 == w->count;
    struct gate_answer done;
    uint64_t n;

    turns |= first.len == 3 && number_read(first, &n);
    if (!c->is_read || !turns || c->current + 1 >= c->asked_count)
        return;
    gate_answer(c->client, &done);
    gate_answer_read(c->client, &done);
    c->current++;
    c->is_read = false;
}

static bool client_clause(struct play *p, struct actor *c, struct words *w)
{
    struct gate_answer answer;
    struct str value;
    uint64_t n;

    if (word_is(w, "POST"))
        return client_asks(p, c, "POST", w);
    if (word_is(w, "GET"))
        return client_asks(p, c, "GET", w);
    if (c->client == NULL)
        return play_fail(p, "the client has not asked for anything yet");
    if (word_is(w, "sends") && word_is(w, "rest")) {
        gate_send(c->client, c->unsent);
        c->unsent = STR("");
        return true;
    }
    if (word_is(w, "leaves")) {
        gate_leave(c->client, false);
        return true;
    }
    if (word_is(w, "resets")) {
        gate_leave(c->client, true);
        return true;
    }
    if (word_is(w, "half-closes")) {
        sim_shut(c->client->peer);
        return true;
    }
    if (word_is(w, "reads")) {
        if (word_value(w, "at_most", &value) && number_read(value, &n)) {
            c->client->greedy = false;
            sim_window(c->client->peer, (size_t)n);
            return true;
        }
        if (!word_is(w, "on"))
            return play_fail(p, "`reads on` or `reads at_most=BYTES`");
        c->client->greedy = true;
        sim_window(c->client->peer, SIZE_MAX);
        return true;
    }
    (void)word_is(w, "expect");
    answer_turn(c, w);
    gate_answer(c->client, &answer);
    if (answer.bad)
        return play_fail(p, "what came is no HTTP: %.*s", STR_ARG(answer.fields));
    bool good = client_expects(p, c, w, &answer);
    c->is_read = answer.complete;
    return good;
}

/* --- upstreams */

static struct str call_model(const struct actor *a)
{
    struct str key = STR("\"model\":\""), model, rest;
    size_t at = str_find(a->call->body, key);

    if (at == SIZE_MAX)
        return canned_model(a->call->wire);
    (void)str_cut(str_drop(a->call->body, at + key.len), '"', &model, &rest);
    return model;
}

static void send_chunk(struct gate_call *call, struct str bytes)
{
    char size[24];

    if (bytes.len == 0 || gate_call_is_gone(call))
        return;
    snprintf(size, sizeof(size), "%zx\r\n", bytes.len);
    sim_send(call->peer, str_c(size));
    sim_send(call->peer, bytes);
    sim_send(call->peer, STR("\r\n"));
}

/* One event in one chunk, or in as many as chance wants. */
static void send_event(struct actor *a, struct str event)
{
    while (a->in_pieces && event.len > 1 && sim_random() % 4 > 0) {
        size_t n = 1 + (size_t)(sim_random() % (event.len - 1));

        send_chunk(a->call, str_take(event, n));
        event = str_drop(event, n);
    }
    send_chunk(a->call, event);
}

static bool stream_on(struct play *p, struct actor *a, struct words *w)
{
    size_t until = SIZE_MAX;

    if (word_is(w, "until")) {
        struct str point = word_next(w);
        size_t half = a->answer.content_at + (a->answer.finish_at - a->answer.content_at) / 2;

        until = str_eq(point, STR("head"))       ? 0
                : str_eq(point, STR("preamble")) ? a->answer.content_at
                : str_eq(point, STR("content"))  ? a->answer.content_at + 1
                : str_eq(point, STR("half"))     ? half
                : str_eq(point, STR("finish"))   ? a->answer.finish_at
                : str_eq(point, STR("end"))      ? a->answer.end_at
                                                 : SIZE_MAX;
        if (until == SIZE_MAX)
            return play_fail(p, "a stream has no point `%.*s`", STR_ARG(point));
    }
    for (; a->next_event < a->answer.count && a->next_event < until; a->next_event++)
        send_event(a, a->answer.events[a->next_event]);
    if (until == SIZE_MAX && !gate_call_is_gone(a->call)) {
        sim_send(a->call->peer, STR("0\r\n\r\n"));
        a->call->answered = true;
    }
    return true;
}

static bool call_replies(struct play *p, struct actor *a, struct words *w)
{
    struct gate_call *call = a->call;
    struct arena *arena = &p->gate->arena;
    bool stream = word_is(w, "stream"), bare = false, named = false;
    struct str type = STR("api_error"), says = STR("It did not work."), body = STR(""), value, key;
    uint64_t status = 200, bytes = UINT64_MAX;
    size_t name_at = SIZE_MAX;
    struct buf head;

    if (!stream && !number_read(word_next(w), &status))
        return play_fail(p, "`reply STATUS` or `reply stream NAME`");
    if (stream || (status < 300 && w->next < w->count)) {
        name_at = w->next;
        if (!canned_named(arena, call->wire, call_model(a), word_next(w), &a->answer))
            return play_fail(p, "there is no answer `%.*s`", STR_ARG(w->at[name_at]));
        named = true;
    }
    buf_init(&head, 65536);
    while (w->next < w->count && !str_eq(w->at[w->next], STR("until"))) {
        if (word_is(w, "pieces"))
            a->in_pieces = true;
        else if (word_is(w, "bare"))
            bare = true;
        else if (word_is(w, "says"))
            says = word_next(w);
        else if (word_value(w, "type", &value))
            type = value;
        else if (word_value(w, "bytes", &value))
            (void)number_read(value, &bytes);
        else if (str_cut(word_next(w), '=', &key, &value))
            (void)buf_printf(&head, "%.*s: %.*s\r\n", STR_ARG(key), STR_ARG(value));
        else
            (void)play_fail(p, "a reply has no `%.*s`", STR_ARG(key));
    }
    if (stream) {
        a->streaming = true;
        sim_send(call->peer, STR("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                                 "Transfer-Encoding: chunked\r\n"));
        sim_send(call->peer, buf_str(&head));
        sim_send(call->peer, STR("\r\n"));
        buf_clear(&head);
        return !p->failed && stream_on(p, a, w);
    }
    if (named)
        body = a->answer.whole;
    else if (!bare)
        body = canned_error(arena, call->wire, (int)status, type, says);
    sim_send(call->peer, arena_printf(arena,
                                      "HTTP/1.1 %d Said\r\nContent-Type: application/json\r\n"
                                      "Content-Length: %zu\r\n",
                                      (int)status, body.len));
    sim_send(call->peer, buf_str(&head));
    sim_send(call->peer, STR("\r\n"));
    sim_send(call->peer, str_take(body, (size_t)bytes));
    call->answered = bytes >= body.len;
    buf_clear(&head);
    return !p->failed;
}

static bool call_expects(struct play *p, struct actor *a, struct words *w)
{
    const struct gate_call *call = a->call;
    struct str value;

    while (w->next < w->count) {
        if (word_value(w, "account", &value)) {
            struct str key = arena_printf(&p->gate->arena, "key-%.*s", STR_ARG(value));

            if (!str_eq(call->account->label, value))
                return play_fail(p, "the account is %.*s", STR_ARG(call->account->label));
            if (str_find(call->fields, key) == SIZE_MAX)
                return play_fail(p, "the call does not show the account's key: %.*s",
                                 STR_ARG(call->fields));
        } else if (word_value(w, "path", &value)) {
            if (!str_eq(call->path, value))
                return play_fail(p, "the path is %.*s", STR_ARG(call->path));
        } else if (word_value(w, "connection", &value)) {
            if (str_eq(value, STR("kept")) != call->kept)
                return play_fail(p, "the connection is %s", call->kept ? "kept" : "new");
        } else if (word_is(w, "has")) {
            value = word_next(w);
            if (str_find(call->body, value) == SIZE_MAX)
                return play_fail(p, "there is no `%.*s` in %.*s", STR_ARG(value),
                                 STR_ARG(call->body));
        } else if (word_is(w, "header")) {
            if (!expect_field(p, call->fields, word_next(w)))
                return false;
        } else if (word_is(w, "gone")) {
            if (!gate_call_is_gone(call))
                return play_fail(p, "the gateway has not let go of the call");
        } else if (word_is(w, "open")) {
            if (gate_call_is_gone(call))
                return play_fail(p, "the gateway has let go of the call");
        } else if (word_is(w, "paused")) {
            if (sim_unsent(call->peer) == 0)
                return play_fail(p, "the gateway has read all that the upstream sent");
        } else if (word_is(w, "flowing")) {
            if (sim_unsent(call->peer) > 0)
                return play_fail(p, "%zu bytes of the upstream are not read",
                                 sim_unsent(call->peer));
        } else {
            return play_fail(p, "an upstream expects no `%.*s`", STR_ARG(word_next(w)));
        }
    }
    return true;
}

/* The call that a line is about: the one of that name, or the next that came. */
static struct actor *call_of_line(struct play *p, struct str name)
{
    struct actor *a = actor_find(p, name);

    if (a != NULL)
        return a;
    struct gate_call *call = gate_call_next(p->gate);
    if (call == NULL) {
        play_fail(p, "no upstream was asked");
        return NULL;
    }
    if (name.len == 0 && p->nameless != NULL)
        a = p->nameless;
    else
        a = actor_new(p, name);
    if (a == NULL)
        return NULL;
    if (name.len == 0)
        p->nameless = a;
    *a = (struct actor){ .name = a->name, .call = call };
    return a;
}

static bool upstream_clause(struct play *p, struct actor *a, struct words *w)
{
    struct str type;

    if (word_is(w, "expect"))
        return call_expects(p, a, w);
    if (gate_call_is_gone(a->call))
        return play_fail(p, "the gateway has let go of the call");
    if (word_is(w, "reply"))
        return call_replies(p, a, w);
    if (word_is(w, "goes") && word_is(w, "on"))
        return stream_on(p, a, w);
    if (word_is(w, "fails")) {
        type = word_next(w);
        send_event(a, canned_error_event(&p->gate->arena, a->call->wire, type,
                                         w->next < w->count ? word_next(w) : STR("It broke.")));
        return true;
    }
    if (word_is(w, "babbles")) {
        uint64_t n = 0;

        (void)number_read(word_next(w), &n);
        for (uint64_t i = 0; i < n; i++)
            send_event(a, STR("data: {\"what\": is this\n\n"));
        return true;
    }
    if (word_is(w, "comments")) {
        send_event(a, STR(": thinking\n\n"));
        return true;
    }
    if (word_is(w, "ends")) {
        sim_send(a->call->peer, STR("0\r\n\r\n"));
        a->call->answered = true;
        return true;
    }
    if (word_is(w, "cut") || word_is(w, "reset")) {
        gate_run(p->gate); /* what was sent before arrives */
        gate_call_end(a->call, str_eq(w->at[0], STR("reset")));
        return true;
    }
    if (word_is(w, "silent"))
        return true;
    return play_fail(p, "an upstream does no `%.*s`", STR_ARG(word_next(w)));
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

static bool expect_lockout(struct play *p, const struct gate_account *a, struct words *w)
{
    struct str model = STR(""), reason = STR(""), value;
    enum verdict_kind kind = VERDICT_NONE;
    int64_t until = 0, got;

    while (w->next < w->count) {
        if (word_value(w, "reason", &reason) || word_value(w, "model", &model))
            continue;
        if (!word_value(w, "until", &value) || !time_read(value, &until))
            return play_fail(p, "a lockout has no `%.*s`", STR_ARG(word_next(w)));
    }
    got = gate_locked_until(p->gate, a, model, &kind);
    if (got == 0)
        return play_fail(p, "%.*s is not locked out", STR_ARG(a->label));
    if (reason.len > 0 && !str_eq(reason, str_c(verdict_word(kind))))
        return play_fail(p, "the reason is %s", verdict_word(kind));
    return until == 0 || got - sim_now() == until ||
           play_fail(p, "the lockout ends in %" PRId64 " ms", got - sim_now());
}

static bool pool_clause(struct play *p, struct words *w)
{
    struct gate_account *a;
    enum verdict_kind kind;
    uint64_t n = 0;

    (void)word_is(w, "expect");
    struct str what = word_next(w);
    a = account_named(p, word_next(w));
    if (a == NULL)
        return false;
    if (str_eq(what, STR("lockout")))
        return expect_lockout(p, a, w);
    if (str_eq(what, STR("free"))) {
        struct str model = STR("");

        (void)word_value(w, "model", &model);
        return (gate_locked_until(p->gate, a, model, &kind) == 0 && !gate_is_disabled(p->gate, a)) ||
               play_fail(p, "%.*s is not free", STR_ARG(a->label));
    }
    if (str_eq(what, STR("disabled")))
        return gate_is_disabled(p->gate, a) ||
               play_fail(p, "%.*s is not disabled", STR_ARG(a->label));
    if (str_eq(what, STR("in_flight")))
        return (number_read(word_next(w), &n) && gate_in_flight(p->gate, a) == n) ||
               play_fail(p, "%u are in flight", gate_in_flight(p->gate, a));
    return play_fail(p, "the pool has no `%.*s`", STR_ARG(what));
}

static struct str verdicts_text(struct play *p, const struct access_record *r)
{
    struct buf b;

    buf_init(&b, 4096);
    for (uint32_t i = 0; i < r->attempt_count && i < ACCESS_ATTEMPTS_MAX; i++)
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

/* False: it failed, and p->why is printed. */
static bool play(const char *path, struct str text, uint64_t seed, uint64_t *digest)
{
    struct play *p = must_calloc(1, sizeof(*p));
    struct str rest = text, line, why;

    *p = (struct play){ .path = path, .text = text, .seed = seed };
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

static bool play_all_seeds(const char *path, struct str text, const char *given)
{
    uint64_t from = given != NULL ? strtoull(given, NULL, 10) : 1;
    uint64_t count = given != NULL ? 1 : SEEDS;

    if (!str_starts(text, STR("# "))) {
        printf("FAILED %s\n  its first line is not a sentence\n", path);
        return false;
    }
    for (uint64_t seed = from; seed < from + count; seed++) {
        uint64_t first = 0, second = 0;
        bool good = play(path, text, seed, &first) && play(path, text, seed, &second);

        if (good && first != second)
            printf("  (seed %" PRIu64 ") two runs differ\n", seed);
        if (!good || first != second) {
            struct str sentence, rest;

            (void)str_cut(text, '\n', &sentence, &rest);
            printf("FAILED %s: %.*s\n", path, STR_ARG(str_drop(sentence, 2)));
            return false;
        }
    }
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_wanted(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strstr(name, argv[i]) != NULL)
            return true;
    return argc < 2;
}

static bool file_whole(struct arena *a, const char *path, struct str *out)
{
    FILE *f = fopen(path, "rb");
    char *bytes = arena_alloc(a, (size_t)64 << 10);

    if (f == NULL)
        return false;
    *out = (struct str){ bytes, fread(bytes, 1, ((size_t)64 << 10) - 1, f) };
    fclose(f);
    return true;
}

int main(int argc, char **argv)
{
    const char *root = getenv("PENSTOCK_SOURCE_ROOT"), *seed = getenv("PENSTOCK_TEST_SEED");
    struct arena a = { 0 };
    struct str folder = arena_printf(&a, "%s/tests/sim/scenarios", root == NULL ? "." : root);
    DIR *d = opendir(folder.at);
    char *names[SCRIPTS_MAX];
    size_t count = 0;
    int passed = 0, failed = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL && count < SCRIPTS_MAX;)
        if (str_ends(str_c(e->d_name), STR(".sim")))
            names[count++] = strdup(e->d_name);
    if (d != NULL)
        closedir(d);
    qsort(names, count, sizeof(names[0]), by_name);
    for (size_t i = 0; i < count; i++) {
        struct str text;
        struct str path = arena_printf(&a, "%s/%s", folder.at, names[i]);

        if (!is_wanted(names[i], argc, argv))
            continue;
        if (file_whole(&a, path.at, &text) && play_all_seeds(names[i], text, seed))
            passed++;
        else
            failed++;
    }
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    arena_free(&a);
    printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 && passed > 0 ? 0 : 1;
}
