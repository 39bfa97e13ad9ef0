/* test-timeout: 300, since it goes on for up to 120 s twice where a machine is busy. */
#include <pthread.h>
#include <stdatomic.h>

#include "check.h"
#include "clock.h"
#include "gc_kit.h"

/* Garbage collection, pass upon pass, beside writers that put, copy, delete and verify. */

#define WRITERS 3
#define SLOTS 6
#define CONTENTS 9
#define HARD_US 4000000
#define HARD_MOST_US 120000000

struct writer {
	pthread_t thread;
	unsigned number;
	int content[SLOTS];	/* -1: nothing */
	unsigned seed;
	long steps;
	int rc;
};

static _Atomic bool ended;

static unsigned
roll(struct writer *w, unsigned n)
{
	w->seed = w->seed * 1103515245 + 12345;
	return (w->seed >> 16) % n;
}

static void
key_of(const struct writer *w, unsigned slot, char key[32])
{
	snprintf(key, 32, "w%u/%u", w->number, slot);
}

static int
step(struct writer *w)
{
	unsigned slot = roll(w, SLOTS), other = roll(w, SLOTS), content = roll(w, CONTENTS);
	char key[32], from[32];
	int rc = 0;

	key_of(w, slot, key);
	key_of(w, other, from);
	switch (roll(w, 5)) {
	case 0:
	case 1:
		if ((rc = put(key, content)) == 0)
			w->content[slot] = (int)content;
		break;
	case 2:
		if ((rc = obj_delete(key, 0, NULL)) == 0)
			w->content[slot] = -1;
		break;
	case 3:
		if (w->content[other] >= 0 && slot != other && (rc = copy(from, key)) == 0)
			w->content[slot] = w->content[other];
		break;
	default:
		if (w->content[slot] >= 0)
			rc = verify(key, (unsigned)w->content[slot]);
	}
	if (rc)
		fprintf(stderr, "# %s after %ld steps: %s\n", key, w->steps, err_text(rc));
	return rc;
}

static void *
writer_main(void *arg)
{
	struct writer *w = arg;

	for (; w->rc == 0 && !ended; w->steps++)
		w->rc = step(w);
	return NULL;
}

static int
verify_writer(const struct writer *w)
{
	char key[32];
	int rc = 0;

	for (unsigned s = 0; rc == 0 && s < SLOTS; s++) {
		key_of(w, s, key);
		if (w->content[s] >= 0)
			rc = verify(key, (unsigned)w->content[s]);
	}
	return rc;
}

static void
say(void *arg, const char *text)
{
	(void)arg;
	fprintf(stderr, "# check: %s\n", text);
}

static void
tries_hard(void)
{
	struct writer writers[WRITERS] = { 0 };
	struct gc_report report, sum = { 0 };
	struct check_report checked;
	int64_t began;
	int passes = 0, rc = 0;

	CHECK_INT(0, start(0));
	ended = false;
	for (unsigned i = 0; i < WRITERS; i++) {
		writers[i].number = i;
		writers[i].seed = i * 7 + 1;
		memset(writers[i].content, -1, sizeof(writers[i].content));
		CHECK_INT(0, pthread_create(&writers[i].thread, NULL, writer_main, &writers[i]));
	}
	/* Until enough happened, on a machine that is busy too. */
	for (began = clock_mono_us(); rc == 0 && clock_mono_us() - began < HARD_MOST_US; passes++) {
		if (clock_mono_us() - began > HARD_US && sum.chunks_freed > 20 && sum.segments_dropped > 0)
			break;
		rc = gc(&report);
		sum.chunks_freed += report.chunks_freed;
		sum.segments_rewritten += report.segments_rewritten;
		sum.segments_dropped += report.segments_dropped;
	}
	ended = true;
	for (unsigned i = 0; i < WRITERS; i++)
		pthread_join(writers[i].thread, NULL);
	printf("# %ld steps, %d passes: %lld chunks freed, %lld segments rewritten, %lld dropped\n",
	    writers[0].steps + writers[1].steps + writers[2].steps, passes, (long long)sum.chunks_freed,
	    (long long)sum.segments_rewritten, (long long)sum.segments_dropped);
	CHECK_INT(0, rc);
	for (unsigned i = 0; i < WRITERS; i++) {
		CHECK_INT(0, writers[i].rc);
		CHECK_INT(0, verify_writer(&writers[i]));
	}
	CHECK(sum.chunks_freed > 20 && sum.segments_dropped > 0);
	CHECK_INT(0, store_check(store, false, say, NULL, NULL, &checked));
	CHECK_INT(0, checked.problems);
	CHECK(checked.chunks > 0);
	CHECK_INT(0, gc(&report));
	for (unsigned i = 0; i < WRITERS; i++)
		CHECK_INT(0, verify_writer(&writers[i]));
}

OVER_BOTH(tries_hard)

static const struct test tests[] = {
	TEST_OVER_BOTH(tries_hard), TEST_END
};
TEST_MAIN(tests)
