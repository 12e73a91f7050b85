/* provider/antigravity.c - Google Cloud Code with an account that is signed in to. Source:
 * docs/providers/antigravity.md. */
#include "provider/provider_int.h"

const struct provider provider_antigravity = {
    .name = TEXT("antigravity"),
    .base_url = TEXT("https://cloudcode-pa.googleapis.com"),
    .wires = WIRE_BIT(WIRE_CLOUDCODE),
    .signs_in = true,
    .quota_group = quota_group_antigravity,
};
