#include "provider/repair.h"

#define WIRES_ALL (WIRE_BIT(WIRES) - 1)
#define OPENAI (WIRE_BIT(WIRE_OPENAI_CHAT) | WIRE_BIT(WIRE_OPENAI_RESPONSES))
#define CHAT WIRE_BIT(WIRE_OPENAI_CHAT)
#define GOOGLE (WIRE_BIT(WIRE_GEMINI) | WIRE_BIT(WIRE_CLOUDCODE))

/* A word of the refusal (its `param`, or its sentence), what the target lacks by it, and how a body
 * that passes is mended. The first row that fits counts, so longer words come first. */
static const struct row {
    const char *word;
    uint32_t wires;
    size_t lack; /* offset in struct wire_lacks */
    bool passes; /* the member of that name may be left out */
    const char *rename;
} rows[] = {
#define LACK(member) offsetof(struct wire_lacks, member)
    { "signature", WIRES_ALL, LACK(signatures), false, NULL },
    { "encrypted_content", WIRES_ALL, LACK(signatures), false, NULL },
    { "encrypted content", WIRES_ALL, LACK(signatures), false, NULL },
    { "parametersjsonschema", GOOGLE, LACK(json_schema_parameters), false, NULL },
    { "parameters_json_schema", GOOGLE, LACK(json_schema_parameters), false, NULL },
    { "responsejsonschema", GOOGLE, LACK(json_schema_parameters), false, NULL },
    { "response_json_schema", GOOGLE, LACK(json_schema_parameters), false, NULL },
    { "thinking", WIRES_ALL, LACK(thinking), true, NULL },
    { "max_completion_tokens", CHAT, LACK(max_completion_tokens), true, "max_tokens" },
    { "max_tokens", CHAT, LACK(max_tokens), true, "max_completion_tokens" },
    { "stream_options", CHAT, LACK(stream_options), true, NULL },
    { "parallel_tool_calls", OPENAI, LACK(parallel_tool_calls), true, NULL },
    { "reasoning_effort", CHAT, LACK(reasoning_effort), true, NULL },
    { "reasoning", OPENAI, LACK(reasoning_effort), true, NULL },
    { "temperature", WIRES_ALL, LACK(sampling), true, NULL },
    { "top_p", WIRES_ALL, LACK(sampling), true, NULL },
    { "top_k", WIRES_ALL, LACK(sampling), true, NULL },
    { "presence_penalty", OPENAI, LACK(sampling), true, NULL },
    { "frequency_penalty", OPENAI, LACK(sampling), true, NULL },
    { "presencepenalty", GOOGLE, LACK(sampling), false, NULL },
    { "frequencypenalty", GOOGLE, LACK(sampling), false, NULL },
    { "response_format", CHAT, LACK(json_schema), false, NULL },
    { "text.format", OPENAI, LACK(json_schema), false, NULL },
    { "output_config.format", WIRE_BIT(WIRE_ANTHROPIC), LACK(json_schema), false, NULL },
    { "strict", WIRES_ALL, LACK(strict), false, NULL },
    { "developer", OPENAI, LACK(developer_role), false, NULL },
#undef LACK
};

bool provider_repair(enum wire wire, const struct judge_words *words, struct repair *out)
{
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct str word = str_c(rows[i].word);

        if ((rows[i].wires & WIRE_BIT(wire)) == 0 || (str_ifind(words->param, word) == SIZE_MAX &&
                                                      str_ifind(words->message, word) == SIZE_MAX &&
                                                      str_ifind(words->code, word) == SIZE_MAX))
            continue;
        *out = (struct repair){ .lacks = { .tools = false } };
        *(bool *)((char *)&out->lacks + rows[i].lack) = true;
        /* members of Google's requests lie deeper */
        if (rows[i].passes && (WIRE_BIT(wire) & GOOGLE) == 0)
            out->change = (struct wire_change){ word, str_c(rows[i].rename) };
        return true;
    }
    return false;
}
