#include "err.h"
#include "log.h"
#include "tbl_event.h"

static const char insert[] =
    "INSERT INTO change_event (workspace_id, sequence, event_type, ends_commit, node_kind, resource_id, parent_id, name,"
    " version_id, size_bytes, content_hash, from_parent_id, from_name, actor_id, device_id, occurred_at, principal_id, role)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";

int
tbl_event_insert(struct db_conn *c, const struct event_row *e)
{
	return db_exec(c, insert, DB_INT(e->workspace), DB_INT(e->sequence), DB_INT(e->type), DB_INT(e->ends_commit),
	    DB_INT(e->node_kind), DB_INT(e->node), DB_INT(e->parent), DB_BYTES(e->name.p, e->name.len),
	    DB_INT_IF(e->version, e->version), DB_INT_IF(e->version, e->size), e->hash ? DB_BYTES(e->hash, 32) : DB_NULL,
	    DB_INT_IF(e->from_parent, e->from_parent),
	    e->from_parent ? DB_BYTES(e->from_name.p, e->from_name.len) : DB_NULL, DB_INT(e->actor),
	    DB_INT_IF(e->device, e->device), DB_INT(e->occurred_at), DB_INT_IF(e->principal, e->principal),
	    DB_INT_IF(e->role, e->role));
}

static const char join[] = "UPDATE change_event SET ends_commit = 0 WHERE workspace_id = $1 AND sequence > $2"
			   " AND sequence < $3 AND ends_commit = 1";

int
tbl_event_join(struct db_conn *c, int64_t workspace, int64_t from, int64_t last)
{
	return db_exec(c, join, DB_INT(workspace), DB_INT(from), DB_INT(last));
}

static const char scan[] =
    "SELECT workspace_id, sequence, event_type, ends_commit, node_kind, resource_id, parent_id, name, version_id,"
    " size_bytes, content_hash, from_parent_id, from_name, actor_id, device_id, occurred_at, principal_id, role"
    " FROM change_event WHERE workspace_id = $1 AND sequence > $2 AND sequence <= $3 ORDER BY sequence";

int
tbl_event_scan(struct db_conn *c, int64_t workspace, int64_t from, int64_t to, struct db_row *row)
{
	return db_query(c, scan, row, DB_INT(workspace), DB_INT(from), DB_INT(to));
}

int
tbl_event_seen(const struct db_row *row, struct event_row *e)
{
	size_t hash;

	*e = (struct event_row) {
		.workspace = db_int(row, 0), .sequence = db_int(row, 1), .type = (int)db_int(row, 2),
		.ends_commit = db_int(row, 3) != 0, .node_kind = (int)db_int(row, 4), .node = db_int(row, 5),
		.parent = db_int(row, 6), .version = db_int(row, 8), .size = db_int(row, 9),
		.from_parent = db_int(row, 11), .actor = db_int(row, 13), .device = db_int(row, 14),
		.occurred_at = db_int(row, 15), .principal = db_int(row, 16), .role = (int)db_int(row, 17),
	};
	e->name.p = db_bytes(row, 7, &e->name.len);
	e->from_name.p = db_bytes(row, 12, &e->from_name.len);
	if (db_is_null(row, 10))
		return 0;
	e->hash = db_bytes(row, 10, &hash);
	if (hash == 32)
		return 0;
	log_error("workspace %lld, event %lld: a content hash of %zu bytes", (long long)e->workspace,
	    (long long)e->sequence, hash);
	return ERR_CORRUPT;
}

static const char last_end[] = "SELECT sequence FROM change_event WHERE workspace_id = $1 AND sequence > $2"
			       " AND sequence <= $3 AND ends_commit = 1 ORDER BY sequence DESC LIMIT 1";

int
tbl_event_last_end(struct db_conn *c, int64_t workspace, int64_t from, int64_t to, int64_t *sequence)
{
	struct db_row row = DB_ROW_INIT;
	int rc = db_one(c, last_end, &row, DB_INT(workspace), DB_INT(from), DB_INT(to));

	if (rc == 0)
		*sequence = db_int(&row, 0);
	db_row_release(&row);
	return rc;
}

static const char time_of[] = "SELECT occurred_at FROM change_event WHERE workspace_id = $1 AND sequence = $2";

int
tbl_event_time(struct db_conn *c, int64_t workspace, int64_t sequence, int64_t *occurred_at)
{
	struct db_row row = DB_ROW_INIT;
	int rc = db_one(c, time_of, &row, DB_INT(workspace), DB_INT(sequence));

	if (rc == 0)
		*occurred_at = db_int(&row, 0);
	db_row_release(&row);
	return rc;
}

static const char trim[] = "DELETE FROM change_event WHERE workspace_id = $1 AND sequence <= $2";

int
tbl_event_trim(struct db_conn *c, int64_t workspace, int64_t sequence)
{
	return db_exec(c, trim, DB_INT(workspace), DB_INT(sequence));
}
