#ifndef TABLE_TBL_NODE_H
#define TABLE_TBL_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include "db.h"
#include "str.h"

/*
 * Files and folders by their ids alone, as the JSON API names them: over the tables `file`, `folder` and `file_version`. A folder's marker, the
 * file of empty name, is part of its folder and none of them: ERR_NOTFOUND. S3 reaches it by its key.
 */
struct node_row {
	int64_t id, workspace, parent;	/* parent 0: the root */
	struct slice name;		/* a folder's with its slash */
	int64_t sequence, created_by, created_at;
	/* files */
	int state;			/* FILE_* */
	int64_t version_id, base_id, size, modified_at, modified_by, deleted_at;
	struct slice etag, hash, headers;	/* hash: 32 bytes or none */
	/* folders */
	int64_t live, entries;
};

/* The slices point into `row`, which the caller releases. ERR_NOTFOUND. */
int tbl_node_file(struct db_conn *c, int64_t id, struct db_row *row, struct node_row *n);
int tbl_node_folder(struct db_conn *c, int64_t id, struct db_row *row, struct node_row *n);
/* Only where it is: for climbs. */
int tbl_node_folder_parent(struct db_conn *c, int64_t workspace, int64_t id, int64_t *parent);

#endif
