/* simulator/simulator.h - the provider simulator: a stand-in for all upstreams on one listener.
 *
 * Answers on the four wires deterministically; is steered by words in the prompt, by a script file,
 * or per account key over its control API; models a prompt cache for each account key; misbehaves
 * on demand. A feature for users (docs/simulator.md) and the upstream of our end-to-end tests.
 * Threads: own loop.   Memory: bounded tables; simulator_free(). */
#ifndef PENSTOCK_SIMULATOR_SIMULATOR_H
#define PENSTOCK_SIMULATOR_SIMULATOR_H

#include "base/error.h"
#include "io/socket.h"

struct simulator;

struct simulator_options {
    struct loop *loop;
    struct address listen; /* port 0 takes a free one */
    struct str script;     /* text of a script file, or empty */
    uint64_t seed;
    bool control; /* offer the control API under /_sim/ (off for the one inside the gateway) */
};

MUST_USE enum status simulator_new(const struct simulator_options *options, struct simulator **out,
                                   struct error *e);
struct address simulator_address(const struct simulator *s);
/* Stops at once: open connections are closed. Free on the next turn of the loop or later. */
void simulator_free(struct simulator *s);

#endif
