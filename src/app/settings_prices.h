/* app/settings_prices.h - prices as they stand in JSON. Threads: any. */
#ifndef PENSTOCK_APP_SETTINGS_PRICES_H
#define PENSTOCK_APP_SETTINGS_PRICES_H

#include "base/json_write.h"
#include "provider/price.h"

/* One price as an object, and its members alone. */
void settings_put_price(const struct price *p, struct json_writer *w);
void settings_put_price_members(const struct price *p, struct json_writer *w);

#endif
