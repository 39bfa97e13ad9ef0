#include <stdlib.h>
#include <string.h>

#include "db.h"
#include "err.h"
#include "limits.h"
#include "past_tree.h"
#include "past_way.h"
#include "perm.h"
#include "store_in.h"
#include "tbl_workspace.h"
#include "twin.h"

/*
 * One scan over the entries of all folders, with a look at the way to each folder it comes to:
 *
 *	start -> (a folder that shows nothing: on behind it | an entry: shown or not)* -> the page is full, or the end
 */
#define WORK_MAX 100000		/* rows and folders looked at for one page */

struct walk {
	const struct past_tree_query *q;
	struct past_view view;
	struct past_scan scan;
	struct past_ways ways;
	int64_t *given;			/* folders in which something is shared by itself, in order; of partial readers */
	size_t ngiven;
	struct node node;
	struct buf path;		/* of the node, as shown */
	bool waits;			/* a node was filled, and is given when the entry behind it is known */
	struct buf before;		/* the name that came before it in its folder */
	bool knows_before;
	unsigned shown, work;
	void (*each)(void *arg, const struct node *node, struct slice path);
	void *arg;
	struct past_tree_end *end;
};

void
past_tree_end_release(struct past_tree_end *end)
{
	buf_release(&end->name);
}

/* ---- what a partial reader was given ---- */

static int
compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int
list_given(struct walk *w)
{
	struct db_row row = DB_ROW_INIT;
	size_t room = 0;
	int64_t *grown;
	int rc;

	if (w->ways.whole)
		return 0;
	rc = tbl_past_given(w->view.db, w->q->workspace, w->q->who->id, &row);
	while (rc == 0 && (rc = db_next(&row)) == 0) {
		if (w->ngiven == room) {
			room = room ? room * 2 : 64;
			if (!(grown = reallocarray(w->given, room, sizeof(*grown)))) {
				rc = ERR_NOMEM;
				break;
			}
			w->given = grown;
		}
		w->given[w->ngiven++] = db_int(&row, 0);
	}
	db_row_release(&row);
	if (w->ngiven)
		qsort(w->given, w->ngiven, sizeof(*w->given), compare);
	return rc == ERR_END ? 0 : rc;
}

/*
 * Whether a folder can show anything. What was given by itself is known by where it is now; if something has left its place
 * since, all that is in the way is looked at.
 */
static bool
shows(const struct walk *w, const struct past_way *way)
{
	if (!way->reached || !way->under)
		return false;
	return way->seen || w->view.moved ||
	       (w->ngiven && bsearch(&way->folder, w->given, w->ngiven, sizeof(*w->given), compare));
}

/* ---- entries ---- */

static struct slice
slice_of(const struct buf *b)
{
	return (struct slice) { b->data ? b->data : "", b->len };
}

static int
visible(struct walk *w, const struct past_way *way, const struct past_seen *e, bool *yes)
{
	*yes = way->seen && !e->left;
	return *yes ? 0 : past_way_visible(&w->ways, e->kind, e->node_id, yes);
}

static int
fill_folder(struct walk *w, const struct past_seen *e)
{
	struct past_seen marker;
	int rc = past_entry(&w->view, e->node_id, (struct slice) { "", 0 }, &marker);

	w->node.explicit_folder = rc == 0;
	return rc == ERR_NOTFOUND ? 0 : rc;
}

static void
fill_file(struct node *n, const struct past_seen *e)
{
	size_t len;

	n->version_id = e->version_id;
	n->size = (uint64_t)e->size;
	n->modified_us = e->modified_at;
	n->modified_by = e->modified_by;
	len = e->etag.len < sizeof(n->etag) ? e->etag.len : sizeof(n->etag) - 1;
	if (len)
		memcpy(n->etag, e->etag.p, len);
	n->etag[len] = '\0';
	n->has_hash = e->hash.len == sizeof(n->content_hash);
	if (n->has_hash)
		memcpy(n->content_hash, e->hash.p, sizeof(n->content_hash));
	buf_add(&n->headers, e->headers.p, e->headers.len);
}

static int
fill(struct walk *w, const struct past_way *way, const struct past_seen *e)
{
	struct node *n = &w->node;
	size_t len = e->name.len - (e->kind == ENTRY_FOLDER);
	int rc = 0;

	n->kind = e->kind == ENTRY_FOLDER ? NODE_FOLDER : NODE_FILE;
	n->id = e->node_id;
	n->workspace = w->view.workspace;
	n->parent = way->seen ? e->folder : 0;
	n->sequence = e->latest;
	n->created_us = e->created_at;
	n->created_by = e->created_by;
	n->twin = false;
	buf_clear(&n->name);
	buf_clear(&n->headers);
	buf_add(&n->name, e->name.p, len);
	buf_clear(&w->path);
	if (way->seen && way->len)
		buf_add(&w->path, w->ways.paths.data + way->path + way->shown, way->len - way->shown);
	buf_add(&w->path, e->name.p, len);
	if (e->kind == ENTRY_FOLDER)
		rc = fill_folder(w, e);
	else
		fill_file(n, e);
	if (rc || (rc = buf_finish(&n->name)) != 0 || (rc = buf_finish(&n->headers)) != 0)
		return rc;
	return buf_finish(&w->path);
}

/* Whether a folder's or file's twin is shown too (twin.h). */
static int
find_twin(struct walk *w, struct slice name)
{
	char room[TWIN_ROOM];
	struct past_seen other;
	struct slice twin = twin_name(name, room);
	int rc = twin.len ? past_entry(&w->view, w->node.parent, twin, &other) : ERR_NOTFOUND;

	w->node.twin = rc == 0;
	return rc == ERR_NOTFOUND ? 0 : rc;
}

static bool
begins(struct slice name, const struct buf *with)
{
	return name.len >= with->len && !memcmp(name.p, slice_of(with).p, with->len);
}

/*
 * A file comes before its twin, and all between them begin with its name too: what stands behind it (NULL: nothing) says whether it is worth
 * a look.
 */
static int
give(struct walk *w, const struct past_seen *behind)
{
	struct node *n = &w->node;
	int rc = 0;

	if (!w->waits)
		return 0;
	w->waits = false;
	if (n->kind == NODE_FILE && n->parent && behind && behind->folder == n->parent && begins(behind->name, &n->name) &&
	    (rc = find_twin(w, slice_of(&n->name))) != 0)
		return rc;
	w->each(w->arg, n, slice_of(&w->path));
	return 0;
}

/* And a folder behind its twin. */
static int
look_before(struct walk *w, const struct past_seen *e)
{
	struct slice before = slice_of(&w->before);

	if (e->kind != ENTRY_FOLDER || !w->node.parent || (w->knows_before && !begins(before, &w->node.name)))
		return 0;
	return find_twin(w, e->name);
}

static int
see(struct walk *w, const struct past_way *way, const struct past_seen *e)
{
	bool yes;
	int rc;

	if (e->kind == ENTRY_FILE && !e->name.len)
		return 0;	/* a folder's marker */
	if ((rc = visible(w, way, e, &yes)) != 0 ||
	    (yes && ((rc = fill(w, way, e)) != 0 || (rc = look_before(w, e)) != 0)))
		return rc;
	w->shown += yes;
	w->waits = yes;
	buf_clear(&w->before);
	buf_add(&w->before, e->name.p, e->name.len);
	w->knows_before = true;
	return buf_finish(&w->before);
}

/* ---- a page ---- */

static void
stop_behind(struct walk *w, int64_t folder, struct slice name)
{
	w->end->more = true;
	w->end->folder = folder;
	buf_clear(&w->end->name);
	buf_add(&w->end->name, name.p, name.len);
}

/* Ids are positive, so no folder is missed. */
static int
skip_folder(struct walk *w, int64_t folder)
{
	return past_scan_start(&w->scan, &w->view, true, folder + 1, (struct slice) { "", 0 });
}

static int
run(struct walk *w)
{
	const struct past_way *way;
	struct past_seen e;
	int rc;

	while ((rc = past_scan_next(&w->scan, &e)) == 0) {
		int64_t folder = e.folder;

		if ((rc = give(w, &e)) != 0 || (rc = past_way_find(&w->ways, folder, &way)) != 0 ||
		    (rc = shows(w, way) ? see(w, way, &e) : skip_folder(w, folder)) != 0)
			return rc;
		if (w->shown == w->q->max || ++w->work == WORK_MAX) {
			if (shows(w, way))
				stop_behind(w, folder, e.name);
			else
				stop_behind(w, folder + 1, (struct slice) { "", 0 });
			rc = past_scan_next(&w->scan, &e);
			break;
		}
	}
	if (rc && rc != ERR_END)
		return rc;
	return give(w, rc ? NULL : &e);
}

static int
start(struct walk *w)
{
	struct buf from = BUF_INIT(LIMIT_KEY_STORED);
	int rc;

	buf_add(&from, w->q->name.p, w->q->name.len);
	if (w->q->name.len)
		buf_addch(&from, '\0');	/* no name holds one: the least string above */
	if ((rc = buf_finish(&from)) == 0)
		rc = past_scan_start(&w->scan, &w->view, true, w->q->folder, slice_of(&from));
	if (rc == 0)
		rc = run(w);
	past_scan_release(&w->scan);
	buf_release(&from);
	return rc;
}

static int
check_under(struct walk *w)
{
	const struct past_way *way;
	int rc;

	if (!w->q->under_gone)
		return 0;
	rc = past_way_find(&w->ways, w->q->under, &way);
	return rc ? rc : way->reached && way->seen ? 0 : ERR_NOTFOUND;
}

static int
look(struct walk *w, struct store *store, struct db_conn *db)
{
	const struct past_tree_query *q = w->q;
	enum role role = ROLE_NONE;
	struct workspace_row row;
	int rc;

	if ((rc = tbl_workspace_get(db, q->workspace, &row)) != 0 ||
	    (rc = perm_role(store, db, q->who, q->workspace, &role)) != 0)
		return rc;
	rc = q->again ? past_reopen(db, &row, q->when.sequence, &w->view) : past_open(db, &row, &q->when, &w->view);
	if (rc)
		return rc;
	w->ways = (struct past_ways)PAST_WAYS_INIT;
	w->ways.view = &w->view;
	w->ways.store = store;
	w->ways.who = q->who;
	w->ways.whole = role >= ROLE_VIEWER;
	w->ways.under = q->under;
	w->end->sequence = w->view.sequence;
	if ((rc = check_under(w)) == 0 && (rc = list_given(w)) == 0)
		rc = start(w);
	past_ways_release(&w->ways);
	return rc;
}

int
past_tree(struct store *store, const struct past_tree_query *query,
    void (*each)(void *arg, const struct node *node, struct slice path), void *arg, struct past_tree_end *end)
{
	struct walk w = { .q = query, .scan = PAST_SCAN_INIT, .node = NODE_INIT, .path = BUF_INIT(LIMIT_KEY_STORED * 2),
		.before = BUF_INIT(LIMIT_KEY_STORED),
		.each = each, .arg = arg, .end = end };
	struct db_conn *db = NULL;
	int rc;

	end->more = false;
	end->folder = 0;
	buf_clear(&end->name);
	if ((rc = db_read_begin(store->db, &db)) != 0)
		return rc;
	rc = look(&w, store, db);
	db_read_end(db);
	if (rc == 0)
		rc = buf_finish(&end->name);
	free(w.given);
	node_release(&w.node);
	buf_release(&w.path);
	buf_release(&w.before);
	return rc;
}
