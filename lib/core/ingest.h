#ifndef CORE_INGEST_H
#define CORE_INGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "digest.h"
#include "limits.h"

/*
 * Bytes on their way in: hashes, chunks, dedup, append. Pure push; memory is constant and comes from the
 * store's pools. The result is a manifest of chunks whose bytes are in segments, ready to be committed by object.h or upload.h.
 *
 *	ingest_new -> ingest_write* -> ingest_finish -> (a commit that uses ingest_result) -> ingest_free
 *
 * From ingest_new to ingest_free it is registered: GC frees nothing that became dead after the oldest registered ingest
 * began. A chunk that the dedup look-up found live, and read, is therefore still there when it is committed. What is written and never
 * committed is dead weight in its segment until GC.
 *
 * Small contents (<= SMALL_OBJECT) go to the small lane, which the committer flushes; larger ones go to a
 * stream lane and are flushed by ingest_finish. One thread at a time.
 *
 * One that holds memory and gets too few bytes, while others wait for memory, is cut off by ingest_cut_slow() (budget.h).
 */
#define INGEST_PIECE (BLOCK_SIZE * 4)		/* memory is taken by the piece */
#define INGEST_PIECE_SMALL BLOCK_SIZE		/* contents announced as <= SMALL_OBJECT: from a pool of their own */

struct store;
struct ingest;

struct ingest_options {
	uint64_t size;			/* announced, or UINT64_MAX */
	bool md5, sha256;		/* whole-body digests that are wanted */
	bool checksum;			/* and one more, below */
	enum digest_kind checksum_kind;
	uint32_t chunk_min, chunk_avg, chunk_max;	/* of the workspace */
	bool leaves;			/* always make leaves, never an inline manifest (parts) */
	bool whole;			/* one chunk, whatever is in it: at most CHUNK_MAX (ERR_TOOBIG) */
	bool pieces;			/* chunks end at ingest_cut() alone: each at most CHUNK_MAX (ERR_TOOBIG); `size` is UINT64_MAX */
	void (*wake)(void *arg);	/* called once after ingest_write() answered ERR_AGAIN */
	/*
	 * From any thread: too few bytes came. True: the caller will ingest_free() it soon; false: not now. NULL: never
	 * asked.
	 */
	bool (*cut)(void *arg);
	void *arg;
};

struct ingest_result {
	uint64_t size;
	uint8_t md5[16], sha256[32];	/* where asked for */
	uint8_t checksum[DIGEST_MAX];	/* where asked for; digest_size() bytes */
	/*
	 * The chunks in order, each with the place of its bytes: what refs_commit() turns into references. Owned by the
	 * ingest, alive until ingest_free().
	 */
	const struct ingest_chunk *chunks;
	size_t count;
	bool leaves;
};

struct ingest_chunk {
	uint8_t id[32];
	uint64_t home, offset;		/* where the bytes are; home 0: it was found, not stored */
	uint32_t stored, length;
	uint64_t lost_home, lost_offset;	/* where the database has it and its bytes are not; 0: it had it nowhere */
	uint32_t lost_stored;
};

/* ERR_SPACE: below the reserve, nothing may be written. ERR_NOMEM. */
int ingest_new(struct store *store, const struct ingest_options *options, struct ingest **ingest);

/*
 * Takes up to `len` bytes; *used tells how many. ERR_AGAIN (*used may be > 0): no buffer now; stop reading and call again
 * with the rest after wake(). ERR_SPACE, ERR_IO, ERR_CLOSED.
 */
int ingest_write(struct ingest *in, const void *bytes, size_t len, size_t *used);

/* With `pieces`: what came since the last cut, which is something, is a chunk. */
int ingest_cut(struct ingest *in);

/* No more bytes: stores the last chunk and flushes stream lanes. After 0 `result` is filled. */
int ingest_finish(struct ingest *in, struct ingest_result *result);

void ingest_free(struct ingest *in);	/* NULL is fine; on any state */

/* To be called about once a second: budget_sweep() for both pools. Returns how many were cut. */
struct budget_rule;
unsigned ingest_cut_slow(struct store *store, const struct budget_rule *rule);

/*
 * For GC: when the oldest running ingest (or reader) began, by both clocks; INT64_MAX if none runs. What was seen dead, or sealed, at
 * a monotonic time before *mono cannot be relied on by any of them.
 */
void ingest_oldest(struct store *store, int64_t *mono, int64_t *wall);
struct ingest_registry;
int ingest_registry_new(struct ingest_registry **r);
void ingest_registry_free(struct ingest_registry *r);
/* Others that rest on chunks not being freed (readers of a version) register too. */
int ingest_hold(struct store *store, uint64_t *ticket);	/* ERR_NOMEM */
void ingest_unhold(struct store *store, uint64_t ticket);

#endif
