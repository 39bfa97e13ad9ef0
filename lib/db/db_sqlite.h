#ifndef DB_SQLITE_H
#define DB_SQLITE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

#include "db.h"

/*
 * What the files of the SQLite driver share; nobody else includes it, and this is the one place that includes
 * sqlite3.h.
 *
 * Who uses a connection: the writer one thread at a time, a reader the thread that borrowed it, a connection of
 * its own (backup, verify) the thread that opened it. So SQLite runs without mutexes (SQLITE_OPEN_NOMUTEX), and
 * the only lock here guards the stack of free readers.
 *
 * A transaction of the writer:
 *
 *	idle --begin--> open --commit, rollback--> idle
 *	open --the engine rolls everything back (disk full, I/O error)--> lost --commit, rollback--> idle
 *	any --a flush fails--> failed, for good
 *
 * While lost, every statement answers the code that lost it and runs nothing: SQLite would run each as a
 * transaction of its own. Once failed, nothing is begun, committed or checkpointed: a second flush of the same
 * file can succeed without the bytes being there.
 */

/* Statements of the driver itself, prepared when a connection opens, so that ending a transaction needs no memory. */
enum db_own {
	DB_OWN_BEGIN, DB_OWN_BEGIN_WRITE, DB_OWN_TOUCH, DB_OWN_COMMIT, DB_OWN_ROLLBACK,
	DB_OWN_SAVEPOINT, DB_OWN_RELEASE, DB_OWN_UNDO, DB_OWN_COUNT
};

struct db_stmt {
	sqlite3_stmt *handle;
	struct db_stmt *copy;	/* the same text again, for when this one is under somebody's row */
	bool busy;
};

/* The statements of a connection: open addressing by the address of the text; a power of two of slots. */
struct db_slot {
	const char *sql;	/* NULL: free */
	struct db_stmt *stmt;
};

#define DB_PATIENCE_MS 5000	/* then somebody else holds it */

struct db_conn {
	struct db *db;
	sqlite3 *handle;
	sqlite3_stmt *own[DB_OWN_COUNT];
	struct db_slot *slots;
	size_t size, used;
	int patience_ms;	/* how long it waits for a lock */
	unsigned rows;		/* db_rows that hold a statement */
	int64_t changed;
	bool writer;
	/* Of the writer: */
	bool open;		/* between begin and commit or rollback */
	int lost;		/* the code that lost the open transaction, or 0 */
	bool failed;
	uint64_t log_pages;	/* length of the write-ahead log */
	uint64_t tried_pages;	/* its length at the last checkpoint since it began anew; 0: there was none */
};

struct db_map;

struct db {
	struct db_map *map;	/* of the file, for readers; NULL: each has its own */
	struct db_conn *writer;
	struct db_conn **readers;
	unsigned reader_count;
	int dirfd;
	char path[512];		/* of the database file; SQLite itself takes no longer ones */
	size_t reader_cache;
	char engine[32];
	pthread_mutex_t lock;	/* leaf lock: free, free_count */
	pthread_cond_t given;
	struct db_conn **free;	/* the last one given back is taken first: its cache is warm */
	unsigned free_count;
};

/* ---- db_conn.c ---- */

/* Opens db->path: with `relaxed` ignored for readers. Everything that must hold of a connection is set and read back. */
int db_conn_open(struct db *db, bool writer, bool relaxed, size_t cache, struct db_conn **conn);
void db_conn_close(struct db_conn *conn);	/* NULL and half opened are fine */

/* Runs one of the driver's own statements to its end. */
int db_conn_own(struct db_conn *conn, enum db_own which);

/*
 * Turns SQLite's `rc` into a code, logs it with `what` (the SQL) unless it is expected, and notes on the writer
 * what it means for the transaction. Call it before anything else touches the connection.
 */
int db_conn_error(struct db_conn *conn, int rc, const char *what);

#endif
