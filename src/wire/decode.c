/* wire/decode.c - what the decoders of all wires share: the order of events. */
#include "wire/convert.h"

static void emit(struct decoder *d, struct canon_event ev)
{
    d->sink(d->peer, &ev);
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

static void open_block(struct decoder *d, struct canon_event ev)
{
    ensure_started(d);
    decode_close(d, ev.choice);
    d->open = true;
    d->kind = ev.block;
    ev.kind = CANON_OPEN;
    emit(d, ev);
}

void decode_switch(struct decoder *d, uint32_t choice, enum block_kind kind)
{
    assert(kind != BLOCK_TOOL);
    if (d->open && d->kind == kind)
        return;
    open_block(d, (struct canon_event){ .choice = choice, .block = kind });
}

void decode_open_tool(struct decoder *d, uint32_t choice, struct str id, struct str name,
                      struct str name_space, bool custom)
{
    d->saw_tool = true;
    open_block(d, (struct canon_event){ .choice = choice,
                                        .block = BLOCK_TOOL,
                                        .id = id,
                                        .name = name,
                                        .name_space = name_space,
                                        .custom = custom });
}

void decode_delta(struct decoder *d, uint32_t choice, struct text text)
{
    assert(d->open);
    if (!text_is_empty(text))
        emit(d, (struct canon_event){
                    .kind = CANON_DELTA, .choice = choice, .block = d->kind, .text = text });
}

void decode_signature(struct decoder *d, uint32_t choice, const struct signature *sig, bool behind)
{
    ensure_started(d);
    emit(d, (struct canon_event){ .kind = CANON_SIGNATURE,
                                  .choice = choice,
                                  .block = d->kind,
                                  .sig = *sig,
                                  .sig_behind = behind });
}

void decode_close(struct decoder *d, uint32_t choice)
{
    if (!d->open)
        return;
    d->open = false;
    emit(d, (struct canon_event){ .kind = CANON_CLOSE, .choice = choice, .block = d->kind });
}

void decode_usage(struct decoder *d)
{
    emit(d, (struct canon_event){ .kind = CANON_USAGE, .usage = d->usage });
}

void decode_finish(struct decoder *d, uint32_t choice, enum stop_cause cause, struct text detail)
{
    ensure_started(d);
    decode_close(d, choice);
    if (cause == STOP_DONE && d->saw_tool)
        cause = STOP_TOOL_USE;
    else if (cause == STOP_TOOL_USE && !d->saw_tool)
        cause = STOP_DONE;
    emit(d, (struct canon_event){
                .kind = CANON_FINISH, .choice = choice, .cause = cause, .detail = detail });
}

enum decoded decode_end(struct decoder *d)
{
    assert(!d->ended);
    d->ended = true;
    emit(d, (struct canon_event){ .kind = CANON_END });
    return DECODED_END;
}
