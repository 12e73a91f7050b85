/* tests/unit/wire/openai_chat/chat_rig.h - requests and answers through this protocol's converter:
 * a client of it over an upstream of it, and both ends alone. */
#ifndef PENSTOCK_CHAT_RIG_H
#define PENSTOCK_CHAT_RIG_H

#include "test.h"
#include "wire/translate.h"

/* OpenAI itself with the model's facts. */
static inline struct wire_target chat_target(const char *model)
{
    return (struct wire_target){
        .wire = WIRE_OPENAI_CHAT,
        .model = str_c(model),
        .facts = model_facts_find(WIRE_OPENAI_CHAT, str_c(model)),
        .own_service = true,
    };
}

struct rewritten {
    struct canon_request r;
    struct translated out;
    struct str body;      /* as it goes upstream; empty when refused */
    struct str dropped;   /* as X-Penstock-Dropped says it */
    struct str complaint; /* `param: message` */
};

/* A client's body to the upstream's body. */
static inline struct rewritten chat_rewrite(struct test *t, enum wire protocol, const char *body,
                                            const struct wire_target *target)
{
    struct rewritten x = { .body = STR("") };
    struct wire_complaint why = { .too_large = false };
    struct buf dropped = { .max = 4096 };

    if (!translate_read(protocol, str_c(body), STR(""), false, &t->arena, &x.r, &why) ||
        !translate_write(&x.r, target, 1 << 20, &t->arena, &x.out, &why)) {
        x.complaint = arena_printf(&t->arena, "%.*s: %.*s", (int)why.param.len, why.param.at,
                                   (int)why.message.len, why.message.at);
    } else {
        x.body = arena_copy(&t->arena, buf_str(&x.out.body));
    }
    losses_put(&x.r.unread, &x.out.losses, &dropped, 1024);
    x.dropped = arena_copy(&t->arena, buf_str(&dropped));
    buf_clear(&dropped);
    translated_clear(&x.out);
    return x;
}

enum upstream_form { UPSTREAM_EVENTS, UPSTREAM_WHOLE };

/* What the client of `r` gets; with `whole`, in one piece. The upstream's answer is lines of data
 * (`\n` in between), or one object. The last word is what the translator said when it is no end. */
static inline struct str chat_answer_of(struct test *t, enum wire wire,
                                        const struct canon_request *r, enum upstream_form form,
                                        const char *events, bool whole, bool markdown)
{
    static const struct translated nothing_asked;
    struct encode_options o = {
        .protocol = r->protocol,
        .request = r,
        .names = &nothing_asked.names,
        .model = STR("m"),
        .id = STR("r1"),
        .created_unix_s = 1700000000,
        .show_thinking = true,
        .image_markdown = markdown,
        .bytes_max = 1 << 20,
    };
    struct translator tr;
    struct arena scratch = { 0 };
    struct buf out = { .max = (size_t)16 << 20 };
    struct str rest = str_c(events), line;
    enum translation said = TRANSLATION_MORE;

    translator_init(&tr, wire, &o, &nothing_asked, whole);
    if (form == UPSTREAM_WHOLE)
        said = translator_whole(&tr, rest, &scratch, &out);
    for (bool more = true; more && said == TRANSLATION_MORE;) {
        more = str_cut(rest, '\n', &line, &rest);
        if (line.len > 0)
            said = translator_event(&tr, STR(""), line, &scratch, &out);
        arena_reset(&scratch);
    }
    if (said == TRANSLATION_MORE)
        said = translator_finish(&tr, true, &scratch, &out);
    CHECK(!tr.encoder.full);
    struct str got = arena_copy(&t->arena, buf_str(&out));
    if (said != TRANSLATION_END)
        got = arena_printf(&t->arena, "%.*s%s", (int)got.len, got.at,
                           said == TRANSLATION_ERROR    ? "ERROR"
                           : said == TRANSLATION_BROKEN ? "BROKEN"
                                                        : "BAD");
    buf_clear(&out);
    arena_free(&scratch);
    translator_clear(&tr);
    return got;
}

static inline struct str chat_answer(struct test *t, enum wire wire, const struct canon_request *r,
                                     const char *events, bool whole)
{
    return chat_answer_of(t, wire, r, UPSTREAM_EVENTS, events, whole, false);
}

#endif
