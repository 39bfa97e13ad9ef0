#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "db_map.h"
#include "db_sqlite.h"
#include "err.h"
#include "fio.h"
#include "log.h"

#define OLDEST_SQLITE 3040000	/* the SQL of the table modules is tested from here on */
#define READERS 32		/* with few, threads queue behind one that was preempted in a look-up */
#define WRITER_CACHE (12u << 20)
#define READER_CACHE (512u << 10)	/* pages of the log; the file's own are mapped */

/* Makes the empty file that SQLite then fills, so that it is ours alone and 0600; or finds it there. */
static int
file_prepare(const struct db_options *o)
{
	struct stat st;
	int fd = -1, rc;

	if (o->create) {
		rc = fio_open(o->dirfd, o->name, O_RDWR | O_CREAT | O_EXCL, 0600, &fd);
		fio_close(&fd);
		return rc;
	}
	if (!fstatat(o->dirfd, o->name, &st, 0))
		return 0;
	return errno == ENOENT ? ERR_NOTFOUND : log_errno(ERR_IO, "%s/%s", o->dir, o->name);
}

/* What a crash left in the log goes into the database before anybody reads, so that its length is known. */
static int
log_settle(struct db_conn *writer)
{
	int pages = 0, rc;

	rc = sqlite3_wal_checkpoint_v2(writer->handle, "main", SQLITE_CHECKPOINT_PASSIVE, &pages, NULL);
	/* A full disk has no room for it, but must be served so that something can be deleted: the log stays in use. */
	if (rc == SQLITE_FULL)
		return 0;
	if (rc != SQLITE_OK)
		return db_conn_error(writer, rc, "checkpoint");
	writer->log_pages = pages > 0 ? (uint64_t)pages : 0;
	return 0;
}

static int
writer_open(struct db *db, const struct db_options *o)
{
	size_t cache = o->writer_cache ? o->writer_cache : WRITER_CACHE;
	const char *path;
	int rc;

	if ((rc = db_conn_open(db, true, o->relaxed, cache, &db->writer)) != 0)
		return rc;
	/* Absolute from here on: connections opened later don't depend on the working directory. */
	path = sqlite3_db_filename(db->writer->handle, "main");
	if (path && strlen(path) < sizeof(db->path))
		memcpy(db->path, path, strlen(path) + 1);
	return log_settle(db->writer);
}

static int
readers_open(struct db *db, const struct db_options *o)
{
	unsigned n = o->readers ? o->readers : READERS;
	int rc;

	db->readers = calloc(n, sizeof(*db->readers));
	db->free = calloc(n, sizeof(*db->free));
	if (!db->readers || !db->free)
		return ERR_NOMEM;
	for (; db->reader_count < n; db->reader_count++) {
		rc = db_conn_open(db, false, false, db->reader_cache, &db->readers[db->reader_count]);
		if (rc)
			return rc;
		db->free[db->free_count++] = db->readers[db->reader_count];
	}
	return 0;
}

static int
open_all(struct db *db, const struct db_options *o)
{
	int rc;

	/* Where the system allows no such mapping it is slower, and works. */
	(void)db_map_open(o->dirfd, o->name, &db->map);
	if ((rc = writer_open(db, o)) != 0 || (rc = readers_open(db, o)) != 0)
		return rc;
	return o->create ? fio_sync_dir(o->dirfd, o->dir) : 0;
}

int
db_open(const struct db_options *o, struct db **result)
{
	struct db *db;
	int rc, len;

	if (sqlite3_libversion_number() < OLDEST_SQLITE || !sqlite3_threadsafe()) {
		log_error("database: SQLite %s is too old or built without threads", sqlite3_libversion());
		return ERR_UNSUPPORTED;
	}
	if (!(db = calloc(1, sizeof(*db))))
		return ERR_NOMEM;
	pthread_mutex_init(&db->lock, NULL);
	pthread_cond_init(&db->given, NULL);
	db->dirfd = o->dirfd;
	db->reader_cache = o->reader_cache ? o->reader_cache : READER_CACHE;
	snprintf(db->engine, sizeof(db->engine), "sqlite %s", sqlite3_libversion());
	len = snprintf(db->path, sizeof(db->path), "%s/%s", o->dir, o->name);
	if (len < 0 || (size_t)len >= sizeof(db->path)) {
		rc = ERR_TOOBIG;
		goto out;
	}
	if ((rc = file_prepare(o)) != 0)
		goto out;
	rc = open_all(db, o);
out:
	if (rc) {
		db_close(db);
		if (o->create && rc != ERR_EXISTS && rc != ERR_TOOBIG)
			fio_unlink(o->dirfd, o->name);
		return rc;
	}
	*result = db;
	return 0;
}

void
db_close(struct db *db)
{
	if (!db)
		return;
	assert(db->free_count == db->reader_count);
	for (unsigned i = 0; i < db->reader_count; i++)
		db_conn_close(db->readers[i]);
	db_conn_close(db->writer);	/* the last to close: SQLite then empties the log and removes it */
	db_map_close(db->map);
	free(db->readers);
	free(db->free);
	pthread_cond_destroy(&db->given);
	pthread_mutex_destroy(&db->lock);
	free(db);
}

const char *
db_engine(const struct db *db)
{
	return db->engine;
}

struct db_conn *
db_writer(struct db *db)
{
	return db->writer;
}

static void
give_back(struct db_conn *conn)
{
	struct db *db = conn->db;

	pthread_mutex_lock(&db->lock);
	db->free[db->free_count++] = conn;
	pthread_cond_signal(&db->given);
	pthread_mutex_unlock(&db->lock);
}

int
db_read_begin(struct db *db, struct db_conn **result)
{
	struct db_conn *conn;
	int rc;

	pthread_mutex_lock(&db->lock);
	while (!db->free_count)
		pthread_cond_wait(&db->given, &db->lock);
	conn = db->free[--db->free_count];
	pthread_mutex_unlock(&db->lock);
	if ((rc = db_conn_own(conn, DB_OWN_BEGIN)) != 0)
		goto out;
	if ((rc = db_conn_own(conn, DB_OWN_TOUCH)) != 0) {
		db_conn_own(conn, DB_OWN_ROLLBACK);
		goto out;
	}
	*result = conn;
out:
	if (rc)
		give_back(conn);
	return rc;
}

void
db_read_end(struct db_conn *conn)
{
	if (!conn)
		return;
	assert(!conn->rows);	/* a row that outlives its transaction would stand on the next one's statement */
	if (!sqlite3_get_autocommit(conn->handle))
		db_conn_own(conn, DB_OWN_COMMIT);
	give_back(conn);
}
