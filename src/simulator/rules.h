/* simulator/rules.h - who gets which answer: rules from a script and from the control API, and the
 * request quota of each account.
 *
 *     rule   := [matcher… ':'] directives
 *     matcher := account KEY | model PATTERN | wire NAME | any
 *
 * The first rule that matches and is not used up is taken, those of the account before those of the
 * script; `after=N` lets that many requests pass by first, `times=N` ends the rule after so many.
 * Threads: own.   Memory: its own, rules_free(). */
#ifndef PENSTOCK_SIMULATOR_RULES_H
#define PENSTOCK_SIMULATOR_RULES_H

#include "simulator/ask.h"
#include "simulator/cache_model.h"
#include "simulator/directive.h"

#define RULES_MAX 256          /* in the script, and for each account */
#define RULE_ACCOUNTS_MAX 1024 /* with rules or a quota */
#define RULE_MODELS_MAX 256    /* in the model list */

struct rule {
    struct str text; /* as it was given */
    struct str account, model;
    bool any_account;
    int wire;                     /* enum wire, or -1 for each */
    struct directives directives; /* `times` and `after` count down */
};

struct rule_list {
    struct arena arena;
    struct rule *at; /* of RULES_MAX, or NULL */
    uint32_t count;
};

struct quota {
    int64_t requests; /* 0: none */
    int64_t window_ms;
    int64_t began_ms, used;
};

struct rule_account {
    struct str key;
    struct rule_list rules;
    struct quota quota;
    struct rule_account *next;
};

struct rules {
    struct rule_list script;
    struct rule_account *accounts;
    uint32_t account_count;
    struct arena arena; /* of the models */
    struct str *models;
    uint32_t model_count;
};

struct rules *rules_new(void);
void rules_free(struct rules *r);

/* Reads a script: `models`, `cache`, `quota` lines and rules. The error names the line. */
MUST_USE enum status rules_read_script(struct rules *r, struct str script,
                                       struct cache_model *cache, struct error *e);
/* Replaces the rules of an account; all or nothing. */
MUST_USE enum status rules_set_account(struct rules *r, struct str key, const struct str *texts,
                                       uint32_t count, struct error *e);
MUST_USE enum status rules_set_quota(struct rules *r, struct str key, int64_t requests,
                                     int64_t window_ms, struct error *e);
/* False: there was nothing to forget. */
bool rules_forget_account(struct rules *r, struct str key);

/* The directives for a request, or NULL; a rule that counts is counted down. */
const struct directives *rules_pick(struct rules *r, struct str account, const struct ask *ask);

/* The same of those rules alone that name a model. */
const struct directives *rules_pick_named(struct rules *r, struct str account,
                                          const struct ask *ask);

struct quota_state {
    int64_t limit, remaining; /* -1: no quota */
    int64_t reset_in_ms;
    bool over;
};
/* Draws one request on the account's quota. */
struct quota_state rules_draw(struct rules *r, struct str account, int64_t now_ms);

#endif
