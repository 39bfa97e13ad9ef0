#include "db.h"
#include "err.h"
#include "grant.h"
#include "history.h"
#include "history_in.h"
#include "object_in.h"
#include "past.h"
#include "store_in.h"
#include "sweep.h"
#include "tbl_file.h"

/* Versions of one transaction: what is large in them is their chunks. */
#define PIECE 32
#define PAST_PIECE 500

struct expiry {
	int64_t workspace, now_us;
	unsigned max, n;
};

/* A file in the trash ends with its last version. */
static int
end_trash(struct txn *t, int64_t workspace, int64_t file)
{
	int state, rc;

	if ((rc = tbl_file_state(t->db, workspace, file, &state)) != 0)
		return rc == ERR_NOTFOUND ? 0 : rc;
	if (state != FILE_TRASH || (rc = tbl_version_any_old(t->db, workspace, file)) == 0)
		return 0;
	if (rc != ERR_NOTFOUND || (rc = grant_end(t, file)) != 0)
		return rc;
	return tbl_file_delete(t->db, workspace, file);
}

static int
run_expire(struct txn *t, void *arg)
{
	struct version_old old[PIECE];
	struct expiry *e = arg;
	struct workspace_row *w;
	unsigned n;
	int rc;

	e->n = 0;
	if ((rc = txn_workspace(t, e->workspace, &w)) != 0 ||
	    (rc = tbl_version_history(t->db, w->id, e->now_us - w->history_ms * 1000, old,
		 e->max < PIECE ? e->max : PIECE, &n)) != 0)
		return rc;
	for (unsigned i = 0; rc == 0 && i < n; i++) {
		w->history_bytes -= old[i].size;
		w->dirty = true;
		past_lose(w, old[i].superseded);
		if ((rc = object_destroy(t, w->id, old[i].id)) == 0)
			rc = end_trash(t, w->id, old[i].file_id);
	}
	/* The tree can't be shown as it was before the last of them either. */
	if (rc == 0 && n)
		rc = past_forget(t, w, old[n - 1].superseded, PAST_PIECE, &(unsigned) { 0 });
	e->n = n;
	return rc;
}

/* One folder that was deleted as a whole. */
static int
run_expire_folder(struct txn *t, void *arg)
{
	struct expiry *e = arg;
	struct trash_folder folder;
	struct workspace_row *w;
	bool ended;
	int rc;

	e->n = 0;
	if ((rc = txn_workspace(t, e->workspace, &w)) != 0)
		return rc;
	rc = tbl_trash_first(t->db, w->id, e->now_us - w->history_ms * 1000, &folder);
	if (rc == 0)
		rc = history_end_folder(t, w, &folder, e->max < PIECE ? e->max : PIECE, &e->n, &ended);
	else if (rc == ERR_NOTFOUND)
		return 0;
	e->n += e->n == 0;	/* an empty one */
	return rc;
}

/* Whether a workspace has something to expire: asked by a reader, so that an idle store commits nothing. */
static int
any_expired(struct store *store, const struct workspace_row *w, int64_t now_us, bool *versions, bool *folders)
{
	int64_t at = now_us - w->history_ms * 1000;
	struct trash_folder folder;
	struct version_old old;
	struct db_conn *db = NULL;
	unsigned n = 0;
	int rc;

	if ((rc = db_read_begin(store->db, &db)) != 0)
		return rc;
	*folders = false;
	if ((rc = tbl_version_history(db, w->id, at, &old, 1, &n)) == 0) {
		rc = tbl_trash_first(db, w->id, at, &folder);
		*folders = rc == 0;
	}
	db_read_end(db);
	*versions = n > 0;
	return rc == ERR_NOTFOUND ? 0 : rc;
}

/* Runs one kind of expiry until it finds nothing, or `max` is reached. */
static int
expire_all(struct store *store, struct expiry *e, int (*run)(struct txn *t, void *arg), unsigned max, unsigned *n)
{
	int rc = 0;

	do {
		e->max = max - *n;
		e->n = 0;
		if (e->max)
			rc = commit_run(store, &(struct commit) { .workspace = e->workspace, .run = run, .arg = e,
			    .frees = true });
		if (rc == 0)
			*n += e->n;
	} while (rc == 0 && e->n && *n < max);
	return rc;
}

static int
expire_workspace(struct store *store, const struct workspace_row *w, const struct sweep *sweep, unsigned *n)
{
	struct expiry e = { .workspace = w->id, .now_us = sweep->now_us };
	bool versions = false, folders = false;
	int rc = any_expired(store, w, sweep->now_us, &versions, &folders);

	if (rc == 0 && versions)
		rc = expire_all(store, &e, run_expire, sweep->max, n);
	if (rc == 0 && folders)
		rc = expire_all(store, &e, run_expire_folder, sweep->max, n);
	return rc;
}

int
history_expire(struct store *store, int64_t now_us, unsigned max, unsigned *n)
{
	return sweep_workspaces(store, &(struct sweep) { .each = expire_workspace, .now_us = now_us, .max = max }, n);
}
