#include <stdbool.h>
#include <string.h>

#include "buf.h"
#include "crc.h"
#include "err.h"
#include "le.h"
#include "manifest.h"

#define MAGIC 'M'
#define VERSION 1
#define HEADER_SIZE 8u
#define CRC_SIZE 4u

static const struct {
	uint32_t least, most;	/* entries */
	size_t entry_size;
} kinds[] = {
	[MANIFEST_INLINE] = { 0, 1, MANIFEST_CHUNK_SIZE },
	[MANIFEST_LEAVES] = { 1, MANIFEST_LEAVES_MAX, MANIFEST_LEAF_SIZE },
	[MANIFEST_LEAF] = { 1, LEAF_CHUNKS, MANIFEST_CHUNK_SIZE },
};

static bool
chunk_valid(uint32_t bytes)
{
	return bytes > 0 && bytes <= CHUNK_MAX;
}

static bool
leaf_valid(int64_t id, uint64_t bytes, uint32_t chunks)
{
	return id > 0 && chunks > 0 && chunks <= LEAF_CHUNKS && bytes >= chunks &&
	    bytes <= (uint64_t)chunks * CHUNK_MAX;
}

void
manifest_begin(struct manifest_builder *b, enum manifest_kind kind, struct buf *out)
{
	const uint8_t header[HEADER_SIZE] = { MAGIC, VERSION, (uint8_t)kind };

	*b = (struct manifest_builder) { .out = out, .start = out->len, .kind = kind };
	buf_add(out, header, sizeof(header));
}

/* Whether one more entry with `bytes` of content may come. */
static bool
room(struct manifest_builder *b, uint64_t bytes)
{
	if (b->err)
		return false;
	if (b->count == kinds[b->kind].most || bytes > LIMIT_OBJECT - b->bytes) {
		b->err = ERR_TOOBIG;
		return false;
	}
	b->count++;
	b->bytes += bytes;
	return true;
}

void
manifest_add_chunk(struct manifest_builder *b, const uint8_t id[32], uint32_t bytes)
{
	if (!b->err && (b->kind == MANIFEST_LEAVES || !chunk_valid(bytes)))
		b->err = ERR_INVALID;
	if (!room(b, bytes))
		return;
	buf_add(b->out, id, 32);
	buf_addle(b->out, bytes, 4);
}

void
manifest_add_leaf(struct manifest_builder *b, int64_t id, uint64_t bytes, uint32_t chunks)
{
	if (!b->err && (b->kind != MANIFEST_LEAVES || !leaf_valid(id, bytes, chunks)))
		b->err = ERR_INVALID;
	if (!room(b, bytes))
		return;
	buf_addle(b->out, (uint64_t)id, 8);
	buf_addle(b->out, bytes, 8);
	buf_addle(b->out, chunks, 4);
}

int
manifest_end(struct manifest_builder *b)
{
	char *at;
	int rc;

	if (!b->err && b->count < kinds[b->kind].least)
		b->err = ERR_INVALID;
	if (!b->err && (rc = buf_finish(b->out)))
		b->err = rc;
	if (b->err)
		return b->err;
	at = b->out->data + b->start;
	le_put32(at + 4, b->count);
	buf_addle(b->out, crc32c_seeded(0, at, b->out->len - b->start), CRC_SIZE);
	return b->err = buf_finish(b->out);
}

/* Bytes of content that entry `i` stands for, or 0 if it is not valid. */
static uint64_t
entry_bytes(const struct manifest *m, uint32_t i)
{
	struct manifest_chunk chunk;
	struct manifest_leaf leaf;

	if (m->kind == MANIFEST_LEAVES) {
		manifest_leaf_at(m, i, &leaf);
		return leaf_valid(leaf.id, leaf.bytes, leaf.chunks) ? leaf.bytes : 0;
	}
	manifest_chunk_at(m, i, &chunk);
	return chunk_valid(chunk.bytes) ? chunk.bytes : 0;
}

int
manifest_decode(const void *bytes, size_t len, struct manifest *m)
{
	const uint8_t *p = bytes;
	struct manifest got = { 0 };
	uint64_t one;

	if (len < HEADER_SIZE + CRC_SIZE || p[0] != MAGIC)
		return ERR_CORRUPT;
	if (le_get32(p + len - CRC_SIZE) != crc32c_seeded(0, p, len - CRC_SIZE))
		return ERR_CORRUPT;
	if (p[1] > VERSION)
		return ERR_VERSION;
	if (p[1] != VERSION || p[2] < MANIFEST_INLINE || p[2] > MANIFEST_LEAF || p[3])
		return ERR_CORRUPT;
	got.kind = p[2];
	got.count = le_get32(p + 4);
	got.entries = p + HEADER_SIZE;
	if (got.count < kinds[got.kind].least || got.count > kinds[got.kind].most ||
	    len != MANIFEST_SIZE(got.count, kinds[got.kind].entry_size))
		return ERR_CORRUPT;
	for (uint32_t i = 0; i < got.count; i++) {
		one = entry_bytes(&got, i);
		if (!one || one > LIMIT_OBJECT - got.bytes)
			return ERR_CORRUPT;
		got.bytes += one;
	}
	*m = got;
	return 0;
}

void
manifest_chunk_at(const struct manifest *m, uint32_t i, struct manifest_chunk *chunk)
{
	const uint8_t *p = m->entries + (size_t)i * MANIFEST_CHUNK_SIZE;

	memcpy(chunk->id, p, 32);
	chunk->bytes = le_get32(p + 32);
}

void
manifest_leaf_at(const struct manifest *m, uint32_t i, struct manifest_leaf *leaf)
{
	const uint8_t *p = m->entries + (size_t)i * MANIFEST_LEAF_SIZE;

	leaf->id = (int64_t)le_get64(p);
	leaf->bytes = le_get64(p + 8);
	leaf->chunks = le_get32(p + 16);
}

int
manifest_seek(const struct manifest *m, uint64_t offset, uint32_t *i, uint64_t *start)
{
	uint64_t at = 0, one;

	if (offset >= m->bytes)
		return ERR_RANGE;
	for (uint32_t k = 0; k < m->count; k++, at += one) {
		one = entry_bytes(m, k);
		if (offset - at < one) {
			*i = k;
			*start = at;
			return 0;
		}
	}
	return ERR_RANGE;
}
