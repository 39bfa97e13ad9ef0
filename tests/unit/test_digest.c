#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "digest.h"
#include "str.h"
#include "test.h"

/* bytes that look random and are the same every time */
static void
fill(uint8_t *to, size_t len, uint32_t seed)
{
	for (size_t i = 0; i < len; i++) {
		seed = seed * 1664525u + 1013904223u;
		to[i] = (uint8_t)(seed >> 24);
	}
}

static const char *
hex(const uint8_t *bytes, size_t len)
{
	static char text[2 * DIGEST_MAX + 1];

	hex_encode(bytes, len, text);
	return text;
}

/* RFC 1321, FIPS 180-4, and the check values of the CRC catalogue. */
static const struct {
	enum digest_kind kind;
	const char *in, *out;
} known[] = {
	{ DIGEST_MD5, "", "d41d8cd98f00b204e9800998ecf8427e" },
	{ DIGEST_MD5, "abc", "900150983cd24fb0d6963f7d28e17f72" },
	{ DIGEST_SHA1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d" },
	{ DIGEST_SHA256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ DIGEST_SHA256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ DIGEST_CRC32, "", "00000000" },
	{ DIGEST_CRC32, "123456789", "cbf43926" },
	{ DIGEST_CRC32C, "", "00000000" },
	{ DIGEST_CRC32C, "123456789", "e3069283" },
	{ DIGEST_CRC64NVME, "", "0000000000000000" },
	{ DIGEST_CRC64NVME, "123456789", "ae8b14860a799888" },
};

static void
test_known_answers(void)
{
	uint8_t out[DIGEST_MAX];

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		digest_once(known[i].kind, known[i].in, strlen(known[i].in), out);
		CHECK_STR(known[i].out, hex(out, digest_size(known[i].kind)));
	}
	digest_md5("abc", 3, out);
	CHECK_STR("900150983cd24fb0d6963f7d28e17f72", hex(out, MD5_SIZE));
	digest_sha256("abc", 3, out);
	CHECK_STR("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", hex(out, SHA256_SIZE));
}

/* RFC 3720, B.4, and the NVM command set specification, figure "64b CRC test cases": 4 KiB of one byte. */
static void
test_known_crcs_of_pages(void)
{
	uint8_t page[4096];

	memset(page, 0, sizeof(page));
	CHECK(crc32c_seeded(0, page, 32) == 0x8a9136aa);
	CHECK(crc64nvme_seeded(0, page, sizeof(page)) == 0x6482d367eb22b64e);
	memset(page, 0xff, sizeof(page));
	CHECK(crc32c_seeded(0, page, 32) == 0x62a8ab43);
	CHECK(crc64nvme_seeded(0, page, sizeof(page)) == 0xc0ddba7302eca3ac);
}

/* However the bytes are split, and however often the digest is used again, the result is that of one call. */
static void
test_streams(void)
{
	static uint8_t bytes[10000];
	uint8_t want[DIGEST_MAX], got[DIGEST_MAX];
	struct digest *d = NULL;

	fill(bytes, sizeof(bytes), 1);
	for (int kind = 0; kind < DIGEST_KINDS_; kind++) {
		digest_once(kind, bytes, sizeof(bytes), want);
		CHECK_INT(0, digest_new(kind, &d));
		for (size_t piece = 1; piece < 9000; piece = piece * 3 + 1) {
			digest_reset(d);
			for (size_t at = 0; at < sizeof(bytes); at += piece)
				digest_update(d, bytes + at,
				    sizeof(bytes) - at < piece ? sizeof(bytes) - at : piece);
			digest_final(d, got);
			CHECK_MEM(want, got, digest_size(kind));
		}
		digest_free(d);
	}
	digest_free(NULL);
}

/* Bit by bit, as the definition has it. */
static uint64_t
crc64_slow(uint64_t crc, const uint8_t *p, size_t len)
{
	crc = ~crc;
	for (size_t i = 0; i < len; i++) {
		crc ^= p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (crc & 1) ? (crc >> 1) ^ 0x9a6c9329ac4bc9b5u : crc >> 1;
	}
	return ~crc;
}

/* Every length around the steps of the fast paths, at every alignment, with a seed. */
static void
test_crc64_paths_agree(void)
{
	static uint8_t bytes[1100];

	fill(bytes, sizeof(bytes), 2);
	for (size_t from = 0; from < 16; from++)
		for (size_t len = 0; len < 1000; len += len < 300 ? 1 : 37) {
			uint64_t want = crc64_slow(from * 77, bytes + from, len);

			CHECK(crc64nvme_seeded(from * 77, bytes + from, len) == want);
			CHECK(crc64nvme_portable(from * 77, bytes + from, len) == want);
		}
}

static void
test_joins(void)
{
	static const enum digest_kind crcs[] = { DIGEST_CRC32, DIGEST_CRC32C, DIGEST_CRC64NVME };
	static uint8_t bytes[70000];
	uint8_t a[DIGEST_MAX], b[DIGEST_MAX], want[DIGEST_MAX];

	fill(bytes, sizeof(bytes), 3);
	for (size_t k = 0; k < 3; k++) {
		CHECK(digest_joins(crcs[k]));
		digest_once(crcs[k], bytes, sizeof(bytes), want);
		for (size_t at = 0; at <= sizeof(bytes); at += 6999 + at % 3) {
			digest_once(crcs[k], bytes, at, a);
			digest_once(crcs[k], bytes + at, sizeof(bytes) - at, b);
			digest_join(crcs[k], a, b, sizeof(bytes) - at, a);
			CHECK_MEM(want, a, digest_size(crcs[k]));
		}
		/* nothing behind, nothing before */
		digest_once(crcs[k], NULL, 0, a);
		digest_join(crcs[k], want, a, 0, b);
		CHECK_MEM(want, b, digest_size(crcs[k]));
		digest_join(crcs[k], a, want, sizeof(bytes), b);
		CHECK_MEM(want, b, digest_size(crcs[k]));
	}
	CHECK(!digest_joins(DIGEST_MD5) && !digest_joins(DIGEST_SHA256) && !digest_joins(DIGEST_SHA1));
}

/* Lengths that no test can hash: 2^40 zeros are 2^20 times 2^20 zeros. */
static void
test_joins_long(void)
{
	static uint8_t zeros[1 << 20];
	uint32_t mib = crc32c_seeded(0, zeros, sizeof(zeros)), tib = mib;
	uint64_t mib64 = crc64nvme_seeded(0, zeros, sizeof(zeros)), tib64 = mib64;

	for (uint64_t have = 1 << 20; have < 1ull << 40; have *= 2) {
		tib = crc32c_join(tib, tib, have);
		tib64 = crc64nvme_join(tib64, tib64, have);
	}
	CHECK(crc32c_join(mib, tib, 1ull << 40) == crc32c_join(tib, mib, 1 << 20));
	CHECK(crc64nvme_join(mib64, tib64, 1ull << 40) == crc64nvme_join(tib64, mib64, 1 << 20));
}

/* RFC 4231, cases 1, 2, 3, 6, 7; RFC 2202 for SHA-1, cases 1, 2 and 6. */
static void
test_hmac(void)
{
	uint8_t key[131], data[50], out[DIGEST_MAX];
	const char *six = "Test Using Larger Than Block-Size Key - Hash Key First";
	const char *seven = "This is a test using a larger than block-size key and a larger than block-size data. "
			    "The key needs to be hashed before being used by the HMAC algorithm.";

	memset(key, 0x0b, 20);
	hmac_sha256(key, 20, "Hi There", 8, out);
	CHECK_STR("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7", hex(out, 32));
	hmac_sha1(key, 20, "Hi There", 8, out);
	CHECK_STR("b617318655057264e28bc0b6fb378c8ef146be00", hex(out, 20));
	hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, out);
	CHECK_STR("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", hex(out, 32));
	hmac_sha1("Jefe", 4, "what do ya want for nothing?", 28, out);
	CHECK_STR("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79", hex(out, 20));
	memset(key, 0xaa, sizeof(key));
	memset(data, 0xdd, sizeof(data));
	hmac_sha256(key, 20, data, 50, out);
	CHECK_STR("773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe", hex(out, 32));
	hmac_sha256(key, 131, six, strlen(six), out);
	CHECK_STR("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54", hex(out, 32));
	hmac_sha256(key, 131, seven, strlen(seven), out);
	CHECK_STR("9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2", hex(out, 32));
	hmac_sha1(key, 80, six, strlen(six), out);
	CHECK_STR("aa4ae5e15272d00e95705637ce8a3b55ed402112", hex(out, 20));
	hmac_sha256(NULL, 0, NULL, 0, out);
	CHECK_STR("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad", hex(out, 32));
}

static void *
sign_often(void *arg)
{
	uint8_t out[SHA256_SIZE], want[SHA256_SIZE];

	hmac_sha256("secret", 6, "text", 4, want);
	for (int i = 0; i < 2000; i++) {
		hmac_key_sign(arg, "text", 4, out);
		if (memcmp(want, out, sizeof(out)))
			return arg;
	}
	return NULL;
}

static void
test_hmac_key_is_shared(void)
{
	struct hmac_key key, none = { 0 };
	pthread_t threads[4];
	void *failed = NULL, *one;

	hmac_key_init(&key, "secret", 6);
	for (int i = 0; i < 4; i++)
		if (pthread_create(&threads[i], NULL, sign_often, &key))
			abort();
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], &one);
		failed = one ? one : failed;
	}
	CHECK(!failed);
	hmac_key_clear(&key);
	CHECK_MEM(&none, &key, sizeof(key));
}

static void
test_names(void)
{
	CHECK_STR("MD5", digest_name(DIGEST_MD5));
	CHECK_STR("CRC64NVME", digest_name(DIGEST_CRC64NVME));
	CHECK_INT(8, digest_size(DIGEST_CRC64NVME));
}

static const struct test tests[] = {
	TEST(test_known_answers), TEST(test_known_crcs_of_pages), TEST(test_streams), TEST(test_crc64_paths_agree),
	TEST(test_joins), TEST(test_joins_long), TEST(test_hmac), TEST(test_hmac_key_is_shared), TEST(test_names),
	TEST_END
};
TEST_MAIN(tests)
