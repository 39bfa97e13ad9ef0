#ifndef CORE_FEED_PATH_H
#define CORE_FEED_PATH_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

/*
 * Where folders are now, as a reader of the feed may be told: paths begin at the topmost folder that is shared with the reader. For one page,
 * inside its read transaction; no other threads.
 */
struct db_conn;
struct workspace_row;

#define FEED_PATHS 64		/* folders that are remembered */

struct feed_path {
	int64_t folder;		/* 0: an empty place */
	bool seen;		/* by a grant on it or above, or by a role on the workspace */
	bool reached;		/* neither it nor anything above is gone */
	bool flat;		/* it never had a folder in it */
	struct buf path;	/* with a slash at its end; empty for the root, and for what is not seen */
};

struct feed_paths {
	struct db_conn *db;
	const struct workspace_row *w;
	int64_t who;
	bool whole;		/* the reader has a role on the workspace */
	struct feed_path list[FEED_PATHS];
};

/* What is 0 is left so: paths->list is made empty. */
void feed_paths_init(struct feed_paths *paths);
void feed_paths_release(struct feed_paths *paths);

/* A folder that is gone, or in one that is, is seen by a grant on itself. *path lives until the next call. */
int feed_path_find(struct feed_paths *paths, int64_t folder, const struct feed_path **path);

#endif
