#include "clock.h"
#include "err.h"
#include "ingest.h"
#include "store_in.h"
#include "test.h"

/* Who runs, for GC: places are used again, never two at once, and the oldest is the oldest whichever place it has. */
static struct store store;

static int64_t
oldest(void)
{
	int64_t mono, wall;

	ingest_oldest(&store, &mono, &wall);
	return mono;
}

/* A new holder, later by the clock than all before. */
static uint64_t
hold(int64_t *began)
{
	uint64_t ticket = UINT64_MAX;
	int64_t before = clock_mono_us();

	while ((*began = clock_mono_us()) == before)
		;
	return ingest_hold(&store, &ticket) == 0 ? ticket : UINT64_MAX;
}

static void
test_places_are_used_again(void)
{
	uint64_t t[600], again[200], most = 0;
	bool taken[1024] = { false };
	int64_t began;

	CHECK_INT(0, ingest_registry_new(&store.ingests));
	for (unsigned i = 0; i < 600; i++) {
		t[i] = hold(&began);
		CHECK(t[i] < 1024 && !taken[t[i]]);
		taken[t[i]] = true;
		most = t[i] > most ? t[i] : most;
	}
	/* Given back in no order, and taken: exactly those places, each once. */
	for (unsigned i = 0; i < 200; i++) {
		ingest_unhold(&store, t[i * 7 % 600]);
		taken[t[i * 7 % 600]] = false;
	}
	for (unsigned i = 0; i < 200; i++) {
		again[i] = hold(&began);
		CHECK(again[i] <= most && !taken[again[i]]);
		taken[again[i]] = true;
	}
	for (unsigned i = 0; i < 1024; i++)
		if (taken[i])
			ingest_unhold(&store, i);
	CHECK_INT(INT64_MAX, oldest());
	/* Many one after the other need one place. */
	for (unsigned i = 0; i < 2000; i++) {
		t[0] = hold(&began);
		CHECK(t[0] <= most);
		ingest_unhold(&store, t[0]);
	}
	CHECK_INT(INT64_MAX, oldest());
	ingest_registry_free(store.ingests);
}

static void
test_the_oldest_whatever_its_place(void)
{
	int64_t began[4];
	uint64_t t[4];

	CHECK_INT(0, ingest_registry_new(&store.ingests));
	for (unsigned i = 0; i < 3; i++)
		t[i] = hold(&began[i]);
	CHECK(oldest() >= began[0] && oldest() < began[1]);
	ingest_unhold(&store, t[0]);
	CHECK(oldest() >= began[1] && oldest() < began[2]);
	/* The youngest in the place that the oldest had; its time is its own. */
	t[3] = hold(&began[3]);
	CHECK_INT(t[0], t[3]);
	CHECK(oldest() >= began[1] && oldest() < began[2]);
	ingest_unhold(&store, t[1]);
	ingest_unhold(&store, t[2]);
	CHECK(oldest() >= began[3]);
	ingest_unhold(&store, t[3]);
	CHECK_INT(INT64_MAX, oldest());
	ingest_registry_free(store.ingests);
}

/* The table grows while places are held: all of them stay known. */
static void
test_growing_keeps_who_runs(void)
{
	int64_t first, began;
	uint64_t t[300];

	CHECK_INT(0, ingest_registry_new(&store.ingests));
	t[0] = hold(&first);
	for (unsigned i = 1; i < 300; i++)
		t[i] = hold(&began);
	CHECK(oldest() >= first && oldest() < began);
	for (unsigned i = 0; i < 299; i++)
		ingest_unhold(&store, t[i]);
	CHECK(oldest() >= began && oldest() != INT64_MAX);
	ingest_unhold(&store, t[299]);
	CHECK_INT(INT64_MAX, oldest());
	ingest_registry_free(store.ingests);
}

static const struct test tests[] = { TEST(test_places_are_used_again), TEST(test_the_oldest_whatever_its_place),
	TEST(test_growing_keeps_who_runs), TEST_END };
TEST_MAIN(tests)
