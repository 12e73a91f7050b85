/* A Cookie field: every pair that is found stands in it as `name=value`, in order, and the n-th one
 * is behind the one before. What is no token of a login never opens one. */
#include <stdlib.h>

#include "admin/logins.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct str name = { "penstock_8045", 13 };
    struct str field = { (const char *)data, size }, value;
    const char *last = field.at;
    struct logins l;
    struct login_view view;
    char token[LOGIN_TOKEN_TEXT];

    logins_init(&l);
    login_begin(&l, LOGIN_BY_LINK, 1000, token, &view);
    for (size_t n = 0; cookie_find(field, name, n, &value); n++) {
        assert(value.at > last && value.at + value.len <= field.at + field.len);
        assert(value.at[-1] == '=' && memchr(value.at, ';', value.len) == NULL);
        assert((size_t)(value.at - field.at) > name.len &&
               memcmp(value.at - 1 - name.len, name.at, name.len) == 0);
        assert(!login_find(&l, value, 1000, &view));
        assert(!login_link_take(&l, value, 1000));
        last = value.at;
    }
    assert(login_find(&l, str_c(token), 1000, &view));
    logins_clear(&l);
    return 0;
}
