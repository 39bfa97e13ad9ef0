#include "tbl_entry.h"
#include "tbl_text.h"

#define AT(at) DB_INT((at)->workspace), DB_INT((at)->folder), DB_BYTES((at)->name.p, (at)->name.len)

static const char get[] = "SELECT kind, node_id, live, born, latest, version_id, size_bytes, modified_at, etag FROM entry"
			  " WHERE workspace_id = $1 AND folder_id = $2 AND name = $3";

int
tbl_entry_get(struct db_conn *c, const struct entry_at *at, struct entry_row *e)
{
	struct db_row row = DB_ROW_INIT;
	int rc = db_one(c, get, &row, AT(at));

	if (rc == 0) {
		e->kind = (int)db_int(&row, 0);
		e->node_id = db_int(&row, 1);
		e->live = db_int(&row, 2) != 0;
		e->born = db_int(&row, 3);
		e->latest = db_int(&row, 4);
		e->version_id = db_int(&row, 5);
		e->size = db_int(&row, 6);
		e->modified_at = db_int(&row, 7);
		tbl_text(&row, 8, e->etag, sizeof(e->etag));
	}
	db_row_release(&row);
	return rc;
}

static const char insert[] = "INSERT INTO entry (workspace_id, folder_id, name, kind, node_id, live, born, latest,"
			     " version_id, size_bytes, etag, modified_at)"
			     " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";

int
tbl_entry_insert(struct db_conn *c, const struct entry_at *at, const struct entry_row *e)
{
	return db_exec(c, insert, AT(at), DB_INT(e->kind), DB_INT(e->node_id), DB_INT(e->live), DB_INT(e->born),
	    DB_INT(e->latest), DB_INT(e->version_id), DB_INT(e->size), DB_STR(e->etag), DB_INT(e->modified_at));
}

static const char update[] = "UPDATE entry SET live = $1, born = $2, latest = $3, version_id = $4, size_bytes = $5,"
			     " etag = $6, modified_at = $7 WHERE workspace_id = $8 AND folder_id = $9 AND name = $10";

int
tbl_entry_update(struct db_conn *c, const struct entry_at *at, const struct entry_row *e)
{
	return db_exec(c, update, DB_INT(e->live), DB_INT(e->born), DB_INT(e->latest), DB_INT(e->version_id),
	    DB_INT(e->size), DB_STR(e->etag), DB_INT(e->modified_at), AT(at));
}

static const char delete_one[] = "DELETE FROM entry WHERE workspace_id = $1 AND folder_id = $2 AND name = $3";

int
tbl_entry_delete(struct db_conn *c, const struct entry_at *at)
{
	return db_exec(c, delete_one, AT(at));
}

static const char bury[] = "INSERT INTO entry_past (workspace_id, folder_id, name, died, kind, node_id, born, version_id)"
			   " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
			   " ON CONFLICT (workspace_id, folder_id, name, died, node_id) DO NOTHING";

int
tbl_entry_bury(struct db_conn *c, const struct entry_at *at, const struct entry_row *e, int64_t died)
{
	return db_exec(c, bury, AT(at), DB_INT(died), DB_INT(e->kind), DB_INT(e->node_id), DB_INT(e->born),
	    DB_INT(e->version_id));
}

static const char moved[] = "SELECT p.died FROM entry_past p JOIN folder d ON d.id = p.node_id"
			    " WHERE p.workspace_id = $1 AND p.died > $2 AND p.kind = 2 AND d.live > 0 AND d.parent_id > 0"
			    " AND (d.parent_id <> p.folder_id OR d.name <> p.name) LIMIT 1";

int
tbl_entry_moved(struct db_conn *c, int64_t workspace, int64_t sequence)
{
	struct db_row row = DB_ROW_INIT;
	int rc = db_one(c, moved, &row, DB_INT(workspace), DB_INT(sequence));

	db_row_release(&row);
	return rc;
}

static const char last[] = "SELECT folder_id, name FROM entry_past WHERE workspace_id = $1 AND node_id = $2 AND kind = 2"
			   " ORDER BY died DESC LIMIT 1";

int
tbl_entry_last(struct db_conn *c, int64_t workspace, int64_t folder, struct db_row *row, struct entry_at *at)
{
	int rc = db_one(c, last, row, DB_INT(workspace), DB_INT(folder));

	if (rc == 0) {
		*at = (struct entry_at) { .workspace = workspace, .folder = db_int(row, 0) };
		at->name.p = db_bytes(row, 1, &at->name.len);
	}
	return rc;
}

static const char forget[] =
    "DELETE FROM entry_past WHERE (workspace_id, folder_id, name, died, node_id) IN ("
    " SELECT workspace_id, folder_id, name, died, node_id FROM entry_past WHERE workspace_id = $1 AND died <= $2"
    " AND (kind = 1 OR died <= $3) ORDER BY died LIMIT $4)";

int
tbl_entry_forget(struct db_conn *c, int64_t workspace, int64_t died, int64_t folders, unsigned max)
{
	return db_exec(c, forget, DB_INT(workspace), DB_INT(died), DB_INT(folders), DB_INT(max));
}

static const char scan[] = "SELECT name, kind, node_id, live, version_id, size_bytes, etag, modified_at, born, latest"
			   " FROM entry WHERE workspace_id = $1 AND folder_id = $2 AND name >= $3 ORDER BY name";

int
tbl_entry_scan(struct db_conn *c, const struct entry_at *at, struct db_row *row)
{
	return db_query(c, scan, row, AT(at));
}

void
tbl_entry_seen(const struct db_row *row, struct entry_seen *seen)
{
	seen->name.p = db_bytes(row, 0, &seen->name.len);
	seen->kind = (int)db_int(row, 1);
	seen->node_id = db_int(row, 2);
	seen->live = db_int(row, 3) != 0;
	seen->version_id = db_int(row, 4);
	seen->size = db_int(row, 5);
	seen->etag.p = db_bytes(row, 6, &seen->etag.len);
	seen->modified_at = db_int(row, 7);
	seen->born = db_int(row, 8);
	seen->latest = db_int(row, 9);
}
