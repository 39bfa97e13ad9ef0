#include "db_kit.h"

/* The database as a file: made, opened, left by a crash, copied and verified. */

static int64_t
pragma(struct db_conn *c, const char *sql)
{
	struct db_row row = DB_ROW_INIT;
	int64_t n = db_one0(c, sql, &row) ? -1 : db_int(&row, 0);

	db_row_release(&row);
	return n;
}

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

	CHECK_INT(0, insert_committed(w, 1));
	CHECK(size_of("meta.db-wal") > 0);
	db_close(db);
	CHECK_INT(-1, size_of("meta.db-wal"));
	CHECK_INT(0, open_db(false, &db));
	CHECK_INT(1, count_read(db));
	db_close(db);
}

/* What was committed is there after a crash, and the log is settled at once. */
static void
test_reopen_after_crash(void)
{
	struct db *db = new_db(), *again = NULL;
	struct db_conn *w = db_writer(db);

	CHECK_INT(0, insert_committed(w, 1));
	CHECK_INT(0, db_begin(w));
	CHECK_INT(0, insert(w, 2));
	CHECK_INT(0, copy_db("crash.db"));
	db_rollback(w);
	db_close(db);
	CHECK_INT(0, open_as((struct db_options) { .name = "crash.db" }, &again));
	CHECK_INT(1, count_read(again));
	CHECK(size_of("crash.db") >= 4 * 4096);	/* moved out of the log already */
	db_close(again);
}

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
	struct db *db = new_db(), *copy = NULL;
	struct db_conn *w = db_writer(db);
	struct stat st;
	int bad = 0, before;

	CHECK_INT(0, insert_committed(w, 1));
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
	CHECK_INT(0, open_as((struct db_options) { .name = "copy.db" }, &copy));
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

static const struct test tests[] = {
	TEST(test_open), TEST(test_open_absent), TEST(test_open_garbage),
	TEST(test_open_fails_clean), TEST(test_reopen), TEST(test_reopen_after_crash),
	TEST(test_backup), TEST(test_verify), TEST_END
};
TEST_MAIN(tests)
