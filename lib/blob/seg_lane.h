#ifndef BLOB_SEG_LANE_H
#define BLOB_SEG_LANE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "blob.h"
#include "seg_file.h"
#include "seg_pack.h"

/*
 * A lane: the segment that is open for appending, and those before it that are not sealed yet or that homes() has
 * not told. Its lock is held for the arithmetic of places alone, never over disk I/O, and no other lock is taken
 * under it.
 *
 * A put reserves its place, writes outside the lock, and completes. A sync waits until nothing below the end of
 * the last completed put is still being written, so that what it flushes has no hole, and flushes once for all
 * who wait. Sealing is done by the thread whose put found the segment full, after its own bytes are written;
 * others go on in the next segment.
 */
struct seg_lane {
	pthread_mutex_t lock;
	pthread_cond_t changed;	/* a write, a flush, a preparation or a creation has ended */
	struct seg_env *env;
	enum seg_style style;
	bool opening;		/* a thread makes the next segment */
	struct seg_file *open;	/* also in `files` */
	struct seg_file *files;	/* newest first */
};

void seg_lane_init(struct seg_lane *l, struct seg_env *env, enum seg_style style);
void seg_lane_release(struct seg_lane *l);	/* nobody is in it any more */

/* As in blob_ops. */
int seg_lane_put(struct seg_lane *l, const uint8_t id[32], struct seg_pack *p, struct blob_place *place);
int seg_lane_sync(struct seg_lane *l);
int seg_lane_roll(struct seg_lane *l, uint64_t bytes);
size_t seg_lane_homes(struct seg_lane *l, struct blob_home *homes, size_t max);

/* Whether `home` is one of the lane's that is not sealed yet, and how far it may be read in order. */
bool seg_lane_owns(struct seg_lane *l, uint64_t home, uint64_t *written);

#endif
