/* provider/antigravity.c - Google's Cloud Code with the allowances of Antigravity: the cloudcode
 * wire behind a Google sign-in, on an account's own project. Source: docs/providers/antigravity.md.
 */
#include "provider/provider_int.h"

const struct provider provider_antigravity = {
    .name = TEXT("antigravity"),
    .base_url = TEXT("https://cloudcode-pa.googleapis.com"),
    .wires = WIRE_BIT(WIRE_CLOUDCODE),
    .dialect = &dialect_cloudcode,
    .signs_in = true,
    .quota_group = quota_group_antigravity,
};
