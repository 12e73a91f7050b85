/* io/loop_int.h - the libuv loop under a loop, for the other files of io/. */
#ifndef PENSTOCK_IO_LOOP_INT_H
#define PENSTOCK_IO_LOOP_INT_H

#include <uv.h>

#include "io/loop.h"

uv_loop_t *loop_uv(struct loop *l);
/* A socket tells its owner of an event. */
void loop_tells(struct loop *l);

#endif
