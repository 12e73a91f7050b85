/* app/outcome.h - what a change of the admin API comes to. Threads: any. */
#ifndef PENSTOCK_APP_OUTCOME_H
#define PENSTOCK_APP_OUTCOME_H

#include "admin/admin.h"
#include "base/json.h"

void outcome_error(struct admin_outcome *out, enum status st, const char *text);
/* `path` names the member that is wrong. */
void outcome_wrong(struct admin_outcome *out, const char *path, const char *text);

void outcome_absent(struct admin_outcome *out, const char *what);

/* The body, an object that has no other members than those named (a list that ends with NULL), none
 * of them twice. False: the outcome says what is wrong. */
bool outcome_body(struct str body, const char *const *members, struct arena *a, struct json *doc,
                  struct admin_outcome *out);

#endif
