/* wire/openai_chat/read_messages.c - the messages of a chat completion, with all that clients put
 * into them. */
#include "wire/openai_chat/chat_read.h"

#include "wire/signature.h"

/* --- what several objects hold ----------------------------------------------------------------*/

bool chat_read_cache(struct reading *rd, uint32_t node, const struct place *p, const char *name,
                     enum cache_ttl *out)
{
    enum { TYPE, TTL, MODE, RULES };
    static const struct member_rule rules[] = {
        [TYPE] = { STR("type"), MEMBER_STRING },
        [TTL] = { STR("ttl"), MEMBER_STRING },
        [MODE] = { STR("mode"), MEMBER_STRING },
    };
    static const struct {
        struct str word;
        enum cache_ttl ttl;
    } ttls[] = {
        { STR("5m"), CACHE_5M },
        { STR("30m"), CACHE_30M },
        { STR("1h"), CACHE_1H },
        { STR("12h"), CACHE_12H },
    };
    uint32_t m[RULES];

    if (node == JSON_NONE)
        return true;
    if (!members_read(rd, node, &(struct place){ p, name, 0 }, rules, RULES, m))
        return false;
    canon_add_cache_mark(rd->r, rd->a, place_member(p, name, rd->a));
    *out = CACHE_DEFAULT;
    for (size_t i = 0; m[TTL] != JSON_NONE && i < COUNT(ttls); i++)
        if (json_says(rd->doc, m[TTL], ttls[i].word))
            *out = ttls[i].ttl;
    return m[TTL] == JSON_NONE || *out != CACHE_DEFAULT ||
           bad(rd, &(struct place){ p, name, 0 }, "ttl", "must be 5m, 30m, 1h or 12h");
}

uint32_t chat_google_signature(const struct json *doc, uint32_t extra_content)
{
    uint32_t node;

    if (!is_type(doc, extra_content, JSON_OBJECT))
        return JSON_NONE;
    node = member(doc, extra_content, "google");
    if (!is_type(doc, node, JSON_OBJECT))
        return JSON_NONE;
    node = member(doc, node, "thought_signature");
    return has_text(doc, node) ? node : JSON_NONE;
}

/* In our envelope a blob says whose it is; bare, it is what the name of its place says. */
static struct signature signature_of(struct reading *rd, uint32_t node, enum signer bare)
{
    struct text blob = text_of(rd->doc, node);

    if (bare != SIGNER_NONE && !str_starts(blob.escaped, STR(SIGNATURE_ENVELOPE)))
        return (struct signature){ .signer = bare, .blob = blob };
    return signature_unwrap(blob, WIRE_OPENAI_CHAT, rd->a);
}

/* --- parts of content -------------------------------------------------------------------------*/

static enum part_kind kind_of_mime(struct text mime, enum part_kind otherwise)
{
    if (str_istarts(mime.escaped, STR("image/")))
        return PART_IMAGE;
    if (str_istarts(mime.escaped, STR("audio/")))
        return PART_AUDIO;
    if (str_istarts(mime.escaped, STR("video/")))
        return PART_VIDEO;
    return otherwise;
}

/* `image_url`, `video_url`: an object with `url`, or the bare URL, as many clients have it. */
static bool read_url(struct reading *rd, uint32_t node, const struct place *p, const char *name,
                     struct media *out)
{
    enum { URL, DETAIL, FORMAT, RULES };
    static const struct member_rule rules[] = {
        [URL] = { STR("url"), MEMBER_STRING },
        [DETAIL] = { STR("detail"), MEMBER_STRING },
        [FORMAT] = { STR("format"), MEMBER_STRING },
    };
    static const char *const details[] = { "", "auto", "low", "high", "original" };
    const struct place here = { p, name, 0 };
    uint32_t m[RULES] = { [URL] = node, [DETAIL] = JSON_NONE, [FORMAT] = JSON_NONE };

    if (node == JSON_NONE)
        return bad(rd, p, name, "is missing");
    if (json_type(rd->doc, node) == JSON_OBJECT && !members_read(rd, node, &here, rules, RULES, m))
        return false;
    if (m[FORMAT] != JSON_NONE)
        members_unread(rd, &here, "format");
    for (size_t i = 1; m[DETAIL] != JSON_NONE && i < COUNT(details); i++)
        if (json_says(rd->doc, m[DETAIL], str_c(details[i])))
            out->detail = (enum image_detail)i;
    if (m[DETAIL] != JSON_NONE && out->detail == DETAIL_UNSET)
        return bad(rd, &here, "detail", "must be auto, low, high or original");
    out->data = member_text(rd, m[URL]);
    if (text_is_empty(out->data))
        return bad(rd, p, name, "holds no URL");
    out->source = MEDIA_URL;
    if (text_data_url(out->data, rd->a, &out->mime, &out->data))
        out->source = MEDIA_BASE64;
    else if (str_istarts(out->data.escaped, STR("data:")))
        return bad(rd, p, name, "must be a URL, or a data URL in base64");
    return true;
}

static bool read_sound(struct reading *rd, uint32_t node, const struct place *p, const char *name,
                       struct media *out)
{
    enum { DATA, FORMAT, RULES };
    static const struct member_rule rules[] = {
        [DATA] = { STR("data"), MEMBER_STRING },
        [FORMAT] = { STR("format"), MEMBER_STRING },
    };
    const struct place here = { p, name, 0 };
    uint32_t m[RULES];

    if (node == JSON_NONE)
        return bad(rd, p, name, "is missing");
    if (!members_read(rd, node, &here, rules, RULES, m))
        return false;
    if (m[DATA] == JSON_NONE)
        return bad(rd, &here, "data", "is missing");
    if (m[FORMAT] == JSON_NONE)
        return bad(rd, &here, "format", "is missing");
    out->source = MEDIA_BASE64;
    if (!text_data_url(member_text(rd, m[DATA]), rd->a, &out->mime, &out->data)) {
        out->mime = text_join(rd->a, TEXT_LIT("audio/"), member_text(rd, m[FORMAT]));
        out->data = member_text(rd, m[DATA]);
    }
    return true;
}

/* What a file without a MIME type is, by its name. */
static struct text mime_of_name(struct text name)
{
    static const struct {
        struct str end;
        struct text mime;
    } mimes[] = {
        { STR(".txt"), { STR("text/plain") } },        { STR(".md"), { STR("text/markdown") } },
        { STR(".csv"), { STR("text/csv") } },          { STR(".html"), { STR("text/html") } },
        { STR(".json"), { STR("application/json") } },
    };

    for (size_t i = 0; i < COUNT(mimes); i++)
        if (str_ends(name.escaped, mimes[i].end))
            return mimes[i].mime;
    return TEXT_LIT("application/pdf");
}

static bool read_file(struct reading *rd, uint32_t node, const struct place *p, const char *name,
                      struct part *out)
{
    enum { DATA, ID, NAME, RULES };
    static const struct member_rule rules[] = {
        [DATA] = { STR("file_data"), MEMBER_STRING },
        [ID] = { STR("file_id"), MEMBER_STRING },
        [NAME] = { STR("filename"), MEMBER_STRING },
    };
    struct media *media = &out->media;
    uint32_t m[RULES];

    if (node == JSON_NONE)
        return bad(rd, p, name, "is missing");
    if (!members_read(rd, node, &(struct place){ p, name, 0 }, rules, RULES, m))
        return false;
    media->title = member_text(rd, m[NAME]);
    if (m[DATA] == JSON_NONE) {
        media->source = MEDIA_FILE;
        media->data = member_text(rd, m[ID]);
        return !text_is_empty(media->data) || bad(rd, p, name, "needs file_data or file_id");
    }
    media->data = member_text(rd, m[DATA]);
    media->source = str_istarts(media->data.escaped, STR("http")) ? MEDIA_URL : MEDIA_BASE64;
    if (media->source == MEDIA_BASE64 &&
        !text_data_url(media->data, rd->a, &media->mime, &media->data))
        media->mime = mime_of_name(media->title);
    out->kind = kind_of_mime(media->mime, PART_DOCUMENT);
    return true;
}

/* `thinking` of a part as Mistral has it: a text, or a list of text parts. */
static struct text thinking_text(struct reading *rd, uint32_t node)
{
    struct part *first = NULL, *last = NULL;

    if (node == JSON_NONE)
        return TEXT_EMPTY;
    if (json_type(rd->doc, node) == JSON_STRING)
        return text_of(rd->doc, node);
    for (uint32_t e = json_first(rd->doc, node); e != JSON_NONE; e = json_after(rd->doc, node, e)) {
        uint32_t text = json_member(rd->doc, e, STR("text"), NULL);

        if (is_type(rd->doc, text, JSON_STRING))
            part_append(&first, &last, rd->a, PART_TEXT, 0)->text = text_of(rd->doc, text);
    }
    return parts_text(first, rd->a);
}

enum {
    PIECE_TYPE,
    PIECE_TEXT,
    PIECE_IMAGE_URL,
    PIECE_AUDIO,
    PIECE_FILE,
    PIECE_REFUSAL,
    PIECE_VIDEO_URL,
    PIECE_CACHE,
    PIECE_BREAKPOINT,
    PIECE_THINKING,
    PIECE_ANNOTATIONS,
    PIECES,
};
static const struct member_rule piece_rules[] = {
    [PIECE_TYPE] = { STR("type"), MEMBER_STRING },
    [PIECE_TEXT] = { STR("text"), MEMBER_STRING },
    [PIECE_IMAGE_URL] = { STR("image_url"), MEMBER_STRING | MEMBER_OBJECT },
    [PIECE_AUDIO] = { STR("input_audio"), MEMBER_OBJECT },
    [PIECE_FILE] = { STR("file"), MEMBER_OBJECT },
    [PIECE_REFUSAL] = { STR("refusal"), MEMBER_STRING },
    [PIECE_VIDEO_URL] = { STR("video_url"), MEMBER_STRING | MEMBER_OBJECT },
    [PIECE_CACHE] = { STR("cache_control"), MEMBER_OBJECT },
    [PIECE_BREAKPOINT] = { STR("prompt_cache_breakpoint"), MEMBER_OBJECT },
    [PIECE_THINKING] = { STR("thinking"), MEMBER_STRING | MEMBER_ARRAY },
    [PIECE_ANNOTATIONS] = { STR("annotations"), MEMBER_ARRAY },
};

/* One element of a list of content. */
static bool read_piece(struct reading *rd, uint32_t node, const struct place *p, uint32_t at,
                       struct part **first, struct part **last)
{
    uint32_t m[PIECES];
    struct part *part;

    if (json_type(rd->doc, node) == JSON_STRING) { /* a bare text in the list */
        part_append(first, last, rd->a, PART_TEXT, at)->text = text_of(rd->doc, node);
        return true;
    }
    if (json_type(rd->doc, node) != JSON_OBJECT)
        return bad(rd, p, NULL, "must be an object");
    if (!members_read(rd, node, p, piece_rules, PIECES, m))
        return false;
    if (m[PIECE_TYPE] == JSON_NONE)
        return bad(rd, p, "type", "is missing");

    struct str type = member_str(rd, m[PIECE_TYPE]);

    part = part_append(first, last, rd->a, PART_TEXT, at);
    if (!chat_read_cache(rd, m[PIECE_CACHE], p, "cache_control", &part->cache) ||
        !chat_read_cache(rd, m[PIECE_BREAKPOINT], p, "prompt_cache_breakpoint", &part->cache))
        return false;
    if (str_eq(type, STR("text")) || str_eq(type, STR("input_text")) ||
        str_eq(type, STR("output_text"))) {
        part->text = member_text(rd, m[PIECE_TEXT]);
        part->citations = member_raw(rd, m[PIECE_ANNOTATIONS]);
        return m[PIECE_TEXT] != JSON_NONE || bad(rd, p, "text", "is missing");
    }
    if (str_eq(type, STR("image_url"))) {
        part->kind = PART_IMAGE;
        return read_url(rd, m[PIECE_IMAGE_URL], p, "image_url", &part->media);
    }
    if (str_eq(type, STR("file"))) {
        part->kind = PART_DOCUMENT;
        return read_file(rd, m[PIECE_FILE], p, "file", part);
    }
    if (str_eq(type, STR("input_audio"))) {
        part->kind = PART_AUDIO;
        return read_sound(rd, m[PIECE_AUDIO], p, "input_audio", &part->media);
    }
    if (str_eq(type, STR("video_url"))) {
        part->kind = PART_VIDEO;
        return read_url(rd, m[PIECE_VIDEO_URL], p, "video_url", &part->media);
    }
    if (str_eq(type, STR("refusal"))) {
        part->kind = PART_REFUSAL;
        part->text = member_text(rd, m[PIECE_REFUSAL]);
        return true;
    }
    if (str_eq(type, STR("thinking"))) {
        part->kind = PART_THINKING;
        part->text = thinking_text(rd, m[PIECE_THINKING]);
        return true;
    }
    return bad(rd, p, "type", "is not known");
}

/* `content` of the message at `p`: a string, or a list of parts. */
static bool read_content(struct reading *rd, uint32_t node, const struct place *p,
                         struct part **first, struct part **last)
{
    const struct place list = { p, "content", 0 };
    uint32_t at = 0;

    if (node == JSON_NONE)
        return true;
    if (json_type(rd->doc, node) == JSON_STRING) {
        part_append(first, last, rd->a, PART_TEXT, PART_AT_NONE)->text = text_of(rd->doc, node);
        return true;
    }
    for (uint32_t e = json_first(rd->doc, node); e != JSON_NONE;
         e = json_after(rd->doc, node, e), at++)
        if (!read_piece(rd, e, &(struct place){ &list, NULL, at }, at, first, last))
            return false;
    return true;
}

/* --- messages ---------------------------------------------------------------------------------*/

enum {
    SAID_ROLE,
    SAID_CONTENT,
    SAID_NAME,
    SAID_CALLS,
    SAID_CALL_ID,
    SAID_FUNCTION,
    SAID_REFUSAL,
    SAID_REASONING_CONTENT,
    SAID_REASONING,
    SAID_REASONING_TEXT,
    SAID_REASONING_DETAILS,
    SAID_REASONING_OPAQUE,
    SAID_EXTRA,
    SAID_ANNOTATIONS,
    SAID_CACHE,
    SAID,
};
static const struct member_rule said_rules[] = {
    [SAID_ROLE] = { STR("role"), MEMBER_STRING },
    [SAID_CONTENT] = { STR("content"), MEMBER_STRING | MEMBER_ARRAY },
    [SAID_NAME] = { STR("name"), MEMBER_STRING },
    [SAID_CALLS] = { STR("tool_calls"), MEMBER_ARRAY },
    [SAID_CALL_ID] = { STR("tool_call_id"), MEMBER_STRING },
    [SAID_FUNCTION] = { STR("function_call"), MEMBER_OBJECT },
    [SAID_REFUSAL] = { STR("refusal"), MEMBER_STRING },
    [SAID_REASONING_CONTENT] = { STR("reasoning_content"), MEMBER_ANY },
    [SAID_REASONING] = { STR("reasoning"), MEMBER_ANY },
    [SAID_REASONING_TEXT] = { STR("reasoning_text"), MEMBER_ANY },
    [SAID_REASONING_DETAILS] = { STR("reasoning_details"), MEMBER_ANY },
    [SAID_REASONING_OPAQUE] = { STR("reasoning_opaque"), MEMBER_ANY },
    [SAID_EXTRA] = { STR("extra_content"), MEMBER_ANY },
    [SAID_ANNOTATIONS] = { STR("annotations"), MEMBER_ANY },
    [SAID_CACHE] = { STR("cache_control"), MEMBER_OBJECT },
};

/* One message being read. */
struct said {
    struct place place;
    uint32_t at;
    uint32_t m[SAID];
};

/* A cache mark of the whole message stands behind its last part. */
static bool read_said_cache(struct reading *rd, const struct said *s, struct part *last)
{
    enum cache_ttl ttl = CACHE_NONE;

    if (!chat_read_cache(rd, s->m[SAID_CACHE], &s->place, "cache_control", &ttl))
        return false;
    if (ttl != CACHE_NONE && last != NULL)
        last->cache = ttl;
    return true;
}

static bool read_system(struct reading *rd, const struct said *s, bool developer)
{
    struct canon_request *r = rd->r;
    struct message *later;

    if (r->messages == NULL) {
        r->system_developer = r->system_developer || developer;
        if (s->m[SAID_NAME] != JSON_NONE)
            members_unread(rd, &s->place, "name");
        return read_content(rd, s->m[SAID_CONTENT], &s->place, &r->system, &r->system_last) &&
               read_said_cache(rd, s, r->system_last);
    }
    later = canon_add_message(r, rd->a, ROLE_SYSTEM, s->at);
    later->developer = developer;
    later->name = member_str(rd, s->m[SAID_NAME]);
    return read_content(rd, s->m[SAID_CONTENT], &s->place, &later->parts, &later->last) &&
           read_said_cache(rd, s, later->last);
}

static bool read_user(struct reading *rd, const struct said *s)
{
    struct message *msg = canon_add_message(rd->r, rd->a, ROLE_USER, s->at);

    if (s->m[SAID_CONTENT] == JSON_NONE)
        return bad(rd, &s->place, "content", "is missing");
    msg->name = member_str(rd, s->m[SAID_NAME]);
    return read_content(rd, s->m[SAID_CONTENT], &s->place, &msg->parts, &msg->last) &&
           read_said_cache(rd, s, msg->last);
}

static bool read_result(struct reading *rd, const struct said *s)
{
    struct message *msg = canon_add_message(rd->r, rd->a, ROLE_USER, s->at);
    struct part *p = message_add(msg, rd->a, PART_TOOL_RESULT, PART_AT_NONE), *last = NULL;

    if (s->m[SAID_CALL_ID] == JSON_NONE)
        return bad(rd, &s->place, "tool_call_id", "is missing");
    p->result.call_id = member_str(rd, s->m[SAID_CALL_ID]);
    p->result.name = member_str(rd, s->m[SAID_NAME]);
    return read_content(rd, s->m[SAID_CONTENT], &s->place, &p->result.content, &last) &&
           read_said_cache(rd, s, p);
}

/* The old form has no ids: a result answers the call of the message before it. */
static bool read_function_result(struct reading *rd, const struct said *s)
{
    const struct part *call = rd->r->last == NULL ? NULL : rd->r->last->last;
    struct message *msg = canon_add_message(rd->r, rd->a, ROLE_USER, s->at);
    struct part *p = message_add(msg, rd->a, PART_TOOL_RESULT, PART_AT_NONE), *last = NULL;

    if (s->m[SAID_NAME] == JSON_NONE)
        return bad(rd, &s->place, "name", "is missing");
    p->result.name = member_str(rd, s->m[SAID_NAME]);
    p->result.call_id = call != NULL && call->kind == PART_TOOL_CALL
                            ? call->call.id
                            : call_id_made(p->result.name, s->at, 0, rd->a);
    return read_content(rd, s->m[SAID_CONTENT], &s->place, &p->result.content, &last);
}

/* The object with name and arguments of a call. Arguments may be anything. */
static bool read_called(struct reading *rd, uint32_t node, const struct place *p,
                        struct tool_call *c)
{
    enum { NAME, ARGUMENTS, INPUT, RULES };
    static const struct member_rule rules[] = {
        [NAME] = { STR("name"), MEMBER_STRING },
        [ARGUMENTS] = { STR("arguments"), MEMBER_STRING | MEMBER_OBJECT },
        [INPUT] = { STR("input"), MEMBER_STRING },
    };
    uint32_t m[RULES];

    if (!members_read(rd, node, p, rules, RULES, m))
        return false;
    c->name = member_str(rd, m[NAME]);
    if (c->name.len == 0)
        return bad(rd, p, "name", "is missing");
    if (c->custom)
        c->text = member_text(rd, m[INPUT]);
    else if (is_type(rd->doc, m[ARGUMENTS], JSON_OBJECT)) /* a common mistake of clients */
        c->object = json_raw(rd->doc, m[ARGUMENTS]);
    else
        c->text = member_text(rd, m[ARGUMENTS]);
    return true;
}

static bool read_call(struct reading *rd, uint32_t node, const struct place *p, struct message *msg)
{
    enum { ID, TYPE, FUNCTION, CUSTOM, EXTRA, INDEX, CACHE, RULES };
    static const struct member_rule rules[] = {
        [ID] = { STR("id"), MEMBER_STRING },
        [TYPE] = { STR("type"), MEMBER_STRING },
        [FUNCTION] = { STR("function"), MEMBER_OBJECT },
        [CUSTOM] = { STR("custom"), MEMBER_OBJECT },
        [EXTRA] = { STR("extra_content"), MEMBER_ANY },
        [INDEX] = { STR("index"), MEMBER_NUMBER }, /* left over from a stream */
        [CACHE] = { STR("cache_control"), MEMBER_OBJECT },
    };
    struct part *part = message_add(msg, rd->a, PART_TOOL_CALL, p->index);
    uint32_t m[RULES], which, signature;

    if (json_type(rd->doc, node) != JSON_OBJECT)
        return bad(rd, p, NULL, "must be an object");
    if (!members_read(rd, node, p, rules, RULES, m) ||
        !chat_read_cache(rd, m[CACHE], p, "cache_control", &part->cache))
        return false;
    part->call.id = member_str(rd, m[ID]);
    part->call.custom = m[CUSTOM] != JSON_NONE && m[FUNCTION] == JSON_NONE;
    which = part->call.custom ? CUSTOM : FUNCTION;
    if (m[which] == JSON_NONE)
        return bad(rd, p, rules[which].name.at, "is missing");
    if (m[TYPE] != JSON_NONE && !json_says(rd->doc, m[TYPE], rules[which].name))
        return bad(rd, p, "type", "must be the name of the member beside it: function or custom");
    if (!read_called(rd, m[which], &(struct place){ p, rules[which].name.at, 0 }, &part->call))
        return false;
    signature = chat_google_signature(rd->doc, m[EXTRA]);
    if (signature != JSON_NONE)
        part->sig = signature_of(rd, signature, SIGNER_GOOGLE);
    return true;
}

/* OpenRouter's list of thinking: texts, summaries and encrypted pieces. */
static void read_details(struct reading *rd, uint32_t list, struct message *msg)
{
    for (uint32_t e = json_first(rd->doc, list); e != JSON_NONE; e = json_after(rd->doc, list, e)) {
        uint32_t text, blob;
        struct part *p;

        if (json_type(rd->doc, e) != JSON_OBJECT)
            continue;
        text = member(rd->doc, e, "text");
        if (text == JSON_NONE)
            text = member(rd->doc, e, "summary");
        blob = member(rd->doc, e, "data");
        if (blob == JSON_NONE)
            blob = member(rd->doc, e, "signature");
        if (!is_type(rd->doc, text, JSON_STRING) && !is_type(rd->doc, blob, JSON_STRING))
            continue;
        p = message_add(msg, rd->a, PART_THINKING, CHAT_THINKING_DETAILS);
        if (is_type(rd->doc, text, JSON_STRING))
            p->text = text_of(rd->doc, text);
        if (is_type(rd->doc, blob, JSON_STRING) && json_inside(rd->doc, blob).len > 0)
            p->sig = signature_of(rd, blob, SIGNER_NONE);
    }
}

/* Thinking comes back under the name under which the client's server gave it; where the list and
 * the plain text are there, they say the same. */
static void read_thinking(struct reading *rd, const struct said *s, struct message *msg)
{
    static const uint32_t texts[] = { SAID_REASONING_CONTENT, SAID_REASONING, SAID_REASONING_TEXT };
    uint32_t list = s->m[SAID_REASONING_DETAILS];
    struct part *p = NULL;

    if (is_type(rd->doc, list, JSON_ARRAY) && json_first(rd->doc, list) != JSON_NONE) {
        read_details(rd, list, msg);
        return;
    }
    for (size_t i = 0; i < COUNT(texts) && p == NULL; i++)
        if (has_text(rd->doc, s->m[texts[i]])) {
            p = message_add(msg, rd->a, PART_THINKING, CHAT_THINKING + (uint32_t)i);
            p->text = text_of(rd->doc, s->m[texts[i]]);
        }
    if (!has_text(rd->doc, s->m[SAID_REASONING_OPAQUE]))
        return;
    if (p == NULL)
        p = message_add(msg, rd->a, PART_THINKING, CHAT_THINKING_OPAQUE);
    p->sig = signature_of(rd, s->m[SAID_REASONING_OPAQUE], SIGNER_OTHER);
}

static bool read_calls(struct reading *rd, const struct said *s, struct message *msg)
{
    const struct place list = { &s->place, "tool_calls", 0 };
    uint32_t node = s->m[SAID_CALLS], at = 0;
    struct part *p;

    if (node != JSON_NONE)
        for (uint32_t c = json_first(rd->doc, node); c != JSON_NONE;
             c = json_after(rd->doc, node, c), at++)
            if (!read_call(rd, c, &(struct place){ &list, NULL, at }, msg))
                return false;
    if (s->m[SAID_FUNCTION] == JSON_NONE)
        return true;
    p = message_add(msg, rd->a, PART_TOOL_CALL, PART_AT_NONE);
    if (!read_called(rd, s->m[SAID_FUNCTION], &(struct place){ &s->place, "function_call", 0 },
                     &p->call))
        return false;
    p->call.id = call_id_made(p->call.name, s->at, 0, rd->a);
    return true;
}

static bool read_assistant(struct reading *rd, const struct said *s)
{
    struct message *msg = canon_add_message(rd->r, rd->a, ROLE_ASSISTANT, s->at);
    uint32_t notes = s->m[SAID_ANNOTATIONS], signature;

    msg->name = member_str(rd, s->m[SAID_NAME]);
    read_thinking(rd, s, msg);
    if (!read_content(rd, s->m[SAID_CONTENT], &s->place, &msg->parts, &msg->last))
        return false;
    signature = chat_google_signature(rd->doc, s->m[SAID_EXTRA]);
    if (signature != JSON_NONE && msg->last != NULL)
        msg->last->sig = signature_of(rd, signature, SIGNER_GOOGLE);
    if (is_type(rd->doc, notes, JSON_ARRAY) && json_first(rd->doc, notes) != JSON_NONE &&
        msg->last != NULL && msg->last->kind == PART_TEXT)
        msg->last->citations = json_raw(rd->doc, notes);
    if (has_text(rd->doc, s->m[SAID_REFUSAL]))
        message_add(msg, rd->a, PART_REFUSAL, PART_AT_NONE)->text =
            text_of(rd->doc, s->m[SAID_REFUSAL]);
    return read_calls(rd, s, msg) && read_said_cache(rd, s, msg->last);
}

static bool read_message(struct reading *rd, uint32_t node, const struct place *p)
{
    struct said s = { .place = *p, .at = p->index };

    if (json_type(rd->doc, node) != JSON_OBJECT)
        return bad(rd, p, NULL, "must be an object");
    if (!members_read(rd, node, p, said_rules, SAID, s.m))
        return false;
    if (s.m[SAID_ROLE] == JSON_NONE)
        return bad(rd, p, "role", "is missing");

    struct str role = member_str(rd, s.m[SAID_ROLE]);

    if (str_eq(role, STR("user")))
        return read_user(rd, &s);
    if (str_eq(role, STR("assistant")))
        return read_assistant(rd, &s);
    if (str_eq(role, STR("tool")))
        return read_result(rd, &s);
    if (str_eq(role, STR("system")))
        return read_system(rd, &s, false);
    if (str_eq(role, STR("developer")))
        return read_system(rd, &s, true);
    if (str_eq(role, STR("function")))
        return read_function_result(rd, &s);
    return bad(rd, p, "role", "must be system, developer, user, assistant, tool or function");
}

bool chat_read_messages(struct reading *rd, uint32_t list)
{
    const struct place here = { NULL, "messages", 0 };
    uint32_t at = 0;

    for (uint32_t e = json_first(rd->doc, list); e != JSON_NONE;
         e = json_after(rd->doc, list, e), at++)
        if (!read_message(rd, e, &(struct place){ &here, NULL, at }))
            return false;
    return true;
}
