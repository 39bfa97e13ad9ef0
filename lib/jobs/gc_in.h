#ifndef JOBS_GC_IN_H
#define JOBS_GC_IN_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gc.h"

struct segment_row;

/* The inside of garbage collection: gc.c runs a pass, gc_free.c has the steps on tombstones, gc_segments.c those on segments. */

/* A sealed segment, as long as the process lives. */
struct gc_seen {
	int64_t home;
	int64_t sealed_us;	/* mono: when it was first seen sealed */
	int64_t freed;		/* segment.freed when it was last accounted; -1: never */
};

/* What a dry run found that would be freed in a segment. */
struct gc_gain {
	int64_t home;
	uint64_t bytes;
};

struct gc_state {
	pthread_mutex_t running;	/* held by the one pass */
	struct gc_seen *seen;	/* ascending by home */
	size_t count, room;
	_Atomic uint64_t done, total;	/* of the running pass: tombstones and segments */
};

struct gc {
	struct store *store;
	struct gc_state *state;
	bool dry;
	int (*stop)(void *arg);
	void *arg;
	int64_t rested_us;	/* mono: when the running step began */
	int64_t patience_us;	/* what is left for waiting until running ingests end */
	bool full;		/* the disk has no room for rewriting: only what gives space back goes on */
	struct gc_gain *gains;	/* a dry run's, ascending by home */
	size_t gain_count, gain_room;
	bool would_roll;	/* a dry run's: open segments would be sealed first */
	struct gc_report report;
};

#define LEAF_GRACE_MS 60000	/* leaves wait no longer than that */

/*
 * Between steps, with nothing held: asks stop(), and rests as long as the step took, so that a pass takes half of a core at
 * most. Below the reserve it does not rest. ERR_CLOSED to end the pass.
 */
int gc_go_on(struct gc *gc);
/*
 * Whether all ingests and readers that began at `since_us` (mono) or before have ended. Waits a moment for that, as long as the
 * pass has patience left.
 */
bool gc_ended(struct gc *gc, int64_t since_us);
/*
 * What time it is for deleting: the wall clock's, but never later than what has passed since the store was opened
 * allows. A clock that jumps ahead deletes nothing.
 */
int64_t gc_now(const struct store *store);
/* Step 2. */
int gc_free(struct gc *gc, int64_t grace_ms);
/* gc_foretell.c: what step 2 would do, for a dry run; then bytes of a segment that it would free. */
int gc_foretell(struct gc *gc, int64_t grace_ms);
uint64_t gc_foretold(const struct gc *gc, int64_t home);
/* For gc_progress(): what is done so far and the segments are the total. */
int gc_count_segments(struct gc *gc);
/* Steps 3 and 4. */
int gc_segments(struct gc *gc);
/* gc_missing.c: the segment has no file, and nobody writes to it. Its row goes if no chunk is said to be in it (*needed). */
int gc_missing(struct gc *gc, int64_t home, bool *needed);
/* The same for one that was never sealed, if that is so: left by an earlier process, and without a file. */
int gc_unsealed(struct gc *gc, const struct segment_row *row);

#endif
