#include "upkeep/check.h"

#include "io/loop.h"

void check_put(struct json_writer *w, const struct check_result *r)
{
    json_put_member_bool(w, "ok", r->good);
    json_put_member(w, "verdict", str_c(verdict_word(r->verdict)));
    json_put_member_i64(w, "status", r->status);
    json_put_member(w, "message", r->message);
    json_put_member_i64(w, "took_ms", r->took_ms);
}

static struct str message_of(const struct check_result *r, const struct call_fault *fault,
                             const struct judge_words *words)
{
    if (r->good)
        return STR("the provider accepts the credential");
    if (fault != NULL)
        return str_c(fault->text);
    if (r->verdict == VERDICT_MODEL_MISSING)
        return STR("there is no list of models at its address, so the credential cannot be "
                   "checked");
    return words->message.len > 0 ? words->message : str_c(verdict_text(r->verdict));
}

/* `fault` is NULL when an answer came. */
static void on_answer(void *peer, const struct call_fault *fault)
{
    struct check *c = peer;
    int status = fault == NULL ? c->call.status : 0;
    struct check_result r = { .good = status >= 200 && status < 300,
                              .verdict = VERDICT_SUCCESS,
                              .status = status,
                              .took_ms = (clock_mono_us() - c->started_us) / 1000 };
    struct judge_words words = { 0 };
    struct arena a = { 0 };

    if (!r.good)
        r.verdict = provider_judge(c->upstream->provider,
                                   &(struct judge_ask){ .wire = upstream_first_wire(c->upstream),
                                                        .status = status,
                                                        .body = buf_str(&c->call.body),
                                                        .fault = fault,
                                                        .unix_ms = clock_unix_ms() },
                                   &a, &words)
                        .kind;
    r.message = message_of(&r, fault, &words);
    c->done(c->peer, &r);
    arena_free(&a);
}

bool check_start(struct check *c, struct client *client, const struct upstream *u, int64_t total_ms,
                 void (*done)(void *peer, const struct check_result *result), void *peer)
{
    *c = (struct check){ .upstream = u, .started_us = clock_mono_us(), .done = done, .peer = peer };
    question_init(&c->call, JUDGE_BODY_MAX, on_answer, c);
    if (!facts_prove_credential(u))
        return question_send_list(&c->call, client, u, STR(""), total_ms);
    facts_begin(&c->course, u, STR(""));
    struct upstream_ask question = facts_question(&c->course);

    return question_send(&c->call, client, facts_upstream(&c->course), &question, c->course.body,
                         total_ms);
}

void check_clear(struct check *c)
{
    question_clear(&c->call);
    facts_clear(&c->course);
}
