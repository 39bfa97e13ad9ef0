/*
 * The decoders of a segment's parts. The first byte chooses which. What is accepted must encode to the same bytes again.
 * The CRCs are tried as they came and then made right, since the fuzzer would hardly find one.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "crc.h"
#include "err.h"
#include "le.h"
#include "record.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const struct record_file file = { .store = "0123456789abcdef", .segment = 7 };
#define OFFSET 4096u

static void
try_file_header(const uint8_t *bytes)
{
	uint8_t again[RECORD_FILE_HEADER_SIZE];
	struct record_file f;

	if (record_file_decode(bytes, &f))
		return;
	record_file_encode(&f, again);
	assert(!memcmp(bytes, again, sizeof(again)));
}

static void
try_spans(const struct record *r, const struct record_block *blocks)
{
	struct record_span s;

	for (uint32_t from = 0; from < r->raw; from += r->raw / 3 + 1) {
		assert(record_span(r, blocks, from, r->raw - from, &s) == 0);
		assert(s.first + s.count == r->blocks);
		assert(s.start + s.stored == record_data_start(r) + r->stored);
		assert(record_span(r, blocks, from, r->raw - from + 1, &s) == ERR_RANGE);
	}
}

static void
try_record(const uint8_t *bytes, size_t len)
{
	struct record_block blocks[RECORD_BLOCKS_MAX];
	uint8_t again[RECORD_HEAD_MAX];
	struct record r;
	size_t n;

	if (len < RECORD_HEADER_SIZE || record_decode(&file, OFFSET, bytes, &r) || len < record_data_start(&r) ||
	    record_decode_table(&r, bytes + RECORD_HEADER_SIZE, blocks))
		return;
	n = record_encode(&file, OFFSET, r.id, r.raw, blocks, again);
	assert(n == record_data_start(&r) && !memcmp(bytes, again, n));
	try_spans(&r, blocks);
}

/* Makes the CRCs of a record right where there is room for them. */
static void
fix_record(uint8_t *bytes, size_t len)
{
	uint32_t crc, blocks;

	if (len < RECORD_HEADER_SIZE)
		return;
	memcpy(bytes + 8, file.store, 8);
	le_put64(bytes + 16, file.segment);
	le_put64(bytes + 24, OFFSET);
	crc = crc32c_seeded(crc32c_seeded(0, bytes + 16, 16), bytes, 76);
	le_put32(bytes + 76, crc);
	blocks = le_get32(bytes + 68);
	if (blocks > RECORD_BLOCKS_MAX || len < RECORD_HEADER_SIZE + RECORD_TABLE_SIZE(blocks))
		return;
	bytes += RECORD_HEADER_SIZE;
	le_put32(bytes + 8 * blocks, crc32c_seeded(crc, bytes, 8 * blocks));
}

/* `bytes` are an index and a trailer, the end of a file whose start is not there. */
static void
try_index(uint8_t *bytes, size_t len, int fix)
{
	uint8_t *trailer = bytes + len - RECORD_TRAILER_SIZE, again[RECORD_TRAILER_SIZE];
	struct record_trailer t;
	uint64_t size;

	if (len < RECORD_TRAILER_SIZE)
		return;
	size = le_get64(trailer + 16) + len;
	if (fix) {
		memcpy(trailer, file.store, 8);
		le_put64(trailer + 8, file.segment);
		le_put32(trailer + 24, (uint32_t)((len - RECORD_TRAILER_SIZE) / RECORD_ENTRY_SIZE));
		le_put32(trailer + 28, crc32c_seeded(0, bytes, len - RECORD_TRAILER_SIZE));
		le_put32(trailer + 36, crc32c_seeded(0, trailer, 36));
	}
	if (record_trailer_decode(&file, size, trailer, &t) || t.index != size - len)
		return;		/* it would point before these bytes */
	if (record_index_check(&t, bytes))
		return;
	record_trailer_encode(&file, t.index, bytes, t.count, again);
	assert(!memcmp(trailer, again, sizeof(again)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	uint8_t *copy;
	uint8_t which;

	if (len < 1 || len > 1 << 16)
		return 0;
	which = *bytes++;
	len--;
	if (!(copy = malloc(len ? len : 1)))
		return 0;
	memcpy(copy, bytes, len);
	if (which % 3 == 0 && len >= RECORD_FILE_HEADER_SIZE) {
		try_file_header(copy);
		le_put32(copy + 44, crc32c_seeded(0, copy, 44));
		try_file_header(copy);
	} else if (which % 3 == 1) {
		try_record(copy, len);
		fix_record(copy, len);
		try_record(copy, len);
	} else if (which % 3 == 2) {
		try_index(copy, len, 0);
		try_index(copy, len, 1);
	}
	free(copy);
	return 0;
}
