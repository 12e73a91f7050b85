/* admin/tunnels.c - /api/tunnels: no tunnel program is run by this version, and that is said. */
#include "admin/admin_int.h"

#define EXPLANATION                                                                           \
    "tunnel programs are not run by this version: start ngrok or cloudflared yourself for a " \
    "listener of its own that needs client keys"

void tunnels_get(const struct admin_ask *a)
{
    admin_send_error(a->r, 501, STR(EXPLANATION), STR(""));
}

void tunnels_refuse(struct admin_call *c)
{
    admin_call_fail(c, 501, STR(EXPLANATION), STR(""));
}
