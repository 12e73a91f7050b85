/* tests/unit/wire/test_translate_stream.c - every recorded stream of every wire, for clients of
 * every protocol: whole, cut at every byte, in any pieces. */
#include "translation_rig.h"

#include <dirent.h>
#include <stdlib.h>

#include "test.h"

#define STREAMS "tests/unit/wire/streams"

/* Under a sanitizer each seventh byte: the others say nothing new of memory. */
#ifdef __SANITIZE_ADDRESS__
#define CUT_STEP 7
#else
#define CUT_STEP 1
#endif

struct recorded {
    enum wire wire;
    struct str name, bytes;
    bool fails; /* it ends in the wire's error */
};

struct all {
    struct recorded at[128];
    size_t count;
};

static int by_name(const void *one, const void *two)
{
    const struct recorded *x = one, *y = two;

    return x->wire != y->wire ? (x->wire > y->wire) - (x->wire < y->wire)
                              : str_cmp(x->name, y->name);
}

static void find_streams(struct test *t, struct all *all)
{
    all->count = 0;
    for (enum wire wire = 0; wire < WIRES; wire++) {
        struct str folder = arena_printf(&t->arena, STREAMS "/%s", wire_name(wire).at);
        DIR *d = opendir(test_path(t, folder.at).at);
        struct dirent *file;

        if (!CHECK(d != NULL, "%s", folder.at))
            continue;
        while ((file = readdir(d)) != NULL && all->count < COUNT(all->at)) {
            struct str name = arena_copy(&t->arena, str_c(file->d_name));

            if (!str_ends(name, STR(".sse")))
                continue;
            all->at[all->count++] = (struct recorded){
                .wire = wire,
                .name = str_drop_last(name, 4),
                .bytes = test_file(t, arena_printf(&t->arena, "%s/%s", folder.at, name.at).at),
                .fails = str_starts(name, STR("error")) || str_starts(name, STR("failed")),
            };
        }
        closedir(d);
    }
    qsort(all->at, all->count, sizeof *all->at, by_name);
}

/* The answer and what it says; a broken rule fails the test. */
static void feed(struct test *t, const struct recorded *rec, const struct rig_options *o,
                 struct str bytes, struct rig_answer *answer, struct seen_stream *seen)
{
    struct grammar_options grammar = rig_grammar(o);

    rig_feed(o, bytes, &t->arena, answer);
    const char *broken = stream_breaks(&grammar, answer->bytes, &t->arena, seen);

    CHECK(broken == NULL, "%s/%.*s for %s, %zu bytes: %s\n%.*s", wire_name(rec->wire).at,
          STR_ARG(rec->name), wire_name(grammar.protocol).at, bytes.len, broken,
          (int)(answer->bytes.len < 3000 ? answer->bytes.len : 3000), answer->bytes.at);
    CHECK_INT(seen->end, answer->done ? SEEN_DONE : SEEN_ERROR, "%s/%.*s for %s, %zu bytes",
              wire_name(rec->wire).at, STR_ARG(rec->name), wire_name(grammar.protocol).at,
              bytes.len);
}

TEST(every_stream_is_one_of_the_clients_protocol)
{
    struct all all;

    find_streams(t, &all);
    CHECK(all.count > 50, "%zu", all.count);
    for (size_t i = 0; i < all.count; i++)
        for (enum wire protocol = 0; protocol < PROTOCOLS; protocol++)
            for (int array = 0; array <= (protocol == WIRE_GEMINI); array++) {
                const struct recorded *rec = &all.at[i];
                struct rig_request asked;
                struct rig_answer answer;
                struct seen_stream seen;

                rig_read(protocol, rig_ask(protocol), &t->arena, &asked);
                struct rig_options o = { .wire = rec->wire, .asked = &asked, .json_array = array };

                feed(t, rec, &o, rec->bytes, &answer, &seen);
                CHECK(answer.done == !rec->fails, "%s/%.*s for %s", wire_name(rec->wire).at,
                      STR_ARG(rec->name), wire_name(protocol).at);
            }
}

/* The same with a blank in every other event, so that none is like the one before it. */
static struct str unlike(struct test *t, struct str bytes)
{
    struct buf b = { .max = bytes.len * 2 };
    struct str line;
    bool odd = false;

    while (bytes.len > 0) {
        (void)str_cut(bytes, '\n', &line, &bytes);
        bool data = str_starts(line, STR("data: {"));

        odd = odd != data;
        (void)(buf_add(&b, data && odd ? STR("data: { ") : STR("")) &&
               buf_add(&b, data && odd ? str_drop(line, 7) : line) && buf_add(&b, STR("\n")));
    }
    struct str changed = arena_copy(&t->arena, buf_str(&b));

    buf_clear(&b);
    return changed;
}

TEST(an_event_like_the_one_before_says_what_it_says_when_it_is_read)
{
    struct all all;

    find_streams(t, &all);
    for (size_t i = 0; i < all.count; i++)
        for (enum wire protocol = 0; protocol < PROTOCOLS; protocol++) {
            const struct recorded *rec = &all.at[i];
            struct rig_request asked;
            struct rig_answer quick, read;

            rig_read(protocol, rig_ask(protocol), &t->arena, &asked);
            struct rig_options o = { .wire = rec->wire, .asked = &asked };

            rig_feed(&o, rec->bytes, &t->arena, &quick);
            rig_feed(&o, unlike(t, rec->bytes), &t->arena, &read);
            CHECK_STRS(quick.bytes, read.bytes, "%s/%.*s for %s", wire_name(rec->wire).at,
                       STR_ARG(rec->name), wire_name(protocol).at);
        }
}

static bool same_calls(const struct seen_stream *one, const struct seen_stream *two)
{
    if (one->call_count != two->call_count)
        return false;
    for (uint32_t i = 0; i < one->call_count; i++)
        if (!str_eq(one->calls[i].name, two->calls[i].name) ||
            !str_eq(one->calls[i].arguments, two->calls[i].arguments))
            return false;
    return true;
}

/* A stream that was cut ends as an error, or says all that the whole one says. Two answers are for
 * a client that asked for two. */
static void cut_everywhere(struct test *t, const struct recorded *rec, enum wire protocol,
                           bool array)
{
    static const char *const two[PROTOCOLS] = {
        [WIRE_OPENAI_CHAT] = "{\"model\":\"a-model\",\"stream\":true,\"n\":2,"
                             "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}",
        [WIRE_GEMINI] = "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],"
                        "\"generationConfig\":{\"candidateCount\":2}}",
    };
    struct rig_answer whole, answer;
    struct seen_stream all, seen;
    struct rig_request asked;
    bool choices = str_starts(rec->name, STR("two_"));

    if (choices && two[protocol] == NULL)
        return;
    rig_read(protocol, choices ? two[protocol] : rig_ask(protocol), &t->arena, &asked);
    struct rig_options o = { .wire = rec->wire, .asked = &asked, .json_array = array };

    feed(t, rec, &o, rec->bytes, &whole, &all);
    for (size_t cut = 0; cut < rec->bytes.len && t->failures == 0; cut += CUT_STEP) {
        struct test one = *t; /* with an arena of its own, which is emptied each time */

        one.arena = (struct arena){ 0 };
        feed(&one, rec, &o, str_take(rec->bytes, cut), &answer, &seen);
        if (seen.end == SEEN_DONE && !(str_eq(seen.text, all.text) && same_calls(&seen, &all) &&
                                       str_eq(seen.finish, all.finish)))
            test_fail(t, __FILE__, __LINE__, "success",
                      " %s/%.*s for %s, cut at %zu: a success that was none",
                      wire_name(rec->wire).at, STR_ARG(rec->name), wire_name(protocol).at, cut);
        t->failures = one.failures;
        arena_free(&one.arena);
    }
}

TEST(a_stream_that_is_cut_never_ends_as_a_success)
{
    struct all all;

    find_streams(t, &all);
    for (size_t i = 0; i < all.count; i++)
        for (enum wire protocol = 0; protocol < PROTOCOLS; protocol++) {
            cut_everywhere(t, &all.at[i], protocol, false);
            if (protocol == WIRE_GEMINI)
                cut_everywhere(t, &all.at[i], protocol, true);
        }
}

TEST(an_answer_in_one_piece_says_what_the_stream_says)
{
    struct all all;

    find_streams(t, &all);
    for (size_t i = 0; i < all.count; i++)
        for (enum wire protocol = 0; protocol < PROTOCOLS; protocol++) {
            const struct recorded *rec = &all.at[i];
            struct rig_request asked;
            struct rig_answer answer;
            struct seen_stream seen, whole;

            if (rec->fails)
                continue;
            rig_read(protocol, rig_ask(protocol), &t->arena, &asked);
            struct rig_options o = { .wire = rec->wire, .asked = &asked };
            struct grammar_options grammar = rig_grammar(&o);

            feed(t, rec, &o, rec->bytes, &answer, &seen);
            o.whole = true;
            rig_feed(&o, rec->bytes, &t->arena, &answer);
            const char *broken = answer_breaks(&grammar, answer.bytes, &t->arena, &whole);
            const char *name = arena_printf(&t->arena, "%s/%.*s for %s", wire_name(rec->wire).at,
                                            STR_ARG(rec->name), wire_name(protocol).at)
                                   .at;

            CHECK(answer.done, "%s", name);
            CHECK(broken == NULL, "%s: %s\n%.*s", name, broken, (int)answer.bytes.len,
                  answer.bytes.at);
            CHECK_STRS(whole.text, seen.text, "%s", name);
            CHECK_STRS(whole.refusal, seen.refusal, "%s", name);
            CHECK_STRS(whole.finish, seen.finish, "%s", name);
            CHECK_INT(whole.call_count, seen.call_count, "%s", name);
            CHECK_INT(whole.images, seen.images, "%s", name);
            CHECK_INT(whole.out, seen.out, "%s", name);
            CHECK_INT(whole.in, seen.in, "%s", name);
        }
}

struct pieces {
    struct test *t;
    size_t most;
};

static size_t next_piece(void *peer, size_t left)
{
    struct pieces *p = peer;
    size_t n = test_below(p->t, p->most) + 1;

    return n < left ? n : left;
}

TEST(pieces_of_a_stream_do_not_matter)
{
    struct all all;

    find_streams(t, &all);
    for (size_t i = 0; i < all.count; i++)
        for (enum wire protocol = 0; protocol < PROTOCOLS; protocol++) {
            const struct recorded *rec = &all.at[i];
            struct pieces p = { .t = t };
            struct rig_request asked;
            struct rig_answer whole, answer;

            rig_read(protocol, rig_ask(protocol), &t->arena, &asked);
            struct rig_options o = { .wire = rec->wire, .asked = &asked };

            rig_feed(&o, rec->bytes, &t->arena, &whole);
            o.next = next_piece;
            o.peer = &p;
            static const size_t most[] = { 1, 7, 200 };

            for (size_t k = 0; k < COUNT(most); k++) {
                p.most = most[k];
                rig_feed(&o, rec->bytes, &t->arena, &answer);
                CHECK_STRS(answer.bytes, whole.bytes, "%s/%.*s for %s, pieces of %zu",
                           wire_name(rec->wire).at, STR_ARG(rec->name), wire_name(protocol).at,
                           most[k]);
            }
        }
}

/* Names that no wire takes, free text, stop sequences, a search that cites: all that an answer may
 * need of its request. */
static const char *rich_ask(enum wire protocol)
{
    static const char *const asks[PROTOCOLS] = {
        [WIRE_OPENAI_CHAT] =
            "{\"model\":\"a-model\",\"stream\":true,\"stream_options\":{\"include_usage\":true},"
            "\"stop\":[\"answer\",\"water\"],\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],"
            "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"get weather!\"}},"
            "{\"type\":\"custom\",\"custom\":{\"name\":\"get_weather\"}}]}",
        [WIRE_OPENAI_RESPONSES] =
            "{\"model\":\"a-model\",\"stream\":true,\"input\":\"hi\","
            "\"tools\":[{\"type\":\"function\",\"name\":\"get weather!\",\"parameters\":{}}]}",
        [WIRE_ANTHROPIC] =
            "{\"model\":\"a-model\",\"stream\":true,\"max_tokens\":4096,"
            "\"stop_sequences\":[\"answer\",\"water\"],\"messages\":[{\"role\":\"user\","
            "\"content\":"
            "\"hi\"}],\"tools\":[{\"name\":\"get weather!\",\"input_schema\":{\"type\":"
            "\"object\"}},{\"type\":\"web_search_20250305\",\"name\":\"web_search\"}]}",
        [WIRE_GEMINI] =
            "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],"
            "\"generationConfig\":{\"stopSequences\":[\"answer\",\"water\"]},\"tools\":[{"
            "\"functionDeclarations\":[{\"name\":\"get weather!\",\"parameters\":{}}]}]}",
    };
    return asks[protocol];
}

static void ask_richly(enum wire protocol, enum wire wire, struct arena *a, struct rig_request *out)
{
    struct wire_target target = rig_target(wire, rig_model(wire));

    rig_write(protocol, arena_copy(a, str_c(rich_ask(protocol))), &target, a, out);
}

TEST(what_a_stream_was_asked_for_may_go_when_it_has_begun)
{
    struct all all;

    find_streams(t, &all);
    for (size_t i = 0; i < all.count; i++)
        for (enum wire protocol = 0; protocol < PROTOCOLS; protocol++) {
            const struct recorded *rec = &all.at[i];
            struct pieces p = { .t = t, .most = 60 };
            struct arena mortal = { 0 };
            struct rig_request stays, goes;
            struct rig_answer whole, answer;

            ask_richly(protocol, rec->wire, &t->arena, &stays);
            ask_richly(protocol, rec->wire, &mortal, &goes);
            if (!CHECK(stays.written && goes.written, "%s for %s: %.*s", wire_name(rec->wire).at,
                       wire_name(protocol).at, STR_ARG(stays.why.message)))
                return;
            struct rig_options o = { .wire = rec->wire, .asked = &stays };

            rig_feed(&o, rec->bytes, &t->arena, &whole);
            o = (struct rig_options){ .wire = rec->wire,
                                      .asked = &goes,
                                      .forgets = &mortal,
                                      .next = next_piece,
                                      .peer = &p };
            rig_feed(&o, rec->bytes, &t->arena, &answer);
            CHECK_STRS(answer.bytes, whole.bytes, "%s/%.*s for %s", wire_name(rec->wire).at,
                       STR_ARG(rec->name), wire_name(protocol).at);
            /* a client of Responses hears its request again in the end */
            CHECK(protocol != WIRE_OPENAI_RESPONSES || mortal.total > 0);
            arena_free(&mortal);
        }
}

TEST(a_call_without_a_name_reaches_nobody_and_is_no_success)
{
    static const struct {
        enum wire wire;
        const char *bytes;
    } upstreams[] = {
        { WIRE_ANTHROPIC,
          "data: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"model\":\"c\"}}\n\n"
          "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":"
          "\"tool_use\",\"id\":\"toolu_1\",\"input\":{}}}\n\n"
          "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":"
          "\"input_json_delta\",\"partial_json\":\"{}\"}}\n\n"
          "data: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
          "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"},\"usage\":{"
          "\"output_tokens\":3}}\n\ndata: {\"type\":\"message_stop\"}\n\n" },
        { WIRE_GEMINI,
          "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"a\"},{"
          "\"functionCall\":{\"args\":{}}}]},\"finishReason\":\"STOP\",\"index\":0}]}\n\n" },
    };

    for (size_t i = 0; i < COUNT(upstreams); i++)
        for (enum wire protocol = 0; protocol < PROTOCOLS; protocol++) {
            struct rig_request asked;
            struct rig_answer answer;
            struct seen_stream seen;
            struct rig_options o = { .wire = upstreams[i].wire, .asked = &asked };

            rig_read(protocol, rig_ask(protocol), &t->arena, &asked);
            rig_feed(&o, str_c(upstreams[i].bytes), &t->arena, &answer);
            struct grammar_options grammar = rig_grammar(&o);
            const char *broken = stream_breaks(&grammar, answer.bytes, &t->arena, &seen);

            CHECK(!answer.done, "upstream %zu, client %d", i, (int)protocol);
            CHECK(broken == NULL, "upstream %zu, client %d: %s", i, (int)protocol, broken);
        }
}

TEST(a_call_without_arguments_has_an_empty_object_for_every_client)
{
    static const struct {
        enum wire wire;
        const char *bytes;
    } upstreams[] = {
        { WIRE_ANTHROPIC,
          "data: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"model\":\"c\"}}\n\n"
          "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":"
          "\"tool_use\",\"id\":\"toolu_1\",\"name\":\"f\",\"input\":{}}}\n\n"
          "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":"
          "\"input_json_delta\",\"partial_json\":\"\"}}\n\n"
          "data: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
          "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"},\"usage\":{"
          "\"output_tokens\":3}}\n\ndata: {\"type\":\"message_stop\"}\n\n" },
        { WIRE_OPENAI_CHAT,
          "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c1\","
          "\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]}}]}\n\n"
          "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n"
          "data: [DONE]\n\n" },
    };
    static const char *const said[PROTOCOLS] = {
        [WIRE_OPENAI_CHAT] = "\"arguments\":\"{}\"",
        [WIRE_OPENAI_RESPONSES] = "\"arguments\":\"{}\"",
        [WIRE_ANTHROPIC] = "\"partial_json\":\"{}\"",
        [WIRE_GEMINI] = "\"args\":{}",
    };

    for (size_t i = 0; i < COUNT(upstreams); i++)
        for (enum wire protocol = 0; protocol < PROTOCOLS; protocol++) {
            struct rig_request asked;
            struct rig_answer answer;
            struct rig_options o = { .wire = upstreams[i].wire, .asked = &asked };

            rig_read(protocol, rig_ask(protocol), &t->arena, &asked);
            rig_feed(&o, str_c(upstreams[i].bytes), &t->arena, &answer);
            CHECK(answer.done && str_find(answer.bytes, str_c(said[protocol])) != SIZE_MAX,
                  "upstream %zu, client %d: %.*s", i, (int)protocol, (int)answer.bytes.len,
                  answer.bytes.at);
        }
}

TEST(a_signature_behind_a_call_does_not_replace_the_calls_own)
{
    static const char bytes[] =
        "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"functionCall\":{"
        "\"id\":\"x\",\"name\":\"f\",\"args\":{}},\"thoughtSignature\":\"QUJD\"}]},\"index\":0}]}"
        "\n\n"
        "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"\","
        "\"thoughtSignature\":\"REVG\"}]},\"finishReason\":\"STOP\",\"index\":0}]}\n\n";

    for (int whole = 0; whole <= 1; whole++) {
        struct rig_request asked;
        struct rig_answer answer;
        struct rig_options o = { .wire = WIRE_GEMINI, .asked = &asked, .whole = whole == 1 };

        rig_read(WIRE_OPENAI_CHAT, rig_ask(WIRE_OPENAI_CHAT), &t->arena, &asked);
        rig_feed(&o, str_c(bytes), &t->arena, &answer);
        CHECK(answer.done && str_find(answer.bytes, STR("QUJD")) != SIZE_MAX &&
                  str_find(answer.bytes, STR("REVG")) == SIZE_MAX,
              "whole %d: %.*s", whole, (int)answer.bytes.len, answer.bytes.at);
    }
}
