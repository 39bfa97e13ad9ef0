#include <string.h>

#include "db.h"
#include "err.h"
#include "id.h"
#include "ingest.h"
#include "limits.h"
#include "log.h"
#include "refs.h"
#include "commit.h"
#include "tbl_chunk.h"
#include "tbl_leaf.h"
#include "tbl_segment.h"

/* One reference to an ingested chunk: its row is made, or counted once more. */
static int
take_ingested(struct txn *t, int64_t workspace, const struct ingest_chunk *chunk)
{
	struct chunk_row row = { .home = (int64_t)chunk->home, .place = (int64_t)chunk->offset, .stored = chunk->stored,
		.size = chunk->length, .origin = workspace };
	bool ours;
	int rc;

	if (chunk->home == 0) {
		if ((rc = tbl_chunk_take(t->db, chunk->id, workspace)) == ERR_NOTFOUND) {
			log_error("chunk %02x%02x%02x%02x… was found by an ingest and is gone", chunk->id[0], chunk->id[1],
			    chunk->id[2], chunk->id[3]);
			return ERR_CONFLICT;
		}
		return rc;
	}
	memcpy(row.hash, chunk->id, 32);
	if ((rc = tbl_chunk_take_at(t->db, &row, &ours)) != 0 || ours)
		return rc;
	if (chunk->lost_home && (rc = tbl_chunk_move(t->db, &row, (int64_t)chunk->lost_home,
				     (int64_t)chunk->lost_offset, &ours)) != 0)
		return rc;
	if (ours)
		return tbl_segment_freed(t->db, (int64_t)chunk->lost_home, chunk->lost_stored);
	return tbl_segment_freed(t->db, row.home, row.stored);	/* somebody else was first */
}

static int
commit_leaf(struct txn *t, const struct ingest_chunk *chunks, size_t n, struct manifest_builder *list)
{
	struct buf encoded = BUF_INIT(MANIFEST_SIZE(LEAF_CHUNKS, MANIFEST_CHUNK_SIZE));
	struct manifest_builder leaf;
	int64_t id = id_new();
	int rc = 0;

	manifest_begin(&leaf, MANIFEST_LEAF, &encoded);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		manifest_add_chunk(&leaf, chunks[i].id, chunks[i].length);
		rc = take_ingested(t, 0, &chunks[i]);
	}
	if (rc == 0 && (rc = manifest_end(&leaf)) == 0)
		rc = tbl_leaf_insert(t->db, id, encoded.data, encoded.len);
	if (rc == 0)
		manifest_add_leaf(list, id, leaf.bytes, (uint32_t)n);
	buf_release(&encoded);
	return rc;
}

int
refs_commit(struct txn *t, int64_t workspace, const struct ingest_result *result, struct buf *manifest)
{
	const struct ingest_chunk *c = result->chunks;
	struct manifest_builder b;
	int rc = 0;

	if (result->count == 0 || (result->count == 1 && !result->leaves)) {
		manifest_begin(&b, MANIFEST_INLINE, manifest);
		if (result->count) {
			manifest_add_chunk(&b, c->id, c->length);
			rc = take_ingested(t, workspace, c);
		}
		return rc ? rc : manifest_end(&b);
	}
	manifest_begin(&b, MANIFEST_LEAVES, manifest);
	for (size_t i = 0, n; rc == 0 && i < result->count; i += n) {
		n = result->count - i < LEAF_CHUNKS ? result->count - i : LEAF_CHUNKS;
		rc = commit_leaf(t, c + i, n, &b);
	}
	return rc ? rc : manifest_end(&b);
}

/* ---- of what is there ---- */

static int
leaf_of(struct txn *t, const struct manifest_chunk *chunks, size_t n, struct manifest_builder *list, size_t *wrong)
{
	struct buf encoded = BUF_INIT(MANIFEST_SIZE(LEAF_CHUNKS, MANIFEST_CHUNK_SIZE));
	struct manifest_builder leaf;
	int64_t id = id_new();
	int rc = 0;

	manifest_begin(&leaf, MANIFEST_LEAF, &encoded);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		manifest_add_chunk(&leaf, chunks[i].id, chunks[i].bytes);
		rc = tbl_chunk_take_live(t->db, chunks[i].id, chunks[i].bytes, 0);
		*wrong += rc == 0;
	}
	if (rc == 0 && (rc = manifest_end(&leaf)) == 0)
		rc = tbl_leaf_insert(t->db, id, encoded.data, encoded.len);
	if (rc == 0)
		manifest_add_leaf(list, id, leaf.bytes, (uint32_t)n);
	buf_release(&encoded);
	return rc;
}

int
refs_of_chunks(struct txn *t, int64_t workspace, const struct manifest_chunk *chunks, size_t count,
    struct buf *manifest, size_t *wrong)
{
	struct manifest_builder b;
	int rc = 0;

	*wrong = 0;
	manifest_begin(&b, count > 1 ? MANIFEST_LEAVES : MANIFEST_INLINE, manifest);
	if (count == 1) {
		manifest_add_chunk(&b, chunks->id, chunks->bytes);
		rc = tbl_chunk_take_live(t->db, chunks->id, chunks->bytes, workspace);
	}
	for (size_t i = 0, n; rc == 0 && count > 1 && i < count; i += n) {
		n = count - i < LEAF_CHUNKS ? count - i : LEAF_CHUNKS;
		rc = leaf_of(t, chunks + i, n, &b, wrong);
	}
	return rc ? rc : manifest_end(&b);
}

enum change { TAKE, DROP };

/* A reference to everything that the manifest names is taken or dropped, for a workspace or (0) none. */
static int
refer(struct txn *t, int64_t workspace, const void *manifest, size_t len, enum change change)
{
	struct manifest_chunk chunk;
	struct manifest_leaf leaf;
	struct manifest m;
	int rc = manifest_decode(manifest, len, &m);

	for (uint32_t i = 0; rc == 0 && i < m.count; i++) {
		if (m.kind == MANIFEST_INLINE) {
			manifest_chunk_at(&m, i, &chunk);
			rc = change == TAKE ? tbl_chunk_take(t->db, chunk.id, workspace) :
			    tbl_chunk_drop(t->db, chunk.id, workspace, t->now_us);
		} else {
			manifest_leaf_at(&m, i, &leaf);
			rc = change == TAKE ? tbl_leaf_take(t->db, leaf.id, 1) : tbl_leaf_drop(t->db, leaf.id, 1, t->now_us);
		}
	}
	return rc;
}

int
refs_take(struct txn *t, int64_t workspace, const void *manifest, size_t len)
{
	return refer(t, workspace, manifest, len, TAKE);
}

int
refs_drop(struct txn *t, int64_t workspace, const void *manifest, size_t len)
{
	return refer(t, workspace, manifest, len, DROP);
}

int
refs_end_leaf(struct txn *t, const struct leaf_dead *leaf, unsigned *chunks)
{
	struct buf encoded = BUF_INIT(1 << 20);
	struct manifest_chunk chunk;
	struct manifest m;
	int rc;

	if ((rc = tbl_leaf_get_dead(t->db, leaf, &encoded)) == 0)
		rc = manifest_decode(encoded.data, encoded.len, &m);
	for (uint32_t i = 0; rc == 0 && i < m.count; i++) {
		manifest_chunk_at(&m, i, &chunk);
		rc = tbl_chunk_drop(t->db, chunk.id, 0, t->now_us);
	}
	if (rc == 0 && (rc = tbl_leaf_delete(t->db, leaf->id)) == 0)
		*chunks += m.count;
	buf_release(&encoded);
	return rc;
}

int
refs_join(const void *const *manifests, const size_t *lens, size_t count, struct buf *joined)
{
	struct manifest_builder b;
	struct manifest_leaf leaf;
	struct manifest m;
	bool any = false;
	int rc;

	for (size_t i = 0; i < count && !any; i++) {
		if ((rc = manifest_decode(manifests[i], lens[i], &m)) != 0)
			return rc;
		any = m.count > 0;
	}
	manifest_begin(&b, any ? MANIFEST_LEAVES : MANIFEST_INLINE, joined);
	for (size_t i = 0; i < count; i++) {
		if ((rc = manifest_decode(manifests[i], lens[i], &m)) != 0)
			return rc;
		if (m.kind != MANIFEST_LEAVES && m.count)
			return ERR_INVALID;
		for (uint32_t k = 0; k < m.count; k++) {
			manifest_leaf_at(&m, k, &leaf);
			manifest_add_leaf(&b, leaf.id, leaf.bytes, leaf.chunks);
		}
	}
	return manifest_end(&b);
}

int
refs_leaf(struct db_conn *db, int64_t id, struct buf *leaf)
{
	return tbl_leaf_get(db, id, leaf);
}
