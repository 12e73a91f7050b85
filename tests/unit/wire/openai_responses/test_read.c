/* Requests of Responses clients: what is understood, and what is answered 400. */
#include "rig.h"

TEST(what_is_wrong_is_named_by_its_path)
{
    static const struct {
        const char *body, *param, *message;
    } cases[] = {
        { "{\"input\":\"x\"}", "model", "is missing: name a model" },
        { "{\"model\":\"m\"}", "input", "is missing" },
        { "{\"model\":\"m\",\"input\":7}", "input", "must be a string or an array" },
        { "{\"model\":\"m\",\"input\":[7]}", "input[0]", "must be an object" },
        { "{\"model\":\"m\",\"model\":\"n\",\"input\":\"x\"}", "model",
          "stands in the request more than once" },
        { "{\"model\":\"m\",\"input\":\"x\",\"temperature\":3}", "temperature",
          "must be from 0 to 2" },
        { "{\"model\":\"m\",\"input\":\"x\",\"max_output_tokens\":0}", "max_output_tokens",
          "must be at least 1" },
        { "{\"model\":\"m\",\"input\":\"x\",\"reasoning\":{\"effort\":\"huge\"}}",
          "reasoning.effort", "must be none, minimal, low, medium, high, xhigh or max" },
        { "{\"model\":\"m\",\"input\":[{\"role\":\"robot\",\"content\":\"x\"}]}", "input[0].role",
          "must be user, assistant, system or developer" },
        { "{\"model\":\"m\",\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"x\"}]}]}",
          "input[0].content[0].type",
          "must be input_text, output_text, refusal, input_image, input_file or input_audio" },
        { "{\"model\":\"m\",\"input\":[{\"type\":\"item_reference\",\"id\":\"msg_1\"}]}",
          "input[0]", "refers to a stored item, and none are stored: send the item itself" },
        { "{\"model\":\"m\",\"input\":[{\"id\":\"msg_1\"}]}", "input[0]",
          "refers to a stored item, and none are stored: send the item itself" },
        { "{\"model\":\"m\",\"input\":[{\"type\":\"function_call\",\"name\":\"f\","
          "\"arguments\":\"{}\"}]}",
          "input[0].call_id", "is missing" },
        { "{\"model\":\"m\",\"input\":\"x\",\"tools\":[{\"type\":\"namespace\",\"name\":\"n\","
          "\"tools\":[{\"type\":\"function\"}]}]}",
          "tools[0].tools[0].name", "is missing: name the tool" },
        { "{\"model\":\"m\",\"input\":\"x\",\"tool_choice\":\"maybe\"}", "tool_choice",
          "must be auto, none, required or an object" },
        { "{\"model\":\"m\",\"input\":\"x\",\"text\":{\"format\":{\"type\":\"json_schema\"}}}",
          "text.format.schema", "is missing" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rig_request *q = rig_read(t, cases[i].body);

        CHECK(!q->good, "%s", cases[i].body);
        CHECK_STR(q->why.param, cases[i].param, "%s", cases[i].body);
        CHECK_STR(q->why.message, cases[i].message, "%s", cases[i].body);
    }
}
