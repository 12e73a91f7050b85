#include "store/usage_pack.h"

#include <stdlib.h>

#include "base/utf8.h"

enum tag { TAG_NAMES = 1, TAG_WHO = 2, TAG_ROW = 3 };
#define TAG_MASK 3u

/* With the tag of a row. */
#define ROW_ID_PLAIN 4u /* its id is a text, none of ours */
#define ROW_ATTEMPTS 8u /* there was not just one attempt */
#define ROW_BEYOND 16u  /* some were not kept, and are summed up */
/* Of names. */
#define NAMES_STREAM 1u
#define NAMES_COMPLETE 2u
#define NAMES_FREE 4u

#define ID_PREFIX STR("req_")
_Static_assert(USAGE_ID_TEXT == sizeof("req_") - 1 + 3 * 8, "it is read in three steps");

#define STATUS_END 1000

#define VARINT_MAX 10
#define TEXT_MAX (VARINT_MAX + USAGE_NAME_MAX)
#define WHO_MAX (1 + 2 * VARINT_MAX + 3 * TEXT_MAX)
#define NAMES_MAX (2 + VARINT_MAX + 6 * TEXT_MAX)
#define ROW_MAX (1 + TEXT_MAX + 12 * VARINT_MAX + USAGE_ATTEMPTS_MAX * 9 * VARINT_MAX)
#define ROOM (NAMES_MAX + USAGE_ATTEMPTS_MAX * WHO_MAX + ROW_MAX)

/* --- writing --------------------------------------------------------------------------------- */

static inline uint8_t *put(uint8_t *at, uint64_t n)
{
    for (; n >= 0x80; n >>= 7)
        *at++ = (uint8_t)(n | 0x80);
    *at++ = (uint8_t)n;
    return at;
}

static inline uint8_t *put_signed(uint8_t *at, int64_t n)
{
    return put(at, (uint64_t)n << 1 ^ (uint64_t)(n >> 63));
}

static inline uint8_t *put_known(uint8_t *at, int64_t n)
{
    return put(at, n < 0 ? 0 : (uint64_t)n + 1);
}

static inline uint8_t *put_tokens(uint8_t *at, const struct usage_tokens *t)
{
    at = put_known(at, t->in);
    at = put_known(at, t->out);
    at = put_known(at, t->cache_read);
    at = put_known(at, t->cache_write);
    return put_known(at, t->reasoning);
}

static uint8_t *put_text(uint8_t *at, struct str text)
{
    text = utf8_clip(text, USAGE_NAME_MAX);
    at = put(at, text.len);
    if (text.len > 0)
        memcpy(at, text.at, text.len);
    return at + text.len;
}

static uint64_t status_of(int status)
{
    return status > 0 && status < STATUS_END ? (uint64_t)status : 0;
}

/* Eight hex digits as four bytes, all at once; gives 0 when they are what we write. */
static inline uint64_t hex8_read(const char *digits, uint8_t out[4])
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t text, n, letters, wrong;

    memcpy(&text, digits, sizeof(text));
    letters = text >> 6 & ones;
    n = (text & ones * 15) + letters * 9;
    wrong = (n & ones * 0xf0) | ((n + ones * '0' + letters * ('a' - 10 - '0')) ^ text);
    /* of each pair the first digit is the high one */
    n = (n << 4 | n >> 8) & UINT64_C(0x00ff00ff00ff00ff);
    n = (n | n >> 8) & UINT64_C(0x0000ffff0000ffff);
    n = n | n >> 16;
    memcpy(out, &n, 4);
    return wrong;
}

bool usage_id_read(struct str id, uint8_t out[USAGE_ID_BYTES])
{
    if (id.len != USAGE_ID_TEXT || memcmp(id.at, ID_PREFIX.at, ID_PREFIX.len) != 0)
        return false;
    const char *digits = id.at + ID_PREFIX.len;
    uint64_t wrong = hex8_read(digits, out);

    wrong |= hex8_read(digits + 8, out + 4);
    return (wrong | hex8_read(digits + 16, out + 8)) == 0;
}

void pack_begin(struct pack *p)
{
    if (p->bytes == NULL)
        p->bytes = must_alloc(PACK_BYTES + ROOM);
    *p = (struct pack){ .bytes = p->bytes, .since_ms = INT64_MAX, .until_ms = INT64_MIN };
    p->bytes[0] = PACK_VERSION;
    p->used = 1;
}

void pack_clear(struct pack *p)
{
    free(p->bytes);
    *p = (struct pack){ 0 };
}

uint32_t pack_names(struct pack *p, const struct usage_names *n)
{
    const struct str texts[] = { n->key, n->client, n->protocol, n->model, n->mapped, n->ending };
    uint8_t *at = p->bytes + p->used;

    assert(p->used >= 1 && p->used + NAMES_MAX <= PACK_BYTES + ROOM);
    *at++ = TAG_NAMES;
    *at++ = (uint8_t)((n->stream ? NAMES_STREAM : 0) | (n->complete ? NAMES_COMPLETE : 0) |
                      (n->free ? NAMES_FREE : 0));
    at = put(at, status_of(n->status));
    for (size_t i = 0; i < COUNT(texts); i++)
        at = put_text(at, texts[i]);
    p->used = (size_t)(at - p->bytes);
    return p->names++;
}

uint32_t pack_who(struct pack *p, const struct usage_who *w)
{
    uint8_t *at = p->bytes + p->used;

    assert(p->used >= 1 && p->used + WHO_MAX <= PACK_BYTES + ROOM);
    *at++ = TAG_WHO;
    at = put_signed(at, w->account);
    at = put(at, status_of(w->status));
    at = put_text(at, w->label);
    at = put_text(at, w->provider);
    at = put_text(at, w->verdict);
    p->used = (size_t)(at - p->bytes);
    return p->whos++;
}

static bool told(const struct usage_tokens *t)
{
    return t->in > 0 || t->out > 0 || t->cache_read > 0 || t->cache_write > 0 || t->reasoning > 0;
}

void pack_row(struct pack *p, const struct usage_row *row, uint32_t names, const uint32_t *whos)
{
    bool alone = row->kept == 1 && row->attempt_count == 1 && row->attempts[0].number == 1;
    bool beyond = row->attempt_count > row->kept && told(&row->beyond);
    uint8_t *start = p->bytes + p->used, *at = start + 1, read[USAGE_ID_BYTES];
    const uint8_t *id = row->request_id.len == 0 ? row->id : read;
    bool ours = row->request_id.len == 0 || usage_id_read(row->request_id, read);

    assert(row->kept <= USAGE_ATTEMPTS_MAX && p->used + ROW_MAX <= PACK_BYTES + ROOM);
    *start = (uint8_t)(TAG_ROW | (ours ? 0 : ROW_ID_PLAIN) | (alone ? 0 : ROW_ATTEMPTS) |
                       (beyond ? ROW_BEYOND : 0));
    at = put(at, names);
    if (ours) {
        memcpy(at, id, USAGE_ID_BYTES);
        at += USAGE_ID_BYTES;
    } else {
        at = put_text(at, row->request_id);
    }
    at = put_signed(at, row->ended_unix_ms - p->ended_ms);
    at = put_known(at, row->first_byte_ms);
    at = put_known(at, row->duration_ms);
    at = put_known(at, row->charged);
    if (!alone) {
        at = put(at, row->attempt_count);
        at = put(at, row->kept);
    }
    for (uint32_t i = 0; i < row->kept; i++) {
        const struct usage_attempt *a = &row->attempts[i];

        at = put(at, whos[i]);
        if (!alone)
            at = put(at, a->number);
        at = put_tokens(at, &a->tokens);
        at = put_known(at, a->cost_nano);
        at = put_known(at, a->duration_ms);
    }
    if (beyond)
        at = put_tokens(at, &row->beyond);
    p->used = (size_t)(at - p->bytes);
    p->rows++;
    p->ended_ms = row->ended_unix_ms;
    if (row->ended_unix_ms < p->since_ms)
        p->since_ms = row->ended_unix_ms;
    if (row->ended_unix_ms > p->until_ms)
        p->until_ms = row->ended_unix_ms;
}

/* --- reading --------------------------------------------------------------------------------- */

struct reading {
    const uint8_t *at, *end;
    bool bad; /* then whatever is read is 0 or empty */
};

static uint64_t get(struct reading *r)
{
    uint64_t n = 0;

    for (unsigned shift = 0; r->at < r->end && shift < 64; shift += 7) {
        uint8_t byte = *r->at++;

        n |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return n;
    }
    r->bad = true;
    r->at = r->end;
    return 0;
}

static int64_t get_signed(struct reading *r)
{
    uint64_t n = get(r);

    return (int64_t)(n >> 1 ^ -(n & 1));
}

static int64_t get_known(struct reading *r)
{
    uint64_t n = get(r);

    r->bad = r->bad || n > (uint64_t)INT64_MAX + 1;
    return r->bad || n == 0 ? -1 : (int64_t)(n - 1);
}

static uint32_t get_below(struct reading *r, uint64_t limit)
{
    uint64_t n = get(r);

    r->bad = r->bad || n >= limit;
    return r->bad ? 0 : (uint32_t)n;
}

static struct usage_tokens get_tokens(struct reading *r)
{
    struct usage_tokens t;

    t.in = get_known(r);
    t.out = get_known(r);
    t.cache_read = get_known(r);
    t.cache_write = get_known(r);
    t.reasoning = get_known(r);
    return t;
}

static struct str get_bytes(struct reading *r, size_t len)
{
    struct str bytes = { (const char *)r->at, len };

    if ((size_t)(r->end - r->at) < len) {
        r->bad = true;
        r->at = r->end;
        return STR("");
    }
    r->at += len;
    return bytes;
}

static struct str get_text(struct reading *r)
{
    return get_bytes(r, get_below(r, USAGE_NAME_MAX + 1));
}

static struct usage_names *get_names(struct reading *r, struct arena *a)
{
    struct usage_names *n = arena_new(a, struct usage_names);
    struct str *const texts[] = { &n->key,   &n->client, &n->protocol,
                                  &n->model, &n->mapped, &n->ending };
    uint32_t flags = get_below(r, 8);

    n->stream = flags & NAMES_STREAM;
    n->complete = flags & NAMES_COMPLETE;
    n->free = flags & NAMES_FREE;
    n->status = (int)get_below(r, STATUS_END);
    for (size_t i = 0; i < COUNT(texts); i++)
        *texts[i] = get_text(r);
    return n;
}

static struct usage_who *get_who(struct reading *r, struct arena *a)
{
    struct usage_who *w = arena_new(a, struct usage_who);

    w->account = get_signed(r);
    w->status = (int)get_below(r, STATUS_END);
    w->label = get_text(r);
    w->provider = get_text(r);
    w->verdict = get_text(r);
    return w;
}

static struct str get_id(struct reading *r, bool plain, struct arena *a)
{
    static const char digits[] = "0123456789abcdef";

    if (plain)
        return get_text(r);
    struct str bytes = get_bytes(r, USAGE_ID_BYTES);
    char *id = arena_alloc(a, USAGE_ID_TEXT), *at = id + ID_PREFIX.len;

    memcpy(id, ID_PREFIX.at, ID_PREFIX.len);
    for (size_t i = 0; i < bytes.len; i++) {
        *at++ = digits[(uint8_t)bytes.at[i] >> 4];
        *at++ = digits[(uint8_t)bytes.at[i] & 15];
    }
    return (struct str){ id, (size_t)(at - id) };
}

/* What was named so far in a pack. */
struct named {
    struct usage_names **names;
    struct usage_who **whos;
    size_t name_count, who_count;
};

static void get_row(struct reading *r, unsigned tag, const struct named *named, int64_t *ended_ms,
                    struct arena *a, struct usage_row *row)
{
    uint32_t names = get_below(r, named->name_count);

    *row = (struct usage_row){ .names = r->bad ? NULL : named->names[names],
                               .attempt_count = 1,
                               .kept = 1 };
    row->request_id = get_id(r, tag & ROW_ID_PLAIN, a);
    *ended_ms = (int64_t)((uint64_t)*ended_ms + (uint64_t)get_signed(r));
    row->ended_unix_ms = *ended_ms;
    row->first_byte_ms = get_known(r);
    row->duration_ms = get_known(r);
    row->charged = get_known(r);
    if (tag & ROW_ATTEMPTS) {
        row->attempt_count = get_below(r, UINT32_MAX);
        row->kept = get_below(r, USAGE_ATTEMPTS_MAX + 1);
    }
    if (row->kept > 0)
        row->attempts = arena_array(a, struct usage_attempt, row->kept);
    for (uint32_t i = 0; i < row->kept && !r->bad; i++) {
        struct usage_attempt *attempt = &row->attempts[i];
        uint32_t who = get_below(r, named->who_count);

        attempt->who = r->bad ? NULL : named->whos[who];
        attempt->number = tag & ROW_ATTEMPTS ? get_below(r, UINT32_MAX) : 1;
        attempt->tokens = get_tokens(r);
        attempt->cost_nano = get_known(r);
        attempt->duration_ms = get_known(r);
    }
    if (tag & ROW_BEYOND)
        row->beyond = get_tokens(r);
}

bool pack_read(struct str bytes, struct arena *a, struct usage_row **rows, size_t *count)
{
    /* the least that they take */
    enum { NAMES_MIN = 9, WHO_MIN = 6, ROW_MIN = 8 };
    struct reading r = { (const uint8_t *)bytes.at, (const uint8_t *)bytes.at + bytes.len, false };
    struct named named = { .names = arena_array(a, struct usage_names *, bytes.len / NAMES_MIN + 1),
                           .whos = arena_array(a, struct usage_who *, bytes.len / WHO_MIN + 1) };
    int64_t ended_ms = 0;

    *count = 0;
    *rows = arena_alloc_raw(a, (bytes.len / ROW_MIN + 1) * sizeof(**rows));
    if (get_below(&r, PACK_VERSION + 1) != PACK_VERSION)
        return false;
    while (r.at < r.end && !r.bad) {
        uint8_t tag = *r.at++;

        switch (tag & TAG_MASK) {
        case TAG_NAMES:
            named.names[named.name_count++] = get_names(&r, a);
            break;
        case TAG_WHO:
            named.whos[named.who_count++] = get_who(&r, a);
            break;
        case TAG_ROW:
            get_row(&r, tag, &named, &ended_ms, a, &(*rows)[(*count)++]);
            break;
        default:
            r.bad = true;
        }
    }
    return !r.bad;
}
