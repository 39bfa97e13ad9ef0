#ifndef DB_DB_H
#define DB_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A small database interface: the seam between the table modules, which hold all SQL, and an engine. One SQL
 * text serves SQLite >= 3.40 and PostgreSQL >= 15: parameters are $1…$n first used in ascending order, no
 * casts, no reserved words as names, byte strings bound as bytes.
 *
 * There is one writing connection, used by one thread at a time (the committer's), and a pool of reading
 * connections. Each statement text is prepared once a connection and found again by the address of its
 * constant: pass only string constants (static storage). The same text may run again while a row of it is out.
 *
 * All functions log unexpected failures with the SQL text. Codes: ERR_IO (the engine failed; on the writing
 * connection the transaction may be gone: ask db_in_txn()), ERR_SPACE (disk full; the same), ERR_CORRUPT,
 * ERR_NOMEM, ERR_EXISTS (a unique or primary key refused the row; not logged), ERR_INTERNAL (the SQL is wrong, or
 * breaks a NOT NULL or CHECK).
 *
 * Once the engine has rolled back a transaction by itself, every call of that connection answers the code that
 * lost it, and runs nothing, until db_commit() (which fails with it too) or db_rollback(). After a failed flush
 * db_begin(), db_commit() and db_checkpoint() answer ERR_IO for good: the process has to end.
 */
struct db;
struct db_conn;

struct db_value {
	enum { DB_IS_NULL, DB_IS_INT, DB_IS_BYTES } kind;
	int64_t i;
	const void *p;
	size_t len;
};

#define DB_NULL ((struct db_value) { DB_IS_NULL, 0, NULL, 0 })
#define DB_INT(x) ((struct db_value) { DB_IS_INT, (int64_t)(x), NULL, 0 })
/* Bytes stay the caller's and must live until the statement is done. A NULL pointer with length 0 is an empty string. */
#define DB_BYTES(ptr, n) ((struct db_value) { DB_IS_BYTES, 0, (ptr), (n) })
#define DB_STR(s) DB_BYTES((s), strlen(s))
/* NULL where `cond` is false. */
#define DB_INT_IF(cond, x) ((cond) ? DB_INT(x) : DB_NULL)

#define DB_ARGS_(...) (const struct db_value[]) { __VA_ARGS__ }, sizeof((struct db_value[]) { __VA_ARGS__ }) / sizeof(struct db_value)

/* ---- opening ---- */

struct db_options {
	int dirfd;			/* the data directory; the caller's, open until db_close() */
	const char *dir;		/* its path, which the engine opens by */
	const char *name;		/* "meta.db" */
	bool create;			/* ERR_EXISTS if it is there; without it ERR_NOTFOUND if not */
	unsigned readers;		/* reading connections; 0 means 32 */
	size_t writer_cache;		/* bytes of page cache; 0 means 12 MiB */
	size_t reader_cache;		/* bytes each; 0 means 512 KiB */
	bool relaxed;			/* loses the last commits in a power cut; never corrupts. For throw-away stores of tests */
};

/*
 * SQLite: WAL, synchronous=FULL, foreign keys off, no automatic checkpoint, page size 4096; all read back after
 * opening, ERR_UNSUPPORTED if one is otherwise. The file is made 0600. That no other process has it open is the
 * business of DATA/LOCK; ERR_LOCKED only if one is met in the act of writing. ERR_TOOBIG if the path is over 511 bytes.
 * One lock on the file is held for all connections while it is open (VFS unix-excl). Reading connections share a
 * mapping of the first 64 GiB: a page there that the disk can't read ends the process (SIGBUS). The writer, db_verify() and db_backup() do
 * not map and answer ERR_IO.
 * While a database is open nobody else in the process may open and close its file: that would drop SQLite's locks.
 */
int db_open(const struct db_options *options, struct db **db);
void db_close(struct db *db);	/* checkpoints; NULL is fine; no reader may be out */

const char *db_engine(const struct db *db);	/* "sqlite 3.40.1" */

/* ---- statements ---- */

/* A row under the cursor of a running statement. Column pointers live until the next step or release. */
struct db_row {
	struct db_conn *conn;
	void *stmt;
};
#define DB_ROW_INIT { NULL, NULL }

/* Runs a statement that returns no rows (one with RETURNING goes through db_one()). */
#define db_exec(conn, sql, ...) db_exec_(conn, sql, DB_ARGS_(__VA_ARGS__))
#define db_exec0(conn, sql) db_exec_(conn, sql, NULL, 0)
int db_exec_(struct db_conn *conn, const char *sql, const struct db_value *args, size_t n);

/* Runs one and stands on its first row; ERR_NOTFOUND if there is none (`row` is released then). */
#define db_one(conn, sql, row, ...) db_one_(conn, sql, row, DB_ARGS_(__VA_ARGS__))
#define db_one0(conn, sql, row) db_one_(conn, sql, row, NULL, 0)
int db_one_(struct db_conn *conn, const char *sql, struct db_row *row, const struct db_value *args, size_t n);

/* Starts one; each db_next() stands on the next row, or answers ERR_END (and releases) after the last. */
#define db_query(conn, sql, row, ...) db_query_(conn, sql, row, DB_ARGS_(__VA_ARGS__))
#define db_query0(conn, sql, row) db_query_(conn, sql, row, NULL, 0)
int db_query_(struct db_conn *conn, const char *sql, struct db_row *row, const struct db_value *args, size_t n);
int db_next(struct db_row *row);
void db_row_release(struct db_row *row);	/* always, on every way out; fine on DB_ROW_INIT and twice */

bool db_is_null(const struct db_row *row, int column);
int64_t db_int(const struct db_row *row, int column);
/* Points into the row; never NULL; *len gets the length. */
const void *db_bytes(const struct db_row *row, int column, size_t *len);
/* Copies a column of exactly `len` bytes; ERR_CORRUPT (logged) if it has another length. */
int db_fixed(const struct db_row *row, int column, void *to, size_t len);

/* Rows that the last db_exec() of this connection changed. */
int64_t db_changed(const struct db_conn *conn);

/* Rows that this connection has changed since it was opened: the same twice, and nothing was changed in between. */
int64_t db_changes(const struct db_conn *conn);

/* Runs DDL or several statements in one text: migrations only. */
int db_script(struct db_conn *conn, const char *sql);

/* ---- reading ---- */

/*
 * Borrows a reading connection with an open read transaction: everything read through it is one snapshot.
 * The snapshot is taken here, not at the first statement. Waits for a free one, so a thread holds one at a time.
 * Keep it only while looking things up, never over disk or network I/O. Writing through it fails.
 * db_read_end() ends the transaction and gives the connection back; NULL is fine; every row must be released.
 */
int db_read_begin(struct db *db, struct db_conn **conn);
void db_read_end(struct db_conn *conn);

/* ---- writing: for the committer ---- */

struct db_conn *db_writer(struct db *db);
int db_begin(struct db_conn *writer);		/* immediate */
/*
 * After 0 the transaction survives a power cut. After anything else no transaction is open and nothing of it is seen;
 * after ERR_IO of a failed flush a power cut may still bring it back. Every row must be released.
 */
int db_commit(struct db_conn *writer);
void db_rollback(struct db_conn *writer);	/* whole transaction; fine when none is open */
int db_savepoint(struct db_conn *writer);	/* one level deep */
int db_release(struct db_conn *writer);		/* keeps what was done since the savepoint */
int db_undo(struct db_conn *writer);		/* undoes it; the transaction stands */
bool db_in_txn(struct db_conn *writer);

/*
 * Moves the log into the database if it is over `target` bytes (0: always), as far as readers allow; over twice
 * `target` it waits up to about 0.1 s for them. Cheap to call after every commit. Between transactions only.
 */
int db_checkpoint(struct db_conn *writer, uint64_t target);

/*
 * Copies the last committed state to a new file in the data directory, flushed, whole or not there at all.
 * ERR_EXISTS. Uses a connection of its own; the log can't be emptied meanwhile. Any thread, one call a name.
 */
int db_backup(struct db *db, const char *name);

/* The engine's own integrity check, on a connection of its own. Any thread. Calls bad(arg, text) for each finding; ERR_CORRUPT if there was one. */
int db_verify(struct db *db, void (*bad)(void *arg, const char *text), void *arg);

/* The plan of a statement as text, one step a line, appended to `plan` (tests). */
struct buf;
int db_explain(struct db_conn *conn, const char *sql, struct buf *plan);

/*
 * Calls each(arg, sql) for every statement text that this connection has prepared (tests check the plan of every
 * one that ran).
 */
void db_statements(struct db_conn *conn, void (*each)(void *arg, const char *sql), void *arg);

#endif
