/* simulator/record.h - the last requests that arrived, for tests that ask what was sent.
 *
 * A ring with two bounds: how many, and how many bytes together; the oldest makes room. Keys are
 * kept as they came: the simulator is no place for real ones. Threads: own.   Memory:
 * records_free(). */
#ifndef PENSTOCK_SIMULATOR_RECORD_H
#define PENSTOCK_SIMULATOR_RECORD_H

#include "base/arena.h"
#include "base/buf.h"
#include "http/parse.h"

#define RECORDS_MAX 1000
#define RECORDS_BYTES_MAX ((size_t)64 << 20)
#define RECORD_BODY_MAX ((size_t)1 << 20)

enum record_state { RECORD_RUNNING, RECORD_DONE, RECORD_CLOSED, RECORD_ABORTED };

struct record {
    uint64_t sequence; /* from 1 */
    struct arena arena;
    struct str method, path, query, body, account, model, wire;
    struct http_field *fields;
    uint32_t field_count;
    uint64_t body_bytes;     /* as they came; `body` may hold fewer */
    int status;              /* 0: nothing sent yet */
    uint64_t sent_bytes;     /* of the answer's body */
    enum record_state state; /* CLOSED: by the simulator, as it was told; ABORTED: by the peer */
};

struct records;

struct records *records_new(void);
void records_free(struct records *r);
/* Begins a record; it lives until it is pushed out. */
uint64_t records_begin(struct records *r, const struct http_head *head, struct str path,
                       struct str query);
/* NULL when it was pushed out or cleared. */
struct record *records_get(struct records *r, uint64_t sequence);
void records_set_body(struct records *r, uint64_t sequence, struct str body);
void records_set_call(struct records *r, uint64_t sequence, struct str account, struct str model,
                      struct str wire);
void records_clear(struct records *r);
uint32_t records_count(const struct records *r);
uint64_t records_last(const struct records *r); /* sequence; 0: none yet */

/* `{"requests":[…],"last":N,"more":bool}`: those behind `after`, at most `limit`, and as many as
 * fit. */
bool records_put(const struct records *r, uint64_t after, uint64_t limit, struct buf *out);

#endif
