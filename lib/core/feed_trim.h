#ifndef CORE_FEED_TRIM_H
#define CORE_FEED_TRIM_H

#include <stdint.h>

/*
 * How long the change log is kept. An event goes once it is older than `keep_us` and than the workspace's history (whose trees are named by the
 * times of events), is not among the newest `keep_min`, and every device that lives has acknowledged it; one that neither asked for
 * changes nor acknowledged any for `idle_us` doesn't count.
 */
struct store;

struct feed_keep {
	int64_t keep_us, idle_us;
	int64_t keep_min;		/* events */
};

/* Ends up to about `max` events at `now_us`, oldest first; *n gets how many. 0 with *n == 0: nothing to do. */
int feed_trim(struct store *store, const struct feed_keep *keep, int64_t now_us, unsigned max, unsigned *n);

#endif
