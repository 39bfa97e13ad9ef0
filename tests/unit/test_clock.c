#include <stdint.h>
#include <time.h>

#include "clock.h"
#include "err.h"
#include "test.h"

#define AT 1795355535123456ll	/* 2026-11-22T13:52:15.123456Z */

static void
test_forms(void)
{
	char text[CLOCK_TEXT];

	clock_iso(AT, text);
	CHECK_STR("2026-11-22T13:52:15.123Z", text);
	clock_rfc3339(AT, text);
	CHECK_STR("2026-11-22T13:52:15.123456Z", text);
	clock_http(AT, text);
	CHECK_STR("Sun, 22 Nov 2026 13:52:15 GMT", text);
	clock_amz(AT, text);
	CHECK_STR("20261122T135215Z", text);
	clock_rfc3339(-1, text);
	CHECK_STR("1969-12-31T23:59:59.999999Z", text);
	clock_rfc3339(INT64_MAX, text);
	CHECK_STR("9999-12-31T23:59:59.999999Z", text);
	clock_rfc3339(INT64_MIN, text);
	CHECK_STR("0000-01-01T00:00:00.000000Z", text);
}

/* Against the C library, over every day from 1600 to 2500 and at odd times of it. */
static void
test_as_the_c_library(void)
{
	char ours[CLOCK_TEXT], theirs[CLOCK_TEXT];
	int64_t back;
	struct tm tm;

	for (int64_t day = -135140; day < 193600; day++) {
		time_t t = (time_t)(day * 86400 + (day * 7919 % 86400 + 86400) % 86400);

		gmtime_r(&t, &tm);
		strftime(theirs, sizeof(theirs), "%a, %d %b %Y %H:%M:%S GMT", &tm);
		clock_http((int64_t)t * 1000000, ours);
		CHECK_STR(theirs, ours);
		CHECK_INT(0, clock_parse_http(ours, &back));
		CHECK_INT((int64_t)t * 1000000, back);
		strftime(theirs, sizeof(theirs), "%Y-%m-%dT%H:%M:%S.654321Z", &tm);
		clock_rfc3339((int64_t)t * 1000000 + 654321, ours);
		CHECK_STR(theirs, ours);
		clock_rfc3339((int64_t)t * 1000000 + 654321, ours);	/* of the day that it remembers */
		CHECK_STR(theirs, ours);
	}
}

static void
test_parses_its_own(void)
{
	char text[CLOCK_TEXT];
	int64_t us;

	clock_rfc3339(AT, text);
	CHECK_INT(0, clock_parse_rfc3339(text, &us));
	CHECK_INT(AT, us);
	clock_iso(AT, text);
	CHECK_INT(0, clock_parse_rfc3339(text, &us));
	CHECK_INT(AT / 1000 * 1000, us);
	clock_amz(AT, text);
	CHECK_INT(0, clock_parse_amz(text, &us));
	CHECK_INT(AT / 1000000 * 1000000, us);
}

static void
test_http_forms(void)
{
	const int64_t want = 784111777000000ll;	/* the example of RFC 9110, 5.6.7 */
	char text[64];
	struct tm tm;
	time_t now = time(NULL);
	int64_t us;

	CHECK(!clock_parse_http("Sun, 06 Nov 1994 08:49:37 GMT", &us) && us == want);
	CHECK(!clock_parse_http("Sunday, 06-Nov-94 08:49:37 GMT", &us) && us == want);
	CHECK(!clock_parse_http("Sun Nov  6 08:49:37 1994", &us) && us == want);
	CHECK(!clock_parse_http("Sun, 06 Nov 1994 08:49:37 UTC", &us) && us == want);
	CHECK(!clock_parse_http("Sun, 06 Nov 1994 10:49:37 +0200", &us) && us == want);
	CHECK(!clock_parse_http("Sun, 06 Nov 1994 03:19:37 -0530", &us) && us == want);
	CHECK(!clock_parse_http("Sun Nov 16 08:49:37 1994", &us) && us == want + 10 * 86400000000ll);
	/* A two-digit year is at most 50 years ahead. */
	gmtime_r(&now, &tm);
	snprintf(text, sizeof(text), "Monday, 01-Jan-%02d 00:00:00 GMT", (tm.tm_year + 51) % 100);
	CHECK(!clock_parse_http(text, &us) && us < (int64_t)now * 1000000);
	snprintf(text, sizeof(text), "Monday, 01-Jan-%02d 00:00:00 GMT", (tm.tm_year + 2) % 100);
	CHECK(!clock_parse_http(text, &us) && us > (int64_t)now * 1000000);
}

static void
test_http_refused(void)
{
	static const char *const bad[] = {
		"", "Sun", "Sun,", "Sun, ", "Sunday", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 GMT ",
		"Sun, 06 Nov 1994 08:49:37 CET", "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 31 Nov 1994 08:49:37 GMT",
		"Sun, 29 Feb 1900 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
		"Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 06 nov 1994 08:49:37 GMT", "Xyz, 06 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 08:49:37 +2400", "Sun, 06 Nov 1994 08:49:37 +02:00", "06 Nov 1994 08:49:37 GMT",
		"Sunday, 06-Nov-1994 08:49:37 GMT", "Sun, 06-Nov-94 08:49:37 GMT", "Sun Nov 6 08:49:37 1994",
		"Sun Nov  6 08:49:37 1994 GMT", "Sun, 00 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z",
	};
	int64_t us = 5;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (!clock_parse_http(bad[i], &us))
			fprintf(stderr, "# accepted \"%s\"\n", bad[i]);
		CHECK_INT(5, us);
	}
}

static void
test_rfc3339(void)
{
	static const char *const bad[] = {
		"", "2026-11-22", "2026-11-22T13:52:15", "2026-11-22T13:52:15.Z", "2026-11-22T13:52Z",
		"2026-11-22 13:52:15Z", "2026-13-22T13:52:15Z", "2026-02-29T13:52:15Z", "2026-11-22T13:52:15Zx",
		"2026-11-22T13:52:15+0100", "2026-11-22T13:52:15+24:00", "2026-11-22T13:52:15+01:60",
		"2026-11-22T13:52:15,5Z", "-026-11-22T13:52:15Z", "2026-00-22T13:52:15Z",
	};
	int64_t us = 0, same = AT / 1000000 * 1000000;

	CHECK(!clock_parse_rfc3339("2026-11-22t13:52:15z", &us) && us == same);
	CHECK(!clock_parse_rfc3339("2026-11-22T15:22:15+01:30", &us) && us == same);
	CHECK(!clock_parse_rfc3339("2026-11-22T05:52:15.5-08:00", &us) && us == same + 500000);
	CHECK(!clock_parse_rfc3339("2026-11-22T13:52:15.123456999Z", &us) && us == AT);
	CHECK(!clock_parse_rfc3339("2024-02-29T23:59:60Z", &us) && us == 1709251200000000);
	us = 5;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK_INT(ERR_INVALID, clock_parse_rfc3339(bad[i], &us));
		CHECK_INT(5, us);
	}
}

static void
test_amz_refused(void)
{
	static const char *const bad[] = {
		"", "20261122T135215", "20261122T135215z", "20261122135215Z", "20261122T135215Z ", "20261122T1352Z",
		"20261322T135215Z", "20261122T255215Z", "2026-11-22T13:52:15Z", "20260229T135215Z",
	};
	int64_t us;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_INT(ERR_INVALID, clock_parse_amz(bad[i], &us));
}

static void
test_clocks_run(void)
{
	int64_t a = clock_mono_us(), b = clock_mono_us(), from = time(NULL), wall = clock_wall_us() / 1000000;

	CHECK(b >= a);
	CHECK(wall >= from - 1 && wall <= time(NULL) + 1);
}

static const struct test tests[] = {
	TEST(test_forms), TEST(test_as_the_c_library), TEST(test_parses_its_own), TEST(test_http_forms),
	TEST(test_http_refused), TEST(test_rfc3339), TEST(test_amz_refused), TEST(test_clocks_run), TEST_END,
};
TEST_MAIN(tests)
