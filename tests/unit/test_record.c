#include <stdbool.h>
#include <stdint.h>

#include "crc.h"
#include "err.h"
#include "le.h"
#include "record.h"
#include "test.h"

static const struct record_file file = { .store = "0123456789abcdef", .segment = 7 };
static const uint8_t id[32] = { 0xaa, 0xbb };

/* Blocks of which every third is packed to a third. */
static void
make_blocks(uint32_t raw, struct record_block *b)
{
	for (uint32_t i = 0; i < record_blocks(raw); i++) {
		b[i] = (struct record_block) { .stored = record_block_raw(raw, i), .crc = i * 77 };
		if (i % 3 == 0 && b[i].stored > 3) {
			b[i].packed = true;
			b[i].stored /= 3;
		}
	}
}

static void
test_file_header(void)
{
	uint8_t bytes[RECORD_FILE_HEADER_SIZE], zeros[RECORD_FILE_HEADER_SIZE] = { 0 };
	struct record_file f = { 0 };

	record_file_encode(&file, bytes);
	CHECK_INT(0, record_file_decode(bytes, &f));
	CHECK_MEM(file.store, f.store, 16);
	CHECK_INT(7, f.segment);
	CHECK_INT(ERR_CORRUPT, record_file_decode(zeros, &f));
	for (size_t bit = 0; bit < 8 * sizeof(bytes); bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		CHECK_INT(ERR_CORRUPT, record_file_decode(bytes, &f));
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	le_put32(bytes + 8, 2);
	le_put32(bytes + 44, crc32c_seeded(0, bytes, 44));
	CHECK_INT(ERR_VERSION, record_file_decode(bytes, &f));
}

static void
test_block_arithmetic(void)
{
	CHECK_INT(1, record_blocks(1));
	CHECK_INT(1, record_blocks(BLOCK_SIZE));
	CHECK_INT(2, record_blocks(BLOCK_SIZE + 1));
	CHECK_INT(RECORD_BLOCKS_MAX, record_blocks(CHUNK_MAX));
	CHECK_INT(1, record_block_raw(BLOCK_SIZE + 1, 1));
	CHECK_INT(BLOCK_SIZE, record_block_raw(BLOCK_SIZE + 1, 0));
	CHECK_INT(BLOCK_SIZE, record_block_raw(2 * BLOCK_SIZE, 1));
}

static void
test_round_trips(void)
{
	static const uint32_t raws[] = { 1, 4096, 65535, 65536, 65537, 1000000, CHUNK_MAX - 1, CHUNK_MAX };
	struct record_block in[RECORD_BLOCKS_MAX], out[RECORD_BLOCKS_MAX];
	uint8_t bytes[RECORD_HEAD_MAX];
	struct record r;

	for (size_t k = 0; k < sizeof(raws) / sizeof(*raws); k++) {
		uint32_t sum = 0;
		size_t n;

		make_blocks(raws[k], in);
		n = record_encode(&file, 4096, id, raws[k], in, bytes);
		CHECK(n <= sizeof(bytes));
		CHECK_INT(0, record_decode(&file, 4096, bytes, &r));
		CHECK_INT(raws[k], r.raw);
		CHECK_INT(record_blocks(raws[k]), r.blocks);
		CHECK_MEM(id, r.id, 32);
		CHECK_INT(n, record_data_start(&r));
		CHECK_INT(0, record_decode_table(&r, bytes + RECORD_HEADER_SIZE, out));
		for (uint32_t i = 0; i < r.blocks; i++) {
			CHECK_INT(in[i].stored, out[i].stored);
			CHECK_INT(in[i].crc, out[i].crc);
			CHECK_INT(in[i].packed, out[i].packed);
			sum += in[i].stored;
		}
		CHECK_INT(sum, r.stored);
		CHECK_INT(0, record_size(&r) % RECORD_ALIGN);
		CHECK(record_size(&r) >= n + sum && record_size(&r) < n + sum + RECORD_ALIGN);
	}
}

/* What a small object costs beyond its bytes. */
static void
test_overhead(void)
{
	struct record_block b = { .stored = 4096 };
	uint8_t bytes[RECORD_HEAD_MAX];
	struct record r;

	record_encode(&file, 48, id, 4096, &b, bytes);
	CHECK_INT(0, record_decode(&file, 48, bytes, &r));
	CHECK_INT(4096 + 96, record_size(&r));
}

/* Zeros, any changed bit, another offset, segment or store: refused. */
static void
test_refusals(void)
{
	struct record_block b[2] = { { .stored = BLOCK_SIZE }, { .stored = 10, .packed = true } };
	uint8_t bytes[RECORD_HEAD_MAX], zeros[RECORD_HEADER_SIZE] = { 0 };
	struct record_file other = file;
	struct record r;
	size_t n = record_encode(&file, 4096, id, BLOCK_SIZE + 20, b, bytes);

	for (uint64_t at = 0; at < 64; at += 8)
		CHECK_INT(ERR_CORRUPT, record_decode(&file, at, zeros, &r));
	for (size_t bit = 0; bit < 8 * n; bit++) {
		struct record_block got[2];
		int rc;

		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (!(rc = record_decode(&file, 4096, bytes, &r)))
			rc = record_decode_table(&r, bytes + RECORD_HEADER_SIZE, got);
		CHECK_INT(ERR_CORRUPT, rc);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	CHECK_INT(ERR_CORRUPT, record_decode(&file, 4104, bytes, &r));
	other.segment = 8;
	CHECK_INT(ERR_CORRUPT, record_decode(&other, 4096, bytes, &r));
	other = file;
	other.store[0]++;
	CHECK_INT(ERR_CORRUPT, record_decode(&other, 4096, bytes, &r));
	CHECK_INT(0, record_decode(&file, 4096, bytes, &r));
}

/* Gives the header the CRC that belongs to it, and the table too. */
static void
fix_crcs(uint8_t *bytes, uint32_t blocks)
{
	uint8_t *table = bytes + RECORD_HEADER_SIZE;
	uint32_t crc = crc32c_seeded(crc32c_seeded(0, bytes + 16, 16), bytes, 76);

	le_put32(bytes + 76, crc);
	le_put32(table + 8 * blocks, crc32c_seeded(crc, table, 8 * blocks));
}

/* Right CRCs do not excuse lengths that cannot be. */
static void
test_bounds(void)
{
	static const struct {
		int at, bytes;
		uint64_t value;
		int rc;
	} wrong[] = {
		{ 4, 1, 2, ERR_VERSION }, { 4, 1, 0, ERR_CORRUPT }, { 5, 1, 1, ERR_CORRUPT }, { 6, 2, 1, ERR_CORRUPT },
		{ 64, 4, 0, ERR_CORRUPT }, { 64, 4, CHUNK_MAX + 1, ERR_CORRUPT }, { 64, 4, 0xffffffff, ERR_CORRUPT },
		{ 64, 4, BLOCK_SIZE, ERR_CORRUPT }, { 68, 4, 0, ERR_CORRUPT }, { 68, 4, 1, ERR_CORRUPT },
		{ 68, 4, 3, ERR_CORRUPT }, { 72, 4, 0, ERR_CORRUPT }, { 72, 4, 0xffffffff, ERR_CORRUPT },
		{ 72, 4, BLOCK_SIZE + 9, ERR_CORRUPT },		/* not the sum of the table */
		{ 80, 4, BLOCK_SIZE - 1, ERR_CORRUPT },		/* not packed, but shorter */
		{ 80, 4, BLOCK_SIZE + 1, ERR_CORRUPT },
		{ 80, 4, 0x80000000u | BLOCK_SIZE, ERR_CORRUPT },	/* packed, but no shorter */
		{ 88, 4, 0x80000000u, ERR_CORRUPT },		/* packed to nothing */
		{ 88, 4, 0xffffffffu, ERR_CORRUPT }, { 88, 4, 10, ERR_CORRUPT },
		{ 0, 4, 0, ERR_CORRUPT },
	};
	struct record_block b[2] = { { .stored = BLOCK_SIZE }, { .stored = 10, .packed = true } }, got[2];
	uint8_t bytes[RECORD_HEAD_MAX];
	struct record r;

	for (size_t k = 0; k < sizeof(wrong) / sizeof(*wrong); k++) {
		int rc;

		record_encode(&file, 4096, id, BLOCK_SIZE + 20, b, bytes);
		le_put(bytes + wrong[k].at, wrong[k].value, wrong[k].bytes);
		fix_crcs(bytes, 2);
		if (!(rc = record_decode(&file, 4096, bytes, &r)))
			rc = record_decode_table(&r, bytes + RECORD_HEADER_SIZE, got);
		if (rc != wrong[k].rc)
			fprintf(stderr, "# case %zu\n", k);
		CHECK_INT(wrong[k].rc, rc);
	}
}

/* One block more than any table has room for, and the number of blocks fits the length. */
static void
test_chunk_too_long(void)
{
	static struct record_block b[RECORD_BLOCKS_MAX];
	uint8_t bytes[RECORD_HEAD_MAX + 8];
	struct record r;

	make_blocks(CHUNK_MAX, b);
	record_encode(&file, 4096, id, CHUNK_MAX, b, bytes);
	le_put32(bytes + 64, CHUNK_MAX + 1);
	le_put32(bytes + 68, RECORD_BLOCKS_MAX + 1);
	fix_crcs(bytes, RECORD_BLOCKS_MAX + 1);
	CHECK_INT(ERR_CORRUPT, record_decode(&file, 4096, bytes, &r));
}

static void
test_spans(void)
{
	const uint32_t raw = 4 * BLOCK_SIZE + 100;
	struct record_block b[5];
	uint8_t bytes[RECORD_HEAD_MAX];
	struct record_span s;
	struct record r;
	size_t start;

	make_blocks(raw, b);
	start = record_encode(&file, 48, id, raw, b, bytes);
	CHECK_INT(0, record_decode(&file, 48, bytes, &r));

	CHECK_INT(0, record_span(&r, b, 0, raw, &s));
	CHECK(s.first == 0 && s.count == 5 && s.start == start && s.stored == r.stored && s.skip == 0);
	CHECK_INT(0, record_span(&r, b, BLOCK_SIZE - 1, 2, &s));
	CHECK(s.first == 0 && s.count == 2 && s.skip == BLOCK_SIZE - 1);
	CHECK(s.stored == b[0].stored + b[1].stored);
	CHECK_INT(0, record_span(&r, b, BLOCK_SIZE, BLOCK_SIZE, &s));
	CHECK(s.first == 1 && s.count == 1 && s.skip == 0 && s.start == start + b[0].stored);
	CHECK(s.stored == BLOCK_SIZE);
	CHECK_INT(0, record_span(&r, b, raw - 1, 1, &s));
	CHECK(s.first == 4 && s.count == 1 && s.skip == 99 && s.stored == 100);
	CHECK_INT(start + r.stored - 100, s.start);

	CHECK_INT(ERR_RANGE, record_span(&r, b, 0, 0, &s));
	CHECK_INT(ERR_RANGE, record_span(&r, b, raw, 1, &s));
	CHECK_INT(ERR_RANGE, record_span(&r, b, 1, raw, &s));
	CHECK_INT(ERR_RANGE, record_span(&r, b, 5, 0xffffffffu, &s));
}

static void
test_block_check(void)
{
	struct record_block b = { .stored = 5, .crc = crc32c_seeded(0, "bytes", 5) };

	CHECK_INT(0, record_block_check(&b, "bytes"));
	CHECK_INT(ERR_CORRUPT, record_block_check(&b, "bytez"));
}

#define ENTRIES 3
#define INDEX 10000u

/* An index of three records at `at[i]` of `size[i]` bytes. Returns the file's size. */
static uint64_t
make_index(const uint64_t *at, const uint32_t *size, uint8_t *entries, uint8_t *trailer)
{
	for (int i = 0; i < ENTRIES; i++) {
		struct record_entry e = { .offset = at[i], .size = size[i], .raw = 100 };

		e.id[0] = (uint8_t)i;
		record_entry_encode(&e, entries + i * RECORD_ENTRY_SIZE);
	}
	record_trailer_encode(&file, INDEX, entries, ENTRIES, trailer);
	return INDEX + ENTRIES * RECORD_ENTRY_SIZE + RECORD_TRAILER_SIZE;
}

static void
test_index(void)
{
	uint8_t entries[ENTRIES * RECORD_ENTRY_SIZE], trailer[RECORD_TRAILER_SIZE], zeros[RECORD_TRAILER_SIZE] = { 0 };
	uint64_t at[] = { 48, 248, 5000 }, end;
	uint32_t size[] = { 200, 1000, 5000 };
	struct record_file other = file;
	struct record_trailer t;
	struct record_entry e;

	end = make_index(at, size, entries, trailer);
	CHECK_INT(0, record_trailer_decode(&file, end, trailer, &t));
	CHECK(t.index == INDEX && t.count == ENTRIES);
	CHECK_INT(0, record_index_check(&t, entries));
	record_entry_decode(entries + 2 * RECORD_ENTRY_SIZE, &e);
	CHECK(e.id[0] == 2 && e.offset == 5000 && e.size == 5000 && e.raw == 100);

	CHECK_INT(ERR_NOTFOUND, record_trailer_decode(&file, end, zeros, &t));
	CHECK_INT(ERR_CORRUPT, record_trailer_decode(&file, end + 8, trailer, &t));
	CHECK_INT(ERR_CORRUPT, record_trailer_decode(&file, 40, trailer, &t));
	other.segment++;
	CHECK_INT(ERR_CORRUPT, record_trailer_decode(&other, end, trailer, &t));
	for (size_t bit = 0; bit < 8 * 40; bit++) {
		trailer[bit / 8] ^= (uint8_t)(1u << bit % 8);
		CHECK_INT(ERR_CORRUPT, record_trailer_decode(&file, end, trailer, &t));
		trailer[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	CHECK_INT(0, record_trailer_decode(&file, end, trailer, &t));
	for (size_t bit = 0; bit < 8 * sizeof(entries); bit++) {
		entries[bit / 8] ^= (uint8_t)(1u << bit % 8);
		CHECK_INT(ERR_CORRUPT, record_index_check(&t, entries));
		entries[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	record_trailer_encode(&file, 48, NULL, 0, trailer);
	CHECK_INT(0, record_trailer_decode(&file, 48 + RECORD_TRAILER_SIZE, trailer, &t));
	CHECK_INT(0, record_index_check(&t, NULL));
}

static void
test_index_bounds(void)
{
	static const struct {
		uint64_t at[ENTRIES];
		uint32_t size[ENTRIES];
	} wrong[] = {
		{ { 40, 248, 5000 }, { 200, 1000, 5000 } },	/* inside the file header */
		{ { 48, 240, 5000 }, { 200, 1000, 5000 } },	/* overlaps */
		{ { 248, 48, 5000 }, { 1000, 200, 5000 } },	/* out of order */
		{ { 48, 252, 5000 }, { 200, 1000, 5000 } },	/* not aligned */
		{ { 48, 248, 5000 }, { 200, 1001, 5000 } },
		{ { 48, 248, 5000 }, { 200, 1000, 5008 } },	/* runs into the index */
		{ { 48, 248, 5000 }, { 200, 88, 5000 } },	/* smaller than any record */
		{ { 48, 248, UINT64_MAX - 7 }, { 200, 1000, 5000 } },
	};
	uint8_t entries[ENTRIES * RECORD_ENTRY_SIZE], trailer[RECORD_TRAILER_SIZE];
	struct record_trailer t;

	for (size_t k = 0; k < sizeof(wrong) / sizeof(*wrong); k++) {
		uint64_t end = make_index(wrong[k].at, wrong[k].size, entries, trailer);

		CHECK_INT(0, record_trailer_decode(&file, end, trailer, &t));
		CHECK_INT(ERR_CORRUPT, record_index_check(&t, entries));
	}
}

static const struct test tests[] = {
	TEST(test_file_header), TEST(test_block_arithmetic), TEST(test_round_trips), TEST(test_overhead),
	TEST(test_refusals), TEST(test_bounds), TEST(test_chunk_too_long), TEST(test_spans), TEST(test_block_check), TEST(test_index),
	TEST(test_index_bounds), TEST_END
};
TEST_MAIN(tests)
