#include "admin/admin_int.h"
#include "test.h"

static const char *const method_words[] = { [HTTP_GET] = "get",
                                            [HTTP_POST] = "post",
                                            [HTTP_PUT] = "put",
                                            [HTTP_PATCH] = "patch",
                                            [HTTP_DELETE] = "delete" };

TEST(the_description_names_every_call_and_no_other)
{
    struct str text = test_file(t, "docs/openapi.json");
    struct json doc;
    struct json_fault fault = { .what = "" };
    size_t described = 0, known = 0;

    if (!CHECK(json_parse(&doc, text, NULL, &t->arena, &fault), "%s at %zu", fault.what, fault.at))
        return;
    uint32_t paths = json_member(&doc, 0, STR("paths"), NULL);

    for (const struct admin_route *r = admin_route(0); r != NULL; r = admin_route(++known)) {
        uint32_t path = json_member(&doc, paths, str_c(r->path), NULL);

        CHECK(path != JSON_NONE &&
                  json_member(&doc, path, str_c(method_words[r->method]), NULL) != JSON_NONE,
              "%s %s is not described", method_words[r->method], r->path);
        CHECK(r->answer == NULL || r->method == HTTP_GET, "%s: only GET is a read", r->path);
        CHECK(r->act == NULL || r->method != HTTP_GET || r->change == ADMIN_REQUESTS,
              "%s: GET changes nothing", r->path);
        CHECK(r->answer == NULL || r->act == NULL, "%s", r->path);
    }
    for (uint32_t p = json_first(&doc, paths); p != JSON_NONE;
         p = json_after(&doc, paths, json_after(&doc, paths, p))) {
        uint32_t path = json_after(&doc, paths, p);

        for (size_t m = 0; m < COUNT(method_words); m++)
            if (method_words[m] != NULL &&
                json_member(&doc, path, str_c(method_words[m]), NULL) != JSON_NONE)
                described++;
    }
    CHECK_INT(described, known);
}

TEST(a_path_finds_its_route_and_the_name_in_it)
{
    static const struct {
        enum http_method method;
        const char *path, *want, *name;
    } cases[] = {
        { HTTP_GET, "/api/accounts", "/api/accounts", "" },
        { HTTP_GET, "/api/accounts/ada", "/api/accounts/{account}", "ada" },
        { HTTP_GET, "/api/accounts/a/b c", "/api/accounts/{account}", "a/b c" },
        { HTTP_GET, "/api/accounts/", NULL, "" },
        { HTTP_GET, "/api/account", NULL, "" },
        { HTTP_GET, "/api/", NULL, "" },
        { HTTP_GET, "/api/requests/req_1", "/api/requests/{id}", "req_1" },
        { HTTP_POST, "/api/requests/req_1", NULL, "" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str name = STR("");
        uint32_t methods;
        const struct admin_route *r =
            admin_route_find(cases[i].method, str_c(cases[i].path), &name, &methods);

        CHECK_STR(str_c(r == NULL ? "" : r->path), cases[i].want == NULL ? "" : cases[i].want, "%s",
                  cases[i].path);
        CHECK_STR(name, cases[i].name, "%s", cases[i].path);
    }
}

TEST(a_path_tells_the_methods_it_takes)
{
    struct str name = STR("");
    uint32_t methods;

    CHECK(admin_route_find(HTTP_PUT, STR("/api/accounts"), &name, &methods) == NULL);
    CHECK_INT(methods, 1u << HTTP_GET | 1u << HTTP_POST);
    CHECK(admin_route_find(HTTP_GET, STR("/api/nothing"), &name, &methods) == NULL);
    CHECK_INT(methods, 0);
}
