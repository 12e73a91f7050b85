/* admin/logins.h - browsers that have proven themselves, and the one-time links by which they do.
 *
 * A login is a random 256-bit token in a cookie, and a second one (CSRF) that the pages send with
 * every change: a foreign page can make a browser send the cookie, but cannot read the other. Here
 * only digests of tokens are kept. A login ends when nobody used it for half an hour, after twelve
 * hours (settings may say less), when its browser logs out, and when the password changes; none
 * outlives the process. Links serve once, within ten minutes. Threads: any (one lock).   Memory:
 * fixed; of many the one that was used longest ago makes room.
 */
#ifndef PENSTOCK_ADMIN_LOGINS_H
#define PENSTOCK_ADMIN_LOGINS_H

#include <pthread.h>

#include "io/crypto.h"
#include "io/socket.h"

#define LOGINS_MAX 64
#define LOGIN_LINKS_MAX 8
#define LOGIN_IDLE_MS (INT64_C(30) * 60 * 1000)
#define LOGIN_LIFE_MS (INT64_C(12) * 3600 * 1000)
#define LOGIN_LINK_MS (INT64_C(10) * 60 * 1000)
#define LOGIN_TOKEN_TEXT 44 /* 256 bits in base64url, and a NUL */

enum login_by { LOGIN_BY_LINK, LOGIN_BY_PASSWORD };
const char *login_by_word(enum login_by by); /* "link", "password" */

struct login {
    uint64_t number; /* 0: a free place */
    uint8_t digest[SHA256_BYTES];
    char csrf[LOGIN_TOKEN_TEXT];
    enum login_by by;
    int64_t begun_ms, used_ms;
};

struct login_link {
    uint8_t digest[SHA256_BYTES];
    int64_t until_ms; /* 0: a free place */
};

struct logins {
    pthread_mutex_t lock;
    int64_t idle_ms, life_ms; /* at most the two above */
    uint64_t last;
    struct login of[LOGINS_MAX];
    struct login_link links[LOGIN_LINKS_MAX];
};

void logins_init(struct logins *l);
void logins_clear(struct logins *l);
/* Also of those that there are. */
void logins_set_times(struct logins *l, int64_t idle_ms, int64_t life_ms);

void login_link_new(struct logins *l, int64_t now_ms, char token[LOGIN_TOKEN_TEXT]);
/* False: it is unknown, too old, or was used. */
bool login_link_take(struct logins *l, struct str token, int64_t now_ms);

/* What a caller may know of a login. */
struct login_view {
    uint64_t number;
    char csrf[LOGIN_TOKEN_TEXT];
    enum login_by by;
    int64_t ends_ms; /* at the latest */
};

void login_begin(struct logins *l, enum login_by by, int64_t now_ms, char token[LOGIN_TOKEN_TEXT],
                 struct login_view *view);
/* The login with this token, which is thereby used. */
bool login_find(struct logins *l, struct str token, int64_t now_ms, struct login_view *view);
/* Does it live? Then it is used. For what stays open, such as a stream of events. */
bool login_use(struct logins *l, uint64_t number, int64_t now_ms);
void login_end(struct logins *l, uint64_t number);
void logins_end_all(struct logins *l);

/* `penstock_8045`: cookies know no ports, and gateways at several of them must not take each
 * other's away. */
#define LOGIN_COOKIE_NAME 24
void login_cookie_name(const struct address *local, char name[LOGIN_COOKIE_NAME]);

#define LOGIN_COOKIES_MAX 8 /* of that name that are looked at */
/* The n-th cookie of that name in a Cookie field (from 0); a browser may send several, and which of
 * them is ours only the token tells. */
bool cookie_find(struct str field, struct str name, size_t n, struct str *value);

#endif
