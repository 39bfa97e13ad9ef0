#include <stdlib.h>

#include "db.h"
#include "err.h"
#include "heads.h"
#include "store_in.h"
#include "tbl_workspace.h"

static int
by_workspace(const void *a, const void *b)
{
	const struct head *x = a, *y = b;

	return x->workspace < y->workspace ? -1 : x->workspace > y->workspace;
}

static int
add(int64_t workspace, int64_t sequence, void *arg)
{
	struct head **at = arg;

	*(*at)++ = (struct head) { workspace, sequence };
	return 0;
}

int
heads_of(struct store *store, int64_t principal, struct head list[HEADS_LIMIT], unsigned *n, bool *more)
{
	struct head *all = calloc(2 * (HEADS_LIMIT + 1), sizeof(*all)), *at = all;
	struct db_conn *db = NULL;
	int rc;

	if (!all)
		return ERR_NOMEM;
	if ((rc = db_read_begin(store->db, &db)) == 0 &&
	    (rc = tbl_workspace_heads(db, principal, false, HEADS_LIMIT + 1, add, &at)) == 0)
		rc = tbl_workspace_heads(db, principal, true, HEADS_LIMIT + 1, add, &at);
	db_read_end(db);
	qsort(all, (size_t)(at - all), sizeof(*all), by_workspace);
	*n = 0;
	*more = false;
	for (struct head *h = all; rc == 0 && h < at && !*more; h++) {
		if (h > all && h[-1].workspace == h->workspace)
			continue;
		*more = *n == HEADS_LIMIT;
		if (!*more)
			list[(*n)++] = *h;
	}
	free(all);
	return rc;
}
