#include "wire/usage.h"

/* The member's number when it is there and not negative, else `otherwise`. */
static int64_t number(const struct json *doc, uint32_t object, struct str name, int64_t otherwise)
{
    uint32_t node = object == JSON_NONE ? JSON_NONE : json_member(doc, object, name, NULL);
    int64_t n;

    return node != JSON_NONE && json_i64(doc, node, &n) && n >= 0 ? n : otherwise;
}

static uint32_t object_in(const struct json *doc, uint32_t object, struct str name)
{
    uint32_t node = json_member(doc, object, name, NULL);

    return node != JSON_NONE && json_type(doc, node) == JSON_OBJECT ? node : JSON_NONE;
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
    struct str in = responses ? STR("input_tokens") : STR("prompt_tokens");
    struct str out = responses ? STR("output_tokens") : STR("completion_tokens");
    uint32_t in_more = object_in(
        doc, node, responses ? STR("input_tokens_details") : STR("prompt_tokens_details"));
    uint32_t out_more = object_in(
        doc, node, responses ? STR("output_tokens_details") : STR("completion_tokens_details"));
    int64_t total = number(doc, node, STR("total_tokens"), -1);

    u->in = number(doc, node, in, u->in);
    u->out = number(doc, node, out, u->out);
    u->cache_read = number(doc, in_more, STR("cached_tokens"), u->cache_read);
    if (in_more == JSON_NONE) /* DeepSeek's own spelling */
        u->cache_read = number(doc, node, STR("prompt_cache_hit_tokens"), u->cache_read);
    u->cache_write = number(doc, in_more, STR("cache_write_tokens"), u->cache_write);
    u->reasoning = number(doc, out_more, STR("reasoning_tokens"), u->reasoning);
    /* some servers count reasoning beside completion: their total tells */
    if (u->reasoning > 0 && u->in >= 0 && u->out >= 0 &&
        total == sum(sum(u->in, u->out), u->reasoning))
        u->out = sum(u->out, u->reasoning);
}

static void read_anthropic(struct usage *u, const struct json *doc, uint32_t node)
{
    uint32_t more = object_in(doc, node, STR("output_tokens_details"));
    /* `in` was stored as a sum; the parts of an earlier event are taken out of it again */
    int64_t fresh = u->in < 0 ? -1 : u->in - sum(u->cache_read, 0) - sum(u->cache_write, 0);

    fresh = number(doc, node, STR("input_tokens"), fresh);
    u->cache_read = number(doc, node, STR("cache_read_input_tokens"), u->cache_read);
    u->cache_write = number(doc, node, STR("cache_creation_input_tokens"), u->cache_write);
    if (fresh >= 0)
        u->in = sum(sum(fresh, u->cache_read), u->cache_write);
    u->out = number(doc, node, STR("output_tokens"), u->out);
    u->reasoning = number(doc, more, STR("thinking_tokens"), u->reasoning);
}

static void read_gemini(struct usage *u, const struct json *doc, uint32_t node)
{
    int64_t prompt = number(doc, node, STR("promptTokenCount"), -1);
    int64_t tool = number(doc, node, STR("toolUsePromptTokenCount"), 0);
    int64_t candidates = number(doc, node, STR("candidatesTokenCount"), -1);
    int64_t thoughts = number(doc, node, STR("thoughtsTokenCount"), -1);
    int64_t total = number(doc, node, STR("totalTokenCount"), -1);

    if (prompt >= 0)
        u->in = sum(prompt, tool);
    u->cache_read = number(doc, node, STR("cachedContentTokenCount"), u->cache_read);
    if (thoughts >= 0)
        u->reasoning = thoughts;
    if (candidates >= 0 || thoughts >= 0) {
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
    if (u->in >= 0 && sum(u->cache_read, u->cache_write) > u->in) {
        u->cache_read = u->cache_read > u->in ? u->in : u->cache_read;
        u->cache_write =
            u->cache_write > u->in - u->cache_read ? u->in - u->cache_read : u->cache_write;
    }
    if (u->out >= 0 && u->reasoning > u->out)
        u->reasoning = u->out;
}
