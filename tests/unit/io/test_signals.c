/* tests/unit/io/test_signals.c - signals on the loop, and what a process is given at its start. */
#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/signals.h"

struct heard {
    struct loop *loop;
    char text[8];
    size_t len;
};

static void hear(struct heard *h, char what)
{
    h->text[h->len++] = what;
    loop_stop(h->loop);
}

static void on_stop(void *peer)
{
    hear(peer, 's');
}

static void on_reload(void *peer)
{
    hear(peer, 'r');
}

TEST(each_signal_calls_its_hook_on_the_loop)
{
    static const int numbers[] = { SIGTERM, SIGHUP, SIGINT };
    struct heard h = { .loop = loop_new() };
    struct signals *s = signals_new(h.loop, on_stop, on_reload, &h);

    for (size_t i = 0; i < COUNT(numbers); i++) {
        raise(numbers[i]);
        CHECK_INT(h.len, i, "not from within the handler");
        loop_run(h.loop);
    }
    CHECK_STR(str_c(h.text), "srs");
    raise(SIGPIPE); /* kills nobody */
    signals_free(s);
    loop_free(h.loop);
}

/* Runs in a child. Gives a letter for the first promise that does not hold, or 0. */
static int prepared_badly(bool debuggable)
{
    struct rlimit core;
    mode_t mask;

    for (int fd = 0; fd <= 2; fd++)
        close(fd);
    process_prepare(debuggable);
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            return 'd';
    if (open("/dev/null", O_RDONLY) != 3)
        return 'o';
    mask = umask(0);
    if (mask != 077)
        return 'u';
    if (getenv("UV_THREADPOOL_SIZE") == NULL)
        return 't';
    getrlimit(RLIMIT_CORE, &core);
    if (!debuggable && (core.rlim_cur != 0 || prctl(PR_GET_DUMPABLE) != 0))
        return 'c';
    if (debuggable && prctl(PR_GET_DUMPABLE) == 0)
        return 'D';
    return 0;
}

TEST(a_process_is_prepared_as_promised)
{
    for (int debuggable = 0; debuggable < 2; debuggable++) {
        int status = -1;
        pid_t child = fork();

        if (child == 0) {
            closefrom(3);
            process_end(prepared_badly(debuggable != 0));
        }
        waitpid(child, &status, 0);
        CHECK(WIFEXITED(status));
        CHECK_INT(WEXITSTATUS(status), 0, "the letter is '%c'", WEXITSTATUS(status));
    }
}

TEST(the_environment_and_the_machine_are_known)
{
    setenv("PENSTOCK_TEST_VARIABLE", "value", 1);
    CHECK_STR(environment_get("PENSTOCK_TEST_VARIABLE"), "value");
    CHECK_STR(environment_get("PENSTOCK_TEST_NO_VARIABLE"), "");
    CHECK(machine_cores() >= 1);
}
