#include "wire/prepare.h"

#include <stdlib.h>

/* The rules are what the providers answer 400 to when they are broken:
 *   OpenAI     every tool call is answered before another role speaks;
 *   Anthropic  results come first in the message behind their calls, roles alternate (messages of
 *              one role are merged), the first message is the user's, no text is empty;
 *   Gemini     as many functionResponse parts as functionCall parts, in one content behind them. */

struct preparation {
    struct request_writer *w;
    struct arena *a;
    const struct canon_request *client;
    const struct wire_target *t;
    struct canon_request *out;
    bool strict;            /* anthropic, gemini, cloudcode: roles alternate */
    bool google;            /* gemini, cloudcode */
    struct signature carry; /* google: of the part that comes next */
    size_t calls;           /* of the whole request */
};

/* --- copying parts ----------------------------------------------------------------------------*/

static bool signer_fits(const struct signature *sig, const struct wire_target *t)
{
    switch (t->wire) {
    case WIRE_OPENAI_CHAT: /* Copilot's reasoning_opaque; Gemini's own chat endpoint */
        return (sig->signer == SIGNER_OTHER && t->dialect == DIALECT_COPILOT) ||
               (sig->signer == SIGNER_GOOGLE && t->facts.gemini.generation > 0);
    case WIRE_OPENAI_RESPONSES:
        return sig->signer == SIGNER_OPENAI;
    case WIRE_ANTHROPIC:
        return sig->signer == SIGNER_ANTHROPIC;
    case WIRE_GEMINI:
    case WIRE_CLOUDCODE:
        return sig->signer == SIGNER_GOOGLE;
    case WIRES:
        break;
    }
    return false;
}

bool signature_fits(const struct signature *sig, const struct wire_target *t)
{
    return !t->lacks.signatures && signer_fits(sig, t) &&
           (t->foreign == NULL || !t->foreign(t->foreign_peer, sig));
}

static bool is_signed(const struct signature *sig)
{
    return sig->signer != SIGNER_NONE;
}

static struct part *append(struct preparation *p, struct message *to, const struct part *part,
                           const struct message *home)
{
    struct part *copy = message_add(to, p->a, part->kind, part->at);

    *copy = *part;
    copy->next = NULL;
    if (copy->home == NULL)
        copy->home = home;
    return copy;
}

static struct part *append_text(struct preparation *p, struct message *to, struct text text,
                                const struct part *of, const struct message *home)
{
    struct part *made = message_add(to, p->a, PART_TEXT, of == NULL ? PART_AT_NONE : of->at);

    made->text = text;
    made->home = home;
    if (of != NULL)
        made->cache = of->cache;
    return made;
}

static struct text around(struct preparation *p, struct text front, struct text text,
                          struct text behind)
{
    return text_join(p->a, text_join(p->a, front, text), behind);
}

/* Is the same thinking there with its signature, which the client could not give back? */
static bool is_recalled(const struct preparation *p, const struct message *m)
{
    for (const struct part *part = m->parts; part != NULL; part = part->next)
        if (part->kind == PART_THINKING && part->sig.recalled && signature_fits(&part->sig, p->t))
            return true;
    return false;
}

/* Thinking of this model goes back as it was. Others' is of no use to it: their signatures are
 * refused, and unsigned thinking is not theirs to check. */
static void copy_thinking(struct preparation *p, struct message *to, const struct part *part,
                          const struct message *home)
{
    bool fits = signature_fits(&part->sig, p->t);
    bool bare = text_is_empty(part->text);

    if (!fits && part->sig.recalled)
        return;
    if (fits && bare && p->google) {
        p->carry = part->sig;
    } else if (fits) {
        (void)append(p, to, part, home);
    } else if (!bare && p->t->wire == WIRE_OPENAI_CHAT && p->t->extras.replay_reasoning) {
        append(p, to, part, home)->sig = (struct signature){ .signer = SIGNER_NONE };
    } else if (!bare && p->t->keep_foreign_thinking) {
        (void)append_text(
            p, to, around(p, TEXT_LIT("<thinking>\\n"), part->text, TEXT_LIT("\\n</thinking>")),
            part, home);
    } else if ((!bare || part->kind == PART_REDACTED) && !is_recalled(p, home)) {
        lose_path(p->w, canon_path(p->client, home, part, p->a));
    }
}

static bool is_foreign(const struct preparation *p, enum wire wire)
{
    return wire != p->t->wire && !(p->google && wire == WIRE_GEMINI);
}

/* Is this a text that the target must not see? */
static bool is_nothing(const struct preparation *p, const struct part *part)
{
    return part->kind == PART_TEXT &&
           (p->t->wire == WIRE_ANTHROPIC ? text_is_blank(part->text) : text_is_empty(part->text));
}

/* Something that only the client's own provider understands. */
static bool is_private(const struct preparation *p, const struct part *part)
{
    return (part->kind == PART_OPAQUE || part->kind == PART_SERVER_CALL ||
            part->kind == PART_SERVER_RESULT) &&
           is_foreign(p, part->opaque.wire);
}

/* The parts of a result without those that say nothing, and in words what only its own provider
 * would understand; the list itself when there are none such. `worded`: there were. */
static struct part *copy_content(struct preparation *p, struct part *first, bool *worded)
{
    struct part *head = NULL, *last = NULL;
    bool clean = true;

    *worded = false;
    for (const struct part *part = first; part != NULL; part = part->next)
        clean = clean && !is_nothing(p, part) && !is_private(p, part);
    if (clean)
        return first;
    for (const struct part *part = first; part != NULL; part = part->next) {
        if (is_nothing(p, part))
            continue;
        if (is_private(p, part)) {
            part_append(&head, &last, p->a, PART_TEXT, part->at)->text =
                server_part_text(part, p->a);
            *worded = true;
            continue;
        }
        struct part *copy = part_append(&head, &last, p->a, part->kind, part->at);

        *copy = *part;
        copy->next = NULL;
    }
    return head;
}

/* Only a Gemini client can sign what is no thinking; what the gateway remembered is no loss. */
static void drop_foreign_signature(struct preparation *p, struct part *copy,
                                   const struct part *part, const struct message *home)
{
    if (signature_fits(&copy->sig, p->t))
        return;
    if (is_signed(&copy->sig) && !copy->sig.recalled) {
        struct str path = canon_path(p->client, home, part, p->a);

        lose_path(p->w, arena_printf(p->a, "%.*s.thoughtSignature", (int)path.len, path.at));
    }
    copy->sig = (struct signature){ .signer = SIGNER_NONE };
}

static void copy_part(struct preparation *p, struct message *to, const struct part *part,
                      const struct message *home)
{
    struct part *copy;

    switch (part->kind) {
    case PART_THINKING:
    case PART_REDACTED:
        copy_thinking(p, to, part, home);
        return;
    case PART_SERVER_CALL:
    case PART_SERVER_RESULT:
        if (is_foreign(p, part->opaque.wire)) {
            (void)append_text(p, to, server_part_text(part, p->a), part, home);
            approximate_path(p->w, canon_path(p->client, home, part, p->a));
            return;
        }
        break;
    case PART_OPAQUE:
        if (is_foreign(p, part->opaque.wire)) {
            lose_path(p->w, canon_path(p->client, home, part, p->a));
            return;
        }
        break;
    case PART_TEXT:
        if (is_nothing(p, part) && !(p->google && signature_fits(&part->sig, p->t)))
            return;
        break;
    case PART_IMAGE:
    case PART_DOCUMENT:
    case PART_AUDIO:
    case PART_VIDEO:
    case PART_TOOL_CALL:
    case PART_TOOL_RESULT:
    case PART_REFUSAL:
    case PART_SEARCH_RESULT:
        break;
    }
    copy = append(p, to, part, home);
    if (copy->kind == PART_TOOL_RESULT) {
        bool worded;

        copy->result.content = copy_content(p, part->result.content, &worded);
        if (worded)
            approximate_path(p->w, canon_path(p->client, home, part, p->a));
    }
    if (copy->kind == PART_TOOL_CALL)
        p->calls++;
    drop_foreign_signature(p, copy, part, home);
    if (is_signed(&p->carry) && !is_signed(&copy->sig))
        copy->sig = p->carry;
    p->carry = (struct signature){ .signer = SIGNER_NONE };
}

/* --- copying messages -------------------------------------------------------------------------*/

static bool has_kind(const struct message *m, enum part_kind kind)
{
    for (const struct part *part = m->parts; part != NULL; part = part->next)
        if (part->kind == kind)
            return true;
    return false;
}

/* A system message in the middle, in the user's mouth. */
static void copy_wrapped(struct preparation *p, const struct message *from)
{
    struct message *to = canon_add_message(p->out, p->a, ROLE_USER, from->at);

    for (const struct part *part = from->parts; part != NULL; part = part->next) {
        if (part->kind != PART_TEXT || text_is_blank(part->text))
            continue;
        (void)append_text(p, to,
                          around(p, TEXT_LIT("<system>\\n"), part->text, TEXT_LIT("\\n</system>")),
                          part, from);
    }
    approximate_path(p->w, canon_path(p->client, from, NULL, p->a));
}

static void copy_message(struct preparation *p, const struct message *from)
{
    struct message *to = p->out->last;
    bool joins = to != NULL && from->role == ROLE_ASSISTANT && to->role == ROLE_ASSISTANT &&
                 has_kind(to, PART_TOOL_CALL);

    if (from->role == ROLE_SYSTEM && p->strict &&
        !(p->t->wire == WIRE_ANTHROPIC && p->t->facts.anthropic.system_messages)) {
        copy_wrapped(p, from);
        return;
    }
    if (!joins) {
        to = canon_add_message(p->out, p->a, from->role, from->at);
        to->developer = from->developer;
        to->phase = from->phase;
        to->name = from->name;
    }
    for (const struct part *part = from->parts; part != NULL; part = part->next)
        copy_part(p, to, part, from);
    if (is_signed(&p->carry)) { /* behind the last part: an empty text carries it */
        append_text(p, to, TEXT_EMPTY, NULL, from)->sig = p->carry;
        p->carry = (struct signature){ .signer = SIGNER_NONE };
    }
    if (to->parts == NULL && to->role == ROLE_USER) { /* it stays a turn */
        (void)append_text(p, to, TEXT_LIT("(empty)"), NULL, from);
        approximate_path(p->w, canon_path(p->client, from, NULL, p->a));
    }
}

/* --- calls and their results ------------------------------------------------------------------*/

struct slot {
    struct part *call, *result;
    struct str id; /* as the client said it */
    uint32_t order;
};

/* The calls of one message, to be found by id or by name in O(log n). `taken` counts, at the first
 * slot of a group of equals, how many of them have their result. */
struct pairing {
    struct slot *slots; /* in order */
    uint32_t count;
    uint32_t *by_id, *by_name, *taken_id, *taken_name;
    uint32_t taken;
};

struct sort_key {
    struct str key;
    uint32_t order;
};

static int by_key(const void *one, const void *two)
{
    const struct sort_key *x = one, *y = two;
    int keys = str_cmp(x->key, y->key);

    return keys != 0 ? keys : (x->order > y->order) - (x->order < y->order);
}

static uint32_t *sorted(struct preparation *p, struct sort_key *keys, uint32_t count)
{
    uint32_t *order = arena_array(p->a, uint32_t, count);

    qsort(keys, count, sizeof *keys, by_key);
    for (uint32_t i = 0; i < count; i++)
        order[i] = keys[i].order;
    return order;
}

static void pairing_init(struct preparation *p, struct pairing *q, struct message *m)
{
    struct sort_key *keys;

    *q = (struct pairing){ .count = 0 };
    for (struct part *part = m->parts; part != NULL; part = part->next)
        q->count += part->kind == PART_TOOL_CALL;
    q->slots = arena_array(p->a, struct slot, q->count);
    keys = arena_array(p->a, struct sort_key, q->count);
    q->taken_id = arena_array(p->a, uint32_t, q->count);
    q->taken_name = arena_array(p->a, uint32_t, q->count);
    uint32_t n = 0;

    for (struct part *part = m->parts; part != NULL; part = part->next)
        if (part->kind == PART_TOOL_CALL) {
            q->slots[n] = (struct slot){ .call = part, .id = part->call.id, .order = n };
            n++;
        }
    for (uint32_t i = 0; i < n; i++)
        keys[i] = (struct sort_key){ q->slots[i].id, i };
    q->by_id = sorted(p, keys, n);
    for (uint32_t i = 0; i < n; i++)
        keys[i] = (struct sort_key){ q->slots[i].call->call.name, i };
    q->by_name = sorted(p, keys, n);
}

static struct str slot_key(const struct pairing *q, uint32_t slot, bool name)
{
    return name ? q->slots[slot].call->call.name : q->slots[slot].id;
}

/* The next slot of the group `key` that has no result, else the last of the group, else NULL. */
static struct slot *find_slot(struct pairing *q, struct str key, bool name)
{
    const uint32_t *order = name ? q->by_name : q->by_id;
    uint32_t *taken = name ? q->taken_name : q->taken_id;
    uint32_t low = 0, high = q->count;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (str_cmp(slot_key(q, order[mid], name), key) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == q->count || !str_eq(slot_key(q, order[low], name), key))
        return NULL;
    for (;;) {
        uint32_t at = low + taken[low];

        if (q->slots[order[at]].result == NULL)
            return &q->slots[order[at]];
        if (at + 1 == q->count || !str_eq(slot_key(q, order[at + 1], name), key))
            return &q->slots[order[at]];
        taken[low]++;
    }
}

static struct slot *slot_of(struct pairing *q, const struct tool_result *r)
{
    struct slot *found = r->call_id.len > 0 ? find_slot(q, r->call_id, false) : NULL;

    if (found != NULL)
        return found;
    if (r->name.len > 0) {
        found = find_slot(q, r->name, true);
        /* an id that is no call's: only a call without one may be meant */
        if (found != NULL && found->result == NULL && (r->call_id.len == 0 || found->id.len == 0))
            return found;
        return NULL;
    }
    if (r->call_id.len > 0)
        return NULL;
    while (q->taken < q->count && q->slots[q->taken].result != NULL)
        q->taken++;
    return q->taken < q->count ? &q->slots[q->taken] : NULL;
}

/* A second result of one call: its parts behind those of the first. */
static void join_result(struct preparation *p, struct part *first, const struct part *more)
{
    struct part *head = NULL, *last = NULL;
    const struct part *const lists[] = { first->result.content, more->result.content };

    for (size_t i = 0; i < COUNT(lists); i++)
        for (const struct part *part = lists[i]; part != NULL; part = part->next) {
            struct part *copy = part_append(&head, &last, p->a, part->kind, part->at);

            *copy = *part;
            copy->next = NULL;
        }
    first->result.content = head;
    first->result.response = STR("");
    first->result.is_error = first->result.is_error || more->result.is_error;
    approximate_path(p->w, canon_path(p->client, NULL, more, p->a));
}

/* A result that answers nothing: in words, and what else it holds behind them. */
static void unpair(struct preparation *p, struct message *to, const struct part *part)
{
    struct text id =
        text_from(p->a, part->result.call_id.len > 0 ? part->result.call_id : part->result.name);
    struct text front = around(p, TEXT_LIT("Tool result ("), id, TEXT_LIT("): "));

    append_text(p, to, text_join(p->a, front, parts_text(part->result.content, p->a)), part,
                part->home);
    for (const struct part *more = part->result.content; more != NULL; more = more->next)
        if (more->kind != PART_TEXT)
            append(p, to, more, part->home)->at = part->at;
    approximate_path(p->w, canon_path(p->client, NULL, part, p->a));
}

/* Takes the results out of a message of the user: into their slots, or as text where they stood.
 * `q` NULL: no call came before. */
static void take_results(struct preparation *p, struct message *m, struct pairing *q)
{
    struct part *part = m->parts, *next;

    m->parts = m->last = NULL;
    for (; part != NULL; part = next) {
        struct slot *slot =
            part->kind == PART_TOOL_RESULT && q != NULL ? slot_of(q, &part->result) : NULL;

        next = part->next;
        part->next = NULL;
        if (part->kind == PART_TOOL_RESULT && slot == NULL) {
            unpair(p, m, part);
        } else if (part->kind == PART_TOOL_RESULT && slot->result != NULL) {
            join_result(p, slot->result, part);
        } else if (part->kind == PART_TOOL_RESULT) {
            slot->result = part;
        } else {
            if (m->last == NULL)
                m->parts = part;
            else
                m->last->next = part;
            m->last = part;
        }
    }
}

static struct part *missing_result(struct preparation *p, const struct part *call)
{
    struct part *made = arena_new(p->a, struct part), *last = NULL;

    made->kind = PART_TOOL_RESULT;
    made->at = PART_AT_NONE;
    made->result.is_error = true;
    part_append(&made->result.content, &last, p->a, PART_TEXT, PART_AT_NONE)->text =
        TEXT_LIT("[no result]");
    approximate_path(p->w, canon_path(p->client, NULL, call, p->a));
    return made;
}

/* The results at the front of `to`, in the order of the calls. */
static void put_results(struct preparation *p, struct pairing *q, struct message *to)
{
    struct part *first = NULL, *last = NULL;

    for (uint32_t i = 0; i < q->count; i++) {
        const struct tool_call *call = &q->slots[i].call->call;
        struct part *result = q->slots[i].result;

        if (result == NULL)
            result = q->slots[i].result = missing_result(p, q->slots[i].call);
        result->result.call_id = call->id;
        result->result.name = call->name;
        result->result.custom = call->custom;
        if (last == NULL)
            first = result;
        else
            last->next = result;
        last = result;
    }
    assert(last != NULL); /* there are calls */
    last->next = to->parts;
    if (to->last == NULL)
        to->last = last;
    to->parts = first;
}

/* The message behind `m`: the user's, for results; made when another one stands there. */
static struct message *results_message(struct preparation *p, struct message *m)
{
    struct message *to = m->next;

    if (to != NULL && to->role == ROLE_USER)
        return to;
    to = arena_new(p->a, struct message);
    to->role = ROLE_USER;
    to->at = PART_AT_NONE;
    to->next = m->next;
    m->next = to;
    if (p->out->last == m)
        p->out->last = to;
    return to;
}

/* Calls of one assistant message and the results up to the next one. */
static bool pair_message(struct preparation *p, struct message *m, uint64_t index)
{
    struct pairing q;

    if (m->next == NULL)
        return refuse_path(p->w, canon_path(p->client, NULL, NULL, p->a),
                           STR("the conversation ends with a tool call that has no result"));
    pairing_init(p, &q, m);
    for (uint32_t i = 0; i < q.count; i++)
        if (q.slots[i].id.len == 0)
            q.slots[i].call->call.id = call_id_made(q.slots[i].call->call.name, index, i, p->a);
    for (struct message *u = m->next; u != NULL && u->role != ROLE_ASSISTANT; u = u->next)
        if (u->role == ROLE_USER)
            take_results(p, u, &q);
    put_results(p, &q, results_message(p, m));
    return true;
}

/* An id stands for one call in a request (Anthropic refuses others; some servers count from 0 in
 * each answer). Results stand where their calls' do, so both are walked at once. */
static void make_ids_unique(struct preparation *p)
{
    struct sort_key *keys = arena_array(p->a, struct sort_key, p->calls);
    struct part **calls = arena_array(p->a, struct part *, p->calls);
    struct part **results = arena_array(p->a, struct part *, p->calls);
    uint32_t n = 0;

    for (struct message *m = p->out->messages; m != NULL; m = m->next) {
        struct part *result = m->next != NULL ? m->next->parts : NULL;

        for (struct part *part = m->parts; part != NULL; part = part->next) {
            if (part->kind != PART_TOOL_CALL)
                continue;
            assert(result != NULL); /* they were paired */
            keys[n] = (struct sort_key){ part->call.id, n };
            calls[n] = part;
            results[n++] = result;
            result = result->next;
        }
    }
    qsort(keys, n, sizeof *keys, by_key);
    for (uint32_t i = 1, same = 0; i < n; i++) {
        same = str_eq(keys[i].key, keys[i - 1].key) ? same + 1 : 0;
        if (same == 0)
            continue;
        struct str made = call_id_made(keys[i].key, UINT64_MAX, same, p->a);

        calls[keys[i].order]->call.id = made;
        results[keys[i].order]->result.call_id = made;
    }
}

static bool pair(struct preparation *p)
{
    bool behind_calls = false;
    uint64_t index = 0;

    for (struct message *m = p->out->messages; m != NULL; m = m->next, index++) {
        if (m->role == ROLE_ASSISTANT) {
            behind_calls = has_kind(m, PART_TOOL_CALL);
            if (behind_calls && !pair_message(p, m, index))
                return false;
        } else if (m->role == ROLE_USER && !behind_calls && has_kind(m, PART_TOOL_RESULT)) {
            take_results(p, m, NULL);
        }
    }
    if (p->calls > 1)
        make_ids_unique(p);
    return true;
}

/* --- the list as a whole ----------------------------------------------------------------------*/

static void merge(struct message *to, struct message *from)
{
    if (from->parts == NULL)
        return;
    if (to->last == NULL)
        to->parts = from->parts;
    else
        to->last->next = from->parts;
    to->last = from->last;
}

/* The user speaks first. */
static void begin(struct preparation *p)
{
    struct message *m = canon_add_message(p->out, p->a, ROLE_USER, PART_AT_NONE);

    (void)append_text(p, m, TEXT_LIT("(continue)"), NULL, NULL);
    approximate_path(p->w, canon_path(p->client, NULL, NULL, p->a));
}

/* Empty messages go, messages of one role become one where they must, the user begins. */
static void arrange(struct preparation *p)
{
    struct message *m = p->out->messages, *next;

    p->out->messages = p->out->last = NULL;
    p->out->message_count = 0;
    for (; m != NULL; m = next) {
        next = m->next;
        m->next = NULL;
        if (m->parts == NULL)
            continue;
        if (p->strict && p->out->last == NULL && m->role == ROLE_ASSISTANT)
            begin(p);
        if (p->strict && p->out->last != NULL && p->out->last->role == m->role) {
            merge(p->out->last, m);
            continue;
        }
        if (p->out->last == NULL)
            p->out->messages = m;
        else
            p->out->last->next = m;
        p->out->last = m;
        p->out->message_count++;
    }
    if (p->strict && p->out->messages == NULL)
        begin(p);
}

bool prepare_request(struct request_writer *w, const struct canon_request *client,
                     struct canon_request *out)
{
    struct preparation p = {
        .w = w,
        .a = w->a,
        .client = client,
        .t = w->t,
        .out = out,
        .google = w->t->wire == WIRE_GEMINI || w->t->wire == WIRE_CLOUDCODE,
    };

    p.strict = p.google || w->t->wire == WIRE_ANTHROPIC;
    *out = *client;
    out->messages = out->last = NULL;
    out->message_count = 0;
    for (const struct message *m = client->messages; m != NULL; m = m->next)
        copy_message(&p, m);
    if (!pair(&p))
        return false;
    arrange(&p);
    return true;
}

const struct message *turn_begin(const struct canon_request *r)
{
    const struct message *found = r->messages;

    for (const struct message *m = r->messages; m != NULL; m = m->next)
        if (m->role == ROLE_USER && !has_kind(m, PART_TOOL_RESULT))
            found = m;
    return found;
}
