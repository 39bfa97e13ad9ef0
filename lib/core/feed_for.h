#ifndef CORE_FEED_FOR_H
#define CORE_FEED_FOR_H

#include <stdbool.h>
#include <stdint.h>

#include "feed.h"
#include "principal.h"

/*
 * The change feed as one reader may see it (SYNC 4). What the reader could see before and after each event says whether something came into
 * view or left it; rights as they are now say what may be told of that (feed_tell.h).
 *
 * Who has a role on the whole workspace sees everything but the files that only mark a folder as made by somebody (SEMANTICS 9). Others see
 * what lies in a folder that is shared with them, or was, or was itself shared. For them a move is ACCESS_GAINED where only the new place is
 * seen and ACCESS_LOST where only the old one is; a share with them is ACCESS_GAINED while it lasts, and its end ACCESS_LOST when nothing
 * else shows the node. Behind a page in which a folder was lost they are told ACCESS_GAINED of each node that was shared with them and is seen
 * still, since it may have been below. A share of the whole workspace is ACCESS_GAINED of its root for whom it is given to, who forgets then
 * what was known of a part and lists. Nothing is said of a folder that is not seen: it is no parent (0), and paths begin at the topmost folder
 * that is seen. What went from where nothing is seen any more has no name.
 *
 * A scope narrows all this to one folder and what is in it: what crosses its edge is gained or lost in the same way, and where a folder above
 * is deleted, restored or moved so that the scope comes or goes, the event is told of the scope.
 */
struct store;

struct feed_query {
	int64_t workspace;
	const struct principal *who;
	int64_t scope;			/* a folder; 0: all of the workspace */
	int64_t from;
	unsigned max;			/* events of a page */
	/* results */
	int64_t last;			/* where the next page begins: the end of a commit, unless one alone is over `max` */
	int64_t head;			/* the newest sequence */
	bool more;			/* last < head */
	bool whole;			/* the reader has a role on the workspace */
	bool personal;			/* something in the page depends on who reads it, though whole */
};

/* What a page is told to. Neither calls the store. */
struct feed_out {
	/* An event; what its slices and `path` point to lives during the call. Its ends_commit says nothing. */
	void (*each)(void *arg, const struct event *event, struct slice path);
	void (*ended)(void *arg);	/* the event given last ends its commit, as far as it was shown */
	void (*cut)(void *arg);		/* forget what was given since the last ended() */
	void *arg;
};

/* Rows that one call looks at; then the page ends, be it empty. */
#define FEED_LOOK 10000

/*
 * ERR_NOTFOUND: no such workspace. ERR_EXPIRED: `from` is below the log's horizon. ERR_INVALID: it is behind the newest event. A reader
 * without any access gets what tells that it was lost.
 */
int feed_read_for(struct store *store, struct feed_query *query, const struct feed_out *out);

/*
 * Where a page of a reader of the whole workspace, without a scope, would end now, without reading it: such pages are the same for all of them
 * but for those that turn out personal. Sets last, head, more and whole; errors as feed_read_for(). Not whole: only that and head are set.
 */
int feed_page_end(struct store *store, struct feed_query *query);

#endif
