#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "idem.h"
#include "planted.h"
#include "tbl_trash.h"
#include "tree_in.h"
#include "tree_scan.h"
#include "workspace.h"

/*
 * Out of the trash. Where something was is known by its folder's id; if that is gone too, by the path that it had last, from entry_past and the
 * trash, whose folders are made again.
 */

struct undeletion {
	struct tree_undelete *u;
	struct workspace_row *w;
	int64_t was_in;			/* the folder it was deleted in */
	struct buf name;		/* as it will be stored */
	struct buf path;		/* of the folder that takes it; without u->parent */
	int64_t folder;			/* that folder, where it is there */
	int depth;			/* its own, at most */
};
#define UNDELETION_INIT { .name = BUF_INIT(LIMIT_KEY_STORED), .path = BUF_INIT(LIMIT_KEY_STORED * 2) }

static struct slice
slice_of(const struct buf *b)
{
	return (struct slice) { b->data ? b->data : "", b->len };
}

static void
release(struct undeletion *x)
{
	buf_release(&x->name);
	buf_release(&x->path);
}

/* ---- where to ---- */

int
tree_last_place(struct db_conn *db, int64_t workspace, int64_t folder, int64_t *parent, struct buf *name)
{
	struct db_row row = DB_ROW_INIT;
	struct entry_at at = { 0 };
	struct trash_folder gone;
	struct folder_row f;
	int rc = tbl_folder_get(db, workspace, folder, &row, &f);

	if (rc == 0)
		at = (struct entry_at) { workspace, f.parent_id, f.name };
	if (rc == 0 && f.parent_id == FOLDER_DETACHED) {
		db_row_release(&row);
		if ((rc = tbl_trash_get(db, workspace, folder, &row, &gone)) == 0)
			at = (struct entry_at) { workspace, gone.parent, gone.name };
	} else if (rc == ERR_NOTFOUND) {
		rc = tbl_entry_last(db, workspace, folder, &row, &at);
	}
	if (rc == 0) {
		buf_clear(name);
		buf_add(name, at.name.p, at.name.len);
		*parent = at.folder;
		rc = buf_finish(name);
	}
	db_row_release(&row);
	return rc;
}

/* The path that led to the folder last, and how deep it is. */
static int
last_path(struct txn *t, struct undeletion *x)
{
	struct buf name = BUF_INIT(LIMIT_KEY_STORED), path = BUF_INIT(LIMIT_KEY_STORED * 2);
	int64_t folder = x->was_in;
	int rc = 0;

	buf_clear(&x->path);
	for (x->depth = 0; rc == 0 && folder != x->w->root_folder_id; x->depth++) {
		if ((rc = x->depth > LIMIT_DEPTH ? ERR_NOTFOUND : tree_last_place(t->db, x->w->id, folder, &folder, &name)) != 0)
			break;
		buf_clear(&path);
		buf_add(&path, name.data, name.len);
		buf_add(&path, x->path.data, x->path.len);
		buf_clear(&x->path);
		buf_add(&x->path, path.data, path.len);
		rc = buf_finish(&x->path);
	}
	buf_release(&name);
	buf_release(&path);
	return rc;
}

static int
in_the_way(struct undeletion *x, int rc, const struct tree_taken *taken)
{
	x->u->existing = taken->id;
	x->u->existing_kind = taken->kind;
	return rc;
}

/* The folders that would be made again: a file that is called as the first of them leaves no room for it. */
static int
check_missing(struct txn *t, struct undeletion *x, const struct namespace_place *place)
{
	struct slice rest = { place->path.p + place->found, place->path.len - place->found };
	struct tree_taken taken = { 0 };

	for (rest.len = 0; rest.p[rest.len++] != '/';)
		;
	return in_the_way(x, tree_clear(t, &(struct entry_at) { x->w->id, place->folder, rest }, 0, &taken), &taken);
}

/* The folder that takes it, if it is there: then its name can be taken too. ERR_EXISTS: it would have to be made again, and a file has the name. */
static int
find_place(struct txn *t, struct undeletion *x)
{
	struct namespace_place place;
	int rc;

	x->folder = x->u->parent ? x->u->parent : x->was_in;
	rc = tree_depth(t, x->w->id, x->folder, &x->depth);
	if (rc != ERR_NOTFOUND || x->u->parent)
		return rc;
	if ((rc = last_path(t, x)) != 0 ||
	    (rc = namespace_locate_in(t, x->w->id, x->w->root_folder_id, slice_of(&x->path), &place)) != 0)
		return rc;
	x->folder = place.found == place.path.len ? place.folder : 0;
	return x->folder ? 0 : check_missing(t, x, &place);
}

static int
set_name(struct undeletion *x, struct slice was)
{
	struct slice asked = x->u->name;
	int rc = asked.p ? tree_name_check(asked) : 0;

	if (rc)
		return rc;
	buf_add(&x->name, asked.p ? asked.p : was.p, asked.p ? asked.len : was.len);
	if (asked.p && x->u->kind == NODE_FOLDER)
		buf_addch(&x->name, '/');
	return buf_finish(&x->name);
}

static int
check_name(struct txn *t, struct undeletion *x)
{
	struct entry_at at = { x->w->id, x->folder, slice_of(&x->name) };
	struct tree_taken taken = { 0 };

	return in_the_way(x, x->folder ? tree_free(t, &at, &taken) : 0, &taken);
}

/* The same for what comes back by the end of its marker: its own versions have the name, and are no hindrance. */
static int
check_shown(struct txn *t, struct undeletion *x, int64_t folder, struct slice was)
{
	struct tree_taken taken = { 0 };
	struct entry_at at = { x->w->id, x->u->parent ? x->u->parent : folder, { "", 0 } };
	int rc = set_name(x, was);

	at.name = slice_of(&x->name);
	return rc ? rc : in_the_way(x, tree_clear(t, &at, 0, &taken), &taken);
}

/* Its folder is made if needed, and shows it from now on: *born gets the sequence of the event that will say so. */
static int
enter(struct txn *t, struct undeletion *x, struct entry_at *at, int64_t *born)
{
	struct namespace_place place = { .path = { "", 0 }, .name = slice_of(&x->name) };
	int rc = x->folder ? tree_mark(t, x->w, x->folder, x->u->actor) :
			     tree_mark_path(t, x->w, slice_of(&x->path), x->u->actor, &x->folder);

	place.folder = x->folder;
	*at = (struct entry_at) { x->w->id, x->folder, place.name };
	if (rc || (rc = namespace_enter(t, x->w, &place, true, true, x->u->actor)) != 0)
		return rc;
	*born = x->w->sequence + 1;
	return 0;
}

/* ---- files ---- */

static int
revive_file(struct txn *t, struct undeletion *x, const struct version_row *v)
{
	struct entry_row e = { .kind = ENTRY_FILE, .node_id = x->u->id, .live = true, .version_id = v->id, .size = v->size,
		.modified_at = v->created_at };
	struct event event = { .workspace = x->w->id, .type = EVENT_FILE_RESTORED, .ends_commit = true, .node = x->u->id,
		.version = v->id, .size = (uint64_t)v->size, .has_hash = v->has_hash,
		.actor = x->u->actor.principal, .device = x->u->actor.device };
	struct entry_at at;
	int rc;

	if ((rc = enter(t, x, &at, &e.born)) != 0)
		return rc;
	e.latest = e.born;
	memcpy(e.etag, v->etag, sizeof(e.etag));
	memcpy(event.content_hash, v->hash, sizeof(v->hash));
	event.parent = at.folder;
	event.name = at.name;
	x->w->history_bytes -= v->keep == KEEP_HISTORY ? v->size : 0;
	x->w->noncurrent_bytes -= v->keep == KEEP_NONCURRENT ? v->size : 0;
	x->w->bytes += v->size;
	x->w->objects++;
	x->w->dirty = true;
	if ((rc = tbl_version_promote(t->db, x->w->id, v->id)) != 0 ||
	    (rc = tbl_entry_insert(t->db, &at, &e)) != 0 ||
	    (rc = tbl_file_revive(t->db, x->w->id, x->u->id, v->id, e.born)) != 0 ||
	    (rc = tbl_file_place(t->db, x->w->id, x->u->id, at.folder, at.name, e.born)) != 0)
		return rc;
	return feed_emit(t, &event);
}

static int
undelete_trash_file(struct txn *t, struct undeletion *x, const struct file_row *f)
{
	struct db_row row = DB_ROW_INIT;
	struct version_row v;
	int rc;

	if (f->deleted_at <= t->now_us - x->w->history_ms * 1000)
		return ERR_NOTFOUND;
	x->was_in = f->folder_id;
	if ((rc = set_name(x, f->name)) != 0 || (rc = find_place(t, x)) != 0 || (rc = check_name(t, x)) != 0)
		return rc;
	if ((rc = tbl_version_newest_old(t->db, x->w->id, f->id, &row, &v)) == 0 &&
	    (rc = workspace_admit(x->w, v.size)) == 0)
		rc = revive_file(t, x, &v);
	db_row_release(&row);
	return rc;
}

/* Of a marker that stands alone, as it does where versioning is suspended: what it hid is history, and comes back as a new version. */
static int
restore_hidden(struct txn *t, struct tree_undelete *u, int64_t file)
{
	struct tree_restore r = { .workspace = u->workspace, .file = file, .actor = u->actor, .cleared = true };
	struct db_row row = DB_ROW_INIT;
	struct version_row v;
	int rc = tbl_version_newest_old(t->db, u->workspace, file, &row, &v);

	r.version = rc == 0 ? v.id : 0;
	db_row_release(&row);
	return rc ? rc : tree_restore_in(t, &r);
}

/* The newest marker goes; *older: it hid another one. ERR_NOTFOUND: it hid nothing. */
static int
unmark_once(struct txn *t, struct tree_undelete *u, int64_t file, bool *older)
{
	struct object_delete del = { .workspace = u->workspace, .actor = u->actor };
	struct buf name = BUF_INIT(LIMIT_KEY_STORED);
	struct db_row row = DB_ROW_INIT;
	struct version_row next;
	struct target g;
	int rc = tree_aim_file(t, u->workspace, file, true, u->actor, &name, &g);

	*older = false;
	if (rc || g.entry.live)
		goto out;
	rc = tbl_version_older(t->db, u->workspace, file, g.entry.version_id, &row, &next);
	if (rc == ERR_NOTFOUND) {
		rc = restore_hidden(t, u, file);
	} else if (rc == 0) {
		*older = next.kind == VERSION_MARKER;
		del.version = g.entry.version_id;
		rc = object_delete_in(t, &g, &del);
		rc = rc ? rc : del.rc;
	}
out:
	db_row_release(&row);
	buf_release(&name);
	return rc;
}

/* The markers go: a tool that deletes what is deleted makes another. */
static int
unmark(struct txn *t, struct tree_undelete *u, int64_t file)
{
	bool older = true;
	int rc = 0;

	while (rc == 0 && older)
		rc = unmark_once(t, u, file, &older);
	return rc;
}

/* What came back by its marker's end is where it was: a new place is a move. */
static int
move_after(struct txn *t, struct tree_undelete *u)
{
	struct tree_change c = { .workspace = u->workspace, .kind = u->kind, .id = u->id, .parent = u->parent,
		.name = u->name, .actor = u->actor };
	int rc = u->parent || u->name.p ? tree_change_in(t, &c) : 0;

	u->existing = c.existing;
	u->existing_kind = c.existing_kind;
	return rc;
}

static int
undelete_file(struct txn *t, struct undeletion *x)
{
	struct tree_undelete *u = x->u;
	struct db_row row = DB_ROW_INIT;
	struct file_row f;
	int depth, rc = tbl_file_get(t->db, x->w->id, u->id, &row, &f);

	if (rc == 0 && !f.name.len)
		rc = ERR_NOTFOUND;
	if (rc == 0 && f.state == FILE_TRASH) {
		rc = undelete_trash_file(t, x, &f);
	} else if (rc == 0 && (rc = tree_depth(t, x->w->id, f.folder_id, &depth)) == 0) {
		if (f.state == FILE_LIVE) {
			rc = in_the_way(x, ERR_EXISTS, &(struct tree_taken) { u->id, NODE_FILE });
		} else if ((rc = check_shown(t, x, f.folder_id, f.name)) == 0 && (rc = unmark(t, u, u->id)) == 0) {
			rc = move_after(t, u);
		}
	}
	db_row_release(&row);
	return rc;
}

/* ---- folders ---- */

static int
revive_folder(struct txn *t, struct undeletion *x, const struct trash_folder *gone, int64_t height)
{
	struct entry_row e = { .kind = ENTRY_FOLDER, .node_id = gone->folder, .live = true };
	struct event event = { .workspace = x->w->id, .type = EVENT_FOLDER_RESTORED, .ends_commit = true, .folder = true,
		.node = gone->folder, .actor = x->u->actor.principal, .device = x->u->actor.device };
	struct entry_at at;
	int rc;

	if ((rc = enter(t, x, &at, &e.born)) != 0)
		return rc;
	e.latest = e.born;
	event.parent = at.folder;
	event.name = at.name;
	x->w->history_bytes -= gone->bytes;
	x->w->bytes += PLANTED("undelete") ? 0 : gone->bytes;
	x->w->objects += gone->objects;
	x->w->dirty = true;
	if ((rc = tbl_entry_insert(t->db, &at, &e)) != 0 ||
	    (rc = tbl_folder_place(t->db, x->w->id, gone->folder, at.folder, at.name, e.born)) != 0 ||
	    (rc = tbl_trash_delete(t->db, x->w->id, gone->folder)) != 0 ||
	    (rc = namespace_raise(t, x->w, at.folder, height + 1)) != 0 || (rc = txn_structure_changed(t)) != 0)
		return rc;
	return feed_emit(t, &event);
}

static int
undelete_trash_folder(struct txn *t, struct undeletion *x, int64_t height)
{
	struct db_row row = DB_ROW_INIT;
	struct trash_folder gone;
	int rc = tbl_trash_get(t->db, x->w->id, x->u->id, &row, &gone);

	if (rc == 0 && (gone.ending || !gone.objects || gone.deleted_at <= t->now_us - x->w->history_ms * 1000))
		rc = ERR_NOTFOUND;
	if (rc == 0) {
		x->was_in = gone.parent;
		rc = set_name(x, gone.name);
	}
	if (rc == 0 && (rc = find_place(t, x)) == 0 && (rc = check_name(t, x)) == 0 &&
	    (rc = x->depth + 1 + height > LIMIT_DEPTH ? ERR_TOOBIG : 0) == 0 &&
	    (rc = workspace_admit(x->w, gone.bytes)) == 0)
		rc = revive_folder(t, x, &gone, height);
	db_row_release(&row);
	return rc;
}

/* The files below that were hidden with the newest markers, which one commit wrote at one time. */
static int
list_hidden(struct txn *t, int64_t workspace, const struct tree_scan *scan, int64_t *files, size_t *n)
{
	int rc = 0;

	*n = 0;
	for (size_t i = 0; rc == 0 && i < scan->n; i++) {
		struct entry_at at = { workspace, scan->list[i].folder, { "", 0 } };
		struct db_row row = DB_ROW_INIT;
		struct entry_seen e;

		rc = tbl_entry_scan(t->db, &at, &row);
		while (rc == 0 && (rc = db_next(&row)) == 0) {
			tbl_entry_seen(&row, &e);
			if (e.kind != ENTRY_FILE || e.live || e.modified_at != scan->newest)
				continue;
			if (*n == TREE_PIECE)
				rc = ERR_TOOBIG;
			else
				files[(*n)++] = e.node_id;
		}
		db_row_release(&row);
		rc = rc == ERR_END ? 0 : rc;
	}
	return rc;
}

/* Whether they can all be shown again in the folder, each beside what is shown there now. */
static int
check_hidden(struct txn *t, struct undeletion *x, const int64_t *files, size_t n)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++) {
		struct db_row row = DB_ROW_INIT;
		struct tree_taken taken = { 0 };
		struct file_row f;

		if ((rc = tbl_file_get(t->db, x->w->id, files[i], &row, &f)) == 0)
			rc = in_the_way(x, tree_clear(t, &(struct entry_at) { x->w->id, f.folder_id, f.name }, x->u->id, &taken), &taken);
		db_row_release(&row);
	}
	return rc;
}

static int
unmark_folder(struct txn *t, struct undeletion *x)
{
	int64_t *files = calloc(TREE_PIECE, sizeof(*files));
	struct tree_scan scan = TREE_SCAN_INIT;
	size_t n = 0, back = 0;
	int rc = files ? 0 : ERR_NOMEM;

	if (rc == 0 && (rc = tree_scan(t, x->w->id, x->u->id, true, &scan)) == 0)
		rc = list_hidden(t, x->w->id, &scan, files, &n);
	if (rc == 0)
		rc = check_hidden(t, x, files, n);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		rc = unmark(t, x->u, files[i]);
		back += rc == 0;
		rc = rc == ERR_NOTFOUND ? 0 : rc;
	}
	if (rc == 0 && back == 0)
		rc = ERR_NOTFOUND;
	tree_scan_release(&scan);
	free(files);
	return rc ? rc : move_after(t, x->u);
}

static int
undelete_folder(struct txn *t, struct undeletion *x)
{
	struct db_row row = DB_ROW_INIT;
	struct folder_row f;
	int depth, rc = tbl_folder_get(t->db, x->w->id, x->u->id, &row, &f);

	if (rc == 0 && f.parent_id == FOLDER_DETACHED) {
		rc = undelete_trash_folder(t, x, f.height);
	} else if (rc == 0 && (rc = tree_depth(t, x->w->id, x->u->id, &depth)) == 0) {
		if (f.live || !depth)
			rc = in_the_way(x, ERR_EXISTS, &(struct tree_taken) { x->u->id, NODE_FOLDER });
		else if ((rc = check_shown(t, x, f.parent_id, f.name)) == 0)
			rc = unmark_folder(t, x);
	}
	db_row_release(&row);
	return rc;
}

int
tree_undelete_place(struct txn *t, int64_t workspace, int64_t folder, int64_t *now)
{
	struct tree_undelete u = { .workspace = workspace };
	struct undeletion x = UNDELETION_INIT;
	int rc;

	x.u = &u;
	x.was_in = folder;
	if ((rc = txn_workspace(t, workspace, &x.w)) == 0 && (rc = find_place(t, &x)) == 0)
		*now = x.folder;
	release(&x);
	return rc == ERR_EXISTS ? ERR_NOTFOUND : rc;
}

int
tree_undelete_in(struct txn *t, struct tree_undelete *u)
{
	struct undeletion x = UNDELETION_INIT;
	int rc;

	x.u = u;
	u->existing = 0;
	if ((rc = txn_workspace(t, u->workspace, &x.w)) == 0)
		rc = u->kind == NODE_FOLDER ? undelete_folder(t, &x) : undelete_file(t, &x);
	release(&x);
	if (rc)
		return rc;
	u->sequence = x.w->sequence;
	return tree_show(t, u->kind, u->id, u->node);
}

static int
run_undelete(struct txn *t, void *arg)
{
	return tree_undelete_in(t, arg);
}

int
tree_undelete(struct store *store, struct tree_undelete *u, struct idem *idem)
{
	return idem_run(store, &(struct commit) { .workspace = u->workspace, .run = run_undelete, .arg = u,
	    .large = u->kind == NODE_FOLDER }, idem);
}
