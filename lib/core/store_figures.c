#include "blob.h"
#include "commit.h"
#include "pool.h"
#include "store_in.h"

int
store_figures(struct store *s, struct store_figures *figures)
{
	struct store_figures f = { 0 };
	int rc;

	if ((rc = blob_space(s->blobs, &f.free_bytes, &f.total_bytes, &f.low)) != 0)
		return rc;
	f.pool_in_use = pool_in_use(s->pool) + pool_in_use(s->small_pool);
	committer_counts(s->committer, &f.commits, &f.batches);
	*figures = f;
	return 0;
}
