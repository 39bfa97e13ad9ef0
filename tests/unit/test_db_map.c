#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db.h"
#include "test.h"

static int dirfd_ = -1;

static struct db *
open_db(bool create)
{
	struct db_options o = { .dir = test_tmpdir(), .name = "meta.db", .create = create };
	struct db *db = NULL;

	if (create) {
		if (dirfd_ >= 0)
			close(dirfd_);
		dirfd_ = open(o.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	o.dirfd = dirfd_;
	if (db_open(&o, &db) != 0)
		abort();
	return db;
}

static void
grow(struct db *db, int rows)
{
	static const char sql[] = "INSERT INTO t (body) VALUES (hex(zeroblob(500)) || $1)";
	struct db_conn *w = db_writer(db);

	CHECK_INT(0, db_begin(w));
	for (int i = 0; i < rows; i++)
		CHECK_INT(0, db_exec(w, sql, DB_INT(i)));
	CHECK_INT(0, db_commit(w));
}

static int64_t
total(struct db_conn *c)
{
	struct db_row row = DB_ROW_INIT;
	int64_t n = db_one(c, "SELECT sum(length(body) >= 1000) FROM t", &row) ? -1 : db_int(&row, 0);

	db_row_release(&row);
	return n;
}

static int
mappings(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[1024];
	int n = 0;

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		n += strstr(line, "/meta.db\n") != NULL;
	fclose(f);
	return n;
}

/* Eight at once, so that eight connections read. */
static void
read_all(struct db *db, int64_t want)
{
	struct db_conn *c[8] = { NULL };

	for (int i = 0; i < 8; i++) {
		CHECK_INT(0, db_read_begin(db, &c[i]));
		CHECK_INT(want, total(c[i]));
	}
	for (int i = 0; i < 8; i++)
		db_read_end(c[i]);
}

/* All readers share one mapping, into which the file grows. */
static void
test_one(void)
{
	struct db *db = open_db(true);

	CHECK_INT(0, db_script(db_writer(db), "CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB)"));
	for (int i = 1; i <= 5; i++) {
		grow(db, 2000);
		read_all(db, 2000 * i);		/* out of the log */
		CHECK_INT(0, db_checkpoint(db_writer(db), 0));
		read_all(db, 2000 * i);		/* out of the file */
		CHECK_INT(1, mappings());
	}
	db_close(db);
	CHECK_INT(0, mappings());
	db = open_db(false);
	read_all(db, 10000);
	CHECK_INT(1, mappings());
	db_close(db);
}

/* A snapshot stays what it was while the file is written. */
static void
test_snapshot(void)
{
	struct db *db = open_db(true);
	struct db_conn *old = NULL;

	CHECK_INT(0, db_script(db_writer(db), "CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB)"));
	grow(db, 1000);
	CHECK_INT(0, db_checkpoint(db_writer(db), 0));
	CHECK_INT(0, db_read_begin(db, &old));
	grow(db, 1000);
	CHECK_INT(0, db_checkpoint(db_writer(db), 1));
	CHECK_INT(1000, total(old));
	read_all(db, 2000);
	db_read_end(old);
	db_close(db);
}

static const struct test tests[] = { TEST(test_one), TEST(test_snapshot), TEST_END };

TEST_MAIN(tests)
