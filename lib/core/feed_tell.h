#ifndef CORE_FEED_TELL_H
#define CORE_FEED_TELL_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "feed_path.h"
#include "sight.h"

/*
 * What one reader is told of each event, by the rules of feed_for.h: the inside of a page, for feed_for.c.
 *
 * An event is judged twice. What the reader could see of its node right before and right behind it (sight.h) says whether access came, went or
 * stayed: so a reader who follows knows what it should, however late it reads. What is shared now counts as if it always had been, since a reader
 * may begin with a listing of any sequence, which shows that; but not where a share itself is told of. What the reader may see now
 * (feed_path.h) says what may be told: what lies where it has nothing any more is not shown, at most lost.
 */
struct db_conn;
struct event;
struct feed_out;
struct feed_query;
struct workspace_row;

struct feed_tell {
	struct db_conn *db;
	const struct workspace_row *w;
	struct feed_query *q;
	const struct feed_out *out;
	struct feed_paths paths;
	struct sight sight;
	struct buf path;	/* of the event that is given */
	int64_t time_us;	/* of the newest event */
	bool peek;		/* the caller's: the page is full, give nothing */
	/* results */
	unsigned given;
	bool open;		/* something was given of the commit that is read */
	bool lost;		/* a folder was, in that commit */
};

/* q->whole is known. What is pointed to outlives *t. */
void feed_tell_init(struct feed_tell *t, struct db_conn *db, const struct workspace_row *w, struct feed_query *q,
    const struct feed_out *out);
void feed_tell_release(struct feed_tell *t);

/* Events in order; *e is changed. ERR_BUSY: something is to be given, but t->peek. */
int feed_tell_event(struct feed_tell *t, struct event *e);
/* ACCESS_GAINED of each node that was shared with the reader and is seen at the end of the feed, as if it happened at `sequence`. */
int feed_tell_shared(struct feed_tell *t, int64_t sequence);

#endif
