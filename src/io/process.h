/* io/process.h - what the system says of this process. Threads: any. */
#ifndef PENSTOCK_IO_PROCESS_H
#define PENSTOCK_IO_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

struct process_use {
    int64_t cpu_ms; /* user and system time */
    int64_t resident_bytes, virtual_bytes;
    int64_t descriptors, descriptors_max;
    int64_t threads;
    int64_t started_unix_ms;
};

/* What cannot be read is -1. Reads /proc: some microseconds, more with many descriptors open. */
struct process_use process_use(void);

/* Descriptors that may be open, once the soft limit is at the hard one. */
int64_t process_descriptors_max(void);
bool process_is_root(void);
/* Bytes of memory of the machine; -1: it cannot be told. */
int64_t machine_memory(void);

#endif
