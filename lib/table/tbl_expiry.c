#include "db.h"
#include "tbl_expiry.h"

static const char tokens[] =
    "DELETE FROM token WHERE id IN (SELECT id FROM token"
    " WHERE expires_at IS NOT NULL AND expires_at <= $1 ORDER BY expires_at LIMIT $2)";
static const char replies[] =
    "DELETE FROM idempotency WHERE (principal_id, request_key) IN (SELECT principal_id, request_key FROM idempotency"
    " WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";

int
tbl_expiry_delete(struct db_conn *c, int64_t now, unsigned max, int64_t *n)
{
	int64_t gone;
	int rc;

	if ((rc = db_exec(c, tokens, DB_INT(now), DB_INT(max))) != 0)
		return rc;
	gone = db_changed(c);
	if ((rc = db_exec(c, replies, DB_INT(now), DB_INT(max))) != 0)
		return rc;
	*n = gone + db_changed(c);
	return 0;
}
