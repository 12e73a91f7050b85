/* simulator/plan.c - directives first, then what the request wants, then an echo; then the limits.
 */
#include "simulator/plan.h"

#include <inttypes.h>

#include "base/base64.h"
#include "base/map.h"
#include "base/utf8.h"
#include "simulator/schema_example.h"

#define EPOCH INT64_C(1767225600) /* 2026-01-01: as good as any day */

/* A PNG of one red pixel. */
static const char image_base64[] =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGA"
    "hKmMIQAAAABJRU5ErkJggg==";

static const char *const word_list[] = {
    "water", "falls", "through", "the",     "long",   "pipe",    "and",  "turns",
    "a",     "wheel", "while",   "someone", "counts", "drops",   "slow", "light",
    "over",  "stone", "each",    "answer",  "finds",  "its",     "way",  "down",
    "to",    "quiet", "ground",  "here",    "again",  "nothing", "is",   "wasted",
};

/* --- texts ---------------------------------------------------------------------------------------
 */

static uint64_t random_next(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* `count` words, or as many as fill `bytes` exactly when that is not 0. */
static struct str words_make(struct arena *a, uint64_t seed, int64_t count, size_t bytes)
{
    struct buf text;
    struct str made;

    buf_init(&text, (size_t)64 << 20);
    for (int64_t i = 0; bytes > 0 ? text.len < bytes : i < count; i++) {
        const char *word = word_list[random_next(&seed) % COUNT(word_list)];

        if (i > 0)
            (void)buf_add_char(&text, ' ');
        (void)buf_add(&text, str_c(word));
    }
    made = arena_copy(a, bytes > 0 ? str_take(buf_str(&text), bytes) : buf_str(&text));
    buf_clear(&text);
    return made;
}

static void media_note(struct buf *out, const struct ask *ask)
{
    static const char *const names[ASK_MEDIA] = { "image", "document", "recording" };

    for (size_t i = 0; i < ASK_MEDIA; i++)
        if (ask->media[i].count > 0)
            (void)buf_printf(out, " [%" PRId64 " %s%s, %" PRId64 " bytes]", ask->media[i].count,
                             names[i], ask->media[i].count == 1 ? "" : "s", ask->media[i].bytes);
}

/* What is answered when nothing steers it. Agent loops end here: a tool's answer is quoted, and no
 * other tool is called. */
static struct str echo_make(const struct plan_input *in, const struct plan *p, struct arena *a)
{
    const struct ask *ask = in->ask;
    struct buf out;
    struct str made;

    buf_init(&out, (size_t)4 << 20);
    for (const struct ask_text *r = ask->results.first; r != NULL; r = r->next) {
        (void)buf_add(&out, r == ask->results.first ? STR("The tool ") : STR(" The tool "));
        (void)buf_add(&out, r->name);
        (void)buf_add(&out, STR(" answered: "));
        (void)buf_add(&out, utf8_clip(r->text, PLAN_ECHO_MAX));
    }
    if (ask->results.count == 0 || in->prompt.len > 0) {
        (void)buf_add(&out, ask->results.count > 0 ? STR(" You said: ") : STR("You said: "));
        (void)buf_add(&out, utf8_clip(in->prompt, PLAN_ECHO_MAX));
    }
    media_note(&out, ask);
    (void)buf_add(&out, STR(" (model "));
    (void)buf_add(&out, p->model);
    (void)buf_add(&out, STR(")"));
    made = arena_copy(a, buf_str(&out));
    buf_clear(&out);
    return made;
}

/* The text for a request that wants JSON. */
static struct str json_make(const struct ask *ask, struct arena *a)
{
    struct str value =
        ask->schema.len > 0 ? schema_example(ask->schema, a) : STR("{\"answer\":\"yes\"}");

    /* an enum answer is the bare word */
    if (ask->format == ASK_FORMAT_ENUM && str_starts(value, STR("\"")) && value.len >= 2)
        return str_drop_last(str_drop(value, 1), 1);
    return value;
}

static struct str text_make(const struct plan_input *in, const struct plan *p, struct arena *a,
                            uint64_t hash)
{
    const struct directives *d = in->directives;

    if (d->text.at != NULL)
        return d->text;
    if (d->big_kib > 0)
        return words_make(a, hash, 0, (size_t)d->big_kib << 10);
    if (d->events > 0)
        return words_make(a, hash, 0, (size_t)d->events * p->chunk);
    if (d->words >= 0)
        return words_make(a, hash, d->words, 0);
    if (d->json || in->ask->format != ASK_FORMAT_TEXT)
        return json_make(in->ask, a);
    return echo_make(in, p, a);
}

/* --- signatures ----------------------------------------------------------------------------------
 *
 * They look as each provider's do: a gateway tells them apart by their shape, and a test can tell
 * that one came back unchanged.
 */

static struct str signature_make(enum wire wire, struct str id, struct arena *a)
{
    struct buf raw, text;
    struct str made;

    buf_init(&raw, 256);
    buf_init(&text, 512);
    switch (wire) {
    case WIRE_ANTHROPIC: /* protobuf, field 2; the model's family is named inside */
        (void)buf_printf(&raw, "\x12%cclaude-sim-%.*s", (int)(11 + id.len), (int)id.len, id.at);
        (void)base64_put(&text, buf_str(&raw), BASE64_STANDARD);
        break;
    case WIRE_GEMINI: /* protobuf, field 1 */
    case WIRE_CLOUDCODE:
        (void)buf_printf(&raw, "\x0a%cthought-%.*s", (int)(8 + id.len), (int)id.len, id.at);
        (void)base64_put(&text, buf_str(&raw), BASE64_STANDARD);
        break;
    case WIRE_OPENAI_RESPONSES: /* Fernet */
        (void)buf_printf(&raw, "thought-%.*s", (int)id.len, id.at);
        (void)buf_add(&text, STR("gAAAAABp"));
        (void)base64_put(&text, buf_str(&raw), BASE64_URL);
        break;
    case WIRE_OPENAI_CHAT:
    case WIRES:
        break; /* the wire has no place for one */
    }
    made = arena_copy(a, buf_str(&text));
    buf_clear(&raw);
    buf_clear(&text);
    return made;
}

/* --- parts ---------------------------------------------------------------------------------------
 */

static struct part *part_add(struct plan *p, enum part_kind kind, struct str text)
{
    struct part *part = &p->parts[p->part_count++];

    assert(p->part_count <= PLAN_PARTS_MAX);
    *part = (struct part){ .kind = kind, .text = text };
    return part;
}

static const struct ask_tool *tool_find(const struct ask *ask, struct str name)
{
    const struct ask_tool *tool = ask->tools;

    while (tool != NULL && name.len > 0 && !str_eq(tool->name, name))
        tool = tool->next;
    return tool;
}

static void tool_add(struct plan *p, const struct directive_tool *asked, uint32_t index,
                     struct arena *a)
{
    const struct ask_tool *tool = tool_find(p->ask, asked->name);
    const char *prefix = p->ask->wire == WIRE_ANTHROPIC ? "toolu_" : "call_";
    struct part *part = part_add(p, PART_TOOL, asked->args);

    part->custom = tool != NULL && tool->custom;
    part->name = tool != NULL ? tool->name : asked->name.len > 0 ? asked->name : STR("tool");
    part->id = arena_printf(a, "%s%.*s%02u", prefix, (int)p->id.len, p->id.at, index);
    if (asked->args_given)
        return;
    part->text =
        part->custom ? STR("free text") : schema_example(tool != NULL ? tool->schema : STR(""), a);
}

/* Tools that a directive names, or that the request insists on. */
static void tools_add(struct plan *p, const struct directives *d, struct arena *a)
{
    const struct ask *ask = p->ask;
    struct directive_tool forced = { .name = ask->tool_named };

    for (uint32_t i = 0; i < d->tool_count; i++)
        tool_add(p, &d->tools[i], i, a);
    if (d->tool_count > 0 || ask->tools == NULL || d->text.at != NULL || d->empty)
        return;
    if (ask->tool_choice == ASK_CHOICE_ONE || ask->tool_choice == ASK_CHOICE_ANY)
        tool_add(p, &forced, 0, a);
}

/* Models of Google's that make pictures. */
static bool draws(const struct ask *ask)
{
    return (ask->wire == WIRE_GEMINI || ask->wire == WIRE_CLOUDCODE) &&
           str_ifind(ask->model, STR("-image")) != SIZE_MAX;
}

static void parts_make(struct plan *p, const struct plan_input *in, struct arena *a, uint64_t hash)
{
    const struct directives *d = in->directives;
    uint32_t at = d->thinks ? 1 : 0;

    if (d->block) {
        p->finish = FINISH_BLOCKED;
        return;
    }
    if (d->thinks) {
        struct str thought = d->think.len > 0      ? d->think
                             : d->think_words >= 0 ? words_make(a, ~hash, d->think_words, 0)
                                                   : STR("Let me think about what was asked.");

        part_add(p, PART_THINK, thought)->signature = signature_make(in->ask->wire, p->id, a);
    }
    if (d->refuse) {
        part_add(p, PART_REFUSAL,
                 d->text.at != NULL ? d->text : STR("I'm sorry, but I can't help with that."));
        p->finish = FINISH_REFUSED;
        return;
    }
    if (d->empty)
        return;
    tools_add(p, d, a);
    /* a text besides calls only when it was asked for; it comes before them */
    if (p->part_count == at || d->text.at != NULL || d->words >= 0 || d->events > 0 ||
        d->big_kib > 0) {
        struct part text = { .kind = PART_TEXT, .text = text_make(in, p, a, hash) };

        if (text.text.len > 0) {
            memmove(&p->parts[at + 1], &p->parts[at], sizeof(text) * (p->part_count - at));
            p->parts[at] = text;
            p->part_count++;
        }
    }
    if (d->image || draws(in->ask))
        part_add(p, PART_IMAGE, str_c(image_base64));
}

/* --- limits --------------------------------------------------------------------------------------
 */

/* Cuts at the stop sequence that comes first in the first text that has one. */
static void stops_apply(struct plan *p)
{
    const struct ask *ask = p->ask;

    for (uint32_t i = 0; i < p->part_count; i++) {
        struct part *part = &p->parts[i];
        size_t cut = SIZE_MAX;

        for (uint32_t k = 0; part->kind == PART_TEXT && k < ask->stop_count; k++) {
            size_t at = str_find(part->text, ask->stops[k]);

            if (at < cut) {
                cut = at;
                p->stop_sequence = ask->stops[k];
            }
        }
        if (cut == SIZE_MAX)
            continue;
        part->text = str_take(part->text, cut);
        p->part_count = cut > 0 ? i + 1 : i;
        p->finish = FINISH_SEQUENCE;
        return;
    }
}

static int64_t part_tokens(const struct part *part)
{
    return part->kind == PART_IMAGE ? ASK_MEDIA_TOKENS : plan_tokens(part->text);
}

/* Cuts what lies beyond `max` tokens and sums up what is left. */
static void max_apply(struct plan *p, int64_t max)
{
    for (uint32_t i = 0; i < p->part_count; i++) {
        struct part *part = &p->parts[i];
        int64_t tokens = part_tokens(part);

        if (max >= 0 && p->usage.output + tokens > max) {
            tokens = max - p->usage.output;
            p->part_count = tokens > 0 && part->kind != PART_IMAGE ? i + 1 : i;
            part->text = utf8_clip(part->text, (size_t)tokens * 4);
            part->partial = true;
            p->finish = FINISH_LENGTH;
            p->stop_sequence = STR("");
            if (p->part_count == i)
                return;
        }
        p->usage.output += tokens;
        if (part->kind == PART_THINK)
            p->usage.thoughts += tokens;
    }
}

static int64_t smaller_limit(int64_t a, int64_t b)
{
    return a < 0 ? b : b < 0 ? a : a < b ? a : b;
}

void plan_make(struct plan *p, const struct plan_input *in, struct arena *a)
{
    const struct directives *d = in->directives;
    const uint64_t key[2] = { in->seed, UINT64_C(0x706c616e) };
    uint64_t hash = siphash(key, in->body), state = hash;
    uint64_t more = random_next(&state);

    *p = (struct plan){ .ask = in->ask,
                        .model = d->model.len > 0 ? d->model : in->ask->model,
                        .created = EPOCH + (int64_t)(in->seed % 86400),
                        .usage_off = d->usage == 0,
                        .ids_off = d->ids == 0,
                        .chunk = d->big_kib > 0 ? (size_t)d->big_kib << 10
                                 : d->chunk > 0 ? (size_t)d->chunk
                                                : PLAN_CHUNK };
    p->id = str_take(arena_printf(a, "%016" PRIx64 "%016" PRIx64, hash, more), 24);
    parts_make(p, in, a, hash);
    if (p->finish == FINISH_STOP)
        stops_apply(p);
    for (uint32_t i = 0; i < p->part_count && p->finish == FINISH_STOP; i++)
        if (p->parts[i].kind == PART_TOOL)
            p->finish = FINISH_TOOLS;
    p->usage = (struct plan_usage){ .prompt = in->ask->tokens,
                                    .cached = in->cache.read,
                                    .written = in->cache.written };
    max_apply(p, smaller_limit(in->ask->max_output, d->max));
    p->usage.output *= in->ask->choices;
    p->usage.thoughts *= in->ask->choices;
}

struct str plan_piece(struct str *rest, size_t chunk)
{
    struct str piece = utf8_clip(*rest, chunk);

    if (piece.len == 0) { /* a character longer than the chunk */
        size_t used = 0;

        (void)utf8_get(*rest, &used);
        piece = str_take(*rest, used);
    }
    *rest = str_drop(*rest, piece.len);
    return piece;
}
