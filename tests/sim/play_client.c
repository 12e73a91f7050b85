/* tests/sim/play_client.c - what clients do in a script, and what they expect. */
#include "play.h"

/* --- asking */

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

/* The gateway has ended the connection. */
static bool is_over(const struct actor *c)
{
    return sim_has_ended(c->client->peer) || sim_was_reset(c->client->peer);
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
        else if (word_value(w, "session", &value))
            (void)buf_printf(&fields, "X-Session-Id: %.*s\r\n", STR_ARG(value));
        else if (word_value(w, "header", &value) && str_cut(value, ':', &key, &value))
            (void)buf_printf(&fields, "%.*s: %.*s\r\n", STR_ARG(key), STR_ARG(str_trim(value)));
        else
            name = word_next(w);
    }
    struct str all = gate_request(g, method, path, request_body(p, name, &q), buf_str(&fields));
    buf_clear(&fields);
    if (c->client == NULL || c->client->left || is_over(c)) {
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

/* --- expecting */

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

    struct str stream = canned_stream(a, q->json_array, &want);
    struct tally t = client_tally(p, c, answer);

    if (t.broken != NULL)
        return play_fail(p, "the stream breaks a rule: %s: %.*s", t.broken, STR_ARG(answer->body));
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
        return play_fail(
            p, "the stream has not ended%s: %.*s … %.*s", answer->cut ? ", it was cut" : "",
            STR_ARG(answer->body),
            STR_ARG(str_drop(answer->body, answer->body.len < 200 ? 0 : answer->body.len - 200)));
    if (t.broken != NULL)
        return play_fail(p, "the stream breaks a rule: %s: %.*s", t.broken, STR_ARG(answer->body));
    if (t.successes != (success ? 1u : 0u) || t.errors != (success ? 0u : 1u) || t.behind || t.torn)
        return play_fail(p, "the stream has %u terminators and %u errors%s%s: %.*s", t.successes,
                         t.errors, t.behind ? ", and something behind them" : "",
                         t.torn ? ", and is torn" : "", STR_ARG(answer->body));
    return word.len == 0 || str_find(answer->body, word) != SIZE_MAX ||
           play_fail(p, "there is no `%.*s` in %.*s", STR_ARG(word), STR_ARG(answer->body));
}

bool expect_field(struct play *p, struct str fields, struct str pair)
{
    struct str name, value, got;

    if (!str_cut(pair, '=', &name, &value))
        return play_fail(p, "`header NAME=VALUE` is wanted");
    got = gate_field(fields, arena_copy(&p->gate->arena, name).at);
    return str_eq(got, value) ||
           play_fail(p, "the field %.*s is `%.*s`", STR_ARG(name), STR_ARG(got));
}

static bool expect_status(struct play *p, uint64_t status, const struct gate_answer *answer)
{
    if (!answer->begun)
        return play_fail(p, "there is no answer%s",
                         answer->cut ? ", and the connection has ended" : "");
    return answer->status == (int)status ||
           play_fail(p, "the status is %d: %.*s", answer->status, STR_ARG(answer->body));
}

/* --- one expectation each; the words behind its name are its own */

typedef bool expectation(struct play *p, struct actor *c, struct words *w,
                         const struct gate_answer *answer);

static bool expect_header(struct play *p, struct actor *c, struct words *w,
                          const struct gate_answer *answer)
{
    (void)c;
    return expect_field(p, answer->fields, word_next(w));
}

static bool expect_whole(struct play *p, struct actor *c, struct words *w,
                         const struct gate_answer *answer)
{
    return expect_answer(p, c, answer, word_next(w));
}

static bool expect_success(struct play *p, struct actor *c, struct words *w,
                           const struct gate_answer *answer)
{
    (void)w;
    return expect_ending(p, c, answer, true, STR(""));
}

static bool expect_error(struct play *p, struct actor *c, struct words *w,
                         const struct gate_answer *answer)
{
    return expect_ending(p, c, answer, false, word_next(w));
}

static bool expect_has(struct play *p, struct actor *c, struct words *w,
                       const struct gate_answer *answer)
{
    struct str value = word_next(w);

    (void)c;
    return str_find(answer->body, value) != SIZE_MAX ||
           play_fail(p, "there is no `%.*s` in %.*s", STR_ARG(value), STR_ARG(answer->body));
}

static bool expect_lacks(struct play *p, struct actor *c, struct words *w,
                         const struct gate_answer *answer)
{
    struct str value = word_next(w);

    (void)c;
    return str_find(answer->body, value) == SIZE_MAX ||
           play_fail(p, "there is a `%.*s` in %.*s", STR_ARG(value), STR_ARG(answer->body));
}

static bool expect_text(struct play *p, struct actor *c, struct words *w,
                        const struct gate_answer *answer)
{
    struct tally t = client_tally(p, c, answer);

    return str_eq(t.text, word_next(w)) || play_fail(p, "the text is `%.*s`", STR_ARG(t.text));
}

static bool expect_keep_alives(struct play *p, struct actor *c, struct words *w,
                               const struct gate_answer *answer)
{
    struct tally t = client_tally(p, c, answer);
    uint64_t n;

    return (number_read(word_next(w), &n) && t.keep_alives == n) ||
           play_fail(p, "there are %u keep-alives: %.*s", t.keep_alives, STR_ARG(answer->body));
}

static bool expect_pending(struct play *p, struct actor *c, struct words *w,
                           const struct gate_answer *answer)
{
    (void)c;
    (void)w;
    return (answer->begun && !answer->complete && !answer->cut) ||
           play_fail(p, "the answer is %s",
                     answer->complete ? "complete"
                     : answer->cut    ? "cut"
                                      : "not there");
}

/* `served ACCOUNT REASON`: by whom, and why by that one. */
static bool expect_served(struct play *p, struct actor *c, struct words *w,
                          const struct gate_answer *answer)
{
    struct str account = word_next(w), reason = word_next(w), word, rest;
    struct str got = gate_field(answer->fields, "x-account-email");

    (void)c;
    if (answer->status != 200)
        return play_fail(p, "the status is %d: %.*s", answer->status, STR_ARG(answer->body));
    (void)str_cut(gate_field(answer->fields, "x-penstock-reason"), ';', &word, &rest);
    if (!str_eq(got, account))
        return play_fail(p, "it was served by %.*s (%.*s)", STR_ARG(got), STR_ARG(word));
    return str_eq(word, reason) || play_fail(p, "the reason is %.*s", STR_ARG(word));
}

/* `nothing`: no byte of an answer; `nothing more`: none behind this one. */
static bool expect_nothing(struct play *p, struct actor *c, struct words *w,
                           const struct gate_answer *answer)
{
    size_t rest = c->client->in.len - c->client->read - (answer->complete ? answer->bytes : 0);

    if (word_is(w, "more"))
        return (answer->complete && rest == 0) || play_fail(p, "%zu bytes more have come", rest);
    return !answer->begun || play_fail(p, "an answer with the status %d has come: %.*s",
                                       answer->status, STR_ARG(answer->body));
}

static bool expect_closed(struct play *p, struct actor *c, struct words *w,
                          const struct gate_answer *answer)
{
    (void)w;
    (void)answer;
    return is_over(c) || play_fail(p, "the connection is still open");
}

static bool expect_open(struct play *p, struct actor *c, struct words *w,
                        const struct gate_answer *answer)
{
    (void)w;
    (void)answer;
    return !is_over(c) || play_fail(p, "the connection is closed");
}

static const struct {
    const char *word;
    expectation *holds;
} expectations[] = {
    { "header", expect_header },   { "answer", expect_whole },
    { "success", expect_success }, { "error", expect_error },
    { "has", expect_has },         { "lacks", expect_lacks },
    { "text", expect_text },       { "keep-alives", expect_keep_alives },
    { "pending", expect_pending }, { "nothing", expect_nothing },
    { "closed", expect_closed },   { "open", expect_open },
    { "served", expect_served },
};

/* A status, or one of the words above. */
static bool client_expects(struct play *p, struct actor *c, struct words *w,
                           const struct gate_answer *answer)
{
    struct str first = word_next(w);
    uint64_t status;

    if (first.len == 3 && number_read(first, &status))
        return expect_status(p, status, answer);
    for (size_t i = 0; i < COUNT(expectations); i++)
        if (str_eq(first, str_c(expectations[i].word)))
            return expectations[i].holds(p, c, w, answer);
    return play_fail(p, "a client expects no `%.*s`", STR_ARG(first));
}

/* With a status, or with `nothing`, the next answer is looked at: the one before it is done with.
 */
static void answer_turn(struct actor *c, const struct words *w)
{
    struct str first = w->next < w->count ? w->at[w->next] : STR("");
    bool turns =
        (str_eq(first, STR("nothing")) && w->next + 1 == w->count) || str_eq(first, STR("served"));
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

bool client_clause(struct play *p, struct actor *c, struct words *w)
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
