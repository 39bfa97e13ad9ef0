#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commit.h"
#include "db.h"
#include "err.h"
#include "grant.h"
#include "id.h"
#include "principal_row.h"
#include "store_in.h"
#include "tbl_device.h"
#include "tbl_grant.h"
#include "tbl_key.h"
#include "tbl_token.h"
#include "tbl_workspace.h"

#define PAGE 64u

static bool
name_valid(const char *name)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-@+";
	size_t len = strlen(name);

	return len > 0 && len <= LIMIT_USER_NAME && strspn(name, allowed) == len && *name != '-' && *name != '.';
}

void
principal_of_row(const struct principal_row *row, struct principal *p)
{
	*p = (struct principal) {
		.id = row->id,
		.admin = row->admin,
		.may_create_buckets = row->may_create_buckets,
		.created_us = row->created_at,
		.disabled_us = row->disabled_at,
	};
	memcpy(p->name, row->name, sizeof(p->name));
}

static int
run_create(struct txn *t, void *arg)
{
	struct principal_row *row = arg;
	int rc;

	row->created_at = t->now_us;
	if ((rc = tbl_principal_insert(t->db, row)) != 0)
		return rc;
	return txn_auth_changed(t);
}

int
principal_create(struct store *store, const char *name, bool admin, bool may_create_buckets, struct principal *p)
{
	struct principal_row row = { .admin = admin, .may_create_buckets = may_create_buckets };
	int rc;

	if (!name_valid(name))
		return ERR_INVALID;
	row.id = id_new();
	snprintf(row.name, sizeof(row.name), "%s", name);
	if ((rc = commit_run(store, &(struct commit) { .run = run_create, .arg = &row })) == 0)
		principal_of_row(&row, p);
	return rc;
}

int
principal_find(struct store *store, const char *name, struct principal *p)
{
	struct db_conn *c = NULL;
	struct principal_row row;
	int rc;

	if ((rc = db_read_begin(store->db, &c)) == 0 && (rc = tbl_principal_by_name(c, name, &row)) == 0)
		principal_of_row(&row, p);
	db_read_end(c);
	return rc;
}

int
principal_get(struct store *store, int64_t id, struct principal *p)
{
	struct db_conn *c = NULL;
	struct principal_row row;
	int rc;

	if ((rc = db_read_begin(store->db, &c)) == 0 && (rc = tbl_principal_get(c, id, &row)) == 0)
		principal_of_row(&row, p);
	db_read_end(c);
	return rc;
}

int
principal_list(struct store *store, const char *after, struct principal *list, unsigned max, unsigned *n)
{
	struct principal_row rows[PAGE];
	struct db_conn *c = NULL;
	unsigned got = PAGE, done = 0;
	int rc = db_read_begin(store->db, &c);

	while (rc == 0 && done < max && got == PAGE) {
		unsigned want = max - done < PAGE ? max - done : PAGE;

		rc = tbl_principal_list(c, done ? list[done - 1].name : after, rows, want, &got);
		for (unsigned i = 0; rc == 0 && i < got; i++)
			principal_of_row(&rows[i], &list[done++]);
	}
	db_read_end(c);
	if (rc == 0)
		*n = done;
	return rc;
}

/* Somebody must be left who may do everything. */
static int
check_not_last(struct txn *t, int64_t id)
{
	struct principal_row row, other;
	int rc;

	if ((rc = tbl_principal_get(t->db, id, &row)) != 0 || !row.admin || row.disabled_at)
		return rc;
	rc = tbl_principal_admin(t->db, id, &other);
	return rc == ERR_NOTFOUND ? ERR_CONFLICT : rc;
}

struct change {
	int64_t id;
	bool disabled;
	bool more;		/* result of a deletion's piece: call again */
};

static int
run_disable(struct txn *t, void *arg)
{
	struct change *change = arg;
	int rc;

	if (change->disabled && (rc = check_not_last(t, change->id)) != 0)
		return rc;
	if ((rc = tbl_principal_disable(t->db, change->id, change->disabled ? t->now_us : 0)) != 0)
		return rc;
	return txn_auth_changed(t);
}

int
principal_disable(struct store *store, int64_t id, bool disabled)
{
	struct change change = { .id = id, .disabled = disabled };

	return commit_run(store, &(struct commit) { .run = run_disable, .arg = &change, .frees = disabled });
}

/*
 * The workspaces where it had something are told so. Who was given very much is deleted in several pieces; each
 * judges anew whether deletion is allowed.
 */
static int
run_delete(struct txn *t, void *arg)
{
	struct change *change = arg;
	int64_t id = change->id;
	int rc;

	if ((rc = check_not_last(t, id)) != 0)
		return rc;
	rc = tbl_workspace_owned(t->db, id);
	if (rc != ERR_NOTFOUND)
		return rc ? rc : ERR_NOTEMPTY;
	if ((rc = txn_auth_changed(t)) != 0 || (rc = grant_revoke_all(t, id, PAGE, &change->more)) != 0 ||
	    change->more)
		return rc;
	if ((rc = tbl_grant_delete_principal(t->db, id)) != 0 || (rc = tbl_device_delete_all(t->db, id)) != 0 ||
	    (rc = tbl_key_delete_all(t->db, id)) != 0 ||
	    (rc = tbl_token_delete_all(t->db, id)) != 0)
		return rc;
	return tbl_principal_delete(t->db, id);
}

int
principal_delete(struct store *store, int64_t id)
{
	struct change change = { .id = id };
	int rc;

	do
		rc = commit_run(store, &(struct commit) { .run = run_delete, .arg = &change, .frees = true });
	while (rc == 0 && change.more);
	return rc;
}
