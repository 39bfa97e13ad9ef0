#ifndef CORE_LIST_IN_H
#define CORE_LIST_IN_H

#include "commit.h"
#include "db.h"
#include "limits.h"
#include "list.h"
#include "past.h"
#include "tbl_version.h"

/* One page of a listing, inside list.c and list_version.c. */
#define LIST_LEVELS (LIMIT_DEPTH + 2)

struct level {
	struct db_row row;	/* its scan, or of the past: */
	struct past_scan *past;
	int64_t folder;
	size_t len;		/* of the folder's path in list_walk.path */
};

struct list_walk {
	const struct list_query *q;
	struct db_conn *db;
	bool versioned;		/* the workspace is or was */
	bool past;		/* it is the past that is shown: */
	struct past_view view;
	struct level levels[LIST_LEVELS];	/* the first is the folder of the prefix */
	int depth;		/* levels in use */
	struct buf path;	/* of the folder on top, then the name at hand */
	struct buf bound;	/* nothing before this key is shown */
	unsigned shown, work;
	bool full;		/* the page ends here, and more may follow */
	void (*each)(void *arg, const struct list_item *item);
	void *arg;
	struct list_end *end;
};

/* Each false where the page is full. list_show: there is one more than fits; list_work: enough rows were looked at. */
bool list_show(struct list_walk *w, const struct list_item *item);
bool list_work(struct list_walk *w);

/* Shows the versions of one file, newest first. */
int list_versions(struct list_walk *w, struct slice key, const struct entry_seen *e);

#endif
