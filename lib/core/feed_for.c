#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "db.h"
#include "err.h"
#include "feed_for.h"
#include "feed_in.h"
#include "limits.h"
#include "node.h"
#include "planted.h"
#include "store_in.h"
#include "tbl_event.h"
#include "tbl_file.h"
#include "tbl_folder.h"
#include "tbl_grant.h"
#include "tbl_node.h"

/* Folders whose place is remembered while a page is read: neighbours in the feed mostly share their parents. */
#define PLACES 64

struct place {
	int64_t folder;		/* 0: nothing is remembered here */
	bool seen;		/* by a grant on it or above, or by a role on the workspace */
	bool inside;		/* the scope, or in it */
	bool reached;		/* neither it nor anything above is gone */
	struct buf path;	/* from the topmost folder that is seen, with a slash at its end */
};

struct reading {
	struct store *store;
	struct db_conn *db;
	struct feed_query *q;
	const struct feed_out *out;
	struct workspace_row w;
	struct place places[PLACES];
	struct buf path;	/* of the event that is given */
	unsigned given;
	bool open;		/* something was given of the commit that is read */
	bool peek;		/* the page is full: give() answers ERR_BUSY, so that only what is not shown is passed */
	int64_t mark;		/* the last end of a commit */
	bool lost, lost_open;	/* a folder was: up to the mark, behind it */
	int64_t time_us;
};

/* ---- places ---- */

static int
granted(struct reading *r, int64_t node, bool *yes)
{
	int role, rc = tbl_grant_role(r->db, r->w.id, node, r->q->who->id, &role);

	*yes = rc == 0;
	return rc == ERR_NOTFOUND ? 0 : rc;
}

struct step {
	struct db_row row;
	struct slice name;
};

/*
 * From a folder up to the root. *top gets how many steps lead to the topmost that is seen: none where the root is not reached. What is
 * gone, or in something that is gone, is seen by a grant on itself.
 */
static int
climb(struct reading *r, struct place *p, struct step *steps, unsigned *n, unsigned *top)
{
	int64_t folder = p->folder;
	bool self = false, yes = false;
	struct folder_row f;
	int rc = 0;

	for (*n = *top = 0; folder > 0 && *n <= LIMIT_DEPTH; folder = f.parent_id) {
		steps[*n].row = (struct db_row)DB_ROW_INIT;
		if ((rc = tbl_folder_get(r->db, r->w.id, folder, &steps[*n].row, &f)) != 0)
			break;
		steps[(*n)++].name = f.name;
		p->inside |= folder == r->q->scope;
		if (r->q->whole)
			continue;
		if ((rc = granted(r, folder, &yes)) != 0)
			return rc;
		self |= yes && *n == 1;
		*top = yes ? *n : *top;
	}
	if (rc == ERR_NOTFOUND && !*n && !r->q->whole && (rc = granted(r, folder, &self)) == 0)
		rc = ERR_NOTFOUND;
	if (rc && rc != ERR_NOTFOUND)
		return rc;
	p->reached = folder == FOLDER_NO_PARENT;
	if (!p->reached)
		*top = 0;
	else if (r->q->whole)
		*top = *n;
	p->seen = r->q->whole || *top > 0 || (!p->reached && self);
	return 0;
}

static int
find_place(struct reading *r, int64_t folder, struct place *p)
{
	struct step steps[LIMIT_DEPTH + 2];
	unsigned n, top;
	int rc;

	*p = (struct place) { .folder = folder, .inside = !r->q->scope || folder == r->q->scope, .path = p->path };
	buf_clear(&p->path);
	if (folder <= 0) {
		p->seen = r->q->whole;
		p->reached = true;
		return 0;
	}
	rc = climb(r, p, steps, &n, &top);
	for (unsigned i = top; rc == 0 && i-- > 0;)
		buf_add(&p->path, steps[i].name.p, steps[i].name.len);
	while (n-- > 0)
		db_row_release(&steps[n].row);
	if (rc)
		p->folder = 0;
	return rc ? rc : buf_finish(&p->path);
}

static int
look(struct reading *r, int64_t folder, struct place **place)
{
	struct place *p = &r->places[((uint64_t)folder * 0x9e3779b97f4a7c15u) >> 58];

	*place = p;
	return folder && p->folder == folder ? 0 : find_place(r, folder, p);
}

/* Whether a node is seen in `parent`. */
static int
sees(struct reading *r, int64_t parent, const struct event *e, bool *yes)
{
	struct place *p;
	int rc;

	*yes = false;
	if ((rc = look(r, parent, &p)) != 0 || (!p->inside && e->node != r->q->scope))
		return rc;
	*yes = p->seen;
	return p->seen ? 0 : granted(r, e->node, yes);
}

static int
sees_folder(struct reading *r, int64_t folder, bool *yes)
{
	struct place *p;
	int rc = look(r, folder, &p);

	*yes = rc == 0 && p->seen;
	return rc;
}

/* ---- giving ---- */

/* Nothing shows of parents that aren't seen. */
static int
give(struct reading *r, struct event *e)
{
	struct place *p;
	bool yes;
	int rc;

	if (r->peek)
		return ERR_BUSY;
	if (e->from_parent && ((rc = sees_folder(r, e->from_parent, &yes)) != 0))
		return rc;
	if (e->from_parent && !yes)
		e->from_parent = 0;
	if ((rc = look(r, e->parent, &p)) != 0)
		return rc;
	/* It could be found again without the epoch telling so: such a page is not shared. */
	r->q->personal |= !p->reached;
	buf_clear(&r->path);
	if (p->seen)
		buf_add(&r->path, p->path.data, p->path.len);
	else
		e->parent = 0;
	buf_add(&r->path, e->name.p, e->name.len);
	if (buf_finish(&r->path) != 0)
		return buf_finish(&r->path);
	r->out->each(r->out->arg, e, (struct slice) { r->path.data ? r->path.data : "", r->path.len });
	r->given++;
	r->open = true;
	return 0;
}

/* Access came or went: what is told of a node that went is what was seen of it last. */
static int
give_access(struct reading *r, struct event *e, enum event_type type)
{
	bool moved = e->type == EVENT_FILE_MOVED || e->type == EVENT_FOLDER_MOVED;

	if (r->peek)
		return ERR_BUSY;
	if (type == EVENT_ACCESS_LOST) {
		if (moved) {
			e->parent = e->from_parent;
			e->name = e->from_name;
		}
		e->version = 0;
		e->size = 0;
		e->has_hash = false;
		r->lost_open |= e->folder;
	}
	e->type = type;
	e->from_parent = 0;
	e->from_name = (struct slice) { NULL, 0 };
	e->principal = 0;
	return give(r, e);
}

/* The scope itself in place of what the event tells of; its name is said while it is seen. */
static int
give_scope(struct reading *r, struct event *e, enum event_type type)
{
	struct db_row row = DB_ROW_INIT;
	struct folder_row f;
	bool seen;
	int rc;

	if ((rc = sees_folder(r, r->q->scope, &seen)) != 0)
		return rc;
	e->node = r->q->scope;
	e->folder = true;
	e->parent = 0;
	e->name = (struct slice) { "", 0 };
	rc = seen ? tbl_folder_get(r->db, r->w.id, r->q->scope, &row, &f) : ERR_NOTFOUND;
	if (rc == 0) {
		e->parent = f.parent_id > 0 ? f.parent_id : 0;
		e->name = f.name;
	}
	rc = rc == ERR_NOTFOUND ? 0 : rc;
	if (rc == 0)
		rc = give_access(r, e, type);
	db_row_release(&row);
	return rc;
}

/* ---- what becomes of an event ---- */

/* Whether `folder` is above another, as far as that can still be climbed. */
static int
is_above(struct reading *r, int64_t folder, int64_t at, bool *yes)
{
	int rc = 0;

	*yes = false;
	for (int depth = 0; rc == 0 && at > 0 && !*yes && depth <= LIMIT_DEPTH + 1; depth++) {
		rc = tbl_node_folder_parent(r->db, r->w.id, at, &at);
		*yes = rc == 0 && at == folder;
	}
	return rc == ERR_NOTFOUND ? 0 : rc;
}

static int
told_above_scope(struct reading *r, struct event *e)
{
	bool above, now, to, from;
	int rc;

	if (!e->folder)
		return 0;
	if ((rc = is_above(r, e->node, r->q->scope, &above)) != 0 || !above)
		return rc;
	if ((rc = sees_folder(r, r->q->scope, &now)) != 0)
		return rc;
	switch (e->type) {
	case EVENT_FOLDER_DELETED:
		return give_scope(r, e, EVENT_FOLDER_DELETED);
	case EVENT_FOLDER_RESTORED:
		return now ? give_scope(r, e, EVENT_FOLDER_RESTORED) : 0;
	case EVENT_FOLDER_MOVED:
		if ((rc = sees_folder(r, e->parent, &to)) != 0 || (rc = sees_folder(r, e->from_parent, &from)) != 0)
			return rc;
		if (to == from || to != now)
			return 0;
		return give_scope(r, e, now ? EVENT_ACCESS_GAINED : EVENT_ACCESS_LOST);
	default:
		return 0;
	}
}

/* A share with the reader, or its end. */
static int
told_share(struct reading *r, struct event *e)
{
	bool granting = e->type == EVENT_SHARE_GRANTED, in, seen;
	enum event_type type = granting ? EVENT_ACCESS_GAINED : EVENT_ACCESS_LOST;
	struct place *p;
	int rc;

	if (!granting && PLANTED("revoked"))
		return 0;
	if ((rc = look(r, e->folder ? e->node : e->parent, &p)) != 0)
		return rc;
	in = p->inside || e->node == r->q->scope;
	if (!in && ((rc = sees_folder(r, r->q->scope, &seen)) != 0 || seen != granting))
		return rc;
	if (!in)
		return give_scope(r, e, type);
	seen = p->seen;
	if (!seen && !e->folder && (rc = granted(r, e->node, &seen)) != 0)
		return rc;
	return seen == granting ? give_access(r, e, type) : 0;
}

/* A node that was shared with the reader by itself ended, and the share with it. */
static int
told_end(struct reading *r, struct event *e)
{
	int rc;

	if (r->q->scope && e->node != r->q->scope)
		return 0;
	rc = tbl_grant_until(r->db, r->w.id, e->node, r->q->who->id, e->occurred_us);
	return rc == 0 ? give(r, e) : rc == ERR_NOTFOUND ? 0 : rc;
}

/* One node that was shared with the reader, if the folder that the event tells of is above it. */
static int
tell_below(struct reading *r, const struct event *e, bool folder, int64_t id)
{
	struct event one = { .workspace = e->workspace, .sequence = e->sequence, .ends_commit = e->ends_commit,
		.type = e->type, .folder = folder, .node = id, .actor = e->actor, .device = e->device,
		.occurred_us = e->occurred_us };
	struct db_row row = DB_ROW_INIT;
	struct node_row n;
	bool below = false;
	int rc = folder ? tbl_node_folder(r->db, id, &row, &n) : tbl_node_file(r->db, id, &row, &n);

	if (rc == 0 && !folder && n.parent == e->node)
		below = true;
	else if (rc == 0)
		rc = is_above(r, e->node, folder ? id : n.parent, &below);
	/* What was deleted by itself stays so when the folder comes back. */
	if (rc == 0 && !folder && n.state != FILE_LIVE && e->type == EVENT_FOLDER_RESTORED)
		below = false;
	if (rc == 0 && below) {
		one.name = n.name;
		rc = give_access(r, &one, e->type == EVENT_FOLDER_DELETED ? EVENT_ACCESS_LOST : EVENT_ACCESS_GAINED);
	}
	db_row_release(&row);
	return rc == ERR_NOTFOUND ? 0 : rc;
}

/* A folder that the reader doesn't see went or came back, and what it was given lies below. */
static int
told_below(struct reading *r, const struct event *e)
{
	struct db_row row = DB_ROW_INIT;
	bool folder;
	int64_t id;
	int rc = tbl_grant_mine(r->db, r->w.id, r->q->who->id, &row);

	while (rc == 0 && (rc = db_next(&row)) == 0)
		if (tbl_grant_mine_seen(&row, &id, &folder))
			rc = tell_below(r, e, folder, id);
	db_row_release(&row);
	return rc == ERR_END ? 0 : rc;
}

static int
tell_partial(struct reading *r, struct event *e)
{
	bool moved = e->type == EVENT_FILE_MOVED || e->type == EVENT_FOLDER_MOVED, to, from;
	bool whole_folder = e->type == EVENT_FOLDER_DELETED || e->type == EVENT_FOLDER_RESTORED;
	unsigned before = r->given;
	int rc;

	if (e->type == EVENT_SHARE_GRANTED || e->type == EVENT_SHARE_REVOKED)
		return e->principal == r->q->who->id ? told_share(r, e) : 0;
	if ((rc = sees(r, e->parent, e, &to)) != 0)
		return rc;
	from = to;
	if (moved && (rc = sees(r, e->from_parent, e, &from)) != 0)
		return rc;
	if (to && from) {
		rc = give(r, e);
		/* What was shared by itself may be known without the folders in between. */
		return rc == 0 && whole_folder && !r->q->scope ? told_below(r, e) : rc;
	}
	if (to || from)
		return give_access(r, e, to ? EVENT_ACCESS_GAINED : EVENT_ACCESS_LOST);
	if ((e->type == EVENT_FILE_DELETED || e->type == EVENT_FOLDER_DELETED) &&
	    ((rc = told_end(r, e)) != 0 || r->given > before))
		return rc;
	if (r->q->scope)
		return told_above_scope(r, e);
	return whole_folder ? told_below(r, e) : 0;
}

static int
tell_whole(struct reading *r, struct event *e)
{
	bool share = e->type == EVENT_SHARE_GRANTED || e->type == EVENT_SHARE_REVOKED;

	r->q->personal |= share;
	if (e->type == EVENT_SHARE_GRANTED && e->principal == r->q->who->id && e->node == r->w.root_folder_id)
		return give_access(r, e, EVENT_ACCESS_GAINED);
	return give(r, e);
}

static int
tell(struct reading *r, struct event *e)
{
	bool from = e->from_parent != 0;

	if (!e->folder && !e->name.len && !from)	/* the marker of a folder */
		return 0;
	if (!from)
		e->from_name = (struct slice) { NULL, 0 };
	r->time_us = e->occurred_us;
	return r->q->whole && !r->q->scope ? tell_whole(r, e) : tell_partial(r, e);
}

/* ---- pages ---- */

static void
end_commit(struct reading *r, int64_t sequence)
{
	if (r->open)
		r->out->ended(r->out->arg);
	r->open = false;
	r->lost |= r->lost_open;
	r->lost_open = false;
	r->mark = sequence;
}

/* No more is given. The page ends before the commit that it stands in, unless that is its only one. */
static int64_t
end_full(struct reading *r, int64_t last)
{
	if (!r->open || r->mark == r->q->from)
		return last;
	r->out->cut(r->out->arg);
	r->open = r->lost_open = false;
	return r->mark;
}

/* The events behind q->from up to `to`; q->last gets how far it came. */
static int
read_rows(struct reading *r, int64_t to)
{
	struct db_row row = DB_ROW_INIT;
	struct feed_query *q = r->q;
	struct event_row found;
	struct event e;
	int rc = to > q->from ? tbl_event_scan(r->db, r->w.id, q->from, to, &row) : ERR_END;

	q->last = r->mark = q->from;
	while (rc == 0 && (rc = db_next(&row)) == 0 && (rc = tbl_event_seen(&row, &found)) == 0) {
		if (r->given == q->max && !r->open)
			break;
		/* What isn't shown at the end of a commit is passed even so: then the page ends with it. */
		r->peek = r->given == q->max;
		feed_event_of(&found, &e);
		if ((rc = tell(r, &e)) == ERR_BUSY && r->peek) {
			q->last = end_full(r, q->last);
			rc = ERR_END;
		}
		if (rc)
			break;
		q->last = found.sequence;
		if (found.ends_commit)
			end_commit(r, found.sequence);
	}
	db_row_release(&row);
	return rc == ERR_END ? 0 : rc;
}

/* One node that was shared with the reader, if it is seen. */
static int
tell_again(struct reading *r, bool folder, int64_t id)
{
	struct event e = { .workspace = r->w.id, .sequence = r->q->last, .type = EVENT_ACCESS_GAINED, .folder = folder,
		.node = id, .occurred_us = r->time_us };
	struct db_row row = DB_ROW_INIT;
	struct node_row n;
	int rc = folder ? tbl_node_folder(r->db, id, &row, &n) : tbl_node_file(r->db, id, &row, &n);

	if (rc == 0 && (folder || n.state == FILE_LIVE) && n.parent > 0) {
		struct place *p;

		e.parent = n.parent;
		e.name = n.name;
		if ((rc = look(r, folder ? id : n.parent, &p)) == 0 && p->reached && (p->inside || id == r->q->scope))
			rc = give(r, &e);
	}
	db_row_release(&row);
	return rc == ERR_NOTFOUND ? 0 : rc;
}

/* What was shared with the reader may have been below what was lost, and be seen still. */
static int
tell_all_again(struct reading *r)
{
	struct db_row row = DB_ROW_INIT;
	int64_t id;
	bool folder;
	int rc;

	r->peek = false;
	rc = tbl_grant_mine(r->db, r->w.id, r->q->who->id, &row);

	while (rc == 0 && (rc = db_next(&row)) == 0)
		if (tbl_grant_mine_seen(&row, &id, &folder))
			rc = tell_again(r, folder, id);
	db_row_release(&row);
	if (r->open)
		r->out->ended(r->out->arg);
	r->open = false;
	return rc == ERR_END ? 0 : rc;
}

/* The reader, the workspace, and where a page of at most `max` rows would end. */
static int
begin(struct reading *r, unsigned max, int64_t *to)
{
	struct feed_query *q = r->q;
	enum role role;
	int64_t end;
	int rc;

	if ((rc = tbl_workspace_get(r->db, q->workspace, &r->w)) != 0 ||
	    (rc = perm_role(r->store, r->db, q->who, q->workspace, &role)) != 0)
		return rc;
	q->whole = role != ROLE_NONE;
	q->personal = !q->whole || q->scope;
	q->head = r->w.sequence;
	if (q->from > r->w.sequence)
		return ERR_INVALID;
	if (q->personal && max < FEED_LOOK)
		max = FEED_LOOK;
	if ((rc = feed_page_to(r->db, &r->w, q->from, max, to)) != 0 || *to < q->from + max)
		return rc;
	/* A commit may be larger than the page, and what is shown of it not. */
	if ((rc = tbl_event_last_end(r->db, r->w.id, *to - 1, *to, &end)) == ERR_NOTFOUND) {
		*to = q->head - *to > FEED_LOOK ? *to + FEED_LOOK : q->head;
		rc = 0;
	}
	return rc;
}

int
feed_read_for(struct store *store, struct feed_query *q, const struct feed_out *out)
{
	struct reading r = { .store = store, .q = q, .out = out, .path = BUF_INIT(LIMIT_KEY_STORED * 2) };
	int64_t to;
	int rc;

	for (size_t i = 0; i < PLACES; i++)
		r.places[i].path = (struct buf)BUF_INIT(LIMIT_KEY_STORED * 2);
	if ((rc = db_read_begin(store->db, &r.db)) != 0)
		return rc;
	if ((rc = begin(&r, q->max, &to)) == 0 && (rc = read_rows(&r, to)) == 0 && (r.lost || r.lost_open))
		rc = tell_all_again(&r);
	q->more = rc == 0 && q->last < q->head;
	db_read_end(r.db);
	for (size_t i = 0; i < PLACES; i++)
		buf_release(&r.places[i].path);
	buf_release(&r.path);
	return rc;
}

int
feed_page_end(struct store *store, struct feed_query *q)
{
	struct reading r = { .store = store, .q = q };
	int rc;

	if ((rc = db_read_begin(store->db, &r.db)) != 0)
		return rc;
	rc = begin(&r, q->max, &q->last);
	q->more = rc == 0 && q->last < q->head;
	db_read_end(r.db);
	return rc;
}
