#ifndef CORE_LIST_H
#define CORE_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "object.h"

/*
 * Listings in S3's order (bytewise by key). With delimiter "/" one folder is scanned; with another or none the
 * tree is walked depth first, seeking past each finished common prefix. Work is bounded: a page may be short and say it is truncated.
 * The walk seeks straight to its start, so the last page costs what the first does.
 */
struct list_query {
	int64_t workspace;
	struct slice prefix;
	struct slice delimiter;		/* empty: none */
	struct slice after;		/* start strictly behind this key (marker, start-after, or from a token) */
	bool after_prefix;		/* `after` is a common prefix that was shown: start behind everything below it */
	int64_t after_version;		/* versions: go on behind this version of `after`; 0: none */
	unsigned max;			/* 1 to LIMIT_LIST_KEYS */
	bool versions;			/* ListObjectVersions */
	bool past;			/* as it was at `sequence` (past.h); not with `versions` */
	int64_t sequence;
	/*
	 * The list_end.sequence of the page before, so that a folder that moves between pages neither hides nor doubles keys: where
	 * one has moved since, the tree is shown as it was then, as far as that is kept. 0: as it is. Not with `past`.
	 */
	int64_t since;
};

struct list_item {
	struct slice key;		/* the whole key, or the common prefix */
	bool prefix;
	uint64_t size;
	int64_t modified_us;
	struct slice etag;
	int64_t version_id;
	bool latest, delete_marker, null_version;	/* versions */
};

struct list_end {
	bool truncated;
	struct buf after;		/* where the next page starts: list_query.after … */
	bool after_prefix;
	int64_t after_version;
	int64_t sequence;		/* which tree was shown */
};
#define LIST_END_INIT { .after = BUF_INIT(LIMIT_KEY_STORED * 2) }
void list_end_release(struct list_end *end);

/*
 * Calls each(arg, item) for every item in order; items live during the call. ERR_NOTFOUND: no such workspace. Of the past
 * also what past_open() answers.
 */
int list_objects(struct store *store, const struct list_query *query, void (*each)(void *arg, const struct list_item *item),
    void *arg, struct list_end *end);

#endif
