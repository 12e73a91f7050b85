/* Requests of Responses clients and of others, as a Responses upstream gets them. */
#include "rig.h"

static struct str write_to(struct test *t, const struct canon_request *r,
                           const struct wire_target *target)
{
    struct str lost;

    return rig_write(t, r, target, &lost);
}

TEST(what_codex_sends_goes_to_its_own_backend_as_it_was)
{
    struct rig_request *q = rig_read(
        t,
        "{\"model\":\"x\",\"instructions\":\"Be brief.\",\"input\":[{\"role\":\"developer\","
        "\"content\":\"dev\"},{\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":"
        "\"hi\"}]},{\"type\":\"reasoning\",\"id\":\"rs_1\",\"summary\":[],\"encrypted_content\":"
        "\"gAAAAx\"},{\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":"
        "\"output_text\",\"text\":\"Hm\"}],\"phase\":\"commentary\"},{\"type\":\"function_call\","
        "\"call_id\":\"c1\",\"name\":\"f\",\"arguments\":\"{}\"},{\"type\":\"custom_tool_call\","
        "\"call_id\":\"c2\",\"name\":\"apply_patch\",\"input\":\"***\"},{\"type\":"
        "\"function_call_output\",\"call_id\":\"c1\",\"output\":\"ok\"},{\"type\":"
        "\"custom_tool_call_output\",\"call_id\":\"c2\",\"output\":[{\"type\":\"input_text\","
        "\"text\":\"a\"},{\"type\":\"input_image\",\"image_url\":\"data:image/png;base64,AA\"}]}],"
        "\"tools\":[{\"type\":\"namespace\",\"name\":\"ns\",\"description\":\"d\",\"tools\":[{"
        "\"type\":\"function\",\"name\":\"f\",\"parameters\":{\"type\":\"object\",\"properties\":"
        "{}}}]},{\"type\":\"custom\",\"name\":\"apply_patch\",\"format\":{\"type\":\"grammar\","
        "\"syntax\":\"lark\",\"definition\":\"x\"}},{\"type\":\"web_search\"},{\"type\":"
        "\"tool_search\"}],\"store\":false,\"include\":[\"reasoning.encrypted_content\"],"
        "\"client_metadata\":{\"a\":1},\"prompt_cache_key\":\"k\",\"reasoning\":{\"effort\":"
        "\"high\",\"summary\":\"auto\"}}");
    struct wire_target codex = rig_target(WIRE_OPENAI_RESPONSES, "gpt-5.3-codex");

    codex.dialect = DIALECT_CODEX;
    CHECK(q->good, "%s %s", q->why.param.at, q->why.message.at);
    CHECK_STR(
        write_to(t, &q->r, &codex),
        "{\"model\":\"gpt-5.3-codex\",\"instructions\":\"Be "
        "brief.\",\"input\":[{\"type\":\"message\",\"role\":\"developer\",\"content\":[{\"type\":"
        "\"input_text\",\"text\":\"dev\"}]},{\"type\":\"message\",\"role\":\"user\",\"content\":[{"
        "\"type\":\"input_text\",\"text\":\"hi\"}]},{\"type\":\"reasoning\",\"id\":\"rs_1\","
        "\"summary\":[],\"encrypted_content\":\"gAAAAx\"},{\"type\":\"message\",\"role\":"
        "\"assistant\",\"phase\":\"commentary\",\"content\":[{\"type\":\"output_text\",\"text\":"
        "\"Hm\"}]},{\"type\":\"function_call\",\"call_id\":\"c1\",\"name\":\"f\",\"arguments\":\"{}"
        "\"},{\"type\":\"custom_tool_call\",\"call_id\":\"c2\",\"name\":\"apply_patch\",\"input\":"
        "\"***\"},{\"type\":\"function_call_output\",\"call_id\":\"c1\",\"output\":\"ok\"},{"
        "\"type\":\"custom_tool_call_output\",\"call_id\":\"c2\",\"output\":[{\"type\":\"input_"
        "text\",\"text\":\"a\"},{\"type\":\"input_image\",\"image_url\":\"data:image/"
        "png;base64,AA\"}]}],\"tools\":[{\"type\":\"namespace\",\"name\":\"ns\",\"description\":"
        "\"d\",\"tools\":[{\"type\":\"function\",\"name\":\"f\",\"parameters\":{\"type\":"
        "\"object\",\"properties\":{}}}]},{\"type\":\"custom\",\"name\":\"apply_patch\",\"format\":"
        "{\"type\":\"grammar\",\"syntax\":\"lark\",\"definition\":\"x\"}},{\"type\":\"web_search\"}"
        ",{\"type\":\"tool_search\"}],\"reasoning\":{\"effort\":\"high\",\"summary\":\"auto\"},"
        "\"prompt_cache_key\":\"k\",\"include\":[\"reasoning.encrypted_content\"],\"store\":false,"
        "\"stream\":true,\"client_metadata\":{\"a\":1}}");
}
