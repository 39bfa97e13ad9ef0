#ifndef CORE_WALK_H
#define CORE_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "str.h"
#include "tbl_grant.h"

/*
 * Down the tree along a key, entry by entry, as grants need it: without caches, on any connection.
 *
 *	struct walk w = { .db = c, .workspace = ws, .folder = root, .rest = key };
 *	while ((rc = walk_next(&w)) == 0)
 *		... w.node, w.name, w.parent, w.is_folder ...
 *	ERR_END: all of it is there; ERR_NOTFOUND: the rest is not
 */
struct db_conn;
struct walk {
	struct db_conn *db;
	int64_t workspace;
	int64_t folder;			/* where the next name is looked up */
	struct slice rest;
	struct grant_node node;
	struct slice name;		/* of the node; a folder's with its slash */
	int64_t parent;
	bool is_folder;
};
int walk_next(struct walk *w);

#endif
