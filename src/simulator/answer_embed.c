/* simulator/answer_embed.c - vectors for texts, in OpenAI's form and Google's.
 *
 * A text's vector is made of its bytes alone, so equal texts have equal vectors and others do not.
 * Every number is a 256th, which text and 32-bit floats both hold exactly. */
#include <stdio.h>

#include "base/base64.h"
#include "base/json_write.h"
#include "simulator/answer.h"
#include "simulator/ask_int.h"

#define DIMENSIONS 8
#define DIMENSIONS_MAX 4096
#define TEXTS_MAX 2048

struct embedding {
    struct ask_reader r;
    struct json_writer w;
    int64_t dimensions;
    bool base64;
    int64_t tokens;
};

static void put_vector(struct embedding *e, struct str text)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    uint8_t floats[DIMENSIONS_MAX * 4];

    for (size_t i = 0; i < text.len; i++)
        h = (h ^ (uint8_t)text.at[i]) * UINT64_C(0x100000001b3);
    e->tokens += ((int64_t)text.len + 3) / 4;
    if (!e->base64)
        json_put_array(&e->w);
    for (int64_t i = 0; i < e->dimensions; i++) {
        h = h * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        int32_t n = (int32_t)(h >> 55) - 256; /* -256 … 255 */
        float value = (float)n / 256.0f;

        if (e->base64) {
            memcpy(floats + i * 4, &value, 4); /* little-endian, as all our machines are */
        } else {
            char number[32];
            int len = snprintf(number, sizeof(number), "%.8f", (double)value);

            json_put_raw(&e->w, (struct str){ number, (size_t)len });
        }
    }
    if (!e->base64) {
        json_put_end(&e->w);
        return;
    }
    struct buf text64;

    buf_init(&text64, sizeof(floats) * 2);
    (void)base64_put(&text64, (struct str){ (const char *)floats, (size_t)e->dimensions * 4 },
                     BASE64_STANDARD);
    json_put_str(&e->w, buf_str(&text64));
    buf_clear(&text64);
}

static bool dimensions_read(struct embedding *e, uint32_t object, const char *name)
{
    uint32_t node = ask_member(&e->r, object, name);

    e->dimensions = DIMENSIONS;
    return node == JSON_NONE || (json_i64(&e->r.doc, node, &e->dimensions) && e->dimensions >= 1 &&
                                 e->dimensions <= DIMENSIONS_MAX);
}

/* --- OpenAI
 * -------------------------------------------------------------------------------------*/

static void put_openai_row(struct embedding *e, int64_t index, struct str text)
{
    json_put_object(&e->w);
    json_put_member(&e->w, "object", STR("embedding"));
    json_put_member_i64(&e->w, "index", index);
    json_put_key(&e->w, STR("embedding"));
    put_vector(e, text);
    json_put_end(&e->w);
}

static const char *put_openai(struct embedding *e, struct str model)
{
    uint32_t input = ask_member(&e->r, 0, "input");
    struct str text;
    int64_t index = 0;

    e->base64 = str_eq(ask_string(&e->r, 0, "encoding_format"), STR("base64"));
    if (!dimensions_read(e, 0, "dimensions"))
        return "dimensions must be a number from 1 to 4096";
    json_put_object(&e->w);
    json_put_member(&e->w, "object", STR("list"));
    json_put_key(&e->w, STR("data"));
    json_put_array(&e->w);
    if (input != JSON_NONE && json_text(&e->r.doc, input, e->r.arena, &text)) {
        put_openai_row(e, 0, text);
    } else if (ask_has_type(&e->r, input, JSON_ARRAY)) {
        for (uint32_t n = json_first(&e->r.doc, input); n != JSON_NONE;
             n = json_after(&e->r.doc, input, n)) {
            if (!json_text(&e->r.doc, n, e->r.arena, &text) || index == TEXTS_MAX)
                return "input must be a string or a list of at most 2048 strings";
            put_openai_row(e, index++, text);
        }
    } else {
        return "you must provide input";
    }
    json_put_end(&e->w);
    json_put_member(&e->w, "model", model);
    json_put_key(&e->w, STR("usage"));
    json_put_object(&e->w);
    json_put_member_i64(&e->w, "prompt_tokens", e->tokens);
    json_put_member_i64(&e->w, "total_tokens", e->tokens);
    json_put_end(&e->w);
    json_put_end(&e->w);
    return NULL;
}

/* --- Google
 * -------------------------------------------------------------------------------------*/

/* One request's vector, as `{"values": …}`. */
static const char *put_values(struct embedding *e, uint32_t request)
{
    uint32_t content = ask_member(&e->r, request, "content");
    uint32_t parts = ask_member(&e->r, content, "parts"), first = JSON_NONE;

    if (!dimensions_read(e, request, "outputDimensionality"))
        return "outputDimensionality must be a number from 1 to 4096";
    if (ask_has_type(&e->r, parts, JSON_ARRAY))
        first = json_first(&e->r.doc, parts);
    if (first == JSON_NONE)
        return "content.parts must hold a text";
    json_put_object(&e->w);
    json_put_key(&e->w, STR("values"));
    put_vector(e, ask_string(&e->r, first, "text"));
    json_put_end(&e->w);
    return NULL;
}

static const char *put_google(struct embedding *e, bool batch)
{
    uint32_t requests = batch ? ask_member(&e->r, 0, "requests") : JSON_NONE;
    const char *wrong = NULL;

    json_put_object(&e->w);
    json_put_key(&e->w, batch ? STR("embeddings") : STR("embedding"));
    if (!batch) {
        wrong = put_values(e, 0);
    } else if (ask_has_type(&e->r, requests, JSON_ARRAY)) {
        json_put_array(&e->w);
        for (uint32_t n = json_first(&e->r.doc, requests); n != JSON_NONE && wrong == NULL;
             n = json_after(&e->r.doc, requests, n))
            wrong = put_values(e, n);
        if (wrong == NULL)
            json_put_end(&e->w);
    } else {
        wrong = "requests must be a list";
    }
    if (wrong == NULL)
        json_put_end(&e->w);
    return wrong;
}

const char *answer_embed(struct reply *r, const struct ask *ask, struct str body, bool batch,
                         struct arena *a)
{
    struct error ignored;
    struct embedding e = { .r = { .arena = a, .error = &ignored }, .w = json_writer(&r->body) };

    if (!json_parse(&e.r.doc, body, NULL, a, NULL) || json_type(&e.r.doc, 0) != JSON_OBJECT)
        return "the body of the request must be a JSON object";
    const char *wrong =
        ask->wire == WIRE_GEMINI ? put_google(&e, batch) : put_openai(&e, ask->model);

    if (wrong != NULL)
        r->body.len = 0;
    else
        r->full |= !json_written(&e.w);
    return wrong;
}
