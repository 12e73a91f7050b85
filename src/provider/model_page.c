#include "provider/model_page.h"

#include "base/json.h"
#include "base/timetext.h"
#include "base/utf8.h"

#define PAGE_NAME_MAX 2048

/* What a model's object may say, in the words of all forms. */
enum member { ID, NAME, TITLE, OWNER, CREATED, CREATED_AT, TOKENS_IN, TOKENS_OUT, MEMBERS };

static const struct str words[MEMBERS] = {
    [ID] = { "id", 2 },
    [NAME] = { "name", 4 }, /* a title here, too: so do OpenRouter and Copilot */
    [TITLE] = { "display_name", 12 },
    [OWNER] = { "owned_by", 8 },
    [CREATED] = { "created", 7 },
    [CREATED_AT] = { "created_at", 10 },
    [TOKENS_IN] = { "max_input_tokens", 16 },
    [TOKENS_OUT] = { "max_tokens", 10 },
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
};

struct page_reading {
    struct json doc;
    struct arena *arena;
    struct model_page *out;
    bool gemini;
    uint32_t nodes[MEMBERS]; /* of the model that is read */
    struct error *e;
};

static const char *list_name(const struct page_reading *r)
{
    return r->gemini ? "models" : "data";
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

static enum status model_read(struct page_reading *r, uint32_t node)
{
    struct listed_model *m = &r->out->models[r->out->count];

    if (json_type(&r->doc, node) != JSON_OBJECT)
        return fail(r->e, E_SYNTAX, "%s[%zu] is no object", list_name(r), r->out->count);
    (void)json_members(&r->doc, node, r->gemini ? words_gemini : words, r->nodes, MEMBERS);
    *m = (struct listed_model){ .id = STR("") };
    if (r->nodes[ID] != JSON_NONE && !json_text(&r->doc, r->nodes[ID], r->arena, &m->id))
        m->id = STR("");
    if (r->gemini && str_starts(m->id, STR("models/")))
        m->id = str_drop(m->id, sizeof("models/") - 1);
    if (!id_is_fit(m->id))
        return fail(r->e, E_SYNTAX, "%s[%zu].%s is no name of 1 to %d bytes", list_name(r),
                    r->out->count, r->gemini ? "name" : "id", LISTED_ID_MAX);
    m->name = shown_text(r, TITLE);
    if (m->name.len == 0)
        m->name = shown_text(r, NAME);
    m->owner = shown_text(r, OWNER);
    m->created_unix_ms = created_unix_ms(r);
    m->tokens_in_max = shown_number(r, TOKENS_IN);
    m->tokens_out_max = shown_number(r, TOKENS_OUT);
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
static enum status next_read(struct page_reading *r, enum wire wire)
{
    uint32_t more = json_member(&r->doc, 0, STR("has_more"), NULL);
    uint32_t token = json_member(&r->doc, 0, STR("nextPageToken"), NULL);

    r->out->next = STR("");
    if (wire == WIRE_ANTHROPIC && more != JSON_NONE && json_is_true(&r->doc, more)) {
        if (r->out->count == 0)
            return fail(r->e, E_SYNTAX, "has_more is true on a page without models");
        r->out->next = r->out->models[r->out->count - 1].id;
    }
    if (wire == WIRE_GEMINI && token != JSON_NONE &&
        (!json_text(&r->doc, token, r->arena, &r->out->next) || r->out->next.len > PAGE_NAME_MAX))
        return fail(r->e, E_SYNTAX, "nextPageToken is no text of at most %d bytes", PAGE_NAME_MAX);
    return OK;
}

enum status model_page_read(enum wire wire, struct str body, struct arena *a,
                            struct model_page *out, struct error *e)
{
    struct page_reading r = { .arena = a, .out = out, .gemini = wire == WIRE_GEMINI, .e = e };
    struct json_fault fault;
    uint32_t list = 0;

    *out = (struct model_page){ .count = 0 };
    if (!json_parse(&r.doc, body, NULL, a, &fault))
        return fail(e, E_SYNTAX, "no JSON: %s at byte %zu", fault.what, fault.at);
    if (json_type(&r.doc, 0) == JSON_OBJECT)
        list = json_member(&r.doc, 0, str_c(list_name(&r)), NULL);
    else if (r.gemini || json_type(&r.doc, 0) != JSON_ARRAY) /* Together's is the bare array */
        list = JSON_NONE;
    if (list == JSON_NONE && !(r.gemini && json_type(&r.doc, 0) == JSON_OBJECT))
        return fail(e, E_SYNTAX, "no member `%s`", list_name(&r));
    /* an empty page: protobuf leaves the member out, Ollama says null */
    if (list != JSON_NONE && json_type(&r.doc, list) == JSON_ARRAY) {
        enum status st = models_read(&r, list);

        if (st != OK)
            return st;
    } else if (list != JSON_NONE && json_type(&r.doc, list) != JSON_NULL) {
        return fail(e, E_SYNTAX, "`%s` is no list", list_name(&r));
    }
    return json_type(&r.doc, 0) == JSON_OBJECT ? next_read(&r, wire) : OK;
}
