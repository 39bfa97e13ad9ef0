#ifndef CORE_FEED_H
#define CORE_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "str.h"

/*
 * The change feed: one row an event, written in the transaction of what it tells, its sequence taken there.
 */
struct store;
struct txn;

enum event_type {
	EVENT_FILE_CREATED = 1, EVENT_FILE_VERSION_COMMITTED, EVENT_FILE_METADATA_CHANGED, EVENT_FILE_MOVED,
	EVENT_FILE_DELETED, EVENT_FILE_RESTORED, EVENT_FOLDER_CREATED, EVENT_FOLDER_MOVED, EVENT_FOLDER_DELETED,
	EVENT_FOLDER_RESTORED, EVENT_CONFLICT_COPY_CREATED, EVENT_SHARE_GRANTED, EVENT_SHARE_REVOKED,
	EVENT_ACCESS_GAINED, EVENT_ACCESS_LOST,
};
const char *feed_event_name(enum event_type type);	/* "FILE_CREATED" */

struct event {
	int64_t workspace, sequence;
	enum event_type type;
	bool ends_commit;
	bool folder;			/* what `node` is (else a file; shares name what they were set on) */
	int64_t node, parent;
	struct slice name;		/* in its folder; folders with trailing slash */
	bool twin;			/* a file and a folder have it now: sync can carry neither; feed_for.h finds out */
	int64_t version;		/* 0: none */
	uint64_t size;
	bool has_hash;
	uint8_t content_hash[32];
	int64_t from_parent;		/* moves; 0: none */
	struct slice from_name;
	int64_t actor, device;
	int64_t occurred_us;
	int64_t principal;		/* shares */
	int role;
};

/*
 * Writes an event; takes the next sequence of its workspace into event->sequence. Events of one closure are
 * contiguous; pass ends_commit on the last.
 */
int feed_emit(struct txn *t, struct event *event);

/*
 * Calls each(arg, event, path) for the events behind `from`, in order, at most `max`; `path` is where the node is (its parent's path now, and the
 * event's name). *last gets the sequence of the last one given (or `from`), *more whether others follow; a page never ends inside a
 * commit unless max is smaller than one. ERR_NOTFOUND: no such workspace. ERR_EXPIRED: `from` is below the log's horizon.
 */
int feed_read(struct store *store, int64_t workspace, int64_t from, unsigned max,
    void (*each)(void *arg, const struct event *event, struct slice path), void *arg, int64_t *last, bool *more);

#endif
