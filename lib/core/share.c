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
#include "tree_in.h"

struct sharing {
	struct share *s;
	struct node node;
};

/* What is meant, as rows and events name it. target->name lives in the node. */
static int
find_target(struct txn *t, struct sharing *sh, const struct workspace_row *w, struct grant_target *target)
{
	struct share *s = sh->s;
	int rc;

	if (s->kind == SHARE_FOLDER && s->id == w->root_folder_id) {
		s->kind = SHARE_WORKSPACE;
		s->id = w->id;
	}
	*target = (struct grant_target) { .kind = (int)s->kind, .resource = s->id, .node = s->id, .name = { "", 0 } };
	if (s->kind == SHARE_WORKSPACE) {
		target->node = w->root_folder_id;
		return s->id == w->id ? 0 : ERR_NOTFOUND;
	}
	if ((rc = node_load(t->db, s->kind == SHARE_FILE ? NODE_FILE : NODE_FOLDER, s->id, &sh->node)) != 0 ||
	    (rc = node_locate(t->db, &sh->node)) != 0)
		return rc;
	if (sh->node.workspace != w->id)
		return ERR_NOTFOUND;
	if (s->kind == SHARE_FOLDER)
		buf_addch(&sh->node.name, '/');
	target->parent = sh->node.parent;
	target->name = (struct slice) { sh->node.name.data ? sh->node.name.data : "", sh->node.name.len };
	return buf_finish(&sh->node.name);
}

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
	if (w->owner_id == sh->s->principal)
		return ERR_CONFLICT;
	if ((rc = find_target(t, sh, w, &target)) != 0)
		return rc;
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

	if ((rc = txn_workspace(t, s->workspace, &w)) != 0 || (rc = find_target(t, sh, w, &target)) != 0)
		return rc;
	rc = tbl_grant_revoke(t->db, w->id, target.resource, s->principal, t->now_us, w->sequence + 1);
	if (rc == ERR_NOTFOUND && w->owner_id == s->principal)
		return ERR_CONFLICT;
	if (rc != 0 || (rc = grant_tell(t, &target, w->id, s->principal, ROLE_NONE, s->actor)) != 0)
		return rc;
	s->sequence = w->sequence;
	return PLANTED("cache") ? 0 : txn_auth_changed(t);
}

static int
run(struct store *store, struct share *s, int (*closure)(struct txn *t, void *arg), bool frees, struct idem *idem)
{
	struct sharing sh = { .s = s, .node = NODE_INIT };
	const struct commit commit = { .workspace = s->workspace, .run = closure, .arg = &sh, .frees = frees };
	int rc = idem_run(store, &commit, idem);

	node_release(&sh.node);
	return rc;
}

int
share_give(struct store *store, struct share *s, struct idem *idem)
{
	if (s->role <= ROLE_NONE || s->role > ROLE_OWNER)
		return ERR_INVALID;
	return run(store, s, run_give, false, idem);
}

int
share_take(struct store *store, struct share *s, struct idem *idem)
{
	return run(store, s, run_take, true, idem);
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
