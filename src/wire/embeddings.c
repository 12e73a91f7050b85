#include "wire/embeddings.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/json_write.h"
#include "wire/estimate.h"
#include "wire/members.h"

#define DIMENSIONS_MAX 1000000
#define NUMBER_BYTES 32 /* of one float as text */

/* --- requests of OpenAI's form ----------------------------------------------------------------*/

static bool read_inputs(struct reading *rd, uint32_t node, struct embeddings_ask *out)
{
    static const char *const ids = "must be text: token ids mean nothing to this model";
    const struct json *doc = rd->doc;
    struct text *texts;
    size_t count = 1;

    if (json_type(doc, node) == JSON_ARRAY)
        count = doc->nodes[node].count;
    if (count == 0)
        return members_complain(rd, NULL, "input", "is empty");
    if (count > EMBEDDINGS_INPUTS_MAX)
        return members_complain(rd, NULL, "input", "holds more than 2048 texts");
    out->inputs = texts = arena_array(rd->a, struct text, count);
    out->count = count;
    if (json_type(doc, node) == JSON_STRING) {
        texts[0] = text_of(doc, node);
        return true;
    }
    for (uint32_t e = json_first(doc, node); e != JSON_NONE; e = json_after(doc, node, e)) {
        if (json_type(doc, e) == JSON_NUMBER || json_type(doc, e) == JSON_ARRAY)
            return members_complain(rd, NULL, "input", ids);
        if (json_type(doc, e) != JSON_STRING)
            return members_complain(rd, NULL, "input", "must be a string or an array of strings");
        *texts++ = text_of(doc, e);
    }
    return true;
}

static bool read_openai(struct reading *rd, struct embeddings_ask *out)
{
    enum { MODEL, INPUT, DIMENSIONS, ENCODING, USER, RULES };
    static const struct member_rule rules[] = {
        [MODEL] = { STR("model"), MEMBER_STRING },
        [INPUT] = { STR("input"), MEMBER_STRING | MEMBER_ARRAY },
        [DIMENSIONS] = { STR("dimensions"), MEMBER_NUMBER },
        [ENCODING] = { STR("encoding_format"), MEMBER_STRING },
        [USER] = { STR("user"), MEMBER_STRING },
    };
    uint32_t m[RULES];

    if (!members_read(rd, 0, NULL, rules, RULES, m))
        return false;
    out->model = member_str(rd, m[MODEL]);
    if (out->model.len == 0)
        return members_complain(rd, NULL, "model", "is missing: name a model");
    if (m[INPUT] == JSON_NONE)
        return members_complain(rd, NULL, "input", "is missing");
    if (m[ENCODING] != JSON_NONE) {
        out->base64 = json_says(rd->doc, m[ENCODING], STR("base64"));
        if (!out->base64 && !json_says(rd->doc, m[ENCODING], STR("float")))
            return members_complain(rd, NULL, "encoding_format", "must be float or base64");
    }
    if (m[USER] != JSON_NONE)
        members_unread(rd, NULL, "user");
    return member_integer(rd, m[DIMENSIONS], NULL, "dimensions", 1, DIMENSIONS_MAX,
                          &out->dimensions) &&
           read_inputs(rd, m[INPUT], out);
}

/* --- requests of Google's form ----------------------------------------------------------------*/

/* The texts of a content's parts as one. */
static bool read_content(struct reading *rd, uint32_t node, const struct place *p, struct text *out)
{
    static const struct member_rule content_rules[] = { { STR("parts"), MEMBER_ARRAY },
                                                        { STR("role"), MEMBER_STRING } };
    static const struct member_rule part_rules[] = { { STR("text"), MEMBER_STRING } };
    const struct place here = { p, "content", 0 }, parts = { &here, "parts", 0 };
    struct part *first = NULL, *last = NULL;
    uint32_t in[COUNT(content_rules)], text, at = 0;

    if (node == JSON_NONE)
        return members_complain(rd, p, "content", "is missing");
    if (!members_read(rd, node, &here, content_rules, COUNT(content_rules), in))
        return false;
    if (in[0] == JSON_NONE)
        return members_complain(rd, &here, "parts", "is missing");
    for (uint32_t e = json_first(rd->doc, in[0]); e != JSON_NONE;
         e = json_after(rd->doc, in[0], e), at++) {
        const struct place one = { &parts, NULL, at };

        if (json_type(rd->doc, e) != JSON_OBJECT)
            return members_complain(rd, &one, NULL, "must be an object");
        if (!members_read(rd, e, &one, part_rules, COUNT(part_rules), &text))
            return false;
        if (text == JSON_NONE)
            return members_complain(rd, &one, "text", "is missing: this model takes text only");
        part_append(&first, &last, rd->a, PART_TEXT, at)->text = text_of(rd->doc, text);
    }
    *out = parts_text(first, rd->a);
    return !text_is_empty(*out) || members_complain(rd, &here, "parts", "holds no text");
}

/* One `embedContent`, also as an element of a batch. */
static bool read_one(struct reading *rd, uint32_t node, const struct place *p,
                     struct embeddings_ask *out, struct text *text)
{
    enum { MODEL, CONTENT, TASK, TASK_SNAKE, TITLE, SIZE, SIZE_SNAKE, RULES };
    static const struct member_rule rules[] = {
        [MODEL] = { STR("model"), MEMBER_STRING }, /* the path says it */
        [CONTENT] = { STR("content"), MEMBER_OBJECT },
        [TASK] = { STR("taskType"), MEMBER_STRING },
        [TASK_SNAKE] = { STR("task_type"), MEMBER_STRING },
        [TITLE] = { STR("title"), MEMBER_STRING },
        [SIZE] = { STR("outputDimensionality"), MEMBER_NUMBER },
        [SIZE_SNAKE] = { STR("output_dimensionality"), MEMBER_NUMBER },
    };
    static const uint32_t lost[] = { TASK, TASK_SNAKE, TITLE };
    uint32_t m[RULES], size;
    int64_t dimensions = 0;

    if (json_type(rd->doc, node) != JSON_OBJECT)
        return members_complain(rd, p, NULL, "must be an object");
    if (!members_read(rd, node, p, rules, RULES, m))
        return false;
    for (size_t i = 0; i < COUNT(lost); i++)
        if (m[lost[i]] != JSON_NONE)
            members_unread(rd, p, rules[lost[i]].name.at);
    size = m[SIZE] != JSON_NONE ? SIZE : SIZE_SNAKE;
    if (!member_integer(rd, m[size], p, rules[size].name.at, 1, DIMENSIONS_MAX, &dimensions))
        return false;
    if (dimensions != 0 && out->dimensions != 0 && dimensions != out->dimensions)
        return members_complain(rd, p, rules[size].name.at,
                                "must be the same for all of a batch, for this model");
    if (dimensions != 0)
        out->dimensions = dimensions;
    return read_content(rd, m[CONTENT], p, text);
}

static bool read_batch(struct reading *rd, struct embeddings_ask *out)
{
    static const struct member_rule rules[] = { { STR("requests"), MEMBER_ARRAY } };
    static const struct place here = { NULL, "requests", 0 };
    uint32_t list, at = 0;
    struct text *texts;

    if (!members_read(rd, 0, NULL, rules, COUNT(rules), &list))
        return false;
    if (list == JSON_NONE || json_first(rd->doc, list) == JSON_NONE)
        return members_complain(rd, NULL, "requests", "must be an array with at least one request");
    out->count = rd->doc->nodes[list].count;
    if (out->count > EMBEDDINGS_INPUTS_MAX)
        return members_complain(rd, NULL, "requests", "holds more than 2048 texts");
    out->inputs = texts = arena_array(rd->a, struct text, out->count);
    for (uint32_t e = json_first(rd->doc, list); e != JSON_NONE;
         e = json_after(rd->doc, list, e), at++)
        if (!read_one(rd, e, &(struct place){ &here, NULL, at }, out, &texts[at]))
            return false;
    return true;
}

bool embeddings_read(enum embeddings_form form, struct str body, struct str path_model,
                     struct arena *a, struct embeddings_ask *out, struct wire_complaint *why)
{
    struct canon_request *r = arena_new(a, struct canon_request); /* collects what is not read */
    struct json doc;
    struct json_fault fault = { 0 };
    struct reading rd = { .doc = &doc, .r = r, .a = a, .why = why };
    struct text *text;
    bool well = false;

    *out = (struct embeddings_ask){ .form = form, .model = path_model };
    *why = (struct wire_complaint){ .too_large = false };
    if (!json_parse(&doc, body, NULL, a, &fault)) {
        *why = (struct wire_complaint){
            .message = arena_printf(a, "the request body cannot be read: %s (byte %zu)", fault.what,
                                    fault.at),
            .too_large = fault.limit,
        };
        return false;
    }
    if (json_type(&doc, 0) != JSON_OBJECT)
        return complain(why, STR(""), STR("the request body must be a JSON object"));
    switch (form) {
    case EMBEDDINGS_OPENAI:
        well = read_openai(&rd, out);
        break;
    case EMBEDDINGS_GEMINI:
        out->inputs = text = arena_array(a, struct text, 1);
        out->count = 1;
        well = read_one(&rd, 0, NULL, out, text);
        break;
    case EMBEDDINGS_GEMINI_BATCH:
        well = read_batch(&rd, out);
        break;
    }
    out->losses = r->unread;
    return well;
}

/* --- requests to an upstream ------------------------------------------------------------------*/

static void put_input(struct json_writer *w, struct text text)
{
    json_put_name(w, STR("content"));
    json_put_object(w);
    json_put_name(w, STR("parts"));
    json_put_array(w);
    json_put_object(w);
    json_put_name(w, STR("text"));
    json_put_inside(w, text.escaped);
    json_put_end(w);
    json_put_end(w);
    json_put_end(w);
}

static void put_google(struct json_writer *w, const struct embeddings_ask *ask, struct str name,
                       size_t i)
{
    json_put_object(w);
    json_put_member(w, "model", name);
    put_input(w, ask->inputs[i]);
    if (ask->dimensions > 0)
        json_put_member_i64(w, "outputDimensionality", ask->dimensions);
    json_put_end(w);
}

bool embeddings_write(const struct embeddings_ask *ask, enum embeddings_form form, struct str model,
                      struct arena *a, struct buf *out)
{
    struct json_writer w = json_writer(out);
    struct str name = arena_printf(a, "models/%.*s", (int)model.len, model.at);

    switch (form) {
    case EMBEDDINGS_GEMINI:
        assert(ask->count == 1);
        put_google(&w, ask, name, 0);
        break;
    case EMBEDDINGS_GEMINI_BATCH:
        json_put_object(&w);
        json_put_name(&w, STR("requests"));
        json_put_array(&w);
        for (size_t i = 0; i < ask->count; i++)
            put_google(&w, ask, name, i);
        json_put_end(&w);
        json_put_end(&w);
        break;
    case EMBEDDINGS_OPENAI:
        json_put_object(&w);
        json_put_member(&w, "model", model);
        json_put_name(&w, STR("input"));
        json_put_array(&w);
        for (size_t i = 0; i < ask->count; i++)
            json_put_inside(&w, ask->inputs[i].escaped);
        json_put_end(&w);
        json_put_member(&w, "encoding_format", STR("float"));
        if (ask->dimensions > 0)
            json_put_member_i64(&w, "dimensions", ask->dimensions);
        json_put_end(&w);
        break;
    }
    return json_written(&w);
}

/* --- vectors ----------------------------------------------------------------------------------*/

/* A list of numbers (raw JSON) as little-endian floats in base64. */
static bool to_base64(struct str list, struct arena *a, struct str *out)
{
    struct json_cursor c = json_open(list);
    struct buf bytes, text;
    struct str raw;

    buf_init(&bytes, list.len * 4);
    while (json_next(&c, &raw)) {
        char number[NUMBER_BYTES];
        float f;
        uint32_t bits;

        if (raw.len < sizeof(number)) {
            memcpy(number, raw.at, raw.len);
            number[raw.len] = '\0';
            f = strtof(number, NULL);
        } else {
            f = strtof(arena_copy(a, raw).at, NULL);
        }
        memcpy(&bits, &f, sizeof(bits));
        const char little[] = { (char)(bits & 0xff), (char)(bits >> 8 & 0xff),
                                (char)(bits >> 16 & 0xff), (char)(bits >> 24) };

        if (!buf_add(&bytes, (struct str){ little, sizeof(little) }))
            break; /* cannot be: a number takes two bytes of the list */
    }
    buf_init(&text, bytes.len * 2 + 8);
    bool fits = base64_put(&text, buf_str(&bytes), BASE64_STANDARD);
    *out = arena_copy(a, buf_str(&text));
    buf_clear(&bytes);
    buf_clear(&text);
    return fits;
}

/* The other way round: base64 of floats as a list of numbers. */
static bool from_base64(struct str text, struct arena *a, struct str *out)
{
    struct buf bytes, list;
    bool well;

    buf_init(&bytes, text.len);
    well = base64_get(&bytes, text) && bytes.len % 4 == 0;
    buf_init(&list, (bytes.len / 4 + 1) * NUMBER_BYTES);
    well = well && buf_add_char(&list, '[');
    for (size_t i = 0; well && i < bytes.len; i += 4) {
        uint32_t bits = 0;
        float f;

        for (size_t j = 4; j-- > 0;)
            bits = bits << 8 | (uint8_t)bytes.at[i + j];
        if ((bits >> 23 & 0xff) == 0xff) /* infinite, or no number */
            well = false;
        memcpy(&f, &bits, sizeof(f));
        well = well && buf_printf(&list, i > 0 ? ",%.9g" : "%.9g", (double)f);
    }
    well = well && buf_add_char(&list, ']');
    *out = arena_copy(a, buf_str(&list));
    buf_clear(&bytes);
    buf_clear(&list);
    return well;
}

/* Does a list (raw JSON) hold numbers and nothing else? */
static bool is_vector(struct str list)
{
    struct json_cursor c = json_open(list);
    struct str raw;
    bool any = false;

    while (json_next(&c, &raw)) {
        if (raw.at[0] != '-' && (raw.at[0] < '0' || raw.at[0] > '9'))
            return false;
        any = true;
    }
    return any;
}

/* --- answers ----------------------------------------------------------------------------------*/

/* The vectors in the order of the inputs, as lists of numbers. */
struct vectors {
    struct str *lists;
    size_t count;
};

static bool keep_vector(struct vectors *v, size_t at, const struct json *doc, uint32_t node)
{
    if (at >= v->count || v->lists[at].len > 0 || !is_type(doc, node, JSON_ARRAY))
        return false;
    v->lists[at] = json_raw(doc, node);
    return is_vector(v->lists[at]);
}

static bool read_data(const struct json *doc, struct vectors *v, struct arena *a)
{
    static const struct str names[] = { NAME("index"), NAME("embedding") };
    uint32_t data = member(doc, 0, "data"), in[COUNT(names)];
    size_t at = 0;

    if (!is_type(doc, data, JSON_ARRAY))
        return false;
    for (uint32_t e = json_first(doc, data); e != JSON_NONE; e = json_after(doc, data, e), at++) {
        int64_t index = (int64_t)at;
        struct str text;

        if (json_type(doc, e) != JSON_OBJECT)
            return false;
        members_named(doc, e, names, in, COUNT(names));
        if (in[0] != JSON_NONE && !json_i64(doc, in[0], &index))
            return false;
        if (index < 0 || (size_t)index >= v->count)
            return false;
        if (!is_type(doc, in[1], JSON_STRING)) {
            if (!keep_vector(v, (size_t)index, doc, in[1]))
                return false;
        } else if (v->lists[index].len > 0 || !json_text(doc, in[1], a, &text) ||
                   !from_base64(text, a, &v->lists[index])) {
            return false;
        }
    }
    return at == v->count;
}

static bool read_embeddings(const struct json *doc, struct vectors *v)
{
    uint32_t one = member(doc, 0, "embedding"), list = member(doc, 0, "embeddings");
    size_t at = 0;

    if (is_type(doc, one, JSON_OBJECT))
        return v->count == 1 && keep_vector(v, 0, doc, member(doc, one, "values"));
    if (!is_type(doc, list, JSON_ARRAY))
        return false;
    for (uint32_t e = json_first(doc, list); e != JSON_NONE; e = json_after(doc, list, e), at++)
        if (json_type(doc, e) != JSON_OBJECT || !keep_vector(v, at, doc, member(doc, e, "values")))
            return false;
    return at == v->count;
}

static bool put_openai(const struct embeddings_ask *ask, const struct vectors *v, struct str model,
                       const struct usage *usage, struct arena *a, struct buf *out)
{
    struct json_writer w = json_writer(out);

    json_put_object(&w);
    json_put_member(&w, "object", STR("list"));
    json_put_name(&w, STR("data"));
    json_put_array(&w);
    for (size_t i = 0; i < v->count; i++) {
        struct str text;

        json_put_object(&w);
        json_put_member(&w, "object", STR("embedding"));
        json_put_member_i64(&w, "index", (int64_t)i);
        json_put_name(&w, STR("embedding"));
        if (!ask->base64)
            json_put_raw(&w, v->lists[i]);
        else if (to_base64(v->lists[i], a, &text))
            json_put_inside(&w, text);
        else
            return false;
        json_put_end(&w);
    }
    json_put_end(&w);
    json_put_member(&w, "model", model);
    json_put_name(&w, STR("usage"));
    json_put_object(&w);
    json_put_member_i64(&w, "prompt_tokens", usage->in);
    json_put_member_i64(&w, "total_tokens", usage->in);
    json_put_end(&w);
    json_put_end(&w);
    return json_written(&w);
}

static void put_values(struct json_writer *w, struct str list)
{
    json_put_object(w);
    json_put_member_raw(w, "values", list);
    json_put_end(w);
}

static bool put_gemini(const struct embeddings_ask *ask, const struct vectors *v, struct buf *out)
{
    struct json_writer w = json_writer(out);

    json_put_object(&w);
    if (ask->form == EMBEDDINGS_GEMINI) {
        json_put_name(&w, STR("embedding"));
        put_values(&w, v->lists[0]);
    } else {
        json_put_name(&w, STR("embeddings"));
        json_put_array(&w);
        for (size_t i = 0; i < v->count; i++)
            put_values(&w, v->lists[i]);
        json_put_end(&w);
    }
    json_put_end(&w);
    return json_written(&w);
}

static void estimate(const struct embeddings_ask *ask, struct arena *a, struct usage *usage)
{
    usage->in = 0;
    for (size_t i = 0; i < ask->count; i++)
        usage->in += estimate_text(text_plain(a, ask->inputs[i]));
}

bool embeddings_answer(const struct embeddings_ask *ask, enum embeddings_form form, struct str body,
                       struct str model, struct arena *a, struct buf *out, struct usage *usage)
{
    const struct json_limits limits = { .depth_kept = 3 }; /* the vectors stay folded */
    struct vectors v = { arena_array(a, struct str, ask->count), ask->count };
    bool openai = form == EMBEDDINGS_OPENAI;
    struct json doc;
    bool well;

    *usage = usage_unknown();
    if (!json_parse(&doc, body, &limits, a, NULL) || json_type(&doc, 0) != JSON_OBJECT)
        return false;
    well = openai ? read_data(&doc, &v, a) : read_embeddings(&doc, &v);
    if (!well)
        return false;
    usage_read(usage, openai ? WIRE_OPENAI_CHAT : WIRE_GEMINI, &doc,
               openai ? member(&doc, 0, "usage") : member(&doc, 0, "usageMetadata"));
    if (usage->in < 0)
        estimate(ask, a, usage);
    usage->out = 0;
    return ask->form == EMBEDDINGS_OPENAI ? put_openai(ask, &v, model, usage, a, out)
                                          : put_gemini(ask, &v, out);
}
