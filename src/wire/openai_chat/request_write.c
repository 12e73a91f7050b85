/* wire/openai_chat/request_write.c - a canonical request as a chat completion, for OpenAI and for
 * the many servers that are compatible with it.
 *
 * What OpenAI alone knows goes only to OpenAI (`own_service`) or comes from a client of this very
 * protocol; a server that lacks something says so in `lacks`. */
#include "wire/openai_chat/chat_write.h"

#include "base/base64.h"
#include "base/fingerprint.h"
#include "wire/reasoning.h"
#include "wire/schema.h"

#define STOPS_NATIVE 4
#define USER_MAX 64 /* bytes of `user` */
#define SCHEMA_NAME STR("answer")

static bool is_given(const struct writing *x, enum field f)
{
    return x->r->where[f].len > 0;
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

/* Who says how a picture is to be, and nothing of what the answer is to hold, wants the picture. */
static uint32_t modalities_of(const struct writing *x)
{
    return x->r->modalities == 0 && !x->own && is_given(x, FIELD_IMAGE)
               ? MODALITY_IMAGE | MODALITY_TEXT
               : x->r->modalities;
}

static bool put_modalities(struct writing *x)
{
    uint32_t m = modalities_of(x);

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
    if (x->own || (modalities_of(x) & MODALITY_IMAGE) == 0) {
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
    if (is_given(x, FIELD_CACHE_MARKS) &&
        (!x->own || !x->t->facts.openai.cache_marks || r->cache_last != CACHE_NONE))
        lose_cache_marks(x->w);
    lose_field(x->w, FIELD_CACHE_OPTIONS);
    lose_field(x->w, FIELD_REASONING_SUMMARY); /* what is thought is shown or not without asking */
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
    if (!chat_put_messages(&x, added_instruction(&x)) || !put_tools(&x))
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
