#include <stdlib.h>
#include <time.h>

#include "blob.h"
#include "clock.h"
#include "commit.h"
#include "err.h"
#include "feed_trim.h"
#include "gc_in.h"
#include "history.h"
#include "ingest.h"
#include "past.h"
#include "perm.h"
#include "store_in.h"
#include "tbl_expiry.h"
#include "tbl_upload.h"
#include "transfer.h"
#include "upload.h"

#define STEP 256	/* rows of one transaction */
#define PATIENCE_US 2000000	/* for running ingests to end, in a whole pass */
#define REST_MOST_US 200000

static void
state_free(void *state)
{
	struct gc_state *s = state;

	pthread_mutex_destroy(&s->running);
	free(s->seen);
	free(s);
}

/* Made at the first pass. Passes are started by few, and one after the other. */
static struct gc_state *
state_of(struct store *store)
{
	static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;
	struct gc_state *s;

	pthread_mutex_lock(&making);
	if (!store->gc_state && (s = calloc(1, sizeof(*s)))) {
		pthread_mutex_init(&s->running, NULL);
		store->gc_free = state_free;
		store->gc_state = s;
	}
	s = store->gc_state;
	pthread_mutex_unlock(&making);
	return s;
}

int
gc_go_on(struct gc *gc)
{
	uint64_t available, total;
	int64_t took = clock_mono_us() - gc->rested_us;
	bool low = false;

	if (gc->stop && gc->stop(gc->arg))
		return ERR_CLOSED;
	blob_space(gc->store->blobs, &available, &total, &low);
	if (took > REST_MOST_US)
		took = REST_MOST_US;
	if (!low && took > 0)
		nanosleep(&(struct timespec) { .tv_nsec = took * 1000 }, NULL);
	gc->rested_us = clock_mono_us();
	return 0;
}

bool
gc_ended(struct gc *gc, int64_t since_us)
{
	int64_t mono, wall, began = clock_mono_us(), left = gc->patience_us;

	for (ingest_oldest(gc->store, &mono, &wall); mono <= since_us; ingest_oldest(gc->store, &mono, &wall)) {
		gc->patience_us = left - (clock_mono_us() - began);
		if (gc->patience_us <= 0)
			return false;
		nanosleep(&(struct timespec) { .tv_nsec = 2000000 }, NULL);
	}
	return true;
}

int64_t
gc_now(const struct store *store)
{
	int64_t wall = clock_wall_us(), passed = store->opened_wall_us + clock_mono_us() - store->opened_us;

	return wall < passed ? wall : passed;
}

/* ---- 1: what has expired ---- */

struct expiring {
	int64_t now, gone;
};

static int
run_expire(struct txn *t, void *arg)
{
	struct expiring *e = arg;

	return tbl_expiry_delete(t->db, e->now, STEP, &e->gone);
}

/* Tokens, and replies kept for requests that are sent again. */
static int
expire_rows(struct gc *gc, int64_t now)
{
	struct expiring e = { .now = now, .gone = 1 };
	int rc = 0;

	while (rc == 0 && e.gone && (rc = gc_go_on(gc)) == 0)
		rc = commit_run(gc->store, &(struct commit) { .run = run_expire, .arg = &e, .frees = true });
	return rc;
}

/* A clock that was far ahead when the store was opened counts from the newest record for a day. */
static int64_t
expiry_now(const struct store *store)
{
	return gc_now(store) - (clock_mono_us() - store->opened_us < CLOCK_TRUST_US ? store->doubted_us : 0);
}

static int
expire_events(struct gc *gc, int64_t now)
{
	const struct store_settings *s = store_settings(gc->store);
	const struct feed_keep keep = { .keep_us = s->changes_keep_ms * 1000, .idle_us = s->device_idle_ms * 1000,
		.keep_min = s->changes_keep_min };
	unsigned n = 1;
	int rc = 0;

	while (rc == 0 && n && keep.keep_us && (rc = gc_go_on(gc)) == 0)
		rc = feed_trim(gc->store, &keep, now, STEP, &n);
	return rc;
}

/* What nobody may go on with; expiry, which is next, takes it apart. */
static int
revoke_uploads(struct gc *gc)
{
	struct upload_open at = { 0 };
	bool more = true;
	int rc = 0;

	while (rc == 0 && more && (rc = gc_go_on(gc)) == 0)
		rc = transfer_revoke(gc->store, &at, &more);
	return rc;
}

static int
expire(struct gc *gc)
{
	int64_t now = expiry_now(gc->store);
	unsigned n;
	int rc;

	if (gc->dry)
		return 0;
	if ((rc = revoke_uploads(gc)) != 0)
		return rc;
	do {
		if ((rc = gc_go_on(gc)) != 0 || (rc = upload_expire(gc->store, now, STEP, &n)) != 0)
			return rc;
		gc->report.uploads_expired += n;
	} while (n);
	do {
		if ((rc = gc_go_on(gc)) != 0 || (rc = history_expire(gc->store, now, STEP, &n)) != 0)
			return rc;
		gc->report.versions_expired += n;
	} while (n);
	do
		if ((rc = gc_go_on(gc)) != 0 || (rc = past_expire(gc->store, now, STEP, &n)) != 0)
			return rc;
	while (n);
	do
		if ((rc = gc_go_on(gc)) != 0 || (rc = grant_expire(gc->store, STEP, &n)) != 0)
			return rc;
	while (n);
	if ((rc = expire_events(gc, now)) != 0)
		return rc;
	return expire_rows(gc, gc_now(gc->store));
}

void
gc_progress(struct store *store, uint64_t *done, uint64_t *total)
{
	struct gc_state *s = state_of(store);

	*done = s ? s->done : 0;
	*total = s ? s->total : 0;
}

int
gc_run(struct store *store, bool dry, int64_t grace_ms, int (*stop)(void *arg), void *arg, struct gc_report *report)
{
	struct gc gc = { .store = store, .state = state_of(store), .dry = dry, .stop = stop, .arg = arg,
		.patience_us = dry ? 0 : PATIENCE_US, .rested_us = clock_mono_us() };
	int rc;

	if (!gc.state)
		return ERR_NOMEM;
	if (pthread_mutex_trylock(&gc.state->running))
		return ERR_BUSY;
	if ((rc = expire(&gc)) == 0 && (rc = gc_count_segments(&gc)) == 0 &&
	    (rc = gc_free(&gc, grace_ms < 0 ? store->settings.grace_ms : grace_ms)) == 0)
		rc = gc_segments(&gc);
	free(gc.gains);
	gc.state->done = gc.state->total = 0;
	pthread_mutex_unlock(&gc.state->running);
	*report = gc.report;
	return rc;
}
