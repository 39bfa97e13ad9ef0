#include <stdio.h>
#include <string.h>

#include "db_kit.h"

static int64_t inserted;

/* Rows of 1,000 bytes, out of the log and out of the file. */
static void
grow(struct db *db, int rows)
{
	static const char sql[] = "INSERT INTO t (id, name, body) VALUES ($1, $2, zeroblob(1000))";
	struct db_conn *w = db_writer(db);

	CHECK_INT(0, db_begin(w));
	for (int i = 0; i < rows; i++) {
		inserted++;
		CHECK_INT(0, db_exec(w, sql, DB_INT(inserted), DB_INT(inserted)));
	}
	CHECK_INT(0, db_commit(w));
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
		CHECK_INT(want, count(c[i]));
	}
	for (int i = 0; i < 8; i++)
		db_read_end(c[i]);
}

/* All readers share one mapping, into which the file grows. */
static void
test_one(void)
{
	struct db *db = new_db();

	inserted = 0;
	for (int i = 1; i <= 5; i++) {
		grow(db, 2000);
		read_all(db, 2000 * i);		/* out of the log */
		CHECK_INT(0, db_checkpoint(db_writer(db), 0));
		read_all(db, 2000 * i);		/* out of the file */
		CHECK_INT(1, mappings());
	}
	db_close(db);
	CHECK_INT(0, mappings());
	CHECK_INT(0, open_db(false, &db));
	read_all(db, 10000);
	CHECK_INT(1, mappings());
	db_close(db);
}

/* A snapshot stays what it was while the file is written. */
static void
test_snapshot(void)
{
	struct db *db = new_db();
	struct db_conn *old = NULL;

	inserted = 0;
	grow(db, 1000);
	CHECK_INT(0, db_checkpoint(db_writer(db), 0));
	CHECK_INT(0, db_read_begin(db, &old));
	grow(db, 1000);
	CHECK_INT(0, db_checkpoint(db_writer(db), 1));
	CHECK_INT(1000, count(old));
	read_all(db, 2000);
	db_read_end(old);
	db_close(db);
}

static const struct test tests[] = { TEST(test_one), TEST(test_snapshot), TEST_END };

TEST_MAIN(tests)
