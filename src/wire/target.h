/* wire/target.h - what a request is written for: a wire, a model, and what is known of both.
 *
 * Facts about models come from one table (target.c, with the provider documents they were read in);
 * what an upstream lacks is configured per account or learned from its refusals.
 * Threads: values, immutable once made. */
#ifndef PENSTOCK_WIRE_TARGET_H
#define PENSTOCK_WIRE_TARGET_H

#include "wire/canonical.h"

/* What an upstream cannot do, as far as it is known: everything false is the full wire. */
struct wire_lacks {
    bool stream_options;        /* openai-chat */
    bool max_completion_tokens; /* openai-chat: `max_tokens` instead */
    bool max_tokens;            /* openai-chat: `max_completion_tokens` instead */
    bool developer_role;
    bool parallel_tool_calls;
    bool reasoning_effort;
    bool json_schema;
    bool strict;
    bool array_content; /* only string content */
    bool null_content;  /* `content: null` is refused */
    bool sampling;      /* temperature, top_p */
    bool tools;
    bool images;
    bool json_schema_parameters; /* gemini: `parameters` instead of `parametersJsonSchema` */
    bool thinking;
    bool signatures; /* it refused those it was sent: they are left out, and what they sign */
};

/* What an upstream can beyond its wire. */
struct wire_extras {
    bool top_k;            /* openai-chat servers that take it */
    bool replay_reasoning; /* wants reasoning_content back */
    uint32_t tool_id_len;  /* ids of exactly so many letters and digits; 0: no such rule */
};

/* Everything that one of both lacks. */
void wire_lacks_add(struct wire_lacks *to, const struct wire_lacks *more);

enum wire_dialect { DIALECT_PLAIN, DIALECT_CODEX, DIALECT_COPILOT };

/* Facts about a model, by its id. Unknown newer ids of a family get the newest behaviour. */
struct model_facts {
    int64_t output_max; /* tokens; 0: not known */
    struct {
        bool reasoning;            /* o-series, gpt-5 and later */
        uint32_t efforts;          /* bits 1u << enum effort that are accepted */
        bool effort_none;          /* accepts `none` */
        bool sampling;             /* temperature and its like are accepted */
        bool sampling_if_none;     /* … when the effort is `none` */
        bool stop;                 /* native stop sequences */
        bool chat_tools_need_none; /* function tools over chat only with effort `none` */
        bool phases;               /* wants `phase` on assistant text */
        bool custom_tools;
        bool cache_marks; /* prompt_cache_breakpoint on parts */
    } openai;
    struct {
        bool budget;          /* thinking {enabled, budget_tokens} */
        bool adaptive;        /* thinking {adaptive} */
        bool off;             /* thinking {disabled} */
        bool off_to_high;     /* … only with an effort up to high */
        bool between_tools;   /* thinking {between_tools} */
        bool effort;          /* output_config.effort */
        bool xhigh;           /* … xhigh and max */
        bool sampling;        /* temperature, top_p, top_k */
        bool top_p_beside;    /* top_p together with temperature */
        bool forced_choice;   /* tool_choice any/tool at all */
        bool forced_thinking; /* … also while thinking */
        bool prefill;         /* may end in an assistant message */
        bool schema;          /* output_config.format */
        bool system_messages; /* role system inside messages */
    } anthropic;
    struct {
        uint32_t generation; /* 2 for 2.5, 3, 4; 0: no Gemini model */
        bool budget;         /* thinkingBudget */
        int64_t budget_min, budget_max;
        bool budget_off; /* 0 turns thinking off */
        uint32_t levels; /* bits 1u << enum effort of MINIMAL … HIGH; 0: no thinkingLevel */
        bool thinks;
        bool result_media;     /* functionResponse.parts */
        bool schema_and_tools; /* responseJsonSchema together with tools */
        bool search_and_tools; /* googleSearch together with functionDeclarations */
        bool signatures;       /* thoughtSignature is enforced on calls */
        bool call_ids;         /* ids on functionCall */
        bool image;            /* makes images */
    } gemini;
};

struct model_facts model_facts_find(enum wire wire, struct str model);

/* The same for models that are asked for again and again; the oldest makes room. One for each
 * thread; a zeroed one is empty. */
#define FACTS_KEPT 8
struct facts_cache {
    struct {
        uint8_t len; /* of the id; 0: free */
        char id[64]; /* longer ones are not kept */
        struct model_facts facts;
    } rows[FACTS_KEPT];
    uint32_t next;
};
struct model_facts model_facts_kept(struct facts_cache *c, enum wire wire, struct str model);

struct wire_target {
    enum wire wire;
    struct str model; /* upstream model id */
    struct model_facts facts;
    struct wire_lacks lacks;
    struct wire_extras extras;
    enum wire_dialect dialect;
    bool own_service;     /* the provider's own service, not one that is merely compatible */
    bool stream;          /* the answer is to be streamed, whatever the client asked for */
    bool count;           /* write the wire's request for counting tokens */
    struct str project;   /* cloudcode */
    struct str cache_key; /* codex: of a conversation whose client names none; empty: none */
    /* Was this signature minted where this target would not take it back? NULL: nobody knows. */
    bool (*foreign)(const void *peer, const struct signature *sig);
    const void *foreign_peer;
    /* settings */
    bool keep_foreign_thinking; /* as <thinking> text in place of dropping it */
    bool emulate_prefill;
    bool auto_cache; /* anthropic: set breakpoints for clients that know none */
};

#endif
