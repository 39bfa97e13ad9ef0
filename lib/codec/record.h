#ifndef CODEC_RECORD_H
#define CODEC_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "limits.h"

/*
 * What a segment file is made of. All numbers are little-endian; every CRC is CRC32C; "crc(seed, …)" goes on from
 * `seed` as crc32c_seeded() does. Offsets are from the start of the file.
 *
 *	file header, 48 bytes	records, each at a multiple of 8	index and trailer (sealed segments only)
 *
 * File header
 *	 0   8  magic "FSDSEGM\n"
 *	 8   4  format version, 1
 *	12   4  zero
 *	16  16  store id
 *	32   8  segment number, from 1
 *	40   4  zero
 *	44   4  crc(0, bytes 0–43)
 *
 * Record: header, 80 bytes
 *	 0   4  magic "Rec\n"
 *	 4   1  record version, 1
 *	 5   1  flags, 0 (none is defined)
 *	 6   2  zero
 *	 8   8  the first 8 bytes of the store id
 *	16   8  segment number
 *	24   8  offset of this record
 *	32  32  chunk id: SHA-256 of the raw bytes
 *	64   4  raw length, 1 to CHUNK_MAX
 *	68   4  number of blocks: raw length / BLOCK_SIZE, rounded up
 *	72   4  bytes of all stored blocks together
 *	76   4  crc(crc(0, bytes 16–31), bytes 0–75)
 * block table, 8 bytes a block and 4
 *	 0   4  stored length; the top bit says packed (zstd, block.h). Less than the raw length if packed, else equal
 *	 4   4  crc(0, the stored bytes)
 *	 …   4  behind the last entry: crc(the header's CRC, the entries)
 * the stored blocks, one behind the other, then zeros up to a multiple of 8. Every block but the last has BLOCK_SIZE raw bytes.
 * An all-zero header never validates, nor does one that was copied to another place.
 *
 * Index: one entry of 48 bytes a record, ascending by offset, written when the segment is sealed
 *	 0  32  chunk id
 *	32   8  offset of the record
 *	40   4  size of the record, with its header, table and padding
 *	44   4  raw length
 * trailer, 48 bytes, the last of the file
 *	 0   8  the first 8 bytes of the store id
 *	 8   8  segment number
 *	16   8  offset of the index
 *	24   4  number of entries
 *	28   4  crc(0, the entries)
 *	32   4  format version, 1
 *	36   4  crc(0, bytes 0–35)
 *	40   8  magic "FSDINDX\n"
 *
 * Decoders are strict: ERR_CORRUPT for anything that no encoder writes, ERR_VERSION for a later version whose
 * CRC is right. Pure; any thread.
 */
#define RECORD_FILE_HEADER_SIZE 48u
#define RECORD_HEADER_SIZE 80u
#define RECORD_ALIGN 8u
#define RECORD_BLOCKS_MAX (CHUNK_MAX / BLOCK_SIZE)
#define RECORD_TABLE_SIZE(blocks) ((blocks) * 8u + 4u)
#define RECORD_HEAD_MAX (RECORD_HEADER_SIZE + RECORD_TABLE_SIZE(RECORD_BLOCKS_MAX))	/* header and table */
#define RECORD_ENTRY_SIZE 48u
#define RECORD_TRAILER_SIZE 48u

/* Which segment of which store. */
struct record_file {
	uint8_t store[16];
	uint64_t segment;
};

struct record_block {
	uint32_t stored;	/* bytes on disk */
	uint32_t crc;		/* CRC32C of those */
	bool packed;
};

struct record {
	uint64_t offset;
	uint8_t id[32];
	uint32_t raw;
	uint32_t blocks;
	uint32_t stored;	/* of all blocks together */
	uint32_t crc;		/* the header's */
};

void record_file_encode(const struct record_file *f, uint8_t out[RECORD_FILE_HEADER_SIZE]);
/* Reads whose file it is; the caller compares. */
int record_file_decode(const uint8_t bytes[RECORD_FILE_HEADER_SIZE], struct record_file *f);

/* ceil(raw / BLOCK_SIZE), and how many raw bytes block `i` has. */
uint32_t record_blocks(uint32_t raw);
uint32_t record_block_raw(uint32_t raw, uint32_t i);

/*
 * Writes header and table of a record of record_blocks(raw) blocks to `out` and returns their size. The blocks' stored bytes
 * follow directly, then zeros up to record_size(). Sizes out of range are the caller's bug.
 */
size_t record_encode(const struct record_file *f, uint64_t offset, const uint8_t id[32], uint32_t raw,
    const struct record_block *blocks, uint8_t *out);

/* A header read at `offset` of file `f`. */
int record_decode(const struct record_file *f, uint64_t offset, const uint8_t bytes[RECORD_HEADER_SIZE],
    struct record *r);
/* The table behind it: RECORD_TABLE_SIZE(r->blocks) bytes, into r->blocks descriptors. */
int record_decode_table(const struct record *r, const uint8_t *bytes, struct record_block *blocks);

/* Bytes from the record's start to its blocks, and to the next record. */
size_t record_data_start(const struct record *r);
size_t record_size(const struct record *r);

/* Which blocks hold the raw bytes from `from`, `len` of them, and where they are. */
struct record_span {
	uint32_t first;		/* block */
	uint32_t count;
	size_t start;		/* of the first one's stored bytes, from the record's start */
	size_t stored;		/* bytes of all of them on disk */
	uint32_t skip;		/* raw bytes of the first block before `from` */
};

/* ERR_RANGE unless len > 0 and from + len <= r->raw. */
int record_span(const struct record *r, const struct record_block *blocks, uint32_t from, uint32_t len,
    struct record_span *span);

/* Whether `stored` are the bytes that the table announced: ERR_CORRUPT if not. `stored` has b->stored bytes. */
int record_block_check(const struct record_block *b, const void *stored);

struct record_entry {
	uint8_t id[32];
	uint64_t offset;
	uint32_t size;		/* record_size() */
	uint32_t raw;
};

struct record_trailer {
	uint64_t index;		/* offset */
	uint32_t count;
	uint32_t crc;
};

void record_entry_encode(const struct record_entry *e, uint8_t out[RECORD_ENTRY_SIZE]);
/* `entries` are all `count` entries encoded, to be written at offset `index`; the trailer goes right behind them. */
void record_trailer_encode(const struct record_file *f, uint64_t index, const uint8_t *entries, uint32_t count,
    uint8_t out[RECORD_TRAILER_SIZE]);

/* The last RECORD_TRAILER_SIZE bytes of a file of `file_size` bytes. ERR_NOTFOUND if it has no trailer (the magic is absent). */
int record_trailer_decode(const struct record_file *f, uint64_t file_size, const uint8_t bytes[RECORD_TRAILER_SIZE],
    struct record_trailer *t);
/* Checks the t->count * RECORD_ENTRY_SIZE bytes of the index as a whole: CRC, order, bounds. */
int record_index_check(const struct record_trailer *t, const uint8_t *entries);
/* One entry of an index that was checked. */
void record_entry_decode(const uint8_t bytes[RECORD_ENTRY_SIZE], struct record_entry *e);

#endif
