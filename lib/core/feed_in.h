#ifndef CORE_FEED_IN_H
#define CORE_FEED_IN_H

#include "feed.h"
#include "tbl_event.h"
#include "tbl_workspace.h"

/* The inside of the feed, for feed*.c. */

/* Slices point where those of the row do. */
void feed_event_of(const struct event_row *row, struct event *e);

/*
 * Where a page of at most `max` rows behind `from` ends: sequences have no gaps, so that is known before it is read: the last end of a commit
 * within `max`. ERR_EXPIRED.
 */
int feed_page_to(struct db_conn *db, const struct workspace_row *w, int64_t from, unsigned max, int64_t *to);

#endif
