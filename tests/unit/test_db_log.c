#include "clock.h"
#include "db_kit.h"

/* When the log is flushed, what a failed flush means, and how long the log gets. */

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
	struct db *db = new_db();
	struct db_conn *w;
	int before;

	db_close(db);
	CHECK_INT(0, open_as((struct db_options) { .name = "relaxed.db", .create = true, .relaxed = true }, &db));
	w = db_writer(db);
	CHECK_INT(0, db_script(w, "CREATE TABLE t (id INTEGER PRIMARY KEY, name BLOB, body BLOB)"));
	before = flushes;
	CHECK_INT(0, insert_committed(w, 1));
	CHECK_INT(before, flushes);
	db_close(db);
}

/* After a failed flush nothing is acknowledged any more, also when the next flush would succeed. */
static void
test_failed_flush_is_final(void)
{
	struct db *db = new_db();
	struct db_conn *w = db_writer(db);

	CHECK_INT(0, insert_committed(w, 1));
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

static int
commit_many(struct db_conn *w, int64_t from, int n, uint64_t target)
{
	int rc = 0;

	for (int64_t id = from; !rc && id < from + n; id++) {
		if ((rc = insert_committed(w, id)) == 0)
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
	struct db *db = new_db();
	struct db_conn *w;
	int before;

	db_close(db);
	CHECK_INT(0, open_as((struct db_options) { .name = "meta.db", .writer_cache = 65536 }, &db));
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
	CHECK_INT(0, copy_db("pieces.db"));
	db_close(db);
	CHECK_INT(0, open_as((struct db_options) { .name = "pieces.db" }, &db));
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
	CHECK(clock_mono_us() - start < 200ll * 1000000);
	db_close(db);
}

static const struct test tests[] = {
	TEST(test_commit_flushes), TEST(test_relaxed_does_not), TEST(test_failed_flush_is_final),
	TEST(test_failed_flush_of_checkpoint), TEST(test_log_stays_short),
	TEST(test_log_in_long_pieces), TEST(test_log_and_reader), TEST_END
};
TEST_MAIN(tests)
