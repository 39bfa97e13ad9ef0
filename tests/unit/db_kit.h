#ifndef DB_KIT_H
#define DB_KIT_H

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "db.h"
#include "err.h"
#include "test.h"

/*
 * The flushes and writes of the whole program, the SQLite library's too, pass through here: they are counted, and
 * made to fail.
 */
static atomic_int flushes, writes;
static atomic_int flush_errno;
static atomic_int write_errno;

int fdatasync(int fd);
int fsync(int fd);
ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t offset);

static inline int
flush(long call, int fd)
{
	atomic_fetch_add(&flushes, 1);
	if (flush_errno) {
		errno = flush_errno;
		return -1;
	}
	return (int)syscall(call, fd);
}

int
fdatasync(int fd)
{
	return flush(SYS_fdatasync, fd);
}

int
fsync(int fd)
{
	return flush(SYS_fsync, fd);
}

ssize_t
pwrite64(int fd, const void *bytes, size_t len, off64_t offset)
{
	if (write_errno) {
		errno = write_errno;
		return -1;
	}
	atomic_fetch_add(&writes, 1);
	return syscall(SYS_pwrite64, fd, bytes, len, offset);
}

/* ---- a store to play in ---- */

static int dirfd_ = -1;

static const char insert_sql[] = "INSERT INTO t (id, name, body) VALUES ($1, $2, $3)";
static const char count_sql[] = "SELECT count(*) FROM t";

/* Dir and dirfd are the test's own. */
static inline int
open_as(struct db_options o, struct db **db)
{
	if (dirfd_ < 0)
		dirfd_ = open(test_tmpdir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	o.dir = test_tmpdir();
	o.dirfd = dirfd_;
	return db_open(&o, db);
}

static inline int
open_db(bool create, struct db **db)
{
	return open_as((struct db_options) { .name = "meta.db", .create = create }, db);
}

static inline struct db *
new_db(void)
{
	struct db *db = NULL;

	if (dirfd_ >= 0)
		close(dirfd_);
	dirfd_ = -1;
	flush_errno = write_errno = 0;
	if (open_db(true, &db) || db_script(db_writer(db),
	    "CREATE TABLE t (id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE, body BLOB);"
	    "CREATE TABLE p (a INTEGER, b INTEGER, c BLOB, d INTEGER, PRIMARY KEY (a, b, c)) WITHOUT ROWID"))
		abort();
	return db;
}

static inline int
insert(struct db_conn *c, int64_t id)
{
	char name[32];
	int len = snprintf(name, sizeof(name), "name%lld", (long long)id);

	return db_exec(c, insert_sql, DB_INT(id), DB_BYTES(name, (size_t)len), DB_NULL);
}

static inline int
insert_committed(struct db_conn *c, int64_t id)
{
	int rc;

	if ((rc = db_begin(c)) != 0 || (rc = insert(c, id)) != 0)
		return rc;
	return db_commit(c);
}

static inline int64_t
count(struct db_conn *c)
{
	struct db_row row = DB_ROW_INIT;
	int64_t n = -1;

	if (!db_one0(c, count_sql, &row))
		n = db_int(&row, 0);
	db_row_release(&row);
	return n;
}

static inline int64_t
count_read(struct db *db)
{
	struct db_conn *r = NULL;
	int64_t n;

	if (db_read_begin(db, &r))
		return -1;
	n = count(r);
	db_read_end(r);
	return n;
}

static inline int64_t
size_of(const char *name)
{
	struct stat st;

	return fstatat(dirfd_, name, &st, 0) ? -1 : (int64_t)st.st_size;
}

static inline int
copy_file(const char *from, const char *to)
{
	char cmd[256];

	snprintf(cmd, sizeof(cmd), "cp %s/%s %s/%s", test_tmpdir(), from, test_tmpdir(), to);
	return system(cmd);
}

/* The two files as a crash would leave them now. */
static inline int
copy_db(const char *name)
{
	char log[64];

	snprintf(log, sizeof(log), "%s-wal", name);
	return copy_file("meta.db", name) ? -1 : copy_file("meta.db-wal", log);
}

#endif
