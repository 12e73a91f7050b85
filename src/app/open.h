/* app/open.h - the dashboard in the browser of whoever sits at this machine.
 * Threads: any. */
#ifndef PENSTOCK_APP_OPEN_H
#define PENSTOCK_APP_OPEN_H

#include "base/error.h"
#include "base/str.h"

/* Is there a display on which one could appear? */
bool browser_is_there(void);
/* Opens a URL that logs in. Other users of the machine can read the arguments of programs: so the
 * browser is given a file of the data directory, mode 0600, that leads there. */
MUST_USE enum status browser_open(const char *folder, struct str url, struct error *e);

#endif
