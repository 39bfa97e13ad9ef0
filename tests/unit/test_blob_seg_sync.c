#include <pthread.h>

#include "seg_kit.h"

/* The order of durability: what a sync flushes, what it waits for, and what ends when a flush fails. */

static void
test_order_of_flushes(void)
{
	struct blob_store *bs = open_with(kit_dir(), NULL, 0);
	struct blob_home h[2];
	struct kit_chunk c;

	reset_faults();
	CHECK_INT(0, kit_put(bs, 0, 1, false, 4096, &c));
	CHECK_STR("", calls);
	CHECK_INT(0, blob_homes(bs, h, 2));	/* nothing is durable */
	CHECK_INT(0, blob_sync(bs, 0));
	CHECK_STR("fd", calls);			/* file, then folder */
	CHECK_INT(1, blob_homes(bs, h, 2));
	CHECK_INT(end_of(&c), h[0].tail);
	CHECK_INT(0, blob_sync(bs, 0));
	CHECK_STR("fd", calls);			/* nothing to do */
	CHECK_INT(0, kit_put(bs, 0, 2, false, 4096, &c));
	CHECK_INT(0, blob_sync(bs, 0));
	CHECK_STR("fdD", calls);
	CHECK_INT(0, blob_roll(bs, 0, 0));
	CHECK_STR("fdDf", calls);
	bs->ops->free(bs);
}

static void
test_flush_failure_closes(void)
{
	struct blob_store *bs = open_with(kit_dir(), NULL, 0);
	struct kit_chunk c, d;

	reset_faults();
	CHECK_INT(0, kit_put(bs, 0, 1, false, 4096, &c));
	CHECK_INT(0, kit_put(bs, 1, 2, false, 4096, &d));
	fail_flush = 1;
	CHECK_INT(ERR_IO, blob_sync(bs, 0));
	fail_flush = 0;
	CHECK_INT(ERR_CLOSED, blob_sync(bs, 0));
	CHECK_INT(ERR_CLOSED, blob_sync(bs, 1));
	CHECK_INT(ERR_CLOSED, kit_put(bs, 1, 3, false, 100, &d));
	CHECK(blob_roll(bs, 0, 0) != 0);
	CHECK_INT(0, kit_get(bs, &c));
	bs->ops->free(bs);
}

struct actor {
	struct blob_store *bs;
	struct kit_chunk c;
	unsigned seed;
	uint32_t len;
	bool sync;
	int rc;
	_Atomic int put, done;
};

static void *
act(void *arg)
{
	struct actor *a = arg;

	if (a->len)
		a->rc = kit_put(a->bs, 0, a->seed, false, a->len, &a->c);
	a->put = 1;
	if (a->rc == 0 && a->sync)
		a->rc = blob_sync(a->bs, 0);
	a->done = 1;
	return NULL;
}

/* For a minute at most. */
static void
wait_for(const _Atomic int *what)
{
	for (unsigned i = 0; i < 60000 && !*what; i++)
		nap(1000);
}

/* A sync waits for a put that was given an earlier place and is still writing: a durable tail has no hole. */
static void
test_sync_waits_for_holes(void)
{
	struct blob_store *bs = open_with(kit_dir(), NULL, 0);
	struct actor slow = { .bs = bs, .seed = 1, .len = 5000 }, syncer = { .bs = bs, .sync = true };
	struct kit_chunk c;
	pthread_t a, b;

	reset_faults();
	gate = 5000;
	CHECK_INT(0, pthread_create(&a, NULL, act, &slow));
	wait_for(&at_gate);
	CHECK_INT(1, at_gate);
	CHECK_INT(0, kit_put(bs, 0, 2, false, 100, &c));
	CHECK_INT(0, pthread_create(&b, NULL, act, &syncer));
	nap(50000);
	CHECK_INT(0, syncer.done);
	CHECK_INT(0, flushes);
	gate = 0;
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	CHECK(slow.rc == 0 && syncer.rc == 0 && flushes == 2);
	bs->ops->free(bs);
}

/* And it does not wait for one that was given a later place. */
static void
test_sync_passes_later_puts(void)
{
	struct blob_store *bs = open_with(kit_dir(), NULL, 0);
	struct actor slow = { .bs = bs, .seed = 1, .len = 5000 };
	struct blob_home h[1];
	struct kit_chunk c;
	pthread_t a;

	reset_faults();
	CHECK_INT(0, kit_put(bs, 0, 2, false, 100, &c));
	gate = 5000;
	CHECK_INT(0, pthread_create(&a, NULL, act, &slow));
	wait_for(&at_gate);
	CHECK_INT(1, at_gate);
	CHECK_INT(0, blob_sync(bs, 0));
	CHECK_INT(0, slow.done);
	CHECK_INT(1, blob_homes(bs, h, 1));
	CHECK_INT(end_of(&c), h[0].tail);
	gate = 0;
	pthread_join(a, NULL);
	bs->ops->free(bs);
}

/* Some flush of what is there when they begin, another one does for all who have put by then. */
static void
test_syncs_coalesce(void)
{
	enum { N = 16 };
	static struct actor a[N];
	struct blob_store *bs = open_with(kit_dir(), NULL, 0);
	struct kit_chunk c;
	pthread_t t[N];

	CHECK_INT(0, kit_put(bs, 0, 99, false, 100, &c));
	CHECK_INT(0, blob_sync(bs, 0));
	reset_faults();
	hold_flush = 1;
	for (unsigned i = 0; i < N; i++) {
		a[i] = (struct actor){ .bs = bs, .seed = i, .len = 100, .sync = true };
		CHECK_INT(0, pthread_create(&t[i], NULL, act, &a[i]));
	}
	for (unsigned i = 0; i < N; i++)
		wait_for(&a[i].put);
	hold_flush = 0;
	for (unsigned i = 0; i < N; i++) {
		pthread_join(t[i], NULL);
		CHECK_INT(0, a[i].rc);
	}
	CHECK(flushes <= 2);
	bs->ops->free(bs);
}

static void
test_rolled_lanes(void)
{
	enum { N = 200 };
	static struct kit_chunk c[N];
	struct blob_home h[64];
	struct blob_store *bs;
	size_t n, sealed = 0;
	unsigned records = 0;
	int dirfd = kit_dir();

	segment_size = 1u << 20;
	bs = open_with(dirfd, NULL, 0);
	put_many(bs, 1, N, 30000, c);
	CHECK_INT(0, blob_sync(bs, 1));
	n = blob_homes(bs, h, 64);
	CHECK(n >= 6);
	for (size_t i = 0; i < n; i++) {
		sealed += h[i].sealed;
		records += kit_walked(bs, h[i].home);
		if (h[i].sealed)
			CHECK(kit_size(dirfd, h[i].home) > (long long)h[i].tail &&
			    kit_size(dirfd, h[i].home) < (1 << 20) + 4096);
	}
	CHECK_INT(n - 1, sealed);
	CHECK_INT(N, records);
	for (unsigned i = 0; i < N; i++)
		CHECK_INT(0, kit_get(bs, &c[i]));
	bs->ops->free(bs);
	segment_size = 0;
}

/* Tiny records fill a segment by their number. */
static void
test_many_records(void)
{
	struct blob_store *bs = open_with(kit_dir(), NULL, 0);
	struct kit_chunk c, first;
	struct blob_home h[4];
	unsigned n = 0;

	CHECK_INT(0, kit_put(bs, 0, 1, false, 1, &first));
	for (c = first; c.place.home == first.place.home && n < 140000; n++)
		CHECK_INT(0, blob_put(bs, 0, first.id, "x", 1, &c.place));
	CHECK_INT(131072, n);
	CHECK_INT(1, blob_homes(bs, h, 4));
	CHECK(h[0].sealed && h[0].home == first.place.home);
	CHECK_INT(131072, kit_walked(bs, first.place.home));
	bs->ops->free(bs);
}

static const struct test tests[] = {
	TEST(test_order_of_flushes), TEST(test_flush_failure_closes),
	TEST(test_sync_waits_for_holes), TEST(test_sync_passes_later_puts),
	TEST(test_syncs_coalesce), TEST(test_rolled_lanes), TEST(test_many_records), TEST_END
};
TEST_MAIN_QUIET(tests)
