#include <string.h>

#include "db.h"
#include "err.h"
#include "tbl_token.h"

static const char insert[] = "INSERT INTO token (token_hash, id, principal_id, created_at, expires_at)"
			     " VALUES ($1, $2, $3, $4, $5)";

int
tbl_token_insert(struct db_conn *c, const struct token_row *token)
{
	return db_exec(c, insert, DB_BYTES(token->hash, sizeof(token->hash)), DB_INT(token->id),
	    DB_INT(token->principal_id), DB_INT(token->created_at), DB_INT_IF(token->expires_at, token->expires_at));
}

static void
read_row(const struct db_row *row, struct token_row *token)
{
	*token = (struct token_row) {
		.id = db_int(row, 0),
		.principal_id = db_int(row, 1),
		.created_at = db_int(row, 2),
		.expires_at = db_is_null(row, 3) ? 0 : db_int(row, 3),
	};
}

static const char identity[] = "SELECT t.id, t.principal_id, t.created_at, t.expires_at, " TBL_PRINCIPAL_COLUMNS
			       " FROM token t JOIN principal p ON p.id = t.principal_id WHERE t.token_hash = $1";

int
tbl_token_identity(struct db_conn *c, const uint8_t hash[32], struct token_row *token, struct principal_row *p)
{
	struct db_row row = DB_ROW_INIT;
	int rc = db_one(c, identity, &row, DB_BYTES(hash, 32));

	if (rc == 0) {
		read_row(&row, token);
		memcpy(token->hash, hash, 32);
		tbl_principal_read(&row, 4, p);
	}
	db_row_release(&row);
	return rc;
}

static const char list[] = "SELECT id, principal_id, created_at, expires_at FROM token"
			   " WHERE principal_id = $1 ORDER BY id LIMIT $2";

int
tbl_token_list(struct db_conn *c, int64_t principal, struct token_row *rows, unsigned max, unsigned *n)
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

static const char delete_one[] = "DELETE FROM token WHERE id = $1 AND principal_id = $2";

int
tbl_token_delete(struct db_conn *c, int64_t principal, int64_t id)
{
	int rc = db_exec(c, delete_one, DB_INT(id), DB_INT(principal));

	return rc == 0 && db_changed(c) == 0 ? ERR_NOTFOUND : rc;
}

static const char delete_all[] = "DELETE FROM token WHERE principal_id = $1";

int
tbl_token_delete_all(struct db_conn *c, int64_t principal)
{
	return db_exec(c, delete_all, DB_INT(principal));
}
