#include <stdlib.h>
#include <string.h>

#include "blob.h"
#include "clock.h"
#include "commit.h"
#include "db.h"
#include "err.h"
#include "gc_in.h"
#include "limits.h"
#include "log.h"
#include "store_in.h"
#include "tbl_chunk.h"
#include "tbl_segment.h"

/*
 * Segments are judged by what their records say: a record is in use while a row of `chunk` points at it, alive or dead. A
 * segment is only judged when nobody who could have written into it still runs: after it was seen sealed, every ingest
 * that began before has ended. From then on no new row can point into it, so what is counted unused stays unused.
 */
#define LOOKUPS 256			/* rows looked up in one read transaction */
#define MOVE_BYTES (16u << 20)		/* moved between two flushes */
#define MOVE_CHUNKS 256
#define ROLL_LEAST (1u << 20)		/* an open segment with less that is dead is left alone */

/* One record of the segment under judgement. */
struct kept {
	uint8_t id[32];
	struct blob_place place;
};

struct judged {
	struct gc *gc;
	int64_t home;
	struct kept *records;		/* all at first, then those in use */
	size_t count, room;
	uint64_t used;			/* bytes */
	int64_t moved;
};

static int
note_record(void *arg, const uint8_t id[32], const struct blob_place *place)
{
	struct judged *j = arg;
	struct kept *grown;

	if (j->count == j->room) {
		if (!(grown = reallocarray(j->records, j->room ? j->room * 2 : 1024, sizeof(*grown))))
			return ERR_NOMEM;
		j->records = grown;
		j->room = j->room ? j->room * 2 : 1024;
	}
	memcpy(j->records[j->count].id, id, 32);
	j->records[j->count++].place = *place;
	return 0;
}

static bool
points_here(const struct chunk_row *row, const struct blob_place *place)
{
	return row->home == (int64_t)place->home && row->place == (int64_t)place->offset;
}

/* Keeps the records that a row points at. */
static int
keep_used(struct judged *j)
{
	struct db_conn *db = NULL;
	struct chunk_row row;
	size_t kept = 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < j->count; i++) {
		if (i % LOOKUPS == 0) {
			db_read_end(db);
			db = NULL;
			if ((rc = gc_go_on(j->gc)) != 0 || (rc = db_read_begin(j->gc->store->db, &db)) != 0)
				break;
		}
		if ((rc = tbl_chunk_get(db, j->records[i].id, &row)) == 0 && points_here(&row, &j->records[i].place)) {
			j->used += row.stored;
			j->records[kept++] = j->records[i];
		}
		if (rc == ERR_NOTFOUND)
			rc = 0;
	}
	db_read_end(db);
	if (rc == 0)
		j->count = kept;
	return rc;
}

/* ---- rewriting ---- */

struct move {
	struct judged *j;
	const struct kept *from;
	struct blob_place to[MOVE_CHUNKS];
	size_t count;
};

static int
run_move(struct txn *t, void *arg)
{
	struct move *m = arg;
	int rc = 0;

	m->j->moved = 0;
	for (size_t i = 0; rc == 0 && i < m->count; i++) {
		struct chunk_row to = { .home = (int64_t)m->to[i].home, .place = (int64_t)m->to[i].offset,
			.stored = m->to[i].stored };
		bool moved = false;

		memcpy(to.hash, m->from[i].id, 32);
		rc = tbl_chunk_move(t->db, &to, (int64_t)m->from[i].place.home, (int64_t)m->from[i].place.offset, &moved);
		if (moved)
			m->j->moved += to.stored;
		else if (rc == 0)
			rc = tbl_segment_freed(t->db, to.home, to.stored);
	}
	return rc;
}

/* Puts some chunks again; *done gets how many. */
static int
move_some(struct judged *j, const struct kept *from, size_t count, uint8_t *buffer, size_t *done)
{
	struct blob_store *bs = j->gc->store->blobs;
	struct move m = { .j = j, .from = from };
	uint64_t bytes = 0;
	int rc = 0;

	j->moved = 0;
	while (rc == 0 && m.count < count && m.count < MOVE_CHUNKS && bytes < MOVE_BYTES) {
		const struct kept *k = &from[m.count];

		if ((rc = blob_get(bs, k->id, &k->place, 0, k->place.length, true, buffer)) == 0 &&
		    (rc = blob_put(bs, BLOB_LANE_REWRITE, k->id, buffer, k->place.length, &m.to[m.count])) == 0)
			bytes += k->place.length;
		m.count += rc == 0;
	}
	if (rc == 0 && (rc = blob_sync(bs, BLOB_LANE_REWRITE)) == 0)
		rc = commit_run(j->gc->store, &(struct commit) { .run = run_move, .arg = &m, .frees = true });
	*done = m.count;
	j->gc->report.bytes_rewritten += (uint64_t)j->moved;
	return rc;
}

static int
rewrite(struct judged *j)
{
	uint8_t *buffer = malloc(CHUNK_MAX);
	size_t done;
	int rc = buffer ? 0 : ERR_NOMEM;

	for (size_t i = 0; rc == 0 && i < j->count; i += done)
		if ((rc = gc_go_on(j->gc)) == 0)
			rc = move_some(j, &j->records[i], j->count - i, buffer, &done);
	free(buffer);
	if (rc == 0)
		j->gc->report.segments_rewritten++;
	else if (rc == ERR_CORRUPT)
		log_error("segment %lld holds damaged chunks: it is not rewritten; run `fsctl check`", (long long)j->home);
	return rc;
}

/* ---- dropping ---- */

static struct gc_seen *
find_seen(struct gc_state *s, int64_t home)
{
	for (size_t low = 0, high = s->count; low < high;) {
		size_t mid = (low + high) / 2;

		if (s->seen[mid].home == home)
			return &s->seen[mid];
		if (s->seen[mid].home < home)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

static void
forget_seen(struct gc_state *s, int64_t home)
{
	struct gc_seen *seen = find_seen(s, home);

	if (seen)
		memmove(seen, seen + 1, (size_t)(&s->seen[--s->count] - seen) * sizeof(*seen));
}

static int
run_drop(struct txn *t, void *arg)
{
	return tbl_segment_delete(t->db, *(int64_t *)arg);
}

/* The row first: a crash in between leaves a file that the next start adopts, never a row without its file. */
static int
drop(struct gc *gc, int64_t home, int64_t tail)
{
	int rc = commit_run(gc->store, &(struct commit) { .run = run_drop, .arg = &home, .frees = true });

	if (rc == 0 && (rc = blob_drop(gc->store->blobs, (uint64_t)home)) == 0) {
		gc->report.segments_dropped++;
		gc->report.bytes_returned += (uint64_t)tail;
		forget_seen(gc->state, home);
	}
	return rc;
}

/* ---- which segments ---- */

/* Notes a sealed segment; homes grow, but lanes are sealed in any order. */
static int
note_sealed(struct gc_state *s, int64_t home, int64_t now)
{
	struct gc_seen *grown;
	size_t at;

	if (find_seen(s, home))
		return 0;
	if (s->count == s->room) {
		if (!(grown = reallocarray(s->seen, s->room ? s->room * 2 : 64, sizeof(*grown))))
			return ERR_NOMEM;
		s->seen = grown;
		s->room = s->room ? s->room * 2 : 64;
	}
	for (at = s->count; at > 0 && s->seen[at - 1].home > home; at--)
		;
	memmove(&s->seen[at + 1], &s->seen[at], (s->count - at) * sizeof(*s->seen));
	s->seen[at] = (struct gc_seen) { home, now, -1 };
	s->count++;
	return 0;
}

static int
list_segments(struct store *store, int64_t after, struct segment_row *rows, unsigned max, unsigned *n)
{
	struct db_conn *db = NULL;
	int rc;

	if ((rc = db_read_begin(store->db, &db)) != 0)
		return rc;
	rc = tbl_segment_list(db, after, rows, max, n);
	db_read_end(db);
	return rc;
}

static int
run_nothing(struct txn *t, void *arg)
{
	(void)t;
	(void)arg;
	return 0;
}

static bool
worth_rolling(struct gc *gc, const struct segment_row *row)
{
	int64_t freed = row->freed + (int64_t)gc_foretold(gc, row->home);

	return row->state == SEGMENT_OPEN && freed > ROLL_LEAST && freed * 2 > row->tail;
}

/* Open segments of which more than half is dead are sealed, so that the next look finds them. */
static int
roll_open(struct gc *gc)
{
	struct segment_row rows[64];
	unsigned n = 64;
	bool any = false;
	int rc = 0;

	for (int64_t after = 0; rc == 0 && n == 64; after = n ? rows[n - 1].home : after) {
		rc = list_segments(gc->store, after, rows, 64, &n);
		for (unsigned i = 0; rc == 0 && i < n; i++)
			any |= worth_rolling(gc, &rows[i]);
	}
	gc->would_roll = any;
	if (rc || !any || gc->dry)
		return rc;
	for (unsigned lane = 0; rc == 0 && lane < BLOB_LANES; lane++)
		if ((rc = blob_roll(gc->store->blobs, lane, ROLL_LEAST)) == ERR_SPACE)
			rc = 0;	/* no room for its index: it stays unsealed, and what is sealed can still be dropped */
	/* An empty commit writes down what was sealed. */
	return rc ? rc : commit_run(gc->store, &(struct commit) { .run = run_nothing, .frees = true });
}

/* A dry run's. */
static int
foretell(const struct judged *j, int64_t tail)
{
	struct gc_report *r = &j->gc->report;

	r->segments_rewritten += j->used > 0;
	r->segments_dropped++;
	r->bytes_rewritten += j->used;
	r->bytes_returned += (uint64_t)tail;
	return 0;
}

/*
 * Moves what is in use elsewhere and drops the segment. On a disk without room for that, segments of which nothing is in
 * use still go.
 */
static int
empty(struct judged *j, int64_t tail)
{
	int rc = 0;

	if (j->count && j->gc->full)
		return 0;
	if (j->count && (rc = rewrite(j)) == ERR_SPACE) {
		log_warn("gc: the disk is full: only segments that nobody uses are removed");
		j->gc->full = true;
		return 0;
	}
	if (rc)
		return rc == ERR_CORRUPT ? 0 : rc;
	return drop(j->gc, j->home, tail);
}

/*
 * Whether anything was freed there since the last look. Who began before it was seen sealed may still commit what was written into
 * it. A dry run also looks at what would be sealed.
 */
static bool
worth_a_look(struct gc *gc, const struct segment_row *row, const struct gc_seen *seen)
{
	if (!seen)
		return gc->dry && row->state == SEGMENT_OPEN;
	return seen->freed != row->freed + (int64_t)gc_foretold(gc, row->home) && gc_ended(gc, seen->sealed_us);
}

static int
judge(struct gc *gc, const struct segment_row *row)
{
	struct gc_seen *seen = find_seen(gc->state, row->home);
	struct judged j = { .gc = gc, .home = row->home };
	bool needed;
	int rc;

	if (!worth_a_look(gc, row, seen))
		return 0;
	rc = blob_walk(gc->store->blobs, (uint64_t)row->home, note_record, &j);
	if (rc == ERR_NOTFOUND) {
		if ((rc = gc_missing(gc, row->home, &needed)) == 0 && needed && !gc->dry) {
			log_error("segment %lld is missing: run `fsctl check`", (long long)row->home);
			seen->freed = row->freed;	/* asked, and said, again when more of it is freed */
		}
		goto out;
	}
	if (rc == ERR_CORRUPT) {
		log_error("segment %lld can't be read through (%s): it is left as it is; run `fsctl check`",
		    (long long)row->home, err_text(rc));
		rc = 0;
		goto out;
	}
	if (rc || (rc = keep_used(&j)) != 0)
		goto out;
	j.used -= gc_foretold(gc, row->home);
	if (j.used * 2 < (uint64_t)row->tail)
		rc = gc->dry ? foretell(&j, row->tail) : empty(&j, row->tail);
	else if (!gc->dry)
		seen->freed = row->freed;	/* worth nothing until more of it is freed */
out:
	free(j.records);
	return rc;
}

int
gc_count_segments(struct gc *gc)
{
	struct segment_row rows[64];
	uint64_t all = 0;
	unsigned n = 64;
	int rc = 0;

	for (int64_t after = 0; rc == 0 && n == 64; after = n ? rows[n - 1].home : after)
		if ((rc = list_segments(gc->store, after, rows, 64, &n)) == 0)
			all += n;
	gc->state->total = gc->state->done + all;
	return rc;
}

int
gc_segments(struct gc *gc)
{
	struct gc_state *s = gc->state;
	struct segment_row rows[64];
	unsigned n = 64;
	int64_t now;
	int rc;

	if ((rc = gc_count_segments(gc)) != 0 || (rc = roll_open(gc)) != 0)
		return rc;
	for (int64_t after = 0; rc == 0 && n == 64; after = n ? rows[n - 1].home : after) {
		if ((rc = list_segments(gc->store, after, rows, 64, &n)) != 0)
			return rc;
		now = clock_mono_us();
		for (unsigned i = 0; rc == 0 && i < n; i++, s->done++)
			if (gc->would_roll && gc->dry && rows[i].state == SEGMENT_OPEN && rows[i].tail > ROLL_LEAST)
				rc = judge(gc, &rows[i]);
			else if (rows[i].state != SEGMENT_SEALED)
				rc = gc_unsealed(gc, &rows[i]);
			else if ((rc = note_sealed(s, rows[i].home, now)) == 0 && (rc = gc_go_on(gc)) == 0)
				rc = judge(gc, &rows[i]);
	}
	return rc;
}
