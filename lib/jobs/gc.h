#ifndef JOBS_GC_H
#define JOBS_GC_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Garbage collection: asynchronous, conservative, in bounded steps, beside a full load.
 *
 *	1 expire	uploads past their expiry are aborted, and of the JSON API's those whose creator may not write there any
 *			more; completed ones older than 24 h are forgotten; history and trash
 *			behind each workspace's `history` end; expired idempotency keys and tokens go
 *	2 free		leaves without references let go of their chunks once all have ended who ran when the last one went;
 *			chunks that were tombstoned before the oldest running ingest began and longer than the grace
 *			period ago, and that a last reachability check agrees on, are deleted from the table
 *	3 rewrite	sealed segments less than half live: their live chunks are put again (new place and generation), flushed,
 *			committed; what is no longer referenced by anyone is dropped
 *	4 drop		segments in which nothing is referenced are removed: row first, then the file, so that a crash leaves an orphan file, never a dangling row
 */
struct store;

struct gc_report {
	int64_t uploads_expired, versions_expired;
	int64_t chunks_freed;
	uint64_t bytes_freed;		/* stored bytes of freed chunks */
	int64_t segments_rewritten, segments_dropped;
	uint64_t bytes_rewritten, bytes_returned;	/* to the file system */
	int64_t chunks_waiting;		/* tombstones within the grace period or held by running ingests */
};

/*
 * One whole pass. `dry` changes nothing and reports what the steps 2 to 4 of a pass would do; what expires is not foretold. `grace_ms` < 0: the store's. stop(arg) is asked between
 * steps: non-zero ends early with ERR_CLOSED. One pass at a time (ERR_BUSY).
 */
int gc_run(struct store *store, bool dry, int64_t grace_ms, int (*stop)(void *arg), void *arg, struct gc_report *report);
/*
 * Any thread: how far the running pass is, in tombstones and segments looked at; *total is 0 while it is not known, and
 * when none runs.
 */
void gc_progress(struct store *store, uint64_t *done, uint64_t *total);

#endif
