#include "db.h"
#include "err.h"
#include "tbl_upload.h"

#define BYTES(s) DB_BYTES((s).p, (s).len)

static struct slice
slice_at(const struct db_row *row, int column)
{
	struct slice s;

	s.p = db_bytes(row, column, &s.len);
	return s;
}

static const char insert[] =
    "INSERT INTO upload (id, workspace_id, kind, status, object_key, file_id, created_by, created_at, expires_at,"
    " headers, checksum_algorithm, checksum_type, sync)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";

int
tbl_upload_insert(struct db_conn *c, const struct upload_row *u)
{
	return db_exec(c, insert, DB_INT(u->id), DB_INT(u->workspace), DB_INT(u->kind), DB_INT(u->status),
	    BYTES(u->key), DB_INT(u->file_id), DB_INT(u->created_by), DB_INT(u->created_at), DB_INT(u->expires_at),
	    BYTES(u->headers), DB_INT(u->checksum_algorithm), DB_INT(u->checksum_type), BYTES(u->sync));
}

#define SEEN "id, workspace_id, kind, status, object_key, created_by, created_at, expires_at, checksum_algorithm, checksum_type"

void
tbl_upload_seen(const struct db_row *row, struct upload_row *u)
{
	*u = (struct upload_row) {
		.id = db_int(row, 0),
		.workspace = db_int(row, 1),
		.kind = (int)db_int(row, 2),
		.status = (int)db_int(row, 3),
		.key = slice_at(row, 4),
		.created_by = db_int(row, 5),
		.created_at = db_int(row, 6),
		.expires_at = db_int(row, 7),
		.checksum_algorithm = (int)db_int(row, 8),
		.checksum_type = (int)db_int(row, 9),
	};
}

#define ALL "SELECT " SEEN ", headers, file_id, completed_parts, result_version_id, sync FROM upload"
#define WHOLE ALL " WHERE id = $1"

static void
read_whole(const struct db_row *row, struct upload_row *u)
{
	tbl_upload_seen(row, u);
	u->headers = slice_at(row, 10);
	u->file_id = db_int(row, 11);
	u->completed_parts = slice_at(row, 12);
	u->result_version = db_is_null(row, 13) ? 0 : db_int(row, 13);
	u->sync = slice_at(row, 14);
}

static const char get[] = WHOLE " AND workspace_id = $2";

int
tbl_upload_get(struct db_conn *c, int64_t workspace, int64_t id, struct db_row *row, struct upload_row *u)
{
	int rc = db_one(c, get, row, DB_INT(id), DB_INT(workspace));

	if (rc == 0)
		read_whole(row, u);
	return rc;
}

static const char by_id[] = WHOLE;

int
tbl_upload_by_id(struct db_conn *c, int64_t id, struct db_row *row, struct upload_row *u)
{
	int rc = db_one(c, by_id, row, DB_INT(id));

	if (rc == 0)
		read_whole(row, u);
	return rc;
}

static const char touch[] = "UPDATE upload SET expires_at = $1 WHERE id = $2";

int
tbl_upload_touch(struct db_conn *c, int64_t id, int64_t expires_at)
{
	return db_exec(c, touch, DB_INT(expires_at), DB_INT(id));
}

static const char complete[] = "UPDATE upload SET status = 2, completed_parts = $1, result_version_id = $2,"
			       " file_id = $3, expires_at = $4 WHERE id = $5";

int
tbl_upload_complete(struct db_conn *c, int64_t id, struct slice parts, int64_t version, int64_t file,
    int64_t expires_at)
{
	return db_exec(c, complete, BYTES(parts), DB_INT(version), DB_INT(file), DB_INT(expires_at), DB_INT(id));
}

static const char status_set[] = "UPDATE upload SET status = $1 WHERE id = $2";

int
tbl_upload_status(struct db_conn *c, int64_t id, int status)
{
	return db_exec(c, status_set, DB_INT(status), DB_INT(id));
}

static const char delete_one[] = "DELETE FROM upload WHERE id = $1";

int
tbl_upload_delete(struct db_conn *c, int64_t id)
{
	return db_exec(c, delete_one, DB_INT(id));
}

static const char scan[] = "SELECT " SEEN " FROM upload WHERE status = 1 AND kind = 1 AND workspace_id = $1"
			   " AND (object_key, id) > ($2, $3) ORDER BY object_key, id";

int
tbl_upload_scan(struct db_conn *c, int64_t workspace, struct slice key, int64_t id, struct db_row *row)
{
	return db_query(c, scan, row, DB_INT(workspace), BYTES(key), DB_INT(id));
}

static const char open_one[] = "SELECT id FROM upload WHERE workspace_id = $1 AND status = 1 ORDER BY id LIMIT 1";

int
tbl_upload_open(struct db_conn *c, int64_t workspace, int64_t *id)
{
	struct db_row row = DB_ROW_INIT;
	int rc = db_one(c, open_one, &row, DB_INT(workspace));

	if (rc == 0)
		*id = db_int(&row, 0);
	db_row_release(&row);
	return rc;
}

static const char open_scan[] = ALL " WHERE status = 1 AND kind <> 1 AND (workspace_id, id) > ($1, $2)"
				" ORDER BY workspace_id, id";

int
tbl_upload_open_scan(struct db_conn *c, int64_t workspace, int64_t id, struct db_row *row)
{
	return db_query(c, open_scan, row, DB_INT(workspace), DB_INT(id));
}

void
tbl_upload_open_seen(const struct db_row *row, struct upload_row *u)
{
	read_whole(row, u);
}

static const char count_of[] = "SELECT count(*) FROM upload WHERE workspace_id = $1 AND status = 1 AND created_by = $2";

int
tbl_upload_count(struct db_conn *c, int64_t workspace, int64_t principal, int64_t *n)
{
	struct db_row row = DB_ROW_INIT;
	int rc = db_one(c, count_of, &row, DB_INT(workspace), DB_INT(principal));

	if (rc == 0)
		*n = db_int(&row, 0);
	db_row_release(&row);
	return rc;
}

static const char expired[] = "SELECT id, workspace_id FROM upload WHERE expires_at <= $1 ORDER BY expires_at LIMIT 1";

int
tbl_upload_expired(struct db_conn *c, int64_t now, int64_t *id, int64_t *workspace)
{
	struct db_row row = DB_ROW_INIT;
	int rc = db_one(c, expired, &row, DB_INT(now));

	if (rc == 0) {
		*id = db_int(&row, 0);
		*workspace = db_int(&row, 1);
	}
	db_row_release(&row);
	return rc;
}

static const char part_put[] =
    "INSERT INTO upload_part (upload_id, part_number, size_bytes, etag, checksum, manifest, created_at)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (upload_id, part_number) DO UPDATE SET"
    " size_bytes = excluded.size_bytes, etag = excluded.etag, checksum = excluded.checksum,"
    " manifest = excluded.manifest, created_at = excluded.created_at";

int
tbl_upload_part_put(struct db_conn *c, int64_t upload, const struct upload_part_row *p)
{
	return db_exec(c, part_put, DB_INT(upload), DB_INT(p->number), DB_INT(p->size), BYTES(p->etag),
	    BYTES(p->checksum), BYTES(p->manifest), DB_INT(p->created_at));
}

#define PART "part_number, size_bytes, created_at, etag, checksum, manifest"

void
tbl_upload_part_seen(const struct db_row *row, struct upload_part_row *p)
{
	p->number = db_int(row, 0);
	p->size = db_int(row, 1);
	p->created_at = db_int(row, 2);
	p->etag = slice_at(row, 3);
	p->checksum = slice_at(row, 4);
	p->manifest = slice_at(row, 5);
}

static const char part_get[] = "SELECT " PART " FROM upload_part WHERE upload_id = $1 AND part_number = $2";

int
tbl_upload_part_get(struct db_conn *c, int64_t upload, int64_t number, struct db_row *row, struct upload_part_row *p)
{
	int rc = db_one(c, part_get, row, DB_INT(upload), DB_INT(number));

	if (rc == 0)
		tbl_upload_part_seen(row, p);
	return rc;
}

static const char part_delete[] = "DELETE FROM upload_part WHERE upload_id = $1 AND part_number = $2";

int
tbl_upload_part_delete(struct db_conn *c, int64_t upload, int64_t number)
{
	return db_exec(c, part_delete, DB_INT(upload), DB_INT(number));
}

static const char parts_delete[] = "DELETE FROM upload_part WHERE upload_id = $1";

int
tbl_upload_parts_delete(struct db_conn *c, int64_t upload)
{
	return db_exec(c, parts_delete, DB_INT(upload));
}

static const char part_scan[] = "SELECT " PART " FROM upload_part WHERE upload_id = $1 AND part_number > $2"
				" ORDER BY part_number";

int
tbl_upload_part_scan(struct db_conn *c, int64_t upload, int64_t after, struct db_row *row)
{
	return db_query(c, part_scan, row, DB_INT(upload), DB_INT(after));
}

static const char bytes_sum[] = "SELECT coalesce(sum(size_bytes), 0) FROM upload_part WHERE upload_id = $1";

int
tbl_upload_bytes(struct db_conn *c, int64_t upload, int64_t *bytes)
{
	struct db_row row = DB_ROW_INIT;
	int rc = db_one(c, bytes_sum, &row, DB_INT(upload));

	if (rc == 0)
		*bytes = db_int(&row, 0);
	db_row_release(&row);
	return rc;
}
