#include <string.h>

#include "clock.h"
#include "db.h"
#include "err.h"
#include "store_in.h"
#include "tbl_node.h"
#include "tbl_trash.h"
#include "tbl_version.h"
#include "tbl_workspace.h"
#include "tree.h"

/* What went: the trash of a workspace, and the versions of a file. */

/* A folder's stored name without its slash. */
static struct slice
plain(struct slice name)
{
	if (name.len && name.p[name.len - 1] == '/')
		name.len--;
	return name;
}

/* ---- the trash ---- */

struct source {
	struct db_row row;
	struct trash_seen seen;
	bool there;
};

static int
advance(struct source *s)
{
	int rc = db_next(&s->row);

	s->there = rc == 0;
	if (rc == 0)
		tbl_trash_seen(&s->row, &s->seen);
	return rc == ERR_END ? 0 : rc;
}

static bool
newer(const struct trash_seen *a, const struct trash_seen *b)
{
	return a->deleted_at != b->deleted_at ? a->deleted_at > b->deleted_at : a->id > b->id;
}

enum { FOLDERS, FILES, MARKED, SOURCES };

static int
start(struct db_conn *db, const struct tree_trash *q, const struct workspace_row *w, struct source *s, int which)
{
	int64_t since = clock_wall_us() - w->history_ms * 1000, at = q->after_us ? q->after_us : INT64_MAX;
	int64_t id = q->after_us ? q->after_id : INT64_MAX;
	int rc;

	if (which == FOLDERS)
		rc = tbl_trash_folders(db, w->id, since, at, id, &s->row);
	else if (which == FILES)
		rc = tbl_trash_files(db, w->id, since, at, id, &s->row);
	else
		rc = tbl_trash_marked(db, w->id, at, id, &s->row);
	return rc ? rc : advance(s);
}

/* The source whose head was deleted last; SOURCES: all are at their end. */
static int
newest(const struct source *sources)
{
	int found = SOURCES;

	for (int i = 0; i < SOURCES; i++)
		if (sources[i].there && (found == SOURCES || newer(&sources[i].seen, &sources[found].seen)))
			found = i;
	return found;
}

static void
give(const struct trash_seen *seen, int which, const struct workspace_row *w,
    void (*each)(void *arg, const struct tree_gone *gone), void *arg)
{
	struct tree_gone gone = { .kind = which == FOLDERS ? NODE_FOLDER : NODE_FILE, .id = seen->id, .parent = seen->parent,
		.name = plain(seen->name), .deleted_us = seen->deleted_at, .deleted_by = seen->deleted_by,
		.expires_us = which == MARKED ? 0 : seen->deleted_at + w->history_ms * 1000, .version = seen->version,
		.has_hash = seen->hash.len == sizeof(gone.hash), .bytes = seen->bytes, .files = seen->objects };

	if (gone.has_hash)
		memcpy(gone.hash, seen->hash.p, sizeof(gone.hash));
	each(arg, &gone);
}

static int
list_trash(struct db_conn *db, struct tree_trash *q, const struct workspace_row *w,
    void (*each)(void *arg, const struct tree_gone *gone), void *arg)
{
	struct source sources[SOURCES] = { { .row = DB_ROW_INIT }, { .row = DB_ROW_INIT }, { .row = DB_ROW_INIT } };
	int rc = 0, which;

	for (int i = 0; rc == 0 && i < SOURCES; i++)
		rc = start(db, q, w, &sources[i], i);
	for (unsigned n = 0; rc == 0 && n < q->limit && (which = newest(sources)) != SOURCES; n++) {
		give(&sources[which].seen, which, w, each, arg);
		rc = advance(&sources[which]);
	}
	q->more = newest(sources) != SOURCES;
	for (int i = 0; i < SOURCES; i++)
		db_row_release(&sources[i].row);
	return rc;
}

int
tree_trash(struct store *store, struct tree_trash *q, void (*each)(void *arg, const struct tree_gone *gone), void *arg)
{
	struct db_conn *db = NULL;
	struct workspace_row w;
	int rc;

	if ((rc = db_read_begin(store->db, &db)) != 0)
		return rc;
	if ((rc = tbl_workspace_get(db, q->workspace, &w)) == 0)
		rc = list_trash(db, q, &w, each, arg);
	db_read_end(db);
	return rc;
}

/* Where a node is, or was when it went. */
int
tree_trash_find(struct db_conn *db, enum node_kind kind, int64_t id, struct tree_gone *gone, int64_t *workspace,
    struct buf *name)
{
	struct db_row row = DB_ROW_INIT, trash_row = DB_ROW_INIT;
	struct trash_folder trash;
	struct node_row n;
	int rc;

	if ((rc = kind == NODE_FILE ? tbl_node_file(db, id, &row, &n) : tbl_node_folder(db, id, &row, &n)) != 0)
		goto out;
	*workspace = n.workspace;
	*gone = (struct tree_gone) { .kind = kind, .id = id, .parent = n.parent, .deleted_us = n.deleted_at,
		.version = n.version_id };
	if (n.parent < 0 && (rc = tbl_trash_get(db, n.workspace, id, &trash_row, &trash)) == 0) {
		gone->parent = trash.parent;
		gone->deleted_us = trash.deleted_at;
		gone->deleted_by = trash.deleted_by;
	}
	buf_clear(name);
	buf_add(name, plain(n.name).p, plain(n.name).len);
	gone->name = (struct slice) { name->data ? name->data : "", name->len };
	rc = rc ? rc : buf_finish(name);
out:
	db_row_release(&row);
	db_row_release(&trash_row);
	return rc;
}

int
tree_trash_get(struct store *store, enum node_kind kind, int64_t id, struct tree_gone *gone, int64_t *workspace,
    struct buf *name)
{
	struct db_conn *db = NULL;
	int rc;

	if ((rc = db_read_begin(store->db, &db)) != 0)
		return rc;
	rc = tree_trash_find(db, kind, id, gone, workspace, name);
	db_read_end(db);
	return rc;
}

/* ---- versions ---- */

static void
give_version(const struct version_row *v, void (*each)(void *arg, const struct tree_version *version), void *arg)
{
	struct tree_version version = { .id = v->id, .base = v->base_id, .size = (uint64_t)v->size,
		.has_hash = v->has_hash, .marker = v->kind == VERSION_MARKER, .current = v->keep == KEEP_CURRENT,
		.created_us = v->created_at, .created_by = v->created_by, .keep = v->keep };

	memcpy(version.hash, v->hash, sizeof(version.hash));
	each(arg, &version);
}

/* The next of the old ones. *there: false behind the last. */
static int
next_old(struct db_row *row, struct version_row *v, bool *there)
{
	int rc = db_next(row);

	*there = rc == 0;
	return rc == ERR_END ? 0 : rc ? rc : tbl_version_each(row, v);
}

/* The current one, if it is there and is to be listed: a file in the trash has none. */
static int
find_current(struct db_conn *db, const struct node_row *f, int64_t before, struct version_row *v, bool *there)
{
	struct db_row row = DB_ROW_INIT;
	int rc = tbl_version_lean(db, f->workspace, f->version_id, &row);

	if (rc == 0)
		rc = tbl_version_each(&row, v);
	db_row_release(&row);
	*there = rc == 0 && v->keep == KEEP_CURRENT && v->id < before;
	return rc == ERR_NOTFOUND ? 0 : rc;
}

/* The current one stands where its id is among the others: first, but for older ones that became current again. */
static int
list_versions(struct db_conn *db, const struct node_row *f, int64_t before, unsigned limit,
    void (*each)(void *arg, const struct tree_version *version), void *arg, bool *more)
{
	struct db_row row = DB_ROW_INIT;
	struct version_row v, now;
	bool pending, there;
	int rc;

	if ((rc = find_current(db, f, before, &now, &pending)) != 0 ||
	    (rc = tbl_version_old(db, f->workspace, f->id, before, &row)) != 0 ||
	    (rc = next_old(&row, &v, &there)) != 0)
		goto out;
	for (unsigned n = 0; rc == 0 && n < limit && (pending || there); n++) {
		if (pending && (!there || now.id > v.id)) {
			give_version(&now, each, arg);
			pending = false;
		} else {
			give_version(&v, each, arg);
			rc = next_old(&row, &v, &there);
		}
	}
	*more = pending || there;
out:
	db_row_release(&row);
	return rc;
}

int
tree_versions(struct store *store, int64_t workspace, int64_t file, int64_t before, unsigned limit,
    void (*each)(void *arg, const struct tree_version *version), void *arg, bool *more)
{
	struct db_row row = DB_ROW_INIT;
	struct db_conn *db = NULL;
	struct node_row f;
	int rc;

	*more = false;
	if ((rc = db_read_begin(store->db, &db)) != 0)
		return rc;
	if ((rc = tbl_node_file(db, file, &row, &f)) == 0)
		rc = f.workspace != workspace ? ERR_NOTFOUND :
		    list_versions(db, &f, before ? before : INT64_MAX, limit, each, arg, more);
	db_row_release(&row);
	db_read_end(db);
	return rc;
}
