#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "str.h"
#include "test.h"

static void
test_slices_and_ends(void)
{
	CHECK(slice_is(SLICE("abc"), "abc"));
	CHECK(!slice_is(SLICE("abc"), "ab") && !slice_is(SLICE("ab"), "abc"));
	CHECK(slice_is((struct slice) { NULL, 0 }, ""));
	CHECK(str_starts("abc", "ab") && str_starts("abc", "") && !str_starts("a", "ab"));
	CHECK(str_ends("abc", "bc") && str_ends("abc", "") && !str_ends("c", "bc"));
	CHECK(bytes_cmp("a", 1, "ab", 2) < 0 && bytes_cmp("ab", 2, "a", 1) > 0);
	CHECK(bytes_cmp("\xff", 1, "a", 1) > 0 && !bytes_cmp(NULL, 0, "", 0));
}

static void
test_hex(void)
{
	uint8_t raw[256], back[256];
	char hex[513];

	for (int i = 0; i < 256; i++)
		raw[i] = (uint8_t)i;
	hex_encode(raw, sizeof(raw), hex);
	CHECK_INT(512, strlen(hex));
	CHECK_MEM("000102", hex, 6);
	CHECK_STR("fdfeff", hex + 506);
	for (int i = 0; i < 256; i++) {
		char want[3];

		snprintf(want, sizeof(want), "%02x", (unsigned)i);
		CHECK_MEM(want, hex + 2 * (size_t)i, 2);
	}
	for (size_t len = 0; len < 9; len++) {
		char some[19] = "..................";

		hex_encode(raw + 100, len, some);
		CHECK_INT(2 * len, strlen(some));
		CHECK_MEM(hex + 200, some, 2 * len);
	}
	CHECK_INT(0, hex_decode(hex, 512, back, 256));
	CHECK_MEM(raw, back, 256);
	CHECK_INT(0, hex_decode("aBFf", 4, back, 2));
	CHECK_MEM("\xab\xff", back, 2);
	CHECK_INT(ERR_INVALID, hex_decode("abf", 3, back, 1));
	CHECK_INT(ERR_INVALID, hex_decode("abff", 4, back, 1));
	CHECK_INT(ERR_INVALID, hex_decode("ab", 2, back, 2));
	CHECK_INT(ERR_INVALID, hex_decode("ag", 2, back, 1));
	CHECK_INT(ERR_INVALID, hex_decode("@1", 2, back, 1));
	CHECK_INT(ERR_INVALID, hex_decode("1\xb1", 2, back, 1));
}

static void
test_base64(void)
{
	/* RFC 4648, 10. */
	static const char *const pairs[][2] = {
		{ "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" }, { "\xfb\xff\xfe", "+//+" },
	};
	char out[32], back[32];
	size_t got;

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		size_t len = strlen(pairs[i][0]);

		base64_encode(pairs[i][0], len, out);
		CHECK_STR(pairs[i][1], out);
		CHECK_INT(BASE64_SIZE(len), strlen(out) + 1);
		CHECK_INT(0, base64_decode(out, strlen(out), back, len, &got));
		CHECK_INT(len, got);
		CHECK_MEM(pairs[i][0], back, len);
	}
	CHECK_INT(ERR_TOOBIG, base64_decode("Zm9v", 4, back, 2, &got));
}

static void
test_base64_is_strict(void)
{
	static const char *const bad[] = {
		"Zg", "Zg=", "Zg===", "Z", "====", "Z===", "Zg==Zg==", "Z=g=", "Zm9v\n", "Zm 9", "Zm-_",
		"Zh==", "Zm9=", "Zm9v=", "Zm9\x80", "=Zg=",
	};
	char back[32];
	size_t got;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (base64_decode(bad[i], strlen(bad[i]), back, sizeof(back), &got) != ERR_INVALID)
			fprintf(stderr, "# accepted \"%s\"\n", bad[i]);
		CHECK_INT(ERR_INVALID, base64_decode(bad[i], strlen(bad[i]), back, sizeof(back), &got));
	}
}

static int
number(const char *s, uint64_t *v)
{
	return parse_u64(s, strlen(s), v);
}

static void
test_numbers(void)
{
	uint64_t v = 7;

	CHECK_INT(0, number("18446744073709551615", &v));
	CHECK(v == UINT64_MAX);
	CHECK_INT(ERR_TOOBIG, number("18446744073709551616", &v));
	CHECK_INT(ERR_TOOBIG, number("99999999999999999999999", &v));
	CHECK_INT(ERR_INVALID, number("99999999999999999999999x", &v));
	CHECK_INT(ERR_INVALID, number("", &v));
	CHECK_INT(ERR_INVALID, number("+1", &v));
	CHECK_INT(ERR_INVALID, number("-1", &v));
	CHECK_INT(ERR_INVALID, number(" 1", &v));
	CHECK_INT(ERR_INVALID, number("1 ", &v));
	CHECK_INT(0, number("007", &v));
	CHECK_INT(7, v);
}

static void
test_sizes(void)
{
	uint64_t v;

	CHECK(!parse_size("4096", &v) && v == 4096);
	CHECK(!parse_size("64MiB", &v) && v == 64u << 20);
	CHECK(!parse_size("5GB", &v) && v == 5000000000);
	CHECK(!parse_size("3B", &v) && v == 3);
	CHECK(!parse_size("2TiB", &v) && v == 2ull << 40);
	CHECK(!parse_size("1TB", &v) && v == 1000000000000);
	CHECK_INT(ERR_INVALID, parse_size("MiB", &v));
	CHECK_INT(ERR_INVALID, parse_size("", &v));
	CHECK_INT(ERR_INVALID, parse_size("1 MiB", &v));
	CHECK_INT(ERR_INVALID, parse_size("1M", &v));
	CHECK_INT(ERR_INVALID, parse_size("-1", &v));
	CHECK_INT(ERR_INVALID, parse_size("1.5GiB", &v));
	CHECK_INT(ERR_INVALID, parse_size("18446744073709551615KiB", &v));
}

static void
test_durations(void)
{
	int64_t v;

	CHECK(!parse_duration("30s", &v) && v == 30000);
	CHECK(!parse_duration("15min", &v) && v == 900000);
	CHECK(!parse_duration("6h", &v) && v == 21600000);
	CHECK(!parse_duration("7d", &v) && v == 604800000);
	CHECK(!parse_duration("4w", &v) && v == 2419200000);
	CHECK(!parse_duration("3mo", &v) && v == 90ll * 86400000);
	CHECK(!parse_duration("1y", &v) && v == 365ll * 86400000);
	CHECK(!parse_duration("0", &v) && v == 0);
	CHECK_INT(ERR_INVALID, parse_duration("5m", &v));
	CHECK_INT(ERR_INVALID, parse_duration("5", &v));
	CHECK_INT(ERR_INVALID, parse_duration("", &v));
	CHECK_INT(ERR_INVALID, parse_duration("s", &v));
	CHECK_INT(ERR_INVALID, parse_duration("9223372036854775807s", &v));
	CHECK_INT(ERR_INVALID, parse_duration("10000000000000000s", &v));
}

/* What RFC 3629 says, written the slow way: decode, then look at the code. */
static bool
slow_valid(const uint8_t *p, size_t len)
{
	static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n;
	uint32_t code;

	for (size_t i = 0; i < len; i += n) {
		n = p[i] < 0x80 ? 1 : p[i] >> 5 == 6 ? 2 : p[i] >> 4 == 14 ? 3 : p[i] >> 3 == 30 ? 4 : 0;
		if (!n || i + n > len)
			return false;
		code = n == 1 ? p[i] : p[i] & (0x7fu >> n);
		for (size_t j = 1; j < n; j++) {
			if (p[i + j] >> 6 != 2)
				return false;
			code = code << 6 | (p[i + j] & 63);
		}
		if (code < least[n] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
			return false;
	}
	return true;
}

static void
test_utf8_all_short_strings(void)
{
	uint8_t s[3];

	for (uint32_t v = 0; v < 1u << 24; v++) {
		s[0] = (uint8_t)(v >> 16);
		s[1] = (uint8_t)(v >> 8);
		s[2] = (uint8_t)v;
		CHECK(utf8_valid(s, 3) == slow_valid(s, 3));
	}
}

static void
test_utf8_at_every_place(void)
{
	static const char *const good[] = { "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf", "a" };
	static const char *const bad[] = {
		"\xf4\x90\x80\x80", "\xf0\x8f\xbf\xbf", "\xed\xa0\x80", "\xc0\x80", "\xff", "\x80", "\xe2\x82",
		"\xf0\x9f\x98",
	};
	char text[40];

	for (size_t at = 0; at < 24; at++) {
		for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
			snprintf(text, sizeof(text), "%.*s%s%s", (int)at, "abcdefghijklmnopqrstuvwx", good[i], "tail of it");
			CHECK(utf8_valid(text, strlen(text)));
			CHECK(utf8_valid(text, at + strlen(good[i])));
		}
		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
			snprintf(text, sizeof(text), "%.*s%s%s", (int)at, "abcdefghijklmnopqrstuvwx", bad[i], "tail of it");
			CHECK(!utf8_valid(text, strlen(text)));
			CHECK(!utf8_valid(text, at + strlen(bad[i])));
		}
	}
	CHECK(utf8_valid(NULL, 0));
}

static void
test_secrets(void)
{
	CHECK(bytes_equal_secret("abc", "abc", 3) && bytes_equal_secret("a", "b", 0));
	CHECK(!bytes_equal_secret("abc", "abd", 3) && !bytes_equal_secret("xbc", "abc", 3));
}

static void
test_distance(void)
{
	CHECK_INT(0, str_distance("bucket", "bucket"));
	CHECK_INT(3, str_distance("kitten", "sitting"));
	CHECK_INT(3, str_distance("", "abc"));
	CHECK_INT(2, str_distance("chekc", "check"));
	CHECK_INT(15, str_distance("aaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbb"));
	CHECK(str_distance("aaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaab") > 15);
	CHECK_INT(0, str_distance("aaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaa"));
}

static const struct test tests[] = {
	TEST(test_slices_and_ends), TEST(test_hex), TEST(test_base64), TEST(test_base64_is_strict),
	TEST(test_numbers), TEST(test_sizes), TEST(test_durations), TEST(test_utf8_all_short_strings),
	TEST(test_utf8_at_every_place), TEST(test_secrets), TEST(test_distance), TEST_END,
};
TEST_MAIN(tests)
