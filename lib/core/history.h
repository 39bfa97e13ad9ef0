#ifndef CORE_HISTORY_H
#define CORE_HISTORY_H

#include <stdint.h>

/*
 * What replaced and deleted files leave behind in workspaces with a history: versions (keep 2), files in the trash, and
 * where entries were.
 */
struct store;

/*
 * Destroys old versions, and folders in the trash with all that is in them, whose workspace's history does not reach back to them at `now_us`, at most `max` versions; *n gets how many.
 * 0 with *n == 0: nothing to do.
 */
int history_expire(struct store *store, int64_t now_us, unsigned max, unsigned *n);

#endif
