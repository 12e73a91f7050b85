/* wire/openai_chat/request_write.c - a canonical request as a chat completion, for OpenAI and for
 * the many servers that are compatible with it.
 *
 * What OpenAI alone knows goes only to OpenAI (`own_service`); a server that lacks something says
 * so in `lacks`. Tool results hold text alone in this protocol: what else they hold follows in a
 * message of the user behind the whole group. */
#include "wire/openai_chat/chat_int.h"

#include "base/fingerprint.h"
#include "base/base64.h"
#include "wire/members.h"
#include "wire/reasoning.h"
#include "wire/schema.h"

#define STOPS_NATIVE 4
#define MARKS_MAX 4 /* cache breakpoints of one request */
#define USER_MAX 64 /* bytes of `user` */
#define SCHEMA_NAME STR("answer")

struct writing {
    struct request_writer *w;
    const struct canon_request *r;
    const struct wire_target *t;
    struct json_writer *j;
    struct arena *a;
    bool own;  /* OpenAI itself */
    bool same; /* the client speaks this protocol, too */
    bool wide; /* either: what only OpenAI documents is said, too */
    uint32_t marks;
    /* media of tool results, for the message behind their group */
    struct part *attached, *attached_last;
    uint32_t pictures, files;
    bool tools; /* some tool was written */
};

static bool is_given(const struct writing *x, enum field f)
{
    return x->r->where[f].len > 0;
}

static void put_text(struct json_writer *j, const char *name, struct text text)
{
    json_put_name(j, str_c(name));
    json_put_inside(j, text.escaped);
}

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

/* A sentence of ours that the model must be told. */
static struct text added_instruction(struct writing *x);

/* OpenAI takes several; of other servers many take one, and that at the front. */
static bool put_system(struct writing *x)
{
    struct text added = added_instruction(x), all = TEXT_EMPTY;
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
    if (p->result.is_error) /* in words only */
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

static bool put_messages(struct writing *x)
{
    json_put_name(x->j, STR("messages"));
    json_put_array(x->j);
    if (!put_system(x))
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

/* --- tools ------------------------------------------------------------------------------------*/

/* The choice is among some tools only, and this is none of them; OpenAI is told so in words. */
static bool is_left_out(const struct writing *x, const struct tool *t)
{
    const struct tool_choice *c = &x->r->choice;

    if (c->mode != CHOICE_ALLOWED || x->own)
        return false;
    for (size_t i = 0; i < c->name_count; i++)
        if (str_eq(c->names[i], t->name))
            return false;
    return true;
}

/* OpenAI's two protocols spell a grammar differently: flat on responses, nested here. */
static void put_grammar(struct writing *x, struct str grammar)
{
    struct json doc;
    uint32_t type;

    json_put_name(x->j, STR("format"));
    if (x->r->protocol != WIRE_OPENAI_RESPONSES ||
        !json_parse(&doc, grammar, &(struct json_limits){ .depth_kept = 1 }, x->a, NULL)) {
        json_put_raw(x->j, grammar);
        return;
    }
    type = json_member(&doc, 0, STR("type"), NULL);
    if (type == JSON_NONE || json_type(&doc, type) != JSON_STRING ||
        !json_says(&doc, type, STR("grammar"))) {
        json_put_raw(x->j, grammar);
        return;
    }
    json_put_object(x->j);
    json_put_member(x->j, "type", STR("grammar"));
    json_put_name(x->j, STR("grammar"));
    json_put_object(x->j);
    for (uint32_t key = json_first(&doc, 0); key != JSON_NONE; key = json_after(&doc, 0, key + 1)) {
        if (json_says(&doc, key, STR("type")))
            continue;
        json_put_key(x->j, json_inside(&doc, key));
        json_put_raw(x->j, json_raw(&doc, key + 1));
    }
    json_put_end(x->j);
    json_put_end(x->j);
}

static void put_custom_as_function(struct writing *x, const struct tool *t)
{
    struct text description = t->description;

    if (t->grammar.len > 0) {
        if (!text_is_empty(description))
            description = text_join(x->a, description, TEXT_LIT("\\n\\n"));
        description = text_join(
            x->a, description,
            text_join(x->a, TEXT_LIT("The input has this format: "), text_from(x->a, t->grammar)));
    }
    if (!text_is_empty(description))
        put_text(x->j, "description", description);
    json_put_member_raw(x->j, "parameters",
                        STR("{\"type\":\"object\",\"properties\":{\"input\":{\"type\":\"string\"}},"
                            "\"required\":[\"input\"]}"));
    approximate_path(x->w, canon_tool_path(x->r, t->at, x->a));
}

static bool put_function(struct writing *x, const struct tool *t)
{
    bool strict = t->strict == TRI_YES && !x->t->lacks.strict;
    const char *what = "";
    enum schema_result result;

    if (!text_is_empty(t->description))
        put_text(x->j, "description", t->description);
    json_put_name(x->j, STR("parameters"));
    result = schema_put(x->j, t->schema, t->openapi, strict ? SCHEMA_OPENAI_STRICT : SCHEMA_OPENAI,
                        true, x->a, &what);
    if (result == SCHEMA_REFUSED)
        return refuse_path(x->w, canon_tool_path(x->r, t->at, x->a), str_c(what));
    if (result == SCHEMA_CHANGED)
        approximate_path(x->w, canon_tool_path(x->r, t->at, x->a));
    if (strict || (t->strict == TRI_NO && !x->t->lacks.strict))
        json_put_member_bool(x->j, "strict", strict);
    else if (t->strict == TRI_YES)
        lose_path(x->w, arena_printf(x->a, "%s.strict", canon_tool_path(x->r, t->at, x->a).at));
    return true;
}

static bool put_tool(struct writing *x, const struct tool *t)
{
    bool custom = t->custom && x->own && x->t->facts.openai.custom_tools;

    json_put_object(x->j);
    json_put_member(x->j, "type", custom ? STR("custom") : STR("function"));
    json_put_name(x->j, custom ? STR("custom") : STR("function"));
    json_put_object(x->j);
    json_put_member(x->j, "name", names_to_wire(x->w->names, t->name_space, t->name));
    if (custom) {
        if (!text_is_empty(t->description))
            put_text(x->j, "description", t->description);
        if (t->grammar.len > 0)
            put_grammar(x, t->grammar);
    } else if (t->custom) {
        put_custom_as_function(x, t);
    } else if (!put_function(x, t)) {
        return false;
    }
    json_put_end(x->j);
    json_put_end(x->j);
    return true;
}

static void put_chosen(struct writing *x, struct str name)
{
    struct str key = STR("function");

    for (const struct tool *t = x->r->tools; t != NULL; t = t->next)
        if (str_eq(t->name, name) && t->custom && x->own && x->t->facts.openai.custom_tools)
            key = STR("custom");
    json_put_object(x->j);
    json_put_member(x->j, "type", key);
    json_put_key(x->j, key);
    json_put_object(x->j);
    json_put_member(x->j, "name", names_to_wire(x->w->names, STR(""), name));
    json_put_end(x->j);
    json_put_end(x->j);
}

static void put_choice(struct writing *x)
{
    const struct tool_choice *c = &x->r->choice;

    if (c->mode == CHOICE_UNSET)
        return;
    if (!x->tools) {
        if (c->mode != CHOICE_NONE)
            lose_field(x->w, FIELD_TOOL_CHOICE);
        return;
    }
    json_put_name(x->j, STR("tool_choice"));
    switch (c->mode) {
    case CHOICE_UNSET:
    case CHOICE_AUTO:
        json_put_str(x->j, STR("auto"));
        break;
    case CHOICE_NONE:
        json_put_str(x->j, STR("none"));
        break;
    case CHOICE_ANY:
        json_put_str(x->j, STR("required"));
        break;
    case CHOICE_ONE:
        put_chosen(x, c->names[0]);
        break;
    case CHOICE_ALLOWED:
        if (!x->own) { /* the others were left out */
            json_put_str(x->j, c->allowed_any ? STR("required") : STR("auto"));
            break;
        }
        json_put_object(x->j);
        json_put_member(x->j, "type", STR("allowed_tools"));
        json_put_name(x->j, STR("allowed_tools"));
        json_put_object(x->j);
        json_put_member(x->j, "mode", c->allowed_any ? STR("required") : STR("auto"));
        json_put_name(x->j, STR("tools"));
        json_put_array(x->j);
        for (size_t i = 0; i < c->name_count; i++)
            put_chosen(x, c->names[i]);
        json_put_end(x->j);
        json_put_end(x->j);
        json_put_end(x->j);
        break;
    }
}

/* Web search stands beside the tools here, and only some models have it. */
static void put_server_tools(struct writing *x)
{
    bool searches = x->own ? str_find(x->t->model, STR("search")) != SIZE_MAX : x->same;
    bool done = false;

    for (const struct server_tool *s = x->r->server_tools; s != NULL; s = s->next) {
        struct str path = s->at == PART_AT_NONE ? s->type : canon_tool_path(x->r, s->at, x->a);
        bool whole = x->same && s->at == PART_AT_NONE;

        if (s->kind != SERVER_TOOL_WEB_SEARCH || !searches || done) {
            lose_path(x->w, path);
            continue;
        }
        done = true;
        json_put_member_raw(x->j, "web_search_options", whole ? s->raw : STR("{}"));
        if (!whole && s->raw.len > 0) /* its limits and places */
            approximate_path(x->w, path);
    }
}

static bool put_tools(struct writing *x)
{
    if (x->r->tools != NULL && x->t->lacks.tools)
        return refuse_path(x->w, canon_tool_path(x->r, x->r->tools->at, x->a),
                           STR("is a tool: the model's provider takes none"));
    for (const struct tool *t = x->r->tools; t != NULL; t = t->next) {
        if (is_left_out(x, t))
            continue;
        if (!x->tools) {
            json_put_name(x->j, STR("tools"));
            json_put_array(x->j);
        }
        x->tools = true;
        if (!put_tool(x, t))
            return false;
    }
    if (x->tools)
        json_put_end(x->j);
    put_choice(x);
    if (x->r->parallel_tools != TRI_UNSET) {
        if (x->tools && !x->t->lacks.parallel_tool_calls)
            json_put_member_bool(x->j, "parallel_tool_calls", x->r->parallel_tools == TRI_YES);
        else if (x->r->parallel_tools == TRI_NO && x->tools)
            lose_field(x->w, FIELD_PARALLEL_TOOLS);
    }
    put_server_tools(x);
    return true;
}

/* --- numbers and words ------------------------------------------------------------------------*/

static void put_limit(struct writing *x)
{
    const struct wire_target *t = x->t;
    bool copilot = t->dialect == DIALECT_COPILOT;
    bool newer = !copilot && !t->lacks.max_completion_tokens &&
                 (x->own || t->facts.openai.reasoning || t->lacks.max_tokens);
    int64_t n = x->r->max_output;

    if (n == 0 && copilot) /* Claude models want one there */
        n = t->facts.output_max;
    if (n > 0 && t->facts.output_max > 0 && n > t->facts.output_max) {
        n = t->facts.output_max;
        approximate_field(x->w, FIELD_MAX_OUTPUT);
    }
    if (n > 0)
        json_put_member_i64(x->j, newer ? "max_completion_tokens" : "max_tokens", n);
}

/* The effort that goes to the target; NULL: none is said. */
static const char *effort_for(struct writing *x)
{
    const struct reasoning *how = &x->r->reasoning;
    const struct model_facts *f = &x->t->facts;
    enum effort asked = reasoning_effort(how), near;
    bool known = f->openai.reasoning || x->same || x->r->protocol == WIRE_OPENAI_RESPONSES;

    if (x->tools && f->openai.chat_tools_need_none) {
        if (how->mode != REASONING_OFF)
            approximate_field(x->w, FIELD_REASONING);
        return "none";
    }
    if (x->t->lacks.reasoning_effort || (x->own && !f->openai.reasoning) || !known) {
        if (how->mode != REASONING_OFF || f->openai.reasoning)
            lose_field(x->w, FIELD_REASONING);
        return NULL;
    }
    if (how->mode == REASONING_OFF) {
        if (f->openai.effort_none)
            return "none";
        approximate_field(x->w, FIELD_REASONING);
        near = effort_nearest(EFFORT_MINIMAL, f->openai.efforts);
        return near == EFFORT_UNSET ? NULL : effort_word(near);
    }
    if (asked == EFFORT_UNSET) {
        if (how->mode == REASONING_BETWEEN_TOOLS)
            approximate_field(x->w, FIELD_REASONING);
        return NULL;
    }
    near = effort_nearest(asked, f->openai.efforts);
    if (near != asked || how->mode == REASONING_BUDGET || how->mode == REASONING_BETWEEN_TOOLS)
        approximate_field(x->w, FIELD_REASONING);
    return near == EFFORT_UNSET ? NULL : effort_word(near);
}

static void put_or_lose(struct writing *x, enum field f, const char *name, struct str raw,
                        bool takes)
{
    if (raw.len == 0)
        return;
    if (takes)
        json_put_member_raw(x->j, name, raw);
    else
        lose_field(x->w, f);
}

static void put_sampling(struct writing *x, const char *effort)
{
    const struct canon_request *r = x->r;
    bool none = effort != NULL && strcmp(effort, "none") == 0;
    bool takes = !x->t->lacks.sampling &&
                 (x->t->facts.openai.sampling || (x->t->facts.openai.sampling_if_none && none));
    bool more = takes && (x->t->extras.top_k || (x->same && !x->own));

    put_or_lose(x, FIELD_TEMPERATURE, "temperature", r->temperature, takes);
    put_or_lose(x, FIELD_TOP_P, "top_p", r->top_p, takes);
    put_or_lose(x, FIELD_FREQUENCY_PENALTY, "frequency_penalty", r->frequency_penalty, takes);
    put_or_lose(x, FIELD_PRESENCE_PENALTY, "presence_penalty", r->presence_penalty, takes);
    put_or_lose(x, FIELD_TOP_K, "top_k", r->top_k, more);
    put_or_lose(x, FIELD_MIN_P, "min_p", r->min_p, more);
    put_or_lose(x, FIELD_REPETITION_PENALTY, "repetition_penalty", r->repetition_penalty, more);
    put_or_lose(x, FIELD_SEED, "seed", r->seed, true);
    put_or_lose(x, FIELD_LOGIT_BIAS, "logit_bias", r->logit_bias, takes && x->same);
    lose_field(x->w, FIELD_LOGPROBS); /* no other protocol's answer has room for them */
    lose_field(x->w, FIELD_TOP_LOGPROBS);
}

static void put_stops(struct writing *x)
{
    size_t count = 0;

    if (x->r->stop_count == 0 || !x->t->facts.openai.stop)
        return; /* all are watched for here */
    for (size_t i = 0; i < x->r->stop_count && count < STOPS_NATIVE; i++) {
        if (text_is_empty(x->r->stop[i]))
            continue;
        if (count == 0) {
            json_put_name(x->j, STR("stop"));
            json_put_array(x->j);
        }
        json_put_inside(x->j, x->r->stop[i].escaped);
        x->w->stops_native |= UINT64_C(1) << i;
        count++;
    }
    if (count > 0)
        json_put_end(x->j);
}

/* Does any text of the request say JSON? OpenAI refuses `json_object` without it. */
static bool says_json(const struct canon_request *r)
{
    for (const struct part *p = r->system; p != NULL; p = p->next)
        if (str_ifind(p->text.escaped, STR("json")) != SIZE_MAX)
            return true;
    for (const struct message *m = r->messages; m != NULL; m = m->next)
        for (const struct part *p = m->parts; p != NULL; p = p->next)
            if (p->kind == PART_TEXT && str_ifind(p->text.escaped, STR("json")) != SIZE_MAX)
                return true;
    return false;
}

static struct text added_instruction(struct writing *x)
{
    const struct answer_format *f = &x->r->format;

    if (f->kind == FORMAT_SCHEMA && x->t->lacks.json_schema) {
        approximate_field(x->w, FIELD_FORMAT);
        return text_join(x->a,
                         TEXT_LIT("Answer with one JSON object and nothing else. It keeps to this "
                                  "JSON Schema: "),
                         text_from(x->a, f->schema.len > 0 ? f->schema : STR("{}")));
    }
    if (f->kind == FORMAT_JSON && !x->same && !says_json(x->r)) {
        approximate_field(x->w, FIELD_FORMAT);
        return TEXT_LIT("Answer with one JSON object and nothing else.");
    }
    return TEXT_EMPTY;
}

static bool put_format(struct writing *x)
{
    const struct answer_format *f = &x->r->format;
    bool strict = f->strict == TRI_YES && !x->t->lacks.strict;
    enum schema_result result;
    const char *what = "";

    if (f->kind == FORMAT_TEXT)
        return true;
    json_put_name(x->j, STR("response_format"));
    json_put_object(x->j);
    if (f->kind == FORMAT_JSON || x->t->lacks.json_schema) {
        json_put_member(x->j, "type", STR("json_object"));
        json_put_end(x->j);
        return true;
    }
    json_put_member(x->j, "type", STR("json_schema"));
    json_put_name(x->j, STR("json_schema"));
    json_put_object(x->j);
    json_put_member(x->j, "name", f->name.len > 0 ? f->name : SCHEMA_NAME);
    if (!text_is_empty(f->description))
        put_text(x->j, "description", f->description);
    json_put_name(x->j, STR("schema"));
    result = schema_put(x->j, f->schema, f->openapi, strict ? SCHEMA_OPENAI_STRICT : SCHEMA_OPENAI,
                        false, x->a, &what);
    if (result == SCHEMA_REFUSED)
        return refuse_field(x->w, FIELD_FORMAT, str_c(what));
    if (result == SCHEMA_CHANGED || (f->strict == TRI_YES && !strict))
        approximate_field(x->w, FIELD_FORMAT);
    if (strict || (f->strict == TRI_NO && !x->t->lacks.strict))
        json_put_member_bool(x->j, "strict", strict);
    json_put_end(x->j);
    json_put_end(x->j);
    return true;
}

static void put_tier(struct writing *x)
{
    static const struct {
        struct str word, here;
    } tiers[] = {
        { STR("auto"), STR("auto") },
        { STR("default"), STR("default") },
        { STR("flex"), STR("flex") },
        { STR("scale"), STR("scale") },
        { STR("priority"), STR("priority") },
        { STR("fast"), STR("fast") },
        { STR("standard"), STR("default") },      /* gemini */
        { STR("standard_only"), STR("default") }, /* anthropic */
    };

    if (x->r->service_tier.len == 0)
        return;
    for (size_t i = 0; x->wide && i < COUNT(tiers); i++) {
        if (!str_eq(x->r->service_tier, tiers[i].word))
            continue;
        json_put_member(x->j, "service_tier", tiers[i].here);
        if (!str_eq(tiers[i].word, tiers[i].here))
            approximate_field(x->w, FIELD_SERVICE_TIER);
        return;
    }
    lose_field(x->w, FIELD_SERVICE_TIER);
}

/* Whom it is for. OpenAI takes 64 bytes: a longer one becomes what stands for it. */
static void put_identity(struct writing *x)
{
    struct str user = x->r->user;

    if (user.len > USER_MAX) {
        struct fingerprint f = { { 0 } };
        uint8_t bytes[16];
        struct buf hex;

        fingerprint_add(&f, user);
        fingerprint_bytes(&f, bytes);
        buf_init(&hex, 64);
        bool fits = hex_put(&hex, (struct str){ (const char *)bytes, sizeof(bytes) });
        assert(fits);
        user = arena_printf(x->a, "user_%.*s", (int)hex.len, hex.at);
        buf_clear(&hex);
        approximate_field(x->w, FIELD_USER);
    }
    if (user.len > 0)
        json_put_member(x->j, "user", user);
    if (x->r->safety_id.len > 0 && x->wide)
        json_put_member(x->j, "safety_identifier", x->r->safety_id);
    else
        lose_field(x->w, FIELD_SAFETY_ID);
}

static bool put_modalities(struct writing *x)
{
    uint32_t m = x->r->modalities;

    if ((m & MODALITY_AUDIO) != 0)
        return refuse_field(x->w, FIELD_MODALITIES,
                            STR("asks for sound, which translated answers cannot carry"));
    if ((m & MODALITY_IMAGE) == 0)
        return true;
    if (x->own)
        return refuse_field(x->w, FIELD_MODALITIES,
                            STR("asks for pictures: this model makes none"));
    json_put_name(x->j, STR("modalities"));
    json_put_array(x->j);
    json_put_str(x->j, STR("image"));
    if ((m & MODALITY_TEXT) != 0)
        json_put_str(x->j, STR("text"));
    json_put_end(x->j);
    return true;
}

static void put_image(struct writing *x)
{
    const struct image_ask *ask = &x->r->image;

    if (!is_given(x, FIELD_IMAGE))
        return;
    if (x->own || (x->r->modalities & MODALITY_IMAGE) == 0) {
        lose_field(x->w, FIELD_IMAGE);
        return;
    }
    json_put_name(x->j, STR("image_config"));
    json_put_object(x->j);
    if (ask->aspect.len > 0)
        json_put_member(x->j, "aspect_ratio", ask->aspect);
    if (ask->size.len > 0)
        json_put_member(x->j, "image_size", ask->size);
    json_put_end(x->j);
    if (ask->quality.len > 0)
        approximate_field(x->w, FIELD_IMAGE);
}

/* Members that only OpenAI has, and what no server of this protocol has. */
static bool put_rest(struct writing *x)
{
    const struct canon_request *r = x->r;
    bool verbose = x->own ? x->t->facts.openai.reasoning : x->same;

    if (r->previous_response.len > 0)
        return refuse_field(x->w, FIELD_PREVIOUS_RESPONSE,
                            STR("names an answer that is not known here"));
    if (r->verbosity.len > 0 && verbose)
        json_put_member(x->j, "verbosity", r->verbosity);
    else
        lose_field(x->w, FIELD_VERBOSITY);
    if (r->cache_key.len > 0 && x->wide)
        json_put_member(x->j, "prompt_cache_key", r->cache_key);
    else
        lose_field(x->w, FIELD_CACHE_KEY);
    put_or_lose(x, FIELD_METADATA, "metadata", r->metadata, x->wide);
    if (r->store != TRI_UNSET && x->wide)
        json_put_member_bool(x->j, "store", r->store == TRI_YES);
    else if (r->store == TRI_YES)
        lose_field(x->w, FIELD_STORE);
    if (is_given(x, FIELD_CACHE_MARKS) && (!x->own || !x->t->facts.openai.cache_marks))
        lose_field(x->w, FIELD_CACHE_MARKS);
    lose_field(x->w, FIELD_CACHE_OPTIONS);
    lose_field(x->w, FIELD_REASONING_SUMMARY); /* what is thought is shown or not without asking */
    lose_field(x->w, FIELD_AUDIO);
    lose_field(x->w, FIELD_PREDICTION);
    lose_field(x->w, FIELD_SAFETY);
    lose_field(x->w, FIELD_INCLUDE);
    for (const struct extra *e = r->extras; x->same && e != NULL; e = e->next)
        json_put_member_raw(x->j, arena_copy(x->a, e->path).at, e->raw);
    return true;
}

bool chat_write(struct request_writer *w)
{
    struct writing x = {
        .w = w,
        .r = w->r,
        .t = w->t,
        .j = w->w,
        .a = w->a,
        .own = w->t->own_service && w->t->dialect == DIALECT_PLAIN,
        .same = w->r->protocol == WIRE_OPENAI_CHAT,
    };
    const char *effort;

    x.wide = x.own || x.same;
    json_put_object(x.j);
    json_put_member(x.j, "model", w->t->model);
    if (w->t->stream) {
        json_put_member_bool(x.j, "stream", true);
        if (!w->t->lacks.stream_options)
            json_put_member_raw(x.j, "stream_options", STR("{\"include_usage\":true}"));
    }
    if (!put_messages(&x) || !put_tools(&x))
        return false;
    effort = effort_for(&x);
    put_limit(&x);
    if (effort != NULL)
        json_put_member(x.j, "reasoning_effort", str_c(effort));
    put_sampling(&x, effort);
    put_stops(&x);
    if (w->r->n > 1)
        json_put_member_i64(x.j, "n", w->r->n);
    if (!put_format(&x) || !put_modalities(&x))
        return false;
    put_image(&x);
    put_tier(&x);
    put_identity(&x);
    if (!put_rest(&x))
        return false;
    json_put_end(x.j);
    return true;
}
