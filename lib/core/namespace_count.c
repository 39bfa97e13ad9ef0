#include <string.h>

#include "commit.h"
#include "db.h"
#include "err.h"
#include "grant.h"
#include "id.h"
#include "namespace.h"
#include "past.h"
#include "tbl_entry.h"
#include "tbl_folder.h"

/*
 * Counts that pass upwards, folders that come and go, and the events of both. Nobody above a folder is asked as
 * long as its count of shown entries stays on one side of 0.
 */

/* Folders that a change passed through, nearest first; their names stand one after the other in `names`. */
struct passed {
	struct {
		int64_t folder, parent;
		size_t name, len;
		bool ended, was_shown;
	} list[LIMIT_DEPTH + 1];
	int n;
	bool moving;		/* what leaves goes elsewhere: the way to where it was is kept, also without a history */
	struct buf names;
};

static int
pass(struct passed *p, const struct folder_row *f, bool ended, bool was_shown)
{
	int i = p->n;

	if (i > LIMIT_DEPTH)
		return ERR_TOOBIG;
	p->list[i].folder = f->id;
	p->list[i].parent = f->parent_id;
	p->list[i].name = p->names.len;
	p->list[i].len = f->name.len;
	p->list[i].ended = ended;
	p->list[i].was_shown = was_shown;
	p->n++;
	buf_add(&p->names, f->name.p, f->name.len);
	return buf_finish(&p->names);
}

static struct slice
name_of(const struct passed *p, int i)
{
	return (struct slice) { p->names.data + p->list[i].name, p->list[i].len };
}

static int
emit_folder(struct txn *t, struct workspace_row *w, const struct passed *p, int i, enum event_type type, bool ends,
    struct actor actor)
{
	struct event event = { .workspace = w->id, .type = type, .ends_commit = ends, .folder = true,
		.node = p->list[i].folder, .parent = p->list[i].parent, .name = name_of(p, i),
		.actor = actor.principal, .device = actor.device };

	return feed_emit(t, &event);
}

/* ---- in ---- */

/* One more entry in `folder`; folders that are shown from now on go to `p`. */
static int
count_in(struct txn *t, const struct workspace_row *w, int64_t folder, bool added, bool live, struct passed *p)
{
	struct db_row row = DB_ROW_INIT;
	struct folder_row f;
	bool up = added || live;
	int rc = 0;

	while (rc == 0 && up) {
		if ((rc = tbl_folder_count(t->db, w->id, folder, live, added, &row, &f)) != 0)
			break;
		up = live && f.live == 1 && f.parent_id;
		if (up)
			rc = pass(p, &f, false, false);
		folder = f.parent_id;
		added = false;
		db_row_release(&row);
	}
	return rc;
}

/* Parents first: they come back before what is in them. */
static int
show(struct txn *t, struct workspace_row *w, const struct passed *p, struct actor actor)
{
	struct entry_row e;
	int rc = 0;

	for (int i = p->n; rc == 0 && i-- > 0;) {
		struct entry_at at = { w->id, p->list[i].parent, name_of(p, i) };

		if ((rc = tbl_entry_get(t->db, &at, &e)) != 0)
			break;
		e.live = true;
		e.born = e.latest = w->sequence + 1;
		if ((rc = tbl_entry_update(t->db, &at, &e)) == 0)
			rc = emit_folder(t, w, p, i, EVENT_FOLDER_RESTORED, false, actor);
	}
	return rc;
}

/* A folder got others below it, `height` levels with itself. */
int
namespace_raise(struct txn *t, const struct workspace_row *w, int64_t folder, int64_t height)
{
	int rc = 0;

	while (rc == 0 && folder > 0)
		rc = tbl_folder_raise(t->db, w->id, folder, height++, &folder);
	return rc == ERR_NOTFOUND ? 0 : rc;
}

/*
 * A folder with one entry in it: what comes next, `below` levels of folders. Of one that is not shown the feed hears when
 * it is.
 */
static int
make_folder(struct txn *t, struct workspace_row *w, int64_t parent, struct slice name, int below, bool live,
    struct actor actor, int64_t *folder)
{
	struct folder_row f = { .id = id_new(), .workspace = w->id, .parent_id = parent, .name = name, .live = live,
		.entries = 1, .height = below, .created_by = actor.principal, .created_at = t->now_us,
		.latest_sequence = w->sequence + 1 };
	struct entry_row e = { .kind = ENTRY_FOLDER, .node_id = f.id, .live = live, .born = w->sequence + 1,
		.latest = w->sequence + 1 };
	struct event event = { .workspace = w->id, .type = EVENT_FOLDER_CREATED, .folder = true, .node = f.id,
		.parent = parent, .name = name, .actor = actor.principal, .device = actor.device };
	int rc;

	if ((rc = tbl_folder_insert(t->db, &f)) != 0 ||
	    (rc = tbl_entry_insert(t->db, &(struct entry_at) { w->id, parent, name }, &e)) != 0 ||
	    (live && (rc = feed_emit(t, &event)) != 0))
		return rc;
	*folder = f.id;
	return 0;
}

int
namespace_enter(struct txn *t, struct workspace_row *w, struct namespace_place *place, bool added, bool live,
    struct actor actor)
{
	struct passed passed = { .names = BUF_INIT(LIMIT_KEY_STORED * 2) };
	size_t rest = place->path.len - place->found;
	const char *slash, *p = place->path.p + place->found;
	int rc, below = 0;

	for (size_t i = 0; i < rest; i++)
		below += p[i] == '/';
	if ((rc = count_in(t, w, place->folder, added, live, &passed)) == 0 &&
	    (rc = show(t, w, &passed, actor)) == 0 && below)
		rc = namespace_raise(t, w, place->folder, below);
	for (; rc == 0 && rest; p = slash + 1) {
		if (!(slash = memchr(p, '/', rest)))
			break;
		rc = make_folder(t, w, place->folder, (struct slice) { p, (size_t)(slash - p) + 1 }, --below, live,
		    actor, &place->folder);
		rest -= (size_t)(slash - p) + 1;
	}
	if (rc == 0)
		place->found = place->path.len;
	buf_release(&passed.names);
	return rc;
}

/* ---- out ---- */

/* One entry less in `folder`; folders that end, or are not shown any more, go to `p`. */
static int
count_out(struct txn *t, const struct workspace_row *w, int64_t folder, bool removed, bool hidden, struct passed *p)
{
	struct db_row row = DB_ROW_INIT;
	struct folder_row f;
	int rc = 0;

	while (rc == 0 && (removed || hidden)) {
		if ((rc = tbl_folder_count(t->db, w->id, folder, -(int)hidden, -(int)removed, &row, &f)) != 0)
			break;
		hidden = hidden && f.live == 0 && f.parent_id;
		removed = removed && f.entries == 0 && f.parent_id;
		if (hidden || removed)
			rc = pass(p, &f, removed, hidden);
		folder = f.parent_id;
		db_row_release(&row);
	}
	return rc;
}

/* The rows of a folder that ended or is not shown any more; if it was shown, its event is the next. */
static int
put_away(struct txn *t, struct workspace_row *w, const struct passed *p, int i)
{
	struct entry_at at = { w->id, p->list[i].parent, name_of(p, i) };
	int64_t died = w->sequence + 1;
	struct entry_row e;
	int rc;

	if ((rc = tbl_entry_get(t->db, &at, &e)) != 0)
		return rc;
	if (p->list[i].was_shown &&
	    (rc = p->moving ? tbl_entry_bury(t->db, &at, &e, died) : past_bury(t, w, &at, &e, died)) != 0)
		return rc;
	if (!p->list[i].ended) {
		e.live = false;
		return tbl_entry_update(t->db, &at, &e);
	}
	if ((rc = tbl_entry_delete(t->db, &at)) != 0 || (rc = grant_end(t, p->list[i].folder)) != 0 ||
	    (rc = tbl_folder_delete(t->db, w->id, p->list[i].folder)) != 0)
		return rc;
	return txn_structure_changed(t);
}

int
namespace_leave(struct txn *t, struct workspace_row *w, struct event *event, bool removed, bool hidden)
{
	struct passed passed = { .moving = event->from_parent != 0, .names = BUF_INIT(LIMIT_KEY_STORED * 2) };
	struct actor actor = { event->actor, event->device };
	int rc, last = -1;

	if ((rc = count_out(t, w, event->from_parent ? event->from_parent : event->parent, removed, hidden, &passed)) != 0)
		goto out;
	for (int i = 0; i < passed.n; i++)
		if (passed.list[i].was_shown)
			last = i;
	event->ends_commit = last < 0;
	rc = feed_emit(t, event);
	for (int i = 0; rc == 0 && i < passed.n; i++)
		if ((rc = put_away(t, w, &passed, i)) == 0 && passed.list[i].was_shown)
			rc = emit_folder(t, w, &passed, i, EVENT_FOLDER_DELETED, i == last, actor);
out:
	buf_release(&passed.names);
	return rc;
}
