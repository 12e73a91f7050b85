/* exchange/outgoing.c - what goes upstream: the client's own bytes with the declared edits, or the
 * request translated for the account's wire. */
#include "exchange/exchange_int.h"

#include "http/limits.h"
#include "wire/reasoning.h"
#include "wire/signature.h"

#define TRANSLATED_GROWTH 2 /* how many times the client's bytes a translated body may have … */
#define TRANSLATED_MORE ((size_t)1 << 20) /* … and so much beside them */

uint32_t outgoing_wires(const struct door_target *t)
{
    uint32_t wires = WIRE_BIT(t->protocol);

    if (t->ask == ASK_EMBED || t->ask == ASK_EMBED_BATCH)
        return WIRE_BIT(WIRE_OPENAI_CHAT) | WIRE_BIT(WIRE_GEMINI);
    for (unsigned w = 0; w < WIRES; w++)
        if (translate_can(t->protocol, (enum wire)w))
            wires |= WIRE_BIT(w);
    return wires;
}

enum wire outgoing_wire(enum wire protocol, uint32_t wires)
{
    static const enum wire best[] = { WIRE_OPENAI_RESPONSES, WIRE_ANTHROPIC, WIRE_GEMINI,
                                      WIRE_CLOUDCODE, WIRE_OPENAI_CHAT };

    if (wires & WIRE_BIT(protocol))
        return protocol;
    for (size_t i = 0; i < COUNT(best); i++)
        if ((wires & WIRE_BIT(best[i])) && translate_can(protocol, best[i]))
            return best[i];
    assert(false); /* the pool gave an account over none of the wires that were asked for */
    return protocol;
}

bool canon_read(struct exchange *x, struct wire_complaint *why)
{
    if (x->canon != NULL)
        return true;
    struct canon_request *r = arena_new(&x->r->arena, struct canon_request);

    if (!translate_read(x->target.protocol, x->r->body, x->target.model, x->target.stream,
                        &x->r->arena, r, why))
        return false;
    if (x->target.ask == ASK_COMPLETE && !r->legacy) {
        *why = (struct wire_complaint){ .param = STR("prompt"), .message = STR("is missing") };
        return false;
    }
    x->canon = r;
    return true;
}

static bool is_strict(const struct exchange *x)
{
    struct str value = http_field_value(x->r->head, STR("x-penstock-strict"));

    return value.len > 0 ? str_eq(value, STR("1")) || str_ieq(value, STR("true"))
                         : x->rules->strict;
}

/* In strict mode nothing may be lost, not even approximated. */
static bool strict_allows(struct exchange *x, const struct losses *losses,
                          struct wire_complaint *why)
{
    const struct losses *lists[] = { &x->canon->unread, losses };

    for (size_t i = 0; i < COUNT(lists); i++)
        if (lists[i]->count > 0 && is_strict(x)) {
            const struct loss *l = &lists[i]->items[0];

            *why = (struct wire_complaint){
                .param = l->path,
                .message = l->approximated
                               ? STR("can only be approximated for the account that was chosen, "
                                     "and strict mode is on")
                               : STR("cannot be said to the account that was chosen, and strict "
                                     "mode is on"),
            };
            return false;
        }
    return true;
}

static bool make_translated(struct exchange *x, struct wire_complaint *why)
{
    struct attempt *a = &x->attempt;
    bool counts = x->target.ask == ASK_COUNT;
    struct wire_target t;

    if (!canon_read(x, why))
        return false;
    upstream_target(a->upstream, a->wire, x->mapped, &t);
    /* long answers of these arrive only when they are streamed (wire anthropic: idle connections
     * are cut); the client still gets what it asked for */
    t.stream = x->canon->stream || (a->wire == WIRE_ANTHROPIC && !counts);
    t.count = counts;
    t.request_id = str_c(x->request_id);
    a->stream = t.stream && !t.count;
    if (!translate_write(x->canon, &t, x->r->body.len * TRANSLATED_GROWTH + TRANSLATED_MORE,
                         &x->r->arena, &a->asked, why))
        return false;
    if (!strict_allows(x, &a->asked.losses, why))
        return false;
    a->translates = true;
    a->parts[0] = buf_str(&a->asked.body);
    a->part_count = 1;
    a->body_bytes = a->parts[0].len;
    a->encode = (struct encode_options){
        .protocol = x->target.protocol,
        .request = x->canon,
        .names = &a->asked.names,
        .model = x->request.model,
        .id = str_drop(str_c(x->request_id), 4),
        .created_unix_s = clock_unix_ms() / 1000,
        .json_array = x->target.json_array,
        .show_thinking = reasoning_is_shown(x->canon),
        .bytes_max = x->rules->answer_bytes_max,
    };
    return true;
}

bool outgoing_make(struct exchange *x, struct wire_complaint *why)
{
    struct attempt *a = &x->attempt;
    bool counts = x->target.ask == ASK_COUNT;

    a->translates = false;
    a->stream = x->request.stream && !counts && !embedding_is(x);
    a->asked = (struct translated){ .stop_count = 0 };
    if (embedding_is(x))
        return embedding_make(x, why);
    a->wire = outgoing_wire(x->target.protocol, a->upstream->wires);
    /* what another provider signed would be refused by this one: it is left out by translation */
    if (a->wire != x->target.protocol || x->target.ask == ASK_COMPLETE ||
        (x->request.doc.noticed && signature_any(x->r->body))) {
        if (!make_translated(x, why))
            return false;
    } else {
        a->part_count =
            wire_splice_request(&x->request, x->mapped, a->upstream->lacks.stream_options,
                                &x->r->arena, a->parts, &a->body_bytes);
    }
    a->op = counts ? OP_COUNT : a->stream ? OP_STREAM : OP_GENERATE;
    return true;
}

void outgoing_clear(struct exchange *x)
{
    translated_clear(&x->attempt.asked);
    if (x->attempt.collector != NULL)
        emitter_clear(x->attempt.collector);
    x->attempt.collector = NULL;
}
