/* app/desk_ledger.c - who minted which signature, over a restart: fingerprints in a file of their
 * own, written anew at most twice a minute, and at the end. A file that is gone or damaged costs a
 * second try here and there. */
#include "app/desk_int.h"
#include "base/log.h"
#include "io/file.h"

#define SAVE_MS 30000

static const char *path_of(const struct desk *d, struct arena *a)
{
    return arena_printf(a, "%s/signatures.ledger", d->o.folder).at;
}

void desk_ledger_load(struct desk *d)
{
    struct arena a = { 0 };
    struct buf bytes = { .max = LEDGER_FILE_MAX };
    struct error e = { 0 };

    if (d->o.ledger == NULL)
        return;
    enum status st = file_read(path_of(d, &a), &bytes, &e);

    if (st == OK)
        ledger_load(d->o.ledger, buf_str(&bytes));
    else if (st != E_ABSENT)
        log_warn("who minted which signature is not known any more", F_C("why", e.text));
    buf_clear(&bytes);
    arena_free(&a);
}

void desk_ledger_save(struct desk *d, int64_t now_ms, bool last)
{
    struct arena a = { 0 };
    struct buf bytes = { .max = LEDGER_FILE_MAX };
    struct error e = { 0 };

    if (d->o.ledger == NULL || (!last && now_ms - d->ledger_saved_ms < SAVE_MS) ||
        !ledger_changed(d->o.ledger))
        return;
    d->ledger_saved_ms = now_ms;
    ledger_save(d->o.ledger, &bytes);
    if (file_write(path_of(d, &a), buf_str(&bytes), false, &e) != OK)
        log_warn("who minted which signature cannot be written", F_C("why", e.text));
    buf_clear(&bytes);
    arena_free(&a);
}
