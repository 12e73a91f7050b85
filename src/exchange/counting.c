/* exchange/counting.c - counting the tokens of a request.
 *
 * An account that can count is asked; whatever keeps it from answering, the client still gets a
 * number: our own estimate, which says that it is one. Nothing is learned of the account: limits on
 * counting are no limits on generating. */
#include "exchange/exchange_int.h"
#include "wire/token_count.h"
#include "wire/estimate.h"

static const struct verdict nothing = { .kind = VERDICT_NONE, .delay_ms = -1 };

void counting_begin(struct exchange *x)
{
    int64_t now_ms = loop_now(x->env->loop);

    if (!walk_lease(x, ASKING_SIDE, now_ms)) {
        if (x->pick->offering == 0)
            exchange_give_up(x);
        else
            counting_estimate(x);
        return;
    }
    if (!wire_counts(outgoing_wire(x->target.protocol, x->attempt.lease.wires))) {
        lease_return(x->env->pool, &x->attempt.lease, &nothing, now_ms);
        counting_estimate(x);
        return;
    }
    x->attempt.reason = x->pick->reason;
    exchange_move(x, EXCHANGE_SENDING);
    attempt_start(x);
}

void counting_failed(struct exchange *x)
{
    attempt_end(x, &nothing);
    counting_estimate(x);
}

void counting_answered(struct exchange *x)
{
    struct attempt *a = &x->attempt;
    struct str body = a->answer;
    int64_t tokens;
    bool good = token_count_read(a->wire, body, &x->env->scratch, &tokens);

    arena_reset(&x->env->scratch);
    if (!good) {
        counting_failed(x);
        return;
    }
    struct buf *made = &attempt_crossing(x)->made;

    buf_init(made, body.len + 256);
    if (a->wire == x->target.protocol)
        (void)buf_add(made, body); /* as it came */
    else
        token_count_put(x->target.protocol, tokens, made);
    attempt_end(x, &nothing);
    reply_made(x);
}

void counting_estimate(struct exchange *x)
{
    struct wire_complaint why = { 0 };

    if (!canon_read(x, &why)) {
        reply_complaint(x, &why);
        return;
    }
    int64_t tokens = estimate_request(x->canon, &x->env->scratch);

    arena_reset(&x->env->scratch);
    struct buf *made = &attempt_crossing(x)->made;

    buf_init(made, 256);
    token_count_put(x->target.protocol, tokens, made);
    reply_estimated_fields(x);
    reply_made(x);
}
