/* simulator/record.c - a slot for each sequence number modulo the size of the ring. */
#include "simulator/record.h"

#include <stdlib.h>

#include "base/json_write.h"

struct records {
    struct record slots[RECORDS_MAX];
    uint64_t first, next; /* sequences held: first … next - 1 */
    size_t bytes;         /* of their arenas together */
};

struct records *records_new(void)
{
    struct records *r = must_calloc(1, sizeof(*r));

    r->first = r->next = 1;
    return r;
}

static struct record *slot(struct records *r, uint64_t sequence)
{
    return &r->slots[sequence % RECORDS_MAX];
}

static void drop_first(struct records *r)
{
    struct record *old = slot(r, r->first++);

    r->bytes -= old->arena.total;
    arena_free(&old->arena);
    *old = (struct record){ .sequence = 0 };
}

void records_clear(struct records *r)
{
    while (r->first < r->next)
        drop_first(r);
}

void records_free(struct records *r)
{
    if (r == NULL)
        return;
    records_clear(r);
    free(r);
}

/* What a record has grown by since `before` counts; older ones make room for it. */
static void account_for(struct records *r, const struct record *record, size_t before)
{
    r->bytes += record->arena.total - before;
    while (r->bytes > RECORDS_BYTES_MAX && r->first < record->sequence)
        drop_first(r);
}

uint64_t records_begin(struct records *r, const struct http_head *head, struct str path,
                       struct str query)
{
    struct record *record;

    if (r->next - r->first == RECORDS_MAX)
        drop_first(r);
    record = slot(r, r->next);
    *record = (struct record){ .sequence = r->next++ };
    record->method = arena_copy(&record->arena, head->method_text);
    record->path = arena_copy(&record->arena, path);
    record->query = arena_copy(&record->arena, query);
    record->fields = arena_array(&record->arena, struct http_field, head->field_count + 1);
    for (uint32_t i = 0; i < head->field_count; i++)
        record->fields[record->field_count++] =
            (struct http_field){ arena_copy(&record->arena, head->fields[i].name),
                                 arena_copy(&record->arena, head->fields[i].value) };
    account_for(r, record, 0);
    return record->sequence;
}

struct record *records_get(struct records *r, uint64_t sequence)
{
    return sequence >= r->first && sequence < r->next ? slot(r, sequence) : NULL;
}

void records_set_body(struct records *r, uint64_t sequence, struct str body)
{
    struct record *record = records_get(r, sequence);
    size_t before;

    if (record == NULL)
        return;
    before = record->arena.total;
    record->body_bytes = body.len;
    record->body = arena_copy(&record->arena, str_take(body, RECORD_BODY_MAX));
    account_for(r, record, before);
}

void records_set_call(struct records *r, uint64_t sequence, struct str account, struct str model,
                      struct str wire)
{
    struct record *record = records_get(r, sequence);
    size_t before;

    if (record == NULL)
        return;
    before = record->arena.total;
    record->account = arena_copy(&record->arena, account);
    record->model = arena_copy(&record->arena, model);
    record->wire = arena_copy(&record->arena, wire);
    account_for(r, record, before);
}

uint32_t records_count(const struct records *r)
{
    return (uint32_t)(r->next - r->first);
}

uint64_t records_last(const struct records *r)
{
    return r->next - 1;
}

static void record_put(struct json_writer *w, const struct record *record)
{
    static const char *const states[] = {
        [RECORD_RUNNING] = "running",
        [RECORD_DONE] = "done",
        [RECORD_CLOSED] = "closed",
        [RECORD_ABORTED] = "aborted",
    };

    json_put_object(w);
    json_put_member_i64(w, "sequence", (int64_t)record->sequence);
    json_put_member(w, "method", record->method);
    json_put_member(w, "path", record->path);
    json_put_member(w, "query", record->query);
    json_put_key(w, STR("headers"));
    json_put_array(w);
    for (uint32_t i = 0; i < record->field_count; i++) {
        json_put_object(w);
        json_put_member(w, "name", record->fields[i].name);
        json_put_member(w, "value", record->fields[i].value);
        json_put_end(w);
    }
    json_put_end(w);
    json_put_member(w, "body", record->body);
    json_put_member_i64(w, "body_bytes", (int64_t)record->body_bytes);
    json_put_member(w, "account", record->account);
    json_put_member(w, "wire", record->wire);
    json_put_member(w, "model", record->model);
    json_put_member_i64(w, "status", record->status);
    json_put_member_i64(w, "sent_bytes", (int64_t)record->sent_bytes);
    json_put_member(w, "state", str_c(states[record->state]));
    json_put_member_bool(w, "aborted", record->state == RECORD_ABORTED);
    json_put_end(w);
}

bool records_put(const struct records *r, uint64_t after, uint64_t limit, struct buf *out)
{
    struct json_writer w = json_writer(out);
    uint64_t at = after >= r->first ? after + 1 : r->first, count = 0;
    size_t spare = RECORDS_BYTES_MAX;

    json_put_object(&w);
    json_put_key(&w, STR("requests"));
    json_put_array(&w);
    for (; at < r->next && count < limit; at++, count++) {
        const struct record *record = &r->slots[at % RECORDS_MAX];

        if (count > 0 && record->arena.total > spare)
            break;
        spare -= record->arena.total < spare ? record->arena.total : spare;
        record_put(&w, record);
    }
    json_put_end(&w);
    json_put_member_i64(&w, "last", (int64_t)records_last(r));
    json_put_member_bool(&w, "more", at < r->next);
    json_put_end(&w);
    return json_written(&w);
}
