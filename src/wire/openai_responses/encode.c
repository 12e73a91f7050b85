/* wire/openai_responses/encode.c - answers for Responses clients.
 *
 * Each block is one item of the output. Clients read items from their done events and the whole
 * output from the last one (Codex needs response.completed and complete items), so the bytes of
 * each finished item are kept until the end. An item is finished when the next one begins or the
 * answer does: until then citations and signatures may still follow, and it is known whether it was
 * cut by a limit.
 *
 * A signature without thinking of its own travels as a reasoning item with an empty summary: in
 * front of the item it belongs to, or behind it when it came with it or later. */
#include "wire/openai_responses/convert_int.h"
#include "wire/format_int.h"
#include "wire/signature.h"

static const struct {
    struct str type, prefix;
} kinds[] = {
    [SAID_TEXT] = { STR("message"), STR("msg_") },
    [SAID_REFUSAL] = { STR("message"), STR("msg_") },
    [SAID_CALL] = { STR("function_call"), STR("fc_") },
    [SAID_CUSTOM_CALL] = { STR("custom_tool_call"), STR("ctc_") },
    [SAID_REASONING] = { STR("reasoning"), STR("rs_") },
};

/* What an item says; the same for a stream and for an answer in one piece. */
struct item {
    enum said kind;
    uint32_t index;   /* in the output */
    struct text text; /* of a call: its arguments or input */
    struct str call_id, name, name_space;
    enum phase phase;   /* of a text */
    struct str summary; /* reasoning: raw JSON of its parts, with commas */
    struct str notes;   /* text: raw JSON of its annotations, with commas */
    struct text encrypted;
};

enum status { IN_PROGRESS, COMPLETED, INCOMPLETE };

static const struct str statuses[] = {
    [IN_PROGRESS] = STR("in_progress"),
    [COMPLETED] = STR("completed"),
    [INCOMPLETE] = STR("incomplete"),
};

/* --- the pieces of JSON -----------------------------------------------------------------------*/

/* `msg_<id of the answer>_<index>` */
static struct str item_id(const struct encode_options *o, struct str prefix, uint32_t index,
                          char out[static 64])
{
    struct str id = str_take(o->id, 40);
    char digits[10];
    size_t len = 0, n = 0;

    memcpy(out, prefix.at, prefix.len);
    len += prefix.len;
    memcpy(out + len, id.at, id.len);
    len += id.len;
    out[len++] = '_';
    do
        digits[n++] = (char)('0' + index % 10);
    while ((index /= 10) > 0);
    while (n > 0)
        out[len++] = digits[--n];
    return (struct str){ out, len };
}

static void put_inside_member(struct json_writer *w, const char *name, struct text text)
{
    json_put_key(w, str_c(name));
    json_put_inside(w, text.escaped);
}

/* A list whose elements are known as bytes. */
static void put_list(struct json_writer *w, const char *name, struct str elements)
{
    json_put_key(w, str_c(name));
    json_put_array(w);
    if (elements.len > 0)
        json_put_raw(w, elements);
    json_put_end(w);
}

static void put_part(struct json_writer *w, const struct item *it, struct text text,
                     struct str notes)
{
    json_put_object(w);
    if (it->kind == SAID_REFUSAL) {
        json_put_member(w, "type", STR("refusal"));
        put_inside_member(w, "refusal", text);
    } else {
        json_put_member(w, "type", STR("output_text"));
        put_inside_member(w, "text", text);
        put_list(w, "annotations", notes);
        json_put_member_raw(w, "logprobs", STR("[]"));
    }
    json_put_end(w);
}

static void put_summary_part(struct json_writer *w, struct text text)
{
    json_put_object(w);
    json_put_member(w, "type", STR("summary_text"));
    put_inside_member(w, "text", text);
    json_put_end(w);
}

/* While it is in progress an item has no content. */
static void put_item(struct json_writer *w, const struct encode_options *o, const struct item *it,
                     enum status status)
{
    char id[64];
    bool whole = status != IN_PROGRESS;

    json_put_object(w);
    json_put_member(w, "id", item_id(o, kinds[it->kind].prefix, it->index, id));
    json_put_member(w, "type", kinds[it->kind].type);
    json_put_member(w, "status", statuses[status]);
    switch (it->kind) {
    case SAID_TEXT:
    case SAID_REFUSAL:
        json_put_member(w, "role", STR("assistant"));
        if (it->phase != PHASE_NONE)
            json_put_member(w, "phase",
                            it->phase == PHASE_FINAL ? STR("final_answer") : STR("commentary"));
        json_put_key(w, STR("content"));
        json_put_array(w);
        if (whole)
            put_part(w, it, it->text, it->notes);
        json_put_end(w);
        break;
    case SAID_CALL:
    case SAID_CUSTOM_CALL:
        json_put_member(w, "call_id", it->call_id);
        json_put_member(w, "name", it->name);
        if (it->name_space.len > 0)
            json_put_member(w, "namespace", it->name_space);
        put_inside_member(w, it->kind == SAID_CALL ? "arguments" : "input",
                          whole ? it->text : TEXT_EMPTY);
        break;
    case SAID_REASONING:
        put_list(w, "summary", whole ? it->summary : STR(""));
        if (whole && !text_is_empty(it->encrypted))
            put_inside_member(w, "encrypted_content", it->encrypted);
        break;
    case SAID_NOTHING:
        assert(false); /* nothing to write */
    }
    json_put_end(w);
}

/* How many characters a text has. */
static int64_t points(struct text text, struct arena *a)
{
    struct str plain = text_plain(a, text);
    int64_t n = 0;

    for (size_t i = 0; i < plain.len; i++)
        n += ((unsigned char)plain.at[i] & 0xc0) != 0x80;
    return n;
}

/* Citations of documents, which have no address, are no annotations here. */
static bool has_place(const struct canon_note *note)
{
    return note->url.len > 0 || (note->wire == WIRE_OPENAI_RESPONSES && note->raw.len > 0);
}

/* An annotation; one of the whole block ends at `text_end`, -1 leaves the end (and the bracket
 * behind it) to be written when it is known. */
static void put_note(struct buf *out, const struct canon_note *note, int64_t text_end)
{
    bool whole = note->start < 0;
    int64_t end = whole ? text_end : note->end > note->start ? note->end : note->start;
    struct json_writer w = json_writer(out);

    if (note->wire == WIRE_OPENAI_RESPONSES && note->raw.len > 0) {
        json_put_raw(&w, note->raw);
        return;
    }
    json_put_object(&w);
    json_put_member(&w, "type", STR("url_citation"));
    json_put_member(&w, "url", note->url);
    json_put_member(&w, "title", note->title);
    json_put_member_i64(&w, "start_index", whole ? 0 : note->start);
    json_put_key(&w, STR("end_index"));
    if (end < 0)
        return;
    json_put_i64(&w, end);
    json_put_end(&w);
}

static void put_usage(struct json_writer *w, const struct usage *u)
{
    int64_t in = u->in > 0 ? u->in : 0, out = u->out > 0 ? u->out : 0, total;

    json_put_key(w, STR("usage"));
    if (!usage_is_known(u)) {
        json_put_null(w);
        return;
    }
    if (__builtin_add_overflow(in, out, &total))
        total = INT64_MAX;
    json_put_object(w);
    json_put_member_i64(w, "input_tokens", in);
    json_put_key(w, STR("input_tokens_details"));
    json_put_object(w);
    json_put_member_i64(w, "cached_tokens", u->cache_read > 0 ? u->cache_read : 0);
    json_put_member_i64(w, "cache_write_tokens", u->cache_write > 0 ? u->cache_write : 0);
    json_put_end(w);
    json_put_member_i64(w, "output_tokens", out);
    json_put_key(w, STR("output_tokens_details"));
    json_put_object(w);
    json_put_member_i64(w, "reasoning_tokens", u->reasoning > 0 ? u->reasoning : 0);
    json_put_end(w);
    json_put_member_i64(w, "total_tokens", total);
    json_put_end(w);
}

static void put_raw_or_null(struct json_writer *w, const char *name, struct str raw)
{
    json_put_member_raw(w, name, raw.len > 0 ? raw : STR("null"));
}

static void put_choice(struct json_writer *w, const struct tool_choice *choice)
{
    static const struct str words[] = {
        [CHOICE_UNSET] = STR("auto"),   [CHOICE_AUTO] = STR("auto"), [CHOICE_NONE] = STR("none"),
        [CHOICE_ANY] = STR("required"), [CHOICE_ONE] = STR(""),      [CHOICE_ALLOWED] = STR("auto"),
    };

    json_put_key(w, STR("tool_choice"));
    if (choice->mode != CHOICE_ONE) {
        json_put_str(w, choice->mode == CHOICE_ALLOWED && choice->allowed_any
                            ? STR("required")
                            : words[choice->mode]);
        return;
    }
    json_put_object(w);
    json_put_member(w, "type", STR("function"));
    json_put_member(w, "name", choice->names[0]);
    json_put_end(w);
}

/* What the answer says of itself; the request's instructions and tools are not repeated. */
static void put_response(struct json_writer *w, const struct encode_options *o, struct str status,
                         struct str incomplete, struct str output, const struct usage *usage)
{
    const struct canon_request *r = o->request;
    char id[64];

    json_put_object(w);
    memcpy(id, "resp_", 5);
    struct str hex = str_take(o->id, sizeof(id) - 5);
    memcpy(id + 5, hex.at, hex.len);
    json_put_member(w, "id", (struct str){ id, 5 + hex.len });
    json_put_member(w, "object", STR("response"));
    json_put_member_i64(w, "created_at", o->created_unix_s);
    json_put_member(w, "status", status);
    json_put_member_null(w, "error");
    json_put_key(w, STR("incomplete_details"));
    if (incomplete.len > 0) {
        json_put_object(w);
        json_put_member(w, "reason", incomplete);
        json_put_end(w);
    } else {
        json_put_null(w);
    }
    json_put_member_null(w, "instructions");
    json_put_member_raw(w, "metadata", r->metadata.len > 0 ? r->metadata : STR("{}"));
    json_put_member(w, "model", o->model);
    put_list(w, "output", output);
    json_put_member_bool(w, "parallel_tool_calls", r->parallel_tools != TRI_NO);
    put_raw_or_null(w, "temperature", r->temperature);
    put_choice(w, &r->choice);
    json_put_member_raw(w, "tools", STR("[]"));
    put_raw_or_null(w, "top_p", r->top_p);
    json_put_member_bool(w, "store", false);
    put_usage(w, usage);
    json_put_end(w);
}

/* Why an answer is incomplete, or empty when it is not. A refusal in words is a complete answer. */
static struct str incomplete_of(enum stop_cause cause, bool refused)
{
    switch (cause) {
    case STOP_LENGTH:
    case STOP_CONTEXT_FULL:
        return STR("max_output_tokens");
    case STOP_FILTER:
    case STOP_RECITATION:
        return STR("content_filter");
    case STOP_REFUSAL:
        return refused ? STR("") : STR("content_filter");
    case STOP_NONE:
    case STOP_DONE:
    case STOP_SEQUENCE:
    case STOP_TOOL_USE:
    case STOP_PAUSE:
    case STOP_BAD_TOOL_CALL:
    case STOP_IMAGE_FAIL:
    case STOP_OTHER:
        break;
    }
    return STR("");
}

/* --- calls ------------------------------------------------------------------------------------*/

/* The name as the client knows it, and whether it declared a tool of free text by it. */
static enum said find_tool(const struct encode_options *o, struct str wire_name,
                           struct str wire_space, bool custom, struct str *name,
                           struct str *name_space)
{
    *name = names_to_client(o->names, wire_name, name_space);
    if (wire_space.len > 0)
        *name_space = wire_space;
    if (custom)
        return SAID_CUSTOM_CALL;
    for (const struct tool *tool = o->request->tools; tool != NULL; tool = tool->next)
        if (tool->custom && str_eq(tool->name, *name) && str_eq(tool->name_space, *name_space))
            return SAID_CUSTOM_CALL;
    return SAID_CALL;
}

static struct str find_call_id(const struct encode_options *o, struct str id, uint32_t index,
                               struct arena *a)
{
    if (id.len > 0)
        return call_id_for(WIRE_OPENAI_RESPONSES, id, 0, a);
    return arena_printf(a, "call_%.*s_%u", (int)str_take(o->id, 40).len, o->id.at, index);
}

/* The input of a custom tool that the target knew as a function with one argument `input`; what is
 * no such object is the input itself. */
static struct text unwrap_input(struct text arguments, struct arena *a)
{
    struct json doc;
    uint32_t input;

    if (!json_parse(&doc, text_plain(a, arguments), NULL, a, NULL) ||
        json_type(&doc, 0) != JSON_OBJECT)
        return arguments;
    input = json_member(&doc, 0, STR("input"), NULL);
    return input != JSON_NONE && json_type(&doc, input) == JSON_STRING ? text_of(&doc, input)
                                                                       : arguments;
}

/* --- a stream ---------------------------------------------------------------------------------*/

static struct item item_at_hand(const struct responses_encoder *st)
{
    struct str call = buf_str(&st->call);

    return (struct item){
        .kind = st->kind,
        .index = st->index,
        .phase = st->phase,
        .text = { buf_str(&st->text) },
        .call_id = str_take(call, st->call_id_len),
        .name = str_take(str_drop(call, st->call_id_len), st->name_len),
        .name_space = str_drop(call, st->call_id_len + st->name_len),
        .summary = buf_str(&st->parts),
        .notes = buf_str(&st->notes),
        .encrypted = { buf_str(&st->encrypted) },
    };
}

static void keep(struct encoder *e, struct buf *b, struct str bytes)
{
    b->max = e->o->bytes_max;
    if (!buf_add(b, bytes))
        e->full = true;
}

/* The beginning that all events share. */
static struct json_writer begin(struct encoder *e, struct str type)
{
    struct json_writer w = encode_begin(e, type);

    json_put_object(&w);
    json_put_member(&w, "type", type);
    json_put_member_i64(&w, "sequence_number", e->sequence++);
    return w;
}

static void end(struct encoder *e, struct json_writer *w)
{
    json_put_end(w);
    encode_finish(e, w);
}

/* … and those about a piece of the item at hand; `part` names the index of the piece. */
static struct json_writer begin_piece(struct encoder *e, struct str type, const char *part,
                                      uint32_t part_index)
{
    struct responses_encoder *st = e->state;
    struct json_writer w = begin(e, type);
    char id[64];

    json_put_member(&w, "item_id", item_id(e->o, kinds[st->kind].prefix, st->index, id));
    json_put_member_i64(&w, "output_index", st->index);
    if (part != NULL)
        json_put_member_i64(&w, part, part_index);
    return w;
}

static void put_response_event(struct encoder *e, struct str type, struct str status,
                               struct str incomplete)
{
    struct responses_encoder *st = e->state;
    struct json_writer w = begin(e, type);

    json_put_key(&w, STR("response"));
    put_response(&w, e->o, status, incomplete, buf_str(&st->output), &st->usage);
    end(e, &w);
}

/* An item whose JSON is known; a done one is kept for the end. */
static void put_item_event(struct encoder *e, struct str type, struct str raw, bool done)
{
    struct responses_encoder *st = e->state;
    struct json_writer w = begin(e, type);

    json_put_member_i64(&w, "output_index", st->index);
    json_put_member_raw(&w, "item", raw);
    end(e, &w);
    if (!done)
        return;
    if (st->output.len > 0)
        keep(e, &st->output, STR(","));
    keep(e, &st->output, raw);
}

static void put_item_state(struct encoder *e, enum status status)
{
    struct responses_encoder *st = e->state;
    struct item it = item_at_hand(st);
    struct json_writer w;
    struct buf b;

    buf_init(&b, e->o->bytes_max);
    w = json_writer(&b);
    put_item(&w, e->o, &it, status);
    if (json_written(&w))
        put_item_event(e,
                       status == IN_PROGRESS ? STR("response.output_item.added")
                                             : STR("response.output_item.done"),
                       buf_str(&b), status != IN_PROGRESS);
    else
        e->full = true;
    buf_clear(&b);
}

static void begin_item(struct encoder *e, enum said kind)
{
    struct responses_encoder *st = e->state;
    struct item it = { .kind = kind };
    struct json_writer w;

    st->kind = kind;
    st->closed = false;
    put_item_state(e, IN_PROGRESS);
    if (kind != SAID_TEXT && kind != SAID_REFUSAL)
        return;
    w = begin_piece(e, STR("response.content_part.added"), "content_index", 0);
    json_put_key(&w, STR("part"));
    put_part(&w, &it, TEXT_EMPTY, STR(""));
    end(e, &w);
}

/* Deltas are most of a stream, and all of one piece are the same but for their number and text:
 * what stands before and between these is made once. */
static void make_delta(struct encoder *e, struct str type, const char *part, uint32_t part_index)
{
    struct responses_encoder *st = e->state;
    struct str frames[] = { STR("event: "), type, STR("\ndata: {\"type\":\""), type,
                            STR("\",\"sequence_number\":") };
    struct json_writer w;
    char id[64];

    for (size_t i = 0; i < COUNT(frames); i++)
        keep(e, &st->delta, frames[i]);
    st->delta_number = (uint32_t)st->delta.len;
    w = json_writer(&st->delta);
    json_put_object(&w);
    json_put_member(&w, "item_id", item_id(e->o, kinds[st->kind].prefix, st->index, id));
    json_put_member_i64(&w, "output_index", st->index);
    if (part != NULL)
        json_put_member_i64(&w, part, part_index);
    json_put_key(&w, STR("delta"));
    keep(e, &st->delta, STR("\""));
    if (!e->full)
        st->delta.at[st->delta_number] = ','; /* in place of the bracket */
}

static void put_bytes(struct encoder *e, struct str bytes)
{
    if (!buf_add(e->out, bytes))
        e->full = true;
}

static void put_delta(struct encoder *e, struct str type, const char *part, uint32_t part_index,
                      struct text text)
{
    struct responses_encoder *st = e->state;

    if (st->delta.len == 0)
        make_delta(e, type, part, part_index);
    put_bytes(e, str_take(buf_str(&st->delta), st->delta_number));
    e->full = e->full || !buf_add_u64(e->out, (uint64_t)e->sequence++);
    put_bytes(e, str_drop(buf_str(&st->delta), st->delta_number));
    put_bytes(e, text.escaped);
    put_bytes(e, st->kind == SAID_TEXT ? STR("\",\"logprobs\":[]}\n\n") : STR("\"}\n\n"));
}

static void begin_summary(struct encoder *e)
{
    struct responses_encoder *st = e->state;
    struct json_writer w =
        begin_piece(e, STR("response.reasoning_summary_part.added"), "summary_index", st->summary);

    json_put_key(&w, STR("part"));
    put_summary_part(&w, TEXT_EMPTY);
    end(e, &w);
    st->summary_open = true;
}

static void end_summary(struct encoder *e)
{
    struct responses_encoder *st = e->state;
    struct text text = { buf_str(&st->text) };
    struct json_writer w;

    if (!st->summary_open)
        return;
    w = begin_piece(e, STR("response.reasoning_summary_text.done"), "summary_index", st->summary);
    put_inside_member(&w, "text", text);
    end(e, &w);
    w = begin_piece(e, STR("response.reasoning_summary_part.done"), "summary_index", st->summary);
    json_put_key(&w, STR("part"));
    put_summary_part(&w, text);
    end(e, &w);
    if (st->parts.len > 0)
        keep(e, &st->parts, STR(","));
    st->parts.max = e->o->bytes_max;
    w = json_writer(&st->parts);
    put_summary_part(&w, text);
    e->full = e->full || !json_written(&w);
    st->text.len = st->delta.len = 0;
    st->summary++;
    st->summary_open = false;
}

/* Annotations stand behind the text. */
static void end_notes(struct encoder *e)
{
    struct responses_encoder *st = e->state;
    struct str line, rest = buf_str(&st->held_notes);
    uint32_t index = 0;

    while (str_cut(rest, '\0', &line, &rest)) {
        struct json_writer w;
        size_t before;

        if (st->notes.len > 0)
            keep(e, &st->notes, STR(","));
        before = st->notes.len;
        keep(e, &st->notes, line);
        if (str_ends(line, STR(":"))) {
            (void)buf_add_u64(&st->notes,
                              (uint64_t)points((struct text){ buf_str(&st->text) }, e->scratch));
            keep(e, &st->notes, STR("}"));
        }
        w = begin_piece(e, STR("response.output_text.annotation.added"), "content_index", 0);
        json_put_member_i64(&w, "annotation_index", index++);
        json_put_member_raw(&w, "annotation", str_drop(buf_str(&st->notes), before));
        end(e, &w);
    }
}

static void end_text(struct encoder *e)
{
    struct responses_encoder *st = e->state;
    bool refusal = st->kind == SAID_REFUSAL;
    struct json_writer w;
    struct item it;

    end_notes(e);
    it = item_at_hand(st);
    w = begin_piece(e, refusal ? STR("response.refusal.done") : STR("response.output_text.done"),
                    "content_index", 0);
    put_inside_member(&w, refusal ? "refusal" : "text", it.text);
    if (!refusal)
        json_put_member_raw(&w, "logprobs", STR("[]"));
    end(e, &w);
    w = begin_piece(e, STR("response.content_part.done"), "content_index", 0);
    json_put_key(&w, STR("part"));
    put_part(&w, &it, it.text, it.notes);
    end(e, &w);
}

static void end_call(struct encoder *e)
{
    struct responses_encoder *st = e->state;
    struct item it;
    struct json_writer w;

    if (st->wrapped) {
        struct text input = unwrap_input((struct text){ buf_str(&st->text) }, e->scratch);

        put_delta(e, STR("response.custom_tool_call_input.delta"), NULL, 0, input);
        input.escaped = arena_copy(e->scratch, input.escaped);
        st->text.len = 0;
        keep(e, &st->text, input.escaped);
    }
    it = item_at_hand(st);
    if (st->kind == SAID_CUSTOM_CALL) {
        w = begin_piece(e, STR("response.custom_tool_call_input.done"), NULL, 0);
        put_inside_member(&w, "input", it.text);
    } else {
        w = begin_piece(e, STR("response.function_call_arguments.done"), NULL, 0);
        json_put_member(&w, "name", it.name);
        put_inside_member(&w, "arguments", it.text);
    }
    end(e, &w);
}

/* Nothing of the item before is left. */
static void forget_item(struct responses_encoder *st)
{
    if (st->kind == SAID_REASONING)
        st->encrypted.len = 0;
    st->kind = SAID_NOTHING;
    st->closed = st->wrapped = st->summary_open = false;
    st->summary = 0;
    st->call_id_len = st->name_len = 0;
    st->phase = PHASE_NONE;
    st->delta.len = 0;
    st->call.len = st->text.len = st->parts.len = st->notes.len = st->held_notes.len = 0;
    st->index++;
}

static void end_item(struct encoder *e, enum status status);

/* A signature that waits, as an item of its own. */
static void put_carrier(struct encoder *e)
{
    struct responses_encoder *st = e->state;

    if (st->encrypted.len == 0)
        return;
    st->carries = false;
    begin_item(e, SAID_REASONING);
    end_item(e, COMPLETED);
}

static void end_item(struct encoder *e, enum status status)
{
    struct responses_encoder *st = e->state;

    switch (st->kind) {
    case SAID_NOTHING:
        return;
    case SAID_TEXT:
    case SAID_REFUSAL:
        end_text(e);
        break;
    case SAID_CALL:
    case SAID_CUSTOM_CALL:
        end_call(e);
        break;
    case SAID_REASONING:
        end_summary(e);
        break;
    }
    put_item_state(e, status);
    forget_item(st);
    if (st->carries) /* a signature that came with it: behind it */
        put_carrier(e);
}

/* --- events -----------------------------------------------------------------------------------*/

static void on_open(struct encoder *e, const struct canon_event *ev)
{
    static const enum said of_block[] = {
        [BLOCK_TEXT] = SAID_TEXT, [BLOCK_THINKING] = SAID_REASONING, [BLOCK_REFUSAL] = SAID_REFUSAL,
        [BLOCK_TOOL] = SAID_CALL, [BLOCK_REDACTED] = SAID_REASONING,
    };
    struct responses_encoder *st = e->state;
    enum said kind = of_block[ev->block];
    struct str id, name, name_space;

    end_item(e, COMPLETED);
    if (kind != SAID_REASONING)
        put_carrier(e);
    if (kind == SAID_CALL) {
        kind = find_tool(e->o, ev->name, ev->name_space, ev->custom, &name, &name_space);
        id = find_call_id(e->o, ev->id, st->index, e->scratch);
        st->wrapped = kind == SAID_CUSTOM_CALL && !ev->custom;
        st->call_id_len = (uint32_t)id.len;
        st->name_len = (uint32_t)name.len;
        keep(e, &st->call, id);
        keep(e, &st->call, name);
        keep(e, &st->call, name_space);
    }
    st->refused = st->refused || kind == SAID_REFUSAL;
    st->phase = ev->phase;
    begin_item(e, kind);
}

static void on_delta(struct encoder *e, const struct canon_event *ev)
{
    struct responses_encoder *st = e->state;

    if (text_is_empty(ev->text))
        return;
    switch (st->kind) {
    case SAID_TEXT:
        put_delta(e, STR("response.output_text.delta"), "content_index", 0, ev->text);
        break;
    case SAID_REFUSAL:
        put_delta(e, STR("response.refusal.delta"), "content_index", 0, ev->text);
        break;
    case SAID_CALL:
        put_delta(e, STR("response.function_call_arguments.delta"), NULL, 0, ev->text);
        break;
    case SAID_CUSTOM_CALL:
        if (!st->wrapped)
            put_delta(e, STR("response.custom_tool_call_input.delta"), NULL, 0, ev->text);
        break;
    case SAID_REASONING:
        if (ev->summary_break)
            end_summary(e);
        if (!st->summary_open)
            begin_summary(e);
        put_delta(e, STR("response.reasoning_summary_text.delta"), "summary_index", st->summary,
                  ev->text);
        break;
    case SAID_NOTHING:
        return;
    }
    keep(e, &st->text, ev->text.escaped);
}

/* It belongs to the item at hand, or to what comes next. */
static void on_signature(struct encoder *e, const struct canon_event *ev)
{
    struct responses_encoder *st = e->state;

    if (st->closed && !ev->sig_behind)
        end_item(e, COMPLETED);
    st->carries = st->kind != SAID_NOTHING && st->kind != SAID_REASONING;
    st->encrypted.len = 0;
    keep(e, &st->encrypted, signature_wrap(&ev->sig, WIRE_OPENAI_RESPONSES, e->scratch).escaped);
}

static void on_note(struct encoder *e, const struct canon_event *ev)
{
    struct responses_encoder *st = e->state;

    if (st->kind != SAID_TEXT || !has_place(&ev->note))
        return; /* its item is out already */
    st->held_notes.max = e->o->bytes_max;
    put_note(&st->held_notes, &ev->note, -1);
    keep(e, &st->held_notes, STR("\0"));
}

/* --- what the provider ran --------------------------------------------------------------------*/

static struct str media_format(struct text mime)
{
    static const struct {
        struct str mime, format;
    } formats[] = {
        { STR("image/png"), STR("png") },
        { STR("image/jpeg"), STR("jpeg") },
        { STR("image/webp"), STR("webp") },
        { STR("image/gif"), STR("gif") },
    };

    for (size_t i = 0; i < COUNT(formats); i++)
        if (str_eq(mime.escaped, formats[i].mime))
            return formats[i].format;
    return STR("");
}

static void put_image(struct json_writer *w, const struct encode_options *o, uint32_t index,
                      struct text mime, struct text data, bool whole)
{
    struct str format = media_format(mime);
    char id[64];

    json_put_object(w);
    json_put_member(w, "id", item_id(o, STR("ig_"), index, id));
    json_put_member(w, "type", STR("image_generation_call"));
    json_put_member(w, "status", whole ? STR("completed") : STR("in_progress"));
    if (whole && format.len > 0)
        json_put_member(w, "output_format", format);
    json_put_key(w, STR("result"));
    if (whole)
        json_put_inside(w, data.escaped);
    else
        json_put_null(w);
    json_put_end(w);
}

static bool is_image(struct text mime)
{
    return str_starts(mime.escaped, STR("image/"));
}

/* An item for a tool that the provider ran, or empty when this protocol has none: its own items as
 * they are, searches of others by what they asked for. */
static struct str server_item(const struct encode_options *o, const struct opaque *server,
                              uint32_t index, struct arena *a)
{
    struct json doc;
    uint32_t query;
    struct str item;
    struct buf b;
    char id[64];

    if (server->wire == WIRE_OPENAI_RESPONSES)
        return server->raw;
    if (!str_eq(server->name, STR("web_search")) || !json_parse(&doc, server->raw, NULL, a, NULL) ||
        json_type(&doc, 0) != JSON_OBJECT)
        return STR("");
    query = member(&doc, member(&doc, 0, "input"), "query");
    if (!is_type(&doc, query, JSON_STRING))
        return STR("");
    buf_init(&b, o->bytes_max);
    struct json_writer w = json_writer(&b);

    json_put_object(&w);
    json_put_member(&w, "id", item_id(o, STR("ws_"), index, id));
    json_put_member(&w, "type", STR("web_search_call"));
    json_put_member(&w, "status", STR("completed"));
    json_put_key(&w, STR("action"));
    json_put_object(&w);
    json_put_member(&w, "type", STR("search"));
    put_inside_member(&w, "query", text_of(&doc, query));
    json_put_end(&w);
    json_put_end(&w);
    item = json_written(&w) ? arena_copy(a, buf_str(&b)) : STR("");
    buf_clear(&b);
    return item;
}

static void put_image_event(struct encoder *e, struct str type)
{
    struct responses_encoder *st = e->state;
    struct json_writer w = begin(e, type);
    char id[64];

    json_put_member(&w, "item_id", item_id(e->o, STR("ig_"), st->index, id));
    json_put_member_i64(&w, "output_index", st->index);
    end(e, &w);
}

static void on_media(struct encoder *e, const struct canon_event *ev)
{
    struct responses_encoder *st = e->state;
    struct json_writer w;
    struct buf b;

    end_item(e, COMPLETED);
    put_carrier(e);
    if (!is_image(ev->mime))
        return; /* this protocol has no place for sounds */
    for (int whole = 0; whole <= 1; whole++) {
        buf_init(&b, e->o->bytes_max);
        w = json_writer(&b);
        put_image(&w, e->o, st->index, ev->mime, ev->text, whole);
        e->full = e->full || !json_written(&w);
        if (whole)
            put_image_event(e, STR("response.image_generation_call.completed"));
        if (!e->full)
            put_item_event(
                e, whole ? STR("response.output_item.done") : STR("response.output_item.added"),
                buf_str(&b), whole);
        if (!whole)
            put_image_event(e, STR("response.image_generation_call.in_progress"));
        buf_clear(&b);
    }
    st->index++;
}

static void on_server(struct encoder *e, const struct canon_event *ev)
{
    struct responses_encoder *st = e->state;
    struct str item;

    end_item(e, COMPLETED);
    put_carrier(e);
    item = server_item(e->o, &ev->server, st->index, e->scratch);
    if (item.len == 0)
        return;
    put_item_event(e, STR("response.output_item.added"), item, false);
    put_item_event(e, STR("response.output_item.done"), item, true);
    st->index++;
}

/* --- beginning and end ------------------------------------------------------------------------*/

static void on_start(struct encoder *e)
{
    struct responses_encoder *st = e->state;

    st->usage = usage_unknown();
    put_response_event(e, STR("response.created"), STR("in_progress"), STR(""));
    put_response_event(e, STR("response.in_progress"), STR("in_progress"), STR(""));
}

static void on_finish(struct encoder *e, const struct canon_event *ev)
{
    struct responses_encoder *st = e->state;
    bool cut = incomplete_of(ev->cause, st->refused).len > 0;

    st->cause = ev->cause;
    end_item(e, cut ? INCOMPLETE : COMPLETED);
    put_carrier(e);
}

static void on_end(struct encoder *e)
{
    struct responses_encoder *st = e->state;
    struct str incomplete = incomplete_of(st->cause, st->refused);
    bool whole = incomplete.len == 0;

    put_response_event(e, whole ? STR("response.completed") : STR("response.incomplete"),
                       whole ? STR("completed") : STR("incomplete"), incomplete);
}

void responses_encode_event(struct encoder *e, const struct canon_event *ev)
{
    struct responses_encoder *st = e->state;

    if (ev->choice > 0) /* this protocol has one */
        return;
    switch (ev->kind) {
    case CANON_START:
        on_start(e);
        break;
    case CANON_OPEN:
        on_open(e, ev);
        break;
    case CANON_DELTA:
        on_delta(e, ev);
        break;
    case CANON_SIGNATURE:
        on_signature(e, ev);
        break;
    case CANON_NOTE:
        on_note(e, ev);
        break;
    case CANON_MEDIA:
        on_media(e, ev);
        break;
    case CANON_SERVER:
        on_server(e, ev);
        break;
    case CANON_CLOSE:
        st->closed = true;
        break;
    case CANON_USAGE:
        st->usage = ev->usage;
        break;
    case CANON_FINISH:
        on_finish(e, ev);
        break;
    case CANON_END:
        on_end(e);
        break;
    }
}

void responses_encode_clear(void *state)
{
    struct responses_encoder *st = state;

    buf_clear(&st->call);
    buf_clear(&st->delta);
    buf_clear(&st->text);
    buf_clear(&st->parts);
    buf_clear(&st->held_notes);
    buf_clear(&st->notes);
    buf_clear(&st->encrypted);
    buf_clear(&st->output);
}

/* --- an answer in one piece -------------------------------------------------------------------*/

/* One block as an item at the end of `output`. */
struct whole {
    const struct encode_options *o;
    struct arena *scratch;
    struct buf *output;
    uint32_t index;
    bool fits;
};

static void whole_item(struct whole *wh, const struct item *it, enum status status)
{
    struct json_writer w;

    if (wh->output->len > 0)
        wh->fits = wh->fits && buf_add(wh->output, STR(","));
    w = json_writer(wh->output);
    put_item(&w, wh->o, it, status);
    wh->fits = wh->fits && json_written(&w);
    wh->index++;
}

static struct text wrapped(struct whole *wh, const struct signature *sig)
{
    return sig->signer == SIGNER_NONE ? TEXT_EMPTY
                                      : signature_wrap(sig, WIRE_OPENAI_RESPONSES, wh->scratch);
}

static void whole_notes(struct whole *wh, const struct answer_block *b, struct buf *out)
{
    int64_t end = b->note_count > 0 ? points(answer_text(b), wh->scratch) : 0;

    for (uint32_t i = 0; i < b->note_count; i++) {
        if (!has_place(&b->notes[i]))
            continue;
        if (out->len > 0)
            (void)buf_add(out, STR(","));
        put_note(out, &b->notes[i], end);
    }
}

/* Thinking keeps the parts of a summary only while it streams: here they are one. */
static void whole_block(struct whole *wh, const struct answer_block *b, enum status status)
{
    struct item it = { .index = wh->index, .text = answer_text(b) };
    struct buf more;
    struct json_writer w;

    buf_init(&more, wh->o->bytes_max);
    w = json_writer(&more);
    switch (b->kind) {
    case BLOCK_TEXT:
        it.kind = SAID_TEXT;
        it.phase = b->phase;
        whole_notes(wh, b, &more);
        it.notes = buf_str(&more);
        break;
    case BLOCK_REFUSAL:
        it.kind = SAID_REFUSAL;
        break;
    case BLOCK_TOOL:
        it.kind = find_tool(wh->o, b->name, b->name_space, b->custom, &it.name, &it.name_space);
        it.call_id = find_call_id(wh->o, b->id, wh->index, wh->scratch);
        if (it.kind == SAID_CUSTOM_CALL && !b->custom)
            it.text = unwrap_input(it.text, wh->scratch);
        break;
    case BLOCK_THINKING:
    case BLOCK_REDACTED:
        it.kind = SAID_REASONING;
        it.encrypted = wrapped(wh, &b->sig);
        if (!text_is_empty(it.text)) {
            put_summary_part(&w, it.text);
            wh->fits = wh->fits && json_written(&w);
        }
        it.summary = buf_str(&more);
        break;
    }
    whole_item(wh, &it, status);
    buf_clear(&more);
}

static void whole_raw(struct whole *wh, struct str item)
{
    if (item.len == 0)
        return;
    if (wh->output->len > 0)
        wh->fits = wh->fits && buf_add(wh->output, STR(","));
    wh->fits = wh->fits && buf_add(wh->output, item);
    wh->index++;
}

static void whole_media(struct whole *wh, const struct answer_block *b)
{
    struct json_writer w;
    struct buf image;

    if (!is_image(b->mime))
        return;
    buf_init(&image, wh->o->bytes_max);
    w = json_writer(&image);
    put_image(&w, wh->o, wh->index, b->mime, answer_text(b), true);
    wh->fits = wh->fits && json_written(&w);
    whole_raw(wh, buf_str(&image));
    buf_clear(&image);
}

/* A signature on what is no thinking: in front of a call, behind a text. */
static void whole_carrier(struct whole *wh, const struct answer_block *b)
{
    struct item it = { .kind = SAID_REASONING, .index = wh->index };

    it.encrypted = wrapped(wh, &b->sig);
    if (!text_is_empty(it.encrypted))
        whole_item(wh, &it, COMPLETED);
}

static bool has_refusal(const struct canon_answer *an)
{
    for (const struct answer_block *b = an->blocks; b != NULL; b = b->next)
        if (!b->is_media && !b->is_server && b->kind == BLOCK_REFUSAL)
            return true;
    return false;
}

bool responses_encode_whole(const struct canon_answer *an, const struct encode_options *o,
                            struct arena *scratch, struct buf *out)
{
    struct buf output;
    struct whole wh = { .o = o, .scratch = scratch, .output = &output, .fits = true };
    struct str incomplete =
        incomplete_of(an->choice_count > 0 ? an->choices[0].cause : STOP_DONE, has_refusal(an));
    struct json_writer w;

    buf_init(&output, o->bytes_max);
    for (const struct answer_block *b = an->blocks; b != NULL; b = b->next) {
        bool thinking = b->kind == BLOCK_THINKING || b->kind == BLOCK_REDACTED;
        bool cut = b->next == NULL && incomplete.len > 0;

        if (b->choice > 0)
            continue;
        if (b->is_media) {
            whole_media(&wh, b);
        } else if (b->is_server) {
            whole_raw(&wh, server_item(o, &b->server, wh.index, scratch));
        } else {
            if (b->kind == BLOCK_TOOL)
                whole_carrier(&wh, b);
            whole_block(&wh, b, cut ? INCOMPLETE : COMPLETED);
            if (!thinking && b->kind != BLOCK_TOOL)
                whole_carrier(&wh, b);
        }
    }
    w = json_writer(out);
    put_response(&w, o, incomplete.len > 0 ? STR("incomplete") : STR("completed"), incomplete,
                 buf_str(&output), &an->usage);
    wh.fits = wh.fits && json_written(&w);
    buf_clear(&output);
    return wh.fits;
}
