/* exchange/kept.c - two maps (responses and their items by owner and id) and two lists: all of them
 * in the order of use, and those that nobody has read yet in the order they came. */
#include "exchange/kept.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/map.h"
#include "io/crypto.h"

/* Bytes charged for an entry beside its texts (maps, links, an item), and for each item more. */
#define ENTRY_COST ((size_t)672)
#define ITEM_COST ((size_t)160)
#define KEY_MAX (KEY_ID_BYTES + KEPT_ID_MAX)

struct kept_entry;

struct item {
    struct kept_entry *of;
    struct str id, raw; /* in the entry's response */
};

/* What a response holds, seen when somebody comes back for it. */
struct content {
    struct str output; /* its items, between commas */
    struct item *items;
    uint32_t item_count;
    bool usable;
};

struct kept_entry {
    struct kept_entry *newer, *older;
    struct kept_entry *unread_newer, *unread_older; /* until it is read */
    uint64_t number;                                /* in the order they came */
    int64_t used_ms;
    size_t bytes;
    uint32_t readers; /* that copy from it; freed by the last when it is `gone` */
    bool gone, read;
    struct kept_response r;
    struct buf body;        /* in which `r.input` lies; empty: it lies in `texts` */
    struct content content; /* once it is read */
    char texts[];
};

struct kept {
    pthread_mutex_t lock;
    _Atomic uint32_t count;
    uint64_t numbers;
    size_t bytes, bytes_max;
    int64_t unused_ms;
    struct map responses, items;
    struct kept_entry *newest, *oldest;
    struct kept_entry *unread; /* the newest of them */
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

static void unlink_entry(struct kept *k, struct kept_entry *e)
{
    *(e->newer != NULL ? &e->newer->older : &k->newest) = e->older;
    *(e->older != NULL ? &e->older->newer : &k->oldest) = e->newer;
    e->newer = e->older = NULL;
}

static void link_entry(struct kept *k, struct kept_entry *e)
{
    e->newer = NULL;
    e->older = k->newest;
    *(k->newest != NULL ? &k->newest->newer : &k->oldest) = e;
    k->newest = e;
}

static void link_unread(struct kept *k, struct kept_entry *e)
{
    e->unread_older = k->unread;
    if (k->unread != NULL)
        k->unread->unread_newer = e;
    k->unread = e;
}

static void unlink_unread(struct kept *k, struct kept_entry *e)
{
    *(e->unread_newer != NULL ? &e->unread_newer->unread_older : &k->unread) = e->unread_older;
    if (e->unread_older != NULL)
        e->unread_older->unread_newer = e->unread_newer;
    e->unread_newer = e->unread_older = NULL;
}

static void free_entry(struct kept_entry *e)
{
    free(e->content.items);
    buf_clear(&e->body);
    free(e);
}

/* The map of responses does not name it any more; whoever copies from it still has it. */
static void take_out(struct kept *k, struct kept_entry *e)
{
    char key[KEY_MAX];

    for (uint32_t i = 0; i < e->content.item_count; i++) {
        struct item *item = &e->content.items[i];
        struct str name = key_of(&e->r.owner, item->id, key);

        if (map_get(&k->items, name) == item) /* another response may have named it since */
            (void)map_remove(&k->items, name);
    }
    if (!e->read)
        unlink_unread(k, e);
    unlink_entry(k, e);
    k->bytes -= e->bytes;
    atomic_fetch_sub_explicit(&k->count, 1, memory_order_relaxed);
    e->gone = true;
}

static void drop(struct kept *k, struct kept_entry *e)
{
    take_out(k, e);
    if (e->readers == 0)
        free_entry(e);
}

static void let_go(struct kept *k, struct kept_entry *e)
{
    char key[KEY_MAX];

    (void)map_remove(&k->responses, key_of(&e->r.owner, e->r.id, key));
    drop(k, e);
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

/* A text is the one message of a user. */
static const struct str message_front = STR("{\"type\":\"message\",\"role\":\"user\",\"content\":"
                                            "[{\"type\":\"input_text\",\"text\":"),
                        message_back = STR("}]}");

struct str kept_message(struct str text, struct arena *a)
{
    size_t len = message_front.len + text.len + message_back.len;
    char *at = arena_alloc_raw(a, len), *to = at;

    (void)put(&to, message_front);
    (void)put(&to, text);
    (void)put(&to, message_back);
    return (struct str){ at, len };
}

/* Takes `body`, if there is one, and copies all else. */
static struct kept_entry *entry_new(const struct kept_response *given, struct buf *body)
{
    struct str input = body != NULL ? STR("") : given->input;
    size_t texts =
        given->id.len + given->previous.len + given->response.len + given->model.len + input.len;
    struct kept_entry *e = must_alloc(sizeof(*e) + texts);
    char *to = e->texts;

    *e = (struct kept_entry){
        .bytes = texts + ENTRY_COST,
        .r = { .owner = given->owner,
               .account = given->account,
               .input = given->input,
               .input_is_text = given->input_is_text },
    };
    e->r.id = put(&to, given->id);
    e->r.previous = put(&to, given->previous);
    e->r.response = put(&to, given->response);
    e->r.model = put(&to, given->model);
    if (body == NULL) {
        e->r.input = put(&to, input);
        return e;
    }
    e->body = *body;
    *body = (struct buf){ .max = body->max };
    e->bytes += e->body.cap;
    e->readers = 1;
    return e;
}

static void make_room(struct kept *k, uint32_t count_max)
{
    while (k->bytes > k->bytes_max ||
           atomic_load_explicit(&k->count, memory_order_relaxed) > count_max)
        let_go(k, k->oldest);
}

struct kept_entry *kept_add(struct kept *k, const struct kept_limits *limits,
                            const struct kept_response *given, struct buf *body, int64_t now_ms)
{
    struct kept_entry *e, *before;
    char key[KEY_MAX];
    size_t input = body != NULL ? body->cap : given->input.len;

    if (limits->count_max == 0 || given->id.len == 0 || given->id.len > KEPT_ID_MAX ||
        given->previous.len > KEPT_ID_MAX || given->response.len + input > limits->bytes_max)
        return NULL;
    e = entry_new(given, body);
    (void)pthread_mutex_lock(&k->lock);
    k->unused_ms = limits->unused_ms;
    k->bytes_max = limits->bytes_max;
    forget_unused(k, now_ms);
    before = map_put(&k->responses, key_of(&e->r.owner, e->r.id, key), e);
    if (before != NULL)
        drop(k, before);
    e->number = ++k->numbers;
    e->used_ms = now_ms;
    link_entry(k, e);
    link_unread(k, e);
    k->bytes += e->bytes;
    atomic_fetch_add_explicit(&k->count, 1, memory_order_relaxed);
    make_room(k, limits->count_max);
    (void)pthread_mutex_unlock(&k->lock);
    return body != NULL ? e : NULL;
}

bool kept_any(const struct kept *k)
{
    return atomic_load_explicit(&k->count, memory_order_relaxed) > 0;
}

/* --- reading ----------------------------------------------------------------------------------*/

static bool is_string(struct str raw)
{
    return raw.len >= 2 && raw.at[0] == '"';
}

static struct str inside(struct str quoted)
{
    return (struct str){ quoted.at + 1, quoted.len - 2 };
}

/* A member of the response; empty: it has none that begins with this byte. */
static struct str response_member(struct str response, struct str quoted, char first)
{
    struct str root = str_trim(response), key, value;

    if (root.len < 2 || root.at[0] != '{')
        return STR("");
    struct json_cursor c = json_open(root);

    while (json_next(&c, &key) && json_next(&c, &value))
        if (str_eq(key, quoted) && value.len >= 2 && value.at[0] == first)
            return value;
    return STR("");
}

static void add_item(struct content *to, struct kept_entry *of, struct str id, struct str raw)
{
    if (id.len == 0 || id.len > KEPT_ID_MAX) /* ids hold nothing that is escaped */
        return;
    if ((to->item_count & (to->item_count - 1)) == 0) /* full: its room is a power of two */
        to->items = must_realloc(to->items, (to->item_count > 0 ? to->item_count * 2 : 1) *
                                                sizeof(*to->items));
    to->items[to->item_count++] = (struct item){ of, id, raw };
}

/* The items of the output that have an id; they borrow from the entry's own text. */
static struct content read_content(struct kept_entry *e)
{
    struct str list = response_member(e->r.response, STR("\"output\""), '['), key, value;
    struct content got = { .usable = false };

    if (list.len == 0)
        return got;
    struct json_cursor c = json_open(list);
    bool any = false;

    got.output = str_trim(inside(list));
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
        add_item(&got, e, id, (struct str){ from, (size_t)(c.rest.at - from) });
    }
    /* some providers stream items and leave them out of the last event: not all is known then */
    got.usable = any || e->r.account == 0;
    return got;
}

/* Under the lock: what somebody has read of a pinned entry is its own from now on. */
static void install(struct kept *k, struct kept_entry *e, const struct content *got)
{
    char key[KEY_MAX];

    if (e->read) { /* by another thread at the same time */
        free(got->items);
        return;
    }
    if (!e->gone)
        unlink_unread(k, e);
    e->read = true;
    e->content = *got;
    if (e->gone)
        return;
    for (uint32_t i = 0; i < got->item_count && got->usable; i++) {
        struct str name = key_of(&e->r.owner, got->items[i].id, key);
        const struct item *named = map_get(&k->items, name);

        if (named == NULL || named->of->number <= e->number)
            (void)map_put(&k->items, name, &got->items[i]);
    }
    size_t more = got->item_count > 1 ? (got->item_count - 1) * ITEM_COST : 0;

    e->bytes += more;
    k->bytes += more;
    if (!got->usable) {
        (void)map_remove(&k->responses, key_of(&e->r.owner, e->r.id, key));
        take_out(k, e);
    }
    make_room(k, UINT32_MAX);
}

static void read_entry(struct kept *k, struct kept_entry *e)
{
    struct content got = read_content(e);

    (void)pthread_mutex_lock(&k->lock);
    install(k, e, &got);
    (void)pthread_mutex_unlock(&k->lock);
}

static void read_done(struct kept *k, struct kept_entry **all, size_t count)
{
    (void)pthread_mutex_lock(&k->lock);
    for (size_t i = 0; i < count; i++) /* pinned by use(), which the analyzer does not see */
        if (--all[i]->readers == 0 && all[i]->gone) /* NOLINT(clang-analyzer-unix.Malloc) */
            free_entry(all[i]);
    (void)pthread_mutex_unlock(&k->lock);
}

void kept_release(struct kept *k, struct kept_entry *e)
{
    read_done(k, &e, 1);
}

/* --- finding ----------------------------------------------------------------------------------*/

/* Under the lock; what is found counts as used, and stays until read_done(). */
static void use(struct kept *k, struct kept_entry *e, int64_t now_ms)
{
    e->used_ms = now_ms;
    unlink_entry(k, e);
    link_entry(k, e);
    e->readers++;
}

static struct kept_entry *find_unread(struct kept *k, const struct kept_who *who, struct str id,
                                      int64_t now_ms, bool *read)
{
    struct kept_entry *e = NULL;
    char key[KEY_MAX];

    if (id.len == 0 || id.len > KEPT_ID_MAX)
        return NULL;
    (void)pthread_mutex_lock(&k->lock);
    forget_unused(k, now_ms);
    for (uint32_t i = 0; i < who->count && e == NULL; i++)
        e = map_get(&k->responses, key_of(&who->ids[i], id, key));
    if (e != NULL) {
        use(k, e, now_ms);
        *read = e->read;
    }
    (void)pthread_mutex_unlock(&k->lock);
    return e;
}

/* A response with its content, until read_done(). */
static struct kept_entry *find(struct kept *k, const struct kept_who *who, struct str id,
                               int64_t now_ms)
{
    bool read = true;
    struct kept_entry *e = find_unread(k, who, id, now_ms, &read);

    if (e != NULL && !read)
        read_entry(k, e);
    if (e != NULL && !e->content.usable) {
        read_done(k, &e, 1);
        e = NULL;
    }
    return e;
}

/* The response as its client got it. */
static struct str renamed(const struct kept_response *r, struct arena *a)
{
    struct str named = response_member(r->response, STR("\"model\""), '"'), whole = r->response;
    struct buf out;

    if (named.len == 0 || str_eq(inside(named), r->model))
        return arena_copy(a, whole);
    buf_init(&out, SIZE_MAX);
    size_t at = (size_t)(named.at - whole.at);
    bool fits = buf_add(&out, str_take(whole, at)) && json_quote(&out, r->model) &&
                buf_add(&out, str_drop(whole, at + named.len));

    assert(fits);
    whole = arena_copy(a, buf_str(&out));
    buf_clear(&out);
    return whole;
}

bool kept_find(struct kept *k, const struct kept_who *who, struct str id, int64_t now_ms,
               struct arena *a, struct kept_response *out)
{
    struct kept_entry *e = find(k, who, id, now_ms);

    if (e == NULL)
        return false;
    *out = e->r;
    out->id = arena_copy(a, e->r.id);
    out->previous = arena_copy(a, e->r.previous);
    out->response = renamed(&e->r, a);
    out->model = arena_copy(a, e->r.model);
    out->input = e->r.input_is_text ? kept_message(e->r.input, a) : arena_copy(a, e->r.input);
    out->input_is_text = false;
    read_done(k, &e, 1);
    return true;
}

bool kept_account(struct kept *k, const struct kept_who *who, struct str id, int64_t now_ms,
                  int64_t *account)
{
    struct kept_entry *e = find(k, who, id, now_ms);

    if (e == NULL)
        return false;
    *account = e->r.account;
    read_done(k, &e, 1);
    return true;
}

/* The response and those it goes on from, newest first; 0: one of them is missing. */
static size_t find_chain(struct kept *k, const struct kept_who *who, struct str id, int64_t now_ms,
                         struct arena *a, struct kept_entry ***out)
{
    size_t count = 0, room = 16;
    struct kept_entry **all = arena_array(a, struct kept_entry *, room);

    for (struct str at = id; at.len > 0; at = all[count - 1]->r.previous) {
        struct kept_entry *e = count < KEPT_CHAIN_MAX ? find(k, who, at, now_ms) : NULL;

        if (e == NULL) {
            read_done(k, all, count);
            return 0;
        }
        if (count == room) {
            struct kept_entry **more = arena_array(a, struct kept_entry *, room * 2);

            memcpy(more, all, count * sizeof(all[0]));
            all = more;
            room *= 2;
        }
        all[count++] = e;
    }
    *out = all;
    return count;
}

static void join(char **to, struct str items, bool is_text)
{
    if (items.len == 0)
        return;
    if ((*to)[-1] != '\0')
        *(*to)++ = ',';
    if (is_text)
        (void)put(to, message_front);
    (void)put(to, items);
    if (is_text)
        (void)put(to, message_back);
}

bool kept_past(struct kept *k, const struct kept_who *who, struct str id, int64_t now_ms,
               struct arena *a, struct str *items)
{
    struct kept_entry **all;
    size_t count = find_chain(k, who, id, now_ms, a, &all), bytes = 1;
    char *start, *to;

    if (count == 0)
        return false;
    for (size_t i = 0; i < count; i++)
        bytes += all[i]->r.input.len + all[i]->content.output.len + 2 +
                 (all[i]->r.input_is_text ? message_front.len + message_back.len : 0);
    start = arena_alloc_raw(a, bytes);
    *start = '\0'; /* in front of the first item */
    to = start + 1;
    for (size_t i = count; i-- > 0;) {
        join(&to, all[i]->r.input, all[i]->r.input_is_text);
        join(&to, all[i]->content.output, false);
    }
    *items = (struct str){ start + 1, (size_t)(to - start - 1) };
    read_done(k, all, count);
    return true;
}

/* Under the lock: the item, or NULL. One in a response that nobody has read may have come later. */
static struct item *find_item(struct kept *k, const struct kept_who *who, struct str item_id)
{
    struct item *found = NULL;
    char key[KEY_MAX];

    for (uint32_t i = 0; i < who->count && found == NULL; i++)
        found = map_get(&k->items, key_of(&who->ids[i], item_id, key));
    return found;
}

bool kept_item(struct kept *k, const struct kept_who *who, struct str item_id, int64_t now_ms,
               struct arena *a, struct str *item, int64_t *account)
{
    struct item *found = NULL;
    struct kept_entry *e;

    if (item_id.len == 0 || item_id.len > KEPT_ID_MAX)
        return false;
    do { /* the newest first, and each response once, whoever asks: so reading has an end */
        (void)pthread_mutex_lock(&k->lock);
        forget_unused(k, now_ms);
        found = find_item(k, who, item_id);
        if (found != NULL && k->unread != NULL && k->unread->number > found->of->number)
            found = NULL;
        e = found != NULL ? found->of : k->unread;
        if (found != NULL)
            use(k, e, now_ms);
        else if (e != NULL)
            e->readers++;
        (void)pthread_mutex_unlock(&k->lock);
        if (e != NULL && found == NULL) {
            read_entry(k, e);
            read_done(k, &e, 1);
        }
    } while (e != NULL && found == NULL);
    if (e == NULL)
        return false;
    *item = arena_copy(a, found->raw);
    *account = e->r.account;
    read_done(k, &e, 1);
    return true;
}

bool kept_remove(struct kept *k, const struct kept_who *who, struct str id, int64_t now_ms)
{
    struct kept_entry *e = find(k, who, id, now_ms);

    if (e == NULL)
        return false;
    (void)pthread_mutex_lock(&k->lock);
    bool there = !e->gone;

    if (there)
        let_go(k, e);
    (void)pthread_mutex_unlock(&k->lock);
    read_done(k, &e, 1);
    return there;
}
