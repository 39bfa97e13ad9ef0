#include "buf.h"
#include "clock.h"
#include "db_kit.h"

/* What one statement does: values, rows, errors, plans, and what it costs. */

static const char by_id_sql[] = "SELECT name, body FROM t WHERE id = $1";

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
	TEST(test_values), TEST(test_rows), TEST(test_nested), TEST(test_wrong_sql),
	TEST(test_exists), TEST(test_cache_grows), TEST(test_explain), TEST(test_schema_change),
	TEST(test_speed), TEST_END
};
TEST_MAIN(tests)
