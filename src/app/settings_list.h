/* app/settings_list.h - all settings with what a page needs to show and change them: value,
 * default, bounds, meaning, where the value comes from. From the one table of keys.
 * Threads: any, pure. */
#ifndef PENSTOCK_APP_SETTINGS_LIST_H
#define PENSTOCK_APP_SETTINGS_LIST_H

#include "app/settings.h"
#include "base/json_write.h"

struct settings_listing {
    const struct settings *settings;
    struct str text; /* of the file that they were read from */
    const struct settings_sources *sources;
};

/* A list of objects, in the order of the reference. Secrets are not in it. */
void settings_put_list(const struct settings_listing *l, struct json_writer *w);
/* Why this key, or what lies below it, cannot be changed over the admin API; NULL: it can. */
const char *settings_kept_out(struct str path);
/* The default of a key, as JSON. False: no such key. */
bool settings_put_default(struct str path, struct buf *out);

#endif
