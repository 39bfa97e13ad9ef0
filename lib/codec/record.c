#include <assert.h>
#include <string.h>

#include "crc.h"
#include "err.h"
#include "le.h"
#include "record.h"

#define VERSION 1
#define PACKED 0x80000000u

static const uint8_t file_magic[8] = { 'F', 'S', 'D', 'S', 'E', 'G', 'M', '\n' };
static const uint8_t record_magic[4] = { 'R', 'e', 'c', '\n' };
static const uint8_t index_magic[8] = { 'F', 'S', 'D', 'I', 'N', 'D', 'X', '\n' };

static size_t
aligned(size_t size)
{
	return (size + RECORD_ALIGN - 1) / RECORD_ALIGN * RECORD_ALIGN;
}

void
record_file_encode(const struct record_file *f, uint8_t out[RECORD_FILE_HEADER_SIZE])
{
	memset(out, 0, RECORD_FILE_HEADER_SIZE);
	memcpy(out, file_magic, sizeof(file_magic));
	le_put32(out + 8, VERSION);
	memcpy(out + 16, f->store, sizeof(f->store));
	le_put64(out + 32, f->segment);
	le_put32(out + 44, crc32c_seeded(0, out, 44));
}

int
record_file_decode(const uint8_t bytes[RECORD_FILE_HEADER_SIZE], struct record_file *f)
{
	if (memcmp(bytes, file_magic, sizeof(file_magic)) || le_get32(bytes + 44) != crc32c_seeded(0, bytes, 44))
		return ERR_CORRUPT;
	if (le_get32(bytes + 8) > VERSION)
		return ERR_VERSION;
	if (le_get32(bytes + 8) != VERSION || le_get32(bytes + 12) != 0 || le_get32(bytes + 40) != 0 ||
	    le_get64(bytes + 32) == 0)
		return ERR_CORRUPT;
	memcpy(f->store, bytes + 16, sizeof(f->store));
	f->segment = le_get64(bytes + 32);
	return 0;
}

uint32_t
record_blocks(uint32_t raw)
{
	return raw / BLOCK_SIZE + (raw % BLOCK_SIZE != 0);
}

uint32_t
record_block_raw(uint32_t raw, uint32_t i)
{
	uint32_t behind = raw - i * BLOCK_SIZE;

	return behind < BLOCK_SIZE ? behind : BLOCK_SIZE;
}

static uint32_t
header_crc(const uint8_t *header)
{
	return crc32c_seeded(crc32c_seeded(0, header + 16, 16), header, 76);
}

/* Whether a block of `raw` bytes can be stored so: what does not shrink is not packed. */
static bool
block_fits(const struct record_block *b, uint32_t raw)
{
	return b->packed ? b->stored > 0 && b->stored < raw : b->stored == raw;
}

size_t
record_encode(const struct record_file *f, uint64_t offset, const uint8_t id[32], uint32_t raw,
    const struct record_block *blocks, uint8_t *out)
{
	uint32_t count = record_blocks(raw), stored = 0, crc;
	uint8_t *table = out + RECORD_HEADER_SIZE;

	assert(raw > 0 && raw <= CHUNK_MAX && offset % RECORD_ALIGN == 0 && f->segment > 0);
	for (uint32_t i = 0; i < count; i++) {
		assert(block_fits(&blocks[i], record_block_raw(raw, i)));
		le_put32(table + 8 * i, blocks[i].stored | (blocks[i].packed ? PACKED : 0));
		le_put32(table + 8 * i + 4, blocks[i].crc);
		stored += blocks[i].stored;
	}
	memcpy(out, record_magic, sizeof(record_magic));
	le_put32(out + 4, VERSION);	/* and flags and the two zero bytes */
	memcpy(out + 8, f->store, 8);
	le_put64(out + 16, f->segment);
	le_put64(out + 24, offset);
	memcpy(out + 32, id, 32);
	le_put32(out + 64, raw);
	le_put32(out + 68, count);
	le_put32(out + 72, stored);
	crc = header_crc(out);
	le_put32(out + 76, crc);
	le_put32(table + 8 * count, crc32c_seeded(crc, table, 8 * count));
	return RECORD_HEADER_SIZE + RECORD_TABLE_SIZE(count);
}

int
record_decode(const struct record_file *f, uint64_t offset, const uint8_t bytes[RECORD_HEADER_SIZE],
    struct record *r)
{
	uint32_t raw = le_get32(bytes + 64), stored = le_get32(bytes + 72);

	if (memcmp(bytes, record_magic, sizeof(record_magic)) || le_get32(bytes + 76) != header_crc(bytes))
		return ERR_CORRUPT;
	if (memcmp(bytes + 8, f->store, 8) || le_get64(bytes + 16) != f->segment || le_get64(bytes + 24) != offset)
		return ERR_CORRUPT;
	if (bytes[4] > VERSION)
		return ERR_VERSION;
	if (le_get32(bytes + 4) != VERSION || offset % RECORD_ALIGN)
		return ERR_CORRUPT;
	if (raw == 0 || raw > CHUNK_MAX || le_get32(bytes + 68) != record_blocks(raw) || stored == 0 || stored > raw)
		return ERR_CORRUPT;
	*r = (struct record) {
		.offset = offset, .raw = raw, .blocks = record_blocks(raw), .stored = stored,
		.crc = le_get32(bytes + 76)
	};
	memcpy(r->id, bytes + 32, sizeof(r->id));
	return 0;
}

int
record_decode_table(const struct record *r, const uint8_t *bytes, struct record_block *blocks)
{
	uint32_t sum = 0;

	if (le_get32(bytes + 8 * r->blocks) != crc32c_seeded(r->crc, bytes, 8 * r->blocks))
		return ERR_CORRUPT;
	for (uint32_t i = 0; i < r->blocks; i++) {
		uint32_t stored = le_get32(bytes + 8 * i);
		struct record_block b = {
			.stored = stored & ~PACKED, .packed = stored & PACKED, .crc = le_get32(bytes + 8 * i + 4)
		};

		if (!block_fits(&b, record_block_raw(r->raw, i)))
			return ERR_CORRUPT;
		blocks[i] = b;
		sum += b.stored;	/* at most RECORD_BLOCKS_MAX * BLOCK_SIZE */
	}
	return sum == r->stored ? 0 : ERR_CORRUPT;
}

size_t
record_data_start(const struct record *r)
{
	return RECORD_HEADER_SIZE + RECORD_TABLE_SIZE(r->blocks);
}

size_t
record_size(const struct record *r)
{
	return aligned(record_data_start(r) + r->stored);
}

int
record_span(const struct record *r, const struct record_block *blocks, uint32_t from, uint32_t len,
    struct record_span *span)
{
	struct record_span s;
	uint32_t last;

	if (len == 0 || from >= r->raw || len > r->raw - from)
		return ERR_RANGE;
	last = (from + len - 1) / BLOCK_SIZE;
	s = (struct record_span) {
		.first = from / BLOCK_SIZE, .start = record_data_start(r), .skip = from % BLOCK_SIZE
	};
	s.count = last - s.first + 1;
	for (uint32_t i = 0; i < s.first; i++)
		s.start += blocks[i].stored;
	for (uint32_t i = s.first; i <= last; i++)
		s.stored += blocks[i].stored;
	*span = s;
	return 0;
}

int
record_block_check(const struct record_block *b, const void *stored)
{
	return crc32c_seeded(0, stored, b->stored) == b->crc ? 0 : ERR_CORRUPT;
}

void
record_entry_encode(const struct record_entry *e, uint8_t out[RECORD_ENTRY_SIZE])
{
	memcpy(out, e->id, 32);
	le_put64(out + 32, e->offset);
	le_put32(out + 40, e->size);
	le_put32(out + 44, e->raw);
}

void
record_entry_decode(const uint8_t bytes[RECORD_ENTRY_SIZE], struct record_entry *e)
{
	memcpy(e->id, bytes, 32);
	e->offset = le_get64(bytes + 32);
	e->size = le_get32(bytes + 40);
	e->raw = le_get32(bytes + 44);
}

void
record_trailer_encode(const struct record_file *f, uint64_t index, const uint8_t *entries, uint32_t count,
    uint8_t out[RECORD_TRAILER_SIZE])
{
	assert(index % RECORD_ALIGN == 0 && index >= RECORD_FILE_HEADER_SIZE);
	memcpy(out, f->store, 8);
	le_put64(out + 8, f->segment);
	le_put64(out + 16, index);
	le_put32(out + 24, count);
	le_put32(out + 28, crc32c_seeded(0, entries, (size_t)count * RECORD_ENTRY_SIZE));
	le_put32(out + 32, VERSION);
	le_put32(out + 36, crc32c_seeded(0, out, 36));
	memcpy(out + 40, index_magic, sizeof(index_magic));
}

int
record_trailer_decode(const struct record_file *f, uint64_t file_size, const uint8_t bytes[RECORD_TRAILER_SIZE],
    struct record_trailer *t)
{
	uint64_t index = le_get64(bytes + 16), behind = RECORD_TRAILER_SIZE;
	uint32_t count = le_get32(bytes + 24), version = le_get32(bytes + 32);

	if (memcmp(bytes + 40, index_magic, sizeof(index_magic)))
		return ERR_NOTFOUND;
	if (le_get32(bytes + 36) != crc32c_seeded(0, bytes, 36))
		return ERR_CORRUPT;
	if (memcmp(bytes, f->store, 8) || le_get64(bytes + 8) != f->segment)
		return ERR_CORRUPT;
	if (version > VERSION)
		return ERR_VERSION;
	behind += (uint64_t)count * RECORD_ENTRY_SIZE;
	if (version != VERSION || index % RECORD_ALIGN || index < RECORD_FILE_HEADER_SIZE || behind > file_size ||
	    index != file_size - behind)
		return ERR_CORRUPT;
	*t = (struct record_trailer) { .index = index, .count = count, .crc = le_get32(bytes + 28) };
	return 0;
}

int
record_index_check(const struct record_trailer *t, const uint8_t *entries)
{
	const uint32_t least = aligned(RECORD_HEADER_SIZE + RECORD_TABLE_SIZE(1) + 1);
	uint64_t end = RECORD_FILE_HEADER_SIZE;
	struct record_entry e;

	if (t->crc != crc32c_seeded(0, entries, (size_t)t->count * RECORD_ENTRY_SIZE))
		return ERR_CORRUPT;
	for (uint32_t i = 0; i < t->count; i++) {
		record_entry_decode(entries + (size_t)i * RECORD_ENTRY_SIZE, &e);
		if (e.offset < end || e.offset % RECORD_ALIGN || e.size % RECORD_ALIGN || e.size < least ||
		    e.raw == 0 || e.raw > CHUNK_MAX || e.offset > t->index || e.size > t->index - e.offset)
			return ERR_CORRUPT;
		end = e.offset + e.size;
	}
	return 0;
}
