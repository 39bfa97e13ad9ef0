#include <stdlib.h>
#include <string.h>

#include "blob.h"
#include "commit.h"
#include "db.h"
#include "err.h"
#include "gc_in.h"
#include "log.h"
#include "store_in.h"
#include "tbl_chunk.h"
#include "tbl_segment.h"

/*
 * A row of `segment` without its file: somebody deleted that. As long as a chunk is said to be in it the row stays, and check
 * tells of both; afterwards it is good for nothing. No new row of `chunk` can point there, since the caller only asks for segments
 * that nobody writes to.
 */
#define PAGE 512		/* rows of one read transaction */

static int
any_chunk(struct gc *gc, int64_t home, bool *any)
{
	struct chunk_row *rows = calloc(PAGE, sizeof(*rows));
	uint8_t after[32] = { 0 };
	struct db_conn *db = NULL;
	unsigned n = PAGE;
	int rc = rows ? 0 : ERR_NOMEM;

	*any = false;
	while (rc == 0 && !*any && n == PAGE && (rc = gc_go_on(gc)) == 0) {
		if ((rc = db_read_begin(gc->store->db, &db)) != 0)
			break;
		rc = tbl_chunk_list(db, after, rows, PAGE, &n);
		db_read_end(db);
		for (unsigned i = 0; rc == 0 && i < n; i++)
			*any |= rows[i].home == home;
		if (rc == 0 && n)
			memcpy(after, rows[n - 1].hash, sizeof(after));
	}
	free(rows);
	return rc;
}

static int
run_drop(struct txn *t, void *arg)
{
	return tbl_segment_delete(t->db, *(int64_t *)arg);
}

int
gc_missing(struct gc *gc, int64_t home, bool *needed)
{
	int rc = any_chunk(gc, home, needed);

	if (rc || *needed)
		return rc;
	gc->report.segments_dropped++;
	if (gc->dry)
		return 0;
	log_warn("segment %lld has no file, and nothing needs it any more: it is forgotten", (long long)home);
	return commit_run(gc->store, &(struct commit) { .run = run_drop, .arg = &home, .frees = true });
}

static int
stop_at_once(void *arg, const uint8_t id[32], const struct blob_place *place)
{
	(void)arg;
	(void)id;
	(void)place;
	return ERR_CLOSED;
}

int
gc_unsealed(struct gc *gc, const struct segment_row *row)
{
	bool needed;

	if (row->home > gc->store->last_home ||
	    blob_walk(gc->store->blobs, (uint64_t)row->home, stop_at_once, NULL) != ERR_NOTFOUND)
		return 0;
	return gc_missing(gc, row->home, &needed);
}
