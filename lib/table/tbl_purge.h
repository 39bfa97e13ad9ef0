#ifndef TABLE_TBL_PURGE_H
#define TABLE_TBL_PURGE_H

#include <stdint.h>

struct db_conn;

/*
 * What a workspace without entries still has, where the modules of the tables don't look for it: for its deletion. All: 0,
 * ERR_NOTFOUND (nothing of that kind is left), or the engine's failures.
 */
struct purge_file {
	int64_t id, current_version;
};
int tbl_purge_trash(struct db_conn *c, int64_t workspace, struct purge_file *file);	/* the one deleted first */

struct purge_version {
	int64_t id;
	int keep;			/* KEEP_* of tbl_version.h */
	int64_t size_bytes;
};
/* A version of the file that is not current, or else the current one. */
int tbl_purge_version(struct db_conn *c, int64_t workspace, const struct purge_file *file, struct purge_version *v);

/* Events up to `sequence`, and where entries were that ended by then. */
int tbl_purge_events(struct db_conn *c, int64_t workspace, int64_t sequence);
int tbl_purge_cursors(struct db_conn *c, int64_t workspace);	/* of devices */

#endif
