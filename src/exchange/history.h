/* exchange/history.h - what a request of Responses refers to in place of saying it, and what is
 * kept of its answer.
 *
 * `previous_response_id` and `item_reference` pass untouched to the account whose provider keeps
 * what they name; any other account is told all of it (kept.h).
 * Threads: own loop.   Memory: the request's arena. */
#ifndef PENSTOCK_EXCHANGE_HISTORY_H
#define PENSTOCK_EXCHANGE_HISTORY_H

#include "exchange/exchange_int.h"

struct history {
    bool keeps;          /* the client wants its response kept … */
    bool keeps_here;     /* … as long as its connection is there */
    bool names_items;    /* by their ids alone, perhaps */
    bool refers;         /* to something that is kept here … */
    int64_t account;     /* … and by the provider of this account; 0: here alone */
    struct kept_who who; /* asks */
    struct str previous; /* the response it goes on from, or empty */
    struct str body;     /* the request with all it refers to in place; made when needed */
    struct str input;    /* its new items alone, between commas; likewise. May lie in the body */
    uint32_t past;       /* so many items stand in front of them in `body` */
    bool one_text;       /* … and they are one, of a text that the client gave as it is */
    struct kept_entry *held; /* has the memory of the client's body; NULL: the request has it */
};

/* The request has been read: x->history, where there is anything to it. False: it refers to what
 * its client cannot know. */
bool history_begin(struct exchange *x, struct wire_complaint *why);
/* Makes `body` and `input`. False: what it refers to is not kept any more. */
bool history_tell(struct exchange *x, struct wire_complaint *why);
/* … and makes it the request's own. */
bool history_put(struct exchange *x, struct wire_complaint *why);
/* Paths in `body` in terms of what the client sent: its own items by their place in its list, those
 * that `previous_response_id` stands for by theirs in what that is. */
struct str history_path(const struct exchange *x, struct str path);
void history_rename(const struct exchange *x, struct losses *l);
/* Must the account of this attempt be told? */
static inline bool history_is_told(const struct exchange *x)
{
    return x->history != NULL && x->history->refers &&
           (x->history->account == 0 || x->history->account != x->attempt.lease.account_id);
}
/* The account that should have known it does not (any more): is it to be told? */
bool history_forgotten(struct exchange *x, const struct judge_words *words);
/* The answer is whole; `peer` is the exchange, `response` the object, `id` what it calls itself. */
void history_keep(void *peer, struct str id, struct str response);
/* Nobody reads the client's body any more. */
void history_end(struct exchange *x);

/* GET and DELETE of /v1/responses/{id}, and of what is below it. */
void history_answer(struct exchange_env *env, struct request *r, const struct door_target *t,
                    const struct client_key *key);

#endif
