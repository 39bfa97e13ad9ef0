#include <string.h>

#include "buf.h"
#include "db.h"
#include "err.h"
#include "tbl_grant.h"
#include "tbl_text.h"

static const char put[] =
    "INSERT INTO share_grant (resource_id, principal_id, workspace_id, resource_kind, role, created_by, created_at,"
    " given, ending) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0) ON CONFLICT (resource_id, principal_id) DO UPDATE SET"
    " role = excluded.role, created_by = excluded.created_by, created_at = excluded.created_at,"
    " given = CASE WHEN share_grant.revoked_at IS NULL THEN share_grant.given ELSE excluded.given END,"
    " revoked_at = NULL, ending = 0";

int
tbl_grant_put(struct db_conn *c, const struct grant_row *g)
{
	return db_exec(c, put, DB_INT(g->resource_id), DB_INT(g->principal_id), DB_INT(g->workspace_id),
	    DB_INT(g->resource_kind), DB_INT(g->role), DB_INT(g->created_by), DB_INT(g->created_at),
	    DB_INT(g->given));
}

static const char keep_past[] =
    "INSERT INTO share_past (principal_id, resource_id, taken, workspace_id, given)"
    " SELECT principal_id, resource_id, $1, workspace_id, given FROM share_grant WHERE resource_id = $2"
    " AND principal_id = $3 AND workspace_id = $4 AND revoked_at IS NULL";
static const char revoke[] = "UPDATE share_grant SET revoked_at = $1, ending = 0 WHERE resource_id = $2"
			     " AND principal_id = $3 AND workspace_id = $4 AND revoked_at IS NULL";

int
tbl_grant_revoke(struct db_conn *c, int64_t workspace, int64_t resource, int64_t principal, int64_t revoked_at,
    int64_t taken)
{
	int rc = db_exec(c, keep_past, DB_INT(taken), DB_INT(resource), DB_INT(principal), DB_INT(workspace));

	if (rc == 0 && db_changed(c) == 0)
		return ERR_NOTFOUND;
	return rc ? rc : db_exec(c, revoke, DB_INT(revoked_at), DB_INT(resource), DB_INT(principal), DB_INT(workspace));
}

static const char sums[] = "SELECT coalesce(max(CASE WHEN resource_kind = 1 THEN role ELSE 0 END), 0),"
			   " coalesce(sum(CASE WHEN resource_kind = 1 THEN 0 ELSE 1 END), 0)"
			   " FROM share_grant WHERE principal_id = $1 AND workspace_id = $2 AND revoked_at IS NULL";

int
tbl_grant_sums(struct db_conn *c, int64_t workspace, int64_t principal, int *role, int64_t *paths)
{
	struct db_row row = DB_ROW_INIT;
	int rc = db_one(c, sums, &row, DB_INT(principal), DB_INT(workspace));

	if (rc == 0) {
		*role = (int)db_int(&row, 0);
		*paths = db_int(&row, 1);
	}
	db_row_release(&row);
	return rc;
}

static const char strongest[] = "SELECT coalesce(max(role), 0) FROM share_grant WHERE principal_id = $1 AND workspace_id = $2"
				" AND revoked_at IS NULL";

int
tbl_grant_strongest(struct db_conn *c, int64_t workspace, int64_t principal, int *role)
{
	struct db_row row = DB_ROW_INIT;
	int rc = db_one(c, strongest, &row, DB_INT(principal), DB_INT(workspace));

	if (rc == 0)
		*role = (int)db_int(&row, 0);
	db_row_release(&row);
	return rc;
}

static const char role_of[] = "SELECT role FROM share_grant WHERE resource_id = $1 AND principal_id = $2"
			      " AND workspace_id = $3 AND revoked_at IS NULL";

int
tbl_grant_role(struct db_conn *c, int64_t workspace, int64_t resource, int64_t principal, int *role)
{
	struct db_row row = DB_ROW_INIT;
	int rc = db_one(c, role_of, &row, DB_INT(resource), DB_INT(principal), DB_INT(workspace));

	if (rc == 0)
		*role = (int)db_int(&row, 0);
	db_row_release(&row);
	return rc;
}

static const char ending[] = "UPDATE share_grant SET ending = 1 WHERE resource_id = $1 AND revoked_at IS NULL";

int
tbl_grant_ending(struct db_conn *c, int64_t resource)
{
	return db_exec(c, ending, DB_INT(resource));
}

static const char first_ending[] = "SELECT resource_id, principal_id, workspace_id, resource_kind FROM share_grant"
				   " WHERE ending = 1 AND workspace_id > 0 ORDER BY workspace_id, resource_id LIMIT 1";

int
tbl_grant_first_ending(struct db_conn *c, struct grant_row *g)
{
	struct db_row row = DB_ROW_INIT;
	int rc = db_one(c, first_ending, &row);

	if (rc == 0)
		*g = (struct grant_row) { .resource_id = db_int(&row, 0), .principal_id = db_int(&row, 1),
			.workspace_id = db_int(&row, 2), .resource_kind = (int)db_int(&row, 3) };
	db_row_release(&row);
	return rc;
}

static const char next_workspace[] = "SELECT workspace_id FROM share_grant WHERE principal_id = $1 AND workspace_id > $2"
				     " AND revoked_at IS NULL ORDER BY workspace_id LIMIT 1";

int
tbl_grant_next_workspace(struct db_conn *c, int64_t principal, int64_t after, int64_t *workspace)
{
	struct db_row row = DB_ROW_INIT;
	int rc = db_one(c, next_workspace, &row, DB_INT(principal), DB_INT(after));

	if (rc == 0)
		*workspace = db_int(&row, 0);
	db_row_release(&row);
	return rc;
}

#define LISTED                                                                                               \
	"SELECT g.resource_id, g.principal_id, g.workspace_id, g.resource_kind, g.role, g.created_by,"       \
	" g.created_at, p.name FROM share_grant g JOIN principal p ON p.id = g.principal_id"

static int
read_rows(int rc, struct db_row *row, struct grant_row *rows, unsigned max, unsigned *n)
{
	unsigned i = 0;

	for (; rc == 0 && i < max && (rc = db_next(row)) == 0; i++) {
		rows[i] = (struct grant_row) {
			.resource_id = db_int(row, 0),
			.principal_id = db_int(row, 1),
			.workspace_id = db_int(row, 2),
			.resource_kind = (int)db_int(row, 3),
			.role = (int)db_int(row, 4),
			.created_by = db_int(row, 5),
			.created_at = db_int(row, 6),
		};
		tbl_text(row, 7, rows[i].principal_name, sizeof(rows[i].principal_name));
	}
	db_row_release(row);
	if (rc != 0 && rc != ERR_END)
		return rc;
	*n = i;
	return 0;
}

static const char list[] = LISTED " WHERE g.workspace_id = $1 AND g.revoked_at IS NULL"
				  " ORDER BY g.resource_id, g.principal_id LIMIT $2";

int
tbl_grant_list(struct db_conn *c, int64_t workspace, struct grant_row *rows, unsigned max, unsigned *n)
{
	struct db_row row = DB_ROW_INIT;

	return read_rows(db_query(c, list, &row, DB_INT(workspace), DB_INT(max)), &row, rows, max, n);
}

static const char of_principal[] = LISTED " WHERE g.principal_id = $1 AND g.revoked_at IS NULL"
					  " ORDER BY g.workspace_id, g.resource_id LIMIT $2";

int
tbl_grant_of(struct db_conn *c, int64_t principal, struct grant_row *rows, unsigned max, unsigned *n)
{
	struct db_row row = DB_ROW_INIT;

	return read_rows(db_query(c, of_principal, &row, DB_INT(principal), DB_INT(max)), &row, rows, max, n);
}

static const char nodes_of[] = LISTED " WHERE g.principal_id = $1 AND g.workspace_id = $2 AND g.resource_id > $3"
				      " AND g.resource_kind > 1 AND g.revoked_at IS NULL ORDER BY g.resource_id LIMIT $4";

int
tbl_grant_nodes(struct db_conn *c, int64_t principal, int64_t workspace, int64_t after, struct grant_row *rows,
    unsigned max, unsigned *n)
{
	struct db_row row = DB_ROW_INIT;

	return read_rows(db_query(c, nodes_of, &row, DB_INT(principal), DB_INT(workspace), DB_INT(after), DB_INT(max)), &row,
	    rows, max, n);
}

static const char on_node[] = LISTED " WHERE g.resource_id = $1 AND g.principal_id > $2 AND g.revoked_at IS NULL"
				     " ORDER BY g.principal_id LIMIT $3";

int
tbl_grant_on(struct db_conn *c, int64_t resource, int64_t after, struct grant_row *rows, unsigned max, unsigned *n)
{
	struct db_row row = DB_ROW_INIT;

	return read_rows(db_query(c, on_node, &row, DB_INT(resource), DB_INT(after), DB_INT(max)), &row, rows, max, n);
}

static const char one_of[] = LISTED " WHERE g.resource_id = $1 AND g.principal_id = $2 AND g.revoked_at IS NULL";

int
tbl_grant_get(struct db_conn *c, int64_t resource, int64_t principal, struct grant_row *grant)
{
	struct db_row row = DB_ROW_INIT;
	unsigned n = 0;
	int rc = read_rows(db_query(c, one_of, &row, DB_INT(resource), DB_INT(principal)), &row, grant, 1, &n);

	return rc ? rc : n ? 0 : ERR_NOTFOUND;
}

static const char mine[] = "SELECT resource_id, resource_kind FROM share_grant WHERE principal_id = $1 AND workspace_id = $2"
			   " AND revoked_at IS NULL";

int
tbl_grant_mine(struct db_conn *c, int64_t workspace, int64_t principal, struct db_row *row)
{
	return db_query(c, mine, row, DB_INT(principal), DB_INT(workspace));
}

bool
tbl_grant_mine_seen(const struct db_row *row, int64_t *resource, bool *folder)
{
	*resource = db_int(row, 0);
	*folder = db_int(row, 1) == GRANT_FOLDER;
	return db_int(row, 1) != GRANT_WORKSPACE;
}

static const char held_now[] = "SELECT given FROM share_grant WHERE resource_id = $1 AND principal_id = $2"
			       " AND workspace_id = $3 AND revoked_at IS NULL";
static const char held_then[] = "SELECT given, taken FROM share_past WHERE principal_id = $1 AND resource_id = $2"
				" AND workspace_id = $3";

/* What a grant that was held from `given` to `taken` - 1 says of a sequence. */
static void
hold(struct grant_held *held, int64_t sequence, int64_t given, int64_t taken)
{
	bool yes = sequence >= given && sequence < taken;
	int64_t from = yes ? given : sequence >= taken ? taken : 0;
	int64_t to = yes ? taken - 1 : sequence < given ? given - 1 : INT64_MAX;

	held->yes |= yes;
	held->from = from > held->from ? from : held->from;
	held->to = to < held->to ? to : held->to;
}

int
tbl_grant_held(struct db_conn *c, int64_t workspace, int64_t resource, int64_t principal, int64_t sequence,
    struct grant_held *held)
{
	struct db_row row = DB_ROW_INIT;
	int rc = db_one(c, held_now, &row, DB_INT(resource), DB_INT(principal), DB_INT(workspace));

	*held = (struct grant_held) { .to = INT64_MAX };
	held->now = rc == 0;
	if (rc == 0)
		hold(held, sequence, db_int(&row, 0), INT64_MAX);
	db_row_release(&row);
	if (rc && rc != ERR_NOTFOUND)
		return rc;
	rc = db_query(c, held_then, &row, DB_INT(principal), DB_INT(resource), DB_INT(workspace));
	while (rc == 0 && (rc = db_next(&row)) == 0)
		hold(held, sequence, db_int(&row, 0), db_int(&row, 1));
	db_row_release(&row);
	return rc == ERR_END ? 0 : rc;
}

static const char forget[] = "DELETE FROM share_past WHERE workspace_id = $1 AND taken <= $2";

int
tbl_grant_forget(struct db_conn *c, int64_t workspace, int64_t taken)
{
	return db_exec(c, forget, DB_INT(workspace), DB_INT(taken));
}

static const char delete_principal[] = "DELETE FROM share_grant WHERE principal_id = $1";
static const char delete_principal_past[] = "DELETE FROM share_past WHERE principal_id = $1";

int
tbl_grant_delete_principal(struct db_conn *c, int64_t principal)
{
	int rc = db_exec(c, delete_principal, DB_INT(principal));

	return rc ? rc : db_exec(c, delete_principal_past, DB_INT(principal));
}

static const char delete_workspace[] = "DELETE FROM share_grant WHERE workspace_id = $1";

int
tbl_grant_delete_workspace(struct db_conn *c, int64_t workspace)
{
	int rc = db_exec(c, delete_workspace, DB_INT(workspace));

	return rc ? rc : tbl_grant_forget(c, workspace, INT64_MAX);
}

static const char step[] =
    "SELECT node_id, live FROM entry WHERE workspace_id = $1 AND folder_id = $2 AND name = $3";

int
tbl_grant_step(struct db_conn *c, int64_t workspace, int64_t folder, const char *name, size_t len,
    struct grant_node *node)
{
	struct db_row row = DB_ROW_INIT;
	int rc = db_one(c, step, &row, DB_INT(workspace), DB_INT(folder), DB_BYTES(name, len));

	if (rc == 0)
		*node = (struct grant_node) { db_int(&row, 0), db_int(&row, 1) != 0 };
	db_row_release(&row);
	return rc;
}

static const char folder_place[] = "SELECT parent_id, name FROM folder WHERE id = $1 AND workspace_id = $2";
static const char file_place[] = "SELECT folder_id, name FROM file WHERE id = $1 AND workspace_id = $2";

int
tbl_grant_place(struct db_conn *c, int64_t workspace, int kind, int64_t node, int64_t *parent, struct buf *name)
{
	struct db_row row = DB_ROW_INIT;
	const void *p;
	size_t len;
	int rc;

	if ((rc = db_one(c, kind == GRANT_FILE ? file_place : folder_place, &row, DB_INT(node),
		 DB_INT(workspace))) != 0)
		goto out;
	*parent = db_int(&row, 0);
	p = db_bytes(&row, 1, &len);
	buf_add(name, p, len);
	rc = buf_finish(name);
out:
	db_row_release(&row);
	return rc;
}
