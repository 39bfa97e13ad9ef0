#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "commit.h"
#include "db.h"
#include "digest.h"
#include "err.h"
#include "feed.h"
#include "grant.h"
#include "ingest.h"
#include "perm.h"
#include "store_in.h"
#include "tbl_grant.h"
#include "tbl_node.h"
#include "tbl_principal.h"
#include "tbl_workspace.h"
#include "walk.h"

struct change {
	int64_t workspace, principal;
	struct slice path;
	enum role role;			/* ROLE_NONE: revoke */
	struct actor actor;
	bool no_folder;			/* result: the folder is missing */
};

struct ending {
	unsigned max, n;
};

static int
find_target(struct txn *t, int64_t workspace, int64_t root, struct slice path, struct grant_target *target)
{
	struct walk w = { .db = t->db, .workspace = workspace, .folder = root, .rest = path };
	int rc;

	*target = (struct grant_target) { .kind = GRANT_WORKSPACE, .resource = workspace, .node = root, .name = { "", 0 } };
	while ((rc = walk_next(&w)) == 0)
		*target = (struct grant_target) {
			.kind = w.is_folder ? GRANT_FOLDER : GRANT_FILE,
			.resource = w.node.id,
			.node = w.node.id,
			.parent = w.parent,
			.name = w.name,
		};
	if (rc == ERR_END && target->kind == GRANT_FILE && !w.node.live)
		return ERR_NOTFOUND;
	return rc == ERR_END ? 0 : rc;
}

/* Who is given a file is told of it as it is now, and needs no second call. */
static int
add_content(struct txn *t, struct event *e)
{
	struct db_row row = DB_ROW_INIT;
	struct node_row n;
	int rc = tbl_node_file(t->db, e->node, &row, &n);

	if (rc == 0) {
		e->version = n.version_id;
		e->size = (uint64_t)n.size;
		e->has_hash = n.hash.len == sizeof(e->content_hash);
		if (e->has_hash)
			memcpy(e->content_hash, n.hash.p, sizeof(e->content_hash));
	}
	db_row_release(&row);
	return rc;
}

int
grant_tell(struct txn *t, const struct grant_target *target, int64_t workspace, int64_t principal, enum role role,
    struct actor actor)
{
	struct event event = {
		.workspace = workspace,
		.type = role == ROLE_NONE ? EVENT_SHARE_REVOKED : EVENT_SHARE_GRANTED,
		.ends_commit = true,
		.folder = target->kind != GRANT_FILE,
		.node = target->node,
		.parent = target->parent,
		.name = target->name,
		.actor = actor.principal,
		.device = actor.device,
		.occurred_us = t->now_us,
		.principal = principal,
		.role = (int)role,
	};
	int rc = role != ROLE_NONE && target->kind == GRANT_FILE ? add_content(t, &event) : 0;

	return rc ? rc : feed_emit(t, &event);
}

static int
run_change(struct txn *t, void *arg)
{
	struct change *ch = arg;
	struct workspace_row *ws;
	struct principal_row who;
	struct grant_target target;
	int rc;

	ch->no_folder = false;
	if ((rc = txn_workspace(t, ch->workspace, &ws)) != 0 ||
	    (rc = tbl_principal_get(t->db, ch->principal, &who)) != 0)
		return rc;
	if ((rc = find_target(t, ch->workspace, ws->root_folder_id, ch->path, &target)) != 0) {
		ch->no_folder = rc == ERR_NOTFOUND && ch->path.p[ch->path.len - 1] == '/';
		return rc;
	}
	if (ch->role == ROLE_NONE)
		rc = tbl_grant_revoke(t->db, ch->workspace, target.resource, ch->principal, t->now_us, ws->sequence + 1);
	else
		rc = tbl_grant_put(t->db, &(struct grant_row) { .resource_id = target.resource,
		    .principal_id = ch->principal, .workspace_id = ch->workspace, .resource_kind = target.kind,
		    .role = (int)ch->role, .created_by = ch->actor.principal, .created_at = t->now_us,
		    .given = ws->sequence + 1 });
	if (rc != 0 || (rc = grant_tell(t, &target, ch->workspace, ch->principal, ch->role, ch->actor)) != 0)
		return rc;
	return txn_auth_changed(t);
}

/* A folder that is granted before anything is in it gets its marker, as any folder that somebody makes. */
static int
make_folder(struct store *store, const struct change *ch)
{
	static const struct ingest_result nothing = { 0 };
	struct buf headers = BUF_INIT(64);
	struct object_put put = {
		.workspace = ch->workspace,
		.key = ch->path,
		.bytes = &nothing,
		.has_hash = true,
		.headers = &headers,
		.expect = { .kind = EXPECT_ABSENT },
		.actor = ch->actor,
	};
	uint8_t md5[MD5_SIZE];
	int rc;

	digest_md5("", 0, md5);
	hex_encode(md5, sizeof(md5), put.etag);
	digest_sha256("", 0, put.content_hash);
	rc = object_put(store, &put, NULL);
	return rc == ERR_PRECONDITION ? 0 : rc;	/* somebody else made it */
}

int
grant_add(struct store *store, int64_t workspace, struct slice path, int64_t principal, enum role role,
    struct actor actor)
{
	struct change ch = { .workspace = workspace, .principal = principal, .path = path, .role = role, .actor = actor };
	const struct commit commit = { .workspace = workspace, .run = run_change, .arg = &ch };
	int rc;

	if (role <= ROLE_NONE || role > ROLE_OWNER)
		return ERR_INVALID;
	rc = commit_run(store, &commit);
	if (rc == ERR_NOTFOUND && ch.no_folder && (rc = make_folder(store, &ch)) == 0)
		rc = commit_run(store, &commit);
	return rc;
}

int
grant_remove(struct store *store, int64_t workspace, struct slice path, int64_t principal, struct actor actor)
{
	struct change ch = { .workspace = workspace, .principal = principal, .path = path, .actor = actor };

	return commit_run(store, &(struct commit) { .workspace = workspace, .run = run_change, .arg = &ch, .frees = true });
}

static int
revoke_one(struct txn *t, const struct grant_row *g)
{
	struct buf name = BUF_INIT(LIMIT_KEY_STORED);
	struct grant_target target = { .kind = g->resource_kind, .node = g->resource_id };
	struct workspace_row *ws;
	int rc;

	if ((rc = txn_workspace(t, g->workspace_id, &ws)) != 0 ||
	    (rc = tbl_grant_revoke(t->db, g->workspace_id, g->resource_id, g->principal_id, t->now_us, ws->sequence + 1)) != 0)
		goto out;
	if (g->resource_kind == GRANT_WORKSPACE)
		target.node = ws->root_folder_id;
	rc = tbl_grant_place(t->db, g->workspace_id, g->resource_kind, target.node, &target.parent, &name);
	target.name = (struct slice) { name.data ? name.data : "", name.len };
	if (rc == 0)
		rc = grant_tell(t, &target, g->workspace_id, g->principal_id, ROLE_NONE, (struct actor) { 0 });
	else if (rc == ERR_NOTFOUND)
		rc = 0;		/* what was shared is gone, and the feed said so then */
out:
	buf_release(&name);
	return rc;
}

int
grant_revoke_all(struct txn *t, int64_t principal, unsigned max, bool *more)
{
	struct grant_row *rows = calloc(max, sizeof(*rows));
	unsigned n = 0;
	int rc;

	if (!rows)
		return ERR_NOMEM;
	rc = tbl_grant_of(t->db, principal, rows, max, &n);
	for (unsigned i = 0; rc == 0 && i < n; i++)
		rc = revoke_one(t, &rows[i]);
	*more = n == max;
	free(rows);
	return rc;
}

/* ---- folders and files that end ---- */

int
grant_end(struct txn *t, int64_t node)
{
	return tbl_grant_ending(t->db, node);
}

static int
run_end(struct txn *t, void *arg)
{
	struct ending *ending = arg;
	struct grant_target target = { .name = { "", 0 } };
	struct workspace_row *ws;
	struct grant_row g = { 0 };
	int rc = 0;

	for (ending->n = 0; ending->n < ending->max; ending->n++) {
		if ((rc = tbl_grant_first_ending(t->db, &g)) != 0)
			break;
		target.kind = g.resource_kind;
		target.node = g.resource_id;
		if ((rc = txn_workspace(t, g.workspace_id, &ws)) != 0 ||
		    (rc = tbl_grant_revoke(t->db, g.workspace_id, g.resource_id, g.principal_id, t->now_us, ws->sequence + 1)) != 0 ||
		    (rc = grant_tell(t, &target, g.workspace_id, g.principal_id, ROLE_NONE, (struct actor) { 0 })) != 0)
			return rc;
	}
	if (rc && rc != ERR_NOTFOUND)
		return rc;
	return ending->n ? txn_auth_changed(t) : 0;
}

int
grant_expire(struct store *store, unsigned max, unsigned *n)
{
	struct ending ending = { .max = max };
	struct db_conn *db = NULL;
	struct grant_row g;
	int rc;

	*n = 0;
	if ((rc = db_read_begin(store->db, &db)) != 0)
		return rc;
	rc = tbl_grant_first_ending(db, &g);
	db_read_end(db);
	if (rc)
		return rc == ERR_NOTFOUND ? 0 : rc;
	if ((rc = commit_run(store, &(struct commit) { .run = run_end, .arg = &ending, .frees = true })) == 0)
		*n = ending.n;
	return rc;
}
