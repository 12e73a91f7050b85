/* admin/serving.c - POST /api/serving: the gateway takes no requests of clients for a while, or
 * takes them again. It is forgotten when the gateway ends. */
#include "admin/admin_int.h"

void serving_set(struct admin_call *c)
{
    struct json doc;
    uint32_t node = JSON_NONE;
    bool given = json_parse(&doc, secret_reveal(&c->body), NULL, &c->arena, NULL) &&
                 json_type(&doc, 0) == JSON_OBJECT;

    if (given)
        node = json_member(&doc, 0, STR("serving"), NULL);
    if (node == JSON_NONE ||
        (json_type(&doc, node) != JSON_TRUE && json_type(&doc, node) != JSON_FALSE)) {
        admin_call_fail(c, 400, STR("a JSON object with `serving`, true or false, is wanted"),
                        given ? STR("serving") : STR(""));
        return;
    }
    bool serving = json_is_true(&doc, node);

    c->admin->o.set_serving(c->admin->o.status_peer, serving);
    c->outcome.status = 200;
    (void)buf_printf(&c->outcome.body, "{\"serving\":%s}", serving ? "true" : "false");
    admin_call_answer(c);
}
