#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db_log.h"
#include "db_map.h"
#include "db_sqlite.h"
#include "err.h"
#include "log.h"

/*
 * One process owns the file: it locks it once, for all its connections, and keeps the WAL's index in its own memory. A read
 * transaction takes 0.8 us so, against 1.6 with a lock of the system each time.
 */
#define VFS "unix-excl"

/* The first looks at a lock come soon after each other, the others a millisecond apart. */
#define QUICK_LOOKS 20
#define QUICK_US 50
#define SLOW_US 1000
#define LOOKASIDE_SLOT 512
#define LOOKASIDE_SLOTS 64

static const char *const own_sql[DB_OWN_COUNT] = {
	[DB_OWN_BEGIN] = "BEGIN",
	[DB_OWN_BEGIN_WRITE] = "BEGIN IMMEDIATE",
	/* Reads a field of the first page and so takes the snapshot that BEGIN only promises. */
	[DB_OWN_TOUCH] = "PRAGMA schema_version",
	[DB_OWN_COMMIT] = "COMMIT",
	[DB_OWN_ROLLBACK] = "ROLLBACK",
	[DB_OWN_SAVEPOINT] = "SAVEPOINT s",
	[DB_OWN_RELEASE] = "RELEASE s",
	[DB_OWN_UNDO] = "ROLLBACK TO s",
};

/* What must hold of a connection: how it is set, how it is read back, and what that must say. */
struct setting {
	enum { FOR_WRITER = 1, FOR_READER = 2, FOR_BOTH = 3, FOR_FULL = 4, FOR_RELAXED = 8 } who;
	const char *set, *ask, *want;
};

static const struct setting settings[] = {
	{ FOR_WRITER, "PRAGMA page_size=4096", "PRAGMA page_size", "4096" },
	{ FOR_BOTH, "PRAGMA locking_mode=NORMAL", "PRAGMA locking_mode", "normal" },
	{ FOR_WRITER, "PRAGMA journal_mode=WAL", "PRAGMA journal_mode", "wal" },
	{ FOR_READER, "PRAGMA query_only=1", "PRAGMA query_only", "1" },
	{ FOR_READER, NULL, "PRAGMA journal_mode", "wal" },
#ifdef BUG_SYNC_NORMAL
	{ FOR_FULL, "PRAGMA synchronous=NORMAL", "PRAGMA synchronous", "1" },
#else
	{ FOR_FULL, "PRAGMA synchronous=FULL", "PRAGMA synchronous", "2" },
#endif
	{ FOR_RELAXED, "PRAGMA synchronous=NORMAL", "PRAGMA synchronous", "1" },
	{ FOR_BOTH, "PRAGMA foreign_keys=0", "PRAGMA foreign_keys", "0" },
	{ FOR_BOTH, "PRAGMA wal_autocheckpoint=0", "PRAGMA wal_autocheckpoint", "0" },
	{ FOR_BOTH, "PRAGMA temp_store=MEMORY", "PRAGMA temp_store", "2" },
	{ FOR_WRITER, "PRAGMA mmap_size=0", "PRAGMA mmap_size", "0" },
	/*
	 * Readers map the file (db_map.h; by this number SQLite knows that it may ask): a look-up takes five pages, and five
	 * system calls otherwise. What the disk can't read then ends the process (SIGBUS) instead of one request; the writer,
	 * check and backup read without.
	 */
	{ FOR_READER, "PRAGMA mmap_size=1073741824", "PRAGMA mmap_size", "1073741824" },
	{ FOR_BOTH, "PRAGMA trusted_schema=0", "PRAGMA trusted_schema", "0" },
};

/* A flush that failed can't be told from one that succeeds by trying again. */
static bool
is_flush(int rc)
{
	return rc == SQLITE_IOERR_FSYNC || rc == SQLITE_IOERR_DIR_FSYNC;
}

static int
io_code(sqlite3 *handle, int rc)
{
	int number = sqlite3_system_errno(handle);

	if (rc == SQLITE_IOERR_NOMEM)
		return ERR_NOMEM;
	if (rc == SQLITE_IOERR_CORRUPTFS)
		return ERR_CORRUPT;
	if ((rc == SQLITE_IOERR_WRITE || rc == SQLITE_IOERR_SHMSIZE) && (number == ENOSPC || number == EDQUOT))
		return ERR_SPACE;
	return ERR_IO;
}

static int
code_of(sqlite3 *handle, int rc)
{
	switch (rc & 0xff) {
	case SQLITE_NOMEM:
		return ERR_NOMEM;
	case SQLITE_FULL:
		return ERR_SPACE;
	case SQLITE_IOERR:
		return io_code(handle, rc);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return ERR_CORRUPT;
	case SQLITE_CONSTRAINT:
		if (rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY ||
		    rc == SQLITE_CONSTRAINT_ROWID)
			return ERR_EXISTS;
		return ERR_INTERNAL;
	case SQLITE_ERROR:
	case SQLITE_MISUSE:
	case SQLITE_RANGE:
	case SQLITE_MISMATCH:
	case SQLITE_TOOBIG:
		return ERR_INTERNAL;
	case SQLITE_BUSY:	/* our own connections keep each other waiting for moments only */
		return ERR_LOCKED;
	default:
		return ERR_IO;
	}
}

int
db_conn_error(struct db_conn *conn, int rc, const char *what)
{
	int code = code_of(conn->handle, rc);

	if (conn->lost)
		return conn->lost;
	if (code != ERR_EXISTS)
		log_error("database: %s (%d) in: %s", sqlite3_errmsg(conn->handle), rc, what);
	if (!conn->writer)
		return code;
	if (is_flush(rc) && !conn->failed) {
		conn->failed = true;
		log_error("database: a flush failed; nothing more is written");
		sqlite3_db_config(conn->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	}
	if (conn->open && sqlite3_get_autocommit(conn->handle))
		conn->lost = code;
	return code;
}

int
db_conn_own(struct db_conn *conn, enum db_own which)
{
	sqlite3_stmt *stmt = conn->own[which];
	int rc;

	sqlite3_step(stmt);
	if ((rc = sqlite3_reset(stmt)) != SQLITE_OK)
		return db_conn_error(conn, rc, own_sql[which]);
	return 0;
}

/* Runs `set` (may be NULL) and checks that `ask` answers `want`. */
static int
setting_apply(struct db_conn *conn, const char *set, const char *ask, const char *want)
{
	sqlite3_stmt *stmt = NULL;
	const char *got = NULL;
	int rc, code = 0;

	if (set && (rc = sqlite3_exec(conn->handle, set, NULL, NULL, NULL)) != SQLITE_OK) {
		code = db_conn_error(conn, rc, set);
		goto out;
	}
	if ((rc = sqlite3_prepare_v2(conn->handle, ask, -1, &stmt, NULL)) != SQLITE_OK) {
		code = db_conn_error(conn, rc, ask);
		goto out;
	}
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		got = (const char *)sqlite3_column_text(stmt, 0);
	else if (rc != SQLITE_DONE) {
		code = db_conn_error(conn, rc, ask);
		goto out;
	}
	if (!got || strcmp(got, want)) {
		log_error("database: %s is \"%s\" and must be \"%s\"", ask, got ? got : "", want);
		code = ERR_UNSUPPORTED;
	}
out:
	sqlite3_finalize(stmt);
	return code;
}

static int
settings_apply(struct db_conn *conn, bool relaxed, size_t cache)
{
	int who = !conn->writer ? FOR_READER : FOR_WRITER | (relaxed ? FOR_RELAXED : FOR_FULL);
	char set[64], want[32];
	int rc;

	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++) {
		const struct setting *s = &settings[i];

		if (s->who & who && (rc = setting_apply(conn, s->set, s->ask, s->want)) != 0)
			return rc;
	}
	snprintf(want, sizeof(want), "-%zu", cache / 1024);	/* negative: in KiB */
	snprintf(set, sizeof(set), "PRAGMA cache_size=%s", want);
	return setting_apply(conn, set, "PRAGMA cache_size", want);
}

static void
sqlite_setup(void)
{
	/* Each is refused, without harm, if somebody in the process has started SQLite already. */
	sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	sqlite3_config(SQLITE_CONFIG_LOOKASIDE, LOOKASIDE_SLOT, LOOKASIDE_SLOTS);
	sqlite3_initialize();
	db_log_setup(VFS);
}

/*
 * Connections of one process get in each other's way now and then, for microseconds: a reader that meets the log's
 * index half written takes the write lock to read it again. SQLite's own waiting begins with a millisecond.
 */
static int
wait_for_lock(void *arg, int looks)
{
	struct db_conn *conn = arg;

	if (looks >= QUICK_LOOKS + conn->patience_ms)
		return 0;
	usleep(looks < QUICK_LOOKS ? QUICK_US : SLOW_US);
	return 1;
}

static int
log_grew(void *arg, sqlite3 *handle, const char *schema, int pages)
{
	struct db_conn *conn = arg;

	(void)handle;
	(void)schema;
	if ((uint64_t)pages < conn->log_pages)	/* begun anew */
		conn->tried_pages = 0;
	conn->log_pages = (uint64_t)pages;
	return SQLITE_OK;
}

static int
conn_prepare_own(struct db_conn *conn)
{
	int rc;

	for (int i = 0; i < DB_OWN_COUNT; i++) {
		rc = sqlite3_prepare_v3(conn->handle, own_sql[i], -1, SQLITE_PREPARE_PERSISTENT,
		    &conn->own[i], NULL);
		if (rc != SQLITE_OK)
			return db_conn_error(conn, rc, own_sql[i]);
	}
	return 0;
}

/* A log that is not flushed with each commit can't be kept back either. */
static const char *
vfs_of(const struct db_conn *conn, bool relaxed)
{
#ifdef BUG_SYNC_NORMAL
	relaxed = true;
#endif
	return conn->writer && !relaxed ? DB_LOG_VFS : VFS;
}

static int
conn_connect(struct db_conn *conn, const char *path, bool relaxed)
{
	int flags = conn->writer ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
	int rc;

	rc = sqlite3_open_v2(path, &conn->handle, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
	    vfs_of(conn, relaxed));
	if (!conn->handle)
		return ERR_NOMEM;
	if (rc != SQLITE_OK)
		return db_conn_error(conn, rc, path);
	if (!conn->writer && conn->db->map)
		db_map_use(conn->db->map, conn->handle);
	sqlite3_db_config(conn->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	conn->patience_ms = DB_PATIENCE_MS;
	sqlite3_busy_handler(conn->handle, wait_for_lock, conn);
	return 0;
}

int
db_conn_open(struct db *db, bool writer, bool relaxed, size_t cache, struct db_conn **conn)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct db_conn *c;
	int rc;

	pthread_once(&once, sqlite_setup);
	if (!(c = calloc(1, sizeof(*c))))
		return ERR_NOMEM;
	c->db = db;
	c->writer = writer;
	if ((rc = conn_connect(c, db->path, relaxed)) != 0 ||
	    (rc = settings_apply(c, relaxed, cache)) != 0 || (rc = conn_prepare_own(c)) != 0) {
		db_conn_close(c);
		return rc;
	}
	if (writer)
		sqlite3_wal_hook(c->handle, log_grew, c);
	*conn = c;
	return 0;
}

void
db_conn_close(struct db_conn *conn)
{
	struct db_stmt *next;

	if (!conn)
		return;
	for (int i = 0; i < DB_OWN_COUNT; i++)
		sqlite3_finalize(conn->own[i]);
	for (size_t i = 0; i < conn->size; i++)
		for (struct db_stmt *s = conn->slots[i].stmt; s; s = next) {
			next = s->copy;
			sqlite3_finalize(s->handle);
			free(s);
		}
	if (sqlite3_close(conn->handle) != SQLITE_OK)
		log_error("database: close: %s", sqlite3_errmsg(conn->handle));
	free(conn->slots);
	free(conn);
}
