/* app/settings_keys.h - what may be said of a client key, in the settings file and over the admin
 * API.
 *
 * Threads: any. */
#ifndef PENSTOCK_APP_SETTINGS_KEYS_H
#define PENSTOCK_APP_SETTINGS_KEYS_H

#include "app/settings.h"

/* Lays what an object says over `spec`; members that are absent stay as they are, null takes a
 * limit away. `fresh`: it must be named, else it may not be. */
bool settings_client_key_lay(struct str text, bool fresh, struct arena *a,
                             struct client_key_spec *spec, struct settings_fault *fault);

/* Its limits, as members of an object. */
void settings_put_key_limits(const struct client_key_spec *spec, struct json_writer *w);

#endif
