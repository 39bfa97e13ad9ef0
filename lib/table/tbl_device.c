#include "err.h"
#include "tbl_device.h"
#include "tbl_text.h"

static const char insert[] = "INSERT INTO device (id, principal_id, name, created_at, last_seen_at)"
			     " VALUES ($1, $2, $3, $4, $5)";

int
tbl_device_insert(struct db_conn *c, const struct device_row *d)
{
	return db_exec(c, insert, DB_INT(d->id), DB_INT(d->principal), DB_STR(d->name), DB_INT(d->created_at),
	    DB_INT(d->last_seen_at));
}

static void
seen(const struct db_row *row, struct device_row *d)
{
	*d = (struct device_row) { .id = db_int(row, 0), .principal = db_int(row, 1), .created_at = db_int(row, 3),
		.last_seen_at = db_int(row, 4) };
	tbl_text(row, 2, d->name, sizeof(d->name));
}

static const char get[] = "SELECT id, principal_id, name, created_at, last_seen_at FROM device WHERE id = $1"
			  " AND principal_id = $2";

int
tbl_device_get(struct db_conn *c, int64_t principal, int64_t id, struct device_row *d)
{
	struct db_row row = DB_ROW_INIT;
	int rc = db_one(c, get, &row, DB_INT(id), DB_INT(principal));

	if (rc == 0)
		seen(&row, d);
	db_row_release(&row);
	return rc;
}

static const char list[] = "SELECT id, principal_id, name, created_at, last_seen_at FROM device WHERE principal_id = $1"
			   " ORDER BY id LIMIT $2";

int
tbl_device_list(struct db_conn *c, int64_t principal, struct device_row *rows, unsigned max, unsigned *n)
{
	struct db_row row = DB_ROW_INIT;
	unsigned i = 0;
	int rc = db_query(c, list, &row, DB_INT(principal), DB_INT(max));

	for (; rc == 0 && i < max && (rc = db_next(&row)) == 0; i++)
		seen(&row, &rows[i]);
	db_row_release(&row);
	*n = i;
	return rc == ERR_END ? 0 : rc;
}

static const char set_seen[] = "UPDATE device SET last_seen_at = $1 WHERE id = $2";

int
tbl_device_seen(struct db_conn *c, int64_t id, int64_t now)
{
	return db_exec(c, set_seen, DB_INT(now), DB_INT(id));
}

static const char delete_one[] = "DELETE FROM device WHERE id = $1 AND principal_id = $2";
static const char delete_cursors[] = "DELETE FROM device_cursor WHERE device_id = $1";

int
tbl_device_delete(struct db_conn *c, int64_t principal, int64_t id)
{
	int rc = db_exec(c, delete_one, DB_INT(id), DB_INT(principal));

	if (rc == 0 && !db_changed(c))
		return ERR_NOTFOUND;
	return rc ? rc : db_exec(c, delete_cursors, DB_INT(id));
}

static const char delete_all_cursors[] = "DELETE FROM device_cursor WHERE device_id IN (SELECT id FROM device"
					 " WHERE principal_id = $1)";
static const char delete_all[] = "DELETE FROM device WHERE principal_id = $1";

int
tbl_device_delete_all(struct db_conn *c, int64_t principal)
{
	int rc = db_exec(c, delete_all_cursors, DB_INT(principal));

	return rc ? rc : db_exec(c, delete_all, DB_INT(principal));
}

static const char ack[] = "INSERT INTO device_cursor (device_id, workspace_id, last_sequence, last_ack_at)"
			  " VALUES ($1, $2, $3, $4) ON CONFLICT (device_id, workspace_id) DO UPDATE SET"
			  " last_sequence = excluded.last_sequence, last_ack_at = excluded.last_ack_at";

int
tbl_device_ack(struct db_conn *c, int64_t device, int64_t workspace, int64_t sequence, int64_t now)
{
	return db_exec(c, ack, DB_INT(device), DB_INT(workspace), DB_INT(sequence), DB_INT(now));
}

static const char asked[] = "UPDATE device_cursor SET last_ack_at = $1 WHERE device_id = $2 AND workspace_id = $3";

int
tbl_device_asked(struct db_conn *c, int64_t device, int64_t workspace, int64_t now)
{
	return db_exec(c, asked, DB_INT(now), DB_INT(device), DB_INT(workspace));
}

static const char cursor[] = "SELECT workspace_id, last_sequence, last_ack_at FROM device_cursor WHERE device_id = $1"
			     " AND workspace_id = $2";

int
tbl_device_cursor(struct db_conn *c, int64_t device, int64_t workspace, struct device_cursor_row *r)
{
	struct db_row row = DB_ROW_INIT;
	int rc = db_one(c, cursor, &row, DB_INT(device), DB_INT(workspace));

	if (rc == 0)
		*r = (struct device_cursor_row) { db_int(&row, 0), db_int(&row, 1), db_int(&row, 2) };
	db_row_release(&row);
	return rc;
}

static const char cursors[] = "SELECT workspace_id, last_sequence, last_ack_at FROM device_cursor WHERE device_id = $1"
			      " ORDER BY workspace_id LIMIT $2";

int
tbl_device_cursors(struct db_conn *c, int64_t device, struct device_cursor_row *rows, unsigned max, unsigned *n)
{
	struct db_row row = DB_ROW_INIT;
	unsigned i = 0;
	int rc = db_query(c, cursors, &row, DB_INT(device), DB_INT(max));

	for (; rc == 0 && i < max && (rc = db_next(&row)) == 0; i++)
		rows[i] = (struct device_cursor_row) { db_int(&row, 0), db_int(&row, 1), db_int(&row, 2) };
	db_row_release(&row);
	*n = i;
	return rc == ERR_END ? 0 : rc;
}

static const char lowest[] = "SELECT last_sequence FROM device_cursor WHERE workspace_id = $1 AND last_ack_at >= $2"
			     " ORDER BY last_sequence LIMIT 1";

int
tbl_device_lowest(struct db_conn *c, int64_t workspace, int64_t since, int64_t *sequence)
{
	struct db_row row = DB_ROW_INIT;
	int rc = db_one(c, lowest, &row, DB_INT(workspace), DB_INT(since));

	if (rc == 0)
		*sequence = db_int(&row, 0);
	db_row_release(&row);
	return rc;
}
