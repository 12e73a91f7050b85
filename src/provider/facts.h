/* provider/facts.h - what an account's provider tells when it is asked: its plan, its project, what
 * is left of its allowances, and (Cloud Code) its models.
 *
 * A *course* is the questions that one reading takes: facts_begin(), then facts_take() for each
 * answer, which gives the next question, until all is said. Sources: docs/providers.
 * Threads: pure.   Memory: facts_clear(). */
#ifndef PENSTOCK_PROVIDER_FACTS_H
#define PENSTOCK_PROVIDER_FACTS_H

#include "provider/quota.h"

#define FACTS_GROUPS_MAX 8
#define FACTS_PROJECT_MAX 128
#define FACTS_BODY_MAX ((size_t)4 << 20) /* bytes of an answer that are read */

/* What was learned; what nobody said is empty, or unknown. */
struct account_facts {
    char project[FACTS_PROJECT_MAX];
    enum tier tier;
    struct {
        struct str group;
        struct quota_said said;
    } groups[FACTS_GROUPS_MAX];
    size_t group_count;
    struct listed_model *models; /* NULL: it was no question */
    size_t model_count;
};

enum facts_step {
    FACTS_LOAD,      /* antigravity: who is it, and which project is its own? */
    FACTS_ONBOARD,   /* … it has none yet: one is asked for */
    FACTS_AVAILABLE, /* … its models, and what is left of each */
    FACTS_USAGE,     /* codex, copilot: what is left */
};

struct facts_course {
    const struct upstream *upstream;
    enum facts_step step;
    bool bare; /* the project was refused: asked without it */
    unsigned waits;
    struct str onboard_tier;
    struct str body; /* of the next question; empty: it has none */
    struct arena arena;
    struct account_facts facts;
};

/* Does its provider tell anything when asked? */
bool upstream_has_facts(const struct upstream *u);

/* Does the provider check the credential of requests when it is asked? */
bool facts_prove_credential(const struct upstream *u);

/* `known_project`: from an earlier course; may be empty. The upstream must outlive the course. */
void facts_begin(struct facts_course *c, const struct upstream *u, struct str known_project);
void facts_clear(struct facts_course *c);

/* The address is broken: the same question goes to the provider's next one. False: there is none.
 */
bool facts_elsewhere(struct facts_course *c);

/* Where the question goes, and its head without body_bytes. */
const struct upstream *facts_upstream(const struct facts_course *c);
struct upstream_ask facts_question(const struct facts_course *c);

enum facts_next {
    FACTS_ASK,  /* the next question */
    FACTS_WAIT, /* the same one again, after FACTS_WAIT_MS */
    FACTS_DONE, /* `facts` has it all */
    FACTS_FAIL, /* `why` tells */
};
#define FACTS_WAIT_MS 5000
#define FACTS_WAITS_MAX 24

enum facts_next facts_take(struct facts_course *c, int status, struct str body,
                           const struct moment *now, struct error *why);

#endif
