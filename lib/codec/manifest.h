#ifndef CODEC_MANIFEST_H
#define CODEC_MANIFEST_H

#include <stddef.h>
#include <stdint.h>

#include "limits.h"

struct buf;

/*
 * The content of a version as a column of the database. Numbers are little-endian.
 *
 *	 0   1  magic, 'M'
 *	 1   1  format version, 1
 *	 2   1  kind: 1 INLINE, 2 LEAVES, 3 LEAF
 *	 3   1  zero
 *	 4   4  number of entries
 *	 8   …  entries
 *	 …   4  CRC32C of all before
 *
 * A version is INLINE (no chunk: empty; or one chunk) or LEAVES (a list of leaves in order); a LEAF is a list of chunks in
 * order. Entries:
 *	chunk, 36 bytes (INLINE: 0 or 1 of them; LEAF: 1 to LEAF_CHUNKS)
 *		 0  32  chunk id
 *		32   4  bytes, 1 to CHUNK_MAX
 *	leaf, 20 bytes (LEAVES: 1 to MANIFEST_LEAVES_MAX)
 *		 0   8  leaf id, above 0
 *		 8   8  bytes, between chunks and chunks * CHUNK_MAX
 *		16   4  chunks, 1 to LEAF_CHUNKS
 * The bytes of all entries together are at most LIMIT_OBJECT.
 *
 * Pure; any thread.
 */
enum manifest_kind { MANIFEST_INLINE = 1, MANIFEST_LEAVES = 2, MANIFEST_LEAF = 3 };

#define MANIFEST_LEAVES_MAX (1u << 18)
#define MANIFEST_CHUNK_SIZE 36u		/* of an encoded entry */
#define MANIFEST_LEAF_SIZE 20u
#define MANIFEST_SIZE(entries, entry_size) (12u + (size_t)(entries) * (entry_size))

struct manifest_chunk {
	uint8_t id[32];
	uint32_t bytes;
};

struct manifest_leaf {
	int64_t id;
	uint64_t bytes;
	uint32_t chunks;
};

/*
 * Building: begin, add, end. `out` collects the encoding (it is appended to; its error is the builder's) and stays the caller's.
 * Errors stick and come out of manifest_end(): ERR_INVALID for an entry out of range or of the wrong kind or an empty LEAVES or
 * LEAF, ERR_TOOBIG for too many, and buf's.
 */
struct manifest_builder {
	struct buf *out;
	size_t start;		/* where in `out` the encoding begins */
	enum manifest_kind kind;
	uint32_t count;		/* entries so far */
	uint64_t bytes;		/* of content so far */
	int err;
};

void manifest_begin(struct manifest_builder *b, enum manifest_kind kind, struct buf *out);
void manifest_add_chunk(struct manifest_builder *b, const uint8_t id[32], uint32_t bytes);
void manifest_add_leaf(struct manifest_builder *b, int64_t id, uint64_t bytes, uint32_t chunks);
int manifest_end(struct manifest_builder *b);

/* Reading: a checked view of bytes that stay the caller's and must outlive it. */
struct manifest {
	enum manifest_kind kind;
	uint32_t count;
	uint64_t bytes;		/* of content, all entries together */
	const uint8_t *entries;
};

/* ERR_CORRUPT for anything that no builder writes; ERR_VERSION for a later format whose CRC is right. */
int manifest_decode(const void *bytes, size_t len, struct manifest *m);

/* Entry `i` < m->count of an INLINE or LEAF, or of LEAVES. */
void manifest_chunk_at(const struct manifest *m, uint32_t i, struct manifest_chunk *chunk);
void manifest_leaf_at(const struct manifest *m, uint32_t i, struct manifest_leaf *leaf);

/* The entry that holds content byte `offset`, and the offset of that entry's first byte. ERR_RANGE if offset >= m->bytes. */
int manifest_seek(const struct manifest *m, uint64_t offset, uint32_t *i, uint64_t *start);

#endif
