#include <string.h>

#include "commit.h"
#include "db.h"
#include "err.h"
#include "namespace.h"
#include "node.h"
#include "store_in.h"
#include "tbl_entry.h"
#include "tbl_grant.h"
#include "tbl_node.h"

/* Paths become nodes: from the root, and as they are shown to somebody who doesn't see all of a workspace. */

static int
entry_at(struct db_conn *db, const struct entry_at *at, enum node_kind *kind, int64_t *id)
{
	struct entry_row e;
	int rc = tbl_entry_get(db, at, &e);

	if (rc == 0 && !e.live)
		rc = ERR_NOTFOUND;
	if (rc == 0) {
		*kind = e.kind == ENTRY_FILE ? NODE_FILE : NODE_FOLDER;
		*id = e.node_id;
	}
	return rc;
}

/* `epoch` is of before the transaction. */
static int
look_up(struct store *store, struct db_conn *db, int64_t epoch, int64_t workspace, struct slice path,
    enum node_kind *kind, int64_t *id)
{
	struct buf folder = BUF_INIT(LIMIT_KEY_STORED * 2);
	struct slice above = namespace_path(path);
	struct entry_at at = { workspace, 0, { path.p + above.len, path.len - above.len } };
	int rc = namespace_folder(store, db, epoch, workspace, above, &at.folder);

	if (rc == 0 && !at.name.len) {
		*kind = NODE_FOLDER;
		*id = at.folder;
	} else if (rc == 0 && (rc = entry_at(db, &at, kind, id)) == ERR_NOTFOUND) {
		buf_add(&folder, at.name.p, at.name.len);
		buf_addch(&folder, '/');
		at.name = (struct slice) { folder.data, folder.len };
		rc = buf_finish(&folder) ? buf_finish(&folder) : entry_at(db, &at, kind, id);
	}
	buf_release(&folder);
	return rc;
}

int
node_lookup(struct store *store, int64_t workspace, struct slice path, enum node_kind *kind, int64_t *id)
{
	int64_t epoch = store_structure_epoch(store);
	struct db_conn *db = NULL;
	int rc = db_read_begin(store->db, &db);

	if (rc == 0)
		rc = look_up(store, db, epoch, workspace, path, kind, id);
	db_read_end(db);
	return rc;
}

/* ---- as it is shown ---- */

struct shown {
	struct store *store;
	struct db_conn *db;
	const struct principal *who;
	int64_t epoch, workspace;
	struct slice first, rest;	/* the name of a topmost node, and what is behind its slash */
	bool slash;
	int64_t top;			/* of what was found; 0: nothing yet */
	enum node_kind kind;
	int64_t id;
};

/* Whether a node that was shared is one where paths begin, and this path does. */
static int
begins_at(struct shown *s, enum node_kind kind, int64_t id, bool *yes)
{
	struct db_row row = DB_ROW_INIT;
	enum role role = ROLE_NONE;
	int64_t top = 0;
	struct node_row n;
	int rc = kind == NODE_FILE ? tbl_node_file(s->db, id, &row, &n) : tbl_node_folder(s->db, id, &row, &n);

	if (rc == 0 && kind == NODE_FOLDER && n.name.len)
		n.name.len--;
	*yes = rc == 0 && !bytes_cmp(n.name.p, n.name.len, s->first.p, s->first.len);
	db_row_release(&row);
	if (*yes && (rc = node_role(s->store, s->db, s->who, kind, id, s->workspace, &role, &top)) == 0)
		*yes = top == id;
	return rc;
}

static int
look_below(struct shown *s, int64_t folder, enum node_kind *kind, int64_t *id)
{
	struct buf path = BUF_INIT(LIMIT_KEY_STORED * 2);
	int rc = namespace_path_of(s->db, s->workspace, folder, &path);

	buf_add(&path, s->rest.p, s->rest.len);
	if (rc == 0 && (rc = buf_finish(&path)) == 0)
		rc = look_up(s->store, s->db, s->epoch, s->workspace, (struct slice) { path.data, path.len }, kind, id);
	buf_release(&path);
	return rc;
}

/* Of several that the path can mean: a file where a folder isn't asked for, then what was made first. */
static bool
is_better(const struct shown *s, enum node_kind kind, int64_t top)
{
	if (!s->top || (!s->slash && kind != s->kind))
		return !s->top || kind == NODE_FILE;
	return top < s->top;
}

static int
try_node(struct shown *s, enum node_kind kind, int64_t top)
{
	int64_t id = top;
	bool yes;
	int rc;

	if (kind == NODE_FILE && s->slash)
		return 0;
	rc = begins_at(s, kind, top, &yes);
	if (rc == 0 && yes && s->rest.len)
		rc = look_below(s, top, &kind, &id);
	if (rc == 0 && yes && is_better(s, kind, top)) {
		s->top = top;
		s->kind = kind;
		s->id = id;
	}
	return rc == ERR_NOTFOUND ? 0 : rc;
}

static int
try_all(struct shown *s)
{
	struct db_row row = DB_ROW_INIT;
	bool folder;
	int64_t id;
	int rc = tbl_grant_mine(s->db, s->workspace, s->who->id, &row);

	while (rc == 0 && (rc = db_next(&row)) == 0)
		if (tbl_grant_mine_seen(&row, &id, &folder))
			rc = try_node(s, folder ? NODE_FOLDER : NODE_FILE, id);
	db_row_release(&row);
	return rc != ERR_END ? rc : s->top ? 0 : ERR_NOTFOUND;
}

int
node_lookup_shown(struct store *store, const struct principal *who, int64_t workspace, struct slice path,
    enum node_kind *kind, int64_t *id)
{
	struct shown s = { .store = store, .who = who, .epoch = store_structure_epoch(store), .workspace = workspace,
		.first = path };
	const char *slash = path.len ? memchr(path.p, '/', path.len) : NULL;
	enum role role = ROLE_NONE;
	int rc;

	if (slash) {
		s.slash = true;
		s.first.len = (size_t)(slash - path.p);
		s.rest = (struct slice) { slash + 1, path.len - s.first.len - 1 };
	}
	if ((rc = db_read_begin(store->db, &s.db)) != 0)
		return rc;
	if ((rc = perm_role(store, s.db, who, workspace, &role)) == 0)
		rc = role != ROLE_NONE ? look_up(store, s.db, s.epoch, workspace, path, kind, id) : try_all(&s);
	db_read_end(s.db);
	if (rc == 0 && role == ROLE_NONE) {
		*kind = s.kind;
		*id = s.id;
	}
	return rc;
}
