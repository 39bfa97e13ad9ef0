#ifndef CODEC_DIGEST_H
#define CODEC_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crc.h"

/*
 * Hashes and checksums of streams, and HMAC. Only digest_new() can fail. A digest belongs to one thread at a
 * time; the one-shot functions are for any thread and allocate nothing.
 */
enum digest_kind { DIGEST_MD5, DIGEST_SHA1, DIGEST_SHA256, DIGEST_CRC32, DIGEST_CRC32C, DIGEST_CRC64NVME,
	DIGEST_KINDS_ };

#define DIGEST_MAX 32		/* bytes of the longest result */
#define MD5_SIZE 16
#define SHA1_SIZE 20
#define SHA256_SIZE 32

struct digest;

int digest_new(enum digest_kind kind, struct digest **d);	/* ERR_NOMEM */
void digest_free(struct digest *d);				/* NULL is fine */
void digest_reset(struct digest *d);				/* begins anew */
void digest_update(struct digest *d, const void *bytes, size_t len);
/*
 * Writes digest_size() bytes, CRCs as big-endian bytes (S3 shows them as base64 of those). After it the digest
 * must be reset before it is used again.
 */
void digest_final(struct digest *d, uint8_t *out);

size_t digest_size(enum digest_kind kind);	/* bytes of a result: 16, 20, 32, 4, 4, 8 */
const char *digest_name(enum digest_kind kind);	/* as S3 spells it: "MD5", "SHA1", "SHA256", "CRC32", "CRC32C", "CRC64NVME" */

void digest_once(enum digest_kind kind, const void *bytes, size_t len, uint8_t *out);
void digest_sha256(const void *bytes, size_t len, uint8_t out[SHA256_SIZE]);
void digest_md5(const void *bytes, size_t len, uint8_t out[MD5_SIZE]);

/* Whether digest_join() knows this kind: the CRCs. */
bool digest_joins(enum digest_kind kind);
/*
 * The checksum of a followed by b from each one's checksum (as digest_final() writes them) and the length of
 * b: what S3 calls FULL_OBJECT for multipart uploads. CRCs only. `out` may be `a`.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
 */
void digest_join(enum digest_kind kind, const uint8_t *a, const uint8_t *b, uint64_t blen, uint8_t *out);

/*
 * HMAC-SHA256 (RFC 2104) with the key's part done once. After hmac_key_init() the key is constant, and any
 * number of threads may sign with it. It is as secret as the key that it was made from: clear it after.
 */
struct hmac_key {
	uint64_t inner[14];
	uint64_t outer[14];
};

void hmac_key_init(struct hmac_key *k, const void *key, size_t keylen);
void hmac_key_sign(const struct hmac_key *k, const void *bytes, size_t len, uint8_t out[SHA256_SIZE]);
void hmac_key_clear(struct hmac_key *k);

void hmac_sha256(const void *key, size_t keylen, const void *bytes, size_t len, uint8_t out[SHA256_SIZE]);
/* For signature version 2 alone. */
void hmac_sha1(const void *key, size_t keylen, const void *bytes, size_t len, uint8_t out[SHA1_SIZE]);

#endif
