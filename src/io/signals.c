/* io/signals.c - what the process as a whole is told and given. */
#include "io/signals.h"

#include <fcntl.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "io/loop_int.h"

enum { ON_INT, ON_TERM, ON_HUP, WATCHED };

static const int watched_numbers[WATCHED] = {
    [ON_INT] = SIGINT, [ON_TERM] = SIGTERM, [ON_HUP] = SIGHUP
};

struct signals {
    uv_signal_t watches[WATCHED];
    void (*on_stop)(void *peer);
    void (*on_reload)(void *peer);
    void *peer;
    unsigned open; /* watches that libuv still holds */
};

static void signals_came(uv_signal_t *watch, int number)
{
    struct signals *s = watch->data;

    if (number == SIGHUP)
        s->on_reload(s->peer);
    else
        s->on_stop(s->peer);
}

#define MALLOC_MMAP_BYTES (1 << 20)
#define MALLOC_TRIM_BYTES (4 << 20)

static void signals_ignore(void)
{
    struct sigaction ignore = { .sa_handler = SIG_IGN };

    sigaction(SIGPIPE, &ignore, NULL);
    sigaction(SIGXFSZ, &ignore, NULL); /* a file at its limit is a full disk, not the end */
}

struct signals *signals_new(struct loop *l, void (*on_stop)(void *peer),
                            void (*on_reload)(void *peer), void *peer)
{
    struct signals *s = must_calloc(1, sizeof(*s));

    assert(on_stop != NULL && on_reload != NULL);
    s->on_stop = on_stop;
    s->on_reload = on_reload;
    s->peer = peer;
    s->open = WATCHED;
    for (size_t i = 0; i < WATCHED; i++) {
        uv_signal_init(loop_uv(l), &s->watches[i]);
        s->watches[i].data = s;
        uv_signal_start(&s->watches[i], signals_came, watched_numbers[i]);
    }
    signals_ignore();
    return s;
}

static void signals_uv_closed(uv_handle_t *handle)
{
    struct signals *s = handle->data;

    if (--s->open == 0)
        free(s);
}

void signals_free(struct signals *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < WATCHED; i++)
        uv_close((uv_handle_t *)&s->watches[i], signals_uv_closed);
}

/* A socket that became descriptor 2 would receive what a library prints. */
static void standard_descriptors_open(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

void process_prepare(bool debuggable)
{
    standard_descriptors_open();
    umask(077);
    signals_ignore();
    /* names are looked up in libuv's pool, where one that hangs keeps its thread; libuv reads this
     * when the first is started */
    setenv("UV_THREADPOOL_SIZE", "8", 0);
    /* Large bodies go back to the system when they are freed, small ones are used again: fixed,
     * because glibc would raise the border to the largest body it has seen. */
    mallopt(M_MMAP_THRESHOLD, MALLOC_MMAP_BYTES);
    mallopt(M_TRIM_THRESHOLD, MALLOC_TRIM_BYTES);
    if (debuggable)
        return;
    /* a core would hold every credential; so would the memory that another process may attach to */
    setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

_Noreturn void process_end(int code)
{
    fflush(NULL);
    _exit(code);
}

struct str environment_get(const char *name)
{
    return str_c(getenv(name));
}

unsigned machine_cores(void)
{
    cpu_set_t cores;

    if (sched_getaffinity(0, sizeof(cores), &cores) == 0 && CPU_COUNT(&cores) > 0)
        return (unsigned)CPU_COUNT(&cores);

    long online = sysconf(_SC_NPROCESSORS_ONLN); /* more cores than the set can hold */

    return online > 0 ? (unsigned)online : 1;
}
