/* route/background.h - requests that a coding agent makes for itself: titles, summaries, warm-ups,
 * topic checks. With `routing.background` they go to another model. Threads: pure. */
#ifndef PENSTOCK_ROUTE_BACKGROUND_H
#define PENSTOCK_ROUTE_BACKGROUND_H

#include "base/str.h"

enum background_kind {
    BACKGROUND_TITLE,
    BACKGROUND_SUMMARY,
    BACKGROUND_WARMUP,
    BACKGROUND_TOPIC,
    BACKGROUND_KINDS,
};
const char *background_word(enum background_kind kind); /* "title", "summary", "warmup", "topic" */
bool background_from_word(struct str word, enum background_kind *kind);

/* It is one when a text of the request fits. */
struct background_rule {
    enum background_kind kind;
    bool in_system;     /* in the instructions, else in the last text of the user */
    struct str pattern; /* `*` stands for any text; what follows the last byte does not matter */
};

struct background_spec {
    bool enabled;
    struct str model;                    /* empty: none */
    struct str models[BACKGROUND_KINDS]; /* for one kind, before `model`; empty: none */
    const struct background_rule *rules; /* NULL: those that are built in */
    size_t rule_count;
};

const struct background_rule *background_builtin(size_t *count);

#define BACKGROUND_TEXT_MAX ((size_t)1000) /* so much of a text is looked at */
/* A user who writes at length is no background task. */
#define BACKGROUND_USER_MAX ((size_t)4000)

/* The model such a request goes to; empty: it is none, or there is no model for it. */
struct str background_model(const struct background_spec *s, struct str system, struct str user);

#endif
