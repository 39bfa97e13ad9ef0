#ifndef BLOB_SEG_RECOVER_H
#define BLOB_SEG_RECOVER_H

#include <stddef.h>
#include <stdint.h>

#include "blob.h"
#include "seg_env.h"

/*
 * What is done once, when a store is opened, with the segments that an earlier process left:
 *
 *	database	file			then
 *	sealed		at least its tail	nothing; it is not read
 *	open		ends in an index	homes() tells that it is sealed
 *	open		records			scanned, cut behind the last one, sealed, told
 *	open, sealed	gone, shorter than its tail, foreign header, damaged before its tail, a valid record
 *			behind bytes that no crash leaves
 *						quarantined: left as it is, named in the log
 *	unknown		records			sealed and told ("adopted": the database lost its row, or its removal was not
 *						durable; GC drops it)
 *	unknown		nothing in it		removed
 *	unknown		foreign header, garbage	quarantined
 *
 * An unsealed segment stays unsealed, and is remembered in `left`, where the store is read-only and where the disk has no room for its index.
 */
struct seg_left {
	uint64_t home;
	uint64_t trusted;	/* as in seg_scan.h */
	uint64_t end;		/* of the last record */
};

struct seg_recovered {
	struct blob_home *told;		/* for homes(); owned */
	size_t told_count;
	struct seg_left *left;		/* owned */
	size_t left_count;
	uint64_t highest;		/* number of all files and rows */
};

int seg_recover(struct seg_env *env, const struct blob_seg_options *options, struct blob_recovery *found,
    struct seg_recovered *r);
void seg_recovered_release(struct seg_recovered *r);

#endif
