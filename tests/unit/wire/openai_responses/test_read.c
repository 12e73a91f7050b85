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
          "input[0]", "refers to an item that is not kept here: send the item itself" },
        { "{\"model\":\"m\",\"input\":[{\"id\":\"msg_1\"}]}", "input[0]",
          "refers to an item that is not kept here: send the item itself" },
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

/* --- what was understood ----------------------------------------------------------------------*/

static void tell_media(struct buf *b, const struct media *m)
{
    static const char *const sources[] = { "base64", "url", "file", "text", "parts" };
    static const char *const details[] = { "", ",auto", ",low", ",high", ",original" };

    (void)buf_printf(b, "%s,%.*s,%.*s,%.*s%s", sources[m->source], STR_ARG(m->mime.escaped),
                     STR_ARG(m->data.escaped), STR_ARG(m->title.escaped), details[m->detail]);
}

static void tell_parts(struct buf *b, const struct part *p);

static void tell_part(struct buf *b, const struct part *p)
{
    static const char *const kinds[] = {
        "",         "image",    "document", "audio",  "video",         "call",   "result",
        "thinking", "redacted", "refusal",  "server", "server_result", "search", "opaque",
    };

    (void)buf_printf(b, "%s(", kinds[p->kind]);
    switch (p->kind) {
    case PART_IMAGE:
    case PART_DOCUMENT:
    case PART_AUDIO:
    case PART_VIDEO:
        tell_media(b, &p->media);
        break;
    case PART_TOOL_CALL:
        (void)buf_printf(b, "%.*s,%.*s@%.*s,%.*s%s", STR_ARG(p->call.id), STR_ARG(p->call.name),
                         STR_ARG(p->call.name_space), STR_ARG(p->call.text.escaped),
                         p->call.custom ? ",custom" : "");
        break;
    case PART_TOOL_RESULT:
        (void)buf_printf(b, "%.*s%s,", STR_ARG(p->result.call_id),
                         p->result.custom ? ",custom" : "");
        tell_parts(b, p->result.content);
        break;
    case PART_SERVER_CALL:
    case PART_SERVER_RESULT:
    case PART_OPAQUE:
        (void)buf_printf(b, "%.*s,%.*s,%.*s", STR_ARG(p->opaque.type), STR_ARG(p->opaque.id),
                         STR_ARG(p->opaque.name));
        break;
    case PART_TEXT:
    case PART_THINKING:
    case PART_REDACTED:
    case PART_REFUSAL:
    case PART_SEARCH_RESULT:
        (void)buf_printf(b, "%.*s", STR_ARG(p->text.escaped));
        if (p->sig.signer != SIGNER_NONE)
            (void)buf_printf(b, ",sig %d %.*s %.*s%s", (int)p->sig.signer,
                             STR_ARG(p->sig.blob.escaped), STR_ARG(p->sig.item_id),
                             p->opaque.raw.len > 0 ? " raw" : "");
        break;
    }
    (void)buf_printf(b, ")");
}

static void tell_parts(struct buf *b, const struct part *p)
{
    for (; p != NULL; p = p->next)
        tell_part(b, p);
}

/* `SYSTEM(a) user(x) assistant/final(y) …` */
static struct str told(struct test *t, const struct canon_request *r)
{
    static const char *const roles[] = { "user", "assistant", "system" };
    static const char *const phases[] = { "", "/commentary", "/final" };
    struct buf b;

    buf_init(&b, RIG_BYTES);
    if (r->system != NULL) {
        (void)buf_printf(&b, r->system_developer ? "DEVELOPER" : "SYSTEM");
        tell_parts(&b, r->system);
    }
    for (const struct message *m = r->messages; m != NULL; m = m->next) {
        (void)buf_printf(&b, " %s%s", m->developer ? "developer" : roles[m->role],
                         phases[m->phase]);
        tell_parts(&b, m->parts);
    }
    return str_trim(rig_take(t, &b));
}

#define ASK(input) "{\"model\":\"m\",\"input\":" input "}"
#define ITEM(type, members) "{\"type\":\"" type "\"," members "}"
#define CALL(id) ITEM("function_call", "\"call_id\":\"" id "\",\"name\":\"f\",\"arguments\":\"{}\"")
#define OUTPUT(id, of) ITEM("function_call_output", "\"call_id\":\"" id "\",\"output\":" of)
#define SAYS(who, what) "{\"role\":\"" who "\",\"content\":\"" what "\"}"
#define PARTS(of) "[{\"role\":\"user\",\"content\":[" of "]}]"

TEST(items_become_messages)
{
    static const struct {
        const char *name, *body, *want;
    } cases[] = {
        { "a string", ASK("\"hi\""), "user(hi)" },
        { "system texts in front, and later",
          "{\"model\":\"m\",\"instructions\":\"I\",\"input\":[" SAYS("developer", "d") "," SAYS(
              "user", "u") "," SAYS("developer", "e") "," SAYS("system", "s") "]}",
          "DEVELOPER(I)(d) user(u) developer(e) system(s)" },
        { "one turn is one message",
          ASK("[" SAYS("user", "u") "," ITEM(
              "reasoning",
              "\"id\":\"rs_1\",\"summary\":[{\"type\":\"summary_text\",\"text\":\"a\"}"
              ",{\"type\":\"summary_text\",\"text\":\"b\"}],\"encrypted_content\":"
              "\"gAAAAx\"") "," SAYS("assistant",
                                     "t") "," CALL("1") "," CALL("2") "," OUTPUT("1",
                                                                                 "\"x\"") "," OUTPUT("2",
                                                                                                     "\"\"") "," SAYS("user",
                                                                                                                      "v") "]"),
          "user(u) assistantthinking(a\\n\\nb,sig 3 gAAAAx rs_1 "
          "raw)(t)call(1,f@,{})call(2,f@,{}) "
          "userresult(1,(x))result(2,()) user(v)" },
        { "a text behind a text is a message of its own, one behind a call is not",
          ASK("[" SAYS("assistant", "a") "," SAYS("assistant", "b") "," CALL("1") "," SAYS(
              "assistant", "c") "," OUTPUT("1", "\"x\"") "]"),
          "assistant(a) assistant(b)call(1,f@,{})(c) userresult(1,(x))" },
        { "phases",
          ASK("[{\"role\":\"assistant\",\"phase\":\"commentary\",\"content\":\"a\"}," CALL(
              "1") ","
                   "{\"role\":\"assistant\",\"phase\":\"final_answer\",\"content\":\"b\"}]"),
          "assistant/commentary(a)call(1,f@,{}) assistant/final(b)" },
        { "custom calls, namespaces, lists as output",
          ASK("[" ITEM("custom_tool_call", "\"call_id\":\"1\",\"name\":\"p\",\"input\":\"***\"") "," ITEM(
              "function_call", "\"call_id\":\"2\",\"name\":\"f\",\"namespace\":\"n\","
                               "\"arguments\":\"\",\"id\":\"fc_1\",\"status\":"
                               "\"completed\"") "," ITEM("custom_tool_call_output",
                                                         "\"call_id\":\"1\",\"output\":[{"
                                                         "\"type\":"
                                                         "\"input_text\",\"text\":\"a\"},{"
                                                         "\"type\":\"input_image\",\"image_"
                                                         "url\":"
                                                         "\"data:image\\/png;base64,AA\\/"
                                                         "A\"}]") "]"),
          "assistantcall(1,p@,***,custom)call(2,f@n,) "
          "userresult(1,custom,(a)image(base64,image/png,AA/A,))" },
        { "reasoning of others, and what is none",
          ASK("[" ITEM("reasoning", "\"summary\":[]") "," ITEM(
              "reasoning",
              "\"summary\":[],\"content\":[{\"type\":\"reasoning_text\",\"text\":"
              "\"raw\"}]") "," ITEM("reasoning",
                                    "\"summary\":[],\"encrypted_content\":\"gw1.goo."
                                    "QUFBQQ\"") "," ITEM("reasoning",
                                                         "\"summary\":[],\"encrypted_"
                                                         "content\":\"gw1.oai.Z0FBQUFBeA."
                                                         "cnNfMQ\"") "," ITEM("reasoning",
                                                                              "\"id\":\"rs_"
                                                                              "0a1b_0\","
                                                                              "\"summary\":"
                                                                              "[],"
                                                                              "\"encrypted_"
                                                                              "content\":"
                                                                              "\"gAAAAx\"") "," ITEM("reasoning",
                                                                                                     "\"summary\":[],\"encrypted_content\":\"whose?\"") "]"),
          "assistantthinking(raw)thinking(,sig 2 AAAA )redacted(,sig 3 gAAAAAx rs_1)"
          "redacted(,sig 3 gAAAAx )redacted(,sig 4 whose? )" },
        { "kept whole",
          ASK("[" ITEM("web_search_call", "\"id\":\"ws_1\"") "," ITEM(
              "compaction",
              "\"encrypte"
              "d_"
              "content\":"
              "\"z\"") "," ITEM("local_shell_call",
                                "\"call_id\":\"1\"") "," ITEM("local_shell_call_output",
                                                              "\"id\":\"1\",\"output\":"
                                                              "\"x\"") "," ITEM("mcp_"
                                                                                "approval"
                                                                                "_respons"
                                                                                "e",
                                                                                "\"approv"
                                                                                "e\":"
                                                                                "true") "," ITEM("o"
                                                                                                 "f"
                                                                                                 "_"
                                                                                                 "t"
                                                                                                 "o"
                                                                                                 "m"
                                                                                                 "o"
                                                                                                 "r"
                                                                                                 "r"
                                                                                                 "o"
                                                                                                 "w",
                                                                                                 "\"a\":1") "]"),
          "assistantserver(web_search_call,ws_1,web_search)opaque(compaction,,)"
          "server(local_shell_call,,local_shell) useropaque(local_shell_call_output,1,)"
          "opaque(mcp_approval_response,,) assistantopaque(of_tomorrow,,)" },
        { "parts of a message",
          ASK(PARTS("{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"output_text\",\"text\":\"b\","
                    "\"annotations\":[]},{\"type\":\"refusal\",\"refusal\":\"no\"},{\"type\":"
                    "\"input_image\",\"image_url\":\"https://a/"
                    "b\",\"detail\":\"original\"},{\"type\":"
                    "\"input_image\",\"image_url\":{\"url\":\"https://c\"}},{\"type\":"
                    "\"input_image\",\"file_id\":\"f1\"}")),
          "user(a)(b)refusal(no)image(url,,https://a/b,,original)image(url,,https://c,)"
          "image(file,,f1,)" },
        { "files and sound",
          ASK(PARTS(
              "{\"type\":\"input_file\",\"file_data\":\"data:text/plain;base64,QQ==\","
              "\"filename\":\"a.txt\"},{\"type\":\"input_file\",\"file_data\":\"JVBE\"},{"
              "\"type\":\"input_file\",\"file_url\":\"https://a\"},{\"type\":\"input_file\","
              "\"file_id\":\"f\"},{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"UklG\","
              "\"format\":\"mp3\"}}")),
          "userdocument(base64,text/plain,QQ==,a.txt)document(base64,application/pdf,JVBE,)"
          "document(url,,https://a,)document(file,,f,)audio(base64,audio/mp3,UklG,)" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rig_request *q = rig_read(t, cases[i].body);

        if (CHECK(q->good, "%s: %.*s: %.*s", cases[i].name, STR_ARG(q->why.param),
                  STR_ARG(q->why.message)))
            CHECK_STR(told(t, &q->r), cases[i].want, "%s", cases[i].name);
    }
}

TEST(tools_keep_their_kind_and_place)
{
    static const char body[] =
        "{\"model\":\"m\",\"input\":[{\"type\":\"additional_tools\",\"role\":\"developer\","
        "\"tools\":[{\"type\":\"function\",\"name\":\"late\"}]}],\"tools\":[{\"type\":"
        "\"function\",\"name\":\"f\",\"description\":\"d\",\"parameters\":{\"type\":\"object\"},"
        "\"strict\":true,\"async\":true},{\"type\":\"namespace\",\"name\":\"n\",\"description\":"
        "\"N\",\"tools\":[{\"type\":\"function\",\"name\":\"g\",\"defer_loading\":true},{"
        "\"type\":\"custom\",\"name\":\"p\",\"format\":{\"type\":\"text\"}}]},{\"type\":"
        "\"web_search_preview\"},{\"type\":\"code_interpreter\"},{\"type\":\"local_shell\"},{"
        "\"type\":\"tool_search\",\"x\":1}]}";
    static const struct {
        const char *name, *name_space;
        uint32_t at;
        bool custom, deferred;
    } tools[] = {
        { "f", "", 0, false, false },
        { "g", "n", 1, false, true },
        { "p", "n", 1, true, false },
        { "late", "", 0, false, false },
    };
    static const struct {
        const char *type;
        enum server_tool_kind kind;
    } server_tools[] = {
        { "web_search_preview", SERVER_TOOL_WEB_SEARCH },
        { "code_interpreter", SERVER_TOOL_CODE },
        { "local_shell", SERVER_TOOL_OTHER },
        { "tool_search", SERVER_TOOL_OTHER },
    };
    struct rig_request *q = rig_read(t, body);
    const struct tool *tool = q->r.tools;
    const struct server_tool *server = q->r.server_tools;
    struct buf lost;

    if (!CHECK(q->good, "%.*s: %.*s", STR_ARG(q->why.param), STR_ARG(q->why.message)))
        return;
    for (size_t i = 0; i < COUNT(tools) && CHECK(tool != NULL); i++, tool = tool->next) {
        CHECK_STR(tool->name, tools[i].name);
        CHECK_STR(tool->name_space, tools[i].name_space, "%s", tools[i].name);
        CHECK_INT(tool->at, tools[i].at, "%s", tools[i].name);
        CHECK_INT(tool->custom, tools[i].custom, "%s", tools[i].name);
        CHECK_INT(tool->deferred, tools[i].deferred, "%s", tools[i].name);
    }
    CHECK(tool == NULL);
    for (size_t i = 0; i < COUNT(server_tools) && CHECK(server != NULL);
         i++, server = server->next) {
        CHECK_STR(server->type, server_tools[i].type);
        CHECK_INT(server->kind, server_tools[i].kind, "%s", server_tools[i].type);
    }
    CHECK(server == NULL);
    CHECK_INT(q->r.tools->strict, TRI_YES);
    CHECK_STR(q->r.tools->next->name_space_description.escaped, "N");
    buf_init(&lost, 1000);
    losses_put(&q->r.unread, NULL, &lost, 1000);
    CHECK_STR(buf_str(&lost), "tools[0].async");
    buf_clear(&lost);
}

TEST(choices_of_tools)
{
    static const struct {
        const char *choice;
        enum choice_mode mode;
        bool any;
        size_t names;
        const char *name;
    } cases[] = {
        { "\"auto\"", CHOICE_AUTO, false, 0, "" },
        { "\"none\"", CHOICE_NONE, false, 0, "" },
        { "\"required\"", CHOICE_ANY, false, 0, "" },
        { "{\"type\":\"function\",\"name\":\"f\"}", CHOICE_ONE, false, 1, "f" },
        { "{\"type\":\"custom\",\"name\":\"f\"}", CHOICE_ONE, false, 1, "f" },
        { "{\"type\":\"allowed_tools\",\"mode\":\"required\",\"tools\":[{\"type\":\"function\","
          "\"name\":\"f\"},{\"type\":\"web_search\"},{\"type\":\"custom\",\"name\":\"g\"}]}",
          CHOICE_ALLOWED, true, 2, "f" },
        { "{\"type\":\"mcp\",\"server_label\":\"l\"}", CHOICE_UNSET, false, 0, "" },
        { "null", CHOICE_UNSET, false, 0, "" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rig_request *q = rig_read(
            t, arena_printf(&t->arena, "{\"model\":\"m\",\"input\":\"x\",\"tool_choice\":%s}",
                            cases[i].choice)
                   .at);

        if (!CHECK(q->good, "%s", cases[i].choice))
            continue;
        CHECK_INT(q->r.choice.mode, cases[i].mode, "%s", cases[i].choice);
        CHECK_INT(q->r.choice.allowed_any, cases[i].any, "%s", cases[i].choice);
        CHECK_INT(q->r.choice.name_count, cases[i].names, "%s", cases[i].choice);
        if (q->r.choice.name_count > 0)
            CHECK_STR(q->r.choice.names[0], cases[i].name, "%s", cases[i].choice);
    }
}

TEST(a_configuration_update_counts_as_if_the_request_said_it)
{
    struct rig_request *q =
        rig_read(t, ASK("[" SAYS("user", "u") "," ITEM(
                        "configuration_update",
                        "\"reasoning\":{\"effort\":\"low\"},\"text\":{\"format\":{\"type\":"
                        "\"json_object\"}}") "]"));

    CHECK(q->good);
    CHECK_INT(q->r.reasoning.effort, EFFORT_LOW);
    CHECK_INT(q->r.format.kind, FORMAT_JSON);
    CHECK_INT(q->r.message_count, 1);
}

TEST(what_happens_anyway_is_no_wish_that_could_be_lost)
{
    struct rig_request *q = rig_read(
        t, "{\"model\":\"m\",\"input\":\"x\",\"store\":false,\"include\":["
           "\"reasoning.encrypted_content\"],\"truncation\":\"disabled\",\"background\":false,"
           "\"metadata\":{},\"text\":{\"format\":{\"type\":\"text\"}},\"stream_options\":{"
           "\"include_obfuscation\":false},\"previous_response_id\":null,\"tools\":[],"
           "\"top_logprobs\":0,\"reasoning\":null}");

    if (!CHECK(q->good, "%.*s", STR_ARG(q->why.param)))
        return;
    for (int f = 0; f < FIELDS; f++)
        CHECK_STR(q->r.where[f], "", "field %d", f);
    CHECK(q->r.extras == NULL);
    CHECK_INT(q->r.unread.count, 0);
}
