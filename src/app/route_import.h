/* app/route_import.h - the routing file of Anti-API, in our words. Threads: pure. */
#ifndef PENSTOCK_APP_ROUTE_IMPORT_H
#define PENSTOCK_APP_ROUTE_IMPORT_H

#include "base/buf.h"
#include "base/error.h"

/* Writes the body of PUT /api/routing; `note` is told what has no counterpart here. */
MUST_USE enum status route_import_anti_api(struct str text,
                                           void (*note)(void *peer, struct str text), void *peer,
                                           struct buf *out, struct error *e);

#endif
