#include "db.h"
#include "err.h"
#include "perm.h"
#include "store_in.h"
#include "tbl_file.h"
#include "tbl_node.h"
#include "transfer_in.h"

/* Who may write where a version goes: asked before the bytes come, and again by the closure that commits it. */

int
transfer_may_write(struct store *store, struct db_conn *db, const struct principal *who, enum node_kind kind, int64_t id,
    int64_t workspace)
{
	enum role role = ROLE_NONE;
	int rc = node_role(store, db, who, kind, id, workspace, &role, NULL);

	return rc ? rc : role == ROLE_NONE ? ERR_NOTFOUND : perm_allows(role, ACTION_WRITE);
}

/* What is gone with its folder comes back with it, by its path: that takes a role on the whole workspace. */
static int
may_revive(struct store *store, struct db_conn *db, const struct principal *who, int64_t workspace)
{
	enum role role = ROLE_NONE;
	int rc = perm_role(store, db, who, workspace, &role);

	return rc ? rc : perm_allows(role, ACTION_WRITE) ? ERR_NOTFOUND : 0;
}

int
transfer_permit_file(struct store *store, struct db_conn *db, const struct principal *who, int64_t workspace,
    int64_t file, int64_t folder)
{
	struct db_row row = DB_ROW_INIT;
	struct file_row f = { .id = 0 };
	int rc = file ? tbl_file_get(db, workspace, file, &row, &f) : ERR_NOTFOUND;
	bool marker = rc == 0 && !f.name.len;	/* a folder's, which has no id */

	db_row_release(&row);
	if (marker || (rc && rc != ERR_NOTFOUND))
		return marker ? ERR_NOTFOUND : rc;
	if (rc == 0 && f.state == FILE_LIVE)
		return transfer_may_write(store, db, who, NODE_FILE, file, workspace);
	if (rc == 0)
		folder = f.folder_id;
	else if (!folder)
		return ERR_NOTFOUND;
	if ((rc = transfer_may_write(store, db, who, NODE_FOLDER, folder, workspace)) == ERR_NOTFOUND && f.id)
		rc = may_revive(store, db, who, workspace);
	return rc;
}

int
transfer_find(struct db_conn *db, struct transfer *tr, bool *live)
{
	struct db_row row = DB_ROW_INIT;
	struct node_row f;
	int rc = tbl_node_file(db, tr->file_id, &row, &f);

	if (rc == 0) {
		tr->workspace = f.workspace;
		tr->parent = f.parent;
		*live = f.state == FILE_LIVE;
		buf_clear(&tr->name);
		buf_add(&tr->name, f.name.p, f.name.len);
		rc = buf_finish(&tr->name);
	}
	db_row_release(&row);
	return rc;
}

int
transfer_aim(struct store *store, const struct principal *who, struct transfer *tr)
{
	struct db_conn *db = NULL;
	bool live;
	int rc = db_read_begin(store->db, &db);

	if (rc == 0 && (rc = transfer_find(db, tr, &live)) == 0)
		rc = transfer_permit_file(store, db, who, tr->workspace, tr->file_id, tr->parent);
	db_read_end(db);
	return rc;
}

int
transfer_permit(struct store *store, const struct principal *who, const struct transfer *tr)
{
	struct db_conn *db = NULL;
	int rc = db_read_begin(store->db, &db);

	if (rc == 0)
		rc = transfer_permit_file(store, db, who, tr->workspace, tr->new_version ? tr->file_id : 0, tr->parent);
	db_read_end(db);
	return rc;
}
