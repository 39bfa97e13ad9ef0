#include "err.h"
#include "tbl_trash.h"

static const char insert[] = "INSERT INTO folder_trash (folder_id, workspace_id, parent_id, name, deleted_at, deleted_by,"
			     " sequence, objects, bytes, ending) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

int
tbl_trash_insert(struct db_conn *c, const struct trash_folder *f)
{
	return db_exec(c, insert, DB_INT(f->folder), DB_INT(f->workspace), DB_INT(f->parent),
	    DB_BYTES(f->name.p, f->name.len), DB_INT(f->deleted_at), DB_INT(f->deleted_by), DB_INT(f->sequence),
	    DB_INT(f->objects), DB_INT(f->bytes), DB_INT(f->ending));
}

#define COLUMNS "folder_id, parent_id, deleted_at, deleted_by, sequence, objects, bytes, ending, name"

static void
read_row(const struct db_row *row, int64_t workspace, struct trash_folder *f)
{
	*f = (struct trash_folder) { .folder = db_int(row, 0), .workspace = workspace, .parent = db_int(row, 1),
		.deleted_at = db_int(row, 2), .deleted_by = db_int(row, 3), .sequence = db_int(row, 4),
		.objects = db_int(row, 5), .bytes = db_int(row, 6), .ending = db_int(row, 7) != 0 };
	f->name.p = db_bytes(row, 8, &f->name.len);
}

static const char get[] = "SELECT " COLUMNS " FROM folder_trash WHERE folder_id = $1 AND workspace_id = $2";

int
tbl_trash_get(struct db_conn *c, int64_t workspace, int64_t folder, struct db_row *row, struct trash_folder *f)
{
	int rc = db_one(c, get, row, DB_INT(folder), DB_INT(workspace));

	if (rc == 0)
		read_row(row, workspace, f);
	return rc;
}

static const char delete_one[] = "DELETE FROM folder_trash WHERE folder_id = $1 AND workspace_id = $2";

int
tbl_trash_delete(struct db_conn *c, int64_t workspace, int64_t folder)
{
	return db_exec(c, delete_one, DB_INT(folder), DB_INT(workspace));
}

static const char end[] = "UPDATE folder_trash SET objects = objects - $1, bytes = bytes - $2, ending = 1"
			  " WHERE folder_id = $3 AND workspace_id = $4";

int
tbl_trash_end(struct db_conn *c, int64_t workspace, int64_t folder, int64_t objects, int64_t bytes)
{
	return db_exec(c, end, DB_INT(objects), DB_INT(bytes), DB_INT(folder), DB_INT(workspace));
}

/* What is ending was deleted before all that is not. */
static const char first[] = "SELECT " COLUMNS " FROM folder_trash WHERE workspace_id = $1"
			    " ORDER BY deleted_at, folder_id LIMIT 1";

int
tbl_trash_first(struct db_conn *c, int64_t workspace, int64_t at, struct trash_folder *f)
{
	struct db_row row = DB_ROW_INIT;
	int rc = db_one(c, first, &row, DB_INT(workspace));

	if (rc == 0) {
		read_row(&row, workspace, f);
		f->name = (struct slice) { "", 0 };
		if (f->deleted_at > at && !f->ending)
			rc = ERR_NOTFOUND;
	}
	db_row_release(&row);
	return rc;
}

static const char folders[] =
    "SELECT folder_id, parent_id, deleted_at, deleted_by, 0, bytes, objects, name, NULL FROM folder_trash"
    " WHERE workspace_id = $1 AND deleted_at > $2 AND (deleted_at, folder_id) < ($3, $4) AND ending = 0"
    " ORDER BY deleted_at DESC, folder_id DESC";

int
tbl_trash_folders(struct db_conn *c, int64_t workspace, int64_t since, int64_t at, int64_t id, struct db_row *row)
{
	return db_query(c, folders, row, DB_INT(workspace), DB_INT(since), DB_INT(at), DB_INT(id));
}

static const char files[] =
    "SELECT f.id, f.folder_id, f.deleted_at, coalesce(f.deleted_by, 0), f.current_version_id, coalesce(v.size_bytes, 0), 1,"
    " f.name, v.content_hash FROM file f LEFT JOIN file_version v ON v.id = f.current_version_id WHERE f.workspace_id = $1 AND f.state = 3 AND f.deleted_at > $2 AND (f.deleted_at, f.id) < ($3, $4)"
    " AND length(f.name) > 0"
    " ORDER BY f.deleted_at DESC, f.id DESC";

int
tbl_trash_files(struct db_conn *c, int64_t workspace, int64_t since, int64_t at, int64_t id, struct db_row *row)
{
	return db_query(c, files, row, DB_INT(workspace), DB_INT(since), DB_INT(at), DB_INT(id));
}

/* The newest content that S3 kept; where versioning is suspended it can have become history. */
#define OLD_CONTENT(keep) "(SELECT o.id FROM file_version o WHERE o.workspace_id = f.workspace_id AND o.file_id = f.id AND" \
	" o.keep > 0 AND o.keep = " keep " AND o.kind = 1 ORDER BY o.id DESC LIMIT 1)"

static const char marked[] =
    "SELECT f.id, f.folder_id, f.deleted_at, coalesce(f.deleted_by, 0), v.id, v.size_bytes, 1, f.name, v.content_hash"
    " FROM file f JOIN file_version v ON v.id = coalesce(" OLD_CONTENT("1") ", " OLD_CONTENT("2") ")"
    " WHERE f.workspace_id = $1 AND f.state = 2 AND (f.deleted_at, f.id) < ($2, $3) AND length(f.name) > 0"
    " ORDER BY f.deleted_at DESC, f.id DESC";

int
tbl_trash_marked(struct db_conn *c, int64_t workspace, int64_t at, int64_t id, struct db_row *row)
{
	return db_query(c, marked, row, DB_INT(workspace), DB_INT(at), DB_INT(id));
}

void
tbl_trash_seen(const struct db_row *row, struct trash_seen *seen)
{
	seen->id = db_int(row, 0);
	seen->parent = db_int(row, 1);
	seen->deleted_at = db_int(row, 2);
	seen->deleted_by = db_int(row, 3);
	seen->version = db_int(row, 4);
	seen->bytes = db_int(row, 5);
	seen->objects = db_int(row, 6);
	seen->name.p = db_bytes(row, 7, &seen->name.len);
	seen->hash.p = db_bytes(row, 8, &seen->hash.len);
}
