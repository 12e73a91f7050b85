#include "io/terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

bool terminal_is_input(void)
{
    return isatty(STDIN_FILENO) == 1;
}

bool terminal_is_error(void)
{
    return isatty(STDERR_FILENO) == 1;
}

static void say(const char *text)
{
    struct str s = str_c(text);

    (void)!write(STDERR_FILENO, s.at, s.len);
}

/* --- what is typed is not shown ----------------------------------------------------------------
 */

/* What would end the process meanwhile: it does so when the terminal is as it was. */
static const int enders[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
static volatile sig_atomic_t ended_by;

static void on_end(int number)
{
    ended_by = number;
}

struct hiding {
    struct termios shown;
    sigset_t let_in; /* while it is waited; at other times the signals are held back */
    struct sigaction before[COUNT(enders)];
};

static bool hide(struct hiding *h)
{
    struct sigaction end = { .sa_handler = on_end };
    struct termios hidden;
    sigset_t held;

    if (!terminal_is_input() || tcgetattr(STDIN_FILENO, &h->shown) != 0)
        return false;
    sigemptyset(&held);
    for (size_t i = 0; i < COUNT(enders); i++)
        sigaddset(&held, enders[i]);
    sigprocmask(SIG_BLOCK, &held, &h->let_in);
    ended_by = 0;
    for (size_t i = 0; i < COUNT(enders); i++)
        sigaction(enders[i], &end, &h->before[i]);
    hidden = h->shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    return true;
}

static void show(const struct hiding *h)
{
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &h->shown);
    say("\n");
    for (size_t i = 0; i < COUNT(enders); i++)
        sigaction(enders[i], &h->before[i], NULL);
    if (ended_by != 0)
        (void)raise(ended_by);
    sigprocmask(SIG_SETMASK, &h->let_in, NULL); /* ends here, if it does */
}

/* False: somebody wants the process to end. */
static bool await_input(const struct hiding *h)
{
    struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };

    while (ended_by == 0)
        if (ppoll(&in, 1, NULL, &h->let_in) != -1 || errno != EINTR)
            break;
    return ended_by == 0;
}

/* Byte by byte: what follows the line is the next reader's. */
static enum status read_line(const struct hiding *hiding, struct buf *line, struct error *e)
{
    for (;;) {
        char c;

        if (hiding != NULL && !await_input(hiding))
            return fail(e, E_REFUSED, "the question was broken off");
        ssize_t n = read(STDIN_FILENO, &c, 1);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0 && line->len == 0)
            return fail(e, E_ABSENT, "there is nothing on standard input");
        if (n <= 0 || c == '\n')
            return OK;
        if (c != '\r' && !buf_add_char(line, c))
            return fail(e, E_LIMIT, "the line is longer than %zu bytes", line->max);
    }
}

enum status terminal_read_secret(const char *prompt, size_t len_max, struct secret *out,
                                 struct error *e)
{
    struct buf line = { .max = len_max };
    struct hiding hiding;
    enum status st;

    (void)buf_reserve(&line, len_max); /* never moved, so that no copy stays behind */
    bool hides = hide(&hiding);

    if (hides)
        say(prompt); /* what is typed from now on is neither shown nor thrown away */
    st = read_line(hides ? &hiding : NULL, &line, e);
    if (st == OK)
        *out = secret_copy(buf_str(&line));
    wipe(line.at, line.cap);
    buf_clear(&line);
    if (hides)
        show(&hiding);
    return st;
}

enum status terminal_read_new_secret(const char *prompt, size_t len_max, struct secret *out,
                                     struct error *e)
{
    struct secret again = { 0 };
    enum status st = terminal_read_secret(prompt, len_max, out, e);

    if (st != OK || !terminal_is_input())
        return st;
    st = terminal_read_secret("Once more: ", len_max, &again, e);
    if (st == OK && !str_eq(secret_reveal(out), secret_reveal(&again)))
        st = fail(e, E_CONFLICT, "the two are not the same");
    secret_clear(&again);
    return st;
}
