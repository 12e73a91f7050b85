#include "app/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "base/str.h"
#include "io/signals.h"

bool terminal_is(FILE *to)
{
    return isatty(fileno(to)) == 1;
}

void terminal_size(FILE *to, size_t *rows, size_t *columns)
{
    struct winsize size;

    if (ioctl(fileno(to), TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0)
        return;
    *rows = size.ws_row;
    *columns = size.ws_col;
}

bool terminal_paints(FILE *to)
{
    struct str term = environment_get("TERM");

    return environment_get("NO_COLOR").len == 0 && term.len > 0 && !str_eq(term, STR("dumb")) &&
           terminal_is(to);
}

const char *paint_on(bool paints, enum paint paint)
{
    static const char *const codes[PAINTS] = {
        [PAINT_BOLD] = "\x1b[1m",   [PAINT_DIM] = "\x1b[2m",     [PAINT_RED] = "\x1b[31m",
        [PAINT_GREEN] = "\x1b[32m", [PAINT_YELLOW] = "\x1b[33m",
    };

    return paints ? codes[paint] : "";
}

const char *paint_off(bool paints)
{
    return paints ? "\x1b[0m" : "";
}
