#include <string.h>

#include "db.h"
#include "err.h"
#include "tbl_text.h"
#include "tbl_workspace.h"

#define COLUMNS                                                                                              \
	"id, name, display_name, owner_id, region_home, quota_bytes, plan, created_at, root_folder_id,"      \
	" history_ms, versioning, chunk_min, chunk_avg, chunk_max, sequence, horizon, objects, bytes,"       \
	" noncurrent_bytes, history_bytes, past_horizon, uploads, upload_bytes"

static const char insert[] = "INSERT INTO workspace (" COLUMNS ") VALUES"
			     " ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,"
			     " $21, $22, $23)";

int
tbl_workspace_insert(struct db_conn *c, const struct workspace_row *w)
{
	return db_exec(c, insert, DB_INT(w->id), DB_STR(w->name), DB_STR(w->display_name), DB_INT(w->owner_id),
	    DB_STR(w->region), DB_INT(w->quota_bytes), DB_STR(w->plan), DB_INT(w->created_at),
	    DB_INT(w->root_folder_id), DB_INT(w->history_ms), DB_INT(w->versioning), DB_INT(w->chunk_min),
	    DB_INT(w->chunk_avg), DB_INT(w->chunk_max), DB_INT(w->sequence), DB_INT(w->horizon),
	    DB_INT(w->objects), DB_INT(w->bytes), DB_INT(w->noncurrent_bytes), DB_INT(w->history_bytes),
	    DB_INT(w->past_horizon), DB_INT(w->uploads), DB_INT(w->upload_bytes));
}

static const char update[] =
    "UPDATE workspace SET display_name = $1, quota_bytes = $2, history_ms = $3, versioning = $4, sequence = $5,"
    " horizon = $6, objects = $7, bytes = $8, noncurrent_bytes = $9, history_bytes = $10, owner_id = $11,"
    " past_horizon = $12, uploads = $13, upload_bytes = $14 WHERE id = $15";

int
tbl_workspace_update(struct db_conn *c, const struct workspace_row *w)
{
	return db_exec(c, update, DB_STR(w->display_name), DB_INT(w->quota_bytes), DB_INT(w->history_ms),
	    DB_INT(w->versioning), DB_INT(w->sequence), DB_INT(w->horizon), DB_INT(w->objects), DB_INT(w->bytes),
	    DB_INT(w->noncurrent_bytes), DB_INT(w->history_bytes), DB_INT(w->owner_id),
	    DB_INT(w->past_horizon), DB_INT(w->uploads), DB_INT(w->upload_bytes), DB_INT(w->id));
}

static const char delete_one[] = "DELETE FROM workspace WHERE id = $1";

int
tbl_workspace_delete(struct db_conn *c, int64_t id)
{
	return db_exec(c, delete_one, DB_INT(id));
}

static const char owned[] = "SELECT id FROM workspace WHERE owner_id = $1 LIMIT 1";

int
tbl_workspace_owned(struct db_conn *c, int64_t owner)
{
	struct db_row row = DB_ROW_INIT;
	int rc = db_one(c, owned, &row, DB_INT(owner));

	db_row_release(&row);
	return rc;
}

static void
read_row(const struct db_row *row, struct workspace_row *w)
{
	*w = (struct workspace_row) {
		.id = db_int(row, 0),
		.owner_id = db_int(row, 3),
		.quota_bytes = (uint64_t)db_int(row, 5),
		.created_at = db_int(row, 7),
		.root_folder_id = db_int(row, 8),
		.history_ms = db_int(row, 9),
		.versioning = (int)db_int(row, 10),
		.chunk_min = (uint32_t)db_int(row, 11),
		.chunk_avg = (uint32_t)db_int(row, 12),
		.chunk_max = (uint32_t)db_int(row, 13),
		.sequence = db_int(row, 14),
		.horizon = db_int(row, 15),
		.objects = db_int(row, 16),
		.bytes = db_int(row, 17),
		.noncurrent_bytes = db_int(row, 18),
		.history_bytes = db_int(row, 19),
		.past_horizon = db_int(row, 20),
		.uploads = db_int(row, 21),
		.upload_bytes = db_int(row, 22),
	};
	tbl_text(row, 1, w->name, sizeof(w->name));
	tbl_text(row, 2, w->display_name, sizeof(w->display_name));
	tbl_text(row, 4, w->region, sizeof(w->region));
	tbl_text(row, 6, w->plan, sizeof(w->plan));
}

static int
one(struct db_conn *c, const char *sql, struct db_value by, struct workspace_row *w)
{
	struct db_row row = DB_ROW_INIT;
	int rc = db_one(c, sql, &row, by);

	if (rc == 0)
		read_row(&row, w);
	db_row_release(&row);
	return rc;
}

static const char by_id[] = "SELECT " COLUMNS " FROM workspace WHERE id = $1";

int
tbl_workspace_get(struct db_conn *c, int64_t id, struct workspace_row *w)
{
	return one(c, by_id, DB_INT(id), w);
}

static const char by_name[] = "SELECT " COLUMNS " FROM workspace WHERE name = $1";

int
tbl_workspace_by_name(struct db_conn *c, const char *name, struct workspace_row *w)
{
	return one(c, by_name, DB_STR(name), w);
}

static int
read_rows(int rc, struct db_row *row, struct workspace_row *rows, unsigned max, unsigned *n)
{
	unsigned i = 0;

	while (rc == 0 && i < max && (rc = db_next(row)) == 0)
		read_row(row, &rows[i++]);
	db_row_release(row);
	if (rc != 0 && rc != ERR_END)
		return rc;
	*n = i;
	return 0;
}

static const char list[] = "SELECT " COLUMNS " FROM workspace WHERE name > $1 ORDER BY name LIMIT $2";

int
tbl_workspace_list(struct db_conn *c, const char *after, struct workspace_row *rows, unsigned max, unsigned *n)
{
	struct db_row row = DB_ROW_INIT;

	return read_rows(db_query(c, list, &row, DB_STR(after), DB_INT(max)), &row, rows, max, n);
}

static const char list_of[] = "SELECT " COLUMNS " FROM workspace WHERE owner_id = $1 AND name > $2 ORDER BY name LIMIT $3";

int
tbl_workspace_of(struct db_conn *c, int64_t owner, const char *after, struct workspace_row *rows, unsigned max,
    unsigned *n)
{
	struct db_row row = DB_ROW_INIT;

	return read_rows(db_query(c, list_of, &row, DB_INT(owner), DB_STR(after), DB_INT(max)), &row, rows, max, n);
}

static const char owned_heads[] = "SELECT id, sequence FROM workspace WHERE owner_id = $1 LIMIT $2";
static const char shared_heads[] =
    "SELECT g.workspace_id, max(w.sequence) FROM share_grant g JOIN workspace w ON w.id = g.workspace_id"
    " WHERE g.principal_id = $1 AND g.revoked_at IS NULL GROUP BY g.workspace_id LIMIT $2";

int
tbl_workspace_heads(struct db_conn *c, int64_t principal, bool shared, unsigned max,
    int (*each)(int64_t workspace, int64_t sequence, void *arg), void *arg)
{
	struct db_row row = DB_ROW_INIT;
	int rc = db_query(c, shared ? shared_heads : owned_heads, &row, DB_INT(principal), DB_INT(max));

	while (rc == 0 && (rc = db_next(&row)) == 0)
		rc = each(db_int(&row, 0), db_int(&row, 1), arg);
	db_row_release(&row);
	return rc == ERR_END ? 0 : rc;
}
