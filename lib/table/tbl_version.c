#include <string.h>

#include "err.h"
#include "tbl_text.h"
#include "tbl_version.h"

static const char insert[] =
    "INSERT INTO file_version (id, workspace_id, file_id, sequence, base_version_id, kind, keep, null_version, size_bytes,"
    " etag, content_hash, created_at, created_by, manifest, headers, checksum, parts)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";

int
tbl_version_insert(struct db_conn *c, const struct version_row *v)
{
	return db_exec(c, insert, DB_INT(v->id), DB_INT(v->workspace), DB_INT(v->file_id), DB_INT(v->sequence),
	    DB_INT_IF(v->base_id, v->base_id), DB_INT(v->kind), DB_INT(v->keep), DB_INT(v->null_version),
	    DB_INT(v->size), DB_STR(v->etag), v->has_hash ? DB_BYTES(v->hash, 32) : DB_NULL, DB_INT(v->created_at),
	    DB_INT(v->created_by), DB_BYTES(v->manifest.p, v->manifest.len), DB_BYTES(v->headers.p, v->headers.len),
	    v->checksum.len ? DB_BYTES(v->checksum.p, v->checksum.len) : DB_NULL,
	    v->parts.len ? DB_BYTES(v->parts.p, v->parts.len) : DB_NULL);
}

#define COLUMNS                                                                                                \
	"v.id, v.file_id, v.sequence, v.kind, v.keep, v.null_version, v.size_bytes, v.etag, v.content_hash," \
	" v.created_at, v.created_by, v.manifest, v.headers, v.checksum, v.parts, w.versioning," \
	" v.superseded"

static int
read_row(const struct db_row *row, int64_t workspace, struct version_row *v)
{
	v->id = db_int(row, 0);
	v->workspace = workspace;
	v->file_id = db_int(row, 1);
	v->sequence = db_int(row, 2);
	v->base_id = 0;
	v->kind = (int)db_int(row, 3);
	v->keep = (int)db_int(row, 4);
	v->null_version = db_int(row, 5) != 0;
	v->size = db_int(row, 6);
	tbl_text(row, 7, v->etag, sizeof(v->etag));
	v->has_hash = !db_is_null(row, 8);
	v->created_at = db_int(row, 9);
	v->created_by = db_int(row, 10);
	v->manifest.p = db_bytes(row, 11, &v->manifest.len);
	v->headers.p = db_bytes(row, 12, &v->headers.len);
	v->checksum.p = db_bytes(row, 13, &v->checksum.len);
	v->parts.p = db_bytes(row, 14, &v->parts.len);
	v->versioning = (int)db_int(row, 15);
	v->superseded = db_int(row, 16);
	return v->has_hash ? db_fixed(row, 8, v->hash, 32) : 0;
}

static const char at_entry[] =
    "SELECT " COLUMNS " FROM entry e JOIN file_version v ON v.id = e.version_id JOIN workspace w ON w.id = e.workspace_id"
    " WHERE e.workspace_id = $1 AND e.folder_id = $2 AND e.name = $3";

int
tbl_version_at(struct db_conn *c, const struct entry_at *at, struct db_row *row, struct version_row *v)
{
	int rc = db_one(c, at_entry, row, DB_INT(at->workspace), DB_INT(at->folder),
	    DB_BYTES(at->name.p, at->name.len));

	return rc ? rc : read_row(row, at->workspace, v);
}

static const char get[] = "SELECT " COLUMNS " FROM file_version v JOIN workspace w ON w.id = v.workspace_id"
			  " WHERE v.id = $1 AND v.workspace_id = $2";

int
tbl_version_get(struct db_conn *c, int64_t workspace, int64_t id, struct db_row *row, struct version_row *v)
{
	int rc = db_one(c, get, row, DB_INT(id), DB_INT(workspace));

	return rc ? rc : read_row(row, workspace, v);
}

static const char by_id[] = "SELECT " COLUMNS ", v.workspace_id FROM file_version v"
			    " JOIN workspace w ON w.id = v.workspace_id WHERE v.id = $1";

int
tbl_version_by_id(struct db_conn *c, int64_t id, struct db_row *row, struct version_row *v)
{
	int rc = db_one(c, by_id, row, DB_INT(id));

	return rc ? rc : read_row(row, db_int(row, 17), v);
}

static const char null_one[] =
    "SELECT " COLUMNS " FROM file_version v JOIN workspace w ON w.id = v.workspace_id"
    " WHERE v.workspace_id = $1 AND v.file_id = $2 AND v.keep > 0 AND v.keep = 1 AND v.null_version = 1"
    " ORDER BY v.id DESC LIMIT 1";

int
tbl_version_null(struct db_conn *c, int64_t workspace, int64_t file, struct db_row *row, struct version_row *v)
{
	int rc = db_one(c, null_one, row, DB_INT(workspace), DB_INT(file));

	return rc ? rc : read_row(row, workspace, v);
}

static const char older[] = "SELECT " COLUMNS " FROM file_version v JOIN workspace w ON w.id = v.workspace_id"
			    " WHERE v.workspace_id = $1 AND v.file_id = $2 AND v.id < $3 AND v.keep > 0 AND v.keep = 1"
			    " ORDER BY v.id DESC LIMIT 1";

int
tbl_version_older(struct db_conn *c, int64_t workspace, int64_t file, int64_t before, struct db_row *row,
    struct version_row *v)
{
	int rc = db_one(c, older, row, DB_INT(workspace), DB_INT(file), DB_INT(before));

	return rc ? rc : read_row(row, workspace, v);
}

static const char as_of[] = "SELECT " COLUMNS " FROM file_version v JOIN workspace w ON w.id = v.workspace_id"
			    " WHERE v.workspace_id = $1 AND v.file_id = $2 AND v.keep > 0 AND v.kind = 1"
			    " AND v.sequence <= $3 AND v.superseded > $3 ORDER BY v.id DESC LIMIT 1";

int
tbl_version_as_of(struct db_conn *c, int64_t workspace, int64_t file, int64_t sequence, struct db_row *row,
    struct version_row *v)
{
	int rc = db_one(c, as_of, row, DB_INT(workspace), DB_INT(file), DB_INT(sequence));

	return rc ? rc : read_row(row, workspace, v);
}

static const char newest_old[] = "SELECT " COLUMNS " FROM file_version v JOIN workspace w ON w.id = v.workspace_id"
				 " WHERE v.workspace_id = $1 AND v.file_id = $2 AND v.keep > 0 ORDER BY v.id DESC LIMIT 1";

int
tbl_version_newest_old(struct db_conn *c, int64_t workspace, int64_t file, struct db_row *row, struct version_row *v)
{
	int rc = db_one(c, newest_old, row, DB_INT(workspace), DB_INT(file));

	return rc ? rc : read_row(row, workspace, v);
}

#define LEAN "id, workspace_id, file_id, coalesce(base_version_id, 0), kind, keep, size_bytes, content_hash, created_at, created_by"

static const char old_ones[] = "SELECT " LEAN " FROM file_version WHERE workspace_id = $1 AND file_id = $2 AND id < $3"
			       " AND keep > 0 ORDER BY id DESC";

int
tbl_version_old(struct db_conn *c, int64_t workspace, int64_t file, int64_t before, struct db_row *row)
{
	return db_query(c, old_ones, row, DB_INT(workspace), DB_INT(file), DB_INT(before));
}

static const char lean_one[] = "SELECT " LEAN " FROM file_version WHERE id = $1 AND workspace_id = $2";

int
tbl_version_lean(struct db_conn *c, int64_t workspace, int64_t id, struct db_row *row)
{
	return db_one(c, lean_one, row, DB_INT(id), DB_INT(workspace));
}

int
tbl_version_each(const struct db_row *row, struct version_row *v)
{
	*v = (struct version_row) { .id = db_int(row, 0), .workspace = db_int(row, 1), .file_id = db_int(row, 2),
		.base_id = db_int(row, 3), .kind = (int)db_int(row, 4), .keep = (int)db_int(row, 5),
		.size = db_int(row, 6), .has_hash = !db_is_null(row, 7), .created_at = db_int(row, 8),
		.created_by = db_int(row, 9) };
	return v->has_hash ? db_fixed(row, 7, v->hash, 32) : 0;
}

static const char any_old[] = "SELECT id FROM file_version WHERE workspace_id = $1 AND file_id = $2 AND keep > 0 LIMIT 1";

int
tbl_version_any_old(struct db_conn *c, int64_t workspace, int64_t file)
{
	struct db_row row = DB_ROW_INIT;
	int rc = db_one(c, any_old, &row, DB_INT(workspace), DB_INT(file));

	db_row_release(&row);
	return rc;
}

static const char supersede[] = "UPDATE file_version SET keep = $1, superseded_at = $2, superseded = $3"
				" WHERE id = $4 AND workspace_id = $5";

int
tbl_version_supersede(struct db_conn *c, int64_t workspace, int64_t id, int keep, int64_t at, int64_t sequence)
{
	return db_exec(c, supersede, DB_INT(keep), DB_INT(at), DB_INT(sequence), DB_INT(id), DB_INT(workspace));
}

static const char promote[] = "UPDATE file_version SET keep = 0, superseded_at = NULL, superseded = NULL"
			      " WHERE id = $1 AND workspace_id = $2";

int
tbl_version_promote(struct db_conn *c, int64_t workspace, int64_t id)
{
	return db_exec(c, promote, DB_INT(id), DB_INT(workspace));
}

static const char manifest_of[] = "SELECT manifest FROM file_version WHERE id = $1 AND workspace_id = $2";
static const char delete_one[] = "DELETE FROM file_version WHERE id = $1 AND workspace_id = $2";

int
tbl_version_delete(struct db_conn *c, int64_t workspace, int64_t id, struct db_row *row, struct slice *manifest)
{
	int rc = db_one(c, manifest_of, row, DB_INT(id), DB_INT(workspace));

	if (rc)
		return rc;
	manifest->p = db_bytes(row, 0, &manifest->len);
	return db_exec(c, delete_one, DB_INT(id), DB_INT(workspace));
}

static const char unhashed[] = "SELECT id FROM file_version WHERE content_hash IS NULL AND kind = 1 AND keep = 0 AND id > $1"
			       " ORDER BY id LIMIT 1";

int
tbl_version_unhashed(struct db_conn *c, int64_t after, int64_t *id)
{
	struct db_row row = DB_ROW_INIT;
	int rc = db_one(c, unhashed, &row, DB_INT(after));

	if (rc == 0)
		*id = db_int(&row, 0);
	db_row_release(&row);
	return rc;
}

static const char set_hash[] = "UPDATE file_version SET content_hash = $1 WHERE id = $2 AND workspace_id = $3"
			       " AND content_hash IS NULL AND kind = 1 AND keep = 0";

int
tbl_version_hash(struct db_conn *c, int64_t workspace, int64_t id, const uint8_t hash[32])
{
	int rc = db_exec(c, set_hash, DB_BYTES(hash, 32), DB_INT(id), DB_INT(workspace));

	return rc ? rc : db_changed(c) ? 0 : ERR_NOTFOUND;
}

static const char history[] = "SELECT id, file_id, size_bytes, superseded FROM file_version"
			      " WHERE workspace_id = $1 AND superseded_at <= $2 AND keep = 2"
			      " ORDER BY superseded_at, id LIMIT $3";

int
tbl_version_history(struct db_conn *c, int64_t workspace, int64_t at, struct version_old *rows, unsigned max,
    unsigned *n)
{
	struct db_row row = DB_ROW_INIT;
	int rc = db_query(c, history, &row, DB_INT(workspace), DB_INT(at), DB_INT(max));
	unsigned i = 0;

	while (rc == 0 && i < max && (rc = db_next(&row)) == 0)
		rows[i++] = (struct version_old) { db_int(&row, 0), db_int(&row, 1), db_int(&row, 2), db_int(&row, 3) };
	db_row_release(&row);
	if (rc && rc != ERR_END)
		return rc;
	*n = i;
	return 0;
}

#define SEEN "id, size_bytes, created_at, kind, null_version, etag"

static const char scan[] = "SELECT " SEEN " FROM file_version WHERE workspace_id = $1 AND file_id = $2 AND id < $3"
			   " AND keep > 0 AND keep = 1 ORDER BY id DESC";

int
tbl_version_scan(struct db_conn *c, int64_t workspace, int64_t file, int64_t before, struct db_row *row)
{
	return db_query(c, scan, row, DB_INT(workspace), DB_INT(file), DB_INT(before));
}

static const char one[] = "SELECT " SEEN " FROM file_version WHERE id = $1 AND workspace_id = $2";

int
tbl_version_one(struct db_conn *c, int64_t workspace, int64_t id, struct db_row *row)
{
	return db_one(c, one, row, DB_INT(id), DB_INT(workspace));
}

void
tbl_version_seen(const struct db_row *row, struct version_seen *seen)
{
	seen->id = db_int(row, 0);
	seen->size = db_int(row, 1);
	seen->created_at = db_int(row, 2);
	seen->marker = db_int(row, 3) == VERSION_MARKER;
	seen->null_version = db_int(row, 4) != 0;
	seen->etag.p = db_bytes(row, 5, &seen->etag.len);
}
