#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "err.h"
#include "reader.h"
#include "transfer_in.h"

/* The hash of a whole that came in pieces: they are read. Never inside a closure. */
#define READ_AT_ONCE (256u << 10)

static int
hash_with(struct store *store, struct slice manifest, uint64_t size, void *piece, struct digest *d)
{
	struct reader *r = NULL;
	size_t got;
	int rc = reader_new(store, manifest.p, manifest.len, 0, size, &r);

	while (rc == 0 && (rc = reader_read(r, piece, READ_AT_ONCE, &got)) == 0)
		digest_update(d, piece, got);
	reader_free(r);
	return rc == ERR_END ? 0 : rc;
}

int
transfer_hash_manifest(struct store *store, struct slice manifest, uint64_t size, struct digest *d)
{
	void *piece = malloc(READ_AT_ONCE);
	int rc = piece ? hash_with(store, manifest, size, piece, d) : ERR_NOMEM;

	free(piece);
	return rc;
}

static int
hash_chunk(struct store *store, const struct manifest_chunk *chunk, void *piece, struct digest *d)
{
	struct buf manifest = BUF_INIT(256);
	struct manifest_builder b;
	int rc;

	manifest_begin(&b, MANIFEST_INLINE, &manifest);
	manifest_add_chunk(&b, chunk->id, chunk->bytes);
	if ((rc = manifest_end(&b)) == 0)
		rc = hash_with(store, (struct slice) { manifest.data, manifest.len }, chunk->bytes, piece, d);
	buf_release(&manifest);
	return rc;
}

int
transfer_hash_chunks(struct store *store, const struct manifest_chunk *chunks, size_t count, struct digest *d)
{
	void *piece = malloc(READ_AT_ONCE);
	int rc = piece ? 0 : ERR_NOMEM;

	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = hash_chunk(store, &chunks[i], piece, d);
	free(piece);
	return rc;
}

void
transfer_etag(const uint8_t *hash, const struct manifest_chunk *chunks, size_t count, char etag[ETAG_TEXT])
{
	uint8_t sum[SHA256_SIZE];
	char hex[2 * MD5_SIZE + 1];

	if (hash)
		memcpy(sum, hash, sizeof(sum));
	else
		digest_sha256(chunks, count * sizeof(*chunks), sum);
	hex_encode(sum, MD5_SIZE, hex);
	snprintf(etag, ETAG_TEXT, "%s-1", hex);
}
