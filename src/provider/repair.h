/* provider/repair.h - what an upstream refuses although it could be left out or said otherwise.
 *
 * A REPAIRABLE verdict names a parameter, a form of thinking or a signature. For a translated
 * request that is a lack of the target; for one that passes as it came it is a member of the body.
 * What changes the meaning of an answer (tools, formats) is never left out of a request that
 * passes. Threads: pure. */
#ifndef PENSTOCK_PROVIDER_REPAIR_H
#define PENSTOCK_PROVIDER_REPAIR_H

#include "provider/provider.h"
#include "wire/format.h"

struct repair {
    struct wire_lacks lacks;
    struct wire_change change; /* member empty: a request that passes cannot be mended so */
};

/* False: the words name nothing that can be mended. */
bool provider_repair(enum wire wire, const struct judge_words *words, struct repair *out);

#endif
