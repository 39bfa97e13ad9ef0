#ifndef TABLE_TBL_GRANT_H
#define TABLE_TBL_GRANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "limits.h"

struct db_conn;
struct db_row;
struct buf;

/*
 * The tables `share_grant` and `share_past`, and the look-ups in the tree that grants rest on. A revoked grant's row stays until its
 * workspace or principal ends, or it is given again; nothing here but the upsert sees it. Those on folders and files that ended wait for
 * grant_expire(). Times are microseconds.
 */
enum { GRANT_WORKSPACE = 1, GRANT_FOLDER, GRANT_FILE };		/* resource_kind */

struct grant_row {
	int64_t resource_id, principal_id, workspace_id;
	int resource_kind, role;
	int64_t created_by, created_at;
	int64_t given;					/* of tbl_grant_put() alone: the sequence of its event */
	char principal_name[LIMIT_USER_NAME + 1];	/* of the lists */
};

/* All: 0, ERR_NOTFOUND, or the engine's failures. */
int tbl_grant_put(struct db_conn *c, const struct grant_row *grant);
/* `taken`: the sequence of its event. */
int tbl_grant_revoke(struct db_conn *c, int64_t workspace, int64_t resource, int64_t principal, int64_t revoked_at,
    int64_t taken);
/* A principal's role on the workspace itself (0: none), and how many of its folders and files it was given. */
int tbl_grant_sums(struct db_conn *c, int64_t workspace, int64_t principal, int *role, int64_t *paths);
/* The strongest role of what a principal has in a workspace, of all or part of it; 0: none. */
int tbl_grant_strongest(struct db_conn *c, int64_t workspace, int64_t principal, int *role);
int tbl_grant_role(struct db_conn *c, int64_t workspace, int64_t resource, int64_t principal, int *role);
/* One grant, with the name of who got it. */
int tbl_grant_get(struct db_conn *c, int64_t resource, int64_t principal, struct grant_row *grant);
/* The folder or file is gone: its grants wait for their end. db_changed() says how many. One of those that wait. */
int tbl_grant_ending(struct db_conn *c, int64_t resource);
int tbl_grant_first_ending(struct db_conn *c, struct grant_row *grant);
/* The next workspace behind `after` in which the principal was given something. */
int tbl_grant_next_workspace(struct db_conn *c, int64_t principal, int64_t after, int64_t *workspace);
/* Of a principal in a workspace, folders and files behind `after`, in order; on a resource, principals behind `after`, in order. */
int tbl_grant_nodes(struct db_conn *c, int64_t principal, int64_t workspace, int64_t after, struct grant_row *rows,
    unsigned max, unsigned *n);
int tbl_grant_on(struct db_conn *c, int64_t resource, int64_t after, struct grant_row *rows, unsigned max, unsigned *n);
/* In order of resources; of workspaces and then resources. */
int tbl_grant_list(struct db_conn *c, int64_t workspace, struct grant_row *rows, unsigned max, unsigned *n);
int tbl_grant_of(struct db_conn *c, int64_t principal, struct grant_row *rows, unsigned max, unsigned *n);
/* What one principal was given in a workspace: db_next() and tbl_grant_mine_seen() for each; false: it is the workspace itself. */
int tbl_grant_mine(struct db_conn *c, int64_t workspace, int64_t principal, struct db_row *row);
bool tbl_grant_mine_seen(const struct db_row *row, int64_t *resource, bool *folder);
/*
 * Whether a grant was held as of a sequence that the feed still has, whatever its role, and for which sequences around that
 * the answer is the same.
 */
struct grant_held {
	bool yes;
	bool now;		/* it is held now */
	int64_t from, to;
};
int tbl_grant_held(struct db_conn *c, int64_t workspace, int64_t resource, int64_t principal, int64_t sequence,
    struct grant_held *held);
/* Forgets grants that were taken up to a sequence. */
int tbl_grant_forget(struct db_conn *c, int64_t workspace, int64_t taken);
int tbl_grant_delete_principal(struct db_conn *c, int64_t principal);
int tbl_grant_delete_workspace(struct db_conn *c, int64_t workspace);

/* The entry of that name in a folder: what it leads to, and whether it is shown. */
struct grant_node {
	int64_t id;
	bool live;
};
int tbl_grant_step(struct db_conn *c, int64_t workspace, int64_t folder, const char *name, size_t len,
    struct grant_node *node);
/* Where a folder or file is: the folder above (0 above the root) and its name, appended to `name`. */
int tbl_grant_place(struct db_conn *c, int64_t workspace, int kind, int64_t node, int64_t *parent, struct buf *name);

#endif
