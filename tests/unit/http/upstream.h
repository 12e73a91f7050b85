/* tests/unit/http/upstream.h - a fake upstream on loopback that follows a script, in the loop of
 * the test.
 *
 *     static const struct step script[] = { ASK, SAY("HTTP/1.1 200 OK\r\n…"), HANG_UP };
 *     upstream_open(&u, loop); upstream_script(&u, script, COUNT(script));
 *
 * The n-th connection follows the n-th script; those beyond the last follow the last. After its
 * script a connection stays open and says nothing more. Memory: upstream_close() frees. */
#ifndef PENSTOCK_TEST_UPSTREAM_H
#define PENSTOCK_TEST_UPSTREAM_H

#include "base/buf.h"
#include "io/socket.h"

enum step_kind {
    STEP_ASK,   /* waits for one whole request: its head, and as many bytes as it announces */
    STEP_BYTES, /* waits for `number` bytes */
    STEP_SAY,   /* sends `bytes` */
    STEP_DRIP,  /* sends `bytes`, one every `number` ms */
    STEP_WAIT,  /* `number` ms */
    STEP_TLS,   /* speaks TLS from here on, with a certificate of its own making */
    STEP_HANG_UP,
    STEP_CUT, /* hangs up without the goodbye of TLS */
    STEP_RESET,
    STEP_SHUT, /* closes the upstream's listener: nobody connects any more */
};

struct step {
    enum step_kind kind;
    struct str bytes;
    size_t number;
};

/* Initializers, for static tables too, where STR() may not stand. */
/* clang-format off */
#define BYTES(literal) { "" literal, sizeof(literal) - 1 }
#define ASK { STEP_ASK, BYTES(""), 0 }
#define TAKE(count) { STEP_BYTES, BYTES(""), (count) }
#define SAY(literal) { STEP_SAY, BYTES(literal), 0 }
#define DRIP(literal, ms) { STEP_DRIP, BYTES(literal), (ms) }
#define WAIT(ms) { STEP_WAIT, BYTES(""), (ms) }
#define TLS { STEP_TLS, BYTES(""), 0 }
#define CUT { STEP_CUT, BYTES(""), 0 }
#define HANG_UP { STEP_HANG_UP, BYTES(""), 0 }
#define RESET { STEP_RESET, BYTES(""), 0 }
#define SHUT { STEP_SHUT, BYTES(""), 0 }
/* clang-format on */

#define SCRIPTS_MAX 4

struct upstream {
    struct loop *loop;
    struct listener *listener;
    uint16_t port;
    struct {
        const struct step *steps;
        size_t count;
    } scripts[SCRIPTS_MAX];
    size_t script_count;
    size_t read_bytes; /* at most so many at a time; 0: as many as there are */
    size_t connections;
    size_t requests;
    uint64_t body_bytes, body_sum; /* of all requests */
    struct buf heads;              /* all request heads as they came */
    struct upstream_conn *open;
    struct ssl_ctx_st *tls; /* made at the first STEP_TLS */
};

void upstream_open(struct upstream *u, struct loop *l);
void upstream_close(struct upstream *u);
void upstream_script(struct upstream *u, const struct step *steps, size_t count);

/* Outside the script: says something, or hangs up, on the newest connection before this returns. */
void upstream_say(struct upstream *u, struct str bytes);
void upstream_hang_up(struct upstream *u);

/* A port at which a connection neither succeeds nor fails: the kernel's queue behind it is full.
 * Port 0 takes a free one. Gives the port; 0 when the address is not to be had here. */
struct deaf {
    int listener, filler[4];
};
uint16_t deaf_open(struct deaf *d, const char *ip, uint16_t port);
void deaf_close(struct deaf *d);

/* The sum that body_sum is: order matters. */
uint64_t body_sum_add(uint64_t sum, struct str bytes);

#endif
