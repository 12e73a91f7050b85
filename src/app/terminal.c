#include "app/terminal.h"

#include <stdarg.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/str.h"
#include "base/utf8.h"
#include "io/signals.h"

/* C0, DEL, C1, line and paragraph separators, and what embeds, overrides or isolates a direction.
 */
static bool is_obeyed(uint32_t point)
{
    return point < 0x20 || (point >= 0x7f && point < 0xa0) ||
           (point >= 0x2028 && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069) ||
           point == 0x200e || point == 0x200f;
}

/* The character at the front of text that is not empty; a byte that is none is U+FFFD. */
static uint32_t character(struct str text, size_t *len)
{
    if (utf8_valid(str_take(text, 1)) == 1) {
        *len = 1;
        return (unsigned char)text.at[0];
    }
    for (size_t n = 2; n <= 4 && n <= text.len; n++)
        if (utf8_valid(str_take(text, n)) == n)
            return utf8_get(text, len);
    *len = 1;
    return 0xfffd;
}

struct str terminal_plain(struct arena *a, struct str text)
{
    char *copy = NULL;
    size_t len = 1;

    for (size_t at = 0; at < text.len; at += len) {
        uint32_t point = character((struct str){ text.at + at, text.len - at }, &len);

        if (!is_obeyed(point) && (point != 0xfffd || len > 1))
            continue;
        if (copy == NULL) {
            copy = arena_alloc(a, text.len);
            memcpy(copy, text.at, text.len);
        }
        memset(copy + at, '?', len);
    }
    return copy != NULL ? (struct str){ copy, text.len } : text;
}

/* Ideographs and their like take two columns, accents that join the letter before none. */
static int columns_of(uint32_t point)
{
    static const struct {
        uint32_t from, to;
        int columns;
    } ranges[] = {
        { 0x300, 0x36f, 0 },   { 0x200b, 0x200d, 0 },   { 0xfe00, 0xfe0f, 0 },
        { 0x1100, 0x115f, 2 }, { 0x2e80, 0xa4cf, 2 },   { 0xac00, 0xd7a3, 2 },
        { 0xf900, 0xfaff, 2 }, { 0xfe30, 0xfe6f, 2 },   { 0xff00, 0xff60, 2 },
        { 0xffe0, 0xffe6, 2 }, { 0x1f300, 0x1faff, 2 }, { 0x20000, 0x3fffd, 2 },
    };

    for (size_t i = 0; i < COUNT(ranges); i++)
        if (point >= ranges[i].from && point <= ranges[i].to)
            return ranges[i].columns;
    return 1;
}

int terminal_fill(struct str text, int columns)
{
    int fill = columns;
    size_t len = 1;

    for (size_t at = 0; at < text.len; at += len) {
        uint32_t point = character((struct str){ text.at + at, text.len - at }, &len);

        fill += (int)len - columns_of(point);
    }
    return fill > 0 ? fill : 0;
}

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

static bool obeys(FILE *to)
{
    struct str term = environment_get("TERM");

    return term.len > 0 && !str_eq(term, STR("dumb")) && terminal_is(to);
}

static bool in_progress;

void terminal_progress(const char *format, ...)
{
    va_list args;

    if (!obeys(stderr))
        return;
    va_start(args, format);
    fputc('\r', stderr);
    vfprintf(stderr, format, args);
    fputs("\x1b[K", stderr);
    fflush(stderr);
    va_end(args);
    in_progress = true;
}

void terminal_progress_end(void)
{
    if (in_progress)
        fputs("\r\x1b[K", stderr);
    in_progress = false;
}

bool terminal_paints(FILE *to)
{
    return environment_get("NO_COLOR").len == 0 && obeys(to);
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
