/* admin/openapi.c - GET /api/openapi.json: the description of this API, docs/openapi.json. */
#include "admin/admin_int.h"

extern const unsigned char openapi_json[]; /* made by the build */
extern const size_t openapi_json_len;

void openapi_get(const struct admin_ask *a)
{
    admin_send(a->r, 200, (struct str){ (const char *)openapi_json, openapi_json_len });
}
