#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
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

static int
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
static const char by_id_sql[] = "SELECT name, body FROM t WHERE id = $1";
static const char count_sql[] = "SELECT count(*) FROM t";

static int
open_db(bool create, struct db **db)
{
	struct db_options o = { .dir = test_tmpdir(), .name = "meta.db", .create = create };

	if (dirfd_ < 0)
		dirfd_ = open(test_tmpdir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	o.dirfd = dirfd_;
	return db_open(&o, db);
}

static struct db *
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

static int
insert(struct db_conn *c, int64_t id)
{
	char name[32];
	int len = snprintf(name, sizeof(name), "name%lld", (long long)id);

	return db_exec(c, insert_sql, DB_INT(id), DB_BYTES(name, (size_t)len), DB_NULL);
}

static int64_t
count(struct db_conn *c)
{
	struct db_row row = DB_ROW_INIT;
	int64_t n = -1;

	if (!db_one0(c, count_sql, &row))
		n = db_int(&row, 0);
	db_row_release(&row);
	return n;
}

static int64_t
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

static int64_t
pragma(struct db_conn *c, const char *sql)
{
	struct db_row row = DB_ROW_INIT;
	int64_t n = db_one0(c, sql, &row) ? -1 : db_int(&row, 0);

	db_row_release(&row);
	return n;
}

static int64_t
size_of(const char *name)
{
	struct stat st;

	return fstatat(dirfd_, name, &st, 0) ? -1 : (int64_t)st.st_size;
}

/* ---- opening ---- */

static void
test_open(void)
{
	struct db *db = new_db(), *other = NULL;
	struct stat st;
	struct db_conn *r = NULL;

	CHECK(!strncmp(db_engine(db), "sqlite 3.", 9));
	CHECK_INT(ERR_EXISTS, open_db(true, &other));
	CHECK_INT(0, fstatat(dirfd_, "meta.db", &st, 0));
	CHECK_INT(0600, st.st_mode & 0777);
	CHECK_INT(2, pragma(db_writer(db), "PRAGMA synchronous"));
	CHECK_INT(0, pragma(db_writer(db), "PRAGMA wal_autocheckpoint"));
	CHECK_INT(-12288, pragma(db_writer(db), "PRAGMA cache_size"));
	CHECK_INT(0, db_read_begin(db, &r));
	CHECK_INT(1, pragma(r, "PRAGMA query_only"));
	CHECK_INT(-512, pragma(r, "PRAGMA cache_size"));
	db_read_end(r);
	db_read_end(NULL);
	db_close(db);
	db_close(NULL);
}

static void
test_open_absent(void)
{
	struct db *db = new_db();

	db_close(db);
	CHECK_INT(0, unlinkat(dirfd_, "meta.db", 0));
	CHECK_INT(ERR_NOTFOUND, open_db(false, &db));
	CHECK_INT(-1, size_of("meta.db"));
}

static void
test_open_garbage(void)
{
	struct db *db = new_db();
	char junk[8192];
	int fd;

	db_close(db);
	memset(junk, 'x', sizeof(junk));
	fd = openat(dirfd_, "meta.db", O_WRONLY | O_TRUNC);
	CHECK_INT(sizeof(junk), write(fd, junk, sizeof(junk)));
	close(fd);
	CHECK_INT(ERR_CORRUPT, open_db(false, &db));
}

/* What create leaves when the disk refuses is nothing, so that it can be tried again. */
static void
test_open_fails_clean(void)
{
	struct db *db = new_db();

	db_close(db);
	CHECK_INT(0, unlinkat(dirfd_, "meta.db", 0));
	write_errno = ENOSPC;
	CHECK_INT(ERR_SPACE, open_db(true, &db));
	write_errno = 0;
	CHECK_INT(-1, size_of("meta.db"));
	CHECK_INT(0, open_db(true, &db));
	db_close(db);
}

static void
test_reopen(void)
{
	struct db *db = new_db();
	struct db_conn *w = db_writer(db);

	CHECK_INT(0, db_begin(w));
	CHECK_INT(0, insert(w, 1));
	CHECK_INT(0, db_commit(w));
	CHECK(size_of("meta.db-wal") > 0);
	db_close(db);
	CHECK_INT(-1, size_of("meta.db-wal"));
	CHECK_INT(0, open_db(false, &db));
	CHECK_INT(1, count_read(db));
	db_close(db);
}

static int
copy_file(const char *from, const char *to)
{
	char cmd[256];

	snprintf(cmd, sizeof(cmd), "cp %s/%s %s/%s", test_tmpdir(), from, test_tmpdir(), to);
	return system(cmd);
}

/* The two files as a crash leaves them: what was committed is there, and the log is settled at once. */
static void
test_reopen_after_crash(void)
{
	struct db_options o = { .dir = test_tmpdir(), .name = "crash.db" };
	struct db *db = new_db(), *again = NULL;
	struct db_conn *w = db_writer(db);

	CHECK_INT(0, db_begin(w));
	CHECK_INT(0, insert(w, 1));
	CHECK_INT(0, db_commit(w));
	CHECK_INT(0, db_begin(w));
	CHECK_INT(0, insert(w, 2));
	CHECK_INT(0, copy_file("meta.db", "crash.db"));
	CHECK_INT(0, copy_file("meta.db-wal", "crash.db-wal"));
	db_rollback(w);
	db_close(db);
	o.dirfd = dirfd_;
	CHECK_INT(0, db_open(&o, &again));
	CHECK_INT(1, count_read(again));
	CHECK(size_of("crash.db") >= 4 * 4096);	/* moved out of the log already */
	db_close(again);
}

/* ---- statements ---- */

static void
test_values(void)
{
	static const char sql[] = "SELECT $1, $2, $3, $4, $5";
	struct db *db = new_db();
	struct db_row row = DB_ROW_INIT;
	struct db_conn *w = db_writer(db);
	char fixed[3];
	size_t len;

	CHECK_INT(0, db_one(w, sql, &row, DB_INT(INT64_MIN), DB_BYTES("a\0b", 3), DB_NULL, DB_BYTES(NULL, 0),
	    DB_INT_IF(false, 7)));
	CHECK(db_int(&row, 0) == INT64_MIN);
	CHECK_MEM("a\0b", db_bytes(&row, 1, &len), 3);
	CHECK_INT(3, len);
	CHECK_INT(0, db_fixed(&row, 1, fixed, 3));
	CHECK_MEM("a\0b", fixed, 3);
	CHECK_INT(ERR_CORRUPT, db_fixed(&row, 1, fixed, 2));
	CHECK(!db_is_null(&row, 0) && !db_is_null(&row, 1));
	CHECK(db_is_null(&row, 2) && !db_is_null(&row, 3) && db_is_null(&row, 4));
	CHECK(db_bytes(&row, 2, &len) != NULL);
	CHECK_INT(0, len);
	CHECK(db_bytes(&row, 3, &len) != NULL);
	CHECK_INT(0, len);
	db_row_release(&row);
	db_row_release(&row);
	db_close(db);
}

static void
test_rows(void)
{
	static const char list_sql[] = "SELECT id FROM t WHERE id >= $1 ORDER BY id";
	static const char returning_sql[] = "UPDATE t SET body = $1 WHERE id = $2 RETURNING id, body";
	struct db *db = new_db();
	struct db_conn *w = db_writer(db);
	struct db_row row = DB_ROW_INIT;
	size_t len;

	CHECK_INT(0, db_begin(w));
	for (int i = 1; i <= 5; i++)
		CHECK_INT(0, insert(w, i));
	CHECK_INT(1, db_changed(w));
	CHECK_INT(0, db_query(w, list_sql, &row, DB_INT(3)));
	for (int i = 3; i <= 5; i++) {
		CHECK_INT(0, db_next(&row));
		CHECK_INT(i, db_int(&row, 0));
	}
	CHECK_INT(ERR_END, db_next(&row));
	CHECK_INT(ERR_END, db_next(&row));
	CHECK_INT(ERR_NOTFOUND, db_one(w, by_id_sql, &row, DB_INT(77)));
	CHECK(!row.stmt);
	CHECK_INT(0, db_exec(w, "UPDATE t SET body = $1 WHERE id > $2", DB_STR("x"), DB_INT(1)));
	CHECK_INT(4, db_changed(w));
	CHECK_INT(0, db_exec0(w, "DELETE FROM t WHERE id = 99"));
	CHECK_INT(0, db_changed(w));
	CHECK_INT(0, db_one(w, returning_sql, &row, DB_STR("new"), DB_INT(2)));
	CHECK_MEM("new", db_bytes(&row, 1, &len), 3);
	db_row_release(&row);
	CHECK_INT(0, db_commit(w));
	CHECK_INT(0, db_one(w, by_id_sql, &row, DB_INT(2)));
	CHECK_MEM("new", db_bytes(&row, 1, &len), 3);
	db_row_release(&row);
	db_close(db);
}

/* The same text inside itself: every combination of two ids is met once. */
static void
test_nested(void)
{
	static const char sql[] = "SELECT id FROM t ORDER BY id";
	struct db *db = new_db();
	struct db_conn *w = db_writer(db);
	int pairs = 0;

	for (int i = 1; i <= 4; i++)
		CHECK_INT(0, insert(w, i));
	for (int round = 0; round < 2; round++) {
		struct db_row outer = DB_ROW_INIT, inner = DB_ROW_INIT;

		CHECK_INT(0, db_query0(w, sql, &outer));
		for (int a = 1; db_next(&outer) == 0; a++) {
			CHECK_INT(0, db_query0(w, sql, &inner));
			for (int b = 1; db_next(&inner) == 0; b++, pairs++)
				CHECK(db_int(&outer, 0) == a && db_int(&inner, 0) == b);
		}
	}
	CHECK_INT(32, pairs);
	db_close(db);
}

static void
test_wrong_sql(void)
{
	struct db *db = new_db();
	struct db_conn *w = db_writer(db);
	struct db_row row = DB_ROW_INIT;

	CHECK_INT(ERR_INTERNAL, db_exec0(w, "SELEC 1"));
	CHECK_INT(ERR_INTERNAL, db_exec0(w, "DELETE FROM t; DELETE FROM p"));
	CHECK_INT(ERR_INTERNAL, db_exec0(w, ""));
	CHECK_INT(ERR_INTERNAL, db_exec0(w, "SELECT 1"));
	CHECK_INT(ERR_INTERNAL, db_exec(w, "DELETE FROM p WHERE a = $2 AND b = $1", DB_INT(1), DB_INT(2)));
	CHECK_INT(ERR_INTERNAL, db_exec(w, "DELETE FROM p WHERE a = ?", DB_INT(1)));
	CHECK_INT(ERR_INTERNAL, db_one0(w, by_id_sql, &row));
	CHECK_INT(ERR_INTERNAL, db_exec(w, insert_sql, DB_INT(1), DB_NULL, DB_NULL));
	CHECK(!row.stmt);
	CHECK_INT(0, db_exec(w, "DELETE FROM p WHERE a = $1 AND b > $1 AND d < $2", DB_INT(1), DB_INT(2)));
	db_close(db);
}

static void
test_exists(void)
{
	struct db *db = new_db();
	struct db_conn *w = db_writer(db);

	CHECK_INT(0, db_begin(w));
	CHECK_INT(0, insert(w, 1));
	CHECK_INT(ERR_EXISTS, insert(w, 1));
	CHECK_INT(ERR_EXISTS, db_exec(w, insert_sql, DB_INT(2), DB_STR("name1"), DB_NULL));
	CHECK_INT(0, db_exec0(w, "INSERT INTO p VALUES (1, 2, x'00', 4)"));
	CHECK_INT(ERR_EXISTS, db_exec0(w, "INSERT INTO p VALUES (1, 2, x'00', 5)"));
	CHECK(db_in_txn(w));
	CHECK_INT(0, insert(w, 3));
	CHECK_INT(0, db_commit(w));
	CHECK_INT(2, count(w));
	db_close(db);
}

static void
count_statement(void *arg, const char *sql)
{
	int *n = arg;

	(void)sql;
	++*n;
}

/* Many texts, so that the table of statements grows under way; each is prepared once. */
static void
test_cache_grows(void)
{
	static char sql[300][48];
	struct db *db = new_db();
	struct db_conn *w = db_writer(db);
	struct db_row row = DB_ROW_INIT;
	int n = 0;

	for (int i = 0; i < 300; i++)
		snprintf(sql[i], sizeof(sql[i]), "SELECT %d + $1", i);
	for (int round = 0; round < 3; round++)
		for (int i = 0; i < 300; i++) {
			CHECK_INT(0, db_one(w, sql[i], &row, DB_INT(1000)));
			CHECK_INT(1000 + i, db_int(&row, 0));
			db_row_release(&row);
		}
	db_statements(w, count_statement, &n);
	CHECK_INT(300, n);
	db_close(db);
}

static void
test_explain(void)
{
	struct db *db = new_db();
	struct buf plan = BUF_INIT(4096);

	CHECK_INT(0, db_explain(db_writer(db), by_id_sql, &plan));
	CHECK_STR("SEARCH t USING INTEGER PRIMARY KEY (rowid=?)\n", plan.data);
	buf_clear(&plan);
	CHECK_INT(0, db_explain(db_writer(db), "SELECT id FROM t ORDER BY body", &plan));
	CHECK_STR("SCAN t\nUSE TEMP B-TREE FOR ORDER BY\n", plan.data);
	buf_release(&plan);
	CHECK_INT(ERR_INTERNAL, db_explain(db_writer(db), "SELECT nothing FROM t", &plan));
	buf_release(&plan);
	db_close(db);
}

/* A statement prepared before the schema changed goes on working. */
static void
test_schema_change(void)
{
	static const char sql[] = "SELECT * FROM p WHERE a = $1 AND b = $2 AND c = $3";
	struct db *db = new_db();
	struct db_conn *w = db_writer(db), *r = NULL;
	struct db_row row = DB_ROW_INIT;

	for (int round = 0; round < 2; round++) {
		CHECK_INT(0, db_read_begin(db, &r));
		CHECK_INT(ERR_NOTFOUND, db_one(r, sql, &row, DB_INT(1), DB_INT(2), DB_STR("c")));
		db_read_end(r);
		if (!round) {
			CHECK_INT(0, db_begin(w));
			CHECK_INT(0, db_script(w, "CREATE TABLE q (x INTEGER); ALTER TABLE p ADD COLUMN e BLOB"));
			CHECK_INT(0, db_commit(w));
		}
	}
	CHECK_INT(ERR_INTERNAL, db_script(w, "CREATE TABLE q (x INTEGER)"));
	db_close(db);
}

/* ---- transactions ---- */

static void
test_snapshot(void)
{
	struct db *db = new_db();
	struct db_conn *w = db_writer(db), *before = NULL, *after = NULL;

	CHECK_INT(0, db_begin(w));
	CHECK_INT(0, insert(w, 1));
	CHECK_INT(0, db_read_begin(db, &before));	/* no statement before the commit */
	CHECK_INT(0, db_commit(w));
	CHECK_INT(0, db_read_begin(db, &after));
	CHECK_INT(0, count(before));
	CHECK_INT(1, count(after));
	CHECK(insert(after, 2) != 0);
	db_read_end(after);
	CHECK_INT(0, count(before));
	db_read_end(before);
	CHECK_INT(1, count_read(db));
	CHECK_INT(1, count(w));
	db_close(db);
}

static void
test_savepoint(void)
{
	struct db *db = new_db();
	struct db_conn *w = db_writer(db);

	CHECK_INT(ERR_INTERNAL, db_savepoint(w));
	CHECK(!db_in_txn(w));
	CHECK_INT(0, db_begin(w));
	CHECK(db_in_txn(w));
	for (int i = 1; i <= 6; i++) {
		CHECK_INT(0, db_savepoint(w));
		CHECK_INT(0, insert(w, i));
		CHECK_INT(0, insert(w, 100 + i));
		CHECK_INT(0, i % 2 ? db_undo(w) : db_release(w));
		CHECK(db_in_txn(w));
	}
	CHECK_INT(0, count_read(db));
	CHECK_INT(0, db_commit(w));
	CHECK(!db_in_txn(w));
	CHECK_INT(6, count_read(db));
	CHECK_INT(ERR_INTERNAL, db_commit(w));
	db_close(db);
}

static void
test_rollback(void)
{
	struct db *db = new_db();
	struct db_conn *w = db_writer(db);

	db_rollback(w);
	CHECK_INT(0, db_begin(w));
	CHECK_INT(ERR_INTERNAL, db_begin(w));
	CHECK_INT(0, insert(w, 1));
	db_rollback(w);
	CHECK(!db_in_txn(w));
	CHECK_INT(0, count(w));
	CHECK_INT(0, db_begin(w));
	CHECK_INT(0, insert(w, 2));
	CHECK_INT(0, db_commit(w));
	CHECK_INT(1, count_read(db));
	db_close(db);
}

/* Fills the database until it refuses. */
static int
fill(struct db_conn *w, int64_t from)
{
	static char body[3000];
	int rc = 0;

	for (int64_t id = from; !rc && id < from + 1000; id++) {
		char name[32];

		snprintf(name, sizeof(name), "fill%lld", (long long)id);
		rc = db_exec(w, insert_sql, DB_INT(id), DB_STR(name), DB_BYTES(body, sizeof(body)));
	}
	return rc;
}

/* The engine gives the whole transaction up: nothing of it may be committed, not even by a careless closure. */
static void
test_full_loses_transaction(void)
{
	struct db *db = new_db();
	struct db_conn *w = db_writer(db);

	CHECK_INT(0, insert(w, 1));
	CHECK_INT(0, db_script(w, "PRAGMA max_page_count = 40"));
	CHECK_INT(0, db_begin(w));
	CHECK_INT(0, db_savepoint(w));
	CHECK_INT(0, insert(w, 2));
	CHECK_INT(0, db_release(w));
	CHECK_INT(0, db_savepoint(w));
	CHECK_INT(ERR_SPACE, fill(w, 1000));
	if (db_in_txn(w)) {	/* which of the two it is depends on the statement */
		CHECK_INT(0, db_undo(w));
		CHECK_INT(0, db_commit(w));
		CHECK_INT(2, count(w));
	} else {
		CHECK_INT(ERR_SPACE, insert(w, 3));
		CHECK_INT(-1, count(w));
		CHECK_INT(ERR_SPACE, db_undo(w));
		CHECK_INT(ERR_SPACE, db_savepoint(w));
		CHECK_INT(ERR_SPACE, db_script(w, "DELETE FROM t"));
		CHECK_INT(ERR_SPACE, db_commit(w));
		CHECK_INT(1, count(w));
	}
	CHECK_INT(0, db_script(w, "PRAGMA max_page_count = 100000"));
	CHECK_INT(0, db_begin(w));
	CHECK_INT(0, insert(w, 4));
	CHECK_INT(0, db_commit(w));
	db_close(db);
}

static void
test_full_at_commit(void)
{
	struct db *db = new_db();
	struct db_conn *w = db_writer(db);

	CHECK_INT(0, db_begin(w));
	CHECK_INT(0, insert(w, 1));
	write_errno = ENOSPC;
	CHECK_INT(ERR_SPACE, db_commit(w));
	CHECK(!db_in_txn(w));
	write_errno = 0;
	CHECK_INT(0, count(w));
	CHECK_INT(0, db_begin(w));
	CHECK_INT(0, insert(w, 2));
	CHECK_INT(0, db_commit(w));
	CHECK_INT(1, count_read(db));
	db_close(db);
}

/* What was refused for want of room is not there after a crash either, whatever was done with the log in between. */
static void
test_full_then_crash(void)
{
	struct db_options o = { .dir = test_tmpdir(), .name = "full.db" };
	struct db *db = new_db(), *again = NULL;
	struct db_conn *w = db_writer(db);

	CHECK_INT(0, insert(w, 1));
	CHECK_INT(0, db_begin(w));
	CHECK_INT(0, insert(w, 2));
	write_errno = ENOSPC;
	CHECK_INT(ERR_SPACE, db_commit(w));
	write_errno = 0;
	CHECK_INT(0, db_checkpoint(w, 1));
	CHECK_INT(0, copy_file("meta.db", "full.db"));
	CHECK_INT(0, copy_file("meta.db-wal", "full.db-wal"));
	db_close(db);
	o.dirfd = dirfd_;
	CHECK_INT(0, db_open(&o, &again));
	CHECK_INT(1, count_read(again));
	db_close(again);
}

static void
test_write_error(void)
{
	struct db *db = new_db();
	struct db_conn *w = db_writer(db);

	CHECK_INT(0, db_begin(w));
	CHECK_INT(0, insert(w, 1));
	write_errno = EIO;
	CHECK_INT(ERR_IO, db_commit(w));
	write_errno = 0;
	CHECK(!db_in_txn(w));
	CHECK_INT(0, count_read(db));
	db_close(db);
}

/* ---- durability ---- */

static void
test_commit_flushes(void)
{
	struct db *db = new_db();
	struct db_conn *w = db_writer(db);

	for (int i = 1; i <= 3; i++) {
		int before;

		CHECK_INT(0, db_begin(w));
		CHECK_INT(0, insert(w, i));
		before = flushes;
		CHECK_INT(0, db_commit(w));
		CHECK(flushes > before);
	}
	db_close(db);
}

static void
test_relaxed_does_not(void)
{
	struct db_options o = { .dir = test_tmpdir(), .name = "relaxed.db", .create = true, .relaxed = true };
	struct db *db = new_db();
	struct db_conn *w;
	int before;

	db_close(db);
	o.dirfd = dirfd_;
	CHECK_INT(0, db_open(&o, &db));
	w = db_writer(db);
	CHECK_INT(0, db_script(w, "CREATE TABLE t (id INTEGER PRIMARY KEY, name BLOB, body BLOB)"));
	before = flushes;
	CHECK_INT(0, db_begin(w));
	CHECK_INT(0, insert(w, 1));
	CHECK_INT(0, db_commit(w));
	CHECK_INT(before, flushes);
	db_close(db);
}

/* After a failed flush nothing is acknowledged any more, also when the next flush would succeed. */
static void
test_failed_flush_is_final(void)
{
	struct db *db = new_db();
	struct db_conn *w = db_writer(db);

	CHECK_INT(0, db_begin(w));
	CHECK_INT(0, insert(w, 1));
	CHECK_INT(0, db_commit(w));
	CHECK_INT(0, db_begin(w));
	CHECK_INT(0, insert(w, 2));
	flush_errno = EIO;
	CHECK_INT(ERR_IO, db_commit(w));
	flush_errno = 0;
	CHECK(!db_in_txn(w));
	CHECK_INT(ERR_IO, db_begin(w));
	CHECK_INT(ERR_IO, db_commit(w));
	CHECK_INT(ERR_IO, db_checkpoint(w, 0));
	CHECK_INT(1, count_read(db));
	db_close(db);
	CHECK(size_of("meta.db-wal") > 0);	/* left for the next start */
	CHECK_INT(0, open_db(false, &db));
	CHECK(count_read(db) >= 1);
	db_close(db);
}

static void
test_failed_flush_of_checkpoint(void)
{
	struct db *db = new_db();
	struct db_conn *w = db_writer(db);

	CHECK_INT(0, insert(w, 1));
	flush_errno = EIO;
	CHECK_INT(ERR_IO, db_checkpoint(w, 0));
	flush_errno = 0;
	CHECK_INT(ERR_IO, db_begin(w));
	db_close(db);
}

/* ---- the log ---- */

static int
commit_many(struct db_conn *w, int64_t from, int n, uint64_t target)
{
	int rc = 0;

	for (int64_t id = from; !rc && id < from + n; id++) {
		if ((rc = db_begin(w)) == 0 && (rc = insert(w, id)) == 0 && (rc = db_commit(w)) == 0)
			rc = db_checkpoint(w, target);
	}
	return rc;
}

static void
test_log_stays_short(void)
{
	struct db *db = new_db();
	const int64_t target = 1 << 18;

	CHECK_INT(0, commit_many(db_writer(db), 1, 600, (uint64_t)target));
	CHECK(size_of("meta.db-wal") < target + 10 * 4120);
	CHECK_INT(0, db_checkpoint(db_writer(db), 0));
	CHECK_INT(0, size_of("meta.db-wal"));
	CHECK_INT(600, count_read(db));
	db_close(db);
}

static int
insert_large(struct db_conn *w, int64_t from, int n)
{
	char body[2000], name[32];
	int rc = db_savepoint(w);

	memset(body, 'b', sizeof(body));
	for (int64_t id = from; !rc && id < from + n; id++) {
		int len = snprintf(name, sizeof(name), "large%lld", (long long)id);

		rc = db_exec(w, insert_sql, DB_INT(id), DB_BYTES(name, (size_t)len), DB_BYTES(body, sizeof(body)));
	}
	return rc;
}

/* A page is no system call; what was gathered is right also where a transaction outgrew the cache and went back in the middle. */
static void
test_log_in_long_pieces(void)
{
	struct db_options o = { .dir = test_tmpdir(), .name = "meta.db", .writer_cache = 65536 };
	struct db *db = new_db();
	struct db_conn *w;
	int before;

	db_close(db);
	o.dirfd = dirfd_;
	CHECK_INT(0, db_open(&o, &db));
	w = db_writer(db);
	before = writes;
	CHECK_INT(0, db_begin(w));
	CHECK_INT(0, insert_large(w, 1, 500));
	CHECK_INT(0, db_release(w));
	CHECK_INT(0, insert_large(w, 501, 500));
	CHECK_INT(0, db_undo(w));
	CHECK_INT(0, insert_large(w, 1001, 100));
	CHECK_INT(0, db_release(w));
	CHECK_INT(0, db_commit(w));
	CHECK(size_of("meta.db-wal") > 300 * 4120);
	CHECK(writes - before < 600);
	CHECK_INT(600, count_read(db));
	CHECK_INT(0, copy_file("meta.db", "pieces.db"));
	CHECK_INT(0, copy_file("meta.db-wal", "pieces.db-wal"));
	db_close(db);
	o.name = "pieces.db";
	CHECK_INT(0, db_open(&o, &db));
	CHECK_INT(600, count_read(db));
	CHECK_INT(0, db_verify(db, NULL, NULL));
	db_close(db);
}

/* A reader that holds its snapshot lets the log grow, costs bounded time, and keeps seeing what it saw. */
static void
test_log_and_reader(void)
{
	struct db *db = new_db();
	struct db_conn *w = db_writer(db), *r = NULL;
	const int64_t target = 1 << 18;
	int64_t start = clock_mono_us();
	int before;

	CHECK_INT(0, insert(w, 1));
	CHECK_INT(0, db_read_begin(db, &r));
	before = flushes;
	CHECK_INT(0, commit_many(w, 10, 250, (uint64_t)target));
	CHECK(flushes - before < 2 * 250);	/* not a checkpoint a commit */
	CHECK(size_of("meta.db-wal") > 2 * target);
	CHECK_INT(1, count(r));
	db_read_end(r);
	CHECK_INT(0, commit_many(w, 1000, 50, (uint64_t)target));
	CHECK(size_of("meta.db-wal") < target + 10 * 4120);
	CHECK_INT(301, count_read(db));
	CHECK(clock_mono_us() - start < 20 * 1000000);
	db_close(db);
}

/* ---- threads ---- */

struct shared {
	struct db *db;
	atomic_bool stop;
	atomic_int wrong, reads;
};

/* Every transaction adds two rows: who sees an odd number, or two numbers in one snapshot, has no snapshot. */
static void *
read_counts(void *arg)
{
	struct shared *s = arg;

	while (!s->stop) {
		struct db_conn *r = NULL;
		int64_t first, second;

		if (db_read_begin(s->db, &r)) {
			s->wrong++;
			break;
		}
		first = count(r);
		second = count(r);
		if (first < 0 || first % 2 || first != second)
			s->wrong++;
		s->reads++;
		db_read_end(r);
	}
	return NULL;
}

static void
test_threads(void)
{
	struct shared s = { .db = new_db() };
	struct db_conn *w = db_writer(s.db);
	pthread_t threads[12];	/* more than there are readers */
	int64_t end = clock_mono_us() + 700000, id = 1;
	int rc = 0;

	for (int i = 0; i < 12; i++)
		CHECK_INT(0, pthread_create(&threads[i], NULL, read_counts, &s));
	for (; !rc && clock_mono_us() < end; id += 2) {
		if ((rc = db_begin(w)) == 0 && (rc = insert(w, id)) == 0 && (rc = insert(w, id + 1)) == 0 &&
		    (rc = db_commit(w)) == 0)
			rc = db_checkpoint(w, 1 << 18);
	}
	s.stop = true;
	for (int i = 0; i < 12; i++)
		pthread_join(threads[i], NULL);
	CHECK_INT(0, rc);
	CHECK_INT(0, s.wrong);
	CHECK(s.reads > 12);
	CHECK_INT(id - 1, count_read(s.db));
	db_close(s.db);
}

/* ---- the whole database ---- */

static void
say_bad(void *arg, const char *text)
{
	int *n = arg;

	(void)text;
	++*n;
}

static void
test_backup(void)
{
	struct db_options o = { .dir = test_tmpdir(), .name = "copy.db" };
	struct db *db = new_db(), *copy = NULL;
	struct db_conn *w = db_writer(db);
	struct stat st;
	int bad = 0, before;

	CHECK_INT(0, db_begin(w));
	CHECK_INT(0, insert(w, 1));
	CHECK_INT(0, db_commit(w));
	CHECK_INT(0, db_begin(w));
	CHECK_INT(0, insert(w, 2));	/* not committed: not in the copy */
	before = flushes;
	CHECK_INT(0, db_backup(db, "copy.db"));
	CHECK(flushes >= before + 2);	/* the file and the folder */
	CHECK_INT(ERR_EXISTS, db_backup(db, "copy.db"));
	CHECK_INT(0, db_commit(w));
	CHECK_INT(-1, size_of("copy.db.new"));
	CHECK_INT(0, fstatat(dirfd_, "copy.db", &st, 0));
	CHECK_INT(0600, st.st_mode & 0777);
	o.dirfd = dirfd_;
	CHECK_INT(0, db_open(&o, &copy));
	CHECK_INT(1, count_read(copy));
	CHECK_INT(0, db_verify(copy, say_bad, &bad));
	CHECK_INT(0, bad);
	db_close(copy);
	write_errno = ENOSPC;
	CHECK_INT(ERR_SPACE, db_backup(db, "full.db"));
	write_errno = 0;
	CHECK_INT(-1, size_of("full.db"));
	CHECK_INT(-1, size_of("full.db.new"));
	db_close(db);
}

static void
test_verify(void)
{
	struct db *db = new_db();
	struct db_conn *w = db_writer(db);
	static char bytes[1 << 20];
	const char *found;
	int bad = 0, fd;
	ssize_t len;

	CHECK_INT(0, db_begin(w));
	for (int i = 1; i < 2000; i++)
		CHECK_INT(0, insert(w, i));
	CHECK_INT(0, db_commit(w));
	CHECK_INT(0, db_verify(db, say_bad, &bad));
	CHECK_INT(0, bad);
	db_close(db);
	/* One letter of one name: the row and its index no longer say the same. */
	fd = openat(dirfd_, "meta.db", O_RDWR);
	CHECK((len = pread(fd, bytes, sizeof(bytes), 0)) > 0);
	CHECK((found = memmem(bytes, (size_t)len, "name1500", 8)));
	CHECK_INT(1, pwrite(fd, "X", 1, found - bytes));
	close(fd);
	CHECK_INT(0, open_db(false, &db));
	CHECK_INT(ERR_CORRUPT, db_verify(db, say_bad, &bad));
	CHECK(bad > 0);
	db_close(db);
}

/* ---- speed, for the eye ---- */

static void
test_speed(void)
{
	static const char put_sql[] = "INSERT INTO p (a, b, c, d) VALUES ($1, $2, $3, $4)";
	static const char get_sql[] = "SELECT d FROM p WHERE a = $1 AND b = $2 AND c = $3";
	enum { N = 100000, BATCH = 64 };
	struct db *db = new_db();
	struct db_conn *w = db_writer(db), *r = NULL;
	struct db_row row = DB_ROW_INIT;
	int64_t start = clock_mono_us(), put, get, begin;

	for (int i = 0; i < N; i += BATCH) {
		CHECK_INT(0, db_begin(w));
		for (int j = i; j < i + BATCH; j++)
			CHECK_INT(0, db_exec(w, put_sql, DB_INT(j / 1000), DB_INT(j), DB_STR("sixteen bytes..."),
			    DB_INT(j)));
		CHECK_INT(0, db_commit(w));
		CHECK_INT(0, db_checkpoint(w, 4 << 20));
	}
	put = clock_mono_us() - start;
	start = clock_mono_us();
	CHECK_INT(0, db_read_begin(db, &r));
	for (int i = 0; i < N; i++) {
		int j = (int)((i * 7919ll) % N);

		CHECK_INT(0, db_one(r, get_sql, &row, DB_INT(j / 1000), DB_INT(j), DB_STR("sixteen bytes...")));
		CHECK_INT(j, db_int(&row, 0));
		db_row_release(&row);
	}
	db_read_end(r);
	get = clock_mono_us() - start;
	start = clock_mono_us();
	for (int i = 0; i < N; i++) {
		CHECK_INT(0, db_read_begin(db, &r));
		db_read_end(r);
	}
	begin = clock_mono_us() - start;
	fprintf(stderr, "# insert %.2f us (batches of %d), look-up %.2f us, read transaction %.2f us\n",
	    (double)put / N, BATCH, (double)get / N, (double)begin / N);
	db_close(db);
}

static const struct test tests[] = {
	TEST(test_open), TEST(test_open_absent), TEST(test_open_garbage), TEST(test_open_fails_clean),
	TEST(test_reopen), TEST(test_reopen_after_crash),
	TEST(test_values), TEST(test_rows), TEST(test_nested), TEST(test_wrong_sql), TEST(test_exists),
	TEST(test_cache_grows), TEST(test_explain), TEST(test_schema_change),
	TEST(test_snapshot), TEST(test_savepoint), TEST(test_rollback),
	TEST(test_full_loses_transaction), TEST(test_full_at_commit), TEST(test_full_then_crash),
	TEST(test_write_error),
	TEST(test_commit_flushes), TEST(test_relaxed_does_not), TEST(test_failed_flush_is_final),
	TEST(test_failed_flush_of_checkpoint), TEST(test_log_stays_short), TEST(test_log_in_long_pieces),
	TEST(test_log_and_reader),
	TEST(test_threads), TEST(test_backup), TEST(test_verify), TEST(test_speed), TEST_END
};

TEST_MAIN(tests)
