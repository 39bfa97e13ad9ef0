#ifndef FSD_API_EVENT_H
#define FSD_API_EVENT_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "feed_for.h"

/*
 * Events of the feed as JSON, one behind the other with commas between. A page has up to a thousand of them, so they are written piece by
 * piece, past the general builder.
 */
struct api_events {
	struct buf *to;
	unsigned count;
	/* the end of the last whole commit */
	size_t mark;
	unsigned marked;
	bool open;		/* the last one lacks its end */
};

/* Where feed_read_for() puts them; `events` stays at its place meanwhile. */
struct feed_out api_events_out(struct api_events *events);
/* Behind the last. */
void api_events_end(struct api_events *events);

#endif
