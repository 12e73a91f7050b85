/* exchange/embedding.c - vectors for texts, where an account has them: OpenAI's form and Google's,
 * as it came when the account speaks it, else each turned into the other (wire/embeddings.h). */
#include "base/json_write.h"
#include "exchange/exchange_int.h"

static enum embeddings_form client_form(const struct exchange *x)
{
    if (x->target.protocol == WIRE_GEMINI)
        return x->target.ask == ASK_EMBED_BATCH ? EMBEDDINGS_GEMINI_BATCH : EMBEDDINGS_GEMINI;
    return EMBEDDINGS_OPENAI;
}

/* One request of OpenAI's is a batch of Google's; Google's keep what they are. */
static enum embeddings_form upstream_form(const struct exchange *x)
{
    if (x->attempt.wire != WIRE_GEMINI)
        return EMBEDDINGS_OPENAI;
    return client_form(x) == EMBEDDINGS_OPENAI ? EMBEDDINGS_GEMINI_BATCH : client_form(x);
}

/* Google's form says the model once more inside of each request: a mapped one must be written. */
static bool passes_as_it_is(const struct exchange *x)
{
    return x->attempt.wire == x->target.protocol &&
           (x->target.protocol != WIRE_GEMINI || str_eq(x->mapped, x->request.model));
}

static bool make_other(struct exchange *x, struct wire_complaint *why)
{
    struct attempt *a = &x->attempt;

    if (x->embed == NULL) {
        struct embeddings_ask *ask = arena_new(&x->r->arena, struct embeddings_ask);

        if (!embeddings_read(client_form(x), x->r->body, x->target.model, &x->r->arena, ask, why))
            return false;
        x->embed = ask;
    }
    struct translated *asked = &attempt_crossing(x)->asked;

    buf_init(&asked->body, x->r->body.len * 2 + ((size_t)1 << 20));
    if (!embeddings_write(x->embed, upstream_form(x), x->mapped, &x->r->arena, &asked->body)) {
        *why = (struct wire_complaint){
            .message = STR("the request grows too large in the form this account needs"),
            .too_large = true,
        };
        return false;
    }
    asked->losses = x->embed->losses;
    a->parts = arena_new(&x->r->arena, struct str);
    a->parts[0] = buf_str(&asked->body);
    a->part_count = 1;
    a->body_bytes = a->parts[0].len;
    a->translates = true;
    return true;
}

bool embedding_make(struct exchange *x, struct wire_complaint *why)
{
    struct attempt *a = &x->attempt;

    a->wire = (a->upstream->wires & WIRE_BIT(x->target.protocol)) != 0 ? x->target.protocol
              : x->target.protocol == WIRE_GEMINI                      ? WIRE_OPENAI_CHAT
                                                                       : WIRE_GEMINI;
    if (passes_as_it_is(x))
        outgoing_splice(x, &(struct wire_splice){ .model = x->mapped, .no_usage = true });
    else if (!make_other(x, why))
        return false;
    a->op = upstream_form(x) == EMBEDDINGS_GEMINI_BATCH ? OP_EMBED_BATCH : OP_EMBED;
    return true;
}

/* An answer in the client's own form: what must be known of it. False: it is no such answer. */
static bool read_own(struct exchange *x, struct wire_answer *out)
{
    struct json doc;
    bool openai = x->target.protocol == WIRE_OPENAI_CHAT;
    uint32_t node;

    *out = (struct wire_answer){ .usage = usage_unknown(), .finish = FINISH_STOP };
    if (!json_parse(&doc, x->attempt.answer, &(struct json_limits){ .depth_kept = 2 },
                    &x->env->scratch, NULL) ||
        json_type(&doc, 0) != JSON_OBJECT)
        return false;
    if (json_member(&doc, 0, STR("error"), NULL) != JSON_NONE) {
        out->is_error = true;
        return true;
    }
    if (!openai)
        return true;
    node = json_member(&doc, 0, STR("model"), NULL);
    if (node != JSON_NONE && json_type(&doc, node) == JSON_STRING)
        out->model_raw = json_raw(&doc, node);
    node = json_member(&doc, 0, STR("usage"), NULL);
    if (node != JSON_NONE && json_type(&doc, node) == JSON_OBJECT)
        usage_read(&out->usage, WIRE_OPENAI_CHAT, &doc, node);
    return true;
}

/* Providers tell the prompt alone: nothing was generated. */
static void none_generated(struct exchange *x)
{
    if (x->usage.in >= 0 && x->usage.out < 0)
        x->usage.out = 0;
}

static void own_answered(struct exchange *x)
{
    struct wire_answer answer;
    bool good = read_own(x, &answer);

    arena_reset(&x->env->scratch);
    if (!good) {
        attempt_cut(x);
    } else if (answer.is_error) {
        attempt_refused_inside(x);
    } else {
        x->usage = answer.usage;
        none_generated(x);
        attempt_succeed(x);
        reply_whole(x, &answer);
    }
}

void embedding_answered(struct exchange *x)
{
    struct attempt *a = &x->attempt;

    if (!a->translates) {
        own_answered(x);
        return;
    }
    struct buf *made = &a->crossing->made;

    buf_init(made, x->rules->answer_bytes_max);
    bool good = embeddings_answer(x->embed, upstream_form(x), a->answer, x->request.model,
                                  &x->env->scratch, made, &x->usage);

    arena_reset(&x->env->scratch);
    if (!good) {
        buf_clear(made);
        attempt_refused_inside(x);
        return;
    }
    none_generated(x);
    attempt_succeed(x);
    reply_made(x);
}

bool embedding_lacks(struct exchange *x)
{
    if (x->walk != NULL && x->walk->step_count == 0)
        return false;
    struct pick_ask ask;

    walk_ask(x, ASKING_ANY_WIRE, &ask);
    struct pick pick;
    struct lease lease;

    if (pool_lease(x->env->pool, &ask, loop_now(x->env->loop), &lease, &pick))
        lease_return(x->env->pool, &lease,
                     &(struct verdict){ .kind = VERDICT_NONE, .delay_ms = -1 },
                     loop_now(x->env->loop));
    return pick.offering > 0;
}
