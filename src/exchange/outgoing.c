/* exchange/outgoing.c - what goes upstream: the client's own bytes with the declared edits, or the
 * request translated for the account's wire. */
#include "exchange/exchange_int.h"
#include "exchange/history.h"
#include "exchange/minted.h"

#include "http/limits.h"
#include "wire/reasoning.h"
#include "wire/signature.h"

#define TRANSLATED_GROWTH 2 /* how many times the client's bytes a translated body may have … */
#define TRANSLATED_MORE ((size_t)1 << 20) /* … and so much beside them */
#define PAUSES_OF_TOOLS 5                 /* of one answer */
#define PAUSES_OF_LENGTH 8
#define PAUSES_SINCE 4 /* generation of Gemini whose answers may need several requests */

uint32_t outgoing_wires(const struct door_target *t)
{
    if (t->ask == ASK_COMPACT)
        return WIRE_BIT(t->protocol);
    if (t->ask == ASK_IMAGE || t->ask == ASK_IMAGE_EDIT || t->ask == ASK_TRANSCRIBE)
        return WIRE_MEDIA;
    if (t->ask == ASK_EMBED || t->ask == ASK_EMBED_BATCH)
        return WIRE_BIT(WIRE_OPENAI_CHAT) | WIRE_BIT(WIRE_GEMINI);
    return WIRES_ALL;
}

enum wire outgoing_wire(enum wire protocol, uint32_t wires)
{
    static const enum wire best[] = { WIRE_OPENAI_RESPONSES, WIRE_ANTHROPIC, WIRE_GEMINI,
                                      WIRE_CLOUDCODE, WIRE_OPENAI_CHAT };

    if (wires & WIRE_BIT(protocol))
        return protocol;
    for (size_t i = 0; i < COUNT(best); i++)
        if (wires & WIRE_BIT(best[i]))
            return best[i];
    assert(false); /* the pool gave an account over none of the wires that were asked for */
    return protocol;
}

bool canon_read(struct exchange *x, struct wire_complaint *why)
{
    if (x->canon != NULL)
        return true;
    struct canon_request *r = arena_new(&x->r->body_arena, struct canon_request);
    struct str body = x->r->body;

    if (x->history != NULL && x->history->refers) {
        if (!history_tell(x, why))
            return false;
        body = x->history->body;
    }
    if (!translate_read(x->target.protocol, body, x->target.model, x->target.stream,
                        &x->r->body_arena, r, why)) {
        why->param = history_path(x, why->param);
        return false;
    }
    history_rename(x, &r->unread);
    if (x->target.ask == ASK_COMPLETE && !r->legacy) {
        *why = (struct wire_complaint){ .param = STR("prompt"), .message = STR("is missing") };
        return false;
    }
    if (x->history != NULL && x->history->keeps) { /* here: not lost */
        r->store = TRI_UNSET;
        r->where[FIELD_STORE] = STR("");
    }
    minted_recall(x, r);
    x->canon = r;
    return true;
}

static bool is_strict(const struct exchange *x)
{
    struct str value = http_field_value(x->r->head, STR("x-penstock-strict"));

    return value.len > 0 ? str_eq(value, STR("1")) || str_ieq(value, STR("true"))
                         : x->rules->strict;
}

bool outgoing_may_lose(struct exchange *x, const struct losses *losses, struct wire_complaint *why)
{
    const struct losses *lists[] = { losses, x->canon != NULL ? &x->canon->unread : losses };

    for (size_t i = COUNT(lists); i-- > 0;)
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

/* What the name of an image model says, where the request itself does not. */
static void take_image(struct exchange *x)
{
    struct canon_request *r = x->canon;

    if (x->image_asked == NULL) {
        if (x->image.size.len + x->image.aspect.len == 0)
            return;
        x->image_asked = arena_new(&x->r->arena, struct image_asked);
        *x->image_asked = (struct image_asked){ r->image, r->where[FIELD_IMAGE] };
    }
    r->image = x->image_asked->image;
    r->where[FIELD_IMAGE] = x->image_asked->where;
    if (x->image.size.len + x->image.aspect.len == 0)
        return;
    if (r->where[FIELD_IMAGE].len == 0)
        r->where[FIELD_IMAGE] = STR("model");
    if (r->image.size.len == 0 || str_eq(r->image.size, STR("auto")))
        r->image.size = x->image.size;
    if (r->image.aspect.len == 0)
        r->image.aspect = x->image.aspect;
}

/* What the attempt's account is known to refuse. */
static const struct repairs *known_repairs(const struct exchange *x)
{
    return repairs_find(&x->env->repairs, x->attempt.lease.account_id, x->mapped,
                        loop_now(x->env->loop));
}

/* Who is written for, with what is known of it. */
static void find_target(struct exchange *x, const struct repairs *known, struct wire_target *t)
{
    const struct attempt *a = &x->attempt;

    upstream_target(a->upstream, &x->env->facts, a->wire, x->mapped, t);
    if (known != NULL)
        wire_lacks_add(&t->lacks, &known->lacks);
    t->lacks.signatures = t->lacks.signatures || x->signatures_refused;
    if (x->env->ledger != NULL) {
        t->foreign = minted_elsewhere;
        t->foreign_peer = x;
    }
    if (t->dialect == DIALECT_CODEX)
        t->cache_key = exchange_session_text(x);
    t->count = x->target.ask == ASK_COUNT;
    /* long answers of these arrive only when they are streamed (wire anthropic: idle connections
     * are cut), or not at all otherwise; the client still gets what it asked for */
    t->stream =
        x->canon->stream || t->dialect == DIALECT_CODEX || (a->wire == WIRE_ANTHROPIC && !t->count);
}

/* How many times a turn is gone on with that its provider pauses. Clients of that provider do it
 * themselves. */
static uint32_t pauses_of(const struct exchange *x, const struct model_facts *f)
{
    enum wire wire = x->attempt.wire;

    if (x->target.ask == ASK_COUNT || x->canon->n > 1)
        return 0;
    if (wire == WIRE_ANTHROPIC)
        return x->target.protocol != wire && x->canon->server_tools != NULL ? PAUSES_OF_TOOLS : 0;
    return f->gemini.generation >= PAUSES_SINCE ? PAUSES_OF_LENGTH : 0;
}

static bool make_translated(struct exchange *x, const struct repairs *known,
                            struct wire_complaint *why)
{
    struct attempt *a = &x->attempt;
    struct crossing *c = attempt_crossing(x);
    struct wire_target t;

    if (!canon_read(x, why))
        return false;
    take_image(x);
    find_target(x, known, &t);
    a->stream = t.stream && !t.count;
    if (!translate_write(x->canon, &t, x->canon->body.len * TRANSLATED_GROWTH + TRANSLATED_MORE,
                         &x->r->body_arena, &c->asked, why)) {
        why->param = history_path(x, why->param);
        return false;
    }
    history_rename(x, &c->asked.losses);
    if (!outgoing_may_lose(x, &c->asked.losses, why))
        return false;
    a->translates = true;
    a->part_count = translated_parts(&c->asked, &a->parts, &a->body_bytes);
    c->encode = (struct encode_options){
        .protocol = x->target.protocol,
        .request = x->canon,
        .names = &c->asked.names,
        .model = x->request.model,
        .id = str_drop(str_c(x->request_id), 4),
        .created_unix_s = clock_unix_ms() / 1000,
        .json_array = x->target.json_array,
        .show_thinking = reasoning_is_shown(x->canon),
        .on_event = x->env->ledger != NULL ? minted_event : NULL,
        .stores = x->history != NULL && x->history->keeps,
        .previous_response = x->history != NULL ? x->history->previous : STR(""),
        .on_response = x->history != NULL ? history_keep : NULL,
        .peer = x,
        .image_markdown = x->rules->chat_image_markdown,
        .bytes_max = x->rules->answer_bytes_max,
        .pauses_max = pauses_of(x, &t.facts),
    };
    return true;
}

bool outgoing_go_on(struct exchange *x, struct emitter *e)
{
    struct attempt *a = &x->attempt;
    struct crossing *c = a->crossing;
    struct canon_request turn;
    struct wire_complaint why;
    struct wire_target t;
    size_t most = x->canon->body.len * TRANSLATED_GROWTH + TRANSLATED_MORE;

    translated_clear(&c->on);
    find_target(x, known_repairs(x), &t);
    translator_resume(e->translator, x->canon, &x->r->arena, &turn);
    if (!translate_write(&turn, &t, most + x->rules->answer_bytes_max, &x->r->arena, &c->on, &why))
        return false;
    a->part_count = translated_parts(&c->on, &a->parts, &a->body_bytes);
    emitter_go_on(e, &c->on);
    return true;
}

bool outgoing_translate(struct exchange *x, struct wire_complaint *why)
{
    return make_translated(x, known_repairs(x), why);
}

struct crossing *attempt_crossing(struct exchange *x)
{
    if (x->attempt.crossing == NULL)
        x->attempt.crossing = arena_new(&x->r->body_arena, struct crossing);
    return x->attempt.crossing;
}

void outgoing_splice(struct exchange *x, const struct wire_splice *s)
{
    struct attempt *a = &x->attempt;

    a->parts = arena_alloc_raw(&x->r->body_arena,
                               sizeof(struct str) * WIRE_SPLICE_PARTS_OF(s->change_count));
    a->part_count =
        wire_splice_request(&x->request, s, &x->r->body_arena, a->parts, &a->body_bytes);
}

/* What passes, with the declared edits. */
static void make_passing(struct exchange *x, const struct repairs *known)
{
    struct attempt *a = &x->attempt;
    struct wire_splice s = { .model = x->mapped, .no_usage = a->upstream->lacks.stream_options };

    if (known != NULL && !is_strict(x)) {
        s.no_usage = s.no_usage || known->lacks.stream_options;
        s.changes = known->changes;
        s.change_count = known->change_count;
        for (size_t i = 0; i < s.change_count; i++)
            if (wire_has_member(&x->request, s.changes[i].member))
                losses_add(&attempt_crossing(x)->asked.losses, &x->r->arena, s.changes[i].member,
                           s.changes[i].rename.len > 0);
    }
    outgoing_splice(x, &s);
}

#define REPAIRS_OF_ONE 3 /* second tries of one exchange */

bool outgoing_repair(struct exchange *x, const struct judge_words *words)
{
    const struct attempt *a = &x->attempt;
    struct repair r;

    if (x->repaired >= REPAIRS_OF_ONE || is_strict(x) || embedding_is(x) || media_is(x) ||
        x->target.ask == ASK_COMPACT || !provider_repair(a->wire, words, &r))
        return false;
    if (r.lacks.signatures) {
        if (x->signatures_refused)
            return false;
        x->signatures_refused = true;
        x->repaired++;
        return true;
    }
    if (!a->translates && !r.lacks.stream_options &&
        (r.change.member.len == 0 || !wire_has_member(&x->request, r.change.member)))
        return false;
    if (!repairs_learn(&x->env->repairs, a->lease.account_id, x->mapped, &r,
                       loop_now(x->env->loop)))
        return false;
    x->repaired++;
    return true;
}

/* Who has spoken last is told to the provider, so it must be known. */
static bool find_turn(struct exchange *x, struct wire_complaint *why)
{
    if (x->target.ask == ASK_COUNT)
        return true;
    if (!canon_read(x, why))
        return false;
    x->attempt.turn = turn_of(x->canon);
    return true;
}

bool outgoing_make(struct exchange *x, struct wire_complaint *why)
{
    struct attempt *a = &x->attempt;
    bool counts = x->target.ask == ASK_COUNT;
    const struct repairs *known = known_repairs(x);

    a->translates = a->goes_on = false;
    a->stream = x->request.stream && !counts && !embedding_is(x);
    if (a->crossing != NULL)
        buf_clear(&a->crossing->made); /* of the attempt before */
    a->crossing = NULL;
    if (embedding_is(x))
        return embedding_make(x, why);
    if (media_is(x))
        return media_make(x, why);
    enum wire_dialect dialect = upstream_dialect(a->upstream);

    a->wire = outgoing_wire(x->target.protocol, a->lease.wires);
    if (x->target.ask == ASK_COMPACT) {
        if (dialect == DIALECT_COPILOT) {
            *why = (struct wire_complaint){
                .param = STR("model"),
                .message = STR("this account cannot make a conversation shorter"),
            };
            return false;
        }
        a->stream = false;
        make_passing(x, known);
        a->op = OP_COMPACT;
        return true;
    }
    if (dialect == DIALECT_COPILOT && !find_turn(x, why))
        return false;
    /* what another provider signed would be refused by this one: it is left out by translation;
     * and what an image model's name says is said in the body */
    if (x->image.size.len + x->image.aspect.len > 0 || a->wire != x->target.protocol ||
        x->target.ask == ASK_COMPLETE || x->signatures_refused ||
        !dialect_takes(dialect, &x->request) || history_is_told(x) ||
        (x->request.doc.noticed && signature_any(x->r->body)) || minted_elsewhere_any(x)) {
        if (!make_translated(x, known, why))
            return false;
    } else {
        make_passing(x, known);
    }
    a->op = counts ? OP_COUNT : a->stream ? OP_STREAM : OP_GENERATE;
    return true;
}

void outgoing_clear(struct exchange *x)
{
    struct crossing *c = x->attempt.crossing;

    if (c == NULL)
        return;
    translated_clear(&c->asked);
    translated_clear(&c->on);
    if (c->collector != NULL)
        emitter_clear(c->collector);
    c->collector = NULL;
}
