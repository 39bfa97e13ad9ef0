#include "commit.h"
#include "db.h"
#include "err.h"
#include "feed_trim.h"
#include "past.h"
#include "store_in.h"
#include "sweep.h"
#include "tbl_device.h"
#include "tbl_event.h"
#include "tbl_grant.h"
#include "tbl_workspace.h"

#define PIECE 1000		/* rows of one transaction */

struct trimming {
	int64_t workspace, now_us;
	const struct feed_keep *keep;
	unsigned max, n;
};

/* The last event that may go; at most the horizon if none may. */
static int
find_end(struct db_conn *db, const struct workspace_row *w, const struct feed_keep *keep, int64_t now_us, int64_t *end)
{
	int64_t old = keep->keep_us > w->history_ms * 1000 ? keep->keep_us : w->history_ms * 1000, low;
	int rc;

	*end = w->horizon;
	if (w->sequence - w->horizon <= keep->keep_min)
		return 0;
	rc = past_sequence_at(db, w, now_us - old, end);
	if (rc && rc != ERR_EXPIRED)
		return rc;
	if (*end > w->sequence - keep->keep_min)
		*end = w->sequence - keep->keep_min;
	rc = tbl_device_lowest(db, w->id, now_us - keep->idle_us, &low);
	if (rc == 0 && *end > low)
		*end = low;
	return rc == ERR_NOTFOUND ? 0 : rc;
}

/* A piece ends with a commit, unless one alone is larger. */
static int
run_trim(struct txn *t, void *arg)
{
	struct trimming *m = arg;
	struct workspace_row *w;
	int64_t end, last;
	int rc;

	m->n = 0;
	if ((rc = txn_workspace(t, m->workspace, &w)) != 0 || (rc = find_end(t->db, w, m->keep, m->now_us, &end)) != 0 ||
	    end <= w->horizon)
		return rc;
	if (end > w->horizon + m->max)
		end = w->horizon + m->max;
	rc = tbl_event_last_end(t->db, w->id, w->horizon, end, &last);
	if (rc == 0)
		end = last;
	if ((rc && rc != ERR_NOTFOUND) || (rc = tbl_event_trim(t->db, w->id, end)) != 0 ||
	    (rc = tbl_grant_forget(t->db, w->id, end)) != 0)
		return rc;
	m->n = (unsigned)(end - w->horizon);
	w->horizon = end;
	w->dirty = true;
	return 0;
}

static int
trim_workspace(struct store *store, const struct workspace_row *w, const struct sweep *sweep, unsigned *n)
{
	struct trimming m = { .workspace = w->id, .now_us = sweep->now_us, .keep = sweep->arg };
	unsigned left;
	struct db_conn *db = NULL;
	int64_t end;
	int rc;

	/* Asked by a reader first, so that an idle store commits nothing. */
	if ((rc = db_read_begin(store->db, &db)) != 0)
		return rc;
	rc = find_end(db, w, m.keep, m.now_us, &end);
	db_read_end(db);
	m.n = rc == 0 && end > w->horizon;
	while (rc == 0 && m.n && *n < sweep->max) {
		left = sweep->max - *n;
		m.max = left < PIECE ? left : PIECE;
		rc = commit_run(store, &(struct commit) { .workspace = w->id, .run = run_trim, .arg = &m, .frees = true });
		*n += rc == 0 ? m.n : 0;
	}
	return rc;
}

int
feed_trim(struct store *store, const struct feed_keep *keep, int64_t now_us, unsigned max, unsigned *n)
{
	return sweep_workspaces(store, &(struct sweep) { .each = trim_workspace, .now_us = now_us, .arg = keep, .max = max }, n);
}
