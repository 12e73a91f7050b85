/* exchange/pictures.c - pictures made by models of Google's for OpenAI's calls.
 *
 * One answer has one picture; when more are wanted, as many calls run side by side. The attempt's
 * own call is the first of them; each other one has a lease of its own on the same account, since
 * the request is made for it, and teaches what it learns. Those for which the account has no room
 * wait for one before them to end. The client gets what came of all; only when nothing did, the
 * attempt has failed as its own call did. */
#include "exchange/exchange_int.h"
#include "wire/multipart.h"
#include "wire/pictures.h"

struct picture_call {
    struct exchange *x;
    struct call *call; /* NULL: it does not run */
    struct lease lease;
    struct http_head *head; /* of a fault, copied for the judge */
    struct buf body;
    int status;
};

struct picture_calls {
    struct pictures_ask ask;
    struct picture_call others[PICTURES_MAX - 1];
    uint32_t begun, running; /* of the others */
    bool own_ended, own_failed;
    struct verdict verdict; /* on the own one, when that failed … */
    struct judge_words words;
    struct buf head; /* what the calls say, while they run */
    struct pictures all;
};

/* --- the request ------------------------------------------------------------------------------*/

bool pictures_wanted(const struct exchange *x, struct str model)
{
    return (x->target.ask == ASK_IMAGE || x->target.ask == ASK_IMAGE_EDIT) &&
           model_facts_find(WIRE_GEMINI, model).gemini.image;
}

bool pictures_are(const struct exchange *x)
{
    return media_is(x) && x->attempt.translates; /* passed on, or translated: nothing else */
}

bool pictures_make(struct exchange *x, uint32_t wires, struct wire_complaint *why)
{
    struct attempt *a = &x->attempt;
    struct picture_calls *p = x->pictures;

    if (p == NULL) {
        struct str boundary = STR("");

        p = arena_new(&x->r->arena, struct picture_calls);
        (void)multipart_boundary(x->media_type, &boundary);
        if (!pictures_read(x->r->body, boundary, x->target.ask == ASK_IMAGE_EDIT, &x->r->arena,
                           &p->ask, why))
            return false;
        x->pictures = p;
        x->canon = p->ask.canon;
    }
    p->begun = p->running = 0;
    p->own_ended = p->own_failed = false;
    x->lines = STR("");
    p->all = (struct pictures){ .usage = usage_unknown() };
    a->wire = (wires & WIRE_BIT(WIRE_GEMINI)) != 0 ? WIRE_GEMINI : WIRE_CLOUDCODE;
    return outgoing_translate(x, why);
}

/* --- the other calls --------------------------------------------------------------------------*/

static void pictures_go_on(struct exchange *x);

static void other_return(struct picture_call *c, const struct verdict *v)
{
    struct exchange *x = c->x;

    c->call = NULL;
    buf_clear(&c->body);
    if (c->lease.account != NULL)
        lease_return(x->env->pool, &c->lease, v, loop_now(x->env->loop));
    x->pictures->running--;
}

/* What it failed of is learned, and its picture is missing. */
static void other_failed(struct picture_call *c, const struct call_fault *fault)
{
    struct exchange *x = c->x;
    struct judge_words words = { 0 };
    struct verdict v = provider_judge(x->attempt.upstream->provider,
                                      &(struct judge_ask){ .wire = x->attempt.wire,
                                                           .unix_ms = clock_unix_ms(),
                                                           .status = c->status,
                                                           .head = c->head,
                                                           .body = buf_str(&c->body),
                                                           .fault = fault },
                                      &x->r->arena, &words);

    if (v.kind == VERDICT_SUCCESS)
        v = (struct verdict){ .kind = VERDICT_SERVER_ERROR, .status = c->status, .delay_ms = -1 };
    v.evidence = words.evidence;
    other_return(c, &v);
    pictures_go_on(x);
}

static void other_on_head(void *peer, const struct http_head *head)
{
    struct picture_call *c = peer;

    struct exchange *x = c->x;

    c->status = head->status;
    if (head->status < 200 || head->status >= 300) {
        c->head = attempt_head_copy(x, head);
        return;
    }
    x->media_answer_type = pictures_type(x);
    if (x->lines.len == 0)
        reply_collect_fields(x, head);
}

static void other_on_data(void *peer, struct str bytes)
{
    struct picture_call *c = peer;

    if (buf_add(&c->body, bytes))
        return;
    call_cancel(c->call);
    other_failed(c,
                 &(struct call_fault){ .cause = CALL_TOO_LARGE,
                                       .sent = true,
                                       .head_seen = true,
                                       .text = "the answer is larger than limits.answer_bytes" });
}

static void other_on_end(void *peer)
{
    struct picture_call *c = peer;
    struct exchange *x = c->x;

    c->call = NULL;
    if (c->status < 200 || c->status >= 300 ||
        !pictures_take(x->attempt.wire, buf_str(&c->body), &x->r->arena, &x->pictures->all)) {
        other_failed(c, NULL);
        return;
    }
    other_return(c,
                 &(struct verdict){ .kind = VERDICT_SUCCESS, .status = c->status, .delay_ms = -1 });
    pictures_go_on(x);
}

static void other_on_fail(void *peer, const struct call_fault *fault)
{
    struct picture_call *c = peer;

    c->call = NULL;
    other_failed(c, fault);
}

/* False: the account has no room for it now. */
static bool other_begin(struct exchange *x)
{
    struct picture_calls *p = x->pictures;
    struct picture_call *c = &p->others[p->begun];
    struct attempt *a = &x->attempt;
    struct call_timeouts timeouts = a->upstream->timeouts;
    struct pick_ask ask = { .model = x->mapped,
                            .wires = a->lease.wires,
                            .named = a->lease.account_id,
                            .by = PICK_ROUTE,
                            .is_image = true,
                            .spends_reserve = true,
                            .deadline_ms = x->deadline_ms };
    struct pick pick;

    *c = (struct picture_call){ .x = x };
    if (!pool_lease(x->env->pool, &ask, loop_now(x->env->loop), &c->lease, &pick))
        return false;
    p->begun++;
    p->running++;
    buf_init(&c->body, x->rules->answer_bytes_max);
    timeouts.first_byte_ms *= 2; /* an answer in one piece comes when all of it is made */
    c->call = client_send(x->env->client,
                          &(struct call_options){ .origin = &a->upstream->origin,
                                                  .head = buf_str(&p->head),
                                                  .body = a->parts,
                                                  .body_parts = a->part_count,
                                                  .timeouts = timeouts,
                                                  .hooks = { other_on_head, other_on_data,
                                                             other_on_end, other_on_fail, c } });
    return true;
}

void pictures_begin(struct exchange *x, struct str head)
{
    struct picture_calls *p = x->pictures;
    bool fits;

    buf_init(&p->head, head.len);
    fits = buf_add(&p->head, head);
    assert(fits);
    while (p->begun + 1 < p->ask.n && other_begin(x))
        ;
}

void pictures_cancel(struct exchange *x)
{
    struct picture_calls *p = x->pictures;

    for (uint32_t i = 0; p != NULL && i < p->begun; i++)
        if (p->others[i].call != NULL) {
            call_cancel(p->others[i].call);
            other_return(&p->others[i], &(struct verdict){ .kind = VERDICT_NONE, .delay_ms = -1 });
        }
    if (p != NULL)
        buf_clear(&p->head);
}

/* --- the answer -------------------------------------------------------------------------------*/

static void pictures_reply(struct exchange *x)
{
    struct picture_calls *p = x->pictures;
    struct buf *made = &attempt_crossing(x)->made;

    if (p->own_failed && p->all.count == 0) {
        struct judge_words words = p->words; /* the next attempt begins anew */

        exchange_fault(x, &p->verdict, &words);
        return;
    }
    x->usage = p->all.usage;
    if (p->own_failed)
        attempt_end(x, &p->verdict);
    else
        attempt_succeed(x);
    if (p->all.count == 0) {
        reply_fault(x,
                    &(struct fault){ .class = FAULT_BLOCKED,
                                     .message = arena_printf(
                                         &x->r->arena, "the model made no picture%s%.*s",
                                         p->all.said.len > 0 ? ": " : "", STR_ARG(p->all.said)) },
                    ENDING_REQUEST_WRONG);
        return;
    }
    buf_init(made, x->rules->answer_bytes_max);
    if (pictures_put(&p->all, &p->ask, clock_unix_ms() / 1000, x->media_streams, made))
        reply_made(x);
    else
        reply_fault(x,
                    &(struct fault){ .class = FAULT_SERVER,
                                     .message = STR("the pictures are larger than "
                                                    "limits.answer_bytes together") },
                    ENDING_UPSTREAM_FAILED);
}

/* A call has ended: there may be room for one that waits, or it was the last. */
static void pictures_go_on(struct exchange *x)
{
    struct picture_calls *p = x->pictures;

    while (p->begun + 1 < p->ask.n && other_begin(x))
        ;
    if (p->running == 0 && p->own_ended)
        pictures_reply(x);
}

bool pictures_hold(struct exchange *x, const struct verdict *v, const struct judge_words *words)
{
    struct picture_calls *p = x->pictures;

    if (!pictures_are(x) || p->own_ended || (p->running == 0 && p->all.count == 0))
        return false;
    if (x->attempt.call != NULL) {
        call_cancel(x->attempt.call);
        x->attempt.call = NULL;
    }
    p->own_ended = p->own_failed = true;
    p->verdict = *v;
    p->verdict.evidence = words->evidence;
    p->words = *words;
    pictures_go_on(x);
    return true;
}

struct str pictures_type(const struct exchange *x)
{
    return x->media_streams ? STR("text/event-stream; charset=utf-8") : STR("application/json");
}

void pictures_answered(struct exchange *x)
{
    struct picture_calls *p = x->pictures;

    if (!pictures_take(x->attempt.wire, x->attempt.answer, &x->r->arena, &p->all)) {
        attempt_refused_inside(x);
        return;
    }
    p->own_ended = true;
    buf_clear(&x->attempt.body);
    pictures_go_on(x);
}
