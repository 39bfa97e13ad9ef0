#include <stdbool.h>
#include <stdint.h>

#include "block.h"
#include "err.h"
#include "limits.h"
#include "test.h"

static uint8_t raw[BLOCK_SIZE], packed[BLOCK_SIZE], back[BLOCK_SIZE];
static struct block_ctx ctx = BLOCK_CTX_INIT;

static void
fill_text(size_t len)
{
	static const char *words[] = { "the ", "segment ", "of ", "a ", "chunk ", "holds\n", "bytes ", "and " };
	uint32_t seed = 5;

	for (size_t at = 0; at < len;) {
		const char *w = words[(seed = seed * 1664525u + 1013904223u) >> 29];

		for (; *w && at < len; w++)
			raw[at++] = (uint8_t)*w;
	}
}

static void
fill_random(size_t len)
{
	uint64_t s = 88172645463325252u;

	for (size_t i = 0; i < len; i++) {
		s ^= s << 13;
		s ^= s >> 7;
		s ^= s << 17;
		raw[i] = (uint8_t)s;
	}
}

static void
test_round_trips(void)
{
	for (size_t len = 1; len <= BLOCK_SIZE; len = len < 200 ? len + 1 : len * 2 - (len < BLOCK_SIZE / 2)) {
		size_t n;

		fill_text(len);
		n = block_pack(&ctx, raw, len, packed);
		CHECK(n < len);
		CHECK(n <= len - len / 16);
		if (!n) {
			CHECK(len < 200);
			continue;
		}
		memset(back, 0, len);
		CHECK_INT(0, block_unpack(&ctx, packed, n, back, len));
		CHECK_MEM(raw, back, len);
	}
	fill_text(BLOCK_SIZE);
	CHECK(block_pack(&ctx, raw, BLOCK_SIZE, packed) < BLOCK_SIZE / 3);
	memset(raw, 0, sizeof(raw));
	CHECK(block_pack(&ctx, raw, BLOCK_SIZE, packed) < 100);
}

static void
test_does_not_pay(void)
{
	fill_random(BLOCK_SIZE);
	CHECK_INT(0, block_pack(&ctx, raw, BLOCK_SIZE, packed));
	CHECK_INT(0, block_pack(&ctx, raw, 4096, packed));
	CHECK_INT(0, block_pack(&ctx, raw, 1, packed));
	/* 1/32 of it can be saved, which is not enough; 1/8 is */
	memset(raw, 0, BLOCK_SIZE / 32);
	CHECK_INT(0, block_pack(&ctx, raw, BLOCK_SIZE, packed));
	memset(raw, 0, BLOCK_SIZE / 8);
	CHECK(block_pack(&ctx, raw, BLOCK_SIZE, packed) > 0);
}

/* Wrong sizes and damaged bytes are refused or come out different, never past the end of the buffer. */
static void
test_fails_closed(void)
{
	const size_t len = 5000;
	uint8_t *small = malloc(len);
	size_t n;

	fill_text(len);
	n = block_pack(&ctx, raw, len, packed);
	CHECK(n > 0);
	CHECK_INT(0, block_unpack(&ctx, packed, n, small, len));
	CHECK_INT(ERR_CORRUPT, block_unpack(&ctx, packed, n, small, len - 1));
	CHECK_INT(ERR_CORRUPT, block_unpack(&ctx, packed, n, back, len + 1));
	CHECK_INT(ERR_CORRUPT, block_unpack(&ctx, packed, n - 1, small, len));
	CHECK_INT(ERR_CORRUPT, block_unpack(&ctx, packed, 0, small, len));
	CHECK_INT(ERR_CORRUPT, block_unpack(&ctx, raw, 100, small, len));
	for (size_t i = 0; i < n; i++) {
		packed[i] ^= 0x55;
		(void)block_unpack(&ctx, packed, n, small, len);
		packed[i] ^= 0x55;
	}
	CHECK_INT(0, block_unpack(&ctx, packed, n, small, len));
	free(small);
	block_ctx_release(&ctx);
	block_ctx_release(&ctx);
}

/* Borrowed by one at a time; the last one given back is the next one taken. */
static void
test_borrowed_contexts(void)
{
	struct block_ctx *many[20], *again;
	uint8_t bytes[2000] = { 0 }, out[2000];

	for (int i = 0; i < 20; i++) {
		many[i] = block_ctx_take();
		CHECK(many[i] && block_pack(many[i], bytes, sizeof(bytes), out) > 0);
		for (int k = 0; k < i; k++)
			CHECK(many[i] != many[k]);
	}
	for (int i = 0; i < 5; i++)
		block_ctx_give(many[i]);
	again = block_ctx_take();
	CHECK(again == many[4]);
	block_ctx_give(again);
	for (int i = 5; i < 20; i++)
		block_ctx_give(many[i]);
	block_ctx_give(NULL);
	block_ctx_trim();
	block_ctx_trim();
}

static const struct test tests[] = {
	TEST(test_round_trips), TEST(test_does_not_pay), TEST(test_fails_closed), TEST(test_borrowed_contexts), TEST_END
};
TEST_MAIN(tests)
