/* app/rules.h - the part of the settings that exchanges follow, as a counted snapshot.
 * Threads: any (counted).   Memory: freed with the last count. */
#ifndef PENSTOCK_APP_RULES_H
#define PENSTOCK_APP_RULES_H

#include "app/settings.h"
#include "exchange/exchange.h"
#include "exchange/key_budget.h"
#include "store/client_keys.h"

/* Takes a count of the settings and of the keys in the database. The caller owns one count of the
 * rules: `rules->owner_unref(rules->owner)`. */
const struct exchange_rules *exchange_rules_new(struct settings *s, struct client_keys *stored,
                                                struct key_budgets *budgets);

#endif
