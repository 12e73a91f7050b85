/* io/random.c - random bytes by OpenSSL: a generator per thread, seeded by the system. */
#include <limits.h>
#include <openssl/rand.h>
#include <stdlib.h>

#include "base/log.h"
#include "io/crypto.h"

void random_bytes(void *at, size_t len)
{
    assert(len <= INT_MAX);
    if (RAND_bytes(at, (int)len) != 1) {
        log_error("no random bytes");
        abort();
    }
}

uint64_t random_u64(void)
{
    uint64_t number;

    random_bytes(&number, sizeof(number));
    return number;
}
