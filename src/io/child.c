#include "io/child.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "io/signals.h"

/* Names of variables that may hold a secret: our own, and what others call theirs. */
static bool is_private(const char *variable)
{
    static const char *const words[] = { "KEY", "TOKEN", "SECRET", "PASS", "CREDENTIAL" };
    const char *end = strchr(variable, '=');
    struct str name = { variable, end == NULL ? strlen(variable) : (size_t)(end - variable) };

    if (str_istarts(name, STR("PENSTOCK_")))
        return true;
    for (size_t i = 0; i < COUNT(words); i++)
        if (str_ifind(name, str_c(words[i])) != SIZE_MAX)
            return true;
    return false;
}

/* What a child is to know: others of this user may read its environment, unlike ours. */
static char **public_environment(void)
{
    size_t count = 0, n = 0;

    while (environ[count] != NULL)
        count++;
    char **kept = must_calloc(count + 1, sizeof(*kept));

    for (size_t i = 0; i < count; i++)
        if (!is_private(environ[i]))
            kept[n++] = environ[i];
    return kept;
}

/* Between fork and exec only what is safe in a copy of a program with threads. */
_Noreturn static void become(const char *const argv[], char *const envp[], int why)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int code;

    (void)setsid();
    if (fork() != 0)
        _exit(0); /* its parent is gone: the system waits for it */
    for (int fd = 0; fd < 3; fd++)
        (void)dup2(null, fd);
    (void)execvpe(argv[0], (char *const *)(uintptr_t)argv, envp);
    code = errno;
    (void)!write(why, &code, sizeof(code));
    _exit(127);
}

enum status child_start(const char *const argv[], struct error *e)
{
    int why[2], code = 0;
    pid_t pid;

    /* closed by a successful exec: then there is nothing to read */
    if (pipe2(why, O_CLOEXEC) != 0)
        return fail(e, E_IO, "%s cannot be started: %s", argv[0], strerror(errno));
    char **envp = public_environment();

    pid = fork();
    if (pid == 0)
        become(argv, envp, why[1]);
    free(envp);
    (void)close(why[1]);
    if (pid < 0) {
        code = errno;
    } else {
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
        if (read(why[0], &code, sizeof(code)) != (ssize_t)sizeof(code))
            code = 0;
    }
    (void)close(why[0]);
    if (code != 0)
        return fail(e, code == ENOENT ? E_ABSENT : E_IO, "%s cannot be started: %s", argv[0],
                    strerror(code));
    return OK;
}

bool child_is_there(const char *name)
{
    struct str rest = environment_get("PATH"), folder;
    char path[4096];

    while (rest.len > 0) {
        (void)str_cut(rest, ':', &folder, &rest);
        int len = snprintf(path, sizeof(path), "%.*s/%s", (int)folder.len, folder.at, name);

        if (folder.len > 0 && len > 0 && (size_t)len < sizeof(path) && access(path, X_OK) == 0)
            return true;
    }
    return false;
}
