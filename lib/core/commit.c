#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "batch.h"
#include "blob.h"
#include "clock.h"
#include "db.h"
#include "err.h"
#include "gate.h"
#include "log.h"
#include "store_in.h"
#include "thread.h"

/*
 * The life of a waiter: queued by commit_start() under the lock -> taken by the committer into its batch -> result set ->
 * after the commit `ready`, done() called, `over`. After that nobody here touches it.
 *
 * Locks: c->lock guards the queues and the flags, and is never held over a closure, a flush or a commit; a waiter's own
 * guards `over`. Neither is held over done().
 */
#define BATCH_CLOSURES 256
#define BATCH_US 20000
#define WAL_TARGET (128ull << 20)
#define IDLE_CHECKPOINT_S 1

/* The waiters of one workspace, first come first served. Turns go round the queues. */
struct queue {
	int64_t workspace;
	struct commit_wait *head, **tail;
	struct queue *next;
};

struct committer {
	struct store *store;
	struct batch *batch;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct queue *turn, **turns_end;	/* queues with somebody in them */
	struct queue *spare;			/* empty queues, to be used again */
	bool closing;
	_Atomic bool failed;	/* set by whoever meets a failed flush; looked at before anything is begun */
	int64_t commits, batches;
};

static struct queue *
queue_of(struct committer *c, int64_t workspace)
{
	struct queue *q;

	for (q = c->turn; q; q = q->next)
		if (q->workspace == workspace)
			return q;
	if ((q = c->spare))
		c->spare = q->next;
	else if (!(q = malloc(sizeof(*q))))
		return NULL;
	*q = (struct queue) { .workspace = workspace, .tail = &q->head };
	*c->turns_end = q;
	c->turns_end = &q->next;
	return q;
}

/* The next in turn: the head of the first queue, which then goes to the end of the round. */
static struct commit_wait *
take(struct committer *c)
{
	struct queue *q = c->turn;
	struct commit_wait *w;

	if (!q)
		return NULL;
	w = q->head;
	q->head = w->next;
	w->next = NULL;
	c->turn = q->next;
	if (!c->turn)
		c->turns_end = &c->turn;
	q->next = NULL;
	if (q->head) {
		*c->turns_end = q;
		c->turns_end = &q->next;
	} else {
		q->next = c->spare;
		c->spare = q;
	}
	return w;
}

static void
release(struct commit_wait *w)
{
	atomic_store_explicit(&w->ready, true, memory_order_release);
	if (w->done)
		w->done(w->arg);
	pthread_mutex_lock(&w->lock);
	w->over = true;
	pthread_cond_signal(&w->cond);
	pthread_mutex_unlock(&w->lock);
}

int
commit_start(struct store *store, struct commit_wait *w)
{
	struct committer *c = store->committer;
	struct queue *q;
	int rc;

	if (!w->commit.frees && (rc = gate_write(store)) != 0)
		return rc;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->cond, NULL);
	pthread_mutex_lock(&c->lock);
	if (c->closing || c->failed || !(q = queue_of(c, w->commit.workspace))) {
		rc = c->closing || c->failed ? ERR_CLOSED : ERR_NOMEM;
		pthread_mutex_unlock(&c->lock);
		pthread_mutex_destroy(&w->lock);
		pthread_cond_destroy(&w->cond);
		return rc;
	}
	*q->tail = w;
	q->tail = &w->next;
	pthread_cond_signal(&c->work);
	pthread_mutex_unlock(&c->lock);
	return 0;
}

bool
commit_ready(const struct commit_wait *w, int *rc)
{
	if (!atomic_load_explicit(&w->ready, memory_order_acquire))
		return false;
	*rc = w->rc;
	return true;
}

int
commit_end(struct commit_wait *w)
{
	pthread_mutex_lock(&w->lock);
	while (!w->over)
		pthread_cond_wait(&w->cond, &w->lock);
	pthread_mutex_unlock(&w->lock);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->cond);
	return w->rc;
}

int
commit_run(struct store *store, const struct commit *commit)
{
	struct commit_wait w = { .commit = *commit };
	int rc = commit_start(store, &w);

	return rc ? rc : commit_end(&w);
}

/* A flush or a commit failed: whatever was not acknowledged never will be. Any thread. */
static void
fail(struct committer *c, int rc)
{
	if (atomic_exchange(&c->failed, true))
		return;
	log_error("a flush or commit failed (%s): nothing more is acknowledged; restart fsd once the disk is well",
	    err_text(rc));
	if (c->store->failed)
		c->store->failed(c->store->failed_arg);
}

/* A flush of chunks, by whichever thread: it may be the last thing that happens for a long time, so nobody waits for a commit. */
static void
bytes_failed(void *arg)
{
	fail(arg, ERR_IO);
}

/* Between batches. A checkpoint without room is tried again; one whose flush failed is not. */
static void
checkpoint(struct committer *c, uint64_t target)
{
	if (!c->failed && db_checkpoint(db_writer(c->store->db), target) == ERR_IO)
		fail(c, ERR_IO);
}

/* One closure in a transaction of its own: after the engine threw a whole batch away. */
static void
run_alone(struct committer *c, struct commit_wait *w)
{
	enum batch_state state;
	int rc;

	if (c->failed) {
		w->rc = ERR_CLOSED;
		return;
	}
	if ((rc = batch_begin(c->batch, true)) == 0) {
		rc = batch_run(c->batch, &w->commit, &state);
		if (state != BATCH_STANDS) {
			w->rc = rc < 0 ? rc : ERR_SPACE;
			batch_rollback(c->batch);
			return;
		}
		w->rc = rc;
		rc = batch_commit(c->batch);
	}
	if (rc == 0)
		return;
	batch_rollback(c->batch);
	w->rc = rc == ERR_SPACE ? ERR_SPACE : ERR_CLOSED;
	if (rc != ERR_SPACE)
		fail(c, rc);
}

/*
 * Runs waiters of a batch together, for as long as a batch may take; *ran tells how many. 0, or why none of it
 * happened: ERR_AGAIN if it has to be guarded.
 */
static int
run_together(struct committer *c, struct commit_wait **batch, size_t n, bool guarded, size_t *ran)
{
	int64_t until = clock_mono_us() + BATCH_US;
	enum batch_state state = BATCH_STANDS;
	size_t i;
	int rc;

	*ran = n;
	if ((rc = batch_begin(c->batch, guarded)) != 0)
		return rc;
	for (i = 0; i < n && state == BATCH_STANDS && (i == 0 || clock_mono_us() < until); i++) {
		batch[i]->rc = batch_run(c->batch, &batch[i]->commit, &state);
		/* A full disk may also cost one statement alone. What frees must get its second chance then too. */
		if (batch[i]->rc == ERR_SPACE)
			state = BATCH_LOST;
	}
	if (state != BATCH_STANDS) {
		batch_rollback(c->batch);
		return state == BATCH_SPOILED ? ERR_AGAIN : ERR_SPACE;
	}
	*ran = i;
#ifdef BUG_EARLY_ACK	/* planted: the power-cut test must notice it */
	for (i = 0; i < *ran; i++)
		release(batch[i]);
#endif
	if ((rc = batch_commit(c->batch)) != 0)
		batch_rollback(c->batch);
	return rc;
}

/* Runs and releases some of `n` waiters, at least one; returns how many. */
static size_t
run_batch(struct committer *c, struct commit_wait **batch, size_t n)
{
	size_t ran = n;
	int rc = c->failed ? ERR_CLOSED : run_together(c, batch, n, false, &ran);

	if (rc == ERR_AGAIN)
		rc = run_together(c, batch, n, true, &ran);
	if (rc == ERR_SPACE) {
		/* What frees space gets the ballast's; what would take more is refused. */
		gate_disk_full(c->store);
		for (size_t i = 0; i < ran; i++)
			if (batch[i]->commit.frees)
				run_alone(c, batch[i]);
			else
				batch[i]->rc = ERR_SPACE;
	} else if (rc) {
		for (size_t i = 0; i < ran; i++)
			batch[i]->rc = ERR_CLOSED;
		fail(c, rc);
	}
#ifndef BUG_EARLY_ACK
	for (size_t i = 0; i < ran; i++)
		release(batch[i]);
#endif
	return ran;
}

/* What waits now, at most a batch of it. Called with the lock held. */
static size_t
gather(struct committer *c, struct commit_wait **batch)
{
	size_t n = 0;

	while (n < BATCH_CLOSURES && (batch[n] = take(c)))
		if (batch[n++]->commit.large)
			break;
	return n;
}

static void
wait_for_work(struct committer *c)
{
	struct timespec until;
	bool idle = false;

	while (!c->turn && !c->closing) {
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += IDLE_CHECKPOINT_S;
		if (pthread_cond_timedwait(&c->work, &c->lock, &until) && !c->turn && !c->closing && !idle) {
			/*
			 * Nothing came for a while: a short log makes the next start quick, and look-ups too, who read the log
			 * with a system call a page, but map the database.
			 */
			pthread_mutex_unlock(&c->lock);
			checkpoint(c, 1 << 20);
			pthread_mutex_lock(&c->lock);
			idle = true;
		}
	}
}

static void *
committer_main(void *arg)
{
	struct committer *c = arg;
	struct commit_wait *batch[BATCH_CLOSURES];
	int64_t batches = 0;
	size_t n, ran;

	pthread_mutex_lock(&c->lock);
	for (;;) {
		wait_for_work(c);
		if ((n = gather(c, batch)) == 0)
			break;	/* closing, and nobody left */
		pthread_mutex_unlock(&c->lock);
		for (ran = 0; ran < n; batches++) {
			ran += run_batch(c, batch + ran, n - ran);
			checkpoint(c, WAL_TARGET);
		}
		pthread_mutex_lock(&c->lock);
		c->commits += (int64_t)n;
		c->batches = batches;
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

int
committer_start(struct store *store, struct committer **committer)
{
	struct committer *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return ERR_NOMEM;
	c->store = store;
	c->turns_end = &c->turn;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->work, NULL);
	blob_on_failure(store->blobs, bytes_failed, c);
	if ((rc = batch_new(store, &c->batch)) == 0)
		rc = thread_start(&c->thread, "committer", 0, committer_main, c);
	if (rc) {
		blob_on_failure(store->blobs, NULL, NULL);
		batch_free(c->batch);
		free(c);
		return rc;
	}
	*committer = c;
	return 0;
}

void
committer_stop(struct committer *c)
{
	struct queue *q;

	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	c->closing = true;
	pthread_cond_signal(&c->work);
	pthread_mutex_unlock(&c->lock);
	pthread_join(c->thread, NULL);
	blob_on_failure(c->store->blobs, NULL, NULL);
	while ((q = c->spare)) {
		c->spare = q->next;
		free(q);
	}
	batch_free(c->batch);
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->work);
	free(c);
}

void
committer_counts(struct committer *c, int64_t *commits, int64_t *batches)
{
	pthread_mutex_lock(&c->lock);
	*commits = c->commits;
	*batches = c->batches;
	pthread_mutex_unlock(&c->lock);
}
