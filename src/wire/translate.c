#include "wire/translate.h"

#include <stdlib.h>

#include "wire/format_int.h"
#include "wire/prepare.h"

static const struct converter *const converters[WIRES] = {
    [WIRE_OPENAI_CHAT] = &convert_openai_chat, [WIRE_OPENAI_RESPONSES] = &convert_openai_responses,
    [WIRE_ANTHROPIC] = &convert_anthropic,     [WIRE_GEMINI] = &convert_gemini,
    [WIRE_CLOUDCODE] = &convert_cloudcode,
};

#define BODY_FIRST ((size_t)4 << 10)     /* bytes that a body gets room for at once, at most */
#define BODY_MORE ((size_t)256)          /* … beside the client's */
#define WHOLE_MORE ((size_t)1 << 10)     /* … of an answer in one piece beside its texts */
#define ARGUMENTS_MAX ((size_t)4 << 20)  /* bytes of one call's arguments kept for checking */
#define RESUME_MAX ((size_t)1 << 20)     /* bytes of a token for going on */
#define ARGUMENTS_KEPT ((size_t)4 << 10) /* room that stays for the next call */

/* --- requests ---------------------------------------------------------------------------------*/

bool translate_read(enum wire protocol, struct str body, struct str path_model, bool stream,
                    struct arena *a, struct canon_request *out, struct wire_complaint *why)
{
    struct json doc;
    struct json_fault fault = { 0 };

    assert(protocol < PROTOCOLS);
    *out = (struct canon_request){
        .protocol = protocol,
        .model = path_model,
        .stream = stream,
        .body = body,
        .top_logprobs = -1,
    };
    if (!json_parse(&doc, body, NULL, a, &fault)) {
        *why = (struct wire_complaint){
            .message = arena_printf(a, "the request body cannot be read: %s (byte %zu)", fault.what,
                                    fault.at),
            .too_large = fault.limit,
        };
        return false;
    }
    if (json_type(&doc, 0) != JSON_OBJECT)
        return complain(why, STR(""), STR("the request body must be a JSON object"));
    return converters[protocol]->read(&doc, out, a, why);
}

/* The stop sequences that the writer could not pass on. */
static void keep_stops(struct translated *out, const struct canon_request *r, uint64_t native,
                       struct arena *a)
{
    struct text *texts = NULL;

    for (size_t i = 0; i < r->stop_count; i++) {
        if ((i < 64 && (native >> i & 1) != 0) || text_is_empty(r->stop[i]))
            continue;
        if (texts == NULL)
            texts = arena_array(a, struct text, r->stop_count);
        texts[out->stop_count++] = r->stop[i];
    }
    out->stops = texts;
}

bool translate_write(const struct canon_request *r, const struct wire_target *t, size_t bytes_max,
                     struct arena *a, struct translated *out, struct wire_complaint *why)
{
    struct canon_request prepared;
    struct json_writer json;
    struct request_writer w = {
        .r = r,
        .t = t,
        .a = a,
        .w = &json,
        .losses = &out->losses,
        .names = &out->names,
        .why = why,
    };

    *out = (struct translated){ .stop_count = 0 };
    *why = (struct wire_complaint){ .too_large = false };
    buf_init(&out->body, bytes_max);
    /* about as long as the client's, but that long pieces stay there */
    (void)buf_reserve(&out->body, r->body.len < BODY_FIRST ? r->body.len + BODY_MORE : BODY_FIRST);
    out->loans = (struct json_loans){ .lender = r->body, .a = a };
    json = json_writer(&out->body);
    json.loans = &out->loans;
    names_make(&out->names, r, t->wire, a);
    if (t->wire != r->protocol)
        lose_details(&w);
    if (!prepare_request(&w, r, &prepared))
        return false;
    w.r = &prepared;
    if (t->wire != r->protocol && !lose_extras(&w))
        return false;
    if (!converters[t->wire]->write(&w))
        return false;
    if (!json_written(&json)) {
        *why = (struct wire_complaint){
            .message = STR("the request grows too large in the form this account needs"),
            .too_large = true,
        };
        return false;
    }
    keep_stops(out, r, w.stops_native, a);
    out->written = w.written;
    return true;
}

size_t translated_parts(const struct translated *t, struct str **parts, size_t *bytes)
{
    *bytes = t->body.len + t->loans.bytes;
    return json_loans_parts(&t->loans, buf_str(&t->body), parts);
}

void translated_clear(struct translated *t)
{
    buf_clear(&t->body);
}

/* --- events on their way ----------------------------------------------------------------------*/

static void pass(struct translator *t, const struct canon_event *ev)
{
    if (t->o.on_event != NULL)
        t->o.on_event(t->o.peer, ev);
    if (t->answer != NULL)
        canon_answer_take(t->answer, ev);
    else
        t->to->encode.event(&t->encoder, ev);
}

/* Arguments of a call: kept until they are whole, so that half of them never end as a success. */
static void check_arguments(struct translator *t, const struct canon_event *ev)
{
    if (ev->kind == CANON_OPEN) {
        t->arguments.len = 0;
        t->unchecked = ev->custom;
    } else if (ev->kind == CANON_DELTA) {
        t->unchecked = t->unchecked || !json_unescape(&t->arguments, ev->text.escaped);
    } else if (ev->kind == CANON_CLOSE) {
        if (!t->unchecked && !arguments_are_json(buf_str(&t->arguments)))
            t->bad_arguments = true;
        if (t->arguments.cap > ARGUMENTS_KEPT)
            buf_clear(&t->arguments);
    }
}

/* A call without arguments is an empty text on some wires; the clients of others parse it. */
static void put_no_arguments(struct translator *t, const struct canon_event *close)
{
    struct canon_event none = *close;

    if (t->unchecked || t->arguments.len > 0)
        return;
    none.kind = CANON_DELTA;
    none.text = TEXT_LIT("{}");
    pass(t, &none);
}

static bool is_content(const struct canon_event *ev)
{
    switch (ev->kind) {
    case CANON_DELTA:
        return !text_is_empty(ev->text);
    case CANON_MEDIA:
    case CANON_SERVER:
        return true;
    case CANON_CLOSE: /* a call may have no arguments, encrypted thinking has no text */
        return ev->block == BLOCK_TOOL || ev->block == BLOCK_REDACTED;
    case CANON_START:
    case CANON_OPEN:
    case CANON_SIGNATURE:
    case CANON_NOTE:
    case CANON_USAGE:
    case CANON_FINISH:
    case CANON_END:
        return false;
    }
    return false;
}

/* --- stop sequences that the target does not know ---------------------------------------------*/

static void pass_text(struct translator *t, struct str plain)
{
    if (plain.len > 0)
        pass(t, &(struct canon_event){ .kind = CANON_DELTA,
                                       .block = BLOCK_TEXT,
                                       .text = text_from(t->encoder.scratch, plain) });
}

/* How much of the end of `text` could be the beginning of `stop`. */
static size_t stop_begins(struct str text, struct str stop)
{
    size_t most = stop.len - 1 < text.len ? stop.len - 1 : text.len;

    for (size_t n = most; n > 0; n--)
        if (memcmp(text.at + text.len - n, stop.at, n) == 0)
            return n;
    return 0;
}

/* The first sequence found ends the answer, as the target would have ended it. */
static void stop_hit(struct translator *t, struct text stop)
{
    const struct usage *usage = translator_usage(t);

    pass(t, &(struct canon_event){ .kind = CANON_CLOSE, .block = BLOCK_TEXT });
    if (usage_is_known(usage))
        pass(t, &(struct canon_event){ .kind = CANON_USAGE, .usage = *usage });
    pass(t, &(struct canon_event){ .kind = CANON_FINISH, .cause = STOP_SEQUENCE, .detail = stop });
    pass(t, &(struct canon_event){ .kind = CANON_END });
    t->over = t->cut_short = true;
}

static void stop_watch(struct translator *t, struct text piece)
{
    struct arena *a = t->encoder.scratch;
    size_t keep = 0, found = SIZE_MAX, which = 0;

    if (!buf_add(&t->stop.tail, text_plain(a, piece))) {
        t->encoder.full = true; /* cannot be: what is kept is shorter than a stop sequence */
        return;
    }
    struct str text = buf_str(&t->stop.tail);

    for (size_t i = 0; i < t->stop.count; i++) {
        struct str stop = text_plain(a, t->stop.texts[i]);
        size_t at = str_find(text, stop), begins = stop_begins(text, stop);

        if (at < found) {
            found = at;
            which = i;
        }
        keep = begins > keep ? begins : keep;
    }
    if (found != SIZE_MAX) {
        pass_text(t, str_take(text, found));
        stop_hit(t, t->stop.texts[which]);
        return;
    }
    /* not inside of a character: it goes out with its other bytes */
    while (keep > 0 && keep < text.len && (text.at[text.len - keep] & 0xc0) == 0x80)
        keep++;
    pass_text(t, str_drop_last(text, keep));
    buf_drop(&t->stop.tail, text.len - keep);
}

/* True when the event was dealt with here. */
static bool stop_takes(struct translator *t, const struct canon_event *ev)
{
    if (t->stop.count == 0 || ev->choice != 0)
        return false;
    if (ev->kind == CANON_OPEN)
        t->stop.in_text = ev->block == BLOCK_TEXT;
    if (!t->stop.in_text)
        return false;
    if (ev->kind == CANON_DELTA) {
        stop_watch(t, ev->text);
        return true;
    }
    if (ev->kind == CANON_CLOSE) {
        t->stop.in_text = false;
        pass_text(t, buf_str(&t->stop.tail));
        t->stop.tail.len = 0;
    }
    return false;
}

/* A call without a name is none that a client could serve: it is left out, and the end is none. */
static bool is_nameless(struct translator *t, const struct canon_event *ev)
{
    bool mine = t->nameless && (ev->kind == CANON_DELTA || ev->kind == CANON_CLOSE ||
                                (ev->kind == CANON_SIGNATURE && !ev->sig_behind));

    if (ev->kind == CANON_OPEN)
        mine = t->nameless = ev->block == BLOCK_TOOL && ev->name.len == 0;
    else if (ev->kind == CANON_CLOSE)
        t->nameless = false;
    t->bad_arguments = t->bad_arguments || mine;
    return mine;
}

/* Whether the turn is to be gone on with is seen when its answer ends. */
static bool pauses(struct translator *t, const struct canon_event *ev)
{
    bool can = ev->cause == STOP_PAUSE ? t->so_far != NULL && !t->so_far->too_large &&
                                             !t->decoder.saw_tool /* whose results are missing */
                                       : !text_is_empty(ev->resume);

    if (ev->kind != CANON_FINISH || !can || t->pauses >= t->o.pauses_max)
        return false;
    t->resume.len = 0;
    if (!buf_add(&t->resume, ev->resume.escaped))
        return false;
    t->paused = ev->cause;
    return true;
}

static void take(void *peer, const struct canon_event *ev)
{
    struct translator *t = peer;
    struct canon_event all;
    bool arguments = ev->block == BLOCK_TOOL &&
                     (ev->kind == CANON_OPEN || ev->kind == CANON_DELTA || ev->kind == CANON_CLOSE);

    if (t->over)
        return; /* behind an end of ours */
    t->said_more = t->said_more || ev->kind != CANON_DELTA || !text_is_empty(t->said);
    t->said = ev->text;
    if (t->so_far != NULL)
        canon_answer_take(t->so_far, ev);
    if (is_nameless(t, ev))
        return;
    if (arguments && ev->kind == CANON_CLOSE)
        put_no_arguments(t, ev);
    if (arguments)
        check_arguments(t, ev);
    if (is_content(ev))
        t->content = true;
    if (stop_takes(t, ev))
        return;
    if (ev->kind == CANON_FINISH && t->bad_arguments) {
        if (ev->cause != STOP_LENGTH && ev->cause != STOP_CONTEXT_FULL && ev->cause != STOP_FILTER)
            return;               /* no end: translator_*() says so */
        t->bad_arguments = false; /* cut by a limit: half of them is what there is */
    }
    if (pauses(t, ev) || (ev->kind == CANON_START && t->pauses > 0))
        return;
    if (ev->kind == CANON_USAGE && t->pauses > 0) {
        all = *ev;
        all.usage = *translator_usage(t);
        ev = &all;
    }
    if (ev->kind == CANON_END) {
        if (t->bad_arguments || t->paused != STOP_NONE)
            return;
        t->over = true;
    }
    pass(t, ev);
}

/* --- life -------------------------------------------------------------------------------------*/

void translator_init(struct translator *t, enum wire wire, const struct encode_options *o,
                     const struct translated *asked, bool whole)
{
    *t = (struct translator){ .o = *o, .from = converters[wire], .to = converters[o->protocol] };
    assert(t->from->decode.event != NULL && t->to->encode.event != NULL);
    t->decoder = (struct decoder){
        .wire = wire,
        .sink = take,
        .peer = t,
        .seed = 0,
        .usage = usage_unknown(),
        .one_choice = o->request->n <= 1,
        .choices = o->request->n <= 1                    ? 1
                   : o->request->n >= ANSWER_CHOICES_MAX ? ANSWER_CHOICES_MAX
                                                         : (uint32_t)o->request->n,
        .asked = asked->written,
    };
    for (size_t i = 0; i < o->id.len; i++) /* one answer, one seed; nothing of chance */
        t->decoder.seed = t->decoder.seed * 131 + (uint8_t)o->id.at[i];
    t->encoder = (struct encoder){ .o = &t->o, .form = answer_form_of(o->request) };
    size_t decodes = (t->from->decode.state_bytes + 15) & ~(size_t)15;
    size_t encodes = whole ? sizeof(*t->answer) : t->to->encode.state_bytes;

    t->states = must_calloc(1, decodes + encodes);
    t->decoder.state = t->states;
    if (whole) {
        t->answer = (void *)(t->states + decodes);
        canon_answer_init(t->answer, o->bytes_max);
    } else {
        t->encoder.state = t->states + decodes;
    }
    if (o->pauses_max > 0) {
        t->before = usage_unknown();
        buf_init(&t->resume, RESUME_MAX);
    }
    if (o->pauses_max > 0 && wire == WIRE_ANTHROPIC) {
        t->so_far = must_alloc(sizeof(*t->so_far));
        canon_answer_init(t->so_far, o->bytes_max);
    }
    buf_init(&t->arguments, ARGUMENTS_MAX);
    buf_init(&t->stop.tail, o->bytes_max);
    t->stop.texts = asked->stops;
    t->stop.count = asked->stop_count;
}

void translator_clear(struct translator *t)
{
    if (t->decoder.state != NULL && t->from->decode.clear != NULL)
        t->from->decode.clear(t->decoder.state);
    decode_clear(&t->decoder);
    if (t->encoder.state != NULL && t->to->encode.clear != NULL)
        t->to->encode.clear(t->encoder.state);
    if (t->answer != NULL)
        canon_answer_clear(t->answer);
    free(t->states);
    if (t->so_far != NULL)
        canon_answer_clear(t->so_far);
    free(t->so_far);
    buf_clear(&t->resume);
    buf_clear(&t->arguments);
    buf_clear(&t->stop.tail);
    t->states = NULL;
    t->decoder.state = t->encoder.state = NULL;
    t->answer = t->so_far = NULL;
}

static struct text text_copy(struct arena *a, struct text text)
{
    return (struct text){ arena_copy(a, text.escaped) };
}

/* The tools that take free text, by their names. */
static const struct tool *tools_copy(struct arena *a, const struct tool *tools)
{
    struct tool *first = NULL, **last = &first;

    for (const struct tool *tool = tools; tool != NULL; tool = tool->next) {
        if (!tool->custom)
            continue;
        *last = arena_new(a, struct tool);
        (*last)->name = arena_copy(a, tool->name);
        (*last)->custom = true;
        last = &(*last)->next;
    }
    return first;
}

static const struct name_map *names_copy(struct arena *a, const struct name_map *from)
{
    struct name_map *to = arena_new(a, struct name_map);

    if (from->count == 0)
        return to;
    *to = *from;
    to->pairs = arena_array(a, struct name_pair, from->count);
    to->by_wire = arena_array(a, uint32_t, from->count);
    memcpy(to->by_wire, from->by_wire, from->count * sizeof(from->by_wire[0]));
    for (uint32_t i = 0; i < from->count; i++)
        to->pairs[i] = (struct name_pair){ .client = arena_copy(a, from->pairs[i].client),
                                           .name_space = arena_copy(a, from->pairs[i].name_space),
                                           .wire = arena_copy(a, from->pairs[i].wire) };
    return to;
}

bool translator_settle(struct translator *t, struct arena *a)
{
    struct written *asked = &t->decoder.asked;
    struct text *stops;

    if (t->to->encode.repeats || t->encoder.form.legacy || t->answer != NULL ||
        t->o.pauses_max > 0) /* it may be sent once more */
        return false;
    t->o.request = NULL;
    t->o.names = names_copy(a, t->o.names);
    t->encoder.form.tools = tools_copy(a, t->encoder.form.tools);
    asked->json_tool = arena_copy(a, asked->json_tool);
    asked->prefill = text_copy(a, asked->prefill);
    asked->anthropic_version = STR(""); /* was for the request's head */
    if (t->stop.count > 0) {
        stops = arena_array(a, struct text, t->stop.count);
        for (size_t i = 0; i < t->stop.count; i++)
            stops[i] = text_copy(a, t->stop.texts[i]);
        t->stop.texts = stops;
    }
    return true;
}

/* --- feeding ----------------------------------------------------------------------------------*/

static void lend(struct translator *t, struct arena *scratch, struct buf *out)
{
    t->decoder.scratch = scratch;
    t->encoder.scratch = scratch;
    t->encoder.out = out;
}

/* What the decoder said, seen from the client. */
static enum translation outcome(struct translator *t, enum decoded said)
{
    if (t->encoder.full || (t->answer != NULL && t->answer->too_large))
        return TRANSLATION_BROKEN;
    if (t->over) {
        if (t->answer == NULL)
            return TRANSLATION_END;
        (void)buf_reserve(t->encoder.out, t->answer->bytes + WHOLE_MORE);
        return t->to->encode.whole(t->answer, &t->o, t->encoder.scratch, t->encoder.out)
                   ? TRANSLATION_END
                   : TRANSLATION_BROKEN;
    }
    if (t->paused != STOP_NONE && said == DECODED_END)
        return TRANSLATION_PAUSED;
    switch (said) {
    case DECODED_MORE:
        return TRANSLATION_MORE;
    case DECODED_ERROR:
        return TRANSLATION_ERROR;
    case DECODED_BAD:
        return TRANSLATION_BAD;
    case DECODED_END: /* an end that was not passed on */
    case DECODED_CUT:
        return TRANSLATION_BROKEN;
    }
    return TRANSLATION_BROKEN;
}

/* An event that was read is remembered when all it said is one piece of its text. */
static void learn(struct translator *t, struct str name, const struct json *doc)
{
    struct str said = t->said.escaped;
    bool plain = !t->said_more && said.len > 0 && doc->surrogates == 0 && said.at >= doc->text.at &&
                 said.at + said.len <= doc->text.at + doc->text.len;

    if (t->repeat == NULL)
        return;
    if (plain)
        repeat_learn(t->repeat, name, doc, t->said);
    else
        repeat_forget(t->repeat);
}

static bool again(struct translator *t, struct text text)
{
    struct decoder *d = &t->decoder;

    d->lone = 0;
    if (t->from->decode.again != NULL)
        return t->from->decode.again(d, text);
    decode_delta(d, d->choice, text);
    return true;
}

enum translation translator_event(struct translator *t, struct str name, struct str data,
                                  struct arena *scratch, struct buf *out)
{
    struct json doc;
    struct repeated like;
    enum decoded said;

    if (t->over)
        return TRANSLATION_END;
    if (t->paused != STOP_NONE)
        return TRANSLATION_PAUSED;
    lend(t, scratch, out);
    if (t->repeat != NULL && repeat_is(t->repeat, name, data, &like) && again(t, like.text))
        return outcome(t, DECODED_MORE);
    if (str_eq(str_trim(data), STR("[DONE]")))
        return outcome(t, t->from->decode.done(&t->decoder, false, true));
    if (!json_parse(&doc, data, NULL, scratch, NULL) || json_type(&doc, 0) != JSON_OBJECT)
        return TRANSLATION_BAD;
    t->decoder.lone = doc.surrogates;
    t->said = TEXT_EMPTY;
    t->said_more = false;
    said = t->from->decode.event(&t->decoder, name, &doc);
    learn(t, name, &doc);
    return outcome(t, said);
}

enum translation translator_finish(struct translator *t, bool clean, struct arena *scratch,
                                   struct buf *out)
{
    enum translation result;

    if (t->over)
        return TRANSLATION_END;
    if (t->paused != STOP_NONE)
        return TRANSLATION_PAUSED;
    lend(t, scratch, out);
    result = outcome(t, t->from->decode.done(&t->decoder, true, clean));
    return result == TRANSLATION_END || result == TRANSLATION_PAUSED ? result : TRANSLATION_BROKEN;
}

enum translation translator_whole(struct translator *t, struct str body, struct arena *scratch,
                                  struct buf *out)
{
    struct json doc;
    enum translation result;

    lend(t, scratch, out);
    if (t->answer != NULL)
        t->answer->lender = body;
    if (!json_parse(&doc, body, NULL, scratch, NULL) || json_type(&doc, 0) != JSON_OBJECT)
        return TRANSLATION_BROKEN;
    t->decoder.lone = doc.surrogates;
    result = outcome(t, t->from->decode.whole(&t->decoder, &doc));
    if (t->answer != NULL && result == TRANSLATION_PAUSED)
        canon_answer_settle(t->answer); /* another answer follows */
    return result == TRANSLATION_MORE || result == TRANSLATION_BAD ? TRANSLATION_BROKEN : result;
}

/* --- turns that are paused --------------------------------------------------------------------*/

const struct usage *translator_usage(struct translator *t)
{
    if (t->pauses == 0)
        return &t->decoder.usage;
    t->sum = usage_sum(&t->before, &t->decoder.usage);
    return &t->sum;
}

/* The list of what a text cites, in Anthropic's own form. */
static struct str citations_of(const struct answer_block *b, struct arena *a)
{
    struct buf list = { .max = SIZE_MAX };
    bool good = b->note_count > 0 && buf_add(&list, STR("["));

    for (uint32_t i = 0; i < b->note_count && good; i++)
        good = (i == 0 || buf_add(&list, STR(","))) && buf_add(&list, b->notes[i].raw);
    good = good && buf_add(&list, STR("]"));
    struct str out = good ? arena_copy(a, buf_str(&list)) : STR("");
    buf_clear(&list);
    return out;
}

/* What the model has said, as a part of its message. */
static void put_block(struct message *m, const struct answer_block *b, struct arena *a)
{
    enum part_kind kind = b->kind == BLOCK_THINKING   ? PART_THINKING
                          : b->kind == BLOCK_REDACTED ? PART_REDACTED
                                                      : PART_TEXT;
    struct part *p;

    if (b->is_media)
        return;
    if (b->is_server) {
        p = message_add(m, a, PART_SERVER_CALL, PART_AT_NONE);
        p->opaque = b->server;
        return;
    }
    p = message_add(m, a, kind, PART_AT_NONE);
    p->text = answer_text(b);
    p->sig = b->sig;
    if (kind == PART_TEXT)
        p->citations = citations_of(b, a);
}

void translator_resume(const struct translator *t, const struct canon_request *r, struct arena *a,
                       struct canon_request *out)
{
    assert(t->paused != STOP_NONE);
    *out = *r;
    if (t->paused != STOP_PAUSE) {
        out->resume = (struct text){ buf_str(&t->resume) };
        return;
    }
    /* the client's own list stays as it is: a copy gets what was said */
    out->goes_on = true;
    out->messages = out->last = NULL;
    out->message_count = 0;
    for (const struct message *m = r->messages; m != NULL; m = m->next) {
        struct message *copy = canon_add_message(out, a, m->role, m->at);

        *copy = *m;
        copy->next = NULL; /* the list's own goes on */
    }
    struct message *said = canon_add_message(out, a, ROLE_ASSISTANT, PART_AT_NONE);

    for (const struct answer_block *b = t->so_far->blocks; b != NULL; b = b->next)
        put_block(said, b, a);
}

void translator_go_on(struct translator *t, const struct translated *asked)
{
    struct decoder *d = &t->decoder;

    assert(t->paused != STOP_NONE && !d->open);
    t->before = *translator_usage(t);
    t->pauses++;
    t->left_at = t->paused;
    t->paused = STOP_NONE;
    if (t->repeat != NULL)
        repeat_forget(t->repeat);
    if (t->from->decode.clear != NULL)
        t->from->decode.clear(d->state);
    memset(d->state, 0, t->from->decode.state_bytes);
    /* ids of calls stand once in the whole of it, and one call makes all of it a turn with calls */
    d->started = d->ended = d->first_finished = false;
    d->usage = usage_unknown();
    d->asked = asked->written;
}

enum translation translator_end_paused(struct translator *t, struct arena *scratch, struct buf *out)
{
    enum stop_cause cause = t->paused != STOP_NONE ? t->paused : t->left_at;

    assert(cause != STOP_NONE);
    if (cause != STOP_LENGTH)
        return TRANSLATION_BROKEN;
    lend(t, scratch, out);
    t->paused = STOP_NONE;
    pass(t, &(struct canon_event){ .kind = CANON_FINISH, .cause = cause });
    t->over = true;
    pass(t, &(struct canon_event){ .kind = CANON_END });
    return outcome(t, DECODED_END);
}
