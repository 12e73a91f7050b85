/* simulator/pace.c - one step at a time; the sender waits, writes, and asks again. */
#include "simulator/pace.h"

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static int64_t or_none(int64_t ms)
{
    return ms > 0 ? ms : 0;
}

static size_t mark_end(const struct reply *r, uint32_t count)
{
    return count == 0 ? 0 : r->marks[(count < r->mark_count ? count : r->mark_count) - 1].end;
}

/* Where a stall begins: behind some events, or in the middle of what has none. */
static size_t stall_at(int64_t stall, const struct reply *r)
{
    if (stall == STALL_HEAD)
        return 0;
    if (!r->stream || r->mark_count == 0)
        return r->body.len / 2;
    if (stall == STALL_CONTENT)
        return mark_end(r, reply_handshake(r) + 1);
    return mark_end(r, (uint32_t)stall);
}

struct pace pace_make(const struct directives *d, const struct reply *r)
{
    struct pace p = { .first_ms = or_none(d->first_ms),
                      .gap_ms = or_none(d->gap_ms),
                      .drip_ms = or_none(d->drip_ms),
                      .limit = r->body.len,
                      .end = PACE_DONE };

    if (d->drip_ms >= 0 || d->split > 0)
        p.piece = d->split > 0 ? (size_t)d->split : 1;
    if (r->stream && r->mark_count > 0) {
        p.handshake = mark_end(r, reply_handshake(r));
        p.by_events = p.gap_ms > 0;
    }
    if (d->stall != DIRECTIVE_UNSET) {
        p.limit = stall_at(d->stall, r);
        p.end = PACE_STALL;
    }
    if (d->cut >= 0) {
        p.limit = smaller((size_t)d->cut, r->body.len);
        p.end = PACE_CUT;
    }
    if (d->reset >= 0) {
        p.limit = smaller((size_t)d->reset, r->body.len);
        p.end = PACE_RESET;
    }
    return p;
}

/* The end of the event that is being sent; `event` is kept up. */
static size_t events_end(const struct reply *r, size_t sent, uint32_t *event)
{
    while (*event < r->mark_count && r->marks[*event].end <= sent)
        (*event)++;
    return *event < r->mark_count ? r->marks[*event].end : r->body.len;
}

/* Is `sent` the border between two events, `event` being the one that comes? */
static bool at_border(const struct reply *r, size_t sent, uint32_t event)
{
    return event == 0 ? sent == 0 : r->marks[event - 1].end == sent;
}

static int64_t wait_before(const struct pace *p, const struct reply *r, size_t sent, uint32_t event)
{
    if (sent == p->handshake && p->first_ms > 0)
        return p->first_ms;
    if (sent == 0)
        return 0;
    /* pieces without a time still want a turn of the loop each, or they would melt together */
    if (p->piece > 0)
        return p->drip_ms > 0 ? p->drip_ms : 1;
    /* a large event goes out in several writes without a pause between them */
    return p->by_events && at_border(r, sent, event) ? p->gap_ms : 0;
}

struct pace_step pace_next(const struct pace *p, const struct reply *r, size_t sent,
                           uint32_t *event)
{
    struct pace_step step = { .to = p->limit, .end = PACE_GO };

    assert(sent <= p->limit);
    if (p->piece > 0)
        step.to = sent + p->piece;
    else if (p->by_events)
        step.to = events_end(r, sent, event);
    else
        step.to = sent + PACE_WRITE_MAX;
    if (p->first_ms > 0 && sent < p->handshake)
        step.to = smaller(step.to, p->handshake);
    step.to = smaller(smaller(step.to, sent + PACE_WRITE_MAX), p->limit);
    if (step.to > sent)
        step.wait_ms = wait_before(p, r, sent, *event);
    if (step.to == p->limit)
        step.end = p->end;
    return step;
}
