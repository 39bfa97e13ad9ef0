#include <stdlib.h>
#include <string.h>

#include "blob.h"
#include "buf.h"
#include "db.h"
#include "err.h"
#include "ingest.h"
#include "log.h"
#include "manifest.h"
#include "reader.h"
#include "refs.h"
#include "store_in.h"
#include "tbl_chunk.h"

/*
 * Where a read is: the manifest (an inline one is its own leaf), the leaf that holds the next byte, and a window of chunks
 * of that leaf whose places were looked up in one go.
 */
#define WINDOW 16
#define TRIES 3		/* a chunk can be moved by compaction while it is read */

struct spot {
	uint8_t id[32];
	struct blob_place place;
	uint64_t start;		/* of the chunk's first byte in the content */
};

struct reader {
	struct store *store;
	struct buf whole, leaf;
	struct manifest manifest, chunks;	/* chunks: the current leaf, or the inline manifest itself */
	uint64_t leaf_start, leaf_end;		/* the content that `chunks` covers */
	uint64_t at, end;
	struct spot window[WINDOW];
	unsigned count;
	uint64_t ticket;
};

int
reader_new(struct store *store, const void *manifest, size_t mlen, uint64_t from, uint64_t len, struct reader **reader)
{
	struct reader *r = calloc(1, sizeof(*r));
	int rc;

	if (!r)
		return ERR_NOMEM;
	r->store = store;
	r->whole = (struct buf) BUF_INIT(64 << 20);
	r->leaf = (struct buf) BUF_INIT(1 << 20);
	if ((rc = ingest_hold(store, &r->ticket)) != 0) {
		free(r);
		return rc;
	}
	buf_add(&r->whole, manifest, mlen);
	if ((rc = buf_finish(&r->whole)) != 0 ||
	    (rc = manifest_decode(r->whole.data, r->whole.len, &r->manifest)) != 0)
		goto out;
	if (from > r->manifest.bytes || len > r->manifest.bytes - from) {
		rc = ERR_RANGE;
		goto out;
	}
	r->at = from;
	r->end = from + len;
	if (r->manifest.kind == MANIFEST_INLINE) {
		r->chunks = r->manifest;
		r->leaf_end = r->manifest.bytes;
	}
out:
	if (rc) {
		reader_free(r);
		return rc;
	}
	*reader = r;
	return 0;
}

void
reader_free(struct reader *r)
{
	if (!r)
		return;
	ingest_unhold(r->store, r->ticket);
	buf_release(&r->whole);
	buf_release(&r->leaf);
	free(r);
}

/* Stands on the leaf that holds byte `at`. */
static int
load_leaf(struct reader *r, struct db_conn *db)
{
	struct manifest_leaf leaf;
	uint64_t start;
	uint32_t i;
	int rc;

	if (r->at >= r->leaf_start && r->at < r->leaf_end)
		return 0;
	if ((rc = manifest_seek(&r->manifest, r->at, &i, &start)) != 0)
		return rc;
	manifest_leaf_at(&r->manifest, i, &leaf);
	buf_clear(&r->leaf);
	r->leaf_end = r->leaf_start = 0;
	if ((rc = refs_leaf(db, leaf.id, &r->leaf)) != 0 ||
	    (rc = manifest_decode(r->leaf.data, r->leaf.len, &r->chunks)) != 0)
		return rc;
	if (r->chunks.kind != MANIFEST_LEAF || r->chunks.bytes != leaf.bytes || r->chunks.count != leaf.chunks) {
		log_error("leaf %lld is not the one that a manifest names", (long long)leaf.id);
		return ERR_CORRUPT;
	}
	r->leaf_start = start;
	r->leaf_end = start + leaf.bytes;
	return 0;
}

static int
find_place(struct db_conn *db, const struct manifest_chunk *chunk, struct blob_place *place)
{
	struct chunk_row row;
	int rc = tbl_chunk_get(db, chunk->id, &row);

	if (rc == 0 && row.size != chunk->bytes) {
		log_error("chunk %02x%02x%02x%02x…: %u bytes in the table, %u in a manifest", chunk->id[0], chunk->id[1],
		    chunk->id[2], chunk->id[3], row.size, chunk->bytes);
		rc = ERR_CORRUPT;
	}
	if (rc == 0)
		*place = (struct blob_place) { (uint64_t)row.home, (uint64_t)row.place, row.stored, row.size };
	return rc;
}

/* Looks up the places of the chunk at `at` and of those behind it, as far as the range and the leaf go. */
static int
load_window(struct reader *r)
{
	struct manifest_chunk chunk;
	struct db_conn *db = NULL;
	uint64_t start;
	uint32_t i;
	int rc;

	r->count = 0;
	if ((rc = db_read_begin(r->store->db, &db)) != 0)
		return rc;
	if ((rc = load_leaf(r, db)) != 0 || (rc = manifest_seek(&r->chunks, r->at - r->leaf_start, &i, &start)) != 0)
		goto out;
	start += r->leaf_start;
	for (; r->count < WINDOW && i < r->chunks.count && start < r->end; i++) {
		struct spot *s = &r->window[r->count];

		manifest_chunk_at(&r->chunks, i, &chunk);
		if ((rc = find_place(db, &chunk, &s->place)) != 0)
			goto out;
		memcpy(s->id, chunk.id, 32);
		s->start = start;
		start += chunk.bytes;
		r->count++;
	}
out:
	db_read_end(db);
	return rc;
}

static const struct spot *
spot_at(const struct reader *r)
{
	for (unsigned i = 0; i < r->count; i++)
		if (r->at >= r->window[i].start && r->at - r->window[i].start < r->window[i].place.length)
			return &r->window[i];
	return NULL;
}

int
reader_read(struct reader *r, void *bytes, size_t max, size_t *got)
{
	const struct spot *s;
	uint64_t from, n;
	int rc = 0;

	if (r->at == r->end)
		return ERR_END;
	for (int tries = 0; tries < TRIES; tries++) {
		if ((!spot_at(r) || rc) && (rc = load_window(r)) != 0)
			return rc;
		if (!(s = spot_at(r)))
			return ERR_CORRUPT;
		from = r->at - s->start;
		n = s->place.length - from;
		if (n > r->end - r->at)
			n = r->end - r->at;
		if (n > max)
			n = max;
		rc = blob_get(r->store->blobs, s->id, &s->place, (size_t)from, (size_t)n, false, bytes);
		if (rc == 0) {
			r->at += n;
			*got = (size_t)n;
			return 0;
		}
		if (rc != ERR_NOTFOUND)
			return rc;
	}
	return rc;
}

int
reader_place(struct store *store, struct db_conn *place_db, const void *manifest, size_t mlen, uint8_t id[32],
    struct blob_place *place)
{
	struct manifest_chunk chunk;
	struct manifest m;
	int rc;

	(void)store;
	if ((rc = manifest_decode(manifest, mlen, &m)) != 0)
		return rc;
	if (m.kind != MANIFEST_INLINE)
		return ERR_TOOBIG;
	*place = (struct blob_place) { 0 };
	if (m.count == 0)
		return 0;
	manifest_chunk_at(&m, 0, &chunk);
	memcpy(id, chunk.id, 32);
	return find_place(place_db, &chunk, place);
}
