#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "db.h"
#include "err.h"
#include "node.h"
#include "perm.h"
#include "store_in.h"
#include "tbl_grant.h"
#include "tree.h"

/* Names are put in front of each other, from the node up to the root; what no longer fits is cut there. */
struct upward {
	char text[LIMIT_KEY];
	size_t start;			/* of what is filled */
	bool cut;
};

static void
put_in_front(struct upward *up, const struct buf *name)
{
	if (name->len > up->start) {
		up->cut = true;
		return;
	}
	up->start -= name->len;
	if (name->len)
		memcpy(up->text + up->start, name->data, name->len);
}

/* The name of a folder or file and what it is in, or was last. */
static int
step_up(struct db_conn *c, const struct grant_row *g, int kind, int64_t node, int64_t *parent, struct buf *name)
{
	buf_clear(name);
	if (kind == GRANT_FILE)
		return tbl_grant_place(c, g->workspace_id, kind, node, parent, name);
	return tree_last_place(c, g->workspace_id, node, parent, name);
}

/* A node that is destroyed can have no path. */
static int
path_of(struct db_conn *c, const struct grant_row *g, char path[LIMIT_KEY + 1])
{
	static const char dots[] = "…";
	struct upward up = { .start = sizeof(up.text) };
	struct buf name = BUF_INIT(LIMIT_KEY_STORED);
	int64_t node = g->resource_id;
	int rc = 0, kind = g->resource_kind;
	size_t len;

	path[0] = '\0';
	for (int depth = 0; kind != GRANT_WORKSPACE && node && !up.cut && depth <= LIMIT_DEPTH + 1; depth++) {
		if ((rc = step_up(c, g, kind, node, &node, &name)) != 0)
			break;
		put_in_front(&up, &name);
		kind = GRANT_FOLDER;
	}
	buf_release(&name);
	if (rc)
		return rc == ERR_NOTFOUND ? 0 : rc;
	if (up.cut) {
		/* Not in the middle of a character, and with room for the dots. */
		while (up.start < sizeof(up.text) && (up.start < strlen(dots) || (up.text[up.start] & 0xc0) == 0x80))
			up.start++;
		memcpy(path, dots, strlen(dots));
		path += strlen(dots);
	}
	len = sizeof(up.text) - up.start;
	memcpy(path, up.text + up.start, len);
	path[len] = '\0';
	return 0;
}

static int
is_asleep(struct db_conn *c, const struct grant_row *g, struct node *n, bool *yes)
{
	int rc = 0;

	if (g->resource_kind != GRANT_WORKSPACE &&
	    (rc = node_load(c, g->resource_kind == GRANT_FILE ? NODE_FILE : NODE_FOLDER, g->resource_id, n)) == 0)
		rc = node_locate(c, n);
	*yes = rc == ERR_NOTFOUND;
	return rc == ERR_NOTFOUND ? 0 : rc;
}

static int
list(struct store *store, int (*rows_of)(struct db_conn *c, int64_t whose, struct grant_row *rows, unsigned max,
    unsigned *n), int64_t whose, struct grant *grants, unsigned max, unsigned *n)
{
	struct grant_row *rows = calloc(max ? max : 1, sizeof(*rows));
	struct node node = NODE_INIT;
	struct db_conn *c = NULL;
	unsigned got = 0;
	int rc;

	if (!rows)
		return ERR_NOMEM;
	if ((rc = db_read_begin(store->db, &c)) == 0)
		rc = rows_of(c, whose, rows, max, &got);
	for (unsigned i = 0; rc == 0 && i < got; i++) {
		struct grant *g = &grants[i];

		g->resource = rows[i].resource_id;
		g->principal = rows[i].principal_id;
		g->workspace = rows[i].workspace_id;
		g->resource_kind = rows[i].resource_kind;
		g->role = (enum role)rows[i].role;
		g->created_us = rows[i].created_at;
		memcpy(g->principal_name, rows[i].principal_name, sizeof(g->principal_name));
		if ((rc = path_of(c, &rows[i], g->path)) == 0)
			rc = is_asleep(c, &rows[i], &node, &g->in_trash);
	}
	db_read_end(c);
	node_release(&node);
	free(rows);
	if (rc == 0)
		*n = got;
	return rc;
}

int
grant_list(struct store *store, int64_t workspace, struct grant *grants, unsigned max, unsigned *n)
{
	return list(store, tbl_grant_list, workspace, grants, max, n);
}

int
grant_list_of(struct store *store, int64_t principal, struct grant *grants, unsigned max, unsigned *n)
{
	return list(store, tbl_grant_of, principal, grants, max, n);
}
