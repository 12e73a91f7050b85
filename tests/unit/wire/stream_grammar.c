#include "stream_grammar.h"

#include "base/json.h"

enum { CHOICES = 128 };

struct reader {
    const struct grammar_options *o;
    struct seen_stream *seen;
    struct arena *a;
    struct json doc; /* the event at hand */
    const char *broken;
    struct buf text, thinking, refusal, order;
    struct buf arguments[SEEN_CALLS_MAX];
    bool ended;
    /* openai-chat */
    struct str id, model;
    int64_t created;
    struct {
        bool begun, finished, tool_open;
        uint32_t calls;
    } choices[CHOICES];
    uint32_t choice_count;
    bool usage_chunk;
    /* openai-responses */
    int64_t sequence;
    struct str item_id, item_type;
    struct buf part_text;
    bool item_open, part_open, created_seen, summary_open;
    int64_t output_index;
    struct buf items; /* the finished ones as they were said, to compare with the last event */
    /* anthropic */
    int64_t block;
    bool block_open, message_open, delta_seen;
    struct str block_type;
    bool tool_block;
};

static bool breaks(struct reader *r, const char *rule)
{
    if (r->broken == NULL)
        r->broken = rule;
    return false;
}

/* A rule that servers of the protocol are known to break, and their clients to bear: it binds what
 * is made here. */
static bool breaks_ours(struct reader *r, const char *rule)
{
    return r->o->passed || breaks(r, rule);
}

/* --- reading JSON -----------------------------------------------------------------------------*/

static uint32_t member(struct reader *r, uint32_t node, const char *name)
{
    if (node == JSON_NONE || json_type(&r->doc, node) != JSON_OBJECT)
        return JSON_NONE;
    bool twice;
    uint32_t found = json_member(&r->doc, node, str_c(name), &twice);

    if (twice && node == 0) /* deeper may be what the provider's own tools said, as it came */
        breaks(r, "a member stands there twice");
    return found;
}

static bool is(struct reader *r, uint32_t node, enum json_type type)
{
    return node != JSON_NONE && json_type(&r->doc, node) == type;
}

static bool is_null(struct reader *r, uint32_t node)
{
    return node == JSON_NONE || json_type(&r->doc, node) == JSON_NULL;
}

static struct str string(struct reader *r, uint32_t node, const char *name)
{
    struct str out = STR("");
    uint32_t at = member(r, node, name);

    if (at != JSON_NONE)
        (void)json_text(&r->doc, at, r->a, &out);
    return out;
}

static int64_t number(struct reader *r, uint32_t node, const char *name)
{
    int64_t n = -1;
    uint32_t at = member(r, node, name);

    if (at != JSON_NONE && !json_i64(&r->doc, at, &n))
        n = -1;
    return n;
}

static bool says(struct reader *r, uint32_t node, const char *name, const char *word)
{
    uint32_t at = member(r, node, name);

    return is(r, at, JSON_STRING) && json_says(&r->doc, at, str_c(word));
}

static void add(struct reader *r, struct buf *to, struct str text)
{
    (void)r;
    (void)buf_add(to, text);
}

static void mark(struct reader *r, char what)
{
    if (r->order.len == 0 || r->order.at[r->order.len - 1] != what || what == 'C')
        (void)buf_add_char(&r->order, what);
}

static void new_call(struct reader *r, struct str id, struct str name, bool custom)
{
    struct seen_stream *s = r->seen;

    mark(r, 'C');
    for (uint32_t i = 0; i < s->call_count && i < SEEN_CALLS_MAX; i++)
        if (id.len > 0 && str_eq(s->calls[i].id, id))
            breaks(r, "two calls have one id");
    if (s->call_count < SEEN_CALLS_MAX)
        s->calls[s->call_count] = (struct seen_call){ .id = id, .name = name, .custom = custom };
    s->call_count++;
}

static void add_arguments(struct reader *r, struct str text)
{
    uint32_t n = r->seen->call_count;

    if (n > 0 && n <= SEEN_CALLS_MAX)
        add(r, &r->arguments[n - 1], text);
}

static bool word_chars(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_' || c == '-'))
            return false;
    }
    return s.len > 0;
}

static void set_usage(struct reader *r, int64_t in, int64_t out, int64_t cached, int64_t thought)
{
    struct seen_stream *s = r->seen;

    if (in < 0 || out < 0 || cached > in || thought > out)
        breaks(r, "usage that cannot be");
    s->in = in;
    s->out = out;
    s->cached = cached > 0 ? cached : 0;
    s->thought = thought > 0 ? thought : 0;
}

/* --- openai-chat ------------------------------------------------------------------------------*/

static void chat_usage(struct reader *r, uint32_t usage)
{
    int64_t in = number(r, usage, "prompt_tokens"), out = number(r, usage, "completion_tokens");

    if (number(r, usage, "total_tokens") != in + out)
        breaks(r, "chat: the total is not the sum");
    set_usage(r, in, out, number(r, member(r, usage, "prompt_tokens_details"), "cached_tokens"),
              number(r, member(r, usage, "completion_tokens_details"), "reasoning_tokens"));
}

static void chat_call(struct reader *r, uint32_t call, int64_t choice)
{
    uint32_t *count = &r->choices[choice].calls;
    int64_t index = number(r, call, "index");
    struct str id = string(r, call, "id");
    uint32_t function = member(r, call, "function"), custom = member(r, call, "custom");
    uint32_t body = function != JSON_NONE ? function : custom;
    struct str text = string(r, body, function != JSON_NONE ? "arguments" : "input");

    if (index == *count) {
        struct str name = string(r, body, "name");

        if (id.len == 0 || name.len == 0 || string(r, call, "type").len == 0)
            breaks(r, "chat: the first piece of a call has no id, type or name");
        (*count)++;
        if (choice == 0)
            new_call(r, id, name, custom != JSON_NONE);
    } else if (index + 1 != *count) {
        breaks(r, "chat: calls are not in order");
    } else if (id.len > 0 || string(r, body, "name").len > 0) {
        breaks(r, "chat: a later piece of a call names it again");
    }
    if (choice == 0)
        add_arguments(r, text);
}

static void chat_delta(struct reader *r, uint32_t delta, int64_t index)
{
    bool first = !r->choices[index].begun;
    struct str content = string(r, delta, "content"),
               thinking = string(r, delta, "reasoning_content"),
               refusal = string(r, delta, "refusal");
    uint32_t calls = member(r, delta, "tool_calls"), old = member(r, delta, "function_call"),
             images = member(r, delta, "images");

    r->choices[index].begun = true;
    if (first != says(r, delta, "role", "assistant"))
        breaks_ours(r, "chat: the role is said in the first chunk of a choice, and only there");
    if (is(r, images, JSON_ARRAY) && index == 0)
        r->seen->images += r->doc.nodes[images].count;
    if (index == 0 && thinking.len > 0) {
        mark(r, 'K');
        add(r, &r->thinking, thinking);
    }
    if (index == 0 && content.len > 0) {
        mark(r, 'T');
        add(r, &r->text, content);
    }
    if (index == 0 && refusal.len > 0) {
        mark(r, 'R');
        add(r, &r->refusal, refusal);
    }
    if (is(r, calls, JSON_ARRAY))
        for (uint32_t i = json_first(&r->doc, calls); i != JSON_NONE;
             i = json_after(&r->doc, calls, i))
            chat_call(r, i, index);
    if (is(r, old, JSON_OBJECT) && index == 0) {
        struct str name = string(r, old, "name");

        if (!r->o->functions)
            breaks(r, "chat: function_call for a client that has tools");
        if (name.len > 0)
            new_call(r, STR(""), name, false);
        add_arguments(r, string(r, old, "arguments"));
    }
}

static void chat_choice(struct reader *r, uint32_t choice)
{
    int64_t index = number(r, choice, "index");
    uint32_t finish = member(r, choice, "finish_reason"), delta = member(r, choice, "delta");

    if (index < 0 || index >= CHOICES) {
        breaks(r, "chat: a choice without its index");
        return;
    }
    if ((uint32_t)index >= r->choice_count)
        r->choice_count = (uint32_t)index + 1;
    if (r->choices[index].finished)
        breaks(r, "chat: a choice goes on behind its finish");
    if (r->o->legacy) {
        r->choices[index].begun = true;
        if (index == 0 && string(r, choice, "text").len > 0) {
            mark(r, 'T');
            add(r, &r->text, string(r, choice, "text"));
        }
    } else if (!is(r, delta, JSON_OBJECT)) {
        breaks(r, "chat: a choice without a delta");
    } else {
        chat_delta(r, delta, index);
    }
    if (finish == JSON_NONE)
        breaks_ours(r, "chat: a choice without finish_reason");
    if (is(r, finish, JSON_STRING)) {
        r->choices[index].finished = true;
        if (index == 0)
            r->seen->finish = string(r, choice, "finish_reason");
    }
}

static void chat_end(struct reader *r)
{
    for (uint32_t i = 0; i < r->choice_count; i++)
        if (r->choices[i].begun && !r->choices[i].finished)
            breaks(r, "chat: [DONE] before each choice has finished");
    if (r->choice_count == 0)
        breaks(r, "chat: [DONE] without a choice");
    if (r->o->wants_usage && !r->usage_chunk)
        breaks(r, "chat: no usage chunk, though it was asked for");
    r->seen->end = SEEN_DONE;
    r->ended = true;
}

static void chat_event(struct reader *r, struct str name)
{
    uint32_t choices = member(r, 0, "choices"), usage = member(r, 0, "usage");
    const char *object = r->o->legacy ? "text_completion" : "chat.completion.chunk";
    struct str id = string(r, 0, "id"), model = string(r, 0, "model");

    if (name.len > 0)
        breaks(r, "chat: an event has a name");
    if (is(r, member(r, 0, "error"), JSON_OBJECT)) {
        if (string(r, member(r, 0, "error"), "message").len == 0)
            breaks(r, "chat: an error without message");
        r->seen->end = SEEN_ERROR;
        r->ended = true;
        return;
    }
    if (!says(r, 0, "object", object))
        breaks_ours(r, "chat: object is another one");
    if (r->id.len == 0) {
        r->id = arena_copy(r->a, id);
        r->model = arena_copy(r->a, model);
        r->created = number(r, 0, "created");
        if (!str_starts(id, r->o->legacy ? STR("cmpl-") : STR("chatcmpl-")) || r->created < 0)
            breaks_ours(r, "chat: id or created is missing");
    } else if (!str_eq(r->id, id) || !str_eq(r->model, model) ||
               r->created != number(r, 0, "created")) {
        breaks(r, "chat: id, model or created changes");
    }
    if (!is(r, choices, JSON_ARRAY)) {
        breaks(r, "chat: no choices");
        return;
    }
    if (r->usage_chunk)
        breaks(r, "chat: something behind the usage chunk");
    if (r->doc.nodes[choices].count == 0) {
        r->usage_chunk = true;
        if (!is(r, usage, JSON_OBJECT) || !r->o->wants_usage)
            breaks(r, "chat: a chunk without choices that is no usage asked for");
        else
            chat_usage(r, usage);
        return;
    }
    if (r->o->wants_usage ? !is(r, usage, JSON_NULL) : usage != JSON_NONE)
        breaks_ours(r, "chat: usage is null in each chunk if it was asked for, else absent");
    for (uint32_t i = json_first(&r->doc, choices); i != JSON_NONE;
         i = json_after(&r->doc, choices, i))
        chat_choice(r, i);
}

/* --- openai-responses -------------------------------------------------------------------------*/

static void responses_usage(struct reader *r, uint32_t response)
{
    uint32_t usage = member(r, response, "usage");
    int64_t in = number(r, usage, "input_tokens"), out = number(r, usage, "output_tokens");
    int64_t cached = number(r, member(r, usage, "input_tokens_details"), "cached_tokens");
    int64_t thought = number(r, member(r, usage, "output_tokens_details"), "reasoning_tokens");

    if (usage == JSON_NONE)
        breaks(r, "responses: the last event has no usage, not even null");
    if (is_null(r, usage))
        return;
    if (number(r, usage, "total_tokens") != in + out)
        breaks(r, "responses: the total is not the sum");
    if (cached < 0 || thought < 0)
        breaks_ours(r, "responses: details of usage are missing");
    set_usage(r, in, out, cached, thought);
}

static void item_added(struct reader *r, uint32_t item)
{
    static const struct {
        const char *type, *front;
    } fronts[] = { { "message", "msg_" },
                   { "reasoning", "rs_" },
                   { "function_call", "fc_" },
                   { "custom_tool_call", "ctc_" } };

    if (r->item_open)
        breaks(r, "responses: an item is added while another is open");
    if (number(r, 0, "output_index") != r->output_index)
        breaks(r, "responses: output_index is not the next one");
    r->item_open = true;
    r->item_id = arena_copy(r->a, string(r, item, "id"));
    r->item_type = arena_copy(r->a, string(r, item, "type"));
    /* the results of a provider's own tools are passed on as they came, with an id or without */
    for (size_t i = 0; i < COUNT(fronts); i++)
        if (str_eq(r->item_type, str_c(fronts[i].type)) &&
            !str_starts(r->item_id, str_c(fronts[i].front)))
            breaks_ours(r, "responses: an item's id does not begin as its type wants");
    if (str_eq(r->item_type, STR("function_call")) ||
        str_eq(r->item_type, STR("custom_tool_call"))) {
        struct str call = string(r, item, "call_id"), name = string(r, item, "name");

        if (call.len == 0 || name.len == 0)
            breaks(r, "responses: a call without call_id or name");
        new_call(r, call, name, str_eq(r->item_type, STR("custom_tool_call")));
    }
    r->part_text.len = 0;
}

static void item_done(struct reader *r, uint32_t item)
{
    uint32_t n = r->seen->call_count;

    if (!r->item_open || r->part_open || r->summary_open)
        breaks(r, "responses: an item is done that is not open, or a part of it still is");
    if (number(r, 0, "output_index") != r->output_index ||
        !str_eq(string(r, item, "id"), r->item_id) ||
        !str_eq(string(r, item, "type"), r->item_type))
        breaks(r, "responses: the item that is done is another one");
    if (str_eq(r->item_type, STR("function_call")) && n > 0 && n <= SEEN_CALLS_MAX &&
        !str_eq(string(r, item, "arguments"), buf_str(&r->arguments[n - 1])))
        breaks(r, "responses: arguments of the whole item differ from their pieces");
    if (str_eq(r->item_type, STR("message")) && !is(r, member(r, item, "content"), JSON_ARRAY))
        breaks(r, "responses: a message without content");
    if (str_eq(r->item_type, STR("reasoning")) && string(r, item, "encrypted_content").len > 0)
        r->seen->signatures++;
    if (str_eq(r->item_type, STR("image_generation_call")))
        r->seen->images++;
    r->item_open = false;
    r->output_index++;
    add(r, &r->items, r->items.len > 0 ? STR(",") : STR(""));
    add(r, &r->items, json_raw(&r->doc, item));
}

static void responses_last(struct reader *r, const char *status)
{
    uint32_t response = member(r, 0, "response"), output = member(r, response, "output");

    if (r->item_open)
        breaks(r, "responses: the last event comes while an item is open");
    if (!says(r, response, "status", status))
        breaks(r, "responses: status and the last event differ");
    if (!is(r, output, JSON_ARRAY)) {
        breaks(r, "responses: the last event has no output");
    } else {
        struct str raw = json_raw(&r->doc, output);

        if (!str_eq(str_drop(str_drop_last(raw, 1), 1), buf_str(&r->items)))
            breaks_ours(r, "responses: the output differs from the items that were done");
    }
    responses_usage(r, response);
    r->seen->finish = strcmp(status, "completed") == 0
                          ? STR("completed")
                          : string(r, member(r, response, "incomplete_details"), "reason");
    r->seen->end = SEEN_DONE;
    r->ended = true;
}

static void responses_text(struct reader *r, struct str type, char what, struct buf *whole)
{
    struct str delta = string(r, 0, "delta");

    if (!r->item_open || !str_eq(string(r, 0, "item_id"), r->item_id) ||
        number(r, 0, "output_index") != r->output_index)
        breaks(r, "responses: a delta of an item that is not open");
    if (str_ends(type, STR(".delta"))) {
        if (delta.len > 0)
            mark(r, what);
        add(r, whole, delta);
        add(r, &r->part_text, delta);
    }
}

/* A part is opened, grows, is said whole, is closed. */
static bool responses_part(struct reader *r, struct str type)
{
    uint32_t part = member(r, 0, "part");

    if (part != JSON_NONE && (!r->item_open || !str_eq(string(r, 0, "item_id"), r->item_id) ||
                              number(r, 0, "output_index") != r->output_index))
        breaks(r, "responses: a part of an item that is not open");
    if (str_eq(type, STR("response.content_part.added"))) {
        if (!r->item_open || r->part_open)
            breaks(r, "responses: a part is added where none may be");
        r->part_open = true;
        r->part_text.len = 0;
        return true;
    }
    if (str_eq(type, STR("response.content_part.done"))) {
        struct str text = string(r, part, says(r, part, "type", "refusal") ? "refusal" : "text");

        if (!r->part_open || !str_eq(text, buf_str(&r->part_text)))
            breaks(r, "responses: the text of a part differs from its pieces");
        r->part_open = false;
        return true;
    }
    if (str_eq(type, STR("response.reasoning_summary_part.added"))) {
        if (!r->item_open || r->summary_open || !str_eq(r->item_type, STR("reasoning")))
            breaks(r, "responses: a summary part is added where none may be");
        r->summary_open = true;
        r->part_text.len = 0;
        return true;
    }
    if (str_eq(type, STR("response.reasoning_summary_part.done"))) {
        if (!r->summary_open || !str_eq(string(r, part, "text"), buf_str(&r->part_text)))
            breaks(r, "responses: a summary differs from its pieces");
        r->summary_open = false;
        return true;
    }
    return false;
}

static void responses_event(struct reader *r, struct str name)
{
    struct str type = string(r, 0, "type");

    if (r->o->passed && str_starts(type, STR("codex.")))
        return; /* the backend's own, between the others */
    if (!str_eq(name, type))
        breaks(r, "responses: the event's name is not its type");
    if (number(r, 0, "sequence_number") != r->sequence++)
        breaks(r, "responses: sequence_number is not the next one");
    if (str_eq(type, STR("error")) || str_eq(type, STR("response.failed"))) {
        r->seen->end = SEEN_ERROR;
        r->ended = true;
        return;
    }
    if (r->sequence == 1 && !str_eq(type, STR("response.created")))
        breaks(r, "responses: the first event is not response.created");
    if (str_eq(type, STR("response.created"))) {
        if (r->created_seen || !str_starts(string(r, member(r, 0, "response"), "id"), STR("resp_")))
            breaks(r, "responses: response.created twice, or without an id");
        r->created_seen = true;
    } else if (str_eq(type, STR("response.output_item.added"))) {
        item_added(r, member(r, 0, "item"));
    } else if (str_eq(type, STR("response.output_item.done"))) {
        item_done(r, member(r, 0, "item"));
    } else if (responses_part(r, type)) {
        /* done there */
    } else if (str_starts(type, STR("response.output_text.annotation"))) {
        if (!r->part_open)
            breaks(r, "responses: an annotation outside of a part");
    } else if (str_starts(type, STR("response.output_text."))) {
        responses_text(r, type, 'T', &r->text);
    } else if (str_starts(type, STR("response.refusal."))) {
        responses_text(r, type, 'R', &r->refusal);
    } else if (str_starts(type, STR("response.reasoning_summary_text.")) ||
               str_starts(type, STR("response.reasoning_text."))) {
        responses_text(r, type, 'K', &r->thinking);
    } else if (str_eq(type, STR("response.function_call_arguments.delta")) ||
               str_eq(type, STR("response.custom_tool_call_input.delta"))) {
        if (!r->item_open || !str_eq(string(r, 0, "item_id"), r->item_id))
            breaks(r, "responses: arguments of a call that is not open");
        add_arguments(r, string(r, 0, "delta"));
    } else if (str_eq(type, STR("response.completed"))) {
        responses_last(r, "completed");
    } else if (str_eq(type, STR("response.incomplete"))) {
        responses_last(r, "incomplete");
    }
}

/* --- anthropic --------------------------------------------------------------------------------*/

static void anthropic_block(struct reader *r)
{
    uint32_t block = member(r, 0, "content_block");

    if (r->block_open || !r->message_open || r->delta_seen)
        breaks(r, "anthropic: a block begins where none may");
    if (number(r, 0, "index") != r->block)
        breaks(r, "anthropic: the index of a block is not the next one");
    r->block_open = true;
    r->block_type = arena_copy(r->a, string(r, block, "type"));
    if (str_eq(r->block_type, STR("tool_use"))) {
        struct str id = string(r, block, "id"), name = string(r, block, "name");

        if (!word_chars(id) || name.len == 0)
            breaks(r, "anthropic: a call without a name, or with an id that may not be");
        if (!is(r, member(r, block, "input"), JSON_OBJECT))
            breaks(r, "anthropic: the input of a call is no object");
        r->tool_block = true;
        new_call(r, id, name, false);
    } else if (str_eq(r->block_type, STR("redacted_thinking"))) {
        if (string(r, block, "data").len == 0)
            breaks(r, "anthropic: redacted thinking without data");
        r->seen->signatures++;
    } else if (str_eq(r->block_type, STR("text"))) {
        if (member(r, block, "text") == JSON_NONE)
            breaks(r, "anthropic: a text block without text");
    } else if (str_eq(r->block_type, STR("thinking"))) {
        if (member(r, block, "thinking") == JSON_NONE)
            breaks(r, "anthropic: a thinking block without thinking");
    } else if (r->block_type.len == 0) {
        breaks(r, "anthropic: a block without type");
    }
}

static void anthropic_delta(struct reader *r)
{
    static const struct {
        const char *delta, *block;
    } fit[] = { { "text_delta", "text" },
                { "citations_delta", "text" },
                { "thinking_delta", "thinking" },
                { "signature_delta", "thinking" } };
    uint32_t delta = member(r, 0, "delta");
    struct str type = string(r, delta, "type");
    /* blocks of the provider's own tools, of whatever name, get their input in pieces */
    bool fits = str_eq(type, STR("input_json_delta")) && !str_eq(r->block_type, STR("text")) &&
                !str_eq(r->block_type, STR("thinking")) &&
                !str_eq(r->block_type, STR("redacted_thinking"));

    for (size_t i = 0; i < COUNT(fit); i++)
        fits = fits ||
               (str_eq(type, str_c(fit[i].delta)) && str_eq(r->block_type, str_c(fit[i].block)));
    if (!r->block_open || number(r, 0, "index") != r->block || !fits)
        breaks(r, "anthropic: a delta of a block that is not open, or of another kind");
    if (str_eq(type, STR("text_delta"))) {
        mark(r, 'T');
        add(r, &r->text, string(r, delta, "text"));
    } else if (str_eq(type, STR("thinking_delta"))) {
        mark(r, 'K');
        add(r, &r->thinking, string(r, delta, "thinking"));
    } else if (str_eq(type, STR("signature_delta"))) {
        r->seen->signatures++;
    } else if (str_eq(type, STR("input_json_delta")) && str_eq(r->block_type, STR("tool_use"))) {
        add_arguments(r, string(r, delta, "partial_json"));
    }
}

static void anthropic_message_delta(struct reader *r)
{
    uint32_t usage = member(r, 0, "usage"), delta = member(r, 0, "delta");
    int64_t in = number(r, usage, "input_tokens"), out = number(r, usage, "output_tokens");
    int64_t read = number(r, usage, "cache_read_input_tokens");
    int64_t made = number(r, usage, "cache_creation_input_tokens");

    if (r->block_open)
        breaks(r, "anthropic: message_delta while a block is open");
    r->delta_seen = true;
    r->seen->finish = string(r, delta, "stop_reason");
    if (r->seen->finish.len == 0)
        breaks(r, "anthropic: message_delta without stop_reason");
    if (out < 0)
        breaks(r, "anthropic: message_delta without output_tokens");
    if (str_eq(r->seen->finish, STR("tool_use")) && !r->tool_block)
        breaks(r, "anthropic: tool_use without a call");
    if (str_eq(r->seen->finish, STR("end_turn")) && r->tool_block)
        breaks(r, "anthropic: end_turn behind a call");
    set_usage(r, (in > 0 ? in : 0) + (read > 0 ? read : 0) + (made > 0 ? made : 0), out, read,
              number(r, member(r, usage, "output_tokens_details"), "thinking_tokens"));
}

static void anthropic_event(struct reader *r, struct str name)
{
    struct str type = string(r, 0, "type");

    if (!str_eq(name, type))
        breaks(r, "anthropic: the event's name is not its type");
    if (str_eq(type, STR("error"))) {
        if (string(r, member(r, 0, "error"), "type").len == 0)
            breaks(r, "anthropic: an error without type");
        r->seen->end = SEEN_ERROR;
        r->ended = true;
    } else if (str_eq(type, STR("message_start"))) {
        uint32_t message = member(r, 0, "message"), usage = member(r, message, "usage");

        if (r->message_open)
            breaks(r, "anthropic: message_start twice");
        if (!str_starts(string(r, message, "id"), STR("msg_")) ||
            !says(r, message, "role", "assistant") || number(r, usage, "input_tokens") < 0 ||
            number(r, usage, "output_tokens") < 0)
            breaks(r, "anthropic: message_start without id, role or usage");
        r->message_open = true;
    } else if (!r->message_open && !str_eq(type, STR("ping"))) {
        breaks(r, "anthropic: something before message_start");
    } else if (str_eq(type, STR("content_block_start"))) {
        anthropic_block(r);
    } else if (str_eq(type, STR("content_block_delta"))) {
        anthropic_delta(r);
    } else if (str_eq(type, STR("content_block_stop"))) {
        if (!r->block_open || number(r, 0, "index") != r->block)
            breaks(r, "anthropic: a block stops that is not open");
        r->block_open = false;
        r->block++;
    } else if (str_eq(type, STR("message_delta"))) {
        anthropic_message_delta(r);
    } else if (str_eq(type, STR("message_stop"))) {
        if (!r->delta_seen)
            breaks(r, "anthropic: message_stop without message_delta");
        r->seen->end = SEEN_DONE;
        r->ended = true;
    } else if (!str_eq(type, STR("ping"))) {
        breaks(r, "anthropic: an event of another name");
    }
}

/* --- gemini -----------------------------------------------------------------------------------*/

static void gemini_part(struct reader *r, uint32_t part)
{
    uint32_t text = member(r, part, "text"), call = member(r, part, "functionCall");
    uint32_t data = member(r, part, "inlineData");
    uint32_t others = member(r, part, "executableCode") != JSON_NONE ||
                      member(r, part, "codeExecutionResult") != JSON_NONE ||
                      member(r, part, "toolCall") != JSON_NONE ||
                      member(r, part, "toolResponse") != JSON_NONE;

    if ((text != JSON_NONE) + (call != JSON_NONE) + (data != JSON_NONE) + (others > 0) != 1)
        breaks(r, "gemini: a part says not exactly one thing");
    if (string(r, part, "thoughtSignature").len > 0)
        r->seen->signatures++;
    if (is(r, data, JSON_OBJECT))
        r->seen->images++;
    if (is(r, call, JSON_OBJECT)) {
        uint32_t args = member(r, call, "args");

        if (string(r, call, "name").len == 0 || (args != JSON_NONE && !is(r, args, JSON_OBJECT)))
            breaks(r, "gemini: a call without name, or with args that are no object");
        new_call(r, string(r, call, "id"), string(r, call, "name"), false);
        add_arguments(r, args == JSON_NONE ? STR("{}") : json_raw(&r->doc, args));
    }
    if (is(r, text, JSON_STRING)) {
        struct str plain = string(r, part, "text");
        uint32_t thought = member(r, part, "thought");
        bool thinks = thought != JSON_NONE && json_is_true(&r->doc, thought);

        if (plain.len > 0) {
            mark(r, thinks ? 'K' : 'T');
            add(r, thinks ? &r->thinking : &r->text, plain);
        }
    }
}

static void gemini_candidate(struct reader *r, uint32_t candidate)
{
    uint32_t content = member(r, candidate, "content"), parts = member(r, content, "parts");
    uint32_t finish = member(r, candidate, "finishReason");
    int64_t index = number(r, candidate, "index");

    if (index < 0)
        index = 0;
    if (index >= CHOICES) {
        breaks(r, "gemini: the index of a candidate");
        return;
    }
    if ((uint32_t)index >= r->choice_count)
        r->choice_count = (uint32_t)index + 1;
    if (r->choices[index].finished)
        breaks(r, "gemini: a candidate goes on behind its finish");
    r->choices[index].begun = true;
    if (is(r, parts, JSON_ARRAY)) {
        if (r->doc.nodes[parts].count == 0)
            breaks_ours(r, "gemini: content without parts");
        for (uint32_t i = json_first(&r->doc, parts); i != JSON_NONE && index == 0;
             i = json_after(&r->doc, parts, i))
            gemini_part(r, i);
    } else if (content != JSON_NONE) {
        breaks_ours(r, "gemini: content without parts");
    }
    if (is(r, finish, JSON_STRING)) {
        r->choices[index].finished = true;
        if (index == 0)
            r->seen->finish = string(r, candidate, "finishReason");
    }
}

static void gemini_event(struct reader *r, struct str name)
{
    uint32_t candidates = member(r, 0, "candidates"), usage = member(r, 0, "usageMetadata");
    uint32_t feedback = member(r, 0, "promptFeedback");

    if (name.len > 0)
        breaks(r, "gemini: an event has a name");
    if (is(r, member(r, 0, "error"), JSON_OBJECT)) {
        int64_t code = number(r, member(r, 0, "error"), "code");

        if (code < 400 || code > 599)
            breaks(r, "gemini: an error whose code no SDK sees");
        r->seen->end = SEEN_ERROR;
        r->ended = true;
        return;
    }
    if (is(r, usage, JSON_OBJECT)) {
        int64_t prompt = number(r, usage, "promptTokenCount");
        int64_t made = number(r, usage, "candidatesTokenCount");
        int64_t thought = number(r, usage, "thoughtsTokenCount");
        int64_t tools = number(r, usage, "toolUsePromptTokenCount");

        prompt = (prompt > 0 ? prompt : 0) + (tools > 0 ? tools : 0);
        made = (made > 0 ? made : 0) + (thought > 0 ? thought : 0);
        if (number(r, usage, "totalTokenCount") != prompt + made)
            breaks(r, "gemini: the total is not the sum");
        set_usage(r, prompt, made, number(r, usage, "cachedContentTokenCount"), thought);
    }
    if (is(r, candidates, JSON_ARRAY))
        for (uint32_t i = json_first(&r->doc, candidates); i != JSON_NONE;
             i = json_after(&r->doc, candidates, i))
            gemini_candidate(r, i);
    else if (!is(r, feedback, JSON_OBJECT))
        breaks(r, "gemini: neither candidates nor feedback");
    bool finished = r->choice_count > 0 || is(r, feedback, JSON_OBJECT);

    for (uint32_t i = 0; i < r->choice_count; i++)
        finished = finished && (r->choices[i].finished || !r->choices[i].begun);
    r->seen->end = finished ? SEEN_DONE : SEEN_CUT;
}

/* --- frames -----------------------------------------------------------------------------------*/

static void read_data(struct reader *r, struct str name, struct str data)
{
    bool chat = r->o->protocol == WIRE_OPENAI_CHAT;

    r->seen->events++;
    if (r->ended) {
        breaks(r, "something stands behind the end");
        return;
    }
    if (chat && str_eq(data, STR("[DONE]"))) {
        chat_end(r);
        return;
    }
    if (!json_parse(&r->doc, data, NULL, r->a, NULL) || json_type(&r->doc, 0) != JSON_OBJECT) {
        breaks(r, "data that is no JSON object");
        return;
    }
    if (r->doc.surrogates > 0)
        breaks(r, "a lone surrogate");
    switch (r->o->protocol) {
    case WIRE_OPENAI_CHAT:
        chat_event(r, name);
        break;
    case WIRE_OPENAI_RESPONSES:
        responses_event(r, name);
        break;
    case WIRE_ANTHROPIC:
        anthropic_event(r, name);
        break;
    case WIRE_GEMINI:
    case WIRE_CLOUDCODE:
    case WIRES:
        gemini_event(r, name);
        break;
    }
}

/* What an upstream wrote itself may end its lines as it likes, and comment on them. */
static struct str plain_lines(struct reader *r, struct str bytes)
{
    char *at = arena_alloc_raw(r->a, bytes.len + 1), *to = at;

    for (size_t i = 0; i < bytes.len; i++)
        if (bytes.at[i] != '\r')
            *to++ = bytes.at[i];
        else if (i + 1 == bytes.len || bytes.at[i + 1] != '\n')
            *to++ = '\n';
    return (struct str){ at, (size_t)(to - at) };
}

/* Blocks of `event:` (at most one) and one `data: ` line; comments only in blocks of their own,
 * because one SDK overlooks an event behind a comment. */
static void read_block(struct reader *r, struct str block)
{
    struct str line, name = STR(""), data = STR("");
    bool has_data = false, has_comment = false;

    while (block.len > 0) {
        (void)str_cut(block, '\n', &line, &block);
        if (line.at[0] == ':') {
            has_comment = true;
        } else if (str_starts(line, STR("event: ")) && name.len == 0 && !has_data) {
            name = str_drop(line, 7);
        } else if (str_starts(line, STR("data: ")) && !has_data) {
            data = str_drop(line, 6);
            has_data = true;
        } else {
            breaks(r, "a line that is neither event nor data, or one too many");
        }
    }
    if (has_comment && (has_data || name.len > 0))
        breaks_ours(r, "a comment in the block of an event");
    if (has_data)
        read_data(r, name, data);
    else if (!has_comment || name.len > 0)
        breaks(r, "an event without data");
}

static void read_events(struct reader *r, struct str bytes)
{
    if (r->o->passed)
        bytes = plain_lines(r, bytes);
    else if (memchr(bytes.at, '\r', bytes.len) != NULL)
        breaks(r, "a carriage return");
    while (bytes.len > 0 && r->broken == NULL) {
        size_t end = str_find(bytes, STR("\n\n"));

        if (end == SIZE_MAX) {
            breaks(r, "bytes behind the last blank line");
            return;
        }
        read_block(r, str_take(bytes, end));
        bytes = str_drop(bytes, end + 2);
    }
}

static void read_array(struct reader *r, struct str bytes)
{
    struct json doc;
    struct str element;

    if (bytes.len == 0)
        return;
    if (!json_parse(&doc, bytes, NULL, r->a, NULL) || json_type(&doc, 0) != JSON_ARRAY) {
        breaks(r, "no JSON array");
        return;
    }
    struct json_cursor c = json_open(str_trim(bytes));

    while (json_next(&c, &element) && r->broken == NULL)
        read_data(r, STR(""), element);
}

/* --- answers in one piece ---------------------------------------------------------------------*/

static void chat_whole(struct reader *r)
{
    uint32_t choices = member(r, 0, "choices"), usage = member(r, 0, "usage");

    if (!says(r, 0, "object", r->o->legacy ? "text_completion" : "chat.completion") ||
        number(r, 0, "created") < 0 ||
        !str_starts(string(r, 0, "id"), r->o->legacy ? STR("cmpl-") : STR("chatcmpl-")))
        breaks(r, "chat: object, id or created");
    if (!is(r, choices, JSON_ARRAY) || r->doc.nodes[choices].count == 0) {
        breaks(r, "chat: no choices");
        return;
    }
    uint32_t choice = json_first(&r->doc, choices), message = member(r, choice, "message");
    uint32_t calls = member(r, message, "tool_calls"), images = member(r, message, "images");
    uint32_t old = member(r, message, "function_call");
    struct str text = r->o->legacy ? string(r, choice, "text") : string(r, message, "content");

    if (!r->o->legacy &&
        (!says(r, message, "role", "assistant") || member(r, message, "content") == JSON_NONE ||
         member(r, message, "refusal") == JSON_NONE || member(r, choice, "logprobs") == JSON_NONE))
        breaks(r, "chat: a message without role, content, refusal or logprobs");
    add(r, &r->thinking, string(r, message, "reasoning_content"));
    add(r, &r->text, text);
    add(r, &r->refusal, string(r, message, "refusal"));
    if (is(r, images, JSON_ARRAY))
        r->seen->images = r->doc.nodes[images].count;
    if (is(r, calls, JSON_ARRAY))
        for (uint32_t i = json_first(&r->doc, calls); i != JSON_NONE;
             i = json_after(&r->doc, calls, i)) {
            bool custom = says(r, i, "type", "custom");
            uint32_t body = member(r, i, custom ? "custom" : "function");

            if (string(r, i, "id").len == 0 || string(r, body, "name").len == 0)
                breaks(r, "chat: a call without id or name");
            new_call(r, string(r, i, "id"), string(r, body, "name"), custom);
            add_arguments(r, string(r, body, custom ? "input" : "arguments"));
        }
    if (is(r, old, JSON_OBJECT)) {
        new_call(r, STR(""), string(r, old, "name"), false);
        add_arguments(r, string(r, old, "arguments"));
    }
    r->seen->finish = string(r, choice, "finish_reason");
    if (is(r, usage, JSON_OBJECT))
        chat_usage(r, usage);
}

static void responses_item(struct reader *r, uint32_t item)
{
    struct str type = string(r, item, "type");
    uint32_t content = member(r, item, "content"), summary = member(r, item, "summary");

    if (string(r, item, "id").len == 0 &&
        (str_eq(type, STR("message")) || str_eq(type, STR("reasoning")) ||
         str_eq(type, STR("function_call")) || str_eq(type, STR("custom_tool_call"))))
        breaks(r, "responses: an item of ours without id");
    if (str_eq(type, STR("function_call")) || str_eq(type, STR("custom_tool_call"))) {
        bool custom = str_eq(type, STR("custom_tool_call"));

        new_call(r, string(r, item, "call_id"), string(r, item, "name"), custom);
        add_arguments(r, string(r, item, custom ? "input" : "arguments"));
    } else if (str_eq(type, STR("image_generation_call"))) {
        r->seen->images++;
    } else if (str_eq(type, STR("reasoning"))) {
        r->seen->signatures += string(r, item, "encrypted_content").len > 0;
        if (is(r, summary, JSON_ARRAY))
            for (uint32_t i = json_first(&r->doc, summary); i != JSON_NONE;
                 i = json_after(&r->doc, summary, i))
                add(r, &r->thinking, string(r, i, "text"));
    } else if (str_eq(type, STR("message")) && is(r, content, JSON_ARRAY)) {
        for (uint32_t i = json_first(&r->doc, content); i != JSON_NONE;
             i = json_after(&r->doc, content, i)) {
            add(r, &r->text, string(r, i, "text"));
            add(r, &r->refusal, string(r, i, "refusal"));
        }
    }
}

static void responses_whole(struct reader *r)
{
    uint32_t output = member(r, 0, "output");
    struct str status = string(r, 0, "status");

    if (!says(r, 0, "object", "response") || !str_starts(string(r, 0, "id"), STR("resp_")) ||
        !is(r, output, JSON_ARRAY)) {
        breaks(r, "responses: object, id or output");
        return;
    }
    for (uint32_t i = json_first(&r->doc, output); i != JSON_NONE;
         i = json_after(&r->doc, output, i))
        responses_item(r, i);
    r->seen->finish = str_eq(status, STR("completed"))
                          ? status
                          : string(r, member(r, 0, "incomplete_details"), "reason");
    if (is(r, member(r, 0, "usage"), JSON_OBJECT))
        responses_usage(r, 0);
}

static void anthropic_whole(struct reader *r)
{
    uint32_t content = member(r, 0, "content"), usage = member(r, 0, "usage");
    int64_t read = number(r, usage, "cache_read_input_tokens");
    int64_t made = number(r, usage, "cache_creation_input_tokens");

    if (!says(r, 0, "type", "message") || !str_starts(string(r, 0, "id"), STR("msg_")) ||
        !is(r, content, JSON_ARRAY)) {
        breaks(r, "anthropic: type, id or content");
        return;
    }
    for (uint32_t i = json_first(&r->doc, content); i != JSON_NONE;
         i = json_after(&r->doc, content, i)) {
        if (says(r, i, "type", "text")) {
            add(r, &r->text, string(r, i, "text"));
        } else if (says(r, i, "type", "thinking")) {
            add(r, &r->thinking, string(r, i, "thinking"));
            r->seen->signatures += string(r, i, "signature").len > 0;
        } else if (says(r, i, "type", "tool_use")) {
            uint32_t input = member(r, i, "input");

            if (!word_chars(string(r, i, "id")) || !is(r, input, JSON_OBJECT)) {
                breaks(r, "anthropic: a call's id or input");
                return;
            }
            new_call(r, string(r, i, "id"), string(r, i, "name"), false);
            add_arguments(r, json_raw(&r->doc, input));
        }
    }
    r->seen->finish = string(r, 0, "stop_reason");
    if (!is(r, usage, JSON_OBJECT))
        breaks(r, "anthropic: no usage");
    set_usage(r, number(r, usage, "input_tokens") + (read > 0 ? read : 0) + (made > 0 ? made : 0),
              number(r, usage, "output_tokens"), read, -1);
}

static struct str keep(struct reader *r, struct buf *b)
{
    struct str out = arena_copy(r->a, buf_str(b));

    buf_clear(b);
    return out;
}

static struct reader *begin(const struct grammar_options *o, struct str bytes, struct arena *a,
                            struct seen_stream *seen)
{
    struct reader *r = arena_new(a, struct reader);
    size_t most = bytes.len + 16;

    *seen = (struct seen_stream){ .in = -1, .out = -1 };
    *r = (struct reader){ .o = o, .seen = seen, .a = a };
    buf_init(&r->text, most);
    buf_init(&r->thinking, most);
    buf_init(&r->refusal, most);
    buf_init(&r->order, most);
    buf_init(&r->part_text, most);
    buf_init(&r->items, most);
    for (size_t i = 0; i < SEEN_CALLS_MAX; i++)
        buf_init(&r->arguments[i], most);
    return r;
}

/* Words for an end that may come in the middle of a call. */
static bool is_limit(struct str finish)
{
    static const char *const words[] = { "length",         "max_output_tokens",
                                         "max_tokens",     "MAX_TOKENS",
                                         "content_filter", "refusal",
                                         "SAFETY",         "model_context_window_exceeded" };

    for (size_t i = 0; i < COUNT(words); i++)
        if (str_eq(finish, str_c(words[i])))
            return true;
    return false;
}

static const char *finish(struct reader *r)
{
    struct seen_stream *seen = r->seen;

    if (seen->call_count > SEEN_CALLS_MAX)
        seen->call_count = SEEN_CALLS_MAX;
    seen->text = keep(r, &r->text);
    seen->thinking = keep(r, &r->thinking);
    seen->refusal = keep(r, &r->refusal);
    seen->order = keep(r, &r->order);
    buf_clear(&r->part_text);
    buf_clear(&r->items);
    for (size_t i = 0; i < SEEN_CALLS_MAX; i++)
        if (i < seen->call_count)
            seen->calls[i].arguments = keep(r, &r->arguments[i]);
        else
            buf_clear(&r->arguments[i]);
    for (uint32_t i = 0; i < seen->call_count && seen->end == SEEN_DONE; i++) {
        struct json doc;
        struct str args = str_trim(seen->calls[i].arguments);

        if (!seen->calls[i].custom && args.len > 0 && !is_limit(seen->finish) &&
            !json_parse(&doc, args, NULL, r->a, NULL))
            breaks(r, "the arguments of a call are no JSON");
    }
    return r->broken;
}

const char *stream_breaks(const struct grammar_options *o, struct str bytes, struct arena *a,
                          struct seen_stream *seen)
{
    struct reader *r = begin(o, bytes, a, seen);

    if (o->json_array)
        read_array(r, bytes);
    else
        read_events(r, bytes);
    return finish(r);
}

const char *answer_breaks(const struct grammar_options *o, struct str body, struct arena *a,
                          struct seen_stream *seen)
{
    struct reader *r = begin(o, body, a, seen);

    if (!json_parse(&r->doc, body, NULL, a, NULL) || json_type(&r->doc, 0) != JSON_OBJECT) {
        breaks(r, "no JSON object");
        return finish(r);
    }
    switch (o->protocol) {
    case WIRE_OPENAI_CHAT:
        chat_whole(r);
        break;
    case WIRE_OPENAI_RESPONSES:
        responses_whole(r);
        break;
    case WIRE_ANTHROPIC:
        anthropic_whole(r);
        break;
    case WIRE_GEMINI:
    case WIRE_CLOUDCODE:
    case WIRES:
        gemini_event(r, STR(""));
        break;
    }
    if (seen->finish.len == 0 && o->protocol != WIRE_GEMINI)
        breaks(r, "an answer that does not say why it ended");
    seen->end = SEEN_DONE;
    return finish(r);
}
