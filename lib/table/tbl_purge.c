#include "db.h"
#include "err.h"
#include "tbl_purge.h"

static const char trash[] = "SELECT id, current_version_id FROM file WHERE workspace_id = $1 AND state = 3"
			    " ORDER BY deleted_at, id LIMIT 1";

int
tbl_purge_trash(struct db_conn *c, int64_t workspace, struct purge_file *file)
{
	struct db_row row = DB_ROW_INIT;
	int rc = db_one(c, trash, &row, DB_INT(workspace));

	if (rc == 0)
		*file = (struct purge_file) { db_int(&row, 0), db_int(&row, 1) };
	db_row_release(&row);
	return rc;
}

static const char old[] = "SELECT id, keep, size_bytes FROM file_version"
			  " WHERE workspace_id = $1 AND file_id = $2 AND keep > 0 ORDER BY id LIMIT 1";
static const char current[] = "SELECT id, keep, size_bytes FROM file_version WHERE id = $1 AND workspace_id = $2";

int
tbl_purge_version(struct db_conn *c, int64_t workspace, const struct purge_file *file, struct purge_version *v)
{
	struct db_row row = DB_ROW_INIT;
	int rc;

	if ((rc = db_one(c, old, &row, DB_INT(workspace), DB_INT(file->id))) == ERR_NOTFOUND)
		rc = db_one(c, current, &row, DB_INT(file->current_version), DB_INT(workspace));
	if (rc == 0)
		*v = (struct purge_version) { db_int(&row, 0), (int)db_int(&row, 1), db_int(&row, 2) };
	db_row_release(&row);
	return rc;
}

static const char events[] = "DELETE FROM change_event WHERE workspace_id = $1 AND sequence <= $2";
static const char past[] = "DELETE FROM entry_past WHERE workspace_id = $1 AND died <= $2";

int
tbl_purge_events(struct db_conn *c, int64_t workspace, int64_t sequence)
{
	int rc = db_exec(c, events, DB_INT(workspace), DB_INT(sequence));

	return rc ? rc : db_exec(c, past, DB_INT(workspace), DB_INT(sequence));
}

static const char cursors[] = "DELETE FROM device_cursor WHERE workspace_id = $1";

int
tbl_purge_cursors(struct db_conn *c, int64_t workspace)
{
	return db_exec(c, cursors, DB_INT(workspace));
}
