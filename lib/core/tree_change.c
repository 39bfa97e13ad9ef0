#include <string.h>

#include "err.h"
#include "idem.h"
#include "meta.h"
#include "planted.h"
#include "refs.h"
#include "tbl_event.h"
#include "tree_in.h"

/*
 * Moves: one row of the node, one entry, one event. The place that it leaves is kept in entry_past, with or without a history, for feeds
 * that say where something came from.
 *
 *	refusals -> the target's folders are shown -> the rows -> the event -> folders that are empty now end
 */

struct move {
	struct tree_change *c;
	struct workspace_row *w;
	struct entry_at from, to;
	struct entry_row entry;
	int64_t height;			/* folders */
	struct buf old_name, new_name;	/* as stored */
};
#define MOVE_INIT { .old_name = BUF_INIT(LIMIT_KEY_STORED), .new_name = BUF_INIT(LIMIT_KEY_STORED) }

static struct slice
slice_of(const struct buf *b)
{
	return (struct slice) { b->data ? b->data : "", b->len };
}

/* Where it is, where it shall be; refuses what the change itself rules out. */
static int
place_from(struct move *m, int64_t folder, struct slice name)
{
	struct tree_change *c = m->c;
	int rc;

	buf_add(&m->old_name, name.p, name.len);
	if (c->name.p) {
		if ((rc = tree_name_check(c->name)) != 0)
			return rc;
		buf_add(&m->new_name, c->name.p, c->name.len);
		if (c->kind == NODE_FOLDER)
			buf_addch(&m->new_name, '/');
	} else {
		buf_add(&m->new_name, name.p, name.len);
	}
	if ((rc = buf_finish(&m->old_name)) != 0 || (rc = buf_finish(&m->new_name)) != 0)
		return rc;
	m->from = (struct entry_at) { c->workspace, folder, slice_of(&m->old_name) };
	m->to = (struct entry_at) { c->workspace, c->parent ? c->parent : folder, slice_of(&m->new_name) };
	return 0;
}

static int
find_file(struct txn *t, struct move *m)
{
	struct db_row row = DB_ROW_INIT;
	struct file_row f;
	int rc = tbl_file_get(t->db, m->c->workspace, m->c->id, &row, &f);

	if (rc == 0 && (f.state != FILE_LIVE || !f.name.len))
		rc = ERR_NOTFOUND;
	if (rc == 0 && m->c->base && m->c->base != f.version_id) {
		m->c->current = f.version_id;
		rc = ERR_PRECONDITION;
	}
	if (rc == 0)
		rc = place_from(m, f.folder_id, f.name);
	db_row_release(&row);
	return rc;
}

static int
find_folder(struct txn *t, struct move *m)
{
	struct db_row row = DB_ROW_INIT;
	struct folder_row f;
	int rc = tbl_folder_get(t->db, m->c->workspace, m->c->id, &row, &f);

	if (rc == 0 && f.parent_id == FOLDER_NO_PARENT)
		rc = ERR_INVALID;
	if (rc == 0 && (f.parent_id == FOLDER_DETACHED || !f.live))
		rc = ERR_NOTFOUND;
	if (rc == 0)
		rc = place_from(m, f.parent_id, f.name);
	m->height = f.height;
	db_row_release(&row);
	return rc;
}

/* Whether `folder` lies in the one that moves, or is it. */
static int
is_below(struct txn *t, const struct move *m, int64_t folder, bool *below)
{
	struct db_row row = DB_ROW_INIT;
	struct folder_row f;
	int rc = 0;

	*below = folder == m->c->id;
	while (rc == 0 && !*below && folder > 0) {
		rc = tbl_folder_get(t->db, m->c->workspace, folder, &row, &f);
		db_row_release(&row);
		folder = f.parent_id;
		*below = folder == m->c->id;
	}
	return rc;
}

static int
check_move(struct txn *t, struct move *m)
{
	struct tree_taken taken = { 0 };
	bool below = false;
	int depth = 0, rc;

	if ((rc = tree_depth(t, m->c->workspace, m->from.folder, &depth)) != 0 ||
	    (m->c->parent && (rc = tree_depth(t, m->c->workspace, m->to.folder, &depth)) != 0))
		return rc;
	if (m->c->kind == NODE_FOLDER) {
		if ((rc = is_below(t, m, m->to.folder, &below)) != 0)
			return rc;
		if (below)
			return ERR_CONFLICT;
		if (m->to.folder != m->from.folder && depth + 1 + m->height > LIMIT_DEPTH)
			return ERR_TOOBIG;
	}
	rc = tree_free(t, &m->to, &taken);
	m->c->existing = taken.id;
	m->c->existing_kind = taken.kind;
	return rc;
}

/* ---- the rows ---- */

static int
write_file(struct txn *t, struct move *m, struct event *event)
{
	struct db_row row = DB_ROW_INIT;
	struct version_row v;
	int rc = tbl_version_get(t->db, m->w->id, m->entry.version_id, &row, &v);

	if (rc == 0) {
		event->version = v.id;
		event->size = (uint64_t)v.size;
		event->has_hash = v.has_hash;
		memcpy(event->content_hash, v.hash, sizeof(v.hash));
	}
	db_row_release(&row);
	return rc ? rc : tbl_file_place(t->db, m->w->id, m->c->id, m->to.folder, m->to.name, m->entry.born);
}

static int
write_folder(struct txn *t, struct move *m)
{
	int rc = tbl_folder_place(t->db, m->w->id, m->c->id, m->to.folder, m->to.name, m->entry.born);

	if (rc == 0 && m->to.folder != m->from.folder)
		rc = namespace_raise(t, m->w, m->to.folder, m->height + 1);
	return rc || PLANTED("path") ? rc : txn_structure_changed(t);
}

static int
write_move(struct txn *t, struct move *m)
{
	bool folder = m->c->kind == NODE_FOLDER;
	struct namespace_place place = { .path = { "", 0 }, .name = m->to.name, .folder = m->to.folder };
	struct event event = { .workspace = m->w->id, .type = folder ? EVENT_FOLDER_MOVED : EVENT_FILE_MOVED,
		.folder = folder, .node = m->c->id, .parent = m->to.folder, .name = m->to.name,
		.from_parent = m->from.folder, .from_name = m->from.name, .actor = m->c->actor.principal,
		.device = m->c->actor.device };
	int rc;

	if ((rc = tbl_entry_get(t->db, &m->from, &m->entry)) != 0 ||
	    (rc = tree_mark(t, m->w, m->to.folder, m->c->actor)) != 0 ||
	    (rc = namespace_enter(t, m->w, &place, true, true, m->c->actor)) != 0 ||
	    (rc = tbl_entry_bury(t->db, &m->from, &m->entry, m->w->sequence + 1)) != 0 ||
	    (rc = tbl_entry_delete(t->db, &m->from)) != 0)
		return rc;
	m->entry.born = m->entry.latest = m->w->sequence + 1;
	if ((rc = tbl_entry_insert(t->db, &m->to, &m->entry)) != 0 ||
	    (rc = folder ? write_folder(t, m) : write_file(t, m, &event)) != 0)
		return rc;
	return namespace_leave(t, m->w, &event, true, true);
}

static int
move(struct txn *t, struct tree_change *c, struct workspace_row *w)
{
	struct move m = MOVE_INIT;
	bool same;
	int rc;

	m.c = c;
	m.w = w;
	if ((rc = c->kind == NODE_FOLDER ? find_folder(t, &m) : find_file(t, &m)) == 0) {
		same = m.to.folder == m.from.folder &&
		       !bytes_cmp(m.to.name.p, m.to.name.len, m.from.name.p, m.from.name.len);
		if (same)
			rc = tree_depth(t, w->id, m.from.folder, &(int) { 0 });
		else if ((rc = check_move(t, &m)) == 0)
			rc = write_move(t, &m);
	}
	buf_release(&m.old_name);
	buf_release(&m.new_name);
	return rc;
}

/* ---- attributes ---- */

/* `old` with what `changed` names in place of its own; *differ: that is something else. */
static int
merge(struct slice old, const struct buf *changed, struct buf *merged, bool *differ)
{
	struct slice name, value, other;
	size_t at = 0;
	int rc;

	*differ = false;
	while ((rc = meta_next(changed->data, changed->len, &at, &name, &value)) == 0) {
		char text[UINT8_MAX + 1];

		memcpy(text, name.p, name.len);
		text[name.len] = '\0';
		if (!meta_find(old.p, old.len, text, &other) || bytes_cmp(value.p, value.len, other.p, other.len))
			*differ = true;
	}
	for (at = 0; rc == ERR_END && (rc = meta_next(old.p, old.len, &at, &name, &value)) == 0; rc = ERR_END) {
		char text[UINT8_MAX + 1];

		memcpy(text, name.p, name.len);
		text[name.len] = '\0';
		if (!meta_find(changed->data, changed->len, text, &other))
			meta_add(merged, name.p, name.len, value.p, value.len);
	}
	buf_add(merged, changed->data, changed->len);
	return rc == ERR_END ? buf_finish(merged) : rc;
}

/* Versions do not change: the same bytes under new headers are a new one. */
static int
commit_attributes(struct txn *t, struct target *g, const struct version_row *v, const struct buf *changed)
{
	struct buf headers = BUF_INIT(1 << 20);
	struct checksum checksum;
	bool differ;
	int rc;

	if ((rc = merge(v->headers, changed, &headers, &differ)) == 0 && differ &&
	    (rc = checksum_decode(v->checksum.p, v->checksum.len, &checksum)) == 0 &&
	    (rc = object_admit(g, (uint64_t)v->size)) == 0 &&
	    (rc = refs_take(t, g->w->id, v->manifest.p, v->manifest.len)) == 0)
		rc = object_commit(t, g, &(struct object_new) { .size = (uint64_t)v->size, .etag = v->etag,
		    .hash = v->has_hash ? v->hash : NULL, .checksum = &checksum, .headers = slice_of(&headers),
		    .manifest = v->manifest, .parts = v->parts, .event = EVENT_FILE_METADATA_CHANGED }, NULL);
	buf_release(&headers);
	return rc;
}

static int
change_attributes(struct txn *t, struct tree_change *c)
{
	struct buf name = BUF_INIT(LIMIT_KEY_STORED);
	struct db_row row = DB_ROW_INIT;
	struct version_row v;
	struct target g;
	int rc;

	if ((rc = tree_aim_file(t, c->workspace, c->id, false, c->actor, &name, &g)) == 0 &&
	    (rc = tbl_version_get(t->db, c->workspace, g.entry.version_id, &row, &v)) == 0)
		rc = commit_attributes(t, &g, &v, c->attributes);
	db_row_release(&row);
	buf_release(&name);
	return rc;
}

int
tree_change_in(struct txn *t, struct tree_change *c)
{
	struct workspace_row *w;
	int64_t before;
	int rc;

	c->existing = c->current = 0;
	if ((rc = txn_workspace(t, c->workspace, &w)) != 0)
		return rc;
	before = w->sequence;
	if ((rc = move(t, c, w)) != 0)
		return rc;
	if (c->kind == NODE_FILE && c->attributes && ((rc = change_attributes(t, c)) != 0 ||
	    (rc = tbl_event_join(t->db, w->id, before, w->sequence)) != 0))
		return rc;
	c->sequence = w->sequence;
	return tree_show(t, c->kind, c->id, c->node);
}

static int
run_change(struct txn *t, void *arg)
{
	return tree_change_in(t, arg);
}

int
tree_change(struct store *store, struct tree_change *c, struct idem *idem)
{
	return idem_run(store, &(struct commit) { .workspace = c->workspace, .run = run_change, .arg = c }, idem);
}
