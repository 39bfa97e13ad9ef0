/*
 * How fast the byte-level half of lib/codec is, on one core, by CPU time. Run by hand: `make bench-programs`, then
 * build/bench/codec_bench. Takes about ten seconds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "block.h"
#include "chunker.h"
#include "clock.h"
#include "digest.h"
#include "id.h"
#include "json.h"
#include "limits.h"
#include "str.h"

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

#define ENTRIES 1000

static void
put_id(struct json_out *j, const char *key, enum id_kind kind, int64_t id)
{
	char value[ID_TEXT];

	id_format(kind, id, value);
	json_key_str(j, key, value);
}

static void
put_time(struct json_out *j, const char *key, int64_t us)
{
	char value[CLOCK_TEXT];

	clock_rfc3339(us, value);
	json_key_str(j, key, value);
}

/* What GET /v1/tree says of a file. */
static void
put_entry(struct json_out *j, int64_t n)
{
	const int64_t id = 0x51f3c0ffee0000 + n, us = 1795400000000000 + n;
	char hash[7 + 65] = "sha256:";

	json_object_begin(j);
	put_id(j, "id", ID_FILE, id);
	json_key_str(j, "kind", "file");
	put_id(j, "workspaceId", ID_WORKSPACE, id);
	put_id(j, "parentFolderId", ID_FOLDER, id);
	json_key_str(j, "name", "o000123456");
	json_key_bool(j, "syncable", true);
	json_key_str(j, "path", "d000123/o000123456");
	put_id(j, "versionId", ID_VERSION, id);
	json_key_uint(j, "sizeBytes", 4096);
	hex_encode(bytes + n, 32, hash + 7);
	json_key_str(j, "contentHash", hash);
	json_key_str(j, "etag", "620f0b67a91f7f74151bc5be745b7110");
	json_key_str(j, "contentType", "binary/octet-stream");
	json_key_str(j, "mtime", NULL);
	json_key_str(j, "mode", NULL);
	put_time(j, "modifiedAt", us);
	put_time(j, "createdAt", us);
	put_id(j, "createdBy", ID_USER, id);
	json_key_int(j, "sequence", n);
	json_object_end(j);
}

static void
run_json(void *arg)
{
	struct buf *out = arg;
	struct json_out j;

	buf_clear(out);
	json_out_init(&j, out, false);
	json_array_begin(&j);
	for (int64_t i = 0; i < ENTRIES; i++)
		put_entry(&j, i);
	json_array_end(&j);
	sink = (uint8_t)out->len;
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
	struct buf json = BUF_INIT(BYTES);
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
	printf("%-28s %8.2f us\n", "an entry of a tree as JSON", 1e6 / ENTRIES / rate(run_json, &json));
	buf_release(&json);
	block_ctx_release(&ctx);
	free(bytes);
	free(text);
	return 0;
}
