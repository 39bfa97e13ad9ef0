#ifndef CORE_COMMIT_H
#define CORE_COMMIT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "tbl_workspace.h"

/*
 * The committer: one thread through which every mutation of a store goes.
 *
 * It takes the waiting closures, round-robin by workspace, at most 256 or 20 ms or one large one a batch; runs them in one
 * transaction; flushes the small lane once; writes the homes that grew and the changed workspace rows; commits; and only
 * then releases all results, refusals too. Where a closure failed after it had changed something, all of the batch run
 * again, each under a savepoint. After each closure it checks that the transaction still stands; if not (a full disk rolls
 * back everything) nothing is released, the ballast is given back, and what frees space runs again one by one, while what
 * would take more is refused with ERR_SPACE. Between batches it moves the log into the database.
 *
 * A closure may run more than once, sees only the database, and has no other effect. What it needs it gets in arg; what
 * it finds it leaves in arg.
 */
struct store;
struct db_conn;

/* What a closure works with. Valid during the call. */
struct txn {
	struct store *store;
	struct db_conn *db;
	int64_t now_us;		/* wall time of the batch: created_at, occurred_at */
	struct batch *batch;	/* commit.c's */
};

struct commit {
	int64_t workspace;	/* whose turn it takes; 0 for what concerns the whole store */
	int (*run)(struct txn *t, void *arg);
	void *arg;
	bool frees;		/* a delete, a GC step, access taken away: goes on when the disk is full */
	bool large;		/* ends its batch */
};

/*
 * Queues and waits. Returns what the closure returned, after the transaction that holds its effects (or the state that
 * it judged by) survives a power cut. A negative result undoes the closure's own changes.
 * ERR_SPACE: the disk is full. ERR_CLOSED: the store is closing or has failed.
 */
int commit_run(struct store *store, const struct commit *commit);

/*
 * The same for who has other things to do meanwhile. Placed by the caller, `commit`, `done` and `arg` filled, the rest zero.
 *
 *	commit_start -> (commit_ready says true from when done() is called) -> commit_end
 *
 * After commit_start() returned 0 it and what it points to belong to the committer until commit_end() has returned; what is
 * queued can't be called off. Other results are those of commit_run() that nothing was queued for: no done(), no commit_end().
 * done() is called once, from the committer's thread or before commit_start() has returned, when the result is there. Others of the
 * batch wait for it: it only wakes somebody.
 */
struct commit_wait {
	struct commit commit;
	void (*done)(void *arg);	/* NULL: nobody is told */
	void *arg;
	/* commit.c's */
	int rc;
	atomic_bool ready;
	bool over;			/* under `lock`: the committer has let go */
	pthread_mutex_t lock;
	pthread_cond_t cond;
	struct commit_wait *next;
};
int commit_start(struct store *store, struct commit_wait *w);
/* Whether the result is there: what commit_run() would have returned. Any thread. */
bool commit_ready(const struct commit_wait *w, int *rc);
/* Waits for the result, and until done() has returned. The result. Once, any thread but the committer's. */
int commit_end(struct commit_wait *w);

/*
 * The workspace's row, read once a batch and written once at its end. Closures read and change the hot columns
 * (sequence, objects, bytes, …) and the settings only through it; an undone closure's changes are undone with it. Set
 * row->dirty after changing. ERR_NOTFOUND. The pointer lives until the closure returns.
 */
int txn_workspace(struct txn *t, int64_t workspace, struct workspace_row **row);
/* A workspace was created or deleted by SQL in this closure: forget what is cached of it (nothing unwritten may be there). */
void txn_workspace_forget(struct txn *t, int64_t workspace);

/* Raises an epoch of the store row (once a batch is enough; the commit makes it visible). */
int txn_auth_changed(struct txn *t);
int txn_structure_changed(struct txn *t);
/*
 * Whether the structure changed in this transaction already. If not, what is cached under store_structure_epoch() holds
 * inside the closure too.
 */
bool txn_structure_changing(const struct txn *t);

/*
 * The epochs as of the last commit, without asking the database: raised before commit_run() returns to whoever changed
 * something, so that what is cached under an older epoch is never used for a later request.
 */
int64_t store_auth_epoch(const struct store *store);
int64_t store_structure_epoch(const struct store *store);

struct committer;
int committer_start(struct store *store, struct committer **c);
void committer_stop(struct committer *c);	/* runs what is queued; NULL is fine */
void committer_counts(struct committer *c, int64_t *commits, int64_t *batches);

#endif
