/* bench/json_bench.c - what reading JSON costs: microseconds, tape bytes and writing it back, for
 * four sizes of text that this program makes itself.
 *
 *     cc -O2 -std=gnu17 -D_GNU_SOURCE -Isrc bench/json_bench.c BUILD/src/base/libbase.a -lpthread
 * -o json_bench
 *     ./json_bench                  all sizes
 *     ./json_bench chat 0 1000      one size, depth kept, rounds: for counting instructions, as the
 *                                   difference of two numbers of rounds
 *
 * It uses clock() and prints medians of 7 runs with their range; the machine's other work shows. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/json.h"
#include "base/json_write.h"

#define RUNS 7

static void event_make(struct json_writer *w, size_t bytes)
{
    (void)bytes;
    json_put_object(w);
    json_put_member(w, "type", STR("content_block_delta"));
    json_put_member_i64(w, "index", 0);
    json_put_key(w, STR("delta"));
    json_put_object(w);
    json_put_member(w, "type", STR("text_delta"));
    json_put_member(w, "text", STR("and then the \"third\" word"));
    json_put_end(w);
    json_put_end(w);
}

static const struct str prose =
    STR("The parser reads each byte once, and what it finds in a string stays where it is. ");
static const struct str code =
    STR("static int step(struct x *x)\n{\n\tif (x == NULL)\n\t\treturn say(\"nothing\\n\");\n}\n");
static const struct str foreign = STR("Grüße, 世界 — привет 🙂. ");

static void tool_make(struct json_writer *w, int n)
{
    json_put_object(w);
    json_put_key(w, STR("name"));
    json_put_format(w, "tool_%d", n);
    json_put_member(w, "description", prose);
    json_put_key(w, STR("input_schema"));
    json_put_raw(w, STR("{\"type\":\"object\",\"properties\":{\"path\":{\"type\":\"string\","
                        "\"description\":\"Where the file lies\"},\"limit\":{\"type\":\"integer\","
                        "\"minimum\":1,\"maximum\":5000},\"all\":{\"type\":\"boolean\"}},"
                        "\"required\":[\"path\"],\"additionalProperties\":false}"));
    json_put_end(w);
}

/* One turn of a conversation: prose, now and then code or another script. */
static void turn_make(struct json_writer *w, int n)
{
    struct buf text;

    buf_init(&text, 1 << 20);
    for (int i = 0; i < 10; i++)
        (void)buf_add(&text, i == 4 && n % 2 ? code : i == 7 && n % 3 == 0 ? foreign : prose);
    json_put_object(w);
    json_put_member(w, "role", n % 2 ? STR("assistant") : STR("user"));
    json_put_key(w, STR("content"));
    json_put_array(w);
    json_put_object(w);
    json_put_member(w, "type", STR("text"));
    json_put_member(w, "text", buf_str(&text));
    json_put_end(w);
    json_put_end(w);
    json_put_end(w);
    buf_clear(&text);
}

/* An Anthropic-like request of about `bytes`. */
static void request_make(struct json_writer *w, size_t bytes)
{
    json_put_object(w);
    json_put_member(w, "model", STR("claude-sonnet-4"));
    json_put_member_i64(w, "max_tokens", 8192);
    json_put_member_bool(w, "stream", true);
    json_put_key(w, STR("tools"));
    json_put_array(w);
    for (int i = 0; i < 20; i++)
        tool_make(w, i);
    json_put_end(w);
    json_put_key(w, STR("messages"));
    json_put_array(w);
    for (int i = 0; w->out->len < bytes; i++)
        turn_make(w, i);
    json_put_end(w);
    json_put_end(w);
}

static void chat_make(struct json_writer *w, size_t bytes)
{
    json_put_object(w);
    json_put_member(w, "model", STR("gpt-5"));
    json_put_member_raw(w, "temperature", STR("0.7"));
    json_put_member_bool(w, "stream", true);
    json_put_member_raw(w, "stream_options", STR("{\"include_usage\":true}"));
    json_put_key(w, STR("messages"));
    json_put_array(w);
    for (int i = 0; w->out->len < bytes - 150; i++) {
        json_put_object(w);
        json_put_member(w, "role", i % 2 ? STR("assistant") : STR("user"));
        json_put_member(w, "content", prose);
        json_put_end(w);
    }
    json_put_end(w);
    json_put_end(w);
}

static const struct body {
    const char *name;
    size_t bytes;
    void (*make)(struct json_writer *w, size_t bytes);
    int rounds;
} bodies[] = {
    { "event", 120, event_make, 200000 },
    { "chat", 1024, chat_make, 50000 },
    { "request", 212 << 10, request_make, 400 },
    { "large", 10 << 20, request_make, 8 },
};

static size_t parse_once(struct str text, uint32_t kept, uint32_t *nodes)
{
    struct json_limits limits = { .depth_kept = kept };
    struct arena a = { 0 };
    struct json doc;

    if (!json_parse(&doc, text, &limits, &a, NULL)) {
        fprintf(stderr, "the text is refused\n");
        exit(1);
    }
    *nodes = doc.count;
    size_t total = a.total;
    arena_free(&a);
    return total;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void measure(const struct body *body, struct str text, uint32_t kept)
{
    double us[RUNS];
    size_t total = 0;
    uint32_t nodes = 0;

    for (int run = 0; run < RUNS; run++) {
        clock_t from = clock();

        for (int i = 0; i < body->rounds; i++)
            total = parse_once(text, kept, &nodes);
        us[run] = (double)(clock() - from) * 1e6 / CLOCKS_PER_SEC / body->rounds;
    }
    qsort(us, RUNS, sizeof(us[0]), by_size);
    printf(
        "%-8s %9zu bytes  kept %u  %10.3f us (%.3f-%.3f)  %7u nodes  %9zu arena bytes  %.2f GB/s\n",
        body->name, text.len, kept, us[RUNS / 2], us[0], us[RUNS - 1], nodes, total,
        (double)text.len / us[RUNS / 2] / 1000);
}

int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        struct buf text;

        if (argc == 4 && strcmp(argv[1], bodies[i].name) != 0)
            continue;
        buf_init(&text, 64 << 20);
        struct json_writer w = json_writer(&text);
        bodies[i].make(&w, bodies[i].bytes);
        if (!json_written(&w))
            return 1;
        if (argc == 4) {
            uint32_t kept = (uint32_t)strtoul(argv[2], NULL, 10), nodes = 0;

            for (long n = strtol(argv[3], NULL, 10); n > 0; n--)
                (void)parse_once(buf_str(&text), kept, &nodes);
        } else {
            for (uint32_t kept = 0; kept < 3; kept++)
                measure(&bodies[i], buf_str(&text), kept);
        }
        buf_clear(&text);
    }
    return 0;
}
