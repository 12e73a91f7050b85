#include "error.h"

#include <stdarg.h>
#include <stdio.h>

enum status error_set(struct error *e, enum status st, const char *where, const char *format, ...)
{
    assert(st != OK);
    if (e == NULL)
        return st;
    e->status = st;
    e->where = where;

    va_list args;
    va_start(args, format);
    vsnprintf(e->text, sizeof(e->text), format, args);
    va_end(args);
    for (char *c = e->text; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = ' ';
    return st;
}
