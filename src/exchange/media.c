/* exchange/media.c - pictures made and recordings written down, where an account speaks OpenAI's
 * calls for it: the body passes as it came, JSON or a form with files, but for the model's name; so
 * does the answer, in one piece or as it streams. */
#include "exchange/exchange_int.h"
#include "wire/multipart.h"

/* --- the request ------------------------------------------------------------------------------*/

static bool complain_of(struct wire_complaint *why, const char *param, const char *message)
{
    *why = (struct wire_complaint){ .param = str_c(param), .message = str_c(message) };
    return false;
}

/* A form: only the name of the model is read. */
static bool read_form(struct exchange *x, struct str boundary, struct wire_complaint *why)
{
    struct wire_request *q = &x->request;
    struct str model = STR("");

    x->media_type = arena_copy(&x->r->arena, x->r->head->content_type);
    *q = (struct wire_request){ .protocol = x->target.protocol,
                                .doc = { .text = x->r->body }, /* its length is told in the end */
                                .model = STR(""),
                                .stream_options = JSON_NONE };
    switch (multipart_field(x->r->body, boundary, STR("model"), &model)) {
    case MULTIPART_FOUND:
        break;
    case MULTIPART_ABSENT:
        return complain_of(why, "model", "is missing: name a model");
    case MULTIPART_TWICE:
        return complain_of(why, "model", "stands in the form more than once");
    case MULTIPART_BAD:
        return complain_of(why, "",
                           "the body is no form (multipart/form-data) that ends as it says");
    }
    if (model.len == 0)
        return complain_of(why, "model", "is missing: name a model");
    q->model = q->model_raw = model;
    return true;
}

bool media_read(struct exchange *x, struct wire_complaint *why)
{
    struct str boundary;

    if (multipart_boundary(x->r->head->content_type, &boundary))
        return read_form(x, boundary, why);
    x->request.model = STR("");
    if (x->target.ask == ASK_TRANSCRIBE)
        return complain_of(why, "", "a recording comes in a form (multipart/form-data)");
    if (!wire_read_side_request(x->target.protocol, x->r->body, request_body_bytes(x->r),
                                x->target.model, &x->r->arena, &x->request, why))
        return false;
    x->media_streams = x->request.stream;
    x->request.stream = false; /* none of the protocol's own streams */
    return true;
}

/* The name of the model in a form stands there as it is. */
static void splice_form(struct exchange *x)
{
    struct attempt *a = &x->attempt;
    struct str body = x->r->body, raw = x->request.model_raw;
    size_t at = (size_t)(raw.at - body.at);

    a->parts = arena_array(&x->r->arena, struct str, 3);
    a->parts[0] = str_take(body, at);
    a->parts[1] = x->mapped;
    a->parts[2] = str_drop(body, at + raw.len);
    a->part_count = 3;
    a->body_bytes = a->parts[0].len + a->parts[1].len + a->parts[2].len;
}

/* Size and ratio that the model's name says: the call that passes has other words for them. */
static bool lose_image(struct exchange *x, struct wire_complaint *why)
{
    struct losses *l = &attempt_crossing(x)->asked.losses;

    losses_add(l, &x->r->arena, STR("model"), false);
    return outgoing_may_lose(x, l, why);
}

bool media_make(struct exchange *x, struct wire_complaint *why)
{
    struct attempt *a = &x->attempt;

    if ((a->lease.wires & WIRE_MEDIA) == 0 && pictures_wanted(x, x->mapped)) {
        a->op = OP_GENERATE;
        return pictures_make(x, a->upstream->wires, why);
    }
    a->wire = (a->upstream->wires & WIRE_BIT(WIRE_OPENAI_CHAT)) != 0 ? WIRE_OPENAI_CHAT
                                                                     : WIRE_OPENAI_RESPONSES;
    if (x->image.size.len + x->image.aspect.len > 0 && !lose_image(x, why))
        return false;
    a->stream = x->media_streams;
    a->op = x->target.ask == ASK_IMAGE        ? OP_IMAGE
            : x->target.ask == ASK_IMAGE_EDIT ? OP_IMAGE_EDIT
                                              : OP_TRANSCRIBE;
    if (x->media_type.len > 0)
        splice_form(x);
    else
        outgoing_splice(x, &(struct wire_splice){ .model = x->mapped, .no_usage = true });
    return true;
}

/* --- the answer -------------------------------------------------------------------------------*/

static bool read_json(struct exchange *x, bool *is_error)
{
    struct json doc;
    uint32_t usage;

    *is_error = false;
    if (!json_parse(&doc, x->attempt.answer, &(struct json_limits){ .depth_kept = 2 },
                    &x->env->scratch, NULL) ||
        json_type(&doc, 0) != JSON_OBJECT)
        return false;
    *is_error = json_member(&doc, 0, STR("error"), NULL) != JSON_NONE;
    usage = json_member(&doc, 0, STR("usage"), NULL);
    if (usage != JSON_NONE && json_type(&doc, usage) == JSON_OBJECT)
        usage_read(&x->usage, WIRE_OPENAI_RESPONSES, &doc, usage); /* its words for tokens */
    return true;
}

void media_answered(struct exchange *x)
{
    if (pictures_are(x)) {
        pictures_answered(x);
        return;
    }

    bool is_error = false, good = !http_type_is(x->media_answer_type, STR("application/json")) ||
                                  read_json(x, &is_error);

    arena_reset(&x->env->scratch);
    if (!good) {
        attempt_cut(x);
    } else if (is_error) {
        attempt_refused_inside(x);
    } else {
        attempt_succeed(x);
        reply_whole(x, &(struct wire_answer){ .usage = x->usage });
    }
}

static void stream_start(struct exchange *x)
{
    x->answered = 200;
    x->first_out_ms = loop_now(x->env->loop);
    exchange_move(x, EXCHANGE_STREAMING);
    response_start_lines(x->r, 200, x->lines, RESPONSE_CHUNKED);
}

void media_stream(struct exchange *x, struct str bytes)
{
    if (x->state == EXCHANGE_SENDING)
        stream_start(x);
    x->bytes_out += bytes.len;
    if (!response_write(x->r, &bytes, 1))
        call_pause(x->attempt.call, true);
}

void media_stream_end(struct exchange *x)
{
    struct request *r = x->r;

    if (x->state == EXCHANGE_SENDING) {
        attempt_cut(x); /* not a byte of it */
        return;
    }
    attempt_succeed(x);
    exchange_end(x, ENDING_COMPLETE);
    response_end(r);
}
