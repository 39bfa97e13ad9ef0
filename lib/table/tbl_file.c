#include "tbl_file.h"

static const char insert[] = "INSERT INTO file (id, workspace_id, folder_id, name, state, current_version_id,"
			     " latest_sequence, created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

int
tbl_file_insert(struct db_conn *c, const struct file_row *f)
{
	return db_exec(c, insert, DB_INT(f->id), DB_INT(f->workspace), DB_INT(f->folder_id),
	    DB_BYTES(f->name.p, f->name.len), DB_INT(f->state), DB_INT(f->version_id), DB_INT(f->sequence),
	    DB_INT(f->created_by), DB_INT(f->created_at));
}

static const char update[] = "UPDATE file SET state = $1, current_version_id = $2, latest_sequence = $3"
			     " WHERE id = $4 AND workspace_id = $5";

int
tbl_file_update(struct db_conn *c, int64_t workspace, int64_t id, int state, int64_t version, int64_t sequence)
{
	return db_exec(c, update, DB_INT(state), DB_INT(version), DB_INT(sequence), DB_INT(id), DB_INT(workspace));
}

static const char mark[] = "UPDATE file SET state = 2, current_version_id = $1, latest_sequence = $2, deleted_at = $3,"
			   " deleted_by = $4 WHERE id = $5 AND workspace_id = $6";

int
tbl_file_mark(struct db_conn *c, int64_t workspace, int64_t id, int64_t marker, int64_t sequence, int64_t deleted_at,
    int64_t deleted_by)
{
	return db_exec(c, mark, DB_INT(marker), DB_INT(sequence), DB_INT(deleted_at), DB_INT(deleted_by), DB_INT(id),
	    DB_INT(workspace));
}

static const char trash[] = "UPDATE file SET state = 3, latest_sequence = $1, deleted_at = $2, deleted_by = $3"
			    " WHERE id = $4 AND workspace_id = $5";

int
tbl_file_trash(struct db_conn *c, int64_t workspace, int64_t id, int64_t sequence, int64_t deleted_at,
    int64_t deleted_by)
{
	return db_exec(c, trash, DB_INT(sequence), DB_INT(deleted_at), DB_INT(deleted_by), DB_INT(id),
	    DB_INT(workspace));
}

static const char place[] = "UPDATE file SET folder_id = $1, name = $2, latest_sequence = $3"
			    " WHERE id = $4 AND workspace_id = $5";

int
tbl_file_place(struct db_conn *c, int64_t workspace, int64_t id, int64_t folder, struct slice name,
    int64_t sequence)
{
	return db_exec(c, place, DB_INT(folder), DB_BYTES(name.p, name.len), DB_INT(sequence), DB_INT(id),
	    DB_INT(workspace));
}

static const char revive[] = "UPDATE file SET state = 1, current_version_id = $1, latest_sequence = $2, deleted_at = NULL,"
			     " deleted_by = NULL WHERE id = $3 AND workspace_id = $4";

int
tbl_file_revive(struct db_conn *c, int64_t workspace, int64_t id, int64_t version, int64_t sequence)
{
	return db_exec(c, revive, DB_INT(version), DB_INT(sequence), DB_INT(id), DB_INT(workspace));
}

static const char get[] = "SELECT folder_id, state, current_version_id, latest_sequence, created_by, created_at,"
			  " coalesce(deleted_at, 0), name FROM file WHERE id = $1 AND workspace_id = $2";

int
tbl_file_get(struct db_conn *c, int64_t workspace, int64_t id, struct db_row *row, struct file_row *f)
{
	int rc = db_one(c, get, row, DB_INT(id), DB_INT(workspace));

	if (rc)
		return rc;
	*f = (struct file_row) { .id = id, .workspace = workspace, .folder_id = db_int(row, 0),
		.state = (int)db_int(row, 1), .version_id = db_int(row, 2), .sequence = db_int(row, 3),
		.created_by = db_int(row, 4), .created_at = db_int(row, 5), .deleted_at = db_int(row, 6) };
	f->name.p = db_bytes(row, 7, &f->name.len);
	return 0;
}

static const char get_state[] = "SELECT state FROM file WHERE id = $1 AND workspace_id = $2";

int
tbl_file_state(struct db_conn *c, int64_t workspace, int64_t id, int *state)
{
	struct db_row row = DB_ROW_INIT;
	int rc = db_one(c, get_state, &row, DB_INT(id), DB_INT(workspace));

	if (rc == 0)
		*state = (int)db_int(&row, 0);
	db_row_release(&row);
	return rc;
}

static const char delete_one[] = "DELETE FROM file WHERE id = $1 AND workspace_id = $2";

int
tbl_file_delete(struct db_conn *c, int64_t workspace, int64_t id)
{
	return db_exec(c, delete_one, DB_INT(id), DB_INT(workspace));
}
