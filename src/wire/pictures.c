#include "wire/pictures.h"

#include "base/base64.h"
#include "base/json_write.h"
#include "base/utf8.h"
#include "wire/multipart.h"

#define SAID_MAX 300

/* --- the request ------------------------------------------------------------------------------*/

struct reading {
    struct arena *a;
    struct pictures_ask *out;
    struct canon_request *r;
    struct message *user;
    struct str prompt;
    bool has_prompt;
    uint32_t given;
    struct wire_complaint *why;
};

static bool wrong(struct reading *rd, const char *param, const char *message)
{
    *rd->why = (struct wire_complaint){ .param = str_c(param), .message = str_c(message) };
    return false;
}

static bool add_picture(struct reading *rd, struct text mime, struct text data)
{
    struct part *p;

    if (rd->given == PICTURES_GIVEN_MAX)
        return wrong(rd, "image", "are more than 16 pictures");
    p = message_add(rd->user, rd->a, PART_IMAGE, rd->given++);
    p->media = (struct media){ .source = MEDIA_BASE64, .mime = mime, .data = data };
    return true;
}

/* `1024x1536`, `2K`, `auto`: which of them a model has is its own business. */
static bool is_size(struct str s)
{
    struct str left, right;
    uint64_t w, h;

    if (str_cut(s, 'x', &left, &right))
        return str_to_u64(left, &w) && str_to_u64(right, &h) && w > 0 && h > 0 && w <= 100000 &&
               h <= 100000;
    return s.len == 0 || str_eq(s, STR("auto")) || (s.at[0] >= '0' && s.at[0] <= '9');
}

/* What a member or field says that is a word or a number there. */
static bool take_word(struct reading *rd, struct str name, struct str value)
{
    struct canon_request *r = rd->r;
    uint64_t n;

    if (str_eq(name, STR("prompt"))) {
        rd->prompt = value;
        rd->has_prompt = true;
    } else if (str_eq(name, STR("n"))) {
        if (!str_to_u64(value, &n) || n < 1 || n > PICTURES_MAX)
            return wrong(rd, "n", "must be from 1 to 10");
        rd->out->n = (uint32_t)n;
    } else if (str_eq(name, STR("size"))) {
        if (!is_size(value))
            return wrong(rd, "size", "must be width x height as 1024x1536, 1K, 2K, 4K or auto");
        r->image.size = value;
        r->where[FIELD_IMAGE] = STR("size");
    } else if (str_eq(name, STR("quality"))) {
        r->image.quality = str_eq(value, STR("hd")) ? STR("high") : value;
        if (r->where[FIELD_IMAGE].len == 0)
            r->where[FIELD_IMAGE] = STR("quality");
    } else if (str_eq(name, STR("aspect_ratio"))) {
        r->image.aspect = value;
        r->where[FIELD_IMAGE] = STR("aspect_ratio");
    } else if (str_eq(name, STR("response_format"))) {
        rd->out->as_url = str_eq(value, STR("url"));
        if (!rd->out->as_url && !str_eq(value, STR("b64_json")))
            return wrong(rd, "response_format", "must be b64_json or url");
    } else if (!str_eq(name, STR("model")) && !str_eq(name, STR("stream"))) {
        losses_add(&r->unread, rd->a, arena_copy(rd->a, utf8_clip(name, 64)), false);
    }
    return true;
}

/* `images`: a list of objects with a data URL. */
static bool take_image_url(struct reading *rd, const struct json *doc, uint32_t node)
{
    struct text mime, data;
    uint32_t url = node;

    if (json_type(doc, node) == JSON_OBJECT)
        url = json_member(doc, node, STR("image_url"), NULL);
    if (url == JSON_NONE || json_type(doc, url) != JSON_STRING ||
        !text_data_url(text_of(doc, url), rd->a, &mime, &data))
        return wrong(rd, "images", "must hold data URLs: nothing is fetched from elsewhere");
    return add_picture(rd, mime, data);
}

static bool read_json(struct reading *rd, struct str body)
{
    struct json doc;
    struct json_fault fault;

    if (!json_parse(&doc, body, NULL, rd->a, &fault) || json_type(&doc, 0) != JSON_OBJECT)
        return wrong(rd, "", "the body must be a JSON object");
    for (uint32_t i = json_first(&doc, 0); i != JSON_NONE; i = json_after(&doc, 0, i)) {
        struct str name = STR(""), value;
        bool good = true;

        (void)json_text(&doc, i, rd->a, &name);
        i = json_after(&doc, 0, i);
        if (json_type(&doc, i) == JSON_NULL)
            continue;
        if (str_eq(name, STR("images")) || str_eq(name, STR("image"))) {
            if (json_type(&doc, i) != JSON_ARRAY)
                good = take_image_url(rd, &doc, i);
            for (uint32_t e = json_type(&doc, i) == JSON_ARRAY ? json_first(&doc, i) : JSON_NONE;
                 e != JSON_NONE && good; e = json_after(&doc, i, e))
                good = take_image_url(rd, &doc, e);
        } else {
            value = json_type(&doc, i) == JSON_STRING && json_text(&doc, i, rd->a, &value)
                        ? value
                        : json_raw(&doc, i);
            good = take_word(rd, name, value);
        }
        if (!good)
            return false;
    }
    return true;
}

static bool is_picture(struct str name)
{
    return str_eq(name, STR("image")) || str_eq(name, STR("image[]"));
}

static bool take_part(void *peer, const struct multipart_part *p)
{
    struct reading *rd = peer;
    struct buf data = { .max = p->content.len * 2 + 16 };

    if (!is_picture(p->name))
        return take_word(rd, p->name, p->filename.len > 0 ? STR("") : p->content);
    bool fits = base64_put(&data, p->content, BASE64_STANDARD);

    assert(fits); /* four bytes for each three */
    struct text text = { arena_copy(rd->a, buf_str(&data)) };

    buf_clear(&data);
    return add_picture(
        rd, text_from(rd->a, str_istarts(p->type, STR("image/")) ? p->type : STR("image/png")),
        text);
}

static bool read_form(struct reading *rd, struct str body, struct str boundary)
{
    bool bad;

    if (multipart_each(body, boundary, take_part, rd, &bad))
        return true;
    return bad ? wrong(rd, "", "the body is no form (multipart/form-data) that ends as it says")
               : false;
}

bool pictures_read(struct str body, struct str boundary, bool edits, struct arena *a,
                   struct pictures_ask *out, struct wire_complaint *why)
{
    struct canon_request *r = arena_new(a, struct canon_request);
    struct reading rd = { .a = a, .out = out, .r = r, .why = why };

    r->protocol = WIRE_OPENAI_CHAT;
    r->body = body;
    r->top_logprobs = -1;
    r->modalities = MODALITY_TEXT | MODALITY_IMAGE;
    r->where[FIELD_MODALITIES] = STR("model");
    *out = (struct pictures_ask){ .canon = r, .n = 1 };
    rd.user = canon_add_message(r, a, ROLE_USER, 0);
    if (!(boundary.len > 0 ? read_form(&rd, body, boundary) : read_json(&rd, body)))
        return false;
    if (!rd.has_prompt || str_trim(rd.prompt).len == 0)
        return wrong(&rd, "prompt", "is missing: say what is to be seen");
    if (edits && rd.given == 0)
        return wrong(&rd, "image", "is missing: a picture to change is wanted");
    message_add(rd.user, a, PART_TEXT, rd.given)->text = text_from(a, rd.prompt);
    return true;
}

/* --- the answer -------------------------------------------------------------------------------*/

static uint32_t member(const struct json *doc, uint32_t object, const char *name)
{
    if (object == JSON_NONE || json_type(doc, object) != JSON_OBJECT)
        return JSON_NONE;
    return json_member(doc, object, str_c(name), NULL);
}

static uint32_t first_of(const struct json *doc, uint32_t list)
{
    return list != JSON_NONE && json_type(doc, list) == JSON_ARRAY ? json_first(doc, list)
                                                                   : JSON_NONE;
}

static bool text_at(const struct json *doc, uint32_t object, const char *name, struct arena *a,
                    struct str *out)
{
    uint32_t node = member(doc, object, name);

    return node != JSON_NONE && json_text(doc, node, a, out);
}

/* Letters, digits and what base64 and media types have beside them: needs no escapes. */
static bool is_plain(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = char_lower(s.at[i]);

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/' ||
              c == '=' || c == '-' || c == '_' || c == '.'))
            return false;
    }
    return s.len > 0;
}

static void take_part_of_answer(const struct json *doc, uint32_t part, struct arena *a,
                                struct pictures *all)
{
    uint32_t media = member(doc, part, "inlineData"), thought = member(doc, part, "thought");
    struct picture p = { STR("image/png"), STR("") };
    struct str said;

    if (thought != JSON_NONE && json_is_true(doc, thought))
        return; /* drafts */
    if (media != JSON_NONE && text_at(doc, media, "data", a, &p.data)) {
        (void)text_at(doc, media, "mimeType", a, &p.mime);
        if (all->count < PICTURES_MAX && str_istarts(p.mime, STR("image/")) && is_plain(p.mime) &&
            is_plain(p.data))
            all->at[all->count++] =
                (struct picture){ arena_copy(a, p.mime), arena_copy(a, p.data) };
    } else if (all->said.len == 0 && text_at(doc, part, "text", a, &said)) {
        all->said = arena_copy(a, utf8_clip(str_trim(said), SAID_MAX));
    }
}

static void add_tokens(int64_t *sum, int64_t more)
{
    if (more >= 0)
        *sum = (*sum > 0 ? *sum : 0) + more;
}

static void take_usage(const struct json *doc, uint32_t node, struct pictures *all)
{
    struct usage u = usage_unknown();

    if (node == JSON_NONE || json_type(doc, node) != JSON_OBJECT)
        return;
    usage_read(&u, WIRE_GEMINI, doc, node);
    add_tokens(&all->usage.in, u.in);
    add_tokens(&all->usage.out, u.out);
    add_tokens(&all->usage.cache_read, u.cache_read);
    add_tokens(&all->usage.reasoning, u.reasoning);
}

bool pictures_take(enum wire wire, struct str body, struct arena *a, struct pictures *all)
{
    struct json doc;
    uint32_t root = 0;

    if (!json_parse(&doc, body, NULL, a, NULL) || json_type(&doc, 0) != JSON_OBJECT)
        return false;
    if (wire == WIRE_CLOUDCODE)
        root = member(&doc, 0, "response");
    if (root == JSON_NONE || member(&doc, root, "error") != JSON_NONE)
        return false;
    uint32_t feedback = member(&doc, root, "promptFeedback");

    if (all->said.len == 0 && text_at(&doc, feedback, "blockReason", a, &all->said))
        all->said = arena_copy(a, utf8_clip(all->said, SAID_MAX));
    for (uint32_t list = member(&doc, root, "candidates"), c = first_of(&doc, list); c != JSON_NONE;
         c = json_after(&doc, list, c)) {
        uint32_t parts = member(&doc, member(&doc, c, "content"), "parts");
        struct str finish;

        for (uint32_t p = first_of(&doc, parts); p != JSON_NONE; p = json_after(&doc, parts, p))
            take_part_of_answer(&doc, p, a, all);
        if (all->said.len == 0 && text_at(&doc, c, "finishReason", a, &finish) &&
            !str_eq(finish, STR("STOP")))
            all->said = arena_copy(a, utf8_clip(finish, SAID_MAX));
    }
    take_usage(&doc, member(&doc, root, "usageMetadata"), all);
    return true;
}

/* --- OpenAI's answer --------------------------------------------------------------------------*/

static void put_picture(struct json_writer *w, const struct picture *p, bool as_url)
{
    if (!as_url) {
        json_put_member(w, "b64_json", p->data);
        return;
    }
    json_put_key(w, STR("url"));
    json_put_insides(w, (struct str[]){ STR("data:"), p->mime, STR(";base64,"), p->data }, 4);
}

static void put_usage(struct json_writer *w, const struct usage *u)
{
    int64_t in = u->in > 0 ? u->in : 0, out = u->out > 0 ? u->out : 0;

    json_put_key(w, STR("usage"));
    json_put_object(w);
    json_put_member_i64(w, "input_tokens", in);
    json_put_member_i64(w, "output_tokens", out);
    json_put_member_i64(w, "total_tokens", in + out);
    json_put_end(w);
}

static struct str format_of(const struct picture *p)
{
    return str_istarts(p->mime, STR("image/")) ? str_drop(p->mime, 6) : STR("png");
}

static bool put_events(const struct pictures *all, const struct pictures_ask *ask,
                       int64_t created_unix_s, struct buf *out)
{
    for (uint32_t i = 0; i < all->count; i++) {
        struct json_writer w;

        if (!buf_add(out, STR("event: image_generation.completed\ndata: ")))
            return false;
        w = json_writer(out);
        json_put_object(&w);
        json_put_member(&w, "type", STR("image_generation.completed"));
        json_put_member_i64(&w, "created_at", created_unix_s);
        json_put_member(&w, "output_format", format_of(&all->at[i]));
        put_picture(&w, &all->at[i], ask->as_url);
        if (i + 1 == all->count)
            put_usage(&w, &all->usage);
        json_put_end(&w);
        if (!json_written(&w) || !buf_add(out, STR("\n\n")))
            return false;
    }
    return true;
}

bool pictures_put(const struct pictures *all, const struct pictures_ask *ask,
                  int64_t created_unix_s, bool stream, struct buf *out)
{
    struct json_writer w = json_writer(out);

    if (stream)
        return put_events(all, ask, created_unix_s, out);
    json_put_object(&w);
    json_put_member_i64(&w, "created", created_unix_s);
    json_put_key(&w, STR("data"));
    json_put_array(&w);
    for (uint32_t i = 0; i < all->count; i++) {
        json_put_object(&w);
        put_picture(&w, &all->at[i], ask->as_url);
        json_put_end(&w);
    }
    json_put_end(&w);
    json_put_member(&w, "output_format", format_of(&all->at[0]));
    put_usage(&w, &all->usage);
    json_put_end(&w);
    return json_written(&w);
}
