#ifndef BLOB_BLOB_H
#define BLOB_BLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/*
 * Where chunks live. The core stores a chunk once and keeps the place it was given; it never asks how a driver
 * keeps it. Drivers: blob_seg.c (segment files), blob_mem.c (tests); the same suite runs over both.
 *
 * Life of a chunk: put (bytes are there, but may vanish in a crash) -> sync of its lane (they survive one) ->
 * the core commits the place -> get, any number of times -> the core forgets the place -> drop of its home once
 * nothing there is referenced any more.
 *
 * All functions may be called from any thread, with no lock of the caller's held, unless said otherwise.
 */
struct blob_store;

struct blob_place {
	uint64_t home;		/* the driver's container: a segment's number; never 0 */
	uint64_t offset;	/* bytes from its start */
	uint32_t stored;	/* bytes that the record takes there */
	uint32_t length;	/* bytes of the chunk itself */
};

/*
 * A lane is a segment open for appending. Lane 0 is for small objects and flushed by the committer for all of
 * a batch at once; lanes 1 to STREAM_SEGMENTS are for streams, each of which flushes its own.
 */
#define BLOB_LANE_SMALL 0
#define BLOB_LANES 5
#define BLOB_LANE_REWRITE 4	/* what compaction moves; streams use 1 to 3 */

/* A home as the database keeps it. */
struct blob_home {
	uint64_t home;
	uint64_t tail;		/* bytes known to be durable: nothing referenced lies at or behind it */
	bool sealed;		/* complete, with its footer */
};

/* What open() was told and found. */
struct blob_recovery {
	uint64_t cut;		/* bytes cut from unsealed tails, that no reference pointed at */
	unsigned sealed;	/* homes that were sealed after a crash */
	unsigned orphans;	/* files that the database does not know, removed or (with records) adopted */
	unsigned quarantined;	/* homes that need an administrator: named in the log */
};

struct blob_ops {
	const char *name;

	/*
	 * Stores the bytes of `iov` (1 to CHUNK_MAX together; every piece but the last a multiple of BLOCK_SIZE) under the
	 * SHA-256 `id` in `lane`, compressed where that pays.
	 * ERR_SPACE: nothing was stored. ERR_IO, ERR_CLOSED (after a failed flush). The reserve does not hold
	 * for BLOB_LANE_REWRITE: what compaction writes gives more back.
	 */
	int (*putv)(struct blob_store *bs, unsigned lane, const uint8_t id[32], const struct iovec *iov,
	    int count,
	    struct blob_place *place);

	/*
	 * Returns after every put into `lane` that returned before this call survives a power cut, and so does
	 * the file it is in. After ERR_IO no later put or sync on this store reports success (ERR_CLOSED): the
	 * caller must stop acknowledging writes. A sync with nothing to flush costs nothing.
	 */
	int (*sync)(struct blob_store *bs, unsigned lane);

	/*
	 * Reads bytes [from, from + len) of the chunk, checked (record header against id and place, each block
	 * against its CRC). Touches only the blocks it needs. `whole` also checks SHA-256 of the whole chunk
	 * (from 0, len == place->length; scrub, check). A mismatch is read once more past the page cache.
	 * ERR_CORRUPT, ERR_NOTFOUND if that home is gone (moved by compaction: look the chunk up again).
	 */
	int (*get)(struct blob_store *bs, const uint8_t id[32], const struct blob_place *place, size_t from,
	    size_t len, bool whole, void *bytes);

	/*
	 * Homes that grew, were sealed or began since the last call: up to `max` of them, for the committer to
	 * write into the database in the transaction that follows a sync. `tail` counts only flushed bytes.
	 */
	size_t (*homes)(struct blob_store *bs, struct blob_home *homes, size_t max);

	/*
	 * Removes a home that nothing references any more. Readers that began before see the old bytes or
	 * ERR_NOTFOUND. ERR_BUSY: it is not sealed yet. ERR_NOTFOUND, ERR_CLOSED.
	 */
	int (*drop)(struct blob_store *bs, uint64_t home);

	/*
	 * Seals the segment of `lane` if it has more than `bytes`, so that compaction may take it. The next put opens
	 * another.
	 */
	int (*roll)(struct blob_store *bs, unsigned lane, uint64_t bytes);

	/*
	 * Walks all records of a home in order, header-checked: each(arg, id, place). ERR_CORRUPT where a record
	 * does not validate before the end; what each() returns, if not 0, ends the walk. For check, rebuild and
	 * compaction. A sealed segment is walked by its index, which is checked as a whole.
	 */
	int (*walk)(struct blob_store *bs, uint64_t home,
	    int (*each)(void *arg, const uint8_t id[32], const struct blob_place *place), void *arg);

	/*
	 * failed(arg) is called once, by whichever thread meets it and with no lock held, when a flush fails: from then on
	 * nothing may be acknowledged, whoever asked for it. To be set before the first put.
	 */
	void (*on_failure)(struct blob_store *bs, void (*failed)(void *arg), void *arg);

	/* Free and total bytes below the store; `low` when below its reserve (writes must answer ERR_SPACE). */
	int (*space)(struct blob_store *bs, uint64_t *available, uint64_t *total, bool *low);
	/*
	 * From now on puts answer ERR_SPACE, too, where fewer bytes are available; 0: not for that. For a disk that ran full: what is given back
	 * then is not for uploads that were admitted before.
	 */
	void (*keep_free)(struct blob_store *bs, uint64_t bytes);

	void (*free)(struct blob_store *bs);	/* seals nothing, closes; NULL is fine */
};

/* Every driver's store begins with this. */
struct blob_store {
	const struct blob_ops *ops;
};

struct blob_seg_options {
	int dirfd;			/* DATA; segments live in DATA/segments/NNNNNNNN.seg (hex number) */
	const uint8_t *store_id;	/* 16 bytes */
	bool compress;
	uint64_t reserve;		/* put answers ERR_SPACE when fewer bytes are available */
	uint64_t segment_size;		/* 0 means SEGMENT_SIZE; tests use less. A segment is also full at 131,072 records */
	const struct blob_home *homes;	/* what the database knows, ascending by home */
	size_t count;
	bool read_only;			/* for --check: cuts, seals and removes nothing */
};

/*
 * Opens DATA/segments (made if missing). Recovery: each unsealed home is scanned; valid records behind its durable
 * tail stay (nothing references them), the torn rest is cut if no valid record follows, and the home is
 * sealed. Appends end out of order, so a crash may leave behind the durable tail places that were never written (zeros) and
 * records whose blocks are not whole, with valid records behind them: those are stepped over. A home that is missing, is
 * shorter than its durable tail, is damaged before it, or has a valid record behind any other bytes, is left as it is,
 * reported and counted as quarantined. Numbers continue after the highest one of files and database.
 */
int blob_seg_open(const struct blob_seg_options *options, struct blob_recovery *found, struct blob_store **bs);

/* A store in memory, for tests: sync is a no-op, nothing survives. */
int blob_mem_open(struct blob_store **bs);

#define blob_putv(bs, ...) ((bs)->ops->putv((bs), __VA_ARGS__))
#define blob_sync(bs, lane) ((bs)->ops->sync((bs), (lane)))
#define blob_get(bs, ...) ((bs)->ops->get((bs), __VA_ARGS__))
#define blob_homes(bs, ...) ((bs)->ops->homes((bs), __VA_ARGS__))
#define blob_drop(bs, home) ((bs)->ops->drop((bs), (home)))
#define blob_roll(bs, ...) ((bs)->ops->roll((bs), __VA_ARGS__))
#define blob_walk(bs, ...) ((bs)->ops->walk((bs), __VA_ARGS__))
#define blob_on_failure(bs, ...) ((bs)->ops->on_failure((bs), __VA_ARGS__))
#define blob_space(bs, ...) ((bs)->ops->space((bs), __VA_ARGS__))
#define blob_keep_free(bs, bytes) ((bs)->ops->keep_free((bs), (bytes)))

/* A chunk that lies in one piece. */
static inline int
blob_put(struct blob_store *bs, unsigned lane, const uint8_t id[32], const void *bytes, size_t len,
    struct blob_place *place)
{
	const struct iovec piece = { (void *)(uintptr_t)bytes, len };

	return blob_putv(bs, lane, id, &piece, 1, place);
}

#endif
