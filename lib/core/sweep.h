#ifndef CORE_SWEEP_H
#define CORE_SWEEP_H

#include <stdint.h>

struct store;
struct workspace_row;

/* What is done to all workspaces in turn, in commits of its own, until `max` rows went: for what expires. */
struct sweep {
	/* One workspace: adds to *n, and stops where it is `max`. ERR_NOTFOUND: it was deleted meanwhile. */
	int (*each)(struct store *store, const struct workspace_row *w, const struct sweep *sweep, unsigned *n);
	int64_t now_us;
	const void *arg;
	unsigned max;
};

/* *n gets how many rows went. Any thread but the committer's. */
int sweep_workspaces(struct store *store, const struct sweep *sweep, unsigned *n);

#endif
