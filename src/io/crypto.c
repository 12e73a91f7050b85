/* io/crypto.c - OpenSSL for digests and sealing. (Random bytes: random.c, which simulated tests
 * replace.)
 *
 * OpenSSL 3 looks an algorithm up by name each time it is used unless it was fetched before, which
 * costs more than hashing a short text. So the two are fetched once for the process and never
 * freed: written under pthread_once(), immutable afterwards. */
#include "io/crypto.h"

#include <limits.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/log.h"

#define NONCE_BYTES 12
#define TAG_BYTES 16

_Static_assert(NONCE_BYTES + TAG_BYTES == SEAL_EXTRA, "what lies around a sealed text");

static pthread_once_t fetched = PTHREAD_ONCE_INIT;
static EVP_MD *sha256_algorithm;
static EVP_CIPHER *seal_algorithm;

__attribute__((noreturn)) static void crypto_die(const char *what)
{
    log_error("OpenSSL cannot do what everything rests on", F_C("what", what));
    abort();
}

static void fetch_once(void)
{
    sha256_algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
    seal_algorithm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    if (sha256_algorithm == NULL || seal_algorithm == NULL)
        crypto_die("SHA-256 and AES-256-GCM");
}

void sha256(struct str bytes, uint8_t out[SHA256_BYTES])
{
    pthread_once(&fetched, fetch_once);
    if (EVP_Digest(bytes.at, bytes.len, out, NULL, sha256_algorithm, NULL) != 1)
        crypto_die("SHA-256");
}

void sha1(struct str bytes, uint8_t out[SHA1_BYTES])
{
    if (EVP_Digest(bytes.at, bytes.len, out, NULL, EVP_sha1(), NULL) != 1)
        crypto_die("SHA-1");
}

/* AES-256-GCM of `in` into `out`, one way or the other. Opening checks `tag`, sealing sets it. */
static bool gcm(bool sealing, const uint8_t key[SEAL_KEY_BYTES], const uint8_t nonce[NONCE_BYTES],
                struct str bound, struct str in, uint8_t *out, uint8_t tag[TAG_BYTES])
{
    pthread_once(&fetched, fetch_once);

    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int len = 0;
    bool ok = c != NULL && bound.len <= INT_MAX && in.len <= INT_MAX - TAG_BYTES &&
              EVP_CipherInit_ex2(c, seal_algorithm, key, nonce, sealing, NULL) == 1;

    if (ok && bound.len > 0)
        ok = EVP_CipherUpdate(c, NULL, &len, (const uint8_t *)bound.at, (int)bound.len) == 1;
    if (ok && in.len > 0)
        ok = EVP_CipherUpdate(c, out, &len, (const uint8_t *)in.at, (int)in.len) == 1;
    if (ok && !sealing)
        ok = EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) == 1;
    ok = ok && EVP_CipherFinal_ex(c, out + in.len, &len) == 1;
    if (ok && sealing)
        ok = EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, tag) == 1;
    EVP_CIPHER_CTX_free(c);
    return ok;
}

bool seal(const uint8_t key[SEAL_KEY_BYTES], struct str plain, struct str bound, struct buf *out)
{
    size_t need;
    char *at;

    if (!add_checked(plain.len, SEAL_EXTRA, &need) || plain.len > INT_MAX / 2 ||
        (at = buf_reserve(out, need)) == NULL)
        return false;

    uint8_t *nonce = (uint8_t *)at;
    uint8_t *text = nonce + NONCE_BYTES;

    random_bytes(nonce, NONCE_BYTES);
    if (!gcm(true, key, nonce, bound, plain, text, text + plain.len))
        crypto_die("AES-256-GCM");
    buf_commit(out, need);
    return true;
}

bool seal_open(const uint8_t key[SEAL_KEY_BYTES], struct str sealed, struct str bound,
               struct secret *plain)
{
    if (sealed.len < SEAL_EXTRA)
        return false;

    const uint8_t *nonce = (const uint8_t *)sealed.at;
    size_t len = sealed.len - SEAL_EXTRA;
    struct str text = { sealed.at + NONCE_BYTES, len };
    uint8_t tag[TAG_BYTES];
    uint8_t *out = must_alloc(len + 1);

    memcpy(tag, text.at + len, TAG_BYTES);

    bool ok = gcm(false, key, nonce, bound, text, out, tag);

    if (ok)
        *plain = secret_copy((struct str){ (const char *)out, len });
    wipe(out, len);
    free(out);
    return ok;
}

void passphrase_key(struct str passphrase, struct str salt, uint8_t key[SEAL_KEY_BYTES])
{
    const uint64_t n = 1 << 16, r = 8, p = 1;
    const uint64_t memory_max = (uint64_t)80 << 20; /* 64 MiB and what OpenSSL adds */

    if (EVP_PBE_scrypt(passphrase.at, passphrase.len, (const uint8_t *)salt.at, salt.len, n, r, p,
                       memory_max, key, SEAL_KEY_BYTES) != 1)
        crypto_die("scrypt");
}
