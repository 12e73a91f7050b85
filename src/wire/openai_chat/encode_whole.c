/* wire/openai_chat/encode_whole.c - an answer in one piece: a chat completion or a legacy
 * completion. */
#include "wire/openai_chat/chat_encode.h"

#include "wire/signature.h"

struct whole {
    const struct canon_answer *an;
    const struct encode_options *o;
    struct arena *a;
    struct json_writer *w;
};

static bool is_kind(const struct answer_block *b, uint32_t choice, enum block_kind kind)
{
    return b->choice == choice && !b->is_media && !b->is_server && b->kind == kind;
}

/* All blocks of a kind as one string, with `between` in between; false: there are none. */
static bool put_blocks(struct whole *x, const char *name, uint32_t choice, enum block_kind kind,
                       struct str front, struct str between)
{
    struct str *pieces;
    size_t count = 0, room = 2;

    for (const struct answer_block *b = x->an->blocks; b != NULL; b = b->next)
        room += 2 * (size_t)is_kind(b, choice, kind);
    pieces = arena_array(x->a, struct str, room);
    if (front.len > 0)
        pieces[count++] = front;
    for (const struct answer_block *b = x->an->blocks; b != NULL; b = b->next) {
        if (!is_kind(b, choice, kind) || text_is_empty(answer_text(b)))
            continue;
        if (count > 0 && between.len > 0)
            pieces[count++] = between;
        pieces[count++] = answer_text(b).escaped;
    }
    if (count == 0)
        return false;
    json_put_name(x->w, str_c(name));
    json_put_insides(x->w, pieces, count);
    return true;
}

static void put_call(struct whole *x, const struct answer_block *b,
                     const struct answer_block *before)
{
    struct str name = names_to_client(x->o->names, b->name, NULL);
    bool custom = b->custom || chat_is_custom(x->o->request->tools, name);
    struct text arguments = answer_text(b);
    const struct signature *sig = &b->sig;

    if (sig->signer == SIGNER_NONE && before != NULL && text_is_empty(answer_text(before)) &&
        !before->is_media && !before->is_server && before->kind == BLOCK_THINKING)
        sig = &before->sig;
    if (custom && !b->custom)
        arguments = call_input(arguments, x->a);
    if (!x->o->request->functions) {
        json_put_object(x->w);
        json_put_member(x->w, "id", call_id_for(WIRE_OPENAI_CHAT, b->id, 0, x->a));
        json_put_member(x->w, "type", custom ? STR("custom") : STR("function"));
        json_put_name(x->w, custom ? STR("custom") : STR("function"));
    }
    json_put_object(x->w);
    json_put_member(x->w, "name", name);
    json_put_name(x->w, custom ? STR("input") : STR("arguments"));
    json_put_inside(x->w, arguments.escaped);
    json_put_end(x->w);
    if (x->o->request->functions)
        return;
    if (sig->signer == SIGNER_GOOGLE) {
        json_put_name(x->w, STR("extra_content"));
        json_put_object(x->w);
        json_put_name(x->w, STR("google"));
        json_put_object(x->w);
        json_put_name(x->w, STR("thought_signature"));
        json_put_inside(x->w, sig->blob.escaped);
        json_put_end(x->w);
        json_put_end(x->w);
    }
    json_put_end(x->w);
}

static bool has_calls(const struct canon_answer *an, uint32_t choice)
{
    for (const struct answer_block *b = an->blocks; b != NULL; b = b->next)
        if (is_kind(b, choice, BLOCK_TOOL))
            return true;
    return false;
}

static void put_calls(struct whole *x, uint32_t choice)
{
    const struct answer_block *before = NULL;
    bool functions = x->o->request->functions, done = false;

    if (!has_calls(x->an, choice))
        return;
    json_put_name(x->w, functions ? STR("function_call") : STR("tool_calls"));
    if (!functions)
        json_put_array(x->w);
    for (const struct answer_block *b = x->an->blocks; b != NULL; b = b->next) {
        if (b->choice != choice)
            continue;
        if (is_kind(b, choice, BLOCK_TOOL) && !(functions && done)) {
            put_call(x, b, before);
            done = true;
        }
        before = b;
    }
    if (!functions)
        json_put_end(x->w);
}

static void put_notes(struct whole *x, uint32_t choice)
{
    int64_t points = 0;
    bool any = false, noted = false;

    for (const struct answer_block *b = x->an->blocks; b != NULL; b = b->next)
        noted = noted || b->note_count > 0;
    for (const struct answer_block *b = x->an->blocks; b != NULL && noted; b = b->next) {
        if (!is_kind(b, choice, BLOCK_TEXT))
            continue;
        int64_t begin = points;

        points += text_points(answer_text(b));
        for (uint32_t i = 0; i < b->note_count; i++) {
            if (b->notes[i].url.len == 0)
                continue;
            if (!any) {
                json_put_name(x->w, STR("annotations"));
                json_put_array(x->w);
            }
            any = true;
            chat_put_note(x->w, &b->notes[i], begin, points);
        }
    }
    if (any)
        json_put_end(x->w);
}

static void put_images(struct whole *x, uint32_t choice)
{
    bool any = false;

    for (const struct answer_block *b = x->an->blocks; b != NULL; b = b->next) {
        if (b->choice != choice || !b->is_media || !is_picture(b->mime))
            continue;
        const struct str pieces[] = DATA_URL(b->mime, answer_text(b));

        if (!any) {
            json_put_name(x->w, STR("images"));
            json_put_array(x->w);
        }
        any = true;
        json_put_object(x->w);
        json_put_member(x->w, "type", STR("image_url"));
        json_put_name(x->w, STR("image_url"));
        json_put_object(x->w);
        json_put_name(x->w, STR("url"));
        json_put_insides(x->w, pieces, COUNT(pieces));
        json_put_end(x->w);
        json_put_end(x->w);
    }
    if (any)
        json_put_end(x->w);
}

/* Content with pictures as markdown among the texts. */
static void put_content(struct whole *x, uint32_t choice)
{
    struct str *pieces;
    size_t count = 0, room = 1;

    for (const struct answer_block *b = x->an->blocks; b != NULL; b = b->next)
        room += 6;
    pieces = arena_array(x->a, struct str, room);
    for (const struct answer_block *b = x->an->blocks; b != NULL; b = b->next) {
        if (is_kind(b, choice, BLOCK_TEXT)) {
            pieces[count++] = answer_text(b).escaped;
        } else if (x->o->image_markdown && b->choice == choice && b->is_media &&
                   is_picture(b->mime)) {
            const struct str url[] = DATA_URL(b->mime, answer_text(b));

            pieces[count++] = STR("![image](");
            memcpy(&pieces[count], url, sizeof(url));
            count += COUNT(url);
            pieces[count++] = STR(")");
        }
    }
    json_put_name(x->w, STR("content"));
    if (count == 0 && has_calls(x->an, choice))
        json_put_null(x->w);
    else
        json_put_insides(x->w, pieces, count);
}

static void put_message(struct whole *x, uint32_t choice)
{
    json_put_name(x->w, STR("message"));
    json_put_object(x->w);
    json_put_member(x->w, "role", STR("assistant"));
    put_content(x, choice);
    if (!put_blocks(x, "refusal", choice, BLOCK_REFUSAL, STR(""), STR("")))
        json_put_member_null(x->w, "refusal");
    if (x->o->show_thinking)
        (void)put_blocks(x, "reasoning_content", choice, BLOCK_THINKING, STR(""), STR("\\n\\n"));
    for (const struct answer_block *b = x->an->blocks; b != NULL; b = b->next)
        if (b->choice == choice && b->sig.signer == SIGNER_OTHER) {
            json_put_name(x->w, STR("reasoning_opaque"));
            json_put_inside(x->w, signature_wrap(&b->sig, WIRE_OPENAI_CHAT, x->a).escaped);
            break;
        }
    put_calls(x, choice);
    put_notes(x, choice);
    put_images(x, choice);
    json_put_end(x->w);
}

static bool is_refused(const struct canon_answer *an, uint32_t choice)
{
    for (const struct answer_block *b = an->blocks; b != NULL; b = b->next)
        if (is_kind(b, choice, BLOCK_REFUSAL))
            return true;
    return false;
}

static void put_choice(struct whole *x, uint32_t choice)
{
    const struct canon_request *r = x->o->request;
    const struct answer_form form = answer_form_of(r);

    json_put_object(x->w);
    if (r->legacy) {
        if (!put_blocks(x, "text", choice, BLOCK_TEXT, chat_prompt(r).escaped, STR("")))
            json_put_member(x->w, "text", STR(""));
        json_put_member_i64(x->w, "index", choice);
    } else {
        json_put_member_i64(x->w, "index", choice);
        put_message(x, choice);
    }
    json_put_member_null(x->w, "logprobs");
    json_put_member(x->w, "finish_reason",
                    chat_reason(x->an->choices[choice].cause, is_refused(x->an, choice), &form));
    json_put_end(x->w);
}

bool chat_put_whole(const struct canon_answer *an, const struct encode_options *o,
                    struct arena *scratch, struct buf *out)
{
    const struct canon_request *r = o->request;
    struct json_writer w = json_writer(out);
    struct whole x = { an, o, scratch, &w };

    json_put_object(&w);
    json_put_name(&w, STR("id"));
    json_put_insides(&w, (struct str[]){ r->legacy ? STR("cmpl-") : STR("chatcmpl-"), o->id }, 2);
    json_put_member(&w, "object", r->legacy ? STR("text_completion") : STR("chat.completion"));
    json_put_member_i64(&w, "created", o->created_unix_s);
    json_put_member(&w, "model", o->model);
    json_put_name(&w, STR("choices"));
    json_put_array(&w);
    for (uint32_t i = 0; i < an->choice_count; i++)
        put_choice(&x, i);
    json_put_end(&w);
    if (usage_is_known(&an->usage)) {
        json_put_name(&w, STR("usage"));
        chat_put_usage(&w, &an->usage);
    }
    json_put_end(&w);
    return json_written(&w);
}
