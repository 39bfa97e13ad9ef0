#include <stdint.h>

#include "misses.h"
#include "test.h"

/* Who guesses names of users has so many misses at once, and one more every so often. */

static void
test_misses_are_limited(void)
{
	struct misses *m = NULL;
	int64_t now = 1000000000;

	CHECK_INT(0, misses_new(&m));
	for (int i = 0; i < MISSES_AT_ONCE; i++) {
		CHECK_INT(0, misses_wait(m, 7, now));
		misses_add(m, 7, now);
	}
	CHECK_INT(MISSES_EVERY_US, misses_wait(m, 7, now));
	CHECK_INT(0, misses_wait(m, 8, now));
	CHECK_INT(1, misses_wait(m, 7, now + MISSES_EVERY_US - 1));
	CHECK_INT(0, misses_wait(m, 7, now + MISSES_EVERY_US));
	misses_add(m, 7, now + MISSES_EVERY_US);
	CHECK_INT(MISSES_EVERY_US, misses_wait(m, 7, now + MISSES_EVERY_US));
	/* long after, all are forgiven, and no more than all */
	now += 1000 * MISSES_EVERY_US;
	for (int i = 0; i < MISSES_AT_ONCE; i++) {
		CHECK_INT(0, misses_wait(m, 7, now));
		misses_add(m, 7, now);
	}
	CHECK_INT(MISSES_EVERY_US, misses_wait(m, 7, now));
	misses_free(m);
}

static const struct test tests[] = { TEST(test_misses_are_limited), TEST_END };
TEST_MAIN(tests)
