/*
 * OpenSSL's plain hash functions rather than its EVP interface: their state is a few words that can be placed on the
 * stack and copied, so that one-shot hashes and a prepared HMAC key need no allocation, cannot fail and can be shared by threads.
 * The code that hashes is the same.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/md5.h>
#include <openssl/sha.h>

#include "digest.h"
#include "err.h"

struct digest {
	enum digest_kind kind;
	union {
		MD5_CTX md5;
		SHA_CTX sha1;
		SHA256_CTX sha256;
		uint32_t crc32;
		uint64_t crc64;
	};
};

static const struct {
	const char *name;
	size_t size;
} kinds[DIGEST_KINDS_] = {
	[DIGEST_MD5] = { "MD5", MD5_SIZE },
	[DIGEST_SHA1] = { "SHA1", SHA1_SIZE },
	[DIGEST_SHA256] = { "SHA256", SHA256_SIZE },
	[DIGEST_CRC32] = { "CRC32", 4 },
	[DIGEST_CRC32C] = { "CRC32C", 4 },
	[DIGEST_CRC64NVME] = { "CRC64NVME", 8 },
};

size_t
digest_size(enum digest_kind kind)
{
	return kinds[kind].size;
}

const char *
digest_name(enum digest_kind kind)
{
	return kinds[kind].name;
}

static void
put_be(uint8_t *to, uint64_t value, int bytes)
{
	for (int i = bytes; i-- > 0; value >>= 8)
		to[i] = (uint8_t)value;
}

static uint64_t
get_be(const uint8_t *from, int bytes)
{
	uint64_t value = 0;

	for (int i = 0; i < bytes; i++)
		value = value << 8 | from[i];
	return value;
}

int
digest_new(enum digest_kind kind, struct digest **d)
{
	struct digest *made = malloc(sizeof(*made));

	if (!made)
		return ERR_NOMEM;
	made->kind = kind;
	digest_reset(made);
	*d = made;
	return 0;
}

void
digest_free(struct digest *d)
{
	free(d);
}

void
digest_reset(struct digest *d)
{
	switch (d->kind) {
	case DIGEST_MD5:
		MD5_Init(&d->md5);
		break;
	case DIGEST_SHA1:
		SHA1_Init(&d->sha1);
		break;
	case DIGEST_SHA256:
		SHA256_Init(&d->sha256);
		break;
	default:
		d->crc64 = 0;
		d->crc32 = 0;
	}
}

void
digest_update(struct digest *d, const void *bytes, size_t len)
{
	switch (d->kind) {
	case DIGEST_MD5:
		MD5_Update(&d->md5, bytes, len);
		break;
	case DIGEST_SHA1:
		SHA1_Update(&d->sha1, bytes, len);
		break;
	case DIGEST_SHA256:
		SHA256_Update(&d->sha256, bytes, len);
		break;
	case DIGEST_CRC32:
		d->crc32 = crc32_seeded(d->crc32, bytes, len);
		break;
	case DIGEST_CRC32C:
		d->crc32 = crc32c_seeded(d->crc32, bytes, len);
		break;
	case DIGEST_CRC64NVME:
		d->crc64 = crc64nvme_seeded(d->crc64, bytes, len);
		break;
	case DIGEST_KINDS_:
		break;
	}
}

void
digest_final(struct digest *d, uint8_t *out)
{
	switch (d->kind) {
	case DIGEST_MD5:
		MD5_Final(out, &d->md5);
		break;
	case DIGEST_SHA1:
		SHA1_Final(out, &d->sha1);
		break;
	case DIGEST_SHA256:
		SHA256_Final(out, &d->sha256);
		break;
	case DIGEST_CRC64NVME:
		put_be(out, d->crc64, 8);
		break;
	default:
		put_be(out, d->crc32, 4);
	}
}

void
digest_once(enum digest_kind kind, const void *bytes, size_t len, uint8_t *out)
{
	struct digest d = { .kind = kind };

	digest_reset(&d);
	digest_update(&d, bytes, len);
	digest_final(&d, out);
}

void
digest_sha256(const void *bytes, size_t len, uint8_t out[SHA256_SIZE])
{
	digest_once(DIGEST_SHA256, bytes, len, out);
}

void
digest_md5(const void *bytes, size_t len, uint8_t out[MD5_SIZE])
{
	digest_once(DIGEST_MD5, bytes, len, out);
}

bool
digest_joins(enum digest_kind kind)
{
	return kind == DIGEST_CRC32 || kind == DIGEST_CRC32C || kind == DIGEST_CRC64NVME;
}

void
digest_join(enum digest_kind kind, const uint8_t *a, const uint8_t *b, uint64_t blen, uint8_t *out)
{
	int size = (int)digest_size(kind);
	uint64_t first = get_be(a, size), second = get_be(b, size);

	assert(digest_joins(kind));
	if (kind == DIGEST_CRC64NVME)
		first = crc64nvme_join(first, second, blen);
	else if (kind == DIGEST_CRC32C)
		first = crc32c_join((uint32_t)first, (uint32_t)second, blen);
	else
		first = crc32_join((uint32_t)first, (uint32_t)second, blen);
	put_be(out, first, size);
}

/* Both hashes of the HMAC work in blocks of 64 bytes. */
#define HMAC_BLOCK 64

/* Makes the block of the inner hash: the key, or its hash if it is longer, with zeros behind, mixed with 0x36. */
static void
hmac_block(enum digest_kind kind, const void *key, size_t keylen, uint8_t block[HMAC_BLOCK])
{
	memset(block, 0, HMAC_BLOCK);
	if (keylen > HMAC_BLOCK)
		digest_once(kind, key, keylen, block);
	else if (keylen > 0)
		memcpy(block, key, keylen);
	for (int i = 0; i < HMAC_BLOCK; i++)
		block[i] ^= 0x36;
}

/* From the inner hash's block to the outer one's. */
static void
hmac_block_outer(uint8_t block[HMAC_BLOCK])
{
	for (int i = 0; i < HMAC_BLOCK; i++)
		block[i] ^= 0x36 ^ 0x5c;
}

void
hmac_key_init(struct hmac_key *k, const void *key, size_t keylen)
{
	uint8_t block[HMAC_BLOCK];
	SHA256_CTX hash;

	_Static_assert(sizeof(k->inner) == sizeof(hash) && sizeof(k->outer) == sizeof(hash), "see digest.h");
	hmac_block(DIGEST_SHA256, key, keylen, block);
	SHA256_Init(&hash);
	SHA256_Update(&hash, block, sizeof(block));
	memcpy(k->inner, &hash, sizeof(hash));
	hmac_block_outer(block);
	SHA256_Init(&hash);
	SHA256_Update(&hash, block, sizeof(block));
	memcpy(k->outer, &hash, sizeof(hash));
	explicit_bzero(block, sizeof(block));
	explicit_bzero(&hash, sizeof(hash));
}

void
hmac_key_sign(const struct hmac_key *k, const void *bytes, size_t len, uint8_t out[SHA256_SIZE])
{
	uint8_t inner[SHA256_SIZE];
	SHA256_CTX hash;

	memcpy(&hash, k->inner, sizeof(hash));
	SHA256_Update(&hash, bytes, len);
	SHA256_Final(inner, &hash);
	memcpy(&hash, k->outer, sizeof(hash));
	SHA256_Update(&hash, inner, sizeof(inner));
	SHA256_Final(out, &hash);
}

void
hmac_key_clear(struct hmac_key *k)
{
	explicit_bzero(k, sizeof(*k));
}

void
hmac_sha256(const void *key, size_t keylen, const void *bytes, size_t len, uint8_t out[SHA256_SIZE])
{
	struct hmac_key k;

	hmac_key_init(&k, key, keylen);
	hmac_key_sign(&k, bytes, len, out);
	hmac_key_clear(&k);
}

void
hmac_sha1(const void *key, size_t keylen, const void *bytes, size_t len, uint8_t out[SHA1_SIZE])
{
	uint8_t block[HMAC_BLOCK], inner[SHA1_SIZE];
	SHA_CTX hash;

	hmac_block(DIGEST_SHA1, key, keylen, block);
	SHA1_Init(&hash);
	SHA1_Update(&hash, block, sizeof(block));
	SHA1_Update(&hash, bytes, len);
	SHA1_Final(inner, &hash);
	hmac_block_outer(block);
	SHA1_Init(&hash);
	SHA1_Update(&hash, block, sizeof(block));
	SHA1_Update(&hash, inner, sizeof(inner));
	SHA1_Final(out, &hash);
	explicit_bzero(block, sizeof(block));
}
