#include <stdlib.h>

#include "clock.h"
#include "commit.h"
#include "db.h"
#include "err.h"
#include "gc_in.h"
#include "ingest.h"
#include "refs.h"
#include "store_in.h"
#include "tbl_chunk.h"
#include "tbl_leaf.h"
#include "tbl_segment.h"

/*
 * Tombstones: leaves, which end and make tombstones of chunks, and chunks, whose rows go. Neither goes while somebody runs who may
 * have found it alive. Leaves wait no grace period, as their chunks do, but long enough for who found a version to begin reading.
 */
#define STEP 256		/* rows of one transaction */
#define STEP_CHUNKS 4096		/* that leaves let go of in one transaction, or one leaf more */
#define MARGIN_US 60000000	/* between a batch's clock and the moment its commit is seen */

/*
 * Of tombstones that were seen dead a moment ago, oldest first, those that nobody can rely on: all, if everybody has ended who ran
 * then; else those that died well before the oldest who runs began. Whoever found one alive had begun before it died, so before
 * the moment at which it was surely seen dead, which is after the reading.
 */
static unsigned
unneeded(struct gc *gc, const int64_t *dead_at, unsigned n)
{
	int64_t mono, wall;
	unsigned k = 0;

	if (gc_ended(gc, clock_mono_us()))
		return n;
	ingest_oldest(gc->store, &mono, &wall);
	while (k < n && dead_at[k] < wall - MARGIN_US)
		k++;
	return k;
}

/* ---- leaves ---- */

struct ending {
	const struct leaf_dead *rows;
	unsigned count, done;
};

static int
run_end(struct txn *t, void *arg)
{
	struct ending *e = arg;
	unsigned chunks = 0;
	int rc = 0;

	for (e->done = 0; rc == 0 && e->done < e->count && chunks < STEP_CHUNKS; e->done++)
		if ((rc = refs_end_leaf(t, &e->rows[e->done], &chunks)) == ERR_NOTFOUND)
			rc = 0;
	return rc;
}

static int
read_leaves(struct store *store, int64_t before, struct leaf_dead *rows, unsigned max, unsigned *n)
{
	struct db_conn *db = NULL;
	int rc;

	if ((rc = db_read_begin(store->db, &db)) != 0)
		return rc;
	rc = tbl_leaf_dead(db, before, rows, max, n);
	db_read_end(db);
	return rc;
}

static int
end_some_leaves(struct gc *gc, int64_t before, bool *more)
{
	struct leaf_dead rows[STEP];
	struct ending e = { .rows = rows };
	int64_t dead_at[STEP];
	unsigned n;
	int rc;

	*more = false;
	if ((rc = read_leaves(gc->store, before, rows, STEP, &n)) != 0 || n == 0)
		return rc;
	for (unsigned i = 0; i < n; i++)
		dead_at[i] = rows[i].dead_at;
	*more = (e.count = unneeded(gc, dead_at, n)) == STEP;
	for (; rc == 0 && e.count; e.rows += e.done, e.count -= e.done)
		if ((rc = gc_go_on(gc)) == 0)
			rc = commit_run(gc->store, &(struct commit) { .run = run_end, .arg = &e, .frees = true, .large = true });
	return rc;
}

static int
end_leaves(struct gc *gc, int64_t grace_ms)
{
	int64_t before = gc_now(gc->store) - (grace_ms < LEAF_GRACE_MS ? grace_ms : LEAF_GRACE_MS) * 1000;
	bool more = true;
	int rc = 0;

	while (rc == 0 && more && (rc = gc_go_on(gc)) == 0)
		rc = end_some_leaves(gc, before, &more);
	return rc;
}

/* ---- chunks ---- */

struct freeing {
	const struct chunk_row *rows;
	unsigned count;
	int64_t freed, bytes;
};

/* The last check and the deletion, where no other change can come between. */
static int
run_free(struct txn *t, void *arg)
{
	struct freeing *f = arg;
	struct chunk_row now;
	int rc = 0;

	f->freed = f->bytes = 0;
	for (unsigned i = 0; rc == 0 && i < f->count; i++) {
		if ((rc = tbl_chunk_get(t->db, f->rows[i].hash, &now)) == ERR_NOTFOUND) {
			rc = 0;
			continue;
		}
		if (rc || now.refs != 0 || now.dead_at != f->rows[i].dead_at)
			continue;
		if ((rc = tbl_chunk_delete(t->db, now.hash)) == 0)
			rc = tbl_segment_freed(t->db, now.home, now.stored);
		f->freed++;
		f->bytes += now.stored;
	}
	return rc;
}

static int
read_dead(struct store *store, int64_t before, struct chunk_row *rows, unsigned max, unsigned *n)
{
	struct db_conn *db = NULL;
	int rc;

	if ((rc = db_read_begin(store->db, &db)) != 0)
		return rc;
	rc = tbl_chunk_dead(db, before, rows, max, n);
	db_read_end(db);
	return rc;
}

/* How many tombstones there are, and of those that died before `before` how many and how large. */
static int
count_dead(struct store *store, int64_t before, int64_t *all, int64_t *count, int64_t *bytes)
{
	struct db_conn *db = NULL;
	int64_t unused;
	int rc;

	if ((rc = db_read_begin(store->db, &db)) != 0)
		return rc;
	if ((rc = tbl_chunk_dead_sum(db, INT64_MAX, all, &unused)) == 0)
		rc = tbl_chunk_dead_sum(db, before, count, bytes);
	db_read_end(db);
	return rc;
}

/* Frees what it can of the oldest tombstones; *more tells whether others may be free. */
static int
free_some(struct gc *gc, int64_t before, struct chunk_row *rows, bool *more)
{
	struct freeing f = { .rows = rows };
	int64_t dead_at[STEP];
	unsigned n;
	int rc;

	*more = false;
	if ((rc = read_dead(gc->store, before, rows, STEP, &n)) != 0 || n == 0)
		return rc;
	for (unsigned i = 0; i < n; i++)
		dead_at[i] = rows[i].dead_at;
	if ((f.count = unneeded(gc, dead_at, n)) == 0)
		return 0;
	if ((rc = commit_run(gc->store, &(struct commit) { .run = run_free, .arg = &f, .frees = true })) != 0)
		return rc;
	gc->report.chunks_freed += f.freed;
	gc->state->done += f.count;
	gc->report.bytes_freed += (uint64_t)f.bytes;
	*more = f.count == STEP;
	return 0;
}

static int
free_chunks(struct gc *gc, int64_t grace_ms)
{
	int64_t before = gc_now(gc->store) - grace_ms * 1000, all = 0, count = 0, bytes = 0;
	struct chunk_row *rows = calloc(STEP, sizeof(*rows));
	bool more = true;
	int rc = rows ? 0 : ERR_NOMEM;

	if (rc == 0 && (rc = count_dead(gc->store, before, &all, &count, &bytes)) == 0)
		gc->state->total += (uint64_t)count;
	while (rc == 0 && more && (rc = gc_go_on(gc)) == 0)
		rc = free_some(gc, before, rows, &more);
	free(rows);
	if (rc || (rc = count_dead(gc->store, before, &all, &count, &bytes)) != 0)
		return rc;
	gc->report.chunks_waiting = all;
	return 0;
}

int
gc_free(struct gc *gc, int64_t grace_ms)
{
	int rc = gc->dry ? gc_foretell(gc, grace_ms) : end_leaves(gc, grace_ms);

	return rc || gc->dry ? rc : free_chunks(gc, grace_ms);
}
