/* wire/openai_responses/read_input.c - the items of `input`.
 *
 * Items become messages of the canonical form: what the model made in one turn (reasoning, text,
 * calls) is one message of the assistant, outputs of tools that follow one another one message of
 * the user. Parts keep the index of their item, so that a loss is named by it.
 *
 * Kept whole, for a Responses upstream alone: calls of tools that the provider ran, compaction,
 * and kinds of items that are not known here. `item_reference` is refused: what is kept here has
 * been put in its place before. */
#include "wire/openai_responses/read_int.h"

#include "base/json_write.h"
#include "wire/signature.h"

/* One item being read. */
struct item {
    const struct place *at;
    uint32_t index, node;
};

/* --- parts of messages ------------------------------------------------------------------------*/

enum {
    CONTENT_TYPE,
    CONTENT_TEXT,
    CONTENT_IMAGE_URL,
    CONTENT_DETAIL,
    CONTENT_FILE_ID,
    CONTENT_FILE_DATA,
    CONTENT_FILE_URL,
    CONTENT_FILENAME,
    CONTENT_ANNOTATIONS,
    CONTENT_LOGPROBS,
    CONTENT_REFUSAL,
    CONTENT_AUDIO,
    CONTENT_BREAKPOINT,
    CONTENT_MEMBERS,
};

static const struct member_rule content_members[CONTENT_MEMBERS] = {
    [CONTENT_TYPE] = { STR("type"), MEMBER_STRING },
    [CONTENT_TEXT] = { STR("text"), MEMBER_STRING },
    [CONTENT_IMAGE_URL] = { STR("image_url"), MEMBER_ANY },
    [CONTENT_DETAIL] = { STR("detail"), MEMBER_STRING },
    [CONTENT_FILE_ID] = { STR("file_id"), MEMBER_STRING },
    [CONTENT_FILE_DATA] = { STR("file_data"), MEMBER_STRING },
    [CONTENT_FILE_URL] = { STR("file_url"), MEMBER_STRING },
    [CONTENT_FILENAME] = { STR("filename"), MEMBER_STRING },
    [CONTENT_ANNOTATIONS] = { STR("annotations"), MEMBER_ARRAY },
    [CONTENT_LOGPROBS] = { STR("logprobs"), MEMBER_ANY },
    [CONTENT_REFUSAL] = { STR("refusal"), MEMBER_STRING },
    [CONTENT_AUDIO] = { STR("input_audio"), MEMBER_OBJECT },
    [CONTENT_BREAKPOINT] = { STR("prompt_cache_breakpoint"), MEMBER_OBJECT },
};

/* Where parts go, and under which index. */
struct part_list {
    struct part **first, **last;
    uint32_t item;
    bool outer; /* parts of the item itself are counted in paths */
};

static struct part *add_part(struct reading *rd, const struct part_list *to, enum part_kind kind,
                             uint32_t index)
{
    return part_append(to->first, to->last, rd->a, kind,
                       part_at_item(to->item, to->outer ? index : PART_AT_NONE));
}

static void media_from_url(struct reading *rd, struct media *media, uint32_t node)
{
    *media = (struct media){ .source = MEDIA_URL, .data = text_of(rd->doc, node) };
    if (text_data_url(media->data, rd->a, &media->mime, &media->data))
        media->source = MEDIA_BASE64;
}

static enum image_detail detail_of(const struct reading *rd, const uint32_t *m)
{
    static const struct {
        const char *word;
        enum image_detail detail;
    } details[] = { { "auto", DETAIL_AUTO },
                    { "low", DETAIL_LOW },
                    { "high", DETAIL_HIGH },
                    { "original", DETAIL_ORIGINAL } };

    for (size_t i = 0; i < COUNT(details); i++)
        if (node_says(rd->doc, m[CONTENT_DETAIL], details[i].word))
            return details[i].detail;
    return DETAIL_UNSET;
}

static bool read_image(struct reading *rd, const struct place *at, const uint32_t *m,
                       struct part *p)
{
    uint32_t url = m[CONTENT_IMAGE_URL];

    if (is_type(rd->doc, url, JSON_OBJECT)) /* the form of Chat Completions: a common mistake */
        url = member(rd->doc, url, "url");
    if (url != JSON_NONE && json_type(rd->doc, url) != JSON_STRING)
        return members_complain(rd, at, "image_url", "must be a string");
    if (url != JSON_NONE)
        media_from_url(rd, &p->media, url);
    else if (m[CONTENT_FILE_ID] != JSON_NONE)
        p->media =
            (struct media){ .source = MEDIA_FILE, .data = member_text(rd, m[CONTENT_FILE_ID]) };
    else
        return members_complain(rd, at, "image_url", "is missing");
    p->media.detail = detail_of(rd, m);
    return true;
}

static bool read_file(struct reading *rd, const struct place *at, const uint32_t *m, struct part *p)
{
    struct text title = member_text(rd, m[CONTENT_FILENAME]);

    if (m[CONTENT_FILE_DATA] != JSON_NONE) {
        media_from_url(rd, &p->media, m[CONTENT_FILE_DATA]);
        if (p->media.source == MEDIA_URL) { /* bare base64 is seen, too */
            p->media.source = MEDIA_BASE64;
            p->media.mime = TEXT_LIT("application/pdf");
        }
    } else if (m[CONTENT_FILE_URL] != JSON_NONE) {
        p->media =
            (struct media){ .source = MEDIA_URL, .data = member_text(rd, m[CONTENT_FILE_URL]) };
    } else if (m[CONTENT_FILE_ID] != JSON_NONE) {
        p->media =
            (struct media){ .source = MEDIA_FILE, .data = member_text(rd, m[CONTENT_FILE_ID]) };
    } else {
        return members_complain(rd, at, "file_data", "is missing");
    }
    p->media.title = title;
    p->media.detail = detail_of(rd, m);
    return true;
}

static bool read_audio(struct reading *rd, const struct place *at, const uint32_t *m,
                       struct part *p)
{
    uint32_t data = member(rd->doc, m[CONTENT_AUDIO], "data");
    uint32_t format = member(rd->doc, m[CONTENT_AUDIO], "format");

    if (m[CONTENT_AUDIO] == JSON_NONE || !is_type(rd->doc, data, JSON_STRING))
        return members_complain(rd, at, "input_audio", "must be an object with data and format");
    p->media = (struct media){ .source = MEDIA_BASE64, .data = text_of(rd->doc, data) };
    if (node_says(rd->doc, format, "wav"))
        p->media.mime = TEXT_LIT("audio/wav");
    else if (node_says(rd->doc, format, "mp3"))
        p->media.mime = TEXT_LIT("audio/mp3");
    else
        return members_complain(rd, at, "input_audio.format", "must be wav or mp3");
    return true;
}

static void read_breakpoint(struct reading *rd, const struct place *at, const uint32_t *m,
                            struct part *p)
{
    uint32_t node = m[CONTENT_BREAKPOINT];

    if (node == JSON_NONE)
        return;
    p->cache = CACHE_DEFAULT;
    if (member_says(rd->doc, node, "ttl", "30m"))
        p->cache = CACHE_30M;
    else if (member_says(rd->doc, node, "ttl", "12h"))
        p->cache = CACHE_12H;
    canon_add_cache_mark(rd->r, rd->a, place_member(at, "prompt_cache_breakpoint", rd->a));
}

static bool read_part(struct reading *rd, const struct place *at, uint32_t node, uint32_t index,
                      const struct part_list *to)
{
    static const struct {
        const char *type;
        enum part_kind kind;
    } kinds[] = {
        { "input_text", PART_TEXT },   { "output_text", PART_TEXT },
        { "text", PART_TEXT },         { "input_image", PART_IMAGE },
        { "refusal", PART_REFUSAL },   { "input_file", PART_DOCUMENT },
        { "input_audio", PART_AUDIO }, { "summary_text", PART_TEXT },
    };
    uint32_t m[CONTENT_MEMBERS];
    struct part *p;
    size_t k = 0;

    if (!responses_object(rd, node, at, content_members, CONTENT_MEMBERS, m))
        return false;
    while (k < COUNT(kinds) && !node_says(rd->doc, m[CONTENT_TYPE], kinds[k].type))
        k++;
    if (k == COUNT(kinds))
        return members_complain(rd, at, "type",
                                "must be input_text, output_text, refusal, input_image, "
                                "input_file or input_audio");
    uint32_t text = m[kinds[k].kind == PART_REFUSAL ? CONTENT_REFUSAL : CONTENT_TEXT];

    p = add_part(rd, to, kinds[k].kind, index);
    read_breakpoint(rd, at, m, p);
    switch (kinds[k].kind) {
    case PART_IMAGE:
        return read_image(rd, at, m, p);
    case PART_DOCUMENT:
        return read_file(rd, at, m, p);
    case PART_AUDIO:
        return read_audio(rd, at, m, p);
    default:
        break;
    }
    if (text == JSON_NONE)
        return members_complain(rd, at, p->kind == PART_REFUSAL ? "refusal" : "text", "is missing");
    p->text = text_of(rd->doc, text);
    if (m[CONTENT_ANNOTATIONS] != JSON_NONE &&
        json_first(rd->doc, m[CONTENT_ANNOTATIONS]) != JSON_NONE)
        p->citations = json_raw(rd->doc, m[CONTENT_ANNOTATIONS]);
    return true;
}

/* A string, or a list of parts. */
static bool read_content(struct reading *rd, const struct place *up, const char *name,
                         uint32_t node, const struct part_list *to)
{
    const struct place list = { up, name, 0 };
    uint32_t index = 0;

    if (json_type(rd->doc, node) == JSON_STRING) {
        add_part(rd, to, PART_TEXT, PART_AT_NONE)->text = text_of(rd->doc, node);
        return true;
    }
    if (json_type(rd->doc, node) != JSON_ARRAY)
        return members_complain(rd, up, name, "must be a string or an array");
    for (uint32_t one = json_first(rd->doc, node); one != JSON_NONE;
         one = json_after(rd->doc, node, one), index++)
        if (!read_part(rd, &(struct place){ &list, NULL, index }, one, index, to))
            return false;
    return true;
}

/* --- items ------------------------------------------------------------------------------------*/

/* The message that an item of the assistant, or an output of a tool, goes into. */
static struct message *turn(struct reading *rd, enum role role, const struct item *it)
{
    struct message *m = rd->r->last;
    bool same = m != NULL && m->role == role && m->last != NULL;

    if (same && role == ROLE_USER)
        same = m->last->kind == PART_TOOL_RESULT || m->last->kind == PART_OPAQUE;
    return same ? m : canon_add_message(rd->r, rd->a, role, it->index);
}

static struct part *item_part(struct reading *rd, enum role role, enum part_kind kind,
                              const struct item *it)
{
    return message_add(turn(rd, role, it), rd->a, kind, part_at_item(it->index, PART_AT_NONE));
}

static bool read_phase(struct reading *rd, const struct item *it, uint32_t node, enum phase *phase)
{
    *phase = PHASE_NONE;
    if (node_says(rd->doc, node, "commentary"))
        *phase = PHASE_COMMENTARY;
    else if (node_says(rd->doc, node, "final_answer"))
        *phase = PHASE_FINAL;
    else if (node != JSON_NONE)
        return members_complain(rd, it->at, "phase", "must be commentary or final_answer");
    return true;
}

static bool is_there(struct reading *rd, const struct item *it, const char *name, uint32_t node)
{
    return node != JSON_NONE || members_complain(rd, it->at, name, "is missing");
}

/* The text of an assistant goes into the message of its reasoning and calls; a text behind a text
 * is a message of its own, and so is one of another phase. */
static struct message *text_turn(struct reading *rd, const struct item *it, enum phase phase)
{
    struct message *m = rd->r->last;
    bool joins = m != NULL && m->role == ROLE_ASSISTANT && m->last != NULL &&
                 m->last->kind != PART_TEXT && m->last->kind != PART_REFUSAL &&
                 (m->phase == phase || m->phase == PHASE_NONE);

    if (!joins)
        m = canon_add_message(rd->r, rd->a, ROLE_ASSISTANT, it->index);
    m->phase = phase;
    return m;
}

static bool read_message(struct reading *rd, const struct item *it)
{
    enum { TYPE, ROLE, CONTENT, ID, STATUS, PHASE, COUNT_OF };
    static const struct member_rule rules[COUNT_OF] = {
        [TYPE] = { STR("type"), MEMBER_STRING },
        [ROLE] = { STR("role"), MEMBER_STRING },
        [CONTENT] = { STR("content"), MEMBER_STRING | MEMBER_ARRAY },
        [ID] = { STR("id"), MEMBER_STRING },
        [STATUS] = { STR("status"), MEMBER_STRING },
        [PHASE] = { STR("phase"), MEMBER_STRING },
    };
    struct canon_request *r = rd->r;
    struct part_list to = { .item = it->index, .outer = true };
    struct message *m = NULL;
    uint32_t node[COUNT_OF];
    enum phase phase;

    if (!members_read(rd, it->node, it->at, rules, COUNT_OF, node) ||
        !is_there(rd, it, "role", node[ROLE]) || !is_there(rd, it, "content", node[CONTENT]) ||
        !read_phase(rd, it, node[PHASE], &phase))
        return false;
    bool developer = node_says(rd->doc, node[ROLE], "developer");

    if (developer || node_says(rd->doc, node[ROLE], "system")) {
        if (r->messages != NULL) {
            m = canon_add_message(r, rd->a, ROLE_SYSTEM, it->index);
            m->developer = developer;
        }
        r->system_developer = r->system_developer || (m == NULL && developer);
    } else if (node_says(rd->doc, node[ROLE], "user")) {
        m = canon_add_message(r, rd->a, ROLE_USER, it->index);
    } else if (node_says(rd->doc, node[ROLE], "assistant")) {
        m = text_turn(rd, it, phase);
    } else {
        return members_complain(rd, it->at, "role", "must be user, assistant, system or developer");
    }
    to.first = m == NULL ? &r->system : &m->parts;
    to.last = m == NULL ? &r->system_last : &m->last;
    return read_content(rd, it->at, "content", node[CONTENT], &to);
}

static bool read_call(struct reading *rd, const struct item *it, bool custom)
{
    enum { TYPE, CALL_ID, NAME, NAMESPACE, ARGUMENTS, INPUT, ID, STATUS, COUNT_OF };
    static const struct member_rule rules[COUNT_OF] = {
        [TYPE] = { STR("type"), MEMBER_STRING },
        [CALL_ID] = { STR("call_id"), MEMBER_STRING },
        [NAME] = { STR("name"), MEMBER_STRING },
        [NAMESPACE] = { STR("namespace"), MEMBER_STRING },
        [ARGUMENTS] = { STR("arguments"), MEMBER_STRING },
        [INPUT] = { STR("input"), MEMBER_STRING },
        [ID] = { STR("id"), MEMBER_STRING },
        [STATUS] = { STR("status"), MEMBER_STRING },
    };
    struct part *p;
    uint32_t m[COUNT_OF];

    if (!members_read(rd, it->node, it->at, rules, COUNT_OF, m) ||
        !is_there(rd, it, "call_id", m[CALL_ID]) || !is_there(rd, it, "name", m[NAME]) ||
        !is_there(rd, it, custom ? "input" : "arguments", m[custom ? INPUT : ARGUMENTS]))
        return false;
    p = item_part(rd, ROLE_ASSISTANT, PART_TOOL_CALL, it);
    p->call = (struct tool_call){
        .id = member_str(rd, m[CALL_ID]),
        .name = member_str(rd, m[NAME]),
        .name_space = member_str(rd, m[NAMESPACE]),
        .custom = custom,
        .text = member_text(rd, m[custom ? INPUT : ARGUMENTS]),
    };
    return true;
}

static bool read_function_call(struct reading *rd, const struct item *it)
{
    return read_call(rd, it, false);
}

static bool read_custom_call(struct reading *rd, const struct item *it)
{
    return read_call(rd, it, true);
}

static bool read_output(struct reading *rd, const struct item *it, bool custom)
{
    enum { TYPE, CALL_ID, OUTPUT, NAME, ID, STATUS, COUNT_OF };
    static const struct member_rule rules[COUNT_OF] = {
        [TYPE] = { STR("type"), MEMBER_STRING },
        [CALL_ID] = { STR("call_id"), MEMBER_STRING },
        [OUTPUT] = { STR("output"), MEMBER_STRING | MEMBER_ARRAY },
        [NAME] = { STR("name"), MEMBER_STRING },
        [ID] = { STR("id"), MEMBER_STRING },
        [STATUS] = { STR("status"), MEMBER_STRING },
    };
    struct part_list to = { .item = it->index };
    struct part *p, *last = NULL;
    uint32_t m[COUNT_OF];

    if (!members_read(rd, it->node, it->at, rules, COUNT_OF, m) ||
        !is_there(rd, it, "call_id", m[CALL_ID]) || !is_there(rd, it, "output", m[OUTPUT]))
        return false;
    p = item_part(rd, ROLE_USER, PART_TOOL_RESULT, it);
    p->result.call_id = member_str(rd, m[CALL_ID]);
    p->result.name = member_str(rd, m[NAME]);
    p->result.custom = custom;
    to.first = &p->result.content;
    to.last = &last;
    return read_content(rd, it->at, "output", m[OUTPUT], &to);
}

static bool read_function_output(struct reading *rd, const struct item *it)
{
    return read_output(rd, it, false);
}

static bool read_custom_output(struct reading *rd, const struct item *it)
{
    return read_output(rd, it, true);
}

/* Texts of a list of {text}, with a blank line between. */
static bool join_texts(struct reading *rd, const struct item *it, const char *name, uint32_t list,
                       struct text *out)
{
    const struct json *doc = rd->doc;
    size_t len = 0;
    char *at, *to;

    if (list == JSON_NONE)
        return true;
    for (uint32_t one = json_first(doc, list); one != JSON_NONE; one = json_after(doc, list, one)) {
        if (!is_type(doc, one, JSON_OBJECT) || !is_type(doc, member(doc, one, "text"), JSON_STRING))
            return members_complain(rd, it->at, name, "must be a list of objects with a text");
        *out = text_of(doc, member(doc, one, "text"));
        len += out->escaped.len + 4;
    }
    if (len == 0 || len == out->escaped.len + 4)
        return true; /* none, or only one */
    at = to = arena_alloc_raw(rd->a, len);
    for (uint32_t one = json_first(doc, list); one != JSON_NONE; one = json_after(doc, list, one)) {
        struct str text = text_of(doc, member(doc, one, "text")).escaped;

        if (text.len == 0)
            continue;
        if (to > at) {
            memcpy(to, "\\n\\n", 4);
            to += 4;
        }
        memcpy(to, text.at, text.len);
        to += text.len;
    }
    *out = (struct text){ { at, (size_t)(to - at) } };
    return true;
}

/* Ids of items as the encoder makes them, `rs_<id of the answer>_<index>`: no provider knows them.
 */
static bool is_ours(struct str id)
{
    return memchr(str_drop(id, 3).at, '_', str_drop(id, 3).len) != NULL;
}

/* Encrypted thinking without any text is redacted thinking, but for signatures of Anthropic and
 * Google: of the former thinking that was not shown, of the latter the part that comes behind. */
static bool read_reasoning(struct reading *rd, const struct item *it)
{
    enum { TYPE, SUMMARY, CONTENT, ENCRYPTED, ID, STATUS, COUNT_OF };
    static const struct member_rule rules[COUNT_OF] = {
        [TYPE] = { STR("type"), MEMBER_STRING },
        [SUMMARY] = { STR("summary"), MEMBER_ARRAY },
        [CONTENT] = { STR("content"), MEMBER_ARRAY },
        [ENCRYPTED] = { STR("encrypted_content"), MEMBER_STRING },
        [ID] = { STR("id"), MEMBER_STRING },
        [STATUS] = { STR("status"), MEMBER_STRING },
    };
    struct text text = TEXT_EMPTY, blob;
    struct signature sig = { .signer = SIGNER_NONE };
    uint32_t m[COUNT_OF];
    struct part *p;

    if (!members_read(rd, it->node, it->at, rules, COUNT_OF, m) ||
        !join_texts(rd, it, "summary", m[SUMMARY], &text) ||
        (text_is_empty(text) && !join_texts(rd, it, "content", m[CONTENT], &text)))
        return false;
    blob = member_text(rd, m[ENCRYPTED]);
    if (!text_is_empty(blob))
        sig = signature_unwrap(blob, WIRE_OPENAI_RESPONSES, rd->a);
    else if (text_is_empty(text))
        return true; /* an empty shell */
    bool shown = !text_is_empty(text) || sig.signer == SIGNER_GOOGLE ||
                 (sig.signer == SIGNER_ANTHROPIC && !sig.redacted);

    p = item_part(rd, ROLE_ASSISTANT, shown ? PART_THINKING : PART_REDACTED, it);
    p->text = text;
    p->sig = sig;
    if (sig.signer == SIGNER_OPENAI && !str_starts(blob.escaped, STR(SIGNATURE_ENVELOPE)) &&
        !is_ours(member_str(rd, m[ID]))) {
        p->sig.item_id = member_str(rd, m[ID]);
        p->opaque = (struct opaque){ .wire = WIRE_OPENAI_RESPONSES,
                                     .type = STR("reasoning"),
                                     .raw = json_raw(rd->doc, it->node) };
    }
    return true;
}

/* Changes how the request is answered; it is no part of the conversation. */
static bool read_update(struct reading *rd, const struct item *it)
{
    enum { TYPE, REASONING, TEXT, ID, COUNT_OF };
    static const struct member_rule rules[COUNT_OF] = {
        [TYPE] = { STR("type"), MEMBER_STRING },
        [REASONING] = { STR("reasoning"), MEMBER_OBJECT },
        [TEXT] = { STR("text"), MEMBER_OBJECT },
        [ID] = { STR("id"), MEMBER_STRING },
    };
    const struct place reasoning = { it->at, "reasoning", 0 }, text = { it->at, "text", 0 };
    uint32_t m[COUNT_OF], format;

    if (!members_read(rd, it->node, it->at, rules, COUNT_OF, m))
        return false;
    format = member(rd->doc, m[TEXT], "format");
    if (format != JSON_NONE && json_type(rd->doc, format) != JSON_OBJECT)
        return members_complain(rd, &text, "format", "must be an object");
    return responses_read_effort(rd, &reasoning, member(rd->doc, m[REASONING], "effort")) &&
           (format == JSON_NONE || responses_read_format(rd, &text, format));
}

static bool read_more_tools(struct reading *rd, const struct item *it)
{
    enum { TYPE, TOOLS, ROLE, ID, COUNT_OF };
    static const struct member_rule rules[COUNT_OF] = {
        [TYPE] = { STR("type"), MEMBER_STRING },
        [TOOLS] = { STR("tools"), MEMBER_ARRAY },
        [ROLE] = { STR("role"), MEMBER_STRING },
        [ID] = { STR("id"), MEMBER_STRING },
    };
    const struct place tools = { it->at, "tools", 0 };
    uint32_t m[COUNT_OF];

    return members_read(rd, it->node, it->at, rules, COUNT_OF, m) &&
           is_there(rd, it, "tools", m[TOOLS]) && responses_read_tools(rd, &tools, m[TOOLS]);
}

static bool read_reference(struct reading *rd, const struct item *it)
{
    return members_complain(rd, it->at, NULL,
                            "refers to an item that is not kept here: send the item itself");
}

/* Items that are kept whole. Tools that the provider ran have calls that can be told about
 * elsewhere; what clients answer ends in `_output` or `_response`. */
static void keep_whole(struct reading *rd, const struct item *it, struct str type)
{
    bool clients = str_ends(type, STR("_output")) || str_ends(type, STR("_response"));
    bool called = !clients && str_ends(type, STR("_call"));
    uint32_t id = member(rd->doc, it->node, "id");
    struct part *p = item_part(rd, clients ? ROLE_USER : ROLE_ASSISTANT,
                               called ? PART_SERVER_CALL : PART_OPAQUE, it);

    p->opaque = (struct opaque){
        .wire = WIRE_OPENAI_RESPONSES,
        .type = type,
        .raw = json_raw(rd->doc, it->node),
        .id = is_type(rd->doc, id, JSON_STRING) ? member_str(rd, id) : STR(""),
        .name = called ? str_drop_last(type, 5) : STR(""),
    };
}

static bool read_item(struct reading *rd, const struct item *it)
{
    static const struct {
        struct str type;
        bool (*read)(struct reading *rd, const struct item *it);
    } kinds[] = {
        { STR("message"), read_message },
        { STR("function_call"), read_function_call },
        { STR("function_call_output"), read_function_output },
        { STR("reasoning"), read_reasoning },
        { STR("custom_tool_call"), read_custom_call },
        { STR("custom_tool_call_output"), read_custom_output },
        { STR("item_reference"), read_reference },
        { STR("configuration_update"), read_update },
        { STR("additional_tools"), read_more_tools },
    };
    uint32_t node;
    struct str type;

    if (json_type(rd->doc, it->node) != JSON_OBJECT)
        return members_complain(rd, it->at, NULL, "must be an object");
    node = member(rd->doc, it->node, "type");
    if (node == JSON_NONE) { /* it may be left out of a message, and of a reference */
        if (member(rd->doc, it->node, "role") != JSON_NONE)
            return read_message(rd, it);
        return member(rd->doc, it->node, "id") != JSON_NONE
                   ? read_reference(rd, it)
                   : members_complain(rd, it->at, "type", "is missing");
    }
    if (json_type(rd->doc, node) != JSON_STRING)
        return members_complain(rd, it->at, "type", "must be a string");
    type = member_str(rd, node);
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (str_eq(type, kinds[i].type))
            return kinds[i].read(rd, it);
    keep_whole(rd, it, type);
    return true;
}

bool responses_read_input(struct reading *rd, uint32_t input)
{
    const struct place list = { NULL, "input", 0 };
    struct item it = { .index = 0 };

    if (input == JSON_NONE)
        return complain(rd->why, STR("input"), STR("is missing"));
    if (json_type(rd->doc, input) == JSON_STRING) {
        struct message *m = canon_add_message(rd->r, rd->a, ROLE_USER, PART_AT_NONE);

        message_add(m, rd->a, PART_TEXT, PART_AT_NONE)->text = text_of(rd->doc, input);
        return true;
    }
    if (json_type(rd->doc, input) != JSON_ARRAY)
        return complain(rd->why, STR("input"), STR("must be a string or an array"));
    for (it.node = json_first(rd->doc, input); it.node != JSON_NONE;
         it.node = json_after(rd->doc, input, it.node), it.index++) {
        const struct place at = { &list, NULL, it.index };

        it.at = &at;
        if (!read_item(rd, &it))
            return false;
    }
    return true;
}
