#include "wire/flow.h"

/* The block's last line, which has no end yet, must be its only data. */
static bool find_data(struct str block, size_t *data_at, struct str *name)
{
    struct str line, rest = block;

    *name = STR("");
    if (str_starts(rest, STR("\xef\xbb\xbf")))
        rest = str_drop(rest, 3);
    while (!str_starts(rest, STR("data:"))) {
        if (!str_cut(rest, '\n', &line, &rest))
            return false;
        if (str_starts(line, STR("event:")))
            *name = str_trim(str_drop(line, sizeof("event:") - 1));
    }
    if (memchr(rest.at, '\n', rest.len) != NULL || memchr(rest.at, '\r', rest.len) != NULL)
        return false;
    rest = str_drop(rest, sizeof("data:") - 1);
    if (str_starts(rest, STR(" ")))
        rest = str_drop(rest, 1);
    *data_at = block.len - rest.len;
    return true;
}

/* The event as if it ended behind the first byte of the string: what kind is it? */
static void view_beginning(enum wire wire, struct str name, struct str data, size_t inside,
                           const struct json_closers *closers, struct arena *scratch,
                           struct event_view *view, int64_t *sequence)
{
    struct stream_state nobody;
    size_t len = inside + 2 + closers->count;
    char *copy = arena_alloc_raw(scratch, len);

    memcpy(copy, data.at, inside);
    memcpy(copy + inside, "x\"", 2);
    for (size_t i = 0; i < closers->count; i++)
        copy[inside + 2 + i] = closers->at[closers->count - 1 - i];
    stream_state_init(&nobody, wire);
    stream_read_event(&nobody, name, (struct str){ copy, len }, scratch, view);
    *sequence = nobody.sequence;
    stream_state_clear(&nobody);
    if (view->model_raw.len > 0)
        view->model_raw.at = data.at + (view->model_raw.at - copy);
}

bool flow_may_start(struct flow *f, const struct sse *sse, enum wire wire, struct arena *scratch,
                    struct flow_start *out)
{
    struct json_closers *closers = &out->closers;
    struct str name, data;
    size_t inside;

    out->block = sse_begun(sse);
    if (out->block.len < FLOW_EVENT_MIN || out->block.len < f->try_at)
        return false;
    f->try_at = out->block.len * 2; /* so that all looks together cost no more than two */
    if (!find_data(out->block, &out->data_at, &name))
        return false;
    data = str_drop(out->block, out->data_at);
    if (!json_ends_in_string(data, &inside, closers) || closers->count > FLOW_DEPTH_MAX ||
        data.len - inside < FLOW_STRING_MIN)
        return false;
    out->inside_at = out->data_at + inside;
    assert(out->inside_at > f->given);
    view_beginning(wire, name, data, inside, closers, scratch, &out->view, &out->sequence);
    /* half of an event that says the stream is complete would say so, too */
    return out->view.kind != EVENT_END && out->view.kind != EVENT_BAD &&
           out->view.kind != EVENT_ERROR && out->view.kind != EVENT_USAGE &&
           out->view.surrogates == 0;
}
