/* tests/sim/play_upstream.c - what upstreams expect in a script, and what they do. */
#include <stdio.h>

#include "play.h"

/* --- answering */

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
        } else if (word_is(w, "lacks")) {
            value = word_next(w);
            if (str_find(call->body, value) != SIZE_MAX)
                return play_fail(p, "there is `%.*s` in %.*s", STR_ARG(value), STR_ARG(call->body));
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

struct actor *call_of_line(struct play *p, struct str name)
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

bool upstream_clause(struct play *p, struct actor *a, struct words *w)
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
    if (word_is(w, "jumps")) {
        a->next_event = a->answer.end_at;
        return stream_on(p, a, w);
    }
    if (word_is(w, "sends")) {
        send_event(a, word_next(w));
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
