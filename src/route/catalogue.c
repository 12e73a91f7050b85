#include "route/catalogue.h"

#define S(text)                \
    {                          \
        text, sizeof(text) - 1 \
    }
#define ANTIGRAVITY(id)         \
    {                           \
        S("antigravity"), S(id) \
    }
#define COPILOT(id)         \
    {                       \
        S("copilot"), S(id) \
    }
#define CODEX(id)         \
    {                     \
        S("codex"), S(id) \
    }

static const struct catalogue_model models[] = {
    ANTIGRAVITY("claude-haiku-4-5"),
    ANTIGRAVITY("claude-haiku-4-5-thinking"),
    ANTIGRAVITY("claude-opus-4"),
    ANTIGRAVITY("claude-opus-4-thinking"),
    ANTIGRAVITY("claude-opus-4-5-thinking"),
    ANTIGRAVITY("claude-opus-4-6"),
    ANTIGRAVITY("claude-opus-4-6-thinking"),
    ANTIGRAVITY("claude-sonnet-4"),
    ANTIGRAVITY("claude-sonnet-4-thinking"),
    ANTIGRAVITY("claude-sonnet-4-5"),
    ANTIGRAVITY("claude-sonnet-4-5-thinking"),
    ANTIGRAVITY("claude-sonnet-4-6"),
    ANTIGRAVITY("claude-sonnet-4-6-thinking"),
    ANTIGRAVITY("gemini-2.0-flash-exp"),
    ANTIGRAVITY("gemini-2.5-flash"),
    ANTIGRAVITY("gemini-2.5-flash-lite"),
    ANTIGRAVITY("gemini-2.5-flash-thinking"),
    ANTIGRAVITY("gemini-2.5-pro"),
    ANTIGRAVITY("gemini-3-flash"),
    ANTIGRAVITY("gemini-3-pro"),
    ANTIGRAVITY("gemini-3-pro-high"),
    ANTIGRAVITY("gemini-3-pro-image"),
    ANTIGRAVITY("gemini-3-pro-low"),
    ANTIGRAVITY("gpt-oss-120b"),
    ANTIGRAVITY("gpt-oss-120b-medium"),
    CODEX("gpt-5"),
    CODEX("gpt-5-codex"),
    CODEX("gpt-5-codex-mini"),
    CODEX("gpt-5.1"),
    CODEX("gpt-5.1-codex"),
    CODEX("gpt-5.1-codex-max"),
    CODEX("gpt-5.1-codex-mini"),
    CODEX("gpt-5.2"),
    CODEX("gpt-5.2-codex"),
    CODEX("gpt-5.3"),
    CODEX("gpt-5.3-codex"),
    COPILOT("claude-opus-4-5-thinking"),
    COPILOT("claude-sonnet-4-5"),
    COPILOT("claude-sonnet-4-5-thinking"),
    COPILOT("gpt-4.1"),
    COPILOT("gpt-4.1-mini"),
    COPILOT("gpt-4o"),
    COPILOT("gpt-4o-mini"),
};

const struct catalogue_model *catalogue_at(size_t i)
{
    return i < COUNT(models) ? &models[i] : NULL;
}

enum { SEES = 1, CALLS = 2, THINKS = 4, DRAWS = 8 };

/* The first that fits. Limits as the vendors publish them for their own services: the model pages
 * of docs.anthropic.com, developers.openai.com and ai.google.dev, and the card of gpt-oss; a
 * provider that resells a model may allow less, and says so in its list. */
static const struct {
    struct str pattern;
    int64_t in, out;
    unsigned can;
} traits[] = {
    { S("claude-3-5-haiku*"), 200000, 8192, SEES | CALLS },
    { S("claude-3-5-sonnet*"), 200000, 8192, SEES | CALLS },
    { S("claude-3-7-sonnet*"), 200000, 64000, SEES | CALLS | THINKS },
    { S("claude-3-*"), 200000, 4096, SEES | CALLS },
    { S("claude-opus-4-6*"), 200000, 128000, SEES | CALLS | THINKS },
    { S("claude-opus-4-5*"), 200000, 64000, SEES | CALLS | THINKS },
    { S("claude-opus-4*"), 200000, 32000, SEES | CALLS | THINKS },
    { S("claude-sonnet-4*"), 200000, 64000, SEES | CALLS | THINKS },
    { S("claude-haiku-4*"), 200000, 64000, SEES | CALLS | THINKS },
    { S("gemini-3-pro-image*"), 65536, 32768, SEES | THINKS | DRAWS },
    { S("gemini-3.1-flash-image*"), 65536, 32768, SEES | THINKS | DRAWS },
    { S("gemini-2.5-flash-image*"), 65536, 32768, SEES | DRAWS },
    { S("gemini-2.0-flash*"), 1048576, 8192, SEES | CALLS },
    { S("gemini-2.5-*"), 1048576, 65536, SEES | CALLS | THINKS },
    { S("gemini-3-*"), 1048576, 65536, SEES | CALLS | THINKS },
    { S("gemini-3.1-pro*"), 1048576, 65536, SEES | CALLS | THINKS },
    { S("gpt-oss-*"), 131072, 131072, CALLS | THINKS },
    { S("gpt-3.5-turbo*"), 16385, 4096, CALLS },
    { S("gpt-4.1*"), 1047576, 32768, SEES | CALLS },
    { S("gpt-4o*"), 128000, 16384, SEES | CALLS },
    { S("gpt-5-chat*"), 128000, 16384, SEES | CALLS },
    { S("gpt-5"), 272000, 128000, SEES | CALLS | THINKS },
    { S("gpt-5-*"), 272000, 128000, SEES | CALLS | THINKS },
    { S("gpt-5.1*"), 272000, 128000, SEES | CALLS | THINKS },
    { S("gpt-5.2*"), 272000, 128000, SEES | CALLS | THINKS },
    { S("gpt-5.3*"), 272000, 128000, SEES | CALLS | THINKS },
    { S("o3*"), 200000, 100000, SEES | CALLS | THINKS },
    { S("o4-mini*"), 200000, 100000, SEES | CALLS | THINKS },
};

bool model_traits_find(struct str model, struct model_traits *out)
{
    for (size_t i = 0; i < COUNT(traits); i++) {
        if (!str_matches(model, traits[i].pattern))
            continue;
        *out = (struct model_traits){ .tokens_in_max = traits[i].in,
                                      .tokens_out_max = traits[i].out,
                                      .vision = (traits[i].can & SEES) != 0,
                                      .tools = (traits[i].can & CALLS) != 0,
                                      .thinking = (traits[i].can & THINKS) != 0,
                                      .images = (traits[i].can & DRAWS) != 0 };
        return true;
    }
    return false;
}
