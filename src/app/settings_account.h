/* app/settings_account.h - one account written as in the settings file, on its own: what the admin
 * API takes. Threads: any.   Memory: the spec is the caller's. */
#ifndef PENSTOCK_APP_SETTINGS_ACCOUNT_H
#define PENSTOCK_APP_SETTINGS_ACCOUNT_H

#include "app/settings.h"

/* Read as strictly as in the file; a member that no account has is refused, too. The spec has no id
 * yet and from_file is false. */
bool settings_account_read(struct str text, const struct settings_sources *sources,
                           struct account_spec **out, struct settings_fault *fault);
/* The id of the file's account of this label: negative, and the same at every start. */
int64_t settings_account_id(struct str label);

#endif
