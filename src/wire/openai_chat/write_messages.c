/* wire/openai_chat/write_messages.c - the messages of a chat completion.
 *
 * Tool results hold text alone in this protocol: what else they hold follows in a message of the
 * user behind the whole group. */
#include "wire/openai_chat/chat_write.h"

#define MARKS_MAX 4 /* cache breakpoints of one request */

/* --- parts ------------------------------------------------------------------------------------*/

static void put_mark(struct writing *x, const struct part *p)
{
    if (p->cache == CACHE_NONE || !x->own || !x->t->facts.openai.cache_marks ||
        x->marks == MARKS_MAX)
        return;
    x->marks++;
    json_put_name(x->j, STR("prompt_cache_breakpoint"));
    json_put_object(x->j);
    json_put_member(x->j, "mode", STR("explicit"));
    if (p->cache != CACHE_DEFAULT)
        json_put_member(x->j, "ttl", p->cache == CACHE_12H ? STR("12h") : STR("30m"));
    json_put_end(x->j);
}

static void put_text_part(struct writing *x, struct text text, const struct part *p)
{
    json_put_object(x->j);
    json_put_member(x->j, "type", STR("text"));
    put_text(x->j, "text", text);
    put_mark(x, p);
    json_put_end(x->j);
}

/* What bytes are, by how they begin in base64. */
static struct text picture_mime(const struct media *m)
{
    static const struct {
        struct str front;
        struct text mime;
    } fronts[] = {
        { STR("/9j/"), { STR("image/jpeg") } },
        { STR("R0lG"), { STR("image/gif") } },
        { STR("UklG"), { STR("image/webp") } },
    };

    if (!text_is_empty(m->mime))
        return m->mime;
    for (size_t i = 0; i < COUNT(fronts); i++)
        if (str_starts(m->data.escaped, fronts[i].front))
            return fronts[i].mime;
    return TEXT_LIT("image/png");
}

static void put_data_url(struct json_writer *j, const char *name, struct text mime,
                         struct text data)
{
    const struct str pieces[] = { STR("data:"), mime.escaped, STR(";base64,"), data.escaped };

    json_put_name(j, str_c(name));
    json_put_insides(j, pieces, COUNT(pieces));
}

static bool put_url_part(struct writing *x, const struct part *p, const char *type)
{
    static const char *const details[] = { NULL, "auto", "low", "high", "original" };

    json_put_object(x->j);
    json_put_member(x->j, "type", str_c(type));
    json_put_name(x->j, str_c(type));
    json_put_object(x->j);
    if (p->media.source == MEDIA_BASE64)
        put_data_url(x->j, "url", picture_mime(&p->media), p->media.data);
    else
        put_text(x->j, "url", p->media.data);
    if (details[p->media.detail] != NULL)
        json_put_member(x->j, "detail", str_c(details[p->media.detail]));
    json_put_end(x->j);
    put_mark(x, p);
    json_put_end(x->j);
    return true;
}

static bool refuse_part(struct writing *x, const struct message *m, const struct part *p,
                        struct str message)
{
    return refuse_path(x->w, canon_path(x->r, m, p, x->a), message);
}

static bool put_picture(struct writing *x, const struct message *m, const struct part *p)
{
    if (x->t->lacks.images)
        return refuse_part(x, m, p, STR("is a picture: the model's provider takes none"));
    if (p->media.source != MEDIA_BASE64 && p->media.source != MEDIA_URL)
        return refuse_part(x, m, p, STR("is a file of another provider: send the picture itself"));
    return put_url_part(x, p, "image_url");
}

static bool put_sound(struct writing *x, const struct message *m, const struct part *p)
{
    static const struct {
        struct str mime, format;
    } formats[] = {
        { STR("audio/mp3"), STR("mp3") },  { STR("audio/mpeg"), STR("mp3") },
        { STR("audio/wav"), STR("wav") },  { STR("audio/x-wav"), STR("wav") },
        { STR("audio/wave"), STR("wav") }, { STR("audio/vnd.wave"), STR("wav") },
    };
    struct str format = STR("");

    for (size_t i = 0; i < COUNT(formats); i++)
        if (str_ieq(p->media.mime.escaped, formats[i].mime))
            format = formats[i].format;
    if (x->same && format.len == 0 && str_starts(p->media.mime.escaped, STR("audio/")))
        format = str_drop(p->media.mime.escaped, 6);
    if (p->media.source != MEDIA_BASE64 || format.len == 0)
        return refuse_part(x, m, p, STR("must be wav or mp3, with its bytes, for this model"));
    json_put_object(x->j);
    json_put_member(x->j, "type", STR("input_audio"));
    json_put_name(x->j, STR("input_audio"));
    json_put_object(x->j);
    put_text(x->j, "data", p->media.data);
    put_text(x->j, "format", (struct text){ format });
    json_put_end(x->j);
    json_put_end(x->j);
    return true;
}

static void put_file(struct writing *x, const struct part *p)
{
    bool by_id = p->media.source == MEDIA_FILE;

    json_put_object(x->j);
    json_put_member(x->j, "type", STR("file"));
    json_put_name(x->j, STR("file"));
    json_put_object(x->j);
    if (by_id)
        put_text(x->j, "file_id", p->media.data);
    else
        put_data_url(x->j, "file_data",
                     text_is_empty(p->media.mime) ? TEXT_LIT("application/pdf") : p->media.mime,
                     p->media.data);
    if (!text_is_empty(p->media.title))
        put_text(x->j, "filename", p->media.title);
    else if (!by_id) /* OpenAI wants one */
        json_put_member(x->j, "filename", STR("document.pdf"));
    json_put_end(x->j);
    put_mark(x, p);
    json_put_end(x->j);
}

static bool put_part(struct writing *x, const struct message *m, const struct part *p);

/* A document made of parts: its title, then each of them. */
static bool put_parts_document(struct writing *x, const struct message *m, const struct part *p)
{
    if (!text_is_empty(p->media.title))
        put_text_part(x, p->media.title, p);
    for (const struct part *in = p->media.content; in != NULL; in = in->next)
        if (!put_part(x, m, in))
            return false;
    return true;
}

static struct text titled(struct writing *x, struct text title, struct text text)
{
    if (text_is_empty(title))
        return text;
    return text_join(x->a, text_join(x->a, title, TEXT_LIT("\\n\\n")), text);
}

static bool put_document(struct writing *x, const struct message *m, const struct part *p)
{
    switch (p->media.source) {
    case MEDIA_TEXT:
        put_text_part(x, titled(x, p->media.title, p->text), p);
        return true;
    case MEDIA_PARTS:
        return put_parts_document(x, m, p);
    case MEDIA_URL:
        return refuse_part(x, m, p, STR("is the address of a document: send the document itself"));
    case MEDIA_FILE:
        if (!x->own || (!x->same && x->r->protocol != WIRE_OPENAI_RESPONSES))
            return refuse_part(x, m, p, STR("is a file of another provider: send the file itself"));
        break;
    case MEDIA_BASE64:
        break;
    }
    put_file(x, p);
    return true;
}

/* The text of a part that can be said in words alone; false: it cannot. */
static bool part_words(struct writing *x, const struct part *p, struct text *out)
{
    switch (p->kind) {
    case PART_TEXT:
    case PART_REFUSAL:
        *out = p->text;
        return true;
    case PART_SEARCH_RESULT:
        *out = titled(x, p->media.title,
                      text_is_empty(p->media.data) ? p->text : titled(x, p->media.data, p->text));
        return true;
    case PART_DOCUMENT:
        *out = titled(x, p->media.title, p->text);
        return p->media.source == MEDIA_TEXT;
    case PART_IMAGE:
    case PART_AUDIO:
    case PART_VIDEO:
    case PART_TOOL_CALL:
    case PART_TOOL_RESULT:
    case PART_THINKING:
    case PART_REDACTED:
    case PART_SERVER_CALL:
    case PART_SERVER_RESULT:
    case PART_OPAQUE:
        break;
    }
    return false;
}

/* One part of a user's content. */
static bool put_part(struct writing *x, const struct message *m, const struct part *p)
{
    struct text words;

    if (part_words(x, p, &words)) {
        put_text_part(x, words, p);
        return true;
    }
    switch (p->kind) {
    case PART_IMAGE:
        return put_picture(x, m, p);
    case PART_AUDIO:
        return put_sound(x, m, p);
    case PART_DOCUMENT:
        return put_document(x, m, p);
    case PART_VIDEO:
        if (x->same && p->media.source != MEDIA_FILE)
            return put_url_part(x, p, "video_url");
        return refuse_part(x, m, p, STR("is a video: the model's provider takes none"));
    case PART_TEXT:
    case PART_REFUSAL:
    case PART_SEARCH_RESULT:
    case PART_TOOL_CALL:
    case PART_TOOL_RESULT:
    case PART_THINKING:
    case PART_REDACTED:
    case PART_SERVER_CALL:
    case PART_SERVER_RESULT:
    case PART_OPAQUE:
        lose_path(x->w, canon_path(x->r, m, p, x->a));
        return true;
    }
    return true;
}

/* --- content ----------------------------------------------------------------------------------*/

/* All parts in words, joined; false: some part needs a form of its own. Citations cut one text into
 * several parts: those are put together as they were. */
static bool all_words(struct writing *x, const struct part *first, struct text *out)
{
    const struct part *before = NULL;
    struct text words;

    *out = TEXT_EMPTY;
    for (const struct part *p = first; p != NULL; p = p->next) {
        if (!part_words(x, p, &words))
            return false;
        if (before != NULL && before->citations.len == 0 && p->citations.len == 0)
            *out = text_join(x->a, *out, TEXT_LIT("\\n"));
        *out = text_join(x->a, *out, words);
        before = p;
    }
    return true;
}

static bool is_marked(const struct writing *x, const struct part *first)
{
    for (const struct part *p = first; p != NULL; p = p->next)
        if (p->cache != CACHE_NONE && x->own && x->t->facts.openai.cache_marks)
            return true;
    return false;
}

/* Content of a user or of the system: a string where one will do. */
static bool put_content(struct writing *x, const struct message *m, const struct part *first)
{
    struct text words;
    bool one = first != NULL && first->next == NULL;

    json_put_name(x->j, STR("content"));
    if ((first == NULL || one || x->t->lacks.array_content) && !is_marked(x, first) &&
        all_words(x, first, &words)) {
        json_put_inside(x->j, words.escaped);
        return true;
    }
    if (x->t->lacks.array_content)
        for (const struct part *p = first; p != NULL; p = p->next)
            if (!part_words(x, p, &words))
                return refuse_part(x, m, p,
                                   STR("is no text: the model's provider takes nothing else"));
    json_put_array(x->j);
    for (const struct part *p = first; p != NULL; p = p->next)
        if (!put_part(x, m, p))
            return false;
    json_put_end(x->j);
    return true;
}

static void put_role(struct writing *x, struct str role, struct str name)
{
    json_put_object(x->j);
    json_put_member(x->j, "role", role);
    if (name.len > 0)
        json_put_member(x->j, "name", name);
}

static struct str system_role(const struct writing *x)
{
    return x->own && x->t->facts.openai.reasoning && !x->t->lacks.developer_role ? STR("developer")
                                                                                 : STR("system");
}

/* OpenAI takes several; of other servers many take one, and that at the front. */
static bool put_system(struct writing *x, struct text added)
{
    struct text all = TEXT_EMPTY;
    struct part ours = { .kind = PART_TEXT, .at = PART_AT_NONE, .text = added };

    if (x->own) {
        for (const struct part *p = x->r->system; p != NULL; p = p->next) {
            struct part one = *p;

            one.next = NULL;
            put_role(x, system_role(x), STR(""));
            if (!put_content(x, NULL, &one))
                return false;
            json_put_end(x->j);
        }
        if (!text_is_empty(added)) {
            put_role(x, system_role(x), STR(""));
            (void)put_content(x, NULL, &ours);
            json_put_end(x->j);
        }
        return true;
    }
    for (const struct part *p = x->r->system; p != NULL; p = p->next) {
        if (!text_is_empty(all) && !text_is_empty(p->text))
            all = text_join(x->a, all, TEXT_LIT("\\n\\n"));
        all = text_join(x->a, all, p->text);
    }
    if (!text_is_empty(all) && !text_is_empty(added))
        all = text_join(x->a, all, TEXT_LIT("\\n\\n"));
    all = text_join(x->a, all, added);
    if (text_is_empty(all))
        return true;
    put_role(x, system_role(x), STR(""));
    put_text(x->j, "content", all);
    json_put_end(x->j);
    return true;
}

/* --- messages ---------------------------------------------------------------------------------*/

static void attach(struct writing *x, const struct part *p)
{
    struct part *copy = part_append(&x->attached, &x->attached_last, x->a, p->kind, p->at);

    *copy = *p;
    copy->next = NULL;
}

/* A result in words; what is none is attached, and named where it stood. */
static struct text result_words(struct writing *x, const struct tool_result *result)
{
    struct text all = TEXT_EMPTY, words;
    bool first = true;

    if (result->content == NULL && result->response.len > 0)
        return text_from(x->a, result->response);
    for (const struct part *p = result->content; p != NULL; p = p->next) {
        if (!part_words(x, p, &words)) {
            bool picture = p->kind == PART_IMAGE;

            attach(x, p);
            words = text_from(x->a, arena_printf(x->a, "[%s %u attached below]",
                                                 picture ? "image" : "file",
                                                 picture ? ++x->pictures : ++x->files));
        }
        if (!first)
            all = text_join(x->a, all, TEXT_LIT("\\n"));
        all = text_join(x->a, all, words);
        first = false;
    }
    if (result->is_error && !str_istarts(all.escaped, STR("error")))
        all = text_join(x->a, TEXT_LIT("Error: "), all);
    return all;
}

static void put_result(struct writing *x, const struct part *p)
{
    if (p->result.is_error && p->at != PART_AT_NONE) /* in words only */
        approximate_path(x->w, canon_path(x->r, NULL, p, x->a));
    put_role(x, STR("tool"), STR(""));
    json_put_member(
        x->j, "tool_call_id",
        call_id_for(WIRE_OPENAI_CHAT, p->result.call_id, x->t->extras.tool_id_len, x->a));
    put_text(x->j, "content", result_words(x, &p->result));
    json_put_end(x->j);
}

/* What results hold beside text, when their group is over: in front of what the user says then. */
static bool put_attached(struct writing *x, const struct message *m, const struct part *rest,
                         struct str name)
{
    struct part *all = x->attached;

    if (x->attached_last != NULL) {
        for (const struct part *p = rest; p != NULL; p = p->next)
            attach(x, p);
    }
    x->attached = x->attached_last = NULL;
    x->pictures = x->files = 0;
    if (all == NULL && rest == NULL)
        return true;
    put_role(x, STR("user"), name);
    if (!put_content(x, m, all != NULL ? all : rest))
        return false;
    json_put_end(x->j);
    return true;
}

static bool put_user(struct writing *x, const struct message *m)
{
    const struct part *p = m->parts;
    bool more = m->next != NULL && m->next->role == ROLE_USER && m->next->parts != NULL &&
                m->next->parts->kind == PART_TOOL_RESULT;

    for (; p != NULL && p->kind == PART_TOOL_RESULT; p = p->next)
        put_result(x, p);
    if (p == NULL && more)
        return true; /* the group goes on */
    return put_attached(x, m, p, x->wide ? m->name : STR(""));
}

static void put_call(struct writing *x, const struct part *p)
{
    const struct tool_call *c = &p->call;
    bool custom = c->custom && x->own && x->t->facts.openai.custom_tools;
    struct text arguments = call_text(c, x->a);

    if (c->custom && !custom)
        arguments = text_from(x->a, call_object(c, x->a, NULL));
    else if (!custom && text_is_blank(arguments))
        arguments = TEXT_LIT("{}");
    json_put_object(x->j);
    json_put_member(x->j, "id",
                    call_id_for(WIRE_OPENAI_CHAT, c->id, x->t->extras.tool_id_len, x->a));
    json_put_member(x->j, "type", custom ? STR("custom") : STR("function"));
    json_put_name(x->j, custom ? STR("custom") : STR("function"));
    json_put_object(x->j);
    json_put_member(x->j, "name", names_to_wire(x->w->names, c->name_space, c->name));
    put_text(x->j, custom ? "input" : "arguments", arguments);
    json_put_end(x->j);
    if (p->sig.signer == SIGNER_GOOGLE) { /* kept only where it is understood: prepare.h */
        json_put_name(x->j, STR("extra_content"));
        json_put_object(x->j);
        json_put_name(x->j, STR("google"));
        json_put_object(x->j);
        put_text(x->j, "thought_signature", p->sig.blob);
        json_put_end(x->j);
        json_put_end(x->j);
    }
    json_put_end(x->j);
}

/* Thinking that was kept for this target: Copilot's own, or text that the server wants back. */
static void put_thinking(struct writing *x, const struct message *m)
{
    bool copilot = x->t->dialect == DIALECT_COPILOT;
    struct text all = TEXT_EMPTY, opaque = TEXT_EMPTY;

    for (const struct part *p = m->parts; p != NULL; p = p->next) {
        if (p->kind != PART_THINKING)
            continue;
        if (!text_is_empty(all) && !text_is_empty(p->text))
            all = text_join(x->a, all, TEXT_LIT("\\n\\n"));
        all = text_join(x->a, all, p->text);
        if (p->sig.signer == SIGNER_OTHER)
            opaque = p->sig.blob;
    }
    if (!text_is_empty(all))
        put_text(x->j, copilot ? "reasoning_text" : "reasoning_content", all);
    if (copilot && !text_is_empty(opaque))
        put_text(x->j, "reasoning_opaque", opaque);
}

static bool put_assistant(struct writing *x, const struct message *m)
{
    struct part *first = NULL, *last = NULL;
    struct text refusal = TEXT_EMPTY;
    const struct part *carried = NULL; /* a signature alone, for the part behind it */
    bool calls = false;

    for (const struct part *p = m->parts; p != NULL; p = p->next) {
        if (p->kind == PART_TEXT || p->kind == PART_REFUSAL) {
            if (p->kind == PART_REFUSAL && x->wide) {
                refusal = text_join(x->a, refusal, p->text);
                continue;
            }
            struct part *copy = part_append(&first, &last, x->a, PART_TEXT, p->at);

            copy->text = p->text;
            copy->cache = p->cache;
            copy->citations = p->citations;
        } else if (p->kind == PART_TOOL_CALL) {
            calls = true;
        } else if (p->kind != PART_THINKING) {
            lose_path(x->w, canon_path(x->r, m, p, x->a));
        }
    }
    put_role(x, STR("assistant"), x->wide ? m->name : STR(""));
    if (first == NULL && calls && !x->t->lacks.null_content) {
        json_put_member_null(x->j, "content");
    } else if (x->own && !x->t->lacks.array_content) {
        if (!put_content(x, m, first))
            return false;
    } else {
        struct text words;

        (void)all_words(x, first, &words);
        put_text(x->j, "content", words);
    }
    if (!text_is_empty(refusal))
        put_text(x->j, "refusal", refusal);
    put_thinking(x, m);
    if (calls) {
        json_put_name(x->j, STR("tool_calls"));
        json_put_array(x->j);
        for (const struct part *p = m->parts; p != NULL; p = p->next) {
            struct part call = *p;

            if (p->kind == PART_THINKING && text_is_empty(p->text))
                carried = p;
            if (p->kind != PART_TOOL_CALL)
                continue;
            if (carried != NULL && call.sig.signer == SIGNER_NONE)
                call.sig = carried->sig;
            carried = NULL;
            put_call(x, &call);
        }
        json_put_end(x->j);
    }
    json_put_end(x->j);
    return true;
}

bool chat_put_messages(struct writing *x, struct text added)
{
    json_put_name(x->j, STR("messages"));
    json_put_array(x->j);
    if (!put_system(x, added))
        return false;
    for (const struct message *m = x->r->messages; m != NULL; m = m->next) {
        bool well = true;

        switch (m->role) {
        case ROLE_USER:
            well = put_user(x, m);
            break;
        case ROLE_ASSISTANT:
            well = put_assistant(x, m);
            break;
        case ROLE_SYSTEM:
            put_role(x, system_role(x), x->wide ? m->name : STR(""));
            well = put_content(x, m, m->parts);
            if (well)
                json_put_end(x->j);
            break;
        }
        if (!well)
            return false;
    }
    json_put_end(x->j);
    return true;
}
