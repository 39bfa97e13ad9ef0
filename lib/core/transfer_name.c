#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "transfer.h"

#define NAME_MAX_BYTES 255
#define DEVICE_MAX 60
#define MARK " (conflict "

/* Cuts at a character of UTF-8. */
static size_t
cut(const char *s, size_t len, size_t max)
{
	if (len <= max)
		return len;
	while (max && ((unsigned char)s[max] & 0xc0) == 0x80)
		max--;
	return max;
}

/* ".ext" at the end, if it is one: short, and not the whole name. */
static size_t
extension(struct slice name)
{
	for (size_t i = name.len; i-- > 1 && name.len - i <= 16;)
		if (name.p[i] == '.')
			return name.len - i;
	return 0;
}

/* Where the mark of an earlier conflict begins at the end of a stem; its length if there is none. */
static size_t
without_mark(const char *stem, size_t len)
{
	static const char mark[] = MARK;
	const size_t n = sizeof(mark) - 1;

	if (len < n || stem[len - 1] != ')')
		return len;
	for (size_t i = len - n; i > 0; i--)
		if (!memcmp(stem + i, mark, n))
			return i;
	return len;
}

void
transfer_conflict_name(struct slice name, struct slice device, int64_t now_us, unsigned n, char out[256])
{
	size_t ext = extension(name), stem = without_mark(name.p, name.len - ext), len;
	size_t dev = cut(device.p, device.len, DEVICE_MAX);
	time_t now = (time_t)(now_us / 1000000);
	char mark[160], when[32], more[16] = "";
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(when, sizeof(when), "%Y-%m-%d %H%M%S", &tm);
	if (n > 1)
		snprintf(more, sizeof(more), " %u", n);
	len = (size_t)snprintf(mark, sizeof(mark), MARK "%.*s %s%s)", (int)dev, device.p, when, more);
	/* A device may be called anything; a name may not have slashes or control characters. */
	for (size_t i = 0; i < len; i++)
		if (mark[i] == '/' || iscntrl((unsigned char)mark[i]))
			mark[i] = '_';
	stem = cut(name.p, stem, NAME_MAX_BYTES - len - ext);
	snprintf(out, 256, "%.*s%s%.*s", (int)stem, name.p, mark, (int)ext, name.p + name.len - ext);
}
