/* wire/openai_responses/write_input.c - the conversation as items.
 *
 * Items carry no ids, but for reasoning: an upstream that stores nothing looks ids up and fails.
 * Text of the assistant is `output_text` and everybody else's `input_text`; the server refuses one
 * in the place of the other. */
#include "wire/openai_responses/write_int.h"

#include "wire/prepare.h"

/* --- parts ------------------------------------------------------------------------------------*/

static void put_breakpoint(struct request_writer *w, const struct part *p)
{
    bool openai = w->r->protocol == WIRE_OPENAI_RESPONSES || w->r->protocol == WIRE_OPENAI_CHAT;

    if (p->cache == CACHE_NONE || is_codex(w) || !openai || !w->t->own_service)
        return; /* named by the root's writer */
    json_put_name(w->w, STR("prompt_cache_breakpoint"));
    json_put_object(w->w);
    json_put_member(w->w, "mode", STR("explicit"));
    if (p->cache == CACHE_30M)
        json_put_member(w->w, "ttl", STR("30m"));
    else if (p->cache == CACHE_12H)
        json_put_member(w->w, "ttl", STR("12h"));
    json_put_end(w->w);
}

static void put_text_part(struct request_writer *w, const char *type, struct text text,
                          const struct part *marks)
{
    json_put_object(w->w);
    json_put_member(w->w, "type", str_c(type));
    put_text(w->w, "text", text);
    if (marks != NULL)
        put_breakpoint(w, marks);
    json_put_end(w->w);
}

/* `data:image/png;base64,…` */
static void put_data_url(struct request_writer *w, const char *name, const struct media *media)
{
    const struct str pieces[] = { STR("data:"), media->mime.escaped, STR(";base64,"),
                                  media->data.escaped };

    json_put_name(w->w, str_c(name));
    json_put_insides(w->w, pieces, COUNT(pieces));
}

/* Ids of files are known to the provider alone that gave them. */
static bool file_id_fits(const struct request_writer *w)
{
    return w->t->own_service &&
           (w->r->protocol == WIRE_OPENAI_CHAT || w->r->protocol == WIRE_OPENAI_RESPONSES);
}

static bool refuse_part(struct request_writer *w, const struct message *m, const struct part *p,
                        const char *message)
{
    return refuse_path(w, canon_path(w->r, m, p, w->a), str_c(message));
}

static bool put_image(struct request_writer *w, const struct message *m, const struct part *p)
{
    static const char *const details[] = {
        [DETAIL_UNSET] = NULL,  [DETAIL_AUTO] = "auto",         [DETAIL_LOW] = "low",
        [DETAIL_HIGH] = "high", [DETAIL_ORIGINAL] = "original",
    };

    if (w->t->lacks.images)
        return refuse_part(w, m, p, "the model that serves this request takes no images");
    if (p->media.source == MEDIA_FILE && !file_id_fits(w))
        return refuse_part(w, m, p, "names a file that the provider of this model does not have");
    json_put_object(w->w);
    json_put_member(w->w, "type", STR("input_image"));
    if (p->media.source == MEDIA_FILE)
        put_text(w->w, "file_id", p->media.data);
    else if (p->media.source == MEDIA_URL)
        put_text(w->w, "image_url", p->media.data);
    else
        put_data_url(w, "image_url", &p->media);
    if (details[p->media.detail] != NULL)
        json_put_member(w->w, "detail", str_c(details[p->media.detail]));
    put_breakpoint(w, p);
    json_put_end(w->w);
    return true;
}

static bool put_content(struct request_writer *w, const struct message *m, const struct part *p);

static bool put_document(struct request_writer *w, const struct message *m, const struct part *p)
{
    struct text title = p->media.title;

    switch (p->media.source) {
    case MEDIA_TEXT:
        if (!text_is_empty(title))
            title = text_join(w->a, title, TEXT_LIT("\\n"));
        put_text_part(w, "input_text", text_join(w->a, title, p->text), p);
        return true;
    case MEDIA_PARTS:
        if (!text_is_empty(title))
            put_text_part(w, "input_text", title, NULL);
        for (const struct part *inner = p->media.content; inner != NULL; inner = inner->next)
            if (!put_content(w, m, inner))
                return false;
        return true;
    case MEDIA_FILE:
        if (!file_id_fits(w))
            return refuse_part(w, m, p,
                               "names a file that the provider of this model does not have");
        break;
    case MEDIA_BASE64:
    case MEDIA_URL:
        break;
    }
    json_put_object(w->w);
    json_put_member(w->w, "type", STR("input_file"));
    if (p->media.source == MEDIA_FILE) {
        put_text(w->w, "file_id", p->media.data);
    } else if (p->media.source == MEDIA_URL) {
        put_text(w->w, "file_url", p->media.data);
    } else {
        put_text(w->w, "filename", text_is_empty(title) ? TEXT_LIT("document.pdf") : title);
        put_data_url(w, "file_data", &p->media);
    }
    put_breakpoint(w, p);
    json_put_end(w->w);
    return true;
}

static bool put_audio(struct request_writer *w, const struct message *m, const struct part *p)
{
    static const struct {
        struct str mime, format;
    } formats[] = {
        { STR("audio/wav"), STR("wav") },  { STR("audio/x-wav"), STR("wav") },
        { STR("audio/wave"), STR("wav") }, { STR("audio/mp3"), STR("mp3") },
        { STR("audio/mpeg"), STR("mp3") },
    };

    for (size_t i = 0; i < COUNT(formats); i++) {
        if (p->media.source != MEDIA_BASE64 || !str_ieq(p->media.mime.escaped, formats[i].mime))
            continue;
        json_put_object(w->w);
        json_put_member(w->w, "type", STR("input_audio"));
        json_put_name(w->w, STR("input_audio"));
        json_put_object(w->w);
        put_text(w->w, "data", p->media.data);
        json_put_member(w->w, "format", formats[i].format);
        json_put_end(w->w);
        json_put_end(w->w);
        return true;
    }
    return refuse_part(w, m, p, "must be audio in wav or mp3 for this model");
}

static void put_search_result(struct request_writer *w, const struct part *p)
{
    struct text text = p->media.title;

    if (!text_is_empty(p->media.data)) {
        if (!text_is_empty(text))
            text = text_join(w->a, text, TEXT_LIT("\\n"));
        text = text_join(w->a, text, p->media.data);
    }
    if (!text_is_empty(text))
        text = text_join(w->a, text, TEXT_LIT("\\n"));
    put_text_part(w, "input_text", text_join(w->a, text, p->text), p);
}

/* A part of what the user says, or of a result. */
static bool put_content(struct request_writer *w, const struct message *m, const struct part *p)
{
    switch (p->kind) {
    case PART_TEXT:
    case PART_REFUSAL:
        put_text_part(w, "input_text", p->text, p);
        return true;
    case PART_IMAGE:
        return put_image(w, m, p);
    case PART_DOCUMENT:
        return put_document(w, m, p);
    case PART_AUDIO:
        return put_audio(w, m, p);
    case PART_SEARCH_RESULT:
        put_search_result(w, p);
        return true;
    case PART_VIDEO:
        return refuse_part(w, m, p, "is video, which this model does not take");
    case PART_TOOL_CALL:
    case PART_TOOL_RESULT:
    case PART_THINKING:
    case PART_REDACTED:
    case PART_SERVER_CALL:
    case PART_SERVER_RESULT:
    case PART_OPAQUE:
        lose_path(w, canon_path(w->r, m, p, w->a)); /* nothing that a user says */
        return true;
    }
    return true;
}

/* --- results ----------------------------------------------------------------------------------*/

static bool is_all_text(const struct part *first)
{
    for (const struct part *p = first; p != NULL; p = p->next)
        if (p->kind != PART_TEXT)
            return false;
    return true;
}

static struct text result_text(struct request_writer *w, const struct tool_result *result)
{
    struct text text = parts_text(result->content, w->a);

    if (result->content == NULL && result->response.len > 0)
        text = text_from(w->a, result->response);
    if (result->is_error && !str_istarts(text.escaped, STR("error")))
        text = text_join(w->a, TEXT_LIT("Error: "), text);
    return text;
}

static bool put_result(struct request_writer *w, const struct message *m, const struct part *p)
{
    const struct tool_result *result = &p->result;
    bool custom = result->custom && takes_custom(w);

    if (result->is_error && p->at != PART_AT_NONE) /* in words only */
        approximate_path(w, canon_path(w->r, m, p, w->a));
    json_put_object(w->w);
    json_put_member(w->w, "type",
                    custom ? STR("custom_tool_call_output") : STR("function_call_output"));
    json_put_member(w->w, "call_id", call_id_for(WIRE_OPENAI_RESPONSES, result->call_id, 0, w->a));
    if (is_all_text(result->content)) {
        put_text(w->w, "output", result_text(w, result));
    } else {
        json_put_name(w->w, STR("output"));
        json_put_array(w->w);
        if (result->is_error)
            put_text_part(w, "input_text", TEXT_LIT("Error:"), NULL);
        for (const struct part *inner = result->content; inner != NULL; inner = inner->next)
            if (!put_content(w, m, inner))
                return false;
        json_put_end(w->w);
    }
    json_put_end(w->w);
    return true;
}

/* --- what the assistant said ------------------------------------------------------------------*/

static void put_call(struct request_writer *w, const struct part *p)
{
    const struct tool_call *call = &p->call;
    bool custom = call->custom && takes_custom(w);

    json_put_object(w->w);
    json_put_member(w->w, "type", custom ? STR("custom_tool_call") : STR("function_call"));
    json_put_member(w->w, "call_id", call_id_for(WIRE_OPENAI_RESPONSES, call->id, 0, w->a));
    json_put_member(w->w, "name", names_to_wire(w->names, call->name_space, call->name));
    if (call->name_space.len > 0)
        json_put_member(w->w, "namespace", call->name_space);
    if (custom)
        put_text(w->w, "input", call_text(call, w->a));
    else if (call->custom)
        put_text(w->w, "arguments", text_from(w->a, call_object(call, w->a, NULL)));
    else
        put_text(w->w, "arguments",
                 call->object.len == 0 && text_is_empty(call->text) ? TEXT_LIT("{}")
                                                                    : call_text(call, w->a));
    json_put_end(w->w);
}

/* Reasoning that came from this wire goes back as the item it was. */
static void put_reasoning(struct request_writer *w, const struct part *p)
{
    if (p->opaque.raw.len > 0) {
        json_put_raw(w->w, p->opaque.raw);
        return;
    }
    if (p->sig.signer != SIGNER_OPENAI)
        return; /* prepared requests hold no other */
    json_put_object(w->w);
    json_put_member(w->w, "type", STR("reasoning"));
    if (p->sig.item_id.len > 0)
        json_put_member(w->w, "id", p->sig.item_id);
    json_put_name(w->w, STR("summary"));
    json_put_array(w->w);
    if (!text_is_empty(p->text))
        put_text_part(w, "summary_text", p->text, NULL);
    json_put_end(w->w);
    put_text(w->w, "encrypted_content", p->sig.blob);
    json_put_end(w->w);
}

static bool calls_follow(const struct part *p)
{
    for (; p != NULL; p = p->next)
        if (p->kind == PART_TOOL_CALL)
            return true;
    return false;
}

/* Models that mark the phases of a turn do worse on history without the marks. */
static void put_phase(struct request_writer *w, const struct message *m, const struct part *p)
{
    enum phase phase = m->phase;

    if (phase == PHASE_NONE && w->t->facts.openai.phases)
        phase = calls_follow(p) ? PHASE_COMMENTARY : PHASE_FINAL;
    if (phase != PHASE_NONE)
        json_put_member(w->w, "phase",
                        phase == PHASE_COMMENTARY ? STR("commentary") : STR("final_answer"));
}

/* A run of texts and refusals is one message; gives the part behind it. */
static const struct part *put_said(struct request_writer *w, const struct message *m,
                                   const struct part *p)
{
    json_put_object(w->w);
    json_put_member(w->w, "type", STR("message"));
    json_put_member(w->w, "role", STR("assistant"));
    put_phase(w, m, p);
    json_put_name(w->w, STR("content"));
    json_put_array(w->w);
    for (; p != NULL && (p->kind == PART_TEXT || p->kind == PART_REFUSAL); p = p->next) {
        bool refusal = p->kind == PART_REFUSAL;

        json_put_object(w->w);
        json_put_member(w->w, "type", refusal ? STR("refusal") : STR("output_text"));
        put_text(w->w, refusal ? "refusal" : "text", p->text);
        if (is_own(w) && p->citations.len > 0)
            json_put_member_raw(w->w, "annotations", p->citations);
        json_put_end(w->w);
    }
    json_put_end(w->w);
    json_put_end(w->w);
    return p;
}

static bool put_assistant(struct request_writer *w, const struct message *m)
{
    const struct part *p = m->parts;

    while (p != NULL) {
        if (p->kind == PART_TEXT || p->kind == PART_REFUSAL) {
            p = put_said(w, m, p);
            continue;
        }
        switch (p->kind) {
        case PART_TOOL_CALL:
            put_call(w, p);
            break;
        case PART_THINKING:
        case PART_REDACTED:
            put_reasoning(w, p);
            break;
        case PART_SERVER_CALL:
        case PART_SERVER_RESULT:
        case PART_OPAQUE:
            json_put_raw(w->w, p->opaque.raw);
            break;
        case PART_TEXT:
        case PART_REFUSAL:
        case PART_IMAGE:
        case PART_DOCUMENT:
        case PART_AUDIO:
        case PART_VIDEO:
        case PART_TOOL_RESULT:
        case PART_SEARCH_RESULT: /* this protocol has no place for the assistant's media */
            lose_path(w, canon_path(w->r, m, p, w->a));
            break;
        }
        p = p->next;
    }
    return true;
}

/* --- messages ---------------------------------------------------------------------------------*/

static bool is_item(const struct part *p)
{
    return p->kind == PART_TOOL_RESULT || p->kind == PART_OPAQUE || p->kind == PART_SERVER_RESULT ||
           p->kind == PART_SERVER_CALL;
}

/* Results are items of their own; what stands between them is a message. */
static bool put_other(struct request_writer *w, const struct message *m, struct str role)
{
    const struct part *p = m->parts;

    while (p != NULL) {
        if (p->kind == PART_TOOL_RESULT) {
            if (!put_result(w, m, p))
                return false;
            p = p->next;
        } else if (is_item(p)) {
            json_put_raw(w->w, p->opaque.raw);
            p = p->next;
        } else {
            json_put_object(w->w);
            json_put_member(w->w, "type", STR("message"));
            json_put_member(w->w, "role", role);
            json_put_name(w->w, STR("content"));
            json_put_array(w->w);
            for (; p != NULL && !is_item(p); p = p->next)
                if (!put_content(w, m, p))
                    return false;
            json_put_end(w->w);
            json_put_end(w->w);
        }
    }
    return true;
}

static struct str system_role(const struct request_writer *w)
{
    return w->t->lacks.developer_role ? STR("system") : STR("developer");
}

/* System text that a Responses client gave as messages stays where it was. */
static void put_developers(struct request_writer *w)
{
    for (const struct part *p = w->r->system; p != NULL; p = p->next) {
        if (!is_own(w) || p->at == PART_AT_NONE || p->kind != PART_TEXT)
            continue;
        json_put_object(w->w);
        json_put_member(w->w, "type", STR("message"));
        json_put_member(w->w, "role", system_role(w));
        json_put_name(w->w, STR("content"));
        json_put_array(w->w);
        put_text_part(w, "input_text", p->text, p);
        json_put_end(w->w);
        json_put_end(w->w);
    }
}

bool responses_write_input(struct request_writer *w)
{
    bool good = true;

    json_put_name(w->w, STR("input"));
    json_put_array(w->w);
    put_developers(w);
    for (const struct message *m = w->r->messages; m != NULL && good; m = m->next) {
        switch (m->role) {
        case ROLE_ASSISTANT:
            good = put_assistant(w, m);
            break;
        case ROLE_USER:
            good = put_other(w, m, STR("user"));
            break;
        case ROLE_SYSTEM:
            good = put_other(w, m, system_role(w));
            break;
        }
    }
    if (good)
        json_put_end(w->w);
    return good;
}
