#include "err.h"
#include "range.h"
#include "test.h"

static void
test_range(void)
{
	static const struct {
		const char *text;
		uint64_t size;
		int rc;
		uint64_t from, len;
	} cases[] = {
		{ "bytes=0-9", 100, 0, 0, 10 },
		{ "bytes=0-0", 100, 0, 0, 1 },
		{ "bytes=5-", 100, 0, 5, 95 },
		{ "bytes=-5", 100, 0, 95, 5 },
		{ "bytes=-500", 100, 0, 0, 100 },
		{ "bytes=90-900", 100, 0, 90, 10 },
		{ "Bytes=99-99", 100, 0, 99, 1 },
		{ "bytes=0-99999999999999999999999", 100, 0, 0, 100 },
		{ "bytes=0-18446744073709551615", UINT64_MAX, 0, 0, UINT64_MAX },
		{ "bytes=100-", 100, ERR_RANGE, 0, 0 },
		{ "bytes=99999999999999999999999-", 100, ERR_RANGE, 0, 0 },
		{ "bytes=18446744073709551616-", 100, ERR_RANGE, 0, 0 },
		{ "bytes=-18446744073709551617", 100, 0, 0, 100 },
		{ "bytes=-0", 100, ERR_RANGE, 0, 0 },
		{ "bytes=0-0", 0, ERR_RANGE, 0, 0 },
		{ "bytes=-1", 0, ERR_RANGE, 0, 0 },
		{ "bytes=9-0", 100, ERR_INVALID, 0, 0 },
		{ "bytes=0-1,3-4", 100, ERR_INVALID, 0, 0 },
		{ "bytes=", 100, ERR_INVALID, 0, 0 },
		{ "bytes=-", 100, ERR_INVALID, 0, 0 },
		{ "bytes=a-b", 100, ERR_INVALID, 0, 0 },
		{ "bytes=1-2x", 100, ERR_INVALID, 0, 0 },
		{ "bytes=+1-2", 100, ERR_INVALID, 0, 0 },
		{ "lines=0-9", 100, ERR_INVALID, 0, 0 },
		{ "0-9", 100, ERR_INVALID, 0, 0 },
		{ "", 100, ERR_INVALID, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct range r = { 0 };

		fprintf(stderr, "# %s of %llu\n", cases[i].text, (unsigned long long)cases[i].size);
		CHECK_INT(cases[i].rc, range_parse(cases[i].text, strlen(cases[i].text), cases[i].size, &r));
		CHECK(r.from == cases[i].from && r.len == cases[i].len);
	}
}

static void
test_copy_range(void)
{
	struct range r;

	CHECK_INT(0, range_parse_copy("bytes=0-99", 10, 100, &r));
	CHECK(r.from == 0 && r.len == 100);
	CHECK_INT(ERR_RANGE, range_parse_copy("bytes=0-100", 11, 100, &r));
	CHECK_INT(ERR_INVALID, range_parse_copy("bytes=5-", 8, 100, &r));
	CHECK_INT(ERR_INVALID, range_parse_copy("bytes=-5", 8, 100, &r));
}

static const struct test tests[] = { TEST(test_range), TEST(test_copy_range), TEST_END };
TEST_MAIN(tests)
