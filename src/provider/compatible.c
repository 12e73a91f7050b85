/* provider/compatible.c - anything that speaks one of the wires at an address the user gives:
 * OpenRouter, DeepSeek, Ollama, vLLM, llama.cpp, Cloud Code, another Penstock. The wire decides how
 * it is addressed. Source: docs/providers/compatible.md. */
#include "provider/provider_int.h"

const struct provider provider_compatible = {
    .name = TEXT("compatible"),
    .wires = WIRE_BIT(WIRE_OPENAI_CHAT) | WIRE_BIT(WIRE_OPENAI_RESPONSES) |
             WIRE_BIT(WIRE_ANTHROPIC) | WIRE_BIT(WIRE_GEMINI) | WIRE_BIT(WIRE_CLOUDCODE),
    .own_wire = true,
    .keyless = true,
};
