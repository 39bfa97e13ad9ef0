#ifndef TABLE_TBL_FILE_H
#define TABLE_TBL_FILE_H

#include <stdint.h>

#include "db.h"
#include "str.h"

/* The table `file`: what keeps its identity through renames. */
enum { FILE_LIVE = 1, FILE_MARKED = 2, FILE_TRASH = 3 };	/* shown; deleted by a marker; in the trash */

struct file_row {
	int64_t id, workspace, folder_id;
	struct slice name;
	int state;
	int64_t version_id, sequence;	/* current version, newest sequence */
	int64_t created_by, created_at;
	int64_t deleted_at;		/* means something in the trash alone; only read */
};

int tbl_file_insert(struct db_conn *c, const struct file_row *f);
/* The state, the current version and the sequence. */
int tbl_file_update(struct db_conn *c, int64_t workspace, int64_t id, int state, int64_t version, int64_t sequence);
/* A marker is current: hidden by it, since when and by whom. */
int tbl_file_mark(struct db_conn *c, int64_t workspace, int64_t id, int64_t marker, int64_t sequence, int64_t deleted_at,
    int64_t deleted_by);
/* Where it was stays in the row. */
int tbl_file_trash(struct db_conn *c, int64_t workspace, int64_t id, int64_t sequence, int64_t deleted_at,
    int64_t deleted_by);
/* Where it is, and the sequence. */
int tbl_file_place(struct db_conn *c, int64_t workspace, int64_t id, int64_t folder, struct slice name,
    int64_t sequence);
/* Out of the trash: the state, the current version and the sequence; the rest is tbl_file_place()'s. */
int tbl_file_revive(struct db_conn *c, int64_t workspace, int64_t id, int64_t version, int64_t sequence);
/* All of a row; the name points into `row`, which the caller releases. ERR_NOTFOUND. */
int tbl_file_get(struct db_conn *c, int64_t workspace, int64_t id, struct db_row *row, struct file_row *f);
int tbl_file_state(struct db_conn *c, int64_t workspace, int64_t id, int *state);	/* ERR_NOTFOUND */
int tbl_file_delete(struct db_conn *c, int64_t workspace, int64_t id);

#endif
