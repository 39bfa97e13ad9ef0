#ifndef TABLE_TBL_FOLDER_H
#define TABLE_TBL_FOLDER_H

#include <stdint.h>

#include "db.h"
#include "str.h"

/* The table `folder`. */
struct folder_row {
	int64_t id, workspace, parent_id;	/* the root's parent is 0 */
	struct slice name;			/* with its slash; "" for the root */
	int64_t live, entries;
	int64_t created_by, created_at, latest_sequence;
};

int tbl_folder_insert(struct db_conn *c, const struct folder_row *f);
/* parent_id, name, live, entries; `row` is released by the caller once it is done with the name. ERR_NOTFOUND. */
int tbl_folder_get(struct db_conn *c, int64_t workspace, int64_t id, struct db_row *row, struct folder_row *f);
/* Adds to the counts and answers as tbl_folder_get() does, with the counts as they are now. */
int tbl_folder_count(struct db_conn *c, int64_t workspace, int64_t id, int live, int entries, struct db_row *row,
    struct folder_row *f);
int tbl_folder_delete(struct db_conn *c, int64_t workspace, int64_t id);

#endif
