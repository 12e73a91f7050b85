/* route/preset.h - mappings that many want, for the dashboard to offer. Threads: pure. */
#ifndef PENSTOCK_ROUTE_PRESET_H
#define PENSTOCK_ROUTE_PRESET_H

#include "route/table.h"

struct route_preset {
    const char *id, *title, *text;
    const struct mapping_spec *mapping;
    size_t mapping_count;
};

/* NULL behind the last one. */
const struct route_preset *route_preset_at(size_t i);

#endif
