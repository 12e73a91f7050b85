/* base/fingerprint.h - 128 bits that stand for a text: fast, the same on every machine and in every
 * run.
 *
 * Not for secrets: who chooses texts can find two with one fingerprint. One multiplication
 * for each 16 bytes, and for each 8 of a long text, four at a time with AVX2; a gigabyte takes a
 * twentieth of a second, where SHA-256 without help of the processor takes five. Threads: any,
 * pure. */
#ifndef PENSTOCK_BASE_FINGERPRINT_H
#define PENSTOCK_BASE_FINGERPRINT_H

#include "str.h"

struct fingerprint {
    uint64_t lane[2];
};

/* A zeroed struct begins; texts are added in turn, each with its length, so that their border
 * counts. */
void fingerprint_add(struct fingerprint *f, struct str text);
/* 16 bytes, least significant first. */
void fingerprint_bytes(const struct fingerprint *f, uint8_t out[16]);

#endif
