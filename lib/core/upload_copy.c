#include <stdlib.h>
#include <string.h>

#include "commit.h"
#include "db.h"
#include "err.h"
#include "ingest.h"
#include "manifest.h"
#include "refs.h"
#include "store_in.h"
#include "upload.h"

/*
 * A range of a version as a part, by reference: its chunks are named as if an ingest had found them all. They stay
 * alive from here to the commit as those of an ingest do, since the hold is taken before they are looked up; should
 * the source have been destroyed and swept before, the commit answers ERR_CONFLICT.
 */
struct range {
	struct ingest_chunk *chunks;
	size_t count, room;
	uint64_t at, from, to;	/* where in the version; what is wanted */
};

static int
add_chunk(struct range *r, const struct manifest_chunk *c)
{
	uint64_t start = r->at, end = r->at + c->bytes;
	struct ingest_chunk *grown;

	r->at = end;
	if (end <= r->from || start >= r->to)
		return 0;
	if (start < r->from || end > r->to)
		return ERR_UNSUPPORTED;
	if (r->count == r->room) {
		r->room = r->room ? 2 * r->room : 64;
		if (!(grown = reallocarray(r->chunks, r->room, sizeof(*grown))))
			return ERR_NOMEM;
		r->chunks = grown;
	}
	r->chunks[r->count] = (struct ingest_chunk) { .length = c->bytes };
	memcpy(r->chunks[r->count++].id, c->id, 32);
	return 0;
}

static int
add_chunks(struct range *r, const struct manifest *m)
{
	struct manifest_chunk c;
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < m->count; i++) {
		manifest_chunk_at(m, i, &c);
		rc = add_chunk(r, &c);
	}
	return rc;
}

static int
add_leaf(struct db_conn *db, struct range *r, const struct manifest_leaf *leaf)
{
	struct buf encoded = BUF_INIT(1 << 20);
	struct manifest m;
	int rc = 0;

	if (r->at + leaf->bytes <= r->from || r->at >= r->to)
		r->at += leaf->bytes;
	else if ((rc = refs_leaf(db, leaf->id, &encoded)) == 0 &&
	    (rc = manifest_decode(encoded.data, encoded.len, &m)) == 0)
		rc = add_chunks(r, &m);
	buf_release(&encoded);
	return rc;
}

static int
collect(struct store *store, const struct buf *manifest, struct range *r)
{
	struct db_conn *db = NULL;
	struct manifest_leaf leaf;
	struct manifest m;
	int rc;

	if ((rc = manifest_decode(manifest->data, manifest->len, &m)) != 0 ||
	    (rc = db_read_begin(store->db, &db)) != 0)
		return rc;
	if (m.kind == MANIFEST_INLINE)
		rc = add_chunks(r, &m);
	for (uint32_t i = 0; m.kind == MANIFEST_LEAVES && rc == 0 && i < m.count; i++) {
		manifest_leaf_at(&m, i, &leaf);
		rc = add_leaf(db, r, &leaf);
	}
	db_read_end(db);
	return rc;
}

int
upload_copy_part(struct store *store, int64_t workspace, int64_t id, const struct object_info *from, uint64_t offset,
    uint64_t len, struct upload_part *part)
{
	struct range r = { .from = offset, .to = offset + len };
	uint64_t ticket;
	int rc;

	if (offset > from->size || len > from->size - offset)
		return ERR_RANGE;
	if ((rc = ingest_hold(store, &ticket)) != 0)
		return rc;
	if ((rc = collect(store, &from->manifest, &r)) == 0) {
		part->size = len;
		rc = upload_put_part(store, workspace, id, &(struct ingest_result) { .size = len, .chunks = r.chunks,
		    .count = r.count, .leaves = true }, part);
	}
	ingest_unhold(store, ticket);
	free(r.chunks);
	return rc;
}
