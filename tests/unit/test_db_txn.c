#include <pthread.h>

#include "clock.h"
#include "db_kit.h"

/* Transactions: what others see of them and when, savepoints, and what a full or failing disk leaves. */

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
	CHECK_INT(0, insert_committed(w, 2));
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
	CHECK_INT(0, insert_committed(w, 4));
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
	CHECK_INT(0, insert_committed(w, 2));
	CHECK_INT(1, count_read(db));
	db_close(db);
}

/* What was refused for want of room is not there after a crash either, whatever was done with the log in between. */
static void
test_full_then_crash(void)
{
	struct db *db = new_db(), *again = NULL;
	struct db_conn *w = db_writer(db);

	CHECK_INT(0, insert(w, 1));
	CHECK_INT(0, db_begin(w));
	CHECK_INT(0, insert(w, 2));
	write_errno = ENOSPC;
	CHECK_INT(ERR_SPACE, db_commit(w));
	write_errno = 0;
	CHECK_INT(0, db_checkpoint(w, 1));
	CHECK_INT(0, copy_db("full.db"));
	db_close(db);
	CHECK_INT(0, open_as((struct db_options) { .name = "full.db" }, &again));
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
	/* On a slow machine until there were readers. */
	for (; !rc && (clock_mono_us() < end || (s.reads <= 12 && clock_mono_us() < end + 60000000)); id += 2) {
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

static const struct test tests[] = {
	TEST(test_snapshot), TEST(test_savepoint), TEST(test_rollback),
	TEST(test_full_loses_transaction), TEST(test_full_at_commit), TEST(test_full_then_crash),
	TEST(test_write_error), TEST(test_threads), TEST_END
};
TEST_MAIN(tests)
