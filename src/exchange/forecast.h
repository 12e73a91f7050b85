/* exchange/forecast.h - what would become of a model's name now, without asking anybody: each step,
 * with its reason. Threads: any. */
#ifndef PENSTOCK_EXCHANGE_FORECAST_H
#define PENSTOCK_EXCHANGE_FORECAST_H

#include "base/json_write.h"
#include "route/table.h"
#include "wire/protocol.h"

struct forecast_ask {
    struct str model;
    enum wire protocol; /* of the client */
    bool has_session;
    struct session_key session;
    struct route_facts facts; /* of the request, as far as conditions ask */
};

/* One JSON object. */
void forecast_put(struct pool *pool, const struct route_table *t, const struct forecast_ask *ask,
                  int64_t now_ms, struct json_writer *w);

#endif
