#include "io/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "io/loop.h"

/* The start of a small file of /proc. */
static struct str proc_read(const char *path, char *at, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, at, size);

    if (fd >= 0)
        close(fd);
    return n > 0 ? (struct str){ at, (size_t)n } : STR("");
}

/* The n-th word, from 0. */
static int64_t number_at(struct str text, unsigned n)
{
    struct str rest = text, word = STR("");
    int64_t value;

    for (unsigned i = 0; i <= n; i++)
        (void)str_cut(rest, ' ', &word, &rest);
    return str_to_i64(str_trim(word), &value) ? value : -1;
}

static int64_t descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int64_t count = -1; /* the one that reads the folder */
    const struct dirent *one;

    if (folder == NULL)
        return -1;
    while ((one = readdir(folder)) != NULL)
        count += one->d_name[0] != '.';
    closedir(folder);
    return count;
}

/* When it started: ticks since the machine did, on the clock that counts from there. */
static int64_t started_unix_ms(int64_t ticks)
{
    struct timespec up;
    int64_t per_second = sysconf(_SC_CLK_TCK);

    if (ticks < 0 || per_second <= 0 || clock_gettime(CLOCK_BOOTTIME, &up) != 0)
        return -1;
    return clock_unix_ms() - ((int64_t)up.tv_sec * 1000 + up.tv_nsec / 1000000) +
           ticks * 1000 / per_second;
}

struct process_use process_use(void)
{
    struct process_use u = { -1, -1, -1, -1, -1, -1, -1 };
    struct rusage used;
    struct rlimit limit;
    char text[1024];
    struct str stat = proc_read("/proc/self/stat", text, sizeof(text));
    size_t name_end = str_find(stat, STR(") ")); /* the program's name may hold blanks */

    if (name_end != SIZE_MAX) {
        struct str rest = str_drop(stat, name_end + 2); /* from the third field on */
        int64_t pages = number_at(rest, 21);

        u.threads = number_at(rest, 17);
        u.started_unix_ms = started_unix_ms(number_at(rest, 19));
        u.virtual_bytes = number_at(rest, 20);
        u.resident_bytes = pages < 0 ? -1 : pages * sysconf(_SC_PAGESIZE);
    }
    if (getrusage(RUSAGE_SELF, &used) == 0)
        u.cpu_ms = ((int64_t)used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 +
                   (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000;
    u.descriptors = descriptors();
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        u.descriptors_max = (int64_t)limit.rlim_cur;
    return u;
}

int64_t process_descriptors_max(void)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max != RLIM_INFINITY
               ? (int64_t)limit.rlim_max
               : INT64_MAX;
}

bool process_is_root(void)
{
    return geteuid() == 0;
}

int64_t machine_memory(void)
{
    int64_t pages = sysconf(_SC_PHYS_PAGES), bytes = sysconf(_SC_PAGESIZE);

    return pages > 0 && bytes > 0 ? pages * bytes : -1;
}
