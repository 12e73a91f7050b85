#include "provider/model_page.h"

#include "base/json.h"
#include "base/timetext.h"
#include "base/utf8.h"
#include "provider/provider_int.h"

#define PAGE_NAME_MAX 2048

/* What a model's object may say, in the words of all forms. */
enum member {
    ID,
    NAME,
    TITLE,
    OWNER,
    CREATED,
    CREATED_AT,
    TOKENS_IN,
    TOKENS_OUT,
    CAPABILITIES,
    ENDPOINTS,
    VISIBILITY,
    MEMBERS
};

static const struct str words[MEMBERS] = {
    [ID] = { "id", 2 },
    [NAME] = { "name", 4 }, /* a title here, too: so do OpenRouter and Copilot */
    [TITLE] = { "display_name", 12 },
    [OWNER] = { "owned_by", 8 },
    [CREATED] = { "created", 7 },
    [CREATED_AT] = { "created_at", 10 },
    [TOKENS_IN] = { "max_input_tokens", 16 },
    [TOKENS_OUT] = { "max_tokens", 10 },
    [CAPABILITIES] = { "capabilities", 12 },
    [ENDPOINTS] = { "supported_endpoints", 19 },
    [VISIBILITY] = { "visibility", 10 },
};
static const struct str words_codex[MEMBERS] = {
    [ID] = { "slug", 4 },
    [NAME] = { "display_name", 12 },
    [TITLE] = { "display_name", 12 },
    [OWNER] = { "owned_by", 8 },
    [CREATED] = { "created", 7 },
    [CREATED_AT] = { "created_at", 10 },
    [TOKENS_IN] = { "context_window", 14 },
    [TOKENS_OUT] = { "max_output_tokens", 17 },
    [CAPABILITIES] = { "capabilities", 12 },
    [ENDPOINTS] = { "supported_endpoints", 19 },
    [VISIBILITY] = { "visibility", 10 },
};
static const struct str words_gemini[MEMBERS] = {
    [ID] = { "name", 4 },
    [NAME] = { "displayName", 11 },
    [TITLE] = { "displayName", 11 },
    [OWNER] = { "owned_by", 8 },
    [CREATED] = { "created", 7 },
    [CREATED_AT] = { "created_at", 10 },
    [TOKENS_IN] = { "inputTokenLimit", 15 },
    [TOKENS_OUT] = { "outputTokenLimit", 16 },
    [CAPABILITIES] = { "capabilities", 12 },
    [ENDPOINTS] = { "supported_endpoints", 19 },
    [VISIBILITY] = { "visibility", 10 },
};

struct page_reading {
    struct json doc;
    struct arena *arena;
    struct model_page *out;
    enum model_form form;
    uint32_t nodes[MEMBERS]; /* of the model that is read */
    struct error *e;
};

/* Is the list called so, and not `data`? */
static bool is_in_models(const struct page_reading *r)
{
    return r->form == MODELS_GEMINI || r->form == MODELS_CODEX;
}

static const char *list_name(const struct page_reading *r)
{
    return is_in_models(r) ? "models" : "data";
}

/* What is only shown may be missing or of another type: it is clipped, or left out. */
static struct str shown_text(struct page_reading *r, enum member m)
{
    struct str text;

    if (r->nodes[m] == JSON_NONE || !json_text(&r->doc, r->nodes[m], r->arena, &text))
        return STR("");
    return utf8_clip(text, LISTED_TEXT_MAX);
}

static int64_t shown_number(struct page_reading *r, enum member m)
{
    int64_t n;

    return r->nodes[m] != JSON_NONE && json_i64(&r->doc, r->nodes[m], &n) && n > 0 ? n : 0;
}

static int64_t created_unix_ms(struct page_reading *r)
{
    int64_t seconds = shown_number(r, CREATED), ms;
    struct str date = shown_text(r, CREATED_AT);

    if (seconds > 0 && seconds < INT64_MAX / 1000)
        return seconds * 1000;
    return date_read_rfc3339(date, &ms) && ms > 0 ? ms : 0;
}

static bool id_is_fit(struct str id)
{
    for (size_t i = 0; i < id.len; i++)
        if ((unsigned char)id.at[i] < 0x20 || id.at[i] == 0x7f)
            return false;
    return id.len > 0 && id.len <= LISTED_ID_MAX;
}

static uint32_t member(const struct page_reading *r, uint32_t object, const char *name)
{
    return object == JSON_NONE || json_type(&r->doc, object) != JSON_OBJECT
               ? JSON_NONE
               : json_member(&r->doc, object, str_c(name), NULL);
}

static void take_number(const struct page_reading *r, uint32_t node, int64_t *to)
{
    int64_t n;

    if (node != JSON_NONE && json_i64(&r->doc, node, &n) && n > 0)
        *to = n;
}

/* What Copilot says beside: over which of its paths, and how much. */
static void read_copilot(const struct page_reading *r, struct listed_model *m)
{
    static const struct {
        struct str path;
        enum wire wire;
    } paths[] = { { STR("/chat/completions"), WIRE_OPENAI_CHAT },
                  { STR("/responses"), WIRE_OPENAI_RESPONSES },
                  { STR("/v1/messages"), WIRE_ANTHROPIC } };
    uint32_t endpoints = r->nodes[ENDPOINTS];
    uint32_t limits = member(r, r->nodes[CAPABILITIES], "limits");

    take_number(r, member(r, limits, "max_prompt_tokens"), &m->tokens_in_max);
    take_number(r, member(r, limits, "max_output_tokens"), &m->tokens_out_max);
    if (endpoints == JSON_NONE || json_type(&r->doc, endpoints) != JSON_ARRAY)
        return;
    for (uint32_t i = json_first(&r->doc, endpoints); i != JSON_NONE;
         i = json_after(&r->doc, endpoints, i))
        for (size_t p = 0; p < COUNT(paths); p++)
            if (json_type(&r->doc, i) == JSON_STRING && json_says(&r->doc, i, paths[p].path))
                m->wires |= WIRE_BIT(paths[p].wire);
}

/* Codex lists models of its own, too. */
static bool is_for_clients(const struct page_reading *r)
{
    uint32_t v = r->nodes[VISIBILITY];

    return r->form != MODELS_CODEX || v == JSON_NONE || json_type(&r->doc, v) != JSON_STRING ||
           !json_says(&r->doc, v, STR("none"));
}

static enum status model_read(struct page_reading *r, uint32_t node)
{
    struct listed_model *m = &r->out->models[r->out->count];

    if (json_type(&r->doc, node) != JSON_OBJECT)
        return fail(r->e, E_SYNTAX, "%s[%zu] is no object", list_name(r), r->out->count);
    (void)json_members(&r->doc, node,
                       r->form == MODELS_GEMINI  ? words_gemini
                       : r->form == MODELS_CODEX ? words_codex
                                                 : words,
                       r->nodes, MEMBERS);
    *m = (struct listed_model){ .id = STR("") };
    if (r->nodes[ID] != JSON_NONE && !json_text(&r->doc, r->nodes[ID], r->arena, &m->id))
        m->id = STR("");
    if (r->form == MODELS_GEMINI && str_starts(m->id, STR("models/")))
        m->id = str_drop(m->id, sizeof("models/") - 1);
    if (!id_is_fit(m->id))
        return fail(r->e, E_SYNTAX, "%s[%zu].%s is no name of 1 to %d bytes", list_name(r),
                    r->out->count,
                    r->form == MODELS_GEMINI  ? "name"
                    : r->form == MODELS_CODEX ? "slug"
                                              : "id",
                    LISTED_ID_MAX);
    m->name = shown_text(r, TITLE);
    if (m->name.len == 0)
        m->name = shown_text(r, NAME);
    m->owner = shown_text(r, OWNER);
    m->created_unix_ms = created_unix_ms(r);
    m->tokens_in_max = shown_number(r, TOKENS_IN);
    m->tokens_out_max = shown_number(r, TOKENS_OUT);
    if (r->form == MODELS_OPENAI)
        read_copilot(r, m);
    if (is_for_clients(r))
        r->out->count++;
    return OK;
}

static enum status models_read(struct page_reading *r, uint32_t list)
{
    uint32_t room = 0;

    for (uint32_t i = json_first(&r->doc, list); i != JSON_NONE; i = json_after(&r->doc, list, i))
        room++;
    if (room > LISTED_MODELS_MAX)
        return fail(r->e, E_LIMIT, "lists more than %d models", LISTED_MODELS_MAX);
    r->out->models = arena_array(r->arena, struct listed_model, room + 1);
    for (uint32_t i = json_first(&r->doc, list); i != JSON_NONE; i = json_after(&r->doc, list, i)) {
        enum status st = model_read(r, i);

        if (st != OK)
            return st;
    }
    return OK;
}

/* Anthropic: behind the last one of this page. Gemini: what the page says. */
static enum status next_read(struct page_reading *r)
{
    uint32_t more = json_member(&r->doc, 0, STR("has_more"), NULL);
    uint32_t token = json_member(&r->doc, 0, STR("nextPageToken"), NULL);

    r->out->next = STR("");
    if (r->form == MODELS_ANTHROPIC && more != JSON_NONE && json_is_true(&r->doc, more)) {
        if (r->out->count == 0)
            return fail(r->e, E_SYNTAX, "has_more is true on a page without models");
        r->out->next = r->out->models[r->out->count - 1].id;
    }
    if (r->form == MODELS_GEMINI && token != JSON_NONE &&
        (!json_text(&r->doc, token, r->arena, &r->out->next) || r->out->next.len > PAGE_NAME_MAX))
        return fail(r->e, E_SYNTAX, "nextPageToken is no text of at most %d bytes", PAGE_NAME_MAX);
    return OK;
}

enum model_form upstream_model_form(const struct upstream *u)
{
    if (u->dialect == &dialect_codex)
        return MODELS_CODEX;
    if (u->dialect == &dialect_copilot)
        return MODELS_OPENAI;
    switch (upstream_first_wire(u)) {
    case WIRE_ANTHROPIC:
        return MODELS_ANTHROPIC;
    case WIRE_GEMINI:
        return MODELS_GEMINI;
    case WIRE_OPENAI_CHAT:
    case WIRE_OPENAI_RESPONSES:
    case WIRE_CLOUDCODE:
    case WIRES:
        break;
    }
    return MODELS_OPENAI;
}

enum status model_page_read(enum model_form form, struct str body, struct arena *a,
                            struct model_page *out, struct error *e)
{
    struct page_reading r = { .arena = a, .out = out, .form = form, .e = e };
    struct json_fault fault;
    uint32_t list = 0;

    *out = (struct model_page){ .count = 0 };
    if (!json_parse(&r.doc, body, NULL, a, &fault))
        return fail(e, E_SYNTAX, "no JSON: %s at byte %zu", fault.what, fault.at);
    if (json_type(&r.doc, 0) == JSON_OBJECT)
        list = json_member(&r.doc, 0, str_c(list_name(&r)), NULL);
    else if (is_in_models(&r) ||
             json_type(&r.doc, 0) != JSON_ARRAY) /* Together's is the bare array */
        list = JSON_NONE;
    if (list == JSON_NONE && !(form == MODELS_GEMINI && json_type(&r.doc, 0) == JSON_OBJECT))
        return fail(e, E_SYNTAX, "no member `%s`", list_name(&r));
    /* an empty page: protobuf leaves the member out, Ollama says null */
    if (list != JSON_NONE && json_type(&r.doc, list) == JSON_ARRAY) {
        enum status st = models_read(&r, list);

        if (st != OK)
            return st;
    } else if (list != JSON_NONE && json_type(&r.doc, list) != JSON_NULL) {
        return fail(e, E_SYNTAX, "`%s` is no list", list_name(&r));
    }
    return json_type(&r.doc, 0) == JSON_OBJECT ? next_read(&r) : OK;
}
