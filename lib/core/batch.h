#ifndef CORE_BATCH_H
#define CORE_BATCH_H

#include <stdbool.h>

#include "commit.h"

/*
 * One transaction of the committer, inside lib/core/commit.c and batch.c only:
 *
 *	batch_begin -> (batch_run)* -> batch_commit | batch_rollback
 *
 * batch_run() runs a closure and returns what it returned. *state says what became of the transaction.
 *
 * A savepoint for each closure costs a fifth of what the closures do, and is needed by those alone that fail after they have changed
 * something. So a batch is begun without; only one that was spoiled is begun again with them (`guarded`).
 */
struct batch;

enum batch_state {
	BATCH_STANDS,	/* a failed closure left nothing behind */
	BATCH_SPOILED,	/* it did; roll back and begin again, guarded */
	BATCH_LOST,	/* the whole transaction went (a full disk, or a closure that could not be undone) */
};

int batch_new(struct store *store, struct batch **batch);
void batch_free(struct batch *batch);

int batch_begin(struct batch *b, bool guarded);
int batch_run(struct batch *b, const struct commit *c, enum batch_state *state);
/*
 * Flushes the small lane, writes the changed workspace rows, epochs and homes, commits, publishes the epochs and tells
 * store->committed. ERR_SPACE: rolled back. Anything else than 0: whether the commit happened is unknown.
 */
int batch_commit(struct batch *b);
void batch_rollback(struct batch *b);

#endif
