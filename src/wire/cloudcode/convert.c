/* wire/cloudcode/convert.c - Google's Cloud Code: Gemini's requests and answers in a wrapper.
 *
 * The request stands inside of {model, project, request}, each chunk of an answer
 * inside of {response, traceId}. Clients never speak it. Source: the open source of Gemini CLI,
 * packages/core/src/code_assist, as of 2026-11. */
#include "wire/gemini/gemini_int.h"

/* --- requests -----------------------------------------------------------------------------------
 */

static struct str model_id(struct str model)
{
    return str_starts(model, STR("models/")) ? str_drop(model, strlen("models/")) : model;
}

/* Counting knows contents only, and refuses thoughts among them. */
static bool write_count(struct request_writer *w)
{
    struct str model = model_id(w->t->model);

    json_put_object(w->w);
    json_put_key(w->w, STR("request"));
    json_put_object(w->w);
    json_put_member(w->w, "model", arena_printf(w->a, "models/%.*s", (int)model.len, model.at));
    if (!gemini_write_counted(w))
        return false;
    json_put_end(w->w);
    json_put_end(w->w);
    return true;
}

static bool write(struct request_writer *w)
{
    if (w->t->count)
        return write_count(w);
    json_put_object(w->w);
    json_put_member(w->w, "model", model_id(w->t->model));
    if (w->t->project.len > 0)
        json_put_member(w->w, "project", w->t->project);
    json_put_key(w->w, STR("request"));
    json_put_object(w->w);
    if (!gemini_write_members(w))
        return false;
    json_put_end(w->w);
    json_put_end(w->w);
    return true;
}

/* --- answers ------------------------------------------------------------------------------------
 */

static enum decoded event(struct decoder *d, struct str name, const struct json *doc)
{
    uint32_t response = member(doc, 0, "response"), trace = member(doc, 0, "traceId");
    struct str id = STR("");

    (void)name;
    if (member(doc, 0, "error") != JSON_NONE)
        return DECODED_ERROR;
    if (!is_type(doc, response, JSON_OBJECT)) /* credits and the like */
        return trace != JSON_NONE || doc->nodes[0].count > 0 ? DECODED_MORE : DECODED_BAD;
    if (is_type(doc, trace, JSON_STRING))
        (void)json_text(doc, trace, d->scratch, &id);
    return gemini_decode_chunk(d, doc, response, id);
}

static enum decoded whole(struct decoder *d, const struct json *doc)
{
    enum decoded said = event(d, STR(""), doc);

    return said == DECODED_MORE ? gemini_decode_done(d, false, true) : said;
}

const struct converter convert_cloudcode = {
    .write = write,
    .decode = {
        .state_bytes = sizeof(struct gemini_decoder),
        .event = event,
        .again = gemini_decode_again,
        .done = gemini_decode_done,
        .whole = whole,
        .clear = gemini_decode_clear,
    },
};
