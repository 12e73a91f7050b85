#include "app/route_import.h"

#include "base/json.h"
#include "base/json_write.h"
#include "provider/provider.h"

struct importing {
    struct json doc;
    struct arena arena;
    struct json_writer w;
    void (*note)(void *peer, struct str text);
    void *peer;
};

static struct str said(struct importing *im, uint32_t object, const char *member)
{
    uint32_t node = json_member(&im->doc, object, str_c(member), NULL);
    struct str text;

    return node != JSON_NONE && json_text(&im->doc, node, &im->arena, &text) ? text : STR("");
}

static uint32_t list_of(const struct importing *im, uint32_t object, const char *member)
{
    uint32_t node = json_member(&im->doc, object, str_c(member), NULL);

    return node != JSON_NONE && json_type(&im->doc, node) == JSON_ARRAY ? node : JSON_NONE;
}

static bool is_true(const struct importing *im, uint32_t object, const char *member)
{
    uint32_t node = json_member(&im->doc, object, str_c(member), NULL);

    return node != JSON_NONE && json_is_true(&im->doc, node);
}

/* Its accounts have ids of its own; what people called them is the label. */
static struct str label_of(struct importing *im, uint32_t entry)
{
    struct str id = said(im, entry, "accountId"), label = said(im, entry, "accountLabel");

    if (str_eq(id, STR("auto")) || id.len == 0)
        return STR("any");
    return label.len > 0 ? label : id;
}

static bool is_usable(struct importing *im, struct str where, struct str provider, struct str model)
{
    if (provider_exists(provider) && model.len > 0)
        return true;
    im->note(im->peer,
             arena_printf(&im->arena, "%.*s: an entry of `%.*s` is left out: %s", STR_ARG(where),
                          STR_ARG(provider),
                          model.len == 0 ? "it names no model" : "there is no such provider here"));
    return false;
}

static void put_flow(struct importing *im, struct str name, uint32_t entries)
{
    struct json_writer *w = &im->w;

    json_put_key(w, name);
    json_put_object(w);
    json_put_key(w, STR("entries"));
    json_put_array(w);
    for (uint32_t i = entries == JSON_NONE ? JSON_NONE : json_first(&im->doc, entries);
         i != JSON_NONE; i = json_after(&im->doc, entries, i)) {
        struct str provider = said(im, i, "provider"), model = said(im, i, "modelId");

        if (!is_usable(im, name, provider, model))
            continue;
        json_put_object(w);
        json_put_member(w, "provider", provider);
        json_put_member(w, "account", label_of(im, i));
        json_put_member(w, "model", model);
        json_put_end(w);
    }
    json_put_end(w);
    json_put_end(w);
}

static void put_flows(struct importing *im)
{
    uint32_t flows = list_of(im, 0, "flows"), old = list_of(im, 0, "entries");
    struct str active = said(im, 0, "activeFlowId");

    json_put_key(&im->w, STR("flows"));
    json_put_object(&im->w);
    for (uint32_t i = flows == JSON_NONE ? JSON_NONE : json_first(&im->doc, flows); i != JSON_NONE;
         i = json_after(&im->doc, flows, i)) {
        struct str name = said(im, i, "name");

        if (name.len == 0)
            continue;
        put_flow(im, name, list_of(im, i, "entries"));
        if (active.len > 0 && str_eq(said(im, i, "id"), active))
            im->note(im->peer,
                     arena_printf(&im->arena,
                                  "the flow `%.*s` served every request there: here the mapping "
                                  "does that, {\"*\": \"route:%.*s\"}",
                                  STR_ARG(name), STR_ARG(name)));
    }
    if (flows == JSON_NONE && old != JSON_NONE)
        put_flow(im, STR("default"), old); /* the file's first version had one flow */
    json_put_end(&im->w);
}

static void put_account_route(struct importing *im, uint32_t route, bool smart)
{
    struct str model = said(im, route, "modelId");
    uint32_t entries = list_of(im, route, "entries");
    struct json_writer *w = &im->w;

    if (model.len == 0)
        return;
    json_put_key(w, model);
    json_put_object(w);
    json_put_member_bool(w, "smart_switch", smart);
    json_put_key(w, STR("entries"));
    json_put_array(w);
    for (uint32_t i = entries == JSON_NONE ? JSON_NONE : json_first(&im->doc, entries);
         i != JSON_NONE; i = json_after(&im->doc, entries, i)) {
        struct str label = label_of(im, i);

        if (!is_usable(im, model, said(im, i, "provider"), model))
            continue;
        if (str_eq(label, STR("any")))
            im->note(im->peer,
                     arena_printf(&im->arena,
                                  "%.*s: an entry for any account is left out: smart_switch asks "
                                  "all of them",
                                  STR_ARG(model)));
        else
            json_put_str(w, label);
    }
    json_put_end(w);
    json_put_end(w);
}

static void put_account_routes(struct importing *im)
{
    uint32_t routing = json_member(&im->doc, 0, STR("accountRouting"), NULL), routes = JSON_NONE;
    bool smart = false;

    if (routing != JSON_NONE && json_type(&im->doc, routing) == JSON_OBJECT) {
        routes = list_of(im, routing, "routes");
        smart = is_true(im, routing, "smartSwitch");
    }
    json_put_key(&im->w, STR("accounts"));
    json_put_object(&im->w);
    for (uint32_t i = routes == JSON_NONE ? JSON_NONE : json_first(&im->doc, routes);
         i != JSON_NONE; i = json_after(&im->doc, routes, i))
        put_account_route(im, i, smart);
    json_put_end(&im->w);
}

/* A list of rules, or names as members of an object. */
static void put_mapping(struct importing *im)
{
    uint32_t all = json_member(&im->doc, 0, STR("modelMappings"), NULL);

    if (all == JSON_NONE ||
        (json_type(&im->doc, all) != JSON_ARRAY && json_type(&im->doc, all) != JSON_OBJECT))
        return;
    bool named = json_type(&im->doc, all) == JSON_OBJECT;

    json_put_key(&im->w, STR("mapping"));
    json_put_object(&im->w);
    for (uint32_t i = json_first(&im->doc, all); i != JSON_NONE; i = json_after(&im->doc, all, i)) {
        struct str from = STR(""), to = STR("");

        if (named) {
            (void)json_text(&im->doc, i, &im->arena, &from);
            i = json_after(&im->doc, all, i);
            (void)json_text(&im->doc, i, &im->arena, &to);
        } else if (is_true(im, i, "enabled")) {
            from = said(im, i, "source");
            to = said(im, i, "target");
        }
        if (from.len > 0 && to.len > 0)
            json_put_member(&im->w, arena_copy(&im->arena, from).at, to);
    }
    json_put_end(&im->w);
}

/* Switched off there for routing; what an account is here is not for a routing file to say. */
static void tell_disabled(struct importing *im)
{
    uint32_t all = json_member(&im->doc, 0, STR("disabledAccounts"), NULL);

    if (all != JSON_NONE && json_type(&im->doc, all) == JSON_OBJECT &&
        json_first(&im->doc, all) != JSON_NONE)
        im->note(im->peer, STR("accounts that were switched off there are not switched off here: "
                               "`penstock accounts disable` does that"));
}

enum status route_import_anti_api(struct str text, void (*note)(void *peer, struct str text),
                                  void *peer, struct buf *out, struct error *e)
{
    struct importing im = { .note = note, .peer = peer, .w = json_writer(out) };
    struct json_fault wrong = { 0 };
    enum status st = OK;

    if (!json_parse(&im.doc, text, NULL, &im.arena, &wrong)) {
        json_fault_place(&wrong, text);
        st = fail(e, E_SYNTAX, "the file is no JSON: %s at line %u, column %u", wrong.what,
                  wrong.line, wrong.col);
    } else if (json_type(&im.doc, 0) != JSON_OBJECT ||
               (json_member(&im.doc, 0, STR("flows"), NULL) == JSON_NONE &&
                json_member(&im.doc, 0, STR("entries"), NULL) == JSON_NONE &&
                json_member(&im.doc, 0, STR("accountRouting"), NULL) == JSON_NONE)) {
        st = fail(e, E_SYNTAX, "the file has neither flows nor accountRouting");
    } else {
        json_put_object(&im.w);
        put_flows(&im);
        put_account_routes(&im);
        put_mapping(&im);
        tell_disabled(&im);
        json_put_end(&im.w);
        if (!json_written(&im.w))
            st = fail(e, E_LIMIT, "what it says grows too large");
    }
    arena_free(&im.arena);
    return st;
}
