/* tests/unit/provider/rig.h - answers and upstreams in one line. */
#ifndef PENSTOCK_TESTS_PROVIDER_RIG_H
#define PENSTOCK_TESTS_PROVIDER_RIG_H

#include "provider/provider.h"
#include "test.h"

/* Saturday 2026-11-21 09:00:00 UTC, an hour after midnight in California */
#define NOW_MS INT64_C(1795251600000)

/* A parsed answer head; `fields` as lines with CRLF. */
static inline const struct http_head *rig_head(struct test *t, int status, const char *fields)
{
    struct http_limits limits = { .line_bytes = 1024, .head_bytes = 65536, .field_count = 200 };
    struct http_head *head = arena_new(&t->arena, struct http_head);
    struct http_fault fault = { 0 };
    size_t scanned = 0, used = 0;
    struct str text = arena_printf(&t->arena, "HTTP/1.1 %d X\r\n%s\r\n", status, fields);

    CHECK(http_parse_response(text, &scanned, &limits, head, &used, &fault) == HTTP_PARSE_DONE,
          "%s: %s", fields, fault.what);
    return head;
}

#endif
