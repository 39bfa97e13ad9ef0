#include <string.h>

#include "db.h"
#include "err.h"
#include "log.h"
#include "tbl_key.h"
#include "tbl_text.h"

static const char insert[] = "INSERT INTO access_key (key_id, principal_id, secret, created_at, disabled_at)"
			     " VALUES ($1, $2, $3, $4, $5)";

int
tbl_key_insert(struct db_conn *c, const struct key_row *key)
{
	return db_exec(c, insert, DB_STR(key->id), DB_INT(key->principal_id), DB_BYTES(key->sealed, key->sealed_len),
	    DB_INT(key->created_at), DB_INT_IF(key->disabled_at, key->disabled_at));
}

static void
read_row(const struct db_row *row, struct key_row *key)
{
	*key = (struct key_row) {
		.principal_id = db_int(row, 1),
		.created_at = db_int(row, 2),
		.disabled_at = db_is_null(row, 3) ? 0 : db_int(row, 3),
	};
	tbl_text(row, 0, key->id, sizeof(key->id));
}

static const char identity[] =
    "SELECT k.key_id, k.principal_id, k.created_at, k.disabled_at, k.secret, " TBL_PRINCIPAL_COLUMNS
    " FROM access_key k JOIN principal p ON p.id = k.principal_id WHERE k.key_id = $1";

int
tbl_key_identity(struct db_conn *c, const char *id, struct key_row *key, struct principal_row *p)
{
	struct db_row row = DB_ROW_INIT;
	const void *sealed;
	size_t len;
	int rc;

	if ((rc = db_one(c, identity, &row, DB_STR(id))) != 0)
		goto out;
	sealed = db_bytes(&row, 4, &len);
	if (len > sizeof(key->sealed)) {
		log_error("access key %s: its secret is not one that was written here", id);
		rc = ERR_CORRUPT;
		goto out;
	}
	read_row(&row, key);
	memcpy(key->sealed, sealed, len);
	key->sealed_len = len;
	tbl_principal_read(&row, 5, p);
out:
	db_row_release(&row);
	return rc;
}

static const char list[] = "SELECT key_id, principal_id, created_at, disabled_at FROM access_key"
			   " WHERE principal_id = $1 ORDER BY key_id LIMIT $2";

int
tbl_key_list(struct db_conn *c, int64_t principal, struct key_row *rows, unsigned max, unsigned *n)
{
	struct db_row row = DB_ROW_INIT;
	unsigned i = 0;
	int rc = db_query(c, list, &row, DB_INT(principal), DB_INT(max));

	while (rc == 0 && i < max && (rc = db_next(&row)) == 0)
		read_row(&row, &rows[i++]);
	db_row_release(&row);
	if (rc != 0 && rc != ERR_END)
		return rc;
	*n = i;
	return 0;
}

static const char disable[] = "UPDATE access_key SET disabled_at = $1 WHERE key_id = $2 AND principal_id = $3";

int
tbl_key_disable(struct db_conn *c, int64_t principal, const char *id, int64_t disabled_at)
{
	int rc = db_exec(c, disable, DB_INT_IF(disabled_at, disabled_at), DB_STR(id), DB_INT(principal));

	return rc == 0 && db_changed(c) == 0 ? ERR_NOTFOUND : rc;
}

static const char delete_one[] = "DELETE FROM access_key WHERE key_id = $1 AND principal_id = $2";

int
tbl_key_delete(struct db_conn *c, int64_t principal, const char *id)
{
	int rc = db_exec(c, delete_one, DB_STR(id), DB_INT(principal));

	return rc == 0 && db_changed(c) == 0 ? ERR_NOTFOUND : rc;
}

static const char delete_all[] = "DELETE FROM access_key WHERE principal_id = $1";

int
tbl_key_delete_all(struct db_conn *c, int64_t principal)
{
	return db_exec(c, delete_all, DB_INT(principal));
}
