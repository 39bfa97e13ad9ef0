#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "idem.h"
#include "past.h"
#include "tbl_trash.h"
#include "tree_in.h"
#include "tree_scan.h"

/*
 * Deletes by id. A folder that can go as a whole loses its entry and nothing else: what it holds changes from current to history in
 * the sums of its workspace, and is destroyed when its time is over (history.h).
 */

static int
delete_file(struct txn *t, struct tree_delete *d, int64_t file)
{
	struct object_delete del = { .workspace = d->workspace, .actor = d->actor };
	struct buf name = BUF_INIT(LIMIT_KEY_STORED);
	struct target g;
	int rc = tree_aim_file(t, d->workspace, file, false, d->actor, &name, &g);

	if (rc == 0 && d->kind == NODE_FILE && !name.len)
		rc = ERR_NOTFOUND;
	if (rc == 0 && d->kind == NODE_FILE && d->base && d->base != g.entry.version_id) {
		d->current = g.entry.version_id;
		rc = ERR_PRECONDITION;
	}
	if (rc == 0 && (rc = object_delete_in(t, &g, &del)) == 0)
		rc = del.rc;
	buf_release(&name);
	return rc;
}

/* ---- whole folders ---- */

/* The rows of a folder that is no longer anywhere. */
static int
put_in_trash(struct txn *t, struct workspace_row *w, const struct entry_at *at, int64_t folder, int64_t objects,
    int64_t bytes, struct actor actor)
{
	const struct trash_folder row = { .folder = folder, .workspace = w->id, .parent = at->folder, .name = at->name,
		.deleted_at = t->now_us, .deleted_by = actor.principal, .sequence = w->sequence + 1,
		.objects = objects, .bytes = bytes };
	int rc;

	if ((rc = tbl_entry_delete(t->db, at)) != 0 || (rc = tbl_trash_insert(t->db, &row)) != 0 ||
	    (rc = tbl_folder_place(t->db, w->id, folder, FOLDER_DETACHED, at->name, w->sequence + 1)) != 0)
		return rc;
	w->objects -= objects;
	w->bytes -= bytes;
	w->history_bytes += bytes;
	w->dirty = true;
	return txn_structure_changed(t);
}

int
tree_detach(struct txn *t, struct workspace_row *w, const struct entry_at *at, int64_t objects, int64_t bytes,
    struct actor actor)
{
	struct event event = { .workspace = w->id, .type = EVENT_FOLDER_DELETED, .folder = true, .parent = at->folder,
		.name = at->name, .actor = actor.principal, .device = actor.device };
	struct entry_row e;
	int rc;

	if ((rc = tbl_entry_get(t->db, at, &e)) != 0 ||
	    (e.live && (rc = past_bury(t, w, at, &e, w->sequence + 1)) != 0) ||
	    (rc = put_in_trash(t, w, at, e.node_id, objects, bytes, actor)) != 0)
		return rc;
	event.node = e.node_id;
	return e.live ? namespace_leave(t, w, &event, true, true) : 0;
}

/* ---- piece by piece ---- */

struct taking {
	struct tree_delete *d;
	struct workspace_row *w;
	struct tree_scan scan;
	int64_t *files;
	size_t n;
};

static bool
unseen(const struct taking *k, const struct tree_scanned *f, const struct entry_seen *e)
{
	return f->foreign || e->born > k->scan.seen || e->latest > k->scan.seen;
}

/* The files of one folder that go by themselves. Its marker stays with what stays in it. */
static int
list_files(struct txn *t, struct taking *k, const struct tree_scanned *f)
{
	struct entry_at at = { k->w->id, f->folder, { "", 0 } };
	struct db_row row = DB_ROW_INIT;
	struct entry_seen e;
	int rc = tbl_entry_scan(t->db, &at, &row);

	while (rc == 0 && (rc = db_next(&row)) == 0) {
		tbl_entry_seen(&row, &e);
		if (e.kind != ENTRY_FILE || !e.live || (e.name.len ? unseen(k, f, &e) : f->unseen > 0))
			continue;
		if (k->n == TREE_PIECE)
			rc = ERR_TOOBIG;
		else
			k->files[k->n++] = e.node_id;
		k->d->deleted += rc == 0 && e.name.len;
	}
	db_row_release(&row);
	return rc == ERR_END ? 0 : rc;
}

/* Whether files of this folder go one by one: with versions all do, else those beside something that stays. */
static bool
by_files(const struct taking *k, const struct tree_scanned *f)
{
	return !f->foreign && (k->w->versioning != VERSIONING_NEVER || f->unseen);
}

/* The topmost of those without anything unseen. */
static bool
as_whole(const struct taking *k, const struct tree_scanned *f)
{
	return k->w->versioning == VERSIONING_NEVER && !f->unseen && k->scan.list[f->parent].unseen;
}

static int
detach_scanned(struct txn *t, struct taking *k, const struct tree_scanned *f)
{
	struct entry_at at = { k->w->id, k->scan.list[f->parent].folder, { k->scan.names.data + f->name, f->len } };

	k->d->deleted += f->files;
	return tree_detach(t, k->w, &at, f->objects, f->bytes, k->d->actor);
}

/* What is deepest first, so that folders end after what was in them. */
static int
take_pieces(struct txn *t, struct taking *k)
{
	struct tree_scanned *list = k->scan.list;
	int rc = 0;

	if (!(k->files = calloc(TREE_PIECE, sizeof(*k->files))))
		return ERR_NOMEM;
	for (size_t i = k->scan.n; rc == 0 && i-- > 0;)
		if (by_files(k, &list[i]))
			rc = list_files(t, k, &list[i]);
	for (size_t i = 0; rc == 0 && i < k->n; i++)
		rc = delete_file(t, k->d, k->files[i]);
	for (size_t i = k->scan.n; rc == 0 && i-- > 1;)
		if (as_whole(k, &list[i]))
			rc = detach_scanned(t, k, &list[i]);
	k->d->kept = list[0].kept;
	return rc;
}

static int
take_folder(struct txn *t, struct taking *k, const struct entry_at *at)
{
	const struct tree_scanned *top;
	struct entry_row e;
	int rc;

	if ((rc = tbl_entry_get(t->db, at, &e)) != 0 || !e.live)
		return rc ? rc : ERR_NOTFOUND;
	if ((rc = tree_scan(t, k->w->id, k->d->id, false, &k->scan)) != 0)
		return rc;
	top = &k->scan.list[0];
	if (k->d->empty_only && (top->files || k->scan.n > 1))
		return ERR_NOTEMPTY;
	if (e.born > k->scan.seen) {	/* it came here since: none of it is known */
		k->d->kept = top->files;
		return 0;
	}
	if (k->w->versioning != VERSIONING_NEVER || top->unseen)
		return take_pieces(t, k);
	k->d->deleted = top->files;
	return tree_detach(t, k->w, at, top->objects, top->bytes, k->d->actor);
}

static int
delete_folder(struct txn *t, struct tree_delete *d, struct workspace_row *w)
{
	struct taking k = { .d = d, .w = w, .scan = TREE_SCAN_INIT };
	struct buf name = BUF_INIT(LIMIT_KEY_STORED);
	struct db_row row = DB_ROW_INIT;
	struct folder_row f;
	int depth, rc;

	if ((rc = tbl_folder_get(t->db, w->id, d->id, &row, &f)) == 0) {
		buf_add(&name, f.name.p, f.name.len);
		rc = f.parent_id == FOLDER_NO_PARENT ? ERR_INVALID : buf_finish(&name);
	}
	db_row_release(&row);
	if (d->seen_only)
		k.scan.seen = d->seen;
	if (rc == 0 && (rc = tree_depth(t, w->id, d->id, &depth)) == 0)
		rc = take_folder(t, &k, &(struct entry_at) { w->id, f.parent_id, { name.data, name.len } });
	tree_scan_release(&k.scan);
	free(k.files);
	buf_release(&name);
	return rc;
}

int
tree_delete_in(struct txn *t, struct tree_delete *d)
{
	struct workspace_row *w;
	int rc;

	d->deleted = d->kept = d->current = 0;
	if ((rc = txn_workspace(t, d->workspace, &w)) != 0)
		return rc;
	if (d->kind == NODE_FOLDER)
		rc = delete_folder(t, d, w);
	else if ((rc = delete_file(t, d, d->id)) == 0)
		d->deleted = 1;
	d->sequence = w->sequence;
	return rc;
}

static int
run_delete(struct txn *t, void *arg)
{
	return tree_delete_in(t, arg);
}

int
tree_delete(struct store *store, struct tree_delete *d, struct idem *idem)
{
	return idem_run(store, &(struct commit) { .workspace = d->workspace, .run = run_delete, .arg = d, .frees = true,
	    .large = d->kind == NODE_FOLDER }, idem);
}
