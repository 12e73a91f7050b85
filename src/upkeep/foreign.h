/* upkeep/foreign.h - what other programs of the user's keep of their sign-ins: formats only.
 *
 * A grant that was made with another program's OAuth client is used while its access token lives;
 * renewing it needs that client in the settings. Sources: docs/providers.
 * Threads: pure.   Memory: what is read lives in the arena, but for the secrets. */
#ifndef PENSTOCK_UPKEEP_FOREIGN_H
#define PENSTOCK_UPKEEP_FOREIGN_H

#include "pool/account.h"

enum foreign_program {
    FOREIGN_ANTIGRAVITY_MANAGER, /* accounts/<id>.json */
    FOREIGN_ANTI_API,            /* auth/<type>-<id>.json */
    FOREIGN_CODEX,               /* auth.json */
    FOREIGN_GEMINI_CLI,          /* oauth_creds.json */
};

struct foreign_account {
    struct str provider, label, project;
    struct account_grant grant; /* `series` is 0: whoever takes it sets that */
    bool disabled;
};

/* One file. NULL, or why there is nothing to take: static. */
const char *foreign_read(enum foreign_program program, struct str text, struct arena *a,
                         struct foreign_account *out);
/* Does the program renew the grant in its own file? Then that is read again when it changes. */
bool foreign_is_followed(enum foreign_program program);

#endif
