#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "err.h"
#include "range.h"

/*
 * A run of digits at *p; numbers past UINT64_MAX become UINT64_MAX, which is behind every object.
 * False if there is none.
 */
static bool
number(const char **p, const char *end, uint64_t *value)
{
	const char *start = *p;
	uint64_t n = 0;

	for (; *p < end && **p >= '0' && **p <= '9'; ++*p) {
		uint64_t digit = (uint64_t)(**p - '0');

		n = n > (UINT64_MAX - digit) / 10 ? UINT64_MAX : n * 10 + digit;
	}
	*value = n;
	return *p > start;
}

struct spec {
	bool has_first, has_last;
	uint64_t first, last;
};

static int
parse(const char *text, size_t len, struct spec *s)
{
	const char *p = text, *end = text + len;

	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	if (end - p < 6 || strncasecmp(p, "bytes=", 6))
		return ERR_INVALID;
	for (p += 6; p < end && *p == ' '; p++)
		;
	s->has_first = number(&p, end, &s->first);
	if (p == end || *p++ != '-')
		return ERR_INVALID;
	s->has_last = number(&p, end, &s->last);
	if (p != end || (!s->has_first && !s->has_last))
		return ERR_INVALID;
	return s->has_first && s->has_last && s->last < s->first ? ERR_INVALID : 0;
}

int
range_parse(const char *text, size_t len, uint64_t size, struct range *range)
{
	struct spec s = { 0 };
	int rc;

	if ((rc = parse(text, len, &s)) != 0)
		return rc;
	if (!s.has_first) {
		if (!s.last || !size)
			return ERR_RANGE;
		range->len = s.last < size ? s.last : size;
		range->from = size - range->len;
		return 0;
	}
	if (s.first >= size)
		return ERR_RANGE;
	range->from = s.first;
	range->len = s.has_last && s.last < size ? s.last - s.first + 1 : size - s.first;
	return 0;
}

int
range_parse_copy(const char *text, size_t len, uint64_t size, struct range *range)
{
	struct spec s = { 0 };
	int rc;

	if ((rc = parse(text, len, &s)) != 0)
		return rc;
	if (!s.has_first || !s.has_last)
		return ERR_INVALID;
	if (s.last >= size)
		return ERR_RANGE;
	*range = (struct range) { s.first, s.last - s.first + 1 };
	return 0;
}
