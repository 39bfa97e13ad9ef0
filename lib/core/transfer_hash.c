#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "err.h"
#include "limits.h"
#include "reader.h"
#include "transfer_in.h"

/* The hash of a whole that came in pieces: they are read. Never inside a closure. */
#define READ_AT_ONCE (256u << 10)

/* Hashes what is read, and keeps a copy where `copy` is not NULL. */
static int
hash_with(struct store *store, struct slice manifest, uint64_t size, void *piece, char *copy, struct digest *d)
{
	struct reader *r = NULL;
	size_t got;
	int rc = reader_new(store, manifest.p, manifest.len, 0, size, &r);

	while (rc == 0 && (rc = reader_read(r, piece, READ_AT_ONCE, &got)) == 0) {
		digest_update(d, piece, got);
		if (copy)
			copy = mempcpy(copy, piece, got);
	}
	reader_free(r);
	return rc == ERR_END ? 0 : rc;
}

int
transfer_hash_manifest(struct store *store, struct slice manifest, uint64_t size, struct digest *d)
{
	void *piece = malloc(READ_AT_ONCE);
	int rc = piece ? hash_with(store, manifest, size, piece, NULL, d) : ERR_NOMEM;

	free(piece);
	return rc;
}

/*
 * A list can name a chunk thousands of times. Those that it repeats are read once and kept, as far as they fit: one of the largest size, or
 * some smaller ones.
 */
#define KEPT 16

struct kept {
	uint8_t id[32];
	uint32_t len;
	char *bytes;
};

struct hashing {
	struct store *store;
	struct digest *digest;
	struct transfer_set ids;	/* of the list */
	void *piece;
	struct kept kept[KEPT];
	unsigned n;
	size_t room;			/* for more */
};

static const struct kept *
find_kept(const struct hashing *h, const struct manifest_chunk *chunk)
{
	for (unsigned i = 0; i < h->n; i++)
		if (h->kept[i].len == chunk->bytes && !memcmp(h->kept[i].id, chunk->id, 32))
			return &h->kept[i];
	return NULL;
}

/* Where its bytes are kept, if they will be wanted again and there is room for them. */
static struct kept *
new_kept(struct hashing *h, const struct manifest_chunk *chunk)
{
	struct kept *k = &h->kept[h->n];

	if (h->n == KEPT || chunk->bytes > h->room || !transfer_set_twice(&h->ids, chunk->id) ||
	    !(k->bytes = malloc(chunk->bytes)))
		return NULL;
	memcpy(k->id, chunk->id, 32);
	k->len = chunk->bytes;
	h->room -= chunk->bytes;
	h->n++;
	return k;
}

static int
hash_chunk(struct hashing *h, const struct manifest_chunk *chunk)
{
	const struct kept *k = find_kept(h, chunk);
	struct buf manifest = BUF_INIT(256);
	struct manifest_builder b;
	int rc;

	if (k) {
		digest_update(h->digest, k->bytes, k->len);
		return 0;
	}
	k = new_kept(h, chunk);
	manifest_begin(&b, MANIFEST_INLINE, &manifest);
	manifest_add_chunk(&b, chunk->id, chunk->bytes);
	if ((rc = manifest_end(&b)) == 0)
		rc = hash_with(h->store, (struct slice) { manifest.data, manifest.len }, chunk->bytes, h->piece,
		    k ? k->bytes : NULL, h->digest);
	buf_release(&manifest);
	return rc;
}

int
transfer_hash_chunks(struct store *store, const struct manifest_chunk *chunks, size_t count, struct digest *d)
{
	struct hashing h = { .store = store, .digest = d, .ids = TRANSFER_SET_INIT, .piece = malloc(READ_AT_ONCE),
		.room = CHUNK_MAX };
	int rc = h.piece ? 0 : ERR_NOMEM;

	for (size_t i = 0; i < count; i++)
		buf_add(&h.ids.ids, chunks[i].id, 32);
	if (rc == 0)
		rc = buf_finish(&h.ids.ids);
	transfer_set_sort(&h.ids);
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = hash_chunk(&h, &chunks[i]);
	for (unsigned i = 0; i < h.n; i++)
		free(h.kept[i].bytes);
	buf_release(&h.ids.ids);
	free(h.piece);
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
