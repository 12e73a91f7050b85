#include "wire/token_count.h"

#include "base/json_write.h"

static const char *const names[WIRES] = {
    [WIRE_OPENAI_CHAT] = "input_tokens", [WIRE_OPENAI_RESPONSES] = "input_tokens",
    [WIRE_ANTHROPIC] = "input_tokens",   [WIRE_GEMINI] = "totalTokens",
    [WIRE_CLOUDCODE] = "totalTokens",
};

bool token_count_read(enum wire wire, struct str body, struct arena *a, int64_t *tokens)
{
    struct json doc;

    if (!json_parse(&doc, body, &(struct json_limits){ .depth_kept = 1 }, a, NULL))
        return false;
    uint32_t node = json_member(&doc, 0, str_c(names[wire]), NULL);

    return node != JSON_NONE && json_type(&doc, node) == JSON_NUMBER &&
           json_i64(&doc, node, tokens) && *tokens >= 0;
}

void token_count_put(enum wire protocol, int64_t tokens, struct buf *out)
{
    struct json_writer w = json_writer(out);

    json_put_object(&w);
    if (protocol == WIRE_OPENAI_RESPONSES)
        json_put_member(&w, "object", STR("response.input_tokens"));
    json_put_member_i64(&w, names[protocol], tokens);
    json_put_end(&w);
}
