#include <stdlib.h>
#include <unicase.h>
#include <uninorm.h>

#include "err.h"
#include "fold.h"
#include "str.h"

/* FNV-1a. */
static uint64_t
hash(const uint8_t *p, size_t len)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 0x100000001b3u;
	return h;
}

/* Most names: one pass without memory. Returns the bytes done. */
static size_t
fold_ascii(const uint8_t *p, size_t len, uint64_t *number)
{
	uint64_t h = 0xcbf29ce484222325u;
	size_t i;

	for (i = 0; i < len && p[i] < 0x80; i++)
		h = (h ^ (p[i] >= 'A' && p[i] <= 'Z' ? p[i] + 32u : p[i])) * 0x100000001b3u;
	*number = h;
	return i;
}

int
fold_name(const char *name, size_t len, uint64_t *number)
{
	const uint8_t *p = (const uint8_t *)name;
	uint8_t room[1024], *folded;
	size_t n = sizeof(room);

	if (fold_ascii(p, len, number) == len)
		return 0;
	if (!utf8_valid(p, len)) {
		*number = hash(p, len);
		return 0;
	}
	if (!(folded = u8_casefold(p, len, NULL, UNINORM_NFC, room, &n)))
		return ERR_NOMEM;
	*number = hash(folded, n);
	if (folded != room)
		free(folded);
	return 0;
}
