/* provider/quota_group.c - which models of a family draw on one allowance, where that is not each
 * model its own. */
#include "provider/provider_int.h"

static bool has(struct str model, const char *word)
{
    return str_ifind(model, str_c(word)) != SIZE_MAX;
}

struct str quota_group_antigravity(struct str model)
{
    if (has(model, "claude") || has(model, "gpt"))
        return STR("claude_gpt");
    if (has(model, "gemini") && has(model, "pro"))
        return STR("gpro");
    if (has(model, "gemini") && has(model, "flash"))
        return STR("gflash");
    return model;
}

struct str quota_group_codex(struct str model)
{
    (void)model; /* its windows are the account's */
    return STR("codex");
}

/* Models that every plan includes cost no premium requests (docs/providers/copilot.md). */
struct str quota_group_copilot(struct str model)
{
    static const struct str included[] = { STR("gpt-4o"), STR("gpt-4.1"), STR("gpt-5-mini") };

    for (size_t i = 0; i < COUNT(included); i++)
        if (str_istarts(model, included[i]))
            return included[i];
    return STR("premium");
}
