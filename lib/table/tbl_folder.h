#ifndef TABLE_TBL_FOLDER_H
#define TABLE_TBL_FOLDER_H

#include <stdint.h>

#include "db.h"
#include "str.h"

/* The table `folder`. */
enum { FOLDER_NO_PARENT = 0, FOLDER_DETACHED = -1 };	/* parent_id of the root; of one in the trash */

struct folder_row {
	int64_t id, workspace, parent_id;
	struct slice name;			/* with its slash; "" for the root */
	int64_t live, entries;
	int64_t height;				/* at least the levels of folders below */
	int64_t created_by, created_at, latest_sequence;
};

int tbl_folder_insert(struct db_conn *c, const struct folder_row *f);
/* All but created_by and created_at; `row` is released by the caller once it is done with the name. ERR_NOTFOUND. */
int tbl_folder_get(struct db_conn *c, int64_t workspace, int64_t id, struct db_row *row, struct folder_row *f);
/* Adds to the counts and answers as tbl_folder_get() does, with the counts as they are now. */
int tbl_folder_count(struct db_conn *c, int64_t workspace, int64_t id, int live, int entries, struct db_row *row,
    struct folder_row *f);
/* Its height is at least that; *parent gets its parent. ERR_NOTFOUND: it was so before. */
int tbl_folder_raise(struct db_conn *c, int64_t workspace, int64_t id, int64_t height, int64_t *parent);
/* Where it is. */
int tbl_folder_place(struct db_conn *c, int64_t workspace, int64_t id, int64_t parent, struct slice name,
    int64_t sequence);
int tbl_folder_delete(struct db_conn *c, int64_t workspace, int64_t id);

#endif
