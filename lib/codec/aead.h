#ifndef CODEC_AEAD_H
#define CODEC_AEAD_H

#include <stddef.h>
#include <stdint.h>

/*
 * Secrets at rest: AES-256-GCM (NIST SP 800-38D) with a random nonce. What is sealed:
 *
 *	 0  12  nonce
 *	12   …  ciphertext, as long as the plain text
 *	 …  16  tag
 *
 * `ad` is bound to it without being in it (the row's id, so that a secret cannot be moved to another row); NULL and 0 for none.
 * One key may seal 2^32 times. Any thread.
 */
#define AEAD_KEY_SIZE 32
#define AEAD_NONCE_SIZE 12
#define AEAD_TAG_SIZE 16
#define AEAD_SEALED_SIZE(len) ((len) + AEAD_NONCE_SIZE + AEAD_TAG_SIZE)
#define AEAD_LEN_MAX (1u << 30)

/* Writes AEAD_SEALED_SIZE(len) bytes. ERR_NOMEM; ERR_TOOBIG if len or adlen is over AEAD_LEN_MAX. */
int aead_seal(const uint8_t key[AEAD_KEY_SIZE], const void *ad, size_t adlen, const void *plain, size_t len,
    uint8_t *sealed);

/*
 * Writes len - 28 bytes. ERR_CORRUPT if it was not sealed with this key and this `ad`, or is too short; `plain` is zeroed then.
 * ERR_NOMEM, ERR_TOOBIG.
 */
int aead_open(const uint8_t key[AEAD_KEY_SIZE], const void *ad, size_t adlen, const uint8_t *sealed, size_t len,
    void *plain);

#endif
