/*
 * A manifest as it came, and with its CRC made right. What is accepted must encode to the same bytes again, and its entries must lie
 * where seeking finds them.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "crc.h"
#include "err.h"
#include "le.h"
#include "manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* Adds entry `i` of `m` to `b` and returns its bytes of content. */
static uint64_t
add_entry(struct manifest_builder *b, const struct manifest *m, uint32_t i)
{
	struct manifest_chunk chunk;
	struct manifest_leaf leaf;

	if (m->kind == MANIFEST_LEAVES) {
		manifest_leaf_at(m, i, &leaf);
		manifest_add_leaf(b, leaf.id, leaf.bytes, leaf.chunks);
		return leaf.bytes;
	}
	manifest_chunk_at(m, i, &chunk);
	manifest_add_chunk(b, chunk.id, chunk.bytes);
	return chunk.bytes;
}

static void
try_manifest(const uint8_t *bytes, size_t len)
{
	struct buf again = BUF_INIT(1 << 20);
	uint64_t at = 0, start, one;
	struct manifest_builder b;
	struct manifest m;
	uint32_t found;

	if (manifest_decode(bytes, len, &m))
		return;
	manifest_begin(&b, m.kind, &again);
	for (uint32_t i = 0; i < m.count; i++) {
		one = add_entry(&b, &m, i);
		if (m.count < 64) {
			assert(manifest_seek(&m, at + one - 1, &found, &start) == 0);
			assert(found == i && start == at);
		}
		at += one;
	}
	assert(at == m.bytes);
	assert(manifest_seek(&m, at, &found, &start) == ERR_RANGE);
	assert(manifest_end(&b) == 0);
	assert(again.len == len && !memcmp(again.data, bytes, len));
	buf_release(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	uint8_t *copy;

	if (len > 1 << 16)
		return 0;
	try_manifest(bytes, len);
	if (len < 4 || !(copy = malloc(len)))
		return 0;
	memcpy(copy, bytes, len);
	le_put32(copy + len - 4, crc32c_seeded(0, copy, len - 4));
	try_manifest(copy, len);
	free(copy);
	return 0;
}
