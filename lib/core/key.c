#include <stdlib.h>
#include <string.h>

#include "commit.h"
#include "db.h"
#include "err.h"
#include "principal.h"
#include "secret.h"
#include "store_in.h"
#include "tbl_key.h"

struct change {
	int64_t principal;
	const char *id;
	bool disabled;
};

static void
from_row(const struct key_row *row, struct access_key *key)
{
	*key = (struct access_key) {
		.principal = row->principal_id,
		.created_us = row->created_at,
		.disabled_us = row->disabled_at,
	};
	memcpy(key->id, row->id, sizeof(key->id));
	key->id[sizeof(key->id) - 1] = '\0';
}

static int
run_create(struct txn *t, void *arg)
{
	struct key_row *row = arg;
	struct principal_row p;
	int rc;

	row->created_at = t->now_us;
	if ((rc = tbl_principal_get(t->db, row->principal_id, &p)) != 0 || (rc = tbl_key_insert(t->db, row)) != 0)
		return rc;
	return txn_auth_changed(t);	/* somebody may have asked for an id that is guessed */
}

int
key_create(struct store *store, int64_t principal, struct access_key *key, char secret[KEY_SECRET_TEXT])
{
	struct key_row row = { .principal_id = principal };
	int rc;

	secret_key_id(row.id);
	secret_make(secret);
	if ((rc = secret_seal(store, row.id, secret, row.sealed, sizeof(row.sealed), &row.sealed_len)) == 0)
		rc = commit_run(store, &(struct commit) { .run = run_create, .arg = &row });
	if (rc == 0)
		from_row(&row, key);
	else
		explicit_bzero(secret, KEY_SECRET_TEXT);
	return rc;
}

int
key_list(struct store *store, int64_t principal, struct access_key *list, unsigned max, unsigned *n)
{
	struct key_row *rows = calloc(max ? max : 1, sizeof(*rows));
	struct db_conn *c = NULL;
	unsigned got = 0;
	int rc;

	if (!rows)
		return ERR_NOMEM;
	if ((rc = db_read_begin(store->db, &c)) == 0)
		rc = tbl_key_list(c, principal, rows, max, &got);
	db_read_end(c);
	for (unsigned i = 0; rc == 0 && i < got; i++)
		from_row(&rows[i], &list[i]);
	if (rc == 0)
		*n = got;
	free(rows);
	return rc;
}

static int
run_disable(struct txn *t, void *arg)
{
	const struct change *change = arg;
	int rc = tbl_key_disable(t->db, change->principal, change->id, change->disabled ? t->now_us : 0);

	return rc ? rc : txn_auth_changed(t);
}

int
key_disable(struct store *store, int64_t principal, const char *id, bool disabled)
{
	struct change change = { principal, id, disabled };

	return commit_run(store, &(struct commit) { .run = run_disable, .arg = &change, .frees = disabled });
}

static int
run_delete(struct txn *t, void *arg)
{
	const struct change *change = arg;
	int rc = tbl_key_delete(t->db, change->principal, change->id);

	return rc ? rc : txn_auth_changed(t);
}

int
key_delete(struct store *store, int64_t principal, const char *id)
{
	struct change change = { .principal = principal, .id = id };

	return commit_run(store, &(struct commit) { .run = run_delete, .arg = &change, .frees = true });
}
