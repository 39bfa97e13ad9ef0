#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "db_sqlite.h"
#include "err.h"
#include "log.h"

#define SLOTS_AT_FIRST 64

/* The slot where `sql` is or belongs. There is always a free one. */
static struct db_slot *
slot_of(struct db_slot *slots, size_t size, const char *sql)
{
	uint64_t hash = (uint64_t)(uintptr_t)sql * 0x9e3779b97f4a7c15u;
	size_t i = (size_t)(hash >> 32) & (size - 1);

	while (slots[i].sql && slots[i].sql != sql)
		i = (i + 1) & (size - 1);
	return &slots[i];
}

static int
slots_grow(struct db_conn *conn)
{
	size_t size = conn->size ? 2 * conn->size : SLOTS_AT_FIRST;
	struct db_slot *slots = calloc(size, sizeof(*slots));

	if (!slots)
		return ERR_NOMEM;
	for (size_t i = 0; i < conn->size; i++)
		if (conn->slots[i].sql)
			*slot_of(slots, size, conn->slots[i].sql) = conn->slots[i];
	free(conn->slots);
	conn->slots = slots;
	conn->size = size;
	return 0;
}

/*
 * SQLite takes "$1" for a name and numbers parameters as it meets them, so binding by position is right only if
 * they appear in ascending order.
 */
static int
check_parameters(sqlite3_stmt *handle, const char *sql)
{
	int n = sqlite3_bind_parameter_count(handle);

	for (int i = 1; i <= n; i++) {
		const char *name = sqlite3_bind_parameter_name(handle, i);

		if (!name || name[0] != '$' || strtol(name + 1, NULL, 10) != i) {
			log_error("database: parameter %d is out of order in: %s", i, sql);
			return ERR_INTERNAL;
		}
	}
	return 0;
}

static int
stmt_new(struct db_conn *conn, const char *sql, struct db_stmt **stmt)
{
	struct db_stmt *s = calloc(1, sizeof(*s));
	const char *tail = "";
	int rc, code = 0;

	if (!s)
		return ERR_NOMEM;
	rc = sqlite3_prepare_v3(conn->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &s->handle, &tail);
	if (rc != SQLITE_OK) {
		code = db_conn_error(conn, rc, sql);
	} else if (!s->handle || *tail) {
		log_error("database: not one statement: %s", sql);
		code = ERR_INTERNAL;
	} else {
		code = check_parameters(s->handle, sql);
	}
	if (code) {
		sqlite3_finalize(s->handle);
		free(s);
		return code;
	}
	*stmt = s;
	return 0;
}

/* A statement for `sql` that nobody stands on. */
static int
stmt_find(struct db_conn *conn, const char *sql, struct db_stmt **stmt)
{
	struct db_slot *slot;
	struct db_stmt **at;
	int rc;

	if (2 * (conn->used + 1) > conn->size && (rc = slots_grow(conn)) != 0)
		return rc;
	slot = slot_of(conn->slots, conn->size, sql);
	for (at = &slot->stmt; *at && (*at)->busy;)
		at = &(*at)->copy;
	if (!*at) {
		if ((rc = stmt_new(conn, sql, at)) != 0)
			return rc;
		if (!slot->sql) {
			slot->sql = sql;
			conn->used++;
		}
	}
	assert(!strcmp(sqlite3_sql((*at)->handle), sql));	/* the text is a constant, not a buffer used again */
	*stmt = *at;
	return 0;
}

static int
bind_one(sqlite3_stmt *handle, int i, const struct db_value *v)
{
	switch (v->kind) {
	case DB_IS_INT:
		return sqlite3_bind_int64(handle, i, v->i);
	case DB_IS_BYTES:	/* SQLite would take a NULL pointer for NULL */
		return sqlite3_bind_blob64(handle, i, v->p ? v->p : "", v->len, SQLITE_STATIC);
	default:
		return sqlite3_bind_null(handle, i);
	}
}

/* Finds the statement, binds, and gives it to `row`. */
static int
start(struct db_conn *conn, const char *sql, struct db_row *row, const struct db_value *args, size_t n)
{
	struct db_stmt *stmt;
	int rc;

	if (conn->lost)
		return conn->lost;
	if ((rc = stmt_find(conn, sql, &stmt)) != 0)
		return rc;
	if (n != (size_t)sqlite3_bind_parameter_count(stmt->handle)) {
		log_error("database: %zu values for %d parameters in: %s", n,
		    sqlite3_bind_parameter_count(stmt->handle), sql);
		return ERR_INTERNAL;
	}
	for (size_t i = 0; i < n; i++)
		if ((rc = bind_one(stmt->handle, (int)i + 1, &args[i])) != SQLITE_OK)
			return db_conn_error(conn, rc, sql);
	stmt->busy = true;
	conn->rows++;
	row->conn = conn;
	row->stmt = stmt;
	return 0;
}

int
db_query_(struct db_conn *conn, const char *sql, struct db_row *row, const struct db_value *args, size_t n)
{
	return start(conn, sql, row, args, n);
}

int
db_next(struct db_row *row)
{
	struct db_stmt *stmt = row->stmt;
	int rc, code = ERR_END;

	if (!stmt)
		return ERR_END;
	if (row->conn->lost)
		code = row->conn->lost;
	else if ((rc = sqlite3_step(stmt->handle)) == SQLITE_ROW)
		return 0;
	else if (rc != SQLITE_DONE)
		code = db_conn_error(row->conn, rc, sqlite3_sql(stmt->handle));
	db_row_release(row);
	return code;
}

void
db_row_release(struct db_row *row)
{
	struct db_stmt *stmt = row->stmt;

	if (!stmt)
		return;
	assert(stmt->busy && row->conn->rows);
	sqlite3_reset(stmt->handle);	/* repeats the step's error, which was told then */
	stmt->busy = false;
	row->conn->rows--;
	*row = (struct db_row) DB_ROW_INIT;
}

int
db_one_(struct db_conn *conn, const char *sql, struct db_row *row, const struct db_value *args, size_t n)
{
	int rc;

	if ((rc = start(conn, sql, row, args, n)) != 0)
		return rc;
	rc = db_next(row);
	return rc == ERR_END ? ERR_NOTFOUND : rc;
}

int
db_exec_(struct db_conn *conn, const char *sql, const struct db_value *args, size_t n)
{
	struct db_row row = DB_ROW_INIT;
	int rc;

	if ((rc = start(conn, sql, &row, args, n)) != 0)
		return rc;
	if ((rc = db_next(&row)) == 0) {
		log_error("database: rows nobody asked for from: %s", sql);
		rc = ERR_INTERNAL;
	} else if (rc == ERR_END) {
		conn->changed = sqlite3_changes64(conn->handle);
		rc = 0;
	}
	db_row_release(&row);
	return rc;
}

int64_t
db_changed(const struct db_conn *conn)
{
	return conn->changed;
}

int64_t
db_changes(const struct db_conn *conn)
{
	return sqlite3_total_changes64(conn->handle);
}

static sqlite3_stmt *
handle_of(const struct db_row *row)
{
	const struct db_stmt *stmt = row->stmt;

	assert(stmt);
	return stmt->handle;
}

bool
db_is_null(const struct db_row *row, int column)
{
	return sqlite3_column_type(handle_of(row), column) == SQLITE_NULL;
}

int64_t
db_int(const struct db_row *row, int column)
{
	return sqlite3_column_int64(handle_of(row), column);
}

const void *
db_bytes(const struct db_row *row, int column, size_t *len)
{
	const void *bytes = sqlite3_column_blob(handle_of(row), column);

	*len = bytes ? (size_t)sqlite3_column_bytes(handle_of(row), column) : 0;
	return bytes ? bytes : "";
}

int
db_fixed(const struct db_row *row, int column, void *to, size_t len)
{
	size_t got;
	const void *bytes = db_bytes(row, column, &got);

	if (got != len) {
		log_error("database: column %d has %zu bytes instead of %zu in: %s", column, got, len,
		    sqlite3_sql(handle_of(row)));
		return ERR_CORRUPT;
	}
	memcpy(to, bytes, len);
	return 0;
}

void
db_statements(struct db_conn *conn, void (*each)(void *arg, const char *sql), void *arg)
{
	for (size_t i = 0; i < conn->size; i++)
		if (conn->slots[i].sql)
			each(arg, conn->slots[i].sql);
}
