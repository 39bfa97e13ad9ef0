#include "db.h"
#include "err.h"
#include "tbl_segment.h"

static const char put[] = "INSERT INTO segment (home, state, tail, freed) VALUES ($1, $2, $3, 0)"
			  " ON CONFLICT (home) DO UPDATE SET state = excluded.state, tail = excluded.tail";

int
tbl_segment_put(struct db_conn *c, int64_t home, int state, int64_t tail)
{
	return db_exec(c, put, DB_INT(home), DB_INT(state), DB_INT(tail));
}

/* The row of a segment that is in its first batch comes at the batch's end. */
static const char freed[] = "INSERT INTO segment (home, state, tail, freed) VALUES ($1, 1, 0, $2)"
			    " ON CONFLICT (home) DO UPDATE SET freed = segment.freed + excluded.freed";

int
tbl_segment_freed(struct db_conn *c, int64_t home, int64_t bytes)
{
	return db_exec(c, freed, DB_INT(home), DB_INT(bytes));
}

static const char delete_one[] = "DELETE FROM segment WHERE home = $1";

int
tbl_segment_delete(struct db_conn *c, int64_t home)
{
	return db_exec(c, delete_one, DB_INT(home));
}

static const char list[] = "SELECT home, state, tail, freed FROM segment WHERE home > $1 ORDER BY home LIMIT $2";

int
tbl_segment_list(struct db_conn *c, int64_t after, struct segment_row *rows, unsigned max, unsigned *n)
{
	struct db_row row = DB_ROW_INIT;
	unsigned i = 0;
	int rc = db_query(c, list, &row, DB_INT(after), DB_INT(max));

	while (rc == 0 && i < max && (rc = db_next(&row)) == 0) {
		rows[i].home = db_int(&row, 0);
		rows[i].state = (int)db_int(&row, 1);
		rows[i].tail = db_int(&row, 2);
		rows[i].freed = db_int(&row, 3);
		i++;
	}
	db_row_release(&row);
	if (rc != 0 && rc != ERR_END)
		return rc;
	*n = i;
	return 0;
}
