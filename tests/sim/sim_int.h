/* tests/sim/sim_int.h - what the files of the simulated world share. */
#ifndef PENSTOCK_SIM_INT_H
#define PENSTOCK_SIM_INT_H

#include "base/arena.h"
#include "base/buf.h"
#include "io_sim.h"

/* Pointers in the order in which they came; order is part of the run. */
struct list {
    void **at;
    size_t count, cap;
};

void list_add(struct list *l, void *item);
void list_remove(struct list *l, const void *item); /* when it is in there */
void list_free(struct list *l);

/* Bytes that come at one end and go at the other. */
struct queue {
    struct buf buf;
    size_t gone; /* bytes of it that were taken */
};

void queue_add(struct queue *q, struct str bytes);
struct str queue_bytes(const struct queue *q);
void queue_drop(struct queue *q, size_t n);
void queue_clear(struct queue *q);

struct calls {
    struct call {
        void (*fn)(void *peer);
        void *peer;
    } * at;
    size_t count, cap;
};

struct loop {
    struct calls later, doomed;
    uint64_t polls;
    char *scratch;
    bool stopped;
};

/* Something of a loop that can be ready: sockets, listeners, mailboxes, signals. Kept in one list,
 * so that one draw decides the order of all. */
struct source {
    struct loop *loop;
    bool (*is_ready)(const struct source *s);
    void (*run)(struct source *s);
    bool gone; /* freed at the end of the round */
};

void source_add(struct source *s, struct loop *l, bool (*is_ready)(const struct source *s),
                void (*run)(struct source *s));
/* No more of its turns; its memory is freed when none can be under way. */
void source_remove(struct source *s);

struct world {
    int64_t now_ms;
    uint64_t order, bytes, test; /* states of the three random streams */
    uint64_t digest;
    struct list loops;
    struct list sources;
    struct list gone; /* sources to be freed */

    struct filed {
        struct timer *timer;
        uint64_t number; /* of timers of one time the one started first fires first */
    } * timers;
    size_t timer_count, timer_cap;
    uint64_t timers_started;

    struct network *network;
    struct system *system;
};

extern struct world *world; /* the one there is */

uint64_t world_draw(void); /* from the stream of orders */
static inline bool world_chance(unsigned one_in)
{
    return world_draw() % one_in == 0;
}
/* Adds an event to the digest. */
void world_note(char what, uint64_t who, uint64_t how_much);

struct network *network_new(void);
void network_free(struct network *n);
/* Moves what can move, or lets it wait; false when nothing could. */
bool network_step(void);

struct system *system_new(void);
void system_free(struct system *s);

#endif
