#include "io/terminal.h"

#include <errno.h>
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

/* Byte by byte: what follows the line is the next reader's. */
static enum status read_line(struct buf *line, struct error *e)
{
    for (;;) {
        char c;
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
    struct termios shown, hidden;
    bool hides = terminal_is_input() && tcgetattr(STDIN_FILENO, &shown) == 0;
    enum status st;

    (void)buf_reserve(&line, len_max); /* never moved, so that no copy stays behind */
    if (hides) {
        hidden = shown;
        hidden.c_lflag &= ~(tcflag_t)ECHO;
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
        say(prompt); /* what is typed from now on is neither shown nor thrown away */
    }
    st = read_line(&line, e);
    if (hides) {
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
        say("\n");
    }
    if (st == OK)
        *out = secret_copy(buf_str(&line));
    wipe(line.at, line.cap);
    buf_clear(&line);
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
