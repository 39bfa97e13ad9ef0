#include <string.h>

#include "err.h"
#include "feed_for.h"
#include "feed_tell.h"
#include "limits.h"
#include "planted.h"
#include "tbl_file.h"
#include "tbl_grant.h"
#include "tbl_node.h"
#include "tbl_workspace.h"
#include "twin.h"

void
feed_tell_init(struct feed_tell *t, struct db_conn *db, const struct workspace_row *w, struct feed_query *q,
    const struct feed_out *out)
{
	*t = (struct feed_tell) {
		.db = db,
		.w = w,
		.q = q,
		.out = out,
		.paths = { .db = db, .w = w, .who = q->who->id, .whole = q->whole },
		.sight = { .db = db, .w = w, .who = q->who->id, .scope = q->scope,
		    .always = q->who->admin || w->owner_id == q->who->id },
		.path = BUF_INIT(LIMIT_KEY_STORED * 2),
	};
	feed_paths_init(&t->paths);
}

void
feed_tell_release(struct feed_tell *t)
{
	feed_paths_release(&t->paths);
	buf_release(&t->path);
}

static bool
begins(enum event_type type)
{
	return type == EVENT_FILE_CREATED || type == EVENT_FOLDER_CREATED || type == EVENT_CONFLICT_COPY_CREATED ||
	       type == EVENT_FILE_RESTORED || type == EVENT_FOLDER_RESTORED;
}

static bool
ends(enum event_type type)
{
	return type == EVENT_FILE_DELETED || type == EVENT_FOLDER_DELETED;
}

static bool
moves(enum event_type type)
{
	return type == EVENT_FILE_MOVED || type == EVENT_FOLDER_MOVED;
}

static bool
shares(enum event_type type)
{
	return type == EVENT_SHARE_GRANTED || type == EVENT_SHARE_REVOKED;
}

/* ---- what may be told now ---- */

static int
sees_folder(struct feed_tell *t, int64_t folder, bool *yes)
{
	const struct feed_path *p;
	int rc = feed_path_find(&t->paths, folder, &p);

	*yes = rc == 0 && p->seen;
	return rc;
}

/* What the event says of its node in `parent`: where that is seen, or by a grant on the node, which may have ended with it. */
static int
may_tell(struct feed_tell *t, const struct event *e, int64_t parent, bool *yes)
{
	struct grant_held held;
	int64_t then = ends(e->type) ? e->sequence - 1 : t->w->sequence;
	int rc = sees_folder(t, parent, yes);

	if (rc || *yes)
		return rc;
	rc = tbl_grant_held(t->db, t->w->id, e->node, t->q->who->id, then, &held);
	*yes = rc == 0 && held.yes;
	return rc;
}

/* The same of one that came: a folder that is seen where it is now may have come into view elsewhere. It is listed as it is. */
static int
may_come(struct feed_tell *t, const struct event *e, bool *yes)
{
	int rc = may_tell(t, e, e->parent, yes);

	return rc || *yes || !e->folder || ends(e->type) ? rc : sees_folder(t, e->node, yes);
}

/* ---- giving ---- */

/* Nothing shows of where it came from if that isn't seen. */
static int
hide_from(struct feed_tell *t, struct event *e)
{
	bool yes;
	int rc;

	if (!e->from_parent)
		return 0;
	if ((rc = may_tell(t, e, e->from_parent, &yes)) != 0)
		return rc;
	if (!yes)
		e->from_name = (struct slice) { NULL, 0 };
	if ((rc = sees_folder(t, e->from_parent, &yes)) == 0 && !yes)
		e->from_parent = 0;
	return rc;
}

/* Of what is there; what else a folder holds that isn't seen is not told. */
static int
find_twin(struct feed_tell *t, const struct feed_path *p, struct event *e)
{
	if (ends(e->type) || e->type == EVENT_ACCESS_LOST || !p->seen || !p->reached || (p->flat && !e->folder))
		return 0;
	return twin_shown(t->db, &(struct entry_at) { t->w->id, e->parent, e->name }, &e->twin);
}

/* Nothing shows of parents that aren't seen. */
static int
give(struct feed_tell *t, struct event *e)
{
	const struct feed_path *p;
	int rc;

	if (t->peek)
		return ERR_BUSY;
	if ((rc = hide_from(t, e)) != 0 || (rc = feed_path_find(&t->paths, e->parent, &p)) != 0 || (rc = find_twin(t, p, e)) != 0)
		return rc;
	/* It could be found again without the epoch telling so: such a page is not shared. */
	t->q->personal |= !p->reached;
	buf_clear(&t->path);
	if (p->seen)
		buf_add(&t->path, p->path.data, p->path.len);
	else
		e->parent = 0;
	buf_add(&t->path, e->name.p, e->name.len);
	if (buf_finish(&t->path) != 0)
		return buf_finish(&t->path);
	t->out->each(t->out->arg, e, (struct slice) { t->path.data ? t->path.data : "", t->path.len });
	t->given++;
	t->open = true;
	return 0;
}

static int
give_as(struct feed_tell *t, struct event *e, enum event_type type)
{
	e->type = type;
	e->from_parent = 0;
	e->from_name = (struct slice) { NULL, 0 };
	e->principal = 0;
	return give(t, e);
}

/* What is told of a node that went is what was seen of it last, if that may still be said. */
static int
give_lost(struct feed_tell *t, struct event *e)
{
	bool may = true;
	int rc;

	if (moves(e->type)) {
		e->parent = e->from_parent;
		e->name = e->from_name;
	}
	if (!shares(e->type) && (rc = may_tell(t, e, e->parent, &may)) != 0)
		return rc;
	if (!may)
		e->name = (struct slice) { "", 0 };
	e->version = 0;
	e->size = 0;
	e->has_hash = false;
	t->lost |= e->folder && !t->peek;
	return give_as(t, e, EVENT_ACCESS_LOST);
}

/* ---- the scope, where something happened above it ---- */

/* The scope in place of what the event tells of; its name is said while it is seen. */
static int
give_scope(struct feed_tell *t, struct event *e, enum event_type type)
{
	struct db_row row = DB_ROW_INIT;
	struct node_row n;
	bool seen;
	int rc;

	if ((rc = sees_folder(t, t->q->scope, &seen)) != 0)
		return rc;
	e->node = t->q->scope;
	e->folder = true;
	e->parent = 0;
	e->name = (struct slice) { "", 0 };
	rc = seen ? tbl_node_folder(t->db, t->q->scope, &row, &n) : ERR_NOTFOUND;
	if (rc == 0) {
		e->parent = n.parent > 0 ? n.parent : 0;
		e->name = n.name;
	}
	rc = rc == ERR_NOTFOUND ? 0 : rc;
	t->lost |= rc == 0 && type == EVENT_ACCESS_LOST && !t->peek;
	if (rc == 0)
		rc = give_as(t, e, type);
	db_row_release(&row);
	return rc;
}

/* `seen`: what counts as seen, sight_sees() or sight_shows(). */
static int
tell_scope(struct feed_tell *t, struct event *e, bool (*seen)(const struct sight_place *place))
{
	struct sight_place then, now;
	bool before;
	int rc;

	if ((rc = sight_folder(&t->sight, t->q->scope, e->sequence - 1, &then)) != 0 ||
	    (rc = sight_folder(&t->sight, t->q->scope, e->sequence, &now)) != 0)
		return rc;
	before = seen(&then);
	/* A listing of the time before shows it by where it is now, too. */
	if (!before && then.reached && !now.reached && (rc = sees_folder(t, t->q->scope, &before)) != 0)
		return rc;
	if (before == seen(&now))
		return 0;
	if (e->type == EVENT_FOLDER_DELETED || e->type == EVENT_FOLDER_RESTORED)
		return give_scope(t, e, e->type);
	return give_scope(t, e, before ? EVENT_ACCESS_LOST : EVENT_ACCESS_GAINED);
}

/* ---- what was shared with the reader by itself ---- */

static int
load(struct feed_tell *t, bool folder, int64_t id, struct db_row *row, struct node_row *n)
{
	int rc = folder ? tbl_node_folder(t->db, id, row, n) : tbl_node_file(t->db, id, row, n);

	return rc == 0 && !folder && n->state != FILE_LIVE ? ERR_NOTFOUND : rc;
}

static int
look(struct feed_tell *t, bool folder, int64_t id, int64_t parent, int64_t sequence, struct sight_place *place)
{
	return folder ? sight_folder(&t->sight, id, sequence, place) :
			sight_file(&t->sight, id, parent, sequence, place);
}

static struct event
event_of(const struct feed_tell *t, bool folder, const struct node_row *n, int64_t sequence)
{
	struct event e = { .workspace = t->w->id, .sequence = sequence, .type = EVENT_ACCESS_GAINED, .folder = folder, .node = n->id,
		.parent = n->parent > 0 ? n->parent : 0, .name = n->name, .occurred_us = t->time_us };

	if (folder)
		return e;
	e.version = n->version_id;
	e.size = (uint64_t)n->size;
	e.has_hash = n->hash.len == sizeof(e.content_hash);
	if (e.has_hash)
		memcpy(e.content_hash, n->hash.p, sizeof(e.content_hash));
	return e;
}

/* One node that may lie below the folder that `cause` tells of. Of a file the present place is taken: where it was told of others follows. */
static int
tell_below_one(struct feed_tell *t, const struct event *cause, bool folder, int64_t id)
{
	struct db_row row = DB_ROW_INIT;
	struct sight_place then, now;
	struct node_row n;
	struct event e;
	int rc = id == cause->node ? ERR_NOTFOUND : load(t, folder, id, &row, &n);

	if (rc == 0 && (rc = look(t, folder, id, n.parent, cause->sequence - 1, &then)) == 0 &&
	    (rc = look(t, folder, id, n.parent, cause->sequence, &now)) == 0 && sight_shows(&then) != sight_shows(&now)) {
		e = event_of(t, folder, &n, cause->sequence);
		e.actor = cause->actor;
		e.device = cause->device;
		rc = sight_shows(&now) ? give(t, &e) : give_lost(t, &e);
	}
	db_row_release(&row);
	return rc == ERR_NOTFOUND ? 0 : rc;
}

/* One node that is seen at the end of the feed. */
static int
tell_seen_one(struct feed_tell *t, const struct event *cause, bool folder, int64_t id)
{
	struct db_row row = DB_ROW_INIT;
	struct sight_place place;
	struct node_row n;
	struct event e;
	int rc = load(t, folder, id, &row, &n);

	if (rc == 0 && (rc = look(t, folder, id, n.parent, t->w->sequence, &place)) == 0 && sight_sees(&place)) {
		e = event_of(t, folder, &n, cause->sequence);
		rc = give(t, &e);
	}
	db_row_release(&row);
	return rc == ERR_NOTFOUND ? 0 : rc;
}

static int
each_shared(struct feed_tell *t, const struct event *cause,
    int (*one)(struct feed_tell *t, const struct event *cause, bool folder, int64_t id))
{
	struct db_row row = DB_ROW_INIT;
	bool folder;
	int64_t id;
	int rc = tbl_grant_mine(t->db, t->w->id, t->q->who->id, &row);

	while (rc == 0 && (rc = db_next(&row)) == 0)
		if (tbl_grant_mine_seen(&row, &id, &folder))
			rc = one(t, cause, folder, id);
	db_row_release(&row);
	return rc == ERR_END ? 0 : rc;
}

int
feed_tell_shared(struct feed_tell *t, int64_t sequence)
{
	return each_shared(t, &(struct event) { .sequence = sequence }, tell_seen_one);
}

/* ---- the rules ---- */

/* A share with the reader, or its end. */
static int
tell_share(struct feed_tell *t, struct event *e)
{
	struct sight_place then, now, last;
	bool may;
	int rc;

	if (PLANTED("revoked") && e->type == EVENT_SHARE_REVOKED)
		return 0;
	if ((rc = look(t, e->folder, e->node, e->parent, e->sequence - 1, &then)) != 0 ||
	    (rc = look(t, e->folder, e->node, e->parent, e->sequence, &now)) != 0)
		return rc;
	if (!then.inside && !now.inside)
		return tell_scope(t, e, sight_sees);
	if ((rc = may_come(t, e, &may)) != 0 ||
	    (rc = look(t, e->folder, e->node, e->parent, t->w->sequence, &last)) != 0)
		return rc;
	if (e->type == EVENT_SHARE_REVOKED)	/* what shows it still may not be told of, or be gone since */
		return sight_sees(&now) && sight_sees(&last) && may ? 0 : give_lost(t, e);
	return !sight_sees(&then) && sight_sees(&now) && may ? give_as(t, e, EVENT_ACCESS_GAINED) : 0;
}

/* Whether a listing of the time before the event shows its node: by what is seen now, where it was or where it is (a file that is gone: was last). */
static int
listed(struct feed_tell *t, const struct event *e, int64_t from, bool *yes)
{
	struct db_row row = DB_ROW_INIT;
	struct node_row n = { 0 };
	int rc;

	if ((rc = sees_folder(t, from, yes)) != 0 || *yes)
		return rc;
	if (e->folder)
		return sees_folder(t, e->node, yes);
	rc = tbl_node_file(t->db, e->node, &row, &n);
	db_row_release(&row);
	return rc == 0 || rc == ERR_NOTFOUND ? may_tell(t, e, n.parent, yes) : rc;
}

/* Whether the reader knew the node before the event, and may know it after. */
static int
around(struct feed_tell *t, const struct event *e, bool may, bool *before, bool *after)
{
	struct sight_place then = { 0 }, now = { 0 };
	int64_t from = moves(e->type) ? e->from_parent : e->parent;
	int rc = 0;

	if (!begins(e->type))
		rc = look(t, e->folder, e->node, from, e->sequence - 1, &then);
	if (rc == 0 && !ends(e->type))
		rc = look(t, e->folder, e->node, e->parent, e->sequence, &now);
	*before = sight_shows(&then);
	*after = sight_shows(&now) && may;
	if (rc == 0 && !*before && !*after && then.reached && then.inside && (moves(e->type) || ends(e->type)))
		rc = listed(t, e, from, before);
	return rc;
}

static int
tell_node(struct feed_tell *t, struct event *e)
{
	bool may, before, after;
	int rc;

	if ((rc = may_come(t, e, &may)) != 0 || (rc = around(t, e, may, &before, &after)) != 0)
		return rc;
	if (after)
		return moves(e->type) && !before ? give_as(t, e, EVENT_ACCESS_GAINED) : give(t, e);
	if (before)
		return ends(e->type) && may ? give(t, e) : give_lost(t, e);
	return 0;
}

static int
tell_partial(struct feed_tell *t, struct event *e)
{
	const struct event told = *e;
	bool subtree = moves(e->type) || begins(e->type) || ends(e->type);
	int rc;

	if (shares(e->type))
		return e->principal == t->q->who->id ? tell_share(t, e) : 0;
	if ((rc = tell_node(t, e)) != 0 || !told.folder || !subtree)
		return rc;
	*e = told;
	if (!t->sight.always && (rc = each_shared(t, e, tell_below_one)) != 0)
		return rc;
	return t->q->scope && t->q->scope != e->node ? tell_scope(t, e, sight_shows) : 0;
}

static int
tell_whole(struct feed_tell *t, struct event *e)
{
	t->q->personal |= shares(e->type);
	if (e->type == EVENT_SHARE_GRANTED && e->principal == t->q->who->id && e->node == t->w->root_folder_id)
		return give_as(t, e, EVENT_ACCESS_GAINED);
	return give(t, e);
}

int
feed_tell_event(struct feed_tell *t, struct event *e)
{
	if (!e->folder && !e->name.len)	/* the marker of a folder */
		return 0;
	if (!e->from_parent)
		e->from_name = (struct slice) { NULL, 0 };
	t->time_us = e->occurred_us;
	return t->q->whole && !t->q->scope ? tell_whole(t, e) : tell_partial(t, e);
}
