#include "buf.h"
#include "db.h"
#include "err.h"
#include "log.h"
#include "tbl_leaf.h"

static const char insert[] = "INSERT INTO leaf (id, refs, chunks) VALUES ($1, 1, $2)";

int
tbl_leaf_insert(struct db_conn *c, int64_t id, const void *chunks, size_t len)
{
	return db_exec(c, insert, DB_INT(id), DB_BYTES(chunks, len));
}

/* The one column of the one row that a statement finds, appended. */
static int
append(struct db_row *row, int rc, struct buf *chunks)
{
	const void *p;
	size_t len;

	if (rc == 0) {
		p = db_bytes(row, 0, &len);
		buf_add(chunks, p, len);
		rc = buf_finish(chunks);
	}
	db_row_release(row);
	return rc;
}

static const char get[] = "SELECT chunks FROM leaf WHERE id = $1";

int
tbl_leaf_get(struct db_conn *c, int64_t id, struct buf *chunks)
{
	struct db_row row = DB_ROW_INIT;

	return append(&row, db_one(c, get, &row, DB_INT(id)), chunks);
}

static const char take[] = "UPDATE leaf SET refs = refs + $1, dead_at = NULL WHERE id = $2";

int
tbl_leaf_take(struct db_conn *c, int64_t id, int64_t count)
{
	int rc = db_exec(c, take, DB_INT(count), DB_INT(id));

	return rc ? rc : db_changed(c) ? 0 : ERR_NOTFOUND;
}

static const char drop[] = "UPDATE leaf SET refs = refs - $1, dead_at = CASE WHEN refs = $1 THEN $2 ELSE NULL END"
			   " WHERE id = $3 RETURNING refs";

int
tbl_leaf_drop(struct db_conn *c, int64_t id, int64_t count, int64_t now)
{
	struct db_row row = DB_ROW_INIT;
	int rc = db_one(c, drop, &row, DB_INT(count), DB_INT(now), DB_INT(id));

	if (rc == 0 && db_int(&row, 0) < 0) {
		log_error("leaf %lld: more references dropped than taken", (long long)id);
		rc = ERR_CORRUPT;
	}
	db_row_release(&row);
	return rc;
}

static const char dead[] = "SELECT id, dead_at FROM leaf WHERE dead_at IS NOT NULL AND dead_at < $1"
			   " ORDER BY dead_at, id LIMIT $2";

int
tbl_leaf_dead(struct db_conn *c, int64_t before, struct leaf_dead *rows, unsigned max, unsigned *n)
{
	struct db_row row = DB_ROW_INIT;
	unsigned i = 0;
	int rc = db_query(c, dead, &row, DB_INT(before), DB_INT(max));

	while (rc == 0 && i < max && (rc = db_next(&row)) == 0)
		rows[i++] = (struct leaf_dead) { db_int(&row, 0), db_int(&row, 1) };
	db_row_release(&row);
	if (rc != 0 && rc != ERR_END)
		return rc;
	*n = i;
	return 0;
}

static const char dead_scan[] = "SELECT id FROM leaf WHERE dead_at IS NOT NULL AND dead_at < $1";

int
tbl_leaf_dead_scan(struct db_conn *c, int64_t before, struct db_row *row)
{
	return db_query(c, dead_scan, row, DB_INT(before));
}

static const char get_dead[] = "SELECT chunks FROM leaf WHERE id = $1 AND refs = 0 AND dead_at = $2";

int
tbl_leaf_get_dead(struct db_conn *c, const struct leaf_dead *leaf, struct buf *chunks)
{
	struct db_row row = DB_ROW_INIT;

	return append(&row, db_one(c, get_dead, &row, DB_INT(leaf->id), DB_INT(leaf->dead_at)), chunks);
}

static const char delete_one[] = "DELETE FROM leaf WHERE id = $1";

int
tbl_leaf_delete(struct db_conn *c, int64_t id)
{
	return db_exec(c, delete_one, DB_INT(id));
}

static const char next[] = "SELECT id, refs, chunks FROM leaf WHERE id > $1 ORDER BY id LIMIT 1";

int
tbl_leaf_next(struct db_conn *c, int64_t after, int64_t *id, int64_t *refs, struct buf *chunks)
{
	struct db_row row = DB_ROW_INIT;
	const void *p;
	size_t len;
	int rc = db_one(c, next, &row, DB_INT(after));

	if (rc == 0) {
		*id = db_int(&row, 0);
		*refs = db_int(&row, 1);
		p = db_bytes(&row, 2, &len);
		buf_add(chunks, p, len);
		rc = buf_finish(chunks);
	}
	db_row_release(&row);
	return rc;
}
