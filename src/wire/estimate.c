#include "wire/estimate.h"

/* A token is about four bytes of text in most languages. */
int64_t estimate_text(struct str plain)
{
    return ((int64_t)plain.len + 3) / 4;
}

int64_t estimate_request(const struct canon_request *r, struct arena *a)
{
    (void)a;
    return estimate_text(r->body);
}
