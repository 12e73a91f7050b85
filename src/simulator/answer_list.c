/* simulator/answer_list.c - token counts and lists of models. */
#include "base/json_write.h"
#include "base/timetext.h"
#include "simulator/answer.h"

void answer_count(struct reply *r, const struct ask *ask)
{
    struct json_writer w = json_writer(&r->body);

    json_put_object(&w);
    if (ask->wire == WIRE_GEMINI || ask->wire == WIRE_CLOUDCODE) {
        json_put_member_i64(&w, "totalTokens", ask->tokens);
    } else {
        if (ask->wire == WIRE_OPENAI_RESPONSES)
            json_put_member(&w, "object", STR("response.input_tokens"));
        json_put_member_i64(&w, "input_tokens", ask->tokens);
    }
    json_put_end(&w);
    r->full |= !json_written(&w);
}

static void openai_put(struct json_writer *w, struct str model, int64_t created)
{
    json_put_object(w);
    json_put_member(w, "id", model);
    json_put_member(w, "object", STR("model"));
    json_put_member_i64(w, "created", created);
    json_put_member(w, "owned_by", STR("simulator"));
    json_put_end(w);
}

static void anthropic_put(struct json_writer *w, struct str model, int64_t created)
{
    struct buf date;

    buf_init(&date, 64);
    (void)date_put_rfc3339(&date, created * 1000);
    json_put_object(w);
    json_put_member(w, "type", STR("model"));
    json_put_member(w, "id", model);
    json_put_member(w, "display_name", model);
    json_put_member(w, "created_at", buf_str(&date));
    json_put_member_i64(w, "max_input_tokens", 200000);
    json_put_member_i64(w, "max_tokens", 64000);
    json_put_member(w, "lifecycle", STR("active"));
    json_put_member_null(w, "capabilities");
    json_put_end(w);
    buf_clear(&date);
}

static void gemini_put(struct json_writer *w, struct str model)
{
    json_put_object(w);
    json_put_key(w, STR("name"));
    json_put_format(w, "models/%.*s", STR_ARG(model));
    json_put_member(w, "version", STR("001"));
    json_put_member(w, "displayName", model);
    json_put_member(w, "description", STR("A model of the provider simulator."));
    json_put_member_i64(w, "inputTokenLimit", 1048576);
    json_put_member_i64(w, "outputTokenLimit", 65536);
    json_put_member_raw(w, "supportedGenerationMethods",
                        STR("[\"generateContent\",\"countTokens\"]"));
    json_put_member_bool(w, "thinking", true);
    json_put_end(w);
}

static void model_put(struct json_writer *w, enum wire wire, struct str model, int64_t created)
{
    if (wire == WIRE_GEMINI)
        gemini_put(w, model);
    else if (wire == WIRE_ANTHROPIC)
        anthropic_put(w, model, created);
    else
        openai_put(w, model, created);
}

void answer_model(struct reply *r, enum wire wire, struct str model, int64_t created)
{
    struct json_writer w = json_writer(&r->body);

    model_put(&w, wire, model, created);
    r->full |= !json_written(&w);
}

static void end_put(struct json_writer *w, const char *name, const struct str *model)
{
    if (model == NULL)
        json_put_member_null(w, name);
    else
        json_put_member(w, name, *model);
}

void answer_models(struct reply *r, enum wire wire, const struct str *models, uint32_t count,
                   int64_t created)
{
    struct json_writer w = json_writer(&r->body);

    json_put_object(&w);
    if (wire == WIRE_OPENAI_CHAT)
        json_put_member(&w, "object", STR("list"));
    json_put_key(&w, wire == WIRE_GEMINI ? STR("models") : STR("data"));
    json_put_array(&w);
    for (uint32_t i = 0; i < count; i++)
        model_put(&w, wire, models[i], created);
    json_put_end(&w);
    if (wire == WIRE_ANTHROPIC) {
        json_put_member_bool(&w, "has_more", false);
        end_put(&w, "first_id", count > 0 ? &models[0] : NULL);
        end_put(&w, "last_id", count > 0 ? &models[count - 1] : NULL);
    }
    json_put_end(&w);
    r->full |= !json_written(&w);
}
