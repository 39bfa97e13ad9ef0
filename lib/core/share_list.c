#include <stdlib.h>
#include <string.h>

#include "db.h"
#include "err.h"
#include "share.h"
#include "store_in.h"
#include "tbl_grant.h"
#include "tbl_node.h"

/* ---- what gives rights on a node ---- */

#define LEVELS (LIMIT_DEPTH + 4)	/* a file, its folders, the workspace */

struct level {
	enum share_kind kind;
	int64_t resource;
	bool hidden;			/* above all that the caller can see */
};

struct found {
	struct grant_row row;
	unsigned level;
};

struct listing {
	struct db_conn *db;
	struct share_query *q;
	struct level levels[LEVELS];
	unsigned nlevels;
	struct found *found;
	size_t n;
};

static int
add_level(struct listing *l, enum share_kind kind, int64_t resource, bool hidden)
{
	if (l->nlevels == LEVELS)
		return ERR_NOTFOUND;
	l->levels[l->nlevels++] = (struct level) { kind, resource, hidden };
	return 0;
}

/* The node and what it is in, from below. */
static int
climb(struct listing *l, int64_t top)
{
	const struct share_query *q = l->q;
	int64_t node = q->id, parent = 0;
	bool hidden = false;
	struct db_row row = DB_ROW_INIT;
	struct node_row file;
	int rc = 0;

	if (q->kind == SHARE_WORKSPACE)
		return add_level(l, SHARE_WORKSPACE, q->workspace, false);
	if (q->kind == SHARE_FILE) {
		if ((rc = tbl_node_file(l->db, node, &row, &file)) == 0)
			rc = add_level(l, SHARE_FILE, node, false);
		hidden = node == top;
		node = rc == 0 ? file.parent : 0;
		db_row_release(&row);
	}
	for (; rc == 0; node = parent) {
		if ((rc = tbl_node_folder_parent(l->db, q->workspace, node, &parent)) != 0)
			return rc;
		if (!parent)
			return add_level(l, SHARE_WORKSPACE, q->workspace, top != 0);
		rc = add_level(l, SHARE_FOLDER, node, hidden);
		hidden |= node == top;
	}
	return rc;
}

static int
by_principal(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	if (x->row.principal_id != y->row.principal_id)
		return x->row.principal_id < y->row.principal_id ? -1 : 1;
	return x->level < y->level ? -1 : x->level > y->level;
}

/* Keeps what belongs to the first `max` principals. */
static void
keep_first(struct listing *l, unsigned max)
{
	unsigned principals = 0;
	size_t i;

	if (l->n)
		qsort(l->found, l->n, sizeof(*l->found), by_principal);
	for (i = 0; i < l->n; i++)
		if ((i == 0 || l->found[i].row.principal_id != l->found[i - 1].row.principal_id) && ++principals > max)
			break;
	l->n = i;
}

static int
gather(struct listing *l, bool all)
{
	unsigned max = l->q->limit + 1, n;
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < l->nlevels; i++) {
		struct grant_row *rows = calloc(max, sizeof(*rows));
		struct found *grown = realloc(l->found, (l->n + max) * sizeof(*grown));

		n = 0;
		if (grown)
			l->found = grown;
		if (!rows || !grown)
			rc = ERR_NOMEM;
		else if (all)
			rc = tbl_grant_on(l->db, l->levels[i].resource, l->q->after, rows, max, &n);
		else if (l->q->after < l->q->who->id &&
			 (rc = tbl_grant_get(l->db, l->levels[i].resource, l->q->who->id, rows)) == 0)
			n = 1;
		rc = rc == ERR_NOTFOUND ? 0 : rc;
		for (unsigned k = 0; rc == 0 && k < n; k++)
			l->found[l->n++] = (struct found) { rows[k], i };
		free(rows);
		keep_first(l, max);
	}
	return rc;
}

/* The rights of who asks; the rights on a workspace alone are those on all of it. */
static int
rights(struct store *store, struct listing *l, enum role *role, int64_t *top)
{
	const struct share_query *q = l->q;

	*top = 0;
	if (q->kind == SHARE_WORKSPACE)
		return perm_role(store, l->db, q->who, q->workspace, role);
	return node_role(store, l->db, q->who, q->kind == SHARE_FILE ? NODE_FILE : NODE_FOLDER, q->id, q->workspace, role, top);
}

static void
show(struct listing *l, void (*each)(void *arg, const struct share_entry *e), void *arg)
{
	struct share_query *q = l->q;
	size_t before = l->n;

	keep_first(l, q->limit);
	q->more = l->n < before;
	for (size_t i = 0; i < l->n; i++) {
		const struct level *at = &l->levels[l->found[i].level];
		const struct grant_row *g = &l->found[i].row;

		q->last = g->principal_id;
		each(arg, &(struct share_entry) { .principal = g->principal_id, .principal_name = g->principal_name,
		    .role = (enum role)g->role, .kind = at->kind, .resource = at->hidden ? 0 : at->resource,
		    .inherited = l->found[i].level > 0, .created_us = g->created_at });
	}
}

int
share_list(struct store *store, struct share_query *q, void (*each)(void *arg, const struct share_entry *e), void *arg)
{
	struct listing *l = calloc(1, sizeof(*l));
	enum role role = ROLE_NONE;
	int64_t top = 0;
	int rc;

	if (!l)
		return ERR_NOMEM;
	l->q = q;
	q->last = q->after;
	if ((rc = db_read_begin(store->db, &l->db)) == 0 && (rc = rights(store, l, &role, &top)) == 0)
		rc = role == ROLE_NONE && q->kind != SHARE_WORKSPACE ? ERR_NOTFOUND : climb(l, top);
	if (rc == 0)
		rc = gather(l, role == ROLE_OWNER);
	db_read_end(l->db);
	if (rc == 0)
		show(l, each, arg);
	free(l->found);
	free(l);
	return rc;
}

/* ---- what a principal was given ---- */

static int
show_node(struct store *store, struct db_conn *db, const struct principal *who, const struct grant_row *g, struct node *n,
    void (*each)(void *arg, const struct share_node *n), void *arg)
{
	enum node_kind kind = g->resource_kind == GRANT_FILE ? NODE_FILE : NODE_FOLDER;
	struct share_node shown = { .kind = kind, .id = g->resource_id };
	int64_t top = 0;
	int rc;

	if ((rc = node_load(db, kind, g->resource_id, n)) != 0 || (rc = node_locate(db, n)) != 0 ||
	    (rc = node_role(store, db, who, kind, n->id, n->workspace, &shown.role, &top)) != 0 ||
	    (rc = node_shown_path(db, n, top, &shown.path)) != 0)
		return rc;
	shown.name = (struct slice) { n->name.data ? n->name.data : "", n->name.len };
	each(arg, &shown);
	return 0;
}

int
share_nodes(struct store *store, const struct principal *who, int64_t workspace, int64_t after, unsigned limit,
    void (*each)(void *arg, const struct share_node *n), void *arg, int64_t *last, bool *more)
{
	struct grant_row *rows = calloc(limit + 1, sizeof(*rows));
	struct node n = NODE_INIT;
	struct db_conn *db = NULL;
	unsigned got = 0;
	int rc;

	if (!rows)
		return ERR_NOMEM;
	if ((rc = db_read_begin(store->db, &db)) == 0)
		rc = tbl_grant_nodes(db, who->id, workspace, after, rows, limit + 1, &got);
	for (unsigned i = 0; rc == 0 && i < got && i < limit; i++) {
		rc = show_node(store, db, who, &rows[i], &n, each, arg);
		rc = rc == ERR_NOTFOUND ? 0 : rc;	/* it sleeps */
		*last = rows[i].resource_id;
	}
	db_read_end(db);
	*more = got > limit;
	node_release(&n);
	free(rows);
	return rc;
}

int
share_owned(struct store *store, int64_t owner, const char *after, struct workspace_row *rows, unsigned max, unsigned *n)
{
	struct db_conn *db = NULL;
	int rc;

	if ((rc = db_read_begin(store->db, &db)) == 0)
		rc = tbl_workspace_of(db, owner, after, rows, max, n);
	db_read_end(db);
	return rc;
}

int
share_given(struct store *store, int64_t principal, int64_t after, struct workspace_row *rows, unsigned max, unsigned *n)
{
	struct db_conn *db = NULL;
	unsigned i = 0;
	int rc;

	if ((rc = db_read_begin(store->db, &db)) != 0)
		return rc;
	while (i < max && (rc = tbl_grant_next_workspace(db, principal, after, &after)) == 0 &&
	       (rc = tbl_workspace_get(db, after, &rows[i])) == 0)
		i += rows[i].owner_id != principal;
	db_read_end(db);
	*n = i;
	return rc == ERR_NOTFOUND ? 0 : rc;
}
