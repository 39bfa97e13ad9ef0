#ifndef MOVE_KIT_H
#define MOVE_KIT_H

#include "blob.h"
#include "byte_kit.h"

/* Moves every chunk, as compaction does, and drops the homes where they were. For chunks of at most 1 KiB. */
struct moving {
	struct store *store;
	int moved;
};

static inline int
move_run(struct txn *t, void *arg)
{
	struct moving *m = arg;
	struct chunk_row rows[256];
	uint8_t after[32] = { 0 };
	unsigned n;
	bool moved;
	int rc;

	m->moved = 0;
	do {
		if ((rc = tbl_chunk_list(t->db, after, rows, 256, &n)) != 0)
			return rc;
		for (unsigned i = 0; i < n; i++) {
			struct blob_place from = { (uint64_t)rows[i].home, (uint64_t)rows[i].place, rows[i].stored,
				rows[i].size }, to;
			uint8_t bytes[1024];
			struct chunk_row row = rows[i];

			if ((rc = blob_get(m->store->blobs, row.hash, &from, 0, row.size, true, bytes)) != 0 ||
			    (rc = blob_put(m->store->blobs, BLOB_LANE_REWRITE, row.hash, bytes, row.size, &to)) != 0)
				return rc;
			row.home = (int64_t)to.home;
			row.place = (int64_t)to.offset;
			row.stored = to.stored;
			if ((rc = tbl_chunk_move(t->db, &row, rows[i].home, rows[i].place, &moved)) != 0)
				return rc;
			m->moved += moved;
		}
		if (n)
			memcpy(after, rows[n - 1].hash, 32);
	} while (n == 256);
	return blob_sync(m->store->blobs, BLOB_LANE_REWRITE);
}

static inline int
move_all(struct store *store, int *count)
{
	struct moving m = { store, 0 };
	int64_t last, home;
	int rc = commit_run(store, &(struct commit) { .run = move_run, .arg = &m });

	for (unsigned lane = 0; rc == 0 && lane < BLOB_LANE_REWRITE; lane++)
		rc = blob_roll(store->blobs, lane, 0);
	if (rc == 0)
		rc = byte_sql(store, "UPDATE job SET state = 0 WHERE id = 0");	/* a commit writes down what was sealed */
	last = byte_number(store, "SELECT max(home) FROM chunk");
	for (home = 1; rc == 0 && home < last; home++)
		rc = byte_number(store, "SELECT min(home) FROM chunk") > home ? blob_drop(store->blobs, (uint64_t)home) : 0;
	*count = m.moved;
	return rc;
}

#endif
