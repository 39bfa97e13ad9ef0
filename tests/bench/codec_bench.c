/*
 * How fast the byte-level half of lib/codec is, on one core, by CPU time. Run by hand: `make bench-programs`, then
 * build/bench/codec_bench. Takes about ten seconds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "block.h"
#include "chunker.h"
#include "digest.h"
#include "limits.h"

#define BYTES (16u << 20)
#define SECONDS 0.5

static uint8_t *bytes, *text;
static volatile uint8_t sink;

static double
cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Calls run(arg) until half a second is spent. Returns calls a second. */
static double
rate(void (*run)(void *arg), void *arg)
{
	double start, end;
	long calls = 0;

	run(arg);
	start = cpu();
	do {
		run(arg);
		calls++;
		end = cpu();
	} while (end - start < SECONDS);
	return (double)calls / (end - start);
}

static void
run_digest(void *arg)
{
	uint8_t out[DIGEST_MAX];

	digest_once(*(enum digest_kind *)arg, bytes, BYTES, out);
	sink = out[0];
}

static void
run_small(void *arg)
{
	uint8_t out[DIGEST_MAX];

	(void)arg;
	for (int i = 0; i < 1000; i++) {
		digest_md5(bytes, 4096, out);
		digest_sha256(bytes, 4096, out);
	}
	sink = out[0];
}

static void
run_hmac(void *arg)
{
	uint8_t out[SHA256_SIZE];

	for (int i = 0; i < 1000; i++)
		hmac_key_sign(arg, bytes, 200, out);
	sink = out[0];
}

static void
run_hmac_once(void *arg)
{
	uint8_t out[SHA256_SIZE];

	(void)arg;
	for (int i = 0; i < 1000; i++)
		hmac_sha256("secret", 6, bytes, 200, out);
	sink = out[0];
}

static void
run_crc64_portable(void *arg)
{
	(void)arg;
	sink = (uint8_t)crc64nvme_portable(0, bytes, BYTES);
}

static void
run_chunker(void *arg)
{
	struct chunker *c = arg;
	bool cut;

	chunker_reset(c);
	for (size_t at = 0; at < BYTES;)
		at += chunker_scan(c, bytes + at, BYTES - at, &cut);
}

static struct block_ctx ctx;

static void
run_pack(void *arg)
{
	static uint8_t out[BLOCK_SIZE];
	const uint8_t *from = *(uint8_t **)arg;

	for (size_t at = 0; at < BYTES; at += BLOCK_SIZE)
		sink = (uint8_t)block_pack(&ctx, from + at, BLOCK_SIZE, out);
}

static void
run_unpack(void *arg)
{
	static uint8_t packed[BLOCK_SIZE], out[BLOCK_SIZE];
	size_t n = block_pack(&ctx, text, BLOCK_SIZE, packed);

	(void)arg;
	for (size_t at = 0; at < BYTES; at += BLOCK_SIZE)
		sink = (uint8_t)block_unpack(&ctx, packed, n, out, BLOCK_SIZE);
}

static void
fill(void)
{
	static const char *words[] = { "the ", "segment ", "of a ", "chunk\n", "holds ", "0 ", "bytes ", "and " };
	uint64_t s = 88172645463325252u;
	size_t at = 0;

	for (size_t i = 0; i < BYTES; i++) {
		s ^= s << 13;
		s ^= s >> 7;
		s ^= s << 17;
		bytes[i] = (uint8_t)s;
	}
	while (at < BYTES)
		for (const char *w = words[bytes[at] & 7]; *w && at < BYTES; w++)
			text[at++] = (uint8_t)*w;
}

static void
print_rate(const char *what, double calls)
{
	printf("%-28s %8.2f GB/s\n", what, calls * BYTES / 1e9);
}

int
main(void)
{
	struct hmac_key key;
	struct chunker c;

	bytes = malloc(BYTES);
	text = malloc(BYTES);
	if (!bytes || !text || chunker_init(&c, CHUNK_MIN, CHUNK_AVG, CHUNK_MAX))
		return 1;
	fill();
	for (enum digest_kind kind = 0; kind < DIGEST_KINDS_; kind++)
		print_rate(digest_name(kind), rate(run_digest, &kind));
	print_rate("CRC64NVME by tables", rate(run_crc64_portable, NULL));
	print_rate("chunker", rate(run_chunker, &c));
	print_rate("pack text", rate(run_pack, &text));
	print_rate("pack random bytes", rate(run_pack, &bytes));
	print_rate("unpack text", rate(run_unpack, NULL));
	printf("%-28s %8.2f us\n", "MD5 and SHA256 of 4 KiB", 1e3 / rate(run_small, NULL));
	hmac_key_init(&key, "secret", 6);
	printf("%-28s %8.2f M/s\n", "HMAC-SHA256, prepared key", rate(run_hmac, &key) / 1e3);
	printf("%-28s %8.2f M/s\n", "HMAC-SHA256, one-shot", rate(run_hmac_once, NULL) / 1e3);
	block_ctx_release(&ctx);
	free(bytes);
	free(text);
	return 0;
}
