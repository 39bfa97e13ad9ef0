#include <string.h>

#include "err.h"
#include "le.h"
#include "str.h"

bool
slice_is(struct slice s, const char *str)
{
	size_t len = strlen(str);

	return s.len == len && (!len || !memcmp(s.p, str, len));
}

bool
str_starts(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

bool
str_ends(const char *s, const char *suffix)
{
	size_t len = strlen(s), want = strlen(suffix);

	return len >= want && !memcmp(s + len - want, suffix, want);
}

int
bytes_cmp(const void *a, size_t alen, const void *b, size_t blen)
{
	size_t len = alen < blen ? alen : blen;
	int c = len ? memcmp(a, b, len) : 0;

	if (c)
		return c;
	return alen < blen ? -1 : alen > blen;
}

/* The digits of four bytes, each a byte of the result: spread to nibbles, the high one first, then all at once to letters. */
static uint64_t
hex_eight(uint32_t four)
{
	const uint64_t ones = 0x0101010101010101u;
	uint64_t v = four;

	v = (v | v << 16) & 0x0000ffff0000ffffu;
	v = (v | v << 8) & 0x00ff00ff00ff00ffu;
	v = (v >> 4 & 0x000f000f000f000fu) | (v & 0x000f000f000f000fu) << 8;
	return v + '0' * ones + ((v + 6 * ones) >> 4 & ones) * ('a' - '9' - 1);
}

void
hex_encode(const void *bytes, size_t len, char *hex)
{
	const uint8_t *p = bytes;

	for (; len >= 4; p += 4, len -= 4, hex += 8)
		le_put64(hex, hex_eight(le_get32(p)));
	for (; len > 0; p++, len--, hex += 2)
		le_put(hex, hex_eight(*p), 2);
	*hex = '\0';
}

/* The value of each hex digit plus one, so that 0 is "none". */
static const uint8_t hex_value[256] = {
	['0'] = 1, ['1'] = 2, ['2'] = 3, ['3'] = 4, ['4'] = 5, ['5'] = 6, ['6'] = 7, ['7'] = 8,
	['8'] = 9, ['9'] = 10,
	['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
	['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

int
hex_decode(const char *hex, size_t hexlen, void *bytes, size_t len)
{
	uint8_t *to = bytes;

	if (hexlen / 2 != len || hexlen % 2)
		return ERR_INVALID;
	for (size_t i = 0; i < hexlen; i++)
		if (!hex_value[(uint8_t)hex[i]])
			return ERR_INVALID;
	for (size_t i = 0; i < len; i++)
		to[i] = (uint8_t)((hex_value[(uint8_t)hex[2 * i]] - 1) << 4 |
		    (hex_value[(uint8_t)hex[2 * i + 1]] - 1));
	return 0;
}

int
parse_u64(const char *s, size_t len, uint64_t *value)
{
	uint64_t v = 0;

	if (!len)
		return ERR_INVALID;
	for (size_t i = 0; i < len; i++)
		if (s[i] < '0' || s[i] > '9')
			return ERR_INVALID;
	for (size_t i = 0; i < len; i++)
		if (__builtin_mul_overflow(v, 10u, &v) || __builtin_add_overflow(v, (uint64_t)(s[i] - '0'), &v))
			return ERR_TOOBIG;
	*value = v;
	return 0;
}

struct unit {
	const char *name;
	uint64_t factor;
};

/* A whole number followed by one of `units` (ended by a NULL name); ERR_INVALID also past UINT64_MAX. */
static int
parse_unit(const char *s, const struct unit *units, uint64_t *value)
{
	size_t digits = strspn(s, "0123456789");
	uint64_t number, v;

	if (parse_u64(s, digits, &number))
		return ERR_INVALID;
	for (; units->name; units++) {
		if (strcmp(s + digits, units->name))
			continue;
		if (__builtin_mul_overflow(number, units->factor, &v))
			return ERR_INVALID;
		*value = v;
		return 0;
	}
	return ERR_INVALID;
}

int
parse_size(const char *s, uint64_t *bytes)
{
	static const struct unit units[] = {
		{ "", 1 }, { "B", 1 },
		{ "KiB", 1ull << 10 }, { "MiB", 1ull << 20 }, { "GiB", 1ull << 30 }, { "TiB", 1ull << 40 },
		{ "KB", 1000 }, { "MB", 1000000 }, { "GB", 1000000000 }, { "TB", 1000000000000 },
		{ NULL, 0 },
	};

	return parse_unit(s, units, bytes);
}

int
parse_duration(const char *s, int64_t *ms)
{
	static const uint64_t day = 86400000;
	static const struct unit units[] = {
		{ "s", 1000 }, { "min", 60000 }, { "h", 3600000 }, { "d", day }, { "w", 7 * day },
		{ "mo", 30 * day }, { "y", 365 * day },
		{ NULL, 0 },
	};
	uint64_t v;

	if (!strcmp(s, "0")) {
		*ms = 0;
		return 0;
	}
	if (parse_unit(s, units, &v) || v > INT64_MAX)
		return ERR_INVALID;
	*ms = (int64_t)v;
	return 0;
}

/* The length of the character that starts at `p` with a byte of 0x80 or more, or 0 (RFC 3629, 4). */
static size_t
utf8_multi(const uint8_t *p, size_t len)
{
	uint8_t low = 0x80, high = 0xbf;	/* of the second byte */
	size_t n;

	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		n = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		n = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (p[0] == 0xe0)
		low = 0xa0;	/* below: overlong */
	else if (p[0] == 0xed)
		high = 0x9f;	/* above: surrogates */
	else if (p[0] == 0xf0)
		low = 0x90;	/* below: overlong */
	else if (p[0] == 0xf4)
		high = 0x8f;	/* above: past U+10FFFF */
	if (n > len || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

bool
utf8_valid(const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	uint64_t eight;
	size_t n;

	while (len > 0) {
		if (len >= 8) {
			memcpy(&eight, p, 8);
			if (!(eight & 0x8080808080808080ull)) {
				p += 8;
				len -= 8;
				continue;
			}
		}
		n = p[0] < 0x80 ? 1 : utf8_multi(p, len);
		if (!n)
			return false;
		p += n;
		len -= n;
	}
	return true;
}

bool
bytes_equal_secret(const void *a, const void *b, size_t len)
{
	const volatile uint8_t *x = a, *y = b;
	uint8_t differ = 0;

	for (size_t i = 0; i < len; i++)
		differ |= x[i] ^ y[i];
	return !differ;
}

#define DISTANCE_MAX 15

/* Levenshtein's, one row at a time. */
int
str_distance(const char *a, const char *b)
{
	size_t alen = strlen(a), blen = strlen(b);
	int row[DISTANCE_MAX + 1], left, corner, best;

	if (alen > DISTANCE_MAX || blen > DISTANCE_MAX)
		return strcmp(a, b) ? 2 * DISTANCE_MAX : 0;
	for (size_t j = 0; j <= blen; j++)
		row[j] = (int)j;
	for (size_t i = 1; i <= alen; i++) {
		corner = row[0];
		left = row[0] = (int)i;
		for (size_t j = 1; j <= blen; j++) {
			best = corner + (a[i - 1] != b[j - 1]);
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (left + 1 < best)
				best = left + 1;
			corner = row[j];
			left = row[j] = best;
		}
	}
	return row[blen];
}
