/* exchange/kept.c - two maps (responses and their items by owner and id) and a list in the order of
 * use. */
#include "exchange/kept.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/map.h"
#include "io/crypto.h"

#define ENTRY_COST ((size_t)512) /* bytes charged for an entry beside its texts: maps, links */
#define ITEM_COST ((size_t)160)
#define KEY_MAX (KEY_ID_BYTES + KEPT_ID_MAX)

struct entry;

struct item {
    struct entry *of;
    struct str id, raw; /* in the entry's response */
};

struct entry {
    struct entry *newer, *older;
    int64_t used_ms;
    size_t bytes;
    uint32_t readers; /* that copy from it; freed by the last when it is `gone` */
    bool gone;
    struct kept_response r;
    struct str output; /* items of the response, between commas */
    struct item *items;
    uint32_t item_count;
    char texts[];
};

struct kept {
    pthread_mutex_t lock;
    _Atomic uint32_t count;
    size_t bytes;
    int64_t unused_ms;
    struct map responses, items;
    struct entry *newest, *oldest;
};

struct kept *kept_new(void)
{
    struct kept *k = must_calloc(1, sizeof(*k));
    uint64_t seeds[2];
    int failed = pthread_mutex_init(&k->lock, NULL);

    assert(failed == 0);
    (void)failed;
    random_bytes(seeds, sizeof(seeds));
    map_init(&k->responses, seeds);
    map_init(&k->items, seeds);
    return k;
}

/* --- entries ----------------------------------------------------------------------------------*/

static struct str key_of(const struct key_id *owner, struct str id, char to[KEY_MAX])
{
    memcpy(to, owner->bytes, KEY_ID_BYTES);
    memcpy(to + KEY_ID_BYTES, id.at, id.len);
    return (struct str){ to, KEY_ID_BYTES + id.len };
}

static void unlink_entry(struct kept *k, struct entry *e)
{
    *(e->newer != NULL ? &e->newer->older : &k->newest) = e->older;
    *(e->older != NULL ? &e->older->newer : &k->oldest) = e->newer;
    e->newer = e->older = NULL;
}

static void link_entry(struct kept *k, struct entry *e)
{
    e->newer = NULL;
    e->older = k->newest;
    *(k->newest != NULL ? &k->newest->newer : &k->oldest) = e;
    k->newest = e;
}

static void free_entry(struct entry *e)
{
    free(e->items);
    free(e);
}

static void let_go(struct kept *k, struct entry *e)
{
    char key[KEY_MAX];

    (void)map_remove(&k->responses, key_of(&e->r.owner, e->r.id, key));
    for (uint32_t i = 0; i < e->item_count; i++) {
        struct str name = key_of(&e->r.owner, e->items[i].id, key);

        if (map_get(&k->items, name) == &e->items[i]) /* another response may have named it since */
            (void)map_remove(&k->items, name);
    }
    unlink_entry(k, e);
    k->bytes -= e->bytes;
    atomic_fetch_sub_explicit(&k->count, 1, memory_order_relaxed);
    e->gone = true;
    if (e->readers == 0)
        free_entry(e);
}

static void forget_unused(struct kept *k, int64_t now_ms)
{
    while (k->oldest != NULL && now_ms - k->oldest->used_ms >= k->unused_ms)
        let_go(k, k->oldest);
}

void kept_free(struct kept *k)
{
    if (k == NULL)
        return;
    while (k->oldest != NULL)
        let_go(k, k->oldest);
    map_clear(&k->responses);
    map_clear(&k->items);
    (void)pthread_mutex_destroy(&k->lock);
    free(k);
}

/* --- adding -----------------------------------------------------------------------------------*/

static struct str put(char **to, struct str s)
{
    char *at = *to;

    if (s.len > 0)
        memcpy(at, s.at, s.len);
    *to += s.len;
    return (struct str){ at, s.len };
}

static bool is_string(struct str raw)
{
    return raw.len >= 2 && raw.at[0] == '"';
}

static struct str inside(struct str quoted)
{
    return (struct str){ quoted.at + 1, quoted.len - 2 };
}

void kept_look(struct kept_response *r)
{
    struct str root = str_trim(r->response), key, value;

    if (root.len < 2 || root.at[0] != '{')
        return;
    struct json_cursor c = json_open(root);

    while ((r->id.len == 0 || r->model_raw.len == 0 || r->output.len == 0) && json_next(&c, &key) &&
           json_next(&c, &value)) {
        if (str_eq(key, STR("\"id\"")) && is_string(value))
            r->id = inside(value);
        else if (str_eq(key, STR("\"model\"")) && is_string(value))
            r->model_raw = value;
        else if (str_eq(key, STR("\"output\"")) && value.len >= 2 && value.at[0] == '[')
            r->output = value;
    }
}

static void add_item(struct entry *e, struct str id, struct str raw)
{
    if (id.len == 0 || id.len > KEPT_ID_MAX) /* ids hold nothing that is escaped */
        return;
    if ((e->item_count & (e->item_count - 1)) == 0) /* full: its room is a power of two */
        e->items =
            must_realloc(e->items, (e->item_count > 0 ? e->item_count * 2 : 1) * sizeof(*e->items));
    e->items[e->item_count++] = (struct item){ e, id, raw };
}

/* The items of the output that have an id; they borrow from the entry's own text. */
static bool read_output(struct entry *e, struct str list)
{
    struct json_cursor c = json_open(list);
    struct str key, value;
    bool any = false;

    e->output = str_trim(inside(list));
    for (char first; (first = json_peek(&c)) != '\0'; any = true) {
        const char *from = c.rest.at;
        struct str id = STR("");

        if (first != '{') {
            (void)json_next(&c, &value);
            continue;
        }
        (void)json_enter(&c);
        while (id.len == 0 && json_next(&c, &key) && json_next(&c, &value))
            if (str_eq(key, STR("\"id\"")) && is_string(value))
                id = inside(value);
        if (id.len > 0)
            json_leave(&c);
        add_item(e, id, (struct str){ from, (size_t)(c.rest.at - from) });
    }
    /* some providers stream items and leave them out of the last event: not all is known then */
    return any || e->r.account == 0;
}

/* The response with the name of the model that its client knows; gives where its output lies. */
static struct str put_response(char **to, const struct kept_response *given, struct str *output)
{
    const char *start = *to;
    size_t at = (size_t)(given->output.at - given->response.at);

    if (given->model.len == 0) {
        (void)put(to, given->response);
    } else {
        size_t model_at = (size_t)(given->model_raw.at - given->response.at);

        (void)put(to, str_take(given->response, model_at));
        (void)put(to, given->model);
        (void)put(to, str_drop(given->response, model_at + given->model_raw.len));
        if (model_at < at)
            at = at - given->model_raw.len + given->model.len;
    }
    *output = (struct str){ start + at, given->output.len };
    return (struct str){ start, (size_t)(*to - start) };
}

static struct entry *entry_new(const struct kept_response *given)
{
    size_t texts = given->id.len + given->previous.len + given->response.len + given->input.len +
                   (given->model.len > 0 ? given->model.len - given->model_raw.len : 0);
    struct entry *e = must_alloc(sizeof(*e) + texts);
    struct str output;
    char *to = e->texts;

    *e = (struct entry){
        .bytes = texts + ENTRY_COST,
        .r = { .owner = given->owner, .account = given->account },
    };
    e->r.id = put(&to, given->id);
    e->r.previous = put(&to, given->previous);
    e->r.response = put_response(&to, given, &output);
    e->r.input = put(&to, given->input);
    if (!read_output(e, output)) {
        free_entry(e);
        return NULL;
    }
    e->bytes += e->item_count * ITEM_COST;
    return e;
}

void kept_add(struct kept *k, const struct kept_limits *limits, const struct kept_response *given,
              int64_t now_ms)
{
    struct entry *e, *before;
    char key[KEY_MAX];

    if (limits->count_max == 0 || given->output.len == 0 || given->id.len == 0 ||
        given->id.len > KEPT_ID_MAX || given->previous.len > KEPT_ID_MAX ||
        given->response.len + given->input.len > limits->bytes_max)
        return;
    e = entry_new(given);
    if (e == NULL)
        return;
    (void)pthread_mutex_lock(&k->lock);
    k->unused_ms = limits->unused_ms;
    forget_unused(k, now_ms);
    before = map_get(&k->responses, key_of(&e->r.owner, e->r.id, key));
    if (before != NULL)
        let_go(k, before);
    e->used_ms = now_ms;
    link_entry(k, e);
    k->bytes += e->bytes;
    atomic_fetch_add_explicit(&k->count, 1, memory_order_relaxed);
    (void)map_put(&k->responses, key_of(&e->r.owner, e->r.id, key), e);
    for (uint32_t i = 0; i < e->item_count; i++)
        (void)map_put(&k->items, key_of(&e->r.owner, e->items[i].id, key), &e->items[i]);
    while (k->bytes > limits->bytes_max || atomic_load(&k->count) > limits->count_max)
        let_go(k, k->oldest);
    (void)pthread_mutex_unlock(&k->lock);
}

bool kept_any(const struct kept *k)
{
    return atomic_load_explicit(&k->count, memory_order_relaxed) > 0;
}

/* --- finding ----------------------------------------------------------------------------------*/

static void use(struct kept *k, struct entry *e, int64_t now_ms)
{
    e->used_ms = now_ms;
    unlink_entry(k, e);
    link_entry(k, e);
}

/* Under the lock; what is found counts as used. */
static struct entry *find(struct kept *k, const struct kept_who *who, struct str id, int64_t now_ms)
{
    struct entry *e = NULL;
    char key[KEY_MAX];

    if (id.len == 0 || id.len > KEPT_ID_MAX)
        return NULL;
    forget_unused(k, now_ms);
    for (uint32_t i = 0; i < who->count && e == NULL; i++)
        e = map_get(&k->responses, key_of(&who->ids[i], id, key));
    if (e == NULL)
        return NULL;
    use(k, e, now_ms);
    return e;
}

static void read_done(struct kept *k, struct entry **all, size_t count)
{
    (void)pthread_mutex_lock(&k->lock);
    for (size_t i = 0; i < count; i++)
        if (--all[i]->readers == 0 && all[i]->gone)
            free_entry(all[i]);
    (void)pthread_mutex_unlock(&k->lock);
}

bool kept_find(struct kept *k, const struct kept_who *who, struct str id, int64_t now_ms,
               struct arena *a, struct kept_response *out)
{
    struct entry *e;

    (void)pthread_mutex_lock(&k->lock);
    e = find(k, who, id, now_ms);
    if (e != NULL)
        e->readers++;
    (void)pthread_mutex_unlock(&k->lock);
    if (e == NULL)
        return false;
    *out = e->r;
    out->id = arena_copy(a, e->r.id);
    out->previous = arena_copy(a, e->r.previous);
    out->response = arena_copy(a, e->r.response);
    out->input = arena_copy(a, e->r.input);
    read_done(k, &e, 1);
    return true;
}

bool kept_account(struct kept *k, const struct kept_who *who, struct str id, int64_t now_ms,
                  int64_t *account)
{
    struct entry *e;

    (void)pthread_mutex_lock(&k->lock);
    e = find(k, who, id, now_ms);
    if (e != NULL)
        *account = e->r.account;
    (void)pthread_mutex_unlock(&k->lock);
    return e != NULL;
}

/* The response and those it goes on from, newest first; 0: one of them is missing. */
static size_t find_chain(struct kept *k, const struct kept_who *who, struct str id, int64_t now_ms,
                         struct arena *a, struct entry ***out)
{
    size_t count = 0, room = 16;
    struct entry **all = arena_array(a, struct entry *, room);

    for (struct str at = id; at.len > 0; at = all[count - 1]->r.previous) {
        struct entry *e = count < KEPT_CHAIN_MAX ? find(k, who, at, now_ms) : NULL;

        if (e == NULL)
            return 0;
        if (count == room) {
            struct entry **more = arena_array(a, struct entry *, room * 2);

            memcpy(more, all, count * sizeof(all[0]));
            all = more;
            room *= 2;
        }
        all[count++] = e;
    }
    for (size_t i = 0; i < count; i++)
        all[i]->readers++;
    *out = all;
    return count;
}

static void join(char **to, struct str items)
{
    if (items.len == 0)
        return;
    if (*to != NULL && (*to)[-1] != '\0')
        *(*to)++ = ',';
    (void)put(to, items);
}

bool kept_past(struct kept *k, const struct kept_who *who, struct str id, int64_t now_ms,
               struct arena *a, struct str *items)
{
    struct entry **all;
    size_t count, bytes = 1;
    char *start, *to;

    (void)pthread_mutex_lock(&k->lock);
    count = find_chain(k, who, id, now_ms, a, &all);
    (void)pthread_mutex_unlock(&k->lock);
    if (count == 0)
        return false;
    for (size_t i = 0; i < count; i++)
        bytes += all[i]->r.input.len + all[i]->output.len + 2;
    start = arena_alloc_raw(a, bytes);
    *start = '\0'; /* in front of the first item */
    to = start + 1;
    for (size_t i = count; i-- > 0;) {
        join(&to, all[i]->r.input);
        join(&to, all[i]->output);
    }
    *items = (struct str){ start + 1, (size_t)(to - start - 1) };
    read_done(k, all, count);
    return true;
}

bool kept_item(struct kept *k, const struct kept_who *who, struct str item_id, int64_t now_ms,
               struct arena *a, struct str *item, int64_t *account)
{
    struct item *found = NULL;
    struct entry *e = NULL;
    char key[KEY_MAX];

    (void)pthread_mutex_lock(&k->lock);
    if (item_id.len > 0 && item_id.len <= KEPT_ID_MAX) {
        forget_unused(k, now_ms);
        for (uint32_t i = 0; i < who->count && found == NULL; i++)
            found = map_get(&k->items, key_of(&who->ids[i], item_id, key));
    }
    if (found != NULL) {
        e = found->of;
        use(k, e, now_ms);
        e->readers++;
    }
    (void)pthread_mutex_unlock(&k->lock);
    if (e == NULL)
        return false;
    *item = arena_copy(a, found->raw);
    *account = e->r.account;
    read_done(k, &e, 1);
    return true;
}

bool kept_remove(struct kept *k, const struct kept_who *who, struct str id, int64_t now_ms)
{
    struct entry *e;

    (void)pthread_mutex_lock(&k->lock);
    e = find(k, who, id, now_ms);
    if (e != NULL)
        let_go(k, e);
    (void)pthread_mutex_unlock(&k->lock);
    return e != NULL;
}
