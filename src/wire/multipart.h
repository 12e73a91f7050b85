/* wire/multipart.h - forms with files (RFC 7578), as far as they are read: where a field's value
 * lies. Threads: pure. */
#ifndef PENSTOCK_WIRE_MULTIPART_H
#define PENSTOCK_WIRE_MULTIPART_H

#include "base/str.h"

#define MULTIPART_BOUNDARY_MAX 70 /* RFC 2046 */
#define MULTIPART_PARTS_MAX 256   /* that are looked at */

enum multipart_found {
    MULTIPART_FOUND,
    MULTIPART_ABSENT, /* the form is whole, and has no such field */
    MULTIPART_TWICE,
    MULTIPART_BAD, /* no form, or one that is cut or too long */
};

/* The value of `multipart/form-data; boundary=…`; false: it is none, or has no boundary that can
 * be.
 */
bool multipart_boundary(struct str content_type, struct str *boundary);
/* `value` borrows from the body. */
enum multipart_found multipart_field(struct str body, struct str boundary, struct str name,
                                     struct str *value);

/* A part of a form; all borrows from the body. */
struct multipart_part {
    struct str name, filename, type; /* the last two are empty when not said */
    struct str content;
};
/* Calls `fn` with each part, in order, until it gives false. False: it did, or the form is bad (see
 * `bad`). */
bool multipart_each(struct str body, struct str boundary,
                    bool (*fn)(void *peer, const struct multipart_part *p), void *peer, bool *bad);

#endif
