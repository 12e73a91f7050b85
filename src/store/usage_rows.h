/* store/usage_rows.h - what each request used, in usage.db: a row for each, and sums by hour and
 * day.
 *
 * Rows and sums change in one transaction, so that they always agree. Metadata only. Rows lie
 * packed in blocks (usage_pack.h), sums in tables, where names have numbers. A request counts where
 * it ended; its attempts count for the accounts that made them. Hours and days are the local ones
 * (TZ). Threads and memory: as store/usage.h. */
#ifndef PENSTOCK_STORE_USAGE_ROWS_H
#define PENSTOCK_STORE_USAGE_ROWS_H

#include "base/str.h"
#include "store/usage.h"

#define USAGE_NAME_MAX 128 /* bytes kept of a name */
#define USAGE_COST_UNKNOWN (-1)

/* -1 is unknown. */
struct usage_tokens {
    int64_t in, out, cache_read, cache_write, reasoning;
};

/* What many requests have in common. Rows point to it: of those that share one, names are looked up
 * once. */
struct usage_names {
    uint8_t key_id[16]; /* all zero: no client key */
    struct str key;     /* its name */
    struct str client;  /* the program, as it calls itself */
    struct str protocol, model, mapped, ending;
    bool stream, complete;
    bool free; /* it cost nothing by its nature: tokens were only counted */
    int status;
    uint32_t met; /* whoever writes rows remembers what it found; 0 at first */
};

/* Likewise, of attempts: who was asked, and what came of it. */
struct usage_who {
    int64_t account;
    struct str label, provider, verdict;
    int status;
    uint32_t met;
};

/* What one account did for a request. */
struct usage_attempt {
    struct usage_who *who;
    uint32_t number; /* from 1 */
    struct usage_tokens tokens;
    int64_t cost_nano; /* thousand millionths of a dollar; USAGE_COST_UNKNOWN */
    int64_t duration_ms;
};

#define USAGE_ATTEMPTS_MAX 8

/* An id of ours is `req_` and the hex digits of these. */
#define USAGE_ID_BYTES 12
#define USAGE_ID_TEXT (4 + 2 * USAGE_ID_BYTES)
bool usage_id_read(struct str id, uint8_t out[USAGE_ID_BYTES]); /* false: it is none of ours */

struct usage_row {
    struct str request_id;
    uint8_t id[USAGE_ID_BYTES]; /* if `request_id` is empty */
    int64_t ended_unix_ms;
    struct usage_names *names;
    int64_t charged;                    /* tokens, to the client key's budget */
    int64_t first_byte_ms, duration_ms; /* first byte -1: none */
    uint32_t attempt_count;
    uint32_t kept; /* of them; the last one is the one whose answer the client got, if any did */
    struct usage_attempt *attempts; /* at most USAGE_ATTEMPTS_MAX */
    struct usage_tokens beyond;     /* of those not kept; 0: nothing known */
};

/* --- writing rows: a batch is one transaction */

#define USAGE_ROWS_MAX 10000 /* in a batch */

/* What a batch added to the sums of an account in an hour (unix s); account 0: nobody was asked. */
struct usage_added {
    int64_t account, hour_s, requests, tokens_in, tokens_out; /* failed attempts' tokens too */
};
/* `added` is called as sums are written, which a batch that fails takes back. */
MUST_USE enum status usage_batch_begin(struct usage_db *u,
                                       void (*added)(void *peer, const struct usage_added *sum),
                                       void *peer, struct error *e);
/* The row is not kept. */
MUST_USE enum status usage_batch_put(struct usage_db *u, const struct usage_row *row,
                                     struct error *e);
/* `st` is how it went so far: all rows are there when it gives OK, none else. */
MUST_USE enum status usage_batch_end(struct usage_db *u, enum status st, struct error *e);

/* --- reading rows */

/* Gives rows to `take`, the newest first: those with numbers below `before` (INT64_MAX: all) that
 * ended before `until_ms` and at `since_ms` or later (unix ms), until it says false, or
 * `rows_max` were looked at. Numbers go up from 1 as rows are written. A row lives for the call.
 * `next`: a row below this number comes next; 0: none is left. */
struct usage_range {
    int64_t before, until_ms, since_ms;
    int64_t rows_max;
};
MUST_USE enum status usage_rows_list(struct usage_db *u, const struct usage_range *range,
                                     bool (*take)(void *peer, const struct usage_row *row),
                                     void *peer, int64_t *next, struct error *e);

/* Removes rows and sums by hour older than `days` (rows may stay a day longer: they go with those
 * of their block), and the oldest rows beyond `bytes` of the file, some at a time; sums by day stay
 * for USAGE_DAYS_KEPT. Packs what older versions wrote in rows. `more`: call it again. */
#define USAGE_DAYS_KEPT 1100
MUST_USE enum status usage_rows_prune(struct usage_db *u, int64_t unix_ms, int64_t days,
                                      int64_t bytes, bool *more, struct error *e);

/* --- sums */

#define USAGE_BY_TABLE(X)                                         \
    X(MODEL, "model", "the model that was asked of the provider") \
    X(ASKED, "asked", "the model as the client called it")        \
    X(ACCOUNT, "account", "the account")                          \
    X(PROVIDER, "provider", "the provider")                       \
    X(KEY, "key", "the client key")                               \
    X(ENDING, "ending", "how the request ended")                  \
    X(HOUR, "hour", "the local hour in which the request ended")  \
    X(DAY, "day", "the local day in which it ended")

enum usage_by {
#define X(name, word, text) USAGE_BY_##name,
    USAGE_BY_TABLE(X)
#undef X
        USAGE_BYS,
};
const char *usage_by_word(enum usage_by by);
bool usage_by_from_word(struct str word, enum usage_by *by);

/* Empty texts are no filters. `from_s` and `to_s` are where hours begin, or days if `by_day`. */
struct usage_query {
    enum usage_by by;
    bool by_day; /* ask the sums by day, else those by hour */
    int64_t from_s, to_s;
    struct str model, asked, account, provider, key, ending; /* names; an account's id too */
    size_t limit;
};

struct usage_sum {
    struct str name;  /* of the group; empty: none (no account was asked, no key was shown) */
    int64_t id;       /* of an account; else 0 */
    struct str owner; /* an account's provider */
    int64_t start_s;  /* of an hour or day */
    int64_t requests, complete, left; /* left: the client went away */
    int64_t attempts;
    struct usage_tokens tokens; /* of the answers; a sum is never unknown */
    struct usage_tokens failed; /* of attempts whose answer no client got */
    int64_t tokens_unknown;     /* complete requests whose answer named no tokens */
    int64_t charged;
    int64_t cost_nano, cost_unknown;    /* sum of the known; requests with a part that is not */
    int64_t first_byte_ms, first_bytes; /* sum and number */
    int64_t duration_ms;
};

MUST_USE enum status usage_sums(struct usage_db *u, const struct usage_query *q,
                                void (*take)(void *peer, const struct usage_sum *sum), void *peer,
                                struct error *e);

/* What was charged to each key on days that began at `day_s` or later, and at `month_s` or later.
 */
MUST_USE enum status usage_charged(struct usage_db *u, int64_t day_s, int64_t month_s,
                                   void (*take)(void *peer, const uint8_t key_id[16], int64_t day,
                                                int64_t month),
                                   void *peer, struct error *e);

/* What each account did since `day_s`. */
struct usage_today {
    int64_t account, requests, tokens_in, tokens_out; /* failed attempts' tokens too */
};
MUST_USE enum status usage_of_accounts(struct usage_db *u, int64_t day_s,
                                       void (*take)(void *peer, const struct usage_today *t),
                                       void *peer, struct error *e);

#endif
