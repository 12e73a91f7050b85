/* provider/form.h - the error inside an answer's body, whoever's form it has
 * (docs/providers/signals.md): OpenAI, Codex, Anthropic, Google with its details, plain text, HTML,
 * and what gateways make of each other's.
 *
 * Pure reading; what it means is said in judge.c and google.c.
 * Threads: pure.   Memory: slices borrow from the body or live in the arena. */
#ifndef PENSTOCK_PROVIDER_FORM_H
#define PENSTOCK_PROVIDER_FORM_H

#include "base/arena.h"

struct fault_form {
    bool found;         /* the body says that something went wrong */
    bool json, html;    /* what it was; neither: plain text */
    struct str text;    /* the first 4 KiB of: message, else the whole body; HTML: its title */
    struct str lower;   /* the same in lower case: what words are searched in */
    struct str message; /* for people; empty when there is none */
    struct str type, code, param;
    int64_t number; /* a numeric code, 0: none */
    /* Google's */
    struct str status; /* `RESOURCE_EXHAUSTED` */
    struct str reason, domain;
    bool detailed; /* there were details */
    bool per_day, per_minute;
    bool of_model;   /* the quota is one model's, not the account's */
    struct str link; /* where the account's owner can put things right */
    /* how long, in ms from now; -1: not said */
    int64_t reset_ms; /* the time when the quota is whole again */
    int64_t retry_ms; /* when it asks us to come again */
};

/* `failed`: the status said so already, which lets weaker forms count (`detail`, plain text). */
void fault_form_read(struct str body, struct str content_type, bool failed, int64_t unix_ms,
                     struct arena *a, struct fault_form *f);

#endif
