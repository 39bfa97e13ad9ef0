#include <stdio.h>
#include <string.h>

#include "db.h"
#include "err.h"
#include "namespace.h"
#include "node.h"
#include "store_in.h"
#include "tbl_entry.h"
#include "tbl_file.h"
#include "tbl_grant.h"
#include "tbl_node.h"
#include "twin.h"

void
node_release(struct node *n)
{
	buf_release(&n->name);
	buf_release(&n->path);
	buf_release(&n->headers);
}

static void
fill(struct node *n, enum node_kind kind, const struct node_row *r)
{
	size_t len = r->name.len;

	if (kind == NODE_FOLDER && len)
		len--;
	n->kind = kind;
	n->id = r->id;
	n->workspace = r->workspace;
	n->parent = r->parent;
	buf_clear(&n->name);
	buf_clear(&n->path);
	buf_clear(&n->headers);
	n->twin = false;
	buf_add(&n->name, r->name.p, len);
	n->sequence = r->sequence;
	n->created_by = r->created_by;
	n->created_us = r->created_at;
}

static void
fill_file(struct node *n, const struct node_row *r)
{
	n->version_id = r->version_id;
	n->base_version_id = r->base_id;
	n->size = (uint64_t)r->size;
	n->modified_us = r->modified_at;
	n->modified_by = r->modified_by;
	snprintf(n->etag, sizeof(n->etag), "%.*s", (int)r->etag.len, r->etag.p);
	n->has_hash = r->hash.len == sizeof(n->content_hash);
	if (n->has_hash)
		memcpy(n->content_hash, r->hash.p, sizeof(n->content_hash));
	buf_add(&n->headers, r->headers.p, r->headers.len);
}

static int
find_marker(struct db_conn *db, struct node *n)
{
	struct entry_row e;
	int rc = tbl_entry_get(db, &(struct entry_at) { n->workspace, n->id, { "", 0 } }, &e);

	n->explicit_folder = rc == 0 && e.live;
	return rc == ERR_NOTFOUND ? 0 : rc;
}

int
node_load(struct db_conn *db, enum node_kind kind, int64_t id, struct node *n)
{
	struct db_row row = DB_ROW_INIT;
	struct node_row r;
	int rc;

	rc = kind == NODE_FILE ? tbl_node_file(db, id, &row, &r) : tbl_node_folder(db, id, &row, &r);
	if (rc == 0 && (kind == NODE_FILE ? r.state != FILE_LIVE : r.parent && !r.live))
		rc = ERR_NOTFOUND;
	if (rc == 0) {
		fill(n, kind, &r);
		if (kind == NODE_FILE)
			fill_file(n, &r);
		else
			rc = find_marker(db, n);
	}
	if (rc == 0 && (rc = buf_finish(&n->name)) == 0)
		rc = buf_finish(&n->headers);
	db_row_release(&row);
	return rc;
}

static int
find_twin(struct db_conn *db, struct node *n)
{
	struct buf *stored = &n->path;
	int rc;

	if (!n->parent)
		return 0;
	buf_clear(stored);
	buf_add(stored, n->name.data, n->name.len);
	if (n->kind == NODE_FOLDER)
		buf_addch(stored, '/');
	if ((rc = buf_finish(stored)) != 0)
		return rc;
	return twin_shown(db, &(struct entry_at) { n->workspace, n->parent, { stored->data ? stored->data : "", stored->len } }, &n->twin);
}

int
node_locate(struct db_conn *db, struct node *n)
{
	int rc = find_twin(db, n);

	if (rc)
		return rc;
	buf_clear(&n->path);
	if (n->parent && (rc = namespace_path_of(db, n->workspace, n->parent, &n->path)) != 0)
		return rc;
	buf_add(&n->path, n->name.data, n->name.len);
	return buf_finish(&n->path);
}

/* ---- rights ---- */

static int
grant_on(struct db_conn *db, int64_t workspace, int64_t node, int64_t principal, enum role *role, bool *granted)
{
	int found = 0, rc = tbl_grant_role(db, workspace, node, principal, &found);

	*granted = rc == 0;
	if (rc == 0 && (enum role)found > *role)
		*role = (enum role)found;
	return rc == ERR_NOTFOUND ? 0 : rc;
}

/* From a folder up to the root, which must be reached. */
static int
climb(struct db_conn *db, int64_t workspace, int64_t folder, int64_t principal, enum role *role, int64_t *top)
{
	bool granted;
	int rc = 0;

	for (int depth = 0; rc == 0 && folder; depth++) {
		if (depth > LIMIT_DEPTH + 1)
			return ERR_NOTFOUND;
		if (principal && (rc = grant_on(db, workspace, folder, principal, role, &granted)) != 0)
			return rc;
		if (principal && granted)
			*top = folder;
		rc = tbl_node_folder_parent(db, workspace, folder, &folder);
	}
	return rc;
}

int
node_role(struct store *store, struct db_conn *db, const struct principal *who, enum node_kind kind, int64_t id,
    int64_t workspace, enum role *role, int64_t *top)
{
	enum role whole = ROLE_NONE, below = ROLE_NONE;
	int64_t folder = id, first = 0;
	struct db_row row = DB_ROW_INIT;
	struct node_row r;
	bool granted = false, gone;
	int rc;

	if ((rc = perm_role(store, db, who, workspace, &whole)) != 0)
		return rc;
	if (kind == NODE_FILE) {
		rc = tbl_node_file(db, id, &row, &r);
		folder = rc == 0 ? r.parent : 0;
		gone = rc == 0 && r.state != FILE_LIVE;
		db_row_release(&row);
		if (rc == 0 && !gone && whole < ROLE_OWNER)
			rc = grant_on(db, workspace, id, who->id, &below, &granted);
		if (rc == 0 && granted)
			first = id;
	}
	if (rc != 0 || (rc = climb(db, workspace, folder, whole == ROLE_OWNER ? 0 : who->id, &below, &first)) != 0)
		return rc;
	*role = whole > below ? whole : below;
	if (top)
		*top = whole ? 0 : first;
	return 0;
}

int
node_find(struct store *store, const struct principal *who, enum action action, enum node_kind kind, int64_t id,
    struct node *n)
{
	struct db_conn *db = NULL;
	enum role role = ROLE_NONE;
	int rc;

	if ((rc = db_read_begin(store->db, &db)) != 0)
		return rc;
	if ((rc = node_load(db, kind, id, n)) == 0 &&
	    (rc = node_role(store, db, who, kind, id, n->workspace, &role, NULL)) == 0)
		rc = role == ROLE_NONE ? ERR_NOTFOUND : perm_allows(role, action);
	if (rc == 0)
		rc = node_locate(db, n);
	db_read_end(db);
	return rc;
}

int
node_seen(struct store *store, struct db_conn *db, const struct principal *who, enum node_kind kind, int64_t id,
    int64_t workspace, bool *seen)
{
	enum role role = ROLE_NONE;
	int rc = perm_role(store, db, who, workspace, &role);

	if (rc == 0 && role == ROLE_NONE)
		rc = node_role(store, db, who, kind, id, workspace, &role, NULL);
	*seen = role != ROLE_NONE;
	return rc == ERR_NOTFOUND ? 0 : rc;
}

/* A file in whatever state. */
static int
find_gone(struct store *store, struct db_conn *db, const struct principal *who, int64_t id, struct node *n)
{
	struct db_row row = DB_ROW_INIT;
	struct node_row r;
	bool seen = false;
	int rc = tbl_node_file(db, id, &row, &r);

	if (rc == 0 && (rc = node_seen(store, db, who, NODE_FILE, id, r.workspace, &seen)) == 0 && !seen)
		rc = ERR_NOTFOUND;
	if (rc == 0) {
		fill(n, NODE_FILE, &r);
		fill_file(n, &r);
		if ((rc = buf_finish(&n->name)) == 0)
			rc = buf_finish(&n->headers);
	}
	db_row_release(&row);
	return rc;
}

int
node_find_past(struct store *store, const struct principal *who, int64_t id, struct node *n)
{
	int rc = node_find(store, who, ACTION_READ, NODE_FILE, id, n);
	struct db_conn *db = NULL;

	if (rc != ERR_NOTFOUND || (rc = db_read_begin(store->db, &db)) != 0)
		return rc;
	rc = find_gone(store, db, who, id, n);
	db_read_end(db);
	return rc;
}

int
node_shown_path(struct db_conn *db, const struct node *n, int64_t top, struct slice *path)
{
	struct buf above = BUF_INIT(LIMIT_KEY_STORED * 2);
	struct db_row row = DB_ROW_INIT;
	struct node_row r;
	int rc = 0;

	*path = (struct slice) { n->path.data ? n->path.data : "", n->path.len };
	if (!top)
		return 0;
	if (top == n->id) {
		path->p += path->len - n->name.len;
		path->len = n->name.len;
		return 0;
	}
	if ((rc = tbl_node_folder(db, top, &row, &r)) == 0 && r.parent &&
	    (rc = namespace_path_of(db, n->workspace, r.parent, &above)) == 0 && above.len <= path->len) {
		path->p += above.len;
		path->len -= above.len;
	}
	db_row_release(&row);
	buf_release(&above);
	return rc;
}

int
node_hidden(struct store *store, const struct principal *who, const struct node *n, struct node_hidden *hidden)
{
	struct db_conn *db = NULL;
	enum role role;
	struct slice path;
	int64_t top = 0;
	int rc;

	if ((rc = db_read_begin(store->db, &db)) != 0)
		return rc;
	if ((rc = node_role(store, db, who, n->kind, n->id, n->workspace, &role, &top)) == 0 &&
	    (rc = node_shown_path(db, n, top, &path)) == 0)
		*hidden = (struct node_hidden) { n->path.len - path.len, top };
	db_read_end(db);
	return rc;
}
