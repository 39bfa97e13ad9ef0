#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "object_kit.h"
#include "upload.h"

/* A wall clock that the test sets: this takes the place of the C library's in the program. */
static int64_t ahead_s;

int
clock_gettime(clockid_t which, struct timespec *ts)
{
	long rc = syscall(SYS_clock_gettime, which, ts);

	if (which == CLOCK_REALTIME)
		ts->tv_sec += ahead_s;
	return (int)rc;
}

#define DAY 86400ll

static int
reopen(int64_t ahead)
{
	obj_close();
	ahead_s = ahead;
	return kit_reopen(&store);
}

/* A version that history keeps for a day, and an upload that is open for seven. */
static int
start(void)
{
	struct buf headers = BUF_INIT(64);
	int64_t id;
	int rc;

	ahead_s = 0;
	if ((rc = obj_open(DAY * 1000, 0)) == 0 && (rc = obj_put("k", "one", NULL)) == 0 &&
	    (rc = obj_put("k", "two", NULL)) == 0)
		rc = upload_create(store, &(struct upload_create) { .workspace = space.id, .key = SLICE("u"),
		    .headers = &headers, .actor = { 1, 0 } }, &id);
	buf_release(&headers);
	return rc;
}

static int
gc(int64_t *versions, int64_t *uploads)
{
	struct gc_report report;
	int rc = gc_run(store, false, -1, NULL, NULL, &report);

	*versions = report.versions_expired;
	*uploads = report.uploads_expired;
	return rc;
}

static void
test_some_days_are_believed(void)
{
	int64_t versions, uploads;

	CHECK_INT(0, start());
	CHECK_INT(0, reopen(0));
	CHECK_INT(0, gc(&versions, &uploads));
	CHECK(versions == 0 && uploads == 0);
	CHECK_INT(0, reopen(6 * DAY));
	CHECK_INT(0, gc(&versions, &uploads));
	CHECK(versions == 1 && uploads == 0);
	obj_close();
}

static void
test_a_leap_waits_for_a_day(void)
{
	int64_t versions, uploads;

	CHECK_INT(0, start());
	CHECK_INT(0, reopen(400 * DAY));
	CHECK_INT(0, gc(&versions, &uploads));
	CHECK(versions == 0 && uploads == 0);
	/* Set right while it runs, as by NTP. */
	ahead_s = 0;
	CHECK_INT(0, gc(&versions, &uploads));
	CHECK(versions == 0 && uploads == 0);
	ahead_s = 400 * DAY;
	store->opened_us -= (DAY - 60) * 1000000;
	CHECK_INT(0, gc(&versions, &uploads));
	CHECK(versions == 0 && uploads == 0);
	store->opened_us -= 120 * 1000000;
	CHECK_INT(0, gc(&versions, &uploads));
	CHECK(versions == 1 && uploads == 1);
	obj_close();
}

/* Behind the records nothing is over yet. */
static void
test_a_clock_that_is_behind(void)
{
	int64_t versions, uploads;

	CHECK_INT(0, start());
	CHECK_INT(0, reopen(-400 * DAY));
	CHECK_INT(0, gc(&versions, &uploads));
	CHECK(versions == 0 && uploads == 0);
	obj_close();
}

static const struct test tests[] = { TEST(test_some_days_are_believed), TEST(test_a_leap_waits_for_a_day),
	TEST(test_a_clock_that_is_behind), TEST_END };
TEST_MAIN(tests)
