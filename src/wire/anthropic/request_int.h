/* wire/anthropic/request_int.h - what planning and writing a request share. */
#ifndef PENSTOCK_WIRE_ANTHROPIC_REQUEST_INT_H
#define PENSTOCK_WIRE_ANTHROPIC_REQUEST_INT_H

#include "wire/anthropic/anthropic.h"
#include "wire/schema.h"

enum thinking {
    THINKING_UNSAID, /* the model's default */
    THINKING_ENABLED,
    THINKING_ADAPTIVE,
    THINKING_BETWEEN_TOOLS,
    THINKING_DISABLED,
};

/* What is written of all that the model has a say in. */
struct anthropic_plan {
    int64_t max_tokens;
    enum thinking thinking;
    int64_t budget;      /* of THINKING_ENABLED */
    const char *display; /* NULL: not said */
    enum effort effort;
    enum choice_mode choice; /* never CHOICE_ALLOWED */
    struct str choice_name;  /* of CHOICE_ONE, as the wire knows it */
    bool serial;             /* one call at a time */
    bool native_schema;      /* output_config.format */
    struct str json_tool;    /* a tool of ours whose arguments are the answer; else empty */
    struct str temperature, top_p, top_k;
    struct text sentences[4]; /* behind the system text: what no field can say */
    size_t sentence_count;
};

/* The body at work. */
struct anthropic_body {
    struct request_writer *w;
    struct json_writer *json;
    struct anthropic_plan plan;
    bool own;                       /* the client speaks Anthropic's protocol itself */
    const struct message *marks[2]; /* auto_cache: messages whose last block is marked */
    const struct message *message;  /* the one being written */
    bool prefill;                   /* … and the model is to go on where it ends */
};

void anthropic_plan_make(struct request_writer *w, struct anthropic_plan *p);
/* Adds a sentence to the system text. */
void plan_say(struct anthropic_plan *p, struct text sentence);
/* Does the conversation end with words of the assistant, to be gone on with? */
bool plan_is_prefill(const struct canon_request *r);
/* Is the tool one that the model may call? */
bool plan_offers(const struct request_writer *w, const struct tool *t);

/* `tools` and `tool_choice`. */
bool anthropic_put_tools(struct anthropic_body *b);
/* A schema as a value: of the tool, or (NULL) of the answer. */
bool anthropic_put_schema(struct anthropic_body *b, struct str raw, bool openapi,
                          enum schema_form form, const struct tool *t);
void anthropic_put_text(struct json_writer *w, const char *name, struct text text);
struct text anthropic_join(struct arena *a, struct text one, struct text two, struct text three);
void anthropic_put_cache(struct json_writer *w, enum cache_ttl ttl);
/* Marks of clients that know Anthropic's; for others our own, when they are wanted and the part is
 * the last of its list. */
enum cache_ttl anthropic_cache_of(const struct anthropic_body *b, enum cache_ttl said, bool last);

#endif
