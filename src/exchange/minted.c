#include "exchange/minted.h"

#include "base/fingerprint.h"
#include "base/json_write.h"
#include "wire/names.h"
#include "wire/signature.h"

#define OWNER_NOBODY ((struct key_id){ { 0 } })

static struct key_id owner_of(const struct exchange *x)
{
    return x->key != NULL ? x->key->id : OWNER_NOBODY;
}

/* Accounts at one service take each other's signatures. */
static struct minter minter_of(const struct exchange *x)
{
    const struct upstream *u = x->attempt.upstream;
    struct fingerprint f = { 0 };

    fingerprint_add(&f, provider_name(u->provider));
    fingerprint_add(&f, u->origin.authority);
    return (struct minter){ x->attempt.lease.account_id, (uint32_t)f.lane[0] };
}

/* Encrypted reasoning of OpenAI is the account's own, other signatures their provider's. */
static bool is_accounts_own(struct str blob)
{
    return str_starts(blob, STR("gAAAA"));
}

static bool takes(const struct exchange *x, struct str blob)
{
    struct ledger *l = x->env->ledger;
    struct key_id owner = owner_of(x);
    struct minter by, self = minter_of(x);

    if (!ledger_find(l, &owner, blob, &by))
        return true;
    return is_accounts_own(blob) ? by.account == self.account : by.realm == self.realm;
}

/* --- answers ----------------------------------------------------------------------------------*/

void minted_seen(void *peer, struct str blob)
{
    struct exchange *x = peer;
    struct key_id owner = owner_of(x);
    struct minter by = minter_of(x);

    if (x->env->ledger != NULL)
        ledger_mark(x->env->ledger, &owner, blob, &by);
}

void minted_seen_whole(struct exchange *x, struct str body)
{
    if (x->env->ledger == NULL)
        return;
    signature_scan(x->target.protocol, body, &x->env->scratch, minted_seen, x);
}

/* What a client of OpenAI Chat cannot give back, until the call it belongs to is known. */
struct lending {
    struct buf text;    /* of the open block of thinking, still escaped */
    struct buf records; /* of blocks that are closed: a JSON array of objects, not yet ended; null:
                         * where the text stood */
    struct signature sig;
    bool thinking, said;
};

#define LENDING_MAX ((size_t)1 << 20)

static struct signature kept_signature(struct exchange *x, const struct signature *sig)
{
    struct arena *a = &x->r->arena;

    return (struct signature){
        .signer = sig->signer,
        .blob = { arena_copy(a, sig->blob.escaped) },
        .item_id = arena_copy(a, sig->item_id),
        .redacted = sig->redacted,
    };
}

/* `thinks`: a block of thinking; else the signature is the call's own. */
static void add_record(struct lending *l, bool thinks)
{
    struct json_writer w;

    size_t before = l->records.len;

    if (!buf_add(&l->records, before > 0 ? STR(",") : STR("[")))
        return;

    w = json_writer(&l->records);
    json_put_object(&w);
    json_put_member_bool(&w, "thinks", thinks);
    json_put_member_i64(&w, "signer", l->sig.signer);
    json_put_member_bool(&w, "redacted", l->sig.redacted);
    json_put_member(&w, "item", l->sig.item_id);
    json_put_key(&w, STR("blob"));
    json_put_inside(&w, l->sig.blob.escaped);
    json_put_key(&w, STR("text"));
    json_put_inside(&w, thinks ? buf_str(&l->text) : STR(""));
    json_put_end(&w);
    if (!json_written(&w))
        l->records.len = before;
    l->sig = (struct signature){ .signer = SIGNER_NONE };
}

static void lend(struct exchange *x, const struct canon_event *ev)
{
    struct lending *l = x->lending;

    switch (ev->kind) {
    case CANON_OPEN:
        l->thinking = ev->block == BLOCK_THINKING || ev->block == BLOCK_REDACTED;
        if (l->thinking) {
            l->text.len = 0;
            return;
        }
        if (ev->block == BLOCK_TEXT && l->records.len > 0 && !l->said)
            l->said = buf_add(&l->records, STR(",null"));
        if (ev->block != BLOCK_TOOL)
            return;
        if (l->sig.signer != SIGNER_NONE)
            add_record(l, false);
        if (l->records.len > 0 && buf_add(&l->records, STR("]"))) {
            struct key_id owner = owner_of(x);

            ledger_lend(x->env->ledger, &owner,
                        call_id_for(WIRE_OPENAI_CHAT, ev->id, 0, &x->env->scratch),
                        buf_str(&l->records), loop_now(x->env->loop));
        }
        l->records.len = 0;
        l->said = false;
        return;
    case CANON_DELTA:
        if (l->thinking && !buf_add(&l->text, ev->text.escaped))
            l->thinking = false; /* longer than is kept: half of it would be refused */
        return;
    case CANON_SIGNATURE:
        l->sig = kept_signature(x, &ev->sig);
        return;
    case CANON_CLOSE:
        if (l->thinking && l->sig.signer != SIGNER_NONE)
            add_record(l, true);
        l->thinking = false;
        return;
    case CANON_FINISH:
        buf_clear(&l->text);
        buf_clear(&l->records);
        l->said = false;
        return;
    case CANON_START:
    case CANON_NOTE:
    case CANON_MEDIA:
    case CANON_SERVER:
    case CANON_USAGE:
    case CANON_END:
        return;
    }
}

void minted_event(void *peer, const struct canon_event *ev)
{
    struct exchange *x = peer;

    if (ev->kind == CANON_SIGNATURE && ev->sig.signer != SIGNER_NONE)
        minted_seen(x, text_plain(&x->env->scratch, ev->sig.blob));
    if (x->target.protocol != WIRE_OPENAI_CHAT || ev->choice != 0)
        return;
    if (x->lending == NULL) {
        if (ev->kind != CANON_SIGNATURE &&
            !(ev->kind == CANON_OPEN &&
              (ev->block == BLOCK_THINKING || ev->block == BLOCK_REDACTED)))
            return; /* most answers have nothing to lend */
        x->lending = arena_new(&x->r->arena, struct lending);
        buf_init(&x->lending->text, LENDING_MAX);
        buf_init(&x->lending->records, LENDING_MAX);
    }
    lend(x, ev);
}

void minted_clear(struct exchange *x)
{
    if (x->lending == NULL)
        return;
    buf_clear(&x->lending->text);
    buf_clear(&x->lending->records);
    *x->lending =
        (struct lending){ .text = { .max = LENDING_MAX }, .records = { .max = LENDING_MAX } };
}

/* --- requests ---------------------------------------------------------------------------------*/

bool minted_elsewhere(const void *peer, const struct signature *sig)
{
    const struct exchange *x = peer;
    struct arena a = { 0 };
    bool elsewhere = !takes(x, text_plain(&a, sig->blob));

    arena_free(&a);
    return elsewhere;
}

struct looking {
    const struct exchange *x;
    bool found;
};

static void look(void *peer, struct str blob)
{
    struct looking *l = peer;

    l->found = l->found || !takes(l->x, blob);
}

bool minted_elsewhere_any(struct exchange *x)
{
    struct ledger *l = x->env->ledger;
    enum wire wire = x->target.protocol;
    bool own = wire == WIRE_OPENAI_RESPONSES;
    struct looking looking = { x, false };

    if (l == NULL || !ledger_any_marked(l))
        return false;
    struct minter self = minter_of(x);

    if (!(own ? x->request.doc.noticed && ledger_has_other_account(l, self.account)
              : ledger_has_other_realm(l, self.realm)))
        return false;
    signature_scan(wire, x->r->body, &x->env->scratch, look, &looking);
    arena_reset(&x->env->scratch);
    return looking.found;
}

int64_t minted_home(const struct exchange *x)
{
    struct ledger *l = x->env->ledger;

    if (l == NULL || !x->request.doc.noticed || !ledger_has_other_account(l, 0))
        return 0;
    struct key_id owner = owner_of(x);
    struct arena a = { 0 };
    struct minter by = { 0 };
    struct text shown = signature_last(x->target.protocol, x->r->body);
    struct signature sig = signature_unwrap(shown, x->target.protocol, &a);
    struct str blob = text_plain(&a, sig.blob);

    if (!is_accounts_own(blob) || !ledger_find(l, &owner, blob, &by))
        by.account = 0;
    arena_free(&a);
    return by.account;
}

static bool has_signature(const struct message *m)
{
    for (const struct part *p = m->parts; p != NULL; p = p->next)
        if (p->sig.signer != SIGNER_NONE)
            return true;
    return false;
}

/* A record as a part at `link`, or as the call's own signature. Gives where the next one goes. */
static struct part **recall_one(struct arena *a, const struct json *doc, uint32_t node,
                                struct part **link, struct part *call)
{
    static const struct str names[] = { STR("thinks"), STR("signer"), STR("redacted"),
                                        STR("item"),   STR("blob"),   STR("text") };
    uint32_t m[COUNT(names)];
    int64_t signer = 0;
    struct signature sig = { .recalled = true };
    struct part *made;

    (void)json_members(doc, node, names, m, COUNT(names));
    (void)json_i64(doc, m[1], &signer);
    sig.signer = (enum signer)signer;
    sig.redacted = json_is_true(doc, m[2]);
    (void)json_text(doc, m[3], a, &sig.item_id);
    sig.blob = (struct text){ json_inside(doc, m[4]) };
    if (!json_is_true(doc, m[0])) {
        call->sig = sig;
        return link;
    }
    made = arena_new(a, struct part);
    *made = (struct part){ .kind = sig.redacted ? PART_REDACTED : PART_THINKING,
                           .at = PART_AT_NONE,
                           .next = *link,
                           .text = { json_inside(doc, m[5]) },
                           .sig = sig };
    *link = made;
    return &made->next;
}

/* Puts the records of `call` where they stood: those in front of a text at `front`, where the text
 * of the message begins; the others right before the call. */
static void recall(struct arena *a, const struct json *doc, struct part **front, struct part *call)
{
    uint32_t text = json_first(doc, 0);
    struct part **to = front;

    while (text != JSON_NONE && json_type(doc, text) != JSON_NULL)
        text = json_after(doc, 0, text);
    for (uint32_t n = json_first(doc, 0); n != JSON_NONE; n = json_after(doc, 0, n)) {
        bool ahead = text != JSON_NONE && n < text;

        while (!ahead && *to != call)
            to = &(*to)->next;
        if (n != text)
            to = recall_one(a, doc, n, to, call);
    }
}

void minted_recall(struct exchange *x, struct canon_request *r)
{
    struct ledger *l = x->env->ledger;
    struct arena *a = &x->r->arena;
    struct key_id owner = owner_of(x);

    if (l == NULL || r->protocol != WIRE_OPENAI_CHAT || !ledger_any_lent(l))
        return;
    for (struct message *m = r->messages; m != NULL; m = m->next) {
        if (m->role != ROLE_ASSISTANT || has_signature(m))
            continue;                    /* what the client gives back itself is nearer */
        struct part **front = &m->parts; /* behind the call before */

        for (struct part *call = m->parts; call != NULL; call = call->next) {
            struct str record;
            struct json doc;

            if (call->kind != PART_TOOL_CALL)
                continue;
            if (ledger_lent(l, &owner, call->call.id, loop_now(x->env->loop), a, &record) &&
                json_parse(&doc, record, NULL, a, NULL))
                recall(a, &doc, front, call);
            front = &call->next;
        }
    }
}
