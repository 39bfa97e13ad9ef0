#ifndef TABLE_TBL_PAST_H
#define TABLE_TBL_PAST_H

#include <stdbool.h>
#include <stdint.h>

#include "tbl_entry.h"

/*
 * The namespace as of a sequence, over `entry` (what is shown now and was then) and `entry_past` (what was shown then and left
 * its place since). Both give their rows in order of folder and name; no place is in both.
 */
struct past_seen {
	int64_t folder;
	struct slice name;			/* this and the other slices live until the next row */
	int kind;
	int64_t node_id, born, version_id;
	bool left;				/* of `entry_past` */
	/* of `entry` alone: what it shows now, since `latest` */
	int64_t latest, size, modified_at;
	struct slice etag;
	/* of files, of tbl_past_all_now() alone: of the version shown now, and of the file */
	struct slice hash, headers;
	int64_t modified_by, created_at, created_by;
};

/* Where a scan begins, and which tree it shows. */
struct past_from {
	int64_t workspace, sequence;
	int64_t folder;
	struct slice name;
};

/* One folder from a name on: db_next() and tbl_past_seen() for each. */
int tbl_past_folder_now(struct db_conn *c, const struct past_from *from, struct db_row *row);
int tbl_past_folder_then(struct db_conn *c, const struct past_from *from, struct db_row *row);
/* All folders, in order of their ids, from a place on. */
int tbl_past_all_now(struct db_conn *c, const struct past_from *from, struct db_row *row);
int tbl_past_all_then(struct db_conn *c, const struct past_from *from, struct db_row *row);
/* `now`: the row is one of the first kind; `facts`: of tbl_past_all_now(). */
void tbl_past_seen(const struct db_row *row, bool now, bool facts, struct past_seen *seen);

/* Whether anything left its place after the sequence: 0 or ERR_NOTFOUND. */
int tbl_past_any(struct db_conn *c, int64_t workspace, int64_t sequence);
/* When the first file did, or the first folder of those up to the sequence `folders`. ERR_NOTFOUND. */
int tbl_past_oldest(struct db_conn *c, int64_t workspace, int64_t folders, int64_t *died);
/* What was in a place then and is not there any more. ERR_NOTFOUND. No slice of *seen is valid. */
int tbl_past_at(struct db_conn *c, const struct past_from *from, struct past_seen *seen);
/*
 * Where a folder was, if it was shown: of a place that it still has, or of one that it left. The caller releases `row`. ERR_NOTFOUND: it was
 * not shown there (now: it has moved since, or is shown no more).
 */
struct past_place {
	int64_t parent;
	struct slice name;			/* points into the row */
	int64_t born, died;			/* it was there for sequences from born to died - 1; died INT64_MAX: it still is */
};
int tbl_past_place_now(struct db_conn *c, int64_t workspace, int64_t sequence, int64_t id, struct db_row *row,
    struct past_place *place);
int tbl_past_place_then(struct db_conn *c, int64_t workspace, int64_t sequence, int64_t id, struct db_row *row,
    struct past_place *place);

/* The folders in which lie, now, the files and folders that a principal was given: db_next(), column 0. May repeat. */
int tbl_past_given(struct db_conn *c, int64_t workspace, int64_t principal, struct db_row *row);

/* Since when a file or folder is there, and who made it. ERR_NOTFOUND: its row is gone. */
int tbl_past_made(struct db_conn *c, int64_t workspace, int kind, int64_t id, int64_t *created_at, int64_t *created_by);

#endif
