/* app/accounts_check.h - a command asks an account's provider whether its key is good, on a loop of
 * its own. Threads: main thread. */
#ifndef PENSTOCK_APP_ACCOUNTS_CHECK_H
#define PENSTOCK_APP_ACCOUNTS_CHECK_H

#include "app/settings.h"
#include "upkeep/check.h"

/* False: it could not be asked, and `out` is as it was. The message lives in `a`. */
bool account_check(const struct settings *s, const struct upstream *up, struct arena *a,
                   struct check_result *out);

#endif
