#include "provider/repair.h"

#define WIRES_ALL (WIRE_BIT(WIRES) - 1)
#define OPENAI (WIRE_BIT(WIRE_OPENAI_CHAT) | WIRE_BIT(WIRE_OPENAI_RESPONSES))
#define CHAT WIRE_BIT(WIRE_OPENAI_CHAT)
#define GOOGLE (WIRE_BIT(WIRE_GEMINI) | WIRE_BIT(WIRE_CLOUDCODE))

/* A word of the refusal (its `param`, or its sentence), what the target lacks by it, and how a body
 * that passes is mended. Of two words that begin at the same place the longer one comes first. */
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

/* The row whose word stands in the text first: a refusal names what it refuses before it says what
 * to use instead. */
static const struct row *row_in(enum wire wire, struct str text)
{
    const struct row *found = NULL;
    size_t best = SIZE_MAX;

    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t at =
            (rows[i].wires & WIRE_BIT(wire)) != 0 ? str_ifind(text, str_c(rows[i].word)) : SIZE_MAX;

        if (at < best) {
            best = at;
            found = &rows[i];
        }
    }
    return found;
}

/* The code tells of signatures, the param names the member; only without them the sentence counts.
 */
static const struct row *row_of(enum wire wire, const struct judge_words *words)
{
    const struct row *found = row_in(wire, words->code);

    if (found == NULL)
        found = row_in(wire, words->param.len > 0 ? words->param : words->message);
    return found;
}

bool provider_repair(enum wire wire, const struct judge_words *words, struct repair *out)
{
    const struct row *row = row_of(wire, words);

    if (row == NULL)
        return false;
    *out = (struct repair){ .lacks = { .tools = false } };
    *(bool *)((char *)&out->lacks + row->lack) = true;
    /* members of Google's requests lie deeper */
    if (row->passes && (WIRE_BIT(wire) & GOOGLE) == 0)
        out->change = (struct wire_change){ str_c(row->word), str_c(row->rename) };
    return true;
}
