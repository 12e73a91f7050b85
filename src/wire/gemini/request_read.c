/* wire/gemini/request_read.c - a generateContent (or countTokens) request into the canonical form.
 *
 * As lenient as the service: names in camelCase and snake_case, words in any case, 64-bit numbers
 * also as strings, a system instruction also as plain text. Ids may be missing: prepare.c makes
 * them and finds the call of each result. Source: ai.google.dev/api/generate-content, as of
 * 2026-11. */
#include "wire/gemini/gemini_int.h"

#include "base/base64.h"
#include "base/utf8.h"
#include "wire/gemini/reading.h"
#include "wire/signature.h"

#define TEXT_FILE_MAX ((size_t)8 << 20) /* of a text file sent as base64 */

/* --- media --------------------------------------------------------------------------------------
 */

static const struct {
    struct str in;
    enum part_kind kind;
} address_signs[] = {
    { { ".png", 4 }, PART_IMAGE },         { { ".jpg", 4 }, PART_IMAGE },
    { { ".jpeg", 5 }, PART_IMAGE },        { { ".webp", 5 }, PART_IMAGE },
    { { ".gif", 4 }, PART_IMAGE },         { { ".mp3", 4 }, PART_AUDIO },
    { { ".wav", 4 }, PART_AUDIO },         { { ".mp4", 4 }, PART_VIDEO },
    { { ".webm", 5 }, PART_VIDEO },        { { "youtube.com/", 12 }, PART_VIDEO },
    { { "//youtu.be/", 11 }, PART_VIDEO },
};

/* By media type, else by what the address looks like. */
static enum part_kind media_kind(struct str mime, struct str address)
{
    if (str_istarts(mime, STR("image/")))
        return PART_IMAGE;
    if (str_istarts(mime, STR("audio/")))
        return PART_AUDIO;
    if (str_istarts(mime, STR("video/")))
        return PART_VIDEO;
    for (size_t i = 0; i < COUNT(address_signs) && mime.len == 0; i++)
        if (str_ifind(address, address_signs[i].in) != SIZE_MAX)
            return address_signs[i].kind;
    return PART_DOCUMENT;
}

/* The service takes both alphabets of base64, others only the first. */
static struct text standard_base64(struct reading *r, struct text data)
{
    struct str s = data.escaped;

    if (s.len == 0 || (memchr(s.at, '-', s.len) == NULL && memchr(s.at, '_', s.len) == NULL))
        return data;
    size_t padding = s.at[s.len - 1] == '=' ? 0 : (4 - s.len % 4) % 4;
    char *copy = arena_alloc_raw(r->a, s.len + padding);

    for (size_t i = 0; i < s.len; i++)
        copy[i] = s.at[i] == '-' ? '+' : s.at[i] == '_' ? '/' : s.at[i];
    memset(copy + s.len, '=', padding);
    return (struct text){ { copy, s.len + padding } };
}

/* A text file sent as base64 is a document of plain text to everybody else. */
static void as_plain_text(struct reading *r, struct part *to)
{
    struct buf b;

    buf_init(&b, TEXT_FILE_MAX);
    if (base64_get(&b, text_plain(r->a, to->media.data)) && utf8_valid(buf_str(&b)) == b.len) {
        to->text = text_from(r->a, arena_copy(r->a, buf_str(&b)));
        to->media.source = MEDIA_TEXT;
        to->media.mime = TEXT_LIT("text/plain");
        to->media.data = TEXT_EMPTY;
    }
    buf_clear(&b);
}

/* inlineData and fileData differ in where the data is. */
static bool read_media(struct reading *r, const struct place *p, uint32_t node, bool file,
                       struct part *to)
{
    enum { MIME, DATA, NAME };
    static const struct member_rule inline_rules[] = {
        [MIME] = { { "mimeType", 8 }, MEMBER_STRING },
        [DATA] = { { "data", 4 }, MEMBER_STRING },
        [NAME] = { { "displayName", 11 }, MEMBER_STRING },
    };
    static const struct member_rule file_rules[] = {
        [MIME] = { { "mimeType", 8 }, MEMBER_STRING },
        [DATA] = { { "fileUri", 7 }, MEMBER_STRING },
        [NAME] = { { "displayName", 11 }, MEMBER_STRING },
    };
    uint32_t n[COUNT(inline_rules)];

    if (!(file ? READ(r, node, p, file_rules, n) : READ(r, node, p, inline_rules, n)))
        return false;
    to->media = (struct media){
        .source = file ? MEDIA_FILE : MEDIA_BASE64,
        .mime = member_text(r, n[MIME]),
        .data = member_text(r, n[DATA]),
        .title = member_text(r, n[NAME]),
    };
    if (text_is_empty(to->media.data))
        return wrong(r, p, file ? "fileUri" : "data", "is missing");
    struct str mime = text_plain(r->a, to->media.mime);

    if (file) {
        struct str uri = text_plain(r->a, to->media.data);

        if (str_istarts(uri, STR("http")) && str_find(uri, STR("/v1beta/files/")) == SIZE_MAX &&
            str_find(uri, STR("/v1/files/")) == SIZE_MAX)
            to->media.source = MEDIA_URL;
        to->kind = media_kind(mime, uri);
        return true;
    }
    to->media.data = standard_base64(r, to->media.data);
    to->kind = media_kind(mime, STR(""));
    if (str_istarts(mime, STR("text/")) || str_ieq(mime, STR("application/json")))
        as_plain_text(r, to);
    return true;
}

/* --- calls and results --------------------------------------------------------------------------
 */

static bool read_call(struct reading *r, const struct place *p, uint32_t node, struct part *to)
{
    enum { ID, NAME, ARGS };
    static const struct member_rule rules[] = {
        [ID] = { { "id", 2 }, MEMBER_STRING },
        [NAME] = { { "name", 4 }, MEMBER_STRING },
        [ARGS] = { { "args", 4 }, MEMBER_OBJECT },
    };
    uint32_t n[COUNT(rules)];

    if (!READ(r, node, p, rules, n))
        return false;
    to->call = (struct tool_call){
        .id = member_str(r, n[ID]),
        .name = member_str(r, n[NAME]),
        .object = n[ARGS] == JSON_NONE ? STR("{}") : json_raw(r->doc, n[ARGS]),
    };
    return to->call.name.len > 0 || wrong(r, p, "name", "is missing");
}

/* {"output": "…"} is its text, {"error": …} a failure, anything else stands for itself. */
static void read_response(struct reading *r, uint32_t node, struct tool_result *to,
                          struct part *content)
{
    const struct json *doc = r->doc;
    uint32_t only;

    if (is(r, node, JSON_STRING)) {
        content->text = text_of(doc, node);
        return;
    }
    to->response = json_raw(doc, node);
    content->text = text_from(r->a, to->response);
    if (doc->nodes[node].count != 1)
        return;
    only = json_first(doc, node);
    to->is_error = json_says(doc, only, STR("error"));
    if (!to->is_error && !json_says(doc, only, STR("output")))
        return;
    if (is(r, only + 1, JSON_STRING))
        content->text = text_of(doc, only + 1);
    else if (to->is_error)
        content->text = text_from(r->a, json_raw(doc, only + 1));
}

/* Pictures and files that belong to a result. */
static bool read_result_parts(struct reading *r, const struct place *p, uint32_t list,
                              struct part **first, struct part **last)
{
    enum { INLINE, FILE_DATA };
    static const struct member_rule rules[] = {
        [INLINE] = { { "inlineData", 10 }, MEMBER_OBJECT },
        [FILE_DATA] = { { "fileData", 8 }, MEMBER_OBJECT },
    };
    struct place parts = { p, "parts", 0 }, here = { &parts, NULL, 0 };

    for (uint32_t e = json_first(r->doc, list); e != JSON_NONE;
         e = json_after(r->doc, list, e), here.index++) {
        uint32_t n[COUNT(rules)];

        if (!want_object(r, &here, e) || !READ(r, e, &here, rules, n))
            return false;
        for (int i = INLINE; i <= FILE_DATA; i++) {
            struct place inner = { &here, rules[i].name.at, 0 };

            if (n[i] != JSON_NONE &&
                !read_media(r, &inner, n[i], i == FILE_DATA,
                            part_append(first, last, r->a, PART_IMAGE, here.index)))
                return false;
        }
    }
    return true;
}

static bool read_result(struct reading *r, const struct place *p, uint32_t node, struct part *to)
{
    enum { ID, NAME, RESPONSE, PARTS };
    static const struct member_rule rules[] = {
        [ID] = { { "id", 2 }, MEMBER_STRING },
        [NAME] = { { "name", 4 }, MEMBER_STRING },
        [RESPONSE] = { { "response", 8 }, MEMBER_STRING | MEMBER_OBJECT },
        [PARTS] = { { "parts", 5 }, MEMBER_ARRAY },
    };
    struct tool_result *result = &to->result;
    struct part *last = NULL;
    uint32_t n[COUNT(rules)];

    if (!READ(r, node, p, rules, n))
        return false;
    *result = (struct tool_result){
        .call_id = member_str(r, n[ID]),
        .name = member_str(r, n[NAME]),
    };
    if (result->name.len == 0 && result->call_id.len == 0)
        return wrong(r, p, "name", "is missing");
    if (n[RESPONSE] != JSON_NONE)
        read_response(r, n[RESPONSE], result,
                      part_append(&result->content, &last, r->a, PART_TEXT, PART_AT_NONE));
    return n[PARTS] == JSON_NONE || read_result_parts(r, p, n[PARTS], &result->content, &last);
}

/* --- parts --------------------------------------------------------------------------------------
 */

enum part_member {
    DATA_TEXT,
    DATA_INLINE,
    DATA_FILE,
    DATA_CALL,
    DATA_RESULT,
    DATA_CODE, /* this one and the next three: what the service's own tools did */
    DATA_CODE_RESULT,
    DATA_SERVER_CALL,
    DATA_SERVER_RESULT,
    DATA_KINDS,
    PART_THOUGHT = DATA_KINDS,
    PART_SIGNATURE,
};

static const struct member_rule part_rules[] = {
    [DATA_TEXT] = { { "text", 4 }, MEMBER_STRING },
    [DATA_INLINE] = { { "inlineData", 10 }, MEMBER_OBJECT },
    [DATA_FILE] = { { "fileData", 8 }, MEMBER_OBJECT },
    [DATA_CALL] = { { "functionCall", 12 }, MEMBER_OBJECT },
    [DATA_RESULT] = { { "functionResponse", 16 }, MEMBER_OBJECT },
    [DATA_CODE] = { { "executableCode", 14 }, MEMBER_OBJECT },
    [DATA_CODE_RESULT] = { { "codeExecutionResult", 19 }, MEMBER_OBJECT },
    [DATA_SERVER_CALL] = { { "toolCall", 8 }, MEMBER_OBJECT },
    [DATA_SERVER_RESULT] = { { "toolResponse", 12 }, MEMBER_OBJECT },
    [PART_THOUGHT] = { { "thought", 7 }, MEMBER_BOOL },
    [PART_SIGNATURE] = { { "thoughtSignature", 16 }, MEMBER_STRING },
};

static void read_server(struct reading *r, uint32_t part, uint32_t node, int kind, struct part *to)
{
    uint32_t id = json_member(r->doc, node, STR("id"), NULL);
    uint32_t type = json_member(r->doc, node, STR("toolType"), NULL);
    bool code = kind == DATA_CODE || kind == DATA_CODE_RESULT;

    to->kind =
        kind == DATA_CODE || kind == DATA_SERVER_CALL ? PART_SERVER_CALL : PART_SERVER_RESULT;
    to->opaque = (struct opaque){
        .wire = WIRE_GEMINI,
        .type = part_rules[kind].name,
        .raw = json_raw(r->doc, part),
        .id = is(r, id, JSON_STRING) ? member_str(r, id) : STR(""),
        .name = code                       ? STR("code_execution")
                : is(r, type, JSON_STRING) ? member_str(r, type)
                                           : STR("server_tool"),
    };
}

static bool read_data(struct reading *r, const struct place *here, uint32_t part, uint32_t node,
                      int kind, const struct message *m, struct part *to)
{
    struct place inner = { here, part_rules[kind].name.at, 0 };
    bool model = m->role == ROLE_ASSISTANT;

    switch (kind) {
    case DATA_TEXT:
        to->text = text_of(r->doc, node);
        return true;
    case DATA_INLINE:
    case DATA_FILE:
        return read_media(r, &inner, node, kind == DATA_FILE, to);
    case DATA_CALL:
        to->kind = PART_TOOL_CALL;
        return model ? read_call(r, &inner, node, to)
                     : wrong(r, &inner, NULL, "belongs to a content of the role model");
    case DATA_RESULT:
        to->kind = PART_TOOL_RESULT;
        return !model ? read_result(r, &inner, node, to)
                      : wrong(r, &inner, NULL, "belongs to a content of the role user");
    default:
        read_server(r, part, node, kind, to);
        return true;
    }
}

/* A signature of Google's stays with its part. One of somebody else rode on it only because it had
 * to ride on something: it belongs to the thinking in front, which may have to be made up. */
static void place_signature(struct reading *r, struct message *m, struct part *before,
                            struct part *to, const struct signature *sig)
{
    bool alone = to->kind == PART_TEXT && text_is_empty(to->text);

    if (sig->signer != SIGNER_GOOGLE && to->kind != PART_THINKING && !sig->redacted &&
        before != NULL && before->kind == PART_THINKING && before->sig.signer == SIGNER_NONE) {
        before->sig = *sig;
        return;
    }
    if (alone || sig->signer == SIGNER_GOOGLE || to->kind == PART_THINKING) {
        if (alone)
            to->kind = sig->redacted ? PART_REDACTED : PART_THINKING;
        to->sig = *sig;
        return;
    }
    struct part *moved = arena_new(r->a, struct part);

    *moved = *to;
    *to = (struct part){
        .kind = sig->redacted ? PART_REDACTED : PART_THINKING,
        .at = moved->at,
        .next = moved,
        .sig = *sig,
    };
    m->last = moved;
}

/* `behind`: the last part of the content before, when the model spoke there, too. */
static bool read_part(struct reading *r, struct message *m, struct part *behind,
                      const struct place *here, uint32_t node)
{
    struct part *before = m->last != NULL ? m->last : behind, *to;
    uint32_t n[COUNT(part_rules)];
    int kind = -1;

    if (!want_object(r, here, node) || !READ(r, node, here, part_rules, n))
        return false;
    for (int i = 0; i < DATA_KINDS; i++) {
        if (n[i] == JSON_NONE)
            continue;
        if (kind >= 0)
            return wrong(r, here, NULL, "holds two kinds of data");
        kind = i;
    }
    if (kind < 0 && n[PART_SIGNATURE] == JSON_NONE)
        return true; /* nothing in it */
    to = message_add(m, r->a, PART_TEXT, here->index);
    if (kind >= 0 && !read_data(r, here, node, n[kind], kind, m, to))
        return false;
    if (m->role != ROLE_ASSISTANT)
        return true;
    if (kind == DATA_TEXT && member_tri(r, n[PART_THOUGHT]) == TRI_YES)
        to->kind = PART_THINKING;
    struct text blob = member_text(r, n[PART_SIGNATURE]);
    struct signature sig = signature_unwrap(blob, WIRE_GEMINI, r->a);

    /* the bypass value says that there is no signature */
    if (sig.signer != SIGNER_NONE && !str_eq(blob.escaped, STR(GEMINI_BYPASS)))
        place_signature(r, m, before, to, &sig);
    return true;
}

/* --- contents -----------------------------------------------------------------------------------
 */

static bool read_content(struct reading *r, const struct place *p, uint32_t node)
{
    enum { ROLE, PARTS };
    static const struct member_rule rules[] = {
        [ROLE] = { { "role", 4 }, MEMBER_STRING },
        [PARTS] = { { "parts", 5 }, MEMBER_ARRAY },
    };
    struct place parts = { p, "parts", 0 }, here = { &parts, NULL, 0 };
    struct message *m, *before;
    struct part *behind = NULL;
    struct str role;
    uint32_t n[COUNT(rules)];

    if (!want_object(r, p, node) || !READ(r, node, p, rules, n))
        return false;
    role = member_str(r, n[ROLE]);
    bool model = str_ieq(role, STR("model"));

    if (!model && role.len > 0 && !str_ieq(role, STR("user")) && !str_ieq(role, STR("function")))
        return wrong(r, p, "role", "must be user or model");
    before = r->r->last;
    if (before != NULL && model && before->role == ROLE_ASSISTANT)
        behind = before->last;
    m = canon_add_message(r->r, r->a, model ? ROLE_ASSISTANT : ROLE_USER, p->index);
    if (n[PARTS] == JSON_NONE)
        return true;
    for (uint32_t e = json_first(r->doc, n[PARTS]); e != JSON_NONE;
         e = json_after(r->doc, n[PARTS], e), here.index++)
        if (!read_part(r, m, behind, &here, e))
            return false;
    return true;
}

/* --- thoughts that came in pieces ----------------------------------------------------------------
 */

/* Clients that streamed send each piece of a thought as a part, or even as a content. A run of them
 * is one thought: other providers sign the whole of it. */
struct run {
    struct part *first; /* NULL: none */
    struct part **pieces;
    uint32_t count, cap;
    size_t bytes;
};

static void run_add(struct run *run, struct part *p, struct arena *a)
{
    if (run->first == NULL) {
        run->first = p;
        run->count = 0;
        run->bytes = 0;
    }
    if (run->count == run->cap) {
        uint32_t cap = run->cap == 0 ? 16 : run->cap * 2;
        struct part **pieces = arena_array(a, struct part *, cap);

        if (run->count > 0)
            memcpy(pieces, run->pieces, run->count * sizeof(pieces[0]));
        run->pieces = pieces;
        run->cap = cap;
    }
    run->pieces[run->count++] = p;
    run->bytes += p->text.escaped.len;
}

/* The first one gets all of it, and the signature of the last; the others say nothing. */
static void run_end(struct run *run, struct arena *a)
{
    struct part *first = run->first;

    run->first = NULL;
    if (first == NULL || run->count < 2)
        return;
    char *all = arena_alloc_raw(a, run->bytes + 1), *to = all;

    for (uint32_t i = 0; i < run->count; i++) {
        struct str piece = run->pieces[i]->text.escaped;

        memcpy(to, piece.at, piece.len);
        to += piece.len;
        run->pieces[i]->text = TEXT_EMPTY;
    }
    first->text.escaped = (struct str){ all, run->bytes };
    first->sig = run->pieces[run->count - 1]->sig;
    for (uint32_t i = 1; i < run->count; i++)
        *run->pieces[i] = (struct part){ .kind = PART_TEXT,
                                         .at = run->pieces[i]->at,
                                         .next = run->pieces[i]->next };
}

static void join_thoughts(struct reading *r)
{
    struct run run = { .first = NULL };

    for (struct message *m = r->r->messages; m != NULL; m = m->next) {
        if (m->role != ROLE_ASSISTANT)
            run_end(&run, r->a);
        for (struct part *p = m->parts; p != NULL; p = p->next) {
            bool piece = p->kind == PART_THINKING && !text_is_empty(p->text);

            if (!piece)
                run_end(&run, r->a);
            else
                run_add(&run, p, r->a);
            if (piece && p->sig.signer != SIGNER_NONE)
                run_end(&run, r->a);
        }
    }
    run_end(&run, r->a);
}

static bool read_contents(struct reading *r, const struct place *up, uint32_t list)
{
    struct place contents = { up, "contents", 0 }, here = { &contents, NULL, 0 };

    for (uint32_t e = json_first(r->doc, list); e != JSON_NONE;
         e = json_after(r->doc, list, e), here.index++)
        if (!read_content(r, &here, e))
            return false;
    join_thoughts(r);
    return true;
}

static void add_system(struct reading *r, uint32_t text, uint32_t at)
{
    struct canon_request *to = r->r;

    if (text != JSON_NONE)
        part_append(&to->system, &to->system_last, r->a, PART_TEXT, at)->text =
            text_of(r->doc, text);
}

static bool read_system_parts(struct reading *r, const struct place *p, uint32_t list)
{
    static const struct member_rule rules[] = { { { "text", 4 }, MEMBER_STRING } };
    struct place parts = { p, "parts", 0 }, here = { &parts, NULL, 0 };

    for (uint32_t e = json_first(r->doc, list); e != JSON_NONE;
         e = json_after(r->doc, list, e), here.index++) {
        uint32_t text;

        if (!want_object(r, &here, e) || !READ(r, e, &here, rules, &text))
            return false;
        add_system(r, text, here.index);
    }
    return true;
}

/* A content, one part, or plain text. */
static bool read_system(struct reading *r, const struct place *up, uint32_t node)
{
    enum { ROLE, PARTS, TEXT };
    static const struct member_rule rules[] = {
        [ROLE] = { { "role", 4 }, MEMBER_ANY },
        [PARTS] = { { "parts", 5 }, MEMBER_ARRAY },
        [TEXT] = { { "text", 4 }, MEMBER_STRING },
    };
    struct place p = { up, "systemInstruction", 0 };
    uint32_t n[COUNT(rules)];

    if (is(r, node, JSON_STRING)) {
        add_system(r, node, 0);
        return true;
    }
    if (!READ(r, node, &p, rules, n))
        return false;
    add_system(r, n[TEXT], 0);
    return n[PARTS] == JSON_NONE || read_system_parts(r, &p, n[PARTS]);
}

/* --- the request --------------------------------------------------------------------------------
 */

enum {
    ROOT_CONTENTS,
    ROOT_SYSTEM,
    ROOT_TOOLS,
    ROOT_TOOL_CONFIG,
    ROOT_SAFETY,
    ROOT_CONFIG,
    ROOT_TIER,
    ROOT_STORE,
    ROOT_CACHED,
    ROOT_CONTINUATION,
    ROOT_LABELS,
    ROOT_MODEL, /* stands in the path; some clients repeat it */
    ROOT_WRAPPED,
};

static const struct member_rule root_rules[] = {
    [ROOT_CONTENTS] = { { "contents", 8 }, MEMBER_ARRAY },
    [ROOT_SYSTEM] = { { "systemInstruction", 17 }, MEMBER_STRING | MEMBER_OBJECT },
    [ROOT_TOOLS] = { { "tools", 5 }, MEMBER_ARRAY },
    [ROOT_TOOL_CONFIG] = { { "toolConfig", 10 }, MEMBER_OBJECT },
    [ROOT_SAFETY] = { { "safetySettings", 14 }, MEMBER_ARRAY },
    [ROOT_CONFIG] = { { "generationConfig", 16 }, MEMBER_OBJECT },
    [ROOT_TIER] = { { "serviceTier", 11 }, MEMBER_STRING },
    [ROOT_STORE] = { { "store", 5 }, MEMBER_BOOL },
    [ROOT_CACHED] = { { "cachedContent", 13 }, MEMBER_STRING },
    [ROOT_CONTINUATION] = { { "continuationToken", 17 }, MEMBER_STRING },
    [ROOT_LABELS] = { { "labels", 6 }, MEMBER_OBJECT },
    [ROOT_MODEL] = { { "model", 5 }, MEMBER_STRING },
    [ROOT_WRAPPED] = { { "generateContentRequest", 22 }, MEMBER_OBJECT },
};

static bool read_root(struct reading *r, const struct place *up, uint32_t node)
{
    static const struct place wrapped = { NULL, "generateContentRequest", 0 };
    struct canon_request *to = r->r;
    uint32_t n[COUNT(root_rules)];

    if (!READ(r, node, up, root_rules, n))
        return false;
    if (up == NULL && n[ROOT_WRAPPED] != JSON_NONE) /* countTokens of a whole request */
        return read_root(r, &wrapped, n[ROOT_WRAPPED]);
    to->safety = member_raw(r, n[ROOT_SAFETY]);
    to->store = member_tri(r, n[ROOT_STORE]);
    (void)given(r, FIELD_SAFETY, n[ROOT_SAFETY], STR("safetySettings"));
    (void)given(r, FIELD_STORE, n[ROOT_STORE], STR("store"));
    extra(r, n[ROOT_CACHED], STR("cachedContent"), true);
    extra(r, n[ROOT_CONTINUATION], STR("continuationToken"), true);
    extra(r, n[ROOT_LABELS], STR("labels"), false);
    if (n[ROOT_CONTENTS] == JSON_NONE || r->doc->nodes[n[ROOT_CONTENTS]].count == 0)
        return wrong(r, up, "contents", "must be an array with at least one content");
    return read_contents(r, up, n[ROOT_CONTENTS]) &&
           (n[ROOT_SYSTEM] == JSON_NONE || read_system(r, up, n[ROOT_SYSTEM])) &&
           (n[ROOT_TOOLS] == JSON_NONE || gemini_read_tools(r, up, n[ROOT_TOOLS])) &&
           (n[ROOT_TOOL_CONFIG] == JSON_NONE ||
            gemini_read_tool_config(r, up, n[ROOT_TOOL_CONFIG])) &&
           (n[ROOT_CONFIG] == JSON_NONE || gemini_read_config(r, up, n[ROOT_CONFIG])) &&
           (n[ROOT_TIER] == JSON_NONE || gemini_read_tier(r, up, n[ROOT_TIER]));
}

bool gemini_read(const struct json *doc, struct canon_request *request, struct arena *a,
                 struct wire_complaint *why)
{
    struct reading r = { .doc = doc, .r = request, .a = a, .why = why, .snake = true };

    return read_root(&r, NULL, 0);
}
