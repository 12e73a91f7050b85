/* provider/capabilities.c - what the account's owner says of an upstream: what of its wire it
 * lacks, and what it has beyond. One table gives names, meaning and what is wrong with them. */
#include "provider/provider_int.h"

#include "base/json.h"

/* Every capability is a yes or no with the wire's own answer as its default. */
static const struct capability {
    const char *name;
    size_t at;
    bool lack; /* `false` is worth noting; else `true` is */
} capabilities[] = {
#define LACK(member)                                           \
    {                                                          \
#member, offsetof(struct upstream, lacks.member), true \
    }
#define EXTRA(member)                                            \
    {                                                            \
#member, offsetof(struct upstream, extras.member), false \
    }
    LACK(stream_options),
    LACK(max_completion_tokens),
    LACK(max_tokens),
    LACK(developer_role),
    LACK(parallel_tool_calls),
    LACK(reasoning_effort),
    LACK(json_schema),
    LACK(strict),
    LACK(array_content),
    LACK(null_content),
    LACK(sampling),
    LACK(tools),
    LACK(images),
    LACK(json_schema_parameters),
    LACK(thinking),
    EXTRA(top_k),
    EXTRA(replay_reasoning),
#undef LACK
#undef EXTRA
};

#define TOOL_ID_LEN_MAX 64

static enum status take_flag(struct upstream *u, const struct capability *c, const struct json *doc,
                             uint32_t node, struct error *e)
{
    enum json_type type = json_type(doc, node);
    bool yes = type == JSON_TRUE;

    if (type != JSON_TRUE && type != JSON_FALSE)
        return fail(e, E_SYNTAX, "capabilities.%s: is neither true nor false", c->name);
    *(bool *)((char *)u + c->at) = c->lack ? !yes : yes;
    return OK;
}

static enum status take_member(struct upstream *u, const struct json *doc, uint32_t key,
                               struct error *e)
{
    uint32_t value = key + 1;
    int64_t n;

    for (size_t i = 0; i < COUNT(capabilities); i++)
        if (json_says(doc, key, str_c(capabilities[i].name)))
            return take_flag(u, &capabilities[i], doc, value, e);
    if (json_says(doc, key, STR("tool_id_len"))) {
        if (json_type(doc, value) != JSON_NUMBER || !json_i64(doc, value, &n) || n < 0 ||
            n > TOOL_ID_LEN_MAX)
            return fail(e, E_SYNTAX, "capabilities.tool_id_len: must be a number from 0 to %d",
                        TOOL_ID_LEN_MAX);
        u->extras.tool_id_len = (uint32_t)n;
        return OK;
    }
    return OK; /* a word of a later version: kept in the settings, without meaning here */
}

enum status capabilities_read(struct upstream *u, struct str text, struct error *e)
{
    struct json doc;

    text = str_trim(text);
    if (text.len == 0)
        return OK;
    if (!json_parse(&doc, text, NULL, &u->arena, NULL) || json_type(&doc, 0) != JSON_OBJECT)
        return fail(e, E_SYNTAX, "capabilities: is no JSON object");
    for (uint32_t key = json_first(&doc, 0); key != JSON_NONE;) {
        enum status st = take_member(u, &doc, key, e);

        if (st != OK)
            return st;
        key = json_after(&doc, 0, key + 1);
    }
    return OK;
}
