/* io/child.h - another program, started without a shell and left to itself.
 * Threads: any. */
#ifndef PENSTOCK_IO_CHILD_H
#define PENSTOCK_IO_CHILD_H

#include "base/error.h"

/* Starts `argv[0]` (looked for in PATH) in a session of its own, with its standard streams on
 * /dev/null. It is nobody's child when this returns. E_ABSENT: there is no such program. Arguments
 * can be read by other users of the machine: no secrets; of our environment it gets what is not
 * likely to be one. */
MUST_USE enum status child_start(const char *const argv[], struct error *e);

/* Is there a program of this name in PATH? */
bool child_is_there(const char *name);

#endif
