/* io/crypto.h - random bytes, digests and sealing, all by OpenSSL.
 * Threads: any. */
#ifndef PENSTOCK_IO_CRYPTO_H
#define PENSTOCK_IO_CRYPTO_H

#include "base/buf.h"
#include "base/secret.h"

#define SHA256_BYTES 32
#define SEAL_KEY_BYTES 32
#define SEAL_EXTRA 28 /* nonce and tag around the sealed text */

/* Never fails: without random bytes the process ends. */
void random_bytes(void *at, size_t len);
uint64_t random_u64(void);

void sha256(struct str bytes, uint8_t out[SHA256_BYTES]);
/* For what a protocol prescribes (the handshake of WebSockets), never for security. */
#define SHA1_BYTES 20
void sha1(struct str bytes, uint8_t out[SHA1_BYTES]);

/* AES-256-GCM with a random nonce; `bound` is authenticated with it (which row and column it
 * belongs to). The result is nonce, text, tag. False: out is full. */
bool seal(const uint8_t key[SEAL_KEY_BYTES], struct str plain, struct str bound, struct buf *out);
/* False: not sealed with this key and `bound`, or damaged. */
bool seal_open(const uint8_t key[SEAL_KEY_BYTES], struct str sealed, struct str bound,
               struct secret *plain);
/* scrypt (N 2^16, r 8, p 1: 64 MiB) of a passphrase. */
void passphrase_key(struct str passphrase, struct str salt, uint8_t key[SEAL_KEY_BYTES]);

#endif
