#include "err.h"
#include "tbl_node.h"

static struct slice
bytes(const struct db_row *row, int column)
{
	struct slice s;

	s.p = db_bytes(row, column, &s.len);
	return s;
}

static const char file[] =
    "SELECT f.workspace_id, f.folder_id, f.name, f.latest_sequence, f.created_by, f.created_at, f.state,"
    " f.current_version_id, f.deleted_at, v.base_version_id, v.size_bytes, v.created_at, v.created_by, v.etag,"
    " v.content_hash, v.headers FROM file f LEFT JOIN file_version v ON v.id = f.current_version_id"
    " AND v.workspace_id = f.workspace_id WHERE f.id = $1 AND length(f.name) > 0";

int
tbl_node_file(struct db_conn *c, int64_t id, struct db_row *row, struct node_row *n)
{
	int rc = db_one(c, file, row, DB_INT(id));

	if (rc != 0)
		return rc;
	*n = (struct node_row) {
		.id = id, .workspace = db_int(row, 0), .parent = db_int(row, 1), .name = bytes(row, 2),
		.sequence = db_int(row, 3), .created_by = db_int(row, 4), .created_at = db_int(row, 5),
		.state = (int)db_int(row, 6), .version_id = db_int(row, 7), .deleted_at = db_int(row, 8),
		.base_id = db_int(row, 9), .size = db_int(row, 10), .modified_at = db_int(row, 11),
		.modified_by = db_int(row, 12), .etag = bytes(row, 13), .hash = bytes(row, 14), .headers = bytes(row, 15),
	};
	return 0;
}

static const char folder[] = "SELECT workspace_id, parent_id, name, latest_sequence, created_by, created_at, live,"
			     " entries FROM folder WHERE id = $1";

int
tbl_node_folder(struct db_conn *c, int64_t id, struct db_row *row, struct node_row *n)
{
	int rc = db_one(c, folder, row, DB_INT(id));

	if (rc != 0)
		return rc;
	*n = (struct node_row) {
		.id = id, .workspace = db_int(row, 0), .parent = db_int(row, 1), .name = bytes(row, 2),
		.sequence = db_int(row, 3), .created_by = db_int(row, 4), .created_at = db_int(row, 5),
		.live = db_int(row, 6), .entries = db_int(row, 7),
	};
	return 0;
}

static const char parent_of[] = "SELECT parent_id FROM folder WHERE id = $1 AND workspace_id = $2";

int
tbl_node_folder_parent(struct db_conn *c, int64_t workspace, int64_t id, int64_t *parent)
{
	struct db_row row = DB_ROW_INIT;
	int rc = db_one(c, parent_of, &row, DB_INT(id), DB_INT(workspace));

	if (rc == 0)
		*parent = db_int(&row, 0);
	db_row_release(&row);
	return rc;
}
