/* tests/unit/store/store_rig.h - a data folder of the test's own, the store in it, and what it
 * gives back.
 *
 * Threads: one.   Memory: rig_end() closes and removes everything. */
#ifndef PENSTOCK_TEST_STORE_RIG_H
#define PENSTOCK_TEST_STORE_RIG_H

#include "test.h"

#include "store/store.h"

#define TAKEN_MAX 512

struct rig {
    char folder[64];
    struct master_key key;
    struct store *store; /* NULL while closed */
    struct account_spec *taken[TAKEN_MAX];
    size_t taken_count;
};

/* An empty folder and a fixed key; nothing is opened. */
void rig_start(struct test *t, struct rig *r);
void rig_end(struct rig *r);

bool rig_open(struct test *t, struct rig *r);
void rig_close(struct rig *r);
/* Reads all accounts into `taken`, over those of the last time. */
bool rig_take(struct test *t, struct rig *r);

/* The path of a file in the folder, in the test's arena. */
const char *rig_path(struct test *t, const struct rig *r, const char *name);
/* 07777 bits; 0xffff when absent. */
unsigned rig_mode(struct test *t, const struct rig *r, const char *name);
/* All bytes; empty when absent. */
struct str rig_bytes(struct test *t, const struct rig *r, const char *name);
void rig_overwrite(struct test *t, const struct rig *r, const char *name, struct str bytes);
/* SQL on the database behind the store's back. */
void rig_sql(struct test *t, const struct rig *r, const char *sql);
void rig_sql_on(struct test *t, const struct rig *r, const char *name, const char *sql);
/* The first column of the first row. */
struct str rig_ask(struct test *t, const struct rig *r, const char *sql);
struct str rig_ask_of(struct test *t, const struct rig *r, const char *name, const char *sql);

/* An account with a label and a key, in memory. */
struct account_spec *rig_spec(const char *label, const char *key);
/* Adds one; gives its id, 0 when it failed. */
int64_t rig_add(struct test *t, struct rig *r, const char *label, const char *key);

/* The flags of an account and their reason. */
static inline enum status rig_flags(struct store *s, int64_t id, bool disabled, bool proxy_disabled,
                                    struct str reason, struct error *e)
{
    return store_account_change(
        s, id,
        &(struct account_change){ .members = ACCOUNT_DISABLED | ACCOUNT_PROXY_DISABLED,
                                  .disabled = disabled,
                                  .proxy_disabled = proxy_disabled,
                                  .reason = reason },
        e);
}

#endif
