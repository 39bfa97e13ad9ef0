#include <time.h>

#include "digest.h"
#include "id.h"
#include "multihash.h"
#include "test.h"

#define LEN 300000

static uint8_t bytes[LEN];

/* Feeds all of `bytes` in pieces of about `piece`, chunks ending each `chunk` bytes, and compares everything. */
static void
compare(bool plain, bool md5, bool whole, size_t len, size_t piece, size_t chunk)
{
	uint8_t want[32], got_md5[16] = { 0 }, got_sha[32] = { 0 }, got[32];
	struct multihash m;
	size_t n, at, start = 0;

	CHECK_INT(0, plain ? multihash_init_plain(&m, md5, whole) : multihash_init(&m, md5, whole));
	for (at = 0; at < len; at += n) {
		n = piece < len - at ? piece : len - at;
		if (n > start + chunk - at)
			n = start + chunk - at;
		multihash_update(&m, bytes + at, n);
		if (at + n == start + chunk) {
			multihash_chunk_end(&m, got);
			digest_sha256(bytes + start, chunk, want);
			CHECK_MEM(want, got, 32);
			start += chunk;
		}
	}
	multihash_chunk_end(&m, got);
	digest_sha256(bytes + start, len - start, want);
	CHECK_MEM(want, got, 32);
	multihash_final(&m, got_md5, got_sha);
	if (md5) {
		digest_md5(bytes, len, want);
		CHECK_MEM(want, got_md5, 16);
	}
	if (whole) {
		digest_sha256(bytes, len, want);
		CHECK_MEM(want, got_sha, 32);
	}
	multihash_release(&m);
}

static void
test_every_length(void)
{
	random_bytes(bytes, LEN);
	for (size_t len = 0; len < 300 && !test_failed_; len++)
		for (int wanted = 0; wanted < 4 && !test_failed_; wanted++)
			compare(false, wanted & 1, wanted & 2, len, 1 + len % 67, 1 + len % 130);
}

static void
test_long(void)
{
	random_bytes(bytes, LEN);
	for (size_t piece = 1000; piece < LEN && !test_failed_; piece = piece * 3 + 1)
		for (int wanted = 0; wanted < 4 && !test_failed_; wanted++)
			compare(false, wanted & 1, wanted & 2, LEN - piece % 5, piece, 77777 + piece % 64);
}

static void
test_without_instructions(void)
{
	random_bytes(bytes, LEN);
	for (int wanted = 0; wanted < 4 && !test_failed_; wanted++)
		compare(true, wanted & 1, wanted & 2, LEN, 4096, 100001);
}

static void
test_speed(void)
{
	uint8_t md5[16], sha[32];
	struct multihash m;
	clock_t start;

	for (int plain = 0; plain < 2; plain++) {
		CHECK_INT(0, plain ? multihash_init_plain(&m, true, true) : multihash_init(&m, true, true));
		multihash_update(&m, bytes, 13);
		multihash_chunk_end(&m, sha);
		start = clock();
		for (int i = 0; i < 700; i++)
			for (size_t at = 0; at + 32768 <= LEN; at += 32768)
				multihash_update(&m, bytes + at, 32768);
		fprintf(stderr, "# %s: %.2f CPU-s per GB\n", plain ? "one after the other" : "interleaved",
		    (double)(clock() - start) / CLOCKS_PER_SEC / (700.0 * 9 * 32768 / 1e9));
		multihash_final(&m, md5, sha);
		multihash_release(&m);
	}
}

static const struct test tests[] = { TEST(test_every_length), TEST(test_long), TEST(test_without_instructions),
	TEST(test_speed), TEST_END };
TEST_MAIN(tests)
