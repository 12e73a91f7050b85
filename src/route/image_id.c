#include "route/image_id.h"

#define BASE STR("gemini-3-pro-image")

struct tail {
    struct str text, says;
};

static const struct tail sizes[] = {
    { { "", 0 }, { "", 0 } },
    { { "-2k", 3 }, { "2K", 2 } },
    { { "-4k", 3 }, { "4K", 2 } },
};
static const struct tail aspects[] = {
    { { "", 0 }, { "", 0 } },          { { "-1x1", 4 }, { "1:1", 3 } },
    { { "-4x3", 4 }, { "4:3", 3 } },   { { "-3x4", 4 }, { "3:4", 3 } },
    { { "-16x9", 5 }, { "16:9", 4 } }, { { "-9x16", 5 }, { "9:16", 4 } },
    { { "-21x9", 5 }, { "21:9", 4 } },
};
_Static_assert(COUNT(sizes) * COUNT(aspects) == IMAGE_IDS, "each size with each aspect");

bool image_id_read(struct str name, struct str *model, struct image_id *out)
{
    if (!str_starts(name, BASE))
        return false;
    struct str tail = str_drop(name, BASE.len);

    for (size_t s = 0; s < COUNT(sizes); s++)
        for (size_t a = 0; a < COUNT(aspects) && str_starts(tail, sizes[s].text); a++)
            if (str_eq(str_drop(tail, sizes[s].text.len), aspects[a].text)) {
                *model = BASE;
                *out = (struct image_id){ sizes[s].says, aspects[a].says };
                return true;
            }
    return false;
}

struct str image_id_name(size_t i, char out[IMAGE_ID_TEXT])
{
    assert(i < IMAGE_IDS);
    const struct str parts[] = { BASE, sizes[i / COUNT(aspects)].text,
                                 aspects[i % COUNT(aspects)].text };
    size_t len = 0;

    for (size_t p = 0; p < COUNT(parts); p++) {
        if (parts[p].len > 0)
            memcpy(out + len, parts[p].at, parts[p].len);
        len += parts[p].len;
    }
    return (struct str){ out, len };
}
