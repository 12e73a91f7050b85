/* generateContent requests as they are read, and as they are written for Gemini and Cloud Code. The
 * texts are what Gemini CLI and the SDKs send, shortened. */
#include "rig.h"

#define USER(text) "{\"role\":\"user\",\"parts\":[{\"text\":\"" text "\"}]}"
#define HI "\"contents\":[" USER("hi") "]"
#define TOOL(schema) \
    ",\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\",\"description\":\"d\"" schema "}]}]"

static const struct rig_target gemini_3 = { WIRE_GEMINI, "gemini-3-flash", .own_service = true };
static const struct rig_target gemini_25 = { WIRE_GEMINI, "gemini-2.5-flash", .own_service = true };
static const struct rig_target gemini_25_pro = { WIRE_GEMINI, "gemini-2.5-pro",
                                                 .own_service = true };
static const struct rig_target cloud = { WIRE_CLOUDCODE, "models/gemini-3-flash",
                                         .project = "p-1" };
static const struct rig_target cloud_claude = { WIRE_CLOUDCODE, "claude-opus-4-5" };
static const struct rig_target count_3 = { WIRE_GEMINI, "gemini-3-flash", .count = true };
static const struct rig_target count_cloud = { WIRE_CLOUDCODE, "gemini-3-flash", .count = true };

struct request_case {
    const char *name, *body;
    const struct rig_target *target;
    const char *want, *lost;
};

static void run(struct test *t, enum wire protocol, const struct request_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct str lost;
        struct str got = rig_request(t, protocol, cases[i].body, cases[i].target, &lost);

        CHECK_STR(got, cases[i].want, "%s", cases[i].name);
        CHECK_STR(lost, cases[i].lost, "%s: losses", cases[i].name);
    }
}

static const struct request_case gemini_clients[] = {
    { "text, turn by turn",
      "{\"contents\":[" USER("hi") ",{\"role\":\"model\",\"parts\":[{\"text\":\"ho\"}]}," USER(
          "bye") "],\"systemInstruction\":{\"role\":\"user\",\"parts\":[{\"text\":\"be kind\"}]}}",
      &gemini_3,
      "{\"contents\":[" USER("hi") ",{\"role\":\"model\",\"parts\":[{\"text\":\"ho\"}]}," USER(
          "bye") "],\"systemInstruction\":{\"parts\":[{\"text\":\"be kind\"}]}}",
      "" },
    { "snake_case, words in any case, numbers in strings, a system text without a content",
      "{\"contents\":[{\"parts\":[{\"inline_data\":{\"mime_type\":\"image/"
      "png\",\"data\":\"aGk_\"}}]}],"
      "\"system_instruction\":\"be kind\",\"generation_config\":{\"max_output_tokens\":\"100\","
      "\"top_k\":40.0,\"thinking_config\":{\"thinking_level\":\"low\",\"include_thoughts\":true}}}",
      &gemini_3,
      "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"inlineData\":{\"mimeType\":\"image/png\","
      "\"data\":\"aGk/\"}}]}],\"systemInstruction\":{\"parts\":[{\"text\":\"be kind\"}]},"
      "\"generationConfig\":{\"maxOutputTokens\":100,\"topK\":40,\"thinkingConfig\":{"
      "\"includeThoughts\":true,\"thinkingLevel\":\"LOW\"}}}",
      "" },
    { "all of generationConfig",
      "{" HI ",\"generationConfig\":{\"temperature\":0.50,\"topP\":1,\"candidateCount\":2,"
      "\"stopSequences\":[\"a\\n\",\"b\"],\"presencePenalty\":0.5,\"frequencyPenalty\":2,\"seed\":-"
      "1,"
      "\"responseMimeType\":\"application/"
      "json\",\"responseJsonSchema\":{\"type\":\"object\",\"properties\":"
      "{\"a\":{\"type\":\"string\"}}},\"responseModalities\":[\"TEXT\",\"image\"],\"imageConfig\":{"
      "\"aspectRatio\":\"16:9\",\"imageSize\":\"2K\"},\"speechConfig\":{\"languageCode\":\"en\"}},"
      "\"safetySettings\":[{\"category\":\"HARM_CATEGORY_HARASSMENT\",\"threshold\":\"OFF\"}],"
      "\"serviceTier\":\"flex\",\"labels\":{\"a\":\"b\"}}",
      &gemini_3,
      "{\"contents\":[" USER(
          "hi") "],\"safetySettings\":[{\"category\":\"HARM_CATEGORY_HARASSMENT\","
                "\"threshold\":\"OFF\"}],\"generationConfig\":{\"temperature\":0.50,\"topP\":1,"
                "\"presencePenalty\":0.5,"
                "\"frequencyPenalty\":1.99,\"seed\":2147483647,\"candidateCount\":2,"
                "\"stopSequences\":[\"a\\n\",\"b\"],"
                "\"responseMimeType\":\"application/"
                "json\",\"responseJsonSchema\":{\"type\":\"object\",\"properties\":"
                "{\"a\":{\"type\":\"string\"}}},\"responseModalities\":[\"TEXT\",\"IMAGE\"],"
                "\"imageConfig\":{"
                "\"aspectRatio\":\"16:9\",\"imageSize\":\"2K\"},\"speechConfig\":{\"languageCode\":"
                "\"en\"}},"
                "\"serviceTier\":\"flex\",\"labels\":{\"a\":\"b\"}}",
      "generationConfig.frequencyPenalty~,generationConfig.seed~" },
    { "C12, C18: results without ids find their calls by name and order",
      "{\"contents\":[" USER(
          "hi") ",{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":\"f\",\"args\":"
                "{\"x\":1}},\"thoughtSignature\":\"Q2dB\"},{\"functionCall\":{\"name\":\"f\"}}]},"
                "{\"role\":\"function\",\"parts\":[{\"functionResponse\":{\"name\":\"f\","
                "\"response\":{\"output\":\"one\"}}},"
                "{\"functionResponse\":{\"name\":\"f\",\"response\":{\"error\":\"two\"}}}]}]}",
      &gemini_25,
      "{\"contents\":[" USER(
          "hi") ",{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":\"f\",\"args\":"
                "{\"x\":1}},\"thoughtSignature\":\"Q2dB\"},{\"functionCall\":{\"name\":\"f\","
                "\"args\":{}}}]},"
                "{\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"name\":\"f\",\"response\":{"
                "\"output\":\"one\"}}},"
                "{\"functionResponse\":{\"name\":\"f\",\"response\":{\"error\":\"two\"}}}]}]}",
      "" },
    { "C34: what Gemini CLI sends for a call that had no signature goes to models that sign",
      "{\"contents\":[" USER(
          "hi") ",{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"id\":\"f-1\",\"name\":"
                "\"f\"},\"thoughtSignature\":\"skip_thought_signature_validator\"},{"
                "\"functionCall\":{\"id\":\"f-2\","
                "\"name\":\"f\"}}]},{\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"id\":"
                "\"f-1\",\"name\":\"f\","
                "\"response\":{}}},{\"functionResponse\":{\"id\":\"f-2\",\"name\":\"f\","
                "\"response\":{\"a\":1}}}]}]}",
      &cloud,
      "{\"model\":\"gemini-3-flash\",\"project\":\"p-1\",\"request\":{"
      "\"contents\":[" USER("hi") ",{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"id\":\"f-"
                                  "1\",\"name\":\"f\",\"args\":{}},"
                                  "\"thoughtSignature\":\"skip_thought_signature_validator\"},{"
                                  "\"functionCall\":{\"id\":\"f-2\",\"name\":"
                                  "\"f\",\"args\":{}}}]},{\"role\":\"user\",\"parts\":[{"
                                  "\"functionResponse\":{\"id\":\"f-1\",\"name\":\"f\","
                                  "\"response\":{}}},{\"functionResponse\":{\"id\":\"f-2\","
                                  "\"name\":\"f\",\"response\":{\"a\":1}}}]}]}}",
      "" },
    { "… and not to those that do not",
      "{\"contents\":[" USER(
          "hi") ",{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":\"f\"},"
                "\"thoughtSignature\":\"skip_thought_signature_validator\"}]},{\"role\":\"user\","
                "\"parts\":[{"
                "\"functionResponse\":{\"name\":\"f\",\"response\":{}}}]}]}",
      &cloud_claude,
      "{\"model\":\"claude-opus-4-5\",\"request\":{\"contents\":"
      "[" USER("hi") ",{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":\"f\",\"args\":{}"
                     "}}]},{\"role\":\"user\",\"parts\":"
                     "[{\"functionResponse\":{\"name\":\"f\",\"response\":{}}}]}]}}",
      "" },
    { "thoughts and signatures stay where they were; a file of Google's too",
      "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"fileData\":{\"fileUri\":"
      "\"https://generativelanguage.googleapis.com/v1beta/files/x\",\"mimeType\":\"audio/mp3\"}}]},"
      "{\"role\":\"model\",\"parts\":[{\"text\":\"hm\",\"thought\":true},{\"text\":\"ho\","
      "\"thoughtSignature\":"
      "\"Q2dB\"},{\"executableCode\":{\"language\":\"PYTHON\",\"code\":\"1\"}}]}," USER("so") "]}",
      &gemini_3,
      "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"fileData\":{\"mimeType\":\"audio/"
      "mp3\",\"fileUri\":"
      "\"https://generativelanguage.googleapis.com/v1beta/files/x\"}}]},"
      "{\"role\":\"model\",\"parts\":[{\"text\":\"ho\",\"thoughtSignature\":"
      "\"Q2dB\"},{\"executableCode\":{\"language\":\"PYTHON\",\"code\":\"1\"}}]}," USER("so") "]}",
      "contents[1].parts[0]" },
    { "tools, and the service's own beside them",
      "{" HI
      ",\"tools\":[{\"function_declarations\":[{\"name\":\"f\",\"parameters\":{\"type\":\"OBJECT\","
      "\"properties\":{\"a\":{\"type\":\"STRING\",\"nullable\":true}}}}]},{\"googleSearch\":{}}],"
      "\"toolConfig\":{"
      "\"functionCallingConfig\":{\"mode\":\"ANY\",\"allowedFunctionNames\":[\"f\"]}}}",
      &gemini_3,
      "{\"contents\":[" USER(
          "hi") "],\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\",\"parameters\":{\"type\":"
                "\"OBJECT\",\"properties\":{\"a\":{\"type\":\"STRING\",\"nullable\":true}}}}]},{"
                "\"googleSearch\":{}}],"
                "\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"ANY\","
                "\"allowedFunctionNames\":[\"f\"]},"
                "\"includeServerSideToolInvocations\":true}}",
      "" },
    { "search and functions do not go together before 3",
      "{" HI TOOL("") ",\"tool_config\":{\"function_calling_config\":{\"mode\":\"auto\"}}}",
      &gemini_25,
      "{\"contents\":[" USER(
          "hi") "],\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\",\"description\":\"d\","
                "\"parametersJsonSchema\":{\"type\":\"object\",\"properties\":{}}}]}],"
                "\"toolConfig\":{"
                "\"functionCallingConfig\":{\"mode\":\"AUTO\"}}}",
      "" },
    { "the only tool is one that the target has not: no list of none, and no toolConfig",
      "{" HI ",\"tools\":[{\"googleSearch\":{}}],\"toolConfig\":{\"functionCallingConfig\":{"
      "\"mode\":\"AUTO\"}}}",
      &cloud_claude, "{\"model\":\"claude-opus-4-5\",\"request\":{\"contents\":[" USER("hi") "]}}",
      "tools[0],toolConfig.functionCallingConfig" },
    { "C25: no parameters at all in the OpenAPI column",
      "{" HI TOOL(",\"parametersJsonSchema\":{}") "}", &cloud_claude,
      "{\"model\":\"claude-opus-4-5\",\"request\":{\"contents\":"
      "[" USER("hi") "],\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\",\"description\":"
                     "\"d\"}]}]}}",
      "" },
    { "C23: properties that are named like keywords",
      "{" HI TOOL(",\"parametersJsonSchema\":{\"type\":\"object\",\"properties\":{\"title\":{"
                  "\"type\":\"string\"},"
                  "\"format\":{\"type\":\"string\"}}}") "}",
      &cloud_claude,
      "{\"model\":\"claude-opus-4-5\",\"request\":{\"contents\":"
      "[" USER("hi") "],\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\",\"description\":"
                     "\"d\",\"parameters\":{\"type\":\"OBJECT\","
                     "\"properties\":{\"title\":{\"type\":\"STRING\"},\"format\":{\"type\":"
                     "\"STRING\"}}}}]}]}}",
      "" },
    { "a JSON answer beside functions is asked for in words before 3",
      "{" HI TOOL("") ",\"generationConfig\":{\"responseMimeType\":\"application/json\"}}",
      &gemini_25,
      "{\"contents\":[" USER(
          "hi") "],\"systemInstruction\":{\"parts\":[{\"text\":"
                "\"Answer with one JSON value and nothing "
                "else.\"}]},\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\","
                "\"description\":\"d\",\"parametersJsonSchema\":{\"type\":\"object\","
                "\"properties\":{}}}]}]}",
      "generationConfig.responseMimeType~" },
    { "counting knows contents, instruction and tools",
      "{\"generateContentRequest\":{\"model\":\"models/x\"," HI
      ",\"systemInstruction\":{\"parts\":[{\"text\":\"s\"}]}" TOOL(
          "") ",\"generationConfig\":{\"temperature\":1}}}",
      &count_3,
      "{\"generateContentRequest\":{\"model\":\"models/gemini-3-flash\",\"contents\":[" USER(
          "hi") "],\"systemInstruction\":{\"parts\":[{\"text\":\"s\"}]},\"tools\":[{"
                "\"functionDeclarations\":[{\"name\":\"f\","
                "\"description\":\"d\",\"parametersJsonSchema\":{\"type\":\"object\","
                "\"properties\":{}}}]}]}}",
      "" },
    { "counting at Cloud Code knows contents alone, and no thoughts",
      "{\"contents\":[" USER(
          "hi") ",{\"role\":\"model\",\"parts\":[{\"text\":\"hm\",\"thought\":true,"
                "\"thoughtSignature\":\"Q2dB\"},{\"text\":\"ho\",\"thoughtSignature\":\"Q2dB\"}]}],"
                "\"systemInstruction\":{\"parts\":[{\"text\":\"s\"}]}}",
      &count_cloud,
      "{\"request\":{\"model\":\"models/gemini-3-flash\",\"contents\":[" USER("s") "," USER(
          "hi") ",{\"role\":\"model\",\"parts\":[{\"text\":\"ho\"}]}]}}",
      "" },
    { "what only Gemini has is lost elsewhere",
      "{" HI ",\"labels\":{\"a\":\"b\"},\"generationConfig\":{\"mediaResolution\":\"MEDIA_"
      "RESOLUTION_LOW\"},"
      "\"newThing\":1,\"serviceTier\":\"priority\"}",
      &cloud,
      "{\"model\":\"gemini-3-flash\",\"project\":\"p-1\",\"request\":{"
      "\"contents\":[" USER("hi") "]}}",
      "newThing,labels,generationConfig.mediaResolution,serviceTier" },
    { "… unless the answer would be another one", "{" HI ",\"cachedContent\":\"cachedContents/x\"}",
      &cloud, "write: cachedContent: has no counterpart at the provider that serves this model",
      "" },
};

TEST(gemini_requests_for_gemini_and_cloudcode)
{
    run(t, WIRE_GEMINI, gemini_clients, COUNT(gemini_clients));
}

/* --- thinking -----------------------------------------------------------------------------------
 */

#define THINKING(config) "{" HI ",\"generationConfig\":{\"thinkingConfig\":{" config "}}}"
#define THINKS(config) \
    "{\"contents\":[" USER("hi") "],\"generationConfig\":{\"thinkingConfig\":{" config "}}}"
#define SAYS_NOTHING "{\"contents\":[" USER("hi") "]}"
#define BUDGET "generationConfig.thinkingConfig.thinkingBudget"
#define LEVEL "generationConfig.thinkingConfig.thinkingLevel"

static const struct request_case thinking[] = {
    { "C30: a budget of 2000 is LOW", THINKING("\"thinkingBudget\":2000"), &gemini_3,
      THINKS("\"thinkingLevel\":\"LOW\""), BUDGET "~" },
    { "off is the lowest level", THINKING("\"thinkingBudget\":0"), &gemini_3,
      THINKS("\"thinkingLevel\":\"MINIMAL\""), BUDGET "~" },
    { "auto is left to the model", THINKING("\"thinkingBudget\":-1"), &gemini_3, SAYS_NOTHING, "" },
    { "a budget within bounds", THINKING("\"thinkingBudget\":2000"), &gemini_25,
      THINKS("\"thinkingBudget\":2000"), "" },
    { "a budget beyond", THINKING("\"thinkingBudget\":50000"), &gemini_25,
      THINKS("\"thinkingBudget\":24576"), BUDGET "~" },
    { "off", THINKING("\"thinkingBudget\":0"), &gemini_25, THINKS("\"thinkingBudget\":0"), "" },
    { "off where it cannot be", THINKING("\"thinkingBudget\":0"), &gemini_25_pro,
      THINKS("\"thinkingBudget\":128"), BUDGET "~" },
    { "auto", THINKING("\"thinkingBudget\":-1"), &gemini_25, THINKS("\"thinkingBudget\":-1"), "" },
    { "a level as a budget", THINKING("\"thinkingLevel\":\"LOW\""), &gemini_25,
      THINKS("\"thinkingBudget\":1024"), LEVEL "~" },
    { "shown", THINKING("\"includeThoughts\":true"), &gemini_25, THINKS("\"includeThoughts\":true"),
      "" },
    { "not shown", THINKING("\"includeThoughts\":false"), &gemini_25, SAYS_NOTHING, "" },
};

TEST(thinking_is_said_in_the_form_the_model_takes)
{
    run(t, WIRE_GEMINI, thinking, COUNT(thinking));
}

/* --- complaints ---------------------------------------------------------------------------------
 */

static const struct request_case wrongs[] = {
    { "no contents", "{}", &gemini_3, "read: contents: must be an array with at least one content",
      "" },
    { "empty contents", "{\"contents\":[]}", &gemini_3,
      "read: contents: must be an array with at least one content", "" },
    { "a role nobody has", "{\"contents\":[{\"role\":\"judge\",\"parts\":[]}]}", &gemini_3,
      "read: contents[0].role: must be user or model", "" },
    { "a text that is none",
      "{\"contents\":[" USER("a") ",{\"parts\":[{\"text\":\"b\"},{\"text\":1}]}]}", &gemini_3,
      "read: contents[1].parts[1].text: must be a string", "" },
    { "two kinds of data", "{\"contents\":[{\"parts\":[{\"text\":\"a\",\"inlineData\":{}}]}]}",
      &gemini_3, "read: contents[0].parts[0]: holds two kinds of data", "" },
    { "twice in two spellings", "{" HI ",\"generationConfig\":{\"topK\":1,\"top_k\":2}}", &gemini_3,
      "read: generationConfig.topK: stands in the request more than once", "" },
    { "out of range", "{" HI ",\"generationConfig\":{\"temperature\":2.1}}", &gemini_3,
      "read: generationConfig.temperature: is out of range", "" },
    { "too many candidates", "{" HI ",\"generationConfig\":{\"candidateCount\":9}}", &gemini_3,
      "read: generationConfig.candidateCount: must be from 1 to 8", "" },
    { "both forms of thinking", THINKING("\"thinkingBudget\":1,\"thinkingLevel\":\"LOW\""),
      &gemini_3,
      "read: generationConfig.thinkingConfig: has both a thinkingBudget and a thinkingLevel", "" },
    { "a call in the user's mouth",
      "{\"contents\":[{\"parts\":[{\"functionCall\":{\"name\":\"f\"}}]}]}", &gemini_3,
      "read: contents[0].parts[0].functionCall: belongs to a content of the role model", "" },
    { "a tool without a name", "{" HI ",\"tools\":[{\"functionDeclarations\":[{}]}]}", &gemini_3,
      "read: tools[0].functionDeclarations[0].name: is missing", "" },
};

TEST(what_is_wrong_is_named_where_the_client_put_it)
{
    run(t, WIRE_GEMINI, wrongs, COUNT(wrongs));
}

/* --- other clients ------------------------------------------------------------------------------
 */

static const struct request_case anthropic_clients[] = {
    { "C16 and the id of a call; a picture inside of the result",
      "{\"model\":\"m\",\"max_tokens\":100,\"system\":\"s\",\"messages\":[{\"role\":\"user\","
      "\"content\":\"hi\"},"
      "{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":"
      "\"f\",\"input\":{\"x\":1}}]},"
      "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"toolu_1\",\"is_"
      "error\":true,"
      "\"content\":[{\"type\":\"text\",\"text\":\"no\"},{\"type\":\"image\",\"source\":{\"type\":"
      "\"base64\","
      "\"media_type\":\"image/png\",\"data\":\"AAAA\"}}]},{\"type\":\"text\",\"text\":\"so?\"}]}],"
      "\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":\"object\",\"properties\":{}}}]}",
      &gemini_3,
      "{\"contents\":[" USER(
          "hi") ",{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"id\":\"toolu_1\",\"name\":"
                "\"f\","
                "\"args\":{\"x\":1}},\"thoughtSignature\":\"skip_thought_signature_validator\"}]},{"
                "\"role\":\"user\",\"parts\":[{"
                "\"functionResponse\":{\"id\":\"toolu_1\",\"name\":\"f\",\"response\":{\"error\":"
                "\"no\"},\"parts\":[{\"inlineData\":"
                "{\"mimeType\":\"image/"
                "png\",\"data\":\"AAAA\"}}]}},{\"text\":\"so?\"}]}],\"systemInstruction\":{"
                "\"parts\":[{"
                "\"text\":\"s\"}]},\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\","
                "\"parametersJsonSchema\":{\"type\":"
                "\"object\",\"properties\":{}}}]}],\"generationConfig\":{\"maxOutputTokens\":100}}",
      "" },
    { "pictures of a result stand behind all results before 3",
      "{\"model\":\"m\",\"max_tokens\":100,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},"
      "{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"1\",\"name\":\"f\","
      "\"input\":{}},"
      "{\"type\":\"tool_use\",\"id\":\"2\",\"name\":\"f\",\"input\":{}}]},"
      "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"1\",\"content\":"
      "[{\"type\":\"image\","
      "\"source\":{\"type\":\"base64\",\"media_type\":\"image/"
      "png\",\"data\":\"AAAA\"}}]},{\"type\":\"tool_result\","
      "\"tool_use_id\":\"2\",\"content\":\"{\\\"a\\\": "
      "1}\"},{\"type\":\"text\",\"text\":\"so?\"}]}]}",
      &gemini_25,
      "{\"contents\":[" USER(
          "hi") ",{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":\"f\",\"args\":{}}},"
                "{\"functionCall\":{\"name\":\"f\",\"args\":{}}}]},{\"role\":\"user\",\"parts\":[{"
                "\"functionResponse\":{\"name\":\"f\","
                "\"response\":{\"output\":\"\"}}},{\"functionResponse\":{\"name\":\"f\","
                "\"response\":{\"a\": 1}}},"
                "{\"inlineData\":{\"mimeType\":\"image/"
                "png\",\"data\":\"AAAA\"}},{\"text\":\"so?\"}]}],"
                "\"generationConfig\":{\"maxOutputTokens\":100}}",
      "" },
    { "the signature that came as thinking goes back on its call",
      "{\"model\":\"m\",\"max_tokens\":100,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},"
      "{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":"
      "\"gw1.goo.UTJkQg\"},"
      "{\"type\":\"tool_use\",\"id\":\"1\",\"name\":\"f\",\"input\":{}}]},{\"role\":\"user\","
      "\"content\":[{\"type\":"
      "\"tool_result\",\"tool_use_id\":\"1\",\"content\":\"ok\"}]}]}",
      &gemini_3,
      "{\"contents\":[" USER(
          "hi") ",{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"id\":\"1\",\"name\":\"f\","
                "\"args\":{}},\"thoughtSignature\":\"Q2dB\"}]},{\"role\":\"user\",\"parts\":[{"
                "\"functionResponse\":{\"id\":\"1\","
                "\"name\":\"f\",\"response\":{\"output\":\"ok\"}}}]}],\"generationConfig\":{"
                "\"maxOutputTokens\":100}}",
      "" },
    { "a tool of another service is left out, and nothing is said of the service's own",
      "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],"
      "\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":\"object\",\"properties\":{}}},{"
      "\"type\":\"bash_20250124\",\"name\":\"bash\"}]}",
      &gemini_3,
      "{\"contents\":[" USER(
          "hi") "],\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\","
                "\"parametersJsonSchema\":{\"type\":\"object\",\"properties\":{}}}]}],"
                "\"generationConfig\":{\"maxOutputTokens\":9}}",
      "tools[1]" },
    { "a budget, shown thinking, a limit above the model's, what Gemini does not know",
      "{\"model\":\"m\",\"max_tokens\":128000,\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":"
      "2000},"
      "\"metadata\":{\"user_id\":\"u\"},\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}",
      &gemini_3,
      "{\"contents\":[" USER(
          "hi") "],\"generationConfig\":{\"maxOutputTokens\":65536,\"thinkingConfig\":{"
                "\"includeThoughts\":true,\"thinkingLevel\":\"LOW\"}}}",
      "max_tokens~,thinking~,metadata.user_id" },
};

TEST(anthropic_requests_for_gemini)
{
    run(t, WIRE_ANTHROPIC, anthropic_clients, COUNT(anthropic_clients));
}
