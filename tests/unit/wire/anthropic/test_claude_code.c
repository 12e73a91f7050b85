/* Claude Code's requests, in miniature: what it sends in November 2026 with the version 2.1. */
#include "rig.h"

static struct str request(struct test *t)
{
    return test_file(t, "tests/unit/wire/anthropic/claude_code.json");
}

TEST(anthropic_reads_what_claude_code_says)
{
    struct canon_request r;
    struct wire_complaint why;
    const struct message *m;
    struct buf unread;

    if (!CHECK(translate_read(WIRE_ANTHROPIC, request(t), STR(""), false, &t->arena, &r, &why),
               "%.*s: %.*s", STR_ARG(why.param), STR_ARG(why.message)))
        return;
    CHECK(r.stream);
    CHECK_INT(r.max_output, 128000);
    CHECK_INT(r.reasoning.mode, REASONING_AUTO);
    CHECK_INT(r.reasoning.effort, EFFORT_HIGH);
    CHECK_INT(r.reasoning.summary, SUMMARY_NONE);
    CHECK_INT(r.tool_count, 12);
    CHECK(r.tools->next->next->next->next->next->next->next->next->deferred);
    CHECK(str_starts(r.user, STR("{\"device_id\":\"d0\"")));
    CHECK_STR(r.where[FIELD_CACHE_MARKS], "system[1].cache_control");
    CHECK_INT(r.system->next->cache, CACHE_1H);
    CHECK_INT(r.message_count, 7);
    m = r.messages->next;
    CHECK_INT(m->role, ROLE_SYSTEM);
    CHECK_STR(m->parts->text.escaped, "The user is in plan mode.");
    m = m->next->next;
    CHECK_INT(m->parts->next->result.content->kind, PART_IMAGE);
    CHECK_INT(m->next->parts->cache, CACHE_DEFAULT);
    CHECK_STR(r.extras->path, "tools[1].eager_input_streaming");
    CHECK_STR(r.extras->next->path, "context_management");
    buf_init(&unread, 1000);
    losses_put(&r.unread, NULL, &unread, 1000);
    CHECK_STR(buf_str(&unread), "");
    buf_clear(&unread);
}

/* When a part of its history was signed elsewhere, the request is written anew for Anthropic: only
 * its spelling changes. */
TEST(anthropic_writes_what_claude_code_said)
{
    static const struct {
        const char *model, *want;
    } cases[] = {
        { "claude-opus-5-5", "tests/unit/wire/anthropic/claude_code.opus-5-5.json" },
        { "claude-sonnet-4-5", "tests/unit/wire/anthropic/claude_code.sonnet-4-5.json" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rig_written got = rig_write(t, request(t).at, cases[i].model, NULL);

        CHECK(got.written, "%s", cases[i].model);
        CHECK_STRS(got.body, str_trim(test_file(t, cases[i].want)), "%s", cases[i].model);
        CHECK_STR(got.said.anthropic_version, "2026-10-21", "%s", cases[i].model);
        CHECK_STR(got.dropped, i == 0 ? "" : "messages[1]~,messages[4]~,thinking~,max_tokens~");
    }
}
