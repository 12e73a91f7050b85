#include "wire/losses.h"

void losses_add(struct losses *l, struct arena *a, struct str path, bool approximated)
{
    uint32_t kept = l->count < LOSSES_MAX ? l->count : LOSSES_MAX;

    if (path.len == 0)
        return;
    for (uint32_t i = 0; i < kept; i++)
        if (str_eq(l->items[i].path, path)) {
            l->items[i].approximated = l->items[i].approximated && approximated;
            return;
        }
    if (l->items == NULL)
        l->items = arena_array(a, struct loss, LOSSES_MAX);
    if (l->count < LOSSES_MAX)
        l->items[l->count] = (struct loss){ path, approximated };
    l->count++;
}

/* One list behind another, as far as `max` allows; what did not fit is counted into `left`. */
static void put_list(const struct losses *l, struct buf *out, size_t max, uint32_t *left)
{
    uint32_t kept = l->count < LOSSES_MAX ? l->count : LOSSES_MAX;

    for (uint32_t i = 0; i < kept; i++) {
        const struct loss *one = &l->items[i];

        /* room for `,`, `~` and a last `,+4294967295` */
        if (out->len + one->path.len + 14 > max || *left > 0) {
            (*left)++;
            continue;
        }
        (void)((out->len == 0 || buf_add_char(out, ',')) && buf_add(out, one->path) &&
               (!one->approximated || buf_add_char(out, '~')));
    }
    *left += l->count - kept;
}

void losses_put(const struct losses *l, const struct losses *more, struct buf *out, size_t max)
{
    uint32_t left = 0;

    put_list(l, out, max, &left);
    if (more != NULL)
        put_list(more, out, max, &left);
    if (left > 0)
        (void)buf_printf(out, out->len > 0 ? ",+%u" : "+%u", left);
}
