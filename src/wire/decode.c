/* wire/decode.c - what the decoders of all wires share: the order of events, choices that come
 * interleaved, and surrogates that an upstream cut in two. */
#include "wire/convert.h"

#include <stdlib.h>

#include "base/fingerprint.h"

static void emit(struct decoder *d, struct canon_event ev)
{
    d->sink(d->peer, &ev);
}

void decode_clear(struct decoder *d)
{
    free(d->parked);
    free(d->calls);
    d->parked = NULL;
    d->calls = NULL;
}

void decode_start(struct decoder *d, struct str id, struct str model)
{
    if (d->started)
        return;
    d->started = true;
    emit(d, (struct canon_event){ .kind = CANON_START, .id = id, .model = model });
}

static void ensure_started(struct decoder *d)
{
    decode_start(d, STR(""), STR(""));
}

/* Turns to a choice: what is known of the one before is parked. */
static void choose(struct decoder *d, uint32_t choice)
{
    assert(choice < ANSWER_CHOICES_MAX);
    if (choice == d->choice)
        return;
    if (d->parked == NULL)
        d->parked = must_calloc(ANSWER_CHOICES_MAX, sizeof(d->parked[0]));
    d->parked[d->choice] = (struct decode_choice){
        .open = d->open,
        .kind = (uint32_t)d->kind & 7u,
        .saw_tool = d->saw_tool,
        .high = d->high & 0x7ffu,
    };

    struct decode_choice now = d->parked[choice];

    d->choice = choice;
    d->open = now.open;
    d->kind = (enum block_kind)now.kind;
    d->saw_tool = now.saw_tool;
    d->high = now.high;
}

/* --- surrogates -------------------------------------------------------------------------------*/

#define HIGH_HELD 0x400u

enum surrogate { SURROGATE_NONE, SURROGATE_HIGH, SURROGATE_LOW };

/* What the escape at the front of `s` is, when it is \uXXXX; `unit` gets its value. */
static enum surrogate surrogate_at(struct str s, uint32_t *unit)
{
    *unit = 0;
    if (s.len < 6 || s.at[0] != '\\' || s.at[1] != 'u')
        return SURROGATE_NONE;
    for (size_t i = 2; i < 6; i++) {
        char c = char_lower(s.at[i]);

        *unit = *unit << 4 | (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    if (*unit < 0xd800 || *unit > 0xdfff)
        return SURROGATE_NONE;
    return *unit < 0xdc00 ? SURROGATE_HIGH : SURROGATE_LOW;
}

static void put(char **to, struct str s)
{
    memcpy(*to, s.at, s.len);
    *to += s.len;
}

static void put_unit(char **to, uint32_t unit)
{
    static const char digits[] = "0123456789abcdef";

    *(*to)++ = '\\';
    *(*to)++ = 'u';
    for (int shift = 12; shift >= 0; shift -= 4)
        *(*to)++ = digits[unit >> shift & 15];
}

/* The text with the surrogate that was held before it; one at its end is held. */
static struct text mend(struct decoder *d, struct text text)
{
    struct str s = text.escaped;
    char *start = arena_alloc_raw(d->scratch, s.len + 6 + 1), *to = start;
    uint32_t unit, partner;

    if (d->high != 0 && s.len > 0) {
        bool joined = surrogate_at(s, &unit) == SURROGATE_LOW;

        put_unit(&to, joined ? 0xd800u | (d->high & 0x3ffu) : 0xfffdu);
        if (joined)
            put(&to, str_take(s, 6));
        s = str_drop(s, joined ? 6 : 0);
        d->high = 0;
    }
    while (s.len > 0) {
        const char *slash = memchr(s.at, '\\', s.len);
        size_t plain = slash == NULL ? s.len : (size_t)(slash - s.at);

        put(&to, str_take(s, plain));
        s = str_drop(s, plain);
        switch (surrogate_at(s, &unit)) {
        case SURROGATE_NONE:
            plain = s.len < 2 ? s.len : 2;
            put(&to, str_take(s, plain));
            s = str_drop(s, plain);
            break;
        case SURROGATE_LOW:
            put_unit(&to, 0xfffd);
            s = str_drop(s, 6);
            break;
        case SURROGATE_HIGH:
            if (surrogate_at(str_drop(s, 6), &partner) == SURROGATE_LOW) {
                put(&to, str_take(s, 12));
                s = str_drop(s, 12);
                break;
            }
            s = str_drop(s, 6);
            if (s.len == 0)
                d->high = HIGH_HELD | (unit & 0x3ff);
            else
                put_unit(&to, 0xfffd);
            break;
        }
    }
    return (struct text){ { start, (size_t)(to - start) } };
}

/* --- blocks -----------------------------------------------------------------------------------*/

static void open_block(struct decoder *d, struct canon_event ev)
{
    ensure_started(d);
    decode_close(d, ev.choice);
    d->open = true;
    d->kind = ev.block;
    ev.kind = CANON_OPEN;
    ev.phase = ev.block == BLOCK_TEXT ? d->phase : PHASE_NONE;
    emit(d, ev);
}

void decode_switch(struct decoder *d, uint32_t choice, enum block_kind kind)
{
    assert(kind != BLOCK_TOOL);
    choose(d, choice);
    if (d->open && d->kind == kind)
        return;
    open_block(d, (struct canon_event){ .choice = choice, .block = kind });
}

/* Some servers give several calls of one answer the same id (`call_0`, the name of the tool): the
 * later ones get another, because their results could not be told apart. One without gets one. */
static struct str own_id(struct decoder *d, struct str id)
{
    struct fingerprint f = { 0 };

    if (id.len == 0)
        id = call_id_made(STR(""), d->seed, d->call_count, d->scratch);
    fingerprint_add(&f, id);
    for (uint32_t i = 0; i < d->call_count; i++)
        if (d->calls[i] == (uint32_t)f.lane[0])
            return own_id(d, call_id_made(id, d->seed, d->call_count, d->scratch));
    if (d->calls == NULL)
        d->calls = must_alloc(DECODE_CALLS_MAX * sizeof(d->calls[0]));
    if (d->call_count < DECODE_CALLS_MAX)
        d->calls[d->call_count++] = (uint32_t)f.lane[0];
    return id;
}

void decode_open_tool(struct decoder *d, uint32_t choice, struct str id, struct str name,
                      struct str name_space, bool custom)
{
    choose(d, choice);
    id = own_id(d, id);
    d->saw_tool = true;
    open_block(d, (struct canon_event){ .choice = choice,
                                        .block = BLOCK_TOOL,
                                        .id = id,
                                        .name = name,
                                        .name_space = name_space,
                                        .custom = custom });
}

static void emit_delta(struct decoder *d, uint32_t choice, struct text text)
{
    emit(d, (struct canon_event){ .kind = CANON_DELTA,
                                  .choice = choice,
                                  .block = d->kind,
                                  .text = text,
                                  .summary_break = d->summary_break });
    d->summary_break = false;
}

void decode_delta(struct decoder *d, uint32_t choice, struct text text)
{
    choose(d, choice);
    assert(d->open);
    if (d->high != 0 || d->lone > 0)
        text = mend(d, text);
    if (!text_is_empty(text))
        emit_delta(d, choice, text);
}

void decode_signature(struct decoder *d, uint32_t choice, const struct signature *sig, bool behind)
{
    ensure_started(d);
    choose(d, choice);
    emit(d, (struct canon_event){ .kind = CANON_SIGNATURE,
                                  .choice = choice,
                                  .block = d->kind,
                                  .sig = *sig,
                                  .sig_behind = behind });
}

void decode_media(struct decoder *d, uint32_t choice, struct text mime, struct text data)
{
    ensure_started(d);
    decode_close(d, choice);
    emit(d,
         (struct canon_event){ .kind = CANON_MEDIA, .choice = choice, .mime = mime, .text = data });
}

void decode_note(struct decoder *d, uint32_t choice, const struct canon_note *note)
{
    ensure_started(d);
    emit(d, (struct canon_event){
                .kind = CANON_NOTE, .choice = choice, .block = BLOCK_TEXT, .note = *note });
}

void decode_server(struct decoder *d, uint32_t choice, const struct opaque *server)
{
    if (server->type.len == 0)
        return; /* not even its own wire could say what it is */
    ensure_started(d);
    decode_close(d, choice);
    emit(d, (struct canon_event){ .kind = CANON_SERVER, .choice = choice, .server = *server });
}

void decode_close(struct decoder *d, uint32_t choice)
{
    choose(d, choice);
    if (!d->open)
        return;
    if (d->high != 0) {
        d->high = 0;
        emit_delta(d, choice, TEXT_LIT("\\ufffd"));
    }
    d->open = false;
    emit(d, (struct canon_event){ .kind = CANON_CLOSE, .choice = choice, .block = d->kind });
}

/* --- the end ----------------------------------------------------------------------------------*/

void decode_usage(struct decoder *d)
{
    emit(d, (struct canon_event){ .kind = CANON_USAGE, .usage = d->usage });
}

void decode_finish(struct decoder *d, uint32_t choice, enum stop_cause cause, struct text detail)
{
    d->first_finished = d->first_finished || choice == 0;
    ensure_started(d);
    decode_close(d, choice);
    bool done = cause == STOP_DONE || cause == STOP_OTHER || cause == STOP_BAD_TOOL_CALL ||
                cause == STOP_IMAGE_FAIL; /* words that protocols without them take for done */

    if (done && d->saw_tool)
        cause = STOP_TOOL_USE;
    else if (cause == STOP_TOOL_USE && !d->saw_tool)
        cause = STOP_DONE;
    emit(d, (struct canon_event){
                .kind = CANON_FINISH,
                .choice = choice,
                .cause = cause,
                .detail = detail,
                .resume = d->resume,
            });
    d->resume = TEXT_EMPTY;
}

enum decoded decode_end(struct decoder *d)
{
    if (!d->first_finished) /* an upstream that gave others only */
        decode_finish(d, 0, STOP_OTHER, TEXT_EMPTY);
    assert(!d->ended);
    d->ended = true;
    emit(d, (struct canon_event){ .kind = CANON_END });
    return DECODED_END;
}
