#include "route/preset.h"

#define RULE(from, to)              \
    {                               \
        { from, sizeof(from) - 1 }, \
        {                           \
            to, sizeof(to) - 1      \
        }                           \
    }

static const struct mapping_spec gpt_to_gemini[] = {
    RULE("gpt-*-mini*", "gemini-3-flash"), RULE("gpt-*-nano*", "gemini-3-flash"),
    RULE("gpt-*", "gemini-3-pro"),         RULE("o3*", "gemini-3-pro"),
    RULE("o4-mini*", "gemini-3-flash"),
};
static const struct mapping_spec claude_code_on_gemini[] = {
    RULE("claude-opus-*", "gemini-3-pro"),
    RULE("claude-sonnet-*", "gemini-3-pro"),
    RULE("claude-haiku-*", "gemini-3-flash"),
    RULE("claude-3-*-haiku*", "gemini-3-flash"),
};
static const struct mapping_spec gpt_to_claude[] = {
    RULE("gpt-*-mini*", "claude-haiku-4-5"),
    RULE("gpt-*-nano*", "claude-haiku-4-5"),
    RULE("gpt-*", "claude-sonnet-4-5"),
};
static const struct mapping_spec claude_to_gpt[] = {
    RULE("claude-opus-*", "gpt-5.2"),
    RULE("claude-sonnet-*", "gpt-5.2"),
    RULE("claude-haiku-*", "gpt-5.1-codex-mini"),
};
static const struct mapping_spec cheap_background[] = {
    RULE("claude-haiku-*", "gemini-2.5-flash"),
    RULE("claude-3-*-haiku*", "gemini-2.5-flash"),
    RULE("gpt-*-nano*", "gemini-2.5-flash"),
};

static const struct route_preset presets[] = {
    { "gpt-to-gemini", "Everything GPT to Gemini",
      "Programs that ask for GPT models are served by Gemini, the small ones by Flash.",
      gpt_to_gemini, COUNT(gpt_to_gemini) },
    { "claude-code-on-gemini", "Claude Code on Gemini",
      "Opus and Sonnet become Gemini Pro, Haiku becomes Flash.", claude_code_on_gemini,
      COUNT(claude_code_on_gemini) },
    { "gpt-to-claude", "Everything GPT to Claude",
      "Programs that ask for GPT models are served by Sonnet, the small ones by Haiku.",
      gpt_to_claude, COUNT(gpt_to_claude) },
    { "claude-to-gpt", "Everything Claude to GPT",
      "Programs that ask for Claude models are served by GPT.", claude_to_gpt,
      COUNT(claude_to_gpt) },
    { "cheap-background", "Cheap background tasks",
      "The small models that agents use for titles and summaries become Gemini 2.5 Flash.",
      cheap_background, COUNT(cheap_background) },
};

const struct route_preset *route_preset_at(size_t i)
{
    return i < COUNT(presets) ? &presets[i] : NULL;
}
