#include <string.h>

#include "err.h"
#include "node.h"
#include "planted.h"
#include "tbl_event.h"
#include "transfer_in.h"
#include "tree_in.h"
#include "twin.h"
#include "workspace.h"

/*
 * Where a version that a device made goes: found and judged without a change, then committed. A file that was deleted while it was edited comes back, with
 * its versions; what others did under the name in the meantime is a conflict, and then it stays in the trash: the edit is a file of its own beside.
 */
#define COPIES_MAX 100		/* conflict copies of one file in one second */

void
transfer_place_release(struct transfer_place *p)
{
	buf_release(&p->own_name);
}

/* Whether a folder has the name. */
static int
twin(struct txn *t, const struct transfer_place *p, struct slice name, bool *yes)
{
	struct entry_row e;
	int rc = twin_get(t->db, &(struct entry_at) { p->workspace, p->folder, name }, &e);

	*yes = rc == 0;
	return rc == ERR_NOTFOUND ? 0 : rc;
}

/* A file has gone elsewhere meanwhile, perhaps: the version goes where it is now, or was last. */
static int
follow(struct txn *t, struct transfer_place *p)
{
	struct db_row row = DB_ROW_INIT;
	struct file_row f;
	int rc = tbl_file_get(t->db, p->workspace, p->file, &row, &f);

	if (rc == 0) {
		buf_clear(&p->own_name);
		buf_add(&p->own_name, f.name.p, f.name.len);
		rc = buf_finish(&p->own_name);
		p->folder = f.folder_id;
		p->name = (struct slice) { p->own_name.data ? p->own_name.data : "", p->own_name.len };
		p->revive = f.state == FILE_TRASH ? p->file : 0;
	}
	db_row_release(&row);
	/* Without a trace of it, it is written anew where it was, if that is known. */
	return rc == ERR_NOTFOUND && p->folder ? 0 : rc;
}

/* A base that is a version of the file that was of this name, and is in the trash now. */
static int
find_deleted(struct txn *t, struct transfer_place *p)
{
	struct db_row row = DB_ROW_INIT, file = DB_ROW_INIT;
	struct version_row v;
	struct file_row f;
	int rc = tbl_version_get(t->db, p->workspace, p->base, &row, &v);

	if (rc == 0 && (rc = tbl_file_get(t->db, p->workspace, v.file_id, &file, &f)) == 0 && f.state == FILE_TRASH &&
	    f.folder_id == p->folder && !bytes_cmp(f.name.p, f.name.len, p->name.p, p->name.len))
		p->revive = f.id;
	db_row_release(&file);
	db_row_release(&row);
	return rc == ERR_NOTFOUND ? 0 : rc;
}

static int
same_content(struct txn *t, struct transfer_place *p)
{
	const struct target *g = &p->target;
	struct db_row row = DB_ROW_INIT;
	struct version_row v;
	int rc;

	if ((uint64_t)g->entry.size != p->size)
		return 0;
	if ((rc = tbl_version_get(t->db, p->workspace, g->entry.version_id, &row, &v)) == 0 && v.has_hash && p->hash)
		p->same = !memcmp(v.hash, p->hash, sizeof(v.hash));
	else if (rc == 0)
		rc = transfer_same(t->db, &p->content, v.manifest, &p->same);
	db_row_release(&row);
	return rc == ERR_NOTFOUND ? ERR_CORRUPT : rc;
}

/* A name for a conflict copy that nothing has; the target is then that one. */
static int
aim_beside(struct txn *t, struct transfer_place *p)
{
	struct target *g = &p->target;
	bool folder;
	int rc;

	for (unsigned n = 1; n <= COPIES_MAX; n++) {
		transfer_conflict_name(p->name, p->label, t->now_us, n, p->conflict_name);
		if ((rc = twin(t, p, SLICE(p->conflict_name), &folder)) != 0)
			return rc;
		if (folder)
			continue;
		if ((rc = object_aim_in(t, p->workspace, p->folder, SLICE(p->conflict_name), p->actor, g)) != 0 ||
		    !g->exists || !g->entry.live)
			return rc;
	}
	return ERR_EXISTS;
}

/* A conflict copy is a new file: who may write to the file alone makes none in its folder, and is told nothing of the names in it. */
static int
may_copy(struct txn *t, const struct transfer_place *p, bool *yes)
{
	int rc = 0;

	if (p->file)
		rc = transfer_may_write(t->store, t->db, p->who, NODE_FOLDER, p->folder, p->workspace);
	*yes = rc == 0;
	return rc == ERR_NOTFOUND || rc == ERR_DENIED ? 0 : rc;
}

/* The name is another's: a conflict copy of the file `of`, or without one of none, if that is wanted. */
static int
step_aside(struct txn *t, struct transfer_place *p, int64_t of)
{
	bool may;
	int rc = may_copy(t, p, &may);

	p->revive = 0;
	if (rc)
		return rc;
	if (may && p->rename) {
		p->copy = true;
		p->conflict_of = of;
		return PLANTED("conflict") ? 0 : aim_beside(t, p);
	}
	transfer_conflict_name(p->name, p->label, t->now_us, 1, p->conflict_name);
	rc = may ? aim_beside(t, p) : 0;
	return rc == 0 || rc == ERR_EXISTS ? ERR_PRECONDITION : rc;
}

/* Something is shown under the name. */
static int
meet(struct txn *t, struct transfer_place *p)
{
	const struct entry_row *e = &p->target.entry;
	int rc = same_content(t, p);

	p->revive = 0;
	if (rc || p->same || e->version_id == p->base || PLANTED("base"))
		return rc;
	p->current = e->version_id;
	return step_aside(t, p, e->node_id);
}

/* Where a file that has gone from there is now, or would come back into. ERR_CONFLICT: nowhere, or `who` may not know. */
static int
settle(struct txn *t, struct transfer_place *p)
{
	struct db_row row = DB_ROW_INIT;
	int64_t folder = p->folder, now = 0;
	struct file_row f = { .id = 0 };
	int depth, rc = tree_depth(t, p->workspace, folder, &depth);

	if (rc != ERR_NOTFOUND)
		return rc;
	rc = transfer_permit_file(t->store, t->db, p->who, p->workspace, p->beside, folder);
	if (rc == 0 && (rc = tbl_file_get(t->db, p->workspace, p->beside, &row, &f)) == 0)
		folder = f.folder_id;
	db_row_release(&row);
	if (rc == 0 && (rc = tree_depth(t, p->workspace, folder, &depth)) == 0)
		now = folder;
	else if (rc == ERR_NOTFOUND && f.id)
		rc = tree_undelete_place(t, p->workspace, folder, &now);
	if (rc == 0 && now)
		p->folder = now;
	return rc == ERR_NOTFOUND || (rc == 0 && !now) ? ERR_CONFLICT : rc;
}

/* As things are now: the file can have gone where the caller doesn't see it. A folder that is known to be reached was asked for already. */
static int
permit(struct txn *t, const struct transfer_place *p)
{
	int rc = p->reached ? 0 : transfer_permit_file(t->store, t->db, p->who, p->workspace, p->file, p->folder);

	return rc == ERR_NOTFOUND && p->folder ? ERR_CONFLICT : rc;
}

/* The folder is there; or that of a file in the trash is gone, and what is at its path now stands in. One that isn't shown is gone where a file has its name now. */
static int
reach(struct txn *t, struct transfer_place *p)
{
	struct tree_taken taken;
	int64_t now = 0;
	int depth, rc = p->reached ? 0 : tree_depth(t, p->workspace, p->folder, &depth);

	if (rc == ERR_NOTFOUND && p->revive && (rc = tree_undelete_place(t, p->workspace, p->folder, &now)) == 0) {
		p->away = !now;
		p->folder = now ? now : p->folder;
	}
	if (rc == 0 && !p->reached && !p->away)
		rc = tree_clear(t, &(struct entry_at) { p->workspace, p->folder, { "", 0 } }, 0, &taken);
	return rc == ERR_NOTFOUND || rc == ERR_EXISTS ? ERR_CONFLICT : rc;
}

/* A folder has the name: what is new may be refused, but an edit is a conflict, of the file that it edits. */
static int
meet_folder(struct txn *t, struct transfer_place *p)
{
	int64_t named = p->base && p->target.exists ? p->target.entry.node_id : 0;

	if (!p->revive && !p->file && !p->base && !p->rename)
		return ERR_EXISTS;
	return step_aside(t, p, p->revive ? p->revive : p->file ? p->file : named);
}

/* What has the name decides. */
static int
judge(struct txn *t, struct transfer_place *p)
{
	bool folder;
	int rc;

	if ((rc = twin(t, p, p->name, &folder)) != 0 ||
	    (rc = object_aim_in(t, p->workspace, p->folder, p->name, p->actor, &p->target)) != 0)
		return rc;
	if (!p->revive && p->base && (folder || !p->target.exists) && (rc = find_deleted(t, p)) != 0)
		return rc;
	if (folder)
		return meet_folder(t, p);
	if (p->target.exists && p->target.entry.live)
		return meet(t, p);
	/* Versions that S3 keeps have the name. */
	return p->target.exists && p->revive ? step_aside(t, p, p->revive) : 0;
}

int
transfer_place_find(struct txn *t, struct transfer_place *p)
{
	struct workspace_row *w;
	int rc;

	p->same = p->away = p->revived = p->copy = false;
	p->revive = p->conflict_of = p->current = 0;
	if ((!p->file && p->beside && (rc = settle(t, p)) != 0) || (rc = permit(t, p)) != 0 || (p->file && (rc = follow(t, p)) != 0) || (rc = reach(t, p)) != 0)
		return rc;
	if (p->away)
		return (rc = txn_workspace(t, p->workspace, &w)) ? rc : workspace_admit(w, (int64_t)p->size);
	rc = judge(t, p);
	return rc || p->same ? rc : object_admit(&p->target, p->size);
}

int
transfer_place_revive(struct txn *t, struct transfer_place *p)
{
	struct tree_undelete u = { .workspace = p->workspace, .kind = NODE_FILE, .id = p->revive, .actor = p->actor };
	struct workspace_row *w;
	int rc;

	if (!p->revive)
		return 0;
	if ((rc = txn_workspace(t, p->workspace, &w)) != 0)
		return rc;
	p->before = w->sequence;
	rc = tree_undelete_in(t, &u);
	/* One that has no way back is written anew where it was. */
	if (rc && !p->away)
		return rc == ERR_NOTFOUND || rc == ERR_QUOTA ? 0 : rc;
	if (rc)
		return rc == ERR_NOTFOUND ? ERR_CONFLICT : rc;
	p->revived = true;
	return tree_aim_file(t, p->workspace, p->revive, false, p->actor, &p->own_name, &p->target);
}

int
transfer_place_commit(struct txn *t, struct transfer_place *p, const struct object_new *new, struct object_info *info)
{
	struct object_new n = *new;
	struct workspace_row *w;
	int rc;

	if ((rc = txn_workspace(t, p->workspace, &w)) != 0)
		return rc;
	/* What devices write into stays (SEMANTICS 9). */
	if (!p->revived && !p->reached && !(p->target.exists && p->target.entry.live)) {
		if ((rc = tree_mark(t, w, p->folder, p->actor)) != 0)
			return rc;
		p->reached = true;
	}
	n.event = p->copy ? EVENT_CONFLICT_COPY_CREATED : 0;
	if ((rc = object_commit(t, &p->target, &n, info)) != 0)
		return rc;
	return p->revived ? tbl_event_join(t->db, p->workspace, p->before, w->sequence) : 0;
}
