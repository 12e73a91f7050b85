/* provider/base_path.c - people paste base URLs with the version segment missing, doubled, or where
 * the wire adds its own. */
#include "provider/provider_int.h"

/* `v1`, `v1beta`, `v2`: a segment that names a version. */
static bool is_version(struct str segment)
{
    return segment.len >= 2 && segment.at[0] == 'v' && segment.at[1] >= '0' && segment.at[1] <= '9';
}

static bool has_version(struct str path)
{
    struct str segment, rest = path;
    bool more = true;

    while (more) {
        more = str_cut(rest, '/', &segment, &rest);
        if (is_version(segment))
            return true;
    }
    return false;
}

/* Cuts one version segment off the end. */
static bool cut_version(const struct dialect *d, struct str *path, struct str *version)
{
    for (size_t i = 0; i < COUNT(d->versions); i++) {
        struct str v = d->versions[i];

        if (v.len > 0 && str_ends(*path, v)) {
            *path = str_drop_last(*path, v.len);
            *version = v;
            return true;
        }
    }
    return false;
}

struct str base_path_mend(const struct dialect *d, struct str path, bool strict, struct arena *a)
{
    struct str version = STR(""), last = STR("");

    while (str_ends(path, STR("/")))
        path = str_drop_last(path, 1);
    struct str bare = path;

    while (cut_version(d, &bare, &last))
        version = last; /* the first of them, when there are several */
    if (!d->version_in_base)
        return bare;
    if (version.len > 0)
        return (struct str){ path.at, bare.len + version.len };
    if (path.len == 0 || (strict && !has_version(path)))
        return arena_printf(a, "%.*s%.*s", (int)path.len, path.at, (int)d->versions[0].len,
                            d->versions[0].at);
    return path;
}
