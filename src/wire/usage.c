#include "wire/usage.h"

#define NAME(lit)               \
    {                           \
        "" lit, sizeof(lit) - 1 \
    }

/* The node's number when it is there and not negative, else `otherwise`. */
static int64_t number(const struct json *doc, uint32_t node, int64_t otherwise)
{
    int64_t n;

    return node != JSON_NONE && json_i64(doc, node, &n) && n >= 0 ? n : otherwise;
}

/* A number in an object that may not be there. */
static int64_t number_in(const struct json *doc, uint32_t object, struct str name,
                         int64_t otherwise)
{
    uint32_t node = object == JSON_NONE ? JSON_NONE : json_member(doc, object, name, NULL);

    return number(doc, node, otherwise);
}

static bool is_object(const struct json *doc, uint32_t node)
{
    return node != JSON_NONE && json_type(doc, node) == JSON_OBJECT;
}

/* Sums that no real answer reaches are garbage; the clamp keeps arithmetic from overflowing. */
static int64_t sum(int64_t a, int64_t b)
{
    int64_t n;

    a = a < 0 ? 0 : a;
    b = b < 0 ? 0 : b;
    return __builtin_add_overflow(a, b, &n) ? INT64_MAX : n;
}

static void read_openai(struct usage *u, const struct json *doc, uint32_t node, bool responses)
{
    enum { IN, OUT, TOTAL, IN_MORE, OUT_MORE, CACHE_HIT, NAMES };
    static const struct str names[2][NAMES] = {
        { [IN] = NAME("prompt_tokens"),
          [OUT] = NAME("completion_tokens"),
          [TOTAL] = NAME("total_tokens"),
          [IN_MORE] = NAME("prompt_tokens_details"),
          [OUT_MORE] = NAME("completion_tokens_details"),
          [CACHE_HIT] = NAME("prompt_cache_hit_tokens") },
        { [IN] = NAME("input_tokens"),
          [OUT] = NAME("output_tokens"),
          [TOTAL] = NAME("total_tokens"),
          [IN_MORE] = NAME("input_tokens_details"),
          [OUT_MORE] = NAME("output_tokens_details"),
          [CACHE_HIT] = NAME("prompt_cache_hit_tokens") },
    };
    uint32_t nodes[NAMES];

    (void)json_members(doc, node, names[responses], nodes, NAMES);
    u->in = number(doc, nodes[IN], u->in);
    u->out = number(doc, nodes[OUT], u->out);
    if (is_object(doc, nodes[IN_MORE])) {
        u->cache_read = number_in(doc, nodes[IN_MORE], STR("cached_tokens"), u->cache_read);
        u->cache_write = number_in(doc, nodes[IN_MORE], STR("cache_write_tokens"), u->cache_write);
    } else { /* DeepSeek's own spelling */
        u->cache_read = number(doc, nodes[CACHE_HIT], u->cache_read);
    }
    if (is_object(doc, nodes[OUT_MORE]))
        u->reasoning = number_in(doc, nodes[OUT_MORE], STR("reasoning_tokens"), u->reasoning);
    /* some servers count reasoning beside completion: their total tells */
    if (u->reasoning > 0 && u->in >= 0 && u->out >= 0 &&
        number(doc, nodes[TOTAL], -1) == sum(sum(u->in, u->out), u->reasoning))
        u->out = sum(u->out, u->reasoning);
}

static void read_anthropic(struct usage *u, const struct json *doc, uint32_t node)
{
    enum { IN, OUT, CACHE_READ, CACHE_WRITE, OUT_MORE, NAMES };
    static const struct str names[NAMES] = {
        [IN] = NAME("input_tokens"),
        [OUT] = NAME("output_tokens"),
        [CACHE_READ] = NAME("cache_read_input_tokens"),
        [CACHE_WRITE] = NAME("cache_creation_input_tokens"),
        [OUT_MORE] = NAME("output_tokens_details"),
    };
    uint32_t nodes[NAMES];
    /* `in` was stored as a sum; the parts of an earlier event are taken out of it again */
    int64_t fresh = u->in < 0 ? -1 : u->in - sum(u->cache_read, 0) - sum(u->cache_write, 0);

    (void)json_members(doc, node, names, nodes, NAMES);
    fresh = number(doc, nodes[IN], fresh);
    u->cache_read = number(doc, nodes[CACHE_READ], u->cache_read);
    u->cache_write = number(doc, nodes[CACHE_WRITE], u->cache_write);
    if (fresh >= 0)
        u->in = sum(sum(fresh, u->cache_read), u->cache_write);
    u->out = number(doc, nodes[OUT], u->out);
    if (is_object(doc, nodes[OUT_MORE]))
        u->reasoning = number_in(doc, nodes[OUT_MORE], STR("thinking_tokens"), u->reasoning);
}

static void read_gemini(struct usage *u, const struct json *doc, uint32_t node)
{
    enum { PROMPT, TOOL, CANDIDATES, THOUGHTS, TOTAL, CACHED, NAMES };
    static const struct str names[NAMES] = {
        [PROMPT] = NAME("promptTokenCount"),         [TOOL] = NAME("toolUsePromptTokenCount"),
        [CANDIDATES] = NAME("candidatesTokenCount"), [THOUGHTS] = NAME("thoughtsTokenCount"),
        [TOTAL] = NAME("totalTokenCount"),           [CACHED] = NAME("cachedContentTokenCount"),
    };
    uint32_t nodes[NAMES];

    (void)json_members(doc, node, names, nodes, NAMES);
    int64_t prompt = number(doc, nodes[PROMPT], -1), tool = number(doc, nodes[TOOL], 0);
    int64_t candidates = number(doc, nodes[CANDIDATES], -1);
    int64_t thoughts = number(doc, nodes[THOUGHTS], -1);

    if (prompt >= 0)
        u->in = sum(prompt, tool);
    u->cache_read = number(doc, nodes[CACHED], u->cache_read);
    if (thoughts >= 0)
        u->reasoning = thoughts;
    if (candidates >= 0 || thoughts >= 0) {
        int64_t total = number(doc, nodes[TOTAL], -1);
        bool included = thoughts > 0 && total >= 0 && total == sum(sum(prompt, tool), candidates);

        u->out = included ? candidates : sum(candidates, thoughts);
    }
}

void usage_read(struct usage *u, enum wire wire, const struct json *doc, uint32_t node)
{
    if (node == JSON_NONE || json_type(doc, node) != JSON_OBJECT)
        return;
    switch (wire) {
    case WIRE_OPENAI_CHAT:
        read_openai(u, doc, node, false);
        break;
    case WIRE_OPENAI_RESPONSES:
        read_openai(u, doc, node, true);
        break;
    case WIRE_ANTHROPIC:
        read_anthropic(u, doc, node);
        break;
    case WIRE_GEMINI:
    case WIRE_CLOUDCODE:
        read_gemini(u, doc, node);
        break;
    case WIRES:
        assert(false); /* no wire */
    }
    /* what was not said is no less than what is known of it */
    if (u->in < 0 && sum(u->cache_read, u->cache_write) > 0)
        u->in = sum(u->cache_read, u->cache_write);
    if (u->out < 0 && u->reasoning > 0)
        u->out = u->reasoning;
    if (u->in >= 0 && sum(u->cache_read, u->cache_write) > u->in) {
        u->cache_read = u->cache_read > u->in ? u->in : u->cache_read;
        u->cache_write =
            u->cache_write > u->in - u->cache_read ? u->in - u->cache_read : u->cache_write;
    }
    if (u->out >= 0 && u->reasoning > u->out)
        u->reasoning = u->out;
}

static int64_t both(int64_t one, int64_t two)
{
    return one < 0 && two < 0 ? -1 : sum(one, two);
}

struct usage usage_sum(const struct usage *one, const struct usage *two)
{
    return (struct usage){
        .in = both(one->in, two->in),
        .out = both(one->out, two->out),
        .cache_read = both(one->cache_read, two->cache_read),
        .cache_write = both(one->cache_write, two->cache_write),
        .reasoning = both(one->reasoning, two->reasoning),
    };
}
