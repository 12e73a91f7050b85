/* tests/unit/wire/test_fields.c - nothing that a client says vanishes in silence.
 *
 * Each member of each protocol's request is given alone, for every wire. Either the upstream's body
 * is another one than without it, or the member's path is among the losses, or the request is
 * refused by that path, or it is something that we do ourselves (a stop sequence that the target
 * does not know). */
#include "translation_rig.h"

#include "test.h"

struct given {
    const char *member; /* as JSON, added to the request */
    const char *path;   /* what a loss is called; another name for it behind `|` */
    bool ours;          /* changes nothing but the answer, which is ours to make; or asks for what
                           some models do anyway */
};

static const struct given chat[] = {
    { "\"max_completion_tokens\":77", "max_completion_tokens", false },
    { "\"max_tokens\":77", "max_tokens", false },
    { "\"temperature\":0.3", "temperature", false },
    { "\"top_p\":0.3", "top_p", false },
    { "\"top_k\":3", "top_k", false },
    { "\"min_p\":0.3", "min_p", false },
    { "\"frequency_penalty\":0.3", "frequency_penalty", false },
    { "\"presence_penalty\":0.3", "presence_penalty", false },
    { "\"repetition_penalty\":1.3", "repetition_penalty", false },
    { "\"seed\":3", "seed", false },
    { "\"stop\":[\"x\"]", "stop", true },
    { "\"n\":2", "n", false },
    { "\"logprobs\":true", "logprobs", false },
    { "\"logprobs\":true,\"top_logprobs\":3", "top_logprobs", false },
    { "\"logit_bias\":{\"5\":1}", "logit_bias", false },
    { "\"response_format\":{\"type\":\"json_object\"}", "response_format", false },
    { "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"x\",\"schema\":{"
      "\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}}}}}",
      "response_format", false },
    { "\"reasoning_effort\":\"low\"", "reasoning_effort", false },
    { "\"verbosity\":\"low\"", "verbosity", false },
    { "\"modalities\":[\"text\",\"audio\"],\"audio\":{\"format\":\"wav\",\"voice\":\"alloy\"}",
      "audio|modalities", false },
    { "\"prediction\":{\"type\":\"content\",\"content\":\"x\"}", "prediction", false },
    { "\"tool_choice\":\"required\"", "tool_choice", false },
    { "\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"f\"}}", "tool_choice",
      false },
    { "\"tool_choice\":\"none\"", "tool_choice", false },
    { "\"parallel_tool_calls\":false", "parallel_tool_calls", false },
    { "\"service_tier\":\"flex\"", "service_tier", false },
    { "\"service_tier\":\"priority\"", "service_tier", false },
    { "\"prompt_cache_key\":\"k\"", "prompt_cache_key", false },
    { "\"prompt_cache_options\":{\"mode\":\"explicit\"}", "prompt_cache_options", false },
    { "\"prompt_cache_retention\":\"24h\"", "prompt_cache_retention", false },
    { "\"user\":\"u\"", "user", false },
    { "\"safety_identifier\":\"u\"", "safety_identifier", false },
    { "\"metadata\":{\"a\":\"b\"}", "metadata", false },
    { "\"store\":true", "store", false },
    { "\"web_search_options\":{}", "web_search_options", false },
    { "\"moderation\":{\"model\":\"x\"}", "moderation", false },
    { "\"stream_options\":{\"include_usage\":true}", "stream_options", true },
    { "\"made_up\":{\"a\":1}", "made_up", false },
};

static const struct given responses[] = {
    { "\"instructions\":\"be brief\"", "instructions", false },
    { "\"max_output_tokens\":77", "max_output_tokens", false },
    { "\"max_tool_calls\":3", "max_tool_calls", false },
    { "\"temperature\":0.3", "temperature", false },
    { "\"top_p\":0.3", "top_p", false },
    { "\"top_logprobs\":3", "top_logprobs", false },
    { "\"text\":{\"verbosity\":\"low\"}", "text.verbosity", false },
    { "\"text\":{\"format\":{\"type\":\"json_object\"}}", "text.format", false },
    { "\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"x\",\"schema\":{\"type\":"
      "\"object\",\"properties\":{\"a\":{\"type\":\"string\"}}}}}",
      "text.format", false },
    { "\"reasoning\":{\"effort\":\"low\"}", "reasoning.effort", false },
    { "\"reasoning\":{\"summary\":\"detailed\"}", "reasoning.summary", true },
    { "\"reasoning\":{\"context\":\"current_turn\"}", "reasoning.context", false },
    { "\"reasoning\":{\"mode\":\"pro\"}", "reasoning.mode", false },
    { "\"tool_choice\":\"required\"", "tool_choice", false },
    { "\"tool_choice\":{\"type\":\"function\",\"name\":\"f\"}", "tool_choice", false },
    { "\"parallel_tool_calls\":false", "parallel_tool_calls", false },
    { "\"service_tier\":\"flex\"", "service_tier", false },
    { "\"prompt_cache_key\":\"k\"", "prompt_cache_key", false },
    { "\"prompt_cache_options\":{\"mode\":\"explicit\"}", "prompt_cache_options", false },
    { "\"user\":\"u\"", "user", false },
    { "\"safety_identifier\":\"u\"", "safety_identifier", false },
    { "\"metadata\":{\"a\":\"b\"}", "metadata", false },
    { "\"truncation\":\"auto\"", "truncation", false },
    { "\"background\":true", "background", false },
    { "\"conversation\":\"conv_1\"", "conversation", false },
    { "\"previous_response_id\":\"resp_1\"", "previous_response_id", false },
    { "\"prompt\":{\"id\":\"p\"}", "prompt", false },
    { "\"context_management\":[{\"type\":\"compaction\"}]", "context_management", false },
    { "\"include\":[\"message.output_text.logprobs\"]", "include", false },
    { "\"stream_options\":{\"include_obfuscation\":false}", "stream_options", true },
    { "\"made_up\":[1]", "made_up", false },
};

static const struct given anthropic[] = {
    { "\"system\":\"be brief\"", "system", false },
    { "\"temperature\":0.3", "temperature", false },
    { "\"top_p\":0.3", "top_p", false },
    { "\"top_k\":3", "top_k", false },
    { "\"stop_sequences\":[\"x\"]", "stop_sequences", true },
    { "\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":2000}", "thinking", false },
    { "\"thinking\":{\"type\":\"adaptive\"}", "thinking", true },
    { "\"thinking\":{\"type\":\"disabled\"}", "thinking", true },
    { "\"output_config\":{\"effort\":\"low\"}", "output_config.effort", false },
    { "\"output_config\":{\"format\":{\"type\":\"json_schema\",\"schema\":{\"type\":\"object\","
      "\"properties\":{\"a\":{\"type\":\"string\"}},\"additionalProperties\":false}}}",
      "output_config.format", false },
    { "\"tool_choice\":{\"type\":\"any\"}", "tool_choice", false },
    { "\"tool_choice\":{\"type\":\"tool\",\"name\":\"f\"}", "tool_choice", false },
    { "\"tool_choice\":{\"type\":\"auto\",\"disable_parallel_tool_use\":true}",
      "tool_choice.disable_parallel_tool_use", false },
    { "\"metadata\":{\"user_id\":\"u\"}", "metadata.user_id", false },
    { "\"service_tier\":\"standard_only\"", "service_tier", false },
    { "\"speed\":\"fast\"", "speed", false },
    { "\"cache_control\":{\"type\":\"ephemeral\"}", "cache_control", false },
    { "\"container\":\"c\"", "container", false },
    { "\"inference_geo\":\"us\"", "inference_geo", false },
    { "\"mcp_servers\":[{\"type\":\"url\",\"name\":\"x\",\"url\":\"https://example.org\"}]",
      "mcp_servers", false },
    { "\"context_management\":{\"edits\":[]}", "context_management", false },
    { "\"made_up\":true", "made_up", false },
};

static const struct given gemini[] = {
    { "\"systemInstruction\":{\"parts\":[{\"text\":\"be brief\"}]}", "systemInstruction", false },
    { "\"generationConfig\":{\"maxOutputTokens\":77}", "generationConfig.maxOutputTokens", false },
    { "\"generationConfig\":{\"temperature\":0.3}", "generationConfig.temperature", false },
    { "\"generationConfig\":{\"topP\":0.3}", "generationConfig.topP", false },
    { "\"generationConfig\":{\"topK\":3}", "generationConfig.topK", false },
    { "\"generationConfig\":{\"candidateCount\":2}", "generationConfig.candidateCount", false },
    { "\"generationConfig\":{\"stopSequences\":[\"x\"]}", "generationConfig.stopSequences", true },
    { "\"generationConfig\":{\"presencePenalty\":0.3}", "generationConfig.presencePenalty", false },
    { "\"generationConfig\":{\"frequencyPenalty\":0.3}", "generationConfig.frequencyPenalty",
      false },
    { "\"generationConfig\":{\"seed\":3}", "generationConfig.seed", false },
    { "\"generationConfig\":{\"responseLogprobs\":true}", "generationConfig.responseLogprobs",
      false },
    { "\"generationConfig\":{\"responseLogprobs\":true,\"logprobs\":3}",
      "generationConfig.logprobs", false },
    { "\"generationConfig\":{\"responseMimeType\":\"application/json\"}",
      "generationConfig.responseMimeType", false },
    { "\"generationConfig\":{\"responseMimeType\":\"application/json\",\"responseSchema\":{"
      "\"type\":\"OBJECT\",\"properties\":{\"a\":{\"type\":\"STRING\"}}}}",
      "generationConfig.responseSchema", false },
    { "\"generationConfig\":{\"responseModalities\":[\"TEXT\",\"IMAGE\"]}",
      "generationConfig.responseModalities", false },
    { "\"generationConfig\":{\"imageConfig\":{\"aspectRatio\":\"16:9\"}}",
      "generationConfig.imageConfig", false },
    { "\"generationConfig\":{\"thinkingConfig\":{\"thinkingBudget\":2000}}",
      "generationConfig.thinkingConfig.thinkingBudget", false },
    { "\"generationConfig\":{\"thinkingConfig\":{\"thinkingLevel\":\"LOW\"}}",
      "generationConfig.thinkingConfig.thinkingLevel", false },
    { "\"generationConfig\":{\"thinkingConfig\":{\"includeThoughts\":true}}",
      "generationConfig.thinkingConfig.includeThoughts", true },
    { "\"generationConfig\":{\"speechConfig\":{}}", "generationConfig.speechConfig", false },
    { "\"generationConfig\":{\"mediaResolution\":\"MEDIA_RESOLUTION_LOW\"}",
      "generationConfig.mediaResolution", false },
    { "\"generationConfig\":{\"madeUp\":1}", "generationConfig.madeUp", false },
    { "\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"ANY\"}}",
      "toolConfig.functionCallingConfig", false },
    { "\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"ANY\",\"allowedFunctionNames\":[\"f\"]"
      "}}",
      "toolConfig.functionCallingConfig", false },
    { "\"safetySettings\":[{\"category\":\"HARM_CATEGORY_HARASSMENT\",\"threshold\":\"OFF\"}]",
      "safetySettings", false },
    { "\"cachedContent\":\"cachedContents/x\"", "cachedContent", false },
    { "\"serviceTier\":\"flex\"", "serviceTier", false },
    { "\"labels\":{\"a\":\"b\"}", "labels", false },
    { "\"made_up\":true", "made_up", false },
};

static const struct {
    const struct given *given;
    size_t count;
    const char *front; /* an open object */
} protocols[PROTOCOLS] = {
    [WIRE_OPENAI_CHAT] = { chat, COUNT(chat),
                           "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"q\"}],"
                           "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\","
                           "\"parameters\":{\"type\":\"object\",\"properties\":{}}}}]" },
    [WIRE_OPENAI_RESPONSES] = { responses, COUNT(responses),
                                "{\"model\":\"m\",\"store\":false,\"input\":\"q\",\"tools\":[{"
                                "\"type\":\"function\",\"name\":\"f\",\"parameters\":{\"type\":"
                                "\"object\",\"properties\":{}}}]" },
    [WIRE_ANTHROPIC] = { anthropic, COUNT(anthropic),
                         "{\"model\":\"m\",\"max_tokens\":4096,\"messages\":[{\"role\":\"user\","
                         "\"content\":\"q\"}],\"tools\":[{\"name\":\"f\",\"input_schema\":{"
                         "\"type\":\"object\",\"properties\":{}}}]" },
    [WIRE_GEMINI] = { gemini, COUNT(gemini),
                      "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"q\"}]}],\"tools\":["
                      "{\"functionDeclarations\":[{\"name\":\"f\"}]}]" },
};

static bool are_near(struct str one, struct str two)
{
    return str_starts(one, two) || str_starts(two, one);
}

/* Is this the path, or one it is part of, or a part of it? */
static bool is_path(struct str path, const struct given *field)
{
    struct str one, two;

    (void)str_cut(str_c(field->path), '|', &one, &two);
    return are_near(path, one) || (two.len > 0 && are_near(path, two));
}

static bool is_named(struct str losses, const struct given *field)
{
    struct str one;

    while (losses.len > 0) {
        (void)str_cut(losses, ',', &one, &losses);
        if (is_path(str_ends(one, STR("~")) ? str_drop_last(one, 1) : one, field))
            return true;
    }
    return false;
}

static void check_field(struct test *t, enum wire protocol, const struct given *field,
                        const struct wire_target *target, const char *what, bool met[FIELDS])
{
    struct rig_request without, with;
    const char *front = protocols[protocol].front;

    rig_write(protocol, arena_printf(&t->arena, "%s}", front), target, &t->arena, &without);
    rig_write(protocol, arena_printf(&t->arena, "%s,%s}", front, field->member), target, &t->arena,
              &with);
    if (!CHECK(without.written, "%s over %s: %.*s", wire_name(protocol).at, what,
               STR_ARG(without.why.message)))
        return;
    if (!with.written) {
        CHECK(is_path(with.why.param, field), "%s over %s, %s: refused by another name: %.*s: %.*s",
              wire_name(protocol).at, what, field->member, STR_ARG(with.why.param),
              STR_ARG(with.why.message));
        CHECK(with.why.message.len > 0, "%s", field->member);
        return;
    }
    if (str_eq(with.body, without.body) && !field->ours && with.out.stop_count == 0)
        CHECK(is_named(with.losses, field), "%s over %s: %s vanishes; losses [%.*s]",
              wire_name(protocol).at, what, field->member, STR_ARG(with.losses));
    for (int f = 0; f < FIELDS; f++)
        met[f] = met[f] || with.r.where[f].len > 0;
}

TEST(no_field_vanishes_in_silence)
{
    static const struct {
        enum wire wire;
        const char *model;
        enum wire_dialect dialect;
        bool compatible;
    } targets[] = {
        { WIRE_OPENAI_CHAT, "gpt-4.1", DIALECT_PLAIN, false },
        { WIRE_OPENAI_CHAT, "gpt-5.6", DIALECT_PLAIN, false },
        { WIRE_OPENAI_CHAT, "o3", DIALECT_PLAIN, false },
        { WIRE_OPENAI_CHAT, "some-llama", DIALECT_PLAIN, true },
        { WIRE_OPENAI_CHAT, "claude-opus-4-6", DIALECT_COPILOT, false },
        { WIRE_OPENAI_RESPONSES, "gpt-5.4", DIALECT_PLAIN, false },
        { WIRE_OPENAI_RESPONSES, "gpt-4o", DIALECT_PLAIN, false },
        { WIRE_OPENAI_RESPONSES, "gpt-5.3-codex", DIALECT_CODEX, false },
        { WIRE_ANTHROPIC, "claude-3-haiku-20240307", DIALECT_PLAIN, false },
        { WIRE_ANTHROPIC, "claude-sonnet-4-5", DIALECT_PLAIN, false },
        { WIRE_ANTHROPIC, "claude-opus-4-6", DIALECT_PLAIN, false },
        { WIRE_ANTHROPIC, "claude-opus-5", DIALECT_PLAIN, false },
        { WIRE_ANTHROPIC, "claude-sonnet-5-5", DIALECT_PLAIN, false },
        { WIRE_ANTHROPIC, "kimi-k2", DIALECT_PLAIN, true },
        { WIRE_GEMINI, "gemini-2.0-flash", DIALECT_PLAIN, false },
        { WIRE_GEMINI, "gemini-2.5-pro", DIALECT_PLAIN, false },
        { WIRE_GEMINI, "gemini-3.1-pro", DIALECT_PLAIN, false },
        { WIRE_GEMINI, "gemini-3-pro-image", DIALECT_PLAIN, false },
        { WIRE_CLOUDCODE, "gemini-3-flash", DIALECT_PLAIN, false },
        { WIRE_CLOUDCODE, "claude-opus-4-6", DIALECT_PLAIN, false },
    };
    bool met[FIELDS] = { false };

    for (enum wire protocol = 0; protocol < PROTOCOLS; protocol++)
        for (size_t i = 0; i < COUNT(targets); i++) {
            struct wire_target target = rig_target(targets[i].wire, targets[i].model);
            const char *what =
                arena_printf(&t->arena, "%s %s%s", wire_name(targets[i].wire).at, targets[i].model,
                             targets[i].dialect != DIALECT_PLAIN ? "*" : "")
                    .at;

            target.dialect = targets[i].dialect;
            target.own_service = !targets[i].compatible;
            for (size_t f = 0; f < protocols[protocol].count; f++)
                check_field(t, (enum wire)protocol, &protocols[protocol].given[f], &target, what,
                            met);
        }
    for (int f = 0; f < FIELDS; f++)
        CHECK(met[f], "field %d is in no list above", f);
}

/* The same for what stands within messages and tools: `@` is where it is added. */
TEST(no_detail_within_a_message_vanishes_in_silence)
{
    static const struct {
        enum wire protocol;
        const char *request;
        struct given given;
    } cases[] = {
        { WIRE_OPENAI_CHAT,
          "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"q\"@}]}",
          { ",\"name\":\"ann\"", "messages[0].name", false } },
        { WIRE_OPENAI_CHAT,
          "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"file\","
          "\"file\":{\"file_data\":\"data:application/pdf;base64,JVBERi0=\"@}}]}]}",
          { ",\"filename\":\"a.pdf\"", "messages[0].content[0].file.filename", false } },
        { WIRE_OPENAI_CHAT,
          "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":"
          "\"assistant\",\"content\":\"a\"@},{\"role\":\"user\",\"content\":\"q\"}]}",
          { ",\"annotations\":[{\"type\":\"url_citation\",\"url_citation\":{\"url\":\"u\"}}]",
            "messages[1].annotations", false } },
        { WIRE_OPENAI_RESPONSES,
          "{\"model\":\"m\",\"input\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":"
          "\"assistant\",\"content\":\"a\"@},{\"role\":\"user\",\"content\":\"q\"}]}",
          { ",\"phase\":\"commentary\"", "input[1].phase", false } },
        { WIRE_OPENAI_RESPONSES,
          "{\"model\":\"m\",\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_text\","
          "\"text\":\"q\"},{\"type\":\"input_file\",\"file_data\":\"data:application/"
          "pdf;base64,JVBERi0=\"@}]}]}",
          { ",\"detail\":\"high\"", "input[0].content[1].detail", false } },
        { WIRE_OPENAI_RESPONSES,
          "{\"model\":\"m\",\"input\":\"q\",\"tools\":[{\"type\":\"function\",\"name\":\"f\"@}]}",
          { ",\"defer_loading\":true", "tools[0].defer_loading", false } },
        { WIRE_ANTHROPIC,
          "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":[{"
          "\"type\":\"document\",\"source\":{\"type\":\"base64\",\"media_type\":\"application/"
          "pdf\",\"data\":\"JVBERi0=\"}@}]}]}",
          { ",\"context\":\"old\"", "messages[0].content[0].context", false } },
        { WIRE_ANTHROPIC,
          "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":[{"
          "\"type\":\"document\",\"source\":{\"type\":\"text\",\"media_type\":\"text/plain\","
          "\"data\":\"d\"}@}]}]}",
          { ",\"citations\":{\"enabled\":true}", "messages[0].content[0].citations", false } },
        { WIRE_ANTHROPIC,
          "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":[{"
          "\"type\":\"text\",\"text\":\"q\"}]},{\"role\":\"assistant\",\"content\":[{\"type\":"
          "\"text\",\"text\":\"a\"@}]},{\"role\":\"user\",\"content\":\"q\"}]}",
          { ",\"citations\":[{\"type\":\"char_location\",\"cited_text\":\"x\"}]",
            "messages[1].content[0].citations", false } },
        { WIRE_ANTHROPIC,
          "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":\"q\"},"
          "{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"t\",\"name\":"
          "\"f\",\"input\":{}}]},{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\","
          "\"tool_use_id\":\"t\",\"content\":[{\"type\":\"search_result\",\"source\":\"s\","
          "\"title\":\"t\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]@}]}]}],\"tools\":[{"
          "\"name\":\"f\",\"input_schema\":{\"type\":\"object\"}}]}",
          { ",\"citations\":{\"enabled\":true}", "messages[2].content[0].content.citations",
            false } },
        { WIRE_ANTHROPIC,
          "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":\"q\"}],"
          "\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":\"object\"}@}]}",
          { ",\"defer_loading\":true", "tools[0].defer_loading", false } },
        { WIRE_GEMINI,
          "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"inlineData\":{\"mimeType\":\"image/"
          "png\",\"data\":\"iVBORw0KGgo=\"@}}]}]}",
          { ",\"displayName\":\"x\"", "contents[0].parts[0].inlineData.displayName", false } },
    };
    static const char *const nothing[] = { ",\"citations\":[]", ",\"citations\":null" };

    for (size_t i = 0; i < COUNT(cases); i++)
        for (enum wire wire = 0; wire < WIRES; wire++) {
            struct wire_target target = rig_target(wire, "m-1");
            struct str front, behind;
            struct rig_request without, with;

            if (wire == cases[i].protocol)
                continue;
            CHECK(str_cut(str_c(cases[i].request), '@', &front, &behind));
            rig_write(cases[i].protocol,
                      arena_printf(&t->arena, "%.*s%s", (int)front.len, front.at, behind.at),
                      &target, &t->arena, &without);
            rig_write(cases[i].protocol,
                      arena_printf(&t->arena, "%.*s%s%s", (int)front.len, front.at,
                                   cases[i].given.member, behind.at),
                      &target, &t->arena, &with);
            if (!CHECK(without.written && with.written, "%s over %s", cases[i].given.member,
                       wire_name(wire).at))
                continue;
            if (str_eq(with.body, without.body))
                CHECK(is_named(with.losses, &cases[i].given),
                      "%s over %s: %s vanishes; losses [%.*s]", wire_name(cases[i].protocol).at,
                      wire_name(wire).at, cases[i].given.member, STR_ARG(with.losses));
        }
    for (size_t i = 0; i < COUNT(nothing); i++) {
        struct wire_target target = rig_target(WIRE_GEMINI, "m-1");
        struct rig_request r;

        rig_write(WIRE_ANTHROPIC,
                  arena_printf(&t->arena,
                               "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\","
                               "\"content\":[{\"type\":\"text\",\"text\":\"q\"%s}]}]}",
                               nothing[i]),
                  &target, &t->arena, &r);
        CHECK(r.written && r.losses.len == 0, "%s: [%.*s]", nothing[i], STR_ARG(r.losses));
    }
}
