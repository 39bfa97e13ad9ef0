#include "buf.h"
#include "db.h"
#include "tbl_store.h"

static const char insert[] = "INSERT INTO store (one, store_id, created_at, auth_epoch, structure_epoch, key_check)"
			     " VALUES (1, $1, $2, 1, 1, $3)";

int
tbl_store_insert(struct db_conn *c, const uint8_t id[16], int64_t created_at, const void *key_check, size_t len)
{
	return db_exec(c, insert, DB_BYTES(id, 16), DB_INT(created_at), DB_BYTES(key_check, len));
}

static const char get[] = "SELECT store_id, key_check, auth_epoch, structure_epoch FROM store WHERE one = 1";

int
tbl_store_get(struct db_conn *c, uint8_t id[16], struct buf *key_check, int64_t *auth_epoch, int64_t *structure_epoch)
{
	struct db_row row = DB_ROW_INIT;
	const void *p;
	size_t len;
	int rc;

	if ((rc = db_one0(c, get, &row)) != 0 || (rc = db_fixed(&row, 0, id, 16)) != 0)
		goto out;
	p = db_bytes(&row, 1, &len);
	buf_add(key_check, p, len);
	*auth_epoch = db_int(&row, 2);
	*structure_epoch = db_int(&row, 3);
	rc = buf_finish(key_check);
out:
	db_row_release(&row);
	return rc;
}

static const char epochs[] = "SELECT auth_epoch, structure_epoch FROM store WHERE one = 1";

int
tbl_store_epochs(struct db_conn *c, int64_t *auth, int64_t *structure)
{
	struct db_row row = DB_ROW_INIT;
	int rc = db_one0(c, epochs, &row);

	if (rc == 0) {
		*auth = db_int(&row, 0);
		*structure = db_int(&row, 1);
	}
	db_row_release(&row);
	return rc;
}

static const char epochs_set[] = "UPDATE store SET auth_epoch = $1, structure_epoch = $2 WHERE one = 1";

int
tbl_store_epochs_set(struct db_conn *c, int64_t auth, int64_t structure)
{
	return db_exec(c, epochs_set, DB_INT(auth), DB_INT(structure));
}

/* Each max() of a primary key is one step at the end of its tree. */
static const char greatest_id[] =
    "SELECT max(id) FROM ("
    " SELECT max(id) AS id FROM principal UNION ALL SELECT max(id) FROM token UNION ALL"
    " SELECT max(id) FROM workspace UNION ALL SELECT max(id) FROM folder UNION ALL"
    " SELECT max(id) FROM file UNION ALL SELECT max(id) FROM file_version UNION ALL"
    " SELECT max(id) FROM leaf UNION ALL SELECT max(id) FROM upload UNION ALL"
    " SELECT max(id) FROM device UNION ALL SELECT max(id) FROM job) AS ids";

int
tbl_store_greatest_id(struct db_conn *c, int64_t *id)
{
	struct db_row row = DB_ROW_INIT;
	int rc = db_one0(c, greatest_id, &row);

	if (rc == 0)
		*id = db_is_null(&row, 0) ? 0 : db_int(&row, 0);
	db_row_release(&row);
	return rc;
}

static int
pair(struct db_conn *c, const char *sql, int n, int64_t *const values[])
{
	struct db_row row = DB_ROW_INIT;
	int rc = db_one_(c, sql, &row, NULL, 0);

	for (int i = 0; rc == 0 && i < n; i++)
		*values[i] = db_int(&row, i);
	db_row_release(&row);
	return rc;
}

static const char workspace_sums[] =
    "SELECT count(*), coalesce(sum(objects), 0), coalesce(sum(bytes), 0) FROM workspace";
static const char chunk_sums[] =
    "SELECT count(*), coalesce(sum(CASE WHEN dead_at IS NULL THEN 0 ELSE 1 END), 0),"
    " coalesce(sum(CASE WHEN dead_at IS NULL THEN size_bytes ELSE 0 END), 0),"
    " coalesce(sum(CASE WHEN dead_at IS NULL THEN stored ELSE 0 END), 0) FROM chunk";
static const char segment_sums[] = "SELECT count(*), coalesce(sum(tail), 0) FROM segment";
static const char upload_sums[] = "SELECT count(*) FROM upload WHERE status = 1";

int
tbl_store_sums(struct db_conn *c, struct store_sums *s)
{
	int rc;

	if ((rc = pair(c, workspace_sums, 3, (int64_t *const[]) { &s->workspaces, &s->objects, &s->bytes })) != 0 ||
	    (rc = pair(c, chunk_sums, 4,
		 (int64_t *const[]) { &s->chunks, &s->dead_chunks, &s->chunk_bytes, &s->stored_bytes })) != 0 ||
	    (rc = pair(c, segment_sums, 2, (int64_t *const[]) { &s->segments, &s->segment_bytes })) != 0)
		return rc;
	return pair(c, upload_sums, 1, (int64_t *const[]) { &s->open_uploads });
}
