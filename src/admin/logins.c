#include "admin/logins.h"

#include <stdio.h>

#include "base/base64.h"

#define TOKEN_BYTES 32

const char *login_by_word(enum login_by by)
{
    return by == LOGIN_BY_LINK ? "link" : "password";
}

void logins_init(struct logins *l)
{
    *l = (struct logins){ .idle_ms = LOGIN_IDLE_MS, .life_ms = LOGIN_LIFE_MS };
    int failed = pthread_mutex_init(&l->lock, NULL);

    assert(failed == 0);
}

void logins_clear(struct logins *l)
{
    pthread_mutex_destroy(&l->lock);
    wipe(l, sizeof(*l));
}

void logins_set_times(struct logins *l, int64_t idle_ms, int64_t life_ms)
{
    assert(idle_ms > 0 && idle_ms <= LOGIN_IDLE_MS && life_ms > 0 && life_ms <= LOGIN_LIFE_MS);
    pthread_mutex_lock(&l->lock);
    l->idle_ms = idle_ms;
    l->life_ms = life_ms;
    pthread_mutex_unlock(&l->lock);
}

static void token_make(char text[LOGIN_TOKEN_TEXT])
{
    struct buf b = { .max = LOGIN_TOKEN_TEXT };
    uint8_t bytes[TOKEN_BYTES];

    random_bytes(bytes, sizeof(bytes));
    bool good = base64_put(&b, (struct str){ (const char *)bytes, sizeof(bytes) }, BASE64_URL);

    assert(good && b.len == LOGIN_TOKEN_TEXT - 1);
    memcpy(text, b.at, b.len);
    text[b.len] = '\0';
    wipe(bytes, sizeof(bytes));
    wipe(b.at, b.len);
    buf_clear(&b);
}

static bool is_digest(const uint8_t a[SHA256_BYTES], const uint8_t b[SHA256_BYTES])
{
    return equal_in_constant_time((struct str){ (const char *)a, SHA256_BYTES },
                                  (struct str){ (const char *)b, SHA256_BYTES });
}

/* --- links */

void login_link_new(struct logins *l, int64_t now_ms, char token[LOGIN_TOKEN_TEXT])
{
    token_make(token);
    pthread_mutex_lock(&l->lock);
    struct login_link *place = &l->links[0];

    for (size_t i = 1; i < LOGIN_LINKS_MAX; i++)
        if (l->links[i].until_ms < place->until_ms)
            place = &l->links[i];
    place->until_ms = now_ms + LOGIN_LINK_MS;
    sha256(str_c(token), place->digest);
    pthread_mutex_unlock(&l->lock);
}

bool login_link_take(struct logins *l, struct str token, int64_t now_ms)
{
    uint8_t digest[SHA256_BYTES];
    bool found = false;

    sha256(token, digest);
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < LOGIN_LINKS_MAX; i++) {
        struct login_link *link = &l->links[i];

        if (link->until_ms > now_ms && is_digest(link->digest, digest)) {
            *link = (struct login_link){ .until_ms = 0 };
            found = true;
        }
    }
    pthread_mutex_unlock(&l->lock);
    return found;
}

/* --- logins */

static int64_t ends_ms(const struct logins *l, const struct login *o)
{
    return o->begun_ms + l->life_ms;
}

static bool lives(const struct logins *l, const struct login *o, int64_t now_ms)
{
    return o->number != 0 && now_ms < ends_ms(l, o) && now_ms - o->used_ms < l->idle_ms;
}

static struct login_view view_of(const struct logins *l, const struct login *o)
{
    struct login_view v = { .number = o->number, .by = o->by, .ends_ms = ends_ms(l, o) };

    memcpy(v.csrf, o->csrf, sizeof(v.csrf));
    return v;
}

/* A place that is free, or of a login that has ended, else that of the one used longest ago. */
static struct login *place_find(struct logins *l, int64_t now_ms)
{
    struct login *oldest = &l->of[0];

    for (size_t i = 0; i < LOGINS_MAX; i++) {
        if (!lives(l, &l->of[i], now_ms))
            return &l->of[i];
        if (l->of[i].used_ms < oldest->used_ms)
            oldest = &l->of[i];
    }
    return oldest;
}

void login_begin(struct logins *l, enum login_by by, int64_t now_ms, char token[LOGIN_TOKEN_TEXT],
                 struct login_view *view)
{
    token_make(token);
    pthread_mutex_lock(&l->lock);
    struct login *o = place_find(l, now_ms);

    *o = (struct login){ .number = ++l->last, .by = by, .begun_ms = now_ms, .used_ms = now_ms };
    sha256(str_c(token), o->digest);
    token_make(o->csrf);
    *view = view_of(l, o);
    pthread_mutex_unlock(&l->lock);
}

bool login_find(struct logins *l, struct str token, int64_t now_ms, struct login_view *view)
{
    uint8_t digest[SHA256_BYTES];
    struct login *found = NULL;

    if (token.len != LOGIN_TOKEN_TEXT - 1)
        return false;
    sha256(token, digest);
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < LOGINS_MAX; i++)
        if (lives(l, &l->of[i], now_ms) && is_digest(l->of[i].digest, digest))
            found = &l->of[i];
    if (found != NULL) {
        found->used_ms = now_ms;
        *view = view_of(l, found);
    }
    pthread_mutex_unlock(&l->lock);
    return found != NULL;
}

static struct login *numbered(struct logins *l, uint64_t number)
{
    for (size_t i = 0; number != 0 && i < LOGINS_MAX; i++)
        if (l->of[i].number == number)
            return &l->of[i];
    return NULL;
}

bool login_use(struct logins *l, uint64_t number, int64_t now_ms)
{
    pthread_mutex_lock(&l->lock);
    struct login *o = numbered(l, number);
    bool good = o != NULL && lives(l, o, now_ms);

    if (good)
        o->used_ms = now_ms;
    pthread_mutex_unlock(&l->lock);
    return good;
}

void login_end(struct logins *l, uint64_t number)
{
    pthread_mutex_lock(&l->lock);
    struct login *o = numbered(l, number);

    if (o != NULL)
        wipe(o, sizeof(*o));
    pthread_mutex_unlock(&l->lock);
}

void logins_end_all(struct logins *l)
{
    pthread_mutex_lock(&l->lock);
    wipe(l->of, sizeof(l->of));
    wipe(l->links, sizeof(l->links));
    pthread_mutex_unlock(&l->lock);
}

/* --- cookies */

void login_cookie_name(const struct address *local, char name[LOGIN_COOKIE_NAME])
{
    snprintf(name, LOGIN_COOKIE_NAME, "penstock_%u", local->port);
}

bool cookie_find(struct str field, struct str name, size_t n, struct str *value)
{
    struct str one, key, text;

    while (field.len > 0) {
        (void)str_cut(field, ';', &one, &field);
        if (str_cut(str_trim(one), '=', &key, &text) && str_eq(key, name) && n-- == 0) {
            *value = text;
            return true;
        }
    }
    return false;
}
