#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "blob.h"
#include "chunker.h"
#include "clock.h"
#include "db.h"
#include "err.h"
#include "gate.h"
#include "ingest.h"
#include "limits.h"
#include "multihash.h"
#include "pool.h"
#include "store_in.h"
#include "tbl_chunk.h"

/*
 * The life of an ingest: gathering (bytes collect in blocks of the pool until a chunk is whole) -> the chunk is looked up and, if it is new,
 * stored; its blocks go back -> gathering … -> finished or failed (nothing more is taken) -> freed.
 *
 * A body that is announced small, or turns out to be, is one chunk in the small lane; all others are cut and go to a stream lane.
 *
 * Memory: what is announced small draws from a pool of its own, so that neither kind can hold up the other; a body of unknown
 * length counts as large.
 */
#define PIECES_MAX (CHUNK_MAX / INGEST_PIECE)
_Static_assert(SMALL_OBJECT / INGEST_PIECE_SMALL <= PIECES_MAX, "a small body fits");
#define HASHED_AT_ONCE (32u << 10)		/* all digests take a stretch while it is in the cache */

struct ingest {
	struct store *store;
	struct ingest_options options;
	struct multihash hashes;	/* MD5 and, once it is large, SHA-256 of the whole; SHA-256 of each chunk */
	struct digest *checksum;
	struct chunker chunker;
	struct pool *pool;
	size_t piece;			/* the pool's blocks */
	struct budget_user user;
	void *pieces[PIECES_MAX];
	size_t npieces;
	size_t fill;			/* bytes of the chunk so far */
	struct ingest_chunk *chunks;
	size_t count, room;
	uint64_t size;
	unsigned lane;			/* of stores; BLOB_LANE_SMALL until the body is known to be large */
	bool cutting;			/* the chunker decides; else the body is still small */
	bool dirty;			/* something was put into a stream lane */
	uint64_t ticket;
	bool held;
	int err;			/* the first failure; sticks */
};

static int
make_digests(struct ingest *in)
{
	const struct ingest_options *o = &in->options;
	bool large = o->size != UINT64_MAX && o->size > SMALL_OBJECT;
	int rc = multihash_init(&in->hashes, o->md5, o->sha256 && (large || o->size == UINT64_MAX));

	if (rc == 0 && o->checksum && !(o->checksum_kind == DIGEST_SHA256 && o->sha256))
		rc = digest_new(o->checksum_kind, &in->checksum);
	return rc;
}

/* Which stream lane: they take turns. */
static unsigned
next_lane(void)
{
	static _Atomic unsigned turn;

	return 1 + turn++ % (BLOB_LANE_REWRITE - 1);
}

/* From now on the body is large: chunks are cut. */
static int
start_cutting(struct ingest *in)
{
	const struct ingest_options *o = &in->options;
	int rc;

	if ((rc = chunker_init(&in->chunker, o->chunk_min, o->chunk_avg, o->chunk_max)) != 0)
		return rc;
	in->cutting = true;
	in->lane = next_lane();
	return 0;
}

int
ingest_new(struct store *store, const struct ingest_options *options, struct ingest **ingest)
{
	struct ingest *in;
	int rc;

	if ((rc = gate_write(store)) != 0)
		return rc;
	if (!(in = calloc(1, sizeof(*in))))
		return ERR_NOMEM;
	in->store = store;
	in->options = *options;
	in->user.wake = options->wake;
	in->user.cut = options->cut;
	in->user.arg = options->arg;
	in->pool = options->size <= SMALL_OBJECT ? store->small_pool : store->pool;
	in->piece = options->size <= SMALL_OBJECT ? INGEST_PIECE_SMALL : INGEST_PIECE;
	if ((rc = ingest_hold(store, &in->ticket)) == 0) {
		in->held = true;
		rc = make_digests(in);
	}
	if (rc == 0 && options->size != UINT64_MAX && options->size > SMALL_OBJECT)
		rc = start_cutting(in);
	if (options->pieces)
		in->lane = next_lane();
	if (rc) {
		ingest_free(in);
		return rc;
	}
	*ingest = in;
	return 0;
}

static void
give_pieces(struct ingest *in)
{
	while (in->npieces)
		pool_give(in->pool, &in->user, in->pieces[--in->npieces]);
	in->fill = 0;
}

void
ingest_free(struct ingest *in)
{
	if (!in)
		return;
	give_pieces(in);
	budget_forget(pool_budget(in->pool), &in->user);
	if (in->held)
		ingest_unhold(in->store, in->ticket);
	multihash_release(&in->hashes);
	digest_free(in->checksum);
	free(in->chunks);
	free(in);
}

/*
 * Whether the bytes of a chunk that the database knows are really where it says. What is not is lost, and a reference to it
 * could never be read: the bytes at hand take its place instead, and what referred to it before is whole again.
 */
static int
is_whole(struct ingest *in, const struct chunk_row *row, bool *whole)
{
	const struct blob_place place = { (uint64_t)row->home, (uint64_t)row->place, row->stored, row->size };
	uint8_t *bytes = malloc(row->size < in->piece ? row->size : in->piece);
	size_t n;
	int rc = bytes ? 0 : ERR_NOMEM;

	*whole = rc == 0;
	for (size_t from = 0; *whole && from < row->size; from += n) {
		n = row->size - from < in->piece ? row->size - from : in->piece;
		rc = blob_get(in->store->blobs, row->hash, &place, from, n, false, bytes);
		*whole = rc == 0 && !memcmp(bytes, in->pieces[from / in->piece], n);
	}
	free(bytes);
	return rc == ERR_NOMEM ? rc : 0;
}

/* Is the chunk stored already? A tombstone is no hit. */
static int
look_up(struct ingest *in, struct ingest_chunk *chunk, bool *found)
{
	const struct ingest_chunk *last = in->count ? &in->chunks[in->count - 1] : NULL;
	struct db_conn *db = NULL;
	struct chunk_row row;
	int rc;

	/* The same bytes over and over (a file of zeros) are stored once, though none of it is committed yet. */
	if (last && !memcmp(last->id, chunk->id, 32)) {
		*chunk = *last;
		*found = true;
		return 0;
	}
	if ((rc = db_read_begin(in->store->db, &db)) != 0)
		return rc;
	rc = tbl_chunk_get(db, chunk->id, &row);
	db_read_end(db);
	*found = rc == 0 && row.dead_at == 0 && row.size == chunk->length;
	if (rc)
		return rc == ERR_NOTFOUND ? 0 : rc;
	if (*found && (rc = is_whole(in, &row, found)) == 0 && !*found) {
		chunk->lost_home = (uint64_t)row.home;
		chunk->lost_offset = (uint64_t)row.place;
		chunk->lost_stored = row.stored;
	}
	return rc;
}

static int
store_chunk(struct ingest *in, struct ingest_chunk *chunk)
{
	unsigned lane = in->options.pieces && in->fill <= SMALL_OBJECT ? BLOB_LANE_SMALL : in->lane;
	struct iovec iov[PIECES_MAX];
	struct blob_place place;
	size_t left = in->fill;
	int count = 0, rc;

	for (; left; count++) {
		iov[count] = (struct iovec) { in->pieces[count], left < in->piece ? left : in->piece };
		left -= iov[count].iov_len;
	}
	if ((rc = blob_putv(in->store->blobs, lane, chunk->id, iov, count, &place)) != 0)
		return rc;
	chunk->home = place.home;
	chunk->offset = place.offset;
	chunk->stored = place.stored;
	in->dirty |= lane != BLOB_LANE_SMALL;
	return 0;
}

/* The gathered bytes are a chunk. */
static int
end_chunk(struct ingest *in)
{
	struct ingest_chunk chunk = { .length = (uint32_t)in->fill }, *grown;
	bool found;
	int rc;

	if (in->count == in->room) {
		if (!(grown = reallocarray(in->chunks, in->room ? in->room * 2 : 1, sizeof(*grown))))
			return ERR_NOMEM;
		in->chunks = grown;
		in->room = in->room ? in->room * 2 : 1;
	}
	multihash_chunk_end(&in->hashes, chunk.id);
	if ((rc = look_up(in, &chunk, &found)) == 0 && !found)
		rc = store_chunk(in, &chunk);
	give_pieces(in);
	if (rc == 0)
		in->chunks[in->count++] = chunk;
	return rc;
}

/* The next piece of memory to fill, and how many bytes it takes. ERR_AGAIN. */
static int
room(struct ingest *in, uint8_t **to, size_t *len)
{
	int rc;

	if (in->fill == in->npieces * in->piece) {
		if ((rc = pool_take(in->pool, &in->user, &in->pieces[in->npieces])) != 0)
			return rc;
		in->npieces++;
	}
	*to = (uint8_t *)in->pieces[in->npieces - 1] + in->fill % in->piece;
	*len = in->piece - in->fill % in->piece;
	return 0;
}

/* One stretch through everything: it is hashed by all while it is in the cache. */
static void
absorb(struct ingest *in, uint8_t *to, const uint8_t *bytes, size_t len)
{
	memcpy(to, bytes, len);
	multihash_update(&in->hashes, to, len);
	if (in->checksum)
		digest_update(in->checksum, to, len);
	in->fill += len;
	in->size += len;
	budget_moved(pool_budget(in->pool), &in->user, len);
}

/*
 * A body of unknown length has passed what is small: what has come so far goes through the chunker. It is no longer
 * than the shortest chunk, so it ends none.
 */
static int
turn_large(struct ingest *in)
{
	size_t left = in->fill, n;
	bool cut = false;
	int rc;

	if ((rc = start_cutting(in)) != 0)
		return rc;
	for (size_t i = 0; left; i++, left -= n) {
		n = left < in->piece ? left : in->piece;
		if (chunker_scan(&in->chunker, in->pieces[i], n, &cut) != n || cut)
			return ERR_INTERNAL;
	}
	return 0;
}

static int
take(struct ingest *in, const uint8_t *bytes, size_t len, size_t *used)
{
	bool cut = false;
	uint8_t *to;
	size_t n;
	int rc;

	/* Strictly below the shortest chunk: up to there nothing can have been cut. */
	if (!in->cutting && !in->options.pieces && in->options.size == UINT64_MAX &&
	    (in->fill + len >= in->options.chunk_min || in->fill + len > SMALL_OBJECT) && (rc = turn_large(in)) != 0)
		return rc;
	if (!in->cutting && !in->options.pieces && in->fill + len > SMALL_OBJECT)
		return ERR_TOOBIG;	/* more than was announced */
	if ((in->options.whole || in->options.pieces) && in->fill + len > CHUNK_MAX)
		return ERR_TOOBIG;
	if ((rc = room(in, &to, &n)) != 0)
		return rc;
	if (n > len)
		n = len;
	if (n > HASHED_AT_ONCE)
		n = HASHED_AT_ONCE;
	if (in->cutting && !in->options.whole)
		n = chunker_scan(&in->chunker, bytes, n, &cut);
	absorb(in, to, bytes, n);
	*used = n;
	return cut ? end_chunk(in) : 0;
}

int
ingest_write(struct ingest *in, const void *bytes, size_t len, size_t *used)
{
	const uint8_t *p = bytes;
	size_t n;
	int rc = in->err;

	*used = 0;
	while (rc == 0 && *used < len) {
		n = 0;
		rc = take(in, p + *used, len - *used, &n);
		*used += n;
	}
	if (rc && rc != ERR_AGAIN)
		in->err = rc;
	return rc;
}

int
ingest_cut(struct ingest *in)
{
	if (in->err == 0)
		in->err = end_chunk(in);
	return in->err;
}

/* The digests of the whole. The SHA-256 of a small body is its one chunk's. */
static void
final_digests(struct ingest *in, struct ingest_result *result)
{
	const struct ingest_options *o = &in->options;
	bool whole = in->hashes.whole;

	multihash_final(&in->hashes, result->md5, result->sha256);
	if (o->sha256 && !whole) {
		if (in->count)
			memcpy(result->sha256, in->chunks[0].id, 32);
		else
			digest_sha256("", 0, result->sha256);
	}
	if (in->checksum)
		digest_final(in->checksum, result->checksum);
	else if (o->checksum)
		memcpy(result->checksum, result->sha256, 32);
}

int
ingest_finish(struct ingest *in, struct ingest_result *result)
{
	const struct ingest_options *o = &in->options;
	int rc = in->err;

	if (rc == 0 && in->fill)
		rc = end_chunk(in);
	if (rc == 0 && in->dirty)
		rc = blob_sync(in->store->blobs, in->lane);
	if (rc) {
		in->err = rc;
		return rc;
	}
	*result = (struct ingest_result) { .size = in->size, .chunks = in->chunks, .count = in->count,
		.leaves = o->leaves };
	final_digests(in, result);
	return 0;
}

unsigned
ingest_cut_slow(struct store *store, const struct budget_rule *rule)
{
	return budget_sweep(pool_budget(store->small_pool), rule) + budget_sweep(pool_budget(store->pool), rule);
}
