/* Requests of Responses clients and of others, as a Responses upstream gets them; and what others
 * get of a Responses client's. */
#include "rig.h"

static const struct {
    const char *name;
    enum wire protocol, wire;
    const char *model, *body, *want, *lost;
    bool codex, compatible, count, stream;
} cases[] = {
    { "C05: an Anthropic client on the codex backend", WIRE_ANTHROPIC, WIRE_OPENAI_RESPONSES,
      "gpt-5.3-codex",
      "{\"model\":\"claude-x\",\"max_tokens\":100,\"temperature\":0.5,\"stop_sequences\":[\"END\"],"
      "\"system\":[{\"type\":\"text\",\"text\":\"One.\"},{\"type\":\"text\",\"text\":\"Two.\"}],"
      "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assistant\",\"content\":[{"
      "\"type\":\"text\",\"text\":\"Looking.\"},{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":"
      "\"f\",\"input\":{\"a\":1.0}}]},{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\","
      "\"tool_use_id\":\"toolu_1\",\"is_error\":true,\"content\":[{\"type\":\"text\",\"text\":"
      "\"boom\"}]},{\"type\":\"text\",\"text\":\"go "
      "on\"}]}],\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":\"object\",\"properties\":{"
      "\"a\":{\"type\":\"number\"}}}}],\"tool_choice\":{\"type\":\"any\"},\"metadata\":{\"user_"
      "id\":\"u1\"},\"stream\":true}",
      "{\"model\":\"gpt-5.3-codex\",\"instructions\":\"One.\\n\\nTwo.\",\"input\":[{\"type\":"
      "\"message\",\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"hi\"}]},{"
      "\"type\":\"message\",\"role\":\"assistant\",\"phase\":\"commentary\",\"content\":[{\"type\":"
      "\"output_text\",\"text\":\"Looking.\"}]},{\"type\":\"function_call\",\"call_id\":\"toolu_"
      "1\",\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1.0}\"},{\"type\":\"function_call_output\","
      "\"call_id\":\"toolu_1\",\"output\":\"Error: "
      "boom\"},{\"type\":\"message\",\"role\":\"user\",\"content\":[{\"type\":\"input_text\","
      "\"text\":\"go "
      "on\"}]}],\"tools\":[{\"type\":\"function\",\"name\":\"f\",\"parameters\":{\"type\":"
      "\"object\",\"properties\":{\"a\":{\"type\":\"number\"}}},\"strict\":false}],\"tool_choice\":"
      "\"required\",\"include\":[\"reasoning.encrypted_content\"],\"store\":false,\"stream\":true}",
      "messages[2].content[0]~,max_tokens,temperature,metadata.user_id", .codex = true },
    { "a Chat client on a reasoning model", WIRE_OPENAI_CHAT, WIRE_OPENAI_RESPONSES, "gpt-5.1",
      "{\"model\":\"x\",\"messages\":[{\"role\":\"system\",\"content\":\"S\"},{\"role\":"
      "\"developer\",\"content\":\"D\"},{\"role\":\"user\",\"content\":[{\"type\":\"text\","
      "\"text\":\"see\"},{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://a/"
      "b.png\",\"detail\":\"low\"}},{\"type\":\"file\",\"file\":{\"file_data\":\"data:application/"
      "pdf;base64,JVBE\",\"filename\":\"a.pdf\"}},{\"type\":\"input_audio\",\"input_audio\":{"
      "\"data\":\"UklG\",\"format\":\"wav\"}}]},{\"role\":\"assistant\",\"content\":null,\"tool_"
      "calls\":[{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"get "
      "weather\",\"arguments\":\"{\\\"city\\\":\\\"Oslo\\\"}\"}}]},{\"role\":\"tool\",\"tool_call_"
      "id\":\"c1\",\"content\":\"\"},{\"role\":\"system\",\"content\":\"Mid.\"},{\"role\":\"user\","
      "\"content\":\"and?\"}],\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"get "
      "weather\",\"description\":\"d\",\"parameters\":{\"type\":\"object\",\"properties\":{"
      "\"city\":{\"type\":\"string\"}}}}}],\"tool_choice\":{\"type\":\"function\",\"function\":{"
      "\"name\":\"get "
      "weather\"}},\"parallel_tool_calls\":false,\"temperature\":0.7,\"top_p\":0.9,\"seed\":7,"
      "\"stop\":[\"X\"],\"max_tokens\":5,\"reasoning_effort\":\"minimal\",\"response_format\":{"
      "\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":{\"type\":\"object\","
      "\"properties\":{\"a\":{\"type\":\"string\"}},\"required\":[\"a\"],\"additionalProperties\":"
      "false},\"strict\":true}},\"verbosity\":\"low\",\"user\":\"u\",\"metadata\":{\"k\":\"v\"},"
      "\"service_tier\":\"flex\",\"prompt_cache_key\":\"k\",\"logprobs\":true,\"top_logprobs\":2}",
      "{\"model\":\"gpt-5.1\",\"instructions\":\"S\\n\\nD\",\"input\":[{\"type\":\"message\","
      "\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"see\"},{\"type\":\"input_"
      "image\",\"image_url\":\"https://a/"
      "b.png\",\"detail\":\"low\"},{\"type\":\"input_file\",\"filename\":\"a.pdf\",\"file_data\":"
      "\"data:application/"
      "pdf;base64,JVBE\"},{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"UklG\",\"format\":"
      "\"wav\"}}]},{\"type\":\"function_call\",\"call_id\":\"c1\",\"name\":\"get_weather\","
      "\"arguments\":\"{\\\"city\\\":\\\"Oslo\\\"}\"},{\"type\":\"function_call_output\",\"call_"
      "id\":\"c1\",\"output\":\"\"},{\"type\":\"message\",\"role\":\"developer\",\"content\":[{"
      "\"type\":\"input_text\",\"text\":\"Mid.\"}]},{\"type\":\"message\",\"role\":\"user\","
      "\"content\":[{\"type\":\"input_text\",\"text\":\"and?\"}]}],\"tools\":[{\"type\":"
      "\"function\",\"name\":\"get_weather\",\"description\":\"d\",\"parameters\":{\"type\":"
      "\"object\",\"properties\":{\"city\":{\"type\":\"string\"}}},\"strict\":false}],\"tool_"
      "choice\":{\"type\":\"function\",\"name\":\"get_weather\"},\"parallel_tool_calls\":false,"
      "\"reasoning\":{\"effort\":\"low\",\"summary\":\"auto\"},\"text\":{\"format\":{\"type\":"
      "\"json_schema\",\"name\":\"n\",\"schema\":{\"type\":\"object\",\"properties\":{\"a\":{"
      "\"type\":\"string\"}},\"required\":[\"a\"],\"additionalProperties\":false},\"strict\":true},"
      "\"verbosity\":\"low\"},\"max_output_tokens\":16,\"service_tier\":\"flex\",\"user\":\"u\","
      "\"metadata\":{\"k\":\"v\"},\"prompt_cache_key\":\"k\",\"include\":[\"reasoning.encrypted_"
      "content\"],\"store\":false,\"stream\":false}",
      "reasoning_effort~,max_tokens~,temperature,top_p,logprobs,top_logprobs,seed" },
    { "a model without reasoning keeps the sampling", WIRE_OPENAI_CHAT, WIRE_OPENAI_RESPONSES,
      "gpt-4o",
      "{\"model\":\"x\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"temperature\":0.7,"
      "\"top_p\":0.9,\"max_tokens\":50,\"reasoning_effort\":\"high\",\"verbosity\":\"low\","
      "\"frequency_penalty\":1}",
      "{\"model\":\"gpt-4o\",\"input\":[{\"type\":\"message\",\"role\":\"user\",\"content\":[{"
      "\"type\":\"input_text\",\"text\":\"hi\"}]}],\"max_output_tokens\":50,\"temperature\":0.7,"
      "\"top_p\":0.9,\"store\":false,\"stream\":false}",
      "reasoning_effort,verbosity,frequency_penalty" },
    { "sampling with effort none", WIRE_OPENAI_RESPONSES, WIRE_OPENAI_RESPONSES, "gpt-5.2",
      "{\"model\":\"x\",\"input\":\"hi\",\"temperature\":0.2,\"reasoning\":{\"effort\":\"none\"}}",
      "{\"model\":\"gpt-5.2\",\"input\":[{\"type\":\"message\",\"role\":\"user\",\"content\":[{"
      "\"type\":\"input_text\",\"text\":\"hi\"}]}],\"reasoning\":{\"effort\":\"none\"},"
      "\"temperature\":0.2,\"include\":[\"reasoning.encrypted_content\"],\"store\":false,"
      "\"stream\":false}",
      "" },
    { "a custom tool of Chat, its grammar flat", WIRE_OPENAI_CHAT, WIRE_OPENAI_RESPONSES, "gpt-5",
      "{\"model\":\"x\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":"
      "\"assistant\",\"tool_calls\":[{\"id\":\"c\",\"type\":\"custom\",\"custom\":{\"name\":"
      "\"patch\",\"input\":\"***\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":"
      "\"ok\"}],\"tools\":[{\"type\":\"custom\",\"custom\":{\"name\":\"patch\",\"format\":{"
      "\"type\":\"grammar\",\"grammar\":{\"syntax\":\"lark\",\"definition\":\"start: "
      "\\\"a\\\"\"}}}}],\"tool_choice\":{\"type\":\"custom\",\"custom\":{\"name\":\"patch\"}}}",
      "{\"model\":\"gpt-5\",\"input\":[{\"type\":\"message\",\"role\":\"user\",\"content\":[{"
      "\"type\":\"input_text\",\"text\":\"hi\"}]},{\"type\":\"custom_tool_call\",\"call_id\":\"c\","
      "\"name\":\"patch\",\"input\":\"***\"},{\"type\":\"custom_tool_call_output\",\"call_id\":"
      "\"c\",\"output\":\"ok\"}],\"tools\":[{\"type\":\"custom\",\"name\":\"patch\",\"format\":{"
      "\"type\":\"grammar\",\"syntax\":\"lark\",\"definition\":\"start: "
      "\\\"a\\\"\"}}],\"tool_choice\":{\"type\":\"custom\",\"name\":\"patch\"},\"include\":["
      "\"reasoning.encrypted_content\"],\"store\":false,\"stream\":false}",
      "" },
    { "a custom tool where the model has none", WIRE_OPENAI_RESPONSES, WIRE_OPENAI_RESPONSES,
      "gpt-4o",
      "{\"model\":\"x\",\"input\":[{\"role\":\"user\",\"content\":\"hi\"},{\"type\":\"custom_tool_"
      "call\",\"call_id\":\"c\",\"name\":\"patch\",\"input\":\"***\"},{\"type\":\"custom_tool_call_"
      "output\",\"call_id\":\"c\",\"output\":\"ok\"}],\"tools\":[{\"type\":\"custom\",\"name\":"
      "\"patch\",\"description\":\"d\",\"format\":{\"type\":\"text\"}}]}",
      "{\"model\":\"gpt-4o\",\"input\":[{\"type\":\"message\",\"role\":\"user\",\"content\":[{"
      "\"type\":\"input_text\",\"text\":\"hi\"}]},{\"type\":\"function_call\",\"call_id\":\"c\","
      "\"name\":\"patch\",\"arguments\":\"{\\\"input\\\":\\\"***\\\"}\"},{\"type\":\"function_call_"
      "output\",\"call_id\":\"c\",\"output\":\"ok\"}],\"tools\":[{\"type\":\"function\",\"name\":"
      "\"patch\",\"description\":\"d\\n\\nFormat of the input: "
      "{\\\"type\\\":\\\"text\\\"}\",\"parameters\":{\"type\":\"object\",\"properties\":{\"input\":"
      "{\"type\":\"string\"}},\"required\":[\"input\"]},\"strict\":false}],\"store\":false,"
      "\"stream\":false}",
      "tools[0]~" },
    { "what only this protocol has goes along", WIRE_OPENAI_RESPONSES, WIRE_OPENAI_RESPONSES,
      "gpt-5.4",
      "{\"model\":\"x\",\"input\":[{\"role\":\"user\",\"content\":\"hi\"},{\"type\":\"reasoning\","
      "\"id\":\"rs_1\",\"summary\":[{\"type\":\"summary_text\",\"text\":\"a\"},{\"type\":\"summary_"
      "text\",\"text\":\"b\"}],\"encrypted_content\":\"gAAAAx\",\"status\":\"completed\"},{"
      "\"type\":\"web_search_call\",\"id\":\"ws_1\",\"action\":{\"type\":\"search\",\"query\":"
      "\"q\"}},{\"type\":\"message\",\"role\":\"assistant\",\"phase\":\"final_answer\",\"content\":"
      "[{\"type\":\"output_text\",\"text\":\"x\",\"annotations\":[{\"type\":\"url_citation\","
      "\"url\":\"u\"}]}]},{\"type\":\"compaction\",\"encrypted_content\":\"z\"},{\"role\":\"user\","
      "\"content\":[{\"type\":\"input_text\",\"text\":\"more\",\"prompt_cache_breakpoint\":{"
      "\"mode\":\"explicit\",\"ttl\":\"30m\"}}]}],\"tools\":[{\"type\":\"function\",\"name\":\"f\","
      "\"parameters\":{\"type\":\"object\",\"properties\":{}},\"strict\":null,\"defer_loading\":"
      "true},{\"type\":\"tool_search\"},{\"type\":\"mcp\",\"server_label\":\"l\"}],\"tool_choice\":"
      "{\"type\":\"mcp\",\"server_label\":\"l\"},\"include\":[\"web_search_call.action.sources\","
      "\"reasoning.encrypted_content\"],\"reasoning\":{\"effort\":\"high\",\"context\":\"all_"
      "turns\"},\"truncation\":\"auto\",\"store\":true,\"previous_response_id\":\"resp_1\","
      "\"prompt_cache_options\":{\"mode\":\"implicit\"},\"unheard_of\":[1],\"text\":{\"verbosity\":"
      "\"high\",\"later\":1},\"stream\":true}",
      "{\"model\":\"gpt-5.4\",\"input\":[{\"type\":\"message\",\"role\":\"user\",\"content\":[{"
      "\"type\":\"input_text\",\"text\":\"hi\"}]},{\"type\":\"reasoning\",\"id\":\"rs_1\","
      "\"summary\":[{\"type\":\"summary_text\",\"text\":\"a\"},{\"type\":\"summary_text\",\"text\":"
      "\"b\"}],\"encrypted_content\":\"gAAAAx\",\"status\":\"completed\"},{\"type\":\"web_search_"
      "call\",\"id\":\"ws_1\",\"action\":{\"type\":\"search\",\"query\":\"q\"}},{\"type\":"
      "\"message\",\"role\":\"assistant\",\"phase\":\"final_answer\",\"content\":[{\"type\":"
      "\"output_text\",\"text\":\"x\",\"annotations\":[{\"type\":\"url_citation\",\"url\":\"u\"}]}]"
      "},{\"type\":\"compaction\",\"encrypted_content\":\"z\"},{\"type\":\"message\",\"role\":"
      "\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"more\",\"prompt_cache_"
      "breakpoint\":{\"mode\":\"explicit\",\"ttl\":\"30m\"}}]}],\"tools\":[{\"type\":\"function\","
      "\"name\":\"f\",\"parameters\":{\"type\":\"object\",\"properties\":{}},\"defer_loading\":"
      "true},{\"type\":\"tool_search\"},{\"type\":\"mcp\",\"server_label\":\"l\"}],\"tool_choice\":"
      "{\"type\":\"mcp\",\"server_label\":\"l\"},\"reasoning\":{\"effort\":\"high\",\"context\":"
      "\"all_turns\"},\"text\":{\"verbosity\":\"high\",\"later\":1},\"include\":[\"reasoning."
      "encrypted_content\",\"web_search_call.action.sources\"],\"store\":false,\"stream\":true,"
      "\"previous_response_id\":\"resp_1\",\"unheard_of\":[1],\"truncation\":\"auto\",\"prompt_"
      "cache_options\":{\"mode\":\"implicit\"}}",
      "store", .stream = true },
    { "the codex backend takes less of it", WIRE_OPENAI_RESPONSES, WIRE_OPENAI_RESPONSES, "gpt-5.4",
      "{\"model\":\"x\",\"input\":[{\"role\":\"system\",\"content\":\"sys\"},{\"role\":\"user\","
      "\"content\":[{\"type\":\"input_text\",\"text\":\"hi\",\"prompt_cache_breakpoint\":{\"mode\":"
      "\"explicit\"}}]},{\"role\":\"developer\",\"content\":\"dev\"}],\"max_output_tokens\":100,"
      "\"temperature\":1,\"top_p\":1,\"truncation\":\"auto\",\"user\":\"u\",\"safety_identifier\":"
      "\"s\",\"metadata\":{\"a\":\"b\"},\"prompt_cache_options\":{\"mode\":\"implicit\"},\"service_"
      "tier\":\"flex\",\"stream_options\":{\"include_obfuscation\":false},\"client_metadata\":{"
      "\"x\":1},\"prompt_cache_key\":\"k\",\"max_tool_calls\":3}",
      "{\"model\":\"gpt-5.4\",\"instructions\":\"\",\"input\":[{\"type\":\"message\",\"role\":"
      "\"developer\",\"content\":[{\"type\":\"input_text\",\"text\":\"sys\"}]},{\"type\":"
      "\"message\",\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"hi\"}]},{"
      "\"type\":\"message\",\"role\":\"developer\",\"content\":[{\"type\":\"input_text\",\"text\":"
      "\"dev\"}]}],\"prompt_cache_key\":\"k\",\"include\":[\"reasoning.encrypted_content\"],"
      "\"store\":false,\"stream\":true,\"client_metadata\":{\"x\":1}}",
      "max_output_tokens,temperature,top_p,service_tier,user,safety_identifier,metadata,input[1]."
      "content[0].prompt_cache_breakpoint,max_tool_calls,truncation,prompt_cache_options",
      .codex = true },
    { "a stored response is unknown to the codex backend", WIRE_OPENAI_RESPONSES,
      WIRE_OPENAI_RESPONSES, "gpt-5.4",
      "{\"model\":\"x\",\"input\":\"hi\",\"previous_response_id\":\"resp_1\"}",
      "400 previous_response_id: is not known to the provider of this model: send the whole input",
      "", .codex = true },
    { "C56: … and to any other wire", WIRE_OPENAI_RESPONSES, WIRE_ANTHROPIC, "claude-opus-4-5",
      "{\"model\":\"x\",\"input\":\"hi\",\"previous_response_id\":\"resp_1\"}",
      "400 previous_response_id: is not known to the provider of this model: send the whole input",
      "" },
    { "a conversation is known to OpenAI alone", WIRE_OPENAI_RESPONSES, WIRE_ANTHROPIC,
      "claude-opus-4-5", "{\"model\":\"x\",\"input\":\"hi\",\"conversation\":\"conv_1\"}",
      "400 conversation: has no counterpart at the provider that serves this model", "" },
    { "so is a prompt template", WIRE_OPENAI_RESPONSES, WIRE_ANTHROPIC, "claude-opus-4-5",
      "{\"model\":\"x\",\"input\":\"hi\",\"prompt\":{\"id\":\"p\"}}",
      "400 prompt: has no counterpart at the provider that serves this model", "" },
    { "and work in the background", WIRE_OPENAI_RESPONSES, WIRE_ANTHROPIC, "claude-opus-4-5",
      "{\"model\":\"x\",\"input\":\"hi\",\"background\":true}",
      "400 background: has no counterpart at the provider that serves this model", "" },
    { "two answers", WIRE_OPENAI_CHAT, WIRE_OPENAI_RESPONSES, "gpt-5",
      "{\"model\":\"x\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"n\":2}",
      "400 n: must be 1: this model gives one answer", "" },
    { "an answer in sound", WIRE_OPENAI_CHAT, WIRE_OPENAI_RESPONSES, "gpt-5",
      "{\"model\":\"x\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"modalities\":["
      "\"text\",\"audio\"],\"audio\":{\"voice\":\"alloy\",\"format\":\"wav\"}}",
      "400 audio: has no counterpart at the provider that serves this model", "" },
    { "counting", WIRE_OPENAI_RESPONSES, WIRE_OPENAI_RESPONSES, "gpt-5",
      "{\"model\":\"x\",\"instructions\":\"I\",\"input\":\"hi\",\"tools\":[{\"type\":\"web_"
      "search\"}],\"temperature\":1,\"max_output_tokens\":99,\"metadata\":{\"a\":\"b\"},"
      "\"reasoning\":{\"effort\":\"low\"}}",
      "{\"model\":\"gpt-5\",\"instructions\":\"I\",\"input\":[{\"type\":\"message\",\"role\":"
      "\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"hi\"}]}],\"tools\":[{\"type\":"
      "\"web_search\"}],\"reasoning\":{\"effort\":\"low\"}}",
      "", .count = true },
    { "a compatible server", WIRE_OPENAI_RESPONSES, WIRE_OPENAI_RESPONSES, "llama-4",
      "{\"model\":\"x\",\"instructions\":\"I\",\"input\":[{\"role\":\"developer\",\"content\":"
      "\"D\"},{\"role\":\"user\",\"content\":\"hi\"}],\"tools\":[{\"type\":\"function\",\"name\":"
      "\"f\",\"strict\":true,\"parameters\":{\"type\":\"object\",\"properties\":{}}}],\"parallel_"
      "tool_calls\":true,\"temperature\":1,\"reasoning\":{\"effort\":\"xhigh\"},\"text\":{"
      "\"format\":{\"type\":\"json_schema\",\"name\":\"n\",\"schema\":{\"type\":\"object\"}}}}",
      "{\"model\":\"llama-4\",\"instructions\":\"I\",\"input\":[{\"type\":\"message\",\"role\":"
      "\"system\",\"content\":[{\"type\":\"input_text\",\"text\":\"D\"}]},{\"type\":\"message\","
      "\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"hi\"}]}],\"tools\":[{"
      "\"type\":\"function\",\"name\":\"f\",\"parameters\":{\"type\":\"object\",\"properties\":{}}}"
      "],\"reasoning\":{\"effort\":\"xhigh\"},\"text\":{\"format\":{\"type\":\"json_object\"}},"
      "\"temperature\":1,\"store\":false,\"stream\":false}",
      "tools[0].strict,parallel_tool_calls,text.format~", .compatible = true },
    { "web search of others", WIRE_ANTHROPIC, WIRE_OPENAI_RESPONSES, "gpt-5",
      "{\"model\":\"x\",\"max_tokens\":20,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],"
      "\"tools\":[{\"type\":\"web_search_20250305\",\"name\":\"web_search\",\"max_uses\":3,"
      "\"allowed_domains\":[\"a.b\"],\"user_location\":{\"type\":\"approximate\",\"city\":\"Oslo\"}"
      "},{\"type\":\"code_execution_20250825\",\"name\":\"code_execution\"},{\"type\":\"bash_"
      "20250124\",\"name\":\"bash\"}]}",
      "{\"model\":\"gpt-5\",\"input\":[{\"type\":\"message\",\"role\":\"user\",\"content\":[{"
      "\"type\":\"input_text\",\"text\":\"hi\"}]}],\"tools\":[{\"type\":\"web_search\",\"filters\":"
      "{\"allowed_domains\":[\"a.b\"]},\"user_location\":{\"type\":\"approximate\",\"city\":"
      "\"Oslo\"}},{\"type\":\"code_interpreter\",\"container\":{\"type\":\"auto\"}}],\"max_output_"
      "tokens\":20,\"include\":[\"reasoning.encrypted_content\"],\"store\":false,\"stream\":false}",
      "tools[0]~,tools[2]" },
    { "web search of Chat", WIRE_OPENAI_CHAT, WIRE_OPENAI_RESPONSES, "gpt-5",
      "{\"model\":\"x\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"web_search_"
      "options\":{\"search_context_size\":\"low\",\"user_location\":{\"type\":\"approximate\","
      "\"approximate\":{\"city\":\"Oslo\"}}}}",
      "{\"model\":\"gpt-5\",\"input\":[{\"type\":\"message\",\"role\":\"user\",\"content\":[{"
      "\"type\":\"input_text\",\"text\":\"hi\"}]}],\"tools\":[{\"type\":\"web_search\",\"search_"
      "context_size\":\"low\",\"user_location\":{\"type\":\"approximate\",\"city\":\"Oslo\"}}],"
      "\"include\":[\"reasoning.encrypted_content\"],\"store\":false,\"stream\":false}",
      "" },
    { "reasoning comes back through another protocol", WIRE_ANTHROPIC, WIRE_OPENAI_RESPONSES,
      "gpt-5.3-codex",
      "{\"model\":\"x\",\"max_tokens\":20,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{"
      "\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"hm\","
      "\"signature\":\"gw1.oai.Z0FBQUFBeA.cnNfMQ\"},{\"type\":\"text\",\"text\":\"ok\"}]},{"
      "\"role\":\"user\",\"content\":\"and?\"}],\"thinking\":{\"type\":\"enabled\",\"budget_"
      "tokens\":2000}}",
      "{\"model\":\"gpt-5.3-codex\",\"input\":[{\"type\":\"message\",\"role\":\"user\",\"content\":"
      "[{\"type\":\"input_text\",\"text\":\"hi\"}]},{\"type\":\"reasoning\",\"id\":\"rs_1\","
      "\"summary\":[{\"type\":\"summary_text\",\"text\":\"hm\"}],\"encrypted_content\":\"gAAAAAx\"}"
      ",{\"type\":\"message\",\"role\":\"assistant\",\"phase\":\"final_answer\",\"content\":[{"
      "\"type\":\"output_text\",\"text\":\"ok\"}]},{\"type\":\"message\",\"role\":\"user\","
      "\"content\":[{\"type\":\"input_text\",\"text\":\"and?\"}]}],\"reasoning\":{\"effort\":"
      "\"low\",\"summary\":\"auto\"},\"max_output_tokens\":20,\"include\":[\"reasoning.encrypted_"
      "content\"],\"store\":false,\"stream\":false}",
      "thinking~" },
    { "thinking of another signer stays behind", WIRE_ANTHROPIC, WIRE_OPENAI_RESPONSES,
      "gpt-5.3-codex",
      "{\"model\":\"x\",\"max_tokens\":20,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{"
      "\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"hm\","
      "\"signature\":\"gw1.goo.AAAA\"},{\"type\":\"text\",\"text\":\"ok\"}]},{\"role\":\"user\","
      "\"content\":\"and?\"}]}",
      "{\"model\":\"gpt-5.3-codex\",\"input\":[{\"type\":\"message\",\"role\":\"user\",\"content\":"
      "[{\"type\":\"input_text\",\"text\":\"hi\"}]},{\"type\":\"message\",\"role\":\"assistant\","
      "\"phase\":\"final_answer\",\"content\":[{\"type\":\"output_text\",\"text\":\"ok\"}]},{"
      "\"type\":\"message\",\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"and?"
      "\"}]}],\"max_output_tokens\":20,\"include\":[\"reasoning.encrypted_content\"],\"store\":"
      "false,\"stream\":false}",
      "messages[1].content[0]" },
    { "results with pictures and documents", WIRE_ANTHROPIC, WIRE_OPENAI_RESPONSES, "gpt-5",
      "{\"model\":\"x\",\"max_tokens\":20,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{"
      "\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\","
      "\"input\":{}}]},{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":"
      "\"t\",\"content\":[{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":"
      "\"image/"
      "png\",\"data\":\"AA\"}},{\"type\":\"document\",\"title\":\"T\",\"source\":{\"type\":"
      "\"text\",\"media_type\":\"text/"
      "plain\",\"data\":\"D\"}},{\"type\":\"search_result\",\"source\":\"http://"
      "s\",\"title\":\"S\",\"content\":[{\"type\":\"text\",\"text\":\"found\"}]}]}]}],\"tools\":[{"
      "\"name\":\"f\",\"input_schema\":{\"type\":\"object\"}}]}",
      "{\"model\":\"gpt-5\",\"input\":[{\"type\":\"message\",\"role\":\"user\",\"content\":[{"
      "\"type\":\"input_text\",\"text\":\"hi\"}]},{\"type\":\"function_call\",\"call_id\":\"t\","
      "\"name\":\"f\",\"arguments\":\"{}\"},{\"type\":\"function_call_output\",\"call_id\":\"t\","
      "\"output\":[{\"type\":\"input_image\",\"image_url\":\"data:image/"
      "png;base64,AA\"},{\"type\":\"input_text\",\"text\":\"T\\nD\"},{\"type\":\"input_text\","
      "\"text\":\"S\\nhttp://"
      "s\\nfound\"}]}],\"tools\":[{\"type\":\"function\",\"name\":\"f\",\"parameters\":{\"type\":"
      "\"object\",\"properties\":{}},\"strict\":false}],\"max_output_tokens\":20,\"include\":["
      "\"reasoning.encrypted_content\"],\"store\":false,\"stream\":false}",
      "" },
    { "C17: a picture in a result", WIRE_OPENAI_RESPONSES, WIRE_ANTHROPIC, "claude-opus-4-5",
      "{\"model\":\"x\",\"input\":[{\"role\":\"user\",\"content\":\"hi\"},{\"type\":\"function_"
      "call\",\"call_id\":\"c\",\"name\":\"f\",\"arguments\":\"{}\"},{\"type\":\"function_call_"
      "output\",\"call_id\":\"c\",\"output\":[{\"type\":\"input_text\",\"text\":\"a\"},{\"type\":"
      "\"input_image\",\"image_url\":\"data:image/png;base64,AA\"}]}]}",
      "{\"model\":\"claude-opus-4-5\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
      "\"text\",\"text\":\"hi\"}]},{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\","
      "\"id\":\"c\",\"name\":\"f\",\"input\":{}}]},{\"role\":\"user\",\"content\":[{\"type\":"
      "\"tool_result\",\"tool_use_id\":\"c\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},{"
      "\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/"
      "png\",\"data\":\"AA\"}}]}]}],\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":"
      "\"object\",\"properties\":{}}}],\"tool_choice\":{\"type\":\"none\"},\"max_tokens\":64000}",
      "" },
    { "a file that another provider does not have", WIRE_OPENAI_RESPONSES, WIRE_OPENAI_RESPONSES,
      "gpt-5",
      "{\"model\":\"x\",\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_image\","
      "\"file_id\":\"file_1\"}]}]}",
      "400 input[0].content[0]: names a file that the provider of this model does not have", "",
      .compatible = true },

};

TEST(requests_as_the_target_gets_them)
{
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct canon_request r;
        struct wire_complaint why = { 0 };
        struct wire_target target = rig_target(cases[i].wire, cases[i].model);
        struct str got, lost;

        target.dialect = cases[i].codex ? DIALECT_CODEX : DIALECT_PLAIN;
        target.own_service = !cases[i].compatible;
        target.count = cases[i].count;
        target.stream = cases[i].stream;
        if (cases[i].compatible)
            target.lacks = (struct wire_lacks){ .developer_role = true,
                                                .strict = true,
                                                .json_schema = true,
                                                .parallel_tool_calls = true };
        if (!CHECK(translate_read(cases[i].protocol, str_c(cases[i].body), STR(""), false,
                                  &t->arena, &r, &why),
                   "%s: %.*s: %.*s", cases[i].name, STR_ARG(why.param), STR_ARG(why.message)))
            continue;
        got = rig_write(t, &r, &target, &lost);
        CHECK_STR(got, cases[i].want, "%s", cases[i].name);
        CHECK_STR(lost, cases[i].lost, "%s", cases[i].name);
    }
}

TEST(C35_reasoning_that_was_refused_is_left_out_and_named)
{
    struct rig_request *q = rig_read(
        t, "{\"model\":\"x\",\"input\":[{\"role\":\"user\",\"content\":\"hi\"},{\"type\":"
           "\"reasoning\",\"id\":\"rs_1\",\"summary\":[],\"encrypted_content\":\"gAAAAx\"},{"
           "\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\","
           "\"text\":\"ok\"}]},{\"role\":\"user\",\"content\":\"and?\"}]}");
    struct wire_target target = rig_target(WIRE_OPENAI_RESPONSES, "gpt-5");
    struct str lost, got;

    got = rig_write(t, &q->r, &target, &lost);
    CHECK(str_find(got, STR("gAAAAx")) != SIZE_MAX);
    CHECK_STR(lost, "");
    target.lacks.signatures = true;
    got = rig_write(t, &q->r, &target, &lost);
    CHECK(str_find(got, STR("reasoning\"")) == SIZE_MAX, "%s", got.at);
    CHECK(str_find(got, STR("\"ok\"")) != SIZE_MAX);
    CHECK_STR(lost, "input[1]");
}

/* Every member that means something is written, refused, or named as lost. Stop sequences are the
 * translator's: it watches for those that a writer does not pass on. */
TEST(no_field_vanishes)
{
    static struct tool tool = { .name = STR("f") };
    static const struct text stop = { STR("END") };
    static const struct canon_request fields[FIELDS] = {
        [FIELD_MAX_OUTPUT] = { .max_output = 100 },
        [FIELD_TEMPERATURE] = { .temperature = STR("0.5") },
        [FIELD_TOP_P] = { .top_p = STR("0.5") },
        [FIELD_TOP_K] = { .top_k = STR("5") },
        [FIELD_MIN_P] = { .min_p = STR("0.1") },
        [FIELD_FREQUENCY_PENALTY] = { .frequency_penalty = STR("1") },
        [FIELD_PRESENCE_PENALTY] = { .presence_penalty = STR("1") },
        [FIELD_REPETITION_PENALTY] = { .repetition_penalty = STR("1") },
        [FIELD_SEED] = { .seed = STR("7") },
        [FIELD_STOP] = { .stop = &stop, .stop_count = 1 },
        [FIELD_N] = { .n = 2 },
        [FIELD_LOGPROBS] = { .logprobs = TRI_YES },
        [FIELD_TOP_LOGPROBS] = { .top_logprobs = 2 },
        [FIELD_LOGIT_BIAS] = { .logit_bias = STR("{\"1\":1}") },
        [FIELD_FORMAT] = { .format = { .kind = FORMAT_JSON } },
        [FIELD_REASONING] = { .reasoning = { .mode = REASONING_BUDGET, .budget = 5000 } },
        [FIELD_REASONING_SUMMARY] = { .reasoning = { .summary = SUMMARY_DETAILED } },
        [FIELD_VERBOSITY] = { .verbosity = STR("low") },
        [FIELD_MODALITIES] = { .modalities = MODALITY_TEXT | MODALITY_AUDIO },
        [FIELD_IMAGE] = { .image = { .aspect = STR("16:9") } },
        [FIELD_TOOL_CHOICE] = { .choice = { .mode = CHOICE_ANY } },
        [FIELD_PARALLEL_TOOLS] = { .tools = &tool, .parallel_tools = TRI_NO },
        [FIELD_SERVICE_TIER] = { .service_tier = STR("standard_only") },
        [FIELD_CACHE_KEY] = { .cache_key = STR("k") },
        [FIELD_CACHE_OPTIONS] = { .n = 1 },
        [FIELD_CACHE_MARKS] = { .n = 1 },
        [FIELD_SAFETY] = { .safety = STR("[]") },
        [FIELD_USER] = { .user = STR("u") },
        [FIELD_SAFETY_ID] = { .safety_id = STR("s") },
        [FIELD_METADATA] = { .metadata = STR("{\"a\":\"b\"}") },
        [FIELD_STORE] = { .store = TRI_YES },
        [FIELD_PREVIOUS_RESPONSE] = { .previous_response = STR("resp_1") },
        [FIELD_INCLUDE] = { .n = 1 },
    };
    static const char *const models[] = { "gpt-4o", "gpt-5", "gpt-5.2", "llama-4" };

    for (size_t which = 0; which < COUNT(models) * 2; which++) {
        struct wire_target target =
            rig_target(WIRE_OPENAI_RESPONSES, models[which % COUNT(models)]);
        struct str lost, bare;
        struct canon_request r = { .protocol = WIRE_GEMINI, .top_logprobs = -1 };
        struct str bare_tools;

        target.dialect = which < COUNT(models) ? DIALECT_PLAIN : DIALECT_CODEX;
        bare = rig_write(t, &r, &target, &lost);
        r.tools = &tool; /* calls side by side mean nothing without */
        bare_tools = rig_write(t, &r, &target, &lost);
        for (int f = 0; f < FIELDS; f++) {
            struct str got;

            if (f == FIELD_STOP || f == FIELD_INCLUDE) /* of Responses clients alone: an extra */
                continue;
            r = fields[f];
            r.protocol = WIRE_GEMINI;
            if (f != FIELD_TOP_LOGPROBS)
                r.top_logprobs = -1;
            r.where[f] = STR("its.path");
            got = rig_write(t, &r, &target, &lost);
            CHECK((!str_eq(got, bare) && !str_eq(got, bare_tools)) ||
                      str_starts(lost, STR("its.path")),
                  "field %d of %s, dialect %d: %s", f, models[which % COUNT(models)],
                  (int)target.dialect, got.at);
        }
    }
}
