#include "err.h"
#include "tbl_idempotency.h"

static const char insert[] =
    "INSERT INTO idempotency (principal_id, request_key, request_hash, status, reply, expires_at)"
    " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (principal_id, request_key) DO UPDATE SET"
    " request_hash = excluded.request_hash, status = excluded.status, reply = excluded.reply,"
    " expires_at = excluded.expires_at";

int
tbl_idempotency_insert(struct db_conn *c, const struct idempotency_row *r)
{
	return db_exec(c, insert, DB_INT(r->principal), DB_BYTES(r->key.p, r->key.len), DB_BYTES(r->hash, 32),
	    DB_INT(r->status), DB_BYTES(r->reply.p, r->reply.len), DB_INT(r->expires_at));
}

static const char get[] = "SELECT request_hash, status, reply, expires_at FROM idempotency"
			  " WHERE principal_id = $1 AND request_key = $2";

int
tbl_idempotency_get(struct db_conn *c, int64_t principal, struct slice key, struct db_row *row,
    struct idempotency_row *r)
{
	int rc = db_one(c, get, row, DB_INT(principal), DB_BYTES(key.p, key.len));

	if (rc != 0)
		return rc;
	*r = (struct idempotency_row) { .principal = principal, .key = key, .status = (int)db_int(row, 1),
		.expires_at = db_int(row, 3) };
	r->reply.p = db_bytes(row, 2, &r->reply.len);
	return db_fixed(row, 0, r->hash, sizeof(r->hash));
}

static const char expire[] =
    "DELETE FROM idempotency WHERE (principal_id, request_key) IN (SELECT principal_id, request_key FROM idempotency"
    " WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";

int
tbl_idempotency_expire(struct db_conn *c, int64_t now, unsigned max, unsigned *n)
{
	int rc = db_exec(c, expire, DB_INT(now), DB_INT(max));

	*n = rc == 0 ? (unsigned)db_changed(c) : 0;
	return rc;
}

static const char expired[] = "SELECT 1 FROM idempotency WHERE expires_at <= $1 LIMIT 1";

int
tbl_idempotency_expired(struct db_conn *c, int64_t now)
{
	struct db_row row = DB_ROW_INIT;
	int rc = db_one(c, expired, &row, DB_INT(now));

	db_row_release(&row);
	return rc;
}
