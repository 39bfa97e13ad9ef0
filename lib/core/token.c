#include <stdlib.h>
#include <string.h>

#include "commit.h"
#include "db.h"
#include "digest.h"
#include "err.h"
#include "id.h"
#include "principal.h"
#include "secret.h"
#include "store_in.h"
#include "tbl_token.h"

#define FOREVER_MS (100ll * 365 * 86400 * 1000)	/* longer lifetimes are taken for mistakes */

static void
from_row(const struct token_row *row, struct token *token)
{
	*token = (struct token) {
		.id = row->id,
		.principal = row->principal_id,
		.created_us = row->created_at,
		.expires_us = row->expires_at,
	};
}

struct create {
	struct token_row row;
	int64_t lifetime_ms;
};

static int
run_create(struct txn *t, void *arg)
{
	struct create *create = arg;
	struct token_row *row = &create->row;
	struct principal_row p;
	int rc;

	row->created_at = t->now_us;
	row->expires_at = create->lifetime_ms ? t->now_us + create->lifetime_ms * 1000 : 0;
	if ((rc = tbl_principal_get(t->db, row->principal_id, &p)) != 0 || (rc = tbl_token_insert(t->db, row)) != 0)
		return rc;
	return txn_auth_changed(t);
}

int
token_create(struct store *store, int64_t principal, int64_t lifetime_ms, struct token *token, char text[TOKEN_TEXT])
{
	struct create create = { .row = { .id = id_new(), .principal_id = principal }, .lifetime_ms = lifetime_ms };
	int rc;

	if (lifetime_ms < 0 || lifetime_ms > FOREVER_MS)
		return ERR_INVALID;
	secret_token(text);
	digest_sha256(text, strlen(text), create.row.hash);
	rc = commit_run(store, &(struct commit) { .run = run_create, .arg = &create });
	if (rc == 0)
		from_row(&create.row, token);
	else
		explicit_bzero(text, TOKEN_TEXT);
	return rc;
}

int
token_list(struct store *store, int64_t principal, struct token *list, unsigned max, unsigned *n)
{
	struct token_row *rows = calloc(max ? max : 1, sizeof(*rows));
	struct db_conn *c = NULL;
	unsigned got = 0;
	int rc;

	if (!rows)
		return ERR_NOMEM;
	if ((rc = db_read_begin(store->db, &c)) == 0)
		rc = tbl_token_list(c, principal, rows, max, &got);
	db_read_end(c);
	for (unsigned i = 0; rc == 0 && i < got; i++)
		from_row(&rows[i], &list[i]);
	if (rc == 0)
		*n = got;
	free(rows);
	return rc;
}

struct removal {
	int64_t principal, id;
};

static int
run_delete(struct txn *t, void *arg)
{
	const struct removal *r = arg;
	int rc = tbl_token_delete(t->db, r->principal, r->id);

	return rc ? rc : txn_auth_changed(t);
}

int
token_delete(struct store *store, int64_t principal, int64_t id)
{
	struct removal removal = { principal, id };

	return commit_run(store, &(struct commit) { .run = run_delete, .arg = &removal, .frees = true });
}
