/* Preloaded into the gateway by test_torture.py: the n-th of some system calls fails, or ends the
 * process.
 *
 *     PENSTOCK_TEST_FAULT="write+fsync:7:5"    the 7th write or fsync fails with errno 5
 *     PENSTOCK_TEST_FAULT="write:7+:28"        and all that follow, until the file HEAL exists
 *     PENSTOCK_TEST_FAULT="write:7:kill"       the process is killed in its place
 *     PENSTOCK_TEST_FAULT_LOG=FILE             gets a line when it strikes, and at the end how many
 *                                              calls there were
 *
 * Writes count when they go to a regular file: eventfds and pipes are libuv's own affair. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NEXT(name) ((__typeof__(&name))(uintptr_t)dlsym(RTLD_NEXT, #name))

static struct {
    char names[200];
    long at;
    bool on, kills;
    int fault;
    atomic_long count;
} plan;

static void say(const char *text, long n)
{
    const char *path = getenv("PENSTOCK_TEST_FAULT_LOG");
    char line[120];
    int len = snprintf(line, sizeof(line), "%s %ld\n", text, n);
    long fd = path == NULL ? -1
                           : syscall(SYS_openat, AT_FDCWD, path,
                                     O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    if (fd < 0)
        return;
    (void)!syscall(SYS_write, fd, line, (size_t)len);
    syscall(SYS_close, fd);
}

__attribute__((constructor)) static void begin(void)
{
    const char *text = getenv("PENSTOCK_TEST_FAULT"), *at;

    if (text == NULL || (at = strchr(text, ':')) == NULL)
        return;
    snprintf(plan.names, sizeof(plan.names), "+%.*s+", (int)(at - text), text);
    char *end;
    plan.at = strtol(at + 1, &end, 10);
    plan.on = *end == '+';
    end += plan.on ? 2 : 1;
    plan.kills = strcmp(end, "kill") == 0;
    plan.fault = atoi(end);
}

__attribute__((destructor)) static void finish(void)
{
    if (plan.names[0] != '\0')
        say("calls", atomic_load(&plan.count));
}

static bool healed(void)
{
    const char *path = getenv("PENSTOCK_TEST_FAULT_HEAL");
    struct stat st;

    return path != NULL && syscall(SYS_newfstatat, AT_FDCWD, path, &st, 0) == 0;
}

/* Does this call fail? */
static bool strikes(const char *name)
{
    char wanted[40];

    if (plan.names[0] == '\0')
        return false;
    snprintf(wanted, sizeof(wanted), "+%s+", name);
    if (strstr(plan.names, wanted) == NULL)
        return false;
    long n = atomic_fetch_add(&plan.count, 1) + 1;

    if (plan.at == 0 || (plan.on ? n < plan.at || healed() : n != plan.at))
        return false;
    say(name, n);
    if (plan.kills)
        kill(getpid(), SIGKILL);
    errno = plan.fault;
    return true;
}

static bool is_file(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

ssize_t write(int fd, const void *at, size_t len)
{
    return is_file(fd) && strikes("write") ? -1 : NEXT(write)(fd, at, len);
}

ssize_t pwrite64(int fd, const void *at, size_t len, off64_t offset)
{
    return strikes("write") ? -1 : NEXT(pwrite64)(fd, at, len, offset);
}

int fsync(int fd)
{
    return strikes("fsync") ? -1 : NEXT(fsync)(fd);
}

int fdatasync(int fd)
{
    return strikes("fsync") ? -1 : NEXT(fdatasync)(fd);
}

int renameat(int from, const char *a, int to, const char *b)
{
    return strikes("rename") ? -1 : NEXT(renameat)(from, a, to, b);
}

int linkat(int from, const char *a, int to, const char *b, int flags)
{
    return strikes("rename") ? -1 : NEXT(linkat)(from, a, to, b, flags);
}

int ftruncate64(int fd, off64_t len)
{
    return strikes("write") ? -1 : NEXT(ftruncate64)(fd, len);
}

int accept4(int fd, struct sockaddr *address, socklen_t *len, int flags)
{
    return strikes("accept") ? -1 : NEXT(accept4)(fd, address, len, flags);
}

int connect(int fd, const struct sockaddr *address, socklen_t len)
{
    return strikes("connect") ? -1 : NEXT(connect)(fd, address, len);
}

int socket(int domain, int type, int protocol)
{
    return strikes("socket") ? -1 : NEXT(socket)(domain, type, protocol);
}

ssize_t send(int fd, const void *at, size_t len, int flags)
{
    return strikes("send") ? -1 : NEXT(send)(fd, at, len, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    return strikes("send") ? -1 : NEXT(sendmsg)(fd, message, flags);
}

ssize_t recv(int fd, void *at, size_t len, int flags)
{
    return strikes("recv") ? -1 : NEXT(recv)(fd, at, len, flags);
}
