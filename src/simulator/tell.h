/* simulator/tell.h - what the providers that are signed in to tell of an account: its plan, its
 * project, what is left of its allowances, their lists of models. Tests set the figures over the
 * control API; without them everything is left.
 *
 * Threads: own.   Memory: its own, tells_free(). */
#ifndef PENSTOCK_SIMULATOR_TELL_H
#define PENSTOCK_SIMULATOR_TELL_H

#include "base/json.h"
#include "simulator/reply.h"
#include "simulator/rules.h"

#define TELL_ACCOUNTS_MAX 1024
#define TELL_WINDOWS_MAX 4
#define TELL_MODELS_MAX 64
#define TELL_NAME_MAX 64

enum tell_what {
    TELL_NOTHING,
    TELL_LOAD,           /* :loadCodeAssist */
    TELL_ONBOARD,        /* :onboardUser */
    TELL_AVAILABLE,      /* :fetchAvailableModels */
    TELL_CODEX_USAGE,    /* /backend-api/wham/usage */
    TELL_CODEX_MODELS,   /* /backend-api/codex/models */
    TELL_COPILOT_USER,   /* /copilot_internal/user */
    TELL_COPILOT_MODELS, /* /models of a client with an Editor-Version */
};

struct tell_figure {
    char name[TELL_NAME_MAX]; /* of a window, or a model's id */
    int64_t remaining_percent;
    int64_t reset_unix_ms; /* 0: not told */
    int64_t minutes;       /* of a window; 0: not told */
};

struct tells;
struct tells *tells_new(void);
void tells_free(struct tells *t);

/* `{"plan": …, "project": …, "onboard": N, "windows": {NAME: {"remaining_percent",
 * "reset_in_seconds", "minutes"}}, "models": {ID: …}}` in place of what was set; a null forgets.
 * The error names the member. */
MUST_USE enum status tells_set(struct tells *t, struct str key, const struct json *doc,
                               uint32_t node, int64_t now_unix_ms, struct error *e);
void tells_forget(struct tells *t, struct str key);

/* By the path; NOTHING: it is none of these. `pseudo` is the model name by which rules can
 * steer it. */
enum tell_what tell_of_path(struct str path, const char **pseudo, bool *is_post);
void tell(struct tells *t, enum tell_what what, struct str key, const struct rules *rules,
          struct reply *r);
/* The fields that Copilot and Codex's backend put on each answer. */
void tell_copilot_fields(const struct tells *t, struct str key, struct arena *a, struct reply *r);
void tell_codex_fields(const struct tells *t, struct str key, struct arena *a, struct reply *r);
/* Does Copilot serve the model over this wire? */
bool tell_copilot_serves(struct str model, enum wire wire);

#endif
