/* What the decoders of all wires share: order of events, interleaved choices, cut surrogates. */
#include "test.h"
#include "wire/convert.h"

struct rig {
    struct decoder d;
    struct arena scratch;
    struct buf seen; /* one word per event */
};

static void see(void *peer, const struct canon_event *ev)
{
    static const char *const words[] = { "start",  "open",  "delta", "signature", "note", "media",
                                         "server", "close", "usage", "finish",    "end" };
    struct rig *r = peer;

    (void)buf_printf(&r->seen, "%s%u:%s%s%.*s", r->seen.len > 0 ? " " : "", ev->choice,
                     words[ev->kind], ev->kind == CANON_DELTA ? "=" : "", (int)ev->text.escaped.len,
                     ev->text.escaped.at);
}

static void rig_init(struct rig *r)
{
    *r = (struct rig){ .d = { .sink = see, .peer = r, .scratch = &r->scratch } };
    buf_init(&r->seen, 1 << 16);
}

static void rig_clear(struct rig *r)
{
    decode_clear(&r->d);
    arena_free(&r->scratch);
    buf_clear(&r->seen);
}

/* One delta, as a decoder gives it: how many surrogates are alone is known from parsing. */
static void delta(struct rig *r, uint32_t choice, const char *escaped)
{
    char data[256];
    struct json doc;
    int n = snprintf(data, sizeof(data), "\"%s\"", escaped);

    assert(json_parse(&doc, (struct str){ data, (size_t)n }, NULL, &r->scratch, NULL));
    r->d.lone = doc.surrogates;
    decode_switch(&r->d, choice, BLOCK_TEXT);
    decode_delta(&r->d, choice, text_of(&doc, 0));
}

static const struct {
    const char *name, *deltas[4], *want;
} cases[] = {
    { "whole ones pass", { "a\\ud83d\\ude00b" }, "a\\ud83d\\ude00b" },
    { "one cut in two", { "a\\ud83d", "\\ude00b" }, "a|\\ud83d\\ude00b" },
    { "upper-case digits", { "\\uD83D", "\\uDE00" }, "\\ud83d\\uDE00" },
    { "an empty delta in between", { "a\\ud83d", "", "\\ude00" }, "a|\\ud83d\\ude00" },
    { "a high one without partner", { "a\\ud83d", "b" }, "a|\\ufffdb" },
    { "a high one at the end", { "a\\ud83d" }, "a|\\ufffd" },
    { "high, then a pair", { "\\ud83d", "\\ud83d\\ude00" }, "\\ufffd\\ud83d\\ude00" },
    { "a low one alone", { "a\\ude00b" }, "a\\ufffdb" },
    { "a high one in the middle", { "a\\ud83dx\\n\\\\ud83d" }, "a\\ufffdx\\n\\\\ud83d" },
};

TEST(decode_joins_surrogates_that_the_upstream_cut)
{
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rig r;
        struct buf want = { .max = 1 << 16 };
        struct str rest = str_c(cases[i].want), piece;

        rig_init(&r);
        for (size_t j = 0; j < COUNT(cases[i].deltas) && cases[i].deltas[j] != NULL; j++)
            delta(&r, 0, cases[i].deltas[j]);
        decode_close(&r.d, 0);
        (void)buf_printf(&want, "0:start 0:open");
        for (bool more = true; more;) {
            more = str_cut(rest, '|', &piece, &rest);
            (void)buf_printf(&want, " 0:delta=%.*s", (int)piece.len, piece.at);
        }
        (void)buf_printf(&want, " 0:close");
        CHECK_STRS(buf_str(&r.seen), buf_str(&want), "%s", cases[i].name);
        buf_clear(&want);
        rig_clear(&r);
    }
}

TEST(decode_keeps_choices_apart)
{
    struct rig r;

    rig_init(&r);
    delta(&r, 0, "a\\ud83d");
    delta(&r, 1, "b");
    decode_open_tool(&r.d, 2, STR("id"), STR("name"), STR(""), false);
    delta(&r, 0, "\\ude00");
    decode_finish(&r.d, 0, STOP_DONE, TEXT_EMPTY);
    decode_finish(&r.d, 1, STOP_TOOL_USE, TEXT_EMPTY);
    decode_finish(&r.d, 2, STOP_DONE, TEXT_EMPTY);
    CHECK(decode_end(&r.d) == DECODED_END);
    CHECK_STR(buf_str(&r.seen),
              "0:start 0:open 0:delta=a 1:open 1:delta=b 2:open 0:delta=\\ud83d\\ude00 0:close "
              "0:finish 1:close 1:finish 2:close 2:finish 0:end");
    rig_clear(&r);
}

TEST(paths_of_a_responses_client_name_item_and_part)
{
    struct canon_request r = { .protocol = WIRE_OPENAI_RESPONSES };
    struct message *m = canon_add_message(&r, &t->arena, ROLE_ASSISTANT, 3);
    struct part *text = message_add(m, &t->arena, PART_TEXT, part_at_item(3, 0));
    struct part *call = message_add(m, &t->arena, PART_TOOL_CALL, part_at_item(4, PART_AT_NONE));
    struct part *far = message_add(m, &t->arena, PART_TEXT, part_at_item(5, 5000));

    CHECK_STR(canon_path(&r, m, text, &t->arena), "input[3].content[0]");
    CHECK_STR(canon_path(&r, m, call, &t->arena), "input[4]");
    CHECK_STR(canon_path(&r, m, far, &t->arena), "input[5]");
    CHECK_STR(canon_path(&r, m, NULL, &t->arena), "input[3]");
}

static void keep_id(void *peer, const struct canon_event *ev)
{
    struct rig *r = peer;

    if (ev->kind == CANON_OPEN)
        (void)buf_printf(&r->seen, "%s%.*s", r->seen.len > 0 ? " " : "", STR_ARG(ev->id));
}

TEST(decode_gives_each_call_of_an_answer_its_own_id)
{
    static const char *const ids[] = { "a", "a", "b", "a", "", "" };
    struct rig r;
    struct str words[COUNT(ids)], rest;

    rig_init(&r);
    r.d.sink = keep_id;
    for (size_t i = 0; i < COUNT(ids); i++)
        decode_open_tool(&r.d, 0, str_c(ids[i]), STR("f"), STR(""), false);
    rest = buf_str(&r.seen);
    for (size_t i = 0; i < COUNT(ids); i++)
        (void)str_cut(rest, ' ', &words[i], &rest);
    CHECK_STR(words[0], "a");
    CHECK_STR(words[2], "b");
    CHECK(str_starts(words[1], STR("call_")) && str_starts(words[3], STR("call_")) &&
          !str_eq(words[1], words[3]));
    CHECK(str_starts(words[4], STR("call_")) && !str_eq(words[4], words[5]));
    rig_clear(&r);
}
