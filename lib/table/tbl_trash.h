#ifndef TABLE_TBL_TRASH_H
#define TABLE_TBL_TRASH_H

#include <stdbool.h>
#include <stdint.h>

#include "db.h"
#include "str.h"

/* The trash: the table `folder_trash`, and the rows of `file` in the states FILE_TRASH and FILE_MARKED. */
struct trash_folder {
	int64_t folder, workspace;
	int64_t parent;			/* where it was */
	struct slice name;		/* with its slash */
	int64_t deleted_at, deleted_by, sequence;
	int64_t objects, bytes;		/* current versions below */
	bool ending;			/* it is being destroyed */
};

int tbl_trash_insert(struct db_conn *c, const struct trash_folder *f);
/* ERR_NOTFOUND. The name points into `row`, which the caller releases. */
int tbl_trash_get(struct db_conn *c, int64_t workspace, int64_t folder, struct db_row *row, struct trash_folder *f);
int tbl_trash_delete(struct db_conn *c, int64_t workspace, int64_t folder);
/* Marks it as ending, with that much less in it. */
int tbl_trash_end(struct db_conn *c, int64_t workspace, int64_t folder, int64_t objects, int64_t bytes);
/* The one that was deleted first, at or before `at`, or is ending already. Without its name. ERR_NOTFOUND. */
int tbl_trash_first(struct db_conn *c, int64_t workspace, int64_t at, struct trash_folder *f);

/*
 * What the trash holds, newest first, behind (at, id): db_next() and tbl_trash_seen() for each; folders, files, and files that markers
 * hide apart, the latter two without folders' own markers. version, bytes and hash are of what would come back. Slices live until the next row.
 */
struct trash_seen {
	int64_t id, parent;
	struct slice name;
	int64_t deleted_at, deleted_by;
	int64_t version, bytes, objects;
	struct slice hash;		/* 32 bytes or none */
};
int tbl_trash_folders(struct db_conn *c, int64_t workspace, int64_t since, int64_t at, int64_t id, struct db_row *row);
int tbl_trash_files(struct db_conn *c, int64_t workspace, int64_t since, int64_t at, int64_t id, struct db_row *row);
int tbl_trash_marked(struct db_conn *c, int64_t workspace, int64_t at, int64_t id, struct db_row *row);
void tbl_trash_seen(const struct db_row *row, struct trash_seen *seen);

#endif
