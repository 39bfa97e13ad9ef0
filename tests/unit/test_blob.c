#include <pthread.h>
#include <sys/stat.h>
#include <time.h>

#include "blob_kit.h"
#include "err.h"
#include "limits.h"

/*
 * What every blob store must do: one suite, run over the memory store and over segment files. And what the segment
 * files cost, as comments.
 */
static bool segments;

static struct blob_store *
store(void)
{
	struct blob_store *bs = NULL;
	struct blob_recovery found;
	int rc;

	if (segments)
		rc = blob_seg_open(&(struct blob_seg_options){ .dirfd = kit_dir(), .store_id = kit_store_id,
		    .compress = true, .segment_size = 8u << 20 }, &found, &bs);
	else
		rc = blob_mem_open(&bs);
	if (rc)
		abort();
	return bs;
}

static void
test_round_trip(void)
{
	static const uint32_t lens[] = { 1, 2, 7, 8, 511, 512, 4096, 65535, 65536, 65537, 131072, 262144, 1048589,
		CHUNK_MAX - 1, CHUNK_MAX };
	enum { N = sizeof(lens) / sizeof(lens[0]) };
	struct blob_store *bs = store();
	struct kit_chunk c[2 * N];

	for (unsigned i = 0; i < 2 * N; i++)
		CHECK_INT(0, kit_put(bs, i % BLOB_LANES, i, i % 2, lens[i / 2], &c[i]));
	for (unsigned i = 0; i < 2 * N; i++) {
		CHECK_INT(lens[i / 2], c[i].place.length);
		CHECK(c[i].place.home != 0);
		CHECK_INT(0, kit_get(bs, &c[i]));
	}
	for (unsigned i = 0; i < BLOB_LANES; i++)
		CHECK_INT(0, blob_sync(bs, i));
	bs->ops->free(bs);
}

static void
test_ranges(void)
{
	static const uint32_t lens[] = { 1, 4096, 65536, 200001, 3 * 65536, 1500000 };
	struct blob_store *bs = store();
	struct kit_chunk c;
	uint32_t from, len;

	srand(7);
	for (unsigned i = 0; i < 12; i++) {
		CHECK_INT(0, kit_put(bs, 1, 100 + i, i % 2, lens[i / 2], &c));
		for (unsigned k = 0; k < 60; k++) {
			from = (uint32_t)rand() % c.len;
			len = (uint32_t)rand() % (c.len - from) + 1;
			if (k % 3 == 0)
				from = from / 65536 * 65536;
			if (k % 5 == 0)
				len = c.len - from;
			CHECK_INT(0, kit_range(bs, &c, from, len));
		}
		for (from = 0; from < c.len; from += len) {
			len = c.len - from < 65536 ? c.len - from : 65536;
			CHECK_INT(0, kit_range(bs, &c, from, len));
		}
	}
	bs->ops->free(bs);
}

static void
test_refused(void)
{
	struct blob_store *bs = store();
	struct blob_place place;
	struct kit_chunk c, other;
	uint8_t bytes[64], id[32] = { 1 };

	CHECK_INT(ERR_INVALID, blob_put(bs, 0, id, bytes, 0, &place));
	CHECK_INT(ERR_INVALID, blob_put(bs, 0, id, bytes, (size_t)CHUNK_MAX + 1, &place));
	CHECK_INT(ERR_INVALID, blob_put(bs, BLOB_LANES, id, bytes, 1, &place));
	CHECK_INT(ERR_INVALID, blob_sync(bs, BLOB_LANES));
	CHECK_INT(0, kit_put(bs, 0, 1, false, 100, &c));
	CHECK_INT(0, kit_put(bs, 0, 2, false, 100, &other));
	CHECK_INT(ERR_RANGE, blob_get(bs, c.id, &c.place, 0, 0, false, bytes));
	CHECK_INT(ERR_RANGE, blob_get(bs, c.id, &c.place, 50, 51, false, bytes));
	CHECK_INT(ERR_RANGE, blob_get(bs, c.id, &c.place, 101, 1, false, bytes));
	CHECK_INT(ERR_RANGE, blob_get(bs, c.id, &c.place, 1, SIZE_MAX, false, bytes));
	CHECK_INT(ERR_RANGE, blob_get(bs, c.id, &c.place, 1, 50, true, bytes));
	CHECK_INT(ERR_CORRUPT, blob_get(bs, other.id, &c.place, 0, 10, false, bytes));
	place = c.place;
	place.length++;
	CHECK_INT(ERR_CORRUPT, blob_get(bs, c.id, &place, 0, 10, false, bytes));
	place = c.place;
	place.stored += 8;
	CHECK_INT(ERR_CORRUPT, blob_get(bs, c.id, &place, 0, 10, false, bytes));
	place = c.place;
	place.offset += 4096;
	CHECK_INT(ERR_CORRUPT, blob_get(bs, c.id, &place, 0, 10, false, bytes));
	place = c.place;
	place.home += 77;
	CHECK_INT(ERR_NOTFOUND, blob_get(bs, c.id, &place, 0, 10, false, bytes));
	bs->ops->free(bs);
}

struct walked {
	const struct kit_chunk *c;
	size_t count;
	bool wrong;
	int stop;
};

static int
walk_one(void *arg, const uint8_t id[32], const struct blob_place *place)
{
	struct walked *w = arg;
	const struct kit_chunk *c = &w->c[w->count++];

	if (memcmp(id, c->id, 32) || memcmp(place, &c->place, sizeof(*place)))
		w->wrong = true;
	return w->stop;
}

static void
test_homes_walk_and_drop(void)
{
	struct blob_store *bs = store();
	struct blob_home h[4];
	struct kit_chunk c[50], next;
	struct walked w = { .c = c };

	CHECK_INT(0, blob_homes(bs, h, 4));
	for (unsigned i = 0; i < 50; i++)
		CHECK_INT(0, kit_put(bs, 2, i, i % 2, 10 + i * 3000, &c[i]));
	CHECK_INT(0, blob_sync(bs, 2));
	CHECK_INT(1, blob_homes(bs, h, 4));
	CHECK_INT(c[0].place.home, h[0].home);
	CHECK(h[0].tail > c[49].place.offset && !h[0].sealed);
	CHECK_INT(0, blob_homes(bs, h, 4));
	CHECK_INT(0, blob_walk(bs, h[0].home, walk_one, &w));
	CHECK(w.count == 50 && !w.wrong);
	CHECK_INT(ERR_BUSY, blob_drop(bs, h[0].home));

	CHECK_INT(0, blob_roll(bs, 2, 1u << 30));	/* has less */
	CHECK_INT(0, blob_homes(bs, h, 4));
	CHECK_INT(0, blob_roll(bs, 2, 1000));
	CHECK_INT(1, blob_homes(bs, h, 4));
	CHECK(h[0].sealed && h[0].home == c[0].place.home);
	w.count = 0;
	CHECK_INT(0, blob_walk(bs, h[0].home, walk_one, &w));
	CHECK(w.count == 50 && !w.wrong);
	w = (struct walked){ .c = c, .stop = ERR_NOTFOUND };
	CHECK_INT(ERR_NOTFOUND, blob_walk(bs, h[0].home, walk_one, &w));
	CHECK_INT(1, w.count);
	CHECK_INT(0, kit_put(bs, 2, 99, false, 5, &next));
	CHECK(next.place.home != c[0].place.home);

	CHECK_INT(0, blob_drop(bs, c[0].place.home));
	CHECK_INT(ERR_NOTFOUND, kit_get(bs, &c[0]));
	CHECK_INT(ERR_NOTFOUND, blob_drop(bs, c[0].place.home));
	CHECK_INT(ERR_NOTFOUND, blob_walk(bs, c[0].place.home, walk_one, &w));
	CHECK_INT(0, kit_get(bs, &next));
	bs->ops->free(bs);
}

static void
test_space(void)
{
	struct blob_store *bs = store();
	uint64_t available = 0, total = 0;
	bool low = true;

	CHECK_INT(0, blob_space(bs, &available, &total, &low));
	CHECK(available > 0 && total >= available && !low);
	bs->ops->free(bs);
}

#define THREADS 6
#define EACH 150

struct worker {
	struct blob_store *bs;
	unsigned number;
	int rc;
	struct kit_chunk c[EACH];
};

static void *
work(void *arg)
{
	struct worker *w = arg;
	unsigned lane = w->number % 3, seed;

	for (unsigned i = 0; w->rc == 0 && i < EACH; i++) {
		seed = w->number * 1000 + i;
		w->rc = kit_put(w->bs, lane, seed, seed % 2, 1 + seed * 7919u % 90000u, &w->c[i]);
		if (w->rc == 0 && i % 10 == 0)
			w->rc = blob_sync(w->bs, lane);
		if (w->rc == 0)
			w->rc = kit_get(w->bs, &w->c[i / 2]);
	}
	return NULL;
}

static void
test_threads(void)
{
	static struct worker w[THREADS];
	struct blob_store *bs = store();
	struct blob_home h[64];
	pthread_t t[THREADS];

	for (unsigned i = 0; i < THREADS; i++) {
		w[i] = (struct worker){ .bs = bs, .number = i };
		CHECK_INT(0, pthread_create(&t[i], NULL, work, &w[i]));
	}
	for (unsigned i = 0; i < 20; i++)
		blob_homes(bs, h, 64);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	for (unsigned i = 0; i < THREADS; i++) {
		CHECK_INT(0, w[i].rc);
		for (unsigned k = 0; k < EACH; k++)
			CHECK_INT(0, kit_get(bs, &w[i].c[k]));
	}
	bs->ops->free(bs);
}

static double
seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* CPU seconds since `from`, for 64 MiB, as they would be for a GB. */
static double
cpu_per_gb(double from)
{
	return (seconds(CLOCK_PROCESS_CPUTIME_ID) - from) * 1e9 / (64 << 20);
}

/* The figures are for the reader; nothing fails by them. */
static void
test_cost(void)
{
	enum { SMALL = 2000, LARGE = 64 };
	static struct kit_chunk c[SMALL];
	struct blob_store *bs = (segments = true, store());
	struct blob_place place[LARGE];
	uint8_t *bytes = malloc(1u << 20), id[32] = { 9 };
	double wall, cpu;

	kit_fill(1, false, bytes, 1u << 20);
	wall = seconds(CLOCK_MONOTONIC);
	for (unsigned i = 0; i < SMALL; i++)
		CHECK_INT(0, blob_put(bs, 0, c[i].id, bytes, 4096, &c[i].place));
	printf("# put 4 KiB: %.2f us\n", (seconds(CLOCK_MONOTONIC) - wall) * 1e6 / SMALL);
	wall = seconds(CLOCK_MONOTONIC);
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
	for (unsigned i = 0; i < 200; i++) {
		CHECK_INT(0, blob_put(bs, 0, c[i].id, bytes, 4096, &place[0]));
		CHECK_INT(0, blob_sync(bs, 0));
	}
	printf("# put and sync 4 KiB: %.0f us, CPU %.0f us\n", (seconds(CLOCK_MONOTONIC) - wall) * 1e6 / 200,
	    (seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu) * 1e6 / 200);
	for (unsigned k = 0; k < 2; k++) {
		wall = seconds(CLOCK_MONOTONIC);
		for (unsigned i = 0; i < SMALL; i++)
			CHECK_INT(0, blob_get(bs, c[i].id, &c[i].place, 0, 4096, false, bytes));
	}
	printf("# get 4 KiB: %.2f us\n", (seconds(CLOCK_MONOTONIC) - wall) * 1e6 / SMALL);
	kit_fill(1, false, bytes, 1u << 20);
	wall = seconds(CLOCK_MONOTONIC);
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
	for (unsigned i = 0; i < LARGE; i++)
		CHECK_INT(0, blob_put(bs, 1, id, bytes, 1u << 20, &place[i]));
	printf("# put 64 MiB in chunks of 1 MiB: %.2f CPU-s a GB", cpu_per_gb(cpu));
	CHECK_INT(0, blob_sync(bs, 1));
	wall = seconds(CLOCK_MONOTONIC) - wall;
	printf(", with sync %.2f CPU-s, %.2f s a GB\n", cpu_per_gb(cpu),
	    wall * 1e9 / (64 << 20));
	for (unsigned step = 65536; step <= 1u << 20; step <<= 4) {
		cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
		for (unsigned i = 0; i < LARGE; i++)
			for (unsigned from = 0; from < 1u << 20; from += step)
				CHECK_INT(0, blob_get(bs, id, &place[i], from, step, false, bytes + from));
		printf("# get 64 MiB in pieces of %u KiB: %.3f CPU-s a GB\n", step >> 10,
		    cpu_per_gb(cpu));
	}
	free(bytes);
	bs->ops->free(bs);
}

#define BOTH(f) \
	static void f##_mem(void) { segments = false; f(); } \
	static void f##_seg(void) { segments = true; f(); }

BOTH(test_round_trip)
BOTH(test_ranges)
BOTH(test_refused)
BOTH(test_homes_walk_and_drop)
BOTH(test_space)
BOTH(test_threads)

static const struct test tests[] = {
	TEST(test_round_trip_mem), TEST(test_round_trip_seg),
	TEST(test_ranges_mem), TEST(test_ranges_seg),
	TEST(test_refused_mem), TEST(test_refused_seg),
	TEST(test_homes_walk_and_drop_mem), TEST(test_homes_walk_and_drop_seg),
	TEST(test_space_mem), TEST(test_space_seg),
	TEST(test_threads_mem), TEST(test_threads_seg),
	TEST(test_cost), TEST_END
};
TEST_MAIN_QUIET(tests)
