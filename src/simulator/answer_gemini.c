/* simulator/answer_gemini.c - GenerateContentResponse objects, whole or as chunks; for Cloud Code
 * in a wrapper with a traceId. */
#include "base/json_write.h"
#include "simulator/answer.h"

struct gemini {
    struct reply *r;
    const struct plan *p;
    struct arena *arena;
    struct str signature; /* rides on the next part that is no thought */
    int64_t said_bytes, thought_bytes, tool_tokens;
};

static const char *finish_name(const struct plan *p)
{
    switch (p->finish) {
    case FINISH_STOP:
    case FINISH_SEQUENCE:
    case FINISH_TOOLS:
        return "STOP";
    case FINISH_LENGTH:
        return "MAX_TOKENS";
    case FINISH_REFUSED:
    case FINISH_BLOCKED:
        return "SAFETY";
    }
    return "STOP";
}

/* Thoughts stand beside the candidates' tokens, not in them. Zero counts are left out. */
static void usage_put(struct json_writer *w, const struct plan *p, int64_t said, int64_t thoughts)
{
    const struct plan_usage *u = &p->usage;

    if (p->usage_off)
        return;
    json_put_key(w, STR("usageMetadata"));
    json_put_object(w);
    json_put_member_i64(w, "promptTokenCount", u->prompt);
    if (u->cached > 0)
        json_put_member_i64(w, "cachedContentTokenCount", u->cached);
    json_put_member_i64(w, "candidatesTokenCount", said);
    if (thoughts > 0)
        json_put_member_i64(w, "thoughtsTokenCount", thoughts);
    json_put_member_i64(w, "totalTokenCount", u->prompt + said + thoughts);
    json_put_key(w, STR("promptTokensDetails"));
    json_put_array(w);
    json_put_object(w);
    json_put_member(w, "modality", STR("TEXT"));
    json_put_member_i64(w, "tokenCount", u->prompt);
    json_put_end(w);
    json_put_end(w);
    json_put_end(w);
}

static bool is_wrapped(const struct plan *p)
{
    return p->ask->wire == WIRE_CLOUDCODE;
}

static void head_put(struct json_writer *w, const struct plan *p)
{
    json_put_object(w);
    if (!is_wrapped(p))
        return;
    json_put_key(w, STR("response"));
    json_put_object(w);
}

static void tail_put(struct json_writer *w, const struct plan *p)
{
    json_put_member(w, "modelVersion", p->model);
    if (is_wrapped(p)) {
        json_put_end(w);
        json_put_member(w, "traceId", p->id);
    } else {
        json_put_member(w, "responseId", p->id);
    }
    json_put_end(w);
}

static void signature_put(struct gemini *g, struct json_writer *w)
{
    if (g->signature.len > 0)
        json_put_member(w, "thoughtSignature", g->signature);
    g->signature = STR("");
}

static void call_put(struct gemini *g, struct json_writer *w, const struct part *part)
{
    struct json doc;

    json_put_object(w);
    json_put_key(w, STR("functionCall"));
    json_put_object(w);
    if (!g->p->ids_off)
        json_put_member(w, "id", part->id);
    json_put_member(w, "name", part->name);
    if (json_parse(&doc, part->text, NULL, g->arena, NULL) && json_type(&doc, 0) == JSON_OBJECT)
        json_put_member_raw(w, "args", part->text);
    else
        json_put_member_raw(w, "args", STR("{}"));
    json_put_end(w);
    signature_put(g, w);
    json_put_end(w);
}

/* One part object; `text` is all of it, or the next piece. */
static void part_put(struct gemini *g, struct json_writer *w, const struct part *part,
                     struct str text)
{
    if (part->kind == PART_TOOL) {
        call_put(g, w, part);
        return;
    }
    json_put_object(w);
    if (part->kind == PART_IMAGE) {
        json_put_key(w, STR("inlineData"));
        json_put_object(w);
        json_put_member(w, "mimeType", STR("image/png"));
        json_put_member(w, "data", text);
        json_put_end(w);
    } else {
        json_put_member(w, "text", text);
    }
    if (part->kind == PART_THINK)
        json_put_member_bool(w, "thought", true);
    else
        signature_put(g, w);
    json_put_end(w);
}

static void candidate_open(struct json_writer *w, const struct plan *p)
{
    head_put(w, p);
    json_put_key(w, STR("candidates"));
    json_put_array(w);
    json_put_object(w);
    json_put_key(w, STR("content"));
    json_put_object(w);
    json_put_member(w, "role", STR("model"));
    json_put_key(w, STR("parts"));
    json_put_array(w);
}

/* Behind the last part. */
static void candidate_close(struct json_writer *w, const struct plan *p, bool last)
{
    json_put_end(w);
    json_put_end(w);
    if (last)
        json_put_member(w, "finishReason", str_c(finish_name(p)));
    json_put_member_i64(w, "index", 0);
    if (last && p->finish == FINISH_REFUSED) {
        json_put_key(w, STR("safetyRatings"));
        json_put_array(w);
        json_put_object(w);
        json_put_member(w, "category", STR("HARM_CATEGORY_DANGEROUS_CONTENT"));
        json_put_member(w, "probability", STR("HIGH"));
        json_put_member_bool(w, "blocked", true);
        json_put_end(w);
        json_put_end(w);
    }
    json_put_end(w);
    json_put_end(w);
}

static void blocked_put(struct json_writer *w, const struct plan *p)
{
    head_put(w, p);
    json_put_key(w, STR("promptFeedback"));
    json_put_object(w);
    json_put_member(w, "blockReason", STR("SAFETY"));
    json_put_end(w);
    usage_put(w, p, 0, 0);
    tail_put(w, p);
}

/* A call whose arguments were cut is left out: half of one cannot be said here. */
static bool part_is_said(const struct part *part)
{
    return part->kind != PART_TOOL || !part->partial;
}

/* --- a stream ------------------------------------------------------------------------------------
 */

/* Counts what a chunk says, so that its usage is the sum so far. */
static void piece_count(struct gemini *g, const struct part *part, struct str piece)
{
    if (part->kind == PART_THINK)
        g->thought_bytes += (int64_t)piece.len;
    else if (part->kind == PART_TOOL)
        g->tool_tokens += plan_tokens(piece);
    else if (part->kind == PART_IMAGE)
        g->tool_tokens += ASK_MEDIA_TOKENS;
    else
        g->said_bytes += (int64_t)piece.len;
}

static void chunk_stream(struct gemini *g, const struct part *part, struct str piece)
{
    struct json_writer w;

    piece_count(g, part, piece);
    reply_open(g->r, STR(""));
    w = json_writer(&g->r->body);
    candidate_open(&w, g->p);
    part_put(g, &w, part, piece);
    candidate_close(&w, g->p, false);
    usage_put(&w, g->p, (g->said_bytes + 3) / 4 + g->tool_tokens, (g->thought_bytes + 3) / 4);
    tail_put(&w, g->p);
    g->r->full |= !json_written(&w);
    reply_close(g->r, EVENT_CONTENT);
}

/* The last chunk brings the reason, on an empty text: some clients fail without any part. */
static void finish_stream(struct gemini *g)
{
    const struct plan_usage *u = &g->p->usage;
    struct json_writer w;

    reply_open(g->r, STR(""));
    w = json_writer(&g->r->body);
    if (g->p->finish == FINISH_BLOCKED) {
        blocked_put(&w, g->p);
    } else {
        candidate_open(&w, g->p);
        part_put(g, &w, &(struct part){ .kind = PART_TEXT }, STR(""));
        candidate_close(&w, g->p, true);
        usage_put(&w, g->p, u->output - u->thoughts, u->thoughts);
        tail_put(&w, g->p);
    }
    g->r->full |= !json_written(&w);
    reply_close(g->r, EVENT_FINISH);
}

static void gemini_stream(struct gemini *g)
{
    for (uint32_t i = 0; i < g->p->part_count; i++) {
        const struct part *part = &g->p->parts[i];
        struct str rest = part->text;

        if (!part_is_said(part))
            continue;
        if (part->kind == PART_TOOL || part->kind == PART_IMAGE) {
            chunk_stream(g, part, rest);
            continue;
        }
        while (rest.len > 0) {
            struct str piece = plan_piece(&rest, g->p->chunk);

            chunk_stream(g, part, piece);
        }
        if (part->kind == PART_THINK)
            g->signature = part->signature;
    }
    finish_stream(g);
    if (!g->r->array)
        return;
    reply_put(g->r, STR("]"));
    reply_mark(g->r, EVENT_LAST);
}

/* --- whole ---------------------------------------------------------------------------------------
 */

static void gemini_whole(struct gemini *g)
{
    const struct plan_usage *u = &g->p->usage;
    struct json_writer w = json_writer(&g->r->body);

    if (g->p->finish == FINISH_BLOCKED) {
        blocked_put(&w, g->p);
    } else {
        candidate_open(&w, g->p);
        for (uint32_t i = 0; i < g->p->part_count; i++) {
            const struct part *part = &g->p->parts[i];

            if (part_is_said(part))
                part_put(g, &w, part, part->text);
            if (part->kind == PART_THINK)
                g->signature = part->signature;
        }
        if (g->p->part_count == 0 || g->signature.len > 0)
            part_put(g, &w, &(struct part){ .kind = PART_TEXT }, STR(""));
        candidate_close(&w, g->p, true);
        usage_put(&w, g->p, u->output - u->thoughts, u->thoughts);
        tail_put(&w, g->p);
    }
    g->r->full |= !json_written(&w);
}

void answer_gemini(struct reply *r, const struct plan *p, struct arena *a)
{
    struct gemini g = { .r = r, .p = p, .arena = a };

    if (p->ask->stream)
        gemini_stream(&g);
    else
        gemini_whole(&g);
}
