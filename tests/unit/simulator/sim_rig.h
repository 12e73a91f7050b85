/* tests/unit/simulator/sim_rig.h - the simulator without sockets, and an ear for each wire.
 *
 * hear_stream() is a reader of its own: it holds each stream to the grammar of its provider and
 * says what was wrong; hear_whole() reads the answer that is no stream into the same struct, so
 * that a test can ask that both say the same. */
#ifndef PENSTOCK_SIM_RIG_H
#define PENSTOCK_SIM_RIG_H

#include "simulator/respond.h"

#include "test.h"

#define HEARD_TOOLS_MAX 32

struct heard {
    struct str fault; /* empty: the grammar held */
    struct str text, think, refusal;
    struct str id, model;
    struct str finish; /* the wire's own word */
    struct str stop_sequence;
    struct str signature;
    struct str error; /* `type` or `status` of an error event */
    struct {
        struct str id, name, args;
    } tools[HEARD_TOOLS_MAX];
    uint32_t tool_count;
    uint32_t images;
    uint32_t deltas; /* events with a piece of text in them */
    bool has_usage, ended;
    int64_t prompt, cached, written, output, thoughts;
};

struct rig {
    struct world world;
    struct test *t;
    int64_t now_ms;
};

void rig_open(struct rig *rig, struct test *t, const char *script);
void rig_close(struct rig *rig);

/* `target` may hold a query; `fields` are lines `name: value`, each ended by `\n`. The response
 * dies with respond_clear(). */
struct response rig_call(struct rig *rig, const char *method, const char *target,
                         const char *fields, struct str body);
struct response rig_post(struct rig *rig, const char *target, struct str body);

/* A request with one user text (`extra` is put behind it: more members, with a leading comma). */
struct str rig_ask(struct test *t, enum wire wire, bool stream, const char *text,
                   const char *extra);
/* Where such a request goes. */
const char *rig_target(enum wire wire, bool stream);

void hear_stream(struct test *t, enum wire wire, struct str bytes, struct heard *h);
void hear_whole(struct test *t, enum wire wire, struct str bytes, struct heard *h);
/* One call and its answer, heard; the response is cleared. Gives the status. */
int rig_hear(struct rig *rig, enum wire wire, bool stream, const char *text, const char *extra,
             struct heard *h);

/* The JSON member at `path` (`a.b.0.c`) of a document, decoded when it is a string; `-` if absent.
 */
struct str json_at(struct test *t, struct str text, const char *path);
struct str reply_header(const struct response *r, const char *name);

#endif
