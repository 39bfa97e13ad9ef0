#include "tbl_folder.h"

static const char insert[] = "INSERT INTO folder (id, workspace_id, parent_id, name, live, entries, height, created_by,"
			     " created_at, latest_sequence) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

int
tbl_folder_insert(struct db_conn *c, const struct folder_row *f)
{
	return db_exec(c, insert, DB_INT(f->id), DB_INT(f->workspace), DB_INT(f->parent_id),
	    DB_BYTES(f->name.p, f->name.len), DB_INT(f->live), DB_INT(f->entries), DB_INT(f->height),
	    DB_INT(f->created_by), DB_INT(f->created_at), DB_INT(f->latest_sequence));
}

static void
read_row(const struct db_row *row, struct folder_row *f)
{
	f->parent_id = db_int(row, 0);
	f->name.p = db_bytes(row, 1, &f->name.len);
	f->live = db_int(row, 2);
	f->entries = db_int(row, 3);
	f->height = db_int(row, 4);
	f->latest_sequence = db_int(row, 5);
}

#define COLUMNS "parent_id, name, live, entries, height, latest_sequence"

static const char get[] = "SELECT " COLUMNS " FROM folder WHERE id = $1 AND workspace_id = $2";

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

static const char count[] = "UPDATE folder SET live = live + $1, entries = entries + $2 WHERE id = $3 AND workspace_id = $4";

int
tbl_folder_count(struct db_conn *c, int64_t workspace, int64_t id, int live, int entries, struct db_row *row,
    struct folder_row *f)
{
	int rc = db_exec(c, count, DB_INT(live), DB_INT(entries), DB_INT(id), DB_INT(workspace));

	return rc ? rc : tbl_folder_get(c, workspace, id, row, f);
}

static const char raise_one[] = "UPDATE folder SET height = $1 WHERE id = $2 AND workspace_id = $3 AND height < $1"
				" RETURNING parent_id";

int
tbl_folder_raise(struct db_conn *c, int64_t workspace, int64_t id, int64_t height, int64_t *parent)
{
	struct db_row row = DB_ROW_INIT;
	int rc = db_one(c, raise_one, &row, DB_INT(height), DB_INT(id), DB_INT(workspace));

	if (rc == 0)
		*parent = db_int(&row, 0);
	db_row_release(&row);
	return rc;
}

static const char place[] = "UPDATE folder SET parent_id = $1, name = $2, latest_sequence = $3"
			    " WHERE id = $4 AND workspace_id = $5";

int
tbl_folder_place(struct db_conn *c, int64_t workspace, int64_t id, int64_t parent, struct slice name,
    int64_t sequence)
{
	return db_exec(c, place, DB_INT(parent), DB_BYTES(name.p, name.len), DB_INT(sequence), DB_INT(id),
	    DB_INT(workspace));
}

static const char delete_one[] = "DELETE FROM folder WHERE id = $1 AND workspace_id = $2";

int
tbl_folder_delete(struct db_conn *c, int64_t workspace, int64_t id)
{
	return db_exec(c, delete_one, DB_INT(id), DB_INT(workspace));
}
