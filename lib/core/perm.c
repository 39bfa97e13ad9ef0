#include "cache.h"
#include "caches.h"
#include "commit.h"
#include "db.h"
#include "err.h"
#include "node.h"
#include "perm.h"
#include "perm_fact.h"
#include "store_in.h"
#include "tbl_grant.h"
#include "tbl_workspace.h"
#include "walk.h"

/*
 * What is true of a whole workspace (owner, a grant on it) is cached under the authorisation epoch, and with it whether there
 * are grants on folders or files at all. Only for those the tree is walked.
 */

static const enum role needed[] = {
	[ACTION_LIST] = ROLE_VIEWER,
	[ACTION_READ] = ROLE_VIEWER,
	[ACTION_WRITE] = ROLE_EDITOR,
	[ACTION_MANAGE] = ROLE_OWNER,
};

static int
look_up(struct db_conn *c, int64_t principal, int64_t workspace, struct perm_fact *fact)
{
	struct workspace_row row;
	int64_t paths = 0;
	int role = 0, rc;

	if ((rc = tbl_workspace_get(c, workspace, &row)) == 0)
		rc = tbl_grant_sums(c, workspace, principal, &role, &paths);
	if (rc == 0)
		*fact = (struct perm_fact) {
			.root = row.root_folder_id,
			.role = row.owner_id == principal ? ROLE_OWNER : (enum role)role,
			.paths = paths > 0,
		};
	return rc;
}

/* `db`: a transaction of the caller's, or NULL. A closure may see what an earlier one of its batch changed. */
static int
fact_of(struct store *store, struct db_conn *db, int64_t principal, int64_t workspace, struct perm_fact *fact)
{
	const int64_t key[2] = { workspace, principal };
	int64_t epoch = store_auth_epoch(store);
	struct db_conn *own = NULL;
	int rc;

	if (!(db && store->auth_changing) &&
	    (rc = cache_get(store->caches->grants, key, sizeof(key), epoch, fact)) != ERR_AGAIN)
		return rc;
	if (!db && (rc = db_read_begin(store->db, &own)) != 0)
		return rc;
	rc = look_up(db ? db : own, principal, workspace, fact);
	db_read_end(own);
	/* What an older snapshot says may not be put under today's epoch. */
	if (!db && (rc == 0 || rc == ERR_NOTFOUND))
		cache_put(store->caches->grants, key, sizeof(key), epoch, rc ? NULL : fact);
	return rc;
}

/*
 * The strongest role that grants on the way to `key` give. A prefix that is listed stands for the folder that it is in: a grant
 * on the file "report" doesn't show "report-2".
 */
static int
walk_role(struct store *store, int64_t principal, int64_t workspace, int64_t root, struct slice key, bool listing,
    enum role *role)
{
	struct walk w = { .workspace = workspace, .folder = root, .rest = key };
	int rc, granted;

	*role = ROLE_NONE;
	if ((rc = db_read_begin(store->db, &w.db)) != 0)
		return rc;
	while ((rc = walk_next(&w)) == 0 && (w.is_folder || !listing)) {
		rc = tbl_grant_role(w.db, workspace, w.node.id, principal, &granted);
		if (rc == 0 && (enum role)granted > *role)
			*role = (enum role)granted;
		else if (rc != 0 && rc != ERR_NOTFOUND)
			break;
	}
	db_read_end(w.db);
	return rc == ERR_END || rc == ERR_NOTFOUND ? 0 : rc;
}

int
perm_check(struct store *store, const struct principal *who, enum action action, int64_t workspace, struct slice key)
{
	struct perm_fact fact;
	enum role role;
	int rc;

	if (who->admin)
		return 0;
	if ((rc = fact_of(store, NULL, who->id, workspace, &fact)) != 0)
		return rc == ERR_NOTFOUND ? ERR_DENIED : rc;
	if (fact.role >= needed[action])
		return 0;
	if (!fact.paths || key.len == 0 || action == ACTION_MANAGE)
		return ERR_DENIED;
	rc = walk_role(store, who->id, workspace, fact.root, key, action == ACTION_LIST, &role);
	return rc ? rc : role >= needed[action] ? 0 : ERR_DENIED;
}

int
perm_role(struct store *store, struct db_conn *db, const struct principal *who, int64_t workspace, enum role *role)
{
	struct perm_fact fact;
	int rc = fact_of(store, db, who->id, workspace, &fact);

	if (rc == 0)
		*role = who->admin ? ROLE_OWNER : fact.role;
	return rc;
}

int
perm_allows(enum role role, enum action action)
{
	return role >= needed[action] ? 0 : ERR_DENIED;
}

int
perm_check_create(const struct principal *who)
{
	return who->admin || who->may_create_buckets ? 0 : ERR_DENIED;
}

bool
perm_any(struct store *store, const struct principal *who, int64_t workspace)
{
	struct perm_fact fact;

	if (who->admin)
		return true;
	return fact_of(store, NULL, who->id, workspace, &fact) == 0 && (fact.role != ROLE_NONE || fact.paths);
}
