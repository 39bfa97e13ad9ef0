#include <string.h>

#include "clock.h"
#include "commit.h"
#include "db.h"
#include "err.h"
#include "grant.h"
#include "idem.h"
#include "misses.h"
#include "planted.h"
#include "share.h"
#include "store_in.h"
#include "tbl_grant.h"
#include "tbl_principal.h"
#include "tree.h"
#include "tree_in.h"

struct sharing {
	struct store *store;
	struct share *s;
	struct node node;
	bool gone;			/* it is in the trash, or in what is */
	bool by_root;			/* the workspace, asked for by its root folder: that there is one is not for everybody */
};

/* ---- what is meant ---- */

static enum node_kind
node_kind_of(const struct share *s)
{
	return s->kind == SHARE_FILE ? NODE_FILE : NODE_FOLDER;
}

static int
find_shown(struct db_conn *db, struct sharing *sh, int64_t *workspace)
{
	int rc = node_load(db, node_kind_of(sh->s), sh->s->id, &sh->node);

	*workspace = sh->node.workspace;
	return rc ? rc : node_locate(db, &sh->node);
}

/* Where it was when it went. */
static int
find_gone(struct db_conn *db, struct sharing *sh, int64_t *workspace)
{
	struct tree_gone gone;
	int rc = tree_trash_find(db, node_kind_of(sh->s), sh->s->id, &gone, workspace, &sh->node.name);

	sh->gone = true;
	sh->node.parent = rc == 0 ? gone.parent : 0;
	return rc;
}

/* As rows and events name it. target->name lives in the node. `trash`: there, too. */
static int
find_target(struct db_conn *db, struct sharing *sh, const struct workspace_row *w, bool trash, struct grant_target *target)
{
	struct share *s = sh->s;
	int64_t workspace = 0;
	int rc;

	sh->gone = s->found = false;
	if (s->kind == SHARE_FOLDER && s->id == w->root_folder_id) {
		s->kind = SHARE_WORKSPACE;
		s->id = w->id;
		sh->by_root = true;
	}
	*target = (struct grant_target) { .kind = (int)s->kind, .resource = s->id, .node = s->id, .name = { "", 0 } };
	if (s->kind == SHARE_WORKSPACE) {
		target->node = w->root_folder_id;
		return s->id == w->id ? 0 : ERR_NOTFOUND;
	}
	if ((rc = find_shown(db, sh, &workspace)) == ERR_NOTFOUND && trash)
		rc = find_gone(db, sh, &workspace);
	if (rc != 0 || workspace != w->id)
		return rc ? rc : ERR_NOTFOUND;
	if (s->kind == SHARE_FOLDER)
		buf_addch(&sh->node.name, '/');
	target->parent = sh->node.parent;
	target->name = (struct slice) { sh->node.name.data ? sh->node.name.data : "", sh->node.name.len };
	return buf_finish(&sh->node.name);
}

/* ---- who may ---- */

/* What is in the trash belongs to whom the nearest folder belongs that it was in and that is there: its own grants sleep. */
static int
gone_role(struct db_conn *db, const struct sharing *sh, const struct workspace_row *w, enum role *role)
{
	struct buf name = BUF_INIT(LIMIT_KEY_STORED);
	struct node above = NODE_INIT;
	int64_t folder = sh->node.parent;
	int rc = ERR_NOTFOUND;

	for (int depth = 0; rc == ERR_NOTFOUND && depth <= LIMIT_DEPTH + 1; depth++) {
		if ((rc = node_load(db, NODE_FOLDER, folder, &above)) == 0 && (rc = node_locate(db, &above)) == 0)
			rc = node_role(sh->store, db, sh->s->who, NODE_FOLDER, folder, w->id, role, NULL);
		else if (rc == ERR_NOTFOUND && tree_last_place(db, w->id, folder, &folder, &name) == ERR_NOTFOUND)
			break;
	}
	node_release(&above);
	buf_release(&name);
	return rc == ERR_NOTFOUND ? perm_role(sh->store, db, sh->s->who, w->id, role) : rc;
}

/* As things are now. What is in the trash is there for its owners alone, and its grants for those who got them. */
static int
permit(struct db_conn *db, const struct sharing *sh, const struct workspace_row *w, bool taking)
{
	struct share *s = sh->s;
	enum role role = ROLE_OWNER;
	struct grant_row own;
	int rc = 0;

	if (s->who && s->kind == SHARE_WORKSPACE)
		rc = perm_role(sh->store, db, s->who, w->id, &role);
	else if (s->who && sh->gone)
		rc = gone_role(db, sh, w, &role);
	else if (s->who)
		rc = node_role(sh->store, db, s->who, node_kind_of(s), s->id, w->id, &role, NULL);
	if (rc)
		return rc;
	s->found = role >= (sh->gone ? ROLE_OWNER : ROLE_VIEWER) || (s->kind == SHARE_WORKSPACE && !sh->by_root);
	if (taking && s->who && s->who->id == s->principal) {
		rc = tbl_grant_get(db, s->id, s->principal, &own);
		s->found |= rc == 0;
		return rc && rc != ERR_NOTFOUND ? rc : s->found ? 0 : ERR_NOTFOUND;
	}
	return s->found ? perm_allows(role, ACTION_MANAGE) : ERR_NOTFOUND;
}

/* ---- the changes ---- */

static int
give(struct txn *t, struct share *s, struct workspace_row *w, const struct grant_target *target)
{
	struct grant_row new = { .resource_id = target->resource, .principal_id = s->principal, .workspace_id = w->id,
		.resource_kind = target->kind, .role = (int)s->role, .created_by = s->actor.principal, .created_at = t->now_us };
	struct grant_row old;
	int rc = tbl_grant_get(t->db, target->resource, s->principal, &old);

	s->created_us = rc == 0 && old.role == (int)s->role ? old.created_at : t->now_us;
	s->sequence = w->sequence;
	if (rc == 0 && old.role == (int)s->role)
		return 0;
	if ((rc != 0 && rc != ERR_NOTFOUND) ||
	    (s->kind == SHARE_FOLDER && (rc = tree_mark(t, w, s->id, s->actor)) != 0))
		return rc;
	new.given = w->sequence + 1;
	if ((rc = tbl_grant_put(t->db, &new)) != 0 ||
	    (rc = grant_tell(t, target, w->id, s->principal, s->role, s->actor)) != 0)
		return rc;
	s->sequence = w->sequence;
	return PLANTED("cache") ? 0 : txn_auth_changed(t);
}

static int
run_give(struct txn *t, void *arg)
{
	struct sharing *sh = arg;
	struct grant_target target;
	struct principal_row who;
	struct workspace_row *w;
	int rc;

	if ((rc = txn_workspace(t, sh->s->workspace, &w)) != 0)
		return rc;
	if ((rc = tbl_principal_get(t->db, sh->s->principal, &who)) != 0)
		return rc == ERR_NOTFOUND ? ERR_INVALID : rc;
	if ((rc = find_target(t->db, sh, w, false, &target)) != 0 || (rc = permit(t->db, sh, w, false)) != 0)
		return rc;
	if (w->owner_id == sh->s->principal)
		return ERR_CONFLICT;
	return give(t, sh->s, w, &target);
}

static int
run_take(struct txn *t, void *arg)
{
	struct sharing *sh = arg;
	struct share *s = sh->s;
	struct grant_target target;
	struct workspace_row *w;
	int rc;

	if ((rc = txn_workspace(t, s->workspace, &w)) != 0 || (rc = find_target(t->db, sh, w, true, &target)) != 0 ||
	    (rc = permit(t->db, sh, w, true)) != 0)
		return rc;
	rc = tbl_grant_revoke(t->db, w->id, target.resource, s->principal, t->now_us, w->sequence + 1);
	if (rc == ERR_NOTFOUND && w->owner_id == s->principal)
		return ERR_CONFLICT;
	if (rc != 0 || (rc = grant_tell(t, &target, w->id, s->principal, ROLE_NONE, s->actor)) != 0)
		return rc;
	s->sequence = w->sequence;
	return PLANTED("cache") ? 0 : txn_auth_changed(t);
}

/* Refused without a commit, so that what is hidden takes as long as what is not there. */
static int
look_first(struct sharing *sh)
{
	struct share *s = sh->s;
	struct db_conn *db = NULL;
	struct workspace_row w;
	struct grant_target target;
	struct tree_gone gone;
	int64_t workspace = s->id;
	int rc = db_read_begin(sh->store->db, &db);

	if (rc)
		return rc;
	s->found = false;
	if (s->kind != SHARE_WORKSPACE)
		rc = tree_trash_find(db, node_kind_of(s), s->id, &gone, &workspace, &sh->node.name);
	if (rc == 0 && s->workspace && s->workspace != workspace)
		rc = ERR_NOTFOUND;
	s->workspace = workspace;
	if (rc == 0 && (rc = tbl_workspace_get(db, s->workspace, &w)) == 0 &&
	    (rc = find_target(db, sh, &w, true, &target)) == 0)
		rc = permit(db, sh, &w, true);
	db_read_end(db);
	return rc;
}

static int
run(struct sharing *sh, int (*closure)(struct txn *t, void *arg), bool frees, struct idem *idem)
{
	return idem_run(sh->store, &(struct commit) { .workspace = sh->s->workspace, .run = closure, .arg = sh, .frees = frees },
	    idem);
}

int
share_give(struct store *store, struct share *s, struct idem *idem)
{
	struct sharing sh = { .store = store, .s = s, .node = NODE_INIT };
	int rc;

	if (s->role <= ROLE_NONE || s->role > ROLE_OWNER)
		return ERR_INVALID;
	rc = run(&sh, run_give, false, idem);
	node_release(&sh.node);
	return rc;
}

int
share_take(struct store *store, struct share *s, struct idem *idem)
{
	struct sharing sh = { .store = store, .s = s, .node = NODE_INIT };
	int rc = look_first(&sh);

	if (rc == 0)
		rc = run(&sh, run_take, true, idem);
	node_release(&sh.node);
	return rc;
}

int
share_principal(struct store *store, const struct principal *who, const char *name, int64_t id, struct principal *p,
    int64_t *wait_us)
{
	int64_t now = clock_mono_us(), wait = misses_wait(store->misses, who->id, now);
	int rc;

	if (wait) {
		*wait_us = wait;
		return ERR_BUSY;
	}
	rc = name ? principal_find(store, name, p) : principal_get(store, id, p);
	if (rc == ERR_NOTFOUND)
		misses_add(store->misses, who->id, now);
	return rc;
}
