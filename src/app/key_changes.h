/* app/key_changes.h - client keys listed and changed: by the desk of a running gateway, and by
 * commands when none runs.
 *
 * Each gives an outcome of the admin API. A key that is made stands in the outcome, once.
 * Threads: whoever holds the store. */
#ifndef PENSTOCK_APP_KEY_CHANGES_H
#define PENSTOCK_APP_KEY_CHANGES_H

#include "admin/admin.h"
#include "app/settings.h"
#include "exchange/key_budget.h"

struct key_desk {
    struct store *store;
    const struct settings *settings; /* the keys of the file */
    const struct client_keys *keys;  /* those of the database */
    struct key_budgets *budgets;     /* NULL: nothing runs */
    int64_t now_ms;                  /* loop clock */
};

void key_list(const struct key_desk *d, struct admin_outcome *out);
/* `body`: the members of a key. True: the keys are others now. */
bool key_add(const struct key_desk *d, struct str body, struct admin_outcome *out);
bool key_change(const struct key_desk *d, struct str name, struct str body,
                struct admin_outcome *out);
bool key_rotate(const struct key_desk *d, struct str name, struct admin_outcome *out);
bool key_remove(const struct key_desk *d, struct str name, struct admin_outcome *out);

#endif
