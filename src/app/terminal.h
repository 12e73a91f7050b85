/* app/terminal.h - what a terminal can do: colours, and only there.
 *
 * A stream is painted when it is a terminal that understands it (TERM is not `dumb`) and the user
 * has not set NO_COLOR. Threads: main thread. */
#ifndef PENSTOCK_APP_TERMINAL_H
#define PENSTOCK_APP_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/arena.h"

enum paint { PAINT_BOLD, PAINT_DIM, PAINT_RED, PAINT_GREEN, PAINT_YELLOW, PAINTS };

/* Text of others as it may be shown: with `?` for each byte of what a terminal would obey (control
 * characters) or what turns the direction of text. Copied where it holds any. */
struct str terminal_plain(struct arena *a, struct str text);
/* To how many bytes printf() has to fill text up, so that it takes `columns` of a terminal. */
int terminal_fill(struct str text, int columns);
/* Arguments for "%-*.*s". */
#define TERMINAL_CELL(text, columns) terminal_fill(text, columns), STR_ARG(text)

bool terminal_is(FILE *to);

/* What is being done, on one line of stderr in place of the one before: for work that takes its
 * time. Nothing is written unless stderr is a terminal. */
void terminal_progress(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Takes that line away; to be called before anything else is written. */
void terminal_progress_end(void);

/* Left alone when it cannot be told. */
void terminal_size(FILE *to, size_t *rows, size_t *columns);
bool terminal_paints(FILE *to);
/* What turns the paint on and all paints off; empty when `paints` is false. */
const char *paint_on(bool paints, enum paint paint);
const char *paint_off(bool paints);

#endif
