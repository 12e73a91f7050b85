/* tests/unit/http/server_rig.h - a server on a loopback port in a thread of its own, and a blocking
 * client that says bytes and hears bytes.
 *
 * What the server answers is chosen by the path:
 *
 *     /hello     "hello", at once              /echo      its body, back
 *     /small     its body, of 10 bytes at most /refuse    401, the body is not read
 *     /hold      nothing, until rig_answer()   /late      the body is read when rig_read() says so
 *     /stream    one chunk, then as /hold      /fixed     2 of 5 bytes, then as /hold
 *     /flood     an answer without end         /abort     a chunk, and then a cut
 *     /none      204                           /parts     100 parts in one write
 *     /fields    names and values that must not get into a head
 *     /large     RIG_LARGE bytes at once       /flush     the head alone, then as /hold
 *     /drop      how much its body had
 *
 * Threads: hooks run on the server's thread; counters are atomic; the rest through rig_call(). */
#ifndef PENSTOCK_SERVER_RIG_H
#define PENSTOCK_SERVER_RIG_H

#include "http/server.h"
#include "io/mailbox.h"

#include "test.h"

#define RIG_HELD 128
#define RIG_LARGE ((size_t)8 << 20)

struct rig {
    struct test *t;
    struct server_options options; /* change before rig_open() */
    struct budget budget;
    struct server_metrics metrics;
    _Atomic uint32_t connections;
    struct address address; /* where it listens; change before rig_open() */

    struct loop *loop;
    struct mailbox *mailbox;
    struct server *server;
    struct listener *listener;
    struct thread *thread;

    _Atomic uint32_t requests, bodies, rooms, half_closes, gone[5], drained;
    _Atomic uint64_t queued_max, body_bytes; /* of the last body */
    struct request *held[RIG_HELD];          /* in order of arrival; the server's thread only */
    uint32_t held_count;
    struct request *reading; /* by rig_read() */
};

/* Default limits, a budget of 256 MiB, an error body that names the status. */
void rig_init(struct rig *rig, struct test *t);
void rig_open(struct rig *rig);
/* Drains without patience, checks that nothing is left: no connection, no charge. */
void rig_close(struct rig *rig);

/* Runs `fn` on the server's thread and waits. */
void rig_call(struct rig *rig, void (*fn)(struct rig *rig));
/* Answers the request held longest: "done", or the end of what was begun. */
void rig_answer(struct rig *rig);
/* Reads its body (/late). */
void rig_read(struct rig *rig);
/* Answers that one before its body has come. */
void rig_answer_early(struct rig *rig);
/* Waits until the counter has reached `want`; false after ten seconds. */
bool rig_wait(const _Atomic uint32_t *counter, uint32_t want);
bool rig_wait_counter(const struct counter *counter, uint64_t want);
/* Lets the server's thread go once round its loop. */
void rig_turn(struct rig *rig);

int client_dial(struct rig *rig);
/* False when the other side has gone. */
bool client_say(int fd, struct str bytes);
#define client_say_c(fd, text) client_say((fd), str_c(text))
/* All bytes until the end, which is an orderly one or a reset. Ten seconds of silence fail the
 * test. */
struct str client_hear_all(struct rig *rig, int fd, bool *reset);
/* Bytes until `text` was among them. */
struct str client_hear(struct rig *rig, int fd, const char *text);
/* FIN. */
void client_finish(int fd);
/* RST. */
void client_reset(int fd);
void client_close(int fd);
/* One connection: says, finishes nothing, hears all. For answers that end the connection. */
struct str client_ask(struct rig *rig, struct str bytes);
/* Opens a connection that takes in little: a slow reader. */
int client_dial_narrow(struct rig *rig);

/* Status of the first answer in the text, 0 when there is none; and how many answers there are. */
int answer_status(struct str text);
size_t answer_count(struct str text);
/* Text behind the first empty line. */
struct str answer_body(struct str text);

#define GET(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\n\r\n"
#define GET_CLOSE(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
#define POST(path, fields) "POST " path " HTTP/1.1\r\nHost: localhost\r\n" fields "\r\n"

#endif
