/* wire/details.c - what a client says beside the content of its messages and tools, and only some
 * wires have a place for. */
#include "wire/convert.h"

/* Where a part stands: in a message, or within another part of it. */
struct whereabouts {
    const struct message *message;
    const struct part *part;
    const char *list; /* of the part that holds this one; NULL: it is the part itself */
};

static void lose_below(struct request_writer *w, struct whereabouts at, const char *member)
{
    struct str path = canon_path(w->r, at.message, at.part, w->a);

    lose_path(w, arena_printf(w->a, "%.*s%s%s.%s", STR_ARG(path), at.list != NULL ? "." : "",
                              at.list != NULL ? at.list : "", member));
}

/* A list with something in it, or an object that switches something on. */
static bool says_something(struct str raw)
{
    return str_find(raw, raw.len > 0 && raw.at[0] == '[' ? STR("{") : STR("true")) != SIZE_MAX;
}

static bool is_plain(const struct part *p)
{
    return p->media.source == MEDIA_TEXT || p->media.source == MEDIA_PARTS;
}

static bool says_title(enum wire wire, const struct part *p)
{
    if (p->kind != PART_DOCUMENT)
        return p->kind == PART_SEARCH_RESULT;
    return (wire != WIRE_GEMINI && wire != WIRE_CLOUDCODE) || is_plain(p);
}

static bool says_context(enum wire wire, const struct part *p)
{
    return wire == WIRE_ANTHROPIC ||
           ((wire == WIRE_GEMINI || wire == WIRE_CLOUDCODE) && is_plain(p));
}

static const char *title_member(enum wire protocol, const struct part *p)
{
    switch (protocol) {
    case WIRE_OPENAI_CHAT:
        return "file.filename";
    case WIRE_OPENAI_RESPONSES:
        return "filename";
    case WIRE_GEMINI:
        return p->media.source == MEDIA_BASE64 ? "inlineData.displayName" : "fileData.displayName";
    case WIRE_ANTHROPIC:
    case WIRE_CLOUDCODE:
    case WIRES:
        break;
    }
    return "title";
}

static void lose_media(struct request_writer *w, const struct part *p, struct whereabouts at)
{
    if (!text_is_empty(p->media.title) && !says_title(w->t->wire, p))
        lose_below(w, at, title_member(w->r->protocol, p));
    if (!text_is_empty(p->media.context) && !says_context(w->t->wire, p))
        lose_below(w, at, "context");
    if (p->kind == PART_DOCUMENT && p->media.detail > DETAIL_AUTO)
        lose_below(w, at, "detail");
}

static void lose_part(struct request_writer *w, const struct part *p, struct whereabouts at)
{
    if (says_something(p->citations))
        lose_below(w, at, w->r->protocol == WIRE_ANTHROPIC ? "citations" : "annotations");
    switch (p->kind) {
    case PART_IMAGE:
    case PART_DOCUMENT:
    case PART_AUDIO:
    case PART_VIDEO:
    case PART_SEARCH_RESULT:
        lose_media(w, p, at);
        break;
    default:
        break;
    }
}

/* Parts within a tool's result or a document are named by their list. */
static void lose_within(struct request_writer *w, const struct message *m, const struct part *p)
{
    static const char *const lists[PROTOCOLS] = {
        [WIRE_OPENAI_CHAT] = "content",
        [WIRE_OPENAI_RESPONSES] = "output",
        [WIRE_ANTHROPIC] = "content",
        [WIRE_GEMINI] = "functionResponse.parts",
    };
    const struct part *inner = NULL;

    if (p->kind == PART_TOOL_RESULT)
        inner = p->result.content;
    else if (p->kind == PART_DOCUMENT && p->media.source == MEDIA_PARTS)
        inner = p->media.content;
    for (; inner != NULL; inner = inner->next)
        lose_part(w, inner, (struct whereabouts){ m, p, lists[w->r->protocol] });
}

void lose_cache_marks(struct request_writer *w)
{
    lose_field(w, FIELD_CACHE_MARKS);
    for (const struct cache_mark *mark = w->r->cache_marks; mark != NULL; mark = mark->next)
        lose_path(w, mark->path);
}

void lose_details(struct request_writer *w)
{
    const struct canon_request *r = w->r;

    for (const struct message *m = r->messages; m != NULL; m = m->next) {
        struct whereabouts whole = { m, NULL, NULL };

        if (m->name.len > 0 && w->t->wire != WIRE_OPENAI_CHAT)
            lose_below(w, whole, "name");
        if (m->phase != PHASE_NONE && w->t->wire != WIRE_OPENAI_RESPONSES)
            lose_below(w, whole, "phase");
        for (const struct part *p = m->parts; p != NULL; p = p->next) {
            lose_part(w, p, (struct whereabouts){ m, p, NULL });
            lose_within(w, m, p);
        }
    }
    for (const struct tool *t = r->tools; t != NULL; t = t->next)
        if (t->deferred) {
            struct str path = canon_tool_path(r, t->at, w->a);

            lose_path(w, arena_printf(w->a, "%.*s.defer_loading", STR_ARG(path)));
        }
}
