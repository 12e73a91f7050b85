/* journal/turns.h - what clients ask for: the turns of conversations, made up or recorded.
 *
 * Most turns follow the one before in their conversation: they begin when that has ended and its
 * person or program has thought for a while, so a slow answer delays what follows it, as it does in
 * life. Threads: values.   Memory: everything in `arena`; turns_free(). */
#ifndef PENSTOCK_JOURNAL_TURNS_H
#define PENSTOCK_JOURNAL_TURNS_H

#include "journal/journal.h"

#define TURNS_MAX 4000000u
#define TURN_NONE UINT32_MAX
#define TURN_TOKENS_MAX INT64_C(100000000) /* of one prompt or answer; more is taken for that */
#define TURN_MS_MAX (INT64_C(3660) * 86400 * 1000) /* and of times: ten years */

struct turn {
    uint32_t session; /* number of the conversation; TURN_NONE: of none */
    uint32_t next;    /* the turn that follows this one's end, or TURN_NONE */
    bool follows;     /* begins `think_ms` after the end of another; else at `at_ms` */
    int64_t at_ms, think_ms;
    struct str model; /* the pool is asked for */
    struct str home;  /* label of who alone takes back what the request holds; empty: nobody */
    /* along a route; by PICK_NONE: the pool decides. Providers do not matter here, accounts do */
    enum pick_reason by;
    const struct journal_entry *entries;
    uint32_t entry_count;
    int64_t tokens_prompt, tokens_out;
};

struct turns {
    struct arena arena;
    struct turn *at;
    uint32_t count, cap;
    struct session_key *sessions;
    uint32_t session_count, session_cap;
    struct str *accounts; /* labels that a journal names, in the order they were met */
    uint32_t account_count, account_cap;
    /* What a journal says became of it all; of generated turns nothing. */
    struct turns_recorded {
        bool known;
        uint64_t ended, refused, failed; /* 2xx, 429, the rest */
        int64_t tokens_prompt, tokens_cached, tokens_out;
        uint64_t attempts;
    } recorded;
};

void turns_free(struct turns *t);

/* --- made up */

struct turns_made {
    uint64_t seed;
    uint32_t sessions; /* conversations */
    uint32_t turns;    /* of each, on average */
    int64_t span_ms;   /* within which they begin */
    int64_t think_ms;  /* between two turns, on average */
    int64_t prompt;    /* tokens of a first prompt, on average */
    int64_t growth;    /* tokens that each turn adds to it beside the answer, on average */
    int64_t answer;    /* tokens, on average */
    struct str model;
};

extern const struct turns_made turns_made_default;
/* The same numbers make the same turns. E_LIMIT: too many. */
MUST_USE enum status turns_make(const struct turns_made *made, struct turns *out, struct error *e);

/* --- recorded */

/* Reads a journal (docs/journal.md). E_SYNTAX names the line. */
MUST_USE enum status turns_read(struct str journal, struct turns *out, struct error *e);

/* --- for both */

/* Even over all 64-bit numbers, and the same for the same three. */
uint64_t turns_random(uint64_t seed, uint64_t a, uint64_t b);
struct turn *turns_add(struct turns *t);
uint32_t turns_add_session(struct turns *t, const struct session_key *key);

#endif
