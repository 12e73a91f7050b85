/* exchange/socket.h - OpenAI Responses over a WebSocket: each message of it is an exchange.
 *
 * Threads: own loop.   Memory: the request's arena. */
#ifndef PENSTOCK_EXCHANGE_SOCKET_H
#define PENSTOCK_EXCHANGE_SOCKET_H

#include "exchange/exchange_int.h"

/* GET of /v1/responses that asks for one. */
void socket_begin(struct exchange_env *env, struct request *r, const struct door_target *t);
/* Makes of a message the request that it means. */
bool socket_message(struct exchange *x, struct wire_complaint *why);
/* Answers one that only tells what the client will go on from (x->only_told). */
void socket_told(struct exchange *x);

#endif
