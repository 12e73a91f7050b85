/* fuzz/fuzz_client_file.c - settings files of clients with the gateway put into them, and what else
 * operators' tools read from elsewhere. A merged JSON file is JSON, has what was to be put in, and
 * merging once more changes nothing; a merged TOML file ends in the table, and what was not
 * understood is left alone. A masked text stays as long as it was. */
#include <stdlib.h>

#include "app/connect_file.h"
#include "base/json.h"
#include "base/metric_text.h"
#include "exchange/capture.h"
#include "exchange/trace_context.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char recipe[] = "{\"env\":{\"A\":\"1\"},\"deep\":{\"er\":{\"x\":[1]}},\"flat\":true}";
static const char table[] = "key = \"k\"\n\n[group.name]\na = 1\n";

static void merge_json(struct str text)
{
    struct buf once = { .max = CONNECT_FILE_MAX }, twice = { .max = CONNECT_FILE_MAX };
    struct arena a = { 0 };
    struct json doc;
    struct error e;

    if (connect_merge_json(text, str_c(recipe), &once, &e) == OK) {
        bool good = json_parse(&doc, buf_str(&once), NULL, &a, NULL);

        assert(good && json_type(&doc, 0) == JSON_OBJECT);
        uint32_t env = json_member(&doc, 0, STR("env"), NULL);

        assert(env != JSON_NONE && json_type(&doc, env) == JSON_OBJECT);
        assert(json_member(&doc, env, STR("A"), NULL) != JSON_NONE);
        enum status st = connect_merge_json(buf_str(&once), str_c(recipe), &twice, &e);

        assert(st == OK && str_eq(buf_str(&once), buf_str(&twice)));
    }
    buf_clear(&once);
    buf_clear(&twice);
    arena_free(&a);
}

static void merge_toml(struct str text)
{
    struct buf merged = { .max = CONNECT_FILE_MAX * 2 };
    struct error e;

    if (connect_merge_toml(text, str_c(table), &merged, &e) == OK) {
        assert(str_ends(buf_str(&merged), STR("[group.name]\na = 1\n")));
        assert(str_find(buf_str(&merged), STR("key = \"k\"\n")) != SIZE_MAX);
    }
    buf_clear(&merged);
}

static void mask(struct str text)
{
    struct buf b = { .max = CAPTURE_BODY_MAX }, labels = { .max = (size_t)16 << 20 };

    if (buf_add(&b, text)) {
        capture_mask(&b);
        assert(b.len == text.len);
    }
    metric_labels(&labels, &(struct metric_label){ "l", text }, 1);
    assert(memchr(buf_str(&labels).at, '\n', labels.len) == NULL);
    buf_clear(&b);
    buf_clear(&labels);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = { size > 0 ? (const char *)data : "", size };
    struct trace_context c, again;
    char put[TRACEPARENT_LEN + 1];

    if (size > 65536)
        return 0;
    merge_json(text);
    merge_toml(text);
    mask(text);
    if (trace_context_read(text, &c)) {
        bool good = trace_context_read(trace_context_put(&c, c.parent, put), &again);

        assert(good && memcmp(&c, &again, sizeof(c)) == 0);
    }
    return 0;
}
