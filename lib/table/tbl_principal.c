#include <string.h>

#include "db.h"
#include "err.h"
#include "tbl_principal.h"
#include "tbl_text.h"

#define FROM "SELECT " TBL_PRINCIPAL_COLUMNS " FROM principal p"

static const char insert[] = "INSERT INTO principal (id, name, admin, may_create_buckets, created_at, disabled_at)"
			     " VALUES ($1, $2, $3, $4, $5, $6)";

int
tbl_principal_insert(struct db_conn *c, const struct principal_row *p)
{
	return db_exec(c, insert, DB_INT(p->id), DB_STR(p->name), DB_INT(p->admin), DB_INT(p->may_create_buckets),
	    DB_INT(p->created_at), DB_INT_IF(p->disabled_at, p->disabled_at));
}

void
tbl_principal_read(const struct db_row *row, int first, struct principal_row *p)
{
	*p = (struct principal_row) {
		.id = db_int(row, first),
		.admin = db_int(row, first + 2) != 0,
		.may_create_buckets = db_int(row, first + 3) != 0,
		.created_at = db_int(row, first + 4),
		.disabled_at = db_is_null(row, first + 5) ? 0 : db_int(row, first + 5),
	};
	tbl_text(row, first + 1, p->name, sizeof(p->name));
}

static int
one(struct db_conn *c, const char *sql, struct db_value by, struct principal_row *p)
{
	struct db_row row = DB_ROW_INIT;
	int rc = db_one(c, sql, &row, by);

	if (rc == 0)
		tbl_principal_read(&row, 0, p);
	db_row_release(&row);
	return rc;
}

static const char by_id[] = FROM " WHERE p.id = $1";

int
tbl_principal_get(struct db_conn *c, int64_t id, struct principal_row *p)
{
	return one(c, by_id, DB_INT(id), p);
}

static const char by_name[] = FROM " WHERE p.name = $1";

int
tbl_principal_by_name(struct db_conn *c, const char *name, struct principal_row *p)
{
	return one(c, by_name, DB_STR(name), p);
}

static const char admins[] = FROM " WHERE p.admin = 1 AND p.disabled_at IS NULL AND p.id <> $1 ORDER BY p.id LIMIT 1";

int
tbl_principal_admin(struct db_conn *c, int64_t but, struct principal_row *p)
{
	return one(c, admins, DB_INT(but), p);
}

static const char list[] = FROM " WHERE p.name > $1 ORDER BY p.name LIMIT $2";

int
tbl_principal_list(struct db_conn *c, const char *after, struct principal_row *rows, unsigned max, unsigned *n)
{
	struct db_row row = DB_ROW_INIT;
	unsigned i = 0;
	int rc = db_query(c, list, &row, DB_STR(after), DB_INT(max));

	while (rc == 0 && i < max && (rc = db_next(&row)) == 0)
		tbl_principal_read(&row, 0, &rows[i++]);
	db_row_release(&row);
	if (rc != 0 && rc != ERR_END)
		return rc;
	*n = i;
	return 0;
}

static const char disable[] = "UPDATE principal SET disabled_at = $1 WHERE id = $2";

int
tbl_principal_disable(struct db_conn *c, int64_t id, int64_t disabled_at)
{
	int rc = db_exec(c, disable, DB_INT_IF(disabled_at, disabled_at), DB_INT(id));

	return rc == 0 && db_changed(c) == 0 ? ERR_NOTFOUND : rc;
}

static const char delete_one[] = "DELETE FROM principal WHERE id = $1";

int
tbl_principal_delete(struct db_conn *c, int64_t id)
{
	int rc = db_exec(c, delete_one, DB_INT(id));

	return rc == 0 && db_changed(c) == 0 ? ERR_NOTFOUND : rc;
}
