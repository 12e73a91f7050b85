#include "wire/prepare.h"

#include "test.h"

/* Conversations in short: messages parted by `|`, each `U`, `A` or `S` and its parts:
 *   t:text   c:id:name   r:id:name:text   e:… a result that is an error   i: an image
 *   k:text:S thinking signed by S (a, g, o, x; empty: unsigned)   d:S redacted
 *   s:S server call of wire S   q:S an opaque item; `_` stands for a blank in texts */

static enum signer signer_of(struct str letter)
{
    return letter.len == 0       ? SIGNER_NONE
           : letter.at[0] == 'a' ? SIGNER_ANTHROPIC
           : letter.at[0] == 'g' ? SIGNER_GOOGLE
           : letter.at[0] == 'o' ? SIGNER_OPENAI
                                 : SIGNER_OTHER;
}

static struct text blanks(struct test *t, struct str s)
{
    char *to = arena_alloc(&t->arena, s.len + 1);

    for (size_t i = 0; i < s.len; i++)
        to[i] = s.at[i] == '_' ? ' ' : s.at[i];
    return (struct text){ { to, s.len } };
}

static void add_part(struct test *t, struct message *m, struct str word, uint32_t at)
{
    struct str f[4] = { { "", 0 }, { "", 0 }, { "", 0 }, { "", 0 } }, rest = word;
    struct part *p, *last = NULL;

    for (size_t i = 0; i < COUNT(f) && rest.len > 0; i++)
        (void)str_cut(rest, ':', &f[i], &rest);
    switch (f[0].at[0]) {
    case 't':
        message_add(m, &t->arena, PART_TEXT, at)->text = blanks(t, f[1]);
        break;
    case 'c':
        p = message_add(m, &t->arena, PART_TOOL_CALL, at);
        p->call.id = f[1];
        p->call.name = f[2];
        break;
    case 'r':
    case 'e':
        p = message_add(m, &t->arena, PART_TOOL_RESULT, at);
        p->result.call_id = f[1];
        p->result.name = f[2];
        p->result.is_error = f[0].at[0] == 'e';
        if (f[3].len > 0)
            part_append(&p->result.content, &last, &t->arena, PART_TEXT, 0)->text =
                blanks(t, str_eq(f[3], STR("-")) ? STR("") : f[3]);
        break;
    case 'i':
        message_add(m, &t->arena, PART_IMAGE, at);
        break;
    case 'k':
        p = message_add(m, &t->arena, PART_THINKING, at);
        p->text = blanks(t, f[1]);
        p->sig = (struct signature){ .signer = signer_of(f[2]), .blob = TEXT_LIT("sig") };
        break;
    case 'd':
        p = message_add(m, &t->arena, PART_REDACTED, at);
        p->sig = (struct signature){ .signer = signer_of(f[1]), .blob = TEXT_LIT("sig") };
        break;
    case 's':
    case 'q':
        p = message_add(m, &t->arena, f[0].at[0] == 's' ? PART_SERVER_CALL : PART_OPAQUE, at);
        p->opaque.wire = f[1].at[0] == 'a'   ? WIRE_ANTHROPIC
                         : f[1].at[0] == 'g' ? WIRE_GEMINI
                                             : WIRE_OPENAI_RESPONSES;
        p->opaque.name = STR("web_search");
        p->opaque.raw = STR("{\"input\":{\"query\":\"fish\",\"secret\":\"x\"},\"more\":[{\"url\":"
                            "\"http://a\",\"title\":\"A \\\"b\\\"\"}]}");
        break;
    default:
        CHECK(word.len == 0, "%.*s", STR_ARG(word));
    }
}

static struct canon_request build(struct test *t, const char *text)
{
    struct canon_request r = { .protocol = WIRE_ANTHROPIC };
    struct str rest = str_c(text), line, word;
    uint32_t index = 0;

    while (rest.len > 0) {
        (void)str_cut(rest, '|', &line, &rest);
        line = str_trim(line);
        (void)str_cut(line, ' ', &word, &line);
        struct message *m = canon_add_message(&r, &t->arena,
                                              word.at[0] == 'U'   ? ROLE_USER
                                              : word.at[0] == 'A' ? ROLE_ASSISTANT
                                                                  : ROLE_SYSTEM,
                                              index++);
        for (uint32_t at = 0; line.len > 0; at++) {
            (void)str_cut(line, ' ', &word, &line);
            if (word.len > 0)
                add_part(t, m, word, at);
        }
    }
    return r;
}

static void show_text(struct buf *out, const char *front, struct text text)
{
    (void)buf_add(out, str_c(front));
    for (size_t i = 0; i < text.escaped.len; i++)
        (void)buf_add_char(out, text.escaped.at[i] == ' ' ? '_' : text.escaped.at[i]);
}

static void show_part(struct test *t, struct buf *out, const struct part *p)
{
    static const char letters[] = {
        [SIGNER_ANTHROPIC] = 'a', [SIGNER_GOOGLE] = 'g', [SIGNER_OPENAI] = 'o', [SIGNER_OTHER] = 'x'
    };

    switch (p->kind) {
    case PART_TEXT:
        show_text(out, " t:", p->text);
        break;
    case PART_TOOL_CALL:
        (void)buf_printf(out, " c:%.*s:%.*s", STR_ARG(p->call.id), STR_ARG(p->call.name));
        break;
    case PART_TOOL_RESULT:
        (void)buf_printf(out, " %c:%.*s:%.*s", p->result.is_error ? 'e' : 'r',
                         STR_ARG(p->result.call_id), STR_ARG(p->result.name));
        for (const struct part *c = p->result.content; c != NULL; c = c->next)
            show_text(out, ":", c->text);
        break;
    case PART_IMAGE:
        (void)buf_add(out, STR(" i:"));
        break;
    case PART_THINKING:
        show_text(out, " k:", p->text);
        break;
    case PART_REDACTED:
        (void)buf_add(out, STR(" d"));
        break;
    case PART_SERVER_CALL:
    case PART_OPAQUE:
        (void)buf_add(out, STR(" raw"));
        break;
    default:
        CHECK(p->kind == PART_TEXT, "a part of kind %d", p->kind);
    }
    if (p->sig.signer != SIGNER_NONE)
        (void)buf_printf(out, "~%c", letters[p->sig.signer]);
}

static struct str show(struct test *t, const struct canon_request *r)
{
    struct buf out;
    uint32_t count = 0;

    buf_init(&out, 1 << 20);
    for (const struct message *m = r->messages; m != NULL; m = m->next, count++) {
        (void)buf_printf(&out, "%s%c", count > 0 ? " | " : "",
                         m->role == ROLE_USER        ? 'U'
                         : m->role == ROLE_ASSISTANT ? 'A'
                                                     : 'S');
        for (const struct part *p = m->parts; p != NULL; p = p->next) {
            show_part(t, &out, p);
            CHECK(p->next != NULL || p == m->last, "the list has another end");
        }
        CHECK(m->next != NULL || m == r->last, "the messages have another end");
    }
    CHECK_INT(r->message_count, count);
    struct str text = arena_copy(&t->arena, buf_str(&out));

    buf_clear(&out);
    return text;
}

struct outcome {
    bool ok;
    struct str text, losses, param;
};

static struct outcome prepare(struct test *t, const struct canon_request *r,
                              const struct wire_target *target)
{
    struct canon_request out;
    struct losses losses = { 0 };
    struct wire_complaint why = { 0 };
    struct request_writer w = {
        .r = r, .t = target, .a = &t->arena, .losses = &losses, .why = &why
    };
    struct outcome got = { .ok = prepare_request(&w, r, &out) };
    struct buf b;

    got.param = why.param;
    if (got.ok)
        got.text = show(t, &out);
    buf_init(&b, 1 << 16);
    losses_put(&losses, NULL, &b, 1 << 16);
    got.losses = arena_copy(&t->arena, buf_str(&b));
    buf_clear(&b);
    return got;
}

static struct wire_target target(enum wire wire)
{
    return (struct wire_target){ .wire = wire };
}

TEST(conversations_are_mended_for_each_wire)
{
    static const struct {
        const char *name;
        enum wire wire;
        const char *in, *want, *losses;
    } cases[] = {
        { "nothing to do", WIRE_ANTHROPIC, "U t:hi | A t:yes | U t:go", "U t:hi | A t:yes | U t:go",
          "" },
        { "roles merge", WIRE_ANTHROPIC, "U t:a | U t:b | A t:c | A t:d", "U t:a t:b | A t:c t:d",
          "" },
        { "roles stay", WIRE_OPENAI_CHAT, "U t:a | U t:b | A t:c | A t:d",
          "U t:a | U t:b | A t:c | A t:d", "" },
        { "the user begins", WIRE_GEMINI, "A t:c | U t:a", "U t:(continue) | A t:c | U t:a",
          "messages~" },
        { "nobody", WIRE_ANTHROPIC, "", "U t:(continue)", "messages~" },
        { "results in the order of calls", WIRE_OPENAI_CHAT,
          "U t:q | A c:1:f c:2:g | U r:2::two | U r:1::one | U t:and",
          "U t:q | A c:1:f c:2:g | U r:1:f:one r:2:g:two | U t:and", "" },
        { "text between goes behind", WIRE_ANTHROPIC,
          "U t:q | A c:1:f c:2:g | U t:wait r:2::two t:so r:1::one",
          "U t:q | A c:1:f c:2:g | U r:1:f:one r:2:g:two t:wait t:so", "" },
        { "a result that comes late", WIRE_ANTHROPIC,
          "U t:q | A c:1:f | U t:wait | S t:x | U r:1::one",
          "U t:q | A c:1:f | U r:1:f:one t:wait t:<system>\\nx\\n</system>", "messages[3]~" },
        { "a system message before the results", WIRE_OPENAI_CHAT,
          "U t:q | A c:1:f | S t:x | U r:1::one", "U t:q | A c:1:f | U r:1:f:one | S t:x", "" },
        { "missing in the middle", WIRE_GEMINI, "U t:q | A c:1:f c:2:g | U r:2::two | A t:ok",
          "U t:q | A c:1:f c:2:g | U e:1:f:[no_result] r:2:g:two | A t:ok",
          "messages[1].content[0]~" },
        { "all missing, and nobody speaks between", WIRE_OPENAI_CHAT, "U t:q | A c:1:f | S t:x",
          "U t:q | A c:1:f | U e:1:f:[no_result] | S t:x", "messages[1].content[0]~" },
        { "a result of nothing", WIRE_ANTHROPIC, "U t:q r:9::nine | A t:a",
          "U t:q t:Tool_result_(9):_nine | A t:a", "messages[0].content[1]~" },
        { "a result of another's call", WIRE_ANTHROPIC, "U t:q | A c:1:f | U r:1::one r:9::nine",
          "U t:q | A c:1:f | U r:1:f:one t:Tool_result_(9):_nine", "messages[2].content[1]~" },
        { "two results of one call", WIRE_GEMINI, "U t:q | A c:1:f | U r:1::one | U e:1::two",
          "U t:q | A c:1:f | U e:1:f:one:two", "messages[3].content[0]~" },
        { "assistants in a row, the first calls", WIRE_OPENAI_CHAT,
          "U t:q | A c:1:f | A t:x | A c:2:g | U r:1::one r:2::two",
          "U t:q | A c:1:f t:x c:2:g | U r:1:f:one r:2:g:two", "" },
        { "an id that stands twice", WIRE_ANTHROPIC,
          "U t:q | A c:0:f | U r:0::one | A c:0:f | U r:0::two",
          "U t:q | A c:0:f | U r:0:f:one | A c:call_eRmbFw7J9ixehAkXHwrUIz:f | U "
          "r:call_eRmbFw7J9ixehAkXHwrUIz:f:two",
          "" },
        { "an id that stands twice in one message", WIRE_ANTHROPIC,
          "U t:q | A c:0:f c:0:g | U r:0::one r:0::two",
          "U t:q | A c:0:f c:call_eRmbFw7J9ixehAkXHwrUIz:g | U r:0:f:one "
          "r:call_eRmbFw7J9ixehAkXHwrUIz:g:two",
          "" },
        { "empty texts go", WIRE_OPENAI_CHAT,
          "U t: t:a | A t: c:1:f | U r:1::- t:", "U t:a | A c:1:f | U r:1:f", "" },
        { "blank ones for anthropic", WIRE_ANTHROPIC, "U t:_ t:a | A t:_ | U t:b", "U t:a t:b",
          "" },
        { "blank ones elsewhere", WIRE_OPENAI_CHAT, "U t:_ t:a", "U t:_ t:a", "" },
        { "an empty message of the user", WIRE_OPENAI_CHAT, "U t: | A t:a", "U t:(empty) | A t:a",
          "messages[0]~" },
        { "foreign thinking", WIRE_ANTHROPIC, "U t:q | A k:hm:g k::o t:a | A d:x t:b",
          "U t:q | A t:a t:b", "messages[1].content[0],messages[2].content[0]" },
        { "own thinking", WIRE_ANTHROPIC, "U t:q | A k:hm:a k::a d:a t:a",
          "U t:q | A k:hm~a k:~a d~a t:a", "" },
        { "own thinking, responses", WIRE_OPENAI_RESPONSES, "U t:q | A k:hm:o k:hm:a k:hm: t:a",
          "U t:q | A k:hm~o t:a", "messages[1].content[1],messages[1].content[2]" },
        { "a signature moves to the call", WIRE_GEMINI,
          "U t:q | A k:hm:g k::g c:1:f c:2:g | U r:1::x r:2::y",
          "U t:q | A k:hm~g c:1:f~g c:2:g | U r:1:f:x r:2:g:y", "" },
        { "a signature behind all", WIRE_CLOUDCODE, "U t:q | A t:a k::g | U t:b",
          "U t:q | A t:a t:~g | U t:b", "" },
        { "others' server tools in words", WIRE_GEMINI, "U t:q | A s:a t:a",
          "U t:q | A t:[web_search]_fish_http://a_A_\\\"b\\\" t:a", "messages[1].content[0]~" },
        { "own server tools", WIRE_CLOUDCODE, "U t:q | A s:g t:a", "U t:q | A raw t:a", "" },
        { "items of others", WIRE_ANTHROPIC, "U t:q | A q:o t:a", "U t:q | A t:a",
          "messages[1].content[0]" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct canon_request r = build(t, cases[i].in);
        struct str before = show(t, &r);
        struct wire_target to = target(cases[i].wire);
        struct outcome got = prepare(t, &r, &to);

        CHECK(got.ok, "%s", cases[i].name);
        CHECK_STR(got.text, cases[i].want, "%s", cases[i].name);
        CHECK_STR(got.losses, cases[i].losses, "%s", cases[i].name);
        CHECK_STRS(show(t, &r), before, "%s: the client's request has changed", cases[i].name);
    }
}

TEST(results_without_ids_are_matched_by_name_and_order)
{
    struct canon_request r =
        build(t, "U t:q | A c::f c::g c::f | U r::g:two r::f:one r::f:three | A t:ok");
    struct wire_target to = target(WIRE_ANTHROPIC);
    struct canon_request out;
    struct losses losses = { 0 };
    struct wire_complaint why;
    struct request_writer w = { .r = &r, .t = &to, .a = &t->arena, .losses = &losses, .why = &why };
    static const char *const want[] = { "one", "two", "three" };

    CHECK(prepare_request(&w, &r, &out));
    const struct part *call = out.messages->next->parts, *result = out.messages->next->next->parts;

    for (size_t i = 0; i < COUNT(want); i++, call = call->next, result = result->next) {
        CHECK(str_starts(call->call.id, STR("call_")), "%zu", i);
        CHECK_STRS(result->result.call_id, call->call.id, "%zu", i);
        CHECK_STRS(result->result.name, call->call.name, "%zu", i);
        CHECK_STR(result->result.content->text.escaped, want[i]);
        CHECK(call->next == NULL || !str_eq(call->call.id, call->next->call.id), "%zu", i);
    }
    CHECK_INT(losses.count, 0);
}

TEST(an_unanswered_call_at_the_end_is_refused)
{
    for (enum wire wire = 0; wire < WIRES; wire++) {
        struct canon_request r = build(t, "U t:q | A t:a c:1:f");
        struct wire_target to = target(wire);
        struct outcome got = prepare(t, &r, &to);

        CHECK(!got.ok, "wire %d", wire);
        CHECK_STR(got.param, "messages", "wire %d", wire);
    }
}

TEST(settings_and_models_decide_about_thinking_and_system_messages)
{
    struct canon_request r = build(t, "U t:q | A k:hm:g t:a | S t:x | U t:b");
    struct wire_target to = target(WIRE_ANTHROPIC);

    to.keep_foreign_thinking = true;
    to.facts.anthropic.system_messages = true;
    CHECK_STR(prepare(t, &r, &to).text,
              "U t:q | A t:<thinking>\\nhm\\n</thinking> t:a | S t:x | U t:b");
    to = target(WIRE_OPENAI_CHAT);
    to.extras.replay_reasoning = true;
    CHECK_STR(prepare(t, &r, &to).text, "U t:q | A k:hm t:a | S t:x | U t:b");
    to.facts.gemini.generation = 3; /* Gemini's own chat endpoint takes its signatures back */
    CHECK_STR(prepare(t, &r, &to).text, "U t:q | A k:hm~g t:a | S t:x | U t:b");
}

TEST(the_current_turn_begins_with_the_last_question)
{
    static const struct {
        const char *in;
        uint32_t at;
    } cases[] = {
        { "U t:a", 0 },
        { "U t:a | A t:b | U t:c", 2 },
        { "U t:a | A t:b | U t:c | A c:1:f | U r:1::x | A c:2:f | U r:2::x t:more", 2 },
        { "U t:a | A c:1:f | U r:1::x | A t:b | U i:", 4 },
    };
    CHECK(turn_begin(&(struct canon_request){ 0 }) == NULL);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct canon_request r = build(t, cases[i].in);

        CHECK_INT(turn_begin(&r)->at, cases[i].at, "%s", cases[i].in);
    }
}

TEST(very_many_calls_take_no_longer_for_each)
{
    enum { MANY = 50000 };
    struct canon_request r = { .protocol = WIRE_ANTHROPIC }, out;
    struct message *calls, *results;
    struct wire_target to = target(WIRE_ANTHROPIC);
    struct losses losses = { 0 };
    struct wire_complaint why;
    struct request_writer w = { .r = &r, .t = &to, .a = &t->arena, .losses = &losses, .why = &why };

    message_add(canon_add_message(&r, &t->arena, ROLE_USER, 0), &t->arena, PART_TEXT, 0)->text =
        TEXT_LIT("q");
    calls = canon_add_message(&r, &t->arena, ROLE_ASSISTANT, 1);
    results = canon_add_message(&r, &t->arena, ROLE_USER, 2);
    for (uint32_t i = 0; i < MANY; i++) {
        struct part *call = message_add(calls, &t->arena, PART_TOOL_CALL, i);
        struct part *result = message_add(results, &t->arena, PART_TOOL_RESULT, i);

        call->call.id = arena_printf(&t->arena, "%u", i % 1000); /* many of them twice */
        call->call.name = STR("f");
        result->result.call_id = arena_printf(&t->arena, "%u", (MANY - 1 - i) % 1000);
    }
    CHECK(prepare_request(&w, &r, &out));
    CHECK_INT(out.message_count, 3);
    uint32_t count = 0;

    for (const struct part *p = out.last->parts; p != NULL; p = p->next)
        count++;
    CHECK_INT(count, MANY);
}

/* --- any conversation -------------------------------------------------------------------------*/

/* What every wire wants of a prepared list. */
static void check_prepared(struct test *t, const struct canon_request *r, enum wire wire,
                           const char *in)
{
    bool strict = wire >= WIRE_ANTHROPIC;
    enum role before = ROLE_ASSISTANT;

    CHECK(!strict || (r->messages != NULL && r->messages->role != ROLE_ASSISTANT), "%s", in);
    for (const struct message *m = r->messages; m != NULL; m = m->next) {
        const struct part *result = m->next != NULL ? m->next->parts : NULL;
        bool calls = false;

        CHECK(m->parts != NULL, "%s: an empty message", in);
        CHECK(!strict || m == r->messages || m->role != before, "%s: two of one role", in);
        CHECK(!strict || m->role != ROLE_SYSTEM, "%s: a system message", in);
        before = m->role;
        for (const struct part *p = m->parts; p != NULL; p = p->next) {
            CHECK(p->kind != PART_TEXT || !text_is_empty(p->text) || p->sig.signer != SIGNER_NONE,
                  "%s: an empty text", in);
            if (p->kind != PART_TOOL_CALL)
                continue;
            calls = true;
            if (!CHECK(result != NULL && result->kind == PART_TOOL_RESULT && p->call.id.len > 0 &&
                           str_eq(result->result.call_id, p->call.id) &&
                           str_eq(result->result.name, p->call.name),
                       "%s: a call without its result", in))
                return;
            result = result->next;
        }
        CHECK(!calls || result == NULL || result->kind != PART_TOOL_RESULT, "%s: too many", in);
    }
}

TEST(any_conversation_is_mended_or_refused)
{
    static const char *const words[] = {
        "t:a",    "t:",     "t:_",    "c:1:f", "c:2:g",   "c::f",    "c:1:g",
        "r:1::x", "r:2::y", "r::f:z", "r:::w", "e:1:f:-", "k:hm:a",  "k::g",
        "k::o",   "d:a",    "s:a",    "q:g",   "i:",      "r:9:g:v",
    };
    size_t mended = 0;

    for (int round = 0; round < 20000 && t->failures == 0; round++) {
        struct buf b;

        buf_init(&b, 1 << 16);
        for (size_t m = 0, n = test_below(t, 7) + 1; m < n; m++) {
            (void)buf_printf(&b, "%s%c", m > 0 ? " | " : "", "UUAAS"[test_below(t, 5)]);
            for (size_t i = 0, k = test_below(t, 5); i < k; i++)
                (void)buf_printf(&b, " %s", words[test_below(t, COUNT(words))]);
        }
        const char *in = arena_copy(&t->arena, buf_str(&b)).at;

        buf_clear(&b);
        struct canon_request r = build(t, in), out;
        struct losses losses = { 0 };
        struct wire_complaint why = { 0 };
        struct wire_target to = target((enum wire)test_below(t, WIRES));
        struct request_writer w = {
            .r = &r, .t = &to, .a = &t->arena, .losses = &losses, .why = &why
        };

        /* calls and results where they cannot stand are the readers' business */
        for (struct message *m = r.messages; m != NULL; m = m->next)
            for (struct part *p = m->parts; p != NULL; p = p->next)
                if ((p->kind == PART_TOOL_CALL) != (m->role == ROLE_ASSISTANT) &&
                    (p->kind == PART_TOOL_CALL || m->role == ROLE_SYSTEM)) {
                    p->kind = PART_TEXT;
                    p->text = TEXT_LIT("x");
                } else if (p->kind == PART_TOOL_RESULT && m->role != ROLE_USER) {
                    p->kind = PART_TEXT;
                    p->text = TEXT_LIT("y");
                }
        if (prepare_request(&w, &r, &out)) {
            mended++;
            check_prepared(t, &out, to.wire, in);
        } else {
            CHECK_STR(why.param, "messages");
        }
        arena_free(&t->arena);
    }
    CHECK(mended > 10000, "%zu", mended);
}
