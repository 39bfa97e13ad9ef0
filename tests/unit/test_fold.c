#include "fold.h"
#include "test.h"

static uint64_t
number(const char *name)
{
	uint64_t n = 0;

	if (fold_name(name, strlen(name), &n) != 0)
		abort();
	return n;
}

static void
test_case_and_form(void)
{
	static const char *const same[][2] = {
		{ "README", "readme" },
		{ "Stra\xc3\x9f""e", "STRASSE" },			/* ß folds to ss */
		{ "\xc3\x84pfel", "\xc3\xa4PFEL" },
		{ "caf\xc3\xa9", "cafe\xcc\x81" },			/* NFC and NFD */
		{ "CAFE\xcc\x81", "caf\xc3\xa9" },
		{ "\xe2\x84\xaa""elvin", "kelvin" },			/* KELVIN SIGN: folds to ASCII */
		{ "\xce\xa3\xce\x91\xce\xa3", "\xcf\x83\xce\xb1\xcf\x82" },	/* the final sigma too */
	};
	static const char *const other[][2] = {
		{ "a", "b" },
		{ "", "a" },
		{ "a", "\xc3\xa4" },
		{ "a ", "a" },
		{ "\xc4\xb1", "i" },					/* dotless i */
	};

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		CHECK(number(same[i][0]) == number(same[i][1]));
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		CHECK(number(other[i][0]) != number(other[i][1]));
}

static void
test_long_names_and_bad_bytes(void)
{
	char a[4001], b[4001];

	for (int i = 0; i < 2000; i++) {
		memcpy(a + 2 * i, "\xc3\x84", 2);
		memcpy(b + 2 * i, "\xc3\xa4", 2);
	}
	a[4000] = b[4000] = '\0';
	CHECK(number(a) == number(b));
	CHECK(number("\xff\xfe") == number("\xff\xfe"));
	CHECK(number("\xff\xfe") != number("\xff\xfd"));
}

static const struct test tests[] = { TEST(test_case_and_form), TEST(test_long_names_and_bad_bytes), TEST_END };
TEST_MAIN(tests)
