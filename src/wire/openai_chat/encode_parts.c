/* wire/openai_chat/encode_parts.c - what streams and whole answers have in common. */
#include "wire/openai_chat/chat_encode.h"

struct str chat_reason(enum stop_cause cause, bool refused, const struct answer_form *f)
{
    switch (cause) {
    case STOP_LENGTH:
    case STOP_CONTEXT_FULL:
        return STR("length");
    case STOP_TOOL_USE:
        return f->legacy ? STR("stop") : f->functions ? STR("function_call") : STR("tool_calls");
    case STOP_FILTER:
    case STOP_RECITATION:
        return STR("content_filter");
    case STOP_REFUSAL: /* the model says so in a field of its own, or was stopped */
        return refused ? STR("stop") : STR("content_filter");
    case STOP_NONE:
    case STOP_DONE:
    case STOP_SEQUENCE:
    case STOP_PAUSE:
    case STOP_BAD_TOOL_CALL:
    case STOP_IMAGE_FAIL:
    case STOP_OTHER:
        break;
    }
    return STR("stop");
}

static int64_t known(int64_t n)
{
    return n < 0 ? 0 : n;
}

void chat_put_usage(struct json_writer *w, const struct usage *u)
{
    int64_t in = known(u->in), out = known(u->out), total;

    if (__builtin_add_overflow(in, out, &total))
        total = INT64_MAX;
    json_put_object(w);
    json_put_member_i64(w, "prompt_tokens", in);
    json_put_member_i64(w, "completion_tokens", out);
    json_put_member_i64(w, "total_tokens", total);
    json_put_name(w, STR("prompt_tokens_details"));
    json_put_object(w);
    json_put_member_i64(w, "cached_tokens", known(u->cache_read));
    if (u->cache_write > 0)
        json_put_member_i64(w, "cache_write_tokens", u->cache_write);
    json_put_end(w);
    json_put_name(w, STR("completion_tokens_details"));
    json_put_object(w);
    json_put_member_i64(w, "reasoning_tokens", known(u->reasoning));
    json_put_end(w);
    json_put_end(w);
}

bool chat_is_custom(const struct tool *tools, struct str name)
{
    for (const struct tool *t = tools; t != NULL; t = t->next)
        if (t->custom && str_eq(t->name, name))
            return true;
    return false;
}

void chat_put_note(struct json_writer *w, const struct canon_note *note, int64_t begin, int64_t end)
{
    bool exact = note->start >= 0 && note->end <= INT32_MAX; /* else it is all of the block */

    json_put_object(w);
    json_put_member(w, "type", STR("url_citation"));
    json_put_name(w, STR("url_citation"));
    json_put_object(w);
    json_put_member_i64(w, "start_index", exact ? begin + note->start : begin);
    json_put_member_i64(w, "end_index", exact ? begin + note->end : end);
    json_put_member(w, "title", note->title);
    json_put_member(w, "url", note->url);
    json_put_end(w);
    json_put_end(w);
}

struct text chat_prompt(const struct canon_request *r)
{
    return r->echo && r->messages != NULL && r->messages->parts != NULL ? r->messages->parts->text
                                                                        : TEXT_EMPTY;
}
