#ifndef TABLE_TBL_ENTRY_H
#define TABLE_TBL_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "db.h"
#include "str.h"

/* The tables `entry`, which is the namespace, and `entry_past`. */
enum { ENTRY_FILE = 1, ENTRY_FOLDER = 2 };
#define ENTRY_ETAG 48

struct entry_at {
	int64_t workspace, folder;
	struct slice name;		/* a folder's has its slash */
};

struct entry_row {
	int kind;
	int64_t node_id;
	bool live;
	int64_t born;			/* sequence since which it is shown at this place */
	int64_t latest;			/* sequence since which it shows this version, or was changed last */
	int64_t version_id, size, modified_at;	/* files; 0 for folders */
	char etag[ENTRY_ETAG];
};

/* All: 0, ERR_NOTFOUND, or the engine's failures. */
int tbl_entry_get(struct db_conn *c, const struct entry_at *at, struct entry_row *row);
int tbl_entry_insert(struct db_conn *c, const struct entry_at *at, const struct entry_row *row);
int tbl_entry_update(struct db_conn *c, const struct entry_at *at, const struct entry_row *row);
int tbl_entry_delete(struct db_conn *c, const struct entry_at *at);
/* Keeps what the entry was until `died`. */
int tbl_entry_bury(struct db_conn *c, const struct entry_at *at, const struct entry_row *row, int64_t died);
/* Whether a folder that is shown was elsewhere at the sequence: 0 or ERR_NOTFOUND. */
int tbl_entry_moved(struct db_conn *c, int64_t workspace, int64_t sequence);
/* Where a folder was last that left its place; the name points into `row`, which the caller releases. ERR_NOTFOUND. */
int tbl_entry_last(struct db_conn *c, int64_t workspace, int64_t folder, struct db_row *row, struct entry_at *at);
/* Forgets up to `max` past entries that died at or before `died`, folders only if at or before `folders` too. */
int tbl_entry_forget(struct db_conn *c, int64_t workspace, int64_t died, int64_t folders, unsigned max);

/* The entries of a folder with name >= at->name in order: db_next() and tbl_entry_seen() for each. */
struct entry_seen {
	struct slice name, etag;	/* live until the next row */
	int kind;
	bool live;
	int64_t node_id, born, latest, version_id, size, modified_at;
};
int tbl_entry_scan(struct db_conn *c, const struct entry_at *at, struct db_row *row);
void tbl_entry_seen(const struct db_row *row, struct entry_seen *seen);

#endif
