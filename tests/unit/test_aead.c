#include <stdint.h>

#include "aead.h"
#include "err.h"
#include "str.h"
#include "test.h"

static const uint8_t key[AEAD_KEY_SIZE] = { 1, 2, 3 };

static void
test_round_trip(void)
{
	static uint8_t plain[70000], sealed[AEAD_SEALED_SIZE(70000)], back[70000];
	static const size_t lens[] = { 1, 15, 16, 17, 40, 70000 };

	for (size_t i = 0; i < sizeof(plain); i++)
		plain[i] = (uint8_t)(i * 31);
	for (size_t k = 0; k < sizeof(lens) / sizeof(*lens); k++) {
		memset(back, 0, sizeof(back));
		CHECK_INT(0, aead_seal(key, "row 7", 5, plain, lens[k], sealed));
		CHECK_INT(0, aead_open(key, "row 7", 5, sealed, AEAD_SEALED_SIZE(lens[k]), back));
		CHECK_MEM(plain, back, lens[k]);
	}
	CHECK_INT(0, aead_seal(key, NULL, 0, NULL, 0, sealed));
	CHECK_INT(0, aead_open(key, NULL, 0, sealed, AEAD_SEALED_SIZE(0), NULL));
}

/* Test case 14 of the GCM specification: a zero key, nonce and block, so that it is this cipher and no other. */
static void
test_known_answer(void)
{
	uint8_t zero_key[AEAD_KEY_SIZE] = { 0 }, sealed[AEAD_SEALED_SIZE(16)], plain[16], zeros[16] = { 0 };

	CHECK_INT(0, hex_decode("000000000000000000000000"
				"cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919",
			 88, sealed, sizeof(sealed)));
	memset(plain, 1, sizeof(plain));
	CHECK_INT(0, aead_open(zero_key, NULL, 0, sealed, sizeof(sealed), plain));
	CHECK_MEM(zeros, plain, 16);
}

/* Any changed bit, any cut, another key and another row: refused, and nothing of the plain text is left. */
static void
test_refusals(void)
{
	uint8_t sealed[AEAD_SEALED_SIZE(9)], plain[9], other[AEAD_KEY_SIZE] = { 9 }, zeros[9] = { 0 };

	CHECK_INT(0, aead_seal(key, "a", 1, "secret!!!", 9, sealed));
	for (size_t bit = 0; bit < 8 * sizeof(sealed); bit++) {
		sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
		memset(plain, 7, sizeof(plain));
		CHECK_INT(ERR_CORRUPT, aead_open(key, "a", 1, sealed, sizeof(sealed), plain));
		CHECK_MEM(zeros, plain, sizeof(plain));
		sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t len = 0; len < sizeof(sealed); len++)
		CHECK_INT(ERR_CORRUPT, aead_open(key, "a", 1, sealed, len, plain));
	CHECK_INT(ERR_CORRUPT, aead_open(other, "a", 1, sealed, sizeof(sealed), plain));
	CHECK_INT(ERR_CORRUPT, aead_open(key, "b", 1, sealed, sizeof(sealed), plain));
	CHECK_INT(ERR_CORRUPT, aead_open(key, NULL, 0, sealed, sizeof(sealed), plain));
	CHECK_INT(0, aead_open(key, "a", 1, sealed, sizeof(sealed), plain));
}

static void
test_nonces_differ(void)
{
	uint8_t a[AEAD_SEALED_SIZE(4)], b[AEAD_SEALED_SIZE(4)];

	CHECK_INT(0, aead_seal(key, NULL, 0, "same", 4, a));
	CHECK_INT(0, aead_seal(key, NULL, 0, "same", 4, b));
	CHECK(memcmp(a, b, AEAD_NONCE_SIZE));
	CHECK(memcmp(a + AEAD_NONCE_SIZE, b + AEAD_NONCE_SIZE, 4));
	CHECK_INT(ERR_TOOBIG, aead_seal(key, NULL, 0, NULL, (size_t)AEAD_LEN_MAX + 1, a));
}

static const struct test tests[] = {
	TEST(test_round_trip), TEST(test_known_answer), TEST(test_refusals), TEST(test_nonces_differ), TEST_END
};
TEST_MAIN(tests)
