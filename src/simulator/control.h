/* simulator/control.h - the control API under /_sim/: what arrived, and what each account gets.
 * docs/simulator.md lists it. Threads: own.   Memory: the reply's. */
#ifndef PENSTOCK_SIMULATOR_CONTROL_H
#define PENSTOCK_SIMULATOR_CONTROL_H

#include "simulator/record.h"
#include "simulator/respond.h"

/* `running` requests are being answered now. Fills the reply, errors included. */
void control_respond(struct world *w, struct records *records, uint32_t running,
                     const struct call *c, struct arena *a, struct reply *r);

#endif
