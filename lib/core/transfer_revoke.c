#include "db.h"
#include "err.h"
#include "namespace.h"
#include "perm.h"
#include "principal_row.h"
#include "store_in.h"
#include "tbl_grant.h"
#include "transfer_in.h"
#include "upload_held.h"

/* The end of what was begun by who may not write any more: nobody else can end it, and what it holds counts. */

#define AT_ONCE 256

/* ERR_DENIED: gone, or disabled. */
static int
creator_of(struct db_conn *db, int64_t id, struct principal *who)
{
	struct principal_row row;
	int rc = tbl_principal_get(db, id, &row);

	if (rc == 0)
		principal_of_row(&row, who);
	return rc == ERR_NOTFOUND || (rc == 0 && who->disabled_us) ? ERR_DENIED : rc;
}

/* A place that is in the trash is no reason: it comes back, or the session is completed in another. */
static int
judge_place(struct store *store, struct db_conn *db, const struct principal *who, const struct upload_row *u)
{
	struct buf path = BUF_INIT(LIMIT_KEY_STORED * 2);
	struct transfer tr = TRANSFER_INIT;
	int rc = transfer_read(db, u, &tr);

	if (rc == 0)
		rc = transfer_permit_file(store, db, who, tr.workspace, tr.new_version ? tr.file_id : 0, tr.parent);
	if (rc == ERR_NOTFOUND && (rc = namespace_path_of(db, tr.workspace, tr.parent, &path)) == 0)
		rc = ERR_DENIED;
	buf_release(&path);
	transfer_release(&tr);
	return rc == ERR_NOTFOUND ? 0 : rc;
}

/* ERR_DENIED: who began it may not write where it goes. */
static int
judge(struct store *store, struct db_conn *db, const struct upload_row *u)
{
	enum role role = ROLE_NONE;
	struct principal who;
	int strongest, rc;

	if ((rc = creator_of(db, u->created_by, &who)) != 0 ||
	    (rc = perm_role(store, db, &who, u->workspace, &role)) != 0 || perm_allows(role, ACTION_WRITE) == 0)
		return rc;
	if ((rc = tbl_grant_strongest(db, u->workspace, who.id, &strongest)) != 0 ||
	    (rc = perm_allows((enum role)strongest, ACTION_WRITE)) != 0)
		return rc;
	return u->kind == UPLOAD_STAGING ? 0 : judge_place(store, db, &who, u);
}

static int
run_end(struct txn *t, void *arg)
{
	const struct upload_open *o = arg;
	struct db_row row = DB_ROW_INIT;
	struct workspace_row *w;
	struct upload_row u;
	int rc = tbl_upload_get(t->db, o->workspace, o->id, &row, &u);

	if (rc == 0)
		rc = u.status == UPLOAD_OPEN ? judge(t->store, t->db, &u) : 0;
	db_row_release(&row);
	if (rc != ERR_DENIED)
		return rc == 0 ? ERR_NOTFOUND : rc;
	/* Over at once: expiry takes its parts apart. */
	if ((rc = txn_workspace(t, o->workspace, &w)) == 0 && (rc = upload_held_end(t, w, o->id)) == 0 &&
	    (rc = tbl_upload_status(t->db, o->id, UPLOAD_ABORTED)) == 0)
		rc = tbl_upload_touch(t->db, o->id, 0);
	return rc;
}

/* Those behind *at that are to end, of at most AT_ONCE that are looked at; *at is then the last one of these. */
static int
find(struct store *store, struct upload_open *at, struct upload_open list[AT_ONCE], unsigned *n, bool *more)
{
	struct db_row row = DB_ROW_INIT;
	struct db_conn *db = NULL;
	struct upload_row u;
	unsigned seen = 0;
	int rc = db_read_begin(store->db, &db);

	*n = 0;
	if (rc == 0)
		rc = tbl_upload_open_scan(db, at->workspace, at->id, &row);
	while (rc == 0 && seen++ < AT_ONCE && (rc = db_next(&row)) == 0) {
		tbl_upload_open_seen(&row, &u);
		*at = (struct upload_open) { u.workspace, u.id };
		if ((rc = judge(store, db, &u)) == ERR_DENIED)
			list[(*n)++] = *at;
		if (rc == ERR_DENIED || rc == ERR_NOTFOUND)
			rc = 0;
	}
	db_row_release(&row);
	db_read_end(db);
	*more = rc == 0;
	return rc == ERR_END ? 0 : rc;
}

int
transfer_revoke(struct store *store, struct upload_open *at, bool *more)
{
	struct upload_open list[AT_ONCE];
	unsigned n;
	int rc = find(store, at, list, &n, more);

	for (unsigned i = 0; rc == 0 && i < n; i++) {
		rc = commit_run(store, &(struct commit) { .workspace = list[i].workspace, .run = run_end, .arg = &list[i],
		    .frees = true });
		if (rc == ERR_NOTFOUND)
			rc = 0;
	}
	return rc;
}
