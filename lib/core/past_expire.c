#include "commit.h"
#include "db.h"
#include "err.h"
#include "past.h"
#include "store_in.h"
#include "sweep.h"
#include "tbl_event.h"

/*
 * Places that entries left are kept as long as the contents of their time; those of moved entries, which workspaces without a history
 * keep too, at least for a day: so long a listing in pages may take. Those of folders stay as long as the feed has their events, too.
 */
#define KEEP_LEAST_US (86400ll * 1000000)
#define PIECE 500		/* rows of one transaction */

struct expiry {
	int64_t workspace, now_us;
	unsigned max, n;
};

static int64_t
cutoff(const struct workspace_row *w, int64_t now_us)
{
	int64_t keep = w->history_ms * 1000;

	return now_us - (keep > KEEP_LEAST_US ? keep : KEEP_LEAST_US);
}

/* Whether the oldest place is due; asked by a reader, so that an idle store commits nothing. */
static int
any_expired(struct store *store, const struct workspace_row *w, int64_t now_us, bool *any)
{
	struct db_conn *db = NULL;
	int64_t died, at = INT64_MIN;
	int rc;

	*any = false;
	if ((rc = db_read_begin(store->db, &db)) != 0)
		return rc;
	if ((rc = tbl_past_oldest(db, w->id, w->horizon, &died)) == 0) {
		rc = tbl_event_time(db, w->id, died, &at);
		*any = (rc == 0 || rc == ERR_NOTFOUND) && at <= cutoff(w, now_us);
	}
	db_read_end(db);
	return rc == ERR_NOTFOUND ? 0 : rc;
}

static int
run_expire(struct txn *t, void *arg)
{
	struct expiry *e = arg;
	struct workspace_row *w;
	int64_t sequence;
	int rc;

	e->n = 0;
	if ((rc = txn_workspace(t, e->workspace, &w)) != 0)
		return rc;
	rc = past_sequence_at(t->db, w, cutoff(w, e->now_us), &sequence);
	if (rc != 0 && rc != ERR_EXPIRED)
		return rc;
	if ((rc = past_forget(t, w, sequence, e->max < PIECE ? e->max : PIECE, &e->n)) != 0)
		return rc;
	if (e->n > 0)
		past_lose(w, sequence);
	return 0;
}

static int
expire_workspace(struct store *store, const struct workspace_row *w, const struct sweep *sweep, unsigned *n)
{
	struct expiry e = { .workspace = w->id, .now_us = sweep->now_us };
	bool any = false;
	int rc = any_expired(store, w, sweep->now_us, &any);

	while (rc == 0 && any && *n < sweep->max) {
		e.max = sweep->max - *n;
		rc = commit_run(store, &(struct commit) { .workspace = w->id, .run = run_expire, .arg = &e,
		    .frees = true });
		any = rc == 0 && e.n > 0;
		*n += any ? e.n : 0;
	}
	return rc;
}

int
past_expire(struct store *store, int64_t now_us, unsigned max, unsigned *n)
{
	return sweep_workspaces(store, &(struct sweep) { .each = expire_workspace, .now_us = now_us, .max = max }, n);
}
