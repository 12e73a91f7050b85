/* simulator/ask.c - routes, and what the readers of the four wires share. */
#include "simulator/ask_int.h"

#include <stdio.h>

#include "base/map.h"
#include "http/parse.h"

#define HASH_KEY UINT64_C(0x70656e73746f636b)
/* Calls that wait for their results at one time: looking for one of them is linear. What lies
 * beyond is not noted, and so its result is refused as one without a call. */
#define OPEN_CALLS_MAX 1024
#define TURN_TEXTS_MAX 256 /* of one turn; more are counted but not looked at */

/* --- routes --------------------------------------------------------------------------------------
 */

static const struct {
    struct str path; /* behind an optional /v1 */
    enum ask_route route;
    enum wire wire;
} routes[] = {
    { { "/chat/completions", 17 }, ROUTE_GENERATE, WIRE_OPENAI_CHAT },
    { { "/embeddings", 11 }, ROUTE_EMBED, WIRE_OPENAI_CHAT },
    { { "/responses", 10 }, ROUTE_GENERATE, WIRE_OPENAI_RESPONSES },
    { { "/responses/input_tokens", 23 }, ROUTE_COUNT, WIRE_OPENAI_RESPONSES },
    { { "/messages", 9 }, ROUTE_GENERATE, WIRE_ANTHROPIC },
    { { "/messages/count_tokens", 22 }, ROUTE_COUNT, WIRE_ANTHROPIC },
};

static bool query_is(struct str query, struct str name, struct str value)
{
    char text[16];
    size_t len = 0;

    return http_query_get(query, name, text, sizeof(text), &len) &&
           str_eq((struct str){ text, len }, value);
}

/* What a method behind a colon means for Google's wires. */
static void google_method(struct ask_target *t, struct str method, struct str query)
{
    if (str_eq(method, STR("generateContent"))) {
        t->route = ROUTE_GENERATE;
    } else if (str_eq(method, STR("streamGenerateContent"))) {
        t->route = ROUTE_GENERATE;
        t->stream = true;
        t->array = !query_is(query, STR("alt"), STR("sse"));
    } else if (str_eq(method, STR("countTokens"))) {
        t->route = ROUTE_COUNT;
    } else if (t->wire == WIRE_GEMINI && str_eq(method, STR("embedContent"))) {
        t->route = ROUTE_EMBED;
    } else if (t->wire == WIRE_GEMINI && str_eq(method, STR("batchEmbedContents"))) {
        t->route = ROUTE_EMBED;
        t->batch = true;
    }
}

/* `rest` is what stands behind `…/models`: empty, `/x`, or `/x:method`. */
static struct ask_target models_route(struct str rest, struct str query, bool beta)
{
    struct ask_target t = { .route = ROUTE_MODELS,
                            .wire = beta ? WIRE_GEMINI : WIRE_OPENAI_CHAT,
                            .shared = !beta };
    struct str model, method;

    if (rest.len == 0)
        return t;
    if (rest.at[0] != '/' || rest.len == 1)
        return (struct ask_target){ .route = ROUTE_NONE };
    t.model = str_drop(rest, 1);
    if (!str_cut_last(t.model, ':', &model, &method))
        return t;

    t = (struct ask_target){ .wire = WIRE_GEMINI, .model = model };
    google_method(&t, method, query);
    return t;
}

struct ask_target ask_route(struct str path, struct str query)
{
    struct str rest = path;

    if (str_starts(path, STR("/_sim/")))
        return (struct ask_target){ .route = ROUTE_CONTROL };
    if (str_starts(path, STR("/v1beta/models")))
        return models_route(str_drop(path, strlen("/v1beta/models")), query, true);
    if (str_starts(path, STR("/v1internal:"))) {
        struct ask_target t = { .wire = WIRE_CLOUDCODE };

        google_method(&t, str_drop(path, strlen("/v1internal:")), query);
        return t;
    }
    if (str_eq(path, STR("/backend-api/codex/responses")))
        rest = STR("/responses");
    if (str_starts(path, STR("/v1/")))
        rest = str_drop(path, strlen("/v1"));
    for (size_t i = 0; i < COUNT(routes); i++)
        if (str_eq(rest, routes[i].path))
            return (struct ask_target){ .route = routes[i].route, .wire = routes[i].wire };
    if (str_starts(rest, STR("/models")))
        return models_route(str_drop(rest, strlen("/models")), query, false);
    /* an error has to be worded in some way: the path tells in which */
    return (struct ask_target){ .route = ROUTE_NONE,
                                .wire = str_starts(path, STR("/v1beta"))     ? WIRE_GEMINI
                                        : str_starts(rest, STR("/messages")) ? WIRE_ANTHROPIC
                                                                             : WIRE_OPENAI_CHAT };
}

/* --- looking into the document ------------------------------------------------------------------
 */

uint32_t ask_member(const struct ask_reader *r, uint32_t object, const char *name)
{
    uint32_t node;

    if (!ask_has_type(r, object, JSON_OBJECT))
        return JSON_NONE;
    node = json_member(&r->doc, object, str_c(name), NULL);
    return ask_has_type(r, node, JSON_NULL) ? JSON_NONE : node;
}

uint32_t ask_member2(const struct ask_reader *r, uint32_t object, const char *name,
                     const char *other)
{
    uint32_t node = ask_member(r, object, name);

    return node != JSON_NONE ? node : ask_member(r, object, other);
}

struct str ask_string(const struct ask_reader *r, uint32_t object, const char *name)
{
    uint32_t node = ask_member(r, object, name);
    struct str text = STR("");

    if (node != JSON_NONE && !json_text(&r->doc, node, r->arena, &text))
        text = STR("");
    return text;
}

struct str ask_raw(const struct ask_reader *r, uint32_t object, const char *name)
{
    uint32_t node = ask_member(r, object, name);

    return node == JSON_NONE ? STR("") : json_raw(&r->doc, node);
}

bool ask_is(const struct ask_reader *r, uint32_t object, const char *name, const char *text)
{
    uint32_t node = ask_member(r, object, name);

    return ask_has_type(r, node, JSON_STRING) && json_says(&r->doc, node, str_c(text));
}

bool ask_true(const struct ask_reader *r, uint32_t object, const char *name)
{
    uint32_t node = ask_member(r, object, name);

    return node != JSON_NONE && json_is_true(&r->doc, node);
}

int64_t ask_number(const struct ask_reader *r, uint32_t object, const char *name, int64_t otherwise)
{
    uint32_t node = ask_member(r, object, name);
    int64_t n = otherwise;

    return node != JSON_NONE && json_i64(&r->doc, node, &n) ? n : otherwise;
}

uint32_t ask_first(const struct ask_reader *r, uint32_t array)
{
    return ask_has_type(r, array, JSON_ARRAY) ? json_first(&r->doc, array) : JSON_NONE;
}

uint32_t ask_after(const struct ask_reader *r, uint32_t array, uint32_t node)
{
    return json_after(&r->doc, array, node);
}

/* --- counting and gathering ---------------------------------------------------------------------
 */

void ask_count(struct ask_reader *r, struct str text)
{
    const uint64_t key[2] = { r->hash, HASH_KEY };

    if (text.len == 0)
        return;
    r->hash = siphash(key, text);
    r->segment_bytes += (int64_t)text.len;
}

/* A segment without anything in it is no segment. */
void ask_segment_end(struct ask_reader *r)
{
    struct ask *ask = r->ask;
    struct ask_segment *s;

    if (r->segment_bytes == 0 && r->segment_media == 0)
        return;
    ask->tokens += (r->segment_bytes + 3) / 4 + r->segment_media * ASK_MEDIA_TOKENS;
    s = arena_new(r->arena, struct ask_segment);
    *s =
        (struct ask_segment){ .hash = r->hash, .tokens = ask->tokens, .marked = r->segment_marked };
    if (ask->segment_last == NULL)
        ask->segments = s;
    else
        ask->segment_last->next = s;
    ask->segment_last = s;
    r->segment_bytes = r->segment_media = 0;
    r->segment_marked = false;
}

void ask_media(struct ask_reader *r, enum ask_media kind, struct str data)
{
    int64_t bytes = r->segment_bytes;
    struct str head, tail;

    ask_count(r, data);       /* for the hash: another picture is another prompt … */
    r->segment_bytes = bytes; /* … but pictures count by the piece */
    r->segment_media++;
    r->ask->media[kind].count++;
    if (str_starts(data, STR("data:")) && str_cut(data, ',', &head, &tail))
        data = tail;
    else if (str_find(str_take(data, 16), STR("://")) != SIZE_MAX)
        return;
    while (str_ends(data, STR("=")))
        data = str_drop_last(data, 1);
    r->ask->media[kind].bytes += (int64_t)(data.len * 3 / 4);
}

enum ask_media ask_media_of(struct str mime)
{
    return str_istarts(mime, STR("image/"))   ? ASK_IMAGE
           : str_istarts(mime, STR("audio/")) ? ASK_RECORDING
                                              : ASK_DOCUMENT;
}

void ask_turn(struct ask_reader *r, bool assistant)
{
    if (!assistant && !r->in_turn) {
        r->ask->said = (struct ask_texts){ .count = 0 };
        r->ask->results = (struct ask_texts){ .count = 0 };
    }
    r->in_turn = !assistant;
}

static void texts_add(struct ask_reader *r, struct ask_texts *list, struct ask_text one)
{
    struct ask_text *t;

    if (list->count == TURN_TEXTS_MAX)
        return;
    t = arena_new(r->arena, struct ask_text);
    *t = one;
    if (list->last == NULL)
        list->first = t;
    else
        list->last->next = t;
    list->last = t;
    list->count++;
}

void ask_said(struct ask_reader *r, struct str text)
{
    ask_count(r, text);
    texts_add(r, &r->ask->said, (struct ask_text){ .text = text });
}

void ask_result(struct ask_reader *r, const struct ask_call *call, struct str text)
{
    ask_count(r, text);
    texts_add(r, &r->ask->results, (struct ask_text){ .text = text, .name = call->name });
}

void ask_called(struct ask_reader *r, struct str id, struct str name)
{
    struct ask_call *c;

    if (r->open_count == OPEN_CALLS_MAX)
        return;
    r->open_count++;
    c = arena_new(r->arena, struct ask_call);
    c->id = id;
    c->name = name;
    if (r->call_last != NULL)
        r->call_last->next = c;
    r->call_last = c;
    if (r->open == NULL)
        r->open = c;
}

static const struct ask_call *call_close(struct ask_reader *r, struct ask_call *c)
{
    if (c == NULL)
        return NULL;
    c->answered = true;
    r->open_count--;
    while (r->open != NULL && r->open->answered)
        r->open = r->open->next;
    return c;
}

const struct ask_call *ask_answered(struct ask_reader *r, struct str id)
{
    struct ask_call *c = r->open;

    while (c != NULL && (c->answered || !str_eq(c->id, id)))
        c = c->next;
    return call_close(r, c);
}

const struct ask_call *ask_answered_by_name(struct ask_reader *r, struct str name)
{
    struct ask_call *c = r->open;

    while (c != NULL && (c->answered || !str_eq(c->name, name)))
        c = c->next;
    return call_close(r, c);
}

void ask_tool_add(struct ask_reader *r, struct str name, struct str description, struct str schema,
                  bool custom)
{
    struct ask_tool *tool = arena_new(r->arena, struct ask_tool);

    ask_count(r, name);
    ask_count(r, description);
    ask_count(r, schema);
    *tool = (struct ask_tool){ .name = name, .schema = schema, .custom = custom };
    if (r->tool_last == NULL)
        r->ask->tools = tool;
    else
        r->tool_last->next = tool;
    r->tool_last = tool;
}

static void stop_add(struct ask_reader *r, uint32_t node)
{
    struct ask *ask = r->ask;
    struct str text;

    if (ask->stop_count < ASK_STOPS_MAX && json_text(&r->doc, node, r->arena, &text) &&
        text.len > 0)
        ask->stops[ask->stop_count++] = text;
}

void ask_stops(struct ask_reader *r, uint32_t node)
{
    if (node == JSON_NONE)
        return;
    if (json_type(&r->doc, node) == JSON_STRING)
        stop_add(r, node);
    for (uint32_t n = ask_first(r, node); n != JSON_NONE; n = ask_after(r, node, n))
        stop_add(r, n);
}

/* --- reading -------------------------------------------------------------------------------------
 */

static enum status body_parse(struct ask_reader *r, struct str body)
{
    struct json_fault fault;

    if (!json_parse(&r->doc, body, NULL, r->arena, &fault)) {
        json_fault_place(&fault, body);
        return fail(r->error, E_SYNTAX,
                    "We could not parse the JSON body of your request: line %u, "
                    "column %u: %s",
                    fault.line, fault.col, fault.what);
    }
    if (json_type(&r->doc, 0) != JSON_OBJECT)
        return fail(r->error, E_SYNTAX, "The body of the request must be a JSON object.");
    return OK;
}

enum status ask_read(struct ask *ask, const struct ask_target *target, struct str body,
                     struct arena *a, struct error *e)
{
    struct ask_reader r = { .ask = ask, .arena = a, .error = e };
    enum status st;

    *ask = (struct ask){ .wire = target->wire,
                         .kind = target->route == ROUTE_COUNT ? ASK_COUNT : ASK_GENERATE,
                         .model = target->model,
                         .stream = target->stream,
                         .array = target->array,
                         .choices = 1,
                         .max_output = -1 };
    st = body_parse(&r, body);
    if (st != OK)
        return st;
    if (ask->wire == WIRE_CLOUDCODE)
        return ask_read_cloudcode(&r);
    if (ask->wire != WIRE_GEMINI) {
        ask->model = ask_string(&r, 0, "model");
        ask->stream = ask->kind == ASK_GENERATE && ask_true(&r, 0, "stream");
        if (ask->model.len == 0)
            return fail(e, E_SYNTAX, "you must provide a model parameter");
    }
    switch (ask->wire) {
    case WIRE_OPENAI_CHAT:
        return ask_read_chat(&r);
    case WIRE_OPENAI_RESPONSES:
        return ask_read_responses(&r);
    case WIRE_ANTHROPIC:
        return ask_read_anthropic(&r);
    case WIRE_GEMINI:
        return ask_read_gemini(&r);
    case WIRE_CLOUDCODE:
    case WIRES:
        break;
    }
    return fail(e, E_SYNTAX, "there is no such wire");
}
