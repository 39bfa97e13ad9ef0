#include <stdlib.h>
#include <string.h>

#include "blob.h"
#include "check_in.h"
#include "db.h"
#include "err.h"
#include "limits.h"
#include "store_in.h"
#include "str.h"
#include "tbl_chunk.h"
#include "tbl_segment.h"

/*
 * Chunks are read in the order of their places: segments are taken in groups, so that the places of one group's chunks fit in
 * memory; they are gathered from the table, sorted, and read. A chunk that was moved or freed meanwhile is looked up
 * again. What is gone or wrong at the place where its row still says it is, is damage.
 */
#define CHUNKS_AT_ONCE (1u << 19)
#define PAGE 512		/* rows of one read transaction */
#define TRIES 4

struct home {
	int64_t home;
	uint64_t chunks;
};

struct spot {
	uint8_t id[32];
	struct blob_place place;
};

struct bytes {
	struct check *c;
	struct home *homes;	/* ascending; 16 bytes a segment is all that grows with the store */
	size_t nhomes;
	int64_t first, last;	/* homes of the group */
	struct spot *spots;
	size_t count, room;
	uint8_t *buffer;
};

/* ---- segments ---- */

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
see_record(void *arg, const uint8_t id[32], const struct blob_place *place)
{
	(void)arg;
	(void)id;
	(void)place;
	return 0;
}

static int
check_segment(struct check *c, const struct segment_row *row)
{
	struct segment_row now;
	unsigned n = 0;
	int rc = blob_walk(c->store->blobs, (uint64_t)row->home, see_record, NULL);

	/* One that is being written has places that are given away and not filled yet. */
	if (rc == ERR_CORRUPT && row->state != SEGMENT_SEALED)
		rc = 0;
	if (rc == ERR_CORRUPT)
		check_say(c, "segment %lld: its records can't be walked to the end", (long long)row->home);
	else if (rc == ERR_IO)
		check_say(c, "segment %lld can't be read", (long long)row->home);
	else if (rc == ERR_NOTFOUND) {
		/* Compaction deletes the row first. */
		if ((rc = list_segments(c->store, row->home - 1, &now, 1, &n)) != 0)
			return rc;
		if (n && now.home == row->home)
			check_say(c, "segment %lld is missing", (long long)row->home);
	} else {
		return rc;
	}
	return 0;
}

int
check_segments(struct check *c)
{
	struct segment_row rows[64];
	unsigned n = 64;
	int rc = 0;

	for (int64_t after = 0; rc == 0 && n == 64; after = n ? rows[n - 1].home : after) {
		rc = list_segments(c->store, after, rows, 64, &n);
		for (unsigned i = 0; rc == 0 && i < n; i++)
			if ((rc = check_go_on(c)) == 0)
				rc = check_segment(c, &rows[i]);
		c->report->segments += rc == 0 ? n : 0;
	}
	return rc;
}

/* ---- gathering ---- */

/* Calls see() for every live chunk, a page a transaction. */
static int
each_live(struct bytes *b, int (*see)(struct bytes *b, const struct chunk_row *row))
{
	struct chunk_row *rows = calloc(PAGE, sizeof(*rows));
	uint8_t after[32] = { 0 };
	struct db_conn *db = NULL;
	unsigned n = PAGE;
	int rc = rows ? 0 : ERR_NOMEM;

	while (rc == 0 && n == PAGE && (rc = check_go_on(b->c)) == 0) {
		if ((rc = db_read_begin(b->c->store->db, &db)) != 0)
			break;
		rc = tbl_chunk_list(db, after, rows, PAGE, &n);
		db_read_end(db);
		for (unsigned i = 0; rc == 0 && i < n; i++)
			if (rows[i].dead_at == 0)
				rc = see(b, &rows[i]);
		if (rc == 0 && n)
			memcpy(after, rows[n - 1].hash, 32);
	}
	free(rows);
	return rc;
}

static struct home *
find_home(struct bytes *b, int64_t home)
{
	for (size_t low = 0, high = b->nhomes; low < high;) {
		size_t mid = (low + high) / 2;

		if (b->homes[mid].home == home)
			return &b->homes[mid];
		if (b->homes[mid].home < home)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

static int
see_home(struct bytes *b, const struct chunk_row *row)
{
	struct home *h = find_home(b, row->home);

	/* Others are in segments that began after the list was made; check_refs() finds those that are in none. */
	if (h) {
		h->chunks++;
		b->c->total += row->size;
	}
	return 0;
}

static int
list_homes(struct bytes *b)
{
	struct segment_row rows[64];
	struct home *grown;
	unsigned n = 64;
	int rc = 0;

	for (int64_t after = 0; rc == 0 && n == 64; after = n ? rows[n - 1].home : after) {
		if ((rc = list_segments(b->c->store, after, rows, 64, &n)) != 0)
			break;
		if (!(grown = reallocarray(b->homes, b->nhomes + n + 1, sizeof(*grown))))
			return ERR_NOMEM;
		b->homes = grown;
		for (unsigned i = 0; i < n; i++)
			grown[b->nhomes++] = (struct home) { rows[i].home, 0 };
	}
	return rc;
}

static int
see_spot(struct bytes *b, const struct chunk_row *row)
{
	struct spot *grown;
	size_t room;

	if (row->home < b->first || row->home > b->last)
		return 0;
	if (b->count == b->room) {
		room = b->room ? b->room + b->room / 2 : 4096;
		if (!(grown = reallocarray(b->spots, room, sizeof(*grown))))
			return ERR_NOMEM;
		b->spots = grown;
		b->room = room;
	}
	memcpy(b->spots[b->count].id, row->hash, 32);
	b->spots[b->count++].place = (struct blob_place) { (uint64_t)row->home, (uint64_t)row->place, row->stored,
		row->size };
	return 0;
}

static int
compare_spots(const void *x, const void *y)
{
	const struct blob_place *a = &((const struct spot *)x)->place, *b = &((const struct spot *)y)->place;

	if (a->home != b->home)
		return a->home < b->home ? -1 : 1;
	return a->offset < b->offset ? -1 : a->offset > b->offset;
}

/* ---- reading ---- */

/* Where the chunk is now. ERR_NOTFOUND: nowhere, or dead. */
static int
look_again(struct check *c, struct spot *s)
{
	struct db_conn *db = NULL;
	struct chunk_row row;
	int rc;

	if ((rc = db_read_begin(c->store->db, &db)) != 0)
		return rc;
	rc = tbl_chunk_get(db, s->id, &row);
	db_read_end(db);
	if (rc == 0 && row.dead_at)
		rc = ERR_NOTFOUND;
	if (rc == 0)
		s->place = (struct blob_place) { (uint64_t)row.home, (uint64_t)row.place, row.stored, row.size };
	return rc;
}

static int
check_chunk(struct bytes *b, struct spot *s)
{
	const uint32_t size = s->place.length;
	struct blob_place tried;
	char hex[65];
	int rc, why = ERR_CORRUPT;

	for (int tries = 0; tries < TRIES; tries++) {
		tried = s->place;
		if (tried.length == 0 || tried.length > CHUNK_MAX)
			break;
		why = blob_get(b->c->store->blobs, s->id, &tried, 0, tried.length, true, b->buffer);
		if (why == 0) {
			b->c->report->bytes += size;
			return 0;
		}
		if (why != ERR_CORRUPT && why != ERR_NOTFOUND && why != ERR_IO)
			return why;
		if ((rc = look_again(b->c, s)) != 0)
			return rc == ERR_NOTFOUND ? 0 : rc;
		if (tried.home == s->place.home && tried.offset == s->place.offset)
			break;
	}
	hex_encode(s->id, 32, hex);
	check_say(b->c, "chunk %s in segment %llu at %llu: %s", hex, (unsigned long long)tried.home,
	    (unsigned long long)tried.offset,
	    why == ERR_NOTFOUND ? "its segment is missing" : why == ERR_IO ? "can't be read" : "damaged");
	b->c->report->bytes += size;
	return 0;
}

static int
check_group(struct bytes *b)
{
	int rc;

	b->count = 0;
	if ((rc = each_live(b, see_spot)) != 0)
		return rc;
	qsort(b->spots, b->count, sizeof(*b->spots), compare_spots);
	for (size_t i = 0; rc == 0 && i < b->count; i++)
		if ((rc = check_go_on(b->c)) == 0)
			rc = check_chunk(b, &b->spots[i]);
	return rc;
}

int
check_bytes(struct check *c)
{
	struct bytes b = { .c = c, .buffer = malloc(CHUNK_MAX) };
	uint64_t chunks;
	int rc = b.buffer ? 0 : ERR_NOMEM;

	if (rc || (rc = list_homes(&b)) != 0 || (rc = each_live(&b, see_home)) != 0)
		goto out;
	for (size_t i = 0, k; rc == 0 && i < b.nhomes; i = k) {
		for (k = i, chunks = 0; k < b.nhomes && (k == i || chunks + b.homes[k].chunks <= CHUNKS_AT_ONCE); k++)
			chunks += b.homes[k].chunks;
		b.first = b.homes[i].home;
		b.last = b.homes[k - 1].home;
		rc = chunks ? check_group(&b) : 0;
	}
out:
	free(b.buffer);
	free(b.spots);
	free(b.homes);
	return rc;
}
