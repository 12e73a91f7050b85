/* journal/journal.h - events for replay: metadata only, never text of prompts or answers.
 *
 * One event is one line of JSON with fixed members, appended to a file when the gateway was started
 * with
 * `--journal FILE`. Sessions and models appear as they are known to the scheduler (a digest, an
 * id). Format: docs/journal.md.   Threads: any (one lock around the buffer).   Memory: bounded;
 * when the writer cannot keep up, events are dropped and counted. */
#ifndef PENSTOCK_JOURNAL_JOURNAL_H
#define PENSTOCK_JOURNAL_JOURNAL_H

#include "base/error.h"
#include "pool/pool.h"

enum journal_kind { JOURNAL_ARRIVAL, JOURNAL_PICK, JOURNAL_VERDICT, JOURNAL_END };

/* What an entry of a route says to the pool; empty: any. */
#define JOURNAL_ENTRIES_MAX 64
struct journal_entry {
    struct str provider, account, model;
    bool by_age, rotates, spends_reserve;
};

struct journal_event {
    enum journal_kind kind;
    int64_t at_ms;     /* in a line: milliseconds since the journal was opened */
    uint64_t exchange; /* its number; no two exchanges of a run have the same */
    /* arrival */
    struct session_key session;
    bool has_session;
    struct str home;            /* label of who alone takes back what it holds; empty: nobody */
    struct str protocol, model; /* public model id */
    struct str mapped;          /* the upstream's, when it is another */
    /* along a route: what the pool was asked for, entry by entry; by PICK_NONE: the pool decided */
    enum pick_reason by;
    const struct journal_entry *entries;
    uint32_t entry_count;
    uint64_t request_bytes;
    uint32_t tokens_estimated;
    bool stream;
    /* pick */
    struct str account; /* label; empty: nobody was free */
    enum pick_reason reason;
    uint32_t skipped[SKIPS];
    int64_t retry_after_ms; /* -1: none */
    /* what the account had left of the model's quota group; -1 unknown */
    int64_t remaining_permille;
    /* pick and verdict */
    uint32_t attempt;
    /* verdict */
    enum verdict_kind verdict;
    int64_t delay_ms; /* named by the provider; -1 none */
    int64_t first_byte_ms, duration_ms;
    /* verdict and end */
    int64_t tokens_in, tokens_out, tokens_cache_read, tokens_cache_write,
        tokens_reasoning; /* -1 unknown */
    int status;           /* what the client got (end) or the upstream said (verdict) */
};

/* An event of that kind in which nothing is known yet. */
struct journal_event journal_event_blank(enum journal_kind kind);

/* Appends the line of an event, newline included. Pure. False when `out` is full. */
bool journal_put(struct buf *out, const struct journal_event *ev);
/* Reads one line back, with or without its newline. Members that the kind does not have are as in
 * journal_event_blank(), members nobody knows are passed over. Slices borrow from `line` or live in
 * `a`. E_SYNTAX names the member; `ev` is then as it was. */
MUST_USE enum status journal_read(struct str line, struct arena *a, struct journal_event *ev,
                                  struct error *e);

#define JOURNAL_BUFFER_MAX ((size_t)64 << 10)

/* `now_ms` is the moment of opening, on the clock of the events that are added. `write` gets whole
 * lines; called under the journal's lock by whoever's event found the buffer
 * full, or by journal_flush(). False: it cannot take them now. Then they are kept and offered
 * again, and events that find no room are dropped and counted. */
struct journal;
struct journal *journal_new(int64_t now_ms, bool (*write)(void *peer, struct str lines),
                            void *peer);
void journal_free(struct journal *j); /* flushes first */
void journal_add(struct journal *j, const struct journal_event *ev);
void journal_flush(struct journal *j);
uint64_t journal_dropped(const struct journal *j);

#endif
