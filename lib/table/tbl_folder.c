#include "tbl_folder.h"

static const char insert[] = "INSERT INTO folder (id, workspace_id, parent_id, name, live, entries, created_by, created_at,"
			     " latest_sequence) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

int
tbl_folder_insert(struct db_conn *c, const struct folder_row *f)
{
	return db_exec(c, insert, DB_INT(f->id), DB_INT(f->workspace), DB_INT(f->parent_id),
	    DB_BYTES(f->name.p, f->name.len), DB_INT(f->live), DB_INT(f->entries), DB_INT(f->created_by),
	    DB_INT(f->created_at), DB_INT(f->latest_sequence));
}

static void
read_row(const struct db_row *row, struct folder_row *f)
{
	f->parent_id = db_int(row, 0);
	f->name.p = db_bytes(row, 1, &f->name.len);
	f->live = db_int(row, 2);
	f->entries = db_int(row, 3);
}

static const char get[] = "SELECT parent_id, name, live, entries FROM folder WHERE id = $1 AND workspace_id = $2";

int
tbl_folder_get(struct db_conn *c, int64_t workspace, int64_t id, struct db_row *row, struct folder_row *f)
{
	int rc = db_one(c, get, row, DB_INT(id), DB_INT(workspace));

	if (rc == 0) {
		read_row(row, f);
		f->id = id;
		f->workspace = workspace;
	}
	return rc;
}

static const char count[] = "UPDATE folder SET live = live + $1, entries = entries + $2 WHERE id = $3 AND workspace_id = $4"
			    " RETURNING parent_id, name, live, entries";

int
tbl_folder_count(struct db_conn *c, int64_t workspace, int64_t id, int live, int entries, struct db_row *row,
    struct folder_row *f)
{
	int rc = db_one(c, count, row, DB_INT(live), DB_INT(entries), DB_INT(id), DB_INT(workspace));

	if (rc == 0) {
		read_row(row, f);
		f->id = id;
		f->workspace = workspace;
	}
	return rc;
}

static const char delete_one[] = "DELETE FROM folder WHERE id = $1 AND workspace_id = $2";

int
tbl_folder_delete(struct db_conn *c, int64_t workspace, int64_t id)
{
	return db_exec(c, delete_one, DB_INT(id), DB_INT(workspace));
}
