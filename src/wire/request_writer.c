/* wire/request_writer.c - how a writer says what the target cannot. */
#include "wire/convert.h"

void lose_path(struct request_writer *w, struct str path)
{
    losses_add(w->losses, w->a, path, false);
}

void approximate_path(struct request_writer *w, struct str path)
{
    losses_add(w->losses, w->a, path, true);
}

bool refuse_path(struct request_writer *w, struct str path, struct str message)
{
    *w->why = (struct wire_complaint){ .param = path, .message = message };
    return false;
}

bool refuse_field(struct request_writer *w, enum field f, struct str message)
{
    return refuse_path(w, w->r->where[f], message);
}

bool refuse_previous(struct request_writer *w)
{
    (void)refuse_field(w, FIELD_PREVIOUS_RESPONSE,
                       STR("is not known to the provider of this model: send the whole input"));
    w->why->code = STR("previous_response_not_found");
    return false;
}

bool lose_extras(struct request_writer *w)
{
    if (w->r->previous_response.len > 0)
        return refuse_previous(w);
    for (const struct extra *x = w->r->extras; x != NULL; x = x->next) {
        if (x->vital) {
            (void)refuse_path(w, x->path,
                              STR("has no counterpart at the provider that serves this model"));
            if (w->r->protocol == WIRE_ANTHROPIC) /* SDKs go on without a thread when told so */
                w->why->code = STR("thread_unsupported_request");
            return false;
        }
        lose_path(w, x->path);
    }
    return true;
}
