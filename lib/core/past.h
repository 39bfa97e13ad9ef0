#ifndef CORE_PAST_H
#define CORE_PAST_H

#include <stdbool.h>
#include <stdint.h>

#include "object.h"
#include "tbl_entry.h"
#include "tbl_past.h"
#include "tbl_version.h"

/*
 * What the tree was. A workspace's tree as of a sequence can be shown from its `past_horizon` on: places that entries left are kept in
 * `entry_past`, contents as versions; whoever lets go of either says so with past_lose().
 *
 * An entry is shown at a sequence S if it was born at or before S and has not died until S. A file shows the newest of its versions
 * that is not younger than S.
 */
struct store;
struct txn;
struct workspace_row;

/* Inside a closure: what the tree was before `sequence` is lost from now on. */
void past_lose(struct workspace_row *w, int64_t sequence);
/*
 * Inside a closure: a shown entry leaves its place with the event `died`. Kept if the workspace has a history, else lost; where folders were is
 * kept for the feed (sight.h).
 */
int past_bury(struct txn *t, struct workspace_row *w, const struct entry_at *at, const struct entry_row *e, int64_t died);

/* Inside a closure: forgets at most `max` places that were left up to `sequence`, but for folders' that the feed needs. *n gets how many. */
int past_forget(struct txn *t, const struct workspace_row *w, int64_t sequence, unsigned max, unsigned *n);
/*
 * Forgets where entries were before the history of their workspace reaches back, at `now_us`: at most `max` places, *n gets how many. 0 with
 * *n == 0: nothing to do.
 */
int past_expire(struct store *store, int64_t now_us, unsigned max, unsigned *n);

/* ---- when ---- */

/* A moment as clients name it: a sequence, or a time. */
struct past_when {
	bool is_time;
	int64_t sequence, time_us;
};
/* "4711", "2026-11-22T10:00:00Z", "20261122t100000z" (either case). ERR_INVALID. */
int past_when_parse(const char *text, struct past_when *when);

/*
 * The last event at or before a time. ERR_EXPIRED: that one is not known any more; *sequence is then the feed's horizon. Any connection, also
 * inside a closure.
 */
int past_sequence_at(struct db_conn *db, const struct workspace_row *w, int64_t time_us, int64_t *sequence);

/* A tree as of a sequence, for as long as a read transaction lasts. */
struct past_view {
	struct db_conn *db;
	int64_t workspace, root, sequence;
	bool moved;		/* something left its place since */
	bool lost;		/* part of it may be lost: what is there is shown, contents as they are now */
};

/*
 * ERR_EXPIRED: before the horizon of the past (or, for a time, of the feed). ERR_INVALID: behind what happened yet. A time stands for the
 * last event at or before it. `w` was read in the transaction of `db`.
 */
int past_open(struct db_conn *db, const struct workspace_row *w, const struct past_when *when, struct past_view *view);
/* The same of a sequence that was fine when a listing began: what was lost since makes it end no more, but view->lost. */
int past_reopen(struct db_conn *db, const struct workspace_row *w, int64_t sequence, struct past_view *view);
/* In a transaction of its own: which sequence it is. Errors as past_open(), ERR_NOTFOUND. */
int past_resolve(struct store *store, int64_t workspace, const struct past_when *when, int64_t *sequence);

/* ---- what was there ---- */

/* One entry of a folder. ERR_NOTFOUND. Only folder, kind, node_id, born, version_id and left of *seen are set. */
int past_entry(const struct past_view *view, int64_t folder, struct slice name, struct past_seen *seen);
/* The folder of a path ("" or ending in a slash). ERR_NOTFOUND. */
int past_folder(const struct past_view *view, struct slice path, int64_t *folder);
/* The content that a file's entry showed; slices point into `row`, which the caller releases. ERR_NOTFOUND: it is lost. */
int past_version(const struct past_view *view, const struct past_seen *seen, struct db_row *row, struct version_row *v);
/*
 * object_find() as of a sequence, with the errors of past_resolve() (ERR_EXPIRED, ERR_INVALID) for that. `version`: 0, or the id that must be
 * shown then.
 */
int past_find(struct store *store, int64_t workspace, int64_t sequence, struct slice key, int64_t version,
    struct object_info *info);

/*
 * Entries in order of folder and name: a scan of one folder or of all, from a name on. All folders' scan gives the facts of
 * tbl_past_all_now() too, and folders in it may be such as no way led to then (past_tree.h knows).
 */
struct past_scan {
	const struct past_view *view;
	bool all;
	struct db_row rows[2];		/* what is shown now, and what left its place */
	struct past_seen heads[2];
	bool ended[2], filled[2];
	struct db_row old;		/* the version of the entry given last, where it is not the current one */
	struct version_row version;
};
#define PAST_SCAN_INIT { .rows = { DB_ROW_INIT, DB_ROW_INIT }, .old = DB_ROW_INIT }
int past_scan_start(struct past_scan *scan, const struct past_view *view, bool all, int64_t folder, struct slice name);
/* ERR_END behind the last. Slices of *seen live until the next call. */
int past_scan_next(struct past_scan *scan, struct past_seen *seen);
void past_scan_release(struct past_scan *scan);	/* can be started again */

#endif
