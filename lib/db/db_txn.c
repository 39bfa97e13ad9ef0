#include <assert.h>

#include "db_sqlite.h"
#include "err.h"
#include "log.h"

/* How the log is laid out: https://www.sqlite.org/fileformat2.html#walformat */
#define LOG_HEADER 32
#define LOG_PAGE (24 + 4096)

#define TRUNCATE_WAIT_MS 100	/* the committer stands still meanwhile; readers are short */

bool
db_in_txn(struct db_conn *writer)
{
	return !sqlite3_get_autocommit(writer->handle);
}

int
db_begin(struct db_conn *writer)
{
	int rc;

	if (writer->failed)
		return ERR_IO;
	if ((rc = db_conn_own(writer, DB_OWN_BEGIN_WRITE)) == 0)
		writer->open = true;
	return rc;
}

int
db_commit(struct db_conn *writer)
{
	int rc = writer->lost;

	assert(!writer->rows);
	if (!rc)
		rc = writer->failed ? ERR_IO : db_conn_own(writer, DB_OWN_COMMIT);
	if (rc)
		db_rollback(writer);
	else
		writer->open = false;
	return rc;
}

void
db_rollback(struct db_conn *writer)
{
	assert(!writer->rows);
	writer->open = false;
	writer->lost = 0;
	if (db_in_txn(writer) && db_conn_own(writer, DB_OWN_ROLLBACK))
		writer->failed = true;	/* a transaction that can't be ended: nothing may be added to it */
}

/* Savepoints stand in a transaction; SQLite would begin one for them. */
static int
check_open(struct db_conn *writer)
{
	if (writer->lost)
		return writer->lost;
	if (writer->open)
		return 0;
	log_error("database: savepoint without a transaction");
	return ERR_INTERNAL;
}

int
db_savepoint(struct db_conn *writer)
{
	int rc = check_open(writer);

	return rc ? rc : db_conn_own(writer, DB_OWN_SAVEPOINT);
}

int
db_release(struct db_conn *writer)
{
	int rc = check_open(writer);

	return rc ? rc : db_conn_own(writer, DB_OWN_RELEASE);
}

int
db_undo(struct db_conn *writer)
{
	int rc = check_open(writer);

	if (!rc)
		rc = db_conn_own(writer, DB_OWN_UNDO);
	if (!rc)	/* going back leaves the savepoint standing */
		rc = db_conn_own(writer, DB_OWN_RELEASE);
	return rc;
}

/*
 * PASSIVE copies what no reader holds back, and once everything is copied the next commit begins the log anew if
 * no reader is in it just then. When that chance was missed so often that the log is twice as long as it should be,
 * TRUNCATE waits for the readers; new ones don't need the log any more and so can't prolong the wait.
 */
int
db_checkpoint(struct db_conn *writer, uint64_t target)
{
	uint64_t pages = writer->log_pages, bytes = pages ? LOG_HEADER + pages * LOG_PAGE : 0;
	bool truncate = !target || bytes > 2 * target;
	int rc;

	assert(!db_in_txn(writer) && !writer->rows);
	if (writer->failed)
		return ERR_IO;
	if (target && bytes <= target)
		return 0;
	/* Each attempt flushes twice: not after every commit while a reader holds the log. */
	if (target && writer->tried_pages && (pages - writer->tried_pages) * LOG_PAGE < target / 8)
		return 0;
	if (truncate)
		writer->patience_ms = TRUNCATE_WAIT_MS;
	rc = sqlite3_wal_checkpoint_v2(writer->handle, "main",
	    truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	writer->patience_ms = DB_PATIENCE_MS;
	if (rc != SQLITE_OK && rc != SQLITE_BUSY)
		return db_conn_error(writer, rc, "checkpoint");
	if (rc == SQLITE_OK && truncate)
		writer->log_pages = 0;
	writer->tried_pages = writer->log_pages;
	return 0;
}
