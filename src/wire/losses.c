#include "wire/losses.h"

#define LOSSES_FEW 8

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
    if (l->count == 0 || l->count == LOSSES_FEW) { /* mostly there are few */
        struct loss *more = arena_array(a, struct loss, l->count == 0 ? LOSSES_FEW : LOSSES_MAX);

        if (l->count > 0)
            memcpy(more, l->items, l->count * sizeof(more[0]));
        l->items = more;
    }
    if (l->count < LOSSES_MAX)
        l->items[l->count] = (struct loss){ path, approximated };
    l->count++;
}

/* A path may hold names that the client chose: what would not do in the list goes percent-encoded.
 */
static bool put_path(struct buf *out, struct str path)
{
    static const char hex[] = "0123456789ABCDEF";

    for (size_t i = 0; i < path.len; i++) {
        unsigned char c = (unsigned char)path.at[i];
        bool plain = c > 0x20 && c < 0x7f && c != '%' && c != ',';

        if (!(plain ? buf_add_char(out, path.at[i])
                    : buf_add(out, (struct str){ (char[]){ '%', hex[c >> 4], hex[c & 15] }, 3 })))
            return false;
    }
    return true;
}

/* One list behind another, as far as `max` allows; what did not fit is counted into `left`. */
static void put_list(const struct losses *l, struct buf *out, size_t max, uint32_t *left)
{
    uint32_t kept = l->count < LOSSES_MAX ? l->count : LOSSES_MAX;

    for (uint32_t i = 0; i < kept; i++) {
        const struct loss *one = &l->items[i];

        /* room for `,`, `~` and a last `,+4294967295` */
        if (out->len + one->path.len * 3 + 14 > max || *left > 0) {
            (*left)++;
            continue;
        }
        (void)((out->len == 0 || buf_add_char(out, ',')) && put_path(out, one->path) &&
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
