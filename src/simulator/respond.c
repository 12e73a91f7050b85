/* simulator/respond.c - route, read, pick the rule, plan, answer, spoil: in this order. */
#include "simulator/respond.h"

#include <inttypes.h>

#include "base/json_write.h"
#include "base/map.h"
#include "base/utf8.h"
#include "simulator/answer.h"

#define KEY_MAX 512 /* bytes of a key in the query */

enum status world_init(struct world *w, uint64_t seed, struct str script, struct error *e)
{
    enum status st;

    *w = (struct world){ .seed = seed,
                         .rules = rules_new(),
                         .cache = cache_model_new(seed),
                         .tells = tells_new(),
                         .oauth = oauth_new(seed) };
    st = rules_read_script(w->rules, script, w->cache, e);
    if (st != OK)
        world_clear(w);
    return st;
}

void world_clear(struct world *w)
{
    rules_free(w->rules);
    cache_model_free(w->cache);
    tells_free(w->tells);
    oauth_free(w->oauth);
    *w = (struct world){ 0 };
}

struct str call_account(const struct call *c, struct arena *a)
{
    struct str bearer = http_field_value(c->head, STR("authorization")), key;
    char text[KEY_MAX];
    size_t len = 0;

    if (str_istarts(bearer, STR("Bearer ")))
        return str_trim(str_drop(bearer, strlen("Bearer ")));
    if (str_istarts(bearer, STR("token "))) /* GitHub's own */
        return str_trim(str_drop(bearer, strlen("token ")));
    key = http_field_value(c->head, STR("x-api-key"));
    if (key.len == 0)
        key = http_field_value(c->head, STR("x-goog-api-key"));
    if (key.len == 0 && http_query_get(c->query, STR("key"), text, sizeof(text), &len))
        key = arena_copy(a, (struct str){ text, len });
    return key;
}

/* --- errors --------------------------------------------------------------------------------------
 */

static struct str request_id(const struct world *w, struct str body, struct arena *a)
{
    const uint64_t key[2] = { w->seed, UINT64_C(0x726571) };

    return arena_printf(a, "req_sim%016" PRIx64, siphash(key, body));
}

/* Copilot's clients, ours too, say what editor they are. */
static bool is_editor(const struct call *c)
{
    return http_field_find(c->head, STR("editor-version")) != NULL;
}

/* The answer is an error, and nothing else about it is odd. */
static void refuse(const struct world *w, const struct call *c, struct response *out,
                   enum trouble_kind kind, struct str message, struct arena *a)
{
    struct trouble t = trouble_plain(kind, message);
    struct http_field fields[TROUBLE_FIELDS_MAX];
    uint32_t count;

    t.request_id = request_id(w, c->body, a);
    directives_init(&out->directives);
    reply_restart(&out->reply, trouble_status(out->wire, &t));
    reply_field(&out->reply, STR("content-type"), STR("application/json"));
    count = trouble_fields(out->wire, &t, a, fields);
    for (uint32_t i = 0; i < count; i++)
        reply_field(&out->reply, fields[i].name, fields[i].value);
    if (!trouble_put(&out->reply.body, out->wire, &t))
        out->reply.full = true;
}

/* The error that the directives ask for; `otherwise` when they name none. */
static struct trouble trouble_asked(const struct response *out, enum trouble_kind otherwise)
{
    const struct directives *d = &out->directives;
    struct trouble t = trouble_plain(otherwise, d->message);

    if (d->error >= 0)
        t.kind = (enum trouble_kind)d->error;
    else if (d->status >= 0)
        t.kind = trouble_of_status((int)d->status);
    t.status = d->status >= 0 ? (int)d->status : 0;
    t.model = out->model;
    t.hint = d->hint >= 0 ? (enum hint_kind)d->hint : HINT_NATIVE;
    t.retry_after_ms = d->retry_after_ms;
    t.reset_in_ms = d->reset_in_ms;
    return t;
}

static void fields_put(struct response *out, const struct trouble *t, struct arena *a)
{
    const struct directives *d = &out->directives;
    struct http_field fields[TROUBLE_FIELDS_MAX];
    uint32_t count = trouble_fields(out->wire, t, a, fields);

    for (uint32_t i = 0; i < count; i++)
        reply_field(&out->reply, fields[i].name, fields[i].value);
    for (uint32_t i = 0; i < d->header_count; i++) {
        struct str name, value;

        (void)str_cut(d->headers[i], ':', &name, &value);
        reply_field(&out->reply, name, str_trim(value));
    }
}

static void fail_as_asked(const struct call *c, struct response *out,
                          const struct quota_state *quota, struct str id, struct arena *a)
{
    struct trouble t = trouble_asked(out, TROUBLE_SERVER);

    t.request_id = id;
    t.now_unix_ms = c->now_unix_ms;
    t.limit = quota->limit;
    t.remaining = quota->remaining;
    bool plain = is_editor(c) && t.message.len > 0; /* as Copilot says most of its errors */

    reply_restart(&out->reply, trouble_status(out->wire, &t));
    reply_field(&out->reply, STR("content-type"),
                plain ? STR("text/plain") : STR("application/json"));
    fields_put(out, &t, a);
    if (plain)
        reply_put(&out->reply, t.message);
    else if (!trouble_put(&out->reply.body, out->wire, &t))
        out->reply.full = true;
}

/* --- spoiling an answer --------------------------------------------------------------------------
 */

/* Bytes that no client can make sense of. */
static void garbage_put(struct response *out, struct arena *a)
{
    struct reply *r = &out->reply;
    const struct directives *d = &out->directives;

    switch ((enum garbage)d->garbage) {
    case GARBAGE_HTTP:
        reply_restart(r, 200);
        r->raw = true;
        reply_put(r, STR("\x15\x03\x01 this is not HTTP\r\n\r\nnor will it be\r\n"));
        return;
    case GARBAGE_JSON:
        reply_restart(r, d->status >= 0 ? (int)d->status : 200);
        reply_field(r, STR("content-type"), STR("application/json"));
        reply_put(r, STR("{\"this\": is not JSON, and \"never\" ends"));
        return;
    case GARBAGE_HTML:
        reply_restart(r, d->status >= 0 ? (int)d->status : 503);
        reply_field(r, STR("content-type"), STR("text/html; charset=utf-8"));
        reply_put(r, arena_printf(a,
                                  "<!DOCTYPE html>\n<html><head><title>%d Service "
                                  "Unavailable</title></head><body><h1>The simulator</h1><p>This "
                                  "page stands for what a CDN says.</p></body></html>\n",
                                  r->status));
        return;
    }
}

static void error_event_put(struct response *out, const struct plan *p, struct arena *a)
{
    struct reply *r = &out->reply;
    struct trouble t = trouble_asked(out, TROUBLE_OVERLOADED);
    uint32_t handshake = reply_handshake(r), content = 0, keep = 0;
    struct buf event;
    struct str name, id = STR("");

    while (handshake + content < r->mark_count &&
           r->marks[handshake + content].class == EVENT_CONTENT)
        content++;
    if (out->directives.error_event == ERROR_EVENT_HANDSHAKE)
        keep = handshake;
    if (out->directives.error_event == ERROR_EVENT_CONTENT)
        keep = handshake + (content + 1) / 2;
    if (keep > 0)
        id = answer_responses_id(p, a);
    reply_truncate(r, keep);

    buf_init(&event, (size_t)64 << 10);
    if (!trouble_put_event(&event, out->wire, &t, keep, id, &name))
        r->full = true;
    reply_open(r, name);
    reply_put(r, buf_str(&event));
    reply_close(r, EVENT_FINISH);
    buf_clear(&event);
    if (r->array) {
        reply_put(r, STR("]"));
        reply_mark(r, EVENT_LAST);
    }
}

static void spoil(struct response *out, const struct plan *p, struct arena *a)
{
    const struct directives *d = &out->directives;
    struct reply *r = &out->reply;
    uint32_t keep = r->mark_count;

    if (d->empty_stream == 1) {
        reply_truncate(r, 0);
        r->body.len = 0;
    } else if (d->error_event >= 0 && r->stream) {
        error_event_put(out, p, a);
    } else if (d->error_event >= 0) { /* not a stream: an error with a good status */
        struct trouble t = trouble_asked(out, TROUBLE_OVERLOADED);

        r->body.len = 0;
        if (!trouble_put(&r->body, out->wire, &t))
            r->full = true;
    } else if (d->no_end == NO_END_ALL) {
        while (keep > 0 && r->marks[keep - 1].class >= EVENT_FINISH)
            keep--;
        if (r->stream)
            reply_truncate(r, keep);
    } else if (d->no_end == NO_END_LAST && keep > 0) {
        reply_truncate(r, keep - 1);
    }
}

/* --- answers -------------------------------------------------------------------------------------
 */

static void answer(struct world *w, const struct call *c, struct response *out, struct ask *ask,
                   struct str prompt, const struct quota_state *quota, struct str id,
                   struct arena *a)
{
    const struct directives *d = &out->directives;
    struct trouble good = trouble_plain(TROUBLE_SERVER, STR(""));
    struct plan_input in = { .ask = ask,
                             .directives = d,
                             .prompt = prompt,
                             .body = c->body,
                             .cache = cache_model_use(w->cache, out->account, ask, c->now_ms),
                             .seed = w->seed };
    struct reply *r = &out->reply;
    struct plan p;

    plan_make(&p, &in, a);
    r->stream = ask->stream;
    r->array = ask->array;
    r->comments = d->comments > 0 ? (uint32_t)d->comments : 0;
    r->bad_json_pending = d->bad_json == 1 && ask->stream;
    r->eol = ask->wire == WIRE_GEMINI || ask->wire == WIRE_CLOUDCODE ? STR("\r\n") : STR("\n");
    if (d->eol >= 0)
        r->eol = d->eol == EOL_LF ? STR("\n") : d->eol == EOL_CRLF ? STR("\r\n") : STR("\r");
    reply_field(r, STR("content-type"),
                ask->stream && !ask->array ? STR("text/event-stream; charset=utf-8")
                                           : STR("application/json"));
    if (ask->stream)
        reply_field(r, STR("cache-control"), STR("no-cache"));
    good.request_id = id;
    good.limit = quota->limit;
    good.remaining = quota->remaining;
    good.reset_in_ms = quota->limit >= 0 ? quota->reset_in_ms : -1;
    good.now_unix_ms = c->now_unix_ms;
    fields_put(out, &good, a);

    switch (ask->wire) {
    case WIRE_OPENAI_CHAT:
        answer_chat(r, &p, a);
        break;
    case WIRE_OPENAI_RESPONSES:
        answer_responses(r, &p, a);
        break;
    case WIRE_ANTHROPIC:
        answer_anthropic(r, &p, a);
        break;
    case WIRE_GEMINI:
    case WIRE_CLOUDCODE:
        answer_gemini(r, &p, a);
        break;
    case WIRES:
        break;
    }
    spoil(out, &p, a);
}

/* All texts of the last turn may steer; what is quoted is the last of them that says something. */
static enum status prompt_read(struct directives *d, const struct ask *ask, struct arena *a,
                               struct str *prompt, struct error *e)
{
    *prompt = STR("");
    for (const struct ask_text *t = ask->said.first; t != NULL; t = t->next) {
        struct str rest;
        enum status st = directives_read_prompt(d, t->text, a, &rest, e);

        if (st != OK)
            return st;
        if (rest.len > 0)
            *prompt = rest;
    }
    return OK;
}

static void generate(struct world *w, const struct call *c, struct response *out, struct ask *ask,
                     struct arena *a)
{
    struct directives *d = &out->directives;
    const struct directives *rule = rules_pick(w->rules, out->account, ask);
    struct str id = request_id(w, c->body, a), prompt;
    struct quota_state quota;
    struct error e;

    if (rule != NULL)
        *d = *rule;
    if (prompt_read(d, ask, a, &prompt, &e) != OK) {
        refuse(w, c, out, TROUBLE_BAD_REQUEST, arena_printf(a, "simulator: %s", e.text), a);
        return;
    }
    quota = rules_draw(w->rules, out->account, c->now_ms);
    if (quota.over) {
        d->error = TROUBLE_RATE_LIMIT;
        d->status = d->garbage = d->error_event = DIRECTIVE_UNSET;
        d->retry_after_ms = d->reset_in_ms = quota.reset_in_ms;
    }
    if (d->garbage >= 0)
        garbage_put(out, a);
    else if (d->error_event < 0 && (d->status >= 0 || d->error >= 0))
        fail_as_asked(c, out, &quota, id, a);
    else
        answer(w, c, out, ask, prompt, &quota, id, a);
    if (out->reply.full)
        refuse(w, c, out, TROUBLE_BAD_REQUEST,
               STR("simulator: the answer would be larger than 64 MiB"), a);
}

/* --- what is told of an account ------------------------------------------------------------------
 */

static enum tell_what tell_what_of(const struct call *c, const char **pseudo, bool *is_post)
{
    enum tell_what what = tell_of_path(c->path, pseudo, is_post);

    if (what == TELL_NOTHING && is_editor(c) && str_eq(c->path, STR("/models"))) {
        what = TELL_COPILOT_MODELS;
        *pseudo = "models";
        *is_post = false;
    }
    return what;
}

/* Only rules that name its pseudo model steer it: those for what an account generates do not. */
static void tell_it(struct world *w, const struct call *c, enum tell_what what, const char *pseudo,
                    struct response *out, struct arena *a)
{
    struct ask ask = { .wire = out->wire, .model = str_c(pseudo) };
    const struct directives *rule = rules_pick_named(w->rules, out->account, &ask);
    struct quota_state quota = { .limit = -1 };

    if (rule != NULL)
        out->directives = *rule;
    if (out->directives.status >= 0 || out->directives.error >= 0)
        fail_as_asked(c, out, &quota, request_id(w, c->body, a), a);
    else
        tell(w->tells, what, out->account, w->rules, &out->reply);
}

/* What Codex's backend refuses of its own dialect; NULL: nothing. */
static const char *codex_refuses(const struct call *c, struct arena *a)
{
    static const char *const refused[] = { "max_output_tokens",    "temperature",   "top_p",
                                           "truncation",           "user",          "metadata",
                                           "previous_response_id", "stream_options" };
    struct json doc;
    uint32_t node;

    if (!json_parse(&doc, c->body, NULL, a, NULL) || json_type(&doc, 0) != JSON_OBJECT)
        return NULL; /* the reader says so */
    for (size_t i = 0; i < COUNT(refused); i++)
        if (json_member(&doc, 0, str_c(refused[i]), NULL) != JSON_NONE)
            return arena_printf(a, "Unsupported parameter: %s", refused[i]).at;
    node = json_member(&doc, 0, STR("instructions"), NULL);
    if (node == JSON_NONE || json_type(&doc, node) != JSON_STRING)
        return "Instructions are required";
    node = json_member(&doc, 0, STR("store"), NULL);
    if (node == JSON_NONE || json_type(&doc, node) != JSON_FALSE)
        return "Store must be set to false";
    node = json_member(&doc, 0, STR("stream"), NULL);
    return node == JSON_NONE || !json_is_true(&doc, node) ? "Stream must be set to true" : NULL;
}

static void refuse_detail(struct response *out, const char *detail)
{
    struct json_writer w;

    reply_restart(&out->reply, 400);
    reply_field(&out->reply, STR("content-type"), STR("application/json"));
    w = json_writer(&out->reply.body);
    json_put_object(&w);
    json_put_member(&w, "detail", str_c(detail));
    json_put_end(&w);
}

/* A model that Copilot has at another of its paths. */
static void refuse_wire(struct response *out)
{
    reply_restart(&out->reply, 400);
    reply_field(&out->reply, STR("content-type"), STR("application/json"));
    reply_put(&out->reply, STR("{\"error\":{\"message\":\"model is not accessible via this "
                               "endpoint\",\"code\":\"unsupported_api_for_model\"}}"));
}

/* Vectors are steered by the rules of the account alone. */
static void embed(struct world *w, const struct call *c, const struct ask_target *target,
                  struct response *out, struct ask *ask, struct arena *a)
{
    struct json doc;
    struct str id = request_id(w, c->body, a);
    struct quota_state quota = { .limit = -1 };
    const struct directives *rule;
    const char *wrong;

    *ask = (struct ask){ .wire = target->wire, .model = target->model };
    if (target->wire != WIRE_GEMINI && json_parse(&doc, c->body, NULL, a, NULL)) {
        uint32_t model = json_member(&doc, 0, STR("model"), NULL);

        if (model == JSON_NONE || !json_text(&doc, model, a, &ask->model))
            ask->model = STR("");
    }
    out->is_call = true;
    out->model = ask->model;
    rule = rules_pick(w->rules, out->account, ask);
    if (rule != NULL)
        out->directives = *rule;
    if (out->directives.status >= 0 || out->directives.error >= 0) {
        fail_as_asked(c, out, &quota, id, a);
        return;
    }
    reply_field(&out->reply, STR("content-type"), STR("application/json"));
    wrong = ask->model.len == 0 ? "you must provide a model parameter"
                                : answer_embed(&out->reply, ask, c->body, target->batch, a);
    if (wrong != NULL)
        refuse(w, c, out, TROUBLE_BAD_REQUEST, str_c(wrong), a);
}

/* `GET /v1/models` is the same path for three providers: their fields tell. */
static enum wire models_wire(const struct ask_target *target, const struct call *c)
{
    const struct http_head *head = c->head;

    if (!target->shared)
        return target->wire;
    if (http_field_find(head, STR("anthropic-version")) != NULL ||
        (http_field_find(head, STR("x-api-key")) != NULL &&
         http_field_find(head, STR("authorization")) == NULL))
        return WIRE_ANTHROPIC;
    if (http_field_find(head, STR("x-goog-api-key")) != NULL ||
        http_field_find(head, STR("x-goog-api-client")) != NULL)
        return WIRE_GEMINI;
    return WIRE_OPENAI_CHAT;
}

static void list(struct world *w, const struct call *c, const struct ask_target *target,
                 struct response *out, struct arena *a)
{
    int64_t created = INT64_C(1767225600) + (int64_t)(w->seed % 86400);
    const struct rules *rules = w->rules;
    struct ask named = { .wire = out->wire, .model = STR("models") };
    const struct directives *rule = rules_pick_named(w->rules, out->account, &named);
    struct quota_state quota = { .limit = -1 };

    if (rule != NULL && (rule->status >= 0 || rule->error >= 0)) {
        out->directives = *rule;
        fail_as_asked(c, out, &quota, request_id(w, c->body, a), a);
        return;
    }
    reply_field(&out->reply, STR("content-type"), STR("application/json"));
    if (target->model.len == 0) {
        answer_models(&out->reply, out->wire, rules->models, rules->model_count, created);
        return;
    }
    for (uint32_t i = 0; i < rules->model_count; i++)
        if (str_eq(rules->models[i], target->model)) {
            answer_model(&out->reply, out->wire, target->model, created);
            return;
        }
    refuse(w, c, out, TROUBLE_MODEL, (struct str){ NULL, 0 }, a);
}

void respond(struct world *w, const struct call *c, struct arena *a, struct response *out)
{
    struct ask_target target = ask_route(c->path, c->query);
    const char *pseudo = NULL, *detail = NULL;
    bool is_post = false, codex = str_eq(c->path, STR("/backend-api/codex/responses"));
    enum tell_what what = tell_what_of(c, &pseudo, &is_post);
    bool is_list = target.route == ROUTE_MODELS;
    struct ask *ask = arena_new(a, struct ask);
    struct error e;

    *out = (struct response){ .wire = is_list ? models_wire(&target, c) : target.wire,
                              .account = call_account(c, a),
                              .model = target.model };
    bool good = true;

    reply_init(&out->reply);
    directives_init(&out->directives);
    if (str_starts(c->path, STR(OAUTH_PATH))) {
        oauth_respond(w->oauth, c, a, &out->reply, &out->directives);
        return;
    }
    if (oauth_knows(w->oauth, out->account, c->now_ms, &out->account, &good) && !good) {
        refuse(w, c, out, TROUBLE_KEY, STR("the access token has expired"), a);
        out->reply.status = 401; /* on every wire */
        return;
    }
    if (what != TELL_NOTHING) {
        if (c->method != (is_post ? HTTP_POST : HTTP_GET))
            refuse(w, c, out, TROUBLE_METHOD, (struct str){ NULL, 0 }, a);
        else
            tell_it(w, c, what, pseudo, out, a);
    } else if (target.route == ROUTE_NONE || target.route == ROUTE_CONTROL) {
        refuse(w, c, out, TROUBLE_NOT_FOUND, (struct str){ NULL, 0 }, a);
    } else if (c->method != (is_list ? HTTP_GET : HTTP_POST)) {
        refuse(w, c, out, TROUBLE_METHOD, (struct str){ NULL, 0 }, a);
    } else if (is_list) {
        list(w, c, &target, out, a);
    } else if (target.route == ROUTE_EMBED) {
        embed(w, c, &target, out, ask, a);
    } else if (ask_read(ask, &target, c->body, a, &e) != OK) {
        refuse(w, c, out, e.status == E_ABSENT ? TROUBLE_BEFORE : TROUBLE_BAD_REQUEST,
               str_c(arena_copy(a, str_c(e.text)).at), a);
    } else if (ask->kind == ASK_COUNT) {
        reply_field(&out->reply, STR("content-type"), STR("application/json"));
        answer_count(&out->reply, ask);
    } else {
        out->is_call = true;
        out->model = ask->model;
        detail = codex ? codex_refuses(c, a) : NULL;
        if (detail != NULL) {
            refuse_detail(out, detail);
            return;
        }
        if (is_editor(c) && !tell_copilot_serves(ask->model, ask->wire)) {
            refuse_wire(out);
            return;
        }
        if (codex)
            tell_codex_fields(w->tells, out->account, a, &out->reply);
        if (is_editor(c))
            tell_copilot_fields(w->tells, out->account, a, &out->reply);
        generate(w, c, out, ask, a);
    }
}

void respond_clear(struct response *out)
{
    reply_clear(&out->reply);
}
