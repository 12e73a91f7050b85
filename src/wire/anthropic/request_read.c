/* wire/anthropic/request_read.c - a client's Messages request (and one for counting its tokens) in
 * the canonical form.
 *
 * Blocks that only Anthropic knows (tools its servers run and their results, container uploads,
 * compaction, types newer than this) are kept whole; members that only it knows are extras. */
#include "wire/anthropic/anthropic.h"

#include <math.h>
#include <stdlib.h>

#include "wire/members.h"
#include "wire/reasoning.h"
#include "wire/signature.h"

/* Lists of blocks, by what may stand in them. */
enum context {
    IN_SYSTEM = 1,
    IN_USER = 2,
    IN_ASSISTANT = 4,
    IN_RESULT = 8,    /* content of a tool_result */
    IN_DOCUMENT = 16, /* content of a document's source */
    IN_SEARCH = 32,   /* content of a search_result */
};

struct parts {
    struct part *first, *last;
};

static bool read_blocks(struct reading *rd, uint32_t list, const struct place *at,
                        enum context where, struct parts *out);

/* A string is one text; else a list of blocks. */
static bool read_content(struct reading *rd, uint32_t node, const struct place *at,
                         enum context where, struct parts *out)
{
    if (node == JSON_NONE)
        return true;
    if (json_type(rd->doc, node) == JSON_ARRAY)
        return read_blocks(rd, node, at, where, out);
    part_append(&out->first, &out->last, rd->a, PART_TEXT, PART_AT_NONE)->text =
        text_of(rd->doc, node);
    return true;
}

/* --- cache breakpoints ------------------------------------------------------------------------*/

static bool read_cache(struct reading *rd, uint32_t node, const struct place *owner,
                       enum cache_ttl *out)
{
    static const struct member_rule rules[] = {
        { STR("type"), MEMBER_STRING },
        { STR("ttl"), MEMBER_STRING },
        { STR("scope"), MEMBER_ANY },
    };
    struct place at = { owner, "cache_control", 0 };
    uint32_t nodes[COUNT(rules)];

    if (node == JSON_NONE)
        return true;
    if (!members_read(rd, node, &at, rules, COUNT(rules), nodes))
        return false;
    if (nodes[0] == JSON_NONE || !json_says(rd->doc, nodes[0], STR("ephemeral")))
        return members_complain(rd, &at, "type", "must be \"ephemeral\"");
    if (nodes[1] == JSON_NONE)
        *out = CACHE_DEFAULT;
    else if (json_says(rd->doc, nodes[1], STR("5m")))
        *out = CACHE_5M;
    else if (json_says(rd->doc, nodes[1], STR("1h")))
        *out = CACHE_1H;
    else
        return members_complain(rd, &at, "ttl", "must be \"5m\" or \"1h\"");
    canon_add_cache_mark(rd->r, rd->a, place_text(&at, rd->a));
    return true;
}

/* --- blocks -----------------------------------------------------------------------------------*/

enum block_member {
    HAS_TYPE,
    HAS_CACHE,
    HAS_TEXT,
    HAS_CITATIONS,
    HAS_SOURCE,
    HAS_TITLE,
    HAS_CONTEXT,
    HAS_ID,
    HAS_NAME,
    HAS_INPUT,
    HAS_CALLER,
    HAS_RESULT_OF,
    HAS_CONTENT,
    HAS_IS_ERROR,
    HAS_THINKING,
    HAS_SIGNATURE,
    HAS_DATA,
    BLOCK_MEMBERS,
};

/* Types are checked once the kind of the block is known: what is kept whole may have any. */
static const struct member_rule block_rules[BLOCK_MEMBERS] = {
    [HAS_TYPE] = { STR("type"), MEMBER_STRING },
    [HAS_CACHE] = { STR("cache_control"), MEMBER_OBJECT },
    [HAS_TEXT] = { STR("text"), MEMBER_ANY },
    [HAS_CITATIONS] = { STR("citations"), MEMBER_ANY },
    [HAS_SOURCE] = { STR("source"), MEMBER_ANY },
    [HAS_TITLE] = { STR("title"), MEMBER_ANY },
    [HAS_CONTEXT] = { STR("context"), MEMBER_ANY },
    [HAS_ID] = { STR("id"), MEMBER_ANY },
    [HAS_NAME] = { STR("name"), MEMBER_ANY },
    [HAS_INPUT] = { STR("input"), MEMBER_ANY },
    [HAS_CALLER] = { STR("caller"), MEMBER_ANY },
    [HAS_RESULT_OF] = { STR("tool_use_id"), MEMBER_ANY },
    [HAS_CONTENT] = { STR("content"), MEMBER_ANY },
    [HAS_IS_ERROR] = { STR("is_error"), MEMBER_ANY },
    [HAS_THINKING] = { STR("thinking"), MEMBER_ANY },
    [HAS_SIGNATURE] = { STR("signature"), MEMBER_ANY },
    [HAS_DATA] = { STR("data"), MEMBER_ANY },
};

/* A block being read. */
struct block {
    uint32_t node;
    const struct place *at;
    const uint32_t *has; /* BLOCK_MEMBERS nodes */
    struct part *part;
};

/* Where the bytes of a picture or a document come from. */
static bool read_source(struct reading *rd, const struct block *b, struct media *out)
{
    static const struct member_rule rules[] = {
        { STR("type"), MEMBER_STRING },    { STR("media_type"), MEMBER_STRING },
        { STR("data"), MEMBER_STRING },    { STR("url"), MEMBER_STRING },
        { STR("file_id"), MEMBER_STRING }, { STR("content"), MEMBER_STRING | MEMBER_ARRAY },
    };
    static const struct {
        struct str type;
        enum media_source source;
        uint8_t holds; /* index into the rules */
        const char *name;
        bool document_only;
    } kinds[] = {
        { STR("base64"), MEDIA_BASE64, 2, "data", false },
        { STR("url"), MEDIA_URL, 3, "url", false },
        { STR("file"), MEDIA_FILE, 4, "file_id", false },
        { STR("text"), MEDIA_TEXT, 2, "data", true },
        { STR("content"), MEDIA_PARTS, 5, "content", true },
    };
    struct place at = { b->at, "source", 0 }, content = { &at, "content", 0 };
    bool document = b->part->kind == PART_DOCUMENT;
    uint32_t nodes[COUNT(rules)];
    struct parts parts = { 0 };

    if (!members_read(rd, b->has[HAS_SOURCE], &at, rules, COUNT(rules), nodes))
        return false;
    if (nodes[0] == JSON_NONE)
        return members_complain(rd, &at, "type", "is missing");
    for (size_t i = 0; i < COUNT(kinds); i++) {
        uint32_t held = nodes[kinds[i].holds];

        if (!json_says(rd->doc, nodes[0], kinds[i].type) || (kinds[i].document_only && !document))
            continue;
        if (held == JSON_NONE)
            return members_complain(rd, &at, kinds[i].name, "is missing");
        out->source = kinds[i].source;
        out->mime = member_text(rd, nodes[1]);
        if (out->source == MEDIA_BASE64 && text_is_empty(out->mime))
            return members_complain(rd, &at, "media_type", "is missing");
        if (out->source == MEDIA_TEXT)
            b->part->text = text_of(rd->doc, held);
        else if (out->source != MEDIA_PARTS)
            out->data = text_of(rd->doc, held);
        else if (!read_content(rd, held, &content, IN_DOCUMENT, &parts))
            return false;
        out->content = parts.first;
        return true;
    }
    return members_complain(rd, &at, "type",
                            document ? "must be base64, text, content, url or file"
                                     : "must be base64, url or file");
}

static bool read_text(struct reading *rd, struct block *b)
{
    b->part->text = text_of(rd->doc, b->has[HAS_TEXT]);
    b->part->citations = member_raw(rd, b->has[HAS_CITATIONS]);
    return true;
}

static bool read_image(struct reading *rd, struct block *b)
{
    return read_source(rd, b, &b->part->media);
}

static bool read_document(struct reading *rd, struct block *b)
{
    b->part->media.title = member_text(rd, b->has[HAS_TITLE]);
    b->part->media.context = member_text(rd, b->has[HAS_CONTEXT]);
    b->part->citations = member_raw(rd, b->has[HAS_CITATIONS]);
    return read_source(rd, b, &b->part->media);
}

static bool read_search_result(struct reading *rd, struct block *b)
{
    struct place content = { b->at, "content", 0 };
    struct parts parts = { 0 };

    if (!read_content(rd, b->has[HAS_CONTENT], &content, IN_SEARCH, &parts))
        return false;
    b->part->media = (struct media){
        .source = MEDIA_PARTS,
        .title = member_text(rd, b->has[HAS_TITLE]),
        .data = text_of(rd->doc, b->has[HAS_SOURCE]),
        .content = parts.first,
    };
    b->part->citations = member_raw(rd, b->has[HAS_CITATIONS]);
    b->part->text = parts_text(parts.first, rd->a);
    return true;
}

/* Arguments are an object; whatever else stands there is kept as the text of arguments. */
static bool read_tool_use(struct reading *rd, struct block *b)
{
    struct tool_call *c = &b->part->call;
    uint32_t input = b->has[HAS_INPUT], caller;

    c->id = member_str(rd, b->has[HAS_ID]);
    c->name = member_str(rd, b->has[HAS_NAME]);
    if (c->name.len == 0)
        return members_complain(rd, b->at, "name", "is empty");
    if (is_type(rd->doc, input, JSON_OBJECT))
        c->object = json_raw(rd->doc, input);
    else if (is_type(rd->doc, input, JSON_STRING))
        c->text = text_of(rd->doc, input);
    else if (input != JSON_NONE)
        c->text = text_from(rd->a, json_raw(rd->doc, input));
    /* who called says nothing new unless it was code run by a server */
    caller =
        b->has[HAS_CALLER] == JSON_NONE ? JSON_NONE : member(rd->doc, b->has[HAS_CALLER], "type");
    if (is_type(rd->doc, caller, JSON_STRING) && !json_says(rd->doc, caller, STR("direct")))
        members_unread(rd, b->at, "caller");
    return true;
}

static bool read_tool_result(struct reading *rd, struct block *b)
{
    struct place content = { b->at, "content", 0 };
    struct tool_result *res = &b->part->result;
    struct parts parts = { 0 };

    res->call_id = member_str(rd, b->has[HAS_RESULT_OF]);
    res->is_error = member_tri(rd, b->has[HAS_IS_ERROR]) == TRI_YES;
    if (!read_content(rd, b->has[HAS_CONTENT], &content, IN_RESULT, &parts))
        return false;
    res->content = parts.first;
    return true;
}

static bool read_thinking(struct reading *rd, struct block *b)
{
    b->part->text = member_text(rd, b->has[HAS_THINKING]);
    b->part->sig = signature_unwrap(member_text(rd, b->has[HAS_SIGNATURE]), WIRE_ANTHROPIC, rd->a);
    return true;
}

static bool read_redacted(struct reading *rd, struct block *b)
{
    struct signature *sig = &b->part->sig;

    *sig = signature_unwrap(text_of(rd->doc, b->has[HAS_DATA]), WIRE_ANTHROPIC, rd->a);
    if (sig->signer == SIGNER_ANTHROPIC)
        sig->redacted = true;
    return true;
}

#define NEEDED 0x100u /* beside the types: must be there */

static const struct block_form {
    struct str type;
    enum part_kind kind;
    uint32_t where; /* enum context */
    bool (*read)(struct reading *rd, struct block *b);
    struct {
        enum block_member member;
        uint32_t types;
    } uses[5];
    uint32_t use_count;
} forms[] = {
    { STR("text"),
      PART_TEXT,
      IN_SYSTEM | IN_USER | IN_ASSISTANT | IN_RESULT | IN_DOCUMENT | IN_SEARCH,
      read_text,
      { { HAS_TEXT, MEMBER_STRING | NEEDED }, { HAS_CITATIONS, MEMBER_ARRAY } },
      2 },
    { STR("tool_use"),
      PART_TOOL_CALL,
      IN_ASSISTANT,
      read_tool_use,
      { { HAS_ID, MEMBER_STRING | NEEDED },
        { HAS_NAME, MEMBER_STRING | NEEDED },
        { HAS_INPUT, MEMBER_ANY },
        { HAS_CALLER, MEMBER_OBJECT } },
      4 },
    { STR("tool_result"),
      PART_TOOL_RESULT,
      IN_USER,
      read_tool_result,
      { { HAS_RESULT_OF, MEMBER_STRING | NEEDED },
        { HAS_CONTENT, MEMBER_STRING | MEMBER_ARRAY },
        { HAS_IS_ERROR, MEMBER_BOOL } },
      3 },
    { STR("thinking"),
      PART_THINKING,
      IN_ASSISTANT,
      read_thinking,
      { { HAS_THINKING, MEMBER_STRING }, { HAS_SIGNATURE, MEMBER_STRING } },
      2 },
    { STR("redacted_thinking"),
      PART_REDACTED,
      IN_ASSISTANT,
      read_redacted,
      { { HAS_DATA, MEMBER_STRING | NEEDED } },
      1 },
    { STR("image"),
      PART_IMAGE,
      IN_USER | IN_ASSISTANT | IN_RESULT | IN_DOCUMENT,
      read_image,
      { { HAS_SOURCE, MEMBER_OBJECT | NEEDED } },
      1 },
    { STR("document"),
      PART_DOCUMENT,
      IN_USER | IN_ASSISTANT | IN_RESULT,
      read_document,
      { { HAS_SOURCE, MEMBER_OBJECT | NEEDED },
        { HAS_TITLE, MEMBER_STRING },
        { HAS_CONTEXT, MEMBER_STRING },
        { HAS_CITATIONS, MEMBER_OBJECT } },
      4 },
    { STR("search_result"),
      PART_SEARCH_RESULT,
      IN_USER | IN_RESULT,
      read_search_result,
      { { HAS_SOURCE, MEMBER_STRING | NEEDED },
        { HAS_TITLE, MEMBER_STRING | NEEDED },
        { HAS_CONTENT, MEMBER_STRING | MEMBER_ARRAY },
        { HAS_CITATIONS, MEMBER_OBJECT } },
      4 },
};

static const struct block_form *form_find(struct reading *rd, uint32_t type)
{
    for (size_t i = 0; i < COUNT(forms); i++)
        if (json_says(rd->doc, type, forms[i].type))
            return &forms[i];
    return NULL;
}

/* The members of a block whose kind is known: each of a type it may have, those it needs are there,
 * and those that mean nothing to it are noted. */
static bool check_members(struct reading *rd, const struct block_form *f, const struct block *b)
{
    for (size_t m = HAS_TEXT; m < BLOCK_MEMBERS; m++) {
        uint32_t types = 0, node = b->has[m];

        for (size_t u = 0; u < f->use_count; u++)
            if (f->uses[u].member == m)
                types = f->uses[u].types;
        if (node == JSON_NONE && (types & NEEDED) != 0)
            return members_complain(rd, b->at, block_rules[m].name.at, "is missing");
        if (node == JSON_NONE)
            continue;
        if (types == 0)
            members_unread(rd, b->at, block_rules[m].name.at);
        else if (!member_type_check(rd, node, types & MEMBER_ANY, b->at, block_rules[m].name.at))
            return false;
    }
    return true;
}

/* What only Anthropic understands: the whole block, and what ties it to others. */
static bool read_opaque(struct reading *rd, struct block *b, enum context where)
{
    struct str type = member_str(rd, b->has[HAS_TYPE]);
    bool call = str_ends(type, STR("_tool_use")), result = str_ends(type, STR("_tool_result"));
    uint32_t id = b->has[call ? HAS_ID : HAS_RESULT_OF], name = b->has[HAS_NAME];

    if ((where & (IN_USER | IN_ASSISTANT | IN_RESULT)) == 0)
        return members_complain(rd, b->at, "type", "is no block that may stand here");
    b->part->kind = call ? PART_SERVER_CALL : result ? PART_SERVER_RESULT : PART_OPAQUE;
    b->part->opaque = (struct opaque){
        .wire = WIRE_ANTHROPIC,
        .type = type,
        .raw = json_raw(rd->doc, b->node),
        .id = is_type(rd->doc, id, JSON_STRING) ? member_str(rd, id) : STR(""),
        .name = is_type(rd->doc, name, JSON_STRING) ? member_str(rd, name) : STR(""),
    };
    return true;
}

static bool read_block(struct reading *rd, uint32_t node, const struct place *at,
                       enum context where, struct parts *out)
{
    uint32_t has[BLOCK_MEMBERS], unread = rd->r->unread.count;
    const struct block_form *form;

    if (json_type(rd->doc, node) != JSON_OBJECT)
        return members_complain(rd, at, NULL, "must be an object");
    if (!members_read(rd, node, at, block_rules, COUNT(block_rules), has))
        return false;
    if (has[HAS_TYPE] == JSON_NONE)
        return members_complain(rd, at, "type", "is missing");
    form = form_find(rd, has[HAS_TYPE]);

    struct block b = { node, at, has,
                       part_append(&out->first, &out->last, rd->a,
                                   form == NULL ? PART_OPAQUE : form->kind, at->index) };

    if (!read_cache(rd, has[HAS_CACHE], at, &b.part->cache))
        return false;
    if (form == NULL) {
        rd->r->unread.count = unread; /* it is kept whole */
        return read_opaque(rd, &b, where);
    }
    if ((form->where & where) == 0)
        return members_complain(rd, at, "type", "is no block that may stand here");
    return check_members(rd, form, &b) && form->read(rd, &b);
}

static bool read_blocks(struct reading *rd, uint32_t list, const struct place *at,
                        enum context where, struct parts *out)
{
    struct place element = { at, NULL, 0 };

    for (uint32_t node = json_first(rd->doc, list); node != JSON_NONE;
         node = json_after(rd->doc, list, node)) {
        if (!read_block(rd, node, &element, where, out))
            return false;
        element.index++;
    }
    return true;
}

/* --- messages ---------------------------------------------------------------------------------*/

static bool read_role(struct reading *rd, uint32_t node, const struct place *at, enum role *role,
                      enum context *where)
{
    static const struct {
        struct str word;
        enum role role;
        enum context where;
    } roles[] = {
        { STR("user"), ROLE_USER, IN_USER },
        { STR("assistant"), ROLE_ASSISTANT, IN_ASSISTANT },
        { STR("system"), ROLE_SYSTEM, IN_SYSTEM },
    };
    for (size_t i = 0; node != JSON_NONE && i < COUNT(roles); i++)
        if (json_says(rd->doc, node, roles[i].word)) {
            *role = roles[i].role;
            *where = roles[i].where;
            return true;
        }
    return members_complain(rd, at, "role", "must be user, assistant or system");
}

static void add_system(struct canon_request *r, struct parts *parts)
{
    if (parts->first == NULL)
        return;
    if (r->system_last == NULL)
        r->system = parts->first;
    else
        r->system_last->next = parts->first;
    r->system_last = parts->last;
}

static bool read_message(struct reading *rd, uint32_t node, const struct place *at)
{
    static const struct member_rule rules[] = {
        { STR("role"), MEMBER_STRING },
        { STR("content"), MEMBER_STRING | MEMBER_ARRAY },
    };
    struct place content = { at, "content", 0 };
    enum role role = ROLE_USER;
    enum context where = IN_USER;
    uint32_t nodes[COUNT(rules)];
    struct parts parts = { 0 };

    if (json_type(rd->doc, node) != JSON_OBJECT)
        return members_complain(rd, at, NULL, "must be an object");
    if (!members_read(rd, node, at, rules, COUNT(rules), nodes) ||
        !read_role(rd, nodes[0], at, &role, &where))
        return false;
    if (nodes[1] == JSON_NONE)
        return members_complain(rd, at, "content", "is missing");
    if (!read_content(rd, nodes[1], &content, where, &parts))
        return false;
    if (role == ROLE_SYSTEM && rd->r->messages == NULL) {
        add_system(rd->r, &parts); /* it leads the conversation */
        return true;
    }

    struct message *m = canon_add_message(rd->r, rd->a, role, at->index);
    m->parts = parts.first;
    m->last = parts.last;
    return true;
}

static bool read_messages(struct reading *rd, uint32_t list)
{
    struct place messages = { NULL, "messages", 0 }, element = { &messages, NULL, 0 };

    if (list == JSON_NONE || rd->doc->nodes[list].count == 0)
        return members_complain(rd, NULL, "messages", "must be an array with at least one message");
    for (uint32_t node = json_first(rd->doc, list); node != JSON_NONE;
         node = json_after(rd->doc, list, node)) {
        if (!read_message(rd, node, &element))
            return false;
        element.index++;
    }
    return true;
}

static bool read_system(struct reading *rd, uint32_t node)
{
    struct place at = { NULL, "system", 0 };
    struct parts parts = { 0 };

    if (!read_content(rd, node, &at, IN_SYSTEM, &parts))
        return false;
    add_system(rd->r, &parts);
    return true;
}

/* --- tools ------------------------------------------------------------------------------------*/

/* Tools with a type of their own: Anthropic runs them, or trained its models on them. */
static bool read_server_tool(struct reading *rd, uint32_t node, struct str type, uint32_t index)
{
    static const struct {
        struct str begins;
        enum server_tool_kind kind;
    } kinds[] = {
        { STR("web_search_"), SERVER_TOOL_WEB_SEARCH },
        { STR("web_fetch_"), SERVER_TOOL_WEB_FETCH },
        { STR("code_execution_"), SERVER_TOOL_CODE },
    };
    enum server_tool_kind kind = SERVER_TOOL_OTHER;

    for (size_t i = 0; i < COUNT(kinds); i++)
        if (str_starts(type, kinds[i].begins))
            kind = kinds[i].kind;
    (void)canon_add_server_tool(rd->r, rd->a, kind, type, json_raw(rd->doc, node), index);
    return true;
}

/* A member of a tool that only Anthropic has. */
static void keep_extra(struct reading *rd, uint32_t node, const struct place *at, const char *name)
{
    if (node != JSON_NONE)
        canon_add_extra(rd->r, rd->a, place_member(at, name, rd->a), json_raw(rd->doc, node),
                        false);
}

static bool read_tool(struct reading *rd, uint32_t node, const struct place *at)
{
    static const struct member_rule rules[] = {
        { STR("type"), MEMBER_STRING },
        { STR("name"), MEMBER_STRING },
        { STR("description"), MEMBER_STRING },
        { STR("input_schema"), MEMBER_OBJECT },
        { STR("strict"), MEMBER_BOOL },
        { STR("cache_control"), MEMBER_OBJECT },
        { STR("defer_loading"), MEMBER_BOOL },
        { STR("allowed_callers"), MEMBER_ARRAY },
        { STR("eager_input_streaming"), MEMBER_BOOL },
        { STR("input_examples"), MEMBER_ARRAY },
    };
    enum {
        TYPE,
        TOOL_NAME,
        DESCRIPTION,
        SCHEMA,
        STRICT,
        CACHE,
        DEFERRED,
        CALLERS,
        EAGER,
        EXAMPLES
    };
    uint32_t nodes[COUNT(rules)], type;
    struct tool *tool;

    if (json_type(rd->doc, node) != JSON_OBJECT)
        return members_complain(rd, at, NULL, "must be an object");
    type = json_member(rd->doc, node, STR("type"), NULL);
    if (is_type(rd->doc, type, JSON_STRING) && !json_says(rd->doc, type, STR("custom")))
        return read_server_tool(rd, node, member_str(rd, type), at->index);
    if (!members_read(rd, node, at, rules, COUNT(rules), nodes))
        return false;
    if (nodes[TOOL_NAME] == JSON_NONE || json_inside(rd->doc, nodes[TOOL_NAME]).len == 0)
        return members_complain(rd, at, "name", "is missing");
    tool = canon_add_tool(rd->r, rd->a, member_str(rd, nodes[TOOL_NAME]), at->index);
    tool->raw = json_raw(rd->doc, node);
    tool->description = member_text(rd, nodes[DESCRIPTION]);
    tool->schema = member_raw(rd, nodes[SCHEMA]);
    tool->strict = member_tri(rd, nodes[STRICT]);
    tool->deferred = member_tri(rd, nodes[DEFERRED]) == TRI_YES;
    /* called by the model itself: as everywhere */
    if (!str_eq(member_raw(rd, nodes[CALLERS]), STR("[\"direct\"]")))
        keep_extra(rd, nodes[CALLERS], at, "allowed_callers");
    keep_extra(rd, nodes[EAGER], at, "eager_input_streaming");
    keep_extra(rd, nodes[EXAMPLES], at, "input_examples");
    return read_cache(rd, nodes[CACHE], at, &tool->cache);
}

static bool read_tools(struct reading *rd, uint32_t list)
{
    struct place tools = { NULL, "tools", 0 }, element = { &tools, NULL, 0 };

    if (list == JSON_NONE)
        return true;
    for (uint32_t node = json_first(rd->doc, list); node != JSON_NONE;
         node = json_after(rd->doc, list, node)) {
        if (!read_tool(rd, node, &element))
            return false;
        element.index++;
    }
    return true;
}

static bool read_tool_choice(struct reading *rd, uint32_t node)
{
    static const struct member_rule rules[] = {
        { STR("type"), MEMBER_STRING },
        { STR("name"), MEMBER_STRING },
        { STR("disable_parallel_tool_use"), MEMBER_BOOL },
    };
    static const struct {
        struct str word;
        enum choice_mode mode;
    } modes[] = {
        { STR("auto"), CHOICE_AUTO },
        { STR("any"), CHOICE_ANY },
        { STR("tool"), CHOICE_ONE },
        { STR("none"), CHOICE_NONE },
    };
    struct tool_choice *choice = &rd->r->choice;
    struct place at = { NULL, "tool_choice", 0 };
    uint32_t nodes[COUNT(rules)];

    if (node == JSON_NONE)
        return true;
    if (!members_read(rd, node, &at, rules, COUNT(rules), nodes))
        return false;
    for (size_t i = 0; nodes[0] != JSON_NONE && i < COUNT(modes); i++)
        if (json_says(rd->doc, nodes[0], modes[i].word))
            choice->mode = modes[i].mode;
    if (choice->mode == CHOICE_UNSET)
        return members_complain(rd, &at, "type", "must be auto, any, tool or none");
    rd->r->where[FIELD_TOOL_CHOICE] = STR("tool_choice");
    if (choice->mode == CHOICE_ONE) {
        struct str *name = arena_new(rd->a, struct str);

        *name = member_str(rd, nodes[1]);
        if (name->len == 0)
            return members_complain(rd, &at, "name", "is missing");
        choice->names = name;
        choice->name_count = 1;
    }
    if (nodes[2] != JSON_NONE) {
        rd->r->parallel_tools = json_is_true(rd->doc, nodes[2]) ? TRI_NO : TRI_YES;
        rd->r->where[FIELD_PARALLEL_TOOLS] = STR("tool_choice.disable_parallel_tool_use");
    }
    return true;
}

/* --- thinking and output ----------------------------------------------------------------------*/

static bool read_display(struct reading *rd, uint32_t node, const struct place *at)
{
    struct reasoning *think = &rd->r->reasoning;

    if (node == JSON_NONE)
        return true;
    if (json_says(rd->doc, node, STR("summarized")))
        think->summary = SUMMARY_AUTO;
    else if (json_says(rd->doc, node, STR("omitted")))
        think->summary = SUMMARY_NONE;
    else
        return members_complain(rd, at, "display", "must be summarized or omitted");
    rd->r->where[FIELD_REASONING_SUMMARY] = STR("thinking.display");
    return true;
}

static bool read_thinking_config(struct reading *rd, uint32_t node)
{
    static const struct member_rule rules[] = {
        { STR("type"), MEMBER_STRING },
        { STR("budget_tokens"), MEMBER_NUMBER },
        { STR("display"), MEMBER_STRING },
    };
    static const struct {
        struct str word;
        enum reasoning_mode mode;
    } modes[] = {
        { STR("enabled"), REASONING_BUDGET },
        { STR("adaptive"), REASONING_AUTO },
        { STR("disabled"), REASONING_OFF },
        { STR("between_tools"), REASONING_BETWEEN_TOOLS },
    };
    struct place at = { NULL, "thinking", 0 };
    struct reasoning *think = &rd->r->reasoning;
    uint32_t nodes[COUNT(rules)];

    if (node == JSON_NONE)
        return true;
    if (!members_read(rd, node, &at, rules, COUNT(rules), nodes))
        return false;
    for (size_t i = 0; nodes[0] != JSON_NONE && i < COUNT(modes); i++)
        if (json_says(rd->doc, nodes[0], modes[i].word))
            think->mode = modes[i].mode;
    if (think->mode == REASONING_UNSET)
        return members_complain(rd, &at, "type",
                                "must be enabled, adaptive, disabled or between_tools");
    rd->r->where[FIELD_REASONING] = STR("thinking");
    if (think->mode == REASONING_BUDGET) {
        if (nodes[1] == JSON_NONE)
            return members_complain(rd, &at, "budget_tokens", "is missing");
        if (!member_integer(rd, nodes[1], &at, "budget_tokens", THINKING_BUDGET_MIN, INT64_MAX,
                            &think->budget))
            return false;
        think->summary = SUMMARY_AUTO; /* shown unless it says otherwise */
    }
    return read_display(rd, nodes[2], &at);
}

static bool read_format(struct reading *rd, uint32_t node, const struct place *at)
{
    static const struct member_rule rules[] = {
        { STR("type"), MEMBER_STRING },
        { STR("schema"), MEMBER_OBJECT },
        { STR("name"), MEMBER_STRING },
    };
    uint32_t nodes[COUNT(rules)];

    if (node == JSON_NONE)
        return true;
    if (!members_read(rd, node, at, rules, COUNT(rules), nodes))
        return false;
    if (nodes[0] == JSON_NONE || !json_says(rd->doc, nodes[0], STR("json_schema")))
        return members_complain(rd, at, "type", "must be json_schema");
    if (nodes[1] == JSON_NONE)
        return members_complain(rd, at, "schema", "is missing");
    rd->r->format = (struct answer_format){
        .kind = FORMAT_SCHEMA,
        .name = member_str(rd, nodes[2]),
        .schema = json_raw(rd->doc, nodes[1]),
    };
    rd->r->where[FIELD_FORMAT] = place_text(at, rd->a);
    return true;
}

static bool read_output_config(struct reading *rd, uint32_t node)
{
    static const struct member_rule rules[] = {
        { STR("effort"), MEMBER_STRING },
        { STR("format"), MEMBER_OBJECT },
    };
    struct place at = { NULL, "output_config", 0 }, format = { &at, "format", 0 };
    struct reasoning *think = &rd->r->reasoning;
    uint32_t nodes[COUNT(rules)];

    if (node == JSON_NONE)
        return true;
    if (!members_read(rd, node, &at, rules, COUNT(rules), nodes))
        return false;
    if (nodes[0] != JSON_NONE) {
        if (!effort_from_word(member_str(rd, nodes[0]), &think->effort))
            return members_complain(rd, &at, "effort", "must be low, medium, high, xhigh or max");
        if (rd->r->where[FIELD_REASONING].len == 0)
            rd->r->where[FIELD_REASONING] = STR("output_config.effort");
    }
    return read_format(rd, nodes[1], &format);
}

/* --- the rest ---------------------------------------------------------------------------------*/

static bool read_stops(struct reading *rd, uint32_t list)
{
    struct place stops = { NULL, "stop_sequences", 0 }, element = { &stops, NULL, 0 };
    struct text *texts;
    size_t count = 0;

    if (list == JSON_NONE || json_first(rd->doc, list) == JSON_NONE)
        return true;
    for (uint32_t node = json_first(rd->doc, list); node != JSON_NONE;
         node = json_after(rd->doc, list, node))
        count++;
    texts = arena_array(rd->a, struct text, count);
    for (uint32_t node = json_first(rd->doc, list); node != JSON_NONE;
         node = json_after(rd->doc, list, node)) {
        if (json_type(rd->doc, node) != JSON_STRING)
            return members_complain(rd, &element, NULL, "must be a string");
        texts[element.index++] = text_of(rd->doc, node);
    }
    rd->r->stop = texts;
    rd->r->stop_count = element.index;
    rd->r->where[FIELD_STOP] = STR("stop_sequences");
    return true;
}

static bool read_metadata(struct reading *rd, uint32_t node)
{
    static const struct member_rule rules[] = { { STR("user_id"), MEMBER_STRING } };
    struct place at = { NULL, "metadata", 0 };
    uint32_t user;

    if (node == JSON_NONE)
        return true;
    if (!members_read(rd, node, &at, rules, COUNT(rules), &user))
        return false;
    rd->r->user = member_str(rd, user);
    if (rd->r->user.len > 0)
        rd->r->where[FIELD_USER] = STR("metadata.user_id");
    return true;
}

/* A number from 0 to 1; its spelling is kept. */
static bool read_share(struct reading *rd, uint32_t node, const char *name, enum field f,
                       struct str *out)
{
    struct str raw = member_raw(rd, node);
    double n;

    if (node == JSON_NONE)
        return true;
    n = strtod(arena_copy(rd->a, raw).at, NULL);
    if (!isfinite(n) || n < 0 || n > 1)
        return members_complain(rd, NULL, name, "must be from 0 to 1");
    *out = raw;
    rd->r->where[f] = str_c(name);
    return true;
}

enum root_member {
    ROOT_MODEL,
    ROOT_MAX_TOKENS,
    ROOT_MESSAGES,
    ROOT_SYSTEM,
    ROOT_STREAM,
    ROOT_STOPS,
    ROOT_TEMPERATURE,
    ROOT_TOP_P,
    ROOT_TOP_K,
    ROOT_TOOLS,
    ROOT_TOOL_CHOICE,
    ROOT_THINKING,
    ROOT_OUTPUT_CONFIG,
    ROOT_OUTPUT_FORMAT,
    ROOT_METADATA,
    ROOT_SERVICE_TIER,
    ROOT_CACHE,
    ROOT_EXTRAS, /* from here on: Anthropic's own business */
    ROOT_CONTAINER = ROOT_EXTRAS,
    ROOT_GEO,
    ROOT_DIAGNOSTICS,
    ROOT_MCP_SERVERS,
    ROOT_CONTEXT_MANAGEMENT,
    ROOT_THREAD,
    ROOT_FALLBACKS,
    ROOT_SPEED,
    ROOT_MEMBERS,
};

static const struct member_rule root_rules[ROOT_MEMBERS] = {
    [ROOT_MODEL] = { STR("model"), MEMBER_STRING },
    [ROOT_MAX_TOKENS] = { STR("max_tokens"), MEMBER_NUMBER },
    [ROOT_MESSAGES] = { STR("messages"), MEMBER_ARRAY },
    [ROOT_SYSTEM] = { STR("system"), MEMBER_STRING | MEMBER_ARRAY },
    [ROOT_STREAM] = { STR("stream"), MEMBER_BOOL },
    [ROOT_STOPS] = { STR("stop_sequences"), MEMBER_ARRAY },
    [ROOT_TEMPERATURE] = { STR("temperature"), MEMBER_NUMBER },
    [ROOT_TOP_P] = { STR("top_p"), MEMBER_NUMBER },
    [ROOT_TOP_K] = { STR("top_k"), MEMBER_NUMBER },
    [ROOT_TOOLS] = { STR("tools"), MEMBER_ARRAY },
    [ROOT_TOOL_CHOICE] = { STR("tool_choice"), MEMBER_OBJECT },
    [ROOT_THINKING] = { STR("thinking"), MEMBER_OBJECT },
    [ROOT_OUTPUT_CONFIG] = { STR("output_config"), MEMBER_OBJECT },
    [ROOT_OUTPUT_FORMAT] = { STR("output_format"), MEMBER_OBJECT },
    [ROOT_METADATA] = { STR("metadata"), MEMBER_OBJECT },
    [ROOT_SERVICE_TIER] = { STR("service_tier"), MEMBER_STRING },
    [ROOT_CACHE] = { STR("cache_control"), MEMBER_OBJECT },
    [ROOT_CONTAINER] = { STR("container"), MEMBER_ANY },
    [ROOT_GEO] = { STR("inference_geo"), MEMBER_ANY },
    [ROOT_DIAGNOSTICS] = { STR("diagnostics"), MEMBER_ANY },
    [ROOT_MCP_SERVERS] = { STR("mcp_servers"), MEMBER_ANY },
    [ROOT_CONTEXT_MANAGEMENT] = { STR("context_management"), MEMBER_ANY },
    [ROOT_THREAD] = { STR("thread"), MEMBER_ANY },
    [ROOT_FALLBACKS] = { STR("fallbacks"), MEMBER_ANY },
    [ROOT_SPEED] = { STR("speed"), MEMBER_ANY },
};

/* Numbers and words at the top. */
static bool read_scalars(struct reading *rd, const uint32_t *has)
{
    struct canon_request *r = rd->r;
    int64_t top_k = 0;

    if (!member_integer(rd, has[ROOT_MAX_TOKENS], NULL, "max_tokens", 0, INT64_MAX,
                        &r->max_output) ||
        !read_share(rd, has[ROOT_TEMPERATURE], "temperature", FIELD_TEMPERATURE, &r->temperature) ||
        !read_share(rd, has[ROOT_TOP_P], "top_p", FIELD_TOP_P, &r->top_p) ||
        !member_integer(rd, has[ROOT_TOP_K], NULL, "top_k", 0, INT64_MAX, &top_k))
        return false;
    if (has[ROOT_MAX_TOKENS] != JSON_NONE) {
        if (r->max_output == 0)
            return members_complain(rd, NULL, "max_tokens",
                                    "is 0: that warms Anthropic's cache and answers nothing, which "
                                    "cannot be translated");
        r->where[FIELD_MAX_OUTPUT] = STR("max_tokens");
    }
    if (has[ROOT_TOP_K] != JSON_NONE) {
        r->top_k = json_raw(rd->doc, has[ROOT_TOP_K]);
        r->where[FIELD_TOP_K] = STR("top_k");
    }
    r->service_tier = member_str(rd, has[ROOT_SERVICE_TIER]);
    if (r->service_tier.len > 0)
        r->where[FIELD_SERVICE_TIER] = STR("service_tier");
    r->stream = member_tri(rd, has[ROOT_STREAM]) == TRI_YES;
    return true;
}

bool anthropic_read(const struct json *doc, struct canon_request *r, struct arena *a,
                    struct wire_complaint *why)
{
    struct reading rd = { doc, r, a, why };
    struct place format = { NULL, "output_format", 0 };
    uint32_t has[ROOT_MEMBERS];

    if (!members_read(&rd, 0, NULL, root_rules, COUNT(root_rules), has))
        return false;
    r->model = member_str(&rd, has[ROOT_MODEL]);
    if (r->model.len == 0)
        return members_complain(&rd, NULL, "model", "is missing: name a model");
    if (!read_scalars(&rd, has) || !read_system(&rd, has[ROOT_SYSTEM]) ||
        !read_tools(&rd, has[ROOT_TOOLS]) || !read_messages(&rd, has[ROOT_MESSAGES]) ||
        !read_stops(&rd, has[ROOT_STOPS]) || !read_tool_choice(&rd, has[ROOT_TOOL_CHOICE]) ||
        !read_thinking_config(&rd, has[ROOT_THINKING]) ||
        !read_output_config(&rd, has[ROOT_OUTPUT_CONFIG]) ||
        !read_format(&rd, has[ROOT_OUTPUT_FORMAT], &format) ||
        !read_metadata(&rd, has[ROOT_METADATA]) ||
        !read_cache(&rd, has[ROOT_CACHE], NULL, &r->cache_last))
        return false;
    for (size_t i = ROOT_EXTRAS; i < ROOT_MEMBERS; i++)
        if (has[i] != JSON_NONE) /* a thread is the conversation: without it there is none */
            canon_add_extra(r, a, root_rules[i].name, json_raw(doc, has[i]), i == ROOT_THREAD);
    return true;
}
