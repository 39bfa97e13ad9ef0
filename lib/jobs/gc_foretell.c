#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "db.h"
#include "err.h"
#include "gc_in.h"
#include "manifest.h"
#include "store_in.h"
#include "tbl_chunk.h"
#include "tbl_leaf.h"

/*
 * A dry run's second step: which chunks a pass would free, and how much of each segment they are, which is what the segments are judged
 * by. It takes for granted that everybody who runs will have ended.
 */
#define HASHES (1u << 20)	/* looked at together; of chunks in the leaves of more than these, some are taken for needed */

struct hashes {
	uint8_t (*list)[32];
	size_t count;
	bool waiting;		/* they become tombstones, whose grace period begins */
};

/* Where a segment stands, or would. */
static size_t
place_of(const struct gc *gc, int64_t home)
{
	size_t low = 0, high = gc->gain_count;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (gc->gains[mid].home < home)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

uint64_t
gc_foretold(const struct gc *gc, int64_t home)
{
	size_t at = place_of(gc, home);

	return at < gc->gain_count && gc->gains[at].home == home ? gc->gains[at].bytes : 0;
}

static int
gain(struct gc *gc, int64_t home, uint64_t bytes)
{
	size_t at = place_of(gc, home);
	struct gc_gain *grown;

	if (at < gc->gain_count && gc->gains[at].home == home) {
		gc->gains[at].bytes += bytes;
		return 0;
	}
	if (gc->gain_count == gc->gain_room) {
		gc->gain_room = gc->gain_room ? gc->gain_room * 2 : 64;
		if (!(grown = reallocarray(gc->gains, gc->gain_room, sizeof(*grown))))
			return ERR_NOMEM;
		gc->gains = grown;
	}
	memmove(&gc->gains[at + 1], &gc->gains[at], (gc->gain_count++ - at) * sizeof(*gc->gains));
	gc->gains[at] = (struct gc_gain) { home, bytes };
	return 0;
}

static int
free_chunk(struct gc *gc, int64_t home, int64_t stored)
{
	gc->report.chunks_freed++;
	gc->report.bytes_freed += (uint64_t)stored;
	return gain(gc, home, (uint64_t)stored);
}

/* ---- leaves that would end ---- */

static int
by_hash(const void *a, const void *b)
{
	return memcmp(a, b, 32);
}

/* Of the chunks that leaves let go of those go that nobody else counts on. */
static int
settle(struct gc *gc, struct db_conn *db, struct hashes *h)
{
	struct chunk_row row;
	int rc = 0;

	qsort(h->list, h->count, sizeof(h->list[0]), by_hash);
	for (size_t i = 0, end; rc == 0 && i < h->count; i = end) {
		for (end = i + 1; end < h->count && !by_hash(h->list[i], h->list[end]); end++)
			;
		if ((rc = tbl_chunk_get(db, h->list[i], &row)) == 0 && row.refs == (int64_t)(end - i)) {
			gc->report.chunks_waiting += h->waiting;
			rc = h->waiting ? 0 : free_chunk(gc, row.home, row.stored);
		}
		rc = rc == ERR_NOTFOUND ? 0 : rc;
	}
	h->count = 0;
	return rc;
}

static int
add_leaf(struct gc *gc, struct db_conn *db, int64_t leaf, struct hashes *h)
{
	struct buf encoded = BUF_INIT(1 << 20);
	struct manifest_chunk chunk;
	struct manifest m;
	int rc;

	if ((rc = tbl_leaf_get(db, leaf, &encoded)) == 0)
		rc = manifest_decode(encoded.data, encoded.len, &m);
	if (rc == 0 && h->count + m.count > HASHES)
		rc = settle(gc, db, h);
	for (uint32_t i = 0; rc == 0 && i < m.count; i++) {
		manifest_chunk_at(&m, i, &chunk);
		memcpy(h->list[h->count++], chunk.id, 32);
	}
	buf_release(&encoded);
	return rc;
}

static int
end_leaves(struct gc *gc, struct db_conn *db, int64_t before, bool waiting)
{
	struct hashes h = { .list = malloc(HASHES * sizeof(*h.list)), .waiting = waiting };
	struct db_row row = DB_ROW_INIT;
	int rc = h.list ? tbl_leaf_dead_scan(db, before, &row) : ERR_NOMEM;

	while (rc == 0 && (rc = db_next(&row)) == 0)
		rc = gc->stop && gc->stop(gc->arg) ? ERR_CLOSED : add_leaf(gc, db, db_int(&row, 0), &h);
	db_row_release(&row);
	if (rc == ERR_END)
		rc = settle(gc, db, &h);
	free(h.list);
	return rc;
}

/* ---- chunks that are tombstones ---- */

static int
free_chunks(struct gc *gc, struct db_conn *db, int64_t before)
{
	int64_t all = 0, count = 0, bytes;
	struct db_row row = DB_ROW_INIT;
	int rc;

	if ((rc = tbl_chunk_dead_sum(db, INT64_MAX, &all, &bytes)) == 0)
		rc = tbl_chunk_dead_scan(db, before, &row);
	for (; rc == 0 && (rc = db_next(&row)) == 0; count++)
		rc = free_chunk(gc, db_int(&row, 0), db_int(&row, 1));
	db_row_release(&row);
	gc->report.chunks_waiting += all - count;
	return rc == ERR_END ? 0 : rc;
}

int
gc_foretell(struct gc *gc, int64_t grace_ms)
{
	int64_t now = gc_now(gc->store), leaves = grace_ms < LEAF_GRACE_MS ? grace_ms : LEAF_GRACE_MS;
	struct db_conn *db = NULL;
	int rc;

	if ((rc = db_read_begin(gc->store->db, &db)) != 0)
		return rc;
	if ((rc = end_leaves(gc, db, now - leaves * 1000, grace_ms > 0)) == 0)
		rc = free_chunks(gc, db, now - grace_ms * 1000);
	db_read_end(db);
	return rc;
}
