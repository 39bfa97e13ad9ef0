#ifndef CORE_BATCH_H
#define CORE_BATCH_H

#include <stdbool.h>

#include "commit.h"

/*
 * One transaction of the committer, inside lib/core/commit.c and batch.c only:
 *
 *	batch_begin -> (batch_run)* -> batch_commit | batch_rollback
 *
 * batch_run() runs a closure under a savepoint. It returns what the closure returned, and sets *standing to false
 * if the whole transaction went meanwhile (a full disk, or a closure that could not be undone): then nothing of the batch happened.
 */
struct batch;

int batch_new(struct store *store, struct batch **batch);
void batch_free(struct batch *batch);

int batch_begin(struct batch *b);
int batch_run(struct batch *b, const struct commit *c, bool *standing);
/*
 * Flushes the small lane, writes the changed workspace rows, epochs and homes, commits, publishes the epochs and tells
 * store->committed. ERR_SPACE: rolled back. Anything else than 0: whether the commit happened is unknown.
 */
int batch_commit(struct batch *b);
void batch_rollback(struct batch *b);

#endif
